/* acts.h - what a person does to the progress table, each as one act in one scope (design 9, R2).
 * Each runs on the thread that owns the replica, in an open transaction, and leaves nothing in it
 * when it refuses. What a person may not do is refused before anything is signed, with the clause
 * (R7) and what to do instead. Strings are UTF-8 with a 0 behind, borrowed for the call. */
#ifndef SOUD_PLAN_ACTS_H
#define SOUD_PLAN_ACTS_H

#include "daemon/plan/refusal.h"
#include "daemon/replica/replica.h"

/* --- Items --- */

struct soud_item_place { /* handles; NULL: the default of docs/api.md */
	const char *round, *project, *column, *org;
};
/* order: the place it shall take, from 1; 0: last. */
int soud_item_add(struct soud_replica *r, const struct soud_item_place *at, int64_t order,
		  const char *text, const char *by, struct sou_id *item, struct soud_refusal *why);

/* The versions that the person had before her: none (NULL, 0): not looked at. */
struct soud_base {
	const struct sou_id *versions;
	size_t count;
};
/* The same text again writes nothing. Refused while the text is in conflict. Versions that are held
 * are named too: the new text settles them. */
int soud_item_edit(struct soud_replica *r, const struct sou_id *item, const char *text,
		   const struct soud_base *base, const char *by, struct soud_refusal *why);
int soud_item_move(struct soud_replica *r, const struct sou_id *item, int64_t order, const char *by,
		   struct soud_refusal *why);
int soud_item_remove(struct soud_replica *r, const struct sou_id *item,
		     const struct soud_base *base, const char *by, struct soud_refusal *why);

/* --- Submission --- */

struct soud_submit {
	const char *round, *project, *org; /* round, org: NULL for the default */
	const char *const *nil_columns;    /* handles */
	size_t nil_count;
	const char *by;
	bool *unchanged; /* set where it stood so already; may be NULL */
};
/* Takes the organisation's items of the project as they stand. The same again, while it stands as
 * submitted or accepted, writes nothing. */
int soud_submit(struct soud_replica *r, const struct soud_submit *in, struct soud_refusal *why);

/* --- Conflicts --- */

struct soud_resolve {
	struct sou_id entity;
	const char *field;            /* NULL: the one that is in conflict */
	const struct sou_id *version; /* one of the conflict's own; or */
	const char *text;             /* a new text */
	struct soud_base base;
	const char *by;
};
int soud_conflict_resolve(struct soud_replica *r, const struct soud_resolve *in,
			  struct soud_refusal *why);

/* --- Plan and rounds --- */

/* due: RFC 3339, or NULL: as it is. A round that is open with that due time writes nothing. */
int soud_round_open(struct soud_replica *r, const char *round, const char *due, const char *by,
		    struct soud_refusal *why);
int soud_round_close(struct soud_replica *r, const char *round, const char *by,
		     struct soud_refusal *why);

struct soud_plan_imported {
	char plan[SOUD_REFUSAL_ARGUMENT_BYTES]; /* handle */
	size_t rounds, pillars, projects, indicators, items_left_out, changed;
};
/* document: docs/api.md, POST /v1/plan/import. Idempotent by handle. */
int soud_plan_import(struct soud_replica *r, const json_t *document, const char *by,
		     struct soud_plan_imported *out, struct soud_refusal *why);

/* --- Headquarters: authority ops (hub.h) --- */

struct soud_orgs_imported {
	size_t added, changed, unchanged, ops;
};
/* today: "2023-09-01", from when a changed name holds. */
int soud_org_import(struct soud_replica *r, const char *data_dir, const char *csv,
		    const char *passphrase, const char *today, struct soud_orgs_imported *out,
		    struct soud_refusal *why);

struct soud_invite_ask {
	const char *org, *name; /* handle; name of the site */
	uint32_t roles;         /* bits, P7.3 */
	int64_t expires_s;
	int64_t now_ms;
	const char *address; /* HOST:PORT that the invite names */
};
struct soud_invite_made {
	char text[SOU_INVITE_TEXT_BYTES_MAX]; /* holds the secret: wipe after use */
	struct sou_id id;
	int64_t expires_ms;
};
int soud_invite(struct soud_replica *r, const char *data_dir, const struct soud_invite_ask *in,
		const char *passphrase, struct soud_invite_made *out, struct soud_refusal *why);

#endif
