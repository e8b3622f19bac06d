/* act_submit.c - an organisation's part of a project goes to headquarters: the list of exact
 * versions, and beside it in the same act a copy of each text (R2, P7.6). */
#include <stdio.h>
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/history.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "daemon/plan/submission.h"
#include "proto/mp.h"

struct submitting {
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	const struct soud_submit *in;
	const struct soud_round *round;
	const struct soud_project *project;
	const struct sou_org *org;
	struct sou_id scope; /* project/<id> */
	const struct soud_item *items;
	size_t item_count;
	struct soud_content content;
};

static int refuse_item(enum sou_msg msg, const struct soud_item *item, struct soud_refusal *why)
{
	char hex[SOUD_HEX_BYTES];
	int rc = soud_refuse(why, 409, msg, soud_hex(&item->id, hex), "");
	soud_refuse_detail(why, "item", json_string(hex));
	return rc;
}

/* All items in conflict are told at once. */
static int check_conflicts(const struct submitting *s, struct soud_refusal *why)
{
	json_t *list = json_array();
	const struct soud_item *first = NULL;
	for (size_t i = 0; i < s->item_count; i++) {
		char hex[SOUD_HEX_BYTES];
		if (!s->items[i].conflict)
			continue;
		if (first == NULL)
			first = &s->items[i];
		json_array_append_new(list, json_string(soud_hex(&s->items[i].id, hex)));
	}
	if (first == NULL) {
		json_decref(list);
		return SOU_OK;
	}
	int rc = refuse_item(SOU_MSG_ITEM_CONFLICT, first, why);
	soud_refuse_detail(why, "items", list);
	return rc;
}

static enum sou_msg held_label(uint8_t verdict)
{
	switch ((enum sou_verdict)verdict) {
	case SOU_HELD_TOO_NEW:
		return SOU_MSG_HELD_TOO_NEW;
	case SOU_HELD_NOT_AUTHENTIC:
		return SOU_MSG_HELD_NOT_AUTHENTIC;
	case SOU_HELD_CUT_BRANCH:
		return SOU_MSG_HELD_CUT_BRANCH;
	case SOU_HELD_CUT:
		return SOU_MSG_HELD_CUT;
	case SOU_HELD_DECIDE:
		return SOU_MSG_HELD_DECIDE;
	case SOU_HELD_FORK:
		return SOU_MSG_HELD_FORK;
	case SOU_HELD_NO_RIGHT:
		return SOU_MSG_HELD_NO_RIGHT;
	case SOU_HELD_GROUND:
		return SOU_MSG_HELD_GROUND;
	case SOU_ACCEPTED:
	case SOU_HELD_NOT_WHOLE:
	case SOU_VERDICT_NONE:
		break;
	}
	return SOU_MSG_HELD_NOT_WHOLE;
}

/* What goes out is whole and accepted: parts that are missing, or a version beside it that is held
 * and that nobody has settled, are for a person first (R1, R9). */
static int check_item(struct submitting *s, const struct soud_item *item, struct soud_refusal *why)
{
	struct sou_record record = {0};
	struct soud_history history = {0};
	if (item->incomplete || (item->text == NULL && !item->redacted))
		return refuse_item(SOU_MSG_SUBMISSION_INCOMPLETE, item, why);
	int rc = soud_item_record(&s->look, item, &record);
	if (rc == SOU_OK)
		rc = soud_history_read(&s->look, item->scope, &record, SOU_FIELD_ITEM_TEXT,
				       &s->pool, &history);
	sou_record_fini(&record);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	for (size_t i = 0; i < history.count; i++) {
		const struct soud_version *v = &history.versions[i];
		if (!v->standing || v->live)
			continue;
		rc = refuse_item(SOU_MSG_SUBMISSION_HELD, item, why);
		soud_refuse_word(why, 1, held_label(v->verdict));
		return rc;
	}
	return SOU_OK;
}

static bool is_named_nil(const struct submitting *s, const struct soud_column *column)
{
	for (size_t i = 0; i < s->in->nil_count; i++) {
		if (strcmp(s->in->nil_columns[i], column->head.handle) == 0)
			return true;
	}
	return false;
}

/* Each column has items or is said to be nil, not both. */
static int check_columns(struct submitting *s, struct soud_refusal *why)
{
	const struct soud_column *column;
	struct soud_list nil = {0};
	json_t *empty = json_array();
	const char *names = "";
	int rc = SOU_OK;
	for (size_t i = 0; i < s->in->nil_count && rc == SOU_OK; i++)
		rc = soud_name_column(&s->plan, s->round, s->in->nil_columns[i], &column, why);
	for (size_t i = 0; i < s->plan.column_count && rc == SOU_OK; i++) {
		column = &s->plan.columns[i];
		size_t filled = 0;
		if (!sou_id_eq(&column->head.plan, &s->round->head.plan))
			continue;
		for (size_t k = 0; k < s->item_count; k++)
			filled += sou_id_eq(&s->items[k].column, &column->head.id);
		if (filled > 0 && is_named_nil(s, column)) {
			rc = soud_refuse(why, 409, SOU_MSG_SUBMISSION_NOT_NIL, column->head.handle);
			soud_refuse_detail(why, "column", json_string(column->head.handle));
		} else if (filled == 0 && is_named_nil(s, column)) {
			struct sou_id *id = soud_list_add(&s->pool, &nil, sizeof *id);
			if (id != NULL)
				*id = column->head.id;
		} else if (filled == 0) {
			names = soud_pool_printf(&s->pool, "%s%s%s", names,
						 names[0] != '\0' ? ", " : "", column->head.handle);
			json_array_append_new(empty, json_string(column->head.handle));
		}
	}
	if (rc == SOU_OK && json_array_size(empty) > 0) {
		rc = soud_refuse(why, 409, SOU_MSG_SUBMISSION_EMPTY, names);
		soud_refuse_detail(why, "columns", json_incref(empty));
	}
	json_decref(empty);
	s->content.nil_columns = nil.members;
	s->content.nil_count = nil.count;
	return rc == SOU_OK && s->pool.failed ? soud_refuse_rc(why, SOU_ENOMEM, NULL) : rc;
}

/* --- Measurements: those of the project's indicators that the organisation has given --- */

static int measure_read(struct submitting *s, uint32_t scope, const struct soud_indicator *n,
			struct soud_list *list)
{
	struct sou_record record = {0};
	struct sou_span value;
	struct sou_id id = sou_entity_of_three(SOU_KIND_MEASUREMENT, &n->head.id, &s->org->id,
					       &s->round->head.id);
	int rc = soud_store_record(s->look.store, scope, SOU_KIND_MEASUREMENT, &id, &record);
	const struct sou_register *reg =
		rc == SOU_OK && !record.hidden
			? sou_record_field(&record, SOU_FIELD_MEASUREMENT_VALUE)
			: NULL;
	if (reg != NULL)
		rc = soud_look_live(&s->look, scope, &reg->live[0], &value);
	if (reg != NULL && rc == SOU_OK) {
		struct sou_mp m = sou_mp_over(value);
		bool negative;
		sou_mp_array_of(&m, 2);
		uint64_t mantissa = sou_mp_int(&m, &negative);
		uint64_t decimals = sou_mp_uint(&m, UINT64_MAX);
		bool fits = sou_mp_end(&m) == SOU_OK && (negative || mantissa <= INT64_MAX);
		struct soud_content_measure *to =
			fits ? soud_list_add(&s->pool, list, sizeof *to) : NULL;
		if (to != NULL) {
			to->indicator = n->head.id;
			to->version = reg->live[0].version;
			memcpy(&to->mantissa, &mantissa, sizeof mantissa);
			to->decimals = decimals;
		}
	}
	sou_record_fini(&record);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int measures_read(struct submitting *s, struct soud_refusal *why)
{
	struct sou_id id = sou_scope_id(SOU_SCOPE_ORG, &s->org->id);
	struct soud_list list = {0};
	uint32_t scope;
	bool there;
	int rc = soud_look_scope(&s->look, &id, &scope, &there);
	for (size_t i = 0; rc == SOU_OK && there && i < s->plan.indicator_count; i++) {
		const struct soud_indicator *n = &s->plan.indicators[i];
		if (sou_id_eq(&n->project, &s->project->head.id))
			rc = measure_read(s, scope, n, &list);
	}
	s->content.measures = list.members;
	s->content.measure_count = list.count;
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, NULL);
}

/* --- The act --- */

static int name_all(struct submitting *s, struct soud_refusal *why)
{
	int rc = soud_name_round(&s->plan, s->in->round, &s->round, why);
	if (rc == SOU_OK)
		rc = soud_name_project(&s->plan, s->round, s->in->project, &s->project, why);
	if (rc == SOU_OK)
		rc = soud_name_org(&s->look, s->in->org, &s->org, why);
	if (rc == SOU_OK)
		rc = soud_name_responsible(s->project, s->org, why);
	if (rc != SOU_OK)
		return rc;
	s->scope = s->project->scope;
	struct sou_id org_scope = sou_scope_id(SOU_SCOPE_ORG, &s->org->id);
	rc = soud_ops_right(&s->look, SOU_SCOPE_PROJECT, &s->scope, SOU_KIND_SUBMISSION,
			    &s->org->id, why);
	if (rc == SOU_OK && !soud_look_may_read(&s->look, &org_scope, NULL, 0))
		rc = soud_refuse(why, 403, SOU_MSG_RIGHT_SCOPE);
	return rc == SOU_OK ? soud_round_takes(s->round, true, why) : rc;
}

static int content_make(struct submitting *s, struct soud_refusal *why)
{
	struct soud_item_filter filter = {
		.round = &s->round->head.id, .project = &s->project->head.id, .org = &s->org->id};
	struct soud_item *items;
	int rc = soud_items_read(&s->look, &s->plan, &filter, &s->pool, &items, &s->item_count);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	s->items = items;
	rc = check_conflicts(s, why);
	for (size_t i = 0; i < s->item_count && rc == SOU_OK; i++)
		rc = check_item(s, &items[i], why);
	if (rc == SOU_OK)
		rc = check_columns(s, why);
	if (rc == SOU_OK)
		rc = measures_read(s, why);
	if (rc != SOU_OK)
		return rc;
	struct soud_content_item *list = soud_pool_take(&s->pool, s->item_count * sizeof *list);
	if (list == NULL)
		return soud_refuse_rc(why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < s->item_count; i++)
		list[i] = (struct soud_content_item){.column = items[i].column,
						     .item = items[i].id,
						     .version = items[i].version};
	s->content.items = list;
	s->content.item_count = s->item_count;
	return SOU_OK;
}

/* Copies first, then the value that says what was submitted, all in one act. */
static int ops_make(struct submitting *s, const struct sou_id *entity,
		    const struct sou_register *replaced, struct soud_refusal *why)
{
	struct sou_buf value = {0};
	const struct sou_id *ids = NULL;
	int rc = soud_content_pack(&s->content, &value);
	if (rc == SOU_ELIMIT) {
		sou_buf_fini(&value);
		rc = soud_refuse(why, 413, SOU_MSG_REQUEST_LIMIT, "", "", "");
		soud_refuse_word(why, 0, SOU_MSG_HEAD_ITEMS);
		soud_refuse_number(why, 1, (SOU_LIST_MAX - 3) / 3);
		soud_refuse_word(why, 2, SOU_MSG_HEAD_ITEMS);
		return rc;
	}
	for (size_t i = 0; i < s->item_count; i++) {
		if (s->items[i].text != NULL)
			soud_ops_text(&s->ops, SOU_KIND_COPY, &s->items[i].id, SOU_FIELD_COPY_TEXT,
				      NULL, s->items[i].text);
	}
	size_t count = soud_ops_live(&s->ops, replaced, &ids);
	soud_ops_value(&s->ops, SOU_KIND_SUBMISSION, entity, SOU_FIELD_SUBMISSION_CONTENT, ids,
		       count, sou_buf_span(&value));
	s->ops.failed = s->ops.failed || rc != SOU_OK;
	sou_buf_fini(&value);
	return SOU_OK;
}

static int submit(struct submitting *s, struct soud_replica *r, struct soud_refusal *why)
{
	struct soud_submission last;
	struct sou_record record = {0};
	int rc = name_all(s, why);
	if (rc == SOU_OK)
		rc = content_make(s, why);
	if (rc != SOU_OK)
		return rc;
	rc = soud_submission_read(&s->look, s->project, &s->org->id, s->round, &s->pool, &last);
	if (rc == SOU_OK && soud_standing_is_done(last.standing) && !last.conflict &&
	    soud_content_eq(&last.content, &s->content)) {
		if (s->in->unchanged != NULL)
			*s->in->unchanged = true;
		return SOU_OK;
	}
	if (rc == SOU_OK && last.scope != 0)
		rc = soud_store_record(s->look.store, last.scope, SOU_KIND_SUBMISSION, &last.entity,
				       &record);
	if (rc == SOU_EUNKNOWN)
		rc = SOU_OK;
	const struct sou_register *reg = sou_record_field(&record, SOU_FIELD_SUBMISSION_CONTENT);
	rc = rc == SOU_OK ? ops_make(s, &last.entity, reg, why) : soud_refuse_rc(why, rc, NULL);
	sou_record_fini(&record);
	if (rc == SOU_OK)
		rc = soud_ops_act(&s->ops, r, &s->scope, &s->org->id, s->in->by, why);
	return rc;
}

int soud_submit(struct soud_replica *r, const struct soud_submit *in, struct soud_refusal *why)
{
	struct submitting s = {.in = in};
	soud_look_replica(&s.look, r);
	int rc = soud_plan_read(&s.look, &s.pool, &s.plan);
	rc = rc == SOU_OK ? submit(&s, r, why) : soud_refuse_rc(why, rc, NULL);
	soud_ops_fini(&s.ops);
	soud_pool_fini(&s.pool);
	return rc;
}
