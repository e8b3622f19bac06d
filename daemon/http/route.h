/* route.h - the table of the control API (routes.def) in C: matching a request to a route and
 * checking query and body against it, so that a handler sees only what the table allows.
 * Pure: no socket, no allocation but jansson's own. */
#ifndef SOUD_HTTP_ROUTE_H
#define SOUD_HTTP_ROUTE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum soud_method {
	SOUD_METHOD_GET,
	SOUD_METHOD_POST,
};

enum soud_route_who {
	SOUD_ROUTE_READ,
	SOUD_ROUTE_WRITE,
	SOUD_ROUTE_ADMIN,
	SOUD_ROUTE_LINK,
};

enum soud_route_id {
#define R(id, method, path, who, query, body, ja, en) SOUD_R_##id,
#include "daemon/http/routes.def"
#undef R
	SOUD_ROUTE_COUNT
};

struct soud_route {
	const char *name; /* "ITEM_ADD" */
	enum soud_method method;
	const char *path; /* "/v1/items/{id}/text" */
	enum soud_route_who who;
	const char *query, *body; /* "name:type name:type!", as in routes.def */
	const char *ja, *en;
};

extern const struct soud_route soud_routes[SOUD_ROUTE_COUNT];

#define SOUD_ROUTE_PARAM_BYTES_MAX 256u /* with the closing zero; a path has at most one */

struct soud_route_match {
	enum soud_route_id id;
	char param[SOUD_ROUTE_PARAM_BYTES_MAX]; /* value of `{name}`, "" where the path has none */
};

/* Find the route of a request. `path` is already percent-decoded and may be any bytes.
 * SOU_EUNKNOWN: no route has this path. SOU_ESTATE: the path exists with other methods, which
 * `allow` then names ("GET, POST"). SOU_EINPUT: the parameter is no short line, or
 * an `{id}` that is not 32 hexadecimal digits. */
int soud_route_match(const char *method, const char *path, struct soud_route_match *out,
		     const char **allow);

/* What is wrong with a query or a body. */
struct soud_route_fault {
	enum soud_route_fault_kind {
		SOUD_FAULT_MISSING,
		SOUD_FAULT_UNKNOWN,
		SOUD_FAULT_TYPE,
		SOUD_FAULT_LIMIT,
	} kind;
	char member[64]; /* its name, cut at a character where it is longer */
	size_t limit;    /* bytes or members, for SOUD_FAULT_LIMIT */
};

/* Check one name=value of a query. `value` NULL (a name without `=`) never fits.
 * SOU_EINPUT or SOU_ELIMIT with `fault` set. */
int soud_route_check_query(const struct soud_route *route, const char *name, const char *value,
			   struct soud_route_fault *fault);

/* Check a body, an object. SOU_EINPUT or SOU_ELIMIT with `fault` set. */
int soud_route_check_body(const struct soud_route *route, const json_t *body,
			  struct soud_route_fault *fault);

/* Overwrite every passphrase that stands in a body of this route. */
void soud_route_wipe_body(const struct soud_route *route, json_t *body);

#endif
