/* backlog.c - last arrivals of all scopes and the last log of each site are read once; a scope
 * costs more only where a site has not acknowledged all of it. */
#include "daemon/backlog.h"

#include <stdlib.h>

struct look {
	struct soud_reader *v;
	struct soud_store *store;
	uint32_t scopes;
	uint64_t *last, *acked; /* by scope number - 1 */
	struct soud_peer *peers;
	size_t peer_count;
};

static int read_peers(struct look *l)
{
	struct soud_peer peer = {0};
	size_t cap = 0;
	int rc;
	while ((rc = soud_store_peer_next(l->store, peer.number, &peer)) == SOU_OK) {
		if (l->peer_count == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			struct soud_peer *v = realloc(l->peers, cap * sizeof *v);
			if (v == NULL)
				return SOU_ENOMEM;
			l->peers = v;
		}
		l->peers[l->peer_count++] = peer;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int read_lasts(struct look *l)
{
	int rc = soud_store_scope_count(l->store, &l->scopes);
	if (rc != SOU_OK)
		return rc;
	l->last = calloc(l->scopes + 1u, sizeof *l->last);
	l->acked = calloc(l->scopes + 1u, sizeof *l->acked);
	if (l->last == NULL || l->acked == NULL)
		return SOU_ENOMEM;
	for (uint32_t n = 1; rc == SOU_OK && n <= l->scopes; n++)
		rc = soud_store_scope_last(l->store, n, &l->last[n - 1]);
	return rc;
}

/* Of the log that the site's replica had last; it stands last in the list. */
static int read_acked(struct look *l, const struct sou_id *site, uint64_t *peer)
{
	*peer = UINT32_MAX; /* nobody's: it was never linked */
	for (uint32_t i = 0; i < l->scopes; i++)
		l->acked[i] = 0;
	for (size_t i = l->peer_count; i-- > 0;) {
		if (sou_id_eq(&l->peers[i].site, site)) {
			*peer = l->peers[i].number;
			return soud_store_acked(l->store, *peer, l->acked, l->scopes);
		}
	}
	return SOU_OK;
}

static int count_site(struct look *l, const struct sou_line *line, uint64_t *entries)
{
	uint64_t peer;
	int rc = read_acked(l, &line->site, &peer);
	*entries = 0;
	for (uint32_t n = 1; rc == SOU_OK && n <= l->scopes && *entries < SOUD_BACKLOG_MAX; n++) {
		struct sou_id scope;
		uint64_t later = 0;
		if (l->last[n - 1] <= l->acked[n - 1])
			continue;
		rc = soud_store_scope_id(l->store, n, &scope);
		if (rc == SOU_OK && soud_reader_may_read(l->v, &line->site, &line->key_id, &scope))
			rc = soud_store_later_count(l->store, n, l->acked[n - 1], peer,
						    SOUD_BACKLOG_MAX - *entries, &later);
		*entries += later;
	}
	return rc;
}

/* Who is to get what is here: sites speak to the hub alone. */
static bool is_due(struct look *l, const struct sou_line *line)
{
	const struct sou_authority *a = soud_reader_authority(l->v);
	const struct soud_identity *me = soud_reader_identity(l->v);
	struct sou_hash genesis = sou_authority_genesis(a);
	return !sou_id_eq(&line->site, &me->site) && sou_authority_site(a, &line->site) == line &&
	       !sou_authority_key_withdrawn(a, &line->site, &line->key_id) &&
	       (me->hub || sou_hash_eq(&line->opening, &genesis));
}

int soud_backlog_read(struct soud_reader *v, struct soud_backlog **out, size_t *count)
{
	const struct sou_authority *a = soud_reader_authority(v);
	struct look l = {.v = v, .store = soud_reader_store(v)};
	struct soud_backlog *list = calloc(sou_authority_line_count(a) + 1, sizeof *list);
	size_t n = 0;
	int rc = list != NULL ? read_lasts(&l) : SOU_ENOMEM;
	if (rc == SOU_OK)
		rc = read_peers(&l);
	for (size_t i = 0; rc == SOU_OK && i < sou_authority_line_count(a); i++) {
		const struct sou_line *line = sou_authority_line_at(a, i);
		if (!is_due(&l, line))
			continue;
		list[n].site = line->site;
		rc = count_site(&l, line, &list[n].entries);
		n++;
	}
	free(l.last);
	free(l.acked);
	free(l.peers);
	if (rc != SOU_OK) {
		free(list);
		return rc;
	}
	*out = list;
	*count = n;
	return SOU_OK;
}
