/* The one way in, from the own side: acts, transactions, the fence (R1, R2, R6, R12, R15). */
#include "daemon/replica/read.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "world.h"

TEST(replica, opens_only_what_is_its_own)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	const struct soud_replica_seed seed = {.net = w->net, .site = hub->site};
	CHECK_INT("R5 made once",
		  soud_replica_make(hub->path, &hub->env, &hub->options, &seed, NULL), ==,
		  SOU_EEXIST);
	node_close(hub);
	hub->env.site = &w->operational;
	CHECK_INT("R4 another key", node_open_rc(hub), ==, SOU_EKEY);
	hub->env.site = NULL;
	CHECK_INT("R22 no key: reads", node_open_rc(hub), ==, SOU_OK);
	CHECK_INT("R12 reads", soud_replica_unconfirmed(hub->replica), ==, SOUD_FENCE_AGREES);
	node_close(hub);
	hub->env.site = &hub->key;
	hub->path = test_path("none.db");
	CHECK_INT("R12 no replica", node_open_rc(hub), ==, SOU_EUNKNOWN);
}

TEST(replica, act_is_stored_and_shown_and_goes_on_after_a_restart)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id a, b;
	struct sou_hash first = node_item(hub, &a, "一つ目 例");
	const char *words = NULL;
	bool conflict = true;
	CHECK_INT("R1 own entry", verdict_of(hub, &hub->org_scope, &first), ==, SOU_ACCEPTED);
	CHECK_INT("R9 one live",
		  live_of(hub, &hub->org_scope, &a, SOU_FIELD_ITEM_TEXT, &words, &conflict), ==, 1);
	CHECK_STR("D-4 text", words, "一つ目 例");
	CHECK("R9 no conflict", !conflict);

	node_close(hub);
	node_open(hub);
	struct sou_hash second = node_edit(hub, &hub->org_scope, &a, &first, 1, "直した 例");
	CHECK_INT("R5 chain goes on", verdict_of(hub, &hub->org_scope, &second), ==, SOU_ACCEPTED);
	CHECK_INT("R9 replaced",
		  live_of(hub, &hub->org_scope, &a, SOU_FIELD_ITEM_TEXT, &words, &conflict), ==, 1);
	CHECK_STR("R9 replaced", words, "直した 例");
	(void)node_item(hub, &b, "二つ目 例");
	CHECK("P3.3 counter", !sou_id_eq(&a, &b));

	struct soud_store *s = soud_replica_store(hub->replica);
	struct soud_read_entry e[3];
	uint32_t number;
	REQUIRE("log", soud_store_scope_find(s, &hub->org_scope, &number) == SOU_OK);
	for (uint32_t i = 0; i < 3; i++) {
		REQUIRE("log", soud_read_entry(s, number, i + 1, &e[i]) == SOU_OK);
		CHECK_U64("P5.1 seq", e[i].seq, ==, i + 1);
		CHECK_MEM("P6.1 by", e[i].by.p, e[i].by.n, "佐藤", strlen("佐藤"));
		CHECK_INT("P6.1 ops", e[i].op_count, ==, 1);
		CHECK("P5.3 hlc rises", i == 0 || e[i].hlc > e[i - 1].hlc);
		CHECK_INT("source", e[i].source, ==, 0);
		CHECK_INT("receive time", e[i].received_ms, ==, WORLD_START_MS);
	}
	struct soud_read_op op;
	struct sou_span text_of;
	REQUIRE("op", soud_read_op(s, number, 2, 0, &op) == SOU_OK);
	CHECK_INT("op type", op.type, ==, SOU_OP_SET);
	CHECK("op entity", sou_id_eq(&op.entity, &a));
	CHECK("op value", soud_value_str(op.value, &text_of));
	CHECK_MEM("op value", text_of.p, text_of.n, "直した 例", strlen("直した 例"));
	CHECK_INT("no such op", soud_read_op(s, number, 2, 1, &op), ==, SOU_EUNKNOWN);
	CHECK_INT("no such entry", soud_read_entry(s, number, 9, &e[0]), ==, SOU_EUNKNOWN);
}

TEST(replica, committed_tells_what_is_new)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id a;
	struct soud_committed done;
	(void)node_item(hub, &a, "例");
	node_begin(hub);
	node_commit(hub, &done);
	CHECK_U64("nothing", done.scope_count, ==, 0);
	CHECK("nothing own", !done.own && !done.authority);
	struct sou_id org = world_org(w, "abc");
	(void)org;
	struct sou_buf buf = {0};
	sou_mp_put_str(&buf, "x", 1);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_ITEM,
					.field = SOU_FIELD_ITEM_TEXT,
					.entity = a,
					.value = sou_buf_span(&buf)};
	const struct soud_act act = {
		.scope = hub->org_scope, .for_org = hub->org, .ops = &op, .op_count = 1};
	hub->wall_ms += 5;
	node_begin(hub);
	CHECK_INT("act", soud_replica_act(hub->replica, &act, 1, NULL, NULL), ==, SOU_OK);
	node_commit(hub, &done);
	REQUIRE("one scope", done.scope_count == 1);
	CHECK("which", sou_id_eq(&done.scopes[0].scope, &hub->org_scope));
	CHECK_U64("last", done.scopes[0].last, ==, 2);
	CHECK("entries and state", done.scopes[0].entries && done.scopes[0].state);
	CHECK("own", done.own);
	CHECK_INT("time", done.received_ms, ==, WORLD_START_MS + 5);
	sou_buf_fini(&buf);
}

TEST(replica, rollback_leaves_memory_as_before)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id a, b, c;
	struct sou_hash first = node_item(hub, &a, "例");
	struct sou_digest before = digest_of(hub, &hub->org_scope);
	uint64_t own = soud_replica_signed_count(hub->replica);

	struct sou_buf buf = {0};
	sou_mp_put_str(&buf, "x", 1);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_ITEM,
					.field = SOU_FIELD_ITEM_TEXT,
					.entity = a,
					.value = sou_buf_span(&buf)};
	const struct soud_act act = {
		.scope = hub->org_scope, .for_org = hub->org, .ops = &op, .op_count = 1};
	struct sou_hash lost;
	struct sou_effect e = {.type = SOU_EFFECT_ORG_CLOSE, .org = w->hq};
	size_t ops = sou_authority_op_count(soud_replica_authority(hub->replica));
	node_begin(hub);
	CHECK_INT("entity", soud_replica_entity(hub->replica, SOU_KIND_ITEM, &b), ==, SOU_OK);
	CHECK_INT("act", soud_replica_act(hub->replica, &act, 1, &lost, NULL), ==, SOU_OK);
	CHECK_INT("op", soud_hub_sign_op(hub->replica, &w->operational, &e, 1, NULL, NULL), ==,
		  SOU_OK);
	soud_replica_rollback(hub->replica);

	struct sou_digest after = digest_of(hub, &hub->org_scope);
	CHECK_MEM("R6 entries", after.entries.b, 32, before.entries.b, 32);
	CHECK_MEM("R6 state", after.state.b, 32, before.state.b, 32);
	CHECK_MEM("R6 authority", after.authority.b, 32, before.authority.b, 32);
	CHECK_U64("R6 ops", sou_authority_op_count(soud_replica_authority(hub->replica)), ==, ops);
	CHECK_U64("R6 own", soud_replica_signed_count(hub->replica), ==, own);
	CHECK_INT("R6 gone", verdict_of(hub, &hub->org_scope, &lost), ==, SOU_VERDICT_NONE);
	node_begin(hub);
	CHECK_INT("entity", soud_replica_entity(hub->replica, SOU_KIND_ITEM, &c), ==, SOU_OK);
	CHECK("P3.3 the number is given again", sou_id_eq(&b, &c));
	node_commit(hub, NULL);
	(void)node_edit(hub, &hub->org_scope, &a, &first, 1, "次 例");
	CHECK_U64("R5 no place is used twice", last_of(hub, &hub->org_scope), ==, 2);
	sou_buf_fini(&buf);
}

TEST(replica, says_no_to_its_own_person)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_SUBMITTER);
	struct node *editor = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct sou_id entity = {{7}};
	struct sou_err err = {0};
	CHECK_INT("P7.5 no editor",
		  node_try_edit(site, &site->org_scope, &site->org, &entity, "x", &err), ==,
		  SOU_ERIGHT);
	CHECK_STR("P7.5 the clause", err.text, "P7.5: set item needs editor");
	CHECK_INT("P8.8 another organisation",
		  node_try_edit(editor, &site->org_scope, &site->org, &entity, "x", &err), ==,
		  SOU_ERIGHT);
	CHECK_INT("P8.8 for another organisation",
		  node_try_edit(editor, &editor->org_scope, &site->org, &entity, "x", &err), ==,
		  SOU_ERIGHT);
	CHECK_INT("P7.5 no such kind there",
		  node_try_edit(editor, &w->plan, &editor->org, &entity, "x", &err), ==,
		  SOU_ERIGHT);
	CHECK_U64("R1 nothing is stored", last_of(site, &site->org_scope), ==, 0);
	CHECK_U64("R1 nothing is stored", last_of(editor, &editor->org_scope), ==, 0);
	CHECK_INT("P7.5 her own",
		  node_try_edit(editor, &editor->org_scope, &editor->org, &entity, "x", &err), ==,
		  SOU_OK);
}

TEST(replica, values_fit_their_fields)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	char *longest = test_alloc(SOU_STR_BYTES_MAX + 2);
	memset(longest, 'x', SOU_STR_BYTES_MAX + 1);
	longest[SOU_STR_BYTES_MAX + 1] = '\0';
	static const struct {
		const char *name;
		uint16_t field;
		unsigned value; /* 0: uint 5, 1: longest str, 2: one longer */
		int rc;
	} rows[] = {
		{"P7.4 uint for text", SOU_FIELD_ITEM_TEXT, 0, SOU_EINPUT},
		{"P2.2 8,192 bytes", SOU_FIELD_ITEM_TEXT, 1, SOU_OK},
		{"P2.2 8,193 bytes", SOU_FIELD_ITEM_TEXT, 2, SOU_ELIMIT},
		{"P7.4 uint for place", SOU_FIELD_ITEM_PLACE, 0, SOU_EINPUT},
		{"P6.9 no such field", 99, 0, SOU_EINPUT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sou_buf buf = {0};
		if (rows[i].value == 0)
			sou_mp_put_uint(&buf, 5);
		else
			sou_mp_put_str(&buf, longest, SOU_STR_BYTES_MAX + rows[i].value - 1);
		const struct sou_draft_op op = {.type = SOU_OP_SET,
						.kind = SOU_KIND_ITEM,
						.field = rows[i].field,
						.entity = {{9}},
						.value = sou_buf_span(&buf)};
		const struct soud_act act = {
			.scope = hub->org_scope, .for_org = hub->org, .ops = &op, .op_count = 1};
		uint64_t last = last_of(hub, &hub->org_scope);
		node_begin(hub);
		CHECK_INT(rows[i].name, soud_replica_act(hub->replica, &act, 1, NULL, NULL), ==,
			  rows[i].rc);
		node_commit(hub, NULL);
		CHECK_U64(rows[i].name, last_of(hub, &hub->org_scope), ==,
			  last + (rows[i].rc == SOU_OK));
		sou_buf_fini(&buf);
	}
}

/* R2: acts over two scopes are one entry in each, and both or none. */
TEST(replica, two_acts_are_stored_together_or_not_at_all)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_buf buf = {0};
	sou_mp_put_str(&buf, "x", 1);
	const struct sou_draft_op good = {.type = SOU_OP_SET,
					  .kind = SOU_KIND_ITEM,
					  .field = SOU_FIELD_ITEM_TEXT,
					  .entity = {{1}},
					  .value = sou_buf_span(&buf)};
	const struct sou_draft_op note = {.type = SOU_OP_SET,
					  .kind = SOU_KIND_SUBMISSION,
					  .field = SOU_FIELD_SUBMISSION_NOTE,
					  .entity = {{2}},
					  .value = sou_buf_span(&buf)};
	struct sou_draft_op bad = note;
	bad.field = 99;
	struct soud_act acts[] = {
		{.scope = hub->org_scope, .for_org = hub->org, .ops = &good, .op_count = 1},
		{.scope = hub->org_scope, .for_org = hub->org, .ops = &good, .op_count = 1},
		{.scope = w->project_scope, .for_org = hub->org, .ops = &bad, .op_count = 1},
	};
	struct sou_hash ids[3];
	node_begin(hub);
	CHECK_INT("R2 one is refused", soud_replica_act(hub->replica, acts, 3, ids, NULL), ==,
		  SOU_EINPUT);
	node_commit(hub, NULL);
	CHECK_U64("R2 none", last_of(hub, &hub->org_scope), ==, 0);
	acts[2].ops = &note;
	node_begin(hub);
	CHECK_INT("R2 all", soud_replica_act(hub->replica, acts, 3, ids, NULL), ==, SOU_OK);
	node_commit(hub, NULL);
	CHECK_U64("R2 two here", last_of(hub, &hub->org_scope), ==, 2);
	CHECK_U64("R2 one there", last_of(hub, &w->project_scope), ==, 1);
	CHECK_INT("R2", verdict_of(hub, &w->project_scope, &ids[2]), ==, SOU_ACCEPTED);

	/* A refusal after something else was done in the transaction leaves that. */
	acts[2].ops = &bad;
	node_begin(hub);
	CHECK_INT("I1 good", soud_replica_act(hub->replica, acts, 1, &ids[0], NULL), ==, SOU_OK);
	CHECK_INT("I1 refused", soud_replica_act(hub->replica, acts, 3, NULL, NULL), ==,
		  SOU_EINPUT);
	CHECK_INT("I1 good", soud_replica_act(hub->replica, acts, 1, &ids[1], NULL), ==, SOU_OK);
	node_commit(hub, NULL);
	CHECK_U64("I1 the good ones", last_of(hub, &hub->org_scope), ==, 4);
	CHECK_INT("I1", verdict_of(hub, &hub->org_scope, &ids[0]), ==, SOU_ACCEPTED);
	CHECK_INT("I1", verdict_of(hub, &hub->org_scope, &ids[1]), ==, SOU_ACCEPTED);
	sou_buf_fini(&buf);
}

TEST(replica, large_acts_go_in_parts)
{
	static const struct {
		const char *name;
		uint32_t items;
		uint64_t entries;
	} rows[] = {
		{"P6.1 512 ops would be too many bytes", 512, 3},
		{"P6.1 one entry", 100, 1},
		{"P6.1 many", 3000, 10},
	};
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t last = last_of(site, &site->org_scope);
		node_items(site, rows[i].items);
		uint64_t made = last_of(site, &site->org_scope) - last;
		CHECK(rows[i].name, rows[i].entries == 1 ? made == 1 : made >= rows[i].entries);
	}
	level(hub, site);
	check_level("R2 parts travel", hub, site, &site->org_scope);
	struct soud_store *s = soud_replica_store(hub->replica);
	struct sou_record record = {0};
	uint32_t number, records = 0;
	struct sou_id at;
	const struct sou_id *after = NULL;
	REQUIRE("R2", soud_store_scope_find(s, &site->org_scope, &number) == SOU_OK);
	while (soud_store_record_next(s, number, SOU_KIND_ITEM, after, SOU_KIND_ITEM, &record) ==
	       SOU_OK) {
		records++;
		at = record.entity;
		after = &at;
	}
	sou_record_fini(&record);
	CHECK_INT("R2 all of it shows", records, ==, 512 + 100 + 3000);
}

TEST(replica, time_only_rises)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id entity;
	struct soud_read_entry e[3];
	static const int64_t walls[] = {WORLD_START_MS, WORLD_START_MS - 3600000,
					WORLD_START_MS - 1000};
	uint32_t number;
	for (size_t i = 0; i < 3; i++) {
		hub->wall_ms = walls[i];
		(void)node_item(hub, &entity, "x");
		if (i == 0) {
			node_close(hub); /* it is remembered */
			node_open(hub);
		}
	}
	struct soud_store *s = soud_replica_store(hub->replica);
	REQUIRE("log", soud_store_scope_find(s, &hub->org_scope, &number) == SOU_OK);
	for (uint32_t i = 0; i < 3; i++)
		REQUIRE("log", soud_read_entry(s, number, i + 1, &e[i]) == SOU_OK);
	CHECK_U64("P10.9 wall", e[0].hlc, ==, (uint64_t)WORLD_START_MS << 16);
	CHECK_U64("P10.9 last + 1", e[1].hlc, ==, e[0].hlc + 1);
	CHECK_INT("P5.1 set back", e[1].clock, ==, 1);
	CHECK_U64("P10.9 last + 1", e[2].hlc, ==, e[1].hlc + 1);
	CHECK_INT("P5.1 a second behind is no fault", e[2].clock, ==, 0);
}

/* As a migration leaves it, or one that a crash cut short. */
static void make_stale(struct node *n)
{
	struct soud_store *s = NULL;
	uint32_t scopes = 0;
	REQUIRE("store", soud_store_open(&s, n->path, SOUD_STORE_WRITER, NULL, NULL) == SOU_OK);
	REQUIRE("begin", soud_store_begin(s) == SOU_OK);
	REQUIRE("clear", soud_store_derived_clear(s) == SOU_OK);
	REQUIRE("count", soud_store_scope_count(s, &scopes) == SOU_OK);
	for (uint32_t i = 1; i <= scopes; i++)
		soud_store_log_merged(s, i);
	REQUIRE("commit", soud_store_commit(s) == SOU_OK);
	soud_store_free(s);
}

TEST(replica, rebuilds_what_is_stale_when_opened)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id a;
	struct sou_hash first = node_item(hub, &a, "一つ目 例"), before, after;
	(void)node_edit(hub, &hub->org_scope, &a, &first, 1, "直した 例");
	REQUIRE("dump", soud_store_dump_hash(soud_replica_store(hub->replica), &before) == SOU_OK);
	struct sou_digest was = digest_of(hub, &hub->org_scope);
	node_close(hub);
	make_stale(hub);
	node_open(hub);
	struct soud_store *s = soud_replica_store(hub->replica);
	CHECK("R9 not stale", !soud_store_stale(s));
	REQUIRE("dump", soud_store_dump_hash(s, &after) == SOU_OK);
	CHECK_MEM("R9 no byte is lost", after.b, 32, before.b, 32);
	struct sou_digest is = digest_of(hub, &hub->org_scope);
	CHECK_MEM("R10 the same state", is.state.b, 32, was.state.b, 32);
	CHECK("R6 goes on", !soud_replica_broken(hub->replica));
	node_close(hub);
	node_open(hub);
	CHECK("R9 durably", !soud_store_stale(soud_replica_store(hub->replica)));
}
