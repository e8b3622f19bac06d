/* test_notify.c - what the service manager hears from a real core and links: READY once, STATUS in
 * words, WATCHDOG while the writer moves, none while it hangs, STOPPING. */
#include "daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/replica/hub.h"
#include "tests/lib/check.h"

#define WATCHDOG_MS 400 /* ticks of 100 ms */

struct manager { /* what systemd would be to it */
	int fd;
	unsigned ready, watchdog, stopping, status;
	char text[256]; /* of the last STATUS */
};

static void manager_open(struct manager *m)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char name[64], usec[32];
	(void)snprintf(name, sizeof name, "@soukatsu-test-notify-%ld", (long)getpid());
	memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
	*m = (struct manager){.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	REQUIRE("socket", bind(m->fd, (struct sockaddr *)&at, bytes) == 0);
	(void)snprintf(usec, sizeof usec, "%d", WATCHDOG_MS * 1000);
	REQUIRE("environment",
		setenv("NOTIFY_SOCKET", name, 1) == 0 && setenv("WATCHDOG_USEC", usec, 1) == 0);
}

static void manager_hear(struct manager *m)
{
	char word[300];
	for (ssize_t n; (n = recv(m->fd, word, sizeof word - 1, 0)) > 0;) {
		word[n] = '\0';
		m->ready += strcmp(word, "READY=1") == 0;
		m->watchdog += strcmp(word, "WATCHDOG=1") == 0;
		m->stopping += strcmp(word, "STOPPING=1") == 0;
		if (strncmp(word, "STATUS=", 7) == 0) {
			m->status++;
			(void)snprintf(m->text, sizeof m->text, "%.250s", word + 7);
		}
	}
}

static void manager_close(struct manager *m)
{
	(void)close(m->fd);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
}

static void hub_open(struct soud_daemon *d)
{
	static const char name[] = "本部 例", pass[] = "例の合言葉です";
	struct soud_replica_env env;
	struct sou_err err = {0};
	const char *dir = test_path("notify");
	soud_core_env(&env);
	const struct sou_span text = {(const uint8_t *)name, strlen(name)};
	struct soud_init init = {.data_dir = dir,
				 .handle = {(const uint8_t *)"hq", 2},
				 .name = text,
				 .short_name = text,
				 .site_name = text,
				 .passphrase = {(const uint8_t *)pass, strlen(pass)}};
	REQUIRE("init", soud_hub_init(&init, &env, NULL, &err) == SOU_OK);
	const struct soud_core_options options = {.data_dir = dir};
	REQUIRE("core", soud_core_open(&d->core, d->loop, &options, &err) == SOU_OK);
	const struct soud_sync_options sync = {.backoff_ms_min = 10, .backoff_ms_max = 10};
	REQUIRE("links", soud_sync_new(&d->sync, d->loop, d->core, &sync, &err) == SOU_OK);
}

static void sync_closed(void *data)
{
	struct soud_daemon *d = data;
	soud_core_close(d->core, NULL, NULL);
}

struct hang { /* a job that comes back when it is let go */
	struct soud_job job;
	uv_sem_t entered, let_go;
	bool done;
};

static int hang_run(struct soud_job *job, void *replica)
{
	struct hang *h = (struct hang *)job;
	(void)replica;
	uv_sem_post(&h->entered);
	uv_sem_wait(&h->let_go);
	return SOU_OK;
}

static void hang_done(struct soud_job *job, int rc)
{
	((struct hang *)job)->done = rc == SOU_OK;
}

static void on_time(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* The loop for so long; what was sent is heard. */
static void pass_time(uv_loop_t *loop, struct manager *m, uint64_t ms)
{
	uv_timer_t timer;
	(void)uv_timer_init(loop, &timer);
	(void)uv_timer_start(&timer, on_time, ms, 0);
	(void)uv_run(loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
	manager_hear(m);
}

TEST(notify, hears_that_both_threads_move)
{
	uv_loop_t loop;
	struct manager m;
	struct soud_notify *n = NULL;
	struct soud_daemon d = {.loop = &loop};
	REQUIRE("loop", uv_loop_init(&loop) == 0);
	hub_open(&d);
	manager_open(&m);
	soud_notify_ready(&n, &d, SOU_LANG_EN);
	REQUIRE("made", n != NULL);
	for (int i = 0; i < 100 && m.watchdog < 3; i++)
		pass_time(&loop, &m, WATCHDOG_MS / 4);
	CHECK_INT("ready once", m.ready, ==, 1);
	CHECK("alive", m.watchdog >= 3);
	CHECK_STR("in words", m.text, "this is the hub. Sites connected: 0");
	CHECK_INT("said once", m.status, ==, 1);

	struct hang hang = {.job = {.run = hang_run, .done = hang_done}};
	REQUIRE("semaphores",
		uv_sem_init(&hang.entered, 0) == 0 && uv_sem_init(&hang.let_go, 0) == 0);
	soud_core_post(d.core, &hang.job);
	uv_sem_wait(&hang.entered);
	pass_time(&loop, &m, WATCHDOG_MS / 2); /* what it did until now is told */
	m.watchdog = 0;
	pass_time(&loop, &m, WATCHDOG_MS * 2);
	CHECK_INT("the writer hangs: no sign of life", m.watchdog, ==, 0);
	uv_sem_post(&hang.let_go);
	for (int i = 0; i < 100 && m.watchdog == 0; i++)
		pass_time(&loop, &m, WATCHDOG_MS / 4);
	CHECK("it moves again", m.watchdog > 0);

	soud_notify_close(n);
	soud_sync_close(d.sync, sync_closed, &d);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	manager_hear(&m);
	CHECK_INT("stopping", m.stopping, ==, 1);
	CHECK("the job came back", hang.done);
	CHECK_INT("nothing left", uv_loop_close(&loop), ==, 0);
	uv_sem_destroy(&hang.entered);
	uv_sem_destroy(&hang.let_go);
	manager_close(&m);
}

TEST(notify, is_nothing_without_a_manager)
{
	struct soud_notify *n = NULL;
	struct soud_daemon d = {0};
	(void)unsetenv("NOTIFY_SOCKET");
	soud_notify_ready(&n, &d, SOU_LANG_EN);
	CHECK("none", n == NULL);
	soud_notify_close(n);
}
