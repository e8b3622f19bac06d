/* daemon.h - what a running soukatsud consists of, for the handlers of its routes. Loop thread. */
#ifndef SOUD_DAEMON_H
#define SOUD_DAEMON_H

#include "daemon/core.h"
#include "daemon/settings.h"
#include "daemon/sync/sync.h"

struct soud_daemon {
	uv_loop_t *loop;
	const struct soud_settings *settings;
	struct soud_core *core;
	struct soud_sync *sync;
	struct soud_scrubber *scrubber;
	const char *address; /* that invites name: HOST:PORT; NULL or "": none is known */
};

#define SOUD_TIME_TEXT_BYTES 32u
/* RFC 3339 in Japan Standard Time with milliseconds: "2023-09-01T10:05:00.123+09:00" (R15: JST
 * fixed). Times before 1970 or past year 9999 are held to those bounds. */
void soud_time_text(int64_t ms, char out[SOUD_TIME_TEXT_BYTES]);

#endif
