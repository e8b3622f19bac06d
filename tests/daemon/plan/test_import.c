/* test_import.c - taking in a plan: idempotent by handle, in the document's order, all or nothing,
 * and told which member is wrong and why. */
#include "tests/daemon/plan/rig.h"

static struct soud_refusal *refusal(void)
{
	struct soud_refusal *why = test_alloc(sizeof *why);
	*why = (struct soud_refusal){0};
	test_at_end((void (*)(void *))soud_refusal_fini, why);
	return why;
}

static int import(struct rig *g, const json_t *document, struct soud_plan_imported *done,
		  struct soud_refusal *why)
{
	return RIG_DO(g->hub, why, soud_plan_import(g->hub->replica, document, "鈴木", done, why));
}

static json_t *copy_of(struct rig *g)
{
	json_t *copy = json_deep_copy(g->document);
	test_at_end((void (*)(void *))json_decref, copy);
	return copy;
}

/* "projects/1/title": the value there. */
static json_t *at(json_t *document, const char *path)
{
	char *save, *copy = test_printf("%s", path);
	json_t *value = document;
	for (char *step = strtok_r(copy, "/", &save); step != NULL;
	     step = strtok_r(NULL, "/", &save))
		value = json_is_array(value)
				? json_array_get(value, (size_t)strtoul(step, NULL, 10))
				: json_object_get(value, step);
	return value;
}

TEST(import, the_real_plan_twice)
{
	struct rig *g = rig_new(false);
	struct soud_refusal *why = refusal();
	struct soud_plan_imported done = {.plan = ""};
	CHECK_INT("first", import(g, g->document, &done, why), ==, SOU_OK);
	CHECK_STR("plan", done.plan, "plan-2022-2024");
	CHECK_INT("rounds", done.rounds, ==, 1);
	CHECK_INT("pillars", done.pillars, ==, 1);
	CHECK_INT("projects", done.projects, ==, 2);
	CHECK_INT("indicators", done.indicators, ==, 5);
	CHECK_INT("items are left to those that own them", done.items_left_out, ==, 25);
	/* Plan, 3 columns, round, pillar, 2 projects, 5 indicators. */
	CHECK_INT("changed", done.changed, ==, 13);
	uint64_t entries = last_of(g->hub, &g->w->plan);
	CHECK_INT("one act", entries, ==, 1);
	CHECK_INT("again", import(g, g->document, &done, why), ==, SOU_OK);
	CHECK_INT("changes nothing", done.changed, ==, 0);
	CHECK_INT("writes nothing", last_of(g->hub, &g->w->plan), ==, entries);
	CHECK_INT("no item came in", json_array_size(rig_items(g->hub)), ==, 0);
	json_t *plan = rig_plan(g->hub);
	CHECK_STR("official name", vector_str(at(plan, "plan"), "official_name"),
		  "令和4～6（2022～2024）年度 東社協中期計画");
	CHECK_INT("years", vector_int(at(plan, "plan"), "first_fiscal_year"), ==, 2022);
	CHECK_STR("D-12", json_string_value(at(plan, "plan/level_labels/0")), "取組みの方向性");
	CHECK_STR("columns in order", vector_str(at(plan, "plan/columns/1"), "id"), "challenge");
	CHECK_INT("R-7", vector_int(at(plan, "plan/columns/1"), "width"), ==, 23);
	CHECK_STR("the round is open", vector_str(at(plan, "rounds/0"), "state"), "open");
	CHECK_STR("R-9", vector_str(at(plan, "rounds/0"), "as_of_label"), "令和５年8月末現在");
	CHECK_STR("projects in order", vector_str(at(plan, "pillars/0/projects/1"), "id"),
		  "community-and-volunteer-link");
	CHECK_STR("lead", vector_str(at(plan, "pillars/0/projects/1/organisations/0"), "id"),
		  "chiiki");
	CHECK_STR("partner", vector_str(at(plan, "pillars/0/projects/1/organisations/1"), "role"),
		  "partner");
	CHECK_STR("indicators by handle", vector_str(at(plan, "indicators/2"), "id"),
		  "survey-responses");
	CHECK_STR("indicators", vector_str(at(plan, "indicators/3"), "unit"), "社");
	CHECK_STR("indicators", vector_str(at(plan, "indicators/3"), "project"),
		  "corporate-volunteering");
}

TEST(import, what_differs_alone)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct soud_plan_imported done;
	json_t *document = copy_of(g);
	json_string_set(at(document, "projects/1/title"), "地域福祉活動との連携 例");
	json_object_set_new(at(document, "round"), "due_at",
			    json_string("2023-09-15T17:00:00+09:00"));
	CHECK_INT("changed", import(g, document, &done, why), ==, SOU_OK);
	CHECK_INT("project and round", done.changed, ==, 2);
	json_t *plan = rig_plan(g->hub);
	CHECK_STR("title", vector_str(at(plan, "pillars/0/projects/1"), "title"),
		  "地域福祉活動との連携 例");
	CHECK_STR("due", vector_str(at(plan, "rounds/0"), "due_at"), "2023-09-15T17:00:00+09:00");
	/* A round that was closed is not opened by an import. */
	CHECK_INT("close",
		  RIG_DO(g->hub, why, soud_round_close(g->hub->replica, "2023-08", "鈴木", why)),
		  ==, SOU_OK);
	CHECK_INT("again", import(g, document, &done, why), ==, SOU_OK);
	CHECK_INT("nothing", done.changed, ==, 0);
	CHECK_STR("stays closed", vector_str(at(rig_plan(g->hub), "rounds/0"), "state"), "closed");
}

/* A project put between two others stands there, and an order that is turned is turned. */
TEST(import, order)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct soud_plan_imported done;
	json_t *document = copy_of(g), *projects = at(document, "projects");
	json_t *between = json_deep_copy(json_array_get(projects, 0));
	json_object_set_new(between, "id", json_string("between"));
	json_array_insert_new(projects, 1, between);
	json_object_set_new(json_array_get(projects, 2), "order", json_integer(3));
	json_object_set_new(between, "order", json_integer(2));
	CHECK_INT("one more", import(g, document, &done, why), ==, SOU_OK);
	CHECK_INT("only that one is written", done.changed, ==, 1);
	json_t *plan = rig_plan(g->hub);
	CHECK_STR("first", vector_str(at(plan, "pillars/0/projects/0"), "id"),
		  "corporate-volunteering");
	CHECK_STR("between", vector_str(at(plan, "pillars/0/projects/1"), "id"), "between");
	CHECK_STR("last", vector_str(at(plan, "pillars/0/projects/2"), "id"),
		  "community-and-volunteer-link");
	json_object_set_new(json_array_get(projects, 2), "order", json_integer(0));
	CHECK_INT("turned", import(g, document, &done, why), ==, SOU_OK);
	plan = rig_plan(g->hub);
	CHECK_STR("turned", vector_str(at(plan, "pillars/0/projects/0"), "id"),
		  "community-and-volunteer-link");
	CHECK_INT("again", import(g, document, &done, why), ==, SOU_OK);
	CHECK_INT("nothing", done.changed, ==, 0);
}

/* Another plan of five years, with other labels and columns, beside the first (D-12). */
TEST(import, another_plan)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct soud_plan_imported done;
	static const char text[] =
		"{\"plan\": {\"id\": \"plan-2025-2029\", \"official_name\": \"第5期計画 例\","
		" \"short_name\": \"５か年計画 例\", \"period_label\": \"令和７～11年度\","
		" \"first_fiscal_year\": 2025, \"last_fiscal_year\": 2029,"
		" \"table_title\": \"進捗 総括表\", \"level_labels\": [\"柱\", \"取組み項目\"],"
		" \"columns\": [{\"id\": \"done\", \"label\": \"取組み\"},"
		" {\"id\": \"next\", \"label\": \"今後\"}]},"
		" \"rounds\": [{\"id\": \"2026-02\", \"as_of_date\": \"2026-02-28\","
		" \"as_of_style\": \"month_end\"}],"
		" \"pillars\": [{\"id\": \"I\", \"numeral\": \"Ⅰ\", \"title\": \"柱 例\"}],"
		" \"projects\": [{\"id\": \"corporate-volunteering\", \"pillar\": \"I\","
		" \"title\": \"項目 例\", \"organisations\": [{\"id\": \"tvac\"}]}]}";
	json_t *document = json_loads(text, 0, NULL);
	REQUIRE("JSON", document != NULL);
	test_at_end((void (*)(void *))json_decref, document);
	CHECK_INT("another", import(g, document, &done, why), ==, SOU_OK);
	CHECK_INT("close the first",
		  RIG_DO(g->hub, why, soud_round_close(g->hub->replica, "2023-08", "鈴木", why)),
		  ==, SOU_OK);
	rig_level(g);
	/* The same handle in two plans: the round says which is meant. */
	(void)rig_add(g->honkan, "corporate-volunteering", "done", NULL, "新しい計画の文 例");
	const char *shown = rig_text(rig_table(g->honkan, true, NULL, NULL), true);
	CHECK_STR("R-1, R-8, R-9 title of its own", shown,
		  "５か年計画 例（令和７～11年度） 進捗 総括表（令和８年２月末現在）\n"
		  "Ⅰ 柱 例\n取組み\n今後\n項目 例\n\n東京ボランティア・市民活動センター\n"
		  "新しい計画の文 例\n");
}

static const struct {
	const char *name, *path, *json; /* json NULL: taken out */
	const char *member;
	enum sou_msg reason;
} refused[] = {
	{"no plan", "plan", NULL, "plan", SOU_MSG_REASON_MISSING},
	{"plan is no object", "plan", "[]", "plan", SOU_MSG_REASON_TYPE},
	{"no handle", "plan/id", NULL, "plan.id", SOU_MSG_REASON_MISSING},
	{"empty handle", "plan/id", "\"\"", "plan.id", SOU_MSG_REASON_TYPE},
	{"two lines", "plan/id", "\"a\\nb\"", "plan.id", SOU_MSG_REASON_TYPE},
	{"no name", "plan/short_name", NULL, "plan.short_name", SOU_MSG_REASON_MISSING},
	{"null is none", "plan/short_name", "null", "plan.short_name", SOU_MSG_REASON_MISSING},
	{"name is a number", "plan/short_name", "3", "plan.short_name", SOU_MSG_REASON_TYPE},
	{"T-1 control", "plan/short_name", "\"a\\u0007\"", "plan.short_name",
	 SOU_MSG_REASON_CONTROL},
	{"year is a text", "plan/first_fiscal_year", "\"2022\"", "plan.first_fiscal_year",
	 SOU_MSG_REASON_TYPE},
	{"year below 0", "plan/first_fiscal_year", "-1", "plan.first_fiscal_year",
	 SOU_MSG_REASON_TYPE},
	{"three labels", "plan/level_labels", "[\"a\", \"b\", \"c\"]", "plan.level_labels",
	 SOU_MSG_REASON_TYPE},
	{"label is a number", "plan/level_labels", "[1]", "plan.level_labels", SOU_MSG_REASON_TYPE},
	{"columns are no list", "plan/columns", "{}", "columns", SOU_MSG_REASON_TYPE},
	{"column twice", "plan/columns/1/id", "\"achievement\"", "columns[1].id",
	 SOU_MSG_REASON_TWICE},
	{"slip of the pen", "plan/offical_name", "\"x\"", "plan.offical_name",
	 SOU_MSG_REASON_EXTRA},
	{"a long name, cut at a character",
	 "plan/一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十", "1",
	 "plan.一二三四五六七八九十一二三四五六七八九十一", SOU_MSG_REASON_EXTRA},
	{"slip at the top", "project", "[]", "project", SOU_MSG_REASON_EXTRA},
	{"no such day", "round/as_of_date", "\"2023-02-29\"", "rounds[0].as_of_date",
	 SOU_MSG_REASON_DATE},
	{"due is no time", "round/due_at", "\"tomorrow\"", "rounds[0].due_at", SOU_MSG_REASON_DATE},
	{"round and rounds", "rounds", "[]", "round", SOU_MSG_REASON_TWICE},
	{"pillar is no object", "pillars/0", "3", "pillars[0]", SOU_MSG_REASON_TYPE},
	{"order is a text", "pillars/0/order", "\"4\"", "pillars[0].order", SOU_MSG_REASON_TYPE},
	{"no such pillar", "projects/1/pillar", "\"V\"", "projects[1].pillar",
	 SOU_MSG_REASON_UNKNOWN},
	{"no pillar", "projects/1/pillar", NULL, "projects[1].pillar", SOU_MSG_REASON_MISSING},
	{"project twice", "projects/1/id", "\"corporate-volunteering\"", "projects[1].id",
	 SOU_MSG_REASON_TWICE},
	{"nobody", "projects/0/organisations", "[]", "projects[0].organisations",
	 SOU_MSG_REASON_TYPE},
	{"not said who", "projects/0/organisations", NULL, "projects[0].organisations",
	 SOU_MSG_REASON_MISSING},
	{"no such organisation", "projects/0/organisations/0/id", "\"tvac2\"",
	 "projects[0].organisations", SOU_MSG_REASON_UNKNOWN},
	{"no such part", "projects/0/organisations/0/role", "\"boss\"", "projects[0].organisations",
	 SOU_MSG_REASON_TYPE},
	{"organisation twice", "projects/1/organisations/0/id", "\"tvac\"",
	 "projects[1].organisations", SOU_MSG_REASON_TWICE},
	{"page is a text", "projects/0/plan_page", "\"30\"", "projects[0].plan_page",
	 SOU_MSG_REASON_TYPE},
	{"no such project", "indicators/4/project", "\"x\"", "indicators[4].project",
	 SOU_MSG_REASON_UNKNOWN},
	{"indicator without a name", "indicators/4/name", NULL, "indicators[4].name",
	 SOU_MSG_REASON_MISSING},
};

TEST(import, refusals)
{
	struct rig *g = rig_new(false);
	struct soud_refusal *why = refusal();
	struct soud_plan_imported done;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		json_t *document = copy_of(g);
		const char *slash = strrchr(refused[i].path, '/');
		const char *last = slash != NULL ? slash + 1 : refused[i].path;
		json_t *holder =
			slash == NULL
				? document
				: at(document, test_printf("%.*s", (int)(slash - refused[i].path),
							   refused[i].path));
		REQUIRE(refused[i].name, holder != NULL);
		json_t *value = refused[i].json != NULL
					? json_loads(refused[i].json, JSON_DECODE_ANY, NULL)
					: NULL;
		REQUIRE(refused[i].name, refused[i].json == NULL || value != NULL);
		if (json_is_array(holder))
			json_array_set_new(holder, (size_t)strtoul(last, NULL, 10), value);
		else if (value != NULL)
			json_object_set_new(holder, last, value);
		else
			json_object_del(holder, last);
		CHECK_INT(refused[i].name, import(g, document, &done, why), !=, SOU_OK);
		CHECK_INT(refused[i].name, why->status, ==, 422);
		CHECK_STR(refused[i].name, sou_msg_id(why->msg), "import.document");
		CHECK_STR(refused[i].name, why->argument[0], refused[i].member);
		CHECK_INT(refused[i].name, why->label[1], ==, refused[i].reason);
		CHECK_INT(refused[i].name, last_of(g->hub, &g->w->plan), ==, 0);
	}
	CHECK_INT("and then whole", import(g, g->document, &done, why), ==, SOU_OK);
}
