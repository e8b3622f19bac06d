/* scrub.h - a replica looked through beside the daemon that works on it (R22): the file's
 * structure, each entry's hash, its chain and signature, stored verdicts, and the records of a
 * sample built anew. In steps, each a view of its own, so that nobody waits for it; on a connection
 * of its own, so that any thread may do it, one at a time. Changes nothing: what is found is noted
 * by soud_replica_scrubbed (replica.h). */
#ifndef SOUD_SCRUB_H
#define SOUD_SCRUB_H

#include "daemon/replica/damage.h"
#include "daemon/replica/replica.h"
#include "daemon/replica/verify.h"

struct soud_scrub;

struct soud_scrubbed {
	struct soud_verified seen; /* counts and findings; FILE, AUTHORITY, STATE, ... */
	struct soud_damage damage; /* owned; rows that may not be served */
	uint64_t records;          /* built anew */
	bool stale;                /* records, verdicts or digests are not what the log says */
};
void soud_scrubbed_fini(struct soud_scrubbed *out);

/* sample_seed: which records are taken. SOU_ENOMEM and those of soud_store_open. verifier NULL:
 * Ed25519. */
int soud_scrub_new(struct soud_scrub **out, const char *path, const char *vfs,
		   const struct sou_verifier *verifier, uint64_t sample_seed, struct sou_err *err);
/* The file, then the authority, then a scope each. *done: that was the last. A replica that cannot
 * be read is a finding, not an error. SOU_ENOMEM, SOU_ECRYPTO, SOU_ESTORE, SOU_EBUSY: given up. */
int soud_scrub_step(struct soud_scrub *s, bool *done);
/* What was found so far; borrowed. */
struct soud_scrubbed *soud_scrub_result(struct soud_scrub *s);
/* Any thread: a step that is under way ends soon, with SOU_EBUSY. */
void soud_scrub_stop(struct soud_scrub *s);
void soud_scrub_free(struct soud_scrub *s); /* NULL is fine; no step is under way */

#endif
