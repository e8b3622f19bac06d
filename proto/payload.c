/* payload.c - read, hash and redact (P6.1 - P6.7). */
#include "payload.h"

#include <stdlib.h>

#include "crypto.h"
#include "limits.h"
#include "schema.h"

#define MEMBERS       7u
#define OP_MEMBERS    6u
#define OP_ROOM_FIRST 8u

static const uint8_t nil_byte = 0xc0;

void sou_payload_fini(struct sou_payload *payload)
{
	if (payload == NULL)
		return;
	free(payload->ops);
	*payload = (struct sou_payload){0};
}

/* Redacted form: the salt or commitment of the next committed value; NULL after an error. */
static const uint8_t *next_secret(struct sou_mp *salts, bool *went)
{
	struct sou_span s = sou_mp_bin(salts, 16, 32);
	if (s.n != 16 && s.n != 32)
		sou_mp_fail(salts, SOU_EFORMAT);
	*went = s.n == 32;
	return salts->rc == SOU_OK ? s.p : NULL;
}

static bool is_nil(struct sou_span value)
{
	return value.n == 1 && value.p[0] == nil_byte;
}

/* Room for one more op, for what was received and not for what was announced (P16.2). */
static bool make_room(struct sou_payload *payload, uint32_t used)
{
	if (used < payload->op_room)
		return true;
	uint32_t room = payload->op_room == 0 ? OP_ROOM_FIRST : 2 * payload->op_room;
	struct sou_op *ops = realloc(payload->ops, room * sizeof *ops);
	if (ops == NULL)
		return false;
	payload->ops = ops;
	payload->op_room = room;
	return true;
}

static void read_op(struct sou_mp *m, struct sou_mp *salts, uint8_t form, struct sou_op *op)
{
	const uint8_t *start = m->p;
	sou_mp_array_of(m, OP_MEMBERS);
	op->type = (uint16_t)sou_mp_uint(m, SOU_NUMBER_MAX);
	op->kind = (uint16_t)sou_mp_uint(m, SOU_NUMBER_MAX);
	op->entity = sou_mp_id(m);
	op->field = (uint16_t)sou_mp_uint(m, SOU_NUMBER_MAX);
	op->before = (struct sou_span){start, (size_t)(m->p - start)};
	op->value = sou_mp_any(m, 1, SOU_LIST_MAX);
	start = m->p;
	op->replaces = sou_mp_names(m, 16, SOU_REPLACES_MAX);
	op->after = (struct sou_span){start, (size_t)(m->p - start)};
	op->is_committed = sou_op_is_committed(op->type);
	op->went = false;
	op->secret = NULL;
	if (form == SOU_FORM_REDACTED && op->is_committed && m->rc == SOU_OK) {
		op->secret = next_secret(salts, &op->went);
		if (op->went && !is_nil(op->value))
			sou_mp_fail(m, SOU_EFORMAT);
	}
}

static int read_ops(struct sou_payload *payload, struct sou_mp *m, struct sou_mp *salts)
{
	uint32_t count = sou_mp_array(m, SOU_OPS_MAX);
	payload->op_count = 0;
	payload->committed_count = 1;
	for (uint32_t i = 0; i < count && m->rc == SOU_OK; i++) {
		if (!make_room(payload, i))
			return SOU_ENOMEM;
		read_op(m, salts, payload->form, &payload->ops[i]);
		payload->committed_count += payload->ops[i].is_committed;
		payload->op_count++;
	}
	return SOU_OK;
}

static void read_by(struct sou_payload *payload, struct sou_mp *m, struct sou_mp *salts)
{
	payload->by_went = false;
	payload->by_secret = NULL;
	if (payload->form == SOU_FORM_REDACTED)
		payload->by_secret = next_secret(salts, &payload->by_went);
	const uint8_t *start = m->p;
	if (payload->by_went) {
		sou_mp_nil(m);
		payload->by = (struct sou_span){start, 0};
	} else {
		payload->by = sou_mp_str(m, SOU_BY_BYTES_MAX);
	}
	payload->by_value = (struct sou_span){start, (size_t)(m->p - start)};
}

static void read_part(struct sou_payload *payload, struct sou_mp *m)
{
	payload->parts = (struct sou_mp_list){NULL, 0, 32};
	if (sou_mp_peek(m) != SOU_MP_ARRAY) {
		payload->part = (uint8_t)sou_mp_enum(m, SOU_PART_IS);
		return;
	}
	payload->part = SOU_PART_CLOSES;
	payload->parts = sou_mp_names(m, 32, SOU_PARTS_MAX);
	if (payload->parts.count == 0)
		sou_mp_fail(m, SOU_EFORMAT);
}

int sou_payload_read(struct sou_payload *payload, struct sou_span bytes)
{
	SOU_ASSERT(payload != NULL);
	if (bytes.n > SOU_REDACTED_BYTES_MAX)
		return SOU_ELIMIT;
	struct sou_mp m = sou_mp_over(bytes), salts = sou_mp_over((struct sou_span){NULL, 0});
	sou_mp_array_of(&m, MEMBERS);
	payload->bytes = bytes;
	payload->form = (uint8_t)sou_mp_enum(&m, SOU_FORM_REDACTED);
	payload->salt = NULL;
	if (payload->form == SOU_FORM_FULL) {
		if (bytes.n > SOU_PAYLOAD_BYTES_MAX)
			sou_mp_fail(&m, SOU_ELIMIT);
		payload->salt = sou_mp_fixed(&m, SOU_SALT_BYTES);
	} else {
		salts = sou_mp_over(sou_mp_any(&m, 1, SOU_OPS_MAX + 1));
		(void)sou_mp_array(&salts, SOU_OPS_MAX + 1);
	}
	payload->for_org = sou_mp_id(&m);
	read_by(payload, &m, &salts);
	const uint8_t *start = m.p;
	payload->cites = sou_mp_names(&m, 32, SOU_CITES_MAX);
	read_part(payload, &m);
	payload->middle = (struct sou_span){start, (size_t)(m.p - start)};
	int rc = read_ops(payload, &m, &salts);
	if (rc != SOU_OK)
		return rc;
	rc = sou_mp_end(&m);
	return rc != SOU_OK ? rc : sou_mp_end(&salts);
}

/* Salt and value, or the commitment itself where the value went (P6.4, P6.5). */
static struct sou_hash commitment(const struct sou_payload *payload, uint32_t index,
				  const uint8_t *secret, bool went, struct sou_span value)
{
	struct sou_hash hash;
	if (went) {
		memcpy(hash.b, secret, sizeof hash.b);
		return hash;
	}
	uint8_t salt[SOU_SALT_BYTES];
	if (payload->form == SOU_FORM_FULL)
		sou_salt(payload->salt, index, salt);
	else
		memcpy(salt, secret, sizeof salt);
	const struct sou_span parts[2] = {{salt, sizeof salt}, value};
	return sou_hash_parts(SOU_DOMAIN_COMMIT, parts, 2);
}

int sou_payload_hash(const struct sou_payload *payload, struct sou_buf *scratch,
		     struct sou_hash *out)
{
	sou_buf_clear(scratch);
	sou_mp_put_array(scratch, 5);
	sou_mp_put_id(scratch, &payload->for_org);
	struct sou_hash c =
		commitment(payload, 0, payload->by_secret, payload->by_went, payload->by_value);
	sou_mp_put_hash(scratch, &c);
	sou_mp_put_raw(scratch, payload->middle);
	sou_mp_put_array(scratch, payload->op_count);
	for (uint32_t i = 0; i < payload->op_count; i++) {
		const struct sou_op *op = &payload->ops[i];
		sou_mp_put_raw(scratch, op->before);
		if (op->is_committed) {
			c = commitment(payload, i + 1, op->secret, op->went, op->value);
			sou_mp_put_hash(scratch, &c);
		} else {
			sou_mp_put_raw(scratch, op->value);
		}
		sou_mp_put_raw(scratch, op->after);
	}
	if (scratch->failed)
		return SOU_ENOMEM;
	*out = sou_hash_bytes(SOU_DOMAIN_PAYLOAD, scratch->p, scratch->n);
	return SOU_OK;
}

static bool has_index(const uint16_t *indices, size_t count, uint32_t index)
{
	for (size_t i = 0; i < count; i++) {
		if (indices[i] == index)
			return true;
	}
	return false;
}

/* One member of the redacted form's salts. */
static void put_secret(struct sou_buf *out, const struct sou_payload *payload, uint32_t index,
		       const uint8_t *secret, bool went, bool goes, struct sou_span value)
{
	if (went || goes) {
		struct sou_hash c = commitment(payload, index, secret, went, value);
		sou_mp_put_hash(out, &c);
		return;
	}
	uint8_t salt[SOU_SALT_BYTES];
	if (payload->form == SOU_FORM_FULL)
		sou_salt(payload->salt, index, salt);
	else
		memcpy(salt, secret, sizeof salt);
	sou_mp_put_bin(out, salt, sizeof salt);
}

int sou_payload_redact(const struct sou_payload *payload, const uint16_t *indices, size_t count,
		       struct sou_buf *out)
{
	bool goes = has_index(indices, count, 0);
	sou_mp_put_array(out, MEMBERS);
	sou_mp_put_uint(out, SOU_FORM_REDACTED);
	sou_mp_put_array(out, payload->committed_count);
	put_secret(out, payload, 0, payload->by_secret, payload->by_went, goes, payload->by_value);
	for (uint32_t i = 0; i < payload->op_count; i++) {
		const struct sou_op *op = &payload->ops[i];
		if (op->is_committed)
			put_secret(out, payload, i + 1, op->secret, op->went,
				   has_index(indices, count, i + 1), op->value);
	}
	sou_mp_put_id(out, &payload->for_org);
	if (goes || payload->by_went)
		sou_mp_put_nil(out);
	else
		sou_mp_put_raw(out, payload->by_value);
	sou_mp_put_raw(out, payload->middle);
	sou_mp_put_array(out, payload->op_count);
	for (uint32_t i = 0; i < payload->op_count; i++) {
		const struct sou_op *op = &payload->ops[i];
		sou_mp_put_raw(out, op->before);
		if (op->is_committed && has_index(indices, count, i + 1))
			sou_mp_put_nil(out);
		else
			sou_mp_put_raw(out, op->value);
		sou_mp_put_raw(out, op->after);
	}
	return out->failed ? SOU_ENOMEM : SOU_OK;
}
