/* test_damage.c - stores of other software, damaged ones, disks that fail: each is told by its
 * code, nothing crashes, nothing that was acknowledged is lost (R6, R21). */
#include <sqlite3.h>

#include "tests/daemon/store/pen.h"

static sqlite3 *raw_open(const char *name)
{
	sqlite3 *db = NULL;
	REQUIRE("raw", sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, "pen") == SQLITE_OK);
	return db;
}

static void raw(const char *sql) /* behind the store's back; no handle may be open */
{
	sqlite3 *db = raw_open("replica.db");
	char *error = NULL;
	int code = sqlite3_exec(db, sql, NULL, NULL, &error);
	CHECK_STR(sql, error, NULL);
	sqlite3_free(error);
	sqlite3_close(db);
	REQUIRE(sql, code == SQLITE_OK);
}

static int64_t raw_number(const char *file, const char *sql)
{
	sqlite3 *db = raw_open(file);
	sqlite3_stmt *s = NULL;
	int64_t n = -1;
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static int open_rc(enum soud_store_mode mode)
{
	struct soud_store_options options = {.vfs = "pen"};
	struct soud_store *s = NULL;
	struct sou_err err = {0};
	int rc = soud_store_open(&s, "replica.db", mode, &options, &err);
	if (rc != SOU_OK) {
		CHECK_INT("the sentence is of this error", err.rc, ==, rc);
		CHECK("there is one", err.text[0] != '\0');
	}
	soud_store_free(s);
	return rc;
}

/* Some records: a conflict, a gap, a held one, a long value. */
static struct pen *filled(void)
{
	struct pen *p = pen_new();
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	struct pen_entry *a = pen_text(p, 0, 1, "a", NULL);
	(void)pen_take(p, a, false);
	(void)pen_take(p, pen_text(p, 0, 1, "b", NULL), false);
	(void)pen_take(p, pen_text(p, 1, 2, "held", a), false);
	struct pen_op gap = {.entity = 9, .field = 1, .text = "g", .missing = {{0xaa}}};
	(void)pen_take(p, pen_write(p, 0, &gap, 1), false);
	struct pen_op gone = {.entity = 1, .replaces = {a}};
	(void)pen_take(p, pen_write(p, 0, &gone, 1), false);
	char longer[1200];
	memset(longer, 'v', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	(void)pen_take(p, pen_text(p, 0, 4, longer, NULL), false);
	REQUIRE("commit", soud_store_commit(p->s) == SOU_OK);
	return p;
}

static const char TO_SCHEMA_0[] =
	"DROP TABLE draft; DROP TABLE record; DROP TABLE gap; DROP TABLE trail; DROP TABLE feed;"
	"DROP TABLE bucket; DROP INDEX log_held; DROP INDEX log_own;"
	"CREATE TABLE version (id BLOB PRIMARY KEY, field INTEGER) STRICT;"
	"CREATE TABLE feed (site BLOB) STRICT; CREATE TABLE bucket (hash BLOB) STRICT;"
	"INSERT INTO version VALUES (x'01', 1); INSERT INTO feed VALUES (x'02');"
	"PRAGMA user_version = 0";

TEST(store, migrates_schema_0)
{
	struct pen *p = filled();
	struct sou_hash before, after;
	PEN_OK("dump", soud_store_dump_hash(p->s, &before));
	pen_close(p);
	raw(TO_SCHEMA_0);
	CHECK_INT("a reader does not migrate", open_rc(SOUD_STORE_READER), ==, SOU_ESTORE);
	p->s = pen_open(p, SOUD_STORE_WRITER);
	CHECK("derived tables are empty", soud_store_stale(p->s));
	pen_close(p);
	CHECK_INT("a copy", raw_number("replica.db-before-2", "SELECT count(*) FROM log"), ==, 6);
	CHECK_INT("as it was", raw_number("replica.db-before-2", "SELECT count(*) FROM version"),
		  ==, 1);
	CHECK_INT("as it was", raw_number("replica.db-before-2", "PRAGMA user_version"), ==, 0);
	p->s = pen_open(p, SOUD_STORE_WRITER);
	CHECK("stale until rebuilt", soud_store_stale(p->s));
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	PEN_OK("rebuild", soud_store_rebuild(p->s, p->bed.authority));
	PEN_OK("commit", soud_store_commit(p->s));
	PEN_OK("dump", soud_store_dump_hash(p->s, &after));
	CHECK_MEM("no byte is lost", after.b, 32, before.b, 32);
	struct soud_draft draft = {.number = 0};
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	PEN_OK("drafts exist", soud_store_draft_put(p->s, &draft));
	PEN_OK("commit", soud_store_commit(p->s));
	pen_reopen(p);
	CHECK("not stale", !soud_store_stale(p->s));
	pen_close(p);

	raw("DELETE FROM log WHERE key % 2 = 1");
	raw(TO_SCHEMA_0);
	p->s = pen_open(p, SOUD_STORE_WRITER);
	pen_close(p);
	CHECK_INT("the older copy stays",
		  raw_number("replica.db-before-2", "SELECT count(*) FROM log"), ==, 6);
}

static const char TO_SCHEMA_1[] =
	"DROP INDEX record_marked; CREATE INDEX record_marked ON record (state) WHERE state > 3;"
	"DROP INDEX log_held; DROP INDEX log_own;"
	"PRAGMA user_version = 1";

TEST(store, migrates_schema_1)
{
	static const char places[] = "SELECT count(*) FROM sqlite_schema WHERE name ="
				     " 'record_marked' AND sql LIKE '%record (id)%'";
	struct pen *p = filled();
	struct sou_hash before, after;
	PEN_OK("dump", soud_store_dump_hash(p->s, &before));
	pen_close(p);
	raw(TO_SCHEMA_1);
	CHECK_INT("as it was", raw_number("replica.db", places), ==, 0);
	CHECK_INT("a reader does not migrate", open_rc(SOUD_STORE_READER), ==, SOU_ESTORE);
	p->s = pen_open(p, SOUD_STORE_WRITER);
	CHECK("nothing is to be derived again", !soud_store_stale(p->s));
	PEN_OK("dump", soud_store_dump_hash(p->s, &after));
	CHECK_MEM("no byte is lost", after.b, 32, before.b, 32);
	struct soud_log_counts counts;
	PEN_OK("counts", soud_store_log_counts(p->s, p->scope, 0, &counts));
	CHECK("what is held", counts.held == 1 && counts.own == 6);
	pen_close(p);
	CHECK_INT("the index", raw_number("replica.db", places), ==, 1);
	CHECK_INT("version", raw_number("replica.db", "PRAGMA user_version"), ==, 2);
	CHECK_INT("a copy", raw_number("replica.db-before-2", "SELECT count(*) FROM log"), ==, 6);
	CHECK_INT("as it was", raw_number("replica.db-before-2", "PRAGMA user_version"), ==, 1);
	CHECK_INT("as it was", raw_number("replica.db-before-2", places), ==, 0);
}

/* The power goes at each sync of a migration: the replica is as before, or migrated with a copy. */
TEST(store, migration_survives_power_cuts)
{
	for (uint64_t nth = 1; nth < 1000; nth++) {
		struct pen *p = filled();
		pen_close(p);
		raw(TO_SCHEMA_0);
		memvfs_fail(p->vfs, MEMVFS_WRITE | MEMVFS_SYNC | MEMVFS_TRUNCATE, nth, true);
		int rc = open_rc(SOUD_STORE_WRITER);
		bool failed = memvfs_failed(p->vfs);
		memvfs_crash(p->vfs, nth, 700);
		memvfs_fail(p->vfs, 0, 0, false);
		memvfs_power_on(p->vfs);
		int64_t version = raw_number("replica.db", "PRAGMA user_version");
		CHECK("R6 what was told is durable",
		      version == 2 || (version == 0 && rc != SOU_OK));
		CHECK_INT("all is there", raw_number("replica.db", "SELECT count(*) FROM log"), ==,
			  6);
		if (version == 2)
			CHECK_INT("and a copy",
				  raw_number("replica.db-before-2", "SELECT count(*) FROM version"),
				  ==, 1);
		CHECK_INT("opens", open_rc(SOUD_STORE_WRITER), ==, SOU_OK);
		CHECK_INT("the copy is whole",
			  raw_number("replica.db-before-2", "SELECT count(*) FROM log"), ==, 6);
		memvfs_free(p->vfs);
		p->vfs = NULL;
		if (!failed)
			break;
		CHECK("ends", nth < 999);
	}
}

TEST(store, other_files)
{
	static const struct {
		const char *name, *sql;
		int writer, reader;
	} rows[] = {
		{"R21 newer", "PRAGMA user_version = 3", SOU_ETOONEW, SOU_ETOONEW},
		{"of another program", "PRAGMA application_id = 7", SOU_ESTORE, SOU_OK},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pen *p = filled();
		pen_close(p);
		raw(rows[i].sql);
		CHECK_INT(rows[i].name, open_rc(SOUD_STORE_WRITER), ==, rows[i].writer);
		CHECK_INT(rows[i].name, open_rc(SOUD_STORE_READER), ==, rows[i].reader);
		memvfs_free(p->vfs);
		p->vfs = NULL;
	}
	struct memvfs *vfs;
	REQUIRE("vfs", memvfs_new(&vfs, "pen") == SOU_OK);
	CHECK_INT("a reader makes none", open_rc(SOUD_STORE_READER), ==, SOU_EUNKNOWN);
	memvfs_free(vfs);
}

/* All that a view does, on a store that may be damaged: any code of the contract, no crash. */
static bool walk(struct soud_store *s, uint32_t scope)
{
	struct sou_record r = {0};
	struct sou_id at, missing = {{0xaa}}, found = {{0}};
	struct sou_hash hash;
	struct sou_span value;
	uint64_t place = 0, gap = 0, arrival;
	uint16_t kind = 0;
	uint32_t steps = 0;
	int rc, bad = 0;
	for (bool first = true;
	     steps++ < 1000 &&
	     (rc = soud_store_record_each(s, scope, first ? NULL : &at, r.kind, &r)) == SOU_OK;
	     first = false) {
		at = r.entity;
		for (uint32_t i = 0; i < r.live_count; i++)
			bad += soud_store_value(s, scope, &r.lives[i], &value) != SOU_OK;
		uint64_t trail = r.trail;
		while ((rc = soud_store_trail_next(s, &trail, &arrival)) == SOU_OK &&
		       steps++ < 1000)
			;
		bad += rc != SOU_EUNKNOWN;
	}
	bad += rc != SOU_EUNKNOWN;
	CHECK("every walk ends", steps < 1000);
	uint32_t in;
	while (soud_store_marked_next(s, &place, &in, &r) == SOU_OK && steps++ < 2000)
		;
	bad += soud_store_gap_next(s, scope, &missing, &gap, &kind, &found) != SOU_OK;
	bad += soud_store_state_digest(s, scope, &hash) != SOU_OK;
	bad += soud_store_dump_hash(s, &hash) != SOU_OK;
	bad += soud_store_check(s, true) != SOU_OK;
	sou_record_fini(&r);
	return bad == 0;
}

TEST(store, damaged_records)
{
	static const struct {
		const char *name, *sql;
	} rows[] = {
		{"an empty body", "UPDATE record SET body = x''"},
		{"a huge count", "UPDATE record SET body = x'ffffffff0000000000000000'"},
		{"huge counts", "UPDATE record SET body = x'ffffffffffffffffffffffff'"},
		{"bytes left over", "UPDATE record SET body = CAST(body || x'00' AS BLOB)"},
		{"an entity of 15 bytes", "UPDATE record SET entity = substr(entity, 1, 15)"},
		{"a trail in a ring", "UPDATE trail SET before = number"},
		{"a trail to a later one", "UPDATE trail SET before = number + 1"},
		{"a trail from nowhere", "UPDATE record SET trail = 999"},
		{"no entries", "DELETE FROM log"},
		{"an id of 31 bytes", "UPDATE log SET id = substr(id, 1, 31)"},
		{"payloads of noise", "UPDATE log SET payload = randomblob(length(payload))"},
		{"payloads cut off", "UPDATE log SET payload = substr(payload, 1, 40)"},
		{"no payloads", "UPDATE log SET payload = NULL"},
		{"a bucket of 3 bytes", "INSERT INTO bucket VALUES (256, x'010203')"},
		{"a scope of 3 bytes", "UPDATE scope SET id = x'010203'"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pen *p = filled();
		pen_close(p);
		raw(rows[i].sql);
		p->s = pen_open(p, SOUD_STORE_READER);
		CHECK(rows[i].name, !walk(p->s, p->scope));
		CHECK_INT(rows[i].name, soud_store_error(p->s)->rc, ==, SOU_ECORRUPT);
		memvfs_free((pen_close(p), p->vfs));
		p->vfs = NULL;
	}
}

TEST(store, record_bodies_cut_and_turned)
{
	struct pen *p = filled();
	pen_close(p);
	int64_t bytes = raw_number("replica.db", "SELECT max(length(body)) FROM record");
	CHECK_INT("bodies", bytes, >, 50);
	for (int64_t n = 0; n < bytes; n++) { /* each truncation of each body */
		raw(test_printf(
			"CREATE TABLE IF NOT EXISTS kept AS SELECT id, body FROM record;"
			"UPDATE record SET body = substr(body, 1, %lld) WHERE length(body) > %lld",
			(long long)n, (long long)n));
		p->s = pen_open(p, SOUD_STORE_READER);
		struct sou_record r = {0};
		CHECK_INT("a cut body", soud_store_record_each(p->s, p->scope, NULL, 0, &r), ==,
			  SOU_ECORRUPT);
		sou_record_fini(&r);
		pen_close(p);
		raw("UPDATE record SET body = (SELECT body FROM kept WHERE kept.id = record.id)");
	}
	for (int64_t n = 1; n <= bytes; n += 3) { /* a byte is another one: read, or told */
		raw(test_printf("UPDATE record SET body = CAST(substr(body, 1, %lld) || "
				"x'f7' || substr(body, %lld) AS BLOB) WHERE length(body) >= %lld",
				(long long)n - 1, (long long)n + 1, (long long)n));
		p->s = pen_open(p, SOUD_STORE_READER);
		(void)walk(p->s, p->scope);
		pen_close(p);
		raw("UPDATE record SET body = (SELECT body FROM kept WHERE kept.id = record.id)");
	}
}

/* Bits turned anywhere in the file: open, or any call, says so; or the byte meant nothing. */
TEST(store, damaged_file)
{
	unsigned told = 0;
	for (uint32_t seed = 0; seed < 150; seed++) {
		struct pen *p = filled();
		PEN_OK("into the file", soud_store_checkpoint(p->s, true));
		pen_close(p);
		size_t n;
		uint8_t *b = memvfs_bytes(p->vfs, "replica.db", &n);
		REQUIRE("bytes", b != NULL && n > 4096);
		for (uint32_t k = 0; k < 40; k++)
			b[(seed * 7919u + k * k * 104729u) % n] ^= (uint8_t)(1u << (k % 8));
		int rc = open_rc(SOUD_STORE_READER);
		struct soud_store *s = NULL;
		struct soud_store_options options = {.vfs = "pen"};
		bool good = rc == SOU_OK && soud_store_open(&s, "replica.db", SOUD_STORE_READER,
							    &options, NULL) == SOU_OK;
		if (good)
			good = walk(s, p->scope);
		told += !good;
		soud_store_free(s);
		memvfs_free(p->vfs);
		p->vfs = NULL;
	}
	CHECK_INT("R21 damage is told", told, >=, 100);
}

TEST(store, failing_disk)
{
	static const struct {
		const char *name;
		unsigned calls;
		int rc;
		bool broken;
	} rows[] = {{"R21 a write fails", MEMVFS_WRITE, SOU_ESTORE, true},
		    {"R21 half a write", MEMVFS_SHORT_WRITE, SOU_ESTORE, true},
		    {"R21 a sync fails", MEMVFS_SYNC, SOU_ESTORE, true},
		    {"R21 no room", MEMVFS_FULL, SOU_EFULL, false}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pen *p = filled();
		REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
		(void)pen_take(p, pen_text(p, 0, 5, "lost", NULL), false);
		memvfs_fail(p->vfs, rows[i].calls, 1, true);
		CHECK_INT(rows[i].name, soud_store_commit(p->s), ==, rows[i].rc);
		CHECK("no transaction stands", !soud_store_in_transaction(p->s));
		CHECK_INT(rows[i].name, soud_store_broken(p->s), ==, rows[i].broken);
		uint64_t last = 0;
		memvfs_fail(p->vfs, 0, 0, false);
		if (rows[i].broken) {
			struct sou_span span;
			CHECK_INT("I4", soud_store_begin(p->s), ==, SOU_ESTORE);
			CHECK_INT("I4", soud_store_scope_last(p->s, p->scope, &last), ==,
				  SOU_ESTORE);
			CHECK_INT("I4", soud_store_meta_get(p->s, "x", &span), ==, SOU_ESTORE);
		}
		pen_reopen(p);
		PEN_OK("last", soud_store_scope_last(p->s, p->scope, &last));
		CHECK_U64("I4 nothing of it is stored", last, ==, 6);
		PEN_OK(rows[i].name, soud_store_check(p->s, true));
		pen_close(p);
		memvfs_free(p->vfs);
		p->vfs = NULL;
	}
}
