/* session.c - the step of a session: states, dispatch, and the few things that all its rooms use.
 * Rules P13.1 - P13.15; the rest is in session_{hello,authority,news,digest,fetch}.c. */
#include "session_int.h"

#include <stdlib.h>

/* Allowed moves (picture at P13.1). A link may end in every state. */
static const bool moves[5][5] = {
	[SOU_SESSION_NEW] = {[SOU_SESSION_JOINING] = true,
			     [SOU_SESSION_OPENED] = true,
			     [SOU_SESSION_CLOSED] = true},
	[SOU_SESSION_JOINING] = {[SOU_SESSION_OPENED] = true, [SOU_SESSION_CLOSED] = true},
	[SOU_SESSION_OPENED] = {[SOU_SESSION_LIVE] = true, [SOU_SESSION_CLOSED] = true},
	[SOU_SESSION_LIVE] = {[SOU_SESSION_CLOSED] = true},
};

static void move_to(struct sou_session *s, enum sou_session_state to)
{
	SOU_ASSERT(moves[s->state][to]);
	s->state = to;
}

int sou_session_new(struct sou_session **out, const struct sou_session_options *options)
{
	SOU_ASSERT(out != NULL);
	struct sou_session *s = calloc(1, sizeof *s);
	if (s == NULL)
		return SOU_ENOMEM;
	s->o = *options;
	s->o.software[sizeof s->o.software - 1] = '\0';
	s->rate_milli = (int64_t)SOU_RATE_BUCKET * 1000;
	*out = s;
	return SOU_OK;
}

void sou_session_free(struct sou_session *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->cursor_count; i++)
		free(s->cursors[i].heads);
	free(s->cursors);
	free(s->op_known);
	free(s->flights);
	free(s->pendings);
	free(s->held_acks);
	sou_buf_fini(&s->series);
	sou_buf_fini(&s->received_ops);
	sou_buf_fini(&s->scratch);
	free(s);
}

void sou_actions_fini(struct sou_actions *a)
{
	if (a == NULL)
		return;
	free(a->v);
	sou_buf_fini(&a->bytes);
	*a = (struct sou_actions){0};
}

struct sou_action *sou_session_action(struct step *t, enum sou_action_kind kind)
{
	struct sou_actions *out = t->out;
	if (out->n == out->cap) {
		size_t cap = out->cap == 0 ? 16 : out->cap * 2;
		struct sou_action *v = realloc(out->v, cap * sizeof *v);
		if (v == NULL) {
			t->s->failed = true;
			return NULL;
		}
		out->v = v;
		out->cap = cap;
	}
	struct sou_action *a = &out->v[out->n++];
	*a = (struct sou_action){.kind = kind};
	return a;
}

/* The body is packed straight into the actions' bytes; send_end makes the action over it. */
struct sou_buf *sou_session_send_begin(struct step *t)
{
	struct sou_action *a = sou_session_action(t, SOU_ACTION_SEND);
	if (a != NULL)
		a->send.at = t->out->bytes.n;
	return &t->out->bytes;
}

void sou_session_send_end(struct step *t, uint8_t kind)
{
	if (t->out->bytes.failed || t->out->n == 0)
		t->s->failed = true;
	if (t->s->failed)
		return;
	struct sou_action *a = &t->out->v[t->out->n - 1];
	SOU_ASSERT(a->kind == SOU_ACTION_SEND);
	a->send.kind = kind;
	a->send.n = t->out->bytes.n - a->send.at;
	SOU_ASSERT(a->send.n <= SOU_FRAME_BODY_BYTES_MAX);
	t->s->sent_ms = t->s->now_ms;
}

static void close_now(struct step *t, enum sou_bye code, bool by_peer)
{
	if (t->s->state == SOU_SESSION_CLOSED)
		return;
	move_to(t->s, SOU_SESSION_CLOSED);
	struct sou_action *a = sou_session_action(t, SOU_ACTION_CLOSE);
	if (a != NULL) {
		a->close.code = code;
		a->close.by_peer = by_peer;
	}
}

void sou_session_bye(struct step *t, enum sou_bye code, const char *clause, const char *text)
{
	if (t->s->state == SOU_SESSION_CLOSED)
		return;
	sou_session_log(t, 1, clause, text, NULL);
	sou_bye_pack(sou_session_send_begin(t), code, clause, text);
	sou_session_send_end(t, SOU_FRAME_BYE);
	close_now(t, code, false);
}

void sou_session_log(struct step *t, int level, const char *rule, const char *what,
		     const struct sou_id *scope)
{
	struct sou_action *a = sou_session_action(t, SOU_ACTION_LOG);
	if (a == NULL)
		return;
	a->log.level = level;
	a->log.rule = rule;
	a->log.what = what;
	if (scope != NULL)
		a->log.scope = *scope;
}

static size_t cursor_place(const struct sou_session *s, const struct sou_id *scope, bool *found)
{
	size_t lo = 0, hi = s->cursor_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = sou_id_cmp(&s->cursors[mid].scope, scope);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

/* NULL: not there, no memory (then failed), or more scopes than a session keeps. */
struct cursor *sou_session_cursor(struct step *t, const struct sou_id *scope, bool create)
{
	struct sou_session *s = t->s;
	bool found;
	size_t i = cursor_place(s, scope, &found);
	if (found)
		return &s->cursors[i];
	if (!create || s->cursor_count >= SOU_SESSION_SCOPES_MAX)
		return NULL;
	if (s->cursor_count == s->cursor_cap) {
		size_t cap = s->cursor_cap == 0 ? 16 : s->cursor_cap * 2;
		struct cursor *v = realloc(s->cursors, cap * sizeof *v);
		if (v == NULL) {
			s->failed = true;
			return NULL;
		}
		s->cursors = v;
		s->cursor_cap = cap;
	}
	memmove(&s->cursors[i + 1], &s->cursors[i], (s->cursor_count - i) * sizeof s->cursors[0]);
	s->cursor_count++;
	s->cursors[i] = (struct cursor){.scope = *scope};
	return &s->cursors[i];
}

bool sou_session_grow(struct sou_session *s, void **list, size_t *cap, size_t count, size_t size)
{
	if (count < *cap)
		return true;
	size_t more = *cap == 0 ? 4 : *cap * 2;
	void *v = realloc(*list, more * size);
	if (v == NULL) {
		s->failed = true;
		return false;
	}
	*list = v;
	*cap = more;
	return true;
}

/* What nothing stands in is given back: thousands of links are idle nearly all of the time. */
static void shrink(struct sou_session *s)
{
	if (s->flight_count == 0 && s->flight_cap > 0) {
		free(s->flights);
		s->flights = NULL;
		s->flight_cap = 0;
	}
	if (s->pending_count == 0 && s->pending_cap > 0) {
		free(s->pendings);
		s->pendings = NULL;
		s->pending_cap = 0;
	}
	if (s->held_ack_count == 0 && s->held_ack_cap > 0) {
		free(s->held_acks);
		s->held_acks = NULL;
		s->held_ack_cap = 0;
	}
	if (s->flight_count == 0 && s->pending_count == 0)
		sou_buf_fini(&s->scratch);
}

/* 0: the peer keeps more under way than P13.9 allows; the caller says bye. */
uint64_t sou_session_pend(struct step *t, enum sou_action_kind kind, const struct sou_id *scope,
			  uint64_t upto, bool answer, size_t bytes)
{
	struct sou_session *s = t->s;
	if (s->pending_count == SOU_SESSION_PENDING_MAX ||
	    (s->pending_count > 0 && s->pending_bytes + bytes > SOU_SESSION_PENDING_BYTES_MAX))
		return 0;
	if (!sou_session_grow(s, (void **)&s->pendings, &s->pending_cap, s->pending_count,
			      sizeof *s->pendings))
		return 0;
	struct pending *p = &s->pendings[s->pending_count++];
	*p = (struct pending){.token = ++s->token,
			      .kind = (uint8_t)kind,
			      .answer = answer,
			      .upto = upto,
			      .bytes = bytes};
	if (scope != NULL)
		p->scope = *scope;
	s->pending_bytes += bytes;
	return p->token;
}

bool sou_session_may_read(struct step *t, const struct sou_id *scope)
{
	return !t->s->withdrawn && t->s->peer_known &&
	       t->view->may_read(t->view->ctx, &t->s->site, &t->s->key, scope);
}

static void on_opened(struct step *t, const struct sou_event *e)
{
	struct sou_session *s = t->s;
	s->connecting = e->opened.connecting;
	s->tls = e->opened.tls;
	s->received_ms = s->sent_ms = s->rate_ms = e->now_ms;
	const struct sou_line *line = sou_authority_by_tls(t->authority, &s->tls);
	if (e->opened.join != NULL) {
		move_to(s, SOU_SESSION_JOINING);
		sou_join_pack(sou_session_send_begin(t), e->opened.join);
		sou_session_send_end(t, SOU_FRAME_JOIN);
		return;
	}
	if (line != NULL) {
		s->site = line->site;
		s->key = line->key_id;
		s->peer_known = true;
	}
	if (line == NULL && !s->connecting) {
		move_to(s, SOU_SESSION_JOINING);
		return;
	}
	move_to(s, SOU_SESSION_OPENED);
	if (s->connecting)
		sou_session_send_hello(t, false);
}

static void on_bye(struct step *t, struct sou_span body)
{
	struct sou_farewell f;
	if (sou_bye_unpack(&f, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.13", "bye is not in form");
		return;
	}
	sou_session_log(t, f.code == SOU_BYE_STOPPING ? 0 : 1, "P11.13", sou_bye_name(f.code),
			NULL);
	close_now(t, f.code < 64 ? (enum sou_bye)f.code : SOU_BYE_NONE, true);
}

static void on_ping(struct step *t, struct sou_span body)
{
	uint64_t nonce;
	if (sou_ping_unpack(&nonce, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.14", "ping is not in form");
		return;
	}
	sou_ping_pack(sou_session_send_begin(t), nonce);
	sou_session_send_end(t, SOU_FRAME_PONG);
}

static void on_pong(struct step *t, struct sou_span body)
{
	uint64_t nonce;
	if (sou_ping_unpack(&nonce, body) != SOU_OK)
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.14", "pong is not in form");
	else
		sou_session_own_answer(t, nonce);
}

/* Which frames a state takes (P13.1); a frame that a state does not take is bye 12. */
static bool takes(const struct sou_session *s, enum sou_frame_kind kind)
{
	switch (s->state) {
	case SOU_SESSION_NEW:
	case SOU_SESSION_CLOSED:
		return false;
	case SOU_SESSION_JOINING:
		return kind == SOU_FRAME_BYE ||
		       (s->connecting ? kind == SOU_FRAME_JOINED
				      : kind == SOU_FRAME_JOIN && s->o.hub);
	case SOU_SESSION_OPENED:
		return kind == SOU_FRAME_BYE || kind == SOU_FRAME_HELLO ||
		       (kind == SOU_FRAME_JOIN && s->o.hub && !s->connecting);
	case SOU_SESSION_LIVE:
		break;
	}
	return kind != SOU_FRAME_HELLO && kind != SOU_FRAME_JOIN && kind != SOU_FRAME_JOINED;
}

/* P13.13: what a withdrawn peer may say. It may not know of it yet, so the rest is passed over. */
static bool heard(const struct sou_session *s, enum sou_frame_kind kind)
{
	return !s->withdrawn || s->state != SOU_SESSION_LIVE || kind == SOU_FRAME_NEWS ||
	       kind == SOU_FRAME_PING || kind == SOU_FRAME_PONG || kind == SOU_FRAME_BYE ||
	       kind == SOU_FRAME_ACK;
}

static void dispatch(struct step *t, enum sou_frame_kind kind, struct sou_span body)
{
	switch (kind) {
	case SOU_FRAME_HELLO:
		sou_session_on_hello(t, body);
		if (t->s->state == SOU_SESSION_OPENED && t->s->sent_hello && !t->s->failed)
			move_to(t->s, SOU_SESSION_LIVE);
		break;
	case SOU_FRAME_AUTHORITY:
	case SOU_FRAME_HEADERS:
		sou_session_on_series(t, (uint8_t)kind, body);
		break;
	case SOU_FRAME_NEWS:
		sou_session_on_news(t, body);
		break;
	case SOU_FRAME_ACK:
		sou_session_on_ack(t, body);
		break;
	case SOU_FRAME_REFUSE:
		sou_session_on_refuse(t, body);
		break;
	case SOU_FRAME_POSITIONS_WANT:
		sou_session_on_positions_want(t, body);
		break;
	case SOU_FRAME_POSITIONS:
		sou_session_on_positions(t, body);
		break;
	case SOU_FRAME_HEADS:
		sou_session_on_heads(t, body);
		break;
	case SOU_FRAME_WANT:
		sou_session_on_want(t, body);
		break;
	case SOU_FRAME_SIGNATURES_WANT:
		sou_session_on_signatures_want(t, body);
		break;
	case SOU_FRAME_SIGNATURES:
		sou_session_on_signatures(t, body);
		break;
	case SOU_FRAME_DIGEST:
		sou_session_on_digest(t, body);
		break;
	case SOU_FRAME_PING:
		on_ping(t, body);
		break;
	case SOU_FRAME_PONG:
		on_pong(t, body);
		break;
	case SOU_FRAME_BYE:
		on_bye(t, body);
		break;
	case SOU_FRAME_JOIN:
		sou_session_on_join(t, body);
		break;
	case SOU_FRAME_JOINED:
		sou_session_on_joined(t, body);
		break;
	}
}

static void on_frame(struct step *t, const struct sou_event *e)
{
	struct sou_session *s = t->s;
	s->received_ms = e->now_ms;
	if (e->frame.kind < SOU_FRAME_HELLO || e->frame.kind > SOU_FRAME_JOINED) {
		if (s->state != SOU_SESSION_LIVE)
			sou_session_bye(t, SOU_BYE_ORDER, "P13.1", "a frame before hello");
		else
			sou_session_log(t, 0, "P11.1", "a frame of an unknown kind", NULL);
		return;
	}
	enum sou_frame_kind kind = (enum sou_frame_kind)e->frame.kind;
	if (!takes(s, kind)) {
		if (s->state == SOU_SESSION_JOINING && !s->connecting)
			sou_session_bye(t, SOU_BYE_NOT_ENROLLED, "P12.2",
					"this key is not enrolled here");
		else
			sou_session_bye(t, SOU_BYE_ORDER, "P13.1",
					"a frame that this state does not take");
		return;
	}
	if (!heard(s, kind)) {
		sou_session_log(t, 0, "P13.13", "a frame of a withdrawn peer", NULL);
		return;
	}
	dispatch(t, kind, e->frame.body);
	if (s->state == SOU_SESSION_LIVE && kind == SOU_FRAME_HELLO) {
		sou_session_send_authority(t);
		sou_session_heads_due(t);
		sou_session_pump(t);
	}
}

static void on_enrolled(struct step *t, const struct sou_event *e)
{
	if (e->stored.rc != SOU_OK) {
		enum sou_bye code = e->stored.bye != 0 ? (enum sou_bye)e->stored.bye : SOU_BYE_BUSY;
		sou_session_bye(t, code, e->stored.clause != NULL ? e->stored.clause : "P12.6",
				sou_bye_name(code));
		return;
	}
	const struct sou_line *line = sou_authority_by_tls(t->authority, &t->s->tls);
	if (line == NULL) {
		sou_session_bye(t, SOU_BYE_BUSY, "P12.6", "enrolled, not readable yet: come again");
		return;
	}
	t->s->site = line->site;
	t->s->key = line->key_id;
	t->s->peer_known = true;
	sou_joined_pack(sou_session_send_begin(t), &e->stored.entry);
	sou_session_send_end(t, SOU_FRAME_JOINED);
	if (t->s->state == SOU_SESSION_JOINING)
		move_to(t->s, SOU_SESSION_OPENED);
}

/* Handed over before the replica refused what came before it: no fault of the peer's. */
static bool behind_refused(struct step *t, const struct sou_event *e, const struct pending *p)
{
	if (p->kind != SOU_ACTION_STORE_NEWS || p->answer || e->stored.bye != SOU_BYE_ORDER)
		return false;
	const struct cursor *c = sou_session_cursor(t, &p->scope, false);
	return c != NULL && c->refusing && p->upto > c->stored;
}

static void on_stored(struct step *t, const struct sou_event *e)
{
	struct sou_session *s = t->s;
	size_t i = 0;
	while (i < s->pending_count && s->pendings[i].token != e->stored.token)
		i++;
	SOU_ASSERT(i < s->pending_count); /* the interpreter answers each token once */
	struct pending p = s->pendings[i];
	memmove(&s->pendings[i], &s->pendings[i + 1], (s->pending_count - i - 1) * sizeof p);
	s->pending_count--;
	s->pending_bytes -= p.bytes;
	if (s->state == SOU_SESSION_CLOSED)
		return;
	if (p.kind == SOU_ACTION_ENROL) {
		on_enrolled(t, e);
		return;
	}
	s->bad_signatures += e->stored.bad_signatures;
	if (s->bad_signatures >= SOU_BAD_SIGNATURES_MAX) {
		sou_session_bye(t, SOU_BYE_SIGNATURE, "P11.11", "signatures that do not verify");
		return;
	}
	if (e->stored.rc != SOU_OK && e->stored.bye != 0 && !behind_refused(t, e, &p)) {
		sou_session_bye(t, (enum sou_bye)e->stored.bye,
				e->stored.clause != NULL ? e->stored.clause : "P11.9",
				sou_bye_name(e->stored.bye));
		return;
	}
	if (e->stored.rc == SOU_OK && e->stored.note != NULL)
		sou_session_log(t, 0, e->stored.note_clause, e->stored.note,
				p.kind == SOU_ACTION_STORE_NEWS ? &p.scope : NULL);
	if (p.kind == SOU_ACTION_STORE_NEWS)
		sou_session_news_stored(t, e, &p);
	if (e->stored.rc == SOU_OK && e->stored.gap && s->state == SOU_SESSION_LIVE)
		sou_session_gap(t, &p.scope);
	sou_session_pump(t);
}

/* The peer may have become withdrawn, or its right to read may have changed: walk on every op
 * (R18). */
static void on_authority(struct step *t)
{
	struct sou_session *s = t->s;
	if (s->state != SOU_SESSION_LIVE)
		return;
	const struct sou_line *line = sou_authority_by_tls(t->authority, &s->tls);
	if (line == NULL || !sou_id_eq(&line->site, &s->site)) {
		sou_session_bye(t, SOU_BYE_NOT_ENROLLED, "P12.2", "this key is not enrolled here");
		return;
	}
	s->site = line->site;
	s->key = line->key_id;
	s->peer_known = true;
	s->withdrawn = sou_authority_key_withdrawn(t->authority, &s->site, &s->key);
	for (size_t i = 0; i < s->cursor_count; i++)
		s->cursors[i].refused = false;
	sou_session_series_stored(t);
	sou_session_send_authority(t);
	sou_session_pump(t);
}

static void on_tick(struct step *t, uint64_t now_ms)
{
	struct sou_session *s = t->s;
	if (s->state == SOU_SESSION_NEW || s->state == SOU_SESSION_CLOSED)
		return;
	if (s->state == SOU_SESSION_JOINING && !s->connecting && s->pending_count == 0 &&
	    now_ms - s->received_ms >= SOU_JOIN_MS_MAX) {
		sou_session_bye(t, SOU_BYE_NOT_ENROLLED, "P12.6", "no join in time");
		return;
	}
	if (now_ms - s->received_ms >= SOU_IDLE_CLOSE_MS) {
		sou_session_log(t, 1, "P13.14", "nothing heard from the peer", NULL);
		close_now(t, SOU_BYE_NONE, false);
		return;
	}
	if (s->state != SOU_SESSION_LIVE)
		return;
	if (now_ms - s->received_ms >= SOU_IDLE_PING_MS &&
	    now_ms - s->sent_ms >= SOU_IDLE_PING_MS) {
		sou_ping_pack(sou_session_send_begin(t), now_ms);
		sou_session_send_end(t, SOU_FRAME_PING);
	}
	sou_session_flush_acks(t);
	sou_session_pump(t);
}

static void on_want(struct step *t, const struct sou_event *e)
{
	SOU_ASSERT(e->want.count >= 1 && e->want.count <= SOU_WANT_MAX);
	if (t->s->state != SOU_SESSION_LIVE || t->s->withdrawn)
		return;
	sou_want_pack(sou_session_send_begin(t), &e->want.scope, e->want.versions, e->want.count);
	sou_session_send_end(t, SOU_FRAME_WANT);
}

static void on_news(struct step *t, const struct sou_event *e)
{
	if (t->s->state != SOU_SESSION_LIVE)
		return;
	struct cursor *c = sou_session_cursor(t, &e->news.scope, true);
	if (c == NULL)
		return;
	if (e->news.last > c->last)
		c->last = e->news.last;
	sou_session_pump(t);
}

static void on_other(struct step *t)
{
	static const char clause[] = "P13.2";
	const struct sou_refusal r = {.code = SOU_REFUSE_INSTANCE,
				      .clause = {(const uint8_t *)clause, sizeof clause - 1}};
	if (t->s->state != SOU_SESSION_LIVE)
		return;
	sou_refusal_pack(sou_session_send_begin(t), &r);
	sou_session_send_end(t, SOU_FRAME_REFUSE);
}

int sou_session_step(struct sou_session *s, const struct sou_view *view,
		     const struct sou_event *event, struct sou_actions *out)
{
	out->n = 0;
	sou_buf_clear(&out->bytes);
	struct step t = {s, view, view->authority(view->ctx), out};
	SOU_ASSERT(t.authority != NULL);
	s->now_ms = event->now_ms;
	if (s->series_given) {
		sou_buf_fini(&s->series);
		s->series_given = false;
	}
	if (s->state == SOU_SESSION_CLOSED && event->kind != SOU_EVENT_STORED)
		return SOU_OK;
	switch (event->kind) {
	case SOU_EVENT_OPENED:
		on_opened(&t, event);
		break;
	case SOU_EVENT_FRAME:
		on_frame(&t, event);
		break;
	case SOU_EVENT_STORED:
		on_stored(&t, event);
		break;
	case SOU_EVENT_WANT:
		on_want(&t, event);
		break;
	case SOU_EVENT_NEWS:
		on_news(&t, event);
		break;
	case SOU_EVENT_AUTHORITY:
		on_authority(&t);
		break;
	case SOU_EVENT_TICK:
		on_tick(&t, event->now_ms);
		break;
	case SOU_EVENT_STOP:
		sou_session_bye(&t, SOU_BYE_STOPPING, "P11.13", "stopping");
		break;
	case SOU_EVENT_INSTANCE:
		sou_session_bye(&t, SOU_BYE_INSTANCE, "P13.2",
				"another instance of this site is connected");
		break;
	case SOU_EVENT_OTHER:
		on_other(&t);
		break;
	case SOU_EVENT_SETTLE:
		sou_session_settle(s);
		break;
	case SOU_EVENT_CONFIRMED:
		sou_session_confirmed(&t);
		break;
	case SOU_EVENT_NEW_LOG:
		if (s->state != SOU_SESSION_NEW)
			sou_session_bye(&t, SOU_BYE_ROLLED_BACK, "P13.8",
					"this log was rolled back");
		break;
	}
	sou_session_own_ask(&t);
	shrink(s);
	return s->failed || out->bytes.failed ? SOU_ENOMEM : SOU_OK;
}

enum sou_session_state sou_session_state(const struct sou_session *s)
{
	return s->state;
}

struct sou_id sou_session_peer_site(const struct sou_session *s)
{
	return s->site;
}

struct sou_id sou_session_peer_instance(const struct sou_session *s)
{
	return s->instance;
}

size_t sou_session_scopes(const struct sou_session *s, struct sou_session_scope *out, size_t max)
{
	for (size_t i = 0; i < s->cursor_count && i < max; i++) {
		const struct cursor *c = &s->cursors[i];
		out[i] = (struct sou_session_scope){.scope = c->scope,
						    .last = c->last,
						    .sent = c->sent,
						    .acked = c->acked,
						    .refused = c->refused,
						    .equal = c->equal};
	}
	return s->cursor_count;
}

bool sou_session_quiet(const struct sou_session *s)
{
	if (s->state != SOU_SESSION_LIVE || s->flight_count > 0 || s->pending_count > 0 ||
	    s->held_ack_count > 0 || s->positions_wanted)
		return false;
	for (size_t i = 0; i < s->cursor_count; i++) {
		const struct cursor *c = &s->cursors[i];
		if (c->waiting || (c->last > c->sent && !c->blocked && !c->refused))
			return false;
	}
	return true;
}
