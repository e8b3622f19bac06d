/* checker.h - news on their way to the writer: read, hashed, and their signatures checked on the
 * loop's worker threads, so that the one thread that writes has the verdict, the merge and the disk
 * left to do (intake.h; the core itself knows no thread: R24). Jobs are handed on in the order in
 * which they came here, whatever takes longest. Everything here is called on the loop thread. */
#ifndef SOUD_CHECKER_H
#define SOUD_CHECKER_H

#include "daemon/replica/intake.h"
#include "daemon/writer.h"
#include "proto/msg.h"

struct soud_checker;

struct soud_checker_use {
	void *data;
	void (*post)(void *data, struct soud_job *job); /* the writer's */
	/* Nothing waits for the writer: it may as well read a small frame itself, at once. */
	bool (*idle)(void *data);
	/* As the loop knows it; keys that it does not know stay for the writer. */
	const struct sou_authority *(*authority)(void *data);
	const struct sou_verifier *verifier;
	bool every_signature; /* the hub */
};

#define SOUD_CHECK_PARTS 4u /* a batch is checked by at most so many threads */

struct soud_check { /* embed it in what a job is about; the poster owns it until the job is done */
	struct soud_job *job;
	/* Read, and checked as far as was possible: for soud_replica_ingest. NULL: not done here,
	 * also of what is malformed; the job reads the frame itself. The poster frees it. */
	struct soud_intake *intake;
	/* The checker's: */
	struct soud_checker *checker;
	struct sou_id net;
	struct sou_news news;
	struct sou_batch *batch;
	struct soud_check *next;
	uv_work_t read;
	struct soud_check_part {
		uv_work_t work;
		struct soud_check *check;
		size_t first, count;
	} part[SOUD_CHECK_PARTS];
	unsigned parts; /* still under way */
	bool ready;
};

/* SOU_ENOMEM. */
int soud_checker_new(struct soud_checker **out, uv_loop_t *loop,
		     const struct soud_checker_use *use);
/* NULL is fine. Nothing may be under way: all jobs that were posted here are done. */
void soud_checker_free(struct soud_checker *c);

/* A job with nothing to check, behind all that came before it. */
void soud_checker_post(struct soud_checker *c, struct soud_check *check);
/* The job takes in `news`, whose data stay where they are until it is done. */
void soud_checker_news(struct soud_checker *c, struct soud_check *check, const struct sou_id *net,
		       const struct sou_news *news);

#endif
