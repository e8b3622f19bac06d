/* test_batch.c - what was packed is read back, header by header; runs and their signatures as
 * P11.10 has it; hostile data is refused. The bytes themselves are held against the vectors. */
#include "proto/batch.h"

#include "proto/limits.h"
#include "tests/lib/vector.h"
#include "tests/proto/notation.h"
#include "tests/proto/sample.h"

static void free_batch(void *batch)
{
	sou_batch_free(batch);
}

static struct sou_batch *new_batch(void)
{
	struct sou_batch *batch = NULL;
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	test_at_end(free_batch, batch);
	return batch;
}

static struct sou_batch_item item_of(const struct sample *s, bool is_signed)
{
	return (struct sou_batch_item){s->header, s->payload, is_signed ? s->signature : NULL,
				       false, s->id};
}

struct want { /* an entry that must come out */
	const struct sample *sample;
	struct sou_span payload; /* n = 0: header only */
	bool is_signed, ends_run;
};

static void check_read(const char *name, struct sou_batch *batch, const struct sou_buf *data,
		       const struct sou_batch_sent *sent, const struct want *want, size_t count)
{
	struct sou_id net, scope;
	memset(&net, 0xa1, sizeof net);
	memset(&scope, 0xa3, sizeof scope);
	int rc = sou_batch_open(batch, sou_buf_span(data), sent->is_zstd, sent->raw_bytes, &net,
				&scope);
	REQUIRE(name, rc == SOU_OK);
	for (size_t i = 0; i <= count; i++) {
		const struct sou_batch_entry *e = NULL;
		REQUIRE(name, sou_batch_next(batch, &e) == SOU_OK);
		if (i == count) {
			CHECK(name, e == NULL);
			break;
		}
		REQUIRE(name, e != NULL);
		char *row = test_printf("%s, entry %zu", name, i);
		CHECK_MEM(row, e->header.p, e->header.n, want[i].sample->header.p,
			  want[i].sample->header.n);
		CHECK_MEM(row, e->entry->facts.id.b, 32, want[i].sample->id.b, 32);
		CHECK_MEM(row, e->payload.p, e->payload.n, want[i].payload.p, want[i].payload.n);
		CHECK_INT(row, e->signature != NULL, ==, want[i].is_signed);
		if (e->signature != NULL)
			CHECK_MEM(row, e->signature, 64, want[i].sample->signature, 64);
		CHECK_INT(row, e->ends_run, ==, want[i].ends_run);
		CHECK_INT(row, e->entry->facts.body != SOU_BODY_NONE, ==, want[i].payload.n > 0);
	}
}

static void pack(struct sou_batch *batch, struct sou_batch_item *items, size_t count,
		 struct sou_buf *data, struct sou_batch_sent *sent)
{
	sou_buf_clear(data);
	sou_batch_begin(batch, SIZE_MAX);
	for (size_t i = 0; i < count; i++)
		REQUIRE("add", sou_batch_add(batch, &items[i]) == SOU_OK);
	REQUIRE("end", sou_batch_end(batch, data, sent) == SOU_OK);
}

TEST(batch, one_chain)
{
	struct sou_batch *batch = new_batch();
	struct sample_chain chain;
	sample_chain_init(&chain, 1);
	struct sample s[130];
	struct sou_batch_item items[130];
	struct want want[130];
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		s[i] = sample_text(&chain, 20 + i);
		items[i] = item_of(&s[i], true);
		/* P11.10: runs of 64; seq 64 and 128 are the last of theirs here */
		bool ends = i == 63 || i == 127 || i == 129;
		want[i] = (struct want){&s[i], s[i].payload, ends, ends};
	}
	struct sou_buf data = {0};
	struct sou_batch_sent sent;
	pack(batch, items, ARRAY_LEN(s), &data, &sent);
	CHECK("P11.6 compressed", sent.is_zstd && data.n < sent.raw_bytes);
	CHECK_INT("P11.10", sent.covered, ==, 130);
	CHECK_INT("P11.10", sent.entries, ==, 130);
	check_read("P11.10 runs of 64", batch, &data, &sent, want, ARRAY_LEN(s));

	/* From seq 2 on: seq 64 stands within a run and keeps its signature. */
	pack(batch, items + 1, 100, &data, &sent);
	for (size_t i = 1; i <= 100; i++) {
		want[i].ends_run = i == 64 || i == 100;
		want[i].is_signed = want[i].ends_run || i == 63;
	}
	check_read("P11.10 seq 64 within a run", batch, &data, &sent, want + 1, 100);

	/* Own entries, or every signature asked for. */
	for (size_t i = 0; i < 10; i++) {
		items[i].keep_signature = i != 4;
		want[i].is_signed = i != 4;
		want[i].ends_run = i == 9;
	}
	pack(batch, items, 10, &data, &sent);
	check_read("P11.10 every signature", batch, &data, &sent, want, 10);
	sou_buf_fini(&data);
}

TEST(batch, forms)
{
	struct sou_batch *batch = new_batch();
	struct sample_chain chain;
	sample_chain_init(&chain, 2);
	struct sample s[6];
	struct sou_batch_item items[6];
	const uint16_t gone[] = {0, 1};
	s[0] = sample_text(&chain, 30);
	chain.next.clock = 3;
	s[1] = sample_ops(&chain, SOU_ENTRY_CONTROL, "[[20 0 b16:00 0 ~ []]]");
	chain.next.clock = 0;
	memset(&chain.next.authority, 0xa7, 16);
	s[2] = sample_text(&chain, 40);
	s[3] = sample_ops(&chain, SOU_ENTRY_OPENING, "[[18 0 b16:00 0 s:why []]]");
	s[4] = sample_text(&chain, 50);
	s[5] = sample_text(&chain, 60);
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		items[i] = item_of(&s[i], true);
	items[0].payload = sample_redacted(&s[0], gone, 2);
	items[2].payload = (struct sou_span){NULL, 0};
	struct want want[6] = {
		{&s[0], items[0].payload, false, false}, {&s[1], s[1].payload, false, false},
		{&s[2], {NULL, 0}, false, false},        {&s[3], s[3].payload, true, true},
		{&s[4], s[4].payload, false, false},     {&s[5], s[5].payload, true, true},
	};
	struct sou_buf data = {0};
	struct sou_batch_sent sent;
	pack(batch, items, 6, &data, &sent);
	check_read("P11.9 all forms", batch, &data, &sent, want, 6);
	const struct sou_batch_entry *e = NULL;
	CHECK_INT("after the last", sou_batch_next(batch, &e), ==, SOU_OK);
	CHECK("after the last", e == NULL);
	sou_buf_fini(&data);
}

TEST(batch, interleaved)
{
	/* Two chains turn by turn, and a fork of the first: three runs, in the order of their
	 * beginnings. */
	struct sou_batch *batch = new_batch();
	struct sample_chain a, b, fork;
	sample_chain_init(&a, 1);
	sample_chain_init(&b, 2);
	struct sample s[8];
	s[0] = sample_text(&a, 10);
	s[1] = sample_text(&b, 10);
	fork = a;
	fork.made = 99;
	s[2] = sample_text(&a, 10);
	s[3] = sample_text(&fork, 11);
	s[4] = sample_text(&b, 10);
	s[5] = sample_text(&a, 10);
	s[6] = sample_text(&fork, 11);
	s[7] = sample_text(&b, 10);
	struct sou_batch_item items[8];
	for (size_t i = 0; i < 8; i++)
		items[i] = item_of(&s[i], true);
	struct want want[8] = {
		{&s[0], s[0].payload, false, false}, {&s[2], s[2].payload, false, false},
		{&s[5], s[5].payload, true, true},   {&s[1], s[1].payload, false, false},
		{&s[4], s[4].payload, false, false}, {&s[7], s[7].payload, true, true},
		{&s[3], s[3].payload, false, false}, {&s[6], s[6].payload, true, true},
	};
	struct sou_buf data = {0};
	struct sou_batch_sent sent;
	pack(batch, items, 8, &data, &sent);
	check_read("P11.8 runs", batch, &data, &sent, want, 8);
	sou_buf_fini(&data);
}

TEST(batch, without_signatures)
{
	static const struct {
		const char *name;
		const char *chain, *held; /* per entry: chain a or b; own signature held: y or - */
		size_t covered, entries;
		const char *order; /* entries that come out */
	} cases[] = {
		{"P11.10 all held", "aaa", "yyy", 3, 3, "012"},
		{"P11.10 middle not held", "aaa", "--y", 3, 3, "012"},
		{"P11.10 last not held", "aaa", "yy-", 2, 2, "01"},
		{"P11.10 last two not held", "aaaa", "yy--", 2, 2, "01"},
		{"P11.10 another chain after it", "aabb", "y-yy", 1, 1, "0"},
		{"P11.10 the other chain is cut as well", "abab", "y--y", 1, 1, "0"},
		{"P11.10 held further on", "abab", "--yy", 4, 4, "0213"},
		{"P11.10 none held: passed over", "aa", "--", 2, 0, ""},
		{"P11.10 first not held: passed over", "aab", "--y", 3, 1, "2"},
	};
	struct sou_batch *batch = new_batch();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample_chain a, b;
		sample_chain_init(&a, 1);
		sample_chain_init(&b, 2);
		struct sample s[4];
		struct sou_batch_item items[4];
		size_t n = strlen(cases[i].chain);
		for (size_t k = 0; k < n; k++) {
			s[k] = sample_text(cases[i].chain[k] == 'a' ? &a : &b, 10);
			items[k] = item_of(&s[k], cases[i].held[k] == 'y');
		}
		struct sou_buf data = {0};
		struct sou_batch_sent sent;
		pack(batch, items, n, &data, &sent);
		CHECK_INT(cases[i].name, sent.covered, ==, cases[i].covered);
		CHECK_INT(cases[i].name, sent.entries, ==, cases[i].entries);
		struct want want[4];
		size_t out = strlen(cases[i].order);
		for (size_t k = 0; k < out; k++) {
			size_t at = (size_t)(cases[i].order[k] - '0');
			bool ends =
				k + 1 == out ||
				cases[i].chain[at] != cases[i].chain[cases[i].order[k + 1] - '0'];
			want[k] = (struct want){&s[at], s[at].payload, ends, ends};
		}
		check_read(cases[i].name, batch, &data, &sent, want, out);
		sou_buf_fini(&data);
	}
}

TEST(batch, bounds)
{
	struct sou_batch *batch = new_batch();
	struct sample_chain chain;
	sample_chain_init(&chain, 3);
	struct sou_buf data = {0};
	struct sou_batch_sent sent;

	/* 512 KiB of payload in a run: 63 entries of 8,322 bytes are above, so a second run begins.
	 */
	struct sample s[64];
	struct sou_batch_item items[64];
	size_t sum = 0, first_run = 0;
	for (size_t i = 0; i < 64; i++) {
		s[i] = sample_text(&chain, 8192);
		items[i] = item_of(&s[i], true);
		sum += s[i].payload.n;
		first_run += sum <= SOU_RUN_PAYLOAD_BYTES_MAX;
	}
	REQUIRE("P11.10 as counted", first_run > 10 && first_run < 64);
	struct want want[64];
	for (size_t i = 0; i < 64; i++) {
		bool ends = i + 1 == first_run || i == 63;
		want[i] = (struct want){&s[i], s[i].payload, ends, ends};
	}
	pack(batch, items, 64, &data, &sent);
	check_read("P11.10 512 KiB", batch, &data, &sent, want, 64);

	/* Full: the next item begins the next batch; raw bytes keep below what was asked. */
	sou_buf_clear(&data);
	sou_batch_begin(batch, 100000);
	size_t taken = 0;
	while (taken < 64 && sou_batch_add(batch, &items[taken]) == SOU_OK)
		taken++;
	CHECK("bounded", taken >= 10 && taken < 13);
	CHECK_INT("bounded", sou_batch_add(batch, &items[taken]), ==, SOU_EAGAIN);
	REQUIRE("bounded", sou_batch_end(batch, &data, &sent) == SOU_OK);
	CHECK("bounded",
	      sent.raw_bytes <= 100000 && sent.raw_bytes > 80000 && sent.covered == taken);

	/* The first always fits. */
	sou_buf_clear(&data);
	sou_batch_begin(batch, 1);
	CHECK_INT("first", sou_batch_add(batch, &items[0]), ==, SOU_OK);
	CHECK_INT("second", sou_batch_add(batch, &items[1]), ==, SOU_EAGAIN);
	REQUIRE("first", sou_batch_end(batch, &data, &sent) == SOU_OK);
	CHECK_INT("first", sent.entries, ==, 1);

	/* Nothing added: an empty array, plain. */
	sou_buf_clear(&data);
	sou_batch_begin(batch, 1);
	REQUIRE("empty", sou_batch_end(batch, &data, &sent) == SOU_OK);
	CHECK_MEM("empty", data.p, data.n, "\x90", 1);
	CHECK("empty", !sent.is_zstd && sent.covered == 0);

	struct sou_batch_item bad = items[0];
	bad.header.n--;
	CHECK_INT("R22 damaged header", sou_batch_add(batch, &bad), ==, SOU_ECORRUPT);
	bad = items[0];
	bad.payload.n--;
	CHECK_INT("R22 damaged payload", sou_batch_add(batch, &bad), ==, SOU_ECORRUPT);
	sou_batch_begin(batch, SIZE_MAX);
	CHECK_INT("one scope", sou_batch_add(batch, &items[0]), ==, SOU_OK);
	struct sample_chain other;
	sample_chain_init(&other, 4);
	memset(&other.next.scope, 0x77, 16);
	struct sample foreign = sample_text(&other, 5);
	struct sou_batch_item item = item_of(&foreign, true);
	CHECK_INT("R18 a batch holds one scope", sou_batch_add(batch, &item), ==, SOU_ECORRUPT);
	sou_buf_fini(&data);
}

/* Read a whole batch; the first error. */
static int drain(struct sou_batch *batch, struct sou_span data, bool is_zstd, uint64_t raw_bytes,
		 const struct sou_id *net, const struct sou_id *scope, size_t *entries)
{
	int rc = sou_batch_open(batch, data, is_zstd, raw_bytes, net, scope);
	const struct sou_batch_entry *e = NULL;
	*entries = 0;
	while (rc == SOU_OK) {
		rc = sou_batch_next(batch, &e);
		if (rc != SOU_OK || e == NULL)
			break;
		(*entries)++;
	}
	return rc;
}

static struct sou_span span_of(struct test_bytes b)
{
	return (struct sou_span){b.b, b.n};
}

TEST(batch, vectors_accept)
{
	struct sou_batch *batch = new_batch();
	json_t *file = vector_load("batches"), *rows = vector_array(file, "accept");
	struct sou_id net, scope;
	vector_hex_into(file, "net", net.b, 16);
	vector_hex_into(file, "scope", scope.b, 16);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i), *entries = vector_get(row, "entries");
		const char *name = vector_str(row, "name");
		struct sou_span raw = span_of(vector_hex(row, "raw"));
		REQUIRE(name, sou_batch_open(batch, raw, false, raw.n, &net, &scope) == SOU_OK);
		const struct sou_batch_entry *e = NULL;
		size_t n = json_array_size(entries);
		for (size_t k = 0; k < n; k++) {
			json_t *want = json_array_get(entries, k);
			REQUIRE(name, sou_batch_next(batch, &e) == SOU_OK && e != NULL);
			struct test_bytes header = vector_hex(want, "header"),
					  id = vector_hex(want, "id");
			CHECK_MEM(name, e->header.p, e->header.n, header.b, header.n);
			CHECK_MEM(name, e->entry->facts.id.b, 32, id.b, id.n);
			CHECK_INT(name, e->payload.n > 0, ==,
				  !json_is_null(vector_get(want, "payload")));
			CHECK_INT(name, e->signature != NULL, ==,
				  !json_is_null(vector_get(want, "signature")));
			if (e->payload.n > 0) {
				struct test_bytes payload = vector_hex(want, "payload");
				CHECK_MEM(name, e->payload.p, e->payload.n, payload.b, payload.n);
			}
		}
		CHECK_INT(name, sou_batch_next(batch, &e), ==, SOU_OK);
		CHECK(name, e == NULL);
		for (size_t cut = 0; cut < raw.n && raw.n < 3000; cut++) {
			struct test_bytes part = test_copy(raw.p, cut);
			size_t count;
			CHECK_INT(test_printf("%s, cut at %zu", name, cut),
				  drain(batch, span_of(part), false, cut, &net, &scope, &count), ==,
				  SOU_EFORMAT);
		}
	}
}

TEST(batch, vectors_refuse)
{
	struct sou_batch *batch = new_batch();
	json_t *file = vector_load("batches"), *rows = vector_array(file, "refuse");
	struct sou_id net, scope;
	vector_hex_into(file, "net", net.b, 16);
	vector_hex_into(file, "scope", scope.b, 16);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		struct sou_span raw = span_of(vector_hex(row, "raw"));
		size_t count;
		int rc = drain(batch, raw, false, raw.n, &net, &scope, &count);
		CHECK(vector_str(row, "name"), rc == SOU_EFORMAT || rc == SOU_ELIMIT);
		const struct sou_batch_entry *e = NULL;
		CHECK_INT("stays refused", sou_batch_next(batch, &e), ==, rc);
	}
	rows = vector_array(file, "data");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *name = vector_str(row, "name");
		struct sou_span data = span_of(vector_hex(row, "data"));
		bool is_zstd = (vector_int(row, "flags") & 1) != 0;
		int rc = sou_batch_open(batch, data, is_zstd, vector_u64(row, "raw_bytes"), &net,
					&scope);
		if (json_is_null(vector_get(row, "raw"))) {
			CHECK(name, rc == SOU_EFORMAT || rc == SOU_ELIMIT);
		} else { /* data as such is good; what is in it is no array of runs */
			const struct sou_batch_entry *e = NULL;
			CHECK(name, rc == SOU_OK || rc == SOU_EFORMAT);
			CHECK(name, rc != SOU_OK || sou_batch_next(batch, &e) != SOU_ELIMIT);
		}
	}
}

TEST(batch, bomb)
{
	/* 4 MiB of empty runs' beginnings compress to next to nothing; one byte more is refused
	 * unread. */
	struct sou_batch *batch = new_batch();
	struct sou_id net = {{1}}, scope = {{2}};
	struct sou_span head = notation_span("x:28b52ffda00000400054000010909001");
	size_t count;
	int rc = drain(batch, head, true, SOU_BATCH_BYTES_MAX, &net, &scope, &count);
	CHECK_INT("P11.6 a frame that is cut", rc, ==, SOU_EFORMAT);
	rc = drain(batch, head, true, SOU_BATCH_BYTES_MAX + 1, &net, &scope, &count);
	CHECK_INT("P11.6 above 4 MiB", rc, ==, SOU_ELIMIT);
	rc = drain(batch, head, false, UINT64_MAX, &net, &scope, &count);
	CHECK_INT("P11.6 type's maximum", rc, ==, SOU_ELIMIT);
	rc = drain(batch, (struct sou_span){NULL, 0}, true, 0, &net, &scope, &count);
	CHECK_INT("P11.6 nothing", rc, ==, SOU_EFORMAT);
	sou_batch_free(NULL);
}
