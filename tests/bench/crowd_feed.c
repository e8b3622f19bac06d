/* crowd_feed.c - entries into a replica, as a peer's frames bring them to a daemon: read and
 * checked on worker threads (daemon/checker.h), stored here. The frames are made before time is
 * taken. */
#include <stdlib.h>
#include <string.h>

#include "daemon/checker.h"
#include "tests/bench/crowd.h"

/* As many as the session's window lets a link have under way, about (P13.9). */
#define UNDER_WAY 32u

struct frame {
	struct sou_news news;
	struct sou_buf data;
	size_t entries;
};

struct feed {
	uv_loop_t loop;
	struct soud_checker *checker;
	struct soud_replica *replica;
	struct frame *frames;
	size_t count, cap, under_way;
	uint32_t a_commit, in; /* in: of the transaction that is open */
	bool open;
};

struct feed_job {
	struct soud_job job; /* first: it is what the checker hands on */
	struct soud_check check;
	struct feed *feed;
	const struct frame *frame;
};

/* --- Frames --- */

/* Items first..end of one author as one frame; returns how many went. */
static size_t pack_frame(struct feed *f, const struct crowd *c, struct sou_batch *batch,
			 const uint32_t *items, size_t count, bool every, uint64_t upto[])
{
	struct sou_batch_sent sent;
	uint32_t author = c->entries[items[0]].author;
	if (f->count == f->cap) {
		f->cap = f->cap == 0 ? 64 : f->cap * 2;
		f->frames = realloc(f->frames, f->cap * sizeof *f->frames);
		if (f->frames == NULL)
			crowd_die("frames", "no memory");
	}
	struct frame *frame = &f->frames[f->count++];
	*frame = (struct frame){.entries = 0};
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
	if (sou_batch_end(batch, &frame->data, &sent) != SOU_OK)
		crowd_die("batch", "does not end");
	frame->entries = sent.entries;
	frame->news = (struct sou_news){.scope = c->scopes[author],
					.after = upto[author],
					.upto = upto[author] + sent.covered,
					.flags = sent.is_zstd ? SOU_DATA_ZSTD : 0,
					.raw_bytes = sent.raw_bytes,
					.data = sou_buf_span(&frame->data)};
	upto[author] = frame->news.upto;
	return sent.covered;
}

/* Author after author, so that frames are as long as a sender makes them; or each entry alone, in
 * the order in which they were written. */
static void pack_all(struct feed *f, const struct crowd *c, bool every, uint32_t count)
{
	uint64_t upto[CROWD_AUTHORS] = {0}; /* of each scope, in the sender's log */
	struct sou_batch *batch;
	uint32_t *items = malloc((count + 1) * sizeof *items);
	if (items == NULL || sou_batch_new(&batch) != SOU_OK)
		crowd_die("batch", "no memory");
	for (uint32_t i = 0; f->a_commit == 1 && i < count; i++)
		(void)pack_frame(f, c, batch, &i, 1, every, upto);
	for (uint32_t author = 0; f->a_commit > 1 && author < CROWD_AUTHORS; author++) {
		size_t n = 0;
		for (uint32_t i = 0; i < count; i++)
			if (c->entries[i].author == author)
				items[n++] = i;
		for (size_t at = 0; at < n;)
			at += pack_frame(f, c, batch, items + at, n - at < 1000 ? n - at : 1000,
					 every, upto);
	}
	sou_batch_free(batch);
	free(items);
}

/* --- Storing --- */

static void commit(struct feed *f)
{
	struct soud_committed done;
	if (f->open && (soud_replica_commit(f->replica, &done) != SOU_OK ||
			soud_replica_tidy(f->replica, false) != SOU_OK))
		crowd_die("commit", soud_replica_error(f->replica)->text);
	f->open = false;
	f->in = 0;
}

static void store(void *data, struct soud_job *job)
{
	struct feed *f = data;
	struct feed_job *j = (struct feed_job *)job;
	const struct soud_from from = {.site = {{1}}, .log = {{2}}};
	const struct sou_news *news = &j->frame->news;
	struct soud_taken taken;
	if (!f->open && soud_replica_begin(f->replica) != SOU_OK)
		crowd_die("begin", soud_replica_error(f->replica)->text);
	f->open = true;
	if (j->check.intake == NULL ||
	    soud_replica_ingest(f->replica, &from, j->check.intake, news->after, news->upto, false,
				&taken) != SOU_OK)
		crowd_die("news", soud_replica_error(f->replica)->text);
	if (taken.fresh != j->frame->entries)
		crowd_die("news", "not all was new");
	f->in += taken.fresh;
	if (f->in >= f->a_commit)
		commit(f);
	f->under_way--;
	soud_intake_free(j->check.intake);
	free(j);
}

static bool is_idle(void *data)
{
	(void)data;
	return false; /* a stream, not a single frame */
}

static const struct sou_authority *authority(void *data)
{
	struct feed *f = data;
	return soud_replica_authority(f->replica);
}

static void take_all(struct feed *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct feed_job *j = calloc(1, sizeof *j);
		if (j == NULL)
			crowd_die("news", "no memory");
		j->check.job = &j->job;
		j->feed = f;
		j->frame = &f->frames[i];
		while (f->under_way >= UNDER_WAY)
			(void)uv_run(&f->loop, UV_RUN_ONCE);
		f->under_way++;
		soud_checker_news(f->checker, &j->check, &soud_replica_identity(f->replica)->net,
				  &j->frame->news);
	}
	while (f->under_way > 0)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	commit(f);
}

struct crowd_cost crowd_feed(struct crowd *c, struct soud_replica *r, bool every, uint32_t a_commit,
			     uint32_t limit)
{
	struct feed f = {.replica = r, .a_commit = a_commit};
	const struct soud_checker_use use = {.data = &f,
					     .post = store,
					     .idle = is_idle,
					     .authority = authority,
					     .verifier = &sou_verifier_ed25519,
					     .every_signature = every};
	if (uv_loop_init(&f.loop) != 0 || soud_checker_new(&f.checker, &f.loop, &use) != SOU_OK)
		crowd_die("checker", "no memory");
	pack_all(&f, c, every, c->count < limit ? c->count : limit);
	struct crowd_cost start = {crowd_now_s(), crowd_cpu_s()};
	take_all(&f);
	struct crowd_cost took = {crowd_now_s() - start.wall_s, crowd_cpu_s() - start.cpu_s};
	soud_checker_free(f.checker);
	(void)uv_run(&f.loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&f.loop) != 0)
		crowd_die("feed", "something is left in the loop");
	for (size_t i = 0; i < f.count; i++)
		sou_buf_fini(&f.frames[i].data);
	free(f.frames);
	return took;
}
