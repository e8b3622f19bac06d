/* merge_apply.c - takes entries into their records in order of arrival, and builds those records
 * anew of which an older entry changed its verdict or lost a value.
 *
 * What a record held before is right for the entries taken in before; so is each step. An entry
 * whose `shown` flips breaks that for the records it writes, and for these alone: whatever other
 * records know of it is that it is stored. */
#include "daemon/store/merge_int.h"
#include "proto/grow.h"
#include "proto/schema.h"

static int damaged(int rc)
{
	return rc == SOU_ENOMEM ? rc : SOU_ECORRUPT;
}

/* Is this op a version or a delete (P10.1)? */
static bool counts(const struct sou_op *op)
{
	return op->kind != SOU_KIND_COPY;
}

/* --- Taking in --- */

static int take_op(struct soud_merge *m, const struct sou_version *v, const struct sou_op *op)
{
	struct merge_slot *slot;
	bool changed = false;
	int rc = merge_slot_get(m, op->kind, &op->entity, &slot);
	if (rc == SOU_OK && slot->trailed != v->pos) {
		rc = soud_store_trail_put(m->store, &slot->record, v->pos);
		slot->trailed = v->pos;
		slot->dirty = true;
	}
	if (rc != SOU_OK || merge_is_marked(m, op->kind, &op->entity))
		return rc;
	bool gaps = slot->record.gap_count > 0;
	rc = sou_record_add(&slot->record, v, &m->view, &changed);
	slot->changed = slot->changed || changed;
	m->gappy_count += !gaps && slot->record.gap_count > 0;
	m->named = m->named || slot->record.named_count > 0;
	return rc;
}

/* `hidden` of the records that the entry wrote, now that it is taken in whole (merge.h). */
static int cover(struct soud_merge *m, uint64_t pos)
{
	for (uint32_t i = 0; i < m->payload.op_count; i++) {
		const struct sou_op *op = &m->payload.ops[i];
		struct merge_slot *slot;
		bool changed = false;
		if (!counts(op))
			continue;
		int rc = merge_slot_get(m, op->kind, &op->entity, &slot);
		if (rc == SOU_OK && slot->record.named_count > 0 && slot->covered != pos &&
		    !merge_is_marked(m, op->kind, &op->entity))
			rc = sou_record_cover(&slot->record, &m->view, &changed);
		if (rc != SOU_OK)
			return rc;
		slot->covered = pos;
		slot->changed = slot->changed || changed;
	}
	return SOU_OK;
}

static void fill_slot(struct soud_merge *m, struct merge_slot *slot, const struct sou_id *version)
{
	struct sou_record *record = &slot->record;
	if (merge_is_marked(m, record->kind, &record->entity))
		return;
	for (uint32_t i = record->gap_count; i > 0; i--)
		if (sou_id_eq(&record->gaps[i - 1].version, version)) {
			sou_record_fill(record, record->gaps[i - 1].field, version);
			slot->filled = true;
		}
}

/* Records that named this entry in a field that it does not write: no gap any more (P10.2). */
static int fill_gaps(struct soud_merge *m, const struct sou_id *version)
{
	uint64_t place = 0;
	for (uint32_t i = 0; m->gappy_count > 0 && i < m->slot_count; i++)
		fill_slot(m, &m->slots[i], version);
	for (;;) {
		uint16_t kind;
		struct sou_id entity;
		struct merge_slot *slot;
		int rc = soud_store_gap_next(m->store, m->scope, version, &place, &kind, &entity);
		if (rc == SOU_EUNKNOWN)
			return SOU_OK;
		if (rc == SOU_OK)
			rc = merge_slot_get(m, kind, &entity, &slot);
		if (rc != SOU_OK)
			return rc;
		fill_slot(m, slot, version);
	}
}

int merge_take(struct soud_merge *m, const struct soud_row *row, bool shown)
{
	struct sou_header header;
	struct sou_span payload;
	struct sou_id version = sou_hash_half(&row->id);
	m->at = row->arrival;
	m->named = false;
	if (row->payload.n == 0)
		return SOU_OK;
	if (row->kind == SOU_ENTRY_DATA && row->body == SOU_BODY_OK) {
		int rc = merge_keep_bytes(m, row->payload, &payload);
		if (rc == SOU_OK)
			rc = sou_payload_read(&m->payload, payload);
		if (rc == SOU_OK)
			rc = sou_header_read(&header, row->header);
		if (rc != SOU_OK)
			return damaged(rc);
		for (uint32_t i = 0; i < m->payload.op_count; i++) {
			const struct sou_op *op = &m->payload.ops[i];
			if (!counts(op))
				continue;
			struct sou_version v = merge_version(m, &row->id, &header, row->arrival,
							     shown, op, (uint16_t)i);
			rc = take_op(m, &v, op);
			if (rc != SOU_OK)
				return rc;
		}
	}
	int rc = m->named ? cover(m, row->arrival) : SOU_OK;
	if (rc == SOU_OK)
		rc = fill_gaps(m, &version);
	return rc == SOU_OK && m->slot_count >= MERGE_RECORDS_MAX ? merge_flush(m) : rc;
}

/* --- What changed before --- */

static int mark_records(struct soud_merge *m, const struct soud_row *row)
{
	if (row->kind != SOU_ENTRY_DATA || row->body != SOU_BODY_OK)
		return SOU_OK;
	int rc = sou_payload_read(&m->other, row->payload);
	if (rc != SOU_OK)
		return damaged(rc);
	for (uint32_t i = 0; rc == SOU_OK && i < m->other.op_count; i++)
		if (counts(&m->other.ops[i]))
			rc = merge_mark(m, m->other.ops[i].kind, &m->other.ops[i].entity);
	return rc;
}

static int note_late(struct soud_merge *m, uint64_t arrival)
{
	uint32_t at = m->late_count;
	while (at > 0 && m->late[at - 1] > arrival)
		at--;
	if (at > 0 && m->late[at - 1] == arrival)
		return SOU_OK;
	uint64_t *all = sou_grow(m->late, &m->late_room, m->late_count, 1, sizeof *all);
	if (all == NULL)
		return SOU_ENOMEM;
	m->late = all;
	memmove(all + at + 1, all + at, (m->late_count - at) * sizeof *all);
	all[at] = arrival;
	m->late_count++;
	return SOU_OK;
}

/* One entry of an earlier transaction, or of an earlier call in this one. */
static int look_again(struct soud_merge *m, uint64_t arrival, const struct sou_change *change)
{
	struct soud_row row;
	if (change == NULL && merge_is_late(m, arrival))
		return SOU_OK; /* it was among the changes */
	int rc = soud_store_log_get(m->store, m->scope, arrival, &row);
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	uint8_t verdict = change != NULL ? change->after : row.verdict;
	bool shown = change != NULL ? change->shown_after : row.shown;
	bool late = row.late;
	bool differs = verdict != row.verdict || shown != row.shown;
	if (late)
		rc = note_late(m, arrival);
	else if (change == NULL || shown != row.shown)
		rc = mark_records(m, &row);
	if (rc == SOU_OK && (differs || (late && change != NULL)))
		rc = soud_store_log_verdict(m->store, m->scope, arrival, verdict, shown);
	return rc;
}

static int end_late(struct soud_merge *m)
{
	for (uint32_t i = 0; i < m->late_count; i++) {
		struct soud_row row;
		int rc = soud_store_log_get(m->store, m->scope, m->late[i], &row);
		if (rc == SOU_OK && row.late)
			rc = soud_store_log_verdict(m->store, m->scope, m->late[i], row.verdict,
						    row.shown);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

/* --- Building anew --- */

static int add_versions(struct soud_merge *m, const struct soud_merge_touched *of,
			const struct soud_row *row)
{
	struct sou_header header;
	struct sou_span payload;
	int rc = merge_keep_bytes(m, row->payload, &payload);
	if (rc == SOU_OK)
		rc = sou_payload_read(&m->other, payload);
	if (rc == SOU_OK)
		rc = sou_header_read(&header, row->header);
	if (rc != SOU_OK)
		return damaged(rc);
	for (uint32_t i = 0; i < m->other.op_count; i++) {
		const struct sou_op *op = &m->other.ops[i];
		if (op->kind != of->kind || !sou_id_eq(&op->entity, &of->entity))
			continue;
		struct sou_version *all =
			sou_grow(m->versions, &m->version_room, m->version_count, 1, sizeof *all);
		if (all == NULL)
			return SOU_ENOMEM;
		m->versions = all;
		all[m->version_count++] = merge_version(m, &row->id, &header, row->arrival,
							row->shown, op, (uint16_t)i);
	}
	return SOU_OK;
}

int merge_build(struct soud_merge *m, const struct soud_merge_touched *of)
{
	struct merge_slot *slot;
	int rc = merge_slot_get(m, of->kind, &of->entity, &slot);
	if (rc != SOU_OK)
		return rc;
	m->version_count = 0;
	for (uint64_t place = slot->record.trail, arrival;;) {
		struct soud_row row;
		rc = soud_store_trail_next(m->store, &place, &arrival);
		if (rc == SOU_EUNKNOWN)
			break;
		if (rc == SOU_OK)
			rc = soud_store_log_get(m->store, m->scope, arrival, &row);
		if (rc == SOU_OK)
			rc = add_versions(m, of, &row);
		if (rc != SOU_OK)
			return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	}
	rc = sou_record_build(&slot->record, m->versions, m->version_count, &m->view);
	slot->changed = true;
	return rc;
}

/* --- */

static int take_all(struct soud_merge *m)
{
	struct soud_row row;
	for (uint32_t i = 0; i < m->late_count; i++) {
		int rc = soud_store_log_get(m->store, m->scope, m->late[i], &row);
		if (rc == SOU_OK)
			rc = merge_take(m, &row, row.shown);
		if (rc != SOU_OK)
			return rc;
	}
	for (uint64_t after = m->fresh - 1; m->fresh != 0;) {
		int rc = soud_store_log_next(m->store, m->scope, after, &row);
		if (rc == SOU_EUNKNOWN)
			return SOU_OK;
		if (rc == SOU_OK)
			rc = merge_take(m, &row, row.shown);
		if (rc != SOU_OK)
			return rc;
		after = row.arrival;
	}
	return SOU_OK;
}

int soud_merge_apply(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		     const struct sou_scope *engine, const struct sou_authority *authority,
		     const struct sou_change *changes, size_t count, const uint64_t *again,
		     size_t again_count)
{
	int rc = SOU_OK;
	merge_begin(m, s, scope, authority);
	m->engine = engine;
	m->fresh = soud_store_log_fresh(s, scope);
	for (size_t i = 0; rc == SOU_OK && i < count; i++)
		if (m->fresh == 0 || changes[i].pos < m->fresh)
			rc = look_again(m, changes[i].pos, &changes[i]);
	for (size_t i = 0; rc == SOU_OK && i < again_count; i++)
		if (m->fresh == 0 || again[i] < m->fresh)
			rc = look_again(m, again[i], NULL);
	if (rc == SOU_OK)
		rc = take_all(m);
	if (rc == SOU_OK)
		rc = end_late(m);
	if (rc == SOU_OK)
		rc = merge_flush(m);
	m->at = UINT64_MAX;
	for (uint32_t i = 0; rc == SOU_OK && i < m->rebuild_count; i++) {
		rc = merge_build(m, &m->rebuild[i]);
		if (rc == SOU_OK)
			rc = merge_flush(m);
	}
	if (rc == SOU_OK)
		soud_store_log_merged(s, scope);
	return rc;
}
