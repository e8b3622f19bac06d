/* scope.h - verdicts of one scope, kept up to date as records arrive (R1, PROTOCOL.md 9).
 * The engine is a graph of all stored entries of the scope in memory, a pure function of (set of
 * stored entries, authority): any order of puts gives the same verdicts. It knows no bytes, no
 * clock, no disk. The caller loads it from the replica when a scope is first written to, and drops
 * it when memory is short. */
#ifndef SOU_SCOPE_H
#define SOU_SCOPE_H

#include "authority.h"
#include "facts.h"

enum sou_verdict { /* P9.10, in this order */
		   SOU_ACCEPTED = 0,
		   SOU_HELD_NOT_WHOLE,
		   SOU_HELD_TOO_NEW,
		   SOU_HELD_NOT_AUTHENTIC,
		   SOU_HELD_CUT_BRANCH,
		   SOU_HELD_CUT,
		   SOU_HELD_DECIDE,
		   SOU_HELD_FORK,
		   SOU_HELD_NO_RIGHT,
		   SOU_HELD_GROUND,
		   SOU_VERDICT_NONE, /* never judged yet: the `before` of a new entry */
};
const char *sou_verdict_name(enum sou_verdict v); /* "accepted", "not-whole", ... */
/* For a log: the clause, and a few words. Of what is not held: NULL. */
const char *sou_verdict_clause(enum sou_verdict v);
const char *sou_verdict_note(enum sou_verdict v);

struct sou_scope;

int sou_scope_new(struct sou_scope **out, const struct sou_id *scope);
void sou_scope_free(struct sou_scope *s);
size_t sou_scope_bytes(const struct sou_scope *s); /* memory held, for the caller's budget */
size_t sou_scope_count(const struct sou_scope *s); /* stored entries */

/* What was put for an entry id: pos is the caller's own number (arrival), given at the first put.
 */
struct sou_scope_entry {
	struct sou_hash id, prev;
	struct sou_id site, key, epoch;
	uint64_t seq, hlc, pos;
	uint8_t kind, body, verdict, clock;
	bool sig_checked, shown, whole;
};

/* Add an entry, or what is new about a stored one (payload after header, signature after payload,
 * more values in redacted form). SOU_OK: something new; SOU_EEXIST: nothing new; SOU_ENOMEM (state
 * as before). Takes effect on verdicts at the next settle. */
int sou_scope_put(struct sou_scope *s, const struct sou_facts *facts, uint64_t pos);

struct sou_change {
	struct sou_hash id;
	uint64_t pos;
	uint8_t before, after;          /* enum sou_verdict */
	bool shown_before, shown_after; /* P9.11 */
};

/* Judge what may have changed since the last settle: new records, or a newer authority.
 * *changes (borrowed until the next call on s) lists each entry whose verdict or `shown` differs,
 * new entries always among them, in order of pos. `authority` is settled. SOU_ENOMEM: nothing is
 * told; call again. */
int sou_scope_settle(struct sou_scope *s, const struct sou_authority *authority,
		     const struct sou_change **changes, size_t *count);

/* SOU_EUNKNOWN when the id is not stored. By version id: the first half must be unique, else the
 * smallest id is given. */
int sou_scope_get(const struct sou_scope *s, const struct sou_hash *id,
		  struct sou_scope_entry *out);
int sou_scope_get_version(const struct sou_scope *s, const struct sou_id *version,
			  struct sou_scope_entry *out);

/* Entries in id order of their hash table are never given; iterate by pos, ascending. */
size_t sou_scope_list(struct sou_scope *s, uint64_t pos_after, struct sou_scope_entry *out,
		      size_t max);

/* Tops (P10.7) in id order: the heads of whole chains. Returns how many there are; fills up to max.
 */
size_t sou_scope_tops(struct sou_scope *s, struct sou_hash *out, size_t max);

/* The head on which this site's key goes on writing: the highest whole entry of the newest epoch
 * that is the only head of it; newest is the one whose epoch-open has the highest hlc. Where that
 * is an epoch-open itself, the next entry is its first, with seq 1. SOU_EUNKNOWN: no entry yet
 * (seq 1 on the key's opening). SOU_ESTATE: several heads, frozen, cut, decided, or something is
 * stored that follows on the head; a person must decide. */
int sou_scope_own_head(struct sou_scope *s, const struct sou_id *site, const struct sou_id *key,
		       struct sou_scope_entry *out);

/* Is `id` at or before one of `heads` by stored links (P9.2)? */
bool sou_scope_at_or_before(const struct sou_scope *s, const struct sou_hash *id,
			    const struct sou_hash *heads, size_t head_count);

/* Entries' digest (P10.7), settled. */
struct sou_hash sou_scope_entries_digest(struct sou_scope *s);

#endif
