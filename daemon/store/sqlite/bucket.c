/* bucket.c - the state digest by buckets: hashed when asked, kept until one of their records
 * changes (R10, P10.6). A row in `bucket` says that its hash is good; a changed record takes it
 * away. */
#include "daemon/store/sqlite/db.h"

static int64_t bucket_key(uint32_t scope, unsigned bucket)
{
	return (int64_t)scope << 8 | bucket;
}

int store_bucket_touch(struct soud_store *s, uint32_t scope, uint8_t bucket)
{
	struct store_scope *known;
	int rc = store_scope_of(s, scope, &known);
	uint8_t bit = (uint8_t)(1u << bucket % 8);
	if (rc != SOU_OK || (known->clean[bucket / 8] & bit) == 0)
		return rc;
	sqlite3_stmt *statement = store_statement(s, STORE_BUCKET_END);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, bucket_key(scope, bucket));
	rc = store_done(s, statement, "bucket");
	if (rc == SOU_OK)
		known->clean[bucket / 8] &= (uint8_t)~bit;
	return rc;
}

enum { SEEKS_MAX = 16 }; /* of more dirty buckets than this the scope is read once instead */

/* The records of buckets first..last, read in order; NULL: failed. */
static sqlite3_stmt *records_of(struct soud_store *s, uint32_t scope, unsigned first, unsigned last,
				struct sou_id *from, uint8_t upto[17])
{
	*from = (struct sou_id){{(uint8_t)first}};
	memset(upto, last == 255 ? 0xff : 0, 17); /* of 255: longer than any entity */
	if (last < 255)
		upto[0] = (uint8_t)(last + 1);
	sqlite3_stmt *statement = store_statement(s, STORE_RECORD_BUCKET);
	if (statement == NULL)
		return NULL;
	sqlite3_bind_int64(statement, 1, scope);
	store_bind(statement, 2, from->b, sizeof from->b);
	store_bind(statement, 3, upto, last == 255 ? 17 : 16);
	return statement;
}

static int hash_bucket(struct soud_store *s, uint32_t scope, unsigned bucket,
		       struct sou_record *record, struct sou_buf *rows, struct sou_hash *out)
{
	struct sou_id from;
	uint8_t upto[17];
	sqlite3_stmt *statement = records_of(s, scope, bucket, bucket, &from, upto);
	if (statement == NULL)
		return store_why(s);
	sou_buf_clear(rows);
	int rc;
	while ((rc = store_row(s, statement, "record")) == SOU_OK) {
		rc = store_record_read(s, statement, NULL, record);
		if (rc != SOU_OK) {
			sqlite3_reset(statement);
			return rc;
		}
		sou_digest_rows(rows, record);
	}
	if (rc != SOU_EUNKNOWN)
		return rc;
	if (rows->failed)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	*out = sou_digest_bucket(sou_buf_span(rows));
	return SOU_OK;
}

/* All buckets that are not at hand, in one pass over the scope. */
static int hash_scope(struct soud_store *s, uint32_t scope, const bool have[SOU_BUCKETS],
		      struct sou_record *record, struct sou_buf *rows,
		      struct sou_hash buckets[SOU_BUCKETS])
{
	struct sou_id from;
	uint8_t upto[17];
	sqlite3_stmt *statement = records_of(s, scope, 0, 255, &from, upto);
	if (statement == NULL)
		return store_why(s);
	for (unsigned b = 0; b < SOU_BUCKETS; b++)
		if (!have[b])
			buckets[b] = (struct sou_hash){{0}};
	int rc;
	unsigned at = 0;
	sou_buf_clear(rows);
	while ((rc = store_row(s, statement, "record")) == SOU_OK) {
		struct sou_id entity;
		rc = store_fixed(s, statement, 3, entity.b, sizeof entity.b);
		if (rc == SOU_OK && have[sou_bucket_of(&entity)])
			continue;
		if (rc == SOU_OK)
			rc = store_record_read(s, statement, NULL, record);
		if (rc != SOU_OK) {
			sqlite3_reset(statement);
			return rc;
		}
		if (sou_bucket_of(&entity) != at && rows->n > 0) {
			buckets[at] = sou_digest_bucket(sou_buf_span(rows));
			sou_buf_clear(rows);
		}
		at = sou_bucket_of(&entity);
		sou_digest_rows(rows, record);
	}
	if (rc != SOU_EUNKNOWN)
		return rc;
	if (rows->failed)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	if (rows->n > 0)
		buckets[at] = sou_digest_bucket(sou_buf_span(rows));
	return SOU_OK;
}

static int keep(struct soud_store *s, uint32_t scope, unsigned bucket, const struct sou_hash *hash)
{
	struct store_scope *known;
	int rc = store_scope_of(s, scope, &known);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_BUCKET_PUT) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, bucket_key(scope, bucket));
	store_bind(statement, 2, hash->b, sizeof hash->b);
	rc = store_done(s, statement, "bucket");
	if (rc == SOU_OK)
		known->clean[bucket / 8] |= (uint8_t)(1u << bucket % 8);
	return rc;
}

static int read_kept(struct soud_store *s, uint32_t scope, struct sou_hash buckets[SOU_BUCKETS],
		     bool have[SOU_BUCKETS])
{
	sqlite3_stmt *statement = store_statement(s, STORE_BUCKETS);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, bucket_key(scope, 0));
	sqlite3_bind_int64(statement, 2, bucket_key(scope, 255));
	int rc;
	while ((rc = store_row(s, statement, "bucket")) == SOU_OK) {
		unsigned bucket = (unsigned)(sqlite3_column_int64(statement, 0) & 0xff);
		rc = store_fixed(s, statement, 1, buckets[bucket].b, sizeof buckets[bucket].b);
		if (rc != SOU_OK) {
			sqlite3_reset(statement);
			return rc;
		}
		have[bucket] = true;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_store_state_digest(struct soud_store *s, uint32_t scope, struct sou_hash *out)
{
	struct sou_hash buckets[SOU_BUCKETS];
	bool have[SOU_BUCKETS] = {false};
	struct sou_record record = {0};
	struct sou_buf rows = {0};
	bool keeps = s->mode == SOUD_STORE_WRITER && s->open;
	int rc = read_kept(s, scope, buckets, have);
	unsigned dirty = 0;
	for (unsigned b = 0; b < SOU_BUCKETS; b++)
		dirty += !have[b];
	bool once = dirty > SEEKS_MAX;
	if (rc == SOU_OK && once)
		rc = hash_scope(s, scope, have, &record, &rows, buckets);
	for (unsigned b = 0; b < SOU_BUCKETS && rc == SOU_OK; b++) {
		if (have[b])
			continue;
		if (!once)
			rc = hash_bucket(s, scope, b, &record, &rows, &buckets[b]);
		if (rc == SOU_OK && keeps)
			rc = keep(s, scope, b, &buckets[b]);
	}
	if (rc == SOU_OK)
		*out = sou_digest_state(buckets);
	sou_record_fini(&record);
	sou_buf_fini(&rows);
	return rc;
}
