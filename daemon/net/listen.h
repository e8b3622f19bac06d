/* listen.h - take connections in, within R17: so many handshakes at once, so many from one address
 * that has no known key behind it, so many descriptors kept free. What finds no place waits, the
 * newest is served first, and a handshake that takes long makes room for it. Without memory or
 * descriptors accepting stops and the kernel's queue holds the rest; what is open is not disturbed.
 */
#ifndef SOUD_LISTEN_H
#define SOUD_LISTEN_H

#include <stdint.h>

#include "daemon/net/link.h"
#include "daemon/net/net.h"
#include "daemon/net/tls.h"

struct soud_listen; /* opaque */

/* Listen on "HOST:PORT" (a name is resolved here, blocking: at the start only; its first address is
 * taken). Port 0: the kernel's choice, see soud_listen_port. Every incoming link gets `cbs` and
 * `data`. `tls` is borrowed until soud_listen_close.
 * SOU_EINPUT: not HOST:PORT or no such host. SOU_EBUSY: the port is in use. SOU_EIO, SOU_ENOMEM. */
int soud_listen_new(struct soud_listen **out, struct soud_net *net, struct soud_tls *tls,
		    const char *hostport, const struct soud_link_cbs *cbs, void *data,
		    struct sou_err *err);

uint16_t soud_listen_port(const struct soud_listen *listen);

/* The address of this link has a known key behind it (listed in authority): the limit of 8 does not
 * hold for it any more. Call from open_cb; the latest SOU_ADDRESSES_KNOWN_MAX are remembered. */
void soud_listen_known(struct soud_listen *listen, const struct soud_link *link);

/* Take no more in; links that are open live on, handshakes end. NULL is fine. */
void soud_listen_close(struct soud_listen *listen);

#endif
