/* name.h - how names are derived (PROTOCOL.md 3), places between neighbours (P7.7), and the clock
 * that orders acts (P10.9). Pure functions of their arguments. */
#ifndef SOU_NAME_H
#define SOU_NAME_H

#include "bytes.h"
#include "error.h"
#include "id.h"
#include "limits.h"

enum sou_scope_kind { /* P3.2 */
		      SOU_SCOPE_AUTHORITY = 1,
		      SOU_SCOPE_PLAN = 2,
		      SOU_SCOPE_ORG = 3,
		      SOU_SCOPE_PROJECT = 4,
};

/* P3.2. `entity`: the organisation or project; not looked at (NULL is fine) for authority and plan.
 */
struct sou_id sou_scope_id(enum sou_scope_kind kind, const struct sou_id *entity);

/* P3.3, the four forms of key; `kind` is enum sou_kind (schema.h). */
struct sou_id sou_entity_made(uint8_t kind, const struct sou_id *site,
			      const struct sou_hash *opening, uint64_t counter);
/* submission, review, approval, mark: (organisation, project, round); measurement: (indicator,
 * organisation, round). In that order. */
struct sou_id sou_entity_of_three(uint8_t kind, const struct sou_id *a, const struct sou_id *b,
				  const struct sou_id *c);
struct sou_id sou_entity_edition(const struct sou_id *round, uint64_t number);
struct sou_id sou_entity_org(const struct sou_hash *op, uint32_t effect_index);

/* A place strictly between two neighbours for this entity (P7.7). Either side open: n = 0.
 * Writes *n bytes (5..64).
 * SOU_ELIMIT: no room (64 bytes are used up, which takes some 470 places one beside the other, or
 * the neighbours' places are equal or crossed): the caller writes new places for the neighbours
 * with sou_place_spread, which is also the way to place a whole list. SOU_EFORMAT: a neighbour is
 * no place. */
int sou_place_between(struct sou_span left, struct sou_span right, const struct sou_id *entity,
		      uint8_t out[SOU_PLACE_BYTES_MAX], size_t *n);

/* The place of the i-th (from 0) of `count` entities spread evenly over the whole range. */
size_t sou_place_spread(uint32_t i, uint32_t count, const struct sou_id *entity,
			uint8_t out[SOU_PLACE_BYTES_MAX]);

/* Own next hlc (P10.9): max(last + 1, wall). 0 when the last value is used up (year 10889).
 * wall_ms as P1.3 has it; below 0 or above 48 bits it counts as 0 or the highest. */
uint64_t sou_hlc_next(uint64_t last, int64_t wall_ms);
/* Own last value after taking in an entry: raised unless that is more than 10 minutes ahead. */
uint64_t sou_hlc_seen(uint64_t last, uint64_t received, int64_t wall_ms);
static inline uint64_t sou_hlc_ms(uint64_t hlc)
{
	return hlc >> 16;
}

#endif
