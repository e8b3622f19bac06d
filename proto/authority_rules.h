/* authority_rules.h - all that the authority says about one key in one scope (P8.8, P8.11–P8.13),
 * for the scope engine, which judges entries by it. Pure. Id lists are borrowed from the
 * authority's ops, which live until it is freed. */
#ifndef SOU_AUTHORITY_RULES_H
#define SOU_AUTHORITY_RULES_H

#include "authority.h"

struct sou_id_list {
	const struct sou_hash *ids;
	uint32_t count;
};

enum sou_for { /* whose records a right speaks of */
	       SOU_FOR_ANY = 0,
	       SOU_FOR_ORG = 1,     /* `for` is the organisation */
	       SOU_FOR_SUBTREE = 2, /* `for` ever stood below it */
};

struct sou_limit {    /* a narrowing: entries are at or before one of ids */
	bool has_for; /* speaks only of entries with this `for` */
	struct sou_id for_org;
	struct sou_id_list ids;
};

struct sou_rule { /* a right: roles by one grant under equal conditions */
	uint16_t roles;
	uint8_t for_kind; /* enum sou_for */
	struct sou_id org;
	bool has_after; /* one of `after` is an ancestor of the entry */
	struct sou_id_list after;
	uint32_t limit_first, limit_count; /* all hold */
};

enum sou_place { SOU_PLACE_NONE = 0, SOU_PLACE_CUT, SOU_PLACE_DECIDE };

struct sou_rules {     /* zeroed is valid; the three lists are owned, and reused by the next call */
	bool enrolled; /* the key is opened on the trunk */
	struct sou_hash opening; /* by this op */
	bool ever_anchor; /* P8.11: the site held the role in this scope once, on any branch */
	uint8_t place;    /* enum sou_place: P8.12 */
	struct sou_id_list place_ids;
	struct sou_id_list *restrictions; /* of branches; all hold */
	uint32_t restriction_count, restriction_cap;
	struct sou_rule *rules; /* in trunk order */
	uint32_t rule_count, rule_cap;
	struct sou_limit *limits;
	uint32_t limit_count, limit_cap;
};

void sou_rules_fini(struct sou_rules *r);

/* `kind` and `org` as sou_authority_scope_kind gave them for `scope`. SOU_ENOMEM. */
int sou_authority_rules(const struct sou_authority *a, enum sou_scope_kind kind,
			const struct sou_id *scope, const struct sou_id *org,
			const struct sou_id *site, const struct sou_id *key_id,
			struct sou_rules *out);

/* Another one where organisations stood elsewhere: rules of SOU_FOR_SUBTREE change
 * with it. */
uint64_t sou_authority_tree_mark(const struct sou_authority *a);

#endif
