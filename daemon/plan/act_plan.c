/* act_plan.c - taking in a plan from a document, and opening and closing rounds. A document may be
 * taken in again: only what differs is written, found again by its handles. */
#include <stdlib.h>
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "daemon/plan/places.h"
#include "daemon/plan/when.h"

struct import {
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	struct soud_replica *r;
	struct soud_refusal *why;
	struct sou_id plan_id;
	struct sou_record record; /* of the thing under way; no registers where it is new */
	struct sou_id entity;
	uint16_t kind;
	size_t changed;
	int rc; /* sticky */
};

/* --- one thing: found by its handle, or made --- */

static void begin(struct import *im, uint16_t kind, const struct sou_id *found)
{
	im->kind = kind;
	if (im->rc != SOU_OK)
		return;
	if (found == NULL) {
		im->rc = soud_ops_entity(im->r, kind, &im->entity, im->why);
		sou_record_clear(&im->record, kind, &im->entity);
		return;
	}
	im->entity = *found;
	int rc = soud_store_record(im->look.store, im->plan.scope, kind, found, &im->record);
	if (rc != SOU_OK)
		im->rc = soud_refuse_rc(im->why, rc, NULL);
}

static size_t ops_before(const struct import *im)
{
	return im->ops.list.count;
}

static void count_change(struct import *im, size_t before)
{
	im->changed += im->ops.list.count > before;
}

static const struct sou_register *reg_of(const struct import *im, uint16_t field)
{
	return sou_record_field(&im->record, field);
}

static void set_text(struct import *im, uint16_t field, const char *text)
{
	const char *now;
	const struct sou_register *reg = reg_of(im, field);
	if (im->rc != SOU_OK || text == NULL)
		return;
	if (reg != NULL && !reg->conflict &&
	    soud_look_text(&im->look, im->plan.scope, &im->record, field, &im->pool, &now) ==
		    SOU_OK &&
	    strcmp(now, text) == 0)
		return;
	soud_ops_text(&im->ops, im->kind, &im->entity, field, reg, text);
}

static void set_uint(struct import *im, uint16_t field, uint64_t v)
{
	uint64_t now;
	const struct sou_register *reg = reg_of(im, field);
	if (im->rc != SOU_OK)
		return;
	if (reg != NULL && !reg->conflict &&
	    soud_look_uint(&im->look, im->plan.scope, &im->record, field, &now) == SOU_OK &&
	    now == v)
		return;
	soud_ops_uint(&im->ops, im->kind, &im->entity, field, reg, v);
}

static void set_id(struct import *im, uint16_t field, const struct sou_id *v)
{
	struct sou_id now;
	const struct sou_register *reg = reg_of(im, field);
	if (im->rc != SOU_OK)
		return;
	if (reg != NULL && !reg->conflict &&
	    soud_look_id(&im->look, im->plan.scope, &im->record, field, &now) == SOU_OK &&
	    sou_id_eq(&now, v))
		return;
	soud_ops_id(&im->ops, im->kind, &im->entity, field, reg, v);
}

static void set_list(struct import *im, uint16_t field, struct sou_span canonical)
{
	const struct sou_register *reg = reg_of(im, field);
	struct sou_span now;
	const struct sou_id *live = NULL;
	if (im->rc != SOU_OK)
		return;
	if (reg != NULL && !reg->conflict &&
	    soud_look_live(&im->look, im->plan.scope, &reg->live[0], &now) == SOU_OK &&
	    now.n == canonical.n && memcmp(now.p, canonical.p, now.n) == 0)
		return;
	size_t n = soud_ops_live(&im->ops, reg, &live);
	soud_ops_value(&im->ops, im->kind, &im->entity, field, live, n, canonical);
}

static void set_place(struct import *im, uint16_t field, size_t i, size_t count)
{
	const struct sou_register *reg = reg_of(im, field);
	uint8_t place[SOU_PLACE_BYTES_MAX];
	if (im->rc != SOU_OK || reg != NULL)
		return; /* a person may have moved it since */
	size_t n = sou_place_spread((uint32_t)i, (uint32_t)count, &im->entity, place);
	struct sou_span bytes = {place, n};
	soud_ops_bytes(&im->ops, im->kind, &im->entity, field, NULL, bytes);
}

/* --- reading the document --- */

static void refuse(struct import *im, const char *member, const char *reason)
{
	if (im->rc == SOU_OK)
		im->rc = soud_refuse(im->why, 400, SOU_MSG_IMPORT_DOCUMENT, member, reason);
}

/* A text of the object; "" is none. Absent: NULL, and refused where it must be there. */
static const char *text_of(struct import *im, const json_t *object, const char *member, bool must)
{
	const json_t *v = json_object_get(object, member);
	const char *text = json_string_value(v);
	uint32_t code;
	if (v == NULL || json_is_null(v) || (text != NULL && text[0] == '\0' && !must)) {
		if (must)
			refuse(im, member, "not there");
		return NULL;
	}
	if (text == NULL)
		refuse(im, member, "not a text");
	else if (text[0] == '\0')
		refuse(im, member, "empty");
	else if (strlen(text) > SOU_STR_BYTES_MAX)
		refuse(im, member, "too long");
	else if (strlen(text) != json_string_length(v) || soud_control_at(text, &code) != 0)
		refuse(im, member, "a control character");
	else
		return text;
	return NULL;
}

static bool number_of(struct import *im, const json_t *object, const char *member, uint64_t *out)
{
	const json_t *v = json_object_get(object, member);
	if (v == NULL || json_is_null(v))
		return false;
	if (!json_is_integer(v) || json_integer_value(v) < 0) {
		refuse(im, member, "not a whole number");
		return false;
	}
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static const json_t *array_of(struct import *im, const json_t *object, const char *member)
{
	const json_t *v = json_object_get(object, member);
	if (v != NULL && !json_is_array(v))
		refuse(im, member, "not a list");
	return json_is_array(v) ? v : NULL;
}

/* --- the things of a plan --- */

static void take_plan(struct import *im, const json_t *doc, struct soud_plan_imported *out)
{
	const char *handle = text_of(im, doc, "id", true);
	const struct sou_id *found = NULL;
	size_t before = ops_before(im);
	for (size_t i = 0; handle != NULL && i < im->plan.plan_count; i++)
		if (strcmp(im->plan.plans[i].head.handle, handle) == 0)
			found = &im->plan.plans[i].head.id;
	begin(im, SOU_KIND_PLAN, found);
	set_text(im, SOU_FIELD_PLAN_HANDLE, handle);
	set_text(im, SOU_FIELD_PLAN_OFFICIAL_NAME, text_of(im, doc, "official_name", true));
	set_text(im, SOU_FIELD_PLAN_SHORT_NAME, text_of(im, doc, "short_name", true));
	set_text(im, SOU_FIELD_PLAN_PERIOD_LABEL, text_of(im, doc, "period_label", true));
	set_text(im, SOU_FIELD_PLAN_TABLE_TITLE, text_of(im, doc, "table_title", true));
	uint64_t year;
	if (number_of(im, doc, "first_fiscal_year", &year))
		set_uint(im, SOU_FIELD_PLAN_FIRST_YEAR, year);
	if (number_of(im, doc, "last_fiscal_year", &year))
		set_uint(im, SOU_FIELD_PLAN_LAST_YEAR, year);
	const json_t *labels = array_of(im, doc, "level_labels");
	for (size_t i = 0; i < 2 && i < json_array_size(labels); i++)
		set_text(im, (uint16_t)(SOU_FIELD_PLAN_LEVEL_LABEL_1 + i),
			 json_string_value(json_array_get(labels, i)));
	im->plan_id = im->entity;
	count_change(im, before);
	if (handle != NULL)
		(void)snprintf(out->plan, sizeof out->plan, "%s", handle);
}

static void take_columns(struct import *im, const json_t *list)
{
	size_t count = json_array_size(list);
	for (size_t i = 0; i < count && im->rc == SOU_OK; i++) {
		const json_t *doc = json_array_get(list, i);
		const char *handle = text_of(im, doc, "id", true);
		const struct soud_column *found =
			handle != NULL ? soud_plan_column(&im->plan, &im->plan_id, handle) : NULL;
		size_t before = ops_before(im);
		uint64_t width;
		begin(im, SOU_KIND_COLUMN, found != NULL ? &found->head.id : NULL);
		set_text(im, SOU_FIELD_COLUMN_HANDLE, handle);
		set_text(im, SOU_FIELD_COLUMN_LABEL, text_of(im, doc, "label", true));
		if (number_of(im, doc, "width", &width))
			set_uint(im, SOU_FIELD_COLUMN_WIDTH, width);
		set_place(im, SOU_FIELD_COLUMN_PLACE, i, count);
		set_id(im, SOU_FIELD_COLUMN_PLAN, &im->plan_id);
		count_change(im, before);
	}
}

static void take_round(struct import *im, const json_t *doc)
{
	const char *handle = text_of(im, doc, "id", true);
	const char *as_of = text_of(im, doc, "as_of_date", true);
	const struct soud_round *found = handle != NULL ? soud_plan_round(&im->plan, handle) : NULL;
	size_t before = ops_before(im);
	if (as_of != NULL && !soud_is_date(as_of))
		refuse(im, "as_of_date", "not a date like 2023-08-31");
	begin(im, SOU_KIND_ROUND, found != NULL ? &found->head.id : NULL);
	set_text(im, SOU_FIELD_ROUND_HANDLE, handle);
	set_text(im, SOU_FIELD_ROUND_AS_OF, as_of);
	set_text(im, SOU_FIELD_ROUND_AS_OF_STYLE, text_of(im, doc, "as_of_style", false));
	set_text(im, SOU_FIELD_ROUND_AS_OF_LABEL, text_of(im, doc, "as_of_label", false));
	set_id(im, SOU_FIELD_ROUND_PLAN, &im->plan_id);
	if (found == NULL || found->state < SOUD_ROUND_OPEN)
		set_uint(im, SOU_FIELD_ROUND_STATE, SOUD_ROUND_OPEN);
	count_change(im, before);
}

/* Ids of pillars as this document names them, new ones too. */
struct named {
	const char *handle;
	struct sou_id id;
};

static const struct sou_id *id_named(const struct named *list, size_t count, const char *handle)
{
	for (size_t i = 0; handle != NULL && i < count; i++)
		if (strcmp(list[i].handle, handle) == 0)
			return &list[i].id;
	return NULL;
}

static struct named *take_pillars(struct import *im, const json_t *list)
{
	size_t count = json_array_size(list);
	struct named *names = soud_pool_take(&im->pool, (count + 1) * sizeof *names);
	for (size_t i = 0; i < count && im->rc == SOU_OK && names != NULL; i++) {
		const json_t *doc = json_array_get(list, i);
		const char *handle = text_of(im, doc, "id", true);
		const struct sou_id *found = NULL;
		size_t before = ops_before(im);
		for (size_t k = 0; handle != NULL && k < im->plan.pillar_count; k++)
			if (sou_id_eq(&im->plan.pillars[k].head.plan, &im->plan_id) &&
			    strcmp(im->plan.pillars[k].head.handle, handle) == 0)
				found = &im->plan.pillars[k].head.id;
		begin(im, SOU_KIND_PILLAR, found);
		set_text(im, SOU_FIELD_PILLAR_HANDLE, handle);
		set_text(im, SOU_FIELD_PILLAR_TITLE, text_of(im, doc, "title", true));
		set_text(im, SOU_FIELD_PILLAR_NUMERAL, text_of(im, doc, "numeral", false));
		set_place(im, SOU_FIELD_PILLAR_PLACE, i, count);
		set_id(im, SOU_FIELD_PILLAR_PLAN, &im->plan_id);
		names[i] = (struct named){handle != NULL ? handle : "", im->entity};
		count_change(im, before);
	}
	return names;
}

static void set_responsible(struct import *im, const json_t *list)
{
	struct sou_buf value = {0};
	size_t count = json_array_size(list);
	if (count == 0)
		refuse(im, "organisations", "nobody is responsible");
	sou_mp_put_array(&value, (uint32_t)count * 2);
	for (size_t i = 0; i < count && im->rc == SOU_OK; i++) {
		const json_t *doc = json_array_get(list, i);
		const char *handle = text_of(im, doc, "id", true);
		const char *role = text_of(im, doc, "role", true);
		const struct sou_org *org;
		if (im->rc == SOU_OK)
			im->rc = soud_name_org(&im->look, handle, &org, im->why);
		if (im->rc != SOU_OK)
			break;
		bool lead = strcmp(role, "lead") == 0;
		if (!lead && strcmp(role, "partner") != 0)
			refuse(im, "role", "neither lead nor partner");
		sou_mp_put_id(&value, &org->id);
		sou_mp_put_uint(&value, lead ? 1 : 2);
	}
	im->ops.failed = im->ops.failed || value.failed;
	set_list(im, SOU_FIELD_PROJECT_ORGANISATIONS, sou_buf_span(&value));
	sou_buf_fini(&value);
}

static struct named *take_projects(struct import *im, const json_t *list,
				   const struct named *pillars, size_t pillar_count)
{
	size_t count = json_array_size(list);
	struct named *names = soud_pool_take(&im->pool, (count + 1) * sizeof *names);
	for (size_t i = 0; i < count && im->rc == SOU_OK && names != NULL; i++) {
		const json_t *doc = json_array_get(list, i);
		const char *handle = text_of(im, doc, "id", true);
		const struct sou_id *pillar =
			id_named(pillars, pillar_count, text_of(im, doc, "pillar", true));
		const struct soud_project *found =
			handle != NULL ? soud_plan_project(&im->plan, &im->plan_id, handle) : NULL;
		size_t before = ops_before(im);
		uint64_t page;
		if (pillar == NULL)
			refuse(im, "pillar", "not a pillar of this document");
		begin(im, SOU_KIND_PROJECT, found != NULL ? &found->head.id : NULL);
		set_text(im, SOU_FIELD_PROJECT_HANDLE, handle);
		set_text(im, SOU_FIELD_PROJECT_TITLE, text_of(im, doc, "title", true));
		if (number_of(im, doc, "plan_page", &page))
			set_uint(im, SOU_FIELD_PROJECT_PLAN_PAGE, page);
		set_place(im, SOU_FIELD_PROJECT_PLACE, i, count);
		if (pillar != NULL)
			set_id(im, SOU_FIELD_PROJECT_PILLAR, pillar);
		set_responsible(im, array_of(im, doc, "organisations"));
		set_id(im, SOU_FIELD_PROJECT_PLAN, &im->plan_id);
		names[i] = (struct named){handle != NULL ? handle : "", im->entity};
		count_change(im, before);
	}
	return names;
}

static void take_indicators(struct import *im, const json_t *list, const struct named *projects,
			    size_t project_count)
{
	for (size_t i = 0; i < json_array_size(list) && im->rc == SOU_OK; i++) {
		const json_t *doc = json_array_get(list, i);
		const char *handle = text_of(im, doc, "id", true);
		const struct sou_id *project =
			id_named(projects, project_count, text_of(im, doc, "project", true));
		const struct sou_id *found = NULL;
		size_t before = ops_before(im);
		if (project == NULL)
			refuse(im, "project", "not a project of this document");
		for (size_t k = 0; handle != NULL && k < im->plan.indicator_count; k++)
			if (strcmp(im->plan.indicators[k].head.handle, handle) == 0)
				found = &im->plan.indicators[k].head.id;
		begin(im, SOU_KIND_INDICATOR, found);
		set_text(im, SOU_FIELD_INDICATOR_HANDLE, handle);
		set_text(im, SOU_FIELD_INDICATOR_NAME, text_of(im, doc, "name", true));
		set_text(im, SOU_FIELD_INDICATOR_UNIT, text_of(im, doc, "unit", true));
		set_text(im, SOU_FIELD_INDICATOR_SUM_RULE, text_of(im, doc, "sum_rule", false));
		set_text(im, SOU_FIELD_INDICATOR_KIND, text_of(im, doc, "kind", false));
		if (project != NULL)
			set_id(im, SOU_FIELD_INDICATOR_PROJECT, project);
		count_change(im, before);
	}
}

static void take_document(struct import *im, const json_t *doc, struct soud_plan_imported *out)
{
	const json_t *plan = json_object_get(doc, "plan"), *round = json_object_get(doc, "round");
	const json_t *rounds = array_of(im, doc, "rounds"), *pillars = array_of(im, doc, "pillars");
	const json_t *projects = array_of(im, doc, "projects");
	const json_t *indicators = array_of(im, doc, "indicators");
	if (!json_is_object(plan))
		refuse(im, "plan", "not there");
	if (im->rc != SOU_OK)
		return;
	take_plan(im, plan, out);
	take_columns(im, array_of(im, plan, "columns"));
	if (json_is_object(round))
		take_round(im, round);
	for (size_t i = 0; i < json_array_size(rounds) && im->rc == SOU_OK; i++)
		take_round(im, json_array_get(rounds, i));
	struct named *p = take_pillars(im, pillars);
	struct named *q = take_projects(im, projects, p, json_array_size(pillars));
	take_indicators(im, indicators, q, json_array_size(projects));
	out->rounds = json_array_size(rounds) + (json_is_object(round) ? 1 : 0);
	out->pillars = json_array_size(pillars);
	out->projects = json_array_size(projects);
	out->indicators = json_array_size(indicators);
	out->items_left_out = json_array_size(json_object_get(doc, "items"));
	out->changed = im->changed;
}

static int import_begin(struct import *im, struct soud_replica *r, struct soud_refusal *why)
{
	*im = (struct import){.r = r, .why = why};
	soud_look_replica(&im->look, r);
	struct sou_id scope = sou_scope_id(SOU_SCOPE_PLAN, NULL),
		      hq = sou_authority_hq(im->look.authority);
	int rc = soud_ops_right(&im->look, SOU_SCOPE_PLAN, &scope, SOU_KIND_PLAN, &hq, why);
	if (rc != SOU_OK)
		return rc;
	rc = soud_plan_read(&im->look, &im->pool, &im->plan);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, NULL);
}

static int import_end(struct import *im, const char *by)
{
	struct sou_id scope = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct sou_id hq = sou_authority_hq(im->look.authority);
	int rc = im->rc;
	if (rc == SOU_OK && im->pool.failed)
		rc = soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
	if (rc == SOU_OK)
		rc = soud_ops_act(&im->ops, im->r, &scope, &hq, by, im->why);
	return rc;
}

static void import_fini(struct import *im)
{
	sou_record_fini(&im->record);
	soud_ops_fini(&im->ops);
	soud_pool_fini(&im->pool);
}

int soud_plan_import(struct soud_replica *r, const json_t *document, const char *by,
		     struct soud_plan_imported *out, struct soud_refusal *why)
{
	struct import im;
	int rc = import_begin(&im, r, why);
	if (rc == SOU_OK) {
		*out = (struct soud_plan_imported){.plan = ""};
		take_document(&im, document, out);
		rc = import_end(&im, by);
	}
	import_fini(&im);
	return rc;
}

/* --- rounds --- */

static int change_round(struct soud_replica *r, const char *handle, uint64_t state, const char *due,
			const char *by, struct soud_refusal *why)
{
	struct import im;
	int64_t ms;
	int rc = import_begin(&im, r, why);
	const struct soud_round *round = rc == SOU_OK ? soud_plan_round(&im.plan, handle) : NULL;
	if (rc == SOU_OK && round == NULL)
		rc = soud_refuse(why, 404, SOU_MSG_ROUND_UNKNOWN, handle);
	if (rc == SOU_OK && due != NULL && !soud_when(due, &ms))
		rc = soud_refuse(why, 400, SOU_MSG_IMPORT_DOCUMENT, "due_at", "not a date or time");
	if (rc == SOU_OK) {
		begin(&im, SOU_KIND_ROUND, &round->head.id);
		set_uint(&im, SOU_FIELD_ROUND_STATE, state);
		set_text(&im, SOU_FIELD_ROUND_DUE, due);
		rc = import_end(&im, by);
	}
	import_fini(&im);
	return rc;
}

int soud_round_open(struct soud_replica *r, const char *round, const char *due, const char *by,
		    struct soud_refusal *why)
{
	return change_round(r, round, SOUD_ROUND_OPEN, due, by, why);
}

int soud_round_close(struct soud_replica *r, const char *round, const char *by,
		     struct soud_refusal *why)
{
	return change_round(r, round, SOUD_ROUND_CLOSED, NULL, by, why);
}
