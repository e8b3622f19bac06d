/* fake.c - the daemon that answers as the test says. */
#include "tests/client/fake.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/lib/check.h"

struct fake {
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	struct soud_http *http;
	pthread_mutex_t lock; /* over what follows */
	struct {
		const char *json;
		int status;
		enum sou_msg msg;
		json_t *asked; /* owned */
	} route[SOUD_ROUTE_COUNT];
	size_t count;
};

static void handle_cb(struct soud_request *req, void *context)
{
	struct fake *f = context;
	size_t id = (size_t)(soud_request_route(req) - soud_routes);
	const char *path = soud_routes[id].path;
	json_t *query = json_object();
	char spec[256];
	snprintf(spec, sizeof spec, "%s", soud_routes[id].query);
	for (char *save, *word = strtok_r(spec, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		*strchr(word, ':') = '\0';
		if (soud_request_query(req, word) != NULL)
			json_object_set_new(query, word,
					    json_string(soud_request_query(req, word)));
	}
	json_t *param = strchr(path, '{') == NULL
				? json_null()
				: json_string(soud_request_param(
					  req, strstr(path, "{id}") ? "id" : "round"));
	pthread_mutex_lock(&f->lock);
	json_decref(f->route[id].asked);
	/* A copy: the request wipes its passphrase after the answer. */
	f->route[id].asked = json_pack("{s:o, s:o, s:o}", "param", param, "query", query, "body",
				       json_deep_copy(soud_request_body(req)));
	f->count++;
	const char *json = f->route[id].json;
	int status = f->route[id].status;
	enum sou_msg msg = f->route[id].msg;
	pthread_mutex_unlock(&f->lock);
	if (status != 200)
		soud_reply_error(req, status, msg, NULL, "例", "例", "例", "例");
	else
		soud_reply_json(req, json_loads(json != NULL ? json : "{}", 0, NULL));
}

static void closed_cb(void *context)
{
	struct fake *f = context;
	uv_close((uv_handle_t *)&f->stop, NULL);
}

static void stop_cb(uv_async_t *async)
{
	struct fake *f = async->data;
	soud_http_close(f->http, closed_cb, f);
}

static void *loop_thread(void *arg)
{
	struct fake *f = arg;
	uv_run(&f->loop, UV_RUN_DEFAULT);
	return NULL;
}

static void fake_stop(void *arg)
{
	struct fake *f = arg;
	uv_async_send(&f->stop);
	pthread_join(f->thread, NULL);
	CHECK_INT("loop is empty", uv_loop_close(&f->loop), ==, 0);
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		json_decref(f->route[i].asked);
	pthread_mutex_destroy(&f->lock);
}

struct fake *fake_start(void)
{
	struct fake *f = test_alloc(sizeof *f);
	memset(f, 0, sizeof *f);
	pthread_mutex_init(&f->lock, NULL);
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		f->route[i].status = 200;
	uv_loop_init(&f->loop);
	uv_async_init(&f->loop, &f->stop, stop_cb);
	f->stop.data = f;
	struct soud_handler handlers[SOUD_ROUTE_COUNT];
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++)
		handlers[i] = (struct soud_handler){handle_cb, f};
	struct sou_err err = {0};
	if (soud_http_new(&f->http, &f->loop, test_path("control.sock"), handlers, &err) != SOU_OK)
		fprintf(stderr, "%s\n", err.text);
	REQUIRE("fake daemon", f->http != NULL);
	REQUIRE("thread", pthread_create(&f->thread, NULL, loop_thread, f) == 0);
	test_at_end(fake_stop, f);
	return f;
}

void fake_answer(struct fake *f, enum soud_route_id route, const char *json)
{
	pthread_mutex_lock(&f->lock);
	f->route[route].json = json;
	f->route[route].status = 200;
	pthread_mutex_unlock(&f->lock);
}

void fake_fail(struct fake *f, enum soud_route_id route, int status, enum sou_msg msg)
{
	pthread_mutex_lock(&f->lock);
	f->route[route].status = status;
	f->route[route].msg = msg;
	pthread_mutex_unlock(&f->lock);
}

const char *fake_asked(struct fake *f, enum soud_route_id route)
{
	pthread_mutex_lock(&f->lock);
	char *text = f->route[route].asked != NULL
			     ? json_dumps(f->route[route].asked, JSON_COMPACT | JSON_SORT_KEYS)
			     : NULL;
	pthread_mutex_unlock(&f->lock);
	const char *kept = text != NULL ? test_printf("%s", text) : NULL;
	free(text);
	return kept;
}

size_t fake_count(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	size_t count = f->count;
	pthread_mutex_unlock(&f->lock);
	return count;
}

static void fake_forget(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < SOUD_ROUTE_COUNT; i++) {
		json_decref(f->route[i].asked);
		f->route[i].asked = NULL;
	}
	f->count = 0;
	pthread_mutex_unlock(&f->lock);
}

static const char *run_lang;

static const char *run_env(const char *name)
{
	if (strcmp(name, "LC_ALL") == 0)
		return strcmp(run_lang, "ja") == 0 ? "ja_JP.UTF-8" : "C.UTF-8";
	return strcmp(name, "HOME") == 0 ? "/nonexistent" : NULL;
}

/* Words of a command line; quoting as in the header. */
static int words_split(char *text, char **argv, int cap)
{
	int argc = 0;
	argv[argc++] = "soukatsu";
	while (*(text += strspn(text, " ")) != '\0') {
		REQUIRE("words", argc + 1 < cap);
		bool quoted = *text == '\'';
		text += quoted ? 1 : 0;
		argv[argc++] = text;
		text += strcspn(text, quoted ? "'" : " ");
		if (*text != '\0')
			*text++ = '\0';
	}
	argv[argc] = NULL;
	return argc;
}

/* What was written to a memory stream, kept until the test ends. */
static const char *taken(FILE *stream, char **text)
{
	fclose(stream);
	const char *kept = test_printf("%s", *text != NULL ? *text : "");
	free(*text);
	return kept;
}

struct fake_result fake_run(struct fake *f, const char *lang, size_t columns, const char *input,
			    const char *words)
{
	struct souc_context *cx = test_alloc(sizeof *cx);
	memset(cx, 0, sizeof *cx);
	char *out = NULL, *err = NULL, *argv[80];
	size_t out_bytes = 0, err_bytes = 0;
	int pipe_fd[2];
	bool own_data = strstr(words, "--data ") != NULL;
	const char *data = own_data ? "" : test_printf("--data %s", test_dir());
	int argc = words_split(test_printf("%s %s", data, words), argv, 80);
	if (f != NULL)
		fake_forget(f);
	REQUIRE("pipe", pipe(pipe_fd) == 0);
	size_t len = strlen(input);
	REQUIRE("input fits a pipe", write(pipe_fd[1], input, len) == (ssize_t)len);
	close(pipe_fd[1]);
	run_lang = lang;
	cx->env = run_env;
	cx->in_fd = pipe_fd[0];
	cx->columns = columns;
	cx->out = open_memstream(&out, &out_bytes);
	cx->err = open_memstream(&err, &err_bytes);
	struct fake_result result = {.status = souc_run(cx, argc, argv)};
	close(pipe_fd[0]);
	result.out = taken(cx->out, &out);
	result.err = taken(cx->err, &err);
	return result;
}
