/* log.c - the entries, in order of arrival, and what a writer remembers of each scope (R6). state
 * packs what changes of a row: verdict, shown, late; and what does not: kind, body, whether its
 * signature was checked. */
#include <stdlib.h>

#include "daemon/store/sqlite/db.h"

enum { STATE_VERDICT = 0x0f, STATE_SHOWN = 0x10, STATE_CHECKED = 0x20, STATE_LATE = 0x40 };

static int64_t state_pack(const struct soud_row *row)
{
	return (int64_t)((row->verdict & STATE_VERDICT) | (row->shown ? STATE_SHOWN : 0) |
			 (row->sig_checked ? STATE_CHECKED : 0) | (row->late ? STATE_LATE : 0) |
			 (uint32_t)row->kind << 8 | (uint32_t)row->body << 12);
}

static void state_unpack(int64_t state, struct soud_row *row)
{
	row->verdict = (uint8_t)(state & STATE_VERDICT);
	row->shown = (state & STATE_SHOWN) != 0;
	row->sig_checked = (state & STATE_CHECKED) != 0;
	row->late = (state & STATE_LATE) != 0;
	row->kind = (uint8_t)(state >> 8 & 0x0f);
	row->body = (uint8_t)(state >> 12 & 0x0f);
}

void store_forget(struct soud_store *s)
{
	for (uint32_t i = 0; i < s->scope_count; i++)
		s->scopes[i] = (struct store_scope){0};
	for (uint32_t i = 0; i < s->feed_room; i++)
		s->feeds[i].used = false;
	s->feed_count = 0;
	s->written_count = 0;
	s->cached = false;
	s->rewritten_count = s->late_count = 0;
	sou_hasher_begin(s->wrote, SOU_DOMAIN_NONE);
	s->record_last = s->trail_last = 0;
}

static int read_last(struct soud_store *s, uint32_t scope, uint64_t *last)
{
	sqlite3_stmt *statement = store_statement(s, STORE_LOG_LAST);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, store_key(scope, 0));
	sqlite3_bind_int64(statement, 2, store_key(scope, SOUD_ARRIVAL_MAX));
	uint64_t key;
	int rc = store_number(s, statement, 0, &key, "log");
	if (rc == SOU_OK)
		*last = key & SOUD_ARRIVAL_MAX;
	return rc;
}

int store_scope_of(struct soud_store *s, uint32_t number, struct store_scope **out)
{
	SOU_ASSERT(number >= 1 && number <= SOUD_SCOPE_NUMBER_MAX);
	if (number > s->scope_count) {
		struct store_scope *v = sou_grow(s->scopes, &s->scope_room, s->scope_count,
						 number - s->scope_count, sizeof *v);
		if (v == NULL)
			return store_refuse(s, SOU_ENOMEM, "no memory");
		s->scopes = v;
		memset(v + s->scope_count, 0, (number - s->scope_count) * sizeof *v);
		s->scope_count = number;
	}
	struct store_scope *scope = &s->scopes[number - 1];
	if (!scope->known) {
		int rc = read_last(s, number, &scope->last);
		sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_BUCKETS) : NULL;
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, (int64_t)number << 8);
		sqlite3_bind_int64(statement, 2, (int64_t)number << 8 | 0xff);
		while ((rc = store_row(s, statement, "bucket")) == SOU_OK) {
			unsigned bucket = (unsigned)(sqlite3_column_int64(statement, 0) & 0xff);
			scope->clean[bucket / 8] |= (uint8_t)(1u << bucket % 8);
		}
		if (rc != SOU_EUNKNOWN)
			return rc;
		scope->known = true;
	}
	*out = scope;
	return SOU_OK;
}

int soud_store_scope_last(struct soud_store *s, uint32_t scope, uint64_t *arrival)
{
	if (s->mode == SOUD_STORE_READER || !s->open)
		return read_last(s, scope, arrival);
	struct store_scope *known;
	int rc = store_scope_of(s, scope, &known);
	if (rc == SOU_OK)
		*arrival = known->last;
	return rc;
}

/* --- writing --- */

/* What the read-back must find again. */
static void note_row(struct sou_hasher *h, int64_t key, const uint8_t *id, struct sou_span header,
		     struct sou_span payload)
{
	uint64_t sizes[3] = {(uint64_t)key, header.n, payload.n};
	sou_hasher_put(h, sizes, sizeof sizes);
	sou_hasher_put(h, id, 32);
	sou_hasher_put(h, header.p, header.n);
	if (payload.n > 0)
		sou_hasher_put(h, payload.p, payload.n);
}

static int note_written(struct soud_store *s, uint32_t scope, uint64_t arrival)
{
	struct store_span *last = s->written_count > 0 ? &s->written[s->written_count - 1] : NULL;
	if (last != NULL && last->scope == scope && last->last + 1 == arrival) {
		last->last = arrival;
		return SOU_OK;
	}
	struct store_span *v =
		sou_grow(s->written, &s->written_room, s->written_count, 1, sizeof *v);
	if (v == NULL)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	s->written = v;
	v[s->written_count++] = (struct store_span){scope, arrival, arrival};
	return SOU_OK;
}

static void bind_blob_or_null(sqlite3_stmt *statement, int index, struct sou_span blob)
{
	if (blob.n > 0)
		store_bind(statement, index, blob.p, blob.n);
	else
		sqlite3_bind_null(statement, index);
}

int soud_store_log_append(struct soud_store *s, uint32_t scope, const struct soud_row *row)
{
	struct store_scope *known;
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = store_scope_of(s, scope, &known);
	if (rc != SOU_OK)
		return rc;
	SOU_ASSERT(row->arrival == known->last + 1);
	if (row->arrival > SOUD_ARRIVAL_MAX)
		return store_refuse(s, SOU_ELIMIT, "a scope is full");
	sqlite3_stmt *statement = store_statement(s, STORE_LOG_APPEND);
	if (statement == NULL)
		return store_why(s);
	int64_t key = store_key(scope, row->arrival);
	sqlite3_bind_int64(statement, 1, key);
	sqlite3_bind_int64(statement, 2, state_pack(row));
	sqlite3_bind_int64(statement, 3, row->received_ms);
	sqlite3_bind_int64(statement, 4, (int64_t)row->source);
	store_bind(statement, 5, row->id.b, sizeof row->id.b);
	store_bind(statement, 6, row->header.p, row->header.n);
	bind_blob_or_null(statement, 7, row->sig);
	bind_blob_or_null(statement, 8, row->payload);
	rc = store_done(s, statement, "log");
	if (rc == SOU_OK)
		rc = note_written(s, scope, row->arrival);
	if (rc != SOU_OK)
		return rc;
	note_row(s->wrote, key, row->id.b, row->header, row->payload);
	known->last = row->arrival;
	if (known->fresh == 0)
		known->fresh = row->arrival;
	return SOU_OK;
}

static int state_of(struct soud_store *s, int64_t key, struct soud_row *row)
{
	sqlite3_stmt *statement = store_statement(s, STORE_LOG_STATE);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, key);
	int rc = store_row(s, statement, "log");
	if (rc != SOU_OK)
		return rc;
	state_unpack(sqlite3_column_int64(statement, 0), row);
	sqlite3_reset(statement);
	return SOU_OK;
}

static int set(struct soud_store *s, enum store_statement which, int64_t key,
	       const struct soud_row *row, struct sou_span blob)
{
	sqlite3_stmt *statement = store_statement(s, which);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, key);
	sqlite3_bind_int64(statement, 2, state_pack(row));
	if (which != STORE_LOG_SET_STATE)
		store_bind(statement, 3, blob.p, blob.n);
	return store_done(s, statement, "log");
}

static int note_rewritten(struct soud_store *s, int64_t key, struct sou_span payload)
{
	struct store_rewritten *v =
		sou_grow(s->rewritten, &s->rewritten_room, s->rewritten_count, 1, sizeof *v);
	if (v == NULL)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	s->rewritten = v;
	v[s->rewritten_count] = (struct store_rewritten){
		key, s->rewritten_count, sou_hash_bytes(SOU_DOMAIN_NONE, payload.p, payload.n)};
	s->rewritten_count++;
	return SOU_OK;
}

int soud_store_log_payload(struct soud_store *s, uint32_t scope, uint64_t arrival,
			   struct sou_span payload, uint8_t body)
{
	int64_t key = store_key(scope, arrival);
	uint64_t fresh = soud_store_log_fresh(s, scope);
	struct soud_row row;
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = state_of(s, key, &row);
	if (rc != SOU_OK)
		return rc;
	/* A fresh row is merged with the fresh ones, whenever its payload came. */
	bool late = row.body == SOU_BODY_NONE && (fresh == 0 || arrival < fresh);
	if (late && !row.late)
		s->late_count++;
	row.late = row.late || late;
	row.body = body;
	rc = note_rewritten(s, key, payload);
	return rc == SOU_OK ? set(s, STORE_LOG_SET_PAYLOAD, key, &row, payload) : rc;
}

int soud_store_log_signature(struct soud_store *s, uint32_t scope, uint64_t arrival,
			     struct sou_span sig, bool checked)
{
	int64_t key = store_key(scope, arrival);
	struct soud_row row;
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = state_of(s, key, &row);
	if (rc != SOU_OK)
		return rc;
	row.sig_checked = checked;
	return set(s, STORE_LOG_SET_SIGNATURE, key, &row, sig);
}

int soud_store_log_repair(struct soud_store *s, uint32_t scope, const struct soud_row *row)
{
	int64_t key = store_key(scope, row->arrival);
	int rc = store_may_write(s);
	if (rc == SOU_OK && row->payload.n > 0)
		rc = note_rewritten(s, key, row->payload);
	if (rc != SOU_OK)
		return rc;
	sqlite3_stmt *statement = store_statement(s, STORE_LOG_REPAIR);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, key);
	sqlite3_bind_int64(statement, 2, state_pack(row));
	store_bind(statement, 3, row->id.b, sizeof row->id.b);
	store_bind(statement, 4, row->header.p, row->header.n);
	bind_blob_or_null(statement, 5, row->sig);
	bind_blob_or_null(statement, 6, row->payload);
	return store_done(s, statement, "log");
}

int soud_store_log_verdict(struct soud_store *s, uint32_t scope, uint64_t arrival, uint8_t verdict,
			   bool shown)
{
	int64_t key = store_key(scope, arrival);
	struct soud_row row;
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = state_of(s, key, &row);
	if (rc != SOU_OK)
		return rc;
	if (row.verdict == verdict && row.shown == shown && !row.late)
		return SOU_OK;
	if (row.late && s->late_count > 0)
		s->late_count--;
	row.verdict = verdict;
	row.shown = shown;
	row.late = false;
	return set(s, STORE_LOG_SET_STATE, key, &row, (struct sou_span){NULL, 0});
}

uint64_t soud_store_log_fresh(const struct soud_store *s, uint32_t scope)
{
	return scope >= 1 && scope <= s->scope_count ? s->scopes[scope - 1].fresh : 0;
}

void soud_store_log_merged(struct soud_store *s, uint32_t scope)
{
	if (scope >= 1 && scope <= s->scope_count)
		s->scopes[scope - 1].fresh = 0;
}

/* --- reading --- */

static int row_read(struct soud_store *s, sqlite3_stmt *statement, struct soud_row *out)
{
	struct soud_row row = {.arrival = (uint64_t)sqlite3_column_int64(statement, 0) &
					  SOUD_ARRIVAL_MAX,
			       .received_ms = sqlite3_column_int64(statement, 2),
			       .source = (uint64_t)sqlite3_column_int64(statement, 3),
			       .header = store_blob(statement, 5),
			       .sig = store_blob(statement, 6),
			       .payload = store_blob(statement, 7)};
	state_unpack(sqlite3_column_int64(statement, 1), &row);
	int rc = store_fixed(s, statement, 4, row.id.b, sizeof row.id.b);
	struct sou_span *held[] = {&row.header, &row.sig, &row.payload};
	if (rc == SOU_OK)
		rc = store_hold(s, statement, HELD_LOG, held, 3);
	if (rc == SOU_OK)
		*out = row;
	return rc;
}

int soud_store_log_get(struct soud_store *s, uint32_t scope, uint64_t arrival, struct soud_row *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_LOG_GET);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, store_key(scope, arrival));
	int rc = store_row(s, statement, "log");
	return rc == SOU_OK ? row_read(s, statement, out) : rc;
}

int soud_store_log_next(struct soud_store *s, uint32_t scope, uint64_t after, struct soud_row *out)
{
	sqlite3_stmt *statement = s->statements[STORE_LOG_NEXT];
	int64_t key = store_key(scope, after);
	if (!s->open || s->log_running != STORE_LOG_NEXT || s->log_at != key || statement == NULL) {
		statement = store_statement(s, STORE_LOG_NEXT);
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, key);
		sqlite3_bind_int64(statement, 2, store_key(scope, SOUD_ARRIVAL_MAX));
	}
	s->log_running = STORE_STATEMENT_COUNT;
	int rc = store_row(s, statement, "log");
	if (rc != SOU_OK)
		return rc;
	rc = row_read(s, statement, out);
	if (rc == SOU_OK && s->open) {
		s->log_running = STORE_LOG_NEXT;
		s->log_at = store_key(scope, out->arrival);
	}
	return rc;
}

_Static_assert(SOU_ACCEPTED == 0 && STATE_VERDICT == 15, "the literals in LOG_HELD, COUNTED");

int soud_store_log_counts(struct soud_store *s, uint32_t scope, uint64_t after,
			  struct soud_log_counts *out)
{
	struct soud_log_counts counts;
	const struct {
		enum store_statement which;
		uint64_t *count;
	} all[] = {{STORE_LOG_HELD, &counts.held},
		   {STORE_LOG_OWN, &counts.own},
		   {STORE_LOG_OWN_HELD, &counts.own_held}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		sqlite3_stmt *statement = store_statement(s, all[i].which);
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, store_key(scope, after) + 1);
		sqlite3_bind_int64(statement, 2, store_key(scope, SOUD_ARRIVAL_MAX));
		int rc = store_number(s, statement, 0, all[i].count, "log");
		if (rc != SOU_OK)
			return rc;
	}
	*out = counts;
	return SOU_OK;
}

static int rewritten_cmp(const void *pa, const void *pb)
{
	const struct store_rewritten *a = pa, *b = pb;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Payloads that this transaction put in place of others, as they were put last. *appended: one of
 * them belongs to a row that it appended. */
static int read_back_rewritten(struct soud_store *s, bool *appended)
{
	*appended = false;
	if (s->rewritten_count > 1)
		qsort(s->rewritten, s->rewritten_count, sizeof *s->rewritten, rewritten_cmp);
	for (uint32_t i = 0; i < s->rewritten_count; i++) {
		const struct store_rewritten *w = &s->rewritten[i];
		struct soud_row row;
		if (i + 1 < s->rewritten_count && w[1].key == w->key)
			continue;
		uint32_t scope = (uint32_t)((uint64_t)w->key >> 40);
		int rc = soud_store_log_get(s, scope, (uint64_t)w->key & SOUD_ARRIVAL_MAX, &row);
		if (rc == SOU_EUNKNOWN)
			rc = store_refuse(s, SOU_ECORRUPT, "an entry just written is not there");
		if (rc != SOU_OK)
			return rc;
		struct sou_hash read =
			sou_hash_bytes(SOU_DOMAIN_NONE, row.payload.p, row.payload.n);
		if (!sou_hash_eq(&read, &w->hash))
			return store_refuse(s, SOU_ECORRUPT, "what was written reads otherwise");
		for (uint32_t k = 0; k < s->written_count && !*appended; k++)
			*appended = s->written[k].scope == scope &&
				    s->written[k].first <= row.arrival &&
				    row.arrival <= s->written[k].last;
	}
	s->rewritten_count = 0;
	return SOU_OK;
}

/* R6: what this transaction wrote is read again and hashed before it is made durable. Where it
 * replaced the payload of a row that it appended, the sum over the appended rows is another one;
 * then that payload and those rows' presence are what is compared. */
int store_read_back(struct soud_store *s)
{
	struct sou_hash wrote = sou_hasher_end(s->wrote);
	bool replaced;
	int rewritten = read_back_rewritten(s, &replaced);
	if (rewritten != SOU_OK)
		return rewritten;
	sou_hasher_begin(s->wrote, SOU_DOMAIN_NONE);
	for (uint32_t i = 0; i < s->written_count; i++) {
		const struct store_span *span = &s->written[i];
		for (uint64_t at = span->first - 1; at < span->last;) {
			struct soud_row row;
			int rc = soud_store_log_next(s, span->scope, at, &row);
			if (rc == SOU_EUNKNOWN)
				rc = store_refuse(s, SOU_ECORRUPT,
						  "an entry just written is not there");
			if (rc != SOU_OK)
				return rc;
			at = row.arrival;
			note_row(s->wrote, store_key(span->scope, at), row.id.b, row.header,
				 row.payload);
		}
	}
	struct sou_hash read = sou_hasher_end(s->wrote);
	if (!replaced && !sou_hash_eq(&wrote, &read))
		return store_refuse(s, SOU_ECORRUPT, "what was written reads otherwise");
	return SOU_OK;
}

/* --- cutting --- */

int soud_store_log_cut(struct soud_store *s, uint32_t scope, const uint64_t *arrivals,
		       uint32_t count)
{
	int rc = store_may_write(s);
	for (uint32_t i = 0; rc == SOU_OK && i < count; i++) {
		uint64_t end = i + 1 < count ? arrivals[i + 1] : SOUD_ARRIVAL_MAX;
		sqlite3_stmt *statement = store_statement(s, STORE_LOG_END);
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, store_key(scope, arrivals[i]));
		rc = store_done(s, statement, "cutting the log");
		statement = rc == SOU_OK ? store_statement(s, STORE_LOG_SHIFT) : NULL;
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, store_key(scope, arrivals[i]));
		sqlite3_bind_int64(statement, 2, store_key(scope, end));
		sqlite3_bind_int64(statement, 3, (int64_t)i + 1);
		rc = store_done(s, statement, "cutting the log");
	}
	store_forget(s);
	return rc;
}
