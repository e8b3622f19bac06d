/* schema.h - op types, record kinds, fields and rights of rule version 1, as one table (P7.1 -
 * P7.5). A test holds it against the tables of PROTOCOL.md. Pure. */
#ifndef SOU_SCHEMA_H
#define SOU_SCHEMA_H

#include "authop.h"
#include "name.h"

/* P7.1: X(NAME, number, "name") */
#define SOU_OP_TYPES(X)                                                                            \
	X(SET, 1, "set")                                                                           \
	X(DELETE, 2, "delete")                                                                     \
	X(CONSENT, 4, "consent")                                                                   \
	X(PROXY, 5, "proxy")                                                                       \
	X(ADOPT, 16, "adopt")                                                                      \
	X(ANCHOR, 17, "anchor")                                                                    \
	X(EPOCH_OPEN, 18, "epoch-open")                                                            \
	X(CLOSE, 19, "close")                                                                      \
	X(HEARTBEAT, 20, "heartbeat")

/* P7.4: X(NAME, number, "name") */
#define SOU_KINDS(X)                                                                               \
	X(PLAN, 1, "plan")                                                                         \
	X(PILLAR, 2, "pillar")                                                                     \
	X(PROJECT, 3, "project")                                                                   \
	X(ROUND, 4, "round")                                                                       \
	X(COLUMN, 5, "column")                                                                     \
	X(INDICATOR, 6, "indicator")                                                               \
	X(EDITION, 7, "edition")                                                                   \
	X(ITEM, 16, "item")                                                                        \
	X(MEASUREMENT, 17, "measurement")                                                          \
	X(MARK, 18, "mark")                                                                        \
	X(APPROVAL, 19, "approval")                                                                \
	X(CONSENT, 20, "consent")                                                                  \
	X(REMARK, 21, "remark")                                                                    \
	X(EXCEPTION, 22, "exception")                                                              \
	X(SETTING, 23, "setting")                                                                  \
	X(SUBMISSION, 32, "submission")                                                            \
	X(REVIEW, 33, "review")                                                                    \
	X(COPY, 34, "copy")

/* P7.4: X(KIND, NAME, number, "name", class, type, nil allowed). What stands in a list (in brackets
 * in the document) is not part of its type: whoever reads a list shows what it can. */
#define SOU_FIELDS(X)                                                                              \
	X(PLAN, OFFICIAL_NAME, 1, "official_name", TEXT, STR, false)                               \
	X(PLAN, SHORT_NAME, 2, "short_name", TEXT, STR, false)                                     \
	X(PLAN, PERIOD_LABEL, 3, "period_label", TEXT, STR, false)                                 \
	X(PLAN, FIRST_YEAR, 4, "first_year", VALUE, UINT, false)                                   \
	X(PLAN, LAST_YEAR, 5, "last_year", VALUE, UINT, false)                                     \
	X(PLAN, TABLE_TITLE, 6, "table_title", TEXT, STR, false)                                   \
	X(PLAN, LEVEL_LABEL_1, 7, "level_label_1", TEXT, STR, false)                               \
	X(PLAN, LEVEL_LABEL_2, 8, "level_label_2", TEXT, STR, false)                               \
	X(PLAN, HANDLE, 20, "handle", VALUE, STR, false)                                           \
	X(PILLAR, TITLE, 1, "title", TEXT, STR, false)                                             \
	X(PILLAR, NUMERAL, 2, "numeral", VALUE, STR, false)                                        \
	X(PILLAR, PLACE, 3, "place", PLACE, PLACE, false)                                          \
	X(PILLAR, PLAN, 4, "plan", VALUE, ID, false)                                               \
	X(PILLAR, HANDLE, 20, "handle", VALUE, STR, false)                                         \
	X(PROJECT, TITLE, 1, "title", TEXT, STR, false)                                            \
	X(PROJECT, PLAN_PAGE, 2, "plan_page", VALUE, UINT, true)                                   \
	X(PROJECT, PLACE, 3, "place", PLACE, PLACE, false)                                         \
	X(PROJECT, PILLAR, 4, "pillar", VALUE, ID, false)                                          \
	X(PROJECT, ORGANISATIONS, 5, "organisations", VALUE, LIST, false)                          \
	X(PROJECT, PLAN, 6, "plan", VALUE, ID, false)                                              \
	X(PROJECT, HANDLE, 20, "handle", VALUE, STR, false)                                        \
	X(ROUND, AS_OF, 1, "as_of", VALUE, STR, false)                                             \
	X(ROUND, AS_OF_STYLE, 2, "as_of_style", VALUE, STR, false)                                 \
	X(ROUND, AS_OF_LABEL, 3, "as_of_label", TEXT, STR, false)                                  \
	X(ROUND, PLAN, 4, "plan", VALUE, ID, false)                                                \
	X(ROUND, OPENS, 5, "opens", VALUE, STR, true)                                              \
	X(ROUND, DUE, 6, "due", VALUE, STR, true)                                                  \
	X(ROUND, CLOSES, 7, "closes", VALUE, STR, true)                                            \
	X(ROUND, STATE, 8, "state", VALUE, UINT, false)                                            \
	X(ROUND, GRACE_DAYS, 9, "grace_days", VALUE, UINT, false)                                  \
	X(ROUND, INSTRUCTIONS, 10, "instructions", TEXT, STR, false)                               \
	X(ROUND, HANDLE, 20, "handle", VALUE, STR, false)                                          \
	X(COLUMN, LABEL, 1, "label", TEXT, STR, false)                                             \
	X(COLUMN, WIDTH, 2, "width", VALUE, UINT, false)                                           \
	X(COLUMN, PLACE, 3, "place", PLACE, PLACE, false)                                          \
	X(COLUMN, PLAN, 4, "plan", VALUE, ID, false)                                               \
	X(COLUMN, HANDLE, 20, "handle", VALUE, STR, false)                                         \
	X(INDICATOR, NAME, 1, "name", TEXT, STR, false)                                            \
	X(INDICATOR, UNIT, 2, "unit", VALUE, STR, false)                                           \
	X(INDICATOR, SUM_RULE, 3, "sum_rule", VALUE, STR, false)                                   \
	X(INDICATOR, PROJECT, 4, "project", VALUE, ID, false)                                      \
	X(INDICATOR, KIND, 5, "kind", VALUE, STR, false)                                           \
	X(INDICATOR, TARGET, 6, "target", VALUE, LIST, true)                                       \
	X(INDICATOR, HANDLE, 20, "handle", VALUE, STR, false)                                      \
	X(EDITION, CONTENT, 1, "content", VALUE, LIST, true)                                       \
	X(EDITION, NOTE, 2, "note", TEXT, STR, false)                                              \
	X(ITEM, TEXT, 1, "text", TEXT, STR, false)                                                 \
	X(ITEM, PLACE, 2, "place", PLACE, PLACE, false)                                            \
	X(ITEM, PROJECT, 3, "project", VALUE, ID, false)                                           \
	X(ITEM, COLUMN, 4, "column", VALUE, ID, false)                                             \
	X(ITEM, ROUND, 5, "round", VALUE, ID, false)                                               \
	X(ITEM, CARRIED_FROM, 6, "carried_from", VALUE, ID, true)                                  \
	X(MEASUREMENT, VALUE, 1, "value", VALUE, LIST, true)                                       \
	X(MEASUREMENT, NOTE, 2, "note", TEXT, STR, false)                                          \
	X(MEASUREMENT, INDICATOR, 3, "indicator", VALUE, ID, false)                                \
	X(MEASUREMENT, ROUND, 4, "round", VALUE, ID, false)                                        \
	X(MARK, STATE, 1, "state", VALUE, UINT, false)                                             \
	X(APPROVAL, CONTENT, 1, "content", VALUE, LIST, true)                                      \
	X(APPROVAL, REMARK, 2, "remark", TEXT, STR, false)                                         \
	X(CONSENT, UNTIL, 1, "until", VALUE, STR, true)                                            \
	X(CONSENT, ABOUT, 2, "about", VALUE, UINT, false)                                          \
	X(CONSENT, VERSION, 3, "version", VALUE, ID, true)                                         \
	X(REMARK, TEXT, 1, "text", TEXT, STR, false)                                               \
	X(REMARK, ITEM, 2, "item", VALUE, ID, false)                                               \
	X(EXCEPTION, DUE, 1, "due", VALUE, STR, true)                                              \
	X(EXCEPTION, REASON, 2, "reason", TEXT, STR, false)                                        \
	X(SETTING, VALUE, 1, "value", VALUE, STR, true)                                            \
	X(SUBMISSION, CONTENT, 1, "content", VALUE, LIST, true)                                    \
	X(SUBMISSION, NOTE, 2, "note", TEXT, STR, false)                                           \
	X(REVIEW, DECISION, 1, "decision", VALUE, LIST, true)                                      \
	X(REVIEW, REASON, 2, "reason", TEXT, STR, false)                                           \
	X(COPY, TEXT, 1, "text", COPY, STR, false)

#define SOU_ROLES_WORK                                                                             \
	(SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER | SOU_ROLE_APPROVER | SOU_ROLE_REVIEWER |            \
	 SOU_ROLE_PLANNER)
/* P7.5: an entry without ops needs one of these. */
#define SOU_ROLES_EMPTY SOU_ROLES_WORK

/* P7.5: X(SCOPE, TYPE, KIND, roles). One of the roles is needed. Control ops have kind 0. */
#define SOU_RIGHTS_BOTH(X, SCOPE, KIND, roles)                                                     \
	X(SCOPE, SET, KIND, roles) X(SCOPE, DELETE, KIND, roles)
#define SOU_RIGHTS_CONTROL(X, SCOPE)                                                               \
	X(SCOPE, ADOPT, NONE, SOU_ROLE_REVIEWER)                                                   \
	X(SCOPE, ANCHOR, NONE, SOU_ROLE_ANCHOR)                                                    \
	X(SCOPE, HEARTBEAT, NONE, SOU_ROLE_ANCHOR)                                                 \
	X(SCOPE, EPOCH_OPEN, NONE, SOU_ROLES_WORK | SOU_ROLE_ANCHOR)                               \
	X(SCOPE, CLOSE, NONE, SOU_ROLES_WORK | SOU_ROLE_ANCHOR)
#define SOU_RIGHTS(X)                                                                              \
	SOU_RIGHTS_BOTH(X, PLAN, PLAN, SOU_ROLE_PLANNER)                                           \
	SOU_RIGHTS_BOTH(X, PLAN, PILLAR, SOU_ROLE_PLANNER)                                         \
	SOU_RIGHTS_BOTH(X, PLAN, PROJECT, SOU_ROLE_PLANNER)                                        \
	SOU_RIGHTS_BOTH(X, PLAN, ROUND, SOU_ROLE_PLANNER)                                          \
	SOU_RIGHTS_BOTH(X, PLAN, COLUMN, SOU_ROLE_PLANNER)                                         \
	SOU_RIGHTS_BOTH(X, PLAN, INDICATOR, SOU_ROLE_PLANNER)                                      \
	SOU_RIGHTS_BOTH(X, PLAN, EDITION, SOU_ROLE_PLANNER)                                        \
	SOU_RIGHTS_BOTH(X, ORG, ITEM, SOU_ROLE_EDITOR)                                             \
	SOU_RIGHTS_BOTH(X, ORG, MEASUREMENT, SOU_ROLE_EDITOR)                                      \
	SOU_RIGHTS_BOTH(X, ORG, MARK, SOU_ROLE_EDITOR)                                             \
	SOU_RIGHTS_BOTH(X, ORG, SETTING, SOU_ROLE_EDITOR)                                          \
	X(ORG, CONSENT, CONSENT, SOU_ROLE_EDITOR)                                                  \
	SOU_RIGHTS_BOTH(X, ORG, APPROVAL, SOU_ROLE_APPROVER)                                       \
	SOU_RIGHTS_BOTH(X, ORG, REMARK, SOU_ROLE_REVIEWER)                                         \
	SOU_RIGHTS_BOTH(X, ORG, EXCEPTION, SOU_ROLE_REVIEWER)                                      \
	X(ORG, PROXY, ITEM, SOU_ROLE_REVIEWER)                                                     \
	SOU_RIGHTS_BOTH(X, PROJECT, SUBMISSION, SOU_ROLE_SUBMITTER)                                \
	X(PROJECT, CONSENT, CONSENT, SOU_ROLE_SUBMITTER)                                           \
	X(PROJECT, SET, COPY, SOU_ROLE_SUBMITTER | SOU_ROLE_REVIEWER)                              \
	SOU_RIGHTS_BOTH(X, PROJECT, REVIEW, SOU_ROLE_REVIEWER)                                     \
	X(PROJECT, PROXY, SUBMISSION, SOU_ROLE_REVIEWER)                                           \
	SOU_RIGHTS_CONTROL(X, PLAN)                                                                \
	SOU_RIGHTS_CONTROL(X, ORG)                                                                 \
	SOU_RIGHTS_CONTROL(X, PROJECT)

enum sou_op_type {
#define X(name, number, text) SOU_OP_##name = number,
	SOU_OP_TYPES(X)
#undef X
};

enum sou_kind {
	SOU_KIND_NONE = 0, /* of control ops */
#define X(name, number, text) SOU_KIND_##name = number,
	SOU_KINDS(X)
#undef X
		SOU_KIND_ORGANISATION = 64, /* P3.5: names only, no records of it */
};

enum { /* SOU_FIELD_ITEM_TEXT = 1, ... */
#define X(kind, name, number, text, class, type, nil) SOU_FIELD_##kind##_##name = number,
       SOU_FIELDS(X)
#undef X
};

enum sou_class { SOU_CLASS_TEXT, SOU_CLASS_VALUE, SOU_CLASS_PLACE, SOU_CLASS_COPY };
enum sou_type { SOU_TYPE_STR, SOU_TYPE_UINT, SOU_TYPE_ID, SOU_TYPE_LIST, SOU_TYPE_PLACE };

struct sou_field {
	const char *name;
	uint16_t kind, number;
	uint8_t class; /* enum sou_class */
	uint8_t type;  /* enum sou_type */
	bool nil;      /* nil is a value too */
};

/* NULL: not in the table (P6.9). */
const struct sou_field *sou_schema_field(uint16_t kind, uint16_t field);
size_t sou_schema_field_count(void);
const struct sou_field *sou_schema_field_at(size_t i);

bool sou_schema_has_kind(uint16_t kind);
bool sou_schema_has_op(uint16_t type);
static inline bool sou_op_is_control(uint16_t type) /* P6.3 */
{
	return type >= 16 && type <= 31;
}
static inline bool sou_op_is_committed(uint16_t type) /* P6.3 */
{
	return !sou_op_is_control(type) && type != SOU_OP_CONSENT;
}

/* P7.5: the roles of which one is needed; 0: nobody may. For adopt, anchor, ... kind is 0. */
uint32_t sou_schema_roles(enum sou_scope_kind scope, uint16_t type, uint16_t kind);

/* For logs and JSON; "?" for what is not in the table. */
const char *sou_schema_op_name(uint16_t type);
const char *sou_schema_kind_name(uint16_t kind);
const char *sou_schema_field_name(uint16_t kind, uint16_t field);
const char *sou_role_name(enum sou_role role); /* of one bit: "editor"; "?" */
uint32_t sou_role_of(struct sou_span name);    /* 0: none of this name */

#endif
