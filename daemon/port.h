/* port.h - port 0 in `listen` is the kernel's choice, once: invites name the port that it chose, so
 * the next start takes the same one. Kept in DATA/port. */
#ifndef SOUD_PORT_H
#define SOUD_PORT_H

#include <stdint.h>

#include "daemon/options.h"

#define SOUD_LISTEN_BYTES 272u

/* `listen` as it stands, or, where its port is 0 and one was kept, with that one. */
void soud_port_recall(const char *data_dir, const char *listen, char out[SOUD_LISTEN_BYTES]);
/* Where the port of `listen` is 0: keep what it became. SOU_EIO. */
int soud_port_keep(const char *data_dir, const char *listen, uint16_t port, struct sou_err *err);

#endif
