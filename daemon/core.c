/* core.c - opens what a daemon works on and carries commits from the writer thread to the loop. The
 * notice under `lock` is all that the two threads share besides the writer's queues; `view` keeps
 * the loop's reader from beginning to see own entries that are stored and not yet fenced. */
#include "daemon/core.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "daemon/keys/fence.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "daemon/log.h"
#include "daemon/reopen.h"
#include "proto/limits.h"

#define DATA_DIR_BYTES 1024u
#define PATH_BYTES     (DATA_DIR_BYTES + 16u)

struct soud_core {
	struct soud_writer *writer;
	/* The writer thread's while it runs; NULL: it failed and cannot be opened now (R21). */
	struct soud_replica *replica;
	struct soud_replica_env env;
	struct soud_replica_options options;
	struct soud_reopens reopens; /* the writer thread's */
	struct soud_space *space;
	struct soud_reader *reader;
	struct soud_fence_file *fence;
	struct sou_signer site, checkpoint;
	struct soud_listener *listeners;
	char data_dir[DATA_DIR_BYTES];
	int lock_fd;
	uv_mutex_t lock;
	struct soud_notice pending;           /* guarded by lock */
	enum soud_core_health health_pending; /* guarded by lock */
	bool damage_met;                      /* guarded by lock (R22) */
	enum soud_fence_state fence_pending;  /* guarded by lock */
	uv_mutex_t view;
	bool unfenced;             /* guarded by view: own entries are stored that no fence names */
	struct soud_notice notice; /* the loop's copy */
	struct soud_commit_times times;            /* guarded by lock */
	enum soud_core_health health, health_told; /* told: by the log */
	enum soud_space_state space_told;
	uv_timer_t tick;
	struct soud_job nudge; /* has the replica opened anew when nobody else posts */
	bool nudging;
	enum soud_fence_state unconfirmed;
	void (*closed_cb)(void *data);
	void *closed_data;
};

static int64_t env_wall_ms(void *ctx)
{
	(void)ctx;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int env_random(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return SOU_ECRYPTO;
		out += got;
		n -= (size_t)got;
	}
	return SOU_OK;
}

void soud_core_env(struct soud_replica_env *env)
{
	*env = (struct soud_replica_env){
		.wall_ms = env_wall_ms, .random = env_random, .machine = soud_fence_machine()};
}

/* --- On the writer thread --- */

/* Add what a commit touched to what the loop has not yet seen. Out of memory the loop is told to
 * look at everything: authority stands for that, because it makes every link look again. */
static void notice_add(struct soud_notice *n, const struct soud_touched_scope *t)
{
	for (size_t i = 0; i < n->scope_count; i++) {
		if (!sou_id_eq(&n->scopes[i].scope, &t->scope))
			continue;
		n->scopes[i].last = t->last;
		n->scopes[i].entries |= t->entries;
		n->scopes[i].state |= t->state;
		return;
	}
	if (n->scope_count == n->scope_cap) {
		size_t cap = n->scope_cap == 0 ? 16 : n->scope_cap * 2;
		struct soud_notice_scope *v = realloc(n->scopes, cap * sizeof *v);
		if (v == NULL) {
			n->authority = true;
			return;
		}
		n->scopes = v;
		n->scope_cap = cap;
	}
	n->scopes[n->scope_count++] =
		(struct soud_notice_scope){t->scope, t->last, t->entries, t->state};
}

static void tell_failed(struct soud_core *core)
{
	uv_mutex_lock(&core->lock);
	core->health_pending =
		core->reopens.given_up ? SOUD_HEALTH_DEGRADED : SOUD_HEALTH_RECOVERING;
	uv_mutex_unlock(&core->lock);
}

static void replica_path(const struct soud_core *core, char path[PATH_BYTES])
{
	(void)snprintf(path, PATH_BYTES, "%s/replica.db", core->data_dir);
}

/* R21: after a failed write nothing is tried again on the same handle; it is closed and opened
 * anew, with what recovery finds. Opening writes the fence too, so `view` is held. */
static int reopen(struct soud_core *core)
{
	char path[PATH_BYTES];
	bool full = soud_space_look(core->space).state == SOUD_SPACE_READ_ONLY;
	if (!soud_reopen(&core->reopens, uv_hrtime() / 1000000, !full))
		return SOU_ESTORE;
	replica_path(core, path);
	uv_mutex_lock(&core->view);
	soud_replica_close(core->replica);
	core->replica = NULL;
	int rc = soud_replica_open(&core->replica, path, &core->env, &core->options, NULL);
	core->unfenced = core->unfenced && rc != SOU_OK;
	uv_mutex_unlock(&core->view);
	return rc;
}

static int group_begin(void *data)
{
	struct soud_core *core = data;
	int rc = SOU_OK;
	if (core->replica == NULL || soud_replica_broken(core->replica))
		rc = reopen(core);
	if (rc == SOU_OK)
		rc = soud_replica_begin(core->replica);
	if (rc != SOU_OK)
		tell_failed(core);
	return rc == SOU_OK ? SOU_OK : SOU_ESTORE;
}

const uint32_t soud_commit_bounds_ms[SOUD_COMMIT_BUCKETS] = {1,   2,   5,   10,   20,   50,
							     100, 200, 500, 1000, 2000, 5000};

static void count_commit(struct soud_core *core, uint64_t us, bool done)
{
	size_t i = 0;
	while (i < SOUD_COMMIT_BUCKETS && us > soud_commit_bounds_ms[i] * UINT64_C(1000))
		i++;
	uv_mutex_lock(&core->lock);
	if (done) {
		core->times.bucket[i]++;
		core->times.sum_us += us;
	} else {
		core->times.failed++;
	}
	uv_mutex_unlock(&core->lock);
}

static int group_commit(void *data)
{
	struct soud_core *core = data;
	struct soud_committed done;
	bool signs = soud_replica_signs(core->replica);
	if (signs) /* what only came in is seen without waiting */
		uv_mutex_lock(&core->view);
	uint64_t began = uv_hrtime();
	int rc = soud_replica_commit(core->replica, &done);
	count_commit(core, (uv_hrtime() - began) / 1000, rc == SOU_OK);
	if (signs) {
		core->unfenced |= rc != SOU_OK && soud_replica_broken(core->replica);
		uv_mutex_unlock(&core->view);
	}
	if (rc != SOU_OK) {
		tell_failed(core);
		return rc;
	}
	uv_mutex_lock(&core->lock);
	for (size_t i = 0; i < done.scope_count; i++)
		notice_add(&core->pending, &done.scopes[i]);
	core->pending.authority |= done.authority;
	core->health_pending = SOUD_HEALTH_GOOD;
	core->fence_pending = soud_replica_unconfirmed(core->replica);
	uv_mutex_unlock(&core->lock);
	return SOU_OK;
}

static int group_rollback(void *data)
{
	struct soud_core *core = data;
	int rc = soud_replica_error(core->replica)->rc;
	soud_replica_rollback(core->replica);
	tell_failed(core);
	if (rc == SOU_ECORRUPT) {
		uv_mutex_lock(&core->lock);
		core->damage_met = true;
		uv_mutex_unlock(&core->lock);
	}
	return rc == SOU_EFULL || rc == SOU_ECORRUPT ? rc : SOU_ESTORE;
}

static bool group_idle(void *data)
{
	struct soud_core *core = data;
	int rc = core->replica != NULL ? soud_replica_tidy(core->replica, false) : SOU_OK;
	if (rc == SOU_ESTORE)
		tell_failed(core);
	return rc == SOU_EBUSY; /* R20: once the reader has gone on */
}

/* --- On the loop thread --- */

static bool look_anew(struct soud_core *core)
{
	uv_mutex_lock(&core->view);
	bool seen = !core->unfenced && soud_reader_refresh(core->reader) == SOU_OK;
	uv_mutex_unlock(&core->view);
	return seen;
}

/* R21: what an administrator has to know, once for each change. */
static void tell_changes(struct soud_core *core, enum soud_space_state space)
{
	static const enum soud_event healths[] = {[SOUD_HEALTH_GOOD] = SOUD_EVENT_STORE_BACK,
						  [SOUD_HEALTH_RECOVERING] =
							  SOUD_EVENT_STORE_FAILED,
						  [SOUD_HEALTH_DEGRADED] = SOUD_EVENT_STORE_CLOSED};
	static const enum soud_event spaces[] = {[SOUD_SPACE_OK] = SOUD_EVENT_DISK_OK,
						 [SOUD_SPACE_LOW] = SOUD_EVENT_DISK_LOW,
						 [SOUD_SPACE_READ_ONLY] = SOUD_EVENT_DISK_FULL};
	const struct soud_log_facts r21 = {.rule = "R21"};
	if (core->health != core->health_told)
		soud_log(healths[core->health], &r21, "the replica");
	if (space != core->space_told)
		soud_log(spaces[space], &r21, "%s", soud_space_name(space));
	core->health_told = core->health;
	core->space_told = space;
}

static void on_landed(void *data)
{
	struct soud_core *core = data;
	uv_mutex_lock(&core->lock);
	struct soud_notice fresh = core->pending;
	core->pending = core->notice; /* the other buffer, emptied */
	core->pending.scope_count = 0;
	core->pending.authority = false;
	core->health = core->health_pending;
	core->unconfirmed = core->fence_pending;
	uv_mutex_unlock(&core->lock);
	core->notice = fresh;
	if (!look_anew(core) && core->health == SOUD_HEALTH_GOOD)
		core->health = SOUD_HEALTH_RECOVERING;
	tell_changes(core, core->space_told);
	if (fresh.scope_count == 0 && !fresh.authority)
		return;
	for (struct soud_listener *l = core->listeners, *next; l != NULL; l = next) {
		next = l->next;
		l->committed(l->data, &core->notice);
	}
}

static void core_free(struct soud_core *core)
{
	if (core == NULL)
		return;
	soud_reader_close(core->reader);
	soud_replica_close(core->replica);
	soud_fence_file_close(core->fence);
	soud_space_free(core->space);
	sou_signer_fini(&core->site);
	sou_signer_fini(&core->checkpoint);
	if (core->lock_fd >= 0)
		soud_guard_unlock(core->lock_fd);
	free(core->pending.scopes);
	free(core->notice.scopes);
	uv_mutex_destroy(&core->view);
	uv_mutex_destroy(&core->lock);
	free(core);
}

static void on_tick_closed(uv_handle_t *handle)
{
	struct soud_core *core = handle->data;
	void (*closed_cb)(void *) = core->closed_cb;
	void *closed_data = core->closed_data;
	if (core->replica != NULL && !soud_replica_broken(core->replica))
		(void)soud_replica_tidy(core->replica, true);
	core_free(core);
	if (closed_cb != NULL)
		closed_cb(closed_data);
}

static void on_writer_closed(void *data)
{
	struct soud_core *core = data;
	uv_close((uv_handle_t *)&core->tick, on_tick_closed);
}

static int nudge_run(struct soud_job *job, void *replica)
{
	(void)job;
	(void)replica;
	return SOU_OK;
}

static void nudge_done(struct soud_job *job, int rc)
{
	(void)rc;
	struct soud_core *core =
		(struct soud_core *)((char *)job - offsetof(struct soud_core, nudge));
	core->nudging = false;
}

/* R21: the reserve is made again, and a replica that failed is opened anew, without a person. */
static void on_tick(uv_timer_t *timer)
{
	struct soud_core *core = timer->data;
	tell_changes(core, soud_space_look(core->space).state);
	if (core->health != SOUD_HEALTH_RECOVERING || core->nudging)
		return;
	core->nudging = true;
	core->nudge = (struct soud_job){.run = nudge_run, .done = nudge_done};
	soud_core_post(core, &core->nudge);
}

/* The checkpoint key is headquarters' machine's alone: where it lies, this is the hub. */
static int open_keys(struct soud_core *core, struct sou_err *err)
{
	const struct sou_span none = {NULL, 0};
	int rc = soud_key_open(core->data_dir, SOUD_KEY_SITE, 0, none, &core->site, err);
	if (rc != SOU_OK)
		return rc;
	rc = soud_key_open(core->data_dir, SOUD_KEY_CHECKPOINT, 0, none, &core->checkpoint, err);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int open_replica(struct soud_core *core, const char *state_dir, struct sou_err *err)
{
	soud_core_env(&core->env);
	core->env.site = &core->site;
	core->env.checkpoint = core->checkpoint.sign != NULL ? &core->checkpoint : NULL;
	int rc = soud_fence_file_open(&core->fence, core->data_dir, state_dir, err);
	if (rc != SOU_OK)
		return rc;
	soud_fence_file_io(core->fence, &core->env.fence);
	core->options =
		(struct soud_replica_options){.every_signature = core->env.checkpoint != NULL};
	char path[PATH_BYTES];
	replica_path(core, path);
	rc = soud_replica_open(&core->replica, path, &core->env, &core->options, err);
	if (rc != SOU_OK)
		return rc;
	core->unconfirmed = core->fence_pending = soud_replica_unconfirmed(core->replica);
	return soud_reader_open(&core->reader, path, &core->options, err);
}

int soud_core_open(struct soud_core **out, uv_loop_t *loop, const struct soud_core_options *options,
		   struct sou_err *err)
{
	struct soud_core *core = calloc(1, sizeof *core);
	if (core == NULL)
		return sou_err_set(err, SOU_ENOMEM, "core: no memory");
	core->lock_fd = -1;
	if (uv_mutex_init(&core->lock) != 0) {
		free(core);
		return sou_err_set(err, SOU_EIO, "core: no lock");
	}
	if (uv_mutex_init(&core->view) != 0) {
		uv_mutex_destroy(&core->lock);
		free(core);
		return sou_err_set(err, SOU_EIO, "core: no lock");
	}
	int rc = SOU_OK;
	if (strlen(options->data_dir) >= sizeof core->data_dir) {
		rc = sou_err_set(err, SOU_ELIMIT, "the name of the data directory is too long");
		goto out;
	}
	memcpy(core->data_dir, options->data_dir, strlen(options->data_dir) + 1);
	if (access(core->data_dir, F_OK) != 0) /* a mistyped name must not become a directory */
		rc = sou_err_set(err, SOU_EUNKNOWN, "%s: is not there", core->data_dir);
	if (rc == SOU_OK)
		rc = soud_guard_dir(core->data_dir, err);
	if (rc == SOU_OK)
		rc = soud_guard_lock(core->data_dir, &core->lock_fd, err);
	if (rc == SOU_OK)
		rc = soud_guard_tree(core->data_dir, err);
	if (rc == SOU_OK)
		rc = soud_space_new(&core->space, core->data_dir, options->space,
				    options->space_ctx, err);
	if (rc == SOU_OK)
		rc = open_keys(core, err);
	if (rc == SOU_OK)
		rc = open_replica(core, options->state_dir, err);
	if (rc != SOU_OK)
		goto out;
	struct soud_writer_group group = {.replica = core,
					  .begin = group_begin,
					  .commit = group_commit,
					  .rollback = group_rollback,
					  .idle = group_idle,
					  .landed = on_landed,
					  .landed_data = core};
	rc = soud_writer_new(&core->writer, loop, &group, err);
	if (rc != SOU_OK)
		goto out;
	(void)uv_timer_init(loop, &core->tick);
	core->tick.data = core;
	(void)uv_timer_start(&core->tick, on_tick, SOU_SPACE_LOOK_MS, SOU_SPACE_LOOK_MS);
	*out = core;
	core = NULL;
out:
	core_free(core);
	return rc;
}

void soud_core_close(struct soud_core *core, void (*closed_cb)(void *data), void *data)
{
	core->closed_cb = closed_cb;
	core->closed_data = data;
	(void)uv_timer_stop(&core->tick);
	soud_writer_close(core->writer, on_writer_closed, core);
}

void soud_core_post(struct soud_core *core, struct soud_job *job)
{
	soud_writer_post(core->writer, job);
}

size_t soud_core_waiting(const struct soud_core *core)
{
	return soud_writer_waiting(core->writer);
}

struct soud_replica *soud_core_job_replica(void *replica)
{
	struct soud_core *core = replica;
	return core->replica;
}

bool soud_core_job_takes(void *replica, enum soud_space_need need)
{
	struct soud_core *core = replica;
	return soud_space_takes(core->space, need);
}

struct soud_space_now soud_core_job_space(void *replica)
{
	return soud_core_space(replica);
}

struct soud_reader *soud_core_reader(struct soud_core *core)
{
	return core->reader;
}

const char *soud_core_data_dir(const struct soud_core *core)
{
	return core->data_dir;
}

enum soud_fence_state soud_core_unconfirmed(const struct soud_core *core)
{
	return core->unconfirmed;
}

enum soud_core_health soud_core_health(const struct soud_core *core)
{
	return core->health;
}

struct soud_space_now soud_core_space(const struct soud_core *core)
{
	return soud_space_look(core->space);
}

void soud_core_commit_times(struct soud_core *core, struct soud_commit_times *out)
{
	uv_mutex_lock(&core->lock);
	*out = core->times;
	uv_mutex_unlock(&core->lock);
}

bool soud_core_met_damage(struct soud_core *core)
{
	uv_mutex_lock(&core->lock);
	bool met = core->damage_met;
	core->damage_met = false;
	uv_mutex_unlock(&core->lock);
	return soud_reader_met_damage(core->reader) || met;
}

bool soud_core_broken(const struct soud_core *core)
{
	return core->health != SOUD_HEALTH_GOOD;
}

bool soud_core_moved(struct soud_core *core)
{
	return soud_writer_moved(core->writer);
}

void soud_core_listen(struct soud_core *core, struct soud_listener *listener)
{
	listener->next = core->listeners;
	core->listeners = listener;
}

void soud_core_unlisten(struct soud_core *core, struct soud_listener *listener)
{
	for (struct soud_listener **at = &core->listeners; *at != NULL; at = &(*at)->next) {
		if (*at == listener) {
			*at = listener->next;
			return;
		}
	}
}
