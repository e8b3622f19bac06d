/* session_digest.c - comparing the state of a scope with the peer's (R10, P13.12). */
#include "session_int.h"

static bool under_way(const struct sou_session *s, const struct sou_id *scope)
{
	for (size_t i = 0; i < s->flight_count; i++)
		if (sou_id_eq(&s->flights[i].scope, scope))
			return true;
	for (size_t i = 0; i < s->pending_count; i++)
		if (s->pendings[i].kind == SOU_ACTION_STORE_NEWS &&
		    sou_id_eq(&s->pendings[i].scope, scope))
			return true;
	return false;
}

static void say(struct step *t, struct cursor *c, const struct sou_digest *mine)
{
	struct sou_digest d = *mine;
	d.upto = c->sent; /* not `named`: who may not read the scope takes no notice */
	c->has_said = c->said_whole = true;
	c->said = sou_digest_half(&d);
	c->said_ms = t->s->now_ms;
	c->digest_after_ms = t->s->now_ms + SOU_DIGEST_EVERY_MS;
	sou_digest_pack(sou_session_send_begin(t), &d);
	sou_session_send_end(t, SOU_FRAME_DIGEST);
}

/* Said in our hello too; but the peer cannot compare by a half, so that a difference that lasts is
 * said whole. */
static bool was_said(const struct cursor *c, const struct sou_id *half)
{
	return c->has_said && sou_id_eq(half, &c->said);
}

static void send_heads_once(struct step *t, struct cursor *c, const char *why)
{
	c->heads_sent = true;
	sou_session_log(t, 1, "P13.12", why, &c->scope);
	sou_session_send_heads(t, c);
}

static void ask_by_heads(struct step *t, struct cursor *c)
{
	if (c->heads_sent)
		return;
	if (under_way(t->s, &c->scope) || c->sent < c->last) {
		c->ask_ms = t->s->now_ms + SOU_DIGEST_EVERY_MS;
		return;
	}
	send_heads_once(t, c, "entries differ: asking again by heads");
}

/* Also where the peer may not read the scope and no digest tells: the heads, none then, make it
 * send all that it has of its own. */
void sou_session_gap(struct step *t, const struct sou_id *scope)
{
	struct cursor *c = sou_session_cursor(t, scope, true);
	if (c != NULL && !c->heads_sent)
		send_heads_once(t, c, "a feed with a gap: asking again by heads");
}

/* Called when a scope has nothing to send: tell the peer how it looks here, if it told otherwise.
 */
void sou_session_compare(struct step *t, struct cursor *c)
{
	struct sou_session *s = t->s;
	if (s->now_ms < c->digest_after_ms || c->waiting || c->refused || c->refusing ||
	    c->sent < c->last || c->acked < c->sent || c->blocked || under_way(s, &c->scope))
		return;
	struct sou_digest mine;
	if (!t->view->digest(t->view->ctx, &c->scope, &mine))
		return;
	struct sou_id half = sou_digest_half(&mine);
	c->equal = c->has_told && sou_id_eq(&half, &c->told);
	if (!c->equal && c->ask_ms != 0 && s->now_ms >= c->ask_ms) {
		c->ask_ms = 0;
		ask_by_heads(t, c);
	}
	if (c->equal ||
	    (was_said(c, &half) && (c->said_whole || s->now_ms - c->said_ms < SOU_DIGEST_EVERY_MS)))
		return;
	if (sou_session_may_read(t, &c->scope))
		say(t, c, &mine);
}

static void differ(struct step *t, struct cursor *c, const struct sou_digest *theirs,
		   const struct sou_digest *mine)
{
	if (!sou_hash_eq(&theirs->authority, &mine->authority) || theirs->rule != mine->rule)
		return;
	if (sou_hash_eq(&theirs->entries, &mine->entries)) {
		sou_session_log(t, 2, "P13.12", "software fault: equal entries, other state",
				&c->scope);
		struct sou_action *a = sou_session_action(t, SOU_ACTION_ALARM);
		if (a != NULL)
			a->alarm.scope = c->scope;
		return;
	}
	ask_by_heads(t, c);
}

void sou_session_on_digest(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_digest d, mine;
	if (sou_digest_unpack(&d, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.12", "digest is not in form");
		return;
	}
	if (!sou_session_may_read(t, &d.scope)) {
		sou_session_log(t, 0, "P13.6", "a digest of a scope that the peer may not read",
				NULL);
		return;
	}
	struct cursor *c = sou_session_cursor(t, &d.scope, true);
	if (c == NULL)
		return;
	c->has_told = true;
	c->told = sou_digest_half(&d);
	if (d.upto > c->taken && !c->refusing) {
		c->taken = c->stored = d.upto;
		struct sou_action *a = sou_session_action(t, SOU_ACTION_PASSED);
		if (a != NULL) {
			a->passed.scope = d.scope;
			a->passed.upto = d.upto;
		}
	}
	c->ask_ms = 0;
	if (under_way(s, &d.scope)) { /* it is not said again: if that lasts, heads go */
		struct sou_hash authority = sou_authority_hash(t->authority);
		if (sou_hash_eq(&authority, &d.authority) && d.rule == SOU_RULE_VERSION)
			c->ask_ms = s->now_ms + SOU_DIGEST_EVERY_MS;
		return;
	}
	if (!t->view->digest(t->view->ctx, &d.scope, &mine)) {
		if (c->last == 0)
			ask_by_heads(t, c); /* it left out all, as ours: a log put back (P13.8) */
		return;
	}
	struct sou_id half = sou_digest_half(&mine);
	c->equal = sou_id_eq(&half, &c->told);
	if (!c->equal)
		differ(t, c, &d, &mine);
	bool known = was_said(c, &half) && (c->said_whole || c->equal);
	if (!known && c->sent == c->last && c->acked == c->sent)
		say(t, c, &mine);
}
