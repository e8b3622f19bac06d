/* sites.h - sites of a real hub in one process and on one loop: each the daemon's own core (with
 * its writer thread and its SQLite file) and its own link over real TLS, as soukatsud has them;
 * only the control socket is left out. So a clock reads when what is visible where. */
#ifndef SOU_TESTS_SITES_H
#define SOU_TESTS_SITES_H

#include "daemon/sync/sync.h"

struct site {
	struct soud_core *core;
	struct soud_sync *sync;
	struct soud_listener listener;
	struct sites *all;
	uint32_t index;
	double seen_s; /* when entries of the watched scope were last visible here; 0: not yet */
};

struct sites {
	uv_loop_t loop;
	uv_timer_t late; /* ends the program: nothing here may hang */
	uv_timer_t wait;
	struct sou_id watched;
	uint32_t count, seen;
	struct site v[64];
};

/* Begin with the directories ROOT/NAME (one) or ROOT/site00 ... paused: not linked yet. */
void sites_open(struct sites *s, const char *root, const char *name, uint32_t count,
		const char *hub);
void sites_close(struct sites *s);
/* Run until `is` says so, after each turn of the loop. */
void sites_until(struct sites *s, bool (*is)(struct sites *s), const char *what);
bool sites_quiet(struct sites *s); /* all linked, and nothing is under way */
bool sites_gone(struct sites *s);  /* none linked */
/* Run for so long, whatever happens. */
void sites_wait(struct sites *s, uint64_t ms);
/* A job on the site's writer; returns when it is done, SOU_OK or its error. */
int sites_do(struct site *site, int (*run)(struct soud_replica *r, void *ctx), void *ctx);
/* Post and do not wait. *done becomes 1, or an error. */
void sites_post(struct site *site, int (*run)(struct soud_replica *r, void *ctx), void *ctx,
		int *done);

#endif
