/* fault.c - the countdown. One per program: tests run one after the other. */
#include "tests/lib/fault.h"

#include "tests/lib/check.h"

#define ROUNDS_MAX 100000L

static struct {
	bool armed, for_ever;
	long left;  /* calls until the one that fails */
	long fails; /* since armed */
} countdown;

static struct {
	long nth, step, rounds;
	bool for_ever;
} loop;

bool fault_tick(void)
{
	if (!countdown.armed)
		return false;
	if (countdown.left > 0)
		countdown.left--;
	if (countdown.left > 0 || (countdown.fails > 0 && !countdown.for_ever))
		return false;
	countdown.fails++;
	return true;
}

void fault_arm(long nth, bool for_ever)
{
	countdown.armed = true;
	countdown.for_ever = for_ever;
	countdown.left = nth;
	countdown.fails = 0;
}

long fault_disarm(void)
{
	countdown.armed = false;
	return countdown.fails;
}

static long arm_loop(long nth, bool for_ever)
{
	loop.nth = nth;
	loop.for_ever = for_ever;
	fault_arm(nth, for_ever);
	return nth;
}

long fault_first(void)
{
	const char *step = getenv("SOU_FAULT_STEP");
	loop.step = step != NULL ? strtol(step, NULL, 10) : 1;
	REQUIRE("SOU_FAULT_STEP is a number from 1", loop.step >= 1);
	loop.rounds = 0;
	return arm_loop(1, false);
}

long fault_next(void)
{
	long fails = fault_disarm();
	REQUIRE("the loop of faults ends", ++loop.rounds < ROUNDS_MAX);
	if (fails > 0)
		return arm_loop(loop.nth + loop.step, loop.for_ever);
	if (loop.nth == 1)
		check_failed(__FILE__, __LINE__, "fault", "no call could fail: nothing was tested");
	if (!loop.for_ever)
		return arm_loop(1, true);
	return 0;
}
