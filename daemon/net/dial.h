/* dial.h - keep one outgoing link to one pinned peer alive: resolve, connect, and after each end
 * wait for a jittered, doubling time; at once when the network returns or a person asks.
 *
 *             +--pause-- (any) --> PAUSED --resume--> RESOLVING
 *             |
 *   RESOLVING --> CONNECTING --opened--> UP
 *       ^            | next address       |
 *       +-- WAITING <+--------------------+ ended
 *           time out, net_changed, now */
#ifndef SOUD_DIAL_H
#define SOUD_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/link.h"
#include "daemon/net/net.h"
#include "daemon/net/tls.h"

struct soud_dial; /* opaque */

enum soud_dial_state {
	SOUD_DIAL_PAUSED,
	SOUD_DIAL_RESOLVING,
	SOUD_DIAL_CONNECTING, /* TCP or TLS under way */
	SOUD_DIAL_UP,
	SOUD_DIAL_WAITING,
};

struct soud_dial_args {
	struct soud_net *net;       /* borrowed */
	struct soud_tls *tls;       /* borrowed */
	const char *hostport;       /* copied */
	const char *proxy;          /* HOST:PORT of an HTTP proxy on the way; NULL or "": none */
	struct sou_span proxy_auth; /* user:password for it, or n 0; copied */
	struct sou_hash pin;        /* SPKI SHA-256 of the peer; not all zero */
	uint32_t retry_ms_min, retry_ms_max; /* 1 <= min <= max */
	uint64_t (*random_cb)(void *random); /* jitter only; no secret */
	void *random;
	const struct soud_link_cbs *cbs; /* refused_cb: an attempt failed */
	void *data;
};

struct soud_dial_status { /* for `status` */
	enum soud_dial_state state;
	uint32_t attempts;      /* since it was last up */
	uint64_t next_ms;       /* WAITING: until the next attempt */
	enum soud_link_end end; /* of the last attempt or link; meaningless while ended is false */
	bool ended;
	char detail[96]; /* "" or words about it */
	char addr[64];   /* UP or CONNECTING: the address */
};

/* Begins in PAUSED; soud_dial_resume starts it. SOU_EINPUT, SOU_ENOMEM. */
int soud_dial_new(struct soud_dial **out, const struct soud_dial_args *args, struct sou_err *err);

void soud_dial_resume(struct soud_dial *dial); /* does nothing unless PAUSED */
void soud_dial_pause(struct soud_dial *dial);  /* closes an open link in order */
/* A person asked: do not wait any longer, whatever soud_dial_hold said. */
void soud_dial_now(struct soud_dial *dial);
/* From netwatch: when WAITING try at once (not against a hold); when UP over an address that is
 * gone, drop the link and try at once. */
void soud_dial_net_changed(struct soud_dial *dial);
/* No attempt before `ms` from now: the peer or the session asked for quiet (R17). */
void soud_dial_hold(struct soud_dial *dial, uint64_t ms);

/* Other times between attempts; a wait that is under way ends as it began. 1 <= min <= max. */
void soud_dial_backoff(struct soud_dial *dial, uint32_t retry_ms_min, uint32_t retry_ms_max);

struct soud_link *soud_dial_link(const struct soud_dial *dial); /* NULL unless UP */
struct soud_dial_status soud_dial_status(const struct soud_dial *dial);

/* Aborts its link (which gets its callback) and ends. NULL is fine. */
void soud_dial_close(struct soud_dial *dial);

#endif
