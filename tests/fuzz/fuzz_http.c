/* fuzz_http - what the control socket judges before a handler sees it. The first byte chooses the
 * route, the second what the rest is: a path, a query's value, or a body. Property: a body that is
 * accepted is accepted again, and equal, when it is written and read once more. */
#include <stdlib.h>
#include <string.h>

#include "daemon/http/route.h"
#include "daemon/http/value.h"
#include "proto/error.h"
#include "tests/fuzz/fuzz.h"

static void try_body(const struct soud_route *route, const uint8_t *data, size_t size)
{
	json_t *body = NULL, *again = NULL;
	size_t place;
	struct soud_route_fault fault;
	if (soud_json_read((const char *)data, size, &body, &place) != SOU_OK)
		return;
	int rc = soud_route_check_body(route, body, &fault);
	char *text = json_dumps(body, JSON_COMPACT);
	SOU_ASSERT(text != NULL);
	SOU_ASSERT(soud_json_read(text, strlen(text), &again, &place) == SOU_OK);
	SOU_ASSERT(json_equal(body, again));
	SOU_ASSERT(soud_route_check_body(route, again, &fault) == rc);
	soud_route_wipe_body(route, body);
	free(text);
	json_decref(again);
	json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	const struct soud_route *route = &soud_routes[data[0] % SOUD_ROUTE_COUNT];
	char *text = malloc(size - 1); /* the rest with a closing zero: reads past it are seen */
	SOU_ASSERT(text != NULL);
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	struct soud_route_match match;
	struct soud_route_fault fault;
	const char *allow;
	switch (data[1] % 3) {
	case 0:
		if (soud_route_match(data[0] % 2 ? "GET" : "POST", text, &match, &allow) == SOU_OK)
			SOU_ASSERT(strlen(match.param) < sizeof match.param);
		break;
	case 1:
		for (const char *spec = route->query; *spec != '\0'; spec += strspn(spec, " ")) {
			char name[32];
			size_t bytes = strcspn(spec, ":");
			memcpy(name, spec, bytes);
			name[bytes] = '\0';
			(void)soud_route_check_query(route, name, text, &fault);
			spec += strcspn(spec, " ");
		}
		(void)soud_route_check_query(route, text, text, &fault);
		break;
	case 2:
		try_body(route, data + 2, size - 2);
		break;
	}
	free(text);
	return 0;
}
