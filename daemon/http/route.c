/* route.c - the route table, and the reader of its small type language. */
#include "daemon/http/route.h"

#include <string.h>

#include "daemon/http/value.h"
#include "proto/error.h"

#define GET   SOUD_METHOD_GET
#define POST  SOUD_METHOD_POST
#define READ  SOUD_ROUTE_READ
#define WRITE SOUD_ROUTE_WRITE
#define ADMIN SOUD_ROUTE_ADMIN
#define LINK  SOUD_ROUTE_LINK

const struct soud_route soud_routes[SOUD_ROUTE_COUNT] = {
#define R(id, method, path, who, query, body, ja, en) {#id, method, path, who, query, body, ja, en},
#include "daemon/http/routes.def"
#undef R
};

static const char *const method_names[] = {
	[SOUD_METHOD_GET] = "GET",
	[SOUD_METHOD_POST] = "POST",
};

/* Does `path` fit the pattern? The parameter's place is given back, not copied. */
static bool path_fits(const char *pattern, const char *path, const char **param,
		      size_t *param_bytes)
{
	*param = "";
	*param_bytes = 0;
	while (*pattern != '\0') {
		if (*pattern == '{') {
			*param = path;
			*param_bytes = strcspn(path, "/");
			if (*param_bytes == 0)
				return false;
			path += *param_bytes;
			pattern += strcspn(pattern, "}") + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

/* `{id}` is a whole id; any other parameter is a handle, so a short line. */
static int param_take(enum soud_route_id id, const char *param, size_t bytes,
		      struct soud_route_match *out)
{
	if (bytes > 0 && !soud_value_is_line(param, bytes, SOUD_ROUTE_PARAM_BYTES_MAX - 1))
		return SOU_EINPUT;
	struct soud_route_match match = {.id = id};
	memcpy(match.param, param, bytes);
	if (strstr(soud_routes[id].path, "{id}") != NULL &&
	    !soud_value_query_fits('v', match.param))
		return SOU_EINPUT;
	*out = match;
	return SOU_OK;
}

int soud_route_match(const char *method, const char *path, struct soud_route_match *out,
		     const char **allow)
{
	static const char *const allows[] = {NULL, "GET", "POST", "GET, POST"};
	unsigned seen = 0;
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++) {
		const char *param;
		size_t bytes;
		if (!path_fits(soud_routes[i].path, path, &param, &bytes))
			continue;
		seen |= 1u << soud_routes[i].method;
		if (strcmp(method_names[soud_routes[i].method], method) != 0)
			continue;
		return param_take((enum soud_route_id)i, param, bytes, out);
	}
	if (seen == 0)
		return SOU_EUNKNOWN;
	*allow = allows[seen];
	return SOU_ESTATE;
}

/* One "name:type!" of a table line. */
struct member {
	char name[32];
	char type;
	bool required;
};

/* Read the member at *spec and step past it; false at the end of the line. */
static bool member_next(const char **spec, struct member *out)
{
	const char *s = *spec + strspn(*spec, " ");
	if (*s == '\0')
		return false;
	size_t bytes = strcspn(s, ":");
	SOU_ASSERT(bytes < sizeof out->name);
	SOU_ASSERT(s[bytes] == ':');
	memcpy(out->name, s, bytes);
	out->name[bytes] = '\0';
	s += bytes + 1;
	out->type = *s++;
	out->required = *s == '!';
	*spec = s + (out->required ? 1 : 0);
	return true;
}

static bool member_find(const char *spec, const char *name, struct member *out)
{
	while (member_next(&spec, out)) {
		if (strcmp(out->name, name) == 0)
			return true;
	}
	return false;
}

static int fault_set(struct soud_route_fault *fault, enum soud_route_fault_kind kind,
		     const char *member, size_t limit)
{
	*fault = (struct soud_route_fault){.kind = kind, .limit = limit};
	size_t bytes = strnlen(member, sizeof fault->member - 1);
	while (member[bytes] != '\0' && bytes > 0 && ((unsigned char)member[bytes] & 0xC0) == 0x80)
		bytes--;
	memcpy(fault->member, member, bytes);
	return kind == SOUD_FAULT_LIMIT ? SOU_ELIMIT : SOU_EINPUT;
}

int soud_route_check_query(const struct soud_route *route, const char *name, const char *value,
			   struct soud_route_fault *fault)
{
	struct member m;
	if (!member_find(route->query, name, &m))
		return fault_set(fault, SOUD_FAULT_UNKNOWN, name, 0);
	if (value == NULL || !soud_value_query_fits(m.type, value))
		return fault_set(fault, SOUD_FAULT_TYPE, name, 0);
	return SOU_OK;
}

int soud_route_check_body(const struct soud_route *route, const json_t *body,
			  struct soud_route_fault *fault)
{
	struct member m;
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)body, name, value) {
		if (!member_find(route->body, name, &m))
			return fault_set(fault, SOUD_FAULT_UNKNOWN, name, 0);
		size_t limit = 0;
		int rc = soud_value_body_fits(m.type, value, &limit);
		if (rc == SOU_ELIMIT)
			return fault_set(fault, SOUD_FAULT_LIMIT, name, limit);
		if (rc != SOU_OK)
			return fault_set(fault, SOUD_FAULT_TYPE, name, 0);
	}
	for (const char *spec = route->body; member_next(&spec, &m);) {
		if (m.required && json_object_get(body, m.name) == NULL)
			return fault_set(fault, SOUD_FAULT_MISSING, m.name, 0);
	}
	return SOU_OK;
}

void soud_route_wipe_body(const struct soud_route *route, json_t *body)
{
	struct member m;
	for (const char *spec = route->body; member_next(&spec, &m);) {
		json_t *value = json_object_get(body, m.name);
		if (m.type == 'p' && json_is_string(value))
			explicit_bzero((char *)json_string_value(value), json_string_length(value));
	}
}
