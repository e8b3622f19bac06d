/* record.c - records, their gaps and trails. A record is one row with all its registers packed in
 * `body`: an entry that writes five fields of an item costs one row. A trail is a list through an
 * append-only table, so that no index of versions is needed. */
#include "daemon/store/body.h"
#include "daemon/store/sqlite/db.h"

enum { STATE_REGISTER = 1, STATE_HIDDEN = 2, STATE_CONFLICT = 4, STATE_GAP = 8 };

int store_record_read(struct soud_store *s, sqlite3_stmt *statement, uint32_t *scope,
		      struct sou_record *out)
{
	struct sou_id entity;
	int rc = store_fixed(s, statement, 3, entity.b, sizeof entity.b);
	if (rc != SOU_OK)
		return rc;
	sou_record_clear(out, (uint16_t)sqlite3_column_int64(statement, 2), &entity);
	out->place = (uint64_t)sqlite3_column_int64(statement, 0);
	out->trail = (uint64_t)sqlite3_column_int64(statement, 5);
	if (scope != NULL)
		*scope = (uint32_t)sqlite3_column_int64(statement, 1);
	rc = soud_body_read(out, store_blob(statement, 6));
	if (rc != SOU_OK)
		return store_refuse(s, rc, rc == SOU_ENOMEM ? "no memory" : "a record is damaged");
	out->hidden = (sqlite3_column_int64(statement, 4) & STATE_HIDDEN) != 0;
	out->stored_gaps = out->gap_count;
	return SOU_OK;
}

/* --- reading --- */

int soud_store_record(struct soud_store *s, uint32_t scope, uint16_t kind,
		      const struct sou_id *entity, struct sou_record *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_RECORD_GET);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, scope);
	store_bind(statement, 2, entity->b, sizeof entity->b);
	sqlite3_bind_int64(statement, 3, kind);
	int rc = store_row(s, statement, "record");
	if (rc != SOU_OK)
		return rc;
	rc = store_record_read(s, statement, NULL, out);
	sqlite3_reset(statement);
	return rc;
}

static bool goes_on(const struct soud_store *s, enum store_statement which, uint32_t scope,
		    uint16_t kind, const struct sou_id *after, uint16_t after_kind)
{
	return s->open && s->record_running == which && after != NULL && s->record_scope == scope &&
	       s->record_kind == kind && s->record_at_kind == after_kind &&
	       sou_id_eq(&s->record_at, after);
}

static int next_record(struct soud_store *s, enum store_statement which, uint32_t scope,
		       uint16_t kind, int64_t least, const struct sou_id *after,
		       uint16_t after_kind, struct sou_record *out)
{
	sqlite3_stmt *statement = s->statements[which];
	static const struct sou_id zero;
	const struct sou_id *from = after != NULL ? after : &zero;
	struct sou_id copy = *from;
	if (statement == NULL || !goes_on(s, which, scope, kind, after, after_kind)) {
		statement = store_statement(s, which);
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, scope);
		sqlite3_bind_blob(statement, 2, copy.b, sizeof copy.b, SQLITE_TRANSIENT);
		sqlite3_bind_int64(statement, 3, after != NULL ? after_kind : -1);
		sqlite3_bind_int64(statement, 4, which == STORE_RECORD_NEXT ? kind : least);
	}
	s->record_running = STORE_STATEMENT_COUNT;
	int rc = store_row(s, statement, "record");
	if (rc != SOU_OK)
		return rc;
	rc = store_record_read(s, statement, NULL, out);
	if (rc != SOU_OK || !s->open) {
		sqlite3_reset(statement);
		return rc;
	}
	s->record_running = which;
	s->record_scope = scope;
	s->record_kind = kind;
	s->record_at = out->entity;
	s->record_at_kind = out->kind;
	return SOU_OK;
}

int soud_store_record_next(struct soud_store *s, uint32_t scope, uint16_t kind,
			   const struct sou_id *after, uint16_t after_kind, struct sou_record *out)
{
	enum store_statement which = kind != 0 ? STORE_RECORD_NEXT : STORE_RECORD_EACH;
	return next_record(s, which, scope, kind, 1, after, after_kind, out);
}

int soud_store_record_each(struct soud_store *s, uint32_t scope, const struct sou_id *after,
			   uint16_t after_kind, struct sou_record *out)
{
	return next_record(s, STORE_RECORD_EACH, scope, UINT16_MAX, 0, after, after_kind, out);
}

int soud_store_marked_next(struct soud_store *s, uint64_t *place, uint32_t *scope,
			   struct sou_record *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_RECORD_MARKED);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)*place);
	int rc = store_row(s, statement, "record");
	if (rc != SOU_OK)
		return rc;
	rc = store_record_read(s, statement, scope, out);
	sqlite3_reset(statement);
	if (rc == SOU_OK)
		*place = out->place;
	return rc;
}

int soud_store_trail_next(struct soud_store *s, uint64_t *place, uint64_t *arrival)
{
	if (*place == 0)
		return SOU_EUNKNOWN;
	sqlite3_stmt *statement = store_statement(s, STORE_TRAIL_GET);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)*place);
	int rc = store_row(s, statement, "trail");
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? store_refuse(s, SOU_ECORRUPT, "a trail is broken") : rc;
	uint64_t before = (uint64_t)sqlite3_column_int64(statement, 0);
	uint64_t found = (uint64_t)sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	if (before >= *place) /* it leads to older ones: a damaged file must not lead in a ring */
		return store_refuse(s, SOU_ECORRUPT, "a trail is broken");
	*place = before;
	*arrival = found;
	return SOU_OK;
}

/* A writer counts once and keeps count; a reader sees others' work. */
static int count_gaps(struct soud_store *s)
{
	if (s->cached)
		return SOU_OK;
	int rc = store_number(s, store_statement(s, STORE_GAP_COUNT), 0, &s->gap_count, "gap");
	if (rc == SOU_OK)
		s->cached = s->mode == SOUD_STORE_WRITER && s->open;
	return rc;
}

int soud_store_gap_next(struct soud_store *s, uint32_t scope, const struct sou_id *version,
			uint64_t *place, uint16_t *kind, struct sou_id *entity)
{
	int rc = count_gaps(s);
	if (rc != SOU_OK || s->gap_count == 0)
		return rc != SOU_OK ? rc : SOU_EUNKNOWN;
	sqlite3_stmt *statement = store_statement(s, STORE_GAP_FIND);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, scope);
	store_bind(statement, 2, version->b, sizeof version->b);
	sqlite3_bind_int64(statement, 3, (int64_t)*place);
	rc = store_row(s, statement, "gap");
	if (rc != SOU_OK)
		return rc;
	struct sou_id found;
	rc = store_fixed(s, statement, 1, found.b, sizeof found.b);
	if (rc == SOU_OK) {
		*kind = (uint16_t)sqlite3_column_int64(statement, 0);
		*entity = found;
		*place = (uint64_t)sqlite3_column_int64(statement, 2);
	}
	sqlite3_reset(statement);
	return rc;
}

/* --- writing --- */

/* Record and trail numbers go up by one; the highest are read once in a transaction. */
static int next_number(struct soud_store *s, enum store_statement which, uint64_t *last)
{
	if (*last == 0) {
		int rc = store_number(s, store_statement(s, which), 0, last, "record");
		if (rc != SOU_OK)
			return rc;
	}
	(*last)++;
	return SOU_OK;
}

int soud_store_trail_put(struct soud_store *s, struct sou_record *record, uint64_t arrival)
{
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = next_number(s, STORE_TRAIL_LAST, &s->trail_last);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_TRAIL_ADD) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)s->trail_last);
	sqlite3_bind_int64(statement, 2, (int64_t)record->trail);
	sqlite3_bind_int64(statement, 3, (int64_t)arrival);
	rc = store_done(s, statement, "trail");
	if (rc == SOU_OK)
		record->trail = s->trail_last;
	return rc;
}

static int put_gaps(struct soud_store *s, uint32_t scope, struct sou_record *r)
{
	int rc = count_gaps(s);
	if (rc == SOU_OK && r->stored_gaps > 0) {
		sqlite3_stmt *statement = store_statement(s, STORE_GAP_END);
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, (int64_t)r->place);
		rc = store_done(s, statement, "gap");
		if (rc == SOU_OK)
			s->gap_count -= r->stored_gaps;
	}
	for (uint32_t i = 0; rc == SOU_OK && i < r->gap_count; i++) {
		sqlite3_stmt *statement = store_statement(s, STORE_GAP_ADD);
		if (statement == NULL)
			return store_why(s);
		sqlite3_bind_int64(statement, 1, scope);
		store_bind(statement, 2, r->gaps[i].version.b, sizeof r->gaps[i].version.b);
		sqlite3_bind_int64(statement, 3, (int64_t)r->place);
		sqlite3_bind_int64(statement, 4, r->gaps[i].field);
		rc = store_done(s, statement, "gap");
	}
	if (rc != SOU_OK)
		return rc;
	s->gap_count += r->gap_count;
	r->stored_gaps = r->gap_count;
	return SOU_OK;
}

static int64_t state_of(const struct sou_record *r)
{
	return (r->register_count > 0 ? STATE_REGISTER : 0) | (r->hidden ? STATE_HIDDEN : 0) |
	       (r->conflict ? STATE_CONFLICT : 0) | (r->gap_count > 0 ? STATE_GAP : 0);
}

static int insert(struct soud_store *s, uint32_t scope, struct sou_record *r)
{
	int rc = next_number(s, STORE_RECORD_LAST, &s->record_last);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_RECORD_ADD) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)s->record_last);
	sqlite3_bind_int64(statement, 2, scope);
	sqlite3_bind_int64(statement, 3, r->kind);
	store_bind(statement, 4, r->entity.b, sizeof r->entity.b);
	sqlite3_bind_int64(statement, 5, state_of(r));
	sqlite3_bind_int64(statement, 6, (int64_t)r->trail);
	store_bind(statement, 7, s->body.p, s->body.n);
	rc = store_done(s, statement, "record");
	if (rc == SOU_OK)
		r->place = s->record_last;
	return rc;
}

static int update(struct soud_store *s, const struct sou_record *r)
{
	sqlite3_stmt *statement = store_statement(s, STORE_RECORD_SET);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)r->place);
	sqlite3_bind_int64(statement, 2, state_of(r));
	sqlite3_bind_int64(statement, 3, (int64_t)r->trail);
	store_bind(statement, 4, s->body.p, s->body.n);
	return store_done(s, statement, "record");
}

int soud_store_record_put(struct soud_store *s, uint32_t scope, struct sou_record *record,
			  bool changed)
{
	int rc = store_may_write(s);
	if (rc != SOU_OK)
		return rc;
	sou_buf_clear(&s->body);
	soud_body_pack(&s->body, record);
	if (s->body.failed)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	rc = record->place == 0 ? insert(s, scope, record) : update(s, record);
	if (rc == SOU_OK && (record->gap_count > 0 || record->stored_gaps > 0))
		rc = put_gaps(s, scope, record);
	if (rc == SOU_OK && changed)
		rc = store_bucket_touch(s, scope, sou_bucket_of(&record->entity));
	return rc;
}
