/* history.h - all versions of one field of one record that are stored here: what is live, what is
 * held and not named by what is live, and on what the live ones stand together (R9, P10.2). */
#ifndef SOUD_PLAN_HISTORY_H
#define SOUD_PLAN_HISTORY_H

#include "daemon/plan/look.h"

/* A field with more versions than this is looked at no further back: the oldest are left out. */
#define SOUD_HISTORY_VERSIONS_MAX 2048u

struct soud_version {
	struct sou_id version;
	uint64_t arrival, hlc;
	uint16_t op; /* index in its payload */
	uint8_t clock, verdict;
	bool shown, redacted;
	bool live;     /* in the register */
	bool standing; /* live, or held and not an ancestor of another that stands */
	const struct sou_id *replaces;
	uint32_t replace_count;
	struct sou_span value; /* canonical bytes in the pool; n 0: went */
};

struct soud_history { /* in the pool; newest arrival first */
	struct soud_version *versions;
	size_t count;
	const struct soud_version **by_id; /* the same, ascending by version id */
	const struct soud_version *base;   /* the nearest on which all live ones stand; NULL */
};

/* `record` as the store gave it. */
int soud_history_read(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		      uint16_t field, struct soud_pool *pool, struct soud_history *out);

const struct soud_version *soud_history_find(const struct soud_history *h,
					     const struct sou_id *version);

#endif
