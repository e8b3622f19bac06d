/* digest.c - rows, buckets and the digests over them (P10.6, P10.8). */
#include "digest.h"

#include <stdlib.h>

static int id_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_id));
}

static void put_ids(struct sou_buf *rows, const struct sou_register *r)
{
	size_t first = rows->n;
	for (uint32_t i = 0; i < r->live_count; i++)
		sou_buf_put(rows, r->live[i].version.b, sizeof r->live[i].version.b);
	if (r->live_count > 1 && !rows->failed)
		qsort(rows->p + first, r->live_count, sizeof(struct sou_id), id_cmp);
}

void sou_digest_rows(struct sou_buf *rows, const struct sou_record *record)
{
	for (uint32_t i = 0; i < record->register_count; i++) {
		const struct sou_register *r = &record->registers[i];
		sou_buf_put_u8(rows, 1);
		sou_buf_put_u8(rows, (uint8_t)record->kind);
		sou_buf_put(rows, record->entity.b, sizeof record->entity.b);
		sou_buf_put_u16be(rows, r->field);
		sou_buf_put_u32be(rows, r->live_count);
		put_ids(rows, r);
	}
	if (record->hidden) {
		sou_buf_put_u8(rows, 2);
		sou_buf_put_u8(rows, (uint8_t)record->kind);
		sou_buf_put(rows, record->entity.b, sizeof record->entity.b);
	}
}

struct sou_hash sou_digest_bucket(struct sou_span rows)
{
	struct sou_hash zero = {{0}};
	return rows.n == 0 ? zero : sou_hash_bytes(SOU_DOMAIN_STATE_BUCKET, rows.p, rows.n);
}

struct sou_hash sou_digest_state(const struct sou_hash buckets[SOU_BUCKETS])
{
	return sou_hash_bytes(SOU_DOMAIN_STATE, buckets, SOU_BUCKETS * sizeof *buckets);
}

struct sou_id sou_digest_scope(const struct sou_hash *authority, const struct sou_hash *entries,
			       const struct sou_hash *state)
{
	const struct sou_span parts[3] = {
		{authority->b, sizeof authority->b},
		{entries->b, sizeof entries->b},
		{state->b, sizeof state->b},
	};
	struct sou_hash h = sou_hash_parts(SOU_DOMAIN_SCOPE_DIGEST, parts, 3);
	return sou_hash_half(&h);
}
