/* merge_cover.c - which values of a field are disputed (P10.4), and whether shown deletes cover all
 * that lives in a record (P10.5). */
#include <stdlib.h>

#include "grow.h"
#include "merge_int.h"
#include "schema.h"

/* --- Conflict --- */

static bool can_dispute(uint16_t kind, uint16_t field)
{
	const struct sou_field *f = sou_schema_field(kind, field);
	return f != NULL && (f->class == SOU_CLASS_TEXT || f->class == SOU_CLASS_VALUE);
}

static int value_of(const struct sou_live *live, const struct sou_merge_view *view,
		    struct sou_span *out)
{
	if (live->value.p == NULL)
		return view->value(view->ctx, live, out);
	*out = live->value;
	return SOU_OK;
}

/* Do live versions first..end hold more than one distinct value that is not redacted? */
static int differ(const struct sou_record *record, uint32_t first, uint32_t end,
		  const struct sou_merge_view *view, bool *out)
{
	struct sou_buf one = {0}; /* the view lends a value only until the next one */
	bool have = false;
	int rc = SOU_OK;
	*out = false;
	for (uint32_t i = first; rc == SOU_OK && !*out && i < end; i++) {
		struct sou_span value;
		if (record->lives[i].redacted)
			continue;
		rc = value_of(&record->lives[i], view, &value);
		if (rc != SOU_OK)
			break;
		if (have) {
			*out = value.n != one.n || memcmp(value.p, one.p, value.n) != 0;
			continue;
		}
		have = true;
		sou_buf_put(&one, value.p, value.n);
		rc = one.failed ? SOU_ENOMEM : SOU_OK;
	}
	sou_buf_fini(&one);
	return rc;
}

int merge_dispute(struct sou_record *record, uint16_t field, const struct sou_merge_view *view)
{
	uint32_t first = 0;
	while (first < record->live_count && record->lives[first].field < field)
		first++;
	uint32_t end = first;
	while (end < record->live_count && record->lives[end].field == field)
		end++;
	bool disputed = false;
	if (end - first > 1 && can_dispute(record->kind, field)) {
		int rc = differ(record, first, end, view, &disputed);
		if (rc != SOU_OK)
			return rc;
	}
	for (uint32_t i = first; i < end; i++)
		record->lives[i].disputed = disputed;
	return SOU_OK;
}

/* --- Hidden --- */

static uint32_t name_place(const struct sou_record *record, const struct sou_id *name, bool *found)
{
	uint32_t low = 0, high = record->named_count;
	*found = false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int cmp = sou_id_cmp(&record->named[mid], name);
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

int merge_name(struct sou_record *record, const struct sou_id *version)
{
	bool found;
	uint32_t at = name_place(record, version, &found);
	if (found)
		return SOU_OK;
	int rc = sou_record_reserve(record, 0, 0, 1);
	if (rc != SOU_OK)
		return rc;
	memmove(record->named + at + 1, record->named + at,
		(record->named_count - at) * sizeof *record->named);
	record->named[at] = *version;
	record->named_count++;
	return SOU_OK;
}

static bool is_live(const struct sou_record *record, const struct sou_id *version)
{
	for (uint32_t i = 0; i < record->live_count; i++)
		if (sou_id_eq(&record->lives[i].version, version))
			return true;
	return false;
}

/* From one held version on: which live versions of its field stand below it? */
static int cover_from(const struct sou_record *record, uint16_t field, uint64_t pos,
		      const struct sou_merge_view *view, struct merge_walk *walk, bool *covered)
{
	bool shown, before;
	struct sou_version v;
	for (;;) {
		int rc = merge_walk_meet(walk, pos, &before);
		if (rc == SOU_OK && !before) {
			rc = view->op(view->ctx, pos, record->kind, &record->entity, field, &v);
			if (rc == SOU_OK)
				rc = merge_walk_push(walk, &v.replaces);
		}
		if (rc != SOU_OK && rc != SOU_EUNKNOWN)
			return rc;
		do { /* the next held one */
			if (walk->count == 0)
				return SOU_OK;
			struct sou_id name = walk->names[--walk->count];
			for (uint32_t i = 0; i < record->live_count; i++)
				if (record->lives[i].field == field &&
				    sou_id_eq(&record->lives[i].version, &name))
					covered[i] = true;
			rc = view->find(view->ctx, &name, &pos, &shown);
			if (rc != SOU_OK && rc != SOU_EUNKNOWN)
				return rc;
		} while (rc == SOU_EUNKNOWN || shown); /* below a shown one nothing lives */
	}
}

/* Lives that a held version reaches which a delete names. */
static int cover_through_held(const struct sou_record *record, const struct sou_merge_view *view,
			      bool *covered)
{
	int rc = SOU_OK;
	for (uint32_t i = 0; i < record->live_count;) {
		uint16_t field = record->lives[i].field;
		struct merge_walk walk = {0};
		for (uint32_t k = 0; rc == SOU_OK && k < record->named_count; k++) {
			uint64_t pos;
			bool shown;
			rc = view->find(view->ctx, &record->named[k], &pos, &shown);
			if (rc == SOU_OK && !shown)
				rc = cover_from(record, field, pos, view, &walk, covered);
			else if (rc == SOU_EUNKNOWN)
				rc = SOU_OK;
		}
		merge_walk_fini(&walk);
		if (rc != SOU_OK)
			return rc;
		while (i < record->live_count && record->lives[i].field == field)
			i++;
	}
	return SOU_OK;
}

int merge_cover(struct sou_record *record, const struct sou_merge_view *view)
{
	uint32_t kept = 0;
	bool held = false;
	for (uint32_t i = 0; i < record->named_count; i++) {
		uint64_t pos;
		bool shown = false;
		bool live = is_live(record, &record->named[i]);
		int rc = live ? SOU_OK : view->find(view->ctx, &record->named[i], &pos, &shown);
		if (rc != SOU_OK && rc != SOU_EUNKNOWN)
			return rc;
		held = held || (!live && rc == SOU_OK && !shown);
		if (live || rc == SOU_EUNKNOWN || !shown)
			record->named[kept++] = record->named[i];
	}
	record->named_count = kept;
	record->hidden = false;
	if (record->live_count == 0 || kept == 0)
		return SOU_OK;
	bool *covered = calloc(record->live_count, sizeof *covered);
	if (covered == NULL)
		return SOU_ENOMEM;
	uint32_t left = 0;
	int rc = SOU_OK;
	for (uint32_t i = 0; i < record->live_count; i++) {
		name_place(record, &record->lives[i].version, &covered[i]);
		left += !covered[i];
	}
	if (left > 0 && held)
		rc = cover_through_held(record, view, covered);
	record->hidden = true;
	for (uint32_t i = 0; i < record->live_count; i++)
		record->hidden = record->hidden && covered[i];
	free(covered);
	return rc;
}
