/* join.h - a new site's first connection: keys are made, one join frame is sent over a channel
 * whose far end holds the invite's hub key, and the answer makes the replica (R7, R18, PROTOCOL.md
 * 12). Runs its own loop and returns when all is done or has failed; for `soukatsu join`, without a
 * daemon. */
#ifndef SOUD_JOIN_H
#define SOUD_JOIN_H

#include "config/messages.h"
#include "proto/bytes.h"
#include "proto/error.h"

struct soud_join_args {
	const char *data_dir, *state_dir; /* state_dir "" or NULL: DATA.state */
	struct sou_span invite;           /* the string, without blanks around it */
	const char *proxy;                /* HOST:PORT on the way to the hub; NULL or "": none */
	const char *proxy_auth;           /* as the setting proxy_auth */
	unsigned timeout_ms;              /* for the whole exchange, > 0 */
};

struct soud_join_result {
	char address[261];  /* of the hub, HOST:PORT; set as soon as the invite was read, else "" */
	char reason[128];   /* words of the network or of the hub about a failure; may be "" */
	enum sou_msg label; /* the same as a label of the catalogue */
	unsigned bye;       /* enum sou_bye where the hub refused, else 0 */
};

/* SOU_OK: the site is enrolled and its replica is there, to be filled by the first session. After
 * any error but SOU_EDENIED the same invite can be used again, with the same directory. SOU_EINPUT:
 * not an invite (address ""), or a directory that is open to others. SOU_EEXIST: the directory
 * belongs to another site. SOU_EKEY: who answers is not the hub of the invite; the secret was not
 * used. SOU_EDENIED: the hub refused, see `bye`. SOU_EAGAIN: no connection, or no answer in time.
 * SOU_EPROTO: the answer is none. Others as soud_join_prepare and soud_join_finish. */
int soud_join(const struct soud_join_args *args, struct soud_join_result *out, struct sou_err *err);

#endif
