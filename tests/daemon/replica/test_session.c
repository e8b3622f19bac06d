/* Two real sessions over real replicas, frame by frame (P13.6, P13.7, P13.16): where news begin
 * when something was left out, what heads in mid-session leave under way, and how an unconfirmed
 * site learns that all of its own is here. Each test hands frames on as it likes. */
#include "proto/limits.h"
#include "world.h"

#define FRAMES_MAX 256u

struct sent {
	uint8_t kind;
	struct test_bytes body;
};

struct end {
	struct node *n;
	struct sou_session *session;
	struct sou_view view;
	struct soud_from from; /* the peer */
	struct sent out[FRAMES_MAX];
	size_t out_from, out_n;
	bool closed, own_all;
	enum sou_bye bye;
	unsigned news; /* frames of news that it sent */
};

static void step(struct end *e, struct sou_event *event);

static void store(struct end *e, uint64_t token, const struct sou_news *news,
		  struct sou_span series)
{
	struct soud_taken taken = {0};
	node_begin(e->n);
	int rc = news != NULL ? soud_replica_news(e->n->replica, &e->from, news, &taken)
			      : soud_replica_series(e->n->replica, &e->from, series, &taken);
	node_commit(e->n, NULL);
	struct sou_event stored = {.kind = SOU_EVENT_STORED,
				   .stored = {.token = token,
					      .rc = rc,
					      .refuse = taken.refuse,
					      .bye = taken.bye,
					      .clause = taken.clause,
					      .received_ms = (uint64_t)taken.received_ms,
					      .own_new = taken.own_new,
					      .gap = taken.gap}};
	if (news == NULL) {
		struct sou_event authority = {.kind = SOU_EVENT_AUTHORITY};
		step(e, &authority);
	}
	step(e, &stored);
}

static void act(struct end *e, const struct sou_actions *all, const struct sou_action *a)
{
	if (a->kind == SOU_ACTION_SEND) {
		REQUIRE("room", e->out_n < FRAMES_MAX);
		struct sent *s = &e->out[e->out_n++];
		s->kind = a->send.kind;
		s->body.n = a->send.n;
		s->body.b = test_alloc(a->send.n + 1);
		memcpy(s->body.b, all->bytes.p + a->send.at, a->send.n);
		e->news += a->send.kind == SOU_FRAME_NEWS;
	} else if (a->kind == SOU_ACTION_STORE_NEWS) {
		store(e, a->token, &a->news, (struct sou_span){0});
	} else if (a->kind == SOU_ACTION_STORE_AUTHORITY) {
		store(e, a->token, NULL, a->authority.series);
	} else if (a->kind == SOU_ACTION_PASSED) {
		node_begin(e->n);
		(void)soud_replica_passed(e->n->replica, &e->from, &a->passed.scope,
					  a->passed.upto);
		node_commit(e->n, NULL);
	} else if (a->kind == SOU_ACTION_ACKED) {
		node_begin(e->n);
		(void)soud_replica_acked(e->n->replica, &e->from, &a->acked);
		node_commit(e->n, NULL);
	} else if (a->kind == SOU_ACTION_LIVE) {
		e->from = (struct soud_from){a->peer.site, a->peer.log};
	} else if (a->kind == SOU_ACTION_OWN_ALL) {
		e->own_all = true;
	} else if (a->kind == SOU_ACTION_CLOSE) {
		e->closed = true;
		e->bye = a->close.code;
	}
}

static void step(struct end *e, struct sou_event *event)
{
	struct sou_actions actions = {0};
	event->now_ms = 1000;
	REQUIRE("memory", sou_session_step(e->session, &e->view, event, &actions) == SOU_OK);
	for (size_t i = 0; i < actions.n; i++)
		act(e, &actions, &actions.v[i]);
	sou_actions_fini(&actions);
}

/* The next frame of `from` reaches `to`. */
static bool hand(struct end *from, struct end *to)
{
	if (from->out_from == from->out_n)
		return false;
	struct sent *s = &from->out[from->out_from++];
	struct sou_event e = {.kind = SOU_EVENT_FRAME,
			      .frame = {.kind = s->kind, .body = {s->body.b, s->body.n}}};
	step(to, &e);
	return true;
}

static void hand_all(struct end *a, struct end *b)
{
	while (hand(a, b) || hand(b, a)) {
	}
}

static void tell_news(struct end *e)
{
	struct sou_event news = {.kind = SOU_EVENT_NEWS,
				 .news = {e->n->org_scope, last_of(e->n, &e->n->org_scope)}};
	step(e, &news);
}

static void end_open(struct end *e, struct node *n)
{
	const struct soud_identity *me = soud_reader_identity(n->reader);
	struct sou_session_options o = {.net = me->net,
					.site = me->site,
					.log = me->log,
					.instance = me->instance,
					.own_wanted = soud_replica_unconfirmed(n->replica) !=
						      SOUD_FENCE_AGREES,
					.every_signature = me->hub,
					.hub = me->hub};
	*e = (struct end){.n = n};
	REQUIRE("session", sou_session_new(&e->session, &o) == SOU_OK);
	soud_reader_view(n->reader, &e->view);
}

static void link_open(struct end *hub, struct node *hub_node, struct end *site,
		      struct node *site_node)
{
	end_open(hub, hub_node);
	end_open(site, site_node);
	const struct sou_authority *a = soud_replica_authority(hub_node->replica);
	struct sou_event to_hub = {.kind = SOU_EVENT_OPENED,
				   .opened = {.tls = sou_authority_site(a, &site_node->site)->tls}};
	struct sou_event to_site = {
		.kind = SOU_EVENT_OPENED,
		.opened = {.connecting = true, .tls = sou_authority_site(a, &hub_node->site)->tls}};
	step(hub, &to_hub);
	step(site, &to_site);
}

static void link_end(struct end *a, struct end *b)
{
	sou_session_free(a->session);
	sou_session_free(b->session);
}

TEST(session, news_after_what_was_left_out)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *other = world_join(w, "bunshitsu", &site->org, SOU_ROLE_EDITOR);
	struct sou_id entity;
	feed_authority(&w->hub, other);
	(void)node_item(site, &entity, "一 例");
	level(&w->hub, site);
	struct end *hub = test_alloc(sizeof *hub), *end = test_alloc(sizeof *end);
	link_open(hub, &w->hub, end, site);
	hand_all(hub, end);
	for (int i = 0; i < 3; i++) { /* what came from the hub lies between what is written here */
		(void)node_item(other, &entity, "ほかの拠点 例");
		level(&w->hub, other);
		hub->n->org_scope = site->org_scope;
		tell_news(hub);
		hand_all(hub, end);
		tell_news(end); /* as after every commit: the cursor passes over it */
		(void)node_item(site, &entity, "二 例");
		tell_news(end);
		hand_all(hub, end);
		CHECK("P13.6 no gap", !hub->closed && !end->closed);
	}
	CHECK("P13.6 quiet", sou_session_quiet(hub->session) && sou_session_quiet(end->session));
	check_level("P13.6", &w->hub, site, &site->org_scope);
	link_end(hub, end);
}

TEST(session, news_under_way_when_heads_are_sent)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	(void)node_item(site, &entity, "一 例");
	level(&w->hub, site);
	struct end *hub = test_alloc(sizeof *hub), *end = test_alloc(sizeof *end);
	link_open(hub, &w->hub, end, site);
	hand_all(hub, end);
	hub->n->org_scope = site->org_scope;
	/* A digest of other entries makes the hub send heads while news of the site are under way.
	 */
	struct sou_digest d = digest_of(site, &site->org_scope);
	d.entries.b[0] ^= 1;
	struct sou_buf body = {0};
	sou_digest_pack(&body, &d);
	struct sou_event frame = {.kind = SOU_EVENT_FRAME,
				  .frame = {.kind = SOU_FRAME_DIGEST, .body = sou_buf_span(&body)}};
	(void)node_item(site, &entity, "二 例");
	tell_news(end);
	step(hub, &frame);
	CHECK_INT("P13.12 heads",
		  hub->out[hub->out_n - 1].kind == SOU_FRAME_HEADS ||
			  hub->out[hub->out_n - 2].kind == SOU_FRAME_HEADS,
		  ==, 1);
	(void)hand(end, hub); /* goes on from further up than the heads say */
	CHECK("P13.7 passed over", !hub->closed);
	hand_all(hub, end);
	CHECK("P13.7 no gap", !hub->closed && !end->closed);
	CHECK("P13.7 quiet", sou_session_quiet(hub->session) && sou_session_quiet(end->session));
	check_level("P13.7", &w->hub, site, &site->org_scope);
	sou_buf_fini(&body);
	link_end(hub, end);
}

/* The list that each side expects is the list that real replicas say: of a return with nothing new
 * there is a hello each, that of the hub with a hash. One scope holds entries of the site alone,
 * one of the other site too. */
TEST(session, a_return_with_nothing_new)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *other = world_join(w, "bunshitsu", &site->org, SOU_ROLE_EDITOR);
	struct sou_id entity;
	feed_authority(&w->hub, other);
	(void)node_item(site, &entity, "一 例");
	level(&w->hub, site);
	for (int i = 0; i < 2; i++) {
		struct end *hub = test_alloc(sizeof *hub), *end = test_alloc(sizeof *end);
		(void)node_item(i == 0 ? site : other, &entity, "二 例");
		level(&w->hub, other); /* what the site has not yet */
		link_open(hub, &w->hub, end, site);
		hand_all(hub, end);
		CHECK("P13.12 quiet",
		      sou_session_quiet(hub->session) && sou_session_quiet(end->session));
		check_level("P13.12", &w->hub, site, &site->org_scope);
		link_end(hub, end);

		struct sou_hello h;
		hub = test_alloc(sizeof *hub), end = test_alloc(sizeof *end);
		link_open(hub, &w->hub, end, site);
		hand_all(hub, end);
		CHECK_U64("P11.3 the hub says hello", hub->out_n, ==, 1);
		CHECK_U64("P11.3 the site says hello", end->out_n, ==, 1);
		REQUIRE("hello",
			sou_hello_unpack(&h, (struct sou_span){hub->out[0].body.b,
							       hub->out[0].body.n}) == SOU_OK);
		CHECK("P11.3 by a hash", h.hashed);
		link_end(hub, end);
	}
}

TEST(session, own_feeds_are_asked_for)
{
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	for (int i = 0; i < 3; i++)
		(void)node_item(site, &entity, "控えの前 例");
	level(&w->hub, site);
	(void)node_item(site, &entity, "送っていない 例"); /* stands here, not at the hub */
	node_close(site);
	site->fence.there = false;
	node_open(site);
	struct end *hub = test_alloc(sizeof *hub), *end = test_alloc(sizeof *end);
	link_open(hub, &w->hub, end, site);
	/* One answer is not enough: it may have crossed with what the hub asks; and what comes
	 * between two counts them anew. */
	unsigned pongs = 0;
	for (bool more = true; more;) {
		more = hand(end, hub);
		while (hub->out_from < hub->out_n) {
			pongs += hub->out[hub->out_from].kind == SOU_FRAME_PONG;
			pongs = hub->out[hub->out_from].kind == SOU_FRAME_NEWS ? 0 : pongs;
			more |= hand(hub, end);
			CHECK("P13.16 two answers", !end->own_all || pongs >= 2);
		}
	}
	CHECK("P13.16 all of it is here", end->own_all);
	CHECK_INT("P13.16 nothing was sent", end->news, ==, 0);
	CHECK_U64("P13.16", last_of(&w->hub, &site->org_scope), ==, 3);
	node_begin(site);
	CHECK_INT("R12", soud_replica_confirm(site->replica), ==, SOU_OK);
	node_commit(site, NULL);
	/* What waited as a draft is news, as the daemon hears of any commit. */
	REQUIRE("refresh", soud_reader_refresh(site->reader) == SOU_OK);
	struct sou_event news = {.kind = SOU_EVENT_NEWS,
				 .news = {site->org_scope, last_of(site, &site->org_scope)}};
	step(end, &news);
	struct sou_event confirmed = {.kind = SOU_EVENT_CONFIRMED};
	step(end, &confirmed);
	hand_all(hub, end);
	CHECK_U64("P13.16 then it sends", last_of(&w->hub, &site->org_scope), ==, 4);
	check_level("P13.16", &w->hub, site, &site->org_scope);
	link_end(hub, end);
}
