/* replica_int.h - the inside of a replica, shared by the files of this room (replica.h has the
 * contract). One engine for each scope that is loaded; one work for each operation on a scope. */
#ifndef SOUD_REPLICA_INT_H
#define SOUD_REPLICA_INT_H

#include "daemon/replica/damage.h"
#include "daemon/replica/replica.h"
#include "daemon/store/merge_apply.h"
#include "proto/batch.h"
#include "proto/limits.h"

/* Names of the store's meta values. */
#define META_NET           "net"
#define META_SITE          "site"
#define META_GENESIS       "genesis"
#define META_SITE_KEY      "site_key"
#define META_LOG           "log"
#define META_INSTANCE      "instance"
#define META_OWN_LAST      "own_last"
#define NUMBER_UNCONFIRMED "unconfirmed" /* the log was left for a new one since */
#define NUMBER_HUB         "hub"
#define NUMBER_HLC         "hlc"
#define NUMBER_COUNTER     "counter"
#define NUMBER_OWN         "own"
#define META_HUB_ADDRESS   "hub_address"
#define META_HUB_TLS       "hub_tls"
#define NUMBER_PLAN        "plan" /* raised whenever records of the plan differ */

struct upload { /* of a withdrawn site, in all scopes (P13.13) */
	struct sou_id site;
	uint64_t entries, bytes;
};
#define REPLICA_UPLOADS 64u

struct feed_load { /* what one feed holds that is not accepted (R17) */
	struct sou_id site;
	uint64_t held, held_bytes;
};

struct engine {
	struct sou_id id;
	uint32_t number;         /* 0: this scope has no row yet */
	uint64_t last;           /* last arrival, of this transaction too */
	struct sou_scope *scope; /* owned; NULL: not loaded */
	uint64_t used;           /* tick of the last use */
	size_t bytes;            /* of `scope`, when last asked */
	bool touched;            /* in this transaction */
	bool entries, state;     /* as soud_touched_scope */
	struct sou_change
		*owed; /* owned; found at load: stored verdicts that are no longer right */
	size_t owed_count;
	struct feed_load *feeds; /* owned; ascending by site */
	uint32_t feed_count, feed_room;
};

struct fresh { /* one entry on its way into the log */
	struct sou_hash id;
	struct sou_id site, key;
	struct sou_span header, payload, sig; /* borrowed until the work is flushed */
	uint64_t arrival, hlc;
	uint8_t kind, body;
	bool sig_checked;
};

struct later { /* something new about an entry that is stored */
	uint64_t arrival;
	struct sou_id site;
	struct sou_span payload; /* n 0: no new payload */
	struct sou_span sig;     /* n 0: no new signature */
	uint8_t body;
};

struct added { /* authority as it was before ops were added */
	size_t op_count;
	struct sou_hash head;
	bool forked, too_new;
};

struct work { /* zeroed at first; memory is kept from operation to operation */
	struct engine *e;
	uint64_t source; /* peer number; 0: made here */
	struct fresh *fresh;
	struct later *later;
	struct sou_change *changes;
	uint64_t *again;
	size_t fresh_count, later_count, change_count, again_count;
	size_t fresh_room, later_room, change_room, again_room;
	uint8_t **kept; /* blocks that spans above borrow from; owned */
	size_t kept_count, kept_room;
};

enum sig_state {               /* of one entry of an intake */
		 SIG_NONE = 0, /* left out */
		 SIG_THERE,    /* not chosen for a check, or the key is not known here */
		 SIG_CHOSEN,
		 SIG_GOOD,
		 SIG_BAD,
};

struct intake_entry { /* all borrowed from the intake */
	struct sou_facts facts;
	struct sou_hash public_key; /* once it is chosen */
	struct sou_span header, payload, sig;
	uint16_t op_count;
	uint8_t state; /* enum sig_state */
	bool run_end;
};

struct soud_intake {
	struct sou_id net, scope;
	struct intake_entry *entries; /* owned */
	size_t count, room;
	struct sou_buf bytes;   /* header, payload, signature and lists of each */
	struct sou_buf numbers; /* needs and lacking of each */
};

struct soud_replica {
	struct soud_replica_env env; /* verifier is never NULL */
	struct soud_replica_options options;
	struct soud_identity identity;
	struct soud_store *store;        /* owned */
	struct soud_merge *merge;        /* owned */
	struct sou_authority *authority; /* owned */
	char *path;                      /* owned */
	bool in_transaction, broken;
	bool erase; /* something was redacted: the write-ahead log is truncated at the next tidy */
	bool copies_gone; /* and what migrations left beside the replica */
	struct sou_err err;
	struct soud_damage damage; /* as the store has it, with what this transaction changed */
	bool damage_touched;

	struct engine **engines; /* owned, ascending by id */
	size_t engine_count, engine_room;
	uint64_t tick;

	/* Counters as stored; `kept` is what rollback returns to. */
	struct counters {
		uint64_t hlc;     /* last own value (P10.9) */
		uint64_t counter; /* entities named (P3.3) */
		uint64_t own;     /* own entries stored */
		struct sou_hash own_last;
		uint64_t ops; /* authority ops stored */
		struct sou_id log, instance;
		bool strangers; /* entries are stored whose organisation is not known yet */
	} now, kept;
	bool authority_touched;                 /* ops were added in this transaction */
	bool confirming;                        /* and it is confirmed by it */
	bool doubting;                          /* or becomes unconfirmed */
	struct upload uploads[REPLICA_UPLOADS]; /* a ring */
	size_t next_upload;
	int64_t received_ms; /* of this transaction */
	enum soud_fence_state fence_state;
	uint64_t fence_generation;

	struct work work;              /* of the running operation */
	struct sou_entry entry, other; /* readers, reused */
	struct soud_intake intake;     /* of soud_replica_news, reused */
	struct sou_batch *batch;       /* owned */
	struct sou_buf scratch;
	struct sou_hash tops[SOU_HEADS_MAX];
	struct soud_touched_scope *touched;
	size_t touched_room;
};

/* replica.c: sets err and, for the codes that break a transaction (I1), `broken`. Returns rc. */
int replica_fail(struct soud_replica *r, int rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for an error of the store, whose sentence is taken; never SOU_OK. */
int replica_note_store(struct soud_replica *r, int rc, const char *what);
static inline int replica_store_failed(struct soud_replica *r, int rc, const char *what)
{
	int said = replica_note_store(r, rc, what);
	SOU_ASSERT(said != SOU_OK);
	return said;
}
/* SOU_OK inside a transaction that is whole. */
int replica_ready(struct soud_replica *r);
bool replica_is_broken_by(int rc);
/* Grow an array to hold one more; SOU_ENOMEM. */
int replica_grow(void **array, size_t *room, size_t count, size_t size);

int identity_load(struct soud_store *s, struct soud_identity *out);
/* P10.7 for readers: tops and entries' digest of a scope, in the store (tops.c). */
int tops_store(struct soud_replica *r, struct engine *e);
#define TOPS_NAME_BYTES 24u
void tops_name(char name[TOPS_NAME_BYTES], uint32_t number); /* of the meta value: last arrival
	u64be, entries' digest, tops */

/* engine.c */
/* The engine of a scope, loaded. make: a scope without entries gets one too (number 0 until an
 * entry is stored). SOU_EUNKNOWN: no entry of it here. SOU_EDENIED: one of its rows is listed as
 * damaged and cannot be read; the transaction goes on (R22). */
int engine_get(struct soud_replica *r, const struct sou_id *scope, bool make, struct engine **out);
void engine_drop(struct engine *e); /* unload; keeps number and last */
void engine_forget_all(struct soud_replica *r);
/* Unload the least recently used, untouched ones until the budget holds. */
void engine_trim(struct soud_replica *r);
/* What the feed holds that is not accepted. */
const struct feed_load *engine_feed(const struct engine *e, const struct sou_id *site);
int engine_feed_add(struct engine *e, const struct sou_id *site, int64_t held, int64_t held_bytes);

/* work.c: begin, put any number, settle as often as needed, flush. After an error of settle or
 * flush the transaction is broken; work_undo before flush drops the engine instead. */
void work_begin(struct soud_replica *r, struct work *w, struct engine *e, uint64_t source);
int work_put_fresh(struct soud_replica *r, struct work *w, const struct sou_facts *facts,
		   struct sou_span header, struct sou_span payload, struct sou_span sig);
int work_put_later(struct soud_replica *r, struct work *w, const struct sou_facts *facts,
		   const struct later *later);
int work_settle(struct soud_replica *r, struct work *w);
int work_flush(struct soud_replica *r, struct work *w);
void work_undo(struct soud_replica *r, struct work *w);
/* Hand a buffer's memory over to the work; the buffer is empty then. */
int work_keep(struct soud_replica *r, struct work *w, struct sou_buf *buf, struct sou_span *out);
void work_fini(struct work *w);
/* Judge a scope anew after authority changed, and store what differs. */
int work_rejudge(struct soud_replica *r, struct engine *e, const uint64_t *again,
		 size_t again_count);

/* redact.c */
/* The payload with every value that authority redacts replaced by its commitment, kept by w, and
 * *out set; or *out untouched where there is nothing to replace. */
int redact_payload(struct soud_replica *r, struct work *w, const struct sou_hash *id,
		   const struct sou_payload *payload, struct sou_span *out);
/* Do so with stored entries, wherever they are, and judge their scopes anew. */
int redact_stored(struct soud_replica *r, const struct sou_hash *ids, size_t count);

/* authority.c */
int authority_load(struct soud_replica *r, struct sou_authority **out);
/* Add ops to memory; on any error memory is as the store has it. */
int authority_add(struct soud_replica *r, struct sou_span op, struct sou_span sigs);
void authority_undo(struct soud_replica *r);
struct added authority_now(const struct soud_replica *r);
/* Store the ops added since and judge anew what they speak of. */
int authority_apply(struct soud_replica *r, const struct added *before);

/* intake.c */
int intake_read(struct soud_intake *in, struct sou_batch *batch, const struct sou_news *news,
		const struct sou_id *net);
void intake_fini(struct soud_intake *in);

/* ingest.c */
/* Refuse an intake with a bad signature: SOU_ESIG, *out set. */
int intake_verdict(struct soud_replica *r, const struct soud_intake *in, struct soud_taken *out);
/* Take in headers that came with authority: no position, no limit of a feed. */
int ingest_headers(struct soud_replica *r, const struct soud_from *from, struct soud_intake *in,
		   struct soud_taken *out);
/* Check signatures of a scope that waited for their key. */
int ingest_check_waiting(struct soud_replica *r, struct engine *e);

/* tail.c: own entries that may never have been sent, out of a log that is left (in its transaction,
 * before a scope is loaded), and back when the replica is confirmed. anew: none as it is, for a new
 * epoch. What cannot be signed any more stays a draft. */
int tail_take_out(struct soud_replica *r);
int tail_put_back(struct soud_replica *r, bool anew);

/* repair.c (R22) */
/* Of an answer: rows that are damaged get their bytes back. Signatures are checked already. */
int repair_from(struct soud_replica *r, const struct soud_intake *in, struct soud_taken *out);
/* The list as stored, after a rollback. */
int repair_reload(struct soud_replica *r);
/* May an own entry be signed on top of what the scope holds? */
bool repair_blocks_signing(const struct soud_replica *r, const struct engine *e);
/* ingest.c: payload and facts of an entry as they may be stored; what is kept is kept by w. */
int intake_read_one(struct soud_replica *r, struct work *w, const struct intake_entry *in,
		    struct sou_span *payload, struct sou_facts *facts);

/* fence_state.c */
int fence_compare(struct soud_replica *r);
int fence_advance(struct soud_replica *r);

#endif
