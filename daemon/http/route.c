/* route.c - the route table itself. */
#include "daemon/http/route.h"

#define GET   SOUD_METHOD_GET
#define POST  SOUD_METHOD_POST
#define READ  SOUD_ROUTE_READ
#define WRITE SOUD_ROUTE_WRITE
#define ADMIN SOUD_ROUTE_ADMIN
#define LINK  SOUD_ROUTE_LINK

const struct soud_route soud_routes[SOUD_ROUTE_COUNT] = {
#define R(id, method, path, who, query, body, ja, en)                                              \
	{#id, method, path, who, query, body, ja, en},
#include "daemon/http/routes.def"
#undef R
};
