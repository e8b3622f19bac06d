/* scope_spread.c - carries along the chains what an entry has from the one before it: ROOTED,
 * WHOLE, FROZEN, and from those after it: SIGDOWN, ANCHORED (G4; P9.2 to P9.6). Lists, never the C
 * stack. */
#include "scope_graph.h"
#include "limits.h"

/* Epoch of what follows on this entry: an epoch-open bears the old one and opens that of its own
 * id. */
static bool epoch_follows(const struct sou_scope *s, const struct node *child,
			  const struct node *parent)
{
	if (node_has(parent, NODE_STORED) && !node_is_opening(parent))
		return child->epoch == parent->epoch;
	return memcmp(s->names[child->epoch].b, parent->id.b, sizeof s->names->b) == 0;
}

bool scope_link_fits(const struct sou_scope *s, const struct node *child, const struct node *parent)
{
	if (child->line != parent->line || !epoch_follows(s, child, parent))
		return false;
	if (node_is_opening(parent))
		return child->seq == 1;
	return child->seq == parent->seq + 1 && child->hlc > parent->hlc;
}

bool scope_at_place(const struct sou_scope *s, const struct node *child)
{
	const struct node *parent = node_at(s, child->prev);
	bool own = node_has(parent, NODE_STORED) ? parent->line == child->line
						 : s->lines[child->line].opening == child->prev;
	return own && epoch_follows(s, child, parent);
}

uint8_t scope_kids(const struct sou_scope *s, const struct node *child)
{
	const struct node *parent = node_at(s, child->prev);
	return node_has(parent, NODE_STORED) ? parent->kids : s->lines[child->line].root_kids;
}

static void touch_children(struct sou_scope *s, uint32_t n, uint32_t line)
{
	for (uint32_t c = node_at(s, n)->first_child; c != SOU_NONE;
	     c = node_at(s, c)->next_sibling)
		if (node_at(s, c)->line == line)
			scope_touch(s, c);
}

/* One more authentic header at its place: from the second on they are siblings. */
static void count_kid(struct sou_scope *s, uint32_t n)
{
	const struct node *node = node_at(s, n);
	if (node_is_opening(node) || !scope_at_place(s, node))
		return;
	uint8_t kids = scope_kids(s, node);
	if (kids == 2)
		return; /* who comes to a place that is taken twice is touched for being new */
	kids++;
	if (node_has(node_at(s, node->prev), NODE_STORED))
		node_at(s, node->prev)->kids = kids & 3;
	else
		s->lines[node->line].root_kids = kids;
	if (kids == 2)
		touch_children(s, node->prev, node->line);
}

void scope_count_root_kids(struct sou_scope *s, uint32_t line)
{
	struct line *l = &s->lines[line];
	l->root_kids = 0;
	if (l->opening == SOU_NONE)
		return;
	for (uint32_t c = node_at(s, l->opening)->first_child; c != SOU_NONE;
	     c = node_at(s, c)->next_sibling) {
		const struct node *child = node_at(s, c);
		if (child->line == line && node_has(child, NODE_SIGDOWN) &&
		    !node_is_opening(child) && scope_at_place(s, child) && l->root_kids < 2)
			l->root_kids++;
	}
}

void scope_signed_up(struct sou_scope *s, uint32_t n)
{
	for (;;) {
		struct node *node = node_at(s, n);
		if (node_has(node, NODE_SIGDOWN))
			return;
		node->flags |= NODE_SIGDOWN;
		scope_dirty(s, n);
		count_kid(s, n);
		if (!node_has(node, NODE_LINKED))
			return;
		n = node->prev;
	}
}

void scope_anchor_up(struct sou_scope *s, uint32_t n)
{
	for (;;) {
		struct node *node = node_at(s, n);
		if (node_has(node, NODE_ANCHORED))
			return;
		node->flags |= NODE_ANCHORED;
		if (scope_kids(s, node) == 2)
			scope_touch(s, n);
		if (!node_has(node, NODE_LINKED))
			return;
		n = node->prev;
	}
}

/* An entry that an anchor lists came after the anchor did. An anchor of its own site is none here:
 * where a site may anchor, all its lines say so. */
static void anchored_before(struct sou_scope *s, uint32_t n)
{
	const struct node *node = node_at(s, n);
	if (!node_has(node, NODE_LISTED) || node_has(node, NODE_ANCHORED) ||
	    s->lines[node->line].ever_anchor)
		return;
	for (uint32_t e = node->refs; e != SOU_NONE; e = s->edges[e].next) {
		const struct node *from = node_at(s, s->edges[e].from);
		if (s->edges[e].kind == EDGE_ANCHOR && from->verdict == SOU_ACCEPTED) {
			scope_anchor_up(s, n);
			return;
		}
	}
}

static void root(struct sou_scope *s, uint32_t n, struct node *node)
{
	node->flags |= NODE_ROOTED;
	if (node_has(node, NODE_LINKED)) {
		const struct node *p = node_at(s, node->prev), *far = node_at(s, p->jump);
		node->depth = p->depth + 1;
		node->openings = p->openings;
		node->jump = p->depth - far->depth == far->depth - node_at(s, far->jump)->depth
				     ? far->jump
				     : node->prev;
	} else {
		node->depth = 0;
		node->openings = 0;
		node->jump = n;
	}
	if (node_is_opening(node) && node->openings < 15)
		node->openings++;
	if (node_has(node, NODE_PIN))
		s->lines[node->line].rejudge = s->rejudge_some = true;
}

static bool is_rooted(const struct sou_scope *s, const struct node *node)
{
	if (node_has(node, NODE_LINKED))
		return node_has(node_at(s, node->prev), NODE_ROOTED);
	return s->lines[node->line].opening == node->prev && node->seq == 1 &&
	       !node_has(node_at(s, node->prev), NODE_STORED) &&
	       epoch_follows(s, node, node_at(s, node->prev));
}

static bool has_whole_kid(const struct sou_scope *s, uint32_t n)
{
	for (uint32_t c = node_at(s, n)->first_child; c != SOU_NONE;
	     c = node_at(s, c)->next_sibling)
		if (node_has(node_at(s, c), NODE_WHOLE) && !node_is_opening(node_at(s, c)))
			return true;
	return false;
}

/* Tops are the whole entries without a whole kid (P10.7). */
static void tell_parent(struct sou_scope *s, const struct node *node)
{
	struct node *p = node_at(s, node->prev);
	if (node_is_opening(node) || !node_has(node, NODE_LINKED))
		return;
	if (node_has(node, NODE_WHOLE)) {
		p->flags |= NODE_WHOLE_KID;
	} else if (!has_whole_kid(s, node->prev)) {
		p->flags &= ~(uint32_t)NODE_WHOLE_KID;
		scope_list_add(s->tops, &s->top_count, p, node->prev, NODE_IN_TOPS);
	}
}

/* What `n` has from the one before it. Returns whether something changed. */
static bool refresh(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	const struct node *p = node_has(node, NODE_LINKED) ? node_at(s, node->prev) : NULL;
	const uint32_t before = node->flags;
	bool rooted = is_rooted(s, node);

	if (rooted && !node_has(node, NODE_ROOTED))
		root(s, n, node);
	bool whole = rooted && node_has(node, NODE_SELF_OK) && node->openings <= SOU_OPENINGS_MAX &&
		     (p == NULL || node_has(p, NODE_WHOLE));
	bool frozen = rooted && ((p != NULL && node_has(p, NODE_FROZEN)) ||
				 (!node_is_opening(node) && !node_has(node, NODE_ANCHORED) &&
				  scope_kids(s, node) == 2));
	node->flags &= ~(uint32_t)(NODE_WHOLE | NODE_FROZEN);
	node->flags |= (whole ? NODE_WHOLE : 0u) | (frozen ? NODE_FROZEN : 0u);
	if (whole != ((before & NODE_WHOLE) != 0))
		tell_parent(s, node);
	return before != node->flags;
}

void scope_spread(struct sou_scope *s)
{
	while (s->touched_count > 0) {
		uint32_t n = s->touched[--s->touched_count];
		struct node *node = node_at(s, n);
		node->flags &= ~(uint32_t)NODE_TOUCHED;
		if (!node_has(node, NODE_STORED))
			continue;
		anchored_before(s, n);
		if (!refresh(s, n))
			continue;
		scope_dirty(s, n);
		for (uint32_t c = node->first_child; c != SOU_NONE; c = node_at(s, c)->next_sibling)
			if (node_has(node_at(s, c), NODE_LINKED))
				scope_touch(s, c);
	}
}

bool scope_is_above(const struct sou_scope *s, uint32_t above, uint32_t below)
{
	const struct node *a = node_at(s, above), *b = node_at(s, below);
	if (above == below)
		return true;
	if (a->line != b->line || !node_has(a, NODE_ROOTED) || !node_has(b, NODE_ROOTED))
		return false;
	while (b->depth > a->depth) {
		below = node_at(s, b->jump)->depth >= a->depth ? b->jump : b->prev;
		b = node_at(s, below);
	}
	return below == above;
}
