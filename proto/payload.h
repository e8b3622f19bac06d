/* payload.h - the payload of an entry in either form, and the one hash that both give (P6). Pure.
 * Reading says whether bytes are a payload at all (P6.1, P6.2); judging, whether they are
 * malformed, too new, or lacking in values (P6.8, P6.9). */
#ifndef SOU_PAYLOAD_H
#define SOU_PAYLOAD_H

#include "bytes.h"
#include "error.h"
#include "facts.h"
#include "id.h"
#include "mp.h"

enum sou_form { SOU_FORM_FULL = 0, SOU_FORM_REDACTED = 1 };

struct sou_op { /* P6.2; spans borrow from the payload's bytes */
	uint16_t type, kind, field;
	bool is_committed; /* P6.3 */
	bool went;         /* redacted form: only its commitment is here, value is nil */
	struct sou_id entity;
	struct sou_span value; /* canonical bytes */
	struct sou_mp_list replaces;
	struct sou_span before, after; /* the op's bytes around the value */
	const uint8_t
		*secret; /* redacted form, committed: salt (16), or commitment (32) where it went */
};

struct sou_payload {
	struct sou_span bytes; /* borrowed, as all that follows but ops */
	uint8_t form;          /* enum sou_form */
	uint8_t part;          /* enum sou_part */
	bool by_went;
	uint16_t committed_count; /* committed values, `by` among them */
	struct sou_id for_org;
	struct sou_span by;       /* UTF-8; empty where it went */
	struct sou_span by_value; /* canonical bytes */
	const uint8_t *by_secret; /* as op.secret */
	const uint8_t *salt;      /* full form: the entry salt */
	struct sou_mp_list cites, parts;
	struct sou_span middle; /* the bytes of cites and part */
	struct sou_op *ops;     /* owned; kept for the next read */
	uint32_t op_count, op_room;
};

void sou_payload_fini(struct sou_payload *payload); /* NULL and zeroed are fine */

/* Read into `payload` (zeroed, or used before). SOU_EFORMAT, SOU_ELIMIT: no payload (P6.7), nothing
 * in `payload` may be looked at. SOU_ENOMEM. */
int sou_payload_read(struct sou_payload *payload, struct sou_span bytes);

/* P6.6. `scratch` is cleared and used; SOU_ENOMEM. */
int sou_payload_hash(const struct sou_payload *payload, struct sou_buf *scratch,
		     struct sou_hash *out);

/* P6.8, P6.9: SOU_BODY_OK, _MALFORMED or _TOONEW. */
enum sou_body sou_payload_judge(const struct sou_payload *payload, enum sou_entry_kind kind);

/* P6.8: the committed value of a known field went, or is mistyped. */
bool sou_op_lacks(const struct sou_op *op);

/* Append the redacted form in which the values of these indices (ascending; P6.3) went, and those
 * that went before. Indices without a committed value have no effect. SOU_ENOMEM. */
int sou_payload_redact(const struct sou_payload *payload, const uint16_t *indices, size_t count,
		       struct sou_buf *out);

#endif
