/* scope_plan.c - makes the lines' plans when the authority changed or a line is new, and finds out
 * whose entries are to be judged anew for it (R1: only those of the line). */
#include "scope_plan.h"

static bool word(struct sou_scope *s, uint32_t value)
{
	void *p = sou_grow(s->draft, &s->draft_cap, s->draft_count, 1, sizeof *s->draft);
	if (p == NULL)
		return false;
	s->draft = p;
	s->draft[s->draft_count++] = value;
	return true;
}

static bool words(struct sou_scope *s, struct sou_id_list list, bool pins)
{
	if (scope_reserve(s, list.count, 0) != SOU_OK || !word(s, list.count))
		return false;
	for (uint32_t i = 0; i < list.count; i++) {
		uint32_t n = scope_need_node(s, &list.ids[i]);
		if (pins)
			node_at(s, n)->flags |= NODE_PIN;
		if (!word(s, n))
			return false;
	}
	return true;
}

static bool name(struct sou_scope *s, const struct sou_id *id)
{
	uint32_t n = scope_need_name(s, id);
	return n != SOU_NONE && word(s, n);
}

static bool draft_rule(struct sou_scope *s, const struct sou_rules *r, const struct sou_rule *rule)
{
	uint32_t right = rule->roles | (uint32_t)rule->for_kind << RIGHT_FOR_SHIFT |
			 (rule->has_after ? RIGHT_AFTER : 0u);
	if (!word(s, right) || !name(s, &rule->org) || !words(s, rule->after, false) ||
	    !word(s, rule->limit_count))
		return false;
	for (uint32_t i = 0; i < rule->limit_count; i++) {
		const struct sou_limit *limit = &r->limits[rule->limit_first + i];
		if (!(limit->has_for ? name(s, &limit->for_org) : word(s, SOU_NONE)) ||
		    !words(s, limit->ids, true))
			return false;
	}
	return true;
}

/* The plan of one line, in s->draft. */
static bool draft_plan(struct sou_scope *s, const struct sou_rules *r)
{
	uint32_t opening = SOU_NONE;
	s->draft_count = 0;
	if (r->enrolled) {
		if (scope_reserve(s, 1, 0) != SOU_OK)
			return false;
		opening = scope_need_node(s, &r->opening);
	}
	uint32_t head = (r->enrolled ? PLAN_ENROLLED : 0u) |
			(r->ever_anchor ? PLAN_EVER_ANCHOR : 0u) |
			(uint32_t)r->place << PLAN_PLACE_SHIFT;
	if (!word(s, head) || !word(s, opening) || !words(s, r->place_ids, true) ||
	    !word(s, r->restriction_count))
		return false;
	for (uint32_t i = 0; i < r->restriction_count; i++)
		if (!words(s, r->restrictions[i], true))
			return false;
	if (!word(s, r->rule_count))
		return false;
	for (uint32_t i = 0; i < r->rule_count; i++)
		if (!draft_rule(s, r, &r->rules[i]))
			return false;
	return true;
}

static uint16_t always(const struct sou_rules *r)
{
	uint16_t roles = 0;
	for (uint32_t i = 0; i < r->rule_count; i++)
		if (!r->rules[i].has_after && r->rules[i].limit_count == 0 &&
		    r->rules[i].for_kind == SOU_FOR_ANY)
			roles |= r->rules[i].roles;
	return roles;
}

static int plan_line(struct sou_scope *s, const struct sou_authority *a, enum sou_scope_kind kind,
		     const struct sou_id *org, uint32_t n)
{
	struct line *l = &s->lines[n];
	int rc = sou_authority_rules(a, kind, &s->id, org, &s->names[l->site], &s->names[l->key],
				     &s->rules);
	if (rc != SOU_OK)
		return rc;
	if (!draft_plan(s, &s->rules))
		return SOU_ENOMEM;
	l->next_plan = malloc(s->draft_count * sizeof *l->next_plan);
	if (l->next_plan == NULL)
		return SOU_ENOMEM;
	memcpy(l->next_plan, s->draft, s->draft_count * sizeof *l->next_plan);
	l->next_words = s->draft_count;
	l->next_always = always(&s->rules);
	return SOU_OK;
}

/* The line's opening is another: forget what its nodes had from it. */
static void uproot(struct sou_scope *s, uint32_t line)
{
	for (uint32_t n = 0; n < s->node_count; n++) {
		struct node *node = node_at(s, n);
		if (!node_has(node, NODE_STORED) || node->line != line)
			continue;
		node->flags &= ~(uint32_t)(NODE_ROOTED | NODE_WHOLE | NODE_FROZEN | NODE_WHOLE_KID);
		scope_touch(s, n);
		scope_dirty(s, n);
	}
}

static void take_plan(struct sou_scope *s, uint32_t n)
{
	struct line *l = &s->lines[n];
	uint32_t *plan = l->next_plan;
	l->next_plan = NULL;
	l->always = l->next_always;
	if (l->plan != NULL && l->plan_words == l->next_words &&
	    memcmp(l->plan, plan, l->plan_words * sizeof *plan) == 0) {
		free(plan);
		return;
	}
	bool fresh = l->plan == NULL;
	free(l->plan);
	l->plan = plan;
	s->plan_bytes += ((size_t)l->next_words - l->plan_words) * sizeof *plan;
	l->plan_words = l->next_words;
	bool ever_anchor = (plan[0] & PLAN_EVER_ANCHOR) != 0;
	s->reanchor_all |= ever_anchor != l->ever_anchor;
	l->ever_anchor = ever_anchor;
	l->rejudge = !fresh;
	s->rejudge_some |= !fresh;
	if (plan[1] == l->opening)
		return;
	l->opening = plan[1];
	scope_count_root_kids(s, n);
	if (!fresh)
		uproot(s, n);
}

/* Payloads that lack values: those that are redacted by now (P9.3). */
static void look_at_lacks(struct sou_scope *s)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < s->lacks_count; i++) {
		struct node *node = node_at(s, s->lacks[i]);
		scope_self(s, s->lacks[i]);
		if (node_has(node, NODE_SELF_OK))
			node->flags &= ~(uint32_t)NODE_IN_LACKS; /* a redaction is for ever */
		else
			s->lacks[left++] = s->lacks[i];
	}
	s->lacks_count = left;
	s->lacks_new = false;
}

static void forget_drafts(struct sou_scope *s)
{
	for (uint32_t i = 0; i < s->line_count; i++) {
		free(s->lines[i].next_plan);
		s->lines[i].next_plan = NULL;
	}
}

int scope_compile(struct sou_scope *s, const struct sou_authority *a)
{
	struct sou_hash mark = sou_authority_mark(a);
	bool same = s->compiled && sou_hash_eq(&s->mark, &mark);
	s->authority = a;
	if (same && s->lacks_new)
		look_at_lacks(s);
	if (same && s->planned_count == s->line_count)
		return SOU_OK;

	enum sou_scope_kind kind = s->kind;
	struct sou_id org = s->org;
	if (!same)
		kind = sou_authority_scope_kind(a, &s->id, &org);
	uint32_t org_name = scope_need_name(s, &org);
	int rc = org_name == SOU_NONE ? SOU_ENOMEM : SOU_OK;
	for (uint32_t i = same ? s->planned_count : 0; rc == SOU_OK && i < s->line_count; i++)
		rc = plan_line(s, a, kind, &org, i);
	if (rc != SOU_OK) {
		forget_drafts(s);
		return rc;
	}

	uint64_t tree = sou_authority_tree_mark(a);
	bool all = s->compiled &&
		   (kind != s->kind || !sou_id_eq(&org, &s->org) || tree != s->tree_mark);
	s->kind = kind;
	s->org = org;
	s->org_name = org_name;
	for (uint32_t i = same ? s->planned_count : 0; i < s->line_count; i++) {
		take_plan(s, i);
		s->lines[i].rejudge |= all;
		s->rejudge_some |= all;
	}
	if (!same) {
		scope_masks(s);
		look_at_lacks(s);
	}
	s->planned_count = s->line_count;
	s->mark = mark;
	s->tree_mark = tree;
	s->compiled = true;
	return SOU_OK;
}
