/* cmd_table.c - the summary table on a terminal, laid out as the paper is (R-2 to R-7 of
 * domain.md): one block per project with its own header row, columns 9 : 28 : 23 : 28 full-width
 * characters, scaled down where the terminal is narrower. The attribution is the daemon's; it is
 * never broken. */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/grid.h"
#include "client/cli/input.h"
#include "client/cli/say.h"

#define CELL_COLUMNS_MIN 8u
#define LEFT_WIDTH       9

/* Terminal columns of the cells of one block. */
struct layout {
	size_t count; /* left cell and the plan's columns */
	size_t width[SOUC_GRID_COLUMNS_MAX];
};

static void layout_make(const struct souc_context *cx, const json_t *table, struct layout *l)
{
	const json_t *columns = json_object_get(table, "columns"), *column;
	size_t i, sum = 0;
	long long left = souc_get_int(table, "left_width");
	l->count = 1;
	l->width[0] = 2 * (size_t)(left > 0 ? left : LEFT_WIDTH);
	json_array_foreach (columns, i, column) {
		long long width = souc_get_int(column, "width");
		if (l->count < SOUC_GRID_COLUMNS_MAX)
			l->width[l->count++] = 2 * (size_t)(width > 0 && width < 1000 ? width : 28);
	}
	for (i = 0; i < l->count; i++)
		sum += l->width[i];
	size_t lines = 3 * l->count + 1;
	if (cx->columns == 0 || sum + lines <= cx->columns)
		return;
	size_t room = cx->columns > lines ? cx->columns - lines : 0;
	for (i = 0; i < l->count; i++) {
		size_t scaled = l->width[i] * room / sum;
		l->width[i] = scaled > CELL_COLUMNS_MIN ? scaled : CELL_COLUMNS_MIN;
	}
}

/* Columns that are used in the last line of `text` when it is wrapped. */
static size_t last_line_columns(const char *text, size_t columns)
{
	size_t left = strlen(text), used = 0;
	while (left > 0) {
		size_t skip, bytes = souc_text_line(text, left, columns, &skip);
		used = souc_text_columns(text, bytes);
		text += bytes + skip;
		left -= bytes + skip;
	}
	return used;
}

/* directly after the last character; kept together, on a line of its own where it must be. */
static void tail_add(struct souc_buffer *out, size_t start, const char *tail, size_t columns)
{
	size_t need = souc_text_columns(tail, strlen(tail));
	if (last_line_columns(out->text + start, columns) + need > columns && need <= columns)
		souc_buffer_puts(out, "\n");
	souc_buffer_puts(out, tail);
}

static void paragraph_add(const struct souc_context *cx, const json_t *p, size_t columns,
			  struct souc_buffer *out)
{
	const char *text = json_string_value(json_object_get(p, "text"));
	const char *attribution = souc_get(p, "attribution"), *state = souc_get(p, "state");
	if (out->len > 0)
		souc_buffer_puts(out, "\n");
	size_t start = out->len;
	struct souc_buffer mark = {0};
	bool redacted = json_is_true(json_object_get(p, "redacted"));
	if (text == NULL)
		text = souc_word(cx, redacted ? SOU_MSG_MARK_REDACTED : SOU_MSG_MARK_INCOMPLETE);
	souc_buffer_puts(out, text);
	if (attribution[0] != '\0')
		tail_add(out, start, attribution, columns);
	if (json_is_true(json_object_get(p, "conflict")))
		souc_buffer_printf(&mark, "［%s］", souc_word(cx, SOU_MSG_MARK_CONFLICT));
	if (strcmp(state, "received") != 0 && state[0] != '\0')
		souc_buffer_printf(&mark, "［%s］", souc_label(cx, "state", state));
	if (mark.len > 0)
		tail_add(out, start, mark.text, columns);
	souc_buffer_fini(&mark);
}

/* Has the organisation a paragraph in the cell, or said that there is none? */
static bool answered(const json_t *cell, const char *org, bool *nil)
{
	size_t i;
	const json_t *p;
	*nil = false;
	json_array_foreach (json_object_get(cell, "paragraphs"), i, p) {
		if (strcmp(souc_get(p, "organisation"), org) == 0)
			return true;
	}
	json_array_foreach (json_object_get(cell, "nil"), i, p) {
		const char *name = json_string_value(p);
		*nil = *nil || (name != NULL && strcmp(name, org) == 0);
	}
	return *nil;
}

/* What is not in the cell, and why: （未提出）, （閲覧の範囲外）, （記載事項なし）; with the name
 * where several organisations share the row. */
static void missing_add(const struct souc_context *cx, const json_t *project, const json_t *cell,
			struct souc_buffer *out)
{
	const json_t *orgs = json_object_get(project, "organisations"), *org;
	bool several = json_array_size(orgs) > 1, nil;
	size_t i;
	json_array_foreach (orgs, i, org) {
		const char *standing = souc_get(org, "standing");
		if (answered(cell, souc_get(org, "id"), &nil) && !nil)
			continue;
		const char *word = nil ? souc_word(cx, SOU_MSG_STANDING_NIL)
				       : souc_label(cx, "standing", standing);
		if (!nil &&
		    (strcmp(standing, "submitted") == 0 || strcmp(standing, "accepted") == 0))
			continue; /* a column that the submission leaves empty */
		souc_buffer_printf(out, "%s（%s%s%s）", out->len > 0 ? "\n" : "",
				   several ? souc_get(org, "short_name") : "", several ? "：" : "",
				   word);
	}
}

/* R9: what a reader must know of a submission: changed since, late. */
static void submission_marks(const struct souc_context *cx, const json_t *orgs,
			     struct souc_buffer *out)
{
	static const struct {
		const char *member;
		enum sou_msg label;
	} marks[] = {
		{"changed_since", SOU_MSG_MARK_CHANGED_SINCE},
		{"late", SOU_MSG_MARK_LATE},
	};
	size_t i;
	const json_t *org;
	json_array_foreach (orgs, i, org) {
		for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
			if (json_is_true(json_object_get(org, marks[k].member)))
				souc_buffer_printf(out, "\n（%s：%s）", souc_get(org, "short_name"),
						   souc_word(cx, marks[k].label));
		}
	}
}

static void left_cell(const struct souc_context *cx, const json_t *project, struct souc_grid *g)
{
	struct souc_buffer left = {0};
	const json_t *orgs = json_object_get(project, "organisations");
	souc_buffer_printf(&left, "%s\n%s", souc_get(project, "title"),
			   souc_get(project, "page_label"));
	if (json_array_size(orgs) > 0)
		souc_buffer_printf(&left, "\n\n%s", souc_get(project, "organisations_label"));
	submission_marks(cx, orgs, &left);
	souc_grid_add(g, left.text);
	souc_buffer_fini(&left);
}

static void project_draw(const struct souc_context *cx, const json_t *table, const json_t *project,
			 const struct layout *l, struct souc_buffer *out)
{
	struct souc_grid g = {.columns = l->count, .borders = true};
	const json_t *columns = json_object_get(table, "columns");
	memcpy(g.width, l->width, sizeof l->width);
	souc_grid_add(&g, "");
	for (size_t i = 0; i + 1 < l->count; i++)
		souc_grid_add(&g, souc_get(json_array_get(columns, i), "label"));
	left_cell(cx, project, &g);
	for (size_t i = 0; i + 1 < l->count; i++) {
		const char *id = souc_get(json_array_get(columns, i), "id");
		struct souc_buffer text = {0};
		size_t k, n;
		const json_t *cell, *p;
		json_array_foreach (json_object_get(project, "cells"), k, cell) {
			if (strcmp(souc_get(cell, "column"), id) != 0)
				continue;
			json_array_foreach (json_object_get(cell, "paragraphs"), n, p)
				paragraph_add(cx, p, l->width[i + 1], &text);
			missing_add(cx, project, cell, &text);
		}
		souc_grid_add(&g, text.text != NULL ? text.text : "");
		souc_buffer_fini(&text);
	}
	souc_grid_draw(&g, out);
	souc_grid_fini(&g);
}

/* Our own line with partners' words in it. */
static void safe_line(struct souc_buffer *out, const char *text)
{
	souc_text_add_safe(out, text, strlen(text));
	souc_buffer_puts(out, "\n");
}

static void table_draw(const struct souc_context *cx, const json_t *table, struct souc_buffer *out)
{
	struct layout l = {.count = 0};
	const json_t *pillar, *project, *counts = json_object_get(table, "counts"), *item;
	size_t i, k;
	layout_make(cx, table, &l);
	safe_line(out, souc_get(table, "title"));
	if (strcmp(souc_get(table, "basis"), "latest") == 0)
		safe_line(out, souc_word(cx, SOU_MSG_TABLE_LATEST));
	json_array_foreach (json_object_get(table, "pillars"), i, pillar) {
		souc_buffer_puts(out, "\n");
		safe_line(out, souc_get(pillar, "heading"));
		json_array_foreach (json_object_get(pillar, "projects"), k, project)
			project_draw(cx, table, project, &l, out);
	}
	json_array_foreach (json_object_get(table, "unassigned"), i, item) {
		struct souc_buffer line = {0};
		souc_buffer_printf(&line, "%s%s: %s/%s/%s/%lld %s", i == 0 ? "\n" : "",
				   souc_word(cx, SOU_MSG_MARK_UNASSIGNED),
				   souc_get(item, "project"), souc_get(item, "column"),
				   souc_get(item, "organisation"), souc_get_int(item, "order"),
				   souc_get(item, "text"));
		safe_line(out, line.text);
		souc_buffer_fini(&line);
	}
	souc_buffer_printf(
		out, "\n%s %lld/%lld, %s %lld, %s %lld, %s %lld\n",
		souc_word(cx, SOU_MSG_STANDING_SUBMITTED), souc_get_int(counts, "submitted"),
		souc_get_int(counts, "expected"), souc_word(cx, SOU_MSG_STANDING_OUTSTANDING),
		souc_get_int(counts, "outstanding"), souc_word(cx, SOU_MSG_STANDING_OUT_OF_SCOPE),
		souc_get_int(counts, "out_of_scope"), souc_word(cx, SOU_MSG_MARK_CONFLICT),
		souc_get_int(counts, "conflicts"));
}

/* Write what `print` writes to cx->out into --output instead, where that was given. */
static int with_output(struct souc_context *cx, const json_t *table, bool as_json)
{
	const char *path = souc_value(cx, SOUC_O_OUTPUT);
	FILE *to = cx->out;
	if (path != NULL && strcmp(path, "-") != 0) {
		cx->out = fopen(path, "we");
		if (cx->out == NULL) {
			cx->out = to;
			return souc_fail(cx, SOU_MSG_FILE_WRITE, path, souc_reason(cx, errno));
		}
		cx->columns = 0;
	}
	int rc = EX_OK;
	if (as_json) {
		rc = souc_print_json(cx, table);
	} else {
		struct souc_buffer out = {0};
		table_draw(cx, table, &out);
		souc_print(cx, &out);
		souc_buffer_fini(&out);
	}
	if (cx->out == to)
		return rc;
	bool bad = ferror(cx->out) != 0;
	bad = fclose(cx->out) != 0 || bad;
	cx->out = to;
	return bad ? souc_fail(cx, SOU_MSG_FILE_WRITE, path, souc_reason(cx, errno)) : rc;
}

int souc_table(struct souc_context *cx)
{
	const char *format = souc_value(cx, SOUC_O_FORMAT);
	if (format == NULL)
		format = cx->json ? "json" : "text";
	bool as_json = strcmp(format, "json") == 0;
	if (!as_json && (strcmp(format, "text") != 0 || cx->json))
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "--format", format,
				 souc_word(cx, SOU_MSG_WANT_FORMAT));
	struct souc_request request = {
		.route = SOUC_R_TABLE,
		.query = {{"round", souc_value(cx, SOUC_O_ROUND)},
			  {"organisation", souc_value(cx, SOUC_O_ORG)},
			  {"project", souc_value(cx, SOUC_O_PROJECT)},
			  {"latest", souc_value(cx, SOUC_O_LATEST) != NULL ? "true" : NULL}},
	};
	json_t *table = NULL;
	int rc = souc_call(cx, &request, &table, NULL);
	if (rc == 0)
		rc = with_output(cx, table, as_json);
	json_decref(table);
	return rc;
}
