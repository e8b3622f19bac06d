/* main_sim.c - sim SEED [COUNT] [--events N] [--trace]: run seeds from SEED on. A failure prints
 * the command that repeats it; the last line sums up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim world;

struct sums {
	uint64_t seeds, failed, events, frames, acts, refused, crashes, cuts, restores, revocations,
		hostile, adoptions, anchors, redactions;
};

static void add(struct sums *s, const struct sim *w, int rc)
{
	s->seeds++;
	s->failed += rc != 0;
	s->events += w->events;
	s->frames += w->frames;
	s->acts += w->acts;
	s->refused += w->refused_acts;
	s->crashes += w->crashes;
	s->cuts += w->cuts;
	s->restores += w->restores;
	s->revocations += w->revocations;
	s->hostile += w->hostile_entries;
	s->adoptions += w->adoptions;
	s->anchors += w->anchors;
	s->redactions += w->redactions;
}

static uint64_t number(const char *text, const char *what)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 10);
	if (*end != '\0' || end == text) {
		(void)fprintf(stderr, "sim: %s is not a number: %s\n", what, text);
		exit(64);
	}
	return v;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, count = 1, events = 2000, given = 0;
	bool trace = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			trace = true;
		else if (strcmp(argv[i], "--events") == 0 && i + 1 < argc)
			events = number(argv[++i], "--events");
		else if (given++ == 0)
			seed = number(argv[i], "SEED");
		else
			count = number(argv[i], "COUNT");
	}
	struct sums s = {0};
	for (uint64_t i = 0; i < count; i++) {
		int rc = sim_run(seed + i, (uint32_t)events, trace, &world);
		struct sou_hash hash = sou_hasher_end(world.hasher);
		add(&s, &world, rc);
		(void)printf("seed %" PRIu64 " trace ", seed + i);
		for (size_t k = 0; k < 8; k++)
			(void)printf("%02x", hash.b[k]);
		(void)printf(" events %llu nodes %u %s\n", (unsigned long long)world.events,
			     world.node_count, rc == 0 ? "ok" : world.failure);
		if (rc != 0)
			(void)printf("again: sim %" PRIu64 " --events %" PRIu64 " --trace\n",
				     seed + i, (uint64_t)events);
		sou_hasher_free(world.hasher);
	}
	(void)printf("seeds %llu failed %llu events %llu frames %llu acts %llu refused %llu "
		     "crashes %llu cuts "
		     "%llu restores %llu revocations %llu hostile %llu adoptions %llu anchors %llu "
		     "redactions %llu\n",
		     (unsigned long long)s.seeds, (unsigned long long)s.failed,
		     (unsigned long long)s.events, (unsigned long long)s.frames,
		     (unsigned long long)s.acts, (unsigned long long)s.refused,
		     (unsigned long long)s.crashes, (unsigned long long)s.cuts,
		     (unsigned long long)s.restores, (unsigned long long)s.revocations,
		     (unsigned long long)s.hostile, (unsigned long long)s.adoptions,
		     (unsigned long long)s.anchors, (unsigned long long)s.redactions);
	return s.failed == 0 ? 0 : 1;
}
