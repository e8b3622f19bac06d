/* scope_settle.c - judges in tiers what may have changed (R1, G5), and tells what did: plans;
 * chains; control entries of sites that may anchor; ANCHORED and FROZEN; other control entries;
 * data, what is cited first; shown; changes.
 *
 * Each entry in s->work is judged once a settle; entries that a tier adds are of later tiers. */
#include "scope_graph.h"
#include "schema.h"

#define CONTROL_OF(type) ((type)-SOU_OP_ADOPT + 1) /* of struct node */

static bool is_control(const struct node *node)
{
	return node->kind != SOU_ENTRY_DATA;
}

/* A plan changed: every rooted entry of the line is judged again. Those that are not rooted stay
 * not whole. */
static void rejudge_line(struct sou_scope *s, uint32_t n)
{
	struct line *l = &s->lines[n];
	uint32_t depth = 0;
	l->rejudge = false;
	if (l->opening == SOU_NONE)
		return;
	for (uint32_t c = node_at(s, l->opening)->first_child; c != SOU_NONE;
	     c = node_at(s, c)->next_sibling)
		if (node_at(s, c)->line == n && node_has(node_at(s, c), NODE_ROOTED))
			s->stack[depth++] = c;
	while (depth > 0) {
		uint32_t at = s->stack[--depth];
		scope_dirty(s, at);
		for (uint32_t c = node_at(s, at)->first_child; c != SOU_NONE;
		     c = node_at(s, c)->next_sibling)
			if (node_has(node_at(s, c), NODE_LINKED))
				s->stack[depth++] = c;
	}
}

static void rejudge_lines(struct sou_scope *s)
{
	if (!s->rejudge_some)
		return;
	s->rejudge_some = false;
	for (uint32_t i = 0; i < s->line_count; i++)
		if (s->lines[i].rejudge)
			rejudge_line(s, i);
}

static const uint32_t *names_of(const struct node *node, uint32_t *count)
{
	const struct extra *x = node->extra;
	*count = x == NULL ? 0 : x->name_count;
	return x == NULL ? NULL : x->nodes + x->cite_count + x->part_count;
}

/* Which lines lose a head, or which chains win one, by an anchor whose verdict changed. Who has an
 * accepted one may anchor, and all lines of that site are left out. */
static void anchor_changed(struct sou_scope *s, uint32_t n, bool accepted)
{
	const struct node *node = node_at(s, n);
	uint32_t count;
	const uint32_t *heads = names_of(node, &count);
	for (uint32_t i = 0; i < count; i++) {
		const struct node *head = node_at(s, heads[i]);
		if (!node_has(head, NODE_STORED))
			continue;
		struct line *line = &s->lines[head->line];
		if (line->ever_anchor)
			continue;
		if (accepted)
			scope_anchor_up(s, heads[i]);
		else
			line->reanchor = s->reanchor_some = true;
	}
}

static void changed(struct sou_scope *s, uint32_t n, bool accepted)
{
	const struct node *node = node_at(s, n);
	for (uint32_t e = node->refs; e != SOU_NONE; e = s->edges[e].next)
		if (s->edges[e].kind == EDGE_CITE)
			scope_dirty(s, s->edges[e].from);
	if (!is_control(node))
		return;
	if (node->control == CONTROL_OF(SOU_OP_ANCHOR))
		anchor_changed(s, n, accepted);
	uint32_t count;
	const uint32_t *targets = names_of(node, &count);
	for (uint32_t i = 0; node->control == CONTROL_OF(SOU_OP_ADOPT) && i < count; i++)
		if (node_has(node_at(s, targets[i]), NODE_STORED) &&
		    !is_control(node_at(s, targets[i])))
			scope_dirty(s, targets[i]);
}

static void judge(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	uint8_t before = node->verdict;
	node->verdict = (uint8_t)scope_judge(s, n);
	node->flags |= NODE_JUDGED;
	if (node->verdict == before)
		return;
	if ((node->verdict == SOU_ACCEPTED) != (before == SOU_ACCEPTED))
		changed(s, n, node->verdict == SOU_ACCEPTED);
}

static void judge_control(struct sou_scope *s, bool anchoring_only)
{
	for (uint32_t i = 0; i < s->work_count; i++) {
		const struct node *node = node_at(s, s->work[i]);
		if (is_control(node) && !node_has(node, NODE_JUDGED) &&
		    (!anchoring_only || s->lines[node->line].ever_anchor))
			judge(s, s->work[i]);
	}
}

/* Take ANCHORED from lines that lost something, or, where the sites that may anchor changed, from
 * all: before the first tier, for it must not stay on a line that came to be one of theirs. */
static void unanchor(struct sou_scope *s)
{
	for (uint32_t n = 0; n < s->node_count; n++) {
		struct node *node = node_at(s, n);
		if (!node_has(node, NODE_STORED) ||
		    !(s->reanchor_all || s->lines[node->line].reanchor))
			continue;
		if (node_has(node, NODE_ANCHORED) && scope_kids(s, node) == 2)
			scope_touch(s, n);
		node->flags &= ~(uint32_t)NODE_ANCHORED;
	}
}

/* After the first tier: give it again. What changes is touched. */
static void reanchor(struct sou_scope *s)
{
	if (!s->reanchor_all && !s->reanchor_some)
		return;
	unanchor(s);
	for (uint32_t n = 0; n < s->node_count; n++) {
		const struct node *node = node_at(s, n);
		if (node_has(node, NODE_STORED) && node->verdict == SOU_ACCEPTED &&
		    node->control == CONTROL_OF(SOU_OP_ANCHOR))
			anchor_changed(s, n, true);
	}
	for (uint32_t i = 0; i < s->line_count; i++)
		s->lines[i].reanchor = false;
	s->reanchor_all = s->reanchor_some = false;
}

static bool to_do(const struct node *node)
{
	return node_has(node, NODE_WORK) && !node_has(node, NODE_JUDGED) &&
	       !node_has(node, NODE_ON_STACK);
}

/* Judge data entry n after what it cites; hashes make that end, and ON_STACK does where ids are
 * invented. */
static void judge_after_cited(struct sou_scope *s, uint32_t n)
{
	uint32_t depth = 0;
	s->stack[depth++] = n;
	node_at(s, n)->flags |= NODE_ON_STACK;
	while (depth > 0) {
		uint32_t at = s->stack[depth - 1], cited = SOU_NONE;
		struct node *node = node_at(s, at);
		const struct extra *x = node->extra;
		for (uint32_t i = 0; x != NULL && i < x->cite_count && cited == SOU_NONE; i++)
			if (to_do(node_at(s, x->nodes[i])))
				cited = x->nodes[i];
		if (cited != SOU_NONE) {
			s->stack[depth++] = cited;
			node_at(s, cited)->flags |= NODE_ON_STACK;
			continue;
		}
		judge(s, at);
		node->flags &= ~(uint32_t)NODE_ON_STACK;
		depth--;
	}
}

/* All that cites what is to be judged is to be judged after it: each once, whatever comes of it. */
static void judge_data(struct sou_scope *s)
{
	for (uint32_t i = 0; i < s->work_count; i++) {
		const struct node *node = node_at(s, s->work[i]);
		if (is_control(node) || node_has(node, NODE_JUDGED))
			continue;
		for (uint32_t e = node->refs; e != SOU_NONE; e = s->edges[e].next)
			if (s->edges[e].kind == EDGE_CITE)
				scope_dirty(s, s->edges[e].from);
	}
	for (uint32_t i = 0; i < s->work_count; i++)
		if (!node_has(node_at(s, s->work[i]), NODE_JUDGED))
			judge_after_cited(s, s->work[i]);
}

static void list_node(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	if (!node_has(node, NODE_WHOLE))
		scope_list_add(s->rest, &s->rest_count, node, n, NODE_IN_REST);
	else if (!node_has(node, NODE_WHOLE_KID))
		scope_list_add(s->tops, &s->top_count, node, n, NODE_IN_TOPS);
	if (node->verdict != SOU_ACCEPTED && node_has(node, NODE_WHOLE))
		scope_list_add(s->held, &s->held_count, node, n, NODE_IN_HELD);
}

/* All of s->work becomes a change, or nothing does. */
static int tell(struct sou_scope *s, size_t *count)
{
	if (s->work_count > s->change_cap) {
		void *p =
			sou_grow(s->changes, &s->change_cap, 0, s->work_count, sizeof *s->changes);
		if (p == NULL)
			return SOU_ENOMEM;
		s->changes = p;
	}
	if (s->work_count > 1)
		scope_sort(s, s->work, s->work_count, true);
	size_t told = 0;
	for (uint32_t i = 0; i < s->work_count; i++) {
		struct node *node = node_at(s, s->work[i]);
		bool shown = node_has(node, NODE_SHOWN), was = node_has(node, NODE_WAS_SHOWN);
		if (node->verdict != node->told || shown != was)
			s->changes[told++] = (struct sou_change){.id = node->id,
								 .pos = node->pos,
								 .before = node->told,
								 .after = node->verdict,
								 .shown_before = was,
								 .shown_after = shown};
		node->told = node->verdict;
		node->flags &= ~(uint32_t)(NODE_WORK | NODE_JUDGED | NODE_WAS_SHOWN);
		node->flags |= shown ? NODE_WAS_SHOWN : 0u;
	}
	s->work_count = 0;
	*count = told;
	return SOU_OK;
}

int sou_scope_settle(struct sou_scope *s, const struct sou_authority *authority,
		     const struct sou_change **changes, size_t *count)
{
	SOU_ASSERT(s != NULL);
	SOU_ASSERT(authority != NULL);
	int rc = scope_compile(s, authority);
	if (rc != SOU_OK)
		return rc;
	if (s->reanchor_all)
		unanchor(s);
	scope_spread(s);
	rejudge_lines(s);
	if (s->work_count > 0 || s->reanchor_all) {
		judge_control(s, true);
		reanchor(s);
		scope_spread(s);
		judge_control(s, false);
		judge_data(s);
		for (uint32_t i = 0; i < s->work_count; i++) {
			scope_update_shown(s, s->work[i]);
			list_node(s, s->work[i]);
		}
		s->digest_valid = false;
	}
	size_t told = 0;
	rc = tell(s, &told);
	if (rc != SOU_OK)
		return rc;
	*changes = s->changes;
	*count = told;
	return SOU_OK;
}
