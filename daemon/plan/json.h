/* json.h - the shapes of docs/api.md section 3 and 4, made of what the views read. Each function
 * returns a new object, or NULL with `rc` set (SOU_ENOMEM, or what reading gave). */
#ifndef SOUD_PLAN_JSON_H
#define SOUD_PLAN_JSON_H

#include <jansson.h>

#include "config/messages.h"
#include "daemon/plan/conflicts.h"
#include "daemon/plan/table.h"

struct soud_json { /* all borrowed */
	const struct soud_look *look;
	const struct soud_plan *plan;
	struct soud_pool *pool;
	enum sou_lang lang;
	int rc; /* of the first that failed */
};

/* Small things */
json_t *soud_json_id(const struct sou_id *id);
json_t *soud_json_time(int64_t ms); /* negative: null */
json_t *soud_json_span(struct sou_span text);
/* Handle of an organisation, project, column, round, or its id where it is not known here. */
json_t *soud_json_org(const struct soud_json *j, const struct sou_id *org);
json_t *soud_json_project(const struct soud_json *j, const struct sou_id *project);
json_t *soud_json_column(const struct soud_json *j, const struct sou_id *column);
json_t *soud_json_round_name(const struct soud_json *j, const struct sou_id *round);

const char *soud_delivery_name(enum soud_delivery_state state);

/* json_plan.c */
json_t *soud_json_round(struct soud_json *j, const struct soud_round *round);
json_t *soud_json_rounds(struct soud_json *j, const struct soud_one_plan *plan); /* NULL: of all */
json_t *soud_json_plan(struct soud_json *j); /* the whole answer of GET /v1/plan; a plan is there */
json_t *soud_json_orgs(struct soud_json *j);

/* json_item.c */
/* A version with its text (NULL: redacted or not there). */
json_t *soud_json_version(struct soud_json *j, uint32_t scope, uint64_t arrival, const char *text);
json_t *soud_json_item(struct soud_json *j, const struct soud_item *item);
json_t *soud_json_items(struct soud_json *j, const struct soud_item *items, size_t count);
json_t *soud_json_submission(struct soud_json *j, const struct soud_project *project,
			     const struct sou_id *org, const struct soud_round *round,
			     const struct soud_submission *s, bool changed_since);

/* json_conflict.c: members of GET /v1/conflicts. */
json_t *soud_json_conflicts(struct soud_json *j, const struct soud_conflict *conflicts,
			    size_t count);

/* json_table.c */
json_t *soud_json_table(struct soud_json *j, const struct soud_table *table);

#endif
