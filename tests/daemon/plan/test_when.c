/* test_when.c - instants as people type them: RFC 3339, or a day that lasts to its end (T-16), in
 * Japan's time. */
#include "daemon/plan/when.h"

#include "daemon/daemon.h"
#include "tests/lib/check.h"

TEST(when, instants)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T09:00:00+09:00", 0},
		{"1969-12-31T23:59:59.999Z", -1},
		{"2023-09-15T17:00:00+09:00", INT64_C(1694764800000)},
		{"2023-09-15T08:00:00Z", INT64_C(1694764800000)},
		{"2023-09-15T17:00:00.5+09:00", INT64_C(1694764800500)},
		{"2023-09-15T17:00:00.05+09:00", INT64_C(1694764800050)},
		{"2023-09-15T17:00:00.005+09:00", INT64_C(1694764800005)},
		{"2023-09-15T07:30:00-00:30", INT64_C(1694764800000)},
		{"2023-09-15", INT64_C(1694790000000)}, /* through 24:00 in Japan */
		{"2024-02-29", INT64_C(1709218800000)},
		{"2000-02-29T00:00:00Z", INT64_C(951782400000)},
		{"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
		{"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 0;
		CHECK(cases[i].text, soud_when(cases[i].text, &ms));
		CHECK_INT(cases[i].text, ms, ==, cases[i].ms);
	}
}

TEST(when, no_instants)
{
	static const char *const cases[] = {
		"",
		"2023",
		"2023-09-1",
		"2023-9-15",
		"2023-02-29",
		"1900-02-29",
		"2023-13-01",
		"2023-00-01",
		"2023-04-31",
		"2023-09-00",
		"2023-09-15 17:00:00Z",
		"2023-09-15T17:00:00",
		"2023-09-15T17:00Z",
		"2023-09-15T24:00:00Z",
		"2023-09-15T17:60:00Z",
		"2023-09-15T17:00:61Z",
		"2023-09-15T17:00:00.Z",
		"2023-09-15T17:00:00.1234Z",
		"2023-09-15T17:00:00+0900",
		"2023-09-15T17:00:00+24:00",
		"2023-09-15T17:00:00+09:60",
		"2023-09-15T17:00:00z",
		"2023-09-15T17:00:00Z ",
		"２０２３-09-15",
		"令和5年9月15日",
		"2023-09-15x",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 77;
		CHECK(cases[i], !soud_when(cases[i], &ms));
		CHECK_INT(cases[i], ms, ==, 77);
		CHECK(cases[i], !soud_is_date(cases[i]));
	}
	CHECK("D-5 a date", soud_is_date("2023-08-31"));
	CHECK("D-5 no date", !soud_is_date("2023-08-31T00:00:00Z"));
}

/* Each day of 400 years, once through the text and back. */
TEST(when, days_run_on)
{
	int64_t last = 0;
	for (int64_t day = 0; day < 146097; day++) {
		char text[SOUD_TIME_TEXT_BYTES], date[11];
		int64_t ms = day * 86400000 - 32400000 + INT64_C(12622780800000), end;
		soud_time_text(ms, text); /* from 2370 on: midnight in Japan */
		soud_date_text(ms, date);
		REQUIRE(date, soud_when(text, &end) && end == ms);
		REQUIRE(date, soud_when(date, &end) && end == ms + 86400000);
		REQUIRE(date, day == 0 || end - last == 86400000);
		last = end;
	}
}
