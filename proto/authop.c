/* authop.c - reads one authority op (P8.1, P8.2, P8.4). All lists of an op lie in one block, whose
 * size is known from the bytes received before anything is made. */
#include "authop.h"

#include <stdlib.h>

#include "crypto.h"
#include "limits.h"
#include "mp.h"

#define MEMBERS 7u

/* Where lists go while they are read; every list takes what follows. */
struct taker {
	struct sou_pins *pins;
	struct sou_hash *ids;
	uint16_t *indexes;
};

void sou_authop_fini(struct sou_authop *op)
{
	if (op == NULL)
		return;
	free(op->arena);
	*op = (struct sou_authop){0};
}

static uint64_t clipped(struct sou_mp *m, uint64_t highest)
{
	uint64_t v = sou_mp_uint(m, UINT64_MAX);
	return v < highest ? v : highest;
}

static struct sou_span text(struct sou_mp *m)
{
	return sou_mp_str(m, SOU_STR_BYTES_MAX);
}

static void read_id_list(struct sou_mp *m, struct taker *t, struct sou_effect *e, uint32_t max)
{
	struct sou_mp_list list = sou_mp_names(m, 32, max);
	e->ids = t->ids;
	e->id_count = list.count;
	for (uint32_t i = 0; i < list.count; i++)
		*t->ids++ = sou_mp_list_hash(&list, i);
}

static void read_keys(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	e->threshold = (uint32_t)clipped(m, UINT32_MAX);
	read_id_list(m, t, e, SOU_ROOT_KEYS_MAX);
	if (e->id_count == 0)
		sou_mp_fail(m, SOU_EFORMAT);
	e->key = sou_mp_hash(m);
}

static void read_org(struct sou_mp *m, struct sou_effect *e)
{
	enum sou_mp_type type = sou_mp_peek(m);
	if (type == SOU_MP_NIL) {
		sou_mp_nil(m);
	} else if (type == SOU_MP_UINT) {
		e->parent_is_index = true;
		e->index = (uint32_t)clipped(m, UINT32_MAX);
	} else {
		e->has_org = true;
		e->org = sou_mp_id(m);
	}
	e->number = sou_mp_uint(m, UINT64_MAX);
	e->handle = text(m);
	e->name = text(m);
	e->short_name = text(m);
	e->code = text(m);
}

static bool read_id_or_nil(struct sou_mp *m, struct sou_id *out)
{
	if (sou_mp_peek(m) == SOU_MP_NIL) {
		sou_mp_nil(m);
		return false;
	}
	*out = sou_mp_id(m);
	return m->rc == SOU_OK;
}

/* One more id of the last pin, above the one before. */
static void read_pin_id(struct sou_mp *m, struct taker *t, struct sou_effect *e,
			struct sou_pins *pin)
{
	struct sou_hash id = sou_mp_hash(m);
	if (pin->count > 0 && sou_hash_cmp(t->ids - 1, &id) >= 0)
		sou_mp_fail(m, SOU_EFORMAT);
	if (m->rc != SOU_OK)
		return;
	*t->ids++ = id;
	pin->count++;
	e->id_count++;
}

/* A pin for this scope: the last one again where `again` allows it, else a new one above it. */
static struct sou_pins *pin_of(struct sou_mp *m, struct taker *t, struct sou_effect *e, bool again)
{
	struct sou_id scope = sou_mp_id(m);
	int order = e->pin_count == 0 ? -1 : sou_id_cmp(&t->pins[-1].scope, &scope);
	if (order > 0 || (order == 0 && !again))
		sou_mp_fail(m, SOU_EFORMAT);
	if (m->rc != SOU_OK)
		return NULL;
	if (order != 0) {
		*t->pins++ = (struct sou_pins){scope, e->id_count, 0};
		e->pin_count++;
	}
	return t->pins - 1;
}

/* Flat: (scope, id), ascending by both. */
static void read_after(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	uint32_t members = sou_mp_array(m, UINT32_MAX);
	e->pins = t->pins;
	e->ids = t->ids;
	if (members % 2 != 0)
		sou_mp_fail(m, SOU_EFORMAT);
	for (uint32_t i = 0; i < members && m->rc == SOU_OK; i += 2) {
		struct sou_pins *pin = pin_of(m, t, e, true);
		if (pin != NULL)
			read_pin_id(m, t, e, pin);
	}
}

/* Flat: (scope, n, n ids), scopes ascending, ids ascending. */
static void read_pairs(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	uint32_t members = sou_mp_array(m, UINT32_MAX);
	e->pins = t->pins;
	e->ids = t->ids;
	for (uint32_t i = 0; i < members && m->rc == SOU_OK;) {
		struct sou_pins *pin = pin_of(m, t, e, false);
		if (members - i < 2) {
			sou_mp_fail(m, SOU_EFORMAT);
			return;
		}
		uint64_t n = sou_mp_uint(m, UINT64_MAX);
		i += 2;
		if (n > members - i)
			sou_mp_fail(m, SOU_EFORMAT);
		for (uint64_t k = 0; k < n && m->rc == SOU_OK; k++)
			read_pin_id(m, t, e, pin);
		i += (uint32_t)n;
	}
}

static void read_one_pin(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	e->scope = sou_mp_id(m);
	read_id_list(m, t, e, UINT32_MAX);
	e->pins = t->pins;
	e->pin_count = 1;
	*t->pins++ = (struct sou_pins){e->scope, 0, e->id_count};
}

/* Flat: (entry id, value index), ascending by both. */
static void read_redact(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	e->number = sou_mp_uint(m, UINT64_MAX);
	uint32_t members = sou_mp_array(m, UINT32_MAX);
	e->ids = t->ids;
	e->indexes = t->indexes;
	if (members % 2 != 0)
		sou_mp_fail(m, SOU_EFORMAT);
	for (uint32_t i = 0; i < members && m->rc == SOU_OK; i += 2) {
		struct sou_hash id = sou_mp_hash(m);
		uint16_t index = (uint16_t)sou_mp_uint(m, UINT16_MAX);
		int order = e->id_count == 0 ? -1 : sou_hash_cmp(t->ids - 1, &id);
		if (order > 0 || (order == 0 && t->indexes[-1] >= index))
			sou_mp_fail(m, SOU_EFORMAT);
		if (m->rc != SOU_OK)
			return;
		*t->ids++ = id;
		*t->indexes++ = index;
		e->id_count++;
	}
}

static void read_enrol(struct sou_mp *m, struct sou_effect *e)
{
	e->key_id = sou_mp_id(m);
	e->site = sou_mp_id(m);
	e->key = sou_mp_hash(m);
	e->tls = sou_mp_hash(m);
	e->signature = (struct sou_span){sou_mp_fixed(m, SOU_SIGNATURE_BYTES), SOU_SIGNATURE_BYTES};
}

static void read_narrow(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	e->op = sou_mp_hash(m);
	e->site = sou_mp_id(m);
	e->roles = (uint16_t)sou_mp_uint(m, UINT16_MAX);
	e->has_for = read_id_or_nil(m, &e->org);
	e->rest = (uint8_t)clipped(m, UINT8_MAX);
	read_pairs(m, t, e);
}

static void read_grant(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	e->site = sou_mp_id(m);
	e->roles = (uint16_t)sou_mp_uint(m, UINT16_MAX);
	e->reach = (uint8_t)clipped(m, UINT8_MAX);
	e->id = sou_mp_id(m);
	read_after(m, t, e);
}

/* Members of an array after the type; 0 for types that are too new. */
static uint32_t members_of(uint16_t type)
{
	static const uint8_t members[SOU_EFFECT_HUB + 1] = {
		[SOU_EFFECT_KEYS] = 3,       [SOU_EFFECT_ORG] = 6,       [SOU_EFFECT_ORG_NAME] = 4,
		[SOU_EFFECT_ORG_MOVE] = 2,   [SOU_EFFECT_ORG_CLOSE] = 1, [SOU_EFFECT_INVITE] = 5,
		[SOU_EFFECT_INVITE_END] = 1, [SOU_EFFECT_ENROL] = 5,     [SOU_EFFECT_OPEN] = 5,
		[SOU_EFFECT_GRANT] = 5,      [SOU_EFFECT_NARROW] = 6,    [SOU_EFFECT_CUT] = 3,
		[SOU_EFFECT_RECUT] = 4,      [SOU_EFFECT_DECIDE] = 4,    [SOU_EFFECT_REDACT] = 2,
		[SOU_EFFECT_RECOVER] = 0,    [SOU_EFFECT_HUB] = 2,
	};
	return type <= SOU_EFFECT_HUB ? members[type] : 0;
}

static void read_known(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	switch ((enum sou_effect_type)e->type) {
	case SOU_EFFECT_KEYS:
		read_keys(m, t, e);
		break;
	case SOU_EFFECT_ORG:
		read_org(m, e);
		break;
	case SOU_EFFECT_ORG_NAME:
		e->org = sou_mp_id(m);
		e->name = text(m);
		e->short_name = text(m);
		e->text = text(m);
		break;
	case SOU_EFFECT_ORG_MOVE:
		e->org = sou_mp_id(m);
		e->id = sou_mp_id(m);
		break;
	case SOU_EFFECT_ORG_CLOSE:
		e->org = sou_mp_id(m);
		break;
	case SOU_EFFECT_INVITE:
		e->key = sou_mp_hash(m);
		e->org = sou_mp_id(m);
		e->name = text(m);
		e->roles = (uint16_t)sou_mp_uint(m, UINT16_MAX);
		e->number = sou_mp_uint(m, UINT64_MAX);
		break;
	case SOU_EFFECT_INVITE_END:
		e->key_id = sou_mp_id(m);
		break;
	case SOU_EFFECT_ENROL:
		read_enrol(m, e);
		break;
	case SOU_EFFECT_OPEN:
		e->site = sou_mp_id(m);
		e->key = sou_mp_hash(m);
		e->tls = sou_mp_hash(m);
		e->has_org = read_id_or_nil(m, &e->org);
		e->name = text(m);
		break;
	case SOU_EFFECT_GRANT:
		read_grant(m, t, e);
		break;
	case SOU_EFFECT_NARROW:
		read_narrow(m, t, e);
		break;
	case SOU_EFFECT_CUT:
		e->site = sou_mp_id(m);
		e->key_id = sou_mp_id(m);
		read_pairs(m, t, e);
		break;
	case SOU_EFFECT_RECUT:
	case SOU_EFFECT_DECIDE:
		e->site = sou_mp_id(m);
		e->key_id = sou_mp_id(m);
		read_one_pin(m, t, e);
		break;
	case SOU_EFFECT_REDACT:
		read_redact(m, t, e);
		break;
	case SOU_EFFECT_RECOVER:
		break;
	case SOU_EFFECT_HUB:
		e->key = sou_mp_hash(m);
		e->tls = sou_mp_hash(m);
		break;
	}
}

static void read_effect(struct sou_mp *m, struct taker *t, struct sou_effect *e)
{
	*e = (struct sou_effect){0};
	uint32_t members = sou_mp_array(m, UINT32_MAX);
	if (members == 0)
		sou_mp_fail(m, SOU_EFORMAT);
	e->type = (uint16_t)clipped(m, UINT16_MAX);
	if (e->type == 0 || e->type > SOU_EFFECT_HUB) { /* P8.6 */
		for (uint32_t i = 1; i < members && m->rc == SOU_OK; i++)
			(void)sou_mp_any(m, SOU_DEPTH_MAX - 3, UINT32_MAX);
		return;
	}
	if (members != 1 + members_of(e->type))
		sou_mp_fail(m, SOU_EFORMAT);
	read_known(m, t, e);
}

static size_t round_up(size_t n)
{
	return (n + 7) / 8 * 8;
}

/* Effects first, then the lists. A pin takes 19 bytes of an op at least, an id 34. */
static int make_block(struct sou_authop *op, size_t bytes, uint32_t count, struct taker *t)
{
	size_t effects = round_up(count * sizeof *op->effects);
	size_t pins = round_up((bytes / 19 + 1) * sizeof *t->pins);
	size_t ids = (bytes / 34 + 1) * sizeof *t->ids;
	uint8_t *block = malloc(effects + pins + ids + (bytes / 34 + 1) * sizeof *t->indexes);
	if (block == NULL)
		return SOU_ENOMEM;
	op->arena = block;
	op->effects = (struct sou_effect *)(void *)block;
	t->pins = (struct sou_pins *)(void *)(block + effects);
	t->ids = (struct sou_hash *)(void *)(block + effects + pins);
	t->indexes = (uint16_t *)(void *)(block + effects + pins + ids);
	return SOU_OK;
}

/* P8.2 */
static bool is_placed(const struct sou_authop *op)
{
	if (op->tier == SOU_TIER_GENESIS)
		return op->seq == 0 && op->counter == 0 && sou_hash_is_zero(&op->prev);
	return op->seq > 0 && !sou_hash_is_zero(&op->prev) &&
	       (op->counter == 0 || op->tier == SOU_TIER_ROOT);
}

int sou_authop_read(struct sou_authop *out, struct sou_span bytes)
{
	if (bytes.n > SOU_AUTHOP_BYTES_MAX)
		return SOU_ELIMIT;
	int rc = sou_mp_check(bytes); /* P16.2: what it announces is there */
	if (rc != SOU_OK)
		return rc;
	struct sou_authop op = {0};
	struct sou_mp m = sou_mp_over(bytes);
	uint32_t members = sou_mp_array(&m, UINT32_MAX);
	if (sou_mp_uint(&m, UINT64_MAX) != 0 && m.rc == SOU_OK)
		return SOU_ETOONEW;
	if (members != MEMBERS)
		return SOU_EFORMAT;
	op.net = sou_mp_id(&m);
	op.seq = sou_mp_uint(&m, UINT64_MAX);
	op.prev = sou_mp_hash(&m);
	op.tier = (uint8_t)sou_mp_enum(&m, SOU_TIER_HUB);
	op.counter = sou_mp_uint(&m, UINT64_MAX);
	op.effect_count = sou_mp_array(&m, SOU_EFFECTS_MAX);
	if (m.rc != SOU_OK || !is_placed(&op))
		return m.rc != SOU_OK ? m.rc : SOU_EFORMAT;
	struct taker t;
	rc = make_block(&op, bytes.n, op.effect_count, &t);
	if (rc != SOU_OK)
		return rc;
	for (uint32_t i = 0; i < op.effect_count && m.rc == SOU_OK; i++)
		read_effect(&m, &t, &op.effects[i]);
	rc = sou_mp_end(&m);
	if (rc != SOU_OK) {
		sou_authop_fini(&op);
		return rc;
	}
	op.id = sou_authop_id(bytes);
	*out = op;
	return SOU_OK;
}

struct sou_hash sou_authop_id(struct sou_span bytes)
{
	return sou_hash_bytes(SOU_DOMAIN_AUTHORITY_ID, bytes.p, bytes.n);
}
