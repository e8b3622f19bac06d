/* status.c - GET status, digest and sites: how this site stands. */
#include <string.h>

#include "daemon/metrics.h"
#include "daemon/plan/handlers_int.h"
#include "daemon/replica/read.h"
#include "daemon/scrubber.h"
#include "daemon/sync/routes.h"

struct counts {
	size_t local, queued, received, held, items;
};

static int count_scope(struct ask *a, uint32_t number, struct counts *c)
{
	struct sou_id scope;
	struct soud_delivery d = {0};
	struct soud_log_counts all, later;
	int rc = soud_store_scope_id(a->look.store, number, &scope);
	if (rc == SOU_OK && !a->look.self->hub)
		rc = soud_reader_delivery(a->look.reader, &scope, &d);
	if (rc == SOU_OK)
		rc = soud_store_log_counts(a->look.store, number, 0, &all);
	if (rc == SOU_OK)
		rc = soud_store_log_counts(a->look.store, number, d.acked, &later);
	if (rc != SOU_OK)
		return rc;
	size_t stored = (size_t)(all.own - all.own_held);
	size_t waiting = a->look.self->hub ? 0 : (size_t)(later.own - later.own_held);
	c->held += (size_t)all.own_held;
	c->received += stored - waiting;
	if (a->look.stays)
		c->local += waiting;
	else
		c->queued += waiting;
	return SOU_OK;
}

/* Own entries by where they are; at the hub what is stored is received. */
static int count_entries(struct ask *a, struct counts *c)
{
	uint32_t scopes = 0;
	int rc = soud_store_scope_count(a->look.store, &scopes);
	for (uint32_t n = 1; n <= scopes && rc == SOU_OK; n++)
		rc = count_scope(a, n, c);
	return rc;
}

/* Roles that a site holds for an organisation, in its own scope, in projects and in the plan. */
static json_t *roles_json(struct ask *a, const struct sou_id *site, const struct sou_id *org)
{
	const struct sou_id none = {{0}}; /* any project: such rights speak of all of them */
	const struct sou_id scopes[] = {sou_scope_id(SOU_SCOPE_ORG, org),
					sou_scope_id(SOU_SCOPE_PROJECT, &none),
					sou_scope_id(SOU_SCOPE_PLAN, NULL)};
	json_t *roles = json_array();
	uint32_t held = 0;
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
		held |= sou_authority_roles(a->look.authority, site, &scopes[i], org);
	for (uint32_t bit = 1; bit <= SOU_ROLE_ADMIN; bit *= 2)
		if ((held & bit) != 0)
			json_array_append_new(roles,
					      json_string(sou_role_name((enum sou_role)bit)));
	return roles;
}

static json_t *site_json(struct ask *a)
{
	const struct sou_line *line = sou_authority_site(a->look.authority, &a->look.self->site);
	const struct sou_org *org = soud_look_own_org(&a->look);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "id", soud_json_id(&a->look.self->site),
			 "name", line != NULL ? soud_json_span(line->name) : json_string(""),
			 "organisation", org != NULL ? soud_json_span(org->handle) : json_null(),
			 "organisation_name", org != NULL ? soud_json_span(org->name) : json_null(),
			 "roles",
			 org != NULL ? roles_json(a, &a->look.self->site, &org->id) : json_array(),
			 "hub", a->look.self->hub);
}

/* One project of an open round: not submitted, or changed since it was. `items` are those of the
 * organisation in the round, in print order, so that a project's stand together. */
static int todo_project(struct ask *a, const struct soud_round *round, const struct soud_project *p,
			const struct sou_org *org, const struct soud_item *items, size_t count,
			json_t *list)
{
	struct soud_submission s;
	size_t first = 0, of_project = 0;
	int rc = soud_submission_read(&a->look, p, &org->id, round, &a->pool, &s);
	if (rc != SOU_OK)
		return rc;
	while (first < count && !sou_id_eq(&items[first].project, &p->head.id))
		first++;
	while (first + of_project < count &&
	       sou_id_eq(&items[first + of_project].project, &p->head.id))
		of_project++;
	bool done = soud_standing_is_done(s.standing);
	bool changed = done && soud_submission_changed(&s, items + first, of_project);
	if (!done || changed)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:s?}", "round",
					round->head.handle, "project", p->head.handle, "title",
					p->title, "organisation", soud_json_span(org->handle),
					"standing", soud_standing_name(s.standing), "changed_since",
					changed, "due_at", round->due));
	return SOU_OK;
}

static json_t *todo_json(struct ask *a, int *rc)
{
	const struct sou_org *org = soud_look_own_org(&a->look);
	json_t *list = json_array();
	for (size_t r = 0; org != NULL && r < a->plan.round_count; r++) {
		const struct soud_round *round = &a->plan.rounds[r];
		const struct soud_item_filter filter = {.round = &round->head.id, .org = &org->id};
		struct soud_item *items = NULL;
		size_t count = 0;
		if (round->state != SOUD_ROUND_OPEN)
			continue;
		*rc = soud_items_read(&a->look, &a->plan, &filter, &a->pool, &items, &count);
		for (size_t i = 0; *rc == SOU_OK && i < a->plan.project_count; i++) {
			const struct soud_project *p = &a->plan.projects[i];
			if (soud_project_has(p, &org->id) &&
			    sou_id_eq(&p->head.plan, &round->head.plan))
				*rc = todo_project(a, round, p, org, items, count, list);
		}
		if (*rc != SOU_OK)
			break;
	}
	return list;
}

static json_t *disk_json(struct ask *a)
{
	struct soud_space_now now = soud_core_space(a->daemon->core);
	return json_pack("{s:s, s:I, s:b}", "state", soud_space_name(now.state), "free_bytes",
			 (json_int_t)now.free_bytes, "reserve", now.reserve);
}

static json_t *config_json(const struct soud_settings *s)
{
	const char *state = s->reload_ms == 0 ? "started" : s->refused ? "refused" : "reloaded";
	json_t *restart = json_array();
	char names[SOUD_SETTINGS_NAMES_BYTES], *rest = names;
	memcpy(names, s->restart, sizeof names);
	for (char *name; (name = strsep(&rest, " ")) != NULL;)
		if (name[0] != '\0')
			json_array_append_new(restart, json_string(name));
	return json_pack("{s:s, s:o, s:I, s:o}", "state", state, "at",
			 s->reload_ms > 0 ? soud_json_time(s->reload_ms) : json_null(), "faults",
			 (json_int_t)(s->refused ? s->faults : 0), "restart", restart);
}

static json_int_t count_drafts(const struct ask *a)
{
	struct soud_store *store = soud_reader_store(soud_core_reader(a->daemon->core));
	struct soud_draft draft = {0};
	json_int_t count = 0;
	while (soud_store_draft_next(store, draft.number, &draft) == SOU_OK)
		count++;
	return count;
}

static json_t *scrub_json(struct ask *a)
{
	struct soud_scrubber_status st;
	soud_scrubber_status(a->daemon->scrubber, &st);
	return json_pack("{s:o, s:b, s:I}", "at",
			 st.last_ms > 0 ? soud_json_time(st.last_ms) : json_null(), "running",
			 st.running, "damaged", (json_int_t)st.damaged);
}

static void on_status(struct soud_request *req, void *context)
{
	struct ask a;
	struct counts c = {0};
	size_t conflicts = 0, incomplete = 0;
	if (!soud_ask_begin(&a, req, context))
		return;
	int rc = count_entries(&a, &c);
	if (rc == SOU_OK)
		rc = soud_items_count(&a.look, &c.items);
	if (rc == SOU_OK)
		rc = soud_conflicts_count(&a.look, &a.plan, &conflicts, &incomplete);
	json_t *todo = rc == SOU_OK ? todo_json(&a, &rc) : NULL;
	struct sou_hash head = sou_authority_head(a.look.authority);
	char hex[65];
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", head.b[i]);
	const struct soud_one_plan *plan = soud_plan_current(&a.plan);
	json_t *reply =
		rc != SOU_OK
			? NULL
			: json_pack("{s:o, s:{s:s, s:i, s:i}, s:o, s:{s:I, s:I, s:I, s:I, s:I, "
				    "s:I, s:I, s:I}, "
				    "s:{s:s, s:I, s:n}, s:o, s:o, s:o, s:o, s:o, s:s, s:o}",
				    "site", site_json(&a), "software", "version", SOU_VERSION,
				    "wire", (int)SOU_WIRE_VERSION, "rules", (int)SOU_RULE_VERSION,
				    "link",
				    soud_sync_json(a.daemon->sync, a.daemon->core, a.json.lang),
				    "counts", "items", (json_int_t)c.items, "local",
				    (json_int_t)c.local, "queued", (json_int_t)c.queued, "received",
				    (json_int_t)c.received, "held", (json_int_t)c.held, "drafts",
				    count_drafts(&a), "conflicts", (json_int_t)conflicts,
				    "incomplete", (json_int_t)incomplete, "authority", "head", hex,
				    "ops", (json_int_t)sou_authority_op_count(a.look.authority),
				    "heartbeat_at", "plan",
				    plan != NULL ? json_pack("{s:s, s:s}", "id", plan->head.handle,
							     "short_name", plan->short_name)
						 : json_null(),
				    "rounds", soud_json_rounds(&a.json, NULL), "todo", todo, "disk",
				    disk_json(&a), "scrub", scrub_json(&a), "mode",
				    soud_daemon_mode(a.daemon), "config",
				    config_json(a.daemon->settings));
	if (rc != SOU_OK)
		json_decref(todo);
	soud_ask_end(&a, rc, reply);
}

/* --- digests --- */

static json_t *hash_json(const struct sou_hash *h)
{
	char hex[65];
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", h->b[i]);
	return json_string(hex);
}

/* plan, then org/…, then project/…, by handle within. */
static int scope_rank(const char *name)
{
	return strncmp(name, "project/", 8) == 0 ? 2 : strncmp(name, "org/", 4) == 0 ? 1 : 0;
}

/* Where a scope of this name comes in the list, which is in order. */
static size_t scope_place(const json_t *list, const char *name)
{
	size_t low = 0, high = json_array_size(list);
	while (low < high) {
		size_t mid = (low + high) / 2;
		const char *other =
			json_string_value(json_object_get(json_array_get(list, mid), "scope"));
		int cmp = scope_rank(other) - scope_rank(name);
		if (cmp < 0 || (cmp == 0 && strcmp(other, name) <= 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int scope_json(struct ask *a, const struct sou_view *view, const struct sou_view_scope *at,
		      json_t *list)
{
	struct soud_scope_name name;
	struct sou_digest d;
	struct soud_log_counts counts;
	uint32_t number;
	int rc = soud_scope_name(&a->look, &a->plan, &at->scope, &a->pool, &name);
	const struct soud_project *p = NULL;
	if (rc == SOU_OK && name.kind == SOU_SCOPE_PROJECT)
		p = soud_plan_project_id(&a->plan, &name.entity);
	if (rc == SOU_EUNKNOWN ||
	    (rc == SOU_OK &&
	     !soud_look_may_read(&a->look, &at->scope, p != NULL ? p->readers : NULL,
				 p != NULL ? p->reader_count : 0)))
		return SOU_OK;
	if (rc == SOU_OK)
		rc = soud_store_scope_find(a->look.store, &at->scope, &number);
	if (rc == SOU_OK)
		rc = soud_store_log_counts(a->look.store, number, 0, &counts);
	if (rc != SOU_OK)
		return rc;
	if (!view->digest(view->ctx, &at->scope, &d))
		return SOU_ESTORE;
	json_array_insert_new(list, scope_place(list, name.text),
			      json_pack("{s:s, s:o, s:o, s:o, s:I, s:I}", "scope", name.text, "id",
					soud_json_id(&at->scope), "state", hash_json(&d.state),
					"entries", hash_json(&d.entries), "entry_count",
					(json_int_t)at->last, "held_count",
					(json_int_t)counts.held));
	return SOU_OK;
}

static void on_digest(struct soud_request *req, void *context)
{
	struct ask a;
	struct sou_view view;
	struct sou_view_scope at;
	json_t *list = json_array();
	if (!soud_ask_begin(&a, req, context)) {
		json_decref(list);
		return;
	}
	int rc = SOU_OK;
	soud_reader_view(a.look.reader, &view);
	for (size_t i = 0; rc == SOU_OK && view.scope_at(view.ctx, i, &at); i++)
		rc = scope_json(&a, &view, &at, list);
	struct sou_hash authority = sou_authority_hash(a.look.authority);
	soud_ask_end(&a, rc,
		     json_pack("{s:i, s:{s:o, s:I}, s:o}", "rules", (int)SOU_RULE_VERSION,
			       "authority", "digest", hash_json(&authority), "ops",
			       (json_int_t)sou_authority_op_count(a.look.authority), "scopes",
			       list));
}

/* --- sites --- */

static json_t *line_json(struct ask *a, const struct sou_line *line,
			 const struct soud_sync_link *links, size_t link_count)
{
	const struct sou_authority *au = a->look.authority;
	const struct sou_org *org = sou_authority_org(au, &line->org);
	struct sou_hash genesis = sou_authority_genesis(au);
	bool self = sou_id_eq(&line->site, &a->look.self->site);
	bool hub = sou_hash_eq(&line->opening, &genesis);
	const struct soud_sync_link *link = NULL;
	for (size_t i = 0; i < link_count; i++)
		if (links[i].live && sou_id_eq(&links[i].site, &line->site))
			link = &links[i];
	bool known = a->look.self->hub || hub;
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:o, s:o}", "id",
			 soud_json_id(&line->site), "name", soud_json_span(line->name),
			 "organisation", org != NULL ? soud_json_span(org->handle) : json_null(),
			 "roles", roles_json(a, &line->site, &line->org), "state",
			 sou_authority_key_withdrawn(au, &line->site, &line->key_id) ? "withdrawn"
										     : "active",
			 "self", self, "hub", hub, "connected",
			 known && !self ? json_boolean(link != NULL) : json_null(), "last_contact",
			 link != NULL ? soud_json_time((int64_t)link->contact_ms) : json_null());
}

/* Invites that nobody has used and that have not ended, from the ops that made them. */
static void invites_add(struct ask *a, json_t *list)
{
	const struct sou_authority *au = a->look.authority;
	uint64_t now = soud_wall_ms();
	for (size_t i = 0; i < sou_authority_op_count(au); i++) {
		struct sou_hash id, prev;
		struct sou_span bytes, sigs;
		struct sou_authop op;
		sou_authority_op(au, i, &id, &prev, &bytes, &sigs);
		if (sou_authop_read(&op, bytes) != SOU_OK)
			continue;
		for (uint32_t k = 0; k < op.effect_count; k++) {
			const struct sou_effect *open;
			const struct sou_effect *e = &op.effects[k];
			struct sou_id key = sou_key_id(&e->key);
			if (e->type != SOU_EFFECT_INVITE || e->number <= now ||
			    sou_authority_invite(au, &key, &open) != SOU_OK)
				continue;
			json_t *roles = json_array();
			for (uint32_t bit = 1; bit <= SOU_ROLE_ADMIN; bit *= 2)
				if ((e->roles & bit) != 0)
					json_array_append_new(roles, json_string(sou_role_name(
									     (enum sou_role)bit)));
			json_array_append_new(
				list,
				json_pack("{s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:n, s:n, s:o}",
					  "id", soud_json_id(&key), "name", soud_json_span(e->name),
					  "organisation", soud_json_org(&a->json, &e->org), "roles",
					  roles, "state", "invited", "self", 0, "hub", 0,
					  "connected", "last_contact", "expires_at",
					  soud_json_time((int64_t)e->number)));
		}
		sou_authop_fini(&op);
	}
}

#define LINKS_MAX 4096u

static void on_sites(struct soud_request *req, void *context)
{
	struct ask a;
	if (!soud_ask_begin(&a, req, context))
		return;
	struct soud_sync_link *links = soud_pool_take(&a.pool, LINKS_MAX * sizeof *links);
	size_t count = links != NULL ? soud_sync_links(a.daemon->sync, links, LINKS_MAX) : 0;
	json_t *list = json_array();
	if (count > LINKS_MAX)
		count = LINKS_MAX;
	for (size_t i = 0; i < sou_authority_line_count(a.look.authority); i++) {
		const struct sou_line *line = sou_authority_line_at(a.look.authority, i);
		const struct sou_line *newest = sou_authority_site(a.look.authority, &line->site);
		if (newest == line)
			json_array_append_new(list, line_json(&a, line, links, count));
	}
	invites_add(&a, list);
	soud_ask_end(&a, SOU_OK, json_pack("{s:o}", "sites", list));
}

void soud_status_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon)
{
	handlers[SOUD_R_STATUS] = (struct soud_handler){on_status, daemon};
	handlers[SOUD_R_DIGEST] = (struct soud_handler){on_digest, daemon};
	handlers[SOUD_R_SITE_LIST] = (struct soud_handler){on_sites, daemon};
}
