/* batch_pack.c - cuts entries into runs and writes them (P11.8, P11.10). Entries are gathered
 * first: only at the end is it known which one ends its run and so bears its signature. */
#include "batch.h"

#include <stdlib.h>

#include "batch_int.h"

#define RUN_BYTES_MOST   120u /* of a run around its entries */
#define ENTRY_BYTES_MOST 150u /* of an entry around its payload, all members there */

void sou_batch_begin(struct sou_batch *batch, size_t raw_bytes_max)
{
	struct batch_packer *p = &batch->pack;
	p->entry_count = 0;
	p->run_count = 0;
	p->estimate = 8;
	p->raw_bytes_max =
		raw_bytes_max < SOU_BATCH_PACK_BYTES ? raw_bytes_max : SOU_BATCH_PACK_BYTES;
	memset(p->places, 0, sizeof p->places);
	sou_buf_clear(&p->bytes);
}

static uint32_t place_of(const struct sou_hash *id)
{
	return ((uint32_t)id->b[0] << 8 | id->b[1] | (uint32_t)id->b[2] << 16) % BATCH_PLACES;
}

/* The run whose last entry is the one with this id. */
static struct pack_run *run_after(struct batch_packer *p, const struct sou_hash *id)
{
	uint32_t at = place_of(id);
	for (; p->places[at] != 0; at = (at + 1) % BATCH_PLACES) {
		struct pack_run *run = &p->runs[p->places[at] - 1];
		if (sou_hash_eq(&run->last_id, id))
			return run;
	}
	return NULL;
}

static void remember(struct batch_packer *p, uint32_t run)
{
	uint32_t at = place_of(&p->runs[run].last_id);
	while (p->places[at] != 0)
		at = (at + 1) % BATCH_PLACES;
	p->places[at] = run + 1;
}

/* Room for one more of both, so that a taken item cannot half fail. */
static bool make_room(struct batch_packer *p)
{
	if (p->entry_count == p->entry_room) {
		uint32_t room = p->entry_room == 0 ? 64 : 2 * p->entry_room;
		struct pack_entry *entries = realloc(p->entries, room * sizeof *entries);
		if (entries == NULL)
			return false;
		p->entries = entries;
		p->entry_room = room;
	}
	if (p->run_count == p->run_room) {
		uint32_t room = p->run_room == 0 ? 16 : 2 * p->run_room;
		struct pack_run *runs = realloc(p->runs, room * sizeof *runs);
		if (runs == NULL)
			return false;
		p->runs = runs;
		p->run_room = room;
	}
	return true;
}

/* P5.3 and P11.10: may this entry stand next in the run? */
static bool continues(const struct pack_run *run, const struct sou_header *h, size_t payload_bytes)
{
	return !run->is_closed && run->count < SOU_RUN_ENTRIES_MAX &&
	       run->payload_bytes + payload_bytes <= SOU_RUN_PAYLOAD_BYTES_MAX &&
	       h->seq == run->seq + run->count && h->hlc > run->last_hlc &&
	       sou_id_eq(&h->site, &run->site) && sou_id_eq(&h->key, &run->key) &&
	       sou_id_eq(&h->epoch, &run->epoch);
}

static void append(struct batch_packer *p, uint32_t run_number, const struct sou_header *h,
		   const struct sou_batch_item *item)
{
	struct pack_run *run = &p->runs[run_number];
	uint32_t i = p->entry_count++;
	struct pack_entry *e = &p->entries[i];
	*e = (struct pack_entry){
		.kind = h->kind,
		.clock = h->clock,
		.is_redacted = item->payload.n > 0 && item->payload.p[1] == SOU_FORM_REDACTED,
		.is_signed = item->signature != NULL,
		.keep = item->keep_signature,
		.authority = h->authority,
		.payload_hash = h->payload_hash,
		.seq = h->seq,
		.hlc = h->hlc,
		.payload_bytes = h->payload_bytes,
		.next = BATCH_NONE,
		.at = p->bytes.n,
		.n = item->payload.n,
	};
	if (item->signature != NULL)
		memcpy(e->signature, item->signature, sizeof e->signature);
	sou_buf_put(&p->bytes, item->payload.p, item->payload.n);
	if (run->count == 0)
		run->first = i;
	else
		p->entries[run->last].next = i;
	run->last = i;
	run->last_id = item->id;
	run->last_hlc = h->hlc;
	run->payload_bytes += item->payload.n;
	run->is_closed = h->kind == SOU_ENTRY_OPENING;
	run->count++;
	p->estimate += item->payload.n + ENTRY_BYTES_MOST;
	remember(p, run_number);
}

static uint32_t new_run(struct batch_packer *p, const struct sou_header *h)
{
	p->runs[p->run_count] = (struct pack_run){
		.site = h->site,
		.key = h->key,
		.epoch = h->epoch,
		.prev = h->prev,
		.seq = h->seq,
		.first = BATCH_NONE,
		.last = BATCH_NONE,
	};
	p->estimate += RUN_BYTES_MOST;
	return p->run_count++;
}

/* Form and length as the members say; the rest was checked when it was stored. */
static bool is_sound(const struct sou_header *h, struct sou_span payload)
{
	if (payload.n == 0)
		return true;
	if (payload.n < 2 || payload.n > SOU_REDACTED_BYTES_MAX || payload.p[0] != 0x97 ||
	    payload.p[1] > SOU_FORM_REDACTED)
		return false;
	return payload.p[1] == SOU_FORM_REDACTED || payload.n == h->payload_bytes;
}

int sou_batch_add(struct sou_batch *batch, const struct sou_batch_item *item)
{
	struct batch_packer *p = &batch->pack;
	struct sou_header h;
	if (sou_header_read(&h, item->header) != SOU_OK || !is_sound(&h, item->payload))
		return SOU_ECORRUPT;
	if (p->entry_count > 0) {
		if (!sou_id_eq(&h.net, &p->net) || !sou_id_eq(&h.scope, &p->scope))
			return SOU_ECORRUPT;
		size_t most = p->estimate + item->payload.n + ENTRY_BYTES_MOST + RUN_BYTES_MOST;
		if (most > p->raw_bytes_max || p->entry_count == SOU_BATCH_PACK_ENTRIES)
			return SOU_EAGAIN;
	}
	if (!make_room(p) || !sou_buf_reserve(&p->bytes, item->payload.n))
		return SOU_ENOMEM;
	if (p->entry_count == 0) {
		p->net = h.net;
		p->scope = h.scope;
	}
	struct pack_run *run = run_after(p, &h.prev);
	bool joins = run != NULL && continues(run, &h, item->payload.n);
	append(p, joins ? (uint32_t)(run - p->runs) : new_run(p, &h), &h, item);
	return SOU_OK;
}

/* Of the run's entries below `cut`: how many up to the last signed one, and the first one above it.
 */
static uint32_t signed_part(const struct batch_packer *p, const struct pack_run *run, uint32_t cut,
			    uint32_t *above)
{
	uint32_t count = 0, whole = 0;
	*above = BATCH_NONE;
	for (uint32_t i = run->first; i != BATCH_NONE && i < cut; i = p->entries[i].next) {
		count++;
		if (p->entries[i].is_signed) {
			whole = count;
			*above = BATCH_NONE;
		} else if (*above == BATCH_NONE) {
			*above = i;
		}
	}
	return whole;
}

/* The longest beginning of what was added in which every run ends signed. */
static uint32_t find_cut(const struct batch_packer *p)
{
	uint32_t cut = p->entry_count, before;
	do {
		before = cut;
		for (uint32_t r = 0; r < p->run_count; r++) {
			uint32_t above;
			(void)signed_part(p, &p->runs[r], cut, &above);
			if (above < cut)
				cut = above;
		}
	} while (cut != before);
	return cut;
}

static void put_entry(const struct batch_packer *p, struct sou_buf *raw, const struct pack_entry *e,
		      const struct pack_entry *before, bool is_last)
{
	bool has_head = before == NULL || !sou_id_eq(&e->authority, &before->authority);
	bool has_signature =
		e->is_signed && (is_last || e->keep || e->seq % SOU_SIGNATURE_EVERY == 0);
	unsigned m = (e->kind != 0 ? MEMBER_KIND : 0) | (e->clock != 0 ? MEMBER_CLOCK : 0) |
		     (has_head ? MEMBER_HEAD : 0) | (has_signature ? MEMBER_SIGNATURE : 0) |
		     (e->n == 0 ? MEMBER_HEADER_ONLY : 0) | (e->is_redacted ? MEMBER_REDACTED : 0);
	sou_mp_put_array(raw, 3 + (unsigned)__builtin_popcount(m) + (e->n == 0));
	sou_mp_put_uint(raw, m);
	sou_mp_put_uint(raw, e->hlc - (before != NULL ? before->hlc : 0));
	if (e->n == 0)
		sou_mp_put_nil(raw);
	else
		sou_mp_put_bin(raw, p->bytes.p + e->at, e->n);
	if (e->kind != 0)
		sou_mp_put_uint(raw, e->kind);
	if (e->clock != 0)
		sou_mp_put_uint(raw, e->clock);
	if (has_head)
		sou_mp_put_id(raw, &e->authority);
	if (has_signature)
		sou_mp_put_bin(raw, e->signature, sizeof e->signature);
	if (e->n == 0 || e->is_redacted)
		sou_mp_put_uint(raw, e->payload_bytes);
	if (e->n == 0)
		sou_mp_put_hash(raw, &e->payload_hash);
}

static void put_run(const struct batch_packer *p, struct sou_buf *raw, const struct pack_run *run,
		    uint32_t count)
{
	sou_mp_put_array(raw, 6);
	sou_mp_put_id(raw, &run->site);
	sou_mp_put_id(raw, &run->key);
	sou_mp_put_id(raw, &run->epoch);
	sou_mp_put_uint(raw, run->seq);
	sou_mp_put_hash(raw, &run->prev);
	sou_mp_put_array(raw, count);
	const struct pack_entry *before = NULL;
	uint32_t i = run->first;
	for (uint32_t k = 0; k < count; k++, i = p->entries[i].next) {
		put_entry(p, raw, &p->entries[i], before, k + 1 == count);
		before = &p->entries[i];
	}
}

int sou_batch_end(struct sou_batch *batch, struct sou_buf *data, struct sou_batch_sent *out)
{
	struct batch_packer *p = &batch->pack;
	uint32_t cut = find_cut(p), above, runs = 0;
	if (cut == 0)
		cut = p->entry_count; /* runs are cut back one by one */
	for (uint32_t r = 0; r < p->run_count; r++)
		runs += signed_part(p, &p->runs[r], cut, &above) > 0;
	struct sou_batch_sent sent = {.covered = cut};
	sou_buf_clear(&p->raw);
	sou_mp_put_array(&p->raw, runs);
	for (uint32_t r = 0; r < p->run_count; r++) {
		uint32_t count = signed_part(p, &p->runs[r], cut, &above);
		if (count > 0)
			put_run(p, &p->raw, &p->runs[r], count);
		sent.entries += count;
	}
	if (p->raw.failed)
		return SOU_ENOMEM;
	sent.raw_bytes = p->raw.n;
	int rc = batch_compress(batch, sou_buf_span(&p->raw), data, &sent.is_zstd);
	if (rc == SOU_OK)
		*out = sent;
	return rc;
}
