/* ingest.c - batches of a peer into the log (R1, R2, R6, R17). Everything that can be refused is
 * found before the store is written; then the entries, what they change and the position are one
 * transaction with whatever else is in it. */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "proto/name.h"
#include "proto/schema.h"

static int refuse(struct soud_replica *r, struct soud_taken *out, int rc, uint64_t code,
		  const char *clause, const struct sou_hash *entry)
{
	out->fresh = out->upgraded = out->repeated = out->own_new = 0;
	out->refuse = code;
	out->clause = clause;
	out->has_entry = entry != NULL;
	if (entry != NULL)
		out->entry = *entry;
	return replica_fail(r, rc, "%s: %s", clause, sou_refuse_name(code));
}

static int say_bye(struct soud_replica *r, struct soud_taken *out, int rc, uint64_t code,
		   const char *clause)
{
	out->bye = code;
	out->clause = clause;
	return replica_fail(r, rc, "%s: %s", clause, sou_bye_name(code));
}

int intake_verdict(struct soud_replica *r, const struct soud_intake *in, struct soud_taken *out)
{
	const struct intake_entry *bad = NULL;
	for (size_t i = 0; i < in->count; i++) {
		if (in->entries[i].state != SIG_BAD)
			continue;
		out->bad_signatures++;
		bad = bad == NULL ? &in->entries[i] : bad;
	}
	return bad == NULL
		       ? SOU_OK
		       : refuse(r, out, SOU_ESIG, SOU_REFUSE_SIGNATURE, "P11.11", &bad->facts.id);
}

/* Does what is new about a stored entry tell more than what is stored? `e` is the stored one,
 * r->entry the one that came, read. */
static int more_values(struct soud_replica *r, const struct engine *e,
		       const struct sou_scope_entry *stored, const struct sou_facts *came,
		       bool *more)
{
	*more = stored->body == SOU_BODY_NONE && came->body != SOU_BODY_NONE;
	if (*more || came->body == SOU_BODY_NONE)
		return SOU_OK;
	uint16_t lacking[SOU_OPS_MAX + 1];
	size_t count = came->lacking_count;
	if (count > 0)
		memcpy(lacking, came->lacking, count * sizeof *lacking);
	struct soud_row row;
	int rc = soud_store_log_get(r->store, e->number, stored->pos, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading an entry");
	rc = sou_entry_read(&r->other, row.header, row.payload, &row.id);
	if (rc != SOU_OK)
		return replica_fail(r, rc == SOU_ENOMEM ? rc : SOU_ECORRUPT,
				    "a stored entry cannot be read");
	const struct sou_facts *had = &r->other.facts;
	size_t both = 0; /* more: lacks less, and nothing that is here */
	for (size_t i = 0, k = 0; i < count && k < had->lacking_count;) {
		if (lacking[i] == had->lacking[k])
			both++, i++, k++;
		else if (lacking[i] < had->lacking[k])
			i++;
		else
			k++;
	}
	*more = both == count && count < had->lacking_count;
	return SOU_OK;
}

static bool is_redacted(const struct soud_replica *r, const struct intake_entry *in)
{
	for (uint16_t i = 0; i <= in->op_count; i++) {
		if (sou_authority_redacted(r->authority, &in->facts.id, i))
			return true;
	}
	return false;
}

/* The payload and facts of an entry as they may be stored: as they came, but for what is redacted.
 */
int intake_read_one(struct soud_replica *r, struct work *w, const struct intake_entry *in,
		    struct sou_span *payload, struct sou_facts *facts)
{
	*payload = in->payload;
	*facts = in->facts;
	if (in->facts.body != SOU_BODY_NONE && is_redacted(r, in)) {
		int rc = sou_entry_read(&r->entry, in->header, in->payload, &in->facts.id);
		if (rc == SOU_OK)
			rc = redact_payload(r, w, &in->facts.id, &r->entry.payload, payload);
		if (rc == SOU_OK)
			rc = sou_entry_read(&r->entry, in->header, *payload, &in->facts.id);
		if (rc != SOU_OK)
			return replica_fail(r, rc, "no memory to redact an entry");
		*facts = r->entry.facts;
	}
	facts->sig_checked = in->state == SIG_GOOD;
	return SOU_OK;
}

static int upgrade(struct soud_replica *r, struct work *w, const struct intake_entry *in,
		   const struct sou_scope_entry *stored, struct soud_taken *out)
{
	struct later l = {.arrival = stored->pos, .site = in->facts.site};
	bool signature = in->state == SIG_GOOD && !stored->sig_checked;
	bool more = false;
	out->repeated++;
	if (stored->pos > w->e->last - w->fresh_count || (!signature && in->payload.n == 0) ||
	    soud_damage_find(&r->damage, w->e->number, stored->pos) != NULL)
		return SOU_OK; /* twice in one batch, or nothing, or to be repaired by an answer */
	struct sou_facts facts;
	int rc = intake_read_one(r, w, in, &l.payload, &facts);
	if (rc == SOU_OK && in->payload.n > 0)
		rc = more_values(r, w->e, stored, &facts, &more);
	if (rc != SOU_OK || (!more && !signature))
		return rc;
	if (!more)
		l.payload = (struct sou_span){NULL, 0};
	if (signature)
		l.sig = in->sig;
	l.body = facts.body;
	out->repeated--;
	out->upgraded++;
	return work_put_later(r, w, &facts, &l);
}

/* Entries of organisations that nobody has told us of: an `org` effect may change what they are. */
static int note_stranger(struct soud_replica *r, const struct sou_facts *facts)
{
	if (r->now.strangers || sou_id_is_zero(&facts->for_org) ||
	    sou_authority_org(r->authority, &facts->for_org) != NULL)
		return SOU_OK;
	int rc = soud_store_number_put(r->store, "strangers", 1);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "storing a mark");
	r->now.strangers = true;
	return SOU_OK;
}

static int put_one(struct soud_replica *r, struct work *w, const struct soud_from *from,
		   const struct intake_entry *in, struct soud_taken *out)
{
	struct sou_scope_entry stored;
	if (sou_scope_get(w->e->scope, &in->facts.id, &stored) == SOU_OK)
		return upgrade(r, w, in, &stored, out);
	struct sou_span payload;
	struct sou_facts facts;
	int rc = intake_read_one(r, w, in, &payload, &facts);
	if (rc == SOU_OK)
		rc = note_stranger(r, &facts);
	if (rc != SOU_OK)
		return rc;
	out->fresh++;
	out->own_new += sou_id_eq(&facts.site, &from->site);
	return work_put_fresh(r, w, &facts, in->header, payload, in->sig);
}

/* R17, P11.12: what the peer's own site may not leave here at all. */
static int check_rights(struct soud_replica *r, const struct soud_from *from,
			const struct soud_intake *in, struct soud_taken *out)
{
	uint32_t ever = sou_authority_ever(r->authority, &from->site, &in->scope);
	if ((ever & (SOU_ROLES_WORK | SOU_ROLE_ANCHOR)) != 0)
		return SOU_OK;
	for (size_t i = 0; i < in->count; i++) {
		const struct sou_facts *f = &in->entries[i].facts;
		if (sou_id_eq(&f->site, &from->site))
			return refuse(r, out, SOU_ERIGHT, SOU_REFUSE_NEVER_RIGHT, "P11.12", &f->id);
	}
	return SOU_OK;
}

/* P13.13: is the peer's newest key cut? */
static bool is_withdrawn(const struct soud_replica *r, const struct soud_from *from)
{
	const struct sou_line *line = sou_authority_site(r->authority, &from->site);
	return line != NULL &&
	       sou_authority_key_withdrawn(r->authority, &from->site, &line->key_id);
}

/* P13.13: a withdrawn peer brings its own feeds; others' it may not have any more. */
static void drop_others(struct soud_intake *in, const struct sou_id *site)
{
	size_t kept = 0;
	for (size_t i = 0; i < in->count; i++) {
		if (sou_id_eq(&in->entries[i].facts.site, site))
			in->entries[kept++] = in->entries[i];
	}
	in->count = kept;
}

/* What this site has uploaded since it was withdrawn, or since the replica was opened. */
static struct upload *upload_of(struct soud_replica *r, const struct sou_id *site)
{
	for (size_t i = 0; i < REPLICA_UPLOADS; i++) {
		if (sou_id_eq(&r->uploads[i].site, site))
			return &r->uploads[i];
	}
	struct upload *u = &r->uploads[r->next_upload++ % REPLICA_UPLOADS];
	*u = (struct upload){.site = *site};
	return u;
}

/* P13.13: 10,000 entries or 64 MiB over all scopes; a feed's own bound would be one for each. */
static int check_upload(struct soud_replica *r, const struct soud_from *from, const struct work *w,
			struct soud_taken *out)
{
	uint64_t entries = w->fresh_count, bytes = 0;
	if (entries == 0)
		return SOU_OK;
	for (size_t i = 0; i < w->fresh_count; i++)
		bytes += w->fresh[i].header.n + w->fresh[i].payload.n;
	struct upload *u = upload_of(r, &from->site);
	if (u->entries + entries > SOU_FEED_HELD_MAX || u->bytes + bytes > SOU_FEED_HELD_BYTES_MAX)
		return refuse(r, out, SOU_ELIMIT, SOU_REFUSE_FULL, "P13.13",
			      &w->fresh[w->fresh_count - 1].id);
	u->entries += entries;
	u->bytes += bytes;
	return SOU_OK;
}

/* R17: would the feed of the peer's own site hold too much that is not accepted? Settled, not yet
 * flushed. Others' feeds are not held against the peer that brings them: refusing would stop the
 * scope, and not the flood, which is stopped where its site sends it. */
static int check_held(struct soud_replica *r, const struct soud_from *from, struct work *w,
		      struct soud_taken *out)
{
	uint64_t held = 0, bytes = 0;
	struct sou_hash last = {{0}};
	bool any = false;
	for (size_t i = 0; i < w->later_count; i++) { /* payloads behind headers that are held */
		const struct later *l = &w->later[i];
		struct sou_scope_entry now;
		if (l->payload.n == 0 || !sou_id_eq(&l->site, &from->site) ||
		    sou_scope_list(w->e->scope, l->arrival - 1, &now, 1) != 1 ||
		    now.pos != l->arrival || now.verdict == SOU_ACCEPTED)
			continue;
		last = now.id;
		any = true;
		bytes += l->payload.n;
	}
	for (size_t i = 0; i < w->fresh_count; i++) {
		const struct fresh *f = &w->fresh[i];
		struct sou_scope_entry now;
		if (!sou_id_eq(&f->site, &from->site) ||
		    sou_scope_get(w->e->scope, &f->id, &now) != SOU_OK ||
		    now.verdict == SOU_ACCEPTED)
			continue;
		last = f->id;
		any = true;
		held++;
		bytes += f->header.n + f->payload.n;
	}
	const struct feed_load *had = engine_feed(w->e, &from->site);
	if (!any)
		return SOU_OK;
	if (had != NULL) {
		held += had->held;
		bytes += had->held_bytes;
	}
	return held > SOU_FEED_HELD_MAX || bytes > SOU_FEED_HELD_BYTES_MAX
		       ? refuse(r, out, SOU_ELIMIT, SOU_REFUSE_FULL, "P11.12", &last)
		       : SOU_OK;
}

/* The fresh entry that changed, if it is under a key that nobody enrolled; else NULL. */
static const struct fresh *stranger(struct soud_replica *r, const struct work *w, size_t change)
{
	const struct sou_change *c = &w->changes[change];
	uint64_t first = w->e->last - w->fresh_count + 1;
	if (c->after == SOU_ACCEPTED || c->pos < first)
		return NULL;
	const struct fresh *f = &w->fresh[c->pos - first];
	return sou_authority_key(r->authority, &f->site, &f->key) == NULL ? f : NULL;
}

static bool brings(struct soud_replica *r, const struct work *w, const struct sou_id *site)
{
	for (size_t i = 0; i < w->change_count; i++) {
		const struct fresh *f = stranger(r, w, i);
		if (f != NULL && sou_id_eq(&f->site, site))
			return true;
	}
	return false;
}

/* R17: what stands here under keys that nobody enrolled. Who brings it may have made it up, keys
 * and sites and all, so there is no one whose feed it could be counted against: it is bounded in
 * all, and whoever brings more is told to wait until authority changes. Settled, not yet flushed.
 */
static int check_strange(struct soud_replica *r, struct work *w, struct soud_taken *out)
{
	uint64_t held = 0, bytes = 0;
	const struct fresh *last = NULL;
	for (size_t i = 0; i < w->change_count; i++) {
		const struct fresh *f = stranger(r, w, i);
		if (f == NULL)
			continue;
		last = f;
		held++;
		bytes += f->header.n + f->payload.n;
	}
	if (last == NULL)
		return SOU_OK;
	for (uint32_t i = 0; i < w->e->feed_count; i++) {
		const struct feed_load *had = &w->e->feeds[i];
		if (sou_authority_site(r->authority, &had->site) != NULL &&
		    !brings(r, w, &had->site))
			continue;
		held += had->held;
		bytes += had->held_bytes;
	}
	return held > SOU_FEED_HELD_MAX || bytes > SOU_FEED_HELD_BYTES_MAX
		       ? refuse(r, out, SOU_ELIMIT, SOU_REFUSE_FULL, "P11.12", &last->id)
		       : SOU_OK;
}

static int put_position(struct soud_replica *r, uint64_t peer, uint32_t number,
			const struct soud_position *position)
{
	int rc = soud_store_position_put(r->store, peer, number, position);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "storing a position");
}

static int move_position(struct soud_replica *r, uint64_t peer, struct engine *e,
			 const struct soud_position *had, uint64_t upto)
{
	struct soud_position now = *had;
	if (upto <= had->have)
		return SOU_OK;
	if (e->number == 0) { /* an empty batch of a scope that is new here */
		int rc = soud_store_scope_add(r->store, &e->id, &e->number);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "adding a scope");
		e->touched = true;
	}
	now.have = upto;
	return put_position(r, peer, e->number, &now);
}

static int find_peer(struct soud_replica *r, const struct soud_from *from, uint64_t *peer)
{
	int rc = soud_store_peer_add(r->store, &from->site, &from->log, peer);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "looking a peer up");
}

static int get_position(struct soud_replica *r, uint64_t peer, uint32_t number,
			struct soud_position *out)
{
	*out = (struct soud_position){0};
	if (number == 0)
		return SOU_OK;
	int rc = soud_store_position_get(r->store, peer, number, out);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "reading a position");
}

static int check_signatures(struct soud_replica *r, struct soud_intake *in, struct soud_taken *out)
{
	/* Also after a checker's turn: it may have known less of authority. */
	(void)soud_intake_keys(in, r->authority, r->options.every_signature);
	int rc = soud_intake_check(in, r->env.verifier, 0, SIZE_MAX);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "a signature cannot be checked: %s", sou_err_text(rc));
	return intake_verdict(r, in, out);
}

/* The first of what is new here and held says why. Settled, not yet flushed. */
static void note_held(const struct work *w, struct soud_taken *out)
{
	for (size_t i = 0; i < w->change_count && out->note == NULL; i++) {
		const struct sou_change *c = &w->changes[i];
		if (c->before != SOU_VERDICT_NONE || c->after == SOU_ACCEPTED)
			continue;
		out->note = sou_verdict_note((enum sou_verdict)c->after);
		out->note_clause = sou_verdict_clause((enum sou_verdict)c->after);
	}
}

/* Into the engine and judged; refused or ready to be flushed. */
static int judge_batch(struct soud_replica *r, const struct soud_from *from, struct work *w,
		       const struct soud_intake *in, bool limits, struct soud_taken *out)
{
	int rc = SOU_OK;
	for (size_t i = 0; rc == SOU_OK && i < in->count; i++)
		rc = put_one(r, w, from, &in->entries[i], out);
	if (rc == SOU_OK && (w->fresh_count > 0 || w->later_count > 0))
		rc = work_settle(r, w);
	if (rc == SOU_OK && limits)
		rc = check_held(r, from, w, out);
	if (rc == SOU_OK && limits)
		rc = check_strange(r, w, out);
	if (rc == SOU_OK && limits && is_withdrawn(r, from))
		rc = check_upload(r, from, w, out);
	if (rc == SOU_OK)
		note_held(w, out);
	if (rc != SOU_OK && !r->broken && (w->fresh_count > 0 || w->later_count > 0))
		work_undo(r, w);
	return rc;
}

/* R17: what a peer can make us list in every hello is bounded. */
static int check_room(struct soud_replica *r, const struct engine *e, struct soud_taken *out)
{
	uint32_t scopes;
	if (e->number != 0)
		return SOU_OK;
	int rc = soud_store_scope_count(r->store, &scopes);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "counting scopes");
	return scopes < SOU_SESSION_SCOPES_MAX
		       ? SOU_OK
		       : refuse(r, out, SOU_ELIMIT, SOU_REFUSE_FULL, "P11.12", NULL);
}

static bool is_log_scope(const struct sou_id *scope)
{
	struct sou_id authority = sou_scope_id(SOU_SCOPE_AUTHORITY, NULL);
	return !sou_id_eq(&authority, scope);
}

/* A site sends its own feed in order, from where this log was: what an entry follows is here. */
static bool has_gap(const struct engine *e, const struct soud_intake *in, const struct sou_id *site)
{
	for (size_t i = 0; i < in->count; i++) {
		const struct sou_facts *f = &in->entries[i].facts;
		struct sou_scope_entry prev;
		if (sou_id_eq(&f->site, site) && f->seq > 1 &&
		    sou_scope_get(e->scope, &f->prev, &prev) != SOU_OK)
			return true;
	}
	return false;
}

int soud_replica_ingest(struct soud_replica *r, const struct soud_from *from,
			struct soud_intake *in, uint64_t after, uint64_t upto, bool answer,
			struct soud_taken *out)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_taken){.received_ms = r->received_ms};
	if (!is_log_scope(&in->scope) || upto < after || upto > SOUD_ARRIVAL_MAX)
		return say_bye(r, out, SOU_EFORMAT, SOU_BYE_FORMAT, "P11.6");
	struct engine *e;
	uint64_t peer;
	struct soud_position position;
	if (answer && r->damage.count > 0) {
		rc = check_signatures(r, in, out);
		if (rc == SOU_OK)
			rc = repair_from(r, in, out);
		if (rc != SOU_OK)
			return rc;
	}
	rc = engine_get(r, &in->scope, true, &e);
	if (rc == SOU_EDENIED && answer) /* what it repaired is stored */
		return SOU_OK;
	if (rc == SOU_EDENIED)
		return refuse(r, out, rc, SOU_REFUSE_READ_ONLY, "P11.12", NULL);
	if (rc == SOU_OK)
		rc = find_peer(r, from, &peer);
	if (rc == SOU_OK)
		rc = get_position(r, peer, e->number, &position);
	if (rc != SOU_OK)
		return rc;
	if (!answer && after > position.have)
		return say_bye(r, out, SOU_ESTATE, SOU_BYE_ORDER, "P13.6");
	if (is_withdrawn(r, from))
		drop_others(in, &from->site);
	rc = check_room(r, e, out);
	if (rc == SOU_OK)
		rc = check_rights(r, from, in, out);
	if (rc == SOU_OK)
		rc = check_signatures(r, in, out);
	if (rc != SOU_OK)
		return rc;
	work_begin(r, &r->work, e, peer);
	rc = judge_batch(r, from, &r->work, in, true, out);
	if (rc == SOU_OK)
		rc = work_flush(r, &r->work);
	if (rc == SOU_OK && !answer)
		rc = move_position(r, peer, e, &position, upto);
	out->rolled_back = rc == SOU_OK && r->doubting;
	out->gap = rc == SOU_OK && !answer && has_gap(e, in, &from->site);
	return rc;
}

int soud_replica_news(struct soud_replica *r, const struct soud_from *from,
		      const struct sou_news *news, struct soud_taken *out)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_taken){.received_ms = r->received_ms};
	struct soud_intake *in = &r->intake;
	rc = intake_read(in, r->batch, news, &r->identity.net);
	if (rc == SOU_ETOONEW)
		return refuse(r, out, rc, SOU_REFUSE_VERSION, "P5.4", NULL);
	if (rc == SOU_EFORMAT || rc == SOU_ELIMIT)
		return say_bye(r, out, rc, rc == SOU_ELIMIT ? SOU_BYE_LIMIT : SOU_BYE_FORMAT,
			       "P11.8");
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for a batch");
	return soud_replica_ingest(r, from, in, news->after, news->upto,
				   (news->flags & SOU_DATA_ANSWER) != 0, out);
}

int ingest_headers(struct soud_replica *r, const struct soud_from *from, struct soud_intake *in,
		   struct soud_taken *out)
{
	struct engine *e;
	uint64_t peer;
	if (!is_log_scope(&in->scope))
		return SOU_OK; /* it tells nothing */
	int rc = engine_get(r, &in->scope, true, &e);
	if (rc == SOU_EDENIED)
		return SOU_OK; /* R22: evidence comes again with news once the scope is whole */
	if (rc == SOU_OK)
		rc = find_peer(r, from, &peer);
	if (rc != SOU_OK)
		return rc;
	work_begin(r, &r->work, e, peer);
	rc = judge_batch(r, from, &r->work, in, false, out);
	return rc == SOU_OK ? work_flush(r, &r->work) : rc;
}

/* --- Signatures of what is stored --- */

/* Check one; put it where it is good and new. SOU_ESIG. */
static int put_signature(struct soud_replica *r, struct work *w, uint64_t arrival,
			 struct sou_span sig, bool *good)
{
	struct soud_row row;
	*good = false;
	int rc = soud_store_log_get(r->store, w->e->number, arrival, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading an entry");
	if (row.sig_checked)
		return SOU_OK;
	rc = sou_entry_read(&r->entry, row.header, row.payload, &row.id);
	if (rc != SOU_OK)
		return replica_fail(r, rc == SOU_ENOMEM ? rc : SOU_ECORRUPT,
				    "a stored entry cannot be read");
	const struct sou_facts *facts = &r->entry.facts;
	const struct sou_line *line = sou_authority_key(r->authority, &facts->site, &facts->key);
	if (sig.n == 0)
		sig = row.sig;
	if (line == NULL || sig.n != SOU_SIGNATURE_BYTES)
		return SOU_OK;
	rc = sou_entry_verify(r->env.verifier, &r->identity.net, &facts->id, &line->key, sig.p);
	if (rc == SOU_ESIG || rc == SOU_EKEY)
		return SOU_ESIG;
	if (rc != SOU_OK)
		return replica_fail(r, rc, "a signature cannot be checked");
	struct sou_buf copy = {0};
	struct later l = {.arrival = arrival, .site = facts->site};
	sou_buf_put(&copy, sig.p, sig.n);
	r->entry.facts.sig_checked = true;
	rc = work_keep(r, w, &copy, &l.sig);
	*good = rc == SOU_OK;
	return rc == SOU_OK ? work_put_later(r, w, &r->entry.facts, &l) : rc;
}

int ingest_check_waiting(struct soud_replica *r, struct engine *e)
{
	struct sou_scope_entry some[64];
	uint64_t after = 0;
	work_begin(r, &r->work, e, 0);
	for (;;) {
		size_t n = sou_scope_list(e->scope, after, some, sizeof some / sizeof *some);
		for (size_t i = 0; i < n; i++) {
			bool good;
			after = some[i].pos;
			if (some[i].sig_checked)
				continue;
			int rc = put_signature(r, &r->work, some[i].pos, (struct sou_span){0},
					       &good);
			if (rc != SOU_OK && rc != SOU_ESIG) /* a bad one stays unchecked */
				return rc;
		}
		if (n < sizeof some / sizeof *some)
			break;
	}
	int rc = work_settle(r, &r->work);
	return rc == SOU_OK ? work_flush(r, &r->work) : rc;
}

int soud_replica_signatures(struct soud_replica *r, const struct soud_from *from,
			    const struct sou_signatures *s, struct soud_taken *out)
{
	(void)from;
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_taken){.received_ms = r->received_ms};
	struct engine *e;
	rc = engine_get(r, &s->scope, false, &e);
	if (rc == SOU_EUNKNOWN || rc == SOU_EDENIED)
		return SOU_OK; /* of what we do not hold */
	if (rc != SOU_OK)
		return rc;
	struct sou_mp pairs = s->pairs;
	struct work *w = &r->work;
	work_begin(r, w, e, 0);
	for (uint32_t i = 0; i < s->count; i++) {
		struct sou_hash id;
		const uint8_t *signature;
		struct sou_scope_entry stored;
		bool good;
		sou_signatures_next(&pairs, &id, &signature);
		if (sou_scope_get(e->scope, &id, &stored) != SOU_OK)
			continue;
		rc = put_signature(r, w, stored.pos,
				   (struct sou_span){signature, SOU_SIGNATURE_BYTES}, &good);
		if (rc == SOU_ESIG) {
			work_undo(r, w);
			out->bad_signatures = 1;
			return refuse(r, out, rc, SOU_REFUSE_SIGNATURE, "P11.11", &id);
		}
		if (rc != SOU_OK)
			return rc;
		out->upgraded += good;
		out->repeated += !good;
	}
	rc = work_settle(r, w);
	return rc == SOU_OK ? work_flush(r, w) : rc;
}

/* --- Positions --- */

static int position_of(struct soud_replica *r, const struct soud_from *from,
		       const struct sou_id *scope, bool add, uint64_t *peer, uint32_t *number,
		       struct soud_position *out)
{
	int rc = find_peer(r, from, peer);
	if (rc != SOU_OK)
		return rc;
	rc = add ? soud_store_scope_add(r->store, scope, number)
		 : soud_store_scope_find(r->store, scope, number);
	if (rc == SOU_EUNKNOWN)
		return rc;
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "looking a scope up");
	return get_position(r, *peer, *number, out);
}

int soud_replica_acked(struct soud_replica *r, const struct soud_from *from,
		       const struct sou_ack *ack)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	uint64_t peer, last;
	uint32_t number;
	struct soud_position p;
	rc = position_of(r, from, &ack->scope, false, &peer, &number, &p);
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? replica_fail(r, rc, "P11.7: acks what is not here")
					  : rc;
	rc = soud_store_scope_last(r->store, number, &last);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading a scope");
	if (ack->upto > last)
		return replica_fail(r, SOU_ESTATE, "P13.8: acks what this log never had");
	if (ack->upto <= p.acked)
		return SOU_OK;
	p.acked = ack->upto;
	p.acked_ms = (int64_t)ack->received_ms;
	return put_position(r, peer, number, &p);
}

int soud_replica_passed(struct soud_replica *r, const struct soud_from *from,
			const struct sou_id *scope, uint64_t upto)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	uint64_t peer;
	uint32_t number;
	struct soud_position p;
	if (upto > SOUD_ARRIVAL_MAX || !is_log_scope(scope))
		return replica_fail(r, SOU_EFORMAT, "P11.6: no position");
	uint32_t scopes;
	rc = soud_store_scope_count(r->store, &scopes);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "counting scopes");
	/* R17: without room for another scope it is passed again in the next session. */
	rc = position_of(r, from, scope, scopes < SOU_SESSION_SCOPES_MAX, &peer, &number, &p);
	if (rc == SOU_EUNKNOWN)
		return SOU_OK;
	if (rc != SOU_OK || upto <= p.have)
		return rc;
	p.have = upto;
	return put_position(r, peer, number, &p);
}
