/* test_tail_oom.c - what a restored site never sent is never lost (R12): want of memory at each
 * allocation of its way out of the log and back; whatever was cut, the next start finishes it, and
 * both entries are there, once. SOU_FAULT_STEP: each so-manieth (7 without). */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/fault.h"
#include "world.h"

struct story {
	struct world *w;
	struct node *site;
	struct test_bytes before; /* the replica's file, unsent entries in it */
	struct sou_hash edited, fresh;
};

static void put(const struct story *s)
{
	struct node *n = s->site;
	const char *ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		(void)remove(test_printf("%s%s", n->path, ends[i]));
	(void)test_file(strrchr(n->path, '/') + 1, s->before.b, s->before.n);
	n->fence.there = false;
}

/* Opened, and confirmed where it asks for it. */
static int live(struct node *n)
{
	int rc = node_open_rc(n);
	if (rc == SOU_OK && soud_replica_unconfirmed(n->replica) != SOUD_FENCE_AGREES) {
		rc = soud_replica_begin(n->replica);
		if (rc == SOU_OK)
			rc = soud_replica_confirm(n->replica);
		if (rc == SOU_OK)
			rc = soud_replica_commit(n->replica, NULL);
		soud_replica_rollback(n->replica);
	}
	return rc;
}

static void check_whole(const struct story *s, const char *name)
{
	struct node *n = s->site;
	struct soud_draft draft = {0};
	CHECK_INT(name, soud_replica_unconfirmed(n->replica), ==, SOUD_FENCE_AGREES);
	CHECK_INT(name, verdict_of(n, &n->org_scope, &s->edited), ==, SOU_ACCEPTED);
	CHECK_INT(name, verdict_of(n, &n->org_scope, &s->fresh), ==, SOU_ACCEPTED);
	CHECK_U64(name, last_of(n, &n->org_scope), ==, 3);
	CHECK_INT(name, soud_store_draft_next(soud_replica_store(n->replica), 0, &draft), ==,
		  SOU_EUNKNOWN);
}

TEST(tail, nothing_is_lost_wherever_it_is_cut)
{
	struct story s = {.w = world_new()};
	struct sou_id first, second;
	s.site = world_site(s.w, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash one = node_item(s.site, &first, "送った 例");
	level(&s.w->hub, s.site);
	s.edited = node_edit(s.site, &s.site->org_scope, &first, &one, 1, "送る前 例");
	s.fresh = node_item(s.site, &second, "送る前の段落 例");
	node_close(s.site);
	s.before = test_read(s.site->path);
	put(&s);
	REQUIRE("R12", live(s.site) == SOU_OK);
	check_whole(&s, "R12 untouched");
	node_close(s.site);
	const char *given = getenv("SOU_FAULT_STEP");
	long step = given != NULL ? strtol(given, NULL, 10) : 7, rounds = 0;
	REQUIRE("SOU_FAULT_STEP is a number from 1", step >= 1);
	for (int for_ever = 0; for_ever < 2; for_ever++) {
		for (long nth = 1, failed = 1; failed > 0; nth += step, rounds++) {
			put(&s);
			fault_arm(nth, for_ever != 0);
			int rc = live(s.site);
			failed = fault_disarm();
			CHECK("R17", rc == SOU_OK || failed > 0);
			node_close(s.site);
			REQUIRE("R12 the next start", live(s.site) == SOU_OK);
			check_whole(&s, "R12 whole at the next start");
			node_close(s.site);
		}
	}
	CHECK("calls could fail", rounds > 20);
}
