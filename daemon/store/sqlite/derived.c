/* derived.c - values behind records, and the derived tables as a whole: emptied, filled again,
 * dumped. */
#include "daemon/store/sqlite/db.h"

int soud_store_value(struct soud_store *s, uint32_t scope, const struct sou_live *live,
		     struct sou_span *out)
{
	struct soud_row row;
	if (live->value.p != NULL) {
		*out = live->value;
		return SOU_OK;
	}
	if (live->redacted) {
		*out = (struct sou_span){NULL, 0};
		return SOU_OK;
	}
	int rc = soud_store_log_get(s, scope, live->pos, &row);
	if (rc == SOU_EUNKNOWN)
		return store_refuse(s, SOU_ECORRUPT, "a record names an entry that is not there");
	if (rc != SOU_OK)
		return rc;
	rc = sou_payload_read(&s->payload, row.payload);
	if (rc == SOU_ENOMEM)
		return store_refuse(s, SOU_ENOMEM, "no memory");
	if (rc != SOU_OK || live->op >= s->payload.op_count)
		return store_refuse(s, SOU_ECORRUPT, "a stored payload does not read");
	const struct sou_op *op = &s->payload.ops[live->op];
	*out = op->went ? (struct sou_span){NULL, 0} : op->value;
	return SOU_OK;
}

static int run(struct soud_store *s, enum store_statement which)
{
	sqlite3_stmt *statement = store_statement(s, which);
	return statement != NULL ? store_done(s, statement, "derived") : store_why(s);
}

int soud_store_derived_clear(struct soud_store *s)
{
	static const enum store_statement all[] = {STORE_CLEAR_RECORDS, STORE_CLEAR_GAPS,
						   STORE_CLEAR_TRAILS, STORE_CLEAR_BUCKETS,
						   STORE_CLEAR_FEEDS};
	int rc = store_may_write(s);
	for (size_t i = 0; i < sizeof all / sizeof *all && rc == SOU_OK; i++)
		rc = run(s, all[i]);
	uint32_t count = 0;
	if (rc == SOU_OK)
		rc = soud_store_scope_count(s, &count);
	store_forget(s);
	for (uint32_t n = 1; n <= count && rc == SOU_OK; n++) {
		struct store_scope *scope;
		rc = store_scope_of(s, n, &scope);
		if (rc == SOU_OK)
			scope->fresh = scope->last > 0 ? 1 : 0;
	}
	if (rc == SOU_OK)
		rc = soud_store_number_put(s, "stale", 1);
	s->stale = true;
	return rc;
}

int soud_store_derived_done(struct soud_store *s)
{
	int rc = store_may_write(s);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_META_END) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_text(statement, 1, "stale", -1, SQLITE_STATIC);
	rc = store_done(s, statement, "derived");
	if (rc == SOU_OK)
		s->stale = false;
	return rc;
}

/* --- dump --- */

static void put_number(struct sou_hasher *h, uint64_t v)
{
	uint8_t b[8];
	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (56 - 8 * i));
	sou_hasher_put(h, b, sizeof b);
}

static void put_span(struct sou_hasher *h, struct sou_span span)
{
	put_number(h, span.n);
	if (span.n > 0)
		sou_hasher_put(h, span.p, span.n);
}

static int dump_log(struct soud_store *s, struct sou_hasher *h, uint32_t scope)
{
	struct soud_row row;
	int rc;
	for (uint64_t at = 0; (rc = soud_store_log_next(s, scope, at, &row)) == SOU_OK;
	     at = row.arrival) {
		put_number(h, row.arrival);
		put_number(h, (uint64_t)row.kind << 24 | (uint64_t)row.body << 16 |
				      (uint64_t)row.verdict << 8 | (row.shown ? 2u : 0u) |
				      (row.sig_checked ? 1u : 0u));
		put_number(h, (uint64_t)row.received_ms);
		put_number(h, row.source);
		sou_hasher_put(h, row.id.b, sizeof row.id.b);
		put_span(h, row.header);
		put_span(h, row.sig);
		put_span(h, row.payload);
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static bool lives(const struct sou_record *r, const struct sou_id *version)
{
	for (uint32_t i = 0; i < r->live_count; i++)
		if (sou_id_eq(&r->lives[i].version, version))
			return true;
	return false;
}

/* Of what deletes name only what lives: a name of an entry that writes elsewhere covers nothing,
 * and whether it is still kept tells when its verdict came (M3 in proto/merge.c). */
static void dump_record(struct sou_hasher *h, const struct sou_record *r)
{
	put_number(h, (uint64_t)r->kind << 8 | (r->hidden ? 1u : 0u));
	sou_hasher_put(h, r->entity.b, sizeof r->entity.b);
	for (uint32_t i = 0; i < r->live_count; i++) {
		const struct sou_live *l = &r->lives[i];
		put_number(h, (uint64_t)l->field << 32 | (uint64_t)l->op << 16 |
				      (uint64_t)l->clock << 8 | (l->redacted ? 2u : 0u) |
				      (l->disputed ? 1u : 0u));
		sou_hasher_put(h, l->version.b, sizeof l->version.b);
		put_number(h, l->hlc);
		put_number(h, l->pos);
	}
	for (uint32_t i = 0; i < r->gap_count; i++) {
		put_number(h, r->gaps[i].field);
		sou_hasher_put(h, r->gaps[i].version.b, sizeof r->gaps[i].version.b);
	}
	for (uint32_t i = 0; i < r->named_count; i++)
		if (lives(r, &r->named[i]))
			sou_hasher_put(h, r->named[i].b, sizeof r->named[i].b);
}

/* Trails are a set of arrivals: their order tells when each was merged, which a rebuild does not
 * repeat. */
static int dump_trail(struct soud_store *s, struct sou_hasher *h, const struct sou_record *r)
{
	uint64_t sum = 0, count = 0, arrival;
	int rc;
	for (uint64_t place = r->trail;
	     (rc = soud_store_trail_next(s, &place, &arrival)) == SOU_OK;) {
		sum += arrival * UINT64_C(0x9e3779b97f4a7c15) ^ arrival >> 7;
		count++;
	}
	put_number(h, sum);
	put_number(h, count);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int dump_records(struct soud_store *s, struct sou_hasher *h, uint32_t scope)
{
	struct sou_record r = {0};
	struct sou_id at;
	bool first = true;
	int rc;
	while ((rc = soud_store_record_each(s, scope, first ? NULL : &at, r.kind, &r)) == SOU_OK) {
		first = false;
		at = r.entity;
		dump_record(h, &r);
		rc = dump_trail(s, h, &r);
		if (rc != SOU_OK)
			break;
	}
	sou_record_fini(&r);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int dump_feeds(struct soud_store *s, struct sou_hasher *h)
{
	sqlite3_stmt *statement = store_statement(s, STORE_FEED_ALL);
	if (statement == NULL)
		return store_why(s);
	int rc;
	while ((rc = store_row(s, statement, "feed")) == SOU_OK) {
		put_span(h, store_blob(statement, 0));
		put_span(h, store_blob(statement, 1));
		put_number(h, (uint64_t)sqlite3_column_int64(statement, 2));
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_store_dump_hash(struct soud_store *s, struct sou_hash *out)
{
	struct sou_hasher *h;
	uint32_t count = 0;
	int rc = sou_hasher_new(&h);
	if (rc != SOU_OK)
		return store_refuse(s, rc, "no memory");
	sou_hasher_begin(h, SOU_DOMAIN_NONE);
	rc = soud_store_scope_count(s, &count);
	for (uint32_t n = 1; n <= count && rc == SOU_OK; n++) {
		struct sou_id id;
		rc = soud_store_scope_id(s, n, &id);
		if (rc == SOU_OK) {
			sou_hasher_put(h, id.b, sizeof id.b);
			rc = dump_log(s, h, n);
		}
		if (rc == SOU_OK)
			rc = dump_records(s, h, n);
	}
	if (rc == SOU_OK)
		rc = dump_feeds(s, h);
	if (rc == SOU_OK)
		*out = sou_hasher_end(h);
	sou_hasher_free(h);
	return rc;
}
