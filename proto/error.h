/* error.h - the one list of what can go wrong, and what the caller does about it.
 * Functions return SOU_OK or a negative value of this list. Pure. */
#ifndef SOU_ERROR_H
#define SOU_ERROR_H

#include <stddef.h>

/* X(name, number, text, what the caller does) */
#define SOU_ERRORS(X)                                                                              \
	X(EAGAIN, 1, "not enough bytes yet", "wait for more")                                      \
	X(EFORMAT, 2, "not in the one allowed form", "refuse these bytes")                         \
	X(ELIMIT, 3, "beyond a limit", "refuse, say which limit")                                  \
	X(EPROTO, 4, "peer broke the protocol", "drop the peer")                                   \
	X(ESIG, 5, "signature does not verify", "refuse, count against the peer")                  \
	X(EKEY, 6, "key is not admissible", "refuse the key")                                      \
	X(ETOONEW, 7, "made by newer software", "keep it, apply nothing of it")                    \
	X(EUNKNOWN, 8, "not known here", "fetch it or wait")                                       \
	X(EEXIST, 9, "already there", "nothing, it is idempotent")                                 \
	X(ERIGHT, 10, "no right to do this", "tell the person the clause")                         \
	X(ESTATE, 11, "not possible in this state", "tell the person what to do first")            \
	X(ESTORE, 12, "the replica cannot be read or written", "stop signing, reopen")             \
	X(ECORRUPT, 13, "stored bytes are damaged", "do not serve them, repair from a peer")       \
	X(EIO, 14, "input or output failed", "retry or report")                                    \
	X(ENOMEM, 15, "no memory", "give up this act, go on")                                      \
	X(EBUSY, 16, "in use by another", "wait or stop")                                          \
	X(EINPUT, 17, "what the person gave is not valid", "tell the person what and where")       \
	X(ECRYPTO, 18, "the crypto library failed", "stop signing, report")                        \
	X(ECONFLICT, 19, "texts differ and a person must decide", "show the conflict")             \
	X(EDENIED, 20, "refused by the other side", "show its reason")                             \
	X(EFULL, 21, "no room on the disk", "read only until there is room")

enum sou_rc {
	SOU_OK = 0,
#define X(name, number, text, act) SOU_##name = -(number),
	SOU_ERRORS(X)
#undef X
};

#define SOU_ERR_TEXT_BYTES_MAX 256u

/* A code and one sentence about it, made where the fact is known and prefixed on the way up. */
struct sou_err {
	int rc;
	char text[SOU_ERR_TEXT_BYTES_MAX];
};

/* Fill err (which may be NULL) and return rc, so that a caller can `return sou_err_set(...)`.
 * The text is cut at a UTF-8 character when it is too long. */
int sou_err_set(struct sou_err *err, int rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the text that stands in err. Returns err->rc. */
int sou_err_prefix(struct sou_err *err, const char *prefix);

/* Name ("EFORMAT"), text and advice of a code; never NULL. */
const char *sou_err_name(int rc);
const char *sou_err_text(int rc);
const char *sou_err_advice(int rc);

/* Prints file, line and condition, aborts. On in release. Never reachable from input. */
#define SOU_ASSERT(c) ((c) ? (void)0 : sou_assert_fail(#c, __FILE__, __LINE__))
_Noreturn void sou_assert_fail(const char *condition, const char *file, int line);

#endif
