/* scope_graph.h - inside of the scope engine: all entries of one scope as a graph in memory.
 *
 * G1. Everything has a number: nodes, lines, names. Numbers follow the order of puts; nothing that
 * is told outside depends on them.
 *
 * G2. Each id that some entry or the authority names has a node; one that is not STORED is a ghost
 * (a missing entry, an authority op, a name that never was).
 *
 * G3. put makes room for all that it and the next settle may append to a list of numbers: each list
 * has room for each node once. So only put, the taking in of a new authority and the list of
 * changes can fail.
 *
 * G4. LINKED, SIGDOWN, kids are functions of the stored headers and signatures, kept by put.
 * ROOTED, depth, jump, openings, WHOLE, FROZEN follow from a node and the one before it; whoever
 * changes what they follow from `touches` the node, and spread carries on until nothing changes.
 *
 * G5. A verdict is judged from G4, the line's plan, and verdicts of tiers before: control entries
 * of sites that may anchor; ANCHORED and FROZEN; other control entries; data, cited entries first.
 */
#ifndef SOU_SCOPE_GRAPH_H
#define SOU_SCOPE_GRAPH_H

#include "authority_rules.h"
#include "crypto.h"
#include "grow.h"
#include "scope.h"
#include "table.h"

#define SOU_NONE UINT32_MAX

enum node_flag {
	NODE_STORED = 1u << 0,
	NODE_SIG = 1u << 1,        /* its own signature was checked */
	NODE_SIGDOWN = 1u << 2,    /* so was its own or that of a linked descendant (P9.4) */
	NODE_LINKED = 1u << 3,     /* fits on the stored entry before it (P5.3) */
	NODE_ROOTED = 1u << 4,     /* linked down to the opening of its key */
	NODE_SELF_OK = 1u << 5,    /* payload there, not malformed, what lacks is redacted */
	NODE_WHOLE = 1u << 6,      /* P9.3 */
	NODE_FROZEN = 1u << 7,     /* it or an ancestor has a sibling and is not anchored (P9.6) */
	NODE_ANCHORED = 1u << 8,   /* P9.5 */
	NODE_PIN = 1u << 9,        /* some plan covers what is at or before it */
	NODE_WHOLE_KID = 1u << 10, /* a whole entry other than an epoch-open follows */
	NODE_LISTED = 1u << 11,    /* ANCHORED is due for it when it comes: an anchor lists it */
	NODE_PART_OK = 1u << 12,   /* an accepted part */
	NODE_CLOSES = 1u << 13,    /* accepted, and all that it closes is in order */
	NODE_SHOWN = 1u << 14,     /* P9.11 */
	NODE_WAS_SHOWN = 1u << 15, /* as last told */
	NODE_TOUCHED = 1u << 16,   /* in s->touched */
	NODE_WORK = 1u << 17,      /* in s->work */
	NODE_JUDGED = 1u << 18,    /* of s->work: its verdict is up to date */
	NODE_ON_STACK = 1u << 19,
	NODE_IN_TOPS =
		1u << 20, /* in the list; whether it belongs there is asked when the list is used */
	NODE_IN_REST = 1u << 21,
	NODE_IN_HELD = 1u << 22,
	NODE_IN_LACKS = 1u << 23,
};

struct extra { /* of the few entries that name others */
	uint16_t cite_count, part_count, name_count, proxy_count, consent_count, lacking_count;
	uint32_t missing;                  /* of the parts that it closes: not (yet) in order */
	uint32_t *nodes;                   /* cites, then parts, then names */
	struct sou_id *proxies, *consents; /* consents ascending */
	uint16_t *lacking;
};

struct node {
	struct sou_hash id;
	uint64_t seq, hlc, pos;
	struct extra *extra; /* owned; NULL for most */
	uint32_t prev;       /* always a node, maybe a ghost; of a ghost SOU_NONE */
	uint32_t first_child, next_sibling;
	uint32_t line, epoch, for_org; /* epoch, for_org: names */
	uint32_t needs;                /* set of what it writes */
	uint32_t refs;                 /* chain of edges that point here */
	uint32_t depth, jump;          /* of a rooted one: jump is an ancestor further up */
	uint32_t closed_by;            /* closing entries in order that list it */
	uint32_t flags;
	uint8_t kind, clock, body, part;
	uint8_t control;       /* op type less 15, or 0 */
	uint8_t verdict, told; /* enum sou_verdict; told: as of the last change list */
	uint8_t openings : 4;  /* epoch-opens at or above, at most 15 */
	uint8_t kids : 2;      /* authentic entries that follow at one place: 0, 1, 2 or more */
};

enum edge_kind { EDGE_CITE, EDGE_PART, EDGE_ADOPT, EDGE_ANCHOR };

struct edge { /* `from` names the node whose chain this is in */
	uint32_t from, next;
	uint8_t kind;
};

struct line {                /* one key of one site in this scope */
	uint32_t site, key;  /* names */
	uint32_t opening;    /* node (ghost) of the op that opened it; SOU_NONE: not enrolled */
	uint32_t *plan;      /* owned: scope_plan.h; NULL: never compiled */
	uint32_t *next_plan; /* owned, while plans are made */
	uint32_t plan_words, next_words;
	uint16_t always, next_always; /* roles without any condition */
	uint8_t root_kids;            /* as kids, of the entries on the opening */
	bool ever_anchor;
	bool rejudge;  /* what its plan says changed */
	bool reanchor; /* an anchor that lists a head of it lost its effect */
};

struct need_set {
	uint32_t first, count; /* in s->needs */
	uint32_t mask_count;   /* distinct role masks at s->masks[first] */
};

#define NODE_PAGE_BITS  6u
#define NODE_PAGE_NODES (1u << NODE_PAGE_BITS)

struct sou_scope {
	struct sou_id id;
	struct node **pages; /* owned, each of NODE_PAGE_NODES */
	uint32_t page_count, page_cap;
	uint32_t node_count, stored_count;
	struct sou_table node_table; /* by first half of the id */

	struct sou_id *names;
	uint32_t name_count, name_cap;
	struct sou_table name_table;
	struct line *lines;
	uint32_t line_count, line_cap;
	struct sou_table line_table;
	struct edge *edges;
	uint32_t edge_count, edge_cap;
	struct need_set *sets;
	uint32_t set_count, set_cap;
	struct sou_need *needs; /* pairs of all sets */
	uint32_t *masks;        /* parallel to needs */
	uint32_t need_count, need_cap, mask_cap;
	struct sou_table set_table;

	/* Lists of node numbers, each with room for list_cap (G3). */
	uint32_t *order, *touched, *work, *stack, *tops, *rest, *held, *lacks;
	uint32_t order_count, touched_count, work_count, top_count, rest_count, held_count,
		lacks_count;
	uint32_t list_cap;
	bool order_sorted;
	bool lacks_new; /* a payload without some values came */

	/* What the plans were made from. */
	const struct sou_authority *authority; /* borrowed while settling */
	struct sou_hash mark;                  /* sou_authority_mark */
	uint64_t tree_mark;
	bool compiled;
	enum sou_scope_kind kind;
	struct sou_id org;
	uint32_t org_name;
	uint32_t planned_count; /* lines up to here have a plan */
	struct sou_rules rules; /* room that is used again */
	uint32_t *draft;        /* a plan in the making */
	uint32_t draft_count, draft_cap;

	bool reanchor_all, reanchor_some; /* some line says reanchor */
	bool rejudge_some;
	struct sou_change *changes;
	uint32_t change_cap;
	size_t extra_bytes, plan_bytes;
	struct sou_hasher *hasher;
	struct sou_hash digest;
	bool digest_valid;
};

static inline struct node *node_at(const struct sou_scope *s, uint32_t n)
{
	return &s->pages[n >> NODE_PAGE_BITS][n & (NODE_PAGE_NODES - 1)];
}

static inline bool node_has(const struct node *n, uint32_t flags)
{
	return (n->flags & flags) == flags;
}

static inline bool node_is_opening(const struct node *n)
{
	return n->kind == SOU_ENTRY_OPENING;
}

/* scope_graph.c */
int scope_reserve(struct sou_scope *s, uint32_t nodes, uint32_t edges);
uint32_t scope_find(const struct sou_scope *s, const struct sou_hash *id); /* SOU_NONE */
uint32_t scope_need_node(struct sou_scope *s, const struct sou_hash *id);  /* after a reserve */
uint32_t scope_need_name(struct sou_scope *s, const struct sou_id *id);    /* SOU_NONE: no memory */
uint32_t scope_find_line(const struct sou_scope *s, const struct sou_id *site_id,
			 const struct sou_id *key_id);
void scope_touch(struct sou_scope *s, uint32_t n);
void scope_dirty(struct sou_scope *s, uint32_t n); /* its verdict is to be judged */
void scope_list_add(uint32_t *list, uint32_t *count, struct node *node, uint32_t n,
		    enum node_flag flag);

/* scope_body.c: the payload of a node. prepare makes what needs memory, commit cannot fail. */
struct body_draft {
	struct extra *extra;
	uint32_t needs, for_org;
};
int scope_body_prepare(struct sou_scope *s, const struct sou_facts *f, uint32_t prev,
		       struct body_draft *out);
void scope_body_commit(struct sou_scope *s, uint32_t n, const struct sou_facts *f,
		       const struct body_draft *draft);
bool scope_body_again(struct sou_scope *s, uint32_t n,
		      const struct sou_facts *f); /* was anything new? */
void scope_self(struct sou_scope *s, uint32_t n); /* SELF_OK anew */
void scope_masks(struct sou_scope *s);            /* roles of all sets, by the kind of scope */

/* scope_spread.c */
bool scope_link_fits(const struct sou_scope *s, const struct node *child,
		     const struct node *parent);
bool scope_at_place(const struct sou_scope *s,
		    const struct node *child); /* could be a sibling (P9.5) */
uint8_t scope_kids(const struct sou_scope *s,
		   const struct node *child); /* at the place of this child */
void scope_signed_up(struct sou_scope *s, uint32_t n);
void scope_anchor_up(struct sou_scope *s, uint32_t n);
void scope_count_root_kids(struct sou_scope *s, uint32_t line);
void scope_spread(struct sou_scope *s);
bool scope_is_above(const struct sou_scope *s, uint32_t above,
		    uint32_t below); /* or the same; both rooted */

/* scope_plan.c: what the authority says about each line; ENOMEM leaves all as it was. */
int scope_compile(struct sou_scope *s, const struct sou_authority *authority);

/* scope_judge.c */
enum sou_verdict scope_judge(const struct sou_scope *s, uint32_t n);

/* scope_shown.c: carries a changed verdict over to acts of several entries (P9.11). */
void scope_update_shown(struct sou_scope *s, uint32_t n);

/* scope_list.c */
void scope_sort(const struct sou_scope *s, uint32_t *list, uint32_t count, bool by_pos);
void scope_compact(struct sou_scope *s);

#endif
