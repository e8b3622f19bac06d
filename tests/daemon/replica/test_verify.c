/* verify: all of a replica, offline (R22, B14). */
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/core.h"
#include "daemon/replica/verify.h"
#include "daemon/store/copy.h"
#include "world.h"

static struct world *filled(struct node **site, struct sou_hash *last)
{
	struct world *w = world_new();
	struct sou_id entity, other;
	*site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash one = node_item(*site, &entity, "一 例");
	*last = node_edit(*site, &(*site)->org_scope, &entity, &one, 1, "二 例");
	for (unsigned i = 0; i < 70; i++)
		(void)node_item(*site, &other, "x");
	level(&w->hub, *site);
	(void)node_item(&w->hub, &other, "本部 例");
	return w;
}

TEST(verify, finds_nothing_where_nothing_is)
{
	struct node *site;
	struct sou_hash last;
	struct world *w = filled(&site, &last);
	struct soud_verified v;
	struct sou_err err = {0};
	node_close(&w->hub);
	node_close(site);
	CHECK_INT("R22", soud_verify(w->hub.path, NULL, NULL, &v, &err), ==, SOU_OK);
	CHECK_STR("R22", err.text, "");
	CHECK_U64("ops", v.ops, ==, 5);
	CHECK_U64("scopes", v.scopes, ==, 2);
	CHECK_U64("entries", v.entries, ==, 73);
	CHECK_U64("payloads", v.payloads, ==, 73);
	CHECK_U64("signatures", v.signatures, ==, 73);
	CHECK_U64("accepted", v.accepted, ==, 73);
	CHECK_U64("held", v.held + v.conflicts + v.incomplete, ==, 0);
	CHECK_INT("R22 the site's", soud_verify(site->path, NULL, NULL, &v, &err), ==, SOU_OK);
	CHECK_U64("the site's", v.entries, ==, 72);
	CHECK_INT("R22 and again: nothing was changed",
		  soud_verify(w->hub.path, NULL, NULL, &v, &err), ==, SOU_OK);
	CHECK_INT("R22 none", soud_verify(test_path("none.db"), NULL, NULL, &v, &err), ==,
		  SOU_EUNKNOWN);
}

static void forget_world(struct world *w, struct node *site)
{
	struct node *nodes[] = {&w->hub, site};
	for (size_t i = 0; i < 2; i++) {
		node_close(nodes[i]);
		(void)remove(nodes[i]->path);
		(void)remove(test_printf("%s-wal", nodes[i]->path));
		(void)remove(test_printf("%s-shm", nodes[i]->path));
	}
}

/* A replica of an older schema is read as it stands: a copy is migrated, and goes again. */
TEST(verify, migrates_nothing)
{
	static const char *const older[] = {
		"DROP INDEX log_held; DROP INDEX log_own; PRAGMA user_version = 1",
		"DROP TABLE draft; DROP TABLE record; DROP TABLE gap; DROP TABLE trail;"
		"DROP TABLE feed; DROP TABLE bucket; DROP INDEX log_held; DROP INDEX log_own;"
		"CREATE TABLE version (id BLOB); CREATE TABLE feed (site BLOB);"
		"CREATE TABLE bucket (hash BLOB); PRAGMA user_version = 0",
	};
	for (size_t i = 0; i < ARRAY_LEN(older); i++) {
		struct node *site;
		struct sou_hash last;
		struct world *w = filled(&site, &last);
		struct soud_verified v;
		struct soud_store_facts facts;
		struct sou_err err = {0};
		sqlite3 *db = NULL;
		node_close(&w->hub);
		node_close(site);
		REQUIRE("open", sqlite3_open(w->hub.path, &db) == SQLITE_OK);
		CHECK_INT(older[i], sqlite3_exec(db, older[i], NULL, NULL, NULL), ==, SQLITE_OK);
		REQUIRE("close", sqlite3_close(db) == SQLITE_OK);
		CHECK_INT("R22", soud_verify(w->hub.path, NULL, NULL, &v, &err), ==, SOU_OK);
		CHECK_STR("R22", err.text, "");
		CHECK_U64("entries", v.entries, ==, 73);
		CHECK_U64("signatures", v.signatures, ==, 73);
		CHECK_INT("facts", soud_store_facts(w->hub.path, &facts, &err), ==, SOU_OK);
		CHECK_INT("as it was", facts.schema, ==, i == 0 ? 1 : 0);
		CHECK_U64("entries", facts.entries, ==, 73);
		static const char *const ends[] = {"-verify", "-verify-wal", "-before-2",
						   "-verify-before-2"};
		for (size_t n = 0; n < ARRAY_LEN(ends); n++)
			CHECK_INT(ends[n], access(test_printf("%s%s", w->hub.path, ends[n]), F_OK),
				  ==, -1);
		forget_world(w, site);
	}
}

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

/* rebuild puts right what is derived, and nothing else: then verify finds no fault any more. */
static bool rebuild_mends(const char *path)
{
	struct soud_replica_env env;
	struct soud_replica *r = NULL;
	struct soud_verified v;
	struct sou_err err = {0};
	soud_core_env(&env);
	int rc = soud_replica_open(&r, path, &env, NULL, &err);
	if (rc == SOU_OK)
		rc = soud_replica_rebuild(r);
	soud_replica_close(r);
	return rc == SOU_OK && soud_verify(path, NULL, NULL, &v, &err) == SOU_OK;
}

TEST(verify, finds_what_was_changed)
{
	static const int64_t second = (INT64_C(1) << 40) + 2; /* scope 1, arrival 2 */
	static const struct {
		const char *name;
		const char *table, *column; /* NULL: sql */
		int at;
		enum soud_finding_kind kind;
	} rows[] = {
		{"R22 payload", "log", "payload", -25, SOUD_FINDING_HASH},
		{"R22 header", "log", "header", 90, SOUD_FINDING_HASH},
		{"R22 id", "log", "id", 31, SOUD_FINDING_HASH},
		{"R22 signature", "log", "sig", 5, SOUD_FINDING_SIGNATURE},
		{"R22 authority op", "authority", "op", -1, SOUD_FINDING_AUTHORITY},
		{"R22 authority signature", "authority", "sigs", -1, SOUD_FINDING_AUTHORITY},
		{"R22 record", "record", "body", -3, SOUD_FINDING_STATE}, /* the last value */
		{"UPDATE meta SET value = 7 WHERE name = 'own'", NULL, NULL, 0, SOUD_FINDING_OWN},
		{"UPDATE meta SET value = 1 WHERE name = 'hlc'", NULL, NULL, 0, SOUD_FINDING_OWN},
		{"UPDATE meta SET value = zeroblob(72) WHERE name = 'tops/1'", NULL, NULL, 0,
		 SOUD_FINDING_STATE},
		{"DELETE FROM log WHERE key = 1099511627782", NULL, NULL, 0, SOUD_FINDING_VERDICT},
		{"DELETE FROM record WHERE id = 3", NULL, NULL, 0, SOUD_FINDING_STATE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct node *site;
		struct sou_hash last;
		struct world *w = filled(&site, &last);
		struct soud_verified v = {0};
		struct sou_err err = {0};
		node_close(site);
		if (rows[i].table == NULL)
			run(site->path, rows[i].name);
		else
			flip(site->path, rows[i].table, rows[i].column,
			     strcmp(rows[i].table, "log") == 0 ? second : 2, rows[i].at);
		CHECK_INT(rows[i].name, soud_verify(site->path, NULL, NULL, &v, &err), ==,
			  SOU_ECORRUPT);
		CHECK(rows[i].name, v.finding_count[rows[i].kind] > 0);
		CHECK(rows[i].name, v.findings_told > 0 && v.findings[0].text[0] != '\0');
		CHECK(rows[i].name, err.text[0] != '\0');
		bool of_records =
			strstr(rows[i].name, "record") != NULL; /* what is derived alone */
		CHECK_INT(rows[i].name, rebuild_mends(site->path), ==, of_records);
		forget_world(w, site);
	}
}

TEST(verify, damaged_file)
{
	struct node *site;
	struct sou_hash last;
	struct soud_verified v;
	struct sou_err err = {0};
	(void)filled(&site, &last);
	node_close(site);
	struct test_bytes b = test_read(site->path);
	for (size_t at = 8192; at + 4096 <= b.n; at += 4096)
		memset(b.b + at, 0xa5, 64); /* the head of each page but the first two */
	(void)remove(site->path);
	(void)test_file(strrchr(site->path, '/') + 1, b.b, b.n);
	int rc = soud_verify(site->path, NULL, NULL, &v, &err);
	CHECK("B14 never good", rc == SOU_ECORRUPT || rc == SOU_ESTORE);
	b.n = 100;
	(void)remove(site->path);
	(void)test_file(strrchr(site->path, '/') + 1, b.b, b.n);
	rc = soud_verify(site->path, NULL, NULL, &v, &err);
	CHECK("B14 cut short", rc == SOU_ECORRUPT || rc == SOU_ESTORE || rc == SOU_EUNKNOWN);
}
