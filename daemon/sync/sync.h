/* sync.h - all links of a daemon: listening, the one dial to the hub, and a session on each (R14,
 * R17, R18, R24). The loop thread's. A commit wakes the sessions whose scopes it touched; what they
 * send is read by the core's reader; what they receive becomes jobs of the writer. */
#ifndef SOUD_SYNC_H
#define SOUD_SYNC_H

#include "daemon/core.h"
#include "daemon/net/dial.h"
#include "daemon/net/link.h"
#include "daemon/net/listen.h"

struct soud_sync;

struct soud_sync_options {
	const char *listen;         /* HOST:PORT; "" or NULL: takes no links */
	const char *proxy;          /* on the way to the hub; "" or NULL: none */
	struct sou_span proxy_auth; /* user:password, or n 0; copied */
	const char *connect;        /* HOST:PORT of the hub; "" or NULL: none */
	uint32_t backoff_ms_min, backoff_ms_max;
	bool paused; /* begin without dialling */
};

/* SOU_EINPUT: an address; SOU_EBUSY: the port is in use; SOU_EUNKNOWN: no TLS key; SOU_EIO,
 * SOU_ENOMEM. */
int soud_sync_new(struct soud_sync **out, uv_loop_t *loop, struct soud_core *core,
		  const struct soud_sync_options *options, struct sou_err *err);
/* Says goodbye on each link, closes all; closed_cb when nothing of it is left. Close before the
 * core. */
void soud_sync_close(struct soud_sync *s, void (*closed_cb)(void *data), void *data);

uint16_t soud_sync_port(const struct soud_sync *s); /* 0: not listening */

/* Other times between attempts, from now on; 1 <= min <= max. */
void soud_sync_backoff(struct soud_sync *s, uint32_t ms_min, uint32_t ms_max);

void soud_sync_now(struct soud_sync *s); /* does not wait for the back-off, nor after a refusal */
/* Ask the hub whether it has more for us, if that is not being asked; `settled` of the status
 * tells. anew: also where it was answered before. */
void soud_sync_settle(struct soud_sync *s, bool anew);
void soud_sync_pause(struct soud_sync *s);
void soud_sync_resume(struct soud_sync *s);

#define SOUD_REFUSALS 16u /* more than there are codes; what is unknown counts at 0 */

struct soud_sync_status {
	bool listens, dials, paused;
	struct soud_dial_status dial; /* when it dials */
	size_t links, live;           /* open; past both hellos */
	bool hub_live;                /* the link to the hub is past both hellos */
	bool quiet;   /* and on it nothing is under way, all is sent and acked, and confirmed */
	bool settled; /* and the hub was asked and had no more for us */
	bool other_instance;     /* the hub sent another instance of this site away (R12) */
	uint64_t hub_contact_ms; /* wall clock of the last frame from the hub, after a start to the
				  * hour; 0: never */
	uint64_t entries_in, entries_out_bytes, acks_in, alarms, refused; /* since the start */
	uint64_t turned_away; /* links past their handshake that a limit ended (R17) */
	const char *refusal;  /* the last refusal by the hub, as P rule and word; NULL: none */
	uint64_t refusals_given[SOUD_REFUSALS],
		refusals_got[SOUD_REFUSALS]; /* by enum sou_refuse */
	uint64_t bad_signatures;
	bool hub_clock_known;
	int64_t hub_clock_ms; /* the hub's clock less ours, by its last ack */
	const char *bye;      /* why the hub ended the last link; NULL: not by bye */
};
/* Of all links since the start. */
struct soud_net_stats soud_sync_net(const struct soud_sync *s);
/* Own entries that the hub has not acked, and when the oldest of them was stored (0: none). */
int soud_sync_queued(struct soud_reader *v, uint64_t *count, int64_t *oldest_ms);
/* When the hub was heard last, as it is stored: to the hour. False: never. */
bool soud_sync_contact(struct soud_reader *v, uint64_t *ms);
void soud_sync_status(const struct soud_sync *s, struct soud_sync_status *out);

struct soud_sync_link { /* one open link, for status */
	struct sou_id site;
	char addr[64];
	bool outgoing, live, withdrawn, quiet;
	uint64_t contact_ms; /* wall clock of the last frame */
};
size_t soud_sync_links(const struct soud_sync *s, struct soud_sync_link *out, size_t max);

/* Wall clock, milliseconds since 1970. */
/* The replica was confirmed, by whomever (R12): every session goes on. */
void soud_sync_confirmed(struct soud_sync *s);

uint64_t soud_wall_ms(void);

/* Ask whoever is linked for versions that are named and not stored (R9); ascending, distinct. */
void soud_sync_want(struct soud_sync *s, const struct sou_id *scope, const struct sou_id *versions,
		    uint32_t count);

#endif
