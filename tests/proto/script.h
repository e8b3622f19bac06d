/* script.h - verdict tests as short texts. Statements end with ';'. Words:
 *
 *   open K S · enrol K S ROLES              key K of site S
 *   grant G S ROLES [after E…]              ROLES: e s a r v p n (editor, submitter, approver,
 * reader, reViewer, planner, aNchor); G names the op narrow G S ROLES [for O] [rest] [at E…]
 * without `at` the scope is not listed; rest: others stay cut K [at E…] · recut K [E…] · decide K
 * [E…]     without `at` the scope is not listed redact E N · root N · recover N · back OP · newer
 * back: the next op goes on OP; newer: of unknown type mark OP           names the head K E on P
 * [what…]  entry E of key K; P an entry or a key. what: approve none consent adopt(E…) anchor(E…)
 * heartbeat close epoch part closes(E…) cite(E…) proxy about(A) malformed toonew header unsigned
 * lacks(N) for(O) seq(N) hlc(N)
 *
 * Entities and organisations: `O` is org or other. An id that no statement made names what never
 * was. Expectations: "a accepted; b fork". A '+' behind a verdict: shown; accepted data is shown
 * unless '-'. */
#ifndef SOU_TESTS_SCRIPT_H
#define SOU_TESTS_SCRIPT_H

#include "tests/lib/bed.h"

/* Runs the script in some order (seed 0: as written, settled once; else entries and settles
 * shuffled), and checks the expectations. `project`: in a project scope. */
void script_check(const char *name, const char *script, const char *expect, bool project,
		  uint64_t seed);

#endif
