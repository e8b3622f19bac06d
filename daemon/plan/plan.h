/* plan.h - the plan scope as one looks at it: plans, pillars, projects, columns, rounds and
 * indicators with the value shown first of each field, in the order of their place keys (P7.7).
 * Hidden records are left out; a record of which a field is missing has "" or nothing there. */
#ifndef SOUD_PLAN_PLAN_H
#define SOUD_PLAN_PLAN_H

#include "daemon/plan/look.h"

#define SOUD_PLAN_NONE (-1) /* a number that the record does not have */

struct soud_plan_head { /* stands first in each of the following */
	struct sou_id id;
	const char *handle;    /* "" where none */
	struct sou_id plan;    /* zero where none; of a plan: itself */
	struct sou_span place; /* empty where none */
	bool conflict, incomplete;
};

struct soud_one_plan {
	struct soud_plan_head head;
	const char *official_name, *short_name, *period_label, *table_title;
	const char *level_label[2];
	int64_t first_year, last_year;
};

struct soud_pillar {
	struct soud_plan_head head;
	const char *title, *numeral;
};

struct soud_responsible {
	struct sou_id org;
	uint64_t role; /* 1 lead, 2 partner */
};

struct soud_project {
	struct soud_plan_head head;
	const char *title;
	int64_t page;
	struct sou_id pillar;
	struct sou_id scope;                 /* project/<id> */
	const struct soud_responsible *orgs; /* as listed in the value shown first */
	size_t org_count;
	const struct sou_id *readers; /* P8.14: those that stand in every live value */
	size_t reader_count;
};

struct soud_column {
	struct soud_plan_head head;
	const char *label;
	int64_t width; /* full-width characters */
};

enum soud_round_state { /* P7.4 */
			SOUD_ROUND_PREPARING = 1,
			SOUD_ROUND_OPEN,
			SOUD_ROUND_CLOSED,
			SOUD_ROUND_FINALISED,
};

struct soud_round {
	struct soud_plan_head head;
	const char *as_of, *as_of_style, *as_of_label;
	const char *opens, *due, *closes; /* NULL where nil or none */
	const char *instructions;
	int64_t state, grace_days;
};

struct soud_indicator {
	struct soud_plan_head head;
	const char *name, *unit, *sum_rule, *kind;
	struct sou_id project;
};

struct soud_plan {      /* everything lives in the pool */
	uint32_t scope; /* number in the store; 0: nothing of the plan is stored here */
	const struct soud_one_plan *plans;
	const struct soud_pillar *pillars;
	const struct soud_project *projects;
	const struct soud_column *columns;
	const struct soud_round *rounds;
	const struct soud_indicator *indicators;
	size_t plan_count, pillar_count, project_count, column_count, round_count, indicator_count;
	size_t conflict_count; /* records of the plan with a conflict */
};

int soud_plan_read(const struct soud_look *look, struct soud_pool *pool, struct soud_plan *out);

/* By handle or by id; NULL: none. Of several with one handle the one with the smallest id. */
const struct soud_one_plan *soud_plan_by_id(const struct soud_plan *p, const struct sou_id *id);
/* `plan` NULL: of any. */
const struct soud_project *soud_plan_project(const struct soud_plan *p, const struct sou_id *plan,
					     const char *handle);
const struct soud_project *soud_plan_project_id(const struct soud_plan *p, const struct sou_id *id);
const struct soud_column *soud_plan_column(const struct soud_plan *p, const struct sou_id *plan,
					   const char *handle);
const struct soud_column *soud_plan_column_id(const struct soud_plan *p, const struct sou_id *id);
const struct soud_round *soud_plan_round(const struct soud_plan *p, const char *handle);
const struct soud_round *soud_plan_round_id(const struct soud_plan *p, const struct sou_id *id);

/* The plan that a person means who names none: that of an open round, else the one that ends last.
 * NULL: there is none. */
const struct soud_one_plan *soud_plan_current(const struct soud_plan *p);
/* The one open round. SOU_EUNKNOWN: none is open. SOU_ESTATE: several are. */
int soud_plan_open_round(const struct soud_plan *p, const struct soud_round **out);

/* Is the organisation responsible for the project (value shown first)? */
bool soud_project_has(const struct soud_project *project, const struct sou_id *org);

/* the label that stands in the record, else one made of as-of date and style. */
const char *soud_round_label(const struct soud_round *round, struct soud_pool *pool);

#endif
