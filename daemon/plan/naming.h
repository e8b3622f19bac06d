/* naming.h - from the handles that a person gives to what they name, or to the refusal that says
 * what is not there. A handle that is NULL takes the default of docs/api.md. */
#ifndef SOUD_PLAN_NAMING_H
#define SOUD_PLAN_NAMING_H

#include "daemon/plan/plan.h"
#include "daemon/plan/refusal.h"

/* NULL: the one that is open. */
int soud_name_round(const struct soud_plan *plan, const char *handle, const struct soud_round **out,
		    struct soud_refusal *why);
/* Of the plan of that round; round NULL: of any plan. */
int soud_name_project(const struct soud_plan *plan, const struct soud_round *round,
		      const char *handle, const struct soud_project **out,
		      struct soud_refusal *why);
int soud_name_column(const struct soud_plan *plan, const struct soud_round *round,
		     const char *handle, const struct soud_column **out, struct soud_refusal *why);
/* NULL: the site's own. */
int soud_name_org(const struct soud_look *look, const char *handle, const struct sou_org **out,
		  struct soud_refusal *why);

/* The row that a person writes in: the organisation is responsible for the project. */
int soud_name_responsible(const struct soud_project *project, const struct sou_org *org,
			  struct soud_refusal *why);

/* May items of the round still be written (preparing or open), or submitted (open)? */
int soud_round_takes(const struct soud_round *round, bool submission, struct soud_refusal *why);

/* 32 lower-case hex digits; false: something else. */
bool soud_id_read(const char *hex, struct sou_id *out);

#endif
