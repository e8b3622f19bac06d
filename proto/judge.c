/* judge.c - whether a payload that can be read is malformed, too new, or lacking in values (P6.8,
 * P6.9). A pure function of the payload and the header's kind; never of the form in which it is
 * stored. */
#include "payload.h"

#include "limits.h"
#include "schema.h"

static enum sou_mp_type type_at(struct sou_span value)
{
	struct sou_mp m = sou_mp_over(value);
	return sou_mp_peek(&m);
}

/* P7.4: the value has the type of its field. */
static bool fits(const struct sou_field *field, struct sou_span value)
{
	struct sou_mp m = sou_mp_over(value);
	enum sou_mp_type type = sou_mp_peek(&m);
	if (type == SOU_MP_NIL)
		return field->nil;
	switch ((enum sou_type)field->type) {
	case SOU_TYPE_STR:
		return type == SOU_MP_STR;
	case SOU_TYPE_UINT:
		return type == SOU_MP_UINT;
	case SOU_TYPE_LIST:
		return type == SOU_MP_ARRAY;
	case SOU_TYPE_ID:
		return sou_mp_fixed(&m, sizeof(struct sou_id)) != NULL;
	case SOU_TYPE_PLACE:
		(void)sou_mp_bin(&m, SOU_PLACE_BYTES_MIN, SOU_PLACE_BYTES_MAX);
		return m.rc == SOU_OK;
	}
	return false;
}

bool sou_op_lacks(const struct sou_op *op)
{
	if (!op->is_committed)
		return false;
	if (op->went)
		return true;
	if (op->type == SOU_OP_DELETE)
		return type_at(op->value) != SOU_MP_NIL;
	const struct sou_field *field = sou_schema_field(op->kind, op->field);
	return sou_schema_has_op(op->type) && field != NULL && !fits(field, op->value);
}

/* P7.2 */
static bool control_fits(const struct sou_op *op)
{
	struct sou_mp m = sou_mp_over(op->value);
	switch (op->type) {
	case SOU_OP_ADOPT:
	case SOU_OP_ANCHOR: {
		struct sou_mp_list names = sou_mp_names(&m, 32, SOU_NAMES_MAX);
		return m.rc == SOU_OK && names.count > 0;
	}
	case SOU_OP_EPOCH_OPEN:
		return sou_mp_peek(&m) == SOU_MP_STR;
	case SOU_OP_CLOSE:
	case SOU_OP_HEARTBEAT:
		return sou_mp_peek(&m) == SOU_MP_NIL;
	default:
		return true; /* of newer software */
	}
}

static bool is_control_malformed(const struct sou_payload *payload, enum sou_entry_kind kind)
{
	if (payload->op_count != 1 || payload->cites.count > 0 || payload->part != SOU_PART_NONE)
		return true;
	const struct sou_op *op = &payload->ops[0];
	if (!sou_op_is_control(op->type) || !control_fits(op))
		return true;
	if (op->kind != 0 || op->field != 0 || op->replaces.count > 0 ||
	    !sou_id_is_zero(&op->entity))
		return true;
	return (kind == SOU_ENTRY_OPENING) != (op->type == SOU_OP_EPOCH_OPEN);
}

static bool is_op_malformed(const struct sou_op *op)
{
	if (sou_op_is_control(op->type))
		return true;
	if (!sou_schema_has_op(op->type))
		return false;
	if ((op->type == SOU_OP_DELETE) != (op->field == 0))
		return true;
	const struct sou_field *field = sou_schema_field(op->kind, op->field);
	return op->type == SOU_OP_CONSENT && field != NULL && !fits(field, op->value);
}

static bool is_same_key(const struct sou_op *a, const struct sou_op *b)
{
	return a->field == b->field && a->kind == b->kind && sou_id_eq(&a->entity, &b->entity);
}

/* A table of twice as many places as there may be ops: linear but for entities chosen to collide,
 * which cost 512 x 512 / 2 comparisons at the most. */
#define PLACES (2 * SOU_OPS_MAX)
_Static_assert((PLACES & (PLACES - 1)) == 0, "a power of two");

static uint32_t mix(const struct sou_op *op)
{
	uint64_t a, b;
	memcpy(&a, op->entity.b, sizeof a);
	memcpy(&b, op->entity.b + 8, sizeof b);
	a = (a ^ (uint64_t)op->field << 16 ^ op->kind) * UINT64_C(0x9e3779b97f4a7c15);
	a = (a ^ a >> 29 ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(a >> 32);
}

static bool has_twice(const struct sou_payload *payload)
{
	if (payload->op_count < 2)
		return false;
	uint16_t places[PLACES] = {0}; /* op + 1 */
	for (uint32_t i = 0; i < payload->op_count; i++) {
		uint32_t at = mix(&payload->ops[i]) & (PLACES - 1);
		for (; places[at] != 0; at = (at + 1) & (PLACES - 1)) {
			if (is_same_key(&payload->ops[places[at] - 1], &payload->ops[i]))
				return true;
		}
		places[at] = (uint16_t)(i + 1);
	}
	return false;
}

static bool is_too_new(const struct sou_op *op)
{
	if (!sou_schema_has_op(op->type))
		return true;
	if (sou_op_is_control(op->type))
		return false;
	if (op->type == SOU_OP_DELETE)
		return !sou_schema_has_kind(op->kind);
	return sou_schema_field(op->kind, op->field) == NULL;
}

enum sou_body sou_payload_judge(const struct sou_payload *payload, enum sou_entry_kind kind)
{
	bool is_malformed = false, is_newer = false;
	if (kind != SOU_ENTRY_DATA) {
		is_malformed = is_control_malformed(payload, kind);
	} else {
		for (uint32_t i = 0; i < payload->op_count; i++)
			is_malformed |= is_op_malformed(&payload->ops[i]);
		is_malformed = is_malformed || has_twice(payload);
	}
	for (uint32_t i = 0; i < payload->op_count; i++)
		is_newer |= is_too_new(&payload->ops[i]);
	return is_malformed ? SOU_BODY_MALFORMED : is_newer ? SOU_BODY_TOONEW : SOU_BODY_OK;
}
