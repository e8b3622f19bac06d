/* test_fault_oom.c - the countdown reaches each allocation once alone and once with all after it.
 */
#include "tests/lib/fault.h"

#include "tests/lib/check.h"

/* Three allocations; every failure is survived. Returns how many failed. Volatile, or the compiler
 * leaves out a block that nobody uses. */
static int allocate(void)
{
	void *volatile a = malloc(8);
	char *volatile b = strdup("text");
	void *volatile c = realloc(NULL, 16);
	int failed = (a == NULL) + (b == NULL) + (c == NULL);
	free(a);
	free(b);
	free(c);
	return failed;
}

TEST(fault, each_call)
{
	setenv("SOU_FAULT_STEP", "1", 1);
	int rounds = 0, failed = 0;
	FOR_EACH_FAULT (n) {
		failed += allocate();
		rounds++;
	}
	/* alone: 1 + 1 + 1, untouched; for ever: 3 + 2 + 1, untouched */
	CHECK_INT("rounds", rounds, ==, 8);
	CHECK_INT("failed", failed, ==, 9);
	CHECK_INT("disarmed", allocate(), ==, 0);
}

TEST(fault, armed)
{
	static const struct {
		const char *name;
		long nth;
		bool for_ever;
		long fails; /* of three calls */
	} cases[] = {
		{"first", 1, false, 1}, {"last", 3, false, 1},           {"beyond", 4, false, 0},
		{"all", 1, true, 3},    {"from the second", 2, true, 2},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fault_arm(cases[i].nth, cases[i].for_ever);
		int failed = allocate();
		CHECK_INT(cases[i].name, fault_disarm(), ==, cases[i].fails);
		CHECK_INT(cases[i].name, failed, ==, cases[i].fails);
	}
}
