/* db.h - what the files of the SQLite store share: the handle, its statements, its one way to fail.
 * Nobody outside this folder includes it. */
#ifndef SOUD_STORE_SQLITE_DB_H
#define SOUD_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "daemon/store/store.h"
#include "proto/crypto.h"
#include "proto/digest.h"
#include "proto/entry.h"
#include "proto/grow.h"

#define STORE_SCHEMA_VERSION 2
#define STORE_APPLICATION_ID 0x534f554b /* "SOUK": what `file` and a repair tool see */

#define STORE_LOG_COLUMNS    "key, state, received_ms, source, id, header, sig, payload"
#define STORE_RECORD_COLUMNS "id, scope, kind, entity, state, trail, body"

/* X(name, SQL): prepared when first used, kept until the handle goes. */
#define STORE_STATEMENTS(X)                                                                        \
	X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                          \
	X(BEGIN_READ, "BEGIN")                                                                     \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(TOUCH, "SELECT 1 FROM meta LIMIT 1")                                                     \
	X(DATA_VERSION, "PRAGMA data_version")                                                     \
	X(META_GET, "SELECT value FROM meta WHERE name = ?1")                                      \
	X(META_PUT, "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")                   \
	X(META_END, "DELETE FROM meta WHERE name = ?1")                                            \
	X(OP_APPEND,                                                                               \
	  "INSERT INTO authority (number, id, received_ms, op, sigs) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(OP_NEXT, "SELECT number, id, received_ms, op, sigs FROM authority WHERE number > ?1"     \
		   " ORDER BY number LIMIT 1")                                                     \
	X(OP_LAST, "SELECT number FROM authority ORDER BY number DESC LIMIT 1")                    \
	X(SCOPE_ADD, "INSERT INTO scope (number, id) VALUES (?1, ?2)")                             \
	X(SCOPE_FIND, "SELECT number FROM scope WHERE id = ?1")                                    \
	X(SCOPE_ID, "SELECT id FROM scope WHERE number = ?1")                                      \
	X(SCOPE_COUNT, "SELECT number FROM scope ORDER BY number DESC LIMIT 1")                    \
	X(LOG_LAST, "SELECT key FROM log WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1")   \
	X(LOG_APPEND, "INSERT INTO log (" STORE_LOG_COLUMNS ")"                                    \
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                  \
	X(LOG_GET, "SELECT " STORE_LOG_COLUMNS " FROM log WHERE key = ?1")                         \
	X(LOG_STATE, "SELECT state FROM log WHERE key = ?1")                                       \
	X(LOG_NEXT, "SELECT " STORE_LOG_COLUMNS " FROM log WHERE key > ?1 AND key <= ?2"           \
		    " ORDER BY key")                                                               \
	X(LOG_HELD, "SELECT count(*) FROM log INDEXED BY log_held"                                 \
		    " WHERE key BETWEEN ?1 AND ?2 AND (state & 15) <> 0")                          \
	X(LOG_OWN, "SELECT count(*) FROM log INDEXED BY log_own"                                   \
		   " WHERE key BETWEEN ?1 AND ?2 AND source = 0")                                  \
	X(LOG_OWN_HELD, "SELECT count(*) FROM log INDEXED BY log_held"                             \
			" WHERE key BETWEEN ?1 AND ?2 AND source = 0 AND (state & 15) <> 0")       \
	X(LOG_END, "DELETE FROM log WHERE key = ?1")                                               \
	X(LOG_SHIFT, "UPDATE log SET key = key - ?3 WHERE key > ?1 AND key < ?2")                  \
	X(LOG_SET_STATE, "UPDATE log SET state = ?2 WHERE key = ?1")                               \
	X(LOG_SET_PAYLOAD, "UPDATE log SET state = ?2, payload = ?3 WHERE key = ?1")               \
	X(LOG_SET_SIGNATURE, "UPDATE log SET state = ?2, sig = ?3 WHERE key = ?1")                 \
	X(LOG_REPAIR, "UPDATE log SET state = ?2, id = ?3, header = ?4, sig = ?5, payload = ?6"    \
		      " WHERE key = ?1")                                                           \
	X(FEED_ADD, "INSERT OR IGNORE INTO feed (site, key, scope) VALUES (?1, ?2, ?3)")           \
	X(FEED_OF_SITE, "SELECT DISTINCT scope FROM feed WHERE site = ?1 ORDER BY scope")          \
	X(FEED_OF_KEY, "SELECT scope FROM feed WHERE site = ?1 AND key = ?2 ORDER BY scope")       \
	X(FEED_ALL, "SELECT site, key, scope FROM feed ORDER BY site, key, scope")                 \
	X(PEER_ADD, "INSERT INTO peer (number, site, log) VALUES (?1, ?2, ?3)")                    \
	X(PEER_FIND, "SELECT number FROM peer WHERE site = ?1 AND log = ?2")                       \
	X(PEER_NEXT,                                                                               \
	  "SELECT number, site, log FROM peer WHERE number > ?1 ORDER BY number LIMIT 1")          \
	X(PEER_LAST, "SELECT number FROM peer ORDER BY number DESC LIMIT 1")                       \
	X(PEER_OLD,                                                                                \
	  "SELECT number FROM peer WHERE site = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2")        \
	X(PEER_END, "DELETE FROM peer WHERE number = ?1")                                          \
	X(POSITION_END, "DELETE FROM position WHERE key BETWEEN ?1 AND ?2")                        \
	X(POSITION_GET, "SELECT have, acked, acked_ms FROM position WHERE key = ?1")               \
	X(POSITION_PUT,                                                                            \
	  "INSERT OR REPLACE INTO position (key, have, acked, acked_ms) VALUES (?1, ?2, ?3, ?4)")  \
	X(RECORD_GET, "SELECT " STORE_RECORD_COLUMNS " FROM record"                                \
		      " WHERE scope = ?1 AND entity = ?2 AND kind = ?3")                           \
	X(RECORD_NEXT, "SELECT " STORE_RECORD_COLUMNS " FROM record"                               \
		       " WHERE scope = ?1 AND (entity, kind) > (?2, ?3) AND kind = ?4"             \
		       " AND state > 0 ORDER BY entity, kind")                                     \
	X(RECORD_EACH, "SELECT " STORE_RECORD_COLUMNS " FROM record"                               \
		       " WHERE scope = ?1 AND (entity, kind) > (?2, ?3) AND state >= ?4"           \
		       " ORDER BY entity, kind")                                                   \
	X(RECORD_BUCKET, "SELECT " STORE_RECORD_COLUMNS " FROM record"                             \
			 " WHERE scope = ?1 AND entity >= ?2 AND entity < ?3 AND state > 0"        \
			 " ORDER BY entity, kind")                                                 \
	X(RECORD_MARKED, "SELECT " STORE_RECORD_COLUMNS " FROM record"                             \
			 " WHERE state > 3 AND id > ?1 ORDER BY id LIMIT 1")                       \
	X(RECORD_ADD, "INSERT INTO record (" STORE_RECORD_COLUMNS ")"                              \
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                      \
	X(RECORD_SET, "UPDATE record SET state = ?2, trail = ?3, body = ?4 WHERE id = ?1")         \
	X(RECORD_LAST, "SELECT id FROM record ORDER BY id DESC LIMIT 1")                           \
	X(GAP_END, "DELETE FROM gap WHERE record = ?1")                                            \
	X(GAP_ADD, "INSERT INTO gap (scope, version, record, field) VALUES (?1, ?2, ?3, ?4)")      \
	X(GAP_FIND, "SELECT record.kind, record.entity, record.id FROM gap"                        \
		    " JOIN record ON record.id = gap.record"                                       \
		    " WHERE gap.scope = ?1 AND gap.version = ?2 AND gap.record > ?3"               \
		    " ORDER BY gap.record LIMIT 1")                                                \
	X(GAP_COUNT, "SELECT count(*) FROM gap")                                                   \
	X(TRAIL_ADD, "INSERT INTO trail (number, before, arrival) VALUES (?1, ?2, ?3)")            \
	X(TRAIL_GET, "SELECT before, arrival FROM trail WHERE number = ?1")                        \
	X(TRAIL_LAST, "SELECT number FROM trail ORDER BY number DESC LIMIT 1")                     \
	X(BUCKETS, "SELECT key, hash FROM bucket WHERE key BETWEEN ?1 AND ?2 ORDER BY key")        \
	X(BUCKET_PUT, "INSERT OR REPLACE INTO bucket (key, hash) VALUES (?1, ?2)")                 \
	X(BUCKET_END, "DELETE FROM bucket WHERE key = ?1")                                         \
	X(DRAFT_ADD, "INSERT INTO draft (scope, changed_ms, body) VALUES (?1, ?2, ?3)")            \
	X(DRAFT_SET, "UPDATE draft SET scope = ?2, changed_ms = ?3, body = ?4 WHERE number = ?1")  \
	X(DRAFT_NEXT, "SELECT number, scope, changed_ms, body FROM draft WHERE number > ?1"        \
		      " ORDER BY number LIMIT 1")                                                  \
	X(DRAFT_END, "DELETE FROM draft WHERE number = ?1")                                        \
	X(COUNT_HELD, "SELECT state & 15, count(*) FROM log WHERE (state & 15) <> 0 GROUP BY 1")   \
	X(COUNT_LATER, "SELECT count(*) FROM (SELECT 1 FROM log WHERE key > ?1 AND key <= ?2"      \
		       " AND source <> ?3 LIMIT ?4)")                                              \
	X(POSITIONS, "SELECT key & 16777215, acked FROM position WHERE key >= ?1 AND key <= ?2")   \
	X(COUNT_OWN_FIRST, "SELECT received_ms FROM log WHERE source = 0 AND key > ?1"             \
			   " AND key <= ?2 ORDER BY key LIMIT 1")                                  \
	X(CHECK_QUICK, "PRAGMA quick_check(1)")                                                    \
	X(CHECK_WHOLE, "PRAGMA integrity_check(1)")                                                \
	X(CLEAR_RECORDS, "DELETE FROM record")                                                     \
	X(CLEAR_GAPS, "DELETE FROM gap")                                                           \
	X(CLEAR_TRAILS, "DELETE FROM trail")                                                       \
	X(CLEAR_BUCKETS, "DELETE FROM bucket")                                                     \
	X(CLEAR_FEEDS, "DELETE FROM feed")

enum store_statement {
#define X(name, sql) STORE_##name,
	STORE_STATEMENTS(X)
#undef X
		STORE_STATEMENT_COUNT,
};

struct store_scope {       /* what a writer remembers of a scope; index = number - 1 */
	uint64_t last;     /* arrival */
	uint64_t fresh;    /* first arrival appended and not merged; 0: none */
	uint8_t clean[32]; /* bit b: bucket b has its hash in the table */
	bool known;        /* last and clean were read */
};

struct store_feed {
	struct sou_id site, key;
	uint32_t scope;
	bool used;
};

struct store_span { /* rows written by this transaction, to be read back */
	uint32_t scope;
	uint64_t first, last;
};

struct store_rewritten { /* a payload that this transaction put in place of another */
	int64_t key;
	uint32_t order;
	struct sou_hash hash;
};

struct soud_store {
	sqlite3 *db;
	enum soud_store_mode mode;
	bool open, broken; /* open: in a transaction */
	struct sou_err err;
	uint32_t wal_pages_max;
	int wal_pages;
	sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
	struct sou_buf held[4]; /* what was read outside a transaction: see store_hold */

	/* writer: true while the transaction stands, forgotten on rollback */
	bool cached;
	struct store_scope *scopes;
	uint32_t scope_count, scope_room;
	struct store_feed *feeds; /* open addressing, room a power of two */
	uint32_t feed_count, feed_room;
	uint64_t record_last, trail_last;
	uint64_t gap_count;
	bool stale, stale_kept; /* kept: as it was when the transaction began */
	uint64_t late_count; /* payloads that this transaction put behind headers, not merged yet */
	struct store_rewritten *rewritten;
	uint32_t rewritten_count, rewritten_room;
	struct store_span *written;
	uint32_t written_count, written_room;
	struct sou_hasher *wrote;   /* over what was to be written (R6) */
	struct sou_buf body;        /* record being packed */
	struct sou_payload payload; /* of which a value was asked for last */

	/* log_next and record_next read on from here, inside a transaction only */
	enum store_statement log_running, record_running; /* STORE_STATEMENT_COUNT: neither */
	int64_t log_at;
	uint32_t record_scope;
	uint16_t record_kind, record_at_kind;
	struct sou_id record_at;
};

enum { HELD_LOG = 0, HELD_META, HELD_OP, HELD_DRAFT };

/* schema.c: tables as of STORE_SCHEMA_VERSION. SOU_ETOONEW. *stale: the derived ones are empty. */
int store_migrate(sqlite3 *db, const char *path, bool *stale, struct sou_err *err);

/* The one way to fail: sets the sentence and, in a writer, `broken`. Returns our code. */
int store_fail(struct soud_store *s, const char *what);
static inline int store_refuse(struct soud_store *s, int rc, const char *text)
{ /* not SQLite's fault */
	SOU_ASSERT(rc != SOU_OK);
	(void)sou_err_set(&s->err, rc, "store: %s", text);
	return rc;
}
/* The code of the failure that was just told. */
static inline int store_why(const struct soud_store *s)
{
	SOU_ASSERT(s->err.rc != SOU_OK);
	return s->err.rc;
}

/* NULL on failure (store_fail was called). Reset. */
sqlite3_stmt *store_statement(struct soud_store *s, enum store_statement which);
/* Step once. SOU_OK: a row is there. SOU_EUNKNOWN: none, and the statement is reset. */
int store_row(struct soud_store *s, sqlite3_stmt *statement, const char *what);
/* Step to the end and reset: for what gives no rows. */
int store_done(struct soud_store *s, sqlite3_stmt *statement, const char *what);
/* One integer from a statement without parameters or with its parameters bound; `none` for no row.
 */
int store_number(struct soud_store *s, sqlite3_stmt *statement, uint64_t none, uint64_t *out,
		 const char *what);
/* For a writer inside a transaction; otherwise a refusal. */
int store_may_write(struct soud_store *s);
int store_usable(struct soud_store *s);

static inline struct sou_span store_blob(sqlite3_stmt *statement, int column)
{
	const void *p = sqlite3_column_blob(statement, column);
	struct sou_span span = {p, (size_t)sqlite3_column_bytes(statement, column)};
	return span;
}
/* Exactly n bytes, or SOU_ECORRUPT. */
int store_fixed(struct soud_store *s, sqlite3_stmt *statement, int column, void *out, size_t n);
static inline void store_bind(sqlite3_stmt *statement, int index, const void *bytes, size_t n)
{
	sqlite3_bind_blob(statement, index, n > 0 ? bytes : "", (int)n, SQLITE_STATIC);
}
/* Outside a transaction a statement may not stay open: its view of the replica would. Copies the
 * spans into the handle's memory and resets. */
int store_hold(struct soud_store *s, sqlite3_stmt *statement, int which, struct sou_span **spans,
	       size_t count);

/* log.c: what a writer remembers of a scope, read when first asked for. */
int store_scope_of(struct soud_store *s, uint32_t number, struct store_scope **out);
int store_read_back(struct soud_store *s);
void store_forget(struct soud_store *s); /* all that a writer remembers */

/* record.c, bucket.c */
int store_record_read(struct soud_store *s, sqlite3_stmt *statement, uint32_t *scope,
		      struct sou_record *out);
int store_bucket_touch(struct soud_store *s, uint32_t scope, uint8_t bucket);

static inline int64_t store_key(uint32_t scope, uint64_t arrival)
{
	return (int64_t)((uint64_t)scope << 40 | arrival);
}

#endif
