/* submission.h - what an organisation last submitted for a project in a round, and where that
 * stands (domain c-6, R2 Submission, T-20, R20). */
#ifndef SOUD_PLAN_SUBMISSION_H
#define SOUD_PLAN_SUBMISSION_H

#include "daemon/plan/content.h"
#include "daemon/plan/items.h"

/* X(NAME, "name in the API") in the order of domain c-6. */
#define SOUD_STANDINGS(X)                                                                          \
	X(OUTSTANDING, "outstanding")                                                              \
	X(DRAFTING, "drafting")                                                                    \
	X(SUBMITTED, "submitted")                                                                  \
	X(NIL, "nil")                                                                              \
	X(ACCEPTED, "accepted")                                                                    \
	X(RETURNED, "returned")                                                                    \
	X(WITHDRAWN, "withdrawn")                                                                  \
	X(OUT_OF_SCOPE, "out_of_scope")

enum soud_standing {
#define X(name, text) SOUD_STANDING_##name,
	SOUD_STANDINGS(X)
#undef X
};
const char *soud_standing_name(enum soud_standing standing);
/* Submitted, accepted or nil: there is nothing left to be done by the organisation. */
bool soud_standing_is_done(enum soud_standing standing);

struct soud_submitted { /* one paragraph as it was submitted */
	struct sou_id column, item, version;
	const char *text; /* of the copy in the same act; NULL: redacted, or not there */
	bool redacted;
};

struct soud_submission { /* what it borrows lives in the pool */
	enum soud_standing standing;
	struct sou_id entity, version; /* version zero: none was ever submitted, or out of scope */
	uint32_t scope;
	uint64_t arrival;
	bool conflict;   /* several submissions, of which none names the other */
	bool incomplete; /* P10.2 */
	bool late;       /* made after the round's due time, by the site's own clock */
	/* Whether its texts may be shown here: those of a returned one are for the organisation
	 * itself and those above (T-20). */
	bool shown;
	struct soud_content content;
	const struct soud_submitted *texts; /* content.item_count, in its order */
	struct soud_origin origin;          /* only with a version */
};

/* SOU_OK also where there is none: `standing` says why. */
int soud_submission_read(const struct soud_look *look, const struct soud_project *project,
			 const struct sou_id *org, const struct soud_round *round,
			 struct soud_pool *pool, struct soud_submission *out);

/* Do the organisation's items of this project and round (as soud_items_read sorts them) differ
 * from what was submitted, in text or in order? */
bool soud_submission_changed(const struct soud_submission *s, const struct soud_item *items,
			     size_t count);

/* Texts of the `copy` ops in the act that this entry is or closes; `texts` come with item set. */
int soud_copies_read(const struct soud_look *look, uint32_t scope, uint64_t arrival,
		     struct soud_pool *pool, struct soud_submitted *texts, size_t count);

#endif
