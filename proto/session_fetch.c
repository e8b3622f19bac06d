/* session_fetch.c - what is asked for by name: entries, signatures, and a place in the network
 * (P12.6, P13.11). */
#include "session_int.h"

static void refuse_fetch(struct step *t, const struct sou_id *scope, enum sou_refuse code)
{
	static const char clause[] = "P13.11";
	struct sou_refusal r = {.scope = *scope,
				.code = (uint64_t)code,
				.clause = {(const uint8_t *)clause, sizeof clause - 1}};
	sou_refusal_pack(sou_session_send_begin(t), &r);
	sou_session_send_end(t, SOU_FRAME_REFUSE);
}

void sou_session_on_want(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_heads w;
	if (sou_want_unpack(&w, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.11", "want is not in form");
		return;
	}
	if (!sou_session_may_read(t, &w.scope)) {
		refuse_fetch(t, &w.scope, SOU_REFUSE_NOT_READABLE);
		return;
	}
	struct sou_news_answer got = {0};
	sou_buf_clear(&s->scratch);
	if (t->view->entries(t->view->ctx, &w.scope, &w.names, &s->scratch, &got) != SOU_OK ||
	    got.entry_count == 0) {
		refuse_fetch(t, &w.scope, SOU_REFUSE_UNKNOWN);
		return;
	}
	struct sou_news n = {.scope = w.scope,
			     .flags = got.flags | SOU_DATA_ANSWER,
			     .raw_bytes = got.raw_bytes,
			     .data = sou_buf_span(&s->scratch)};
	sou_news_pack(sou_session_send_begin(t), &n);
	sou_session_send_end(t, SOU_FRAME_NEWS);
}

void sou_session_on_signatures_want(struct step *t, struct sou_span body)
{
	struct sou_signatures_want w;
	if (sou_signatures_want_unpack(&w, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.11", "signatures-want is not in form");
		return;
	}
	if (!sou_session_may_read(t, &w.scope)) {
		refuse_fetch(t, &w.scope, SOU_REFUSE_NOT_READABLE);
		return;
	}
	struct sou_session *s = t->s;
	sou_buf_clear(&s->scratch);
	if (t->view->signatures(t->view->ctx, &w, &s->scratch) != SOU_OK) {
		refuse_fetch(t, &w.scope, SOU_REFUSE_UNKNOWN);
		return;
	}
	sou_buf_put(sou_session_send_begin(t), s->scratch.p, s->scratch.n);
	sou_session_send_end(t, SOU_FRAME_SIGNATURES);
}

void sou_session_on_signatures(struct step *t, struct sou_span body)
{
	struct sou_signatures sigs;
	if (sou_signatures_unpack(&sigs, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.11", "signatures are not in form");
		return;
	}
	uint64_t token =
		sou_session_pend(t, SOU_ACTION_STORE_SIGNATURES, &sigs.scope, 0, true, body.n);
	if (token == 0) {
		sou_session_bye(t, SOU_BYE_LIMIT, "P13.9", "too much under way");
		return;
	}
	struct sou_action *a = sou_session_action(t, SOU_ACTION_STORE_SIGNATURES);
	if (a == NULL)
		return;
	a->token = token;
	a->signatures = sigs;
}

void sou_session_on_join(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_join j;
	if (sou_join_unpack(&j, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P12.6", "join is not in form");
		return;
	}
	if (j.wire != SOU_WIRE_VERSION) {
		sou_session_bye(t, SOU_BYE_VERSION, "P12.6", "another wire version");
		return;
	}
	if (!sou_id_eq(&j.net, &s->o.net)) {
		sou_session_bye(t, SOU_BYE_NET, "P12.6", "another network");
		return;
	}
	if (!sou_hash_eq(&j.tls, &s->tls)) {
		sou_session_bye(t, SOU_BYE_SIGNATURE, "P12.6",
				"the TLS key is not the one that joins");
		return;
	}
	if (s->pending_count > 0) {
		sou_session_bye(t, SOU_BYE_ORDER, "P12.6", "a second join");
		return;
	}
	uint64_t token = sou_session_pend(t, SOU_ACTION_ENROL, NULL, 0, false, body.n);
	SOU_ASSERT(token != 0); /* nothing else is pending */
	struct sou_action *a = sou_session_action(t, SOU_ACTION_ENROL);
	if (a == NULL)
		return;
	a->token = token;
	a->join = j;
}

void sou_session_on_joined(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_hash op;
	if (sou_joined_unpack(&op, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P12.6", "joined is not in form");
		return;
	}
	struct sou_action *a = sou_session_action(t, SOU_ACTION_JOINED);
	if (a != NULL)
		a->joined.op = op;
	s->state = SOU_SESSION_OPENED;
	sou_session_send_hello(t, false);
}
