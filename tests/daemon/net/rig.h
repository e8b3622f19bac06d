/* rig.h - one loop with a hub that listens and whatever dials it, over real loopback and real TLS.
 * No sleeps: RIG_UNTIL runs the loop until something holds, and gives up after a time that only a
 * hung test reaches. */
#ifndef SOU_TESTS_RIG_H
#define SOU_TESTS_RIG_H

#include <netinet/in.h>
#include <uv.h>

#include "daemon/net/dial.h"
#include "daemon/net/link.h"
#include "daemon/net/listen.h"
#include "daemon/net/net.h"
#include "daemon/net/tls.h"
#include "tests/lib/check.h"

struct seen { /* the data of links: what its callbacks told */
	int opened, closed, refused, drained, timed;
	enum soud_link_end end; /* of the last that closed or was refused */
	char detail[96];
	uint64_t frames, body_bytes;
	uint8_t last_kind;
	uint32_t last_bytes;
	uint8_t *last;          /* body of the last frame, owned by the rig; NULL for none */
	struct soud_link *link; /* the last that opened, until it closed */
	struct soud_addr addr;
	/* What the test does inside the callbacks; each may be NULL. */
	void (*on_open)(struct soud_link *link, struct seen *seen);
	void (*on_frame)(struct soud_link *link, struct seen *seen, const struct sou_frame *frame);
	void (*on_drain)(struct soud_link *link, struct seen *seen);
	void (*on_closed)(struct soud_link *link, struct seen *seen);
	void *arg;
};

struct rig {
	uv_loop_t loop;
	uv_timer_t guard, pulse; /* pulse: the loop never sleeps longer than 5 ms */
	bool late;
	struct soud_net_limits limits; /* what rig_begin gave to the net */
	struct soud_net *net;
	struct soud_tls *hub_tls, *site_tls;
	struct soud_listen *listen;
	struct sockaddr_in hub_at;
	struct seen hub, site; /* of all incoming, of all outgoing links */
};

extern const struct soud_link_cbs rig_cbs; /* data is a struct seen */

/* Limits for a test: the defaults, but a tick of 10 ms. */
struct soud_net_limits rig_limits(void);
/* Everything up: net, keys, a hub on 127.0.0.1. Ends the test when something is missing. */
void rig_begin(struct rig *rig, const struct soud_net_limits *limits);
/* Close all that is left and check that the loop and the held bytes are clean. */
void rig_end(struct rig *rig, const char *name);

/* A link from the site to the hub, pinned; to another address or with another pin. */
struct soud_link *rig_link(struct rig *rig);
struct soud_link *rig_link_to(struct rig *rig, const struct sockaddr_in *to,
			      const struct sou_hash *pin);
/* Both sides of a fresh link are open. */
void rig_open(struct rig *rig, const char *name);

bool rig_turn(struct rig *rig); /* false: late */
/* Go on for so long, to see that something does not happen. */
void rig_go_on(struct rig *rig, const char *name, uint64_t ms);
#define RIG_UNTIL(rig, name, condition)                                                            \
	do {                                                                                       \
		while (!(condition))                                                               \
			REQUIRE(name, rig_turn(rig));                                              \
	} while (0)

/* A test's own peer: raw TCP, and on top of it, when asked, a TLS side of OpenSSL's plain making.
 */
struct ssl_ctx_st;
struct ssl_st;
struct raw {
	struct rig *rig;
	uv_tcp_t tcp, server;
	bool connected, ended, closed, has_server, shaken;
	int handles;
	uint64_t got; /* bytes from the socket */
	struct ssl_st *ssl;
	uint8_t plain[65536]; /* the first plain bytes that came */
	size_t plain_bytes;
	int alert; /* the alert that the other side sent, or -1 */
};

/* Connect to the hub (ctx NULL: without TLS); ctx is taken. The handshake goes on by itself. */
struct raw *raw_connect(struct rig *rig, struct ssl_ctx_st *ctx);
/* Listen for one connection in its place; `at` is where. */
struct raw *raw_listen(struct rig *rig, struct ssl_ctx_st *ctx, struct sockaddr_in *at);
void raw_send(struct raw *raw, const void *bytes, size_t n);  /* on TCP */
void raw_write(struct raw *raw, const void *bytes, size_t n); /* through TLS */
/* What TLS would send of these bytes, kept for raw_send. */
struct test_bytes raw_seal(struct raw *raw, const void *bytes, size_t n);
void raw_stop_reading(struct raw *raw);
void raw_shutdown(struct raw *raw); /* end of our stream, without close_notify */
void raw_bye(struct raw *raw);      /* close_notify */
void raw_key_update(struct raw *raw);
void raw_close(struct raw *raw); /* rig_end must follow */

/* A client or server context with our versions and names, to be spoiled by the test. `key`: of
 * OpenSSL's name ("ED25519", "P-256", "RSA"...); NULL: no certificate. `certs`: how many are sent.
 */
struct ssl_ctx_st *raw_ctx(const char *key, int certs);

#endif
