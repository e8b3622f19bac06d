/* world_state.h - the merged state of one scope of a world: its records built from all versions
 * (P10), for comparison with what tests/vectors/worlds.json says. */
#ifndef SOU_TESTS_WORLD_STATE_H
#define SOU_TESTS_WORLD_STATE_H

#include "proto/digest.h"
#include "tests/proto/world.h"

struct world_version { /* one op of one entry of the scope */
	struct sou_version version;
	uint16_t kind;
	struct sou_id entity;
	const struct sou_scope_entry *entry;
};

struct world_state {
	struct world *world;
	size_t scope;
	struct sou_scope_entry *entries; /* stored ones of this scope */
	size_t entry_count;
	struct world_version *versions; /* by (entity, kind), each group in order of entries */
	size_t version_count;
};

/* Of a settled world. Lives until the end of the test. */
struct world_state *world_state_new(struct world *w, size_t scope);
/* Builds the record of the group that begins at versions[first]; returns the end of the group. */
size_t world_state_record(struct world_state *s, size_t first, struct sou_record *record);

#endif
