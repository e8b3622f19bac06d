/* pair.h - two real sessions over replicas in memory: node 0 is a hub, node 1 a site. What is under
 * way waits in queues until the caller lets it arrive, in whatever order.
 *
 * Entries are numbers below 64 with ancestors, so that a set of them is a mask; an arrival has one.
 * Scopes 0 to 3 the site may read at first, 4 and 5 not. Every step is checked: no assertion; a
 * frame that goes is in form and names no scope that the other may not read and did not name itself
 * (R18); what is held for a link grows with what came, not with what was announced (R17); I4; a
 * closed session does nothing. */
#ifndef SOU_TESTS_FUZZ_PAIR_H
#define SOU_TESTS_FUZZ_PAIR_H

#include "proto/authority.h"
#include "proto/session.h"

#define PAIR_SCOPES  6u
#define PAIR_ENTRIES 64u
#define PAIR_QUEUE   128u
#define PAIR_OPS     48u

struct pair_frame {
	uint8_t kind;
	struct sou_buf body;
};

struct pair_job { /* of the replica, asked for by a session */
	enum sou_action_kind kind;
	uint64_t token, after, upto;
	bool of_session; /* it waits for STORED */
	bool answer;
	struct sou_id scope, log; /* log: the peer's, when it was asked for */
	struct sou_buf bytes;
};

struct pair_arrival {
	uint8_t entry;
	struct sou_id from; /* log that it came from; zero: own */
};

struct pair_replica { /* what a disk has that is put back */
	struct pair_arrival log[PAIR_SCOPES][PAIR_ENTRIES];
	uint8_t last[PAIR_SCOPES];
	uint64_t set[PAIR_SCOPES];
	struct sou_id peer_log; /* zero: never met */
	uint64_t at[PAIR_SCOPES], acked[PAIR_SCOPES];
};

struct pair_node {
	struct sou_id site, log, instance;
	struct sou_hash key, tls;
	struct sou_authority *authority;
	struct pair_replica r, kept;
	bool has_kept, unconfirmed;
	struct sou_session *session; /* NULL: not connected */
	struct sou_actions out;
	struct pair_frame queue[PAIR_QUEUE]; /* on their way to it */
	uint32_t queued;
	struct pair_job jobs[PAIR_QUEUE];
	uint32_t job_count;
	uint64_t came_bytes;    /* in this session */
	bool told[PAIR_SCOPES]; /* what came in this session named it */
	bool may_read[PAIR_SCOPES];
};

struct pair {
	struct pair_node nodes[2];
	struct sou_id scopes[PAIR_SCOPES];
	struct sou_id net;
	uint64_t ancestors[PAIR_SCOPES][PAIR_ENTRIES]; /* itself among them */
	uint8_t author[PAIR_SCOPES][PAIR_ENTRIES], made[PAIR_SCOPES];
	struct sou_hash op_head;
	uint64_t op_count, now_ms, drawn;
	bool joining, cut;
	bool honest;  /* nothing was bent: no close for a fault of the other, and all get level */
	bool dropped; /* more than the queues hold: the link is lost after this step */
};

void pair_init(struct pair *p, bool joining, bool honest);
void pair_fini(struct pair *p);

void pair_connect(struct pair *p); /* what was under way is lost */
void pair_lose(struct pair *p);
void pair_step(struct pair *p, uint32_t node, struct sou_event *e);
void pair_deliver(struct pair *p, uint32_t node, uint32_t index, bool keep);
void pair_drop(struct pair *p, uint32_t node, uint32_t index);
/* A frame of nobody. */
void pair_inject(struct pair *p, uint32_t node, uint8_t kind, struct sou_span body);
/* The oldest job ends, as `how` says where its rc is not SOU_OK (NULL: it is). */
void pair_job(struct pair *p, uint32_t node, const struct sou_event *how);
void pair_write(struct pair *p, uint32_t node, uint32_t scope);
void pair_op(struct pair *p, bool pins);
void pair_cut_key(struct pair *p);
void pair_reading(struct pair *p, uint32_t scope, bool may);
void pair_keep(struct pair *p, uint32_t node);
void pair_put_back(struct pair *p, uint32_t node, bool noticed);
/* Everything arrives, links come back: both have what they may read. */
void pair_level(struct pair *p);

struct sou_hash pair_entry_id(uint32_t scope, uint32_t entry);

#endif
