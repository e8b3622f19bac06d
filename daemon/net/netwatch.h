/* netwatch.h - say when the machine's network came back: an address, a route or an interface
 * appeared (rtnetlink). One notice for a burst. Never says when it went away: links find that out.
 */
#ifndef SOUD_NETWATCH_H
#define SOUD_NETWATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/error.h"

struct uv_loop_s;
struct soud_netwatch; /* opaque */

/* SOU_EIO: the kernel gives no such socket (a jail without AF_NETLINK); go on without. SOU_ENOMEM.
 */
int soud_netwatch_new(struct soud_netwatch **out, struct uv_loop_s *loop,
		      void (*changed_cb)(void *data), void *data, struct sou_err *err);
void soud_netwatch_close(struct soud_netwatch *watch); /* NULL is fine */

/* Whether a datagram of the kernel (n bytes of netlink messages, well formed or not) says that
 * something came. Pure; for the tests. */
bool soud_netwatch_is_gain(const void *datagram, size_t n);

#endif
