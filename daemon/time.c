/* time.c - instants as text, in Japan Standard Time. */
#include <stdio.h>
#include <time.h>

#include "daemon/daemon.h"

void soud_time_text(int64_t ms, char out[SOUD_TIME_TEXT_BYTES])
{
	const int64_t last = INT64_C(253402300799999) - INT64_C(9) * 3600 * 1000;
	if (ms < 0)
		ms = 0;
	if (ms > last)
		ms = last;
	time_t seconds = (time_t)(ms / 1000 + 9 * 3600);
	struct tm jst;
	(void)gmtime_r(&seconds, &jst);
	char text[SOUD_TIME_TEXT_BYTES];
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &jst);
	(void)snprintf(out, SOUD_TIME_TEXT_BYTES, "%.19s.%03d+09:00", text, (int)(ms % 1000));
}
