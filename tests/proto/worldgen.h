/* worldgen.h - random worlds made with the C writers from a seed: an authority and entries in four
 * scopes, honest and not, as main_worlds prints them for the implementation in Python. Any failure
 * ends the program. */
#ifndef SOU_TESTS_WORLDGEN_H
#define SOU_TESTS_WORLDGEN_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/entry.h"
#include "proto/schema.h"
#include "proto/scope.h"

#define WORLDGEN_KEYS    10u /* enum below, then the sites'; the last one is the invite's */
#define WORLDGEN_SITES   5u
#define WORLDGEN_SCOPES  4u /* two org scopes, a project scope, plan */
#define WORLDGEN_ENTRIES 60u
#define WORLDGEN_OPS     64u

enum { KEY_ROOT, KEY_OP, KEY_OP2, KEY_CHECKPOINT, KEY_SITE, KEY_INVITE = WORLDGEN_KEYS - 1 };

struct worldgen_entry { /* as its author holds it, and what of it is handed on */
	struct sou_header header;
	struct sou_hash id;
	struct sou_buf header_bytes, payload, redacted;
	uint8_t signature[SOU_SIGNATURE_BYTES];
	uint32_t scope, site;
	bool header_only, is_unsigned;
};

struct worldgen {
	uint64_t random;
	struct sou_id net, hq, orgs[2], sites[WORLDGEN_SITES], scopes[WORLDGEN_SCOPES], entities[4];
	struct sou_signer keys[WORLDGEN_KEYS];
	struct sou_hash openings[WORLDGEN_SITES], ops[WORLDGEN_OPS];
	uint64_t seqs[WORLDGEN_OPS], counter;
	uint8_t operational[WORLDGEN_OPS]; /* key in force after the op */
	uint32_t op_count, head, entry_count;
	struct worldgen_entry entries[WORLDGEN_ENTRIES];
	struct sou_authority *authority;
	json_t *json_ops;
};

#define DO(call)                                                                                   \
	do {                                                                                       \
		int do_rc = (call);                                                                \
		if (do_rc != SOU_OK) {                                                             \
			(void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,        \
				      sou_err_text(do_rc));                                        \
			exit(70);                                                                  \
		}                                                                                  \
	} while (0)

/* Makes everything; free with worldgen_free. */
struct worldgen *worldgen_new(uint64_t seed);
void worldgen_free(struct worldgen *w);

/* In parts: the founding ops; one op that restricts, redacts or settles; one entry. */
void worldgen_founding(struct worldgen *w);
void worldgen_act(struct worldgen *w);
void worldgen_entry(struct worldgen *w);

uint32_t worldgen_below(struct worldgen *w, uint32_t n);
struct sou_hash worldgen_drawn(struct worldgen *w, const char *what, uint64_t number);
struct sou_id worldgen_id(struct worldgen *w, const char *what, uint64_t number);
json_t *worldgen_hex(const void *bytes, size_t n);

#endif
