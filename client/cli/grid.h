/* grid.h - tables on a terminal: columns as wide as what stands in them, cells wrapped where they
 * would not fit, borders in light lines when asked for. Pure; cells are copied. */
#ifndef SOUC_GRID_H
#define SOUC_GRID_H

#include "client/cli/text.h"

#define SOUC_GRID_COLUMNS_MAX 12u

struct souc_grid {
	size_t columns;                      /* 1..SOUC_GRID_COLUMNS_MAX */
	bool borders;                        /* a box, rows divided by lines */
	size_t width[SOUC_GRID_COLUMNS_MAX]; /* terminal columns; 0: as wide as its cells */
	bool right[SOUC_GRID_COLUMNS_MAX];   /* numbers stand to the right */
	char **cells;                        /* owned; row by row */
	size_t count, cap;
};

/* A cell may hold line ends. Its text is made harmless here. */
void souc_grid_add(struct souc_grid *g, const char *text);
void souc_grid_addf(struct souc_grid *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends the table; `g->count` is a multiple of `g->columns`. */
void souc_grid_draw(const struct souc_grid *g, struct souc_buffer *out);
void souc_grid_fini(struct souc_grid *g);

#endif
