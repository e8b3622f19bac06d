/* script.h - verdict tests as short texts: statements that end with ';', then what is expected.
 *
 * open K S; enrol K S ROLES; invite I ROLES, join K S I (enrol makes both): key K of site S. ROLES:
 * letters of e s a r v p n (editor, submitter, approver, reader, reViewer, planner, aNchor).
 *
 * grant G S ROLES [after E…]: G names the op.
 *
 * narrow G S ROLES [for O] [rest] [at E…]: without `at` the scope is not listed; rest: others stay.
 *
 * cut K [at E…]; recut K [E…]; decide K [E…]: without `at` the scope is not listed.
 *
 * redact E N; root N; recover N; newer; newercut K: the last two have an effect of unknown type,
 * alone or beside a cut.
 *
 * mark OP; back OP: name the head; the next op goes there.
 *
 * K E on P [what…]: entry E of key K; P is an entry or a key. What: approve none consent adopt(E…)
 * anchor(E…) heartbeat close epoch part closes(E…) cite(E…) proxy about(A) malformed toonew header
 * unsigned lacks(N) for(O) seq(N) hlc(N).
 *
 * O is org or other. An id that no statement made names what never was. Expectations:
 * "a accepted; b fork". Accepted data is shown, unless '-' follows. */
#ifndef SOU_TESTS_SCRIPT_H
#define SOU_TESTS_SCRIPT_H

#include "tests/lib/bed.h"

/* Runs the script in some order and checks the expectations. Seed 0: entries as written, after all
 * ops, settled once; else shuffled, with settles; of odd seeds some come between the ops.
 * `project`: in a project scope. */
void script_check(const char *name, const char *script, const char *expect, bool project,
		  uint64_t seed);

#endif
