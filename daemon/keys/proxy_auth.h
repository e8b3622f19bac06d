/* proxy_auth.h - user:password for the proxy, from a file that nobody else can read (R20). */
#ifndef SOUD_PROXY_AUTH_H
#define SOUD_PROXY_AUTH_H

#include "proto/bytes.h"
#include "proto/error.h"

/* The first line of `path`; "" or NULL: of the systemd credential `proxy-auth`, where there is one,
 * else nothing (SOU_OK, buf stays empty). The caller wipes and ends buf. SOU_EUNKNOWN: no such
 * file. SOU_EINPUT: open to others, empty, or more than one line. SOU_ELIMIT, SOU_EIO, SOU_ENOMEM.
 */
int soud_proxy_auth_read(const char *path, struct sou_buf *buf, struct sou_err *err);

#endif
