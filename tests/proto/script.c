/* script.c - reads the small language of script.h. A word that it does not know ends the test. */
#include "tests/proto/script.h"

#include <ctype.h>

#include "proto/crypto.h"
#include "proto/schema.h"
#include "tests/lib/check.h"
#include "tests/proto/history.h"

#define NAMES_MAX 64
#define LIST_MAX  16

enum what { IS_KEY, IS_ENTRY, IS_OP };

struct name {
	char text[32];
	enum what what;
	struct bed_key key; /* of an entry: where its key goes on after it */
	struct sou_hash id;
	uint64_t seq; /* of an op */
};

struct entry {
	struct sou_facts facts;
	struct sou_hash cites[LIST_MAX], parts[LIST_MAX], names[LIST_MAX];
	struct sou_id entity;
	struct sou_need need;
	uint16_t lacking;
	bool put; /* while the script was read */
};

struct script {
	const char *name, *at;
	struct bed bed;
	struct name names[NAMES_MAX];
	struct entry entries[NAMES_MAX];
	uint32_t name_count, entry_count;
	struct history_random random;
	bool eager; /* put and settle while the script is read */
	bool project;
	char word[32];
};

static bool next_word(struct script *s)
{
	while (isspace((unsigned char)*s->at))
		s->at++;
	size_t n = 0;
	while (*s->at != 0 && *s->at != ';' && !isspace((unsigned char)*s->at)) {
		REQUIRE(s->name, n + 1 < sizeof s->word);
		s->word[n++] = *s->at++;
		if (s->word[n - 1] == '(' || (*s->at == ')' && n > 0) || s->word[n - 1] == ')')
			break;
	}
	s->word[n] = 0;
	return n > 0;
}

static bool is(const struct script *s, const char *word)
{
	return strcmp(s->word, word) == 0;
}

static void need_word(struct script *s)
{
	REQUIRE(test_printf("%s: at \"%s\"", s->name, s->at), next_word(s));
}

static struct name *find(struct script *s, const char *text)
{
	for (uint32_t i = 0; i < s->name_count; i++)
		if (strcmp(s->names[i].text, text) == 0)
			return &s->names[i];
	return NULL;
}

static struct name *make(struct script *s, const char *text, enum what what)
{
	REQUIRE(test_printf("%s: %s twice", s->name, text), find(s, text) == NULL);
	REQUIRE(s->name, s->name_count < NAMES_MAX);
	struct name *n = &s->names[s->name_count++];
	*n = (struct name){.what = what};
	snprintf(n->text, sizeof n->text, "%s", text);
	return n;
}

static struct name *known(struct script *s, enum what what)
{
	struct name *n = find(s, s->word);
	REQUIRE(test_printf("%s: what is %s", s->name, s->word), n != NULL && n->what == what);
	return n;
}

static struct sou_hash id_of(struct script *s)
{
	struct name *n = find(s, s->word);
	return n != NULL ? n->id : bed_hash(s->word, 99);
}

static struct sou_id site_id(const char *site)
{
	struct sou_hash h = sou_sha256(site, strlen(site));
	return sou_hash_half(&h);
}

static struct sou_id org_of(struct script *s)
{
	return is(s, "org") ? s->bed.org : bed_id(s->word, 7);
}

static uint16_t roles_of(const char *text)
{
	static const char letters[] = "esarvpn";
	uint16_t roles = 0;
	for (; *text != 0; text++) {
		const char *at = strchr(letters, *text);
		REQUIRE(text, at != NULL);
		roles |= (uint16_t)(1u << (at - letters));
	}
	return roles;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_hash));
}

/* The rest of the statement, or up to ')'. */
static uint32_t ids(struct script *s, struct sou_hash *out)
{
	uint32_t n = 0;
	while (next_word(s) && !is(s, ")")) {
		REQUIRE(s->name, n < LIST_MAX);
		out[n++] = id_of(s);
	}
	qsort(out, n, sizeof *out, by_id);
	return n;
}

static void op_named(struct script *s, const char *name, struct sou_hash id)
{
	struct name *n = make(s, name, IS_OP);
	n->id = id;
	n->seq = s->bed.head_seq;
}

static void place(struct script *s, uint16_t type)
{
	need_word(s);
	struct name *key = known(s, IS_KEY);
	struct sou_hash list[LIST_MAX];
	struct sou_pins pin = {s->bed.id, 0, 0};
	struct sou_effect e = {.type = type,
			       .site = key->key.site,
			       .key_id = key->key.key,
			       .pins = &pin,
			       .ids = list};
	const char *before = s->at;
	bool at = next_word(s) && is(s, "at");
	if (!at)
		s->at = before;
	if (at || type != SOU_EFFECT_CUT) {
		pin.count = e.id_count = ids(s, list);
		e.pin_count = 1;
	}
	bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
}

static void narrow(struct script *s)
{
	struct sou_hash list[LIST_MAX];
	struct sou_pins pin = {s->bed.id, 0, 0};
	struct sou_effect e = {.type = SOU_EFFECT_NARROW, .pins = &pin, .ids = list};
	need_word(s);
	e.op = known(s, IS_OP)->id;
	need_word(s);
	e.site = site_id(s->word);
	need_word(s);
	e.roles = roles_of(s->word);
	while (next_word(s)) {
		if (is(s, "for")) {
			need_word(s);
			e.has_for = true;
			e.org = org_of(s);
		} else if (is(s, "rest")) {
			e.rest = 1;
		} else {
			REQUIRE(s->word, is(s, "at"));
			pin.count = e.id_count = ids(s, list);
			e.pin_count = 1;
		}
	}
	bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
}

static void grant(struct script *s)
{
	char name[sizeof s->word];
	struct sou_hash list[LIST_MAX];
	struct sou_pins pin = {s->bed.id, 0, 0};
	struct sou_effect e = {
		.type = SOU_EFFECT_GRANT, .id = s->bed.id, .pins = &pin, .ids = list};
	need_word(s);
	snprintf(name, sizeof name, "%s", s->word);
	need_word(s);
	e.site = site_id(s->word);
	need_word(s);
	e.roles = roles_of(s->word);
	if (next_word(s)) {
		REQUIRE(s->word, is(s, "after"));
		pin.count = e.id_count = ids(s, list);
		e.pin_count = 1;
	}
	op_named(s, name, bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, &e, 1));
}

/* Names the invite; its id here is its key. */
static void invite(struct script *s, const char *name)
{
	struct sou_effect e = {.type = SOU_EFFECT_INVITE,
			       .key = bed_hash("invite", s->bed.made),
			       .org = s->bed.org};
	need_word(s);
	e.roles = roles_of(s->word);
	bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
	op_named(s, name, e.key);
}

static void join(struct script *s, const char *name, struct sou_id site, const struct sou_hash *key)
{
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	struct sou_effect e = {.type = SOU_EFFECT_ENROL,
			       .key_id = sou_key_id(key),
			       .site = site,
			       .key = bed_hash("enrolled", s->bed.made),
			       .tls = bed_hash("tls", s->bed.made),
			       .signature = {signature, sizeof signature}};
	struct name *made = make(s, name, IS_KEY);
	made->id = bed_op(&s->bed, SOU_TIER_HUB, 0, &e, 1);
	made->key = (struct bed_key){.site = e.site,
				     .key = sou_key_id(&e.key),
				     .epoch = sou_hash_half(&made->id),
				     .opening = made->id,
				     .prev = made->id};
}

/* enrol K S ROLES; join K S INVITE */
static void enrol(struct script *s, bool invited)
{
	char name[sizeof s->word];
	need_word(s);
	snprintf(name, sizeof name, "%s", s->word);
	need_word(s);
	struct sou_id site = site_id(s->word);
	if (!invited)
		invite(s, test_printf("invite of %s", name));
	else
		need_word(s);
	struct sou_hash key = find(s, invited ? s->word : test_printf("invite of %s", name))->id;
	join(s, name, site, &key);
}

static void root(struct script *s, bool recover)
{
	need_word(s);
	uint64_t counter = strtoull(s->word, NULL, 10);
	struct sou_hash key = bed_hash("root", 0);
	struct sou_effect e = {.type = SOU_EFFECT_RECOVER};
	if (!recover)
		e = (struct sou_effect){.type = SOU_EFFECT_KEYS,
					.threshold = 1,
					.ids = &key,
					.id_count = 1,
					.key = bed_hash("operational", s->bed.made + 1)};
	bed_op(&s->bed, SOU_TIER_ROOT, counter, &e, 1);
}

static bool authority_statement(struct script *s)
{
	if (is(s, "open")) {
		need_word(s);
		struct name *key = make(s, s->word, IS_KEY);
		need_word(s);
		key->key = bed_open(&s->bed, s->word);
		key->id = key->key.opening;
	} else if (is(s, "enrol")) {
		enrol(s, false);
	} else if (is(s, "join")) {
		enrol(s, true);
	} else if (is(s, "invite")) {
		need_word(s);
		char name[sizeof s->word];
		snprintf(name, sizeof name, "%s", s->word);
		invite(s, name);
	} else if (is(s, "grant")) {
		grant(s);
	} else if (is(s, "narrow")) {
		narrow(s);
	} else if (is(s, "cut")) {
		place(s, SOU_EFFECT_CUT);
	} else if (is(s, "recut")) {
		place(s, SOU_EFFECT_RECUT);
	} else if (is(s, "decide")) {
		place(s, SOU_EFFECT_DECIDE);
	} else if (is(s, "redact")) {
		struct sou_effect e = {.type = SOU_EFFECT_REDACT, .id_count = 1};
		need_word(s);
		struct sou_hash id = id_of(s);
		need_word(s);
		uint16_t index = (uint16_t)strtoul(s->word, NULL, 10);
		e.ids = &id;
		e.indexes = &index;
		bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
	} else if (is(s, "root") || is(s, "recover")) {
		root(s, is(s, "recover"));
	} else if (is(s, "newer")) {
		const struct sou_effect e = {.type = 99};
		bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
	} else if (is(s, "newercut")) {
		need_word(s);
		const struct name *key = known(s, IS_KEY);
		const struct sou_effect e[] = {
			{.type = SOU_EFFECT_CUT, .site = key->key.site, .key_id = key->key.key},
			{.type = 99}};
		bed_op(&s->bed, SOU_TIER_OPERATIONAL, 0, e, 2);
	} else if (is(s, "mark")) {
		need_word(s);
		op_named(s, s->word, s->bed.head);
	} else if (is(s, "back")) {
		need_word(s);
		struct name *op = known(s, IS_OP);
		s->bed.head = op->id;
		s->bed.head_seq = op->seq;
	} else {
		return false;
	}
	return true;
}

static uint64_t in_brackets(struct script *s)
{
	need_word(s);
	uint64_t n = strtoull(s->word, NULL, 10);
	need_word(s);
	REQUIRE(s->word, is(s, ")"));
	return n;
}

static uint16_t record_kind(const struct script *s)
{
	return s->project ? SOU_KIND_SUBMISSION : SOU_KIND_ITEM;
}

static void control(struct entry *e, uint16_t type)
{
	e->facts.kind = type == SOU_OP_EPOCH_OPEN ? SOU_ENTRY_OPENING : SOU_ENTRY_CONTROL;
	e->facts.control = type;
	e->facts.need_count = 0;
}

static bool control_word(struct script *s, struct entry *e)
{
	if (is(s, "adopt(") || is(s, "anchor(")) {
		control(e, is(s, "adopt(") ? SOU_OP_ADOPT : SOU_OP_ANCHOR);
		e->facts.name_count = (uint16_t)ids(s, e->names);
	} else if (is(s, "heartbeat")) {
		control(e, SOU_OP_HEARTBEAT);
	} else if (is(s, "close")) {
		control(e, SOU_OP_CLOSE);
	} else if (is(s, "epoch")) {
		control(e, SOU_OP_EPOCH_OPEN);
	} else {
		return false;
	}
	return true;
}

static void make_header(struct sou_facts *f)
{
	*f = (struct sou_facts){.id = f->id,
				.prev = f->prev,
				.site = f->site,
				.scope = f->scope,
				.epoch = f->epoch,
				.key = f->key,
				.seq = f->seq,
				.hlc = f->hlc,
				.kind = f->kind,
				.clock = f->clock,
				.sig_checked = f->sig_checked};
}

static void entry_word(struct script *s, struct entry *e)
{
	struct sou_facts *f = &e->facts;
	if (is(s, "approve")) {
		e->need.kind = SOU_KIND_APPROVAL;
	} else if (is(s, "none")) {
		f->need_count = 0;
	} else if (is(s, "consent")) {
		e->need = (struct sou_need){SOU_OP_CONSENT, SOU_KIND_CONSENT};
		f->consent_count = 1;
	} else if (is(s, "proxy")) {
		e->need = (struct sou_need){SOU_OP_PROXY, record_kind(s)};
		f->proxy_count = 1;
	} else if (is(s, "cite(")) {
		f->cite_count = (uint16_t)ids(s, e->cites);
	} else if (is(s, "closes(")) {
		f->part = SOU_PART_CLOSES;
		f->part_count = (uint16_t)ids(s, e->parts);
		f->need_count = 0;
	} else if (is(s, "part")) {
		f->part = SOU_PART_IS;
	} else if (is(s, "malformed")) {
		f->body = SOU_BODY_MALFORMED;
	} else if (is(s, "toonew")) {
		f->body = SOU_BODY_TOONEW;
	} else if (is(s, "header")) {
		make_header(f);
	} else if (is(s, "unsigned")) {
		f->sig_checked = false;
	} else if (is(s, "lacks(")) {
		e->lacking = (uint16_t)in_brackets(s);
		f->lacking_count = 1;
	} else if (is(s, "seq(")) {
		f->seq = in_brackets(s);
	} else if (is(s, "hlc(")) {
		f->hlc = in_brackets(s);
	} else if (is(s, "for(")) {
		need_word(s);
		f->for_org = org_of(s);
		need_word(s);
	} else if (is(s, "about(")) {
		need_word(s);
		e->entity = bed_id(s->word, 5);
		need_word(s);
	} else {
		REQUIRE(test_printf("%s: %s", s->name, s->word), control_word(s, e));
	}
}

/* The lists stand in the entry, which does not move any more. */
static void aim(struct entry *e)
{
	e->facts.cites = e->cites;
	e->facts.parts = e->parts;
	e->facts.names = e->names;
	e->facts.needs = &e->need;
	e->facts.proxies = e->facts.consents = &e->entity;
	e->facts.lacking = &e->lacking;
}

static void entry_statement(struct script *s)
{
	struct bed_key who = known(s, IS_KEY)->key;
	need_word(s);
	char name[sizeof s->word];
	snprintf(name, sizeof name, "%s", s->word);
	need_word(s);
	REQUIRE(s->word, is(s, "on"));
	need_word(s);
	const struct name *on = find(s, s->word);
	REQUIRE(test_printf("%s: on what is %s", s->name, s->word),
		on != NULL && on->what != IS_OP);
	struct bed_key at = on->key;
	at.site = who.site;
	at.key = who.key;
	struct entry *e = &s->entries[s->entry_count++];
	e->facts = bed_next(&s->bed, &at);
	e->need = (struct sou_need){SOU_OP_SET, record_kind(s)};
	e->facts.need_count = 1;
	while (next_word(s))
		entry_word(s, e);
	aim(e);
	struct name *n = make(s, name, IS_ENTRY);
	n->id = e->facts.id;
	at.seq = e->facts.seq;
	at.hlc = e->facts.hlc;
	if (e->facts.kind == SOU_ENTRY_OPENING) {
		at.epoch = sou_hash_half(&n->id);
		at.seq = 0;
	}
	n->key = at;
	if (s->eager && history_below(&s->random, 3) != 0) {
		e->put = true;
		bed_put(&s->bed, &e->facts);
		if (history_below(&s->random, 2) == 0)
			bed_settle(&s->bed);
	}
}

static void statements(struct script *s)
{
	while (true) {
		if (next_word(s)) {
			if (!authority_statement(s))
				entry_statement(s);
			else if (s->eager && history_below(&s->random, 2) == 0)
				bed_settle(&s->bed);
			while (isspace((unsigned char)*s->at))
				s->at++;
		}
		if (*s->at == 0)
			return;
		REQUIRE(test_printf("%s: at \"%s\"", s->name, s->at), *s->at == ';');
		s->at++;
	}
}

static void put_all(struct script *s, uint64_t seed)
{
	uint32_t order[NAMES_MAX] = {0};
	for (uint32_t i = 0; i < s->entry_count; i++)
		order[i] = i;
	for (uint32_t i = s->entry_count; seed != 0 && i > 1; i--) {
		uint32_t k = history_below(&s->random, i), swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
	for (uint32_t i = 0; i < s->entry_count; i++) {
		struct sou_facts f = s->entries[order[i]].facts;
		if (s->entries[order[i]].put)
			continue;
		if (seed != 0 && history_below(&s->random, 3) == 0) {
			struct sou_facts header = f;
			make_header(&header);
			header.sig_checked = false;
			bed_put(&s->bed, &header);
			if (history_below(&s->random, 2) == 0)
				bed_settle(&s->bed);
		}
		bed_put(&s->bed, &f);
		if (seed != 0 && history_below(&s->random, 3) == 0)
			bed_settle(&s->bed);
	}
	bed_settle(&s->bed);
}

static void expectations(struct script *s, const char *expect)
{
	s->at = expect;
	while (next_word(s)) {
		const char *label = test_printf("%s: %s", s->name, s->word);
		struct name *n = known(s, IS_ENTRY);
		struct sou_scope_entry e;
		REQUIRE(label, sou_scope_get(s->bed.scope, &n->id, &e) == SOU_OK);
		need_word(s);
		char *end = s->word + strlen(s->word) - 1;
		bool hidden = *end == '-';
		if (hidden)
			*end = 0;
		CHECK_STR(label, sou_verdict_name(e.verdict), s->word);
		CHECK_INT(label, e.shown, ==,
			  !hidden && e.verdict == SOU_ACCEPTED && e.kind == SOU_ENTRY_DATA);
		while (*s->at == ';' || isspace((unsigned char)*s->at))
			s->at++;
	}
}

void script_check(const char *name, const char *script, const char *expect, bool project,
		  uint64_t seed)
{
	struct script *s = test_alloc(sizeof *s);
	*s = (struct script){.eager = seed % 2 != 0,
			     .random = {seed},
			     .name = test_printf("%s (seed %llu)", name, (unsigned long long)seed),
			     .at = script};
	s->project = project;
	bed_init(&s->bed, project);
	statements(s);
	put_all(s, seed);
	expectations(s, expect);
	bed_fini(&s->bed);
}
