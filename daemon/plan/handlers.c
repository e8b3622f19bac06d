/* handlers.c - what all routes share, and the table of them. */
#include "daemon/plan/handlers_int.h"

void soud_reply_refusal(struct soud_request *req, struct soud_refusal *why)
{
	const char *args[SOU_MSG_ARGUMENTS_MAX];
	if (why->status == 0) {
		soud_reply_rc(req, &why->err);
		soud_refusal_fini(why);
		return;
	}
	for (size_t i = 0; i < SOU_MSG_ARGUMENTS_MAX; i++)
		args[i] = why->has_label[i]
				  ? sou_msg_raw(why->label[i], soud_request_lang(req), SOU_MSG_TEXT)
				  : why->argument[i];
	json_t *detail = why->detail;
	why->detail = NULL;
	_Static_assert(SOU_MSG_ARGUMENTS_MAX == 4, "as many as are given here");
	/* More than the message takes does no harm: it reads as many as it has. */
	soud_reply_error(req, why->status, why->msg, detail, args[0], args[1], args[2], args[3]);
	soud_refusal_fini(why);
}

bool soud_ask_begin(struct ask *a, struct soud_request *req, struct soud_daemon *daemon)
{
	struct soud_sync_status st;
	*a = (struct ask){.req = req, .daemon = daemon};
	soud_sync_status(daemon->sync, &st);
	bool hub = soud_reader_identity(soud_core_reader(daemon->core))->hub;
	soud_look_reader(&a->look, soud_core_reader(daemon->core),
			 st.paused || (!st.dials && !hub));
	int rc = soud_look_begin(&a->look, &a->view);
	if (rc == SOU_OK) {
		rc = soud_plan_read(&a->look, &a->pool, &a->plan);
		if (rc != SOU_OK)
			soud_look_end(&a->look, &a->view);
	}
	if (rc != SOU_OK) {
		(void)soud_refuse_rc(&a->why, rc, NULL);
		soud_reply_refusal(req, &a->why);
		soud_pool_fini(&a->pool);
		return false;
	}
	a->json = (struct soud_json){.look = &a->look,
				     .plan = &a->plan,
				     .pool = &a->pool,
				     .lang = soud_request_lang(req)};
	return true;
}

void soud_ask_end(struct ask *a, int rc, json_t *reply)
{
	if (rc == SOU_OK)
		rc = a->json.rc;
	if (rc == SOU_OK) {
		soud_reply_json(a->req, reply);
	} else {
		json_decref(reply);
		if (a->why.err.rc == SOU_OK)
			(void)soud_refuse_rc(&a->why, rc, NULL);
		soud_reply_refusal(a->req, &a->why);
	}
	soud_refusal_fini(&a->why);
	soud_look_end(&a->look, &a->view);
	soud_pool_fini(&a->pool);
}

void soud_plan_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon)
{
	soud_read_routes(handlers, daemon);
	soud_write_routes(handlers, daemon);
	soud_status_routes(handlers, daemon);
}
