/* net.h - what all links of one loop share: the read buffer, the count of held bytes, the tick that
 * watches slow peers, and the limits (R17). One per loop; everything in this room runs on the
 * loop's thread.
 *
 * Ending. What has a uv handle dies in that handle's close callback: `*_close` starts it, the loop
 * must run on, and the pointer is dead to the caller at once. Order: dials and listeners, then
 * links (soud_net_close_links), then the net itself; after that uv_run returns and uv_loop_close()
 * == 0. */
#ifndef SOUD_NET_H
#define SOUD_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

struct uv_loop_s;

struct soud_net; /* opaque */

/* Defaults are the constants of proto/limits.h under the same names; a test makes them small. */
struct soud_net_limits {
	uint32_t handshake_bytes_max, handshake_ms_max;
	uint32_t handshake_pressed_ms; /* so long a handshake is let be while others wait */
	uint32_t handshakes_max, handshakes_address_max;
	uint32_t parked_max, parked_address_max, accepts_turn_max;
	uint32_t fds_free_min;
	uint32_t link_bytes_max; /* at least 2 MiB + 64 KiB */
	uint64_t links_bytes_max;
	uint32_t slow_bytes_min, slow_ms;
	uint32_t stall_ms_max; /* output that the peer does not take at all */
	uint32_t linger_ms_max, unacked_ms_max;
	uint32_t post_handshake_max, rekey_records_max;
	uint32_t connect_ms_max, dial_proven_ms;
	uint32_t tick_ms; /* how often the times above are looked at; 1 s */
};

struct soud_net_stats { /* counters since the start, for metrics and tests */
	uint64_t links_open, links_opened,
		links_refused;       /* refused: closed before they were open */
	uint64_t handshakes, parked; /* incoming, under way now */
	uint64_t accepts_refused;    /* closed at once: too many from one address */
	uint64_t accepts_deferred;   /* times that accepting stopped at a limit */
	uint64_t held_bytes;         /* now, all links */
	uint64_t frames_in, frames_out_bytes, frames_in_bytes; /* plain bytes */
};

void soud_net_limits_default(struct soud_net_limits *limits);

/* `limits` NULL: the defaults. `loop` must outlive it. SIGPIPE is ignored from here on, in the
 * whole process. SOU_ENOMEM, SOU_EIO. */
int soud_net_new(struct soud_net **out, struct uv_loop_s *loop,
		 const struct soud_net_limits *limits, struct sou_err *err);

/* Close every link: orderly (queued bytes go out first, at most linger_ms_max) or at once. Each
 * gets its closed_cb. */
void soud_net_close_links(struct soud_net *net, bool orderly);

/* NULL is fine. All links must be closed or closing; memory goes after the last of them. */
void soud_net_close(struct soud_net *net);

struct soud_net_stats soud_net_stats(const struct soud_net *net);

#endif
