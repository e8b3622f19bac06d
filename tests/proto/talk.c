/* talk.c - reads the statements of talk.h and makes events of them. A word that it does not know
 * ends the test. */
#include "tests/proto/talk_int.h"

#include <ctype.h>
#include <stdio.h>

#include "tests/lib/bed.h"
#include "tests/lib/fault.h"

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

void talk_new_authority(struct talk *t)
{
	REQUIRE(t->name, sou_authority_new(&t->authority, NULL) == SOU_OK);
	sou_authority_verifier(t->authority, &trusting);
	REQUIRE(t->name, sou_authority_settle(t->authority) == SOU_OK);
	t->op_count = 0;
	t->head = (struct sou_hash){{0}};
}

/* --- the authority: genesis, one organisation, the peer --- */

static void op(struct talk *t, const struct sou_effect *effects, uint32_t count)
{
	static const uint8_t no_signatures[] = {0x90};
	struct sou_authop o = {.net = t->net,
			       .prev = t->head,
			       .seq = t->op_count,
			       .tier = t->op_count == 0 ? SOU_TIER_GENESIS : SOU_TIER_OPERATIONAL,
			       .effects = (struct sou_effect *)effects,
			       .effect_count = count};
	struct sou_buf bytes = {0};
	REQUIRE(t->name, sou_authop_pack(&o, &bytes) == SOU_OK);
	REQUIRE(t->name, sou_authority_add_checked(
				 t->authority, &o, sou_buf_span(&bytes),
				 (struct sou_span){no_signatures, sizeof no_signatures}) == SOU_OK);
	REQUIRE(t->name, sou_authority_settle(t->authority) == SOU_OK);
	REQUIRE(t->name, sou_authority_admissible(t->authority, &o.id));
	sou_buf_fini(&bytes);
	t->head = o.id;
	t->op_count++;
}

void talk_authority(struct talk *t)
{
	const struct sou_hash root = bed_hash("root", 0);
	const struct sou_effect genesis[] = {
		{.type = SOU_EFFECT_KEYS,
		 .threshold = 1,
		 .ids = &root,
		 .id_count = 1,
		 .key = bed_hash("operational", 0)},
		{.type = SOU_EFFECT_ORG, .number = 1},
		{.type = SOU_EFFECT_OPEN,
		 .has_org = true,
		 .site = t->options.site,
		 .key = bed_hash("hub", 1),
		 .tls = bed_hash("hub", 2)},
		{.type = SOU_EFFECT_HUB, .key = bed_hash("hub", 3), .tls = bed_hash("hub", 2)},
	};
	op(t, genesis, 4);
	t->first = t->head;
	const struct sou_hash key = bed_hash("peer", 1);
	const struct sou_effect open = {.type = SOU_EFFECT_OPEN,
					.has_org = true,
					.org = sou_entity_org(&t->first, 1),
					.site = t->site,
					.key = key,
					.tls = t->tls};
	t->org = open.org;
	t->key = sou_key_id(&key);
	op(t, &open, 1);
}

static void cut(struct talk *t)
{
	const struct sou_effect e = {.type = SOU_EFFECT_CUT, .site = t->site, .key_id = t->key};
	op(t, &e, 1);
}

/* Any op that says nothing of the peer; pins: with entries 3 and 9 of scope A. */
static void grant(struct talk *t, bool pins)
{
	const struct sou_pins pin = {talk_scope(t, &t->scopes[0].id)->id, 0, 2};
	struct sou_hash ids[2] = {{{3}}, {{9}}};
	const struct sou_effect e = {.type = SOU_EFFECT_GRANT,
				     .site = t->options.site,
				     .roles = SOU_ROLE_EDITOR,
				     .id = bed_id("granted", t->op_count),
				     .pins = &pin,
				     .pin_count = pins,
				     .ids = ids,
				     .id_count = pins ? 2 : 0};
	op(t, &e, 1);
}

/* --- words --- */

bool talk_next_word(struct talk *t)
{
	while (isspace((unsigned char)*t->at))
		t->at++;
	size_t n = 0;
	while (*t->at != 0 && *t->at != ';' && !isspace((unsigned char)*t->at)) {
		REQUIRE(t->name, n + 1 < sizeof t->word);
		t->word[n++] = *t->at++;
	}
	t->word[n] = 0;
	return n > 0;
}

bool talk_is(const struct talk *t, const char *word)
{
	return strcmp(t->word, word) == 0;
}

struct sou_id talk_scope_word(struct talk *t)
{
	REQUIRE(test_printf("%s: a scope at \"%s\"", t->name, t->at), talk_next_word(t));
	struct sou_id id;
	memset(id.b, t->word[0], sizeof id.b);
	return id;
}

uint64_t talk_number_word(struct talk *t, uint64_t otherwise)
{
	return talk_next_word(t) ? strtoull(t->word, NULL, 10) : otherwise;
}

static struct talk_scope *talk_scope_of(struct talk *t, const struct sou_id *id)
{
	struct talk_scope *s = talk_scope(t, id);
	if (s != NULL)
		return s;
	REQUIRE(t->name, t->scope_count < TALK_SCOPES_MAX);
	s = &t->scopes[t->scope_count++];
	*s = (struct talk_scope){.id = *id, .readable = true, .entries = 1, .state = 1};
	return s;
}

void talk_digest_word(const char *word, uint8_t *entries, uint8_t *state)
{
	char *dot;
	*entries = (uint8_t)strtoul(word, &dot, 10);
	*state = (uint8_t)strtoul(dot + (*dot == '.'), NULL, 10);
}

struct sou_join talk_join_of(const struct talk *t)
{
	struct sou_join j = {.invite_key = bed_id("invite", 1),
			     .net = t->net,
			     .site = t->site,
			     .key = bed_hash("peer", 1),
			     .tls = t->tls};
	return j;
}

/* --- before the link --- */

static bool setup_scope(struct talk *t)
{
	bool scope = talk_is(t, "scope"), at = talk_is(t, "at"), state = talk_is(t, "state");
	if (!scope && !at && !state && !talk_is(t, "acked"))
		return false;
	struct sou_id id = talk_scope_word(t);
	struct talk_scope *s = talk_scope_of(t, &id);
	REQUIRE(t->name, talk_next_word(t));
	uint64_t n = strtoull(t->word, NULL, 10);
	if (scope) {
		s->last = n;
		s->listed = n > 0;
		bool word = talk_next_word(t);
		s->readable = !(word && talk_is(t, "-"));
		s->shut = word && talk_is(t, "~");
	} else if (at) {
		s->at = n;
	} else if (state) {
		talk_digest_word(t->word, &s->entries, &s->state);
	} else {
		s->acked = n;
	}
	return true;
}

static void setup_many(struct talk *t)
{
	uint64_t n = talk_number_word(t, 0);
	for (uint64_t i = 0; i < n; i++) {
		struct sou_id id = {{'m', (uint8_t)i}};
		struct talk_scope *s = talk_scope_of(t, &id);
		s->last = s->acked = s->at = 1;
		s->listed = true;
	}
}

static bool setup(struct talk *t)
{
	if (setup_scope(t))
		return true;
	if (talk_is(t, "many")) {
		setup_many(t);
	} else if (talk_is(t, "met")) {
		t->met = true;
	} else if (talk_is(t, "hub")) {
		t->options.hub = true;
	} else if (talk_is(t, "own")) {
		t->options.own_wanted = true;
	} else if (talk_is(t, "every")) {
		t->options.every_signature = true;
	} else if (talk_is(t, "heavy")) {
		t->frame_bytes = (size_t)talk_number_word(t, 4);
	} else if (talk_is(t, "blank")) {
		sou_authority_free(t->authority);
		talk_new_authority(t);
	} else if (talk_is(t, "broken")) {
		t->broken = true;
	} else if (talk_is(t, "readable") || talk_is(t, "closed")) {
		bool readable = talk_is(t, "readable");
		struct sou_id id = talk_scope_word(t);
		talk_scope_of(t, &id)->readable = readable;
	} else if (talk_is(t, "landed")) {
		struct sou_id id = talk_scope_word(t);
		talk_scope_of(t, &id)->last = talk_number_word(t, 1);
	} else {
		return false;
	}
	return true;
}

/* --- events of this side --- */

static void stored(struct talk *t, struct sou_event *e)
{
	size_t at = 0;
	e->kind = SOU_EVENT_STORED;
	if (talk_is(t, "late"))
		at = (size_t)talk_number_word(t, 0);
	REQUIRE(test_printf("%s: nothing to store", t->name), at < t->store_count);
	e->stored.token = t->stores[at];
	e->stored.received_ms = 5000;
	e->stored.entry = bed_hash("op", 1);
	memmove(&t->stores[at], &t->stores[at + 1],
		(t->store_count - at - 1) * sizeof t->stores[0]);
	t->store_count--;
	if (!talk_next_word(t))
		return;
	if (talk_is(t, "fail")) {
		e->stored.rc = SOU_ESTORE;
	} else if (talk_is(t, "refuse")) {
		e->stored.rc = SOU_ERIGHT;
		e->stored.refuse = talk_number_word(t, 1);
		e->stored.clause = "P9.7";
		e->stored.has_entry = talk_next_word(t);
	} else if (talk_is(t, "bye")) {
		e->stored.rc = SOU_EPROTO;
		e->stored.bye = talk_number_word(t, 1);
	} else if (talk_is(t, "forged")) {
		e->stored.bad_signatures = (uint32_t)talk_number_word(t, 1);
	} else if (talk_is(t, "gap")) {
		e->stored.gap = true;
	} else {
		REQUIRE(t->word, talk_is(t, "new"));
		e->stored.own_new = (uint32_t)talk_number_word(t, 1);
	}
}

static bool opened(struct talk *t, struct sou_event *e, struct sou_join *join_out)
{
	bool invited = talk_is(t, "invited"), stranger = talk_is(t, "stranger");
	if (!invited && !stranger && !talk_is(t, "dial") && !talk_is(t, "listen"))
		return false;
	if (stranger)
		t->tls.b[0] ^= 1;
	*join_out = talk_join_of(t);
	e->kind = SOU_EVENT_OPENED;
	e->opened.connecting = invited || talk_is(t, "dial");
	e->opened.tls = t->tls;
	e->opened.join = invited ? join_out : NULL;
	return true;
}

static bool local(struct talk *t, struct sou_event *e, struct sou_id *version)
{
	if (talk_is(t, "stored") || talk_is(t, "late")) {
		stored(t, e);
	} else if (talk_is(t, "arrive")) {
		e->kind = SOU_EVENT_NEWS;
		e->news.scope = talk_scope_word(t);
		e->news.last = talk_number_word(t, 1);
		struct talk_scope *s = talk_scope_of(t, &e->news.scope);
		s->last = e->news.last;
		s->listed = true;
		s->entries++;
	} else if (talk_is(t, "op") || talk_is(t, "cut") || talk_is(t, "learn") ||
		   talk_is(t, "again")) {
		e->kind = SOU_EVENT_AUTHORITY;
		if (talk_is(t, "cut"))
			cut(t);
		else if (talk_is(t, "learn"))
			talk_authority(t);
		else if (talk_is(t, "op"))
			grant(t, talk_next_word(t));
	} else if (talk_is(t, "fetch")) {
		e->kind = SOU_EVENT_WANT;
		e->want.scope = talk_scope_word(t);
		e->want.versions = version;
		e->want.count = 1;
	} else if (talk_is(t, "tick")) {
		e->kind = SOU_EVENT_TICK;
		t->now_ms += talk_number_word(t, 1000);
	} else if (talk_is(t, "stop")) {
		e->kind = SOU_EVENT_STOP;
	} else if (talk_is(t, "instance")) {
		e->kind = SOU_EVENT_INSTANCE;
	} else if (talk_is(t, "other")) {
		e->kind = SOU_EVENT_OTHER;
	} else if (talk_is(t, "settle")) {
		e->kind = SOU_EVENT_SETTLE;
	} else if (talk_is(t, "confirmed")) {
		e->kind = SOU_EVENT_CONFIRMED;
	} else if (talk_is(t, "new-log")) {
		e->kind = SOU_EVENT_NEW_LOG;
	} else {
		return false;
	}
	return true;
}

static void step(struct talk *t, const struct sou_event *e)
{
	const char *rest = strchr(t->at, ';');
	if (t->fail > 0 && rest == NULL)
		fault_arm(t->fail, false);
	int rc = sou_session_step(t->session, &t->view, e, &t->out);
	if (t->fail > 0 && rest == NULL)
		t->failed = fault_disarm();
	CHECK_INT(t->name, rc, ==, t->failed > 0 && !t->no_room ? SOU_ENOMEM : SOU_OK);
	if (rc == SOU_OK)
		talk_tell(t);
}

static void statement(struct talk *t)
{
	struct sou_event e = {.kind = SOU_EVENT_FRAME};
	struct sou_join invite;
	struct sou_id version = {{1}};
	if (talk_is(t, "new") || setup(t))
		return;
	if (talk_is(t, "quiet")) {
		t->out.n = 0;
		talk_tell(t);
		t->text.n--; /* nothing was done */
		const char *quiet = sou_session_quiet(t->session) ? "quiet" : "busy";
		sou_buf_put(&t->text, quiet, strlen(quiet));
		return;
	}
	if (!opened(t, &e, &invite) && !local(t, &e, &version)) {
		bool unknown = talk_is(t, "unknown");
		e.frame.kind = talk_frame(t);
		REQUIRE(test_printf("%s: what is %s", t->name, t->word),
			unknown || e.frame.kind != 0);
		e.frame.body = sou_buf_span(&t->body);
	}
	e.now_ms = t->now_ms;
	if (t->session == NULL)
		REQUIRE(t->name, sou_session_new(&t->session, &t->options) == SOU_OK);
	step(t, &e);
}

static long check(const char *name, const char *script, const char *expect, bool last, long fail)
{
	struct talk t = {
		.name = name, .at = script, .now_ms = 1000000, .view = talk_view, .fail = fail};
	t.view.ctx = &t;
	t.net = bed_id("net", 1);
	t.site = bed_id("site", 2);
	t.log = bed_id("log", 2);
	t.tls = bed_hash("tls", 2);
	t.options = (struct sou_session_options){.net = t.net,
						 .site = bed_id("site", 1),
						 .log = bed_id("log", 1),
						 .instance = bed_id("instance", 1)};
	snprintf(t.options.software, sizeof t.options.software, "test 1");
	talk_new_authority(&t);
	talk_authority(&t);
	while (talk_next_word(&t)) {
		if (last)
			sou_buf_clear(&t.text);
		statement(&t);
		REQUIRE(test_printf("%s: at \"%s\"", name, t.at), !talk_next_word(&t));
		t.at += *t.at == ';';
	}
	sou_buf_put_u8(&t.text, 0);
	if (expect != NULL)
		check_str(__FILE__, __LINE__, name, "what it does", (const char *)t.text.p, expect);
	sou_session_free(t.session);
	sou_authority_free(t.authority);
	sou_actions_fini(&t.out);
	sou_buf_fini(&t.text);
	sou_buf_fini(&t.body);
	return t.failed;
}

void talk_check(const char *name, const char *script, const char *expect)
{
	(void)check(name, script, expect, false, 0);
}

void talk_check_last(const char *name, const char *script, const char *expect)
{
	(void)check(name, script, expect, true, 0);
}

long talk_check_oom(const char *name, const char *script)
{
	long n = 0;
	while (check(test_printf("%s, allocation %ld", name, n + 1), script, NULL, false, n + 1) >
	       0)
		n++;
	return n;
}
