/* tail.c - own entries that a restored replica may never have sent (R12). When the replica leaves
 * its log they leave the log with it and wait as drafts; when it is confirmed, those that came from
 * a peer are there again, the others are put back: as they are where they still fit on the own
 * head, else as new entries that say the same on top of it. So a second entry never stands where
 * the own feed has one already.
 *
 *   draft: [1, header bin, payload bin, signature bin]
 *
 * Sites alone: a hub's own entries come back from its sites, and a hub that nobody acknowledged
 * anything would take all of them out. */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "proto/entry.h"
#include "proto/grow.h"
#include "proto/header.h"
#include "proto/schema.h"

#define TAIL_FORM 1u /* the first member of a draft that is one of these */

struct out { /* one that is taken out */
	uint64_t hlc, arrival;
	uint32_t scope;
};

struct taking {
	struct soud_replica *r;
	struct sou_header header;
	struct out *list; /* owned; by (hlc, scope, arrival): as they were signed */
	uint32_t count, room;
	uint64_t last_hlc; /* of the own entries that stay */
	struct sou_hash last;
	uint64_t own; /* that stay */
};

/* --- out of the log --- */

/* The last of our arrivals that any peer said it has. */
static int acked_upto(struct soud_replica *r, uint32_t scope, uint64_t *out)
{
	struct soud_peer peer = {0};
	struct soud_position p;
	int rc;
	*out = 0;
	while ((rc = soud_store_peer_next(r->store, peer.number, &peer)) == SOU_OK) {
		rc = soud_store_position_get(r->store, peer.number, scope, &p);
		if (rc != SOU_OK)
			return rc;
		if (p.acked > *out)
			*out = p.acked;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int look_scope(struct taking *t, uint32_t scope)
{
	struct soud_replica *r = t->r;
	struct soud_row row = {0};
	uint64_t acked;
	int rc = acked_upto(r, scope, &acked);
	while (rc == SOU_OK &&
	       (rc = soud_store_log_next(r->store, scope, row.arrival, &row)) == SOU_OK) {
		if (sou_header_read(&t->header, row.header) != SOU_OK)
			return SOU_ECORRUPT;
		if (!sou_id_eq(&t->header.site, &r->identity.site))
			continue;
		bool goes = row.source == 0 && row.arrival > acked && row.payload.n > 0 &&
			    row.sig.n == SOU_SIGNATURE_BYTES;
		if (!goes) {
			t->own++;
			if (t->header.hlc >= t->last_hlc) {
				t->last_hlc = t->header.hlc;
				t->last = row.id;
			}
			continue;
		}
		struct out *list = sou_grow(t->list, &t->room, t->count, 1, sizeof *list);
		if (list == NULL)
			return SOU_ENOMEM;
		t->list = list;
		list[t->count++] = (struct out){t->header.hlc, row.arrival, scope};
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int by_time(const void *x, const void *y)
{
	const struct out *a = x, *b = y;
	if (a->hlc != b->hlc)
		return a->hlc < b->hlc ? -1 : 1;
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static int by_place(const void *x, const void *y)
{
	const struct out *a = x, *b = y;
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static int keep_as_draft(struct soud_replica *r, const struct out *o)
{
	struct soud_row row;
	struct soud_draft draft = {0};
	struct sou_buf body = {0};
	int rc = soud_store_scope_id(r->store, o->scope, &draft.scope);
	if (rc == SOU_OK)
		rc = soud_store_log_get(r->store, o->scope, o->arrival, &row);
	if (rc == SOU_OK) {
		sou_mp_put_array(&body, 4);
		sou_mp_put_uint(&body, TAIL_FORM);
		sou_mp_put_bin(&body, row.header.p, row.header.n);
		sou_mp_put_bin(&body, row.payload.p, row.payload.n);
		sou_mp_put_bin(&body, row.sig.p, row.sig.n);
		draft.body = sou_buf_span(&body);
		draft.changed_ms = row.received_ms;
		rc = body.failed ? SOU_ENOMEM : soud_store_draft_put(r->store, &draft);
	}
	sou_buf_fini(&body);
	return rc;
}

/* What a peer once sent back to us may be among what went: all of its log is asked for again. */
static int forget_positions(struct soud_replica *r, uint32_t scope)
{
	struct soud_peer peer = {0};
	struct soud_position p;
	int rc;
	while ((rc = soud_store_peer_next(r->store, peer.number, &peer)) == SOU_OK) {
		rc = soud_store_position_get(r->store, peer.number, scope, &p);
		p.have = 0;
		if (rc == SOU_OK)
			rc = soud_store_position_put(r->store, peer.number, scope, &p);
		if (rc != SOU_OK)
			return rc;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* All of a scope's at once: what stands above moves down. */
static int cut_scopes(struct taking *t)
{
	uint64_t *arrivals = calloc(t->count, sizeof *arrivals);
	int rc = arrivals != NULL ? SOU_OK : SOU_ENOMEM;
	qsort(t->list, t->count, sizeof *t->list, by_place);
	for (uint32_t i = 0; rc == SOU_OK && i < t->count;) {
		uint32_t scope = t->list[i].scope, n = 0;
		for (; i < t->count && t->list[i].scope == scope; i++)
			arrivals[n++] = t->list[i].arrival;
		rc = soud_store_log_cut(t->r->store, scope, arrivals, n);
		if (rc == SOU_OK)
			rc = forget_positions(t->r, scope);
	}
	free(arrivals);
	return rc;
}

/* Judged anew, and with the digest that readers look for. */
static int rejudge(struct taking *t)
{
	struct soud_replica *r = t->r;
	for (uint32_t i = 0; i < t->count; i++) {
		struct sou_id scope;
		struct engine *e;
		if (i > 0 && t->list[i].scope == t->list[i - 1].scope)
			continue;
		int rc = soud_store_scope_id(r->store, t->list[i].scope, &scope);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "looking a scope up");
		rc = engine_get(r, &scope, true, &e);
		if (rc != SOU_OK)
			return rc;
		e->touched = e->entries = e->state = true;
		rc = work_rejudge(r, e, NULL, 0);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

int tail_take_out(struct soud_replica *r)
{
	struct taking t = {.r = r};
	uint32_t scopes = 0;
	int rc = r->identity.hub ? SOU_OK : soud_store_scope_count(r->store, &scopes);
	for (uint32_t scope = 1; rc == SOU_OK && scope <= scopes; scope++)
		rc = look_scope(&t, scope);
	if (rc == SOU_OK && t.count > 0) {
		qsort(t.list, t.count, sizeof *t.list, by_time);
		for (uint32_t i = 0; rc == SOU_OK && i < t.count; i++)
			rc = keep_as_draft(r, &t.list[i]);
		if (rc == SOU_OK)
			rc = cut_scopes(&t);
		if (rc == SOU_OK)
			rc = soud_store_rebuild(r->store, r->authority);
		if (rc == SOU_OK) {
			r->now.own = t.own;
			r->now.own_last = t.last;
			rc = rejudge(&t);
			free(t.list);
			return rc;
		}
	}
	free(t.list);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "own entries become drafts");
}

/* --- and back --- */

struct renamed { /* an entry that is signed anew */
	struct sou_hash was, is;
};

struct putting {
	struct soud_replica *r;
	struct sou_entry entry;
	struct sou_buf body;     /* of the draft: the store's own bytes move */
	struct renamed *renamed; /* owned */
	uint32_t count, room;
	struct sou_draft_op *ops; /* owned; of the act under way */
	uint32_t op_count, op_room;
	struct sou_buf values, names; /* what its ops borrow */
	uint64_t *parts;              /* owned; drafts whose closing entry is to come */
	uint32_t part_count, part_room;
};

static bool draft_read(struct sou_span body, struct sou_span spans[3])
{
	struct sou_mp m = sou_mp_over(body);
	sou_mp_array_of(&m, 4);
	if (sou_mp_uint(&m, TAIL_FORM) != TAIL_FORM)
		return false;
	spans[0] = sou_mp_bin(&m, 1, SOU_HEADER_BYTES_MAX);
	spans[1] = sou_mp_bin(&m, 1, SOU_REDACTED_BYTES_MAX);
	spans[2] = sou_mp_bin(&m, SOU_SIGNATURE_BYTES, SOU_SIGNATURE_BYTES);
	return sou_mp_end(&m) == SOU_OK;
}

/* Does it still stand where the own feed goes on? */
static bool fits(struct putting *p, const struct engine *e)
{
	const struct soud_replica *r = p->r;
	struct sou_scope_entry head;
	int rc = sou_scope_own_head(e->scope, &r->identity.site, &r->env.site->key_id, &head);
	const struct sou_line *line =
		sou_authority_key(r->authority, &r->identity.site, &r->env.site->key_id);
	if (!sou_id_eq(&p->entry.header.key, &r->env.site->key_id) || line == NULL)
		return false;
	return sou_hash_eq(&p->entry.header.prev, rc == SOU_OK ? &head.id : &line->opening) &&
	       (rc == SOU_OK || rc == SOU_EUNKNOWN);
}

static int keep_span(struct soud_replica *r, struct work *w, struct sou_span from,
		     struct sou_span *out)
{
	struct sou_buf buf = {0};
	sou_buf_put(&buf, from.p, from.n);
	return work_keep(r, w, &buf, out);
}

/* As it is: the same bytes, the same id. */
static int put_same(struct putting *p, struct engine *e, const struct sou_span spans[3])
{
	struct soud_replica *r = p->r;
	struct work w = {0};
	struct sou_span kept[3];
	work_begin(r, &w, e, 0);
	int rc = SOU_OK;
	for (size_t i = 0; rc == SOU_OK && i < 3; i++)
		rc = keep_span(r, &w, spans[i], &kept[i]);
	p->entry.facts.sig_checked = true; /* by this key, when it was made here */
	if (rc == SOU_OK)
		rc = work_put_fresh(r, &w, &p->entry.facts, kept[0], kept[1], kept[2]);
	if (rc == SOU_OK)
		rc = work_settle(r, &w);
	if (rc == SOU_OK)
		rc = work_flush(r, &w);
	work_fini(&w);
	return rc;
}

/* A version id of an entry that has another name now. */
static const struct sou_hash *new_name(const struct putting *p, const uint8_t version[16])
{
	for (uint32_t i = 0; i < p->count; i++) {
		if (memcmp(p->renamed[i].was.b, version, 16) == 0)
			return &p->renamed[i].is;
	}
	return NULL;
}

/* Values name versions by their 16 bytes (P7.6): no other bytes are equal to a hash. */
static void rename_in(const struct putting *p, uint8_t *bytes, size_t n)
{
	for (size_t at = 0; p->count > 0 && at + 16 <= n; at++) {
		const struct sou_hash *is = new_name(p, bytes + at);
		if (is != NULL)
			memcpy(bytes + at, is->b, 16);
	}
}

/* Append the ops of a payload to those of the act; what they borrow is set at the end. */
static int gather_ops(struct putting *p, const struct sou_payload *payload)
{
	for (uint32_t i = 0; i < payload->op_count; i++) {
		const struct sou_op *op = &payload->ops[i];
		struct sou_draft_op *ops =
			sou_grow(p->ops, &p->op_room, p->op_count, 1, sizeof *ops);
		if (ops == NULL)
			return SOU_ENOMEM;
		p->ops = ops; /* the old one is gone with it */
		if (op->went)
			return SOU_EINPUT;
		/* Offsets for now: the buffers move while they grow. */
		ops[p->op_count++] = (struct sou_draft_op){.type = op->type,
							   .kind = op->kind,
							   .field = op->field,
							   .entity = op->entity,
							   .value = {NULL, op->value.n},
							   .replace_count = op->replaces.count};
		sou_buf_put(&p->values, op->value.p, op->value.n);
		for (uint32_t k = 0; k < op->replaces.count; k++) {
			struct sou_id id = sou_mp_list_id(&op->replaces, k);
			const struct sou_hash *is = new_name(p, id.b);
			sou_buf_put(&p->names, is != NULL ? is->b : id.b, sizeof id.b);
		}
	}
	return p->values.failed || p->names.failed ? SOU_ENOMEM : SOU_OK;
}

static void settle_ops(struct putting *p)
{
	size_t value = 0, name = 0;
	rename_in(p, p->values.p, p->values.n);
	for (uint32_t i = 0; i < p->op_count; i++) {
		struct sou_draft_op *op = &p->ops[i];
		op->value.p = op->value.n > 0 ? p->values.p + value : NULL;
		op->replaces = op->replace_count > 0
				       ? (const struct sou_id *)(const void *)(p->names.p + name)
				       : NULL;
		value += op->value.n;
		name += (size_t)op->replace_count * sizeof(struct sou_id);
	}
}

static void clear_act(struct putting *p)
{
	p->op_count = 0;
	sou_buf_clear(&p->values);
	sou_buf_clear(&p->names);
}

static int note_name(struct putting *p, const struct sou_hash *was, const struct sou_hash *is)
{
	struct renamed *v = sou_grow(p->renamed, &p->room, p->count, 1, sizeof *v);
	if (v == NULL)
		return replica_fail(p->r, SOU_ENOMEM, "no memory for a draft");
	p->renamed = v;
	v[p->count++] = (struct renamed){*was, *is};
	return SOU_OK;
}

/* An adoption holds wherever it stands; an anchor, an opening spoke of a place that is gone. */
static int control_anew(struct putting *p, const struct sou_id *scope)
{
	struct sou_hash names[SOU_NAMES_MAX];
	if (p->ops[0].type != SOU_OP_ADOPT)
		return SOU_OK;
	struct sou_mp m = sou_mp_over(p->ops[0].value);
	const struct sou_mp_list list = sou_mp_names(&m, 32, SOU_NAMES_MAX);
	if (sou_mp_end(&m) != SOU_OK)
		return SOU_EINPUT;
	for (uint32_t i = 0; i < list.count; i++)
		names[i] = sou_mp_list_hash(&list, i);
	const struct soud_control control = {.scope = *scope,
					     .for_org = p->entry.payload.for_org,
					     .by = p->entry.payload.by,
					     .type = SOU_OP_ADOPT,
					     .names = names,
					     .name_count = list.count};
	return soud_replica_control(p->r, &control, NULL, NULL);
}

/* Signed anew on top of the own head. SOU_EAGAIN: a part, which goes with its closing entry. */
static int put_anew(struct putting *p, const struct sou_id *scope)
{
	struct sou_payload *payload = &p->entry.payload;
	struct sou_hash cites[SOU_CITES_MAX], is;
	struct sou_hash was = p->entry.facts.id;
	int rc = gather_ops(p, payload);
	if (rc != SOU_OK)
		return rc == SOU_ENOMEM ? replica_fail(p->r, rc, "no memory for a draft") : rc;
	if (payload->part == SOU_PART_IS)
		return SOU_EAGAIN;
	settle_ops(p);
	if (p->op_count == 1 && sou_op_is_control(p->ops[0].type)) {
		rc = control_anew(p, scope);
		clear_act(p);
		return rc;
	}
	for (uint32_t i = 0; i < payload->cites.count && i < SOU_CITES_MAX; i++) {
		cites[i] = sou_mp_list_hash(&payload->cites, i);
		const struct sou_hash *name = new_name(p, cites[i].b);
		cites[i] = name != NULL ? *name : cites[i];
	}
	const struct soud_act act = {.scope = *scope,
				     .for_org = payload->for_org,
				     .by = payload->by,
				     .ops = p->ops,
				     .op_count = p->op_count,
				     .cites = cites,
				     .cite_count = payload->cites.count};
	rc = soud_replica_act(p->r, &act, 1, &is, NULL);
	clear_act(p);
	return rc == SOU_OK ? note_name(p, &was, &is) : rc;
}

/* SOU_OK: the draft has done its work. SOU_EAGAIN: it stays. */
static int put_one(struct putting *p, const struct sou_id *scope, bool anew)
{
	struct soud_replica *r = p->r;
	struct sou_span spans[3];
	struct sou_scope_entry there;
	struct engine *e;
	if (!draft_read(sou_buf_span(&p->body), spans))
		return SOU_EAGAIN; /* a draft of another kind */
	int rc = sou_entry_read(&p->entry, spans[0], spans[1], NULL);
	if (rc == SOU_ENOMEM)
		return replica_fail(r, rc, "no memory for a draft");
	if (rc != SOU_OK || !sou_id_eq(&p->entry.facts.site, &r->identity.site))
		return SOU_EAGAIN;
	rc = engine_get(r, scope, true, &e);
	if (rc != SOU_OK)
		return rc;
	if (sou_scope_get(e->scope, &p->entry.facts.id, &there) == SOU_OK)
		return SOU_OK; /* a peer had it */
	if (!anew && fits(p, e))
		return put_same(p, e, spans);
	rc = put_anew(p, scope);
	return rc == SOU_OK || r->broken || rc == SOU_EAGAIN ? rc : SOU_EAGAIN;
}

static int end_draft(struct putting *p, uint64_t number)
{
	int rc = soud_store_draft_end(p->r->store, number);
	for (uint32_t i = 0; rc == SOU_OK && i < p->part_count; i++)
		rc = soud_store_draft_end(p->r->store, p->parts[i]);
	p->part_count = 0;
	return rc == SOU_OK ? SOU_OK : replica_store_failed(p->r, rc, "ending a draft");
}

/* A part waits with those before it; whatever else stays lets them stay as well. */
static int leave_draft(struct putting *p, uint64_t number)
{
	bool part = p->op_count > 0 && p->entry.payload.part == SOU_PART_IS;
	if (!part) {
		clear_act(p);
		p->part_count = 0;
		return SOU_OK;
	}
	uint64_t *v = sou_grow(p->parts, &p->part_room, p->part_count, 1, sizeof *v);
	if (v == NULL)
		return replica_fail(p->r, SOU_ENOMEM, "no memory for a draft");
	p->parts = v;
	v[p->part_count++] = number;
	return SOU_OK;
}

static int put_all(struct putting *p, bool anew)
{
	struct soud_draft draft = {0};
	int rc;
	while ((rc = soud_store_draft_next(p->r->store, draft.number, &draft)) == SOU_OK) {
		sou_buf_clear(&p->body);
		sou_buf_put(&p->body, draft.body.p, draft.body.n);
		if (p->body.failed)
			return replica_fail(p->r, SOU_ENOMEM, "no memory for a draft");
		rc = put_one(p, &draft.scope, anew);
		if (rc == SOU_OK)
			rc = end_draft(p, draft.number);
		else if (rc == SOU_EAGAIN)
			rc = leave_draft(p, draft.number);
		if (rc != SOU_OK)
			return rc;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : replica_store_failed(p->r, rc, "reading a draft");
}

int tail_put_back(struct soud_replica *r, bool anew)
{
	struct putting p = {.r = r};
	int rc = put_all(&p, anew);
	sou_entry_fini(&p.entry);
	sou_buf_fini(&p.body);
	sou_buf_fini(&p.values);
	sou_buf_fini(&p.names);
	free(p.renamed);
	free(p.ops);
	free(p.parts);
	return rc;
}
