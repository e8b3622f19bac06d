/* table.h - finds numbers by a 32-bit hash of their names: open addressing, several numbers may
 * share a hash, nothing is ever taken out. The names stay with the caller, who compares them. Never
 * iterated, so that no order of slots can show anywhere. Pure. */
#ifndef SOU_TABLE_H
#define SOU_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SOU_TABLE_END UINT32_MAX

struct sou_table {       /* owned; zeroed is a valid empty one */
	uint64_t *slots; /* hash << 32 | number + 1; 0 is free */
	uint32_t mask, used;
};

void sou_table_fini(struct sou_table *t);  /* NULL and zeroed are fine */
void sou_table_clear(struct sou_table *t); /* keeps the memory */

/* Room for `more` sou_table_add. false: no memory, the table is as before. */
bool sou_table_reserve(struct sou_table *t, uint32_t more);

/* After a reserve. `number` below SOU_TABLE_END. */
void sou_table_add(struct sou_table *t, uint32_t hash, uint32_t number);

static inline size_t sou_table_bytes(const struct sou_table *t)
{
	return t->slots == NULL ? 0 : ((size_t)t->mask + 1) * sizeof *t->slots;
}

/* Mix of the first 16 bytes of a name. */
static inline uint32_t sou_table_hash(const void *name16)
{
	uint64_t a, b;
	memcpy(&a, name16, sizeof a);
	memcpy(&b, (const uint8_t *)name16 + 8, sizeof b);
	a = (a ^ (b >> 32) ^ (b << 32)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(a >> 32);
}

/* Numbers of this hash, one a call; *cursor starts at 0. SOU_TABLE_END when there is no more. */
static inline uint32_t sou_table_next(const struct sou_table *t, uint32_t hash, uint32_t *cursor)
{
	if (t->slots == NULL)
		return SOU_TABLE_END;
	for (;;) {
		uint64_t slot = t->slots[(hash + (*cursor)++) & t->mask];
		if (slot == 0)
			return SOU_TABLE_END;
		if ((uint32_t)(slot >> 32) == hash)
			return (uint32_t)slot - 1;
	}
}

#endif
