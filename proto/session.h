/* session.h - one link's protocol as step(state, view, event) -> actions (R24, PROTOCOL.md 13).
 * Never touches a socket, a file, a clock or a random source. The daemon's link and the simulator
 * are two interpreters of the same actions. Heavy work (decoding news, signatures, verdicts,
 * merging) is not done here: news go to the one way in (the replica) as an action and come back as
 * an event.
 *
 * Invariants. I1: a scope is named to the peer only where view.may_read says so (R18). I2: news
 * after number n go only when all up to n went or were left out (P13.6). I3: an ack goes only for
 * what an event said is durable (P13.15). I4: no more than SOU_NEWS_UNACKED_BYTES_MAX or one frame
 * is unacked. */
#ifndef SOU_SESSION_H
#define SOU_SESSION_H

#include "authority.h"
#include "msg.h"

/* --- What the session may look at; calls return at once and change nothing. `ctx` is the reader's.
 * --- */

struct sou_view_scope {
	struct sou_id scope;
	uint64_t last; /* last arrival number here */
};

struct sou_news_query {
	struct sou_id scope;
	uint64_t after;
	size_t bytes_max; /* raw bytes wanted at the most; at least one run is given */
	struct sou_id peer_site, peer_log; /* leave out what came from there (P13.6) */
	bool every_signature;
	bool only_site;               /* withdrawn or not readable: own feeds of peer_site alone */
	const struct sou_hash *heads; /* leave out what is at or before these (P13.7) */
	size_t head_count;
	bool by_heads; /* they alone say what the peer has, not where entries came from (P13.6) */
};

struct sou_news_answer {
	uint64_t upto;      /* all up to here is in data or left out */
	size_t entry_count; /* 0: nothing to send, the cursor moves */
	uint64_t flags, raw_bytes;
};

struct sou_view {
	void *ctx;
	const struct sou_authority *(*authority)(void *ctx);
	/* Scopes with entries here, ascending by id; i from 0; false past the end. */
	bool (*scope_at)(void *ctx, size_t i, struct sou_view_scope *out);
	/* The log id that this site's replica last had; false: never met. */
	bool (*peer_log)(void *ctx, const struct sou_id *site, struct sou_id *log);
	/* What is stored here of the peer's log, and what it acked of ours; 0 when nothing is
	 * known. */
	uint64_t (*position)(void *ctx, const struct sou_id *site, const struct sou_id *log,
			     const struct sou_id *scope);
	uint64_t (*acked)(void *ctx, const struct sou_id *site, const struct sou_id *log,
			  const struct sou_id *scope);
	/* Digests of a scope as of now; upto is the last arrival. False: not at hand. */
	bool (*digest)(void *ctx, const struct sou_id *scope, struct sou_digest *out);
	size_t (*tops)(void *ctx, const struct sou_id *scope, struct sou_hash *out, size_t max);
	bool (*may_read)(void *ctx, const struct sou_id *site, const struct sou_id *key_id,
			 const struct sou_id *scope); /* P8.14 with the plan as known here */
	/* Append data of news (P11.8) to buf. SOU_OK, SOU_ENOMEM, SOU_ESTORE, SOU_ECORRUPT. */
	int (*news)(void *ctx, const struct sou_news_query *q, struct sou_buf *buf,
		    struct sou_news_answer *out);
	/* Header chain of `entry` from the first header above `after` (P13.5); entry_count 0:
	 * nothing. */
	int (*headers)(void *ctx, const struct sou_id *scope, uint64_t after,
		       const struct sou_hash *entry, struct sou_buf *buf,
		       struct sou_news_answer *out);
	/* Entries by version id (P13.11). */
	int (*entries)(void *ctx, const struct sou_id *scope, const struct sou_mp_list *versions,
		       struct sou_buf *buf, struct sou_news_answer *out);
	/* Append the body of a signatures frame for the chain between two entries; SOU_EUNKNOWN:
	 * none. */
	int (*signatures)(void *ctx, const struct sou_signatures_want *want, struct sou_buf *body);
};

/* --- What happens --- */

enum sou_event_kind {
	SOU_EVENT_OPENED,    /* TLS is done; opened.* */
	SOU_EVENT_FRAME,     /* frame.* */
	SOU_EVENT_STORED,    /* a store action ended; stored.* */
	SOU_EVENT_WANT,      /* fetch versions that are named and not stored (R9); want.* */
	SOU_EVENT_NEWS,      /* this replica stored entries of a scope; news.* */
	SOU_EVENT_AUTHORITY, /* this replica applied authority ops */
	SOU_EVENT_TICK,      /* about once a second */
	SOU_EVENT_STOP,      /* this side stops */
	SOU_EVENT_INSTANCE, /* another live connection of this peer has another instance id (R12) */
	SOU_EVENT_OTHER,  /* another connection of this peer was refused for that: tell this one */
	SOU_EVENT_SETTLE, /* say SOU_ACTION_SETTLED when all that the peer has for us is stored */
	SOU_EVENT_CONFIRMED, /* this replica was confirmed: it sends like any other (P13.16) */
	SOU_EVENT_NEW_LOG,   /* a new log id was drawn here: all links come anew (P13.8) */
};

struct sou_event {
	enum sou_event_kind kind;
	uint64_t now_ms; /* monotonic */
	union {
		struct {
			bool connecting;             /* we dialled */
			struct sou_hash tls;         /* peer's TLS key hash */
			const struct sou_join *join; /* connecting with an invite; NULL else */
		} opened;
		struct {
			uint8_t kind;
			struct sou_span body; /* borrowed for the call */
		} frame;
		struct {
			uint64_t token;
			int rc;          /* SOU_OK; else nothing was stored */
			uint64_t refuse; /* enum sou_refuse when the scope is refused */
			uint64_t bye;    /* enum sou_bye when the link must end (also of a join) */
			const char *clause; /* "P9.7"; static */
			bool has_entry;
			struct sou_hash entry; /* of the refusal; op id of a join */
			uint64_t received_ms;  /* wall time of the transaction */
			bool gap;         /* what an entry of the peer's own follows is not here
					   */
			uint32_t own_new; /* entries newly stored that the peer's own site signed
					     (R17) */
			uint32_t bad_signatures;
			const char *note_clause,
				*note; /* taken without effect: why; static; NULL */
		} stored;
		struct {
			struct sou_id scope;
			uint64_t last;
		} news;
		struct {
			struct sou_id scope;
			const struct sou_id *versions; /* ascending, distinct */
			uint32_t count;                /* 1..SOU_WANT_MAX */
		} want;
	};
};

/* --- What must be done, in this order --- */

enum sou_action_kind {
	SOU_ACTION_SEND,             /* send.*: one frame */
	SOU_ACTION_STORE_NEWS,       /* news.*: take in, move the position; answer STORED */
	SOU_ACTION_STORE_AUTHORITY,  /* authority.*: a whole series; answer STORED */
	SOU_ACTION_STORE_SIGNATURES, /* signatures.*: check and keep; answer STORED */
	SOU_ACTION_ENROL,            /* join.*: hub writes the enrol op; answer STORED */
	SOU_ACTION_LIVE,             /* hellos are done; peer.* */
	SOU_ACTION_ACKED,            /* acked.*: the peer stored ours up to here */
	SOU_ACTION_PASSED,  /* passed.*: position in the peer's log without an entry; may be lazy */
	SOU_ACTION_REFUSED, /* refused.*: the peer does not take ours */
	SOU_ACTION_JOINED,  /* joined.*: the hub enrolled us */
	SOU_ACTION_OWN_ALL, /* own wanted: all own entries that the peer has are stored (P13.16) */
	SOU_ACTION_SETTLED, /* of SOU_EVENT_SETTLE: two rounds without news or authority */
	SOU_ACTION_NEW_LOG, /* P13.8: draw a new log id; our log was rolled back */
	SOU_ACTION_CLAIM,   /* P13.8, at a hub: this site says so; one alone is not believed */
	SOU_ACTION_ALARM,   /* alarm.*: software fault (P13.12) */
	SOU_ACTION_LOG,     /* log.* */
	SOU_ACTION_CLOSE,   /* close.*: after what was sent went out; nothing follows */
};

struct sou_action {
	enum sou_action_kind kind;
	uint64_t token; /* of store actions */
	union {
		struct {
			uint8_t kind;
			size_t at, n; /* body: out->bytes.p + at; valid until the next step */
		} send;
		struct sou_news news; /* borrowed from the event's frame */
		struct {
			struct sou_span
				series; /* frames `headers` and `authority` as sou_series_next reads
					 * them; borrowed from the session until the next step */
		} authority;
		struct sou_signatures signatures; /* borrowed from the event's frame */
		struct sou_join join;
		struct {
			struct sou_id site, key_id, log, instance;
			bool withdrawn;
		} peer;
		struct sou_ack acked;
		struct {
			struct sou_id scope;
			uint64_t upto;
		} passed;
		struct sou_refusal refused; /* borrowed from the event's frame */
		struct {
			struct sou_hash op;
		} joined;
		struct {
			struct sou_id scope;
		} alarm, claim;
		struct {
			const char *rule; /* "P13.2"; static */
			const char *what; /* static; never text of a person */
			int level;        /* 0 info, 1 warning, 2 error */
			struct sou_id scope;
		} log;
		struct {
			enum sou_bye code;
			bool by_peer;
		} close;
	};
};

struct sou_actions { /* zeroed is valid; reused from step to step */
	struct sou_action *v;
	size_t n, cap;
	struct sou_buf bytes;
};
void sou_actions_fini(struct sou_actions *a);

/* Cursor over a series: kind is SOU_FRAME_HEADERS or SOU_FRAME_AUTHORITY. False at the end. */
bool sou_series_next(struct sou_span *series, uint8_t *kind, struct sou_span *body);

/* --- The session --- */

struct sou_session_options {
	struct sou_id
		net; /* zero while joining without a replica's authority: taken from the invite */
	struct sou_id site, log, instance;
	bool own_wanted;      /* R12: the replica is unconfirmed; sends nothing until CONFIRMED */
	bool every_signature; /* the hub */
	bool hub;             /* may enrol */
	char software[64];
};

enum sou_session_state {
	SOU_SESSION_NEW = 0, /* before OPENED */
	SOU_SESSION_JOINING, /* we sent join, or the peer is unknown here */
	SOU_SESSION_OPENED,  /* waits for the peer's hello */
	SOU_SESSION_LIVE,
	SOU_SESSION_CLOSED,
};

struct sou_session;
int sou_session_new(struct sou_session **out, const struct sou_session_options *options);
void sou_session_free(struct sou_session *s);

/* One event. `out` is cleared first. SOU_OK or SOU_ENOMEM (then the link is to be dropped). A
 * closed session takes any event and does nothing. */
int sou_session_step(struct sou_session *s, const struct sou_view *view,
		     const struct sou_event *event, struct sou_actions *out);

enum sou_session_state sou_session_state(const struct sou_session *s);
/* Zero until LIVE. */
struct sou_id sou_session_peer_site(const struct sou_session *s);
struct sou_id sou_session_peer_instance(const struct sou_session *s);

/* For status: what of this scope the peer has acked, what was sent, and whether all is settled. */
struct sou_session_scope {
	struct sou_id scope;
	uint64_t last, sent, acked;
	bool refused, equal; /* equal: the digests agreed at the last comparison */
};
size_t sou_session_scopes(const struct sou_session *s, struct sou_session_scope *out, size_t max);
/* Nothing is under way in either direction and all cursors are at the end. */
bool sou_session_quiet(const struct sou_session *s);

#endif
