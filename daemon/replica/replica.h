/* replica.h - the one way in: local acts and received entries pass the same reader, verdict and
 * merge and are stored in one durable transaction (R1, R6, R9, R12, R17; PROTOCOL.md 9 - 11).
 *
 * The glue between the pure core and the store. Single-threaded: the daemon's writer thread owns
 * one, the simulator calls it directly. Its time, random bytes, keys and the fence come in through
 * soud_replica_env; the file system of the replica itself through the name of an SQLite VFS.
 *
 *   begin ── any number of operations ── commit ─▶ durable, fenced, *out tells what is new
 *                    └── rollback, or an operation that broke the transaction
 *
 * I1  Operations end in one of two ways. *Refused* (EFORMAT, ELIMIT, ESIG, EKEY, ETOONEW, EUNKNOWN,
 *     EEXIST, ERIGHT, ESTATE, EINPUT, ECONFLICT, EDENIED): nothing of this operation is in the
 *     transaction, which goes on. *Broken* (ESTORE, EFULL, ECORRUPT, EIO, ENOMEM, ECRYPTO): the
 *     transaction can only be rolled back; soud_replica_broken tells.
 * I2  After rollback memory is as before begin: engines that were touched are dropped and loaded
 * anew, the authority as well, and counters return. I3  A row, its registers, the position that
 * covers it and its receive time are one transaction. I4  An own entry is sent only after
 * soud_replica_commit returned SOU_OK: durable, then fenced (R12). I5  An unconfirmed replica signs
 * nothing: soud_replica_act says SOU_ESTATE. Own entries that it may never have sent are drafts
 * until it is confirmed, and are put back then (tail.c). */
#ifndef SOUD_REPLICA_H
#define SOUD_REPLICA_H

#include "daemon/replica/intake.h"
#include "daemon/store/store.h"
#include "proto/entry.h"
#include "proto/msg.h"
#include "proto/session.h"

#define SOUD_ENGINE_BYTES_MAX ((size_t)64 << 20) /* default budget of loaded scope engines */

/* --- What it needs from outside --- */

#define SOUD_FENCE_BYTES 128u /* one slot */

struct soud_fence_io { /* R12: two slots outside the data directory */
	void *ctx;
	/* Bytes of slot 0 or 1. SOU_EUNKNOWN: there is no fence. SOU_EIO. */
	int (*read)(void *ctx, unsigned slot, uint8_t out[SOUD_FENCE_BYTES]);
	/* Durable when it returns SOU_OK. Makes the file where there is none. SOU_EIO. */
	int (*write)(void *ctx, unsigned slot, const uint8_t bytes[SOUD_FENCE_BYTES]);
};

struct soud_replica_env {
	void *ctx;
	int64_t (*wall_ms)(void *ctx);
	int (*random)(void *ctx, uint8_t *out, size_t n); /* SOU_OK or SOU_ECRYPTO */
	const struct sou_verifier *verifier;              /* NULL: sou_verifier_ed25519 */
	const struct sou_signer *site;       /* feed key; NULL: this replica signs no entry */
	const struct sou_signer *checkpoint; /* the hub's, for enrol; NULL elsewhere */
	struct soud_fence_io fence;          /* read NULL: no fence is kept, and none is missed */
	/* What tells machines apart (R12): a changed value makes the replica unconfirmed. Zero: not
	 * looked at. */
	struct sou_id machine;
};

struct soud_replica_options { /* zeroed: the defaults */
	const char *vfs;      /* SQLite VFS by name */
	size_t engine_bytes_max;
	bool every_signature; /* the hub: check each (R2) */
	uint32_t cache_bytes; /* the store's page cache */
};

struct soud_replica;

/* Open DATA/replica.db (`path` is that file) made by soud_replica_make or an earlier run; load the
 * authority, compare the fence. A fence that does not agree is no error: soud_replica_unconfirmed.
 * `env` is copied, what it points to is borrowed until close. SOU_EUNKNOWN: no replica here;
 * SOU_EBUSY, SOU_ETOONEW, SOU_ESTORE, SOU_ECORRUPT, SOU_EKEY (the signer is not of this site). */
int soud_replica_open(struct soud_replica **out, const char *path,
		      const struct soud_replica_env *env,
		      const struct soud_replica_options *options, struct sou_err *err);
/* Derive all that is derived anew from the log, in one transaction of its own. Before anything else
 * is done with the replica: no scope is loaded yet. SOU_ESTORE, SOU_ECORRUPT: nothing is changed,
 * soud_replica_error says why. */
int soud_replica_rebuild(struct soud_replica *r);
void soud_replica_close(
	struct soud_replica *r); /* NULL is fine; an open transaction is rolled back */

/* Make a new, empty replica: net and genesis pinned, own site, fresh log and instance ids, fence.
 * authority: the ops known (genesis first) in series form, may be empty for a joiner.
 * SOU_EEXIST: there is one. */
struct soud_replica_seed {
	struct sou_id net, site;
	struct sou_hash genesis;
	struct sou_hash site_key; /* public; what env->site must have */
	bool hub;
	const char *hub_address; /* of a site that joins; NULL: not known */
	struct sou_hash hub_tls; /* and its TLS key hash */
};
int soud_replica_make(const char *path, const struct soud_replica_env *env,
		      const struct soud_replica_options *options,
		      const struct soud_replica_seed *seed, struct sou_err *err);

/* --- What it is --- */

struct soud_identity {
	struct sou_id net, site, log, instance;
	struct sou_hash genesis, site_key;
	bool hub;
};
const struct soud_identity *soud_replica_identity(const struct soud_replica *r);
const struct sou_authority *soud_replica_authority(const struct soud_replica *r);
struct soud_store *soud_replica_store(struct soud_replica *r); /* for reading (read.h), in or out of
								* a transaction */
bool soud_replica_broken(
	const struct soud_replica *r); /* roll back; after ESTORE also close, reopen */
/* A sentence about the last operation that failed. */
const struct sou_err *soud_replica_error(const struct soud_replica *r);

enum soud_fence_state {
	SOUD_FENCE_AGREES = 0,
	SOUD_FENCE_NONE,     /* none was found where one is kept */
	SOUD_FENCE_OLDER,    /* the replica is older than its fence: restored */
	SOUD_FENCE_INSTANCE, /* instance or machine differs: cloned, or `restore` was run */
};
/* Other than AGREES: unconfirmed (R12). Session: set own_wanted. */
enum soud_fence_state soud_replica_unconfirmed(const struct soud_replica *r);
/* Own feeds were fetched from a peer to the end (SOU_ACTION_OWN_ALL): go on signing, under the
 * instance id that was drawn when it was opened. In a transaction. SOU_OK where nothing is to be
 * confirmed. */
int soud_replica_confirm(struct soud_replica *r);
/* R12, where there is nobody to ask: an administrator takes it upon herself, by name and with a
 * reason. Opens a new epoch in every scope in which this site may write (R5: whatever it signed
 * before and lost is another epoch, no fork), and signs on. *epochs: how many. In a transaction.
 * SOU_EEXIST: it is confirmed. SOU_EINPUT: no reason, no name. */
int soud_replica_confirm_alone(struct soud_replica *r, struct sou_span reason, struct sou_span by,
			       uint32_t *epochs, struct sou_err *err);
uint64_t soud_replica_signed_count(const struct soud_replica *r); /* own entries ever signed here */

/* --- Transactions --- */

struct soud_touched_scope {
	struct sou_id scope;
	uint32_t number;
	uint64_t last; /* last arrival now */
	bool entries;  /* new arrivals; false: verdicts or registers alone */
	bool state;    /* registers differ */
};
struct soud_committed {
	int64_t received_ms; /* of everything in this transaction (P11.7) */
	bool authority;      /* ops were added: readers refresh, live links are walked (R18) */
	bool own;            /* own entries among the new */
	const struct soud_touched_scope *scopes; /* borrowed until the next begin */
	size_t scope_count;
};

int soud_replica_begin(struct soud_replica *r);
/* SOU_OK: durable and fenced. Any error: rolled back, as if never begun. (SOU_EIO of the fence
 * after COMMIT: stored, nothing is lost, but the replica is closed for signing until it is opened
 * anew.) */
int soud_replica_commit(struct soud_replica *r, struct soud_committed *out);
void soud_replica_rollback(struct soud_replica *r); /* fine without a transaction */
/* The open transaction holds own entries: its COMMIT is not the end, the fence follows, and between
 * them no reader may begin to see it (P13.15). */
bool soud_replica_signs(const struct soud_replica *r);
/* Between transactions: WAL checkpoint, engines over budget. `whole` at a clean stop. SOU_EBUSY:
 * the log has to be truncated (R20: something was redacted) and a reader stands on it; refresh it
 * and call again, as long as that is the answer. */
int soud_replica_tidy(struct soud_replica *r, bool whole);

/* --- Damage (R22) --- */

struct soud_scrubbed; /* scrub.h */
struct soud_damage;   /* damage.h */
/* Note what a scrub found, in a transaction: damaged rows are listed, after another look at each;
 * what can be told from the row itself is put right; what is derived is derived again where it is
 * stale. */
int soud_replica_scrubbed(struct soud_replica *r, const struct soud_scrubbed *found);
/* Rows that are damaged now; borrowed until the next call that changes the replica. An answer of a
 * peer to SOU_EVENT_WANT puts them right (soud_replica_news). In a scope of which own entries that
 * nobody else has are damaged, nothing is signed: SOU_ESTATE. */
const struct soud_damage *soud_replica_damage(const struct soud_replica *r);
bool soud_replica_own_damaged(const struct soud_replica *r, const struct sou_id *scope);

/* --- What comes from a peer; all in a transaction --- */

struct soud_from { /* zeroed site: from nobody (a file) */
	struct sou_id site, log;
};

struct soud_taken {     /* as SOU_EVENT_STORED wants it; set on every return that is not *broken* */
	uint32_t fresh; /* entries newly stored */
	uint32_t upgraded; /* of which a payload or signature is new */
	uint32_t repeated;
	uint32_t own_new; /* fresh ones that the peer's own site signed (R17) */
	bool gap; /* what such a one follows is not here: it was put back unnoticed (P13.12) */
	uint32_t bad_signatures;
	uint64_t refuse;    /* enum sou_refuse; 0: taken */
	uint64_t bye;       /* enum sou_bye; 0: the link goes on */
	const char *clause; /* "P11.12"; static; NULL when taken */
	bool has_entry;
	struct sou_hash entry; /* of the refusal; op id of an enrol */
	bool rolled_back;      /* an entry of ours came that is not here: unconfirmed (P13.8) */
	/* What was taken without effect, for the log: "P9.7", "held: ..."; static; NULL: nothing.
	 */
	const char *note_clause, *note;
	int64_t received_ms;
};

/* Take in a batch: check what was not checked, refuse or store, judge, merge, move the position to
 * `upto` (flags bit 1 of news, an answer: it stays). A repeat is SOU_OK. `after` above the position
 * stored: SOU_ESTATE, bye order. A signature that does not verify: SOU_ESIG, refuse signature; the
 * batch is then not stored. The feed of the peer's own site in a scope where it never had a right,
 * or that holds too much (R17): SOU_ERIGHT or SOU_ELIMIT with the refuse code. */
int soud_replica_ingest(struct soud_replica *r, const struct soud_from *from,
			struct soud_intake *in, uint64_t after, uint64_t upto, bool answer,
			struct soud_taken *out);

/* The same from a news frame, all steps at once. SOU_EFORMAT, SOU_ELIMIT: bye. */
int soud_replica_news(struct soud_replica *r, const struct soud_from *from,
		      const struct sou_news *news, struct soud_taken *out);

/* A whole series of headers and authority frames (sou_series_next). All of it or nothing: SOU_ESIG,
 * SOU_EFORMAT, SOU_EUNKNOWN (an op whose prev is not known here). Judges anew only the scopes that
 * the ops speak of; puts commitments in place of what they redact (R20). */
int soud_replica_series(struct soud_replica *r, const struct soud_from *from,
			struct sou_span series, struct soud_taken *out);

/* Signatures of stored entries (frame 12). A bad one: SOU_ESIG, none is kept. */
int soud_replica_signatures(struct soud_replica *r, const struct soud_from *from,
			    const struct sou_signatures *s, struct soud_taken *out);

/* The peer stored ours up to here (frame 5); or its log up to here holds nothing for us (PASSED).
 */
int soud_replica_acked(struct soud_replica *r, const struct soud_from *from,
		       const struct sou_ack *ack);
int soud_replica_passed(struct soud_replica *r, const struct soud_from *from,
			const struct sou_id *scope, uint64_t upto);
/* P13.8: our log was rolled back: draw new ids of log and instance; unconfirmed from the commit on.
 */
int soud_replica_new_log(struct soud_replica *r);

/* --- What is written here; all in a transaction --- */

struct soud_act { /* one entry (or parts and a closing entry) in one scope */
	struct sou_id scope;
	struct sou_id for_org;
	struct sou_span by;             /* UTF-8, at most SOU_BY_BYTES_MAX */
	const struct sou_draft_op *ops; /* proto/entry.h; borrowed for the call, as all here */
	uint32_t op_count;
	const struct sou_hash *cites;
	uint32_t cite_count;
};

/* Sign and store n acts, in order (text before submission). Rights are looked at first. On SOU_OK
 * ids[i] is the id of act i's entry (the closing one where it took parts) if ids is not NULL.
 * SOU_ERIGHT: err names the clause and the role that is missing. SOU_ESTATE: unconfirmed, no
 * signing key, key withdrawn, frozen, or several heads. SOU_EINPUT: a value that its field does not
 * take, or one field twice. SOU_ELIMIT. When one act is refused, none is stored. */
int soud_replica_act(struct soud_replica *r, const struct soud_act *acts, size_t n,
		     struct sou_hash *ids, struct sou_err *err);

/* The id of the next record of a kind that is named by counter (P3.3). Counts durably; a rollback
 * gives the number back. SOU_ESTATE: not enrolled yet. */
int soud_replica_entity(struct soud_replica *r, uint16_t kind, struct sou_id *out);

struct soud_control { /* a control entry (P7.2) */
	struct sou_id scope, for_org;
	struct sou_span by;           /* empty for automatic ones */
	uint16_t type;                /* SOU_OP_ADOPT ... SOU_OP_HEARTBEAT */
	const struct sou_hash *names; /* adopt, anchor: ascending, distinct */
	uint32_t name_count;
	struct sou_span reason; /* epoch-open */
};
/* Errors as soud_replica_act; `id` may be NULL. */
int soud_replica_control(struct soud_replica *r, const struct soud_control *control,
			 struct sou_hash *id, struct sou_err *err);

/* Append authority ops that somebody signed (hub.h makes them). As a local series. */
int soud_replica_add_op(struct soud_replica *r, struct sou_span op, struct sou_span sigs,
			struct sou_err *err);

/* --- Looking, at what this transaction sees (see also read.h) --- */

/* The verdict and place of an entry. SOU_EUNKNOWN. Loads the scope's engine. */
int soud_replica_entry(struct soud_replica *r, const struct sou_id *scope,
		       const struct sou_id *version, struct sou_scope_entry *out);
/* Digests of one scope, P10.8. */
int soud_replica_digest(struct soud_replica *r, const struct sou_id *scope, struct sou_digest *out);
/* The loaded engine of a scope, borrowed until the next call; SOU_EUNKNOWN: no entry of it here. */
int soud_replica_engine(struct soud_replica *r, const struct sou_id *scope, struct sou_scope **out);
/* Bytes held by engines now; for status. */
size_t soud_replica_engine_bytes(const struct soud_replica *r);

#endif
