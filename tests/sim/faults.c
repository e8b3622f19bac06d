/* faults.c - what breaks all the time: power and lines; and how all is put right before the final
 * comparison. What happens seldom is in deeds.c. */
#include "tests/sim/sim.h"

void sim_crash(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	if (n->down)
		return;
	w->marks[SIM_MARK_CRASHED]++;
	w->marks[SIM_MARK_TORN] += w->mix.damage > 0;
	sim_trace(w, "crash %s", n->name);
	if (node == 0) {
		for (uint32_t i = 1; i < w->node_count; i++)
			sim_net_cut(w, i);
	} else {
		sim_net_cut(w, node);
	}
	memvfs_crash(n->vfs, sim_rng_next(&w->rng), w->mix.damage);
	sim_node_close(w, node);
	sim_push(w, (struct sim_event){.at_ms = 200 + sim_below(&w->rng, 4000),
				       .kind = SIM_RESTART,
				       .node = node});
}

void sim_restart(struct sim *w, uint32_t node)
{
	if (!w->nodes[node].down || w->nodes[node].gone)
		return;
	sim_trace(w, "restart %s", w->nodes[node].name);
	memvfs_power_on(w->nodes[node].vfs);
	(void)sim_node_open(w, node);
}

void sim_fault(struct sim *w)
{
	struct sim_mix *m = &w->mix;
	uint32_t node = sim_below(&w->rng, w->node_count);
	if (sim_chance(&w->rng, m->crash))
		sim_crash(w, node);
	if (sim_chance(&w->rng, m->partition)) {
		node = 1 + sim_below(&w->rng, w->node_count - 1);
		w->nodes[node].paused = !w->nodes[node].paused;
		sim_trace(w, "%s %s", w->nodes[node].name,
			  w->nodes[node].paused ? "offline" : "online");
		w->marks[SIM_MARK_OFFLINE] += w->nodes[node].paused;
		sim_net_cut(w, node);
	}
	if (sim_chance(&w->rng, m->hostile))
		for (int i = 0; i < 4; i++)
			sim_hostile(w);
}

/* People put right what they can: a copy is taken off the line, a fork is decided on. */
static void settle(struct sim *w)
{
	for (uint32_t i = 1; i < w->node_count; i++)
		if (w->nodes[i].copy && !w->nodes[i].gone)
			sim_node_gone(w, i);
	if (sim_chance(&w->rng, 500))
		while (sim_decide(w)) {
		}
}

void sim_heal(struct sim *w)
{
	sim_trace(w, "healed");
	w->healed = true;
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sim_node *n = &w->nodes[i];
		n->paused = false;
		if (n->down && !n->gone)
			sim_restart(w, i);
	}
	settle(w);
}
