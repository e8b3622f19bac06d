/* log.h - the daemon's log on standard error: one line an event, for the journal or a terminal.
 * Never a text of a person, a key or a token. At most SOU_LOG_LINES_PER_MIN a minute and peer
 * (R17); what is left out is counted and told with the next line. Loop thread. */
#ifndef SOUD_LOG_H
#define SOUD_LOG_H

#include "proto/id.h"

enum soud_log_level { SOUD_LOG_ERROR = 0, SOUD_LOG_WARNING, SOUD_LOG_INFO, SOUD_LOG_DEBUG };

/* Lines above this level are dropped. */
void soud_log_open(enum soud_log_level level);

/* rule "" or "P13.2"; peer "" or an address; scope may be NULL. */
void soud_log(enum soud_log_level level, const char *rule, const char *peer,
	      const struct sou_id *scope, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
