/* rig.c - builds the rig, and reads it back. */
#include "tests/daemon/plan/rig.h"

#include "daemon/plan/csv.h"
#include "daemon/plan/naming.h"

/* --- Organisations of the CSV file, by operational ops --- */

static void orgs_make(struct world *w)
{
	static const char *const kinds[] = {"", "headquarters", "division", "volunteer_centre",
					    "ward_council"};
	struct test_bytes file = test_read(SOU_SOURCE_DIR "/tests/data/organisations.csv");
	struct soud_csv csv = {.at = (const char *)file.b};
	struct soud_csv_row row;
	struct soud_pool pool = {0};
	struct sou_effect *effects = test_alloc(128 * sizeof *effects);
	uint32_t count = 0;
	REQUIRE("heading", soud_csv_next(&csv, &pool, &row) == SOU_OK);
	while (soud_csv_next(&csv, &pool, &row) == SOU_OK) {
		uint64_t kind = 0;
		for (uint64_t k = 1; k < ARRAY_LEN(kinds); k++)
			kind = strcmp(row.field[1], kinds[k]) == 0 ? k : kind;
		if (kind == 1)
			continue; /* genesis made it */
		REQUIRE("room", count < 128);
		effects[count++] = (struct sou_effect){.type = SOU_EFFECT_ORG,
						       .org = w->hq,
						       .has_org = true,
						       .number = kind,
						       .handle = text(row.field[0]),
						       .code = text(row.field[3]),
						       .name = text(row.field[4]),
						       .short_name = text(row.field[5])};
	}
	world_op(w, effects, count, NULL);
	soud_pool_fini(&pool);
}

static struct node *site(struct rig *g, const char *name, const char *org)
{
	const struct sou_authority *a = soud_replica_authority(g->hub->replica);
	const struct sou_org *found = sou_authority_org_handle(a, text(org));
	REQUIRE(org, found != NULL);
	struct sou_id id = found->id;
	return world_join(g->w, name, &id, SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER);
}

static void refusal_end(void *why)
{
	soud_refusal_fini(why);
}

static struct soud_refusal *refusal_new(void)
{
	struct soud_refusal *why = test_alloc(sizeof *why);
	*why = (struct soud_refusal){0};
	test_at_end(refusal_end, why);
	return why;
}

static void require_done(const char *what, int rc, const struct soud_refusal *why)
{
	if (rc != SOU_OK)
		check_failed(__FILE__, __LINE__, what, "refused: %s %s %s",
			     why->status != 0 ? sou_msg_id(why->msg) : "-", why->err.text,
			     why->argument[0]);
	REQUIRE(what, rc == SOU_OK);
}

struct rig *rig_new(bool sites)
{
	struct rig *g = test_alloc(sizeof *g);
	memset(g, 0, sizeof *g);
	g->document = vector_load_file(SOU_SOURCE_DIR "/tests/data/soukatsu-2023-08.json");
	g->w = world_new();
	g->hub = &g->w->hub;
	orgs_make(g->w);
	if (!sites)
		return g;
	struct soud_refusal *why = refusal_new();
	struct soud_plan_imported done;
	int rc = RIG_DO(g->hub, why,
			soud_plan_import(g->hub->replica, g->document, "鈴木", &done, why));
	require_done("plan import", rc, why);
	g->chiiki = site(g, "chiiki-1", "chiiki");
	g->honkan = site(g, "honkan", "tvac");
	g->bunshitsu = site(g, "bunshitsu", "tvac");
	g->shinjuku = site(g, "shinjuku", "w13104");
	rig_level(g);
	return g;
}

void rig_level(struct rig *g)
{
	struct node *const nodes[] = {g->chiiki, g->honkan, g->bunshitsu, g->shinjuku};
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		feed_authority(g->hub, nodes[i]);
	for (int twice = 0; twice < 2; twice++) { /* what the last sent reaches the first */
		for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
			level(g->hub, nodes[i]);
	}
}

/* --- Acts --- */

struct sou_id rig_add(struct node *n, const char *project, const char *column, const char *org,
		      const char *words)
{
	struct soud_refusal *why = refusal_new();
	struct soud_item_place at = {.project = project, .column = column, .org = org};
	struct sou_id id = {{0}};
	int rc = RIG_DO(n, why, soud_item_add(n->replica, &at, 0, words, "佐藤", &id, why));
	require_done("item add", rc, why);
	return id;
}

void rig_edit(struct node *n, const struct sou_id *item, const char *words)
{
	struct soud_refusal *why = refusal_new();
	const struct soud_base none = {0};
	int rc = RIG_DO(n, why, soud_item_edit(n->replica, item, words, &none, "佐藤", why));
	require_done("item edit", rc, why);
}

void rig_submit(struct node *n, const char *project, const char *nil_column)
{
	struct soud_refusal *why = refusal_new();
	struct soud_submit in = {.project = project,
				 .nil_columns = &nil_column,
				 .nil_count = nil_column != NULL,
				 .by = "佐藤"};
	int rc = RIG_DO(n, why, soud_submit(n->replica, &in, why));
	require_done("submit", rc, why);
}

void rig_add_all(struct rig *g)
{
	json_t *items = vector_array(g->document, "items");
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		const char *org = vector_str(item, "organisation");
		struct node *n = strcmp(org, "tvac") == 0 ? g->honkan : g->chiiki;
		(void)rig_add(n, vector_str(item, "project"), vector_str(item, "column"), org,
			      vector_str(item, "text"));
	}
}

/* --- Views --- */

struct viewing {
	struct soud_look look;
	struct soud_look_view view;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_json json;
};

static void viewing_begin(struct viewing *v, struct node *n)
{
	*v = (struct viewing){0};
	soud_look_reader(&v->look, n->reader, false);
	REQUIRE("view", soud_look_begin(&v->look, &v->view) == SOU_OK);
	REQUIRE("view", soud_plan_read(&v->look, &v->pool, &v->plan) == SOU_OK);
	v->json = (struct soud_json){
		.look = &v->look, .plan = &v->plan, .pool = &v->pool, .lang = SOU_LANG_JA};
}

static void json_end(void *json)
{
	json_decref(json);
}

static json_t *viewing_end(struct viewing *v, json_t *out)
{
	CHECK_INT("view", v->json.rc, ==, SOU_OK);
	REQUIRE("view", out != NULL);
	soud_look_end(&v->look, &v->view);
	soud_pool_fini(&v->pool);
	test_at_end(json_end, out);
	return out;
}

json_t *rig_table(struct node *n, bool latest, const char *project, const char *org)
{
	struct viewing v;
	struct soud_refusal *why = refusal_new();
	struct soud_table_options options = {.latest = latest};
	struct soud_table table;
	const struct sou_org *of = NULL;
	viewing_begin(&v, n);
	REQUIRE("round", soud_name_round(&v.plan, NULL, &options.round, why) == SOU_OK);
	if (project != NULL)
		REQUIRE(project, soud_name_project(&v.plan, options.round, project,
						   &options.project, why) == SOU_OK);
	if (org != NULL)
		REQUIRE(org, soud_name_org(&v.look, org, &of, why) == SOU_OK);
	options.org = of != NULL ? &of->id : NULL;
	REQUIRE("table", soud_table_read(&v.look, &v.plan, &options, &v.pool, &table) == SOU_OK);
	return viewing_end(&v, soud_json_table(&v.json, &table));
}

json_t *rig_items(struct node *n)
{
	struct viewing v;
	struct soud_item_filter all = {0};
	struct soud_item *items;
	size_t count;
	viewing_begin(&v, n);
	REQUIRE("items",
		soud_items_read(&v.look, &v.plan, &all, &v.pool, &items, &count) == SOU_OK);
	return viewing_end(&v, soud_json_items(&v.json, items, count));
}

json_t *rig_item(struct node *n, const struct sou_id *item)
{
	json_t *all = rig_items(n);
	char hex[SOUD_HEX_BYTES];
	soud_hex(item, hex);
	for (size_t i = 0; i < json_array_size(all); i++) {
		if (strcmp(vector_str(json_array_get(all, i), "id"), hex) == 0)
			return json_array_get(all, i);
	}
	return NULL;
}

json_t *rig_conflicts(struct node *n)
{
	struct viewing v;
	struct soud_conflict *list;
	size_t count;
	viewing_begin(&v, n);
	REQUIRE("conflicts",
		soud_conflicts_read(&v.look, &v.plan, NULL, &v.pool, &list, &count) == SOU_OK);
	return viewing_end(&v, soud_json_conflicts(&v.json, list, count));
}

json_t *rig_plan(struct node *n)
{
	struct viewing v;
	viewing_begin(&v, n);
	return viewing_end(&v, soud_json_plan(&v.json));
}

/* --- Text --- */

static const char *cell_text(const json_t *cell, const char *column, bool plain)
{
	const char *out = "";
	size_t i;
	json_t *p, *nil;
	json_array_foreach (json_object_get(cell, "paragraphs"), i, p) {
		const char *words = json_string_value(json_object_get(p, "text"));
		const char *by = json_string_value(json_object_get(p, "attribution"));
		if (!plain)
			out = test_printf("%s%s/%s/%d%s%s: ", out, column,
					  vector_str(p, "organisation"),
					  (int)vector_int(p, "order"),
					  vector_bool(p, "conflict") ? " conflict" : "",
					  vector_bool(p, "redacted") ? " redacted" : "");
		out = test_printf("%s%s%s\n", out, words != NULL ? words : "-",
				  by != NULL ? by : "");
	}
	json_array_foreach (json_object_get(cell, "nil"), i, nil) {
		if (!plain)
			out = test_printf("%s%s/%s: nil\n", out, column, json_string_value(nil));
	}
	return out;
}

const char *rig_text(const json_t *table, bool plain)
{
	const char *out = test_printf("%s\n", vector_str(table, "title"));
	size_t i, k, c;
	json_t *pillar, *project, *cell, *column, *org;
	json_array_foreach (json_object_get(table, "pillars"), i, pillar) {
		out = test_printf("%s%s\n", out, vector_str(pillar, "heading"));
		json_array_foreach (json_object_get(pillar, "projects"), k, project) {
			json_array_foreach (json_object_get(table, "columns"), c, column)
				out = test_printf("%s%s\n", out, vector_str(column, "label"));
			out = test_printf("%s%s\n%s\n%s\n", out, vector_str(project, "title"),
					  vector_str(project, "page_label"),
					  vector_str(project, "organisations_label"));
			json_array_foreach (json_object_get(project, "organisations"), c, org) {
				if (!plain)
					out = test_printf(
						"%s%s: %s %s%s\n", out, vector_str(org, "id"),
						vector_str(org, "role"),
						vector_str(org, "standing"),
						vector_bool(org, "changed_since") ? " changed"
										  : "");
			}
			json_array_foreach (json_object_get(project, "cells"), c, cell)
				out = test_printf(
					"%s%s", out,
					cell_text(cell, vector_str(cell, "column"), plain));
		}
	}
	return out;
}

const char *rig_standing(const json_t *table, const char *project, const char *org)
{
	size_t i, k, n;
	json_t *pillar, *p, *o;
	json_array_foreach (json_object_get(table, "pillars"), i, pillar) {
		json_array_foreach (json_object_get(pillar, "projects"), k, p) {
			json_array_foreach (json_object_get(p, "organisations"), n, o) {
				if (strcmp(vector_str(p, "id"), project) == 0 &&
				    strcmp(vector_str(o, "id"), org) == 0)
					return vector_str(o, "standing");
			}
		}
	}
	return NULL;
}
