/* authority_read.c - who may read a scope (P8.14), and what a site may write now. Neither is part
 * of a verdict. */
#include "authority_tree.h"

struct question {
	const struct state *s;
	enum sou_scope_kind kind;
	const struct sou_id *scope;
	struct sou_id org; /* of an org scope */
};

static struct question ask(const struct sou_authority *a, const struct sou_id *scope)
{
	struct question q = {.s = a->state, .scope = scope};
	q.kind = sou_authority_scope_kind(a, scope, &q.org);
	return q;
}

/* Roles of a grant that no narrowing has ended in this scope for what is written from now on,
 * whatever ids it lists. Those of one `for` count when records of `org` are asked for (NULL: of
 * any, which they leave). A grant of one scope ends where it ends there. */
static uint16_t roles_left(const struct question *q, const struct auth_grant *g,
			   const struct sou_id *org)
{
	const struct sou_id *scope = g->reach == SOU_REACH_SCOPE ? &g->id : q->scope;
	uint16_t roles = g->roles;
	for (uint32_t i = g->narrows_first; i != SOU_NONE; i = q->s->narrows[i].next) {
		const struct auth_narrow *n = &q->s->narrows[i];
		struct sou_id_list ids;
		if (!authority_listed(n->effect, scope, &ids) && n->effect->rest != 0)
			continue;
		if (n->effect->has_for && (org == NULL || !sou_id_eq(org, &n->effect->org)))
			continue;
		for (uint16_t left = roles & n->effect->roles; left != 0;
		     left &= (uint16_t)(left - 1)) {
			uint16_t role = left & (uint16_t)-left;
			if (n->branch || !authority_replaced(q->s, i, role))
				roles &= (uint16_t)~role;
		}
	}
	return roles;
}

/* org: those of that organisation's records; NULL: of any. */
static uint16_t reading_left(const struct question *q, const struct auth_grant *g,
			     const struct sou_id *org)
{
	return roles_left(q, g, org) & (uint16_t)~SOU_ROLE_ADMIN; /* P8.7: admin reads nothing */
}

/* Does the grant give a right for records of organisation `org` (P8.14), with roles that are left?
 */
static bool right_for(const struct question *q, const struct auth_grant *g, uint16_t roles,
		      uint32_t org)
{
	const uint16_t own = SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER | SOU_ROLE_APPROVER |
			     SOU_ROLE_READER | SOU_ROLE_REVIEWER;
	switch ((enum sou_reach)g->reach) {
	case SOU_REACH_SCOPE:
		return (roles & own) != 0 && sou_id_eq(&g->id, &q->s->org_more[org].scope);
	case SOU_REACH_SUBTREE: {
		uint32_t top = authority_state_org(q->s, &g->id);
		return (roles & own) != 0 && top != SOU_NONE &&
		       authority_ever_below(q->s, top, org);
	}
	case SOU_REACH_PROJECTS:
		return (roles & own) != 0 && sou_id_eq(&g->id, &q->s->orgs[org].id);
	case SOU_REACH_ALL:
		return roles != 0;
	}
	return false;
}

static bool reads_project(const struct question *q, const struct auth_grant *g,
			  const struct sou_id *responsible, size_t count)
{
	bool named = g->reach == SOU_REACH_ALL ||
		     (g->reach == SOU_REACH_SCOPE && sou_id_eq(&g->id, q->scope));
	if (named && reading_left(q, g, NULL) != 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		uint32_t org = authority_state_org(q->s, &responsible[i]);
		if (org != SOU_NONE && right_for(q, g, reading_left(q, g, &responsible[i]), org))
			return true;
	}
	return false;
}

static bool reads(const struct question *q, const struct auth_grant *g,
		  const struct sou_id *responsible, size_t responsible_count)
{
	const uint16_t all = SOU_ROLE_READER | SOU_ROLE_REVIEWER;
	if (g->reach == SOU_REACH_SUBTREE && q->s->org_count > 0 &&
	    sou_id_eq(&g->id, &q->s->orgs[0].id) && (reading_left(q, g, NULL) & all) != 0)
		return true; /* a reader on headquarters reads all scopes */
	switch (q->kind) {
	case SOU_SCOPE_AUTHORITY:
		return true;
	case SOU_SCOPE_PLAN: /* everybody with any right anywhere needs it */
		return reading_left(q, g, NULL) != 0;
	case SOU_SCOPE_ORG:
		return authority_reaches(q->s, g->reach, &g->id, q->kind, q->scope, &q->org) &&
		       reading_left(q, g, &q->org) != 0;
	case SOU_SCOPE_PROJECT:
		return reads_project(q, g, responsible, responsible_count);
	}
	return false;
}

bool sou_authority_may_read(const struct sou_authority *a, const struct sou_id *site,
			    const struct sou_id *key_id, const struct sou_id *scope,
			    const struct sou_id *responsible, size_t responsible_count)
{
	const struct state *s = a->state;
	const struct auth_key *key = authority_state_key(s, site, key_id);
	const struct auth_site *who = authority_state_site(s, site);
	if (key == NULL || key->line == SOU_NONE || who == NULL)
		return false;
	struct sou_id authority = sou_scope_id(SOU_SCOPE_AUTHORITY, NULL);
	if (sou_id_eq(&authority, scope))
		return true;
	if (key->withdrawn)
		return false;
	struct question q = ask(a, scope);
	for (uint32_t g = who->grants_first; g != SOU_NONE; g = s->grants[g].next_of_site)
		if (reads(&q, &s->grants[g], responsible, responsible_count))
			return true;
	return false;
}

static bool for_fits(const struct question *q, const struct auth_grant *g,
		     const struct sou_id *for_org)
{
	if (q->kind == SOU_SCOPE_PLAN)
		return true;
	if (q->kind == SOU_SCOPE_ORG)
		return sou_id_eq(for_org, &q->org);
	if (g->reach == SOU_REACH_PROJECTS)
		return sou_id_eq(for_org, &g->id);
	if (g->reach != SOU_REACH_SUBTREE)
		return true;
	uint32_t top = authority_state_org(q->s, &g->id), org = authority_state_org(q->s, for_org);
	return top != SOU_NONE && org != SOU_NONE && authority_ever_below(q->s, top, org);
}

uint32_t sou_authority_roles(const struct sou_authority *a, const struct sou_id *site,
			     const struct sou_id *scope, const struct sou_id *for_org)
{
	const struct auth_site *who = authority_state_site(a->state, site);
	struct question q = ask(a, scope);
	uint32_t roles = 0;
	SOU_ASSERT(for_org != NULL || q.kind == SOU_SCOPE_PLAN);
	for (uint32_t g = who == NULL ? SOU_NONE : who->grants_first; g != SOU_NONE;
	     g = a->state->grants[g].next_of_site) {
		const struct auth_grant *grant = &a->state->grants[g];
		if (authority_reaches(a->state, grant->reach, &grant->id, q.kind, scope, &q.org) &&
		    for_fits(&q, grant, for_org))
			roles |= roles_left(&q, grant, q.kind == SOU_SCOPE_PLAN ? NULL : for_org);
	}
	return roles;
}

uint32_t sou_authority_ever(const struct sou_authority *a, const struct sou_id *site,
			    const struct sou_id *scope)
{
	const struct auth_site *who = authority_state_site(a->state, site);
	struct question q = ask(a, scope);
	uint32_t roles = 0;
	for (uint32_t g = who == NULL ? SOU_NONE : who->grants_first; g != SOU_NONE;
	     g = a->state->grants[g].next_of_site) {
		const struct auth_grant *grant = &a->state->grants[g];
		if (authority_reaches(a->state, grant->reach, &grant->id, q.kind, scope, &q.org))
			roles |= grant->roles;
	}
	return roles;
}
