/* authority_admit.c - is a known op admissible (P8.2, P8.4, P8.5, P8.6, P8.9, P4.2)? Looks at the
 * op and at what its ancestors brought, and at nothing else (A1). Restrictions may name what is not
 * known: they only take away. */
#include "authority_tree.h"
#include "limits.h"

struct admit { /* one op on its way in */
	struct sou_authority *a;
	struct authop *o;
	uint32_t number, effect;
	bool joined;
};

static struct sou_hash wide(const struct sou_id *id)
{
	struct sou_hash h = {{0}};
	memcpy(h.b, id->b, sizeof id->b);
	return h;
}

static bool known(const struct admit *c, enum use_kind kind, const struct sou_id *name)
{
	return authority_use_id(c->a, kind, name, c->number) != NULL;
}

static void bring(const struct admit *c, enum use_kind kind, const struct sou_id *name)
{
	struct sou_hash h = wide(name);
	authority_record(c->a, kind, &h, c->number, c->effect);
}

/* P4.2: fit, and not used on this path for another purpose; for a site or an invite: not at all. */
static bool take_key(const struct admit *c, const struct sou_hash *key, enum key_purpose purpose)
{
	if (sou_key_admit(key) != SOU_OK)
		return false;
	const struct use *u = authority_use(c->a, USE_KEY, key, c->number);
	if (u != NULL)
		return u->purpose == purpose && purpose != PURPOSE_SITE &&
		       purpose != PURPOSE_INVITE;
	authority_record(c->a, USE_KEY, key, c->number, c->effect);
	c->a->uses[c->a->use_count - 1].purpose = (uint8_t)purpose;
	return true;
}

static bool take_tls(const struct admit *c, const struct sou_hash *tls, const struct sou_id *site)
{
	const struct use *u = authority_use(c->a, USE_TLS, tls, c->number);
	if (u != NULL)
		return sou_id_eq(&u->owner, site);
	authority_record(c->a, USE_TLS, tls, c->number, c->effect);
	c->a->uses[c->a->use_count - 1].owner = *site;
	return true;
}

static bool keys_fit(const struct admit *c, const struct sou_effect *e)
{
	if (e->id_count < 1 || e->id_count > SOU_ROOT_KEYS_MAX || e->threshold < 1 ||
	    e->threshold > e->id_count)
		return false;
	for (uint32_t i = 0; i < e->id_count; i++) {
		if (i > 0 && sou_hash_cmp(&e->ids[i - 1], &e->ids[i]) >= 0)
			return false;
		if (!take_key(c, &e->ids[i], PURPOSE_ROOT))
			return false;
	}
	return take_key(c, &e->key, PURPOSE_OPERATIONAL);
}

static bool org_fits(const struct admit *c, const struct sou_effect *e)
{
	struct sou_id id = sou_entity_org(&c->o->op.id, c->effect);
	if (c->o->op.tier == SOU_TIER_GENESIS) {
		if (e->has_org || e->parent_is_index)
			return false;
	} else if (e->parent_is_index) {
		if (e->index >= c->effect || c->o->op.effects[e->index].type != SOU_EFFECT_ORG)
			return false;
	} else if (!e->has_org || !known(c, USE_ORG, &e->org)) {
		return false;
	}
	bring(c, USE_ORG, &id);
	return true;
}

/* Parent of an organisation as it stands on the path to this op; false for headquarters. */
static bool parent_here(const struct admit *c, const struct sou_id *org, struct sou_id *parent)
{
	const struct use *u = authority_use_id(c->a, USE_MOVE, org, c->number);
	if (u != NULL) {
		*parent = c->a->ops[u->op].op.effects[u->effect].id;
		return true;
	}
	u = authority_use_id(c->a, USE_ORG, org, c->number);
	SOU_ASSERT(u != NULL);
	const struct authop *made = &c->a->ops[u->op];
	const struct sou_effect *e = &made->op.effects[u->effect];
	if (made->op.tier == SOU_TIER_GENESIS)
		return false;
	*parent = e->parent_is_index ? sou_entity_org(&made->op.id, e->index) : e->org;
	return true;
}

static bool move_fits(const struct admit *c, const struct sou_effect *e)
{
	if (!known(c, USE_ORG, &e->org) || !known(c, USE_ORG, &e->id))
		return false;
	struct sou_id at = e->id;
	do { /* ends: what stands so far is a tree */
		if (sou_id_eq(&at, &e->org))
			return false;
	} while (parent_here(c, &at, &at));
	bring(c, USE_MOVE, &e->org);
	return true;
}

static bool enrol_fits(const struct admit *c, const struct sou_effect *e)
{
	if (!c->joined || !known(c, USE_INVITE, &e->key_id) ||
	    known(c, USE_INVITE_DONE, &e->key_id) || known(c, USE_SITE, &e->site) ||
	    !take_key(c, &e->key, PURPOSE_SITE) || !take_tls(c, &e->tls, &e->site))
		return false;
	bring(c, USE_INVITE_DONE, &e->key_id);
	bring(c, USE_SITE, &e->site);
	return true;
}

static bool open_fits(const struct admit *c, const struct sou_effect *e)
{
	struct sou_id org = authority_org_named(c->o, &e->org);
	bool site_known = known(c, USE_SITE, &e->site);
	if (e->has_org ? site_known || !known(c, USE_ORG, &org) : !site_known)
		return false;
	if (!take_key(c, &e->key, PURPOSE_SITE) || !take_tls(c, &e->tls, &e->site))
		return false;
	if (!site_known)
		bring(c, USE_SITE, &e->site);
	return true;
}

static bool grant_fits(const struct admit *c, const struct sou_effect *e)
{
	/* R7: these are granted for one organisation, never for a subtree or for all. */
	const uint16_t of_one = SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER | SOU_ROLE_APPROVER;
	struct sou_id id = authority_org_named(c->o, &e->id);
	if (!known(c, USE_SITE, &e->site))
		return false;
	if ((e->roles & of_one) != 0 && e->reach != SOU_REACH_SCOPE &&
	    e->reach != SOU_REACH_PROJECTS)
		return false;
	switch (e->reach) {
	case SOU_REACH_SCOPE:
	case SOU_REACH_ALL:
		return true;
	case SOU_REACH_SUBTREE:
	case SOU_REACH_PROJECTS:
		return known(c, USE_ORG, &id);
	}
	return false;
}

static bool invite_fits(const struct admit *c, const struct sou_effect *e)
{
	struct sou_id id = sou_key_id(&e->key);
	if (!known(c, USE_ORG, &e->org) || !take_key(c, &e->key, PURPOSE_INVITE))
		return false;
	bring(c, USE_INVITE, &id);
	return true;
}

static bool fits(const struct admit *c, const struct sou_effect *e)
{
	switch ((enum sou_effect_type)e->type) {
	case SOU_EFFECT_KEYS:
		return keys_fit(c, e);
	case SOU_EFFECT_ORG:
		return org_fits(c, e);
	case SOU_EFFECT_ORG_NAME:
	case SOU_EFFECT_ORG_CLOSE:
		return known(c, USE_ORG, &e->org);
	case SOU_EFFECT_ORG_MOVE:
		return move_fits(c, e);
	case SOU_EFFECT_INVITE:
		return invite_fits(c, e);
	case SOU_EFFECT_INVITE_END:
		if (!known(c, USE_INVITE, &e->key_id))
			return false;
		bring(c, USE_INVITE_DONE, &e->key_id);
		return true;
	case SOU_EFFECT_ENROL:
		return enrol_fits(c, e);
	case SOU_EFFECT_OPEN:
		return open_fits(c, e);
	case SOU_EFFECT_GRANT:
		return grant_fits(c, e);
	case SOU_EFFECT_HUB:
		return take_key(c, &e->key, PURPOSE_CHECKPOINT);
	case SOU_EFFECT_NARROW:
		return e->rest <= 1;
	case SOU_EFFECT_CUT:
	case SOU_EFFECT_RECUT:
	case SOU_EFFECT_DECIDE:
	case SOU_EFFECT_REDACT:
	case SOU_EFFECT_RECOVER:
		return true;
	}
	return true; /* P8.6: an effect of newer software is passed over here */
}

/* P8.5: which tier may write what, and how many of each. */
static bool tier_fits(const struct sou_authop *op)
{
	uint32_t count[SOU_EFFECT_HUB + 1] = {0};
	const uint32_t root = 1u << SOU_EFFECT_KEYS | 1u << SOU_EFFECT_RECOVER;
	const uint32_t genesis = 1u << SOU_EFFECT_KEYS | 1u << SOU_EFFECT_ORG |
				 1u << SOU_EFFECT_OPEN | 1u << SOU_EFFECT_HUB |
				 1u << SOU_EFFECT_GRANT;
	uint32_t seen = 0;
	for (uint32_t i = 0; i < op->effect_count; i++) {
		uint16_t type = op->effects[i].type;
		if (type == 0 || type > SOU_EFFECT_HUB)
			continue; /* P8.6 */
		seen |= 1u << type;
		count[type]++;
	}
	if (count[SOU_EFFECT_ENROL] + count[SOU_EFFECT_OPEN] > 1)
		return false;
	switch ((enum sou_tier)op->tier) {
	case SOU_TIER_GENESIS:
		return (seen & ~genesis) == 0 && count[SOU_EFFECT_KEYS] == 1 &&
		       count[SOU_EFFECT_ORG] == 1 && count[SOU_EFFECT_OPEN] == 1 &&
		       count[SOU_EFFECT_HUB] == 1;
	case SOU_TIER_OPERATIONAL:
		return (seen & (root | 1u << SOU_EFFECT_ENROL)) == 0;
	case SOU_TIER_ROOT:
		return (seen & ~root) == 0;
	case SOU_TIER_HUB:
		return seen == 1u << SOU_EFFECT_ENROL && count[SOU_EFFECT_ENROL] == 1;
	}
	return false;
}

static bool counter_fits(const struct sou_authority *a, const struct authop *o)
{
	if (o->op.tier != SOU_TIER_ROOT)
		return o->op.counter == 0;
	return o->op.counter > (o->parent == SOU_NONE ? 0 : a->ops[o->parent].counter_max);
}

static void record_redactions(struct sou_authority *a, const struct sou_effect *e)
{
	for (uint32_t i = 0; i < e->id_count; i++) {
		if (sou_authority_redacted(a, &e->ids[i], e->indexes[i]))
			continue;
		a->redactions[a->redaction_count] = (struct redaction){e->ids[i], e->indexes[i]};
		sou_table_add(&a->redaction_table, sou_table_hash(&e->ids[i]) + e->indexes[i],
			      a->redaction_count++);
	}
}

/* What counts from every known op for ever (P8.11). */
static void record_for_ever(struct sou_authority *a, uint32_t n)
{
	const struct authop *o = &a->ops[n];
	for (uint32_t i = 0; i < o->op.effect_count; i++) {
		const struct sou_effect *e = &o->op.effects[i];
		if (e->type == SOU_EFFECT_REDACT)
			record_redactions(a, e);
		if (e->type == SOU_EFFECT_GRANT && (e->roles & SOU_ROLE_ANCHOR) != 0)
			a->anchors[a->anchor_count++] = (struct anchor_right){
				e->site, authority_org_named(o, &e->id), e->reach};
		if (e->type == SOU_EFFECT_ENROL) {
			const struct use *u = authority_use_id(a, USE_INVITE, &e->key_id, n);
			SOU_ASSERT(u != NULL);
			if ((a->ops[u->op].op.effects[u->effect].roles & SOU_ROLE_ANCHOR) != 0)
				a->anchors[a->anchor_count++] = (struct anchor_right){
					.site = e->site, .reach = SOU_REACH_ALL};
		}
	}
}

void authority_admit(struct sou_authority *a, uint32_t n, bool joined)
{
	struct authop *o = &a->ops[n];
	struct admit c = {.a = a, .o = o, .number = n, .joined = joined};
	uint32_t uses_before = a->use_count;

	for (uint32_t i = 0; i < o->op.effect_count; i++)
		if (o->op.effects[i].type == 0 || o->op.effects[i].type > SOU_EFFECT_HUB)
			o->too_new = true;
	o->admissible = tier_fits(&o->op) && counter_fits(a, o);
	for (uint32_t i = 0; i < o->op.effect_count && o->admissible; i++) {
		c.effect = i;
		o->admissible = fits(&c, &o->op.effects[i]);
	}
	if (!o->admissible) {
		for (uint32_t i = uses_before; i < a->use_count; i++)
			a->uses[i].kind = USE_VOID;
		return;
	}
	for (uint32_t i = 0; i < o->op.effect_count; i++) {
		if (o->op.effects[i].type == SOU_EFFECT_KEYS)
			o->keys_op = n;
		if (o->op.effects[i].type == SOU_EFFECT_HUB)
			o->hub_op = n;
	}
	if (o->op.tier == SOU_TIER_ROOT)
		o->counter_max = o->op.counter;
	record_for_ever(a, n);
}

int authority_joined(const struct sou_authority *a, const struct sou_authop *op, uint32_t parent,
		     bool *joined)
{
	const struct sou_effect *e = authority_last(op, SOU_EFFECT_ENROL);
	if (op->tier != SOU_TIER_HUB || e == NULL || e->signature.n != SOU_SIGNATURE_BYTES)
		return SOU_OK;
	const struct use *u = authority_use_id(a, USE_INVITE, &e->key_id, parent);
	if (u == NULL)
		return SOU_OK;
	struct sou_buf statement = {0};
	sou_enrol_statement(&statement, &e->key_id, &e->site, &e->key, &e->tls);
	int rc = SOU_ENOMEM;
	if (!statement.failed)
		rc = sou_verify(a->verifier, SOU_CONTEXT_ENROL, &op->net, sou_buf_span(&statement),
				&a->ops[u->op].op.effects[u->effect].key, e->signature.p);
	sou_buf_fini(&statement);
	if (rc != SOU_OK && rc != SOU_ESIG && rc != SOU_EKEY)
		return rc;
	*joined = rc == SOU_OK;
	return SOU_OK;
}
