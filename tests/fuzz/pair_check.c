/* pair_check.c - what must hold after every step of pair.h. */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "tests/fuzz/pair_int.h"

/* A link that got nothing yet may hold so much; what it got may be held this many times over: a
 * position of 19 bytes makes a cursor. */
#define HELD_BYTES_BASE  65536u
#define HELD_BYTES_TIMES 40u

bool pair_names(struct sou_span body, const struct sou_id *scope)
{
	return memmem(body.p, body.n, scope->b, sizeof scope->b) != NULL;
}

static int unpacked(enum sou_frame_kind kind, struct sou_span body)
{
	union {
		struct sou_hello hello;
		struct sou_news news;
		struct sou_ack ack;
		struct sou_refusal refusal;
		struct sou_heads heads;
		struct sou_digest digest;
		struct sou_farewell bye;
		struct sou_join join;
		struct sou_signatures_want want;
		struct sou_signatures signatures;
		struct sou_hash op;
		struct sou_span list;
		struct sou_mp ops;
		uint64_t nonce;
	} u;
	bool more;
	uint32_t count;
	switch (kind) {
	case SOU_FRAME_HELLO:
		return sou_hello_unpack(&u.hello, body);
	case SOU_FRAME_AUTHORITY:
		return sou_authority_unpack(body, &more, &u.ops, &count);
	case SOU_FRAME_HEADERS:
		return sou_headers_unpack(&u.news, body);
	case SOU_FRAME_NEWS:
		return sou_news_unpack(&u.news, body);
	case SOU_FRAME_ACK:
		return sou_ack_unpack(&u.ack, body);
	case SOU_FRAME_REFUSE:
		return sou_refusal_unpack(&u.refusal, body);
	case SOU_FRAME_POSITIONS_WANT:
		return sou_empty_unpack(body);
	case SOU_FRAME_POSITIONS:
		return sou_positions_unpack(&u.list, body);
	case SOU_FRAME_HEADS:
		return sou_heads_unpack(&u.heads, body);
	case SOU_FRAME_WANT:
		return sou_want_unpack(&u.heads, body);
	case SOU_FRAME_SIGNATURES_WANT:
		return sou_signatures_want_unpack(&u.want, body);
	case SOU_FRAME_SIGNATURES:
		return sou_signatures_unpack(&u.signatures, body);
	case SOU_FRAME_DIGEST:
		return sou_digest_unpack(&u.digest, body);
	case SOU_FRAME_PING:
	case SOU_FRAME_PONG:
		return sou_ping_unpack(&u.nonce, body);
	case SOU_FRAME_BYE:
		return sou_bye_unpack(&u.bye, body);
	case SOU_FRAME_JOIN:
		return sou_join_unpack(&u.join, body);
	case SOU_FRAME_JOINED:
		return sou_joined_unpack(&u.op, body);
	}
	return SOU_EINPUT;
}

/* R18: this says no more of a scope that the peer may not read than the peer did. */
static bool may_go(const struct pair_node *n, const struct pair_node *other, uint32_t s,
		   uint8_t kind, struct sou_span body)
{
	struct sou_news news;
	if (other->may_read[s] || n->told[s] || n->r.at[s] > 0)
		return true;
	/* To a site without its replica its own feeds (P8.14). */
	return kind == SOU_FRAME_NEWS && sou_news_unpack(&news, body) == SOU_OK &&
	       news.data.n > 0 && news.data.p[0] == 'o';
}

void pair_check_sent(const struct pair *p, uint32_t node, uint8_t kind, struct sou_span body)
{
	const struct pair_node *n = &p->nodes[node], *other = &p->nodes[1 - node];
	SOU_ASSERT(body.n <= SOU_FRAME_BODY_BYTES_MAX);
	SOU_ASSERT(unpacked((enum sou_frame_kind)kind, body) == SOU_OK);
	for (uint32_t s = 0; s < PAIR_SCOPES && kind != SOU_FRAME_AUTHORITY; s++)
		if (pair_names(body, &p->scopes[s]))
			SOU_ASSERT(may_go(n, other, s, kind, body));
	struct sou_digest d;
	struct sou_news news;
	bool shows = kind == SOU_FRAME_DIGEST && sou_digest_unpack(&d, body) == SOU_OK;
	if (shows)
		SOU_ASSERT(other->may_read[pair_scope_of(p, &d.scope)]);
	if (kind == SOU_FRAME_NEWS && sou_news_unpack(&news, body) == SOU_OK)
		SOU_ASSERT(other->may_read[pair_scope_of(p, &news.scope)] || news.data.p[0] == 'o');
}

static size_t held_bytes(const struct sou_session *s)
{
	size_t n = sizeof *s + s->cursor_cap * sizeof *s->cursors +
		   s->flight_cap * sizeof *s->flights + s->pending_cap * sizeof *s->pendings +
		   s->held_ack_cap * sizeof *s->held_acks + s->series.n + s->received_ops.n +
		   s->scratch.n + s->pending_bytes;
	for (size_t i = 0; i < s->cursor_count; i++)
		n += s->cursors[i].head_count * sizeof(struct sou_hash);
	return n;
}

void pair_check_session(const struct pair *p, uint32_t node)
{
	const struct pair_node *n = &p->nodes[node];
	const struct sou_session *s = n->session;
	SOU_ASSERT(held_bytes(s) <= HELD_BYTES_BASE + HELD_BYTES_TIMES * n->came_bytes);
	SOU_ASSERT(s->flight_count <= SOU_NEWS_FLIGHTS_MAX &&
		   s->pending_count <= SOU_SESSION_PENDING_MAX &&
		   s->held_ack_count <= SOU_SESSION_PENDING_MAX &&
		   s->cursor_count <= SOU_SESSION_SCOPES_MAX);
	SOU_ASSERT(s->flight_count <= 1 || s->flight_bytes <= SOU_NEWS_UNACKED_BYTES_MAX);
	for (size_t i = 1; i < s->cursor_count; i++)
		SOU_ASSERT(sou_id_cmp(&s->cursors[i - 1].scope, &s->cursors[i].scope) < 0);
	for (size_t i = 0; i < s->cursor_count && s->state == SOU_SESSION_LIVE; i++) {
		const struct cursor *c = &s->cursors[i];
		SOU_ASSERT(c->acked <= c->sent && c->stored <= c->taken && c->sent <= c->last);
	}
}
