/* history.c - builds authority ops and facts of entries from the numbers of one history. */
#include "tests/proto/history.h"

#include <zstd.h>

#include "proto/crypto.h"
#include "proto/name.h"
#include "tests/lib/check.h"
#include "tests/lib/vector.h"

struct block {
	struct block *next;
	max_align_t bytes[];
};

struct history_file {
	char *text;
	size_t n, at;
};

void *history_alloc(struct history *h, size_t n)
{
	struct block *b = calloc(1, sizeof *b + n);
	REQUIRE("memory", b != NULL);
	b->next = h->blocks;
	h->blocks = b;
	return b->bytes;
}

struct history_file *history_open(const char *path)
{
	struct test_bytes packed = test_read(path);
	unsigned long long n = ZSTD_getFrameContentSize(packed.b, packed.n);
	REQUIRE(path, n != ZSTD_CONTENTSIZE_ERROR && n != ZSTD_CONTENTSIZE_UNKNOWN);
	struct history_file *file = test_alloc(sizeof *file);
	file->text = test_alloc(n);
	file->n = ZSTD_decompress(file->text, n, packed.b, packed.n);
	file->at = 0;
	REQUIRE(path, file->n == n);
	return file;
}

static struct sou_hash name_of(const char *what, uint32_t number)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%s %u", what, number);
	return sou_sha256(text, (size_t)n);
}

static struct sou_id id_of(const char *what, uint32_t number)
{
	struct sou_hash h = name_of(what, number);
	return sou_hash_half(&h);
}

struct sou_hash history_entry_id(uint32_t entry)
{
	struct sou_hash id = name_of("entry", entry);
	id.b[0] = (uint8_t)(entry >> 24);
	id.b[1] = (uint8_t)(entry >> 16);
	id.b[2] = (uint8_t)(entry >> 8);
	id.b[3] = (uint8_t)entry;
	return id;
}

struct sou_id history_entity_id(uint32_t entity)
{
	return id_of("entity", entity);
}

static uint32_t number(const json_t *array, size_t i)
{
	json_t *value = json_array_get(array, i);
	REQUIRE("number", json_is_integer(value));
	return (uint32_t)json_integer_value(value);
}

static struct sou_hash *entry_ids(struct history *h, const json_t *list, uint32_t *count)
{
	*count = (uint32_t)json_array_size(list);
	struct sou_hash *ids = history_alloc(h, *count * sizeof *ids);
	for (uint32_t i = 0; i < *count; i++)
		ids[i] = history_entry_id(number(list, i));
	return ids;
}

static struct sou_hash op_id(int64_t op)
{
	return op < 0 ? name_of("prelude", 1) : name_of("op", (uint32_t)op);
}

static struct sou_id key_id(uint32_t key)
{
	struct sou_hash public_key = name_of("key", key);
	return sou_key_id(&public_key);
}

static void one_pin(struct history *h, struct sou_effect *e, uint32_t scope, const json_t *ids)
{
	struct sou_pins *pin = history_alloc(h, sizeof *pin);
	e->ids = entry_ids(h, ids, &e->id_count);
	*pin = (struct sou_pins){h->scopes[scope], 0, e->id_count};
	e->pins = pin;
	e->pin_count = 1;
}

static void cut(struct history *h, struct sou_effect *e, const json_t *pairs)
{
	struct sou_pins *pins = history_alloc(h, json_array_size(pairs) * sizeof *pins);
	size_t total = 0;
	for (size_t i = 0; i < json_array_size(pairs); i++)
		total += json_array_size(json_array_get(json_array_get(pairs, i), 1));
	struct sou_hash *ids = history_alloc(h, total * sizeof *ids);
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);
		uint32_t count;
		const struct sou_hash *own = entry_ids(h, json_array_get(pair, 1), &count);
		pins[i] = (struct sou_pins){h->scopes[number(pair, 0)], e->id_count, count};
		memcpy(ids + e->id_count, own, count * sizeof *ids);
		e->id_count += count;
	}
	e->pins = pins;
	e->pin_count = (uint32_t)json_array_size(pairs);
	e->ids = ids;
}

/* A site that no op on this path opened before is new, and gets an organisation. */
static bool site_known(const struct history *h, uint32_t op, const struct sou_id *site)
{
	for (;;) {
		const json_t *row = json_array_get(json_object_get(h->json, "ops"), op);
		int64_t prev = json_integer_value(json_array_get(row, 0));
		if (prev < 0)
			return false;
		op = (uint32_t)prev;
		const struct sou_authop *o = &h->ops[HISTORY_PRELUDE + op];
		for (uint32_t i = 0; i < o->effect_count; i++)
			if (o->effects[i].type == SOU_EFFECT_OPEN &&
			    sou_id_eq(&o->effects[i].site, site))
				return true;
	}
}

static void open_key(struct history *h, struct sou_effect *e, uint32_t op, const json_t *x,
		     bool hub)
{
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	e->type = hub ? SOU_EFFECT_ENROL : SOU_EFFECT_OPEN;
	e->site = id_of("site", number(x, 1));
	e->key = name_of("key", number(x, 2));
	e->tls = name_of("tls", number(x, 2));
	if (hub) {
		struct sou_hash invite = name_of("invite", op);
		e->key_id = sou_key_id(&invite);
		e->signature = (struct sou_span){signature, sizeof signature};
	} else if (!site_known(h, op, &e->site)) {
		e->has_org = true;
		e->org = h->orgs[0];
	}
}

static void effect(struct history *h, struct sou_effect *e, uint32_t op, const json_t *x, bool hub)
{
	const char *type = json_string_value(json_array_get(x, 0));
	*e = (struct sou_effect){.type = 0};
	if (strcmp(type, "open") == 0) {
		open_key(h, e, op, x, hub);
	} else if (strcmp(type, "grant") == 0) {
		e->type = SOU_EFFECT_GRANT;
		e->site = id_of("site", number(x, 1));
		e->id = h->scopes[number(x, 2)];
		e->roles = (uint16_t)number(x, 3);
		if (!json_is_null(json_array_get(x, 4))) {
			json_t *one = json_pack("[O]", json_array_get(x, 4));
			one_pin(h, e, number(x, 2), one);
			json_decref(one);
		}
	} else if (strcmp(type, "narrow") == 0) {
		e->type = SOU_EFFECT_NARROW;
		e->op = op_id(number(x, 1));
		e->site = id_of("site", number(x, 2));
		e->roles = (uint16_t)number(x, 4);
		e->rest = 1;
		one_pin(h, e, number(x, 3), json_array_get(x, 5));
	} else if (strcmp(type, "redact") == 0) {
		e->type = SOU_EFFECT_REDACT;
		struct sou_hash *id = history_alloc(h, sizeof *id);
		uint16_t *index = history_alloc(h, sizeof *index);
		*id = history_entry_id(number(x, 1));
		*index = (uint16_t)number(x, 2);
		e->ids = id;
		e->indexes = index;
		e->id_count = 1;
	} else if (strcmp(type, "keys") == 0) {
		struct sou_hash *root = history_alloc(h, sizeof *root);
		*root = name_of("root", 0);
		*e = (struct sou_effect){.type = SOU_EFFECT_KEYS,
					 .threshold = 1,
					 .ids = root,
					 .id_count = 1,
					 .key = name_of("operational", op + 1)};
	} else if (strcmp(type, "recover") == 0) {
		e->type = SOU_EFFECT_RECOVER;
	} else {
		e->type = strcmp(type, "cut") == 0     ? SOU_EFFECT_CUT
			  : strcmp(type, "recut") == 0 ? SOU_EFFECT_RECUT
						       : SOU_EFFECT_DECIDE;
		e->site = id_of("site", number(x, 1));
		e->key_id = key_id(number(x, 2));
		if (e->type == SOU_EFFECT_CUT)
			cut(h, e, json_array_get(x, 3));
		else
			one_pin(h, e, number(x, 3), json_array_get(x, 4));
	}
}

static void prelude(struct history *h, const json_t *ops)
{
	struct sou_hash *root = history_alloc(h, sizeof *root);
	*root = name_of("root", 0);
	struct sou_effect *e = history_alloc(h, 4 * sizeof *e);
	e[0] = (struct sou_effect){.type = SOU_EFFECT_KEYS,
				   .threshold = 1,
				   .ids = root,
				   .id_count = 1,
				   .key = name_of("operational", 0)};
	e[1] = (struct sou_effect){.type = SOU_EFFECT_ORG, .number = 1};
	e[2] = (struct sou_effect){.type = SOU_EFFECT_OPEN,
				   .has_org = true,
				   .site = id_of("hub", 0),
				   .key = name_of("hub key", 0),
				   .tls = name_of("hub tls", 0)};
	e[3] = (struct sou_effect){.type = SOU_EFFECT_HUB,
				   .key = name_of("checkpoint", 0),
				   .tls = name_of("hub tls", 0)};
	h->ops[0] = (struct sou_authop){.id = name_of("prelude", 0),
					.net = id_of("net", 0),
					.tier = SOU_TIER_GENESIS,
					.effects = e,
					.effect_count = 4};

	e = history_alloc(h, (h->scope_count + h->op_count) * sizeof *e);
	h->ops[1] = (struct sou_authop){.id = name_of("prelude", 1),
					.prev = h->ops[0].id,
					.net = h->ops[0].net,
					.seq = 1,
					.tier = SOU_TIER_OPERATIONAL,
					.effects = e};
	for (uint32_t i = 0; i < h->scope_count; i++) {
		*e++ = (struct sou_effect){.type = SOU_EFFECT_ORG,
					   .number = 4,
					   .has_org = true,
					   .org = sou_entity_org(&h->ops[0].id, 1)};
		h->orgs[i] = sou_entity_org(&h->ops[1].id, i);
		h->scopes[i] = sou_scope_id(SOU_SCOPE_ORG, &h->orgs[i]);
	}
	for (uint32_t i = 0; i < h->op_count; i++)
		if (number(json_array_get(ops, i), 1) == SOU_TIER_HUB)
			*e++ = (struct sou_effect){.type = SOU_EFFECT_INVITE,
						   .key = name_of("invite", i),
						   .org = h->orgs[0]};
	h->ops[1].effect_count = (uint32_t)(e - h->ops[1].effects);
}

static void read_ops(struct history *h, const json_t *ops)
{
	h->ops = history_alloc(h, (HISTORY_PRELUDE + h->op_count) * sizeof *h->ops);
	prelude(h, ops);
	for (uint32_t i = 0; i < h->op_count; i++) {
		const json_t *row = json_array_get(ops, i), *effects = json_array_get(row, 3);
		int64_t prev = json_integer_value(json_array_get(row, 0));
		struct sou_authop *o = &h->ops[HISTORY_PRELUDE + i];
		*o = (struct sou_authop){.id = op_id(i),
					 .prev = op_id(prev),
					 .net = h->ops[0].net,
					 .seq = h->ops[prev + HISTORY_PRELUDE].seq + 1,
					 .tier = (uint8_t)number(row, 1),
					 .counter = number(row, 2),
					 .effect_count = (uint32_t)json_array_size(effects)};
		o->effects = history_alloc(h, o->effect_count * sizeof *o->effects);
		for (uint32_t k = 0; k < o->effect_count; k++)
			effect(h, &o->effects[k], i, json_array_get(effects, k),
			       o->tier == SOU_TIER_HUB);
	}
}

static struct sou_hash link_id(const json_t *row, size_t i)
{
	int64_t n = json_integer_value(json_array_get(row, i));
	return n < 0 ? op_id(-1 - n) : history_entry_id((uint32_t)n);
}

static void read_writes(struct history *h, struct sou_facts *f, const json_t *ops)
{
	size_t n = json_array_size(ops);
	struct sou_need *needs = history_alloc(h, n * sizeof *needs);
	struct sou_id *proxies = history_alloc(h, n * sizeof *proxies),
		      *consents = history_alloc(h, n * sizeof *consents);
	for (size_t i = 0; i < n; i++) {
		const json_t *op = json_array_get(ops, i);
		struct sou_need need = {(uint16_t)number(op, 0), (uint16_t)number(op, 1)};
		uint16_t at = f->need_count;
		while (at > 0 &&
		       (needs[at - 1].type > need.type ||
			(needs[at - 1].type == need.type && needs[at - 1].kind > need.kind)))
			at--;
		if (at == 0 || needs[at - 1].type != need.type || needs[at - 1].kind != need.kind) {
			memmove(needs + at + 1, needs + at, (f->need_count - at) * sizeof *needs);
			needs[at] = need;
			f->need_count++;
		}
		if (need.type == 5)
			proxies[f->proxy_count++] = history_entity_id(number(op, 2));
		if (need.type == 4)
			consents[f->consent_count++] = history_entity_id(number(op, 2));
	}
	f->needs = needs;
	f->proxies = proxies;
	f->consents = consents;
}

static void read_entry(struct history *h, uint32_t i, const json_t *row)
{
	static const uint8_t bodies[] = {SOU_BODY_OK, SOU_BODY_MALFORMED, SOU_BODY_TOONEW};
	struct sou_hash epoch = link_id(row, 3);
	struct sou_facts *f = &h->entries[i];
	uint32_t n;
	*f = (struct sou_facts){.id = history_entry_id(i),
				.prev = link_id(row, 5),
				.scope = h->scopes[number(row, 0)],
				.site = id_of("site", number(row, 1)),
				.key = key_id(number(row, 2)),
				.epoch = sou_hash_half(&epoch),
				.for_org = h->orgs[number(row, 0)],
				.seq = number(row, 4),
				.hlc = number(row, 6),
				.clock = (uint8_t)number(row, 7),
				.kind = (uint8_t)number(row, 8),
				.body = bodies[number(row, 9)],
				.control = (uint16_t)number(row, 11),
				.sig_checked = true};
	read_writes(h, f, json_array_get(row, 10));
	f->names = entry_ids(h, json_array_get(row, 12), &n);
	f->name_count = (uint16_t)n;
	f->cites = entry_ids(h, json_array_get(row, 13), &n);
	f->cite_count = (uint16_t)n;
	f->parts = entry_ids(h, json_array_get(row, 15), &n);
	f->part_count = (uint16_t)n;
	f->part = n > 0 ? SOU_PART_CLOSES : number(row, 14) ? SOU_PART_IS : SOU_PART_NONE;
}

bool history_next(struct history_file *file, struct history *out)
{
	if (file->at >= file->n)
		return false;
	const char *line = file->text + file->at, *end = memchr(line, '\n', file->n - file->at);
	REQUIRE("histories", end != NULL);
	file->at += (size_t)(end - line) + 1;
	json_error_t error;
	*out = (struct history){.json = json_loadb(line, (size_t)(end - line), 0, &error)};
	REQUIRE(error.text, out->json != NULL);

	const json_t *ops = vector_get(out->json, "ops"),
		     *entries = vector_get(out->json, "entries");
	out->name = vector_str(out->json, "name");
	out->op_count = (uint32_t)json_array_size(ops);
	out->entry_count = (uint32_t)json_array_size(entries);
	out->scope_count = (uint32_t)vector_int(out->json, "scopes");
	out->deliveries = vector_get(out->json, "deliveries");
	REQUIRE(out->name, out->scope_count <= 4);
	read_ops(out, ops);
	out->entries = history_alloc(out, out->entry_count * sizeof *out->entries);
	for (uint32_t i = 0; i < out->entry_count; i++)
		read_entry(out, i, json_array_get(entries, i));
	return true;
}

void history_fini(struct history *h)
{
	while (h->blocks != NULL) {
		struct block *next = h->blocks->next;
		free(h->blocks);
		h->blocks = next;
	}
	json_decref(h->json);
	h->json = NULL;
}

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

const struct sou_verifier *history_trusting(void)
{
	return &trusting;
}

struct sou_authority *history_authority(const struct history *h)
{
	struct sou_authority *a = NULL;
	const struct sou_span none = {NULL, 0};
	REQUIRE(h->name, sou_authority_new(&a, &h->ops[0].id) == SOU_OK);
	sou_authority_verifier(a, &trusting);
	for (uint32_t i = 0; i < HISTORY_PRELUDE; i++)
		CHECK_INT(h->name, sou_authority_add_checked(a, &h->ops[i], none, none), ==,
			  SOU_OK);
	return a;
}

bool history_have(const struct history *h, const json_t *delivery, uint32_t i,
		  struct sou_facts *out)
{
	static const uint16_t *none;
	char c = json_string_value(json_object_get(delivery, "have"))[i];
	if (c == '.')
		return false;
	*out = h->entries[i];
	out->sig_checked = c == 'B' || c == 'H';
	out->lacking = none;
	if (c == 'h' || c == 'H') {
		struct sou_facts header = {.id = out->id,
					   .prev = out->prev,
					   .site = out->site,
					   .scope = out->scope,
					   .epoch = out->epoch,
					   .key = out->key,
					   .seq = out->seq,
					   .hlc = out->hlc,
					   .kind = out->kind,
					   .clock = out->clock,
					   .sig_checked = out->sig_checked};
		*out = header;
		return true;
	}
	const json_t *lacking = json_object_get(delivery, "lacking");
	for (size_t k = 0; k < json_array_size(lacking); k++) {
		const json_t *row = json_array_get(lacking, k), *list = json_array_get(row, 1);
		if (number(row, 0) != i)
			continue;
		uint16_t *indexes =
			history_alloc((struct history *)h, json_array_size(list) * sizeof *indexes);
		for (size_t n = 0; n < json_array_size(list); n++)
			indexes[n] = (uint16_t)number(list, n);
		out->lacking = indexes;
		out->lacking_count = (uint16_t)json_array_size(list);
	}
	return true;
}

uint32_t history_below(struct history_random *r, uint32_t bound)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) % bound);
}
