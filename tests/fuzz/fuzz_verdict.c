/* fuzz_verdict.c - any sequence of authority ops, entries in parts, and settles: the engine agrees
 * with a fresh one that gets the same in another order at once, and changes tell what it holds. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/lib/bed.c" /* the fuzz targets link no test library: theirs has a main */

#define ENTRIES   48u
#define KEYS      5u
#define OPS_MAX   40u
#define STEPS_MAX 400u

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

struct slot { /* an entry as it is, once it was named */
	bool made, stored;
	struct sou_facts facts; /* whole */
	struct sou_facts have;  /* what was put of it so far */
	struct sou_hash cites[2], parts[2], names[3];
	struct sou_id entity;
	struct sou_need need;
	uint16_t lacking;
	uint8_t told;
	bool told_shown;
};

struct world {
	struct bed bed;
	struct bed_key keys[KEYS];
	struct slot slots[ENTRIES];
	struct sou_hash ops[OPS_MAX];
	uint64_t seqs[OPS_MAX];
	uint32_t op_count;
	uint64_t counter;
};

static struct sou_hash entry_id(uint8_t n)
{
	return bed_hash("slot", n % (ENTRIES + 2)); /* two never were */
}

static void remember_op(struct world *w)
{
	if (w->op_count == OPS_MAX)
		return;
	w->ops[w->op_count] = w->bed.head;
	w->seqs[w->op_count++] = w->bed.head_seq;
}

static void start(struct world *w)
{
	static const char *const sites[KEYS] = {"a", "b", "a", "c", "d"};
	static const uint16_t roles[KEYS] = {SOU_ROLE_EDITOR, SOU_ROLE_EDITOR | SOU_ROLE_APPROVER,
					     0, SOU_ROLE_REVIEWER | SOU_ROLE_EDITOR,
					     SOU_ROLE_ANCHOR | SOU_ROLE_REVIEWER};
	memset(w, 0, sizeof *w);
	bed_init(&w->bed, false);
	for (uint32_t i = 0; i < KEYS; i++) {
		w->keys[i] = bed_open(&w->bed, sites[i]);
		remember_op(w);
		if (roles[i] != 0)
			bed_grant(&w->bed, sites[i], roles[i]);
		remember_op(w);
	}
	for (uint32_t i = 0; i < ENTRIES; i++)
		w->slots[i].told = SOU_VERDICT_NONE;
}

/* What it writes, names and cites. */
static void fill(struct slot *s, uint32_t n, uint8_t what, struct input *in)
{
	struct sou_facts *f = &s->facts;
	s->need = (struct sou_need){SOU_OP_SET, SOU_KIND_ITEM};
	f->needs = &s->need;
	f->need_count = 1;
	f->cites = s->cites;
	f->parts = s->parts;
	f->names = s->names;
	f->proxies = f->consents = &s->entity;
	switch (what) {
	case 0:
		f->kind = SOU_ENTRY_OPENING;
		f->control = SOU_OP_EPOCH_OPEN;
		break;
	case 1:
	case 2:
		f->kind = SOU_ENTRY_CONTROL;
		f->control = what == 1 ? SOU_OP_ADOPT : SOU_OP_ANCHOR;
		for (f->name_count = 0; f->name_count < 3; f->name_count++)
			s->names[f->name_count] = entry_id(byte(in));
		break;
	case 3:
		s->need.kind = SOU_KIND_APPROVAL;
		break;
	case 4:
		s->need = (struct sou_need){SOU_OP_CONSENT, SOU_KIND_CONSENT};
		f->consent_count = 1;
		break;
	case 5:
		s->need = (struct sou_need){SOU_OP_PROXY, SOU_KIND_ITEM};
		f->proxy_count = 1;
		/* fall through */
	case 6:
		for (; f->cite_count < 2 && n > 0; f->cite_count++)
			s->cites[f->cite_count] = entry_id(byte(in) % (uint8_t)n);
		break;
	case 7:
		f->part = SOU_PART_IS;
		break;
	case 8:
		f->part = SOU_PART_CLOSES;
		f->part_count = 2;
		s->parts[0] = entry_id(byte(in));
		s->parts[1] = entry_id(byte(in));
		f->need_count = 0;
		break;
	case 9:
		s->lacking = 1;
		f->lacking = &s->lacking;
		f->lacking_count = 1;
		break;
	default:
		break;
	}
	if (f->kind != SOU_ENTRY_DATA)
		f->need_count = 0;
}

/* What may be wrong with it. */
static void spoil(const struct world *w, struct sou_facts *f, uint8_t odd)
{
	if (odd % 16 == 1)
		f->seq++;
	if (odd % 16 == 2)
		f->hlc = 1;
	if (odd % 16 == 3)
		f->body = SOU_BODY_MALFORMED;
	if (odd % 16 == 4)
		f->body = SOU_BODY_TOONEW;
	if (odd % 16 == 5)
		f->for_org = w->bed.hq;
	if (odd % 16 == 6)
		f->sig_checked = false;
	if (odd % 16 == 7)
		f->epoch = bed_id("epoch", odd / 16);
}

/* What an entry is follows from the bytes at its first step; cites name older ones alone, as hashes
 * do. */
static void make(struct world *w, uint32_t n, struct input *in)
{
	struct slot *s = &w->slots[n];
	struct sou_facts *f = &s->facts;
	const struct bed_key *key = &w->keys[byte(in) % KEYS];
	uint8_t on = byte(in), what = byte(in), odd = byte(in);
	const struct slot *p = &w->slots[on % ENTRIES];
	*f = (struct sou_facts){.id = entry_id((uint8_t)n),
				.prev = key->opening,
				.site = key->site,
				.scope = w->bed.id,
				.epoch = key->epoch,
				.key = key->key,
				.for_org = w->bed.org,
				.seq = 1,
				.hlc = 1,
				.body = SOU_BODY_OK,
				.sig_checked = true};
	if (on < 200 && p->made && on % ENTRIES != n) {
		f->prev = p->facts.id;
		f->site = p->facts.site;
		f->key = p->facts.key;
		bool opens = p->facts.kind == SOU_ENTRY_OPENING;
		f->epoch = opens ? sou_hash_half(&p->facts.id) : p->facts.epoch;
		f->seq = opens ? 1 : p->facts.seq + 1;
		f->hlc = p->facts.hlc + 1;
	}
	fill(s, n, what % 12, in);
	spoil(w, f, odd);
	s->made = true;
}

static struct sou_facts header_of(const struct sou_facts *f, bool sig)
{
	return (struct sou_facts){.id = f->id,
				  .prev = f->prev,
				  .site = f->site,
				  .scope = f->scope,
				  .epoch = f->epoch,
				  .key = f->key,
				  .seq = f->seq,
				  .hlc = f->hlc,
				  .kind = f->kind,
				  .clock = f->clock,
				  .sig_checked = sig};
}

static void put(struct world *w, struct input *in)
{
	uint32_t n = byte(in) % ENTRIES;
	uint8_t form = byte(in);
	struct slot *s = &w->slots[n];
	if (!s->made)
		make(w, n, in);
	struct sou_facts f = s->facts;
	if (form % 4 == 1)
		f = header_of(&s->facts, false);
	if (form % 4 == 2)
		f = header_of(&s->facts, s->facts.sig_checked);
	if (form % 4 == 3)
		f.sig_checked = false;
	bool sig = f.sig_checked || (s->stored && s->have.sig_checked);
	bed_put(&w->bed, &f);
	if (!s->stored || f.body != SOU_BODY_NONE)
		s->have = f;
	s->have.sig_checked = sig;
	s->stored = true;
}

static void restriction(struct world *w, struct input *in, enum sou_effect_type type)
{
	const struct bed_key *key = &w->keys[byte(in) % KEYS];
	struct sou_hash ids[2] = {entry_id(byte(in)), entry_id(byte(in))};
	uint8_t count = byte(in) % 3;
	const struct sou_pins pin = {w->bed.id, 0, count};
	const struct sou_effect e = {.type = (uint16_t)type,
				     .site = key->site,
				     .key_id = key->key,
				     .pins = &pin,
				     .pin_count = 1,
				     .ids = ids,
				     .id_count = count,
				     .op = w->ops[byte(in) % w->op_count],
				     .roles = SOU_ROLE_EDITOR | SOU_ROLE_ANCHOR,
				     .rest = byte(in) % 2};
	bed_op(&w->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
}

static void op(struct world *w, struct input *in)
{
	uint8_t what = byte(in);
	if (what >= 192) { /* on an older one */
		uint32_t back = byte(in) % w->op_count;
		w->bed.head = w->ops[back];
		w->bed.head_seq = w->seqs[back];
	}
	const uint16_t index = 1;
	struct sou_hash id = entry_id(byte(in)), after = entry_id(byte(in));
	const struct sou_pins pin = {w->bed.id, 0, 1};
	struct sou_effect e = {
		.type = SOU_EFFECT_REDACT, .ids = &id, .id_count = 1, .indexes = &index};
	switch (what % 7) {
	case 0:
		restriction(w, in, SOU_EFFECT_CUT);
		break;
	case 1:
		restriction(w, in, SOU_EFFECT_RECUT);
		break;
	case 2:
		restriction(w, in, SOU_EFFECT_DECIDE);
		break;
	case 3:
		restriction(w, in, SOU_EFFECT_NARROW);
		break;
	case 4:
		bed_op(&w->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
		break;
	case 5:
		e = (struct sou_effect){.type = SOU_EFFECT_GRANT,
					.site = w->keys[byte(in) % KEYS].site,
					.roles = byte(in),
					.id = w->bed.id,
					.ids = &after,
					.pins = &pin};
		e.pin_count = e.id_count = byte(in) % 2;
		bed_op(&w->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
		break;
	default:
		e = (struct sou_effect){.type = SOU_EFFECT_RECOVER};
		bed_op(&w->bed, SOU_TIER_ROOT, ++w->counter, &e, 1);
		break;
	}
	remember_op(w);
}

static struct slot *slot_of(struct world *w, const struct sou_hash *id)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (w->slots[i].made && sou_hash_eq(&w->slots[i].facts.id, id))
			return &w->slots[i];
	abort();
}

static void settle(struct world *w)
{
	const struct sou_change *changes;
	size_t count;
	must(sou_authority_settle(w->bed.authority));
	must(sou_scope_settle(w->bed.scope, w->bed.authority, &changes, &count));
	for (size_t i = 0; i < count; i++) {
		struct slot *s = slot_of(w, &changes[i].id);
		SOU_ASSERT(s->told == changes[i].before &&
			   s->told_shown == changes[i].shown_before);
		s->told = changes[i].after;
		s->told_shown = changes[i].shown_after;
	}
}

static void against_fresh(struct world *w)
{
	struct sou_scope *fresh;
	const struct sou_change *changes;
	size_t count;
	must(sou_scope_new(&fresh, &w->bed.id));
	for (uint32_t i = ENTRIES; i-- > 0;)
		if (w->slots[i].stored)
			must(sou_scope_put(fresh, &w->slots[i].have, i + 1));
	must(sou_scope_settle(fresh, w->bed.authority, &changes, &count));
	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct sou_scope_entry a, b;
		if (!w->slots[i].stored)
			continue;
		must(sou_scope_get(w->bed.scope, &w->slots[i].facts.id, &a));
		must(sou_scope_get(fresh, &w->slots[i].facts.id, &b));
		SOU_ASSERT(a.verdict == b.verdict && a.shown == b.shown && a.whole == b.whole);
		SOU_ASSERT(a.verdict == w->slots[i].told && a.shown == w->slots[i].told_shown);
	}
	struct sou_hash x = sou_scope_entries_digest(w->bed.scope),
			y = sou_scope_entries_digest(fresh);
	SOU_ASSERT(sou_hash_eq(&x, &y));
	sou_scope_free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = {data, data + size};
	start(&w);
	for (uint32_t step = 0; step < STEPS_MAX && in.p < in.end; step++) {
		uint8_t what = byte(&in);
		if (what < 160) {
			put(&w, &in);
		} else if (what < 200) {
			op(&w, &in);
		} else {
			settle(&w);
			if (what >= 240)
				against_fresh(&w);
		}
	}
	settle(&w);
	against_fresh(&w);
	bed_fini(&w.bed);
	return 0;
}
