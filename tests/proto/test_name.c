/* test_name.c - derived names against hashes made by hand, places that keep their order, the clock.
 */
#include "proto/name.h"

#include "proto/crypto.h"
#include "proto/schema.h"
#include "tests/lib/check.h"

static const struct sou_id id_a = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const struct sou_id id_b = {{0xf0, 1}}, id_c = {{0xf1, 2}};
static const struct sou_hash hash_a = {{0xaa, 0xbb, [31] = 0xcc}};

static void check_id(const char *name, struct sou_id got, const char *context, const void *bytes,
		     size_t n)
{
	struct sou_buf buf = {0};
	sou_buf_put(&buf, "soukatsu/v1/", 12);
	sou_buf_put(&buf, context, strlen(context) + 1);
	sou_buf_put(&buf, bytes, n);
	struct sou_hash want = sou_sha256(buf.p, buf.n);
	CHECK_MEM(name, got.b, 16, want.b, 16);
	sou_buf_fini(&buf);
}

TEST(name, scopes)
{
	uint8_t bytes[17] = {0};
	static const enum sou_scope_kind kinds[] = {SOU_SCOPE_AUTHORITY, SOU_SCOPE_PLAN,
						    SOU_SCOPE_ORG, SOU_SCOPE_PROJECT};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		bytes[0] = (uint8_t)(i + 1);
		if (i >= 2)
			memcpy(bytes + 1, id_a.b, 16);
		check_id("P3.2", sou_scope_id(kinds[i], &id_a), "scope-id", bytes, sizeof bytes);
	}
	struct sou_id with = sou_scope_id(SOU_SCOPE_PLAN, &id_a),
		      without = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	CHECK("P3.2 zero for plan", sou_id_eq(&with, &without));
}

TEST(name, sizes)
{
	struct sou_id half = sou_hash_half(&hash_a);
	CHECK_INT("P1.2 id", sizeof half.b, ==, 16);
	CHECK_INT("P1.2 hash", sizeof hash_a.b, ==, 32);
	CHECK_MEM("P3.4 version and epoch", half.b, 16, hash_a.b, 16);
	CHECK("P1.2 zero", sou_id_is_zero(&(struct sou_id){{0}}) && !sou_id_is_zero(&half));
	struct sou_id low = {{0x7f}}, high = {{0x80}};
	CHECK("P1.1 order of unsigned bytes",
	      sou_id_cmp(&low, &high) < 0 && sou_id_cmp(&high, &low) > 0);
}

TEST(name, entities)
{
	struct sou_buf buf = {0};
	sou_buf_put_u8(&buf, SOU_KIND_ITEM);
	sou_buf_put(&buf, id_a.b, 16);
	sou_buf_put(&buf, hash_a.b, 32);
	sou_buf_put_u64be(&buf, 0x0102030405060708);
	check_id("P3.3 made", sou_entity_made(SOU_KIND_ITEM, &id_a, &hash_a, 0x0102030405060708),
		 "entity-id", buf.p, buf.n);
	sou_buf_clear(&buf);
	sou_buf_put_u8(&buf, SOU_KIND_SUBMISSION);
	sou_buf_put(&buf, id_a.b, 16);
	sou_buf_put(&buf, id_b.b, 16);
	sou_buf_put(&buf, id_c.b, 16);
	check_id("P3.3 of three", sou_entity_of_three(SOU_KIND_SUBMISSION, &id_a, &id_b, &id_c),
		 "entity-id", buf.p, buf.n);
	sou_buf_clear(&buf);
	sou_buf_put_u8(&buf, 7);
	sou_buf_put(&buf, id_a.b, 16);
	sou_buf_put_u64be(&buf, 3);
	check_id("P3.3 edition", sou_entity_edition(&id_a, 3), "entity-id", buf.p, buf.n);
	sou_buf_clear(&buf);
	sou_buf_put_u8(&buf, 64);
	sou_buf_put(&buf, hash_a.b, 32);
	sou_buf_put_u32be(&buf, 0x01020304);
	check_id("P3.5 organisation", sou_entity_org(&hash_a, 0x01020304), "entity-id", buf.p,
		 buf.n);
	sou_buf_fini(&buf);
}

static const struct {
	const char *name, *left, *right;
	int rc;
	const char *middle; /* without the four bytes of the entity */
} place_cases[] = {
	{"P7.7 the first", "", "", SOU_OK, "80"},
	{"P7.7 between", "10 aaaaaaaa", "20 aaaaaaaa", SOU_OK, "18"},
	{"P7.7 example", "80 61626364", "81 7a7a7a7a", SOU_OK, "80 ed"},
	{"P7.7 example", "", "01 000000aa", SOU_OK, "00 80"},
	{"P7.7 one byte free", "10 aaaaaaaa", "12 aaaaaaaa", SOU_OK, "11"},
	{"P7.7 rounded down to left", "10 80aaaaaa", "11 01aaaaaa", SOU_OK, "10 c0"},
	{"P7.7 ends in 00, one more", "10 ff000000", "11 01000000", SOU_OK, "11 00 01"},
	{"P7.7 at the end", "80 aaaaaaaa", "", SOU_OK, "c0"},
	{"P7.7 at the end after ff", "ff 00000000", "", SOU_OK, "ff 80"},
	{"P7.7 at the end after ff ff", "ffff 000000", "", SOU_OK, "ffff 80"},
	{"P7.7 at the start", "", "80 aaaaaaaa", SOU_OK, "40"},
	{"P7.7 at the start before 00 01", "", "0001 aaaaaa", SOU_OK, "0000 d5"},
	{"P7.7 left is a beginning of right", "10 aaaaaaaa", "10 aaaaaaaa 80 01020304", SOU_OK,
	 "10 aaaaaaaa 40"},
	{"P7.7 left is a beginning, then 01", "10 aaaaaaaa", "10 aaaaaaaa 01 01020304", SOU_OK,
	 "10 aaaaaaaa 00 80"},
	{"P7.7 left and zeros", "10 aaaaaaaa", "10 aaaaaaaa 0000", SOU_ELIMIT, NULL},
	{"P7.7 equal", "10 aaaaaaaa", "10 aaaaaaaa", SOU_ELIMIT, NULL},
	{"P7.7 crossed", "20 aaaaaaaa", "10 aaaaaaaa", SOU_ELIMIT, NULL},
	{"P7.7 left too short", "10 aaaaaa", "", SOU_EFORMAT, NULL},
	{"P7.7 right too short", "", "10 aaaaaa", SOU_EFORMAT, NULL},
};

static struct sou_span span_of(struct test_bytes b)
{
	return (struct sou_span){b.b, b.n};
}

static int order(struct sou_span a, struct sou_span b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

TEST(name, place)
{
	for (size_t i = 0; i < ARRAY_LEN(place_cases); i++) {
		const char *name = place_cases[i].name;
		struct sou_span left = span_of(test_hex(place_cases[i].left));
		struct sou_span right = span_of(test_hex(place_cases[i].right));
		uint8_t out[SOU_PLACE_BYTES_MAX];
		size_t n = 0;
		CHECK_INT(name, sou_place_between(left, right, &id_a, out, &n), ==,
			  place_cases[i].rc);
		if (place_cases[i].rc != SOU_OK) {
			CHECK_INT(name, n, ==, 0);
			continue;
		}
		struct test_bytes middle = test_hex(place_cases[i].middle);
		CHECK_MEM(name, out, n - 4, middle.b, middle.n);
		CHECK_MEM(name, out + n - 4, 4, id_a.b, 4);
		struct sou_span got = {out, n};
		CHECK(name, left.n == 0 || order(left, got) < 0);
		CHECK(name, right.n == 0 || order(got, right) < 0);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

struct list {
	uint8_t p[4096][SOU_PLACE_BYTES_MAX];
	size_t n[4096], count;
};

/* Insert at `at`; false when there is no room. The list stays in order, whatever the entity's
 * bytes. */
static bool insert(struct list *list, size_t at, uint32_t *seed)
{
	struct sou_id entity = {{0}};
	for (size_t i = 0; i < 4; i++)
		entity.b[i] = next_random(seed) % 3 == 0 ? 0 : (uint8_t)next_random(seed);
	struct sou_span left = {NULL, 0}, right = {NULL, 0};
	if (at > 0)
		left = (struct sou_span){list->p[at - 1], list->n[at - 1]};
	if (at < list->count)
		right = (struct sou_span){list->p[at], list->n[at]};
	uint8_t out[SOU_PLACE_BYTES_MAX];
	size_t n = 0;
	int rc = sou_place_between(left, right, &entity, out, &n);
	if (rc != SOU_OK) {
		CHECK_INT("P7.7 room is all that can be missing", rc, ==, SOU_ELIMIT);
		return false;
	}
	struct sou_span got = {out, n};
	CHECK("P7.7 strictly after", left.n == 0 || order(left, got) < 0);
	CHECK("P7.7 strictly before", right.n == 0 || order(got, right) < 0);
	CHECK("P7.7 bounds", n >= SOU_PLACE_BYTES_MIN && n <= SOU_PLACE_BYTES_MAX);
	CHECK("P7.7 never ends in 00", out[n - 5] != 0);
	memmove(list->p + at + 1, list->p + at, (list->count - at) * sizeof *list->p);
	memmove(list->n + at + 1, list->n + at, (list->count - at) * sizeof *list->n);
	memcpy(list->p[at], out, n);
	list->n[at] = n;
	list->count++;
	return true;
}

TEST(name, place_growth)
{
	static const struct {
		const char *name;
		int where; /* 0 end, 1 start, 2 always the middle, 3 anywhere */
		size_t at_least;
	} cases[] = {
		{"P7.7 growing at the end", 0, 400},
		{"P7.7 growing at the start", 1, 400},
		{"P7.7 always in between", 2, 100},
		{"P7.7 anywhere", 3, 4000},
	};
	struct list *list = test_alloc(sizeof *list);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t seed = 7;
		list->count = 0;
		while (list->count < 4095) {
			size_t at = cases[i].where == 0   ? list->count
				    : cases[i].where == 1 ? 0
				    : cases[i].where == 2 ? (list->count + 1) / 2
							  : next_random(&seed) % (list->count + 1);
			if (!insert(list, at, &seed))
				break;
		}
		CHECK_INT(cases[i].name, list->count, >=, cases[i].at_least);
	}
}

TEST(name, place_spread)
{
	static const uint32_t counts[] = {1, 2, 127, 128, 1000, 32767, 32768, 70000};
	for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
		uint8_t before[SOU_PLACE_BYTES_MAX], out[SOU_PLACE_BYTES_MAX],
			between[SOU_PLACE_BYTES_MAX];
		size_t before_n = 0, between_n;
		char *name = test_printf("P7.7 spread over %u", counts[k]);
		for (uint32_t i = 0; i < counts[k]; i++) {
			size_t n = sou_place_spread(i, counts[k], &id_b, out);
			struct sou_span a = {before, before_n}, b = {out, n};
			bool good = n >= 5 && n <= 9 && out[n - 5] != 0 &&
				    (i == 0 || order(a, b) < 0) &&
				    sou_place_between(a, b, &id_a, between, &between_n) == SOU_OK;
			REQUIRE(name, good);
			memcpy(before, out, n);
			before_n = n;
		}
	}
}

TEST(name, hlc)
{
	static const struct {
		const char *name;
		uint64_t last;
		int64_t wall;
		uint64_t want;
	} next[] = {
		{"P10.9 the wall leads", 5, 1, 1 << 16},
		{"P10.9 the counter leads", 1 << 16, 1, (1 << 16) + 1},
		{"P10.9 the counter carries", (2 << 16) - 1, 1, 2 << 16},
		{"P10.9 the wall went back", UINT64_C(9) << 16, 3, (UINT64_C(9) << 16) + 1},
		{"P10.9 wall below 0", 7, -1, 8},
		{"P10.9 wall at 48 bits", 7, INT64_C(0xffffffffffff), UINT64_C(0xffffffffffff0000)},
		{"P10.9 wall above 48 bits", 7, INT64_MAX, UINT64_C(0xffffffffffff0000)},
		{"P10.9 last but one", UINT64_MAX - 1, 3, UINT64_MAX},
		{"P10.9 used up", UINT64_MAX, 3, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(next); i++)
		CHECK_U64(next[i].name, sou_hlc_next(next[i].last, next[i].wall), ==, next[i].want);

	const int64_t wall = 1000000;
	const uint64_t limit = (uint64_t)(wall + 600000) << 16 | 0xffff;
	CHECK_U64("P10.9 ten minutes ahead", sou_hlc_seen(5, limit, wall), ==, limit);
	CHECK_U64("P10.9 one past", sou_hlc_seen(5, limit + 1, wall), ==, 5);
	CHECK_U64("P10.9 type's maximum", sou_hlc_seen(5, UINT64_MAX, wall), ==, 5);
	CHECK_U64("P10.9 behind", sou_hlc_seen(50, 49, wall), ==, 50);
	CHECK_U64("P1.3 milliseconds", sou_hlc_ms(limit), ==, wall + 600000);
}
