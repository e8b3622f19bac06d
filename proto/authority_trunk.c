/* authority_trunk.c - which of the known ops make the trunk, and which stand on branches of a fork
 * (P8.10). */
#include "authority_tree.h"

static uint32_t common_ancestor(const struct sou_authority *a, uint32_t x, uint32_t y)
{
	while (x != y) {
		if (a->ops[x].depth >= a->ops[y].depth)
			x = a->ops[x].parent;
		else
			y = a->ops[y].parent;
	}
	return x;
}

/* The op to which root ops lead: that of the highest counter, or what several of them have in
 * common. Without root ops the genesis, so that an authority of one op has a trunk. */
static uint32_t root_end(const struct sou_authority *a)
{
	uint64_t best = 0;
	uint32_t end = 0;
	for (uint32_t i = 0; i < a->op_count; i++) {
		const struct authop *o = &a->ops[i];
		if (o->op.tier != SOU_TIER_ROOT || !o->admissible)
			continue;
		if (o->op.counter > best) {
			best = o->op.counter;
			end = i;
		} else if (o->op.counter == best) {
			end = common_ancestor(a, end, i);
		}
	}
	return end;
}

/* The child that the trunk goes on to; SOU_NONE at its end. */
static uint32_t next_of(const struct sou_authority *a, uint32_t at, bool *forked)
{
	uint32_t weighty = SOU_NONE, count = 0;
	for (uint32_t k = a->ops[at].first_child; k != SOU_NONE; k = a->ops[k].next_sibling) {
		if (a->ops[k].weighty && weighty != SOU_NONE) {
			*forked = true;
			return SOU_NONE;
		}
		if (a->ops[k].weighty)
			weighty = k;
		count++;
	}
	if (weighty != SOU_NONE)
		return weighty;
	return count == 1 ? a->ops[at].first_child : SOU_NONE;
}

static uint32_t depth_first_next(const struct sou_authority *a, uint32_t at, uint32_t top)
{
	if (a->ops[at].first_child != SOU_NONE)
		return a->ops[at].first_child;
	while (at != top && a->ops[at].next_sibling == SOU_NONE)
		at = a->ops[at].parent;
	return at == top ? SOU_NONE : a->ops[at].next_sibling;
}

static void collect_branches(struct state *s, const struct sou_authority *a, uint32_t end)
{
	for (uint32_t k = a->ops[end].first_child; k != SOU_NONE; k = a->ops[k].next_sibling) {
		if (!a->ops[k].weighty)
			continue;
		for (uint32_t i = k; i != SOU_NONE; i = depth_first_next(a, i, k))
			s->branch[s->branch_count++] = i;
	}
}

int authority_trunk(struct state *s, const struct sou_authority *a)
{
	if (a->op_count == 0)
		return SOU_OK;
	s->trunk = malloc(a->op_count * sizeof *s->trunk);
	s->branch = malloc(a->op_count * sizeof *s->branch);
	if (s->trunk == NULL || s->branch == NULL)
		return SOU_ENOMEM;
	uint32_t end = root_end(a);
	s->trunk_count = a->ops[end].depth + 1;
	for (uint32_t i = end, n = s->trunk_count; n > 0; i = a->ops[i].parent)
		s->trunk[--n] = i;
	for (uint32_t k = next_of(a, end, &s->forked); k != SOU_NONE;
	     k = next_of(a, k, &s->forked)) {
		s->trunk[s->trunk_count++] = k;
		end = k;
	}
	if (s->forked)
		collect_branches(s, a, end);
	return SOU_OK;
}
