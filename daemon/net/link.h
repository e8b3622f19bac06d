/* link.h - one TCP connection with TLS on it, cut into frames (R17, R18). It knows nothing of what
 * a frame means.
 *
 *   (PROXY -->) HANDSHAKE --opened--> OPEN --soud_link_close--> CLOSING --flushed, or
 * linger_ms_max--> DEAD |                  | ^
 *       +------------------+---------------- anything wrong, soud_link_abort ---------------+
 *
 * Callbacks, all on the loop's thread, none from inside a function of this header:
 * either refused_cb once, or open_cb once, then any number of frame, drain and timer, then
 * closed_cb once. After closed_cb or refused_cb the link is gone. Inside any callback every
 * function here may be called, on this link or another one.
 *
 * Nothing of a frame is handed up before all of it is there: an end of the stream in mid-frame
 * discards it. A link that is open has proved the peer's key to us, but not yet ours to the peer:
 * it counts as connected after its first frame (R18). */
#ifndef SOUD_LINK_H
#define SOUD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/net/addr.h"
#include "daemon/net/net.h"
#include "daemon/net/tls.h"
#include "proto/bytes.h"
#include "proto/frame.h"
#include "proto/id.h"

struct soud_link; /* opaque; owned by its net */

/* X(name, what a log says) */
#define SOUD_LINK_ENDS(X)                                                                          \
	X(LOCAL, "closed here")                                                                    \
	X(PEER, "closed by the peer")                                                              \
	X(CUT, "the connection broke")                                                             \
	X(CONNECT, "no connection to the address")                                                 \
	X(PROXY, "the proxy did not lead to the peer")                                             \
	X(TLS, "the TLS handshake or a record failed")                                             \
	X(PIN, "the peer has another key than the pinned one")                                     \
	X(TIMEOUT, "the handshake took too long")                                                  \
	X(SLOW, "the peer is too slow in mid-frame")                                               \
	X(STALLED, "the peer takes nothing of what waits for it")                                  \
	X(FRAME, "a frame's length is not allowed")                                                \
	X(LIMIT, "beyond a limit of this side")                                                    \
	X(NOMEM, "no memory")

enum soud_link_end {
#define X(name, text) SOUD_LINK_END_##name,
	SOUD_LINK_ENDS(X)
#undef X
};

const char *soud_link_end_name(enum soud_link_end end); /* "SLOW" */
const char *soud_link_end_text(enum soud_link_end end);

struct soud_link_cbs { /* any may be NULL; lives as long as its links */
	/* Both keys are shown. Judge soud_link_spki() now: keep, abort, or wait for a joining
	 * frame. */
	void (*open_cb)(struct soud_link *link, void *data);
	/* The body is borrowed until the callback returns. */
	void (*frame_cb)(struct soud_link *link, void *data, const struct sou_frame *frame);
	/* A send had been refused, or more than SOUD_LINK_DRAIN_BYTES waited, and now there is
	 * room. */
	void (*drain_cb)(struct soud_link *link, void *data);
	/* soud_link_timer ran out. */
	void (*timer_cb)(struct soud_link *link, void *data);
	/* `detail`: the library's or the system's words, "" if none; borrowed. */
	void (*closed_cb)(struct soud_link *link, void *data, enum soud_link_end end,
			  const char *detail);
	/* It never opened. */
	void (*refused_cb)(struct soud_link *link, void *data, enum soud_link_end end,
			   const char *detail);
};

#define SOUD_LINK_DRAIN_BYTES                                                                      \
	262144u /* below, a link asks for more: some ms of work, little memory */

/* `data` starts as what the listener or the dial was given. */
void soud_link_set_data(struct soud_link *link, void *data);
void *soud_link_data(const struct soud_link *link);

bool soud_link_is_outgoing(const struct soud_link *link);
bool soud_link_is_open(const struct soud_link *link); /* open_cb has run, closing has not begun */
const struct soud_addr *soud_link_addr(const struct soud_link *link); /* the peer's */
/* SHA-256 of the peer's SPKI; all zero before open_cb. */
const struct sou_hash *soud_link_spki(const struct soud_link *link);
/* The 32 bytes that bind a join to this very channel. SOU_ESTATE when it is not open. */
int soud_link_exporter(const struct soud_link *link, uint8_t out[SOUD_TLS_EXPORTER_BYTES]);
void soud_link_facts(const struct soud_link *link, struct soud_tls_facts *out);

/* Queue whole frames (head and body; one or many at once); copied. What is queued in one turn of
 * the loop leaves in as few records and system calls as it fits into, before the loop sleeps. All
 * or nothing: SOU_ELIMIT: no room (this link's 4 MiB or all links' 128 MiB); drain_cb comes.
 * SOU_ESTATE: not open. SOU_ENOMEM. */
int soud_link_send(struct soud_link *link, const void *bytes, size_t n);
/* The same, head made here. body_bytes <= SOU_FRAME_BODY_BYTES_MAX. */
int soud_link_send_frame(struct soud_link *link, uint8_t kind, const void *body,
			 uint32_t body_bytes);
/* Bytes that a send can take now (0 when not open), and bytes that wait, here or in the kernel's
 * queue of ours. */
size_t soud_link_room(const struct soud_link *link);
size_t soud_link_queued(const struct soud_link *link);

/* The largest body that is taken from now on: until the peer is known, less than
 * SOU_FRAME_BODY_BYTES_MAX. A longer frame ends the link with FRAME when its length has come. */
void soud_link_frames(struct soud_link *link, uint32_t body_bytes_max);

/* Stop and go on taking bytes from the peer, while the store is behind. After a pause frames that
 * were read already still come (at most 64 KiB of stream). A paused peer is never slow. */
void soud_link_pause(struct soud_link *link);
void soud_link_resume(struct soud_link *link);

/* One timer a link: timer_cb once, `ms` from now; replaces the one that runs. ms 0 stops it. For
 * the session's ping and idle times. SOU_ESTATE in silence when the link is closing. */
void soud_link_timer(struct soud_link *link, uint64_t ms);

/* End it. close: what is queued goes out, then close_notify, at most linger_ms_max; no frame is
 * handed up any more. abort: at once. Both: closed_cb(end) later, in a turn of its own. The first
 * one decides the end that is told, a second call is harmless. */
void soud_link_close(struct soud_link *link);
void soud_link_abort(struct soud_link *link, enum soud_link_end end);

/* ---- For listen.c and dial.c ---- */

struct uv_stream_s;
struct sockaddr;

struct soud_link_owner { /* told beside the callbacks; may be NULL */
	void (*opened_cb)(void *owner, struct soud_link *link); /* just before open_cb */
	void (*gone_cb)(void *owner, struct soud_link *link, enum soud_link_end end, bool was_open,
			const char *detail); /* just after closed_cb or refused_cb */
};

struct soud_link_new {
	struct soud_net *net;
	struct soud_tls *tls;
	const struct soud_link_cbs *cbs;
	void *data;
	const struct soud_link_owner *owner_cbs;
	void *owner;
	const struct sou_hash *pin; /* NULL: any key */
	/* n > 0: `to` is a proxy, which is asked this first (proxy.h); copied. */
	struct sou_span proxy_request;
};

/* Accept the connection that waits on `server`; TLS begins with soud_link_start. SOU_EIO: the
 * connection is gone; SOU_ENOMEM: it waits still. No callback follows either. */
int soud_link_accept(struct soud_link **out, const struct soud_link_new *args,
		     struct uv_stream_s *server);
void soud_link_start(struct soud_link *link);
/* The owner goes before its link: no more owner callbacks. */
void soud_link_disown(struct soud_link *link);
/* Connect and begin. A refusal by the network comes as refused_cb with CONNECT. SOU_EIO,
 * SOU_ENOMEM: no callback follows. */
int soud_link_connect(struct soud_link **out, const struct soud_link_new *args,
		      const struct sockaddr *to);
/* The local address of this connection is no longer this machine's. */
bool soud_link_address_lost(const struct soud_link *link);
uint64_t soud_link_frames_in(const struct soud_link *link);
uint64_t soud_link_opened_ms(const struct soud_link *link); /* loop time of open_cb; 0: never */

#endif
