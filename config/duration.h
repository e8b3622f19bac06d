/* duration.h - lengths of time as people write them, in settings and on the command line: a whole
 * number and its unit, "500ms", "30s", "5m", "12h", "7d". The one reader and the one writer. Pure.
 */
#ifndef SOU_DURATION_H
#define SOU_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#define SOU_DURATION_NUMBER_MAX 999999999 /* before its unit: days of it still fit in 63 bits */
#define SOU_DURATION_TEXT_BYTES 24u

/* Decimal digits, no 0 before others, and a unit, nothing else; *ms is set where it is one. */
bool sou_duration_read(const char *text, int64_t *ms);

/* The same in the largest unit that leaves a whole number; 0 is "0ms". ms >= 0. */
void sou_duration_text(int64_t ms, char out[SOU_DURATION_TEXT_BYTES]);

#endif
