/* test_verdict_large.c - long chains and hostile shapes (R17): 100,000 entries each, which anything
 * that goes by the square, or by the C stack, does not survive within this test's time. */
#include "proto/limits.h"
#include "proto/schema.h"
#include "tests/lib/bed.h"
#include "tests/lib/check.h"

#define MANY 100000u

static const struct sou_need item = {SOU_OP_SET, SOU_KIND_ITEM};

struct field { /* a bed with an editor, a reviewer, and a hub that anchors */
	struct bed bed;
	struct bed_key w, r, h;
	struct sou_facts *facts; /* what a case made */
	struct sou_hash *ids;
};

static void plough(struct field *f)
{
	bed_init(&f->bed, false);
	f->w = bed_open(&f->bed, "w");
	bed_grant(&f->bed, "w", SOU_ROLE_EDITOR);
	f->r = bed_open(&f->bed, "r");
	bed_grant(&f->bed, "r", SOU_ROLE_REVIEWER | SOU_ROLE_EDITOR);
	f->h = bed_open(&f->bed, "h");
	bed_grant(&f->bed, "h", SOU_ROLE_ANCHOR);
	f->facts = test_alloc(MANY * sizeof *f->facts);
	f->ids = test_alloc(MANY * sizeof *f->ids);
	bed_settle(&f->bed);
}

static void grow_chain(struct field *f)
{
	for (uint32_t i = 0; i < MANY; i++) {
		f->facts[i] = bed_next(&f->bed, &f->w);
		f->facts[i].needs = &item;
		f->facts[i].need_count = 1;
		f->ids[i] = f->facts[i].id;
	}
}

static uint32_t with(const struct field *f, enum sou_verdict verdict)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < MANY; i++)
		n += bed_verdict(&f->bed, &f->ids[i]) == verdict;
	return n;
}

static void put_chain(struct field *f)
{
	for (uint32_t i = 0; i < MANY; i++)
		bed_put(&f->bed, &f->facts[i]);
	CHECK_INT("each is told once", bed_settle(&f->bed), ==, MANY);
}

static void cut_at(struct field *f, enum sou_effect_type type, const struct bed_key *key,
		   const struct sou_hash *at)
{
	const struct sou_pins pin = {f->bed.id, 0, at == NULL ? 0 : 1};
	const struct sou_effect cut = {.type = (uint16_t)type,
				       .site = key->site,
				       .key_id = key->key,
				       .pins = &pin,
				       .pin_count = 1,
				       .ids = at,
				       .id_count = pin.count};
	bed_op(&f->bed, SOU_TIER_OPERATIONAL, 0, &cut, 1);
}

static struct sou_hash list_all(struct field *f, struct bed_key *key, uint16_t type,
				const struct sou_hash *ids, uint16_t count)
{
	struct sou_facts c = bed_next(&f->bed, key);
	c.kind = SOU_ENTRY_CONTROL;
	c.control = type;
	c.names = ids;
	c.name_count = count;
	bed_put(&f->bed, &c);
	return c.id;
}

TEST(large, chain_backwards_in_small_batches)
{
	struct field f;
	plough(&f);
	grow_chain(&f);
	for (uint32_t i = MANY; i-- > 0;) {
		f.facts[i].sig_checked =
			i == MANY - 1; /* P9.4: the last one's signature is for all */
		bed_put(&f.bed, &f.facts[i]);
		if (i % 64 == 0)
			bed_settle(&f.bed);
	}
	CHECK_INT("P9.4 all accepted", with(&f, SOU_ACCEPTED), ==, MANY);
	struct sou_scope_entry head = {0};
	CHECK_INT("own head", sou_scope_own_head(f.bed.scope, &f.w.site, &f.w.key, &head), ==,
		  SOU_OK);
	CHECK_U64("own head", head.seq, ==, MANY);
	CHECK("P9.2", sou_scope_at_or_before(f.bed.scope, &f.ids[0], &f.ids[MANY - 1], 1));
	CHECK("P9.2", !sou_scope_at_or_before(f.bed.scope, &f.ids[MANY - 1], &f.ids[0], 1));
	bed_fini(&f.bed);
}

TEST(large, fork_at_the_start_anchor_and_cut)
{
	struct field f;
	plough(&f);
	grow_chain(&f);
	put_chain(&f);
	struct bed_key thief = f.w;
	thief.prev = thief.opening;
	thief.seq = thief.hlc = 0;
	bed_edit(&f.bed, &thief);
	CHECK_INT("P9.6 frozen as a whole", bed_settle(&f.bed), ==, MANY + 1);
	CHECK_INT("P9.6", with(&f, SOU_HELD_FORK), ==, MANY);
	list_all(&f, &f.h, SOU_OP_ANCHOR, &f.ids[MANY / 2], 1);
	bed_settle(&f.bed);
	CHECK_INT("P9.5 the anchored side is free again", with(&f, SOU_ACCEPTED), ==, MANY);
	cut_at(&f, SOU_EFFECT_CUT, &f.h, NULL);
	bed_settle(&f.bed);
	CHECK_INT("P9.5 not by an anchor that is cut", with(&f, SOU_HELD_FORK), ==, MANY);
	cut_at(&f, SOU_EFFECT_DECIDE, &f.w, &f.ids[MANY - 1]);
	bed_settle(&f.bed);
	CHECK_INT("P8.12 decided", with(&f, SOU_ACCEPTED), ==, MANY);
	cut_at(&f, SOU_EFFECT_RECUT, &f.w, &f.ids[9]);
	CHECK_INT("P8.12 cut to ten", bed_settle(&f.bed), ==,
		  MANY - 9); /* the thief's: cut, not decide */
	CHECK_INT("P8.12 cut to ten", with(&f, SOU_ACCEPTED), ==, 10);
	bed_fini(&f.bed);
}

TEST(large, siblings)
{
	struct field f;
	plough(&f);
	for (uint32_t i = 0; i < MANY; i++) {
		struct bed_key at = f.w;
		f.ids[i] = bed_edit(&f.bed, &at);
		if (i % 1000 == 0)
			bed_settle(&f.bed);
	}
	bed_settle(&f.bed);
	CHECK_INT("P9.5 all frozen", with(&f, SOU_HELD_FORK), ==, MANY);
	cut_at(&f, SOU_EFFECT_DECIDE, &f.w, &f.ids[77]);
	bed_settle(&f.bed);
	CHECK_INT("P8.12 one stays", with(&f, SOU_ACCEPTED), ==, 1);
	CHECK_INT("P8.12 this one", bed_verdict(&f.bed, &f.ids[77]), ==, SOU_ACCEPTED);
	struct sou_scope_entry head;
	CHECK_INT("own head", sou_scope_own_head(f.bed.scope, &f.w.site, &f.w.key, &head), ==,
		  SOU_ESTATE);
	bed_fini(&f.bed);
}

TEST(large, strangers_on_one_entry)
{
	struct field f;
	plough(&f);
	struct sou_hash first = bed_edit(&f.bed, &f.w), second = bed_edit(&f.bed, &f.w);
	for (uint32_t i = 0; i < MANY; i++) {
		struct bed_key at = f.r;
		at.prev = first;
		at.epoch = bed_id("epoch", i);
		f.ids[i] = bed_edit(&f.bed, &at);
		bed_settle(&f.bed);
	}
	CHECK_INT("P5.3 none fits", with(&f, SOU_HELD_NOT_WHOLE), ==, MANY);
	CHECK_INT("P9.5 nor is one a sibling", bed_verdict(&f.bed, &second), ==, SOU_ACCEPTED);
	bed_fini(&f.bed);
}

TEST(large, openings)
{
	struct field f;
	plough(&f);
	for (uint32_t i = 0; i < MANY; i++) {
		struct sou_facts o = bed_next(&f.bed, &f.w);
		o.kind = SOU_ENTRY_OPENING;
		o.control = SOU_OP_EPOCH_OPEN;
		bed_put(&f.bed, &o);
		f.ids[i] = o.id;
		f.w.epoch = sou_hash_half(&o.id);
		f.w.seq = 0;
	}
	bed_settle(&f.bed);
	CHECK_INT("P9.3 eight", with(&f, SOU_ACCEPTED), ==, 8);
	CHECK_INT("P9.3 and no more", with(&f, SOU_HELD_NOT_WHOLE), ==, MANY - 8);
	bed_fini(&f.bed);
}

TEST(large, anchors_of_names_that_never_were)
{
	struct field f;
	plough(&f);
	bed_edit(&f.bed, &f.w);
	struct sou_hash *ids = test_alloc(SOU_NAMES_MAX * sizeof *ids);
	for (uint32_t n = 0; n < 100; n++) {
		for (uint32_t i = 0; i < SOU_NAMES_MAX; i++)
			ids[i] = bed_hash("never", n * SOU_NAMES_MAX + i);
		list_all(&f, n % 2 ? &f.h : &f.w, n % 2 ? SOU_OP_ANCHOR : SOU_OP_ADOPT, ids,
			 SOU_NAMES_MAX);
		bed_settle(&f.bed);
	}
	CHECK("memory stays within four times the names",
	      sou_scope_bytes(f.bed.scope) < 4u * 100 * SOU_NAMES_MAX * 64 + (1u << 20));
	bed_fini(&f.bed);
}

TEST(large, adopted_by_many)
{
	struct field f;
	plough(&f);
	grow_chain(&f);
	put_chain(&f);
	cut_at(&f, SOU_EFFECT_CUT, &f.w, NULL);
	bed_settle(&f.bed);
	CHECK_INT("P8.12", with(&f, SOU_HELD_CUT), ==, MANY);
	for (uint32_t n = 0; n < 1000; n++) {
		list_all(&f, &f.r, SOU_OP_ADOPT, f.ids, SOU_NAMES_MAX);
		bed_settle(&f.bed);
	}
	CHECK_INT("P9.9", with(&f, SOU_ACCEPTED), ==, SOU_NAMES_MAX);
	cut_at(&f, SOU_EFFECT_CUT, &f.r, NULL);
	bed_settle(&f.bed);
	CHECK_INT("P9.9 cut with them", with(&f, SOU_ACCEPTED), ==, 0);
	bed_fini(&f.bed);
}

TEST(large, grounds_upon_grounds)
{
	struct field f;
	plough(&f);
	for (uint32_t i = 0; i < MANY; i++) {
		struct sou_facts e = bed_next(&f.bed, i % 2 ? &f.r : &f.w);
		e.cites = i > 0 ? &f.ids[i - 1] : NULL;
		e.cite_count = i > 0;
		bed_put(&f.bed, &e);
		f.ids[i] = e.id;
	}
	bed_settle(&f.bed);
	CHECK_INT("P9.8", with(&f, SOU_ACCEPTED), ==, MANY);
	cut_at(&f, SOU_EFFECT_CUT, &f.w, NULL);
	bed_settle(&f.bed);
	CHECK_INT("P9.8 the first falls, and all that stands on it", with(&f, SOU_ACCEPTED), ==, 0);
	CHECK_INT("P9.8", with(&f, SOU_HELD_GROUND), ==, MANY / 2);
	cut_at(&f, SOU_EFFECT_CUT, &f.w, &f.ids[MANY - 2]);
	bed_settle(&f.bed);
	CHECK_INT("P9.8 and rises", with(&f, SOU_ACCEPTED), ==, MANY);
	bed_fini(&f.bed);
}

TEST(large, one_part_of_many_acts)
{
	struct field f;
	plough(&f);
	struct sou_facts part = bed_next(&f.bed, &f.w);
	part.part = SOU_PART_IS;
	bed_put(&f.bed, &part);
	for (uint32_t i = 0; i < MANY; i++) {
		struct sou_facts c = bed_next(&f.bed, &f.w);
		c.part = SOU_PART_CLOSES;
		c.parts = &part.id;
		c.part_count = 1;
		bed_put(&f.bed, &c);
		f.ids[i] = c.id;
		bed_settle(&f.bed);
	}
	struct sou_scope_entry e = {0};
	CHECK("P9.11", sou_scope_get(f.bed.scope, &part.id, &e) == SOU_OK && e.shown);
	cut_at(&f, SOU_EFFECT_CUT, &f.w, &part.id);
	bed_settle(&f.bed);
	CHECK("P9.11 all acts are cut",
	      sou_scope_get(f.bed.scope, &part.id, &e) == SOU_OK && !e.shown);
	CHECK_INT("P9.11", e.verdict, ==, SOU_ACCEPTED);
	bed_fini(&f.bed);
}

TEST(large, authority)
{
	struct bed bed;
	bed_init(&bed, false);
	bed_open(&bed, "w");
	for (uint32_t i = 0; i < 5000; i++)
		bed_grant(&bed, "w", SOU_ROLE_EDITOR);
	struct bed_key key = bed_open(&bed, "w");
	bed_settle(&bed);
	struct sou_hash e = bed_edit(&bed, &key);
	bed_settle(&bed);
	CHECK_INT("P8.13", bed_verdict(&bed, &e), ==, SOU_ACCEPTED);
	CHECK_INT("ops", sou_authority_op_count(bed.authority), ==, 5004);
	bed_fini(&bed);
}
