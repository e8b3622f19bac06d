/* merge_build.c - a record from all its versions, where a verdict changed that was taken in before
 * (P10.1 - P10.5). The same answer as taking them in one by one, in any order. */
#include <stdlib.h>

#include "merge_int.h"
#include "schema.h"

struct group { /* versions of one field, by id ascending */
	const struct sou_version *v;
	size_t count;
	uint8_t *named; /* of each: a shown version reaches it */
};

static bool is_delete(const struct sou_version *v)
{
	return v->type == SOU_OP_DELETE;
}

/* Deletes last, then by field, id and pos. */
static int version_cmp(const void *x, const void *y)
{
	const struct sou_version *a = x, *b = y;
	if (is_delete(a) != is_delete(b))
		return is_delete(a) ? 1 : -1;
	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	int cmp = sou_id_cmp(&a->id, &b->id);
	if (cmp != 0)
		return cmp;
	return a->pos < b->pos ? -1 : a->pos > b->pos;
}

/* First version of this id in the group; count when there is none. */
static size_t group_find(const struct group *g, const struct sou_id *id)
{
	size_t low = 0, high = g->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (sou_id_cmp(&g->v[mid].id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < g->count && sou_id_eq(&g->v[low].id, id) ? low : g->count;
}

static int reach_name(struct sou_record *record, const struct group *g, const struct sou_id *name,
		      struct merge_walk *walk, const struct sou_merge_view *view)
{
	uint64_t pos;
	bool shown;
	size_t at = group_find(g, name);
	if (at == g->count) {
		int rc = view->find(view->ctx, name, &pos, &shown);
		return rc == SOU_EUNKNOWN ? merge_gap_add(record, g->v[0].field, name) : rc;
	}
	for (; at < g->count && sou_id_eq(&g->v[at].id, name); at++) {
		if (g->named[at])
			continue;
		g->named[at] = 1;
		int rc = merge_walk_push(walk, &g->v[at].replaces);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static int reach_all(struct sou_record *record, const struct group *g,
		     const struct sou_merge_view *view)
{
	struct merge_walk walk = {0};
	int rc = SOU_OK;
	for (size_t i = 0; rc == SOU_OK && i < g->count; i++)
		if (g->v[i].shown)
			rc = merge_walk_push(&walk, &g->v[i].replaces);
	while (rc == SOU_OK && walk.count > 0) {
		struct sou_id name = walk.names[--walk.count];
		rc = reach_name(record, g, &name, &walk, view);
	}
	merge_walk_fini(&walk);
	return rc;
}

static int live_cmp_void(const void *a, const void *b)
{
	return merge_live_cmp(a, b);
}

static int build_field(struct sou_record *record, const struct group *g,
		       const struct sou_merge_view *view)
{
	uint32_t first = record->live_count;
	int rc = reach_all(record, g, view);
	for (size_t i = 0; rc == SOU_OK && i < g->count; i++) {
		const struct sou_version *v = &g->v[i];
		if (!v->shown || g->named[i])
			continue;
		rc = sou_record_reserve(record, 1, 0, 0);
		if (rc != SOU_OK)
			return rc;
		record->lives[record->live_count++] = (struct sou_live){
			.field = v->field,
			.op = v->op,
			.clock = v->clock,
			.redacted = v->redacted,
			.version = v->id,
			.hlc = v->hlc,
			.pos = v->pos,
			.value = v->value,
		};
	}
	if (rc != SOU_OK || record->live_count == first)
		return rc;
	qsort(record->lives + first, record->live_count - first, sizeof *record->lives,
	      live_cmp_void);
	return merge_dispute(record, g->v[0].field, view);
}

static int build_fields(struct sou_record *record, const struct sou_version *versions, size_t count,
			const struct sou_merge_view *view)
{
	uint8_t *named = calloc(count > 0 ? count : 1, 1);
	if (named == NULL)
		return SOU_ENOMEM;
	int rc = SOU_OK;
	for (size_t i = 0; rc == SOU_OK && i < count;) {
		struct group g = {versions + i, 0, named + i};
		while (i < count && versions[i].field == g.v[0].field) {
			g.count++;
			i++;
		}
		rc = build_field(record, &g, view);
	}
	free(named);
	return rc;
}

int sou_record_build(struct sou_record *record, struct sou_version *versions, size_t count,
		     const struct sou_merge_view *view)
{
	record->live_count = record->gap_count = record->named_count = 0;
	record->hidden = false;
	if (count > 1)
		qsort(versions, count, sizeof *versions, version_cmp);
	size_t writes = 0;
	while (writes < count && !is_delete(&versions[writes]))
		writes++;
	int rc = build_fields(record, versions, writes, view);
	for (size_t i = writes; rc == SOU_OK && i < count; i++)
		for (uint32_t k = 0;
		     rc == SOU_OK && versions[i].shown && k < versions[i].replaces.count; k++) {
			struct sou_id name = sou_mp_list_id(&versions[i].replaces, k);
			rc = merge_name(record, &name);
		}
	if (rc == SOU_OK)
		rc = merge_cover(record, view);
	return rc == SOU_OK ? sou_record_index(record) : rc;
}
