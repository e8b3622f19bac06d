/* test_memvfs.c - the memory disk itself: a committed transaction survives each power cut, and one
 * that was not synced can be lost; failing calls are counted. */
#include <sqlite3.h>

#include "proto/error.h"
#include "tests/lib/check.h"
#include "tests/lib/memvfs.h"

static sqlite3 *db_open(const char *vfs)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	REQUIRE("opens", sqlite3_open_v2("x.db", &db, flags, vfs) == SQLITE_OK);
	REQUIRE("WAL", sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL,
				    NULL, NULL) == SQLITE_OK);
	return db;
}

static int count(sqlite3 *db)
{
	sqlite3_stmt *s;
	int n = -1;
	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &s, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return n;
}

TEST(memvfs, power_cuts)
{
	unsigned lost_open = 0;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct memvfs *vfs;
		REQUIRE("new", memvfs_new(&vfs, "cut") == SOU_OK);
		sqlite3 *db = db_open("cut");
		sqlite3_exec(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)", NULL, NULL, NULL);
		int committed = (int)(seed % 9);
		for (int i = 0; i < committed; i++)
			sqlite3_exec(db, "INSERT INTO t(b) VALUES (randomblob(3000))", NULL, NULL,
				     NULL);
		sqlite3_exec(db, "BEGIN; INSERT INTO t(b) VALUES (randomblob(9000))", NULL, NULL,
			     NULL);
		memvfs_crash(vfs, seed, 500 + (uint32_t)(seed % 501));
		sqlite3_close(db);
		memvfs_power_on(vfs);
		db = db_open("cut");
		CHECK_INT("R6 what was committed is there", count(db), ==, committed);
		lost_open += count(db) == committed;
		sqlite3_close(db);
		memvfs_free(vfs);
	}
	CHECK_INT("each open transaction is gone", lost_open, ==, 300);
}

/* A log that was truncated without a sync comes back whole or not at all: never a part of it, which
 * would lay old pages over newer ones. */
TEST(memvfs, power_cuts_after_a_truncation)
{
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct memvfs *vfs;
		REQUIRE("new", memvfs_new(&vfs, "short") == SOU_OK);
		sqlite3 *db = db_open("short");
		sqlite3_exec(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)", NULL, NULL, NULL);
		for (int i = 0; i < 12; i++)
			sqlite3_exec(db, "INSERT INTO t(b) VALUES (randomblob(3000))", NULL, NULL,
				     NULL);
		sqlite3_exec(db, "UPDATE t SET b = randomblob(2000)", NULL, NULL, NULL);
		CHECK_INT(
			"truncated",
			sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
			==, SQLITE_OK);
		memvfs_crash(vfs, seed, 500 + (uint32_t)(seed % 501));
		sqlite3_close(db);
		memvfs_power_on(vfs);
		db = db_open("short");
		CHECK_INT("all is there", count(db), ==, 12);
		sqlite3_stmt *ok;
		REQUIRE("check", sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &ok, NULL) ==
					 SQLITE_OK);
		REQUIRE("a row", sqlite3_step(ok) == SQLITE_ROW);
		CHECK_STR("whole", (const char *)sqlite3_column_text(ok, 0), "ok");
		sqlite3_finalize(ok);
		sqlite3_close(db);
		memvfs_free(vfs);
	}
}

/* With synchronous=OFF the same cuts must lose something: the disk is not kinder than a real one.
 */
TEST(memvfs, unsynced_is_lost)
{
	unsigned lost = 0;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct memvfs *vfs;
		REQUIRE("new", memvfs_new(&vfs, "off") == SOU_OK);
		sqlite3 *db = db_open("off");
		sqlite3_exec(
			db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB); PRAGMA synchronous=OFF",
			NULL, NULL, NULL);
		for (int i = 0; i < 5; i++)
			sqlite3_exec(db, "INSERT INTO t(b) VALUES (randomblob(3000))", NULL, NULL,
				     NULL);
		memvfs_crash(vfs, seed, 900);
		sqlite3_close(db);
		memvfs_power_on(vfs);
		db = db_open("off");
		lost += count(db) != 5;
		sqlite3_close(db);
		memvfs_free(vfs);
	}
	CHECK_INT("unsynced work is lost in most cuts", lost, >, 80);
}

TEST(memvfs, image_and_restore)
{
	struct memvfs *vfs;
	REQUIRE("new", memvfs_new(&vfs, "img") == SOU_OK);
	CHECK_INT("a name once", memvfs_new(&(struct memvfs *){NULL}, "img"), ==, SOU_EEXIST);
	sqlite3 *db = db_open("img");
	sqlite3_exec(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1)", NULL, NULL, NULL);
	struct memvfs_image *image = memvfs_image(vfs);
	sqlite3_exec(db, "INSERT INTO t VALUES (2)", NULL, NULL, NULL);
	memvfs_crash(vfs, 1, 0);
	sqlite3_close(db);
	memvfs_restore(vfs, image);
	memvfs_power_on(vfs);
	db = db_open("img");
	CHECK_INT("R12 the state of the backup", count(db), ==, 1);
	sqlite3_close(db);
	memvfs_image_free(image);
	memvfs_free(vfs);
}

TEST(memvfs, failing_calls)
{
	struct memvfs *vfs;
	REQUIRE("new", memvfs_new(&vfs, "fail") == SOU_OK);
	sqlite3 *db = db_open("fail");
	sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL);
	memvfs_fail(vfs, MEMVFS_SYNC, 1, false);
	int rc = sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL);
	CHECK_INT("R21 a failed sync is told", rc, ==, SQLITE_IOERR);
	CHECK("and counted", memvfs_failed(vfs) && memvfs_calls(vfs) >= 1);
	memvfs_fail(vfs, MEMVFS_FULL, 1, true);
	rc = sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL);
	CHECK_INT("R21 no room", rc, ==, SQLITE_FULL);
	memvfs_fail(vfs, 0, 0, false);
	sqlite3_close(db);
	memvfs_free(vfs);
}
