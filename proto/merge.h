/* merge.h - what a record's fields hold after all shown entries: registers, conflicts, gaps, the
 * hidden mark (R9, R10, R15, PROTOCOL.md 10). Pure: a function of the versions, never of their
 * order of arrival.
 *
 * Two ways lead to the same record. sou_record_add takes one new version in, looking only at what
 * it names; sou_record_build makes the record from all its versions, and is needed where a verdict
 * of an entry changed that was taken in before. */
#ifndef SOU_MERGE_H
#define SOU_MERGE_H

#include "bytes.h"
#include "error.h"
#include "id.h"
#include "mp.h"

struct sou_live { /* one live version */
	uint16_t field;
	uint16_t op;           /* index of the op in its payload */
	uint8_t clock;         /* clock flags */
	bool redacted;         /* a redact names it (P10.4) */
	bool disputed;         /* its register is in conflict */
	struct sou_id version; /* half of the entry id */
	uint64_t hlc;
	uint64_t pos; /* the caller's number of the entry: its arrival in this scope */
	struct sou_span
		value; /* canonical bytes; p NULL: not at hand, ask the store (soud_store_value) */
};

struct sou_gap { /* P10.2: named in this field, but no stored entry with payload */
	uint16_t field;
	struct sou_id version;
};

struct sou_register { /* one field of a record that has a shown version */
	uint16_t field;
	bool conflict;               /* P10.4 */
	const struct sou_live *live; /* P10.3: live[0] is shown first; at least one */
	const struct sou_gap *gaps;  /* ascending; the register is incomplete where there are any */
	uint32_t live_count, gap_count;
};

/* All registers of one (scope, kind, entity), by field ascending. Zeroed is a valid empty one; it
 * keeps its memory from one use to the next until sou_record_fini. Read it; only the functions
 * below write. */
struct sou_record {
	uint16_t kind;
	bool hidden;               /* P10.5 */
	bool conflict, incomplete; /* of any register */
	struct sou_id entity;
	struct sou_register *registers;
	uint32_t register_count;
	uint64_t place;         /* the store's: its row; 0: not stored yet */
	uint32_t stored_gaps;   /* the store's: gaps that it has of this record */
	uint64_t trail;         /* the store's: newest of the entries that wrote this record */
	struct sou_live *lives; /* behind the registers, in their order */
	struct sou_gap *gaps;
	struct sou_id *named; /* by shown deletes, ascending: what can still cover a live version */
	uint32_t live_count, gap_count, named_count;
	uint32_t register_room, live_room, gap_room, named_room;
	struct sou_buf bytes; /* what values borrow from, where the store reads them along */
};

void sou_record_fini(struct sou_record *record);
void sou_record_clear(struct sou_record *record, uint16_t kind, const struct sou_id *entity);
/* NULL when the field has no shown version. */
const struct sou_register *sou_record_field(const struct sou_record *record, uint16_t field);

/* One op of a stored data entry with a well-formed payload; kind copy never comes here. */
struct sou_version {
	struct sou_id id; /* half of the entry id */
	uint64_t pos, hlc;
	uint16_t type; /* op type: set, delete, consent, proxy */
	uint16_t field;
	uint16_t op;
	uint8_t clock;
	bool shown; /* P9.11, of its entry */
	bool redacted;
	struct sou_span value;
	struct sou_mp_list replaces;
};

/* What the merge asks about names that it meets, as of the versions that were given to it so far.
 * Spans and lists live until the next call. */
struct sou_merge_view {
	void *ctx;
	/* The stored entry with this version id; SOU_EUNKNOWN when no entry with payload is. */
	int (*find)(void *ctx, const struct sou_id *version, uint64_t *pos, bool *shown);
	/* The version that this entry has of this field; SOU_EUNKNOWN when it has none. */
	int (*op)(void *ctx, uint64_t pos, uint16_t kind, const struct sou_id *entity,
		  uint16_t field, struct sou_version *out);
	/* Of a live version whose value is not at hand. */
	int (*value)(void *ctx, const struct sou_live *live, struct sou_span *out);
};

/* Take in a version whose entry had no payload here before, shown or held. *changed says whether
 * a register differs. The value is borrowed for as long as it is live. SOU_ENOMEM and the view's
 * errors leave a record that only clear and fini may touch. After the last version that the entry
 * has of this record comes sou_record_cover, which judges `hidden`. */
int sou_record_add(struct sou_record *record, const struct sou_version *version,
		   const struct sou_merge_view *view, bool *changed);

int sou_record_cover(struct sou_record *record, const struct sou_merge_view *view, bool *changed);

/* An entry with this version id has its payload now and writes other fields or records: it is no
 * gap of `field` any more (of any field but those it writes; the caller adds these). */
void sou_record_fill(struct sou_record *record, uint16_t field, const struct sou_id *version);

/* Make the record anew from all versions and deletes of (record->kind, record->entity), in any
 * order; sorts `versions`. Values borrow from them. Errors as above. */
int sou_record_build(struct sou_record *record, struct sou_version *versions, size_t count,
		     const struct sou_merge_view *view);

/* Make registers of lives, gaps and named: for who reads a record back (daemon/store). The lists
 * are in the order of the registers, `disputed` tells the conflicts. SOU_ENOMEM. */
int sou_record_index(struct sou_record *record);

/* Room for so many in each list. SOU_ENOMEM. */
int sou_record_reserve(struct sou_record *record, uint32_t lives, uint32_t gaps, uint32_t named);

#endif
