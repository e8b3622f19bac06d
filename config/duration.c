/* duration.c - the table of units, read in both directions. */
#include "config/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/error.h"

static const struct {
	const char *unit;
	int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

#define UNIT_COUNT (sizeof units / sizeof *units)

bool sou_duration_read(const char *text, int64_t *ms)
{
	size_t digits = strspn(text, "0123456789");
	int64_t number = 0;
	if (digits == 0 || (digits > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < digits; i++) {
		number = number * 10 + (text[i] - '0');
		if (number > SOU_DURATION_NUMBER_MAX)
			return false;
	}
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (strcmp(text + digits, units[i].unit) == 0) {
			*ms = number * units[i].ms;
			return true;
		}
	}
	return false;
}

void sou_duration_text(int64_t ms, char out[SOU_DURATION_TEXT_BYTES])
{
	SOU_ASSERT(ms >= 0);
	size_t i = ms == 0 ? UNIT_COUNT - 1 : 0;
	while (ms % units[i].ms != 0)
		i++;
	(void)snprintf(out, SOU_DURATION_TEXT_BYTES, "%" PRId64 "%s", ms / units[i].ms,
		       units[i].unit);
}
