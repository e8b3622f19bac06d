/* news.c - stored entries encoded for a link (P11.6, P11.10, P13.6, P13.7). A link is a cursor;
 * what many links ask for alike is encoded once and kept for a while (design 6). */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/reader_int.h"
#include "daemon/replica/replica_int.h"
#include "proto/header.h"

/* --- What was encoded before --- */

static void coded_drop(struct soud_reader *v, struct coded *c)
{
	free(c->data);
	v->coded_bytes -= c->data_bytes;
	*c = (struct coded){0};
}

void coded_clear(struct soud_reader *v)
{
	for (size_t i = 0; i < CODED_MAX; i++) {
		if (v->coded[i].data != NULL)
			coded_drop(v, &v->coded[i]);
	}
}

/* May the stretch go to this peer as it is: would nothing be left out for it? */
static bool coded_fits(const struct coded *c, const struct sou_news_query *q, uint64_t peer)
{
	if (q->only_site)
		return false;
	for (uint32_t i = 0; i < c->origin_count; i++) {
		if (peer != 0 && c->origins[i].source == peer)
			return false;
	}
	return true;
}

static const struct coded *coded_find(struct soud_reader *v, uint32_t number, uint64_t last,
				      const struct sou_news_query *q, uint64_t peer)
{
	for (size_t i = 0; i < CODED_MAX; i++) {
		struct coded *c = &v->coded[i];
		if (c->data == NULL || c->number != number || c->after != q->after ||
		    c->every_signature != q->every_signature || c->bytes_max != q->bytes_max ||
		    (c->to_end && c->last != last) || !coded_fits(c, q, peer))
			continue;
		c->used = ++v->tick;
		return c;
	}
	return NULL;
}

/* Keep what was just encoded; only that nothing was left out of, so that it fits others. */
static void coded_keep(struct soud_reader *v, const struct coded *like, struct sou_span data)
{
	struct coded *free_one = NULL;
	if (data.n == 0 || data.n > CODED_BYTES_MAX / 8)
		return;
	while (free_one == NULL || v->coded_bytes + data.n > CODED_BYTES_MAX) {
		struct coded *oldest = NULL;
		free_one = NULL;
		for (size_t i = 0; i < CODED_MAX; i++) {
			struct coded *c = &v->coded[i];
			if (c->data == NULL)
				free_one = free_one == NULL ? c : free_one;
			else if (oldest == NULL || c->used < oldest->used)
				oldest = c;
		}
		if (free_one != NULL && v->coded_bytes + data.n <= CODED_BYTES_MAX)
			break;
		coded_drop(v, oldest);
	}
	uint8_t *copy = malloc(data.n);
	if (copy == NULL)
		return; /* it is encoded again next time */
	memcpy(copy, data.p, data.n);
	*free_one = *like;
	free_one->data = copy;
	free_one->data_bytes = data.n;
	free_one->used = ++v->tick;
	v->coded_bytes += data.n;
}

/* False when there are too many to be worth keeping. */
static bool note_origin(struct coded *c, uint64_t source, const struct sou_id *site)
{
	for (uint32_t i = 0; i < c->origin_count; i++) {
		if (c->origins[i].source == source && sou_id_eq(&c->origins[i].site, site))
			return true;
	}
	if (c->origin_count == CODED_ORIGINS_MAX)
		return false;
	c->origins[c->origin_count++] = (struct origin){source, *site};
	return true;
}

/* --- Encoding --- */

/* R22, B14: what is not what its id says is never forwarded, listed or not. A row whose signature
 * is damaged is known by the list alone. */
static int check_row(struct soud_reader *v, uint32_t number, const struct soud_row *row,
		     struct sou_span payload)
{
	if (payload.n > 0 && soud_damage_find(&v->damage, number, row->arrival) != NULL)
		return SOU_ECORRUPT;
	int rc = sou_entry_read(&v->entry, row->header, payload, NULL);
	if (rc == SOU_ENOMEM || (rc == SOU_OK && sou_hash_eq(&v->entry.facts.id, &row->id)))
		return rc;
	v->damage_met = true;
	return SOU_ECORRUPT;
}

int batch_row(struct soud_reader *v, uint32_t number, const struct soud_row *row, bool keep,
	      bool header_only)
{
	struct sou_batch_item item = {
		.header = row->header,
		.payload = header_only ? (struct sou_span){NULL, 0} : row->payload,
		.signature = row->sig.n == SOU_SIGNATURE_BYTES ? row->sig.p : NULL,
		.keep_signature = keep,
		.id = row->id};
	int rc = check_row(v, number, row, item.payload);
	return rc == SOU_OK ? sou_batch_add(v->batch, &item) : rc;
}

int batch_close(struct soud_reader *v, struct sou_buf *buf, struct sou_batch_sent *sent,
		struct sou_news_answer *out)
{
	int rc = sou_batch_end(v->batch, buf, sent);
	if (rc == SOU_OK && buf->failed)
		rc = SOU_ENOMEM;
	if (rc != SOU_OK)
		return rc;
	out->entry_count = sent->entries;
	out->flags = sent->is_zstd ? SOU_DATA_ZSTD : 0;
	out->raw_bytes = sent->raw_bytes;
	return SOU_OK;
}

struct scan { /* one walk over the log of a scope */
	const struct sou_news_query *q;
	uint64_t peer, last, upto;
	const uint8_t *marks; /* at or before the peer's heads; NULL: none */
	size_t added;
	bool left_out, full;
	bool keepable;
	struct coded like;
};

static bool is_left_out(const struct scan *s, const struct soud_row *row, const struct sou_id *site)
{
	return (s->peer != 0 && row->source == s->peer && !s->q->by_heads) ||
	       (s->q->only_site && !sou_id_eq(site, &s->q->peer_site)) ||
	       (s->marks != NULL && s->marks[row->arrival] != 0);
}

static int scan_row(struct soud_reader *v, struct scan *s, uint32_t number,
		    const struct soud_row *row)
{
	struct sou_header header;
	if (sou_header_read(&header, row->header) != SOU_OK) {
		v->damage_met = s->left_out = true;
		return SOU_OK;
	}
	if (is_left_out(s, row, &header.site)) {
		s->left_out = true;
		return SOU_OK;
	}
	int rc = replica_grow((void **)&v->arrivals, &v->arrival_room, s->added,
			      sizeof *v->arrivals);
	if (rc == SOU_OK)
		rc = batch_row(v, number, row,
			       s->q->every_signature || sou_id_eq(&header.site, &v->identity.site),
			       false);
	if (rc == SOU_ECORRUPT) { /* asked for elsewhere; peers find the difference by digest */
		s->left_out = true;
		return SOU_OK;
	}
	if (rc != SOU_OK)
		return rc;
	v->arrivals[s->added++] = row->arrival;
	s->keepable = s->keepable && note_origin(&s->like, row->source, &header.site);
	return SOU_OK;
}

static int scan_log(struct soud_reader *v, struct scan *s, uint32_t number)
{
	s->upto = s->q->after;
	for (uint32_t seen = 0; seen < SCAN_ROWS_MAX; seen++) {
		struct soud_row row;
		int rc = soud_store_log_next(v->store, number, s->upto, &row);
		if (rc == SOU_EUNKNOWN)
			return SOU_OK;
		if (rc == SOU_OK)
			rc = scan_row(v, s, number, &row);
		if (rc == SOU_EAGAIN) {
			s->full = true;
			return SOU_OK;
		}
		if (rc != SOU_OK)
			return rc;
		s->upto = row.arrival;
	}
	s->full = true; /* more may follow */
	return SOU_OK;
}

static int encode(struct soud_reader *v, struct scan *s, uint32_t number, struct sou_buf *buf,
		  struct sou_news_answer *out)
{
	struct sou_batch_sent sent = {0};
	struct sou_news_answer a = {0};
	size_t from = buf->n;
	sou_batch_begin(v->batch, s->q->bytes_max);
	int rc = scan_log(v, s, number);
	if (rc != SOU_OK)
		return rc;
	a.upto = s->upto;
	if (s->added > 0) {
		rc = batch_close(v, buf, &sent, &a);
		if (rc != SOU_OK)
			return rc;
		if (sent.covered < s->added) {
			a.upto = v->arrivals[sent.covered] - 1;
			s->full = true;
		}
		if (sent.covered == 0) /* the first cannot go yet, nor can the cursor */
			return SOU_ECORRUPT;
	}
	if (s->keepable && !s->left_out && a.entry_count > 0) {
		s->like.number = number;
		s->like.every_signature = s->q->every_signature;
		s->like.to_end = !s->full;
		s->like.after = s->q->after;
		s->like.last = s->last;
		s->like.bytes_max = s->q->bytes_max;
		s->like.answer = a;
		coded_keep(v, &s->like, (struct sou_span){buf->p + from, buf->n - from});
	}
	*out = a;
	return SOU_OK;
}

int reader_news(void *ctx, const struct sou_news_query *q, struct sou_buf *buf,
		struct sou_news_answer *out)
{
	struct soud_reader *v = ctx;
	struct scan s = {.q = q, .keepable = !q->by_heads && q->head_count == 0 && !q->only_site};
	uint32_t number;
	if (!reader_scope(v, &q->scope, &number, &s.last) || s.last <= q->after) {
		*out = (struct sou_news_answer){.upto = q->after};
		return SOU_OK;
	}
	s.peer = reader_peer(v, &q->peer_site, &q->peer_log);
	if (s.keepable) {
		const struct coded *c = coded_find(v, number, s.last, q, s.peer);
		if (c != NULL) {
			sou_buf_put(buf, c->data, c->data_bytes);
			*out = c->answer;
			return buf->failed ? SOU_ENOMEM : SOU_OK;
		}
	}
	uint8_t *marks = NULL;
	if (q->head_count > 0) {
		struct chain *chain;
		int rc = chain_get(v, number, s.last, &chain);
		if (rc == SOU_OK)
			rc = chain_marks(v, chain, q->heads, q->head_count, &marks);
		if (rc != SOU_OK)
			return rc;
		s.marks = marks;
	}
	int rc = encode(v, &s, number, buf, out);
	free(marks);
	return rc;
}
