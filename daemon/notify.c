/* notify.c - the service manager's view. A tick asks the writer whether it has moved since the last
 * one; a tick without an answer sends no WATCHDOG, and after WATCHDOG_USEC without any the manager
 * ends the process. */
#include "daemon/notify.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/log.h"
#include "daemon/sync/routes.h"
#include "proto/limits.h"

struct soud_notify {
	uv_timer_t timer;
	const struct soud_daemon *daemon;
	enum sou_lang lang;
	bool watchdog;
	unsigned silent; /* ticks without an answer, one after the other */
	char told[256];
};

/* The link, or what is worse: as `status` says it. */
static void status_text(const struct soud_notify *n, char *out, size_t bytes)
{
	struct soud_core *core = n->daemon->core;
	enum sou_msg msg = soud_core_broken(core) ? SOU_MSG_MODE_DEGRADED
			   : soud_core_unconfirmed(core) != SOUD_FENCE_AGREES
				   ? SOU_MSG_MODE_UNCONFIRMED
				   : soud_sync_message(n->daemon->sync, core);
	const char *text = sou_msg_raw(msg, n->lang, SOU_MSG_TEXT);
	if (msg != SOU_MSG_LINK_HUB) {
		(void)snprintf(out, bytes, "%s", text);
		return;
	}
	struct soud_sync_status st;
	soud_sync_status(n->daemon->sync, &st);
	(void)snprintf(out, bytes, "%s. %s: %zu", text,
		       sou_msg_raw(SOU_MSG_HEAD_LINKS, n->lang, SOU_MSG_TEXT), st.live);
}

static void on_tick(uv_timer_t *timer)
{
	struct soud_notify *n = timer->data;
	char text[sizeof n->told];
	status_text(n, text, sizeof text);
	if (strcmp(text, n->told) != 0) {
		memcpy(n->told, text, sizeof text);
		(void)sd_notifyf(0, "STATUS=%s", text);
	}
	bool moved = soud_core_moved(n->daemon->core);
	if (moved && n->watchdog)
		(void)sd_notify(0, "WATCHDOG=1");
	n->silent = moved ? 0 : n->silent + 1;
	if (n->silent == SOU_NOTIFY_SILENT_MAX)
		soud_log(SOUD_EVENT_WRITER_STUCK, NULL, "the writer has not moved for %u ticks",
			 n->silent);
}

void soud_notify_ready(struct soud_notify **out, const struct soud_daemon *daemon,
		       enum sou_lang lang)
{
	*out = NULL;
	if (getenv("NOTIFY_SOCKET") == NULL)
		return;
	struct soud_notify *n = calloc(1, sizeof *n);
	uint64_t usec = 0;
	uint64_t tick_ms = SOU_NOTIFY_TICK_MS;
	(void)sd_notify(0, "READY=1");
	if (n == NULL)
		return;
	n->daemon = daemon;
	n->lang = lang;
	n->watchdog = sd_watchdog_enabled(0, &usec) > 0;
	if (n->watchdog && usec / 1000 / SOU_NOTIFY_TICKS_PER_WATCHDOG < tick_ms)
		tick_ms = usec / 1000 / SOU_NOTIFY_TICKS_PER_WATCHDOG;
	(void)uv_timer_init(daemon->loop, &n->timer);
	n->timer.data = n;
	(void)soud_core_moved(daemon->core); /* the first tick has an answer */
	(void)uv_timer_start(&n->timer, on_tick, 0, tick_ms == 0 ? 1 : tick_ms);
	*out = n;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void soud_notify_close(struct soud_notify *n)
{
	if (n == NULL)
		return;
	(void)sd_notify(0, "STOPPING=1");
	uv_close((uv_handle_t *)&n->timer, on_closed);
}
