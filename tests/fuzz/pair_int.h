/* pair_int.h - what pair*.c share. */
#ifndef SOU_TESTS_FUZZ_PAIR_INT_H
#define SOU_TESTS_FUZZ_PAIR_INT_H

#include "proto/limits.h"
#include "proto/session_int.h"
#include "tests/fuzz/pair.h"

struct pair_ctx { /* of a view */
	struct pair *pair;
	struct pair_node *node, *other;
};

extern const struct sou_view pair_view; /* ctx is filled in by the caller */
uint32_t pair_scope_of(const struct pair *p, const struct sou_id *scope); /* PAIR_SCOPES: none */

/* pair_check.c */
void pair_check_sent(const struct pair *p, uint32_t node, uint8_t kind, struct sou_span body);
void pair_check_session(const struct pair *p, uint32_t node);
bool pair_names(struct sou_span body, const struct sou_id *scope);

#endif
