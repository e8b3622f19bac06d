/* merge_check.c - one record built anew from the entries of its trail and held against the stored
 * one (R22). Nothing is written. */
#include "daemon/store/merge_int.h"

static bool live_same(const struct sou_live *a, const struct sou_live *b)
{
	return sou_id_eq(&a->version, &b->version) && a->pos == b->pos && a->op == b->op &&
	       a->redacted == b->redacted && a->value.n == b->value.n &&
	       (a->value.n == 0 || a->value.p == NULL || b->value.p == NULL ||
		memcmp(a->value.p, b->value.p, a->value.n) == 0);
}

static bool record_same(const struct sou_record *a, const struct sou_record *b)
{
	if (a->hidden != b->hidden || a->conflict != b->conflict ||
	    a->incomplete != b->incomplete || a->live_count != b->live_count ||
	    a->gap_count != b->gap_count || a->named_count != b->named_count)
		return false;
	for (uint32_t i = 0; i < a->live_count; i++)
		if (!live_same(&a->lives[i], &b->lives[i]))
			return false;
	for (uint32_t i = 0; i < a->gap_count; i++)
		if (a->gaps[i].field != b->gaps[i].field ||
		    !sou_id_eq(&a->gaps[i].version, &b->gaps[i].version))
			return false;
	return true;
}

int soud_merge_same(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		    const struct sou_scope *engine, const struct sou_authority *authority,
		    const struct sou_record *stored, bool *same)
{
	struct merge_slot *slot;
	const struct soud_merge_touched of = {stored->kind, stored->entity};
	merge_begin(m, s, scope, authority);
	m->engine = engine;
	m->at = UINT64_MAX;
	int rc = merge_build(m, &of);
	if (rc == SOU_OK)
		rc = merge_slot_get(m, of.kind, &of.entity, &slot);
	if (rc == SOU_OK)
		*same = record_same(&slot->record, stored);
	merge_begin(m, s, scope, authority); /* forgets the slot: nothing is flushed */
	return rc;
}
