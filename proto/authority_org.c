/* authority_org.c - the tree of organisations, and below whom each of them ever stood (P8.4, P8.8).
 */
#include "authority_tree.h"

uint32_t authority_state_org(const struct state *s, const struct sou_id *org)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->org_table, sou_table_hash(org), &cursor)) != SOU_TABLE_END)
		if (sou_id_eq(&s->orgs[i].id, org))
			return i;
	return SOU_NONE;
}

bool authority_ever_below(const struct state *s, uint32_t top, uint32_t org)
{
	const struct auth_org *o = &s->org_more[org];
	for (uint32_t i = 0; i < o->ever_count; i++)
		if (o->ever[i] == top)
			return true;
	return false;
}

static int stood_below(struct state *s, uint32_t org, uint32_t top)
{
	if (authority_ever_below(s, top, org))
		return SOU_OK;
	struct auth_org *o = &s->org_more[org];
	void *p = sou_grow(o->ever, &o->ever_cap, o->ever_count, 1, sizeof *o->ever);
	if (p == NULL)
		return SOU_ENOMEM;
	o->ever = p;
	o->ever[o->ever_count++] = top;
	return SOU_OK;
}

/* `org` stands now where its parents lead. */
static int stood_here(struct state *s, uint32_t org)
{
	for (uint32_t i = org; i != SOU_NONE; i = s->org_more[i].parent) {
		int rc = stood_below(s, org, i);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static bool below_now(const struct state *s, uint32_t org, uint32_t top)
{
	while (org != SOU_NONE && org != top)
		org = s->org_more[org].parent;
	return org == top;
}

static int add_org(struct state *s, const struct authop *op, uint32_t index)
{
	const struct sou_effect *e = &op->op.effects[index];
	uint32_t cap = s->org_cap;
	void *p = sou_grow(s->orgs, &cap, s->org_count, 1, sizeof *s->orgs);
	if (p == NULL)
		return SOU_ENOMEM;
	s->orgs = p;
	p = realloc(s->org_more, cap * sizeof *s->org_more);
	if (p == NULL)
		return SOU_ENOMEM;
	s->org_more = p;
	s->org_cap = cap;
	if (!sou_table_reserve(&s->org_table, 1) || !sou_table_reserve(&s->handle_table, 1) ||
	    !sou_table_reserve(&s->scope_table, 1))
		return SOU_ENOMEM;

	uint32_t n = s->org_count++;
	struct sou_org *o = &s->orgs[n];
	*o = (struct sou_org){.id = sou_entity_org(&op->op.id, index),
			      .kind = (uint32_t)e->number,
			      .handle = e->handle,
			      .name = e->name,
			      .short_name = e->short_name,
			      .code = e->code};
	if (e->parent_is_index)
		o->parent = sou_entity_org(&op->op.id, e->index);
	else if (e->has_org)
		o->parent = e->org;
	s->org_more[n] = (struct auth_org){.parent = sou_id_is_zero(&o->parent)
							     ? SOU_NONE
							     : authority_state_org(s, &o->parent),
					   .scope = sou_scope_id(SOU_SCOPE_ORG, &o->id)};
	sou_table_add(&s->org_table, sou_table_hash(&o->id), n);
	struct sou_hash h = sou_sha256(o->handle.p, o->handle.n);
	sou_table_add(&s->handle_table, sou_table_hash(&h), n);
	sou_table_add(&s->scope_table, sou_table_hash(&s->org_more[n].scope), n);
	return stood_here(s, n);
}

static int move_org(struct state *s, uint32_t org, const struct sou_effect *e)
{
	uint32_t parent = authority_state_org(s, &e->id);
	SOU_ASSERT(parent != SOU_NONE);
	SOU_ASSERT(!below_now(s, parent, org));
	s->orgs[org].parent = e->id;
	s->org_more[org].parent = parent;
	for (uint32_t i = 0; i < s->org_count; i++) {
		int rc = below_now(s, i, org) ? stood_here(s, i) : SOU_OK;
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

int authority_org_apply(struct state *s, const struct authop *op, uint32_t index)
{
	const struct sou_effect *e = &op->op.effects[index];
	if (e->type == SOU_EFFECT_ORG)
		return add_org(s, op, index);
	uint32_t org = authority_state_org(s, &e->org);
	SOU_ASSERT(org != SOU_NONE);
	if (e->type == SOU_EFFECT_ORG_MOVE)
		return move_org(s, org, e);
	if (e->type == SOU_EFFECT_ORG_CLOSE) {
		s->orgs[org].closed = true;
	} else {
		s->orgs[org].name = e->name;
		s->orgs[org].short_name = e->short_name;
	}
	return SOU_OK;
}

/* A sum over all that stood somewhere. Who can choose the ids can choose the tree itself, so that a
 * mix that is no hash does. */
uint64_t authority_tree_mark(const struct state *s)
{
	uint64_t mark = s->org_count;
	for (uint32_t i = 0; i < s->org_count; i++)
		for (uint32_t k = 0; k < s->org_more[i].ever_count; k++) {
			uint64_t org, top;
			memcpy(&org, s->orgs[i].id.b, sizeof org);
			memcpy(&top, s->orgs[s->org_more[i].ever[k]].id.b, sizeof top);
			mark = (mark ^ org) * UINT64_C(0x9e3779b97f4a7c15);
			mark = (mark ^ top ^ mark >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
		}
	return mark;
}
