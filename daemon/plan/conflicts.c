/* conflicts.c - the store marks the records; this reads what stands against what. */
#include "daemon/plan/conflicts.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/plan/merge3.h"
#include "daemon/replica/read.h"

int soud_scope_name(const struct soud_look *look, const struct soud_plan *plan,
		    const struct sou_id *scope, struct soud_pool *pool, struct soud_scope_name *out)
{
	struct soud_scope_name name = {.kind = SOU_SCOPE_PLAN, .text = "plan"};
	struct sou_id id = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	char hex[SOUD_HEX_BYTES];
	if (sou_id_eq(&id, scope)) {
		*out = name;
		return SOU_OK;
	}
	name.kind = sou_authority_scope_kind(look->authority, scope, &name.entity);
	if (name.kind == SOU_SCOPE_ORG) {
		const struct sou_org *org = sou_authority_org(look->authority, &name.entity);
		name.text = org != NULL ? soud_pool_printf(pool, "org/%.*s", (int)org->handle.n,
							   (const char *)org->handle.p)
					: "org";
		*out = name;
		return SOU_OK;
	}
	for (size_t i = 0; i < plan->project_count; i++) {
		const struct soud_plan_head *head = &plan->projects[i].head;
		if (!sou_id_eq(&plan->projects[i].scope, scope))
			continue;
		name.kind = SOU_SCOPE_PROJECT;
		name.entity = head->id;
		name.text = soud_pool_printf(pool, "project/%s",
					     head->handle[0] != '\0' ? head->handle
								     : soud_hex(&head->id, hex));
		*out = name;
		return SOU_OK;
	}
	return SOU_EUNKNOWN;
}

uint32_t soud_scope_roles(const struct soud_look *look, const struct soud_scope_name *name,
			  const struct sou_id *for_org)
{
	struct sou_id scope = sou_scope_id(name->kind, &name->entity);
	return sou_authority_roles(look->authority, &look->self->site, &scope, for_org);
}

static bool may_read(const struct soud_look *look, const struct soud_plan *plan,
		     const struct soud_scope_name *name)
{
	struct sou_id scope = sou_scope_id(name->kind, &name->entity);
	const struct soud_project *project =
		name->kind == SOU_SCOPE_PROJECT ? soud_plan_project_id(plan, &name->entity) : NULL;
	return soud_look_may_read(look, &scope, project != NULL ? project->readers : NULL,
				  project != NULL ? project->reader_count : 0);
}

const char *soud_version_text(const struct soud_version *version, struct soud_pool *pool)
{
	struct sou_span text;
	if (version->redacted || !soud_value_str(version->value, &text))
		return NULL;
	return soud_pool_text(pool, text);
}

/* Offered where exactly two texts stand on one that is known. */
static const char *propose(const struct soud_conflict *c, struct soud_pool *pool)
{
	const char *text[2], *merged;
	const struct sou_field *field = sou_schema_field(c->kind, c->field);
	if (field == NULL || field->type != SOU_TYPE_STR || c->live_count != 2 ||
	    c->history.base == NULL)
		return NULL;
	const char *base = soud_version_text(c->history.base, pool);
	for (size_t i = 0; i < 2; i++) {
		const struct soud_version *v = soud_history_find(&c->history, &c->live[i]);
		text[i] = v != NULL ? soud_version_text(v, pool) : NULL;
	}
	if (base == NULL || text[0] == NULL || text[1] == NULL ||
	    soud_merge3(base, text[0], text[1], pool, &merged) != SOU_OK)
		return NULL;
	return merged;
}

static int conflict_make(const struct soud_look *look, uint32_t scope,
			 const struct soud_scope_name *name, const struct sou_record *record,
			 const struct sou_register *reg, struct soud_pool *pool,
			 struct soud_conflict *out)
{
	struct soud_conflict c = {.scope = scope,
				  .name = *name,
				  .entity = record->entity,
				  .kind = record->kind,
				  .field = reg->field,
				  .live_count = reg->live_count};
	struct sou_id *live = soud_pool_take(pool, reg->live_count * sizeof *live);
	struct soud_origin origin;
	if (live == NULL)
		return SOU_ENOMEM;
	for (uint32_t i = 0; i < reg->live_count; i++)
		live[i] = reg->live[i].version;
	c.live = live;
	uint64_t first = reg->live[0].pos;
	int rc = soud_history_read(look, scope, record, reg->field, pool, &c.history);
	if (rc == SOU_OK)
		rc = soud_look_origin(look, scope, first, pool, &origin);
	if (rc != SOU_OK)
		return rc;
	c.for_org = origin.for_org;
	c.resolvable = (soud_scope_roles(look, name, &c.for_org) &
			sou_schema_roles(name->kind, SOU_OP_SET, record->kind)) != 0;
	c.proposal = propose(&c, pool);
	*out = c;
	return SOU_OK;
}

static int record_take(const struct soud_look *look, uint32_t scope,
		       const struct soud_scope_name *name, const struct sou_record *record,
		       struct soud_pool *pool, struct soud_list *list)
{
	int rc = SOU_OK;
	for (uint32_t i = 0; i < record->register_count && rc == SOU_OK; i++) {
		if (!record->registers[i].conflict)
			continue;
		struct soud_conflict c;
		rc = conflict_make(look, scope, name, record, &record->registers[i], pool, &c);
		struct soud_conflict *to =
			rc == SOU_OK ? soud_list_add(pool, list, sizeof c) : NULL;
		if (to != NULL)
			*to = c;
		else if (rc == SOU_OK)
			rc = SOU_ENOMEM;
	}
	return rc;
}

static int order(const void *a, const void *b)
{
	const struct soud_conflict *x = a, *y = b;
	if (x->name.kind != y->name.kind)
		return x->name.kind < y->name.kind ? -1 : 1;
	int by = strcmp(x->name.text, y->name.text);
	if (by == 0)
		by = sou_id_cmp(&x->entity, &y->entity);
	return by != 0 ? by : (int)x->field - (int)y->field;
}

int soud_conflicts_read(const struct soud_look *look, const struct soud_plan *plan,
			const char *id_prefix, struct soud_pool *pool, struct soud_conflict **out,
			size_t *count)
{
	struct sou_record record = {0};
	struct soud_list list = {0};
	uint64_t place = 0;
	uint32_t scope;
	int rc;
	while ((rc = soud_store_marked_next(look->store, &place, &scope, &record)) == SOU_OK) {
		struct soud_scope_name name;
		struct sou_id id;
		if (!record.conflict || record.hidden ||
		    !soud_hex_begins(&record.entity, id_prefix))
			continue;
		rc = soud_store_scope_id(look->store, scope, &id);
		if (rc == SOU_OK)
			rc = soud_scope_name(look, plan, &id, pool, &name);
		if (rc == SOU_EUNKNOWN)
			continue;
		if (rc == SOU_OK && may_read(look, plan, &name))
			rc = record_take(look, scope, &name, &record, pool, &list);
		if (rc != SOU_OK)
			break;
	}
	sou_record_fini(&record);
	if (rc != SOU_EUNKNOWN)
		return rc;
	if (list.count > 1)
		qsort(list.members, list.count, sizeof(struct soud_conflict), order);
	*out = list.members;
	*count = list.count;
	return SOU_OK;
}

int soud_conflicts_count(const struct soud_look *look, const struct soud_plan *plan,
			 size_t *conflicts, size_t *incomplete)
{
	struct sou_record record = {0};
	struct soud_pool pool = {0};
	size_t n_conflicts = 0, n_incomplete = 0;
	uint64_t place = 0;
	uint32_t scope;
	int rc;
	while ((rc = soud_store_marked_next(look->store, &place, &scope, &record)) == SOU_OK) {
		struct soud_scope_name name;
		struct sou_id id;
		rc = soud_store_scope_id(look->store, scope, &id);
		if (rc == SOU_OK)
			rc = soud_scope_name(look, plan, &id, &pool, &name);
		if (rc == SOU_EUNKNOWN)
			continue;
		if (rc != SOU_OK)
			break;
		if (record.hidden || !may_read(look, plan, &name))
			continue;
		n_conflicts += record.conflict ? 1 : 0;
		n_incomplete += record.incomplete ? 1 : 0;
	}
	sou_record_fini(&record);
	soud_pool_fini(&pool);
	if (rc != SOU_EUNKNOWN)
		return rc;
	*conflicts = n_conflicts;
	*incomplete = n_incomplete;
	return SOU_OK;
}
