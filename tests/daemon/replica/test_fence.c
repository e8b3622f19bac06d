/* Restores and clones: the fence (R12, B9, B10). */
#include <stdio.h>

#include "daemon/replica/verify.h"
#include "proto/limits.h"
#include "world.h"

static void copy_replica(const struct node *n, const char *to)
{
	struct test_bytes b = test_read(n->path);
	(void)test_file(to, b.b, b.n);
}

static void put_replica(struct node *n, const char *from)
{
	struct test_bytes b = test_read(test_path(from));
	const char *name = strrchr(n->path, '/') + 1;
	(void)remove(n->path);
	(void)remove(test_printf("%s-wal", n->path));
	(void)remove(test_printf("%s-shm", n->path));
	(void)test_file(name, b.b, b.n);
}

static int try_item(struct node *n)
{
	struct sou_id entity = {{3}};
	struct sou_err err = {0};
	return node_try_edit(n, &n->org_scope, &n->org, &entity, "x", &err);
}

TEST(fence, a_restored_replica_signs_nothing_until_it_has_its_own)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id entity;
	struct sou_hash one = node_item(site, &entity, "控えの前 例");
	level(hub, site);
	node_close(site);
	copy_replica(site, "backup.db");
	node_open(site);
	struct sou_hash two = node_edit(site, &site->org_scope, &entity, &one, 1, "控えの後 例");
	level(hub, site);
	struct sou_id before = soud_replica_identity(site->replica)->instance;
	node_close(site);

	put_replica(site, "backup.db");
	node_open(site);
	CHECK("R12 another instance",
	      !sou_id_eq(&before, &soud_replica_identity(site->replica)->instance));
	CHECK_INT("R12 older than its fence", soud_replica_unconfirmed(site->replica), ==,
		  SOUD_FENCE_OLDER);
	CHECK_INT("R12 signs nothing", try_item(site), ==, SOU_ESTATE);
	(void)feed(hub, site);
	CHECK_INT("R12 its own came back", verdict_of(site, &site->org_scope, &two), ==,
		  SOU_ACCEPTED);
	CHECK_INT("R12 still", try_item(site), ==, SOU_ESTATE);
	node_begin(site);
	CHECK_INT("R12 confirmed", soud_replica_confirm(site->replica), ==, SOU_OK);
	node_commit(site, NULL);
	CHECK_INT("R12 confirmed", soud_replica_unconfirmed(site->replica), ==, SOUD_FENCE_AGREES);
	struct sou_hash three =
		node_edit(site, &site->org_scope, &entity, &two, 1, "そのまた後 例");
	level(hub, site);
	CHECK_INT("R12 no fork", verdict_of(hub, &site->org_scope, &three), ==, SOU_ACCEPTED);
	check_level("R12 no fork", hub, site, &site->org_scope);
	node_close(site);
	node_open(site);
	CHECK_INT("R12 stays", soud_replica_unconfirmed(site->replica), ==, SOUD_FENCE_AGREES);
}

TEST(fence, a_crash_before_it_is_no_restore)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct sou_id entity = {{4}};
	struct sou_buf buf = {0};
	sou_mp_put_str(&buf, "x", 1);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_ITEM,
					.field = SOU_FIELD_ITEM_TEXT,
					.entity = entity,
					.value = sou_buf_span(&buf)};
	const struct soud_act act = {
		.scope = hub->org_scope, .for_org = hub->org, .ops = &op, .op_count = 1};
	struct soud_committed done = {.received_ms = -1};
	node_begin(hub);
	CHECK_INT("act", soud_replica_act(hub->replica, &act, 1, NULL, NULL), ==, SOU_OK);
	hub->fence.fail = 1;
	CHECK_INT("R12 the fence fails", soud_replica_commit(hub->replica, &done), ==, SOU_EIO);
	CHECK_INT("R12 nothing is reported", done.received_ms, ==, -1);
	CHECK("R21 it stops", soud_replica_broken(hub->replica));
	CHECK_INT("R21 it stops", soud_replica_begin(hub->replica), ==, SOU_ESTORE);
	node_close(hub);
	node_open(hub);
	CHECK_INT("R12 ahead of the fence is fine", soud_replica_unconfirmed(hub->replica), ==,
		  SOUD_FENCE_AGREES);
	CHECK_U64("R6 it was stored", last_of(hub, &hub->org_scope), ==, 1);
	CHECK_INT("R12 signs on", try_item(hub), ==, SOU_OK);
	sou_buf_fini(&buf);
}

TEST(fence, slots)
{
	static const struct {
		const char *name;
		unsigned torn; /* bit 0, 1: slot damaged; 2: file gone; 3: machine differs */
		int state;
	} rows[] = {
		{"R12 whole", 0, SOUD_FENCE_AGREES},
		{"R12 older slot torn", 1, SOUD_FENCE_AGREES},
		{"R12 newer slot torn", 2, SOUD_FENCE_AGREES},
		{"R12 both torn", 3, SOUD_FENCE_NONE},
		{"R12 no file", 4, SOUD_FENCE_NONE},
		{"R12 another machine", 8, SOUD_FENCE_INSTANCE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_new();
		struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
		struct sou_id entity;
		memset(site->env.machine.b, 1, sizeof site->env.machine.b);
		node_close(site);
		node_open(site);
		for (unsigned k = 0; k < 2; k++)
			(void)node_item(site, &entity, "x");
		unsigned newest = site->fence.slots[0][15] > site->fence.slots[1][15] ? 0 : 1;
		node_close(site);
		if ((rows[i].torn & 1) != 0)
			site->fence.slots[1 - newest][30] ^= 1;
		if ((rows[i].torn & 2) != 0)
			site->fence.slots[newest][60] ^= 1;
		if ((rows[i].torn & 4) != 0)
			site->fence.there = false;
		if ((rows[i].torn & 8) != 0)
			memset(site->env.machine.b, 2, sizeof site->env.machine.b);
		node_open(site);
		CHECK_INT(rows[i].name, soud_replica_unconfirmed(site->replica), ==, rows[i].state);
		CHECK_INT(rows[i].name, try_item(site), ==,
			  rows[i].state == SOUD_FENCE_AGREES ? SOU_OK : SOU_ESTATE);
		node_close(site);
		(void)remove(site->path);
		(void)remove(w->hub.path);
		node_close(&w->hub);
	}
}

/* --- Own entries that were never sent (R12) --- */

static uint32_t drafts_of(struct node *n)
{
	struct soud_draft draft = {0};
	uint32_t count = 0;
	while (soud_store_draft_next(soud_replica_store(n->replica), draft.number, &draft) ==
	       SOU_OK)
		count++;
	return count;
}

static void confirm(struct node *n)
{
	node_begin(n);
	CHECK_INT("R12 confirmed", soud_replica_confirm(n->replica), ==, SOU_OK);
	node_commit(n, NULL);
	CHECK_INT("R12 confirmed", soud_replica_unconfirmed(n->replica), ==, SOUD_FENCE_AGREES);
}

TEST(fence, what_was_never_sent_waits_and_is_put_back_as_it_was)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id first, second;
	struct sou_hash one = node_item(site, &first, "送った 例");
	level(hub, site);
	struct sou_hash two = node_edit(site, &site->org_scope, &first, &one, 1, "送る前 例");
	struct sou_hash three = node_item(site, &second, "送る前の段落 例");
	node_close(site);
	site->fence.there = false;
	node_open(site);
	CHECK_INT("R12", soud_replica_unconfirmed(site->replica), ==, SOUD_FENCE_NONE);
	CHECK_INT("R12 not in the log", verdict_of(site, &site->org_scope, &two), ==,
		  SOU_VERDICT_NONE);
	CHECK("R12 but kept", drafts_of(site) >= 2);
	node_close(site);
	node_open(site);
	CHECK("R12 durably", drafts_of(site) >= 2);
	(void)feed(hub, site);
	CHECK_INT("R12 what was sent comes back", verdict_of(site, &site->org_scope, &one), ==,
		  SOU_ACCEPTED);
	confirm(site);
	CHECK_U64("R12 nothing waits any more", drafts_of(site), ==, 0);
	CHECK_INT("R12 the same entry", verdict_of(site, &site->org_scope, &two), ==, SOU_ACCEPTED);
	CHECK_INT("R12 the same entry", verdict_of(site, &site->org_scope, &three), ==,
		  SOU_ACCEPTED);
	CHECK_U64("R12 and once", last_of(site, &site->org_scope), ==, 3);
	level(hub, site);
	check_level("R12 no fork", hub, site, &site->org_scope);
	CHECK_INT("R12 sent", verdict_of(hub, &site->org_scope, &three), ==, SOU_ACCEPTED);
	node_close(site);
	struct soud_verified v;
	CHECK_INT("R22", soud_verify(site->path, NULL, NULL, &v, NULL), ==, SOU_OK);
}

/* Two backups of one site, each with a history of its own: the second is put back after the first
 * has gone on. */
TEST(fence, another_history_is_signed_anew_on_top)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id item, other;
	struct sou_hash one = node_item(site, &item, "はじめ 例");
	level(hub, site);
	node_close(site);
	copy_replica(site, "earlier.db");
	node_open(site);
	struct sou_hash two = node_edit(site, &site->org_scope, &item, &one, 1, "送る前 例");
	struct sou_hash three = node_edit(site, &site->org_scope, &item, &two, 1, "その後 例");
	struct sou_hash four = node_item(site, &other, "別の段落 例");
	node_close(site);
	copy_replica(site, "later.db");

	put_replica(site, "earlier.db");
	node_open(site);
	(void)feed(hub, site);
	confirm(site);
	struct sou_hash apart = node_edit(site, &site->org_scope, &item, &one, 1, "別の歴史 例");
	level(hub, site);
	node_close(site);

	put_replica(site, "later.db");
	node_open(site);
	CHECK("R12", soud_replica_unconfirmed(site->replica) != SOUD_FENCE_AGREES);
	(void)feed(hub, site);
	CHECK_INT("R12 the other history", verdict_of(site, &site->org_scope, &apart), ==,
		  SOU_ACCEPTED);
	confirm(site);
	CHECK_U64("R12 nothing waits any more", drafts_of(site), ==, 0);
	level(hub, site);
	check_level("R12 no fork", hub, site, &site->org_scope);
	const struct sou_hash gone[] = {two, three, four};
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		CHECK_INT("R12 none stands beside another",
			  verdict_of(hub, &site->org_scope, &gone[i]), ==, SOU_VERDICT_NONE);
	CHECK_U64("R12 one chain", last_of(hub, &site->org_scope), ==, 5);
	struct soud_log_counts counts;
	uint32_t number;
	struct soud_store *s = soud_replica_store(hub->replica);
	REQUIRE("scope", soud_store_scope_find(s, &site->org_scope, &number) == SOU_OK);
	REQUIRE("counts", soud_store_log_counts(s, number, 0, &counts) == SOU_OK);
	CHECK_U64("R12 nothing is held", counts.held, ==, 0);
	const char *words = "?";
	bool conflict = false;
	CHECK_INT("R12 both texts are there",
		  live_of(hub, &site->org_scope, &item, SOU_FIELD_ITEM_TEXT, &words, &conflict), ==,
		  2);
	CHECK("R9 and differ", conflict);
	CHECK_INT("R12 and the item",
		  live_of(hub, &site->org_scope, &other, SOU_FIELD_ITEM_TEXT, &words, &conflict),
		  ==, 1);
	CHECK_STR("R12 as it was typed", words, "別の段落 例");
	struct sou_hash five = node_item(site, &other, "そのあと 例");
	level(hub, site);
	CHECK_INT("R12 goes on", verdict_of(hub, &site->org_scope, &five), ==, SOU_ACCEPTED);
	node_close(site);
	struct soud_verified v;
	CHECK_INT("R22", soud_verify(site->path, NULL, NULL, &v, NULL), ==, SOU_OK);
}

/* Nobody to ask: an administrator decides, and what was lost is another epoch, no fork (R5). */
TEST(fence, confirmed_alone_in_a_new_epoch)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_id item, other;
	struct sou_err err = {0};
	uint32_t epochs = 0;
	struct sou_hash one = node_item(site, &item, "はじめ 例");
	level(hub, site);
	node_close(site);
	copy_replica(site, "alone.db");
	node_open(site);
	struct sou_hash lost = node_edit(site, &site->org_scope, &item, &one, 1, "失われた 例");
	level(hub, site); /* it was sent, but the site does not know it any more */
	node_close(site);
	put_replica(site, "alone.db");
	node_open(site);
	node_begin(site);
	CHECK_INT("R12 no reason",
		  soud_replica_confirm_alone(site->replica, text(""), text("佐藤"), &epochs, &err),
		  ==, SOU_EINPUT);
	CHECK_INT("R12 no name",
		  soud_replica_confirm_alone(site->replica, text("x"), text(""), &epochs, &err), ==,
		  SOU_EINPUT);
	CHECK_INT("R12",
		  soud_replica_confirm_alone(site->replica, text("回線がない 例"), text("佐藤"),
					     &epochs, &err),
		  ==, SOU_OK);
	node_commit(site, NULL);
	CHECK_U64("R5 an epoch", epochs, >=, 1);
	CHECK_INT("R12", soud_replica_unconfirmed(site->replica), ==, SOUD_FENCE_AGREES);
	struct sou_hash next = node_item(site, &other, "新しい区切り 例");
	level(hub, site);
	CHECK_INT("R5 no fork", verdict_of(hub, &site->org_scope, &lost), ==, SOU_ACCEPTED);
	CHECK_INT("R5 no fork", verdict_of(hub, &site->org_scope, &next), ==, SOU_ACCEPTED);
	check_level("R5", hub, site, &site->org_scope);
	node_begin(site);
	CHECK_INT("R12 once",
		  soud_replica_confirm_alone(site->replica, text("x"), text("佐藤"), NULL, &err),
		  ==, SOU_EEXIST);
	node_commit(site, NULL);

	/* A hub that nobody ever joined. */
	node_close(hub);
	hub->fence.there = false;
	node_open(hub);
	node_begin(hub);
	CHECK_INT("R12",
		  soud_replica_confirm_alone(hub->replica, text("印をなくした 例"), text("佐藤"),
					     &epochs, &err),
		  ==, SOU_OK);
	node_commit(hub, NULL);
	CHECK_INT("R12", try_item(hub), ==, SOU_OK);
}
