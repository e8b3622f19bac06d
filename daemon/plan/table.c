/* table.c - puts the table together: rows from the plan, texts from submissions or from items, in
 * the order of R-5. */
#include "daemon/plan/table.h"

#include <string.h>

struct making {
	const struct soud_look *look;
	const struct soud_plan *plan;
	const struct soud_table_options *options;
	struct soud_pool *pool;
	const struct soud_item *items; /* readable, of the round, in print order */
	size_t item_count, cursor;
	struct soud_table *table;
};

/* D-3: one organisation, no attribution. */
static bool is_attributed(const struct soud_project *project)
{
	return project->org_count >= 2;
}

const char *soud_attribution(const struct sou_org *org, struct soud_pool *pool)
{
	struct sou_span name = org->short_name.n > 0 ? org->short_name : org->name;
	return soud_pool_printf(pool, "（%.*s）", (int)name.n, (const char *)name.p);
}

const char *soud_orgs_label(const struct sou_authority *authority,
			    const struct soud_project *project, struct soud_pool *pool)
{
	const char *label = "";
	for (size_t i = 0; i < project->org_count; i++) {
		const struct sou_org *org = sou_authority_org(authority, &project->orgs[i].org);
		if (org == NULL)
			continue;
		bool short_used = is_attributed(project) && org->short_name.n > 0 &&
				  (org->short_name.n != org->name.n ||
				   memcmp(org->short_name.p, org->name.p, org->name.n) != 0);
		label = soud_pool_printf(pool, "%s%s%.*s%s", label, label[0] != '\0' ? "、" : "",
					 (int)org->name.n, (const char *)org->name.p,
					 short_used ? soud_attribution(org, pool) : "");
	}
	return label;
}

/* Does the filter let this organisation's paragraphs through? */
static bool org_passes(const struct making *m, const struct sou_id *org)
{
	return m->options->org == NULL ||
	       sou_authority_in_subtree(m->look->authority, m->options->org, org, false);
}

/* The items of a project: the table asks in print order, so the search goes on where it ended. */
static const struct soud_item *project_items(struct making *m, const struct sou_id *project,
					     size_t *count)
{
	for (size_t i = 0; i < m->item_count; i++) {
		size_t first = (m->cursor + i) % m->item_count, n = 0;
		if (!sou_id_eq(&m->items[first].project, project))
			continue;
		while (first > 0 && sou_id_eq(&m->items[first - 1].project, project))
			first--;
		while (first + n < m->item_count &&
		       sou_id_eq(&m->items[first + n].project, project))
			n++;
		m->cursor = (first + n) % m->item_count;
		*count = n;
		return &m->items[first];
	}
	*count = 0;
	return NULL;
}

/* One organisation's items of the project, in print order: they stand apart by columns. */
static int org_items(struct making *m, const struct soud_item *items, size_t count,
		     const struct sou_id *org, struct soud_list *out)
{
	for (size_t i = 0; i < count; i++) {
		if (!sou_id_eq(&items[i].org, org))
			continue;
		struct soud_item *to = soud_list_add(m->pool, out, sizeof *to);
		if (to == NULL)
			return SOU_ENOMEM;
		*to = items[i];
	}
	return SOU_OK;
}

static const struct soud_item *item_in(const struct soud_list *items, const struct sou_id *id)
{
	const struct soud_item *all = items->members;
	for (size_t i = 0; i < items->count; i++) {
		if (sou_id_eq(&all[i].id, id))
			return &all[i];
	}
	return NULL;
}

/* What of one organisation goes into one cell, as it was submitted. The mark of a conflict is
 * today's, so that nobody takes the printed text for settled. */
static int add_submitted(struct making *m, const struct soud_table_org *org,
			 const struct soud_list *now, const struct sou_id *column,
			 const char *attribution, struct soud_list *out)
{
	uint32_t order = 0;
	const struct soud_submission *s = &org->submission;
	for (size_t i = 0; s->shown && i < s->content.item_count; i++) {
		const struct soud_submitted *text = &s->texts[i];
		if (!sou_id_eq(&text->column, column))
			continue;
		const struct soud_item *item = item_in(now, &text->item);
		struct soud_paragraph *p = soud_list_add(m->pool, out, sizeof *p);
		if (p == NULL)
			return SOU_ENOMEM;
		*p = (struct soud_paragraph){.item = text->item,
					     .version = text->version,
					     .org = org->id,
					     .order = ++order,
					     .text = text->text,
					     .attribution = attribution,
					     .scope = s->scope,
					     .arrival = s->arrival,
					     .conflict = item != NULL && item->conflict,
					     .redacted = text->redacted};
	}
	return SOU_OK;
}

static int add_latest(struct making *m, const struct soud_table_org *org,
		      const struct soud_list *now, const struct sou_id *column,
		      const char *attribution, struct soud_list *out)
{
	const struct soud_item *items = now->members;
	for (size_t i = 0; i < now->count; i++) {
		if (!sou_id_eq(&items[i].column, column))
			continue;
		struct soud_paragraph *p = soud_list_add(m->pool, out, sizeof *p);
		if (p == NULL)
			return SOU_ENOMEM;
		*p = (struct soud_paragraph){.item = items[i].id,
					     .version = items[i].version,
					     .org = org->id,
					     .order = items[i].order,
					     .text = items[i].text,
					     .attribution = attribution,
					     .scope = items[i].scope,
					     .arrival = items[i].text_arrival,
					     .place_arrival = items[i].place_arrival,
					     .conflict = items[i].conflict,
					     .redacted = items[i].redacted};
	}
	return SOU_OK;
}

/* --latest shows the organisation's own scope where this site reads it, else what was submitted. */
static bool takes_latest(const struct making *m, const struct sou_id *org)
{
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, org);
	return m->options->latest && soud_look_may_read(m->look, &scope, NULL, 0);
}

static bool said_nil(const struct soud_submission *s, const struct sou_id *column)
{
	for (size_t i = 0; s->shown && i < s->content.nil_count; i++) {
		if (sou_id_eq(&s->content.nil_columns[i], column))
			return true;
	}
	return false;
}

static int cell_make(struct making *m, const struct soud_table_project *row,
		     const struct soud_list *now, const struct soud_column *column,
		     struct soud_cell *cell)
{
	struct soud_list paragraphs = {0}, nil = {0};
	const struct sou_id *id = &column->head.id;
	for (size_t i = 0; i < row->org_count; i++) {
		const struct soud_table_org *org = &row->orgs[i];
		const char *attribution = row->attributed && org->org != NULL
						  ? soud_attribution(org->org, m->pool)
						  : NULL;
		bool latest = takes_latest(m, &org->id);
		size_t before = paragraphs.count;
		int rc = latest ? add_latest(m, org, &now[i], id, attribution, &paragraphs)
				: add_submitted(m, org, &now[i], id, attribution, &paragraphs);
		if (rc != SOU_OK)
			return rc;
		if (paragraphs.count > before || !said_nil(&org->submission, id))
			continue;
		struct sou_id *to = soud_list_add(m->pool, &nil, sizeof *to);
		if (to == NULL)
			return SOU_ENOMEM;
		*to = org->id;
	}
	*cell = (struct soud_cell){.column = column,
				   .paragraphs = paragraphs.members,
				   .paragraph_count = paragraphs.count,
				   .nil = nil.members,
				   .nil_count = nil.count};
	return SOU_OK;
}

static void count_org(struct soud_table *t, const struct soud_table_org *org)
{
	t->expected++;
	t->conflicts += org->submission.conflict ? 1 : 0;
	if (org->submission.standing == SOUD_STANDING_OUT_OF_SCOPE)
		t->out_of_scope++;
	else if (soud_standing_is_done(org->submission.standing))
		t->submitted++;
	else
		t->outstanding++;
}

/* The organisations of a row, each with its submission and (in `now`) its items. */
static int orgs_make(struct making *m, const struct soud_project *project,
		     const struct soud_item *items, size_t item_count,
		     struct soud_table_project *row, struct soud_list *now)
{
	struct soud_table_org *orgs = soud_pool_take(m->pool, project->org_count * sizeof *orgs);
	if (orgs == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < project->org_count; i++) {
		const struct sou_id *id = &project->orgs[i].org;
		if (!org_passes(m, id))
			continue;
		struct soud_table_org *org = &orgs[row->org_count];
		struct soud_list *list = &now[row->org_count];
		org->id = *id;
		org->role = project->orgs[i].role;
		org->org = sou_authority_org(m->look->authority, id);
		int rc = org_items(m, items, item_count, id, list);
		if (rc == SOU_OK)
			rc = soud_submission_read(m->look, project, id, m->options->round, m->pool,
						  &org->submission);
		if (rc != SOU_OK)
			return rc;
		struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, id);
		org->changed_since =
			soud_standing_is_done(org->submission.standing) &&
			soud_look_may_read(m->look, &scope, NULL, 0) &&
			soud_submission_changed(&org->submission, list->members, list->count);
		count_org(m->table, org);
		row->org_count++;
	}
	row->orgs = orgs;
	return SOU_OK;
}

static int row_make(struct making *m, const struct soud_project *project,
		    struct soud_table_project *row)
{
	size_t item_count, column_count = m->table->column_count;
	const struct soud_item *items = project_items(m, &project->head.id, &item_count);
	struct soud_list *now = soud_pool_take(m->pool, project->org_count * sizeof *now);
	struct soud_cell *cells = soud_pool_take(m->pool, column_count * sizeof *cells);
	if (now == NULL || cells == NULL)
		return SOU_ENOMEM;
	*row = (struct soud_table_project){.project = project, .page_label = ""};
	if (project->page != SOUD_PLAN_NONE)
		row->page_label =
			soud_pool_printf(m->pool, "（%lld ㌻）", (long long)project->page);
	row->orgs_label = soud_orgs_label(m->look->authority, project, m->pool);
	row->attributed = is_attributed(project);
	int rc = orgs_make(m, project, items, item_count, row, now);
	for (size_t i = 0; i < column_count && rc == SOU_OK; i++)
		rc = cell_make(m, row, now, m->table->columns[i], &cells[i]);
	row->cells = cells;
	row->cell_count = column_count;
	for (size_t i = 0; i < row->org_count; i++) {
		const struct soud_item *of_org = now[i].members;
		for (size_t k = 0; k < now[i].count; k++)
			m->table->conflicts += of_org[k].conflict ? 1 : 0;
	}
	return rc;
}

/* Rows of the projects below one pillar; NULL: of those whose pillar the plan does not know. */
static int pillar_make(struct making *m, const struct soud_pillar *pillar,
		       struct soud_list *pillars)
{
	struct soud_list rows = {0};
	for (size_t i = 0; i < m->plan->project_count; i++) {
		const struct soud_project *project = &m->plan->projects[i];
		bool known = false;
		for (size_t k = 0; k < m->plan->pillar_count && !known; k++)
			known = sou_id_eq(&m->plan->pillars[k].head.id, &project->pillar);
		if (pillar != NULL ? !sou_id_eq(&project->pillar, &pillar->head.id) : known)
			continue;
		if (!sou_id_eq(&project->head.plan, &m->options->round->head.plan) ||
		    (m->options->project != NULL && m->options->project != project))
			continue;
		struct soud_table_project *row = soud_list_add(m->pool, &rows, sizeof *row);
		int rc = row != NULL ? row_make(m, project, row) : SOU_ENOMEM;
		if (rc != SOU_OK)
			return rc;
		if (m->options->org != NULL && row->org_count == 0)
			rows.count--;
	}
	if (rows.count == 0)
		return SOU_OK;
	struct soud_table_pillar *p = soud_list_add(m->pool, pillars, sizeof *p);
	if (p == NULL)
		return SOU_ENOMEM;
	*p = (struct soud_table_pillar){.pillar = pillar,
					.heading = "",
					.projects = rows.members,
					.project_count = rows.count};
	if (pillar != NULL)
		p->heading = soud_pool_printf(m->pool, "%s%s%s", pillar->numeral,
					      pillar->numeral[0] != '\0' ? " " : "", pillar->title);
	return SOU_OK;
}

static bool has_column(const struct soud_table *t, const struct sou_id *column)
{
	for (size_t i = 0; i < t->column_count; i++) {
		if (sou_id_eq(&t->columns[i]->head.id, column))
			return true;
	}
	return false;
}

/* R9: items of organisations that the plan does not name for the project are listed apart, and so
 * are those that stand in no column of the plan. */
static int unassigned_make(struct making *m)
{
	struct soud_list list = {0};
	for (size_t i = 0; i < m->item_count; i++) {
		const struct soud_item *item = &m->items[i];
		const struct soud_project *project = soud_plan_project_id(m->plan, &item->project);
		if (project != NULL && soud_project_has(project, &item->org) &&
		    has_column(m->table, &item->column))
			continue;
		if (!org_passes(m, &item->org) ||
		    (m->options->project != NULL && m->options->project != project))
			continue;
		struct soud_item *to = soud_list_add(m->pool, &list, sizeof *to);
		if (to == NULL)
			return SOU_ENOMEM;
		*to = *item;
	}
	m->table->unassigned = list.members;
	m->table->unassigned_count = list.count;
	return SOU_OK;
}

/* R-1; the blank between is the one of the paper. */
static const char *title_make(const struct making *m)
{
	const struct soud_one_plan *p = m->table->plan;
	const char *label = soud_round_label(m->options->round, m->pool);
	if (p == NULL)
		return label;
	return soud_pool_printf(m->pool, "%s%s%s%s%s%s%s%s%s", p->short_name,
				p->period_label[0] != '\0' ? "（" : "", p->period_label,
				p->period_label[0] != '\0' ? "）" : "",
				p->table_title[0] != '\0' ? " " : "", p->table_title,
				label[0] != '\0' ? "（" : "", label, label[0] != '\0' ? "）" : "");
}

static int columns_make(struct making *m)
{
	struct soud_list list = {0};
	for (size_t i = 0; i < m->plan->column_count; i++) {
		if (!sou_id_eq(&m->plan->columns[i].head.plan, &m->options->round->head.plan))
			continue;
		const struct soud_column **to = soud_list_add(m->pool, &list, sizeof *to);
		if (to == NULL)
			return SOU_ENOMEM;
		*to = &m->plan->columns[i];
	}
	m->table->columns = list.members;
	m->table->column_count = list.count;
	return SOU_OK;
}

int soud_table_read(const struct soud_look *look, const struct soud_plan *plan,
		    const struct soud_table_options *options, struct soud_pool *pool,
		    struct soud_table *out)
{
	struct soud_table t = {.round = options->round, .latest = options->latest};
	struct making m = {
		.look = look, .plan = plan, .options = options, .pool = pool, .table = &t};
	struct soud_item_filter filter = {.round = &options->round->head.id};
	struct soud_item *items;
	struct soud_list pillars = {0};
	t.plan = soud_plan_by_id(plan, &options->round->head.plan);
	int rc = soud_items_read(look, plan, &filter, pool, &items, &m.item_count);
	if (rc == SOU_OK) {
		m.items = items;
		t.title = title_make(&m);
		rc = columns_make(&m);
	}
	for (size_t i = 0; i < plan->pillar_count && rc == SOU_OK; i++)
		rc = pillar_make(&m, &plan->pillars[i], &pillars);
	if (rc == SOU_OK)
		rc = pillar_make(&m, NULL, &pillars);
	if (rc == SOU_OK)
		rc = unassigned_make(&m);
	if (rc != SOU_OK)
		return rc;
	t.pillars = pillars.members;
	t.pillar_count = pillars.count;
	if (pool->failed)
		return SOU_ENOMEM;
	*out = t;
	return SOU_OK;
}
