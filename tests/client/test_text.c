/* Columns, line breaking and harmless output of the command line, and its tables. */
#include "client/cli/text.h"

#include "client/cli/grid.h"
#include "tests/lib/check.h"

static const struct {
	const char *name, *text;
	size_t columns;
} column_cases[] = {
	{"T-5 ASCII", "abc", 3},
	{"T-5 Japanese", "令和", 4},
	{"T-5 half-width kana", "ｱｲ", 2},
	{"T-5 full-width digit", "３", 2},
	{"T-5 ideographic blank", "\xE3\x80\x80", 2},
	{"T-5 beyond the BMP", "𠮷", 2},
	{"T-5 combining mark", "か\xE3\x82\x99", 2},
	{"T-5 ambiguous takes one", "①Ⅳ○", 3},
	{"T-5 variation selector", "神\xF3\xA0\x84\x80", 2},
	{"T-5 control counts as shown", "\x1b[0m", 4},
	{"T-5 broken byte",
	 "a\xFF"
	 "b",
	 3},
	{"T-5 empty", "", 0},
};
TEST(text, columns)
{
	for (size_t i = 0; i < ARRAY_LEN(column_cases); i++) {
		size_t n = strlen(column_cases[i].text);
		struct test_bytes copy = test_copy(column_cases[i].text, n);
		CHECK_INT(column_cases[i].name, souc_text_columns((const char *)copy.b, n), ==,
			  column_cases[i].columns);
	}
}

static const struct {
	const char *name, *text, *safe;
} safe_cases[] = {
	{"R19 plain", "令和5年\n末", "令和5年\n末"},
	{"R19 escape", "\x1b[31m", "␛[31m"},
	{"R19 bell, tab, return", "\a\t\r", "␇␉␍"},
	{"R19 DEL", "\x7f", "␡"},
	{"R19 C1 (CSI)",
	 "\xC2\x9B"
	 "31m",
	 "�31m"},
	{"R19 right-to-left override",
	 "\xE2\x80\xAE"
	 "a",
	 "�a"},
	{"R19 isolate", "\xE2\x81\xA6", "�"},
	{"R19 line separator", "\xE2\x80\xA8", "�"},
	{"R19 broken byte", "\xE3\x80", "��"},
	{"R19 the replacement itself", "\xEF\xBF\xBD", "�"},
};
TEST(text, safe)
{
	for (size_t i = 0; i < ARRAY_LEN(safe_cases); i++) {
		struct souc_buffer b = {0};
		size_t n = strlen(safe_cases[i].text);
		struct test_bytes copy = test_copy(safe_cases[i].text, n);
		souc_text_add_safe(&b, (const char *)copy.b, n);
		CHECK_STR(safe_cases[i].name, b.text, safe_cases[i].safe);
		CHECK_INT(safe_cases[i].name, souc_text_columns(b.text, b.len), ==,
			  strchr(safe_cases[i].text, '\n') != NULL
				  ? souc_text_columns(b.text, b.len)
				  : souc_text_columns(safe_cases[i].text, n));
		souc_buffer_fini(&b);
	}
}

static const struct {
	const char *name, *text;
	size_t columns;
	const char *lines; /* joined by | */
} line_cases[] = {
	{"T-9 fits", "令和", 4, "令和"},
	{"T-9 one more", "令和5", 4, "令和|5"},
	{"T-9 no 。 at the beginning", "あいう。え", 6, "あい|う。え"},
	{"T-9 no 」 at the beginning", "あい」」う", 4, "あ|い」|」う"},
	{"T-9 no （ at the end", "あい（う）", 6, "あい|（う）"},
	{"T-9 small kana holds on", "あしょう", 4, "あ|しょ|う"},
	{"T-9 words hold together", "ab cdef gh", 7, "ab cdef|gh"},
	{"T-9 blank at the break is dropped", "abc   def", 5, "abc|def"},
	{"T-9 a word too long is cut", "abcdefgh", 5, "abcde|fgh"},
	{"T-9 between kanji and Latin", "東社協NPO協", 8, "東社協|NPO協"},
	{"T-9 given line ends stay", "あ\nい\n\nう", 10, "あ|い||う"},
	{"T-9 line end at the very edge", "あい\nう", 4, "あい|う"},
	{"T-9 mark stays with its character", "ががが\xE3\x82\x99", 4, "がが|が\xE3\x82\x99"},
	{"T-9 all may not begin", "。。。。", 4, "。。|。。"},
};
TEST(text, lines)
{
	for (size_t i = 0; i < ARRAY_LEN(line_cases); i++) {
		struct souc_buffer joined = {0};
		const char *text = line_cases[i].text;
		size_t left = strlen(text);
		struct test_bytes copy = test_copy(text, left);
		text = (const char *)copy.b;
		while (left > 0) {
			size_t skip,
				bytes = souc_text_line(text, left, line_cases[i].columns, &skip);
			REQUIRE(line_cases[i].name, bytes + skip > 0 && bytes + skip <= left);
			CHECK_INT(line_cases[i].name, souc_text_columns(text, bytes), <=,
				  line_cases[i].columns);
			souc_buffer_add(&joined, text, bytes);
			text += bytes + skip;
			left -= bytes + skip;
			if (left > 0)
				souc_buffer_puts(&joined, "|");
		}
		CHECK_STR(line_cases[i].name, joined.text, line_cases[i].lines);
		souc_buffer_fini(&joined);
	}
}

/* However narrow, every character but blanks comes out, in order. */
TEST(text, lines_lose_nothing)
{
	static const char text[] =
		"令和4年9月に「コロナ禍で顕在化した地域課題」(NPO, SDGs) を実施し、𠮷ｱが"
		"把握した。\nつぎ ー";
	for (size_t columns = 2; columns < 60; columns++) {
		struct souc_buffer got = {0}, want = {0};
		for (size_t at = 0, skip; at < sizeof text - 1;) {
			size_t bytes =
				souc_text_line(text + at, sizeof text - 1 - at, columns, &skip);
			souc_buffer_add(&got, text + at, bytes);
			at += bytes + skip;
		}
		struct souc_buffer bare = {0};
		for (size_t i = 0; i < got.len; i++)
			if (got.text[i] != ' ')
				souc_buffer_add(&bare, got.text + i, 1);
		for (size_t i = 0; i < sizeof text - 1; i++)
			if (text[i] != ' ' && text[i] != '\n')
				souc_buffer_add(&want, text + i, 1);
		CHECK_STR(test_printf("%zu columns", columns), bare.text, want.text);
		souc_buffer_fini(&got);
		souc_buffer_fini(&bare);
		souc_buffer_fini(&want);
	}
}

TEST(grid, open)
{
	struct souc_grid g = {.columns = 3, .right = {[1] = true}};
	struct souc_buffer out = {0};
	const char *const cells[] = {"番号",       "数", "文章", "1f3a", "12",
				     "東社協\x1b", "a",  "3",    "x"};
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		souc_grid_add(&g, cells[i]);
	souc_grid_draw(&g, &out);
	CHECK_STR("open table", out.text,
		  "番号  数  文章\n"
		  "1f3a  12  東社協␛\n"
		  "a      3  x\n");
	souc_grid_fini(&g);
	souc_buffer_fini(&out);
}

TEST(grid, borders)
{
	struct souc_grid g = {.columns = 2, .borders = true, .width = {4, 6}};
	struct souc_buffer out = {0};
	const char *const cells[] = {"左", "右", "一\n二", "あいうえ"};
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		souc_grid_add(&g, cells[i]);
	souc_grid_draw(&g, &out);
	CHECK_STR("box", out.text,
		  "┌──────┬────────┐\n"
		  "│ 左   │ 右     │\n"
		  "├──────┼────────┤\n"
		  "│ 一   │ あいう │\n"
		  "│ 二   │ え     │\n"
		  "└──────┴────────┘\n");
	souc_grid_fini(&g);
	souc_buffer_fini(&out);
}
