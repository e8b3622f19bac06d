/* repair.c - damaged rows of the log get their bytes back: from themselves where the signature
 * proves them, else from a peer's answer, by entry id (R22). The bytes are those that were stored
 * once, so that nothing that was derived from them changes. */
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "daemon/replica/scrub.h"

const struct soud_damage *soud_replica_damage(const struct soud_replica *r)
{
	return &r->damage;
}

int repair_reload(struct soud_replica *r)
{
	int rc = soud_damage_load(&r->damage, r->store);
	r->damage_touched = false;
	return rc == SOU_OK ? SOU_OK
			    : replica_store_failed(r, rc, "reading the list of damaged entries");
}

static int store_list(struct soud_replica *r)
{
	r->damage_touched = true;
	int rc = soud_damage_store(&r->damage, r->store);
	return rc == SOU_OK ? SOU_OK
			    : replica_store_failed(r, rc, "storing the list of damaged entries");
}

/* Own entries that no peer has taken: nobody could send them again. */
static bool is_unsent(const struct soud_replica *r, const struct soud_damaged *d)
{
	struct soud_peer peer = {0};
	struct soud_position p;
	if (!d->own)
		return false;
	while (soud_store_peer_next(r->store, peer.number, &peer) == SOU_OK)
		if (soud_store_position_get(r->store, peer.number, d->scope, &p) == SOU_OK &&
		    p.acked >= d->arrival)
			return false;
	return true;
}

static bool own_damaged(const struct soud_replica *r, uint32_t number)
{
	for (uint32_t i = 0; i < r->damage.count; i++)
		if (r->damage.rows[i].scope == number && is_unsent(r, &r->damage.rows[i]))
			return true;
	return false;
}

bool repair_blocks_signing(const struct soud_replica *r, const struct engine *e)
{
	return own_damaged(r, e->number);
}

bool soud_replica_own_damaged(const struct soud_replica *r, const struct sou_id *scope)
{
	uint32_t number;
	return r->damage.count > 0 && soud_store_scope_find(r->store, scope, &number) == SOU_OK &&
	       own_damaged(r, number);
}

/* --- From the row itself --- */

/* r->entry: the row as its header and payload tell, with the signature proven. */
static int prove(struct soud_replica *r, const struct sou_id *scope, const struct soud_row *row,
		 bool *proven)
{
	*proven = false;
	int rc = sou_entry_read(&r->entry, row->header, row->payload, NULL);
	if (rc != SOU_OK)
		return rc == SOU_ENOMEM ? replica_fail(r, rc, "no memory for an entry") : SOU_OK;
	const struct sou_facts *f = &r->entry.facts;
	const struct sou_line *line = sou_authority_key(r->authority, &f->site, &f->key);
	if (line == NULL || row->sig.n != SOU_SIGNATURE_BYTES ||
	    !sou_id_eq(&r->entry.header.scope, scope) ||
	    !sou_id_eq(&r->entry.header.net, &r->identity.net))
		return SOU_OK;
	rc = sou_entry_verify(r->env.verifier, &r->identity.net, &f->id, &line->key, row->sig.p);
	*proven = rc == SOU_OK;
	return rc == SOU_ENOMEM || rc == SOU_ECRYPTO
		       ? replica_fail(r, rc, "a signature cannot be checked")
		       : SOU_OK;
}

static bool is_good(const struct soud_replica *r, const struct soud_row *row, bool proven)
{
	return sou_hash_eq(&r->entry.facts.id, &row->id) && r->entry.facts.body == row->body &&
	       (proven || !row->sig_checked || row->sig.n == 0);
}

/* The row with what its own signature proves, or listed. */
static int look_again(struct soud_replica *r, const struct soud_damaged *d)
{
	struct soud_row row;
	struct sou_id scope;
	bool proven = false;
	int rc = soud_store_scope_id(r->store, d->scope, &scope);
	if (rc == SOU_OK)
		rc = soud_store_log_get(r->store, d->scope, d->arrival, &row);
	if (rc == SOU_OK)
		rc = prove(r, &scope, &row, &proven);
	if (rc == SOU_ECORRUPT || rc == SOU_EUNKNOWN) /* the page is damaged, too */
		return soud_damage_add(&r->damage, d) == SOU_OK
			       ? SOU_OK
			       : replica_fail(r, SOU_ENOMEM, "no memory for a list");
	if (rc != SOU_OK)
		return r->broken ? rc : replica_store_failed(r, rc, "reading an entry");
	bool read = sou_entry_read(&r->entry, row.header, row.payload, NULL) == SOU_OK;
	if (read && is_good(r, &row, proven))
		return SOU_OK;
	if (!proven)
		return soud_damage_add(&r->damage, d) == SOU_OK
			       ? SOU_OK
			       : replica_fail(r, SOU_ENOMEM, "no memory for a list");
	row.id = r->entry.facts.id;
	row.body = r->entry.facts.body;
	row.kind = r->entry.facts.kind;
	row.sig_checked = true;
	rc = soud_store_log_repair(r->store, d->scope, &row);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "repairing an entry");
}

/* Every scope judged anew, then all that is derived. */
static int derive_again(struct soud_replica *r)
{
	uint32_t scopes;
	int rc = soud_store_scope_count(r->store, &scopes);
	for (uint32_t n = 1; rc == SOU_OK && n <= scopes; n++) {
		struct sou_id scope;
		struct engine *e;
		rc = soud_store_scope_id(r->store, n, &scope);
		if (rc == SOU_OK)
			rc = engine_get(r, &scope, false, &e);
		if (rc != SOU_OK)
			break;
		engine_drop(e);
		rc = engine_get(r, &scope, false, &e);
		if (rc == SOU_OK)
			rc = work_rejudge(r, e, NULL, 0);
		if (rc == SOU_OK)
			e->touched = e->state = true;
	}
	if (rc == SOU_OK)
		rc = soud_store_rebuild(r->store, r->authority);
	if (rc == SOU_OK)
		return SOU_OK;
	return r->broken ? rc : replica_store_failed(r, rc, "deriving the records again");
}

int soud_replica_scrubbed(struct soud_replica *r, const struct soud_scrubbed *found)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	struct soud_damage had = r->damage;
	r->damage = (struct soud_damage){.more = found->damage.more};
	r->damage_touched = true;
	for (uint32_t i = 0; rc == SOU_OK && i < had.count; i++)
		rc = look_again(r, &had.rows[i]);
	for (uint32_t i = 0; rc == SOU_OK && i < found->damage.count; i++)
		rc = look_again(r, &found->damage.rows[i]);
	bool changed = had.count != r->damage.count || had.more != r->damage.more;
	for (uint32_t i = 0; !changed && i < had.count; i++)
		changed = had.rows[i].scope != r->damage.rows[i].scope ||
			  had.rows[i].arrival != r->damage.rows[i].arrival;
	soud_damage_fini(&had);
	if (rc == SOU_OK && changed)
		rc = store_list(r);
	if (rc == SOU_OK && found->stale && r->damage.count == 0)
		rc = derive_again(r);
	return rc;
}

/* --- From a peer --- */

static const struct soud_damaged *wanted(const struct soud_replica *r, uint32_t scope,
					 const struct sou_hash *id)
{
	for (uint32_t i = 0; i < r->damage.count; i++)
		if (r->damage.rows[i].scope == scope && sou_hash_eq(&r->damage.rows[i].id, id))
			return &r->damage.rows[i];
	return NULL;
}

/* A stored signature of this very entry is kept where the peer left it out. */
static struct sou_span signature_of(struct soud_replica *r, const struct intake_entry *in,
				    const struct soud_row *row, bool *checked)
{
	const struct sou_line *line =
		sou_authority_key(r->authority, &in->facts.site, &in->facts.key);
	*checked = true;
	if (in->state == SIG_GOOD)
		return in->sig;
	if (row->sig.n == SOU_SIGNATURE_BYTES && line != NULL &&
	    sou_entry_verify(r->env.verifier, &r->identity.net, &in->facts.id, &line->key,
			     row->sig.p) == SOU_OK)
		return row->sig;
	*checked = false;
	return (struct sou_span){NULL, 0};
}

static int repair_row(struct soud_replica *r, const struct soud_damaged *d,
		      const struct intake_entry *in)
{
	struct soud_row row;
	struct sou_facts facts;
	struct sou_span payload;
	struct sou_buf sig = {0};
	work_begin(r, &r->work, NULL, 0);
	int rc = intake_read_one(r, &r->work, in, &payload, &facts);
	if (rc != SOU_OK)
		return rc;
	rc = soud_store_log_get(r->store, d->scope, d->arrival, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading an entry");
	if (!sou_hash_eq(&row.id, &in->facts.id)) /* the log was numbered anew since */
		return SOU_OK;
	struct sou_span kept = signature_of(r, in, &row, &row.sig_checked);
	sou_buf_put(&sig, kept.p, kept.n); /* the row's own goes with the next statement */
	row.header = in->header;
	row.payload = payload;
	row.body = facts.body;
	row.kind = facts.kind;
	row.sig = sou_buf_span(&sig);
	rc = sig.failed ? SOU_ENOMEM : soud_store_log_repair(r->store, d->scope, &row);
	sou_buf_fini(&sig);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "repairing an entry");
}

int repair_from(struct soud_replica *r, const struct soud_intake *in, struct soud_taken *out)
{
	uint32_t number, repaired = 0;
	int rc = soud_store_scope_find(r->store, &in->scope, &number);
	if (rc == SOU_EUNKNOWN)
		return SOU_OK;
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "looking a scope up");
	for (size_t i = 0; i < in->count; i++) {
		const struct intake_entry *e = &in->entries[i];
		const struct soud_damaged *d = wanted(r, number, &e->facts.id);
		if (d == NULL || e->facts.body == SOU_BODY_NONE)
			continue;
		uint64_t arrival = d->arrival;
		rc = repair_row(r, d, e);
		if (rc != SOU_OK)
			return rc;
		soud_damage_end(&r->damage, number, arrival);
		repaired++;
	}
	if (repaired == 0)
		return SOU_OK;
	out->upgraded += repaired;
	for (size_t i = 0; i < r->engine_count; i++)
		if (r->engines[i]->number == number)
			engine_drop(r->engines[i]); /* judged anew by what is stored now */
	return store_list(r);
}
