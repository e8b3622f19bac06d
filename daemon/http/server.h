/* server.h - the control socket: HTTP/1.1 and JSON on a Unix socket for the people of this machine.
 *
 * One thread, the loop's. libmicrohttpd watches its connections by an epoll descriptor that stands
 * in the loop; the listening socket is ours, so that a peer's user is known before a byte is read
 * (R19: peer credentials; only our own user and root). Bodies and texts are never logged.
 *
 * Life: new -> serves -> close -> closed_cb (everything is freed). Requests that a handler has not
 * answered when close is called are answered 503; their handler still owes its own answer, which is
 * then dropped, also after closed_cb. */
#ifndef SOUD_HTTP_SERVER_H
#define SOUD_HTTP_SERVER_H

#include <uv.h>

#include "daemon/http/request.h"

struct soud_http;

struct soud_handler {
	soud_handler_cb *call; /* NULL: this daemon does not serve the route (501) */
	void *context;
};

/* Serve on `path`, in a folder of this user with mode 0700. A socket that is left there is
 * replaced: the caller holds the lock of the data folder. `handlers` has SOUD_ROUTE_COUNT members
 * and is copied. SOU_EINPUT: path too long, or folder open to others; SOU_EIO, SOU_ENOMEM. */
int soud_http_new(struct soud_http **out, uv_loop_t *loop, const char *path,
		  const struct soud_handler *handlers, struct sou_err *err);

typedef void soud_http_closed_cb(void *context);

/* Stop serving, remove the socket, free. May be called from a handler. `closed_cb` runs on the
 * loop, never inside this call. */
void soud_http_close(struct soud_http *http, soud_http_closed_cb *closed_cb, void *context);

/* Connections that are open now; for status and tests. */
unsigned soud_http_connection_count(const struct soud_http *http);

#endif
