/* entry.h - one entry whole: made and signed from what a person did, or read back into the facts
 * that a verdict looks at (P5, P6, facts.h). Own entries pass the same reader as received ones.
 * Pure. */
#ifndef SOU_ENTRY_H
#define SOU_ENTRY_H

#include "crypto.h"
#include "facts.h"
#include "header.h"
#include "payload.h"

/* A reader that keeps its memory from one entry to the next (at most about 400 KiB). Zeroed is a
 * valid one. All that it shows is borrowed until the next call on it, and dies with the bytes that
 * were read. */
struct sou_entry {
	struct sou_header header;
	struct sou_payload payload; /* ops and all; only where facts.body is not SOU_BODY_NONE */
	struct sou_facts facts;     /* lists point into `lists` */
	struct sou_buf lists, scratch;
};

void sou_entry_fini(struct sou_entry *entry); /* NULL and zeroed are fine */

/* Read an entry. payload.n = 0: the header alone. `stored_id`: NULL for bytes from outside; else
 * the id under which both were stored after they had been checked: then nothing is hashed.
 * facts.sig_checked is false; set it when you know better.
 * SOU_EFORMAT, SOU_ELIMIT, SOU_ETOONEW: no header of ours. SOU_ECORRUPT: the header is good, but
 * the payload is none, or another one (P6.7): the entry is known by its header alone. SOU_ENOMEM.
 */
int sou_entry_read(struct sou_entry *entry, struct sou_span header, struct sou_span payload,
		   const struct sou_hash *stored_id);

/* The same in two steps, for a reader that rebuilds headers (batch.h): `payload` was read into
 * entry->payload and hashed to header->payload_hash. SOU_ECORRUPT as above, SOU_ENOMEM. */
int sou_entry_take(struct sou_entry *entry, const struct sou_header *header,
		   const struct sou_hash *id, bool has_payload);

struct sou_draft_op {
	uint16_t type, kind, field;
	struct sou_id entity;
	struct sou_span value;         /* canonical bytes, made with sou_mp_put_*; n = 0: nil */
	const struct sou_id *replaces; /* in any order, repeats are fine */
	uint32_t replace_count;
};

struct sou_draft {                    /* what is to be signed; all borrowed for the call */
	struct sou_header header;     /* payload_* and key are filled in */
	uint8_t salt[SOU_SALT_BYTES]; /* random, new for each entry */
	struct sou_id for_org;
	struct sou_span by;
	const struct sou_hash *cites, *parts; /* in any order */
	uint32_t cite_count, part_count;
	bool is_part; /* excludes parts */
	const struct sou_draft_op *ops;
	uint32_t op_count;
};

/* Append header and payload bytes to the two buffers (empty at the start), sign, and leave the
 * entry read in `entry` with facts.sig_checked set. SOU_EINPUT: malformed, lacking or too new for
 * ourselves; SOU_ELIMIT: too large; signer's errors; SOU_ENOMEM. */
int sou_entry_make(struct sou_entry *entry, const struct sou_draft *draft,
		   const struct sou_signer *signer, struct sou_buf *header, struct sou_buf *payload,
		   uint8_t signature[SOU_SIGNATURE_BYTES]);

/* The signature of an entry, by the key that the header names (the caller looks it up). */
int sou_entry_verify(const struct sou_verifier *verifier, const struct sou_id *net,
		     const struct sou_hash *id, const struct sou_hash *public_key,
		     const uint8_t signature[SOU_SIGNATURE_BYTES]);

#endif
