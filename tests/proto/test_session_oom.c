/* test_session_oom.c - each allocation of a step fails in turn: the session says so, the link is
 * dropped, and nothing is leaked or half done (R17). */
#include "tests/lib/check.h"
#include "tests/proto/talk.h"

static const struct {
	const char *name, *script;
	long least; /* allocations */
} steps[] = {
	{"R17 hello of who dials", "scope A 3; met; dial", 3},
	{"R17 hello of who listens", "scope A 3; at A 2; acked A 3; met; listen; hello A:3=1.1", 3},
	{"R17 hello with a hash", "many 20; met; listen; hello all hash", 3},
	{"R17 a list behind a hash", "many 20; met; dial; hello all; positions-want", 1},
	{"R17 a scope that is new", "met; dial; hello; arrive A 3", 1},
	{"R17 news that go", "scope A 3; met; dial; hello", 2},
	{"R17 news that come", "met; dial; hello; news A 0-5", 2},
	{"R17 acks that wait", "met; dial; hello; news A 0-1; stored new 30000", 1},
	{"R17 heads that come", "scope A 3; met; dial; hello A:3; heads A 2", 1},
	{"R17 heads that go", "scope A 3; met; dial; hello A:3=1.1; digest A 0 2.2", 0},
	{"R17 authority that goes", "scope A 10; met; dial; hello A:1; op w", 1},
	{"R17 authority that comes", "met; dial; hello; authority", 2},
	{"R17 a join", "hub; stranger; join tls", 0},
	{"R17 an invite is used", "blank; invited", 0},
	{"R17 what is asked for", "scope A 3; met; dial; hello A:3; want A 1", 1},
	{"R17 signatures", "scope A 3; met; dial; hello A:3; signatures-want A 1", 1},
};

TEST(session_oom, steps)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		CHECK_INT(steps[i].name, talk_check_oom(steps[i].name, steps[i].script), >=,
			  steps[i].least);
}
