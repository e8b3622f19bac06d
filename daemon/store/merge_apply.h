/* merge_apply.h - carries verdicts into the replica: rows' verdicts, records, trails (R1, R9, P10).
 * The daemon's and the simulator's replica call it once for each scope settled, in the transaction
 * that appended the entries. Knows the store through store.h alone. */
#ifndef SOUD_MERGE_APPLY_H
#define SOUD_MERGE_APPLY_H

#include "daemon/store/store.h"

struct soud_merge; /* scratch memory, kept from call to call; one for each writer */

int soud_merge_new(struct soud_merge **out);
void soud_merge_free(struct soud_merge *m);

/* What changed in a record of which somebody may hold a view. */
struct soud_merge_touched {
	uint16_t kind;
	struct sou_id entity;
};

/* `changes`: what sou_scope_settle gave for this scope since the last call. The log tells what was
 * merged before, so a change that it knows already (an engine that was loaded anew) costs one read.
 * `again`: arrivals of entries that got a payload after their header, or of which a redact op names
 * a value now; in any order, repeats are fine. Errors of the store; SOU_ENOMEM. After an error the
 * caller rolls back and drops the engine. */
int soud_merge_apply(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		     const struct sou_scope *engine, const struct sou_authority *authority,
		     const struct sou_change *changes, size_t count, const uint64_t *again,
		     size_t again_count);

/* Records whose registers, marks or gaps differ after the last soud_merge_apply; until the next
 * one. */
const struct soud_merge_touched *soud_merge_touched(const struct soud_merge *m, size_t *count);

/* R22: is the stored record what the entries of its trail give? Nothing is written, so that a
 * reader's handle does. SOU_ECORRUPT: its trail leads nowhere. */
int soud_merge_same(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		    const struct sou_scope *engine, const struct sou_authority *authority,
		    const struct sou_record *stored, bool *same);

#endif
