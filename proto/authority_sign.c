/* authority_sign.c - is an op signed by whom it must be (P8.3)? The keys in force are those at its
 * prev; a genesis is signed by all that it names. Nothing is kept of an op that is not. */
#include "authority_tree.h"
#include "limits.h"

struct signatures { /* the list beside an op (P8.1) */
	struct sou_authsig list[SOU_AUTHSIGS_MAX];
	uint32_t count;
	struct sou_hash keys[SOU_AUTHSIGS_MAX]; /* whose each is, once that is known */
	bool known[SOU_AUTHSIGS_MAX];
};

/* How many of these keys stand in the list. */
static uint32_t count_of(struct signatures *s, const struct sou_hash *keys, uint32_t count)
{
	uint32_t found = 0;
	for (uint32_t k = 0; k < count; k++) {
		struct sou_id id = sou_key_id(&keys[k]);
		for (uint32_t i = 0; i < s->count; i++) {
			if (!sou_id_eq(&s->list[i].key_id, &id))
				continue;
			s->keys[i] = keys[k];
			s->known[i] = true;
			found++;
		}
	}
	return found;
}

/* Of a genesis every key that it names signs. */
static bool genesis_complete(struct signatures *s, const struct sou_authop *op)
{
	bool complete = true;
	for (uint32_t i = 0; i < op->effect_count; i++) {
		const struct sou_effect *e = &op->effects[i];
		if (e->type == SOU_EFFECT_KEYS)
			complete &= count_of(s, e->ids, e->id_count) == e->id_count;
		if (e->type == SOU_EFFECT_KEYS || e->type == SOU_EFFECT_OPEN ||
		    e->type == SOU_EFFECT_HUB)
			complete &= count_of(s, &e->key, 1) == 1;
	}
	return complete;
}

/* By the threshold of the root keys in force, and of those that each `keys` names. */
static bool root_complete(struct signatures *s, const struct sou_authop *op,
			  const struct sou_effect *old)
{
	bool complete = count_of(s, old->ids, old->id_count) >= old->threshold;
	for (uint32_t i = 0; i < op->effect_count; i++) {
		const struct sou_effect *e = &op->effects[i];
		if (e->type == SOU_EFFECT_KEYS)
			complete &= count_of(s, e->ids, e->id_count) >= e->threshold;
	}
	return complete;
}

/* Do those who must sign stand in the list? Marks whose each signature is. */
static bool complete(struct signatures *s, const struct sou_authority *a,
		     const struct sou_authop *op, uint32_t parent)
{
	if (op->tier == SOU_TIER_GENESIS)
		return genesis_complete(s, op);
	const struct authop *p = &a->ops[parent];
	if (p->keys_op == SOU_NONE || p->hub_op == SOU_NONE)
		return false; /* on a genesis without effect nobody can sign */
	const struct sou_effect *keys = authority_last(&a->ops[p->keys_op].op, SOU_EFFECT_KEYS);
	const struct sou_effect *hub = authority_last(&a->ops[p->hub_op].op, SOU_EFFECT_HUB);
	switch ((enum sou_tier)op->tier) {
	case SOU_TIER_GENESIS:
		break;
	case SOU_TIER_OPERATIONAL:
		return count_of(s, &keys->key, 1) == 1;
	case SOU_TIER_HUB:
		return count_of(s, &hub->key, 1) == 1;
	case SOU_TIER_ROOT:
		return root_complete(s, op, keys);
	}
	return false;
}

static int check(const struct sou_authority *a, const struct sou_authop *op, uint32_t parent,
		 struct sou_span sigs)
{
	struct signatures s = {.count = 0};
	int rc = sou_authsigs_read(sigs, s.list, &s.count);
	if (rc != SOU_OK)
		return rc;
	if (!complete(&s, a, op, parent))
		return SOU_ESIG;
	for (uint32_t i = 0; i < s.count; i++) {
		if (!s.known[i])
			return SOU_ESIG;
		rc = sou_verify(a->verifier, SOU_CONTEXT_AUTHORITY, &op->net,
				(struct sou_span){op->id.b, sizeof op->id.b}, &s.keys[i],
				s.list[i].signature);
		if (rc != SOU_OK)
			return rc == SOU_EKEY ? SOU_ESIG : rc;
	}
	return SOU_OK;
}

int sou_authority_add(struct sou_authority *a, struct sou_span op_bytes, struct sou_span sigs)
{
	SOU_ASSERT(a != NULL);
	struct sou_authop op = {.arena = NULL};
	uint32_t parent = SOU_NONE;
	int rc = sou_authop_read(&op, op_bytes);
	if (rc != SOU_OK)
		return rc;
	rc = authority_takes(a, &op, &parent);
	if (rc == SOU_OK)
		rc = check(a, &op, parent, sigs);
	if (rc == SOU_OK)
		rc = sou_authority_add_checked(a, &op, op_bytes, sigs);
	sou_authop_fini(&op);
	return rc;
}
