/* scratch.c - memory, files and handlers that die with the test that asked for them. */
#define _GNU_SOURCE
#include "tests/lib/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/check.h"

#define FILE_BYTES_MAX (64u << 20)

struct at_end {
	struct at_end *next; /* the one asked for before */
	void (*fn)(void *arg);
	void *arg;
};

static struct at_end *last;
static char *folder; /* of the running test, or NULL */

void scratch_drop(void)
{
	while (last != NULL) {
		struct at_end *a = last;
		last = a->next;
		a->fn(a->arg);
		free(a);
	}
}

void test_at_end(void (*fn)(void *arg), void *arg)
{
	struct at_end *a = malloc(sizeof *a);
	REQUIRE("memory of the test", a != NULL);
	*a = (struct at_end){.next = last, .fn = fn, .arg = arg};
	last = a;
}

void *test_alloc(size_t n)
{
	void *block = malloc(n);
	REQUIRE("memory of the test", block != NULL || n == 0);
	test_at_end(free, block);
	return block;
}

char *test_printf(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	REQUIRE("memory of the test", n >= 0);
	test_at_end(free, text);
	return text;
}

struct test_bytes test_copy(const void *bytes, size_t n)
{
	struct test_bytes out = {.b = test_alloc(n), .n = n};
	if (n > 0)
		memcpy(out.b, bytes, n);
	return out;
}

static const char digits[] = "0123456789abcdef";

static bool is_hex_digit(char c)
{
	return c != '\0' && strchr(digits, c | 0x20) != NULL;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(strchr(digits, c | 0x20) - digits);
}

struct test_bytes test_hex(const char *hex)
{
	size_t pairs = 0;
	for (const char *p = hex; *p != '\0'; p++) {
		if (strchr(" \t\r\n", *p) != NULL)
			continue;
		REQUIRE(hex, is_hex_digit(p[0]) && is_hex_digit(p[1]));
		pairs++;
		p++;
	}
	struct test_bytes out = {.b = test_alloc(pairs), .n = 0};
	for (const char *p = hex; out.n < pairs; p++) {
		if (!is_hex_digit(*p))
			continue;
		out.b[out.n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
		p++;
	}
	return out;
}

const char *test_hex_text(const void *bytes, size_t n)
{
	char *text = test_alloc(2 * n + 1);
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	text[2 * n] = '\0';
	return text;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_folder(void *arg)
{
	(void)arg;
	if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fprintf(stderr, "check: cannot remove %s: %s\n", folder, strerror(errno));
	free(folder);
	folder = NULL;
}

const char *test_dir(void)
{
	if (folder != NULL)
		return folder;
	const char *base = getenv("TMPDIR");
	REQUIRE("folder of the test",
		asprintf(&folder, "%s/soukatsu-test-XXXXXX", base != NULL ? base : "/tmp") > 0);
	REQUIRE(folder, mkdtemp(folder) != NULL);
	test_at_end(remove_folder, NULL);
	return folder;
}

const char *test_path(const char *name)
{
	return test_printf("%s/%s", test_dir(), name);
}

const char *test_file(const char *name, const void *bytes, size_t n)
{
	const char *path = test_path(name);
	FILE *file = fopen(path, "wbx");
	REQUIRE(path, file != NULL);
	size_t written = n > 0 ? fwrite(bytes, 1, n, file) : 0;
	REQUIRE(path, fclose(file) == 0 && written == n);
	return path;
}

struct test_bytes test_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	REQUIRE(path, file != NULL);
	struct stat st;
	REQUIRE(path, fstat(fileno(file), &st) == 0 && (uint64_t)st.st_size <= FILE_BYTES_MAX);
	struct test_bytes out = {.b = test_alloc((size_t)st.st_size + 1), .n = 0};
	out.n = fread(out.b, 1, (size_t)st.st_size, file);
	out.b[out.n] = 0;
	fclose(file);
	REQUIRE(path, out.n == (size_t)st.st_size);
	return out;
}
