/* authop_pack.c - writes authority ops, their signature lists and the enrol statement (P8.1, P8.4,
 * P8.9). */
#include "authop.h"

#include "limits.h"
#include "mp.h"

static void put_text(struct sou_buf *buf, struct sou_span s)
{
	sou_mp_put_str(buf, s.p, s.n);
}

static void put_id_or_nil(struct sou_buf *buf, bool has, const struct sou_id *id)
{
	if (has)
		sou_mp_put_id(buf, id);
	else
		sou_mp_put_nil(buf);
}

static void put_ids(struct sou_buf *buf, const struct sou_hash *ids, uint32_t count)
{
	sou_mp_put_array(buf, count);
	for (uint32_t i = 0; i < count; i++)
		sou_mp_put_hash(buf, &ids[i]);
}

static void put_parent(struct sou_buf *buf, const struct sou_effect *e)
{
	if (e->parent_is_index)
		sou_mp_put_uint(buf, e->index);
	else
		put_id_or_nil(buf, e->has_org, &e->org);
}

static void put_after(struct sou_buf *buf, const struct sou_effect *e)
{
	sou_mp_put_array(buf, 2 * e->id_count);
	for (uint32_t i = 0; i < e->pin_count; i++) {
		for (uint32_t k = 0; k < e->pins[i].count; k++) {
			sou_mp_put_id(buf, &e->pins[i].scope);
			sou_mp_put_hash(buf, &e->ids[e->pins[i].first + k]);
		}
	}
}

static void put_pairs(struct sou_buf *buf, const struct sou_effect *e)
{
	sou_mp_put_array(buf, 2 * e->pin_count + e->id_count);
	for (uint32_t i = 0; i < e->pin_count; i++) {
		sou_mp_put_id(buf, &e->pins[i].scope);
		sou_mp_put_uint(buf, e->pins[i].count);
		for (uint32_t k = 0; k < e->pins[i].count; k++)
			sou_mp_put_hash(buf, &e->ids[e->pins[i].first + k]);
	}
}

static void put_redact(struct sou_buf *buf, const struct sou_effect *e)
{
	sou_mp_put_uint(buf, e->number);
	sou_mp_put_array(buf, 2 * e->id_count);
	for (uint32_t i = 0; i < e->id_count; i++) {
		sou_mp_put_hash(buf, &e->ids[i]);
		sou_mp_put_uint(buf, e->indexes[i]);
	}
}

static void put_org(struct sou_buf *buf, const struct sou_effect *e)
{
	put_parent(buf, e);
	sou_mp_put_uint(buf, e->number);
	put_text(buf, e->handle);
	put_text(buf, e->name);
	put_text(buf, e->short_name);
	put_text(buf, e->code);
}

static void put_rights(struct sou_buf *buf, const struct sou_effect *e)
{
	if (e->type == SOU_EFFECT_NARROW) {
		sou_mp_put_hash(buf, &e->op);
		sou_mp_put_id(buf, &e->site);
		sou_mp_put_uint(buf, e->roles);
		put_id_or_nil(buf, e->has_for, &e->org);
		sou_mp_put_uint(buf, e->rest);
		put_pairs(buf, e);
		return;
	}
	sou_mp_put_id(buf, &e->site);
	sou_mp_put_uint(buf, e->roles);
	sou_mp_put_uint(buf, e->reach);
	sou_mp_put_id(buf, &e->id);
	put_after(buf, e);
}

/* Effects of sites and their keys. */
static void put_site(struct sou_buf *buf, const struct sou_effect *e)
{
	if (e->type == SOU_EFFECT_ENROL)
		sou_mp_put_id(buf, &e->key_id);
	sou_mp_put_id(buf, &e->site);
	sou_mp_put_hash(buf, &e->key);
	sou_mp_put_hash(buf, &e->tls);
	if (e->type == SOU_EFFECT_ENROL) {
		sou_mp_put_bin(buf, e->signature.p, e->signature.n);
		return;
	}
	put_id_or_nil(buf, e->has_org, &e->org);
	put_text(buf, e->name);
}

static void put_members(struct sou_buf *buf, const struct sou_effect *e)
{
	switch ((enum sou_effect_type)e->type) {
	case SOU_EFFECT_KEYS:
		sou_mp_put_uint(buf, e->threshold);
		put_ids(buf, e->ids, e->id_count);
		sou_mp_put_hash(buf, &e->key);
		break;
	case SOU_EFFECT_ORG:
		put_org(buf, e);
		break;
	case SOU_EFFECT_ORG_NAME:
		sou_mp_put_id(buf, &e->org);
		put_text(buf, e->name);
		put_text(buf, e->short_name);
		put_text(buf, e->text);
		break;
	case SOU_EFFECT_ORG_MOVE:
		sou_mp_put_id(buf, &e->org);
		sou_mp_put_id(buf, &e->id);
		break;
	case SOU_EFFECT_ORG_CLOSE:
		sou_mp_put_id(buf, &e->org);
		break;
	case SOU_EFFECT_INVITE:
		sou_mp_put_hash(buf, &e->key);
		sou_mp_put_id(buf, &e->org);
		put_text(buf, e->name);
		sou_mp_put_uint(buf, e->roles);
		sou_mp_put_uint(buf, e->number);
		break;
	case SOU_EFFECT_INVITE_END:
		sou_mp_put_id(buf, &e->key_id);
		break;
	case SOU_EFFECT_ENROL:
	case SOU_EFFECT_OPEN:
		put_site(buf, e);
		break;
	case SOU_EFFECT_GRANT:
	case SOU_EFFECT_NARROW:
		put_rights(buf, e);
		break;
	case SOU_EFFECT_CUT:
		sou_mp_put_id(buf, &e->site);
		sou_mp_put_id(buf, &e->key_id);
		put_pairs(buf, e);
		break;
	case SOU_EFFECT_RECUT:
	case SOU_EFFECT_DECIDE:
		sou_mp_put_id(buf, &e->site);
		sou_mp_put_id(buf, &e->key_id);
		sou_mp_put_id(buf, &e->scope);
		put_ids(buf, e->ids, e->id_count);
		break;
	case SOU_EFFECT_REDACT:
		put_redact(buf, e);
		break;
	case SOU_EFFECT_RECOVER:
		break;
	case SOU_EFFECT_HUB:
		sou_mp_put_hash(buf, &e->key);
		sou_mp_put_hash(buf, &e->tls);
		break;
	}
}

static void put_effect(struct sou_buf *buf, const struct sou_effect *e)
{
	static const uint8_t members[SOU_EFFECT_HUB + 1] = {0, 4, 7, 5, 3, 2, 6, 2, 6,
							    6, 6, 7, 4, 5, 5, 3, 1, 3};
	bool is_known = e->type >= 1 && e->type <= SOU_EFFECT_HUB;
	sou_mp_put_array(buf, is_known ? members[e->type] : 1);
	sou_mp_put_uint(buf, e->type);
	if (is_known)
		put_members(buf, e);
}

int sou_authop_pack(struct sou_authop *op, struct sou_buf *buf)
{
	SOU_ASSERT(buf->n == 0);
	sou_mp_put_array(buf, 7);
	sou_mp_put_uint(buf, 0);
	sou_mp_put_id(buf, &op->net);
	sou_mp_put_uint(buf, op->seq);
	sou_mp_put_hash(buf, &op->prev);
	sou_mp_put_uint(buf, op->tier);
	sou_mp_put_uint(buf, op->counter);
	sou_mp_put_array(buf, op->effect_count);
	for (uint32_t i = 0; i < op->effect_count; i++)
		put_effect(buf, &op->effects[i]);
	if (buf->failed)
		return SOU_ENOMEM;
	struct sou_authop again = {0};
	int rc = sou_authop_read(&again, sou_buf_span(buf));
	if (rc != SOU_OK)
		return rc == SOU_EFORMAT ? SOU_EINPUT : rc;
	op->id = again.id;
	sou_authop_fini(&again);
	return SOU_OK;
}

int sou_authsigs_read(struct sou_span list, struct sou_authsig *out, uint32_t *count)
{
	struct sou_mp m = sou_mp_over(list);
	uint32_t n = sou_mp_array(&m, SOU_AUTHSIGS_MAX);
	for (uint32_t i = 0; i < n && m.rc == SOU_OK; i++) {
		sou_mp_array_of(&m, 2);
		out[i].key_id = sou_mp_id(&m);
		const uint8_t *signature = sou_mp_fixed(&m, sizeof out[i].signature);
		if (signature != NULL)
			memcpy(out[i].signature, signature, sizeof out[i].signature);
		if (i > 0 && sou_id_cmp(&out[i - 1].key_id, &out[i].key_id) >= 0)
			sou_mp_fail(&m, SOU_EFORMAT);
	}
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*count = n;
	return rc;
}

int sou_authsigs_pack(struct sou_buf *buf, const struct sou_authsig *sigs, uint32_t count)
{
	if (count > SOU_AUTHSIGS_MAX)
		return SOU_ELIMIT;
	const struct sou_authsig *order[SOU_AUTHSIGS_MAX];
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = i;
		for (; at > 0 && sou_id_cmp(&order[at - 1]->key_id, &sigs[i].key_id) > 0; at--)
			order[at] = order[at - 1];
		if (at > 0 && sou_id_eq(&order[at - 1]->key_id, &sigs[i].key_id))
			return SOU_EINPUT;
		order[at] = &sigs[i];
	}
	sou_mp_put_array(buf, count);
	for (uint32_t i = 0; i < count; i++) {
		sou_mp_put_array(buf, 2);
		sou_mp_put_id(buf, &order[i]->key_id);
		sou_mp_put_bin(buf, order[i]->signature, sizeof order[i]->signature);
	}
	return buf->failed ? SOU_ENOMEM : SOU_OK;
}

void sou_enrol_statement(struct sou_buf *buf, const struct sou_id *invite_key,
			 const struct sou_id *site, const struct sou_hash *key,
			 const struct sou_hash *tls)
{
	sou_mp_put_array(buf, 4);
	sou_mp_put_id(buf, invite_key);
	sou_mp_put_id(buf, site);
	sou_mp_put_hash(buf, key);
	sou_mp_put_hash(buf, tls);
}
