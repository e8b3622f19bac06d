/* peer.c - one link and its session: frames become events, actions become frames and jobs (R24). */
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/sync/sync_int.h"

void soud_peer_log(enum soud_event event, const char *rule, const char *what, const struct peer *p,
		   const struct sou_id *scope)
{
	const struct soud_log_facts facts = {.rule = rule,
					     .peer = p->link != NULL ? soud_link_addr(p->link)->text
								     : "",
					     .site = p->live ? &p->from.site : NULL,
					     .scope = scope};
	soud_log(event, &facts, "%s", what);
}

void soud_peer_gone(struct peer *p)
{
	if (p->link != NULL || p->jobs > 0)
		return;
	struct soud_sync *s = p->sync;
	for (struct peer **at = &s->peers; *at != NULL; at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			break;
		}
	}
	sou_session_free(p->session);
	free(p->late);
	free(p);
	soud_sync_maybe_closed(s);
}

/* A site may be linked once. The same replica again is the same site that came back: the newer link
 * stands. Another instance is a clone or a restored copy: refused, and both are told (R12). */
static void on_live(struct peer *p, const struct sou_action *a)
{
	struct soud_sync *s = p->sync;
	p->from = (struct soud_from){a->peer.site, a->peer.log};
	p->live = true;
	soud_link_frames(p->link, SOU_FRAME_BODY_BYTES_MAX);
	p->withdrawn = a->peer.withdrawn;
	const struct sou_authority *authority = soud_reader_authority(soud_core_reader(s->core));
	p->is_hub = soud_link_is_outgoing(p->link);
	if (p->is_hub)
		soud_sync_forget_why(s); /* whatever it was against is over */
	if (s->listen != NULL && sou_authority_site(authority, &a->peer.site) != NULL)
		soud_listen_known(s->listen, p->link);
	for (struct peer *q = s->peers; q != NULL; q = q->next) {
		if (q == p || !q->live || q->closing || !sou_id_eq(&q->from.site, &p->from.site))
			continue;
		struct sou_id instance = sou_session_peer_instance(q->session);
		if (sou_id_eq(&instance, &a->peer.instance)) {
			q->closing = true;
			soud_link_close(q->link);
			continue;
		}
		soud_peer_log(SOUD_EVENT_SITE_TWICE, "R12",
			      "a second instance of this site is connected", q, NULL);
		q->other = p->closing = true; /* both are told after this step */
	}
	soud_peer_log(SOUD_EVENT_LINK_LIVE, "P13.1", p->withdrawn ? "linked, withdrawn" : "linked",
		      p, NULL);
}

static void on_refused(struct peer *p, const struct sou_action *a)
{
	struct soud_sync *s = p->sync;
	s->refused++;
	s->refusals_got[a->refused.code < SOUD_REFUSALS ? a->refused.code : 0]++;
	if (p->is_hub && a->refused.code == SOU_REFUSE_INSTANCE) {
		s->other_instance = true;
		soud_peer_log(SOUD_EVENT_SITE_TWICE, "R12",
			      "another instance of this site was connected", p, NULL);
	}
	if (!p->is_hub || a->refused.upto == 0)
		return;
	(void)snprintf(s->refusal, sizeof s->refusal, "%s %.*s", sou_refuse_name(a->refused.code),
		       (int)a->refused.clause.n, (const char *)a->refused.clause.p);
	soud_peer_log(SOUD_EVENT_HUB_REFUSES, "P11.12", "the hub does not take entries of a scope",
		      p, &a->refused.scope);
}

static void on_close(struct peer *p, const struct sou_action *a)
{
	struct soud_sync *s = p->sync;
	if (p->is_hub || soud_link_is_outgoing(p->link))
		s->bye = a->close.by_peer && a->close.code != SOU_BYE_NONE
				 ? sou_bye_name((uint64_t)a->close.code)
				 : NULL;
	if (!a->close.by_peer && a->close.code == SOU_BYE_SIGNATURE)
		(void)soud_penalty_put(&s->penalty, soud_link_spki(p->link), uv_now(s->loop));
	p->closing = true;
	soud_link_close(p->link);
}

static void on_send(struct peer *p, const struct sou_action *a)
{
	int rc = soud_link_send_frame(p->link, a->send.kind, p->sync->actions.bytes.p + a->send.at,
				      (uint32_t)a->send.n);
	if (a->send.kind == SOU_FRAME_NEWS)
		p->sync->entries_out_bytes += a->send.n;
	if (rc == SOU_OK || rc == SOU_ESTATE)
		return;
	p->closing = true; /* a frame is missing in the stream: nothing may follow */
	soud_link_abort(p->link, rc == SOU_ENOMEM ? SOUD_LINK_END_NOMEM : SOUD_LINK_END_LIMIT);
}

static const enum soud_event session_events[] = {
	SOUD_EVENT_SESSION_NOTE, SOUD_EVENT_SESSION_WARNING, SOUD_EVENT_SESSION_FAULT};

static void act(struct peer *p, const struct sou_action *a)
{
	switch (a->kind) {
	case SOU_ACTION_SEND:
		on_send(p, a);
		break;
	case SOU_ACTION_STORE_NEWS:
		soud_peer_store_news(p, a->token, &a->news);
		break;
	case SOU_ACTION_STORE_AUTHORITY:
		soud_peer_store_series(p, a->token, a->authority.series);
		break;
	case SOU_ACTION_STORE_SIGNATURES:
		soud_peer_store_signatures(p, a->token, &a->signatures);
		break;
	case SOU_ACTION_ENROL:
		soud_peer_enrol(p, a->token, &a->join);
		break;
	case SOU_ACTION_LIVE:
		on_live(p, a);
		break;
	case SOU_ACTION_ACKED:
		p->sync->acks_in++;
		if (p->is_hub) {
			p->sync->hub_clock_known = true;
			p->sync->hub_clock_ms =
				(int64_t)a->acked.received_ms - (int64_t)soud_wall_ms();
		}
		soud_peer_late_ack(p, &a->acked);
		break;
	case SOU_ACTION_PASSED:
		soud_peer_late_pass(p, &a->passed.scope, a->passed.upto);
		break;
	case SOU_ACTION_REFUSED:
		on_refused(p, a);
		break;
	case SOU_ACTION_JOINED:
		break; /* a daemon joins nobody: the command line does */
	case SOU_ACTION_OWN_ALL:
		soud_sync_own_all(p);
		break;
	case SOU_ACTION_SETTLED:
		p->settled = true;
		break;
	case SOU_ACTION_NEW_LOG:
		soud_peer_new_log(p);
		break;
	case SOU_ACTION_CLAIM:
		soud_sync_claim(p);
		break;
	case SOU_ACTION_ALARM:
		p->sync->alarms++;
		break;
	case SOU_ACTION_LOG:
		soud_peer_log(session_events[a->log.level], a->log.rule, a->log.what, p,
			      sou_id_is_zero(&a->log.scope) ? NULL : &a->log.scope);
		break;
	case SOU_ACTION_CLOSE:
		on_close(p, a);
		break;
	}
}

/* P13.2: who was here first is told of another instance. */
static void tell_others(struct soud_sync *s)
{
	for (struct peer *q = s->peers, *next; q != NULL; q = next) {
		next = q->next;
		struct sou_event other = {.kind = SOU_EVENT_OTHER};
		bool due = q->other;
		q->other = false;
		if (due)
			soud_peer_event(q, &other);
	}
}

void soud_peer_event(struct peer *p, struct sou_event *event)
{
	if (p->link == NULL && event->kind != SOU_EVENT_STORED)
		return;
	event->now_ms = uv_now(p->sync->loop);
	struct sou_actions *actions = &p->sync->actions;
	int rc = sou_session_step(p->session, &p->sync->view, event, actions);
	if (p->link == NULL)
		return;
	bool was_closing = p->closing;
	for (size_t i = 0; i < actions->n && p->link != NULL; i++)
		act(p, &actions->v[i]); /* none of it steps a session */
	if (p->closing && !was_closing)
		tell_others(p->sync);
	if (rc != SOU_OK && !p->closing) {
		p->closing = true;
		soud_link_abort(p->link, SOUD_LINK_END_NOMEM);
		return;
	}
	if (p->closing && !was_closing && sou_session_state(p->session) == SOU_SESSION_LIVE) {
		struct sou_event told = {.kind = SOU_EVENT_INSTANCE};
		soud_peer_event(p, &told);
	}
}

static void turn_away(struct soud_sync *s, struct soud_link *link, const char *what)
{
	const struct soud_log_facts facts = {.rule = "R17", .peer = soud_link_addr(link)->text};
	soud_log(SOUD_EVENT_LINK_TURNED_AWAY, &facts, "%s", what);
	s->turned_away++;
	soud_link_set_data(link, NULL);
	soud_link_abort(link, SOUD_LINK_END_LIMIT);
}

/* R17: is there room for one more key that authority does not list? */
static bool stranger_fits(const struct soud_sync *s, const struct soud_link *link)
{
	const struct soud_addr *addr = soud_link_addr(link);
	size_t all = 0, here = 0;
	for (const struct peer *p = s->peers; p != NULL; p = p->next) {
		if (p->link == NULL || sou_session_state(p->session) != SOU_SESSION_JOINING)
			continue;
		all++;
		here += memcmp(soud_link_addr(p->link)->key, addr->key, sizeof addr->key) == 0;
	}
	return all < SOU_STRANGERS_MAX && here < SOU_STRANGERS_ADDRESS_MAX;
}

static void on_open(struct soud_link *link, void *data)
{
	struct soud_sync *s = data;
	const struct sou_authority *a = soud_reader_authority(soud_core_reader(s->core));
	bool stranger = !soud_link_is_outgoing(link) &&
			sou_authority_by_tls(a, soud_link_spki(link)) == NULL;
	if (soud_penalty_holds(&s->penalty, soud_link_spki(link), uv_now(s->loop))) {
		turn_away(s, link, "not taken for a while: its signatures did not verify");
		return;
	}
	if (stranger && !stranger_fits(s, link)) {
		turn_away(s, link, "too many keys that are not enrolled");
		return;
	}
	if (stranger)
		soud_link_frames(link, SOU_STRANGER_FRAME_BYTES_MAX);
	struct peer *p = calloc(1, sizeof *p);
	const struct soud_identity *me = soud_reader_identity(soud_core_reader(s->core));
	struct sou_session_options o = {
		.net = me->net,
		.site = me->site,
		.log = me->log,
		.instance = me->instance,
		.own_wanted = soud_core_unconfirmed(s->core) != SOUD_FENCE_AGREES,
		.every_signature = me->hub,
		.hub = me->hub,
	};
	(void)snprintf(o.software, sizeof o.software, "soukatsu %s", SOU_VERSION);
	if (p == NULL || sou_session_new(&p->session, &o) != SOU_OK ||
	    soud_link_exporter(link, p->exporter) != SOU_OK) {
		if (p != NULL)
			sou_session_free(p->session);
		free(p);
		soud_link_set_data(link, NULL);
		soud_link_abort(link, SOUD_LINK_END_NOMEM);
		return;
	}
	p->sync = s;
	p->link = link;
	p->next = s->peers;
	s->peers = p;
	soud_link_set_data(link, p);
	struct sou_event e = {.kind = SOU_EVENT_OPENED,
			      .opened = {.connecting = soud_link_is_outgoing(link),
					 .tls = *soud_link_spki(link)}};
	soud_peer_event(p, &e);
}

static void on_frame(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	struct peer *p = data;
	if (p->closing)
		return;
	p->contact_ms = soud_wall_ms();
	if (soud_link_is_outgoing(link))
		p->sync->hub_contact_ms = p->contact_ms;
	struct sou_event e = {
		.kind = SOU_EVENT_FRAME,
		.frame = {.kind = frame->kind, .body = {frame->body, frame->body_bytes}}};
	soud_peer_event(p, &e);
}

static void on_closed(struct soud_link *link, void *data, enum soud_link_end end,
		      const char *detail)
{
	(void)link;
	(void)detail;
	struct peer *p = data;
	if (p == NULL)
		return; /* given up in on_open */
	bool orderly = end == SOUD_LINK_END_LOCAL || end == SOUD_LINK_END_PEER;
	soud_peer_log(orderly ? SOUD_EVENT_LINK_ENDED : SOUD_EVENT_LINK_BROKEN, "R18",
		      soud_link_end_text(end), p, NULL);
	p->link = NULL;
	p->closing = true;
	soud_peer_flush(p);
	soud_peer_gone(p);
}

static void on_refused_link(struct soud_link *link, void *data, enum soud_link_end end,
			    const char *detail)
{
	(void)data;
	(void)detail;
	bool keys = end == SOUD_LINK_END_TLS || end == SOUD_LINK_END_PIN;
	const struct soud_log_facts facts = {.rule = keys ? "R18" : "R17",
					     .peer = soud_link_addr(link)->text};
	soud_log(SOUD_EVENT_LINK_REFUSED, &facts, "%s", soud_link_end_text(end));
}

const struct soud_link_cbs soud_peer_cbs = {
	.open_cb = on_open,
	.frame_cb = on_frame,
	.closed_cb = on_closed,
	.refused_cb = on_refused_link,
};
