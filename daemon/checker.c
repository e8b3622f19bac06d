/* checker.c - the row of jobs that wait for their turn, and what worker threads do for them. The
 * threads share nothing: each reads one check, or marks the entries of its own part of it. */
#include "daemon/checker.h"

#include <stdlib.h>

#include "proto/batch.h"
#include "proto/limits.h"

struct soud_checker {
	uv_loop_t *loop;
	struct soud_checker_use use;
	struct soud_check *first, **last;
	struct sou_batch *spare[SOUD_CHECK_PARTS]; /* readers between two uses; owned */
	size_t spare_count;
};

int soud_checker_new(struct soud_checker **out, uv_loop_t *loop, const struct soud_checker_use *use)
{
	struct soud_checker *c = calloc(1, sizeof *c);
	if (c == NULL)
		return SOU_ENOMEM;
	c->loop = loop;
	c->use = *use;
	c->last = &c->first;
	*out = c;
	return SOU_OK;
}

void soud_checker_free(struct soud_checker *c)
{
	if (c == NULL)
		return;
	SOU_ASSERT(c->first == NULL);
	while (c->spare_count > 0)
		sou_batch_free(c->spare[--c->spare_count]);
	free(c);
}

static void hand_on(struct soud_checker *c)
{
	while (c->first != NULL && c->first->ready) {
		struct soud_check *check = c->first;
		c->first = check->next;
		if (c->first == NULL)
			c->last = &c->first;
		c->use.post(c->use.data, check->job); /* from here on it may be gone */
	}
}

static void ready(struct soud_check *check)
{
	check->ready = true;
	hand_on(check->checker);
}

static void put(struct soud_checker *c, struct soud_check *check)
{
	check->checker = c;
	check->next = NULL;
	check->ready = false;
	check->intake = NULL;
	*c->last = check;
	c->last = &check->next;
}

/* --- Signatures --- */

static void check_part(uv_work_t *work)
{
	struct soud_check_part *p = work->data;
	const struct soud_checker *c = p->check->checker;
	/* What it could not check stays chosen, and the writer meets the same error. */
	(void)soud_intake_check(p->check->intake, c->use.verifier, p->first, p->count);
}

static void part_checked(uv_work_t *work, int status)
{
	struct soud_check_part *p = work->data;
	(void)status;
	if (--p->check->parts == 0)
		ready(p->check);
}

static void check_signatures(struct soud_check *check)
{
	struct soud_checker *c = check->checker;
	size_t count = soud_intake_count(check->intake);
	size_t chosen = soud_intake_keys(check->intake, c->use.authority(c->use.data),
					 c->use.every_signature);
	if (chosen == 0) {
		ready(check);
		return;
	}
	unsigned parts = chosen < SOU_CHECK_PART_MIN * SOUD_CHECK_PARTS
				 ? (unsigned)(chosen / SOU_CHECK_PART_MIN)
				 : SOUD_CHECK_PARTS;
	parts = parts == 0 ? 1 : parts;
	check->parts = parts;
	for (unsigned i = 0; i < parts; i++) {
		struct soud_check_part *p = &check->part[i];
		*p = (struct soud_check_part){.check = check,
					      .first = count * i / parts,
					      .count = count * (i + 1) / parts - count * i / parts};
		p->work.data = p;
		int rc = uv_queue_work(c->loop, &p->work, check_part, part_checked);
		SOU_ASSERT(rc == 0); /* it fails without a callback only */
	}
}

/* --- Reading --- */

static void read_frame(uv_work_t *work)
{
	struct soud_check *check = work->data;
	(void)soud_intake_new(&check->intake, check->batch, &check->net, &check->news);
}

static void frame_read(uv_work_t *work, int status)
{
	struct soud_check *check = work->data;
	struct soud_checker *c = check->checker;
	(void)status;
	if (c->spare_count < SOUD_CHECK_PARTS)
		c->spare[c->spare_count++] = check->batch;
	else
		sou_batch_free(check->batch);
	check->batch = NULL;
	if (check->intake != NULL)
		check_signatures(check);
	else
		ready(check);
}

void soud_checker_post(struct soud_checker *c, struct soud_check *check)
{
	put(c, check);
	ready(check);
}

void soud_checker_news(struct soud_checker *c, struct soud_check *check, const struct sou_id *net,
		       const struct sou_news *news)
{
	bool small = news->data.n <= SOU_CHECK_SMALL_BYTES;
	bool at_once = small && c->first == NULL && c->use.idle(c->use.data);
	put(c, check);
	check->net = *net;
	check->news = *news;
	check->batch = NULL;
	if (!at_once && c->spare_count > 0)
		check->batch = c->spare[--c->spare_count];
	else if (!at_once && sou_batch_new(&check->batch) != SOU_OK)
		check->batch = NULL;
	if (check->batch == NULL) {
		ready(check);
		return;
	}
	check->read.data = check;
	if (small) { /* a few hashes: less than waking a thread */
		read_frame(&check->read);
		frame_read(&check->read, 0);
		return;
	}
	int rc = uv_queue_work(c->loop, &check->read, read_frame, frame_read);
	SOU_ASSERT(rc == 0);
}
