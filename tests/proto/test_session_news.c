/* test_session_news.c - news that come in, comparing by digests, and what is asked for by name
 * (P11.6 to P11.12, P13.9 to P13.14). */
#include "proto/limits.h"
#include "tests/lib/check.h"
#include "tests/proto/talk.h"

struct row {
	const char *name, *script, *expect;
};

static const struct row news[] = {
	{"P13.15 an ack only for what is durable",
	 "met; dial; hello; news A 0-5; news A 5-9; stored; stored",
	 "hello() | live | store(A 0-5) | store(A 5-9) | ack(A 5) | ack(A 9)"},
	{"P13.6 a gap", "met; dial; hello; news A 0-5; news A 6-9",
	 "hello() | live | store(A 0-5) | bye(order P13.6) close"},
	{"P13.6 after what was stored before",
	 "met; at A 4; scope A 1 -; dial; hello; news A 4-6; stored",
	 "hello(A:4) | live | store(A 4-6) | ack(A 6)"},
	{"P13.6 more than was stored before", "met; at A 4; scope A 1 -; dial; hello; news A 5-6",
	 "hello(A:4) | live | bye(order P13.6) close"},
	{"P13.6 what is here already is no gap",
	 "met; at A 4; scope A 1 -; dial; hello; news A 2-6; stored; news A 6-7",
	 "hello(A:4) | live | store(A 2-6) | ack(A 6) | store(A 6-7)"},
	{"P13.6 our position was void: from 0", "at A 4; scope A 1 -; dial; hello; news A 1-6",
	 "hello(0 ) | live | bye(order P13.6) close"},
	{"P13.11 an answer moves no position and has no ack",
	 "met; dial; hello; answer A; stored; news A 1-2",
	 "hello() | live | store(A answer) | - | bye(order P13.6) close"},
	{"P13.9 a peer may have 3 MiB under way",
	 "met; dial; hello; news A 0-1 1000000; news A 1-2 1000000; news A 2-3 1000000; news A 3-4 "
	 "1000000",
	 "hello() | live | store(A 0-1) | store(A 1-2) | store(A 2-3) | bye(limit P13.9) close"},
	{"P13.9 exactly so much",
	 "met; dial; hello; news A 0-1 1000000; news A 1-2 1000000; news A 2-3 1000000; news A 3-4 "
	 "145728; news A 4-5 1",
	 "hello() | live | store(A 0-1) | store(A 1-2) | store(A 2-3) | store(A 3-4) | bye(limit "
	 "P13.9) close"},
	{"P13.9 stored ones make room",
	 "met; dial; hello; news A 0-1 1000000; news A 1-2 1000000; news A 2-3 1000000; stored; "
	 "news A 3-4 1000000",
	 "hello() | live | store(A 0-1) | store(A 1-2) | store(A 2-3) | ack(A 1) | store(A 3-4)"},
	{"P13.9 authority counts",
	 "met; dial; hello; authority long; authority long; authority long; authority long",
	 "hello() | live | apply(a) | apply(a) | apply(a) | bye(limit P13.9) close"},
	{"P11.11 three signatures that do not verify",
	 "met; dial; hello; news A 0-1; stored forged 2; news A 1-2; stored forged 1",
	 "hello() | live | store(A 0-1) | ack(A 1) | store(A 1-2) | bye(signature P11.11) close"},
	{"P11.11 three at once", "met; dial; hello; news A 0-1; stored forged 3",
	 "hello() | live | store(A 0-1) | bye(signature P11.11) close"},
	{"P11.11 two do not end it", "met; dial; hello; news A 0-1; stored forged 2; ping 7",
	 "hello() | live | store(A 0-1) | ack(A 1) | pong(7)"},
	{"P11.11 in signatures that were asked for",
	 "met; scope A 1; dial; hello A:1; signatures A 1; stored forged 3",
	 "hello(A:0=) | live acked(A 1) | check(A 1) | bye(signature P11.11) close"},
	{"P13.14 beyond the bucket acks wait",
	 "met; dial; hello; news A 0-1; stored new 20000; news A 1-2; stored new 1; tick 4; tick "
	 "1; news A 2-3; stored new 1",
	 "hello() | live | store(A 0-1) | ack(A 1) | store(A 1-2) | - | - | ack(A 2) | store(A "
	 "2-3) | -"},
	{"P13.14 200 a second", "met; dial; hello; news A 0-1; stored new 20200; tick 999; tick 1",
	 "hello() | live | store(A 0-1) | - | - | ack(A 1)"},
	{"P13.14 the bucket is 20,000, not more",
	 "met; dial; hello; tick 110000; ping 1; tick 110000; news A 0-1; stored new 20000; news A "
	 "1-2; stored new 1",
	 "hello() | live | ping | pong(1) | ping | store(A 0-1) | ack(A 1) | store(A 1-2) | -"},
	{"P13.14 acks keep their order",
	 "met; dial; hello; news A 0-1; stored new 20001; news B 0-1; stored; tick 5",
	 "hello() | live | store(A 0-1) | - | store(B 0-1) | - | ack(A 1) ack(B 1)"},
	{"P13.9 an answer under way counts",
	 "met; dial; hello; answer A; news A 0-1; late 1; stored",
	 "hello() | live | store(A answer) | store(A 0-1) | ack(A 1) | -"},
	{"P11.13 the link ends as the replica says", "met; dial; hello; news A 0-1; stored bye 6",
	 "hello() | live | store(A 0-1) | bye(format P11.9) close"},
};

static const struct row digests[] = {
	{"P13.12 a feed with a gap: heads, once",
	 "scope A 3 -; at A 2; met; listen; hello; news A 2-3; stored gap; news A 0-3; stored gap",
	 "- | hello(A:2) live | store(A 2-3) | ack(A 3) heads(A none) | store(A 0-3) | ack(A 3)"},
	{"P13.12 equal digests end the matter", "scope A 3; met; dial; hello A:3=1.1; tick 20000",
	 "hello(A:0=) | live acked(A 3) | -"},
	{"P13.12 hello's differ: said whole when that lasts 10 s",
	 "scope A 3; met; dial; hello A:3=2.1; tick 9999; tick 1; tick 20000",
	 "hello(A:0=) | live acked(A 3) | - | digest(A 3 1.1) | -"},
	{"P13.12 and the answer tells what differs",
	 "scope A 3; met; dial; hello A:3=2.1; tick 10000; digest A 0 2.1",
	 "hello(A:0=) | live acked(A 3) | digest(A 3 1.1) | heads(A)"},
	{"P13.12 answered whole where hello told half",
	 "scope A 3; met; dial; hello A:3=2.1; digest A 0 2.1",
	 "hello(A:0=) | live acked(A 3) | heads(A) digest(A 3 1.1)"},
	{"P13.12 at most once in 10 s",
	 "scope A 3; met; dial; hello A:3=9.1; arrive A 4; ack A 4; arrive A 5; ack A 5; tick "
	 "9999; tick 1",
	 "hello(A:0=) | live acked(A 3) | news(A 3-4) | acked(A 4) digest(A 4 2.1) | news(A 4-5) | "
	 "acked(A 5) | - | digest(A 5 3.1)"},
	{"P13.12 answered with one's own",
	 "scope A 3; met; dial; hello A:3=1.1; state A 3.3; digest A 0 5.5",
	 "hello(A:0=) | live acked(A 3) | heads(A) digest(A 3 3.3)"},
	{"P13.12 not again when it was said",
	 "scope A 3; met; dial; hello A:3=1.1; arrive A 4; ack A 4; digest A 0 5.5",
	 "hello(A:0=) | live acked(A 3) | news(A 3-4) | acked(A 4) digest(A 4 2.1) | heads(A)"},
	{"P13.12 equal ones are not answered",
	 "scope A 3; met; dial; hello A:3=2.1; digest A 0 1.1; tick 20000",
	 "hello(A:0=) | live acked(A 3) | - | -"},
	{"P13.12 not before all is acked",
	 "scope A 3; met; dial; hello A:1; digest A 0 2.1 other; ack A 3; tick 10000",
	 "hello(A:0=) | live acked(A 1) news(A 1-3) | - | acked(A 3) | digest(A 3 1.1)"},
	{"P13.12 not before all is sent",
	 "scope A 10; heavy 1048000; met; dial; hello A:0=2.2; state A 3.3; digest A 0 9.9 other; "
	 "tick 20000",
	 "hello(A:0=) | live news(A 0-5) | - | -"},
	{"P13.12 upto passes over what was left out",
	 "scope A 3; met; at A 2; dial; hello A:3=1.1; digest A 6 1.1; news A 6-7",
	 "hello(A:2=) | live acked(A 3) | passed(A 6) | store(A 6-7)"},
	{"P13.12 upto below moves nothing",
	 "scope A 3; met; at A 2; dial; hello A:3=1.1; digest A 1 1.1; news A 2-7",
	 "hello(A:2=) | live acked(A 3) | - | store(A 2-7)"},
	{"P13.12 equal entries, other state: alarm",
	 "scope A 3; met; dial; hello A:3=1.1; digest A 0 1.2",
	 "hello(A:0=) | live acked(A 3) | fault(P13.12) alarm(A) digest(A 3 1.1)"},
	{"P13.12 other entries: heads, once in a session",
	 "scope A 3; met; dial; hello A:3=1.1; digest A 0 2.2; digest A 0 3.2",
	 "hello(A:0=) | live acked(A 3) | heads(A) digest(A 3 1.1) | -"},
	{"P13.12 other authority: wait",
	 "scope A 3; met; dial; hello A:3=1.1; digest A 0 1.2 other",
	 "hello(A:0=) | live acked(A 3) | digest(A 3 1.1)"},
	{"P13.12 other rule version: wait",
	 "scope A 3; met; dial; hello A:3=1.1; digest A 0 1.2 rule",
	 "hello(A:0=) | live acked(A 3) | digest(A 3 1.1)"},
	{"P13.12 while news come: no word",
	 "scope A 3; met; dial; hello A:3=1.1; news A 0-1; digest A 1 2.2; stored",
	 "hello(A:0=) | live acked(A 3) | store(A 0-1) | - | ack(A 1)"},
	{"P13.12 while news go: no word",
	 "scope A 3; met; dial; hello A:1=1.1; digest A 1 2.2; ack A 3",
	 "hello(A:0=) | live acked(A 1) news(A 1-3) | passed(A 1) | acked(A 3)"},
	{"P13.12 of a scope that the peer may not read",
	 "scope A 3 -; met; dial; hello; digest A 9 1.2; news A 9-10",
	 "hello() | live | - | bye(order P13.6) close"},
	{"P13.12 of one that holds nothing here", "met; dial; hello; readable A; digest A 9 1.1",
	 "hello() | live | passed(A 9) digest(A 0 1.1)"},
	{"P13.12 of one of which nothing is here, all of it left out: heads, once",
	 "met; dial; hello; state A 0.0; digest A 9 1.1; digest A 9 2.2",
	 "hello() | live | passed(A 9) heads(A) | passed(A 9)"},
	{"P13.12 of other entries told while news went: heads 10 s later, once",
	 "scope A 3; met; dial; hello A:1=1.1; digest A 1 2.2; ack A 3; tick 9999; tick 1; tick "
	 "10000",
	 "hello(A:0=) | live acked(A 1) news(A 1-3) | passed(A 1) | acked(A 3) | - | heads(A) "
	 "digest(A 3 1.1) | -"},
	{"P13.12 not where it was told anew",
	 "scope A 3; met; dial; hello A:1=1.1; digest A 1 2.2; ack A 3; digest A 1 1.1; tick 10000",
	 "hello(A:0=) | live acked(A 1) news(A 1-3) | passed(A 1) | acked(A 3) | - | -"},
	{"P13.12 heads come: all is sent again",
	 "scope A 3; met; dial; hello A:3=1.1; digest A 0 2.2; heads A 1; ack A 3",
	 "hello(A:0=) | live acked(A 3) | heads(A) digest(A 3 1.1) | news(A 0-3 heads) | acked(A "
	 "3)"},
	{"P13.7 news under way when we sent heads are passed over",
	 "scope A 3; met; dial; hello A:3=1.1; digest A 0 2.2; news A 5-6; news A 0-2; news A 5-6",
	 "hello(A:0=) | live acked(A 3) | heads(A) digest(A 3 1.1) | - | store(A 0-2) | bye(order "
	 "P13.6) close"},
	{"P13.7 an ack of what was sent before the peer's heads",
	 "scope A 3; met; dial; hello; heads A 1; ack A 3; arrive A 12; ack A 3",
	 "hello(A:0=) | live news(A 0-3) | news(A 0-3 heads) | acked(A 3) | news(A 3-8 heads) "
	 "news(A 8-12 heads) | acked(A 3)"},
};

static const struct row fetching[] = {
	{"P13.11 want: answered", "scope A 3; met; dial; hello A:3; want A 1",
	 "hello(A:0=) | live acked(A 3) | news(A answer)"},
	{"P13.11 want: not stored", "scope A 3; met; dial; hello A:3; want A 0",
	 "hello(A:0=) | live acked(A 3) | refuse(A 0 unknown P13.11)"},
	{"P13.11 want: not readable", "scope A 3 -; met; dial; hello; want A 1",
	 "hello() | live | refuse(A 0 not-readable P13.11)"},
	{"P13.11 signatures", "scope A 3; met; dial; hello A:3; signatures-want A 1",
	 "hello(A:0=) | live acked(A 3) | signatures(A)"},
	{"P13.11 signatures: not stored", "scope A 3; met; dial; hello A:3; signatures-want A 0",
	 "hello(A:0=) | live acked(A 3) | refuse(A 0 unknown P13.11)"},
	{"P13.11 signatures: not readable", "scope A 3 -; met; dial; hello; signatures-want A 1",
	 "hello() | live | refuse(A 0 not-readable P13.11)"},
	{"P13.11 signatures that came are checked",
	 "scope A 3; met; dial; hello A:3; signatures A 1; stored",
	 "hello(A:0=) | live acked(A 3) | check(A 1) | -"},
	{"P13.11 we ask", "scope A 3; met; dial; hello A:3; fetch A",
	 "hello(A:0=) | live acked(A 3) | want(A)"},
	{"P13.11 not before hello", "scope A 3; met; dial; fetch A", "hello(A:0=) | -"},
};

static void run(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		talk_check(rows[i].name, rows[i].script, rows[i].expect);
}

TEST(session, news)
{
	run(news, ARRAY_LEN(news));
}

TEST(session, digests)
{
	run(digests, ARRAY_LEN(digests));
}

TEST(session, fetching)
{
	run(fetching, ARRAY_LEN(fetching));
}

/* Heads of 1,024 hashes are 32 KiB. */
TEST(session, heads_that_are_kept)
{
	static const char scopes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij";
	const char *script = "", *hello = "met; dial; hello all";
	uint32_t fit = SOU_SESSION_HEADS_BYTES_MAX / (SOU_HEADS_MAX * 32);
	REQUIRE("enough scopes", fit + 1 < sizeof scopes);
	for (uint32_t i = 0; i <= fit; i++)
		script = test_printf("%sscope %c 1; acked %c 1; ", script, scopes[i], scopes[i]);
	script = test_printf("%s%s", script, hello);
	for (uint32_t i = 0; i + 1 < fit; i++)
		script = test_printf("%s; heads %c 1024", script, scopes[i]);
	char at = scopes[fit - 1], past = scopes[fit];
	talk_check_last("R17 as many as are kept", test_printf("%s; heads %c 1024", script, at),
			test_printf("news(%c 0-1 heads)", at));
	script = test_printf("%s; heads %c 1024; heads %c 1", script, at, past);
	talk_check_last("R17 one more", script, test_printf("news(%c 0-1)", past));
	talk_check_last("R17 in the place of others",
			test_printf("%s; heads A 1; heads %c 1023", script, past),
			test_printf("news(%c 0-1 heads)", past));
	talk_check_last("R17 and one more than their place",
			test_printf("%s; heads A 2; heads %c 1023", script, past),
			test_printf("news(%c 0-1)", past));
}
