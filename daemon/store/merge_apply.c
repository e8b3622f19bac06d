/* merge_apply.c - from verdicts to records. In one call: rows get their verdicts; entries whose
 * payload is new are taken in, in order of arrival; records in which an entry appeared or vanished
 * are built anew from all that wrote to them. Whatever is not merged yet does not exist for the
 * merge (merge.h). */
#include "daemon/store/merge_apply.h"

#include <stdlib.h>

#include "proto/entry.h"
#include "proto/grow.h"
#include "proto/schema.h"

struct place { /* of a record */
	uint16_t kind;
	struct sou_id entity;
};

struct soud_merge {
	struct soud_store *s;
	uint32_t scope;
	const struct sou_scope *engine;
	const struct sou_authority *authority;
	uint64_t fresh,
		at;     /* first unmerged arrival (0: none); all of those up to `at` are merged */
	uint64_t *late; /* ascending: payload came after the header, not merged yet */
	uint32_t late_count, late_room, late_done;
	uint64_t *flips; /* shown or redacted otherwise than when it was merged */
	uint32_t flip_count, flip_room;
	struct place *anew; /* ascending, distinct: records to build */
	uint32_t anew_count, anew_room;
	struct soud_merge_touched *touched;
	uint32_t touched_count, touched_room;
	struct sou_entry entry, other;
	struct sou_buf row; /* copy of the row under way */
	struct sou_record record;
	struct sou_version *versions;
	uint32_t version_count, version_room;
	void **copies; /* of the payloads behind `versions` */
	uint32_t copy_count, copy_room;
};

int soud_merge_new(struct soud_merge **out)
{
	struct soud_merge *m = calloc(1, sizeof *m);
	if (m == NULL)
		return SOU_ENOMEM;
	*out = m;
	return SOU_OK;
}

static void drop_copies(struct soud_merge *m)
{
	for (uint32_t i = 0; i < m->copy_count; i++)
		free(m->copies[i]);
	m->copy_count = m->version_count = 0;
}

void soud_merge_free(struct soud_merge *m)
{
	if (m == NULL)
		return;
	drop_copies(m);
	free(m->late);
	free(m->flips);
	free(m->anew);
	free(m->touched);
	free(m->versions);
	free(m->copies);
	sou_entry_fini(&m->entry);
	sou_entry_fini(&m->other);
	sou_buf_fini(&m->row);
	sou_record_fini(&m->record);
	free(m);
}

const struct soud_merge_touched *soud_merge_touched(const struct soud_merge *m, size_t *count)
{
	*count = m->touched_count;
	return m->touched;
}

static int put_arrival(uint64_t **list, uint32_t *count, uint32_t *room, uint64_t arrival)
{
	uint64_t *v = sou_grow(*list, room, *count, 1, sizeof *v);
	if (v == NULL)
		return SOU_ENOMEM;
	*list = v;
	v[(*count)++] = arrival;
	return SOU_OK;
}

static int arrival_cmp(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;
	return *a < *b ? -1 : *a > *b;
}

static uint32_t distinct(uint64_t *list, uint32_t count)
{
	if (count == 0)
		return 0;
	qsort(list, count, sizeof *list, arrival_cmp);
	uint32_t kept = 1;
	for (uint32_t i = 1; i < count; i++)
		if (list[i] != list[kept - 1])
			list[kept++] = list[i];
	return kept;
}

static bool is_late(const struct soud_merge *m, uint64_t arrival)
{
	return m->late_count > 0 &&
	       bsearch(&arrival, m->late, m->late_count, sizeof *m->late, arrival_cmp) != NULL;
}

static bool is_merged(const struct soud_merge *m, uint64_t arrival)
{
	if (m->fresh != 0 && arrival >= m->fresh)
		return arrival <= m->at;
	if (!is_late(m, arrival))
		return true;
	for (uint32_t i = 0; i < m->late_done; i++)
		if (m->late[i] == arrival)
			return true;
	return false;
}

/* --- entries and their versions --- */

static int read_row(struct sou_entry *entry, const struct soud_row *row)
{
	int rc = sou_entry_read(entry, row->header, row->payload, &row->id);
	return rc == SOU_OK || rc == SOU_ENOMEM ? rc : SOU_ECORRUPT;
}

static bool has_versions(const struct soud_row *row)
{
	return row->kind == SOU_ENTRY_DATA && row->body == SOU_BODY_OK;
}

static struct sou_version version_of(const struct soud_merge *m, const struct sou_entry *entry,
				     const struct soud_row *row, uint32_t i)
{
	const struct sou_op *op = &entry->payload.ops[i];
	struct sou_version v = {.id = sou_hash_half(&row->id),
				.pos = row->arrival,
				.hlc = entry->header.hlc,
				.type = op->type,
				.field = op->field,
				.op = (uint16_t)i,
				.clock = entry->header.clock,
				.shown = row->shown,
				.replaces = op->replaces};
	/* A redact of a consent has no effect: its value is no commitment (R2, P6.4). */
	v.redacted = op->went || (op->is_committed && sou_authority_redacted(m->authority, &row->id,
									     (uint16_t)(i + 1)));
	if (!op->went)
		v.value = op->value;
	return v;
}

/* --- what the merge asks --- */

static int view_find(void *ctx, const struct sou_id *version, uint64_t *pos, bool *shown)
{
	struct soud_merge *m = ctx;
	struct sou_scope_entry e;
	struct soud_row row;
	if (sou_scope_get_version(m->engine, version, &e) != SOU_OK || e.body == SOU_BODY_NONE ||
	    !is_merged(m, e.pos))
		return SOU_EUNKNOWN;
	int rc = soud_store_log_get(m->s, m->scope, e.pos, &row);
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	*pos = e.pos;
	*shown = row.shown;
	return SOU_OK;
}

static int view_op(void *ctx, uint64_t pos, uint16_t kind, const struct sou_id *entity,
		   uint16_t field, struct sou_version *out)
{
	struct soud_merge *m = ctx;
	struct soud_row row;
	int rc = soud_store_log_get(m->s, m->scope, pos, &row);
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	if (!has_versions(&row))
		return SOU_EUNKNOWN;
	rc = read_row(&m->other, &row);
	if (rc != SOU_OK)
		return rc;
	for (uint32_t i = 0; i < m->other.payload.op_count; i++) {
		const struct sou_op *op = &m->other.payload.ops[i];
		if (op->kind == kind && op->field == field && sou_id_eq(&op->entity, entity) &&
		    op->type != SOU_OP_DELETE) {
			*out = version_of(m, &m->other, &row, i);
			return SOU_OK;
		}
	}
	return SOU_EUNKNOWN;
}

static int view_value(void *ctx, const struct sou_live *live, struct sou_span *out)
{
	struct soud_merge *m = ctx;
	return soud_store_value(m->s, m->scope, live, out);
}

static struct sou_merge_view view_of(struct soud_merge *m)
{
	return (struct sou_merge_view){m, view_find, view_op, view_value};
}

/* --- records --- */

static int place_cmp(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	int c = sou_id_cmp(&a->entity, &b->entity);
	return c != 0 ? c : (int)a->kind - (int)b->kind;
}

static bool is_anew(const struct soud_merge *m, uint16_t kind, const struct sou_id *entity)
{
	struct place p = {kind, *entity};
	return m->anew_count > 0 &&
	       bsearch(&p, m->anew, m->anew_count, sizeof *m->anew, place_cmp) != NULL;
}

static int touch(struct soud_merge *m, uint16_t kind, const struct sou_id *entity)
{
	struct soud_merge_touched *v =
		sou_grow(m->touched, &m->touched_room, m->touched_count, 1, sizeof *v);
	if (v == NULL)
		return SOU_ENOMEM;
	m->touched = v;
	v[m->touched_count++] = (struct soud_merge_touched){kind, *entity};
	return SOU_OK;
}

static int load(struct soud_merge *m, uint16_t kind, const struct sou_id *entity)
{
	int rc = soud_store_record(m->s, m->scope, kind, entity, &m->record);
	if (rc != SOU_EUNKNOWN)
		return rc;
	sou_record_clear(&m->record, kind, entity);
	return SOU_OK;
}

static bool first_of_record(const struct sou_payload *p, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (p->ops[k].kind == p->ops[i].kind &&
		    sou_id_eq(&p->ops[k].entity, &p->ops[i].entity))
			return false;
	return true;
}

/* All ops of this entry for the record of op i. */
static int take_record(struct soud_merge *m, const struct soud_row *row, uint32_t i)
{
	const struct sou_payload *p = &m->entry.payload;
	uint16_t kind = p->ops[i].kind;
	struct sou_id entity = p->ops[i].entity;
	struct sou_merge_view view = view_of(m);
	bool differs = false, anew = is_anew(m, kind, &entity);
	int rc = load(m, kind, &entity);
	uint32_t gaps = m->record.gap_count;
	for (uint32_t k = i; k < p->op_count && rc == SOU_OK && !anew; k++) {
		if (p->ops[k].kind != kind || !sou_id_eq(&p->ops[k].entity, &entity))
			continue;
		struct sou_version v = version_of(m, &m->entry, row, k);
		bool changed = false;
		rc = sou_record_add(&m->record, &v, &view, &changed);
		differs = differs || changed;
	}
	if (rc == SOU_OK && !anew) {
		bool changed = false;
		rc = sou_record_cover(&m->record, &view, &changed);
		differs = differs || changed;
	}
	if (rc == SOU_OK)
		rc = soud_store_trail_put(m->s, &m->record, row->arrival);
	if (rc == SOU_OK)
		rc = soud_store_record_put(m->s, m->scope, &m->record, differs);
	if (rc == SOU_OK && (differs || gaps != m->record.gap_count))
		rc = touch(m, kind, &entity);
	return rc;
}

static bool writes(const struct soud_merge *m, const struct soud_row *row, uint16_t kind,
		   const struct sou_id *entity, uint16_t field)
{
	const struct sou_payload *p = &m->entry.payload;
	for (uint32_t i = 0; has_versions(row) && i < p->op_count; i++)
		if (p->ops[i].kind == kind && p->ops[i].field == field &&
		    sou_id_eq(&p->ops[i].entity, entity))
			return true;
	return false;
}

/* The entry is stored now: where it was missing, it is no gap any more. */
static int fill_gaps(struct soud_merge *m, const struct soud_row *row)
{
	struct sou_id version = sou_hash_half(&row->id), entity = {{0}};
	uint16_t kind = 0;
	int rc;
	while ((rc = soud_store_gap_next(m->s, m->scope, &version, &kind, &entity)) == SOU_OK) {
		rc = load(m, kind, &entity);
		uint32_t before = m->record.gap_count;
		for (uint32_t i = 0; rc == SOU_OK && i < m->record.gap_count;) {
			struct sou_gap gap = m->record.gaps[i];
			uint32_t had = m->record.gap_count;
			if (sou_id_eq(&gap.version, &version) &&
			    !writes(m, row, kind, &entity, gap.field))
				sou_record_fill(&m->record, gap.field, &version);
			if (m->record.gap_count == had)
				i++;
		}
		if (rc == SOU_OK && before != m->record.gap_count) {
			rc = soud_store_record_put(m->s, m->scope, &m->record, false);
			if (rc == SOU_OK)
				rc = touch(m, kind, &entity);
		}
		if (rc != SOU_OK)
			return rc;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* Take in one entry whose payload is new here. `row` is copied, since its bytes lie in the store.
 */
static int take_entry(struct soud_merge *m, const struct soud_row *stored)
{
	struct soud_row row = *stored;
	if (row.body == SOU_BODY_NONE)
		return SOU_OK;
	sou_buf_clear(&m->row);
	sou_buf_put(&m->row, row.header.p, row.header.n);
	sou_buf_put(&m->row, row.payload.p, row.payload.n);
	if (m->row.failed)
		return SOU_ENOMEM;
	row.header.p = m->row.p;
	row.payload.p = m->row.p + row.header.n;
	int rc = SOU_OK;
	if (has_versions(&row)) {
		rc = read_row(&m->entry, &row);
		for (uint32_t i = 0; rc == SOU_OK && i < m->entry.payload.op_count; i++)
			if (m->entry.payload.ops[i].kind != SOU_KIND_COPY &&
			    first_of_record(&m->entry.payload, i))
				rc = take_record(m, &row, i);
	}
	return rc == SOU_OK ? fill_gaps(m, &row) : rc;
}

/* --- building anew --- */

static int note_anew(struct soud_merge *m, uint64_t arrival)
{
	struct soud_row row;
	int rc = soud_store_log_get(m->s, m->scope, arrival, &row);
	if (rc != SOU_OK || !has_versions(&row))
		return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	rc = read_row(&m->entry, &row);
	for (uint32_t i = 0; rc == SOU_OK && i < m->entry.payload.op_count; i++) {
		const struct sou_op *op = &m->entry.payload.ops[i];
		if (op->kind == SOU_KIND_COPY)
			continue;
		struct place *v = sou_grow(m->anew, &m->anew_room, m->anew_count, 1, sizeof *v);
		if (v == NULL)
			return SOU_ENOMEM;
		m->anew = v;
		v[m->anew_count++] = (struct place){op->kind, op->entity};
	}
	return rc;
}

static int find_anew(struct soud_merge *m)
{
	int rc = SOU_OK;
	m->anew_count = 0;
	for (uint32_t i = 0; i < m->flip_count && rc == SOU_OK; i++)
		rc = note_anew(m, m->flips[i]);
	if (rc != SOU_OK || m->anew_count == 0)
		return rc;
	qsort(m->anew, m->anew_count, sizeof *m->anew, place_cmp);
	uint32_t kept = 1;
	for (uint32_t i = 1; i < m->anew_count; i++)
		if (place_cmp(&m->anew[i], &m->anew[kept - 1]) != 0)
			m->anew[kept++] = m->anew[i];
	m->anew_count = kept;
	return SOU_OK;
}

/* The versions that one entry has of the record; its payload is kept in a copy of ours. */
static int gather(struct soud_merge *m, uint64_t arrival, const struct place *place)
{
	struct soud_row row;
	int rc = soud_store_log_get(m->s, m->scope, arrival, &row);
	if (rc != SOU_OK || !has_versions(&row))
		return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	void **copies = sou_grow(m->copies, &m->copy_room, m->copy_count, 1, sizeof *copies);
	if (copies == NULL)
		return SOU_ENOMEM;
	m->copies = copies;
	uint8_t *copy = malloc(row.header.n + row.payload.n);
	if (copy == NULL)
		return SOU_ENOMEM;
	copies[m->copy_count++] = copy;
	memcpy(copy, row.header.p, row.header.n);
	memcpy(copy + row.header.n, row.payload.p, row.payload.n);
	row.header.p = copy;
	row.payload.p = copy + row.header.n;
	rc = read_row(&m->entry, &row);
	for (uint32_t i = 0; rc == SOU_OK && i < m->entry.payload.op_count; i++) {
		const struct sou_op *op = &m->entry.payload.ops[i];
		if (op->kind != place->kind || !sou_id_eq(&op->entity, &place->entity))
			continue;
		struct sou_version *v =
			sou_grow(m->versions, &m->version_room, m->version_count, 1, sizeof *v);
		if (v == NULL)
			return SOU_ENOMEM;
		m->versions = v;
		v[m->version_count++] = version_of(m, &m->entry, &row, i);
	}
	return rc;
}

static int build_anew(struct soud_merge *m, const struct place *place)
{
	struct sou_merge_view view = view_of(m);
	uint64_t arrival;
	int rc = load(m, place->kind, &place->entity);
	if (rc != SOU_OK)
		return rc;
	uint64_t trail = m->record.trail, stored = m->record.place;
	for (uint64_t at = trail; (rc = soud_store_trail_next(m->s, &at, &arrival)) == SOU_OK;) {
		rc = gather(m, arrival, place);
		if (rc != SOU_OK)
			break;
	}
	if (rc == SOU_EUNKNOWN) {
		sou_record_clear(&m->record, place->kind, &place->entity);
		rc = sou_record_build(&m->record, m->versions, m->version_count, &view);
		m->record.trail = trail;
		m->record.place = stored;
	}
	if (rc == SOU_OK)
		rc = soud_store_record_put(m->s, m->scope, &m->record, true);
	if (rc == SOU_OK)
		rc = touch(m, place->kind, &place->entity);
	drop_copies(m);
	return rc;
}

/* --- the call --- */

/* Rows that were stored before: what the log says of them is what was merged. */
static int take_changes(struct soud_merge *m, const struct sou_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sou_change *c = &changes[i];
		struct soud_row row;
		if (m->fresh != 0 && c->pos >= m->fresh)
			continue; /* appended with its verdict */
		int rc = soud_store_log_get(m->s, m->scope, c->pos, &row);
		if (rc != SOU_OK)
			return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
		if (row.verdict == c->after && row.shown == c->shown_after && !row.late)
			continue;
		if (row.late)
			rc = put_arrival(&m->late, &m->late_count, &m->late_room, c->pos);
		else if (row.shown != c->shown_after)
			rc = put_arrival(&m->flips, &m->flip_count, &m->flip_room, c->pos);
		if (rc == SOU_OK)
			rc = soud_store_log_verdict(m->s, m->scope, c->pos, c->after,
						    c->shown_after);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static int take_again(struct soud_merge *m, const uint64_t *again, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct soud_row row;
		if (m->fresh != 0 && again[i] >= m->fresh)
			continue;
		int rc = soud_store_log_get(m->s, m->scope, again[i], &row);
		if (rc != SOU_OK)
			return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
		if (row.late) {
			rc = put_arrival(&m->late, &m->late_count, &m->late_room, again[i]);
			if (rc == SOU_OK)
				rc = soud_store_log_verdict(m->s, m->scope, again[i], row.verdict,
							    row.shown);
		} else {
			rc = put_arrival(&m->flips, &m->flip_count, &m->flip_room, again[i]);
		}
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static int take_new(struct soud_merge *m)
{
	struct soud_row row;
	int rc = SOU_OK;
	for (uint32_t i = 0; i < m->late_count && rc == SOU_OK; i++) {
		rc = soud_store_log_get(m->s, m->scope, m->late[i], &row);
		m->late_done = i + 1;
		if (rc == SOU_OK)
			rc = take_entry(m, &row);
	}
	if (m->fresh == 0)
		return rc;
	for (uint64_t at = m->fresh - 1; rc == SOU_OK; at = row.arrival) {
		rc = soud_store_log_next(m->s, m->scope, at, &row);
		if (rc != SOU_OK)
			break;
		m->at = row.arrival;
		rc = take_entry(m, &row);
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_merge_apply(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		     const struct sou_scope *engine, const struct sou_authority *authority,
		     const struct sou_change *changes, size_t count, const uint64_t *again,
		     size_t again_count)
{
	m->s = s;
	m->scope = scope;
	m->engine = engine;
	m->authority = authority;
	m->fresh = soud_store_log_fresh(s, scope);
	m->at = 0;
	m->late_count = m->late_done = m->flip_count = m->touched_count = 0;
	int rc = take_changes(m, changes, count);
	if (rc == SOU_OK)
		rc = take_again(m, again, again_count);
	if (rc != SOU_OK)
		return rc;
	m->late_count = distinct(m->late, m->late_count);
	m->flip_count = distinct(m->flips, m->flip_count);
	rc = find_anew(m);
	if (rc == SOU_OK)
		rc = take_new(m);
	for (uint32_t i = 0; i < m->anew_count && rc == SOU_OK; i++)
		rc = build_anew(m, &m->anew[i]);
	if (rc == SOU_OK)
		soud_store_log_merged(s, scope);
	return rc;
}

/* --- all of it again --- */

static int rebuild_scope(struct soud_merge *m, struct soud_store *s, uint32_t scope,
			 const struct sou_authority *authority)
{
	struct sou_scope *engine = NULL;
	struct sou_id id;
	struct soud_row row;
	int rc = soud_store_scope_id(s, scope, &id);
	if (rc == SOU_OK)
		rc = sou_scope_new(&engine, &id);
	for (uint64_t at = 0; rc == SOU_OK; at = row.arrival) {
		rc = soud_store_log_next(s, scope, at, &row);
		if (rc != SOU_OK)
			break;
		rc = read_row(&m->entry, &row);
		if (rc == SOU_OK)
			rc = sou_scope_put(engine, &m->entry.facts, row.arrival);
		if (rc == SOU_OK)
			rc = soud_store_feed_add(s, scope, &m->entry.header.site,
						 &m->entry.header.key);
	}
	if (rc == SOU_EUNKNOWN)
		rc = soud_merge_apply(m, s, scope, engine, authority, NULL, 0, NULL, 0);
	sou_scope_free(engine);
	return rc;
}

int soud_store_rebuild(struct soud_store *s, const struct sou_authority *authority)
{
	struct soud_merge *m = NULL;
	uint32_t count = 0;
	int rc = soud_merge_new(&m);
	if (rc == SOU_OK)
		rc = soud_store_derived_clear(s);
	if (rc == SOU_OK)
		rc = soud_store_scope_count(s, &count);
	for (uint32_t n = 1; n <= count && rc == SOU_OK; n++)
		rc = rebuild_scope(m, s, n, authority);
	if (rc == SOU_OK)
		rc = soud_store_derived_done(s);
	soud_merge_free(m);
	return rc;
}
