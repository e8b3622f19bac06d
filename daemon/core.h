/* core.h - one open replica in a running daemon: the writer thread that owns it, the loop thread's
 * reader beside it, and the notice of each commit from the one to the other (R6, R24).
 *
 * Everything here is called on the loop thread. What changes the replica is a job (writer.h) whose
 * `run` finds it by soud_core_job_replica; what reads uses soud_core_reader. After a commit the
 * reader is refreshed first, then the listeners hear of it, then the jobs of that commit are done.
 */
#ifndef SOUD_CORE_H
#define SOUD_CORE_H

#include "daemon/replica/reader.h"
#include "daemon/store/space.h"
#include "daemon/writer.h"

struct soud_core;

struct soud_core_options {
	const char *data_dir, *state_dir; /* state_dir "" or NULL: DATA.state */
	soud_space_probe *space;          /* NULL: the system's; for tests */
	void *space_ctx;
};

/* Locks the directory, checks its modes (R20), opens keys, replica and fence, starts the thread.
 * SOU_EBUSY: another daemon has it. SOU_EUNKNOWN: no replica there. Others as soud_replica_open. */
int soud_core_open(struct soud_core **out, uv_loop_t *loop, const struct soud_core_options *options,
		   struct sou_err *err);
/* Runs what was posted, then closes all; closed_cb on the loop, core is gone then. */
void soud_core_close(struct soud_core *core, void (*closed_cb)(void *data), void *data);

/* `run` of a job gets a pointer that soud_core_job_replica turns into the replica (writer thread).
 */
void soud_core_post(struct soud_core *core, struct soud_job *job);
struct soud_replica *soud_core_job_replica(void *replica);
/* R21: is there room for this now? What a job asks first, of `run`'s pointer (writer thread). */
bool soud_core_job_takes(void *replica, enum soud_space_need need);
struct soud_space_now soud_core_job_space(void *replica);
size_t soud_core_waiting(const struct soud_core *core); /* jobs not yet done */

struct soud_reader *soud_core_reader(struct soud_core *core);
const char *soud_core_data_dir(const struct soud_core *core);
/* Why nothing can be signed; as of the last commit. AGREES: all is well. */
enum soud_fence_state soud_core_unconfirmed(const struct soud_core *core);
/* How the store stands (R21). RECOVERING: it did not take the last transaction. Want of room or of
 * memory ends with the next one that is saved; after all else the replica is closed and opened
 * anew, seldom (reopen.h), and nothing is signed or saved until that works. DEGRADED: that was done
 * SOU_STORE_REOPENS_MAX times in an hour; it stays closed until the daemon is started again. Both:
 * what is stored is read and served. */
enum soud_core_health {
	SOUD_HEALTH_GOOD,
	SOUD_HEALTH_RECOVERING,
	SOUD_HEALTH_DEGRADED,
};
enum soud_core_health soud_core_health(const struct soud_core *core);
/* Room on the disk, asked now. Any thread. */
struct soud_space_now soud_core_space(const struct soud_core *core);
/* How long commits took since the start, with the fence; seconds in buckets for metrics. */
#define SOUD_COMMIT_BUCKETS 12u
extern const uint32_t soud_commit_bounds_ms[SOUD_COMMIT_BUCKETS]; /* "at most" of each bucket */
struct soud_commit_times {
	uint64_t bucket[SOUD_COMMIT_BUCKETS + 1]; /* each its own; the last one: longer */
	uint64_t sum_us, failed;
};
void soud_core_commit_times(struct soud_core *core, struct soud_commit_times *out);
/* Not GOOD. */
bool soud_core_broken(const struct soud_core *core);

/* Does the writer thread still get on (writer.h)? */
bool soud_core_moved(struct soud_core *core);
/* Was something damaged met that is not listed, since the last call (R22)? */
bool soud_core_met_damage(struct soud_core *core);

struct soud_notice { /* a commit, or several */
	bool authority;
	struct soud_notice_scope {
		struct sou_id scope;
		uint64_t last;
		bool entries, state;
	} * scopes;
	size_t scope_count, scope_cap;
};

struct soud_listener { /* owned by the caller; taken out by soud_core_unlisten */
	void (*committed)(void *data, const struct soud_notice *notice);
	void *data;
	struct soud_listener *next; /* the core's */
};
void soud_core_listen(struct soud_core *core, struct soud_listener *listener);
void soud_core_unlisten(struct soud_core *core, struct soud_listener *listener);

/* Fill in clock, random bytes and machine of an environment for code that runs without a daemon. */
void soud_core_env(struct soud_replica_env *env);

#endif
