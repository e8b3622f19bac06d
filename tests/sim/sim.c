/* sim.c - the clock of the world: an ordered heap of events, and the two phases of a run. */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"

uint64_t sim_rng_next(struct sim_rng *r)
{
	uint64_t z = (r->s += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele et al. 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t sim_below(struct sim_rng *r, uint32_t n)
{
	return (uint32_t)(sim_rng_next(r) % n);
}

bool sim_chance(struct sim_rng *r, uint32_t per_thousand)
{
	return sim_below(r, 1000) < per_thousand;
}

void sim_fail(struct sim *w, const char *rule, const char *format, ...)
{
	if (w->failure[0] != '\0')
		return;
	int n = snprintf(w->failure, sizeof w->failure, "%s: ", rule);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(w->failure + n, sizeof w->failure - (size_t)n, format, args);
	va_end(args);
}

void sim_trace(struct sim *w, const char *format, ...)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%llu ", (unsigned long long)w->now_ms);
	va_list args;
	va_start(args, format);
	int m = vsnprintf(line + n, sizeof line - (size_t)n, format, args);
	va_end(args);
	size_t length = strlen(line);
	(void)m;
	sou_hasher_put(w->hasher, line, length);
	if (w->trace)
		(void)printf("%s\n", line);
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_push(struct sim *w, struct sim_event e)
{
	if (w->heap_n == w->heap_cap) {
		w->heap_cap = w->heap_cap == 0 ? 256 : w->heap_cap * 2;
		w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
		SOU_ASSERT(w->heap != NULL);
	}
	e.at_ms += w->now_ms;
	e.order = w->order++;
	size_t i = w->heap_n++;
	while (i > 0 && before(&e, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = e;
}

static struct sim_event pop(struct sim *w)
{
	struct sim_event top = w->heap[0], last = w->heap[--w->heap_n];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= w->heap_n)
			break;
		if (child + 1 < w->heap_n && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	if (w->heap_n > 0)
		w->heap[i] = last;
	return top;
}

static void one(struct sim *w, struct sim_event *e)
{
	struct sim_node *node = &w->nodes[e->node];
	switch (e->kind) {
	case SIM_DELIVER:
		sim_net_deliver(w, e);
		break;
	case SIM_JOB:
		sim_net_job(w, e);
		e->job = NULL;
		break;
	case SIM_TICK:
		if (node->gone)
			break;
		if (!node->down)
			sim_net_tick(w, e->node);
		sim_push(w, (struct sim_event){.at_ms = 1000, .kind = SIM_TICK, .node = e->node});
		break;
	case SIM_DIAL:
		if (node->gone)
			break;
		if (!node->down && !node->paused && !w->nodes[0].down && !w->links[e->node].up)
			sim_net_dial(w, e->node);
		sim_push(w, (struct sim_event){.at_ms = 300 +
							sim_below(&w->rng, w->healed ? 300 : 5000),
					       .kind = SIM_DIAL,
					       .node = e->node});
		break;
	case SIM_ACT:
		if (!w->healed) {
			sim_act(w);
			sim_push(w, (struct sim_event){.at_ms = sim_below(&w->rng, 250),
						       .kind = SIM_ACT});
		}
		break;
	case SIM_FAULT:
		if (!w->healed) {
			sim_fault(w);
			sim_push(w, (struct sim_event){.at_ms = sim_below(&w->rng, 1500),
						       .kind = SIM_FAULT});
		}
		break;
	case SIM_RESTART:
		sim_restart(w, e->node);
		break;
	}
	free(e->bytes);
	if (e->job != NULL)
		sim_net_job_free(e->job);
}

/* Swarm: each kind of fault is off in half of the seeds; rates of the rest are drawn. */
static void draw_mix(struct sim *w)
{
	struct sim_rng *r = &w->rng;
	struct sim_mix *m = &w->mix;
	uint32_t *const rates[] = {&m->cut, &m->repeat, &m->swap, &m->partition, &m->crash};
	static const uint32_t most[] = {300, 500, 400, 300, 300};
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		*rates[i] = sim_chance(r, 500) ? 1 + sim_below(r, most[i]) : 0;
	m->damage = sim_chance(r, 500) ? 800 + sim_below(r, 201) : 0;
	m->hostile = sim_chance(r, 200) ? 400 : 0;
	m->clock_years = sim_chance(r, 100) ? 30 : 0;
	m->ed25519 = sim_chance(r, 100) ? 1 : 0;
}

static void run_faults(struct sim *w, uint32_t events)
{
	while (w->events < events && w->failure[0] == '\0') {
		struct sim_event e = pop(w);
		SOU_ASSERT(e.at_ms >= w->now_ms);
		w->now_ms = e.at_ms;
		if (e.kind != SIM_TICK)
			w->events++;
		one(w, &e);
		if (w->failure[0] == '\0')
			sim_deeds(w);
	}
}

static void run_healed(struct sim *w)
{
	uint64_t steps = 0, quiet_since = 0;
	sim_heal(w);
	while (w->failure[0] == '\0') {
		struct sim_event e = pop(w);
		w->now_ms = e.at_ms;
		one(w, &e);
		if (!sim_net_quiet(w))
			quiet_since = 0;
		else if (quiet_since == 0)
			quiet_since = w->now_ms;
		else if (w->now_ms - quiet_since > 25000) /* two rounds of digests (P13.12) */
			return;
		if (++steps > SIM_STEPS_MAX)
			sim_fail(w, "S1", "not level after %u steps", SIM_STEPS_MAX);
	}
}

void sim_begin(struct sim *w, uint64_t seed, bool trace)
{
	memset(w, 0, sizeof *w);
	w->seed = seed;
	w->rng.s = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	w->trace = trace;
	SOU_ASSERT(sou_hasher_new(&w->hasher) == SOU_OK);
	sou_hasher_begin(w->hasher, SOU_DOMAIN_NONE);
	w->tracked = calloc(SIM_TRACKED_MAX, sizeof *w->tracked);
	SOU_ASSERT(w->tracked != NULL);
}

void sim_begin_clocks(struct sim *w)
{
	for (uint32_t i = 0; i < w->node_count; i++) {
		sim_push(w, (struct sim_event){.at_ms = 1000 + i, .kind = SIM_TICK, .node = i});
		if (i > 0)
			sim_push(w,
				 (struct sim_event){.at_ms = i * 7, .kind = SIM_DIAL, .node = i});
	}
}

void sim_pass(struct sim *w, uint64_t ms)
{
	uint64_t until = w->now_ms + ms;
	while (w->heap_n > 0 && w->heap[0].at_ms <= until && w->failure[0] == '\0') {
		struct sim_event e = pop(w);
		w->now_ms = e.at_ms;
		one(w, &e);
	}
	w->now_ms = until;
}

void sim_sleep(struct sim *w, uint64_t ms)
{
	for (size_t i = 0; i < w->heap_n; i++)
		w->heap[i].at_ms += ms;
	w->now_ms += ms;
}

void sim_end(struct sim *w)
{
	for (size_t i = 0; i < w->heap_n; i++) {
		free(w->heap[i].bytes);
		if (w->heap[i].job != NULL)
			sim_net_job_free(w->heap[i].job);
	}
	w->heap_n = 0;
	free(w->heap);
	sim_world_free(w);
	free(w->tracked);
}

int sim_run(uint64_t seed, uint32_t events, bool trace, struct sim *w)
{
	sim_begin(w, seed, trace);
	w->events_max = events;
	draw_mix(w);
	sim_deeds_draw(w);
	if (!sim_world_make(w))
		sim_fail(w, "S0", "the world could not be made");
	sim_begin_clocks(w);
	sim_push(w, (struct sim_event){.at_ms = 50, .kind = SIM_ACT});
	sim_push(w, (struct sim_event){.at_ms = 500, .kind = SIM_FAULT});
	if (w->failure[0] == '\0')
		run_faults(w, events);
	if (w->failure[0] == '\0')
		run_healed(w);
	if (w->failure[0] == '\0')
		sim_check_all(w);
	sim_end(w);
	return w->failure[0] == '\0' ? 0 : 1;
}
