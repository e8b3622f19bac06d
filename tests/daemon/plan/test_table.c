/* test_table.c - the real table: every paragraph, every character, computed attributions, what was
 * submitted beside what is readable, and who sees what (D-1 to D-4, R-1 to R-9, R7). */
#include <utf8proc.h>

#include "daemon/plan/naming.h"
#include "proto/mp.h"
#include "tests/daemon/plan/rig.h"

#define LINK "community-and-volunteer-link"
#define CORP "corporate-volunteering"

static bool is_blank(utf8proc_int32_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0x3000 || c == 0xA0;
}

/* The text without its blanks. */
static const char *squeezed(const char *words)
{
	size_t n = strlen(words), used = 0;
	char *out = test_alloc(n + 1);
	for (size_t i = 0; i < n;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)words + i,
							 (utf8proc_ssize_t)(n - i), &c);
		REQUIRE("UTF-8", step > 0);
		if (!is_blank(c)) {
			memcpy(out + used, words + i, (size_t)step);
			used += (size_t)step;
		}
		i += (size_t)step;
	}
	out[used] = '\0';
	return out;
}

/* How often each character stands there. */
static uint32_t *counted(const char *words)
{
	uint32_t *count = test_alloc(0x110000 * sizeof *count);
	size_t n = strlen(words);
	memset(count, 0, 0x110000 * sizeof *count);
	for (size_t i = 0; i < n;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)words + i,
							 (utf8proc_ssize_t)(n - i), &c);
		REQUIRE("UTF-8", step > 0);
		count[c]++;
		i += (size_t)step;
	}
	return count;
}

static struct rig *rig_submitted(void)
{
	struct rig *g = rig_new(true);
	rig_add_all(g);
	rig_submit(g->honkan, CORP, NULL);
	rig_submit(g->honkan, LINK, NULL);
	rig_submit(g->chiiki, LINK, NULL);
	rig_level(g);
	return g;
}

/* Each non-blank character of the paper is one of table, headings or page number, and the reverse;
 * each line of the paper stands in one piece of the table, whole. */
TEST(table, every_character_of_the_paper)
{
	struct rig *g = rig_submitted();
	struct test_bytes paper = test_read(SOU_SOURCE_DIR "/tests/data/soukatsu-2023-08.txt");
	const char *table = rig_text(rig_table(g->hub, false, NULL, NULL), true);
	const char *ours = squeezed(test_printf("%s10", table)); /* 10: the page's number */
	uint32_t *a = counted(squeezed((const char *)paper.b)), *b = counted(ours);
	for (uint32_t c = 0; c < 0x110000; c++)
		CHECK_INT(test_printf("U+%04X", c), a[c], ==, b[c]);
	char *save, *line, *copy = test_printf("%s", (const char *)paper.b);
	size_t lines = 0;
	for (line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		const char *words = squeezed(line);
		/* The one line of the paper that holds two headings. */
		if (strcmp(words, "課題今後の取組み") == 0 || words[0] == '\0')
			continue;
		CHECK(words, strstr(ours, words) != NULL);
		lines++;
	}
	CHECK_INT("lines of the paper", lines, >, 90);
}

/* D-1, D-2, D-4: all 25 paragraphs with project, column, organisation and order, byte for byte. */
TEST(table, every_item_of_the_data)
{
	struct rig *g = rig_submitted();
	json_t *items = vector_array(g->document, "items");
	for (int latest = 0; latest < 2; latest++) {
		json_t *table = rig_table(g->hub, latest == 1, NULL, NULL);
		size_t n = 0, i, k, c, p;
		json_t *pillar, *project, *cell, *paragraph;
		json_array_foreach (json_object_get(table, "pillars"), i, pillar)
			json_array_foreach (json_object_get(pillar, "projects"), k, project)
				json_array_foreach (json_object_get(project, "cells"), c, cell)
					json_array_foreach (json_object_get(cell, "paragraphs"), p,
							    paragraph) {
						json_t *want = json_array_get(items, n++);
						const char *name =
							test_printf("%d, item %zu", latest, n);
						REQUIRE(name, want != NULL);
						CHECK_STR(name, vector_str(paragraph, "text"),
							  vector_str(want, "text"));
						CHECK_STR(name, vector_str(project, "id"),
							  vector_str(want, "project"));
						CHECK_STR(name, vector_str(cell, "column"),
							  vector_str(want, "column"));
						CHECK_STR(name,
							  vector_str(paragraph, "organisation"),
							  vector_str(want, "organisation"));
						CHECK_INT(name, vector_int(paragraph, "order"), ==,
							  vector_int(want, "order"));
						const char *by = json_string_value(
							json_object_get(paragraph, "attribution"));
						bool corp = strcmp(vector_str(project, "id"),
								   CORP) == 0;
						bool tvac = strcmp(vector_str(want, "organisation"),
								   "tvac") == 0;
						/* D-3 */
						CHECK_STR(name, by,
							  corp   ? NULL
							  : tvac ? "（TVAC）"
								 : "（地域福祉部）");
					}
		CHECK_INT("paragraphs", n, ==, json_array_size(items));
		CHECK_INT("paragraphs", n, ==, 25);
	}
}

TEST(table, golden)
{
	struct rig *g = rig_submitted();
	struct test_bytes want = test_read(SOU_SOURCE_DIR "/tests/daemon/plan/golden-table.txt");
	const char *now = rig_text(rig_table(g->hub, false, NULL, NULL), false);
	CHECK_MEM("golden", now, strlen(now), want.b, want.n);
	now = rig_text(rig_table(g->hub, true, NULL, NULL), false);
	CHECK_MEM("the same with --latest", now, strlen(now), want.b, want.n);
}

/* --- A character of the data changes: that character of the table changes --- */

/* `text` with `put` in place of `cut` characters from character `at` on. */
static const char *mutated(const char *words, size_t at, size_t cut, const char *put)
{
	const char *p = words;
	for (; at > 0 && *p != '\0'; at--)
		do
			p++;
		while (((unsigned char)*p & 0xC0) == 0x80);
	const char *rest = p;
	for (; cut > 0 && *rest != '\0'; cut--)
		do
			rest++;
		while (((unsigned char)*rest & 0xC0) == 0x80);
	return test_printf("%.*s%s%s", (int)(p - words), words, put, rest);
}

static const char *replaced(const char *whole, const char *was, const char *is)
{
	const char *at = strstr(whole, was);
	REQUIRE("stands there", at != NULL);
	return test_printf("%.*s%s%s", (int)(at - whole), whole, is, at + strlen(was));
}

TEST(table, a_changed_character_changes_that_character)
{
	static const struct {
		const char *name;
		int at; /* -1: behind the last */
		size_t cut;
		const char *put;
	} mutations[] = {
		{"T-4 𠮷 for a character", 3, 1, "𠮷"},
		{"T-1 ㌻ put in", 5, 0, "㌻"},
		{"D-4 a trailing blank", -1, 0, " "},
		{"D-4 a leading blank", 0, 0, "　"},
		{"T-1 a compatibility character", 1, 1, "﨑"},
		{"D-4 a combining mark", 2, 0, "\xE3\x82\x99"},
		{"D-4 one character less", 0, 1, ""},
		{"T-11 a line end", 4, 0, "\n"},
	};
	struct rig *g = rig_submitted();
	json_t *items = rig_items(g->hub);
	const char *whole = rig_text(rig_table(g->hub, true, NULL, NULL), true);
	CHECK_INT("items", json_array_size(items), ==, 25);
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		const char *was = vector_str(item, "text");
		struct node *n = strcmp(vector_str(item, "organisation"), "tvac") == 0 ? g->honkan
										       : g->chiiki;
		struct sou_id id;
		REQUIRE("id", soud_id_read(vector_str(item, "id"), &id));
		for (size_t m = 0; m < ARRAY_LEN(mutations); m++) {
			if ((i + m) % 3 != 0) /* each mutation on a third of the items */
				continue;
			const char *is = mutated(
				was, mutations[m].at < 0 ? strlen(was) : (size_t)mutations[m].at,
				mutations[m].cut, mutations[m].put);
			REQUIRE(mutations[m].name, strcmp(is, was) != 0);
			rig_edit(n, &id, is);
			CHECK_STR(
				mutations[m].name, rig_text(rig_table(n, true, NULL, NULL), true),
				replaced(rig_text(rig_table(n, false, NULL, NULL), true), was, is));
			level(g->hub, n);
			CHECK_STR(mutations[m].name,
				  rig_text(rig_table(g->hub, true, NULL, NULL), true),
				  replaced(whole, was, is));
			/* What was submitted stays as it was. */
			CHECK_STR(mutations[m].name,
				  rig_text(rig_table(g->hub, false, NULL, NULL), true), whole);
			rig_edit(n, &id, was);
			level(g->hub, n);
		}
	}
}

/* --- Last submitted, and latest --- */

TEST(table, submitted_and_latest)
{
	struct rig *g = rig_new(true);
	rig_add_all(g);
	rig_level(g);
	json_t *table = rig_table(g->hub, false, NULL, NULL);
	CHECK_STR("not submitted", rig_standing(table, CORP, "tvac"), "outstanding");
	CHECK("no text before it is submitted", strstr(rig_text(table, true), "SNS") == NULL);
	json_t *counts = json_object_get(table, "counts");
	CHECK_INT("expected", vector_int(counts, "expected"), ==, 3);
	CHECK_INT("outstanding", vector_int(counts, "outstanding"), ==, 3);
	table = rig_table(g->hub, true, NULL, NULL);
	CHECK("--latest has it", strstr(rig_text(table, true), "SNS") != NULL);
	CHECK_STR("it is still outstanding", rig_standing(table, CORP, "tvac"), "outstanding");

	rig_submit(g->honkan, CORP, NULL);
	rig_level(g);
	table = rig_table(g->hub, false, NULL, NULL);
	CHECK_STR("submitted", rig_standing(table, CORP, "tvac"), "submitted");
	CHECK("text when it is submitted", strstr(rig_text(table, true), "SNS") != NULL);
	CHECK_INT("submitted", vector_int(json_object_get(table, "counts"), "submitted"), ==, 1);
	CHECK("not changed", strstr(rig_text(table, false), "tvac: lead submitted\n") != NULL);

	/* A new order is a change since submission (R2). */
	struct soud_refusal why = {0};
	struct sou_id id;
	json_t *items = rig_items(g->honkan);
	REQUIRE("id", soud_id_read(vector_str(json_array_get(items, 0), "id"), &id));
	CHECK_INT("move",
		  RIG_DO(g->honkan, &why, soud_item_move(g->honkan->replica, &id, 2, "佐藤", &why)),
		  ==, SOU_OK);
	rig_level(g);
	CHECK("changed since", strstr(rig_text(rig_table(g->hub, false, NULL, NULL), false),
				      "tvac: lead submitted changed\n") != NULL);
	soud_refusal_fini(&why);
}

TEST(table, nil_columns)
{
	struct rig *g = rig_new(true);
	(void)rig_add(g->honkan, CORP, "achievement", "tvac", "例の取組み");
	(void)rig_add(g->honkan, CORP, "challenge", "tvac", "例の課題");
	rig_submit(g->honkan, CORP, "next");
	rig_level(g);
	json_t *table = rig_table(g->hub, false, CORP, NULL);
	CHECK_STR("D-6", rig_standing(table, CORP, "tvac"), "submitted");
	CHECK("D-6 nil in its column", strstr(rig_text(table, false), "next/tvac: nil\n") != NULL);
	CHECK("D-6 and in no other",
	      strstr(rig_text(table, false), "challenge/tvac: nil\n") == NULL);
}

TEST(table, filters)
{
	struct rig *g = rig_submitted();
	json_t *one = rig_table(g->hub, false, CORP, NULL);
	CHECK_INT("--project", vector_int(json_object_get(one, "counts"), "expected"), ==, 1);
	CHECK("--project", strstr(rig_text(one, true), "31") == NULL);
	json_t *org = rig_table(g->hub, false, NULL, "chiiki");
	CHECK_INT("--org", vector_int(json_object_get(org, "counts"), "expected"), ==, 1);
	CHECK("--org", strstr(rig_text(org, true), "（TVAC）\n") != NULL); /* the left cell */
	CHECK("--org", strstr(rig_text(org, true), "ひきこもり") != NULL);
	CHECK("--org", strstr(rig_text(org, true), "子ども食堂") == NULL);
	/* Headquarters and all below it: everything. */
	CHECK_STR("--org hq", rig_text(rig_table(g->hub, false, NULL, "hq"), false),
		  rig_text(rig_table(g->hub, false, NULL, NULL), false));
}

/* --- Who sees what (P8.14, R7) --- */

TEST(table, what_others_see)
{
	struct rig *g = rig_submitted();
	json_t *ward = rig_table(g->shinjuku, true, NULL, NULL);
	CHECK_STR("R7 not unsubmitted, but out of scope", rig_standing(ward, CORP, "tvac"),
		  "out_of_scope");
	CHECK_INT("R7", vector_int(json_object_get(ward, "counts"), "out_of_scope"), ==, 3);
	CHECK_INT("R7", vector_int(json_object_get(ward, "counts"), "outstanding"), ==, 0);
	CHECK("R7 the plan is for all", strstr(rig_text(ward, true), "（31 ㌻）") != NULL);
	CHECK("R7 no text", strstr(rig_text(ward, true), "SNS") == NULL);

	/* A partner reads what was submitted in the project that they share, and no more. */
	json_t *partner = rig_table(g->chiiki, true, NULL, NULL);
	CHECK_STR("R7 shared", rig_standing(partner, LINK, "tvac"), "submitted");
	CHECK("R7 shared", strstr(rig_text(partner, true), "子ども食堂は各地区") != NULL);
	CHECK_STR("R7 not shared", rig_standing(partner, CORP, "tvac"), "out_of_scope");
	CHECK("R7 not shared", strstr(rig_text(partner, true), "SNS") == NULL);

	/* The partner's words change at home: not to be seen before they are submitted (D-7). */
	json_t *items = rig_items(g->honkan);
	CHECK_INT("own items", json_array_size(items), ==, 17);
	struct sou_id id;
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		if (strcmp(vector_str(item, "project"), LINK) == 0)
			REQUIRE("id", soud_id_read(vector_str(item, "id"), &id));
	}
	rig_edit(g->honkan, &id, "まだ出していない例");
	rig_level(g);
	CHECK("D-7 partner",
	      strstr(rig_text(rig_table(g->chiiki, true, NULL, NULL), true), "まだ出して") == NULL);
	CHECK("D-7 headquarters",
	      strstr(rig_text(rig_table(g->hub, true, NULL, NULL), true), "まだ出して") != NULL);
	CHECK("D-7 last submitted",
	      strstr(rig_text(rig_table(g->hub, false, NULL, NULL), true), "まだ出して") == NULL);
	CHECK_INT("items of a ward", json_array_size(rig_items(g->shinjuku)), ==, 0);
}

/* --- Reviews, by ops: their commands come later --- */

static void review(struct rig *g, const char *project, const char *org, uint64_t decision)
{
	json_t *plan = rig_plan(g->hub);
	CHECK("plan", plan != NULL);
	struct soud_look look;
	struct soud_pool pool = {0};
	struct soud_plan p;
	struct soud_submission s;
	struct sou_buf value = {0};
	struct sou_err err = {0};
	soud_look_replica(&look, g->hub->replica);
	REQUIRE("plan", soud_plan_read(&look, &pool, &p) == SOU_OK);
	const struct soud_project *of = soud_plan_project(&p, NULL, project);
	const struct sou_org *o = sou_authority_org_handle(look.authority, text(org));
	REQUIRE("submission",
		soud_submission_read(&look, of, &o->id, &p.rounds[0], &pool, &s) == SOU_OK);
	sou_mp_put_array(&value, 2);
	sou_mp_put_uint(&value, decision);
	sou_mp_put_id(&value, &s.version);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_REVIEW,
					.field = SOU_FIELD_REVIEW_DECISION,
					.entity = sou_entity_of_three(SOU_KIND_REVIEW, &o->id,
								      &of->head.id,
								      &p.rounds[0].head.id),
					.value = sou_buf_span(&value)};
	const struct soud_act act = {.scope = of->scope,
				     .for_org = o->id,
				     .by = text("鈴木"),
				     .ops = &op,
				     .op_count = 1};
	node_begin(g->hub);
	int rc = soud_replica_act(g->hub->replica, &act, 1, NULL, &err);
	CHECK_STR("review", err.text, "");
	REQUIRE("review", rc == SOU_OK);
	node_commit(g->hub, NULL);
	sou_buf_fini(&value);
	soud_pool_fini(&pool);
	rig_level(g);
}

TEST(table, returned_texts_are_not_for_partners)
{
	struct rig *g = rig_submitted();
	review(g, LINK, "tvac", 2);
	json_t *hub = rig_table(g->hub, false, NULL, NULL);
	json_t *partner = rig_table(g->chiiki, false, NULL, NULL);
	CHECK_STR("returned", rig_standing(hub, LINK, "tvac"), "returned");
	CHECK_STR("returned", rig_standing(partner, LINK, "tvac"), "returned");
	CHECK("T-20 headquarters reads on", strstr(rig_text(hub, true), "子ども食堂は") != NULL);
	CHECK("T-20 the organisation reads on",
	      strstr(rig_text(rig_table(g->honkan, false, NULL, NULL), true), "子ども食堂は") !=
		      NULL);
	CHECK("T-20 partners do not", strstr(rig_text(partner, true), "子ども食堂は") == NULL);
	/* The same again is a new submission, which the review does not name. */
	rig_submit(g->honkan, LINK, NULL);
	rig_level(g);
	partner = rig_table(g->chiiki, false, NULL, NULL);
	CHECK_STR("submitted again", rig_standing(partner, LINK, "tvac"), "submitted");
	CHECK("and shown again", strstr(rig_text(partner, true), "子ども食堂は") != NULL);
	review(g, LINK, "tvac", 1);
	CHECK_STR("accepted", rig_standing(rig_table(g->chiiki, false, NULL, NULL), LINK, "tvac"),
		  "accepted");
}

/* R9: whom the plan does not name for the project is listed apart. */
TEST(table, unassigned)
{
	struct rig *g = rig_submitted();
	json_t *document = json_deep_copy(g->document);
	struct soud_refusal why = {0};
	struct soud_plan_imported done;
	json_t *project = json_array_get(json_object_get(document, "projects"), 1);
	json_array_remove(json_object_get(project, "organisations"), 0); /* 地域福祉部 */
	CHECK_INT("import",
		  RIG_DO(g->hub, &why,
			 soud_plan_import(g->hub->replica, document, "鈴木", &done, &why)),
		  ==, SOU_OK);
	CHECK_INT("one project changed", done.changed, ==, 1);
	json_decref(document);
	rig_level(g);
	json_t *table = rig_table(g->hub, true, NULL, NULL);
	CHECK_INT("担当外", json_array_size(json_object_get(table, "unassigned")), ==, 8);
	CHECK("not in the row", strstr(rig_text(table, true), "ひきこもり") == NULL);
	CHECK("D-3 one organisation, no attribution",
	      strstr(rig_text(table, true), "（TVAC）") == NULL);
	soud_refusal_fini(&why);
}
