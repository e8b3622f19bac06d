/* test_check.c - the checks themselves: what is equal passes, and what differs ends badly. */
#include "tests/lib/check.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/vector.h"

TEST(check, hex)
{
	static const struct {
		const char *name, *hex, *text;
	} cases[] = {
		{"empty", "", ""},
		{"pairs", "00 fF\n7a", "00ff7a"},
		{"no blanks", "0102", "0102"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_bytes b = test_hex(cases[i].hex);
		CHECK_STR(cases[i].name, test_hex_text(b.b, b.n), cases[i].text);
	}
}

static void differ_int(void)
{
	CHECK_INT("differ", 1, ==, 2);
}

static void differ_u64(void)
{
	CHECK_U64("differ", UINT64_MAX, <, 1);
}

static void differ_bool(void)
{
	CHECK("differ", 1 > 2);
}

static void differ_mem(void)
{
	CHECK_MEM("differ", "abc", 3, "abd", 3);
}

static void differ_length(void)
{
	CHECK_MEM("differ", "abc", 3, "abc", 2);
}

static void differ_str(void)
{
	CHECK_STR("differ", "a", NULL);
}

static void odd_hex(void)
{
	test_hex("00 1");
}

static void no_hex(void)
{
	test_hex("0g");
}

static void no_file(void)
{
	vector_load_file("/nonexistent.json");
}

static void no_key(void)
{
	vector_str(vector_load_file(test_file("v.json", "{}", 2)), "absent");
}

static void twice_key(void)
{
	vector_load_file(test_file("v.json", "{\"a\":1,\"a\":2}", 13));
}

static void empty_array(void)
{
	vector_array(vector_load_file(test_file("v.json", "{\"a\":[]}", 8)), "a");
}

/* Each row runs in a child of its own, where it alone is the program: see test_check_child.sh. */
static const struct {
	const char *name;
	void (*fn)(void);
} bad_cases[] = {
	{"int", differ_int},  {"u64", differ_u64},       {"bool", differ_bool},
	{"mem", differ_mem},  {"length", differ_length}, {"str", differ_str},
	{"odd hex", odd_hex}, {"no hex", no_hex},        {"no file", no_file},
	{"no key", no_key},   {"key twice", twice_key},  {"empty array", empty_array},
};

/* Run this program again for one row only. */
static int run_bad(size_t row)
{
	pid_t child = fork();
	REQUIRE("fork", child >= 0);
	if (child == 0) {
		setenv("SOU_CHECK_BAD", test_printf("%zu", row), 1);
		if (freopen("/dev/null", "w", stdout) == NULL ||
		    freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		execl("/proc/self/exe", "test_lib_check", "check planted", (char *)NULL);
		_exit(98);
	}
	int status = 0;
	REQUIRE("wait", waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(check, planted)
{
	const char *row = getenv("SOU_CHECK_BAD");
	if (row != NULL && row[0] != '\0')
		bad_cases[strtoul(row, NULL, 10) % ARRAY_LEN(bad_cases)].fn();
}

TEST(check, differences_fail)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++)
		CHECK_INT(bad_cases[i].name, run_bad(i), ==, 1);
}

TEST(check, same_passes)
{
	CHECK_INT("int", -1, <, 0u);
	CHECK_U64("u64", UINT64_MAX, >, 1);
	CHECK_MEM("mem", "abc", 3, "abc", 3);
	CHECK_MEM("nothing", NULL, 0, NULL, 0);
	CHECK_STR("str", "a", "a");
	CHECK_STR("no str", NULL, NULL);
}

static const char *dir_of_before;

TEST(check, folder_is_there)
{
	const char *path = test_file("a", "xyz", 3);
	struct test_bytes back = test_read(path);
	CHECK_MEM("read back", back.b, back.n, "xyz", 3);
	struct stat st;
	CHECK_INT("stat", stat(test_dir(), &st), ==, 0);
	CHECK_INT("mode", st.st_mode & 0777, ==, 0700);
	CHECK_INT("folder in it", mkdir(test_path("sub"), 0700), ==, 0);
	static char kept[4096];
	snprintf(kept, sizeof kept, "%s", test_dir());
	dir_of_before = kept;
}

TEST(check, folder_is_gone)
{
	if (dir_of_before != NULL) /* NULL when a filter runs this one alone */
		CHECK_INT(dir_of_before, access(dir_of_before, F_OK), ==, -1);
}

TEST(vector, values)
{
	static const char text[] = "{\"s\": \"\\u6771\", \"i\": 9007199254740993, \"b\": true,"
				   " \"u\": \"18446744073709551615\", \"h\": \"00ff\", \"a\": [1]}";
	json_t *v = vector_load_file(test_file("v.json", text, sizeof text - 1));
	CHECK_STR("s", vector_str(v, "s"), "東");
	CHECK_INT("i", vector_int(v, "i"), ==, 9007199254740993);
	CHECK_U64("u", vector_u64(v, "u"), ==, UINT64_MAX);
	CHECK("b", vector_bool(v, "b"));
	uint8_t two[2];
	vector_hex_into(v, "h", two, sizeof two);
	CHECK_MEM("h", two, 2, "\x00\xff", 2);
	CHECK_INT("a", json_array_size(vector_array(v, "a")), ==, 1);
	CHECK("absent", !vector_has(v, "x"));
}
