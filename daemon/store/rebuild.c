/* rebuild.c - derived tables from the log, for every implementation of store.h. */
#include <stdlib.h>

#include "daemon/store/merge_int.h"
#include "proto/grow.h"

static int known_cmp(const void *x, const void *y)
{
	const struct merge_known *a = x, *b = y;
	int cmp = sou_id_cmp(&a->version, &b->version);
	return cmp != 0 ? cmp : a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

/* What is stored with a payload, and the feeds. */
static int read_known(struct soud_store *s, uint32_t scope, struct merge_known **known,
		      uint32_t *count)
{
	uint32_t room = 0;
	struct soud_row row;
	struct sou_header header;
	for (uint64_t after = 0;; after = row.arrival) {
		int rc = soud_store_log_next(s, scope, after, &row);
		if (rc == SOU_EUNKNOWN)
			break;
		if (rc != SOU_OK)
			return rc;
		if (sou_header_read(&header, row.header) != SOU_OK)
			return SOU_ECORRUPT;
		if (row.payload.n > 0) {
			struct merge_known *all = sou_grow(*known, &room, *count, 1, sizeof *all);
			if (all == NULL)
				return SOU_ENOMEM;
			*known = all;
			all[(*count)++] = (struct merge_known){sou_hash_half(&row.id), row.arrival,
							       row.shown};
		}
		rc = soud_store_feed_add(s, scope, &header.site, &header.key);
		if (rc != SOU_OK)
			return rc;
	}
	if (*count > 1)
		qsort(*known, *count, sizeof **known, known_cmp);
	return SOU_OK;
}

static int rebuild_scope(struct soud_merge *m, struct soud_store *s, uint32_t scope,
			 const struct sou_authority *authority)
{
	struct merge_known *known = NULL;
	struct soud_row row;
	uint32_t count = 0;
	int rc = read_known(s, scope, &known, &count);
	merge_begin(m, s, scope, authority);
	m->known = known;
	m->known_count = count;
	m->fresh = 1; /* none is taken in yet */
	for (uint64_t after = 0; rc == SOU_OK; after = row.arrival) {
		rc = soud_store_log_next(s, scope, after, &row);
		if (rc == SOU_OK)
			rc = merge_take(m, &row, row.shown);
	}
	if (rc == SOU_EUNKNOWN)
		rc = merge_flush(m);
	if (rc == SOU_OK)
		soud_store_log_merged(s, scope);
	free(known);
	return rc;
}

int soud_store_rebuild(struct soud_store *s, const struct sou_authority *authority)
{
	struct soud_merge *m = NULL;
	uint32_t scopes = 0;
	int rc = soud_store_derived_clear(s);
	if (rc == SOU_OK)
		rc = soud_merge_new(&m);
	if (rc == SOU_OK)
		rc = soud_store_scope_count(s, &scopes);
	for (uint32_t scope = 1; rc == SOU_OK && scope <= scopes; scope++)
		rc = rebuild_scope(m, s, scope, authority);
	soud_merge_free(m);
	return rc == SOU_OK ? soud_store_derived_done(s) : rc;
}
