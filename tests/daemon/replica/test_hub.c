/* A hub and a site from nothing: directories, keys, invites, enrolment (R4, R7, R20, P8.9, P12). */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keys/fence.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "world.h"

static int64_t now_ms = WORLD_START_MS;

static int64_t wall(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static int draw(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && read(fd, out, n) == (ssize_t)n;
	if (fd >= 0)
		(void)close(fd);
	return good ? SOU_OK : SOU_ECRYPTO;
}

static const struct soud_replica_env bare = {.wall_ms = wall, .random = draw};

struct home { /* an open replica in a directory of its own */
	struct soud_replica *replica;
	struct soud_fence_file *fence;
	struct sou_signer site, checkpoint;
};

static void home_open(struct home *h, const char *dir, bool hub)
{
	struct soud_replica_env env = bare;
	struct sou_err err = {0};
	const struct sou_span none = {NULL, 0};
	memset(h, 0, sizeof *h);
	REQUIRE("keys", soud_key_open(dir, SOUD_KEY_SITE, 0, none, &h->site, &err) == SOU_OK);
	if (hub)
		REQUIRE("keys", soud_key_open(dir, SOUD_KEY_CHECKPOINT, 0, none, &h->checkpoint,
					      &err) == SOU_OK);
	REQUIRE("fence", soud_fence_file_open(&h->fence, dir, NULL, &err) == SOU_OK);
	env.site = &h->site;
	env.checkpoint = hub ? &h->checkpoint : NULL;
	soud_fence_file_io(h->fence, &env.fence);
	int rc = soud_replica_open(&h->replica, test_printf("%s/%s", dir, SOUD_REPLICA_FILE), &env,
				   NULL, &err);
	CHECK_STR("open", rc == SOU_OK ? "" : err.text, "");
	REQUIRE("open", rc == SOU_OK);
}

static void home_close(struct home *h)
{
	soud_replica_close(h->replica);
	soud_fence_file_close(h->fence);
	sou_signer_fini(&h->site);
	sou_signer_fini(&h->checkpoint);
}

static struct soud_inited init_hub(const char *dir)
{
	const struct soud_init init = {.data_dir = dir,
				       .handle = text("hq"),
				       .name = text("東京都社会福祉協議会 例"),
				       .short_name = text("東社協"),
				       .site_name = text("本部"),
				       .passphrase = text("合言葉は八字以上")};
	struct soud_inited out;
	struct sou_err err = {0};
	int rc = soud_hub_init(&init, &bare, &out, &err);
	CHECK_STR("init", rc == SOU_OK ? "" : err.text, "");
	REQUIRE("init", rc == SOU_OK);
	CHECK_INT("init twice", soud_hub_init(&init, &bare, NULL, &err), ==, SOU_EEXIST);
	return out;
}

TEST(hub, init_makes_all_of_it)
{
	const char *dir = test_path("hq");
	struct soud_inited made = init_hub(dir);
	static const char *const files[] = {"replica.db",           "keys/site.pem",
					    "keys/tls.pem",         "keys/checkpoint.pem",
					    "keys/operational.pem", "root-keys/root-1.pem",
					    "root-keys/root-2.pem", "root-keys/root-3.pem"};
	struct sou_err err = {0};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		CHECK(files[i], access(test_printf("%s/%s", dir, files[i]), F_OK) == 0);
	CHECK_INT("R20 closed to others", soud_guard_tree(dir, &err), ==, SOU_OK);
	CHECK_STR("R20 closed to others", err.text, "");
	CHECK("R12 fence beside it", access(test_path("hq.state/fence"), F_OK) == 0);

	struct home h;
	home_open(&h, dir, true);
	const struct sou_authority *a = soud_replica_authority(h.replica);
	const struct soud_identity *is = soud_replica_identity(h.replica);
	CHECK("R7 net", sou_id_eq(&is->net, &made.net) && is->hub);
	CHECK_INT("R12", soud_replica_unconfirmed(h.replica), ==, SOUD_FENCE_AGREES);
	CHECK_U64("P8.5 two ops", sou_authority_op_count(a), ==, 2);
	struct sou_id org_scope = sou_scope_id(SOU_SCOPE_ORG, &made.hq);
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	const uint32_t on_org = sou_authority_roles(a, &is->site, &org_scope, &made.hq);
	CHECK_INT("P8.7 on its organisation", on_org, ==,
		  SOU_ROLE_EDITOR | SOU_ROLE_APPROVER | SOU_ROLE_READER | SOU_ROLE_REVIEWER |
			  SOU_ROLE_ANCHOR | SOU_ROLE_ADMIN);
	CHECK("P8.7 on the plan",
	      (sou_authority_roles(a, &is->site, &plan, &made.hq) &
	       (SOU_ROLE_PLANNER | SOU_ROLE_REVIEWER)) == (SOU_ROLE_PLANNER | SOU_ROLE_REVIEWER));
	const struct sou_org *hq = sou_authority_org_handle(a, text("hq"));
	REQUIRE("P8.4", hq != NULL);
	CHECK_MEM("P8.4", hq->name.p, hq->name.n, "東京都社会福祉協議会 例",
		  strlen("東京都社会福祉協議会 例"));

	const struct sou_effect e = {.type = SOU_EFFECT_ORG,
				     .org = made.hq,
				     .has_org = true,
				     .number = 4,
				     .handle = text("koto"),
				     .name = text("江東 例"),
				     .short_name = text("江東")};
	REQUIRE("begin", soud_replica_begin(h.replica) == SOU_OK);
	CHECK_INT("R7 wrong passphrase",
		  soud_hub_operational(h.replica, dir, text("合言葉は九字以上"), &e, 1, NULL, &err),
		  ==, SOU_EKEY);
	CHECK_INT("R7 passphrase",
		  soud_hub_operational(h.replica, dir, text("合言葉は八字以上"), &e, 1, NULL, &err),
		  ==, SOU_OK);
	CHECK_INT("commit", soud_replica_commit(h.replica, NULL), ==, SOU_OK);
	CHECK("P8.4", sou_authority_org_handle(a, text("koto")) != NULL);
	home_close(&h);
}

/* Joins that differ from a good one in one thing; a transaction stays open. */
static void refuse_joins(struct home *h, const struct sou_join *join, const uint8_t exporter[32])
{
	const uint8_t other[32] = {4};
	struct soud_taken taken;
	static const struct {
		const char *name;
		unsigned what;
		uint64_t bye;
	} rows[] = {
		{"P12.6 another connection", 0, SOU_BYE_SIGNATURE},
		{"P12.6 enrol signature", 1, SOU_BYE_SIGNATURE},
		{"P12.6 join signature", 2, SOU_BYE_SIGNATURE},
		{"P12.6 another site under it", 3, SOU_BYE_SIGNATURE},
		{"P12.6 unknown invite", 4, SOU_BYE_INVITE_UNKNOWN},
		{"P8.9 expired", 5, SOU_BYE_INVITE_EXPIRED},
	};
	REQUIRE("begin", soud_replica_begin(h->replica) == SOU_OK);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct sou_join bad = *join;
		if (rows[k].what == 1)
			bad.enrol_signature[0] ^= 1;
		if (rows[k].what == 2)
			bad.join_signature[0] ^= 1;
		if (rows[k].what == 3)
			bad.site.b[0] ^= 1;
		if (rows[k].what == 4)
			bad.invite_key.b[0] ^= 1;
		if (rows[k].what == 5) {
			CHECK_INT("commit", soud_replica_commit(h->replica, NULL), ==, SOU_OK);
			now_ms += 1000;
			REQUIRE("begin", soud_replica_begin(h->replica) == SOU_OK);
		}
		CHECK_INT(rows[k].name,
			  soud_hub_enrol(h->replica, &bad, rows[k].what == 0 ? other : exporter,
					 &taken),
			  ==, SOU_EDENIED);
		CHECK_U64(rows[k].name, taken.bye, ==, rows[k].bye);
	}
}

static void check_joined(const char *dir, const struct soud_joining *one,
			 const struct soud_inited *made)
{
	struct home s;
	struct sou_hash pin;
	home_open(&s, dir, false);
	CHECK("R7 site", sou_id_eq(&soud_replica_identity(s.replica)->site, &one->site));
	CHECK("R7 genesis",
	      sou_hash_eq(&soud_replica_identity(s.replica)->genesis, &made->genesis));
	CHECK_U64("R7 no authority yet", sou_authority_op_count(soud_replica_authority(s.replica)),
		  ==, 0);
	char address[SOU_ADDRESS_BYTES_MAX + 1];
	CHECK_INT("P12.2 where the hub is",
		  soud_hub_place(soud_replica_store(s.replica), address, &pin), ==, SOU_OK);
	CHECK_STR("P12.2", address, "hub.example:7443");
	CHECK_MEM("P12.2", pin.b, 32, made->tls.b, 32);
	home_close(&s);
}

TEST(hub, a_site_joins)
{
	const char *hq = test_path("hq"), *dir = test_path("site");
	struct soud_inited made = init_hub(hq);
	struct home h;
	struct sou_signer op;
	struct sou_err err = {0};
	home_open(&h, hq, true);
	REQUIRE("key", soud_key_open(hq, SOUD_KEY_OPERATIONAL, 0, text("合言葉は八字以上"), &op,
				     &err) == SOU_OK);
	char invite[SOU_INVITE_TEXT_BYTES_MAX];
	struct sou_id id;
	struct soud_inviting i = {.org = made.hq,
				  .site_name = text("分室"),
				  .roles = SOU_ROLE_EDITOR,
				  .expires_ms = (uint64_t)WORLD_START_MS + 1000,
				  .address = "hub.example",
				  .tls = made.tls};
	REQUIRE("begin", soud_replica_begin(h.replica) == SOU_OK);
	CHECK_INT("P12.5 no port", soud_hub_invite(h.replica, &op, &i, invite, &id, &err), ==,
		  SOU_EINPUT);
	i.address = "hub.example:7443";
	REQUIRE("P12.5", soud_hub_invite(h.replica, &op, &i, invite, &id, &err) == SOU_OK);
	CHECK_INT("commit", soud_replica_commit(h.replica, NULL), ==, SOU_OK);
	sou_signer_fini(&op);

	struct soud_joining one, two;
	CHECK_INT("P12.5 not an invite",
		  soud_join_prepare(&one, dir, NULL, text("soukatsu1-x"), &bare, &err), ==,
		  SOU_EINPUT);
	REQUIRE("R7", soud_join_prepare(&one, dir, NULL, text(invite), &bare, &err) == SOU_OK);
	REQUIRE("R7 again",
		soud_join_prepare(&two, dir, NULL, text(invite), &bare, &err) == SOU_OK);
	CHECK_MEM("R7 the same", &one, sizeof one, &two, sizeof two);
	CHECK_STR("P12.5 address", one.address, "hub.example:7443");
	CHECK_MEM("P12.5 pin", one.hub_tls.b, 32, made.tls.b, 32);
	struct sou_hash pin;
	REQUIRE("P12.1", soud_key_tls_pin(dir, &pin, &err) == SOU_OK);
	CHECK_MEM("P12.6 the certificate's", one.join.tls.b, 32, pin.b, 32);

	const uint8_t exporter[32] = {1, 2, 3};
	struct soud_taken taken;
	struct sou_join join = one.join;
	REQUIRE("P12.6", soud_join_sign(&join, text(invite), exporter) == SOU_OK);
	refuse_joins(&h, &join, exporter);
	CHECK_INT("commit", soud_replica_commit(h.replica, NULL), ==, SOU_OK);
	now_ms -= 1; /* at 999 ms it still holds */
	REQUIRE("begin", soud_replica_begin(h.replica) == SOU_OK);
	CHECK_INT("P8.9", soud_hub_enrol(h.replica, &join, exporter, &taken), ==, SOU_OK);
	struct sou_hash enrolled = taken.entry;
	CHECK_INT("commit", soud_replica_commit(h.replica, NULL), ==, SOU_OK);
	now_ms += 100000;
	REQUIRE("begin", soud_replica_begin(h.replica) == SOU_OK);
	CHECK_INT("P12.6 the same again, later", soud_hub_enrol(h.replica, &join, exporter, &taken),
		  ==, SOU_OK);
	CHECK_MEM("P12.6 the op that stands", taken.entry.b, 32, enrolled.b, 32);
	struct sou_join thief = join;
	thief.site.b[3] ^= 1;
	REQUIRE("P12.6", soud_join_sign(&thief, text(invite), exporter) == SOU_OK);
	CHECK_INT("P8.9 used", soud_hub_enrol(h.replica, &thief, exporter, &taken), ==,
		  SOU_EDENIED);
	CHECK_U64("P8.9 used", taken.bye, ==, SOU_BYE_INVITE_USED);
	CHECK_INT("commit", soud_replica_commit(h.replica, NULL), ==, SOU_OK);
	home_close(&h);

	REQUIRE("R7 finish", soud_join_finish(dir, NULL, text(invite), &bare, &err) == SOU_OK);
	CHECK_INT("R7 it is a site's now",
		  soud_join_prepare(&two, dir, NULL, text(invite), &bare, &err), ==, SOU_EEXIST);
	check_joined(dir, &one, &made);
	now_ms = WORLD_START_MS;
}

/* A try that was cut short between the replica and the end of `joining`. */
TEST(hub, join_is_finished_twice)
{
	const char *dir = test_path("site");
	struct world *w = world_new();
	struct sou_err err = {0};
	char invite[SOU_INVITE_TEXT_BYTES_MAX];
	struct sou_id id;
	struct soud_joining j;
	struct soud_inviting i = {.org = w->hq,
				  .site_name = text("分室"),
				  .roles = SOU_ROLE_EDITOR,
				  .expires_ms = UINT64_MAX,
				  .address = "[2001:db8::1]:7443"};
	node_begin(&w->hub);
	REQUIRE("P12.5",
		soud_hub_invite(w->hub.replica, &w->operational, &i, invite, &id, &err) == SOU_OK);
	node_commit(&w->hub, NULL);
	REQUIRE("R7", soud_join_prepare(&j, dir, NULL, text(invite), &bare, &err) == SOU_OK);
	struct test_bytes joining = test_read(test_path("site/joining"));
	REQUIRE("R7", soud_join_finish(dir, NULL, text(invite), &bare, &err) == SOU_OK);
	CHECK("R7", access(test_path("site/joining"), F_OK) != 0);
	(void)test_file("site/joining", joining.b, joining.n);
	REQUIRE("R20", chmod(test_path("site/joining"), 0600) == 0);
	CHECK_INT("R7 again", soud_join_finish(dir, NULL, text(invite), &bare, &err), ==, SOU_OK);
	joining.b[0] ^= 1;
	(void)test_file("site/joining", joining.b, joining.n);
	CHECK_INT("R7 another site's", soud_join_finish(dir, NULL, text(invite), &bare, &err), ==,
		  SOU_EEXIST);
}
