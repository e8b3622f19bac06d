/* scrubber.h - the scrub of a running daemon (R22): weekly and slowly by itself, at once when
 * something damaged was met, and when a person asks. What it lists is asked for by entry id on
 * every link until it is whole; texts of own entries that nobody else has are exported. The loop's;
 * the reading is done on its worker threads. */
#ifndef SOUD_SCRUBBER_H
#define SOUD_SCRUBBER_H

#include "daemon/http/server.h"
#include "daemon/sync/sync.h"

struct soud_scrubber;

int soud_scrubber_new(struct soud_scrubber **out, uv_loop_t *loop, struct soud_core *core,
		      struct soud_sync *sync);
/* Ends what is under way, answers who waits; closed_cb when nothing of it is left. Close before the
 * sync. */
void soud_scrubber_close(struct soud_scrubber *s, void (*closed_cb)(void *data), void *data);

struct soud_scrubber_status {
	bool running;
	int64_t last_ms;  /* wall clock of the end of the last one; 0: never */
	uint64_t damaged; /* entries that are listed now */
};
void soud_scrubber_status(const struct soud_scrubber *s, struct soud_scrubber_status *out);

/* POST scrub; context: the scrubber. */
void soud_scrubber_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_scrubber *s);

#endif
