/* test_views_oom.c - want of memory at each allocation of the views: an error that says so, nothing
 * leaked, and the same answer once there is memory again. */
#include "tests/lib/fault.h"

#include "tests/daemon/plan/rig.h"

#define CORP "corporate-volunteering"

/* All views, one after the other; the number of paragraphs and conflicts seen. */
static int look_at_all(struct node *n, size_t *seen)
{
	struct soud_look look;
	struct soud_pool pool = {0};
	struct soud_plan plan;
	struct soud_table table;
	struct soud_conflict *conflicts;
	struct soud_item *items;
	size_t conflict_count = 0, item_count = 0, all = 0, incomplete = 0, marked = 0;
	const struct soud_item_filter every = {0};
	soud_look_reader(&look, n->reader, false);
	int rc = soud_plan_read(&look, &pool, &plan);
	if (rc == SOU_OK)
		rc = soud_items_read(&look, &plan, &every, &pool, &items, &item_count);
	if (rc == SOU_OK)
		rc = soud_items_count(&look, &all);
	if (rc == SOU_OK)
		rc = soud_conflicts_read(&look, &plan, NULL, &pool, &conflicts, &conflict_count);
	if (rc == SOU_OK)
		rc = soud_conflicts_count(&look, &plan, &marked, &incomplete);
	for (int latest = 0; rc == SOU_OK && latest < 2; latest++) {
		const struct soud_table_options options = {.round = &plan.rounds[0],
							   .latest = latest == 1};
		rc = soud_table_read(&look, &plan, &options, &pool, &table);
		if (rc == SOU_OK)
			*seen = table.submitted * 1000 + table.conflicts * 100 + item_count * 10 +
				all + conflict_count + marked;
	}
	soud_pool_fini(&pool);
	return rc;
}

TEST(oom, views)
{
	struct rig *g = rig_new(true);
	struct sou_id id = rig_add(g->honkan, CORP, "achievement", NULL, "例の文");
	(void)rig_add(g->honkan, CORP, "challenge", NULL, "例の課題");
	rig_submit(g->honkan, CORP, "next");
	rig_level(g);
	rig_edit(g->honkan, &id, "例の文。");
	rig_edit(g->bunshitsu, &id, "例の文、");
	rig_level(g);
	size_t want = 0;
	REQUIRE("with memory", look_at_all(g->hub, &want) == SOU_OK);
	CHECK_INT("one submitted, one in conflict", want, ==, 1000 + 100 + 2 * 10 + 2 + 1 + 1);
	size_t failed = 0;
	FOR_EACH_FAULT (n) {
		size_t seen = want;
		int rc = look_at_all(g->hub, &seen);
		CHECK("R17 all or an error", rc == SOU_OK || rc == SOU_ENOMEM);
		CHECK_INT("R17 never another answer", seen, ==, want);
		failed += rc == SOU_ENOMEM;
	}
	CHECK_INT("several places ask for memory", failed, >, 8);
	size_t again = 0;
	CHECK_INT("and again", look_at_all(g->hub, &again), ==, SOU_OK);
	CHECK_INT("and again", again, ==, want);
}
