/* csv.c - one row at a time. */
#include "daemon/plan/csv.h"

#include <string.h>

static bool at_end_of_line(const char *p)
{
	return *p == '\0' || *p == '\n' || (p[0] == '\r' && p[1] == '\n');
}

static const char *skip_line_end(const char *p)
{
	if (p[0] == '\r' && p[1] == '\n')
		return p + 2;
	return *p == '\n' ? p + 1 : p;
}

/* A field in quotes, from its opening one on. NULL: it does not end well. */
static const char *quoted(const char *p, char *to, size_t *lines)
{
	for (p++; *p != '\0'; p++) {
		if (*p == '"' && p[1] != '"') {
			*to = '\0';
			return p[1] == ',' || at_end_of_line(p + 1) ? p + 1 : NULL;
		}
		if (*p == '"')
			p++;
		*lines += *p == '\n';
		*to++ = *p;
	}
	return NULL;
}

/* A bare field; a quotation mark inside is out of place. */
static const char *bare(const char *p, char *to)
{
	for (; *p != ',' && !at_end_of_line(p); p++) {
		if (*p == '"')
			return NULL;
		*to++ = *p;
	}
	*to = '\0';
	return p;
}

int soud_csv_next(struct soud_csv *csv, struct soud_pool *pool, struct soud_csv_row *row)
{
	static const char mark[] = "\xEF\xBB\xBF";
	const char *p = csv->at;
	if (csv->line == 0 && strncmp(p, mark, sizeof mark - 1) == 0)
		p += sizeof mark - 1;
	for (; *p != '\0' && at_end_of_line(p); p = skip_line_end(p))
		csv->line++;
	csv->at = p;
	if (*p == '\0')
		return SOU_EUNKNOWN;
	size_t lines = 1;
	*row = (struct soud_csv_row){.line = csv->line + 1};
	/* What is taken out of the row is never longer than the rest of the text. */
	for (;;) {
		if (row->count == SOUD_CSV_FIELDS_MAX)
			return SOU_ELIMIT;
		size_t most = *p == '"' ? strlen(p) : strcspn(p, ",\n");
		if (*p == '"') {
			const char *close = p + 1;
			while ((close = strchr(close, '"')) != NULL && close[1] == '"')
				close += 2;
			most = close != NULL ? (size_t)(close - p) : most;
		}
		char *to = soud_pool_take(pool, most + 1);
		if (to == NULL)
			return SOU_ENOMEM;
		const char *next = *p == '"' ? quoted(p, to, &lines) : bare(p, to);
		if (next == NULL)
			return SOU_EFORMAT;
		row->field[row->count++] = to;
		p = next;
		if (*p != ',')
			break;
		p++;
	}
	csv->at = skip_line_end(p);
	csv->line += lines;
	return SOU_OK;
}
