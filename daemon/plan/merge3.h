/* merge3.h - a proposal for two texts that grew out of one: what only one of them changed is taken
 * from it (design 4: offered to a person, never used by itself). By the characters that people see
 * (grapheme clusters; T-6: Japanese has no blanks to divide by). Pure. */
#ifndef SOUD_PLAN_MERGE3_H
#define SOUD_PLAN_MERGE3_H

#include "daemon/plan/pool.h"

/* *out is in the pool. SOU_ECONFLICT: both changed the same place, or places side by side, in
 * different ways. SOU_ELIMIT: too long to compare here. SOU_EINPUT: not UTF-8. SOU_ENOMEM. */
int soud_merge3(const char *base, const char *a, const char *b, struct soud_pool *pool,
		const char **out);

#endif
