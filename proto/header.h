/* header.h - the header of an entry: 14 members, and the id that is its hash (P5.1 - P5.4). Pure.
 */
#ifndef SOU_HEADER_H
#define SOU_HEADER_H

#include "bytes.h"
#include "error.h"
#include "id.h"

struct sou_header {    /* P5.1; version is 0 */
	uint8_t kind;  /* enum sou_entry_kind (facts.h) */
	uint8_t clock; /* clock flags */
	struct sou_id net, site, scope, epoch, authority, key;
	struct sou_hash prev, payload_hash;
	uint64_t seq, hlc;
	uint32_t payload_bytes; /* of the payload in full form */
};

/* SOU_ETOONEW: another version (P5.4). SOU_EFORMAT, SOU_ELIMIT. */
int sou_header_read(struct sou_header *out, struct sou_span bytes);

/* Append the header's canonical bytes. The caller keeps the bounds of P5.1; errors are buf->failed.
 */
void sou_header_pack(struct sou_buf *buf, const struct sou_header *header);

/* P5.2, of the header's bytes. */
struct sou_hash sou_entry_id(struct sou_span header_bytes);

#endif
