/* json.c - names, ids and times, and the shapes of plan, rounds and organisations. */
#include "daemon/plan/json.h"

#include <string.h>

#include "daemon/daemon.h"

json_t *soud_json_id(const struct sou_id *id)
{
	char hex[SOUD_HEX_BYTES];
	return json_string(soud_hex(id, hex));
}

json_t *soud_json_time(int64_t ms)
{
	char text[SOUD_TIME_TEXT_BYTES];
	if (ms < 0)
		return json_null();
	soud_time_text(ms, text);
	return json_string(text);
}

json_t *soud_json_span(struct sou_span text)
{
	return json_stringn((const char *)text.p, text.n);
}

static json_t *handle_or_id(const char *handle, const struct sou_id *id)
{
	return handle != NULL && handle[0] != '\0' ? json_string(handle) : soud_json_id(id);
}

json_t *soud_json_org(const struct soud_json *j, const struct sou_id *org)
{
	const struct sou_org *o = sou_authority_org(j->look->authority, org);
	return o != NULL && o->handle.n > 0 ? soud_json_span(o->handle) : soud_json_id(org);
}

json_t *soud_json_project(const struct soud_json *j, const struct sou_id *project)
{
	const struct soud_project *p = soud_plan_project_id(j->plan, project);
	return handle_or_id(p != NULL ? p->head.handle : NULL, project);
}

json_t *soud_json_column(const struct soud_json *j, const struct sou_id *column)
{
	const struct soud_column *c = soud_plan_column_id(j->plan, column);
	return handle_or_id(c != NULL ? c->head.handle : NULL, column);
}

json_t *soud_json_round_name(const struct soud_json *j, const struct sou_id *round)
{
	const struct soud_round *r = soud_plan_round_id(j->plan, round);
	return handle_or_id(r != NULL ? r->head.handle : NULL, round);
}

const char *soud_delivery_name(enum soud_delivery_state state)
{
	switch (state) {
	case SOUD_HELD_HERE:
		return "held";
	case SOUD_LOCAL:
		return "local";
	case SOUD_QUEUED:
		return "queued";
	case SOUD_RECEIVED:
		break;
	}
	return "received";
}

/* --- Plan --- */

static const char *round_state_name(int64_t state)
{
	static const char *const names[] = {"preparing", "open", "closed", "finalised"};
	return state >= SOUD_ROUND_PREPARING && state <= SOUD_ROUND_FINALISED ? names[state - 1]
									      : names[0];
}

json_t *soud_json_round(struct soud_json *j, const struct soud_round *round)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:s?, s:s?, s:b}", "id",
			 handle_or_id(round->head.handle, &round->head.id), "as_of_date",
			 round->as_of, "as_of_label", soud_round_label(round, j->pool), "state",
			 round_state_name(round->state), "opens_at", round->opens, "due_at",
			 round->due, "conflict", round->head.conflict);
}

json_t *soud_json_rounds(struct soud_json *j, const struct soud_one_plan *plan)
{
	json_t *list = json_array();
	for (size_t i = 0; i < j->plan->round_count; i++) {
		const struct soud_round *round = &j->plan->rounds[i];
		if (plan == NULL || sou_id_eq(&round->head.plan, &plan->head.id))
			json_array_append_new(list, soud_json_round(j, round));
	}
	return list;
}

static json_t *year_or_null(int64_t year)
{
	return year == SOUD_PLAN_NONE ? json_null() : json_integer((json_int_t)year);
}

static json_t *columns_json(const struct soud_json *j, const struct soud_one_plan *plan)
{
	json_t *list = json_array();
	for (size_t i = 0; i < j->plan->column_count; i++) {
		const struct soud_column *c = &j->plan->columns[i];
		if (!sou_id_eq(&c->head.plan, &plan->head.id))
			continue;
		json_array_append_new(list,
				      json_pack("{s:o, s:s, s:o}", "id",
						handle_or_id(c->head.handle, &c->head.id), "label",
						c->label, "width", year_or_null(c->width)));
	}
	return list;
}

static const char *role_name(uint64_t role)
{
	return role == 1 ? "lead" : "partner";
}

static json_t *project_json(const struct soud_json *j, const struct soud_project *p, size_t order)
{
	json_t *orgs = json_array();
	for (size_t i = 0; i < p->org_count; i++)
		json_array_append_new(orgs, json_pack("{s:o, s:s}", "id",
						      soud_json_org(j, &p->orgs[i].org), "role",
						      role_name(p->orgs[i].role)));
	return json_pack("{s:o, s:I, s:s, s:o, s:o, s:b}", "id",
			 handle_or_id(p->head.handle, &p->head.id), "order", (json_int_t)order,
			 "title", p->title, "plan_page", year_or_null(p->page), "organisations",
			 orgs, "conflict", p->head.conflict);
}

static json_t *pillars_json(const struct soud_json *j, const struct soud_one_plan *plan)
{
	json_t *list = json_array();
	for (size_t i = 0; i < j->plan->pillar_count; i++) {
		const struct soud_pillar *pillar = &j->plan->pillars[i];
		if (!sou_id_eq(&pillar->head.plan, &plan->head.id))
			continue;
		json_t *projects = json_array();
		for (size_t k = 0; k < j->plan->project_count; k++) {
			const struct soud_project *p = &j->plan->projects[k];
			if (sou_id_eq(&p->pillar, &pillar->head.id))
				json_array_append_new(
					projects,
					project_json(j, p, json_array_size(projects) + 1));
		}
		json_array_append_new(list,
				      json_pack("{s:o, s:s, s:I, s:s, s:o}", "id",
						handle_or_id(pillar->head.handle, &pillar->head.id),
						"numeral", pillar->numeral, "order",
						(json_int_t)json_array_size(list) + 1, "title",
						pillar->title, "projects", projects));
	}
	return list;
}

static json_t *indicators_json(const struct soud_json *j)
{
	json_t *list = json_array();
	for (size_t i = 0; i < j->plan->indicator_count; i++) {
		const struct soud_indicator *n = &j->plan->indicators[i];
		json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:s, s:s, s:s}", "id",
						      handle_or_id(n->head.handle, &n->head.id),
						      "project", soud_json_project(j, &n->project),
						      "name", n->name, "unit", n->unit, "sum_rule",
						      n->sum_rule, "kind", n->kind));
	}
	return list;
}

json_t *soud_json_plan(struct soud_json *j)
{
	const struct soud_one_plan *p = soud_plan_current(j->plan);
	SOU_ASSERT(p != NULL);
	return json_pack(
		"{s:{s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:[s, s], s:o}, s:o, s:o, s:o, s:I}",
		"plan", "id", handle_or_id(p->head.handle, &p->head.id), "official_name",
		p->official_name, "short_name", p->short_name, "period_label", p->period_label,
		"first_fiscal_year", year_or_null(p->first_year), "last_fiscal_year",
		year_or_null(p->last_year), "table_title", p->table_title, "level_labels",
		p->level_label[0], p->level_label[1], "columns", columns_json(j, p), "rounds",
		soud_json_rounds(j, p), "pillars", pillars_json(j, p), "indicators",
		indicators_json(j), "conflicts", (json_int_t)j->plan->conflict_count);
}

/* --- Organisations --- */

json_t *soud_json_orgs(struct soud_json *j)
{
	static const char *const kinds[] = {"other", "headquarters", "division", "volunteer_centre",
					    "ward_council"};
	json_t *list = json_array();
	for (size_t i = 0; i < sou_authority_org_count(j->look->authority); i++) {
		const struct sou_org *o = sou_authority_org_at(j->look->authority, i);
		const char *kind = kinds[o->kind < sizeof kinds / sizeof *kinds ? o->kind : 0];
		bool top = sou_id_is_zero(&o->parent);
		json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:b}", "id",
				  soud_json_org(j, &o->id), "entity", soud_json_id(&o->id), "kind",
				  kind, "parent", top ? json_null() : soud_json_org(j, &o->parent),
				  "code", o->code.n > 0 ? soud_json_span(o->code) : json_null(),
				  "name", soud_json_span(o->name), "short_name",
				  soud_json_span(o->short_name), "order", (json_int_t)i + 1,
				  "closed", o->closed));
	}
	return list;
}
