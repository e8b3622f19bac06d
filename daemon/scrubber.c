/* scrubber.c - when a scrub runs, how slowly, and what follows from what it found (R22). One step
 * at a time on a worker thread; between steps of the weekly one the disk belongs to the others. */
#include "daemon/scrubber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/export.h"
#include "daemon/log.h"
#include "daemon/replica/damage.h"
#include "daemon/replica/scrub.h"
#include "proto/limits.h"

#define WAITS_MAX    8u
#define WAIT_LOOK_MS 50u
#define REPAIR_MS    10000u /* so long a person waits for answers of peers */
#define NUMBER_LAST  "scrub_ms"

static const struct soud_log_facts r22 = {.rule = "R22"};

struct wait {
	struct soud_request *req; /* owed */
	bool begun;               /* a whole scrub began after it was asked for */
};

struct soud_scrubber {
	uv_loop_t *loop;
	struct soud_core *core;
	struct soud_sync *sync;
	char path[1200];
	uv_timer_t look, next, answer; /* is it time; the next step; who waits */
	uv_work_t work;
	struct soud_job note;
	struct soud_scrub *scrub; /* under way; NULL: none */
	bool working, noting, slow, closing, met;
	int step_rc;
	bool step_done;
	uint64_t step_ns, wanted_ms, ended_ms; /* loop clock */
	int64_t last_ms;
	uint64_t damaged_before, damaged_seen;
	json_t *report; /* owned: of the last one */
	struct wait waits[WAITS_MAX];
	size_t wait_count;
	int handles;
	void (*closed_cb)(void *data);
	void *closed_data;
};

static uint64_t damaged_now(const struct soud_scrubber *s)
{
	const struct soud_damage *d = soud_reader_damage(soud_core_reader(s->core));
	return d->count + d->more;
}

/* --- One after the other --- */

static void step_on_worker(uv_work_t *work)
{
	struct soud_scrubber *s = work->data;
	uint64_t begin = uv_hrtime();
	s->step_rc = soud_scrub_step(s->scrub, &s->step_done);
	s->step_ns = uv_hrtime() - begin;
}

static void after_step(uv_work_t *work, int status);

static void step(struct soud_scrubber *s)
{
	s->work.data = s;
	s->working = uv_queue_work(s->loop, &s->work, step_on_worker, after_step) == 0;
}

static void on_next(uv_timer_t *timer)
{
	step(timer->data);
}

static void maybe_closed(struct soud_scrubber *s);

static void end(struct soud_scrubber *s)
{
	soud_scrub_free(s->scrub);
	s->scrub = NULL;
	s->ended_ms = uv_now(s->loop);
	maybe_closed(s);
}

/* What a person and a script are shown of it; `damaged` is added when it is shown. */
static json_t *report_json(const struct soud_scrubbed *found)
{
	static const char *const kinds[SOUD_FINDING_KINDS] = {
		[SOUD_FINDING_FILE] = "file",       [SOUD_FINDING_AUTHORITY] = "authority",
		[SOUD_FINDING_HASH] = "hash",       [SOUD_FINDING_SIGNATURE] = "signature",
		[SOUD_FINDING_VERDICT] = "verdict", [SOUD_FINDING_STATE] = "state",
		[SOUD_FINDING_OWN] = "own"};
	const struct soud_verified *v = &found->seen;
	json_t *findings = json_array();
	uint64_t faults = 0;
	for (size_t i = 0; i < SOUD_FINDING_KINDS; i++)
		faults += v->finding_count[i];
	for (uint32_t i = 0; i < v->findings_told; i++)
		json_array_append_new(findings, json_pack("{s:s, s:I, s:s}", "kind",
							  kinds[v->findings[i].kind], "arrival",
							  (json_int_t)v->findings[i].arrival,
							  "text", v->findings[i].text));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "ops", (json_int_t)v->ops, "scopes",
			 (json_int_t)v->scopes, "entries", (json_int_t)v->entries, "signatures",
			 (json_int_t)v->signatures, "records", (json_int_t)found->records, "faults",
			 (json_int_t)faults, "findings", findings);
}

static int note_run(struct soud_job *job, void *replica)
{
	struct soud_scrubber *s =
		(struct soud_scrubber *)((char *)job - offsetof(struct soud_scrubber, note));
	struct soud_replica *r = soud_core_job_replica(replica);
	if (!soud_core_job_takes(replica, SOUD_NEED_MARKS))
		return SOU_EFULL;
	int rc = soud_replica_scrubbed(r, soud_scrub_result(s->scrub));
	if (rc == SOU_OK)
		rc = soud_store_number_put(soud_replica_store(r), NUMBER_LAST, soud_wall_ms());
	return soud_replica_broken(r) ? SOU_ESTORE : rc;
}

/* Listed entries: each by its line, and own ones that were not sent as texts in a file. */
static void tell_damage(struct soud_scrubber *s)
{
	struct soud_reader *v = soud_core_reader(s->core);
	const struct soud_damage *d = soud_reader_damage(v);
	for (uint32_t i = 0; i < d->count; i++) {
		struct sou_id scope;
		const struct soud_log_facts facts = {.rule = "R22", .scope = &scope};
		if (soud_store_scope_id(soud_reader_store(v), d->rows[i].scope, &scope) == SOU_OK)
			soud_log(SOUD_EVENT_ENTRY_DAMAGED, &facts, "entry %llu",
				 (unsigned long long)d->rows[i].arrival);
	}
	struct sou_err err = {0};
	if (d->count > 0 && soud_export_damaged(v, soud_core_data_dir(s->core), &err) != SOU_OK)
		soud_log(SOUD_EVENT_SCRUB_FAILED, &r22, "texts were not exported: %s", err.text);
}

static void note_done(struct soud_job *job, int rc)
{
	struct soud_scrubber *s =
		(struct soud_scrubber *)((char *)job - offsetof(struct soud_scrubber, note));
	s->noting = false;
	if (rc == SOU_OK && soud_scrub_result(s->scrub)->stale)
		soud_log(SOUD_EVENT_SCRUB_DERIVED, &r22, "derived again from the records");
	if (rc == SOU_OK) {
		s->last_ms = (int64_t)soud_wall_ms();
		s->wanted_ms = 0; /* ask at once */
		s->met = false;
		tell_damage(s);
	} else {
		soud_log(SOUD_EVENT_SCRUB_FAILED, &r22, "what it found was not noted: %s",
			 sou_err_text(rc));
	}
	end(s);
}

static void after_step(uv_work_t *work, int status)
{
	struct soud_scrubber *s = work->data;
	s->working = false;
	if (status != 0 || s->closing || s->step_rc != SOU_OK) {
		if (!s->closing)
			soud_log(SOUD_EVENT_SCRUB_FAILED, &r22, "given up: %s",
				 sou_err_text(s->step_rc));
		end(s);
		return;
	}
	if (!s->step_done) {
		uint64_t rest_ms = s->slow ? s->step_ns * SOU_SCRUB_REST / 1000000 : 0;
		(void)uv_timer_start(&s->next, on_next, rest_ms, 0);
		return;
	}
	json_decref(s->report);
	s->report = report_json(soud_scrub_result(s->scrub));
	json_int_t faults = json_integer_value(json_object_get(s->report, "faults"));
	soud_log(faults > 0 ? SOUD_EVENT_SCRUB_FAULTS : SOUD_EVENT_SCRUBBED, &r22,
		 "%lld entries, %lld faults",
		 json_integer_value(json_object_get(s->report, "entries")), faults);
	s->damaged_before = damaged_now(s) + soud_scrub_result(s->scrub)->damage.count;
	s->noting = true;
	s->note = (struct soud_job){.run = note_run, .done = note_done};
	soud_core_post(s->core, &s->note);
}

static bool begin(struct soud_scrubber *s, bool slow)
{
	struct sou_err err = {0};
	uint64_t seed = uv_hrtime();
	if (s->scrub != NULL) {
		s->slow = s->slow && slow;
		return true;
	}
	if (soud_scrub_new(&s->scrub, s->path, NULL, NULL, seed, &err) != SOU_OK) {
		soud_log(SOUD_EVENT_SCRUB_FAILED, &r22, "cannot begin: %s", err.text);
		return false;
	}
	s->slow = slow;
	step(s);
	return true;
}

/* --- When --- */

static bool is_due(const struct soud_scrubber *s)
{
	int64_t now = (int64_t)soud_wall_ms();
	/* A clock that was set back by years must not put it off by years (R15). */
	return s->last_ms > now || now - s->last_ms >= (int64_t)SOU_SCRUB_EVERY_MS;
}

/* Ascending and distinct; beyond the most of a frame the rest is asked for later. */
static void name_put(struct sou_id names[SOU_WANT_MAX], uint32_t *n, const struct sou_id *id)
{
	uint32_t at = *n;
	while (at > 0 && sou_id_cmp(&names[at - 1], id) >= 0)
		at--;
	if (*n == SOU_WANT_MAX || (at < *n && sou_id_eq(&names[at], id)))
		return;
	memmove(&names[at + 1], &names[at], (*n - at) * sizeof *names);
	names[at] = *id;
	++*n;
}

/* P13.11: by id, from whoever is linked. */
static void want(struct soud_scrubber *s)
{
	struct soud_reader *v = soud_core_reader(s->core);
	const struct soud_damage *d = soud_reader_damage(v);
	uint64_t now = uv_now(s->loop);
	if (d->count == 0 || (s->wanted_ms != 0 && now - s->wanted_ms < SOU_SCRUB_WANT_MS))
		return;
	s->wanted_ms = now;
	for (uint32_t from = 0, to; from < d->count; from = to) {
		struct sou_id scope, names[SOU_WANT_MAX];
		uint32_t n = 0;
		for (to = from; to < d->count && d->rows[to].scope == d->rows[from].scope; to++) {
			struct sou_id id = sou_hash_half(&d->rows[to].id);
			name_put(names, &n, &id);
		}
		if (soud_store_scope_id(soud_reader_store(v), d->rows[from].scope, &scope) ==
		    SOU_OK)
			soud_sync_want(s->sync, &scope, names, n);
	}
}

static void on_look(uv_timer_t *timer)
{
	struct soud_scrubber *s = timer->data;
	uint64_t damaged = damaged_now(s);
	s->met |= soud_core_met_damage(s->core);
	s->met |= s->damaged_seen > 0 && damaged == 0; /* what was hidden behind it */
	s->damaged_seen = damaged;
	want(s);
	if (s->scrub == NULL && (s->met || is_due(s)))
		(void)begin(s, !s->met);
}

/* --- Who waits --- */

static json_t *damaged_json(const struct soud_scrubber *s)
{
	struct soud_reader *v = soud_core_reader(s->core);
	const struct soud_damage *d = soud_reader_damage(v);
	json_t *list = json_array();
	for (uint32_t i = 0; i < d->count; i++) {
		struct sou_id scope = {{0}};
		char hex[65], scope_hex[33];
		(void)soud_store_scope_id(soud_reader_store(v), d->rows[i].scope, &scope);
		for (size_t k = 0; k < 32; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", d->rows[i].id.b[k]);
		for (size_t k = 0; k < 16; k++)
			(void)snprintf(scope_hex + 2 * k, 3, "%02x", scope.b[k]);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I, s:b}", "scope", scope_hex, "id",
						hex, "arrival", (json_int_t)d->rows[i].arrival,
						"own", d->rows[i].own));
	}
	return list;
}

static void answer_all(struct soud_scrubber *s)
{
	uint64_t now = damaged_now(s);
	for (size_t i = s->wait_count; i-- > 0;) {
		struct soud_request *req = s->waits[i].req;
		if (!s->waits[i].begun && !s->closing)
			continue;
		s->waits[i] = s->waits[--s->wait_count];
		if (s->report == NULL) {
			struct sou_err err;
			(void)sou_err_set(&err, SOU_ESTORE, "the scrub was given up");
			soud_reply_rc(req, &err);
			continue;
		}
		json_t *reply = json_copy(s->report);
		json_object_set_new(reply, "damaged", damaged_json(s));
		json_object_set_new(
			reply, "repaired",
			json_integer((json_int_t)(s->damaged_before > now ? s->damaged_before - now
									  : 0)));
		soud_reply_json(req, reply);
	}
}

static void on_answer(uv_timer_t *timer)
{
	struct soud_scrubber *s = timer->data;
	if (s->wait_count == 0) {
		(void)uv_timer_stop(timer);
		return;
	}
	if (s->scrub != NULL)
		return;
	bool fresh = false;
	for (size_t i = 0; i < s->wait_count; i++)
		fresh |= !s->waits[i].begun;
	if (fresh) { /* asked for while another one was under way */
		bool begun = begin(s, false);
		for (size_t i = 0; i < s->wait_count; i++)
			s->waits[i].begun = true;
		if (begun)
			return;
	}
	want(s);
	struct soud_sync_status st;
	soud_sync_status(s->sync, &st);
	bool hopes = damaged_now(s) > 0 && st.live > 0 && uv_now(s->loop) - s->ended_ms < REPAIR_MS;
	if (!hopes)
		answer_all(s);
}

static void on_scrub(struct soud_request *req, void *context)
{
	struct soud_scrubber *s = context;
	if (s->wait_count == WAITS_MAX || s->closing) {
		struct sou_err err;
		(void)sou_err_set(&err, SOU_EBUSY, "too many wait for a scrub");
		soud_reply_rc(req, &err);
		return;
	}
	s->waits[s->wait_count++] = (struct wait){req, false};
	(void)uv_timer_start(&s->answer, on_answer, 0, WAIT_LOOK_MS);
}

void soud_scrubber_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_scrubber *s)
{
	handlers[SOUD_R_SCRUB] = (struct soud_handler){on_scrub, s};
}

void soud_scrubber_status(const struct soud_scrubber *s, struct soud_scrubber_status *out)
{
	*out = (struct soud_scrubber_status){
		.running = s->scrub != NULL, .last_ms = s->last_ms, .damaged = damaged_now(s)};
}

/* --- Beginning and end --- */

int soud_scrubber_new(struct soud_scrubber **out, uv_loop_t *loop, struct soud_core *core,
		      struct soud_sync *sync)
{
	struct soud_scrubber *s = calloc(1, sizeof *s);
	uint64_t last = 0;
	if (s == NULL)
		return SOU_ENOMEM;
	s->loop = loop;
	s->core = core;
	s->sync = sync;
	(void)snprintf(s->path, sizeof s->path, "%s/replica.db", soud_core_data_dir(core));
	(void)soud_store_number_get(soud_reader_store(soud_core_reader(core)), NUMBER_LAST, &last);
	s->last_ms = (int64_t)last;
	uv_timer_t *timers[] = {&s->look, &s->next, &s->answer};
	for (size_t i = 0; i < 3; i++) {
		(void)uv_timer_init(loop, timers[i]);
		timers[i]->data = s;
	}
	s->handles = 3;
	(void)uv_timer_start(&s->look, on_look, SOU_SCRUB_LOOK_MS, SOU_SCRUB_LOOK_MS);
	*out = s;
	return SOU_OK;
}

static void maybe_closed(struct soud_scrubber *s)
{
	if (!s->closing || s->handles > 0 || s->working || s->noting)
		return;
	void (*closed_cb)(void *data) = s->closed_cb;
	void *data = s->closed_data;
	soud_scrub_free(s->scrub);
	json_decref(s->report);
	free(s);
	closed_cb(data);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct soud_scrubber *s = handle->data;
	s->handles--;
	maybe_closed(s);
}

void soud_scrubber_close(struct soud_scrubber *s, void (*closed_cb)(void *data), void *data)
{
	s->closing = true;
	s->closed_cb = closed_cb;
	s->closed_data = data;
	if (s->scrub != NULL)
		soud_scrub_stop(s->scrub);
	answer_all(s);
	uv_close((uv_handle_t *)&s->look, on_timer_closed);
	uv_close((uv_handle_t *)&s->next, on_timer_closed);
	uv_close((uv_handle_t *)&s->answer, on_timer_closed);
}
