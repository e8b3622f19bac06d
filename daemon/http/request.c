/* request.c - getters of a request, and its one answer. Keeps the states of state.h. */
#include "daemon/http/request.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/http/state.h"

struct soud_request *soud_request_new(struct soud_http *http, struct MHD_Connection *connection)
{
	struct soud_request *req = calloc(1, sizeof *req);
	if (req == NULL)
		return NULL;
	req->query = json_object();
	if (req->query == NULL) {
		free(req);
		return NULL;
	}
	req->http = http;
	req->connection = connection;
	req->next = http->requests;
	req->back = &http->requests;
	if (req->next != NULL)
		req->next->back = &req->next;
	http->requests = req;
	return req;
}

static void request_free(struct soud_request *req)
{
	SOU_ASSERT(req->connection == NULL);
	SOU_ASSERT(!req->owed);
	if (req->body_bytes != NULL)
		explicit_bzero(req->body_bytes, req->body_cap);
	free(req->body_bytes);
	if (req->body != NULL)
		soud_route_wipe_body(&soud_routes[req->match.id], req->body);
	json_decref(req->body);
	json_decref(req->query);
	if (req->response != NULL)
		MHD_destroy_response(req->response);
	free(req);
}

void soud_request_detach(struct soud_request *req)
{
	SOU_ASSERT(req->connection != NULL);
	*req->back = req->next;
	if (req->next != NULL)
		req->next->back = req->back;
	req->connection = NULL;
	req->http = NULL;
	if (!req->owed)
		request_free(req);
}

const struct soud_route *soud_request_route(const struct soud_request *req)
{
	return &soud_routes[req->match.id];
}

enum sou_lang soud_request_lang(const struct soud_request *req)
{
	return req->lang;
}

const char *soud_request_param(const struct soud_request *req, const char *name)
{
	const char *brace = strchr(soud_routes[req->match.id].path, '{');
	SOU_ASSERT(brace != NULL);
	SOU_ASSERT(strncmp(brace + 1, name, strlen(name)) == 0);
	return req->match.param;
}

const char *soud_request_query(const struct soud_request *req, const char *name)
{
	return json_string_value(json_object_get(req->query, name));
}

bool soud_request_query_is_true(const struct soud_request *req, const char *name)
{
	const char *value = soud_request_query(req, name);
	return value != NULL && strcmp(value, "true") == 0;
}

const json_t *soud_request_body(const struct soud_request *req)
{
	return req->body;
}

const char *soud_request_text(const struct soud_request *req, const char *member)
{
	return json_string_value(json_object_get(req->body, member));
}

size_t soud_request_text_bytes(const struct soud_request *req, const char *member)
{
	return json_string_length(json_object_get(req->body, member));
}

int64_t soud_request_integer(const struct soud_request *req, const char *member, int64_t otherwise)
{
	const json_t *value = json_object_get(req->body, member);
	return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

/* The bytes of an answer, which take `text` over. NULL only without memory. */
static struct MHD_Response *response_make(const char *type, char *text)
{
	const char *const headers[][2] = {
		{"Content-Type", type},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
	};
	if (text == NULL)
		return NULL;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		if (MHD_add_response_header(response, headers[i][0], headers[i][1]) != MHD_YES) {
			MHD_destroy_response(response);
			return NULL;
		}
	}
	return response;
}

/* Without memory even for an error: a fixed answer, so that the client is not left waiting. */
static struct MHD_Response *response_last_resort(void)
{
	static char text[] =
		"{\"error\":{\"id\":\"no_memory\",\"message\":\"no memory\","
		"\"safe\":\"\",\"next\":\"\",\"rule\":\"\",\"exit\":71,\"detail\":{}}}";
	return MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
}

/* Take `text` (malloc's; NULL: no memory) as the answer, unless nobody waits for one any more. */
static void answer_text(struct soud_request *req, unsigned status, const char *type, char *text)
{
	SOU_ASSERT(req->owed || req->state == SOUD_REQUEST_READING); /* one answer each */
	req->owed = false;
	if (req->connection == NULL) {
		free(text);
		request_free(req);
		return;
	}
	if (req->state == SOUD_REQUEST_ANSWERED) { /* the server closes and has answered 503 */
		free(text);
		return;
	}
	req->response = response_make(type, text);
	req->status = status;
	if (req->response == NULL) {
		req->response = response_last_resort();
		req->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	req->state = SOUD_REQUEST_ANSWERED;
	soud_exchange_answered(req);
}

static void answer(struct soud_request *req, unsigned status, json_t *content)
{
	char *text = content != NULL ? json_dumps(content, JSON_COMPACT) : NULL;
	json_decref(content);
	answer_text(req, status, "application/json; charset=utf-8", text);
}

void soud_reply_json(struct soud_request *req, json_t *reply)
{
	answer(req, MHD_HTTP_OK, reply);
}

void soud_reply_text(struct soud_request *req, const char *type, char *text)
{
	answer_text(req, MHD_HTTP_OK, type, text);
}

/* The error object of docs/api.md section 2; NULL without memory. Takes over `detail`. */
static json_t *error_make(enum sou_lang lang, enum sou_msg msg, json_t *detail,
			  const char *const *arguments)
{
	char text[3][SOU_MSG_BYTES_MAX];
	for (size_t part = 0; part < 3; part++)
		sou_msg_format(msg, lang, (enum sou_msg_part)part, arguments, text[part],
			       sizeof text[part]);
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:i, s:o}}", "error", "id", sou_msg_id(msg),
			 "message", text[SOU_MSG_TEXT], "safe", text[SOU_MSG_SAFE], "next",
			 text[SOU_MSG_NEXT], "rule", sou_msg_rule(msg), "exit", sou_msg_exit(msg),
			 "detail", detail != NULL ? detail : json_object());
}

void soud_reply_error(struct soud_request *req, int status, enum sou_msg msg, json_t *detail, ...)
{
	SOU_ASSERT(status >= 400 && status < 600);
	const char *arguments[SOU_MSG_ARGUMENTS_MAX];
	size_t count = sou_msg_argument_count(msg);
	va_list args;
	va_start(args, detail);
	for (size_t i = 0; i < count; i++)
		arguments[i] = va_arg(args, const char *);
	va_end(args);
	answer(req, (unsigned)status, error_make(req->lang, msg, detail, arguments));
}

void soud_reply_rc(struct soud_request *req, const struct sou_err *err)
{
	enum sou_msg msg = sou_msg_of_rc(err->rc);
	const char *const arguments[SOU_MSG_ARGUMENTS_MAX] = {err->text};
	SOU_ASSERT(sou_msg_argument_count(msg) <= 1);
	unsigned status = sou_msg_exit(msg) == EX_DATAERR ? MHD_HTTP_BAD_REQUEST
			  : err->rc == SOU_EFULL          ? MHD_HTTP_SERVICE_UNAVAILABLE
							  : MHD_HTTP_INTERNAL_SERVER_ERROR;
	answer(req, status, error_make(req->lang, msg, NULL, arguments));
}

void soud_request_stop(struct soud_request *req)
{
	SOU_ASSERT(req->state == SOUD_REQUEST_HANDLED && req->owed);
	soud_reply_error(req, MHD_HTTP_SERVICE_UNAVAILABLE, SOU_MSG_DAEMON_STOPPING, NULL);
	req->owed = true;
}
