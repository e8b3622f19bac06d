/* acts.c - what people do: items, submissions, reviews, the plan; and headquarters' control
 * entries. A site acts on what its own replica shows, so that two who have not met write beside
 * each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/sim/sim.h"

#define OPS_MAX 8u

struct act { /* an act under way: its ops, values and names */
	struct soud_act act;
	struct sou_draft_op ops[OPS_MAX];
	struct sou_id replaces[OPS_MAX][32];
	struct sou_buf values[OPS_MAX];
	uint64_t words; /* the number in its text */
};

static void act_fini(struct act *a)
{
	for (size_t i = 0; i < OPS_MAX; i++)
		sou_buf_fini(&a->values[i]);
}

static void act_begin(struct act *a, enum sou_scope_kind kind, const struct sou_id *entity,
		      const struct sou_id *for_org)
{
	memset(a, 0, sizeof *a);
	a->act.scope = sou_scope_id(kind, entity);
	a->act.for_org = *for_org;
	a->act.by = (struct sou_span){(const uint8_t *)"例", 3};
	a->act.ops = a->ops;
}

/* The value is packed by the caller into the returned buffer. */
static struct sou_buf *act_op(struct act *a, uint16_t type, uint16_t kind,
			      const struct sou_id *entity, uint16_t field)
{
	SOU_ASSERT(a->act.op_count < OPS_MAX);
	struct sou_draft_op *op = &a->ops[a->act.op_count++];
	*op = (struct sou_draft_op){.type = type, .kind = kind, .field = field, .entity = *entity};
	op->replaces = a->replaces[a->act.op_count - 1];
	return &a->values[a->act.op_count - 1];
}

/* Name the live versions of this field (0: of all fields) as the node's replica shows them; a
 * person who looked earlier names only some. */
static void act_names(struct sim *w, uint32_t node, struct act *a, bool stale)
{
	struct sou_draft_op *op = &a->ops[a->act.op_count - 1];
	struct soud_store *store = soud_replica_store(w->nodes[node].replica);
	struct sou_record rec = {0};
	uint32_t scope;
	if (soud_store_scope_find(store, &a->act.scope, &scope) != SOU_OK ||
	    soud_store_record(store, scope, op->kind, &op->entity, &rec) != SOU_OK) {
		sou_record_fini(&rec);
		return;
	}
	uint32_t seen = 0;
	for (uint32_t i = 0; i < rec.live_count && op->replace_count < 32; i++) {
		if (op->field != 0 && rec.lives[i].field != op->field)
			continue;
		seen++;
		if (stale && sim_chance(&w->rng, 500))
			continue;
		a->replaces[a->act.op_count - 1][op->replace_count++] = rec.lives[i].version;
	}
	sou_record_fini(&rec);
	if (op->field == SOU_FIELD_ITEM_TEXT && op->kind == SOU_KIND_ITEM) {
		w->marks[SIM_MARK_CONFLICT] += op->replace_count < seen;
		w->marks[SIM_MARK_RESOLVED] += op->replace_count > 1;
	}
}

void sim_track(struct sim *w, uint32_t node, const struct sou_id *scope, const struct sou_hash *id,
	       bool never)
{
	if (w->tracked_n == SIM_TRACKED_MAX)
		return;
	w->tracked[w->tracked_n++] =
		(struct sim_tracked){.id = *id, .scope = *scope, .node = node, .never = never};
}

/* What was saved is remembered with its arrival at its own site, where acks count. */
static void note_saved(struct sim *w, uint32_t node, const struct soud_act *acts, size_t n,
		       const struct sou_hash *ids, const struct act *from)
{
	for (size_t i = 0; i < n; i++) {
		struct sou_scope_entry entry;
		struct sou_id version = sou_hash_half(&ids[i]);
		if (w->tracked_n == SIM_TRACKED_MAX)
			return;
		sim_track(w, node, &acts[i].scope, &ids[i], false);
		w->tracked[w->tracked_n - 1].words = from[i].words;
		if (soud_replica_entry(w->nodes[node].replica, &acts[i].scope, &version, &entry) ==
		    SOU_OK)
			w->tracked[w->tracked_n - 1].arrival = entry.pos;
		else
			sim_fail(w, "S2", "%s saved an entry that is not there",
				 w->nodes[node].name);
	}
}

static void finish(struct sim *w, uint32_t node, struct act *acts, size_t n, const char *what)
{
	struct sim_node *me = &w->nodes[node];
	struct soud_act list[4];
	struct sou_hash ids[4];
	struct sou_err err = {0};
	struct soud_committed done;
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < acts[i].act.op_count; k++)
			acts[i].ops[k].value = sou_buf_span(&acts[i].values[k]);
		list[i] = acts[i].act;
		list[i].ops = acts[i].ops;
	}
	int rc = soud_replica_begin(me->replica);
	int got = rc == SOU_OK ? soud_replica_act(me->replica, list, n, ids, &err) : rc;
	if (rc == SOU_OK && got != SOU_OK)
		soud_replica_rollback(me->replica);
	else if (rc == SOU_OK)
		rc = soud_replica_commit(me->replica, &done);
	sim_trace(w, "%s %s: %s", me->name, what, sou_err_name(got != SOU_OK ? got : rc));
	for (size_t i = 0; i < n; i++)
		act_fini(&acts[i]);
	if (rc != SOU_OK) {
		sim_fail(w, "S0", "%s cannot save: %s", me->name,
			 soud_replica_error(me->replica)->text);
		return;
	}
	if (got != SOU_OK) {
		w->refused_acts++;
		return;
	}
	w->acts++;
	w->marks[SIM_MARK_NEW_KEY_WRITES] += me->rekeyed;
	note_saved(w, node, list, n, ids, acts);
	sim_net_committed(w, node, &done);
}

/* The number stands once in the world, so that a redacted text can be looked for. */
static void put_text(struct sim *w, struct act *a, struct sou_buf *buf, uint32_t org)
{
	char text[128];
	a->words = 100000 + ++w->words;
	int n = snprintf(text, sizeof text, "例文 ORGANISATION%uWORDS SECRET%lluEND", org,
			 (unsigned long long)a->words);
	sou_mp_put_str(buf, text, (size_t)n);
}

/* One of the few items of an organisation: found by number, so that sites meet at the same ones.
 * The first to write one makes it; two who make one of the same number make two. */
static bool pick_item(struct sim *w, uint32_t node, uint32_t org, struct sou_id *out)
{
	struct soud_store *store = soud_replica_store(w->nodes[node].replica);
	struct sou_id scope_id = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]), at = {{0}};
	struct sou_record rec = {0};
	uint32_t scope, count = 0, want = sim_below(&w->rng, SIM_ITEMS);
	bool found = false;
	if (soud_store_scope_find(store, &scope_id, &scope) != SOU_OK)
		return false;
	while (count <= want &&
	       soud_store_record_next(store, scope, SOU_KIND_ITEM, count > 0 ? &at : NULL,
				      SOU_KIND_ITEM, &rec) == SOU_OK) {
		at = rec.entity;
		*out = rec.entity;
		found = true;
		count++;
	}
	sou_record_fini(&rec);
	return found && count > want;
}

static void act_item_add(struct sim *w, uint32_t node)
{
	struct sim_node *me = &w->nodes[node];
	struct sou_id entity;
	struct act a;
	struct soud_committed done;
	if (soud_replica_begin(me->replica) != SOU_OK ||
	    soud_replica_entity(me->replica, SOU_KIND_ITEM, &entity) != SOU_OK ||
	    soud_replica_commit(me->replica, &done) != SOU_OK) {
		soud_replica_rollback(me->replica);
		return;
	}
	act_begin(&a, SOU_SCOPE_ORG, &w->orgs[me->org], &w->orgs[me->org]);
	put_text(w, &a, act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_TEXT),
		 me->org);
	uint8_t place[SOU_PLACE_BYTES_MAX];
	size_t n = sou_place_spread(sim_below(&w->rng, 50), 50, &entity, place);
	sou_mp_put_bin(act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_PLACE), place,
		       n);
	sou_mp_put_id(act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_PROJECT),
		      &w->projects[sim_below(&w->rng, SIM_PROJECTS)]);
	sou_mp_put_id(act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_COLUMN),
		      &w->columns[0]);
	sou_mp_put_id(act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_ROUND),
		      &w->round);
	finish(w, node, &a, 1, "adds an item");
}

static void act_item_edit(struct sim *w, uint32_t node)
{
	struct sim_node *me = &w->nodes[node];
	struct sou_id entity;
	struct act a;
	uint32_t org = me->org, later = 1 + sim_below(&w->rng, SIM_ORGS - 1);
	if ((me->edits & 1u << later) != 0)
		org = later;
	if (!pick_item(w, node, org, &entity)) {
		act_item_add(w, node);
		return;
	}
	bool stale = sim_chance(&w->rng, 100);
	act_begin(&a, SOU_SCOPE_ORG, &w->orgs[org], &w->orgs[org]);
	uint32_t what = sim_below(&w->rng, 100);
	if (what < 70) {
		put_text(w, &a, act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_TEXT),
			 org);
		act_names(w, node, &a, stale);
	} else if (what < 90) {
		uint8_t place[SOU_PLACE_BYTES_MAX];
		size_t n = sou_place_spread(sim_below(&w->rng, 50), 50, &entity, place);
		sou_mp_put_bin(act_op(&a, SOU_OP_SET, SOU_KIND_ITEM, &entity, SOU_FIELD_ITEM_PLACE),
			       place, n);
		act_names(w, node, &a, stale);
	} else {
		sou_mp_put_nil(act_op(&a, SOU_OP_DELETE, SOU_KIND_ITEM, &entity, 0));
		act_names(w, node, &a, stale);
	}
	finish(w, node, &a, 1, what < 70 ? "edits" : what < 90 ? "moves" : "removes");
}

/* Text in the organisation's scope, then the submission with its copy in the project's (R2). */
static void act_submit(struct sim *w, uint32_t node)
{
	struct sim_node *me = &w->nodes[node];
	uint32_t project = sim_below(&w->rng, SIM_PROJECTS);
	struct sou_id item, version = {{7}};
	struct act acts[2];
	size_t n = 0;
	if (!pick_item(w, node, me->org, &item))
		return;
	if (sim_chance(&w->rng, 500)) {
		struct sou_buf *value;
		act_begin(&acts[n], SOU_SCOPE_ORG, &w->orgs[me->org], &w->orgs[me->org]);
		value = act_op(&acts[n], SOU_OP_SET, SOU_KIND_ITEM, &item, SOU_FIELD_ITEM_TEXT);
		put_text(w, &acts[n], value, me->org);
		act_names(w, node, &acts[n], false);
		n++;
	}
	struct act *a = &acts[n++];
	struct sou_id sub = sou_entity_of_three(SOU_KIND_SUBMISSION, &w->orgs[me->org],
						&w->projects[project], &w->round);
	act_begin(a, SOU_SCOPE_PROJECT, &w->projects[project], &w->orgs[me->org]);
	struct sou_buf *v =
		act_op(a, SOU_OP_SET, SOU_KIND_SUBMISSION, &sub, SOU_FIELD_SUBMISSION_CONTENT);
	act_names(w, node, a, false);
	sou_mp_put_array(v, 6);
	sou_mp_put_uint(v, 1);
	sou_mp_put_id(v, &w->columns[0]);
	sou_mp_put_id(v, &item);
	sou_mp_put_id(v, &version);
	sou_mp_put_uint(v, 0);
	sou_mp_put_uint(v, 0);
	char text[64];
	int length = snprintf(text, sizeof text, "例 P%uP %llu", project,
			      (unsigned long long)(sim_rng_next(&w->rng) % 1000));
	sou_mp_put_str(act_op(a, SOU_OP_SET, SOU_KIND_COPY, &item, SOU_FIELD_COPY_TEXT), text,
		       (size_t)length);
	finish(w, node, acts, n, "submits");
}

static void act_review(struct sim *w, uint32_t node)
{
	uint32_t project = sim_below(&w->rng, SIM_PROJECTS),
		 org = 1 + sim_below(&w->rng, SIM_ORGS - 1);
	struct sou_id review = sou_entity_of_three(SOU_KIND_REVIEW, &w->orgs[org],
						   &w->projects[project], &w->round);
	struct sou_id version = {{9}};
	struct act a;
	act_begin(&a, SOU_SCOPE_PROJECT, &w->projects[project], &w->orgs[org]);
	struct sou_buf *v =
		act_op(&a, SOU_OP_SET, SOU_KIND_REVIEW, &review, SOU_FIELD_REVIEW_DECISION);
	act_names(w, node, &a, false);
	sou_mp_put_array(v, 2);
	sou_mp_put_uint(v, 1 + sim_below(&w->rng, 2));
	sou_mp_put_id(v, &version);
	finish(w, node, &a, 1, "reviews");
}

static void act_plan_edit(struct sim *w)
{
	struct act a;
	act_begin(&a, SOU_SCOPE_PLAN, NULL, &w->orgs[0]);
	struct sou_buf *v =
		act_op(&a, SOU_OP_SET, SOU_KIND_ROUND, &w->round, SOU_FIELD_ROUND_STATE);
	act_names(w, 0, &a, false);
	sou_mp_put_uint(v, 1 + sim_below(&w->rng, 3));
	finish(w, 0, &a, 1, "edits the plan");
}

/* adopt what is held, or anchor what stands, in a scope of the hub's log. */
static void act_control(struct sim *w, bool adopt)
{
	struct sim_node *hub = &w->nodes[0];
	uint32_t org = 1 + sim_below(&w->rng, SIM_ORGS - 1), number;
	struct soud_store *store = soud_replica_store(hub->replica);
	struct soud_control c = {.scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]),
				 .for_org = w->orgs[org],
				 .type = adopt ? SOU_OP_ADOPT : SOU_OP_ANCHOR};
	struct sou_hash names[64], id;
	uint32_t count = 0;
	if (soud_store_scope_find(store, &c.scope, &number) != SOU_OK ||
	    soud_replica_begin(hub->replica) != SOU_OK)
		return;
	if (adopt) {
		struct soud_row row;
		for (uint64_t at = 0;
		     count < 3 && soud_store_log_next(store, number, at, &row) == SOU_OK;
		     at = row.arrival)
			if (row.kind == SOU_ENTRY_DATA && row.verdict != SOU_ACCEPTED &&
			    row.body == SOU_BODY_OK)
				names[count++] = row.id;
		for (uint32_t i = 1; i < count; i++) /* ascending */
			for (uint32_t k = i; k > 0 && sou_hash_cmp(&names[k - 1], &names[k]) > 0;
			     k--) {
				struct sou_hash t = names[k];
				names[k] = names[k - 1];
				names[k - 1] = t;
			}
	} else {
		struct sou_scope *engine;
		if (soud_replica_engine(hub->replica, &c.scope, &engine) == SOU_OK) {
			struct sou_hash tops[64];
			size_t n = sou_scope_tops(engine, tops, 64);
			for (size_t i = 0; i < n && i < 64; i++) {
				struct sou_scope_entry e;
				if (sou_scope_get(engine, &tops[i], &e) == SOU_OK &&
				    e.verdict == SOU_ACCEPTED && !sou_id_eq(&e.site, &hub->site))
					names[count++] = tops[i];
			}
		}
	}
	c.names = names;
	c.name_count = count;
	struct sou_err err = {0};
	struct soud_committed done;
	int rc = count > 0 ? soud_replica_control(hub->replica, &c, &id, &err) : SOU_EUNKNOWN;
	if (rc != SOU_OK) {
		soud_replica_rollback(hub->replica);
		sim_trace(w, "hub %s: %s", adopt ? "adopt" : "anchor", sou_err_name(rc));
		return;
	}
	rc = soud_replica_commit(hub->replica, &done);
	sim_trace(w, "hub %s %u: %s", adopt ? "adopts" : "anchors", count, sou_err_name(rc));
	if (rc != SOU_OK) {
		sim_fail(w, "S0", "hub cannot save");
		return;
	}
	w->marks[adopt ? SIM_MARK_ADOPTED : SIM_MARK_ANCHORED]++;
	sim_net_committed(w, 0, &done);
}

void sim_act(struct sim *w)
{
	uint32_t node = sim_below(&w->rng, w->node_count), what = sim_below(&w->rng, 100);
	struct sim_node *me = &w->nodes[node];
	if (me->down || !me->honest)
		return;
	if (me->hub) {
		if (what < 40)
			act_plan_edit(w);
		else if (what < 80)
			act_review(w, node);
		else if (what < 95 || !sim_decide(w))
			act_control(w, what < 90);
		return;
	}
	if ((me->roles & SOU_ROLE_REVIEWER) != 0)
		act_review(w, node);
	else
		sim_act_site(w, node);
}

void sim_act_site(struct sim *w, uint32_t node)
{
	uint32_t what = sim_below(&w->rng, 100);
	if (what < 25)
		act_item_add(w, node);
	else if (what < 85)
		act_item_edit(w, node);
	else
		act_submit(w, node);
}

static void plan_project(struct sim *w, uint32_t i)
{
	struct act a;
	act_begin(&a, SOU_SCOPE_PLAN, NULL, &w->orgs[0]);
	sou_mp_put_str(
		act_op(&a, SOU_OP_SET, SOU_KIND_PROJECT, &w->projects[i], SOU_FIELD_PROJECT_TITLE),
		"例", 3);
	struct sou_buf *v = act_op(&a, SOU_OP_SET, SOU_KIND_PROJECT, &w->projects[i],
				   SOU_FIELD_PROJECT_ORGANISATIONS);
	bool two = w->project_orgs[i][1] != w->project_orgs[i][0];
	sou_mp_put_array(v, two ? 4 : 2);
	for (int k = 0; k < (two ? 2 : 1); k++) {
		sou_mp_put_id(v, &w->orgs[w->project_orgs[i][k]]);
		sou_mp_put_uint(v, (uint64_t)k + 1);
	}
	finish(w, 0, &a, 1, "plans a project");
}

bool sim_act_plan(struct sim *w)
{
	struct soud_replica *r = w->nodes[0].replica;
	static const uint32_t orgs[SIM_PROJECTS][2] = {{1, 2}, {2, 3}, {1, 1}};
	struct soud_committed done;
	struct act a;
	memcpy(w->project_orgs, orgs, sizeof orgs);
	bool ok = soud_replica_begin(r) == SOU_OK &&
		  soud_replica_entity(r, SOU_KIND_ROUND, &w->round) == SOU_OK &&
		  soud_replica_entity(r, SOU_KIND_COLUMN, &w->columns[0]) == SOU_OK;
	for (uint32_t i = 0; i < SIM_PROJECTS && ok; i++)
		ok = soud_replica_entity(r, SOU_KIND_PROJECT, &w->projects[i]) == SOU_OK;
	ok = ok && soud_replica_commit(r, &done) == SOU_OK;
	if (!ok)
		return false;
	for (uint32_t i = 0; i < SIM_PROJECTS; i++)
		plan_project(w, i);
	act_begin(&a, SOU_SCOPE_PLAN, NULL, &w->orgs[0]);
	sou_mp_put_uint(act_op(&a, SOU_OP_SET, SOU_KIND_ROUND, &w->round, SOU_FIELD_ROUND_STATE),
			2);
	finish(w, 0, &a, 1, "opens the round");
	return w->failure[0] == '\0';
}
