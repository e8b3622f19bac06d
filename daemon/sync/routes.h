/* routes.h - the routes of the control API that speak to the link (docs/api.md, LINK). */
#ifndef SOUD_SYNC_ROUTES_H
#define SOUD_SYNC_ROUTES_H

#include "daemon/http/server.h"
#include "daemon/sync/sync.h"

/* The `link` object of GET /v1/status; NULL: no memory. */
json_t *soud_sync_json(const struct soud_sync *s, struct soud_core *core, enum sou_lang lang);

/* The same state in words. */
enum sou_msg soud_sync_message(const struct soud_sync *s, struct soud_core *core);

/* Waits of sync/now that are under way; made once, ended before the sync. */
struct soud_sync_waits;
int soud_sync_waits_new(struct soud_sync_waits **out, uv_loop_t *loop, struct soud_core *core,
			struct soud_sync *s);
/* Answers what still waits. The memory goes with its timer's close callback. */
void soud_sync_waits_close(struct soud_sync_waits *w);

/* sync/now, sync/pause, sync/resume; context: the waits. */
void soud_sync_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_sync_waits *w);

#endif
