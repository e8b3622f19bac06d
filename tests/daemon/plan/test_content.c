/* test_content.c - the value of a submission (P7.6): packed and read back, each truncation, counts
 * that do not fit, each bound and one past it. */
#include "daemon/plan/content.h"

#include "proto/limits.h"
#include "proto/mp.h"
#include "tests/lib/check.h"

static struct sou_id id_of(uint8_t n)
{
	struct sou_id id = {{n}};
	return id;
}

static struct soud_pool *pool_new(void)
{
	struct soud_pool *pool = test_alloc(sizeof *pool);
	*pool = (struct soud_pool){0};
	test_at_end((void (*)(void *))soud_pool_fini, pool);
	return pool;
}

static void buf_end(void *buf)
{
	sou_buf_fini(buf);
}

static struct sou_buf *buf_new(void)
{
	struct sou_buf *buf = test_alloc(sizeof *buf);
	*buf = (struct sou_buf){0};
	test_at_end(buf_end, buf);
	return buf;
}

static const struct soud_content_item items[] = {{{{1}}, {{2}}, {{3}}}, {{{1}}, {{4}}, {{5}}}};
static const struct sou_id nils[] = {{{6}}, {{7}}};
static const struct soud_content_measure measures[] = {
	{{{8}}, {{9}}, 645, 0}, {{{10}}, {{11}}, -125, 1}, {{{12}}, {{13}}, INT64_MIN, 18}};

TEST(content, there_and_back)
{
	static const struct {
		const char *name;
		struct soud_content content;
	} cases[] = {
		{"P7.6 all", {items, nils, measures, 2, 2, 3}},
		{"P7.6 items alone", {items, NULL, NULL, 2, 0, 0}},
		{"D-6 nil alone", {NULL, nils, NULL, 0, 2, 0}},
		{"P7.6 nothing", {NULL, NULL, NULL, 0, 0, 0}},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_buf *buf = buf_new();
		struct soud_content back;
		CHECK_INT(cases[i].name, soud_content_pack(&cases[i].content, buf), ==, SOU_OK);
		CHECK_INT(cases[i].name, sou_mp_check(sou_buf_span(buf)), ==, SOU_OK);
		CHECK_INT(cases[i].name, soud_content_read(sou_buf_span(buf), pool_new(), &back),
			  ==, SOU_OK);
		CHECK(cases[i].name, soud_content_eq(&cases[i].content, &back));
		CHECK(cases[i].name,
		      i == 0 || !soud_content_eq(&cases[0].content, &cases[i].content));
		for (size_t n = 0; n < buf->n; n++) {
			struct test_bytes cut = test_copy(buf->p, n);
			struct sou_span span = {cut.b, cut.n};
			CHECK_INT(test_printf("%s, %zu bytes", cases[i].name, n),
				  soud_content_read(span, pool_new(), &back), ==, SOU_EFORMAT);
		}
	}
}

/* One difference anywhere makes another submission. */
TEST(content, what_counts_as_equal)
{
	const struct soud_content all = {items, nils, measures, 2, 2, 3};
	for (size_t i = 0; i < 3 * 2 + 2 + 4 * 3 + 3; i++) {
		struct soud_content_item other[2] = {items[0], items[1]};
		struct sou_id nil[2] = {nils[0], nils[1]};
		struct soud_content_measure measure[3] = {measures[0], measures[1], measures[2]};
		struct soud_content c = {other, nil, measure, 2, 2, 3};
		if (i < 6) {
			struct sou_id *ids[] = {&other[i / 3].column, &other[i / 3].item,
						&other[i / 3].version};
			ids[i % 3]->b[15] = 1;
		} else if (i < 8) {
			nil[i - 6].b[15] = 1;
		} else if (i < 20) {
			struct soud_content_measure *m = &measure[(i - 8) / 4];
			m->indicator.b[15] = (i - 8) % 4 == 0;
			m->version.b[15] = (i - 8) % 4 == 1;
			m->mantissa ^= (i - 8) % 4 == 2;
			m->decimals ^= (i - 8) % 4 == 3;
		} else {
			size_t *counts[] = {&c.item_count, &c.nil_count, &c.measure_count};
			(*counts[i - 20])--;
		}
		CHECK(test_printf("difference %zu", i), !soud_content_eq(&all, &c));
	}
	CHECK("P7.6 the same", soud_content_eq(&all, &all));
}

/* Any flat list may stand in the field (P6.8); what is none of ours is no submission. */
TEST(content, other_lists)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"nil", "c0"},
		{"a text", "a1 61"},
		{"empty list", "90"},
		{"one count", "91 00"},
		{"two counts", "92 00 00"},
		{"a fourth count", "94 00 00 00 00"},
		{"counts beyond the list", "93 01 00 00"},
		{"a negative count", "93 ff 00 00"},
		{"a text as id", "96 01 a1 61 a1 61 a1 61 00 00"},
		{"an id of 15 bytes", "94 00 01 c4 0f 000102030405060708090a0b0c0d0e 00"},
		{"a count of 2^64 - 1", "93 cf ffffffffffffffff 00 00"},
		{"a mantissa of 2^63", "97 00 00 01 c4 10 00000000000000000000000000000001 c4 10 "
				       "00000000000000000000000000000002 cf 8000000000000000 00"},
		{"something behind", "93 00 00 00 00"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_bytes b = test_hex(cases[i].hex);
		struct sou_span span = {b.b, b.n};
		struct soud_content out = {.item_count = 77};
		CHECK_INT(cases[i].name, soud_content_read(span, pool_new(), &out), ==,
			  SOU_EFORMAT);
		CHECK_INT(cases[i].name, out.item_count, ==, 77);
	}
}

/* P6.2: a list has at most 4,096 members. */
TEST(content, limits)
{
	size_t most = (SOU_LIST_MAX - 3) / 3;
	struct soud_content_item *many = test_alloc((most + 1) * sizeof *many);
	for (size_t i = 0; i <= most; i++)
		many[i] = (struct soud_content_item){id_of(1), id_of(2), id_of(3)};
	struct soud_content content = {.items = many, .item_count = most}, back;
	struct sou_buf *buf = buf_new();
	CHECK_INT("R17 items at the limit", soud_content_pack(&content, buf), ==, SOU_OK);
	CHECK_INT("R17 read at the limit", soud_content_read(sou_buf_span(buf), pool_new(), &back),
		  ==, SOU_OK);
	CHECK_INT("R17 read at the limit", back.item_count, ==, most);
	struct sou_buf *past = buf_new();
	content.item_count = most + 1;
	CHECK_INT("R17 items one past", soud_content_pack(&content, past), ==, SOU_ELIMIT);
	content.item_count = SIZE_MAX;
	CHECK_INT("R17 items at the type's maximum", soud_content_pack(&content, past), ==,
		  SOU_ELIMIT);
	content.item_count = 0;
	content.nil_count = SIZE_MAX;
	CHECK_INT("R17 nil columns", soud_content_pack(&content, past), ==, SOU_ELIMIT);
	content.nil_count = 0;
	content.measure_count = SIZE_MAX;
	CHECK_INT("R17 measurements", soud_content_pack(&content, past), ==, SOU_ELIMIT);
	CHECK_INT("nothing was appended", past->n, ==, 0);
}
