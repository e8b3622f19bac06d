/* sites.c - see sites.h. */
#include "tests/bench/sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/crowd.h"

#define LATE_MS 180000u

static void on_late(uv_timer_t *timer)
{
	(void)timer;
	crowd_die("sites", "took too long");
}

static void on_committed(void *data, const struct soud_notice *notice)
{
	struct site *site = data;
	for (size_t i = 0; i < notice->scope_count; i++) {
		if (!notice->scopes[i].entries || site->seen_s > 0 ||
		    !sou_id_eq(&notice->scopes[i].scope, &site->all->watched))
			continue;
		site->seen_s = crowd_now_s();
		site->all->seen++;
	}
}

static void open_one(struct site *site, const char *dir, const char *hub)
{
	struct sou_err err = {0};
	const struct soud_core_options core = {.data_dir = dir};
	const struct soud_sync_options sync = {
		.connect = hub, .backoff_ms_min = 50, .backoff_ms_max = 500, .paused = true};
	if (soud_core_open(&site->core, &site->all->loop, &core, &err) != SOU_OK ||
	    soud_sync_new(&site->sync, &site->all->loop, site->core, &sync, &err) != SOU_OK)
		crowd_die(dir, err.text);
	site->listener = (struct soud_listener){.committed = on_committed, .data = site};
	soud_core_listen(site->core, &site->listener);
}

void sites_open(struct sites *s, const char *root, const char *name, uint32_t count,
		const char *hub)
{
	*s = (struct sites){.count = count};
	if (uv_loop_init(&s->loop) != 0)
		crowd_die("sites", "no loop");
	uv_timer_init(&s->loop, &s->wait);
	uv_timer_init(&s->loop, &s->late);
	uv_timer_start(&s->late, on_late, LATE_MS, 0);
	uv_unref((uv_handle_t *)&s->late);
	for (uint32_t i = 0; i < count; i++) {
		char dir[1024];
		s->v[i].all = s;
		s->v[i].index = i;
		if (name != NULL)
			snprintf(dir, sizeof dir, "%s/%s", root, name);
		else
			snprintf(dir, sizeof dir, "%s/site%02u", root, i);
		open_one(&s->v[i], dir, hub);
	}
}

static void on_core_closed(void *data)
{
	((struct site *)data)->core = NULL;
}

static void on_sync_closed(void *data)
{
	struct site *site = data;
	soud_core_unlisten(site->core, &site->listener);
	soud_core_close(site->core, on_core_closed, site);
}

void sites_close(struct sites *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		soud_sync_close(s->v[i].sync, on_sync_closed, &s->v[i]);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&s->late, NULL);
	uv_close((uv_handle_t *)&s->wait, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&s->loop) != 0)
		crowd_die("sites", "something is left in the loop");
}

void sites_until(struct sites *s, bool (*is)(struct sites *s), const char *what)
{
	while (!is(s))
		if (uv_run(&s->loop, UV_RUN_ONCE) == 0)
			crowd_die("nothing is left to wait for", what);
}

bool sites_quiet(struct sites *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct soud_sync_status status;
		soud_sync_status(s->v[i].sync, &status);
		if (!status.hub_live || !status.quiet)
			return false;
	}
	return true;
}

bool sites_gone(struct sites *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct soud_sync_status status;
		soud_sync_status(s->v[i].sync, &status);
		if (status.links > 0)
			return false;
	}
	return true;
}

static void on_waited(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

void sites_wait(struct sites *s, uint64_t ms)
{
	bool over = false;
	s->wait.data = &over;
	uv_timer_start(&s->wait, on_waited, ms, 0);
	while (!over)
		uv_run(&s->loop, UV_RUN_ONCE);
}

struct job {
	struct soud_job job;
	int (*run)(struct soud_replica *r, void *ctx);
	void *ctx;
	int *done;
};

static int on_run(struct soud_job *job, void *replica)
{
	struct job *j = (struct job *)job;
	return j->run(soud_core_job_replica(replica), j->ctx);
}

static void on_done(struct soud_job *job, int rc)
{
	struct job *j = (struct job *)job;
	*j->done = rc == SOU_OK ? 1 : rc;
	free(j);
}

void sites_post(struct site *site, int (*run)(struct soud_replica *r, void *ctx), void *ctx,
		int *done)
{
	struct job *j = calloc(1, sizeof *j);
	if (j == NULL)
		crowd_die("sites", "no memory");
	*j = (struct job){{.run = on_run, .done = on_done}, run, ctx, done};
	*done = 0;
	soud_core_post(site->core, &j->job);
}

int sites_do(struct site *site, int (*run)(struct soud_replica *r, void *ctx), void *ctx)
{
	int done;
	sites_post(site, run, ctx, &done);
	while (done == 0)
		uv_run(&site->all->loop, UV_RUN_ONCE);
	return done == 1 ? SOU_OK : done;
}
