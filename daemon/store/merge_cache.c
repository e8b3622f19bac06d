/* merge_cache.c - records in memory while a batch is merged: each is read once and written once,
 * however many entries of the batch write to it. */
#include <stdlib.h>

#include "daemon/store/merge_int.h"
#include "proto/grow.h"

int soud_merge_new(struct soud_merge **out)
{
	struct soud_merge *m = calloc(1, sizeof *m);
	if (m == NULL)
		return SOU_ENOMEM;
	merge_view_init(m);
	*out = m;
	return SOU_OK;
}

static void drop_chunks(struct soud_merge *m, bool keep_one)
{
	while (m->chunks != NULL && (!keep_one || m->chunks->next != NULL)) {
		struct merge_chunk *next = m->chunks->next;
		free(m->chunks);
		m->chunks = next;
	}
	if (m->chunks != NULL)
		m->chunks->used = 0;
}

void soud_merge_free(struct soud_merge *m)
{
	if (m == NULL)
		return;
	for (uint32_t i = 0; i < m->slot_room; i++)
		sou_record_fini(&m->slots[i].record);
	free(m->slots);
	drop_chunks(m, false);
	free(m->late);
	free(m->rebuild);
	free(m->touched);
	free(m->versions);
	sou_payload_fini(&m->payload);
	sou_payload_fini(&m->other);
	free(m);
}

const struct soud_merge_touched *soud_merge_touched(const struct soud_merge *m, size_t *count)
{
	*count = m->touched_count;
	return m->touched;
}

static uint32_t head_of(uint16_t kind, const struct sou_id *entity)
{
	uint32_t h;
	memcpy(&h, entity->b + 4, sizeof h); /* entity ids are hashes */
	return (h + kind) % (2 * MERGE_RECORDS_MAX);
}

static void forget_slots(struct soud_merge *m)
{
	for (uint32_t i = 0; i < m->slot_count; i++)
		m->heads[head_of(m->slots[i].record.kind, &m->slots[i].record.entity)] = 0;
	m->slot_count = m->gappy_count = 0;
	drop_chunks(m, true);
}

void merge_begin(struct soud_merge *m, struct soud_store *s, uint32_t scope,
		 const struct sou_authority *authority)
{
	m->store = s;
	m->scope = scope;
	m->authority = authority;
	m->engine = NULL;
	m->known = NULL;
	m->known_count = 0;
	m->at = 0;
	m->fresh = 0;
	m->late_count = m->rebuild_count = m->touched_count = 0;
	if (m->slot_count > 0) /* else nothing was left by an error */
		forget_slots(m);
}

int merge_keep_bytes(struct soud_merge *m, struct sou_span bytes, struct sou_span *out)
{
	if (m->chunks == NULL || m->chunks->room - m->chunks->used < bytes.n) {
		size_t room = bytes.n > MERGE_CHUNK_BYTES ? bytes.n : MERGE_CHUNK_BYTES;
		struct merge_chunk *chunk = malloc(sizeof *chunk + room);
		if (chunk == NULL)
			return SOU_ENOMEM;
		*chunk = (struct merge_chunk){m->chunks, 0, room};
		m->chunks = chunk;
	}
	uint8_t *p = m->chunks->bytes + m->chunks->used;
	memcpy(p, bytes.p, bytes.n);
	m->chunks->used += bytes.n;
	*out = (struct sou_span){p, bytes.n};
	return SOU_OK;
}

static int grow_slots(struct soud_merge *m)
{
	if (m->slot_count < m->slot_room)
		return SOU_OK;
	uint32_t had = m->slot_room;
	struct merge_slot *all = sou_grow(m->slots, &m->slot_room, m->slot_count, 1, sizeof *all);
	if (all == NULL)
		return SOU_ENOMEM;
	memset(all + had, 0, (m->slot_room - had) * sizeof *all);
	m->slots = all;
	return SOU_OK;
}

int merge_slot_get(struct soud_merge *m, uint16_t kind, const struct sou_id *entity,
		   struct merge_slot **out)
{
	uint32_t head = head_of(kind, entity);
	for (uint32_t at = m->heads[head]; at != 0; at = m->slots[at - 1].next) {
		struct merge_slot *slot = &m->slots[at - 1];
		if (slot->record.kind == kind && sou_id_eq(&slot->record.entity, entity)) {
			*out = slot;
			return SOU_OK;
		}
	}
	int rc = grow_slots(m);
	if (rc != SOU_OK)
		return rc;
	struct merge_slot *slot = &m->slots[m->slot_count];
	slot->trailed = slot->covered = 0;
	slot->dirty = slot->changed = slot->filled = false;
	rc = soud_store_record(m->store, m->scope, kind, entity, &slot->record);
	if (rc == SOU_EUNKNOWN) {
		sou_record_clear(&slot->record, kind, entity);
		rc = SOU_OK;
	}
	if (rc != SOU_OK)
		return rc;
	slot->next = m->heads[head];
	m->heads[head] = ++m->slot_count;
	*out = slot;
	return SOU_OK;
}

/* --- Lists of records --- */

static int name_cmp(const struct soud_merge_touched *t, uint16_t kind, const struct sou_id *entity)
{
	int cmp = sou_id_cmp(&t->entity, entity);
	return cmp != 0 ? cmp : t->kind < kind ? -1 : t->kind > kind;
}

static uint32_t mark_place(const struct soud_merge *m, uint16_t kind, const struct sou_id *entity,
			   bool *found)
{
	uint32_t low = 0, high = m->rebuild_count;
	*found = false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int cmp = name_cmp(&m->rebuild[mid], kind, entity);
		if (cmp == 0) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool merge_is_marked(const struct soud_merge *m, uint16_t kind, const struct sou_id *entity)
{
	bool found = false;
	if (m->rebuild_count > 0)
		mark_place(m, kind, entity, &found);
	return found;
}

int merge_mark(struct soud_merge *m, uint16_t kind, const struct sou_id *entity)
{
	bool found;
	uint32_t at = mark_place(m, kind, entity, &found);
	if (found)
		return SOU_OK;
	struct soud_merge_touched *all =
		sou_grow(m->rebuild, &m->rebuild_room, m->rebuild_count, 1, sizeof *all);
	if (all == NULL)
		return SOU_ENOMEM;
	m->rebuild = all;
	memmove(all + at + 1, all + at, (m->rebuild_count - at) * sizeof *all);
	all[at] = (struct soud_merge_touched){kind, *entity};
	m->rebuild_count++;
	return SOU_OK;
}

int merge_touch(struct soud_merge *m, const struct merge_slot *slot)
{
	struct soud_merge_touched *all =
		sou_grow(m->touched, &m->touched_room, m->touched_count, 1, sizeof *all);
	if (all == NULL)
		return SOU_ENOMEM;
	m->touched = all;
	all[m->touched_count++] =
		(struct soud_merge_touched){slot->record.kind, slot->record.entity};
	return SOU_OK;
}

int merge_flush(struct soud_merge *m)
{
	int rc = SOU_OK;
	for (uint32_t i = 0; rc == SOU_OK && i < m->slot_count; i++) {
		struct merge_slot *slot = &m->slots[i];
		if (slot->dirty || slot->changed || slot->filled)
			rc = soud_store_record_put(m->store, m->scope, &slot->record,
						   slot->changed);
		if (rc == SOU_OK && (slot->changed || slot->filled))
			rc = merge_touch(m, slot);
	}
	if (rc == SOU_OK)
		forget_slots(m);
	return rc;
}
