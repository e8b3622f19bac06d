/* confirm.c - an unconfirmed replica signs on when all of its own feeds are here again (R12,
 * P13.16): a site when its hub said so, a hub when three sites did, or all where there are fewer.
 * No person has to do anything. */
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/sync/sync_int.h"

struct confirm_job {
	struct soud_job job;
	struct soud_sync *sync; /* loop thread only; its `handles` counts this job */
};

static int run(struct soud_job *job, void *replica)
{
	(void)job;
	struct soud_replica *r = soud_core_job_replica(replica);
	int rc = soud_replica_confirm(r);
	return soud_replica_broken(r) ? SOU_ESTORE : rc;
}

void soud_sync_confirmed(struct soud_sync *s)
{
	const struct soud_log_facts facts = {.rule = "R12"};
	soud_log(SOUD_EVENT_REPLICA_CONFIRMED, &facts, "this replica is confirmed");
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		struct sou_event e = {.kind = SOU_EVENT_CONFIRMED};
		soud_peer_event(p, &e);
	}
}

static void done(struct soud_job *job, int rc)
{
	struct confirm_job *j = (struct confirm_job *)job;
	struct soud_sync *s = j->sync;
	const struct soud_log_facts facts = {.rule = "R12"};
	free(j);
	s->confirming = false;
	s->own_from_count = 0; /* what was said counts for this time */
	if (rc == SOU_OK) {
		soud_sync_confirmed(s);
	} else {
		soud_log(SOUD_EVENT_REPLICA_DOUBTED, &facts, "the replica could not be confirmed");
	}
	s->handles--;
	soud_sync_maybe_closed(s);
}

/* How many must have said so: other sites that are enrolled, at most three. */
static size_t needed(const struct soud_sync *s)
{
	struct soud_reader *v = soud_core_reader(s->core);
	const struct soud_identity *me = soud_reader_identity(v);
	if (!me->hub)
		return 1;
	const struct sou_authority *a = soud_reader_authority(v);
	size_t count = 0, lines = sou_authority_line_count(a);
	for (size_t i = 0; i < lines && count < SOUD_SYNC_OWN_SITES; i++) {
		const struct sou_line *line = sou_authority_line_at(a, i);
		count += !sou_id_eq(&line->site, &me->site) &&
			 sou_authority_site(a, &line->site) == line &&
			 !sou_authority_key_withdrawn(a, &line->site, &line->key_id);
	}
	return count;
}

/* Each site counts once. */
static void count_site(struct sou_id sites[SOUD_SYNC_OWN_SITES], size_t *count,
		       const struct sou_id *site)
{
	bool known = false;
	for (size_t i = 0; i < *count; i++)
		known |= sou_id_eq(&sites[i], site);
	if (!known && *count < SOUD_SYNC_OWN_SITES)
		sites[(*count)++] = *site;
}

/* A hub believes three sites, or both where there are two; one that could say so alone could stop
 * it again and again. What one alone knows comes as proof, with its entries. */
void soud_sync_claim(struct peer *p)
{
	struct soud_sync *s = p->sync;
	count_site(s->claims, &s->claim_count, &p->from.site);
	size_t enough = needed(s);
	if (soud_core_unconfirmed(s->core) == SOUD_FENCE_AGREES && enough > 1 &&
	    s->claim_count == enough)
		soud_peer_new_log(p);
}

void soud_sync_new_log(struct soud_sync *s)
{
	const struct soud_log_facts facts = {.rule = "P13.8"};
	soud_log(SOUD_EVENT_REPLICA_ROLLED_BACK, &facts,
		 "this log was rolled back: a new one begins, and nothing is signed until the own "
		 "entries are here again");
	s->own_from_count = s->claim_count = 0;
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		struct sou_event e = {.kind = SOU_EVENT_NEW_LOG};
		soud_peer_event(p, &e);
	}
}

void soud_sync_own_all(struct peer *p)
{
	struct soud_sync *s = p->sync;
	count_site(s->own_from, &s->own_from_count, &p->from.site);
	if (s->confirming || s->closing || s->own_from_count < needed(s))
		return;
	struct confirm_job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return; /* asked again on the next link */
	*j = (struct confirm_job){{.run = run, .done = done}, s};
	s->confirming = true;
	s->handles++;
	soud_core_post(s->core, &j->job);
}
