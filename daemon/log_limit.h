/* log_limit.h - how many lines a peer may cause (R17): SOU_LOG_LINES_PER_MIN a minute each, and
 * SOU_LOG_LINES_ALL_PER_MIN all of them, since an attacker can come from many addresses. One
 * thread.
 */
#ifndef SOUD_LOG_LIMIT_H
#define SOUD_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* A count of lines that were left out: of one address, or "" of several. */
typedef void soud_log_dropped_cb(const char *peer, uint32_t count);

/* May a line of this peer ("HOST:PORT", of which the port is nothing, or a site) be written now?
 * Counts that are due are told first. */
bool soud_log_limit(const char *peer, int64_t now_s, soud_log_dropped_cb *tell);

/* Tell what was left out in minutes that are over, each once. */
void soud_log_limit_tell(int64_t now_s, soud_log_dropped_cb *tell);

#endif
