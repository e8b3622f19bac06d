/* test_scope.c - the questions of scope.h to a settled graph, what settle tells, and changes of the
 * authority that move a whole scope. Verdicts themselves: test_verdict_rules.c. */
#include "proto/schema.h"
#include "tests/lib/bed.h"
#include "tests/lib/check.h"

static struct sou_hash open_epoch(struct bed *bed, struct bed_key *key)
{
	struct sou_facts f = bed_next(bed, key);
	f.kind = SOU_ENTRY_OPENING;
	f.control = SOU_OP_EPOCH_OPEN;
	bed_put(bed, &f);
	key->epoch = sou_hash_half(&f.id);
	key->seq = 0;
	return f.id;
}

static struct bed_key editor(struct bed *bed, const char *site)
{
	struct bed_key key = bed_open(bed, site);
	bed_grant(bed, site, SOU_ROLE_EDITOR);
	return key;
}

static int own_head(struct bed *bed, const struct bed_key *key, struct sou_hash *id)
{
	struct sou_scope_entry e;
	bed_settle(bed);
	int rc = sou_scope_own_head(bed->scope, &key->site, &key->key, &e);
	if (rc == SOU_OK)
		*id = e.id;
	return rc;
}

static void cut(struct bed *bed, const struct bed_key *key)
{
	const struct sou_effect e = {.type = SOU_EFFECT_CUT, .site = key->site, .key_id = key->key};
	bed_op(bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
}

TEST(scope, own_head)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), old;
	struct sou_hash head = {{0}};
	CHECK_INT("nothing yet", own_head(&bed, &w, &head), ==, SOU_EUNKNOWN);
	struct sou_hash a = bed_edit(&bed, &w);
	CHECK_INT("one", own_head(&bed, &w, &head), ==, SOU_OK);
	CHECK_MEM("one", head.b, sizeof head.b, a.b, sizeof a.b);
	old = w;
	bed_edit(&bed, &w);
	struct sou_hash opened = open_epoch(&bed, &old);
	CHECK_INT("an epoch without entries", own_head(&bed, &w, &head), ==, SOU_OK);
	CHECK_MEM("its opening", head.b, sizeof head.b, opened.b, sizeof opened.b);
	struct sou_hash b = bed_edit(&bed, &old);
	CHECK_INT("the newest epoch", own_head(&bed, &w, &head), ==, SOU_OK);
	CHECK_MEM("its head", head.b, sizeof head.b, b.b, sizeof b.b);

	struct bed_key fork = old;
	fork.prev = opened;
	fork.seq = 0;
	struct sou_facts f = bed_next(&bed, &fork);
	f.body = SOU_BODY_NONE;
	f.sig_checked = false;
	bed_put(&bed, &f);
	CHECK_INT("P9.4 an unsigned header beside it is no matter", own_head(&bed, &w, &head), ==,
		  SOU_OK);
	f.sig_checked = true;
	bed_put(&bed, &f);
	CHECK_INT("R11 frozen", own_head(&bed, &w, &head), ==, SOU_ESTATE);
	bed_fini(&bed);
}

TEST(scope, own_head_of_two_openings)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), x;
	struct sou_hash head = {{0}};
	bed_edit(&bed, &w);
	x = w;
	x.hlc += 10;
	struct sou_hash late = open_epoch(&bed, &x);
	open_epoch(&bed, &w);
	CHECK_INT("R12 two openings are two epochs", own_head(&bed, &w, &head), ==, SOU_OK);
	CHECK_MEM("the later by hlc", head.b, sizeof head.b, late.b, sizeof late.b);
	bed_edit(&bed, &w);
	bed_edit(&bed, &w);
	CHECK_INT("whatever stands in the other", own_head(&bed, &w, &head), ==, SOU_OK);
	CHECK_MEM("the later by hlc", head.b, sizeof head.b, late.b, sizeof late.b);
	bed_fini(&bed);
}

TEST(scope, own_head_with_a_gap_or_a_cut)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), x = editor(&bed, "x");
	struct sou_hash head;
	bed_edit(&bed, &w);
	struct sou_facts f = bed_next(&bed, &w);
	struct sou_facts header = f;
	header.body = SOU_BODY_NONE;
	bed_put(&bed, &header);
	CHECK_INT("its next entry is known by the header alone", own_head(&bed, &w, &head), ==,
		  SOU_ESTATE);
	bed_put(&bed, &f);
	CHECK_INT("it came", own_head(&bed, &w, &head), ==, SOU_OK);
	cut(&bed, &w);
	CHECK_INT("R8 cut", own_head(&bed, &w, &head), ==, SOU_ESTATE);
	bed_edit(&bed, &x);
	CHECK_INT("another site", own_head(&bed, &x, &head), ==, SOU_OK);
	bed_fini(&bed);
}

TEST(scope, list_get_version)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w");
	struct sou_facts f[3];
	struct sou_scope_entry e[4], one;
	for (size_t i = 0; i < 3; i++)
		f[i] = bed_next(&bed, &w);
	memcpy(f[2].id.b, f[1].id.b, 16); /* one version id, two entries */
	f[2].id.b[16] = (uint8_t)(f[1].id.b[16] - 1);
	f[1].id.b[16] |= 1;
	f[2].id.b[16] = f[1].id.b[16] - 1;
	static const uint64_t pos[] = {30, 10, 20};
	for (size_t i = 0; i < 3; i++)
		CHECK_INT("put", sou_scope_put(bed.scope, &f[i], pos[i]), ==, SOU_OK);
	CHECK_INT("again", sou_scope_put(bed.scope, &f[1], 40), ==, SOU_EEXIST);
	bed_settle(&bed);
	CHECK_INT("all", sou_scope_list(bed.scope, 0, e, 4), ==, 3);
	CHECK_U64("by pos", e[0].pos, ==, 10);
	CHECK_U64("by pos", e[1].pos, ==, 20);
	CHECK_U64("by pos", e[2].pos, ==, 30);
	CHECK_INT("after", sou_scope_list(bed.scope, 10, e, 4), ==, 2);
	CHECK_INT("at most", sou_scope_list(bed.scope, 0, e, 1), ==, 1);
	CHECK_INT("none", sou_scope_list(bed.scope, UINT64_MAX, e, 4), ==, 0);
	CHECK_INT("stored", sou_scope_count(bed.scope), ==, 3);

	struct sou_id version = sou_hash_half(&f[1].id);
	CHECK_INT("P3.4", sou_scope_get_version(bed.scope, &version, &one), ==, SOU_OK);
	CHECK_MEM("the smaller id", one.id.b, 32, f[2].id.b, 32);
	version.b[0] ^= 1;
	CHECK_INT("P3.4", sou_scope_get_version(bed.scope, &version, &one), ==, SOU_EUNKNOWN);
	version = sou_hash_half(&w.opening);
	CHECK_INT("a ghost is not stored", sou_scope_get_version(bed.scope, &version, &one), ==,
		  SOU_EUNKNOWN);
	CHECK_INT("a ghost is not stored", sou_scope_get(bed.scope, &w.opening, &one), ==,
		  SOU_EUNKNOWN);
	bed_fini(&bed);
}

TEST(scope, at_or_before)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), side;
	struct sou_hash a = bed_edit(&bed, &w), loose[3], unknown = bed_hash("unknown", 0);
	side = w;
	struct sou_hash b = bed_edit(&bed, &w), c = bed_edit(&bed, &side),
			opened = open_epoch(&bed, &w);
	struct sou_hash d = bed_edit(&bed, &w);
	side = w;
	bed_next(&bed, &side); /* a hole */
	for (size_t i = 0; i < 3; i++)
		loose[i] = bed_edit(&bed, &side);
	bed_settle(&bed);
	const struct {
		const char *name;
		const struct sou_hash *id, *head;
		bool is;
	} rows[] = {
		{"itself", &a, &a, true},
		{"P9.2 an ancestor", &a, &b, true},
		{"not what comes after", &b, &a, false},
		{"not a cousin", &b, &c, false},
		{"through a self-opened epoch", &a, &d, true},
		{"the opening", &opened, &d, true},
		{"not over a hole", &d, &loose[0], false},
		{"above the hole", &loose[0], &loose[2], true},
		{"and not back", &loose[2], &loose[0], false},
		{"not stored", &unknown, &unknown, false},
		{"not an op", &w.opening, &a, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sou_hash heads[] = {unknown, *rows[i].head};
		CHECK_INT(rows[i].name, sou_scope_at_or_before(bed.scope, rows[i].id, heads, 2), ==,
			  rows[i].is);
	}
	CHECK("no heads", !sou_scope_at_or_before(bed.scope, &a, NULL, 0));
	bed_fini(&bed);
}

/* P10.7: tops, and that each list of the digest is of what is there now. */
TEST(scope, tops_and_digest)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w");
	struct sou_hash a = bed_edit(&bed, &w), tops[4];
	struct sou_hash none = sou_scope_entries_digest(bed.scope);
	struct sou_facts b = bed_next(&bed, &w);
	bed_put(&bed, &b);
	struct bed_key next = w;
	struct sou_hash c = bed_edit(&bed, &next);
	bed_settle(&bed);
	CHECK_INT("one", sou_scope_tops(bed.scope, tops, 4), ==, 1);
	CHECK_MEM("the last", tops[0].b, 32, c.b, 32);
	struct sou_hash one = sou_scope_entries_digest(bed.scope),
			again = sou_scope_entries_digest(bed.scope);
	CHECK_MEM("P10.7 asked twice", one.b, 32, again.b, 32);
	CHECK("P10.7", memcmp(one.b, none.b, 32) != 0);

	b.body = SOU_BODY_MALFORMED; /* a later form shows it */
	CHECK_INT("a graver form", sou_scope_put(bed.scope, &b, 9), ==, SOU_OK);
	bed_settle(&bed);
	CHECK_INT("P9.3", bed_verdict(&bed, &b.id), ==, SOU_HELD_NOT_WHOLE);
	CHECK_INT("P9.3", bed_verdict(&bed, &c), ==, SOU_HELD_NOT_WHOLE);
	CHECK_INT("one", sou_scope_tops(bed.scope, tops, 4), ==, 1);
	CHECK_MEM("the one before", tops[0].b, 32, a.b, 32);
	b.body = SOU_BODY_OK;
	CHECK_INT("and it stays", sou_scope_put(bed.scope, &b, 9), ==, SOU_EEXIST);

	struct bed fresh = bed; /* the same in another engine */
	struct sou_facts bad = b;
	bad.body = SOU_BODY_MALFORMED;
	CHECK_INT("new", sou_scope_new(&fresh.scope, &bed.id), ==, SOU_OK);
	struct bed_key at = w;
	at.prev = at.opening;
	at.seq = at.hlc = 0;
	struct sou_need item = {SOU_OP_SET, SOU_KIND_ITEM};
	struct sou_facts first = bed_next(&fresh, &at), third = bed_next(&fresh, &at);
	first.id = bad.prev;
	third.id = c;
	third.prev = bad.id;
	third.seq = 3;
	third.hlc = 3;
	first.needs = third.needs = &item;
	first.need_count = third.need_count = 1;
	bed_put(&fresh, &third);
	bed_put(&fresh, &bad);
	bed_put(&fresh, &first);
	bed_settle(&fresh);
	struct sou_hash x = sou_scope_entries_digest(bed.scope),
			y = sou_scope_entries_digest(fresh.scope);
	CHECK_MEM("P10.7 the same from a fresh engine", x.b, 32, y.b, 32);
	sou_scope_free(fresh.scope);
	bed_fini(&bed);
}

/* P7.5: a scope is judged as a project's until its organisation is known. */
TEST(scope, organisation_comes_later)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = bed_open(&bed, "w");
	struct sou_hash next_op = bed_hash("op", bed.made + 2);
	struct sou_id org = sou_entity_org(&next_op, 0);
	struct sou_scope *scope;
	struct sou_id scope_id = sou_scope_id(SOU_SCOPE_ORG, &org);
	CHECK_INT("new", sou_scope_new(&scope, &scope_id), ==, SOU_OK);
	struct sou_scope *own = bed.scope;
	bed.scope = scope;
	bed.id = scope_id;
	bed_grant(&bed, "w", SOU_ROLE_EDITOR);
	struct sou_need item = {SOU_OP_SET, SOU_KIND_ITEM};
	struct sou_facts f = bed_next(&bed, &w);
	f.for_org = org;
	f.needs = &item;
	f.need_count = 1;
	bed.made--; /* the op below takes the number that was foretold */
	bed_put(&bed, &f);
	bed_settle(&bed);
	CHECK_INT("P7.5 no item in a project's scope", bed_verdict(&bed, &f.id), ==,
		  SOU_HELD_NO_RIGHT);
	const struct sou_effect made = {
		.type = SOU_EFFECT_ORG, .number = 4, .has_org = true, .org = bed.hq};
	struct sou_hash op = bed_op(&bed, SOU_TIER_OPERATIONAL, 0, &made, 1);
	REQUIRE("foretold", sou_hash_eq(&op, &next_op));
	bed_settle(&bed);
	CHECK_INT("P7.5 an org scope now", bed_verdict(&bed, &f.id), ==, SOU_ACCEPTED);
	sou_scope_free(own);
	bed_fini(&bed);
}

/* P8.8: a reviewer of a subtree reaches what came to stand below it, and what stands below that. */
TEST(scope, tree_changes)
{
	struct bed bed;
	bed_init(&bed, true);
	struct bed_key r = bed_open(&bed, "r");
	const struct sou_effect orgs[] = {
		{.type = SOU_EFFECT_ORG, .number = 2, .has_org = true, .org = bed.hq},
		{.type = SOU_EFFECT_ORG, .number = 4, .parent_is_index = true, .index = 0},
		{.type = SOU_EFFECT_ORG, .number = 2, .has_org = true, .org = bed.hq},
	};
	struct sou_hash op = bed_op(&bed, SOU_TIER_OPERATIONAL, 0, orgs, 3);
	struct sou_id middle = sou_entity_org(&op, 0), low = sou_entity_org(&op, 1),
		      top = sou_entity_org(&op, 2);
	const struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
					 .site = r.site,
					 .roles = SOU_ROLE_REVIEWER,
					 .reach = SOU_REACH_SUBTREE,
					 .id = top};
	bed_op(&bed, SOU_TIER_OPERATIONAL, 0, &grant, 1);
	struct sou_need review = {SOU_OP_SET, SOU_KIND_REVIEW};
	struct sou_facts f = bed_next(&bed, &r), g = bed_next(&bed, &r);
	f.needs = g.needs = &review;
	f.need_count = g.need_count = 1;
	f.for_org = low;
	g.for_org = bed.org;
	bed_put(&bed, &f);
	bed_put(&bed, &g);
	bed_settle(&bed);
	CHECK_INT("P8.8 not below it", bed_verdict(&bed, &f.id), ==, SOU_HELD_NO_RIGHT);
	struct sou_effect move = {.type = SOU_EFFECT_ORG_MOVE, .org = middle, .id = top};
	bed_op(&bed, SOU_TIER_OPERATIONAL, 0, &move, 1);
	CHECK_INT("P8.8 one change", bed_settle(&bed), ==, 1);
	CHECK_INT("P8.8 moved with what it stands on", bed_verdict(&bed, &f.id), ==, SOU_ACCEPTED);
	CHECK("below now", sou_authority_in_subtree(bed.authority, &top, &low, false));
	move.id = bed.hq;
	bed_op(&bed, SOU_TIER_OPERATIONAL, 0, &move, 1);
	CHECK_INT("R7 the end of a right is never derived from the tree", bed_settle(&bed), ==, 0);
	CHECK("not below now", !sou_authority_in_subtree(bed.authority, &top, &low, false));
	CHECK("but once", sou_authority_in_subtree(bed.authority, &top, &low, true));
	CHECK_INT("P8.8 of another organisation", bed_verdict(&bed, &g.id), ==, SOU_HELD_NO_RIGHT);
	bed_fini(&bed);
}

/* P9.5: what an anchor gave goes with it, and comes again with the next. */
TEST(scope, anchors_that_are_lost)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), fork = w, h = bed_open(&bed, "h"), sibling;
	bed_grant(&bed, "h", SOU_ROLE_ANCHOR);
	struct sou_hash a = bed_edit(&bed, &w), b = bed_edit(&bed, &fork);
	struct sou_facts anchor = bed_next(&bed, &h);
	sibling = h;
	sibling.prev = anchor.prev;
	sibling.seq--;
	anchor.kind = SOU_ENTRY_CONTROL;
	anchor.control = SOU_OP_ANCHOR;
	anchor.names = &a;
	anchor.name_count = 1;
	bed_put(&bed, &anchor);
	bed_settle(&bed);
	CHECK_INT("anchored", bed_verdict(&bed, &a), ==, SOU_ACCEPTED);
	CHECK_INT("the other", bed_verdict(&bed, &b), ==, SOU_HELD_FORK);
	struct sou_facts beside = bed_next(&bed, &sibling);
	beside.kind = SOU_ENTRY_CONTROL;
	beside.control = SOU_OP_HEARTBEAT;
	bed_put(&bed, &beside);
	bed_settle(&bed);
	CHECK_INT("the anchor is frozen", bed_verdict(&bed, &anchor.id), ==, SOU_HELD_FORK);
	CHECK_INT("anchored no more", bed_verdict(&bed, &a), ==, SOU_HELD_FORK);
	struct bed_key k = bed_open(&bed, "k");
	bed_grant(&bed, "k", SOU_ROLE_ANCHOR);
	bed_settle(&bed);
	struct sou_facts again = bed_next(&bed, &k);
	again.kind = SOU_ENTRY_CONTROL;
	again.control = SOU_OP_ANCHOR;
	again.names = &a;
	again.name_count = 1;
	bed_put(&bed, &again);
	bed_settle(&bed);
	CHECK_INT("by another", bed_verdict(&bed, &a), ==, SOU_ACCEPTED);
	CHECK_INT("the other still", bed_verdict(&bed, &b), ==, SOU_HELD_FORK);
	bed_fini(&bed);
}

/* P10.7: an epoch-open on it takes nothing from a top; what is whole no more gives it back. */
TEST(scope, tops)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), x = editor(&bed, "x"), fork;
	struct sou_hash tops[8];
	bed_edit(&bed, &x);
	struct sou_hash a = bed_edit(&bed, &w);
	fork = w;
	struct sou_facts b = bed_next(&bed, &fork);
	bed_put(&bed, &b);
	open_epoch(&bed, &w);
	bed_settle(&bed);
	CHECK_INT("of x, b, the epoch-open", sou_scope_tops(bed.scope, tops, 8), ==, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK("a is none", !sou_hash_eq(&tops[i], &a));
	b.body = SOU_BODY_MALFORMED;
	bed_put(&bed, &b);
	bed_settle(&bed);
	bool found = false;
	CHECK_INT("of x, a, the epoch-open", sou_scope_tops(bed.scope, tops, 8), ==, 3);
	for (size_t i = 0; i < 3; i++)
		found = found || sou_hash_eq(&tops[i], &a);
	CHECK("a is one again", found);
	struct sou_hash few[3] = {{{1}}, {{1}}, {{1}}};
	CHECK_INT("all are counted", sou_scope_tops(bed.scope, few, 2), ==, 3);
	CHECK_MEM("as many as there is room for", few[1].b, 32, tops[1].b, 32);
	CHECK_INT("and no more", few[2].b[0], ==, 1);
	bed_fini(&bed);
}

/* R1: an op that concerns nobody changes nothing, one that concerns a key its entries alone. */
TEST(scope, told_changes)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = editor(&bed, "w"), x = editor(&bed, "x");
	for (int i = 0; i < 10; i++) {
		bed_edit(&bed, &w);
		bed_edit(&bed, &x);
	}
	CHECK_INT("all are new", bed_settle(&bed), ==, 20);
	CHECK_INT("nothing came", bed_settle(&bed), ==, 0);
	editor(&bed, "y");
	CHECK_INT("a site more", bed_settle(&bed), ==, 0);
	cut(&bed, &w);
	CHECK_INT("its ten", bed_settle(&bed), ==, 10);
	cut(&bed, &w);
	CHECK_INT("cut again", bed_settle(&bed), ==, 0);
	bed_fini(&bed);
}

TEST(scope, names_of_verdicts)
{
	static const char *const names[] = {"accepted",   "not-whole", "too-new", "not-authentic",
					    "cut-branch", "cut",       "decide",  "fork",
					    "no-right",   "ground",    "none"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK_STR("P9.10", sou_verdict_name((enum sou_verdict)i), names[i]);
}

/* P9.8: the first of a chain of grounds falls while the last is judged for another reason. */
TEST(scope, grounds_in_any_order)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key x = editor(&bed, "x"), w = editor(&bed, "w"), z = editor(&bed, "z");
	bed_edit(&bed, &x); /* its line comes first */
	struct sou_facts a = bed_next(&bed, &z), b = bed_next(&bed, &w), c = bed_next(&bed, &x);
	b.cites = &a.id;
	c.cites = &b.id;
	b.cite_count = c.cite_count = 1;
	bed_put(&bed, &a);
	bed_put(&bed, &b);
	bed_put(&bed, &c);
	bed_settle(&bed);
	CHECK_INT("P9.8", bed_verdict(&bed, &c.id), ==, SOU_ACCEPTED);
	cut(&bed, &z);
	bed_grant(&bed, "x", SOU_ROLE_EDITOR);
	CHECK_INT("P9.8 all three", bed_settle(&bed), ==, 3);
	CHECK_INT("P9.8", bed_verdict(&bed, &b.id), ==, SOU_HELD_GROUND);
	CHECK_INT("P9.8", bed_verdict(&bed, &c.id), ==, SOU_HELD_GROUND);
	bed_fini(&bed);
}

/* P9.9: in a project scope each adoption is of one organisation's work. */
TEST(scope, adoption_has_its_for)
{
	struct bed bed;
	bed_init(&bed, true);
	struct bed_key w = bed_open(&bed, "w"), r = bed_open(&bed, "r");
	bed_grant(&bed, "w", SOU_ROLE_SUBMITTER);
	bed_grant(&bed, "r", SOU_ROLE_REVIEWER);
	struct sou_need submit = {SOU_OP_SET, SOU_KIND_SUBMISSION};
	struct sou_facts a = bed_next(&bed, &w);
	a.needs = &submit;
	a.need_count = 1;
	bed_put(&bed, &a);
	cut(&bed, &w);
	for (int same = 0; same < 2; same++) {
		struct sou_facts adopt = bed_next(&bed, &r);
		adopt.kind = SOU_ENTRY_CONTROL;
		adopt.control = SOU_OP_ADOPT;
		adopt.names = &a.id;
		adopt.name_count = 1;
		adopt.for_org = same ? bed.org : bed.hq;
		bed_put(&bed, &adopt);
		bed_settle(&bed);
		CHECK_INT("P9.7", bed_verdict(&bed, &adopt.id), ==, SOU_ACCEPTED);
		CHECK_INT(same ? "P9.9 the same" : "P9.9 another", bed_verdict(&bed, &a.id), ==,
			  same ? SOU_ACCEPTED : SOU_HELD_CUT);
	}
	bed_fini(&bed);
}

/* Whoever reloads the authority has another instance: what counts is the set of ops. */
TEST(scope, authority_of_another_instance)
{
	struct bed bed, other;
	bed_init(&bed, false);
	bed_init(&other, false);
	struct bed_key w = editor(&bed, "w");
	bed_open(&other, "w");
	struct sou_hash a = bed_edit(&bed, &w);
	bed_settle(&bed);
	CHECK_INT("granted", bed_verdict(&bed, &a), ==, SOU_ACCEPTED);
	struct sou_authority *own = bed.authority;
	bed.authority = other.authority;
	CHECK_INT("not here", bed_settle(&bed), ==, 1);
	CHECK_INT("not here", bed_verdict(&bed, &a), ==, SOU_HELD_NO_RIGHT);
	bed_grant(&other, "w", SOU_ROLE_EDITOR);
	CHECK_INT("the same set in the end", bed_settle(&bed), ==, 1);
	bed.authority = own;
	CHECK_INT("equal sets, equal answers", bed_settle(&bed), ==, 0);
	struct sou_hash x = sou_authority_mark(own), y = sou_authority_mark(other.authority);
	CHECK_MEM("equal marks", x.b, 32, y.b, 32);
	bed_fini(&bed);
	bed_fini(&other);
}

/* A trunk that loses a key's opening takes its entries away, and gives them back. */
TEST(scope, opening_leaves_the_trunk)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key x = editor(&bed, "x");
	struct sou_hash base = bed.head;
	uint64_t seq = bed.head_seq;
	struct bed_key w = editor(&bed, "w"), side;
	struct sou_hash a = bed_edit(&bed, &w), tops[4];
	side = w;
	struct sou_hash b = bed_edit(&bed, &w), c = bed_edit(&bed, &side);
	bed_edit(&bed, &x);
	bed_settle(&bed);
	CHECK_INT("P9.6", bed_verdict(&bed, &b), ==, SOU_HELD_FORK);
	CHECK_INT("P10.7", sou_scope_tops(bed.scope, tops, 4), ==, 3);
	bed.head = base;
	bed.head_seq = seq;
	bed_grant(&bed, "x", SOU_ROLE_READER);
	bed_settle(&bed);
	CHECK("P8.10 forked above x", sou_authority_forked(bed.authority));
	CHECK_INT("P9.3", bed_verdict(&bed, &a), ==, SOU_HELD_NOT_WHOLE);
	CHECK_INT("P9.3", bed_verdict(&bed, &c), ==, SOU_HELD_NOT_WHOLE);
	CHECK_INT("P10.7", sou_scope_tops(bed.scope, tops, 4), ==, 1);
	bed.head = w.opening;
	bed.head_seq = seq + 1;
	const struct sou_effect recover = {.type = SOU_EFFECT_RECOVER};
	bed_op(&bed, SOU_TIER_ROOT, 1, &recover, 1);
	bed_grant(&bed, "w", SOU_ROLE_EDITOR);
	bed_settle(&bed);
	CHECK_INT("P8.10 settled", bed_verdict(&bed, &a), ==, SOU_ACCEPTED);
	CHECK_INT("P9.6 frozen as before", bed_verdict(&bed, &b), ==, SOU_HELD_FORK);
	CHECK_INT("P10.7", sou_scope_tops(bed.scope, tops, 4), ==, 3);
	bed_fini(&bed);
}
