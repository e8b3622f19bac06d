/* main_bench_w4.c - W4 of the bars: entries taken in, beside the floor: in runs as a site does
 * (signatures of run ends), in runs as the hub does (all), and one at a time. Prints; decides
 * nothing.
 *
 * usage: bench_w4 [ENTRIES [CELLS [FILE [runs|one|all]]]]
 * Figures: for each part NAME_per_s and NAME_cpu_ratio (of the floor's CPU time). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/bench/crowd.h"
#include "tests/bench/meter.h"

#define ENTRIES_MAX 1000000u
#define MANY        20000u /* above: once */
#define TIMES       3u
#define SINGLES     1000u

/* What a view costs at least: all items with their texts, by a reader of its own. */
static void view(const char *path)
{
	struct soud_store *s;
	struct sou_err err;
	struct sou_record record = {0};
	uint32_t scopes = 0, records = 0;
	size_t bytes = 0;
	if (soud_store_open(&s, path, SOUD_STORE_READER, NULL, &err) != SOU_OK)
		crowd_die("reader", err.text);
	double start = crowd_now_s();
	if (soud_store_begin(s) != SOU_OK || soud_store_scope_count(s, &scopes) != SOU_OK)
		crowd_die("reader", soud_store_error(s)->text);
	for (uint32_t n = 1; n <= scopes; n++) {
		int rc = soud_store_record_next(s, n, SOU_KIND_ITEM, NULL, 0, &record);
		for (; rc == SOU_OK; records++) {
			struct sou_span value;
			if (soud_store_value(s, n, record.registers[0].live, &value) != SOU_OK)
				crowd_die("reader", soud_store_error(s)->text);
			bytes += value.n;
			rc = soud_store_record_next(s, n, SOU_KIND_ITEM, &record.entity,
						    SOU_KIND_ITEM, &record);
		}
	}
	double took = crowd_now_s() - start;
	printf("%-32s %8.1f ms %8.0f /s, %zu bytes of text\n", "records read with their texts",
	       took * 1e3, records / took, bytes);
	sou_record_fini(&record);
	soud_store_free(s);
}

static struct crowd_cost take(struct crowd *c, const char *path, bool every, uint32_t a_commit,
			      uint32_t limit)
{
	struct soud_replica *r = crowd_replica(c, path, every);
	struct crowd_cost took = crowd_feed(c, r, every, a_commit, limit);
	if (!every && a_commit > 1)
		view(path);
	soud_replica_close(r);
	crowd_remove(path);
	return took;
}

enum part { FLOOR_RUNS, SITE, HUB, FLOOR_ONE, ONE_SITE, ONE_HUB, PARTS };
static const struct {
	const char *name, *group, *what;
	enum part floor;
} parts[PARTS] = {
	[FLOOR_RUNS] = {"floor_runs", "runs", "floor, 1,000 a commit", FLOOR_RUNS},
	[SITE] = {"site", "runs", "site: signatures of run ends", FLOOR_RUNS},
	[HUB] = {"hub", "runs", "hub: every signature", FLOOR_RUNS},
	[FLOOR_ONE] = {"floor_one", "one", "floor, one a commit", FLOOR_ONE},
	[ONE_SITE] = {"one_site", "one", "site, one at a time", FLOOR_ONE},
	[ONE_HUB] = {"one", "one", "hub, one at a time", FLOOR_ONE},
};

static struct crowd_cost measure(struct crowd *c, const char *path, enum part part, uint32_t count)
{
	switch (part) {
	case FLOOR_RUNS:
		return crowd_floor(c, path, 1000, count);
	case FLOOR_ONE:
		return crowd_floor(c, path, 1, count);
	case SITE:
		return take(c, path, false, 1000, count);
	case HUB:
		return take(c, path, true, 1000, count);
	case ONE_SITE:
		return take(c, path, false, 1, count);
	case ONE_HUB:
		return take(c, path, true, 1, count);
	case PARTS:
		break;
	}
	crowd_die("part", "unknown");
}

static void report(enum part part, uint32_t count, const struct crowd_cost best[PARTS])
{
	char name[32];
	struct crowd_cost took = best[part], floor = best[parts[part].floor];
	printf("%-32s %8.1f ms %8.0f /s %5.2f of the floor; of its CPU time %5.2f\n",
	       parts[part].what, took.wall_s * 1e3, count / took.wall_s, floor.wall_s / took.wall_s,
	       floor.cpu_s / took.cpu_s);
	snprintf(name, sizeof name, "%s_per_s", parts[part].name);
	meter_figure(name, count / took.wall_s);
	snprintf(name, sizeof name, "%s_cpu_ratio", parts[part].name);
	meter_figure(name, floor.cpu_s / took.cpu_s);
}

/* Floor and measure in turns, the best of each: another's load falls on some of them. */
static void run_group(struct crowd *c, const char *path, const char *group, uint32_t count,
		      uint32_t times)
{
	struct crowd_cost best[PARTS] = {{0, 0}};
	for (uint32_t i = 0; i < times; i++) {
		for (enum part part = 0; part < PARTS; part++) {
			if (strcmp(parts[part].group, group) != 0)
				continue;
			struct crowd_cost took = measure(c, path, part, count);
			if (i == 0 || took.wall_s < best[part].wall_s)
				best[part].wall_s = took.wall_s;
			if (i == 0 || took.cpu_s < best[part].cpu_s)
				best[part].cpu_s = took.cpu_s;
		}
	}
	for (enum part part = 0; part < PARTS; part++)
		if (strcmp(parts[part].group, group) == 0)
			report(part, count, best);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
	uint32_t cells = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : count * 3 / 10;
	const char *path = argc > 3 ? argv[3] : "bench_w4.db";
	const char *group = argc > 4 ? argv[4] : "all";
	static struct crowd c;
	if (count == 0 || count > ENTRIES_MAX || argc > 5)
		crowd_die("usage", "bench_w4 [ENTRIES [CELLS [FILE [runs|one|all]]]]");
	crowd_make(&c, count, cells, 270, 0, 0);
	printf("W4 %u entries, %u cells, %.0f bytes an entry\n", count, cells,
	       (double)c.bytes.n / count);
	if (strcmp(group, "one") != 0)
		run_group(&c, path, "runs", count, count > MANY ? 1 : TIMES);
	if (strcmp(group, "runs") != 0)
		run_group(&c, path, "one", count < SINGLES ? count : SINGLES, 2);
	crowd_free(&c);
	return 0;
}
