/* contact.c - the time of the last frame from the hub, kept with the replica: who asks after a
 * start how long there was no line must not hear "never". */
#include <stdlib.h>

#include "daemon/sync/sync_int.h"

#define CONTACT_EVERY_MS (3600u * 1000u)

static const char NAME[] = "hub_contact_ms";

struct contact_job {
	struct soud_job job;
	struct soud_sync *sync; /* loop thread only; its `handles` counts this job */
	uint64_t ms;
};

static int run(struct soud_job *job, void *replica)
{
	const struct contact_job *j = (struct contact_job *)job;
	if (!soud_core_job_takes(replica, SOUD_NEED_MARKS))
		return SOU_EFULL;
	struct soud_replica *r = soud_core_job_replica(replica);
	return soud_store_number_put(soud_replica_store(r), NAME, j->ms);
}

static void done(struct soud_job *job, int rc)
{
	struct contact_job *j = (struct contact_job *)job;
	struct soud_sync *s = j->sync;
	if (rc == SOU_OK)
		s->contact_put_ms = j->ms;
	free(j);
	s->contact_putting = false;
	s->handles--;
	soud_sync_maybe_closed(s);
}

bool soud_sync_contact(struct soud_reader *v, uint64_t *ms)
{
	return soud_store_number_get(soud_reader_store(v), NAME, ms) == SOU_OK;
}

void soud_sync_contact_read(struct soud_sync *s)
{
	if (soud_sync_contact(soud_core_reader(s->core), &s->contact_put_ms))
		s->hub_contact_ms = s->contact_put_ms;
}

void soud_sync_contact_put(struct soud_sync *s)
{
	if (s->closing || s->contact_putting || s->hub_contact_ms == 0 ||
	    s->hub_contact_ms - s->contact_put_ms < CONTACT_EVERY_MS || soud_core_broken(s->core))
		return;
	struct contact_job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return; /* at the next tick */
	*j = (struct contact_job){{.run = run, .done = done}, s, s->hub_contact_ms};
	s->contact_putting = true;
	s->handles++;
	soud_core_post(s->core, &j->job);
}
