/* test_clock.c - the wall clock jumps by years, either way, under a replica at work (R15, B11): it
 * signs on, its chain rises, nobody else's clock follows, and all of it is whole. */
#include <stdio.h>

#include "daemon/replica/read.h"
#include "daemon/replica/verify.h"
#include "proto/limits.h"
#include "world.h"

#define YEAR_MS (INT64_C(365) * 86400 * 1000)

static struct soud_read_entry entry_at(struct node *n, uint64_t arrival)
{
	struct soud_read_entry e = {0};
	struct soud_store *s = soud_replica_store(n->replica);
	uint32_t scope;
	REQUIRE("scope", soud_store_scope_find(s, &n->org_scope, &scope) == SOU_OK);
	REQUIRE("entry", soud_read_entry(s, scope, arrival, &e) == SOU_OK);
	return e;
}

TEST(clock, jumps_of_years_while_running)
{
	static const struct {
		const char *name;
		int64_t by_ms;
		bool behind; /* of what it said before */
	} rows[] = {
		{"R15 no jump", 0, false},
		{"R15 thirty years on", 30 * YEAR_MS, false},
		{"R15 and back", -30 * YEAR_MS, true},
		{"R15 thirty years back", -30 * YEAR_MS, true},
		{"R15 and on", 30 * YEAR_MS, true},
		{"R15 a minute", 60000, true},
		{"R15 sixty years on", 60 * YEAR_MS, false},
		{"R15 to what it was", -60 * YEAR_MS, true},
	};
	struct world *w = world_new();
	struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct node *two = world_join(w, "two", &site->org, SOU_ROLE_EDITOR);
	struct sou_id entity;
	uint64_t before = 0;
	feed_authority(&w->hub, two);
	feed_authority(&w->hub, site);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		site->wall_ms += rows[i].by_ms;
		(void)node_item(site, &entity, "時計の例");
		uint64_t own = last_of(site, &site->org_scope);
		struct soud_read_entry e = entry_at(site, own);
		CHECK(rows[i].name, e.hlc > before);
		CHECK_INT(rows[i].name, e.clock, ==, rows[i].behind);
		before = e.hlc;
		level(&w->hub, site);
		level(&w->hub, two);
		(void)node_item(two, &entity, "ほかの拠点 例");
		e = entry_at(two, last_of(two, &site->org_scope));
		CHECK("R15 others' clocks are not dragged along",
		      (int64_t)(e.hlc >> 16) <= two->wall_ms + (int64_t)SOU_HLC_AHEAD_MS + 60000);
		CHECK_INT("R15 nor flagged", e.clock, ==, 0);
		level(&w->hub, two);
		level(&w->hub, site);
		check_level(rows[i].name, site, two, &site->org_scope);
		if (i % 3 == 2) { /* over a restart, too */
			node_close(site);
			node_open(site);
		}
	}
	CHECK_INT("nothing is held", digest_of(site, &site->org_scope).upto, ==,
		  2 * ARRAY_LEN(rows));
	struct node *all[] = {&w->hub, site, two};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct soud_verified v;
		node_close(all[i]);
		CHECK_INT("R22 whole", soud_verify(all[i]->path, NULL, NULL, &v, NULL), ==, SOU_OK);
		CHECK_U64("all accepted", v.held, ==, 0);
	}
}

/* Clocks that no calendar has: refused or signed, never a crash, and the next one is as before. */
TEST(clock, impossible_times)
{
	static const int64_t times[] = {
		-1, 0, 1, INT64_MIN, INT64_MAX, INT64_C(1) << 48, (INT64_C(1) << 48) - 1};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct world *w = world_new();
		struct node *site = world_site(w, "tvac", SOU_ROLE_EDITOR);
		struct sou_id entity;
		struct sou_err err = {0};
		(void)node_item(site, &entity, "前");
		site->wall_ms = times[i];
		int rc = node_try_edit(site, &site->org_scope, &site->org, &entity, "中", &err);
		CHECK("R15 refused or signed", rc == SOU_OK || rc == SOU_ELIMIT);
		site->wall_ms = WORLD_START_MS + 1000;
		if (rc != SOU_OK)
			(void)node_item(site, &entity, "後");
		level(&w->hub, site);
		check_level("R15", &w->hub, site, &site->org_scope);
		struct node *nodes[] = {site, &w->hub};
		for (size_t k = 0; k < ARRAY_LEN(nodes); k++) {
			node_close(nodes[k]);
			(void)remove(nodes[k]->path);
			(void)remove(test_printf("%s-wal", nodes[k]->path));
			(void)remove(test_printf("%s-shm", nodes[k]->path));
		}
	}
}
