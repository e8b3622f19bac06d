/* items.h - the paragraphs that this site may read: project × column × organisation × round, in the
 * order of their place keys (D-1, D-2, P7.7). Removed items are left out. */
#ifndef SOUD_PLAN_ITEMS_H
#define SOUD_PLAN_ITEMS_H

#include "daemon/plan/plan.h"

struct soud_item {                            /* what it borrows lives in the pool */
	struct sou_id id;                     /* entity */
	struct sou_id org;                    /* of the scope that it stands in */
	struct sou_id project, column, round; /* zero where the field is not there */
	uint32_t scope;                       /* number in the store */
	uint32_t order;         /* from 1 within project × column × organisation × round */
	struct sou_span place;  /* empty where none */
	const char *text;       /* shown first (R15); NULL: redacted, or not there */
	struct sou_id version;  /* of that text; zero where there is none */
	uint64_t text_arrival;  /* of its entry */
	uint64_t place_arrival; /* of the entry of the place shown first; 0: none */
	bool conflict;          /* of any of its fields */
	bool incomplete, redacted;
	bool hidden; /* removed; only soud_item_read gives such */
};

struct soud_item_filter { /* zeroed: all */
	const struct sou_id *round, *project, *column, *org;
	const char *id_prefix; /* hex digits */
};

/* Readable items in print order: pillars and projects as in the plan, columns, organisations in
 * formal order, place. `order` is counted before the filter looks at anything but round and
 * organisation, so that it is the same in each answer. */
int soud_items_read(const struct soud_look *look, const struct soud_plan *plan,
		    const struct soud_item_filter *filter, struct soud_pool *pool,
		    struct soud_item **out, size_t *count);

/* How many items are there to be read, of all rounds. */
int soud_items_count(const struct soud_look *look, size_t *out);

/* One item by id, removed or not. SOU_EUNKNOWN: no readable item has it. `order` is 0. */
int soud_item_find(const struct soud_look *look, const struct sou_id *id, struct soud_pool *pool,
		   struct soud_item *out);

/* The record behind an item; out as for soud_store_record. */
int soud_item_record(const struct soud_look *look, const struct soud_item *item,
		     struct sou_record *out);

/* Those of one list (same project, column, organisation and round) as they stand: the first of
 * them in `items` (from soud_items_read) and how many. */
size_t soud_items_list(const struct soud_item *items, size_t count, const struct sou_id *round,
		       const struct sou_id *project, const struct sou_id *column,
		       const struct sou_id *org, size_t *first);

#endif
