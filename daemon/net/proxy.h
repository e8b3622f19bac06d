/* proxy.h - through an HTTP proxy to the hub: what is asked of it, and the little that is believed
 * of its answer (RFC 9110 9.3.6, RFC 9112). Behind the answer runs TLS to the hub's pinned key, so
 * a proxy that lies, or that speaks TLS itself, gains nothing: the handshake fails (R18). Pure. */
#ifndef SOUD_PROXY_H
#define SOUD_PROXY_H

#include "daemon/net/addr.h"
#include "proto/bytes.h"

#define SOUD_PROXY_ANSWER_BYTES_MAX 4096u /* R17: as before mutual TLS */
#define SOUD_PROXY_AUTH_BYTES_MAX   512u  /* user:password */

/* Append "CONNECT host:port ..." to buf. `auth`: user:password for Basic, or n 0. The proxy looks
 * the name up. SOU_EINPUT: auth is not of that form (a colon, no control character, not too long);
 * SOU_ENOMEM. What buf holds is a secret where auth is given. */
int soud_proxy_request(struct sou_buf *buf, const struct soud_hostport *to, struct sou_span auth);

struct soud_proxy_answer {
	unsigned status; /* 200..599 */
	size_t bytes;    /* of the head: what follows it is the peer's */
};
/* The head of an answer, all of it: "HTTP/1.x NNN ...", header lines, an empty line, each ended by
 * CR LF and free of other control characters. SOU_EAGAIN: more is to come. SOU_EPROTO: no such
 * head, or an interim one. SOU_ELIMIT: too long. */
int soud_proxy_answer(struct sou_span bytes, struct soud_proxy_answer *out);

/* A few words about a status, static: "407 credentials are wanted". */
const char *soud_proxy_status_text(unsigned status);

#endif
