/* api.c - libcurl over the Unix socket. */
#include "client/cli/api.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/command.h"
#include "client/cli/say.h"
#include "proto/limits.h"

#define GET  "GET"
#define POST "POST"
static const struct {
	const char *method, *path;
} routes[SOUC_ROUTE_COUNT] = {
#define R(id, method, path, who, query, body, ja, en) {method, path},
#include "daemon/http/routes.def"
#undef R
};

struct reply {
	struct souc_buffer bytes;
	bool too_large;
};

static size_t write_cb(char *bytes, size_t size, size_t count, void *context)
{
	struct reply *reply = context;
	if (reply->bytes.len + size * count > SOU_CALL_REPLY_BYTES_MAX) {
		reply->too_large = true;
		return 0;
	}
	souc_buffer_add(&reply->bytes, bytes, size * count);
	return size * count;
}

static void add_escaped(CURL *curl, struct souc_buffer *url, const char *text)
{
	char *escaped = curl_easy_escape(curl, text, (int)strlen(text));
	souc_buffer_puts(url, escaped != NULL ? escaped : "");
	curl_free(escaped);
}

static void url_make(CURL *curl, const struct souc_request *request, struct souc_buffer *url)
{
	const char *path = routes[request->route].path, *brace = strchr(path, '{');
	souc_buffer_puts(url, "http://localhost");
	if (brace == NULL) {
		souc_buffer_puts(url, path);
	} else {
		souc_buffer_add(url, path, (size_t)(brace - path));
		add_escaped(curl, url, request->param);
		souc_buffer_puts(url, strchr(brace, '}') + 1);
	}
	bool first = true;
	for (size_t i = 0; i < SOUC_QUERY_MAX; i++) {
		if (request->query[i].value == NULL)
			continue;
		souc_buffer_printf(url, "%s%s=", first ? "?" : "&", request->query[i].name);
		add_escaped(curl, url, request->query[i].value);
		first = false;
	}
}

/* Is there a file `name` in the data directory? errno is set where not. */
static bool is_there(const struct souc_context *cx, const char *name)
{
	struct souc_buffer path = {0};
	souc_buffer_printf(&path, "%s/%s", cx->data, name);
	int found = access(path.text, F_OK), why = errno;
	souc_buffer_fini(&path);
	errno = why;
	return found == 0;
}

/* The daemon is not there: say whether the site itself is, and whether it is ours. */
static int fail_unreached(struct souc_context *cx, const char *socket_path)
{
	if (access(socket_path, W_OK) != 0 && errno == EACCES)
		return souc_fail(cx, SOU_MSG_REQUEST_USER);
	if (!is_there(cx, "replica.db") && errno != EACCES)
		return souc_fail(
			cx, is_there(cx, "joining") ? SOU_MSG_DATA_JOINING : SOU_MSG_DATA_MISSING,
			cx->data);
	return souc_fail(cx, SOU_MSG_DAEMON_STOPPED, cx->data);
}

/* The API speaks of members; the person wrote options and arguments. */
static const struct {
	const char *member;
	enum souc_option_id option;
	const char *argument; /* where the command has no such option */
	enum sou_msg want;
} members[] = {
	{"by", SOUC_O_BY, NULL, SOU_MSG_WANT_LINE},
	{"due_at", SOUC_O_DUE, NULL, SOU_MSG_WANT_TIME},
	{"roles", SOUC_O_ROLE, NULL, SOU_MSG_WANT_ROLES},
	{"name", SOUC_O_NAME, NULL, SOU_MSG_WANT_LINE},
	{"organisation", SOUC_O_ORG, NULL, SOU_MSG_WANT_LINE},
	{"round", SOUC_O_ROUND, "ROUND", SOU_MSG_WANT_LINE},
	{"project", SOUC_O_PROJECT, "PROJECT", SOU_MSG_WANT_LINE},
	{"column", SOUC_O_COLUMN, "COLUMN", SOU_MSG_WANT_LINE},
	{"nil_columns", SOUC_O_NIL, NULL, SOU_MSG_WANT_LINE},
	{"field", SOUC_O_FIELD, NULL, SOU_MSG_WANT_LINE},
};

/* The value that stands behind an argument's name; NULL: the command has none of that name. */
static const char *argument_value(const struct souc_context *cx, const char *name)
{
	const char *spec = cx->command->arguments;
	char word[32];
	bool required;
	for (size_t i = 0; souc_spec_next(&spec, word, &required); i++) {
		if (strcmp(word, name) == 0)
			return cx->arguments[i];
	}
	return NULL;
}

int souc_fail_answer(struct souc_context *cx, const json_t *error)
{
	const json_t *detail = json_object_get(error, "detail");
	const char *id = souc_get(error, "id"), *member = souc_get(detail, "member");
	bool limit = strcmp(id, "request.limit") == 0;
	if (!limit && strcmp(id, "request.member") != 0)
		return souc_fail_reply(cx, error);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		if (strcmp(members[i].member, member) != 0)
			continue;
		char name[40], number[24];
		const char *value = souc_value(cx, members[i].option);
		snprintf(name, sizeof name, "--%s", souc_options[members[i].option].name);
		if (value == NULL && members[i].argument != NULL) {
			value = argument_value(cx, members[i].argument);
			snprintf(name, sizeof name, "%s", members[i].argument);
		}
		if (value == NULL)
			break;
		snprintf(number, sizeof number, "%lld", souc_get_int(detail, "limit"));
		return limit ? souc_fail(cx, SOU_MSG_REQUEST_LIMIT, name, number,
					 souc_word(cx, SOU_MSG_UNIT_BYTES))
			     : souc_fail(cx, SOU_MSG_USAGE_VALUE, name, value,
					 souc_word(cx, members[i].want));
	}
	return souc_fail_reply(cx, error);
}

/* Whole answer is here: JSON object with status 200, or an error object. */
static int reply_read(struct souc_context *cx, const struct souc_request *request,
		      const struct reply *raw, long status, json_t **reply, json_t **error)
{
	if (request->text != NULL && status == 200) {
		*request->text =
			strndup(raw->bytes.text != NULL ? raw->bytes.text : "", raw->bytes.len);
		return *request->text != NULL ? 0 : souc_fail(cx, SOU_MSG_NO_MEMORY);
	}
	json_error_t fault;
	json_t *read = json_loadb(raw->bytes.text != NULL ? raw->bytes.text : "", raw->bytes.len,
				  JSON_REJECT_DUPLICATES, &fault);
	json_t *inner = json_object_get(read, "error");
	int rc;
	if (status == 200 && json_is_object(read)) {
		*reply = read;
		return 0;
	}
	if (json_is_object(inner)) {
		rc = (int)souc_get_int(inner, "exit");
		if (error != NULL)
			*error = json_incref(inner);
		else
			rc = souc_fail_answer(cx, inner);
	} else {
		char reason[96];
		snprintf(reason, sizeof reason, "HTTP %ld, %.60s", status,
			 read == NULL ? fault.text : "no object");
		rc = souc_fail(cx, SOU_MSG_DAEMON_ANSWER, reason);
	}
	json_decref(read);
	return rc;
}

static struct curl_slist *headers_make(const struct souc_context *cx)
{
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
	list = curl_slist_append(list, cx->lang == SOU_LANG_JA ? "Accept-Language: ja"
							       : "Accept-Language: en");
	return curl_slist_append(list, "Expect:"); /* no waiting for 100 on a local socket */
}

static CURLcode perform(const struct souc_context *cx, CURL *curl,
			const struct souc_request *request, const char *socket_path,
			const char *body, struct reply *raw, long *status)
{
	struct souc_buffer url = {0};
	struct curl_slist *headers = headers_make(cx);
	url_make(curl, request, &url);
	curl_easy_setopt(curl, CURLOPT_URL, url.text);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)SOU_CALL_CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)SOU_CALL_TIMEOUT_MS + request->wait_ms);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_cb);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, raw);
	if (body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	curl_slist_free_all(headers);
	souc_buffer_fini(&url);
	return code;
}

int souc_call(struct souc_context *cx, struct souc_request *request, json_t **reply, json_t **error)
{
	struct reply raw = {{0}, false};
	struct souc_buffer socket_path = {0};
	char *body = NULL;
	long status = 0;
	int rc;
	souc_buffer_printf(&socket_path, "%s/control.sock", cx->data);
	if (request->body != NULL)
		body = json_dumps(request->body, JSON_COMPACT);
	CURL *curl = curl_easy_init();
	if (curl == NULL || (request->body != NULL && body == NULL)) {
		rc = souc_fail(cx, SOU_MSG_NO_MEMORY);
		goto out;
	}
	CURLcode code = perform(cx, curl, request, socket_path.text, body, &raw, &status);
	if (code == CURLE_COULDNT_CONNECT)
		rc = fail_unreached(cx, socket_path.text);
	else if (raw.too_large)
		rc = souc_fail(cx, SOU_MSG_DAEMON_ANSWER, "> 256 MiB");
	else if (code == CURLE_OUT_OF_MEMORY)
		rc = souc_fail(cx, SOU_MSG_NO_MEMORY);
	else if (code != CURLE_OK)
		rc = souc_fail(cx, SOU_MSG_DAEMON_CUT);
	else
		rc = reply_read(cx, request, &raw, status, reply, error);
out:
	curl_easy_cleanup(curl);
	if (body != NULL)
		explicit_bzero(body, strlen(body)); /* a passphrase may stand in it */
	free(body);
	json_decref(request->body);
	request->body = NULL;
	souc_buffer_fini(&raw.bytes);
	souc_buffer_fini(&socket_path);
	return rc;
}

void souc_body_text(json_t *body, const char *member, const char *text)
{
	if (text != NULL)
		json_object_set_new(body, member, json_string(text));
}
