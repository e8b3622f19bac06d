/* notation.h - canonical bytes written so that a person can read a table of them:
 *
 *   "[0 b16:aa s:text [] ~ -1 18446744073709551615]"
 *
 * [ ] array; ~ nil; digits an integer; s:word a str; s300:x a str of 300 x; b16:aa a bin of 16
 * bytes aa; b16:aa+7 the same with 7 as last byte; b0: an empty bin; h:0102 a bin of those bytes;
 * x:c0c0 bytes put as they are (one member); 3*(...) repeats members with + counted up: 3*(b16:aa+)
 * ends in 0, 1, 2 (two bytes). Anything else ends the test. */
#ifndef SOU_TESTS_NOTATION_H
#define SOU_TESTS_NOTATION_H

#include "proto/bytes.h"
#include "tests/lib/check.h"

struct test_bytes notation(const char *text);
/* The same as a span that lives until the end of the test. */
struct sou_span notation_span(const char *text);

/* `before` n `after`, with n such that the bytes are `total`; the n given is a guess with the same
 * head. */
struct sou_span notation_sized(const char *before, size_t n, const char *after, size_t total);

#endif
