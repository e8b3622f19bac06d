/* main_pipe_hub.c - the hub's real replica and session over pipes instead of TLS, for the client in
 * Python (tests/model/test_pipe.py):
 *
 *   pipe_hub DATA init                       make headquarters and organisation "o1"; one JSON line
 *   pipe_hub DATA invite HOST:PORT ROLES N   so many invites for o1; their texts, a line each
 *   pipe_hub DATA plan                       a project, a column, a round, with handles p1, c1, r1
 *   pipe_hub DATA item ORG TEXT              an item of headquarters' own organisation
 *   pipe_hub DATA cut SITE KEY [SCOPE ENTRY] that key ends at that entry, elsewhere at its start
 *   pipe_hub DATA narrow OP SITE ROLES SCOPE ENTRY   that grant ends there
 *   pipe_hub DATA redact ENTRY INDEX         a value of an entry is taken out
 *   pipe_hub DATA show                       what is stored: a JSON line
 *   pipe_hub DATA serve TLSHASH EXPORTER     one session: frames on standard input and output
 *
 * Exit 0; 1 when the session was closed by a bye; 70 on a fault. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "daemon/replica/hub.h"
#include "daemon/replica/reader.h"
#include "proto/frame.h"
#include "proto/invite.h"
#include "proto/mp.h"
#include "proto/schema.h"

static const char passphrase[] = "pipe hub of a test";

struct hub {
	const char *data;
	char path[4096];
	struct soud_replica_env env;
	struct sou_signer site, checkpoint, operational;
	struct soud_replica *replica;
	struct soud_reader *reader;
	struct sou_view view;
	struct sou_session *session;
	struct soud_from from;
	struct sou_hash tls;
	uint8_t exporter[32];
	bool closed, by_bye;
};

static struct sou_err err;

#define DO(call)                                                                                   \
	do {                                                                                       \
		int do_rc = (call);                                                                \
		if (do_rc != SOU_OK) {                                                             \
			(void)fprintf(stderr, "%s:%d: %s: %s %s\n", __FILE__, __LINE__, #call,     \
				      sou_err_text(do_rc), err.text);                              \
			exit(70);                                                                  \
		}                                                                                  \
	} while (0)

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	struct timespec t;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int random_bytes(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	return getrandom(out, n, 0) == (ssize_t)n ? SOU_OK : SOU_ECRYPTO;
}

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static json_t *hex(const void *bytes, size_t n)
{
	char digits[129] = "";
	for (size_t i = 0; i < n && i < 64; i++)
		(void)snprintf(digits + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	return json_string(digits);
}

static void print(json_t *json)
{
	if (json == NULL || json_dumpf(json, stdout, JSON_COMPACT) != 0)
		exit(70);
	(void)putchar('\n');
	json_decref(json);
}

static void open_hub(struct hub *h)
{
	(void)snprintf(h->path, sizeof h->path, "%s/%s", h->data, SOUD_REPLICA_FILE);
	DO(soud_key_open(h->data, SOUD_KEY_SITE, 0, text(""), &h->site, &err));
	DO(soud_key_open(h->data, SOUD_KEY_CHECKPOINT, 0, text(""), &h->checkpoint, &err));
	h->env.site = &h->site;
	h->env.checkpoint = &h->checkpoint;
	const struct soud_replica_options options = {.every_signature = true};
	DO(soud_replica_open(&h->replica, h->path, &h->env, &options, &err));
	DO(soud_reader_open(&h->reader, h->path, &options, &err));
	soud_reader_view(h->reader, &h->view);
}

static void close_hub(struct hub *h)
{
	sou_session_free(h->session);
	soud_reader_close(h->reader);
	soud_replica_close(h->replica);
	sou_signer_fini(&h->site);
	sou_signer_fini(&h->checkpoint);
	sou_signer_fini(&h->operational);
}

/* --- acts of people at headquarters --- */

static void init(struct hub *h)
{
	const struct soud_init init = {.data_dir = h->data,
				       .handle = text("hq"),
				       .name = text("東社協 例"),
				       .short_name = text("東社協 例"),
				       .site_name = text("本部 例"),
				       .passphrase = text(passphrase)};
	struct soud_inited made;
	DO(soud_hub_init(&init, &h->env, &made, &err));
	open_hub(h);
	DO(soud_key_open(h->data, SOUD_KEY_OPERATIONAL, 0, text(passphrase), &h->operational,
			 &err));
	struct sou_effect org = {.type = SOU_EFFECT_ORG, .has_org = true, .number = 4};
	org.org = made.hq;
	org.handle = org.name = org.short_name = text("o1");
	struct soud_committed committed;
	DO(soud_replica_begin(h->replica));
	DO(soud_hub_own_grants(h->replica, &h->operational, &err));
	DO(soud_hub_sign_op(h->replica, &h->operational, &org, 1, NULL, &err));
	DO(soud_replica_commit(h->replica, &committed));
	print(json_pack("{s:o,s:o,s:o}", "net", hex(made.net.b, 16), "genesis",
			hex(made.genesis.b, 32), "tls", hex(made.tls.b, 32)));
}

static const struct sou_org *org_of(struct hub *h, const char *handle)
{
	const struct sou_org *org =
		sou_authority_org_handle(soud_replica_authority(h->replica), text(handle));
	if (org == NULL)
		exit(70);
	return org;
}

static void invite(struct hub *h, const char *address, const char *roles, const char *count)
{
	DO(soud_key_open(h->data, SOUD_KEY_OPERATIONAL, 0, text(passphrase), &h->operational,
			 &err));
	struct soud_inviting inviting = {.org = org_of(h, "o1")->id,
					 .site_name = text("本館 例"),
					 .roles = (uint16_t)strtoul(roles, NULL, 10),
					 .expires_ms = (uint64_t)wall_ms(NULL) + 600000,
					 .address = address};
	DO(soud_key_tls_pin(h->data, &inviting.tls, &err));
	char string[SOU_INVITE_TEXT_BYTES_MAX];
	struct sou_id id;
	struct soud_committed committed;
	for (unsigned long n = strtoul(count, NULL, 10); n > 0; n--) {
		DO(soud_replica_begin(h->replica));
		DO(soud_hub_invite(h->replica, &h->operational, &inviting, string, &id, &err));
		DO(soud_replica_commit(h->replica, &committed));
		(void)printf("%s\n", string);
	}
}

static void write_one(struct hub *h, const struct sou_id *scope, const struct sou_id *org,
		      uint16_t kind, uint16_t field, const char *value)
{
	struct sou_buf bytes = {0};
	sou_mp_put_str(&bytes, value, strlen(value));
	struct sou_draft_op op = {.type = SOU_OP_SET, .kind = kind, .field = field};
	op.value = sou_buf_span(&bytes);
	struct soud_act act = {.scope = *scope, .for_org = *org, .by = text("本部 例")};
	act.ops = &op;
	act.op_count = 1;
	struct soud_committed committed;
	DO(soud_replica_begin(h->replica));
	DO(soud_replica_entity(h->replica, kind, &op.entity));
	DO(soud_replica_act(h->replica, &act, 1, NULL, &err));
	DO(soud_replica_commit(h->replica, &committed));
	sou_buf_fini(&bytes);
}

static void plan(struct hub *h)
{
	const struct sou_id scope = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	const struct sou_id hq = org_of(h, "hq")->id;
	write_one(h, &scope, &hq, SOU_KIND_PROJECT, 20, "p1");
	write_one(h, &scope, &hq, SOU_KIND_COLUMN, 20, "c1");
	write_one(h, &scope, &hq, SOU_KIND_ROUND, 20, "r1");
}

static void unhex(const char *digits, void *out, size_t n)
{
	if (strlen(digits) != 2 * n)
		exit(64);
	for (size_t i = 0; i < n; i++) {
		const char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
		((uint8_t *)out)[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
}

static void sign(struct hub *h, struct sou_effect *e)
{
	struct soud_committed committed;
	DO(soud_key_open(h->data, SOUD_KEY_OPERATIONAL, 0, text(passphrase), &h->operational,
			 &err));
	DO(soud_replica_begin(h->replica));
	DO(soud_hub_sign_op(h->replica, &h->operational, e, 1, NULL, &err));
	DO(soud_replica_commit(h->replica, &committed));
}

/* cut and narrow: the arguments from the site on, with one pair or none. */
static void restrict_site(struct hub *h, struct sou_effect *e, char **pair)
{
	struct sou_pins pin = {.count = 1};
	struct sou_hash entry;
	if (pair[0] != NULL && pair[1] != NULL) {
		unhex(pair[0], &pin.scope, sizeof pin.scope);
		unhex(pair[1], &entry, sizeof entry);
		e->pins = &pin;
		e->ids = &entry;
		e->pin_count = e->id_count = 1;
	}
	sign(h, e);
}

static void cut(struct hub *h, char **argv)
{
	struct sou_effect e = {.type = SOU_EFFECT_CUT};
	unhex(argv[0], &e.site, sizeof e.site);
	unhex(argv[1], &e.key_id, sizeof e.key_id);
	restrict_site(h, &e, argv + 2);
}

static void narrow(struct hub *h, char **argv)
{
	struct sou_effect e = {.type = SOU_EFFECT_NARROW, .rest = 1};
	unhex(argv[0], &e.op, sizeof e.op);
	unhex(argv[1], &e.site, sizeof e.site);
	e.roles = (uint16_t)strtoul(argv[2], NULL, 10);
	restrict_site(h, &e, argv + 3);
}

static void redact(struct hub *h, char **argv)
{
	struct sou_hash entry;
	uint16_t index = (uint16_t)strtoul(argv[1], NULL, 10);
	struct sou_effect e = {.type = SOU_EFFECT_REDACT, .number = 1};
	unhex(argv[0], &entry, sizeof entry);
	e.ids = &entry;
	e.indexes = &index;
	e.id_count = 1;
	sign(h, &e);
}

/* --- what is stored --- */

static json_t *scope_json(struct hub *h, uint32_t number)
{
	struct soud_store *store = soud_replica_store(h->replica);
	struct sou_id scope;
	struct sou_digest digest;
	struct soud_row row = {0};
	json_t *entries = json_object();
	DO(soud_store_scope_id(store, number, &scope));
	DO(soud_replica_digest(h->replica, &scope, &digest));
	while (soud_store_log_next(store, number, row.arrival, &row) == SOU_OK) {
		json_t *id = hex(row.id.b, 32);
		json_object_set_new(entries, json_string_value(id),
				    json_string(sou_verdict_name((enum sou_verdict)row.verdict)));
		json_decref(id);
	}
	return json_pack("{s:o,s:o,s:o,s:o}", "id", hex(scope.b, 16), "entries_digest",
			 hex(digest.entries.b, 32), "state", hex(digest.state.b, 32), "entries",
			 entries);
}

static void show(struct hub *h)
{
	uint32_t count;
	json_t *scopes = json_array();
	DO(soud_replica_begin(h->replica));
	DO(soud_store_scope_count(soud_replica_store(h->replica), &count));
	for (uint32_t i = 1; i <= count; i++)
		json_array_append_new(scopes, scope_json(h, i));
	soud_replica_rollback(h->replica);
	struct sou_hash hash = sou_authority_hash(soud_replica_authority(h->replica));
	print(json_pack("{s:o,s:o}", "authority", hex(hash.b, 32), "scopes", scopes));
}

/* --- one session --- */

static void step(struct hub *h, struct sou_event *event);

static int stored_by(struct hub *h, const struct sou_action *a, struct soud_taken *taken)
{
	if (a->kind == SOU_ACTION_STORE_NEWS)
		return soud_replica_news(h->replica, &h->from, &a->news, taken);
	if (a->kind == SOU_ACTION_STORE_AUTHORITY)
		return soud_replica_series(h->replica, &h->from, a->authority.series, taken);
	if (a->kind == SOU_ACTION_STORE_SIGNATURES)
		return soud_replica_signatures(h->replica, &h->from, &a->signatures, taken);
	return soud_hub_enrol(h->replica, &a->join, h->exporter, taken);
}

/* The session hears of what others did too: all is one replica. */
static void tell(struct hub *h, const struct soud_committed *committed)
{
	DO(soud_reader_refresh(h->reader));
	soud_reader_view(h->reader, &h->view);
	if (committed->authority) {
		struct sou_event e = {.kind = SOU_EVENT_AUTHORITY};
		step(h, &e);
	}
	for (size_t i = 0; i < committed->scope_count; i++) {
		struct sou_event e = {.kind = SOU_EVENT_NEWS};
		e.news.scope = committed->scopes[i].scope;
		e.news.last = committed->scopes[i].last;
		step(h, &e);
	}
}

static void store(struct hub *h, const struct sou_action *a)
{
	struct soud_taken t = {0};
	struct soud_committed committed;
	DO(soud_replica_begin(h->replica));
	int rc = stored_by(h, a, &t);
	if (soud_replica_broken(h->replica))
		DO(rc);
	DO(soud_replica_commit(h->replica, &committed));
	DO(soud_reader_refresh(h->reader));
	struct sou_event e = {.kind = SOU_EVENT_STORED,
			      .stored = {.token = a->token,
					 .rc = rc,
					 .refuse = t.refuse,
					 .bye = t.bye,
					 .clause = t.clause,
					 .has_entry = t.has_entry,
					 .entry = t.entry,
					 .received_ms = (uint64_t)committed.received_ms,
					 .own_new = t.own_new,
					 .gap = t.gap,
					 .bad_signatures = t.bad_signatures}};
	step(h, &e);
	tell(h, &committed);
}

static void small_store(struct hub *h, const struct sou_action *a)
{
	struct soud_committed committed;
	DO(soud_replica_begin(h->replica));
	if (a->kind == SOU_ACTION_ACKED)
		DO(soud_replica_acked(h->replica, &h->from, &a->acked));
	else if (a->kind == SOU_ACTION_PASSED)
		DO(soud_replica_passed(h->replica, &h->from, &a->passed.scope, a->passed.upto));
	else
		DO(soud_replica_new_log(h->replica));
	DO(soud_replica_commit(h->replica, &committed));
	DO(soud_reader_refresh(h->reader));
}

static void write_all(const void *bytes, size_t n)
{
	if (fwrite(bytes, 1, n, stdout) != n)
		exit(74);
}

static void act_on(struct hub *h, const struct sou_actions *all, const struct sou_action *a)
{
	uint8_t head[SOU_FRAME_HEAD_BYTES];
	switch (a->kind) {
	case SOU_ACTION_SEND:
		sou_frame_head(head, a->send.kind, (uint32_t)a->send.n);
		write_all(head, sizeof head);
		write_all(all->bytes.p + a->send.at, a->send.n);
		break;
	case SOU_ACTION_STORE_NEWS:
	case SOU_ACTION_STORE_AUTHORITY:
	case SOU_ACTION_STORE_SIGNATURES:
	case SOU_ACTION_ENROL:
		store(h, a);
		break;
	case SOU_ACTION_ACKED:
	case SOU_ACTION_PASSED:
	case SOU_ACTION_NEW_LOG:
		small_store(h, a);
		break;
	case SOU_ACTION_OWN_ALL:
	case SOU_ACTION_SETTLED:
	case SOU_ACTION_CLAIM:
		break; /* this hub is never unconfirmed */
	case SOU_ACTION_LIVE:
		h->from = (struct soud_from){a->peer.site, a->peer.log};
		break;
	case SOU_ACTION_ALARM:
		(void)fprintf(stderr, "software fault\n");
		exit(70);
	case SOU_ACTION_LOG:
		(void)fprintf(stderr, "%s %s\n", a->log.rule, a->log.what);
		break;
	case SOU_ACTION_CLOSE:
		h->closed = true;
		h->by_bye = true;
		break;
	case SOU_ACTION_JOINED:
	case SOU_ACTION_REFUSED:
		break;
	}
}

static void step(struct hub *h, struct sou_event *event)
{
	struct sou_actions actions = {0};
	event->now_ms = now_ms();
	DO(sou_session_step(h->session, &h->view, event, &actions));
	for (size_t i = 0; i < actions.n; i++)
		act_on(h, &actions, &actions.v[i]);
	sou_actions_fini(&actions);
}

static void take_frames(struct hub *h, struct sou_buf *in)
{
	struct sou_span left = sou_buf_span(in);
	struct sou_frame frame;
	int rc;
	while (!h->closed && (rc = sou_frame_next(&left, &frame)) != SOU_EAGAIN) {
		DO(rc);
		struct sou_event e = {.kind = SOU_EVENT_FRAME};
		e.frame.kind = frame.kind;
		e.frame.body = (struct sou_span){frame.body, frame.body_bytes};
		step(h, &e);
	}
	memmove(in->p, left.p, left.n);
	in->n = left.n;
}

static void serve(struct hub *h)
{
	const struct soud_identity *me = soud_replica_identity(h->replica);
	const struct sou_session_options options = {.net = me->net,
						    .site = me->site,
						    .log = me->log,
						    .instance = me->instance,
						    .every_signature = true,
						    .hub = true,
						    .software = "pipe_hub"};
	DO(sou_session_new(&h->session, &options));
	struct sou_event e = {.kind = SOU_EVENT_OPENED};
	e.opened.tls = h->tls;
	step(h, &e);
	struct sou_buf in = {0};
	uint8_t bytes[65536];
	ssize_t n = 1;
	while (n > 0 && !h->closed) {
		struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
		(void)fflush(stdout);
		if (poll(&ready, 1, 200) > 0) {
			n = read(STDIN_FILENO, bytes, sizeof bytes);
			sou_buf_put(&in, bytes, n > 0 ? (size_t)n : 0);
			take_frames(h, &in);
		} else {
			struct sou_event tick = {.kind = SOU_EVENT_TICK};
			step(h, &tick);
		}
	}
	(void)fflush(stdout);
	sou_buf_fini(&in);
}

int main(int argc, char **argv)
{
	struct hub h = {.data = argc > 2 ? argv[1] : "", .env = {.wall_ms = wall_ms}};
	const char *command = argc > 2 ? argv[2] : "";
	h.env.random = random_bytes;
	if (argc == 3 && strcmp(command, "init") == 0) {
		init(&h);
		close_hub(&h);
		return 0;
	}
	if (argc < 3)
		return 64;
	open_hub(&h);
	if (argc == 6 && strcmp(command, "invite") == 0) {
		invite(&h, argv[3], argv[4], argv[5]);
	} else if (argc == 3 && strcmp(command, "plan") == 0) {
		plan(&h);
	} else if (argc == 5 && strcmp(command, "item") == 0) {
		const struct sou_id org = org_of(&h, argv[3])->id;
		const struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &org);
		write_one(&h, &scope, &org, SOU_KIND_ITEM, 1, argv[4]);
	} else if ((argc == 5 || argc == 7) && strcmp(command, "cut") == 0) {
		cut(&h, argv + 3);
	} else if (argc == 8 && strcmp(command, "narrow") == 0) {
		narrow(&h, argv + 3);
	} else if (argc == 5 && strcmp(command, "redact") == 0) {
		redact(&h, argv + 3);
	} else if (argc == 3 && strcmp(command, "show") == 0) {
		show(&h);
	} else if (argc == 5 && strcmp(command, "serve") == 0) {
		unhex(argv[3], &h.tls, sizeof h.tls);
		unhex(argv[4], h.exporter, sizeof h.exporter);
		serve(&h);
	} else {
		return 64;
	}
	close_hub(&h);
	return h.by_bye ? 1 : 0;
}
