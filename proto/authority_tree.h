/* authority_tree.h - inside of the authority: the tree of known ops, and what its trunk says.
 *
 * A1. An op, once added, never changes; whether it is admissible (P8.5) depends on its ancestors
 * alone and is settled when it is added.
 *
 * A2. `state` is derived from the set of ops as a whole and swapped in whole, or not at all.
 *
 * A3. Numbers of ops are the order of adding; nothing that is derived depends on them, but for the
 * order in which sou_authority_op hands them out. */
#ifndef SOU_AUTHORITY_TREE_H
#define SOU_AUTHORITY_TREE_H

#include "authority_rules.h"
#include "crypto.h"
#include "grow.h"
#include "table.h"

#define SOU_NONE UINT32_MAX

struct authop {                      /* one known op */
	struct sou_authop op;        /* effects and all they point to lie in `memory` */
	void *memory;                /* owned */
	struct sou_span bytes, sigs; /* in `memory` too */
	uint32_t parent, depth,
		jump; /* jump: an ancestor further up, for path questions in O(log n) */
	uint32_t first_child, last_child, next_sibling;
	uint32_t keys_op, hub_op; /* whose `keys` and `hub` are in force after this op */
	uint64_t counter_max;     /* of the root ops on its path, itself included */
	bool admissible, too_new;
	bool weighty; /* an operational or root op stands in its subtree (P8.10) */
};

enum use_kind {               /* what an op of some path brought into the world */
		USE_VOID = 0, /* of an op that turned out not to be admissible */
		USE_ORG,
		USE_MOVE, /* organisation; op and effect tell whereto */
		USE_SITE,
		USE_KEY, /* public key, with its purpose */
		USE_TLS, /* TLS key hash of a site */
		USE_INVITE,
		USE_INVITE_DONE, /* used or ended; by key id of the invite key */
};

enum key_purpose {
	PURPOSE_ROOT = 1,
	PURPOSE_OPERATIONAL,
	PURPOSE_CHECKPOINT,
	PURPOSE_SITE,
	PURPOSE_INVITE
};

struct use {
	struct sou_hash name; /* ids fill the first half */
	struct sou_id owner;  /* USE_TLS: the site */
	uint32_t op, effect;
	uint8_t kind;    /* enum use_kind */
	uint8_t purpose; /* USE_KEY */
};

struct redaction { /* by any known op, for ever (P8.11) */
	struct sou_hash entry;
	uint16_t index;
};

struct anchor_right { /* a site that some known op gives the role anchor (P8.11) */
	struct sou_id site, id;
	uint8_t reach;
};

struct sou_authority {
	struct sou_hash genesis;
	bool pinned; /* `genesis` is fixed */
	const struct sou_verifier *verifier;

	struct authop *ops; /* owned; number 0 is the genesis */
	uint32_t op_count, op_cap;
	struct sou_table op_table; /* by op id */

	struct use *uses;
	uint32_t use_count, use_cap;
	struct sou_table use_table;

	struct redaction *redactions;
	uint32_t redaction_count, redaction_cap;
	struct sou_table redaction_table;

	struct anchor_right *anchors;
	uint32_t anchor_count, anchor_cap;

	bool dirty; /* an op came since the last settle */
	uint64_t generation;
	struct state *state;     /* owned; never NULL after new */
	struct sou_hash *sorted; /* owned, one for each op: ids ascending, for the set's hash */
	struct set_hash *set;    /* owned */
};

struct set_hash { /* P10.8, made when asked for */
	struct sou_hash hash;
	uint32_t op_count; /* of which it is the hash; 0: none yet */
};

/* What settle derives (authority_state.c). Lists are chains of numbers into the arrays. */
struct auth_place { /* of a key: on the trunk the latest comes first; of branches in any order */
	const struct sou_effect *effect;
	uint32_t next;
};

struct auth_key {
	struct sou_id site, key_id;
	uint32_t line;                 /* SOU_NONE: named by restrictions only */
	uint32_t places, restrictions; /* chains of auth_place */
	bool withdrawn;
};

struct auth_site {
	struct sou_id id;
	uint32_t line; /* the newest */
	uint32_t grants_first, grants_last;
};

struct auth_narrow {
	const struct sou_effect *effect;
	uint32_t next;
	bool branch;
};

struct auth_grant {
	uint32_t place; /* in the trunk */
	uint32_t op;
	uint32_t next_of_site, next_of_op;
	uint16_t roles;
	uint8_t reach;
	struct sou_id site, id;
	const struct sou_effect *after;       /* whose pins are `after`; NULL for an enrol */
	uint32_t narrows_first, narrows_last; /* in trunk order, then those of branches */
};

struct auth_org {
	uint32_t parent; /* SOU_NONE for headquarters */
	uint32_t *ever; /* owned: every organisation in whose subtree it ever stood, itself first */
	uint32_t ever_count, ever_cap;
	struct sou_id scope; /* of its own org scope */
};

struct state {
	uint32_t *trunk, trunk_count;
	uint32_t *branch, branch_count; /* ops of the branches of a fork */
	bool forked, too_new;
	struct sou_hash mark; /* of the ops that this is derived from */
	uint64_t tree_mark;   /* of who ever stood below whom */

	struct sou_line *lines;
	uint32_t line_count, line_cap;
	struct auth_key *keys;
	uint32_t key_count, key_cap;
	struct auth_site *sites;
	uint32_t site_count, site_cap;
	struct auth_grant *grants;
	uint32_t grant_count, grant_cap;
	struct auth_narrow *narrows;
	uint32_t narrow_count, narrow_cap;
	struct auth_place *places;
	uint32_t place_count, place_cap;
	struct sou_org *orgs;
	struct auth_org *org_more; /* one for each of orgs */
	uint32_t org_count, org_cap;
	uint32_t *grants_of_op; /* one for each op: its first grant */

	struct sou_table opening_table, key_table, site_table, tls_table, org_table, handle_table,
		scope_table;
};

/* authority_tree.c */
uint32_t authority_find_op(const struct sou_authority *a, const struct sou_hash *id);
/* Is op `above` the op `below` or an ancestor of it? */
bool authority_on_path(const struct sou_authority *a, uint32_t above, uint32_t below);
/* Deepest use of this name on the path to `op` (itself included); NULL: none. purpose 0: any. */
const struct use *authority_use(const struct sou_authority *a, enum use_kind kind,
				const struct sou_hash *name, uint32_t op);
const struct use *authority_use_id(const struct sou_authority *a, enum use_kind kind,
				   const struct sou_id *name, uint32_t op);
/* The organisation that effect `e` of `op` names by `id`: in genesis zero is the one it makes. */
struct sou_id authority_org_named(const struct authop *op, const struct sou_id *id);

/* Its last effect of this type; NULL: none. */
const struct sou_effect *authority_last(const struct sou_authop *op, enum sou_effect_type type);
/* May the op be kept, and on which op (P8.2, P8.3), signatures aside? As sou_authority_add returns.
 */
int authority_takes(const struct sou_authority *a, const struct sou_authop *op, uint32_t *parent);

/* authority_admit.c: decides `admissible` and records uses. Room for the uses was made before.
 * joined: the signature of its enrol (P8.9) is good, which authority_joined finds out before. */
void authority_admit(struct sou_authority *a, uint32_t op, bool joined);
int authority_joined(const struct sou_authority *a, const struct sou_authop *op, uint32_t parent,
		     bool *joined);
void authority_record(struct sou_authority *a, enum use_kind kind, const struct sou_hash *name,
		      uint32_t op, uint32_t effect);

/* authority_state.c */
int authority_state_new(struct state **out, const struct sou_authority *a);
void authority_state_free(struct state *s);
const struct auth_key *authority_state_key(const struct state *s, const struct sou_id *site,
					   const struct sou_id *key_id);
const struct auth_site *authority_state_site(const struct state *s, const struct sou_id *site);
uint32_t authority_state_org(const struct state *s, const struct sou_id *org);
bool authority_ever_below(const struct state *s, uint32_t top, uint32_t org);

/* authority_rules.c: P8.8, without a look at `for` in project scopes. */
bool authority_reaches(const struct state *s, uint8_t reach, const struct sou_id *id,
		       enum sou_scope_kind kind, const struct sou_id *scope,
		       const struct sou_id *org);
/* Ids that the effect lists for this scope; false when it does not list it. */
bool authority_listed(const struct sou_effect *e, const struct sou_id *scope,
		      struct sou_id_list *out);
/* A later narrowing of the trunk for this role with the same `for` takes the place of number n. */
bool authority_replaced(const struct state *s, uint32_t n, uint16_t role);

/* authority_org.c: the tree of organisations while the trunk is applied. SOU_ENOMEM. */
uint64_t authority_tree_mark(const struct state *s);
int authority_org_apply(struct state *s, const struct authop *op, uint32_t index);

/* authority_trunk.c: fills trunk and branch of `s`. SOU_ENOMEM. */
int authority_trunk(struct state *s, const struct sou_authority *a);

#endif
