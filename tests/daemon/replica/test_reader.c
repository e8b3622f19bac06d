/* What a reader shows to sessions and views (R18, P8.14, P11.6, P13.5 - P13.11). */
#include "proto/limits.h"
#include "proto/name.h"
#include "world.h"

static size_t count_in(struct node *n, const struct sou_news *news)
{
	struct soud_intake *in = NULL;
	struct sou_batch *batch;
	size_t count = 0;
	if (news->data.n == 0)
		return 0;
	REQUIRE("memory", sou_batch_new(&batch) == SOU_OK);
	REQUIRE("P11.8", soud_intake_new(&in, batch, &soud_replica_identity(n->replica)->net,
					 news) == SOU_OK);
	count = soud_intake_count(in);
	soud_intake_free(in);
	sou_batch_free(batch);
	return count;
}

/* What was kept must not hide what came after. */
static void newest_too(struct node *hub, struct node *site, const struct sou_id *peer)
{
	struct sou_buf buf = {0};
	struct sou_view view;
	struct sou_news_answer a;
	struct sou_id entity;
	soud_reader_view(hub->reader, &view);
	(void)node_item(site, &entity, "z");
	level(hub, site);
	struct sou_news_query q = {
		.scope = site->org_scope, .bytes_max = SOU_NEWS_RAW_BYTES, .peer_site = *peer};
	sou_buf_clear(&buf);
	REQUIRE("P13.6", view.news(view.ctx, &q, &buf, &a) == SOU_OK);
	CHECK_U64("P13.6 the newest too", a.entry_count, ==, 5);
	sou_buf_fini(&buf);
}

TEST(reader, news_leave_out_what_the_peer_has)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *koto = world_site(w, "koto", SOU_ROLE_READER);
	struct sou_effect grants[] = {
		{.type = SOU_EFFECT_GRANT,
		 .site = w->hub.site,
		 .roles = SOU_ROLE_EDITOR,
		 .reach = SOU_REACH_SCOPE,
		 .id = site->org_scope},
	};
	world_op(w, grants, 1, NULL);
	feed_authority(hub, site);
	struct sou_id entity;
	for (unsigned i = 0; i < 3; i++)
		(void)node_item(site, &entity, "x");
	level(hub, site);
	struct sou_id own = hub->org;
	hub->org = site->org;
	struct sou_hash id = node_edit(hub, &site->org_scope, &entity, NULL, 0, "y");
	hub->org = own;
	struct sou_buf buf = {0};
	struct sou_view view;
	struct soud_from f = from_node(site), k = from_node(koto);
	struct sou_news_answer a;
	soud_reader_view(hub->reader, &view);
	const struct {
		const char *name;
		struct sou_news_query q;
		uint64_t upto;
		size_t entries;
	} rows[] = {
		{"P13.6 all to a third", {.peer_site = k.site, .peer_log = k.log}, 4, 4},
		{"P13.6 not what came from there", {.peer_site = f.site, .peer_log = f.log}, 4, 1},
		{"P13.6 another log: its own too", {.peer_site = f.site, .peer_log = k.log}, 4, 4},
		{"P13.6 after a position", {.after = 3, .peer_site = k.site}, 4, 1},
		{"P13.6 at the end", {.after = 4, .peer_site = k.site}, 4, 0},
		{"P13.13 own feeds alone", {.peer_site = f.site, .only_site = true}, 4, 3},
		{"P13.6 no heads: it has nothing, whatever its log",
		 {.peer_site = f.site, .peer_log = f.log, .by_heads = true},
		 4,
		 4},
		{"P13.7 at or before a head",
		 {.peer_site = k.site, .heads = &id, .head_count = 1},
		 4,
		 3},
	};
	for (unsigned round = 0; round < 2; round++) { /* and again, from what was kept */
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct sou_news_query q = rows[i].q;
			q.scope = site->org_scope;
			q.bytes_max = SOU_NEWS_RAW_BYTES;
			sou_buf_clear(&buf);
			REQUIRE(rows[i].name, view.news(view.ctx, &q, &buf, &a) == SOU_OK);
			CHECK_U64(rows[i].name, a.upto, ==, rows[i].upto);
			CHECK_U64(rows[i].name, a.entry_count, ==, rows[i].entries);
			const struct sou_news news = {.scope = q.scope,
						      .flags = a.flags,
						      .raw_bytes = a.raw_bytes,
						      .data = sou_buf_span(&buf)};
			CHECK_U64(rows[i].name, count_in(hub, &news), ==, rows[i].entries);
		}
	}
	newest_too(hub, site, &k.site);
	sou_buf_fini(&buf);
}

TEST(reader, small_frames_cover_all_in_order)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	for (unsigned i = 0; i < 200; i++)
		(void)node_item(site, &entity,
				"長い文章をいくつも書いて、何枚もの枠に分かれるようにする。例");
	struct sou_view view;
	struct sou_buf buf = {0};
	struct soud_from f = from_node(hub);
	struct sou_news_query q = {.scope = site->org_scope,
				   .bytes_max = 4096,
				   .peer_site = f.site,
				   .peer_log = f.log};
	struct sou_news_answer a;
	size_t entries = 0, frames = 0;
	soud_reader_view(site->reader, &view);
	for (q.after = 0; q.after < 200; q.after = a.upto) {
		sou_buf_clear(&buf);
		REQUIRE("P13.6", view.news(view.ctx, &q, &buf, &a) == SOU_OK);
		REQUIRE("P13.6 moves", a.upto > q.after);
		CHECK_U64("P13.6 in order", a.entry_count, ==, a.upto - q.after);
		CHECK_U64("small", a.raw_bytes, <=, 4096);
		entries += a.entry_count;
		frames++;
		const struct sou_news news = {.scope = q.scope,
					      .after = q.after,
					      .upto = a.upto,
					      .flags = a.flags,
					      .raw_bytes = a.raw_bytes,
					      .data = sou_buf_span(&buf)};
		struct soud_taken taken;
		CHECK_INT("P11.6", take(hub, site, &news, &taken), ==, SOU_OK);
		CHECK_U64("P11.6", taken.fresh, ==, a.entry_count);
	}
	CHECK_U64("all", entries, ==, 200);
	CHECK("several", frames > 3);
	check_level("R10", hub, site, &site->org_scope);
	sou_buf_fini(&buf);
}

TEST(reader, entries_by_id)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *koto = world_site(w, "koto", SOU_ROLE_READER);
	struct sou_hash ids[5];
	struct sou_id entity;
	for (unsigned i = 0; i < 5; i++)
		ids[i] = node_item(site, &entity, "x");
	level(hub, site);
	struct sou_id wanted[2] = {sou_hash_half(&ids[1]), {{0}}};
	memset(wanted[1].b, 0xff, 16); /* not stored */
	if (sou_id_cmp(&wanted[0], &wanted[1]) > 0)
		wanted[1] = (struct sou_id){{0}};
	struct sou_buf body = {0}, buf = {0};
	struct sou_heads want;
	struct sou_view view;
	struct sou_news_answer a;
	sou_want_pack(&body, &site->org_scope, wanted, 2);
	REQUIRE("P11.2", sou_want_unpack(&want, sou_buf_span(&body)) == SOU_OK);
	soud_reader_view(hub->reader, &view);
	REQUIRE("P13.11", view.entries(view.ctx, &want.scope, &want.names, &buf, &a) == SOU_OK);
	CHECK_U64("P13.11 the one that is here", a.entry_count, ==, 1);
	const struct sou_news news = {.scope = want.scope,
				      .flags = a.flags | SOU_DATA_ANSWER,
				      .raw_bytes = a.raw_bytes,
				      .data = sou_buf_span(&buf)};
	struct soud_taken taken;
	CHECK_INT("P11.6", take(koto, hub, &news, &taken), ==, SOU_OK);
	CHECK_INT("P11.6", taken.fresh, ==, 1);
	CHECK_INT("P9.3", verdict_of(koto, &site->org_scope, &ids[1]), ==, SOU_HELD_NOT_WHOLE);

	/* From a replica that holds the signature of the run's end alone: with the headers up to
	 * it. */
	struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
				   .site = koto->site,
				   .roles = SOU_ROLE_READER,
				   .reach = SOU_REACH_SUBTREE,
				   .id = w->hq};
	struct node *other = world_site(w, "itabashi", SOU_ROLE_READER);
	world_op(w, &grant, 1, NULL);
	level(hub, koto);
	feed_authority(hub, other);
	soud_reader_view(koto->reader, &view);
	sou_buf_clear(&buf);
	wanted[0] = sou_hash_half(&ids[2]);
	sou_buf_clear(&body);
	sou_want_pack(&body, &site->org_scope, wanted, 1);
	REQUIRE("P11.2", sou_want_unpack(&want, sou_buf_span(&body)) == SOU_OK);
	REQUIRE("P13.11", view.entries(view.ctx, &want.scope, &want.names, &buf, &a) == SOU_OK);
	CHECK_U64("P11.10 up to a signature", a.entry_count, ==, 3);
	const struct sou_news more = {.scope = want.scope,
				      .flags = a.flags | SOU_DATA_ANSWER,
				      .raw_bytes = a.raw_bytes,
				      .data = sou_buf_span(&buf)};
	CHECK_INT("P11.6", take(other, koto, &more, &taken), ==, SOU_OK);
	CHECK_INT("P11.6", taken.fresh, ==, 3);

	const struct sou_signatures_want unsigned_ones = {site->org_scope, ids[2], ids[3]};
	CHECK_INT("P13.11 none of its own", view.signatures(view.ctx, &unsigned_ones, &buf), ==,
		  SOU_EUNKNOWN);

	/* Nothing of the scope, nothing asked for. */
	REQUIRE("P13.11", view.entries(view.ctx, &w->plan, &want.names, &buf, &a) == SOU_OK);
	CHECK_U64("P13.11 none", a.entry_count, ==, 0);
	const struct sou_signatures_want none = {w->plan, ids[0], ids[1]};
	CHECK_INT("P13.11 none", view.signatures(view.ctx, &none, &buf), ==, SOU_EUNKNOWN);
	sou_buf_fini(&body);
	sou_buf_fini(&buf);
}

TEST(reader, headers_from_a_position_on)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash ids[4];
	struct sou_id entity;
	struct sou_view view;
	struct sou_buf buf = {0};
	struct sou_news_answer a;
	for (unsigned i = 0; i < 4; i++)
		ids[i] = node_item(site, &entity, "x");
	soud_reader_view(site->reader, &view);
	static const struct {
		const char *name;
		uint64_t after;
		unsigned pin;
		size_t entries;
	} rows[] = {
		{"P13.5 from the start", 0, 2, 3},
		{"P13.5 above the position", 1, 3, 3},
		{"P13.5 the pin alone", 2, 2, 1},
		{"P13.5 covered", 3, 2, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sou_buf_clear(&buf);
		REQUIRE(rows[i].name, view.headers(view.ctx, &site->org_scope, rows[i].after,
						   &ids[rows[i].pin], &buf, &a) == SOU_OK);
		CHECK_U64(rows[i].name, a.entry_count, ==, rows[i].entries);
	}
	/* In a replica that has the signature of the last alone, that of the pin is another's. */
	struct sou_buf body = {0};
	struct sou_signatures_want want = {site->org_scope, ids[1], ids[3]};
	struct sou_signatures got;
	REQUIRE("P13.11", view.signatures(view.ctx, &want, &body) == SOU_OK);
	REQUIRE("P13.11", sou_signatures_unpack(&got, sou_buf_span(&body)) == SOU_OK);
	CHECK_INT("P13.11 between the two", got.count, ==, 3);
	want.first = w->genesis;
	sou_buf_clear(&body);
	CHECK_INT("P13.11 from what is not here", view.signatures(view.ctx, &want, &body), ==,
		  SOU_EUNKNOWN);
	want.first = ids[1];
	want.last = w->genesis;
	CHECK_INT("P13.11 to what is not here", view.signatures(view.ctx, &want, &body), ==,
		  SOU_EUNKNOWN);
	sou_buf_fini(&body);
	CHECK_INT("P13.5 not held",
		  view.headers(view.ctx, &site->org_scope, 0, &w->genesis, &buf, &a), ==, SOU_OK);
	CHECK_U64("P13.5 not held", a.entry_count, ==, 0);
	sou_buf_fini(&buf);
}

TEST(reader, digests_and_tops_follow_the_writer)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id entity;
	struct sou_view view;
	struct sou_digest d;
	struct sou_hash tops[4];
	soud_reader_view(hub->reader, &view);
	CHECK("P10.7 nothing yet", !view.digest(view.ctx, &hub->org_scope, &d));
	CHECK_U64("P10.7 nothing yet", view.tops(view.ctx, &hub->org_scope, tops, 4), ==, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct sou_hash id = node_item(hub, &entity, "x");
		struct sou_digest mine = digest_of(hub, &hub->org_scope);
		REQUIRE("P10.8", view.digest(view.ctx, &hub->org_scope, &d));
		CHECK_MEM("P10.7", d.entries.b, 32, mine.entries.b, 32);
		CHECK_MEM("P10.6", d.state.b, 32, mine.state.b, 32);
		CHECK_MEM("P10.8", d.authority.b, 32, mine.authority.b, 32);
		CHECK_U64("upto", d.upto, ==, i + 1);
		CHECK_U64("P10.7 one top", view.tops(view.ctx, &hub->org_scope, tops, 4), ==, 1);
		CHECK_MEM("P10.7", tops[0].b, 32, id.b, 32);
	}
}

static void set_project(struct world *w, const struct sou_hash *replaces, size_t replace_count,
			const struct sou_id *orgs, uint32_t count, struct sou_hash *id)
{
	struct sou_buf buf = {0};
	struct sou_id halves[2];
	for (size_t i = 0; i < replace_count; i++)
		halves[i] = sou_hash_half(&replaces[i]);
	sou_mp_put_array(&buf, count * 2);
	for (uint32_t i = 0; i < count; i++) {
		sou_mp_put_id(&buf, &orgs[i]);
		sou_mp_put_uint(&buf, 1);
	}
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_PROJECT,
					.field = SOU_FIELD_PROJECT_ORGANISATIONS,
					.entity = w->project,
					.value = sou_buf_span(&buf),
					.replaces = halves,
					.replace_count = (uint32_t)replace_count};
	const struct soud_act act = {.scope = w->plan, .for_org = w->hq, .ops = &op, .op_count = 1};
	node_begin(&w->hub);
	REQUIRE("plan", soud_replica_act(w->hub.replica, &act, 1, id, NULL) == SOU_OK);
	node_commit(&w->hub, NULL);
	sou_buf_fini(&buf);
}

/* P8.14: the responsible organisations read a project; in a conflict, those in every live value. */
TEST(reader, project_scopes_are_read_by_the_responsible)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER);
	struct node *b = world_site(w, "koto", SOU_ROLE_SUBMITTER);
	struct sou_hash one, two, three;
	const struct sou_id both[] = {a->org, b->org};
	struct {
		const char *name;
		bool a, b;
	} rows[] = {
		{"P8.14 no plan yet", false, false},
		{"P8.14 both", true, true},
		{"P8.14 in conflict: in every value", false, true},
		{"P8.14 resolved", true, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (i == 1)
			set_project(w, NULL, 0, both, 2, &one);
		if (i == 2)
			set_project(w, NULL, 0, &both[1], 1, &two);
		if (i == 3) {
			const struct sou_hash live[] = {one, two};
			set_project(w, live, 2, &both[0], 1, &three);
		}
		CHECK_INT(rows[i].name,
			  soud_reader_may_read(hub->reader, &a->site, &a->key.key_id,
					       &w->project_scope),
			  ==, rows[i].a);
		CHECK_INT(rows[i].name,
			  soud_reader_may_read(hub->reader, &b->site, &b->key.key_id,
					       &w->project_scope),
			  ==, rows[i].b);
		CHECK("P8.14 the hub reads all",
		      soud_reader_may_read(hub->reader, &hub->site, &hub->key.key_id,
					   &w->project_scope));
	}
	uint8_t kind = 0;
	struct sou_id entity;
	CHECK_INT("P3.2", soud_reader_scope(hub->reader, &w->project_scope, &kind, &entity), ==,
		  SOU_OK);
	CHECK("P3.2 project", kind == SOU_SCOPE_PROJECT && sou_id_eq(&entity, &w->project));
	CHECK_INT("P3.2", soud_reader_scope(hub->reader, &a->org_scope, &kind, &entity), ==,
		  SOU_OK);
	CHECK("P3.2 org", kind == SOU_SCOPE_ORG && sou_id_eq(&entity, &a->org));
	CHECK_INT("P3.2", soud_reader_scope(hub->reader, &w->plan, &kind, &entity), ==, SOU_OK);
	CHECK_INT("P3.2 plan", kind, ==, SOU_SCOPE_PLAN);
	CHECK_INT("P3.2", soud_reader_scope(hub->reader, &w->net, &kind, &entity), ==,
		  SOU_EUNKNOWN);
}

/* What is kept of chains grows with them: the first is found as the last is. */
TEST(reader, long_chains)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash first = {{0}};
	struct sou_id entity;
	struct sou_view view;
	struct sou_news_answer a;
	struct sou_buf body = {0}, buf = {0};
	struct sou_heads want;
	soud_reader_view(site->reader, &view);
	static const unsigned counts[] = {1, 250, 300, 700};
	unsigned made = 0;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		for (; made < counts[i]; made++) {
			struct sou_hash id = node_item(site, &entity, "x");
			first = made == 0 ? id : first;
		}
		struct sou_id version = sou_hash_half(&first);
		sou_buf_clear(&body);
		sou_buf_clear(&buf);
		sou_want_pack(&body, &site->org_scope, &version, 1);
		REQUIRE("P11.2", sou_want_unpack(&want, sou_buf_span(&body)) == SOU_OK);
		CHECK_INT("P13.11", view.entries(view.ctx, &want.scope, &want.names, &buf, &a), ==,
			  SOU_OK);
		CHECK_U64(test_printf("P13.11 the first of %u", made), a.entry_count, ==, 1);
	}
	sou_buf_fini(&body);
	sou_buf_fini(&buf);
}
