/* test_authority.c - what authority.h answers beside verdicts: lines, organisations, invites,
 * leaves, reading (P8.14) and roles. Trunk and rules: test_verdict_rules.c; to the byte:
 * test_vectors_orders.c. */
#include "proto/authority.h"
#include "tests/lib/bed.h"
#include "tests/lib/check.h"

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static struct sou_hash one(struct bed *bed, struct sou_effect e)
{
	return bed_op(bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
}

static void settle(struct bed *bed)
{
	CHECK_INT("settle", sou_authority_settle(bed->authority), ==, SOU_OK);
}

TEST(authority, empty)
{
	struct sou_authority *a;
	struct sou_hash pinned = bed_hash("genesis", 1), out;
	struct sou_id id = bed_id("some", 1), org;
	CHECK_INT("new", sou_authority_new(&a, &pinned), ==, SOU_OK);
	CHECK_INT("settle", sou_authority_settle(a), ==, SOU_OK);
	CHECK_U64("nothing was added", sou_authority_generation(a), ==, 0);
	out = sou_authority_head(a);
	CHECK("no head", sou_hash_is_zero(&out));
	out = sou_authority_genesis(a);
	CHECK_MEM("pinned", out.b, 32, pinned.b, 32);
	CHECK_INT("ops", sou_authority_op_count(a), ==, 0);
	CHECK_INT("leaves", sou_authority_leaves(a, &out, 1), ==, 0);
	CHECK("R7 nobody may", !sou_authority_may_read(a, &id, &id, &id, NULL, 0));
	CHECK_INT("R7 nobody may", sou_authority_roles(a, &id, &id, &id), ==, 0);
	CHECK_INT("P7.5", sou_authority_scope_kind(a, &id, &org), ==, SOU_SCOPE_PROJECT);
	const struct sou_effect *invite;
	CHECK_INT("invite", sou_authority_invite(a, &id, &invite), ==, SOU_EUNKNOWN);
	struct sou_authop other = {.id = bed_hash("genesis", 2)};
	CHECK_INT("P8.3 another genesis", sou_authority_add_checked(a, &other, text(""), text("")),
		  ==, SOU_EUNKNOWN);
	sou_authority_free(a);
	sou_authority_free(NULL);
}

TEST(authority, what_is_refused)
{
	struct bed bed;
	bed_init(&bed, false);
	const struct sou_effect e = {.type = SOU_EFFECT_ORG_CLOSE, .org = bed.org};
	const struct sou_authop good = {.id = bed_hash("op", 900),
					.prev = bed.head,
					.net = bed.net,
					.seq = bed.head_seq,
					.tier = SOU_TIER_OPERATIONAL,
					.effects = (struct sou_effect *)&e,
					.effect_count = 1};
	struct sou_authop op = good;
	op.prev = bed_hash("op", 901);
	CHECK_INT("P8.3 prev", sou_authority_add_checked(bed.authority, &op, text(""), text("")),
		  ==, SOU_EUNKNOWN);
	op = good;
	op.seq++;
	CHECK_INT("P8.2 seq", sou_authority_add_checked(bed.authority, &op, text(""), text("")), ==,
		  SOU_EFORMAT);
	op = good;
	op.net.b[0] ^= 1;
	CHECK_INT("P8.1 net", sou_authority_add_checked(bed.authority, &op, text(""), text("")), ==,
		  SOU_EFORMAT);
	op = good;
	op.tier = 4;
	CHECK_INT("P8.2 tier", sou_authority_add_checked(bed.authority, &op, text(""), text("")),
		  ==, SOU_EFORMAT);
	CHECK_INT("good", sou_authority_add_checked(bed.authority, &good, text("op"), text("sigs")),
		  ==, SOU_OK);
	CHECK_INT("again",
		  sou_authority_add_checked(bed.authority, &good, text("op"), text("sigs")), ==,
		  SOU_EEXIST);

	struct sou_hash id, prev;
	struct sou_span bytes, sigs;
	size_t at = sou_authority_index(bed.authority, &good.id);
	CHECK_INT("place", at, ==, 2);
	sou_authority_op(bed.authority, at, &id, &prev, &bytes, &sigs);
	CHECK_MEM("id", id.b, 32, good.id.b, 32);
	CHECK_MEM("prev", prev.b, 32, good.prev.b, 32);
	CHECK_MEM("bytes", bytes.p, bytes.n, "op", 2);
	CHECK_MEM("signatures", sigs.p, sigs.n, "sigs", 4);
	struct sou_hash never = bed_hash("never", 0);
	CHECK("not known", sou_authority_index(bed.authority, &never) == SIZE_MAX);
	bed_fini(&bed);
}

TEST(authority, lines)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key first = bed_open(&bed, "w"), second = bed_open(&bed, "w");
	settle(&bed);
	const struct sou_line *line = sou_authority_line(bed.authority, &first.opening);
	REQUIRE("P8.7", line != NULL);
	CHECK_MEM("key id", line->key_id.b, 16, first.key.b, 16);
	CHECK("by key", sou_authority_key(bed.authority, &first.site, &first.key) == line);
	const struct sou_line *newest = sou_authority_site(bed.authority, &first.site);
	REQUIRE("newest", newest != NULL);
	CHECK_MEM("newest", newest->opening.b, 32, second.opening.b, 32);
	CHECK_MEM("the second key keeps the organisation", newest->org.b, 16, bed.org.b, 16);
	CHECK("by TLS key", sou_authority_by_tls(bed.authority, &newest->tls) == newest);
	CHECK("unknown", sou_authority_by_tls(bed.authority, &first.opening) == NULL);
	CHECK("unknown", sou_authority_line(bed.authority, &bed.head) == newest);
	CHECK_INT("hub, two of w", sou_authority_line_count(bed.authority), ==, 3);
	CHECK("in order", sou_authority_line_at(bed.authority, 2) == newest);
	CHECK("first", !sou_authority_key_withdrawn(bed.authority, &first.site, &first.key));
	one(&bed,
	    (struct sou_effect){.type = SOU_EFFECT_CUT, .site = first.site, .key_id = first.key});
	settle(&bed);
	CHECK("R8 withdrawn", sou_authority_key_withdrawn(bed.authority, &first.site, &first.key));
	CHECK("R8 the other is not",
	      !sou_authority_key_withdrawn(bed.authority, &second.site, &second.key));
	bed_fini(&bed);
}

static int by_id(const void *a, const void *b)
{
	return sou_hash_cmp(a, b);
}

TEST(authority, leaves_and_set)
{
	struct bed bed;
	bed_init(&bed, false);
	struct sou_hash base = bed.head, leaves[4], empty = sou_authority_hash(bed.authority);
	uint64_t seq = bed.head_seq;
	const struct sou_effect close = {.type = SOU_EFFECT_ORG_CLOSE, .org = bed.org};
	struct sou_hash x = one(&bed, close);
	bed.head = base;
	bed.head_seq = seq;
	struct sou_hash y = one(&bed, close);
	settle(&bed);
	CHECK("P8.10 forked", sou_authority_forked(bed.authority));
	CHECK_INT("P11.4", sou_authority_leaves(bed.authority, leaves, 4), ==, 2);
	CHECK("P11.4 ascending", sou_hash_cmp(&leaves[0], &leaves[1]) < 0);
	CHECK("P11.4 both", sou_hash_eq(&leaves[0], &x) != sou_hash_eq(&leaves[0], &y));
	CHECK_INT("cut at the room there is", sou_authority_leaves(bed.authority, leaves, 1), ==,
		  2);
	struct sou_hash hash = sou_authority_hash(bed.authority);
	CHECK("P10.8 of the set", memcmp(hash.b, empty.b, 32) != 0);
	struct sou_hash ids[4];
	for (size_t i = 0; i < 4; i++) {
		struct sou_hash prev;
		struct sou_span op, sigs;
		sou_authority_op(bed.authority, i, &ids[i], &prev, &op, &sigs);
	}
	qsort(ids, 4, sizeof *ids, by_id);
	struct sou_hash want = sou_hash_bytes(SOU_DOMAIN_AUTHORITY_SET, ids, sizeof ids);
	CHECK_MEM("P10.8", hash.b, 32, want.b, 32);
	const struct sou_org *org = sou_authority_org(bed.authority, &bed.org);
	CHECK("P8.11 nothing of branches but restrictions", org != NULL && !org->closed);
	bed_fini(&bed);
}

TEST(authority, organisations)
{
	struct bed bed;
	bed_init(&bed, false);
	const struct sou_effect orgs[] = {
		{.type = SOU_EFFECT_ORG,
		 .number = 2,
		 .has_org = true,
		 .org = bed.hq,
		 .handle = text("chiiki"),
		 .name = text("地域福祉部"),
		 .short_name = text("地域"),
		 .code = text("")},
		{.type = SOU_EFFECT_ORG,
		 .number = 4,
		 .parent_is_index = true,
		 .index = 0,
		 .handle = text("w1"),
		 .name = text("例 区社協"),
		 .short_name = text("例"),
		 .code = text("131016")},
	};
	struct sou_hash op = bed_op(&bed, SOU_TIER_OPERATIONAL, 0, orgs, 2);
	settle(&bed);
	struct sou_id first = sou_entity_org(&op, 0), second = sou_entity_org(&op, 1), org;
	CHECK_INT("hq, the bed's, two", sou_authority_org_count(bed.authority), ==, 4);
	const struct sou_org *o = sou_authority_org_at(bed.authority, 3);
	CHECK_MEM("in the order made", o->id.b, 16, second.b, 16);
	CHECK_MEM("P8.4 parent by index", o->parent.b, 16, first.b, 16);
	CHECK_MEM("code", o->code.p, o->code.n, "131016", 6);
	CHECK("by handle", sou_authority_org_handle(bed.authority, text("w1")) == o);
	CHECK("by handle", sou_authority_org_handle(bed.authority, text("w")) == NULL);
	struct sou_id hq = sou_authority_hq(bed.authority);
	CHECK_MEM("P8.4 genesis", hq.b, 16, bed.hq.b, 16);
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &second),
		      plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	CHECK_INT("P7.5", sou_authority_scope_kind(bed.authority, &scope, &org), ==, SOU_SCOPE_ORG);
	CHECK_MEM("P7.5 its organisation", org.b, 16, second.b, 16);
	CHECK_INT("P7.5", sou_authority_scope_kind(bed.authority, &plan, &org), ==, SOU_SCOPE_PLAN);
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_ORG_NAME,
				      .org = second,
				      .name = text("例 新名"),
				      .short_name = text("新"),
				      .text = text("2024-04-01")});
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_ORG_CLOSE, .org = first});
	settle(&bed);
	o = sou_authority_org(bed.authority, &second);
	REQUIRE("known", o != NULL);
	CHECK_MEM("P8.4 org-name", o->short_name.p, o->short_name.n, "新", strlen("新"));
	CHECK("open", !o->closed);
	CHECK("P8.4 org-close", sou_authority_org(bed.authority, &first)->closed);
	CHECK("R7 below headquarters",
	      sou_authority_in_subtree(bed.authority, &bed.hq, &second, false));
	CHECK("itself", sou_authority_in_subtree(bed.authority, &second, &second, false));
	CHECK("not above", !sou_authority_in_subtree(bed.authority, &second, &first, true));
	CHECK("unknown", !sou_authority_in_subtree(bed.authority, &bed.net, &first, true));
	bed_fini(&bed);
}

TEST(authority, circles)
{
	struct bed bed;
	bed_init(&bed, false);
	const struct sou_effect orgs[] = {
		{.type = SOU_EFFECT_ORG, .number = 2, .has_org = true, .org = bed.org},
		{.type = SOU_EFFECT_ORG, .number = 4, .parent_is_index = true, .index = 0},
	};
	struct sou_hash op = bed_op(&bed, SOU_TIER_OPERATIONAL, 0, orgs, 2);
	struct sou_id a = sou_entity_org(&op, 0), b = sou_entity_org(&op, 1);
	const struct {
		const char *name;
		struct sou_id org, parent;
		bool admissible;
	} rows[] = {
		{"P8.5 below itself", a, a, false},
		{"P8.5 below its child", a, b, false},
		{"P8.5 below its child's child", bed.org, b, false},
		{"P8.5 headquarters", bed.hq, a, false},
		{"P8.5 elsewhere", b, bed.hq, true},
		{"P8.5 its child no more", a, b, true},
		{"P8.5 by the moves before", b, a, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sou_hash id = one(&bed, (struct sou_effect){.type = SOU_EFFECT_ORG_MOVE,
								   .org = rows[i].org,
								   .id = rows[i].parent});
		CHECK_INT(rows[i].name, sou_authority_admissible(bed.authority, &id), ==,
			  rows[i].admissible);
		settle(&bed);
	}
	bed_fini(&bed);
}

TEST(authority, invites)
{
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	struct bed bed;
	bed_init(&bed, false);
	struct sou_effect invite = {.type = SOU_EFFECT_INVITE,
				    .key = bed_hash("invite", 1),
				    .org = bed.org,
				    .roles = SOU_ROLE_EDITOR,
				    .number = 77};
	struct sou_id id = sou_key_id(&invite.key);
	const struct sou_effect *got;
	one(&bed, invite);
	settle(&bed);
	REQUIRE("open", sou_authority_invite(bed.authority, &id, &got) == SOU_OK);
	CHECK_U64("expiry", got->number, ==, 77);
	struct sou_effect enrol = {.type = SOU_EFFECT_ENROL,
				   .key_id = id,
				   .site = bed_id("n", 0),
				   .key = bed_hash("n", 1),
				   .tls = bed_hash("n", 2),
				   .signature = {signature, sizeof signature}};
	bed_op(&bed, SOU_TIER_HUB, 0, &enrol, 1);
	settle(&bed);
	CHECK_INT("P8.9 used", sou_authority_invite(bed.authority, &id, &got), ==, SOU_ESTATE);
	CHECK("P8.7 a line", sou_authority_site(bed.authority, &enrol.site) != NULL);
	enrol.site = bed_id("n", 1);
	enrol.key = bed_hash("n", 3);
	enrol.tls = bed_hash("n", 4);
	struct sou_hash again = bed_op(&bed, SOU_TIER_HUB, 0, &enrol, 1);
	CHECK("P8.9 used before", !sou_authority_admissible(bed.authority, &again));
	settle(&bed);
	CHECK("P8.9 without effect", sou_authority_site(bed.authority, &enrol.site) == NULL);
	invite.key = bed_hash("invite", 2);
	id = sou_key_id(&invite.key);
	one(&bed, invite);
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_INVITE_END, .key_id = id});
	settle(&bed);
	CHECK_INT("P8.4 ended", sou_authority_invite(bed.authority, &id, &got), ==, SOU_ESTATE);
	bed_fini(&bed);
}

enum where { AUTHORITY, PLAN, ORG, HQ, PROJECT };

/* A grant to one site, then which scopes it reads; the project's responsible organisation is the
 * bed's. */
static const struct {
	const char *name;
	uint16_t roles;
	uint8_t reach;
	enum where id;    /* of the grant */
	uint8_t narrowed; /* 1: rest 0 without a pair; 2: rest 1; 3: rest 0 and a pair of the org
			     scope; 4: 1, then 2; 5: rest 1 and a pair of the org scope; 6: 1 for
			     the organisation; 7: 1 for headquarters; 8: 5 for the organisation */
	bool cut;
	bool plan, org, hq, project;
} read_rows[] = {
	{"P8.14 no grant", 0, 0, ORG, 0, false, false, false, false, false},
	{"P8.14 editor of one", SOU_ROLE_EDITOR, 0, ORG, 0, false, true, true, false, true},
	{"P8.14 reader of one", SOU_ROLE_READER, 0, ORG, 0, false, true, true, false, true},
	{"P8.14 submitter, all projects of one", SOU_ROLE_SUBMITTER, 2, ORG, 0, false, true, false,
	 false, true},
	{"P8.14 all projects of another", SOU_ROLE_SUBMITTER, 2, HQ, 0, false, true, false, false,
	 false},
	{"P8.14 reader of a subtree", SOU_ROLE_READER, 1, ORG, 0, false, true, true, false, true},
	{"P8.14 reader of headquarters: all", SOU_ROLE_READER, 1, HQ, 0, false, true, true, true,
	 true},
	{"P8.14 anchor of all", SOU_ROLE_ANCHOR, 3, ORG, 0, false, true, true, true, true},
	{"P8.14 planner of plan", SOU_ROLE_PLANNER, 0, PLAN, 0, false, true, false, false, false},
	{"P8.14 reach 0 names the project", SOU_ROLE_READER, 0, PROJECT, 0, false, true, false,
	 false, true},
	{"P8.7 admin reads nothing", SOU_ROLE_ADMIN, 0, ORG, 0, false, false, false, false, false},
	{"P8.14 ended", SOU_ROLE_EDITOR, 0, ORG, 1, false, false, false, false, false},
	{"P8.14 the rest stays", SOU_ROLE_EDITOR, 0, ORG, 2, false, true, true, false, true},
	{"P8.14 ended at ids", SOU_ROLE_EDITOR, 0, ORG, 3, false, false, false, false, false},
	{"P8.14 an organisation left", SOU_ROLE_EDITOR, 0, ORG, 5, false, false, false, false,
	 false},
	{"P8.14 an organisation of the subtree left", SOU_ROLE_READER, 1, HQ, 5, false, true, false,
	 true, true},
	{"P8.14 all projects of one, ended for it", SOU_ROLE_SUBMITTER, 2, ORG, 6, false, true,
	 false, false, false},
	{"P8.14 ended for another", SOU_ROLE_SUBMITTER, 2, ORG, 7, false, true, false, false, true},
	{"P8.14 ended for it in its own scope", SOU_ROLE_EDITOR, 0, ORG, 6, false, true, false,
	 false, false},
	{"P8.14 at ids", SOU_ROLE_EDITOR, 0, ORG, 8, false, true, false, false, false},
	{"P8.13 the latest counts", SOU_ROLE_EDITOR, 0, ORG, 4, false, true, true, false, true},
	{"P8.14 a cut key", SOU_ROLE_READER, 1, HQ, 0, true, false, false, false, false},
};

TEST(authority, reading)
{
	for (size_t i = 0; i < ARRAY_LEN(read_rows); i++) {
		const char *name = read_rows[i].name;
		struct bed bed;
		bed_init(&bed, false);
		struct bed_key w = bed_open(&bed, "w");
		struct sou_id entity = bed_id("project", 1);
		struct sou_id scopes[] = {
			sou_scope_id(SOU_SCOPE_AUTHORITY, NULL), sou_scope_id(SOU_SCOPE_PLAN, NULL),
			sou_scope_id(SOU_SCOPE_ORG, &bed.org), sou_scope_id(SOU_SCOPE_ORG, &bed.hq),
			sou_scope_id(SOU_SCOPE_PROJECT, &entity)};
		bool scoped = read_rows[i].reach == SOU_REACH_SCOPE;
		struct sou_id id = scoped                  ? scopes[read_rows[i].id]
				   : read_rows[i].id == HQ ? bed.hq
							   : bed.org;
		struct sou_hash grant = one(&bed, (struct sou_effect){.type = SOU_EFFECT_GRANT,
								      .site = w.site,
								      .roles = read_rows[i].roles,
								      .reach = read_rows[i].reach,
								      .id = id});
		const struct sou_hash pinned = bed_hash("pin", 0);
		const struct sou_pins pin = {scopes[ORG], 0, 1};
		struct sou_effect narrow = {.type = SOU_EFFECT_NARROW,
					    .op = grant,
					    .site = w.site,
					    .roles = read_rows[i].roles,
					    .rest = read_rows[i].narrowed == 2 ||
						    read_rows[i].narrowed == 5 ||
						    read_rows[i].narrowed == 8,
					    .has_for = read_rows[i].narrowed >= 6,
					    .org = read_rows[i].narrowed == 7   ? bed.hq
						   : read_rows[i].narrowed >= 6 ? bed.org
										: bed.net};
		if (read_rows[i].narrowed == 3 || read_rows[i].narrowed == 5 ||
		    read_rows[i].narrowed == 8) {
			narrow.pins = &pin;
			narrow.pin_count = narrow.id_count = 1;
			narrow.ids = &pinned;
		}
		if (read_rows[i].narrowed != 0)
			one(&bed, narrow);
		narrow.rest = 1;
		if (read_rows[i].narrowed == 4)
			one(&bed, narrow);
		if (read_rows[i].cut)
			one(&bed, (struct sou_effect){
					  .type = SOU_EFFECT_CUT, .site = w.site, .key_id = w.key});
		settle(&bed);
		const bool want[] = {true, read_rows[i].plan, read_rows[i].org, read_rows[i].hq,
				     read_rows[i].project};
		for (size_t k = 0; k < ARRAY_LEN(scopes); k++)
			CHECK_INT(test_printf("%s: scope %zu", name, k),
				  sou_authority_may_read(bed.authority, &w.site, &w.key, &scopes[k],
							 &bed.org, 1),
				  ==, want[k]);
		struct sou_id other = bed_id("key", 0);
		CHECK(name,
		      !sou_authority_may_read(bed.authority, &w.site, &other, &scopes[0], NULL, 0));
		bed_fini(&bed);
	}
}

TEST(authority, roles)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = bed_open(&bed, "w");
	struct sou_hash grant = bed_grant(&bed, "w", SOU_ROLE_EDITOR | SOU_ROLE_APPROVER);
	struct sou_id entity = bed_id("project", 1),
		      project = sou_scope_id(SOU_SCOPE_PROJECT, &entity);
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_GRANT,
				      .site = w.site,
				      .roles = SOU_ROLE_SUBMITTER,
				      .reach = SOU_REACH_PROJECTS,
				      .id = bed.org});
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_GRANT,
				      .site = w.site,
				      .roles = SOU_ROLE_REVIEWER,
				      .reach = SOU_REACH_SUBTREE,
				      .id = bed.hq});
	settle(&bed);
	CHECK_INT("P8.8 org scope", sou_authority_roles(bed.authority, &w.site, &bed.id, &bed.org),
		  ==, SOU_ROLE_EDITOR | SOU_ROLE_APPROVER | SOU_ROLE_REVIEWER);
	CHECK_INT("P8.8 for of another there",
		  sou_authority_roles(bed.authority, &w.site, &bed.id, &bed.hq), ==, 0);
	CHECK_INT("P8.8 project scope",
		  sou_authority_roles(bed.authority, &w.site, &project, &bed.org), ==,
		  SOU_ROLE_SUBMITTER | SOU_ROLE_REVIEWER);
	CHECK_INT("P8.8 for of another there",
		  sou_authority_roles(bed.authority, &w.site, &project, &bed.hq), ==,
		  SOU_ROLE_REVIEWER);
	CHECK_INT("P8.8 of nobody", sou_authority_roles(bed.authority, &w.site, &project, &entity),
		  ==, 0);
	const struct sou_pins pin = {bed.id, 0, 0};
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_NARROW,
				      .op = grant,
				      .site = w.site,
				      .roles = SOU_ROLE_EDITOR,
				      .rest = 1,
				      .pins = &pin,
				      .pin_count = 1});
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_NARROW,
				      .op = grant,
				      .site = w.site,
				      .roles = SOU_ROLE_APPROVER,
				      .has_for = true,
				      .org = bed.hq});
	settle(&bed);
	CHECK_INT("P8.13 narrowed", sou_authority_roles(bed.authority, &w.site, &bed.id, &bed.org),
		  ==, SOU_ROLE_APPROVER | SOU_ROLE_REVIEWER);
	bed_fini(&bed);
}

/* Ops of one chain, each with one effect, that are admissible or not by what came before. */
TEST(authority, admissible)
{
	struct sou_hash root = bed_hash("root", 0);
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = bed_open(&bed, "w");
	const struct sou_effect keys = {.type = SOU_EFFECT_KEYS,
					.threshold = 1,
					.ids = &root,
					.id_count = 1,
					.key = bed_hash("operational", 1)};
	const struct sou_effect open = {.type = SOU_EFFECT_OPEN,
					.has_org = true,
					.org = bed.org,
					.site = bed_id("v", 0),
					.key = bed_hash("v", 1),
					.tls = bed_hash("v", 2)};
	struct sou_effect nowhere = open, again = open, known = open, tls = open;
	nowhere.org = bed.net;
	again.has_org = false;
	again.key = bed_hash("v", 3);
	known.key = bed_hash("v", 4);
	tls.site = bed_id("u", 0);
	tls.key = bed_hash("v", 5);
	struct sou_effect unused = tls;
	unused.tls = bed_hash("v", 6);
	const struct sou_effect grant = {.type = SOU_EFFECT_GRANT, .site = w.site, .id = bed.id};
	struct sou_effect far = grant, stranger = grant, beyond = grant;
	far.reach = SOU_REACH_SUBTREE;
	stranger.site = bed_id("nobody", 0);
	beyond.reach = 4;
	const struct sou_effect hub = {
		.type = SOU_EFFECT_HUB, .key = bed_hash("hub", 3), .tls = bed_hash("hub", 9)};
	struct sou_effect hub_used = hub;
	hub_used.key = bed_hash("operational", 1);
	const struct {
		const char *name;
		enum sou_tier tier;
		uint64_t counter;
		const struct sou_effect *effect;
		bool admissible;
	} rows[] = {
		{"P8.5 keys", SOU_TIER_ROOT, 5, &keys, true},
		{"P8.2 a counter that stands still", SOU_TIER_ROOT, 5, &keys, false},
		{"P8.2 the highest there is", SOU_TIER_ROOT, UINT64_MAX, &keys, true},
		{"P8.2 nothing is above it", SOU_TIER_ROOT, UINT64_MAX, &keys, false},
		{"P8.5 keys by the operational key", SOU_TIER_OPERATIONAL, 0, &keys, false},
		{"P8.5 a grant by root", SOU_TIER_ROOT, 7, &grant, false},
		{"P8.2 a counter of an operational op", SOU_TIER_OPERATIONAL, 1, &grant, false},
		{"P8.5 grant", SOU_TIER_OPERATIONAL, 0, &grant, true},
		{"P8.5 to a site that is not known", SOU_TIER_OPERATIONAL, 0, &stranger, false},
		{"P8.5 below no organisation", SOU_TIER_OPERATIONAL, 0, &far, false},
		{"P8.5 reach", SOU_TIER_OPERATIONAL, 0, &beyond, false},
		{"P8.5 open of no organisation", SOU_TIER_OPERATIONAL, 0, &nowhere, false},
		{"P8.5 open", SOU_TIER_OPERATIONAL, 0, &open, true},
		{"P8.5 with an organisation, but known", SOU_TIER_OPERATIONAL, 0, &known, false},
		{"P8.5 a second key", SOU_TIER_OPERATIONAL, 0, &again, true},
		{"P4.2 the same key again", SOU_TIER_OPERATIONAL, 0, &again, false},
		{"P4.2 the TLS key of another site", SOU_TIER_OPERATIONAL, 0, &tls, false},
		{"P8.5 what had no effect used no key", SOU_TIER_OPERATIONAL, 0, &unused, true},
		{"P4.2 the checkpoint key for the same", SOU_TIER_OPERATIONAL, 0, &hub, true},
		{"P4.2 operational key as the hub's", SOU_TIER_OPERATIONAL, 0, &hub_used, false},
		{"P8.5 hub's tier writes enrol alone", SOU_TIER_HUB, 0, &grant, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sou_hash id = bed_op(&bed, rows[i].tier, rows[i].counter, rows[i].effect, 1);
		CHECK_INT(rows[i].name, sou_authority_admissible(bed.authority, &id), ==,
			  rows[i].admissible);
	}
	bed_fini(&bed);
}

TEST(authority, roles_of_one_organisation)
{
	static const struct {
		const char *name;
		uint16_t roles;
		uint8_t reach;
		bool admissible;
	} reaches[] = {
		{"R7 editor of one scope", SOU_ROLE_EDITOR, SOU_REACH_SCOPE, true},
		{"R7 editor of a subtree", SOU_ROLE_EDITOR, SOU_REACH_SUBTREE, false},
		{"R7 submitter of one organisation", SOU_ROLE_SUBMITTER, SOU_REACH_PROJECTS, true},
		{"R7 submitter of a subtree", SOU_ROLE_SUBMITTER, SOU_REACH_SUBTREE, false},
		{"R7 submitter of all", SOU_ROLE_SUBMITTER, SOU_REACH_ALL, false},
		{"R7 approver of all", SOU_ROLE_APPROVER, SOU_REACH_ALL, false},
		{"R7 with a role that may", SOU_ROLE_READER | SOU_ROLE_APPROVER, SOU_REACH_SUBTREE,
		 false},
		{"R7 reader and reviewer of a subtree", SOU_ROLE_READER | SOU_ROLE_REVIEWER,
		 SOU_REACH_SUBTREE, true},
		{"R7 anchor of all", SOU_ROLE_ANCHOR | SOU_ROLE_ADMIN, SOU_REACH_ALL, true},
	};
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = bed_open(&bed, "w");
	for (size_t i = 0; i < ARRAY_LEN(reaches); i++) {
		struct sou_hash id = one(&bed, (struct sou_effect){.type = SOU_EFFECT_GRANT,
								   .site = w.site,
								   .roles = reaches[i].roles,
								   .reach = reaches[i].reach,
								   .id = bed.org});
		CHECK_INT(reaches[i].name, sou_authority_admissible(bed.authority, &id), ==,
			  reaches[i].admissible);
	}
	bed_fini(&bed);
}

/* Organisations and invites that are not there. */
TEST(authority, names_what_is_not)
{
	struct bed bed;
	bed_init(&bed, false);
	const struct sou_id none = bed_id("none", 0);
	const struct {
		const char *name;
		struct sou_effect e;
	} rows[] = {
		{"P8.5 parent nil", {.type = SOU_EFFECT_ORG, .number = 2}},
		{"P8.5 a parent that is not known",
		 {.type = SOU_EFFECT_ORG, .number = 2, .has_org = true, .org = none}},
		{"P8.5 its own index",
		 {.type = SOU_EFFECT_ORG, .number = 2, .parent_is_index = true, .index = 0}},
		{"P8.5 a later index",
		 {.type = SOU_EFFECT_ORG, .number = 2, .parent_is_index = true, .index = 1}},
		{"P8.5 name", {.type = SOU_EFFECT_ORG_NAME, .org = none}},
		{"P8.5 close", {.type = SOU_EFFECT_ORG_CLOSE, .org = none}},
		{"P8.5 move", {.type = SOU_EFFECT_ORG_MOVE, .org = none, .id = bed.hq}},
		{"P8.5 move below", {.type = SOU_EFFECT_ORG_MOVE, .org = bed.org, .id = none}},
		{"P8.5 invite", {.type = SOU_EFFECT_INVITE, .key = bed_hash("i", 1), .org = none}},
		{"P8.5 invite-end", {.type = SOU_EFFECT_INVITE_END, .key_id = none}},
		{"P8.4 rest", {.type = SOU_EFFECT_NARROW, .op = bed.head, .rest = 2}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sou_hash id = one(&bed, rows[i].e);
		CHECK(rows[i].name, !sou_authority_admissible(bed.authority, &id));
	}
	bed_fini(&bed);
}

/* P8.13: by op, site and role; so of whatever reach the op grants the role. */
TEST(authority, a_narrowing_of_several_reaches)
{
	static const struct {
		const char *name;
		uint8_t rest;
		bool pair; /* of scope plan */
		uint32_t in_plan, in_org;
	} rows[] = {
		{"P8.13 both end", 0, false, 0, 0},
		{"P8.13 both stay", 1, false, SOU_ROLE_REVIEWER, SOU_ROLE_REVIEWER},
		{"P8.13 one ends at ids, the rest stays", 1, true, 0, SOU_ROLE_REVIEWER},
		{"P8.13 one ends at ids, the rest ends", 0, true, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bed bed;
		bed_init(&bed, false);
		struct bed_key w = bed_open(&bed, "w");
		struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
		const struct sou_effect grants[] = {{.type = SOU_EFFECT_GRANT,
						     .site = w.site,
						     .roles = SOU_ROLE_REVIEWER,
						     .reach = SOU_REACH_SUBTREE,
						     .id = bed.hq},
						    {.type = SOU_EFFECT_GRANT,
						     .site = w.site,
						     .roles = SOU_ROLE_REVIEWER,
						     .id = plan}};
		struct sou_hash op = bed_op(&bed, SOU_TIER_OPERATIONAL, 0, grants, 2);
		const struct sou_pins pin = {plan, 0, 0};
		one(&bed, (struct sou_effect){.type = SOU_EFFECT_NARROW,
					      .op = op,
					      .site = w.site,
					      .roles = SOU_ROLE_REVIEWER,
					      .rest = rows[i].rest,
					      .pins = &pin,
					      .pin_count = rows[i].pair});
		settle(&bed);
		CHECK_INT(rows[i].name,
			  sou_authority_roles(bed.authority, &w.site, &plan, &bed.org), ==,
			  rows[i].in_plan);
		CHECK_INT(rows[i].name,
			  sou_authority_roles(bed.authority, &w.site, &bed.id, &bed.org), ==,
			  rows[i].in_org);
		bed_fini(&bed);
	}
}

TEST(authority, keys_that_are_not_fit)
{
	struct sou_hash root = bed_hash("root", 0), unfit = {{1}};
	const struct sou_effect keys = {.type = SOU_EFFECT_KEYS,
					.threshold = 1,
					.ids = &root,
					.id_count = 1,
					.key = bed_hash("operational", 1)};
	struct sou_effect two = keys, none = keys, used = keys, weak = keys, twice = keys;
	const struct sou_hash same[] = {root, root};
	twice.ids = same;
	twice.id_count = 2;
	two.threshold = 2;
	none.threshold = 0;
	used.key = bed_hash("key", 3); /* of the site */
	weak.key = unfit;
	struct bed fresh;
	bed_init(&fresh, false);
	bed_open(&fresh, "w");
	const struct sou_effect *const bad[] = {&two, &none, &used, &weak, &twice};
	static const char *const names[] = {"P8.5 threshold above the keys", "P8.5 threshold 0",
					    "P4.2 a site's key as operational key",
					    "P4.2 a point of small order", "P8.4 a root key twice"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sou_hash id = bed_op(&fresh, SOU_TIER_ROOT, i + 1, bad[i], 1);
		CHECK(names[i], !sou_authority_admissible(fresh.authority, &id));
	}
	bed_fini(&fresh);
}

TEST(authority, a_root_op_without_effect_settles_nothing)
{
	struct bed bed;
	bed_init(&bed, false);
	struct bed_key w = bed_open(&bed, "w");
	struct sou_hash base = bed.head;
	uint64_t seq = bed.head_seq;
	const struct sou_effect recover = {.type = SOU_EFFECT_RECOVER};
	const struct sou_effect grant = {.type = SOU_EFFECT_GRANT, .site = w.site, .id = bed.id};
	struct sou_hash good = bed_op(&bed, SOU_TIER_ROOT, 1, &recover, 1);
	bed.head = base;
	bed.head_seq = seq;
	bed_op(&bed, SOU_TIER_ROOT, 2, &grant, 1); /* root writes no grants */
	settle(&bed);
	struct sou_hash head = sou_authority_head(bed.authority);
	CHECK_MEM("P8.10 those that are admissible", head.b, 32, good.b, 32);
	CHECK("P8.10", !sou_authority_forked(bed.authority));
	bed_fini(&bed);
}

TEST(authority, too_new)
{
	struct bed bed;
	bed_init(&bed, false);
	bed_open(&bed, "w");
	const struct sou_effect mixed[] = {
		{.type = SOU_EFFECT_GRANT, .site = bed_id("nobody", 0), .id = bed.id},
		{.type = 200},
	};
	struct sou_hash op = bed_op(&bed, SOU_TIER_OPERATIONAL, 0, mixed, 2);
	struct bed_key later = {.site = bed_id("later", 0)};
	one(&bed, (struct sou_effect){.type = SOU_EFFECT_OPEN,
				      .has_org = true,
				      .org = bed.org,
				      .site = later.site,
				      .key = bed_hash("later", 1),
				      .tls = bed_hash("later", 2)});
	settle(&bed);
	CHECK("P8.6 whatever else is in it", sou_authority_too_new(bed.authority));
	CHECK("P8.6", !sou_authority_admissible(bed.authority, &op));
	CHECK("P8.6 nothing from it on", sou_authority_site(bed.authority, &later.site) == NULL);
	struct sou_hash head = sou_authority_head(bed.authority);
	CHECK_MEM("P8.10 the trunk goes on", head.b, 32, bed.head.b, 32);
	bed_fini(&bed);
}

/* A genesis that is pinned and not fit makes an authority under which nobody may. */
TEST(authority, genesis_that_is_not_fit)
{
	struct sou_hash root = bed_hash("root", 0);
	const struct sou_effect good[] = {
		{.type = SOU_EFFECT_KEYS,
		 .threshold = 1,
		 .ids = &root,
		 .id_count = 1,
		 .key = bed_hash("operational", 0)},
		{.type = SOU_EFFECT_ORG, .number = 1},
		{.type = SOU_EFFECT_OPEN,
		 .has_org = true,
		 .site = bed_id("hub", 0),
		 .key = bed_hash("hub", 1),
		 .tls = bed_hash("hub", 2)},
		{.type = SOU_EFFECT_HUB, .key = bed_hash("hub", 3), .tls = bed_hash("hub", 2)},
	};
	enum { PARENT = 1, INDEX, NO_HUB, NO_KEYS, TWO_ORGS, INVITE };
	static const char *const names[] = {
		"P8.5 fit",     "P8.5 a parent",          "P8.4 its own index", "P8.5 no hub",
		"P8.5 no keys", "P8.5 two organisations", "P8.5 an invite"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sou_effect e[5];
		memcpy(e, good, sizeof good);
		uint32_t count = 4;
		e[1].has_org = i == PARENT;
		e[1].parent_is_index = i == INDEX;
		if (i == NO_HUB)
			count = 3;
		if (i == NO_KEYS)
			e[0] = (struct sou_effect){.type = SOU_EFFECT_GRANT, .site = e[2].site};
		if (i == TWO_ORGS)
			e[count++] = e[1];
		if (i == INVITE)
			e[count++] = (struct sou_effect){.type = SOU_EFFECT_INVITE,
							 .key = bed_hash("i", 1)};
		const struct sou_authop op = {.id = bed_hash("genesis", i),
					      .net = bed_id("net", 0),
					      .effects = e,
					      .effect_count = count};
		struct sou_authority *a;
		REQUIRE(names[i], sou_authority_new(&a, NULL) == SOU_OK);
		REQUIRE(names[i], sou_authority_add_checked(a, &op, text(""), text("")) == SOU_OK);
		REQUIRE(names[i], sou_authority_settle(a) == SOU_OK);
		CHECK_INT(names[i], sou_authority_admissible(a, &op.id), ==, i == 0);
		CHECK_INT(names[i], sou_authority_org_count(a), ==, i == 0);
		struct sou_authop next = {
			.net = op.net, .prev = op.id, .seq = 1, .tier = SOU_TIER_OPERATIONAL};
		const struct sou_authsig sig = {.key_id = sou_key_id(&good[0].key)};
		struct sou_buf bytes = {0}, sigs = {0};
		REQUIRE(names[i], sou_authop_pack(&next, &bytes) == SOU_OK);
		REQUIRE(names[i], sou_authsigs_pack(&sigs, &sig, 1) == SOU_OK);
		CHECK_INT(test_printf("%s: what stands on it", names[i]),
			  sou_authority_add(a, sou_buf_span(&bytes), sou_buf_span(&sigs)), ==,
			  SOU_ESIG);
		sou_buf_fini(&bytes);
		sou_buf_fini(&sigs);
		sou_authority_free(a);
	}
}
