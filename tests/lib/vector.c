/* vector.c - JSON of the test vectors through jansson, with every surprise ending the test. */
#include "tests/lib/vector.h"

#include <errno.h>

static void drop(void *json)
{
	json_decref(json);
}

json_t *vector_load_file(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL) {
		check_failed(__FILE__, __LINE__, path, "line %d column %d: %s", error.line,
			     error.column, error.text);
		check_stop();
	}
	test_at_end(drop, json);
	return json;
}

json_t *vector_load(const char *name)
{
	return vector_load_file(test_printf("%s/tests/vectors/%s.json", SOU_SOURCE_DIR, name));
}

bool vector_has(const json_t *object, const char *key)
{
	return json_object_get(object, key) != NULL;
}

json_t *vector_get(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	if (value == NULL) {
		check_failed(__FILE__, __LINE__, key, "no such key in a vector");
		check_stop();
	}
	return value;
}

json_t *vector_array(const json_t *object, const char *key)
{
	json_t *value = vector_get(object, key);
	REQUIRE(key, json_is_array(value) && json_array_size(value) > 0);
	return value;
}

const char *vector_str(const json_t *object, const char *key)
{
	json_t *value = vector_get(object, key);
	REQUIRE(key, json_is_string(value));
	REQUIRE(key, strlen(json_string_value(value)) == json_string_length(value));
	return json_string_value(value);
}

int64_t vector_int(const json_t *object, const char *key)
{
	json_t *value = vector_get(object, key);
	REQUIRE(key, json_is_integer(value));
	return json_integer_value(value);
}

uint64_t vector_u64(const json_t *object, const char *key)
{
	const char *text = vector_str(object, key);
	REQUIRE(key, text[0] >= '0' && text[0] <= '9');
	char *end = NULL;
	errno = 0;
	uint64_t number = strtoull(text, &end, 10);
	REQUIRE(key, errno == 0 && *end == '\0');
	return number;
}

bool vector_bool(const json_t *object, const char *key)
{
	json_t *value = vector_get(object, key);
	REQUIRE(key, json_is_boolean(value));
	return json_is_true(value);
}

struct test_bytes vector_hex(const json_t *object, const char *key)
{
	return test_hex(vector_str(object, key));
}

void vector_hex_into(const json_t *object, const char *key, void *out, size_t n)
{
	struct test_bytes bytes = vector_hex(object, key);
	REQUIRE(key, bytes.n == n);
	if (n > 0)
		memcpy(out, bytes.b, n);
}
