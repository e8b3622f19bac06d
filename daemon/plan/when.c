/* when.c - days by counting, without the process's time zone. */
#include "daemon/plan/when.h"

#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

#define DAY_MS   INT64_C(86400000)
#define JAPAN_MS (INT64_C(9) * 3600 * 1000)

static bool number_at(const char *text, size_t at, size_t digits, int lo, int hi, int *out)
{
	int v = 0;
	for (size_t i = 0; i < digits; i++) {
		if (text[at + i] < '0' || text[at + i] > '9')
			return false;
		v = v * 10 + (text[at + i] - '0');
	}
	*out = v;
	return v >= lo && v <= hi;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 of the date at the head of `text`; false: no such day. */
static bool day_read(const char *text, int64_t *day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, m, d;
	if (!number_at(text, 0, 4, 0, 9999, &y) || text[4] != '-' ||
	    !number_at(text, 5, 2, 1, 12, &m) || text[7] != '-' ||
	    !number_at(text, 8, 2, 1, days[m - 1] + (m == 2 && is_leap(y)), &d))
		return false;
	int64_t n = 0;
	for (int i = 0; i < m - 1; i++)
		n += days[i] + (i == 1 && is_leap(y));
	int64_t before = y > 0 ? y - 1 : -1; /* whole years before this one, from year 0 on */
	int64_t leaps = before >= 0 ? before / 4 - before / 100 + before / 400 + 1 : 0;
	*day = (int64_t)y * 365 + leaps + n + d - 1 - 719528;
	return true;
}

bool soud_is_date(const char *text)
{
	int64_t day;
	return strlen(text) == 10 && day_read(text, &day);
}

/* "Z", "+09:00", "-00:30" and the end. */
static bool zone_read(const char *text, int64_t *ms)
{
	int h, m;
	if (strcmp(text, "Z") == 0) {
		*ms = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':' ||
	    !number_at(text, 1, 2, 0, 23, &h) || !number_at(text, 4, 2, 0, 59, &m))
		return false;
	*ms = (text[0] == '-' ? -1 : 1) * ((int64_t)h * 60 + m) * 60000;
	return true;
}

bool soud_when(const char *text, int64_t *ms)
{
	int64_t day, zone;
	int h, m, s, fraction = 0;
	if (strlen(text) < 10 || !day_read(text, &day))
		return false;
	if (text[10] == '\0') {
		*ms = (day + 1) * DAY_MS - JAPAN_MS;
		return true;
	}
	if (strlen(text) < 20 || text[10] != 'T' || !number_at(text, 11, 2, 0, 23, &h) ||
	    text[13] != ':' || !number_at(text, 14, 2, 0, 59, &m) || text[16] != ':' ||
	    !number_at(text, 17, 2, 0, 60, &s))
		return false;
	const char *rest = text + 19;
	if (rest[0] == '.') {
		size_t digits = strspn(rest + 1, "0123456789");
		if (digits < 1 || digits > 3 || !number_at(rest, 1, digits, 0, 999, &fraction))
			return false;
		for (size_t i = digits; i < 3; i++)
			fraction *= 10;
		rest += 1 + digits;
	}
	if (!zone_read(rest, &zone))
		return false;
	*ms = day * DAY_MS + ((int64_t)h * 60 + m) * 60000 + (int64_t)s * 1000 + fraction - zone;
	return true;
}

void soud_date_text(int64_t ms, char out[11])
{
	char text[SOUD_TIME_TEXT_BYTES];
	soud_time_text(ms, text);
	memcpy(out, text, 10);
	out[10] = '\0';
}
