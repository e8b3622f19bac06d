/* chain.c - entries by id and along their chains, for a reader: the store knows entries by arrival
 * alone, so their ids and links are read once from the log and kept while memory allows (P13.5,
 * P13.7, P13.11). */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/reader_int.h"
#include "daemon/replica/replica_int.h"
#include "proto/header.h"

static void chain_fini(struct chain *c)
{
	free(c->ids);
	free(c->prev);
	free(c->prevs);
	free(c->slots);
	*c = (struct chain){0};
}

void chains_fini(struct soud_reader *v)
{
	for (size_t i = 0; i < CHAINS_MAX; i++)
		chain_fini(&v->chains[i]);
}

static size_t chain_bytes(const struct chain *c)
{
	return c->room * (2 * sizeof *c->ids + sizeof *c->prev) + c->slot_count * sizeof *c->slots;
}

static size_t slot_of(const struct chain *c, const struct sou_id *version)
{
	uint64_t h;
	memcpy(&h, version->b, sizeof h);
	return (size_t)h & (c->slot_count - 1);
}

uint32_t chain_find(const struct chain *c, const struct sou_id *version)
{
	if (c->slot_count == 0)
		return 0;
	for (size_t i = slot_of(c, version);; i = (i + 1) & (c->slot_count - 1)) {
		if (c->slots[i] == 0)
			return 0;
		if (sou_id_eq(&c->ids[c->slots[i] - 1], version))
			return c->slots[i];
	}
}

static void put_slot(struct chain *c, uint32_t arrival)
{
	size_t i = slot_of(c, &c->ids[arrival - 1]);
	while (c->slots[i] != 0)
		i = (i + 1) & (c->slot_count - 1);
	c->slots[i] = arrival;
}

/* Room for so many entries, at most half of the slots in use. */
static int chain_room(struct chain *c, uint64_t last)
{
	if (last <= c->room)
		return SOU_OK;
	if (last > UINT32_MAX / 4)
		return SOU_ELIMIT;
	size_t room = 256;
	while (room < last)
		room *= 2;
	void *ids = realloc(c->ids, room * sizeof *c->ids);
	if (ids != NULL)
		c->ids = ids;
	void *prevs = realloc(c->prevs, room * sizeof *c->prevs);
	if (prevs != NULL)
		c->prevs = prevs;
	void *prev = realloc(c->prev, room * sizeof *c->prev);
	if (prev != NULL)
		c->prev = prev;
	uint32_t *slots = calloc(room * 2, sizeof *slots);
	if (ids == NULL || prevs == NULL || prev == NULL || slots == NULL) {
		free(slots);
		return SOU_ENOMEM;
	}
	free(c->slots);
	c->slots = slots;
	c->slot_count = room * 2;
	c->room = room;
	for (uint64_t i = 1; i <= c->last; i++)
		put_slot(c, (uint32_t)i);
	return SOU_OK;
}

static int chain_read(struct soud_reader *v, struct chain *c, uint64_t last)
{
	int rc = chain_room(c, last);
	uint64_t known = c->last;
	while (rc == SOU_OK && c->last < last) {
		struct soud_row row;
		struct sou_header header;
		rc = soud_store_log_next(v->store, c->number, c->last, &row);
		if (rc == SOU_OK &&
		    (row.arrival != c->last + 1 || sou_header_read(&header, row.header) != SOU_OK))
			rc = SOU_ECORRUPT;
		if (rc != SOU_OK)
			break;
		c->ids[c->last] = sou_hash_half(&row.id);
		c->prevs[c->last] = sou_hash_half(&header.prev);
		c->prev[c->last] = 0;
		c->last++;
		put_slot(c, (uint32_t)c->last);
	}
	/* An entry may come before the one that it stands on: look again at those without. */
	for (uint64_t i = 0; rc == SOU_OK && known < c->last && i < c->last; i++) {
		if (c->prev[i] == 0)
			c->prev[i] = chain_find(c, &c->prevs[i]);
	}
	return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
}

/* Drop others until what is held is within bounds. */
static void make_room(struct soud_reader *v, const struct chain *keep)
{
	for (;;) {
		struct chain *oldest = NULL;
		size_t held = 0;
		for (size_t i = 0; i < CHAINS_MAX; i++) {
			struct chain *c = &v->chains[i];
			held += chain_bytes(c);
			if (c != keep && c->room > 0 && (oldest == NULL || c->used < oldest->used))
				oldest = c;
		}
		if (held <= CHAIN_BYTES_MAX || oldest == NULL)
			return;
		chain_fini(oldest);
	}
}

int chain_get(struct soud_reader *v, uint32_t number, uint64_t last, struct chain **out)
{
	struct chain *at = &v->chains[0];
	for (size_t i = 0; i < CHAINS_MAX; i++) {
		struct chain *c = &v->chains[i];
		if (c->number == number) {
			at = c;
			break;
		}
		if (c->used < at->used)
			at = c;
	}
	if (at->number != number)
		chain_fini(at);
	at->number = number;
	at->used = ++v->tick;
	int rc = chain_read(v, at, last);
	make_room(v, at);
	if (rc == SOU_OK)
		*out = at;
	return rc;
}

int chain_marks(struct soud_reader *v, struct chain *c, const struct sou_hash *heads, size_t count,
		uint8_t **out)
{
	(void)v;
	uint8_t *marks = calloc(c->last + 1, 1);
	if (marks == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct sou_id version = sou_hash_half(&heads[i]);
		uint32_t at = chain_find(c, &version);
		for (; at != 0 && marks[at] == 0; at = c->prev[at - 1])
			marks[at] = 1;
	}
	*out = marks;
	return SOU_OK;
}

static int scope_chain(struct soud_reader *v, const struct sou_id *scope, uint32_t *number,
		       struct chain **out)
{
	uint64_t last;
	if (!reader_scope(v, scope, number, &last))
		return SOU_EUNKNOWN;
	return chain_get(v, *number, last, out);
}

/* The arrivals from `at` back along the links, newest first, down to and without `stop` or what
 * came up to `after`; at most max. */
static size_t walk_back(const struct chain *c, uint32_t at, uint64_t after, uint32_t *out,
			size_t max)
{
	size_t n = 0;
	for (; at != 0 && at > after && n < max; at = c->prev[at - 1])
		out[n++] = at;
	return n;
}

#define WALK_MAX 16384u

int reader_headers(void *ctx, const struct sou_id *scope, uint64_t after,
		   const struct sou_hash *entry, struct sou_buf *buf, struct sou_news_answer *out)
{
	struct soud_reader *v = ctx;
	struct sou_news_answer a = {0};
	struct sou_batch_sent sent;
	struct chain *c;
	uint32_t number;
	struct sou_id version = sou_hash_half(entry);
	int rc = scope_chain(v, scope, &number, &c);
	uint32_t at = rc == SOU_OK ? chain_find(c, &version) : 0;
	if (at == 0 || at <= after) {
		*out = a;
		return rc == SOU_EUNKNOWN ? SOU_OK : rc;
	}
	uint32_t *walk = calloc(WALK_MAX, sizeof *walk);
	if (walk == NULL)
		return SOU_ENOMEM;
	size_t n = walk_back(c, at, after, walk, WALK_MAX);
	sou_batch_begin(v->batch, SOU_BATCH_PACK_BYTES);
	for (size_t i = n; rc == SOU_OK && i > 0; i--) {
		struct soud_row row;
		rc = soud_store_log_get(v->store, number, walk[i - 1], &row);
		if (rc == SOU_OK)
			rc = batch_row(v, number, &row, i == 1, true);
	}
	free(walk);
	if (rc == SOU_EAGAIN) /* what fits; the rest is asked for as news */
		rc = SOU_OK;
	if (rc == SOU_OK)
		rc = batch_close(v, buf, &sent, &a);
	if (rc == SOU_OK)
		*out = a;
	return rc;
}

/* The next entry of the same chain after `at` in order of arrival; 0: none close by. */
static uint32_t next_of(const struct chain *c, uint32_t at)
{
	for (uint64_t i = at; i < c->last && i < (uint64_t)at + SCAN_ROWS_MAX; i++) {
		if (c->prev[i] == at)
			return (uint32_t)(i + 1);
	}
	return 0;
}

/* An entry, and where its own signature is not held the headers up to one whose is (P11.10). */
static int put_wanted(struct soud_reader *v, const struct chain *c, uint32_t number, uint32_t at)
{
	struct soud_row row;
	int rc = soud_store_log_get(v->store, number, at, &row);
	if (rc == SOU_OK)
		rc = batch_row(v, number, &row, true, false);
	for (unsigned i = 0; rc == SOU_OK && row.sig.n == 0 && i < SOU_SIGNATURE_EVERY; i++) {
		at = next_of(c, at);
		if (at == 0)
			return SOU_OK;
		rc = soud_store_log_get(v->store, number, at, &row);
		if (rc == SOU_OK)
			rc = batch_row(v, number, &row, true, true);
	}
	return rc;
}

int reader_entries(void *ctx, const struct sou_id *scope, const struct sou_mp_list *versions,
		   struct sou_buf *buf, struct sou_news_answer *out)
{
	struct soud_reader *v = ctx;
	struct sou_news_answer a = {0};
	struct sou_batch_sent sent;
	struct chain *c;
	uint32_t number, found = 0;
	int rc = scope_chain(v, scope, &number, &c);
	if (rc == SOU_EUNKNOWN) {
		*out = a;
		return SOU_OK;
	}
	sou_batch_begin(v->batch, SOU_BATCH_PACK_BYTES);
	for (uint32_t i = 0; rc == SOU_OK && i < versions->count; i++) {
		struct sou_id version = sou_mp_list_id(versions, i);
		uint32_t at = chain_find(c, &version);
		if (at == 0)
			continue;
		rc = put_wanted(v, c, number, at);
		found += rc == SOU_OK;
		if (rc == SOU_ECORRUPT) /* damaged: as if it were not here */
			rc = SOU_OK;
	}
	if (rc == SOU_EAGAIN) /* the rest is asked for again */
		rc = SOU_OK;
	if (rc == SOU_OK && found > 0)
		rc = batch_close(v, buf, &sent, &a);
	if (rc == SOU_OK)
		*out = a;
	return rc;
}

int reader_signatures(void *ctx, const struct sou_signatures_want *want, struct sou_buf *body)
{
	struct soud_reader *v = ctx;
	struct sou_id first = sou_hash_half(&want->first), last = sou_hash_half(&want->last);
	uint32_t walk[SOU_SIGNATURES_MAX], number;
	struct chain *c;
	int rc = scope_chain(v, &want->scope, &number, &c);
	if (rc != SOU_OK)
		return rc;
	uint32_t stop = chain_find(c, &first), at = chain_find(c, &last);
	size_t n = 0;
	if (stop == 0 || at == 0)
		return SOU_EUNKNOWN;
	for (; at != 0 && n < SOU_SIGNATURES_MAX; at = at == stop ? 0 : c->prev[at - 1])
		walk[n++] = at;
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) { /* those whose signature is held */
		struct soud_row row;
		rc = soud_store_log_get(v->store, number, walk[i], &row);
		if (rc != SOU_OK)
			return rc;
		if (row.sig.n == SOU_SIGNATURE_BYTES)
			walk[kept++] = walk[i];
	}
	if (kept == 0)
		return SOU_EUNKNOWN;
	sou_signatures_pack_begin(body, &want->scope, (uint32_t)kept);
	for (size_t i = kept; i > 0; i--) {
		struct soud_row row;
		rc = soud_store_log_get(v->store, number, walk[i - 1], &row);
		if (rc != SOU_OK)
			return rc;
		sou_signatures_put(body, &row.id, row.sig.p);
	}
	return body->failed ? SOU_ENOMEM : SOU_OK;
}
