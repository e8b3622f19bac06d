/* test_writer.c - the writer thread: order, groups, errors, stop (R6, R24). */
#include "daemon/writer.h"

#include "tests/lib/check.h"

struct replica { /* touched by the writer thread alone while it runs */
	int open, begins, commits, rollbacks, ran;
	int commit_rc;
};

static int begin(void *r)
{
	struct replica *replica = r;
	replica->open++;
	replica->begins++;
	return SOU_OK;
}

static int commit(void *r)
{
	struct replica *replica = r;
	replica->open--;
	replica->commits++;
	return replica->commit_rc;
}

static int rollback(void *r)
{
	struct replica *replica = r;
	replica->open--;
	replica->rollbacks++;
	return replica->commit_rc != SOU_OK ? replica->commit_rc : SOU_ESTORE;
}

struct test_job {
	struct soud_job job;
	int number, give, *next, got, out_of_order;
	bool done;
};

static int run(struct soud_job *job, void *r)
{
	struct test_job *t = (struct test_job *)job;
	struct replica *replica = r;
	if (replica->open != 1 || replica->ran++ != t->number)
		t->out_of_order++;
	return t->give;
}

static void done(struct soud_job *job, int rc)
{
	struct test_job *t = (struct test_job *)job;
	if (t->number != *t->next)
		t->out_of_order++;
	(*t->next)++;
	t->got = rc;
	t->done = true;
}

static void closed(void *data)
{
	*(bool *)data = true;
}

static void run_jobs(struct replica *replica, struct test_job *jobs, size_t n)
{
	uv_loop_t loop;
	REQUIRE("loop", uv_loop_init(&loop) == 0);
	struct soud_writer_group group = {
		.replica = replica, .begin = begin, .commit = commit, .rollback = rollback};
	struct soud_writer *w;
	struct sou_err err;
	REQUIRE("starts", soud_writer_new(&w, &loop, &group, &err) == SOU_OK);
	int next = 0;
	for (size_t i = 0; i < n; i++) {
		jobs[i].job = (struct soud_job){.run = run, .done = done};
		jobs[i].number = (int)i;
		jobs[i].next = &next;
		soud_writer_post(w, &jobs[i].job);
	}
	CHECK_INT("waiting", soud_writer_waiting(w), ==, n);
	bool is_closed = false;
	soud_writer_close(w, closed, &is_closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK("closed", is_closed);
	CHECK_INT("nothing left", uv_loop_close(&loop), ==, 0);
	CHECK_INT("all came back", next, ==, n);
}

TEST(writer, order_and_groups)
{
	enum { N = 5000 };
	struct test_job *jobs = calloc(N, sizeof *jobs);
	struct replica replica = {0};
	run_jobs(&replica, jobs, N);
	int wrong = 0;
	for (int i = 0; i < N; i++)
		wrong += jobs[i].out_of_order + (jobs[i].got != SOU_OK) + !jobs[i].done;
	CHECK_INT("R6 each in order, each durable", wrong, ==, 0);
	CHECK_INT("each ran once", replica.ran, ==, N);
	CHECK_INT("begins are commits", replica.begins, ==, replica.commits);
	CHECK("what waits is grouped", replica.commits < N / 4);
	free(jobs);
}

TEST(writer, errors)
{
	struct test_job jobs[4] = {
		{.give = SOU_OK}, {.give = SOU_ERIGHT}, {.give = SOU_OK}, {.give = SOU_OK}};
	struct replica replica = {0};
	run_jobs(&replica, jobs, 4);
	CHECK_INT("own error is its own", jobs[1].got, ==, SOU_ERIGHT);
	CHECK_INT("others are stored", jobs[2].got, ==, SOU_OK);

	struct test_job broken[1] = {{.give = SOU_ESTORE}};
	struct replica second = {0};
	run_jobs(&second, broken, 1);
	CHECK_INT("R21 a store error is told", broken[0].got, ==, SOU_ESTORE);
	CHECK_INT("R21 and rolled back", second.rollbacks, ==, 1);
	CHECK_INT("R21 not committed", second.commits, ==, 0);

	struct test_job full[1] = {{.give = SOU_ESTORE}};
	struct replica fourth = {.commit_rc = SOU_EFULL};
	run_jobs(&fourth, full, 1);
	CHECK_INT("R21 no room is told as such", full[0].got, ==, SOU_EFULL);

	struct test_job lost[1] = {{.give = SOU_OK}};
	struct replica third = {.commit_rc = SOU_ESTORE};
	run_jobs(&third, lost, 1);
	CHECK_INT("R6 never saved when the commit failed", lost[0].got, ==, SOU_ESTORE);
}

static int run_nothing(struct soud_job *job, void *r)
{
	(void)job;
	(void)r;
	return SOU_OK;
}

struct waiting { /* idle asks for the reader so many times */
	int idles, ask, landed;
	struct soud_writer *w;
};

static int begin_any(void *r)
{
	(void)r;
	return SOU_OK;
}

static int rollback_any(void *r)
{
	(void)r;
	return SOU_ESTORE;
}

static bool idle_asks(void *r)
{
	struct waiting *waiting = r;
	return ++waiting->idles <= waiting->ask;
}

static void landed(void *data)
{
	struct waiting *waiting = data;
	if (++waiting->landed == waiting->ask)
		soud_writer_close(waiting->w, NULL, NULL);
}

/* Nothing is posted but one job: what idle waits for comes about all the same. */
TEST(writer, idle_is_called_again)
{
	uv_loop_t loop;
	REQUIRE("loop", uv_loop_init(&loop) == 0);
	struct waiting waiting = {.ask = 3};
	struct soud_writer_group group = {.replica = &waiting,
					  .begin = begin_any,
					  .commit = begin_any,
					  .rollback = rollback_any,
					  .idle = idle_asks,
					  .landed = landed,
					  .landed_data = &waiting};
	struct sou_err err;
	REQUIRE("starts", soud_writer_new(&waiting.w, &loop, &group, &err) == SOU_OK);
	int next = 0;
	struct test_job job = {.job = {.run = run_nothing, .done = done}, .next = &next};
	soud_writer_post(waiting.w, &job.job);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT("R20 nothing left", uv_loop_close(&loop), ==, 0);
	CHECK("R20 idle was called again", waiting.idles >= 2);
	CHECK_INT("the job is done", next, ==, 1);
}

struct hanging { /* a commit that does not come back until it is let go */
	uv_sem_t entered, let_go;
};

static int commit_hangs(void *r)
{
	struct hanging *hanging = r;
	uv_sem_post(&hanging->entered);
	uv_sem_wait(&hanging->let_go);
	return SOU_OK;
}

/* Asked until it says so, or 10 s. */
static bool moves(struct soud_writer *w)
{
	for (int i = 0; i < 2000; i++) {
		if (soud_writer_moved(w))
			return true;
		uv_sleep(5);
	}
	return false;
}

/* The watchdog's question: an idle thread answers, one that hangs does not, and a job's end is an
 * answer too. */
TEST(writer, says_whether_it_moves)
{
	uv_loop_t loop;
	REQUIRE("loop", uv_loop_init(&loop) == 0);
	struct hanging hanging;
	REQUIRE("semaphores",
		uv_sem_init(&hanging.entered, 0) == 0 && uv_sem_init(&hanging.let_go, 0) == 0);
	struct soud_writer_group group = {.replica = &hanging,
					  .begin = begin_any,
					  .commit = commit_hangs,
					  .rollback = rollback_any};
	struct soud_writer *w;
	struct sou_err err;
	REQUIRE("starts", soud_writer_new(&w, &loop, &group, &err) == SOU_OK);
	CHECK("idle: wakes up to answer", moves(w));
	CHECK("idle: and again", moves(w));

	int next = 0;
	struct test_job job = {.job = {.run = run_nothing, .done = done}, .next = &next};
	soud_writer_post(w, &job.job);
	uv_sem_wait(&hanging.entered);
	(void)soud_writer_moved(w);
	int answers = 0;
	for (int i = 0; i < 20; i++) {
		uv_sleep(5);
		answers += soud_writer_moved(w);
	}
	CHECK_INT("it hangs: no answer", answers, ==, 0);
	uv_sem_post(&hanging.let_go);
	CHECK("let go: it moves", moves(w));
	soud_writer_close(w, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT("nothing left", uv_loop_close(&loop), ==, 0);
	CHECK_INT("the job is done", next, ==, 1);
	uv_sem_destroy(&hanging.entered);
	uv_sem_destroy(&hanging.let_go);
}
