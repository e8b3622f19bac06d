/* server.c - sockets and loop of the control API: accepting, and libmicrohttpd inside the loop.
 *
 * Invariants:
 * 1. After every MHD_run the timer is armed anew from MHD_get_timeout.
 * 2. MHD_run is never entered from inside itself: whoever wants a run arms the timer.
 * 3. The epoll handle leaves the loop before MHD closes its descriptor. */
#define _GNU_SOURCE /* accept4, struct ucred */
#include "daemon/http/server.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/http/state.h"
#include "proto/limits.h"

#define HTTP_LISTEN_BACKLOG 16

static void arm(struct soud_http *http);
static void shut(struct soud_http *http);

static void run(struct soud_http *http)
{
	MHD_run(http->mhd);
	if (http->closing)
		shut(http);
	else
		arm(http);
}

static void timer_cb(uv_timer_t *timer)
{
	run(timer->data);
}

static void epoll_cb(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run(poll->data);
}

static void arm(struct soud_http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	if (MHD_get_timeout(http->mhd, &wait_ms) == MHD_YES)
		uv_timer_start(&http->timer, timer_cb, wait_ms, 0);
	else
		uv_timer_stop(&http->timer);
}

void soud_http_kick(struct soud_http *http)
{
	if (!uv_is_closing((uv_handle_t *)&http->timer))
		uv_timer_start(&http->timer, timer_cb, 0, 0);
}

/* R19: the kernel says who is at the other end. */
static bool peer_may_speak(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void listen_cb(uv_poll_t *poll, int status, int events);

static void accept_retry_cb(uv_timer_t *timer)
{
	struct soud_http *http = timer->data;
	uv_poll_start(&http->listen_poll, UV_READABLE, listen_cb);
}

static void listen_cb(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	struct soud_http *http = poll->data;
	struct sockaddr_un from = {.sun_family = AF_UNIX};
	for (int i = 0; i < SOU_HTTP_ACCEPTS_PER_WAKE_MAX; i++) {
		int fd = accept4(http->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
			/* The waiting client would wake us without end: look away for a while. */
			uv_poll_stop(&http->listen_poll);
			uv_timer_start(&http->accept_timer, accept_retry_cb,
				       SOU_HTTP_ACCEPT_RETRY_MS, 0);
			break;
		}
		if (fd < 0)
			break;
		if (!peer_may_speak(fd)) {
			close(fd);
			continue;
		}
		/* Beyond the limit of connections MHD refuses, and closes in any case. */
		(void)MHD_add_connection(http->mhd, fd, (const struct sockaddr *)&from,
					 sizeof from);
	}
	soud_http_kick(http);
}

/* The folder must be ours alone, or another user could put a socket of his in its place. */
static int folder_check(const char *path, struct sou_err *err)
{
	char *copy = strdup(path);
	if (copy == NULL)
		return sou_err_set(err, SOU_ENOMEM, "control socket: no memory");
	struct stat st;
	int rc = SOU_OK;
	const char *folder = dirname(copy);
	if (stat(folder, &st) != 0)
		rc = sou_err_set(err, SOU_EIO, "control socket: %s: %s", folder, strerror(errno));
	else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		rc = sou_err_set(err, SOU_EINPUT,
				 "control socket: %s is open to others (mode %03o)", folder,
				 (unsigned)(st.st_mode & 0777));
	free(copy);
	return rc;
}

static int listen_open(const char *path, int *out, struct sou_err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof addr.sun_path)
		return sou_err_set(err, SOU_EINPUT,
				   "control socket: path of %zu bytes, at most %zu", strlen(path),
				   sizeof addr.sun_path - 1);
	memcpy(addr.sun_path, path, strlen(path));
	int rc = folder_check(path, err);
	if (rc != SOU_OK)
		return rc;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sou_err_set(err, SOU_EIO, "control socket: %s", strerror(errno));
	(void)unlink(path); /* left by a daemon that was killed; the lock says it is not there */
	/* The mode of the socket before bind is that of the file it makes. */
	if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&addr, sizeof addr) != 0 ||
	    chmod(path, 0600) != 0 || listen(fd, HTTP_LISTEN_BACKLOG) != 0) {
		rc = sou_err_set(err, SOU_EIO, "control socket: %s: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	*out = fd;
	return SOU_OK;
}

/* A NUL would end our strings early: leave such a target as it was written, so that nothing
 * matches.
 */
static size_t unescape_cb(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strstr(text, "%00") != NULL ? strlen(text) : MHD_http_unescape(text);
}

static int mhd_start(struct soud_http *http, struct sou_err *err)
{
	http->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		soud_exchange_access_cb, http, MHD_OPTION_NOTIFY_COMPLETED,
		soud_exchange_completed_cb, http, MHD_OPTION_UNESCAPE_CALLBACK, unescape_cb, NULL,
		MHD_OPTION_CONNECTION_LIMIT, SOU_HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SOU_HTTP_HEADER_BYTES_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, SOU_HTTP_IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_END);
	if (http->mhd == NULL)
		return sou_err_set(err, SOU_EIO, "control socket: libmicrohttpd does not start");
	return SOU_OK;
}

static void handle_closed_cb(uv_handle_t *handle)
{
	struct soud_http *http = handle->data;
	if (--http->handles_open > 0)
		return;
	soud_http_closed_cb *closed_cb = http->closed_cb;
	void *context = http->closed_context;
	free(http->path);
	free(http);
	if (closed_cb != NULL)
		closed_cb(context);
}

/* From the loop only, never inside MHD_run: answer what is open, let MHD send it, let all go. */
static void shut(struct soud_http *http)
{
	if (uv_is_closing((uv_handle_t *)&http->timer))
		return;
	for (struct soud_request *req = http->requests; req != NULL; req = req->next) {
		if (req->state == SOUD_REQUEST_HANDLED)
			soud_request_stop(req);
	}
	MHD_run(http->mhd);
	uv_handle_t *const handles[] = {
		(uv_handle_t *)&http->listen_poll, (uv_handle_t *)&http->epoll_poll,
		(uv_handle_t *)&http->timer, (uv_handle_t *)&http->accept_timer};
	for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
		uv_close(handles[i], handle_closed_cb);
	MHD_stop_daemon(http->mhd); /* calls completed_cb for each connection */
	http->mhd = NULL;
	SOU_ASSERT(http->requests == NULL);
	close(http->listen_fd);
	(void)unlink(http->path);
}

static void loop_join(struct soud_http *http, uv_loop_t *loop)
{
	int epoll_fd = MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	int failed = uv_poll_init(loop, &http->listen_poll, http->listen_fd);
	failed |= uv_poll_init(loop, &http->epoll_poll, epoll_fd);
	failed |= uv_timer_init(loop, &http->timer);
	failed |= uv_timer_init(loop, &http->accept_timer);
	SOU_ASSERT(failed == 0); /* both descriptors are new and ours */
	http->listen_poll.data = http->epoll_poll.data = http;
	http->timer.data = http->accept_timer.data = http;
	http->handles_open = 4;
	uv_poll_start(&http->listen_poll, UV_READABLE, listen_cb);
	uv_poll_start(&http->epoll_poll, UV_READABLE, epoll_cb);
}

int soud_http_new(struct soud_http **out, uv_loop_t *loop, const char *path,
		  const struct soud_handler *handlers, struct sou_err *err)
{
	struct soud_http *http = calloc(1, sizeof *http);
	if (http == NULL || (http->path = strdup(path)) == NULL) {
		free(http);
		return sou_err_set(err, SOU_ENOMEM, "control socket: no memory");
	}
	memcpy(http->handlers, handlers, sizeof http->handlers);
	int rc = listen_open(path, &http->listen_fd, err);
	if (rc != SOU_OK)
		goto out;
	rc = mhd_start(http, err);
	if (rc != SOU_OK) {
		close(http->listen_fd);
		(void)unlink(path);
		goto out;
	}
	loop_join(http, loop);
	*out = http;
	http = NULL;
out:
	if (http != NULL)
		free(http->path);
	free(http);
	return rc;
}

void soud_http_close(struct soud_http *http, soud_http_closed_cb *closed_cb, void *context)
{
	SOU_ASSERT(!http->closing);
	http->closing = true;
	http->closed_cb = closed_cb;
	http->closed_context = context;
	uv_poll_stop(&http->listen_poll);
	soud_http_kick(http);
}

unsigned soud_http_connection_count(const struct soud_http *http)
{
	return MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}
