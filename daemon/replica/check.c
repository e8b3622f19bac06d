/* check.c - what a stored row, a scope and a record are held against: their own hashes, the keys in
 * force, and the verdict engine (R22). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/replica/check_int.h"
#include "daemon/replica/read.h"

void check_find(struct check *c, enum soud_finding_kind kind, uint64_t arrival, const char *format,
		...)
{
	c->out->finding_count[kind]++;
	if (c->out->findings_told == SOUD_FINDINGS_MAX)
		return;
	struct soud_finding *f = &c->out->findings[c->out->findings_told++];
	f->kind = kind;
	f->scope = c->scope;
	f->arrival = arrival;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
}

int check_authority(struct check *c)
{
	struct soud_op row = {0};
	int rc = sou_authority_new(&c->authority, &c->identity.genesis);
	if (rc != SOU_OK)
		return rc;
	sou_authority_verifier(c->authority, c->verifier);
	while ((rc = soud_store_op_next(c->store, row.number, &row)) == SOU_OK) {
		struct sou_hash id = sou_authop_id(row.op);
		c->out->ops++;
		c->out->bytes += row.op.n + row.sigs.n;
		if (!sou_hash_eq(&id, &row.id))
			check_find(c, SOUD_FINDING_AUTHORITY, row.number,
				   "op %llu is not what its id says",
				   (unsigned long long)row.number);
		rc = sou_authority_add(c->authority, row.op, row.sigs);
		if (rc == SOU_ENOMEM || rc == SOU_ECRYPTO)
			return rc;
		if (rc != SOU_OK)
			check_find(c, SOUD_FINDING_AUTHORITY, row.number, "op %llu: %s",
				   (unsigned long long)row.number, sou_err_text(rc));
	}
	return rc == SOU_EUNKNOWN ? sou_authority_settle(c->authority) : rc;
}

/* A row that may not be served, and whose entry is to be fetched again. */
static int hurt(struct check *c, const struct soud_row *row, enum soud_finding_kind kind)
{
	if (c->damage == NULL)
		return SOU_OK;
	const struct soud_damaged d = {.scope = c->number,
				       .arrival = row->arrival,
				       .id = row->id,
				       .own = row->source == 0 ||
					      sou_id_eq(&c->entry.facts.site, &c->identity.site),
				       .kind = (uint8_t)kind};
	return soud_damage_add(c->damage, &d);
}

static int check_signature(struct check *c, const struct soud_row *row)
{
	const struct sou_facts *f = &c->entry.facts;
	if (row->sig.n == 0) {
		c->out->signatures_left_out++;
		if (row->sig_checked)
			check_find(c, SOUD_FINDING_SIGNATURE, row->arrival,
				   "is said to be checked");
		return SOU_OK;
	}
	const struct sou_line *line = sou_authority_key(c->authority, &f->site, &f->key);
	if (line == NULL) {
		if (row->sig_checked)
			check_find(c, SOUD_FINDING_SIGNATURE, row->arrival,
				   "checked, by an unknown key");
		return SOU_OK;
	}
	c->out->signatures++;
	int rc = row->sig.n != SOU_SIGNATURE_BYTES
			 ? SOU_ESIG
			 : sou_entry_verify(c->verifier, &c->identity.net, &f->id, &line->key,
					    row->sig.p);
	if (rc != SOU_ESIG && rc != SOU_EKEY)
		return rc;
	check_find(c, SOUD_FINDING_SIGNATURE, row->arrival, "does not verify");
	/* One that waited for its key may be bad: it is unchecked, and no damage. */
	return row->sig_checked ? hurt(c, row, SOUD_FINDING_SIGNATURE) : SOU_OK;
}

/* SOU_ECORRUPT: not an entry; it is not put, and what stands on it is not whole. */
static int check_bytes(struct check *c, const struct soud_row *row)
{
	struct sou_entry *e = &c->entry;
	int rc = sou_entry_read(e, row->header, row->payload, NULL);
	if (rc == SOU_ENOMEM)
		return rc;
	if (rc != SOU_OK) {
		check_find(c, SOUD_FINDING_HASH, row->arrival, "%s",
			   rc == SOU_ECORRUPT ? "the payload is not the one of its header"
					      : "the header cannot be read");
		return SOU_ECORRUPT;
	}
	if (!sou_hash_eq(&e->facts.id, &row->id) || !sou_id_eq(&e->header.scope, &c->scope) ||
	    !sou_id_eq(&e->header.net, &c->identity.net)) {
		check_find(c, SOUD_FINDING_HASH, row->arrival,
			   "the header is not the one of its place");
		return SOU_ECORRUPT;
	}
	if (e->facts.body != row->body)
		check_find(c, SOUD_FINDING_HASH, row->arrival, "the payload is judged otherwise");
	c->out->headers_only += row->payload.n == 0;
	c->out->payloads += row->payload.n > 0;
	c->out->redacted_forms += row->payload.n > 0 && e->payload.form == SOU_FORM_REDACTED;
	return SOU_OK;
}

static int check_row(struct check *c, struct sou_scope *scope, const struct soud_row *row)
{
	c->out->entries++;
	c->out->bytes += row->header.n + row->payload.n + row->sig.n;
	int rc = check_bytes(c, row);
	if (rc != SOU_OK)
		return rc == SOU_ECORRUPT ? hurt(c, row, SOUD_FINDING_HASH) : rc;
	rc = check_signature(c, row);
	if (rc != SOU_OK)
		return rc;
	if (sou_id_eq(&c->entry.facts.site, &c->identity.site) &&
	    sou_authority_key(c->authority, &c->entry.facts.site, &c->entry.facts.key) != NULL) {
		c->own++;
		c->own_last_found |= sou_hash_eq(&row->id, &c->own_last);
		if (c->entry.facts.hlc > c->own_hlc)
			check_find(c, SOUD_FINDING_OWN, row->arrival, "is ahead of the own clock");
	}
	c->entry.facts.sig_checked = row->sig_checked;
	rc = sou_scope_put(scope, &c->entry.facts, row->arrival);
	if (rc == SOU_EEXIST) {
		check_find(c, SOUD_FINDING_HASH, row->arrival, "is stored twice");
		rc = SOU_OK;
	}
	return rc;
}

static int compare_verdicts(struct check *c, struct sou_scope *scope, uint32_t number)
{
	struct soud_row row = {0};
	int rc;
	while ((rc = soud_store_log_next(c->store, number, row.arrival, &row)) == SOU_OK) {
		struct sou_scope_entry now;
		if (sou_scope_get(scope, &row.id, &now) != SOU_OK || now.pos != row.arrival)
			continue; /* told before */
		c->out->accepted += now.verdict == SOU_ACCEPTED;
		c->out->held += now.verdict != SOU_ACCEPTED;
		if (now.verdict == row.verdict && now.shown == row.shown)
			continue;
		check_find(c, SOUD_FINDING_VERDICT, row.arrival, "stored as %s%s, judged %s%s",
			   row.verdict < SOU_VERDICT_NONE
				   ? sou_verdict_name((enum sou_verdict)row.verdict)
				   : "nothing",
			   row.shown ? ", shown" : "",
			   sou_verdict_name((enum sou_verdict)now.verdict),
			   now.shown ? ", shown" : "");
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int compare_tops(struct check *c, struct sou_scope *scope, uint32_t number)
{
	char name[TOPS_NAME_BYTES];
	struct sou_span value;
	tops_name(name, number);
	int rc = soud_store_meta_get(c->store, name, &value);
	if (rc == SOU_EUNKNOWN)
		return SOU_OK;
	if (rc != SOU_OK)
		return rc;
	struct sou_hash digest = sou_scope_entries_digest(scope);
	if (value.n < 40 || memcmp(value.p + 8, digest.b, sizeof digest.b) != 0)
		check_find(c, SOUD_FINDING_STATE, 0, "the entries' digest differs");
	return SOU_OK;
}

int check_rows(struct check *c, uint32_t number, struct sou_scope **out)
{
	struct sou_scope *scope = NULL;
	const struct sou_change *changes;
	size_t count;
	struct soud_row row = {0};
	int rc = soud_store_scope_id(c->store, number, &c->scope);
	if (rc == SOU_OK)
		rc = sou_scope_new(&scope, &c->scope);
	if (rc != SOU_OK)
		return rc;
	c->number = number;
	c->out->scopes++;
	while ((rc = soud_store_log_next(c->store, number, row.arrival, &row)) == SOU_OK) {
		bool stop = c->stop != NULL && atomic_load(c->stop);
		rc = stop ? SOU_EBUSY : check_row(c, scope, &row);
		if (rc != SOU_OK)
			break;
	}
	if (rc == SOU_EUNKNOWN)
		rc = sou_scope_settle(scope, c->authority, &changes, &count);
	if (rc == SOU_OK)
		*out = scope;
	else
		sou_scope_free(scope);
	return rc;
}

int check_verdicts(struct check *c, struct sou_scope *scope)
{
	int rc = compare_verdicts(c, scope, c->number);
	return rc == SOU_OK && sou_scope_count(scope) > 0 ? compare_tops(c, scope, c->number) : rc;
}

/* Values that a record holds beside its version are copies of what the log has. */
int check_values(struct check *c, const struct sou_record *record)
{
	for (uint32_t i = 0; i < record->live_count; i++) {
		const struct sou_live *l = &record->lives[i];
		struct soud_read_op op;
		if (l->value.p == NULL || l->redacted)
			continue;
		int rc = soud_read_op(c->store, c->number, l->pos, l->op, &op);
		if (rc != SOU_OK && rc != SOU_EUNKNOWN)
			return rc;
		if (rc != SOU_OK || op.value.n != l->value.n ||
		    memcmp(op.value.p, l->value.p, op.value.n) != 0)
			check_find(c, SOUD_FINDING_STATE, l->pos, "a record holds another value");
	}
	return SOU_OK;
}
