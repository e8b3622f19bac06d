/* invite.h - the one string by which a site joins (P12.5). Pure. It holds a secret: cleanse the
 * struct and the text after use, never log either. */
#ifndef SOU_INVITE_H
#define SOU_INVITE_H

#include "bytes.h"
#include "crypto.h"
#include "error.h"
#include "limits.h"

struct sou_invite {
	char address[SOU_ADDRESS_BYTES_MAX + 1]; /* HOST:PORT, [IPV6]:PORT */
	struct sou_hash tls;                     /* TLS key hash of the hub */
	struct sou_hash genesis;
	struct sou_id net;
	uint8_t secret[SOU_SECRET_BYTES];
};

/* What is wrong with a text, so that a person knows what to do about it. OTHER and UNSOUND are told
 * with message invite.malformed, the rest with the message of its name. */
enum sou_invite_fault {
	SOU_INVITE_GOOD = 0,
	SOU_INVITE_OTHER, /* no invite at all: begins otherwise, or has a character that none has */
	SOU_INVITE_SHORT, /* its end is missing */
	SOU_INVITE_MISTYPED, /* a character is wrong, missing or too much */
	SOU_INVITE_NEWER,    /* made by newer software */
	SOU_INVITE_UNSOUND,  /* unharmed, but no invite that any software makes */
};

/* SOU_OK; SOU_ETOONEW for SOU_INVITE_NEWER; SOU_EINPUT else. *fault (NULL is fine) always tells. */
int sou_invite_read(struct sou_invite *out, struct sou_span text, enum sou_invite_fault *fault);

/* Write the text with a 0 behind it; *n is its length. SOU_EINPUT: the address is none. SOU_ENOMEM.
 */
int sou_invite_write(const struct sou_invite *invite, char out[SOU_INVITE_TEXT_BYTES_MAX],
		     size_t *n);

/* HOST:PORT of at most 255 bytes: a host without blanks or control characters, a port 1..65535. */
bool sou_address_fits(struct sou_span address);

#endif
