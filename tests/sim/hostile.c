/* hostile.c - a site with valid keys that breaks the rules: what it signs goes straight to the hub
 * (R1 - R8, R17). What must never be shown is tracked; a fork of its own chain may be shown in
 * part, by rule. */
#include <string.h>

#include "proto/schema.h"
#include "tests/sim/sim.h"

#define HOSTILE 6u

enum trick {
	TRICK_HONEST,    /* in order, so that its chain has something to fork */
	TRICK_FORK,      /* a sibling of an entry that it sent */
	TRICK_SCOPE,     /* in a scope where it never had a right */
	TRICK_ROLE,      /* an op that needs a role it has not */
	TRICK_FOR,       /* for another organisation */
	TRICK_BACKDATED, /* hlc below its predecessor's */
	TRICK_FORGED,    /* another's signature over it: none */
	TRICK_ON_OTHERS, /* prev is an entry of another site */
	TRICK_GAP,       /* a seq is left out */
	TRICK_PART,      /* a part that nobody closes */
	TRICK_PROXY,     /* a change of other people's words without consent */
	TRICK_NET,       /* signed for another network */
	TRICK_GROUND,    /* cites what nobody has */
	TRICK_COUNT
};

static const char *const trick_names[] = {"honest",    "fork",   "scope",     "role", "for",
					  "backdated", "forged", "on others", "gap",  "part",
					  "proxy",     "net",    "ground"};

/* The first entry of a chain has nothing before it that it could fork, contradict or be dated
 * before; a reviewer may adopt one that only lost its place. */
static bool never_shown(const struct sim *w, enum trick t, bool on_others)
{
	if (t == TRICK_HONEST || t == TRICK_FORK || (t == TRICK_ON_OTHERS && !on_others))
		return false;
	return t != TRICK_BACKDATED || !sou_hash_is_zero(&w->hostile_head);
}

static struct sou_draft draft_base(struct sim *w, const struct sou_id *scope)
{
	struct sim_node *me = &w->nodes[HOSTILE];
	struct sou_draft d = {.header = {.net = w->net,
					 .site = me->site,
					 .scope = *scope,
					 .key = me->signer.key_id}};
	struct sou_hash head = w->hostile_head;
	bool first = sou_hash_is_zero(&head);
	d.header.prev = first ? me->opening : head;
	d.header.epoch = sou_hash_half(&me->opening);
	d.header.seq = first ? 1 : w->hostile_seq + 1;
	d.header.hlc = (uint64_t)(1693537200000 + (int64_t)w->now_ms) << 16;
	if (d.header.hlc <= w->hostile_hlc)
		d.header.hlc = w->hostile_hlc + 1;
	d.header.authority = sou_hash_half(&w->genesis);
	d.for_org = w->orgs[me->org];
	d.by = (struct sou_span){(const uint8_t *)"例", 3};
	for (size_t i = 0; i < sizeof d.salt; i++)
		d.salt[i] = (uint8_t)sim_rng_next(&w->rng);
	return d;
}

/* An entry of another site in this scope, as the hub has it. */
static bool others_entry(struct sim *w, const struct sou_id *scope, struct sou_hash *out)
{
	struct soud_store *store = soud_replica_store(w->nodes[0].replica);
	uint32_t number;
	struct soud_row row;
	struct sou_header h;
	if (soud_store_scope_find(store, scope, &number) != SOU_OK)
		return false;
	for (uint64_t at = 0; soud_store_log_next(store, number, at, &row) == SOU_OK;
	     at = row.arrival) {
		if (sou_header_read(&h, row.header) == SOU_OK &&
		    !sou_id_eq(&h.site, &w->nodes[HOSTILE].site)) {
			*out = row.id;
			return true;
		}
	}
	return false;
}

static const struct sou_hash nobodys = {{0x77}};

static void bend(struct sim *w, enum trick t, struct sou_draft *d, struct sou_draft_op *op,
		 bool *on_others)
{
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	switch (t) {
	case TRICK_FORK:
		d->header.prev =
			sou_hash_is_zero(&w->hostile_before) ? d->header.prev : w->hostile_before;
		d->header.seq -= sou_hash_is_zero(&w->hostile_before) ? 0 : 1;
		break;
	case TRICK_SCOPE:
		d->header.scope =
			sim_chance(&w->rng, 500) ? plan : sou_scope_id(SOU_SCOPE_ORG, &w->orgs[1]);
		d->header.prev = w->nodes[HOSTILE].opening;
		d->header.seq = 1;
		break;
	case TRICK_ROLE:
		op->kind = SOU_KIND_APPROVAL;
		op->field = SOU_FIELD_APPROVAL_REMARK;
		break;
	case TRICK_FOR:
		d->for_org = w->orgs[1];
		break;
	case TRICK_BACKDATED:
		d->header.hlc = w->hostile_hlc > 70000 ? w->hostile_hlc - 65536 : 1;
		break;
	case TRICK_ON_OTHERS:
		*on_others = others_entry(w, &d->header.scope, &d->header.prev);
		break;
	case TRICK_GAP:
		d->header.seq += 2;
		break;
	case TRICK_PART:
		d->is_part = true;
		break;
	case TRICK_PROXY:
		op->type = SOU_OP_PROXY;
		break;
	case TRICK_GROUND:
		d->cites = &nobodys;
		d->cite_count = 1;
		break;
	case TRICK_HONEST:
	case TRICK_FORGED:
	case TRICK_NET:
	case TRICK_COUNT:
		break;
	}
}

static void send(struct sim *w, const struct sou_id *scope, struct sou_span header,
		 struct sou_span payload, const uint8_t *signature, const struct sou_hash *id,
		 struct soud_taken *taken)
{
	struct sim_node *hub = &w->nodes[0];
	struct sou_batch *batch;
	struct sou_batch_item item = {.header = header,
				      .payload = payload,
				      .signature = signature,
				      .keep_signature = true,
				      .id = *id};
	struct sou_batch_sent sent;
	struct sou_buf data = {0};
	struct soud_committed done;
	struct soud_from from = {.site = w->nodes[HOSTILE].site, .log = {{0x66}}};
	SOU_ASSERT(sou_batch_new(&batch) == SOU_OK);
	sou_batch_begin(batch, 1u << 16);
	SOU_ASSERT(sou_batch_add(batch, &item) == SOU_OK);
	SOU_ASSERT(sou_batch_end(batch, &data, &sent) == SOU_OK);
	struct sou_news news = {.scope = *scope,
				.flags = SOU_DATA_ANSWER | (sent.is_zstd ? SOU_DATA_ZSTD : 0),
				.raw_bytes = sent.raw_bytes,
				.data = sou_buf_span(&data)};
	int rc = soud_replica_begin(hub->replica);
	int got = rc == SOU_OK ? soud_replica_news(hub->replica, &from, &news, taken) : rc;
	rc = soud_replica_broken(hub->replica) ? SOU_ESTORE
					       : soud_replica_commit(hub->replica, &done);
	if (rc != SOU_OK)
		sim_fail(w, "R17", "a hostile entry broke the hub: %s",
			 soud_replica_error(hub->replica)->text);
	else
		sim_net_committed(w, 0, &done);
	sim_trace(w, "hub takes it: %s", sou_err_name(got));
	sou_buf_fini(&data);
	sou_batch_free(batch);
}

void sim_hostile(struct sim *w)
{
	struct sim_node *me = &w->nodes[HOSTILE];
	if (me->honest || w->nodes[0].down)
		return;
	enum trick t = (enum trick)sim_below(&w->rng, TRICK_COUNT);
	SOU_ASSERT(t < TRICK_COUNT);
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[me->org]), item = {{0xee}};
	struct sou_draft d = draft_base(w, &scope);
	struct sou_buf value = {0}, header = {0}, payload = {0};
	sou_mp_put_str(&value, "例 hostile", 11);
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .entity = item,
				  .value = sou_buf_span(&value)};
	d.ops = &op;
	d.op_count = 1;
	bool on_others = false;
	bend(w, t, &d, &op, &on_others);
	struct sou_entry entry = {0};
	uint8_t signature[SOU_SIGNATURE_BYTES];
	int rc = sou_entry_make(&entry, &d, &me->signer, &header, &payload, signature);
	SOU_ASSERT(rc == SOU_OK);
	struct sou_hash id = entry.facts.id;
	if (t == TRICK_FORGED)
		signature[5] ^= 1;
	if (t == TRICK_NET) {
		struct sou_id other = {{1}};
		SOU_ASSERT(sou_sign(&me->signer, SOU_CONTEXT_ENTRY, &other,
				    (struct sou_span){id.b, 32}, signature) == SOU_OK);
	}
	sim_trace(w, "hostile: %s", trick_names[t]);
	w->marks[SIM_MARK_HOSTILE]++;
	struct soud_taken taken = {0};
	sim_track(w, HOSTILE, &d.header.scope, &id, never_shown(w, t, on_others));
	w->tracked[w->tracked_n - 1].excused = true; /* nobody promised to keep it */
	send(w, &d.header.scope, sou_buf_span(&header), sou_buf_span(&payload), signature, &id,
	     &taken);
	if (t == TRICK_HONEST) {
		w->hostile_before = d.header.prev;
		if (d.header.seq == 1)
			memset(&w->hostile_before, 0, sizeof w->hostile_before);
		w->hostile_head = id;
		w->hostile_seq = d.header.seq;
		w->hostile_hlc = d.header.hlc;
	}
	sou_entry_fini(&entry);
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
}
