/* rig.h - the real table's organisations, plan and round at a hub and four sites, and what the
 * tests of acts and views say about them. Built on the replicas' world; nothing of it needs a
 * daemon. */
#ifndef SOU_TESTS_PLAN_RIG_H
#define SOU_TESTS_PLAN_RIG_H

#include <jansson.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/json.h"
#include "tests/daemon/replica/world.h"
#include "tests/lib/vector.h"

struct rig {
	struct world *w;
	struct node *hub;
	struct node *chiiki, *honkan, *bunshitsu, *shinjuku; /* 地域福祉部, TVAC twice, 新宿区 */
	json_t *document;                                    /* tests/data/soukatsu-2023-08.json */
};

/* Everything ends with the test. `sites` false: the hub alone, without a plan. */
struct rig *rig_new(bool sites);
/* All five on one level. */
void rig_level(struct rig *g);

/* Any act in a transaction of its own; what it was refused with is in `why`, emptied first. */
#define RIG_DO(node, why, call)                                                                    \
	__extension__({                                                                            \
		soud_refusal_fini(why);                                                            \
		node_begin(node);                                                                  \
		int rig_rc = (call);                                                               \
		node_commit(node, NULL);                                                           \
		rig_rc;                                                                            \
	})

/* An item with this text at the end of its list; the test ends where that is refused. */
struct sou_id rig_add(struct node *n, const char *project, const char *column, const char *org,
		      const char *words);
void rig_edit(struct node *n, const struct sou_id *item, const char *words);
void rig_submit(struct node *n, const char *project, const char *nil_column);
/* Every item of the document, written by its organisation (TVAC's by 本館), not yet sent. */
void rig_add_all(struct rig *g);

/* Views as the API gives them; borrowed until the test ends. NULL for what is left out. */
json_t *rig_table(struct node *n, bool latest, const char *project, const char *org);
json_t *rig_items(struct node *n);
json_t *rig_item(struct node *n, const struct sou_id *item);
json_t *rig_conflicts(struct node *n);
json_t *rig_plan(struct node *n);

/* The table as text, one line for each piece, in print order; `plain`: as the paper has it, else
 * with places and marks too. */
const char *rig_text(const json_t *table, bool plain);

/* Standing of an organisation in the table's row. */
const char *rig_standing(const json_t *table, const char *project, const char *org);

#endif
