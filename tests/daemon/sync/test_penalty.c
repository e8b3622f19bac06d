/* test_penalty.c - bad signatures: back off one minute to one hour (R17). */
#include "daemon/sync/penalty.h"
#include "tests/lib/bed.h"
#include "tests/lib/check.h"

#define MINUTE UINT64_C(60000)

TEST(penalty, one_minute_to_one_hour)
{
	static const struct {
		const char *name;
		uint64_t at_ms, lasts_ms;
	} rows[] = {
		{"R17 the first time", 5 * MINUTE, MINUTE},
		{"R17 again: twice as long", 6 * MINUTE, 2 * MINUTE},
		{"R17 and again", 8 * MINUTE, 4 * MINUTE},
		{"R17 within as long after it", 15 * MINUTE, 8 * MINUTE},
		{"R17 quiet for as long: anew", 31 * MINUTE, MINUTE},
		{"R17 2", 32 * MINUTE, 2 * MINUTE},
		{"R17 4", 34 * MINUTE, 4 * MINUTE},
		{"R17 8", 38 * MINUTE, 8 * MINUTE},
		{"R17 16", 46 * MINUTE, 16 * MINUTE},
		{"R17 32", 62 * MINUTE, 32 * MINUTE},
		{"R17 at most an hour", 94 * MINUTE, 60 * MINUTE},
		{"R17 and no more", 154 * MINUTE, 60 * MINUTE},
	};
	struct soud_penalty p = {0};
	const struct sou_hash a = bed_hash("a", 1), b = bed_hash("b", 1);
	CHECK("R17 nobody", !soud_penalty_holds(&p, &a, 0));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t end = rows[i].at_ms + rows[i].lasts_ms;
		CHECK_U64(rows[i].name, soud_penalty_put(&p, &a, rows[i].at_ms), ==,
			  rows[i].lasts_ms);
		CHECK(rows[i].name, soud_penalty_holds(&p, &a, end - 1));
		CHECK(rows[i].name, !soud_penalty_holds(&p, &a, end));
		CHECK("R17 another key", !soud_penalty_holds(&p, &b, end - 1));
	}
}

TEST(penalty, many_keys)
{
	struct soud_penalty p = {0};
	for (uint64_t i = 0; i <= SOU_PENALTIES_MAX; i++) {
		const struct sou_hash key = bed_hash("key", i);
		CHECK_U64("R17 each", soud_penalty_put(&p, &key, 1000 + i), ==, MINUTE);
	}
	const struct sou_hash first = bed_hash("key", 0), second = bed_hash("key", 1),
			      last = bed_hash("key", SOU_PENALTIES_MAX);
	CHECK("R17 the one that ends first makes room", !soud_penalty_holds(&p, &first, 2000));
	CHECK("R17 the others stay", soud_penalty_holds(&p, &second, 2000));
	CHECK("R17 the last", soud_penalty_holds(&p, &last, 2000));
}
