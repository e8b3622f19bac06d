/* value.h - the types of routes.def, one letter each, judged on a query string and on JSON; and the
 * strict reader of a JSON body. Says only whether a value has its type and size; what it names is
 * the handler's. Pure. */
#ifndef SOUD_HTTP_VALUE_H
#define SOUD_HTTP_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* 1..bytes_max bytes of valid UTF-8 without control characters (C0, DEL, C1, line separators). */
bool soud_value_is_line(const char *text, size_t bytes, size_t bytes_max);

/* The name by which people and files call a record (`tvac`, `2023-08`): a line of at most
 * SOU_HTTP_LINE_BYTES_MAX without blanks and "/", so that it can stand in PROJECT/COLUMN/ORG/1. */
bool soud_value_is_handle(const char *text, size_t bytes);

/* RFC 3339 with `Z` or an offset, seconds and at most 3 digits of them after the point. */
bool soud_value_is_time(const char *text);

/* A query's value of type s, h, v, i, b, d. */
bool soud_value_query_fits(char type, const char *value);

/* A body's member. SOU_EINPUT: not of this type. SOU_ELIMIT: of this type but longer than `limit`,
 * which is set (bytes, or members of a list). */
int soud_value_body_fits(char type, const json_t *value, size_t *limit);

/* Read `bytes` as one JSON object: UTF-8 without byte order mark, no repeated member, no U+0000,
 * nothing after it, at most SOU_JSON_DEPTH_MAX levels. `place` receives the offset of a fault.
 * SOU_EFORMAT, SOU_ELIMIT (too deep), SOU_ENOMEM. `*out` is owned by the caller. */
int soud_json_read(const char *text, size_t bytes, json_t **out, size_t *place);

#endif
