/* open.c - the handle: opened, its statements, its transactions, its one way to fail (R6, R21). */
#include <stdlib.h>

#include "daemon/store/sqlite/db.h"

static const char *const sql_of[] = {
#define X(name, sql) (sql),
	STORE_STATEMENTS(X)
#undef X
};

/* A full disk takes the transaction, not the handle; so does want of memory. All else breaks a
 * writer. */
int store_fail(struct soud_store *s, const char *what)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	const char *text = sqlite3_errmsg(s->db);
	if (code == SQLITE_NOMEM)
		return sou_err_set(&s->err, SOU_ENOMEM, "store: %s: no memory", what);
	if (code == SQLITE_FULL)
		return sou_err_set(&s->err, SOU_EFULL, "store: %s: no room on the disk", what);
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return sou_err_set(&s->err, SOU_EBUSY, "store: %s: in use by another", what);
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
	if (s->mode == SOUD_STORE_WRITER && !damaged)
		s->broken = true;
	return sou_err_set(&s->err, damaged ? SOU_ECORRUPT : SOU_ESTORE, "store: %s: %s", what,
			   text);
}

int store_usable(struct soud_store *s)
{
	return s->broken ? store_refuse(s, SOU_ESTORE, "an earlier write failed: open it anew")
			 : SOU_OK;
}

int store_may_write(struct soud_store *s)
{
	SOU_ASSERT(s->mode == SOUD_STORE_WRITER);
	SOU_ASSERT(s->open || s->broken);
	int rc = store_usable(s);
	if (rc == SOU_OK && sqlite3_get_autocommit(s->db)) /* a full disk took the transaction */
		rc = store_refuse(s, SOU_EFULL, "an earlier write found no room: roll back");
	return rc;
}

sqlite3_stmt *store_statement(struct soud_store *s, enum store_statement which)
{
	if (store_usable(s) != SOU_OK)
		return NULL;
	if (s->statements[which] == NULL &&
	    sqlite3_prepare_v3(s->db, sql_of[which], -1, SQLITE_PREPARE_PERSISTENT,
			       &s->statements[which], NULL) != SQLITE_OK) {
		(void)store_fail(s, "statement");
		return NULL;
	}
	sqlite3_reset(s->statements[which]);
	if (s->log_running == which)
		s->log_running = STORE_STATEMENT_COUNT;
	if (s->record_running == which)
		s->record_running = STORE_STATEMENT_COUNT;
	return s->statements[which];
}

int store_row(struct soud_store *s, sqlite3_stmt *statement, const char *what)
{
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		return SOU_OK;
	int rc = code == SQLITE_DONE ? SOU_EUNKNOWN : store_fail(s, what);
	sqlite3_reset(statement);
	return rc;
}

int store_done(struct soud_store *s, sqlite3_stmt *statement, const char *what)
{
	int code = sqlite3_step(statement);
	int rc = code == SQLITE_DONE || code == SQLITE_ROW ? SOU_OK : store_fail(s, what);
	sqlite3_reset(statement);
	return rc;
}

int store_number(struct soud_store *s, sqlite3_stmt *statement, uint64_t none, uint64_t *out,
		 const char *what)
{
	if (statement == NULL)
		return store_why(s);
	int rc = store_row(s, statement, what);
	if (rc == SOU_EUNKNOWN) {
		*out = none;
		return SOU_OK;
	}
	if (rc != SOU_OK)
		return rc;
	*out = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return SOU_OK;
}

int store_fixed(struct soud_store *s, sqlite3_stmt *statement, int column, void *out, size_t n)
{
	struct sou_span span = store_blob(statement, column);
	if (span.n != n)
		return store_refuse(s, SOU_ECORRUPT, "a stored name has another length");
	memcpy(out, span.p, n);
	return SOU_OK;
}

int store_hold(struct soud_store *s, sqlite3_stmt *statement, int which, struct sou_span **spans,
	       size_t count)
{
	if (s->open)
		return SOU_OK;
	struct sou_buf *held = &s->held[which];
	size_t at[4], total = 0;
	SOU_ASSERT(count <= 4);
	sou_buf_clear(held);
	for (size_t i = 0; i < count; i++) {
		at[i] = total;
		total += spans[i]->n;
		sou_buf_put(held, spans[i]->p, spans[i]->n);
	}
	sqlite3_reset(statement);
	if (held->failed)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	for (size_t i = 0; i < count; i++)
		spans[i]->p = held->p != NULL ? held->p + at[i] : NULL;
	return SOU_OK;
}

static int on_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	struct soud_store *s = ctx;
	s->wal_pages = pages;
	return SQLITE_OK;
}

static int pragma(struct soud_store *s, const char *sql)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return SOU_OK;
	int rc = store_fail(s, "settings");
	s->broken = false;
	return rc;
}

static int cache_size(struct soud_store *s, const struct soud_store_options *o)
{
	uint32_t bytes = o != NULL && o->cache_bytes != 0 ? o->cache_bytes
			 : s->mode == SOUD_STORE_WRITER   ? 64u << 20
							  : 16u << 20;
	char *sql = sqlite3_mprintf("PRAGMA cache_size = -%u", bytes / 1024);
	if (sql == NULL)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	int rc = pragma(s, sql);
	sqlite3_free(sql);
	return rc;
}

static int settings(struct soud_store *s, const struct soud_store_options *o)
{
	int rc = SOU_OK;
	(void)sqlite3_busy_timeout(s->db, s->mode == SOUD_STORE_WRITER ? 0 : 2000);
	if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
		rc = store_fail(s, "settings");
	if (rc == SOU_OK)
		rc = pragma(s, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
			       "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;");
	if (rc == SOU_OK)
		rc = cache_size(s, o);
	if (rc == SOU_OK && s->mode == SOUD_STORE_WRITER)
		rc = pragma(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			       "PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;");
	if (rc == SOU_OK && s->mode == SOUD_STORE_READER)
		rc = pragma(s, "PRAGMA query_only = ON;");
	return rc;
}

/* A reader never makes or migrates; it must find the schema that it knows. */
static int check_schema(struct soud_store *s, const char *path)
{
	if (s->mode == SOUD_STORE_WRITER) {
		int rc = store_migrate(s->db, path, &s->stale, &s->err);
		return rc;
	}
	sqlite3_stmt *statement = NULL;
	int rc = SOU_ESTORE;
	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW) {
		int version = sqlite3_column_int(statement, 0);
		rc = version == STORE_SCHEMA_VERSION ? SOU_OK
		     : version > STORE_SCHEMA_VERSION
			     ? store_refuse(s, SOU_ETOONEW, "made by newer software")
			     : store_refuse(s, SOU_ESTORE, "not migrated yet");
	} else {
		rc = store_fail(s, "schema");
	}
	sqlite3_finalize(statement);
	return rc;
}

int soud_store_open(struct soud_store **out, const char *path, enum soud_store_mode mode,
		    const struct soud_store_options *options, struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	struct soud_store *s = calloc(1, sizeof *s);
	if (s == NULL)
		return sou_err_set(err, SOU_ENOMEM, "store: no memory");
	s->mode = mode;
	s->log_running = s->record_running = STORE_STATEMENT_COUNT;
	s->wal_pages_max = options != NULL && options->wal_pages != 0 ? options->wal_pages : 4000;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE;
	if (mode == SOUD_STORE_WRITER)
		flags |= SQLITE_OPEN_CREATE;
	int rc = sou_hasher_new(&s->wrote);
	if (rc != SOU_OK)
		(void)store_refuse(s, rc, "no memory");
	if (rc == SOU_OK && sqlite3_open_v2(path, &s->db, flags,
					    options != NULL ? options->vfs : NULL) != SQLITE_OK) {
		int code = sqlite3_errcode(s->db) & 0xff;
		int ours = code == SQLITE_CANTOPEN ? SOU_EUNKNOWN
			   : code == SQLITE_NOMEM  ? SOU_ENOMEM
						   : SOU_ESTORE;
		rc = sou_err_set(&s->err, ours, "store: open %s: %s", path, sqlite3_errmsg(s->db));
	}
	if (rc == SOU_OK)
		rc = settings(s, options);
	if (rc == SOU_OK)
		rc = check_schema(s, path);
	if (rc == SOU_OK && store_statement(s, STORE_ROLLBACK) == NULL)
		rc = store_why(s);
	if (rc != SOU_OK) {
		if (err != NULL)
			*err = s->err;
		soud_store_free(s);
		return rc;
	}
	(void)sqlite3_wal_hook(s->db, on_wal, s);
	*out = s;
	return SOU_OK;
}

void soud_store_free(struct soud_store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++)
		(void)sqlite3_finalize(s->statements[i]);
	(void)sqlite3_close_v2(s->db); /* rolls back what is open */
	for (size_t i = 0; i < sizeof s->held / sizeof *s->held; i++)
		sou_buf_fini(&s->held[i]);
	sou_buf_fini(&s->body);
	sou_payload_fini(&s->payload);
	sou_hasher_free(s->wrote);
	free(s->scopes);
	free(s->feeds);
	free(s->written);
	free(s->rewritten);
	free(s);
}

const struct sou_err *soud_store_error(const struct soud_store *s)
{
	return &s->err;
}

bool soud_store_broken(const struct soud_store *s)
{
	return s->broken;
}

bool soud_store_in_transaction(const struct soud_store *s)
{
	return s->open;
}

bool soud_store_stale(const struct soud_store *s)
{
	return s->stale;
}

static void end_reads(struct soud_store *s)
{
	for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++)
		if (s->statements[i] != NULL)
			sqlite3_reset(s->statements[i]);
	s->log_running = s->record_running = STORE_STATEMENT_COUNT;
}

/* Prepared when the handle was opened: the way out may not want memory. */
static bool roll_back(struct soud_store *s)
{
	sqlite3_stmt *statement = s->statements[STORE_ROLLBACK];
	if (sqlite3_get_autocommit(s->db))
		return true;
	(void)sqlite3_step(statement);
	(void)sqlite3_reset(statement);
	return sqlite3_get_autocommit(s->db) != 0;
}

int soud_store_begin(struct soud_store *s)
{
	SOU_ASSERT(!s->open);
	bool writer = s->mode == SOUD_STORE_WRITER;
	if (!roll_back(s)) /* of a reader whose last one could not end */
		return store_fail(s, "begin");
	sqlite3_stmt *statement = store_statement(s, writer ? STORE_BEGIN_WRITE : STORE_BEGIN_READ);
	if (statement == NULL)
		return store_why(s);
	int rc = store_done(s, statement, "begin");
	if (rc != SOU_OK)
		return rc;
	s->open = true;
	s->stale_kept = s->stale;
	s->written_count = 0;
	sou_hasher_begin(s->wrote, SOU_DOMAIN_NONE);
	if (writer)
		return SOU_OK;
	statement =
		store_statement(s, STORE_TOUCH); /* the view begins now, not at the first read */
	rc = statement != NULL ? store_done(s, statement, "begin") : store_why(s);
	if (rc != SOU_OK)
		soud_store_rollback(s);
	return rc;
}

static int refuse_unmerged(struct soud_store *s)
{
	for (uint32_t i = 0; i < s->scope_count; i++)
		if (s->scopes[i].fresh != 0)
			return store_refuse(s, SOU_ESTATE, "entries that are not merged");
	if (s->late_count > 0)
		return store_refuse(s, SOU_ESTATE, "payloads that are not merged");
	return SOU_OK;
}

int soud_store_commit(struct soud_store *s)
{
	SOU_ASSERT(s->open);
	if (s->mode == SOUD_STORE_READER) {
		soud_store_rollback(s);
		return SOU_OK;
	}
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = refuse_unmerged(s);
	if (rc == SOU_OK)
		rc = store_read_back(s);
	end_reads(s);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_COMMIT) : NULL;
	if (rc == SOU_OK)
		rc = statement != NULL ? store_done(s, statement, "commit") : store_why(s);
	if (rc != SOU_OK) {
		struct sou_err err = s->err;
		soud_store_rollback(s);
		s->err = err;
		return rc;
	}
	s->open = false;
	return SOU_OK;
}

void soud_store_rollback(struct soud_store *s)
{
	if (!s->open)
		return;
	end_reads(s);
	s->open = false;
	s->stale = s->stale_kept;
	if (!roll_back(s) && s->mode == SOUD_STORE_WRITER)
		s->broken = true;
	store_forget(s);
}

int soud_store_checkpoint(struct soud_store *s, bool whole)
{
	SOU_ASSERT(s->mode == SOUD_STORE_WRITER);
	SOU_ASSERT(!s->open);
	int rc = store_usable(s);
	if (rc != SOU_OK || (!whole && (uint32_t)s->wal_pages < s->wal_pages_max))
		return rc;
	int mode = whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	int code = sqlite3_wal_checkpoint_v2(s->db, NULL, mode, NULL, NULL);
	if (code == SQLITE_OK) {
		s->wal_pages = 0;
		return SOU_OK;
	}
	if (code == SQLITE_BUSY) /* readers hold a part of it: the next one takes it */
		return whole ? store_refuse(s, SOU_EBUSY, "a reader holds the log") : SOU_OK;
	return store_fail(s, "checkpoint");
}

int soud_store_data_version(struct soud_store *s, uint64_t *out)
{
	return store_number(s, store_statement(s, STORE_DATA_VERSION), 0, out, "version");
}

int soud_store_check(struct soud_store *s, bool thorough)
{
	sqlite3_stmt *statement =
		store_statement(s, thorough ? STORE_CHECK_WHOLE : STORE_CHECK_QUICK);
	if (statement == NULL)
		return store_why(s);
	int rc = store_row(s, statement, "check");
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? SOU_OK : rc;
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	if (text == NULL || strcmp(text, "ok") != 0)
		rc = sou_err_set(&s->err, SOU_ECORRUPT, "store: check: %s",
				 text != NULL ? text : "?");
	sqlite3_reset(statement);
	return rc;
}
