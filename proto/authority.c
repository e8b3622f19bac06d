/* authority.c - the face of authority.h: life, settling, and plain questions to what was derived.
 */
#include "authority_tree.h"

int sou_authority_new(struct sou_authority **out, const struct sou_hash *genesis)
{
	SOU_ASSERT(out != NULL);
	struct sou_authority *a = calloc(1, sizeof *a);
	if (a == NULL)
		return SOU_ENOMEM;
	a->set = calloc(1, sizeof *a->set);
	a->state = calloc(1, sizeof *a->state); /* nobody may anything */
	if (a->set == NULL || a->state == NULL) {
		sou_authority_free(a);
		return SOU_ENOMEM;
	}
	a->verifier = &sou_verifier_ed25519;
	if (genesis != NULL) {
		a->genesis = *genesis;
		a->pinned = true;
	}
	*out = a;
	return SOU_OK;
}

void sou_authority_free(struct sou_authority *a)
{
	if (a == NULL)
		return;
	for (uint32_t i = 0; i < a->op_count; i++)
		free(a->ops[i].memory);
	free(a->ops);
	free(a->uses);
	free(a->redactions);
	free(a->anchors);
	free(a->sorted);
	free(a->set);
	authority_state_free(a->state);
	sou_table_fini(&a->op_table);
	sou_table_fini(&a->use_table);
	sou_table_fini(&a->redaction_table);
	free(a);
}

void sou_authority_verifier(struct sou_authority *a, const struct sou_verifier *verifier)
{
	SOU_ASSERT(verifier != NULL);
	a->verifier = verifier;
}

int sou_authority_settle(struct sou_authority *a)
{
	SOU_ASSERT(a != NULL);
	if (!a->dirty)
		return SOU_OK;
	struct state *fresh = NULL;
	int rc = authority_state_new(&fresh, a);
	if (rc != SOU_OK)
		return rc;
	fresh->mark = sou_authority_hash(a);
	authority_state_free(a->state);
	a->state = fresh;
	a->dirty = false;
	a->generation++;
	return SOU_OK;
}

uint64_t sou_authority_generation(const struct sou_authority *a)
{
	return a->generation;
}

struct sou_hash sou_authority_mark(const struct sou_authority *a)
{
	return a->state->mark;
}

bool sou_authority_forked(const struct sou_authority *a)
{
	return a->state->forked;
}

bool sou_authority_too_new(const struct sou_authority *a)
{
	return a->state->too_new;
}

struct sou_hash sou_authority_head(const struct sou_authority *a)
{
	static const struct sou_hash zero;
	const struct state *s = a->state;
	return s->trunk_count == 0 ? zero : a->ops[s->trunk[s->trunk_count - 1]].op.id;
}

struct sou_hash sou_authority_genesis(const struct sou_authority *a)
{
	return a->genesis;
}

struct sou_id sou_authority_net(const struct sou_authority *a)
{
	static const struct sou_id zero;
	return a->op_count == 0 ? zero : a->ops[0].op.net;
}

struct sou_id sou_authority_hq(const struct sou_authority *a)
{
	static const struct sou_id zero;
	return a->state->org_count == 0 ? zero : a->state->orgs[0].id;
}

struct sou_hash sou_authority_hash(const struct sou_authority *a)
{
	if (a->set->op_count != a->op_count || a->op_count == 0) {
		a->set->hash = sou_hash_bytes(SOU_DOMAIN_AUTHORITY_SET, a->sorted,
					      a->op_count * sizeof *a->sorted);
		a->set->op_count = a->op_count;
	}
	return a->set->hash;
}

size_t sou_authority_op_count(const struct sou_authority *a)
{
	return a->op_count;
}

void sou_authority_op(const struct sou_authority *a, size_t i, struct sou_hash *id,
		      struct sou_hash *prev, struct sou_span *op, struct sou_span *sigs)
{
	SOU_ASSERT(i < a->op_count);
	const struct authop *o = &a->ops[i];
	*id = o->op.id;
	*prev = o->op.prev;
	*op = o->bytes;
	*sigs = o->sigs;
}

bool sou_authority_knows(const struct sou_authority *a, const struct sou_hash *op_id)
{
	return authority_find_op(a, op_id) != SOU_NONE;
}

bool sou_authority_effective(const struct sou_authority *a, const struct sou_hash *op_id)
{
	uint32_t op = authority_find_op(a, op_id);
	if (op == SOU_NONE || !a->ops[op].admissible)
		return false;
	for (uint32_t i = a->state->trunk_count; i > 0; i--) { /* most are near its end */
		if (a->state->trunk[i - 1] == op)
			return true;
	}
	return false;
}

bool sou_authority_admissible(const struct sou_authority *a, const struct sou_hash *op_id)
{
	uint32_t i = authority_find_op(a, op_id);
	return i != SOU_NONE && a->ops[i].admissible;
}

size_t sou_authority_index(const struct sou_authority *a, const struct sou_hash *op_id)
{
	uint32_t i = authority_find_op(a, op_id);
	return i == SOU_NONE ? SIZE_MAX : i;
}

size_t sou_authority_leaves(const struct sou_authority *a, struct sou_hash *out, size_t max)
{
	size_t n = 0;
	for (uint32_t i = 0; i < a->op_count; i++) {
		uint32_t op = authority_find_op(a, &a->sorted[i]);
		if (a->ops[op].first_child != SOU_NONE)
			continue;
		if (n < max)
			out[n] = a->sorted[i];
		n++;
	}
	return n;
}

bool sou_authority_redacted(const struct sou_authority *a, const struct sou_hash *entry,
			    uint16_t index)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&a->redaction_table, sou_table_hash(entry) + index, &cursor)) !=
	       SOU_TABLE_END)
		if (a->redactions[i].index == index && sou_hash_eq(&a->redactions[i].entry, entry))
			return true;
	return false;
}

const struct sou_line *sou_authority_line(const struct sou_authority *a,
					  const struct sou_hash *opening)
{
	const struct state *s = a->state;
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->opening_table, sou_table_hash(opening), &cursor)) !=
	       SOU_TABLE_END)
		if (sou_hash_eq(&s->lines[i].opening, opening))
			return &s->lines[i];
	return NULL;
}

const struct sou_line *sou_authority_key(const struct sou_authority *a, const struct sou_id *site,
					 const struct sou_id *key_id)
{
	const struct auth_key *k = authority_state_key(a->state, site, key_id);
	return k == NULL || k->line == SOU_NONE ? NULL : &a->state->lines[k->line];
}

const struct sou_line *sou_authority_by_tls(const struct sou_authority *a,
					    const struct sou_hash *tls)
{
	const struct state *s = a->state;
	const struct sou_line *newest = NULL;
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->tls_table, sou_table_hash(tls), &cursor)) != SOU_TABLE_END)
		if (sou_hash_eq(&s->lines[i].tls, tls) &&
		    (newest == NULL || s->lines[i].place > newest->place))
			newest = &s->lines[i];
	return newest;
}

const struct sou_line *sou_authority_site(const struct sou_authority *a, const struct sou_id *site)
{
	const struct auth_site *s = authority_state_site(a->state, site);
	return s == NULL || s->line == SOU_NONE ? NULL : &a->state->lines[s->line];
}

size_t sou_authority_line_count(const struct sou_authority *a)
{
	return a->state->line_count;
}

const struct sou_line *sou_authority_line_at(const struct sou_authority *a, size_t i)
{
	SOU_ASSERT(i < a->state->line_count);
	return &a->state->lines[i];
}

bool sou_authority_key_withdrawn(const struct sou_authority *a, const struct sou_id *site,
				 const struct sou_id *key_id)
{
	const struct auth_key *k = authority_state_key(a->state, site, key_id);
	return k != NULL && k->withdrawn;
}

const struct sou_org *sou_authority_org(const struct sou_authority *a, const struct sou_id *org)
{
	uint32_t i = authority_state_org(a->state, org);
	return i == SOU_NONE ? NULL : &a->state->orgs[i];
}

const struct sou_org *sou_authority_org_handle(const struct sou_authority *a,
					       struct sou_span handle)
{
	const struct state *s = a->state;
	const struct sou_org *first = NULL;
	struct sou_hash h = sou_sha256(handle.p, handle.n);
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->handle_table, sou_table_hash(&h), &cursor)) !=
	       SOU_TABLE_END) {
		const struct sou_org *o = &s->orgs[i];
		if (o->handle.n == handle.n && memcmp(o->handle.p, handle.p, handle.n) == 0 &&
		    (first == NULL || o < first))
			first = o;
	}
	return first;
}

size_t sou_authority_org_count(const struct sou_authority *a)
{
	return a->state->org_count;
}

const struct sou_org *sou_authority_org_at(const struct sou_authority *a, size_t i)
{
	SOU_ASSERT(i < a->state->org_count);
	return &a->state->orgs[i];
}

bool sou_authority_in_subtree(const struct sou_authority *a, const struct sou_id *top,
			      const struct sou_id *org, bool ever)
{
	const struct state *s = a->state;
	uint32_t t = authority_state_org(s, top), o = authority_state_org(s, org);
	if (t == SOU_NONE || o == SOU_NONE)
		return false;
	if (ever)
		return authority_ever_below(s, t, o);
	while (o != SOU_NONE && o != t)
		o = s->org_more[o].parent;
	return o == t;
}

enum sou_scope_kind sou_authority_scope_kind(const struct sou_authority *a,
					     const struct sou_id *scope, struct sou_id *org)
{
	const struct state *s = a->state;
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	if (sou_id_eq(scope, &plan))
		return SOU_SCOPE_PLAN;
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->scope_table, sou_table_hash(scope), &cursor)) !=
	       SOU_TABLE_END)
		if (sou_id_eq(&s->org_more[i].scope, scope)) {
			*org = s->orgs[i].id;
			return SOU_SCOPE_ORG;
		}
	return SOU_SCOPE_PROJECT;
}

/* Where on the trunk an invite is used or ended is told by what stands on the path to the trunk's
 * end. */
int sou_authority_invite(const struct sou_authority *a, const struct sou_id *invite_key,
			 const struct sou_effect **out)
{
	const struct state *s = a->state;
	if (s->trunk_count == 0)
		return SOU_EUNKNOWN;
	uint32_t end = s->trunk[s->trunk_count - 1];
	const struct use *u = authority_use_id(a, USE_INVITE, invite_key, end);
	if (u == NULL)
		return SOU_EUNKNOWN;
	if (authority_use_id(a, USE_INVITE_DONE, invite_key, end) != NULL)
		return SOU_ESTATE;
	*out = &a->ops[u->op].op.effects[u->effect];
	return SOU_OK;
}
