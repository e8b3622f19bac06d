/* act_conflict.c - a person settles a conflict by one version that names all that are live (R9,
 * design 4). What is held beside them and seen is named as well. */
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/conflicts.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "daemon/plan/submission.h"
#include "proto/mp.h"

struct resolving {
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	const struct soud_resolve *in;
	const struct soud_conflict *conflict;
};

static int refuse_id(int status, enum sou_msg msg, const struct sou_id *id,
		     struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	int rc = soud_refuse(why, status, msg, soud_hex(id, hex));
	soud_refuse_detail(why, msg == SOU_MSG_CONFLICT_VERSION ? "version" : "item",
			   json_string(hex));
	return rc;
}

/* Which conflict of the entity is meant. */
static int choose(struct resolving *s, struct soud_refusal *why)
{
	struct soud_conflict *all;
	char hex[SOUD_HEX_BYTES];
	size_t count, fitting = 0;
	const char *names = "";
	int rc = soud_conflicts_read(&s->look, &s->plan, soud_hex(&s->in->entity, hex), &s->pool,
				     &all, &count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	for (size_t i = 0; i < count; i++) {
		const char *field = sou_schema_field_name(all[i].kind, all[i].field);
		if (s->in->field != NULL && strcmp(field, s->in->field) != 0)
			continue;
		fitting++;
		s->conflict = &all[i];
		names = soud_pool_printf(&s->pool, "%s%s%s", names, names[0] != '\0' ? ", " : "",
					 field);
	}
	if (fitting == 0)
		return refuse_id(409, SOU_MSG_CONFLICT_NONE, &s->in->entity, why);
	if (fitting > 1)
		return soud_refuse(why, 409, SOU_MSG_CONFLICT_FIELDS, names);
	return SOU_OK;
}

/* The version chosen is one of the conflict's own; the base is just what is live. */
static int check_versions(const struct resolving *s, const struct soud_version **chosen,
			  struct soud_refusal *why)
{
	const struct soud_conflict *c = s->conflict;
	const struct soud_base *base = &s->in->base;
	bool same = base->count == 0 || base->count == c->live_count;
	for (size_t i = 0; i < base->count && same; i++) {
		same = false;
		for (size_t k = 0; k < c->live_count && !same; k++)
			same = sou_id_eq(&base->versions[i], &c->live[k]);
	}
	if (!same)
		return refuse_id(409, SOU_MSG_ITEM_CHANGED, &c->entity, why);
	*chosen = NULL;
	for (size_t k = 0; s->in->version != NULL && k < c->live_count; k++) {
		if (sou_id_eq(s->in->version, &c->live[k]))
			*chosen = soud_history_find(&c->history, s->in->version);
	}
	if (s->in->version != NULL && (*chosen == NULL || (*chosen)->redacted))
		return refuse_id(409, SOU_MSG_CONFLICT_VERSION, s->in->version, why);
	return SOU_OK;
}

static int check_new_text(const struct resolving *s, struct soud_refusal *why)
{
	const struct soud_conflict *c = s->conflict;
	const struct sou_field *field = sou_schema_field(c->kind, c->field);
	if (field == NULL || field->class != SOU_CLASS_TEXT)
		return soud_refuse(why, 409, SOU_MSG_CONFLICT_NO_TEXT,
				   sou_schema_field_name(c->kind, c->field));
	return soud_check_text(s->in->text, why);
}

/* A submission is chosen with its texts: the copies stand in the act of the version, so the new act
 * has them too (P7.6). */
static int copy_ops(struct resolving *s, const struct soud_version *chosen,
		    struct soud_refusal *why)
{
	struct soud_content content = {0};
	int rc = soud_content_read(chosen->value, &s->pool, &content);
	struct soud_submitted *texts = soud_pool_take(&s->pool, content.item_count * sizeof *texts);
	if (rc == SOU_EFORMAT) /* a withdrawal has none */
		return SOU_OK;
	if (rc == SOU_OK && texts == NULL)
		rc = SOU_ENOMEM;
	for (size_t i = 0; i < content.item_count && rc == SOU_OK; i++)
		texts[i].item = content.items[i].item;
	if (rc == SOU_OK)
		rc = soud_copies_read(&s->look, s->conflict->scope, chosen->arrival, &s->pool,
				      texts, content.item_count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	for (size_t i = 0; i < content.item_count; i++) {
		if (texts[i].text != NULL)
			soud_ops_text(&s->ops, SOU_KIND_COPY, &texts[i].item, SOU_FIELD_COPY_TEXT,
				      NULL, texts[i].text);
	}
	return SOU_OK;
}

static int value_op(struct resolving *s, const struct soud_version *chosen)
{
	const struct soud_conflict *c = s->conflict;
	struct sou_id *ids = soud_pool_take(&s->pool, SOU_REPLACES_MAX * sizeof *ids);
	struct sou_buf value = {0};
	size_t n = 0;
	if (ids == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < c->live_count && n < SOU_REPLACES_MAX; i++)
		ids[n++] = c->live[i];
	for (size_t i = 0; i < c->history.count && n < SOU_REPLACES_MAX; i++) {
		const struct soud_version *v = &c->history.versions[i];
		if (v->standing && !v->live)
			ids[n++] = v->version;
	}
	if (chosen != NULL)
		sou_mp_put_raw(&value, chosen->value);
	else
		sou_mp_put_str(&value, s->in->text, strlen(s->in->text));
	int rc = value.failed ? SOU_ENOMEM : SOU_OK;
	soud_ops_value(&s->ops, c->kind, &c->entity, c->field, ids, n, sou_buf_span(&value));
	sou_buf_fini(&value);
	return rc;
}

static int resolve(struct resolving *s, struct soud_replica *r, struct soud_refusal *why)
{
	const struct soud_version *chosen = NULL;
	int rc = choose(s, why);
	if (rc != SOU_OK)
		return rc;
	const struct soud_conflict *c = s->conflict;
	struct sou_id scope = sou_scope_id(c->name.kind, &c->name.entity);
	rc = soud_ops_right(&s->look, c->name.kind, &scope, c->kind, &c->for_org, why);
	if (rc == SOU_OK)
		rc = check_versions(s, &chosen, why);
	if (rc == SOU_OK && chosen == NULL)
		rc = check_new_text(s, why);
	if (rc == SOU_OK && chosen != NULL && c->kind == SOU_KIND_SUBMISSION)
		rc = copy_ops(s, chosen, why);
	if (rc != SOU_OK)
		return rc;
	rc = value_op(s, chosen);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	return soud_ops_act(&s->ops, r, &scope, &c->for_org, s->in->by, why);
}

int soud_conflict_resolve(struct soud_replica *r, const struct soud_resolve *in,
			  struct soud_refusal *why)
{
	struct resolving s = {.in = in};
	SOU_ASSERT((in->version == NULL) != (in->text == NULL)); /* the handler's to see to */
	soud_look_replica(&s.look, r);
	int rc = soud_plan_read(&s.look, &s.pool, &s.plan);
	rc = rc == SOU_OK ? resolve(&s, r, why) : soud_refuse_rc(why, rc, NULL);
	soud_ops_fini(&s.ops);
	soud_pool_fini(&s.pool);
	return rc;
}
