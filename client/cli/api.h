/* api.h - one call of the control API (docs/api.md) over the daemon's Unix socket. Which calls
 * there are is the daemon's own table, daemon/http/routes.def. */
#ifndef SOUC_API_H
#define SOUC_API_H

#include <jansson.h>

#include "client/cli/context.h"

enum souc_route {
#define R(id, method, path, who, query, body, ja, en) SOUC_R_##id,
#include "daemon/http/routes.def"
#undef R
	SOUC_ROUTE_COUNT
};

#define SOUC_QUERY_MAX 6u

struct souc_request {
	enum souc_route route;
	const char *param; /* value of `{name}` in the path, or NULL */
	struct {
		const char *name, *value; /* left out where value is NULL */
	} query[SOUC_QUERY_MAX];
	json_t *body; /* owned: souc_call takes it over; NULL for a GET */
	char **text;  /* the reply is no JSON: handed over here, malloc's */
	long wait_ms; /* on top of the usual patience */
};

/* Call. On 0 `*reply` (or `*request->text`) is an object that the caller owns. Else the error was
 * told and its exit status is returned; with `error` not NULL an error object of the daemon is
 * handed over instead of told. */
int souc_call(struct souc_context *cx, struct souc_request *request, json_t **reply,
	      json_t **error);

/* Tell an error of the daemon; where it speaks of a member, of the option or argument that the
 * person wrote. Returns its exit status. */
int souc_fail_answer(struct souc_context *cx, const json_t *error);

/* Add a member to a body; NULL values are left out. A text that is not UTF-8 gives no member. */
void souc_body_text(json_t *body, const char *member, const char *text);

#endif
