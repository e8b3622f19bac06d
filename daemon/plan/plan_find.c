/* plan_find.c - naming what stands in the plan: by handle, by id, by what is meant when nothing is
 * named; and the printed name of a round. */
#include "daemon/plan/plan.h"

#include <stdio.h>
#include <string.h>

/* The member with this handle; of several the one with the smallest id, so that all replicas mean
 * the same. `plan` NULL: of any plan. */
static const void *find_handle(const void *members, size_t count, size_t bytes,
			       const struct sou_id *plan, const char *handle)
{
	const struct soud_plan_head *found = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct soud_plan_head *head =
			(const void *)((const char *)members + i * bytes);
		if (strcmp(head->handle, handle) != 0 || handle[0] == '\0')
			continue;
		if (plan != NULL && !sou_id_eq(&head->plan, plan))
			continue;
		if (found == NULL || sou_id_cmp(&head->id, &found->id) < 0)
			found = head;
	}
	return found;
}

static const void *find_id(const void *members, size_t count, size_t bytes, const struct sou_id *id)
{
	for (size_t i = 0; i < count; i++) {
		const struct soud_plan_head *head =
			(const void *)((const char *)members + i * bytes);
		if (sou_id_eq(&head->id, id))
			return head;
	}
	return NULL;
}

const struct soud_one_plan *soud_plan_by_id(const struct soud_plan *p, const struct sou_id *id)
{
	return find_id(p->plans, p->plan_count, sizeof *p->plans, id);
}

const struct soud_project *soud_plan_project(const struct soud_plan *p, const struct sou_id *plan,
					     const char *handle)
{
	return find_handle(p->projects, p->project_count, sizeof *p->projects, plan, handle);
}

const struct soud_project *soud_plan_project_id(const struct soud_plan *p, const struct sou_id *id)
{
	return find_id(p->projects, p->project_count, sizeof *p->projects, id);
}

const struct soud_column *soud_plan_column(const struct soud_plan *p, const struct sou_id *plan,
					   const char *handle)
{
	return find_handle(p->columns, p->column_count, sizeof *p->columns, plan, handle);
}

const struct soud_column *soud_plan_column_id(const struct soud_plan *p, const struct sou_id *id)
{
	return find_id(p->columns, p->column_count, sizeof *p->columns, id);
}

const struct soud_round *soud_plan_round(const struct soud_plan *p, const char *handle)
{
	return find_handle(p->rounds, p->round_count, sizeof *p->rounds, NULL, handle);
}

const struct soud_round *soud_plan_round_id(const struct soud_plan *p, const struct sou_id *id)
{
	return find_id(p->rounds, p->round_count, sizeof *p->rounds, id);
}

const struct soud_one_plan *soud_plan_current(const struct soud_plan *p)
{
	const struct soud_one_plan *last = NULL;
	for (size_t i = p->round_count; i-- > 0;) {
		if (p->rounds[i].state != SOUD_ROUND_OPEN)
			continue;
		const struct soud_one_plan *plan = soud_plan_by_id(p, &p->rounds[i].head.plan);
		if (plan != NULL)
			return plan;
	}
	for (size_t i = 0; i < p->plan_count; i++) {
		if (last == NULL || p->plans[i].last_year > last->last_year)
			last = &p->plans[i];
	}
	return last;
}

int soud_plan_open_round(const struct soud_plan *p, const struct soud_round **out)
{
	const struct soud_round *found = NULL;
	for (size_t i = 0; i < p->round_count; i++) {
		if (p->rounds[i].state != SOUD_ROUND_OPEN)
			continue;
		if (found != NULL)
			return SOU_ESTATE;
		found = &p->rounds[i];
	}
	if (found == NULL)
		return SOU_EUNKNOWN;
	*out = found;
	return SOU_OK;
}

bool soud_project_has(const struct soud_project *project, const struct sou_id *org)
{
	for (size_t i = 0; i < project->org_count; i++) {
		if (sou_id_eq(&project->orgs[i].org, org))
			return true;
	}
	return false;
}

/* one digit full-width, several half-width. */
static const char *digits(struct soud_pool *pool, int n)
{
	static const char *const wide[] = {"０", "１", "２", "３", "４",
					   "５", "６", "７", "８", "９"};
	return n >= 0 && n <= 9 ? wide[n] : soud_pool_printf(pool, "%d", n);
}

static const struct {
	const char *name;
	int from; /* YYYYMMDD of its first day */
} eras[] = {{"令和", 20190501}, {"平成", 19890108}, {"昭和", 19261225}};

const char *soud_round_label(const struct soud_round *round, struct soud_pool *pool)
{
	int year, month, day, end = 0;
	if (round->as_of_label[0] != '\0' ||
	    sscanf(round->as_of, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 ||
	    round->as_of[end] != '\0')
		return round->as_of_label;
	const char *date = soud_pool_printf(pool, "%d年", year);
	for (size_t i = 0; i < sizeof eras / sizeof *eras; i++) {
		if (year * 10000 + month * 100 + day < eras[i].from)
			continue;
		int of_era = year - eras[i].from / 10000 + 1;
		date = soud_pool_printf(pool, "%s%s年", eras[i].name,
					of_era == 1 ? "元" : digits(pool, of_era));
		break;
	}
	if (strcmp(round->as_of_style, "month_end") == 0) /* */
		return soud_pool_printf(pool, "%s%s月末現在", date, digits(pool, month));
	return soud_pool_printf(pool, "%s%s月%s日現在", date, digits(pool, month),
				digits(pool, day));
}
