/* test_schema.c - holds the table in schema.h against P7.1 to P7.5 as PROTOCOL.md states them: each
 * row of the document is in the table as it says, and the table has not one more. */
#include "proto/schema.h"

#include "tests/lib/check.h"

static char *document(void)
{
	struct test_bytes text = test_read(SOU_SOURCE_DIR "/proto/PROTOCOL.md");
	return (char *)text.b;
}

/* The text between two marks; both must be there. */
static char *section(const char *from, const char *to)
{
	char *begin = strstr(document(), from);
	REQUIRE(from, begin != NULL);
	char *end = strstr(begin + strlen(from), to);
	REQUIRE(to, end != NULL);
	return test_printf("%.*s", (int)(end - begin), begin);
}

static uint16_t number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);
	REQUIRE(text, end != text && v <= UINT16_MAX);
	return (uint16_t)v;
}

static size_t split(char *text, const char *separator, char **out, size_t max)
{
	size_t n = 0;
	while (text != NULL && n < max) {
		char *next = strstr(text, separator);
		if (next != NULL) {
			*next = '\0';
			next += strlen(separator);
		}
		text += strspn(text, " ");
		for (size_t k = strlen(text); k > 0 && (text[k - 1] == ' ' || text[k - 1] == '\n');
		     k--)
			text[k - 1] = '\0';
		out[n++] = text;
		text = next;
	}
	return n;
}

TEST(schema, op_types)
{
	char *text = section("**P7.1**", "Header kinds");
	for (char *p = strchr(text, '\n'); p != NULL; p = strchr(p, '\n'))
		*p = ' ';
	size_t found = 0;
	for (uint16_t type = 0; type < 200; type++) {
		char *row = test_printf(" %u `%s`", type, sou_schema_op_name(type));
		if (sou_schema_has_op(type)) {
			CHECK(row, strstr(text, row) != NULL);
			found++;
		}
		CHECK_INT("P6.3 control", sou_op_is_control(type), ==, type >= 16 && type <= 31);
		CHECK_INT("P6.3 committed", sou_op_is_committed(type), ==,
			  !(type >= 16 && type <= 31) && type != 4);
	}
	size_t ticks = 0;
	for (const char *p = text; *p != '\0'; p++)
		ticks += *p == '`';
	CHECK_INT("P7.1 not one more in the document", ticks, ==, 2 * found);
	CHECK_STR("P7.1", sou_schema_op_name(65535), "?");
	CHECK("P7.1", !sou_schema_has_op(65535));
}

TEST(schema, roles)
{
	char *text = section("**P7.3**", "**P7.4**");
	size_t found = 0;
	for (uint32_t role = 1; role <= 32768; role *= 2) {
		const char *name = sou_role_name((enum sou_role)role);
		if (strcmp(name, "?") == 0)
			continue;
		found++;
		char *row = test_printf(" %u %s", role, name);
		CHECK(row, strstr(text, row) != NULL);
		struct sou_span span = {(const uint8_t *)name, strlen(name)};
		CHECK_INT(row, sou_role_of(span), ==, role);
		span.n--;
		CHECK_INT(row, sou_role_of(span), ==, 0);
	}
	CHECK_INT("P7.3", found, ==, 8);
}

static enum sou_type type_of(const char *letter)
{
	static const char letters[] = {
		[SOU_TYPE_STR] = 's',  [SOU_TYPE_UINT] = 'u',  [SOU_TYPE_ID] = 'b',
		[SOU_TYPE_LIST] = 'L', [SOU_TYPE_PLACE] = 'z',
	};
	for (size_t i = 0; i < sizeof letters; i++) {
		if (letters[i] == *letter)
			return (enum sou_type)i;
	}
	REQUIRE(letter, false);
	return SOU_TYPE_STR;
}

static void check_field(uint16_t kind, char *text)
{
	char *word[5];
	size_t n = split(test_printf("%s", text), " ", word, ARRAY_LEN(word));
	REQUIRE(text, n >= 4);
	const struct sou_field *field = sou_schema_field(kind, number(word[0]));
	REQUIRE(text, field != NULL);
	CHECK_STR(text, field->name, word[1]);
	CHECK_STR(text, sou_schema_field_name(kind, field->number), word[1]);
	CHECK_INT(text, field->kind, ==, kind);
	CHECK_INT(text, "tvpc"[field->class], ==, *word[2]);
	CHECK_INT(text, field->type, ==, type_of(word[3]));
	CHECK_INT(text, field->nil, ==, word[3][1] == '?');
}

/* Rows of a table: lines that begin with "| ", without the heading. */
static size_t table(char *text, char **out, size_t max)
{
	char *line[80];
	size_t n = split(text, "\n", line, ARRAY_LEN(line)), found = 0;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(line[i], "| ", 2) == 0 && found < max)
			out[found++] = line[i];
	}
	REQUIRE("a table", found > 1 && found < max);
	memmove(out, out + 1, (found - 1) * sizeof *out);
	return found - 1;
}

TEST(schema, fields)
{
	char *rows[40];
	size_t n = table(section("**P7.4**", "**P7.5**"), rows, ARRAY_LEN(rows)), found = 0,
	       kinds = 0;
	for (size_t i = 0; i < n; i++) {
		char *cell[5], *name[2], *field[20];
		REQUIRE(rows[i], split(rows[i] + 1, "|", cell, ARRAY_LEN(cell)) >= 3);
		REQUIRE(cell[0], split(cell[0], " ", name, 2) == 2);
		uint16_t kind = number(name[0]);
		CHECK_STR(name[1], sou_schema_kind_name(kind), name[1]);
		CHECK(name[1], sou_schema_has_kind(kind));
		kinds++;
		size_t fields = split(cell[2], "·", field, ARRAY_LEN(field));
		for (size_t k = 0; k < fields; k++, found++)
			check_field(kind, field[k]);
	}
	CHECK_INT("P7.4 not one more in the table", found, ==, sou_schema_field_count());
	size_t reachable = 0;
	for (unsigned kind = 0; kind <= 65535; kind++) {
		kinds -= sou_schema_has_kind((uint16_t)kind);
		for (unsigned field = 0; field <= 70; field++)
			reachable += sou_schema_field((uint16_t)kind, (uint16_t)field) != NULL;
	}
	CHECK_INT("P7.4 not one more kind", kinds, ==, 0);
	CHECK_INT("P7.4 each row is found", reachable, ==, found);
	CHECK("P7.4", sou_schema_field(65535, 65535) == NULL && sou_schema_field(1, 65535) == NULL);
	CHECK("P7.4", sou_schema_field_at(found) == NULL && sou_schema_field_at(0) != NULL);
}

static uint32_t roles_in(const char *text)
{
	uint32_t roles = 0;
	for (uint32_t role = 1; role <= 128; role *= 2) {
		if (strstr(text, sou_role_name((enum sou_role)role)) != NULL)
			roles |= role;
	}
	return roles;
}

static uint32_t wanted[5][64][64]; /* scope, type, kind */

static uint16_t op_of(const char *name)
{
	for (uint16_t type = 0; type < 64; type++) {
		if (sou_schema_has_op(type) && strcmp(sou_schema_op_name(type), name) == 0)
			return type;
	}
	REQUIRE(name, false);
	return 0;
}

/* "set, delete: 16, 17" or "adopt" */
static void want_ops(unsigned scope, char *text, uint32_t roles)
{
	char *side[2], *op[4], *list[10];
	bool has_kinds = split(text, ":", side, 2) == 2;
	size_t ops = split(side[0], ",", op, ARRAY_LEN(op));
	size_t numbers = has_kinds ? split(side[1], ",", list, ARRAY_LEN(list)) : 0;
	for (size_t i = 0; i < ops; i++) {
		uint16_t type = op_of(op[i]);
		if (!has_kinds)
			wanted[scope][type][0] = roles;
		for (size_t k = 0; k < numbers; k++) {
			char *dash = strstr(list[k], "–");
			unsigned low = number(list[k]);
			unsigned high = dash != NULL ? number(dash + strlen("–")) : low;
			for (unsigned kind = low; kind <= high; kind++)
				wanted[scope][type][kind] = roles;
		}
	}
}

TEST(schema, rights)
{
	char *rows[20];
	char *text = section("**P7.5**", "**P7.6**");
	CHECK("P7.5 entry without ops",
	      strstr(text, "An entry without ops needs editor, submitter, approver, reviewer or "
			   "planner.") != NULL);
	CHECK_INT("P7.5 entry without ops", SOU_ROLES_EMPTY, ==, 1 | 2 | 4 | 16 | 32);
	size_t n = table(text, rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < n; i++) {
		char *cell[5], *part[4];
		REQUIRE(rows[i], split(rows[i] + 1, "|", cell, ARRAY_LEN(cell)) >= 3);
		uint32_t roles = roles_in(cell[2]);
		bool is_any = strcmp(cell[0], "any") == 0;
		if (is_any &&
		    strchr(cell[1], ',') != NULL) { /* a list of control ops, without kinds */
			size_t ops = split(cell[1], ",", part, ARRAY_LEN(part));
			for (size_t k = 0; k < ops; k++) {
				for (unsigned scope = 2; scope <= 4; scope++)
					wanted[scope][op_of(part[k])][0] = roles;
			}
			continue;
		}
		size_t parts = split(cell[1], "·", part, ARRAY_LEN(part));
		for (size_t k = 0; k < parts; k++) {
			for (unsigned scope = 2; scope <= 4; scope++) {
				static const char *const scopes[] = {"", "", "plan", "org",
								     "project"};
				if (is_any || strcmp(cell[0], scopes[scope]) == 0)
					want_ops(scope, test_printf("%s", part[k]), roles);
			}
		}
	}
	for (unsigned scope = 1; scope <= 4; scope++) {
		for (uint16_t type = 0; type < 64; type++) {
			for (uint16_t kind = 0; kind < 64; kind++) {
				char *name = test_printf("P7.5 scope %u type %u kind %u", scope,
							 type, kind);
				CHECK_INT(name,
					  sou_schema_roles((enum sou_scope_kind)scope, type, kind),
					  ==, wanted[scope][type][kind]);
			}
		}
	}
	CHECK_INT("P7.5 beyond", sou_schema_roles(SOU_SCOPE_PLAN, 65535, 1), ==, 0);
	CHECK_INT("P7.5 beyond", sou_schema_roles(SOU_SCOPE_PLAN, 1, 65535), ==, 0);
	CHECK_INT("P7.5 something is there", wanted[3][1][16], ==, SOU_ROLE_EDITOR);
}
