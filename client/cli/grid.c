/* grid.c - lay out cells and draw them. */
#include "client/cli/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "proto/error.h"

#define GAP "  "

void souc_grid_add(struct souc_grid *g, const char *text)
{
	struct souc_buffer safe = {0};
	souc_text_add_safe(&safe, text, strlen(text));
	if (g->count == g->cap) {
		size_t cap = g->cap > 0 ? g->cap * 2 : 32;
		char **grown = realloc(g->cells, cap * sizeof *grown);
		if (grown == NULL) {
			fputs("soukatsu: no memory\n", stderr);
			exit(EX_OSERR);
		}
		g->cells = grown;
		g->cap = cap;
	}
	souc_buffer_puts(&safe, ""); /* so that an empty cell is a string too */
	g->cells[g->count++] = safe.text;
}

void souc_grid_addf(struct souc_grid *g, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char text[1024];
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	souc_grid_add(g, text);
}

void souc_grid_fini(struct souc_grid *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct souc_grid){0};
}

/* The widest line of a column. */
static size_t column_width(const struct souc_grid *g, size_t column)
{
	if (g->width[column] > 0)
		return g->width[column];
	size_t widest = 1;
	for (size_t i = column; i < g->count; i += g->columns) {
		for (const char *s = g->cells[i];; s++) {
			size_t bytes = strcspn(s, "\n");
			size_t columns = souc_text_columns(s, bytes);
			widest = columns > widest ? columns : widest;
			s += bytes;
			if (*s == '\0')
				break;
		}
	}
	return widest;
}

static void rule(const struct souc_grid *g, const size_t *width, const char *left,
		 const char *cross, const char *right, struct souc_buffer *out)
{
	souc_buffer_puts(out, left);
	for (size_t c = 0; c < g->columns; c++) {
		if (c > 0)
			souc_buffer_puts(out, cross);
		for (size_t i = 0; i < width[c] + 2; i++)
			souc_buffer_puts(out, "─");
	}
	souc_buffer_puts(out, right);
	souc_buffer_puts(out, "\n");
}

/* One line of one cell, filled up to its width; the last column of an open table is not. */
static void draw_piece(const struct souc_grid *g, size_t column, const char *text, size_t bytes,
		       size_t width, struct souc_buffer *out)
{
	size_t used = souc_text_columns(text, bytes);
	size_t pad = used < width ? width - used : 0;
	if (g->right[column])
		souc_buffer_pad(out, pad);
	souc_buffer_add(out, text, bytes);
	if (!g->right[column] && (g->borders || column + 1 < g->columns))
		souc_buffer_pad(out, pad);
}

static void draw_row(const struct souc_grid *g, const size_t *width, char *const *cells,
		     struct souc_buffer *out)
{
	const char *rest[SOUC_GRID_COLUMNS_MAX];
	for (size_t c = 0; c < g->columns; c++)
		rest[c] = cells[c];
	for (bool more = true, first = true; more || first; first = false) {
		more = false;
		souc_buffer_puts(out, g->borders ? "│ " : "");
		for (size_t c = 0; c < g->columns; c++) {
			if (c > 0)
				souc_buffer_puts(out, g->borders ? " │ " : GAP);
			size_t skip;
			size_t bytes = souc_text_line(rest[c], strlen(rest[c]), width[c], &skip);
			draw_piece(g, c, rest[c], bytes, width[c], out);
			rest[c] += bytes + skip;
			more = more || *rest[c] != '\0';
		}
		souc_buffer_puts(out, g->borders ? " │\n" : "\n");
	}
}

void souc_grid_draw(const struct souc_grid *g, struct souc_buffer *out)
{
	SOU_ASSERT(g->columns >= 1 && g->columns <= SOUC_GRID_COLUMNS_MAX);
	SOU_ASSERT(g->count % g->columns == 0);
	size_t width[SOUC_GRID_COLUMNS_MAX];
	for (size_t c = 0; c < g->columns; c++)
		width[c] = column_width(g, c);
	if (g->borders)
		rule(g, width, "┌", "┬", "┐", out);
	for (size_t i = 0; i < g->count; i += g->columns) {
		if (i > 0 && g->borders)
			rule(g, width, "├", "┼", "┤", out);
		draw_row(g, width, g->cells + i, out);
	}
	if (g->borders)
		rule(g, width, "└", "┴", "┘", out);
}
