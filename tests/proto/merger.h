/* merger.h - records of one scope in memory, fed entry by entry in any order, and built anew: what
 * the tables and the histories of merge.h run on. */
#ifndef SOU_TESTS_MERGER_H
#define SOU_TESTS_MERGER_H

#include "proto/merge.h"

#define MERGER_ENTRIES_MAX 64u
#define MERGER_OPS_MAX     8u

struct merger_op {
	uint16_t type, kind, field;
	struct sou_id entity;
	uint8_t value; /* one byte of canonical msgpack: 0..127 */
	bool redacted;
	uint8_t names[MERGER_ENTRIES_MAX * 18]; /* as they lie in a payload */
	uint32_t name_count;
};

struct merger_entry {
	struct sou_id version;
	uint64_t hlc;
	uint8_t clock;
	bool has_payload; /* false: a header alone */
	bool counts;      /* a data entry with a well-formed payload: its ops are versions */
	bool shown;
	struct merger_op ops[MERGER_OPS_MAX];
	uint32_t op_count;
	bool taken; /* by merger_take; the merger's own */
};

struct merger { /* entries: pos = index + 1 */
	struct merger_entry entries[MERGER_ENTRIES_MAX];
	uint32_t entry_count;
	struct sou_record records[MERGER_ENTRIES_MAX];
	uint32_t record_count;
	struct sou_merge_view view;
	bool values_apart; /* live versions do not bring their values: the view is asked */
};

void merger_init(struct merger *m);
void merger_fini(struct merger *m);
void merger_name(struct merger_op *op,
		 const struct sou_id *version); /* ascending is the caller's */

/* Take one entry into all its records, as a store does. Any failure ends the test. */
void merger_take(struct merger *m, uint32_t entry);
void merger_forget(struct merger *m); /* back to none taken, no records */
/* All records anew from the entries taken. */
void merger_build(struct merger *m);

/* "kind entity: field(version version !)~gap ... hidden", by entity, kind, with versions as
 * `letter` gives them; records without registers are left out. Lives until the end of the test. */
const char *merger_text(struct merger *m, const char *(*letter)(const struct sou_id *id));

#endif
