/* main.c - soukatsud: read options, open the replica, serve the control socket and the links, stop
 * cleanly. Everything that can fail is opened before the ready line is printed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/diagnose.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/proxy_auth.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/plan/handlers.h"
#include "daemon/port.h"
#include "daemon/replica/hub.h"
#include "daemon/scrubber.h"
#include "daemon/settings.h"
#include "daemon/sync/confirm_alone.h"
#include "daemon/sync/routes.h"

enum { SIGNALS = 3 };

struct run {
	uv_loop_t loop;
	struct soud_settings settings;
	struct soud_daemon daemon;
	struct soud_sync_waits *waits;
	struct soud_http *http;
	struct soud_notify *notify;
	char address[256];
	char listen[SOUD_LISTEN_BYTES]; /* with the port of before, where it was the kernel's */
	bool listening;                 /* it failed at the port, not at the directory */
	bool bad_proxy_auth;            /* or at the file of that setting */
	uv_signal_t signals[SIGNALS];
	bool stopping;
	int status;
};

static enum sou_lang lang(void)
{
	return sou_lang_of(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"));
}

static void usage(FILE *out)
{
	(void)fputs("soukatsud --data DIR [--config FILE] [--check-config] [OPTION VALUE]...\n\n",
		    out);
	soud_options_help(out, lang());
}

/* Tell the person, in her language; returns the exit status. */
static int fail(enum sou_msg msg, const char *first, const char *second, const char *third)
{
	struct soud_diagnosis d;
	soud_diagnosis_set(&d, msg, first, second, third);
	return soud_diagnosis_print(&d, stderr, "soukatsud", lang());
}

/* False: the run is over, and *status is what it ends with. */
static bool read_settings(struct run *r, int argc, char **argv, int *status)
{
	struct soud_settings_faults *faults = malloc(sizeof *faults);
	if (faults == NULL) {
		*status = fail(SOU_MSG_NO_MEMORY, NULL, NULL, NULL);
		return false;
	}
	size_t count = soud_settings_start(&r->settings, argc, argv, lang(), faults);
	*status = soud_settings_tell(faults, stderr, lang());
	free(faults);
	if (count == 0 && r->settings.check)
		(void)puts(sou_msg_raw(SOU_MSG_CONFIG_GOOD, lang(), SOU_MSG_TEXT));
	return count == 0 && !r->settings.check;
}

/* What stopped the start: the port, or the directory. */
static int start_failed(const struct run *r, int rc, const struct sou_err *err)
{
	struct soud_diagnosis d;
	if (r->bad_proxy_auth)
		return fail(SOU_MSG_CONFIG_UNUSABLE, "proxy_auth", err->text, NULL);
	if (r->listening && rc == SOU_EBUSY)
		return fail(SOU_MSG_LISTEN_BUSY, r->listen, NULL, NULL);
	if (r->listening && (rc == SOU_EIO || rc == SOU_EINPUT))
		return fail(SOU_MSG_LISTEN_ADDRESS, r->listen, NULL, NULL);
	soud_diagnose(&d, lang(), r->settings.data_dir, r->settings.now.state_dir, false, rc, err);
	return soud_diagnosis_print(&d, stderr, "soukatsud", lang());
}

/* --- stopping: http, waits, scrub, links, plan, core; each when the one before is gone --- */

static void core_closed(void *data)
{
	struct run *r = data;
	r->daemon.core = NULL;
	for (size_t i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
}

static void sync_closed(void *data)
{
	struct run *r = data;
	r->daemon.sync = NULL;
	if (r->daemon.core != NULL)
		soud_core_close(r->daemon.core, core_closed, r);
	else
		core_closed(r);
}

static void scrubber_closed(void *data)
{
	struct run *r = data;
	r->daemon.scrubber = NULL;
	if (r->daemon.sync != NULL)
		soud_sync_close(r->daemon.sync, sync_closed, r);
	else
		sync_closed(r);
}

static void http_closed(void *data)
{
	struct run *r = data;
	r->http = NULL;
	soud_sync_waits_close(r->waits);
	r->waits = NULL;
	if (r->daemon.scrubber != NULL)
		soud_scrubber_close(r->daemon.scrubber, scrubber_closed, r);
	else
		scrubber_closed(r);
}

static void stop(struct run *r)
{
	if (r->stopping)
		return;
	r->stopping = true;
	soud_notify_close(r->notify);
	r->notify = NULL;
	if (r->http != NULL)
		soud_http_close(r->http, http_closed, r);
	else
		http_closed(r);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct run *r = handle->data;
	soud_log(SOUD_EVENT_STOPPING, NULL, "signal %d", number);
	stop(r);
}

/* Where sites find this hub: what the administrator set, else where it listens. Port 0 was the
 * kernel's choice: invites name the one that it chose. */
static void announce(struct run *r)
{
	const struct soud_options *o = &r->settings.now;
	bool set = o->address[0] != '\0';
	(void)snprintf(r->address, sizeof r->address, "%s", set ? o->address : o->listen);
	char *colon = strrchr(r->address, ':');
	if (!set && colon != NULL)
		(void)snprintf(colon, (size_t)(r->address + sizeof r->address - colon), ":%u",
			       (unsigned)soud_sync_port(r->daemon.sync));
}

/* Nothing of it can fail: what is LIVE in options.def comes into force together. */
static void put_in_force(struct run *r)
{
	const struct soud_options *o = &r->settings.now;
	soud_log_open((enum soud_log_level)o->log_level, (enum soud_log_format)o->log_format);
	soud_sync_backoff(r->daemon.sync, (uint32_t)o->backoff_min_ms, (uint32_t)o->backoff_max_ms);
	announce(r);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct run *r = handle->data;
	struct soud_settings *s = &r->settings;
	(void)number;
	if (r->stopping || r->http == NULL)
		return;
	if (!soud_settings_reload(s, (int64_t)soud_wall_ms())) {
		soud_log(SOUD_EVENT_CONFIG_REFUSED, NULL,
			 "%zu faults, nothing was changed; soukatsud --check-config tells them",
			 s->faults);
		return;
	}
	put_in_force(r);
	soud_log(SOUD_EVENT_CONFIG_RELOADED, NULL, "the settings are in force");
	if (s->restart[0] != '\0')
		soud_log(SOUD_EVENT_CONFIG_RESTART, NULL, "waits for the next start: %s",
			 s->restart);
}

static void watch_signals(struct run *r)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; i < SIGNALS; i++) {
		(void)uv_signal_init(&r->loop, &r->signals[i]);
		r->signals[i].data = r;
		(void)uv_signal_start(&r->signals[i], numbers[i] == SIGHUP ? on_hangup : on_signal,
				      numbers[i]);
	}
}

static bool was_paused(struct soud_core *core)
{
	uint64_t paused = 0;
	return soud_store_number_get(soud_reader_store(soud_core_reader(core)), "paused",
				     &paused) == SOU_OK &&
	       paused != 0;
}

/* The hub's address: what the administrator set, else what the invite said. A hub dials nobody. */
static void hub_address(struct run *r, char out[SOU_ADDRESS_BYTES_MAX + 1])
{
	struct soud_reader *v = soud_core_reader(r->daemon.core);
	struct sou_hash tls;
	out[0] = '\0';
	if (soud_reader_identity(v)->hub)
		return;
	if (r->settings.now.connect[0] != '\0')
		(void)snprintf(out, SOU_ADDRESS_BYTES_MAX + 1, "%s", r->settings.now.connect);
	else if (soud_hub_place(soud_reader_store(v), out, &tls) != SOU_OK)
		out[0] = '\0';
}

static int start(struct run *r, struct sou_err *err)
{
	struct soud_core_options core = {.data_dir = r->settings.data_dir,
					 .state_dir = r->settings.now.state_dir};
	int rc = soud_core_open(&r->daemon.core, &r->loop, &core, err);
	if (rc != SOU_OK)
		return rc;
	char connect[SOU_ADDRESS_BYTES_MAX + 1];
	struct sou_buf auth = {0};
	hub_address(r, connect);
	if (r->settings.now.proxy[0] != '\0')
		rc = soud_proxy_auth_read(r->settings.now.proxy_auth, &auth, err);
	r->bad_proxy_auth = rc != SOU_OK;
	soud_port_recall(r->settings.data_dir, r->settings.now.listen, r->listen);
	struct soud_sync_options sync = {.listen = r->listen,
					 .connect = connect,
					 .proxy = r->settings.now.proxy,
					 .proxy_auth = sou_buf_span(&auth),
					 .backoff_ms_min = (uint32_t)r->settings.now.backoff_min_ms,
					 .backoff_ms_max = (uint32_t)r->settings.now.backoff_max_ms,
					 .paused = was_paused(r->daemon.core)};
	r->listening = sync.listen[0] != '\0';
	if (rc == SOU_OK)
		rc = soud_sync_new(&r->daemon.sync, &r->loop, r->daemon.core, &sync, err);
	if (auth.p != NULL)
		sou_cleanse(auth.p, auth.cap);
	sou_buf_fini(&auth);
	if (rc != SOU_OK)
		return rc;
	r->listening = false;
	rc = soud_port_keep(r->settings.data_dir, r->settings.now.listen,
			    soud_sync_port(r->daemon.sync), err);
	if (rc != SOU_OK)
		return rc;
	struct soud_handler handlers[SOUD_ROUTE_COUNT] = {{NULL, NULL}};
	rc = soud_sync_waits_new(&r->waits, &r->loop, r->daemon.core, r->daemon.sync);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "no memory");
	rc = soud_scrubber_new(&r->daemon.scrubber, &r->loop, r->daemon.core, r->daemon.sync);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "no memory");
	soud_sync_routes(handlers, r->waits);
	soud_confirm_routes(handlers, &r->daemon);
	soud_scrubber_routes(handlers, r->daemon.scrubber);
	soud_plan_routes(handlers, &r->daemon);
	soud_metrics_routes(handlers, &r->daemon);
	announce(r);
	r->daemon.address = r->address;
	char socket[sizeof r->settings.data_dir + 16];
	(void)snprintf(socket, sizeof socket, "%s/control.sock", r->settings.data_dir);
	return soud_http_new(&r->http, &r->loop, socket, handlers, err);
}

static void tell_started(struct run *r)
{
	const struct soud_log_facts r12 = {.rule = "R12"};
	struct soud_reader *v = soud_core_reader(r->daemon.core);
	const struct soud_log_facts own = {.site = &soud_reader_identity(v)->site};
	soud_log(SOUD_EVENT_STARTED, &own, "soukatsud %s, %s", SOU_VERSION,
		 soud_reader_identity(v)->hub ? "hub" : "site");
	if (soud_core_unconfirmed(r->daemon.core) != SOUD_FENCE_AGREES)
		soud_log(SOUD_EVENT_REPLICA_UNCONFIRMED, &r12, "waits to be compared");
}

int main(int argc, char **argv)
{
	struct run *r = calloc(1, sizeof *r);
	struct sou_err err = {0};
	if (r == NULL)
		return EX_OSERR;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		free(r);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("soukatsud " SOU_VERSION);
		free(r);
		return 0;
	}
	if (!read_settings(r, argc, argv, &r->status)) {
		int status = r->status;
		free(r);
		return status;
	}
	soud_log_open((enum soud_log_level)r->settings.now.log_level,
		      (enum soud_log_format)r->settings.now.log_format);
	if (soud_guard_process(&err) != SOU_OK || uv_loop_init(&r->loop) != 0) {
		free(r);
		return fail(SOU_MSG_INTERNAL, err.text, NULL, NULL);
	}
	r->daemon.loop = &r->loop;
	r->daemon.settings = &r->settings;
	watch_signals(r);
	int rc = start(r, &err);
	if (rc != SOU_OK) {
		r->status = start_failed(r, rc, &err);
		stop(r);
	} else {
		(void)printf("ready port %u\n", (unsigned)soud_sync_port(r->daemon.sync));
		(void)fflush(stdout);
		soud_notify_ready(&r->notify, &r->daemon, lang());
		tell_started(r);
	}
	(void)uv_run(&r->loop, UV_RUN_DEFAULT);
	int left = uv_loop_close(&r->loop);
	SOU_ASSERT(left == 0);
	int status = r->status;
	free(r);
	return status;
}
