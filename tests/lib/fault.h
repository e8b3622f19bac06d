/* fault.h - makes the N-th call fail, for N = 1, 2, ... until the tested code gets through
 * untouched.
 *
 *   FOR_EACH_FAULT(n) {
 *           int rc = thing_new(&t);
 *           CHECK("R17 out of memory", rc == SOU_OK || rc == SOU_ENOMEM);
 *           thing_free(t);
 *   }
 *
 * Whatever can fail asks fault_tick() first. In programs named test_*_oom.c malloc, calloc,
 * realloc, strdup and strndup of our own code ask it; other seams (store, link) ask it themselves.
 */
#ifndef SOU_TESTS_FAULT_H
#define SOU_TESTS_FAULT_H

#include <stdbool.h>

/* true: fail this call. Always false while nothing is armed. */
bool fault_tick(void);

/* Fail the nth call from now (1 = the next), and with `for_ever` all after it. */
void fault_arm(long nth, bool for_ever);
/* Stop failing. Returns how many calls have failed since fault_arm. */
long fault_disarm(void);

/* The loop: once with each call failing alone, then once with each call and all after it. Ends
 * after a round in which nothing failed, and ends the test after 100,000 rounds. SOU_FAULT_STEP=7
 * takes every seventh call. */
#define FOR_EACH_FAULT(n) for (long n = fault_first(); n > 0; n = fault_next())
long fault_first(void);
long fault_next(void);

#endif
