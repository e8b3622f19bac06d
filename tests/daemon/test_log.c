/* test_log.c - the three forms of a line, and how many lines a peer may cause (R17). */
#include "daemon/log.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "proto/limits.h"
#include "tests/lib/check.h"

static int64_t now;
static char *text;
static size_t bytes;
static FILE *to;

static int64_t clock_s(void)
{
	return now;
}

static char journal[2048];
static int journal_rc;

static int journal_take(const struct iovec *v, int count)
{
	journal[0] = '\0';
	for (int i = 0; i < count; i++)
		snprintf(journal + strlen(journal), sizeof journal - strlen(journal), "%.*s|",
			 (int)v[i].iov_len, (const char *)v[i].iov_base);
	return journal_rc;
}

/* What was written since the last call. */
static const char *said(void)
{
	fflush(to);
	const char *out = test_printf("%.*s", (int)bytes, text);
	rewind(to);
	return out;
}

static void end(void *context)
{
	(void)context;
	const struct soud_log_seams none = {NULL, NULL, NULL};
	soud_log_seams_set(&none);
	fclose(to);
	free(text);
	text = NULL;
}

/* Each test has minutes of its own: buckets outlive it. */
static void begin(enum soud_log_level level, enum soud_log_format format)
{
	static int64_t minute = 1;
	to = open_memstream(&text, &bytes);
	REQUIRE("memory", to != NULL);
	minute += 10;
	now = 60 * minute;
	const struct soud_log_seams seams = {to, clock_s, journal_take};
	soud_log_seams_set(&seams);
	soud_log_open(level, format);
	journal_rc = 0;
	test_at_end(end, NULL);
	soud_log_tick(); /* what another test left */
	(void)said();
}

static size_t lines(const char *of)
{
	size_t n = 0;
	for (; *of != '\0'; of++)
		n += *of == '\n';
	return n;
}

static const struct sou_id site = {{0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7}}, scope = {{0x10}};

TEST(log, text)
{
	begin(SOUD_LOG_INFO, SOUD_LOG_TEXT);
	const struct soud_log_facts all = {"R18", "192.0.2.1:5", &site, &scope};
	soud_log(SOUD_EVENT_LINK_BROKEN, &all, "what %d", 7);
	CHECK_STR("all facts", said(),
		  "<4>warning link.broken R18 192.0.2.1:5 site abcd010203040506 scope "
		  "1000000000000000: what 7\n");
	soud_log(SOUD_EVENT_STARTED, NULL, "none");
	CHECK_STR("none", said(), "<6>info daemon.started: none\n");
	soud_log_open(SOUD_LOG_ERROR, SOUD_LOG_TEXT);
	soud_log(SOUD_EVENT_LINK_BROKEN, NULL, "below the level");
	CHECK_STR("level", said(), "");
	soud_log(SOUD_EVENT_STORE_FAILED, NULL, "at the level");
	CHECK_INT("level", lines(said()), ==, 1);
}

TEST(log, json)
{
	begin(SOUD_LOG_DEBUG, SOUD_LOG_JSON);
	const struct soud_log_facts all = {"P13.2", "[2001:db8::1]:5", &site, &scope};
	soud_log(SOUD_EVENT_SESSION_FAULT, &all, "a \"quoted\" \\ \n\x7f\xe4 end");
	const char *line = said();
	CHECK("time", strncmp(line, "{\"time\":\"20", 11) == 0);
	CHECK("members",
	      strstr(line, ",\"level\":\"error\",\"event\":\"session.fault\",\"rule\":\"P13.2\","
			   "\"peer\":\"[2001:db8::1]:5\",\"site\":\"abcd010203040506\","
			   "\"scope\":\"1000000000000000\",\"message\":\"a \\\"quoted\\\" \\\\ "
			   "\\u000a\\u007f\\u00e4 end\"}\n") != NULL);
	soud_log(SOUD_EVENT_STARTED, NULL, "x");
	CHECK("what is not known is left out", strstr(said(), "\"rule\"") == NULL);
}

TEST(log, journal)
{
	begin(SOUD_LOG_INFO, SOUD_LOG_JOURNAL);
	const struct soud_log_facts all = {"R17", "192.0.2.2:5", &site, &scope};
	soud_log(SOUD_EVENT_LINK_REFUSED, &all, "what");
	CHECK_STR("fields", journal,
		  "MESSAGE=what|PRIORITY=4|SYSLOG_IDENTIFIER=soukatsud|"
		  "SOUKATSU_EVENT=link.refused|SOUKATSU_RULE=R17|SOUKATSU_PEER=192.0.2.2:5|"
		  "SOUKATSU_SITE=abcd010203040506|SOUKATSU_SCOPE=1000000000000000|");
	CHECK_STR("no line beside", said(), "");
	soud_log(SOUD_EVENT_STARTED, NULL, "x");
	CHECK_STR(
		"what is not known is left out", journal,
		"MESSAGE=x|PRIORITY=6|SYSLOG_IDENTIFIER=soukatsud|SOUKATSU_EVENT=daemon.started|");
	journal_rc = -1;
	soud_log(SOUD_EVENT_STARTED, NULL, "not taken");
	CHECK_STR("the journal is gone", said(), "<6>info daemon.started: not taken\n");
}

/* By itself: what JOURNAL_STREAM says is standard error, or lines. */
TEST(log, auto_form)
{
	begin(SOUD_LOG_INFO, SOUD_LOG_TEXT);
	setenv("JOURNAL_STREAM", "1:1", 1);
	soud_log_open(SOUD_LOG_INFO, SOUD_LOG_AUTO);
	soud_log(SOUD_EVENT_STARTED, NULL, "x");
	CHECK_INT("another stream", lines(said()), ==, 1);
	struct stat st;
	REQUIRE("standard error", fstat(2, &st) == 0);
	setenv("JOURNAL_STREAM",
	       test_printf("%llu:%llu", (unsigned long long)st.st_dev,
			   (unsigned long long)st.st_ino),
	       1);
	soud_log_open(SOUD_LOG_INFO, SOUD_LOG_AUTO);
	journal[0] = '\0';
	soud_log(SOUD_EVENT_STARTED, NULL, "x");
	CHECK_STR("this stream", said(), "");
	CHECK("this stream", strstr(journal, "SOUKATSU_EVENT=daemon.started|") != NULL);
	unsetenv("JOURNAL_STREAM");
	soud_log_open(SOUD_LOG_INFO, SOUD_LOG_AUTO);
	soud_log(SOUD_EVENT_STARTED, NULL, "x");
	CHECK_INT("not under systemd", lines(said()), ==, 1);
}

static void refused(const char *peer, unsigned count)
{
	const struct soud_log_facts f = {.rule = "R17", .peer = peer};
	for (unsigned i = 0; i < count; i++)
		soud_log(SOUD_EVENT_LINK_REFUSED, &f, "again");
}

TEST(log, limit_of_a_peer)
{
	begin(SOUD_LOG_INFO, SOUD_LOG_TEXT);
	refused("192.0.2.3:1", SOU_LOG_LINES_PER_MIN);
	CHECK_INT("R17 at the limit", lines(said()), ==, SOU_LOG_LINES_PER_MIN);
	refused("192.0.2.3:2", 7);
	CHECK_STR("R17 past it, from another port", said(), "");
	refused("192.0.2.4:1", 1);
	CHECK_INT("R17 another peer", lines(said()), ==, 1);
	soud_log(SOUD_EVENT_STARTED, NULL, "of nobody");
	CHECK_INT("R17 no peer", lines(said()), ==, 1);
	soud_log_tick();
	CHECK_STR("R17 the minute is not over", said(), "");
	now += 60;
	soud_log_tick();
	CHECK_STR("R17 then a count", said(),
		  "<4>warning log.dropped R17 192.0.2.3: 7 lines were left out\n");
	soud_log_tick();
	refused("192.0.2.3:3", 1);
	CHECK_INT("R17 told once, and lines again", lines(said()), ==, 1);
	refused("192.0.2.3:3", SOU_LOG_LINES_PER_MIN);
	now += 60;
	(void)said();
	refused("192.0.2.3:4", 1);
	CHECK_STR("R17 the count comes before the next line", said(),
		  "<4>warning log.dropped R17 192.0.2.3: 1 lines were left out\n"
		  "<4>warning link.refused R17 192.0.2.3:4: again\n");
}

/* Sites behind one address have lines of their own; one site has no more for many addresses. */
TEST(log, limit_of_a_site)
{
	begin(SOUD_LOG_INFO, SOUD_LOG_TEXT);
	for (uint8_t i = 1; i <= 3; i++) {
		const struct sou_id id = {{i, 0x55}};
		const struct soud_log_facts f = {"R18", "192.0.2.5:1", &id, NULL};
		for (unsigned k = 0; k < 2 * SOU_LOG_LINES_PER_MIN; k++)
			soud_log(SOUD_EVENT_LINK_BROKEN, &f, "again");
	}
	CHECK_INT("R17 each its own", lines(said()), ==, 3 * SOU_LOG_LINES_PER_MIN);
}

/* Addresses are cheap: all peers together have a limit, and no count is lost with its bucket. */
TEST(log, limit_of_all)
{
	begin(SOUD_LOG_INFO, SOUD_LOG_TEXT);
	enum { PEERS = 2 * SOU_LOG_PEERS_MAX };
	for (unsigned i = 0; i < PEERS; i++)
		refused(test_printf("198.51.%u.%u:1", i / 200, i % 200), SOU_LOG_LINES_PER_MIN + 1);
	const char *out = said();
	CHECK_INT("R17 all", lines(out), ==, SOU_LOG_LINES_ALL_PER_MIN);
	now += 60;
	soud_log_tick();
	unsigned long dropped = 0;
	for (const char *p = said(); *p != '\0'; p = strchr(p, '\n') + 1)
		dropped += strtoul(strstr(p, ": ") + 2, NULL, 10);
	CHECK_INT("R17 every line is written or counted", dropped + SOU_LOG_LINES_ALL_PER_MIN, ==,
		  PEERS * (SOU_LOG_LINES_PER_MIN + 1));
}

/* docs/logs.md is generated: build/PRESET/tests/sample_config logs > docs/logs.md */
TEST(log, manual)
{
	char *made = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&made, &n);
	REQUIRE("memory", out != NULL);
	soud_log_manual(out);
	fclose(out);
	struct test_bytes file = test_read(SOU_SOURCE_DIR "/docs/logs.md");
	CHECK_MEM("as generated", file.b, file.n, made, n);
	free(made);
}
