/* copy.c - a replica read from outside, in one piece. A connection of its own that never migrates
 * and never moves the write-ahead log: two processes may do so at once. */
#include "daemon/store/copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/sqlite/db.h"

#define BUSY_MS      5000  /* a checkpoint or a recovery of the daemon's */
#define PROGRESS_OPS 20000 /* of SQLite's machine, between two looks */
#define WIPE_BYTES   65536

int soud_store_schema_now(void)
{
	return STORE_SCHEMA_VERSION;
}

static int code_of(sqlite3 *db)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_NOMEM:
		return SOU_ENOMEM;
	case SQLITE_FULL:
		return SOU_EFULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return SOU_EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return SOU_ECORRUPT;
	default:
		return SOU_ESTORE;
	}
}

static int fail(sqlite3 *db, const char *path, struct sou_err *err)
{
	return sou_err_set(err, code_of(db), "store: %s: %s", path, sqlite3_errmsg(db));
}

static int open_aside(sqlite3 **out, const char *path, struct sou_err *err)
{
	sqlite3 *db = NULL;
	if (access(path, F_OK) != 0)
		return sou_err_set(err, SOU_EUNKNOWN, "%s: there is no replica", path);
	int rc = SOU_OK;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		    SQLITE_OK ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK ||
	    sqlite3_exec(db,
			 "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
			 "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;",
			 NULL, NULL, NULL) != SQLITE_OK)
		rc = fail(db, path, err);
	if (rc != SOU_OK) {
		(void)sqlite3_close_v2(db);
		return rc;
	}
	(void)sqlite3_busy_timeout(db, BUSY_MS);
	*out = db;
	return SOU_OK;
}

/* The one value of the one row; SOU_EUNKNOWN: no row. bytes NULL: a number into *number. */
static int value_of(sqlite3 *db, const char *sql, const char *name, void *bytes, size_t n,
		    uint64_t *number)
{
	sqlite3_stmt *statement = NULL;
	int rc = SOU_EUNKNOWN;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return code_of(db);
	if (name != NULL)
		(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	int step = sqlite3_step(statement);
	if (step == SQLITE_ROW && bytes == NULL) {
		*number = (uint64_t)sqlite3_column_int64(statement, 0);
		rc = SOU_OK;
	} else if (step == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(statement, 0);
		rc = p != NULL && (size_t)sqlite3_column_bytes(statement, 0) == n ? SOU_OK
										  : SOU_ECORRUPT;
		if (rc == SOU_OK)
			memcpy(bytes, p, n);
	} else if (step != SQLITE_DONE) {
		rc = code_of(db);
	}
	(void)sqlite3_finalize(statement);
	return rc;
}

static int read_facts(sqlite3 *db, struct soud_store_facts *f)
{
	static const char meta[] = "SELECT value FROM meta WHERE name = ?1";
	uint64_t number = 0, tables = 0, hub = 0;
	int rc = value_of(db, "PRAGMA application_id", NULL, NULL, 0, &number);
	if (rc == SOU_OK)
		rc = value_of(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, 0, &tables);
	if (rc != SOU_OK || tables == 0 || number != STORE_APPLICATION_ID)
		return rc != SOU_OK ? rc : SOU_EUNKNOWN;
	rc = value_of(db, "PRAGMA user_version", NULL, NULL, 0, &number);
	f->schema = (int)number;
	if (rc != SOU_OK || f->schema > STORE_SCHEMA_VERSION)
		return rc != SOU_OK ? rc : SOU_ETOONEW;
	const struct {
		const char *sql, *name;
		void *bytes;
		size_t n;
		uint64_t *number;
	} rows[] = {
		{"SELECT count(*) FROM log", NULL, NULL, 0, &f->entries},
		{"SELECT count(*) FROM authority", NULL, NULL, 0, &f->ops},
		{"SELECT count(*) FROM scope", NULL, NULL, 0, &f->scopes},
		{meta, "own", NULL, 0, &f->own},
		{meta, "hub", NULL, 0, &hub},
		{meta, "net", f->net.b, sizeof f->net.b, NULL},
		{meta, "site", f->site.b, sizeof f->site.b, NULL},
		{meta, "genesis", f->genesis.b, sizeof f->genesis.b, NULL},
		{meta, "site_key", f->site_key.b, sizeof f->site_key.b, NULL},
		{meta, "own_last", f->own_last.b, sizeof f->own_last.b, NULL},
	};
	for (size_t i = 0; rc == SOU_OK && i < sizeof rows / sizeof *rows; i++)
		rc = value_of(db, rows[i].sql, rows[i].name, rows[i].bytes, rows[i].n,
			      rows[i].number);
	f->hub = hub != 0;
	return rc;
}

int soud_store_facts(const char *path, struct soud_store_facts *out, struct sou_err *err)
{
	struct soud_store_facts f = {0};
	sqlite3 *db = NULL;
	int rc = open_aside(&db, path, err);
	if (rc != SOU_OK)
		return rc;
	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		rc = fail(db, path, err);
	if (rc == SOU_OK) {
		rc = read_facts(db, &f);
		if (rc == SOU_ETOONEW)
			(void)sou_err_set(err, rc, "store: %s has schema %d, newer than %d", path,
					  f.schema, STORE_SCHEMA_VERSION);
		else if (rc != SOU_OK)
			(void)sou_err_set(err, rc, "store: %s: %s", path,
					  rc == SOU_EUNKNOWN ? "there is no replica"
							     : sqlite3_errmsg(db));
	}
	(void)sqlite3_close_v2(db);
	if (rc == SOU_OK)
		*out = f;
	return rc;
}

struct copying {
	const char *to;
	uint64_t all;
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
};

static int on_progress(void *ctx)
{
	const struct copying *c = ctx;
	struct stat st;
	if (c->progress != NULL && stat(c->to, &st) == 0)
		c->progress(c->ctx, (uint64_t)st.st_size, c->all);
	return 0;
}

int soud_store_copy(const char *path, const char *to,
		    void (*progress)(void *ctx, uint64_t done, uint64_t all), void *ctx,
		    struct sou_err *err)
{
	struct copying c = {.to = to, .progress = progress, .ctx = ctx};
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	struct stat st;
	if (stat(to, &st) == 0)
		return sou_err_set(err, SOU_EEXIST, "%s: is there already", to);
	int rc = open_aside(&db, path, err);
	if (rc != SOU_OK)
		return rc;
	if (stat(path, &st) == 0)
		c.all = (uint64_t)st.st_size;
	sqlite3_progress_handler(db, PROGRESS_OPS, on_progress, &c);
	if (sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE)
		rc = fail(db, path, err);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close_v2(db);
	return rc;
}

int soud_store_restored(const char *path, const struct sou_id *instance, struct sou_err *err)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	int rc = open_aside(&db, path, err);
	if (rc != SOU_OK)
		return rc;
	if (sqlite3_exec(db,
			 "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
			 "PRAGMA secure_delete = ON; BEGIN IMMEDIATE",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "UPDATE meta SET value = ?1 WHERE name = 'instance'", -1,
			       &statement, NULL) != SQLITE_OK ||
	    sqlite3_bind_blob(statement, 1, instance->b, sizeof instance->b, SQLITE_STATIC) !=
		    SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE || sqlite3_changes(db) != 1 ||
	    sqlite3_exec(db,
			 "INSERT OR REPLACE INTO meta (name, value) VALUES ('unconfirmed', 0);"
			 "COMMIT",
			 NULL, NULL, NULL) != SQLITE_OK)
		rc = sou_err_set(err, SOU_ESTORE, "store: %s: %s", path, sqlite3_errmsg(db));
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close_v2(db);
	return rc;
}

int soud_store_fold(const char *path)
{
	sqlite3 *db = NULL;
	int rc = open_aside(&db, path, NULL);
	if (rc == SOU_OK)
		(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	/* Before its first read a connection does not know that there is a log. */
	if (rc == SOU_OK && (sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL,
					  NULL) != SQLITE_OK ||
			     sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
						       NULL) != SQLITE_OK))
		rc = code_of(db);
	(void)sqlite3_close_v2(db);
	return rc;
}

/* Over with zeros, then gone; through the VFS, so that a test's files go the same way. */
static int wipe(sqlite3_vfs *vfs, const char *path)
{
	static const uint8_t zeros[WIPE_BYTES];
	int there = 0, got = 0;
	if (vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there) != SQLITE_OK || there == 0)
		return SOU_OK;
	sqlite3_file *file = sqlite3_malloc(vfs->szOsFile);
	if (file == NULL)
		return SOU_ENOMEM;
	memset(file, 0, (size_t)vfs->szOsFile);
	int rc = SOU_EIO;
	if (vfs->xOpen(vfs, path, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB, &got) ==
	    SQLITE_OK) {
		sqlite3_int64 bytes = 0;
		int code = file->pMethods->xFileSize(file, &bytes);
		for (sqlite3_int64 at = 0; code == SQLITE_OK && at < bytes; at += WIPE_BYTES)
			code = file->pMethods->xWrite(
				file, zeros,
				bytes - at < WIPE_BYTES ? (int)(bytes - at) : WIPE_BYTES, at);
		if (code == SQLITE_OK)
			code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
		(void)file->pMethods->xClose(file);
		rc = code == SQLITE_OK ? SOU_OK : SOU_EIO;
	}
	sqlite3_free(file);
	return rc == SOU_OK && vfs->xDelete(vfs, path, 1) == SQLITE_OK ? SOU_OK : SOU_EIO;
}

int soud_store_forget_copies(const char *path, const char *vfs_name)
{
	static const char *const ends[] = {"", "-journal"};
	sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
	int rc = vfs != NULL ? SOU_OK : SOU_EIO;
	for (int n = 0; rc == SOU_OK && n <= STORE_SCHEMA_VERSION; n++) {
		for (size_t i = 0; rc == SOU_OK && i < sizeof ends / sizeof *ends; i++) {
			char *name = sqlite3_mprintf("%s-before-%d%s", path, n, ends[i]);
			/* A name that a VFS opens has SQLite's own form. */
			sqlite3_filename at =
				name != NULL ? sqlite3_create_filename(name, "", "", 0, NULL)
					     : NULL;
			rc = at != NULL ? wipe(vfs, at) : SOU_ENOMEM;
			sqlite3_free_filename(at);
			sqlite3_free(name);
		}
	}
	return rc;
}
