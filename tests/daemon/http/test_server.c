/* The control socket over a real Unix socket: what it lets through to a handler, what it refuses
 * and how, answers that come later, clients that leave, and closing with work under way. The
 * server's loop runs in a thread of its own; the test speaks raw HTTP to it. */
#define _GNU_SOURCE /* setresuid */
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/http/server.h"
#include "tests/lib/check.h"

struct fixture {
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	const char *path;
	struct soud_http *http;
	uv_sem_t parked; /* posted by the handler of SYNC_NOW */
	struct soud_request *waiting[4];
	size_t waiting_count;
	bool closed;
};

/* Answers with everything that a handler can ask for. */
static void echo_cb(struct soud_request *req, void *context)
{
	struct fixture *f = context;
	const struct soud_route *route = soud_request_route(req);
	json_t *reply = json_object();
	json_object_set_new(reply, "route", json_string(route->name));
	json_object_set_new(reply, "waiting", json_integer((json_int_t)f->waiting_count));
	json_object_set_new(reply, "lang",
			    json_string(soud_request_lang(req) == SOU_LANG_JA ? "ja" : "en"));
	if (strstr(route->path, "{id}") != NULL)
		json_object_set_new(reply, "id", json_string(soud_request_param(req, "id")));
	if (strstr(route->path, "{round}") != NULL)
		json_object_set_new(reply, "round", json_string(soud_request_param(req, "round")));
	if (soud_request_query(req, "project") != NULL)
		json_object_set_new(reply, "project",
				    json_string(soud_request_query(req, "project")));
	json_object_set_new(reply, "latest",
			    json_boolean(soud_request_query_is_true(req, "latest")));
	json_object_set_new(reply, "order", json_integer(soud_request_integer(req, "order", -1)));
	if (soud_request_text(req, "text") != NULL) {
		json_object_set_new(reply, "bytes",
				    json_integer((json_int_t)soud_request_text_bytes(req, "text")));
		json_object_set_new(reply, "text", json_string(soud_request_text(req, "text")));
	}
	json_object_set(reply, "body", (json_t *)soud_request_body(req));
	soud_reply_json(req, reply);
}

static void park_cb(struct soud_request *req, void *context)
{
	struct fixture *f = context;
	REQUIRE("parked requests", f->waiting_count < ARRAY_LEN(f->waiting));
	f->waiting[f->waiting_count++] = req;
	uv_sem_post(&f->parked);
}

static void release_all(struct fixture *f)
{
	for (size_t i = 0; i < f->waiting_count; i++)
		soud_reply_json(f->waiting[i], json_pack("{s:b, s:i}", "done", 1, "place", (int)i));
	f->waiting_count = 0;
}

/* Answers those that wait, from inside another request, then itself. */
static void release_cb(struct soud_request *req, void *context)
{
	release_all(context);
	echo_cb(req, context);
}

static void fail_cb(struct soud_request *req, void *context)
{
	(void)context;
	struct sou_err err;
	sou_err_set(&err, SOU_ESTORE, "disk 例");
	soud_reply_rc(req, &err);
}

static void nothing_cb(struct soud_request *req, void *context)
{
	(void)context;
	soud_reply_json(req, NULL);
}

static void closed_cb(void *context)
{
	struct fixture *f = context;
	f->closed = true;
	uv_close((uv_handle_t *)&f->stop, NULL);
}

static void stop_cb(uv_async_t *async)
{
	struct fixture *f = async->data;
	if (f->http != NULL)
		soud_http_close(f->http, closed_cb, f);
	f->http = NULL;
}

static void *loop_thread(void *arg)
{
	struct fixture *f = arg;
	uv_run(&f->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* Ends the thread and looks that nothing of the loop is left. */
static void fixture_stop(void *arg)
{
	struct fixture *f = arg;
	if (f->path == NULL)
		return;
	uv_async_send(&f->stop);
	pthread_join(f->thread, NULL);
	CHECK("closed_cb ran", f->closed);
	release_all(f); /* late answers: dropped, also after everything is freed */
	CHECK_INT("loop is empty", uv_loop_close(&f->loop), ==, 0);
	CHECK_INT("socket is removed", access(f->path, F_OK), ==, -1);
	uv_sem_destroy(&f->parked);
	f->path = NULL;
}

static struct fixture *fixture_start(void)
{
	struct fixture *f = test_alloc(sizeof *f);
	memset(f, 0, sizeof *f);
	f->path = test_path("control.sock");
	REQUIRE("loop", uv_loop_init(&f->loop) == 0);
	REQUIRE("async", uv_async_init(&f->loop, &f->stop, stop_cb) == 0);
	REQUIRE("sem", uv_sem_init(&f->parked, 0) == 0);
	f->stop.data = f;
	struct soud_handler handlers[SOUD_ROUTE_COUNT];
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		handlers[i] = (struct soud_handler){echo_cb, f};
	handlers[SOUD_R_SYNC_NOW].call = park_cb;
	handlers[SOUD_R_SYNC_RESUME].call = release_cb;
	handlers[SOUD_R_SYNC_PAUSE].call = NULL;
	handlers[SOUD_R_DIGEST].call = fail_cb;
	handlers[SOUD_R_SITE_LIST].call = nothing_cb;
	struct sou_err err;
	int rc = soud_http_new(&f->http, &f->loop, f->path, handlers, &err);
	if (rc != SOU_OK)
		fprintf(stderr, "%s\n", err.text);
	REQUIRE("server starts", rc == SOU_OK);
	REQUIRE("thread", pthread_create(&f->thread, NULL, loop_thread, f) == 0);
	test_at_end(fixture_stop, f);
	return f;
}

static int dial(const struct fixture *f)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	REQUIRE("path fits", strlen(f->path) < sizeof addr.sun_path);
	memcpy(addr.sun_path, f->path, strlen(f->path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE("connect", fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0);
	return fd;
}

static void send_bytes(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return; /* the server has heard enough; its answer tells */
		bytes += n;
		len -= (size_t)n;
	}
}

struct answer {
	int status;
	char head[2048];
	json_t *body; /* NULL: none, or not JSON */
	bool closed;  /* the server closed without a whole answer */
};

static void drop_body(void *body)
{
	json_decref(body);
}

/* Read one answer; a HTTP client in fifteen lines, because the length is always given. */
static struct answer receive(int fd)
{
	struct answer a = {0};
	size_t cap = 1u << 16, len = 0;
	char *bytes = test_alloc(cap + 1), *end = NULL;
	size_t want = SIZE_MAX;
	while (len < cap && len < want) {
		ssize_t n = recv(fd, bytes + len, cap - len, 0);
		if (n <= 0) {
			a.closed = true;
			return a;
		}
		len += (size_t)n;
		bytes[len] = '\0';
		end = end != NULL ? end : strstr(bytes, "\r\n\r\n");
		if (end != NULL && want == SIZE_MAX) {
			const char *length = strstr(bytes, "Content-Length:");
			REQUIRE("answer has a length", length != NULL);
			want = (size_t)(end + 4 - bytes) + strtoul(length + 15, NULL, 10);
		}
	}
	sscanf(bytes, "HTTP/1.1 %d", &a.status);
	snprintf(a.head, sizeof a.head, "%.*s", (int)(end - bytes), bytes);
	a.body = json_loads(end + 4, JSON_REJECT_DUPLICATES, NULL);
	if (a.body != NULL)
		test_at_end(drop_body, a.body);
	return a;
}

static struct answer ask_raw(const struct fixture *f, const char *bytes, size_t len)
{
	int fd = dial(f);
	send_bytes(fd, bytes, len);
	struct answer a = receive(fd);
	close(fd);
	return a;
}

static struct answer ask(const struct fixture *f, const char *method, const char *target,
			 const char *body)
{
	const char *text =
		test_printf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
			    method, target, strlen(body), body);
	return ask_raw(f, text, strlen(text));
}

static const char *error_id(const struct answer *a)
{
	const char *id =
		json_string_value(json_object_get(json_object_get(a->body, "error"), "id"));
	return id != NULL ? id : "(none)";
}

#define ID  "0123456789abcdef0123456789abcdef"
#define ADD "\"project\":\"p\",\"column\":\"c\",\"by\":\"例\""

static const struct {
	const char *name, *method, *target, *body;
	int status;
	const char *id; /* of the error, or the route */
	const char *member;
} ask_cases[] = {
	{"R19 read", "GET", "/v1/status", "", 200, "STATUS", NULL},
	{"R19 empty body is an empty object", "POST", "/v1/sync/resume", "", 200, "SYNC_RESUME",
	 NULL},
	{"R19 empty object", "POST", "/v1/sync/resume", "{}", 200, "SYNC_RESUME", NULL},
	{"R19 id in the path", "GET", "/v1/items/" ID, "", 200, "ITEM_SHOW", NULL},
	{"R19 handle in the path", "POST", "/v1/rounds/2023-08/open", "{\"by\":\"例\"}", 200,
	 "ROUND_OPEN", NULL},
	{"R19 query", "GET", "/v1/table?project=a%20b&latest=true", "", 200, "TABLE", NULL},
	{"R19 body", "POST", "/v1/items", "{" ADD ",\"text\":\"\",\"order\":1}", 200, "ITEM_ADD",
	 NULL},
	{"R19 no such path", "GET", "/v1/nothing", "", 404, "request.path", NULL},
	{"R19 path is not a beginning", "GET", "/v1/status/", "", 404, "request.path", NULL},
	{"R19 path is not an end", "GET", "/v1", "", 404, "request.path", NULL},
	{"R19 root", "GET", "/", "", 404, "request.path", NULL},
	{"R19 empty parameter", "GET", "/v1/items/", "", 404, "request.path", NULL},
	{"R19 slash within a parameter", "POST", "/v1/rounds/a%2Fb/open", "{}", 404, "request.path",
	 NULL},
	{"R19 NUL in the path", "GET", "/v1/status%00", "", 404, "request.path", NULL},
	{"R19 wrong method", "POST", "/v1/status", "{}", 405, "request.method", NULL},
	{"R19 unknown method", "DELETE", "/v1/items/" ID, "", 405, "request.method", NULL},
	{"R19 HEAD has no route", "PUT", "/v1/status", "", 405, "request.method", NULL},
	{"R19 id too short", "GET", "/v1/items/abcd", "", 400, "request.member", "path"},
	{"R19 id in capitals", "GET", "/v1/items/0123456789ABCDEF0123456789ABCDEF", "", 400,
	 "request.member", "path"},
	{"R19 handle with a control character", "POST", "/v1/rounds/a%0Ab/open", "{\"by\":\"例\"}",
	 400, "request.member", "path"},
	{"R19 handle not UTF-8", "POST", "/v1/rounds/a%FF/open", "{\"by\":\"例\"}", 400,
	 "request.member", "path"},
	{"R19 not served here", "POST", "/v1/sync/pause", "{}", 501, "request.path", NULL},
	{"R19 unknown query", "GET", "/v1/table?nosuch=1", "", 400, "request.member", "nosuch"},
	{"R19 query twice", "GET", "/v1/table?round=1&round=2", "", 400, "request.member", "round"},
	{"R19 query without value", "GET", "/v1/table?round", "", 400, "request.member", "round"},
	{"R19 query of the wrong type", "GET", "/v1/table?latest=yes", "", 400, "request.member",
	 "latest"},
	{"R19 query where none belongs", "GET", "/v1/status?round=1", "", 400, "request.member",
	 "round"},
	{"R19 body on GET", "GET", "/v1/status", "{}", 400, "request.malformed", NULL},
	{"R19 not JSON", "POST", "/v1/items", "project=p", 400, "request.malformed", NULL},
	{"R19 list, not object", "POST", "/v1/items", "[]", 400, "request.malformed", NULL},
	{"R19 something after it", "POST", "/v1/sync/resume", "{} {}", 400, "request.malformed",
	 NULL},
	{"R19 cut short", "POST", "/v1/items", "{\"project\":\"p\"", 400, "request.malformed",
	 NULL},
	{"R19 repeated member", "POST", "/v1/items", "{\"by\":\"a\",\"by\":\"b\"}", 400,
	 "request.malformed", NULL},
	{"R2 broken UTF-8", "POST", "/v1/items", "{\"by\":\"\xE4\xBE\"}", 400, "request.malformed",
	 NULL},
	{"R2 half a surrogate pair", "POST", "/v1/items", "{\"by\":\"\\ud842\"}", 400,
	 "request.malformed", NULL},
	{"R2 U+0000", "POST", "/v1/items", "{\"by\":\"\\u0000\"}", 400, "request.malformed", NULL},
	{"R17 as deep as allowed", "POST", "/v1/plan/import",
	 "{\"by\":\"例\",\"document\":{\"a\":[[[[[[[[[[[[[1]]]]]]]]]]]]]}}", 200, "PLAN_IMPORT",
	 NULL},
	{"R17 one level deeper", "POST", "/v1/plan/import",
	 "{\"by\":\"例\",\"document\":{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}}", 400,
	 "request.malformed", NULL},
	{"R2 a fraction", "POST", "/v1/plan/import", "{\"by\":\"例\",\"document\":{\"a\":1.5}}",
	 400, "request.malformed", NULL},
	{"member missing", "POST", "/v1/items", "{" ADD "}", 400, "request.member", "text"},
	{"member unknown", "POST", "/v1/items", "{" ADD ",\"text\":\"\",\"x\":1}", 400,
	 "request.member", "x"},
	{"member of the wrong type", "POST", "/v1/items", "{" ADD ",\"text\":1}", 400,
	 "request.member", "text"},
	{"member null", "POST", "/v1/items", "{" ADD ",\"text\":null}", 400, "request.member",
	 "text"},
	{"integer below zero", "POST", "/v1/items", "{" ADD ",\"text\":\"\",\"order\":-1}", 400,
	 "request.member", "order"},
	{"R21 fault of the store", "GET", "/v1/digest", "", 500, "replica.failed", NULL},
	{"no memory for the answer", "GET", "/v1/sites", "", 500, "no_memory", NULL},
};
TEST(http, requests)
{
	struct fixture *f = fixture_start();
	for (size_t i = 0; i < ARRAY_LEN(ask_cases); i++) {
		const char *name = ask_cases[i].name;
		struct answer a =
			ask(f, ask_cases[i].method, ask_cases[i].target, ask_cases[i].body);
		CHECK_INT(name, a.status, ==, ask_cases[i].status);
		if (a.status == 200) {
			CHECK_STR(name, json_string_value(json_object_get(a.body, "route")),
				  ask_cases[i].id);
			continue;
		}
		CHECK_STR(name, error_id(&a), ask_cases[i].id);
		const json_t *error = json_object_get(a.body, "error");
		if (ask_cases[i].member != NULL)
			CHECK_STR(name,
				  json_string_value(json_object_get(
					  json_object_get(error, "detail"), "member")),
				  ask_cases[i].member);
	}
}

TEST(http, error_shape)
{
	struct fixture *f = fixture_start();
	struct answer a = ask(f, "POST", "/v1/table", "{}");
	const json_t *error = json_object_get(a.body, "error");
	CHECK_INT("R19 wrong method", a.status, ==, 405);
	CHECK("R19 Allow", strstr(a.head, "\r\nAllow: GET") != NULL);
	CHECK("type", strstr(a.head, "\r\nContent-Type: application/json; charset=utf-8") != NULL);
	CHECK("no cache", strstr(a.head, "\r\nCache-Control: no-store") != NULL);
	static const char *const parts[] = {"message", "safe", "next"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		CHECK(parts[i], json_string_length(json_object_get(error, parts[i])) > 0);
	CHECK("rule", json_is_string(json_object_get(error, "rule")));
	CHECK_INT("exit", json_integer_value(json_object_get(error, "exit")), ==, 69);
	CHECK("detail", json_is_object(json_object_get(error, "detail")));
}

TEST(http, values)
{
	struct fixture *f = fixture_start();
	struct answer a = ask(f, "GET", "/v1/items/" ID, "");
	CHECK_STR("parameter", json_string_value(json_object_get(a.body, "id")), ID);
	a = ask(f, "POST", "/v1/rounds/%E4%BB%A4%E5%92%8C/close", "{\"by\":\"例\"}");
	CHECK_STR("decoded parameter", json_string_value(json_object_get(a.body, "round")), "令和");
	a = ask(f, "GET", "/v1/table?project=a%26b%20%E4%BE%8B", "");
	CHECK_STR("query", json_string_value(json_object_get(a.body, "project")), "a&b 例");
	CHECK("left out is false", json_is_false(json_object_get(a.body, "latest")));
	CHECK_INT("left out", json_integer_value(json_object_get(a.body, "order")), ==, -1);
	a = ask(f, "GET", "/v1/table?latest=true", "");
	CHECK("true", json_is_true(json_object_get(a.body, "latest")));
	a = ask(f, "POST", "/v1/items", "{" ADD ",\"text\":\"㌻①Ⅳ～３髙﨑𠮷 \\n\",\"order\":7}");
	CHECK_STR("D-4 byte for byte", json_string_value(json_object_get(a.body, "text")),
		  "㌻①Ⅳ～３髙﨑𠮷 \n");
	CHECK_INT("D-4 length", json_integer_value(json_object_get(a.body, "bytes")), ==,
		  strlen("㌻①Ⅳ～３髙﨑𠮷 \n"));
	CHECK_INT("integer", json_integer_value(json_object_get(a.body, "order")), ==, 7);
}

static const struct {
	const char *name, *header, *lang;
} language_cases[] = {
	{"none", "", "ja"},
	{"Japanese", "Accept-Language: ja\r\n", "ja"},
	{"English", "Accept-Language: en-GB,en;q=0.5\r\n", "en"},
	{"another, then English", "Accept-Language: de, en\r\n", "en"},
	{"neither", "Accept-Language: de\r\n", "ja"},
	{"Japanese first", "Accept-Language: ja-JP,en\r\n", "ja"},
};
TEST(http, language)
{
	struct fixture *f = fixture_start();
	for (size_t i = 0; i < ARRAY_LEN(language_cases); i++) {
		const char *text = test_printf("GET /v1/status HTTP/1.1\r\nHost: x\r\n%s\r\n",
					       language_cases[i].header);
		struct answer a = ask_raw(f, text, strlen(text));
		CHECK_STR(language_cases[i].name,
			  json_string_value(json_object_get(a.body, "lang")),
			  language_cases[i].lang);
	}
}

static const struct {
	const char *name, *bytes;
	int status;
} framing_cases[] = {
	{"R17 chunked alone is fine",
	 "POST /v1/sync/resume HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "2\r\n{}\r\n0\r\n\r\n",
	 200},
	{"R17 length and chunked",
	 "POST /v1/sync/resume HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
	 "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	 400},
	{"R17 chunked and length",
	 "POST /v1/sync/resume HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	 "Content-Length: 2\r\n\r\n{}",
	 400},
	{"R17 two lengths",
	 "POST /v1/sync/resume HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: "
	 "3\r\n\r\n{}",
	 400},
	{"R17 announced beyond all measure",
	 "POST /v1/sync/resume HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", 413},
};
TEST(http, framing)
{
	struct fixture *f = fixture_start();
	for (size_t i = 0; i < ARRAY_LEN(framing_cases); i++) {
		int fd = dial(f);
		send_bytes(fd, framing_cases[i].bytes, strlen(framing_cases[i].bytes));
		struct answer a = receive(fd);
		CHECK_INT(framing_cases[i].name, a.status, ==, framing_cases[i].status);
		char byte;
		if (framing_cases[i].status != 200)
			CHECK_INT(framing_cases[i].name, recv(fd, &byte, 1, 0), ==, 0); /* closed */
		close(fd);
	}
}

/* A body of exactly `bytes` bytes: a csv member filled up with `a`. */
static char *body_of(size_t bytes)
{
	static const char head[] = "{\"by\":\"x\",\"csv\":\"", tail[] = "\"}";
	char *body = test_alloc(bytes + 1);
	memset(body, 'a', bytes);
	memcpy(body, head, sizeof head - 1);
	memcpy(body + bytes - (sizeof tail - 1), tail, sizeof tail);
	return body;
}

static const struct {
	const char *name;
	size_t bytes;
	int status;
} size_cases[] = {
	{"R17 body at its limit", 4u << 20, 200},
	{"R17 body one past", (4u << 20) + 1, 413},
	{"R17 body twice the limit", 8u << 20, 413},
};
TEST(http, sizes)
{
	struct fixture *f = fixture_start();
	for (size_t i = 0; i < ARRAY_LEN(size_cases); i++) {
		int fd = dial(f);
		const char *head =
			test_printf("POST /v1/organisations/import HTTP/1.1\r\nHost: x\r\n"
				    "Content-Length: %zu\r\n\r\n",
				    size_cases[i].bytes);
		send_bytes(fd, head, strlen(head));
		send_bytes(fd, body_of(size_cases[i].bytes), size_cases[i].bytes);
		char start[16] = "";
		CHECK_INT(size_cases[i].name, recv(fd, start, 12, MSG_WAITALL), ==, 12);
		CHECK_INT(size_cases[i].name, strtol(start + 9, NULL, 10), ==,
			  size_cases[i].status);
		close(fd);
	}
	size_t long_text = 8193;
	char *text = test_alloc(long_text + 1);
	memset(text, 'a', long_text);
	text[long_text] = '\0';
	struct answer a =
		ask(f, "POST", "/v1/items", test_printf("{" ADD ",\"text\":\"%s\"}", text));
	CHECK_INT("R17 text one past", a.status, ==, 413);
	CHECK_STR("R17 text one past", error_id(&a), "text.long");
	text[long_text - 1] = '\0';
	a = ask(f, "POST", "/v1/items", test_printf("{" ADD ",\"text\":\"%s\"}", text));
	CHECK_INT("R17 text at its limit", a.status, ==, 200);
	const char *target =
		test_printf("/v1/table?project=%s%s%s%s%s", text, text, text, text, text);
	a = ask(f, "GET", target, "");
	CHECK("R17 headers beyond the pool", a.status == 414 || a.status == 431);
}

/* Requests one after the other on one connection. */
TEST(http, keep_alive)
{
	struct fixture *f = fixture_start();
	int fd = dial(f);
	for (int i = 0; i < 3; i++) {
		static const char text[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
		send_bytes(fd, text, sizeof text - 1);
		CHECK_INT("R17 same connection", receive(fd).status, ==, 200);
	}
	static const char two[] =
		"GET /v1/none HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/plan HTTP/1.1\r\nHost: x\r\n\r\n";
	send_bytes(fd, two, 38 + 1);
	CHECK_INT("R17 error keeps the connection", receive(fd).status, ==, 404);
	close(fd);
}

static const char now_text[] =
	"POST /v1/sync/now HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

TEST(http, later)
{
	struct fixture *f = fixture_start();
	int fds[3];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(f);
		send_bytes(fds[i], now_text, sizeof now_text - 1);
		uv_sem_wait(&f->parked);
	}
	struct answer a = ask(f, "GET", "/v1/status", "");
	CHECK_INT("others are served meanwhile",
		  json_integer_value(json_object_get(a.body, "waiting")), ==, 3);
	a = ask(f, "POST", "/v1/sync/resume", "{}");
	CHECK_INT("released", a.status, ==, 200);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		a = receive(fds[i]);
		CHECK_INT("late answer", a.status, ==, 200);
		CHECK_INT("late answer is its own",
			  json_integer_value(json_object_get(a.body, "place")), ==, i);
		send_bytes(fds[i], now_text, sizeof now_text - 1);
		uv_sem_wait(&f->parked); /* the connection goes on after a late answer */
	}
	a = ask(f, "POST", "/v1/sync/resume", "{}");
	CHECK_INT("released again", a.status, ==, 200);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		CHECK_INT("second late answer", receive(fds[i]).status, ==, 200);
		close(fds[i]);
	}
}

TEST(http, client_leaves)
{
	struct fixture *f = fixture_start();
	int fd = dial(f);
	send_bytes(fd, now_text, sizeof now_text - 1);
	uv_sem_wait(&f->parked);
	close(fd);
	CHECK_INT("answered into nothing", ask(f, "POST", "/v1/sync/resume", "{}").status, ==, 200);
	CHECK_INT("goes on", ask(f, "GET", "/v1/status", "").status, ==, 200);
	fd = dial(f); /* leaves in the middle of its body */
	send_bytes(fd, now_text, sizeof now_text - 2);
	close(fd);
	fd = dial(f); /* and in the middle of its headers */
	send_bytes(fd, now_text, 10);
	close(fd);
	CHECK_INT("goes on", ask(f, "GET", "/v1/status", "").status, ==, 200);
}

TEST(http, close_with_work)
{
	struct fixture *f = fixture_start();
	int waiting = dial(f), gone = dial(f), idle = dial(f);
	send_bytes(waiting, now_text, sizeof now_text - 1);
	uv_sem_wait(&f->parked);
	send_bytes(gone, now_text, sizeof now_text - 1);
	uv_sem_wait(&f->parked);
	close(gone);
	uv_async_send(&f->stop);
	struct answer a = receive(waiting);
	CHECK_INT("told that it stops", a.status, ==, 503);
	CHECK_STR("told that it stops", error_id(&a), "daemon.stopping");
	char byte;
	CHECK_INT("idle connection is closed", recv(idle, &byte, 1, 0), ==, 0);
	close(waiting);
	close(idle); /* fixture_stop answers what was parked, after the server is freed */
}

TEST(http, connections)
{
	struct fixture *f = fixture_start();
	int fds[64];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		static const char text[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
		fds[i] = dial(f);
		send_bytes(fds[i], text, sizeof text - 1);
		CHECK_INT("R17 as many as allowed", receive(fds[i]).status, ==, 200);
	}
	struct answer a = ask(f, "GET", "/v1/status", "");
	CHECK("R17 one past is closed", a.closed);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

TEST(http, socket_file)
{
	struct fixture *f = fixture_start();
	struct stat st;
	REQUIRE("R20 socket is there", lstat(f->path, &st) == 0);
	CHECK_INT("R20 mode", st.st_mode & 07777, ==, 0600);
	CHECK("R20 a socket", S_ISSOCK(st.st_mode));
	fixture_stop(f);

	struct soud_handler handlers[SOUD_ROUTE_COUNT] = {{0}};
	struct soud_http *http;
	struct sou_err err;
	uv_loop_t loop;
	uv_loop_init(&loop);
	const char *folder = test_path("open");
	REQUIRE("folder", mkdir(folder, 0700) == 0 && chmod(folder, 0750) == 0);
	CHECK_INT("R20 folder open to the group",
		  soud_http_new(&http, &loop, test_printf("%s/s", folder), handlers, &err), ==,
		  SOU_EINPUT);
	CHECK_INT("R20 folder missing",
		  soud_http_new(&http, &loop, test_printf("%s/no/s", folder), handlers, &err), ==,
		  SOU_EIO);
	char long_path[200];
	memset(long_path, 'a', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	CHECK_INT("R20 path too long", soud_http_new(&http, &loop, long_path, handlers, &err), ==,
		  SOU_EINPUT);
	CHECK_INT("nothing left in the loop", uv_loop_close(&loop), ==, 0);
}

/* As another user, with the file system's two locks taken off, so that the kernel's word on the
 * peer is what is tested. Needs root to become somebody else. */
TEST(http, other_user)
{
	struct fixture *f = fixture_start();
	if (geteuid() != 0) {
		printf("SKIP: needs root\n");
		return;
	}
	REQUIRE("folder opened", chmod(test_dir(), 0755) == 0 && chmod(f->path, 0666) == 0);
	static const char text[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
	pid_t child = fork();
	if (child == 0) {
		struct sockaddr_un addr = {.sun_family = AF_UNIX};
		memcpy(addr.sun_path, f->path, strlen(f->path));
		char byte;
		if (setresuid(65534, 65534, 65534) != 0)
			_exit(10);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
			_exit(11);
		(void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
		_exit(recv(fd, &byte, 1, 0) > 0 ? 12 : 0); /* closed without a word */
	}
	int status = 0;
	REQUIRE("child", child > 0 && waitpid(child, &status, 0) == child);
	CHECK_INT("R19 another user hears nothing", status, ==, 0);
	CHECK_INT("R19 the own user is served", ask_raw(f, text, sizeof text - 1).status, ==, 200);
}
