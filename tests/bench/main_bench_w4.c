/* main_bench_w4.c - W4 of the bars: entries taken in, beside the floor. bench_w4 [entries [cells
 * [path [part]]]]. In runs as a site does (signatures of run ends), in runs as the hub does (all),
 * and one at a time. Prints; decides nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/bench/crowd.h"

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
	if (!every)
		view(path);
	soud_replica_close(r);
	crowd_remove(path);
	return took;
}

static void report(const char *what, uint32_t count, struct crowd_cost took,
		   struct crowd_cost floor)
{
	printf("%-32s %8.1f ms %8.0f /s %5.2f of the floor; of its CPU time %5.2f\n", what,
	       took.wall_s * 1e3, count / took.wall_s, floor.wall_s / took.wall_s,
	       floor.cpu_s / took.cpu_s);
	fflush(stdout);
}

/* `part`: floor, site, hub, one, or all of them. */
static bool wanted(const char *part, const char *which)
{
	return strcmp(part, "all") == 0 || strcmp(part, which) == 0;
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
	uint32_t cells = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : count * 3 / 10;
	const char *path = argc > 3 ? argv[3] : "bench_w4.db";
	const char *part = argc > 4 ? argv[4] : "all";
	uint32_t singles = count < 2000 ? count : 2000;
	struct crowd c;
	if (count == 0)
		crowd_die("bench_w4", "how many entries?");
	crowd_make(&c, count, cells, 270, 0);
	printf("W4 %u entries, %u cells, %.0f bytes an entry\n", count, cells,
	       (double)c.bytes.n / count);
	struct crowd_cost floor = crowd_floor(&c, path, 1000, count);
	report("floor, 1,000 a commit", count, floor, floor);
	if (wanted(part, "site"))
		report("site: signatures of run ends", count, take(&c, path, false, 1000, count),
		       floor);
	if (wanted(part, "hub"))
		report("hub: every signature", count, take(&c, path, true, 1000, count), floor);
	if (wanted(part, "one")) {
		struct crowd_cost one = crowd_floor(&c, path, 1, singles);
		report("floor, one a commit", singles, one, one);
		report("one at a time, every signature", singles, take(&c, path, true, 1, singles),
		       one);
	}
	crowd_free(&c);
	return 0;
}
