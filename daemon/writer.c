/* writer.c - the writer thread and its two queues. The queues are all that the threads share; the
 * mutex guards them and `stop`, nothing else. */
#include "daemon/writer.h"

#include <stdlib.h>

#include "proto/limits.h"

struct queue {
	struct soud_job *first, **last;
};

struct soud_writer {
	struct soud_writer_group group;
	uv_thread_t thread;
	uv_async_t async; /* wakes the loop: something is done, or the thread ended */
	uv_mutex_t lock;
	uv_cond_t wake;
	struct queue todo, done; /* guarded by lock */
	bool stop, stopped;      /* guarded by lock */
	bool look;               /* guarded by lock: idle waits for the reader */
	bool asked;              /* guarded by lock: does it still move? */
	uint64_t steps;          /* guarded by lock: goes up whenever the thread has got on */
	uint64_t steps_seen;     /* loop thread only */
	size_t waiting;          /* loop thread only */
	void (*closed_cb)(void *data);
	void *closed_data;
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_put(struct queue *q, struct soud_job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

/* At most `max` from the front of q. */
static struct queue queue_take(struct queue *q, size_t max)
{
	struct queue got;
	queue_init(&got);
	while (q->first != NULL && max-- > 0) {
		struct soud_job *job = q->first;
		q->first = job->next;
		queue_put(&got, job);
	}
	if (q->first == NULL)
		q->last = &q->first;
	return got;
}

static void all_get(struct queue *group, int rc)
{
	for (struct soud_job *job = group->first; job != NULL; job = job->next)
		job->rc = rc;
}

static void step(struct soud_writer *w)
{
	uv_mutex_lock(&w->lock);
	w->steps++;
	uv_mutex_unlock(&w->lock);
}

/* One transaction. A job's own error is its own; an error of the store is everybody's. */
static void run_group(struct soud_writer *w, struct queue *group)
{
	int rc = w->group.begin(w->group.replica);
	if (rc != SOU_OK) {
		all_get(group, rc);
		return;
	}
	for (struct soud_job *job = group->first; job != NULL; job = job->next) {
		job->rc = job->run(job, w->group.replica);
		step(w);
		if (job->rc == SOU_ESTORE) {
			all_get(group, w->group.rollback(w->group.replica));
			return;
		}
	}
	rc = w->group.commit(w->group.replica);
	if (rc != SOU_OK)
		all_get(group, rc);
}

/* Until there is something to do, or idle wants to be called again. Locked. */
static void wait_for_work(struct soud_writer *w, bool again)
{
	for (;;) {
		if (w->asked) {
			w->asked = false;
			w->steps++;
		}
		if (w->todo.first != NULL || w->stop)
			return;
		if (!again)
			uv_cond_wait(&w->wake, &w->lock);
		else if (uv_cond_timedwait(&w->wake, &w->lock,
					   SOU_WRITER_AGAIN_MS * UINT64_C(1000000)) != 0)
			return;
	}
}

static void thread_main(void *arg)
{
	struct soud_writer *w = arg;
	bool again = false;
	for (;;) {
		uv_mutex_lock(&w->lock);
		wait_for_work(w, again);
		struct queue group = queue_take(&w->todo, SOU_WRITER_GROUP_MAX);
		bool stop = group.first == NULL && w->stop;
		w->stopped = stop;
		uv_mutex_unlock(&w->lock);
		if (stop)
			break;
		if (group.first != NULL)
			run_group(w, &group);
		uv_mutex_lock(&w->lock);
		w->steps++;
		while (group.first != NULL) {
			struct queue one = queue_take(&group, 1);
			queue_put(&w->done, one.first);
		}
		bool more = w->todo.first != NULL;
		uv_mutex_unlock(&w->lock);
		uv_async_send(&w->async);
		again = !more && w->group.idle != NULL && w->group.idle(w->group.replica);
		if (again) {
			uv_mutex_lock(&w->lock);
			w->look = true;
			uv_mutex_unlock(&w->lock);
			uv_async_send(&w->async);
		}
	}
	uv_async_send(&w->async);
}

static void on_closed(uv_handle_t *handle)
{
	struct soud_writer *w = handle->data;
	void (*closed_cb)(void *data) = w->closed_cb;
	void *data = w->closed_data;
	uv_cond_destroy(&w->wake);
	uv_mutex_destroy(&w->lock);
	free(w);
	if (closed_cb != NULL)
		closed_cb(data);
}

static void on_async(uv_async_t *async)
{
	struct soud_writer *w = async->data;
	uv_mutex_lock(&w->lock);
	struct queue done = queue_take(&w->done, SIZE_MAX);
	bool stopped = w->stopped, look = w->look;
	w->look = false;
	uv_mutex_unlock(&w->lock);
	if ((done.first != NULL || look) && w->group.landed != NULL)
		w->group.landed(w->group.landed_data);
	while (done.first != NULL) {
		struct soud_job *job = queue_take(&done, 1).first;
		w->waiting--;
		job->done(job, job->rc);
	}
	if (stopped && !uv_is_closing((uv_handle_t *)async)) {
		uv_thread_join(&w->thread);
		uv_close((uv_handle_t *)async, on_closed);
	}
}

int soud_writer_new(struct soud_writer **out, uv_loop_t *loop,
		    const struct soud_writer_group *group, struct sou_err *err)
{
	struct soud_writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		return sou_err_set(err, SOU_ENOMEM, "writer: no memory");
	w->group = *group;
	queue_init(&w->todo);
	queue_init(&w->done);
	if (uv_mutex_init(&w->lock) != 0)
		goto no_lock;
	if (uv_cond_init(&w->wake) != 0)
		goto no_cond;
	if (uv_async_init(loop, &w->async, on_async) != 0)
		goto no_async;
	w->async.data = w;
	if (uv_thread_create(&w->thread, thread_main, w) != 0) {
		uv_close((uv_handle_t *)&w->async, on_closed); /* frees w */
		return sou_err_set(err, SOU_EIO, "writer: no thread");
	}
	*out = w;
	return SOU_OK;
no_async:
	uv_cond_destroy(&w->wake);
no_cond:
	uv_mutex_destroy(&w->lock);
no_lock:
	free(w);
	return sou_err_set(err, SOU_EIO, "writer: cannot be set up");
}

void soud_writer_post(struct soud_writer *w, struct soud_job *job)
{
	SOU_ASSERT(job->run != NULL);
	SOU_ASSERT(job->done != NULL);
	w->waiting++;
	uv_mutex_lock(&w->lock);
	SOU_ASSERT(!w->stop);
	queue_put(&w->todo, job);
	uv_cond_signal(&w->wake);
	uv_mutex_unlock(&w->lock);
}

size_t soud_writer_waiting(const struct soud_writer *w)
{
	return w->waiting;
}

bool soud_writer_moved(struct soud_writer *w)
{
	uv_mutex_lock(&w->lock);
	bool moved = w->steps != w->steps_seen;
	w->steps_seen = w->steps;
	w->asked = true;
	uv_cond_signal(&w->wake);
	uv_mutex_unlock(&w->lock);
	return moved;
}

void soud_writer_close(struct soud_writer *w, void (*closed_cb)(void *data), void *data)
{
	w->closed_cb = closed_cb;
	w->closed_data = data;
	uv_mutex_lock(&w->lock);
	w->stop = true;
	uv_cond_signal(&w->wake);
	uv_mutex_unlock(&w->lock);
}
