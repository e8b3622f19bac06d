/* scope_judge.c - the verdict on one entry (P9.6 to P9.10), from what spread and the tiers before
 * left in the graph. Reads only; what it costs does not grow with the length of a chain but by its
 * logarithm. */
#include "scope_plan.h"
#include "schema.h"

/* An entry without ops needs one of these (P7.5). */
#define ROLES_TO_WRITE                                                                             \
	(SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER | SOU_ROLE_APPROVER | SOU_ROLE_REVIEWER |            \
	 SOU_ROLE_PLANNER)

static bool covered(const struct sou_scope *s, uint32_t n, struct plan_list list)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (node_has(node_at(s, list.nodes[i]), NODE_STORED) &&
		    scope_is_above(s, n, list.nodes[i]))
			return true;
	return false;
}

static bool stands_on(const struct sou_scope *s, uint32_t n, struct plan_list list)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (list.nodes[i] != n && node_has(node_at(s, list.nodes[i]), NODE_STORED) &&
		    scope_is_above(s, list.nodes[i], n))
			return true;
	return false;
}

static enum sou_verdict placed(const struct sou_scope *s, uint32_t n)
{
	const struct node *node = node_at(s, n);
	const uint32_t *at = s->lines[node->line].plan;
	uint32_t head = plan_word(&at);
	plan_word(&at);
	struct plan_list place = plan_list(&at);
	for (uint32_t left = plan_word(&at); left > 0; left--)
		if (!covered(s, n, plan_list(&at)))
			return SOU_HELD_CUT_BRANCH;
	if (plan_place(head) == SOU_PLACE_NONE)
		return node_has(node, NODE_FROZEN) ? SOU_HELD_FORK : SOU_ACCEPTED;
	if (covered(s, n, place))
		return SOU_ACCEPTED;
	return plan_place(head) == SOU_PLACE_CUT ? SOU_HELD_CUT : SOU_HELD_DECIDE;
}

static bool for_fits(const struct sou_scope *s, const struct node *node,
		     const struct plan_rule *rule)
{
	switch ((enum sou_for)(rule->right >> RIGHT_FOR_SHIFT)) {
	case SOU_FOR_ANY:
		return true;
	case SOU_FOR_ORG:
		return node->for_org == rule->org;
	case SOU_FOR_SUBTREE:
		return sou_authority_in_subtree(s->authority, &s->names[rule->org],
						&s->names[node->for_org], true);
	}
	return false;
}

static bool within_limits(const struct sou_scope *s, uint32_t n, const struct plan_rule *rule)
{
	const uint32_t *at = rule->limits;
	for (uint32_t i = 0; i < rule->limit_count; i++) {
		uint32_t org = plan_word(&at);
		struct plan_list list = plan_list(&at);
		if ((org == SOU_NONE || org == node_at(s, n)->for_org) && !covered(s, n, list))
			return false;
	}
	return true;
}

/* One of the roles by a grant that is effective here (P8.13); ever: by any that was ever given. */
static bool has_role(const struct sou_scope *s, uint32_t n, uint32_t roles, bool ever)
{
	const struct node *node = node_at(s, n);
	const struct line *line = &s->lines[node->line];
	if ((line->always & roles) != 0)
		return true;
	const uint32_t *at = line->plan + 2;
	plan_list(&at);
	for (uint32_t left = plan_word(&at); left > 0; left--)
		plan_list(&at);
	for (uint32_t left = plan_word(&at); left > 0; left--) {
		struct plan_rule rule = plan_rule(&at);
		if ((rule.right & roles & RIGHT_ROLES) == 0 || !for_fits(s, node, &rule))
			continue;
		if (ever || (((rule.right & RIGHT_AFTER) == 0 || stands_on(s, n, rule.after)) &&
			     within_limits(s, n, &rule)))
			return true;
	}
	return false;
}

static bool entitled(const struct sou_scope *s, uint32_t n, bool ever)
{
	const struct node *node = node_at(s, n);
	if (s->kind == SOU_SCOPE_ORG && node->for_org != s->org_name)
		return false; /* P8.8 */
	if (node->kind != SOU_ENTRY_DATA) {
		uint16_t type = (uint16_t)(node->control + SOU_OP_ADOPT - 1);
		uint32_t roles =
			node->control == 0 ? 0 : sou_schema_roles(s->kind, type, SOU_KIND_NONE);
		return has_role(s, n, roles, type == SOU_OP_EPOCH_OPEN || type == SOU_OP_CLOSE);
	}
	const struct need_set *set = &s->sets[node->needs];
	for (uint32_t i = 0; i < set->mask_count; i++)
		if (!has_role(s, n, s->masks[set->first + i], ever))
			return false;
	return set->mask_count > 0 || has_role(s, n, ROLES_TO_WRITE, ever);
}

static bool consents(const struct node *ground, const struct sou_id *entity)
{
	uint32_t low = 0, high = ground->extra == NULL ? 0 : ground->extra->consent_count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = sou_id_cmp(&ground->extra->consents[mid], entity);
		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool grounded(const struct sou_scope *s, const struct node *node)
{
	const struct extra *x = node->extra;
	if (x == NULL)
		return true;
	for (uint32_t i = 0; i < x->cite_count; i++)
		if (node_at(s, x->nodes[i])->verdict != SOU_ACCEPTED)
			return false;
	for (uint32_t p = 0; p < x->proxy_count; p++) {
		bool found = false;
		for (uint32_t i = 0; i < x->cite_count && !found; i++) {
			const struct node *ground = node_at(s, x->nodes[i]);
			found = s->lines[ground->line].site != s->lines[node->line].site &&
				consents(ground, &x->proxies[p]);
		}
		if (!found)
			return false;
	}
	return true;
}

/* P9.9, but for grounds. */
static bool adopted(const struct sou_scope *s, uint32_t n)
{
	const struct node *node = node_at(s, n);
	for (uint32_t e = node->refs; e != SOU_NONE; e = s->edges[e].next) {
		const struct node *by = node_at(s, s->edges[e].from);
		if (s->edges[e].kind == EDGE_ADOPT && by->verdict == SOU_ACCEPTED &&
		    s->lines[by->line].site != s->lines[node->line].site &&
		    by->for_org == node->for_org)
			return entitled(s, n, true);
	}
	return false;
}

enum sou_verdict scope_judge(const struct sou_scope *s, uint32_t n)
{
	const struct node *node = node_at(s, n);
	if (!node_has(node, NODE_WHOLE))
		return SOU_HELD_NOT_WHOLE;
	if (node->body == SOU_BODY_TOONEW)
		return SOU_HELD_TOO_NEW;
	if (!node_has(node, NODE_SIGDOWN)) /* a whole entry's key is enrolled */
		return SOU_HELD_NOT_AUTHENTIC;
	enum sou_verdict why = placed(s, n);
	if (why == SOU_ACCEPTED && !entitled(s, n, false))
		why = SOU_HELD_NO_RIGHT;
	if (node->kind != SOU_ENTRY_DATA)
		return why;
	bool grounds = grounded(s, node);
	if (why == SOU_ACCEPTED)
		return grounds ? SOU_ACCEPTED : SOU_HELD_GROUND;
	return grounds && adopted(s, n) ? SOU_ACCEPTED : why;
}
