/* handlers_int.h - what the files of the routes share: looking, answering, refusing. */
#ifndef SOUD_PLAN_HANDLERS_INT_H
#define SOUD_PLAN_HANDLERS_INT_H

#include "daemon/plan/acts.h"
#include "daemon/plan/handlers.h"
#include "daemon/plan/json.h"

struct ask { /* one request that reads; begun and ended together */
	struct soud_request *req;
	struct soud_daemon *daemon;
	struct soud_look look;
	struct soud_look_view view;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_refusal why;
	struct soud_json json;
};

/* False: the answer was given (an error), nothing is to be ended. */
bool soud_ask_begin(struct ask *a, struct soud_request *req, struct soud_daemon *daemon);
/* Ends and answers: reply (taken over) where rc is SOU_OK, else what `why` says. */
void soud_ask_end(struct ask *a, int rc, json_t *reply);

/* Put a refusal into words; it is emptied. */
void soud_reply_refusal(struct soud_request *req, struct soud_refusal *why);

/* read.c of the routes: the views that writing answers with, too. */
json_t *soud_ask_item(struct ask *a, const struct sou_id *item, int *rc);
void soud_read_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon);
void soud_write_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon);
void soud_status_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon);

#endif
