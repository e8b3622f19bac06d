/* routes.c - sync/now, sync/pause, sync/resume, and the link as status shows it. A wait of sync/now
 * is looked at again every 20 ms, so that no path of a session has to know that somebody waits. */
#include "daemon/sync/routes.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/diagnose.h"
#include "daemon/daemon.h"

#define WAIT_LOOK_MS    20u
#define WAIT_DEFAULT_MS 10000
#define WAIT_MAX_MS     600000
#define WAITS_MAX       32u

struct wait {
	struct soud_request *req;              /* owed */
	uint64_t until_ms, entries_in, queued; /* when it began */
};

struct soud_sync_waits {
	uv_timer_t timer;
	struct soud_core *core;
	struct soud_sync *sync;
	struct wait waits[WAITS_MAX];
	size_t count;
};

struct pause_job {
	struct soud_job job;
	struct soud_request *req;
	struct soud_sync_waits *w;
	uint64_t paused;
};

static bool withdrawn(struct soud_core *core)
{
	struct soud_reader *v = soud_core_reader(core);
	const struct soud_identity *me = soud_reader_identity(v);
	struct sou_id key = sou_key_id(&me->site_key);
	return sou_authority_key_withdrawn(soud_reader_authority(v), &me->site, &key);
}

static enum sou_msg link_message(const struct soud_sync_status *st, struct soud_core *core,
				 const char **state)
{
	if (!st->dials) {
		*state = "hub";
		return SOU_MSG_LINK_HUB;
	}
	if (withdrawn(core)) {
		*state = "withdrawn";
		return SOU_MSG_LINK_WITHDRAWN;
	}
	if (st->paused) {
		*state = "paused";
		return SOU_MSG_LINK_PAUSED;
	}
	if (st->hub_live) {
		*state = "connected";
		return SOU_MSG_LINK_CONNECTED;
	}
	if (st->dial.state == SOUD_DIAL_WAITING) {
		*state = "offline";
		return SOU_MSG_LINK_OFFLINE;
	}
	*state = "connecting";
	return SOU_MSG_LINK_CONNECTING;
}

/* Why there is no link; SOU_MSG_COUNT: nothing is known against it. */
static enum sou_msg reason_message(const struct soud_sync_status *st)
{
	if (st->bye != NULL) {
		if (strcmp(st->bye, sou_bye_name(SOU_BYE_VERSION)) == 0)
			return SOU_MSG_LINK_VERSION;
		if (strcmp(st->bye, sou_bye_name(SOU_BYE_INSTANCE)) == 0)
			return SOU_MSG_LINK_INSTANCE;
		if (strcmp(st->bye, sou_bye_name(SOU_BYE_STOPPING)) != 0)
			return SOU_MSG_LINK_DENIED;
	}
	if (!st->dials || !st->dial.ended)
		return SOU_MSG_COUNT;
	return soud_diagnose_end(st->dial.end, st->dial.detail);
}

static json_t *time_or_null(int64_t ms)
{
	char text[SOUD_TIME_TEXT_BYTES];
	if (ms <= 0)
		return json_null();
	soud_time_text(ms, text);
	return json_string(text);
}

enum sou_msg soud_sync_message(const struct soud_sync *s, struct soud_core *core)
{
	struct soud_sync_status st;
	const char *state;
	soud_sync_status(s, &st);
	return link_message(&st, core, &state);
}

json_t *soud_sync_json(const struct soud_sync *s, struct soud_core *core, enum sou_lang lang)
{
	struct soud_sync_status st;
	soud_sync_status(s, &st);
	const char *state;
	enum sou_msg label = link_message(&st, core, &state);
	bool down = st.dials && !st.hub_live && !st.paused;
	enum sou_msg reason = st.other_instance ? SOU_MSG_LINK_INSTANCE
			      : down            ? reason_message(&st)
						: SOU_MSG_COUNT;
	const char *addr = st.dials && st.dial.addr[0] != '\0' ? st.dial.addr : NULL;
	bool waits = st.dials && !st.paused && st.dial.state == SOUD_DIAL_WAITING;
	json_t *next =
		waits ? time_or_null((int64_t)(soud_wall_ms() + st.dial.next_ms)) : json_null();
	return json_pack(
		"{s:s, s:s, s:s?, s:o, s:o, s:s?, s:s?, s:I, s:s?, s:I, s:o}", "state", state,
		"label", sou_msg_raw(label, lang, SOU_MSG_TEXT), "address", addr, "last_contact",
		time_or_null((int64_t)st.hub_contact_ms), "next_try", next, "reason",
		reason != SOU_MSG_COUNT ? sou_msg_id(reason) : NULL, "reason_label",
		reason != SOU_MSG_COUNT ? sou_msg_raw(reason, lang, SOU_MSG_TEXT) : NULL, "links",
		(json_int_t)st.live, "refusal", st.refusal, "alarms", (json_int_t)st.alarms,
		"clock_ms", st.hub_clock_known ? json_integer(st.hub_clock_ms) : json_null());
}

static void answer_link(struct soud_sync_waits *w, struct soud_request *req)
{
	json_t *link = soud_sync_json(w->sync, w->core, soud_request_lang(req));
	soud_reply_json(req, link != NULL ? json_pack("{s:o}", "link", link) : NULL);
}

/* Own entries that the hub has not acked. */
static uint64_t queued(struct soud_sync_waits *w)
{
	uint64_t count = 0;
	int64_t oldest_ms;
	return soud_sync_queued(soud_core_reader(w->core), &count, &oldest_ms) == SOU_OK ? count
											 : 0;
}

static void finish(struct soud_sync_waits *w, size_t i, bool in_time)
{
	struct wait wait = w->waits[i];
	w->waits[i] = w->waits[--w->count];
	struct soud_sync_status st;
	soud_sync_status(w->sync, &st);
	if (!in_time) {
		char n[24];
		(void)snprintf(n, sizeof n, "%llu", (unsigned long long)queued(w));
		soud_reply_error(wait.req, 504, SOU_MSG_SYNC_TIMEOUT, NULL, n);
		return;
	}
	json_t *link = soud_sync_json(w->sync, w->core, soud_request_lang(wait.req));
	soud_reply_json(wait.req, link == NULL
					  ? NULL
					  : json_pack("{s:b, s:I, s:I, s:i, s:o}", "done", 1,
						      "sent", (json_int_t)wait.queued, "received",
						      (json_int_t)(st.entries_in - wait.entries_in),
						      "queued", 0, "link", link));
}

static void look(uv_timer_t *timer)
{
	struct soud_sync_waits *w = timer->data;
	struct soud_sync_status st;
	soud_sync_status(w->sync, &st);
	bool level = st.hub_live && st.quiet && st.settled;
	if (st.hub_live && !st.settled)
		soud_sync_settle(w->sync, false); /* of a link that came meanwhile */
	uint64_t now = uv_now(timer->loop);
	for (size_t i = w->count; i-- > 0;) {
		if (level || now >= w->waits[i].until_ms)
			finish(w, i, level);
	}
	if (w->count == 0)
		(void)uv_timer_stop(timer);
}

static void on_now(struct soud_request *req, void *context)
{
	struct soud_sync_waits *w = context;
	struct soud_sync_status st;
	soud_sync_status(w->sync, &st);
	if (!st.dials) {
		soud_reply_error(req, 409, SOU_MSG_SYNC_HUB, NULL);
		return;
	}
	if (st.paused) {
		soud_reply_error(req, 409, SOU_MSG_SYNC_PAUSED, NULL);
		return;
	}
	int64_t ms = soud_request_integer(req, "wait_ms", WAIT_DEFAULT_MS);
	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	if (w->count == WAITS_MAX) {
		struct sou_err err;
		(void)sou_err_set(&err, SOU_EBUSY, "too many wait for the hub");
		soud_reply_rc(req, &err);
		return;
	}
	if (st.hub_live)
		soud_sync_settle(w->sync, true);
	else
		soud_sync_now(w->sync);
	w->waits[w->count++] =
		(struct wait){req, uv_now(w->timer.loop) + (uint64_t)ms, st.entries_in, queued(w)};
	if (!uv_is_active((uv_handle_t *)&w->timer))
		(void)uv_timer_start(&w->timer, look, 0, WAIT_LOOK_MS);
}

static int pause_run(struct soud_job *job, void *replica)
{
	struct pause_job *j = (struct pause_job *)job;
	struct soud_replica *r = soud_core_job_replica(replica);
	return soud_store_number_put(soud_replica_store(r), "paused", j->paused);
}

static void pause_done(struct soud_job *job, int rc)
{
	struct pause_job *j = (struct pause_job *)job;
	struct sou_err err;
	if (rc != SOU_OK) {
		(void)sou_err_set(&err, rc, "the setting could not be stored");
		soud_reply_rc(j->req, &err);
	} else {
		if (j->paused != 0)
			soud_sync_pause(j->w->sync);
		else
			soud_sync_resume(j->w->sync);
		answer_link(j->w, j->req);
	}
	free(j);
}

static void set_paused(struct soud_request *req, struct soud_sync_waits *w, uint64_t paused)
{
	struct soud_sync_status st;
	soud_sync_status(w->sync, &st);
	if (!st.dials) {
		soud_reply_error(req, 409, SOU_MSG_SYNC_HUB, NULL);
		return;
	}
	struct pause_job *j = calloc(1, sizeof *j);
	if (j == NULL) {
		soud_reply_json(req, NULL);
		return;
	}
	*j = (struct pause_job){{.run = pause_run, .done = pause_done}, req, w, paused};
	soud_core_post(w->core, &j->job);
}

static void on_pause(struct soud_request *req, void *context)
{
	set_paused(req, context, 1);
}

static void on_resume(struct soud_request *req, void *context)
{
	set_paused(req, context, 0);
}

int soud_sync_waits_new(struct soud_sync_waits **out, uv_loop_t *loop, struct soud_core *core,
			struct soud_sync *s)
{
	struct soud_sync_waits *w = calloc(1, sizeof *w);
	if (w == NULL)
		return SOU_ENOMEM;
	w->core = core;
	w->sync = s;
	(void)uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	*out = w;
	return SOU_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void soud_sync_waits_close(struct soud_sync_waits *w)
{
	if (w == NULL)
		return;
	while (w->count > 0)
		finish(w, w->count - 1, false);
	uv_close((uv_handle_t *)&w->timer, on_closed);
}

void soud_sync_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_sync_waits *w)
{
	handlers[SOUD_R_SYNC_NOW] = (struct soud_handler){on_now, w};
	handlers[SOUD_R_SYNC_PAUSE] = (struct soud_handler){on_pause, w};
	handlers[SOUD_R_SYNC_RESUME] = (struct soud_handler){on_resume, w};
}
