/* confirm_alone.c - the act is the replica's; here is who may ask for it, and when: not at a site
 * whose line is there, for then the comparison itself is seconds away (R14). */
#include "daemon/sync/confirm_alone.h"

#include <stdlib.h>
#include <string.h>

struct confirm_alone {
	struct soud_job job;
	struct soud_request *req; /* lives until it is answered */
	struct soud_daemon *daemon;
	uint32_t epochs;
	struct sou_err err;
};

static struct sou_span span_of(const char *text)
{
	return (struct sou_span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

static int run(struct soud_job *job, void *replica)
{
	struct confirm_alone *j = (struct confirm_alone *)job;
	struct soud_replica *r = soud_core_job_replica(replica);
	int rc = soud_replica_confirm_alone(r, span_of(soud_request_text(j->req, "reason")),
					    span_of(soud_request_text(j->req, "by")), &j->epochs,
					    &j->err);
	return soud_replica_broken(r) ? SOU_ESTORE : rc;
}

static void done(struct soud_job *job, int rc)
{
	struct confirm_alone *j = (struct confirm_alone *)job;
	if (rc == SOU_OK) {
		soud_sync_confirmed(j->daemon->sync);
		soud_reply_json(j->req, json_pack("{s:b, s:I}", "done", 1, "epochs",
						  (json_int_t)j->epochs));
	} else if (rc == SOU_EEXIST) {
		soud_reply_error(j->req, 409, SOU_MSG_CONFIRM_NOTHING, NULL);
	} else {
		if (j->err.rc != rc)
			(void)sou_err_set(&j->err, rc, "%s", sou_err_text(rc));
		soud_reply_rc(j->req, &j->err);
	}
	free(j);
}

static void on_confirm(struct soud_request *req, void *context)
{
	struct soud_daemon *daemon = context;
	struct soud_sync_status st;
	soud_sync_status(daemon->sync, &st);
	if (soud_core_unconfirmed(daemon->core) == SOUD_FENCE_AGREES) {
		soud_reply_error(req, 409, SOU_MSG_CONFIRM_NOTHING, NULL);
		return;
	}
	if (st.hub_live) {
		soud_reply_error(req, 409, SOU_MSG_CONFIRM_LINE, NULL);
		return;
	}
	struct confirm_alone *j = calloc(1, sizeof *j);
	if (j == NULL) {
		soud_reply_json(req, NULL);
		return;
	}
	*j = (struct confirm_alone){{.run = run, .done = done}, req, daemon, 0, {0}};
	soud_core_post(daemon->core, &j->job);
}

void soud_confirm_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon)
{
	handlers[SOUD_R_CONFIRM] = (struct soud_handler){on_confirm, daemon};
}
