/* intake.h - a batch of runs on its way in: strict reading, hashes, signatures (P11.8 - P11.11).
 *
 * The steps that cost time stand here and know neither the store nor a verdict, so that other
 * threads can take them (daemon/checker.h); soud_replica_ingest does whatever was not done before:
 *   new     any thread: decode and hash; nothing that is malformed gets past it
 *   keys    the thread that owns an authority: choose what to check, copy the public keys
 *   check   any threads, each its own range of entries
 *   ingest  the thread that owns the replica
 * An intake belongs to one thread at a time but in `check`. */
#ifndef SOUD_INTAKE_H
#define SOUD_INTAKE_H

#include "proto/authority.h"
#include "proto/batch.h"
#include "proto/crypto.h"
#include "proto/msg.h"

struct soud_intake;

/* Of a news or headers frame, whose data are copied; batch: the reader to use, lent for the call.
 * SOU_EFORMAT (also: a run whose last bears no signature), SOU_ELIMIT (also: declared size),
 * SOU_ETOONEW (a header version that is not ours), SOU_ENOMEM. */
int soud_intake_new(struct soud_intake **out, struct sou_batch *batch, const struct sou_id *net,
		    const struct sou_news *news);
void soud_intake_free(struct soud_intake *in); /* NULL is fine */

size_t soud_intake_count(const struct soud_intake *in); /* entries */

/* Choose the signatures to check: all that are there (`every`), or the last of each run. Those of
 * keys that the authority does not know stay as they are (P9.4). May be called again, with another
 * authority too: what was chosen or checked stays so. Returns how many are chosen now. */
size_t soud_intake_keys(struct soud_intake *in, const struct sou_authority *authority, bool every);

/* Check the chosen ones among entries [first, first + count). Marks each good or bad; only
 * SOU_ENOMEM and SOU_ECRYPTO are errors. */
int soud_intake_check(struct soud_intake *in, const struct sou_verifier *verifier, size_t first,
		      size_t count);

#endif
