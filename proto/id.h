/* id.h - the two sizes of name that everything bears: 16 bytes and 32 (P1.2).
 * Plain values, compared as bytes, ordered as unsigned bytes. Pure. */
#ifndef SOU_ID_H
#define SOU_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sou_id { /* net, site, scope, epoch, key, entity, version, organisation */
	uint8_t b[16];
};

struct sou_hash { /* entry id, authority op id, payload hash, commitment, public key */
	uint8_t b[32];
};

static inline bool sou_id_eq(const struct sou_id *a, const struct sou_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline int sou_id_cmp(const struct sou_id *a, const struct sou_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

static inline bool sou_hash_eq(const struct sou_hash *a, const struct sou_hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline int sou_hash_cmp(const struct sou_hash *a, const struct sou_hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

static inline bool sou_id_is_zero(const struct sou_id *a)
{
	static const struct sou_id zero;
	return sou_id_eq(a, &zero);
}

static inline bool sou_hash_is_zero(const struct sou_hash *a)
{
	static const struct sou_hash zero;
	return sou_hash_eq(a, &zero);
}

/* The version id of an entry, or the epoch that an opening names: its first half (P3.4). */
static inline struct sou_id sou_hash_half(const struct sou_hash *h)
{
	struct sou_id id;
	memcpy(id.b, h->b, sizeof id.b);
	return id;
}

#endif
