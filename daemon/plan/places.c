/* places.c - midpoints between neighbours, else a fresh spread. */
#include "daemon/plan/places.h"

#include <string.h>

static bool below(struct sou_span a, struct sou_span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = memcmp(a.p, b.p, n);
	return order < 0 || (order == 0 && a.n < b.n);
}

static bool in_order(const struct soud_placed *list, size_t count)
{
	const struct soud_placed *last = NULL;
	for (size_t i = 0; i < count; i++) {
		if (list[i].place.n == 0)
			continue;
		if (last != NULL && !below(last->place, list[i].place))
			return false;
		last = &list[i];
	}
	return true;
}

static int spread(struct soud_placed *list, size_t count, struct soud_pool *pool)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t place[SOU_PLACE_BYTES_MAX];
		size_t n = sou_place_spread((uint32_t)i, (uint32_t)count, &list[i].entity, place);
		struct sou_span bytes = {place, n};
		list[i].place = soud_pool_bytes(pool, bytes);
		list[i].changed = true;
	}
	return pool->failed ? SOU_ENOMEM : SOU_OK;
}

int soud_places_assign(struct soud_placed *list, size_t count, struct soud_pool *pool)
{
	size_t without = 0;
	for (size_t i = 0; i < count; i++) {
		list[i].changed = false;
		without += list[i].place.n == 0;
	}
	if (without == count || !in_order(list, count))
		return spread(list, count, pool);
	struct sou_span left = {NULL, 0};
	for (size_t i = 0; i < count; i++) {
		struct sou_span right = {NULL, 0};
		uint8_t place[SOU_PLACE_BYTES_MAX];
		size_t n, next = i;
		while (next < count && list[next].place.n == 0)
			next++;
		if (next < count)
			right = list[next].place;
		if (next != i) {
			if (sou_place_between(left, right, &list[i].entity, place, &n) != SOU_OK)
				return spread(list, count, pool);
			struct sou_span bytes = {place, n};
			list[i].place = soud_pool_bytes(pool, bytes);
			list[i].changed = true;
		}
		left = list[i].place;
	}
	return pool->failed ? SOU_ENOMEM : SOU_OK;
}
