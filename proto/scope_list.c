/* scope_list.c - lists of nodes in a told order, and the entries' digest over them (P10.7). */
#include "scope_graph.h"

static bool before(const struct sou_scope *s, uint32_t x, uint32_t y, bool by_pos)
{
	const struct node *a = node_at(s, x), *b = node_at(s, y);
	if (by_pos && a->pos != b->pos)
		return a->pos < b->pos;
	return sou_hash_cmp(&a->id, &b->id) < 0;
}

static void sift(const struct sou_scope *s, uint32_t *list, uint32_t at, uint32_t count,
		 bool by_pos)
{
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child >= count)
			return;
		if (child + 1 < count && before(s, list[child], list[child + 1], by_pos))
			child++;
		if (!before(s, list[at], list[child], by_pos))
			return;
		uint32_t swap = list[at];
		list[at] = list[child];
		list[child] = swap;
		at = child;
	}
}

/* In place and without memory: a list that is in order costs one pass, any other a heap sort. */
void scope_sort(const struct sou_scope *s, uint32_t *list, uint32_t count, bool by_pos)
{
	uint32_t sorted = 1;
	while (sorted < count && !before(s, list[sorted], list[sorted - 1], by_pos))
		sorted++;
	if (sorted >= count)
		return;
	for (uint32_t i = count / 2; i > 0; i--)
		sift(s, list, i - 1, count, by_pos);
	for (uint32_t left = count - 1; left > 0; left--) {
		uint32_t swap = list[0];
		list[0] = list[left];
		list[left] = swap;
		sift(s, list, 0, left, by_pos);
	}
}

static bool belongs(const struct node *node, enum node_flag list)
{
	if (list == NODE_IN_REST)
		return !node_has(node, NODE_WHOLE);
	if (list == NODE_IN_TOPS)
		return node_has(node, NODE_WHOLE) && !node_has(node, NODE_WHOLE_KID);
	return node_has(node, NODE_WHOLE) && node->verdict != SOU_ACCEPTED;
}

static void compact(struct sou_scope *s, uint32_t *list, uint32_t *count, enum node_flag flag)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < *count; i++) {
		struct node *node = node_at(s, list[i]);
		if (belongs(node, flag))
			list[left++] = list[i];
		else
			node->flags &= ~(uint32_t)flag;
	}
	*count = left;
	scope_sort(s, list, left, false);
}

void scope_compact(struct sou_scope *s)
{
	compact(s, s->tops, &s->top_count, NODE_IN_TOPS);
	compact(s, s->rest, &s->rest_count, NODE_IN_REST);
	compact(s, s->held, &s->held_count, NODE_IN_HELD);
}

static void put_list(struct sou_scope *s, const uint32_t *list, uint32_t count, bool body)
{
	const uint8_t head[4] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16),
				 (uint8_t)(count >> 8), (uint8_t)count};
	sou_hasher_put(s->hasher, head, sizeof head);
	for (uint32_t i = 0; i < count; i++) {
		const struct node *node = node_at(s, list[i]);
		const uint8_t has = node->body != SOU_BODY_NONE;
		sou_hasher_put(s->hasher, node->id.b, sizeof node->id.b);
		if (body)
			sou_hasher_put(s->hasher, &has, 1);
	}
}

struct sou_hash sou_scope_entries_digest(struct sou_scope *s)
{
	SOU_ASSERT(s != NULL);
	if (!s->digest_valid) {
		scope_compact(s);
		sou_hasher_begin(s->hasher, SOU_DOMAIN_ENTRIES);
		put_list(s, s->tops, s->top_count, false);
		put_list(s, s->rest, s->rest_count, true);
		put_list(s, s->held, s->held_count, false);
		s->digest = sou_hasher_end(s->hasher);
		s->digest_valid = true;
	}
	return s->digest;
}

size_t sou_scope_tops(struct sou_scope *s, struct sou_hash *out, size_t max)
{
	SOU_ASSERT(s != NULL);
	compact(s, s->tops, &s->top_count, NODE_IN_TOPS);
	for (uint32_t i = 0; i < s->top_count && i < max; i++)
		out[i] = node_at(s, s->tops[i])->id;
	return s->top_count;
}
