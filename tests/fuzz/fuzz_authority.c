/* fuzz_authority - ops of all tiers on whatever op, well signed or not: the admissible set and all
 * that is asked of it do not depend on the order in which they came, nor on how often it was
 * settled in between; and what was refused for its signatures is refused in every order (R7, P8.3 -
 * P8.12). */
#include <stdlib.h>
#include <string.h>

#include "proto/authority.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/bed.h"

#define OPS_MAX  48u
#define ORGS_MAX 16u
#define POOL     4u /* keys of a kind */
#define SCOPES   3u
#define EFFECTS  3u
#define SIGS     12u

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

struct made {
	struct sou_buf bytes, sigs;
	struct sou_hash id;
	uint32_t prev;
	uint64_t seq;
	int rc; /* of adding it where prev was known */
};

struct world {
	struct sou_authority *authority; /* in order of making */
	struct made ops[OPS_MAX];
	uint32_t count;
	struct sou_id net, orgs[ORGS_MAX];
	uint32_t org_count;
	uint64_t counter, drawn;
	/* what effects point at */
	struct sou_hash ids[2], roots[POOL];
	struct sou_pins pins[2];
	uint16_t indexes[2];
};

static int any_is_good(void *ctx, const struct sou_hash *public_key, const uint8_t *message,
		       size_t n, const uint8_t signature[64])
{
	(void)ctx;
	(void)public_key;
	(void)message;
	(void)n;
	return signature[0] == 0xbd ? SOU_ESIG : SOU_OK;
}

static const struct sou_verifier trusting = {any_is_good, NULL};

static struct sou_authority *new_authority(void)
{
	struct sou_authority *a;
	int rc = sou_authority_new(&a, NULL);
	SOU_ASSERT(rc == SOU_OK);
	sou_authority_verifier(a, &trusting);
	return a;
}

static struct sou_hash key_of(const char *kind, uint32_t n)
{
	return bed_hash(kind, n % POOL);
}

static struct sou_id site_of(uint8_t n)
{
	return bed_id("site", n % 5);
}

static struct sou_id scope_of(const struct world *w, uint8_t n)
{
	if (n % SCOPES == 0)
		return sou_scope_id(SOU_SCOPE_PLAN, NULL);
	return n % SCOPES == 1 ? sou_scope_id(SOU_SCOPE_ORG, &w->orgs[n / SCOPES % w->org_count])
			       : bed_id("project", n / SCOPES % 2);
}

static struct sou_id key_id(const char *kind, uint32_t n)
{
	struct sou_hash key = key_of(kind, n);
	return sou_key_id(&key);
}

/* --- effects --- */

static int by_bytes(const void *a, const void *b)
{
	return sou_hash_cmp(a, b);
}

/* Those whose bits are set, ascending; how many. */
static uint32_t roots(struct world *w, uint8_t mask)
{
	uint32_t count = 0;
	for (uint32_t k = 0; k < POOL; k++)
		if ((mask >> k & 1) != 0)
			w->roots[count++] = key_of("root", k);
	qsort(w->roots, count, sizeof *w->roots, by_bytes);
	return count;
}

static struct sou_span text(uint8_t n)
{
	static const char *const texts[] = {"a", "b", "hq", "名 例", ""};
	const char *s = texts[n % 5];
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

/* Two entries in one or two scopes. */
static void pin(struct world *w, struct input *in, struct sou_effect *e, uint32_t most)
{
	uint32_t count = byte(in) % (most + 1);
	struct sou_id a = scope_of(w, byte(in)), b = scope_of(w, byte(in));
	uint8_t first = byte(in) % 4;
	w->ids[0] = bed_hash("entry", first);
	w->ids[1] = bed_hash("entry", first + 1u);
	if (count == 2 && sou_id_cmp(&a, &b) > 0) {
		struct sou_id swap = a;
		a = b;
		b = swap;
	}
	w->pins[0] = (struct sou_pins){a, 0, 1};
	w->pins[1] = (struct sou_pins){b, 1, 1};
	e->pins = w->pins;
	e->pin_count = count;
	e->ids = w->ids;
	e->id_count = count;
}

static void of_keys(struct world *w, struct input *in, struct sou_effect *e)
{
	switch (e->type) {
	case SOU_EFFECT_KEYS:
		e->id_count = roots(w, byte(in));
		e->ids = w->roots;
		e->threshold = byte(in) % 4;
		e->key = key_of("operational", byte(in));
		break;
	case SOU_EFFECT_HUB:
		e->key = key_of("hub", byte(in));
		e->tls = bed_hash("tls", byte(in) % 4);
		break;
	case SOU_EFFECT_ENROL:
		e->id = key_id("invite", byte(in));
		e->site = site_of(byte(in));
		e->key = key_of("enrolled", byte(in));
		e->tls = bed_hash("tls", byte(in) % 8);
		e->key_id = key_id("invite", byte(in));
		break;
	case SOU_EFFECT_INVITE:
		e->key = key_of("invite", byte(in));
		e->org = w->orgs[byte(in) % w->org_count];
		e->roles = byte(in);
		e->number = byte(in);
		break;
	case SOU_EFFECT_INVITE_END:
		e->key_id = key_id("invite", byte(in));
		e->id = e->key_id;
		break;
	default:
		break;
	}
}

static void of_orgs(struct world *w, struct input *in, struct sou_effect *e)
{
	e->org = w->orgs[byte(in) % w->org_count];
	e->has_org = true;
	e->id = w->orgs[byte(in) % w->org_count];
	e->number = byte(in) % 5;
	e->handle = text(byte(in));
	e->name = e->short_name = e->code = text(byte(in));
	if (e->type == SOU_EFFECT_ORG && byte(in) % 4 == 0) {
		e->has_org = false;
		e->parent_is_index = true;
		e->index = byte(in) % EFFECTS;
	}
}

static void of_rights(struct world *w, struct input *in, struct sou_effect *e)
{
	e->site = site_of(byte(in));
	e->key_id = key_id(byte(in) % 2 ? "site" : "enrolled", byte(in));
	e->roles = byte(in);
	e->scope = scope_of(w, byte(in));
	e->op = w->ops[byte(in) % w->count].id;
	switch (e->type) {
	case SOU_EFFECT_OPEN:
		e->key = key_of("site", byte(in));
		e->tls = bed_hash("tls", byte(in) % 8);
		e->has_org = byte(in) % 2;
		e->org = w->orgs[byte(in) % w->org_count];
		e->name = text(byte(in));
		break;
	case SOU_EFFECT_GRANT:
		e->reach = byte(in) % 4;
		e->id = e->reach == SOU_REACH_SCOPE ? e->scope : w->orgs[byte(in) % w->org_count];
		pin(w, in, e, 2);
		break;
	case SOU_EFFECT_RECUT:
	case SOU_EFFECT_DECIDE:
		pin(w, in, e, 1);
		e->pin_count = e->id_count = 1;
		break;
	case SOU_EFFECT_REDACT:
		pin(w, in, e, 2);
		e->pin_count = 0;
		if (sou_hash_cmp(&w->ids[0], &w->ids[1]) > 0) {
			struct sou_hash swap = w->ids[0];
			w->ids[0] = w->ids[1];
			w->ids[1] = swap;
		}
		w->indexes[0] = byte(in) % 3;
		w->indexes[1] = byte(in) % 3;
		e->indexes = w->indexes;
		e->number = 1 + byte(in) % 3;
		break;
	default: /* narrow and cut */
		e->rest = byte(in) % 2;
		e->has_for = byte(in) % 2;
		e->org = w->orgs[byte(in) % w->org_count];
		pin(w, in, e, 2);
		break;
	}
}

static struct sou_effect effect(struct world *w, struct input *in)
{
	struct sou_effect e = {.type = (uint16_t)(1 + byte(in) % SOU_EFFECT_HUB)};
	if (e.type == SOU_EFFECT_RECOVER)
		return e;
	if (e.type >= SOU_EFFECT_ORG && e.type <= SOU_EFFECT_ORG_CLOSE)
		of_orgs(w, in, &e);
	else if (e.type >= SOU_EFFECT_OPEN && e.type <= SOU_EFFECT_REDACT)
		of_rights(w, in, &e);
	else
		of_keys(w, in, &e);
	return e;
}

/* --- ops --- */

static void signatures(struct sou_buf *out, const char *kind, uint32_t mask, uint8_t bad)
{
	struct sou_authsig list[SIGS];
	uint32_t count = 0;
	for (uint32_t k = 0; k < POOL; k++) {
		if ((mask >> k & 1) == 0)
			continue;
		memset(&list[count], bad, sizeof list[count]);
		list[count++].key_id = key_id(kind, k);
	}
	sou_buf_clear(out);
	int rc = sou_authsigs_pack(out, list, count);
	SOU_ASSERT(rc == SOU_OK);
}

/* Whoever must sign is found by trying; a few are signed by somebody. */
static int add_signed(struct world *w, struct made *m, enum sou_tier tier, struct input *in)
{
	const char *kind = tier == SOU_TIER_HUB    ? "hub"
			   : tier == SOU_TIER_ROOT ? "root"
						   : "operational";
	struct sou_span op = sou_buf_span(&m->bytes);
	uint8_t odd = byte(in);
	if (odd >= 240) {
		signatures(&m->sigs, kind, odd, odd >= 250 ? 0xbd : 0);
		return sou_authority_add(w->authority, op, sou_buf_span(&m->sigs));
	}
	int rc = SOU_ESIG;
	for (uint32_t mask = 1; mask < 1u << POOL && rc == SOU_ESIG; mask++) {
		signatures(&m->sigs, kind, mask, 0);
		rc = sou_authority_add(w->authority, op, sou_buf_span(&m->sigs));
	}
	return rc;
}

static void drop(struct made *m)
{
	sou_buf_fini(&m->bytes);
	sou_buf_fini(&m->sigs);
}

static void op(struct world *w, struct input *in)
{
	struct sou_effect effects[EFFECTS];
	uint8_t where = byte(in), what = byte(in);
	uint32_t prev = where < 160 ? w->count - 1 : where % w->count;
	while (w->ops[prev].rc != SOU_OK)
		prev--;
	enum sou_tier tier = what < 170   ? SOU_TIER_OPERATIONAL
			     : what < 220 ? SOU_TIER_ROOT
					  : SOU_TIER_HUB;
	struct made m = {.prev = prev, .seq = w->ops[prev].seq + 1};
	struct sou_authop o = {.net = w->net,
			       .prev = w->ops[prev].id,
			       .seq = m.seq,
			       .tier = (uint8_t)tier,
			       .effects = effects};
	if (tier == SOU_TIER_ROOT)
		o.counter = what % 4 == 0 ? byte(in) % 8 : ++w->counter;
	/* One that points at lists: they are the world's, one for each op. */
	effects[o.effect_count++] = effect(w, in);
	if (what % 8 == 0 && effects[0].pin_count == 0 && effects[0].id_count == 0)
		effects[o.effect_count++] = effect(w, in);
	if (sou_authop_pack(&o, &m.bytes) != SOU_OK) {
		drop(&m);
		return;
	}
	m.id = o.id;
	m.rc = add_signed(w, &m, tier, in);
	SOU_ASSERT(m.rc != SOU_EUNKNOWN && m.rc != SOU_ENOMEM);
	for (uint32_t i = 0; i < o.effect_count && m.rc == SOU_OK; i++)
		if (effects[i].type == SOU_EFFECT_ORG && w->org_count < ORGS_MAX)
			w->orgs[w->org_count++] = sou_entity_org(&m.id, i);
	if (m.rc == SOU_EEXIST || w->count == OPS_MAX || (m.rc != SOU_OK && w->count < 3))
		drop(&m);
	else
		w->ops[w->count++] = m;
	SOU_ASSERT(w->count > 0);
}

static void genesis(struct world *w, uint8_t odd)
{
	struct sou_effect e[] = {
		{.type = SOU_EFFECT_KEYS, .threshold = 1 + odd / 4 % 2, .ids = w->roots},
		{.type = SOU_EFFECT_ORG, .number = 1, .handle = text(2), .name = text(3)},
		{.type = SOU_EFFECT_OPEN, .has_org = true, .site = site_of(0)},
		{.type = SOU_EFFECT_HUB, .tls = bed_hash("tls", 0)},
		{.type = SOU_EFFECT_GRANT, .reach = SOU_REACH_ALL, .roles = SOU_ROLE_ANCHOR},
	};
	uint32_t mask = 3u << odd % 3;
	e[0].id_count = roots(w, (uint8_t)mask);
	e[0].key = key_of("operational", 0);
	e[2].key = key_of("site", 0);
	e[2].tls = bed_hash("tls", 0);
	e[3].key = key_of("hub", 0);
	e[4].site = site_of(0);
	struct made *m = &w->ops[0];
	struct sou_authop o = {
		.net = w->net, .tier = SOU_TIER_GENESIS, .effects = e, .effect_count = 5};
	int rc = sou_authop_pack(&o, &m->bytes);
	SOU_ASSERT(rc == SOU_OK);
	struct sou_authsig list[SIGS];
	uint32_t count = 0;
	memset(list, 0, sizeof list);
	for (uint32_t i = 0; i < e[0].id_count; i++)
		list[count++].key_id = sou_key_id(&w->roots[i]);
	list[count++].key_id = key_id("operational", 0);
	list[count++].key_id = key_id("site", 0);
	list[count++].key_id = key_id("hub", 0);
	rc = sou_authsigs_pack(&m->sigs, list, count);
	SOU_ASSERT(rc == SOU_OK);
	rc = sou_authority_add(w->authority, sou_buf_span(&m->bytes), sou_buf_span(&m->sigs));
	SOU_ASSERT(rc == SOU_OK);
	m->id = o.id;
	w->count = 1;
	w->orgs[w->org_count++] = sou_entity_org(&m->id, 1);
}

/* --- the same in another order --- */

static void settle(struct sou_authority *a)
{
	int rc = sou_authority_settle(a);
	SOU_ASSERT(rc == SOU_OK);
}

static struct sou_authority *again(const struct world *w, struct input *in)
{
	struct sou_authority *a = new_authority();
	bool came[OPS_MAX] = {false}, known[OPS_MAX] = {false};
	for (uint32_t left = w->count; left > 0;) {
		uint32_t k = byte(in) % w->count;
		while (came[k] || (k > 0 && !known[w->ops[k].prev]))
			k = (k + 1) % w->count;
		const struct made *m = &w->ops[k];
		int rc = sou_authority_add(a, sou_buf_span(&m->bytes), sou_buf_span(&m->sigs));
		SOU_ASSERT(rc == m->rc || (rc == SOU_EEXIST && m->rc != SOU_OK));
		came[k] = true;
		known[k] = rc == SOU_OK;
		left--;
		if (byte(in) % 4 == 1)
			settle(a);
	}
	settle(a);
	return a;
}

static void same_lines(const struct sou_authority *a, const struct sou_authority *b)
{
	SOU_ASSERT(sou_authority_line_count(a) == sou_authority_line_count(b));
	for (size_t i = 0; i < sou_authority_line_count(a); i++) {
		const struct sou_line *x = sou_authority_line_at(a, i),
				      *y = sou_authority_line(b, &x->opening);
		SOU_ASSERT(y != NULL && sou_id_eq(&x->site, &y->site) &&
			   sou_id_eq(&x->key_id, &y->key_id) && sou_id_eq(&x->org, &y->org) &&
			   x->place == y->place && sou_hash_eq(&x->tls, &y->tls));
		const struct sou_line *p = sou_authority_by_tls(a, &x->tls),
				      *q = sou_authority_by_tls(b, &x->tls);
		SOU_ASSERT((p == NULL) == (q == NULL) &&
			   (p == NULL || sou_hash_eq(&p->opening, &q->opening)));
		SOU_ASSERT(sou_authority_key_withdrawn(a, &x->site, &x->key_id) ==
			   sou_authority_key_withdrawn(b, &x->site, &x->key_id));
	}
	SOU_ASSERT(sou_authority_org_count(a) == sou_authority_org_count(b));
	for (size_t i = 0; i < sou_authority_org_count(a); i++) {
		const struct sou_org *x = sou_authority_org_at(a, i),
				     *y = sou_authority_org_at(b, i);
		SOU_ASSERT(sou_id_eq(&x->id, &y->id) && sou_id_eq(&x->parent, &y->parent) &&
			   x->closed == y->closed && x->kind == y->kind);
	}
}

static void same_rights(const struct world *w, const struct sou_authority *a,
			const struct sou_authority *b)
{
	for (uint8_t s = 0; s < 5; s++) {
		struct sou_id site = site_of(s), key = key_id("site", s);
		for (uint8_t n = 0; n < 6; n++) {
			struct sou_id scope = scope_of(w, n);
			const struct sou_id *org = &w->orgs[n % w->org_count];
			SOU_ASSERT(sou_authority_ever(a, &site, &scope) ==
				   sou_authority_ever(b, &site, &scope));
			SOU_ASSERT(sou_authority_roles(a, &site, &scope, org) ==
				   sou_authority_roles(b, &site, &scope, org));
			SOU_ASSERT(sou_authority_may_read(a, &site, &key, &scope, org, 1) ==
				   sou_authority_may_read(b, &site, &key, &scope, org, 1));
		}
	}
	for (uint32_t n = 0; n < 5; n++)
		for (uint16_t i = 0; i < 3; i++) {
			struct sou_hash entry = bed_hash("entry", n);
			SOU_ASSERT(sou_authority_redacted(a, &entry, i) ==
				   sou_authority_redacted(b, &entry, i));
		}
	for (uint32_t n = 0; n < POOL; n++) {
		const struct sou_effect *x, *y;
		struct sou_id invite = key_id("invite", n);
		SOU_ASSERT(sou_authority_invite(a, &invite, &x) ==
			   sou_authority_invite(b, &invite, &y));
	}
}

static void same(const struct world *w, const struct sou_authority *a,
		 const struct sou_authority *b)
{
	struct sou_hash x = sou_authority_hash(a), y = sou_authority_hash(b);
	SOU_ASSERT(sou_hash_eq(&x, &y));
	x = sou_authority_mark(a), y = sou_authority_mark(b);
	SOU_ASSERT(sou_hash_eq(&x, &y));
	x = sou_authority_head(a), y = sou_authority_head(b);
	SOU_ASSERT(sou_hash_eq(&x, &y));
	SOU_ASSERT(sou_authority_forked(a) == sou_authority_forked(b));
	SOU_ASSERT(sou_authority_too_new(a) == sou_authority_too_new(b));
	SOU_ASSERT(sou_authority_op_count(a) == sou_authority_op_count(b));
	for (uint32_t i = 0; i < w->count; i++) {
		const struct sou_hash *id = &w->ops[i].id;
		SOU_ASSERT(sou_authority_knows(a, id) == sou_authority_knows(b, id));
		SOU_ASSERT(sou_authority_admissible(a, id) == sou_authority_admissible(b, id));
		SOU_ASSERT(sou_authority_effective(a, id) == sou_authority_effective(b, id));
	}
	struct sou_hash some[OPS_MAX], others[OPS_MAX];
	size_t n = sou_authority_leaves(a, some, OPS_MAX);
	SOU_ASSERT(n == sou_authority_leaves(b, others, OPS_MAX));
	SOU_ASSERT(memcmp(some, others, n * sizeof *some) == 0);
	same_lines(a, b);
	same_rights(w, a, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = {data, data + size};
	memset(&w, 0, sizeof w);
	w.net = bed_id("net", 1);
	w.authority = new_authority();
	genesis(&w, byte(&in));
	while (w.count < OPS_MAX && in.end - in.p > 8) { /* the end says in which order they come */
		op(&w, &in);
		if (byte(&in) % 8 == 0)
			settle(w.authority);
	}
	settle(w.authority);
	struct sou_authority *other = again(&w, &in);
	same(&w, w.authority, other);
	sou_authority_free(other);
	sou_authority_free(w.authority);
	for (uint32_t i = 0; i < w.count; i++)
		drop(&w.ops[i]);
	return 0;
}
