/* The types of routes.def and the strict JSON reader, at their bounds; and the table itself, held
 * against docs/api.md. */
#include "daemon/http/value.h"

#include <stdio.h>

#include "daemon/http/route.h"
#include "proto/error.h"
#include "proto/limits.h"
#include "tests/lib/check.h"

static const struct {
	const char *name;
	char type;
	const char *value;
	bool fits;
} query_cases[] = {
	{"s one byte", 's', "a", true},
	{"s empty", 's', "", false},
	{"s Japanese", 's', "令和", true},
	{"s TAB", 's', "a\tb", false},
	{"s DEL", 's', "\x7f", false},
	{"s C1 control", 's', "\xC2\x85", false},
	{"s line separator", 's', "\xE2\x80\xA8", false},
	{"s ideographic space stays", 's', "\xE3\x80\x80", true},
	{"s cut UTF-8", 's', "a\xE3\x80", false},
	{"s overlong", 's', "\xC0\xAF", false},
	{"h 3 digits", 'h', "abc", false},
	{"h 4 digits", 'h', "abc0", true},
	{"h capital", 'h', "ABC0", false},
	{"h 64 digits", 'h', "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	 true},
	{"h 65 digits", 'h', "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
	 false},
	{"v 31 digits", 'v', "0123456789abcdef0123456789abcde", false},
	{"v 32 digits", 'v', "0123456789abcdef0123456789abcdef", true},
	{"v 33 digits", 'v', "0123456789abcdef0123456789abcdef0", false},
	{"i zero", 'i', "0", true},
	{"i leading zero", 'i', "01", false},
	{"i sign", 'i', "-1", false},
	{"i blank", 'i', " 1", false},
	{"i 2^53 - 1", 'i', "9007199254740991", true},
	{"i 2^53", 'i', "9007199254740992", false},
	{"i 2^64", 'i', "18446744073709551616", false},
	{"b true", 'b', "true", true},
	{"b 1", 'b', "1", false},
	{"d Z", 'd', "2023-09-15T17:00:00Z", true},
	{"d offset", 'd', "2023-09-15T17:00:00.123+09:00", true},
	{"d no zone", 'd', "2023-09-15T17:00:00", false},
	{"d 4 digits of a second", 'd', "2023-09-15T17:00:00.1234Z", false},
	{"d point without digits", 'd', "2023-09-15T17:00:00.Z", false},
	{"d month 13", 'd', "2023-13-15T17:00:00Z", false},
	{"d day 0", 'd', "2023-09-00T17:00:00Z", false},
	{"d hour 24", 'd', "2023-09-15T24:00:00Z", false},
	{"d minute 60", 'd', "2023-09-15T17:60:00Z", false},
	{"d blank for T", 'd', "2023-09-15 17:00:00Z", false},
	{"d something after", 'd', "2023-09-15T17:00:00Z ", false},
	{"d offset cut", 'd', "2023-09-15T17:00:00+09", false},
	{"d date alone", 'd', "2023-09-15", false},
	{"t is no type of a query", 't', "a", false},
};
TEST(value, query)
{
	for (size_t i = 0; i < ARRAY_LEN(query_cases); i++) {
		struct test_bytes copy =
			test_copy(query_cases[i].value, strlen(query_cases[i].value) + 1);
		CHECK_INT(query_cases[i].name,
			  soud_value_query_fits(query_cases[i].type, (const char *)copy.b), ==,
			  query_cases[i].fits);
	}
}

/* A JSON string of n times `a`. */
static json_t *filled(size_t n)
{
	char *text = test_alloc(n + 1);
	memset(text, 'a', n);
	text[n] = '\0';
	return json_string(text);
}

static const struct {
	const char *name;
	char type;
	size_t bytes;
	int rc;
	size_t limit;
} size_cases[] = {
	{"s 255", 's', 255, SOU_OK, 0},          {"s 256", 's', 256, SOU_ELIMIT, 255},
	{"n 200", 'n', 200, SOU_OK, 0},          {"n 201", 'n', 201, SOU_ELIMIT, 200},
	{"n none", 'n', 0, SOU_EINPUT, 0},       {"t none", 't', 0, SOU_OK, 0},
	{"t 8192", 't', 8192, SOU_OK, 0},        {"t 8193", 't', 8193, SOU_ELIMIT, 8192},
	{"p none", 'p', 0, SOU_EINPUT, 0},       {"p 1024", 'p', 1024, SOU_OK, 0},
	{"p 1025", 'p', 1025, SOU_ELIMIT, 1024}, {"f 100,000", 'f', 100000, SOU_OK, 0},
};
TEST(value, sizes)
{
	for (size_t i = 0; i < ARRAY_LEN(size_cases); i++) {
		json_t *value = filled(size_cases[i].bytes);
		size_t limit = 0;
		CHECK_INT(size_cases[i].name,
			  soud_value_body_fits(size_cases[i].type, value, &limit), ==,
			  size_cases[i].rc);
		CHECK_INT(size_cases[i].name, limit, ==, size_cases[i].limit);
		json_decref(value);
	}
}

static const struct {
	const char *name;
	char type;
	const char *json;
	int rc;
} body_cases[] = {
	{"i", 'i', "7", SOU_OK},
	{"i below zero", 'i', "-1", SOU_EINPUT},
	{"i above 2^53 - 1", 'i', "9007199254740992", SOU_EINPUT},
	{"i as text", 'i', "\"7\"", SOU_EINPUT},
	{"b", 'b', "false", SOU_OK},
	{"b as integer", 'b', "0", SOU_EINPUT},
	{"o", 'o', "{}", SOU_OK},
	{"o list", 'o', "[]", SOU_EINPUT},
	{"s null", 's', "null", SOU_EINPUT},
	{"s line end", 's', "\"a\\n\"", SOU_EINPUT},
	{"t line end", 't', "\"a\\n\"", SOU_OK},
	{"d", 'd', "\"2023-09-15T17:00:00+09:00\"", SOU_OK},
	{"d number", 'd', "1", SOU_EINPUT},
	{"v", 'v', "\"0123456789abcdef0123456789abcdef\"", SOU_OK},
	{"S", 'S', "[\"a\",\"b\"]", SOU_OK},
	{"S empty", 'S', "[]", SOU_EINPUT},
	{"S repeated", 'S', "[\"a\",\"a\"]", SOU_EINPUT},
	{"S of numbers", 'S', "[1]", SOU_EINPUT},
	{"S as text", 'S', "\"a\"", SOU_EINPUT},
	{"V", 'V', "[\"0123456789abcdef0123456789abcdef\"]", SOU_OK},
	{"V short", 'V', "[\"0123\"]", SOU_EINPUT},
};
TEST(value, body)
{
	for (size_t i = 0; i < ARRAY_LEN(body_cases); i++) {
		json_t *value = json_loads(body_cases[i].json, JSON_DECODE_ANY, NULL);
		REQUIRE(body_cases[i].name, value != NULL);
		size_t limit = 0;
		CHECK_INT(body_cases[i].name,
			  soud_value_body_fits(body_cases[i].type, value, &limit), ==,
			  body_cases[i].rc);
		json_decref(value);
	}
	json_t *list = json_array();
	for (int i = 0; i < 64; i++)
		json_array_append_new(list, json_sprintf("%d", i));
	size_t limit = 0;
	CHECK_INT("R17 list at its limit", soud_value_body_fits('S', list, &limit), ==, SOU_OK);
	json_array_append_new(list, json_string("64"));
	CHECK_INT("R17 list one past", soud_value_body_fits('S', list, &limit), ==, SOU_ELIMIT);
	CHECK_INT("R17 list one past", limit, ==, 64);
	json_decref(list);
}

/* Every truncation of a good body is refused, and none reads past its end. */
TEST(value, truncations)
{
	static const char text[] = "{\"a\":[1,\"例\\\"\",{\"b\":true}]}";
	for (size_t n = 0; n < sizeof text; n++) {
		size_t bytes = n < sizeof text - 1 ? n : sizeof text - 1, place;
		struct test_bytes copy = test_copy(text, bytes);
		json_t *read = NULL;
		int rc = soud_json_read((const char *)copy.b, bytes, &read, &place);
		CHECK_INT("R19 truncation", rc, ==, n < sizeof text - 1 ? SOU_EFORMAT : SOU_OK);
		json_decref(read);
	}
}

TEST(value, depth)
{
	for (size_t depth = SOU_JSON_DEPTH_MAX - 1; depth <= SOU_JSON_DEPTH_MAX + 1; depth++) {
		/* Brackets within a string do not count. */
		const char *text = test_printf("{\"a\":%.*s\"]}\\\"[[[[[[[[[[[[[[[[[[[[\"%.*s}",
					       (int)depth - 1, "[[[[[[[[[[[[[[[[[[[[",
					       (int)depth - 1, "]]]]]]]]]]]]]]]]]]]]");
		json_t *read = NULL;
		size_t place;
		int rc = soud_json_read(text, strlen(text), &read, &place);
		CHECK_INT("R17 depth", rc, ==, depth <= SOU_JSON_DEPTH_MAX ? SOU_OK : SOU_ELIMIT);
		json_decref(read);
	}
}

/* Every "name:type!" of the table is one that value.c knows, and a path has one parameter at most.
 */
TEST(route, table)
{
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++) {
		const struct soud_route *r = &soud_routes[i];
		const char *brace = strchr(r->path, '{');
		CHECK(r->path, brace == NULL || strchr(brace + 1, '{') == NULL);
		CHECK(r->path, r->ja[0] != '\0' && r->en[0] != '\0');
		CHECK(r->path, (r->method == SOUD_METHOD_GET) == (r->who == SOUD_ROUTE_READ));
		CHECK(r->path, r->method != SOUD_METHOD_GET || r->body[0] == '\0');
		const char *by = strstr(r->body, "by:n!");
		CHECK(r->path,
		      (by != NULL) == (r->who == SOUD_ROUTE_WRITE || r->who == SOUD_ROUTE_ADMIN));
		const char *const specs[] = {r->query, r->body};
		for (size_t k = 0; k < 2; k++) {
			for (const char *s = strchr(specs[k], ':'); s != NULL;
			     s = strchr(s + 1, ':')) {
				CHECK(r->path,
				      strchr(k == 0 ? "shvibd" : "sntfhvibdoSVp", s[1]) != NULL);
				CHECK(r->path, strchr(" !", s[2]) != NULL);
			}
		}
		for (size_t k = 0; k < i; k++)
			CHECK(r->path, strcmp(soud_routes[k].path, r->path) != 0 ||
					       soud_routes[k].method != r->method);
	}
}

/* docs/api.md has one heading "### METHOD PATH" for each route, in the order of the table. */
TEST(route, document)
{
	FILE *file = fopen(SOU_SOURCE_DIR "/docs/api.md", "r");
	REQUIRE("docs/api.md", file != NULL);
	char line[4096];
	size_t at = 0;
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "### ", 4) != 0)
			continue;
		REQUIRE(line, at < SOUD_ROUTE_COUNT);
		const struct soud_route *r = &soud_routes[at++];
		CHECK_STR(r->name, line,
			  test_printf("### %s %s\n", r->method == SOUD_METHOD_GET ? "GET" : "POST",
				      r->path));
	}
	CHECK_INT("all routes are described", at, ==, SOUD_ROUTE_COUNT);
	fclose(file);
}
