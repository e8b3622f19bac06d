/* faults.c - what breaks: power, lines, disks put back, keys withdrawn, texts redacted; and how all
 * of it is put right before the final comparison. */
#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/sim/sim.h"

static void crash(struct sim *w, uint32_t node, bool restore)
{
	struct sim_node *n = &w->nodes[node];
	if (n->down)
		return;
	w->crashes++;
	sim_trace(w, "crash %s%s", n->name, restore ? ", its disk is put back" : "");
	if (node == 0) {
		for (uint32_t i = 1; i < w->node_count; i++)
			sim_net_cut(w, i);
	} else {
		sim_net_cut(w, node);
	}
	memvfs_crash(n->vfs, sim_rng_next(&w->rng), w->mix.damage);
	sim_node_close(w, node);
	if (restore) {
		memvfs_restore(n->vfs, n->backup);
		w->restores++;
		n->restored = true;
		/* What it signed after the backup and never sent is gone with the disk. */
		for (size_t i = 0; i < w->tracked_n; i++)
			if (w->tracked[i].node == node && !w->tracked[i].acked)
				w->tracked[i].excused = true;
	}
	sim_push(w, (struct sim_event){.at_ms = 200 + sim_below(&w->rng, 4000),
				       .kind = SIM_RESTART,
				       .node = node});
}

void sim_restart(struct sim *w, uint32_t node)
{
	if (!w->nodes[node].down)
		return;
	sim_trace(w, "restart %s", w->nodes[node].name);
	memvfs_power_on(w->nodes[node].vfs);
	(void)sim_node_open(w, node);
}

/* Cut at what the hub holds of this site, or short of it. */
static void revoke(struct sim *w)
{
	uint32_t node = 7 + sim_below(&w->rng, w->node_count);
	if (node >= w->node_count || w->nodes[node].withdrawn || w->nodes[0].down)
		return;
	struct sim_node *n = &w->nodes[node];
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[n->org]);
	struct sou_scope *engine;
	struct sou_scope_entry head;
	struct sou_hash pin;
	struct sou_pins pins = {.scope = scope, .first = 0, .count = 1};
	struct sou_effect cut = {
		.type = SOU_EFFECT_CUT, .site = n->site, .key_id = n->signer.key_id};
	if (soud_replica_begin(w->nodes[0].replica) != SOU_OK)
		return;
	if (soud_replica_engine(w->nodes[0].replica, &scope, &engine) == SOU_OK &&
	    sou_scope_own_head(engine, &n->site, &n->signer.key_id, &head) == SOU_OK) {
		pin = sim_chance(&w->rng, 500) && head.seq > 1 ? head.prev : head.id;
		cut.pins = &pins;
		cut.pin_count = 1;
		cut.ids = &pin;
		cut.id_count = 1;
	}
	soud_replica_rollback(w->nodes[0].replica);
	if (!sim_operational(w, &cut, 1))
		return;
	sim_trace(w, "revoked %s", n->name);
	w->revocations++;
	n->withdrawn = true;
	for (size_t i = 0; i < w->tracked_n; i++)
		if (w->tracked[i].node == node)
			w->tracked[i].excused = true;
}

static void redact(struct sim *w)
{
	if (w->tracked_n == 0 || w->nodes[0].down)
		return;
	struct sim_tracked *t = &w->tracked[sim_below(&w->rng, (uint32_t)w->tracked_n)];
	uint16_t index = 1;
	struct sou_effect effect = {.type = SOU_EFFECT_REDACT,
				    .number = 1,
				    .ids = &t->id,
				    .id_count = 1,
				    .indexes = &index};
	if (!t->acked || !sim_operational(w, &effect, 1))
		return;
	sim_trace(w, "redacted");
	w->redactions++;
}

void sim_fault(struct sim *w)
{
	struct sim_mix *m = &w->mix;
	uint32_t node = sim_below(&w->rng, w->node_count);
	if (sim_chance(&w->rng, m->crash))
		crash(w, node, false);
	if (sim_chance(&w->rng, m->partition)) {
		node = 1 + sim_below(&w->rng, w->node_count - 1);
		w->nodes[node].paused = !w->nodes[node].paused;
		sim_trace(w, "%s %s", w->nodes[node].name,
			  w->nodes[node].paused ? "offline" : "online");
		sim_net_cut(w, node);
	}
	if (sim_chance(&w->rng, m->hostile))
		for (int i = 0; i < 4; i++)
			sim_hostile(w);
	if (sim_chance(&w->rng, m->revoke))
		revoke(w);
	if (sim_chance(&w->rng, m->redact))
		redact(w);
	if (sim_chance(&w->rng, m->restore)) {
		node = 1 + sim_below(&w->rng, 4);
		struct sim_node *n = &w->nodes[node];
		if (n->backup == NULL && !n->down) {
			n->backup = memvfs_image(n->vfs);
			sim_trace(w, "backup of %s", n->name);
		} else if (n->backup != NULL && !n->restored) {
			crash(w, node, true);
		}
	}
}

void sim_heal(struct sim *w)
{
	sim_trace(w, "healed");
	w->healed = true;
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sim_node *n = &w->nodes[i];
		n->paused = false;
		if (n->down)
			sim_restart(w, i);
	}
}
