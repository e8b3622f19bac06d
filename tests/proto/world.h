/* world.h - one row of tests/vectors/worlds.json taken in by the engine in several orders, and what
 * came of it as text to compare (P8, P9). */
#ifndef SOU_TESTS_WORLD_H
#define SOU_TESTS_WORLD_H

#include "proto/entry.h"
#include "proto/scope.h"
#include "tests/lib/vector.h"

struct world_entry {
	struct sou_entry read; /* without payload where there is none or it is not of this header */
	struct sou_entry alone;    /* the header alone */
	struct sou_span signature; /* n = 0: left out */
	json_t *row;
};

struct world {
	json_t *row;
	const char *name;
	struct sou_authority *authority; /* what is known so far */
	struct world_entry *entries;
	size_t entry_count, op_count;
	struct sou_scope *scopes[16];
	struct sou_id scope_ids[16];
	size_t scope_count;
};

/* Reads the row; everything lives until the end of the test. */
struct world *world_new(json_t *row);
/* Starts again with nothing stored and nothing known. */
void world_reset(struct world *w);
/* Adds op number i; false: it is not known (yet). */
bool world_op(struct world *w, size_t i);
/* Adds all ops that become known, in whatever order. */
void world_ops(struct world *w);
/* Puts entry number i: the header alone, or all that the row has of it. */
void world_put(struct world *w, size_t i, bool header_only);
/* Puts again what is stored, so that keys known by now check its signature. */
void world_settle(struct world *w);
/* Compares verdicts, shown, entries' digests, head, forked, too new, known ops. */
void world_check(struct world *w, const char *order);
struct sou_scope *world_scope(struct world *w, const struct sou_id *id);

#endif
