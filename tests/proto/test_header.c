/* test_header.c - the 14 members of a header, each at its bounds (P5). */
#include "proto/header.h"

#include "proto/crypto.h"
#include "proto/facts.h"
#include "proto/limits.h"
#include "tests/proto/notation.h"

#define NAMES "b16:a1 b16:a2 b16:a3 b16:a4"
#define REST  "b32:a5 6619136 0 b16:a6 b16:a7 300 b32:a8"

static const struct {
	const char *name, *text;
	int rc;
} cases[] = {
	{"P5.1 data", "[0 0 " NAMES " 1 " REST "]", SOU_OK},
	{"P5.1 control", "[0 1 " NAMES " 1 " REST "]", SOU_OK},
	{"P5.1 epoch-open", "[0 2 " NAMES " 1 " REST "]", SOU_OK},
	{"P5.4 kind 3", "[0 3 " NAMES " 1 " REST "]", SOU_EFORMAT},
	{"P5.4 kind, type's maximum", "[0 18446744073709551615 " NAMES " 1 " REST "]", SOU_EFORMAT},
	{"P5.4 version 1", "[1 0 " NAMES " 1 " REST "]", SOU_ETOONEW},
	{"P5.4 version 1 with more members", "[1 0 " NAMES " 1 " REST " 7]", SOU_ETOONEW},
	{"P5.4 version -1", "[-1 0 " NAMES " 1 " REST "]", SOU_EFORMAT},
	{"P2.6 one member more", "[0 0 " NAMES " 1 " REST " 0]", SOU_EFORMAT},
	{"P2.6 one member fewer", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 300]", SOU_EFORMAT},
	{"P2.4 a byte after", "[0 0 " NAMES " 1 " REST "] 0", SOU_EFORMAT},
	{"P5.1 seq 0", "[0 0 " NAMES " 0 " REST "]", SOU_EFORMAT},
	{"P5.1 seq 2^48-1", "[0 0 " NAMES " 281474976710655 " REST "]", SOU_OK},
	{"P5.1 seq 2^48", "[0 0 " NAMES " 281474976710656 " REST "]", SOU_ELIMIT},
	{"P5.1 seq 2^64-1", "[0 0 " NAMES " 18446744073709551615 " REST "]", SOU_ELIMIT},
	{"P5.1 seq -1", "[0 0 " NAMES " -1 " REST "]", SOU_EFORMAT},
	{"P5.1 net of 15", "[0 0 b15:a1 b16:a2 b16:a3 b16:a4 1 " REST "]", SOU_EFORMAT},
	{"P5.1 site of 17", "[0 0 b16:a1 b17:a2 b16:a3 b16:a4 1 " REST "]", SOU_EFORMAT},
	{"P5.1 scope nil", "[0 0 b16:a1 b16:a2 ~ b16:a4 1 " REST "]", SOU_EFORMAT},
	{"P5.1 epoch str", "[0 0 b16:a1 b16:a2 b16:a3 s16:x 1 " REST "]", SOU_EFORMAT},
	{"P5.1 prev of 16", "[0 0 " NAMES " 1 b16:a5 5 0 b16:a6 b16:a7 300 b32:a8]", SOU_EFORMAT},
	{"P5.1 hlc 0", "[0 0 " NAMES " 1 b32:a5 0 0 b16:a6 b16:a7 300 b32:a8]", SOU_OK},
	{"P5.1 hlc 2^64-1",
	 "[0 0 " NAMES " 1 b32:a5 18446744073709551615 0 b16:a6 b16:a7 300 b32:a8]", SOU_OK},
	{"P5.1 hlc -1", "[0 0 " NAMES " 1 b32:a5 -1 0 b16:a6 b16:a7 300 b32:a8]", SOU_EFORMAT},
	{"P5.1 clock 255", "[0 0 " NAMES " 1 b32:a5 5 255 b16:a6 b16:a7 300 b32:a8]", SOU_OK},
	{"P5.1 clock 256", "[0 0 " NAMES " 1 b32:a5 5 256 b16:a6 b16:a7 300 b32:a8]", SOU_ELIMIT},
	{"P5.1 payload 0", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 0 b32:a8]", SOU_EFORMAT},
	{"P5.1 payload 1", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 1 b32:a8]", SOU_OK},
	{"P5.1 payload 49152", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 49152 b32:a8]", SOU_OK},
	{"P5.1 payload 49153", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 49153 b32:a8]",
	 SOU_ELIMIT},
	{"P5.1 payload 2^32", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 4294967296 b32:a8]",
	 SOU_ELIMIT},
	{"P5.1 hash of 31", "[0 0 " NAMES " 1 b32:a5 5 0 b16:a6 b16:a7 300 b31:a8]", SOU_EFORMAT},
	{"P5.1 no array", "0", SOU_EFORMAT},
	{"P5.2 above 2048 bytes", "[1 s2100:x]", SOU_ELIMIT},
};

TEST(header, read)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_span bytes = notation_span(cases[i].text);
		struct sou_header h, untouched;
		memset(&h, 0x5a, sizeof h);
		memcpy(&untouched, &h, sizeof h);
		CHECK_INT(cases[i].name, sou_header_read(&h, bytes), ==, cases[i].rc);
		if (cases[i].rc != SOU_OK) {
			CHECK_MEM(cases[i].name, &h, sizeof h, &untouched, sizeof h);
			continue;
		}
		struct sou_buf again = {0};
		sou_header_pack(&again, &h);
		CHECK_MEM("P2.5 same bytes", again.p, again.n, bytes.p, bytes.n);
		sou_buf_fini(&again);
		for (size_t n = 0; n < bytes.n; n++) {
			struct test_bytes cut = test_copy(bytes.p, n);
			struct sou_span span = {cut.b, cut.n};
			CHECK_INT(test_printf("%s, cut at %zu", cases[i].name, n),
				  sou_header_read(&h, span), ==, SOU_EFORMAT);
		}
	}
}

TEST(header, members)
{
	struct sou_header h;
	struct sou_span bytes =
		notation_span("[0 1 " NAMES " 258 b32:a5 6619136 3 b16:a6 b16:a7 300 b32:a8]");
	REQUIRE("P5.1", sou_header_read(&h, bytes) == SOU_OK);
	CHECK_INT("P5.1 kind", h.kind, ==, SOU_ENTRY_CONTROL);
	CHECK_INT("P5.1 net", h.net.b[0], ==, 0xa1);
	CHECK_INT("P5.1 site", h.site.b[15], ==, 0xa2);
	CHECK_INT("P5.1 scope", h.scope.b[0], ==, 0xa3);
	CHECK_INT("P5.1 epoch", h.epoch.b[0], ==, 0xa4);
	CHECK_INT("P5.1 seq", h.seq, ==, 258);
	CHECK_INT("P5.1 prev", h.prev.b[31], ==, 0xa5);
	CHECK_U64("P5.1 hlc", h.hlc, ==, 6619136);
	CHECK_INT("P5.1 clock flags", h.clock, ==, 3);
	CHECK_INT("P5.1 authority head", h.authority.b[0], ==, 0xa6);
	CHECK_INT("P5.1 key id", h.key.b[0], ==, 0xa7);
	CHECK_INT("P5.1 payload length", h.payload_bytes, ==, 300);
	CHECK_INT("P5.1 payload hash", h.payload_hash.b[0], ==, 0xa8);

	struct sou_buf text = {0};
	sou_buf_put(&text, "soukatsu/v1/entry-id", 21);
	sou_buf_put(&text, bytes.p, bytes.n);
	struct sou_hash want = sou_sha256(text.p, text.n), got = sou_entry_id(bytes);
	CHECK_MEM("P5.2 id", got.b, 32, want.b, 32);
	sou_buf_fini(&text);
}
