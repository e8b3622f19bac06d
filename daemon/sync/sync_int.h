/* sync_int.h - the inside of sync.h, shared by sync*.c alone.
 *
 * A peer lives from its link's open_cb until its link is closed and its last job is done. */
#ifndef SOUD_SYNC_INT_H
#define SOUD_SYNC_INT_H

#include "daemon/checker.h"
#include "daemon/log.h"
#include "daemon/sync/penalty.h"
#include "daemon/sync/sync.h"

struct late { /* acks and passed positions that may wait a little: one row a scope, the highest */
	struct sou_id scope;
	uint64_t acked, received_ms, passed;
};

#define SOUD_SYNC_OWN_SITES 3u /* so many make an unconfirmed hub confirmed (P13.16) */

struct peer {
	struct soud_sync *sync;
	struct soud_link *link; /* NULL once closed */
	struct sou_session *session;
	struct soud_from from; /* site and log; set by LIVE */
	uint8_t exporter[SOUD_TLS_EXPORTER_BYTES];
	bool live, withdrawn, is_hub, closing;
	bool other;             /* to be told that another instance came */
	bool no_room;           /* something of it could not be stored (R21) */
	bool damaged;           /* something of it is of a scope that is damaged here (R22) */
	bool settling, settled; /* asked whether the peer has more; it had not */
	size_t jobs;            /* of the writer, not yet done */
	uint64_t contact_ms;
	struct late *late;
	size_t late_count, late_cap;
	struct peer *next;
};

struct soud_sync {
	uv_loop_t *loop;
	struct soud_core *core;
	struct soud_sync_options o;
	struct soud_net *net;
	struct soud_tls *tls;
	struct soud_listen *listen;
	struct soud_dial *dial;
	struct soud_netwatch *watch;
	struct soud_listener listener;
	struct soud_checker *checker; /* owned */
	struct sou_view view;
	struct sou_actions actions; /* of the step under way: of one peer at a time */
	struct peer *peers;
	uv_timer_t tick, flush;
	struct soud_penalty penalty;
	bool paused, closing, flush_armed;
	int handles; /* timers not yet closed, and a job of confirm.c */
	uint64_t entries_in, entries_out_bytes, acks_in, alarms, refused, turned_away;
	struct sou_id own_from[SOUD_SYNC_OWN_SITES]; /* said to have no more of our own (P13.16) */
	size_t own_from_count;
	struct sou_id claims[SOUD_SYNC_OWN_SITES]; /* said that our log was rolled back (P13.8) */
	size_t claim_count;
	bool confirming;     /* a job of the writer */
	bool other_instance; /* the hub told so */
	uint64_t refusals_given[SOUD_REFUSALS], refusals_got[SOUD_REFUSALS];
	uint64_t bad_signatures;
	bool hub_clock_known;
	int64_t hub_clock_ms;
	uint64_t hub_contact_ms, contact_put_ms; /* put: as it is stored */
	bool contact_putting;                    /* a job of the writer */
	bool damaged; /* rows were listed when it was last looked (R22) */
	char refusal[48];
	const char *bye;
	void (*closed_cb)(void *data);
	void *closed_data;
};

#define SOUD_SYNC_TICK_MS 1000u
/* Acks are written behind the entries: at the hub 62 come for each change, at a site a person
 * looks. */
#define SOUD_SYNC_FLUSH_HUB_MS  500u
#define SOUD_SYNC_FLUSH_SITE_MS 30u

/* peer.c */
extern const struct soud_link_cbs soud_peer_cbs;
void soud_peer_event(struct peer *p, struct sou_event *event);
/* `what` is ours: never text of the peer. */
void soud_peer_log(enum soud_event event, const char *rule, const char *what, const struct peer *p,
		   const struct sou_id *scope);
void soud_peer_gone(struct peer *p); /* frees it when nothing holds it */

/* jobs.c: each takes a copy of what it needs and answers with SOU_EVENT_STORED */
void soud_peer_store_news(struct peer *p, uint64_t token, const struct sou_news *news);
void soud_peer_store_series(struct peer *p, uint64_t token, struct sou_span series);
void soud_peer_store_signatures(struct peer *p, uint64_t token, const struct sou_signatures *s);
void soud_peer_enrol(struct peer *p, uint64_t token, const struct sou_join *join);
void soud_peer_new_log(struct peer *p);
/* Remember; soud_sync_flush posts what is remembered. */
void soud_peer_late_ack(struct peer *p, const struct sou_ack *ack);
void soud_peer_late_pass(struct peer *p, const struct sou_id *scope, uint64_t upto);
void soud_peer_flush(struct peer *p);

/* contact.c: when the hub was heard last, for the time after a start; to the hour. */
void soud_sync_contact_read(struct soud_sync *s);
void soud_sync_contact_put(struct soud_sync *s);

/* confirm.c */
void soud_sync_own_all(struct peer *p);      /* this peer has no more of our own entries */
void soud_sync_claim(struct peer *p);        /* says that our log was rolled back */
void soud_sync_new_log(struct soud_sync *s); /* a new log id was drawn: all links come anew */

/* sync.c */
void soud_sync_forget_why(struct soud_sync *s); /* reasons of the last link */
void soud_sync_arm_flush(struct soud_sync *s);
void soud_sync_maybe_closed(struct soud_sync *s);

#endif
