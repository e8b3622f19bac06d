/* reopen.h - how often a replica whose disk failed is closed and opened anew (R21): seldom, and not
 * for ever. Pure: time comes in. */
#ifndef SOUD_REOPEN_H
#define SOUD_REOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"

struct soud_reopens {                          /* zeroed: it never failed */
	uint64_t at_ms[SOU_STORE_REOPENS_MAX]; /* of the last ones, a ring */
	uint64_t next_ms;                      /* not before */
	uint32_t count;                        /* ever, of those that count */
	bool given_up;                         /* for good: a person is needed */
};

/* May it be opened now? Yes counts as one; `counts` false: it failed for want of room alone, which
 * ends by itself, so that nothing is given up for it. now_ms: monotonic. */
bool soud_reopen(struct soud_reopens *r, uint64_t now_ms, bool counts);

#endif
