/* test_core.c - writer thread and loop over one real replica: what the loop's reader sees is
 * durable and fenced (R6, R12, P13.15). The fence's sync is held up, or fails, where a test says
 * so. */
#include "daemon/core.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/replica/hub.h"
#include "proto/name.h"
#include "proto/schema.h"
#include "tests/lib/check.h"

enum sync_does { SYNC_GOES, SYNC_WAITS, SYNC_FAILS };
static atomic_int fence_sync, fence_waiting; /* what the next one does; one waits now */
static atomic_int any_sync_fails;            /* the next one, of whatever file */

static bool is_fence(int fd)
{
	char path[64], name[PATH_MAX];
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, name, sizeof name - 1);
	return n > 6 && memcmp(name + n - 6, "/fence", 6) == 0;
}

/* In place of libc's, for all of this program. */
int fdatasync(int fd)
{
	int does = is_fence(fd) ? atomic_exchange(&fence_sync, SYNC_GOES) : SYNC_GOES;
	if (atomic_exchange(&any_sync_fails, 0) != 0)
		does = SYNC_FAILS;
	if (does == SYNC_FAILS) {
		errno = EIO;
		return -1;
	}
	if (does == SYNC_WAITS) { /* long enough for a loop that does not wait */
		atomic_store(&fence_waiting, 1);
		(void)usleep(300000);
		atomic_store(&fence_waiting, 0);
	}
	return (int)syscall(SYS_fdatasync, fd);
}

struct core_bed {
	uv_loop_t loop;
	struct soud_core *core;
	const char *dir;
	struct sou_id plan;
};

static void bed_open(struct core_bed *b)
{
	static const char name[] = "本部 例", pass[] = "例の合言葉です";
	struct soud_replica_env env;
	struct sou_err err = {0};
	b->dir = test_path("core");
	b->plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	soud_core_env(&env);
	const struct sou_span text = {(const uint8_t *)name, strlen(name)};
	struct soud_init init = {.data_dir = b->dir,
				 .handle = {(const uint8_t *)"hq", 2},
				 .name = text,
				 .short_name = text,
				 .site_name = text,
				 .passphrase = {(const uint8_t *)pass, strlen(pass)}};
	REQUIRE("init", soud_hub_init(&init, &env, NULL, &err) == SOU_OK);
	REQUIRE("loop", uv_loop_init(&b->loop) == 0);
	const struct soud_core_options options = {.data_dir = b->dir};
	int rc = soud_core_open(&b->core, &b->loop, &options, &err);
	CHECK_STR("core", err.text, "");
	REQUIRE("core", rc == SOU_OK);
}

static void bed_close(struct core_bed *b)
{
	soud_core_close(b->core, NULL, NULL);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_INT("nothing left", uv_loop_close(&b->loop), ==, 0);
}

struct beat {
	struct soud_job job;
	struct sou_id plan;
	bool signs;
	atomic_int ran;
	int rc;
	bool done;
};

static int run(struct soud_job *job, void *replica)
{
	struct beat *b = (struct beat *)job;
	struct soud_replica *r = soud_core_job_replica(replica);
	const struct soud_control control = {.scope = b->plan, .type = SOU_OP_HEARTBEAT};
	int rc = b->signs ? soud_replica_control(r, &control, NULL, NULL) : SOU_OK;
	atomic_store(&b->ran, 1);
	return soud_replica_broken(r) ? SOU_ESTORE : rc;
}

static void done(struct soud_job *job, int rc)
{
	struct beat *b = (struct beat *)job;
	b->rc = rc;
	b->done = true;
}

static void post(struct core_bed *bed, struct beat *b, bool signs)
{
	*b = (struct beat){.job = {.run = run, .done = done}, .plan = bed->plan, .signs = signs};
	soud_core_post(bed->core, &b->job);
}

/* How many heartbeats the loop's reader sees. */
static uint64_t seen(struct core_bed *b)
{
	struct soud_store *s = soud_reader_store(soud_core_reader(b->core));
	uint32_t number;
	uint64_t last = 0;
	if (soud_store_scope_find(s, &b->plan, &number) == SOU_OK)
		REQUIRE("last", soud_store_scope_last(s, number, &last) == SOU_OK);
	return last;
}

static void wait_for(atomic_int *what)
{
	for (unsigned i = 0; i < 5000 && atomic_load(what) == 0; i++)
		(void)usleep(1000);
	REQUIRE("comes about", atomic_load(what) != 0);
}

TEST(core, reader_sees_what_is_fenced)
{
	struct core_bed b;
	struct beat first, second;
	bed_open(&b);
	post(&b, &first, false);
	wait_for(&first.ran);
	(void)usleep(50000); /* its group has ended; the loop has not heard of it yet */
	atomic_store(&fence_sync, SYNC_WAITS);
	post(&b, &second, true);
	wait_for(&fence_waiting); /* stored, not fenced */
	while (!first.done)
		(void)uv_run(&b.loop, UV_RUN_NOWAIT);
	bool fenced = atomic_load(&fence_waiting) == 0;
	CHECK("P13.15 not before the fence", seen(&b) == 0 || fenced);
	while (!second.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R6 saved", second.rc, ==, SOU_OK);
	CHECK_U64("and seen", seen(&b), ==, 1);
	bed_close(&b);
}

TEST(core, reader_stands_still_when_the_fence_fails)
{
	struct core_bed b;
	struct beat first, second;
	bed_open(&b);
	post(&b, &first, true);
	while (!first.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R6 saved", first.rc, ==, SOU_OK);
	atomic_store(&fence_sync, SYNC_FAILS);
	post(&b, &second, true);
	while (!second.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 never said saved", second.rc, ==, SOU_EIO);
	CHECK("R21 and told", soud_core_broken(b.core));
	CHECK_U64("P13.15 not sent without the fence", seen(&b), ==, 1);
	atomic_store(&fence_sync, SYNC_FAILS);
	post(&b, &second, true);
	while (!second.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 opened anew, and the fence fails again", second.rc, ==, SOU_ESTORE);
	CHECK_U64("P13.15 nor then", seen(&b), ==, 1);
	CHECK("R21 told", soud_core_broken(b.core));
	post(&b, &second, true);
	while (!second.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 not again at once", second.rc, ==, SOU_ESTORE);
	bed_close(&b);
}

/* The log's sync fails: nothing is saved by that handle any more, and the next job has another. */
TEST(core, opens_anew_after_a_failed_sync)
{
	struct core_bed b;
	struct beat first, second;
	bed_open(&b);
	atomic_store(&any_sync_fails, 1);
	post(&b, &first, true);
	while (!first.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 never said saved", first.rc, ==, SOU_ESTORE);
	CHECK("R21 and told", soud_core_broken(b.core));
	post(&b, &second, true);
	while (!second.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 recovered", second.rc, ==, SOU_OK);
	CHECK("R21 and told", !soud_core_broken(b.core));
	CHECK("R6 seen", seen(&b) >= 1);
	bed_close(&b);
}

/* R21: nobody has to do anything, not even write. */
TEST(core, recovers_by_itself)
{
	struct core_bed b;
	struct beat first;
	bed_open(&b);
	atomic_store(&any_sync_fails, 1);
	post(&b, &first, true);
	while (!first.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 told", soud_core_health(b.core), ==, SOUD_HEALTH_RECOVERING);
	uint64_t begin = uv_hrtime();
	while (soud_core_broken(b.core) && uv_hrtime() - begin < UINT64_C(30000000000))
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R21 opened anew", soud_core_health(b.core), ==, SOUD_HEALTH_GOOD);
	post(&b, &first, true);
	while (!first.done)
		(void)uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT("R6 saved", first.rc, ==, SOU_OK);
	bed_close(&b);
}
