/* test_vectors_batches.c - data of news as the second implementation packs it: runs are read back
 * to the same headers, ids, payloads and signatures, and what is packed here gives the same runs
 * (P11.8 - P11.10). What is refused of them stands in test_batch.c. */
#include "proto/batch.h"
#include "proto/limits.h"
#include "tests/lib/vector.h"

static struct sou_span span_of(json_t *row, const char *key)
{
	if (json_is_null(vector_get(row, key)))
		return (struct sou_span){NULL, 0};
	struct test_bytes bytes = vector_hex(row, key);
	return (struct sou_span){bytes.b, bytes.n};
}

static void end(void *batch)
{
	sou_batch_free(batch);
}

static struct sou_batch *new_batch(void)
{
	struct sou_batch *batch = NULL;
	REQUIRE("memory", sou_batch_new(&batch) == SOU_OK);
	test_at_end(end, batch);
	return batch;
}

static int open_data(struct sou_batch *batch, struct sou_span data, bool is_zstd,
		     uint64_t raw_bytes)
{
	struct sou_id net, scope;
	json_t *file = vector_load("batches");
	vector_hex_into(file, "net", net.b, sizeof net.b);
	vector_hex_into(file, "scope", scope.b, sizeof scope.b);
	return sou_batch_open(batch, data, is_zstd, raw_bytes, &net, &scope);
}

static void check_span(const char *name, struct sou_span got, json_t *row, const char *key)
{
	struct sou_span want = span_of(row, key);
	CHECK_MEM(name, got.p, got.n, want.p, want.n);
}

/* Reads data that holds the row's entries, in its runs. */
static void check_read(struct sou_batch *batch, json_t *row, struct sou_span data, bool is_zstd,
		       uint64_t raw_bytes)
{
	const char *name = vector_str(row, "name");
	const struct sou_batch_entry *e;
	json_t *runs = vector_get(row, "runs");
	size_t at = 0, left = 0, run = 0;
	REQUIRE(name, open_data(batch, data, is_zstd, raw_bytes) == SOU_OK);
	for (;; at++) {
		REQUIRE(name, sou_batch_next(batch, &e) == SOU_OK);
		if (e == NULL)
			break;
		json_t *want = json_array_get(vector_get(row, "entries"), at);
		REQUIRE(name, want != NULL);
		check_span(name, e->header, want, "header");
		check_span(name, e->payload, want, "payload");
		struct sou_span id = {e->entry->facts.id.b, 32};
		check_span(name, id, want, "id");
		struct sou_span signature = {e->signature, e->signature != NULL ? 64 : 0};
		check_span(name, signature, want, "signature");
		if (left == 0)
			left = (size_t)json_integer_value(json_array_get(runs, run++));
		CHECK_INT(name, e->run, ==, run - 1);
		CHECK_INT(name, e->ends_run, ==, left == 1);
		left--;
	}
	CHECK_INT(name, at, ==, json_array_size(vector_get(row, "entries")));
	CHECK_INT(name, run, ==, json_array_size(runs));
}

TEST(vectors, batches_accept)
{
	struct sou_batch *batch = new_batch();
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(vector_load("batches"), "accept"), i, row) {
		struct sou_span raw = span_of(row, "raw");
		check_read(batch, row, raw, false, raw.n);
	}
}

/* The row's entries packed here and read again: nothing of them may be lost on the way. */
TEST(vectors, batches_packed)
{
	struct sou_batch *batch = new_batch();
	struct sou_buf data = {0};
	json_t *row, *e;
	size_t i, k, packed = 0;
	json_array_foreach (vector_array(vector_load("batches"), "accept"), i, row) {
		const char *name = vector_str(row, "name");
		sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
		size_t count = 0, signed_count = 0;
		json_array_foreach (vector_get(row, "entries"), k, e) {
			struct sou_span signature = span_of(e, "signature");
			struct sou_batch_item item = {span_of(e, "header"),
						      span_of(e, "payload"),
						      signature.n != 0 ? signature.p : NULL,
						      true,
						      {{0}}};
			vector_hex_into(e, "id", item.id.b, sizeof item.id.b);
			REQUIRE(name, sou_batch_add(batch, &item) == SOU_OK);
			count++;
			signed_count += signature.n != 0;
		}
		struct sou_batch_sent sent;
		sou_buf_clear(&data);
		REQUIRE(name, sou_batch_end(batch, &data, &sent) == SOU_OK);
		if (count == 0 || signed_count == 0) {
			CHECK_INT(name, sent.entries, ==, 0);
			continue;
		}
		CHECK_INT(name, sent.covered, ==, count);
		CHECK_INT(name, sent.entries, ==, count);
		check_read(batch, row, sou_buf_span(&data), sent.is_zstd, sent.raw_bytes);
		packed++;
	}
	CHECK_INT("P11.8 batches packed", packed, >, 5);
	sou_buf_fini(&data);
}
