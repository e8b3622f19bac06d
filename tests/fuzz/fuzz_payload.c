/* fuzz_payload.c - a payload that is accepted is canonical, gives a hash, and gives the same hash
 * and the same judgement in every redacted form (P6.6, P6.8). */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/entry.h"
#include "proto/limits.h"

static struct sou_hash hash_of(const struct sou_payload *payload)
{
	struct sou_buf scratch = {0};
	struct sou_hash hash;
	int rc = sou_payload_hash(payload, &scratch, &hash);
	SOU_ASSERT(rc == SOU_OK);
	sou_buf_fini(&scratch);
	return hash;
}

static void check_redacted(const struct sou_payload *payload, const uint16_t *gone, size_t count)
{
	struct sou_payload again = {0};
	struct sou_buf form = {0};
	struct sou_hash want = hash_of(payload);
	int rc = sou_payload_redact(payload, gone, count, &form);
	SOU_ASSERT(rc == SOU_OK);
	SOU_ASSERT(form.n <= SOU_REDACTED_BYTES_MAX || payload->form == SOU_FORM_REDACTED);
	if (form.n <= SOU_REDACTED_BYTES_MAX) {
		rc = sou_payload_read(&again, sou_buf_span(&form));
		SOU_ASSERT(rc == SOU_OK);
		struct sou_hash got = hash_of(&again);
		SOU_ASSERT(sou_hash_eq(&got, &want));
		for (int kind = SOU_ENTRY_DATA; kind <= SOU_ENTRY_OPENING; kind++) {
			enum sou_entry_kind k = (enum sou_entry_kind)kind;
			SOU_ASSERT(sou_payload_judge(payload, k) == sou_payload_judge(&again, k));
		}
	}
	sou_buf_fini(&form);
	sou_payload_fini(&again);
}

/* The same bytes below a header that names them: facts can be taken, their lists are in bounds. */
static void check_facts(struct sou_span bytes, const struct sou_payload *payload, uint8_t kind)
{
	struct sou_entry entry = {0};
	struct sou_buf header = {0};
	struct sou_header h = {.kind = kind % 3, .seq = 1, .payload_bytes = (uint32_t)bytes.n};
	if (bytes.n > SOU_PAYLOAD_BYTES_MAX)
		h.payload_bytes = SOU_PAYLOAD_BYTES_MAX;
	h.payload_hash = hash_of(payload);
	sou_header_pack(&header, &h);
	int rc = sou_entry_read(&entry, sou_buf_span(&header), bytes, NULL);
	SOU_ASSERT(rc == SOU_OK);
	const struct sou_facts *f = &entry.facts;
	uint32_t sum = 0;
	for (uint16_t i = 0; i < f->name_count; i++)
		sum += f->names[i].b[31];
	for (uint16_t i = 0; i < f->cite_count; i++)
		sum += f->cites[i].b[31];
	for (uint16_t i = 0; i < f->part_count; i++)
		sum += f->parts[i].b[31];
	for (uint16_t i = 0; i < f->proxy_count; i++)
		sum += f->proxies[i].b[15];
	for (uint16_t i = 0; i < f->consent_count; i++)
		sum += f->consents[i].b[15];
	for (uint16_t i = 1; i < f->lacking_count; i++)
		SOU_ASSERT(f->lacking[i - 1] < f->lacking[i]);
	for (uint16_t i = 1; i < f->need_count; i++)
		SOU_ASSERT(f->needs[i - 1].type <= f->needs[i].type);
	SOU_ASSERT(sum < UINT32_MAX);
	sou_buf_fini(&header);
	sou_entry_fini(&entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sou_payload payload = {0};
	struct sou_span bytes = {data, size};
	if (sou_payload_read(&payload, bytes) == SOU_OK) {
		SOU_ASSERT(sou_mp_check(bytes) == SOU_OK);
		const uint16_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, some[] = {0, 2, 3};
		check_redacted(&payload, all, 0);
		check_redacted(&payload, some, 3);
		check_redacted(&payload, all, 10);
		check_facts(bytes, &payload, data[size / 2]);
	}
	sou_payload_fini(&payload);
	return 0;
}
