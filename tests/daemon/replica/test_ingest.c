/* Replicas fed by each other's news until their digests are equal; what is refused (R1, R2, R9,
 * R10, R17, P11). */
#include "proto/batch.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "world.h"

TEST(ingest, two_replicas_come_level)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER);
	struct sou_id entity, other;
	struct sou_hash id = node_item(site, &entity, "一 例");
	for (unsigned i = 0; i < 150; i++)
		(void)node_item(site, &other, "段落 例");
	id = node_edit(site, &site->org_scope, &entity, &id, 1, "二 例");
	level(hub, site);
	check_level("R10", hub, site, &site->org_scope);
	CHECK_INT("R9", verdict_of(hub, &site->org_scope, &id), ==, SOU_ACCEPTED);
	CHECK_U64("R9 nothing more moves", feed(site, hub) + feed(hub, site), ==, 0);

	node_close(hub);
	node_open(hub);
	check_level("R10 after a restart", hub, site, &site->org_scope);
	(void)node_edit(site, &site->org_scope, &entity, &id, 1, "三 例");
	level(hub, site);
	check_level("R10 and on", hub, site, &site->org_scope);
}

TEST(ingest, three_replicas_see_a_conflict_and_its_end)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *b = world_site(w, "itabashi", SOU_ROLE_READER);
	/* Two sites of one organisation: the second edits by a grant. */
	struct sou_effect grants[] = {
		{.type = SOU_EFFECT_GRANT,
		 .site = b->site,
		 .roles = SOU_ROLE_EDITOR,
		 .reach = SOU_REACH_SCOPE,
		 .id = a->org_scope},
	};
	world_op(w, grants, 1, NULL);
	b->org = a->org;
	b->org_scope = a->org_scope;
	struct sou_id entity;
	struct sou_hash base = node_item(a, &entity, "元 例");
	level(hub, a);
	level(hub, b);
	struct sou_hash x = node_edit(a, &a->org_scope, &entity, &base, 1, "甲 例");
	struct sou_hash y = node_edit(b, &a->org_scope, &entity, &base, 1, "乙 例");
	level(hub, a);
	level(hub, b);
	level(hub, a);
	struct node *all[] = {hub, a, b};
	const char *words[3];
	for (size_t i = 0; i < 3; i++) {
		bool conflict = false;
		CHECK_INT(all[i]->name,
			  live_of(all[i], &a->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words[i],
				  &conflict),
			  ==, 2);
		CHECK("R9 conflict", conflict);
		CHECK_STR("P10.3 the same first", words[i], words[0]);
		check_level("R10 conflict", hub, all[i], &a->org_scope);
	}
	const struct sou_hash both[] = {x, y};
	(void)node_edit(a, &a->org_scope, &entity, both, 2, "両方 例");
	level(hub, a);
	level(hub, b);
	for (size_t i = 0; i < 3; i++) {
		bool conflict = true;
		CHECK_INT(all[i]->name,
			  live_of(all[i], &a->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words[i],
				  &conflict),
			  ==, 1);
		CHECK("R9 resolved", !conflict);
		CHECK_STR("R9 resolved", words[i], "両方 例");
	}
}

TEST(ingest, repeats_and_gaps)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_buf buf = {0};
	for (unsigned i = 0; i < 3; i++)
		(void)node_item(site, &entity, "x");
	struct sou_news news = ask(site, hub, &site->org_scope, 0, &buf);
	struct soud_taken taken;
	CHECK_INT("P11.6", take(hub, site, &news, &taken), ==, SOU_OK);
	CHECK_INT("fresh", taken.fresh, ==, 3);
	CHECK_INT("R17 its own", taken.own_new, ==, 3);
	struct sou_digest d = digest_of(hub, &site->org_scope);
	CHECK_INT("repeat", take(hub, site, &news, &taken), ==, SOU_OK);
	CHECK_INT("repeat", taken.repeated, ==, 3);
	CHECK_INT("repeat", taken.fresh + taken.upgraded + taken.own_new, ==, 0);
	struct sou_digest again = digest_of(hub, &site->org_scope);
	CHECK_MEM("R9 the same", d.entries.b, 32, again.entries.b, 32);

	news.after = 4;
	news.upto = 5;
	CHECK_INT("P13.6 gap", take(hub, site, &news, &taken), ==, SOU_ESTATE);
	CHECK_INT("P13.6 gap", taken.bye, ==, SOU_BYE_ORDER);
	news.flags |= SOU_DATA_ANSWER;
	news.after = news.upto = 0;
	CHECK_INT("P11.6 an answer moves nothing", take(hub, site, &news, &taken), ==, SOU_OK);
	struct sou_view view;
	struct soud_from f = from_node(site);
	soud_reader_view(hub->reader, &view);
	CHECK_U64("P11.3", view.position(view.ctx, &f.site, &f.log, &site->org_scope), ==, 3);
	sou_buf_fini(&buf);
}

/* A machine that was put back, fence and all, wrote on at numbers that its hub had heard of: what
 * the hub takes for known is not what it has. */
TEST(ingest, a_feed_with_a_gap)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	struct soud_from f = from_node(site);
	(void)node_item(site, &entity, "一 例");
	level(hub, site);
	(void)node_item(site, &entity, "二 例");
	(void)node_item(site, &entity, "三 例");
	node_begin(hub);
	CHECK_INT("P13.8", soud_replica_passed(hub->replica, &f, &site->org_scope, 2), ==, SOU_OK);
	node_commit(hub, NULL);
	struct sou_news news = ask(site, hub, &site->org_scope, 2, &buf);
	CHECK_INT("P13.6", take(hub, site, &news, &taken), ==, SOU_OK);
	CHECK_INT("P13.6", taken.fresh, ==, 1);
	CHECK("P13.12 it follows what is not here", taken.gap);
	sou_buf_clear(&buf);
	news = ask(site, hub, &site->org_scope, 0, &buf);
	CHECK_INT("P13.7", take(hub, site, &news, &taken), ==, SOU_OK);
	CHECK_INT("P13.7", taken.fresh, ==, 1);
	CHECK("P13.12 no gap any more", !taken.gap);
	check_level("P13.12", hub, site, &site->org_scope);
	sou_buf_fini(&buf);
}

/* Every way to break a batch: an error, nothing stored, the replica as before and in order. */
TEST(ingest, broken_batches_leave_nothing)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	(void)node_item(site, &entity, "x");
	(void)node_item(site, &entity, "y");
	struct sou_news good = ask(site, hub, &site->org_scope, 0, &buf);
	CHECK_INT("plain", good.flags, ==, 0);
	for (size_t n = 0; n < buf.n; n++) {
		struct sou_news cut = good;
		struct test_bytes part = test_copy(buf.p, n);
		cut.data = (struct sou_span){part.b, n};
		cut.raw_bytes = n;
		int rc = take(hub, site, &cut, &taken);
		CHECK_INT("P11.8 truncated", rc, ==, SOU_EFORMAT);
		CHECK_INT("P11.8 truncated", taken.bye, ==, SOU_BYE_FORMAT);
	}
	for (size_t i = 0; i < buf.n; i++) {
		struct sou_news bad = good;
		struct test_bytes all = test_copy(buf.p, buf.n);
		all.b[i] ^= 0x40;
		bad.data = (struct sou_span){all.b, all.n};
		int rc = take(hub, site, &bad, &taken);
		/* No batch, or another hash under the same signature; under another site or key it
		 * waits for one that nobody has. */
		CHECK("P11 damaged", rc == SOU_EFORMAT || rc == SOU_ELIMIT || rc == SOU_ESIG ||
					     rc == SOU_ETOONEW || rc == SOU_OK);
		CHECK("R6 in order", !soud_replica_broken(hub->replica));
		CHECK("P11.12 told", rc == SOU_OK || taken.bye != 0 || taken.refuse != 0);
		const char *words;
		bool conflict;
		CHECK_INT("R1 nothing shows",
			  live_of(hub, &site->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words,
				  &conflict),
			  ==, 0);
	}
	struct sou_news bad = good;
	bad.raw_bytes++;
	CHECK_INT("P11.6 raw bytes", take(hub, site, &bad, &taken), ==, SOU_EFORMAT);
	bad = good;
	bad.flags = SOU_DATA_ZSTD;
	CHECK("P11.6 no zstd frame", take(hub, site, &bad, &taken) != SOU_OK);
	bad = good;
	bad.upto = 0;
	bad.after = 1;
	CHECK_INT("P11.6 backwards", take(hub, site, &bad, &taken), ==, SOU_EFORMAT);
	bad = good;
	bad.upto = SOU_ARRIVAL_MAX + 1;
	CHECK_INT("P11.6 past the last arrival", take(hub, site, &bad, &taken), ==, SOU_EFORMAT);
	bad = good;
	bad.scope = sou_scope_id(SOU_SCOPE_AUTHORITY, NULL);
	CHECK_INT("P11.6 scope authority", take(hub, site, &bad, &taken), ==, SOU_EFORMAT);
	CHECK_INT("the good one", take(hub, site, &good, &taken), ==, SOU_OK);
	const char *words = "";
	bool conflict;
	CHECK_INT("and it shows",
		  live_of(hub, &site->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words, &conflict),
		  ==, 1);
	CHECK_STR("and it shows", words, "y");
	sou_buf_fini(&buf);
}

TEST(ingest, bad_signature_is_refused_whole)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	(void)node_item(site, &entity, "x");
	struct sou_news news = ask(site, hub, &site->org_scope, 0, &buf);
	buf.p[buf.n - 1] ^= 1; /* the signature is the last member */
	CHECK_INT("P11.11", take(hub, site, &news, &taken), ==, SOU_ESIG);
	CHECK_INT("P11.11 code", taken.refuse, ==, SOU_REFUSE_SIGNATURE);
	CHECK_INT("P11.11 counted", taken.bad_signatures, ==, 1);
	CHECK("P11.12 which", taken.has_entry);
	CHECK_U64("P11.11 nothing", last_of(hub, &site->org_scope), ==, 0);
	sou_buf_fini(&buf);
}

/* P11.10: of a run whose last bears no signature nobody could say who wrote it, and it would be
 * kept as held, of any site and without end. */
TEST(ingest, run_without_signature_is_not_in_form)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_buf buf = {0};
	struct soud_taken taken = {0};
	(void)node_item(site, &entity, "x");
	struct sou_news news = ask(site, hub, &site->org_scope, 0, &buf);
	REQUIRE("plain", (news.flags & SOU_DATA_ZSTD) == 0 && buf.n > 66);
	size_t at = 0; /* [m, d, p, head, signature] with m = 4 + 8, the signature last */
	while (at + 1 < buf.n && !(buf.p[at] == 0x95 && buf.p[at + 1] == 12))
		at++;
	REQUIRE("entry", at + 1 < buf.n && buf.p[buf.n - 66] == 0xc4 && buf.p[buf.n - 65] == 64);
	buf.p[at] = 0x94;
	buf.p[at + 1] = 4;
	news.data.n -= 66;
	news.raw_bytes -= 66;
	CHECK_INT("P11.10", take(hub, site, &news, &taken), ==, SOU_EFORMAT);
	CHECK_INT("P11.10", taken.bye, ==, SOU_BYE_FORMAT);
	CHECK_U64("nothing is stored", last_of(hub, &site->org_scope), ==, 0);
	sou_buf_fini(&buf);
}

TEST(ingest, without_right_ever)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR | SOU_ROLE_READER);
	/* b writes in a's scope by a grant that the hub takes away before it hears of it: b signs
	 * on a branch of authority that is only its own. */
	struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
				   .site = b->site,
				   .roles = SOU_ROLE_EDITOR,
				   .reach = SOU_REACH_SCOPE,
				   .id = a->org_scope};
	struct sou_hash op;
	world_op(w, &grant, 1, &op);
	feed_authority(hub, b);
	struct sou_id mine = b->org, entity = {{8}};
	b->org = a->org;
	struct sou_hash id = node_edit(b, &a->org_scope, &entity, NULL, 0, "x");
	b->org = mine;

	struct world *other = w; /* the hub of a net that never gave the grant */
	(void)other;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	struct sou_news news = ask(b, hub, &a->org_scope, 0, &buf);
	CHECK_INT("R1 with the right", take(hub, b, &news, &taken), ==, SOU_OK);
	CHECK_INT("R1 with the right", verdict_of(hub, &a->org_scope, &id), ==, SOU_ACCEPTED);

	/* In b's own log, a scope where it has none: only the bytes can say so. */
	struct node *c = world_site(w, "koto", SOU_ROLE_READER);
	struct sou_news foreign = ask(b, c, &a->org_scope, 0, &buf);
	feed_authority(hub, c);
	CHECK_INT("R1 relayed by its author to a third", take(c, b, &foreign, &taken), ==, SOU_OK);
	sou_buf_fini(&buf);
}

/* An entry of `n` that its own replica would never sign: made by hand under its key. */
static void forge(struct node *n, const struct sou_id *scope, const struct sou_hash *opening,
		  const struct sou_id *for_org, uint64_t seq, const struct sou_hash *prev,
		  struct sou_batch *batch, struct sou_hash *id)
{
	struct sou_buf value = {0}, header = {0}, payload = {0};
	struct sou_entry entry = {0};
	uint8_t signature[64];
	sou_mp_put_str(&value, "x", 1);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_ITEM,
					.field = SOU_FIELD_ITEM_TEXT,
					.entity = {{(uint8_t)seq, (uint8_t)(seq >> 8)}},
					.value = sou_buf_span(&value)};
	struct sou_draft draft = {.header = {.net = soud_replica_identity(n->replica)->net,
					     .site = n->site,
					     .scope = *scope,
					     .epoch = sou_hash_half(opening),
					     .seq = seq,
					     .prev = seq == 1 ? *opening : *prev,
					     .hlc = ((uint64_t)WORLD_START_MS << 16) + seq},
				  .salt = {1},
				  .for_org = *for_org,
				  .by = text("例"),
				  .ops = &op,
				  .op_count = 1};
	REQUIRE("forged",
		sou_entry_make(&entry, &draft, &n->key, &header, &payload, signature) == SOU_OK);
	*id = entry.facts.id;
	const struct sou_batch_item item = {.header = sou_buf_span(&header),
					    .payload = sou_buf_span(&payload),
					    .signature = signature,
					    .keep_signature = true,
					    .id = *id};
	REQUIRE("forged", sou_batch_add(batch, &item) == SOU_OK);
	sou_entry_fini(&entry);
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
}

static struct sou_hash opening_of(struct node *n, struct node *by)
{
	const struct sou_line *line =
		sou_authority_key(soud_replica_authority(by->replica), &n->site, &n->key.key_id);
	REQUIRE(n->name, line != NULL);
	return line->opening;
}

static struct sou_news end_batch(struct sou_batch *batch, const struct sou_id *scope,
				 uint64_t after, struct sou_buf *buf)
{
	struct sou_batch_sent sent;
	sou_buf_clear(buf);
	REQUIRE("packed", sou_batch_end(batch, buf, &sent) == SOU_OK);
	return (struct sou_news){.scope = *scope,
				 .after = after,
				 .upto = after + sent.entries,
				 .flags = sent.is_zstd ? SOU_DATA_ZSTD : 0,
				 .raw_bytes = sent.raw_bytes,
				 .data = sou_buf_span(buf)};
}

TEST(ingest, forged_feed_without_right_is_not_stored)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR | SOU_ROLE_READER);
	struct sou_hash opening = opening_of(b, hub), id;
	struct sou_batch *batch = NULL;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	forge(b, &a->org_scope, &opening, &a->org, 1, NULL, batch, &id);
	struct sou_news news = end_batch(batch, &a->org_scope, 0, &buf);
	CHECK_INT("R17 never a right", take(hub, b, &news, &taken), ==, SOU_ERIGHT);
	CHECK_INT("P11.12 code", taken.refuse, ==, SOU_REFUSE_NEVER_RIGHT);
	CHECK_STR("P11.12 clause", taken.clause, "P11.12");
	CHECK_MEM("P11.12 entry", taken.entry.b, 32, id.b, 32);
	CHECK_U64("R17 not stored", last_of(hub, &a->org_scope), ==, 0);
	struct sou_view view;
	struct soud_from f = from_node(b);
	soud_reader_view(hub->reader, &view);
	CHECK_U64("R17 position not moved", view.position(view.ctx, &f.site, &f.log, &a->org_scope),
		  ==, 0);
	/* Brought by another it is kept and held: a refusal would stop that other's scope. */
	CHECK_INT("P11.12 relayed", take(hub, a, &news, &taken), ==, SOU_OK);
	CHECK_INT("P9.7 held", verdict_of(hub, &a->org_scope, &id), ==, SOU_HELD_NO_RIGHT);
	sou_batch_free(batch);
	sou_buf_fini(&buf);
}

/* R17 at 10,000, one past it. The entries are not whole: the first of the chain never comes. */
TEST(ingest, held_entries_of_a_feed_are_bounded)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct sou_hash opening = opening_of(b, hub), id, prev = {{3}};
	struct sou_batch *batch = NULL;
	struct sou_buf buf = {0};
	struct soud_taken taken = {0};
	uint64_t after = 0;
	hub->options.every_signature = false; /* the run's end is enough for this */
	node_close(hub);
	node_open(hub);
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	for (uint64_t seq = 2; seq < 2 + SOU_FEED_HELD_MAX;) {
		sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
		for (unsigned i = 0; i < 1000; i++, seq++) {
			forge(b, &b->org_scope, &opening, &b->org, seq, &prev, batch, &id);
			prev = id;
		}
		struct sou_news news = end_batch(batch, &b->org_scope, after, &buf);
		REQUIRE("R17 up to it", take(hub, b, &news, &taken) == SOU_OK);
		CHECK_INT("P9.3", verdict_of(hub, &b->org_scope, &id), ==, SOU_HELD_NOT_WHOLE);
		after = news.upto;
		if (seq == 5002) { /* the count outlives a restart */
			node_close(hub);
			node_open(hub);
		}
	}
	CHECK_U64("R17 10,000", last_of(hub, &b->org_scope), ==, SOU_FEED_HELD_MAX);
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	forge(b, &b->org_scope, &opening, &b->org, 2 + SOU_FEED_HELD_MAX, &prev, batch, &id);
	struct sou_news news = end_batch(batch, &b->org_scope, after, &buf);
	CHECK_INT("R17 one past", take(hub, b, &news, &taken), ==, SOU_ELIMIT);
	CHECK_INT("P11.12 full", taken.refuse, ==, SOU_REFUSE_FULL);
	CHECK_U64("R17 not stored", last_of(hub, &b->org_scope), ==, SOU_FEED_HELD_MAX);
	sou_batch_free(batch);
	sou_buf_fini(&buf);
}

/* Entries under a key that nobody has enrolled here, whoever brings them. */
TEST(ingest, entries_of_strangers_are_bounded)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *late = world_site(w, "koto", SOU_ROLE_READER); /* knows authority up to here */
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct sou_hash opening = opening_of(b, hub), id, prev = {{3}};
	struct sou_batch *batch = NULL;
	struct sou_buf buf = {0};
	struct soud_taken taken = {0};
	uint64_t after = 0, seq = 2;
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	while (seq < 2 + SOU_FEED_HELD_MAX) {
		sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
		for (unsigned i = 0; i < 1000; i++, seq++) {
			forge(b, &b->org_scope, &opening, &b->org, seq, &prev, batch, &id);
			prev = id;
		}
		struct sou_news news = end_batch(batch, &b->org_scope, after, &buf);
		REQUIRE("R17 up to it", take(late, hub, &news, &taken) == SOU_OK);
		after = news.upto;
	}
	CHECK_U64("R17 10,000", last_of(late, &b->org_scope), ==, SOU_FEED_HELD_MAX);
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	forge(b, &b->org_scope, &opening, &b->org, seq, &prev, batch, &id);
	struct sou_news news = end_batch(batch, &b->org_scope, after, &buf);
	CHECK_INT("R17 one past", take(late, hub, &news, &taken), ==, SOU_ELIMIT);
	CHECK_INT("P11.12 full", taken.refuse, ==, SOU_REFUSE_FULL);
	CHECK_U64("R17 not stored", last_of(late, &b->org_scope), ==, SOU_FEED_HELD_MAX);
	feed_authority(hub, late);
	CHECK_INT("P11.12 asked again when authority changes", take(late, hub, &news, &taken), ==,
		  SOU_OK);
	sou_batch_free(batch);
	sou_buf_fini(&buf);
}

/* R2, P11.10: a site checks the ends of runs, and signatures are fetched after. */
TEST(ingest, signatures_left_out_and_fetched)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *reader = world_site(w, "koto", SOU_ROLE_READER);
	struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
				   .site = reader->site,
				   .roles = SOU_ROLE_READER,
				   .reach = SOU_REACH_SUBTREE,
				   .id = w->hq};
	struct sou_hash ids[6];
	struct sou_id entity;
	world_op(w, &grant, 1, NULL);
	for (unsigned i = 0; i < 6; i++)
		ids[i] = node_item(site, &entity, "x");
	level(hub, site);
	level(hub, reader);
	check_level("R2 authentic by the last", hub, reader, &site->org_scope);
	struct sou_scope *engine;
	struct sou_scope_entry e;
	REQUIRE("engine",
		soud_replica_engine(reader->replica, &site->org_scope, &engine) == SOU_OK);
	CHECK("P11.10 left out", sou_scope_get(engine, &ids[2], &e) == SOU_OK && !e.sig_checked);
	CHECK("P11.10 the last", sou_scope_get(engine, &ids[5], &e) == SOU_OK && e.sig_checked);

	struct sou_view view;
	struct sou_buf body = {0};
	const struct sou_signatures_want want = {site->org_scope, ids[0], ids[5]};
	soud_reader_view(hub->reader, &view);
	REQUIRE("P13.11", view.signatures(view.ctx, &want, &body) == SOU_OK);
	struct sou_signatures got;
	struct soud_taken taken;
	struct soud_from f = from_node(hub);
	for (unsigned bad = 2; bad-- > 0;) {
		if (bad)
			body.p[body.n - 1] ^= 1;
		REQUIRE("P11.2", sou_signatures_unpack(&got, sou_buf_span(&body)) == SOU_OK);
		node_begin(reader);
		CHECK_INT("P11.11", soud_replica_signatures(reader->replica, &f, &got, &taken), ==,
			  bad ? (got.count == 6 ? SOU_OK : SOU_ESIG) : SOU_OK);
		node_commit(reader, NULL);
		if (bad)
			body.p[body.n - 1] ^= 1;
	}
	REQUIRE("engine",
		soud_replica_engine(reader->replica, &site->org_scope, &engine) == SOU_OK);
	for (unsigned i = 0; i < 6; i++)
		CHECK("P11.11 now checked",
		      sou_scope_get(engine, &ids[i], &e) == SOU_OK && e.sig_checked);
	check_level("R2", hub, reader, &site->org_scope);
	sou_buf_fini(&body);
}

/* The chain of an entry as a headers frame, in front of all ops that `ops` knows. */
static void series_with_headers(struct node *from, struct node *ops, const struct sou_id *scope,
				const struct sou_hash *entry, struct sou_buf *series)
{
	struct sou_view view;
	struct sou_buf data = {0}, body = {0};
	struct sou_news_answer a;
	soud_reader_view(from->reader, &view);
	REQUIRE("P13.5", view.headers(view.ctx, scope, 0, entry, &data, &a) == SOU_OK);
	CHECK_U64("P13.5 both", a.entry_count, ==, 2);
	const struct sou_news headers = {.scope = *scope,
					 .flags = a.flags,
					 .raw_bytes = a.raw_bytes,
					 .data = sou_buf_span(&data)};
	sou_headers_pack(&body, &headers);
	sou_buf_put_u8(series, SOU_FRAME_HEADERS);
	sou_buf_put_u32be(series, (uint32_t)body.n);
	sou_buf_put(series, body.p, body.n);
	pack_series(ops, series);
	sou_buf_fini(&data);
	sou_buf_fini(&body);
}

static void take_series(struct node *to, struct node *from, struct sou_buf *series)
{
	struct soud_taken taken;
	struct soud_from f = from_node(from);
	node_begin(to);
	CHECK_INT("P13.5", soud_replica_series(to->replica, &f, sou_buf_span(series), &taken), ==,
		  SOU_OK);
	node_commit(to, NULL);
	sou_buf_clear(series);
}

/* An op that names the entry; it has no other effect. */
static void name_entry(struct world *w, struct node *site, const struct sou_hash *entry)
{
	const struct sou_pins pins = {.scope = site->org_scope, .count = 1};
	const struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
					 .site = site->site,
					 .roles = SOU_ROLE_READER,
					 .reach = SOU_REACH_SCOPE,
					 .id = site->org_scope,
					 .pins = &pins,
					 .pin_count = 1,
					 .ids = entry,
					 .id_count = 1};
	world_op(w, &grant, 1, NULL);
}

/* A header first, then its payload: wanted by id (P13.11, R9 incomplete). */
TEST(ingest, header_first_payload_later)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_hash one = node_item(site, &entity, "一 例");
	struct sou_hash two = node_edit(site, &site->org_scope, &entity, &one, 1, "二 例");
	struct sou_buf series = {0};
	name_entry(w, site, &two);
	series_with_headers(site, hub, &site->org_scope, &two, &series);
	take_series(hub, site, &series);
	CHECK_INT("P9.3 not whole", verdict_of(hub, &site->org_scope, &two), ==,
		  SOU_HELD_NOT_WHOLE);
	level(hub, site);
	CHECK_INT("P9.3 whole", verdict_of(hub, &site->org_scope, &two), ==, SOU_ACCEPTED);
	check_level("R10", hub, site, &site->org_scope);
	const char *words = "";
	bool conflict;
	CHECK_INT("R9",
		  live_of(hub, &site->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words, &conflict),
		  ==, 1);
	CHECK_STR("R9", words, "二 例");
	sou_buf_fini(&series);
}

/* R17: headers know no limit of a feed, so a peer may leave only those here that an op speaks of.
 */
TEST(ingest, headers_that_no_op_speaks_of_are_passed_over)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_hash one = node_item(site, &entity, "一 例");
	struct sou_hash two = node_edit(site, &site->org_scope, &entity, &one, 1, "二 例");
	struct sou_buf series = {0};
	uint32_t before, after;
	REQUIRE("scopes",
		soud_store_scope_count(soud_replica_store(hub->replica), &before) == SOU_OK);
	series_with_headers(site, hub, &site->org_scope, &two, &series);
	take_series(hub, site, &series);
	REQUIRE("scopes",
		soud_store_scope_count(soud_replica_store(hub->replica), &after) == SOU_OK);
	CHECK_INT("P13.5 nothing is stored", after, ==, before);
	name_entry(w, site, &one); /* not the end of what is sent */
	series_with_headers(site, hub, &site->org_scope, &two, &series);
	take_series(hub, site, &series);
	CHECK_INT("P13.5 nothing is stored", verdict_of(hub, &site->org_scope, &two), ==,
		  SOU_VERDICT_NONE);
	level(hub, site);
	check_level("R10 it comes as news", hub, site, &site->org_scope);
	sou_buf_fini(&series);
}

TEST(ingest, engines_are_unloaded_within_the_budget)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *sites[3];
	static const char *const names[] = {"tvac", "koto", "itabashi"};
	hub->options.engine_bytes_max = 1;
	node_close(hub);
	node_open(hub);
	struct sou_id entity;
	for (size_t i = 0; i < 3; i++) {
		sites[i] = world_site(w, names[i], SOU_ROLE_EDITOR);
		(void)node_item(sites[i], &entity, "x");
		(void)node_item(sites[i], &entity, "y");
		level(hub, sites[i]);
	}
	CHECK_U64("R24 nothing is kept", soud_replica_engine_bytes(hub->replica), ==, 0);
	for (size_t i = 0; i < 3; i++) {
		(void)node_item(sites[i], &entity, "z");
		level(hub, sites[i]);
		check_level("R24 loaded anew", hub, sites[i], &sites[i]->org_scope);
	}
}

TEST(ingest, acks_and_positions)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct soud_delivery d;
	(void)node_item(site, &entity, "x");
	struct soud_from f = from_node(hub);
	struct sou_ack ack = {site->org_scope, 1, 77};
	static const struct {
		const char *name;
		uint64_t upto;
		int rc;
		uint64_t acked;
	} rows[] = {
		{"P11.7 one past", 2, SOU_ESTATE, 0},
		{"P11.7 far past", UINT64_MAX, SOU_ESTATE, 0},
		{"P11.7 it", 1, SOU_OK, 1},
		{"P11.7 backwards", 0, SOU_OK, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ack.upto = rows[i].upto;
		node_begin(site);
		CHECK_INT(rows[i].name, soud_replica_acked(site->replica, &f, &ack), ==,
			  rows[i].rc);
		node_commit(site, NULL);
		REQUIRE(rows[i].name,
			soud_reader_delivery(site->reader, &site->org_scope, &d) == SOU_OK);
		CHECK_U64(rows[i].name, d.acked, ==, rows[i].acked);
		CHECK_INT(rows[i].name, d.acked_ms, ==, rows[i].acked == 0 ? 0 : 77);
	}
	ack.scope = w->plan;
	node_begin(site);
	CHECK_INT("P11.7 what is not here", soud_replica_acked(site->replica, &f, &ack), ==,
		  SOU_EUNKNOWN);
	CHECK_INT("P11.3 passed", soud_replica_passed(site->replica, &f, &w->plan, 5), ==, SOU_OK);
	CHECK_INT("P11.3 past the last",
		  soud_replica_passed(site->replica, &f, &w->plan, SOU_ARRIVAL_MAX + 1), ==,
		  SOU_EFORMAT);
	struct sou_id before = soud_replica_identity(site->replica)->log;
	CHECK_INT("P13.8", soud_replica_new_log(site->replica), ==, SOU_OK);
	node_commit(site, NULL);
	CHECK("P13.8 another log", !sou_id_eq(&before, &soud_replica_identity(site->replica)->log));
	struct sou_view view;
	soud_reader_view(site->reader, &view);
	CHECK_U64("P11.3 passed", view.position(view.ctx, &f.site, &f.log, &w->plan), ==, 5);
	struct sou_id log;
	CHECK("P13.7 met", view.peer_log(view.ctx, &f.site, &log) && sou_id_eq(&log, &f.log));
	CHECK("P13.7 never met", !view.peer_log(view.ctx, &w->plan, &log));
}

/* What a transaction that was rolled back had learnt of organisations is learnt again. */
TEST(ingest, strangers_are_noted_after_a_rollback)
{
	struct world *w = world_new();
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *b = world_stranger(w, "itabashi", SOU_ROLE_READER);
	struct sou_id entity;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	uint64_t noted = 0;
	(void)node_item(a, &entity, "x");
	struct sou_news news = ask(a, b, &a->org_scope, 0, &buf);
	struct soud_from from = from_node(&w->hub);
	node_begin(b);
	CHECK_INT("taken", soud_replica_news(b->replica, &from, &news, &taken), ==, SOU_OK);
	soud_replica_rollback(b->replica);
	CHECK_INT("taken again", take(b, &w->hub, &news, &taken), ==, SOU_OK);
	CHECK_INT("fresh", taken.fresh, ==, 1);
	CHECK_INT("R7 noted",
		  soud_store_number_get(soud_replica_store(b->replica), "strangers", &noted), ==,
		  SOU_OK);
	CHECK_U64("R7 noted", noted, ==, 1);
	sou_buf_fini(&buf);
}

/* A scope that a transaction added, and another one looked up, is gone with the transaction: its
 * number goes to the next one. */
TEST(ingest, numbers_of_scopes_go_with_a_rollback)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_buf buf = {0};
	struct soud_taken taken;
	(void)node_item(a, &entity, "x");
	(void)node_item(b, &entity, "y");
	struct soud_from from = from_node(a);
	node_begin(hub);
	CHECK_INT("P13.12 passed", soud_replica_passed(hub->replica, &from, &a->org_scope, 7), ==,
		  SOU_OK);
	struct sou_scope *engine;
	CHECK_INT("looked up", soud_replica_engine(hub->replica, &a->org_scope, &engine), ==,
		  SOU_OK);
	soud_replica_rollback(hub->replica);
	struct sou_news news = ask(b, hub, &b->org_scope, 0, &buf);
	CHECK_INT("taken", take(hub, b, &news, &taken), ==, SOU_OK);
	sou_buf_clear(&buf);
	news = ask(a, hub, &a->org_scope, 0, &buf);
	CHECK_INT("taken", take(hub, a, &news, &taken), ==, SOU_OK);
	feed_authority(hub, a);
	check_level("R10", hub, a, &a->org_scope);
	check_level("R10", hub, b, &b->org_scope);
	sou_buf_fini(&buf);
}

/* R17: what a peer says to have passed makes no more scopes than a hello can list. */
TEST(ingest, passed_scopes_are_bounded)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct soud_from from = from_node(site);
	struct soud_store *s = soud_replica_store(hub->replica);
	uint32_t scopes = 0;
	int wrong = 0;
	node_begin(hub);
	for (uint32_t i = 0; i < SOU_SESSION_SCOPES_MAX + 10; i++) {
		struct sou_id scope = {{0x5c, (uint8_t)(i >> 8), (uint8_t)i, 1}};
		wrong += soud_replica_passed(hub->replica, &from, &scope, 7) != SOU_OK;
	}
	CHECK_INT("P13.12 passed", wrong, ==, 0);
	REQUIRE("count", soud_store_scope_count(s, &scopes) == SOU_OK);
	CHECK_INT("R17 as many as fit", scopes, ==, SOU_SESSION_SCOPES_MAX);
	soud_replica_rollback(hub->replica);
}
