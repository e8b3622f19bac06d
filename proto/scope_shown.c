/* scope_shown.c - acts of several entries show as one or not at all (P9.11). Each closing entry
 * counts the parts that are not in order, each part the closing entries that are: a change costs
 * its own edges only. */
#include "scope_graph.h"

static bool same_site(const struct sou_scope *s, const struct node *a, const struct node *b)
{
	return a->line != SOU_NONE && b->line != SOU_NONE &&
	       s->lines[a->line].site == s->lines[b->line].site;
}

static void show(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	bool shown = node->kind == SOU_ENTRY_DATA && node->verdict == SOU_ACCEPTED;
	if (node->part == SOU_PART_CLOSES)
		shown = shown && node_has(node, NODE_CLOSES);
	if (node->part == SOU_PART_IS)
		shown = shown && node->closed_by > 0;
	if (shown == node_has(node, NODE_SHOWN))
		return;
	node->flags ^= NODE_SHOWN;
	if (!node_has(node, NODE_WORK)) { /* its verdict stands; it is told for this alone */
		scope_list_add(s->work, &s->work_count, node, n, NODE_WORK);
		node->flags |= NODE_JUDGED;
	}
}

/* A closing entry came to be in order or is it no more. */
static void update_closing(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	const struct extra *x = node->extra;
	if (x == NULL)
		return;
	bool closes = node->part == SOU_PART_CLOSES && node->verdict == SOU_ACCEPTED &&
		      node->kind == SOU_ENTRY_DATA && x->missing == 0;
	if (closes == node_has(node, NODE_CLOSES))
		return;
	node->flags ^= NODE_CLOSES;
	show(s, n);
	for (uint32_t i = 0; i < x->part_count; i++) {
		uint32_t p = x->nodes[x->cite_count + i];
		struct node *part = node_at(s, p);
		part->closed_by += closes ? 1u : UINT32_MAX; /* or one less */
		show(s, p);
	}
}

static void update_part(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	bool ok = node->part == SOU_PART_IS && node->verdict == SOU_ACCEPTED &&
		  node->kind == SOU_ENTRY_DATA;
	if (ok == node_has(node, NODE_PART_OK))
		return;
	node->flags ^= NODE_PART_OK;
	for (uint32_t e = node->refs; e != SOU_NONE; e = s->edges[e].next) {
		struct node *by = node_at(s, s->edges[e].from);
		if (s->edges[e].kind != EDGE_PART || !same_site(s, node, by))
			continue;
		by->extra->missing += ok ? UINT32_MAX : 1u; /* or one more */
		update_closing(s, s->edges[e].from);
	}
}

void scope_update_shown(struct sou_scope *s, uint32_t n)
{
	update_part(s, n);
	if (node_at(s, n)->part == SOU_PART_CLOSES)
		update_closing(s, n);
	show(s, n);
}
