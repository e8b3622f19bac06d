/* verify.c - a replica checked offline against nothing but its own log and the rules (R22). What is
 * derived is derived anew inside a transaction that is rolled back, so nothing is changed; a
 * replica of an older schema is not migrated: a copy of it is, beside it, and is removed again. */
#include "daemon/replica/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/replica/check_int.h"
#include "daemon/store/copy.h"

#define VERIFY_PATH_BYTES 4200u

static int check_file(struct check *c)
{
	int rc = soud_store_check(c->store, true);
	if (rc == SOU_ECORRUPT) {
		check_find(c, SOUD_FINDING_FILE, 0, "%s", soud_store_error(c->store)->text);
		return SOU_OK;
	}
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

static int check_records(struct check *c, uint32_t scopes)
{
	struct sou_record record = {0};
	int rc = SOU_OK;
	for (uint32_t scope = 1; rc == SOU_OK && scope <= scopes; scope++) {
		struct sou_id at;
		const struct sou_id *after = NULL;
		uint16_t kind = 0;
		c->number = scope;
		rc = soud_store_scope_id(c->store, scope, &c->scope);
		while (rc == SOU_OK && (rc = soud_store_record_next(c->store, scope, 0, after, kind,
								    &record)) == SOU_OK) {
			at = record.entity;
			after = &at;
			kind = record.kind;
			rc = check_values(c, &record);
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
		check_find(c, SOUD_FINDING_STATE, 0,
			   "records differ from those built from the log");
	return rc;
}

static int check_own(struct check *c)
{
	uint64_t own = 0;
	int rc = soud_store_number_get(c->store, NUMBER_OWN, &own);
	if (rc != SOU_OK)
		return rc;
	if (own != c->own)
		check_find(c, SOUD_FINDING_OWN, 0, "%llu own entries are counted, %llu are here",
			   (unsigned long long)own, (unsigned long long)c->own);
	if (own > 0 && !c->own_last_found)
		check_find(c, SOUD_FINDING_OWN, 0, "the last own entry is not here");
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
	for (uint32_t i = 1; rc == SOU_OK && i <= scopes; i++) {
		struct sou_scope *scope;
		rc = check_rows(c, i, &scope);
		if (rc != SOU_OK)
			break;
		rc = check_verdicts(c, scope);
		sou_scope_free(scope);
	}
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
		check_find(c, SOUD_FINDING_FILE, 0, "%s",
			   c->store != NULL ? soud_store_error(c->store)->text
					    : "it cannot be opened");
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
