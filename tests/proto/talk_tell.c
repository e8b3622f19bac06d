/* talk_tell.c - what a step did, as text. Remarks of level 0 and 1 are left out; faults are told.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tests/proto/talk_int.h"

static void put(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct talk *t, const char *format, ...)
{
	char text[400];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	REQUIRE(t->name, n >= 0 && (size_t)n < sizeof text);
	sou_buf_put(&t->text, text, (size_t)n);
}

static char letter(const struct sou_id *scope)
{
	return (char)scope->b[0];
}

/* R18: this says something of a scope; known: no more than that it is one that the peer told of. */
static void names_scope(struct talk *t, const struct sou_id *scope, bool known)
{
	const struct talk_scope *s = talk_scope(t, scope);
	if (s != NULL && (s->readable || (known && s->at > 0)))
		return;
	check_failed(__FILE__, __LINE__, t->name, "R18: scope %c is named to the peer",
		     letter(scope));
}

static void positions(struct talk *t, struct sou_span list)
{
	uint32_t count;
	struct sou_mp m = sou_positions_read(list, &count);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_position p;
		sou_positions_next(&m, &p);
		names_scope(t, &p.scope, !p.has_digest);
		if (i < 4)
			put(t, "%s%c:%llu%s", i == 0 ? "" : " ", letter(&p.scope),
			    (unsigned long long)p.upto, p.has_digest ? "=" : "");
		else if (i == 4)
			put(t, " and %u", count - 4);
	}
}

static void hello(struct talk *t, struct sou_span body)
{
	struct sou_hello h;
	REQUIRE(t->name, sou_hello_unpack(&h, body) == SOU_OK);
	CHECK_INT(t->name, h.rule, ==, SOU_RULE_VERSION);
	put(t, "hello(%s%s%s", sou_id_is_zero(&h.your_log) ? "0 " : "",
	    (h.flags & SOU_HELLO_OWN_WANTED) != 0 ? "own " : "",
	    (h.flags & SOU_HELLO_EVERY_SIGNATURE) != 0 ? "every " : "");
	if (h.hashed)
		put(t, "#");
	else
		positions(t, h.positions);
	put(t, ")");
}

static void news(struct talk *t, struct sou_span body, bool is_headers)
{
	struct sou_news n;
	int rc = is_headers ? sou_headers_unpack(&n, body) : sou_news_unpack(&n, body);
	REQUIRE(t->name, rc == SOU_OK);
	const struct talk_scope *s = talk_scope(t, &n.scope);
	bool own = n.data.n >= 4 && n.data.p[0] == 'o'; /* of the peer's own feeds alone */
	CHECK(t->name, s != NULL && (s->readable || own));
	if (is_headers)
		put(t, "headers(%c %u)", letter(&n.scope), n.data.p[0]);
	else if ((n.flags & SOU_DATA_ANSWER) != 0)
		put(t, "news(%c answer)", letter(&n.scope));
	else
		put(t, "news(%c %llu-%llu%s%s%s)", letter(&n.scope), (unsigned long long)n.after,
		    (unsigned long long)n.upto, own ? " own" : "",
		    n.data.p[2] == 'e' ? " every" : "", n.data.p[3] != '0' ? " heads" : "");
}

static void refusal(struct talk *t, struct sou_span body)
{
	struct sou_refusal r;
	REQUIRE(t->name, sou_refusal_unpack(&r, body) == SOU_OK);
	if (r.code == SOU_REFUSE_INSTANCE) {
		CHECK(t->name, sou_id_is_zero(&r.scope));
		put(t, "refuse(instance)");
		return;
	}
	put(t, "refuse(%c %llu %s %.*s%s)", letter(&r.scope), (unsigned long long)r.upto,
	    sou_refuse_name(r.code), (int)r.clause.n, (const char *)r.clause.p,
	    r.has_entry ? " entry" : "");
}

static void digest(struct talk *t, struct sou_span body)
{
	struct sou_digest d;
	REQUIRE(t->name, sou_digest_unpack(&d, body) == SOU_OK);
	names_scope(t, &d.scope, false);
	put(t, "digest(%c %llu %u.%u)", letter(&d.scope), (unsigned long long)d.upto,
	    d.entries.b[0], d.state.b[0]);
}

static void named(struct talk *t, const char *name, int rc, const struct sou_id *scope, bool known)
{
	REQUIRE(t->name, rc == SOU_OK);
	names_scope(t, scope, known);
	put(t, "%s(%c)", name, letter(scope));
}

static void sent_small(struct talk *t, enum sou_frame_kind kind, struct sou_span body)
{
	struct sou_heads h;
	struct sou_signatures sigs;
	struct sou_farewell f;
	uint64_t nonce;
	if (kind == SOU_FRAME_HEADS) {
		REQUIRE(t->name, sou_heads_unpack(&h, body) == SOU_OK);
		if (h.names.count == 0)
			put(t, "heads(%c none)", letter(&h.scope));
		else
			named(t, "heads", SOU_OK, &h.scope, false);
	} else if (kind == SOU_FRAME_WANT) {
		named(t, "want", sou_want_unpack(&h, body), &h.scope, true);
	} else if (kind == SOU_FRAME_SIGNATURES) {
		named(t, "signatures", sou_signatures_unpack(&sigs, body), &sigs.scope, false);
	} else if (kind == SOU_FRAME_PONG) {
		REQUIRE(t->name, sou_ping_unpack(&nonce, body) == SOU_OK);
		put(t, "pong(%llu)", (unsigned long long)nonce);
	} else if (kind == SOU_FRAME_PING) {
		REQUIRE(t->name, sou_ping_unpack(&nonce, body) == SOU_OK);
		if (nonce < 1000) /* else it is the time */
			put(t, "ping(%llu)", (unsigned long long)nonce);
		else
			put(t, "ping");
	} else if (kind == SOU_FRAME_BYE) {
		REQUIRE(t->name, sou_bye_unpack(&f, body) == SOU_OK);
		put(t, "bye(%s %.*s)", sou_bye_name(f.code), (int)f.clause.n,
		    (const char *)f.clause.p);
	} else {
		put(t, "%s", sou_frame_name(kind));
	}
}

static void sent(struct talk *t, uint8_t kind, struct sou_span body)
{
	bool more;
	struct sou_mp ops;
	uint32_t count;
	struct sou_ack a;
	struct sou_span list;
	CHECK_INT(t->name, body.n, <=, SOU_FRAME_BODY_BYTES_MAX);
	switch ((enum sou_frame_kind)kind) {
	case SOU_FRAME_HELLO:
		hello(t, body);
		return;
	case SOU_FRAME_AUTHORITY:
		REQUIRE(t->name, sou_authority_unpack(body, &more, &ops, &count) == SOU_OK);
		put(t, "authority(%u%s)", count, more ? " more" : "");
		return;
	case SOU_FRAME_HEADERS:
	case SOU_FRAME_NEWS:
		news(t, body, kind == SOU_FRAME_HEADERS);
		return;
	case SOU_FRAME_ACK:
		REQUIRE(t->name, sou_ack_unpack(&a, body) == SOU_OK);
		put(t, "ack(%c %llu)", letter(&a.scope), (unsigned long long)a.upto);
		return;
	case SOU_FRAME_REFUSE:
		refusal(t, body);
		return;
	case SOU_FRAME_POSITIONS:
		REQUIRE(t->name, sou_positions_unpack(&list, body) == SOU_OK);
		put(t, "positions(");
		positions(t, list);
		put(t, ")");
		return;
	case SOU_FRAME_DIGEST:
		digest(t, body);
		return;
	case SOU_FRAME_POSITIONS_WANT:
	case SOU_FRAME_HEADS:
	case SOU_FRAME_WANT:
	case SOU_FRAME_SIGNATURES_WANT:
	case SOU_FRAME_SIGNATURES:
	case SOU_FRAME_PING:
	case SOU_FRAME_PONG:
	case SOU_FRAME_BYE:
	case SOU_FRAME_JOIN:
	case SOU_FRAME_JOINED:
		sent_small(t, (enum sou_frame_kind)kind, body);
		return;
	}
	REQUIRE(t->name, kind == 0);
}

static void store(struct talk *t, const struct sou_action *a)
{
	REQUIRE(t->name, t->store_count < TALK_STORES_MAX);
	t->stores[t->store_count++] = a->token;
	if (a->kind == SOU_ACTION_STORE_NEWS && (a->news.flags & SOU_DATA_ANSWER) != 0) {
		put(t, "store(%c answer)", letter(&a->news.scope));
	} else if (a->kind == SOU_ACTION_STORE_NEWS) {
		put(t, "store(%c %llu-%llu)", letter(&a->news.scope),
		    (unsigned long long)a->news.after, (unsigned long long)a->news.upto);
	} else if (a->kind == SOU_ACTION_STORE_AUTHORITY) {
		struct sou_span series = a->authority.series, body;
		uint8_t kind;
		put(t, "apply(");
		while (sou_series_next(&series, &kind, &body))
			put(t, "%c", kind == SOU_FRAME_HEADERS ? 'h' : 'a');
		put(t, ")");
	} else if (a->kind == SOU_ACTION_STORE_SIGNATURES) {
		put(t, "check(%c %u)", letter(&a->signatures.scope), a->signatures.count);
	} else {
		put(t, "enrol");
	}
}

static void tell_one(struct talk *t, const struct sou_action *a)
{
	switch (a->kind) {
	case SOU_ACTION_SEND:
		sent(t, a->send.kind, (struct sou_span){t->out.bytes.p + a->send.at, a->send.n});
		return;
	case SOU_ACTION_STORE_NEWS:
	case SOU_ACTION_STORE_AUTHORITY:
	case SOU_ACTION_STORE_SIGNATURES:
	case SOU_ACTION_ENROL:
		store(t, a);
		return;
	case SOU_ACTION_LIVE:
		put(t, a->peer.withdrawn ? "live(withdrawn)" : "live");
		CHECK(t->name, sou_id_eq(&a->peer.log, &t->log));
		return;
	case SOU_ACTION_ACKED:
		put(t, "acked(%c %llu)", letter(&a->acked.scope),
		    (unsigned long long)a->acked.upto);
		return;
	case SOU_ACTION_PASSED:
		put(t, "passed(%c %llu)", letter(&a->passed.scope),
		    (unsigned long long)a->passed.upto);
		return;
	case SOU_ACTION_REFUSED:
		put(t, "refused(%c %s)", letter(&a->refused.scope),
		    sou_refuse_name(a->refused.code));
		return;
	case SOU_ACTION_JOINED:
		put(t, "in");
		return;
	case SOU_ACTION_OWN_ALL:
		put(t, "own-all");
		return;
	case SOU_ACTION_SETTLED:
		put(t, "settled");
		return;
	case SOU_ACTION_NEW_LOG:
		put(t, "new-log");
		return;
	case SOU_ACTION_CLAIM:
		put(t, "claim(%c)", letter(&a->claim.scope));
		return;
	case SOU_ACTION_ALARM:
		put(t, "alarm(%c)", letter(&a->alarm.scope));
		return;
	case SOU_ACTION_LOG:
		put(t, "fault(%s)", a->log.rule);
		return;
	case SOU_ACTION_CLOSE:
		put(t, a->close.by_peer ? "closed" : "close");
		return;
	}
}

void talk_tell(struct talk *t)
{
	size_t before = t->text.n > 0 ? t->text.n + 2 : 0;
	if (t->text.n > 0)
		put(t, " |");
	for (size_t i = 0; i < t->out.n; i++) {
		const struct sou_action *a = &t->out.v[i];
		if (a->kind == SOU_ACTION_LOG && a->log.level < 2)
			continue;
		if (t->text.n > 0)
			put(t, " ");
		tell_one(t, a);
	}
	if (t->text.n <= before)
		put(t, before == 0 ? "-" : " -");
}
