/* test_merge3.c - a proposal takes from each text what only that one changed, and is none where
 * both changed one place. */
#include "daemon/plan/merge3.h"

#include "proto/error.h"
#include "proto/limits.h"
#include "tests/lib/check.h"

#define KA_MARK "\xE3\x81\x8B\xE3\x82\x99" /* か with a combining mark */

static const struct {
	const char *name, *base, *a, *b;
	int rc;
	const char *out;
} cases[] = {
	{"nothing changed", "例の文", "例の文", "例の文", SOU_OK, "例の文"},
	{"one side alone", "会議を開催した。", "会議を3回開催した。", "会議を開催した。", SOU_OK,
	 "会議を3回開催した。"},
	{"other side alone", "会議を開催した。", "会議を開催した。", "会議を開催する。", SOU_OK,
	 "会議を開催する。"},
	{"both, apart", "連絡会と学習会を開催した。", "連絡会3回と学習会を開催した。",
	 "連絡会と学習会を開催する。", SOU_OK, "連絡会3回と学習会を開催する。"},
	{"both the same", "3回", "4回", "4回", SOU_OK, "4回"},
	{"both, one place", "3回", "4回", "5回", SOU_ECONFLICT, NULL},
	{"both put in at one place", "開催した", "3回開催した", "4回開催した", SOU_ECONFLICT, NULL},
	{"side by side", "甲乙丙", "甲丁丙", "甲乙戊", SOU_ECONFLICT, NULL},
	{"side by side, one kept between", "甲乙丙丁", "戊乙丙丁", "甲乙己丁", SOU_OK, "戊乙己丁"},
	{"removed and changed", "甲乙丙", "甲丙", "甲丁丙", SOU_ECONFLICT, NULL},
	{"removed on both sides, apart", "甲乙丙丁戊", "甲丙丁戊", "甲乙丙戊", SOU_OK, "甲丙戊"},
	{"all removed", "甲乙", "", "甲乙", SOU_OK, ""},
	{"from nothing", "", "甲", "", SOU_OK, "甲"},
	{"from nothing, both", "", "甲", "乙", SOU_ECONFLICT, NULL},
	{"T-1 nothing is normalised", "（㌻）Ⅳ①", "（㌻）Ⅳ②", "(㌻）Ⅳ①", SOU_OK, "(㌻）Ⅳ②"},
	{"T-4 four bytes", "𠮷野家", "𠮷野家 ", "𠮷野屋", SOU_ECONFLICT, NULL},
	{"T-5 a mark stays with its letter", "X" KA_MARK "Y甲",
	 "X"
	 "か"
	 "Y甲",
	 "X" KA_MARK "Y乙", SOU_OK,
	 "X"
	 "か"
	 "Y乙"},
	{"line ends", "甲\n乙\n丙", "甲\n乙\n丙\n丁", "戊\n乙\n丙", SOU_OK, "戊\n乙\n丙\n丁"},
};

static struct soud_pool *pool_new(void)
{
	struct soud_pool *pool = test_alloc(sizeof *pool);
	*pool = (struct soud_pool){0};
	test_at_end((void (*)(void *))soud_pool_fini, pool);
	return pool;
}

TEST(merge3, table)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int turned = 0; turned < 2; turned++) {
			const char *a = turned ? cases[i].b : cases[i].a;
			const char *b = turned ? cases[i].a : cases[i].b;
			const char *out = NULL;
			int rc = soud_merge3(cases[i].base, a, b, pool_new(), &out);
			CHECK_INT(cases[i].name, rc, ==, cases[i].rc);
			if (cases[i].out != NULL)
				CHECK_STR(cases[i].name, out, cases[i].out);
		}
	}
}

static char *repeated(const char *text, size_t bytes)
{
	size_t n = strlen(text);
	char *out = test_alloc(bytes + 1);
	for (size_t i = 0; i + n <= bytes; i += n)
		memcpy(out + i, text, n);
	out[bytes / n * n] = '\0';
	return out;
}

TEST(merge3, limits)
{
	const char *out = NULL;
	char *base = repeated("あ", SOU_STR_BYTES_MAX), *a = repeated("あ", SOU_STR_BYTES_MAX);
	a[2]++; /* い */
	CHECK_INT("R17 the longest text", soud_merge3(base, a, base, pool_new(), &out), ==, SOU_OK);
	CHECK_STR("R17 the longest text", out, a);
	char *past = repeated("a", SOU_STR_BYTES_MAX + 1);
	CHECK_INT("R17 one past", soud_merge3(base, past, base, pool_new(), &out), ==, SOU_ELIMIT);
	/* Each is allowed, the proposal would not be. */
	char *left = repeated("a", SOU_STR_BYTES_MAX - 2), *right = repeated("b", 2000);
	left[SOU_STR_BYTES_MAX - 3] = '-';
	right[0] = '-';
	CHECK_INT("R17 a result past it", soud_merge3("-", left, right, pool_new(), &out), ==,
		  SOU_ELIMIT);
	/* Nothing in common: too much to compare. */
	char *x = repeated("x", 4000), *y = repeated("y", 4000);
	CHECK_INT("too much to compare", soud_merge3(x, y, x, pool_new(), &out), ==, SOU_ELIMIT);
	CHECK_INT("T-1 no UTF-8", soud_merge3("\xff", "a", "b", pool_new(), &out), ==, SOU_EINPUT);
}
