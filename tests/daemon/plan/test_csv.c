/* test_csv.c - rows as offices write them: quotes, line ends, byte order mark; and what is wrong
 * with one. */
#include "daemon/plan/csv.h"

#include "tests/lib/check.h"

static struct soud_pool *pool_new(void)
{
	struct soud_pool *pool = test_alloc(sizeof *pool);
	*pool = (struct soud_pool){0};
	test_at_end((void (*)(void *))soud_pool_fini, pool);
	return pool;
}

/* "1:a|b 3:c|d" of all rows, "!LINE/FIELD" where one is refused. */
static const char *told(const char *text)
{
	struct soud_csv csv = {.at = text};
	struct soud_csv_row row;
	const char *out = "";
	int rc;
	while ((rc = soud_csv_next(&csv, pool_new(), &row)) == SOU_OK) {
		out = test_printf("%s%s%zu:", out, out[0] != '\0' ? " " : "", row.line);
		for (size_t i = 0; i < row.count; i++)
			out = test_printf("%s%s%s", out, i > 0 ? "|" : "", row.field[i]);
	}
	if (rc == SOU_EFORMAT)
		out = test_printf("%s!%zu/%zu", out, row.line, row.count);
	else if (rc == SOU_ELIMIT)
		out = test_printf("%s!limit", out);
	return out;
}

TEST(csv, table)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{"nothing", "", ""},
		{"line ends alone", "\n\r\n\n", ""},
		{"RFC 4180 two rows", "a,b\r\nc,d\r\n", "1:a|b 2:c|d"},
		{"LF, none at the end", "a,b\nc,d", "1:a|b 2:c|d"},
		{"T-36 byte order mark",
		 "\xEF\xBB\xBF"
		 "a,b",
		 "1:a|b"},
		{"a mark elsewhere is text",
		 "a\n\xEF\xBB\xBF"
		 "b",
		 "1:a 2:\xEF\xBB\xBF"
		 "b"},
		{"empty lines", "a\n\n\nb\n", "1:a 4:b"},
		{"empty fields", ",,\n", "1:||"},
		{"blanks stay", " a , b \n", "1: a | b "},
		{"a lone CR is text", "a\rb\n", "1:a\rb"},
		{"quoted", "\"a,b\",c\n", "1:a,b|c"},
		{"quoted line end", "\"a\nb\",c\nd,e\n", "1:a\nb|c 3:d|e"},
		{"doubled quotes", "\"a\"\"b\",\"\"\"\"\n", "1:a\"b|\""},
		{"empty quotes", "\"\",\"\"", "1:|"},
		{"quoted at the end", "a,\"b\"", "1:a|b"},
		{"D-4 as typed", "㌻,①Ⅳ,𠮷 \n", "1:㌻|①Ⅳ|𠮷 "},
		{"quote in a bare field", "a,b\"c\n", "!1/1"},
		{"text behind a quote", "a\n\"b\"c,d\n", "1:a!2/0"},
		{"quote not closed", "a,\"b\nc", "!1/1"},
		{"quote not closed, doubled", "\"a\"\"", "!1/0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_STR(cases[i].name, told(cases[i].text), cases[i].want);
}

TEST(csv, limits)
{
	char text[2 * SOUD_CSV_FIELDS_MAX + 2] = "";
	struct soud_csv csv = {.at = text};
	struct soud_csv_row row;
	for (size_t i = 0; i + 1 < SOUD_CSV_FIELDS_MAX; i++)
		text[i] = ',';
	CHECK_INT("R17 fields at the limit", soud_csv_next(&csv, pool_new(), &row), ==, SOU_OK);
	CHECK_INT("R17 fields at the limit", row.count, ==, SOUD_CSV_FIELDS_MAX);
	text[SOUD_CSV_FIELDS_MAX - 1] = ',';
	csv = (struct soud_csv){.at = text};
	CHECK_INT("R17 one past", soud_csv_next(&csv, pool_new(), &row), ==, SOU_ELIMIT);
}
