/* test_mp.c - what the strict reader takes and refuses, and that the writer writes only what it
 * takes. */
#include "proto/mp.h"

#include "proto/limits.h"
#include "tests/lib/check.h"

static struct sou_span span_of(struct test_bytes b)
{
	return (struct sou_span){b.b, b.n};
}

#define A31 "61616161616161616161616161616161616161616161616161616161616161"
#define Z15 "000000000000000000000000000000"

static const struct {
	const char *name, *hex;
	int rc;
} check_cases[] = {
	{"P2.1 nil", "c0", SOU_OK},
	{"P2.1 never used", "c1", SOU_EFORMAT},
	{"P2.1 false", "c2", SOU_EFORMAT},
	{"P2.1 true", "c3", SOU_EFORMAT},
	{"P2.1 fixmap", "80", SOU_EFORMAT},
	{"P2.1 fixmap of one", "81 00 00", SOU_EFORMAT},
	{"P2.1 map16", "de 0000", SOU_EFORMAT},
	{"P2.1 map32", "df 00000000", SOU_EFORMAT},
	{"P2.1 float", "ca 00000000", SOU_EFORMAT},
	{"P2.1 double", "cb 0000000000000000", SOU_EFORMAT},
	{"P2.1 fixext1", "d4 00 00", SOU_EFORMAT},
	{"P2.1 fixext16", "d8 00 00" Z15, SOU_EFORMAT},
	{"P2.1 ext8", "c7 00 00", SOU_EFORMAT},
	{"P2.1 ext16", "c8 0000 00", SOU_EFORMAT},
	{"P2.1 ext32", "c9 00000000 00", SOU_EFORMAT},
	{"P2.1 uint 0", "00", SOU_OK},
	{"P2.1 uint 127", "7f", SOU_OK},
	{"P2.1 uint8 127", "cc 7f", SOU_EFORMAT},
	{"P2.1 uint8 128", "cc 80", SOU_OK},
	{"P2.1 uint8 255", "cc ff", SOU_OK},
	{"P2.1 uint16 255", "cd 00ff", SOU_EFORMAT},
	{"P2.1 uint16 256", "cd 0100", SOU_OK},
	{"P2.1 uint32 65535", "ce 0000ffff", SOU_EFORMAT},
	{"P2.1 uint32 65536", "ce 00010000", SOU_OK},
	{"P2.1 uint64 2^32-1", "cf 00000000ffffffff", SOU_EFORMAT},
	{"P2.1 uint64 2^32", "cf 0000000100000000", SOU_OK},
	{"P2.1 uint64 2^64-1", "cf ffffffffffffffff", SOU_OK},
	{"P2.1 int -1", "ff", SOU_OK},
	{"P2.1 int -32", "e0", SOU_OK},
	{"P2.1 int8 -32", "d0 e0", SOU_EFORMAT},
	{"P2.1 int8 -33", "d0 df", SOU_OK},
	{"P2.1 int8 -128", "d0 80", SOU_OK},
	{"P2.1 int8 0", "d0 00", SOU_EFORMAT},
	{"P2.1 int8 127", "d0 7f", SOU_EFORMAT},
	{"P2.1 int16 -128", "d1 ff80", SOU_EFORMAT},
	{"P2.1 int16 -129", "d1 ff7f", SOU_OK},
	{"P2.1 int16 32767", "d1 7fff", SOU_EFORMAT},
	{"P2.1 int32 -32768", "d2 ffff8000", SOU_EFORMAT},
	{"P2.1 int32 -32769", "d2 ffff7fff", SOU_OK},
	{"P2.1 int32 2^31-1", "d2 7fffffff", SOU_EFORMAT},
	{"P2.1 int64 -2^31", "d3 ffffffff80000000", SOU_EFORMAT},
	{"P2.1 int64 -2^31-1", "d3 ffffffff7fffffff", SOU_OK},
	{"P2.1 int64 -2^63", "d3 8000000000000000", SOU_OK},
	{"P2.1 int64 2^63-1", "d3 7fffffffffffffff", SOU_EFORMAT},
	{"P2.1 str empty", "a0", SOU_OK},
	{"P2.1 str8 of 1", "d9 01 61", SOU_EFORMAT},
	{"P2.1 str8 of 31", "d9 1f" A31, SOU_EFORMAT},
	{"P2.1 str8 of 32", "d9 20 61" A31, SOU_OK},
	{"P2.1 str16 of 1", "da 0001 61", SOU_EFORMAT},
	{"P2.1 str32 of 1", "db 00000001 61", SOU_EFORMAT},
	{"P2.1 bin empty", "c4 00", SOU_OK},
	{"P2.1 bin16 of 1", "c5 0001 61", SOU_EFORMAT},
	{"P2.1 bin32 of 1", "c6 00000001 61", SOU_EFORMAT},
	{"P2.1 array empty", "90", SOU_OK},
	{"P2.1 array16 of 1", "dc 0001 00", SOU_EFORMAT},
	{"P2.1 array16 of 15", "dc 000f" Z15, SOU_EFORMAT},
	{"P2.1 array16 of 16", "dc 0010 00" Z15, SOU_OK},
	{"P2.1 array32 of 1", "dd 00000001 00", SOU_EFORMAT},
	{"P2.2 two bytes", "a2 c3a9", SOU_OK},
	{"P2.2 three bytes", "a3 e6bca2", SOU_OK},
	{"P2.2 four bytes", "a4 f0a0aeb7", SOU_OK},
	{"P2.2 U+0000", "a1 00", SOU_EFORMAT},
	{"P2.2 U+0000 within", "a3 610061", SOU_EFORMAT},
	{"P2.2 U+0000 long", "a2 c080", SOU_EFORMAT},
	{"P2.2 U+007F long", "a2 c1bf", SOU_EFORMAT},
	{"P2.2 U+0080", "a2 c280", SOU_OK},
	{"P2.2 U+07FF long", "a3 e09fbf", SOU_EFORMAT},
	{"P2.2 U+0800", "a3 e0a080", SOU_OK},
	{"P2.2 U+D7FF", "a3 ed9fbf", SOU_OK},
	{"P2.2 surrogate D800", "a3 eda080", SOU_EFORMAT},
	{"P2.2 surrogate DFFF", "a3 edbfbf", SOU_EFORMAT},
	{"P2.2 U+E000", "a3 ee8080", SOU_OK},
	{"P2.2 U+FFFF", "a3 efbfbf", SOU_OK},
	{"P2.2 U+FFFF long", "a4 f08fbfbf", SOU_EFORMAT},
	{"P2.2 U+10000", "a4 f0908080", SOU_OK},
	{"P2.2 U+10FFFF", "a4 f48fbfbf", SOU_OK},
	{"P2.2 U+110000", "a4 f4908080", SOU_EFORMAT},
	{"P2.2 lead f5", "a4 f5808080", SOU_EFORMAT},
	{"P2.2 lone tail", "a1 80", SOU_EFORMAT},
	{"P2.2 lone lead of two", "a1 c3", SOU_EFORMAT},
	{"P2.2 lone lead of three", "a2 e6bc", SOU_EFORMAT},
	{"P2.2 lone lead of four", "a3 f0a0ae", SOU_EFORMAT},
	{"P2.2 no tail in two", "a2 c361", SOU_EFORMAT},
	{"P2.2 no tail in three", "a3 e6bc61", SOU_EFORMAT},
	{"P2.2 no tail in three, first", "a3 e661a2", SOU_EFORMAT},
	{"P2.2 no tail in four", "a4 f0a0ae61", SOU_EFORMAT},
	{"P2.3 depth 4", "91919190", SOU_OK},
	{"P2.3 depth 5", "9191919190", SOU_EFORMAT},
	{"P2.3 depth 4 twice", "92 919190 919190", SOU_OK},
	{"P2.3 depth 5 second", "92 919190 91919190", SOU_EFORMAT},
	{"P2.4 nothing", "", SOU_EFORMAT},
	{"P2.4 a byte after", "c0 c0", SOU_EFORMAT},
	{"P2.4 a byte after an array", "90 00", SOU_EFORMAT},
	{"P2.4 count one above", "92 00", SOU_EFORMAT},
	{"P2.4 array16 of 65535, nothing there", "dc ffff", SOU_EFORMAT},
	{"P2.4 array32 of 2^32-1", "dd ffffffff 0000000000000000", SOU_EFORMAT},
	{"P2.4 bin32 of 2^32-1", "c6 ffffffff 00", SOU_EFORMAT},
	{"P2.4 str32 of 2^32-1", "db ffffffff 00", SOU_ELIMIT},
};

TEST(mp, check)
{
	for (size_t i = 0; i < ARRAY_LEN(check_cases); i++) {
		struct test_bytes b = test_hex(check_cases[i].hex);
		CHECK_INT(check_cases[i].name, sou_mp_check(span_of(b)), ==, check_cases[i].rc);
		/* Nothing canonical is a beginning of something canonical. */
		for (size_t n = 0; check_cases[i].rc == SOU_OK && n < b.n; n++) {
			struct test_bytes cut = test_copy(b.b, n);
			CHECK_INT(test_printf("%s, cut at %zu", check_cases[i].name, n),
				  sou_mp_check(span_of(cut)), ==, SOU_EFORMAT);
		}
	}
}

static struct test_bytes written(struct sou_buf *buf)
{
	REQUIRE("written", !buf->failed);
	struct test_bytes b = test_copy(buf->p, buf->n);
	sou_buf_fini(buf);
	return b;
}

TEST(mp, str_bounds)
{
	static const struct {
		const char *name;
		size_t n;
		int rc;
	} cases[] = {
		{"P2.1 str fix, largest", 31, SOU_OK},
		{"P2.1 str8, smallest", 32, SOU_OK},
		{"P2.1 str8, largest", 255, SOU_OK},
		{"P2.1 str16, smallest", 256, SOU_OK},
		{"P2.2 str, at the limit", 8192, SOU_OK},
		{"P2.2 str, one past", 8193, SOU_ELIMIT},
		{"P2.2 str16, largest", 65535, SOU_ELIMIT},
		{"P2.2 str32", 65536, SOU_ELIMIT},
	};
	char *text = test_alloc(65536);
	memset(text, 'a', 65536);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_buf buf = {0};
		sou_mp_put_str(&buf, text, cases[i].n);
		struct test_bytes b = written(&buf);
		CHECK_INT(cases[i].name, sou_mp_check(span_of(b)), ==, cases[i].rc);
		struct sou_mp m = sou_mp_over(span_of(b));
		struct sou_span s = sou_mp_str(&m, cases[i].n - 1);
		CHECK_INT(cases[i].name, m.rc, ==, SOU_ELIMIT);
		CHECK(cases[i].name, s.p == NULL && s.n == 0);
		m = sou_mp_over(span_of(b));
		(void)sou_mp_str(&m, SIZE_MAX);
		CHECK_INT(cases[i].name, m.rc, ==, cases[i].rc);
	}
}

TEST(mp, bin_bounds)
{
	static const size_t sizes[] = {0, 1, 255, 256, 65535, 65536, 70000};
	uint8_t *bytes = test_alloc(70000);
	memset(bytes, 0xa5, 70000);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *name = test_printf("P2.1 bin of %zu", sizes[i]);
		struct sou_buf buf = {0};
		sou_mp_put_bin(&buf, bytes, sizes[i]);
		struct test_bytes b = written(&buf);
		CHECK_INT(name, sou_mp_check(span_of(b)), ==, SOU_OK);
		struct sou_mp m = sou_mp_over(span_of(b));
		struct sou_span s = sou_mp_bin(&m, sizes[i], sizes[i]);
		CHECK_INT(name, sou_mp_end(&m), ==, SOU_OK);
		CHECK_MEM(name, s.p, s.n, bytes, sizes[i]);
		if (sizes[i] > 0) {
			m = sou_mp_over(span_of(b));
			(void)sou_mp_bin(&m, 0, sizes[i] - 1);
			CHECK_INT(name, m.rc, ==, SOU_ELIMIT);
		}
		m = sou_mp_over(span_of(b));
		(void)sou_mp_bin(&m, sizes[i] + 1, SIZE_MAX);
		CHECK_INT(name, m.rc, ==, SOU_EFORMAT);
		m = sou_mp_over(span_of(b));
		CHECK(name, sou_mp_fixed(&m, sizes[i] + 1) == NULL);
		CHECK_INT(name, m.rc, ==, SOU_EFORMAT);
	}
}

static void check_negative(const char *name, int64_t v)
{
	struct sou_buf buf = {0};
	sou_mp_put_int(&buf, v);
	struct test_bytes b = written(&buf);
	struct sou_mp m = sou_mp_over(span_of(b));
	bool negative = false;
	CHECK_INT(name, (int64_t)sou_mp_int(&m, &negative), ==, v);
	CHECK(name, negative && sou_mp_end(&m) == SOU_OK);
	m = sou_mp_over(span_of(b));
	(void)sou_mp_uint(&m, UINT64_MAX);
	CHECK_INT(name, m.rc, ==, SOU_EFORMAT);
}

TEST(mp, integers)
{
	static const uint64_t values[] = {
		0,         1,         0x7f,    0x80,       0xff,
		0x100,     0xffff,    0x10000, 0xffffffff, UINT64_C(0x100000000),
		INT64_MAX, UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		uint64_t v = values[i];
		char *name = test_printf("P2.1 uint %llu", (unsigned long long)v);
		struct sou_buf buf = {0};
		sou_mp_put_uint(&buf, v);
		struct test_bytes b = written(&buf);
		struct sou_mp m = sou_mp_over(span_of(b));
		CHECK_U64(name, sou_mp_uint(&m, v), ==, v);
		CHECK_INT(name, sou_mp_end(&m), ==, SOU_OK);
		m = sou_mp_over(span_of(b));
		bool negative = true;
		CHECK_U64(name, sou_mp_int(&m, &negative), ==, v);
		CHECK(name, !negative && m.rc == SOU_OK);
		if (v > 0) {
			m = sou_mp_over(span_of(b));
			CHECK_U64(name, sou_mp_uint(&m, v - 1), ==, 0);
			CHECK_INT(name, m.rc, ==, SOU_ELIMIT);
		}
		if (v <= INT64_MAX) {
			sou_mp_put_int(&buf, (int64_t)v);
			struct test_bytes same = written(&buf);
			CHECK_MEM(name, same.b, same.n, b.b, b.n);
			check_negative(name, -(int64_t)v - 1);
		}
	}
}

TEST(mp, arrays)
{
	static const uint32_t counts[] = {0, 1, 15, 16, 65535, 65536};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		char *name = test_printf("P2.4 array of %u", counts[i]);
		struct sou_buf buf = {0};
		sou_mp_put_array(&buf, counts[i]);
		for (uint32_t k = 0; k < counts[i]; k++)
			sou_mp_put_nil(&buf);
		struct test_bytes b = written(&buf);
		CHECK_INT(name, sou_mp_check(span_of(b)), ==, SOU_OK);
		struct sou_mp m = sou_mp_over(span_of(b));
		CHECK_INT(name, sou_mp_array(&m, counts[i]), ==, counts[i]);
		for (uint32_t k = 0; k < counts[i]; k++)
			sou_mp_nil(&m);
		CHECK_INT(name, sou_mp_end(&m), ==, SOU_OK);
		m = sou_mp_over(span_of(b));
		sou_mp_array_of(&m, counts[i] + 1);
		CHECK_INT("P2.6 one fewer", m.rc, ==, SOU_EFORMAT);
		if (counts[i] == 0)
			continue;
		m = sou_mp_over(span_of(b));
		CHECK_INT(name, sou_mp_array(&m, counts[i] - 1), ==, 0);
		CHECK_INT(name, m.rc, ==, SOU_ELIMIT);
		m = sou_mp_over(span_of(b));
		sou_mp_array_of(&m, counts[i] - 1);
		CHECK_INT("P2.6 one more", m.rc, ==, SOU_EFORMAT);
		m = sou_mp_over((struct sou_span){b.b, b.n - 1});
		CHECK_INT(name, sou_mp_array(&m, UINT32_MAX), ==, 0);
		CHECK_INT(name, m.rc, ==, SOU_EFORMAT);
	}
}

#define N1 "c410 01010101010101010101010101010101"
#define N2 "c410 01010101010101010101010101010102"
#define N9 "c410 ff010101010101010101010101010101"

TEST(mp, names)
{
	static const struct {
		const char *name, *hex;
		uint32_t max, count;
		int rc;
	} cases[] = {
		{"P6.1 none", "90", 4, 0, SOU_OK},
		{"P6.1 one", "91" N1, 4, 1, SOU_OK},
		{"P6.1 three, unsigned order", "93" N1 N2 N9, 3, 3, SOU_OK},
		{"P6.1 one past", "93" N1 N2 N9, 2, 0, SOU_ELIMIT},
		{"P6.1 twice", "92" N1 N1, 4, 0, SOU_EFORMAT},
		{"P6.1 descending", "92" N2 N1, 4, 0, SOU_EFORMAT},
		{"P6.1 last descends", "93" N1 N9 N2, 4, 0, SOU_EFORMAT},
		{"P6.1 not bin", "91 d910 61616161616161616161616161616161", 4, 0, SOU_EFORMAT},
		{"P6.1 other size", "91 c40f 010101010101010101010101010101", 4, 0, SOU_EFORMAT},
		{"P6.1 no array", N1, 4, 0, SOU_EFORMAT},
		{"P2.4 cut short", "92" N1 "c410", 4, 0, SOU_EFORMAT},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_bytes b = test_hex(cases[i].hex);
		struct sou_mp m = sou_mp_over(span_of(b));
		struct sou_mp_list list = sou_mp_names(&m, 16, cases[i].max);
		CHECK_INT(cases[i].name, sou_mp_end(&m), ==, cases[i].rc);
		CHECK_INT(cases[i].name, list.count, ==, cases[i].count);
		for (uint32_t k = 0; k < list.count; k++) {
			struct sou_id id = sou_mp_list_id(&list, k);
			CHECK_MEM(cases[i].name, id.b, 16, b.b + 1 + 18 * k + 2, 16);
		}
	}
	struct test_bytes b = test_hex("92 c420 00" A31 "c420 01" A31);
	struct sou_mp m = sou_mp_over(span_of(b));
	struct sou_mp_list list = sou_mp_names(&m, 32, 2);
	CHECK_INT("P6.1 hashes", sou_mp_end(&m), ==, SOU_OK);
	REQUIRE("P6.1 hashes", list.count == 2);
	struct sou_hash second = sou_mp_list_hash(&list, 1);
	CHECK_MEM("P6.1 hashes", second.b, 32, b.b + 37, 32);
}

TEST(mp, flat)
{
	static const struct {
		const char *name, *hex;
		unsigned depth;
		uint32_t max;
		int rc;
	} cases[] = {
		{"P6.2 scalar", "c0", 0, 0, SOU_OK},
		{"P6.2 no list here", "90", 0, 9, SOU_EFORMAT},
		{"P6.2 empty list", "90", 1, 0, SOU_OK},
		{"P6.2 list at the limit", "93 01 a161 c400", 1, 3, SOU_OK},
		{"P6.2 list one past", "93 01 a161 c400", 1, 2, SOU_ELIMIT},
		{"P2.3 list in list", "91 90", 1, 9, SOU_EFORMAT},
		{"P2.3 list in list", "91 90", 2, 9, SOU_OK},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_bytes b = test_hex(cases[i].hex);
		struct sou_mp m = sou_mp_over(span_of(b));
		struct sou_span s = sou_mp_any(&m, cases[i].depth, cases[i].max);
		CHECK_INT(cases[i].name, sou_mp_end(&m), ==, cases[i].rc);
		if (cases[i].rc == SOU_OK)
			CHECK_MEM(cases[i].name, s.p, s.n, b.b, b.n);
		else
			CHECK(cases[i].name, s.p == NULL && s.n == 0);
	}
}

TEST(mp, sticky)
{
	struct test_bytes b = test_hex("93 a161 05 c410 00" Z15);
	struct sou_mp m = sou_mp_over(span_of(b));
	sou_mp_array_of(&m, 3);
	CHECK_U64("not an integer", sou_mp_uint(&m, 9), ==, 0);
	CHECK_INT("the first error", m.rc, ==, SOU_EFORMAT);
	sou_mp_fail(&m, SOU_ELIMIT);
	CHECK_INT("stays", m.rc, ==, SOU_EFORMAT);
	CHECK_INT("nothing comes after", sou_mp_peek(&m), ==, SOU_MP_NONE);
	struct sou_id id = sou_mp_id(&m);
	CHECK("zero", sou_id_is_zero(&id));
	struct sou_hash hash = sou_mp_hash(&m);
	CHECK("zero", sou_hash_is_zero(&hash));
	CHECK_INT("none", sou_mp_array(&m, 9), ==, 0);
	CHECK_INT("end tells it", sou_mp_end(&m), ==, SOU_EFORMAT);
}

TEST(mp, peek)
{
	static const struct {
		const char *hex;
		enum sou_mp_type type;
	} cases[] = {
		{"c0", SOU_MP_NIL},  {"7f", SOU_MP_UINT},  {"cc", SOU_MP_UINT},
		{"cf", SOU_MP_UINT}, {"e0", SOU_MP_NINT},  {"d0", SOU_MP_NINT},
		{"d3", SOU_MP_NINT}, {"bf", SOU_MP_STR},   {"db", SOU_MP_STR},
		{"c6", SOU_MP_BIN},  {"9f", SOU_MP_ARRAY}, {"dd", SOU_MP_ARRAY},
		{"80", SOU_MP_NONE}, {"c1", SOU_MP_NONE},  {"d8", SOU_MP_NONE},
		{"de", SOU_MP_NONE}, {"", SOU_MP_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_mp m = sou_mp_over(span_of(test_hex(cases[i].hex)));
		CHECK_INT(cases[i].hex, sou_mp_peek(&m), ==, cases[i].type);
	}
	struct sou_mp m = sou_mp_over((struct sou_span){NULL, 0});
	CHECK_INT("no bytes at all", sou_mp_end(&m), ==, SOU_OK);
}
