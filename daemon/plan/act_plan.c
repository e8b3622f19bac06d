/* act_plan.c - taking in plan, columns, rounds, pillars, projects and indicators from one JSON
 * document (docs/api.md, POST /v1/plan/import). Everything is found again by its handle, and only
 * what differs is written, as one act: repeating an import writes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/value.h"
#include "daemon/plan/acts.h"
#include "daemon/plan/ops.h"
#include "daemon/plan/places.h"
#include "daemon/plan/plan.h"
#include "daemon/plan/when.h"
#include "proto/mp.h"

#define PATH_BYTES   128u
#define MEMBER_BYTES 64u

enum want { WANT_TEXT, WANT_NUMBER, WANT_DATE, WANT_TIME };

struct member { /* of a document's object, and the field that it goes to */
	uint16_t field;
	enum want want;
	bool needed;
	const char *name;
};

static const struct member plan_members[] = {
	{SOU_FIELD_PLAN_OFFICIAL_NAME, WANT_TEXT, true, "official_name"},
	{SOU_FIELD_PLAN_SHORT_NAME, WANT_TEXT, true, "short_name"},
	{SOU_FIELD_PLAN_PERIOD_LABEL, WANT_TEXT, true, "period_label"},
	{SOU_FIELD_PLAN_FIRST_YEAR, WANT_NUMBER, true, "first_fiscal_year"},
	{SOU_FIELD_PLAN_LAST_YEAR, WANT_NUMBER, true, "last_fiscal_year"},
	{SOU_FIELD_PLAN_TABLE_TITLE, WANT_TEXT, true, "table_title"},
};
static const struct member column_members[] = {
	{SOU_FIELD_COLUMN_LABEL, WANT_TEXT, true, "label"},
	{SOU_FIELD_COLUMN_WIDTH, WANT_NUMBER, false, "width"},
};
static const struct member round_members[] = {
	{SOU_FIELD_ROUND_AS_OF, WANT_DATE, true, "as_of_date"},
	{SOU_FIELD_ROUND_AS_OF_STYLE, WANT_TEXT, false, "as_of_style"},
	{SOU_FIELD_ROUND_AS_OF_LABEL, WANT_TEXT, false, "as_of_label"},
	{SOU_FIELD_ROUND_OPENS, WANT_TIME, false, "opens_at"},
	{SOU_FIELD_ROUND_DUE, WANT_TIME, false, "due_at"},
	{SOU_FIELD_ROUND_CLOSES, WANT_TIME, false, "closes_at"},
	{SOU_FIELD_ROUND_GRACE_DAYS, WANT_NUMBER, false, "grace_days"},
	{SOU_FIELD_ROUND_INSTRUCTIONS, WANT_TEXT, false, "instructions"},
};
static const struct member pillar_members[] = {
	{SOU_FIELD_PILLAR_TITLE, WANT_TEXT, true, "title"},
	{SOU_FIELD_PILLAR_NUMERAL, WANT_TEXT, false, "numeral"},
};
static const struct member project_members[] = {
	{SOU_FIELD_PROJECT_TITLE, WANT_TEXT, true, "title"},
	{SOU_FIELD_PROJECT_PLAN_PAGE, WANT_NUMBER, false, "plan_page"},
};
static const struct member indicator_members[] = {
	{SOU_FIELD_INDICATOR_NAME, WANT_TEXT, true, "name"},
	{SOU_FIELD_INDICATOR_UNIT, WANT_TEXT, false, "unit"},
	{SOU_FIELD_INDICATOR_SUM_RULE, WANT_TEXT, false, "sum_rule"},
	{SOU_FIELD_INDICATOR_KIND, WANT_TEXT, false, "kind"},
};

struct list_kind { /* one list of the document */
	const char *name;
	uint16_t kind, handle_field, place_field, plan_field; /* 0: has no such field */
	const struct member *members;
	size_t member_count;
	const char *others; /* names that are read elsewhere */
};

#define MEMBERS(list) list, sizeof(list) / sizeof *(list)
static const struct list_kind plan_kind = {"plan", SOU_KIND_PLAN,         SOU_FIELD_PLAN_HANDLE, 0,
					   0,      MEMBERS(plan_members), "level_labels columns"};
static const struct list_kind column_kind = {"columns",
					     SOU_KIND_COLUMN,
					     SOU_FIELD_COLUMN_HANDLE,
					     SOU_FIELD_COLUMN_PLACE,
					     SOU_FIELD_COLUMN_PLAN,
					     MEMBERS(column_members),
					     ""};
static const struct list_kind round_kind = {"rounds", SOU_KIND_ROUND,       SOU_FIELD_ROUND_HANDLE,
					    0,        SOU_FIELD_ROUND_PLAN, MEMBERS(round_members),
					    ""};
static const struct list_kind pillar_kind = {"pillars",
					     SOU_KIND_PILLAR,
					     SOU_FIELD_PILLAR_HANDLE,
					     SOU_FIELD_PILLAR_PLACE,
					     SOU_FIELD_PILLAR_PLAN,
					     MEMBERS(pillar_members),
					     "order"};
static const struct list_kind project_kind = {"projects",
					      SOU_KIND_PROJECT,
					      SOU_FIELD_PROJECT_HANDLE,
					      SOU_FIELD_PROJECT_PLACE,
					      SOU_FIELD_PROJECT_PLAN,
					      MEMBERS(project_members),
					      "pillar order organisations"};
static const struct list_kind indicator_kind = {"indicators",
						SOU_KIND_INDICATOR,
						SOU_FIELD_INDICATOR_HANDLE,
						0,
						0,
						MEMBERS(indicator_members),
						"project"};

struct taken { /* one object of the document, and the record that it is */
	const char *handle;
	struct sou_id id;
	bool is_new, changed;
	struct sou_span place; /* as it stands */
	size_t group, index;   /* in print order: pillar of a project; place in the document */
	int64_t order;
};

struct importing {
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	struct soud_replica *replica;
	struct sou_record record; /* of the object at hand; empty where it is new */
	struct soud_refusal *why;
	struct sou_id plan_id;
	size_t changed;
	char path[PATH_BYTES]; /* of what is at hand, for the refusal */
};

static int refuse(struct importing *im, const char *member, enum sou_msg reason)
{
	char where[PATH_BYTES + MEMBER_BYTES];
	size_t n = strnlen(member, MEMBER_BYTES);
	if (n == MEMBER_BYTES) { /* a name that nobody knows may be long: cut at a character */
		n--;
		while (n > 0 && ((unsigned char)member[n] & 0xC0) == 0x80)
			n--;
	}
	snprintf(where, sizeof where, "%s%s%.*s", im->path, im->path[0] != '\0' && n > 0 ? "." : "",
		 (int)n, member);
	int rc = soud_refuse(im->why, 422, SOU_MSG_IMPORT_DOCUMENT, where, "");
	soud_refuse_word(im->why, 1, reason);
	soud_refuse_detail(im->why, "member", json_string(where));
	return rc;
}

static bool word_in(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; *p != '\0'; p += strspn(p, " ")) {
		size_t m = strcspn(p, " ");
		if (m == n && memcmp(p, word, n) == 0)
			return true;
		p += m;
	}
	return false;
}

/* A member that nobody reads is a slip of the pen, and told. */
static int check_names(struct importing *im, const json_t *object, const struct list_kind *kind)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)object, name, value) {
		bool known = strcmp(name, "id") == 0 || word_in(kind->others, name);
		for (size_t i = 0; i < kind->member_count && !known; i++)
			known = strcmp(kind->members[i].name, name) == 0;
		if (!known)
			return refuse(im, name, SOU_MSG_REASON_EXTRA);
	}
	return SOU_OK;
}

/* Write the field where it is not so already. */
static void field_set(struct importing *im, struct taken *t, uint16_t kind, uint16_t field,
		      const struct sou_buf *value)
{
	const struct sou_register *reg = sou_record_field(&im->record, field);
	const struct sou_id *ids = NULL;
	struct sou_span stands;
	if (reg != NULL && !reg->conflict &&
	    soud_look_live(&im->look, im->plan.scope, &reg->live[0], &stands) == SOU_OK &&
	    stands.n == value->n && memcmp(stands.p, value->p, value->n) == 0)
		return;
	size_t count = soud_ops_live(&im->ops, reg, &ids);
	im->ops.failed = im->ops.failed || value->failed;
	soud_ops_value(&im->ops, kind, &t->id, field, ids, count, sou_buf_span(value));
	im->changed += t->changed ? 0 : 1;
	t->changed = true;
}

static void id_set(struct importing *im, struct taken *t, uint16_t kind, uint16_t field,
		   const struct sou_id *id)
{
	struct sou_buf value = {0};
	sou_mp_put_id(&value, id);
	field_set(im, t, kind, field, &value);
	sou_buf_fini(&value);
}

static void text_set(struct importing *im, struct taken *t, uint16_t kind, uint16_t field,
		     const char *text)
{
	struct sou_buf value = {0};
	sou_mp_put_str(&value, text, strlen(text));
	field_set(im, t, kind, field, &value);
	sou_buf_fini(&value);
}

static void number_set(struct importing *im, struct taken *t, uint16_t kind, uint16_t field,
		       uint64_t number)
{
	struct sou_buf value = {0};
	sou_mp_put_uint(&value, number);
	field_set(im, t, kind, field, &value);
	sou_buf_fini(&value);
}

/* A text of the document; SOU_EUNKNOWN with *out NULL where it is left out. */
static int text_get(struct importing *im, const json_t *object, const struct member *m,
		    const char **out)
{
	const json_t *value = json_object_get(object, m->name);
	uint32_t code;
	*out = json_string_value(value);
	if (value == NULL || json_is_null(value))
		return m->needed ? refuse(im, m->name, SOU_MSG_REASON_MISSING) : SOU_OK;
	if (*out == NULL)
		return refuse(im, m->name, SOU_MSG_REASON_TYPE);
	if (json_string_length(value) > SOU_STR_BYTES_MAX)
		return refuse(im, m->name, SOU_MSG_REASON_LONG);
	if (soud_control_at(*out, &code) != 0)
		return refuse(im, m->name, SOU_MSG_REASON_CONTROL);
	return SOU_OK;
}

static int member_take(struct importing *im, struct taken *t, const json_t *object, uint16_t kind,
		       const struct member *m)
{
	const json_t *value = json_object_get(object, m->name);
	const char *text = NULL;
	int64_t ms;
	if (m->want == WANT_NUMBER) {
		if (value == NULL || json_is_null(value))
			return m->needed ? refuse(im, m->name, SOU_MSG_REASON_MISSING) : SOU_OK;
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return refuse(im, m->name, SOU_MSG_REASON_TYPE);
		number_set(im, t, kind, m->field, (uint64_t)json_integer_value(value));
		return SOU_OK;
	}
	int rc = text_get(im, object, m, &text);
	if (rc != SOU_OK || text == NULL)
		return rc;
	if ((m->want == WANT_DATE && !soud_is_date(text)) ||
	    (m->want == WANT_TIME && !soud_when(text, &ms)))
		return refuse(im, m->name, SOU_MSG_REASON_DATE);
	text_set(im, t, kind, m->field, text);
	return SOU_OK;
}

/* The record that bears this handle already; NULL: none. */
static const struct soud_plan_head *find(const struct importing *im, const struct list_kind *kind,
					 const char *handle)
{
	const struct soud_plan *p = &im->plan;
	const struct sou_id *plan = &im->plan_id;
	const struct soud_plan_head *found = NULL;
	if (kind->kind == SOU_KIND_COLUMN) {
		const struct soud_column *c = soud_plan_column(p, plan, handle);
		return c != NULL ? &c->head : NULL;
	}
	if (kind->kind == SOU_KIND_PROJECT) {
		const struct soud_project *c = soud_plan_project(p, plan, handle);
		return c != NULL ? &c->head : NULL;
	}
	if (kind->kind == SOU_KIND_ROUND) {
		const struct soud_round *c = soud_plan_round(p, handle);
		return c != NULL ? &c->head : NULL;
	}
	for (size_t i = 0; i < p->plan_count && kind->kind == SOU_KIND_PLAN; i++) {
		const struct soud_plan_head *head = &p->plans[i].head;
		if (strcmp(head->handle, handle) == 0 &&
		    (found == NULL || sou_id_cmp(&head->id, &found->id) < 0))
			found = head;
	}
	for (size_t i = 0; i < p->pillar_count && kind->kind == SOU_KIND_PILLAR; i++) {
		const struct soud_plan_head *head = &p->pillars[i].head;
		if (sou_id_eq(&head->plan, plan) && strcmp(head->handle, handle) == 0 &&
		    (found == NULL || sou_id_cmp(&head->id, &found->id) < 0))
			found = head;
	}
	for (size_t i = 0; i < p->indicator_count && kind->kind == SOU_KIND_INDICATOR; i++) {
		const struct soud_plan_head *head = &p->indicators[i].head;
		if (strcmp(head->handle, handle) == 0 &&
		    (found == NULL || sou_id_cmp(&head->id, &found->id) < 0))
			found = head;
	}
	return found;
}

/* Find or make the record of one object, and write the fields of its table. */
static int object_take(struct importing *im, const json_t *object, const struct list_kind *kind,
		       struct taken *t)
{
	if (!json_is_object(object))
		return refuse(im, "", SOU_MSG_REASON_TYPE);
	const json_t *id = json_object_get(object, "id");
	if (id == NULL)
		return refuse(im, "id", SOU_MSG_REASON_MISSING);
	if (!json_is_string(id) ||
	    !soud_value_is_line(json_string_value(id), json_string_length(id),
				SOU_HTTP_LINE_BYTES_MAX))
		return refuse(im, "id", SOU_MSG_REASON_TYPE);
	t->handle = json_string_value(id);
	const struct soud_plan_head *head = find(im, kind, t->handle);
	int rc = check_names(im, object, kind);
	if (rc == SOU_OK && head == NULL) {
		t->is_new = true;
		rc = soud_ops_entity(im->replica, kind->kind, &t->id, im->why);
		if (rc == SOU_OK)
			sou_record_clear(&im->record, kind->kind, &t->id);
	} else if (rc == SOU_OK) {
		t->id = head->id;
		t->place = head->place;
		rc = soud_store_record(im->look.store, im->plan.scope, kind->kind, &t->id,
				       &im->record);
		rc = rc == SOU_OK ? SOU_OK : soud_refuse_rc(im->why, rc, NULL);
	}
	if (rc != SOU_OK)
		return rc;
	if (kind->kind == SOU_KIND_PLAN)
		im->plan_id = t->id;
	text_set(im, t, kind->kind, kind->handle_field, t->handle);
	if (kind->plan_field != 0)
		id_set(im, t, kind->kind, kind->plan_field, &im->plan_id);
	for (size_t i = 0; i < kind->member_count && rc == SOU_OK; i++)
		rc = member_take(im, t, object, kind->kind, &kind->members[i]);
	return rc;
}

/* What a list's objects have beside the table. */
typedef int extra_cb(struct importing *im, const json_t *object, struct taken *t,
		     const struct soud_list *others);

/* All objects of a list (NULL: there is none). `others`: the list that these refer to. */
static int list_take(struct importing *im, const json_t *list, const struct list_kind *kind,
		     extra_cb *extra, const struct soud_list *others, struct soud_list *out)
{
	size_t i;
	json_t *object;
	im->path[0] = '\0';
	if (list == NULL)
		return SOU_OK;
	if (!json_is_array(list))
		return refuse(im, kind->name, SOU_MSG_REASON_TYPE);
	json_array_foreach ((json_t *)list, i, object) {
		struct taken *t = soud_list_add(&im->pool, out, sizeof *t);
		if (t == NULL)
			return soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
		snprintf(im->path, sizeof im->path, "%s[%zu]", kind->name, i);
		t->index = i;
		t->order = (int64_t)i;
		int rc = object_take(im, object, kind, t);
		if (rc == SOU_OK && extra != NULL)
			rc = extra(im, object, t, others);
		if (rc != SOU_OK)
			return rc;
		const struct taken *all = out->members;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(all[k].handle, t->handle) == 0)
				return refuse(im, "id", SOU_MSG_REASON_TWICE);
		}
	}
	im->path[0] = '\0';
	return SOU_OK;
}

static int order_get(struct importing *im, const json_t *object, struct taken *t)
{
	const json_t *order = json_object_get(object, "order");
	if (order == NULL)
		return SOU_OK;
	if (!json_is_integer(order))
		return refuse(im, "order", SOU_MSG_REASON_TYPE);
	t->order = (int64_t)json_integer_value(order);
	return SOU_OK;
}

/* The object of another list that a member names by handle. */
static int refer(struct importing *im, const json_t *object, const char *member,
		 const struct soud_list *others, const struct taken **out, size_t *index)
{
	const json_t *value = json_object_get(object, member);
	const struct taken *all = others->members;
	if (value == NULL)
		return refuse(im, member, SOU_MSG_REASON_MISSING);
	if (!json_is_string(value))
		return refuse(im, member, SOU_MSG_REASON_TYPE);
	for (size_t i = 0; i < others->count; i++) {
		if (strcmp(all[i].handle, json_string_value(value)) != 0)
			continue;
		*out = &all[i];
		*index = i;
		return SOU_OK;
	}
	return refuse(im, member, SOU_MSG_REASON_UNKNOWN);
}

static int responsible_get(struct importing *im, const json_t *entry, struct sou_id *org,
			   uint64_t *role)
{
	const char *handle = json_string_value(json_object_get(entry, "id"));
	const char *name = json_string_value(json_object_get(entry, "role"));
	if (handle == NULL ||
	    (name != NULL && strcmp(name, "lead") != 0 && strcmp(name, "partner") != 0))
		return refuse(im, "organisations", SOU_MSG_REASON_TYPE);
	struct sou_span text = {(const uint8_t *)handle, strlen(handle)};
	const struct sou_org *found = sou_authority_org_handle(im->look.authority, text);
	if (found == NULL)
		return refuse(im, "organisations", SOU_MSG_REASON_UNKNOWN);
	*org = found->id;
	*role = name != NULL && strcmp(name, "lead") == 0 ? 1 : 2;
	return SOU_OK;
}

static int orgs_take(struct importing *im, const json_t *object, struct taken *t)
{
	const json_t *list = json_object_get(object, "organisations");
	size_t count = json_array_size(list);
	struct sou_buf value = {0};
	if (!json_is_array(list) || count == 0 || count > SOU_LIST_MAX / 2)
		return refuse(im, "organisations",
			      list == NULL ? SOU_MSG_REASON_MISSING : SOU_MSG_REASON_TYPE);
	struct sou_id *orgs = soud_pool_take(&im->pool, count * sizeof *orgs);
	if (orgs == NULL)
		return soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
	int rc = SOU_OK;
	sou_mp_put_array(&value, (uint32_t)count * 2);
	for (size_t i = 0; i < count && rc == SOU_OK; i++) {
		uint64_t role = 0;
		rc = responsible_get(im, json_array_get(list, i), &orgs[i], &role);
		for (size_t k = 0; k < i && rc == SOU_OK; k++) {
			if (sou_id_eq(&orgs[k], &orgs[i]))
				rc = refuse(im, "organisations", SOU_MSG_REASON_TWICE);
		}
		sou_mp_put_id(&value, &orgs[i]);
		sou_mp_put_uint(&value, role);
	}
	if (rc == SOU_OK)
		field_set(im, t, SOU_KIND_PROJECT, SOU_FIELD_PROJECT_ORGANISATIONS, &value);
	sou_buf_fini(&value);
	return rc;
}

static int project_extra(struct importing *im, const json_t *object, struct taken *t,
			 const struct soud_list *pillars)
{
	const struct taken *pillar = NULL;
	int rc = refer(im, object, "pillar", pillars, &pillar, &t->group);
	if (rc == SOU_OK) {
		id_set(im, t, SOU_KIND_PROJECT, SOU_FIELD_PROJECT_PILLAR, &pillar->id);
		rc = order_get(im, object, t);
	}
	return rc == SOU_OK ? orgs_take(im, object, t) : rc;
}

static int pillar_extra(struct importing *im, const json_t *object, struct taken *t,
			const struct soud_list *others)
{
	(void)others;
	return order_get(im, object, t);
}

/* A round that the import makes is open; one that is there already stays as it is. */
static int round_extra(struct importing *im, const json_t *object, struct taken *t,
		       const struct soud_list *others)
{
	(void)object;
	(void)others;
	if (t->is_new)
		number_set(im, t, SOU_KIND_ROUND, SOU_FIELD_ROUND_STATE, SOUD_ROUND_OPEN);
	return SOU_OK;
}

static int indicator_extra(struct importing *im, const json_t *object, struct taken *t,
			   const struct soud_list *projects)
{
	const struct taken *project = NULL;
	size_t index;
	int rc = refer(im, object, "project", projects, &project, &index);
	if (rc == SOU_OK)
		id_set(im, t, SOU_KIND_INDICATOR, SOU_FIELD_INDICATOR_PROJECT, &project->id);
	return rc;
}

static int by_order(const void *a, const void *b)
{
	const struct taken *const *x = a, *const *y = b;
	if ((*x)->group != (*y)->group)
		return (*x)->group < (*y)->group ? -1 : 1;
	if ((*x)->order != (*y)->order)
		return (*x)->order < (*y)->order ? -1 : 1;
	return (*x)->index < (*y)->index ? -1 : (*x)->index > (*y)->index;
}

/* Place keys so that the list stands in the document's order. */
static int list_place(struct importing *im, const struct list_kind *kind,
		      const struct soud_list *list)
{
	struct taken *all = list->members;
	struct taken **sorted = soud_pool_take(&im->pool, list->count * sizeof *sorted);
	struct soud_placed *placed = soud_pool_take(&im->pool, list->count * sizeof *placed);
	if (sorted == NULL || placed == NULL)
		return soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < list->count; i++)
		sorted[i] = &all[i];
	if (list->count > 1)
		qsort(sorted, list->count, sizeof(*sorted), by_order);
	for (size_t i = 0; i < list->count; i++)
		placed[i] =
			(struct soud_placed){.entity = sorted[i]->id, .place = sorted[i]->place};
	int rc = soud_places_assign(placed, list->count, &im->pool);
	for (size_t i = 0; i < list->count && rc == SOU_OK; i++) {
		struct sou_buf value = {0};
		if (!placed[i].changed)
			continue;
		sou_record_clear(&im->record, kind->kind, &sorted[i]->id);
		if (!sorted[i]->is_new)
			rc = soud_store_record(im->look.store, im->plan.scope, kind->kind,
					       &sorted[i]->id, &im->record);
		sou_mp_put_bin(&value, placed[i].place.p, placed[i].place.n);
		if (rc == SOU_OK)
			field_set(im, sorted[i], kind->kind, kind->place_field, &value);
		sou_buf_fini(&value);
	}
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(im->why, rc, NULL);
}

static int plan_take(struct importing *im, const json_t *document, struct taken *t)
{
	static const uint16_t fields[] = {SOU_FIELD_PLAN_LEVEL_LABEL_1,
					  SOU_FIELD_PLAN_LEVEL_LABEL_2};
	const json_t *plan = json_object_get(document, "plan");
	if (plan == NULL)
		return refuse(im, "plan", SOU_MSG_REASON_MISSING);
	snprintf(im->path, sizeof im->path, "plan");
	int rc = object_take(im, plan, &plan_kind, t);
	const json_t *labels = json_object_get(plan, "level_labels");
	if (rc == SOU_OK && labels != NULL &&
	    (!json_is_array(labels) || json_array_size(labels) > 2))
		rc = refuse(im, "level_labels", SOU_MSG_REASON_TYPE);
	for (size_t i = 0; rc == SOU_OK && i < 2 && i < json_array_size(labels); i++) {
		const char *text = json_string_value(json_array_get(labels, i));
		uint32_t code;
		if (text == NULL || strlen(text) > SOU_STR_BYTES_MAX ||
		    soud_control_at(text, &code) != 0)
			return refuse(im, "level_labels", SOU_MSG_REASON_TYPE);
		text_set(im, t, SOU_KIND_PLAN, fields[i], text);
	}
	return rc;
}

/* `round` is one, `rounds` are several. */
static int rounds_take(struct importing *im, const json_t *document, struct soud_list *out)
{
	json_t *one = json_object_get(document, "round");
	const json_t *list = json_object_get(document, "rounds");
	if (one == NULL)
		return list_take(im, list, &round_kind, round_extra, NULL, out);
	if (list != NULL)
		return refuse(im, "round", SOU_MSG_REASON_TWICE);
	json_t *wrapped = json_pack("[O]", one);
	int rc = wrapped != NULL ? list_take(im, wrapped, &round_kind, round_extra, NULL, out)
				 : soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
	json_decref(wrapped);
	return rc;
}

static int top_names(struct importing *im, const json_t *document)
{
	static const char known[] =
		"plan round rounds pillars projects items indicators measurements";
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)document, name, value) {
		if (!word_in(known, name))
			return refuse(im, name, SOU_MSG_REASON_EXTRA);
	}
	return SOU_OK;
}

static int take_all(struct importing *im, const json_t *document, struct soud_plan_imported *out)
{
	struct taken plan = {0};
	struct soud_list columns = {0}, rounds = {0}, pillars = {0}, projects = {0},
			 indicators = {0};
	int rc = top_names(im, document);
	if (rc == SOU_OK)
		rc = plan_take(im, document, &plan);
	if (rc == SOU_OK)
		rc = list_take(im, json_object_get(json_object_get(document, "plan"), "columns"),
			       &column_kind, NULL, NULL, &columns);
	if (rc == SOU_OK)
		rc = rounds_take(im, document, &rounds);
	if (rc == SOU_OK)
		rc = list_take(im, json_object_get(document, "pillars"), &pillar_kind, pillar_extra,
			       NULL, &pillars);
	if (rc == SOU_OK)
		rc = list_take(im, json_object_get(document, "projects"), &project_kind,
			       project_extra, &pillars, &projects);
	if (rc == SOU_OK)
		rc = list_take(im, json_object_get(document, "indicators"), &indicator_kind,
			       indicator_extra, &projects, &indicators);
	if (rc == SOU_OK)
		rc = list_place(im, &column_kind, &columns);
	if (rc == SOU_OK)
		rc = list_place(im, &pillar_kind, &pillars);
	if (rc == SOU_OK)
		rc = list_place(im, &project_kind, &projects);
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_plan_imported){
		.rounds = rounds.count,
		.pillars = pillars.count,
		.projects = projects.count,
		.indicators = indicators.count,
		.items_left_out = json_array_size(json_object_get(document, "items")),
		.changed = im->changed};
	snprintf(out->plan, sizeof out->plan, "%s", plan.handle);
	return SOU_OK;
}

int soud_plan_import(struct soud_replica *r, const json_t *document, const char *by,
		     struct soud_plan_imported *out, struct soud_refusal *why)
{
	struct importing im = {.replica = r, .why = why};
	struct soud_plan_imported imported;
	struct sou_id scope = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	soud_look_replica(&im.look, r);
	struct sou_id hq = sou_authority_hq(im.look.authority);
	int rc = soud_plan_read(&im.look, &im.pool, &im.plan);
	rc = rc == SOU_OK
		     ? soud_ops_right(&im.look, SOU_SCOPE_PLAN, &scope, SOU_KIND_PLAN, &hq, why)
		     : soud_refuse_rc(why, rc, NULL);
	if (rc == SOU_OK)
		rc = take_all(&im, document, &imported);
	if (rc == SOU_OK)
		rc = soud_ops_act(&im.ops, r, &scope, &hq, by, why);
	if (rc == SOU_OK)
		*out = imported;
	sou_record_fini(&im.record);
	soud_ops_fini(&im.ops);
	soud_pool_fini(&im.pool);
	return rc;
}
