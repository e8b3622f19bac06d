/* crowd_feed.c - entries into a replica, as a peer's frames bring them. */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/crowd.h"

static uint64_t upto[CROWD_AUTHORS]; /* of each scope, in the sender's log */
static struct crowd_cost packing;    /* the sender's work, to be left out */

/* Items first..end of one author as one frame; returns how many went. */
static size_t take_frame(struct crowd *c, struct soud_replica *r, struct sou_batch *batch,
			 const uint32_t *items, size_t count, bool every)
{
	struct crowd_cost start = {crowd_now_s(), crowd_cpu_s()};
	const struct soud_from from = {.site = {{1}}, .log = {{2}}};
	struct sou_batch_sent sent;
	struct sou_buf data = {0};
	uint32_t author = c->entries[items[0]].author;
	sou_batch_begin(batch, SOU_NEWS_RAW_BYTES);
	for (size_t i = 0; i < count; i++) {
		const struct crowd_entry *e = &c->entries[items[i]];
		struct sou_batch_item item = {.header = e->header,
					      .payload = e->payload,
					      .signature = e->signature,
					      .keep_signature = every,
					      .id = e->id};
		if (sou_batch_add(batch, &item) != SOU_OK)
			break;
	}
	if (sou_batch_end(batch, &data, &sent) != SOU_OK)
		crowd_die("batch", "does not end");
	struct sou_news news = {.scope = c->scopes[author],
				.after = upto[author],
				.upto = upto[author] + sent.covered,
				.flags = sent.is_zstd ? SOU_DATA_ZSTD : 0,
				.raw_bytes = sent.raw_bytes,
				.data = sou_buf_span(&data)};
	struct soud_taken taken;
	packing.wall_s += crowd_now_s() - start.wall_s;
	packing.cpu_s += crowd_cpu_s() - start.cpu_s;
	if (soud_replica_news(r, &from, &news, &taken) != SOU_OK)
		crowd_die("news", soud_replica_error(r)->text);
	if (taken.fresh != sent.entries)
		crowd_die("news", "not all was new");
	upto[author] = news.upto;
	sou_buf_fini(&data);
	return sent.covered;
}

static void begin(struct soud_replica *r)
{
	if (soud_replica_begin(r) != SOU_OK)
		crowd_die("begin", soud_replica_error(r)->text);
}

static void commit(struct soud_replica *r)
{
	struct soud_committed done;
	if (soud_replica_commit(r, &done) != SOU_OK || soud_replica_tidy(r, false) != SOU_OK)
		crowd_die("commit", soud_replica_error(r)->text);
}

/* Author after author, so that frames are as long as a sender makes them. */
static void feed_runs(struct crowd *c, struct soud_replica *r, struct sou_batch *batch, bool every,
		      uint32_t a_commit, uint32_t count)
{
	uint32_t in = 0, *items = malloc((count + 1) * sizeof *items);
	if (items == NULL)
		crowd_die("batch", "no memory");
	begin(r);
	for (uint32_t author = 0; author < CROWD_AUTHORS; author++) {
		size_t n = 0;
		for (uint32_t i = 0; i < count; i++)
			if (c->entries[i].author == author)
				items[n++] = i;
		for (size_t at = 0; at < n;) {
			size_t left = n - at < 1000 ? n - at : 1000;
			size_t went = take_frame(c, r, batch, items + at, left, every);
			at += went;
			in += (uint32_t)went;
			if (in >= a_commit) {
				commit(r);
				begin(r);
				in = 0;
			}
		}
	}
	commit(r);
	free(items);
}

struct crowd_cost crowd_feed(struct crowd *c, struct soud_replica *r, bool every, uint32_t a_commit,
			     uint32_t limit)
{
	struct sou_batch *batch;
	uint32_t count = c->count < limit ? c->count : limit;
	if (sou_batch_new(&batch) != SOU_OK)
		crowd_die("batch", "no memory");
	memset(upto, 0, sizeof upto);
	packing = (struct crowd_cost){0, 0};
	struct crowd_cost start = {crowd_now_s(), crowd_cpu_s()};
	if (a_commit > 1) {
		feed_runs(c, r, batch, every, a_commit, count);
	} else {
		for (uint32_t i = 0; i < count; i++) {
			begin(r);
			(void)take_frame(c, r, batch, &i, 1, every);
			commit(r);
		}
	}
	struct crowd_cost took = {crowd_now_s() - start.wall_s - packing.wall_s,
				  crowd_cpu_s() - start.cpu_s - packing.cpu_s};
	sou_batch_free(batch);
	return took;
}
