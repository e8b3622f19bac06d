/* test_session.c - the order within a session, where each direction begins, the window and
 * refusals: what a session does, row by row (P11, P13; R18, R24). The language: talk.h. */
#include "tests/lib/check.h"
#include "tests/proto/talk.h"

struct row {
	const char *name, *script, *expect;
};

static const struct row order[] = {
	{"P13.1 the side that dials speaks first", "dial", "hello(0 )"},
	{"P13.1 the other answers", "listen; hello", "- | hello(0 ) live"},
	{"P13.3 authority, then news", "scope A 3; listen; hello behind",
	 "- | hello(0 A:0=) live authority(1) news(A 0-3)"},
	{"P13.3 authority, then heads", "scope A 9; scope B 3; listen; op w; hello behind A:9 B:3",
	 "- | - | hello(0 A:0= B:0=) live acked(A 9) acked(B 3) authority(2) heads(A) heads(B)"},
	{"P13.3 with heads due in both directions",
	 "scope A 9; scope B 3; listen; op w; hello behind void A:0; heads A 1",
	 "- | - | hello(0 A:0= B:0=) live authority(2) heads(A) | news(A 0-5 heads) news(A 5-9 "
	 "heads)"},
	{"P13.3 heads that a list behind a hash asks for go at once",
	 "scope A 3; heavy 1048000; many 17; dial; hello all; positions A:3",
	 "hello(0 #) | live positions-want | acked(A 3) heads(A) news(m 0-1)"},
	{"P13.5 headers from above the position to each listed id that it does not cover",
	 "scope A 9; met; listen; op w; hello behind A:5",
	 "- | - | hello(A:0=) live acked(A 5) headers(A 4) authority(2) news(A 5-9)"},
	{"P13.5 none where the position covers them",
	 "scope A 9; met; listen; op w; hello behind A:9",
	 "- | - | hello(A:0=) live acked(A 9) authority(2)"},
	{"P13.5 none of a scope that the peer may not read",
	 "scope A 9 -; listen; op w; hello behind", "- | - | hello(0 ) live authority(2)"},
	{"P13.5 none where heads are awaited", "scope A 9; listen; op w; hello behind void",
	 "- | - | hello(0 A:0=) live authority(2)"},
	{"P13.5 in a live session from above what went",
	 "scope A 9; heavy 600000; met; listen; hello; op w",
	 "- | hello(A:0=) live news(A 0-5) | headers(A 4) authority(1)"},
	{"P13.3 a new op goes before news", "scope A 3; met; listen; hello A:3; op; arrive A 4",
	 "- | hello(A:0=) live acked(A 3) | authority(1) digest(A 3 1.1) | news(A 3-4)"},
	{"P13.4 no frame where nothing is missing", "listen; hello; again",
	 "- | hello(0 ) live | -"},
	{"P13.4 leaves that are not known here: all ops", "listen; hello ahead",
	 "- | hello(0 ) live authority(2)"},
	{"P13.4 what the peer sent does not go back", "listen; hello; authority; stored; again",
	 "- | hello(0 ) live | apply(a) | - | -"},
	{"P13.4 a series is handed on with its last frame, headers with it",
	 "listen; hello; authority more; headers; authority; stored",
	 "- | hello(0 ) live | - | - | apply(aha) | -"},
	{"P13.4 the next series begins anew",
	 "listen; hello; authority; headers; authority; stored; stored",
	 "- | hello(0 ) live | apply(a) | - | apply(ha) | - | -"},
	{"P13.4 a series has an end",
	 "listen; hello; authority more long; authority more long; authority more long; authority "
	 "more long; authority more long",
	 "- | hello(0 ) live | - | - | - | - | bye(limit P13.4) close"},
	{"P11.13 authority that is not well signed ends the link",
	 "listen; hello; authority; stored bye 7",
	 "- | hello(0 ) live | apply(a) | bye(signature P11.9) close"},
	{"P13.3 arrival order, one scope after the other",
	 "scope A 12; scope B 7; met; dial; hello",
	 "hello(A:0= B:0=) | live news(B 0-5) news(A 0-5) news(B 5-7) news(A 5-10) news(A 10-12)"},
};

static const struct row positions[] = {
	{"P13.7 a scope that the list leaves out starts at 0",
	 "scope A 3; scope B 2; met; dial; hello B:2",
	 "hello(A:0= B:0=) | live acked(B 2) news(A 0-3)"},
	{"P13.7 hello lists what the peer may read", "scope A 3; scope B 2 -; dial",
	 "hello(0 A:0=)"},
	{"P13.7 and what has a position in its log", "scope A 3 -; at A 2; met; dial",
	 "hello(A:2)"},
	{"P13.7 the peer's log was never met", "scope A 3; at A 2; dial", "hello(0 A:0=)"},
	{"P13.7 the peer says another log than we knew",
	 "scope A 3; at A 2; met; listen; hello log A:3", "- | hello(A:2=) live acked(A 3)"},
	{"P13.7 void: heads for each scope of the other's list",
	 "scope A 3; scope B 1; dial; hello A:3 B:1",
	 "hello(0 A:0= B:0=) | live acked(A 3) acked(B 1) heads(A) heads(B)"},
	{"P13.7 listed scopes wait for heads, others start at 0",
	 "scope A 3; scope B 3 -; met; listen; hello void; readable B; again; heads A 2",
	 "- | hello(A:0=) live | news(B 0-3) | news(A 0-3 heads)"},
	{"P13.7 heads later start the scope again", "scope A 3; met; dial; hello A:3; heads A 2",
	 "hello(A:0=) | live acked(A 3) | news(A 0-3 heads)"},
	{"P13.7 heads, none: from 0", "scope A 3; met; listen; hello void; heads A 0",
	 "- | hello(A:0=) live | news(A 0-3)"},
	{"P13.7 heads of a scope that is not here", "listen; hello; heads Q 1",
	 "- | hello(0 ) live | -"},
	{"P13.8 a position above the last arrival: rolled back",
	 "scope A 3; met; dial; hello A:4; arrive A 9",
	 "hello(A:0=) | live new-log bye(rolled-back P13.8) close | -"},
	{"P13.8 a hub does not believe one site: its heads ask for proof",
	 "hub; scope A 3; scope B 2; met; listen; hello A:4 B:2; arrive A 4",
	 "- | hello(A:0= B:0=) live claim(A) acked(B 2) heads(A) news(A 0-3) | news(A 3-4)"},
	{"P13.8 nor in a list that came later, nor twice",
	 "hub; scope A 3; scope B 2; met; many 17; listen; hello all other; heavy 1040000; "
	 "positions A:9 B:7",
	 "- | hello(#) live positions-want | claim(A) claim(B) heads(A) heads(B) news(B 0-2)"},
	{"P13.8 the heads of who said so start the scope as ever",
	 "hub; scope A 9; met; listen; hello A:10; heads A 2",
	 "- | hello(A:0=) live claim(A) heads(A) news(A 0-5) news(A 5-9) | news(A 0-5 heads) "
	 "news(A "
	 "5-9 heads)"},
	{"P13.8 of a scope that the peer may not read it says nothing at a hub either",
	 "hub; scope A 3 -; met; listen; hello A:4", "- | hello() live"},
	{"P13.8 a new log: all links come anew", "hub; scope A 3; met; listen; hello A:3; new-log",
	 "- | hello(A:0=) live acked(A 3) | bye(rolled-back P13.8) close"},
	{"P13.8 of a scope that the peer may not read it says nothing",
	 "scope A 3 -; met; dial; hello A:4 Q:1", "hello() | live"},
	{"P13.8 and counts as 0 once it may",
	 "scope A 3 -; met; dial; hello A:4; readable A; again", "hello() | live | news(A 0-3)"},
	{"P13.8 in a list that came later",
	 "scope A 3; met; many 16; dial; hello all other; positions A:9",
	 "hello(#) | live positions-want | new-log bye(rolled-back P13.8) close"},
	{"P13.8 void positions show nothing", "scope A 3; met; listen; hello void A:9",
	 "- | hello(A:0=) live"},
	{"P11.3 seventeen scopes travel as a hash", "met; many 17; dial", "hello(#)"},
	{"P11.3 sixteen do not", "met; many 16; dial", "hello(m:1= m:1= m:1= m:1= and 12)"},
	{"P11.3 the same list: nothing to ask", "met; many 17; dial; hello all", "hello(#) | live"},
	{"P11.3 the list that a peer would have",
	 "scope A 3; acked A 2; met; many 16; dial; hello all", "hello(#) | live news(A 2-3)"},
	{"P11.3 with scopes of which all came from it",
	 "scope A 3; met; many 16; listen; hello all", "- | hello(#) live news(A 0-3)"},
	{"P11.3 without those that the peer may not read",
	 "scope A 3 -; met; many 17; dial; hello all", "hello(#) | live"},
	{"P11.3 with its position in one that it may not read any more",
	 "scope A 3 -; acked A 2; met; many 17; dial; hello all", "hello(#) | live"},
	{"P11.3 without a digest of what we may not read",
	 "scope A 3 ~; acked A 3; met; many 17; dial; hello all", "hello(#) | live"},
	{"P11.3 nor with it where nothing of it went", "scope A 3 ~; met; many 17; dial; hello all",
	 "hello(#) | live news(A 0-3)"},
	{"P11.3 answered by a hash: a list as expected",
	 "scope A 3; acked A 3; state A 1.1; scope B 2; met; listen; hello A:3=1.1 B:0=1.1; "
	 "positions-want",
	 "- | hello(#) live news(B 0-2) | positions(A:0= B:0=)"},
	{"P11.3 by a list: another position",
	 "scope A 3; scope B 2; met; listen; hello A:3=1.1 B:0=1.1",
	 "- | hello(A:0= B:0=) live acked(A 3) news(B 0-2)"},
	{"P11.3 by a list: another state",
	 "scope A 3; acked A 3; scope B 2; met; listen; hello A:3=1.1 B:0=1.2",
	 "- | hello(A:0= B:0=) live news(B 0-2)"},
	{"P11.3 by a list that is shorter than a hash", "met; listen; hello", "- | hello() live"},
	{"P11.3 by a list: positions are void",
	 "scope A 3; scope B 2; listen; hello A:0=1.1 B:0=1.1",
	 "- | hello(0 A:0= B:0=) live heads(A) heads(B) news(B 0-2) news(A 0-3)"},
	{"P11.3 a hash of few scopes, as we have them",
	 "scope A 3; acked A 3; met; dial; hello hash A:3=1.1", "hello(A:0=) | live"},
	{"P11.3 another list is asked for, and news wait",
	 "met; many 17; scope Z 3; heavy 1040000; dial; hello all other; arrive Z 4; positions Z:1",
	 "hello(#) | live positions-want | - | acked(Z 1) news(m 0-1)"},
	{"P11.3 void: the list is asked for", "many 17; dial; hello all",
	 "hello(0 #) | live positions-want"},
	{"P11.3 positions that nobody asked for", "met; dial; hello; positions A:1",
	 "hello() | live | bye(order P11.3) close"},
	{"P11.3 positions twice",
	 "scope A 3; met; many 16; dial; hello all other; positions A:3; positions A:3",
	 "hello(#) | live positions-want | acked(A 3) news(m 0-1) news(m 0-1) news(m 0-1) news(m "
	 "0-1) news(m 0-1) news(m 0-1) news(m 0-1) news(m 0-1) news(m 0-1) news(m 0-1) news(m 0-1) "
	 "news(m 0-1) news(m 0-1) news(m 0-1) news(m 0-1) news(m 0-1) | bye(order P11.3) close"},
	{"P11.3 positions-want", "met; many 17; dial; hello all; positions-want",
	 "hello(#) | live | positions(m:1= m:1= m:1= m:1= and 13)"},
	{"P11.7 a position tells what was acked before", "scope A 3; met; dial; hello A:3",
	 "hello(A:0=) | live acked(A 3)"},
	{"P11.7 known already", "scope A 3; acked A 3; met; dial; hello A:3", "hello(A:0=) | live"},
	{"R18 heads of what the peer may not read tell nothing", "scope A 3 -; dial; hello A:1",
	 "hello(0 ) | live acked(A 1) heads(A none)"},
	{"R18 nor does a position's digest", "scope A 3 -; at A 2; met; dial", "hello(A:2)"},
};

static const struct row window[] = {
	{"P13.9 1 MiB, then wait",
	 "scope A 30; heavy 400000; met; dial; hello; ack A 5; ack A 15; ack A 30",
	 "hello(A:0=) | live news(A 0-5) news(A 5-10) | acked(A 5) news(A 10-15) | acked(A 15) "
	 "news(A 15-20) news(A 20-25) | acked(A 30) news(A 25-30)"},
	{"P13.9 or one frame", "scope A 12; heavy 1048000; met; dial; hello; ack A 5; ack A 10",
	 "hello(A:0=) | live news(A 0-5) | acked(A 5) news(A 5-10) | acked(A 10) news(A 10-12)"},
	{"P13.9 exactly 1 MiB", "scope A 30; heavy 262144; met; dial; hello; ack A 5",
	 "hello(A:0=) | live news(A 0-5) news(A 5-10) news(A 10-15) news(A 15-20) | acked(A 5) "
	 "news(A 20-25)"},
	{"P13.9 a frame that is larger than asked for waits",
	 "scope A 30; heavy 500000; met; dial; hello; ack A 5; ack A 10",
	 "hello(A:0=) | live news(A 0-5) news(A 5-10) | acked(A 5) news(A 10-15) | acked(A 10) "
	 "news(A 15-20)"},
	{"P13.9 over all scopes",
	 "scope A 10; scope B 10; heavy 524288; met; dial; hello; ack A 5; ack B 5",
	 "hello(A:0= B:0=) | live news(B 0-5) news(A 0-5) | acked(A 5) news(B 5-10) | acked(B 5) "
	 "news(A 5-10)"},
	{"P13.6 what is left out moves the cursor", "scope A 7; met; dial; hello A:6",
	 "hello(A:0=) | live acked(A 6)"},
	{"P13.6 and is acked with what went before", "scope A 7; met; dial; hello A:5; ack A 7",
	 "hello(A:0=) | live acked(A 5) news(A 5-7) | acked(A 7)"},
	{"P13.6 arrivals while live",
	 "scope A 3; met; dial; hello A:3; arrive A 6; ack A 6; arrive A 7; arrive B 1",
	 "hello(A:0=) | live acked(A 3) | news(A 3-6) | acked(A 6) digest(A 6 2.1) | - | news(B "
	 "0-1)"},
	{"P11.7 an ack of a scope that is not here", "dial; hello; ack Q 1",
	 "hello(0 ) | live | bye(order P11.7) close"},
	{"P11.7 an ack above the last arrival", "scope A 3; dial; hello; ack A 4",
	 "hello(0 A:0=) | live news(A 0-3) | bye(order P11.7) close"},
	{"P11.7 an ack of what went before we were told that it landed",
	 "scope A 7; heavy 1040000; dial; hello; landed A 9; ack A 5; ack A 9; arrive A 9",
	 "hello(0 A:0=) | live news(A 0-5) | acked(A 5) news(A 5-9) | acked(A 9) | digest(A 9 "
	 "2.1)"},
	{"P11.7 an ack of a part of what is under way",
	 "scope A 9; met; dial; hello; ack A 5; refuse A 9 2; again",
	 "hello(A:0=) | live news(A 0-5) news(A 5-9) | acked(A 5) | refused(A full) | news(A 5-9)"},
	{"P13.6 the store cannot be read", "scope A 3; met; dial; broken; hello",
	 "hello(A:0=) | live fault(P13.6)"},
	{"P11.5 own wanted, every signature",
	 "scope A 3; hub; own; every; met; dial; hello own every",
	 "hello(own every A:0=) | live news(A 0-3 every) ping(1)"},
	{"P13.6 its own are among what it may read", "scope A 3; met; dial; hello own",
	 "hello(A:0=) | live news(A 0-3)"},
	{"P13.6 after is what the peer knows of, not what was left out",
	 "scope A 7; met; dial; hello A:6; arrive A 9; refuse A 9 2; again",
	 "hello(A:0=) | live acked(A 6) | news(A 6-9) | refused(A full) | news(A 6-9)"},
	{"P13.6 a digest does not count: who may not read the scope takes no notice",
	 "scope A 7; met; dial; hello A:6=2.2; tick 10000; arrive A 9",
	 "hello(A:0=) | live acked(A 6) | digest(A 7 1.1) | news(A 6-9)"},
	{"P11.5 every signature alone", "scope A 3; every; met; dial; hello every",
	 "hello(every A:0=) | live news(A 0-3 every)"},
	{"P8.14 a scope that it may not read: its own feeds alone",
	 "scope A 3 -; met; dial; hello own", "hello() | live news(A 0-3 own)"},
	{"P8.14 and nothing when it does not ask for them", "scope A 3 -; met; dial; hello",
	 "hello() | live"},
	{"P13.10 a scope that becomes readable starts at the position of hello",
	 "scope A 6 -; scope B 3 -; met; dial; hello A:2; readable A; again; readable B; again",
	 "hello() | live acked(A 2) | news(A 2-6) | news(B 0-3)"},
	{"P13.10 one that is closed stops",
	 "scope A 3; met; dial; hello A:3; closed A; again; arrive A 5; readable A; again",
	 "hello(A:0=) | live acked(A 3) | - | - | news(A 3-5)"},
	{"P13.10 under way when it is closed",
	 "scope A 3; met; dial; hello; closed A; again; ack A 3; arrive A 5",
	 "hello(A:0=) | live news(A 0-3) | - | acked(A 3) | -"},
};

static const struct row refusals[] = {
	{"P11.12 refused: the scope waits, others go on",
	 "scope A 3; scope B 3; met; dial; hello; refuse A 3 1; ack B 3; arrive A 4; arrive B 4; "
	 "tick 20000",
	 "hello(A:0= B:0=) | live news(B 0-3) news(A 0-3) | refused(A never-right) | acked(B 3) | "
	 "- | news(B 3-4) | -"},
	{"P11.12 until authority changes, from what was acked",
	 "scope A 12; met; dial; hello; ack A 5; refuse A 12 2; again",
	 "hello(A:0=) | live news(A 0-5) news(A 5-10) news(A 10-12) | acked(A 5) | refused(A full) "
	 "| news(A 5-10) news(A 10-12)"},
	{"P11.12 refused frames leave the window",
	 "scope A 10; scope B 10; heavy 600000; met; dial; hello; refuse A 5 7",
	 "hello(A:0= B:0=) | live news(B 0-5) | refused(A read-only)"},
	{"P13.11 a refusal of what was asked for stops nothing",
	 "scope A 3; met; dial; hello A:3; fetch A; refuse A 0 5; arrive A 4",
	 "hello(A:0=) | live acked(A 3) | want(A) | refused(A unknown) | news(A 3-4)"},
	{"P11.12 of a scope that is not here", "met; dial; hello; refuse Q 3 1",
	 "hello() | live | refused(Q never-right)"},
	{"P11.12 ours: with its clause, and the position stays",
	 "met; dial; hello; news A 0-5; news A 5-9; stored refuse 1; stored fail; news A 9-12; "
	 "news A 0-5; stored",
	 "hello() | live | store(A 0-5) | store(A 5-9) | refuse(A 5 never-right P9.7) | - | - | "
	 "store(A 0-5) | ack(A 5)"},
	{"P11.12 what was handed over behind a refused frame is no fault of the peer's",
	 "met; dial; hello; news A 0-5; news A 5-9; stored refuse 1; stored bye 12; news A 0-9; "
	 "stored bye 12",
	 "hello() | live | store(A 0-5) | store(A 5-9) | refuse(A 5 never-right P9.7) | - | "
	 "store(A 0-9) | bye(order P11.9) close"},
	{"P13.10 readable when its own feeds alone had gone: from the start",
	 "scope A 3 -; met; dial; hello own; ack A 3; readable A; again; again",
	 "hello() | live news(A 0-3 own) | acked(A 3) | news(A 0-3) | -"},
	{"P11.12 what a refusal frees is used at once",
	 "scope A 10; scope B 10; heavy 600000; met; dial; hello; refuse B 5 7",
	 "hello(A:0= B:0=) | live news(B 0-5) | refused(B read-only) news(A 0-5)"},
	{"P13.12 heads end a refusal",
	 "scope A 3; met; dial; hello A:3; news A 0-2; stored refuse 1; digest A 1 2.2; digest A 5 "
	 "3.3",
	 "hello(A:0=) | live acked(A 3) | store(A 0-2) | refuse(A 2 never-right P9.7) | heads(A) "
	 "digest(A 3 1.1) | passed(A 5)"},
	{"P11.12 names the entry", "met; dial; hello; news A 0-5; stored refuse 2 entry",
	 "hello() | live | store(A 0-5) | refuse(A 5 full P9.7 entry)"},
	{"P11.12 what was asked for is refused in silence",
	 "met; dial; hello; answer A; stored refuse 1", "hello() | live | store(A answer) | -"},
	{"P11.12 other scopes go on",
	 "met; dial; hello; news A 0-5; news B 0-2; stored refuse 1; stored",
	 "hello() | live | store(A 0-5) | store(B 0-2) | refuse(A 5 never-right P9.7) | ack(B 2)"},
	{"P11.12 every code",
	 "met; dial; hello; news A 0-1; stored refuse 3; news A 0-1; stored refuse 4; news A 0-1; "
	 "stored refuse 5; news A 0-1; stored refuse 6; news A 0-1; stored refuse 7",
	 "hello() | live | store(A 0-1) | refuse(A 1 version P9.7) | store(A 0-1) | refuse(A 1 "
	 "not-readable P9.7) | store(A 0-1) | refuse(A 1 unknown P9.7) | store(A 0-1) | refuse(A 1 "
	 "signature P9.7) | store(A 0-1) | refuse(A 1 read-only P9.7)"},
	{"P13.12 a digest of a scope that we refused moves no position",
	 "scope A 3; met; dial; hello A:3; news A 0-2; stored refuse 1; digest A 5 2.2; arrive A "
	 "4; ack A 4",
	 "hello(A:0=) | live acked(A 3) | store(A 0-2) | refuse(A 2 never-right P9.7) | heads(A) "
	 "digest(A 3 1.1) | news(A 3-4) | acked(A 4)"},
	{"P13.15 a scope that could not be stored", "met; dial; hello; news A 0-5; stored fail",
	 "hello() | live | store(A 0-5) | bye(busy P13.15) close"},
};

static void run(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		talk_check(rows[i].name, rows[i].script, rows[i].expect);
}

TEST(session, order)
{
	run(order, ARRAY_LEN(order));
}

TEST(session, positions)
{
	run(positions, ARRAY_LEN(positions));
}

TEST(session, window)
{
	run(window, ARRAY_LEN(window));
}

TEST(session, refusals)
{
	run(refusals, ARRAY_LEN(refusals));
}
