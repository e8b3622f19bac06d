/* session_own.c - asks with pings whether the peer has more for us (P13.16): of an unconfirmed
 * replica, which fetches its own feeds and sends nothing of a scope (R12), and when a person waits
 * for the link to be level. A stream keeps its order: a peer that answers has acted on all that we
 * had said, and what it sent before stands before the answer. It takes two, for the first may cross
 * with what the peer's own hello asks of us. */
#include "session_int.h"

#define ROUNDS 2u

void sou_session_own_heard(struct sou_session *s)
{
	s->own_rounds = 0;
	s->own_more = true;
}

static bool own_open(const struct sou_session *s)
{
	return s->o.own_wanted && !s->own_all && !s->withdrawn;
}

void sou_session_own_ask(struct step *t)
{
	struct sou_session *s = t->s;
	if ((!own_open(s) && !s->settling) || s->own_asked || s->state != SOU_SESSION_LIVE ||
	    s->positions_wanted || s->pending_count > 0 || s->held_ack_count > 0)
		return;
	s->own_asked = true;
	s->own_more = false;
	sou_ping_pack(sou_session_send_begin(t), ++s->own_nonce);
	sou_session_send_end(t, SOU_FRAME_PING);
}

void sou_session_own_answer(struct step *t, uint64_t nonce)
{
	struct sou_session *s = t->s;
	if (!s->own_asked || nonce != s->own_nonce)
		return;
	s->own_asked = false;
	if (s->own_more || s->pending_count > 0)
		return; /* asked again when nothing is under way */
	if (++s->own_rounds < ROUNDS)
		return;
	if (own_open(s)) {
		s->own_all = true;
		(void)sou_session_action(t, SOU_ACTION_OWN_ALL);
	}
	if (s->settling) {
		s->settling = false;
		(void)sou_session_action(t, SOU_ACTION_SETTLED);
	}
}

void sou_session_settle(struct sou_session *s)
{
	s->settling = true;
	s->own_rounds = 0; /* an answer that is on its way counts: it is the first of two */
}

void sou_session_confirmed(struct step *t)
{
	t->s->o.own_wanted = false;
	sou_session_pump(t);
}
