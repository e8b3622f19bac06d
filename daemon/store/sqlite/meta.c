/* meta.c - the small tables: named values, authority ops, scopes, feeds, peers, positions, drafts.
 */
#include <stdlib.h>

#include "daemon/store/sqlite/db.h"

/* --- named values --- */

static int meta_row(struct soud_store *s, const char *name, sqlite3_stmt **out)
{
	*out = store_statement(s, STORE_META_GET);
	if (*out == NULL)
		return store_why(s);
	sqlite3_bind_text(*out, 1, name, -1, SQLITE_STATIC);
	return store_row(s, *out, "meta");
}

int soud_store_meta_get(struct soud_store *s, const char *name, struct sou_span *out)
{
	sqlite3_stmt *statement;
	int rc = meta_row(s, name, &statement);
	if (rc != SOU_OK)
		return rc;
	struct sou_span value = store_blob(statement, 0), *held = &value;
	rc = store_hold(s, statement, HELD_META, &held, 1);
	if (rc == SOU_OK)
		*out = value;
	return rc;
}

int soud_store_meta_put(struct soud_store *s, const char *name, struct sou_span value)
{
	int rc = store_may_write(s);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_META_PUT) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	store_bind(statement, 2, value.p, value.n);
	return store_done(s, statement, "meta");
}

int soud_store_number_get(struct soud_store *s, const char *name, uint64_t *out)
{
	sqlite3_stmt *statement;
	int rc = meta_row(s, name, &statement);
	if (rc != SOU_OK)
		return rc;
	*out = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return SOU_OK;
}

int soud_store_number_put(struct soud_store *s, const char *name, uint64_t value)
{
	int rc = store_may_write(s);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_META_PUT) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, (int64_t)value);
	return store_done(s, statement, "meta");
}

/* --- authority --- */

int soud_store_op_last(struct soud_store *s, uint64_t *number)
{
	return store_number(s, store_statement(s, STORE_OP_LAST), 0, number, "authority");
}

int soud_store_op_append(struct soud_store *s, struct soud_op *op)
{
	uint64_t last;
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = soud_store_op_last(s, &last);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_OP_APPEND) : NULL;
	if (statement == NULL)
		return store_why(s);
	op->number = last + 1;
	sqlite3_bind_int64(statement, 1, (int64_t)op->number);
	store_bind(statement, 2, op->id.b, sizeof op->id.b);
	sqlite3_bind_int64(statement, 3, op->received_ms);
	store_bind(statement, 4, op->op.p, op->op.n);
	store_bind(statement, 5, op->sigs.p, op->sigs.n);
	return store_done(s, statement, "authority");
}

int soud_store_op_next(struct soud_store *s, uint64_t after, struct soud_op *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_OP_NEXT);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)after);
	int rc = store_row(s, statement, "authority");
	if (rc != SOU_OK)
		return rc;
	struct soud_op op = {.number = (uint64_t)sqlite3_column_int64(statement, 0),
			     .received_ms = sqlite3_column_int64(statement, 2),
			     .op = store_blob(statement, 3),
			     .sigs = store_blob(statement, 4)};
	rc = store_fixed(s, statement, 1, op.id.b, sizeof op.id.b);
	struct sou_span *held[] = {&op.op, &op.sigs};
	if (rc == SOU_OK)
		rc = store_hold(s, statement, HELD_OP, held, 2);
	if (rc == SOU_OK)
		*out = op;
	return rc;
}

/* --- scopes --- */

int soud_store_scope_find(struct soud_store *s, const struct sou_id *scope, uint32_t *number)
{
	sqlite3_stmt *statement = store_statement(s, STORE_SCOPE_FIND);
	if (statement == NULL)
		return store_why(s);
	store_bind(statement, 1, scope->b, sizeof scope->b);
	uint64_t found;
	int rc = store_number(s, statement, 0, &found, "scope");
	if (rc == SOU_OK && found == 0)
		return SOU_EUNKNOWN;
	if (rc == SOU_OK)
		*number = (uint32_t)found;
	return rc;
}

int soud_store_scope_count(struct soud_store *s, uint32_t *out)
{
	uint64_t n;
	int rc = store_number(s, store_statement(s, STORE_SCOPE_COUNT), 0, &n, "scope");
	if (rc == SOU_OK)
		*out = (uint32_t)n;
	return rc;
}

int soud_store_scope_add(struct soud_store *s, const struct sou_id *scope, uint32_t *number)
{
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = soud_store_scope_find(s, scope, number);
	if (rc != SOU_EUNKNOWN)
		return rc;
	uint32_t count;
	rc = soud_store_scope_count(s, &count);
	if (rc != SOU_OK)
		return rc;
	if (count >= SOUD_SCOPE_NUMBER_MAX)
		return store_refuse(s, SOU_ELIMIT, "no more scopes");
	sqlite3_stmt *statement = store_statement(s, STORE_SCOPE_ADD);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)count + 1);
	store_bind(statement, 2, scope->b, sizeof scope->b);
	rc = store_done(s, statement, "scope");
	if (rc == SOU_OK)
		*number = count + 1;
	return rc;
}

int soud_store_scope_id(struct soud_store *s, uint32_t number, struct sou_id *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_SCOPE_ID);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, number);
	int rc = store_row(s, statement, "scope");
	if (rc != SOU_OK)
		return rc;
	rc = store_fixed(s, statement, 0, out->b, sizeof out->b);
	sqlite3_reset(statement);
	return rc;
}

/* --- feeds: a writer remembers those it has added, so that each entry costs a look and no
 * statement --- */

static struct store_feed *feed_slot(struct soud_store *s, uint32_t scope, const struct sou_id *site,
				    const struct sou_id *key)
{
	uint64_t h;
	memcpy(&h, key->b, sizeof h);
	h = (h ^ scope) * UINT64_C(0x9e3779b97f4a7c15) ^ site->b[0];
	for (uint32_t i = (uint32_t)(h >> 32) & (s->feed_room - 1);;
	     i = (i + 1) & (s->feed_room - 1)) {
		struct store_feed *f = &s->feeds[i];
		if (!f->used ||
		    (f->scope == scope && sou_id_eq(&f->site, site) && sou_id_eq(&f->key, key)))
			return f;
	}
}

static int feed_remember(struct soud_store *s, uint32_t scope, const struct sou_id *site,
			 const struct sou_id *key)
{
	if ((s->feed_count + 1) * 2 > s->feed_room) {
		uint32_t room = s->feed_room == 0 ? 64 : s->feed_room * 2, old_room = s->feed_room;
		struct store_feed *old = s->feeds, *v = calloc(room, sizeof *v);
		if (v == NULL)
			return store_refuse(s, SOU_ENOMEM, "no memory");
		s->feeds = v;
		s->feed_room = room;
		for (uint32_t i = 0; i < old_room; i++)
			if (old[i].used)
				*feed_slot(s, old[i].scope, &old[i].site, &old[i].key) = old[i];
		free(old);
	}
	*feed_slot(s, scope, site, key) = (struct store_feed){*site, *key, scope, true};
	s->feed_count++;
	return SOU_OK;
}

int soud_store_feed_add(struct soud_store *s, uint32_t scope, const struct sou_id *site,
			const struct sou_id *key)
{
	int rc = store_may_write(s);
	if (rc != SOU_OK)
		return rc;
	if (s->feed_room > 0 && feed_slot(s, scope, site, key)->used)
		return SOU_OK;
	sqlite3_stmt *statement = store_statement(s, STORE_FEED_ADD);
	if (statement == NULL)
		return store_why(s);
	store_bind(statement, 1, site->b, sizeof site->b);
	store_bind(statement, 2, key->b, sizeof key->b);
	sqlite3_bind_int64(statement, 3, scope);
	rc = store_done(s, statement, "feed");
	return rc == SOU_OK ? feed_remember(s, scope, site, key) : rc;
}

int soud_store_feed_scopes(struct soud_store *s, const struct sou_id *site,
			   const struct sou_id *key, uint32_t *out, size_t max, size_t *count)
{
	sqlite3_stmt *statement =
		store_statement(s, key != NULL ? STORE_FEED_OF_KEY : STORE_FEED_OF_SITE);
	if (statement == NULL)
		return store_why(s);
	store_bind(statement, 1, site->b, sizeof site->b);
	if (key != NULL)
		store_bind(statement, 2, key->b, sizeof key->b);
	size_t n = 0;
	int rc;
	while ((rc = store_row(s, statement, "feed")) == SOU_OK) {
		if (n < max)
			out[n] = (uint32_t)sqlite3_column_int64(statement, 0);
		n++;
	}
	if (rc != SOU_EUNKNOWN)
		return rc;
	*count = n;
	return SOU_OK;
}

/* --- peers and positions --- */

int soud_store_peer_find(struct soud_store *s, const struct sou_id *site, const struct sou_id *log,
			 uint64_t *number)
{
	sqlite3_stmt *statement = store_statement(s, STORE_PEER_FIND);
	if (statement == NULL)
		return store_why(s);
	store_bind(statement, 1, site->b, sizeof site->b);
	store_bind(statement, 2, log->b, sizeof log->b);
	uint64_t found;
	int rc = store_number(s, statement, 0, &found, "peer");
	if (rc == SOU_OK && found == 0)
		return SOU_EUNKNOWN;
	if (rc == SOU_OK)
		*number = found;
	return rc;
}

/* One integer names (peer, scope): both are below 2^23. */
static int64_t position_key(uint64_t peer, uint32_t scope)
{
	return (int64_t)(peer << 24 | scope);
}

static int end_peer(struct soud_store *s, uint64_t number)
{
	sqlite3_stmt *statement = store_statement(s, STORE_POSITION_END);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, position_key(number, 0));
	sqlite3_bind_int64(statement, 2, position_key(number, 0xffffff));
	int rc = store_done(s, statement, "position");
	statement = rc == SOU_OK ? store_statement(s, STORE_PEER_END) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)number);
	return store_done(s, statement, "peer");
}

/* Logs of the site beyond those that are kept. */
static int end_old_peers(struct soud_store *s, const struct sou_id *site)
{
	for (;;) {
		sqlite3_stmt *statement = store_statement(s, STORE_PEER_OLD);
		if (statement == NULL)
			return store_why(s);
		store_bind(statement, 1, site->b, sizeof site->b);
		sqlite3_bind_int64(statement, 2, SOUD_PEER_LOGS_MAX);
		uint64_t old;
		int rc = store_number(s, statement, 0, &old, "peer");
		if (rc != SOU_OK || old == 0)
			return rc;
		rc = end_peer(s, old);
		if (rc != SOU_OK)
			return rc;
	}
}

int soud_store_peer_add(struct soud_store *s, const struct sou_id *site, const struct sou_id *log,
			uint64_t *number)
{
	int rc = store_may_write(s);
	if (rc == SOU_OK)
		rc = soud_store_peer_find(s, site, log, number);
	if (rc != SOU_EUNKNOWN)
		return rc;
	uint64_t last;
	rc = store_number(s, store_statement(s, STORE_PEER_LAST), 0, &last, "peer");
	if (rc == SOU_OK && last >= SOUD_SCOPE_NUMBER_MAX)
		rc = store_refuse(s, SOU_ELIMIT, "no more peers");
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_PEER_ADD) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)last + 1);
	store_bind(statement, 2, site->b, sizeof site->b);
	store_bind(statement, 3, log->b, sizeof log->b);
	rc = store_done(s, statement, "peer");
	if (rc == SOU_OK)
		rc = end_old_peers(s, site);
	if (rc == SOU_OK)
		*number = last + 1;
	return rc;
}

int soud_store_peer_next(struct soud_store *s, uint64_t after, struct soud_peer *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_PEER_NEXT);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)after);
	int rc = store_row(s, statement, "peer");
	if (rc != SOU_OK)
		return rc;
	struct soud_peer peer = {.number = (uint64_t)sqlite3_column_int64(statement, 0)};
	rc = store_fixed(s, statement, 1, peer.site.b, sizeof peer.site.b);
	if (rc == SOU_OK)
		rc = store_fixed(s, statement, 2, peer.log.b, sizeof peer.log.b);
	sqlite3_reset(statement);
	if (rc == SOU_OK)
		*out = peer;
	return rc;
}

int soud_store_position_get(struct soud_store *s, uint64_t peer, uint32_t scope,
			    struct soud_position *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_POSITION_GET);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, position_key(peer, scope));
	int rc = store_row(s, statement, "position");
	if (rc == SOU_EUNKNOWN) {
		*out = (struct soud_position){0};
		return SOU_OK;
	}
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_position){(uint64_t)sqlite3_column_int64(statement, 0),
				      (uint64_t)sqlite3_column_int64(statement, 1),
				      sqlite3_column_int64(statement, 2)};
	sqlite3_reset(statement);
	return SOU_OK;
}

int soud_store_acked(struct soud_store *s, uint64_t peer, uint64_t *acked, uint32_t scopes)
{
	sqlite3_stmt *statement = store_statement(s, STORE_POSITIONS);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, position_key(peer, 1));
	sqlite3_bind_int64(statement, 2, position_key(peer, 0xffffff));
	int rc;
	while ((rc = store_row(s, statement, "position")) == SOU_OK) {
		int64_t scope = sqlite3_column_int64(statement, 0);
		if (scope >= 1 && scope <= scopes)
			acked[scope - 1] = (uint64_t)sqlite3_column_int64(statement, 1);
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_store_position_put(struct soud_store *s, uint64_t peer, uint32_t scope,
			    const struct soud_position *position)
{
	int rc = store_may_write(s);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_POSITION_PUT) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, position_key(peer, scope));
	sqlite3_bind_int64(statement, 2, (int64_t)position->have);
	sqlite3_bind_int64(statement, 3, (int64_t)position->acked);
	sqlite3_bind_int64(statement, 4, position->acked_ms);
	return store_done(s, statement, "position");
}

/* --- drafts --- */

int soud_store_draft_put(struct soud_store *s, struct soud_draft *draft)
{
	int rc = store_may_write(s);
	bool fresh = draft->number == 0;
	sqlite3_stmt *statement =
		rc == SOU_OK ? store_statement(s, fresh ? STORE_DRAFT_ADD : STORE_DRAFT_SET) : NULL;
	if (statement == NULL)
		return store_why(s);
	int at = fresh ? 1 : 2;
	if (!fresh)
		sqlite3_bind_int64(statement, 1, (int64_t)draft->number);
	store_bind(statement, at, draft->scope.b, sizeof draft->scope.b);
	sqlite3_bind_int64(statement, at + 1, draft->changed_ms);
	store_bind(statement, at + 2, draft->body.p, draft->body.n);
	rc = store_done(s, statement, "draft");
	if (rc == SOU_OK && fresh)
		draft->number = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return rc;
}

int soud_store_draft_next(struct soud_store *s, uint64_t after, struct soud_draft *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_DRAFT_NEXT);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)after);
	int rc = store_row(s, statement, "draft");
	if (rc != SOU_OK)
		return rc;
	struct soud_draft d = {.number = (uint64_t)sqlite3_column_int64(statement, 0),
			       .changed_ms = sqlite3_column_int64(statement, 2),
			       .body = store_blob(statement, 3)};
	rc = store_fixed(s, statement, 1, d.scope.b, sizeof d.scope.b);
	struct sou_span *held = &d.body;
	if (rc == SOU_OK)
		rc = store_hold(s, statement, HELD_DRAFT, &held, 1);
	if (rc == SOU_OK)
		*out = d;
	return rc;
}

int soud_store_draft_end(struct soud_store *s, uint64_t number)
{
	int rc = store_may_write(s);
	sqlite3_stmt *statement = rc == SOU_OK ? store_statement(s, STORE_DRAFT_END) : NULL;
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, (int64_t)number);
	return store_done(s, statement, "draft");
}
