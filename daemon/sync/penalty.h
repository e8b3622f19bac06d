/* penalty.h - keys whose links are not taken for a while, since signatures that they brought did
 * not verify (R17): a minute, then twice as long each time, at most an hour. A key that kept quiet
 * for as long again begins anew. Pure but for its memory; the loop thread's. */
#ifndef SOUD_PENALTY_H
#define SOUD_PENALTY_H

#include <stdbool.h>

#include "proto/id.h"
#include "proto/limits.h"

struct soud_penalty { /* zeroed is valid */
	struct {
		struct sou_hash tls; /* key hash */
		uint64_t until_ms, ms;
	} of[SOU_PENALTIES_MAX]; /* ms 0: free */
};

/* From now on; where all places are taken, the one that ends first makes room. Gives its length. */
uint64_t soud_penalty_put(struct soud_penalty *p, const struct sou_hash *tls, uint64_t now_ms);
/* Is a link of this key not taken now? */
bool soud_penalty_holds(const struct soud_penalty *p, const struct sou_hash *tls, uint64_t now_ms);

#endif
