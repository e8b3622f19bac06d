/* naming.c - handles, and the states of a round in which a person may write. */
#include "daemon/plan/naming.h"

#include <stdio.h>
#include <string.h>

int soud_name_round(const struct soud_plan *plan, const char *handle, const struct soud_round **out,
		    struct soud_refusal *why)
{
	if (plan->plan_count == 0)
		return soud_refuse(why, 409, SOU_MSG_PLAN_NONE);
	if (handle != NULL) {
		const struct soud_round *round = soud_plan_round(plan, handle);
		if (round == NULL)
			return soud_refuse(why, 404, SOU_MSG_ROUND_UNKNOWN, handle);
		*out = round;
		return SOU_OK;
	}
	int rc = soud_plan_open_round(plan, out);
	if (rc == SOU_OK)
		return SOU_OK;
	return soud_refuse(why, 409,
			   rc == SOU_ESTATE ? SOU_MSG_ROUND_AMBIGUOUS : SOU_MSG_ROUND_NONE_OPEN);
}

int soud_name_project(const struct soud_plan *plan, const struct soud_round *round,
		      const char *handle, const struct soud_project **out, struct soud_refusal *why)
{
	const struct soud_project *project =
		soud_plan_project(plan, round != NULL ? &round->head.plan : NULL, handle);
	if (project == NULL)
		return soud_refuse(why, 404, SOU_MSG_PROJECT_UNKNOWN, handle);
	*out = project;
	return SOU_OK;
}

int soud_name_column(const struct soud_plan *plan, const struct soud_round *round,
		     const char *handle, const struct soud_column **out, struct soud_refusal *why)
{
	const struct soud_column *column =
		soud_plan_column(plan, round != NULL ? &round->head.plan : NULL, handle);
	if (column == NULL)
		return soud_refuse(why, 404, SOU_MSG_COLUMN_UNKNOWN, handle);
	*out = column;
	return SOU_OK;
}

int soud_name_org(const struct soud_look *look, const char *handle, const struct sou_org **out,
		  struct soud_refusal *why)
{
	const struct sou_org *org = NULL;
	if (handle == NULL) {
		org = soud_look_own_org(look);
	} else {
		struct sou_span name = {(const uint8_t *)handle, strlen(handle)};
		org = sou_authority_org_handle(look->authority, name);
	}
	if (org == NULL)
		return soud_refuse(why, 404, SOU_MSG_ORG_UNKNOWN, handle);
	*out = org;
	return SOU_OK;
}

int soud_name_responsible(const struct soud_project *project, const struct sou_org *org,
			  struct soud_refusal *why)
{
	char name[SOUD_REFUSAL_ARGUMENT_BYTES];
	if (soud_project_has(project, &org->id))
		return SOU_OK;
	snprintf(name, sizeof name, "%.*s", (int)org->handle.n, (const char *)org->handle.p);
	return soud_refuse(why, 409, SOU_MSG_PROJECT_NOT_RESPONSIBLE, name, project->head.handle);
}

int soud_round_takes(const struct soud_round *round, bool submission, struct soud_refusal *why)
{
	if (round->state == SOUD_ROUND_OPEN ||
	    (round->state == SOUD_ROUND_PREPARING && !submission))
		return SOU_OK;
	if (round->state == SOUD_ROUND_CLOSED)
		return soud_refuse(why, 409, SOU_MSG_ROUND_CLOSED, round->head.handle);
	int rc = soud_refuse(why, 409, SOU_MSG_ROUND_NOT_OPEN, round->head.handle, "");
	soud_refuse_word(why, 1,
			 round->state == SOUD_ROUND_FINALISED ? SOU_MSG_ROUND_FINALISED
							      : SOU_MSG_ROUND_PREPARING);
	return rc;
}

bool soud_id_read(const char *hex, struct sou_id *out)
{
	struct sou_id id = {{0}};
	if (strlen(hex) != 2 * sizeof id.b)
		return false;
	for (size_t i = 0; i < 2 * sizeof id.b; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = strchr(digits, hex[i]);
		if (digit == NULL)
			return false;
		id.b[i / 2] = (uint8_t)(id.b[i / 2] << 4 | (digit - digits));
	}
	*out = id;
	return true;
}
