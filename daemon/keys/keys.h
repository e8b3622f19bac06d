/* keys.h - key files, apart from the replica and from its backups (R4, R20).
 *
 *   DATA/keys/site.pem tls.pem          0400, PKCS#8; of every site
 *   DATA/keys/checkpoint.pem            0400; the hub's
 *   DATA/keys/operational.pem           0400, encrypted under a passphrase (PBES2, scrypt); the
 * hub's DATA/root-keys/root-N.pem           0400, encrypted; to be moved off the machine after init
 * Directories are 0700. No key is in the replica, in a log or in a core file; what was read is
 * wiped. Beside proto/crypto.c and daemon/net the one place that uses OpenSSL. */
#ifndef SOUD_KEYS_H
#define SOUD_KEYS_H

#include "proto/crypto.h"

#define SOUD_PASSPHRASE_BYTES_MAX 1024u
#define SOUD_PASSPHRASE_BYTES_MIN 8u
#define SOUD_ROOT_KEYS            3u
#define SOUD_ROOT_THRESHOLD       2u

enum soud_key {
	SOUD_KEY_SITE,
	SOUD_KEY_TLS,
	SOUD_KEY_CHECKPOINT,
	SOUD_KEY_OPERATIONAL,
	SOUD_KEY_ROOT
};

/* Make a key file that is not there yet: drawn by the library, written to a new file, synced,
 * renamed. index: of a root key, from 1; else 0. passphrase n 0: not encrypted (site, TLS,
 * checkpoint alone). *public_key as in the file; *signer (NULL: none), the caller's to end, spares
 * opening the file, whose scrypt takes as long again as the making. SOU_EEXIST, SOU_EIO, SOU_EINPUT
 * (passphrase too short or long), SOU_ECRYPTO, SOU_ENOMEM. */
int soud_key_make(const char *data_dir, enum soud_key which, unsigned index,
		  struct sou_span passphrase, struct sou_hash *public_key,
		  struct sou_signer *signer, struct sou_err *err);

/* Open for signing; the caller ends it by sou_signer_fini. SOU_EUNKNOWN: no such file; SOU_EKEY:
 * wrong passphrase; SOU_ECORRUPT: no key of ours; SOU_EINPUT: the file is open to others; SOU_EIO.
 */
int soud_key_open(const char *data_dir, enum soud_key which, unsigned index,
		  struct sou_span passphrase, struct sou_signer *out, struct sou_err *err);

/* Path of a key file, for daemon/net's TLS and for messages. SOU_ELIMIT. */
int soud_key_path(const char *data_dir, enum soud_key which, unsigned index, char *out,
		  size_t bytes);

/* Where it is read from: the service manager's credential of its name (site.pem, tls.pem,
 * checkpoint.pem, R20) where that is there, else soud_key_path. SOU_ELIMIT. */
int soud_key_place(const char *data_dir, enum soud_key which, unsigned index, char *out,
		   size_t bytes);

/* The TLS key hash (P12.1) of DATA/keys/tls.pem. Errors as soud_key_open. */
int soud_key_tls_pin(const char *data_dir, struct sou_hash *out, struct sou_err *err);

#endif
