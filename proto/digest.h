/* digest.h - what peers compare to know that they hold the same state (P10.6 - P10.8, R10).
 * Pure. */
#ifndef SOU_DIGEST_H
#define SOU_DIGEST_H

#include "crypto.h"
#include "merge.h"

#define SOU_BUCKETS 256u

/* The bucket of an entity is its first byte. */
static inline uint8_t sou_bucket_of(const struct sou_id *entity)
{
	return entity->b[0];
}

/* Append the rows of one record (P10.6). Errors are buf->failed. */
void sou_digest_rows(struct sou_buf *rows, const struct sou_record *record);

/* Hash of a bucket from its records' rows by (entity, kind); zero without rows. */
struct sou_hash sou_digest_bucket(struct sou_span rows);

/* State digest from the 256 bucket hashes. */
struct sou_hash sou_digest_state(const struct sou_hash buckets[SOU_BUCKETS]);

/* The scope digest that travels (P10.8). */
struct sou_id sou_digest_scope(const struct sou_hash *authority, const struct sou_hash *entries,
			       const struct sou_hash *state);

#endif
