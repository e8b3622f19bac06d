/* json_conflict.c - the members of GET /v1/conflicts. */
#include "daemon/plan/json.h"

/* Where the item stands; its order is counted in its own list. NULL object: it is no item. */
static json_t *place_json(struct soud_json *j, const struct soud_conflict *c)
{
	struct soud_item item, *list;
	size_t count;
	if (c->kind != SOU_KIND_ITEM)
		return json_null();
	int rc = soud_item_find(j->look, &c->entity, j->pool, &item);
	struct soud_item_filter filter = {.round = &item.round, .org = &item.org};
	if (rc == SOU_OK)
		rc = soud_items_read(j->look, j->plan, &filter, j->pool, &list, &count);
	if (rc != SOU_OK) {
		j->rc = rc;
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (sou_id_eq(&list[i].id, &item.id))
			item.order = list[i].order;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:I}", "round", soud_json_round_name(j, &item.round),
			 "project", soud_json_project(j, &item.project), "column",
			 soud_json_column(j, &item.column), "organisation",
			 soud_json_org(j, &item.org), "order", (json_int_t)item.order);
}

static json_t *conflict_json(struct soud_json *j, const struct soud_conflict *c)
{
	json_t *versions = json_array(), *base = json_null();
	for (size_t i = 0; i < c->live_count; i++) {
		const struct soud_version *v = soud_history_find(&c->history, &c->live[i]);
		if (v != NULL)
			json_array_append_new(versions,
					      soud_json_version(j, c->scope, v->arrival,
								soud_version_text(v, j->pool)));
	}
	if (c->history.base != NULL) {
		json_decref(base);
		base = soud_json_version(j, c->scope, c->history.base->arrival,
					 soud_version_text(c->history.base, j->pool));
	}
	return json_pack("{s:o, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:s?}", "id",
			 soud_json_id(&c->entity), "kind", sou_schema_kind_name(c->kind), "field",
			 sou_schema_field_name(c->kind, c->field), "scope", c->name.text,
			 "resolvable", c->resolvable, "item", place_json(j, c), "base", base,
			 "versions", versions, "proposal", c->proposal);
}

json_t *soud_json_conflicts(struct soud_json *j, const struct soud_conflict *conflicts,
			    size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count && j->rc == SOU_OK; i++)
		json_array_append_new(list, conflict_json(j, &conflicts[i]));
	return list;
}
