/* main_codec_corpus.c - write the seed corpora of fuzz_mp, _header, _payload, _authop, _batch and
 * _invite: codec_corpus, into tests/fuzz/corpus of the source tree. */
#include <stdio.h>
#include <sys/stat.h>

#include "proto/batch.h"
#include "proto/invite.h"
#include "tests/proto/notation.h"
#include "tests/proto/sample.h"

#define FOLDER SOU_SOURCE_DIR "/tests/fuzz/corpus"

static void put(const char *name, const char *seed, struct sou_span bytes)
{
	char path[4096];
	(void)snprintf(path, sizeof path, FOLDER "/%s", name);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof path, FOLDER "/%s/%s", name, seed);
	FILE *f = fopen(path, "wb");
	REQUIRE(path, f != NULL);
	REQUIRE(path, fwrite(bytes.p, 1, bytes.n, f) == bytes.n);
	REQUIRE(path, fclose(f) == 0);
}

static const struct {
	const char *name, *seed, *text;
} seeds[] = {
	{"mp", "nil", "~"},
	{"mp", "uints",
	 "[0 127 128 255 256 65535 65536 4294967295 4294967296 18446744073709551615]"},
	{"mp", "ints",
	 "[-1 -32 -33 -128 -129 -32768 -32769 -2147483648 -2147483649 -9223372036854775807]"},
	{"mp", "strs", "[x:a0 s:a s31:b s32:c s255:d s256:e]"},
	{"mp", "utf8",
	 "[s:\xc3\xa9\xe6\xbc\xa2\xf0\xa0\xae\xb7 s:\xed\x9f\xbf\xee\x80\x80 s:\xf4\x8f\xbf\xbf]"},
	{"mp", "bins", "[b0: b1:00 b16:01 b32:02 b255:03 b256:04]"},
	{"mp", "names", "[[b16:00+1 b16:00+2] [b32:00+1 b32:00+2] [15*(0)] [16*(0)]]"},
	{"mp", "deep", "[[[[] ~] 1] s:x]"},
	{"mp", "float", "x:cb0000000000000000"},
	{"mp", "map", "x:8100c0"},
	{"mp", "long-form", "x:cd0001"},
	{"mp", "count-above", "x:dcffff0000"},
	{"header", "data",
	 "[0 0 b16:a1 b16:a2 b16:a3 b16:a4 1 b32:a5 111411200000000000 0 b16:a6 b16:a7 300 "
	 "b32:a8]"},
	{"header", "control",
	 "[0 1 b16:a1 b16:a2 b16:a3 b16:a4 281474976710655 b32:a5 0 255 b16:a6 b16:a7 49152 "
	 "b32:a8]"},
	{"header", "opening",
	 "[0 2 b16:a1 b16:a2 b16:a3 b16:a4 9 b32:a5 5 1 b16:a6 b16:a7 1 b32:a8]"},
	{"header", "newer", "[1 0 b16:a1 b16:a2 b16:a3 b16:a4 9 b32:a5 s:more]"},
	{"payload", "text", "[0 b16:5a b16:11 s:name [] 0 [[1 16 b16:e1 1 s:text [b16:21]]]]"},
	{"payload", "many",
	 "[0 b16:5a b16:11 s:name [b32:01 b32:02] [b32:07] [[5 16 b16:e1 1 s:x []] [1 18 b16:e2 1 "
	 "1 []] "
	 "[4 20 b16:e3 1 ~ []] [2 16 b16:e5 0 ~ [b16:01 b16:02]] [1 16 b16:e6 2 b5:01 []] "
	 "[1 17 b16:e6 1 [-5 2] []]]]"},
	{"payload", "adopt", "[0 b16:5a b16:11 x:a0 [] 0 [[16 0 b16:00 0 [b32:01 b32:02] []]]]"},
	{"payload", "opening", "[0 b16:5a b16:11 s:name [] 0 [[18 0 b16:00 0 s:why []]]]"},
	{"payload", "too-new",
	 "[0 b16:5a b16:11 s:name [] 1 [[9 99 b16:e1 1 s:text []] [1 16 b16:e1 99 ~ []]]]"},
	{"payload", "malformed",
	 "[0 b16:5a b16:11 s:name [] 0 [[1 16 b16:e1 1 s:x []] [1 16 b16:e1 1 s:y []]]]"},
	{"payload", "redacted",
	 "[1 [b32:c0 b16:c1 b32:c2] b16:11 ~ [] 0 [[1 16 b16:e1 1 s:text []] [4 20 b16:e3 1 ~ []] "
	 "[1 16 b16:e1 3 ~ []]]]"},
	{"authop", "orgs",
	 "[0 b16:01 7 b32:02 1 0 [[2 b16:21 3 s:h s:n s:s s:c] [2 0 4 s:h s:n s:s s:c] [3 b16:31 "
	 "s:n s:s "
	 "s:2026-04-01] [4 b16:31 b16:32] [5 b16:31]]]"},
	{"authop", "sites",
	 "[0 b16:01 7 b32:02 1 0 [[6 b32:61 b16:62 s:name 3 99] [7 b16:71] [9 b16:91 b32:92 b32:93 "
	 "b16:94 "
	 "s:n] [10 b16:a1 3 1 b16:a2 [b16:a3 b32:01 b16:a3 b32:02]]]]"},
	{"authop", "enrol", "[0 b16:01 7 b32:02 3 0 [[8 b16:81 b16:82 b32:83 b32:84 b64:85]]]"},
	{"authop", "cuts",
	 "[0 b16:01 7 b32:02 1 0 [[11 b32:b0 b16:b1 1 ~ 0 [b16:b3 0 b16:b4 2 b32:05 b32:06]] [12 "
	 "b16:c1 "
	 "b16:c2 [b16:c3 1 b32:01]] [13 b16:d1 b16:d2 b16:d3 [b32:07]] [14 b16:d1 b16:d2 b16:d3 "
	 "[]] [15 4 "
	 "[b32:01 0 b32:01 3]]]]"},
	{"authop", "root", "[0 b16:01 9 b32:02 2 3 [[1 2 [b32:11 b32:12 b32:13] b32:14] [16]]]"},
	{"authop", "genesis",
	 "[0 b16:01 0 b32:00 0 0 [[1 1 [b32:11] b32:12] [2 ~ 1 s:hq s:n s:s s:c] [9 b16:91 b32:92 "
	 "b32:93 "
	 "b16:00 s:n] [17 b32:94 b32:95] [10 b16:91 64 3 b16:00 []]]]"},
	{"authop", "too-new", "[0 b16:01 7 b32:02 1 0 [[18 s:x [1 2]] [5 b16:31]]]"},
	{"authop", "signatures", "[[b16:01 b64:02] [b16:03 b64:04]]"},
	{"batch", "empty", "x:00 x:90"},
};

static void put_batches(void)
{
	struct sou_batch *batch = NULL;
	struct sample_chain chain, other;
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	sample_chain_init(&chain, 1);
	sample_chain_init(&other, 2);
	chain.next.net = other.next.net = (struct sou_id){{1}};
	chain.next.scope = other.next.scope = (struct sou_id){{2}};
	for (int large = 0; large < 2; large++) {
		const uint16_t gone[] = {0, 1};
		struct sou_buf data = {0}, seed = {0};
		struct sou_batch_sent sent;
		sou_batch_begin(batch, SIZE_MAX);
		for (int i = 0; i < (large ? 30 : 3); i++) {
			struct sample s = i == 1 ? sample_ops(&chain, SOU_ENTRY_OPENING,
							      "[[18 0 b16:00 0 s:why []]]")
						 : sample_text(i % 3 == 2 ? &other : &chain, 20);
			struct sou_batch_item item = {s.header, s.payload, s.signature, i % 4 == 0,
						      s.id};
			if (i % 5 == 3)
				item.payload = sample_redacted(&s, gone, 2);
			else if (i % 7 == 5)
				item.payload.n = 0;
			REQUIRE("add", sou_batch_add(batch, &item) == SOU_OK);
		}
		REQUIRE("end", sou_batch_end(batch, &data, &sent) == SOU_OK);
		sou_buf_put_u8(&seed, sent.is_zstd);
		if (sent.is_zstd)
			sou_buf_put_u32be(&seed, (uint32_t)sent.raw_bytes);
		sou_buf_put(&seed, data.p, data.n);
		put("batch", large ? "compressed" : "plain", sou_buf_span(&seed));
		sou_buf_fini(&seed);
		sou_buf_fini(&data);
	}
	sou_batch_free(batch);
}

TEST(codec, corpus)
{
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++)
		put(seeds[i].name, seeds[i].seed, notation_span(seeds[i].text));
	put_batches();
	struct sou_invite invite = {.address = "hub.example:4980", .secret = {1, 2, 3}};
	char text[SOU_INVITE_TEXT_BYTES_MAX];
	size_t n = 0;
	REQUIRE("invite", sou_invite_write(&invite, text, &n) == SOU_OK);
	put("invite", "good", (struct sou_span){(const uint8_t *)text, n});
	put("invite", "short", (struct sou_span){(const uint8_t *)text, n / 2});
	put("invite", "newer", (struct sou_span){(const uint8_t *)"soukatsu2-lgCw", 14});
}
