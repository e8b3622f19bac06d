/* authority_rules.c - gathers what the trunk and the branches say about one key in one scope. */
#include "authority_tree.h"

void sou_rules_fini(struct sou_rules *r)
{
	if (r == NULL)
		return;
	free(r->restrictions);
	free(r->rules);
	free(r->limits);
	memset(r, 0, sizeof *r);
}

uint64_t sou_authority_tree_mark(const struct sou_authority *a)
{
	return a->state->tree_mark;
}

bool authority_listed(const struct sou_effect *e, const struct sou_id *scope,
		      struct sou_id_list *out)
{
	for (uint32_t i = 0; i < e->pin_count; i++)
		if (sou_id_eq(&e->pins[i].scope, scope)) {
			*out = (struct sou_id_list){e->ids + e->pins[i].first, e->pins[i].count};
			return true;
		}
	return false;
}

/* Does a cut, recut or decide speak of this scope, and with which ids (P8.12)? */
static bool speaks(const struct sou_effect *e, const struct sou_id *scope, struct sou_id_list *out)
{
	struct sou_id_list ids = {NULL, 0};
	if (!authority_listed(e, scope, &ids) && e->type != SOU_EFFECT_CUT)
		return false;
	*out = ids;
	return true;
}

bool authority_reaches(const struct state *s, uint8_t reach, const struct sou_id *id,
		       enum sou_scope_kind kind, const struct sou_id *scope,
		       const struct sou_id *org)
{
	switch ((enum sou_reach)reach) {
	case SOU_REACH_SCOPE:
		return sou_id_eq(id, scope);
	case SOU_REACH_SUBTREE: {
		uint32_t top = authority_state_org(s, id);
		if (kind == SOU_SCOPE_ORG)
			return top != SOU_NONE &&
			       authority_ever_below(s, top, authority_state_org(s, org));
		return top != SOU_NONE && kind == SOU_SCOPE_PROJECT;
	}
	case SOU_REACH_PROJECTS:
		return kind == SOU_SCOPE_PROJECT;
	case SOU_REACH_ALL:
		return true;
	}
	return false;
}

static int add_limit(struct sou_rules *r, const struct sou_effect *e, struct sou_id_list ids)
{
	void *p = sou_grow(r->limits, &r->limit_cap, r->limit_count, 1, sizeof *r->limits);
	if (p == NULL)
		return SOU_ENOMEM;
	r->limits = p;
	r->limits[r->limit_count++] =
		(struct sou_limit){e->has_for, e->has_for ? e->org : (struct sou_id){{0}}, ids};
	return SOU_OK;
}

static bool same_for(const struct sou_effect *x, const struct sou_effect *y)
{
	return x->has_for == y->has_for && (!x->has_for || sou_id_eq(&x->org, &y->org));
}

bool authority_replaced(const struct state *s, uint32_t n, uint16_t role)
{
	const struct auth_narrow *narrow = &s->narrows[n];
	for (uint32_t i = narrow->next; i != SOU_NONE; i = s->narrows[i].next)
		if (!s->narrows[i].branch && (s->narrows[i].effect->roles & role) != 0 &&
		    same_for(s->narrows[i].effect, narrow->effect))
			return true;
	return false;
}

/* The limits of one role of a grant (P8.13): of the trunk the latest for each `for`, of branches
 * all. */
static int role_limits(const struct state *s, const struct auth_grant *g, uint16_t role,
		       enum sou_scope_kind kind, const struct sou_id *scope, struct sou_rules *out)
{
	for (uint32_t i = g->narrows_first; i != SOU_NONE; i = s->narrows[i].next) {
		const struct sou_effect *e = s->narrows[i].effect;
		struct sou_id_list ids = {NULL, 0};
		if ((e->roles & role) == 0 || (e->has_for && kind == SOU_SCOPE_PLAN))
			continue;
		if (!s->narrows[i].branch && authority_replaced(s, i, role))
			continue;
		if (!authority_listed(e, scope, &ids) && e->rest != 0)
			continue;
		int rc = add_limit(out, e, ids);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static int add_rule(struct sou_rules *r, const struct sou_rule *rule)
{
	void *p = sou_grow(r->rules, &r->rule_cap, r->rule_count, 1, sizeof *r->rules);
	if (p == NULL)
		return SOU_ENOMEM;
	r->rules = p;
	r->rules[r->rule_count++] = *rule;
	return SOU_OK;
}

static bool lists(struct sou_id_list list, const struct sou_hash *id)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (sou_hash_eq(&list.ids[i], id))
			return true;
	return false;
}

/* One rule for the roles without limits, one for each role that has some. */
static int add_grant(const struct state *s, const struct auth_grant *g, const struct sou_line *line,
		     enum sou_scope_kind kind, const struct sou_id *scope, struct sou_rules *out)
{
	struct sou_rule rule = {.roles = g->roles};
	if (kind == SOU_SCOPE_PROJECT &&
	    (g->reach == SOU_REACH_SUBTREE || g->reach == SOU_REACH_PROJECTS)) {
		rule.for_kind = g->reach == SOU_REACH_SUBTREE ? SOU_FOR_SUBTREE : SOU_FOR_ORG;
		rule.org = g->id;
	}
	bool later =
		line != NULL && line->place > g->place; /* P8.13: a key opened after the grant */
	rule.has_after = g->after != NULL && !later &&
			 authority_listed(g->after, scope, &rule.after) &&
			 !(line != NULL && lists(rule.after, &line->opening));
	if (!rule.has_after)
		rule.after = (struct sou_id_list){NULL, 0};

	struct sou_rule free_rule = rule;
	for (uint32_t bit = 0; bit < 16; bit++) {
		uint16_t role = (uint16_t)(1u << bit);
		if ((g->roles & role) == 0)
			continue;
		uint32_t before = out->limit_count;
		int rc = role_limits(s, g, role, kind, scope, out);
		if (rc != SOU_OK)
			return rc;
		if (out->limit_count == before)
			continue;
		rule.roles = role;
		rule.limit_first = before;
		rule.limit_count = out->limit_count - before;
		free_rule.roles &= (uint16_t)~role;
		rc = add_rule(out, &rule);
		if (rc != SOU_OK)
			return rc;
	}
	return free_rule.roles == 0 ? SOU_OK : add_rule(out, &free_rule);
}

static int add_restrictions(const struct state *s, const struct auth_key *key,
			    const struct sou_id *scope, struct sou_rules *out)
{
	for (uint32_t i = key->restrictions; i != SOU_NONE; i = s->places[i].next) {
		struct sou_id_list ids;
		if (!speaks(s->places[i].effect, scope, &ids))
			continue;
		void *p = sou_grow(out->restrictions, &out->restriction_cap, out->restriction_count,
				   1, sizeof *out->restrictions);
		if (p == NULL)
			return SOU_ENOMEM;
		out->restrictions = p;
		out->restrictions[out->restriction_count++] = ids;
	}
	return SOU_OK;
}

static bool ever_anchor(const struct sou_authority *a, enum sou_scope_kind kind,
			const struct sou_id *scope, const struct sou_id *org,
			const struct sou_id *site)
{
	for (uint32_t i = 0; i < a->anchor_count; i++) {
		const struct anchor_right *r = &a->anchors[i];
		if (sou_id_eq(&r->site, site) &&
		    authority_reaches(a->state, r->reach, &r->id, kind, scope, org))
			return true;
	}
	return false;
}

int sou_authority_rules(const struct sou_authority *a, enum sou_scope_kind kind,
			const struct sou_id *scope, const struct sou_id *org,
			const struct sou_id *site, const struct sou_id *key_id,
			struct sou_rules *out)
{
	const struct state *s = a->state;
	const struct auth_key *key = authority_state_key(s, site, key_id);
	const struct sou_line *line =
		key == NULL || key->line == SOU_NONE ? NULL : &s->lines[key->line];
	const struct auth_site *who = authority_state_site(s, site);
	int rc = SOU_OK;

	out->restriction_count = out->rule_count = out->limit_count = 0;
	out->enrolled = line != NULL;
	out->opening = line == NULL ? (struct sou_hash){{0}} : line->opening;
	out->ever_anchor = ever_anchor(a, kind, scope, org, site);
	out->place = SOU_PLACE_NONE;
	out->place_ids = (struct sou_id_list){NULL, 0};
	if (key != NULL) {
		rc = add_restrictions(s, key, scope, out);
		for (uint32_t i = key->places; i != SOU_NONE && out->place == SOU_PLACE_NONE;
		     i = s->places[i].next)
			if (speaks(s->places[i].effect, scope, &out->place_ids))
				out->place = s->places[i].effect->type == SOU_EFFECT_DECIDE
						     ? SOU_PLACE_DECIDE
						     : SOU_PLACE_CUT;
	}
	for (uint32_t g = who == NULL ? SOU_NONE : who->grants_first; rc == SOU_OK && g != SOU_NONE;
	     g = s->grants[g].next_of_site)
		if (authority_reaches(s, s->grants[g].reach, &s->grants[g].id, kind, scope, org))
			rc = add_grant(s, &s->grants[g], line, kind, scope, out);
	return rc;
}
