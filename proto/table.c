/* table.c - slots of table.h: linear probing at a load of at most three quarters. */
#include "table.h"

#include <stdlib.h>

#include "error.h"

void sou_table_fini(struct sou_table *t)
{
	if (t == NULL)
		return;
	free(t->slots);
	memset(t, 0, sizeof *t);
}

void sou_table_clear(struct sou_table *t)
{
	if (t->slots != NULL)
		memset(t->slots, 0, sou_table_bytes(t));
	t->used = 0;
}

static void put(uint64_t *slots, uint32_t mask, uint64_t slot)
{
	uint32_t i = (uint32_t)(slot >> 32) & mask;
	while (slots[i] != 0)
		i = (i + 1) & mask;
	slots[i] = slot;
}

bool sou_table_reserve(struct sou_table *t, uint32_t more)
{
	uint64_t need = (uint64_t)t->used + more;
	uint64_t size = t->slots == NULL ? 0 : (uint64_t)t->mask + 1;
	if (need <= size / 4 * 3)
		return true;
	if (size == 0)
		size = 16;
	while (need > size / 4 * 3)
		size *= 2;
	if (size > UINT64_C(1) << 31)
		return false;
	uint64_t *slots = calloc(size, sizeof *slots);
	if (slots == NULL)
		return false;
	for (uint64_t i = 0; t->slots != NULL && i <= t->mask; i++)
		if (t->slots[i] != 0)
			put(slots, (uint32_t)size - 1, t->slots[i]);
	free(t->slots);
	t->slots = slots;
	t->mask = (uint32_t)size - 1;
	return true;
}

void sou_table_add(struct sou_table *t, uint32_t hash, uint32_t number)
{
	SOU_ASSERT(t->slots != NULL);
	SOU_ASSERT(number < SOU_TABLE_END);
	SOU_ASSERT(t->used < t->mask);
	put(t->slots, t->mask, (uint64_t)hash << 32 | (number + 1));
	t->used++;
}
