/* jobs.c - what a session wants stored, as jobs of the writer thread, in the order in which it came
 * (daemon/checker.h). A job has a copy of all it needs and never looks at the peer while it runs;
 * the peer waits for it (peer->jobs). */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/hub.h"
#include "daemon/sync/sync_int.h"

enum job_kind { JOB_NEWS, JOB_SERIES, JOB_SIGNATURES, JOB_ENROL, JOB_NEW_LOG, JOB_LATE };

struct peer_job {
	struct soud_job job;
	struct soud_check check;
	enum job_kind kind;
	struct peer *peer; /* loop thread only */
	struct soud_from from;
	uint64_t token;
	struct sou_news news;
	struct sou_signatures signatures;
	struct sou_join join;
	uint8_t exporter[SOUD_TLS_EXPORTER_BYTES];
	struct late *late; /* owned */
	size_t late_count;
	struct soud_taken taken;
	size_t n;
	uint8_t bytes[]; /* copy of the data that the above borrow */
};

static void run_late(struct peer_job *j, struct soud_replica *r)
{
	for (size_t i = 0; i < j->late_count; i++) {
		const struct late *l = &j->late[i];
		struct sou_ack ack = {l->scope, l->acked, l->received_ms};
		if (l->acked > 0)
			(void)soud_replica_acked(r, &j->from, &ack);
		if (l->passed > 0)
			(void)soud_replica_passed(r, &j->from, &l->scope, l->passed);
	}
}

static enum soud_space_need need_of(enum job_kind kind)
{
	switch (kind) {
	case JOB_NEWS:
		return SOUD_NEED_ENTRIES;
	case JOB_SERIES:
	case JOB_ENROL:
	case JOB_NEW_LOG:
		return SOUD_NEED_AUTHORITY;
	case JOB_SIGNATURES:
	case JOB_LATE:
		break;
	}
	return SOUD_NEED_MARKS;
}

static int run(struct soud_job *job, void *replica)
{
	struct peer_job *j = (struct peer_job *)job;
	struct soud_replica *r = soud_core_job_replica(replica);
	int rc = SOU_OK;
	if (!soud_core_job_takes(replica, need_of(j->kind)))
		return SOU_EFULL;
	switch (j->kind) {
	case JOB_NEWS:
		rc = j->check.intake != NULL
			     ? soud_replica_ingest(
				       r, &j->from, j->check.intake, j->news.after, j->news.upto,
				       (j->news.flags & SOU_DATA_ANSWER) != 0, &j->taken)
			     : soud_replica_news(r, &j->from, &j->news, &j->taken);
		break;
	case JOB_SERIES:
		rc = soud_replica_series(r, &j->from, (struct sou_span){j->bytes, j->n}, &j->taken);
		break;
	case JOB_SIGNATURES:
		rc = soud_replica_signatures(r, &j->from, &j->signatures, &j->taken);
		break;
	case JOB_ENROL:
		rc = soud_hub_enrol(r, &j->join, j->exporter, &j->taken);
		break;
	case JOB_NEW_LOG:
		rc = soud_replica_new_log(r);
		break;
	case JOB_LATE:
		run_late(j, r);
		break;
	}
	return soud_replica_broken(r) ? SOU_ESTORE : rc;
}

/* R21: what could not be stored is refused; the link goes on, and is begun anew once there is room.
 */
static void refuse_news(struct peer_job *j)
{
	j->taken.refuse = SOU_REFUSE_READ_ONLY;
	j->taken.bye = 0;
	j->taken.clause = "P11.12";
	j->taken.has_entry = false;
}

static void done(struct soud_job *job, int rc)
{
	struct peer_job *j = (struct peer_job *)job;
	struct peer *p = j->peer;
	struct soud_sync *s = p->sync;
	bool new_log = rc == SOU_OK && (j->kind == JOB_NEW_LOG || j->taken.rolled_back);
	p->jobs--;
	bool failed = rc == SOU_EFULL || rc == SOU_ESTORE || rc == SOU_ECORRUPT;
	if (failed && j->kind == JOB_NEWS)
		refuse_news(j);
	p->no_room |= failed;            /* told again in the next session */
	p->damaged |= rc == SOU_EDENIED; /* R22: once the scope is whole */
	if (rc == SOU_OK)
		s->entries_in += j->taken.fresh;
	if (j->taken.refuse != 0)
		s->refusals_given[j->taken.refuse < SOUD_REFUSALS ? j->taken.refuse : 0]++;
	s->bad_signatures += j->taken.bad_signatures;
	if (j->kind != JOB_NEW_LOG && j->kind != JOB_LATE) {
		struct sou_event e = {
			.kind = SOU_EVENT_STORED,
			.stored = {.token = j->token,
				   .rc = rc,
				   .refuse = j->taken.refuse,
				   .bye = j->taken.bye,
				   .clause = j->taken.clause,
				   .has_entry = j->taken.has_entry,
				   .entry = j->taken.entry,
				   .received_ms = (uint64_t)j->taken.received_ms,
				   .own_new = j->taken.own_new,
				   .gap = j->taken.gap,
				   .bad_signatures = j->taken.bad_signatures,
				   .note_clause = j->taken.note_clause,
				   .note = j->taken.note},
		};
		soud_peer_event(p, &e);
	}
	if (new_log)
		soud_sync_new_log(s);
	soud_peer_gone(p);
	soud_intake_free(j->check.intake);
	free(j->late);
	free(j);
}

/* NULL: no memory; the link is dropped, and what was sent on it comes again on the next. */
static struct peer_job *job_new(struct peer *p, enum job_kind kind, uint64_t token, size_t n)
{
	struct peer_job *j = calloc(1, sizeof *j + n);
	if (j == NULL) {
		if (p->link != NULL)
			soud_link_abort(p->link, SOUD_LINK_END_NOMEM);
		return NULL;
	}
	j->job.run = run;
	j->job.done = done;
	j->check.job = &j->job;
	j->kind = kind;
	j->peer = p;
	j->from = p->from;
	j->token = token;
	j->n = n;
	return j;
}

static void post(struct peer_job *j)
{
	j->peer->jobs++;
	soud_checker_post(j->peer->sync->checker, &j->check);
}

/* A position that waits comes before news that go on from it (P13.6). */
static void flush_passed(struct peer *p, const struct sou_id *scope)
{
	for (size_t i = 0; i < p->late_count; i++) {
		if (p->late[i].passed > 0 && sou_id_eq(&p->late[i].scope, scope)) {
			soud_peer_flush(p);
			return;
		}
	}
}

void soud_peer_store_news(struct peer *p, uint64_t token, const struct sou_news *news)
{
	flush_passed(p, &news->scope);
	struct peer_job *j = job_new(p, JOB_NEWS, token, news->data.n);
	if (j == NULL)
		return;
	memcpy(j->bytes, news->data.p, news->data.n);
	j->news = *news;
	j->news.data.p = j->bytes;
	p->jobs++;
	soud_checker_news(p->sync->checker, &j->check,
			  &soud_reader_identity(soud_core_reader(p->sync->core))->net, &j->news);
}

void soud_peer_store_series(struct peer *p, uint64_t token, struct sou_span series)
{
	struct peer_job *j = job_new(p, JOB_SERIES, token, series.n);
	if (j == NULL)
		return;
	memcpy(j->bytes, series.p, series.n);
	post(j);
}

void soud_peer_store_signatures(struct peer *p, uint64_t token, const struct sou_signatures *s)
{
	size_t n = (size_t)(s->pairs.end - s->pairs.p);
	struct peer_job *j = job_new(p, JOB_SIGNATURES, token, n);
	if (j == NULL)
		return;
	memcpy(j->bytes, s->pairs.p, n);
	j->signatures = *s;
	j->signatures.pairs = sou_mp_over((struct sou_span){j->bytes, n});
	post(j);
}

void soud_peer_enrol(struct peer *p, uint64_t token, const struct sou_join *join)
{
	struct peer_job *j = job_new(p, JOB_ENROL, token, 0);
	if (j == NULL)
		return;
	j->join = *join;
	memcpy(j->exporter, p->exporter, sizeof j->exporter);
	post(j);
}

void soud_peer_new_log(struct peer *p)
{
	struct peer_job *j = job_new(p, JOB_NEW_LOG, 0, 0);
	if (j != NULL)
		post(j);
}

static struct late *late_row(struct peer *p, const struct sou_id *scope)
{
	for (size_t i = 0; i < p->late_count; i++)
		if (sou_id_eq(&p->late[i].scope, scope))
			return &p->late[i];
	if (p->late_count == p->late_cap) {
		size_t cap = p->late_cap == 0 ? 8 : p->late_cap * 2;
		struct late *v = realloc(p->late, cap * sizeof *v);
		if (v == NULL)
			return NULL; /* the next session tells the position again */
		p->late = v;
		p->late_cap = cap;
	}
	p->late[p->late_count] = (struct late){.scope = *scope};
	soud_sync_arm_flush(p->sync);
	return &p->late[p->late_count++];
}

void soud_peer_late_ack(struct peer *p, const struct sou_ack *ack)
{
	struct late *l = late_row(p, &ack->scope);
	if (l == NULL || ack->upto < l->acked)
		return;
	l->acked = ack->upto;
	l->received_ms = ack->received_ms;
}

void soud_peer_late_pass(struct peer *p, const struct sou_id *scope, uint64_t upto)
{
	struct late *l = late_row(p, scope);
	if (l != NULL && upto > l->passed)
		l->passed = upto;
}

void soud_peer_flush(struct peer *p)
{
	if (p->late_count == 0)
		return;
	struct peer_job *j = job_new(p, JOB_LATE, 0, 0);
	if (j == NULL)
		return;
	j->late = p->late;
	j->late_count = p->late_count;
	p->late = NULL;
	p->late_count = p->late_cap = 0;
	post(j);
}
