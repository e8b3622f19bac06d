/* copies.c - the texts of a submission, from the entry that it stands in, and where that is a part
 * or closes parts, from all parts of the act (R2, P7.6). A copy enters no register, so the entries
 * themselves are read. */
#include <stdlib.h>

#include "daemon/plan/submission.h"
#include "daemon/replica/read.h"
#include "proto/payload.h"

struct copies {
	const struct soud_look *look;
	struct soud_pool *pool;
	uint32_t scope;
	struct soud_submitted **by_item; /* sorted */
	size_t count;
};

static int item_cmp(const void *a, const void *b)
{
	const struct soud_submitted *const *x = a, *const *y = b;
	return sou_id_cmp(&(*x)->item, &(*y)->item);
}

/* Take the copies of one entry. Whether a value went is the authority's word (R9), whatever form is
 * stored. */
static void take_ops(const struct copies *c, const struct sou_payload *payload,
		     const struct sou_hash *entry)
{
	for (uint32_t i = 0; i < payload->op_count; i++) {
		const struct sou_op *op = &payload->ops[i];
		if (op->type != SOU_OP_SET || op->kind != SOU_KIND_COPY ||
		    op->field != SOU_FIELD_COPY_TEXT)
			continue;
		const struct soud_submitted key = {.item = op->entity}, *wanted = &key;
		struct soud_submitted **found = c->count == 0
							? NULL
							: bsearch(&wanted, c->by_item, c->count,
								  sizeof *c->by_item, item_cmp);
		struct sou_span value;
		bool gone = op->went ||
			    sou_authority_redacted(c->look->authority, entry, (uint16_t)(i + 1));
		if (found == NULL || (!gone && !soud_value_str(op->value, &value)))
			continue;
		const char *text = gone ? NULL : soud_pool_text(c->pool, value);
		while (found > c->by_item && item_cmp(found - 1, found) == 0)
			found--;
		for (; found < c->by_item + c->count && item_cmp(found, &wanted) == 0; found++) {
			(*found)->redacted = gone;
			(*found)->text = text;
		}
	}
}

static bool is_listed(const struct sou_mp_list *parts, const struct sou_hash *id)
{
	for (uint32_t i = 0; i < parts->count; i++) {
		struct sou_hash part = sou_mp_list_hash(parts, i);
		if (sou_hash_eq(&part, id))
			return true;
	}
	return false;
}

/* One row; counts it off when it is a listed part. SOU_EUNKNOWN: no such arrival. */
static int take_part(const struct copies *c, uint64_t arrival, const struct sou_mp_list *parts,
		     struct sou_payload *payload, uint32_t *left)
{
	struct soud_row row;
	int rc = soud_store_log_get(c->look->store, c->scope, arrival, &row);
	if (rc != SOU_OK || !is_listed(parts, &row.id))
		return rc;
	(*left)--;
	if (row.payload.n == 0 || sou_payload_read(payload, row.payload) != SOU_OK)
		return SOU_OK;
	take_ops(c, payload, &row.id);
	return SOU_OK;
}

/* Parts stand just before the entry that closes them in the log of the site that wrote them, and
 * near it everywhere else: look backwards first, then forwards. */
static int take_parts(const struct copies *c, uint64_t closing, const struct sou_mp_list *parts)
{
	struct sou_payload payload = {0};
	uint32_t left = parts->count;
	int rc = SOU_OK;
	for (uint64_t at = closing; rc == SOU_OK && left > 0 && at-- > 1;)
		rc = take_part(c, at, parts, &payload, &left);
	for (uint64_t at = closing + 1; rc == SOU_OK && left > 0; at++)
		rc = take_part(c, at, parts, &payload, &left);
	sou_payload_fini(&payload);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* The shown entry that closes the part `id`: just behind the parts where it was written, near them
 * everywhere else. *payload borrows from the pool. */
static int find_closing(const struct copies *c, uint64_t part, const struct sou_hash *id,
			struct sou_payload *payload, uint64_t *closing)
{
	for (uint64_t at = part + 1;; at++) {
		struct soud_row row;
		int rc = soud_store_log_get(c->look->store, c->scope, at, &row);
		if (rc != SOU_OK)
			return rc;
		if (!row.shown || row.payload.n == 0 ||
		    sou_payload_read(payload, row.payload) != SOU_OK ||
		    payload->part != SOU_PART_CLOSES || !is_listed(&payload->parts, id))
			continue;
		*closing = at;
		struct sou_span bytes = soud_pool_bytes(c->pool, row.payload);
		return c->pool->failed ? SOU_ENOMEM : sou_payload_read(payload, bytes);
	}
}

static int act_read(const struct copies *c, uint64_t arrival, struct sou_payload *payload)
{
	struct soud_row row;
	int rc = soud_store_log_get(c->look->store, c->scope, arrival, &row);
	if (rc != SOU_OK)
		return rc;
	/* A copy of the bytes: reading parts moves the log on. */
	struct sou_span bytes = soud_pool_bytes(c->pool, row.payload);
	struct sou_hash id = row.id;
	if (c->pool->failed)
		return SOU_ENOMEM;
	if (bytes.n == 0 || sou_payload_read(payload, bytes) != SOU_OK)
		return SOU_OK;
	take_ops(c, payload, &id);
	if (payload->part == SOU_PART_IS)
		rc = find_closing(c, arrival, &id, payload, &arrival);
	if (rc == SOU_OK && payload->part == SOU_PART_CLOSES)
		rc = take_parts(c, arrival, &payload->parts);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_copies_read(const struct soud_look *look, uint32_t scope, uint64_t arrival,
		     struct soud_pool *pool, struct soud_submitted *texts, size_t count)
{
	struct copies c = {.look = look, .pool = pool, .scope = scope, .count = count};
	struct sou_payload payload = {0};
	c.by_item = soud_pool_take(pool, count * sizeof *c.by_item);
	if (c.by_item == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < count; i++)
		c.by_item[i] = &texts[i];
	if (count > 1)
		qsort(c.by_item, count, sizeof *c.by_item, item_cmp);
	int rc = act_read(&c, arrival, &payload);
	sou_payload_fini(&payload);
	return pool->failed ? SOU_ENOMEM : rc;
}
