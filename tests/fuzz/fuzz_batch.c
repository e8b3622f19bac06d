/* fuzz_batch.c - any bytes as data of news. First byte: bit 0, zstd (then four bytes of raw bytes
 * follow). What comes out of it is an entry that the reader of entries takes, with the same id and
 * facts; entries of a run link (P5.3); packed again, nothing of it is lost. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/batch.h"
#include "proto/limits.h"

static struct sou_batch *reading, *packing; /* made once: zstd's state is large */

static void check_entry(const struct sou_batch_entry *e, struct sou_hash *last, uint32_t *run)
{
	struct sou_entry again = {0};
	int rc = sou_entry_read(&again, e->header, e->payload, NULL);
	SOU_ASSERT(rc == SOU_OK);
	SOU_ASSERT(sou_hash_eq(&again.facts.id, &e->entry->facts.id));
	SOU_ASSERT(again.facts.body == e->entry->facts.body);
	SOU_ASSERT(again.facts.lacking_count == e->entry->facts.lacking_count);
	if (e->run == *run)
		SOU_ASSERT(sou_hash_eq(&again.facts.prev, last));
	*last = again.facts.id;
	*run = e->run;
	sou_entry_fini(&again);
}

/* All the entries with their signatures, as if they were the sender's own. */
static size_t pack_again(struct sou_buf *data, struct sou_batch_sent *sent)
{
	const struct sou_batch_entry *e = NULL;
	size_t count = 0;
	sou_batch_begin(packing, SIZE_MAX);
	for (;;) {
		static const uint8_t signature[SOU_SIGNATURE_BYTES];
		int rc = sou_batch_next(reading, &e);
		SOU_ASSERT(rc == SOU_OK);
		if (e == NULL)
			break;
		struct sou_batch_item item = {e->header, e->payload, signature, true,
					      e->entry->facts.id};
		rc = sou_batch_add(packing, &item);
		SOU_ASSERT(rc == SOU_OK || rc == SOU_EAGAIN);
		if (rc == SOU_EAGAIN)
			break;
		count++;
	}
	int rc = sou_batch_end(packing, data, sent);
	SOU_ASSERT(rc == SOU_OK);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sou_id net = {{1}}, scope = {{2}};
	if (reading == NULL &&
	    (sou_batch_new(&reading) != SOU_OK || sou_batch_new(&packing) != SOU_OK))
		return 0;
	bool is_zstd = size > 5 && (data[0] & 1) != 0;
	size_t head = is_zstd ? 5 : 1;
	if (size < head)
		return 0;
	struct sou_span bytes = {data + head, size - head};
	uint64_t raw_bytes = bytes.n;
	if (is_zstd)
		raw_bytes = (uint64_t)data[1] << 24 | (uint64_t)data[2] << 16 |
			    (uint64_t)data[3] << 8 | data[4];
	int rc = sou_batch_open(reading, bytes, is_zstd, raw_bytes, &net, &scope);
	if (rc != SOU_OK)
		return 0;
	const struct sou_batch_entry *e = NULL;
	struct sou_hash last = {{0}};
	uint32_t run = UINT32_MAX;
	while ((rc = sou_batch_next(reading, &e)) == SOU_OK && e != NULL)
		check_entry(e, &last, &run);
	if (rc != SOU_OK)
		return 0;
	struct sou_buf again = {0};
	struct sou_batch_sent sent;
	rc = sou_batch_open(reading, bytes, is_zstd, raw_bytes, &net, &scope);
	SOU_ASSERT(rc == SOU_OK);
	size_t count = pack_again(&again, &sent);
	SOU_ASSERT(sent.entries == count && sent.covered == count);
	rc = sou_batch_open(reading, sou_buf_span(&again), sent.is_zstd, sent.raw_bytes, &net,
			    &scope);
	SOU_ASSERT(rc == SOU_OK);
	size_t read = 0;
	while ((rc = sou_batch_next(reading, &e)) == SOU_OK && e != NULL)
		read++;
	SOU_ASSERT(rc == SOU_OK && read == count);
	sou_buf_fini(&again);
	return 0;
}
