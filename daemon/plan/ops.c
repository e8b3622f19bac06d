/* ops.c - from what a person did to signed entries. */
#include "daemon/plan/ops.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "proto/mp.h"

void soud_ops_fini(struct soud_ops *ops)
{
	sou_buf_fini(&ops->value);
	soud_pool_fini(&ops->pool);
	*ops = (struct soud_ops){0};
}

size_t soud_ops_live(struct soud_ops *ops, const struct sou_register *reg,
		     const struct sou_id **out)
{
	size_t count = reg == NULL                          ? 0
		       : reg->live_count > SOU_REPLACES_MAX ? SOU_REPLACES_MAX
							    : reg->live_count;
	struct sou_id *ids = soud_pool_take(&ops->pool, count * sizeof *ids);
	if (ids == NULL) {
		ops->failed = true;
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		ids[i] = reg->live[i].version;
	*out = ids;
	return count;
}

static void add(struct soud_ops *ops, uint16_t type, uint16_t kind, const struct sou_id *entity,
		uint16_t field, const struct sou_id *replaces, size_t replace_count,
		struct sou_span value)
{
	struct sou_draft_op *op = soud_list_add(&ops->pool, &ops->list, sizeof *op);
	if (op == NULL) {
		ops->failed = true;
		return;
	}
	*op = (struct sou_draft_op){.type = type,
				    .kind = kind,
				    .field = field,
				    .entity = *entity,
				    .value = soud_pool_bytes(&ops->pool, value),
				    .replaces = replaces,
				    .replace_count = (uint32_t)replace_count};
}

void soud_ops_value(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity,
		    uint16_t field, const struct sou_id *replaces, size_t replace_count,
		    struct sou_span value)
{
	add(ops, SOU_OP_SET, kind, entity, field, replaces, replace_count, value);
}

/* What stands packed in ops->value becomes an op. */
static void add_packed(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity,
		       uint16_t field, const struct sou_register *replaced)
{
	const struct sou_id *ids = NULL;
	size_t count = soud_ops_live(ops, replaced, &ids);
	ops->failed = ops->failed || ops->value.failed;
	if (!ops->failed)
		add(ops, SOU_OP_SET, kind, entity, field, ids, count, sou_buf_span(&ops->value));
	sou_buf_clear(&ops->value);
}

void soud_ops_text(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		   const struct sou_register *replaced, const char *text)
{
	sou_mp_put_str(&ops->value, text, strlen(text));
	add_packed(ops, kind, entity, field, replaced);
}

void soud_ops_uint(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		   const struct sou_register *replaced, uint64_t v)
{
	sou_mp_put_uint(&ops->value, v);
	add_packed(ops, kind, entity, field, replaced);
}

void soud_ops_id(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		 const struct sou_register *replaced, const struct sou_id *v)
{
	sou_mp_put_id(&ops->value, v);
	add_packed(ops, kind, entity, field, replaced);
}

void soud_ops_bytes(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity,
		    uint16_t field, const struct sou_register *replaced, struct sou_span bytes)
{
	sou_mp_put_bin(&ops->value, bytes.p, bytes.n);
	add_packed(ops, kind, entity, field, replaced);
}

void soud_ops_nil(struct soud_ops *ops, uint16_t kind, const struct sou_id *entity, uint16_t field,
		  const struct sou_register *replaced)
{
	sou_mp_put_nil(&ops->value);
	add_packed(ops, kind, entity, field, replaced);
}

void soud_ops_delete(struct soud_ops *ops, const struct sou_record *record)
{
	struct sou_id *ids = soud_pool_take(&ops->pool, SOU_REPLACES_MAX * sizeof *ids);
	size_t count = 0;
	if (ids == NULL) {
		ops->failed = true;
		return;
	}
	for (uint32_t i = 0; i < record->register_count; i++) {
		const struct sou_register *reg = &record->registers[i];
		for (uint32_t k = 0; k < reg->live_count && count < SOU_REPLACES_MAX; k++) {
			bool there = false; /* one entry writes several fields */
			for (size_t n = 0; n < count && !there; n++)
				there = sou_id_eq(&ids[n], &reg->live[k].version);
			if (!there)
				ids[count++] = reg->live[k].version;
		}
	}
	struct sou_span nil = {0};
	add(ops, SOU_OP_DELETE, record->kind, &record->entity, 0, ids, count, nil);
}

/* What stops a site from signing at all, in words. */
static int refuse_signing(struct soud_replica *r, const struct sou_id *scope, int rc,
			  const struct sou_err *err, struct soud_refusal *why)
{
	const struct soud_identity *self = soud_replica_identity(r);
	const struct sou_authority *authority = soud_replica_authority(r);
	const struct sou_line *line = sou_authority_site(authority, &self->site);
	if (rc == SOU_ERIGHT)
		return soud_refuse(why, 403, SOU_MSG_RIGHT_NOT_EFFECTIVE, err->text);
	if (rc == SOU_ELIMIT) {
		rc = soud_refuse(why, 413, SOU_MSG_REQUEST_LIMIT, "P6.1", "", "");
		soud_refuse_word(why, 2, SOU_MSG_UNIT_BYTES);
		soud_refuse_number(why, 1, SOU_PAYLOAD_BYTES_MAX);
		return rc;
	}
	if (rc == SOU_EDENIED)
		return soud_refuse(why, 503, SOU_MSG_REPLICA_DAMAGED, err->text);
	if (soud_replica_broken(r) || rc != SOU_ESTATE)
		return soud_refuse_rc(why, rc, err);
	if (scope != NULL && soud_replica_own_damaged(r, scope))
		return soud_refuse(why, 503, SOU_MSG_REPLICA_OWN_DAMAGED);
	if (soud_replica_unconfirmed(r) != SOUD_FENCE_AGREES)
		return soud_refuse(why, 503, SOU_MSG_REPLICA_UNCONFIRMED);
	if (line == NULL)
		return soud_refuse_rc(why, rc, err);
	if (sou_authority_key_withdrawn(authority, &self->site, &line->key_id))
		return soud_refuse(why, 403, SOU_MSG_RIGHT_WITHDRAWN);
	return soud_refuse(why, 409, SOU_MSG_FEED_STOPPED);
}

int soud_ops_act(struct soud_ops *ops, struct soud_replica *r, const struct sou_id *scope,
		 const struct sou_id *for_org, const char *by, struct soud_refusal *why)
{
	struct sou_err err = {0};
	if (ops->failed || ops->pool.failed)
		return soud_refuse_rc(why, SOU_ENOMEM, NULL);
	if (ops->list.count == 0)
		return SOU_OK;
	struct soud_act act = {.scope = *scope,
			       .for_org = *for_org,
			       .by = {(const uint8_t *)by, strlen(by)},
			       .ops = ops->list.members,
			       .op_count = (uint32_t)ops->list.count};
	int rc = soud_replica_act(r, &act, 1, NULL, &err);
	return rc == SOU_OK ? SOU_OK : refuse_signing(r, scope, rc, &err, why);
}

int soud_ops_right(const struct soud_look *look, enum sou_scope_kind scope_kind,
		   const struct sou_id *scope, uint16_t kind, const struct sou_id *for_org,
		   struct soud_refusal *why)
{
	const struct sou_line *line = sou_authority_site(look->authority, &look->self->site);
	if (line != NULL &&
	    sou_authority_key_withdrawn(look->authority, &line->site, &line->key_id))
		return soud_refuse(why, 403, SOU_MSG_RIGHT_WITHDRAWN);
	uint32_t needed = sou_schema_roles(scope_kind, SOU_OP_SET, kind);
	uint32_t held = sou_authority_roles(look->authority, &look->self->site, scope, for_org);
	if ((needed & held) != 0)
		return SOU_OK;
	struct sou_id hq = sou_authority_hq(look->authority);
	bool of_plan = scope_kind == SOU_SCOPE_PLAN;
	const struct sou_org *org = sou_authority_org(look->authority, of_plan ? &hq : for_org);
	char name[SOUD_REFUSAL_ARGUMENT_BYTES] = "-";
	if (org != NULL)
		snprintf(name, sizeof name, "%.*s", (int)org->name.n, (const char *)org->name.p);
	uint32_t first = needed & (~needed + 1);
	const char *role = sou_role_name((enum sou_role)first);
	char id[64];
	enum sou_msg label;
	int rc = soud_refuse(why, 403, SOU_MSG_RIGHT_NONE, role, name);
	(void)snprintf(id, sizeof id, "role.%s", role);
	if (sou_msg_find(id, &label))
		soud_refuse_word(why, 0, label);
	soud_refuse_detail(why, "role", json_string(role));
	soud_refuse_detail(why, "clause", json_string("P7.5"));
	return rc;
}

int soud_ops_entity(struct soud_replica *r, uint16_t kind, struct sou_id *out,
		    struct soud_refusal *why)
{
	int rc = soud_replica_entity(r, kind, out);
	return rc == SOU_OK ? SOU_OK : refuse_signing(r, NULL, rc, soud_replica_error(r), why);
}

size_t soud_control_at(const char *text, uint32_t *code)
{
	size_t n = strlen(text), place = 0;
	for (size_t i = 0; i < n;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
							 (utf8proc_ssize_t)(n - i), &c);
		place++;
		if (step <= 0 || (c < 0x20 && c != '\n') || (c >= 0x7F && c <= 0x9F)) {
			*code = step <= 0 ? (unsigned char)text[i] : (uint32_t)c;
			return place;
		}
		i += (size_t)step;
	}
	return 0;
}

int soud_check_text(const char *text, struct soud_refusal *why)
{
	uint32_t code;
	size_t n = strlen(text), characters = 0;
	if (n == 0)
		return soud_refuse(why, 400, SOU_MSG_TEXT_EMPTY);
	for (size_t i = 0; i < n; i++)
		characters += ((unsigned char)text[i] & 0xC0) != 0x80;
	if (n > SOU_STR_BYTES_MAX) {
		int rc = soud_refuse(why, 413, SOU_MSG_TEXT_LONG, "", "", "");
		soud_refuse_number(why, 0, characters);
		soud_refuse_number(why, 1, n);
		soud_refuse_number(why, 2, SOU_STR_BYTES_MAX);
		return rc;
	}
	size_t place = soud_control_at(text, &code);
	if (place == 0)
		return SOU_OK;
	char name[16];
	snprintf(name, sizeof name, "U+%04X", code);
	int rc = soud_refuse(why, 400, SOU_MSG_TEXT_CONTROL, "", name);
	soud_refuse_number(why, 0, place);
	soud_refuse_detail(why, "place", json_integer((json_int_t)place));
	soud_refuse_detail(why, "code", json_string(name));
	return rc;
}
