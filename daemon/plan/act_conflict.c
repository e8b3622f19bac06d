/* act_conflict.c - settling a conflict by a version that names all that stand (R9, domain d-6). */
#include <stdio.h>
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/conflicts.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "proto/mp.h"

/* The one conflict that is meant, of those of this entity. */
static int choose(const struct soud_conflict *list, size_t count, const struct soud_resolve *in,
		  const struct soud_conflict **out, struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES], fields[SOUD_REFUSAL_ARGUMENT_BYTES] = "";
	const struct soud_conflict *found = NULL;
	size_t fits = 0;
	soud_hex(&in->entity, hex);
	for (size_t i = 0; i < count; i++) {
		const char *name = sou_schema_field_name(list[i].kind, list[i].field);
		if (!sou_id_eq(&list[i].entity, &in->entity) ||
		    (in->field != NULL && strcmp(in->field, name) != 0))
			continue;
		size_t n = strlen(fields);
		(void)snprintf(fields + n, sizeof fields - n, "%s%s", n > 0 ? ", " : "", name);
		found = &list[i];
		fits++;
	}
	if (fits == 0)
		return soud_refuse(why, 409, SOU_MSG_CONFLICT_NONE, hex);
	if (fits > 1)
		return soud_refuse(why, 409, SOU_MSG_CONFLICT_FIELDS, fields);
	*out = found;
	return SOU_OK;
}

static int check_base(const struct soud_conflict *c, const struct soud_base *base,
		      struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	size_t seen = 0;
	for (size_t i = 0; i < base->count; i++)
		for (size_t k = 0; k < c->live_count; k++)
			seen += sou_id_eq(&base->versions[i], &c->live[k]);
	if (base->count == 0 || (seen == c->live_count && base->count == seen))
		return SOU_OK;
	return soud_refuse(why, 409, SOU_MSG_ITEM_CHANGED, soud_hex(&c->entity, hex));
}

/* Canonical bytes of what shall stand. */
static int value_of(const struct soud_conflict *c, const struct soud_resolve *in,
		    struct sou_buf *value, struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	if (in->version != NULL) {
		const struct soud_version *v = soud_history_find(&c->history, in->version);
		bool own = false;
		for (size_t k = 0; k < c->live_count; k++)
			own = own || sou_id_eq(in->version, &c->live[k]);
		if (!own || v == NULL || v->value.n == 0)
			return soud_refuse(why, 409, SOU_MSG_CONFLICT_VERSION,
					   soud_hex(in->version, hex));
		sou_buf_put(value, v->value.p, v->value.n);
		return SOU_OK;
	}
	const struct sou_field *field = sou_schema_field(c->kind, c->field);
	if (field == NULL || field->type != SOU_TYPE_STR)
		return soud_refuse(why, 400, SOU_MSG_CONFLICT_NO_TEXT,
				   sou_schema_field_name(c->kind, c->field));
	int rc = soud_check_text(in->text, why);
	if (rc == SOU_OK)
		sou_mp_put_str(value, in->text, strlen(in->text));
	return rc;
}

/* All that stands is named: the live versions, and held ones that nobody settled. */
static size_t standing(const struct soud_conflict *c, struct sou_id ids[SOU_REPLACES_MAX])
{
	size_t n = 0;
	for (size_t k = 0; k < c->live_count && n < SOU_REPLACES_MAX; k++)
		ids[n++] = c->live[k];
	for (size_t i = 0; i < c->history.count && n < SOU_REPLACES_MAX; i++)
		if (c->history.versions[i].standing && !c->history.versions[i].live)
			ids[n++] = c->history.versions[i].version;
	return n;
}

static int resolve(struct soud_look *look, struct soud_plan *plan, struct soud_pool *pool,
		   struct soud_replica *r, const struct soud_resolve *in, struct soud_refusal *why)
{
	struct soud_ops ops = {0};
	struct sou_buf value = {0};
	struct soud_conflict *list;
	const struct soud_conflict *c = NULL;
	struct sou_id ids[SOU_REPLACES_MAX], scope;
	size_t count;
	char hex[SOUD_HEX_BYTES];
	int rc = soud_conflicts_read(look, plan, soud_hex(&in->entity, hex), pool, &list, &count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	rc = choose(list, count, in, &c, why);
	if (rc != SOU_OK)
		return rc;
	scope = sou_scope_id(c->name.kind, &c->name.entity);
	rc = soud_ops_right(look, c->name.kind, &scope, c->kind, &c->for_org, why);
	if (rc == SOU_OK)
		rc = check_base(c, &in->base, why);
	if (rc == SOU_OK)
		rc = value_of(c, in, &value, why);
	if (rc == SOU_OK) {
		size_t n = standing(c, ids);
		ops.failed = value.failed;
		soud_ops_value(&ops, c->kind, &c->entity, c->field, ids, n, sou_buf_span(&value));
		rc = soud_ops_act(&ops, r, &scope, &c->for_org, in->by, why);
	}
	soud_ops_fini(&ops);
	sou_buf_fini(&value);
	return rc;
}

int soud_conflict_resolve(struct soud_replica *r, const struct soud_resolve *in,
			  struct soud_refusal *why)
{
	struct soud_look look;
	struct soud_pool pool = {0};
	struct soud_plan plan;
	soud_look_replica(&look, r);
	int rc = soud_plan_read(&look, &pool, &plan);
	rc = rc == SOU_OK ? resolve(&look, &plan, &pool, r, in, why)
			  : soud_refuse_rc(why, rc, NULL);
	soud_pool_fini(&pool);
	return rc;
}
