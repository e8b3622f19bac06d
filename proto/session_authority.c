/* session_authority.c - the authority feed on a link: what the peer lacks goes whole and first,
 * with the headers that cuts and narrowings speak of (P13.3 - P13.5). A series is kept until its
 * last frame came and is handed on at once, so that its ops are applied in one transaction. */
#include "session_int.h"

#include <stdlib.h>

static bool grow_known(struct step *t)
{
	struct sou_session *s = t->s;
	size_t n = sou_authority_op_count(t->authority);
	if (n <= s->op_known_count)
		return true;
	size_t had = (s->op_known_count + 7) / 8, bytes = (n + 7) / 8;
	if (bytes > had) {
		uint8_t *v = realloc(s->op_known, bytes);
		if (v == NULL) {
			s->failed = true;
			return false;
		}
		memset(v + had, 0, bytes - had);
		s->op_known = v;
	}
	s->op_known_count = n;
	return true;
}

static bool is_known(const struct sou_session *s, size_t i)
{
	return (s->op_known[i / 8] >> i % 8 & 1) != 0;
}

static void set_known(struct sou_session *s, size_t i)
{
	s->op_known[i / 8] |= (uint8_t)(1u << i % 8);
}

/* The peer has each leaf it named and all that stands below it. Ops are listed parents first, so
 * one pass from the end reaches all ancestors. */
void sou_session_authority_known(struct step *t, const struct sou_mp_list *leaves)
{
	struct sou_session *s = t->s;
	if (!grow_known(t))
		return;
	for (uint32_t i = 0; i < leaves->count; i++) {
		struct sou_hash leaf = sou_mp_list_hash(leaves, i);
		size_t at = sou_authority_index(t->authority, &leaf);
		if (at != SIZE_MAX)
			set_known(s, at);
	}
	for (size_t i = s->op_known_count; i-- > 0;) {
		if (!is_known(s, i))
			continue;
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(t->authority, i, &id, &prev, &op, &sigs);
		size_t below = sou_authority_index(t->authority, &prev);
		if (below != SIZE_MAX)
			set_known(s, below);
	}
}

static void send_headers_of(struct step *t, const struct sou_id *scope,
			    const struct sou_hash *entry)
{
	struct sou_session *s = t->s;
	struct cursor *c = sou_session_cursor(t, scope, false);
	if (c == NULL || c->waiting || !sou_session_may_read(t, scope))
		return;
	struct sou_news_answer got = {0};
	sou_buf_clear(&s->scratch);
	if (t->view->headers(t->view->ctx, scope, c->sent, entry, &s->scratch, &got) != SOU_OK ||
	    got.entry_count == 0)
		return;
	struct sou_news n = {.scope = *scope,
			     .flags = got.flags | SOU_DATA_ANSWER,
			     .raw_bytes = got.raw_bytes,
			     .data = sou_buf_span(&s->scratch)};
	sou_headers_pack(sou_session_send_begin(t), &n);
	sou_session_send_end(t, SOU_FRAME_HEADERS);
}

/* P13.5: only effects that name entries by scope matter; an op that cannot be read is sent as it
 * is. */
static void send_headers_for(struct step *t, struct sou_span bytes)
{
	struct sou_authop op;
	int rc = sou_authop_read(&op, bytes);
	if (rc == SOU_ENOMEM)
		t->s->failed = true;
	if (rc != SOU_OK)
		return;
	for (uint32_t e = 0; e < op.effect_count; e++) {
		const struct sou_effect *f = &op.effects[e];
		for (uint32_t p = 0; p < f->pin_count; p++)
			for (uint32_t i = 0; i < f->pins[p].count; i++)
				send_headers_of(t, &f->pins[p].scope,
						&f->ids[f->pins[p].first + i]);
	}
	sou_authop_fini(&op);
}

static size_t next_unknown(const struct sou_session *s, size_t i)
{
	while (i < s->op_known_count && is_known(s, i))
		i++;
	return i;
}

/* One frame is one series: the ops from `first` on that the peer lacks, up to a frame's fill. */
static size_t send_series(struct step *t, size_t first)
{
	struct sou_session *s = t->s;
	struct sou_hash id, prev;
	struct sou_span op, sigs;
	size_t end = first, bytes = 0;
	uint32_t count = 0;
	for (size_t i = first; i < s->op_known_count; i = next_unknown(s, i + 1)) {
		sou_authority_op(t->authority, i, &id, &prev, &op, &sigs);
		bytes += op.n + sigs.n + 16;
		if (count > 0 && (bytes > SOU_AUTHORITY_SERIES_FILL_BYTES ||
				  count == SOU_AUTHORITY_FRAME_OPS_MAX))
			break;
		send_headers_for(t, op);
		count++;
		end = i + 1;
	}
	struct sou_buf *buf = sou_session_send_begin(t);
	sou_authority_pack_begin(buf, false, count);
	for (size_t i = first; i < end; i = next_unknown(s, i + 1)) {
		sou_authority_op(t->authority, i, &id, &prev, &op, &sigs);
		sou_authority_pack_op(buf, op, sigs);
		set_known(s, i);
	}
	sou_session_send_end(t, SOU_FRAME_AUTHORITY);
	return end;
}

void sou_session_send_authority(struct step *t)
{
	struct sou_session *s = t->s;
	if (s->state != SOU_SESSION_LIVE || !grow_known(t))
		return;
	size_t i = next_unknown(s, 0);
	while (i < s->op_known_count && !s->failed)
		i = next_unknown(s, send_series(t, i));
}

/* The peer has what it sent; remember it, so that it does not come back to it. */
static void note_received(struct step *t, struct sou_mp ops, uint32_t count)
{
	struct sou_session *s = t->s;
	for (uint32_t i = 0; i < count; i++) {
		struct sou_span op, sigs;
		if (sou_authority_next(&ops, &op, &sigs) != SOU_OK)
			return;
		struct sou_hash id = sou_hash_bytes(SOU_DOMAIN_AUTHORITY_ID, op.p, op.n);
		if (s->received_ops.n < SOU_AUTHORITY_FRAME_OPS_MAX * sizeof id)
			sou_buf_put(&s->received_ops, id.b, sizeof id.b);
	}
	if (s->received_ops.failed)
		s->failed = true;
}

void sou_session_series_stored(struct step *t)
{
	struct sou_session *s = t->s;
	if (!grow_known(t))
		return;
	for (size_t i = 0; i + sizeof(struct sou_hash) <= s->received_ops.n;
	     i += sizeof(struct sou_hash)) {
		struct sou_hash id;
		memcpy(id.b, s->received_ops.p + i, sizeof id.b);
		size_t at = sou_authority_index(t->authority, &id);
		if (at != SIZE_MAX)
			set_known(s, at);
	}
	sou_buf_clear(&s->received_ops);
}

void sou_session_on_series(struct step *t, uint8_t kind, struct sou_span body)
{
	sou_session_own_heard(t->s);
	struct sou_session *s = t->s;
	bool more = true;
	int rc;
	if (kind == SOU_FRAME_HEADERS) {
		struct sou_news n;
		rc = sou_headers_unpack(&n, body);
	} else {
		struct sou_mp ops;
		uint32_t count;
		rc = sou_authority_unpack(body, &more, &ops, &count);
		if (rc == SOU_OK)
			note_received(t, ops, count);
	}
	if (rc != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.2", "an authority series is not in form");
		return;
	}
	if (s->series.n + body.n + 5 > SOU_AUTHORITY_SERIES_BYTES_MAX) {
		sou_session_bye(t, SOU_BYE_LIMIT, "P13.4", "an authority series is too long");
		return;
	}
	sou_buf_put_u8(&s->series, kind);
	sou_buf_put_u32be(&s->series, (uint32_t)body.n);
	sou_buf_put(&s->series, body.p, body.n);
	if (s->series.failed)
		s->failed = true;
	if (more || s->failed)
		return;
	uint64_t token =
		sou_session_pend(t, SOU_ACTION_STORE_AUTHORITY, NULL, 0, false, s->series.n);
	if (token == 0) {
		sou_session_bye(t, SOU_BYE_LIMIT, "P13.9", "too much under way");
		return;
	}
	struct sou_action *a = sou_session_action(t, SOU_ACTION_STORE_AUTHORITY);
	if (a == NULL)
		return;
	a->token = token;
	a->authority.series = sou_buf_span(&s->series);
	s->series_given = true;
}

bool sou_series_next(struct sou_span *series, uint8_t *kind, struct sou_span *body)
{
	if (series->n < 5)
		return false;
	const uint8_t *p = series->p;
	size_t n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
	SOU_ASSERT(n <= series->n - 5); /* we packed it */
	*kind = p[0];
	*body = (struct sou_span){p + 5, n};
	series->p += 5 + n;
	series->n -= 5 + n;
	return true;
}
