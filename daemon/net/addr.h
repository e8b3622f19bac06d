/* addr.h - HOST:PORT as people write it, and addresses as the limits of R17 count them. Pure. */
#ifndef SOUD_ADDR_H
#define SOUD_ADDR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/error.h"

#define SOUD_HOST_BYTES_MAX      253u                       /* RFC 1035: a name in text */
#define SOUD_ADDR_TEXT_BYTES_MAX (SOUD_HOST_BYTES_MAX + 9u) /* brackets, colon, port, 0 */

struct soud_hostport {
	char host[SOUD_HOST_BYTES_MAX + 1]; /* without brackets */
	uint16_t port;
};

/* "name:8443", "192.0.2.1:8443", "[2001:db8::1]:8443", "[::]:0". Exactly one port of 0..65535 in
 * plain digits; a name of letters, digits, '-', '.', '_'; an IPv6 address only in brackets (a %zone
 * is allowed). SOU_EINPUT: anything else; err says what is wanted. */
int soud_hostport_parse(struct soud_hostport *out, const char *text, struct sou_err *err);
void soud_hostport_text(const struct soud_hostport *hp, char out[SOUD_ADDR_TEXT_BYTES_MAX]);

struct soud_addr {       /* an end of a connection, as text and as the limits count it */
	char text[64];   /* "192.0.2.1:443", "[2001:db8::1]:443" */
	uint8_t key[16]; /* IPv4: mapped, all of it; IPv6: its /64, which one machine can use freely
			  */
};

void soud_addr_from(struct soud_addr *out, const struct sockaddr *sa);

#endif
