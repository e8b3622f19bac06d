/* plan.c - reads the plan scope by one table: which field goes where. */
#include "daemon/plan/plan.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mp.h"

enum take { TAKE_TEXT, TAKE_NUMBER, TAKE_ID, TAKE_PLACE };

struct target {
	uint16_t kind, field;
	enum take take;
	size_t offset;
};

#define HEAD(kind, type)                                                                           \
	{                                                                                          \
		SOU_KIND_##kind, SOU_FIELD_##kind##_HANDLE, TAKE_TEXT,                             \
			offsetof(struct type, head.handle)                                         \
	}
#define PLACE(kind, type)                                                                          \
	{                                                                                          \
		SOU_KIND_##kind, SOU_FIELD_##kind##_PLACE, TAKE_PLACE,                             \
			offsetof(struct type, head.place)                                          \
	}
#define PLAN(kind, type)                                                                           \
	{                                                                                          \
		SOU_KIND_##kind, SOU_FIELD_##kind##_PLAN, TAKE_ID,                                 \
			offsetof(struct type, head.plan)                                           \
	}
#define T(kind, field, take, type, member)                                                         \
	{                                                                                          \
		SOU_KIND_##kind, SOU_FIELD_##kind##_##field, TAKE_##take,                          \
			offsetof(struct type, member)                                              \
	}

static const struct target targets[] = {
	HEAD(PLAN, soud_one_plan),
	T(PLAN, OFFICIAL_NAME, TEXT, soud_one_plan, official_name),
	T(PLAN, SHORT_NAME, TEXT, soud_one_plan, short_name),
	T(PLAN, PERIOD_LABEL, TEXT, soud_one_plan, period_label),
	T(PLAN, FIRST_YEAR, NUMBER, soud_one_plan, first_year),
	T(PLAN, LAST_YEAR, NUMBER, soud_one_plan, last_year),
	T(PLAN, TABLE_TITLE, TEXT, soud_one_plan, table_title),
	T(PLAN, LEVEL_LABEL_1, TEXT, soud_one_plan, level_label[0]),
	T(PLAN, LEVEL_LABEL_2, TEXT, soud_one_plan, level_label[1]),
	HEAD(PILLAR, soud_pillar),
	PLACE(PILLAR, soud_pillar),
	PLAN(PILLAR, soud_pillar),
	T(PILLAR, TITLE, TEXT, soud_pillar, title),
	T(PILLAR, NUMERAL, TEXT, soud_pillar, numeral),
	HEAD(PROJECT, soud_project),
	PLACE(PROJECT, soud_project),
	PLAN(PROJECT, soud_project),
	T(PROJECT, TITLE, TEXT, soud_project, title),
	T(PROJECT, PLAN_PAGE, NUMBER, soud_project, page),
	T(PROJECT, PILLAR, ID, soud_project, pillar),
	HEAD(COLUMN, soud_column),
	PLACE(COLUMN, soud_column),
	PLAN(COLUMN, soud_column),
	T(COLUMN, LABEL, TEXT, soud_column, label),
	T(COLUMN, WIDTH, NUMBER, soud_column, width),
	HEAD(ROUND, soud_round),
	PLAN(ROUND, soud_round),
	T(ROUND, AS_OF, TEXT, soud_round, as_of),
	T(ROUND, AS_OF_STYLE, TEXT, soud_round, as_of_style),
	T(ROUND, AS_OF_LABEL, TEXT, soud_round, as_of_label),
	T(ROUND, OPENS, TEXT, soud_round, opens),
	T(ROUND, DUE, TEXT, soud_round, due),
	T(ROUND, CLOSES, TEXT, soud_round, closes),
	T(ROUND, STATE, NUMBER, soud_round, state),
	T(ROUND, GRACE_DAYS, NUMBER, soud_round, grace_days),
	T(ROUND, INSTRUCTIONS, TEXT, soud_round, instructions),
	HEAD(INDICATOR, soud_indicator),
	T(INDICATOR, NAME, TEXT, soud_indicator, name),
	T(INDICATOR, UNIT, TEXT, soud_indicator, unit),
	T(INDICATOR, SUM_RULE, TEXT, soud_indicator, sum_rule),
	T(INDICATOR, KIND, TEXT, soud_indicator, kind),
	T(INDICATOR, PROJECT, ID, soud_indicator, project),
};

/* Fill the members of one record; those that are not there stay as they are. */
static int fill(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		struct soud_pool *pool, void *to)
{
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		const struct target *t = &targets[i];
		if (t->kind != record->kind)
			continue;
		void *member = (char *)to + t->offset;
		uint64_t number;
		int rc = SOU_OK;
		switch (t->take) {
		case TAKE_TEXT:
			rc = soud_look_text(look, scope, record, t->field, pool, member);
			break;
		case TAKE_NUMBER:
			rc = soud_look_uint(look, scope, record, t->field, &number);
			if (rc == SOU_OK && number <= INT64_MAX)
				memcpy(member, &number, sizeof number);
			break;
		case TAKE_ID:
			rc = soud_look_id(look, scope, record, t->field, member);
			break;
		case TAKE_PLACE:
			rc = soud_look_place(look, scope, record, pool, t->field, member);
			break;
		}
		if (rc != SOU_OK && rc != SOU_EUNKNOWN)
			return rc;
	}
	return SOU_OK;
}

static void head_init(struct soud_plan_head *head, const struct sou_record *record)
{
	head->id = record->entity;
	head->handle = "";
	head->conflict = record->conflict;
	head->incomplete = record->incomplete;
	if (record->kind == SOU_KIND_PLAN)
		head->plan = record->entity;
}

/* P7.4: (organisation b, role u), … as far as it is so. */
static int responsible_read(struct sou_span value, struct soud_pool *pool, struct soud_list *list)
{
	struct sou_mp m = sou_mp_over(value);
	uint32_t members = sou_mp_array(&m, SOU_LIST_MAX);
	for (uint32_t i = 0; i + 1 < members; i += 2) {
		struct soud_responsible r = {.org = sou_mp_id(&m)};
		r.role = sou_mp_uint(&m, UINT64_MAX);
		if (m.rc != SOU_OK)
			break;
		struct soud_responsible *to = soud_list_add(pool, list, sizeof r);
		if (to == NULL)
			return SOU_ENOMEM;
		*to = r;
	}
	return SOU_OK;
}

static bool listed(const struct soud_list *list, const struct sou_id *org)
{
	const struct soud_responsible *r = list->members;
	for (size_t i = 0; i < list->count; i++) {
		if (sou_id_eq(&r[i].org, org))
			return true;
	}
	return false;
}

/* The list shown first, and whoever stands in every live one (P8.14). A value that went tells of
 * nobody. */
static int project_orgs(const struct soud_look *look, uint32_t scope,
			const struct sou_record *record, struct soud_pool *pool,
			struct soud_project *project)
{
	const struct sou_register *reg = sou_record_field(record, SOU_FIELD_PROJECT_ORGANISATIONS);
	struct soud_list first = {0}, common = {0};
	for (uint32_t i = 0; reg != NULL && i < reg->live_count; i++) {
		struct sou_span value;
		struct soud_list list = {0}, both = {0};
		int rc = soud_look_live(look, scope, &reg->live[i], &value);
		if (rc == SOU_OK)
			rc = responsible_read(value, pool, &list);
		if (rc != SOU_OK && rc != SOU_EUNKNOWN)
			return rc;
		const struct soud_responsible *r = i == 0 ? list.members : common.members;
		size_t count = i == 0 ? list.count : common.count;
		for (size_t k = 0; k < count; k++) {
			if (!listed(&list, &r[k].org))
				continue;
			struct soud_responsible *to = soud_list_add(pool, &both, sizeof *to);
			if (to == NULL)
				return SOU_ENOMEM;
			*to = r[k];
		}
		if (i == 0)
			first = list;
		common = both;
	}
	struct sou_id *readers = soud_pool_take(pool, common.count * sizeof *readers);
	if (readers == NULL)
		return SOU_ENOMEM;
	for (size_t k = 0; k < common.count; k++)
		readers[k] = ((struct soud_responsible *)common.members)[k].org;
	project->orgs = first.members;
	project->org_count = first.count;
	project->readers = readers;
	project->reader_count = common.count;
	return SOU_OK;
}

struct gather {
	const struct soud_look *look;
	struct soud_pool *pool;
	uint32_t scope;
	struct soud_list plans, pillars, projects, columns, rounds, indicators;
};

static int take_project(struct gather *g, const struct sou_record *record)
{
	struct soud_project *project = soud_list_add(g->pool, &g->projects, sizeof *project);
	if (project == NULL)
		return SOU_ENOMEM;
	head_init(&project->head, record);
	project->title = "";
	project->page = SOUD_PLAN_NONE;
	project->scope = sou_scope_id(SOU_SCOPE_PROJECT, &record->entity);
	int rc = fill(g->look, g->scope, record, g->pool, project);
	return rc == SOU_OK ? project_orgs(g->look, g->scope, record, g->pool, project) : rc;
}

/* A new member of the list for the record's kind, with what it has when no field is there. */
static void *member_new(struct gather *g, const struct sou_record *record)
{
	if (record->kind == SOU_KIND_PLAN) {
		struct soud_one_plan *p = soud_list_add(g->pool, &g->plans, sizeof *p);
		if (p != NULL)
			*p = (struct soud_one_plan){.official_name = "",
						    .short_name = "",
						    .period_label = "",
						    .table_title = "",
						    .level_label = {"", ""},
						    .first_year = SOUD_PLAN_NONE,
						    .last_year = SOUD_PLAN_NONE};
		return p;
	}
	if (record->kind == SOU_KIND_PILLAR) {
		struct soud_pillar *p = soud_list_add(g->pool, &g->pillars, sizeof *p);
		if (p != NULL)
			p->title = p->numeral = "";
		return p;
	}
	if (record->kind == SOU_KIND_COLUMN) {
		struct soud_column *c = soud_list_add(g->pool, &g->columns, sizeof *c);
		if (c != NULL)
			*c = (struct soud_column){.label = "", .width = SOUD_PLAN_NONE};
		return c;
	}
	if (record->kind == SOU_KIND_ROUND) {
		struct soud_round *r = soud_list_add(g->pool, &g->rounds, sizeof *r);
		if (r != NULL)
			*r = (struct soud_round){.as_of = "",
						 .as_of_style = "",
						 .as_of_label = "",
						 .instructions = "",
						 .state = SOUD_ROUND_PREPARING,
						 .grace_days = SOUD_PLAN_NONE};
		return r;
	}
	struct soud_indicator *n = soud_list_add(g->pool, &g->indicators, sizeof *n);
	if (n != NULL)
		n->name = n->unit = n->sum_rule = n->kind = "";
	return n;
}

static int take_record(struct gather *g, const struct sou_record *record)
{
	if (record->kind == SOU_KIND_PROJECT)
		return take_project(g, record);
	void *member = member_new(g, record);
	if (member == NULL)
		return SOU_ENOMEM;
	head_init(member, record);
	return fill(g->look, g->scope, record, g->pool, member);
}

static bool is_of_plan(uint16_t kind)
{
	return kind == SOU_KIND_PLAN || kind == SOU_KIND_PILLAR || kind == SOU_KIND_PROJECT ||
	       kind == SOU_KIND_ROUND || kind == SOU_KIND_COLUMN || kind == SOU_KIND_INDICATOR;
}

static int gather_all(struct gather *g, size_t *conflicts)
{
	struct sou_record record = {0};
	struct sou_id after;
	uint16_t after_kind = 0;
	bool begun = false;
	int rc;
	for (;;) {
		rc = soud_store_record_next(g->look->store, g->scope, 0, begun ? &after : NULL,
					    after_kind, &record);
		if (rc != SOU_OK)
			break;
		begun = true;
		after = record.entity;
		after_kind = record.kind;
		if (record.hidden || record.register_count == 0)
			continue;
		*conflicts += record.conflict ? 1 : 0;
		if (!is_of_plan(record.kind))
			continue;
		rc = take_record(g, &record);
		if (rc != SOU_OK)
			break;
	}
	sou_record_fini(&record);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* Members begin with their head. */
static int by_place(const void *a, const void *b)
{
	const struct soud_plan_head *x = a, *y = b;
	return soud_place_cmp(x->place, &x->id, y->place, &y->id);
}

/* Rounds have no place: by as-of date, then by handle. */
static int by_date(const void *a, const void *b)
{
	const struct soud_round *x = a, *y = b;
	int order = strcmp(x->as_of, y->as_of);
	if (order == 0)
		order = strcmp(x->head.handle, y->head.handle);
	return order != 0 ? order : sou_id_cmp(&x->head.id, &y->head.id);
}

/* Nor have indicators. */
static int by_handle(const void *a, const void *b)
{
	const struct soud_plan_head *x = a, *y = b;
	int order = strcmp(x->handle, y->handle);
	return order != 0 ? order : sou_id_cmp(&x->id, &y->id);
}

static void sort(struct soud_list *list, size_t bytes, int (*cmp)(const void *, const void *))
{
	if (list->count > 1)
		qsort(list->members, list->count, bytes, cmp);
}

int soud_plan_read(const struct soud_look *look, struct soud_pool *pool, struct soud_plan *out)
{
	struct sou_id scope = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct gather g = {.look = look, .pool = pool};
	struct soud_plan p = {0};
	bool there;
	int rc = soud_look_scope(look, &scope, &g.scope, &there);
	if (rc == SOU_OK && there)
		rc = gather_all(&g, &p.conflict_count);
	if (rc != SOU_OK)
		return rc;
	sort(&g.plans, sizeof(struct soud_one_plan), by_place);
	sort(&g.pillars, sizeof(struct soud_pillar), by_place);
	sort(&g.projects, sizeof(struct soud_project), by_place);
	sort(&g.columns, sizeof(struct soud_column), by_place);
	sort(&g.rounds, sizeof(struct soud_round), by_date);
	sort(&g.indicators, sizeof(struct soud_indicator), by_handle);
	p.scope = g.scope;
	p.plans = g.plans.members;
	p.pillars = g.pillars.members;
	p.projects = g.projects.members;
	p.columns = g.columns.members;
	p.rounds = g.rounds.members;
	p.indicators = g.indicators.members;
	p.plan_count = g.plans.count;
	p.pillar_count = g.pillars.count;
	p.project_count = g.projects.count;
	p.column_count = g.columns.count;
	p.round_count = g.rounds.count;
	p.indicator_count = g.indicators.count;
	*out = p;
	return SOU_OK;
}
