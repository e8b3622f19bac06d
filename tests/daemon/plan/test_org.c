/* test_org.c - organisations from CSV and invites, with real key files at a hub made by init: what
 * is added and changed, what is refused with line and column, and the passphrase (R7, P8.4). */
#include <stdio.h>

#include "daemon/core.h"
#include "daemon/plan/acts.h"
#include "daemon/replica/hub.h"
#include "proto/invite.h"
#include "tests/daemon/plan/rig.h"

#define PASS "合い言葉 例 0123"

struct office { /* headquarters as `init` leaves it */
	const char *dir;
	struct soud_replica *replica;
	struct sou_signer site, checkpoint;
	struct soud_refusal why;
};

static void office_end(void *arg)
{
	struct office *o = arg;
	soud_refusal_fini(&o->why);
	soud_replica_close(o->replica);
	sou_signer_fini(&o->site);
	sou_signer_fini(&o->checkpoint);
}

static struct office *office_new(void)
{
	struct office *o = test_alloc(sizeof *o);
	struct soud_replica_env env;
	struct sou_err err = {0};
	memset(o, 0, sizeof *o);
	o->dir = test_path("office");
	soud_core_env(&env);
	struct soud_init init = {.data_dir = o->dir,
				 .handle = text("hq"),
				 .name = text("東社協"),
				 .short_name = text("東社協"),
				 .site_name = text("本部"),
				 .passphrase = text(PASS)};
	int rc = soud_hub_init(&init, &env, NULL, &err);
	CHECK_STR("init", err.text, "");
	REQUIRE("init", rc == SOU_OK);
	const struct sou_span none = {NULL, 0};
	REQUIRE("keys", soud_key_open(o->dir, SOUD_KEY_SITE, 0, none, &o->site, &err) == SOU_OK &&
				soud_key_open(o->dir, SOUD_KEY_CHECKPOINT, 0, none, &o->checkpoint,
					      &err) == SOU_OK);
	env.site = &o->site;
	env.checkpoint = &o->checkpoint;
	const struct soud_replica_options options = {0};
	REQUIRE("open", soud_replica_open(&o->replica, test_printf("%s/replica.db", o->dir), &env,
					  &options, &err) == SOU_OK);
	test_at_end(office_end, o);
	return o;
}

/* One act in a transaction of its own. */
#define OFFICE_DO(o, call)                                                                         \
	__extension__({                                                                            \
		struct soud_committed done_;                                                       \
		soud_refusal_fini(&(o)->why);                                                      \
		REQUIRE("begin", soud_replica_begin((o)->replica) == SOU_OK);                      \
		int rc_ = (call);                                                                  \
		REQUIRE("commit", soud_replica_commit((o)->replica, &done_) == SOU_OK);            \
		rc_;                                                                               \
	})

static int import(struct office *o, const char *csv, const char *pass,
		  struct soud_orgs_imported *done)
{
	return OFFICE_DO(
		o, soud_org_import(o->replica, o->dir, csv, pass, "2023-09-01", done, &o->why));
}

static const struct sou_org *org(struct office *o, const char *handle)
{
	return sou_authority_org_handle(soud_replica_authority(o->replica), text(handle));
}

static const char *name_of(struct sou_span name)
{
	return test_printf("%.*s", (int)name.n, (const char *)name.p);
}

static void the_real_list(struct office *o)
{
	const char *csv = (const char *)test_read(SOU_SOURCE_DIR "/tests/data/organisations.csv").b;
	struct soud_orgs_imported done = {0};
	CHECK_INT("no passphrase", import(o, csv, NULL, &done), !=, SOU_OK);
	CHECK_STR("told", sou_msg_id(o->why.msg), "passphrase.missing");
	CHECK_INT("another", import(o, csv, "合い言葉 例 9999", &done), !=, SOU_OK);
	CHECK_STR("told", sou_msg_id(o->why.msg), "passphrase.wrong");
	CHECK_INT("nothing yet", sou_authority_org_count(soud_replica_authority(o->replica)), ==,
		  1);
	CHECK_INT("taken in", import(o, csv, PASS, &done), ==, SOU_OK);
	CHECK_INT("added", done.added, ==, 64);
	CHECK_INT("headquarters' name was short", done.changed, ==, 1);
	CHECK_INT("one op", done.ops, ==, 1);
	CHECK_INT("again", import(o, csv, PASS, &done), ==, SOU_OK);
	CHECK_INT("added", done.added, ==, 0);
	CHECK_INT("changed", done.changed, ==, 0);
	CHECK_INT("unchanged", done.unchanged, ==, 65);
	CHECK_INT("no op", done.ops, ==, 0);
	const struct sou_authority *a = soud_replica_authority(o->replica);
	CHECK_INT("all", sou_authority_org_count(a), ==, 65);
	CHECK_STR("D-11 formal order", name_of(sou_authority_org_at(a, 2)->handle), "tvac");
	CHECK_STR("D-11 formal order", name_of(sou_authority_org_at(a, 3)->name),
		  "千代田区社会福祉協議会");
	CHECK_STR("code", name_of(org(o, "w13104")->code), "131041");
	CHECK_INT("kind", org(o, "tvac")->kind, ==, 3);
	CHECK_STR("hq", name_of(org(o, "hq")->name), "東京都社会福祉協議会");
	CHECK("below headquarters", sou_id_eq(&org(o, "tvac")->parent, &org(o, "hq")->id));
}

/* D-10: a name that differs is changed; columns in any order; quotes and line ends as they come. */
static void names_change(struct office *o)
{
	struct soud_orgs_imported done = {0};
	CHECK_INT("first",
		  import(o,
			 "\xEF\xBB\xBF"
			 "name,short_name,id,parent,kind,code\r\n"
			 "\"ボランティア部, 例\",VC,vc,hq,volunteer_centre,\r\n"
			 "\"支部 \"\"例\"\"\",支部,vc-1,vc,division,\r\n",
			 PASS, &done),
		  ==, SOU_OK);
	CHECK_INT("added", done.added, ==, 2);
	CHECK_STR("as quoted", name_of(org(o, "vc")->name), "ボランティア部, 例");
	CHECK_STR("as quoted", name_of(org(o, "vc-1")->name), "支部 \"例\"");
	CHECK("below a line above", sou_id_eq(&org(o, "vc-1")->parent, &org(o, "vc")->id));
	CHECK_INT("second",
		  import(o,
			 "id,kind,parent,code,name,short_name\n"
			 "vc,volunteer_centre,hq,,センター 例,VC\n"
			 "vc-1,division,vc,,支部 \"例\",支部\n",
			 PASS, &done),
		  !=, SOU_OK);
	CHECK_STR("a bare quote", sou_msg_id(o->why.msg), "import.csv");
	CHECK_INT("third",
		  import(o,
			 "id,kind,parent,code,name,short_name\n"
			 "vc,volunteer_centre,hq,,センター 例,VC\n"
			 "vc-1,division,vc,,\"支部 \"\"例\"\"\",支部\n",
			 PASS, &done),
		  ==, SOU_OK);
	CHECK_INT("changed", done.changed, ==, 1);
	CHECK_INT("unchanged", done.unchanged, ==, 1);
	CHECK_STR("the new name", name_of(org(o, "vc")->name), "センター 例");
}

/* More than one op holds (P8.1): parents in ops before, in the same one, and above both. */
static void many(struct office *o)
{
	struct soud_orgs_imported done = {0};
	size_t count = 2500;
	char *csv = test_alloc(count * 220 + 100), *p = csv;
	p += snprintf(p, 100, "id,kind,parent,code,name,short_name\n");
	for (size_t i = 0; i < count; i++)
		p += snprintf(p, 220, "o%zu,ward_council,%s,,例の社会福祉協議会の名前 %zu,例%zu\n",
			      i,
			      i == 0       ? "hq"
			      : i % 3 == 0 ? test_printf("o%zu", i / 3)
					   : test_printf("o%zu", i - 1),
			      i, i);
	CHECK_INT("taken in", import(o, csv, PASS, &done), ==, SOU_OK);
	CHECK_INT("added", done.added, ==, count);
	CHECK_INT("several ops", done.ops, >, 3);
	for (size_t i = 1; i < count; i++) {
		size_t parent = i % 3 == 0 ? i / 3 : i - 1;
		const struct sou_org *one = org(o, test_printf("o%zu", i));
		REQUIRE("there", one != NULL);
		REQUIRE("below", sou_id_eq(&one->parent, &org(o, test_printf("o%zu", parent))->id));
	}
	CHECK_INT("again", import(o, csv, PASS, &done), ==, SOU_OK);
	CHECK_INT("unchanged", done.unchanged, ==, count);
}

#define HEAD "id,kind,parent,code,name,short_name\n"
#define VC   "vd,volunteer_centre,hq,7,センター 例,VC\n"
static const struct {
	const char *name, *csv, *line, *column;
	enum sou_msg reason;
} refused[] = {
	{"nothing", "", "1", "id", SOU_MSG_REASON_MISSING},
	{"a column less", "id,kind,parent,code,name\n", "1", "short_name", SOU_MSG_REASON_MISSING},
	{"a column more", "id,kind,parent,code,name,short_name,x\n", "1", "x",
	 SOU_MSG_REASON_EXTRA},
	{"a column twice", "id,kind,parent,code,name,name\n", "1", "name", SOU_MSG_REASON_TWICE},
	{"a field less", HEAD VC "a,division,hq,,例\n", "3", "-", SOU_MSG_REASON_FIELDS},
	{"a field more", HEAD VC "a,division,hq,,例,例,例\n", "3", "-", SOU_MSG_REASON_FIELDS},
	{"a quote", HEAD "a,division,hq,,\"例,例\n", "2", "name", SOU_MSG_REASON_QUOTE},
	{"no id", HEAD ",division,hq,,例,例\n", "2", "id", SOU_MSG_REASON_EMPTY},
	{"no name", HEAD "a,division,hq,,,例\n", "2", "name", SOU_MSG_REASON_EMPTY},
	{"T-1 control", HEAD "a,division,hq,,例\x07,例\n", "2", "name", SOU_MSG_REASON_CONTROL},
	{"no such kind", HEAD "a,office,hq,,例,例\n", "2", "kind", SOU_MSG_REASON_UNKNOWN},
	{"no parent", HEAD "a,division,,,例,例\n", "2", "parent", SOU_MSG_REASON_EMPTY},
	{"no such parent", HEAD VC "a,division,x,,例,例\n", "3", "parent", SOU_MSG_REASON_UNKNOWN},
	{"a parent below", HEAD "a,division,b,,例,例\nb,division,hq,,例,例\n", "2", "parent",
	 SOU_MSG_REASON_UNKNOWN},
	{"its own parent", HEAD "a,division,a,,例,例\n", "2", "parent", SOU_MSG_REASON_UNKNOWN},
	{"twice", HEAD VC "\n" VC, "4", "id", SOU_MSG_REASON_TWICE},
	{"another headquarters", HEAD "hq2,headquarters,,,例,例\n", "2", "kind",
	 SOU_MSG_REASON_TOP},
	{"headquarters is none", HEAD "hq,division,,,例,例\n", "2", "kind", SOU_MSG_REASON_FIXED},
	{"headquarters below one", HEAD "hq,headquarters,old,,例,例\n", "2", "parent",
	 SOU_MSG_REASON_FIXED},
	{"another kind", HEAD "old,division,hq,7,例,例\n", "2", "kind", SOU_MSG_REASON_FIXED},
	{"another code", HEAD "old,volunteer_centre,hq,8,例,例\n", "2", "code",
	 SOU_MSG_REASON_FIXED},
	{"another parent", HEAD VC "old,volunteer_centre,vd,7,例,例\n", "3", "parent",
	 SOU_MSG_REASON_FIXED},
};

static void refusals(struct office *o)
{
	struct soud_orgs_imported done = {0};
	CHECK_INT("one that stands",
		  import(o, HEAD "old,volunteer_centre,hq,7,例,例\n", PASS, &done), ==, SOU_OK);
	size_t ops = sou_authority_op_count(soud_replica_authority(o->replica));
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		CHECK_INT(refused[i].name, import(o, refused[i].csv, PASS, &done), !=, SOU_OK);
		CHECK_INT(refused[i].name, o->why.status, ==, 422);
		CHECK_STR(refused[i].name, sou_msg_id(o->why.msg), "import.csv");
		CHECK_STR(refused[i].name, o->why.argument[0], refused[i].line);
		CHECK_STR(refused[i].name, o->why.argument[1], refused[i].column);
		CHECK_INT(refused[i].name, o->why.label[2], ==, refused[i].reason);
		CHECK_INT(refused[i].name,
			  sou_authority_op_count(soud_replica_authority(o->replica)), ==, ops);
	}
	char *most = test_alloc(SOU_HTTP_LINE_BYTES_MAX + 2);
	memset(most, 'a', SOU_HTTP_LINE_BYTES_MAX + 1);
	most[SOU_HTTP_LINE_BYTES_MAX + 1] = '\0';
	CHECK_INT("R17 one past",
		  import(o, test_printf(HEAD "a,division,hq,,%s,例\n", most), PASS, &done), !=,
		  SOU_OK);
	CHECK_INT("R17 one past", o->why.label[2], ==, SOU_MSG_REASON_LONG);
	CHECK_INT("R17 at the limit",
		  import(o, test_printf(HEAD "a,division,hq,,%s,例\n", most + 1), PASS, &done), ==,
		  SOU_OK);
	char *large = test_alloc(SOU_CSV_BYTES_MAX + 2);
	memset(large, '\n', SOU_CSV_BYTES_MAX + 1);
	large[SOU_CSV_BYTES_MAX + 1] = '\0';
	memcpy(large, HEAD, strlen(HEAD));
	CHECK_INT("R17 one past", import(o, large, PASS, &done), ==, SOU_ELIMIT);
	CHECK_INT("R17 at the limit", import(o, large + 1, PASS, &done), !=, SOU_ELIMIT);
}

static void invites(struct office *o)
{
	struct soud_invite_ask ask = {.org = "hq",
				      .name = "本館",
				      .roles = SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER,
				      .expires_s = 604800,
				      .now_ms = INT64_C(1693526400000),
				      .address = "hub.example:7443"};
	struct soud_invite_made made;
	static const struct {
		const char *name;
		int64_t expires_s;
		const char *want;
	} times[] = {{"R17 59 s", 59, "invite.expires"},
		     {"R17 60 s", 60, NULL},
		     {"R17 90 days", 7776000, NULL},
		     {"R17 a second more", 7776001, "invite.expires"},
		     {"R17 below zero", INT64_MIN, "invite.expires"},
		     {"R17 for ever", INT64_MAX, "invite.expires"}};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		ask.expires_s = times[i].expires_s;
		int rc = OFFICE_DO(o, soud_invite(o->replica, o->dir, &ask, PASS, &made, &o->why));
		CHECK_INT(times[i].name, rc == SOU_OK, ==, times[i].want == NULL);
		if (times[i].want != NULL)
			CHECK_STR(times[i].name, sou_msg_id(o->why.msg), times[i].want);
	}
	ask.expires_s = 604800;
	REQUIRE("made", OFFICE_DO(o, soud_invite(o->replica, o->dir, &ask, PASS, &made, &o->why)) ==
				SOU_OK);
	struct sou_invite read;
	const struct sou_effect *effect = NULL;
	const struct sou_authority *a = soud_replica_authority(o->replica);
	CHECK_INT("P12.5", sou_invite_read(&read, text(made.text), NULL), ==, SOU_OK);
	CHECK_STR("P12.5", read.address, "hub.example:7443");
	struct sou_hash genesis = sou_authority_genesis(a);
	CHECK_MEM("P12.5", read.genesis.b, 32, genesis.b, 32);
	CHECK_INT("P8.4", sou_authority_invite(a, &made.id, &effect), ==, SOU_OK);
	REQUIRE("P8.4", effect != NULL);
	CHECK_STR("P8.4", name_of(effect->name), "本館");
	CHECK_INT("P8.4", effect->roles, ==, SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER);
	CHECK_U64("P8.4", effect->number, ==, UINT64_C(1693526400000) + 604800000);
	CHECK_INT("P8.4", made.expires_ms, ==, (int64_t)effect->number);
	static const struct {
		const char *name, *org, *address, *pass, *want;
	} cases[] = {
		{"no such organisation", "x", "hub.example:7443", PASS, "organisation.unknown"},
		{"no address", "hq", "", PASS, "invite.address"},
		{"no port", "hq", "hub.example", PASS, "invite.address"},
		{"no passphrase", "hq", "hub.example:7443", NULL, "passphrase.missing"},
		{"another", "hq", "hub.example:7443", "x", "passphrase.wrong"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ask.org = cases[i].org;
		ask.address = cases[i].address;
		int rc = OFFICE_DO(
			o, soud_invite(o->replica, o->dir, &ask, cases[i].pass, &made, &o->why));
		CHECK_INT(cases[i].name, rc, !=, SOU_OK);
		CHECK_STR(cases[i].name, o->why.status != 0 ? sou_msg_id(o->why.msg) : "-",
			  cases[i].want);
	}
}

/* An office has four keys under a passphrase, which takes its time: one for all. */
TEST(org, imports_and_invites)
{
	struct office *o = office_new();
	the_real_list(o);
	names_change(o);
	many(o);
	refusals(o);
	invites(o);
}

/* R7: a site that is not headquarters does neither, whatever passphrase it has. */
TEST(org, elsewhere)
{
	struct rig *g = rig_new(true);
	struct soud_refusal why = {0};
	struct soud_orgs_imported done;
	CHECK_INT("R7",
		  RIG_DO(g->honkan, &why,
			 soud_org_import(g->honkan->replica, test_dir(), HEAD VC, PASS,
					 "2023-09-01", &done, &why)),
		  !=, SOU_OK);
	CHECK_STR("R7", sou_msg_id(why.msg), "right.admin");
	soud_refusal_fini(&why);
}
