/* test_store.c - each function of store.h: small tables, log, records, digests, transactions and
 * readers (R6, R9, R10). Migration and damage are in test_damage.c. */
#include "proto/digest.h"
#include "tests/daemon/store/pen.h"

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static void begin(struct pen *p)
{
	REQUIRE(soud_store_error(p->s)->text, soud_store_begin(p->s) == SOU_OK);
}

static void commit(struct pen *p)
{
	REQUIRE(soud_store_error(p->s)->text, soud_store_commit(p->s) == SOU_OK);
}

static void put_small(struct pen *p)
{
	const struct sou_id site = {{1}}, key = {{2}}, log = {{3}}, other = {{4}};
	uint32_t n;
	uint64_t peer;
	begin(p);
	PEN_OK("meta", soud_store_meta_put(p->s, "name", text("value")));
	PEN_OK("meta", soud_store_meta_put(p->s, "name", text("other value")));
	PEN_OK("meta", soud_store_meta_put(p->s, "empty", text("")));
	PEN_OK("number", soud_store_number_put(p->s, "n", UINT64_MAX));
	for (uint8_t i = 1; i <= 3; i++) {
		struct soud_op op = {
			.id = {{i}}, .op = text("op"), .sigs = text("s"), .received_ms = i};
		PEN_OK("op", soud_store_op_append(p->s, &op));
		CHECK_U64("ops are numbered from 1", op.number, ==, i);
	}
	PEN_OK("scope", soud_store_scope_add(p->s, &other, &n));
	CHECK_INT("scopes are numbered on", n, ==, 2);
	PEN_OK("scope again", soud_store_scope_add(p->s, &other, &n));
	CHECK_INT("or found", n, ==, 2);
	PEN_OK("feed", soud_store_feed_add(p->s, 2, &site, &key));
	PEN_OK("feed", soud_store_feed_add(p->s, 1, &site, &other));
	PEN_OK("feed", soud_store_feed_add(p->s, 1, &site, &key));
	PEN_OK("feed again", soud_store_feed_add(p->s, 1, &site, &key));
	PEN_OK("peer", soud_store_peer_add(p->s, &site, &log, &peer));
	CHECK_U64("peers from 1", peer, ==, 1);
	PEN_OK("peer", soud_store_peer_add(p->s, &site, &other, &peer));
	CHECK_U64("each log is one", peer, ==, 2);
	PEN_OK("peer", soud_store_peer_add(p->s, &site, &log, &peer));
	CHECK_U64("or found", peer, ==, 1);
	struct soud_position at = {.have = 7, .acked = SOUD_ARRIVAL_MAX, .acked_ms = -5};
	PEN_OK("position", soud_store_position_put(p->s, 2, 0, &at));
	struct soud_draft draft = {.scope = other, .changed_ms = 5, .body = text("draft")};
	PEN_OK("draft", soud_store_draft_put(p->s, &draft));
	CHECK_U64("drafts from 1", draft.number, ==, 1);
	draft.body = text("changed");
	PEN_OK("draft", soud_store_draft_put(p->s, &draft));
	draft.number = 0;
	PEN_OK("draft", soud_store_draft_put(p->s, &draft));
	CHECK_U64("a new one", draft.number, ==, 2);
	PEN_OK("draft", soud_store_draft_end(p->s, 2));
	commit(p);
}

static void check_span(const char *name, struct sou_span got, const char *want)
{
	CHECK_MEM(name, got.p, got.n, want, strlen(want));
}

static void look_small(const char *name, struct soud_store *s)
{
	const struct sou_id site = {{1}}, key = {{2}}, log = {{3}}, other = {{4}}, none = {{9}};
	struct sou_span span = {NULL, 0};
	uint64_t n = 0;
	uint32_t scope = 0, scopes[4];
	size_t count = 0;
	PEN_OK(name, soud_store_meta_get(s, "name", &span));
	check_span(name, span, "other value");
	PEN_OK(name, soud_store_meta_get(s, "empty", &span));
	CHECK_INT(name, span.n, ==, 0);
	CHECK_INT(name, soud_store_meta_get(s, "none", &span), ==, SOU_EUNKNOWN);
	PEN_OK(name, soud_store_number_get(s, "n", &n));
	CHECK_U64(name, n, ==, UINT64_MAX);
	CHECK_INT(name, soud_store_number_get(s, "none", &n), ==, SOU_EUNKNOWN);

	struct soud_op op = {0};
	for (uint8_t i = 1; i <= 3; i++) {
		PEN_OK(name, soud_store_op_next(s, op.number, &op));
		CHECK_U64(name, op.number, ==, i);
		CHECK_INT(name, op.id.b[0], ==, i);
		CHECK_INT(name, op.received_ms, ==, i);
		check_span(name, op.op, "op");
		check_span(name, op.sigs, "s");
	}
	CHECK_INT(name, soud_store_op_next(s, op.number, &op), ==, SOU_EUNKNOWN);
	PEN_OK(name, soud_store_op_last(s, &n));
	CHECK_U64(name, n, ==, 3);

	PEN_OK(name, soud_store_scope_find(s, &other, &scope));
	CHECK_INT(name, scope, ==, 2);
	CHECK_INT(name, soud_store_scope_find(s, &none, &scope), ==, SOU_EUNKNOWN);
	struct sou_id id;
	PEN_OK(name, soud_store_scope_id(s, 2, &id));
	CHECK(name, sou_id_eq(&id, &other));
	CHECK_INT(name, soud_store_scope_id(s, 3, &id), ==, SOU_EUNKNOWN);
	PEN_OK(name, soud_store_scope_count(s, &scope));
	CHECK_INT(name, scope, ==, 2);
	PEN_OK(name, soud_store_scope_last(s, 2, &n));
	CHECK_U64(name, n, ==, 0);

	PEN_OK(name, soud_store_feed_scopes(s, &site, NULL, scopes, 4, &count));
	CHECK_INT(name, count, ==, 2);
	CHECK_INT(name, scopes[0] * 10 + scopes[1], ==, 12);
	PEN_OK(name, soud_store_feed_scopes(s, &site, &key, scopes, 1, &count));
	CHECK_INT(name, count, ==, 2);
	PEN_OK(name, soud_store_feed_scopes(s, &site, &other, scopes, 4, &count));
	CHECK_INT(name, count, ==, 1);
	PEN_OK(name, soud_store_feed_scopes(s, &none, NULL, scopes, 4, &count));
	CHECK_INT(name, count, ==, 0);

	struct soud_peer peer = {0};
	PEN_OK(name, soud_store_peer_find(s, &site, &other, &n));
	CHECK_U64(name, n, ==, 2);
	CHECK_INT(name, soud_store_peer_find(s, &log, &site, &n), ==, SOU_EUNKNOWN);
	PEN_OK(name, soud_store_peer_next(s, 0, &peer));
	CHECK(name, peer.number == 1 && sou_id_eq(&peer.site, &site) && sou_id_eq(&peer.log, &log));
	PEN_OK(name, soud_store_peer_next(s, 1, &peer));
	CHECK_INT(name, soud_store_peer_next(s, 2, &peer), ==, SOU_EUNKNOWN);
	struct soud_position at;
	PEN_OK(name, soud_store_position_get(s, 2, 0, &at));
	CHECK(name, at.have == 7 && at.acked == SOUD_ARRIVAL_MAX && at.acked_ms == -5);
	PEN_OK(name, soud_store_position_get(s, 2, 1, &at));
	CHECK(name, at.have == 0 && at.acked == 0 && at.acked_ms == 0);

	struct soud_draft draft = {0};
	PEN_OK(name, soud_store_draft_next(s, 0, &draft));
	CHECK(name, draft.number == 1 && draft.changed_ms == 5 && sou_id_eq(&draft.scope, &other));
	check_span(name, draft.body, "changed");
	CHECK_INT(name, soud_store_draft_next(s, 1, &draft), ==, SOU_EUNKNOWN);
}

TEST(store, small_tables)
{
	struct pen *p = pen_new();
	put_small(p);
	look_small("writer", p->s);
	struct soud_store *reader = pen_open(p, SOUD_STORE_READER);
	look_small("reader", reader);
	PEN_OK("begin", soud_store_begin(reader));
	look_small("reader in a transaction", reader);
	soud_store_free(reader);
	pen_reopen(p);
	look_small("reopened", p->s);
	PEN_OK("quick check", soud_store_check(p->s, false));
	PEN_OK("thorough check", soud_store_check(p->s, true));
	begin(p);
	struct soud_draft draft = {.scope = {{4}}};
	PEN_OK("draft", soud_store_draft_put(p->s, &draft));
	CHECK_U64("R12 the number of a draft is never given again", draft.number, ==, 3);
	soud_store_rollback(p->s);
}

TEST(store, log)
{
	struct pen *p = pen_new();
	struct pen_entry *e[3];
	begin(p);
	for (int i = 0; i < 3; i++) {
		e[i] = pen_text(p, i == 1, 1, "text", NULL);
		CHECK_U64("I2 arrivals", pen_take(p, e[i], false), ==, i + 1);
	}
	uint64_t last;
	struct soud_row row = {0};
	PEN_OK("last", soud_store_scope_last(p->s, p->scope, &last));
	CHECK_U64("I2 last, in the transaction", last, ==, 3);
	commit(p);
	for (int again = 0; again < 2; again++) {
		PEN_OK("last", soud_store_scope_last(p->s, p->scope, &last));
		CHECK_U64("I2 last", last, ==, 3);
		for (unsigned i = 0; i < 3; i++) {
			PEN_OK("next", soud_store_log_next(p->s, p->scope, i, &row));
			CHECK_U64("in order", row.arrival, ==, i + 1);
			CHECK("id", sou_hash_eq(&row.id, &e[i]->id));
			CHECK_MEM("header", row.header.p, row.header.n, e[i]->header.p,
				  e[i]->header.n);
			CHECK_MEM("payload", row.payload.p, row.payload.n, e[i]->payload.p,
				  e[i]->payload.n);
			CHECK_MEM("signature", row.sig.p, row.sig.n, e[i]->sig, sizeof e[i]->sig);
			CHECK_INT("verdict", row.verdict, ==,
				  i == 1 ? SOU_HELD_NO_RIGHT : SOU_ACCEPTED);
			CHECK_INT("shown", row.shown, ==, i != 1);
			CHECK("merged", row.sig_checked && !row.late && row.body == SOU_BODY_OK);
			CHECK_INT("received", row.received_ms, ==, 1001 + i);
		}
		CHECK_INT("end", soud_store_log_next(p->s, p->scope, 3, &row), ==, SOU_EUNKNOWN);
		CHECK_INT("none", soud_store_log_get(p->s, p->scope, 4, &row), ==, SOU_EUNKNOWN);
		CHECK_INT("of another scope", soud_store_log_next(p->s, p->scope + 1, 0, &row), ==,
			  SOU_EUNKNOWN);
		pen_reopen(p);
	}
	begin(p);
	PEN_OK("signature", soud_store_log_signature(p->s, p->scope, 2, text("x"), false));
	commit(p);
	PEN_OK("get", soud_store_log_get(p->s, p->scope, 2, &row));
	CHECK("signature", row.sig.n == 1 && !row.sig_checked && row.verdict == SOU_HELD_NO_RIGHT);
}

TEST(store, transactions)
{
	struct pen *p = pen_new();
	struct soud_store *reader = pen_open(p, SOUD_STORE_READER);
	struct sou_record r = {0};
	struct sou_id entity = pen_entity(1);
	uint64_t last, before, after;
	PEN_OK("version", soud_store_data_version(reader, &before));
	struct pen_entry *e = pen_text(p, 0, 1, "text", NULL);
	begin(p);
	CHECK("in transaction", soud_store_in_transaction(p->s));
	(void)pen_take(p, e, false);
	PEN_OK("last", soud_store_scope_last(reader, p->scope, &last));
	CHECK_U64("I1 nothing is seen before commit", last, ==, 0);
	CHECK_INT("I1 nothing is seen before commit",
		  soud_store_record(reader, p->scope, SOU_KIND_ITEM, &entity, &r), ==,
		  SOU_EUNKNOWN);
	PEN_OK("a view stands from begin on", soud_store_begin(reader));
	commit(p);
	PEN_OK("last", soud_store_scope_last(reader, p->scope, &last));
	CHECK_U64("a view is fixed", last, ==, 0);
	PEN_OK("ends", soud_store_commit(reader));
	PEN_OK("last", soud_store_scope_last(reader, p->scope, &last));
	CHECK_U64("I1 all is seen after commit", last, ==, 1);
	PEN_OK("record", soud_store_record(reader, p->scope, SOU_KIND_ITEM, &entity, &r));
	PEN_OK("version", soud_store_data_version(reader, &after));
	CHECK("another version", before != after);

	begin(p);
	(void)pen_take(p, pen_text(p, 0, 2, "gone", NULL), false);
	PEN_OK("meta", soud_store_meta_put(p->s, "gone", text("x")));
	soud_store_rollback(p->s);
	soud_store_rollback(p->s); /* fine without one */
	struct sou_span span;
	entity = pen_entity(2);
	CHECK_INT("rolled back", soud_store_meta_get(p->s, "gone", &span), ==, SOU_EUNKNOWN);
	CHECK_INT("rolled back", soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r), ==,
		  SOU_EUNKNOWN);
	pen_reopen(p);
	begin(p);
	CHECK_U64("I2 the arrival is given anew", pen_take(p, pen_text(p, 0, 3, "x", NULL), false),
		  ==, 2);
	commit(p);

	struct soud_store *second = pen_open(p, SOUD_STORE_WRITER);
	begin(p);
	CHECK_INT("one writer", soud_store_begin(second), ==, SOU_EBUSY);
	soud_store_rollback(p->s);
	PEN_OK("then the other", soud_store_begin(second));
	soud_store_free(second); /* rolls back */
	PEN_OK("checkpoint", soud_store_checkpoint(p->s, false));
	PEN_OK("checkpoint beside a reader", soud_store_checkpoint(p->s, true));
	begin(p);
	(void)pen_take(p, pen_text(p, 0, 3, "y", NULL), false);
	commit(p);
	REQUIRE("a view", soud_store_begin(reader) == SOU_OK);
	CHECK_INT("R20 a reader stands on the log", soud_store_checkpoint(p->s, true), ==,
		  SOU_EBUSY);
	soud_store_rollback(reader);
	REQUIRE("a view", soud_store_begin(reader) == SOU_OK);
	PEN_OK("R20 it looks at the file now", soud_store_checkpoint(p->s, true));
	soud_store_rollback(reader);
	size_t log_bytes = 1;
	(void)memvfs_bytes(p->vfs, "replica.db-wal", &log_bytes);
	CHECK_INT("R20 nothing stays in the log", log_bytes, ==, 0);
	PEN_OK("last", soud_store_scope_last(reader, p->scope, &last));
	CHECK_U64("kept", last, ==, 3);
	soud_store_free(reader);
	sou_record_fini(&r);
	soud_store_free(NULL);
}

TEST(store, merged_in_its_transaction)
{
	struct pen *p = pen_new();
	begin(p);
	pen_merge_nothing(p, pen_text(p, 0, 1, "x", NULL));
	CHECK_U64("fresh", soud_store_log_fresh(p->s, p->scope), ==, 1);
	CHECK_INT("I3 an entry that is not merged", soud_store_commit(p->s), ==, SOU_ESTATE);
	CHECK("rolled back", !soud_store_in_transaction(p->s) && !soud_store_broken(p->s));
	CHECK_U64("nothing fresh", soud_store_log_fresh(p->s, p->scope), ==, 0);

	pen_reopen(p);
	p->keys[0] = bed_open(&p->bed, "site a");
	struct pen_entry *e = pen_text(p, 0, 1, "x", NULL);
	begin(p);
	uint64_t at = pen_take(p, e, true);
	commit(p);
	begin(p);
	PEN_OK("payload", soud_store_log_payload(p->s, p->scope, at, e->payload, SOU_BODY_OK));
	struct soud_row row;
	PEN_OK("get", soud_store_log_get(p->s, p->scope, at, &row));
	CHECK("late", row.late);
	CHECK_INT("I3 a payload that is not merged", soud_store_commit(p->s), ==, SOU_ESTATE);
	begin(p);
	pen_payload(p, e, at);
	commit(p);
	PEN_OK("get", soud_store_log_get(p->s, p->scope, at, &row));
	CHECK("I3 merged", !row.late && row.shown && row.verdict == SOU_ACCEPTED);
}

static uint32_t trail_length(struct soud_store *s, const struct sou_record *r, uint64_t *newest)
{
	uint64_t place = r->trail, arrival;
	uint32_t n = 0;
	while (soud_store_trail_next(s, &place, &arrival) == SOU_OK)
		if (n++ == 0)
			*newest = arrival;
	return n;
}

/* Outside or inside a transaction: `in`. */
static void walk_records(struct pen *p, bool in)
{
	static const uint8_t with_register[] = {0, 9, 255}, with_trail[] = {0, 7, 9, 255};
	struct sou_record r = {0};
	struct sou_id at;
	size_t n = 0;
	int rc;
	if (in)
		begin(p);
	for (bool first = true;
	     (rc = soud_store_record_next(p->s, p->scope, !in ? SOU_KIND_ITEM : 0,
					  first ? NULL : &at, r.kind, &r)) == SOU_OK;
	     first = false) {
		at = r.entity;
		CHECK("by entity", n < 3 && at.b[0] == with_register[n]);
		n++;
	}
	CHECK_INT("end", rc, ==, SOU_EUNKNOWN);
	CHECK_INT("those with a register", n, ==, 3);
	n = 0;
	for (bool first = true; (rc = soud_store_record_each(p->s, p->scope, first ? NULL : &at,
							     r.kind, &r)) == SOU_OK;
	     first = false) {
		at = r.entity;
		CHECK("by entity", n < 4 && at.b[0] == with_trail[n]);
		n++;
	}
	CHECK_INT("end", rc, ==, SOU_EUNKNOWN);
	CHECK_INT("those with a trail", n, ==, 4);
	CHECK_INT("no such kind",
		  soud_store_record_next(p->s, p->scope, SOU_KIND_MARK, NULL, 0, &r), ==,
		  SOU_EUNKNOWN);
	if (in)
		soud_store_rollback(p->s);
	sou_record_fini(&r);
}

TEST(store, records)
{
	struct pen *p = pen_new();
	char longer[1200];
	memset(longer, 'v', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	begin(p);
	struct pen_entry *a = pen_text(p, 0, 0, "a", NULL), *b = pen_text(p, 0, 255, longer, NULL);
	struct pen_entry *held = pen_text(p, 1, 7, "held", NULL);
	struct pen_entry *c = pen_text(p, 0, 0, "c", NULL);
	struct pen_op gap = {.entity = 9, .field = 1, .text = "g", .missing = {{0xaa}}};
	struct pen_entry *g = pen_write(p, 0, &gap, 1);
	(void)pen_take(p, a, false);
	(void)pen_take(p, b, false);
	(void)pen_take(p, held, false);
	(void)pen_take(p, c, false);
	(void)pen_take(p, g, false);
	commit(p);
	struct sou_record r = {0};
	struct sou_id entity = pen_entity(0);
	PEN_OK("record", soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r));
	CHECK("P10.4", r.conflict && !r.incomplete && r.live_count == 2);
	CHECK("P10.3", sou_id_eq(&r.lives[0].version, &c->version));
	uint64_t newest = 0;
	CHECK_INT("trail", trail_length(p->s, &r, &newest), ==, 2);
	CHECK_U64("newest first", newest, ==, 4);

	for (int in = 0; in < 2; in++)
		walk_records(p, in == 1);
	PEN_OK("record", soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r));

	entity = pen_entity(255);
	struct sou_span value;
	PEN_OK("record", soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r));
	CHECK("a long value stays in its entry", r.lives[0].value.p == NULL);
	PEN_OK("value", soud_store_value(p->s, p->scope, &r.lives[0], &value));
	CHECK_MEM("value", value.p + 3, value.n - 3, longer, sizeof longer - 1);

	uint64_t place = 0;
	uint32_t scope = 0;
	PEN_OK("marked", soud_store_marked_next(p->s, &place, &scope, &r));
	CHECK("P10.4 marked", scope == p->scope && r.conflict && r.entity.b[0] == 0);
	PEN_OK("marked", soud_store_marked_next(p->s, &place, &scope, &r));
	CHECK("P10.2 marked", r.incomplete && r.entity.b[0] == 9);
	CHECK_INT("no more", soud_store_marked_next(p->s, &place, &scope, &r), ==, SOU_EUNKNOWN);

	uint16_t kind = 0;
	struct sou_id missing = {{0xaa}}, found = {{0}};
	uint64_t next = 0;
	PEN_OK("gap", soud_store_gap_next(p->s, p->scope, &missing, &next, &kind, &found));
	CHECK("gap", kind == SOU_KIND_ITEM && found.b[0] == 9);
	CHECK_INT("one gap", soud_store_gap_next(p->s, p->scope, &missing, &next, &kind, &found),
		  ==, SOU_EUNKNOWN);
	next = 0;
	CHECK_INT("of no other",
		  soud_store_gap_next(p->s, p->scope, &a->version, &next, &kind, &found), ==,
		  SOU_EUNKNOWN);
	sou_record_fini(&r);
}

TEST(store, gaps_are_filled)
{
	static const struct {
		const char *name;
		uint8_t entity;
		bool header_first, held;
	} rows[] = {{"P10.2 the version comes", 1, false, false},
		    {"P10.2 it writes another record", 2, false, false},
		    {"P10.2 its header alone fills nothing", 1, true, false},
		    {"P10.2 a held one fills too", 1, false, true}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pen *p = pen_new();
		struct sou_record r = {0};
		struct sou_id entity = pen_entity(1);
		struct pen_entry *late = pen_text(p, rows[i].held, rows[i].entity, "late", NULL);
		struct pen_entry *e = pen_text(p, 0, 1, "x", late);
		begin(p);
		if (!rows[i].held) { /* e stands on late: without it nothing is whole */
			uint64_t at = pen_take(p, late, true);
			(void)pen_take(p, e, false);
			PEN_OK("record",
			       soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r));
			CHECK_INT("P9.3 not shown", r.register_count, ==, 0);
			pen_payload(p, late, at);
		} else {
			(void)pen_take(p, e, false);
			PEN_OK("record",
			       soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r));
			CHECK(rows[i].name, r.incomplete);
			(void)pen_take(p, late, rows[i].header_first);
		}
		PEN_OK("record", soud_store_record(p->s, p->scope, SOU_KIND_ITEM, &entity, &r));
		CHECK(rows[i].name, !r.incomplete && r.live_count == 1);
		commit(p);
		sou_record_fini(&r);
		pen_close(p);
		memvfs_free(p->vfs);
		p->vfs = NULL;
	}
}

/* What a status shows, against a walk through the log. */
TEST(store, counts)
{
	struct pen *p = pen_new();
	struct soud_log_counts c;
	begin(p);
	(void)pen_take(p, pen_text(p, 0, 1, "a", NULL), false);
	(void)pen_take(p, pen_text(p, 1, 2, "held", NULL), false);
	uint64_t alone = pen_take(p, pen_text(p, 0, 3, "header alone", NULL), true);
	(void)pen_take(p, pen_text(p, 1, 4, "held too", NULL), false);
	commit(p);
	PEN_OK("counts", soud_store_log_counts(p->s, p->scope, 0, &c));
	CHECK("all", c.held == 3 && c.own == 4 && c.own_held == 3);
	PEN_OK("counts", soud_store_log_counts(p->s, p->scope, 2, &c));
	CHECK("above the second", c.held == 2 && c.own == 2 && c.own_held == 2);
	PEN_OK("counts", soud_store_log_counts(p->s, p->scope, 4, &c));
	CHECK("above the last", c.held == 0 && c.own == 0 && c.own_held == 0);
	PEN_OK("counts", soud_store_log_counts(p->s, p->scope + 1, 0, &c));
	CHECK("of another scope", c.held == 0 && c.own == 0);
	begin(p);
	bed_grant(&p->bed, "site b", SOU_ROLE_EDITOR);
	pen_rejudge(p, &alone, 0);
	commit(p);
	PEN_OK("counts", soud_store_log_counts(p->s, p->scope, 0, &c));
	CHECK("verdicts changed", c.held == 1 && c.own == 4 && c.own_held == 1);
}

/* R17: a peer names its log itself, and may name another each time. */
TEST(store, logs_of_a_peer_are_bounded)
{
	struct pen *p = pen_new();
	struct sou_id site = {{1}}, other = {{2}}, log = {{3}};
	struct soud_position at = {.have = 7}, got;
	struct soud_peer peer = {0};
	uint64_t first, second, number = 0, kept = 0;
	begin(p);
	PEN_OK("add", soud_store_peer_add(p->s, &site, &log, &first));
	PEN_OK("add", soud_store_peer_add(p->s, &other, &log, &second));
	PEN_OK("position", soud_store_position_put(p->s, first, p->scope, &at));
	PEN_OK("position", soud_store_position_put(p->s, second, p->scope, &at));
	for (uint8_t i = 1; i < SOUD_PEER_LOGS_MAX; i++) {
		log.b[1] = i;
		PEN_OK("add", soud_store_peer_add(p->s, &site, &log, &number));
	}
	PEN_OK("R17 as many", soud_store_position_get(p->s, first, p->scope, &got));
	CHECK_U64("R17 are kept", got.have, ==, 7);
	log.b[1] = 0xff;
	PEN_OK("R17 one more", soud_store_peer_add(p->s, &site, &log, &number));
	PEN_OK("position", soud_store_position_get(p->s, first, p->scope, &got));
	CHECK_U64("R17 the oldest went", got.have, ==, 0);
	PEN_OK("position", soud_store_position_get(p->s, second, p->scope, &got));
	CHECK_U64("another's stays", got.have, ==, 7);
	while (soud_store_peer_next(p->s, peer.number, &peer) == SOU_OK)
		kept++;
	CHECK_U64("R17 rows", kept, ==, SOUD_PEER_LOGS_MAX + 1);
	log = (struct sou_id){{3}};
	PEN_OK("it comes back", soud_store_peer_add(p->s, &site, &log, &number));
	CHECK("as another", number > first);
	commit(p);
}
