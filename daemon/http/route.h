/* route.h - the table of the control API (routes.def) in C: matching a request to a route and
 * checking query and body against it, so that a handler sees only what the table allows.
 * Pure: no socket, no allocation. */
#ifndef SOUD_HTTP_ROUTE_H
#define SOUD_HTTP_ROUTE_H

#include <jansson.h>
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
	const char *query, *body; /* as in routes.def */
	const char *ja, *en;
};

extern const struct soud_route soud_routes[SOUD_ROUTE_COUNT];

#endif
