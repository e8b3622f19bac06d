/* main_sim.c - sim SEED [COUNT] [--events N] [--trace]: run seeds from SEED on. A failure prints
 * the command that repeats it; the last line sums up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim world;

struct sums {
	uint64_t seeds, failed, events, frames, acts, refused;
	uint64_t times[SIM_MARK_COUNT], in[SIM_MARK_COUNT]; /* in: so many seeds */
};

static const struct {
	const char *name, *what;
	unsigned share; /* of 1,000 seeds */
} marks[SIM_MARK_COUNT] = {
#define X(name, what, share) {#name, what, share},
	SIM_MARKS(X)
#undef X
};

static void add(struct sums *s, const struct sim *w, int rc)
{
	s->seeds++;
	s->failed += rc != 0;
	s->events += w->events;
	s->frames += w->frames;
	s->acts += w->acts;
	s->refused += w->refused_acts;
	for (size_t i = 0; i < SIM_MARK_COUNT; i++) {
		s->times[i] += w->marks[i];
		s->in[i] += w->marks[i] > 0;
	}
}

/* A line each, for people and for test_seeds.sh: mark NAME times SEEDS least-per-1000 what */
static void show(const struct sums *s)
{
	for (size_t i = 0; i < SIM_MARK_COUNT; i++)
		(void)printf("mark %s %llu %llu %u %s\n", marks[i].name,
			     (unsigned long long)s->times[i], (unsigned long long)s->in[i],
			     marks[i].share, marks[i].what);
	(void)printf("seeds %llu failed %llu events %llu frames %llu acts %llu refused %llu\n",
		     (unsigned long long)s->seeds, (unsigned long long)s->failed,
		     (unsigned long long)s->events, (unsigned long long)s->frames,
		     (unsigned long long)s->acts, (unsigned long long)s->refused);
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
	show(&s);
	return s.failed == 0 ? 0 : 1;
}
