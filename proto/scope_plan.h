/* scope_plan.h - what the authority says about one line, as numbers: ids became nodes and names.
 * Two plans of one line are equal exactly when nothing that it says changed. Inside of the engine.
 *
 * plan = head, opening, list(place), n, n × list(restriction), n, n × rule
 *
 * list = n, n × node
 *
 * rule = right, org name, list(after), n, n × limit
 *
 * limit = org name or none, list */
#ifndef SOU_SCOPE_PLAN_H
#define SOU_SCOPE_PLAN_H

#include "scope_graph.h"

#define PLAN_ENROLLED    1u
#define PLAN_EVER_ANCHOR 2u
#define PLAN_PLACE_SHIFT 2u /* of head: enum sou_place */

#define RIGHT_ROLES     0xffffu /* of right */
#define RIGHT_AFTER     (1u << 16)
#define RIGHT_FOR_SHIFT 17u /* enum sou_for */

struct plan_list {
	const uint32_t *nodes;
	uint32_t count;
};

struct plan_rule {
	uint32_t right, org;
	struct plan_list after;
	uint32_t limit_count;
	const uint32_t *limits; /* read on with plan_list after each org name */
};

static inline uint32_t plan_word(const uint32_t **at)
{
	return *(*at)++;
}

static inline struct plan_list plan_list(const uint32_t **at)
{
	struct plan_list list = {.count = plan_word(at)};
	list.nodes = *at;
	*at += list.count;
	return list;
}

static inline struct plan_rule plan_rule(const uint32_t **at)
{
	struct plan_rule rule = {.right = plan_word(at)};
	rule.org = plan_word(at);
	rule.after = plan_list(at);
	rule.limit_count = plan_word(at);
	rule.limits = *at;
	for (uint32_t i = 0; i < rule.limit_count; i++) {
		plan_word(at);
		plan_list(at);
	}
	return rule;
}

static inline enum sou_place plan_place(uint32_t head)
{
	return (enum sou_place)(head >> PLAN_PLACE_SHIFT);
}

#endif
