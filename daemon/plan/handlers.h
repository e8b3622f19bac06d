/* handlers.h - the routes of the control API that read or write the plan, items, submissions,
 * conflicts, organisations and sites (docs/api.md; LINK routes are daemon/sync/routes.h). Loop
 * thread. */
#ifndef SOUD_PLAN_HANDLERS_H
#define SOUD_PLAN_HANDLERS_H

#include "daemon/daemon.h"
#include "daemon/http/server.h"

/* `daemon` is borrowed and must be whole when the first request comes. */
void soud_plan_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon);

#endif
