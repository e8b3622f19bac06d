/* Authority on its way in, and what it changes in what is stored (R7, R8, R20, P8, P13.4). */
#define _GNU_SOURCE /* memmem */
#include <fcntl.h>
#include <unistd.h>

#include "daemon/replica/read.h"
#include "daemon/store/copy.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "world.h"

TEST(authority, entries_wait_for_their_key)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *late = world_site(w, "koto", SOU_ROLE_READER); /* knows authority up to here */
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_hash id = node_item(site, &entity, "x");
	struct sou_buf buf = {0};
	struct soud_taken taken;
	struct sou_news news = ask(site, late, &site->org_scope, 0, &buf);
	CHECK_INT("R1 never rejected", take(late, hub, &news, &taken), ==, SOU_OK);
	CHECK_INT("R1 stored", taken.fresh, ==, 1);
	CHECK("R1 held", verdict_of(late, &site->org_scope, &id) == SOU_HELD_NOT_WHOLE ||
				 verdict_of(late, &site->org_scope, &id) == SOU_HELD_NOT_AUTHENTIC);
	node_close(late); /* the engine sleeps through it */
	node_open(late);
	feed_authority(hub, late);
	CHECK_INT("R1 its key came", verdict_of(late, &site->org_scope, &id), ==, SOU_ACCEPTED);
	level(hub, site);
	check_level("R10", hub, late, &site->org_scope);
	sou_buf_fini(&buf);
}

TEST(authority, cut_holds_what_is_past_it_and_unmerges)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity, other;
	struct sou_hash one = node_item(site, &entity, "本物 例");
	struct sou_hash two = node_edit(site, &site->org_scope, &entity, &one, 1, "盗人 例");
	level(hub, site);
	const struct sou_pins pin = {site->org_scope, 0, 1};
	const struct sou_effect cut = {.type = SOU_EFFECT_CUT,
				       .site = site->site,
				       .key_id = site->key.key_id,
				       .pins = &pin,
				       .pin_count = 1,
				       .ids = &one,
				       .id_count = 1};
	node_close(hub);
	node_open(hub);
	world_op(w, &cut, 1, NULL);
	CHECK_INT("R8 at the cut", verdict_of(hub, &site->org_scope, &one), ==, SOU_ACCEPTED);
	CHECK_INT("R8 past it", verdict_of(hub, &site->org_scope, &two), ==, SOU_HELD_CUT);
	const char *words = "";
	bool conflict;
	CHECK_INT("R8 unmerged",
		  live_of(hub, &site->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words, &conflict),
		  ==, 1);
	CHECK_STR("R8 unmerged", words, "本物 例");
	feed_authority(hub, site);
	check_level("R8 everywhere", hub, site, &site->org_scope);
	struct sou_err err = {0};
	other = entity;
	CHECK_INT("R8 it signs no more",
		  node_try_edit(site, &site->org_scope, &site->org, &other, "x", &err), ==,
		  SOU_ESTATE);
	CHECK("R8 it reads no more",
	      !soud_reader_may_read(hub->reader, &site->site, &site->key.key_id, &site->org_scope));
}

TEST(authority, narrowing_ends_a_role_at_its_place)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_hash one = node_item(site, &entity, "x");
	level(hub, site);
	struct sou_hash two = node_edit(site, &site->org_scope, &entity, &one, 1, "y");
	const struct sou_line *line =
		sou_authority_site(soud_replica_authority(hub->replica), &site->site);
	REQUIRE("line", line != NULL);
	const struct sou_pins pin = {site->org_scope, 0, 1};
	const struct sou_effect narrow = {.type = SOU_EFFECT_NARROW,
					  .op = line->opening,
					  .site = site->site,
					  .roles = SOU_ROLE_EDITOR,
					  .rest = 0,
					  .pins = &pin,
					  .pin_count = 1,
					  .ids = &one,
					  .id_count = 1};
	world_op(w, &narrow, 1, NULL);
	level(hub, site);
	CHECK_INT("R8 before", verdict_of(hub, &site->org_scope, &one), ==, SOU_ACCEPTED);
	CHECK_INT("R8 after", verdict_of(hub, &site->org_scope, &two), ==, SOU_HELD_NO_RIGHT);
	CHECK_INT("R8 at the site too", verdict_of(site, &site->org_scope, &two), ==,
		  SOU_HELD_NO_RIGHT);
	check_level("R8", hub, site, &site->org_scope);
	struct sou_err err = {0};
	CHECK_INT("R7 told on the spot",
		  node_try_edit(site, &site->org_scope, &site->org, &entity, "z", &err), ==,
		  SOU_ERIGHT);
}

/* What a migration left beside the replica holds the text too. */
static const char *old_copy(const struct node *n)
{
	const char *old = test_printf("%s-before-2", n->path);
	REQUIRE("copy", soud_store_copy(n->path, old, NULL, NULL, NULL) == SOU_OK);
	struct test_bytes copy = test_read(old);
	REQUIRE("copy", memmem(copy.b, copy.n, "個人名が書かれていた",
			       strlen("個人名が書かれていた")) != NULL);
	return old;
}

/* Nothing but zeros is left in the blocks of a file that is open still. */
static bool is_wiped(int fd)
{
	uint8_t left[4096];
	ssize_t n;
	bool wiped = fd >= 0;
	while ((n = read(fd, left, sizeof left)) > 0)
		for (ssize_t i = 0; i < n; i++)
			wiped = wiped && left[i] == 0;
	return wiped;
}

TEST(authority, redact_erases_everywhere)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *late = world_site(w, "koto", SOU_ROLE_READER);
	struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
				   .site = late->site,
				   .roles = SOU_ROLE_READER,
				   .reach = SOU_REACH_SUBTREE,
				   .id = w->hq};
	world_op(w, &grant, 1, NULL);
	struct sou_id entity;
	struct sou_hash one = node_item(site, &entity, "個人名が書かれていた 例");
	level(hub, site);
	struct sou_digest before = digest_of(hub, &site->org_scope);
	struct sou_buf cached = {0}; /* an encoded batch from before */
	(void)ask(hub, late, &site->org_scope, 0, &cached);
	const struct sou_effect redact = {.type = SOU_EFFECT_REDACT,
					  .number = 1,
					  .ids = &one,
					  .id_count = 1,
					  .indexes = (const uint16_t[]){1}};
	const char *old = old_copy(site);
	int held = open(old, O_RDONLY | O_CLOEXEC);
	world_op(w, &redact, 1, NULL);
	level(hub, site);
	level(hub, late);
	CHECK_INT("R20 nor in a copy of before", access(old, F_OK), ==, -1);
	CHECK("R20 nor in its blocks", is_wiped(held));
	(void)close(held);
	struct node *all[] = {hub, site, late};
	for (size_t i = 0; i < 3; i++) {
		struct soud_store *s = soud_replica_store(all[i]->replica);
		struct soud_read_op op;
		struct soud_read_entry e;
		uint32_t number;
		CHECK_INT(all[i]->name, verdict_of(all[i], &site->org_scope, &one), ==,
			  SOU_ACCEPTED);
		REQUIRE(all[i]->name,
			soud_store_scope_find(s, &site->org_scope, &number) == SOU_OK);
		REQUIRE(all[i]->name, soud_read_op(s, number, 1, 0, &op) == SOU_OK);
		CHECK("R20 gone", op.redacted);
		REQUIRE(all[i]->name, soud_read_entry(s, number, 1, &e) == SOU_OK);
		CHECK_MEM("R20 the rest stays", e.by.p, e.by.n, "佐藤", strlen("佐藤"));
		const char *words = "?";
		bool conflict;
		CHECK_INT("R20 a live version without text",
			  live_of(all[i], &site->org_scope, &entity, SOU_FIELD_ITEM_TEXT, &words,
				  &conflict),
			  ==, 1);
		CHECK_STR("R20 no text", words, "");
		struct sou_digest d = digest_of(all[i], &site->org_scope);
		CHECK_MEM("R20 moves no digest of state", d.state.b, 32, before.state.b, 32);
		CHECK_MEM("R20 nor of entries", d.entries.b, 32, before.entries.b, 32);
	}
	static const char wal_suffix[] = "-wal";
	for (unsigned i = 0; i < 3 && soud_replica_tidy(hub->replica, false) == SOU_EBUSY; i++)
		REQUIRE("refresh", soud_reader_refresh(hub->reader) == SOU_OK);
	struct test_bytes file = test_read(test_printf("%s%s", hub->path, wal_suffix));
	CHECK("R20 not in the log of a running daemon",
	      memmem(file.b, file.n, "個人名が書かれていた", strlen("個人名が書かれていた")) ==
		      NULL);
	node_close(hub);
	file = test_read(hub->path);
	CHECK("R20 not in the file", memmem(file.b, file.n, "個人名が書かれていた",
					    strlen("個人名が書かれていた")) == NULL);
	node_open(hub);
	check_level("R20 after a restart", hub, site, &site->org_scope);
	sou_buf_fini(&cached);
}

/* R20: a commitment in place of a value counts only where the op is known. */
TEST(authority, redacted_form_before_its_op_is_not_whole)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *late = world_site(w, "koto", SOU_ROLE_READER);
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	feed_authority(hub, late);
	struct sou_id entity;
	struct sou_hash one = node_item(site, &entity, "消す 例");
	level(hub, site);
	struct sou_buf full = {0}, buf = {0};
	struct sou_news whole = ask(hub, late, &site->org_scope, 0, &full);
	const uint16_t index = 1;
	const struct sou_effect redact = {.type = SOU_EFFECT_REDACT,
					  .number = 1,
					  .ids = &one,
					  .id_count = 1,
					  .indexes = &index};
	world_op(w, &redact, 1, NULL);
	struct sou_news news = ask(hub, late, &site->org_scope, 0, &buf);
	struct soud_taken taken;
	CHECK_INT("R20", take(late, hub, &news, &taken), ==, SOU_OK);
	CHECK_INT("R20 not whole", verdict_of(late, &site->org_scope, &one), ==,
		  SOU_HELD_NOT_WHOLE);
	whole.flags |= SOU_DATA_ANSWER;
	whole.after = whole.upto = 0;
	CHECK_INT("R20 the full form tells more", take(late, hub, &whole, &taken), ==, SOU_OK);
	CHECK_INT("R20 upgraded", taken.upgraded, ==, 1);
	CHECK_INT("R20 whole", verdict_of(late, &site->org_scope, &one), ==, SOU_ACCEPTED);
	feed_authority(hub, late);
	CHECK_INT("R20 whole", verdict_of(late, &site->org_scope, &one), ==, SOU_ACCEPTED);
	check_level("R20", hub, late, &site->org_scope);
	CHECK_INT("R20 and does not come back", take(late, hub, &whole, &taken), ==, SOU_OK);
	CHECK_INT("R20 and does not come back", taken.upgraded, ==, 0);
	sou_buf_fini(&full);
	sou_buf_fini(&buf);
}

TEST(authority, bad_series_leaves_nothing)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	(void)world_org(w, "a");
	(void)world_org(w, "b");
	struct sou_buf series = {0};
	struct soud_from f = from_node(hub);
	struct soud_taken taken;
	size_t known = sou_authority_op_count(soud_replica_authority(site->replica));
	struct sou_hash before = sou_authority_hash(soud_replica_authority(site->replica));
	pack_series(hub, &series);
	series.p[series.n - 1] ^= 1; /* in the last signature */
	for (unsigned i = 0; i < 2; i++) {
		node_begin(site);
		CHECK_INT("P13.4",
			  soud_replica_series(site->replica, &f, sou_buf_span(&series), &taken), ==,
			  SOU_ESIG);
		CHECK_INT("P13.4 bye", taken.bye, ==, SOU_BYE_SIGNATURE);
		node_commit(site, NULL);
		struct sou_hash now = sou_authority_hash(soud_replica_authority(site->replica));
		CHECK_MEM("P13.4 all or nothing", now.b, 32, before.b, 32);
		node_close(site);
		node_open(site);
	}
	CHECK_U64("P13.4", sou_authority_op_count(soud_replica_authority(site->replica)), ==,
		  known);
	series.p[series.n - 1] ^= 1;
	feed_authority(hub, site);
	CHECK_U64("P13.4 the good one",
		  sou_authority_op_count(soud_replica_authority(site->replica)), ==, known + 2);
	sou_buf_fini(&series);
}

TEST(authority, refused_op_is_not_kept)
{
	struct world *w = world_new();
	struct sou_err err = {0};
	struct sou_hash before = sou_authority_hash(soud_replica_authority(w->hub.replica));
	const struct sou_effect unknown_org = {.type = SOU_EFFECT_ORG_CLOSE, .org = {{1}}};
	CHECK_INT("P8.5 not admissible", world_try_op(w, &unknown_org, 1, NULL, &err), ==,
		  SOU_EINPUT);
	const struct sou_effect root = {.type = SOU_EFFECT_RECOVER};
	CHECK_INT("P8.5 another tier's", world_try_op(w, &root, 1, NULL, &err), ==, SOU_EINPUT);
	node_begin(&w->hub);
	const struct sou_effect close = {.type = SOU_EFFECT_ORG_CLOSE, .org = w->hq};
	CHECK_INT("P8.3 not the key in force",
		  soud_hub_sign_op(w->hub.replica, &w->root[0], &close, 1, NULL, &err), ==,
		  SOU_EKEY);
	node_commit(&w->hub, NULL);
	struct sou_hash after = sou_authority_hash(soud_replica_authority(w->hub.replica));
	CHECK_MEM("nothing is kept", after.b, 32, before.b, 32);
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	node_begin(site);
	CHECK_INT("P8.5 a site appends nothing",
		  soud_hub_sign_op(site->replica, &w->operational, &close, 1, NULL, &err), ==,
		  SOU_ESTATE);
	node_commit(site, NULL);
}

TEST(authority, another_genesis_is_not_taken)
{
	struct world *a = world_new();
	struct node *site = world_site(a, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash before = sou_authority_hash(soud_replica_authority(site->replica));
	struct sou_signer other;
	const uint8_t seed[SOU_SEED_BYTES] = {200};
	REQUIRE("key", sou_signer_ed25519(&other, seed) == SOU_OK);
	struct soud_genesis g = {.net = a->net,
				 .site = {{5}},
				 .handle = text("hq"),
				 .name = text("偽 例"),
				 .short_name = text("偽"),
				 .site_name = text("偽"),
				 .tls = {{2}},
				 .root = {&a->root[0], &a->root[1]},
				 .root_count = 2,
				 .threshold = 1,
				 .operational = &a->operational,
				 .checkpoint = &a->checkpoint,
				 .site_key = &other};
	struct sou_buf op = {0}, sigs = {0};
	struct sou_hash id;
	REQUIRE("P8.5", soud_hub_genesis(&g, &op, &sigs, &id) == SOU_OK);
	node_begin(site);
	struct sou_err err = {0};
	CHECK_INT("P12.6 another genesis",
		  soud_replica_add_op(site->replica, sou_buf_span(&op), sou_buf_span(&sigs), &err),
		  ==, SOU_EUNKNOWN);
	node_commit(site, NULL);
	struct sou_hash after = sou_authority_hash(soud_replica_authority(site->replica));
	CHECK_MEM("P12.6", after.b, 32, before.b, 32);
	sou_buf_fini(&op);
	sou_buf_fini(&sigs);
	sou_signer_fini(&other);
}
