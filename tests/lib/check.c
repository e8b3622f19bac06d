/* check.c - the runner behind TEST, and the checks. Crashes and early ends of one test are caught
 * by cmocka, so the others still run. */
#include "tests/lib/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/lib/scratch.h"

#define TESTS_MAX 512

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;
static int failures; /* of the test that runs */

static int begin(void **state)
{
	(void)state;
	failures = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	scratch_drop();
	return 0;
}

static void run(void **state)
{
	void (*fn)(void) = (void (*)(void))(uintptr_t)*state;
	fn();
	if (failures > 0)
		fail_msg("%d checks failed", failures);
}

void check_register(const char *name, void (*fn)(void))
{
	if (test_count == TESTS_MAX) {
		fprintf(stderr, "check: more than %d tests in one program\n", TESTS_MAX);
		exit(1);
	}
	tests[test_count++] = (struct CMUnitTest){
		.name = name,
		.test_func = run,
		.setup_func = begin,
		.teardown_func = end,
		.initial_state = (void *)(uintptr_t)fn,
	};
}

/* A program that registers nothing must not pass. An argument is a pattern of names (* and ?). */
int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (test_count == 0) {
		fprintf(stderr, "check: no TEST in this program\n");
		return 1;
	}
	return _cmocka_run_group_tests("", tests, test_count, NULL, NULL) == 0 ? 0 : 1;
}

static void head(const char *file, int line, const char *name)
{
	failures++;
	fprintf(stderr, "%s:%d: [%s] ", file, line, name != NULL ? name : "");
}

void check_failed(const char *file, int line, const char *name, const char *format, ...)
{
	head(file, line, name);
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void check_failed_int(const char *file, int line, const char *name, const char *text, intmax_t a,
		      intmax_t b)
{
	check_failed(file, line, name, "%s: %jd (0x%jx), %jd (0x%jx)", text, a, (uintmax_t)a, b,
		     (uintmax_t)b);
}

void check_mem(const char *file, int line, const char *name, const char *text, const void *a,
	       size_t a_bytes, const void *b, size_t b_bytes)
{
	const uint8_t *x = a, *y = b;
	size_t least = a_bytes < b_bytes ? a_bytes : b_bytes, same = 0;
	while (same < least && x[same] == y[same])
		same++;
	if (same == a_bytes && same == b_bytes)
		return;
	size_t from = same > 8 ? same - 8 : 0;
	size_t x_end = a_bytes - from < 24 ? a_bytes : from + 24;
	size_t y_end = b_bytes - from < 24 ? b_bytes : from + 24;
	head(file, line, name);
	fprintf(stderr, "%s: %zu bytes, not the %zu expected; equal up to %zu; from %zu:\n", text,
		a_bytes, b_bytes, same, from);
	fputs("  got      ", stderr);
	for (size_t i = from; i < x_end; i++)
		fprintf(stderr, "%02x ", x[i]);
	fputs("\n  expected ", stderr);
	for (size_t i = from; i < y_end; i++)
		fprintf(stderr, "%02x ", y[i]);
	fputc('\n', stderr);
}

void check_str(const char *file, int line, const char *name, const char *text, const char *a,
	       const char *b)
{
	if (a == b || (a != NULL && b != NULL && strcmp(a, b) == 0))
		return;
	check_failed(file, line, name, "%s:\n  got      %s\n  expected %s", text,
		     a != NULL ? a : "(null)", b != NULL ? b : "(null)");
}

_Noreturn void check_stop(void)
{
	fail_msg("%d checks failed; this test cannot go on", failures);
	abort(); /* fail_msg does not return, which its declaration does not say */
}
