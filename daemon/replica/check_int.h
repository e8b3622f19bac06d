/* check_int.h - the checks that verify (all of a replica, offline) and scrub (beside a running
 * daemon) have in common (R22). */
#ifndef SOUD_CHECK_INT_H
#define SOUD_CHECK_INT_H

#include <stdatomic.h>

#include "daemon/replica/damage.h"
#include "daemon/replica/replica_int.h"
#include "daemon/replica/verify.h"

struct check {
	struct soud_store *store;        /* owned */
	struct sou_authority *authority; /* owned */
	const struct sou_verifier *verifier;
	struct soud_identity identity;
	struct soud_verified *out;
	struct soud_damage *damage; /* where damaged rows are listed; NULL: they are only told */
	const atomic_bool *stop;    /* NULL: to the end */
	struct sou_entry entry;
	struct sou_id scope; /* under way */
	uint32_t number;
	uint64_t own;
	bool own_last_found;
	struct sou_hash own_last;
	uint64_t own_hlc;
};

/* Remember a finding; told in full up to SOUD_FINDINGS_MAX. */
void check_find(struct check *c, enum soud_finding_kind kind, uint64_t arrival, const char *format,
		...) __attribute__((format(printf, 4, 5)));
/* Ops into a fresh c->authority, each hashed and its signatures checked. */
int check_authority(struct check *c);
/* Each row of a scope hashed, its signature checked, its links followed: into *out, settled. After
 * SOU_OK the caller frees it. */
int check_rows(struct check *c, uint32_t number, struct sou_scope **out);
/* Stored verdicts and digest against those of the engine. */
int check_verdicts(struct check *c, struct sou_scope *scope);
/* Values that a record holds beside its versions against the log. */
int check_values(struct check *c, const struct sou_record *record);

#endif
