/* world_state.c - versions of a world's scope, gathered from the entries' ops. */
#include "tests/proto/world_state.h"

#include "proto/limits.h"
#include "proto/schema.h"

static int compare_groups(const struct world_version *a, const struct world_version *b)
{
	int c = sou_id_cmp(&a->entity, &b->entity);
	return c != 0 ? c : (int)a->kind - (int)b->kind;
}

static int compare(const void *x, const void *y)
{
	const struct world_version *a = x, *b = y;
	int c = compare_groups(a, b);
	return c != 0 ? c : (a->version.pos > b->version.pos) - (a->version.pos < b->version.pos);
}

static void add(struct world_state *s, const struct world_entry *e,
		const struct sou_scope_entry *stored, uint32_t i)
{
	const struct sou_op *op = &e->read.payload.ops[i];
	struct world_version *v = &s->versions[s->version_count++];
	v->kind = op->kind;
	v->entity = op->entity;
	v->entry = stored;
	v->version = (struct sou_version){
		.id = sou_hash_half(&stored->id),
		.pos = stored->pos,
		.hlc = stored->hlc,
		.type = op->type,
		.field = op->field,
		.op = (uint16_t)i,
		.clock = stored->clock,
		.shown = stored->shown,
		.redacted =
			op->is_committed &&
			sou_authority_redacted(s->world->authority, &stored->id, (uint16_t)(i + 1)),
		.value = op->value,
		.replaces = op->replaces,
	};
}

struct world_state *world_state_new(struct world *w, size_t scope)
{
	struct world_state *s = test_alloc(sizeof *s);
	*s = (struct world_state){.world = w, .scope = scope};
	size_t ops = 1;
	for (size_t i = 0; i < w->entry_count; i++)
		ops += w->entries[i].read.payload.op_count;
	s->entries = test_alloc((w->entry_count + 1) * sizeof *s->entries);
	s->versions = test_alloc(ops * sizeof *s->versions);
	for (size_t i = 0; i < w->entry_count; i++) {
		struct world_entry *e = &w->entries[i];
		struct sou_scope_entry *stored = &s->entries[s->entry_count];
		if (sou_scope_get(w->scopes[scope], &e->read.facts.id, stored) != SOU_OK)
			continue;
		s->entry_count++;
		if (stored->body != SOU_BODY_OK || stored->kind != SOU_ENTRY_DATA)
			continue;
		for (uint32_t k = 0; k < e->read.payload.op_count; k++)
			if (e->read.payload.ops[k].kind != SOU_KIND_COPY)
				add(s, e, stored, k);
	}
	qsort(s->versions, s->version_count, sizeof *s->versions, compare);
	return s;
}

static int find(void *ctx, const struct sou_id *version, uint64_t *pos, bool *shown)
{
	const struct world_state *s = ctx;
	for (size_t i = 0; i < s->entry_count; i++) {
		struct sou_id id = sou_hash_half(&s->entries[i].id);
		if (sou_id_eq(&id, version) && s->entries[i].body != SOU_BODY_NONE) {
			*pos = s->entries[i].pos;
			*shown = s->entries[i].shown;
			return SOU_OK;
		}
	}
	return SOU_EUNKNOWN;
}

static int op_of(void *ctx, uint64_t pos, uint16_t kind, const struct sou_id *entity,
		 uint16_t field, struct sou_version *out)
{
	const struct world_state *s = ctx;
	for (size_t i = 0; i < s->version_count; i++) {
		const struct world_version *v = &s->versions[i];
		if (v->version.pos == pos && v->kind == kind && sou_id_eq(&v->entity, entity) &&
		    v->version.field == field && v->version.type != SOU_OP_DELETE) {
			*out = v->version;
			return SOU_OK;
		}
	}
	return SOU_EUNKNOWN;
}

static int value_of(void *ctx, const struct sou_live *live, struct sou_span *out)
{
	const struct world_state *s = ctx;
	for (size_t i = 0; i < s->version_count; i++) {
		const struct sou_version *v = &s->versions[i].version;
		if (sou_id_eq(&v->id, &live->version) && v->op == live->op) {
			*out = v->value;
			return SOU_OK;
		}
	}
	return SOU_EUNKNOWN;
}

size_t world_state_record(struct world_state *s, size_t first, struct sou_record *record)
{
	const struct world_version *head = &s->versions[first];
	size_t end = first;
	while (end < s->version_count && compare_groups(head, &s->versions[end]) == 0)
		end++;
	struct sou_version *group = test_alloc((end - first) * sizeof *group);
	for (size_t i = first; i < end; i++)
		group[i - first] = s->versions[i].version;
	const struct sou_merge_view view = {s, find, op_of, value_of};
	sou_record_clear(record, head->kind, &head->entity);
	REQUIRE(s->world->name, sou_record_build(record, group, end - first, &view) == SOU_OK);
	return end;
}
