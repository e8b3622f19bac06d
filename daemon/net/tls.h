/* tls.h - TLS 1.3 and nothing else, both sides known by their key (R18). The one file that knows
 * libssl. No sockets and no loop here: bytes are fed in and staged out.
 *
 * A certificate is only the wrapping of a key: dates, names and issuer are ignored, exactly one is
 * accepted, its key must be Ed25519 or P-256, and what identifies a peer is the SHA-256 of its
 * SubjectPublicKeyInfo. Who that is, the caller judges. */
#ifndef SOUD_TLS_H
#define SOUD_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/net/net.h"
#include "proto/crypto.h"
#include "proto/error.h"
#include "proto/id.h"

struct ssl_st;
#define SOU_ALPN "soukatsu/1" /* P12.1 */

struct soud_tls; /* opaque: one own key, for both directions; one thread */

#define SOUD_TLS_EXPORTER_BYTES 32u

/* The own TLS key: the 32 bytes of an Ed25519 private key (RFC 8032), or a PEM file's bytes
 * (unencrypted PKCS #8, Ed25519). The caller keeps and cleanses its bytes. The self-signed
 * certificate is made here, the same for the same key.
 * SOU_EKEY: not such a key. SOU_ENOMEM, SOU_ECRYPTO. */
int soud_tls_new(struct soud_tls **out, const uint8_t seed[SOU_SEED_BYTES], struct sou_err *err);
int soud_tls_new_pem(struct soud_tls **out, const void *pem, size_t pem_bytes, struct sou_err *err);

/* NULL is fine. Connections made of it live on. */
void soud_tls_free(struct soud_tls *tls);

/* SHA-256 of the own SPKI: what the authority feed lists for this site. */
struct sou_hash soud_tls_spki(const struct soud_tls *tls);
/* The same for the 32 bytes of any Ed25519 public key, without a connection. */
struct sou_hash soud_tls_spki_of(const struct sou_hash *public_key);

/* ---- One connection; used by link.c alone ---- */

#define SOUD_TLS_RECORD_BYTES_MAX 16384u /* RFC 8446 5.1 */
#define SOUD_TLS_STAGE_BYTES      73728u /* four full records and what little comes beside them */

struct soud_tls_stage { /* ciphertext on its way to the socket; one for all links of a loop */
	size_t n;
	uint8_t b[SOUD_TLS_STAGE_BYTES];
};

struct soud_tls_conn {
	struct soud_tls *tls; /* shared */
	struct ssl_st *ssl;   /* owned; NULL before new and after free */
	const uint8_t *in;    /* borrowed: fed and not yet taken */
	size_t in_left;
	struct soud_tls_stage *stage; /* borrowed */
	struct sou_hash pin;          /* all zero: none */
	struct sou_hash spki;         /* the peer's, once `done` */
	uint32_t handshake_bytes_left, post_handshake_left;
	uint32_t rekey_records_left, rekey_records_max;
	bool done;      /* both sides have shown their key */
	bool pin_wrong; /* why the handshake failed */
	bool over;      /* more than R17 allows was sent */
	bool broken;    /* the library gave up; not even close_notify may follow */
};

/* `pin` (NULL: none) is looked at before our own certificate is sent. SOU_ENOMEM. */
int soud_tls_conn_new(struct soud_tls_conn *conn, struct soud_tls *tls, bool outgoing,
		      const struct sou_hash *pin, const struct soud_net_limits *limits,
		      struct soud_tls_stage *stage);
void soud_tls_conn_free(struct soud_tls_conn *conn); /* zeroed is fine */

/* Each may put bytes into the stage, which was empty; empty it after. Fed bytes must be used up
 * before the next are fed. `detail` (never NULL, "" if unknown) is borrowed until the next call of
 * this room.
 * handshake: SOU_OK done, SOU_EAGAIN needs bytes, SOU_EDENIED the pin does not match, SOU_ELIMIT
 * more than handshake_bytes_max, SOU_EPROTO refused by one of the sides. read: SOU_OK with *got >
 * 0; SOU_EAGAIN; SOU_ESTATE the peer closed in order; SOU_ELIMIT too many messages of TLS itself;
 * SOU_EPROTO broken. write: at most one record (SOUD_TLS_RECORD_BYTES_MAX) is taken. SOU_OK with
 * *took > 0; SOU_EPROTO. */
int soud_tls_conn_handshake(struct soud_tls_conn *conn, const char **detail);
int soud_tls_conn_read(struct soud_tls_conn *conn, uint8_t *to, size_t to_bytes, size_t *got,
		       const char **detail);
int soud_tls_conn_write(struct soud_tls_conn *conn, const uint8_t *from, size_t from_bytes,
			size_t *took, const char **detail);
/* Stage our close_notify. */
void soud_tls_conn_bye(struct soud_tls_conn *conn);
/* Part of a record has come and is waiting for its rest. */
bool soud_tls_conn_in_record(const struct soud_tls_conn *conn);
/* RFC 8446 7.5, label "EXPORTER-soukatsu-join", no context. SOU_ESTATE before `done`. */
int soud_tls_conn_exporter(const struct soud_tls_conn *conn, uint8_t out[SOUD_TLS_EXPORTER_BYTES]);

struct soud_tls_facts { /* read back from the live connection, for tests and the log */
	const char *version, *group, *suite, *alpn;
	bool resumed;
};
void soud_tls_conn_facts(const struct soud_tls_conn *conn, struct soud_tls_facts *out);

#endif
