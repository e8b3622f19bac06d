/* notify.h - what the service manager hears (sd_notify): READY, STATUS in the service's language,
 * STOPPING, and WATCHDOG only while both threads get on: the timer runs on the loop, and the writer
 * answers it. Without a service manager nothing is made and nothing is sent. Loop thread. */
#ifndef SOUD_NOTIFY_H
#define SOUD_NOTIFY_H

#include "config/messages.h"
#include "daemon/daemon.h"

struct soud_notify;

/* All is open: READY=1, then on its timer. *out NULL where no service manager asked. Without memory
 * READY is sent all the same. `daemon` stays the caller's and alive until soud_notify_close. */
void soud_notify_ready(struct soud_notify **out, const struct soud_daemon *daemon,
		       enum sou_lang lang);

/* Before the core and the links are closed; no more is asked of them. NULL is fine. The memory goes
 * with the timer's close callback. */
void soud_notify_close(struct soud_notify *n);

#endif
