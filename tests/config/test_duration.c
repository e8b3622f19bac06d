/* test_duration.c - lengths of time: each unit, what is none, and there and back. */
#include "config/duration.h"

#include "tests/lib/check.h"

static const struct {
	const char *text;
	bool good;
	int64_t ms;
	const char *back;
} cases[] = {
	{"500ms", true, 500, "500ms"},
	{"0ms", true, 0, "0ms"},
	{"0d", true, 0, "0ms"},
	{"1000ms", true, 1000, "1s"},
	{"90s", true, 90000, "90s"},
	{"5m", true, 300000, "5m"},
	{"60m", true, 3600000, "1h"},
	{"060m", false, 0, NULL},
	{"00ms", false, 0, NULL},
	{"24h", true, 86400000, "1d"},
	{"7d", true, 604800000, "7d"},
	{"999999999d", true, INT64_C(86399999913600000), "999999999d"},
	{"1000000000ms", false, 0, NULL},
	{"99999999999999999999s", false, 0, NULL},
	{"", false, 0, NULL},
	{"5", false, 0, NULL},
	{"m", false, 0, NULL},
	{"5 m", false, 0, NULL},
	{"5min", false, 0, NULL},
	{"5M", false, 0, NULL},
	{"1.5s", false, 0, NULL},
	{"-5s", false, 0, NULL},
	{"+5s", false, 0, NULL},
	{"5s ", false, 0, NULL},
	{"0x5s", false, 0, NULL},
	{"1h30m", false, 0, NULL},
};

TEST(duration, read_and_text)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		CHECK_INT(cases[i].text, sou_duration_read(cases[i].text, &ms), ==, cases[i].good);
		CHECK_INT(cases[i].text, ms, ==, cases[i].good ? cases[i].ms : -1);
		if (!cases[i].good)
			continue;
		char back[SOU_DURATION_TEXT_BYTES];
		sou_duration_text(ms, back);
		CHECK_STR(cases[i].text, back, cases[i].back);
	}
}
