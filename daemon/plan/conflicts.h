/* conflicts.h - fields of which several different values are live (R9, P10.4, domain d-6). */
#ifndef SOUD_PLAN_CONFLICTS_H
#define SOUD_PLAN_CONFLICTS_H

#include "daemon/plan/history.h"
#include "daemon/plan/items.h"

struct soud_scope_name { /* what a scope is, as far as authority and plan tell */
	enum sou_scope_kind kind;
	struct sou_id entity; /* organisation or project; zero for the plan */
	const char *text;     /* "plan", "org/tvac", "project/…" in the pool */
};

/* SOU_EUNKNOWN: neither authority nor plan names it. */
int soud_scope_name(const struct soud_look *look, const struct soud_plan *plan,
		    const struct sou_id *scope, struct soud_pool *pool,
		    struct soud_scope_name *out);

/* Roles for records of an organisation in that scope, of this site (R7). */
uint32_t soud_scope_roles(const struct soud_look *look, const struct soud_scope_name *name,
			  const struct sou_id *for_org);

struct soud_conflict { /* in the pool */
	uint32_t scope;
	struct soud_scope_name name;
	struct sou_id entity, for_org; /* whose record it is */
	uint16_t kind, field;
	bool resolvable; /* this site holds a role for it */
	struct soud_history history;
	const struct sou_id *live; /* version ids in the order of R15 */
	size_t live_count;
	const char *proposal; /* NULL: none */
};

/* Readable conflicts whose entity begins with these hex digits (NULL: all), in the order of their
 * scope and entity. */
int soud_conflicts_read(const struct soud_look *look, const struct soud_plan *plan,
			const char *id_prefix, struct soud_pool *pool, struct soud_conflict **out,
			size_t *count);

/* Readable records with a conflict, and those with a gap, for status. */
int soud_conflicts_count(const struct soud_look *look, const struct soud_plan *plan,
			 size_t *conflicts, size_t *incomplete);

/* The text of a version of a field of type str; NULL: redacted, or of another type. */
const char *soud_version_text(const struct soud_version *version, struct soud_pool *pool);

#endif
