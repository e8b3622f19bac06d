/* scope_body.c - takes payloads into the graph: what an entry needs, names and lacks. A payload
 * that came once stays; a later form of it can only add values, or show it to be malformed or too
 * new. */
#include "scope_graph.h"
#include "schema.h"

#include <stdlib.h>

/* Words, ids and indices in one block: the nodes stand first, for alignment of 4 is enough for all.
 */
static struct extra *new_extra(const struct sou_facts *f)
{
	size_t nodes = (size_t)f->cite_count + f->part_count + f->name_count;
	size_t ids = (size_t)f->proxy_count + f->consent_count;
	if (nodes + ids + f->lacking_count == 0)
		return NULL;
	struct extra *x = malloc(sizeof *x + nodes * sizeof *x->nodes + ids * sizeof *x->proxies +
				 f->lacking_count * sizeof *x->lacking);
	if (x == NULL)
		return NULL;
	*x = (struct extra){.cite_count = f->cite_count,
			    .part_count = f->part_count,
			    .name_count = f->name_count,
			    .proxy_count = f->proxy_count,
			    .consent_count = f->consent_count,
			    .lacking_count = f->lacking_count};
	x->nodes = (uint32_t *)(x + 1);
	x->proxies = (struct sou_id *)(x->nodes + nodes);
	x->consents = x->proxies + f->proxy_count;
	x->lacking = (uint16_t *)(x->consents + f->consent_count);
	return x;
}

static size_t extra_bytes(const struct extra *x)
{
	return sizeof *x +
	       ((size_t)x->cite_count + x->part_count + x->name_count) * sizeof *x->nodes +
	       ((size_t)x->proxy_count + x->consent_count) * sizeof *x->proxies;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_id));
}

static uint32_t set_hash(const struct sou_need *needs, uint32_t count)
{
	uint32_t h = count;
	for (uint32_t i = 0; i < count; i++)
		h = (h ^ ((uint32_t)needs[i].type << 16 | needs[i].kind)) * 0x9e3779b1u;
	return h ^ h >> 15;
}

static bool set_is(const struct sou_scope *s, uint32_t set, const struct sou_facts *f)
{
	return s->sets[set].count == f->need_count &&
	       (f->need_count == 0 || memcmp(&s->needs[s->sets[set].first], f->needs,
					     f->need_count * sizeof *f->needs) == 0);
}

/* Distinct masks of one set; a pair that no row of P7.5 names gives 0, which nobody holds. */
static void fill_masks(struct sou_scope *s, struct need_set *set)
{
	uint32_t *masks = s->masks + set->first;
	set->mask_count = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct sou_need *need = &s->needs[set->first + i];
		uint32_t mask = sou_schema_roles(s->kind, need->type, need->kind), k = 0;
		while (k < set->mask_count && masks[k] != mask)
			k++;
		if (k == set->mask_count)
			masks[set->mask_count++] = mask;
	}
}

void scope_masks(struct sou_scope *s)
{
	for (uint32_t i = 0; i < s->set_count; i++)
		fill_masks(s, &s->sets[i]);
}

static uint32_t need_set(struct sou_scope *s, const struct sou_facts *f)
{
	uint32_t cursor = 0, i, hash = set_hash(f->needs, f->need_count);
	while ((i = sou_table_next(&s->set_table, hash, &cursor)) != SOU_TABLE_END)
		if (set_is(s, i, f))
			return i;
	void *p = sou_grow(s->sets, &s->set_cap, s->set_count, 1, sizeof *s->sets);
	if (p == NULL)
		return SOU_NONE;
	s->sets = p;
	p = sou_grow(s->needs, &s->need_cap, s->need_count, f->need_count, sizeof *s->needs);
	if (p == NULL)
		return SOU_NONE;
	s->needs = p;
	p = sou_grow(s->masks, &s->mask_cap, s->need_count, f->need_count, sizeof *s->masks);
	if (p == NULL)
		return SOU_NONE;
	s->masks = p;
	if (!sou_table_reserve(&s->set_table, 1))
		return SOU_NONE;
	struct need_set *set = &s->sets[s->set_count];
	*set = (struct need_set){.first = s->need_count, .count = f->need_count};
	if (f->need_count > 0)
		memcpy(&s->needs[s->need_count], f->needs, f->need_count * sizeof *f->needs);
	s->need_count += f->need_count;
	fill_masks(s, set);
	sou_table_add(&s->set_table, hash, s->set_count);
	return s->set_count++;
}

int scope_body_prepare(struct sou_scope *s, const struct sou_facts *f, uint32_t prev,
		       struct body_draft *out)
{
	struct body_draft d = {NULL, SOU_NONE, SOU_NONE};
	if (prev != SOU_NONE &&
	    node_at(s, prev)->for_org != SOU_NONE) { /* most often as the entry before */
		const struct node *p = node_at(s, prev);
		if (sou_id_eq(&s->names[p->for_org], &f->for_org))
			d.for_org = p->for_org;
		if (set_is(s, p->needs, f))
			d.needs = p->needs;
	}
	if (d.for_org == SOU_NONE)
		d.for_org = scope_need_name(s, &f->for_org);
	if (d.needs == SOU_NONE)
		d.needs = need_set(s, f);
	if (d.for_org == SOU_NONE || d.needs == SOU_NONE)
		return SOU_ENOMEM;
	d.extra = new_extra(f);
	if (d.extra == NULL && (f->cite_count | f->part_count | f->name_count | f->proxy_count |
				f->consent_count | f->lacking_count) != 0)
		return SOU_ENOMEM;
	*out = d;
	return SOU_OK;
}

static uint32_t *point(struct sou_scope *s, uint32_t from, uint32_t *at, const struct sou_hash *ids,
		       uint32_t count, enum edge_kind kind)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t to = scope_need_node(s, &ids[i]);
		struct node *target = node_at(s, to);
		s->edges[s->edge_count] = (struct edge){from, target->refs, (uint8_t)kind};
		target->refs = s->edge_count++;
		if (kind == EDGE_ANCHOR)
			target->flags |= NODE_LISTED;
		*at++ = to;
	}
	return at;
}

static void fill_extra(struct sou_scope *s, uint32_t n, struct extra *x, const struct sou_facts *f)
{
	uint32_t *at = point(s, n, x->nodes, f->cites, f->cite_count, EDGE_CITE);
	const uint32_t *parts = at;
	at = point(s, n, at, f->parts, f->part_count, EDGE_PART);
	for (; parts < at; parts++) {
		const struct node *part = node_at(s, *parts);
		x->missing += !node_has(part, NODE_PART_OK) ||
			      s->lines[part->line].site != s->lines[node_at(s, n)->line].site;
	}
	if (f->name_count > 0)
		point(s, n, at, f->names, f->name_count,
		      f->control == SOU_OP_ANCHOR ? EDGE_ANCHOR : EDGE_ADOPT);
	if (f->proxy_count > 0)
		memcpy(x->proxies, f->proxies, f->proxy_count * sizeof *x->proxies);
	if (f->consent_count > 0) {
		memcpy(x->consents, f->consents, f->consent_count * sizeof *x->consents);
		qsort(x->consents, f->consent_count, sizeof *x->consents, compare_ids);
	}
	if (f->lacking_count > 0)
		memcpy(x->lacking, f->lacking, f->lacking_count * sizeof *x->lacking);
}

static bool all_redacted(const struct sou_scope *s, const struct node *node)
{
	const struct extra *x = node->extra;
	for (uint32_t i = 0; x != NULL && i < x->lacking_count; i++)
		if (s->authority == NULL ||
		    !sou_authority_redacted(s->authority, &node->id, x->lacking[i]))
			return false;
	return true;
}

void scope_self(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	bool ok = node->body != SOU_BODY_NONE && node->body != SOU_BODY_MALFORMED &&
		  all_redacted(s, node);
	if (ok == node_has(node, NODE_SELF_OK))
		return;
	node->flags ^= NODE_SELF_OK;
	scope_touch(s, n);
}

/* What lacks is looked up when settling: only then the authority is at hand. */
static void after_body(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	scope_dirty(s, n);
	if (node->extra != NULL && node->extra->lacking_count > 0) {
		scope_list_add(s->lacks, &s->lacks_count, node, n, NODE_IN_LACKS);
		s->lacks_new = true;
	} else {
		scope_self(s, n);
	}
}

void scope_body_commit(struct sou_scope *s, uint32_t n, const struct sou_facts *f,
		       const struct body_draft *draft)
{
	struct node *node = node_at(s, n);
	SOU_ASSERT(node->body == SOU_BODY_NONE);
	node->body = f->body;
	node->part = f->part;
	node->control = f->control < SOU_OP_ADOPT ? 0 : (uint8_t)(f->control - SOU_OP_ADOPT + 1);
	node->for_org = draft->for_org;
	node->needs = draft->needs;
	node->extra = draft->extra;
	if (draft->extra != NULL) {
		fill_extra(s, n, draft->extra, f);
		s->extra_bytes += extra_bytes(draft->extra);
	}
	after_body(s, n);
}

static bool has_index(const struct sou_facts *f, uint16_t index)
{
	for (uint32_t i = 0; i < f->lacking_count; i++)
		if (f->lacking[i] == index)
			return true;
	return false;
}

static uint8_t graver(uint8_t a, uint8_t b)
{
	static const uint8_t rank[] = {[SOU_BODY_NONE] = 0,
				       [SOU_BODY_OK] = 1,
				       [SOU_BODY_TOONEW] = 2,
				       [SOU_BODY_MALFORMED] = 3};
	return rank[a] >= rank[b] ? a : b;
}

bool scope_body_again(struct sou_scope *s, uint32_t n, const struct sou_facts *f)
{
	struct node *node = node_at(s, n);
	struct extra *x = node->extra;
	uint8_t body = graver(node->body, f->body);
	bool news = body != node->body;
	node->body = body;
	uint16_t left = 0, before = x == NULL ? 0 : x->lacking_count;
	for (uint16_t i = 0; i < before; i++)
		if (has_index(f, x->lacking[i]))
			x->lacking[left++] = x->lacking[i];
	if (left != before) {
		x->lacking_count = left;
		news = true;
	}
	if (news)
		after_body(s, n);
	return news;
}
