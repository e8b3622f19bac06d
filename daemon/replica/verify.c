/* verify.c - a replica checked offline against nothing but its own log and the rules (R22). What is
 * derived is derived anew inside a transaction that is rolled back, so nothing is changed; a
 * replica of an older schema is not migrated: a copy of it is, beside it, and is removed again. */
#include "daemon/replica/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/replica/read.h"
#include "daemon/replica/replica_int.h"
#include "daemon/store/copy.h"

#define VERIFY_PATH_BYTES 4200u

struct check {
	struct soud_store *store;        /* owned */
	struct sou_authority *authority; /* owned */
	const struct sou_verifier *verifier;
	struct soud_identity identity;
	struct soud_verified *out;
	struct sou_entry entry;
	struct sou_id scope; /* under way */
	uint64_t own;
	bool own_last_found;
	struct sou_hash own_last;
	uint64_t own_hlc;
};

static void find(struct check *c, enum soud_finding_kind kind, uint64_t arrival, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));
static void find(struct check *c, enum soud_finding_kind kind, uint64_t arrival, const char *format,
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

static int check_file(struct check *c)
{
	int rc = soud_store_check(c->store, true);
	if (rc == SOU_ECORRUPT) {
		find(c, SOUD_FINDING_FILE, 0, "%s", soud_store_error(c->store)->text);
		return SOU_OK;
	}
	return rc;
}

static int check_authority(struct check *c)
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
			find(c, SOUD_FINDING_AUTHORITY, row.number,
			     "op %llu is not what its id says", (unsigned long long)row.number);
		rc = sou_authority_add(c->authority, row.op, row.sigs);
		if (rc == SOU_ENOMEM || rc == SOU_ECRYPTO)
			return rc;
		if (rc != SOU_OK)
			find(c, SOUD_FINDING_AUTHORITY, row.number, "op %llu: %s",
			     (unsigned long long)row.number, sou_err_text(rc));
	}
	return rc == SOU_EUNKNOWN ? sou_authority_settle(c->authority) : rc;
}

static int check_signature(struct check *c, const struct soud_row *row)
{
	const struct sou_facts *f = &c->entry.facts;
	if (row->sig.n == 0) {
		c->out->signatures_left_out++;
		if (row->sig_checked)
			find(c, SOUD_FINDING_SIGNATURE, row->arrival, "is said to be checked");
		return SOU_OK;
	}
	const struct sou_line *line = sou_authority_key(c->authority, &f->site, &f->key);
	if (line == NULL) {
		if (row->sig_checked)
			find(c, SOUD_FINDING_SIGNATURE, row->arrival, "checked, by an unknown key");
		return SOU_OK;
	}
	c->out->signatures++;
	int rc = row->sig.n != SOU_SIGNATURE_BYTES
			 ? SOU_ESIG
			 : sou_entry_verify(c->verifier, &c->identity.net, &f->id, &line->key,
					    row->sig.p);
	if (rc == SOU_ESIG || rc == SOU_EKEY)
		find(c, SOUD_FINDING_SIGNATURE, row->arrival, "does not verify");
	return rc == SOU_ESIG || rc == SOU_EKEY ? SOU_OK : rc;
}

/* SOU_ECORRUPT: not an entry; it is not put, and what stands on it is not whole. */
static int check_bytes(struct check *c, const struct soud_row *row)
{
	struct sou_entry *e = &c->entry;
	int rc = sou_entry_read(e, row->header, row->payload, NULL);
	if (rc == SOU_ENOMEM)
		return rc;
	if (rc != SOU_OK) {
		find(c, SOUD_FINDING_HASH, row->arrival, "%s",
		     rc == SOU_ECORRUPT ? "the payload is not the one of its header"
					: "the header cannot be read");
		return SOU_ECORRUPT;
	}
	if (!sou_hash_eq(&e->facts.id, &row->id) || !sou_id_eq(&e->header.scope, &c->scope) ||
	    !sou_id_eq(&e->header.net, &c->identity.net)) {
		find(c, SOUD_FINDING_HASH, row->arrival, "the header is not the one of its place");
		return SOU_ECORRUPT;
	}
	if (e->facts.body != row->body)
		find(c, SOUD_FINDING_HASH, row->arrival, "the payload is judged otherwise");
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
		return rc == SOU_ECORRUPT ? SOU_OK : rc;
	rc = check_signature(c, row);
	if (rc != SOU_OK)
		return rc;
	if (sou_id_eq(&c->entry.facts.site, &c->identity.site) &&
	    sou_authority_key(c->authority, &c->entry.facts.site, &c->entry.facts.key) != NULL) {
		c->own++;
		c->own_last_found |= sou_hash_eq(&row->id, &c->own_last);
		if (c->entry.facts.hlc > c->own_hlc)
			find(c, SOUD_FINDING_OWN, row->arrival, "is ahead of the own clock");
	}
	c->entry.facts.sig_checked = row->sig_checked;
	rc = sou_scope_put(scope, &c->entry.facts, row->arrival);
	if (rc == SOU_EEXIST) {
		find(c, SOUD_FINDING_HASH, row->arrival, "is stored twice");
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
		find(c, SOUD_FINDING_VERDICT, row.arrival, "stored as %s%s, judged %s%s",
		     row.verdict < SOU_VERDICT_NONE
			     ? sou_verdict_name((enum sou_verdict)row.verdict)
			     : "nothing",
		     row.shown ? ", shown" : "", sou_verdict_name((enum sou_verdict)now.verdict),
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
		find(c, SOUD_FINDING_STATE, 0, "the entries' digest differs");
	return SOU_OK;
}

static int check_scope(struct check *c, uint32_t number)
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
	c->out->scopes++;
	while ((rc = soud_store_log_next(c->store, number, row.arrival, &row)) == SOU_OK) {
		rc = check_row(c, scope, &row);
		if (rc != SOU_OK)
			break;
	}
	if (rc == SOU_EUNKNOWN)
		rc = sou_scope_settle(scope, c->authority, &changes, &count);
	if (rc == SOU_OK)
		rc = compare_verdicts(c, scope, number);
	if (rc == SOU_OK && sou_scope_count(scope) > 0)
		rc = compare_tops(c, scope, number);
	sou_scope_free(scope);
	return rc;
}

static int count_marks(struct check *c)
{
	struct sou_record record = {0};
	uint64_t place = 0;
	uint32_t scope;
	int rc;
	while ((rc = soud_store_marked_next(c->store, &place, &scope, &record)) == SOU_OK) {
		c->out->conflicts += record.conflict;
		c->out->incomplete += record.incomplete;
	}
	sou_record_fini(&record);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* Values that a record holds beside its version are copies of what the log has. */
static int check_values(struct check *c, uint32_t scope, const struct sou_record *record)
{
	for (uint32_t i = 0; i < record->live_count; i++) {
		const struct sou_live *l = &record->lives[i];
		struct soud_read_op op;
		if (l->value.p == NULL || l->redacted)
			continue;
		int rc = soud_read_op(c->store, scope, l->pos, l->op, &op);
		if (rc != SOU_OK && rc != SOU_EUNKNOWN)
			return rc;
		if (rc != SOU_OK || op.value.n != l->value.n ||
		    memcmp(op.value.p, l->value.p, op.value.n) != 0)
			find(c, SOUD_FINDING_STATE, l->pos, "a record holds another value");
	}
	return SOU_OK;
}

static int check_records(struct check *c, uint32_t scopes)
{
	struct sou_record record = {0};
	int rc = SOU_OK;
	for (uint32_t scope = 1; rc == SOU_OK && scope <= scopes; scope++) {
		struct sou_id at;
		const struct sou_id *after = NULL;
		uint16_t kind = 0;
		rc = soud_store_scope_id(c->store, scope, &c->scope);
		while (rc == SOU_OK && (rc = soud_store_record_next(c->store, scope, 0, after, kind,
								    &record)) == SOU_OK) {
			at = record.entity;
			after = &at;
			kind = record.kind;
			rc = check_values(c, scope, &record);
		}
		if (rc == SOU_EUNKNOWN)
			rc = SOU_OK;
	}
	sou_record_fini(&record);
	return rc;
}

/* Derived tables as they stand against those built from the log; a migration may have emptied them
 * (soud_store_stale), and then there is nothing to compare. */
static int check_derived(struct check *c)
{
	struct sou_hash before, after;
	c->scope = (struct sou_id){{0}};
	if (soud_store_stale(c->store))
		return soud_store_rebuild(c->store, c->authority);
	int rc = count_marks(c);
	if (rc == SOU_OK)
		rc = soud_store_dump_hash(c->store, &before);
	if (rc == SOU_OK)
		rc = soud_store_rebuild(c->store, c->authority);
	if (rc == SOU_OK)
		rc = soud_store_dump_hash(c->store, &after);
	if (rc == SOU_OK && !sou_hash_eq(&before, &after))
		find(c, SOUD_FINDING_STATE, 0, "records differ from those built from the log");
	return rc;
}

static int check_own(struct check *c)
{
	uint64_t own = 0;
	int rc = soud_store_number_get(c->store, NUMBER_OWN, &own);
	if (rc != SOU_OK)
		return rc;
	if (own != c->own)
		find(c, SOUD_FINDING_OWN, 0, "%llu own entries are counted, %llu are here",
		     (unsigned long long)own, (unsigned long long)c->own);
	if (own > 0 && !c->own_last_found)
		find(c, SOUD_FINDING_OWN, 0, "the last own entry is not here");
	return SOU_OK;
}

static int read_own(struct check *c)
{
	struct sou_span value;
	int rc = soud_store_number_get(c->store, NUMBER_HLC, &c->own_hlc);
	if (rc == SOU_OK)
		rc = soud_store_meta_get(c->store, META_OWN_LAST, &value);
	if (rc == SOU_OK && value.n == sizeof c->own_last.b)
		memcpy(c->own_last.b, value.p, sizeof c->own_last.b);
	return rc;
}

static int check_all(struct check *c)
{
	uint32_t scopes;
	int rc = soud_store_begin(c->store);
	if (rc == SOU_OK)
		rc = identity_load(c->store, &c->identity);
	if (rc == SOU_OK)
		rc = read_own(c);
	if (rc == SOU_OK)
		rc = check_authority(c);
	if (rc == SOU_OK)
		rc = soud_store_scope_count(c->store, &scopes);
	for (uint32_t i = 1; rc == SOU_OK && i <= scopes; i++)
		rc = check_scope(c, i);
	if (rc == SOU_OK)
		rc = check_own(c);
	if (rc == SOU_OK)
		rc = check_records(c, scopes);
	if (rc == SOU_OK)
		rc = check_derived(c);
	soud_store_rollback(c->store);
	return rc;
}

static int verify_store(const char *path, const char *vfs, struct check *c, struct sou_err *err)
{
	const struct soud_store_options options = {.vfs = vfs};
	struct soud_verified *done = c->out;
	int rc = soud_store_open(&c->store, path, SOUD_STORE_WRITER, &options, err);
	if (rc == SOU_OK)
		rc = check_file(c);
	if (rc == SOU_OK)
		rc = check_all(c);
	if (rc == SOU_ECORRUPT) { /* some row could not even be fetched */
		find(c, SOUD_FINDING_FILE, 0, "%s",
		     c->store != NULL ? soud_store_error(c->store)->text : "it cannot be opened");
		rc = SOU_OK;
	}
	if (rc != SOU_OK && c->store != NULL)
		(void)sou_err_set(err, rc, "verify: %s", soud_store_error(c->store)->text);
	for (unsigned i = 0; rc == SOU_OK && i < SOUD_FINDING_KINDS; i++) {
		if (done->finding_count[i] > 0)
			rc = sou_err_set(err, SOU_ECORRUPT, "%s: %s", path, done->findings[0].text);
	}
	soud_store_free(c->store);
	c->store = NULL;
	return rc;
}

static void remove_copy(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[VERIFY_PATH_BYTES];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
		(void)remove(name);
	}
	(void)soud_store_forget_copies(path, NULL);
}

/* Of an older schema: all but what the migration has emptied. */
static int verify_copy(const char *path, struct check *c, struct sou_err *err)
{
	char copy[VERIFY_PATH_BYTES];
	int n = snprintf(copy, sizeof copy, "%s-verify", path);
	if (n < 0 || (size_t)n + 16 >= sizeof copy)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", path);
	remove_copy(copy); /* of a run that was cut */
	int rc = soud_store_copy(path, copy, NULL, NULL, err);
	if (rc == SOU_OK)
		rc = verify_store(copy, NULL, c, err);
	remove_copy(copy);
	return rc;
}

int soud_verify(const char *path, const char *vfs, const struct sou_verifier *verifier,
		struct soud_verified *out, struct sou_err *err)
{
	struct soud_store_facts facts = {.schema = soud_store_schema_now()};
	int rc = vfs == NULL ? soud_store_facts(path, &facts, err) : SOU_OK;
	if (rc != SOU_OK && rc != SOU_ECORRUPT) /* damage is what verify is there to tell */
		return rc;
	struct soud_verified *done = calloc(1, sizeof *done);
	if (done == NULL)
		return sou_err_set(err, SOU_ENOMEM, "verify: no memory");
	struct check c = {.verifier = verifier != NULL ? verifier : &sou_verifier_ed25519,
			  .out = done};
	rc = rc == SOU_OK && facts.schema < soud_store_schema_now()
		     ? verify_copy(path, &c, err)
		     : verify_store(path, vfs, &c, err);
	if (rc == SOU_OK || rc == SOU_ECORRUPT)
		*out = *done;
	free(done);
	sou_entry_fini(&c.entry);
	sou_authority_free(c.authority);
	return rc;
}
