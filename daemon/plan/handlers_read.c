/* handlers_read.c - GET: the plan, rounds, organisations, items, table, conflicts. */
#include <stdlib.h>

#include "daemon/plan/handlers_int.h"
#include "daemon/plan/naming.h"

static void on_orgs(struct soud_request *req, void *context)
{
	struct ask a;
	if (soud_ask_begin(&a, req, context))
		soud_ask_end(&a, SOU_OK,
			     json_pack("{s:o}", "organisations", soud_json_orgs(&a.json)));
}

static void on_plan(struct soud_request *req, void *context)
{
	struct ask a;
	if (!soud_ask_begin(&a, req, context))
		return;
	int rc = a.plan.plan_count > 0 ? SOU_OK : soud_refuse(&a.why, 409, SOU_MSG_PLAN_NONE);
	soud_ask_end(&a, rc, rc == SOU_OK ? soud_json_plan(&a.json) : NULL);
}

static void on_rounds(struct soud_request *req, void *context)
{
	struct ask a;
	if (soud_ask_begin(&a, req, context))
		soud_ask_end(&a, SOU_OK,
			     json_pack("{s:o}", "rounds", soud_json_rounds(&a.json, NULL)));
}

/* --- items --- */

/* Without a round and an id: the open one, or all where several or none are open. */
static int filter_of(struct ask *a, struct soud_item_filter *f, const struct soud_round **round)
{
	const char *name = soud_request_query(a->req, "round");
	const char *project = soud_request_query(a->req, "project");
	const char *column = soud_request_query(a->req, "column");
	const char *org = soud_request_query(a->req, "organisation");
	int rc = SOU_OK;
	f->id_prefix = soud_request_query(a->req, "id_prefix");
	*round = NULL;
	if (name != NULL)
		rc = soud_name_round(&a->plan, name, round, &a->why);
	else if (f->id_prefix == NULL && soud_plan_open_round(&a->plan, round) != SOU_OK)
		*round = NULL;
	if (*round != NULL)
		f->round = &(*round)->head.id;
	if (rc == SOU_OK && project != NULL) {
		const struct soud_project *p;
		rc = soud_name_project(&a->plan, *round, project, &p, &a->why);
		f->project = rc == SOU_OK ? &p->head.id : NULL;
	}
	if (rc == SOU_OK && column != NULL) {
		const struct soud_column *c;
		rc = soud_name_column(&a->plan, *round, column, &c, &a->why);
		f->column = rc == SOU_OK ? &c->head.id : NULL;
	}
	if (rc == SOU_OK && org != NULL) {
		const struct sou_org *o;
		rc = soud_name_org(&a->look, org, &o, &a->why);
		f->org = rc == SOU_OK ? &o->id : NULL;
		struct sou_id scope = {{0}};
		if (rc == SOU_OK)
			scope = sou_scope_id(SOU_SCOPE_ORG, &o->id);
		if (rc == SOU_OK && !soud_look_may_read(&a->look, &scope, NULL, 0))
			rc = soud_refuse(&a->why, 403,
					 SOU_MSG_RIGHT_SCOPE); /* none is not "none" */
	}
	return rc;
}

static void on_items(struct soud_request *req, void *context)
{
	struct ask a;
	struct soud_item_filter filter = {0};
	const struct soud_round *round;
	struct soud_item *items = NULL;
	size_t count = 0, kept = 0;
	if (!soud_ask_begin(&a, req, context))
		return;
	const char *order = soud_request_query(req, "order");
	int rc = filter_of(&a, &filter, &round);
	if (rc == SOU_OK)
		rc = soud_items_read(&a.look, &a.plan, &filter, &a.pool, &items, &count);
	for (size_t i = 0; i < count && rc == SOU_OK; i++)
		if (order == NULL || items[i].order == strtoull(order, NULL, 10))
			items[kept++] = items[i];
	soud_ask_end(&a, rc,
		     rc == SOU_OK
			     ? json_pack("{s:o}", "items", soud_json_items(&a.json, items, kept))
			     : NULL);
}

/* With its order, which only its whole list tells. */
json_t *soud_ask_item(struct ask *a, const struct sou_id *id, int *rc)
{
	char hex[SOUD_HEX_BYTES];
	struct soud_item_filter filter = {.id_prefix = soud_hex(id, hex)};
	struct soud_item *items = NULL, one;
	size_t count = 0;
	*rc = soud_items_read(&a->look, &a->plan, &filter, &a->pool, &items, &count);
	if (*rc == SOU_OK && count == 0) {
		*rc = soud_item_find(&a->look, id, &a->pool, &one);
		items = &one;
		if (*rc == SOU_EUNKNOWN)
			*rc = soud_refuse(&a->why, 404, SOU_MSG_ITEM_UNKNOWN, hex);
	}
	return *rc == SOU_OK ? soud_json_item(&a->json, &items[0]) : NULL;
}

static void on_item(struct soud_request *req, void *context)
{
	struct ask a;
	struct sou_id id;
	json_t *item = NULL;
	if (!soud_ask_begin(&a, req, context))
		return;
	const char *hex = soud_request_param(req, "id");
	int rc = soud_id_read(hex, &id) ? SOU_OK
					: soud_refuse(&a.why, 404, SOU_MSG_ITEM_UNKNOWN, hex);
	if (rc == SOU_OK)
		item = soud_ask_item(&a, &id, &rc);
	soud_ask_end(&a, rc, item != NULL ? json_pack("{s:o}", "item", item) : NULL);
}

/* --- table and conflicts --- */

static void on_table(struct soud_request *req, void *context)
{
	struct ask a;
	struct soud_table table;
	struct soud_table_options options = {.latest = soud_request_query_is_true(req, "latest")};
	if (!soud_ask_begin(&a, req, context))
		return;
	const char *project = soud_request_query(req, "project");
	const char *org = soud_request_query(req, "organisation");
	int rc = soud_name_round(&a.plan, soud_request_query(req, "round"), &options.round, &a.why);
	if (rc == SOU_OK && project != NULL)
		rc = soud_name_project(&a.plan, options.round, project, &options.project, &a.why);
	if (rc == SOU_OK && org != NULL) {
		const struct sou_org *o;
		rc = soud_name_org(&a.look, org, &o, &a.why);
		options.org = rc == SOU_OK ? &o->id : NULL;
	}
	if (rc == SOU_OK)
		rc = soud_table_read(&a.look, &a.plan, &options, &a.pool, &table);
	soud_ask_end(&a, rc, rc == SOU_OK ? soud_json_table(&a.json, &table) : NULL);
}

static void on_conflicts(struct soud_request *req, void *context)
{
	struct ask a;
	struct soud_conflict *list;
	size_t count;
	if (!soud_ask_begin(&a, req, context))
		return;
	int rc = soud_conflicts_read(&a.look, &a.plan, soud_request_query(req, "id_prefix"),
				     &a.pool, &list, &count);
	soud_ask_end(&a, rc,
		     rc == SOU_OK ? json_pack("{s:o}", "conflicts",
					      soud_json_conflicts(&a.json, list, count))
				  : NULL);
}

void soud_read_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon)
{
	handlers[SOUD_R_ORG_LIST] = (struct soud_handler){on_orgs, daemon};
	handlers[SOUD_R_PLAN_SHOW] = (struct soud_handler){on_plan, daemon};
	handlers[SOUD_R_ROUND_LIST] = (struct soud_handler){on_rounds, daemon};
	handlers[SOUD_R_ITEM_LIST] = (struct soud_handler){on_items, daemon};
	handlers[SOUD_R_ITEM_SHOW] = (struct soud_handler){on_item, daemon};
	handlers[SOUD_R_TABLE] = (struct soud_handler){on_table, daemon};
	handlers[SOUD_R_CONFLICT_LIST] = (struct soud_handler){on_conflicts, daemon};
}
