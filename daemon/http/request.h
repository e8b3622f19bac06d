/* request.h - one request of the control API as its handler sees it, and the ways to answer it.
 *
 * A handler is called on the loop thread once the whole body is there and fits the route's line in
 * routes.def: members that must be there are there, types are right, nothing else is in it. It
 * answers exactly once, at once or later, always on the loop thread (a writer thread passes its
 * result back by uv_async or uv_queue_work's after callback). Until it answered, the request and
 * all that the getters return stay valid, also when the client has gone or the server is closing
 * (then the answer is dropped). After the answer nothing of the request may be touched. */
#ifndef SOUD_HTTP_REQUEST_H
#define SOUD_HTTP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/messages.h"
#include "daemon/http/route.h"
#include "proto/error.h"

struct soud_request;

typedef void soud_handler_cb(struct soud_request *req, void *context);

const struct soud_route *soud_request_route(const struct soud_request *req);
enum sou_lang soud_request_lang(const struct soud_request *req);

/* Value of `{name}` in the path. Never NULL for a name of the route's path; 1..255 bytes of valid
 * UTF-8 without control characters. Whether such a thing exists is the handler's to say. */
const char *soud_request_param(const struct soud_request *req, const char *name);

/* Value in the query, or NULL where it was left out. Checked by type, except that a range is the
 * handler's to judge. */
const char *soud_request_query(const struct soud_request *req, const char *name);
bool soud_request_query_is_true(const struct soud_request *req, const char *name);

/* The body; an empty object for GET. Borrowed until the answer. */
const json_t *soud_request_body(const struct soud_request *req);

/* Members of the body. NULL / `otherwise` where left out. */
const char *soud_request_text(const struct soud_request *req, const char *member);
size_t soud_request_text_bytes(const struct soud_request *req, const char *member);
int64_t soud_request_integer(const struct soud_request *req, const char *member, int64_t otherwise);

/* Answer 200 with `reply`, an object; the reference is taken over in every case. A NULL (no memory
 * while it was built) is answered as 500. */
void soud_reply_json(struct soud_request *req, json_t *reply);

/* Answer 200 with a text of another kind than JSON: `type` is static, `text` malloc's, taken over.
 */
void soud_reply_text(struct soud_request *req, const char *type, char *text);

/* Answer with the error object of docs/api.md section 2. `status` is 400..599; `detail`, an object,
 * may be NULL and is taken over. The variable arguments are const char *, exactly as many as the
 * message takes (sou_msg_argument_count). */
void soud_reply_error(struct soud_request *req, int status, enum sou_msg msg, json_t *detail, ...);

/* The same for a code of proto/error.h with its sentence, where nothing better is known: the
 * message is sou_msg_of_rc, the status follows from the code. */
void soud_reply_rc(struct soud_request *req, const struct sou_err *err);

#endif
