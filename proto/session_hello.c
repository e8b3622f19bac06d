/* session_hello.c - hello, positions and heads: where each direction of each scope begins
 * (P11.3 - P11.5, P13.2, P13.6 - P13.8). Never names a scope that the peer may not read. */
#include "session_int.h"

#include <stdlib.h>

/* The positions list that we say, or that we expect the peer to say. A scope stands in it when we
 * hold entries of it and the peer may read it, or when it has a position in the peer's log. */
static void list_mine(struct step *t, const struct sou_id *peer_log, bool mark, struct sou_buf *buf)
{
	struct sou_session *s = t->s;
	const struct sou_view *v = t->view;
	struct sou_view_scope at;
	struct sou_buf members = {0};
	uint32_t count = 0;
	for (size_t i = 0; count < SOU_SESSION_SCOPES_MAX && v->scope_at(v->ctx, i, &at); i++) {
		uint64_t upto = sou_id_is_zero(peer_log)
					? 0
					: v->position(v->ctx, &s->site, peer_log, &at.scope);
		bool readable = sou_session_may_read(t, &at.scope);
		if (upto == 0 && !readable)
			continue;
		struct sou_position p = {.scope = at.scope, .upto = upto};
		struct sou_digest d;
		if (readable && v->digest(v->ctx, &at.scope, &d)) {
			p.has_digest = true;
			p.digest = sou_digest_half(&d);
		}
		sou_positions_put(&members, &p);
		count++;
		struct cursor *c = mark ? sou_session_cursor(t, &at.scope, true) : NULL;
		if (c == NULL)
			continue;
		c->last = at.last;
		c->listed = true;
		c->taken = c->stored = upto;
		c->has_said = p.has_digest;
		c->said = p.digest;
		c->said_whole = false;
		c->said_ms = s->now_ms;
	}
	sou_positions_begin(buf, count);
	sou_buf_put(buf, members.p, members.n);
	if (members.failed || buf->failed)
		s->failed = true;
	sou_buf_fini(&members);
}

/* All scopes with entries here get a cursor, named to the peer or not. */
static void all_cursors(struct step *t)
{
	struct sou_view_scope at;
	for (size_t i = 0; t->view->scope_at(t->view->ctx, i, &at); i++) {
		struct cursor *c = sou_session_cursor(t, &at.scope, true);
		if (c == NULL)
			return;
		c->last = at.last;
	}
}

/* What our hello names as the peer's log: the one that our positions are about; zero: none. */
static struct sou_id log_of_peer(struct step *t)
{
	struct sou_session *s = t->s;
	struct sou_id log = {{0}};
	if (s->peer_known && !t->view->peer_log(t->view->ctx, &s->site, &log))
		memset(&log, 0, sizeof log);
	if (!s->connecting && !sou_id_eq(&log, &s->log))
		memset(&log, 0, sizeof log); /* the peer has said its log: ours is an older one */
	return log;
}

void sou_session_send_hello(struct step *t, bool level)
{
	struct sou_session *s = t->s;
	s->your_log = log_of_peer(t);
	struct sou_hello h = {
		.hashed = level,
		.wire = SOU_WIRE_VERSION,
		.rule = SOU_RULE_VERSION,
		.flags = (s->o.own_wanted ? SOU_HELLO_OWN_WANTED : 0) |
			 (s->o.every_signature ? SOU_HELLO_EVERY_SIGNATURE : 0),
		.net = s->o.net,
		.site = s->o.site,
		.log = s->o.log,
		.instance = s->o.instance,
		.your_log = s->your_log,
		.software = {(const uint8_t *)s->o.software, strlen(s->o.software)},
	};
	struct sou_hash leaves[SOU_LEAVES_MAX];
	size_t n = sou_authority_leaves(t->authority, leaves, SOU_LEAVES_MAX);
	uint32_t leaf_count = (uint32_t)(n < SOU_LEAVES_MAX ? n : SOU_LEAVES_MAX);
	sou_buf_clear(&s->scratch);
	list_mine(t, &s->your_log, true, &s->scratch);
	if (s->scratch.failed)
		s->failed = true;
	if (s->failed)
		return;
	h.positions = sou_buf_span(&s->scratch);
	sou_hello_pack(sou_session_send_begin(t), &h, leaves, leaf_count);
	sou_session_send_end(t, SOU_FRAME_HELLO);
	s->sent_hello = true;
}

void sou_session_send_heads(struct step *t, struct cursor *c)
{
	struct sou_hash heads[SOU_HEADS_MAX];
	/* A peer may list what it may not read: it waits for an answer, which must tell nothing. */
	size_t n = sou_session_may_read(t, &c->scope)
			   ? t->view->tops(t->view->ctx, &c->scope, heads, SOU_HEADS_MAX)
			   : 0;
	uint32_t count = (uint32_t)(n < SOU_HEADS_MAX ? n : SOU_HEADS_MAX);
	c->taken = c->stored = 0;
	c->refusing = false;
	c->again = true;
	sou_heads_pack(sou_session_send_begin(t), &c->scope, heads, count);
	sou_session_send_end(t, SOU_FRAME_HEADS);
}

/* Of the scopes of the peer's list, once all of authority went (P13.3). */
void sou_session_heads_due(struct step *t)
{
	struct sou_session *s = t->s;
	for (size_t i = 0; i < s->cursor_count && !s->failed; i++) {
		if (!s->cursors[i].heads_due)
			continue;
		s->cursors[i].heads_due = false;
		sou_session_send_heads(t, &s->cursors[i]);
	}
}

static void claim_made(struct step *t, const struct sou_id *scope)
{
	struct sou_action *a = sou_session_action(t, SOU_ACTION_CLAIM);
	if (a != NULL)
		a->claim.scope = *scope;
	sou_session_log(t, 1, "P13.8", "this site says that our log was rolled back", scope);
}

/* One line of the peer's list: its position in our log, and how its state looks. */
static void take_position(struct step *t, struct sou_position *p)
{
	struct sou_session *s = t->s;
	struct cursor *c = sou_session_cursor(t, &p->scope, true);
	if (c == NULL)
		return;
	c->has_told = p->has_digest;
	c->told = p->digest;
	if (p->has_digest && c->has_said)
		c->equal = sou_id_eq(&c->told, &c->said);
	bool above = !s->peer_void && p->upto > c->last;
	if (p->upto > c->last && !sou_session_may_read(t, &p->scope))
		p->upto = 0; /* of what it may not read it can claim anything */
	else if (above && !s->o.hub) {
		(void)sou_session_action(t, SOU_ACTION_NEW_LOG);
		sou_session_bye(t, SOU_BYE_ROLLED_BACK, "P13.8", "our log was rolled back");
		return;
	}
	bool claim = above && p->upto > c->last;
	if (claim) { /* a word is no proof: our heads ask for what would be one */
		claim_made(t, &p->scope);
		p->upto = 0;
	}
	if (!s->peer_void)
		c->sent = c->acked = c->named = c->had = p->upto;
	c->heads_due = s->mine_void || claim;
}

/* An ack that was lost with the last link: the position says as much, but not since when. */
static void tell_acked(struct step *t, const struct sou_position *p)
{
	struct sou_session *s = t->s;
	if (t->view->acked(t->view->ctx, &s->site, &s->log, &p->scope) >= p->upto)
		return;
	struct sou_action *a = sou_session_action(t, SOU_ACTION_ACKED);
	if (a != NULL)
		a->acked = (struct sou_ack){.scope = p->scope, .upto = p->upto};
}

static void take_list(struct step *t, struct sou_span list)
{
	uint32_t count;
	struct sou_mp m = sou_positions_read(list, &count);
	for (uint32_t i = 0; i < count && t->s->state != SOU_SESSION_CLOSED && !t->s->failed; i++) {
		struct sou_position p;
		sou_positions_next(&m, &p);
		take_position(t, &p);
		if (!t->s->peer_void && t->s->state != SOU_SESSION_CLOSED)
			tell_acked(t, &p);
	}
}

/* The list that a peer in our state would say, from what it acked (P13.7). */
static void expected_list(struct step *t, struct sou_buf *list)
{
	struct sou_session *s = t->s;
	const struct sou_view *v = t->view;
	const struct sou_line *me = sou_authority_site(t->authority, &s->o.site);
	struct sou_buf members = {0};
	struct sou_view_scope at;
	uint32_t count = 0;
	for (size_t i = 0; count < SOU_SESSION_SCOPES_MAX && v->scope_at(v->ctx, i, &at); i++) {
		uint64_t acked = v->acked(v->ctx, &s->site, &s->log, &at.scope);
		bool readable =
			me != NULL && v->may_read(v->ctx, &me->site, &me->key_id, &at.scope);
		if (acked == 0 && !(readable && sou_session_may_read(t, &at.scope)))
			continue;
		struct sou_digest d;
		struct sou_position p = {.scope = at.scope, .upto = acked};
		if (readable && v->digest(v->ctx, &at.scope, &d)) {
			p.has_digest = true;
			p.digest = sou_digest_half(&d);
		}
		sou_positions_put(&members, &p);
		count++;
	}
	sou_positions_begin(list, count);
	sou_buf_put(list, members.p, members.n);
	if (members.failed || list->failed)
		s->failed = true;
	sou_buf_fini(&members);
}

/* The list or hash of the peer's hello is that list: there is nothing new on either side. */
static bool as_expected(const struct sou_hello *h, struct sou_span list)
{
	if (!h->hashed)
		return h->positions.n == list.n && memcmp(h->positions.p, list.p, list.n) == 0;
	struct sou_hash hash = sou_positions_hash(list);
	return sou_hash_eq(&hash, &h->positions_hash);
}

static bool check_hello(struct step *t, const struct sou_hello *h)
{
	struct sou_session *s = t->s;
	if (h->wire != SOU_WIRE_VERSION) {
		sou_session_bye(t, SOU_BYE_VERSION, "P13.2", "another wire version");
		return false;
	}
	if (!sou_id_eq(&h->net, &s->o.net)) {
		sou_session_bye(t, SOU_BYE_NET, "P13.2", "another network");
		return false;
	}
	bool empty =
		sou_authority_op_count(t->authority) == 0; /* joining: the pin stands for the hub */
	if ((s->peer_known && !sou_id_eq(&s->site, &h->site)) || (!s->peer_known && !empty)) {
		sou_session_bye(t, SOU_BYE_NOT_ENROLLED, "P13.2",
				"the site is not that of this TLS key");
		return false;
	}
	if (sou_id_eq(&h->site, &s->o.site)) {
		sou_session_bye(t, SOU_BYE_INSTANCE, "P13.2", "this is the same site");
		return false;
	}
	return true;
}

/* Our scopes that we listed wait for heads when the peer does not know our log (P13.7). */
static void start_cursors(struct step *t)
{
	struct sou_session *s = t->s;
	for (size_t i = 0; i < s->cursor_count; i++) {
		struct cursor *c = &s->cursors[i];
		c->waiting = s->peer_void && c->listed;
		if (s->mine_void)
			c->taken = c->stored = 0;
	}
}

/* Both hellos went: `list` is the peer's, empty where only a hash of another than expected came. */
static void begin_live(struct step *t, const struct sou_hello *h, struct sou_span list)
{
	struct sou_session *s = t->s;
	all_cursors(t);
	start_cursors(t);
	sou_session_authority_known(t, &h->leaves);
	struct sou_action *a = sou_session_action(t, SOU_ACTION_LIVE);
	if (a != NULL) {
		a->peer.site = s->site;
		a->peer.key_id = s->key;
		a->peer.log = s->log;
		a->peer.instance = s->instance;
		a->peer.withdrawn = s->withdrawn;
	}
	if (s->withdrawn)
		return;
	if (list.n > 0) {
		take_list(t, list);
		return;
	}
	s->positions_wanted = true;
	sou_empty_pack(sou_session_send_begin(t));
	sou_session_send_end(t, SOU_FRAME_POSITIONS_WANT);
}

void sou_session_on_hello(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_hello h;
	if (sou_hello_unpack(&h, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.2", "hello is not in form");
		return;
	}
	if (!check_hello(t, &h))
		return;
	s->site = h.site;
	s->log = h.log;
	s->instance = h.instance;
	s->peer_flags = h.flags;
	s->peer_rule = h.rule;
	s->withdrawn =
		s->peer_known && sou_authority_key_withdrawn(t->authority, &s->site, &s->key);
	s->peer_void = !sou_id_eq(&h.your_log, &s->o.log);
	struct sou_id your_log = s->connecting ? s->your_log : log_of_peer(t);
	s->mine_void = !sou_id_eq(&your_log, &s->log);
	struct sou_buf list = {0};
	/* All digests: only where it matters, for our answer or behind a hash. */
	bool level =
		!s->withdrawn && !s->mine_void && !s->peer_void && (h.hashed || !s->connecting);
	if (level) {
		expected_list(t, &list);
		level = as_expected(&h, sou_buf_span(&list));
	}
	if (!s->connecting)
		sou_session_send_hello(t, level);
	if (!s->failed)
		begin_live(t, &h, level ? sou_buf_span(&list) : h.positions);
	sou_buf_fini(&list);
}

void sou_session_on_positions_want(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	if (sou_empty_unpack(body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.3", "positions-want is not in form");
		return;
	}
	sou_buf_clear(&s->scratch);
	list_mine(t, &s->your_log, false, &s->scratch);
	sou_positions_pack(sou_session_send_begin(t), sou_buf_span(&s->scratch));
	sou_session_send_end(t, SOU_FRAME_POSITIONS);
}

void sou_session_on_positions(struct step *t, struct sou_span body)
{
	struct sou_session *s = t->s;
	struct sou_span list;
	if (sou_positions_unpack(&list, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P11.3", "positions are not in form");
		return;
	}
	if (!s->positions_wanted) {
		sou_session_bye(t, SOU_BYE_ORDER, "P11.3", "positions that nobody asked for");
		return;
	}
	s->positions_wanted = false;
	take_list(t, list);
	if (s->state != SOU_SESSION_LIVE)
		return;
	sou_session_heads_due(t);
	sou_session_pump(t);
}

/* What does not fit is left out of nothing: the peer gets again what it has. */
static bool keep_heads(struct sou_session *s, struct cursor *c, const struct sou_mp_list *names)
{
	struct sou_hash *heads = NULL;
	size_t count = names->count;
	s->heads_bytes -= c->head_count * sizeof *heads;
	if (s->heads_bytes + count * sizeof *heads > SOU_SESSION_HEADS_BYTES_MAX)
		count = 0;
	free(c->heads);
	c->heads = NULL;
	c->head_count = 0;
	if (count > 0 && (heads = calloc(count, sizeof *heads)) == NULL) {
		s->failed = true;
		return false;
	}
	for (uint32_t i = 0; i < count; i++)
		heads[i] = sou_mp_list_hash(names, i);
	c->heads = heads;
	c->head_count = count;
	s->heads_bytes += count * sizeof *heads;
	return true;
}

void sou_session_on_heads(struct step *t, struct sou_span body)
{
	struct sou_heads h;
	if (sou_heads_unpack(&h, body) != SOU_OK) {
		sou_session_bye(t, SOU_BYE_FORMAT, "P13.7", "heads are not in form");
		return;
	}
	struct cursor *c = sou_session_cursor(t, &h.scope, false);
	if (c == NULL)
		return; /* nothing of it here to send */
	if (!keep_heads(t->s, c, &h.names))
		return;
	c->by_heads = true;
	c->waiting = false;
	c->sent = c->acked = c->named = c->had = 0;
	sou_session_land(t->s, &c->scope, UINT64_MAX);
	sou_session_pump(t);
}
