/* scrub: damage is found beside the running replica, listed, served to nobody, and repaired by
 * entry id from who has it (R22, B14). */
#include "daemon/replica/scrub.h"

#include <sqlite3.h>
#include <stdio.h>

#include "proto/limits.h"
#include "world.h"

static const int64_t second = (INT64_C(1) << 40) + 2; /* scope 1, arrival 2 */

/* One bit of a blob, behind the store's back; from the end where `at` is negative. */
static void flip(const char *path, const char *table, const char *column, int64_t row, int at)
{
	sqlite3 *db = NULL;
	sqlite3_blob *blob = NULL;
	uint8_t byte;
	REQUIRE(table, sqlite3_open(path, &db) == SQLITE_OK);
	REQUIRE(table, sqlite3_blob_open(db, "main", table, column, row, 1, &blob) == SQLITE_OK);
	if (at < 0)
		at += sqlite3_blob_bytes(blob);
	REQUIRE(table, sqlite3_blob_read(blob, &byte, 1, at) == SQLITE_OK);
	byte ^= 1;
	REQUIRE(table, sqlite3_blob_write(blob, &byte, 1, at) == SQLITE_OK);
	REQUIRE(table, sqlite3_blob_close(blob) == SQLITE_OK);
	REQUIRE(table, sqlite3_close(db) == SQLITE_OK);
}

static void run(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	REQUIRE(sql, sqlite3_open(path, &db) == SQLITE_OK);
	CHECK_INT(sql, sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	CHECK_INT(sql, sqlite3_changes(db), ==, 1);
	REQUIRE(sql, sqlite3_close(db) == SQLITE_OK);
}

static void free_scrub(void *s)
{
	soud_scrub_free(s);
}

/* To the end; *steps tells in how many parts. */
static struct soud_scrubbed *scrub(struct node *n, unsigned *steps)
{
	struct soud_scrub *s = NULL;
	struct sou_err err = {0};
	bool done = false;
	int rc = soud_scrub_new(&s, n->path, NULL, n->env.verifier, 99, &err);
	CHECK_STR("scrub", err.text, "");
	REQUIRE("scrub", rc == SOU_OK);
	test_at_end(free_scrub, s);
	for (*steps = 0; !done && *steps < 1000; ++*steps)
		REQUIRE("R22 a step", soud_scrub_step(s, &done) == SOU_OK);
	return soud_scrub_result(s);
}

static void note(struct node *n, const struct soud_scrubbed *found)
{
	node_begin(n);
	int rc = soud_replica_scrubbed(n->replica, found);
	CHECK_STR("noted", rc == SOU_OK ? "" : soud_replica_error(n->replica)->text, "");
	node_commit(n, NULL);
	REQUIRE("refresh", soud_reader_refresh(n->reader) == SOU_OK);
}

static uint64_t findings(const struct soud_scrubbed *s)
{
	uint64_t total = 0;
	for (unsigned i = 0; i < SOUD_FINDING_KINDS; i++)
		total += s->seen.finding_count[i];
	return total;
}

/* A site with some 70 entries that the hub has, too, and that the hub wrote before. */
static struct world *filled(struct node **site, struct sou_id *entity, struct sou_hash *last)
{
	struct world *w = world_new();
	struct sou_id other;
	*site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash one = node_item(*site, entity, "一 例");
	*last = node_edit(*site, &(*site)->org_scope, entity, &one, 1, "二 例");
	for (unsigned i = 0; i < 70; i++)
		(void)node_item(*site, &other, "x");
	level(&w->hub, *site);
	for (unsigned i = 0; i < 3; i++)
		(void)node_item(&w->hub, &other, "本部 例");
	struct soud_from hub = from_node(&w->hub); /* and it said so */
	const struct sou_ack ack = {(*site)->org_scope, last_of(*site, &(*site)->org_scope), 1};
	node_begin(*site);
	REQUIRE("acked", soud_replica_acked((*site)->replica, &hub, &ack) == SOU_OK);
	node_commit(*site, NULL);
	return w;
}

/* What a peer answers to `want` of all that is listed, taken in. */
static void fetch(struct node *from, struct node *to)
{
	const struct soud_damage *d = soud_replica_damage(to->replica);
	struct sou_view view;
	struct sou_buf names = {0}, data = {0};
	struct sou_news_answer answer = {0};
	struct soud_taken taken = {0};
	struct sou_heads asked;
	struct sou_id wanted[64];
	REQUIRE("listed", d->count > 0 && d->count <= 64);
	for (uint32_t i = 0; i < d->count; i++)
		wanted[i] = sou_hash_half(&d->rows[i].id);
	sou_want_pack(&names, &to->org_scope, wanted, d->count);
	REQUIRE("want", sou_want_unpack(&asked, sou_buf_span(&names)) == SOU_OK);
	REQUIRE("refresh", soud_reader_refresh(from->reader) == SOU_OK);
	soud_reader_view(from->reader, &view);
	REQUIRE("P13.11",
		view.entries(view.ctx, &to->org_scope, &asked.names, &data, &answer) == SOU_OK);
	const struct sou_news news = {.scope = to->org_scope,
				      .flags = answer.flags | SOU_DATA_ANSWER,
				      .raw_bytes = answer.raw_bytes,
				      .data = sou_buf_span(&data)};
	if (answer.entry_count > 0) {
		int rc = take(to, from, &news, &taken);
		CHECK_STR("R22 taken", rc == SOU_OK ? "" : soud_replica_error(to->replica)->text,
			  "");
	}
	sou_buf_fini(&names);
	sou_buf_fini(&data);
	REQUIRE("refresh", soud_reader_refresh(to->reader) == SOU_OK);
}

/* How many entries a stranger to both would get. */
static size_t served(struct node *n)
{
	struct sou_view view;
	struct sou_buf data = {0};
	struct sou_news_answer answer = {0};
	size_t count = 0;
	soud_reader_view(n->reader, &view);
	struct sou_news_query q = {.scope = n->org_scope, .bytes_max = 65536, .peer_site = {{9}}};
	do {
		sou_buf_clear(&data);
		REQUIRE("R22 the others go", view.news(view.ctx, &q, &data, &answer) == SOU_OK);
		count += answer.entry_count;
		q.after = answer.upto;
	} while (answer.entry_count > 0);
	sou_buf_fini(&data);
	return count;
}

static bool verifies(struct node *n)
{
	struct soud_verified v;
	struct sou_err err = {0};
	node_close(n);
	int rc = soud_verify(n->path, NULL, n->env.verifier, &v, &err);
	CHECK_STR("verify", err.text, "");
	node_open(n);
	return rc == SOU_OK;
}

TEST(scrub, finds_nothing_where_nothing_is)
{
	struct node *site;
	struct sou_hash last;
	struct sou_id entity;
	unsigned steps;
	struct world *w = filled(&site, &entity, &last);
	struct soud_scrubbed *found = scrub(&w->hub, &steps);
	CHECK_U64("R22", findings(found), ==, 0);
	CHECK_STR("R22", found->seen.findings[0].text, "");
	CHECK_U64("entries", found->seen.entries, ==, 75);
	CHECK_U64("signatures", found->seen.signatures, ==, 75);
	CHECK_U64("records built anew", found->records, >=, 70);
	CHECK("nothing to note", !found->stale && found->damage.count == 0);
	CHECK_INT("R22 in parts", steps, ==, 4); /* the file, a scope, a scope, the end */
	found = scrub(site, &steps);
	CHECK_U64("R22 the site's", findings(found), ==, 0);
	note(site, found);
	CHECK_U64("none is listed", soud_replica_damage(site->replica)->count, ==, 0);
}

TEST(scrub, damaged_entries_are_repaired_by_id)
{
	static const struct {
		const char *name, *column;
		int at;
		enum soud_finding_kind kind;
		bool by_itself; /* its signature tells what it was */
		bool served;    /* and it was right all the time */
	} rows[] = {
		{"R22 a text", "payload", -25, SOUD_FINDING_HASH, false, false},
		{"R22 a payload's form", "payload", 0, SOUD_FINDING_HASH, false, false},
		{"R22 a payload's salt", "payload", 6, SOUD_FINDING_HASH, false, false},
		{"R22 a header", "header", 90, SOUD_FINDING_HASH, false, false},
		{"R22 a header's form", "header", 0, SOUD_FINDING_HASH, false, false},
		{"R22 a signature", "sig", 5, SOUD_FINDING_SIGNATURE, false, false},
		{"R22 an id", "id", 31, SOUD_FINDING_HASH, true, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct node *site;
		struct sou_hash last;
		struct sou_id entity;
		unsigned steps;
		const char *name = rows[i].name, *text = "";
		bool conflict;
		struct world *w = filled(&site, &entity, &last);
		size_t all = served(site);
		node_close(site);
		flip(site->path, "log", rows[i].column, second, rows[i].at);
		node_open(site);
		struct soud_scrubbed *found = scrub(site, &steps);
		CHECK_U64(name, found->seen.finding_count[rows[i].kind], ==, 1);
		CHECK_U64(name, findings(found), ==, 1);
		CHECK(name, found->damage.count == 1 && found->damage.rows[0].arrival == 2);
		if (rows[i].kind == SOUD_FINDING_HASH && !rows[i].by_itself)
			CHECK_U64("B14 not forwarded before it is known, either", served(site), ==,
				  all - 1);
		note(site, found);
		CHECK_U64(name, soud_replica_damage(site->replica)->count, ==, !rows[i].by_itself);
		CHECK_U64("R22 never served", served(site), ==, all - !rows[i].served);
		node_close(site); /* the list outlives the daemon */
		node_open(site);
		CHECK_U64(name, soud_replica_damage(site->replica)->count, ==, !rows[i].by_itself);
		if (!rows[i].by_itself)
			fetch(&w->hub, site);
		CHECK_U64("R22 repaired", soud_replica_damage(site->replica)->count, ==, 0);
		CHECK_U64("R22 and served", served(site), ==, all);
		(void)live_of(site, &site->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &text,
			      &conflict);
		CHECK_STR(name, text, "二 例");
		level(&w->hub, site);
		check_level(name, &w->hub, site, &site->org_scope);
		CHECK("R22 whole", verifies(site));
		node_close(&w->hub);
		node_close(site);
		(void)remove(w->hub.path);
		(void)remove(site->path);
	}
}

/* Others' news and own acts go on in other scopes, and news of the damaged one are refused with a
 * code, not with the end of a link. */
TEST(scrub, a_damaged_scope_stops_no_other)
{
	struct node *site;
	struct sou_hash last;
	struct sou_id entity, other;
	struct sou_err err = {0};
	struct soud_taken taken = {0};
	struct sou_buf data = {0};
	unsigned steps;
	struct world *w = filled(&site, &entity, &last);
	struct node *two = world_join(w, "two", &site->org, SOU_ROLE_EDITOR);
	feed_authority(&w->hub, two);
	feed_authority(&w->hub, site);
	level(&w->hub, two);
	node_close(site);
	flip(site->path, "log", "payload", second, 0);
	node_open(site);
	note(site, scrub(site, &steps));
	(void)node_edit(two, &site->org_scope, &entity, &last, 1, "三 例");
	level(&w->hub, two);
	struct sou_news news =
		ask(&w->hub, site, &site->org_scope, last_of(&w->hub, &site->org_scope) - 1, &data);
	int rc = take(site, &w->hub, &news, &taken);
	CHECK("R22 refused, not broken", rc != SOU_OK && taken.bye == 0);
	CHECK_INT("P11.12 read-only", taken.refuse, ==, SOU_REFUSE_READ_ONLY);
	sou_buf_fini(&data);
	CHECK_INT("R22 own acts there wait",
		  node_try_edit(site, &site->org_scope, &site->org, &entity, "四 例", &err), ==,
		  SOU_EDENIED);
	(void)world_org(w, "new");
	CHECK_INT("R22 authority goes on", feed_authority_rc(&w->hub, site, &taken), ==, SOU_OK);
	fetch(&w->hub, site);
	level(&w->hub, site);
	(void)node_item(site, &other, "五 例");
	level(&w->hub, site);
	check_level("R22 whole again", &w->hub, site, &site->org_scope);
}

/* Nobody else has it: nothing is signed on top. */
TEST(scrub, own_unsent_entries_are_not_built_on)
{
	struct node *site;
	struct sou_hash last;
	struct sou_id entity, own;
	struct sou_err err = {0};
	unsigned steps;
	struct world *w = filled(&site, &entity, &last);
	(void)node_item(site, &own, "六 例 未送信");
	int64_t row = (INT64_C(1) << 40) + (int64_t)last_of(site, &site->org_scope);
	node_close(site);
	flip(site->path, "log", "payload", row, -25);
	node_open(site);
	CHECK("not known yet", !soud_replica_own_damaged(site->replica, &site->org_scope));
	note(site, scrub(site, &steps));
	CHECK("R22 told", soud_replica_own_damaged(site->replica, &site->org_scope));
	CHECK_INT("R22 nothing on top",
		  node_try_edit(site, &site->org_scope, &site->org, &entity, "七 例", &err), ==,
		  SOU_ESTATE);
	CHECK("R22 the reason", strstr(err.text, "R22") != NULL);
	CHECK_U64("R22 and it goes to nobody", feed(site, &w->hub), ==, 0);
	node_close(site);
	flip(site->path, "log", "payload", row, -25);
	node_open(site);
	note(site, scrub(site, &steps));
	CHECK("R22 a disk that reads well again",
	      !soud_replica_own_damaged(site->replica, &site->org_scope));
	(void)node_item(site, &own, "八 例");
	struct sou_buf data = {0};
	struct soud_taken taken = {0}; /* the hub's position has passed it: heads bring it back */
	struct sou_news news =
		ask(site, &w->hub, &site->org_scope, last_of(site, &site->org_scope) - 2, &data);
	CHECK_INT("R22 it goes on", take(&w->hub, site, &news, &taken), ==, SOU_OK);
	sou_buf_fini(&data);
	check_level("R22", &w->hub, site, &site->org_scope);
}

TEST(scrub, what_is_derived_is_derived_again)
{
	static const struct {
		const char *name, *table;
		int at; /* table NULL: sql */
	} rows[] = {
		{"R22 a value in a record", "record", -3},
		{"R22 the form of a record", "record", 0},
		{"UPDATE meta SET value = zeroblob(72) WHERE name = 'tops/1'", NULL, 0},
		{"UPDATE log SET state = state | 3 WHERE key = 1099511627779", NULL, 0},
		{"UPDATE record SET trail = 1 WHERE id = 1", NULL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct node *site;
		struct sou_hash last;
		struct sou_id entity;
		unsigned steps;
		struct world *w = filled(&site, &entity, &last);
		node_close(site);
		if (rows[i].table == NULL)
			run(site->path, rows[i].name);
		else
			flip(site->path, rows[i].table, "body", 1, rows[i].at);
		node_open(site);
		struct soud_scrubbed *found = scrub(site, &steps);
		CHECK(rows[i].name, found->stale && findings(found) > 0);
		CHECK_U64("no entry is damaged", found->damage.count, ==, 0);
		note(site, found);
		CHECK_U64("R22 put right", findings(scrub(site, &steps)), ==, 0);
		CHECK(rows[i].name, verifies(site));
		check_level(rows[i].name, &w->hub, site, &site->org_scope);
		node_close(&w->hub);
		node_close(site);
		(void)remove(w->hub.path);
		(void)remove(site->path);
	}
}

TEST(scrub, authority_and_structure_are_told)
{
	struct node *site;
	struct sou_hash last;
	struct sou_id entity;
	unsigned steps;
	(void)filled(&site, &entity, &last);
	node_close(site);
	flip(site->path, "authority", "sigs", 2, -1);
	struct soud_scrubbed *found = scrub(site, &steps);
	CHECK_U64("R22 an op", found->seen.finding_count[SOUD_FINDING_AUTHORITY], >, 0);
	CHECK_U64("R22 what follows from it is no damage", found->damage.count, ==, 0);
	flip(site->path, "authority", "sigs", 2, -1);
	run(site->path, "UPDATE scope SET id = x'010203' WHERE number = 1");
	found = scrub(site, &steps);
	CHECK_U64("R22 a part that cannot be fetched", found->seen.finding_count[SOUD_FINDING_FILE],
		  >, 0);
}

TEST(scrub, the_list_is_bounded)
{
	struct soud_damage d = {0};
	for (uint32_t i = 0; i < SOU_DAMAGED_MAX + 5; i++) {
		struct soud_damaged row = {.scope = 1 + i % 3, .arrival = 1000 - i % 700 + i};
		REQUIRE("added", soud_damage_add(&d, &row) == SOU_OK);
		REQUIRE("again", soud_damage_add(&d, &row) == SOU_OK);
		CHECK("found or counted",
		      soud_damage_find(&d, row.scope, row.arrival) != NULL || d.more > 0);
	}
	CHECK("R22 bounded", d.count <= SOU_DAMAGED_MAX);
	for (uint32_t i = 1; i < d.count; i++)
		CHECK("in order", d.rows[i - 1].scope < d.rows[i].scope ||
					  d.rows[i - 1].arrival < d.rows[i].arrival);
	uint32_t before = d.count;
	soud_damage_end(&d, d.rows[3].scope, d.rows[3].arrival);
	CHECK_U64("ended", d.count, ==, before - 1);
	CHECK("none of a scope that has none", !soud_damage_in(&d, 9));
	soud_damage_fini(&d);
}
