/* check.h - what every unit test is written with.
 *
 * A test file is a list of TEST(room, what) { ... } and nothing else: the main is here too and runs
 * them in order. A failed CHECK prints the row's name and both values and goes on, so that a table
 * shows all its bad rows; REQUIRE ends this test. `name` is the row's name, beginning with the
 * rule. Whatever test_* functions hand out lives until the end of the test that asked for it. */
#ifndef SOU_TESTS_CHECK_H
#define SOU_TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#define TEST(room, what)                                                                           \
	static void test_##room##_##what(void);                                                    \
	__attribute__((constructor)) static void register_##room##_##what(void)                    \
	{                                                                                          \
		check_register(#room " " #what, test_##room##_##what);                             \
	}                                                                                          \
	static void test_##room##_##what(void)

/* Integers of any type up to 64 bits, compared as signed; CHECK_U64 compares as unsigned. */
#define CHECK_INT(name, a, op, b)                                                                  \
	do {                                                                                       \
		intmax_t check_a = (intmax_t)(a), check_b = (intmax_t)(b);                         \
		if (!(check_a op check_b))                                                         \
			check_failed_int(__FILE__, __LINE__, name, #a " " #op " " #b, check_a,     \
					 check_b);                                                 \
	} while (0)
#define CHECK_U64(name, a, op, b)                                                                  \
	do {                                                                                       \
		uint64_t check_a = (uint64_t)(a), check_b = (uint64_t)(b);                         \
		if (!(check_a op check_b))                                                         \
			check_failed_int(__FILE__, __LINE__, name, #a " " #op " " #b,              \
					 (intmax_t)check_a, (intmax_t)check_b);                    \
	} while (0)
#define CHECK(name, condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			check_failed(__FILE__, __LINE__, name, "%s", #condition);                  \
	} while (0)
#define REQUIRE(name, condition)                                                                   \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			check_failed(__FILE__, __LINE__, name, "%s", #condition);                  \
			check_stop();                                                              \
		}                                                                                  \
	} while (0)

/* Equal length and bytes; on failure prints the first place where they part. */
#define CHECK_MEM(name, a, a_bytes, b, b_bytes)                                                    \
	check_mem(__FILE__, __LINE__, name, #a, a, a_bytes, b, b_bytes)
/* Either may be NULL. */
#define CHECK_STR(name, a, b) check_str(__FILE__, __LINE__, name, #a, a, b)

struct test_bytes { /* a heap block of exactly n bytes: a sanitizer sees the first read past it */
	uint8_t *b;
	size_t n;
};

/* "00 0a ff": hex digits in pairs; blanks and line ends are skipped; anything else ends the test.
 */
struct test_bytes test_hex(const char *hex);
struct test_bytes test_copy(const void *bytes, size_t n);
/* Lower-case hex without blanks. */
const char *test_hex_text(const void *bytes, size_t n);
/* Like malloc and printf, never NULL. */
void *test_alloc(size_t n);
char *test_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Calls fn(arg) when this test ends, whatever its outcome; the last one asked for runs first. */
void test_at_end(void (*fn)(void *arg), void *arg);

/* An empty folder (0700) of this test, removed with all in it; the path of `name` in it; a new file
 * in it, whose path is returned. */
const char *test_dir(void);
const char *test_path(const char *name);
const char *test_file(const char *name, const void *bytes, size_t n);
/* All bytes of a file; ends the test when it cannot be read. A 0 follows the last byte, outside n.
 */
struct test_bytes test_read(const char *path);

void check_register(const char *name, void (*fn)(void));
void check_failed(const char *file, int line, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void check_failed_int(const char *file, int line, const char *name, const char *text, intmax_t a,
		      intmax_t b);
void check_mem(const char *file, int line, const char *name, const char *text, const void *a,
	       size_t a_bytes, const void *b, size_t b_bytes);
void check_str(const char *file, int line, const char *name, const char *text, const char *a,
	       const char *b);
_Noreturn void check_stop(void);

#endif
