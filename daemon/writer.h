/* writer.h - the one thread that writes (R6, R24): jobs in order, grouped into one durable
 * transaction. The loop thread posts jobs and gets them back, done, on its own thread. Commit at
 * once when nothing waits; what came while a commit ran goes into the next one together. */
#ifndef SOUD_WRITER_H
#define SOUD_WRITER_H

#include <stdbool.h>
#include <uv.h>

#include "proto/error.h"

struct soud_writer;

struct soud_job { /* embed it first in what the job is about; the poster owns it until `done` */
	/* On the writer thread, inside a transaction. SOU_OK, or an error of this job alone, of
	 * which nothing may be left in the transaction. SOU_ESTORE ends the whole group. */
	int (*run)(struct soud_job *job, void *replica);
	/* On the loop thread, once. rc: SOU_OK when run was and the transaction is durable. May
	 * free job. */
	void (*done)(struct soud_job *job, int rc);
	struct soud_job *next; /* the writer's */
	int rc;                /* the writer's */
};

struct soud_writer_group { /* how a group of jobs becomes durable; on the writer thread */
	void *replica;     /* handed to jobs */
	int (*begin)(void *replica);
	int (*commit)(void *replica); /* durable when SOU_OK; fence included (R12) */
	/* After SOU_ESTORE of a job. What all jobs of the group get: SOU_ESTORE, SOU_EFULL or
	 * SOU_ECORRUPT. */
	int (*rollback)(void *replica);
	/* Between groups, nothing open: checkpoints and the like. NULL: nothing. True: something
	 * waits for the loop's reader to go on; `landed` is called, and then this once more. */
	bool (*idle)(void *replica);
	/* On the loop thread, before the `done` of jobs whose group has ended. NULL: nothing. */
	void (*landed)(void *landed_data);
	void *landed_data;
};

/* Starts the thread. SOU_ENOMEM, SOU_EIO. The loop must run until close is through. */
int soud_writer_new(struct soud_writer **out, uv_loop_t *loop,
		    const struct soud_writer_group *group, struct sou_err *err);

/* Never fails; any number may wait: who posts bounds what is under way. */
void soud_writer_post(struct soud_writer *w, struct soud_job *job);

/* Jobs posted and not yet done. */
size_t soud_writer_waiting(const struct soud_writer *w);

/* Has the thread got on (a job or a group ended, or it woke up because of this question) since it
 * was last asked? It is asked anew each time. False again and again: it hangs. The first answer is
 * about the time since the start. */
bool soud_writer_moved(struct soud_writer *w);

/* Runs what was posted, stops the thread, then calls closed_cb on the loop thread; w is gone then.
 */
void soud_writer_close(struct soud_writer *w, void (*closed_cb)(void *data), void *data);

#endif
