/* test_session_states.c - who may speak: hello, joining, withdrawn, and every frame in every
 * state (P12.6, P13.1, P13.2, P13.13; R8, R18). */
#include "tests/lib/check.h"
#include "tests/proto/talk.h"

struct row {
	const char *name, *script, *expect;
};

static const struct row own[] = {
	{"P13.16 an unconfirmed site sends nothing and asks twice",
	 "scope A 3; own; met; dial; hello A:0; pong 1; pong 2; arrive A 4; confirmed",
	 "hello(own A:0=) | live ping(1) | ping(2) | own-all | - | news(A 0-4)"},
	{"P13.16 news between start it anew",
	 "own; met; dial; hello; news A 0-1; pong 1; stored; pong 2; pong 3",
	 "hello(own ) | live ping(1) | store(A 0-1) | - | ack(A 1) ping(2) | ping(3) | own-all"},
	{"P13.16 authority too",
	 "own; met; dial; hello; pong 1; authority; pong 2; stored; pong 3; pong 4",
	 "hello(own ) | live ping(1) | ping(2) | apply(a) | - | ping(3) | ping(4) | own-all"},
	{"P13.16 not while the list of positions is awaited",
	 "own; many 17; dial; hello all; positions Q:0",
	 "hello(0 own #) | live positions-want | heads(Q none) ping(1)"},
	{"P13.16 an answer to no question",
	 "own; met; dial; hello; pong 7; pong 1; pong 1; pong 2; pong 3",
	 "hello(own ) | live ping(1) | - | ping(2) | - | own-all | -"},
	{"P13.16 an unconfirmed hub goes on sending", "scope A 3; hub; own; met; dial; hello",
	 "hello(own A:0=) | live news(A 0-3) ping(1)"},
	{"P13.16 a withdrawn peer is not asked", "own; met; cut; dial; hello",
	 "- | hello(own ) | live(withdrawn)"},
	{"P13.16 level: two answers without news between",
	 "met; dial; hello; settle; pong 1; pong 2; pong 3; settle; pong 3",
	 "hello() | live | ping(1) | ping(2) | settled | - | ping(3) | ping(4)"},
	{"P13.16 level: not while news come",
	 "met; dial; hello; settle; news A 0-1; pong 1; stored; pong 2; pong 3",
	 "hello() | live | ping(1) | store(A 0-1) | - | ack(A 1) ping(2) | ping(3) | settled"},
	{"P13.16 level and own feeds at once", "own; met; dial; hello; settle; pong 1; pong 2",
	 "hello(own ) | live ping(1) | - | ping(2) | own-all settled"},
	{"P13.16 nothing is asked before hello", "dial; settle; hello",
	 "hello(0 ) | - | live ping(1)"},
	{"P13.2 the first of two is told", "listen; hello; other",
	 "- | hello(0 ) live | refuse(instance)"},
	{"P13.2 not before hello", "listen; other", "- | -"},
};

static const struct row hello[] = {
	{"P13.2 another wire version", "listen; hello wire 1", "- | bye(version P13.2) close"},
	{"P13.2 another network", "listen; hello net", "- | bye(net P13.2) close"},
	{"P13.2 another site than its key says", "listen; hello site",
	 "- | bye(not-enrolled P13.2) close"},
	{"P13.2 the own site under another's key", "listen; hello same",
	 "- | bye(not-enrolled P13.2) close"},
	{"P13.2 hello twice", "listen; hello; hello",
	 "- | hello(0 ) live | bye(order P13.1) close"},
	{"P13.2 another instance of the site", "listen; hello; instance",
	 "- | hello(0 ) live | bye(instance P13.2) close"},
	{"P13.2 before hello", "listen; instance", "- | bye(instance P13.2) close"},
	{"P12.2 a key that is not enrolled here says hello", "stranger; hello",
	 "- | bye(not-enrolled P12.2) close"},
	{"P11.13 the peer says bye", "listen; hello; bye 9; tick 1000",
	 "- | hello(0 ) live | closed | -"},
	{"P11.13 with a code that is not known here", "listen; hello; bye 99",
	 "- | hello(0 ) live | closed"},
	{"P11.13 we stop", "listen; hello; stop; ping 1; tick 200000",
	 "- | hello(0 ) live | bye(stopping P11.13) close | - | -"},
	{"P11.13 stored after the end: nothing", "met; dial; hello; news A 0-1; stop; stored",
	 "hello() | live | store(A 0-1) | bye(stopping P11.13) close | -"},
	{"P13.14 ping after 60 s without a frame",
	 "listen; hello; tick 59999; tick 1; tick 59999; tick 1",
	 "- | hello(0 ) live | - | ping | - | close"},
	{"P13.14 a frame starts it anew", "listen; hello; tick 59999; ping 3; tick 59999; tick 1",
	 "- | hello(0 ) live | - | pong(3) | - | ping"},
	{"P13.14 120 s end it", "listen; hello; tick 120000", "- | hello(0 ) live | close"},
	{"P13.14 also before hello", "listen; tick 119999; tick 1", "- | - | close"},
	{"P13.14 a pong is a frame", "listen; hello; tick 60000; pong 1; tick 60000; tick 60000",
	 "- | hello(0 ) live | ping | - | ping | close"},
	{"P13.14 what we send puts the ping off",
	 "scope A 3; met; listen; hello A:3; tick 50000; arrive A 4; tick 10000; tick 50000",
	 "- | hello(A:0=) live acked(A 3) | digest(A 3 1.1) | news(A 3-4) | - | ping"},
};

static const struct row withdrawn[] = {
	{"P13.13 sent authority, acks and refusals",
	 "scope A 3; met; cut; dial; hello behind A:0; news A 0-1; stored; news A 1-2; stored "
	 "refuse 2; ping 4; op",
	 "- | hello() | live(withdrawn) authority(2) | store(A 0-1) | ack(A 1) | store(A 1-2) | "
	 "refuse(A 2 full P9.7) | pong(4) | authority(1)"},
	{"P13.13 no positions are named", "scope A 3; met; cut; listen; hello A:0",
	 "- | - | hello() live(withdrawn)"},
	{"P13.13 withdrawn while live: nothing more of news",
	 "scope A 12; met; dial; hello; cut; arrive A 20; want A 1; ack A 5; digest A 0 1.2; heads "
	 "A 1; positions-want; signatures-want A 1; refuse A 12 1; authority",
	 "hello(A:0=) | live news(A 0-5) news(A 5-10) news(A 10-12) | authority(1) | - | - | "
	 "acked(A 5) | - | - | - | - | - | -"},
	{"P13.13 nothing is asked of it", "met; dial; hello; cut; fetch A",
	 "hello() | live | authority(1) | -"},
	{"P13.13 no digest", "scope A 3; met; dial; hello A:3=9.9; cut; tick 20000",
	 "hello(A:0=) | live acked(A 3) | authority(1) | -"},
	{"P13.13 nor its own feeds", "scope A 3; met; cut; dial; hello own A:0",
	 "- | hello() | live(withdrawn)"},
};

static const struct row joining[] = {
	{"P12.6 a stranger at the hub joins", "hub; stranger; join; stored fail",
	 "- | enrol | bye(busy P12.6) close"},
	{"P12.6 enrolled, then hello", "hub; listen; join; stored; hello",
	 "- | enrol | joined | hello(0 ) live"},
	{"P12.6 enrolled, not readable yet", "hub; stranger; join; stored",
	 "- | enrol | bye(busy P12.6) close"},
	{"P12.6 the hub says why not", "hub; stranger; join; stored bye 14",
	 "- | enrol | bye(invite-used P12.6) close"},
	{"P12.6 no join in time", "hub; stranger; tick 9999; tick 1",
	 "- | - | bye(not-enrolled P12.6) close"},
	{"P12.6 the hub takes its time to write it", "hub; stranger; join; tick 10000",
	 "- | enrol | -"},
	{"P12.6 another wire version", "hub; stranger; join wire 1",
	 "- | bye(version P12.6) close"},
	{"P12.6 another network", "hub; stranger; join net", "- | bye(net P12.6) close"},
	{"P12.6 another TLS key", "hub; listen; join tls", "- | bye(signature P12.6) close"},
	{"P12.6 twice", "hub; listen; join; join", "- | enrol | bye(order P12.6) close"},
	{"P12.6 the link ends before the hub wrote it", "hub; stranger; join; stop; stored",
	 "- | enrol | bye(stopping P11.13) close | -"},
	{"P12.2 a stranger where no hub is", "stranger; join", "- | bye(not-enrolled P12.2) close"},
	{"P12.2 a stranger that says hello", "hub; stranger; hello",
	 "- | bye(not-enrolled P12.2) close"},
	{"P12.6 joined: hello, and the hub's follows; it is known by its authority",
	 "scope A 1; blank; invited; joined; hello; learn; arrive A 2",
	 "join | in hello(0 ) | live | authority(2) news(A 0-1) | news(A 1-2)"},
	{"P13.2 the own site", "blank; dial; hello same", "hello(0 ) | bye(instance P13.2) close"},
	{"P13.2 who answers is not who has that key", "blank; invited; joined; hello site; learn",
	 "join | in hello(0 ) | live | bye(not-enrolled P12.2) close"},
	{"P12.6 the hub refuses", "invited; bye 14", "join | closed"},
	{"P12.6 joined that nobody asked for", "dial; joined",
	 "hello(0 ) | bye(order P13.1) close"},
	{"P12.6 hello before joined", "invited; hello", "join | bye(order P13.1) close"},
	{"P12.6 no hub to join at", "listen; join", "- | bye(order P13.1) close"},
	{"P12.6 the side that dialled takes no join", "hub; dial; join",
	 "hello(0 ) | bye(order P13.1) close"},
};

static void run(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		talk_check(rows[i].name, rows[i].script, rows[i].expect);
}

TEST(session, own)
{
	run(own, ARRAY_LEN(own));
}

TEST(session, hello)
{
	run(hello, ARRAY_LEN(hello));
}

TEST(session, withdrawn)
{
	run(withdrawn, ARRAY_LEN(withdrawn));
}

TEST(session, joining)
{
	run(joining, ARRAY_LEN(joining));
}

/* Every frame in every state. o: bye 12; e: bye 3; -: passed over; t: taken, as `live` says;
 * s: taken as only this state does. */
struct frame {
	const char *script, *live;
	const char outcomes[10];
};

static const char *const states[] = {"new",
				     "hub; stranger",
				     "stranger",
				     "invited",
				     "listen",
				     "listen; hello",
				     "met; listen; hello; cut",
				     "met; listen; hello; stop"};

static const struct frame frames[] = {
	{"hello", NULL, "oeeosoo-"},
	{"authority", "apply(a)", "oeeoot--"},
	{"headers", "-", "oeeoot--"},
	{"news A 0-1", "store(A 0-1)", "oeeoott-"},
	{"answer A", "store(A answer)", "oeeoott-"},
	{"ack A 0", "bye(order P11.7) close", "oeeoott-"},
	{"refuse A 3 1", "refused(A never-right)", "oeeoot--"},
	{"positions-want", "positions()", "oeeoot--"},
	{"positions A:1", "bye(order P11.3) close", "oeeoot--"},
	{"heads A 1", "-", "oeeoot--"},
	{"want A", "refuse(A 0 not-readable P13.11)", "oeeoot--"},
	{"signatures-want A", "refuse(A 0 not-readable P13.11)", "oeeoot--"},
	{"signatures A", "check(A 1)", "oeeoot--"},
	{"digest A 1 1.1", "-", "oeeoot--"},
	{"ping 5", "pong(5)", "oeeoott-"},
	{"pong 5", "-", "oeeoott-"},
	{"bye 9", "closed", "otttttt-"},
	{"join", NULL, "oseoooo-"},
	{"joined", NULL, "oeesooo-"},
	{"unknown 0", "-", "ooooott-"},
	{"unknown 19", "-", "ooooott-"},
	{"unknown 20", "-", "ooooott-"},
	{"unknown 255", "-", "ooooott-"},
};

/* The last part of what a script does. */
TEST(session, every_frame_in_every_state)
{
	for (size_t s = 0; s < ARRAY_LEN(states); s++)
		for (size_t f = 0; f < ARRAY_LEN(frames); f++) {
			const char *expect = NULL;
			switch (frames[f].outcomes[s]) {
			case 'o':
				expect = "bye(order P13.1) close";
				break;
			case 'e':
				expect = "bye(not-enrolled P12.2) close";
				break;
			case '-':
				expect = "-";
				break;
			case 't':
				expect = frames[f].live;
				break;
			default:
				continue; /* rows of their own above */
			}
			talk_check_last(test_printf("P13.1 %s: %s", states[s], frames[f].script),
					test_printf("%s; %s", states[s], frames[f].script), expect);
		}
}

TEST(session, not_in_form)
{
	static const char *const clauses[] = {
		[2] = "P11.2",   [3] = "P11.2",   [4] = "P11.6",   [5] = "P11.7",   [6] = "P11.12",
		[7] = "P11.3",   [8] = "P11.3",   [9] = "P13.7",   [10] = "P13.11", [11] = "P13.11",
		[12] = "P13.11", [13] = "P13.12", [14] = "P13.14", [16] = "P11.13"};
	for (size_t k = 0; k < ARRAY_LEN(clauses); k++)
		if (clauses[k] != NULL)
			talk_check_last(test_printf("P2.5 frame %zu", k),
					test_printf("met; dial; hello; bad %zu", k),
					test_printf("bye(format %s) close", clauses[k]));
	talk_check_last("P2.5 positions that are awaited",
			"met; many 17; dial; hello all other; bad 8", "bye(format P11.3) close");
	talk_check_last("P2.5 hello", "listen; bad 1", "bye(format P11.2) close");
	talk_check_last("P2.5 bye before hello", "listen; bad 16", "bye(format P11.13) close");
	talk_check_last("P2.5 join", "hub; stranger; bad 17", "bye(format P12.6) close");
	talk_check_last("P2.5 joined", "invited; bad 18", "bye(format P12.6) close");
	talk_check_last("P11.6 raw bytes above 4 MiB", "met; dial; hello; bomb A",
			"bye(limit P11.6) close");
}

/* A list of so many scopes is the peer's to say; one more ends the link. */
TEST(session, scopes_that_a_session_keeps)
{
	talk_check_last("P16.1 the last that has room",
			"met; dial; hello flood 17; positions flood 16383; news A 0-1",
			"store(A 0-1)");
	talk_check_last("P16.1 one more",
			"met; dial; hello flood 17; positions flood 16384; news A 0-1",
			"bye(limit P16.1) close");
	talk_check_last("P16.1 those that are kept go on",
			"met; dial; hello flood 17; positions flood 16384; heads z 1; ping 1",
			"pong(1)");
}

static const struct row quiet[] = {
	{"R24 nothing to do", "scope A 3; met; dial; hello A:3; quiet", "quiet"},
	{"R24 before hello", "met; dial; quiet", "busy"},
	{"R24 news under way", "scope A 3; met; dial; hello; quiet", "busy"},
	{"R24 and acknowledged", "scope A 3; met; dial; hello; ack A 3; quiet", "quiet"},
	{"R24 news to be stored", "met; dial; hello; news A 0-1; quiet", "busy"},
	{"R24 and stored", "met; dial; hello; news A 0-1; stored; quiet", "quiet"},
	{"R24 an ack that waits", "met; dial; hello; news A 0-1; stored new 20001; quiet", "busy"},
	{"R24 heads that are awaited", "scope A 3; met; listen; hello void; quiet", "busy"},
	{"R24 a list that is awaited", "met; many 17; dial; hello all other; quiet", "busy"},
	{"R24 what the peer may not read", "scope A 3 -; met; dial; hello; quiet", "quiet"},
	{"R24 what the peer does not take", "scope A 3; met; dial; hello; refuse A 3 1; quiet",
	 "quiet"},
	{"R24 what does not fit", "scope A 12; heavy 1048000; met; dial; hello; quiet", "busy"},
	{"R24 closed", "met; dial; hello; stop; quiet", "busy"},
};

TEST(session, quiet)
{
	for (size_t i = 0; i < ARRAY_LEN(quiet); i++)
		talk_check_last(quiet[i].name, quiet[i].script, quiet[i].expect);
}

TEST(session, what_came_does_not_go_back)
{
	talk_check_last("P13.4", "blank; invited; joined; hello; authority real; stored; learn",
			"-");
	talk_check_last("P13.4 what did not come does", "blank; invited; joined; hello; learn",
			"authority(2)");
}
