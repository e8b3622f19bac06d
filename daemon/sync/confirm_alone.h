/* confirm_alone.h - POST /v1/confirm: an administrator lets an unconfirmed replica sign again
 * without anybody to compare it with (R12). */
#ifndef SOUD_SYNC_CONFIRM_ALONE_H
#define SOUD_SYNC_CONFIRM_ALONE_H

#include "daemon/daemon.h"
#include "daemon/http/server.h"

void soud_confirm_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT],
			 struct soud_daemon *daemon);

#endif
