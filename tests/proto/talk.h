/* talk.h - a session against a made-up replica, as short texts: statements that end with ';' make
 * one event each (or set something up), and what the session does comes back as text, one part for
 * each event, between '|' (R24).
 *
 * Scopes are one letter. Before the link: scope A 10 [- | ~] (10 arrivals here; '-': the peer may
 * not read it; '~': we may not); heavy N (bytes in a frame of news); at A 4 (our position in the
 * peer's log); acked A 4; state A E.S (digests of entries and state); met (the peer's log is
 * known); hub; own; every; blank (no authority yet); many N (N scopes more, one arrival each).
 *
 * The link: new (none yet); dial; listen; stranger (listens to an unknown TLS key); invited (dials
 * with an invite). From the peer: hello [void] [own] [every] [behind] [wire N] [net] [site] [same]
 * [log] A:5 B:3=1.1 | hash (positions as a hash of the list that follows); authority [more] [long];
 * headers; news A 0-5 [N] (N bytes); answer A; ack A 5; refuse A 5 N; positions-want; positions
 * A:5; heads A N; want A; signatures-want A; signatures A; digest A 5 1.1 [N] (N: another
 * authority); ping N; pong; bye N; join [wire N] [net] [tls]; joined; unknown N; bad KIND (not in
 * form); bomb A (news of more raw bytes than may be). From here: stored [refuse N | bye N | fail |
 * forged N | new N | gap] (answers the oldest store); late N (answers the N-th, from 0); arrive A
 * 12; landed A 12 (it is stored, the session was not told); readable A; closed A; op [w] (one more
 * op; w: that opens scope A to headers); cut (the peer's key); learn (all of the authority, after
 * blank); again (authority, nothing new); fetch A; tick N (milliseconds pass); stop; instance;
 * other; settle; confirmed. broken (the store cannot be read from now on). */
#ifndef SOU_TESTS_TALK_H
#define SOU_TESTS_TALK_H

/* Checks that the script makes exactly these effects. Every step is held to R18 too: no frame names
 * a scope that the peer may not read. */
void talk_check(const char *name, const char *script, const char *expect);
/* The same of the last event alone. */
void talk_check_last(const char *name, const char *script, const char *expect);
/* In its last event each allocation fails in turn: the session says SOU_ENOMEM and nothing is lost
 * (programs named test_*_oom.c). Returns how many there were. */
long talk_check_oom(const char *name, const char *script);

#endif
