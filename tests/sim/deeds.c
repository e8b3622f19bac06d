/* deeds.c - what happens seldom and must happen all the same: a seed draws which of these it has
 * and after how many events (bars.md 3); what cannot be done then is tried again a little later.
 * Keys are withdrawn and made anew, rights end and come back, disks are put back, a copy of a
 * machine comes up beside it, texts are redacted and read by somebody who came later. */
#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/sim/sim.h"

#define IDS_MAX  64u
#define PINS_MAX (2u + SIM_ORGS + SIM_PROJECTS)

static struct sou_id scope_at(const struct sim *w, uint32_t i)
{
	if (i == 0)
		return sou_scope_id(SOU_SCOPE_PLAN, NULL);
	if (i < SIM_ORGS)
		return sou_scope_id(SOU_SCOPE_ORG, &w->orgs[i]);
	return sou_scope_id(SOU_SCOPE_PROJECT, &w->projects[i - SIM_ORGS]);
}

/* An honest site that still may write; 0: the one that was drawn cannot. */
static uint32_t pick_site(struct sim *w)
{
	uint32_t node = 1 + sim_below(&w->rng, w->node_count - 1);
	const struct sim_node *n = &w->nodes[node];
	return n->withdrawn || !n->honest || n->copy || n->gone || (n->roles & SOU_ROLE_EDITOR) == 0
		       ? 0
		       : node;
}

/* Heads of a site's key in one scope as the hub has them, ascending; `kept` 1: the first to come
 * alone. */
static uint32_t heads_of(struct sim *w, const struct sim_node *n, const struct sou_id *scope,
			 struct sou_hash *out, uint32_t max)
{
	struct sou_hash tops[128];
	struct sou_scope *engine;
	uint32_t count = 0;
	if (soud_replica_engine(w->nodes[0].replica, scope, &engine) != SOU_OK)
		return 0;
	size_t total = sou_scope_tops(engine, tops, 128);
	for (size_t i = 0; i < total && i < 128 && count < max; i++) {
		struct sou_scope_entry e;
		if (sou_scope_get(engine, &tops[i], &e) == SOU_OK && sou_id_eq(&e.site, &n->site) &&
		    sou_id_eq(&e.key, &n->signer.key_id))
			out[count++] = tops[i];
	}
	return count;
}

struct pinned {
	struct sou_pins pins[PINS_MAX];
	struct sou_hash ids[IDS_MAX];
	uint32_t pin_count, id_count;
};

static void sort_scopes(struct sou_id *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = i; k > 0 && sou_id_cmp(&v[k - 1], &v[k]) > 0; k--) {
			struct sou_id t = v[k];
			v[k] = v[k - 1];
			v[k - 1] = t;
		}
}

/* All heads of the site in all scopes; `short_of` in per thousand: the entry before, where there is
 * one. */
static void pin_all(struct sim *w, const struct sim_node *n, uint32_t short_of, struct pinned *out)
{
	struct sou_id scopes[PINS_MAX];
	uint32_t count = SIM_ORGS + SIM_PROJECTS;
	memset(out, 0, sizeof *out);
	for (uint32_t i = 0; i < count; i++)
		scopes[i] = scope_at(w, i);
	sort_scopes(scopes, count);
	if (soud_replica_begin(w->nodes[0].replica) != SOU_OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		struct sou_scope *engine;
		struct sou_scope_entry e;
		uint32_t got = heads_of(w, n, &scopes[i], out->ids + out->id_count,
					IDS_MAX - out->id_count);
		if (got == 0)
			continue;
		if (got == 1 && sim_chance(&w->rng, short_of) &&
		    soud_replica_engine(w->nodes[0].replica, &scopes[i], &engine) == SOU_OK &&
		    sou_scope_get(engine, &out->ids[out->id_count], &e) == SOU_OK && e.seq > 1) {
			out->ids[out->id_count] = e.prev;
			w->marks[SIM_MARK_SHORT]++;
		}
		out->pins[out->pin_count++] = (struct sou_pins){scopes[i], out->id_count, got};
		out->id_count += got;
	}
	soud_replica_rollback(w->nodes[0].replica);
}

static struct sou_effect cut_effect(const struct sim_node *n, const struct pinned *p)
{
	return (struct sou_effect){.type = SOU_EFFECT_CUT,
				   .site = n->site,
				   .key_id = n->signer.key_id,
				   .pins = p->pins,
				   .pin_count = p->pin_count,
				   .ids = p->ids,
				   .id_count = p->id_count};
}

static void excuse(struct sim *w, uint32_t node, bool acked_too)
{
	for (size_t i = 0; i < w->tracked_n; i++)
		if (w->tracked[i].node == node && (acked_too || !w->tracked[i].acked))
			w->tracked[i].excused = true;
}

/* Cut at what the hub holds, short of it, or at the start of every feed. */
static bool revoke(struct sim *w)
{
	uint32_t node = 1 + sim_below(&w->rng, w->node_count - 1), left = 0;
	struct sim_node *n = &w->nodes[node];
	for (uint32_t i = 1; i < w->node_count; i++)
		left += !w->nodes[i].withdrawn && w->nodes[i].honest;
	if (n->withdrawn || n->copy || n->gone || (n->roles & SOU_ROLE_EDITOR) == 0 || left < 4)
		return false;
	struct pinned p;
	bool start = sim_chance(&w->rng, 150);
	pin_all(w, n, 500, &p);
	if (start)
		p.pin_count = p.id_count = 0;
	struct sou_effect cut = cut_effect(n, &p);
	if (!sim_operational(w, &cut, 1))
		return false;
	sim_trace(w, "revoked %s%s", n->name, start ? " from the start" : "");
	n->withdrawn = true;
	excuse(w, node, true);
	w->marks[start ? SIM_MARK_REVOKED_START : SIM_MARK_REVOKED]++;
	return true;
}

/* The key before is cut and a new one opened, by one op; the site takes it when it starts. */
static bool new_key(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	struct pinned p;
	struct sou_signer fresh;
	if (n->down)
		return false;
	pin_all(w, n, 0, &p);
	sim_key_make(w, &fresh, w->mix.ed25519 > 0);
	struct sou_effect effects[] = {cut_effect(n, &p),
				       {.type = SOU_EFFECT_OPEN,
					.site = n->site,
					.key = fresh.public_key,
					.tls = n->tls,
					.name = {(const uint8_t *)n->name, strlen(n->name)}}};
	if (!sim_operational(w, effects, 2)) {
		sou_signer_fini(&fresh);
		return false;
	}
	sim_trace(w, "%s has a new key", n->name);
	sim_net_cut(w, node);
	sim_node_new_key(w, node, &fresh);
	n->opening = sou_authority_head(soud_replica_authority(w->nodes[0].replica));
	n->rekeyed = true;
	w->marks[SIM_MARK_NEW_KEY]++;
	return true;
}

/* Editing ends at the last entry, before it or at the start of the feed, and reading with it. */
static bool narrow(struct sim *w)
{
	uint32_t node = pick_site(w), kind = sim_below(&w->rng, 3);
	struct sim_node *n = &w->nodes[node];
	struct sou_hash heads[4];
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[n->org]);
	struct sou_scope *engine;
	struct sou_scope_entry e;
	if (node == 0 || n->narrowed || soud_replica_begin(w->nodes[0].replica) != SOU_OK)
		return false;
	uint32_t count = kind == 2 ? 0 : heads_of(w, n, &scope, heads, 4);
	if (kind == 1 && count == 1 &&
	    soud_replica_engine(w->nodes[0].replica, &scope, &engine) == SOU_OK &&
	    sou_scope_get(engine, &heads[0], &e) == SOU_OK && e.seq > 1)
		heads[0] = e.prev;
	soud_replica_rollback(w->nodes[0].replica);
	if (kind != 2 && count == 0)
		return false;
	const struct sou_pins pin = {scope, 0, count};
	struct sou_effect effect = {.type = SOU_EFFECT_NARROW,
				    .op = n->grant,
				    .site = n->site,
				    .roles = SOU_ROLE_EDITOR,
				    .pins = &pin,
				    .pin_count = kind != 2,
				    .ids = heads,
				    .id_count = count};
	if (!sim_operational(w, &effect, 1))
		return false;
	static const char *const words[] = {"at its head", "before its head", "at the start"};
	sim_trace(w, "%s is narrowed %s", n->name, words[kind]);
	n->narrowed = true;
	n->blind = true; /* a role that ended reads no more (P8.14) */
	w->marks[kind == 2 ? SIM_MARK_CLOSED : SIM_MARK_NARROWED]++;
	return true;
}

/* The right comes back, after the head that the hub holds. */
static bool regrant(struct sim *w)
{
	for (uint32_t node = 1; node < w->node_count; node++) {
		struct sim_node *n = &w->nodes[node];
		struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[n->org]);
		struct sou_hash heads[1];
		if (!n->narrowed || n->withdrawn ||
		    soud_replica_begin(w->nodes[0].replica) != SOU_OK)
			continue;
		uint32_t count = heads_of(w, n, &scope, heads, 1);
		soud_replica_rollback(w->nodes[0].replica);
		const struct sou_pins pin = {scope, 0, 1};
		struct sou_effect effect = {.type = SOU_EFFECT_GRANT,
					    .site = n->site,
					    .roles = SOU_ROLE_EDITOR,
					    .reach = SOU_REACH_SCOPE,
					    .id = scope,
					    .pins = &pin,
					    .pin_count = count,
					    .ids = heads,
					    .id_count = count};
		bool blind = n->blind;
		n->blind = false; /* news flow in the same step */
		if (!sim_operational(w, &effect, 1)) {
			n->blind = blind;
			return false;
		}
		sim_trace(w, "%s may edit again", n->name);
		n->grant = sou_authority_head(soud_replica_authority(w->nodes[0].replica));
		n->narrowed = false;
		w->marks[SIM_MARK_REGRANTED]++;
		return true;
	}
	return false;
}

/* A right in another organisation's scope: reading, or writing for it (代理入力). */
static bool grant_later(struct sim *w)
{
	uint32_t node = pick_site(w);
	struct sim_node *n = &w->nodes[node];
	uint32_t org =
		w->redacted_org != 0 ? w->redacted_org : 1 + sim_below(&w->rng, SIM_ORGS - 1);
	bool edits = sim_chance(&w->rng, 500);
	if (node == 0 || org == n->org || ((n->reads | n->edits) & 1u << org) != 0)
		return false;
	struct sou_effect effect = {.type = SOU_EFFECT_GRANT,
				    .site = n->site,
				    .roles = edits ? SOU_ROLE_EDITOR : SOU_ROLE_READER,
				    .reach = edits ? SOU_REACH_SCOPE : SOU_REACH_SUBTREE,
				    .id = w->orgs[org]};
	if (edits)
		effect.id = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]);
	const uint32_t bit = 1u << org;
	*(edits ? &n->edits : &n->reads) |= bit; /* news flow in the same step */
	n->ever |= bit;
	if (!sim_operational(w, &effect, 1)) {
		*(edits ? &n->edits : &n->reads) &= ~bit;
		return false;
	}
	sim_trace(w, "%s may %s organisation %u", n->name, edits ? "edit for" : "read", org);
	n->extra[org] = sou_authority_head(soud_replica_authority(w->nodes[0].replica));
	w->marks[edits ? SIM_MARK_EDITS_LATER : SIM_MARK_READS_LATER]++;
	if (w->redacted_org == org)
		w->marks[SIM_MARK_REDACTED_READ]++;
	return true;
}

/* It ends again: scope and all. */
static bool grant_ends(struct sim *w)
{
	for (uint32_t node = 1; node < w->node_count; node++) {
		struct sim_node *n = &w->nodes[node];
		for (uint32_t org = 1; org < SIM_ORGS; org++) {
			if (((n->reads | n->edits) & 1u << org) == 0 || n->withdrawn)
				continue;
			bool edits = (n->edits & 1u << org) != 0;
			struct sou_effect effect = {.type = SOU_EFFECT_NARROW,
						    .op = n->extra[org],
						    .site = n->site,
						    .roles = edits ? SOU_ROLE_EDITOR
								   : SOU_ROLE_READER};
			if (!sim_operational(w, &effect, 1))
				return false;
			sim_trace(w, "%s may not for organisation %u any more", n->name, org);
			n->reads &= ~(1u << org);
			n->edits &= ~(1u << org);
			w->marks[SIM_MARK_READS_NO_MORE]++;
			return true;
		}
	}
	return false;
}

/* An item's text that the hub acknowledged goes; who reads its scope later sees only that. */
static bool redact(struct sim *w)
{
	if (w->tracked_n == 0 || w->secret_n == SIM_SECRETS_MAX)
		return false;
	struct sim_tracked *t = &w->tracked[sim_below(&w->rng, (uint32_t)w->tracked_n)];
	uint16_t index = 1;
	struct sou_effect effect = {.type = SOU_EFFECT_REDACT,
				    .number = 1,
				    .ids = &t->id,
				    .id_count = 1,
				    .indexes = &index};
	uint32_t org = 1;
	for (; org < SIM_ORGS; org++) {
		struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]);
		if (sou_id_eq(&scope, &t->scope))
			break;
	}
	if (!t->acked || org == SIM_ORGS || t->words == 0 || !sim_operational(w, &effect, 1))
		return false;
	sim_trace(w, "redacted %llu", (unsigned long long)t->words);
	w->secrets[w->secret_n++] = t->words;
	w->redacted_org = org;
	w->marks[SIM_MARK_REDACTED]++;
	return true;
}

static bool backup(struct sim *w)
{
	uint32_t node = pick_site(w);
	struct sim_node *n = &w->nodes[node];
	if (node == 0 || n->down || n->backup != NULL)
		return false;
	n->backup = memvfs_image(n->vfs);
	memcpy(n->backup_fence, n->fence, sizeof n->fence);
	sim_trace(w, "backup of %s", n->name);
	return true;
}

/* Back comes the disk; with_fence: of the whole machine, so that nothing here tells. */
static bool restore(struct sim *w, bool with_fence)
{
	for (uint32_t node = 1; node < w->node_count; node++) {
		struct sim_node *n = &w->nodes[node];
		if (n->backup == NULL || n->restored || n->down || n->withdrawn || n->rekeyed)
			continue;
		sim_crash(w, node);
		memvfs_restore(n->vfs, n->backup);
		if (with_fence)
			memcpy(n->fence, n->backup_fence, sizeof n->fence);
		sim_trace(w, "the disk of %s is put back%s", n->name,
			  with_fence ? ", all of it" : "");
		n->restored = true;
		n->reverted = with_fence;
		excuse(w, node, false); /* what it signed later and never sent is gone */
		w->marks[with_fence ? SIM_MARK_REVERTED : SIM_MARK_RESTORED]++;
		return true;
	}
	return false;
}

/* A copy of a machine, fence and all, comes up beside it on another one. */
static bool copy_site(struct sim *w)
{
	uint32_t node = pick_site(w);
	struct sim_node *n = &w->nodes[node];
	if (node == 0 || n->down || w->node_count == SIM_NODES_MAX || n->reverted || n->rekeyed)
		return false;
	uint32_t copy = w->node_count;
	sim_node_copy(w, copy, node);
	n->copied = true;
	sim_trace(w, "%s is a copy of %s", w->nodes[copy].name, n->name);
	w->marks[SIM_MARK_CLONED]++;
	if (sim_chance(&w->rng, 700)) { /* the copy alone is on the line for a while */
		n->paused = true;
		sim_net_cut(w, node);
	}
	return true;
}

static bool copy_ends(struct sim *w)
{
	for (uint32_t node = 1; node < w->node_count; node++)
		if (w->nodes[node].copy && !w->nodes[node].gone) {
			sim_node_gone(w, node);
			return true;
		}
	return true;
}

bool sim_decide(struct sim *w)
{
	for (uint32_t node = 1; node < w->node_count; node++) {
		struct sim_node *n = &w->nodes[node];
		if (n->withdrawn || n->copy || n->rekeyed)
			continue;
		for (uint32_t i = 1; i < SIM_ORGS + SIM_PROJECTS; i++) {
			struct sou_id scope = scope_at(w, i);
			struct sou_hash heads[16];
			if (soud_replica_begin(w->nodes[0].replica) != SOU_OK)
				return false;
			uint32_t count = heads_of(w, n, &scope, heads, 16);
			soud_replica_rollback(w->nodes[0].replica);
			if (count < 2 || sou_id_eq(&n->decided, &scope))
				continue;
			bool all = n->honest || sim_chance(&w->rng, 500);
			struct sou_effect effect = {.type = SOU_EFFECT_DECIDE,
						    .site = n->site,
						    .key_id = n->signer.key_id,
						    .scope = scope,
						    .ids = heads,
						    .id_count = all ? count : 1};
			const struct sou_pins pin = {scope, 0, effect.id_count};
			effect.pins = &pin;
			effect.pin_count = 1;
			if (!sim_operational(w, &effect, 1))
				return false;
			sim_trace(w, "decided on %u branches of %s", count, n->name);
			n->decided = scope;
			w->marks[all ? SIM_MARK_DECIDED_ALL : SIM_MARK_DECIDED_ONE]++;
			if (n->honest && !n->down && n->restored + n->copied > 0)
				(void)new_key(w, node);
			return true;
		}
	}
	return false;
}

static bool some_new_key(struct sim *w)
{
	uint32_t node = pick_site(w);
	return node != 0 && !w->nodes[node].rekeyed && !w->nodes[node].copied && new_key(w, node);
}

static bool try_deed(struct sim *w, enum sim_deed d)
{
	switch (d) {
	case SIM_DEED_REVOKE:
		return revoke(w);
	case SIM_DEED_NARROW:
		return narrow(w);
	case SIM_DEED_REGRANT:
		return regrant(w);
	case SIM_DEED_GRANT:
		return grant_later(w);
	case SIM_DEED_GRANT_ENDS:
		return grant_ends(w);
	case SIM_DEED_REDACT:
		return redact(w);
	case SIM_DEED_BACKUP:
		return backup(w);
	case SIM_DEED_RESTORE:
		return restore(w, false);
	case SIM_DEED_REVERT:
		return restore(w, true);
	case SIM_DEED_COPY:
		return copy_site(w);
	case SIM_DEED_COPY_ENDS:
		return copy_ends(w);
	case SIM_DEED_NEW_KEY:
		return some_new_key(w);
	}
	return true;
}

static void plan(struct sim *w, enum sim_deed deed, uint32_t from, uint32_t to)
{
	SOU_ASSERT(w->deed_n < SIM_DEEDS_MAX);
	uint32_t at = (from + sim_below(&w->rng, to - from)) * w->events_max / 100;
	w->deeds[w->deed_n++] = (struct sim_due){at, 0, deed};
}

/* bars.md 3: shares of the seeds. */
void sim_deeds_draw(struct sim *w)
{
	struct sim_rng *r = &w->rng;
	if (sim_chance(r, 200))
		plan(w, SIM_DEED_REVOKE, 20, 90);
	if (sim_chance(r, 200)) {
		plan(w, SIM_DEED_BACKUP, 5, 50);
		plan(w, SIM_DEED_RESTORE, 55, 85);
	} else if (sim_chance(r, 60)) {
		plan(w, SIM_DEED_BACKUP, 5, 50);
		plan(w, SIM_DEED_REVERT, 55, 85);
	} else if (sim_chance(r, 65)) {
		plan(w, SIM_DEED_COPY, 20, 60);
		if (sim_chance(r, 500))
			plan(w, SIM_DEED_COPY_ENDS, 70, 95);
	}
	if (sim_chance(r, 60))
		plan(w, SIM_DEED_NEW_KEY, 20, 90);
	if (sim_chance(r, 200)) {
		plan(w, SIM_DEED_NARROW, 20, 70);
		if (sim_chance(r, 600))
			plan(w, SIM_DEED_REGRANT, 71, 95);
	}
	bool redacts = sim_chance(r, 250);
	if (redacts)
		for (uint32_t i = 1 + sim_below(r, 3); i > 0; i--)
			plan(w, SIM_DEED_REDACT, 20, 80);
	if (sim_chance(r, redacts ? 600 : 150)) {
		plan(w, SIM_DEED_GRANT, redacts ? 81 : 20, 90);
		if (sim_chance(r, 300))
			plan(w, SIM_DEED_GRANT_ENDS, 91, 97);
	}
}

void sim_deeds(struct sim *w)
{
	for (uint32_t i = 0; i < w->deed_n; i++) {
		struct sim_due *d = &w->deeds[i];
		if (w->events < d->at || w->nodes[0].down)
			continue;
		if (try_deed(w, d->deed) || ++d->tries == 200) {
			*d = w->deeds[--w->deed_n];
			return;
		}
		d->at = (uint32_t)w->events + 3;
	}
}
