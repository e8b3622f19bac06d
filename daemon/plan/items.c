/* items.c - reads the organisations' scopes, one after the other, and puts what it found in print
 * order. */
#include "daemon/plan/items.h"

#include <stdlib.h>
#include <string.h>

/* Take what an item's record says; all fields may be missing. */
static int item_take(const struct soud_look *look, uint32_t scope, const struct sou_id *org,
		     const struct sou_record *record, struct soud_pool *pool, struct soud_item *out)
{
	struct soud_item item = {.id = record->entity,
				 .org = *org,
				 .scope = scope,
				 .conflict = record->conflict,
				 .incomplete = record->incomplete,
				 .hidden = record->hidden};
	const struct sou_register *text = sou_record_field(record, SOU_FIELD_ITEM_TEXT);
	const struct sou_register *place = sou_record_field(record, SOU_FIELD_ITEM_PLACE);
	int rc = soud_look_id(look, scope, record, SOU_FIELD_ITEM_PROJECT, &item.project);
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		rc = soud_look_id(look, scope, record, SOU_FIELD_ITEM_COLUMN, &item.column);
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		rc = soud_look_id(look, scope, record, SOU_FIELD_ITEM_ROUND, &item.round);
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		rc = soud_look_place(look, scope, record, pool, SOU_FIELD_ITEM_PLACE, &item.place);
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		rc = soud_look_text(look, scope, record, SOU_FIELD_ITEM_TEXT, pool, &item.text);
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return rc;
	if (text != NULL) {
		item.version = text->live[0].version;
		item.text_arrival = text->live[0].pos;
		item.redacted = text->live[0].redacted;
	}
	if (place != NULL)
		item.place_arrival = place->live[0].pos;
	*out = item;
	return SOU_OK;
}

struct gather {
	const struct soud_look *look;
	struct soud_pool *pool;
	const struct sou_id *round; /* NULL: any */
	struct soud_list items;
};

/* The round alone is read of those that are not wanted. */
static int gather_record(struct gather *g, uint32_t scope, const struct sou_id *org,
			 const struct sou_record *record)
{
	struct sou_id round = {{0}};
	if (record->hidden || record->register_count == 0)
		return SOU_OK;
	int rc = soud_look_id(g->look, scope, record, SOU_FIELD_ITEM_ROUND, &round);
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return rc;
	if (g->round != NULL && !sou_id_eq(&round, g->round))
		return SOU_OK;
	struct soud_item *item = soud_list_add(g->pool, &g->items, sizeof *item);
	return item != NULL ? item_take(g->look, scope, org, record, g->pool, item) : SOU_ENOMEM;
}

static int gather_org(struct gather *g, const struct sou_id *org, struct sou_record *record)
{
	struct sou_id id = sou_scope_id(SOU_SCOPE_ORG, org), after;
	uint32_t scope;
	bool there, begun = false;
	if (!soud_look_may_read(g->look, &id, NULL, 0))
		return SOU_OK;
	int rc = soud_look_scope(g->look, &id, &scope, &there);
	if (rc != SOU_OK || !there)
		return rc;
	for (;;) {
		rc = soud_store_record_next(g->look->store, scope, SOU_KIND_ITEM,
					    begun ? &after : NULL, SOU_KIND_ITEM, record);
		if (rc != SOU_OK)
			break;
		begun = true;
		after = record->entity;
		rc = gather_record(g, scope, org, record);
		if (rc != SOU_OK)
			break;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* Where each name stands in print order; what the plan does not know stands last. */
struct rank {
	struct sou_id id;
	uint32_t place;
};

struct ranks {
	struct rank *of;
	size_t count;
};

static int rank_cmp(const void *a, const void *b)
{
	return sou_id_cmp(&((const struct rank *)a)->id, &((const struct rank *)b)->id);
}

static uint32_t rank_of(const struct ranks *ranks, const struct sou_id *id)
{
	struct rank key = {.id = *id};
	const struct rank *found =
		ranks->count == 0 ? NULL
				  : bsearch(&key, ranks->of, ranks->count, sizeof key, rank_cmp);
	return found != NULL ? found->place : UINT32_MAX;
}

static bool ranks_make(struct ranks *ranks, struct soud_pool *pool, size_t count)
{
	ranks->of = soud_pool_take(pool, count * sizeof *ranks->of);
	ranks->count = ranks->of != NULL ? count : 0;
	return ranks->of != NULL;
}

static void ranks_close(struct ranks *ranks)
{
	if (ranks->count > 1)
		qsort(ranks->of, ranks->count, sizeof *ranks->of, rank_cmp);
}

struct keyed { /* an item with what it is sorted by */
	uint32_t round, pillar, project, column, org;
	const struct soud_item *item;
};

static int keyed_cmp(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	const struct soud_item *i = x->item, *k = y->item;
	const uint32_t keys[][2] = {{x->round, y->round},
				    {x->pillar, y->pillar},
				    {x->project, y->project},
				    {x->column, y->column},
				    {x->org, y->org}};
	for (size_t n = 0; n < sizeof keys / sizeof *keys; n++) {
		if (keys[n][0] != keys[n][1])
			return keys[n][0] < keys[n][1] ? -1 : 1;
	}
	/* Unknown names share a rank: keep each of their lists together. */
	int order = sou_id_cmp(&i->round, &k->round);
	if (order == 0)
		order = sou_id_cmp(&i->project, &k->project);
	if (order == 0)
		order = sou_id_cmp(&i->column, &k->column);
	return order != 0 ? order : soud_place_cmp(i->place, &i->id, k->place, &k->id);
}

static bool same_list(const struct soud_item *a, const struct soud_item *b)
{
	return sou_id_eq(&a->round, &b->round) && sou_id_eq(&a->project, &b->project) &&
	       sou_id_eq(&a->column, &b->column) && sou_id_eq(&a->org, &b->org);
}

/* Sort and count. The sorted items are new in the pool. */
static int put_in_order(const struct soud_look *look, const struct soud_plan *plan,
			struct soud_pool *pool, struct soud_list *items)
{
	struct ranks rounds, pillars, projects, columns, orgs;
	size_t org_count = sou_authority_org_count(look->authority);
	if (!ranks_make(&rounds, pool, plan->round_count) ||
	    !ranks_make(&pillars, pool, plan->pillar_count) ||
	    !ranks_make(&projects, pool, plan->project_count) ||
	    !ranks_make(&columns, pool, plan->column_count) || !ranks_make(&orgs, pool, org_count))
		return SOU_ENOMEM;
	for (size_t i = 0; i < plan->round_count; i++)
		rounds.of[i] = (struct rank){plan->rounds[i].head.id, (uint32_t)i};
	for (size_t i = 0; i < plan->pillar_count; i++)
		pillars.of[i] = (struct rank){plan->pillars[i].head.id, (uint32_t)i};
	for (size_t i = 0; i < plan->project_count; i++)
		projects.of[i] = (struct rank){plan->projects[i].head.id, (uint32_t)i};
	for (size_t i = 0; i < plan->column_count; i++)
		columns.of[i] = (struct rank){plan->columns[i].head.id, (uint32_t)i};
	for (size_t i = 0; i < org_count; i++)
		orgs.of[i] =
			(struct rank){sou_authority_org_at(look->authority, i)->id, (uint32_t)i};
	ranks_close(&rounds);
	ranks_close(&pillars);
	ranks_close(&projects);
	ranks_close(&columns);
	ranks_close(&orgs);
	struct keyed *keyed = soud_pool_take(pool, items->count * sizeof *keyed);
	struct soud_item *sorted = soud_pool_take(pool, items->count * sizeof *sorted);
	if (keyed == NULL || sorted == NULL)
		return SOU_ENOMEM;
	const struct soud_item *all = items->members;
	for (size_t i = 0; i < items->count; i++) {
		uint32_t project = rank_of(&projects, &all[i].project);
		keyed[i] = (struct keyed){
			.round = rank_of(&rounds, &all[i].round),
			.pillar = project == UINT32_MAX
					  ? UINT32_MAX
					  : rank_of(&pillars, &plan->projects[project].pillar),
			.project = project,
			.column = rank_of(&columns, &all[i].column),
			.org = rank_of(&orgs, &all[i].org),
			.item = &all[i]};
	}
	if (items->count > 1)
		qsort(keyed, items->count, sizeof *keyed, keyed_cmp);
	for (size_t i = 0; i < items->count; i++) {
		sorted[i] = *keyed[i].item;
		bool goes_on = i > 0 && same_list(&sorted[i - 1], &sorted[i]);
		sorted[i].order = goes_on ? sorted[i - 1].order + 1 : 1;
	}
	items->members = sorted;
	return SOU_OK;
}

static bool passes(const struct soud_item *item, const struct soud_item_filter *f)
{
	return (f->project == NULL || sou_id_eq(f->project, &item->project)) &&
	       (f->column == NULL || sou_id_eq(f->column, &item->column)) &&
	       soud_hex_begins(&item->id, f->id_prefix);
}

int soud_items_read(const struct soud_look *look, const struct soud_plan *plan,
		    const struct soud_item_filter *filter, struct soud_pool *pool,
		    struct soud_item **out, size_t *count)
{
	struct gather g = {.look = look, .pool = pool, .round = filter->round};
	struct sou_record record = {0};
	int rc = SOU_OK;
	for (size_t i = 0; i < sou_authority_org_count(look->authority) && rc == SOU_OK; i++) {
		const struct sou_id *org = &sou_authority_org_at(look->authority, i)->id;
		if (filter->org == NULL || sou_id_eq(filter->org, org))
			rc = gather_org(&g, org, &record);
	}
	sou_record_fini(&record);
	if (rc == SOU_OK)
		rc = put_in_order(look, plan, pool, &g.items);
	if (rc != SOU_OK)
		return rc;
	struct soud_item *items = g.items.members;
	size_t kept = 0;
	for (size_t i = 0; i < g.items.count; i++) {
		if (passes(&items[i], filter))
			items[kept++] = items[i];
	}
	*out = items;
	*count = kept;
	return SOU_OK;
}

static int count_org(const struct soud_look *look, const struct sou_id *org,
		     struct sou_record *record, size_t *out)
{
	struct sou_id id = sou_scope_id(SOU_SCOPE_ORG, org), after;
	uint32_t scope;
	bool there, begun = false;
	if (!soud_look_may_read(look, &id, NULL, 0))
		return SOU_OK;
	int rc = soud_look_scope(look, &id, &scope, &there);
	while (rc == SOU_OK && there) {
		rc = soud_store_record_next(look->store, scope, SOU_KIND_ITEM,
					    begun ? &after : NULL, SOU_KIND_ITEM, record);
		begun = true;
		after = record->entity;
		if (rc == SOU_OK && !record->hidden && record->register_count > 0)
			(*out)++;
	}
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

int soud_items_count(const struct soud_look *look, size_t *out)
{
	struct sou_record record = {0};
	size_t count = 0;
	int rc = SOU_OK;
	for (size_t i = 0; i < sou_authority_org_count(look->authority) && rc == SOU_OK; i++)
		rc = count_org(look, &sou_authority_org_at(look->authority, i)->id, &record,
			       &count);
	sou_record_fini(&record);
	if (rc == SOU_OK)
		*out = count;
	return rc;
}

int soud_item_find(const struct soud_look *look, const struct sou_id *id, struct soud_pool *pool,
		   struct soud_item *out)
{
	struct sou_record record = {0};
	int rc = SOU_EUNKNOWN;
	for (size_t i = 0; i < sou_authority_org_count(look->authority) && rc == SOU_EUNKNOWN;
	     i++) {
		const struct sou_id *org = &sou_authority_org_at(look->authority, i)->id;
		struct sou_id scope_id = sou_scope_id(SOU_SCOPE_ORG, org);
		uint32_t scope;
		bool there;
		if (!soud_look_may_read(look, &scope_id, NULL, 0))
			continue;
		rc = soud_look_scope(look, &scope_id, &scope, &there);
		if (rc == SOU_OK && !there)
			rc = SOU_EUNKNOWN;
		if (rc == SOU_OK)
			rc = soud_store_record(look->store, scope, SOU_KIND_ITEM, id, &record);
		if (rc == SOU_OK)
			rc = item_take(look, scope, org, &record, pool, out);
	}
	sou_record_fini(&record);
	return rc;
}

int soud_item_record(const struct soud_look *look, const struct soud_item *item,
		     struct sou_record *out)
{
	return soud_store_record(look->store, item->scope, SOU_KIND_ITEM, &item->id, out);
}

size_t soud_items_list(const struct soud_item *items, size_t count, const struct sou_id *round,
		       const struct sou_id *project, const struct sou_id *column,
		       const struct sou_id *org, size_t *first)
{
	struct soud_item wanted = {
		.round = *round, .project = *project, .column = *column, .org = *org};
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		if (!same_list(&items[i], &wanted)) {
			if (n > 0)
				break;
			continue;
		}
		if (n++ == 0)
			*first = i;
	}
	return n;
}
