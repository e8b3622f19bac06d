/* schema.c - the tables of schema.h, spread out so that each question is one look. */
#include "schema.h"

#define KINDS_END  64u /* numbers that a row may have are below */
#define FIELDS_END 32u
#define OPS_END    32u
#define SCOPES_END 5u

static const struct sou_field fields[] = {
#define X(kind_, name_, number_, text_, class_, type_, nil_)                                       \
	{text_, SOU_KIND_##kind_, number_, SOU_CLASS_##class_, SOU_TYPE_##type_, nil_},
	SOU_FIELDS(X)
#undef X
};

enum { /* position of each row, so that the index below can be a constant */
#define X(kind, name, number, text, class, type, nil) ROW_##kind##_##name,
       SOU_FIELDS(X)
#undef X
};

static const uint8_t rows[KINDS_END][FIELDS_END] = {/* row + 1 */
#define X(kind, name, number, text, class, type, nil)                                              \
	[SOU_KIND_##kind][number] = ROW_##kind##_##name + 1,
						    SOU_FIELDS(X)
#undef X
};
_Static_assert(sizeof fields / sizeof *fields < UINT8_MAX, "a row number fits");

static const uint16_t roles[SCOPES_END][OPS_END][KINDS_END] = {
#define X(scope, type, kind, roles) [SOU_SCOPE_##scope][SOU_OP_##type][SOU_KIND_##kind] = (roles),
	SOU_RIGHTS(X)
#undef X
};

static const char *const kind_names[KINDS_END] = {
#define X(name, number, text) [number] = (text),
	SOU_KINDS(X)
#undef X
};

static const char *const op_names[OPS_END] = {
#define X(name, number, text) [number] = (text),
	SOU_OP_TYPES(X)
#undef X
};

static const struct {
	enum sou_role role;
	const char *name;
} role_names[] = {
	/* P7.3 */
	{SOU_ROLE_EDITOR, "editor"},     {SOU_ROLE_SUBMITTER, "submitter"},
	{SOU_ROLE_APPROVER, "approver"}, {SOU_ROLE_READER, "reader"},
	{SOU_ROLE_REVIEWER, "reviewer"}, {SOU_ROLE_PLANNER, "planner"},
	{SOU_ROLE_ANCHOR, "anchor"},     {SOU_ROLE_ADMIN, "admin"},
};

const struct sou_field *sou_schema_field(uint16_t kind, uint16_t field)
{
	if (kind >= KINDS_END || field >= FIELDS_END || rows[kind][field] == 0)
		return NULL;
	return &fields[rows[kind][field] - 1];
}

size_t sou_schema_field_count(void)
{
	return sizeof fields / sizeof *fields;
}

const struct sou_field *sou_schema_field_at(size_t i)
{
	return i < sou_schema_field_count() ? &fields[i] : NULL;
}

bool sou_schema_has_kind(uint16_t kind)
{
	return kind < KINDS_END && kind_names[kind] != NULL;
}

bool sou_schema_has_op(uint16_t type)
{
	return type < OPS_END && op_names[type] != NULL;
}

uint32_t sou_schema_roles(enum sou_scope_kind scope, uint16_t type, uint16_t kind)
{
	SOU_ASSERT(scope < SCOPES_END);
	return type < OPS_END && kind < KINDS_END ? roles[scope][type][kind] : 0;
}

const char *sou_schema_op_name(uint16_t type)
{
	return sou_schema_has_op(type) ? op_names[type] : "?";
}

const char *sou_schema_kind_name(uint16_t kind)
{
	return sou_schema_has_kind(kind) ? kind_names[kind] : "?";
}

const char *sou_schema_field_name(uint16_t kind, uint16_t field)
{
	const struct sou_field *row = sou_schema_field(kind, field);
	return row != NULL ? row->name : "?";
}

const char *sou_role_name(enum sou_role role)
{
	for (size_t i = 0; i < sizeof role_names / sizeof *role_names; i++) {
		if (role_names[i].role == role)
			return role_names[i].name;
	}
	return "?";
}

uint32_t sou_role_of(struct sou_span name)
{
	for (size_t i = 0; i < sizeof role_names / sizeof *role_names; i++) {
		const char *text = role_names[i].name;
		if (strlen(text) == name.n && memcmp(text, name.p, name.n) == 0)
			return role_names[i].role;
	}
	return 0;
}
