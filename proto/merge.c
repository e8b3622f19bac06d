/* merge.c - a record's lists and registers, and what one new version changes in them (P10.1 -
 * P10.5). Looks only at what the version names: that is enough, because whatever a shown version
 * names was followed when it was taken in.
 *
 * M1  lives: shown versions that no shown version names, directly or through held ones.
 * M2  gaps: names so reached, of fields that have a register, that are no stored entry with
 *     payload.
 * M3  named: names by shown deletes, but for those of shown entries that are not live: these cannot
 *     cover anything any more. */
#include "merge.h"

#include <stdlib.h>

#include "grow.h"
#include "merge_int.h"
#include "schema.h"

void sou_record_fini(struct sou_record *record)
{
	if (record == NULL)
		return;
	free(record->registers);
	free(record->lives);
	free(record->gaps);
	free(record->named);
	sou_buf_fini(&record->bytes);
	*record = (struct sou_record){0};
}

void sou_record_clear(struct sou_record *record, uint16_t kind, const struct sou_id *entity)
{
	record->kind = kind;
	record->entity = *entity;
	record->hidden = record->conflict = record->incomplete = false;
	record->place = record->trail = 0;
	record->stored_gaps = 0;
	record->register_count = record->live_count = record->gap_count = record->named_count = 0;
	sou_buf_clear(&record->bytes);
}

const struct sou_register *sou_record_field(const struct sou_record *record, uint16_t field)
{
	for (uint32_t i = 0; i < record->register_count; i++)
		if (record->registers[i].field == field)
			return &record->registers[i];
	return NULL;
}

int sou_record_reserve(struct sou_record *record, uint32_t lives, uint32_t gaps, uint32_t named)
{
	struct sou_live *l =
		sou_grow(record->lives, &record->live_room, record->live_count, lives, sizeof *l);
	if (l == NULL)
		return SOU_ENOMEM;
	record->lives = l;
	if (gaps > 0) {
		struct sou_gap *g = sou_grow(record->gaps, &record->gap_room, record->gap_count,
					     gaps, sizeof *g);
		if (g == NULL)
			return SOU_ENOMEM;
		record->gaps = g;
	}
	if (named > 0) {
		struct sou_id *n = sou_grow(record->named, &record->named_room, record->named_count,
					    named, sizeof *n);
		if (n == NULL)
			return SOU_ENOMEM;
		record->named = n;
	}
	return SOU_OK;
}

int sou_record_index(struct sou_record *record)
{
	record->conflict = record->incomplete = false;
	record->register_count = 0;
	uint32_t gap = 0;
	for (uint32_t i = 0; i < record->live_count;) {
		struct sou_register *all = sou_grow(record->registers, &record->register_room,
						    record->register_count, 1, sizeof *all);
		if (all == NULL)
			return SOU_ENOMEM;
		record->registers = all;
		struct sou_register *r = &all[record->register_count++];
		*r = (struct sou_register){.field = record->lives[i].field,
					   .live = &record->lives[i],
					   .conflict = record->lives[i].disputed};
		while (i < record->live_count && record->lives[i].field == r->field) {
			r->live_count++;
			i++;
		}
		while (gap < record->gap_count && record->gaps[gap].field < r->field)
			gap++;
		r->gaps = gap < record->gap_count ? record->gaps + gap
						  : NULL; /* NULL + 0 is undefined in C11 */
		while (gap < record->gap_count && record->gaps[gap].field == r->field) {
			r->gap_count++;
			gap++;
		}
		record->conflict = record->conflict || r->conflict;
		record->incomplete = record->incomplete || r->gap_count > 0;
	}
	return SOU_OK;
}

/* P10.3, within a field. */
int merge_live_cmp(const struct sou_live *a, const struct sou_live *b)
{
	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	if ((a->clock != 0) != (b->clock != 0))
		return a->clock == 0 ? -1 : 1;
	if (a->hlc != b->hlc)
		return a->hlc > b->hlc ? -1 : 1;
	return sou_id_cmp(&a->version, &b->version);
}

static int gap_cmp(const struct sou_gap *a, const struct sou_gap *b)
{
	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	return sou_id_cmp(&a->version, &b->version);
}

/* Where the gap stands, or would. */
static uint32_t gap_place(const struct sou_record *record, const struct sou_gap *gap, bool *found)
{
	uint32_t low = 0, high = record->gap_count;
	*found = false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int cmp = gap_cmp(&record->gaps[mid], gap);
		if (cmp == 0) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool gap_remove(struct sou_record *record, uint16_t field, const struct sou_id *version)
{
	bool found;
	struct sou_gap gap = {field, *version};
	uint32_t at = gap_place(record, &gap, &found);
	if (!found)
		return false;
	record->gap_count--;
	memmove(record->gaps + at, record->gaps + at + 1,
		(record->gap_count - at) * sizeof *record->gaps);
	return true;
}

int merge_gap_add(struct sou_record *record, uint16_t field, const struct sou_id *version)
{
	bool found;
	struct sou_gap gap = {field, *version};
	uint32_t at = gap_place(record, &gap, &found);
	if (found)
		return SOU_OK;
	int rc = sou_record_reserve(record, 0, 1, 0);
	if (rc != SOU_OK)
		return rc;
	memmove(record->gaps + at + 1, record->gaps + at,
		(record->gap_count - at) * sizeof *record->gaps);
	record->gaps[at] = gap;
	record->gap_count++;
	return SOU_OK;
}

void sou_record_fill(struct sou_record *record, uint16_t field, const struct sou_id *version)
{
	if (!gap_remove(record, field, version))
		return;
	record->incomplete = false;
	for (uint32_t i = 0, gap = 0; i < record->register_count; i++) {
		struct sou_register *r = &record->registers[i];
		while (gap < record->gap_count && record->gaps[gap].field < r->field)
			gap++;
		r->gaps = gap < record->gap_count ? record->gaps + gap
						  : NULL; /* NULL + 0 is undefined in C11 */
		r->gap_count = 0;
		while (gap < record->gap_count && record->gaps[gap].field == r->field) {
			r->gap_count++;
			gap++;
		}
		record->incomplete = record->incomplete || r->gap_count > 0;
	}
}

static bool live_remove(struct sou_record *record, uint16_t field, const struct sou_id *version)
{
	for (uint32_t i = 0; i < record->live_count; i++) {
		const struct sou_live *l = &record->lives[i];
		if (l->field != field || !sou_id_eq(&l->version, version))
			continue;
		record->live_count--;
		memmove(record->lives + i, record->lives + i + 1,
			(record->live_count - i) * sizeof *record->lives);
		return true;
	}
	return false;
}

static int live_add(struct sou_record *record, const struct sou_version *v)
{
	int rc = sou_record_reserve(record, 1, 0, 0);
	if (rc != SOU_OK)
		return rc;
	struct sou_live live = {
		.field = v->field,
		.op = v->op,
		.clock = v->clock,
		.redacted = v->redacted,
		.version = v->id,
		.hlc = v->hlc,
		.pos = v->pos,
		.value = v->value,
	};
	uint32_t at = record->live_count;
	while (at > 0 && merge_live_cmp(&record->lives[at - 1], &live) > 0)
		at--;
	memmove(record->lives + at + 1, record->lives + at,
		(record->live_count - at) * sizeof *record->lives);
	record->lives[at] = live;
	record->live_count++;
	return SOU_OK;
}

int merge_walk_push(struct merge_walk *walk, const struct sou_mp_list *names)
{
	if (names->count == 0)
		return SOU_OK;
	struct sou_id *all =
		sou_grow(walk->names, &walk->room, walk->count, names->count, sizeof *all);
	if (all == NULL)
		return SOU_ENOMEM;
	walk->names = all;
	for (uint32_t i = 0; i < names->count; i++)
		walk->names[walk->count++] = sou_mp_list_id(names, i);
	return SOU_OK;
}

/* Has the walk met this position before? Only held versions are asked for: few. */
int merge_walk_meet(struct merge_walk *walk, uint64_t pos, bool *before)
{
	*before = false;
	uint32_t low = 0, high = walk->met_count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (walk->met[mid] == pos) {
			*before = true;
			return SOU_OK;
		}
		if (walk->met[mid] < pos)
			low = mid + 1;
		else
			high = mid;
	}
	uint64_t *met = sou_grow(walk->met, &walk->met_room, walk->met_count, 1, sizeof *walk->met);
	if (met == NULL)
		return SOU_ENOMEM;
	walk->met = met;
	memmove(met + low + 1, met + low, (walk->met_count - low) * sizeof *met);
	met[low] = pos;
	walk->met_count++;
	return SOU_OK;
}

void merge_walk_fini(struct merge_walk *walk)
{
	free(walk->names);
	free(walk->met);
}

/* One name that is reached: it lives no more, or is a gap, or is held and leads on (P10.2). */
static int reach(struct sou_record *record, uint16_t field, const struct sou_id *name,
		 struct merge_walk *walk, const struct sou_merge_view *view, bool *changed)
{
	uint64_t pos;
	bool shown, before;
	struct sou_version held;
	if (live_remove(record, field, name)) {
		*changed = true;
		return SOU_OK; /* shown: what it names was reached before */
	}
	int rc = view->find(view->ctx, name, &pos, &shown);
	if (rc == SOU_EUNKNOWN) {
		uint32_t had = record->gap_count;
		rc = merge_gap_add(record, field, name);
		*changed = *changed || record->gap_count != had;
		return rc;
	}
	if (rc != SOU_OK || shown)
		return rc;
	rc = merge_walk_meet(walk, pos, &before);
	if (rc != SOU_OK || before)
		return rc;
	rc = view->op(view->ctx, pos, record->kind, &record->entity, field, &held);
	if (rc == SOU_EUNKNOWN)
		return SOU_OK; /* of another field: data without effect */
	return rc == SOU_OK ? merge_walk_push(walk, &held.replaces) : rc;
}

static int follow(struct sou_record *record, const struct sou_version *v,
		  const struct sou_merge_view *view, bool *changed)
{
	struct merge_walk walk = {0};
	int rc = SOU_OK;
	for (uint32_t i = 0; rc == SOU_OK && i < v->replaces.count; i++) {
		struct sou_id name = sou_mp_list_id(&v->replaces, i);
		rc = reach(record, v->field, &name, &walk, view, changed);
		while (rc == SOU_OK && walk.count > 0) {
			struct sou_id held = walk.names[--walk.count];
			rc = reach(record, v->field, &held, &walk, view, changed);
		}
	}
	merge_walk_fini(&walk);
	return rc;
}

static int take_write(struct sou_record *record, const struct sou_version *v,
		      const struct sou_merge_view *view, bool *changed)
{
	bool was_gap = gap_remove(record, v->field, &v->id);
	*changed = *changed || was_gap;
	if (!v->shown && !was_gap)
		return SOU_OK; /* held and not reached */
	int rc = SOU_OK;
	if (!was_gap) {
		*changed = true;
		rc = live_add(record, v);
	}
	if (rc == SOU_OK)
		rc = follow(record, v, view, changed);
	return rc == SOU_OK && *changed ? merge_dispute(record, v->field, view) : rc;
}

static int take_delete(struct sou_record *record, const struct sou_version *v)
{
	if (!v->shown)
		return SOU_OK;
	for (uint32_t i = 0; i < v->replaces.count; i++) {
		struct sou_id name = sou_mp_list_id(&v->replaces, i);
		int rc = merge_name(record, &name);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

int sou_record_add(struct sou_record *record, const struct sou_version *version,
		   const struct sou_merge_view *view, bool *changed)
{
	bool differs = false;
	int rc = version->type == SOU_OP_DELETE ? take_delete(record, version)
						: take_write(record, version, view, &differs);
	if (rc == SOU_OK && differs)
		rc = sou_record_index(record);
	if (rc == SOU_OK)
		*changed = differs;
	return rc;
}

/* A held version can lie between a name of a delete and a live version, so any addition may matter.
 * Not after each op: an entry that is half taken in would look shown and not live (M3). */
int sou_record_cover(struct sou_record *record, const struct sou_merge_view *view, bool *changed)
{
	bool was_hidden = record->hidden;
	int rc = record->named_count > 0 ? merge_cover(record, view) : SOU_OK;
	if (rc == SOU_OK)
		*changed = record->hidden != was_hidden;
	return rc;
}
