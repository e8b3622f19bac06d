/* Offline for thirty days (issue 3): 1,000 entries are written at a site without a line while
 * 10,000 come in elsewhere; one connection later all are at both ends. Real replicas and sessions,
 * simulated days. */
#include <stdio.h>

#include "proto/crypto.h"
#include "tests/lib/check.h"
#include "tests/sim/sim.h"

#define LOCAL   1000u
#define REMOTE  10000u
#define DAYS    30u
#define HOUR_MS UINT64_C(3600000)
#define AWAY    1u /* two sites of one organisation */
#define ANOTHER 2u

static struct sim world;

static uint32_t written(uint32_t node)
{
	static size_t seen;
	static uint32_t counts[SIM_NODES_MAX];
	for (; seen < world.tracked_n; seen++)
		counts[world.tracked[seen].node]++;
	return counts[node];
}

static void write_some(uint32_t node, uint32_t until)
{
	while (written(node) < until && world.failure[0] == '\0') {
		sim_act_site(&world, node);
		if (world.links[node].up)
			sim_pass(&world, sim_below(&world.rng, 300));
	}
}

static void settle(void)
{
	for (int i = 0; i < 600 && world.failure[0] == '\0'; i++) {
		sim_pass(&world, 1000);
		if (sim_net_quiet(&world) && i > 25) /* two rounds of digests (P13.12) */
			return;
	}
	sim_fail(&world, "S1", "not level after ten minutes");
}

static void check_none_held(uint32_t node)
{
	struct soud_store *store = soud_replica_store(world.nodes[node].replica);
	uint32_t count = 0;
	uint64_t held = 0, all = 0, expected = 0;
	struct soud_row row;
	REQUIRE("scopes", soud_store_scope_count(store, &count) == SOU_OK);
	for (uint32_t scope = 1; scope <= count; scope++)
		for (uint64_t at = 0; soud_store_log_next(store, scope, at, &row) == SOU_OK;
		     at = row.arrival) {
			all++;
			held += row.verdict != SOU_ACCEPTED;
		}
	CHECK_U64("nothing is held", held, ==, 0);
	for (size_t i = 0; i < world.tracked_n; i++) /* submissions may go where it does not read */
		expected += world.tracked[i].node == node || node == 0 ||
			    sim_reads(&world, node, &world.tracked[i].scope);
	CHECK("most of it is for all", expected > (LOCAL + REMOTE) * 9 / 10);
	CHECK_U64("all are there", all, >=, expected);
}

TEST(away, thirty_days)
{
	struct sim *w = &world;
	sim_begin(w, 30, false);
	w->healed = true; /* no acts nor faults but those below */
	REQUIRE("a world", sim_world_make(w));
	for (uint32_t i = ANOTHER + 1; i < w->node_count; i++)
		w->nodes[i].gone = w->nodes[i].down = true; /* three are enough */
	for (uint32_t i = ANOTHER + 1; i < w->node_count; i++)
		sim_node_close(w, i);
	sim_begin_clocks(w);
	settle();
	w->nodes[AWAY].paused = true;
	sim_net_cut(w, AWAY);
	uint64_t began = w->now_ms;
	for (uint32_t day = 1; day <= DAYS && w->failure[0] == '\0'; day++) {
		write_some(ANOTHER, REMOTE * day / DAYS);
		write_some(AWAY, LOCAL * day / DAYS);
		sim_pass(w, HOUR_MS / 60);
		sim_sleep(w, began + day * 24 * HOUR_MS - w->now_ms); /* nights, weekends */
	}
	sim_pass(w, 60000);
	CHECK_STR("no fault so far", w->failure, "");
	CHECK_U64("days", (w->now_ms - began) / (24 * HOUR_MS), ==, DAYS);
	uint32_t links = w->links[AWAY].incarnation;
	w->nodes[AWAY].paused = false;
	uint64_t back = w->now_ms;
	settle();
	(void)printf("away: %u written here and %u elsewhere in %u days, level after %llu "
		     "simulated ms\n",
		     written(AWAY), written(ANOTHER), DAYS, (unsigned long long)(w->now_ms - back));
	CHECK_STR("no fault", w->failure, "");
	CHECK_U64("one connection", w->links[AWAY].incarnation - links, ==, 1);
	uint32_t acked = 0;
	for (size_t i = 0; i < w->tracked_n; i++)
		acked += w->tracked[i].node == AWAY && w->tracked[i].acked;
	CHECK_U64("own ones are acknowledged", acked, ==, written(AWAY));
	for (uint32_t node = 0; node <= ANOTHER; node++)
		check_none_held(node);
	sim_check_all(w); /* digests equal, each entry at the hub and at its site */
	CHECK_STR("all of it", w->failure, "");
	sou_hasher_free(w->hasher);
	sim_end(w);
}
