/* net.c - links between the hub and its sites: sessions, frames with delays, store jobs; the second
 * interpreter of the session's actions (R24). A stream keeps its order unless a fault swaps or
 * repeats. */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/hub.h"
#include "tests/sim/sim.h"

enum job_kind {
	JOB_NEWS,
	JOB_SERIES,
	JOB_SIGNATURES,
	JOB_ACKED,
	JOB_PASSED,
	JOB_NEW_LOG,
	JOB_CONFIRM
};

struct sim_job {
	enum job_kind kind;
	uint32_t side; /* end of the link whose session asked */
	uint64_t token;
	struct soud_from from;
	struct sou_news news;
	struct sou_signatures signatures;
	struct sou_ack ack;
	size_t n;
	uint8_t bytes[];
};

static void step(struct sim *w, uint32_t link, uint32_t side, struct sou_event *event);

void sim_net_job_free(struct sim_job *job)
{
	free(job);
}

static struct sim_job *job_new(struct sim *w, uint32_t link, uint32_t side, enum job_kind kind,
			       uint64_t token, const void *bytes, size_t n)
{
	struct sim_job *j = calloc(1, sizeof *j + n);
	SOU_ASSERT(j != NULL);
	struct sim_end *end = &w->links[link].ends[side];
	j->kind = kind;
	j->side = side;
	j->token = token;
	j->from = end->from;
	j->n = n;
	if (n > 0)
		memcpy(j->bytes, bytes, n);
	struct sim_event e = {.at_ms = sim_below(&w->rng, 8),
			      .kind = SIM_JOB,
			      .node = end->node,
			      .link = link,
			      .incarnation = w->links[link].incarnation,
			      .job = j};
	if (end->busy_until_ms > w->now_ms + e.at_ms) /* one writer: jobs keep their order */
		e.at_ms = end->busy_until_ms - w->now_ms;
	end->busy_until_ms = w->now_ms + e.at_ms;
	sim_push(w, e);
	return j;
}

static void send_frame(struct sim *w, uint32_t link, uint32_t side, uint8_t kind,
		       const uint8_t *body, size_t n)
{
	struct sim_link *l = &w->links[link];
	struct sim_end *to = &l->ends[1 - side];
	struct sim_mix *m = &w->mix;
	if (w->nodes[to->node].honest)
		sim_check_frame(w, to->node, kind, body, n);
	w->frames++;
	w->bytes += n;
	if (!w->healed && sim_chance(&w->rng, m->cut / 20)) {
		w->marks[SIM_MARK_CUT]++;
		sim_trace(w, "cut %s", w->nodes[link].name);
		sim_net_cut(w, link);
		return;
	}
	uint64_t delay = 1 + sim_below(&w->rng, w->healed ? 20 : SIM_FRAME_MS_MAX);
	uint64_t *last = &l->arrives_ms[1 - side];
	if (w->now_ms + delay < *last) {
		if (!sim_chance(&w->rng, w->healed ? 0 : m->swap / 20))
			delay = *last - w->now_ms;
		else
			w->marks[SIM_MARK_SWAPPED]++;
	}
	if (w->now_ms + delay > *last)
		*last = w->now_ms + delay;
	unsigned copies = 1 + (!w->healed && sim_chance(&w->rng, m->repeat / 10));
	w->marks[SIM_MARK_REPEATED] += copies - 1;
	for (unsigned i = 0; i < copies; i++) {
		uint8_t *bytes = malloc(n + 1);
		SOU_ASSERT(bytes != NULL);
		memcpy(bytes, body, n);
		sim_push(w, (struct sim_event){.at_ms = delay + i,
					       .kind = SIM_DELIVER,
					       .node = to->node,
					       .link = link,
					       .incarnation = l->incarnation,
					       .frame_kind = kind,
					       .bytes = bytes,
					       .n = n});
	}
}

static void take_acked(struct sim *w, const struct sim_end *end, const struct sou_ack *ack)
{
	if (w->nodes[end->node].hub)
		return;
	for (size_t i = 0; i < w->tracked_n; i++) {
		struct sim_tracked *t = &w->tracked[i];
		if (t->node == end->node && sou_id_eq(&t->scope, &ack->scope) && t->arrival > 0 &&
		    t->arrival <= ack->upto && ack->received_ms > 0)
			t->acked = true;
	}
}

static void store_action(struct sim *w, uint32_t link, uint32_t side, const struct sou_action *a)
{
	struct sim_job *j;
	if (a->kind == SOU_ACTION_STORE_NEWS) {
		j = job_new(w, link, side, JOB_NEWS, a->token, a->news.data.p, a->news.data.n);
		j->news = a->news;
		j->news.data.p = j->bytes;
	} else if (a->kind == SOU_ACTION_STORE_AUTHORITY) {
		(void)job_new(w, link, side, JOB_SERIES, a->token, a->authority.series.p,
			      a->authority.series.n);
	} else {
		const struct sou_mp *pairs = &a->signatures.pairs;
		j = job_new(w, link, side, JOB_SIGNATURES, a->token, pairs->p,
			    (size_t)(pairs->end - pairs->p));
		j->signatures = a->signatures;
		j->signatures.pairs = sou_mp_over((struct sou_span){j->bytes, j->n});
	}
}

/* S8: a stream that keeps its order gives no reason to close. */
static void check_close(struct sim *w, uint32_t link, enum sou_bye code)
{
	if (w->mix.swap + w->mix.repeat > 0)
		return;
	if (code != SOU_BYE_NONE && code != SOU_BYE_ROLLED_BACK && code != SOU_BYE_INSTANCE &&
	    w->nodes[link].honest)
		sim_fail(w, "S8", "the link of %s ends: %s", w->nodes[link].name,
			 sou_bye_name(code));
}

/* The hub's part of R12, as the daemon does it: a newer link of the same replica stands, another
 * instance is sent away and both are told. */
static void second_link(struct sim *w, uint32_t link)
{
	struct sim_end *mine = &w->links[link].ends[0];
	for (uint32_t i = 1; i < w->node_count; i++) {
		struct sim_end *other = &w->links[i].ends[0];
		if (i == link || !w->links[i].up || !other->live ||
		    !sou_id_eq(&other->from.site, &mine->from.site))
			continue;
		if (sou_id_eq(&other->instance, &mine->instance)) {
			sim_net_cut(w, i);
			continue;
		}
		struct sou_event told = {.kind = SOU_EVENT_OTHER};
		w->marks[SIM_MARK_REFUSED_COPY]++;
		step(w, i, 0, &told);
		w->links[link].away = true; /* after this step */
		return;
	}
}

static void act_on(struct sim *w, uint32_t link, uint32_t side, const struct sou_actions *actions,
		   const struct sou_action *a)
{
	struct sim_end *end = &w->links[link].ends[side];
	struct sim_job *j;
	switch (a->kind) {
	case SOU_ACTION_SEND:
		send_frame(w, link, side, a->send.kind, actions->bytes.p + a->send.at, a->send.n);
		break;
	case SOU_ACTION_STORE_NEWS:
	case SOU_ACTION_STORE_AUTHORITY:
	case SOU_ACTION_STORE_SIGNATURES:
		store_action(w, link, side, a);
		break;
	case SOU_ACTION_LIVE:
		end->live = true;
		end->from = (struct soud_from){a->peer.site, a->peer.log};
		end->instance = a->peer.instance;
		if (side == 0)
			second_link(w, link);
		break;
	case SOU_ACTION_ACKED:
		take_acked(w, end, &a->acked);
		j = job_new(w, link, side, JOB_ACKED, 0, NULL, 0);
		j->ack = a->acked;
		break;
	case SOU_ACTION_PASSED:
		j = job_new(w, link, side, JOB_PASSED, 0, NULL, 0);
		j->ack = (struct sou_ack){a->passed.scope, a->passed.upto, 0};
		break;
	case SOU_ACTION_NEW_LOG:
		w->marks[SIM_MARK_ROLLED_BACK]++;
		(void)job_new(w, link, side, JOB_NEW_LOG, 0, NULL, 0);
		break;
	case SOU_ACTION_CLAIM:
		break; /* the hub's disk is never put back */
	case SOU_ACTION_ALARM:
		sim_fail(w, "S5", "software fault told by %s", w->nodes[end->node].name);
		break;
	case SOU_ACTION_LOG:
		w->marks[SIM_MARK_HEADS] += strstr(a->log.what, "by heads") != NULL;
		if (a->log.level > 0)
			sim_trace(w, "%s says %s %s", w->nodes[end->node].name, a->log.rule,
				  a->log.what);
		break;
	case SOU_ACTION_CLOSE:
		sim_trace(w, "close %s %s", w->nodes[end->node].name, sou_bye_name(a->close.code));
		check_close(w, link, a->close.code);
		sim_net_cut(w, link);
		break;
	case SOU_ACTION_OWN_ALL:
		(void)job_new(w, link, side, JOB_CONFIRM, 0, NULL, 0);
		break;
	case SOU_ACTION_ENROL:
	case SOU_ACTION_JOINED:
	case SOU_ACTION_SETTLED:
	case SOU_ACTION_REFUSED:
		break;
	}
}

static void step(struct sim *w, uint32_t link, uint32_t side, struct sou_event *event)
{
	struct sim_link *l = &w->links[link];
	if (!l->up)
		return;
	uint32_t incarnation = l->incarnation;
	struct sim_end *end = &l->ends[side];
	struct sou_actions actions = {0};
	event->now_ms = w->now_ms;
	int rc = sou_session_step(end->session, &w->nodes[end->node].view, event, &actions);
	SOU_ASSERT(rc == SOU_OK);
	for (size_t i = 0; i < actions.n && l->up && l->incarnation == incarnation; i++)
		act_on(w, link, side, &actions, &actions.v[i]);
	sou_actions_fini(&actions);
	if (l->up && l->incarnation == incarnation && side == 0 && l->away &&
	    sou_session_state(end->session) == SOU_SESSION_LIVE) {
		struct sou_event away = {.kind = SOU_EVENT_INSTANCE};
		l->away = false;
		step(w, link, 0, &away);
	}
}

static void open_end(struct sim *w, struct sim_end *end, uint32_t node, uint32_t other,
		     bool connecting)
{
	struct sim_node *n = &w->nodes[node];
	const struct soud_identity *me = soud_reader_identity(n->reader);
	struct sou_session_options o = {
		.net = me->net,
		.site = me->site,
		.log = me->log,
		.instance = me->instance,
		.own_wanted = soud_replica_unconfirmed(n->replica) != SOUD_FENCE_AGREES,
		.every_signature = n->hub,
		.hub = n->hub,
	};
	*end = (struct sim_end){.node = node};
	SOU_ASSERT(sou_session_new(&end->session, &o) == SOU_OK);
	(void)other;
	(void)connecting;
}

void sim_net_dial(struct sim *w, uint32_t node)
{
	struct sim_link *l = &w->links[node];
	sim_trace(w, "dial %s", w->nodes[node].name);
	l->up = true;
	l->away = false;
	l->incarnation++;
	l->arrives_ms[0] = l->arrives_ms[1] = w->now_ms;
	open_end(w, &l->ends[0], 0, node, false);
	open_end(w, &l->ends[1], node, 0, true);
	struct sou_event hub = {.kind = SOU_EVENT_OPENED,
				.opened = {.connecting = false, .tls = w->nodes[node].tls}};
	struct sou_event site = {.kind = SOU_EVENT_OPENED,
				 .opened = {.connecting = true, .tls = w->nodes[0].tls}};
	step(w, node, 0, &hub);
	step(w, node, 1, &site);
}

void sim_net_cut(struct sim *w, uint32_t node)
{
	struct sim_link *l = &w->links[node];
	if (!l->up)
		return;
	l->up = false;
	l->incarnation++;
	/* The sessions may be in use further up; they go with the next dial or at the end. */
	for (int i = 0; i < 2; i++) {
		SOU_ASSERT(w->grave_n < SIM_GRAVES_MAX);
		w->graves[w->grave_n++] = l->ends[i].session;
		l->ends[i].session = NULL;
	}
}

void sim_net_bury(struct sim *w)
{
	while (w->grave_n > 0)
		sou_session_free(w->graves[--w->grave_n]);
}

void sim_net_deliver(struct sim *w, struct sim_event *e)
{
	struct sim_link *l = &w->links[e->link];
	if (!l->up || l->incarnation != e->incarnation)
		return;
	uint32_t side = l->ends[0].node == e->node ? 0 : 1;
	sim_trace(w, "%s gets %s %zu", w->nodes[e->node].name, sou_frame_name(e->frame_kind), e->n);
	struct sou_event frame = {.kind = SOU_EVENT_FRAME,
				  .frame = {.kind = e->frame_kind, .body = {e->bytes, e->n}}};
	step(w, e->link, side, &frame);
}

static int run_job(struct soud_replica *r, struct sim_job *j, struct soud_taken *taken)
{
	switch (j->kind) {
	case JOB_NEWS:
		return soud_replica_news(r, &j->from, &j->news, taken);
	case JOB_SERIES:
		return soud_replica_series(r, &j->from, (struct sou_span){j->bytes, j->n}, taken);
	case JOB_SIGNATURES:
		return soud_replica_signatures(r, &j->from, &j->signatures, taken);
	case JOB_ACKED:
		return soud_replica_acked(r, &j->from, &j->ack);
	case JOB_PASSED:
		return soud_replica_passed(r, &j->from, &j->ack.scope, j->ack.upto);
	case JOB_NEW_LOG:
		return soud_replica_new_log(r);
	case JOB_CONFIRM:
		return soud_replica_confirm(r);
	}
	return SOU_EINPUT;
}

/* Has its own feeds again: goes on signing, and sends like any other (R12). */
static void confirmed(struct sim *w, uint32_t node)
{
	sim_trace(w, "%s is confirmed", w->nodes[node].name);
	w->marks[SIM_MARK_CONFIRMED]++;
	struct sou_event e = {.kind = SOU_EVENT_CONFIRMED};
	step(w, node, 1, &e);
}

void sim_net_job(struct sim *w, struct sim_event *e)
{
	struct sim_node *n = &w->nodes[e->node];
	struct sim_job *j = e->job;
	struct soud_taken taken = {0};
	struct soud_committed done;
	if (n->down) {
		free(j);
		return;
	}
	int rc = soud_replica_begin(n->replica);
	int got = rc == SOU_OK ? run_job(n->replica, j, &taken) : rc;
	bool broken = soud_replica_broken(n->replica);
	if (rc == SOU_OK && broken)
		soud_replica_rollback(n->replica);
	else if (rc == SOU_OK)
		rc = soud_replica_commit(n->replica, &done);
	if (broken || rc != SOU_OK) {
		const struct sou_err *err = soud_replica_error(n->replica);
		sim_fail(w, "S0", "%s cannot store: %s", n->name, err->text);
		free(j);
		return;
	}
	if (j->kind == JOB_CONFIRM)
		confirmed(w, e->node);
	if (got != SOU_OK)
		sim_trace(w, "%s refuses: %s %s", n->name, sou_err_name(got),
			  taken.clause != NULL ? taken.clause : "");
	sim_net_committed(w, e->node, &done);
	bool answers = j->kind == JOB_NEWS || j->kind == JOB_SERIES || j->kind == JOB_SIGNATURES;
	if (answers && w->links[e->link].up && w->links[e->link].incarnation == e->incarnation) {
		struct sou_event stored = {.kind = SOU_EVENT_STORED,
					   .stored = {.token = j->token,
						      .rc = got,
						      .refuse = taken.refuse,
						      .bye = taken.bye,
						      .clause = taken.clause,
						      .has_entry = taken.has_entry,
						      .entry = taken.entry,
						      .received_ms = (uint64_t)taken.received_ms,
						      .own_new = taken.own_new,
						      .gap = taken.gap,
						      .bad_signatures = taken.bad_signatures}};
		step(w, e->link, j->side, &stored);
	}
	free(j);
}

void sim_net_committed(struct sim *w, uint32_t node, const struct soud_committed *done)
{
	struct sim_node *n = &w->nodes[node];
	if (soud_reader_refresh(n->reader) != SOU_OK)
		sim_fail(w, "S0", "%s cannot read", n->name);
	if (done->scope_count == 0 && !done->authority)
		return;
	/* The notice dies with the next transaction, which a step may begin: copy. */
	size_t count = done->scope_count;
	struct soud_touched_scope *scopes = calloc(count + 1, sizeof *scopes);
	SOU_ASSERT(scopes != NULL);
	if (count > 0)
		memcpy(scopes, done->scopes, count * sizeof *scopes);
	bool authority = done->authority;
	uint32_t first = n->hub ? 1 : node, last = n->hub ? w->node_count : node + 1;
	for (uint32_t link = first; link < last; link++) {
		uint32_t side = n->hub ? 0 : 1;
		struct sou_event e = {.kind = SOU_EVENT_AUTHORITY};
		if (authority)
			step(w, link, side, &e);
		for (size_t i = 0; i < count; i++) {
			struct sou_event news = {.kind = SOU_EVENT_NEWS,
						 .news = {scopes[i].scope, scopes[i].last}};
			step(w, link, side, &news);
		}
	}
	free(scopes);
}

void sim_net_tick(struct sim *w, uint32_t node)
{
	uint32_t first = node == 0 ? 1 : node, last = node == 0 ? w->node_count : node + 1;
	for (uint32_t link = first; link < last; link++) {
		struct sou_event e = {.kind = SOU_EVENT_TICK};
		step(w, link, node == 0 ? 0 : 1, &e);
	}
	sim_net_bury(w);
}

bool sim_net_quiet(struct sim *w)
{
	for (uint32_t i = 1; i < w->node_count; i++) {
		struct sim_link *l = &w->links[i];
		if (!w->nodes[i].honest || w->nodes[i].withdrawn || w->nodes[i].gone)
			continue;
		if (!l->up || soud_replica_unconfirmed(w->nodes[i].replica) != SOUD_FENCE_AGREES ||
		    !sou_session_quiet(l->ends[0].session) ||
		    !sou_session_quiet(l->ends[1].session))
			return false;
	}
	for (size_t i = 0; i < w->heap_n; i++)
		if (w->heap[i].kind == SIM_JOB)
			return false;
	return true;
}
