/* when.h - instants that people typed (T-16): RFC 3339, or a date alone, which means through the
 * end of that day in Japan. Pure. */
#ifndef SOUD_PLAN_WHEN_H
#define SOUD_PLAN_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970. false: neither of the two forms, or no such day. */
bool soud_when(const char *text, int64_t *ms);

/* "2023-08-31", a day that exists. */
bool soud_is_date(const char *text);

/* The day on which an instant falls in Japan, "2023-08-31". */
void soud_date_text(int64_t ms, char out[11]);

#endif
