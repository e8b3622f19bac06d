/* test_acts.c - what a person may do to the table and what she is told when she may not: texts,
 * places, rights, rounds, conflicts, submissions (R2, R7, R9, T-1). */
#include <stdio.h>

#include "daemon/plan/naming.h"
#include "proto/mp.h"
#include "tests/daemon/plan/rig.h"

#define LINK "community-and-volunteer-link"
#define CORP "corporate-volunteering"

static const struct soud_base no_base = {0};

/* "item.conflict", or "-" where nothing was refused. */
static const char *refused(int rc, const struct soud_refusal *why)
{
	if (rc == SOU_OK)
		return "-";
	return why->status != 0 ? sou_msg_id(why->msg) : why->err.text;
}

static struct soud_refusal *refusal(void)
{
	struct soud_refusal *why = test_alloc(sizeof *why);
	*why = (struct soud_refusal){0};
	test_at_end((void (*)(void *))soud_refusal_fini, why);
	return why;
}

static const char *try_add(struct node *n, const char *project, const char *column, const char *org,
			   const char *round, int64_t order, const char *words,
			   struct soud_refusal *why)
{
	struct soud_item_place at = {round, project, column, org};
	struct sou_id id;
	return refused(
		RIG_DO(n, why, soud_item_add(n->replica, &at, order, words, "佐藤", &id, why)),
		why);
}

static const char *try_edit(struct node *n, const struct sou_id *id, const char *words,
			    struct soud_refusal *why)
{
	return refused(RIG_DO(n, why, soud_item_edit(n->replica, id, words, &no_base, "佐藤", why)),
		       why);
}

static const char *try_submit(struct node *n, const char *project, const char *org,
			      const char *const *nil, size_t nil_count, struct soud_refusal *why)
{
	struct soud_submit in = {.project = project,
				 .org = org,
				 .nil_columns = nil,
				 .nil_count = nil_count,
				 .by = "佐藤"};
	return refused(RIG_DO(n, why, soud_submit(n->replica, &in, why)), why);
}

static const char *try_resolve(struct node *n, const struct soud_resolve *in,
			       struct soud_refusal *why)
{
	return refused(RIG_DO(n, why, soud_conflict_resolve(n->replica, in, why)), why);
}

/* Texts of a list, "甲,乙". */
static const char *listed(struct node *n, const char *project, const char *column)
{
	json_t *items = rig_items(n);
	const char *out = "";
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		if (strcmp(vector_str(item, "project"), project) != 0 ||
		    strcmp(vector_str(item, "column"), column) != 0)
			continue;
		const char *words = json_string_value(json_object_get(item, "text"));
		out = test_printf("%s%s%s", out, out[0] != '\0' ? "," : "", words);
	}
	return out;
}

/* --- Texts --- */

TEST(acts, texts)
{
	char *most = test_alloc(SOU_STR_BYTES_MAX + 2);
	memset(most, 'a', SOU_STR_BYTES_MAX + 1);
	most[SOU_STR_BYTES_MAX + 1] = '\0';
	const char *limit = most + 1;
	static const struct {
		const char *name, *text, *want, *place, *code;
	} cases[] = {
		{"T-1 as typed", "㌻ ① Ⅳ ～ ３ 髙 﨑 𠮷 ", "-", NULL, NULL},
		{"T-8 blanks are text", "\xC2\xA0令和\xE3\x80\x80 4年", "-", NULL, NULL},
		{"a line end", "一行目\n二行目", "-", NULL, NULL},
		{"U+2028 is no control character",
		 "a\xE2\x80\xA8"
		 "b",
		 "-", NULL, NULL},
		{"nothing", "", "text.empty", NULL, NULL},
		{"T-1 tab", "a\tb", "text.control", "2", "U+0009"},
		{"T-8 soft break of a word processor", "例の\x0B文", "text.control", "3", "U+000B"},
		{"carriage return", "𠮷\r\n", "text.control", "2", "U+000D"},
		{"escape", "\x1B[2J", "text.control", "1", "U+001B"},
		{"delete", "a\x7F", "text.control", "2", "U+007F"},
		{"C1", "あい\xC2\x85", "text.control", "3", "U+0085"},
		{"C1, the last", "\xC2\x9F", "text.control", "1", "U+009F"},
	};
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_STR(cases[i].name,
			  try_add(g->honkan, CORP, "next", "tvac", NULL, 0, cases[i].text, why),
			  cases[i].want);
		if (cases[i].place != NULL) {
			CHECK_STR(cases[i].name, why->argument[0], cases[i].place);
			CHECK_STR(cases[i].name, why->argument[1], cases[i].code);
		}
	}
	CHECK_STR("R17 8 KiB", try_add(g->honkan, CORP, "next", "tvac", NULL, 0, limit, why), "-");
	CHECK_STR("R17 one byte more", try_add(g->honkan, CORP, "next", "tvac", NULL, 0, most, why),
		  "text.long");
	CHECK_STR("R17 characters", why->argument[0], "8193");
	CHECK_STR("R17 bytes", why->argument[1], "8193");
	CHECK_STR("R17 limit", why->argument[2], "8192");
	memcpy(most, "漢字", 6);
	CHECK_STR("R17 one byte more", try_add(g->honkan, CORP, "next", "tvac", NULL, 0, most, why),
		  "text.long");
	CHECK_STR("T-5 characters are not bytes", why->argument[0], "8189");
	/* What was taken in comes out byte for byte. */
	json_t *items = rig_items(g->honkan);
	CHECK_INT("taken in", json_array_size(items), ==, 5);
	for (size_t i = 0, k = 0; i < ARRAY_LEN(cases); i++) {
		if (strcmp(cases[i].want, "-") == 0)
			CHECK_STR(cases[i].name, vector_str(json_array_get(items, k++), "text"),
				  cases[i].text);
	}
}

/* --- Names and rights --- */

TEST(acts, names_and_rights)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	const struct {
		const char *name;
		struct node *n;
		const char *project, *column, *org, *round, *want;
	} cases[] = {
		{"its own", g->honkan, CORP, "next", NULL, NULL, "-"},
		{"D-8 its own, named", g->honkan, CORP, "next", "tvac", "2023-08", "-"},
		{"no project", g->honkan, "x", "next", NULL, NULL, "project.unknown"},
		{"no column", g->honkan, CORP, "x", NULL, NULL, "column.unknown"},
		{"no organisation", g->honkan, CORP, "next", "x", NULL, "organisation.unknown"},
		{"no round", g->honkan, CORP, "next", NULL, "x", "round.unknown"},
		{"not responsible", g->chiiki, CORP, "next", NULL, NULL, "project.not_responsible"},
		{"R7 another's words", g->chiiki, CORP, "next", "tvac", NULL, "right.none"},
		{"R7 headquarters neither", g->hub, CORP, "next", "tvac", NULL, "right.none"},
		{"R7 a ward", g->shinjuku, LINK, "next", "chiiki", NULL, "right.none"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_STR(cases[i].name,
			  try_add(cases[i].n, cases[i].project, cases[i].column, cases[i].org,
				  cases[i].round, 0, "例", why),
			  cases[i].want);
		if (strcmp(cases[i].want, "right.none") == 0) {
			CHECK_STR(cases[i].name, why->argument[0], "editor");
			CHECK_INT(cases[i].name, why->status, ==, 403);
			CHECK_STR(cases[i].name, sou_msg_rule(why->msg), "R7");
		}
	}
	struct sou_id mine = rig_add(g->honkan, CORP, "next", "tvac", "例の文");
	rig_level(g);
	CHECK_STR("D-8 headquarters may not edit", try_edit(g->hub, &mine, "例", why),
		  "right.none");
	CHECK_STR("R7 what one may not read is not there", try_edit(g->chiiki, &mine, "例", why),
		  "item.unknown");
	CHECK_STR("D-8 nor submit", try_submit(g->hub, CORP, "tvac", NULL, 0, why), "right.none");
	CHECK_STR("role", why->argument[0], "submitter");
	CHECK_STR("R7 nor open rounds",
		  refused(RIG_DO(g->honkan, why,
				 soud_round_open(g->honkan->replica, "2023-08", NULL, "佐藤", why)),
			  why),
		  "right.none");
	CHECK_STR("role", why->argument[0], "planner");
	struct soud_plan_imported done;
	CHECK_STR("R7 nor import",
		  refused(RIG_DO(g->honkan, why,
				 soud_plan_import(g->honkan->replica, g->document, "佐藤", &done,
						  why)),
			  why),
		  "right.none");
}

/* --- Places --- */

TEST(acts, places)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct node *n = g->honkan;
	static const struct {
		int64_t order;
		const char *text, *want, *list;
	} adds[] = {
		{0, "甲", "-", "甲"},
		{0, "乙", "-", "甲,乙"},
		{1, "丙", "-", "丙,甲,乙"},
		{2, "丁", "-", "丙,丁,甲,乙"},
		{5, "戊", "-", "丙,丁,甲,乙,戊"},
		{7, "己", "item.place", "丙,丁,甲,乙,戊"},
		{-1, "己", "item.place", "丙,丁,甲,乙,戊"},
		{INT64_MAX, "己", "item.place", "丙,丁,甲,乙,戊"},
	};
	for (size_t i = 0; i < ARRAY_LEN(adds); i++) {
		CHECK_STR(adds[i].list,
			  try_add(n, CORP, "next", NULL, NULL, adds[i].order, adds[i].text, why),
			  adds[i].want);
		CHECK_STR(adds[i].list, listed(n, CORP, "next"), adds[i].list);
	}
	static const struct {
		size_t from;
		int64_t to;
		const char *want, *list;
	} moves[] = {
		{1, 5, "-", "丁,甲,乙,戊,丙"},          {5, 1, "-", "丙,丁,甲,乙,戊"},
		{2, 3, "-", "丙,甲,丁,乙,戊"},          {3, 3, "-", "丙,甲,丁,乙,戊"},
		{4, 2, "-", "丙,乙,甲,丁,戊"},          {1, 6, "item.place", "丙,乙,甲,丁,戊"},
		{1, 0, "item.place", "丙,乙,甲,丁,戊"},
	};
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		struct sou_id id;
		json_t *item = json_array_get(rig_items(n), moves[i].from - 1);
		REQUIRE("id", soud_id_read(vector_str(item, "id"), &id));
		const char *got = refused(
			RIG_DO(n, why, soud_item_move(n->replica, &id, moves[i].to, "佐藤", why)),
			why);
		CHECK_STR(moves[i].list, got, moves[i].want);
		CHECK_STR(moves[i].list, listed(n, CORP, "next"), moves[i].list);
	}
	rig_level(g);
	CHECK_STR("the same everywhere", listed(g->bunshitsu, CORP, "next"), "丙,乙,甲,丁,戊");
	CHECK_STR("the same everywhere", listed(g->hub, CORP, "next"), "丙,乙,甲,丁,戊");
}

/* --- Editing and removing --- */

TEST(acts, editing)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct node *n = g->honkan;
	struct sou_id id = rig_add(n, CORP, "next", NULL, "例の文"), base, none = {{0}};
	uint64_t entries = last_of(n, &n->org_scope);
	CHECK_STR("the same text", try_edit(n, &id, "例の文", why), "-");
	CHECK_INT("writes nothing", last_of(n, &n->org_scope), ==, entries);
	json_t *item = rig_item(n, &id);
	REQUIRE("base",
		soud_id_read(vector_str(json_array_get(json_object_get(item, "versions"), 0), "id"),
			     &base));
	struct soud_base seen = {&base, 1};
	CHECK_STR("R9 what she saw",
		  refused(RIG_DO(n, why,
				 soud_item_edit(n->replica, &id, "例の文。", &seen, "佐藤", why)),
			  why),
		  "-");
	CHECK_STR("R9 no more",
		  refused(RIG_DO(n, why,
				 soud_item_edit(n->replica, &id, "別の文", &seen, "佐藤", why)),
			  why),
		  "item.changed");
	CHECK_STR(
		"R9 nor removed",
		refused(RIG_DO(n, why, soud_item_remove(n->replica, &id, &seen, "佐藤", why)), why),
		"item.changed");
	CHECK_STR("no such item", try_edit(n, &none, "例", why), "item.unknown");
	CHECK_STR("removed",
		  refused(RIG_DO(n, why, soud_item_remove(n->replica, &id, &no_base, "佐藤", why)),
			  why),
		  "-");
	CHECK_STR("listed no more", listed(n, CORP, "next"), "");
	CHECK_STR("removed once",
		  refused(RIG_DO(n, why, soud_item_remove(n->replica, &id, &no_base, "佐藤", why)),
			  why),
		  "item.unknown");
	CHECK_STR("nor edited", try_edit(n, &id, "例", why), "item.unknown");
}

/* One site removes while another edits: the edit shows it again, nothing is lost (R9). */
TEST(acts, removed_here_edited_there)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct sou_id id = rig_add(g->honkan, CORP, "next", NULL, "例の文");
	rig_level(g);
	CHECK_INT("remove",
		  RIG_DO(g->honkan, why,
			 soud_item_remove(g->honkan->replica, &id, &no_base, "佐藤", why)),
		  ==, SOU_OK);
	rig_edit(g->bunshitsu, &id, "例の文。");
	rig_level(g);
	CHECK_STR("R9 shown again", listed(g->honkan, CORP, "next"), "例の文。");
	CHECK_STR("R9 shown again", listed(g->bunshitsu, CORP, "next"), "例の文。");
}

/* --- Conflicts (d-6) --- */

struct parted { /* one item that two sites have written apart */
	struct rig *g;
	struct sou_id id;
	struct sou_id versions[2];
};

static struct parted part(const char *base, const char *here, const char *there)
{
	struct parted p = {.g = rig_new(true)};
	p.id = rig_add(p.g->honkan, CORP, "next", NULL, base);
	(void)rig_add(p.g->honkan, CORP, "achievement", NULL, "例の取組み");
	(void)rig_add(p.g->honkan, CORP, "challenge", NULL, "例の課題");
	rig_level(p.g);
	rig_edit(p.g->honkan, &p.id, here);
	rig_edit(p.g->bunshitsu, &p.id, there);
	rig_level(p.g);
	json_t *versions =
		json_object_get(json_array_get(rig_conflicts(p.g->honkan), 0), "versions");
	for (size_t i = 0; i < 2; i++)
		REQUIRE("versions", soud_id_read(vector_str(json_array_get(versions, i), "id"),
						 &p.versions[i]));
	return p;
}

TEST(acts, a_conflict_is_shown_and_settled)
{
	struct parted p = part("会議を開催した。", "会議を3回開催した。", "会議を開催する。");
	struct rig *g = p.g;
	struct soud_refusal *why = refusal();
	char hex[SOUD_HEX_BYTES];
	struct node *const both[] = {g->honkan, g->bunshitsu, g->hub};
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		json_t *list = rig_conflicts(both[i]), *c = json_array_get(list, 0);
		CHECK_INT("R9 one", json_array_size(list), ==, 1);
		REQUIRE("R9 one", c != NULL);
		CHECK_STR("which", vector_str(c, "id"), soud_hex(&p.id, hex));
		CHECK_STR("which", vector_str(c, "kind"), "item");
		CHECK_STR("which", vector_str(c, "field"), "text");
		CHECK_STR("where", vector_str(c, "scope"), "org/tvac");
		CHECK_STR("where", vector_str(json_object_get(c, "item"), "project"), CORP);
		CHECK_INT("where", vector_int(json_object_get(c, "item"), "order"), ==, 1);
		CHECK_STR("what they stand on", vector_str(json_object_get(c, "base"), "text"),
			  "会議を開催した。");
		CHECK_STR("offered", vector_str(c, "proposal"), "会議を3回開催する。");
		CHECK_INT("both kept", json_array_size(json_object_get(c, "versions")), ==, 2);
		/* Whose words they are settles it (D-8). */
		CHECK_INT("who", vector_bool(c, "resolvable"), ==, both[i] != g->hub);
		CHECK("marked in the table",
		      strstr(rig_text(rig_table(both[i], true, NULL, NULL), false),
			     "next/tvac/1 conflict: ") != NULL);
	}
	CHECK_STR("edit", try_edit(g->honkan, &p.id, "例", why), "item.conflict");
	CHECK_STR("told which", json_string_value(json_object_get(why->detail, "item")),
		  soud_hex(&p.id, hex));
	CHECK_STR(
		"remove",
		refused(RIG_DO(g->honkan, why,
			       soud_item_remove(g->honkan->replica, &p.id, &no_base, "佐藤", why)),
			why),
		"item.conflict");
	CHECK_STR("submit", try_submit(g->honkan, CORP, NULL, NULL, 0, why), "item.conflict");
	CHECK_INT("told which", json_array_size(json_object_get(why->detail, "items")), ==, 1);
	/* An order is no words: it needs no settling. */
	CHECK_INT("move",
		  RIG_DO(g->honkan, why, soud_item_move(g->honkan->replica, &p.id, 1, "佐藤", why)),
		  ==, SOU_OK);

	struct sou_id other = {{7}};
	struct soud_resolve in = {.entity = p.id, .version = &other, .by = "高橋"};
	CHECK_STR("no version of it", try_resolve(g->honkan, &in, why), "conflict.version");
	in.version = &p.versions[1];
	in.field = "place";
	CHECK_STR("no conflict in that field", try_resolve(g->honkan, &in, why), "conflict.none");
	in.field = "text";
	in.base = (struct soud_base){p.versions, 1};
	CHECK_STR("R9 not all seen", try_resolve(g->honkan, &in, why), "item.changed");
	in.base = (struct soud_base){p.versions, 2};
	CHECK_STR("D-8 not headquarters", try_resolve(g->hub, &in, why), "right.none");
	json_t *kept = json_array_get(
		json_object_get(json_array_get(rig_conflicts(g->honkan), 0), "versions"), 1);
	const char *words = vector_str(kept, "text");
	CHECK_STR("settled", try_resolve(g->honkan, &in, why), "-");
	CHECK_STR("once", try_resolve(g->honkan, &in, why), "conflict.none");
	rig_level(g);
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		CHECK_INT("R9 gone", json_array_size(rig_conflicts(both[i])), ==, 0);
		CHECK_STR("R9 the one chosen", listed(both[i], CORP, "next"), words);
	}
	CHECK_STR("and submitted", try_submit(g->honkan, CORP, NULL, NULL, 0, why), "-");
}

TEST(acts, a_conflict_is_settled_by_a_new_text)
{
	struct parted p = part("三回", "四回", "五回");
	struct soud_refusal *why = refusal();
	json_t *c = json_array_get(rig_conflicts(p.g->bunshitsu), 0);
	CHECK("no proposal for one place", json_is_null(json_object_get(c, "proposal")));
	struct soud_resolve in = {.entity = p.id, .text = "", .by = "高橋"};
	CHECK_STR("T-1", try_resolve(p.g->bunshitsu, &in, why), "text.empty");
	in.text = "四回（うち一回は例）";
	CHECK_STR("settled", try_resolve(p.g->bunshitsu, &in, why), "-");
	rig_level(p.g);
	CHECK_STR("R9", listed(p.g->honkan, CORP, "next"), in.text);
}

/* Both settle it apart from each other: a new conflict, of the two settlements. */
TEST(acts, settled_twice_apart)
{
	struct parted p = part("三回", "四回", "五回");
	struct soud_refusal *why = refusal();
	struct soud_resolve in = {.entity = p.id, .version = &p.versions[0], .by = "高橋"};
	CHECK_STR("here", try_resolve(p.g->honkan, &in, why), "-");
	in.version = &p.versions[1];
	CHECK_STR("there", try_resolve(p.g->bunshitsu, &in, why), "-");
	rig_level(p.g);
	json_t *list = rig_conflicts(p.g->honkan);
	CHECK_INT("R9 one again", json_array_size(list), ==, 1);
	CHECK_INT("R9 of two",
		  json_array_size(json_object_get(json_array_get(list, 0), "versions")), ==, 2);
	CHECK_STR("edit", try_edit(p.g->honkan, &p.id, "例", why), "item.conflict");
	in.version = NULL;
	in.text = "六回";
	CHECK_STR("settled", try_resolve(p.g->honkan, &in, why), "-");
	rig_level(p.g);
	CHECK_INT("R9 gone", json_array_size(rig_conflicts(p.g->bunshitsu)), ==, 0);
}

/* The same words written twice are no conflict (P10.4). */
TEST(acts, the_same_words_apart)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct sou_id id = rig_add(g->honkan, CORP, "next", NULL, "例の文");
	rig_level(g);
	rig_edit(g->honkan, &id, "例の文。");
	rig_edit(g->bunshitsu, &id, "例の文。");
	rig_level(g);
	CHECK_INT("P10.4", json_array_size(rig_conflicts(g->honkan)), ==, 0);
	CHECK_STR("edited on", try_edit(g->honkan, &id, "例の文！", why), "-");
	rig_level(g);
	CHECK_STR("over both", listed(g->bunshitsu, CORP, "next"), "例の文！");
	CHECK_INT("over both",
		  json_array_size(json_object_get(rig_item(g->bunshitsu, &id), "versions")), ==, 1);
}

/* --- Submitting --- */

TEST(acts, submitting)
{
	static const char *const nil[] = {"next", "challenge", "x"};
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	struct node *n = g->honkan;
	struct sou_id scope;
	CHECK_STR("nothing written", try_submit(n, CORP, NULL, NULL, 0, why), "submission.empty");
	CHECK_STR("told which", why->argument[0], "achievement, challenge, next");
	CHECK_INT("told which", json_array_size(json_object_get(why->detail, "columns")), ==, 3);
	(void)rig_add(n, CORP, "achievement", NULL, "例の取組み");
	CHECK_STR("two columns empty", try_submit(n, CORP, NULL, nil, 1, why), "submission.empty");
	CHECK_STR("told which", why->argument[0], "challenge");
	CHECK_STR("no column", try_submit(n, CORP, NULL, nil, 3, why), "column.unknown");
	(void)rig_add(n, CORP, "next", NULL, "例の取組み");
	CHECK_STR("D-6 nil and not nil", try_submit(n, CORP, NULL, nil, 2, why),
		  "submission.not_nil");
	CHECK_STR("told which", why->argument[0], "next");
	CHECK_STR("not responsible", try_submit(g->chiiki, CORP, NULL, NULL, 0, why),
		  "project.not_responsible");
	CHECK_STR("submitted", try_submit(n, CORP, NULL, &nil[1], 1, why), "-");
	struct soud_look look;
	struct soud_pool pool = {0};
	struct soud_plan plan;
	soud_look_replica(&look, n->replica);
	REQUIRE("plan", soud_plan_read(&look, &pool, &plan) == SOU_OK);
	scope = soud_plan_project(&plan, NULL, CORP)->scope;
	soud_pool_fini(&pool);
	uint64_t entries = last_of(n, &scope);
	CHECK_STR("the same again", try_submit(n, CORP, NULL, &nil[1], 1, why), "-");
	CHECK_INT("writes nothing", last_of(n, &scope), ==, entries);
	rig_level(g);
	CHECK_STR("T-26 arrives as submitted",
		  rig_standing(rig_table(g->hub, false, NULL, NULL), CORP, "tvac"), "submitted");

	CHECK_INT("close",
		  RIG_DO(g->hub, why, soud_round_close(g->hub->replica, "2023-08", "鈴木", why)),
		  ==, SOU_OK);
	rig_level(g);
	struct sou_id id;
	REQUIRE("id", soud_id_read(vector_str(json_array_get(rig_items(n), 0), "id"), &id));
	struct soud_submit in = {.round = "2023-08", .project = CORP, .by = "佐藤"};
	CHECK_STR("closed", refused(RIG_DO(n, why, soud_submit(n->replica, &in, why)), why),
		  "round.closed");
	CHECK_STR("closed", try_edit(n, &id, "例", why), "round.closed");
	CHECK_STR("closed", try_add(n, CORP, "next", NULL, "2023-08", 0, "例", why),
		  "round.closed");
	CHECK_STR("none is open", try_add(n, CORP, "next", NULL, NULL, 0, "例", why),
		  "round.none_open");
	CHECK_INT("opened again",
		  RIG_DO(g->hub, why,
			 soud_round_open(g->hub->replica, "2023-08", "2023-09-15", "鈴木", why)),
		  ==, SOU_OK);
	rig_level(g);
	CHECK_STR("opened again", try_edit(n, &id, "例の取組み。", why), "-");
}

/* Late is what was signed after the due time by the site's clock: shown, not refused (T-22). */
TEST(acts, late_is_shown)
{
	static const struct {
		const char *due;
		bool late;
	} cases[] = {{"2023-09-01T08:59:59+09:00", true},
		     {"2023-09-01T09:00:01+09:00", false},
		     {"2023-08-31", true},
		     {"2023-09-01", false}};
	static const char *const nil[] = {"challenge", "next"};
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	(void)rig_add(g->chiiki, LINK, "achievement", NULL, "例");
	CHECK_STR("T-22 not refused", try_submit(g->chiiki, LINK, NULL, nil, 2, why), "-");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT("due",
			  RIG_DO(g->hub, why,
				 soud_round_open(g->hub->replica, "2023-08", cases[i].due, "鈴木",
						 why)),
			  ==, SOU_OK);
		rig_level(g);
		json_t *org = rig_table(g->hub, false, LINK, "chiiki");
		org = json_array_get(json_object_get(org, "pillars"), 0);
		org = json_array_get(json_object_get(org, "projects"), 0);
		org = json_array_get(json_object_get(org, "organisations"), 0);
		CHECK_INT(cases[i].due, vector_bool(org, "late"), ==, cases[i].late);
	}
}

/* More than an entry holds goes as parts of one act (R2), and comes out whole. */
TEST(acts, a_large_submission)
{
	struct rig *g = rig_new(true);
	char words[1600];
	for (int i = 0; i < 40; i++) {
		int n = snprintf(words, sizeof words, "例%d：", i);
		for (size_t at = (size_t)n; at + 3 < sizeof words; at += 3)
			memcpy(words + at, "あ", 4);
		(void)rig_add(g->honkan, CORP, "achievement", NULL, words);
	}
	(void)rig_add(g->honkan, CORP, "challenge", NULL, "例");
	rig_submit(g->honkan, CORP, "next");
	rig_level(g);
	json_t *latest = rig_table(g->hub, true, CORP, NULL);
	const char *text = rig_text(rig_table(g->hub, false, CORP, NULL), false);
	CHECK("R2 all of it", strstr(text, "achievement/tvac/40: 例39：あ") != NULL);
	CHECK_STR("R2 whole", text, rig_text(latest, false));
}

/* Two sites of one organisation submit apart: both are kept; the one that is chosen keeps its
 * texts. */
TEST(acts, submitted_twice_apart)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	static const char *const nil[] = {"challenge", "next"};
	struct sou_id id = rig_add(g->honkan, CORP, "achievement", NULL, "例の文");
	rig_level(g);
	CHECK_STR("here", try_submit(g->honkan, CORP, NULL, nil, 2, why), "-");
	rig_edit(g->bunshitsu, &id, "別の例の文");
	CHECK_STR("there", try_submit(g->bunshitsu, CORP, NULL, nil, 2, why), "-");
	rig_level(g);
	json_t *list = rig_conflicts(g->honkan), *c = json_array_get(list, 0);
	CHECK_INT("R9 one", json_array_size(list), ==, 1);
	REQUIRE("R9 one", c != NULL);
	CHECK_STR("which", vector_str(c, "kind"), "submission");
	CHECK_STR("where", vector_str(c, "scope"), "project/" CORP);
	for (size_t i = 0; i < 2; i++) {
		struct sou_id version, entity;
		json_t *v = json_array_get(json_object_get(c, "versions"), i);
		bool here = strcmp(vector_str(json_object_get(v, "site"), "name"), "honkan") == 0;
		REQUIRE("version", soud_id_read(vector_str(v, "id"), &version));
		REQUIRE("entity", soud_id_read(vector_str(c, "id"), &entity));
		if (!here)
			continue;
		struct soud_resolve in = {.entity = entity, .text = "例", .by = "高橋"};
		CHECK_STR("no text", try_resolve(g->honkan, &in, why), "conflict.no_text");
		in = (struct soud_resolve){.entity = entity, .version = &version, .by = "高橋"};
		CHECK_STR("settled", try_resolve(g->honkan, &in, why), "-");
	}
	rig_level(g);
	const char *text = rig_text(rig_table(g->hub, false, CORP, NULL), false);
	CHECK_INT("R9 gone", json_array_size(rig_conflicts(g->hub)), ==, 0);
	CHECK("its texts are there", strstr(text, "achievement/tvac/1: 例の文\n") != NULL);
}

/* --- Held versions (R1, R8) --- */

TEST(acts, what_is_held_is_settled_first)
{
	struct rig *g = rig_new(true);
	struct soud_refusal *why = refusal();
	static const char *const nil[] = {"challenge", "next"};
	struct sou_id id = rig_add(g->honkan, CORP, "achievement", NULL, "例の文");
	rig_level(g);
	struct sou_effect cut = {.type = SOU_EFFECT_CUT,
				 .site = g->bunshitsu->site,
				 .key_id = g->bunshitsu->key.key_id};
	world_op(g->w, &cut, 1, NULL); /* 分室's machine was stolen; it does not know yet */
	rig_edit(g->bunshitsu, &id, "盗まれた機械の文 例");
	level(g->bunshitsu, g->hub);
	feed_authority(g->hub, g->honkan);
	level(g->hub, g->honkan);
	json_t *item = rig_item(g->honkan, &id), *held = json_object_get(item, "held");
	CHECK_STR("R8 not shown", vector_str(item, "text"), "例の文");
	CHECK_INT("R8 kept", json_array_size(held), ==, 1);
	REQUIRE("R8 kept", json_array_size(held) == 1);
	held = json_array_get(held, 0);
	CHECK_STR("R8 kept", vector_str(held, "text"), "盗まれた機械の文 例");
	CHECK_STR("R8 and said so", vector_str(held, "state"), "held");
	CHECK_STR("R8 why", vector_str(held, "reason"), "cut");
	CHECK_STR("R8 why", vector_str(held, "rule"), "R8");
	CHECK_STR("R1 submit", try_submit(g->honkan, CORP, NULL, nil, 2, why), "submission.held");
	CHECK("R1 why", why->has_label[1] && why->label[1] == SOU_MSG_HELD_CUT);
	/* Writing over it names it: it is settled, whatever becomes of it. */
	CHECK_STR("R9 the same text settles it", try_edit(g->honkan, &id, "例の文", why), "-");
	CHECK_STR("R1 submitted", try_submit(g->honkan, CORP, NULL, nil, 2, why), "-");
	feed_authority(g->hub, g->bunshitsu);
	CHECK_STR("R8 the withdrawn site is told", try_edit(g->bunshitsu, &id, "例", why),
		  "right.withdrawn");
	CHECK("and reads its own words on",
	      strstr(listed(g->bunshitsu, CORP, "achievement"), "例") != NULL);
}
