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
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/plan/handlers.h"
#include "daemon/replica/hub.h"
#include "daemon/sync/routes.h"

struct run {
	uv_loop_t loop;
	struct soud_options options;
	char data_dir[1024], config[1024];
	struct soud_daemon daemon;
	struct soud_sync_waits *waits;
	struct soud_http *http;
	struct soud_notify *notify;
	char address[256];
	bool listening; /* it failed at the port, not at the directory */
	uv_signal_t signals[2];
	bool stopping;
	int status;
};

static enum sou_lang lang(void)
{
	return sou_lang_of(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"));
}

static void usage(FILE *out)
{
	(void)fputs("soukatsud --data DIR [--config FILE] [OPTION VALUE]...\n\n", out);
	soud_options_help(out, lang());
}

/* Tell the person, in her language; returns the exit status. */
static int fail(enum sou_msg msg, const char *first, const char *second, const char *third)
{
	struct soud_diagnosis d;
	soud_diagnosis_set(&d, msg, first, second, third);
	return soud_diagnosis_print(&d, stderr, "soukatsud", lang());
}

static int read_config(struct run *r)
{
	struct soud_options_fault fault = {0};
	int rc = soud_options_read(&r->options, r->config, &fault);
	if (rc == SOU_OK)
		return 0;
	char line[16], reason[SOU_ERR_TEXT_BYTES_MAX + 200];
	const char *label = fault.reason != SOU_MSG_COUNT
				    ? sou_msg_raw(fault.reason, lang(), SOU_MSG_TEXT)
				    : "";
	(void)snprintf(line, sizeof line, "%d", fault.line);
	(void)snprintf(reason, sizeof reason, "%s%s%s", fault.err.text,
		       label[0] != '\0' ? ": " : "", label);
	if (fault.line == 0)
		return fail(SOU_MSG_FILE_READ, r->config, label[0] != '\0' ? label : reason, NULL);
	if (fault.reason == SOU_MSG_REASON_FORM) /* its text is the line once more */
		return fail(SOU_MSG_CONFIG_LINE, r->config, line, label);
	return fail(SOU_MSG_CONFIG_LINE, r->config, line, reason);
}

/* What `init` or an administrator wrote beside the replica; there need not be one. */
static void own_config(struct run *r)
{
	char path[sizeof r->data_dir + 32];
	int n = snprintf(path, sizeof path, "%s/soukatsud.conf", r->data_dir);
	if (n < (int)sizeof r->config && access(path, F_OK) == 0)
		memcpy(r->config, path, (size_t)n + 1);
}

/* --data and --config first, since the file stands below the command line (options.h). */
static int read_arguments(struct run *r, int argc, char **argv)
{
	struct sou_err err = {0};
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--data") == 0)
			(void)snprintf(r->data_dir, sizeof r->data_dir, "%s", argv[i + 1]);
		if (strcmp(argv[i], "--config") == 0)
			(void)snprintf(r->config, sizeof r->config, "%s", argv[i + 1]);
	}
	if (r->config[0] == '\0' && r->data_dir[0] != '\0')
		own_config(r);
	int status = r->config[0] != '\0' ? read_config(r) : 0;
	if (status != 0)
		return status;
	for (int at = 1; at < argc;) {
		if ((strcmp(argv[at], "--data") == 0 || strcmp(argv[at], "--config") == 0) &&
		    at + 1 < argc) {
			at += 2;
			continue;
		}
		int rc = soud_options_argument(&r->options, argc, argv, &at, &err);
		if (rc == SOU_EUNKNOWN)
			return fail(SOU_MSG_DAEMON_OPTION, argv[at], NULL, NULL);
		if (rc != SOU_OK)
			return fail(SOU_MSG_DAEMON_VALUE, err.text, NULL, NULL);
	}
	if (soud_options_check(&r->options, &err) != SOU_OK)
		return fail(SOU_MSG_DAEMON_VALUE, err.text, NULL, NULL);
	return r->data_dir[0] != '\0' ? 0 : fail(SOU_MSG_DAEMON_NO_DATA, NULL, NULL, NULL);
}

/* What stopped the start: the port, or the directory. */
static int start_failed(const struct run *r, int rc, const struct sou_err *err)
{
	struct soud_diagnosis d;
	if (r->listening && rc == SOU_EBUSY)
		return fail(SOU_MSG_LISTEN_BUSY, r->options.listen, NULL, NULL);
	if (r->listening && (rc == SOU_EIO || rc == SOU_EINPUT))
		return fail(SOU_MSG_LISTEN_ADDRESS, r->options.listen, NULL, NULL);
	soud_diagnose(&d, lang(), r->data_dir, r->options.state_dir, false, rc, err);
	return soud_diagnosis_print(&d, stderr, "soukatsud", lang());
}

static void log_sync(void *data, int level, const char *rule, const char *what, const char *peer,
		     const struct sou_id *scope)
{
	(void)data;
	static const enum soud_log_level levels[] = {SOUD_LOG_INFO, SOUD_LOG_WARNING,
						     SOUD_LOG_ERROR};
	soud_log(levels[level], rule, peer, scope, "%s", what);
}

/* --- stopping: http, waits, links, plan, core; each when the one before is gone --- */

static void core_closed(void *data)
{
	struct run *r = data;
	r->daemon.core = NULL;
	for (size_t i = 0; i < 2; i++)
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

static void http_closed(void *data)
{
	struct run *r = data;
	r->http = NULL;
	soud_sync_waits_close(r->waits);
	r->waits = NULL;
	if (r->daemon.sync != NULL)
		soud_sync_close(r->daemon.sync, sync_closed, r);
	else
		sync_closed(r);
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
	soud_log(SOUD_LOG_INFO, "", "", NULL, "stopping on signal %d", number);
	stop(r);
}

static void watch_signals(struct run *r)
{
	static const int numbers[2] = {SIGTERM, SIGINT};
	for (size_t i = 0; i < 2; i++) {
		(void)uv_signal_init(&r->loop, &r->signals[i]);
		r->signals[i].data = r;
		(void)uv_signal_start(&r->signals[i], on_signal, numbers[i]);
	}
}

static bool was_paused(struct soud_core *core)
{
	uint64_t paused = 0;
	return soud_store_number_get(soud_reader_store(soud_core_reader(core)), "paused",
				     &paused) == SOU_OK &&
	       paused != 0;
}

/* Port 0 was the kernel's choice: invites name the one that it chose. */
static void announce(struct run *r)
{
	char *colon = strrchr(r->address, ':');
	if (colon == NULL)
		return;
	(void)snprintf(colon, (size_t)(r->address + sizeof r->address - colon), ":%u",
		       (unsigned)soud_sync_port(r->daemon.sync));
}

/* The hub's address: what the administrator set, else what the invite said. A hub dials nobody. */
static void hub_address(struct run *r, char out[SOU_ADDRESS_BYTES_MAX + 1])
{
	struct soud_reader *v = soud_core_reader(r->daemon.core);
	struct sou_hash tls;
	out[0] = '\0';
	if (soud_reader_identity(v)->hub)
		return;
	if (r->options.connect[0] != '\0')
		(void)snprintf(out, SOU_ADDRESS_BYTES_MAX + 1, "%s", r->options.connect);
	else if (soud_hub_place(soud_reader_store(v), out, &tls) != SOU_OK)
		out[0] = '\0';
}

static int start(struct run *r, struct sou_err *err)
{
	struct soud_core_options core = {.data_dir = r->data_dir,
					 .state_dir = r->options.state_dir};
	int rc = soud_core_open(&r->daemon.core, &r->loop, &core, err);
	if (rc != SOU_OK)
		return rc;
	char connect[SOU_ADDRESS_BYTES_MAX + 1];
	hub_address(r, connect);
	struct soud_sync_options sync = {.listen = r->options.listen,
					 .connect = connect,
					 .backoff_ms_min = (uint32_t)r->options.backoff_ms_min,
					 .backoff_ms_max = (uint32_t)r->options.backoff_ms_max,
					 .paused = was_paused(r->daemon.core),
					 .log = log_sync};
	r->listening = sync.listen[0] != '\0';
	rc = soud_sync_new(&r->daemon.sync, &r->loop, r->daemon.core, &sync, err);
	if (rc != SOU_OK)
		return rc;
	r->listening = false;
	struct soud_handler handlers[SOUD_ROUTE_COUNT] = {{NULL, NULL}};
	rc = soud_sync_waits_new(&r->waits, &r->loop, r->daemon.core, r->daemon.sync);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "no memory");
	soud_sync_routes(handlers, r->waits);
	soud_plan_routes(handlers, &r->daemon);
	if (r->options.address[0] != '\0') {
		(void)snprintf(r->address, sizeof r->address, "%s", r->options.address);
	} else {
		(void)snprintf(r->address, sizeof r->address, "%s", r->options.listen);
		announce(r);
	}
	r->daemon.address = r->address;
	char socket[sizeof r->data_dir + 16];
	(void)snprintf(socket, sizeof socket, "%s/control.sock", r->data_dir);
	return soud_http_new(&r->http, &r->loop, socket, handlers, err);
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
	soud_options_default(&r->options);
	r->status = read_arguments(r, argc, argv);
	if (r->status != 0) {
		int status = r->status;
		free(r);
		return status;
	}
	soud_log_open((enum soud_log_level)r->options.log_level);
	if (soud_guard_process(&err) != SOU_OK || uv_loop_init(&r->loop) != 0) {
		free(r);
		return fail(SOU_MSG_INTERNAL, err.text, NULL, NULL);
	}
	r->daemon.loop = &r->loop;
	r->daemon.options = &r->options;
	watch_signals(r);
	int rc = start(r, &err);
	if (rc != SOU_OK) {
		r->status = start_failed(r, rc, &err);
		stop(r);
	} else {
		(void)printf("ready port %u\n", (unsigned)soud_sync_port(r->daemon.sync));
		(void)fflush(stdout);
		soud_notify_ready(&r->notify, &r->daemon, lang());
	}
	(void)uv_run(&r->loop, UV_RUN_DEFAULT);
	int left = uv_loop_close(&r->loop);
	SOU_ASSERT(left == 0);
	int status = r->status;
	free(r);
	return status;
}
