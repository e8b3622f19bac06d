/* log.c - from an event to a line or to fields; the three forms, and the limit on each peer. */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/daemon.h"
#include "daemon/log_limit.h"

#define ERROR   SOUD_LOG_ERROR
#define WARNING SOUD_LOG_WARNING
#define INFO    SOUD_LOG_INFO
static const struct event {
	const char *id;
	enum soud_log_level level;
	const char *ja, *en;
} events[SOUD_EVENT_COUNT] = {
#define V(symbol, id, level, ja, en) {id, level, ja, en},
#include "daemon/events.def"
#undef V
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char level_priorities[] = {'3', '4', '6', '7'}; /* of syslog */

static struct {
	bool open, terminal;
	enum soud_log_level level_max;
	enum soud_log_format format;
	struct soud_log_seams seams;
	uint64_t counts[SOUD_EVENT_COUNT];
} out;

#define WHAT_BYTES 512u
struct line { /* all that a form shows */
	const struct event *event;
	const char *rule, *peer;
	char site[17], scope[17];
	char what[WHAT_BYTES];
};

/* Is standard error a stream of the journal (systemd.exec(5), JOURNAL_STREAM)? */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char mine[64];
	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(mine, sizeof mine, "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	return strcmp(stream, mine) == 0;
}

void soud_log_open(enum soud_log_level level, enum soud_log_format format)
{
	if (!out.open)
		(void)setvbuf(stderr, NULL, _IOLBF, 0);
	out.open = true;
	out.terminal = isatty(STDERR_FILENO) == 1;
	out.level_max = level;
	out.format = format != SOUD_LOG_AUTO ? format
		     : is_journal()          ? SOUD_LOG_JOURNAL
					     : SOUD_LOG_TEXT;
}

void soud_log_seams_set(const struct soud_log_seams *seams)
{
	out.seams = *seams;
}

static FILE *stream(void)
{
	return out.seams.to != NULL ? out.seams.to : stderr;
}

static int64_t now_s(void)
{
	if (out.seams.now_s != NULL)
		return out.seams.now_s();
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

/* The first half of an id is enough to tell sites and scopes apart. */
static void hex_put(const struct sou_id *id, char text[17])
{
	text[0] = '\0';
	for (size_t i = 0; id != NULL && i < 8; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", id->b[i]);
}

/* --- The forms --- */

static void write_text(const struct line *l)
{
	const struct {
		const char *before, *value;
	} parts[] = {{" ", l->event->id},
		     {" ", l->rule},
		     {" ", l->peer},
		     {" site ", l->site},
		     {" scope ", l->scope}};
	FILE *to = stream();
	if (!out.terminal) /* systemd takes it from the front of a line (sd-daemon(3)) */
		(void)fprintf(to, "<%c>", level_priorities[l->event->level]);
	(void)fputs(level_names[l->event->level], to);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (parts[i].value[0] != '\0')
			(void)fprintf(to, "%s%s", parts[i].before, parts[i].value);
	}
	(void)fprintf(to, ": %s\n", l->what);
}

static void json_member(FILE *to, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	(void)fprintf(to, ",\"%s\":\"", name);
	for (const char *p = value; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\')
			(void)fprintf(to, "\\%c", c);
		else if (c < 0x20 || c >= 0x7F) /* what we say is ASCII; anything else is shown */
			(void)fprintf(to, "\\u%04x", c);
		else
			(void)fputc(c, to);
	}
	(void)fputc('"', to);
}

static void write_json(const struct line *l)
{
	struct timespec now;
	char at[SOUD_TIME_TEXT_BYTES];
	clock_gettime(CLOCK_REALTIME, &now);
	soud_time_text((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, at);
	FILE *to = stream();
	(void)fprintf(to, "{\"time\":\"%s\"", at);
	json_member(to, "level", level_names[l->event->level]);
	json_member(to, "event", l->event->id);
	json_member(to, "rule", l->rule);
	json_member(to, "peer", l->peer);
	json_member(to, "site", l->site);
	json_member(to, "scope", l->scope);
	json_member(to, "message", l->what);
	(void)fputs("}\n", to);
}

/* False where the journal did not take it. */
static bool write_journal(const struct line *l)
{
	const char priority[2] = {level_priorities[l->event->level], '\0'};
	const struct {
		const char *name, *value;
	} fields[] = {{"MESSAGE", l->what},
		      {"PRIORITY", priority},
		      {"SYSLOG_IDENTIFIER", "soukatsud"},
		      {"SOUKATSU_EVENT", l->event->id},
		      {"SOUKATSU_RULE", l->rule},
		      {"SOUKATSU_PEER", l->peer},
		      {"SOUKATSU_SITE", l->site},
		      {"SOUKATSU_SCOPE", l->scope}};
	enum { FIELDS = sizeof fields / sizeof *fields };
	char text[FIELDS][WHAT_BYTES + 32];
	struct iovec v[FIELDS];
	int count = 0;
	for (size_t i = 0; i < FIELDS; i++) {
		if (fields[i].value[0] == '\0')
			continue;
		int n = snprintf(text[i], sizeof text[i], "%s=%s", fields[i].name, fields[i].value);
		size_t bytes = (size_t)n < sizeof text[i] ? (size_t)n : sizeof text[i] - 1;
		v[count++] = (struct iovec){text[i], bytes};
	}
	int rc = out.seams.journal != NULL ? out.seams.journal(v, count)
					   : sd_journal_sendv(v, count);
	return rc >= 0;
}

static void write_line(const struct line *l)
{
	switch (out.format) {
	case SOUD_LOG_JSON:
		write_json(l);
		return;
	case SOUD_LOG_JOURNAL:
		if (!write_journal(l))
			write_text(l);
		return;
	case SOUD_LOG_AUTO: /* never kept: soud_log_open has chosen */
	case SOUD_LOG_TEXT:
		write_text(l);
		return;
	}
}

/* --- What is said --- */

static void tell_dropped(const char *peer, uint32_t count)
{
	struct line l = {.event = &events[SOUD_EVENT_LOG_DROPPED], .rule = "R17", .peer = peer};
	(void)snprintf(l.what, sizeof l.what, "%u lines were left out", count);
	out.counts[SOUD_EVENT_LOG_DROPPED]++;
	write_line(&l);
}

void soud_log_counts(uint64_t counts[SOUD_EVENT_COUNT])
{
	memcpy(counts, out.counts, sizeof out.counts);
}

const char *soud_event_id(enum soud_event event)
{
	return events[event].id;
}

void soud_log_tick(void)
{
	if (out.open && out.level_max >= SOUD_LOG_WARNING)
		soud_log_limit_tell(now_s(), tell_dropped);
}

void soud_log(enum soud_event event, const struct soud_log_facts *facts, const char *format, ...)
{
	static const struct soud_log_facts none;
	const struct soud_log_facts *f = facts != NULL ? facts : &none;
	struct line l = {.event = &events[event],
			 .rule = f->rule != NULL ? f->rule : "",
			 .peer = f->peer != NULL ? f->peer : ""};
	out.counts[event]++;
	if (!out.open || l.event->level > out.level_max)
		return;
	hex_put(f->site, l.site);
	/* Sites behind one address do not use up each other's lines. */
	const char *source = l.site[0] != '\0' ? l.site : l.peer;
	if (source[0] != '\0' && !soud_log_limit(source, now_s(), tell_dropped))
		return;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(l.what, sizeof l.what, format, args);
	va_end(args);
	hex_put(f->scope, l.scope);
	write_line(&l);
}

void soud_log_manual(FILE *to)
{
	(void)fputs("# 記録 Logs\n\n"
		    "`soukatsud` の記録に出ることのすべてです。`daemon/events.def` "
		    "から作られます（手で直しません）。\n"
		    "(All events of the log, generated from `daemon/events.def`.)\n\n"
		    "どの行にも「できごと」の語があり、分かるときは規則（`rule`）、相手の住所（`"
		    "peer`）、拠点（`site`）と"
		    "範囲（`scope`）の番号の初め16けたが付きます。\n"
		    "文章、名前、鍵、招待は出ません。1つの相手につき1分に10行までで、省いた数を "
		    "`log.dropped` が言います（R17）。\n\n"
		    "形は設定 `log_format` で選びます。`text`: 人が読む行。`json`: 1行に1つの "
		    "JSON（`time` `level` `event` "
		    "`rule` `peer` `site` `scope` `message`）。\n"
		    "`journal`: systemd のジャーナルの項目（`SOUKATSU_EVENT` `SOUKATSU_RULE` "
		    "`SOUKATSU_PEER` "
		    "`SOUKATSU_SITE` `SOUKATSU_SCOPE`）で、\n"
		    "`journalctl SOUKATSU_EVENT=link.refused` のように選べます。`auto` は systemd "
		    "の下で `journal`、ほかで `text` です。\n\n"
		    "| できごと | 重さ | 意味 | Meaning |\n|---|---|---|---|\n",
		    to);
	for (size_t i = 0; i < SOUD_EVENT_COUNT; i++)
		(void)fprintf(to, "| `%s` | %s | %s | %s |\n", events[i].id,
			      level_names[events[i].level], events[i].ja, events[i].en);
}
