/* table.h - the 総括表 of one round as a model (domain c-4, R-1 to R-9): pillars, projects, cells,
 * paragraphs with computed attributions (D-3), and who has submitted. How it looks on a terminal or
 * on paper is for whoever prints it. */
#ifndef SOUD_PLAN_TABLE_H
#define SOUD_PLAN_TABLE_H

#include "daemon/plan/submission.h"

struct soud_table_options {
	const struct soud_round *round;
	const struct soud_project *project; /* NULL: all */
	const struct sou_id *org;           /* NULL: all; else it and those below it */
	bool latest;                        /* everything readable; else what was last submitted */
};

struct soud_paragraph {
	struct sou_id item, version, org;
	uint32_t order;          /* from 1 within its organisation's list */
	const char *text;        /* NULL: redacted, or not there */
	const char *attribution; /* "（TVAC）"; NULL where the row has one organisation (D-3) */
	uint32_t scope;          /* where `arrival` counts */
	uint64_t arrival;        /* of the entry that tells where the words are (U-1) */
	uint64_t place_arrival;  /* the item's place, where that is told too; 0 */
	bool conflict, redacted;
};

struct soud_cell {
	const struct soud_column *column;
	const struct soud_paragraph *paragraphs;
	size_t paragraph_count;
	const struct sou_id *nil; /* organisations that said there is nothing to report */
	size_t nil_count;
};

struct soud_table_org {
	const struct sou_org *org; /* NULL: not known to the authority */
	struct sou_id id;
	uint64_t role;
	struct soud_submission submission;
	bool changed_since;
};

struct soud_table_project {
	const struct soud_project *project;
	const char *page_label; /* "（31 ㌻）", "" without a page */
	const char *orgs_label; /* "地域福祉部、東京…センター（TVAC）" */
	bool attributed;
	const struct soud_table_org *orgs; /* those that the filter lets through */
	size_t org_count;
	const struct soud_cell *cells; /* one for each column */
	size_t cell_count;
};

struct soud_table_pillar {
	const struct soud_pillar *pillar; /* NULL: of projects without a known pillar */
	const char *heading;              /* "Ⅳ 幅広い…" */
	const struct soud_table_project *projects;
	size_t project_count;
};

struct soud_table {                       /* what it borrows lives in the pool */
	const struct soud_one_plan *plan; /* of the round; NULL: not known */
	const struct soud_round *round;
	const char *title; /* */
	bool latest;
	const struct soud_column **columns;
	size_t column_count;
	const struct soud_table_pillar *pillars; /* those with a project in the table */
	size_t pillar_count;
	const struct soud_item *unassigned; /* of organisations that the plan does not name (R9) */
	size_t unassigned_count;
	size_t expected, submitted, outstanding, out_of_scope, conflicts;
};

int soud_table_read(const struct soud_look *look, const struct soud_plan *plan,
		    const struct soud_table_options *options, struct soud_pool *pool,
		    struct soud_table *out);

/* the attribution of an organisation, and the organisations of a row. */
const char *soud_attribution(const struct sou_org *org, struct soud_pool *pool);
const char *soud_orgs_label(const struct sou_authority *authority,
			    const struct soud_project *project, struct soud_pool *pool);

#endif
