/* verify.h - check a replica offline, all of it (R22, design 9): the file, every entry's hash,
 * every link and signature, and verdicts, registers and digests computed anew and compared. */
#ifndef SOUD_VERIFY_H
#define SOUD_VERIFY_H

#include "proto/crypto.h"

#define SOUD_FINDINGS_MAX 32u /* told in full; the rest is counted */

enum soud_finding_kind {
	SOUD_FINDING_FILE,      /* the file's own structure */
	SOUD_FINDING_AUTHORITY, /* an op that is not well signed or not known at its place */
	SOUD_FINDING_HASH,      /* header or payload do not give the stored id or hash */
	SOUD_FINDING_SIGNATURE,
	SOUD_FINDING_VERDICT, /* stored verdict differs from the one computed */
	SOUD_FINDING_STATE,   /* derived tables differ from those computed */
	SOUD_FINDING_OWN,     /* own chain: gap, or not by the own key */
	SOUD_FINDING_KINDS,
};
struct soud_finding {
	enum soud_finding_kind kind;
	struct sou_id scope;
	uint64_t arrival;
	char text[160];
};
struct soud_verified {
	uint64_t ops, scopes, entries, payloads, headers_only, redacted_forms;
	uint64_t signatures, signatures_left_out, accepted, held, conflicts, incomplete;
	uint64_t bytes;
	uint64_t finding_count[SOUD_FINDING_KINDS];
	struct soud_finding findings[SOUD_FINDINGS_MAX];
	uint32_t findings_told;
};

/* SOU_OK: all of it was read and nothing is wrong. SOU_ECORRUPT: read, *out lists what is wrong
 * (set then too). SOU_EUNKNOWN: no replica. SOU_ESTORE, SOU_EBUSY, SOU_ENOMEM. verifier NULL:
 * Ed25519. */
int soud_verify(const char *path, const char *vfs, const struct sou_verifier *verifier,
		struct soud_verified *out, struct sou_err *err);

#endif
