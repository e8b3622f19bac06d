/* pair.c - the world of pair.h: the replicas, and the interpreter of the sessions' actions. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/pair_int.h"
#include "tests/lib/bed.h"

#define LEVEL_ROUNDS_MAX 4000u

static int any_is_good(void *ctx, const struct sou_hash *public_key, const uint8_t *message,
		       size_t n, const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)ctx;
	(void)public_key;
	(void)message;
	(void)n;
	(void)signature;
	return SOU_OK;
}

static const struct sou_verifier trusting = {any_is_good, NULL};

/* With SOU_FUZZ_TRACE set, a line for all that happens. */
static void say(const struct pair *p, uint32_t node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct pair *p, uint32_t node, const char *format, ...)
{
	if (getenv("SOU_FUZZ_TRACE") == NULL)
		return;
	(void)fprintf(stderr, "%llu %s ", (unsigned long long)p->now_ms,
		      node == 0 ? "hub" : "site");
	va_list args;
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

/* --- authority --- */

static int add_op(struct sou_authority *a, struct sou_span bytes)
{
	static const uint8_t none[] = {0x90};
	struct sou_authop op;
	int rc = sou_authop_read(&op, bytes);
	if (rc != SOU_OK)
		return rc;
	rc = sou_authority_add_checked(a, &op, bytes, (struct sou_span){none, sizeof none});
	sou_authop_fini(&op);
	return rc;
}

static void sign_op(struct pair *p, const struct sou_effect *effects, uint32_t count)
{
	if (p->op_count == PAIR_OPS)
		return;
	struct sou_authop o = {.net = p->net,
			       .prev = p->op_head,
			       .seq = p->op_count,
			       .tier = p->op_count == 0 ? SOU_TIER_GENESIS : SOU_TIER_OPERATIONAL,
			       .effects = (struct sou_effect *)effects,
			       .effect_count = count};
	struct sou_buf bytes = {0};
	int rc = sou_authop_pack(&o, &bytes);
	SOU_ASSERT(rc == SOU_OK);
	rc = add_op(p->nodes[0].authority, sou_buf_span(&bytes));
	SOU_ASSERT(rc == SOU_OK);
	rc = sou_authority_settle(p->nodes[0].authority);
	SOU_ASSERT(rc == SOU_OK);
	sou_buf_fini(&bytes);
	p->op_head = o.id;
	p->op_count++;
}

static void open_site(struct pair *p)
{
	const struct pair_node *site = &p->nodes[1];
	const struct sou_hash genesis = sou_authority_genesis(p->nodes[0].authority);
	const struct sou_effect open = {.type = SOU_EFFECT_OPEN,
					.has_org = true,
					.org = sou_entity_org(&genesis, 1),
					.site = site->site,
					.key = site->key,
					.tls = site->tls};
	sign_op(p, &open, 1);
}

static void genesis(struct pair *p)
{
	const struct sou_hash root = bed_hash("root", 0);
	const struct pair_node *hub = &p->nodes[0];
	const struct sou_effect effects[] = {
		{.type = SOU_EFFECT_KEYS,
		 .threshold = 1,
		 .ids = &root,
		 .id_count = 1,
		 .key = bed_hash("operational", 0)},
		{.type = SOU_EFFECT_ORG, .number = 1},
		{.type = SOU_EFFECT_OPEN,
		 .has_org = true,
		 .site = hub->site,
		 .key = hub->key,
		 .tls = hub->tls},
		{.type = SOU_EFFECT_HUB, .key = bed_hash("hub", 3), .tls = hub->tls},
	};
	sign_op(p, effects, 4);
}

static void take_ops(struct pair_node *to, const struct pair_node *from)
{
	for (size_t i = 0; i < sou_authority_op_count(from->authority); i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(from->authority, i, &id, &prev, &op, &sigs);
		(void)add_op(to->authority, op);
	}
	int rc = sou_authority_settle(to->authority);
	SOU_ASSERT(rc == SOU_OK);
}

/* --- the world --- */

static struct sou_id draw(struct pair *p, const char *what)
{
	return bed_id(what, ++p->drawn);
}

void pair_init(struct pair *p, bool joining, bool honest)
{
	memset(p, 0, sizeof *p);
	p->net = bed_id("net", 1);
	p->joining = joining;
	p->honest = honest;
	p->now_ms = 1000000;
	for (uint32_t s = 0; s < PAIR_SCOPES; s++)
		memset(p->scopes[s].b, (int)('A' + s), sizeof p->scopes[s].b);
	for (uint32_t i = 0; i < 2; i++) {
		struct pair_node *n = &p->nodes[i];
		n->site = bed_id("site", i);
		n->key = bed_hash("key", i);
		n->tls = bed_hash("tls", i);
		n->log = draw(p, "log");
		n->instance = draw(p, "instance");
		for (uint32_t s = 0; s < PAIR_SCOPES; s++)
			n->may_read[s] = i == 0 || s < 4;
		int rc = sou_authority_new(&n->authority, NULL);
		SOU_ASSERT(rc == SOU_OK);
		sou_authority_verifier(n->authority, &trusting);
		rc = sou_authority_settle(n->authority);
		SOU_ASSERT(rc == SOU_OK);
	}
	genesis(p);
	if (joining)
		return;
	open_site(p);
	take_ops(&p->nodes[1], &p->nodes[0]);
}

static void job_end(struct pair_node *n, uint32_t i)
{
	sou_buf_fini(&n->jobs[i].bytes);
	memmove(&n->jobs[i], &n->jobs[i + 1], (n->job_count - i - 1) * sizeof n->jobs[0]);
	n->job_count--;
}

void pair_lose(struct pair *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct pair_node *n = &p->nodes[i];
		sou_session_free(n->session);
		n->session = NULL;
		while (n->queued > 0)
			pair_drop(p, i, 0);
		for (uint32_t k = 0; k < n->job_count; k++)
			n->jobs[k].of_session = false;
	}
	p->dropped = false;
}

void pair_fini(struct pair *p)
{
	pair_lose(p);
	for (uint32_t i = 0; i < 2; i++) {
		while (p->nodes[i].job_count > 0)
			job_end(&p->nodes[i], 0);
		sou_actions_fini(&p->nodes[i].out);
		sou_authority_free(p->nodes[i].authority);
	}
}

/* --- what is under way --- */

void pair_drop(struct pair *p, uint32_t node, uint32_t index)
{
	struct pair_node *n = &p->nodes[node];
	if (index >= n->queued)
		return;
	sou_buf_fini(&n->queue[index].body);
	memmove(&n->queue[index], &n->queue[index + 1],
		(n->queued - index - 1) * sizeof n->queue[0]);
	n->queued--;
}

static void send(struct pair *p, uint32_t to, uint8_t kind, struct sou_span body)
{
	struct pair_node *n = &p->nodes[to];
	if (n->queued == PAIR_QUEUE) {
		p->dropped = true;
		return;
	}
	struct pair_frame *f = &n->queue[n->queued++];
	*f = (struct pair_frame){.kind = kind};
	sou_buf_put(&f->body, body.p, body.n);
}

static void job(struct pair *p, uint32_t node, const struct sou_action *a)
{
	struct pair_node *n = &p->nodes[node];
	if (n->job_count == PAIR_QUEUE) {
		p->dropped = true;
		return;
	}
	struct pair_job *j = &n->jobs[n->job_count++];
	*j = (struct pair_job){.kind = a->kind, .token = a->token, .log = n->session->log};
	struct sou_span bytes = {NULL, 0};
	if (a->kind == SOU_ACTION_STORE_NEWS) {
		j->scope = a->news.scope;
		j->after = a->news.after;
		j->upto = a->news.upto;
		j->answer = (a->news.flags & SOU_DATA_ANSWER) != 0;
		bytes = a->news.data;
	} else if (a->kind == SOU_ACTION_STORE_AUTHORITY) {
		bytes = a->authority.series;
	} else if (a->kind == SOU_ACTION_ACKED) {
		j->scope = a->acked.scope;
		j->upto = a->acked.upto;
	} else if (a->kind == SOU_ACTION_PASSED) {
		j->scope = a->passed.scope;
		j->upto = a->passed.upto;
	}
	j->of_session = a->token != 0;
	sou_buf_put(&j->bytes, bytes.p, bytes.n);
}

/* An honest pair closes only for what ordinary operation brings. */
static void check_close(const struct pair *p, enum sou_bye code)
{
	if (p->honest && !p->cut)
		SOU_ASSERT(code == SOU_BYE_NONE || code == SOU_BYE_STOPPING ||
			   code == SOU_BYE_INSTANCE || code == SOU_BYE_ROLLED_BACK ||
			   code == SOU_BYE_NOT_ENROLLED);
}

static void act_on(struct pair *p, uint32_t node, const struct sou_action *a)
{
	struct pair_node *n = &p->nodes[node];
	struct sou_span body;
	switch (a->kind) {
	case SOU_ACTION_SEND:
		say(p, node, "sends %s", sou_frame_name(a->send.kind));
		body = (struct sou_span){n->out.bytes.p + a->send.at, a->send.n};
		pair_check_sent(p, node, a->send.kind, body);
		send(p, 1 - node, a->send.kind, body);
		break;
	case SOU_ACTION_STORE_NEWS:
	case SOU_ACTION_STORE_AUTHORITY:
	case SOU_ACTION_STORE_SIGNATURES:
	case SOU_ACTION_ENROL:
	case SOU_ACTION_ACKED:
	case SOU_ACTION_PASSED:
	case SOU_ACTION_NEW_LOG:
	case SOU_ACTION_OWN_ALL:
		job(p, node, a);
		break;
	case SOU_ACTION_ALARM:
		SOU_ASSERT(!p->honest);
		break;
	case SOU_ACTION_CLOSE:
		say(p, node, "closes %s%s", sou_bye_name(a->close.code),
		    a->close.by_peer ? " by peer" : "");
		check_close(p, a->close.code);
		break;
	case SOU_ACTION_LIVE:
	case SOU_ACTION_CLAIM:
	case SOU_ACTION_REFUSED:
	case SOU_ACTION_JOINED:
	case SOU_ACTION_SETTLED:
		break;
	case SOU_ACTION_LOG:
		say(p, node, "%s %s", a->log.rule, a->log.what);
		break;
	}
}

void pair_step(struct pair *p, uint32_t node, struct sou_event *e)
{
	struct pair_node *n = &p->nodes[node];
	if (n->session == NULL)
		return;
	struct pair_ctx ctx = {p, n, &p->nodes[1 - node]};
	struct sou_view view = pair_view;
	view.ctx = &ctx;
	e->now_ms = p->now_ms;
	bool closed = sou_session_state(n->session) == SOU_SESSION_CLOSED;
	int rc = sou_session_step(n->session, &view, e, &n->out);
	SOU_ASSERT(rc == SOU_OK);
	SOU_ASSERT(!closed ||
		   (n->out.n == 0 && sou_session_state(n->session) == SOU_SESSION_CLOSED));
	pair_check_session(p, node);
	for (size_t i = 0; i < n->out.n; i++) {
		SOU_ASSERT(n->out.v[i].kind != SOU_ACTION_CLOSE || i + 1 == n->out.n);
		act_on(p, node, &n->out.v[i]);
	}
	(void)sou_session_quiet(n->session);
}

void pair_connect(struct pair *p)
{
	pair_lose(p);
	say(p, 1, "dials");
	struct sou_join join = {.invite_key = bed_id("invite", 1),
				.net = p->net,
				.site = p->nodes[1].site,
				.key = p->nodes[1].key,
				.tls = p->nodes[1].tls};
	bool joins = p->joining && sou_authority_op_count(p->nodes[1].authority) == 0;
	for (uint32_t i = 0; i < 2; i++) {
		struct pair_node *n = &p->nodes[i];
		const struct sou_session_options o = {.net = p->net,
						      .site = n->site,
						      .log = n->log,
						      .instance = n->instance,
						      .own_wanted = n->unconfirmed,
						      .every_signature = i == 0,
						      .hub = i == 0,
						      .software = "fuzz"};
		memset(n->told, 0, sizeof n->told);
		n->came_bytes = 0;
		int rc = sou_session_new(&n->session, &o);
		SOU_ASSERT(rc == SOU_OK);
	}
	for (uint32_t i = 0; i < 2; i++) {
		struct sou_event e = {.kind = SOU_EVENT_OPENED};
		e.opened.connecting = i == 1;
		e.opened.tls = p->nodes[1 - i].tls;
		e.opened.join = i == 1 && joins ? &join : NULL;
		pair_step(p, i, &e);
	}
}

void pair_inject(struct pair *p, uint32_t node, uint8_t kind, struct sou_span body)
{
	struct pair_node *n = &p->nodes[node];
	if (n->session == NULL)
		return;
	struct sou_event e = {.kind = SOU_EVENT_FRAME, .frame = {kind, body}};
	n->came_bytes += body.n + 5;
	for (uint32_t s = 0; s < PAIR_SCOPES; s++)
		n->told[s] = n->told[s] || pair_names(body, &p->scopes[s]);
	pair_step(p, node, &e);
}

void pair_deliver(struct pair *p, uint32_t node, uint32_t index, bool keep)
{
	struct pair_node *n = &p->nodes[node];
	if (index >= n->queued)
		return;
	struct pair_frame f = n->queue[index];
	say(p, node, "gets %s", sou_frame_name(f.kind));
	struct sou_buf copy = {0};
	sou_buf_put(&copy, f.body.p, f.body.n);
	if (!keep)
		pair_drop(p, node, index);
	pair_inject(p, node, f.kind, sou_buf_span(&copy));
	sou_buf_fini(&copy);
}

/* --- the replica --- */

static void arrive(struct pair *p, uint32_t node, uint32_t s, uint32_t entry, struct sou_id from)
{
	struct pair_replica *r = &p->nodes[node].r;
	if (entry >= p->made[s] || (r->set[s] >> entry & 1) != 0)
		return;
	SOU_ASSERT(r->last[s] < PAIR_ENTRIES);
	r->log[s][r->last[s]++] = (struct pair_arrival){(uint8_t)entry, from};
	r->set[s] |= UINT64_C(1) << entry;
	say(p, node, "has entry %u of scope %u", entry, s);
	struct sou_event e = {.kind = SOU_EVENT_NEWS};
	e.news.scope = p->scopes[s];
	e.news.last = r->last[s];
	pair_step(p, node, &e);
}

void pair_write(struct pair *p, uint32_t node, uint32_t s)
{
	struct pair_node *n = &p->nodes[node];
	uint32_t entry = p->made[s];
	if (entry == PAIR_ENTRIES || n->unconfirmed || !n->may_read[s])
		return;
	p->ancestors[s][entry] = UINT64_C(1) << entry; /* on the last of its own */
	for (uint32_t i = entry; i-- > 0;) {
		if (p->author[s][i] != node || (n->r.set[s] >> i & 1) == 0)
			continue;
		p->ancestors[s][entry] |= p->ancestors[s][i];
		break;
	}
	p->author[s][entry] = (uint8_t)node;
	p->made[s]++;
	arrive(p, node, s, entry, (struct sou_id){{0}});
}

static void authority_changed(struct pair *p, uint32_t node)
{
	struct sou_event e = {.kind = SOU_EVENT_AUTHORITY};
	pair_step(p, node, &e);
}

void pair_op(struct pair *p, bool pins)
{
	const struct sou_pins pin = {p->scopes[0], 0, 2};
	struct sou_hash ids[2] = {pair_entry_id(0, 1), pair_entry_id(0, 3)};
	const struct sou_effect e = {.type = SOU_EFFECT_GRANT,
				     .site = p->nodes[0].site,
				     .roles = SOU_ROLE_EDITOR,
				     .id = bed_id("granted", p->op_count),
				     .pins = &pin,
				     .pin_count = pins,
				     .ids = ids,
				     .id_count = pins ? 2 : 0};
	sign_op(p, &e, 1);
	authority_changed(p, 0);
}

void pair_cut_key(struct pair *p)
{
	const struct sou_effect e = {.type = SOU_EFFECT_CUT,
				     .site = p->nodes[1].site,
				     .key_id = sou_key_id(&p->nodes[1].key)};
	if (sou_authority_by_tls(p->nodes[0].authority, &p->nodes[1].tls) == NULL)
		return;
	p->cut = true;
	sign_op(p, &e, 1);
	authority_changed(p, 0);
}

void pair_reading(struct pair *p, uint32_t scope, bool may)
{
	p->nodes[1].may_read[scope] = may;
	say(p, 1, "may%s read scope %u", may ? "" : " not", scope);
	authority_changed(p, 0);
	authority_changed(p, 1);
}

void pair_keep(struct pair *p, uint32_t node)
{
	p->nodes[node].kept = p->nodes[node].r;
	p->nodes[node].has_kept = true;
	say(p, node, "disk is copied");
}

/* The disk as it was; the fence tells, or does not. */
void pair_put_back(struct pair *p, uint32_t node, bool noticed)
{
	struct pair_node *n = &p->nodes[node];
	if (!n->has_kept)
		return;
	pair_lose(p);
	while (n->job_count > 0)
		job_end(n, 0);
	n->r = n->kept;
	say(p, node, "disk is put back%s", noticed ? "" : " unnoticed");
	if (!noticed)
		return;
	n->unconfirmed = true;
	n->log = draw(p, "log");
	n->instance = draw(p, "instance");
}

/* Positions count for the log that they are of. */
static void meet(struct pair_node *n, const struct sou_id *log)
{
	if (sou_id_eq(&n->r.peer_log, log))
		return;
	n->r.peer_log = *log;
	memset(n->r.at, 0, sizeof n->r.at);
	memset(n->r.acked, 0, sizeof n->r.acked);
}

static int store_news(struct pair *p, uint32_t node, const struct pair_job *j, uint64_t *bye)
{
	uint32_t s = pair_scope_of(p, &j->scope);
	const struct pair_replica *r = &p->nodes[node].r;
	if (s == PAIR_SCOPES)
		return SOU_OK;
	if (!j->answer && j->after > (sou_id_eq(&r->peer_log, &j->log) ? r->at[s] : 0)) {
		*bye = SOU_BYE_ORDER; /* what came before was refused */
		return SOU_ESTATE;
	}
	for (size_t i = 1; i < j->bytes.n; i++)
		arrive(p, node, s, j->bytes.p[i], j->log);
	meet(&p->nodes[node], &j->log);
	if (!j->answer && j->upto > p->nodes[node].r.at[s])
		p->nodes[node].r.at[s] = j->upto;
	return SOU_OK;
}

static int store_series(struct pair_node *n, struct sou_span series, uint64_t *bye)
{
	uint8_t kind;
	struct sou_span body;
	int rc = SOU_OK;
	while (rc == SOU_OK && sou_series_next(&series, &kind, &body)) {
		bool more;
		uint32_t count;
		struct sou_mp ops;
		if (kind != SOU_FRAME_AUTHORITY)
			continue;
		rc = sou_authority_unpack(body, &more, &ops, &count);
		SOU_ASSERT(rc == SOU_OK); /* the session looked */
		while (rc == SOU_OK && count-- > 0) {
			struct sou_span op, sigs;
			rc = sou_authority_next(&ops, &op, &sigs);
			rc = rc == SOU_OK ? add_op(n->authority, op) : rc;
			rc = rc == SOU_EEXIST ? SOU_OK : rc;
		}
	}
	int settled = sou_authority_settle(n->authority);
	SOU_ASSERT(settled == SOU_OK);
	*bye = rc == SOU_OK ? 0 : SOU_BYE_FORMAT;
	return rc;
}

static void run(struct pair *p, uint32_t node, const struct pair_job *j, struct sou_event *e)
{
	struct pair_node *n = &p->nodes[node];
	uint32_t s = pair_scope_of(p, &j->scope);
	if (j->kind == SOU_ACTION_STORE_NEWS) {
		e->stored.rc = store_news(p, node, j, &e->stored.bye);
	} else if (j->kind == SOU_ACTION_STORE_AUTHORITY) {
		e->stored.rc = store_series(n, sou_buf_span(&j->bytes), &e->stored.bye);
	} else if (j->kind == SOU_ACTION_ENROL) {
		if (sou_authority_by_tls(n->authority, &p->nodes[1].tls) == NULL)
			open_site(p);
		e->stored.entry = p->op_head;
	} else if (j->kind == SOU_ACTION_ACKED && s < PAIR_SCOPES) {
		meet(n, &j->log);
		n->r.acked[s] = j->upto > n->r.acked[s] ? j->upto : n->r.acked[s];
	} else if (j->kind == SOU_ACTION_PASSED && s < PAIR_SCOPES) {
		meet(n, &j->log);
		n->r.at[s] = j->upto > n->r.at[s] ? j->upto : n->r.at[s];
	} else if (j->kind == SOU_ACTION_NEW_LOG) {
		n->log = draw(p, "log");
		n->instance = draw(p, "instance");
		n->unconfirmed = true;
	}
}

void pair_job(struct pair *p, uint32_t node, const struct sou_event *how)
{
	struct pair_node *n = &p->nodes[node];
	if (n->job_count == 0)
		return;
	struct pair_job j = n->jobs[0];
	struct sou_event e = {.kind = SOU_EVENT_STORED};
	n->jobs[0].bytes = (struct sou_buf){0};
	job_end(n, 0);
	if (how != NULL)
		e.stored = how->stored;
	if (e.stored.rc == SOU_OK)
		run(p, node, &j, &e);
	e.stored.token = j.token;
	e.stored.received_ms = 5000;
	bool answers = j.of_session && n->session != NULL;
	if (answers)
		pair_step(p, node, &e);
	if (j.kind == SOU_ACTION_STORE_AUTHORITY || j.kind == SOU_ACTION_ENROL)
		authority_changed(p, node);
	if (j.kind == SOU_ACTION_OWN_ALL && n->session != NULL) {
		struct sou_event confirmed = {.kind = SOU_EVENT_CONFIRMED};
		n->unconfirmed = false;
		pair_step(p, node, &confirmed);
	}
	sou_buf_fini(&j.bytes);
}

/* --- the end --- */

static bool quiet(const struct pair *p)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct pair_node *n = &p->nodes[i];
		if (n->session == NULL || !sou_session_quiet(n->session) || n->queued > 0 ||
		    n->job_count > 0 || n->unconfirmed)
			return false;
	}
	return true;
}

static void check_level(const struct pair *p)
{
	const struct pair_replica *hub = &p->nodes[0].r, *site = &p->nodes[1].r;
	for (uint32_t s = 0; s < PAIR_SCOPES; s++) {
		SOU_ASSERT((site->set[s] & ~hub->set[s]) == 0);
		if (p->nodes[1].may_read[s])
			SOU_ASSERT(site->set[s] == hub->set[s]);
	}
}

void pair_level(struct pair *p)
{
	uint32_t calm = 0;
	for (uint32_t round = 0; round < LEVEL_ROUNDS_MAX; round++) {
		bool ended = p->dropped;
		for (uint32_t i = 0; i < 2; i++)
			ended = ended || p->nodes[i].session == NULL ||
				sou_session_state(p->nodes[i].session) == SOU_SESSION_CLOSED;
		if (ended)
			pair_connect(p);
		for (uint32_t i = 0; i < 2; i++) {
			while (p->nodes[i].job_count > 0)
				pair_job(p, i, NULL);
			pair_deliver(p, i, 0, false);
		}
		if (p->nodes[0].queued + p->nodes[1].queued > 0)
			continue;
		struct sou_event tick = {.kind = SOU_EVENT_TICK};
		p->now_ms += 1000;
		for (uint32_t i = 0; i < 2; i++)
			pair_step(p, i, &tick);
		calm = quiet(p) ? calm + 1 : 0;
		if (calm > 25) { /* two rounds of digests (P13.12) */
			check_level(p);
			return;
		}
	}
	SOU_ASSERT(!"they get level");
}
