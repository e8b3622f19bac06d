/* worldgen_authority.c - the authority of a random world: founding, and what happens later. */
#include <string.h>

#include "tests/proto/worldgen.h"

/* Signs by the keys whose bits are set, adds, writes down. Returns the number of the op. */
static uint32_t put_op(struct worldgen *w, uint32_t prev, enum sou_tier tier, uint64_t counter,
		       struct sou_effect *effects, uint32_t count, uint32_t signers)
{
	struct sou_authop op = {
		.net = w->net, .counter = counter, .tier = tier, .effects = effects};
	op.effect_count = count;
	if (tier != SOU_TIER_GENESIS) {
		op.prev = w->ops[prev];
		op.seq = w->seqs[prev] + 1;
	}
	struct sou_buf bytes = {0}, list = {0};
	DO(sou_authop_pack(&op, &bytes));
	struct sou_authsig sigs[WORLDGEN_KEYS];
	uint32_t n = 0;
	json_t *row = json_object(), *signatures = json_array();
	for (uint32_t k = 0; k < WORLDGEN_KEYS; k++) {
		if ((signers >> k & 1) == 0)
			continue;
		struct sou_span id = {op.id.b, sizeof op.id.b};
		sigs[n].key_id = w->keys[k].key_id;
		DO(sou_sign(&w->keys[k], SOU_CONTEXT_AUTHORITY, &w->net, id, sigs[n].signature));
		json_array_append_new(
			signatures,
			json_pack("[o,o]", worldgen_hex(sigs[n].key_id.b, 16),
				  worldgen_hex(sigs[n].signature, sizeof sigs[n].signature)));
		n++;
	}
	DO(sou_authsigs_pack(&list, sigs, n));
	int rc = sou_authority_add(w->authority, sou_buf_span(&bytes), sou_buf_span(&list));
	if (rc == SOU_EEXIST) { /* two like ops at one place are one */
		json_decref(row);
		json_decref(signatures);
		sou_buf_fini(&bytes);
		sou_buf_fini(&list);
		return prev;
	}
	DO(rc);
	json_object_set_new(row, "id", worldgen_hex(op.id.b, 32));
	json_object_set_new(row, "op", worldgen_hex(bytes.p, bytes.n));
	json_object_set_new(row, "signatures", signatures);
	json_array_append_new(w->json_ops, row);
	uint32_t at = w->op_count++;
	w->ops[at] = op.id;
	w->seqs[at] = op.seq;
	w->operational[at] = tier == SOU_TIER_GENESIS ? KEY_OP : w->operational[prev];
	sou_buf_fini(&bytes);
	sou_buf_fini(&list);
	return at;
}

static uint32_t operational(struct worldgen *w, uint32_t prev, struct sou_effect *effects,
			    uint32_t count)
{
	return put_op(w, prev, SOU_TIER_OPERATIONAL, 0, effects, count, 1u << w->operational[prev]);
}

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static struct sou_effect open_effect(struct worldgen *w, uint32_t site, const struct sou_id *org)
{
	struct sou_effect e = {.type = SOU_EFFECT_OPEN, .has_org = true, .org = *org};
	e.site = w->sites[site];
	e.key = w->keys[KEY_SITE + site].public_key;
	e.tls = worldgen_drawn(w, "tls", site);
	e.name = text("拠点 例");
	return e;
}

static struct sou_effect grant_effect(struct worldgen *w, uint32_t site, uint16_t roles,
				      enum sou_reach reach, const struct sou_id *id)
{
	struct sou_effect e = {.type = SOU_EFFECT_GRANT, .roles = roles, .reach = (uint8_t)reach};
	e.site = w->sites[site];
	e.id = *id;
	return e;
}

static void genesis(struct worldgen *w)
{
	static const struct sou_id zero;
	struct sou_effect e[5] = {{.type = SOU_EFFECT_KEYS, .threshold = 1},
				  {.type = SOU_EFFECT_ORG, .number = 1},
				  open_effect(w, 0, &zero),
				  {.type = SOU_EFFECT_HUB},
				  grant_effect(w, 0, SOU_ROLE_ANCHOR, SOU_REACH_ALL, &zero)};
	e[0].ids = &w->keys[KEY_ROOT].public_key;
	e[0].id_count = 1;
	e[0].key = w->keys[KEY_OP].public_key;
	e[1].handle = text("hq");
	e[1].name = e[1].short_name = text("東社協");
	e[3].key = w->keys[KEY_CHECKPOINT].public_key;
	e[3].tls = worldgen_drawn(w, "tls", 0);
	put_op(w, 0, SOU_TIER_GENESIS, 0, e, 5,
	       1u << KEY_ROOT | 1u << KEY_OP | 1u << KEY_CHECKPOINT | 1u << KEY_SITE);
	w->hq = sou_entity_org(&w->ops[0], 1);
	w->openings[0] = w->ops[0];
}

/* Organisations, sites and their rights: two wards with editors, a division above one of them that
 * reviews, a planner at headquarters, and one who joins by invite. */
void worldgen_founding(struct worldgen *w)
{
	struct sou_effect orgs[2] = {
		{.type = SOU_EFFECT_ORG, .has_org = true, .number = 2},
		{.type = SOU_EFFECT_ORG, .parent_is_index = true, .number = 4}};
	orgs[0].org = w->hq;
	orgs[0].handle = text("div");
	orgs[1].handle = text("ward");
	genesis(w);
	orgs[0].org = w->hq;
	uint32_t at = operational(w, 0, orgs, 2);
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct sou_id project = worldgen_id(w, "project", 0);
	for (uint32_t i = 0; i < 2; i++) {
		w->orgs[i] = sou_entity_org(&w->ops[at], i);
		w->scopes[i] = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[i]);
	}
	w->scopes[2] = sou_scope_id(SOU_SCOPE_PROJECT, &project);
	w->scopes[3] = plan;
	const uint16_t writer = SOU_ROLE_EDITOR | SOU_ROLE_APPROVER,
		       all = writer | SOU_ROLE_SUBMITTER;
	for (uint32_t s = 1; s < WORLDGEN_SITES - 1; s++) {
		struct sou_id *org = &w->orgs[s == 1 ? 0 : 1];
		struct sou_effect e[4] = {
			open_effect(w, s, org),
			grant_effect(w, s, writer, SOU_REACH_SCOPE, &w->scopes[s == 1 ? 0 : 1]),
			grant_effect(w, s, SOU_ROLE_SUBMITTER, SOU_REACH_PROJECTS, org),
			s == 1 ? grant_effect(w, s, SOU_ROLE_REVIEWER, SOU_REACH_SUBTREE, org)
			       : grant_effect(w, s, SOU_ROLE_PLANNER, SOU_REACH_SCOPE, &plan)};
		at = operational(w, at, e, s < 3 ? 4 : 3);
		w->openings[s] = w->ops[at];
	}
	struct sou_effect invite = {.type = SOU_EFFECT_INVITE, .roles = all, .number = UINT64_MAX};
	invite.key = w->keys[KEY_INVITE].public_key;
	invite.org = w->orgs[1];
	invite.name = text("分室");
	at = operational(w, at, &invite, 1);
	struct sou_effect enrol = open_effect(w, WORLDGEN_SITES - 1, &w->hq);
	enrol.type = SOU_EFFECT_ENROL;
	enrol.key_id = w->keys[KEY_INVITE].key_id;
	struct sou_buf statement = {0};
	uint8_t signature[SOU_SIGNATURE_BYTES];
	sou_enrol_statement(&statement, &enrol.key_id, &enrol.site, &enrol.key, &enrol.tls);
	DO(sou_sign(&w->keys[KEY_INVITE], SOU_CONTEXT_ENROL, &w->net, sou_buf_span(&statement),
		    signature));
	enrol.signature = (struct sou_span){signature, sizeof signature};
	at = put_op(w, at, SOU_TIER_HUB, 0, &enrol, 1, 1u << KEY_CHECKPOINT);
	w->openings[WORLDGEN_SITES - 1] = w->ops[at];
	sou_buf_fini(&statement);
	w->head = at;
}

/* --- what happens later --- */

/* An entry of the site in the scope, or one that never was. */
static struct sou_hash some_entry(struct worldgen *w, uint32_t site, uint32_t scope)
{
	for (uint32_t tries = 0; w->entry_count > 0 && tries < 20; tries++) {
		const struct worldgen_entry *e = &w->entries[worldgen_below(w, w->entry_count)];
		if (e->site == site && e->scope == scope)
			return e->id;
	}
	return worldgen_drawn(w, "never", worldgen_below(w, 3));
}

struct pins { /* memory of an effect's pairs: one id in each of some scopes */
	struct sou_pins pins[WORLDGEN_SCOPES];
	struct sou_hash ids[WORLDGEN_SCOPES];
};

static int compare_pins(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_id));
}

static void some_pins(struct worldgen *w, struct sou_effect *e, struct pins *room, uint32_t site)
{
	for (uint32_t i = 0; i < WORLDGEN_SCOPES; i++)
		if (worldgen_below(w, 3) != 0)
			room->pins[e->pin_count++].scope = w->scopes[i];
	qsort(room->pins, e->pin_count, sizeof room->pins[0], compare_pins);
	for (uint32_t i = 0; i < e->pin_count; i++) {
		uint32_t scope = 0;
		while (!sou_id_eq(&w->scopes[scope], &room->pins[i].scope))
			scope++;
		room->pins[i].first = i;
		room->pins[i].count = 1;
		room->ids[i] = some_entry(w, site, scope);
	}
	e->pins = room->pins;
	e->ids = room->ids;
	e->id_count = e->pin_count;
}

static struct sou_effect restriction(struct worldgen *w, struct pins *room)
{
	static const uint16_t types[] = {SOU_EFFECT_NARROW, SOU_EFFECT_CUT, SOU_EFFECT_RECUT,
					 SOU_EFFECT_DECIDE};
	uint32_t site = 1 + worldgen_below(w, WORLDGEN_SITES - 1);
	uint32_t scope = worldgen_below(w, WORLDGEN_SCOPES);
	struct sou_effect e = {.type = types[worldgen_below(w, 4)]};
	e.site = w->sites[site];
	e.key_id = w->keys[KEY_SITE + site].key_id;
	if (e.type == SOU_EFFECT_NARROW) {
		e.op = w->openings[site];
		e.roles = (uint16_t)(1u << worldgen_below(w, 6));
		e.has_for = worldgen_below(w, 2) == 0;
		e.org = w->orgs[worldgen_below(w, 2)];
		e.rest = (uint8_t)worldgen_below(w, 2);
	}
	if (e.type == SOU_EFFECT_NARROW || e.type == SOU_EFFECT_CUT) {
		some_pins(w, &e, room, site);
		return e;
	}
	e.scope = w->scopes[scope];
	room->ids[0] = some_entry(w, site, scope);
	room->pins[0] = (struct sou_pins){e.scope, 0, 1};
	e.pins = room->pins;
	e.ids = room->ids;
	e.pin_count = e.id_count = 1;
	return e;
}

/* A grant whose `after` has pairs, or an organisation that moves. */
static struct sou_effect widening(struct worldgen *w, struct pins *room)
{
	uint32_t site = 1 + worldgen_below(w, WORLDGEN_SITES - 1);
	if (worldgen_below(w, 4) == 0) {
		struct sou_effect move = {.type = SOU_EFFECT_ORG_MOVE};
		move.org = w->orgs[worldgen_below(w, 2)];
		move.id = worldgen_below(w, 2) ? w->hq : w->orgs[0];
		return move;
	}
	struct sou_effect e =
		grant_effect(w, site, (uint16_t)(1u << worldgen_below(w, 6)), SOU_REACH_SCOPE,
			     &w->scopes[worldgen_below(w, WORLDGEN_SCOPES)]);
	some_pins(w, &e, room, site);
	return e;
}

/* Redacts a value of some entry, which from now on travels without it, or does not. */
static struct sou_effect redaction(struct worldgen *w, struct pins *room, uint16_t *index)
{
	struct worldgen_entry *made = &w->entries[worldgen_below(w, w->entry_count)];
	*index = (uint16_t)worldgen_below(w, 3);
	room->ids[0] = made->id;
	struct sou_effect e = {.type = SOU_EFFECT_REDACT, .number = 1 + worldgen_below(w, 1000)};
	e.ids = room->ids;
	e.indexes = index;
	e.id_count = 1;
	if (worldgen_below(w, 2) == 0) {
		struct sou_payload read = {0};
		DO(sou_payload_read(&read, sou_buf_span(&made->payload)));
		sou_buf_clear(&made->redacted);
		DO(sou_payload_redact(&read, index, 1, &made->redacted));
		sou_payload_fini(&read);
	}
	return e;
}

/* The root key replaces the operational key, or takes the chain up again at an earlier op. */
static void root_act(struct worldgen *w)
{
	struct sou_effect e = {.type = SOU_EFFECT_RECOVER};
	uint32_t at = w->head;
	uint8_t key = (uint8_t)(KEY_OP + worldgen_below(w, 2));
	bool changes = worldgen_below(w, 2) == 0;
	if (changes) {
		e.type = SOU_EFFECT_KEYS;
		e.threshold = e.id_count = 1;
		e.ids = &w->keys[KEY_ROOT].public_key;
		e.key = w->keys[key].public_key;
	} else {
		at = w->op_count - 1 - worldgen_below(w, 4);
	}
	w->head = put_op(w, at, SOU_TIER_ROOT, ++w->counter, &e, 1, 1u << KEY_ROOT);
	if (changes)
		w->operational[w->head] = key;
}

void worldgen_act(struct worldgen *w)
{
	struct pins room = {0};
	uint16_t index;
	uint32_t what = worldgen_below(w, 20), at = w->head;
	if (what == 0) {
		root_act(w);
		return;
	}
	struct sou_effect e = what < 9    ? restriction(w, &room)
			      : what < 14 ? widening(w, &room)
					  : redaction(w, &room, &index);
	if (worldgen_below(w, 12) == 0) { /* at a place that is used already: a branch */
		at = w->op_count - 1 - worldgen_below(w, 4);
		(void)operational(w, at, &e, 1);
		return;
	}
	w->head = operational(w, at, &e, 1);
}
