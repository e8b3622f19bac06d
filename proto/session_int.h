/* session_int.h - the inside of a session, shared by session*.c alone. */
#ifndef SOU_SESSION_INT_H
#define SOU_SESSION_INT_H

#include "session.h"

#include "crypto.h"
#include "limits.h"

struct cursor { /* one scope, both directions; kept ascending by scope */
	struct sou_id scope;
	/* ours to the peer */
	uint64_t last;  /* last arrival here */
	uint64_t sent;  /* all up to here went or was left out */
	uint64_t acked; /* the peer has all up to here, or it was left out */
	uint64_t named; /* what the peer knows that we sent up to: `after` of the next news */
	uint64_t had;   /* the last that the peer itself said to have; named when it refuses */
	bool listed;    /* stood in our hello */
	bool waiting;   /* positions void: starts when heads come (P13.7) */
	bool heads_due; /* of its list, our positions void: our heads go after authority */
	bool refused;   /* the peer does not take it now */
	bool blocked;   /* the peer may not read it now */
	bool own_only;  /* what others wrote was passed over: the peer could not read it then */
	struct sou_hash *heads; /* owned; left out of what is sent */
	size_t head_count;
	bool by_heads; /* the peer sent them, perhaps none */
	/* the peer's to us */
	uint64_t taken;  /* handed to the replica up to here */
	uint64_t stored; /* durable up to here */
	bool refusing;   /* we refused; what is under way after it is passed over */
	bool again;      /* we sent heads in mid-session; the same (P13.7) */
	/* comparing (P13.12) */
	bool has_told, has_said, equal, heads_sent;
	bool said_whole; /* by a digest frame, not by the half of it in our hello */
	uint64_t ask_ms; /* other entries there, when something was under way: heads go then; 0 */
	struct sou_id told, said;
	uint64_t said_ms, digest_after_ms;
};

struct flight { /* news that the peer has not acked */
	struct sou_id scope;
	uint64_t upto;
	size_t bytes;
};

struct pending { /* handed to the replica, not answered */
	uint64_t token;
	uint8_t kind; /* enum sou_action_kind */
	bool answer;  /* news that answer a want: no position, no ack */
	struct sou_id scope;
	uint64_t upto;
	size_t bytes;
};

struct sou_session {
	struct sou_session_options o;
	enum sou_session_state state;
	bool connecting, withdrawn, peer_known, sent_hello;
	bool positions_wanted; /* we asked for the list behind a hash */
	bool mine_void;        /* our positions in the peer's log are void */
	bool peer_void;        /* the peer's positions in ours are void */
	bool series_given;     /* the series was handed out: clear it at the next step */
	struct sou_hash tls;   /* peer's TLS key hash */
	struct sou_id site, key, log, instance; /* the peer */
	struct sou_id your_log;                 /* that our hello named */
	uint64_t peer_flags, peer_rule;
	struct cursor *cursors;
	size_t cursor_count, cursor_cap, next_cursor; /* next: round robin of the pump */
	size_t heads_bytes;                           /* of all cursors' heads */
	/* Each there only while something stands in it: an idle link is a few hundred bytes. */
	struct flight *flights; /* at most SOU_NEWS_FLIGHTS_MAX */
	size_t flight_count, flight_cap, flight_bytes;
	struct pending *pendings; /* at most SOU_SESSION_PENDING_MAX */
	size_t pending_count, pending_cap, pending_bytes;
	struct sou_ack *held_acks; /* at most SOU_SESSION_PENDING_MAX */
	size_t held_ack_count, held_ack_cap;
	uint64_t token;
	uint8_t *op_known; /* a bit per index of the authority: the peer has this op */
	size_t op_known_count;
	struct sou_buf series;       /* frames headers and authority of a series under way */
	struct sou_buf received_ops; /* ids of ops that came and are not yet applied */
	struct sou_buf scratch;      /* data of news, lists */
	uint32_t bad_signatures;
	int64_t rate_milli; /* bucket of own newly signed entries, in thousandths */
	uint64_t rate_ms, now_ms, received_ms, sent_ms;
	uint64_t own_nonce;  /* of the ping that asks whether own feeds are all here (P13.16) */
	uint32_t own_rounds; /* answers in a row without news between */
	bool own_asked, own_more, own_all;
	bool settling; /* somebody waits for SOU_ACTION_SETTLED */
	bool failed;   /* no memory: the link is to be dropped */
};

/* What one step passes around. */
struct step {
	struct sou_session *s;
	const struct sou_view *view;
	const struct sou_authority *authority;
	struct sou_actions *out;
};

/* session.c */
struct sou_action *sou_session_action(struct step *t, enum sou_action_kind kind); /* NULL: failed */
struct sou_buf *sou_session_send_begin(struct step *t);
void sou_session_send_end(struct step *t, uint8_t kind);
void sou_session_bye(struct step *t, enum sou_bye code, const char *clause, const char *text);
void sou_session_log(struct step *t, int level, const char *rule, const char *what,
		     const struct sou_id *scope);
struct cursor *sou_session_cursor(struct step *t, const struct sou_id *scope, bool create);
uint64_t sou_session_pend(struct step *t, enum sou_action_kind kind, const struct sou_id *scope,
			  uint64_t upto, bool answer, size_t bytes);
/* Room for one more in a list of `size` bytes each. False: no memory, the session has failed. */
bool sou_session_grow(struct sou_session *s, void **list, size_t *cap, size_t count, size_t size);
bool sou_session_may_read(struct step *t, const struct sou_id *scope);

/* session_hello.c */
/* level: the peer's list is what we expect, a hash of ours is enough (P11.3). */
void sou_session_send_hello(struct step *t, bool level);
void sou_session_on_hello(struct step *t, struct sou_span body);
void sou_session_gap(struct step *t, const struct sou_id *scope); /* P13.12 */
void sou_session_on_positions_want(struct step *t, struct sou_span body);
void sou_session_on_positions(struct step *t, struct sou_span body);
void sou_session_on_heads(struct step *t, struct sou_span body);
void sou_session_send_heads(struct step *t, struct cursor *c);
void sou_session_heads_due(struct step *t);

/* session_authority.c */
void sou_session_authority_known(struct step *t, const struct sou_mp_list *leaves);
void sou_session_send_authority(struct step *t);
void sou_session_on_series(struct step *t, uint8_t kind, struct sou_span body);
void sou_session_series_stored(struct step *t);

/* session_news.c */
void sou_session_pump(struct step *t);
void sou_session_on_news(struct step *t, struct sou_span body);
void sou_session_news_stored(struct step *t, const struct sou_event *e, const struct pending *p);
void sou_session_on_ack(struct step *t, struct sou_span body);
void sou_session_on_refuse(struct step *t, struct sou_span body);
void sou_session_flush_acks(struct step *t);
/* Flights of a scope up to here are over. */
void sou_session_land(struct sou_session *s, const struct sou_id *scope, uint64_t upto);

/* session_digest.c */
void sou_session_compare(struct step *t, struct cursor *c);
void sou_session_on_digest(struct step *t, struct sou_span body);

/* session_fetch.c */
void sou_session_on_want(struct step *t, struct sou_span body);
void sou_session_on_signatures_want(struct step *t, struct sou_span body);
void sou_session_on_signatures(struct step *t, struct sou_span body);
void sou_session_on_join(struct step *t, struct sou_span body);
void sou_session_on_joined(struct step *t, struct sou_span body);

/* session_own.c */
void sou_session_own_heard(struct sou_session *s); /* news or authority came */
void sou_session_own_ask(struct step *t);          /* when nothing is under way */
void sou_session_own_answer(struct step *t, uint64_t nonce);
void sou_session_settle(struct sou_session *s);
void sou_session_confirmed(struct step *t);

#endif
