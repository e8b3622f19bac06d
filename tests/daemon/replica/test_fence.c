/* Restores and clones: the fence (R12, B9, B10). */
#include <stdio.h>

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
