/* engine.c - which scopes have their verdict engine in memory: loaded from the log when first
 * needed, unloaded when the budget is used up. What is loaded is judged by today's authority; where
 * a stored verdict differs (the scope slept through a change), the difference is owed to the next
 * work. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"

int replica_grow(void **array, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return SOU_OK;
	size_t more = *room < 16 ? 16 : *room * 2;
	void *p = realloc(*array, more * size);
	if (p == NULL)
		return SOU_ENOMEM;
	*array = p;
	*room = more;
	return SOU_OK;
}

/* Place of the scope in r->engines, or where it would stand. */
static size_t engine_place(const struct soud_replica *r, const struct sou_id *scope)
{
	size_t low = 0, high = r->engine_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (sou_id_cmp(&r->engines[mid]->id, scope) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int engine_add(struct soud_replica *r, size_t place, const struct sou_id *scope)
{
	int rc = replica_grow((void **)&r->engines, &r->engine_room, r->engine_count,
			      sizeof(struct engine *));
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for a scope");
	struct engine *e = calloc(1, sizeof *e);
	if (e == NULL)
		return replica_fail(r, SOU_ENOMEM, "no memory for a scope");
	e->id = *scope;
	memmove(r->engines + place + 1, r->engines + place,
		(r->engine_count - place) * sizeof(struct engine *));
	r->engines[place] = e;
	r->engine_count++;
	return SOU_OK;
}

void engine_drop(struct engine *e)
{
	sou_scope_free(e->scope);
	e->scope = NULL;
	free(e->owed);
	e->owed = NULL;
	free(e->feeds);
	e->feeds = NULL;
	e->owed_count = e->feed_count = e->feed_room = 0;
	e->bytes = 0;
}

void engine_forget_all(struct soud_replica *r)
{
	for (size_t i = 0; i < r->engine_count; i++) {
		engine_drop(r->engines[i]);
		free(r->engines[i]);
	}
	free(r->engines);
	r->engines = NULL;
	r->engine_count = r->engine_room = 0;
}

static size_t feed_place(const struct engine *e, const struct sou_id *site, bool *found)
{
	size_t low = 0, high = e->feed_count;
	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = sou_id_cmp(&e->feeds[mid].site, site);
		if (cmp == 0) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct feed_load *engine_feed(const struct engine *e, const struct sou_id *site)
{
	bool found;
	size_t at = feed_place(e, site, &found);
	return found ? &e->feeds[at] : NULL;
}

int engine_feed_add(struct engine *e, const struct sou_id *site, int64_t held, int64_t held_bytes)
{
	bool found;
	size_t at = feed_place(e, site, &found);
	if (!found) {
		size_t room = e->feed_room;
		int rc = replica_grow((void **)&e->feeds, &room, e->feed_count, sizeof *e->feeds);
		if (rc != SOU_OK)
			return rc;
		e->feed_room = (uint32_t)room;
		memmove(e->feeds + at + 1, e->feeds + at, (e->feed_count - at) * sizeof *e->feeds);
		e->feeds[at] = (struct feed_load){*site, 0, 0};
		e->feed_count++;
	}
	e->feeds[at].held += (uint64_t)held; /* wraps as it should for a negative one */
	e->feeds[at].held_bytes += (uint64_t)held_bytes;
	return SOU_OK;
}

/* What a stored row says of itself, kept while the engine judges anew. */
struct stored {
	uint8_t verdict;
	bool shown;
};

static int load_row(struct soud_replica *r, struct engine *e, const struct soud_row *row)
{
	int rc = sou_entry_read(&r->entry, row->header, row->payload, &row->id);
	if (rc != SOU_OK && rc != SOU_ENOMEM &&
	    soud_damage_find(&r->damage, e->number, row->arrival) != NULL)
		return replica_fail(r, SOU_EDENIED, "R22: entry %llu of a scope is damaged",
				    (unsigned long long)row->arrival);
	if (rc != SOU_OK && rc != SOU_ENOMEM)
		return replica_fail(r, SOU_ECORRUPT, "entry %llu of a scope cannot be read",
				    (unsigned long long)row->arrival);
	if (rc == SOU_OK) {
		r->entry.facts.sig_checked = row->sig_checked;
		rc = sou_scope_put(e->scope, &r->entry.facts, row->arrival);
	}
	if (rc == SOU_OK && row->verdict != SOU_ACCEPTED)
		rc = engine_feed_add(e, &r->entry.facts.site, 1,
				     (int64_t)(row->header.n + row->payload.n));
	return rc == SOU_OK ? SOU_OK : replica_fail(r, rc, "no memory for a scope");
}

/* Of what settle says about a freshly loaded engine only the differences to the log are news. */
static int owe_differences(struct soud_replica *r, struct engine *e, const struct stored *stored)
{
	const struct sou_change *changes;
	size_t count, owed = 0;
	int rc = sou_scope_settle(e->scope, r->authority, &changes, &count);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory to judge a scope");
	for (size_t i = 0; i < count; i++) {
		const struct stored *was = &stored[changes[i].pos - 1];
		owed += was->verdict != changes[i].after || was->shown != changes[i].shown_after;
	}
	if (owed == 0)
		return SOU_OK;
	e->owed = malloc(owed * sizeof *e->owed);
	if (e->owed == NULL)
		return replica_fail(r, SOU_ENOMEM, "no memory to judge a scope");
	for (size_t i = 0; i < count; i++) {
		const struct stored *was = &stored[changes[i].pos - 1];
		if (was->verdict == changes[i].after && was->shown == changes[i].shown_after)
			continue;
		struct sou_change *c = &e->owed[e->owed_count++];
		*c = changes[i];
		c->before = was->verdict;
		c->shown_before = was->shown;
	}
	return SOU_OK;
}

static int load_rows(struct soud_replica *r, struct engine *e, struct stored *stored)
{
	for (uint64_t after = 0; after < e->last;) {
		struct soud_row row;
		int rc = soud_store_log_next(r->store, e->number, after, &row);
		if (rc == SOU_EUNKNOWN || (rc == SOU_OK && row.arrival != after + 1))
			return replica_fail(r, SOU_ECORRUPT,
					    "arrival %" PRIu64 " of a scope is missing", after + 1);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "reading the log");
		stored[after] = (struct stored){row.verdict, row.shown};
		rc = load_row(r, e, &row);
		if (rc != SOU_OK)
			return rc;
		after = row.arrival;
	}
	return SOU_OK;
}

static int engine_load(struct soud_replica *r, struct engine *e)
{
	int rc = sou_scope_new(&e->scope, &e->id);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for a scope");
	struct stored *stored = calloc(e->last + 1, sizeof *stored);
	if (stored == NULL) {
		engine_drop(e);
		return replica_fail(r, SOU_ENOMEM, "no memory for a scope");
	}
	rc = load_rows(r, e, stored);
	if (rc == SOU_OK)
		rc = owe_differences(r, e, stored);
	free(stored);
	if (rc != SOU_OK)
		engine_drop(e);
	else
		e->bytes = sou_scope_bytes(e->scope);
	return rc;
}

/* Number and last arrival, for an engine that does not know them. */
static int engine_find(struct soud_replica *r, struct engine *e)
{
	int rc = soud_store_scope_find(r->store, &e->id, &e->number);
	if (rc == SOU_EUNKNOWN)
		return SOU_OK;
	if (rc == SOU_OK)
		rc = soud_store_scope_last(r->store, e->number, &e->last);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "looking a scope up");
}

int engine_get(struct soud_replica *r, const struct sou_id *scope, bool make, struct engine **out)
{
	size_t place = engine_place(r, scope);
	int rc = SOU_OK;
	if (place == r->engine_count || !sou_id_eq(&r->engines[place]->id, scope))
		rc = engine_add(r, place, scope);
	if (rc != SOU_OK)
		return rc;
	struct engine *e = r->engines[place];
	if (e->number == 0)
		rc = engine_find(r, e);
	if (rc == SOU_OK && e->number == 0 && !make)
		return SOU_EUNKNOWN;
	if (rc == SOU_OK && e->scope == NULL)
		rc = engine_load(r, e);
	if (rc != SOU_OK)
		return rc;
	e->used = ++r->tick;
	*out = e;
	return SOU_OK;
}

/* Scopes that a refused operation named, and which have no row. */
static void forget_empty(struct soud_replica *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->engine_count; i++) {
		struct engine *e = r->engines[i];
		if (e->number != 0 || e->touched) {
			r->engines[kept++] = e;
			continue;
		}
		engine_drop(e);
		free(e);
	}
	r->engine_count = kept;
}

void engine_trim(struct soud_replica *r)
{
	size_t held = 0;
	for (size_t i = 0; i < r->engine_count; i++) {
		struct engine *e = r->engines[i];
		if (e->scope != NULL && e->used + 64 > r->tick) /* others did not grow */
			e->bytes = sou_scope_bytes(e->scope);
		held += e->bytes;
	}
	while (held > r->options.engine_bytes_max) {
		struct engine *oldest = NULL;
		for (size_t i = 0; i < r->engine_count; i++) {
			struct engine *e = r->engines[i];
			if (e->scope != NULL && !e->touched && e->owed_count == 0 &&
			    (oldest == NULL || e->used < oldest->used))
				oldest = e;
		}
		if (oldest == NULL)
			break;
		held -= oldest->bytes;
		engine_drop(oldest);
	}
	forget_empty(r);
}

size_t soud_replica_engine_bytes(const struct soud_replica *r)
{
	size_t held = 0;
	for (size_t i = 0; i < r->engine_count; i++)
		held += r->engines[i]->scope != NULL ? sou_scope_bytes(r->engines[i]->scope) : 0;
	return held;
}
