/* history.c - walks a record's trail and follows what its versions name. */
#include "daemon/plan/history.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/replica/read.h"
#include "proto/mp.h"

/* What an op names, in the pool. */
static int replaces_read(struct sou_span list, struct soud_pool *pool, struct soud_version *v)
{
	struct sou_mp m = sou_mp_over(list);
	struct sou_mp_list names = sou_mp_names(&m, 16, SOU_REPLACES_MAX);
	if (sou_mp_end(&m) != SOU_OK)
		return SOU_ECORRUPT; /* it was judged when it was stored */
	struct sou_id *ids = soud_pool_take(pool, names.count * sizeof *ids);
	if (ids == NULL)
		return SOU_ENOMEM;
	for (uint32_t i = 0; i < names.count; i++)
		ids[i] = sou_mp_list_id(&names, i);
	v->replaces = ids;
	v->replace_count = names.count;
	return SOU_OK;
}

/* The version that this entry has of the field; SOU_EUNKNOWN: none. */
static int version_read(const struct soud_look *look, uint32_t scope, uint64_t arrival,
			const struct sou_record *record, uint16_t field, struct soud_pool *pool,
			struct soud_version *out)
{
	struct soud_read_entry entry;
	int rc = soud_read_entry(look->store, scope, arrival, &entry);
	if (rc != SOU_OK)
		return rc;
	if (entry.body != SOU_BODY_OK)
		return SOU_EUNKNOWN;
	for (uint32_t i = 0; i < entry.op_count; i++) {
		struct soud_read_op op;
		rc = soud_read_op(look->store, scope, arrival, i, &op);
		if (rc != SOU_OK)
			return rc;
		if (op.type == SOU_OP_DELETE || op.kind != record->kind || op.field != field ||
		    !sou_id_eq(&op.entity, &record->entity))
			continue;
		struct soud_version v = {.version = sou_hash_half(&entry.id),
					 .arrival = arrival,
					 .hlc = entry.hlc,
					 .op = (uint16_t)i,
					 .clock = entry.clock,
					 .verdict = entry.verdict,
					 .shown = entry.shown,
					 .redacted = op.redacted};
		if (!op.redacted)
			v.value = soud_pool_bytes(pool, op.value);
		rc = replaces_read(op.replaces, pool, &v);
		if (rc == SOU_OK)
			*out = v;
		return rc;
	}
	return SOU_EUNKNOWN;
}

static int id_cmp(const void *a, const void *b)
{
	const struct soud_version *const *x = a, *const *y = b;
	return sou_id_cmp(&(*x)->version, &(*y)->version);
}

const struct soud_version *soud_history_find(const struct soud_history *h,
					     const struct sou_id *version)
{
	const struct soud_version key = {.version = *version}, *wanted = &key;
	const struct soud_version **found =
		h->count == 0 ? NULL
			      : bsearch(&wanted, h->by_id, h->count, sizeof *h->by_id, id_cmp);
	return found != NULL ? *found : NULL;
}

/* Mark `from` and all that it stands on. `stack` has room for every version: each is put there
 * once. */
static void mark_from(const struct soud_history *h, size_t from, bool *marked, size_t *stack)
{
	size_t top = 0;
	if (!marked[from]) {
		marked[from] = true;
		stack[top++] = from;
	}
	while (top > 0) {
		const struct soud_version *v = &h->versions[stack[--top]];
		for (uint32_t i = 0; i < v->replace_count; i++) {
			const struct soud_version *named = soud_history_find(h, &v->replaces[i]);
			size_t n = named != NULL ? (size_t)(named - h->versions) : h->count;
			if (named == NULL || marked[n])
				continue;
			marked[n] = true;
			stack[top++] = n;
		}
	}
}

/* What is held counts as standing unless something live, or another held one, stands on it. */
static void find_standing(struct soud_history *h, bool *below, size_t *stack)
{
	memset(below, 0, h->count * sizeof *below);
	for (size_t i = 0; i < h->count; i++) {
		const struct soud_version *v = &h->versions[i];
		for (uint32_t k = 0; k < v->replace_count; k++) {
			const struct soud_version *named = soud_history_find(h, &v->replaces[k]);
			if (named != NULL && named != v)
				mark_from(h, (size_t)(named - h->versions), below, stack);
		}
	}
	for (size_t i = 0; i < h->count; i++) {
		struct soud_version *v = &h->versions[i];
		v->standing = v->live || (v->verdict != SOU_ACCEPTED && !below[i]);
	}
}

/* Common ancestors that no other common ancestor stands on; of several the first by R15. */
static void find_base(struct soud_history *h, bool *common, bool *marked, size_t *stack)
{
	memset(common, 1, h->count * sizeof *common);
	size_t live = 0;
	for (size_t i = 0; i < h->count; i++) {
		if (!h->versions[i].live)
			continue;
		live++;
		memset(marked, 0, h->count * sizeof *marked);
		mark_from(h, i, marked, stack);
		for (size_t k = 0; k < h->count; k++)
			common[k] = common[k] && marked[k] && k != i;
	}
	if (live < 2)
		return;
	memset(marked, 0, h->count * sizeof *marked);
	for (size_t i = 0; i < h->count; i++) {
		const struct soud_version *v = &h->versions[i];
		for (uint32_t k = 0; common[i] && k < v->replace_count; k++) {
			const struct soud_version *named = soud_history_find(h, &v->replaces[k]);
			if (named != NULL)
				mark_from(h, (size_t)(named - h->versions), marked, stack);
		}
	}
	for (size_t i = 0; i < h->count; i++) {
		const struct soud_version *v = &h->versions[i];
		if (!common[i] || marked[i])
			continue;
		if (h->base == NULL || v->hlc > h->base->hlc ||
		    (v->hlc == h->base->hlc && sou_id_cmp(&v->version, &h->base->version) < 0))
			h->base = v;
	}
}

static int trail_read(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		      uint16_t field, struct soud_pool *pool, struct soud_list *list)
{
	uint64_t place = record->trail, arrival;
	int rc = SOU_OK;
	while (rc == SOU_OK && list->count < SOUD_HISTORY_VERSIONS_MAX) {
		struct soud_version v;
		rc = soud_store_trail_next(look->store, &place, &arrival);
		if (rc != SOU_OK)
			break;
		rc = version_read(look, scope, arrival, record, field, pool, &v);
		if (rc == SOU_EUNKNOWN) {
			rc = SOU_OK;
			continue;
		}
		struct soud_version *to = rc == SOU_OK ? soud_list_add(pool, list, sizeof v) : NULL;
		if (to != NULL)
			*to = v;
		else if (rc == SOU_OK)
			rc = SOU_ENOMEM;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_history_read(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		      uint16_t field, struct soud_pool *pool, struct soud_history *out)
{
	struct soud_list list = {0};
	int rc = trail_read(look, scope, record, field, pool, &list);
	if (rc != SOU_OK)
		return rc;
	struct soud_history h = {.versions = list.members, .count = list.count};
	const struct sou_register *reg = sou_record_field(record, field);
	for (size_t i = 0; i < h.count; i++) {
		for (uint32_t k = 0; reg != NULL && k < reg->live_count; k++) {
			if (sou_id_eq(&reg->live[k].version, &h.versions[i].version))
				h.versions[i].live = true;
		}
	}
	bool *a = soud_pool_take(pool, h.count * sizeof *a);
	bool *b = soud_pool_take(pool, h.count * sizeof *b);
	size_t *stack = soud_pool_take(pool, h.count * sizeof *stack);
	h.by_id = soud_pool_take(pool, h.count * sizeof(*h.by_id));
	if (a == NULL || b == NULL || stack == NULL || h.by_id == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < h.count; i++)
		h.by_id[i] = &h.versions[i];
	if (h.count > 1)
		qsort(h.by_id, h.count, sizeof *h.by_id, id_cmp);
	find_standing(&h, a, stack);
	find_base(&h, a, b, stack);
	*out = h;
	return SOU_OK;
}
