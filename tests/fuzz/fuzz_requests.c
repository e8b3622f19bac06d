/* fuzz_requests - the control socket's server itself (daemon/http/server.c), with requests in
 * pieces: bytes become what two clients send, when the loop runs, when a handler answers and when a
 * client leaves. Every whole answer is HTTP with a JSON body of the length that it says; in the end
 * no connection and no request is left (R19). */
#define _GNU_SOURCE /* memmem, mkdtemp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/http/server.h"
#include "tests/fuzz/fuzz.h"

#define CLIENTS    2u
#define PARKED_MAX 8u
#define STEPS_MAX  300u
#define ANSWER_MAX (1u << 18)
#define ROUNDS_MAX 2000u

static struct {
	uv_loop_t loop;
	struct soud_http *http;
	char folder[32], path[48];
	struct soud_request *parked[PARKED_MAX];
	size_t parked_count;
} server;

struct client {
	int fd; /* -1: none */
	size_t n;
	char answer[ANSWER_MAX];
};

static struct client clients[CLIENTS];

/* --- handlers --- */

static void reply(struct soud_request *req)
{
	const char *member = soud_request_text(req, "text");
	json_t *out = json_pack("{s:s}", "route", soud_request_route(req)->name);
	json_object_set(out, "body", (json_t *)soud_request_body(req));
	if (member != NULL)
		json_object_set_new(out, "bytes",
				    json_integer((json_int_t)soud_request_text_bytes(req, "text")));
	soud_reply_json(req, out);
}

static void echo_cb(struct soud_request *req, void *context)
{
	(void)context;
	reply(req);
}

static void park_cb(struct soud_request *req, void *context)
{
	(void)context;
	if (server.parked_count == PARKED_MAX) {
		reply(req);
		return;
	}
	server.parked[server.parked_count++] = req;
}

static void fail_cb(struct soud_request *req, void *context)
{
	(void)context;
	struct sou_err err;
	sou_err_set(&err, SOU_ESTORE, "disk 例");
	soud_reply_rc(req, &err);
}

static void answer_one(void)
{
	if (server.parked_count > 0)
		reply(server.parked[--server.parked_count]);
}

static void remove_folder(void)
{
	(void)unlink(server.path);
	(void)rmdir(server.folder);
}

static void start(void)
{
	struct soud_handler handlers[SOUD_ROUTE_COUNT];
	struct sou_err err;
	if (server.http != NULL)
		return;
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		handlers[i].call = i % 4 == 3 ? park_cb : i % 7 == 6 ? fail_cb : echo_cb;
	handlers[1].call = NULL;
	(void)snprintf(server.folder, sizeof server.folder, "/tmp/soufuzz-XXXXXX");
	SOU_ASSERT(mkdtemp(server.folder) != NULL);
	(void)snprintf(server.path, sizeof server.path, "%s/s", server.folder);
	int rc = uv_loop_init(&server.loop);
	SOU_ASSERT(rc == 0);
	rc = soud_http_new(&server.http, &server.loop, server.path, handlers, &err);
	SOU_ASSERT(rc == SOU_OK);
	(void)atexit(remove_folder);
}

static void turn(unsigned times)
{
	while (times-- > 0)
		uv_run(&server.loop, UV_RUN_NOWAIT);
}

/* --- clients --- */

/* Takes whole answers off the front; nothing else may stand there. */
static void check_answers(struct client *c)
{
	for (;;) {
		c->answer[c->n] = '\0';
		char *end = memmem(c->answer, c->n, "\r\n\r\n", 4);
		if (end == NULL)
			return;
		SOU_ASSERT(strncmp(c->answer, "HTTP/1.", 7) == 0);
		long status = strtol(c->answer + 9, NULL, 10);
		SOU_ASSERT(status >= 100 && status < 600);
		size_t head = (size_t)(end + 4 - c->answer), body = 0;
		const char *length = strcasestr(c->answer, "Content-Length:");
		if (length != NULL && length < end)
			body = strtoul(length + 15, NULL, 10);
		if (c->n < head + body)
			return;
		if (status == 200) {
			json_t *json = json_loadb(end + 4, body, 0, NULL);
			SOU_ASSERT(json != NULL);
			json_decref(json);
		}
		c->n -= head + body;
		memmove(c->answer, c->answer + head + body, c->n);
	}
}

static void listen_to(struct client *c)
{
	while (c->fd >= 0 && c->n + 1 < ANSWER_MAX) {
		ssize_t n = recv(c->fd, c->answer + c->n, ANSWER_MAX - 1 - c->n, MSG_DONTWAIT);
		if (n <= 0)
			return;
		c->n += (size_t)n;
		check_answers(c);
	}
}

static void leave(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->n = 0;
}

static void dial(struct client *c)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	memcpy(addr.sun_path, server.path, strlen(server.path));
	leave(c);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	SOU_ASSERT(c->fd >= 0);
	if (connect(c->fd, (struct sockaddr *)&addr, sizeof addr) != 0)
		leave(c);
}

static void say(struct client *c, const void *bytes, size_t n)
{
	if (c->fd < 0)
		dial(c);
	if (c->fd >= 0)
		(void)!send(c->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* --- what is sent --- */

static const char *const pieces[] = {
	"GET ",
	"POST ",
	"PUT ",
	"OPTIONS ",
	" HTTP/1.1\r\n",
	" HTTP/1.0\r\n",
	" HTTP/9.9\r\n",
	"Host: localhost\r\n",
	"Content-Length: 2\r\n",
	"Content-Length: 40\r\n",
	"Content-Length: 5000000\r\n",
	"Content-Length: 99999999999999999999\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Expect: 100-continue\r\n",
	"Connection: close\r\n",
	"Accept-Language: en;q=0.5, ja\r\n",
	"Content-Type: application/json\r\n",
	"\r\n",
	"{}",
	"2\r\n{}\r\n0\r\n\r\n",
	"ffffffff\r\n",
	"0\r\n\r\n",
	"?project=p",
	"&order=1",
	"?x",
	"%00",
	"%e6%bc%a2",
	"/../",
	"/v1/items/0123456789abcdef0123456789abcdef",
	"{\"by\":\"\xe4\xbe\x8b\",\"text\":\"\xe6\x96\x87\"}",
	"{\"by\":1}",
	"[",
	"\"",
	":",
	"\r",
	"\n",
	" ",
	"x: ",
	",",
	"null",
	"{\"a\":{\"a\":{\"a\":{\"a\":",
};

#define PIECES (sizeof pieces / sizeof *pieces)

/* A whole request of a route, with a body of two bytes or none. */
static void whole(struct client *c, uint8_t which, uint8_t body)
{
	const struct soud_route *route = &soud_routes[which % SOUD_ROUTE_COUNT];
	char text[512];
	bool get = route->method == SOUD_METHOD_GET;
	int n = snprintf(text, sizeof text,
			 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s",
			 get ? "GET" : "POST", route->path, get ? 0 : 2,
			 get        ? ""
			 : body % 4 ? "{}"
				    : "{");
	say(c, text, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;
	start();
	for (uint32_t i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	for (uint32_t step = 0; step < STEPS_MAX && end - p >= 2; step++) {
		uint8_t what = p[0], arg = p[1];
		struct client *c = &clients[what % CLIENTS];
		p += 2;
		if (what < 150) {
			say(c, pieces[arg % PIECES], strlen(pieces[arg % PIECES]));
		} else if (what < 170) {
			const char *path = soud_routes[arg % SOUD_ROUTE_COUNT].path;
			say(c, path, strlen(path));
		} else if (what < 190) {
			whole(c, arg, what);
		} else if (what < 215) {
			size_t n = arg < (size_t)(end - p) ? arg : (size_t)(end - p);
			say(c, p, n);
			p += n;
		} else if (what < 235) {
			turn(1 + arg % 4);
			listen_to(c);
		} else if (what < 248) {
			answer_one();
		} else if (arg % 2) {
			leave(c);
		} else {
			dial(c);
		}
	}
	turn(4);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		listen_to(&clients[i]);
		leave(&clients[i]);
	}
	unsigned rounds = 0;
	while (soud_http_connection_count(server.http) > 0 || server.parked_count > 0) {
		answer_one();
		turn(1);
		rounds++;
		SOU_ASSERT(rounds < ROUNDS_MAX);
	}
	return 0;
}
