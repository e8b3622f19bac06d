/* backlog.h - how many entries each site has still to get, for metrics. On the loop's thread: the
 * work is one walk through the positions, and what is counted, up to SOUD_BACKLOG_MAX a site. */
#ifndef SOUD_BACKLOG_H
#define SOUD_BACKLOG_H

#include "daemon/replica/reader.h"

#define SOUD_BACKLOG_MAX 100000u

struct soud_backlog {
	struct sou_id site;
	uint64_t entries; /* that it may read, did not send itself and has not acknowledged */
};

/* At a hub all other sites whose key stands, at a site the hub; *out is malloc's. SOU_ENOMEM, or as
 * the store says. */
int soud_backlog_read(struct soud_reader *v, struct soud_backlog **out, size_t *count);

#endif
