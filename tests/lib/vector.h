/* vector.h - reads tests/vectors/NAME.json and what stands in it. A missing or mistyped key ends
 * the test and is named; everything lives until the end of the test.
 *
 *   json_t *rows = vector_array(vector_load("entry"), "rows");
 *   for (size_t i = 0; i < json_array_size(rows); i++) {
 *           json_t *row = json_array_get(rows, i);
 *           const char *name = vector_str(row, "name");
 *           struct test_bytes bytes = vector_hex(row, "bytes");
 */
#ifndef SOU_TESTS_VECTOR_H
#define SOU_TESTS_VECTOR_H

#include <jansson.h>

#include "tests/lib/check.h"

/* Duplicate keys and broken UTF-8 are refused. `name` without folder and ".json". */
json_t *vector_load(const char *name);
/* The same for any file, by path. */
json_t *vector_load_file(const char *path);

json_t *vector_get(const json_t *object, const char *key);
/* vector_array: not empty, so that a test over it cannot pass on nothing. */
json_t *vector_array(const json_t *object, const char *key);
const char *vector_str(const json_t *object, const char *key);
int64_t vector_int(const json_t *object, const char *key);
/* A number written as decimal text, for what does not fit in an int64. */
uint64_t vector_u64(const json_t *object, const char *key);
bool vector_bool(const json_t *object, const char *key);
/* A string of hex digits. */
struct test_bytes vector_hex(const json_t *object, const char *key);
/* The same, of exactly n bytes, copied to out. */
void vector_hex_into(const json_t *object, const char *key, void *out, size_t n);
bool vector_has(const json_t *object, const char *key);

#endif
