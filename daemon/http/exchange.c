/* exchange.c - one request on its connection: headers judged, body gathered within its bound,
 * checked against the route table, handed over, answer sent. A body is never logged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/state.h"
#include "daemon/http/value.h"
#include "proto/limits.h"

#define HTTP_BODY_BYTES_FIRST 4096u

static struct soud_request *slot_request(void **slot)
{
	return *slot;
}

/* The first of ja and en in Accept-Language; what q says is left aside, two languages are few. */
static enum sou_lang language_of(const char *header)
{
	if (header == NULL)
		return SOU_LANG_JA;
	for (const char *s = header; *s != '\0'; s += strcspn(s, ",")) {
		s += strspn(s, ", ");
		if (strncasecmp(s, "en", 2) == 0)
			return SOU_LANG_EN;
		if (strncasecmp(s, "ja", 2) == 0)
			return SOU_LANG_JA;
	}
	return SOU_LANG_JA;
}

struct framing {
	unsigned lengths, encodings;
	unsigned long long length;
};

static enum MHD_Result framing_cb(void *context, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	(void)kind;
	struct framing *f = context;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		f->lengths++;
		f->length = value != NULL ? strtoull(value, NULL, 10) : 0;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		f->encodings++;
	}
	return MHD_YES;
}

/* A paragraph that is too long: said in characters, which people count, and in bytes. */
static void reply_text_long(struct soud_request *req, const char *text, size_t limit_bytes)
{
	char characters[24], bytes[24], limit[24];
	size_t count = 0, n = strlen(text);
	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)text[i] & 0xC0) != 0x80;
	snprintf(characters, sizeof characters, "%zu", count);
	snprintf(bytes, sizeof bytes, "%zu", n);
	snprintf(limit, sizeof limit, "%zu", limit_bytes);
	soud_reply_error(req, MHD_HTTP_CONTENT_TOO_LARGE, SOU_MSG_TEXT_LONG,
			 json_pack("{s:s, s:I, s:s, s:I, s:I}", "member", "text", "limit",
				   (json_int_t)limit_bytes, "unit", "bytes", "bytes", (json_int_t)n,
				   "characters", (json_int_t)count),
			 characters, bytes, limit);
}

static void reply_fault(struct soud_request *req, const struct soud_route_fault *fault)
{
	const char *text = json_string_value(json_object_get(req->body, fault->member));
	if (fault->kind == SOUD_FAULT_LIMIT && text != NULL && strcmp(fault->member, "text") == 0) {
		reply_text_long(req, text, fault->limit);
		return;
	}
	json_t *detail = json_pack("{s:s}", "member", fault->member);
	char limit[24];
	switch (fault->kind) {
	case SOUD_FAULT_LIMIT:
		snprintf(limit, sizeof limit, "%zu", fault->limit);
		json_object_set_new(detail, "limit", json_integer((json_int_t)fault->limit));
		json_object_set_new(detail, "unit", json_string("bytes"));
		soud_reply_error(req, MHD_HTTP_CONTENT_TOO_LARGE, SOU_MSG_REQUEST_LIMIT, detail,
				 fault->member, limit,
				 sou_msg_raw(SOU_MSG_UNIT_BYTES, req->lang, SOU_MSG_TEXT));
		return;
	case SOUD_FAULT_MISSING:
	case SOUD_FAULT_UNKNOWN:
	case SOUD_FAULT_TYPE:
		soud_reply_error(req, MHD_HTTP_BAD_REQUEST, SOU_MSG_REQUEST_MEMBER, detail,
				 fault->member);
		return;
	}
}

struct query_scan {
	struct soud_request *req;
	struct soud_route_fault fault;
	int rc;
};

static enum MHD_Result query_cb(void *context, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	(void)kind;
	struct query_scan *scan = context;
	const struct soud_route *route = &soud_routes[scan->req->match.id];
	scan->rc = soud_route_check_query(route, name, value, &scan->fault);
	if (scan->rc == SOU_OK && json_object_get(scan->req->query, name) != NULL) { /* twice */
		scan->fault = (struct soud_route_fault){.kind = SOUD_FAULT_UNKNOWN};
		snprintf(scan->fault.member, sizeof scan->fault.member, "%s", name);
		scan->rc = SOU_EINPUT;
	}
	if (scan->rc == SOU_OK &&
	    json_object_set_new(scan->req->query, name, json_string(value)) != 0)
		scan->rc = SOU_ENOMEM;
	return scan->rc == SOU_OK ? MHD_YES : MHD_NO;
}

static void judge_target(struct soud_request *req, const char *url, const char *method)
{
	const char *allow = NULL;
	int rc = soud_route_match(method, url, &req->match, &allow);
	if (rc == SOU_EUNKNOWN) {
		soud_reply_error(req, MHD_HTTP_NOT_FOUND, SOU_MSG_REQUEST_PATH, NULL);
	} else if (rc == SOU_ESTATE) {
		soud_reply_error(req, MHD_HTTP_METHOD_NOT_ALLOWED, SOU_MSG_REQUEST_METHOD, NULL);
		MHD_add_response_header(req->response, MHD_HTTP_HEADER_ALLOW, allow);
	} else if (rc != SOU_OK) {
		soud_reply_error(req, MHD_HTTP_BAD_REQUEST, SOU_MSG_REQUEST_MEMBER,
				 json_pack("{s:s}", "member", "path"), "path");
	}
	if (rc != SOU_OK)
		return;
	struct query_scan scan = {.req = req, .rc = SOU_OK};
	MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND, query_cb, &scan);
	if (scan.rc == SOU_ENOMEM)
		soud_reply_error(req, MHD_HTTP_INTERNAL_SERVER_ERROR, SOU_MSG_NO_MEMORY, NULL);
	else if (scan.rc != SOU_OK)
		reply_fault(req, &scan.fault);
}

static void reply_too_large(struct soud_request *req)
{
	char limit[24];
	snprintf(limit, sizeof limit, "%u", SOU_HTTP_BODY_BYTES_MAX);
	soud_reply_error(
		req, MHD_HTTP_CONTENT_TOO_LARGE, SOU_MSG_REQUEST_LIMIT,
		json_pack("{s:i, s:s}", "limit", (int)SOU_HTTP_BODY_BYTES_MAX, "unit", "bytes"),
		"body", limit, sou_msg_raw(SOU_MSG_UNIT_BYTES, req->lang, SOU_MSG_TEXT));
}

static enum MHD_Result send_answer(struct soud_request *req)
{
	if (req->cut)
		MHD_add_response_header(req->response, MHD_HTTP_HEADER_CONNECTION, "close");
	return MHD_queue_response(req->connection, req->status, req->response);
}

/* Headers are here. What does not fit is answered at once where the body cannot be followed, else
 * after the body was read away: a client that is still sending would not look for the answer. */
static enum MHD_Result begin(struct soud_http *http, struct MHD_Connection *connection,
			     const char *url, const char *method, void **slot)
{
	struct soud_request *req = soud_request_new(http, connection);
	if (req == NULL)
		return MHD_NO;
	*slot = req;
	req->lang = language_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							    MHD_HTTP_HEADER_ACCEPT_LANGUAGE));
	struct framing framing = {0};
	MHD_get_connection_values(connection, MHD_HEADER_KIND, framing_cb, &framing);
	if (framing.lengths + framing.encodings > 1) {
		req->cut = true;
		soud_reply_error(req, MHD_HTTP_BAD_REQUEST, SOU_MSG_REQUEST_MALFORMED, NULL,
				 "Content-Length, Transfer-Encoding");
		return send_answer(req);
	}
	if (framing.length > SOU_HTTP_DISCARD_BYTES_MAX) {
		req->cut = true;
		reply_too_large(req);
		return send_answer(req);
	}
	if (http->closing)
		soud_reply_error(req, MHD_HTTP_SERVICE_UNAVAILABLE, SOU_MSG_DAEMON_STOPPING, NULL);
	else
		judge_target(req, url, method);
	return MHD_YES;
}

/* Gather a piece of the body; past the bound or after an error it is only counted. */
static enum MHD_Result gather(struct soud_request *req, const char *bytes, size_t len)
{
	req->body_len += len;
	if (req->body_len > SOU_HTTP_DISCARD_BYTES_MAX)
		return MHD_NO; /* chunked without end: no answer can reach this client */
	if (req->body_len > SOU_HTTP_BODY_BYTES_MAX)
		req->body_too_large = true;
	if (req->state != SOUD_REQUEST_READING || req->body_too_large)
		return MHD_YES;
	if (req->body_len > req->body_cap) {
		size_t cap = req->body_cap > 0 ? req->body_cap : HTTP_BODY_BYTES_FIRST;
		while (cap < req->body_len)
			cap *= 2;
		char *grown = malloc(cap);
		if (grown == NULL) {
			soud_reply_error(req, MHD_HTTP_INTERNAL_SERVER_ERROR, SOU_MSG_NO_MEMORY,
					 NULL);
			return MHD_YES;
		}
		if (req->body_bytes != NULL) { /* not realloc: a passphrase may stand in the old */
			memcpy(grown, req->body_bytes, req->body_len - len);
			explicit_bzero(req->body_bytes, req->body_cap);
			free(req->body_bytes);
		}
		req->body_bytes = grown;
		req->body_cap = cap;
	}
	memcpy(req->body_bytes + req->body_len - len, bytes, len);
	return MHD_YES;
}

/* The body as an object, or an answer that says why not. */
static bool read_body(struct soud_request *req)
{
	const struct soud_route *route = soud_request_route(req);
	if (req->body_len == 0) {
		req->body = json_object();
		if (req->body == NULL) {
			soud_reply_error(req, MHD_HTTP_INTERNAL_SERVER_ERROR, SOU_MSG_NO_MEMORY,
					 NULL);
			return false;
		}
	} else {
		size_t place = 0;
		int rc = route->method == SOUD_METHOD_GET
				 ? SOU_EFORMAT
				 : soud_json_read(req->body_bytes, req->body_len, &req->body,
						  &place);
		if (rc != SOU_OK) {
			char reason[48];
			snprintf(reason, sizeof reason, "JSON: %s, %zu", sou_err_name(rc), place);
			soud_reply_error(req,
					 rc == SOU_ENOMEM ? MHD_HTTP_INTERNAL_SERVER_ERROR
							  : MHD_HTTP_BAD_REQUEST,
					 SOU_MSG_REQUEST_MALFORMED,
					 json_pack("{s:I}", "offset", (json_int_t)place), reason);
			return false;
		}
	}
	struct soud_route_fault fault;
	if (soud_route_check_body(route, req->body, &fault) == SOU_OK)
		return true;
	reply_fault(req, &fault);
	return false;
}

static void dispatch(struct soud_request *req)
{
	if (req->body_too_large) {
		reply_too_large(req);
		return;
	}
	if (!read_body(req))
		return;
	const struct soud_handler *handler = &req->http->handlers[req->match.id];
	if (handler->call == NULL) {
		soud_reply_error(req, MHD_HTTP_NOT_IMPLEMENTED, SOU_MSG_REQUEST_PATH, NULL);
		return;
	}
	req->state = SOUD_REQUEST_HANDLED;
	req->owed = true;
	req->on_stack = true;
	handler->call(req, handler->context);
	/* Still there: an answered request waits for its connection, and that is in our hands. */
	req->on_stack = false;
}

enum MHD_Result soud_exchange_access_cb(void *context, struct MHD_Connection *connection,
					const char *url, const char *method, const char *version,
					const char *bytes, size_t *len, void **slot)
{
	(void)version;
	struct soud_request *req = slot_request(slot);
	if (req == NULL)
		return begin(context, connection, url, method, slot);
	if (*len > 0) {
		enum MHD_Result result = gather(req, bytes, *len);
		*len = 0;
		return result;
	}
	if (req->state == SOUD_REQUEST_READING)
		dispatch(req);
	if (req->state == SOUD_REQUEST_ANSWERED) {
		req->suspended = false;
		return send_answer(req);
	}
	SOU_ASSERT(req->state == SOUD_REQUEST_HANDLED);
	if (!req->suspended) {
		req->suspended = true;
		MHD_suspend_connection(connection);
	}
	return MHD_YES;
}

void soud_exchange_completed_cb(void *context, struct MHD_Connection *connection, void **slot,
				enum MHD_RequestTerminationCode how)
{
	(void)context;
	(void)connection;
	(void)how;
	struct soud_request *req = slot_request(slot);
	if (req == NULL)
		return;
	*slot = NULL;
	soud_request_detach(req);
}

void soud_exchange_answered(struct soud_request *req)
{
	if (!req->suspended || req->on_stack)
		return;
	MHD_resume_connection(req->connection);
	soud_http_kick(req->http);
}
