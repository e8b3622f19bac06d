/* act_submit.c - handing in an organisation's part of a project: the exact versions, in print
 * order, and a copy of each text in the same act (R2 Submission, P7.6). */
#include <stdlib.h>
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/history.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "daemon/plan/submission.h"

struct submit {
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	const struct soud_round *round;
	const struct soud_project *project;
	const struct sou_org *org;
	struct soud_item *items;
	size_t count;
	struct soud_content content;
};

static int name_all(struct submit *s, const struct soud_submit *in, struct soud_refusal *why)
{
	int rc = soud_name_round(&s->plan, in->round, &s->round, why);
	if (rc == SOU_OK)
		rc = soud_name_project(&s->plan, s->round, in->project, &s->project, why);
	if (rc == SOU_OK)
		rc = soud_name_org(&s->look, in->org, &s->org, why);
	if (rc == SOU_OK)
		rc = soud_name_responsible(s->project, s->org, why);
	if (rc == SOU_OK)
		rc = soud_ops_right(&s->look, SOU_SCOPE_PROJECT, &s->project->scope,
				    SOU_KIND_SUBMISSION, &s->org->id, why);
	return rc == SOU_OK ? soud_round_takes(s->round, true, why) : rc;
}

/* A held version that nobody settled would be left out in silence. */
static int refuse_held(struct submit *s, const struct soud_item *item, struct soud_refusal *why)
{
	struct sou_record record = {0};
	struct soud_history history;
	char hex[SOUD_HEX_BYTES];
	int rc = soud_item_record(&s->look, item, &record);
	if (rc == SOU_OK)
		rc = soud_history_read(&s->look, item->scope, &record, SOU_FIELD_ITEM_TEXT,
				       &s->pool, &history);
	sou_record_fini(&record);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	for (size_t i = 0; i < history.count; i++) {
		const struct soud_version *v = &history.versions[i];
		if (v->standing && !v->live)
			return soud_refuse(why, 409, SOU_MSG_SUBMISSION_HELD,
					   soud_hex(&item->id, hex),
					   sou_verdict_name((enum sou_verdict)v->verdict));
	}
	return SOU_OK;
}

static int check_items(struct submit *s, struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	json_t *conflicts = json_array();
	int rc = SOU_OK;
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].conflict)
			json_array_append_new(conflicts,
					      json_string(soud_hex(&s->items[i].id, hex)));
	if (json_array_size(conflicts) > 0) {
		const char *first = json_string_value(json_array_get(conflicts, 0));
		rc = soud_refuse(why, 409, SOU_MSG_ITEM_CONFLICT, first);
		soud_refuse_detail(why, "items", conflicts);
		return rc;
	}
	json_decref(conflicts);
	for (size_t i = 0; i < s->count && rc == SOU_OK; i++) {
		if (s->items[i].incomplete || s->items[i].text == NULL)
			return soud_refuse(why, 409, SOU_MSG_SUBMISSION_INCOMPLETE,
					   soud_hex(&s->items[i].id, hex));
		rc = refuse_held(s, &s->items[i], why);
	}
	return rc;
}

static bool column_has_item(const struct submit *s, const struct sou_id *column)
{
	for (size_t i = 0; i < s->count; i++)
		if (sou_id_eq(&s->items[i].column, column))
			return true;
	return false;
}

static bool named_nil(const struct sou_id *nil, size_t count, const struct sou_id *column)
{
	for (size_t i = 0; i < count; i++)
		if (sou_id_eq(&nil[i], column))
			return true;
	return false;
}

/* Each column of the plan has an item or is said to be nil, and never both. */
static int check_columns(struct submit *s, const struct soud_submit *in, struct soud_refusal *why)
{
	struct sou_id *nil = soud_pool_take(&s->pool, (in->nil_count + 1) * sizeof *nil);
	if (nil == NULL)
		return soud_refuse_rc(why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < in->nil_count; i++) {
		const struct soud_column *column;
		int rc = soud_name_column(&s->plan, s->round, in->nil_columns[i], &column, why);
		if (rc != SOU_OK)
			return rc;
		if (column_has_item(s, &column->head.id))
			return soud_refuse(why, 409, SOU_MSG_SUBMISSION_NOT_NIL,
					   in->nil_columns[i]);
		nil[i] = column->head.id;
	}
	json_t *empty = json_array();
	char names[SOUD_REFUSAL_ARGUMENT_BYTES] = "";
	for (size_t i = 0; i < s->plan.column_count; i++) {
		const struct soud_plan_head *head = &s->plan.columns[i].head;
		if (!sou_id_eq(&head->plan, &s->round->head.plan) ||
		    column_has_item(s, &head->id) || named_nil(nil, in->nil_count, &head->id))
			continue;
		json_array_append_new(empty, json_string(head->handle));
		size_t n = strlen(names);
		(void)snprintf(names + n, sizeof names - n, "%s%s", n > 0 ? ", " : "",
			       head->handle);
	}
	if (json_array_size(empty) > 0) {
		int rc = soud_refuse(why, 409, SOU_MSG_SUBMISSION_EMPTY, names);
		soud_refuse_detail(why, "columns", empty);
		return rc;
	}
	json_decref(empty);
	s->content.nil_columns = nil;
	s->content.nil_count = in->nil_count;
	return SOU_OK;
}

static int gather(struct submit *s, const struct soud_submit *in, struct soud_refusal *why)
{
	struct soud_item_filter filter = {
		.round = &s->round->head.id, .project = &s->project->head.id, .org = &s->org->id};
	int rc = soud_items_read(&s->look, &s->plan, &filter, &s->pool, &s->items, &s->count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	rc = check_items(s, why);
	if (rc == SOU_OK)
		rc = check_columns(s, in, why);
	if (rc != SOU_OK)
		return rc;
	struct soud_content_item *list = soud_pool_take(&s->pool, (s->count + 1) * sizeof *list);
	if (list == NULL)
		return soud_refuse_rc(why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < s->count; i++)
		list[i] = (struct soud_content_item){s->items[i].column, s->items[i].id,
						     s->items[i].version};
	s->content.items = list;
	s->content.item_count = s->count;
	return SOU_OK;
}

static int sign(struct submit *s, struct soud_replica *r, const char *by, struct soud_refusal *why)
{
	struct soud_submission now;
	struct sou_record record = {0};
	struct sou_buf value = {0};
	const struct sou_id *live = NULL;
	size_t live_count = 0;
	uint32_t scope;
	bool there;
	int rc = soud_submission_read(&s->look, s->project, &s->org->id, s->round, &s->pool, &now);
	if (rc == SOU_OK && soud_standing_is_done(now.standing) && !now.conflict &&
	    soud_content_eq(&now.content, &s->content))
		return SOU_OK;
	if (rc == SOU_OK)
		rc = soud_look_scope(&s->look, &s->project->scope, &scope, &there);
	struct sou_id entity = sou_entity_of_three(SOU_KIND_SUBMISSION, &s->org->id,
						   &s->project->head.id, &s->round->head.id);
	if (rc == SOU_OK && there) {
		rc = soud_store_record(s->look.store, scope, SOU_KIND_SUBMISSION, &entity, &record);
		if (rc == SOU_OK)
			live_count = soud_ops_live(
				&s->ops, sou_record_field(&record, SOU_FIELD_SUBMISSION_CONTENT),
				&live);
		rc = rc == SOU_EUNKNOWN ? SOU_OK : rc;
	}
	sou_record_fini(&record);
	if (rc == SOU_OK)
		rc = soud_content_pack(&s->content, &value);
	if (rc == SOU_OK) {
		soud_ops_value(&s->ops, SOU_KIND_SUBMISSION, &entity, SOU_FIELD_SUBMISSION_CONTENT,
			       live, live_count, sou_buf_span(&value));
		for (size_t i = 0; i < s->count; i++)
			soud_ops_text(&s->ops, SOU_KIND_COPY, &s->items[i].id, SOU_FIELD_COPY_TEXT,
				      NULL, s->items[i].text);
	}
	sou_buf_fini(&value);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	return soud_ops_act(&s->ops, r, &s->project->scope, &s->org->id, by, why);
}

int soud_submit(struct soud_replica *r, const struct soud_submit *in, struct soud_refusal *why)
{
	struct submit s = {0};
	soud_look_replica(&s.look, r);
	int rc = soud_plan_read(&s.look, &s.pool, &s.plan);
	rc = rc == SOU_OK ? name_all(&s, in, why) : soud_refuse_rc(why, rc, NULL);
	if (rc == SOU_OK)
		rc = gather(&s, in, why);
	if (rc == SOU_OK)
		rc = sign(&s, r, in->by, why);
	soud_ops_fini(&s.ops);
	soud_pool_fini(&s.pool);
	return rc;
}
