/* log.h - the daemon's log: one line an event, each with its word (events.def), and where they are
 * known the rule, the peer's address, its site and the scope. As lines for people, as JSON lines,
 * or as fields of systemd's journal. Never a text of a person, a key or a token: formats take
 * numbers, and words that are ours.
 *
 * At most SOU_LOG_LINES_PER_MIN a minute and peer (R17) and SOU_LOG_LINES_ALL_PER_MIN of all peers;
 * what is left out is counted, and the count is told. Loop thread. */
#ifndef SOUD_LOG_H
#define SOUD_LOG_H

#include <stdio.h>

#include "proto/id.h"

enum soud_log_level { /* in the order of the setting log_level */
		      SOUD_LOG_ERROR = 0,
		      SOUD_LOG_WARNING,
		      SOUD_LOG_INFO,
		      SOUD_LOG_DEBUG
};
enum soud_log_format { /* in the order of the setting log_format */
		       SOUD_LOG_AUTO =
			       0, /* JOURNAL where standard error is the journal's, else TEXT */
		       SOUD_LOG_TEXT,
		       SOUD_LOG_JSON,
		       SOUD_LOG_JOURNAL
};

enum soud_event {
#define V(symbol, id, level, ja, en) SOUD_EVENT_##symbol,
#include "daemon/events.def"
#undef V
	SOUD_EVENT_COUNT
};

/* Nothing is logged before the first call; later ones change level and form. */
void soud_log_open(enum soud_log_level level, enum soud_log_format format);

struct soud_log_facts {            /* each may be left out: NULL, or "" */
	const char *rule;          /* "P13.2", "R17" */
	const char *peer;          /* an address */
	const struct sou_id *site; /* the peer's, where its key is known */
	const struct sou_id *scope;
};
/* facts may be NULL. */
void soud_log(enum soud_event event, const struct soud_log_facts *facts, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How often each event was there since the start, also where its line was left out. */
void soud_log_counts(uint64_t out[SOUD_EVENT_COUNT]);
const char *soud_event_id(enum soud_event event);

/* Tell the counts of what was left out in minutes that are over. Call now and then. */
void soud_log_tick(void);

/* docs/logs.md */
void soud_log_manual(FILE *out);

/* For tests: where lines go (NULL: standard error), the clock (NULL: monotonic), the journal (NULL:
 * libsystemd). */
struct iovec;
struct soud_log_seams {
	FILE *to;
	int64_t (*now_s)(void);
	int (*journal)(const struct iovec *fields, int count);
};
void soud_log_seams_set(const struct soud_log_seams *seams);

#endif
