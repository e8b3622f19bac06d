/* schema.c - the tables, and the way to them from every schema that was ever released. Forward
 * only; a replica that is migrated is first copied beside itself. What the tables say is in
 * store.h. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/store/sqlite/db.h"

/* The truth. Blobs stand last: what is read most often never follows an overflow chain. */
static const char TRUTH[] =
	"CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;"
	"CREATE TABLE authority (number INTEGER PRIMARY KEY, id BLOB NOT NULL,"
	" received_ms INTEGER NOT NULL, op BLOB NOT NULL, sigs BLOB NOT NULL) STRICT;"
	"CREATE TABLE scope (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;"
	"CREATE TABLE log (key INTEGER PRIMARY KEY, state INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL, source INTEGER NOT NULL, id BLOB NOT NULL,"
	" header BLOB NOT NULL, sig BLOB, payload BLOB) STRICT;"
	"CREATE TABLE peer (number INTEGER PRIMARY KEY, site BLOB NOT NULL, log BLOB NOT NULL,"
	" UNIQUE (site, log)) STRICT;"
	"CREATE TABLE position (key INTEGER PRIMARY KEY, have INTEGER NOT NULL,"
	" acked INTEGER NOT NULL, acked_ms INTEGER NOT NULL) STRICT;";

/* What a status counts, without walking through the log; 15 is the verdict, 0 accepted (log.c). */
static const char COUNTED[] = "CREATE INDEX log_held ON log (key, source) WHERE (state & 15) <> 0;"
			      "CREATE INDEX log_own ON log (key) WHERE source = 0;";

static const char DRAFTS[] =
	"CREATE TABLE draft (number INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL,"
	" changed_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT;";

/* What is derived from the log. record.state: 1 has a register, 2 hidden, 4 conflict, 8 gap. */
static const char DERIVED[] =
	"CREATE TABLE feed (site BLOB NOT NULL, key BLOB NOT NULL, scope INTEGER NOT NULL,"
	" UNIQUE (site, key, scope)) STRICT;"
	"CREATE TABLE record (id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, kind INTEGER NOT "
	"NULL,"
	" entity BLOB NOT NULL, state INTEGER NOT NULL, trail INTEGER NOT NULL,"
	" body BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX record_place ON record (scope, entity, kind);"
	"CREATE INDEX record_marked ON record (id) WHERE state > 3;"
	"CREATE TABLE gap (scope INTEGER NOT NULL, version BLOB NOT NULL, record INTEGER NOT NULL,"
	" field INTEGER NOT NULL, UNIQUE (scope, version, record, field)) STRICT;"
	"CREATE INDEX gap_record ON gap (record);"
	"CREATE TABLE trail (number INTEGER PRIMARY KEY, before INTEGER NOT NULL,"
	" arrival INTEGER NOT NULL) STRICT;"
	"CREATE TABLE bucket (key INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;";

static int run(sqlite3 *db, const char *sql, struct sou_err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return SOU_OK;
	int code = sqlite3_errcode(db);
	int rc = code == SQLITE_NOMEM ? SOU_ENOMEM : code == SQLITE_FULL ? SOU_EFULL : SOU_ESTORE;
	return sou_err_set(err, rc, "store: tables: %s", sqlite3_errmsg(db));
}

static int pragma_number(sqlite3 *db, const char *sql, int64_t *out, struct sou_err *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	if (code == SQLITE_ROW)
		return SOU_OK;
	int rc = code == SQLITE_NOMEM                              ? SOU_ENOMEM
		 : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? SOU_ECORRUPT
		 : code == SQLITE_BUSY                             ? SOU_EBUSY
								   : SOU_ESTORE;
	return sou_err_set(err, rc, "store: %s", sqlite3_errmsg(db));
}

static int set_version(sqlite3 *db, struct sou_err *err)
{
	int rc = run(db, "PRAGMA application_id = 1397708107", err);
	_Static_assert(STORE_APPLICATION_ID == 1397708107, "the literal above");
	_Static_assert(STORE_SCHEMA_VERSION == 2, "the literal below");
	return rc == SOU_OK ? run(db, "PRAGMA user_version = 2", err) : rc;
}

static int make(sqlite3 *db, struct sou_err *err)
{
	int rc = run(db, TRUTH, err);
	if (rc == SOU_OK)
		rc = run(db, COUNTED, err);
	if (rc == SOU_OK)
		rc = run(db, DRAFTS, err);
	return rc == SOU_OK ? run(db, DERIVED, err) : rc;
}

/* Schema 0 kept each version in a row of its own and had no drafts. */
static int from_0(sqlite3 *db, struct sou_err *err)
{
	int rc = run(db, "DROP TABLE version; DROP TABLE feed; DROP TABLE bucket;", err);
	if (rc == SOU_OK)
		rc = run(db, COUNTED, err);
	if (rc == SOU_OK)
		rc = run(db, DRAFTS, err);
	if (rc == SOU_OK)
		rc = run(db, DERIVED, err);
	return rc == SOU_OK ? run(db, "INSERT OR REPLACE INTO meta VALUES ('stale', 1)", err) : rc;
}

/* Schema 1 had the marked records in the order of their state: each step through them sorted. */
static int from_1(sqlite3 *db, struct sou_err *err)
{
	int rc = run(db,
		     "DROP INDEX record_marked;"
		     "CREATE INDEX record_marked ON record (id) WHERE state > 3;",
		     err);
	return rc == SOU_OK ? run(db, COUNTED, err) : rc;
}

static int copy_failed(sqlite3 *db, const char *copy, struct sou_err *err)
{
	int code = sqlite3_errcode(db) & 0xff;
	int rc = code == SQLITE_NOMEM ? SOU_ENOMEM : code == SQLITE_FULL ? SOU_EFULL : SOU_ESTORE;
	return sou_err_set(err, rc, "store: copying to %s: %s", copy, sqlite3_errmsg(db));
}

/* One transaction of the copy: there when it has tables, and then all of it, and durable. */
static int copy_all(sqlite3 *db, sqlite3 *to, const char *copy, struct sou_err *err)
{
	int64_t tables = 0;
	int rc = pragma_number(to, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc != SOU_OK || tables > 0)
		return rc;
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", db, "main");
	if (backup == NULL)
		return copy_failed(to, copy, err);
	int step = sqlite3_backup_step(backup, -1), end = sqlite3_backup_finish(backup);
	return step == SQLITE_DONE && end == SQLITE_OK ? SOU_OK : copy_failed(to, copy, err);
}

/* PATH-before-VERSION holds the replica as it was; an older copy of that name stays, as it is
 * older. */
static int back_up(sqlite3 *db, const char *path, struct sou_err *err)
{
	sqlite3 *to = NULL;
	sqlite3_vfs *vfs = NULL;
	char *copy = sqlite3_mprintf("%s-before-%d", path, STORE_SCHEMA_VERSION);
	if (copy == NULL)
		return sou_err_set(err, SOU_ENOMEM, "store: no memory");
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(copy, &to, flags, vfs != NULL ? vfs->zName : NULL) == SQLITE_OK
			 ? copy_all(db, to, copy, err)
			 : copy_failed(to, copy, err);
	(void)sqlite3_close_v2(to);
	sqlite3_free(copy);
	return rc;
}

/* version: of the tables that are there; STORE_SCHEMA_VERSION: there are none. */
static int migrate_in_transaction(sqlite3 *db, int64_t version, struct sou_err *err)
{
	int rc = run(db, "BEGIN IMMEDIATE", err);
	if (rc != SOU_OK)
		return rc;
	rc = version == 0 ? from_0(db, err) : version == 1 ? from_1(db, err) : make(db, err);
	if (rc == SOU_OK)
		rc = set_version(db, err);
	if (rc == SOU_OK)
		rc = run(db, "COMMIT", err);
	if (rc != SOU_OK)
		(void)run(db, "ROLLBACK", NULL);
	return rc;
}

int store_migrate(sqlite3 *db, const char *path, bool *stale, struct sou_err *err)
{
	int64_t application = 0, version = 0, tables = 0;
	int rc = pragma_number(db, "PRAGMA application_id", &application, err);
	if (rc == SOU_OK)
		rc = pragma_number(db, "PRAGMA user_version", &version, err);
	if (rc == SOU_OK)
		rc = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc != SOU_OK)
		return rc;
	bool fresh = tables == 0;
	if (!fresh && application != STORE_APPLICATION_ID)
		return sou_err_set(err, SOU_ESTORE, "store: %s is not a replica", path);
	if (version > STORE_SCHEMA_VERSION)
		return sou_err_set(err, SOU_ETOONEW,
				   "store: %s has schema %" PRId64 ", newer than %d", path, version,
				   STORE_SCHEMA_VERSION);
	if (fresh || version < STORE_SCHEMA_VERSION) {
		if (!fresh)
			rc = back_up(db, path, err);
		if (rc == SOU_OK)
			rc = migrate_in_transaction(db, fresh ? STORE_SCHEMA_VERSION : version,
						    err);
		if (rc != SOU_OK)
			return rc;
	}
	int64_t marks = 0;
	rc = pragma_number(db, "SELECT count(*) FROM meta WHERE name = 'stale'", &marks, err);
	*stale = marks > 0;
	return rc;
}
