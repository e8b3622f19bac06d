/* authority_sign.c - is an op signed by whom it must be (P8.3)? The keys in force are those at its
 * prev; a genesis is signed by all that it names. Nothing is kept of an op that is not. */
#include "authority_tree.h"
#include "limits.h"
#include "mp.h"

#define SIGNERS_MAX (2 * SOU_ROOT_KEYS_MAX + 3)

struct signer {
	struct sou_hash key;
	struct sou_id key_id;
	bool old, fresh; /* of the root keys in force, of those that the op names */
	bool signs;
};

struct signers {
	struct signer list[SIGNERS_MAX];
	uint32_t count;
	uint32_t old_needed, fresh_needed; /* how many of each */
};

static void add(struct signers *s, const struct sou_hash *key, bool old, bool fresh)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (sou_hash_eq(&s->list[i].key, key)) {
			s->list[i].old |= old;
			s->list[i].fresh |= fresh;
			return;
		}
	SOU_ASSERT(s->count < SIGNERS_MAX);
	s->list[s->count++] = (struct signer){*key, sou_key_id(key), old, fresh, false};
}

static const struct sou_effect *effect_of(const struct sou_authop *op, enum sou_effect_type type)
{
	for (uint32_t i = 0; i < op->effect_count; i++)
		if (op->effects[i].type == type)
			return &op->effects[i];
	return NULL;
}

static bool add_keys(struct signers *s, const struct sou_effect *keys, bool old)
{
	if (keys->id_count < 1 || keys->id_count > SOU_ROOT_KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < keys->id_count; i++)
		add(s, &keys->ids[i], old, !old);
	return true;
}

static bool genesis_signers(struct signers *s, const struct sou_authop *op)
{
	const struct sou_effect *keys = effect_of(op, SOU_EFFECT_KEYS),
				*open = effect_of(op, SOU_EFFECT_OPEN),
				*hub = effect_of(op, SOU_EFFECT_HUB);
	if (keys == NULL || open == NULL || hub == NULL || !add_keys(s, keys, true))
		return false;
	add(s, &keys->key, true, false);
	add(s, &open->key, true, false);
	add(s, &hub->key, true, false);
	s->old_needed = s->count;
	return true;
}

/* Who must sign; false: nobody can. */
static bool signers_of(struct signers *s, const struct sou_authority *a,
		       const struct sou_authop *op, uint32_t parent)
{
	if (op->tier == SOU_TIER_GENESIS)
		return genesis_signers(s, op);
	const struct authop *p = &a->ops[parent];
	if (p->keys_op == SOU_NONE || p->hub_op == SOU_NONE)
		return false;
	const struct sou_effect *keys = authority_last(&a->ops[p->keys_op].op, SOU_EFFECT_KEYS);
	const struct sou_effect *hub = authority_last(&a->ops[p->hub_op].op, SOU_EFFECT_HUB);
	s->old_needed = 1;
	switch ((enum sou_tier)op->tier) {
	case SOU_TIER_GENESIS:
		return false;
	case SOU_TIER_OPERATIONAL:
		add(s, &keys->key, true, false);
		return true;
	case SOU_TIER_HUB:
		add(s, &hub->key, true, false);
		return true;
	case SOU_TIER_ROOT:
		break;
	}
	if (op->tier != SOU_TIER_ROOT || !add_keys(s, keys, true))
		return false;
	s->old_needed = keys->threshold;
	const struct sou_effect *fresh = effect_of(op, SOU_EFFECT_KEYS);
	if (fresh == NULL)
		return true;
	s->fresh_needed = fresh->threshold;
	return add_keys(s, fresh, false);
}

static int check_one(struct signers *s, const struct sou_authority *a, const struct sou_authop *op,
		     const struct sou_id *key_id, const uint8_t *signature)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct signer *signer = &s->list[i];
		if (!sou_id_eq(&signer->key_id, key_id))
			continue;
		signer->signs = true;
		return sou_verify(a->verifier, SOU_CONTEXT_AUTHORITY, &op->net,
				  (struct sou_span){op->id.b, sizeof op->id.b}, &signer->key,
				  signature);
	}
	return SOU_ESIG;
}

/* All that are listed, ascending by key id (P8.1), must verify. */
static int check_list(struct signers *s, const struct sou_authority *a, const struct sou_authop *op,
		      struct sou_span sigs)
{
	struct sou_mp m = sou_mp_over(sigs);
	uint32_t count = sou_mp_array(&m, SOU_AUTHSIGS_MAX);
	struct sou_id last = {{0}};
	for (uint32_t i = 0; i < count; i++) {
		sou_mp_array_of(&m, 2);
		struct sou_id key_id = sou_mp_id(&m);
		const uint8_t *signature = sou_mp_fixed(&m, SOU_SIGNATURE_BYTES);
		if (m.rc == SOU_OK && i > 0 && sou_id_cmp(&last, &key_id) >= 0)
			sou_mp_fail(&m, SOU_EFORMAT);
		if (m.rc != SOU_OK)
			return m.rc;
		int rc = check_one(s, a, op, &key_id, signature);
		if (rc != SOU_OK)
			return rc == SOU_EKEY ? SOU_ESIG : rc;
		last = key_id;
	}
	return sou_mp_end(&m);
}

static int check(const struct sou_authority *a, const struct sou_authop *op, uint32_t parent,
		 struct sou_span sigs)
{
	struct signers s = {.count = 0};
	if (!signers_of(&s, a, op, parent))
		return SOU_ESIG;
	int rc = check_list(&s, a, op, sigs);
	if (rc != SOU_OK)
		return rc;
	uint32_t old = 0, fresh = 0;
	for (uint32_t i = 0; i < s.count; i++) {
		old += s.list[i].signs && s.list[i].old;
		fresh += s.list[i].signs && s.list[i].fresh;
	}
	return old >= s.old_needed && fresh >= s.fresh_needed ? SOU_OK : SOU_ESIG;
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
