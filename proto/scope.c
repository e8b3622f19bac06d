/* scope.c - the face of scope.h: life, and plain questions to a settled graph. */
#include "scope_graph.h"
#include "scope_plan.h"

#include <stdlib.h>

static const struct {
	const char *clause, *note;
} held[] = {
	[SOU_HELD_NOT_WHOLE] = {"P9.3", "held: not whole"},
	[SOU_HELD_TOO_NEW] = {"P6.9", "held: of newer software"},
	[SOU_HELD_NOT_AUTHENTIC] = {"P9.4", "held: nobody enrolled its key"},
	[SOU_HELD_CUT_BRANCH] = {"P8.11", "held: past a cut on a branch"},
	[SOU_HELD_CUT] = {"P8.12", "held: past the cut"},
	[SOU_HELD_DECIDE] = {"P8.12", "held: on a branch that was not decided for"},
	[SOU_HELD_FORK] = {"P9.6", "held: a sibling is known"},
	[SOU_HELD_NO_RIGHT] = {"P9.7", "held: without right"},
	[SOU_HELD_GROUND] = {"P9.8", "held: without its grounds"},
	[SOU_VERDICT_NONE] = {NULL, NULL},
};

const char *sou_verdict_clause(enum sou_verdict v)
{
	return held[v].clause;
}

const char *sou_verdict_note(enum sou_verdict v)
{
	return held[v].note;
}

const char *sou_verdict_name(enum sou_verdict v)
{
	switch (v) {
	case SOU_ACCEPTED:
		return "accepted";
	case SOU_HELD_NOT_WHOLE:
		return "not-whole";
	case SOU_HELD_TOO_NEW:
		return "too-new";
	case SOU_HELD_NOT_AUTHENTIC:
		return "not-authentic";
	case SOU_HELD_CUT_BRANCH:
		return "cut-branch";
	case SOU_HELD_CUT:
		return "cut";
	case SOU_HELD_DECIDE:
		return "decide";
	case SOU_HELD_FORK:
		return "fork";
	case SOU_HELD_NO_RIGHT:
		return "no-right";
	case SOU_HELD_GROUND:
		return "ground";
	case SOU_VERDICT_NONE:
		return "none";
	}
	return "?";
}

int sou_scope_new(struct sou_scope **out, const struct sou_id *scope)
{
	SOU_ASSERT(out != NULL);
	struct sou_scope *s = calloc(1, sizeof *s);
	if (s == NULL)
		return SOU_ENOMEM;
	s->id = *scope;
	s->order_sorted = true;
	int rc = sou_hasher_new(&s->hasher);
	if (rc != SOU_OK) {
		free(s);
		return rc;
	}
	*out = s;
	return SOU_OK;
}

static void free_nodes(struct sou_scope *s)
{
	for (uint32_t n = 0; n < s->node_count; n++)
		free(node_at(s, n)->extra);
	for (uint32_t i = 0; i < s->page_count; i++)
		free(s->pages[i]);
	free(s->pages);
}

void sou_scope_free(struct sou_scope *s)
{
	if (s == NULL)
		return;
	free_nodes(s);
	for (uint32_t i = 0; i < s->line_count; i++) {
		free(s->lines[i].plan);
		free(s->lines[i].next_plan);
	}
	void *blocks[] = {s->names, s->lines,   s->edges, s->sets,   s->needs, s->masks,
			  s->order, s->touched, s->work,  s->stack,  s->tops,  s->rest,
			  s->held,  s->lacks,   s->draft, s->changes};
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
		free(blocks[i]);
	sou_table_fini(&s->node_table);
	sou_table_fini(&s->name_table);
	sou_table_fini(&s->line_table);
	sou_table_fini(&s->set_table);
	sou_rules_fini(&s->rules);
	sou_hasher_free(s->hasher);
	free(s);
}

size_t sou_scope_bytes(const struct sou_scope *s)
{
	return sizeof *s + (size_t)s->page_count * NODE_PAGE_NODES * sizeof(struct node) +
	       s->page_cap * sizeof *s->pages + sou_table_bytes(&s->node_table) +
	       sou_table_bytes(&s->name_table) + sou_table_bytes(&s->line_table) +
	       sou_table_bytes(&s->set_table) + s->name_cap * sizeof *s->names +
	       s->line_cap * sizeof *s->lines + s->edge_cap * sizeof *s->edges +
	       s->set_cap * sizeof *s->sets + s->need_cap * sizeof *s->needs +
	       s->mask_cap * sizeof *s->masks + (size_t)s->list_cap * 8 * sizeof(uint32_t) +
	       s->draft_cap * sizeof *s->draft + s->change_cap * sizeof *s->changes +
	       s->extra_bytes + s->plan_bytes;
}

size_t sou_scope_count(const struct sou_scope *s)
{
	return s->stored_count;
}

static void describe(const struct sou_scope *s, const struct node *node,
		     struct sou_scope_entry *out)
{
	const struct line *line = &s->lines[node->line];
	*out = (struct sou_scope_entry){.id = node->id,
					.prev = node_at(s, node->prev)->id,
					.site = s->names[line->site],
					.key = s->names[line->key],
					.epoch = s->names[node->epoch],
					.seq = node->seq,
					.hlc = node->hlc,
					.pos = node->pos,
					.kind = node->kind,
					.body = node->body,
					.verdict = node->verdict,
					.clock = node->clock,
					.sig_checked = node_has(node, NODE_SIG),
					.shown = node_has(node, NODE_SHOWN),
					.whole = node_has(node, NODE_WHOLE)};
}

int sou_scope_get(const struct sou_scope *s, const struct sou_hash *id, struct sou_scope_entry *out)
{
	uint32_t n = scope_find(s, id);
	if (n == SOU_NONE || !node_has(node_at(s, n), NODE_STORED))
		return SOU_EUNKNOWN;
	describe(s, node_at(s, n), out);
	return SOU_OK;
}

int sou_scope_get_version(const struct sou_scope *s, const struct sou_id *version,
			  struct sou_scope_entry *out)
{
	const struct node *found = NULL;
	uint32_t cursor = 0, n;
	while ((n = sou_table_next(&s->node_table, sou_table_hash(version), &cursor)) !=
	       SOU_TABLE_END) {
		const struct node *node = node_at(s, n);
		if (node_has(node, NODE_STORED) &&
		    memcmp(node->id.b, version->b, sizeof version->b) == 0 &&
		    (found == NULL || sou_hash_cmp(&node->id, &found->id) < 0))
			found = node;
	}
	if (found == NULL)
		return SOU_EUNKNOWN;
	describe(s, found, out);
	return SOU_OK;
}

size_t sou_scope_list(struct sou_scope *s, uint64_t pos_after, struct sou_scope_entry *out,
		      size_t max)
{
	if (!s->order_sorted) {
		scope_sort(s, s->order, s->order_count, true);
		s->order_sorted = true;
	}
	uint32_t low = 0, high = s->order_count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (node_at(s, s->order[mid])->pos <= pos_after)
			low = mid + 1;
		else
			high = mid;
	}
	size_t n = 0;
	for (; n < max && low < s->order_count; low++)
		describe(s, node_at(s, s->order[low]), &out[n++]);
	return n;
}

/* Heads that do not reach down to an opening are walked link by link: what hangs loose is short
 * (R17). */
static bool loosely_above(const struct sou_scope *s, uint32_t above, uint32_t below)
{
	while (below != above && node_has(node_at(s, below), NODE_LINKED))
		below = node_at(s, below)->prev;
	return below == above;
}

bool sou_scope_at_or_before(const struct sou_scope *s, const struct sou_hash *id,
			    const struct sou_hash *heads, size_t head_count)
{
	uint32_t n = scope_find(s, id);
	if (n == SOU_NONE || !node_has(node_at(s, n), NODE_STORED))
		return false;
	for (size_t i = 0; i < head_count; i++) {
		uint32_t head = scope_find(s, &heads[i]);
		if (head == SOU_NONE || !node_has(node_at(s, head), NODE_STORED) ||
		    node_at(s, head)->line != node_at(s, n)->line)
			continue;
		if (node_has(node_at(s, head), NODE_ROOTED) ? scope_is_above(s, n, head)
							    : loosely_above(s, n, head))
			return true;
	}
	return false;
}

/* Epoch in which the next entry after this one stands, as a node: an epoch-open, or SOU_NONE for
 * the key's own. By stored links only. */
static uint32_t epoch_of(const struct sou_scope *s, uint32_t n)
{
	while (!node_is_opening(node_at(s, n)) && node_has(node_at(s, n), NODE_LINKED)) {
		const struct node *node = node_at(s, n);
		/* Within an epoch seq tells how far its opening is; so jumps cannot pass it unseen.
		 */
		uint32_t up = node_at(s, node->jump)->epoch == node->epoch && node->jump != n
				      ? node->jump
				      : node->prev;
		n = up;
	}
	return node_is_opening(node_at(s, n)) ? n : SOU_NONE;
}

static bool newer_epoch(const struct sou_scope *s, uint32_t x, uint32_t y)
{
	if (x == SOU_NONE || y == SOU_NONE)
		return x != SOU_NONE;
	const struct node *a = node_at(s, x), *b = node_at(s, y);
	if (a->hlc != b->hlc)
		return a->hlc > b->hlc;
	return sou_hash_cmp(&a->id, &b->id) > 0;
}

static bool continued(const struct sou_scope *s, uint32_t n)
{
	for (uint32_t c = node_at(s, n)->first_child; c != SOU_NONE;
	     c = node_at(s, c)->next_sibling)
		if (!node_is_opening(node_at(s, c)) && scope_at_place(s, node_at(s, c)))
			return true;
	return false;
}

static bool ended(const struct sou_scope *s, const struct node *node)
{
	const uint32_t *at = s->lines[node->line].plan;
	uint32_t head = plan_word(&at);
	plan_word(&at);
	plan_list(&at);
	return plan_place(head) != SOU_PLACE_NONE || plan_word(&at) > 0 ||
	       node_has(node, NODE_FROZEN);
}

int sou_scope_own_head(struct sou_scope *s, const struct sou_id *site, const struct sou_id *key,
		       struct sou_scope_entry *out)
{
	uint32_t line = scope_find_line(s, site, key);
	if (line == SOU_NONE)
		return SOU_EUNKNOWN;
	scope_compact(s);
	uint32_t head = SOU_NONE, epoch = SOU_NONE, heads = 0;
	for (uint32_t i = 0; i < s->top_count; i++) {
		if (node_at(s, s->tops[i])->line != line)
			continue;
		uint32_t its = epoch_of(s, s->tops[i]);
		if (heads > 0 && its == epoch) {
			heads++;
		} else if (heads == 0 || newer_epoch(s, its, epoch)) {
			head = s->tops[i];
			epoch = its;
			heads = 1;
		}
	}
	if (heads != 1 || continued(s, head) || ended(s, node_at(s, head)))
		return SOU_ESTATE;
	describe(s, node_at(s, head), out);
	return SOU_OK;
}
