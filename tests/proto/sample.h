/* sample.h - chains of well-formed entries for tests of what carries them. All lives until the end
 * of the test. Chains with different tags differ in everything but net and scope. */
#ifndef SOU_TESTS_SAMPLE_H
#define SOU_TESTS_SAMPLE_H

#include "proto/entry.h"
#include "tests/lib/check.h"

struct sample_chain {
	struct sou_signer signer;
	struct sou_header next; /* of the entry to come: seq, prev, epoch, hlc advance */
	struct sou_id org;
	uint32_t made;
};

struct sample {
	struct sou_span header, payload;
	struct sou_hash id;
	uint8_t signature[SOU_SIGNATURE_BYTES];
};

void sample_chain_init(struct sample_chain *chain, uint8_t tag);

/* An item's text of so many bytes: one set op with one replaced version. */
struct sample sample_text(struct sample_chain *chain, size_t bytes);
/* Any ops, as notation of the list: "[[1 16 b16:e1 1 s:x []]]". kind: enum sou_entry_kind. After an
 * epoch-open the chain goes on in the epoch that it opened. */
struct sample sample_ops(struct sample_chain *chain, uint8_t kind, const char *ops);
/* The payload in redacted form, with the values of these indices gone. */
struct sou_span sample_redacted(const struct sample *sample, const uint16_t *indices, size_t count);

#endif
