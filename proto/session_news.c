/* session_news.c - news in both directions: the pump that fills the window, acks, refusals, and
 * what the peer sends (P11.6, P11.7, P11.12, P13.6, P13.9, P13.13 - P13.15). */
#include "session_int.h"

/* Whether anything of this scope may go now; only_site: nothing but the peer's own feeds. */
static bool may_send(struct step *t, struct cursor *c, bool *only_site)
{
	struct sou_session *s = t->s;
	*only_site = false;
	if (c->own_only && sou_session_may_read(t, &c->scope)) { /* P13.10: from the start */
		c->own_only = false;
		c->sent = c->acked = c->named = c->had = 0;
		sou_session_land(s, &c->scope, UINT64_MAX);
	}
	if (c->waiting || c->refused || c->last <= c->sent)
		return false;
	if (s->o.own_wanted && !s->o.hub) { /* what it says may stand beside what was said (R12) */
		c->blocked = true;
		return false;
	}
	c->blocked = !sou_session_may_read(t, &c->scope);
	if (!c->blocked)
		return true;
	/* Its own feeds it may always read, but lacks them only when it says so (P8.14, P13.6). */
	*only_site = (s->peer_flags & SOU_HELLO_OWN_WANTED) != 0 && !s->withdrawn;
	c->blocked = !*only_site;
	return *only_site;
}

static void passed(struct cursor *c, const struct sou_session *s)
{
	for (size_t i = 0; i < s->flight_count; i++)
		if (sou_id_eq(&s->flights[i].scope, &c->scope))
			return;
	c->acked = c->sent; /* what was left out needs no ack */
}

/* Room for `bytes` more, or for one frame, however large (P13.9). */
static bool window_open(const struct sou_session *s, size_t bytes)
{
	return s->flight_count < SOU_NEWS_FLIGHTS_MAX &&
	       (s->flight_count == 0 || s->flight_bytes + bytes <= SOU_NEWS_UNACKED_BYTES_MAX);
}

/* One frame of a scope, or a cursor moved over what is left out. False: not now. */
static bool send_one(struct step *t, struct cursor *c, bool only_site)
{
	struct sou_session *s = t->s;
	struct sou_news_query q = {
		.scope = c->scope,
		.after = c->sent,
		.bytes_max = SOU_NEWS_RAW_BYTES,
		.peer_site = s->site,
		.peer_log = s->log,
		.every_signature = (s->peer_flags & SOU_HELLO_EVERY_SIGNATURE) != 0,
		.only_site = only_site,
		.heads = c->heads,
		.head_count = c->head_count,
		.by_heads = c->by_heads,
	};
	struct sou_news_answer got = {0};
	if (!sou_session_grow(s, (void **)&s->flights, &s->flight_cap, s->flight_count,
			      sizeof *s->flights))
		return false;
	sou_buf_clear(&s->scratch);
	int rc = t->view->news(t->view->ctx, &q, &s->scratch, &got);
	if (rc != SOU_OK || got.upto <= c->sent) {
		sou_session_log(t, 2, "P13.6", "stored entries cannot be read", &c->scope);
		return false;
	}
	if (got.entry_count > 0 && !window_open(s, s->scratch.n))
		return false; /* a run that is larger than what we asked for: after the next ack */
	c->sent = got.upto;
	c->own_only = c->own_only || only_site;
	if (got.upto > c->last)
		c->last = got.upto; /* landed before we were told */
	if (got.entry_count == 0) {
		passed(c, s);
		return true;
	}
	struct sou_news n = {.scope = c->scope,
			     .after = c->named, /* the peer was not told of what was left out */
			     .upto = got.upto,
			     .flags = got.flags,
			     .raw_bytes = got.raw_bytes,
			     .data = sou_buf_span(&s->scratch)};
	sou_news_pack(sou_session_send_begin(t), &n);
	sou_session_send_end(t, SOU_FRAME_NEWS);
	c->named = got.upto;
	s->flights[s->flight_count++] = (struct flight){c->scope, got.upto, n.data.n};
	s->flight_bytes += n.data.n;
	return true;
}

/* Round robin over scopes, so that a long one does not keep the others back. */
void sou_session_pump(struct step *t)
{
	struct sou_session *s = t->s;
	if (s->state != SOU_SESSION_LIVE || s->positions_wanted || s->withdrawn)
		return;
	size_t idle = 0;
	while (s->cursor_count > 0 && idle < s->cursor_count && !s->failed) {
		s->next_cursor = (s->next_cursor + 1) % s->cursor_count;
		struct cursor *c = &s->cursors[s->next_cursor];
		bool only_site;
		if (!window_open(s, SOU_NEWS_RAW_BYTES) || !may_send(t, c, &only_site)) {
			sou_session_compare(t, c);
			idle++;
			continue;
		}
		if (send_one(t, c, only_site))
			idle = 0;
		else
			idle++;
	}
}

void sou_session_on_news(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_news n;
	int rc = sou_news_unpack(&n, body);
	if (rc != SOU_OK) {
		sou_session_bye(t, rc == SOU_ELIMIT ? SOU_BYE_LIMIT : SOU_BYE_FORMAT, "P11.6",
				"news are not in form");
		return;
	}
	bool answer = (n.flags & SOU_DATA_ANSWER) != 0;
	struct cursor *c = sou_session_cursor(t, &n.scope, true);
	if (c == NULL) {
		sou_session_bye(t, SOU_BYE_LIMIT, "P16.1", "too many scopes");
		return;
	}
	sou_session_own_heard(s);
	if (!answer) {
		if (c->refusing && n.after > c->stored)
			return; /* was under way when we refused */
		c->refusing = false;
		if (c->again && n.after > c->taken)
			return; /* was under way when we sent heads */
		c->again = false;
		if (n.after > c->taken) {
			sou_session_bye(t, SOU_BYE_ORDER, "P13.6", "a gap in the news");
			return;
		}
	}
	uint64_t token =
		sou_session_pend(t, SOU_ACTION_STORE_NEWS, &n.scope, n.upto, answer, n.data.n);
	if (token == 0) {
		sou_session_bye(t, SOU_BYE_LIMIT, "P13.9", "too much under way");
		return;
	}
	if (!answer && n.upto > c->taken)
		c->taken = n.upto;
	struct sou_action *a = sou_session_action(t, SOU_ACTION_STORE_NEWS);
	if (a == NULL)
		return;
	a->token = token;
	a->news = n;
	(void)s;
}

static void send_ack(struct step *t, const struct sou_ack *ack)
{
	sou_ack_pack(sou_session_send_begin(t), ack);
	sou_session_send_end(t, SOU_FRAME_ACK);
}

/* Tokens of newly signed own entries (R17): the debt is paid by time, then acks go again. */
static void refill_rate(struct sou_session *s)
{
	int64_t full = (int64_t)SOU_RATE_BUCKET * 1000;
	uint64_t passed_ms = s->now_ms - s->rate_ms;
	s->rate_ms = s->now_ms;
	if (passed_ms > SOU_RATE_BUCKET * 1000u / SOU_RATE_PER_S)
		s->rate_milli = full;
	else
		s->rate_milli += (int64_t)(passed_ms * SOU_RATE_PER_S);
	if (s->rate_milli > full)
		s->rate_milli = full;
}

void sou_session_flush_acks(struct step *t)
{
	struct sou_session *s = t->s;
	refill_rate(s);
	if (s->rate_milli < 0)
		return;
	for (size_t i = 0; i < s->held_ack_count; i++)
		send_ack(t, &s->held_acks[i]);
	s->held_ack_count = 0;
}

static void refuse(struct step *t, struct cursor *c, const struct sou_event *e, uint64_t upto)
{
	const char *clause = e->stored.clause != NULL ? e->stored.clause : "P11.12";
	c->taken = c->stored;
	c->refusing = true;
	struct sou_refusal r = {.scope = c->scope,
				.upto = upto,
				.code = e->stored.refuse,
				.clause = {(const uint8_t *)clause, strlen(clause)},
				.has_entry = e->stored.has_entry,
				.entry = e->stored.entry};
	sou_refusal_pack(sou_session_send_begin(t), &r);
	sou_session_send_end(t, SOU_FRAME_REFUSE);
	sou_session_log(t, 1, clause, "refused news of a scope", &c->scope);
}

void sou_session_news_stored(struct step *t, const struct sou_event *e, const struct pending *p)
{
	struct sou_session *s = t->s;
	struct cursor *c = sou_session_cursor(t, &p->scope, true);
	if (c == NULL || p->answer)
		return;
	if (e->stored.refuse != 0) {
		refuse(t, c, e, p->upto);
		return;
	}
	if (e->stored.rc != SOU_OK) {
		if (!c->refusing)
			sou_session_bye(t, SOU_BYE_BUSY, "P13.15", "news could not be stored");
		return;
	}
	if (p->upto > c->stored)
		c->stored = p->upto;
	struct sou_ack ack = {c->scope, p->upto, e->stored.received_ms};
	refill_rate(s);
	s->rate_milli -= (int64_t)e->stored.own_new * 1000;
	if (s->rate_milli >= 0 && s->held_ack_count == 0) {
		send_ack(t, &ack);
		return;
	}
	if (s->held_ack_count == SOU_SESSION_PENDING_MAX) {
		sou_session_bye(t, SOU_BYE_RATE, "P13.14", "too many new entries");
		return;
	}
	if (sou_session_grow(s, (void **)&s->held_acks, &s->held_ack_cap, s->held_ack_count,
			     sizeof *s->held_acks))
		s->held_acks[s->held_ack_count++] = ack;
}

void sou_session_land(struct sou_session *s, const struct sou_id *scope, uint64_t upto)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->flight_count; i++) {
		struct flight f = s->flights[i];
		if (sou_id_eq(&f.scope, scope) && f.upto <= upto)
			s->flight_bytes -= f.bytes;
		else
			s->flights[kept++] = f;
	}
	s->flight_count = kept;
}

void sou_session_on_ack(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_ack a;
	if (sou_ack_unpack(&a, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.7", "ack is not in form");
		return;
	}
	struct cursor *c = sou_session_cursor(t, &a.scope, false);
	if (c == NULL || a.upto > c->last) {
		sou_session_bye(t, SOU_BYE_ORDER, "P11.7", "an ack of what was not sent");
		return;
	}
	sou_session_land(s, &a.scope, a.upto);
	if (a.upto <= c->sent) { /* above: of before the peer's heads */
		c->acked = a.upto > c->acked ? a.upto : c->acked;
		c->had = a.upto > c->had ? a.upto : c->had;
	}
	passed(c, s);
	struct sou_action *act = sou_session_action(t, SOU_ACTION_ACKED);
	if (act != NULL)
		act->acked = a;
	sou_session_pump(t);
}

void sou_session_on_refuse(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_refusal r;
	if (sou_refusal_unpack(&r, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.12", "refuse is not in form");
		return;
	}
	struct cursor *c = sou_session_cursor(t, &r.scope, false);
	if (c != NULL && r.upto > 0) {
		sou_session_land(s, &r.scope, UINT64_MAX);
		c->sent = c->acked;
		c->named = c->had;
		c->refused = true;
	}
	struct sou_action *a = sou_session_action(t, SOU_ACTION_REFUSED);
	if (a != NULL)
		a->refused = r;
	sou_session_pump(t);
}
