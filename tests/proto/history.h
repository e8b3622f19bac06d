/* history.h - reads tests/vectors/histories.jsonl.zst (format: tests/vectors/README.md) into what
 * the authority and the scope engine take: names become ids, and everything is abstract of bytes.
 */
#ifndef SOU_TESTS_HISTORY_H
#define SOU_TESTS_HISTORY_H

#include <jansson.h>

#include "proto/authority.h"
#include "proto/facts.h"
#include "proto/scope.h"

#define HISTORY_PRELUDE 2u /* ops below those of the file: genesis, organisations and invites */

struct history {
	json_t *json; /* the line */
	const char *name;
	uint32_t op_count, entry_count, scope_count; /* ops: without the prelude */
	struct sou_authop *ops;                      /* prelude first */
	struct sou_facts *entries;                   /* as they are in full, signature checked */
	struct sou_id scopes[4], orgs[4];
	json_t *deliveries;
	struct block *blocks; /* all memory of it */
};

struct history_file;
struct history_file *history_open(const char *path); /* ends the test where it cannot be read */
bool history_next(struct history_file *file, struct history *out);
void history_fini(struct history *h);

void *history_alloc(struct history *h, size_t n);

/* An id that sorts as its number does. */
struct sou_hash history_entry_id(uint32_t entry);
struct sou_id history_entity_id(uint32_t entity);

const struct sou_verifier *history_trusting(void); /* takes any signature for good */

/* An authority that takes any enrol's signature for good. The caller frees it. */
struct sou_authority *history_authority(const struct history *h);

/* What a replica holds of entry i by this delivery; false: nothing. */
bool history_have(const struct history *h, const json_t *delivery, uint32_t i,
		  struct sou_facts *out);

/* Random numbers of one seed. */
struct history_random {
	uint64_t state;
};
uint32_t history_below(struct history_random *r, uint32_t bound);

#endif
