/* csv.h - comma separated values as offices write them (RFC 4180, T-36): CRLF or LF, quotes doubled
 * inside quotes, a byte order mark at the head. Pure. */
#ifndef SOUD_PLAN_CSV_H
#define SOUD_PLAN_CSV_H

#include "daemon/plan/pool.h"
#include "proto/error.h"

#define SOUD_CSV_FIELDS_MAX 32u

struct soud_csv { /* set `at` to the text (0 behind it), the rest zero */
	const char *at;
	size_t line; /* lines read so far */
};

struct soud_csv_row {
	size_t line; /* on which it begins, from 1 */
	size_t count;
	const char *field[SOUD_CSV_FIELDS_MAX]; /* in the pool, exactly as written but for quotes */
};

/* The next row that is not an empty line. SOU_EUNKNOWN: the end. SOU_EFORMAT: a quotation mark out
 * of place; row->line and row->count (the field, from 0) say where. SOU_ELIMIT: too many fields.
 * SOU_ENOMEM. */
int soud_csv_next(struct soud_csv *csv, struct soud_pool *pool, struct soud_csv_row *row);

#endif
