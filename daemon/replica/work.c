/* work.c - one operation on one scope: into the engine, judged, and then, when all of the operation
 * holds, into the log and the records (merge_apply.h). Until the flush the store knows nothing of
 * it, so an operation that is refused only drops the engine. */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"

static void drop_kept(struct work *w)
{
	for (size_t i = 0; i < w->kept_count; i++)
		free(w->kept[i]);
	w->kept_count = 0;
}

int work_keep(struct soud_replica *r, struct work *w, struct sou_buf *buf, struct sou_span *out)
{
	if (buf->failed || replica_grow((void **)&w->kept, &w->kept_room, w->kept_count,
					sizeof *w->kept) != SOU_OK) {
		sou_buf_fini(buf);
		return replica_fail(r, SOU_ENOMEM, "no memory for an entry");
	}
	w->kept[w->kept_count++] = buf->p;
	*out = sou_buf_span(buf);
	*buf = (struct sou_buf){0};
	return SOU_OK;
}

void work_begin(struct soud_replica *r, struct work *w, struct engine *e, uint64_t source)
{
	(void)r;
	drop_kept(w);
	w->e = e;
	w->source = source;
	w->fresh_count = w->later_count = w->change_count = w->again_count = 0;
}

void work_fini(struct work *w)
{
	free(w->fresh);
	free(w->later);
	free(w->changes);
	free(w->again);
	drop_kept(w);
	free(w->kept);
	*w = (struct work){0};
}

void work_undo(struct soud_replica *r, struct work *w)
{
	(void)r;
	w->e->last -= w->fresh_count;
	engine_drop(w->e);
	w->fresh_count = w->later_count = w->change_count = w->again_count = 0;
}

int work_put_fresh(struct soud_replica *r, struct work *w, const struct sou_facts *facts,
		   struct sou_span header, struct sou_span payload, struct sou_span sig)
{
	if (w->e->last >= SOUD_ARRIVAL_MAX)
		return replica_fail(r, SOU_ELIMIT, "the scope is full");
	int rc = replica_grow((void **)&w->fresh, &w->fresh_room, w->fresh_count, sizeof *w->fresh);
	if (rc == SOU_OK)
		rc = sou_scope_put(w->e->scope, facts, w->e->last + 1);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for an entry");
	w->e->touched = true;
	w->e->last++;
	w->fresh[w->fresh_count++] = (struct fresh){
		.id = facts->id,
		.site = facts->site,
		.key = facts->key,
		.header = header,
		.payload = payload,
		.sig = sig,
		.arrival = w->e->last,
		.hlc = facts->hlc,
		.kind = facts->kind,
		.body = facts->body,
		.sig_checked = facts->sig_checked,
	};
	return SOU_OK;
}

int work_put_later(struct soud_replica *r, struct work *w, const struct sou_facts *facts,
		   const struct later *later)
{
	int rc = replica_grow((void **)&w->later, &w->later_room, w->later_count, sizeof *w->later);
	if (rc == SOU_OK)
		rc = replica_grow((void **)&w->again, &w->again_room, w->again_count,
				  sizeof *w->again);
	if (rc == SOU_OK)
		rc = sou_scope_put(w->e->scope, facts, later->arrival);
	if (rc == SOU_EEXIST) /* a signature that tells nothing new is stored all the same */
		rc = SOU_OK;
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for an entry");
	w->e->touched = true;
	w->later[w->later_count++] = *later;
	if (later->payload.n > 0)
		w->again[w->again_count++] = later->arrival;
	return SOU_OK;
}

int work_settle(struct soud_replica *r, struct work *w)
{
	const struct sou_change *changes;
	size_t count;
	int rc = sou_scope_settle(w->e->scope, r->authority, &changes, &count);
	if (rc == SOU_OK && w->change_count + count > w->change_room) {
		size_t room = w->change_count + count + 64;
		struct sou_change *more = realloc(w->changes, room * sizeof *more);
		if (more == NULL)
			rc = SOU_ENOMEM;
		else
			w->changes = more, w->change_room = room;
	}
	if (rc != SOU_OK) {
		w->e->touched = true; /* it may have judged: load it anew */
		return replica_fail(r, rc, "no memory to judge a scope");
	}
	if (count > 0)
		memcpy(w->changes + w->change_count, changes, count * sizeof *changes);
	w->change_count += count;
	return SOU_OK;
}

/* Of this site, and not only said to be: under a key that nobody enrolled whoever brings it may
 * have made it up, clock and all (R15). Under one that is, the end of its run was verified. */
static bool is_own(const struct soud_replica *r, const struct fresh *f)
{
	return sou_id_eq(&f->site, &r->identity.site) &&
	       sou_authority_key(r->authority, &f->site, &f->key) != NULL;
}

/* P13.8: nobody but the hub itself signs its entries, and what it signs it stores first. One that
 * comes from a peer and is not here proves that this replica is older than it was. */
static int take_own(struct soud_replica *r, const struct work *w, const struct fresh *f)
{
	r->now.own++;
	r->now.own_last = f->id;
	if (f->hlc > r->now.hlc) /* it said so itself, before it was restored */
		r->now.hlc = f->hlc;
	if (!r->identity.hub || w->source == 0 || r->fence_state != SOUD_FENCE_AGREES ||
	    r->doubting)
		return SOU_OK;
	return soud_replica_new_log(r);
}

static int append(struct soud_replica *r, struct work *w, const struct fresh *f)
{
	struct engine *e = w->e;
	struct sou_scope_entry now;
	int rc = sou_scope_get(e->scope, &f->id, &now);
	SOU_ASSERT(rc == SOU_OK);
	struct soud_row row = {
		.arrival = f->arrival,
		.id = f->id,
		.header = f->header,
		.payload = f->payload,
		.sig = f->sig,
		.kind = f->kind,
		.body = f->body,
		.verdict = now.verdict,
		.sig_checked = f->sig_checked,
		.shown = now.shown,
		.received_ms = r->received_ms,
		.source = w->source,
	};
	rc = soud_store_log_append(r->store, e->number, &row);
	if (rc == SOU_OK)
		rc = soud_store_feed_add(r->store, e->number, &f->site, &f->key);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "storing an entry");
	if (now.verdict != SOU_ACCEPTED)
		rc = engine_feed_add(e, &f->site, 1, (int64_t)(f->header.n + f->payload.n));
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for a feed");
	r->now.hlc = sou_hlc_seen(r->now.hlc, f->hlc, r->received_ms);
	return is_own(r, f) ? take_own(r, w, f) : SOU_OK;
}

/* A held row that gets its payload weighs more from now on. */
static int weigh(struct soud_replica *r, struct engine *e, const struct later *l)
{
	struct soud_row row;
	int rc = soud_store_log_get(r->store, e->number, l->arrival, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading an entry");
	if (row.verdict == SOU_ACCEPTED)
		return SOU_OK;
	int64_t more = (int64_t)l->payload.n - (int64_t)row.payload.n;
	rc = engine_feed_add(e, &l->site, 0, more);
	return rc == SOU_OK ? SOU_OK : replica_fail(r, rc, "no memory for a feed");
}

static int amend(struct soud_replica *r, struct engine *e, const struct later *l)
{
	int rc = SOU_OK;
	if (l->payload.n > 0) {
		rc = weigh(r, e, l);
		if (rc != SOU_OK)
			return rc;
		rc = soud_store_log_payload(r->store, e->number, l->arrival, l->payload, l->body);
	}
	if (rc == SOU_OK && l->sig.n > 0)
		rc = soud_store_log_signature(r->store, e->number, l->arrival, l->sig, true);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "storing an entry");
}

/* An entry that stood in the log has changed sides: what its feed holds follows (R17). */
static int count_flip(struct soud_replica *r, struct engine *e, const struct sou_change *c)
{
	bool was = c->before == SOU_ACCEPTED, is = c->after == SOU_ACCEPTED;
	if (was == is)
		return SOU_OK;
	struct sou_scope_entry entry;
	struct soud_row row;
	int rc = sou_scope_get(e->scope, &c->id, &entry);
	SOU_ASSERT(rc == SOU_OK);
	rc = soud_store_log_get(r->store, e->number, c->pos, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading an entry");
	int64_t bytes = (int64_t)(row.header.n + row.payload.n);
	rc = engine_feed_add(e, &entry.site, is ? -1 : 1, is ? -bytes : bytes);
	return rc == SOU_OK ? SOU_OK : replica_fail(r, rc, "no memory for a feed");
}

/* Differences found when the engine was loaded come first: they are older. */
static int take_owed(struct soud_replica *r, struct work *w)
{
	struct engine *e = w->e;
	size_t total = w->change_count + e->owed_count;
	if (e->owed_count == 0)
		return SOU_OK;
	if (total > w->change_room) {
		struct sou_change *more = realloc(w->changes, total * sizeof *more);
		if (more == NULL)
			return replica_fail(r, SOU_ENOMEM, "no memory to judge a scope");
		w->changes = more;
		w->change_room = total;
	}
	if (w->change_count > 0)
		memmove(w->changes + e->owed_count, w->changes,
			w->change_count * sizeof *w->changes);
	memcpy(w->changes, e->owed, e->owed_count * sizeof *e->owed);
	w->change_count = total;
	free(e->owed);
	e->owed = NULL;
	e->owed_count = 0;
	e->touched = true;
	return SOU_OK;
}

int work_flush(struct soud_replica *r, struct work *w)
{
	struct engine *e = w->e;
	int rc = take_owed(r, w);
	if (rc != SOU_OK)
		return rc;
	if (w->fresh_count == 0 && w->later_count == 0 && w->change_count == 0 &&
	    w->again_count == 0)
		return SOU_OK;
	e->touched = true;
	if (e->number == 0) {
		rc = soud_store_scope_add(r->store, &e->id, &e->number);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "adding a scope");
	}
	for (size_t i = 0; rc == SOU_OK && i < w->fresh_count; i++)
		rc = append(r, w, &w->fresh[i]);
	for (size_t i = 0; rc == SOU_OK && i < w->later_count; i++)
		rc = amend(r, e, &w->later[i]);
	uint64_t old = e->last - w->fresh_count; /* append has counted what is above */
	for (size_t i = 0; rc == SOU_OK && i < w->change_count; i++) {
		if (w->changes[i].pos <= old)
			rc = count_flip(r, e, &w->changes[i]);
	}
	if (rc != SOU_OK)
		return rc;
	rc = soud_merge_apply(r->merge, r->store, e->number, e->scope, r->authority, w->changes,
			      w->change_count, w->again, w->again_count);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "merging");
	size_t records = 0;
	(void)soud_merge_touched(r->merge, &records);
	e->entries = e->entries || w->fresh_count > 0;
	e->state = e->state || records > 0;
	return SOU_OK;
}

int work_rejudge(struct soud_replica *r, struct engine *e, const uint64_t *again,
		 size_t again_count)
{
	struct work *w = &r->work;
	work_begin(r, w, e, 0);
	int rc = work_settle(r, w);
	for (size_t i = 0; rc == SOU_OK && i < again_count; i++) {
		rc = replica_grow((void **)&w->again, &w->again_room, w->again_count,
				  sizeof *w->again);
		if (rc != SOU_OK)
			return replica_fail(r, rc, "no memory to judge a scope");
		w->again[w->again_count++] = again[i];
	}
	return rc == SOU_OK ? work_flush(r, w) : rc;
}
