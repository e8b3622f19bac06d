/* packed.h - the strict reader beside msgpack-c (P2): for the fuzz target and the test that makes
 * bytes by the million. */
#ifndef SOU_TESTS_PACKED_H
#define SOU_TESTS_PACKED_H

#include "proto/mp.h"

/* Bytes that the strict reader takes: msgpack-c reads one object of them without rest, of the same
 * values, and packs it to the same bytes. NULL, or what is otherwise. */
const char *packed_differs(struct sou_span bytes);

#endif
