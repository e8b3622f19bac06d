/* metrics.h - GET /v1/metrics: the daemon's figures as Prometheus text (version 0.0.4), each with
 * name, type and help of metrics.def. Ids of sites are in it; texts, names and keys are not. */
#ifndef SOUD_METRICS_H
#define SOUD_METRICS_H

#include <stdio.h>

#include "daemon/daemon.h"
#include "daemon/http/server.h"

void soud_metrics_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT],
			 struct soud_daemon *daemon);

/* "normal", "unconfirmed", "recovering", "degraded": how the replica stands, in the API. */
const char *soud_daemon_mode(const struct soud_daemon *daemon);

/* docs/metrics.md */
void soud_metrics_manual(FILE *out);

#endif
