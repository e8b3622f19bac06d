/* authority_state.c - applies the trunk's ops in order, and of branches the restrictions (P8.11,
 * P8.12). Made anew by each settle that follows an add; the old state stays when memory runs out
 * (A2). */
#include "authority_tree.h"

static uint32_t key_hash(const struct sou_id *site, const struct sou_id *key_id)
{
	return sou_table_hash(site) * 31 + sou_table_hash(key_id);
}

static uint32_t find_key(const struct state *s, const struct sou_id *site,
			 const struct sou_id *key_id)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->key_table, key_hash(site, key_id), &cursor)) !=
	       SOU_TABLE_END)
		if (sou_id_eq(&s->keys[i].site, site) && sou_id_eq(&s->keys[i].key_id, key_id))
			return i;
	return SOU_NONE;
}

const struct auth_key *authority_state_key(const struct state *s, const struct sou_id *site,
					   const struct sou_id *key_id)
{
	uint32_t i = find_key(s, site, key_id);
	return i == SOU_NONE ? NULL : &s->keys[i];
}

static uint32_t find_site(const struct state *s, const struct sou_id *site)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->site_table, sou_table_hash(site), &cursor)) != SOU_TABLE_END)
		if (sou_id_eq(&s->sites[i].id, site))
			return i;
	return SOU_NONE;
}

const struct auth_site *authority_state_site(const struct state *s, const struct sou_id *site)
{
	uint32_t i = find_site(s, site);
	return i == SOU_NONE ? NULL : &s->sites[i];
}

/* The one of (site, key), made where it is new. SOU_NONE: no memory. */
static uint32_t need_key(struct state *s, const struct sou_id *site, const struct sou_id *key_id)
{
	uint32_t i = find_key(s, site, key_id);
	if (i != SOU_NONE)
		return i;
	void *p = sou_grow(s->keys, &s->key_cap, s->key_count, 1, sizeof *s->keys);
	if (p == NULL)
		return SOU_NONE;
	s->keys = p;
	if (!sou_table_reserve(&s->key_table, 1))
		return SOU_NONE;
	i = s->key_count++;
	s->keys[i] = (struct auth_key){.site = *site,
				       .key_id = *key_id,
				       .line = SOU_NONE,
				       .places = SOU_NONE,
				       .restrictions = SOU_NONE};
	sou_table_add(&s->key_table, key_hash(site, key_id), i);
	return i;
}

static uint32_t need_site(struct state *s, const struct sou_id *site)
{
	uint32_t i = find_site(s, site);
	if (i != SOU_NONE)
		return i;
	void *p = sou_grow(s->sites, &s->site_cap, s->site_count, 1, sizeof *s->sites);
	if (p == NULL)
		return SOU_NONE;
	s->sites = p;
	if (!sou_table_reserve(&s->site_table, 1))
		return SOU_NONE;
	i = s->site_count++;
	s->sites[i] = (struct auth_site){
		.id = *site, .line = SOU_NONE, .grants_first = SOU_NONE, .grants_last = SOU_NONE};
	sou_table_add(&s->site_table, sou_table_hash(site), i);
	return i;
}

static int add_line(struct state *s, const struct authop *o, const struct sou_effect *e,
		    const struct sou_id *org, struct sou_span name, uint32_t place)
{
	struct sou_id key_id = sou_key_id(&e->key);
	uint32_t site = need_site(s, &e->site), key = need_key(s, &e->site, &key_id);
	void *p = sou_grow(s->lines, &s->line_cap, s->line_count, 1, sizeof *s->lines);
	if (p != NULL)
		s->lines = p;
	if (site == SOU_NONE || key == SOU_NONE || p == NULL ||
	    !sou_table_reserve(&s->opening_table, 1) || !sou_table_reserve(&s->tls_table, 1))
		return SOU_ENOMEM;
	uint32_t n = s->line_count++;
	uint32_t before = s->sites[site].line;
	s->lines[n] = (struct sou_line){.opening = o->op.id,
					.site = e->site,
					.key_id = key_id,
					.key = e->key,
					.tls = e->tls,
					.place = place,
					.name = name};
	s->lines[n].org = org != NULL ? *org : s->lines[before].org;
	s->keys[key].line = n;
	s->sites[site].line = n;
	sou_table_add(&s->opening_table, sou_table_hash(&o->op.id), n);
	sou_table_add(&s->tls_table, sou_table_hash(&e->tls), n);
	return SOU_OK;
}

static int add_grant(struct state *s, struct auth_grant grant)
{
	uint32_t site = need_site(s, &grant.site);
	void *p = sou_grow(s->grants, &s->grant_cap, s->grant_count, 1, sizeof *s->grants);
	if (p != NULL)
		s->grants = p;
	if (site == SOU_NONE || p == NULL)
		return SOU_ENOMEM;
	uint32_t n = s->grant_count++;
	grant.next_of_site = SOU_NONE;
	grant.next_of_op = s->grants_of_op[grant.op];
	grant.narrows_first = grant.narrows_last = SOU_NONE;
	s->grants[n] = grant;
	s->grants_of_op[grant.op] = n;
	if (s->sites[site].grants_last == SOU_NONE)
		s->sites[site].grants_first = n;
	else
		s->grants[s->sites[site].grants_last].next_of_site = n;
	s->sites[site].grants_last = n;
	return SOU_OK;
}

/* P8.7: what an enrol grants by its invite. */
static int add_invited(struct state *s, uint32_t op, uint32_t place, const struct sou_id *site,
		       const struct sou_effect *invite)
{
	const struct {
		uint16_t roles;
		uint8_t reach;
		struct sou_id id;
	} parts[] = {
		{SOU_ROLE_EDITOR | SOU_ROLE_APPROVER, SOU_REACH_SCOPE,
		 sou_scope_id(SOU_SCOPE_ORG, &invite->org)},
		{SOU_ROLE_SUBMITTER, SOU_REACH_PROJECTS, invite->org},
		{SOU_ROLE_READER | SOU_ROLE_REVIEWER, SOU_REACH_SUBTREE, invite->org},
		{SOU_ROLE_PLANNER, SOU_REACH_SCOPE, sou_scope_id(SOU_SCOPE_PLAN, NULL)},
		{SOU_ROLE_ANCHOR, SOU_REACH_ALL, {{0}}},
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		uint16_t roles = invite->roles & parts[i].roles;
		int rc = roles == 0 ? SOU_OK
				    : add_grant(s, (struct auth_grant){.place = place,
								       .op = op,
								       .roles = roles,
								       .reach = parts[i].reach,
								       .site = *site,
								       .id = parts[i].id});
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static int add_narrow(struct state *s, const struct sou_authority *a, const struct sou_effect *e,
		      bool branch)
{
	uint32_t op = authority_find_op(a, &e->op);
	for (uint32_t g = op == SOU_NONE ? SOU_NONE : s->grants_of_op[op]; g != SOU_NONE;
	     g = s->grants[g].next_of_op) {
		struct auth_grant *grant = &s->grants[g];
		if (!sou_id_eq(&grant->site, &e->site) || (grant->roles & e->roles) == 0)
			continue;
		void *p = sou_grow(s->narrows, &s->narrow_cap, s->narrow_count, 1,
				   sizeof *s->narrows);
		if (p == NULL)
			return SOU_ENOMEM;
		s->narrows = p;
		uint32_t n = s->narrow_count++;
		s->narrows[n] = (struct auth_narrow){e, SOU_NONE, branch};
		if (grant->narrows_last == SOU_NONE)
			grant->narrows_first = n;
		else
			s->narrows[grant->narrows_last].next = n;
		grant->narrows_last = n;
	}
	return SOU_OK;
}

static int add_place(struct state *s, const struct sou_effect *e, bool branch)
{
	uint32_t key = need_key(s, &e->site, &e->key_id);
	void *p = sou_grow(s->places, &s->place_cap, s->place_count, 1, sizeof *s->places);
	if (p != NULL)
		s->places = p;
	if (key == SOU_NONE || p == NULL)
		return SOU_ENOMEM;
	uint32_t *first = branch ? &s->keys[key].restrictions : &s->keys[key].places;
	s->places[s->place_count] = (struct auth_place){e, *first};
	*first = s->place_count++;
	if (e->type == SOU_EFFECT_CUT)
		s->keys[key].withdrawn = true;
	return SOU_OK;
}

static const struct sou_effect *invite_of(const struct sou_authority *a, uint32_t op,
					  const struct sou_effect *enrol)
{
	const struct use *u = authority_use_id(a, USE_INVITE, &enrol->key_id, op);
	SOU_ASSERT(u != NULL);
	return &a->ops[u->op].op.effects[u->effect];
}

static int apply_effect(struct state *s, const struct sou_authority *a, uint32_t op, uint32_t place,
			uint32_t index)
{
	const struct authop *o = &a->ops[op];
	const struct sou_effect *e = &o->op.effects[index];
	const struct sou_effect *invite;
	struct sou_id org;
	switch ((enum sou_effect_type)e->type) {
	case SOU_EFFECT_ORG:
	case SOU_EFFECT_ORG_NAME:
	case SOU_EFFECT_ORG_MOVE:
	case SOU_EFFECT_ORG_CLOSE:
		return authority_org_apply(s, o, index);
	case SOU_EFFECT_ENROL: {
		invite = invite_of(a, op, e);
		int rc = add_line(s, o, e, &invite->org, invite->name, place);
		return rc != SOU_OK ? rc : add_invited(s, op, place, &e->site, invite);
	}
	case SOU_EFFECT_OPEN:
		org = authority_org_named(o, &e->org);
		return add_line(s, o, e, e->has_org ? &org : NULL, e->name, place);
	case SOU_EFFECT_GRANT:
		return add_grant(s, (struct auth_grant){.place = place,
							.op = op,
							.roles = e->roles,
							.reach = e->reach,
							.site = e->site,
							.id = authority_org_named(o, &e->id),
							.after = e});
	case SOU_EFFECT_NARROW:
		return add_narrow(s, a, e, false);
	case SOU_EFFECT_CUT:
	case SOU_EFFECT_RECUT:
	case SOU_EFFECT_DECIDE:
		return add_place(s, e, false);
	case SOU_EFFECT_KEYS:
	case SOU_EFFECT_INVITE:
	case SOU_EFFECT_INVITE_END:
	case SOU_EFFECT_REDACT:
	case SOU_EFFECT_RECOVER:
	case SOU_EFFECT_HUB:
		return SOU_OK; /* asked of the path itself */
	}
	return SOU_OK;
}

static int apply_trunk(struct state *s, const struct sou_authority *a)
{
	for (uint32_t place = 0; place < s->trunk_count; place++) {
		const struct authop *o = &a->ops[s->trunk[place]];
		if (o->too_new) {
			s->too_new = true; /* P8.6: nothing from here on */
			return SOU_OK;
		}
		for (uint32_t i = 0; o->admissible && i < o->op.effect_count; i++) {
			int rc = apply_effect(s, a, s->trunk[place], place, i);
			if (rc != SOU_OK)
				return rc;
		}
	}
	return SOU_OK;
}

static int apply_branches(struct state *s, const struct sou_authority *a)
{
	for (uint32_t b = 0; b < s->branch_count; b++) {
		const struct authop *o = &a->ops[s->branch[b]];
		for (uint32_t i = 0; o->admissible && !o->too_new && i < o->op.effect_count; i++) {
			const struct sou_effect *e = &o->op.effects[i];
			int rc = SOU_OK;
			if (e->type == SOU_EFFECT_NARROW)
				rc = add_narrow(s, a, e, true);
			else if (e->type == SOU_EFFECT_CUT || e->type == SOU_EFFECT_RECUT ||
				 e->type == SOU_EFFECT_DECIDE)
				rc = add_place(s, e, true);
			if (rc != SOU_OK)
				return rc;
		}
	}
	return SOU_OK;
}

int authority_state_new(struct state **out, const struct sou_authority *a)
{
	int rc = SOU_ENOMEM;
	struct state *s = calloc(1, sizeof *s);
	if (s == NULL)
		return SOU_ENOMEM;
	s->grants_of_op = malloc((a->op_count + 1) * sizeof *s->grants_of_op);
	if (s->grants_of_op == NULL)
		goto out;
	for (uint32_t i = 0; i < a->op_count; i++)
		s->grants_of_op[i] = SOU_NONE;
	rc = authority_trunk(s, a);
	if (rc == SOU_OK)
		rc = apply_trunk(s, a);
	if (rc == SOU_OK)
		rc = apply_branches(s, a);
	if (rc != SOU_OK)
		goto out;
	s->tree_mark = authority_tree_mark(s);
	*out = s;
	s = NULL;
out:
	authority_state_free(s);
	return rc;
}

void authority_state_free(struct state *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->org_count; i++)
		free(s->org_more[i].ever);
	free(s->trunk);
	free(s->branch);
	free(s->lines);
	free(s->keys);
	free(s->sites);
	free(s->grants);
	free(s->narrows);
	free(s->places);
	free(s->orgs);
	free(s->org_more);
	free(s->grants_of_op);
	struct sou_table *tables[] = {&s->opening_table, &s->key_table, &s->site_table,
				      &s->tls_table,     &s->org_table, &s->handle_table,
				      &s->scope_table};
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		sou_table_fini(tables[i]);
	free(s);
}
