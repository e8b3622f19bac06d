/* act.c - what people of this site do: checked, signed and stored, n entries in n scopes in one
 * transaction (R1, R2, R6, R15). An own entry passes the same engine as a received one, and is
 * stored only when its verdict is accepted: the person is told on the spot. */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "proto/name.h"
#include "proto/schema.h"

/* A part's ops stay below this, so that what stands around them fits in a payload. */
#define PART_BYTES_MAX (SOU_PAYLOAD_BYTES_MAX - 4096u)

struct acting {             /* one call: works by scope, in the order of first use */
	struct work *works; /* owned */
	size_t count;
	const struct sou_line *line;
	struct sou_err *err;
};

static int say(struct soud_replica *r, struct acting *a, int rc, const char *text)
{
	SOU_ASSERT(rc != SOU_OK);
	(void)replica_fail(r, rc, "%s", text);
	(void)sou_err_set(a->err, rc, "%s", r->err.text);
	return rc;
}

static int check_can_sign(struct soud_replica *r, struct acting *a)
{
	if (r->env.site == NULL)
		return say(r, a, SOU_ESTATE, "R20: no signing key is open");
	if ((r->fence_state != SOUD_FENCE_AGREES && !r->confirming) || r->doubting)
		return say(r, a, SOU_ESTATE, "R12: this replica is unconfirmed, it signs nothing");
	a->line = sou_authority_key(r->authority, &r->identity.site, &r->env.site->key_id);
	if (a->line == NULL)
		return say(r, a, SOU_ESTATE, "P8.7: the key of this site is not enrolled");
	if (sou_authority_key_withdrawn(r->authority, &r->identity.site, &r->env.site->key_id))
		return say(r, a, SOU_ESTATE, "P8.12: the key of this site is withdrawn");
	return SOU_OK;
}

/* P7.5, said before anything is signed. */
static int check_rights(struct soud_replica *r, struct acting *a, const struct sou_id *scope,
			const struct sou_id *for_org, const struct sou_draft_op *ops,
			uint32_t count)
{
	struct sou_id org;
	enum sou_scope_kind kind = sou_authority_scope_kind(r->authority, scope, &org);
	uint32_t held = sou_authority_roles(r->authority, &r->identity.site, scope, for_org);
	for (uint32_t i = 0; i < count; i++) {
		uint16_t of_kind = sou_op_is_control(ops[i].type) ? 0 : ops[i].kind;
		uint32_t needed = sou_schema_roles(kind, ops[i].type, of_kind);
		if ((needed & held) != 0)
			continue;
		uint32_t first = needed & (~needed + 1);
		(void)replica_fail(r, SOU_ERIGHT, "P7.5: %s %s needs %s",
				   sou_schema_op_name(ops[i].type), sou_schema_kind_name(of_kind),
				   needed == 0 ? "what nobody has here"
					       : sou_role_name((enum sou_role)first));
		return sou_err_set(a->err, SOU_ERIGHT, "%s", r->err.text);
	}
	return SOU_OK;
}

static int work_for(struct soud_replica *r, struct acting *a, const struct sou_id *scope,
		    struct work **out)
{
	for (size_t i = 0; i < a->count; i++) {
		if (sou_id_eq(&a->works[i].e->id, scope)) {
			*out = &a->works[i];
			return SOU_OK;
		}
	}
	struct engine *e;
	int rc = engine_get(r, scope, true, &e);
	if (rc == SOU_OK && repair_blocks_signing(r, e))
		rc = say(r, a, SOU_ESTATE, "R22: own entries that were not sent are damaged");
	if (rc != SOU_OK)
		return rc;
	*out = &a->works[a->count++];
	work_begin(r, *out, e, 0);
	return SOU_OK;
}

/* Where the next own entry of this scope stands (P5.3, P10.9). */
static int place(struct soud_replica *r, struct acting *a, const struct engine *e,
		 struct sou_header *h)
{
	struct sou_scope_entry head;
	SOU_ASSERT(a->line != NULL); /* check_can_sign */
	int rc = sou_scope_own_head(e->scope, &r->identity.site, &r->env.site->key_id, &head);
	if (rc == SOU_ESTATE)
		return say(r, a, rc, "P9.6: the own feed is cut, frozen or has several heads");
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return replica_fail(r, rc, "no memory for an entry");
	struct sou_hash authority = sou_authority_head(r->authority);
	*h = (struct sou_header){.net = r->identity.net,
				 .site = r->identity.site,
				 .scope = e->id,
				 .authority = sou_hash_half(&authority)};
	uint64_t last = r->now.hlc;
	if (rc == SOU_EUNKNOWN) {
		h->prev = a->line->opening;
		h->epoch = sou_hash_half(&h->prev);
		h->seq = 1;
	} else {
		bool opened = head.kind == SOU_ENTRY_OPENING;
		h->prev = head.id;
		h->epoch = opened ? sou_hash_half(&head.id) : head.epoch;
		h->seq = opened ? 1 : head.seq + 1;
		last = head.hlc > last ? head.hlc : last;
	}
	h->hlc = sou_hlc_next(last, r->received_ms);
	if (h->seq > SOU_SEQ_MAX || h->hlc == 0)
		return say(r, a, SOU_ELIMIT, "P5.1: the feed has no further number");
	/* R15: a clock behind what it said before was set back. */
	if (r->received_ms < (int64_t)sou_hlc_ms(last) - (int64_t)SOU_HLC_AHEAD_MS)
		h->clock = 1;
	r->now.hlc = h->hlc;
	return SOU_OK;
}

static int refuse_verdict(struct soud_replica *r, struct acting *a, enum sou_verdict v)
{
	(void)replica_fail(r,
			   v == SOU_HELD_NO_RIGHT || v == SOU_HELD_GROUND ? SOU_ERIGHT : SOU_ESTATE,
			   "P9.10: it would be held: %s", sou_verdict_name(v));
	return sou_err_set(a->err, r->err.rc, "%s", r->err.text);
}

/* Made, signed, into the engine and judged; nothing is stored yet. */
static int sign(struct soud_replica *r, struct acting *a, struct work *w, struct sou_draft *draft,
		struct sou_hash *id)
{
	int rc = place(r, a, w->e, &draft->header);
	if (rc != SOU_OK)
		return rc;
	if (draft->ops != NULL && draft->op_count == 1 && sou_op_is_control(draft->ops[0].type))
		draft->header.kind = draft->ops[0].type == SOU_OP_EPOCH_OPEN ? SOU_ENTRY_OPENING
									     : SOU_ENTRY_CONTROL;
	if (r->env.random(r->env.ctx, draft->salt, sizeof draft->salt) != SOU_OK)
		return replica_fail(r, SOU_ECRYPTO, "no random bytes");
	struct sou_buf header = {0}, payload = {0}, sig = {0};
	uint8_t signature[SOU_SIGNATURE_BYTES];
	struct sou_span spans[3];
	rc = sou_entry_make(&r->entry, draft, r->env.site, &header, &payload, signature);
	sou_cleanse(draft->salt, sizeof draft->salt);
	if (rc == SOU_OK) {
		sou_buf_put(&sig, signature, sizeof signature);
		rc = work_keep(r, w, &header, &spans[0]);
		if (rc == SOU_OK)
			rc = work_keep(r, w, &payload, &spans[1]);
		if (rc == SOU_OK)
			rc = work_keep(r, w, &sig, &spans[2]);
	} else if (rc == SOU_EINPUT || rc == SOU_ELIMIT) {
		(void)say(r, a, rc,
			  rc == SOU_EINPUT ? "P6.8: a value does not fit its field"
					   : "P6.1: too large for one entry");
	} else {
		(void)replica_fail(r, rc, "an entry cannot be signed: %s", sou_err_text(rc));
	}
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
	sou_buf_fini(&sig);
	if (rc == SOU_OK)
		rc = work_put_fresh(r, w, &r->entry.facts, spans[0], spans[1], spans[2]);
	if (rc != SOU_OK)
		return rc;
	*id = w->fresh[w->fresh_count - 1].id;
	rc = work_settle(r, w);
	struct sou_scope_entry now;
	if (rc == SOU_OK && sou_scope_get(w->e->scope, id, &now) == SOU_OK &&
	    now.verdict != SOU_ACCEPTED)
		return refuse_verdict(r, a, (enum sou_verdict)now.verdict);
	return rc;
}

static size_t op_bytes(const struct sou_draft_op *op)
{
	return 48 + op->value.n + (size_t)op->replace_count * 18;
}

/* How many ops from `from` on fit in one entry; at least one. */
static uint32_t fit(const struct sou_draft_op *ops, uint32_t from, uint32_t count)
{
	size_t bytes = 0;
	uint32_t n = 0;
	while (from + n < count && n < SOU_OPS_MAX) {
		bytes += op_bytes(&ops[from + n]);
		if (n > 0 && bytes > PART_BYTES_MAX)
			break;
		n++;
	}
	return n;
}

static int sign_parts(struct soud_replica *r, struct acting *a, struct work *w,
		      const struct soud_act *act, struct sou_hash *id)
{
	struct sou_hash *parts = NULL;
	size_t count = 0, room = 0;
	int rc = SOU_OK;
	for (uint32_t at = 0; rc == SOU_OK && at < act->op_count;) {
		struct sou_draft draft = {.for_org = act->for_org,
					  .by = act->by,
					  .cites = act->cites,
					  .cite_count = act->cite_count,
					  .is_part = true,
					  .ops = act->ops + at,
					  .op_count = fit(act->ops, at, act->op_count)};
		if (count == SOU_PARTS_MAX)
			rc = say(r, a, SOU_ELIMIT, "P6.1: too large for one act");
		else if (replica_grow((void **)&parts, &room, count, sizeof *parts) != SOU_OK)
			rc = replica_fail(r, SOU_ENOMEM, "no memory for an act");
		if (rc == SOU_OK)
			rc = sign(r, a, w, &draft, &parts[count]);
		count++;
		at += draft.op_count;
	}
	if (rc == SOU_OK) {
		struct sou_draft draft = {.for_org = act->for_org,
					  .by = act->by,
					  .parts = parts,
					  .part_count = (uint32_t)count};
		rc = sign(r, a, w, &draft, id);
	}
	free(parts);
	return rc;
}

static int do_act(struct soud_replica *r, struct acting *a, const struct soud_act *act,
		  struct sou_hash *id)
{
	struct work *w;
	int rc = check_rights(r, a, &act->scope, &act->for_org, act->ops, act->op_count);
	if (rc == SOU_OK)
		rc = work_for(r, a, &act->scope, &w);
	if (rc != SOU_OK)
		return rc;
	if (fit(act->ops, 0, act->op_count) < act->op_count)
		return sign_parts(r, a, w, act, id);
	struct sou_draft draft = {.for_org = act->for_org,
				  .by = act->by,
				  .cites = act->cites,
				  .cite_count = act->cite_count,
				  .ops = act->ops,
				  .op_count = act->op_count};
	return sign(r, a, w, &draft, id);
}

/* Store all of it, or, where one was refused, let the engines forget it. */
static int finish(struct soud_replica *r, struct acting *a, int rc, uint64_t hlc)
{
	for (size_t i = 0; i < a->count; i++) {
		if (rc == SOU_OK)
			rc = work_flush(r, &a->works[i]);
		else if (!r->broken)
			work_undo(r, &a->works[i]);
	}
	if (rc != SOU_OK) {
		r->now.hlc = hlc;
		if (a->err != NULL)
			*a->err = r->err;
	}
	for (size_t i = 0; i < a->count; i++)
		work_fini(&a->works[i]);
	free(a->works);
	return rc;
}

int soud_replica_act(struct soud_replica *r, const struct soud_act *acts, size_t n,
		     struct sou_hash *ids, struct sou_err *err)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "the transaction is broken");
	struct acting a = {.works = calloc(n + 1, sizeof *a.works), .err = err};
	uint64_t hlc = r->now.hlc;
	if (a.works == NULL)
		return sou_err_set(err, replica_fail(r, SOU_ENOMEM, "no memory for an act"),
				   "no memory for an act");
	rc = check_can_sign(r, &a);
	for (size_t i = 0; rc == SOU_OK && i < n; i++) {
		struct sou_hash id;
		rc = do_act(r, &a, &acts[i], &id);
		if (rc == SOU_OK && ids != NULL)
			ids[i] = id;
	}
	return finish(r, &a, rc, hlc);
}

/* P7.2: the one value of a control op. */
static void put_control_value(struct sou_buf *buf, uint16_t type, const struct sou_hash *names,
			      uint32_t name_count, struct sou_span reason)
{
	if (type == SOU_OP_EPOCH_OPEN) {
		sou_mp_put_str(buf, reason.p, reason.n);
	} else if (type == SOU_OP_ADOPT || type == SOU_OP_ANCHOR) {
		sou_mp_put_array(buf, name_count);
		for (uint32_t i = 0; i < name_count; i++)
			sou_mp_put_hash(buf, &names[i]);
	} else {
		sou_mp_put_nil(buf);
	}
}

int soud_replica_control(struct soud_replica *r, const struct soud_control *control,
			 struct sou_hash *id, struct sou_err *err)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "the transaction is broken");
	struct acting a = {.works = calloc(1, sizeof *a.works), .err = err};
	uint64_t hlc = r->now.hlc;
	struct sou_buf value = {0};
	struct sou_hash made;
	struct work *w;
	put_control_value(&value, control->type, control->names, control->name_count,
			  control->reason);
	struct sou_draft_op op = {.type = control->type, .value = sou_buf_span(&value)};
	struct sou_draft draft = {
		.for_org = control->for_org, .by = control->by, .ops = &op, .op_count = 1};
	if (a.works == NULL || value.failed) {
		(void)replica_fail(r, SOU_ENOMEM, "no memory for an act");
		rc = SOU_ENOMEM;
	} else {
		rc = check_can_sign(r, &a);
	}
	if (rc == SOU_OK)
		rc = check_rights(r, &a, &control->scope, &control->for_org, &op, 1);
	if (rc == SOU_OK)
		rc = work_for(r, &a, &control->scope, &w);
	if (rc == SOU_OK)
		rc = sign(r, &a, w, &draft, &made);
	rc = finish(r, &a, rc, hlc);
	sou_buf_fini(&value);
	if (rc == SOU_OK && id != NULL)
		*id = made;
	return rc;
}

int soud_replica_entity(struct soud_replica *r, uint16_t kind, struct sou_id *out)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	const struct sou_line *line =
		r->env.site == NULL
			? NULL
			: sou_authority_key(r->authority, &r->identity.site, &r->env.site->key_id);
	if (line == NULL)
		return replica_fail(r, SOU_ESTATE, "P3.3: the key of this site is not enrolled");
	r->now.counter++;
	*out = sou_entity_made((uint8_t)kind, &r->identity.site, &line->opening, r->now.counter);
	return SOU_OK;
}

/* --- Looking --- */

int soud_replica_engine(struct soud_replica *r, const struct sou_id *scope, struct sou_scope **out)
{
	struct engine *e;
	int rc = engine_get(r, scope, false, &e);
	if (rc == SOU_OK)
		*out = e->scope;
	return rc;
}

int soud_replica_entry(struct soud_replica *r, const struct sou_id *scope,
		       const struct sou_id *version, struct sou_scope_entry *out)
{
	struct sou_scope *engine;
	int rc = soud_replica_engine(r, scope, &engine);
	return rc == SOU_OK ? sou_scope_get_version(engine, version, out) : rc;
}

int soud_replica_digest(struct soud_replica *r, const struct sou_id *scope, struct sou_digest *out)
{
	struct engine *e;
	struct sou_digest d = {.scope = *scope, .rule = SOU_RULE_VERSION};
	int rc = engine_get(r, scope, false, &e);
	if (rc != SOU_OK)
		return rc;
	d.upto = e->last;
	d.authority = sou_authority_hash(r->authority);
	d.entries = sou_scope_entries_digest(e->scope);
	rc = soud_store_state_digest(r->store, e->number, &d.state);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "the digest of a scope");
	*out = d;
	return SOU_OK;
}
