/* grow.h - arrays that double. Pure. */
#ifndef SOU_GROW_H
#define SOU_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "error.h"

/* Room for `more` members of `size` bytes after the `count` that `list` (NULL: none yet) has.
 * Returns the list, which may have moved, with *cap raised; NULL: no memory, list and *cap are as
 * before. */
static inline void *sou_grow(void *list, uint32_t *cap, uint32_t count, uint32_t more, size_t size)
{
	SOU_ASSERT(list != NULL || count == 0);
	uint64_t need = (uint64_t)count + more;
	if (need <= *cap && list != NULL)
		return list;
	uint64_t want = (uint64_t)*cap + *cap / 2;
	if (want < need)
		want = need;
	if (want < 8)
		want = 8;
	if (want >= UINT32_MAX || want > SIZE_MAX / size)
		return NULL;
	void *moved = realloc(list, (size_t)want * size);
	if (moved != NULL)
		*cap = (uint32_t)want;
	return moved;
}

#endif
