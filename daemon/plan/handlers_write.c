/* handlers_write.c - POST: each act runs on the writer thread, in the transaction of its group, and
 * is answered after COMMIT with what stands then. Strings are borrowed from the request, which
 * lives until it is answered. */
#include <stdlib.h>
#include <string.h>

#include "daemon/plan/handlers_int.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/when.h"

#define LIST_MAX 64u /* members of S and V in routes.def */

struct write {
	struct soud_job job;
	struct soud_request *req;
	struct soud_daemon *daemon;
	enum soud_route_id route;
	struct sou_id id, versions[LIST_MAX], version;
	struct soud_base base;
	const char *strings[LIST_MAX];
	size_t string_count;
	int64_t now_ms;
	char today[11], address[256];
	struct soud_plan_imported plan;
	struct soud_orgs_imported orgs;
	struct soud_invite_made invite;
	uint32_t roles, order;
	struct soud_refusal why;
	bool unchanged; /* a submission that stood so already */
};

static const char *member(const struct write *w, const char *name)
{
	return soud_request_text(w->req, name);
}

/* --- writer thread --- */

static int run_item(struct write *w, struct soud_replica *r, const char *by)
{
	int64_t order = soud_request_integer(w->req, "order", 0);
	struct soud_item_place at = {member(w, "round"), member(w, "project"), member(w, "column"),
				     member(w, "organisation")};
	if (w->route == SOUD_R_ITEM_ADD)
		return soud_item_add(r, &at, order, member(w, "text"), by, &w->id, &w->why);
	if (w->route == SOUD_R_ITEM_EDIT)
		return soud_item_edit(r, &w->id, member(w, "text"), &w->base, by, &w->why);
	if (w->route == SOUD_R_ITEM_MOVE)
		return soud_item_move(r, &w->id, order, by, &w->why);
	return soud_item_remove(r, &w->id, &w->base, by, &w->why);
}

static int run_rest(struct write *w, struct soud_replica *r, const char *by)
{
	const char *dir = soud_core_data_dir(w->daemon->core);
	if (w->route == SOUD_R_ORG_IMPORT)
		return soud_org_import(r, dir, member(w, "csv"), member(w, "passphrase"), w->today,
				       &w->orgs, &w->why);
	if (w->route == SOUD_R_INVITE) {
		struct soud_invite_ask ask = {
			.org = member(w, "organisation"),
			.name = member(w, "name"),
			.roles = w->roles,
			.expires_s = soud_request_integer(w->req, "expires_s", 604800),
			.now_ms = w->now_ms,
			.address = w->address};
		return soud_invite(r, dir, &ask, member(w, "passphrase"), &w->invite, &w->why);
	}
	if (w->route == SOUD_R_PLAN_IMPORT)
		return soud_plan_import(r, json_object_get(soud_request_body(w->req), "document"),
					by, &w->plan, &w->why);
	const char *round = soud_request_param(w->req, "round");
	if (w->route == SOUD_R_ROUND_OPEN)
		return soud_round_open(r, round, member(w, "due_at"), by, &w->why);
	return soud_round_close(r, round, by, &w->why);
}

/* R21: what a person writes waits for room; what changes authority does not. */
static int refuse_full(struct write *w, void *replica)
{
	bool authority = w->route == SOUD_R_INVITE || w->route == SOUD_R_ORG_IMPORT;
	if (soud_core_job_takes(replica, authority ? SOUD_NEED_AUTHORITY : SOUD_NEED_ENTRIES))
		return SOU_OK;
	char left[32];
	(void)snprintf(left, sizeof left, "%llu MiB",
		       (unsigned long long)(soud_core_job_space(replica).free_bytes >> 20));
	return soud_refuse(&w->why, 503, SOU_MSG_REPLICA_READ_ONLY, left);
}

static int run(struct soud_job *job, void *replica)
{
	struct write *w = (struct write *)job;
	struct soud_replica *r = soud_core_job_replica(replica);
	const char *by = member(w, "by");
	int rc = refuse_full(w, replica);
	if (rc != SOU_OK)
		return rc;
	if (w->route == SOUD_R_SUBMIT) {
		struct soud_submit in = {
			member(w, "round"), member(w, "project"), member(w, "organisation"),
			w->strings,         w->string_count,      by,
			&w->unchanged};
		rc = soud_submit(r, &in, &w->why);
	} else if (w->route == SOUD_R_CONFLICT_RESOLVE) {
		struct soud_resolve in = {.entity = w->id,
					  .field = member(w, "field"),
					  .version =
						  member(w, "version") != NULL ? &w->version : NULL,
					  .text = member(w, "text"),
					  .base = w->base,
					  .by = by};
		rc = soud_conflict_resolve(r, &in, &w->why);
	} else if (w->route == SOUD_R_ITEM_ADD || w->route == SOUD_R_ITEM_EDIT ||
		   w->route == SOUD_R_ITEM_MOVE || w->route == SOUD_R_ITEM_REMOVE) {
		rc = run_item(w, r, by);
	} else {
		rc = run_rest(w, r, by);
	}
	return soud_replica_broken(r) ? SOU_ESTORE : rc;
}

/* --- loop thread --- */

static json_t *reply_submission(struct ask *a, struct write *w, int *rc)
{
	const struct soud_round *round;
	const struct soud_project *project;
	const struct sou_org *org;
	struct soud_submission s;
	*rc = soud_name_round(&a->plan, member(w, "round"), &round, &a->why);
	if (*rc == SOU_OK)
		*rc = soud_name_project(&a->plan, round, member(w, "project"), &project, &a->why);
	if (*rc == SOU_OK)
		*rc = soud_name_org(&a->look, member(w, "organisation"), &org, &a->why);
	if (*rc == SOU_OK)
		*rc = soud_submission_read(&a->look, project, &org->id, round, &a->pool, &s);
	return *rc != SOU_OK ? NULL
			     : json_pack("{s:o, s:b}", "submission",
					 soud_json_submission(&a->json, project, &org->id, round,
							      &s, false),
					 "unchanged", w->unchanged);
}

static json_t *reply_invite(struct ask *a, struct write *w)
{
	json_t *roles = json_array();
	for (uint32_t bit = 1; bit <= SOU_ROLE_ADMIN; bit *= 2)
		if ((w->roles & bit) != 0)
			json_array_append_new(roles,
					      json_string(sou_role_name((enum sou_role)bit)));
	(void)a;
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "invite", w->invite.text, "id",
			 soud_json_id(&w->invite.id), "organisation", member(w, "organisation"),
			 "name", member(w, "name"), "roles", roles, "expires_at",
			 soud_json_time(w->invite.expires_ms));
}

static json_t *reply_resolved(struct ask *a, struct write *w, int *rc)
{
	struct soud_item item;
	*rc = soud_item_find(&a->look, &w->id, &a->pool, &item);
	if (*rc == SOU_EUNKNOWN) {
		*rc = SOU_OK;
		return json_pack("{s:n}", "item");
	}
	json_t *shown = *rc == SOU_OK ? soud_ask_item(a, &w->id, rc) : NULL;
	return shown != NULL ? json_pack("{s:o}", "item", shown) : NULL;
}

static json_t *reply_of(struct ask *a, struct write *w, int *rc)
{
	const struct soud_round *round;
	json_t *item;
	*rc = SOU_OK;
	if (w->route == SOUD_R_SUBMIT)
		return reply_submission(a, w, rc);
	if (w->route == SOUD_R_CONFLICT_RESOLVE)
		return reply_resolved(a, w, rc);
	if (w->route == SOUD_R_INVITE)
		return reply_invite(a, w);
	if (w->route == SOUD_R_ORG_IMPORT)
		return json_pack("{s:I, s:I, s:I, s:I}", "added", (json_int_t)w->orgs.added,
				 "changed", (json_int_t)w->orgs.changed, "unchanged",
				 (json_int_t)w->orgs.unchanged, "ops", (json_int_t)w->orgs.ops);
	if (w->route == SOUD_R_PLAN_IMPORT)
		return json_pack(
			"{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "plan", w->plan.plan, "rounds",
			(json_int_t)w->plan.rounds, "pillars", (json_int_t)w->plan.pillars,
			"projects", (json_int_t)w->plan.projects, "indicators",
			(json_int_t)w->plan.indicators, "items_left_out",
			(json_int_t)w->plan.items_left_out, "changed", (json_int_t)w->plan.changed);
	if (w->route == SOUD_R_ROUND_OPEN || w->route == SOUD_R_ROUND_CLOSE) {
		*rc = soud_name_round(&a->plan, soud_request_param(w->req, "round"), &round,
				      &a->why);
		return *rc == SOU_OK ? json_pack("{s:o}", "round", soud_json_round(&a->json, round))
				     : NULL;
	}
	item = soud_ask_item(a, &w->id, rc);
	if (item != NULL && w->route == SOUD_R_ITEM_REMOVE)
		json_object_set_new(item, "order", json_integer((json_int_t)w->order));
	return item != NULL ? json_pack("{s:o}", "item", item) : NULL;
}

static void done(struct soud_job *job, int rc)
{
	struct write *w = (struct write *)job;
	struct ask a;
	if (rc != SOU_OK) {
		if (w->why.err.rc == SOU_OK)
			(void)soud_refuse_rc(&w->why, rc, NULL);
		soud_reply_refusal(w->req, &w->why);
	} else if (soud_ask_begin(&a, w->req, w->daemon)) {
		json_t *reply = reply_of(&a, w, &rc);
		soud_ask_end(&a, rc, reply);
	}
	soud_refusal_fini(&w->why);
	sou_cleanse(&w->invite, sizeof w->invite);
	free(w);
}

/* --- from the request --- */

static int read_roles(struct write *w)
{
	const json_t *list = json_object_get(soud_request_body(w->req), "roles");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		uint32_t found = 0;
		for (uint32_t bit = 1; bit <= SOU_ROLE_ADMIN; bit *= 2)
			if (strcmp(sou_role_name((enum sou_role)bit), name) == 0)
				found = bit;
		/* The hub's own rights are made by init and handed to nobody else. */
		if (found == 0 || found == SOU_ROLE_ANCHOR || found == SOU_ROLE_ADMIN)
			return soud_refuse(&w->why, 400, SOU_MSG_INVITE_ROLE, name);
		w->roles |= found;
	}
	return SOU_OK;
}

/* Ids and lists; the types were checked by the route's table. */
static int read_request(struct write *w)
{
	const json_t *body = soud_request_body(w->req);
	const json_t *base = json_object_get(body, "base"),
		     *nil = json_object_get(body, "nil_columns");
	const char *version = member(w, "version");
	const struct soud_route *route = soud_request_route(w->req);
	if (strstr(route->path, "{id}") != NULL &&
	    !soud_id_read(soud_request_param(w->req, "id"), &w->id))
		return soud_refuse(&w->why, 404, SOU_MSG_ITEM_UNKNOWN,
				   soud_request_param(w->req, "id"));
	for (size_t i = 0; i < json_array_size(base) && i < LIST_MAX; i++)
		if (soud_id_read(json_string_value(json_array_get(base, i)),
				 &w->versions[w->base.count]))
			w->base.count++;
	w->base.versions = w->versions;
	for (size_t i = 0; i < json_array_size(nil) && i < LIST_MAX; i++)
		w->strings[w->string_count++] = json_string_value(json_array_get(nil, i));
	if (version != NULL && !soud_id_read(version, &w->version))
		return soud_refuse(&w->why, 409, SOU_MSG_CONFLICT_VERSION, version);
	if (w->route == SOUD_R_CONFLICT_RESOLVE && (version == NULL) == (member(w, "text") == NULL))
		return soud_refuse(&w->why, 409, SOU_MSG_CONFLICT_VERSION, "-");
	return w->route == SOUD_R_INVITE ? read_roles(w) : SOU_OK;
}

/* What an invite names: what the administrator set, else the address at which the hub listens, with
 * the port that it got. One that stands for every interface is no address for a site. */
static void hub_address(struct write *w)
{
	const char *listen = w->daemon->address;
	if (listen == NULL || strncmp(listen, "0.0.0.0:", 8) == 0 ||
	    strncmp(listen, "[::]:", 5) == 0)
		listen = "";
	(void)snprintf(w->address, sizeof w->address, "%s", listen);
}

/* A removed item is in no list any more: its order is looked up before. */
static void find_order(struct write *w)
{
	struct soud_look look;
	struct soud_look_view view;
	struct soud_pool pool = {0};
	struct soud_plan plan;
	char hex[SOUD_HEX_BYTES];
	struct soud_item_filter filter = {.id_prefix = soud_hex(&w->id, hex)};
	struct soud_item *items;
	size_t count;
	soud_look_reader(&look, soud_core_reader(w->daemon->core), false);
	if (soud_look_begin(&look, &view) != SOU_OK)
		return;
	if (soud_plan_read(&look, &pool, &plan) == SOU_OK &&
	    soud_items_read(&look, &plan, &filter, &pool, &items, &count) == SOU_OK && count == 1)
		w->order = items[0].order;
	soud_look_end(&look, &view);
	soud_pool_fini(&pool);
}

static void on_write(struct soud_request *req, void *context)
{
	struct soud_daemon *daemon = context;
	struct write *w = calloc(1, sizeof *w);
	if (w == NULL) {
		soud_reply_json(req, NULL);
		return;
	}
	w->job.run = run;
	w->job.done = done;
	w->req = req;
	w->daemon = daemon;
	w->route = (enum soud_route_id)(soud_request_route(req) - soud_routes);
	w->now_ms = (int64_t)soud_wall_ms();
	soud_date_text(w->now_ms, w->today);
	hub_address(w);
	int rc = read_request(w);
	if (rc != SOU_OK) {
		soud_reply_refusal(req, &w->why);
		free(w);
		return;
	}
	if (w->route == SOUD_R_ITEM_REMOVE)
		find_order(w);
	soud_core_post(daemon->core, &w->job);
}

void soud_write_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon)
{
	static const enum soud_route_id routes[] = {
		SOUD_R_INVITE,      SOUD_R_ORG_IMPORT, SOUD_R_PLAN_IMPORT,     SOUD_R_ROUND_OPEN,
		SOUD_R_ROUND_CLOSE, SOUD_R_ITEM_ADD,   SOUD_R_ITEM_EDIT,       SOUD_R_ITEM_MOVE,
		SOUD_R_ITEM_REMOVE, SOUD_R_SUBMIT,     SOUD_R_CONFLICT_RESOLVE};
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		handlers[routes[i]] = (struct soud_handler){on_write, daemon};
}
