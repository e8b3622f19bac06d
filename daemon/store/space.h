/* space.h - how much room the disk of a data directory has, what that permits, and the reserve
 * that is kept for what must still get through (R21).
 *
 *   state       free bytes                              taken
 *   OK          enough                                  all
 *   LOW         < 512 MiB, or < 5 % of the disk         all, and it is said
 *   READ_ONLY   < 64 MiB; ends at 64 MiB, and where     authority and fork evidence, for which the
 *               the reserve is gone at 16 MiB more      reserve is given up below 16 MiB
 *
 * The reserve is DATA/reserve, 16 MiB that are really allotted, made anew as soon as there is room.
 * Any thread may call; `look` costs one statvfs. */
#ifndef SOUD_SPACE_H
#define SOUD_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/error.h"

enum soud_space_state {
	SOUD_SPACE_OK,
	SOUD_SPACE_LOW,
	SOUD_SPACE_READ_ONLY,
};

struct soud_space_now {
	enum soud_space_state state;
	uint64_t free_bytes, all_bytes; /* for us, without what only root may use */
	bool reserve;                   /* it is there, and whole */
};

/* What is to be written: how much of it can wait for room. */
enum soud_space_need {
	SOUD_NEED_ENTRIES,   /* a person's acts, entries of others: not while READ_ONLY */
	SOUD_NEED_MARKS,     /* positions, settings: as long as a reserve's worth is left */
	SOUD_NEED_AUTHORITY, /* authority ops, evidence of a fork: always */
};

struct soud_space;

/* Bytes free and in all on the disk of `dir`; SOU_OK or SOU_EIO. For tests. */
typedef int soud_space_probe(void *ctx, const char *dir, uint64_t *free_bytes, uint64_t *all_bytes);

/* Looks at once, and makes the reserve where there is room. probe NULL: the system's. SOU_ENOMEM,
 * SOU_ELIMIT (a long name), SOU_EIO. */
int soud_space_new(struct soud_space **out, const char *dir, soud_space_probe *probe, void *ctx,
		   struct sou_err *err);
void soud_space_free(struct soud_space *s); /* NULL is fine; the reserve stays */

/* How it is now. A disk that cannot be asked keeps the state that it had. */
struct soud_space_now soud_space_look(struct soud_space *s);
/* May this be written now? Looks, and gives the reserve up where `need` is worth it. */
bool soud_space_takes(struct soud_space *s, enum soud_space_need need);

/* "ok", "low", "read_only": in the API. */
const char *soud_space_name(enum soud_space_state state);

#endif
