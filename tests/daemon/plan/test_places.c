/* test_places.c - place keys for a wanted order: what stands in order keeps its place (P7.7). */
#include "daemon/plan/places.h"

#include "proto/error.h"
#include "tests/lib/check.h"

static struct soud_pool *pool_new(void)
{
	struct soud_pool *pool = test_alloc(sizeof *pool);
	*pool = (struct soud_pool){0};
	test_at_end((void (*)(void *))soud_pool_fini, pool);
	return pool;
}

static bool ascending(const struct soud_placed *list, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		struct sou_span a = list[i].place, b = list[i + 1].place;
		size_t n = a.n < b.n ? a.n : b.n;
		int order = memcmp(a.p, b.p, n);
		if (order > 0 || (order == 0 && a.n >= b.n))
			return false;
	}
	return true;
}

/* `stands`: for each in the wanted order a letter whose place it has ("-": none); `changed`: which
 * are written. */
TEST(places, table)
{
	static const struct {
		const char *name, *stands, *changed;
	} cases[] = {
		{"nothing", "", ""},
		{"one new", "-", "x"},
		{"all new", "---", "xxx"},
		{"all stand", "ace", "..."},
		{"one at the end", "ac-", "..x"},
		{"one at the head", "-ac", "x.."},
		{"one between", "a-c", ".x."},
		{"several between", "a---c", ".xxx."},
		{"here and there", "-a-c-", "x.x.x"},
		{"two crossed", "ca", "xx"},
		{"crossed, one new", "c-a", "xxx"},
		{"the same twice", "aa", "xx"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = strlen(cases[i].stands);
		struct soud_placed *list = test_alloc((n + 1) * sizeof *list);
		uint8_t *bytes = test_alloc(5 * n + 1);
		for (size_t k = 0; k < n; k++) {
			uint8_t *place = bytes + 5 * k;
			memset(place, 0, 5);
			place[0] = (uint8_t)cases[i].stands[k];
			list[k] = (struct soud_placed){.entity = {{(uint8_t)(k + 1)}}};
			if (cases[i].stands[k] != '-')
				list[k].place = (struct sou_span){place, 5};
		}
		CHECK_INT(cases[i].name, soud_places_assign(list, n, pool_new()), ==, SOU_OK);
		CHECK(cases[i].name, ascending(list, n));
		for (size_t k = 0; k < n; k++)
			CHECK_INT(cases[i].name, list[k].changed, ==, cases[i].changed[k] == 'x');
	}
}

/* Again and again between the same two: places grow until there is no room, then all are spread. */
TEST(places, until_there_is_no_room)
{
	struct soud_pool *pool = pool_new();
	struct soud_placed list[2] = {{.entity = {{1}}}, {.entity = {{2}}}};
	size_t spread = 0, longest = 0;
	CHECK_INT("P7.7", soud_places_assign(list, 2, pool), ==, SOU_OK);
	for (size_t i = 0; i < 1200; i++) {
		struct soud_placed three[3] = {list[0], {.entity = {{3, (uint8_t)i}}}, list[1]};
		REQUIRE("P7.7", soud_places_assign(three, 3, pool) == SOU_OK);
		REQUIRE("P7.7 in order", ascending(three, 3));
		spread += three[0].changed;
		longest = three[1].place.n > longest ? three[1].place.n : longest;
		list[0] = three[0];
		list[1] = three[1];
	}
	CHECK_INT("P7.7 at most 64 bytes", longest, <=, SOU_PLACE_BYTES_MAX);
	CHECK_INT("P7.7 spread when it must be", spread, >, 0);
	CHECK_INT("P7.7 and seldom", spread, <, 12);
}
