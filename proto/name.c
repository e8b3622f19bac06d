/* name.c - derived names, places, and the hybrid clock. */
#include "name.h"

#include "crypto.h"
#include "schema.h"

static struct sou_id half_of(enum sou_domain domain, const uint8_t *bytes, size_t n)
{
	struct sou_hash hash = sou_hash_bytes(domain, bytes, n);
	return sou_hash_half(&hash);
}

static void put_u64be(uint8_t out[8], uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

struct sou_id sou_scope_id(enum sou_scope_kind kind, const struct sou_id *entity)
{
	uint8_t bytes[1 + 16] = {(uint8_t)kind};
	if (kind == SOU_SCOPE_ORG || kind == SOU_SCOPE_PROJECT)
		memcpy(bytes + 1, entity->b, sizeof entity->b);
	return half_of(SOU_DOMAIN_SCOPE_ID, bytes, sizeof bytes);
}

struct sou_id sou_entity_made(uint8_t kind, const struct sou_id *site,
			      const struct sou_hash *opening, uint64_t counter)
{
	uint8_t bytes[1 + 16 + 32 + 8] = {kind};
	memcpy(bytes + 1, site->b, sizeof site->b);
	memcpy(bytes + 17, opening->b, sizeof opening->b);
	put_u64be(bytes + 49, counter);
	return half_of(SOU_DOMAIN_ENTITY_ID, bytes, sizeof bytes);
}

struct sou_id sou_entity_of_three(uint8_t kind, const struct sou_id *a, const struct sou_id *b,
				  const struct sou_id *c)
{
	uint8_t bytes[1 + 3 * 16] = {kind};
	memcpy(bytes + 1, a->b, sizeof a->b);
	memcpy(bytes + 17, b->b, sizeof b->b);
	memcpy(bytes + 33, c->b, sizeof c->b);
	return half_of(SOU_DOMAIN_ENTITY_ID, bytes, sizeof bytes);
}

struct sou_id sou_entity_edition(const struct sou_id *round, uint64_t number)
{
	uint8_t bytes[1 + 16 + 8] = {SOU_KIND_EDITION};
	memcpy(bytes + 1, round->b, sizeof round->b);
	put_u64be(bytes + 17, number);
	return half_of(SOU_DOMAIN_ENTITY_ID, bytes, sizeof bytes);
}

struct sou_id sou_entity_org(const struct sou_hash *op, uint32_t effect_index)
{
	uint8_t bytes[1 + 32 + 4] = {SOU_KIND_ORGANISATION};
	memcpy(bytes + 1, op->b, sizeof op->b);
	for (size_t i = 0; i < 4; i++)
		bytes[33 + i] = (uint8_t)(effect_index >> (24 - 8 * i));
	return half_of(SOU_DOMAIN_ENTITY_ID, bytes, sizeof bytes);
}

#define SUFFIX_BYTES     4u
#define MIDDLE_BYTES_MAX (SOU_PLACE_BYTES_MAX - SUFFIX_BYTES)

static size_t finish(uint8_t *out, size_t n, const struct sou_id *entity)
{
	memcpy(out + n, entity->b, SUFFIX_BYTES);
	return n + SUFFIX_BYTES;
}

static unsigned byte_at(struct sou_span s, size_t i)
{
	return i < s.n ? s.p[i] : 0;
}

/* m = (lo + hi) / 2 as n bytes, one more where it ends in 00. A right side that is open counts as 1
 * before the n bytes; lo + hi is below 2 x 256^n, so that m always fits. */
static void midpoint(struct sou_span left, struct sou_span right, size_t n, uint8_t *m)
{
	unsigned carry = 0;
	for (size_t i = n; i-- > 0;) {
		carry += byte_at(left, i) + byte_at(right, i);
		m[i] = (uint8_t)carry;
		carry >>= 8;
	}
	if (right.n == 0)
		carry++;
	for (size_t i = 0; i < n; i++) {
		carry = carry << 8 | m[i];
		m[i] = (uint8_t)(carry >> 1);
		carry &= 1;
	}
	if (m[n - 1] == 0)
		m[n - 1] = 1;
}

/* The order of m and the first n bytes of a place. */
static int compare_first(const uint8_t *m, struct sou_span place, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (m[i] != byte_at(place, i))
			return m[i] < byte_at(place, i) ? -1 : 1;
	}
	return 0;
}

static bool is_place(struct sou_span s)
{
	return s.n == 0 || (s.n >= SOU_PLACE_BYTES_MIN && s.n <= SOU_PLACE_BYTES_MAX);
}

int sou_place_between(struct sou_span left, struct sou_span right, const struct sou_id *entity,
		      uint8_t out[SOU_PLACE_BYTES_MAX], size_t *n)
{
	if (!is_place(left) || !is_place(right))
		return SOU_EFORMAT;
	for (size_t i = 1; i <= MIDDLE_BYTES_MAX; i++) {
		uint8_t m[MIDDLE_BYTES_MAX];
		midpoint(left, right, i, m);
		if (compare_first(m, left, i) > 0 &&
		    (right.n == 0 || compare_first(m, right, i) < 0)) {
			memcpy(out, m, i);
			*n = finish(out, i, entity);
			return SOU_OK;
		}
	}
	return SOU_ELIMIT;
}

size_t sou_place_spread(uint32_t i, uint32_t count, const struct sou_id *entity,
			uint8_t out[SOU_PLACE_BYTES_MAX])
{
	SOU_ASSERT(i < count);
	/* (i + 1) / (count + 1) as a fraction of as many bytes as leave room between any two. */
	uint8_t all[8];
	put_u64be(all, UINT64_MAX / ((uint64_t)count + 1) * ((uint64_t)i + 1));
	size_t n = count < 128 ? 1 : count < 32768 ? 2 : 5;
	memcpy(out, all, n);
	if (out[n - 1] == 0)
		out[n - 1] = 1;
	return finish(out, n, entity);
}

static uint64_t wall_hlc(int64_t wall_ms)
{
	if (wall_ms < 0)
		return 0;
	return (wall_ms > (int64_t)SOU_WALL_MS_MAX ? SOU_WALL_MS_MAX : (uint64_t)wall_ms) << 16;
}

uint64_t sou_hlc_next(uint64_t last, int64_t wall_ms)
{
	uint64_t wall = wall_hlc(wall_ms);
	return last + 1 > wall || last == UINT64_MAX ? last + 1 : wall;
}

uint64_t sou_hlc_seen(uint64_t last, uint64_t received, int64_t wall_ms)
{
	uint64_t wall = wall_hlc(wall_ms) >> 16;
	if (received <= last || received >> 16 > wall + SOU_HLC_AHEAD_MS)
		return last;
	return received;
}
