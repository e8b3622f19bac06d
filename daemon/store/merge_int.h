/* merge_int.h - what merge_apply.c, merge_cache.c and rebuild.c share. Nobody else includes it. */
#ifndef SOUD_STORE_MERGE_INT_H
#define SOUD_STORE_MERGE_INT_H

#include "daemon/store/merge_apply.h"
#include "proto/header.h"
#include "proto/payload.h"

#define MERGE_RECORDS_MAX 4096u /* cached records before they are written */
#define MERGE_CHUNK_BYTES (256u << 10)

struct merge_slot { /* a record in memory, as it will be written */
	struct sou_record record;
	uint64_t trailed;    /* arrival that its trail ends with in this call */
	uint64_t covered;    /* arrival after which `hidden` was judged */
	bool dirty, changed; /* to be written; what a digest sees differs */
	bool filled;         /* a gap went */
	uint32_t next;       /* of the same hash, as index + 1 */
};

struct merge_chunk { /* bytes that values borrow from until the records are written */
	struct merge_chunk *next;
	size_t used, room;
	uint8_t bytes[];
};

struct merge_known { /* rebuild: one stored entry with a payload */
	struct sou_id version;
	uint64_t arrival;
	bool shown;
};

struct soud_merge {
	struct soud_store *store;
	const struct sou_scope *engine;
	const struct merge_known *known; /* in place of the engine, by version */
	size_t known_count;
	const struct sou_authority *authority;
	uint32_t scope;
	uint64_t at;    /* entry being taken in: later ones are not there yet */
	uint64_t fresh; /* first of this transaction's; 0: none */
	bool named;     /* a delete names versions of a record that the entry wrote */

	struct merge_slot
		*slots; /* slots[0..slot_count), then unused ones that keep their memory */
	uint32_t slot_count, slot_room, gappy_count;
	uint32_t heads[2 * MERGE_RECORDS_MAX]; /* index + 1 */
	struct merge_chunk *chunks;

	uint64_t *late; /* arrivals whose payload came later, ascending */
	uint32_t late_count, late_room;
	struct soud_merge_touched *rebuild; /* ascending */
	uint32_t rebuild_count, rebuild_room;
	struct soud_merge_touched *touched;
	uint32_t touched_count, touched_room;
	struct sou_version *versions;
	uint32_t version_count, version_room;

	struct sou_payload payload, other; /* of the entry taken in; of one that is asked for */
	struct sou_merge_view view;
};

/* merge_cache.c */
void merge_begin(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		 const struct sou_authority *authority);
int merge_keep_bytes(struct soud_merge *m, struct sou_span bytes, struct sou_span *out);
/* The record's slot, read from the store or new. Pointers into slots live until the next call. */
int merge_slot_get(struct soud_merge *m, uint16_t kind, const struct sou_id *entity,
		   struct merge_slot **out);
int merge_touch(struct soud_merge *m, const struct merge_slot *slot);
int merge_flush(struct soud_merge *m); /* writes and forgets all slots and chunks */
int merge_mark(struct soud_merge *m, uint16_t kind, const struct sou_id *entity);
bool merge_is_marked(const struct soud_merge *m, uint16_t kind, const struct sou_id *entity);

/* merge_view.c: what the merge asks (proto/merge.h). */
bool merge_is_late(const struct soud_merge *m, uint64_t arrival);
void merge_view_init(struct soud_merge *m);
struct sou_version merge_version(const struct soud_merge *m, const struct sou_hash *id,
				 const struct sou_header *header, uint64_t pos, bool shown,
				 const struct sou_op *op, uint16_t index);

/* merge_apply.c */
int merge_take(struct soud_merge *m, const struct soud_row *row, bool shown);
/* A record from the entries of its trail, in its slot; not written yet. */
int merge_build(struct soud_merge *m, const struct soud_merge_touched *of);

#endif
