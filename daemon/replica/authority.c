/* authority.c - ops of the authority feed on their way in: into memory, into the store, and anew
 * into the verdicts of the scopes that they speak of, all in the transaction that stores them (R7,
 * R8).
 *
 * What an op can change: verdicts of entries of the sites that it names; of an organisation's own
 * scope that becomes known; of entries whose values it redacts. Whatever else moves the trunk (a
 * fork, a root op that re-branches, an op of newer software) changes everything. */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "proto/name.h"
#include "proto/schema.h"

int authority_load(struct soud_replica *r, struct sou_authority **out)
{
	struct sou_authority *a = NULL;
	int rc = sou_authority_new(&a, &r->identity.genesis);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for the authority");
	sou_authority_verifier(a, r->env.verifier);
	struct soud_op row = {0};
	while ((rc = soud_store_op_next(r->store, row.number, &row)) == SOU_OK) {
		struct sou_authop op;
		rc = sou_authop_read(&op, row.op);
		if (rc == SOU_OK) {
			rc = sou_authority_add_checked(a, &op, row.op, row.sigs);
			sou_authop_fini(&op);
		}
		if (rc != SOU_OK) {
			rc = replica_fail(r, rc == SOU_ENOMEM ? rc : SOU_ECORRUPT,
					  "authority op %llu cannot be read",
					  (unsigned long long)row.number);
			goto out;
		}
	}
	if (rc != SOU_EUNKNOWN) {
		rc = replica_store_failed(r, rc, "reading the authority");
		goto out;
	}
	rc = sou_authority_settle(a);
	if (rc != SOU_OK) {
		rc = replica_fail(r, rc, "no memory for the authority");
		goto out;
	}
	*out = a;
	a = NULL;
out:
	sou_authority_free(a);
	return rc;
}

int authority_add(struct soud_replica *r, struct sou_span op, struct sou_span sigs)
{
	int rc = sou_authority_add(r->authority, op, sigs);
	if (rc == SOU_EEXIST)
		return SOU_OK;
	return rc == SOU_OK
		       ? SOU_OK
		       : replica_fail(r, rc, "an authority op is refused: %s", sou_err_text(rc));
}

void authority_undo(struct soud_replica *r)
{
	struct sou_authority *again = NULL;
	if (authority_load(r, &again) != SOU_OK)
		return; /* broken is set */
	sou_authority_free(r->authority);
	r->authority = again;
	for (size_t i = 0; i < r->engine_count; i++) /* its generations count anew */
		engine_drop(r->engines[i]);
}

/* --- Which scopes --- */

struct affected {
	bool all;
	bool opened;               /* a key: signatures may have waited for it */
	uint8_t *marks;            /* owned; by scope number */
	uint32_t count;            /* scopes there are */
	struct sou_hash *redacted; /* owned */
	size_t redacted_count, redacted_room;
};

static int mark_site(struct soud_replica *r, struct affected *a, const struct sou_id *site)
{
	size_t count = 0;
	uint32_t *numbers = calloc(a->count + 1, sizeof *numbers);
	if (numbers == NULL)
		return replica_fail(r, SOU_ENOMEM, "no memory for the authority");
	int rc = soud_store_feed_scopes(r->store, site, NULL, numbers, a->count, &count);
	if (rc != SOU_OK)
		rc = replica_store_failed(r, rc, "looking for feeds");
	for (size_t i = 0; rc == SOU_OK && i < count && i < a->count; i++)
		a->marks[numbers[i]] = 1;
	free(numbers);
	return rc;
}

static int mark_org(struct soud_replica *r, struct affected *a, const struct sou_hash *op,
		    uint32_t index)
{
	uint32_t number;
	if (r->now.strangers) /* entries that came before their organisation */
		a->all = true;
	struct sou_id org = sou_entity_org(op, index);
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &org);
	int rc = soud_store_scope_find(r->store, &scope, &number);
	if (rc == SOU_OK)
		a->marks[number] = 1;
	else if (rc != SOU_EUNKNOWN)
		return replica_store_failed(r, rc, "looking a scope up");
	return SOU_OK;
}

static int mark_redacted(struct soud_replica *r, struct affected *a, const struct sou_effect *e)
{
	for (uint32_t i = 0; i < e->id_count; i++) {
		if (replica_grow((void **)&a->redacted, &a->redacted_room, a->redacted_count,
				 sizeof *a->redacted) != SOU_OK)
			return replica_fail(r, SOU_ENOMEM, "no memory for the authority");
		a->redacted[a->redacted_count++] = e->ids[i];
	}
	return SOU_OK;
}

static int mark_effect(struct soud_replica *r, struct affected *a, const struct sou_authop *op,
		       uint32_t index)
{
	const struct sou_effect *e = &op->effects[index];
	if (e->type < SOU_EFFECT_KEYS || e->type > SOU_EFFECT_HUB) {
		a->all = true; /* too new (P8.6) */
		return SOU_OK;
	}
	switch ((enum sou_effect_type)e->type) {
	case SOU_EFFECT_KEYS:
	case SOU_EFFECT_ORG_NAME:
	case SOU_EFFECT_ORG_CLOSE:
	case SOU_EFFECT_INVITE:
	case SOU_EFFECT_INVITE_END:
	case SOU_EFFECT_HUB:
		return SOU_OK;
	case SOU_EFFECT_ORG:
		return mark_org(r, a, &op->id, index);
	case SOU_EFFECT_ENROL:
	case SOU_EFFECT_OPEN:
		a->opened = true;
		return mark_site(r, a, &e->site);
	case SOU_EFFECT_GRANT:
	case SOU_EFFECT_NARROW:
	case SOU_EFFECT_CUT:
	case SOU_EFFECT_RECUT:
	case SOU_EFFECT_DECIDE:
		return mark_site(r, a, &e->site);
	case SOU_EFFECT_REDACT:
		return mark_redacted(r, a, e);
	case SOU_EFFECT_ORG_MOVE: /* who has a subtree reaches other scopes now */
	case SOU_EFFECT_RECOVER:
		a->all = true;
		return SOU_OK;
	}
	return SOU_OK;
}

/* Number i in order of adding. Stored, and its effects looked at. */
static int apply_op(struct soud_replica *r, struct affected *a, size_t i,
		    struct sou_hash *expected_prev)
{
	struct sou_hash id, prev;
	struct soud_op row = {.received_ms = r->received_ms};
	sou_authority_op(r->authority, i, &id, &prev, &row.op, &row.sigs);
	row.id = id;
	int rc = soud_store_op_append(r->store, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "storing an authority op");
	r->now.ops = row.number;
	if (!sou_hash_eq(&prev, expected_prev))
		a->all = true; /* it did not simply go on from the head */
	*expected_prev = id;
	struct sou_authop op;
	rc = sou_authop_read(&op, row.op);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for an authority op");
	for (uint32_t k = 0; rc == SOU_OK && k < op.effect_count; k++)
		rc = mark_effect(r, a, &op, k);
	sou_authop_fini(&op);
	return rc;
}

static int rejudge_marked(struct soud_replica *r, const struct affected *a)
{
	for (uint32_t number = 1; number <= a->count; number++) {
		if (!a->all && a->marks[number] == 0)
			continue;
		struct sou_id scope;
		struct engine *e;
		int rc = soud_store_scope_id(r->store, number, &scope);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "looking a scope up");
		rc = engine_get(r, &scope, false, &e);
		if (rc == SOU_EDENIED)
			continue; /* R22: judged by today's authority once it can be loaded */
		if (rc == SOU_OK && a->opened)
			rc = ingest_check_waiting(r, e);
		if (rc == SOU_OK)
			rc = work_rejudge(r, e, NULL, 0);
		if (rc != SOU_OK)
			return rc;
		engine_trim(r);
	}
	return SOU_OK;
}

int authority_apply(struct soud_replica *r, const struct added *before)
{
	struct affected a = {0};
	struct sou_hash head = before->head;
	size_t count = sou_authority_op_count(r->authority);
	if (count == before->op_count)
		return SOU_OK;
	r->authority_touched = true;
	int rc = soud_store_scope_count(r->store, &a.count);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "counting scopes");
	a.marks = calloc((size_t)a.count + 1, 1);
	if (a.marks == NULL)
		return replica_fail(r, SOU_ENOMEM, "no memory for the authority");
	for (size_t i = before->op_count; rc == SOU_OK && i < count; i++)
		rc = apply_op(r, &a, i, &head);
	struct sou_hash now = sou_authority_head(r->authority);
	if (before->forked || before->too_new || sou_authority_forked(r->authority) ||
	    sou_authority_too_new(r->authority) || !sou_hash_eq(&head, &now))
		a.all = true;
	if (rc == SOU_OK)
		rc = rejudge_marked(r, &a);
	if (rc == SOU_OK && a.redacted_count > 0)
		rc = redact_stored(r, a.redacted, a.redacted_count);
	free(a.marks);
	free(a.redacted);
	return rc;
}

struct added authority_now(const struct soud_replica *r)
{
	return (struct added){
		.op_count = sou_authority_op_count(r->authority),
		.head = sou_authority_head(r->authority),
		.forked = sou_authority_forked(r->authority),
		.too_new = sou_authority_too_new(r->authority),
	};
}

/* --- A series from a peer --- */

struct headers {                 /* intakes of the headers frames of a series */
	struct soud_intake **in; /* owned, with what they point to */
	size_t count, room;
	struct sou_hash *named; /* owned; entries that its ops list (P13.5) */
	size_t named_count, named_room;
};

static void headers_fini(struct headers *h)
{
	for (size_t i = 0; i < h->count; i++)
		soud_intake_free(h->in[i]);
	free(h->in);
	free(h->named);
}

/* Entries that the op lists, whether it is new here or not. */
static int note_named(struct soud_replica *r, struct headers *h, struct sou_span bytes)
{
	struct sou_authop op;
	int rc = sou_authop_read(&op, bytes);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for an authority op");
	for (uint32_t e = 0; rc == SOU_OK && e < op.effect_count; e++) {
		const struct sou_effect *f = &op.effects[e];
		for (uint32_t i = 0; rc == SOU_OK && f->pin_count > 0 && i < f->id_count; i++) {
			rc = replica_grow((void **)&h->named, &h->named_room, h->named_count,
					  sizeof *h->named);
			if (rc == SOU_OK)
				h->named[h->named_count++] = f->ids[i];
			else
				(void)replica_fail(r, rc, "no memory for an authority op");
		}
	}
	sou_authop_fini(&op);
	return rc;
}

/* The ops of one authority frame, into memory. */
static int series_ops(struct soud_replica *r, struct headers *h, struct sou_span body)
{
	bool more;
	struct sou_mp ops;
	uint32_t count;
	int rc = sou_authority_unpack(body, &more, &ops, &count);
	for (uint32_t i = 0; rc == SOU_OK && i < count; i++) {
		struct sou_span op, sigs;
		rc = sou_authority_next(&ops, &op, &sigs);
		if (rc == SOU_OK)
			rc = authority_add(r, op, sigs);
		if (rc == SOU_OK && h->count > 0) /* they stand before the ops */
			rc = note_named(r, h, op);
	}
	return rc;
}

static int series_headers(struct soud_replica *r, struct headers *h, struct sou_span body)
{
	struct sou_news news;
	int rc = sou_headers_unpack(&news, body);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "headers: %s", sou_err_text(rc));
	rc = replica_grow((void **)&h->in, &h->room, h->count, sizeof *h->in);
	if (rc == SOU_OK)
		rc = soud_intake_new(&h->in[h->count], r->batch, &r->identity.net, &news);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "headers: %s", sou_err_text(rc));
	h->count++;
	return SOU_OK;
}

static int read_series(struct soud_replica *r, struct sou_span series, struct headers *h)
{
	uint8_t kind;
	struct sou_span body;
	int rc = SOU_OK;
	while (rc == SOU_OK && sou_series_next(&series, &kind, &body))
		rc = kind == SOU_FRAME_HEADERS ? series_headers(r, h, body)
					       : series_ops(r, h, body);
	return rc;
}

static int hash_order(const void *a, const void *b)
{
	return sou_hash_cmp(a, b);
}

/* One chain up to an entry that an op lists? Its links are hashes: nothing can be added to it. */
static bool is_named(const struct headers *h, const struct soud_intake *in)
{
	for (size_t i = 1; i < in->count; i++) {
		if (!sou_hash_eq(&in->entries[i].facts.prev, &in->entries[i - 1].facts.id))
			return false;
	}
	return in->count > 0 && h->named_count > 0 &&
	       bsearch(&in->entries[in->count - 1].facts.id, h->named, h->named_count,
		       sizeof *h->named, hash_order) != NULL;
}

/* R17: headers are stored beyond the limits of their feed, so only those that P13.5 asks for. */
static void pass_over_others(struct headers *h)
{
	size_t kept = 0;
	if (h->named_count > 1)
		qsort(h->named, h->named_count, sizeof *h->named, hash_order);
	for (size_t i = 0; i < h->count; i++) {
		if (is_named(h, h->in[i]))
			h->in[kept++] = h->in[i];
		else
			soud_intake_free(h->in[i]);
	}
	h->count = kept;
}

/* Signatures of the headers under the new authority; nothing is stored yet. */
static int check_headers(struct soud_replica *r, struct headers *h, struct soud_taken *out)
{
	for (size_t i = 0; i < h->count; i++) {
		(void)soud_intake_keys(h->in[i], r->authority, false);
		int rc = soud_intake_check(h->in[i], r->env.verifier, 0, SIZE_MAX);
		if (rc == SOU_OK)
			rc = intake_verdict(r, h->in[i], out);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

/* The first new op that has no effect says so. */
static void note_idle(const struct soud_replica *r, const struct added *before,
		      struct soud_taken *out)
{
	size_t count = sou_authority_op_count(r->authority);
	for (size_t i = before->op_count; i < count && out->note == NULL; i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(r->authority, i, &id, &prev, &op, &sigs);
		if (sou_authority_admissible(r->authority, &id))
			continue;
		out->note_clause = "P8.5";
		out->note = "an authority op without effect";
	}
}

int soud_replica_series(struct soud_replica *r, const struct soud_from *from,
			struct sou_span series, struct soud_taken *out)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_taken){.received_ms = r->received_ms};
	struct added before = authority_now(r);
	struct headers h = {0};
	rc = read_series(r, series, &h);
	if (rc == SOU_OK) {
		rc = sou_authority_settle(r->authority);
		if (rc != SOU_OK)
			(void)replica_fail(r, rc, "no memory for the authority");
	}
	pass_over_others(&h);
	if (rc == SOU_OK)
		rc = check_headers(r, &h, out);
	if (rc != SOU_OK && !r->broken) { /* refused: nothing was stored */
		if (sou_authority_op_count(r->authority) != before.op_count)
			authority_undo(r);
		out->bye = rc == SOU_ESIG ? SOU_BYE_SIGNATURE : SOU_BYE_FORMAT;
		out->clause = rc == SOU_ESIG ? "P13.4" : "P11.2";
	}
	if (rc == SOU_OK)
		note_idle(r, &before, out);
	for (size_t i = 0; rc == SOU_OK && i < h.count; i++)
		rc = ingest_headers(r, from, h.in[i], out);
	if (rc == SOU_OK)
		rc = authority_apply(r, &before);
	headers_fini(&h);
	return rc;
}

int soud_replica_add_op(struct soud_replica *r, struct sou_span op, struct sou_span sigs,
			struct sou_err *err)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "the transaction is broken");
	struct added before = authority_now(r);
	rc = authority_add(r, op, sigs);
	if (rc == SOU_OK) {
		rc = sou_authority_settle(r->authority);
		if (rc != SOU_OK)
			(void)replica_fail(r, rc, "no memory for the authority");
	}
	if (rc == SOU_OK)
		rc = authority_apply(r, &before);
	if (rc != SOU_OK && err != NULL)
		*err = r->err;
	return rc;
}
