/* test_payload.c - what is a payload and what is not, one hash from both forms, and what is
 * malformed, too new or lacking (P6). */
#include "proto/payload.h"

#include "proto/crypto.h"
#include "proto/limits.h"
#include "tests/proto/notation.h"

#define F  "0 b16:5a b16:11 s:name" /* full: form, salt, for, by */
#define OP "[1 16 b16:e1 1 s:text []]"
#define R  "1 [b16:c0 b16:c1] b16:11 s:name" /* redacted, nothing went */

static const struct {
	const char *name, *text;
	int rc;
} shapes[] = {
	{"P6.1 without ops", "[" F " [] 0 []]", SOU_OK},
	{"P6.1 one op", "[" F " [] 0 [" OP "]]", SOU_OK},
	{"P6.1 two ops", "[" F " [] 0 [" OP " [2 16 b16:e1 0 ~ [b16:01 b16:02]]]]", SOU_OK},
	{"P6.1 a part", "[" F " [] 1 []]", SOU_OK},
	{"P6.1 closes parts", "[" F " [] [b32:01 b32:02] []]", SOU_OK},
	{"P6.1 part 2", "[" F " [] 2 []]", SOU_EFORMAT},
	{"P6.1 part nil", "[" F " [] ~ []]", SOU_EFORMAT},
	{"P6.1 closes none", "[" F " [] [] []]", SOU_EFORMAT},
	{"P6.1 closes one twice", "[" F " [] [b32:01 b32:01] []]", SOU_EFORMAT},
	{"P6.1 parts descend", "[" F " [] [b32:02 b32:01] []]", SOU_EFORMAT},
	{"P6.1 parts of 16", "[" F " [] [b16:01] []]", SOU_EFORMAT},
	{"P6.1 1024 parts", "[" F " [] [1024*(b32:00+)] []]", SOU_OK},
	{"P6.1 1025 parts", "[" F " [] [1025*(b32:00+)] []]", SOU_ELIMIT},
	{"P6.1 64 cites", "[" F " [64*(b32:00+)] 0 []]", SOU_OK},
	{"P6.1 65 cites", "[" F " [65*(b32:00+)] 0 []]", SOU_ELIMIT},
	{"P6.1 cites descend", "[" F " [b32:02 b32:01] 0 []]", SOU_EFORMAT},
	{"P6.1 cites nil", "[" F " ~ 0 []]", SOU_EFORMAT},
	{"P6.1 form 2", "[2 b16:5a b16:11 s:name [] 0 []]", SOU_EFORMAT},
	{"P6.1 salt of 15", "[0 b15:5a b16:11 s:name [] 0 []]", SOU_EFORMAT},
	{"P6.1 salts in full form", "[0 [b16:5a] b16:11 s:name [] 0 []]", SOU_EFORMAT},
	{"P6.1 for of 32", "[0 b16:5a b32:11 s:name [] 0 []]", SOU_EFORMAT},
	{"P6.1 by nil", "[0 b16:5a b16:11 ~ [] 0 []]", SOU_EFORMAT},
	{"P6.1 by empty", "[0 b16:5a b16:11 x:a0 [] 0 []]", SOU_OK},
	{"P6.1 by of 200", "[0 b16:5a b16:11 s200:x [] 0 []]", SOU_OK},
	{"P6.1 by of 201", "[0 b16:5a b16:11 s201:x [] 0 []]", SOU_ELIMIT},
	{"P2.6 a member more", "[" F " [] 0 [] 0]", SOU_EFORMAT},
	{"P2.6 a member fewer", "[" F " [] 0]", SOU_EFORMAT},
	{"P2.4 a byte after", "[" F " [] 0 []] 0", SOU_EFORMAT},
	{"P6.1 512 ops", "[" F " [] 0 [512*([1 16 b16:e1+ 1 ~ []])]]", SOU_OK},
	{"P6.1 513 ops", "[" F " [] 0 [513*([1 16 b16:e1+ 1 ~ []])]]", SOU_ELIMIT},
	{"P6.2 op of five", "[" F " [] 0 [[1 16 b16:e1 1 s:text]]]", SOU_EFORMAT},
	{"P6.2 op of seven", "[" F " [] 0 [[1 16 b16:e1 1 s:text [] 0]]]", SOU_EFORMAT},
	{"P6.2 numbers 65535", "[" F " [] 0 [[65535 65535 b16:e1 65535 s:text []]]]", SOU_OK},
	{"P6.2 type 65536", "[" F " [] 0 [[65536 16 b16:e1 1 s:text []]]]", SOU_ELIMIT},
	{"P6.2 kind 65536", "[" F " [] 0 [[1 65536 b16:e1 1 s:text []]]]", SOU_ELIMIT},
	{"P6.2 field 65536", "[" F " [] 0 [[1 16 b16:e1 65536 s:text []]]]", SOU_ELIMIT},
	{"P6.2 type -1", "[" F " [] 0 [[-1 16 b16:e1 1 s:text []]]]", SOU_EFORMAT},
	{"P6.2 entity of 15", "[" F " [] 0 [[1 16 b15:e1 1 s:text []]]]", SOU_EFORMAT},
	{"P6.2 value of any type", "[" F " [] 0 [[1 16 b16:e1 1 [~ 1 -1 s:x b3:00] []]]]", SOU_OK},
	{"P6.2 value of 4096 members", "[" F " [] 0 [[1 16 b16:e1 1 [4096*(0)] []]]]", SOU_OK},
	{"P6.2 value of 4097 members", "[" F " [] 0 [[1 16 b16:e1 1 [4097*(0)] []]]]", SOU_ELIMIT},
	{"P2.3 list within a value", "[" F " [] 0 [[1 16 b16:e1 1 [[]] []]]]", SOU_EFORMAT},
	{"P6.2 256 replaces", "[" F " [] 0 [[1 16 b16:e1 1 s:x [256*(b16:00+)]]]]", SOU_OK},
	{"P6.2 257 replaces", "[" F " [] 0 [[1 16 b16:e1 1 s:x [257*(b16:00+)]]]]", SOU_ELIMIT},
	{"P6.2 replaces descend", "[" F " [] 0 [[1 16 b16:e1 1 s:x [b16:02 b16:01]]]]",
	 SOU_EFORMAT},
	{"P6.2 replaces of 32", "[" F " [] 0 [[1 16 b16:e1 1 s:x [b32:02]]]]", SOU_EFORMAT},
	{"P6.1 redacted, nothing went", "[" R " [] 0 [" OP "]]", SOU_OK},
	{"P6.1 redacted, by went", "[1 [b32:c0 b16:c1] b16:11 ~ [] 0 [" OP "]]", SOU_OK},
	{"P6.1 redacted, value went",
	 "[1 [b16:c0 b32:c1] b16:11 s:name [] 0 [[1 16 b16:e1 1 ~ []]]]", SOU_OK},
	{"P6.7 bin 32 beside a value", "[1 [b16:c0 b32:c1] b16:11 s:name [] 0 [" OP "]]",
	 SOU_EFORMAT},
	{"P6.7 bin 32 beside by", "[1 [b32:c0 b16:c1] b16:11 s:name [] 0 [" OP "]]", SOU_EFORMAT},
	{"P6.7 bin 16 beside by nil", "[1 [b16:c0 b16:c1] b16:11 ~ [] 0 [" OP "]]", SOU_EFORMAT},
	{"P6.1 bin 16 beside a nil that stays", "[" R " [] 0 [[2 16 b16:e1 0 ~ []]]]", SOU_OK},
	{"P6.1 one salt fewer", "[1 [b16:c0] b16:11 s:name [] 0 [" OP "]]", SOU_EFORMAT},
	{"P6.1 one salt more", "[1 [b16:c0 b16:c1 b16:c2] b16:11 s:name [] 0 [" OP "]]",
	 SOU_EFORMAT},
	{"P6.1 no salts", "[1 [] b16:11 s:name [] 0 []]", SOU_EFORMAT},
	{"P6.1 a salt of 17", "[1 [b16:c0 b17:c1] b16:11 s:name [] 0 [" OP "]]", SOU_EFORMAT},
	{"P6.1 a salt nil", "[1 [b16:c0 ~] b16:11 s:name [] 0 [" OP "]]", SOU_EFORMAT},
	{"P6.1 entry salt in redacted form", "[1 b16:5a b16:11 s:name [] 0 [" OP "]]", SOU_EFORMAT},
	{"P6.3 control: no salt", "[1 [b16:c0] b16:11 s:name [] 0 [[20 0 b16:00 0 ~ []]]]", SOU_OK},
	{"P6.3 control with a salt", "[" R " [] 0 [[20 0 b16:00 0 ~ []]]]", SOU_EFORMAT},
	{"P6.3 type 31: no salt", "[1 [b16:c0] b16:11 s:name [] 0 [[31 0 b16:00 0 ~ []]]]", SOU_OK},
	{"P6.3 type 32: a salt", "[" R " [] 0 [[32 0 b16:00 0 ~ []]]]", SOU_OK},
	{"P6.3 consent: no salt", "[1 [b16:c0] b16:11 s:name [] 0 [[4 20 b16:e1 1 ~ []]]]", SOU_OK},
	{"P6.1 redacted, all of 512 went",
	 "[1 [513*(b32:00+)] b16:11 ~ [] 0 [512*([1 16 b16:e1+ 1 ~ []])]]", SOU_OK},
	{"P6.1 redacted, 514 salts",
	 "[1 [514*(b32:00+)] b16:11 ~ [] 0 [512*([1 16 b16:e1+ 1 ~ []])]]", SOU_ELIMIT},
};

TEST(payload, shape)
{
	struct sou_payload payload = {0};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct sou_span bytes = notation_span(shapes[i].text);
		CHECK_INT(shapes[i].name, sou_payload_read(&payload, bytes), ==, shapes[i].rc);
		for (size_t n = 0; shapes[i].rc == SOU_OK && n < bytes.n && bytes.n < 1000; n++) {
			struct test_bytes cut = test_copy(bytes.p, n);
			struct sou_span span = {cut.b, cut.n};
			CHECK_INT(test_printf("%s, cut at %zu", shapes[i].name, n),
				  sou_payload_read(&payload, span), ==, SOU_EFORMAT);
		}
	}
	sou_payload_fini(&payload);
	sou_payload_fini(NULL);
}

/* One struct reads many payloads: nothing of one stays for the next. */
TEST(payload, read_again)
{
	struct sou_payload payload = {0};
	struct sou_span closes = notation_span("[" F " [] [b32:01 b32:02] []]"),
			plain = notation_span("[" F " [] 0 []]");
	REQUIRE("P6.1 closes", sou_payload_read(&payload, closes) == SOU_OK);
	CHECK_INT("P6.1 closes", payload.parts.count, ==, 2);
	REQUIRE("P6.1 plain", sou_payload_read(&payload, plain) == SOU_OK);
	CHECK_INT("P6.1 plain", payload.parts.count, ==, 0);
	CHECK_INT("P6.1 plain", payload.part, ==, SOU_PART_NONE);
	sou_payload_fini(&payload);
}

#define LARGE "4*([1 16 b16:e2+ 1 s8192:x []]) [1 16 b16:e3 1 s"

TEST(payload, bytes)
{
	static const struct {
		const char *name, *before;
		size_t guess;
		const char *after;
		size_t total;
		int rc;
	} sizes[] = {
		{"P6.1 full form, at the limit", "[" F " [] 0 [[1 16 b16:e1 1 s8192:x []] " LARGE,
		 7000, ":x []]]]", SOU_PAYLOAD_BYTES_MAX, SOU_OK},
		{"P6.1 full form, one past", "[" F " [] 0 [[1 16 b16:e1 1 s8192:x []] " LARGE, 7000,
		 ":x []]]]", SOU_PAYLOAD_BYTES_MAX + 1, SOU_ELIMIT},
		{"P6.1 redacted form, at the limit", "[" R " [] 0 [[1 16 b16:e1 1 b", 67000,
		 ":00 []]]]", SOU_REDACTED_BYTES_MAX, SOU_OK},
		{"P6.1 redacted form, one past", "[" R " [] 0 [[1 16 b16:e1 1 b", 67000,
		 ":00 []]]]", SOU_REDACTED_BYTES_MAX + 1, SOU_ELIMIT},
	};
	struct sou_payload payload = {0};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct sou_span bytes = notation_sized(sizes[i].before, sizes[i].guess,
						       sizes[i].after, sizes[i].total);
		CHECK_INT(sizes[i].name, sou_payload_read(&payload, bytes), ==, sizes[i].rc);
	}
	sou_payload_fini(&payload);
}

TEST(payload, members)
{
	struct sou_payload payload = {0};
	struct sou_span bytes =
		notation_span("[0 b16:5a b16:11 s:name [b32:01] [b32:07 b32:08] "
			      "[[1 16 b16:e1 1 s:text [b16:21]] [4 20 b16:e2 2 5 []]]]");
	REQUIRE("P6.1", sou_payload_read(&payload, bytes) == SOU_OK);
	CHECK_INT("P6.1 form", payload.form, ==, SOU_FORM_FULL);
	CHECK_INT("P6.1 for", payload.for_org.b[0], ==, 0x11);
	CHECK_MEM("P6.1 by", payload.by.p, payload.by.n, "name", 4);
	CHECK_INT("P6.1 cites", payload.cites.count, ==, 1);
	CHECK_INT("P6.1 part", payload.part, ==, SOU_PART_CLOSES);
	CHECK_INT("P6.1 parts", payload.parts.count, ==, 2);
	CHECK_INT("P6.1 ops", payload.op_count, ==, 2);
	CHECK_INT("P6.3 committed", payload.committed_count, ==, 2);
	const struct sou_op *op = &payload.ops[0];
	CHECK_INT("P6.2 type", op->type, ==, 1);
	CHECK_INT("P6.2 kind", op->kind, ==, 16);
	CHECK_INT("P6.2 field", op->field, ==, 1);
	CHECK_INT("P6.2 entity", op->entity.b[0], ==, 0xe1);
	CHECK_MEM("P6.2 value", op->value.p, op->value.n, "\xa4text", 5);
	CHECK_INT("P6.2 replaces", op->replaces.count, ==, 1);
	CHECK_INT("P6.2 replaces", sou_mp_list_id(&op->replaces, 0).b[3], ==, 0x21);
	CHECK("P6.3 committed", op->is_committed && !payload.ops[1].is_committed);
	sou_payload_fini(&payload);
}

static struct sou_hash hash_of(struct sou_payload *payload, struct sou_span bytes)
{
	struct sou_buf scratch = {0};
	struct sou_hash hash;
	REQUIRE("read", sou_payload_read(payload, bytes) == SOU_OK);
	REQUIRE("hash", sou_payload_hash(payload, &scratch, &hash) == SOU_OK);
	sou_buf_fini(&scratch);
	return hash;
}

static struct sou_hash commit(uint32_t index, const char *value)
{
	uint8_t salt[16], entry_salt[16];
	memset(entry_salt, 0x5a, sizeof entry_salt);
	sou_salt(entry_salt, index, salt);
	struct sou_buf text = {0};
	sou_buf_put(&text, "soukatsu/v1/commit", 19);
	sou_buf_put(&text, salt, 16);
	struct sou_span bytes = notation_span(value);
	sou_buf_put(&text, bytes.p, bytes.n);
	struct sou_hash hash = sou_sha256(text.p, text.n);
	sou_buf_fini(&text);
	return hash;
}

#define OPS                                                                                        \
	"[1 16 b16:e1 1 s:text [b16:21]] [4 20 b16:e2 2 5 []] [2 16 b16:e3 0 ~ []] [9 16 b16:e4 "  \
	"7 [1 s:x] []]"

TEST(payload, hash)
{
	struct sou_payload payload = {0};
	struct sou_span full = notation_span("[" F " [b32:01] 1 [" OPS "]]");
	struct sou_hash got = hash_of(&payload, full);

	const char *c0 = test_hex_text(commit(0, "s:name").b, 32),
		   *c1 = test_hex_text(commit(1, "s:text").b, 32),
		   *c3 = test_hex_text(commit(3, "~").b, 32),
		   *c4 = test_hex_text(commit(4, "[1 s:x]").b, 32);
	struct sou_span inside = notation_span(test_printf(
		"[b16:11 h:%s [b32:01] 1 [[1 16 b16:e1 1 h:%s [b16:21]] [4 20 b16:e2 2 5 []] "
		"[2 16 b16:e3 0 h:%s []] [9 16 b16:e4 7 h:%s []]]]",
		c0, c1, c3, c4));
	struct sou_buf text = {0};
	sou_buf_put(&text, "soukatsu/v1/payload", 20);
	sou_buf_put(&text, inside.p, inside.n);
	struct sou_hash want = sou_sha256(text.p, text.n);
	CHECK_MEM("P6.6", got.b, 32, want.b, 32);
	sou_buf_fini(&text);

	/* One bit of anything changes it, or is no payload. */
	for (size_t bit = 0; bit < 8 * full.n; bit++) {
		struct test_bytes other = test_copy(full.p, full.n);
		other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		struct sou_span span = {other.b, other.n};
		struct sou_buf scratch = {0};
		struct sou_hash hash = got;
		if (sou_payload_read(&payload, span) == SOU_OK) {
			CHECK_INT("P6.6", sou_payload_hash(&payload, &scratch, &hash), ==, SOU_OK);
			CHECK(test_printf("P6.6 bit %zu", bit), !sou_hash_eq(&hash, &got));
		}
		sou_buf_fini(&scratch);
	}
	sou_payload_fini(&payload);
}

TEST(payload, redact)
{
	static const struct {
		const char *name;
		uint16_t indices[6];
		size_t count;
		const char *went; /* of index 0..4: y, or - */
	} cases[] = {
		{"P6.1 none", {0}, 0, "-----"},
		{"P6.1 by", {0}, 1, "y----"},
		{"P6.1 one value", {1}, 1, "-y---"},
		{"P6.3 a consent stays", {2}, 1, "-----"},
		{"P6.1 a delete's nil", {3}, 1, "---y-"},
		{"P6.1 of a newer op", {4}, 1, "----y"},
		{"P6.1 all, and beyond", {0, 1, 2, 3, 4, 65535}, 6, "yy-yy"},
	};
	struct sou_payload payload = {0}, again = {0};
	struct sou_span full = notation_span("[" F " [b32:01] 1 [" OPS "]]");
	struct sou_hash want = hash_of(&payload, full);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		struct sou_buf form = {0}, form2 = {0};
		REQUIRE(name, sou_payload_read(&payload, full) == SOU_OK);
		CHECK_INT(name,
			  sou_payload_redact(&payload, cases[i].indices, cases[i].count, &form), ==,
			  SOU_OK);
		struct sou_hash got = hash_of(&again, sou_buf_span(&form));
		CHECK_MEM("P6.6 both forms give the same hash", got.b, 32, want.b, 32);
		CHECK_INT(name, again.by_went, ==, cases[i].went[0] == 'y');
		for (uint32_t k = 0; k < 4; k++) {
			CHECK_INT(name, again.ops[k].went, ==, cases[i].went[k + 1] == 'y');
			CHECK_INT(name, again.ops[k].value.n == 1 || !again.ops[k].went, ==, 1);
		}
		/* From the redacted form again: what went stays away, and the rest can still go. */
		const uint16_t more[] = {1, 4};
		CHECK_INT(name, sou_payload_redact(&again, more, 2, &form2), ==, SOU_OK);
		got = hash_of(&payload, sou_buf_span(&form2));
		CHECK_MEM("P6.6 from the redacted form", got.b, 32, want.b, 32);
		CHECK(name, payload.ops[0].went && payload.ops[3].went);
		CHECK_INT(name, payload.by_went, ==, cases[i].went[0] == 'y');
		sou_buf_fini(&form);
		sou_buf_fini(&form2);
	}
	sou_payload_fini(&payload);
	sou_payload_fini(&again);
}

TEST(payload, redact_largest)
{
	/* 49,152 bytes of which all but the smallest values stay: the salts are what makes it
	 * longer. */
	struct sou_payload payload = {0};
	struct sou_span full = notation_sized("[" F " [] 0 [507*([1 16 b16:e1+ 1 ~ []]) " LARGE,
					      2000, ":x []]]]", SOU_PAYLOAD_BYTES_MAX);
	struct sou_hash want = hash_of(&payload, full);
	uint16_t indices[508];
	for (uint16_t i = 0; i < 508; i++)
		indices[i] = i;
	struct sou_buf form = {0};
	CHECK_INT("P6.1", sou_payload_redact(&payload, indices, 508, &form), ==, SOU_OK);
	CHECK_INT("P6.1 longer than the full form may be", form.n, >, SOU_PAYLOAD_BYTES_MAX);
	struct sou_hash got = hash_of(&payload, sou_buf_span(&form));
	CHECK_MEM("P6.6", got.b, 32, want.b, 32);
	sou_buf_fini(&form);
	sou_payload_fini(&payload);
}

static const struct {
	const char *name;
	enum sou_entry_kind kind;
	const char *rest; /* cites, part, ops */
	enum sou_body body;
	const char *lacking; /* of the ops: y or - */
} judged[] = {
	{"P7.4 text", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 1 s:x []]]", SOU_BODY_OK, "-"},
	{"P6.8 text with a number", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 1 5 []]]", SOU_BODY_OK,
	 "y"},
	{"P6.8 text nil", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 1 ~ []]]", SOU_BODY_OK, "y"},
	{"P7.4 uint", SOU_ENTRY_DATA, "[] 0 [[1 18 b16:e1 1 5 []]]", SOU_BODY_OK, "-"},
	{"P6.8 uint below 0", SOU_ENTRY_DATA, "[] 0 [[1 18 b16:e1 1 -5 []]]", SOU_BODY_OK, "y"},
	{"P7.4 uint or nil", SOU_ENTRY_DATA, "[] 0 [[1 3 b16:e1 2 ~ []]]", SOU_BODY_OK, "-"},
	{"P7.4 id", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 3 b16:01 []]]", SOU_BODY_OK, "-"},
	{"P6.8 id of 15", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 3 b15:01 []]]", SOU_BODY_OK, "y"},
	{"P6.8 id of 17", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 3 b17:01 []]]", SOU_BODY_OK, "y"},
	{"P7.4 place of 5", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 2 b5:01 []]]", SOU_BODY_OK, "-"},
	{"P7.4 place of 64", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 2 b64:01 []]]", SOU_BODY_OK, "-"},
	{"P6.8 place of 4", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 2 b4:01 []]]", SOU_BODY_OK, "y"},
	{"P6.8 place of 65", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 2 b65:01 []]]", SOU_BODY_OK, "y"},
	{"P7.4 list", SOU_ENTRY_DATA, "[] 0 [[1 17 b16:e1 1 [5 1] []]]", SOU_BODY_OK, "-"},
	{"P7.4 list or nil", SOU_ENTRY_DATA, "[] 0 [[1 17 b16:e1 1 ~ []]]", SOU_BODY_OK, "-"},
	{"P7.6 any flat list", SOU_ENTRY_DATA, "[] 0 [[1 17 b16:e1 1 [s:x] []]]", SOU_BODY_OK, "-"},
	{"P6.8 list with a str", SOU_ENTRY_DATA, "[] 0 [[1 17 b16:e1 1 s:x []]]", SOU_BODY_OK, "y"},
	{"P6.8 mistyped beside good", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 1 s:x []] [1 16 b16:e1 3 5 []]]", SOU_BODY_OK, "-y"},
	{"P6.8 proxy is typed too", SOU_ENTRY_DATA, "[] 0 [[5 16 b16:e1 1 5 []]]", SOU_BODY_OK,
	 "y"},
	{"P6.8 set with field 0", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 0 s:x []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 consent with field 0", SOU_ENTRY_DATA, "[] 0 [[4 20 b16:e1 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 proxy with field 0", SOU_ENTRY_DATA, "[] 0 [[5 16 b16:e1 0 s:x []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.4 delete", SOU_ENTRY_DATA, "[] 0 [[2 16 b16:e1 0 ~ [b16:01]]]", SOU_BODY_OK, "-"},
	{"P6.8 delete with a field", SOU_ENTRY_DATA, "[] 0 [[2 16 b16:e1 1 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 delete with a value", SOU_ENTRY_DATA, "[] 0 [[2 16 b16:e1 0 s:x []]]", SOU_BODY_OK,
	 "y"},
	{"P6.8 consent mistyped", SOU_ENTRY_DATA, "[] 0 [[4 20 b16:e1 2 s:x []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.4 consent", SOU_ENTRY_DATA, "[] 0 [[4 20 b16:e1 2 1 []] [4 20 b16:e1 1 ~ []]]",
	 SOU_BODY_OK, "--"},
	{"P6.8 one field twice", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 1 s:x []] [1 16 b16:e1 1 s:y []]]", SOU_BODY_MALFORMED, "--"},
	{"P6.8 one field by set and proxy", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 1 s:x []] [5 16 b16:e1 1 s:x []]]", SOU_BODY_MALFORMED, "--"},
	{"P6.8 two deletes", SOU_ENTRY_DATA, "[] 0 [[2 16 b16:e1 0 ~ []] [2 16 b16:e1 0 ~ []]]",
	 SOU_BODY_MALFORMED, "--"},
	{"P6.8 another entity", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 1 s:x []] [1 16 b16:e2 1 s:y []]]", SOU_BODY_OK, "--"},
	{"P6.8 another kind", SOU_ENTRY_DATA,
	 "[] 0 [[1 21 b16:e1 1 s:x []] [1 34 b16:e1 1 s:y []]]", SOU_BODY_OK, "--"},
	{"P6.8 another field", SOU_ENTRY_DATA, "[] 0 [[2 16 b16:e1 0 ~ []] [1 16 b16:e1 1 s:y []]]",
	 SOU_BODY_OK, "--"},
	{"P6.9 type 3", SOU_ENTRY_DATA, "[] 0 [[3 16 b16:e1 1 5 []]]", SOU_BODY_TOONEW, "-"},
	{"P6.9 type 65535", SOU_ENTRY_DATA, "[] 0 [[65535 16 b16:e1 0 5 []]]", SOU_BODY_TOONEW,
	 "-"},
	{"P6.9 kind 35", SOU_ENTRY_DATA, "[] 0 [[1 35 b16:e1 1 5 []]]", SOU_BODY_TOONEW, "-"},
	{"P6.9 kind 0", SOU_ENTRY_DATA, "[] 0 [[1 0 b16:e1 1 5 []]]", SOU_BODY_TOONEW, "-"},
	{"P6.9 kind organisation", SOU_ENTRY_DATA, "[] 0 [[1 64 b16:e1 1 5 []]]", SOU_BODY_TOONEW,
	 "-"},
	{"P6.9 delete of kind 35", SOU_ENTRY_DATA, "[] 0 [[2 35 b16:e1 0 ~ []]]", SOU_BODY_TOONEW,
	 "-"},
	{"P6.9 field 7", SOU_ENTRY_DATA, "[] 0 [[1 16 b16:e1 7 5 []]]", SOU_BODY_TOONEW, "-"},
	{"P6.9 consent's field 4", SOU_ENTRY_DATA, "[] 0 [[4 20 b16:e1 4 5 []]]", SOU_BODY_TOONEW,
	 "-"},
	{"P6.9 beside a mistyped one", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 1 5 []] [3 16 b16:e1 1 5 []]]", SOU_BODY_MALFORMED, "y-"},
	{"P6.9 beside a mistyped other", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 1 5 []] [3 16 b16:e1 2 5 []]]", SOU_BODY_TOONEW, "y-"},
	{"P6.8 malformed goes first", SOU_ENTRY_DATA,
	 "[] 0 [[1 16 b16:e1 0 5 []] [3 16 b16:e1 2 5 []]]", SOU_BODY_MALFORMED, "--"},
	{"P6.8 control op in data", SOU_ENTRY_DATA, "[] 0 [[20 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 newer control op in data", SOU_ENTRY_DATA, "[] 0 [[31 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.2 heartbeat", SOU_ENTRY_CONTROL, "[] 0 [[20 0 b16:00 0 ~ []]]", SOU_BODY_OK, "-"},
	{"P7.2 close", SOU_ENTRY_CONTROL, "[] 0 [[19 0 b16:00 0 ~ []]]", SOU_BODY_OK, "-"},
	{"P7.2 adopt", SOU_ENTRY_CONTROL, "[] 0 [[16 0 b16:00 0 [b32:01] []]]", SOU_BODY_OK, "-"},
	{"P7.2 anchor of 1024", SOU_ENTRY_CONTROL, "[] 0 [[17 0 b16:00 0 [1024*(b32:00+)] []]]",
	 SOU_BODY_OK, "-"},
	{"P7.2 anchor of 1025", SOU_ENTRY_CONTROL, "[] 0 [[17 0 b16:00 0 [1025*(b32:00+)] []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.2 anchor of none", SOU_ENTRY_CONTROL, "[] 0 [[17 0 b16:00 0 [] []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.2 anchor, twice the same", SOU_ENTRY_CONTROL,
	 "[] 0 [[17 0 b16:00 0 [b32:01 b32:01] []]]", SOU_BODY_MALFORMED, "-"},
	{"P7.2 adopt, ids of 16", SOU_ENTRY_CONTROL, "[] 0 [[16 0 b16:00 0 [b16:01] []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.2 adopt nil", SOU_ENTRY_CONTROL, "[] 0 [[16 0 b16:00 0 ~ []]]", SOU_BODY_MALFORMED,
	 "-"},
	{"P7.2 heartbeat with a value", SOU_ENTRY_CONTROL, "[] 0 [[20 0 b16:00 0 5 []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P7.2 epoch-open", SOU_ENTRY_OPENING, "[] 0 [[18 0 b16:00 0 s:why []]]", SOU_BODY_OK, "-"},
	{"P7.2 epoch-open without reason", SOU_ENTRY_OPENING, "[] 0 [[18 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 epoch-open as control", SOU_ENTRY_CONTROL, "[] 0 [[18 0 b16:00 0 s:why []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 heartbeat as opening", SOU_ENTRY_OPENING, "[] 0 [[20 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control without op", SOU_ENTRY_CONTROL, "[] 0 []", SOU_BODY_MALFORMED, ""},
	{"P6.8 control with two ops", SOU_ENTRY_CONTROL,
	 "[] 0 [[20 0 b16:00 0 ~ []] [19 0 b16:00 0 ~ []]]", SOU_BODY_MALFORMED, "--"},
	{"P6.8 control with a data op", SOU_ENTRY_CONTROL, "[] 0 [[1 16 b16:e1 1 s:x []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control with type 32", SOU_ENTRY_CONTROL, "[] 0 [[32 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control with a kind", SOU_ENTRY_CONTROL, "[] 0 [[20 1 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control with an entity", SOU_ENTRY_CONTROL, "[] 0 [[20 0 b16:01 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control with a field", SOU_ENTRY_CONTROL, "[] 0 [[20 0 b16:00 1 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control with replaces", SOU_ENTRY_CONTROL, "[] 0 [[20 0 b16:00 0 ~ [b16:01]]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control with cites", SOU_ENTRY_CONTROL, "[b32:01] 0 [[20 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control as a part", SOU_ENTRY_CONTROL, "[] 1 [[20 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.8 control that closes parts", SOU_ENTRY_CONTROL, "[] [b32:01] [[20 0 b16:00 0 ~ []]]",
	 SOU_BODY_MALFORMED, "-"},
	{"P6.9 control type 21", SOU_ENTRY_CONTROL, "[] 0 [[21 0 b16:00 0 [5] []]]",
	 SOU_BODY_TOONEW, "-"},
	{"P6.9 data without ops", SOU_ENTRY_DATA, "[] 0 []", SOU_BODY_OK, ""},
	{"P6.8 512 distinct", SOU_ENTRY_DATA, "[] 0 [512*([1 16 b16:e1+ 1 s:x []])]", SOU_BODY_OK,
	 NULL},
	{"P6.8 last of 512 is the first", SOU_ENTRY_DATA,
	 "[] 0 [511*([1 16 b16:e1+ 1 s:x []]) [1 16 b16:e1+0 1 s:x []]]", SOU_BODY_MALFORMED, NULL},
};

TEST(payload, judge)
{
	struct sou_payload payload = {0};
	for (size_t i = 0; i < ARRAY_LEN(judged); i++) {
		const char *name = judged[i].name;
		struct sou_span bytes = notation_span(test_printf("[" F " %s]", judged[i].rest));
		REQUIRE(name, sou_payload_read(&payload, bytes) == SOU_OK);
		CHECK_INT(name, sou_payload_judge(&payload, judged[i].kind), ==, judged[i].body);
		for (size_t k = 0; judged[i].lacking != NULL && k < payload.op_count; k++)
			CHECK_INT(name, sou_op_lacks(&payload.ops[k]), ==,
				  judged[i].lacking[k] == 'y');

		/* P6.8: never by the form. With all committed values gone, all of them are lacking.
		 */
		uint16_t all[513];
		for (uint16_t k = 0; k < 513; k++)
			all[k] = k;
		struct sou_buf form = {0};
		REQUIRE(name, sou_payload_redact(&payload, all, 513, &form) == SOU_OK);
		REQUIRE(name, sou_payload_read(&payload, sou_buf_span(&form)) == SOU_OK);
		CHECK_INT(name, sou_payload_judge(&payload, judged[i].kind), ==, judged[i].body);
		for (size_t k = 0; k < payload.op_count; k++)
			CHECK_INT(name, sou_op_lacks(&payload.ops[k]), ==,
				  payload.ops[k].is_committed);
		sou_buf_fini(&form);
	}
	sou_payload_fini(&payload);
}
