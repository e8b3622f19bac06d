/* store.h - the replica: entries, authority ops and what is derived from them, durable (R6, R21).
 * An interface; sqlite/ implements it, tests/daemon/store holds for every implementation.
 *
 * A handle belongs to one thread. One writer per replica; readers have a connection of their own
 * and never wait for the writer. Entries and authority ops are the truth; records, trails, buckets
 * and feeds are derived from them and can be rebuilt to the same dump (soud_store_rebuild).
 *
 * I1  Nothing is visible to a reader before soud_store_commit returned SOU_OK; then it is durable.
 *
 * I2  Arrival numbers of a scope run 1, 2, 3, ... without a gap and never change.
 *
 * I3  Each entry with a payload is merged in the transaction that stores the payload
 *     (merge_apply.h); commit refuses another one.
 *
 * I4  After a failed write the handle is broken: every call but free gives SOU_ESTORE (R21).
 *     Nothing of the open transaction is stored. Reopen; never retry on the same handle.
 *
 * Unless said otherwise a function returns SOU_OK, SOU_ESTORE, SOU_ECORRUPT, SOU_ENOMEM, or
 * SOU_EFULL (no room on the disk: the transaction is gone, the handle is not broken);
 * soud_store_error has the sentence. Writing functions need an open transaction of a writer. Spans
 * in a result are borrowed until the next call with the same handle of a function of the same group
 * (log, records, ...). */
#ifndef SOUD_STORE_H
#define SOUD_STORE_H

#include "proto/limits.h"
#include "proto/merge.h"
#include "proto/scope.h"

struct soud_store;

enum soud_store_mode {
	SOUD_STORE_WRITER, /* makes the replica when there is none, migrates it; refuses a newer one
			    */
	SOUD_STORE_READER,
};

struct soud_store_options {   /* zeroed: the defaults */
	const char *vfs;      /* name of an SQLite VFS (simulator); NULL: the system's */
	uint32_t cache_bytes; /* page cache; 0: 64 MiB for a writer, 16 MiB for a reader */
	uint32_t wal_pages;   /* soud_store_checkpoint works from so many on; 0: 4,000 */
};

/* SOU_ETOONEW: made by newer software. SOU_EBUSY: another process holds it. */
int soud_store_open(struct soud_store **out, const char *path, enum soud_store_mode mode,
		    const struct soud_store_options *options, struct sou_err *err);
void soud_store_free(struct soud_store *s); /* NULL is fine; an open transaction is rolled back */
const struct sou_err *soud_store_error(
	const struct soud_store *s); /* of the last call that failed */
bool soud_store_broken(const struct soud_store *s);

/* A reader's transaction is a fixed view of the replica; without one each call sees the newest. */
int soud_store_begin(struct soud_store *s);
/* Writer: reads back and re-hashes the entries written (R6), makes all durable. */
int soud_store_commit(struct soud_store *s);
void soud_store_rollback(
	struct soud_store *s); /* also ends a reader's transaction; fine without one */
bool soud_store_in_transaction(const struct soud_store *s);
/* Writer, outside a transaction: move the write-ahead log into the replica when it is long enough
 * and as far as readers allow. `whole`: wait for nothing, but truncate the log (clean stop, after
 * redaction); SOU_EBUSY where a reader's transaction stands on it: what could be moved was, and
 * once each reader has begun anew, and then once more, it can be truncated. */
int soud_store_checkpoint(struct soud_store *s, bool whole);
/* Changes whenever another handle has committed; a reader's caches compare it. */
int soud_store_data_version(struct soud_store *s, uint64_t *out);

/* Named values: net id, own site, log id, instance, counters. SOU_EUNKNOWN when never put. */
int soud_store_meta_get(struct soud_store *s, const char *name, struct sou_span *out);
int soud_store_meta_put(struct soud_store *s, const char *name, struct sou_span value);
int soud_store_number_get(struct soud_store *s, const char *name, uint64_t *out);
int soud_store_number_put(struct soud_store *s, const char *name, uint64_t value);

/* Authority ops, numbered 1, 2, ... in the order stored (parents first). */
struct soud_op {
	uint64_t number;
	struct sou_hash id;
	struct sou_span op, sigs;
	int64_t received_ms;
};
int soud_store_op_append(struct soud_store *s, struct soud_op *op); /* sets op->number */
/* The first with a number above `after`; SOU_EUNKNOWN at the end. */
int soud_store_op_next(struct soud_store *s, uint64_t after, struct soud_op *out);
int soud_store_op_last(struct soud_store *s, uint64_t *number); /* 0 when there is none */

/* Scopes, numbered 1, 2, ... on this replica alone. */
#define SOUD_SCOPE_NUMBER_MAX                                                                      \
	((UINT32_C(1) << 23) - 1) /* the log's key is number << 40 | arrival */
#define SOUD_ARRIVAL_MAX SOU_ARRIVAL_MAX
int soud_store_scope_add(struct soud_store *s, const struct sou_id *scope,
			 uint32_t *number); /* or finds it */
int soud_store_scope_find(struct soud_store *s, const struct sou_id *scope,
			  uint32_t *number); /* SOU_EUNKNOWN */
int soud_store_scope_id(struct soud_store *s, uint32_t number,
			struct sou_id *out);                     /* SOU_EUNKNOWN */
int soud_store_scope_count(struct soud_store *s, uint32_t *out); /* numbers 1..count exist */
int soud_store_scope_last(struct soud_store *s, uint32_t scope,
			  uint64_t *arrival); /* 0: no entry */

/* The log. A row's verdict and shown are what the engine says at the end of the transaction: settle
 * first, then append with its result, then soud_merge_apply with all changes. */
struct soud_row {
	uint64_t arrival;
	struct sou_hash id;
	struct sou_span header;
	struct sou_span payload; /* n 0: header alone */
	struct sou_span sig;     /* 64 bytes, or n 0 */
	uint8_t kind;            /* enum sou_entry_kind */
	uint8_t body;            /* enum sou_body */
	uint8_t verdict;         /* enum sou_verdict */
	bool sig_checked, shown;
	int64_t received_ms;
	bool late;       /* read only: its payload came after its header, and is not merged yet */
	uint64_t source; /* peer number; 0: made here */
};
/* row->arrival is the scope's last + 1. */
int soud_store_log_append(struct soud_store *s, uint32_t scope, const struct soud_row *row);
/* A payload for a header, or the redacted form in place of the full one. */
int soud_store_log_payload(struct soud_store *s, uint32_t scope, uint64_t arrival,
			   struct sou_span payload, uint8_t body);
int soud_store_log_signature(struct soud_store *s, uint32_t scope, uint64_t arrival,
			     struct sou_span sig, bool checked);
/* Take rows out (ascending arrivals) and number those above anew. For a log that its replica leaves
 * (R12): whoever has positions in it has them no more. All that is derived is to be built again. */
int soud_store_log_cut(struct soud_store *s, uint32_t scope, const uint64_t *arrivals,
		       uint32_t count);
/* R22: the bytes of a row that was damaged, as they were once stored; what is derived from it
 * stays. All of `row` but received_ms, source and late. */
int soud_store_log_repair(struct soud_store *s, uint32_t scope, const struct soud_row *row);
/* Also ends `late`. Done by soud_merge_apply for all changes that it is given. */
int soud_store_log_verdict(struct soud_store *s, uint32_t scope, uint64_t arrival, uint8_t verdict,
			   bool shown);
int soud_store_log_get(struct soud_store *s, uint32_t scope, uint64_t arrival,
		       struct soud_row *out);
/* The first with an arrival above `after`; SOU_EUNKNOWN at the end. Asked on and on with the
 * arrival just given it reads on without seeking. */
int soud_store_log_next(struct soud_store *s, uint32_t scope, uint64_t after, struct soud_row *out);

struct soud_log_counts {        /* of a scope's entries above an arrival */
	uint64_t held;          /* not accepted */
	uint64_t own, own_held; /* made here; and of these not accepted */
};
/* Without a walk through the log: the work goes with what is counted. */
int soud_store_log_counts(struct soud_store *s, uint32_t scope, uint64_t after,
			  struct soud_log_counts *out);

/* For metrics (count.c). Entries by verdict but accepted ones, of all scopes. */
#define SOUD_VERDICT_KINDS 16
int soud_store_verdict_counts(struct soud_store *s, uint64_t held[SOUD_VERDICT_KINDS]);
/* Entries above an arrival that did not come from this peer; counted up to `max`. */
int soud_store_later_count(struct soud_store *s, uint32_t scope, uint64_t after, uint64_t peer,
			   uint64_t max, uint64_t *out);
/* Of our log, as a peer acknowledged it: acked[n - 1] for each scope n of 1..scopes that has a
 * position; the others stay. */
int soud_store_acked(struct soud_store *s, uint64_t peer, uint64_t *acked, uint32_t scopes);
/* When the first entry that was made here above an arrival was stored. SOU_EUNKNOWN: none. */
int soud_store_own_first(struct soud_store *s, uint32_t scope, uint64_t after,
			 int64_t *received_ms);

/* First arrival that this transaction appended and that is not merged yet; 0: none. */
uint64_t soud_store_log_fresh(const struct soud_store *s, uint32_t scope);
/* All that was appended to the scope is merged now (soud_merge_apply). */
void soud_store_log_merged(struct soud_store *s, uint32_t scope);

/* Feeds that exist, so that a change of authority loads only the scopes that it touches. */
int soud_store_feed_add(struct soud_store *s, uint32_t scope, const struct sou_id *site,
			const struct sou_id *key); /* known already: fine, and cheap */
/* Scope numbers, ascending, distinct, in which this site (and key; NULL: any) has entries. Returns
 * in *count how many there are and fills up to max. */
int soud_store_feed_scopes(struct soud_store *s, const struct sou_id *site,
			   const struct sou_id *key, uint32_t *out, size_t max, size_t *count);

/* Peers: one number for each (site, log id) that spoke to us, from 1. Of a site's logs the last
 * SOUD_PEER_LOGS_MAX are kept: a peer says itself which log it has (R17). With an older one its
 * positions go; should it come back, it starts from 0. */
#define SOUD_PEER_LOGS_MAX 16u
struct soud_peer {
	uint64_t number;
	struct sou_id site, log;
};
int soud_store_peer_add(struct soud_store *s, const struct sou_id *site, const struct sou_id *log,
			uint64_t *number); /* or finds it */
int soud_store_peer_find(struct soud_store *s, const struct sou_id *site, const struct sou_id *log,
			 uint64_t *number); /* SOU_EUNKNOWN */
int soud_store_peer_next(struct soud_store *s, uint64_t after,
			 struct soud_peer *out); /* SOU_EUNKNOWN */

struct soud_position {    /* with one peer in one scope (scope 0: the authority feed) */
	uint64_t have;    /* of its log: arrivals up to here are stored here */
	uint64_t acked;   /* of our log: arrivals up to here it said are stored there */
	int64_t acked_ms; /* when it had received them, by its clock */
};
int soud_store_position_get(struct soud_store *s, uint64_t peer, uint32_t scope,
			    struct soud_position *out); /* zeros when never put */
int soud_store_position_put(struct soud_store *s, uint64_t peer, uint32_t scope,
			    const struct soud_position *position);

/* Records: what the fields of one entity of a kind hold. `out` is the caller's, zeroed at first and
 * reused; what it borrows lies in itself. */
int soud_store_record(struct soud_store *s, uint32_t scope, uint16_t kind,
		      const struct sou_id *entity, struct sou_record *out); /* SOU_EUNKNOWN */
/* Records of a kind (0: of all) by (entity, kind), after that place (NULL: from the start). */
int soud_store_record_next(struct soud_store *s, uint32_t scope, uint16_t kind,
			   const struct sou_id *after, uint16_t after_kind,
			   struct sou_record *out); /* SOU_EUNKNOWN at the end */
/* As record_next for all kinds, and those as well that have a trail and no register. */
int soud_store_record_each(struct soud_store *s, uint32_t scope, const struct sou_id *after,
			   uint16_t after_kind, struct sou_record *out);
/* Only those with a conflict or a gap, in the order of *place (from 0), without a scan. Any scope:
 * it is told in *scope. */
int soud_store_marked_next(struct soud_store *s, uint64_t *place, uint32_t *scope,
			   struct sou_record *out);
/* Canonical bytes of a live version's value, also where the record does not bring it along. n 0: it
 * went by redaction. */
int soud_store_value(struct soud_store *s, uint32_t scope, const struct sou_live *live,
		     struct sou_span *out);
/* Entries that wrote to the record (any op, held ones too), newest arrival first: give the record's
 * `trail` at first; *place moves on; SOU_EUNKNOWN at the end. */
int soud_store_trail_next(struct soud_store *s, uint64_t *place, uint64_t *arrival);
/* Records with a gap of this version, after *place (0 at first), each once: the next one is put in
 * *kind, *entity. SOU_EUNKNOWN at the end; cheap where there are no gaps. */
int soud_store_gap_next(struct soud_store *s, uint32_t scope, const struct sou_id *version,
			uint64_t *place, uint16_t *kind, struct sou_id *entity);
/* The two writers of records are soud_merge_apply's. A trail is put before its record. */
int soud_store_record_put(struct soud_store *s, uint32_t scope, struct sou_record *record,
			  bool changed); /* changed: what a digest sees differs */
int soud_store_trail_put(struct soud_store *s, struct sou_record *record, uint64_t arrival);

/* State digest (P10.6) as of this handle's view; a writer keeps what it hashed. */
int soud_store_state_digest(struct soud_store *s, uint32_t scope, struct sou_hash *out);

/* Drafts (R12): bytes that somebody typed, never sent. */
struct soud_draft {
	uint64_t number;
	struct sou_id scope;
	int64_t changed_ms;
	struct sou_span body;
};
int soud_store_draft_put(struct soud_store *s,
			 struct soud_draft *draft); /* number 0: a new one, set */
int soud_store_draft_next(struct soud_store *s, uint64_t after,
			  struct soud_draft *out); /* SOU_EUNKNOWN */
int soud_store_draft_end(struct soud_store *s, uint64_t number);

/* R22: quick_check of the file, or the thorough one. SOU_ECORRUPT with the first finding. */
int soud_store_check(struct soud_store *s, bool thorough);

/* Derived tables are empty after a migration that changed their shape: rebuild before any other
 * use.
 */
bool soud_store_stale(const struct soud_store *s);
/* Empty all derived tables and fill them again from the log with its stored verdicts. In a
 * transaction. */
int soud_store_rebuild(struct soud_store *s, const struct sou_authority *authority);
int soud_store_derived_clear(struct soud_store *s); /* its first half; marks the replica stale */
int soud_store_derived_done(struct soud_store *s);  /* and its end */
/* Hash of a canonical dump of scopes, log and all that is derived: equal replicas (same arrivals)
 * give equal hashes, and so does a replica before and after a rebuild. */
int soud_store_dump_hash(struct soud_store *s, struct sou_hash *out);

#endif
