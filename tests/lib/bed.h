/* bed.h - a small authority and one scope to try verdicts on, abstract of bytes: ids are made up,
 * and signatures are what the caller says. Made in one go; any failure ends the test or the
 * program. */
#ifndef SOU_TESTS_BED_H
#define SOU_TESTS_BED_H

#include "proto/authority.h"
#include "proto/facts.h"
#include "proto/scope.h"

struct bed {
	struct sou_authority *authority;
	struct sou_scope *scope; /* the org scope of `org`, or the project scope of `project` */
	struct sou_id id, org, hq, net;
	struct sou_hash head; /* the next op goes here */
	uint64_t head_seq;
	uint32_t made; /* for names that do not repeat */
	uint64_t pos;
};

struct bed_key { /* a key of a site, and where it goes on writing */
	struct sou_id site, key, epoch;
	struct sou_hash opening, prev;
	uint64_t seq, hlc;
};

void bed_init(struct bed *bed, bool project);
void bed_fini(struct bed *bed);

struct sou_hash bed_hash(const char *what, uint64_t number);
struct sou_id bed_id(const char *what, uint64_t number);

/* One op of the operational key (tier 2: root) on the head, which it becomes. Returns its id. */
struct sou_hash bed_op(struct bed *bed, enum sou_tier tier, uint64_t counter,
		       const struct sou_effect *effects, uint32_t count);
/* A new key, of a new site where `site` is new. */
struct bed_key bed_open(struct bed *bed, const char *site);
/* A grant that reaches the scope alone. */
struct sou_hash bed_grant(struct bed *bed, const char *site, uint16_t roles);

/* Facts of the next entry of a key; the key moves on. Data without ops, signed, until changed. */
struct sou_facts bed_next(struct bed *bed, struct bed_key *key);
void bed_put(struct bed *bed, const struct sou_facts *facts);
/* A set of an item, at the key's place. */
struct sou_hash bed_edit(struct bed *bed, struct bed_key *key);
size_t bed_settle(struct bed *bed); /* returns the number of changes */
enum sou_verdict bed_verdict(const struct bed *bed, const struct sou_hash *id);

#endif
