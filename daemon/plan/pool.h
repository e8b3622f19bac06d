/* pool.h - memory of one view or one act: taken piece by piece, given back all at once. Nothing in
 * it moves. Want of memory is sticky, so that a view is read straight down and asked once. */
#ifndef SOUD_POOL_H
#define SOUD_POOL_H

#include "proto/bytes.h"

struct soud_pool_block;

struct soud_pool { /* zeroed is a valid empty one */
	struct soud_pool_block *blocks;
	size_t used, room; /* of the newest block */
	bool failed;
};

void soud_pool_fini(struct soud_pool *pool); /* zeroed is fine */

/* Zeroed bytes, aligned for anything; NULL and `failed` without memory. n = 0 gives a place too. */
void *soud_pool_take(struct soud_pool *pool, size_t n);
/* A copy with a 0 behind it; "" without memory, so that a reader need not look. */
const char *soud_pool_text(struct soud_pool *pool, struct sou_span text);
/* A copy; empty without memory. */
struct sou_span soud_pool_bytes(struct soud_pool *pool, struct sou_span bytes);
/* As printf; "" without memory. */
const char *soud_pool_printf(struct soud_pool *pool, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A growing array of members of one size: room for one more at the end, zeroed, or NULL and
 * `failed`. Members move when it grows; hold them by number until it is whole. */
struct soud_list {
	void *members;
	size_t count, room;
};
void *soud_list_add(struct soud_pool *pool, struct soud_list *list, size_t member_bytes);

#endif
