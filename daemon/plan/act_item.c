/* act_item.c - adding, writing anew, moving and removing a paragraph. */
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/history.h"
#include "daemon/plan/items.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "daemon/plan/places.h"
#include "proto/mp.h"

struct act { /* what each of these needs; begun and ended together */
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	struct soud_item item;
	struct sou_record record;
	const struct soud_round *round; /* of the item; NULL: not known here */
};

static void act_fini(struct act *a)
{
	sou_record_fini(&a->record);
	soud_ops_fini(&a->ops);
	soud_pool_fini(&a->pool);
}

static int act_begin(struct act *a, struct soud_replica *r, struct soud_refusal *why)
{
	*a = (struct act){0};
	soud_look_replica(&a->look, r);
	int rc = soud_plan_read(&a->look, &a->pool, &a->plan);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, NULL);
}

static int act_right(struct act *a, const struct sou_id *org, struct sou_id *scope,
		     struct soud_refusal *why)
{
	*scope = sou_scope_id(SOU_SCOPE_ORG, org);
	return soud_ops_right(&a->look, SOU_SCOPE_ORG, scope, SOU_KIND_ITEM, org, why);
}

static int item_unknown(const struct sou_id *id, struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	return soud_refuse(why, 404, SOU_MSG_ITEM_UNKNOWN, soud_hex(id, hex));
}

/* Find an item that is not removed, check the right to write it and that its round takes it. */
static int act_on_item(struct act *a, struct soud_replica *r, const struct sou_id *id,
		       struct sou_id *scope, struct soud_refusal *why)
{
	int rc = act_begin(a, r, why);
	if (rc != SOU_OK)
		return rc;
	rc = soud_item_find(&a->look, id, &a->pool, &a->item);
	if (rc == SOU_OK)
		rc = soud_item_record(&a->look, &a->item, &a->record);
	if (rc == SOU_EUNKNOWN || (rc == SOU_OK && a->item.hidden))
		return item_unknown(id, why);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	a->round = soud_plan_round_id(&a->plan, &a->item.round);
	rc = act_right(a, &a->item.org, scope, why);
	if (rc == SOU_OK && a->round != NULL)
		rc = soud_round_takes(a->round, false, why);
	return rc;
}

static int refuse_item(const struct sou_id *id, enum sou_msg msg, struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	int rc = soud_refuse(why, 409, msg, soud_hex(id, hex));
	soud_refuse_detail(why, "item", json_string(hex));
	return rc;
}

/* Are the versions that the person saw just those that are live? */
static bool base_holds(const struct soud_base *base, const struct sou_register *reg)
{
	if (base->count == 0)
		return true;
	if (reg == NULL || reg->live_count != base->count)
		return false;
	for (uint32_t i = 0; i < reg->live_count; i++) {
		bool seen = false;
		for (size_t k = 0; k < base->count && !seen; k++)
			seen = sou_id_eq(&base->versions[k], &reg->live[i].version);
		if (!seen)
			return false;
	}
	return true;
}

/* --- Lists and places --- */

static int list_read(struct act *a, const struct sou_id *round, const struct sou_id *project,
		     const struct sou_id *column, const struct sou_id *org,
		     const struct soud_item **list, size_t *count, struct soud_refusal *why)
{
	struct soud_item_filter filter = {
		.round = round, .project = project, .column = column, .org = org};
	struct soud_item *items;
	int rc = soud_items_read(&a->look, &a->plan, &filter, &a->pool, &items, count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	*list = items;
	return SOU_OK;
}

/* Ops for the places that must be written so that `entity` stands at `index` (from 0) of the list,
 * in which it may be already. */
static int place_ops(struct act *a, const struct soud_item *list, size_t count,
		     const struct sou_id *entity, size_t index, struct soud_refusal *why)
{
	struct soud_placed *placed = soud_pool_take(&a->pool, (count + 1) * sizeof *placed);
	struct sou_record record = {0};
	size_t n = 0;
	if (placed == NULL)
		return soud_refuse_rc(why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < count; i++) {
		if (n == index)
			placed[n++].entity = *entity;
		if (!sou_id_eq(&list[i].id, entity)) {
			placed[n].entity = list[i].id;
			placed[n++].place = list[i].place;
		}
	}
	if (n == index)
		placed[n++].entity = *entity;
	int rc = soud_places_assign(placed, n, &a->pool);
	for (size_t i = 0; i < n && rc == SOU_OK; i++) {
		if (!placed[i].changed)
			continue;
		const struct sou_register *reg = NULL;
		for (size_t k = 0; k < count && reg == NULL && rc == SOU_OK; k++) {
			if (!sou_id_eq(&list[k].id, &placed[i].entity))
				continue;
			rc = soud_item_record(&a->look, &list[k], &record);
			reg = rc == SOU_OK ? sou_record_field(&record, SOU_FIELD_ITEM_PLACE) : NULL;
		}
		if (rc == SOU_OK)
			soud_ops_bytes(&a->ops, SOU_KIND_ITEM, &placed[i].entity,
				       SOU_FIELD_ITEM_PLACE, reg, placed[i].place);
	}
	sou_record_fini(&record);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, NULL);
}

static int refuse_place(int64_t order, size_t count, struct soud_refusal *why)
{
	int rc = soud_refuse(why, 409, SOU_MSG_ITEM_PLACE, "", "");
	soud_refuse_number(why, 0, (uint64_t)order);
	soud_refuse_number(why, 1, count);
	soud_refuse_detail(why, "count", json_integer((json_int_t)count));
	return rc;
}

/* --- Acts --- */

static int add(struct act *a, struct soud_replica *r, const struct soud_item_place *at,
	       int64_t order, const char *text, const char *by, struct sou_id *item,
	       struct soud_refusal *why)
{
	const struct soud_project *project;
	const struct soud_column *column;
	const struct sou_org *org;
	const struct soud_item *list = NULL;
	struct sou_id scope, id;
	size_t count = 0;
	int rc = soud_name_round(&a->plan, at->round, &a->round, why);
	if (rc == SOU_OK)
		rc = soud_name_project(&a->plan, a->round, at->project, &project, why);
	if (rc == SOU_OK)
		rc = soud_name_column(&a->plan, a->round, at->column, &column, why);
	if (rc == SOU_OK)
		rc = soud_name_org(&a->look, at->org, &org, why);
	if (rc == SOU_OK)
		rc = soud_name_responsible(project, org, why);
	if (rc == SOU_OK)
		rc = act_right(a, &org->id, &scope, why);
	if (rc == SOU_OK)
		rc = soud_round_takes(a->round, false, why);
	if (rc == SOU_OK)
		rc = soud_check_text(text, why);
	if (rc == SOU_OK)
		rc = list_read(a, &a->round->head.id, &project->head.id, &column->head.id, &org->id,
			       &list, &count, why);
	if (rc != SOU_OK)
		return rc;
	if (order < 0 || (uint64_t)order > count + 1)
		return refuse_place(order, count + 1, why);
	size_t index = order == 0 ? count : (size_t)order - 1;
	rc = soud_ops_entity(r, SOU_KIND_ITEM, &id, why);
	if (rc != SOU_OK)
		return rc;
	struct soud_ops *ops = &a->ops;
	soud_ops_text(ops, SOU_KIND_ITEM, &id, SOU_FIELD_ITEM_TEXT, NULL, text);
	soud_ops_id(ops, SOU_KIND_ITEM, &id, SOU_FIELD_ITEM_PROJECT, NULL, &project->head.id);
	soud_ops_id(ops, SOU_KIND_ITEM, &id, SOU_FIELD_ITEM_COLUMN, NULL, &column->head.id);
	soud_ops_id(ops, SOU_KIND_ITEM, &id, SOU_FIELD_ITEM_ROUND, NULL, &a->round->head.id);
	rc = place_ops(a, list, count, &id, index, why);
	if (rc == SOU_OK)
		rc = soud_ops_act(ops, r, &scope, &org->id, by, why);
	if (rc == SOU_OK)
		*item = id;
	return rc;
}

int soud_item_add(struct soud_replica *r, const struct soud_item_place *at, int64_t order,
		  const char *text, const char *by, struct sou_id *item, struct soud_refusal *why)
{
	struct act a;
	int rc = act_begin(&a, r, why);
	if (rc == SOU_OK)
		rc = add(&a, r, at, order, text, by, item, why);
	act_fini(&a);
	return rc;
}

/* The versions that a new text settles: live ones first, then those held that nothing stands on. */
static int standing(struct act *a, const struct sou_id **out, size_t *count)
{
	struct soud_history history;
	struct sou_id *ids = soud_pool_take(&a->pool, SOU_REPLACES_MAX * sizeof *ids);
	size_t n = 0;
	int rc = soud_history_read(&a->look, a->item.scope, &a->record, SOU_FIELD_ITEM_TEXT,
				   &a->pool, &history);
	if (rc == SOU_OK && ids == NULL)
		rc = SOU_ENOMEM;
	if (rc != SOU_OK)
		return rc;
	for (int live = 1; live >= 0; live--) {
		for (size_t i = 0; i < history.count && n < SOU_REPLACES_MAX; i++) {
			const struct soud_version *v = &history.versions[i];
			if (v->standing && v->live == (live == 1))
				ids[n++] = v->version;
		}
	}
	*out = ids;
	*count = n;
	return SOU_OK;
}

static int edit(struct act *a, struct soud_replica *r, const struct sou_id *scope, const char *text,
		const struct soud_base *base, const char *by, struct soud_refusal *why)
{
	const struct sou_register *reg = sou_record_field(&a->record, SOU_FIELD_ITEM_TEXT);
	const struct sou_id *replaces;
	size_t count = 0;
	if (reg != NULL && reg->conflict)
		return refuse_item(&a->item.id, SOU_MSG_ITEM_CONFLICT, why);
	if (!base_holds(base, reg))
		return refuse_item(&a->item.id, SOU_MSG_ITEM_CHANGED, why);
	int rc = soud_check_text(text, why);
	if (rc != SOU_OK)
		return rc;
	rc = standing(a, &replaces, &count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	bool same = a->item.text != NULL && strcmp(a->item.text, text) == 0;
	if (same && reg != NULL && count == reg->live_count)
		return SOU_OK;
	struct sou_buf value = {0};
	sou_mp_put_str(&value, text, strlen(text));
	a->ops.failed = value.failed;
	soud_ops_value(&a->ops, SOU_KIND_ITEM, &a->item.id, SOU_FIELD_ITEM_TEXT, replaces, count,
		       sou_buf_span(&value));
	rc = soud_ops_act(&a->ops, r, scope, &a->item.org, by, why);
	sou_buf_fini(&value);
	return rc;
}

int soud_item_edit(struct soud_replica *r, const struct sou_id *item, const char *text,
		   const struct soud_base *base, const char *by, struct soud_refusal *why)
{
	struct act a;
	struct sou_id scope;
	int rc = act_on_item(&a, r, item, &scope, why);
	if (rc == SOU_OK)
		rc = edit(&a, r, &scope, text, base, by, why);
	act_fini(&a);
	return rc;
}

int soud_item_move(struct soud_replica *r, const struct sou_id *item, int64_t order, const char *by,
		   struct soud_refusal *why)
{
	struct act a;
	struct sou_id scope;
	const struct soud_item *list = NULL;
	size_t count = 0;
	int rc = act_on_item(&a, r, item, &scope, why);
	if (rc == SOU_OK)
		rc = list_read(&a, &a.item.round, &a.item.project, &a.item.column, &a.item.org,
			       &list, &count, why);
	if (rc == SOU_OK && (order < 1 || (uint64_t)order > count))
		rc = refuse_place(order, count, why);
	SOU_ASSERT(rc != SOU_OK || list != NULL); /* order is at most count */
	if (rc == SOU_OK && !sou_id_eq(&list[order - 1].id, item)) {
		rc = place_ops(&a, list, count, item, (size_t)order - 1, why);
		if (rc == SOU_OK)
			rc = soud_ops_act(&a.ops, r, &scope, &a.item.org, by, why);
	}
	act_fini(&a);
	return rc;
}

int soud_item_remove(struct soud_replica *r, const struct sou_id *item,
		     const struct soud_base *base, const char *by, struct soud_refusal *why)
{
	struct act a;
	struct sou_id scope;
	int rc = act_on_item(&a, r, item, &scope, why);
	if (rc == SOU_OK && a.record.conflict)
		rc = refuse_item(item, SOU_MSG_ITEM_CONFLICT, why);
	if (rc == SOU_OK && !base_holds(base, sou_record_field(&a.record, SOU_FIELD_ITEM_TEXT)))
		rc = refuse_item(item, SOU_MSG_ITEM_CHANGED, why);
	if (rc == SOU_OK) {
		soud_ops_delete(&a.ops, &a.record);
		rc = soud_ops_act(&a.ops, r, &scope, &a.item.org, by, why);
	}
	act_fini(&a);
	return rc;
}
