/* crypto.h - hashes, signatures and keys (R3, R4, PROTOCOL.md 1 and 4). The one user of libcrypto.
 * Pure but for one hash context that each thread keeps. Hashing cannot fail after sou_crypto_ready;
 * a library that then fails stops the program. */
#ifndef SOU_CRYPTO_H
#define SOU_CRYPTO_H

#include "bytes.h"
#include "error.h"
#include "id.h"

#define SOU_SEED_BYTES      32u
#define SOU_SIGNATURE_BYTES 64u
#define SOU_SALT_BYTES      16u
#define SOU_SECRET_BYTES    16u /* of an invite */

/* X(name, text): C(text) stands before what is hashed (P1.1). NONE has no prefix: plain SHA-256. */
#define SOU_DOMAINS(X)                                                                             \
	X(KEY_ID, "key-id")               /* P3.1 */                                               \
	X(SCOPE_ID, "scope-id")           /* P3.2 */                                               \
	X(ENTITY_ID, "entity-id")         /* P3.3 */                                               \
	X(ENTRY_ID, "entry-id")           /* P5.2 */                                               \
	X(COMMIT, "commit")               /* P6.5 */                                               \
	X(PAYLOAD, "payload")             /* P6.6 */                                               \
	X(AUTHORITY_ID, "authority-id")   /* P8.1 */                                               \
	X(STATE_BUCKET, "state-bucket")   /* P10.6 */                                              \
	X(STATE, "state")                 /* P10.6 */                                              \
	X(ENTRIES, "entries")             /* P10.7 */                                              \
	X(AUTHORITY_SET, "authority-set") /* P10.8 */                                              \
	X(SCOPE_DIGEST, "scope-digest")   /* P10.8 */                                              \
	X(POSITIONS, "positions")         /* P11.3 */                                              \
	X(INVITE, "invite")               /* P12.4 */                                              \
	X(INVITE_CHECK, "invite-check")   /* P12.5 */

/* X(name, text): what is signed, and for what (P4.1). */
#define SOU_CONTEXTS(X)                                                                            \
	X(ENTRY, "entry")                                                                          \
	X(AUTHORITY, "authority")                                                                  \
	X(ENROL, "enrol")                                                                          \
	X(JOIN, "join")                                                                            \
	X(CHECKPOINT, "checkpoint")                                                                \
	X(RECEIPT, "receipt")                                                                      \
	X(COSIGN, "cosign")                                                                        \
	X(SNAPSHOT, "snapshot")

enum sou_domain {
	SOU_DOMAIN_NONE = 0,
#define X(name, text) SOU_DOMAIN_##name,
	SOU_DOMAINS(X)
#undef X
		SOU_DOMAIN_COUNT,
};

enum sou_context {
#define X(name, text) SOU_CONTEXT_##name,
	SOU_CONTEXTS(X)
#undef X
		SOU_CONTEXT_COUNT,
};
const char *sou_context_name(enum sou_context context); /* "entry", for logs */

/* Make this thread's hash context now, so that want of memory is an error and no abort.
 * SOU_ENOMEM, SOU_ECRYPTO. The context goes when the thread ends. */
int sou_crypto_ready(void);

/* H(C(domain) || part || part ...). sou_sha256 is the plain hash of one range. */
struct sou_hash sou_sha256(const void *bytes, size_t n);
struct sou_hash sou_hash_parts(enum sou_domain domain, const struct sou_span *parts, size_t count);
static inline struct sou_hash sou_hash_bytes(enum sou_domain domain, const void *bytes, size_t n)
{
	const struct sou_span part = {bytes, n};
	return sou_hash_parts(domain, &part, 1);
}

/* The same in steps, for what does not lie in memory at once. Each hasher is its own: several may
 * be under way. begin may be called again at any time. */
struct sou_hasher;
int sou_hasher_new(struct sou_hasher **out); /* SOU_ENOMEM, SOU_ECRYPTO */
void sou_hasher_free(struct sou_hasher *hasher);
void sou_hasher_begin(struct sou_hasher *hasher, enum sou_domain domain);
void sou_hasher_put(struct sou_hasher *hasher, const void *bytes, size_t n);
struct sou_hash sou_hasher_end(struct sou_hasher *hasher);

/* HMAC-SHA256 (RFC 2104) with a key of at most 64 bytes. */
struct sou_hash sou_hmac(const void *key, size_t key_bytes, const void *bytes, size_t n);
/* salt(i) of an entry (P6.4). */
void sou_salt(const uint8_t entry_salt[SOU_SALT_BYTES], uint32_t index,
	      uint8_t out[SOU_SALT_BYTES]);

/* P4.2: SOU_EKEY for y >= p or a point of small order in any encoding. Used-before is the caller's.
 */
int sou_key_admit(const struct sou_hash *public_key);
/* P3.1 */
struct sou_id sou_key_id(const struct sou_hash *public_key);

/* What signs. A seam: the simulator puts a keyed hash here (R24). Nobody but sou_sign calls `sign`.
 */
struct sou_signer {
	int (*sign)(void *ctx, const uint8_t *message, size_t n, uint8_t out[SOU_SIGNATURE_BYTES]);
	void (*end)(void *ctx); /* frees ctx; NULL: nothing to free */
	void *ctx;
	struct sou_hash public_key; /* derived by the signer itself, never given (R4) */
	struct sou_id key_id;
};

/* What verifies: SOU_OK, SOU_ESIG, SOU_EKEY, SOU_ENOMEM, SOU_ECRYPTO. `ctx` is shared by threads.
 */
struct sou_verifier {
	int (*verify)(void *ctx, const struct sou_hash *public_key, const uint8_t *message,
		      size_t n, const uint8_t signature[SOU_SIGNATURE_BYTES]);
	void *ctx;
};

/* Ed25519 (RFC 8032). The seed is copied into libcrypto; cleanse yours. SOU_ECRYPTO, SOU_ENOMEM. */
int sou_signer_ed25519(struct sou_signer *out, const uint8_t seed[SOU_SEED_BYTES]);
void sou_signer_fini(struct sou_signer *signer); /* NULL and zeroed are fine */
/* Refuses keys that sou_key_admit refuses. S below the group order (P4.3). */
extern const struct sou_verifier sou_verifier_ed25519;

/* The one function that signs: C(context) || net || bytes (R3, P4.1). Threads may share a signer.
 * SOU_ELIMIT past SOU_SIGNED_BYTES_MAX, SOU_ECRYPTO. */
int sou_sign(const struct sou_signer *signer, enum sou_context context, const struct sou_id *net,
	     struct sou_span bytes, uint8_t out[SOU_SIGNATURE_BYTES]);
/* SOU_OK only where the signature is good; otherwise as above. */
int sou_verify(const struct sou_verifier *verifier, enum sou_context context,
	       const struct sou_id *net, struct sou_span bytes, const struct sou_hash *public_key,
	       const uint8_t signature[SOU_SIGNATURE_BYTES]);

/* Seed of an invite's key pair (P12.4). */
void sou_invite_seed(const uint8_t secret[SOU_SECRET_BYTES], uint8_t seed[SOU_SEED_BYTES]);

/* Overwrite a secret so that no compiler leaves it out. */
void sou_cleanse(void *bytes, size_t n);

/* Equal in a time that depends on n alone. */
bool sou_equal_secret(const void *a, const void *b, size_t n);

#endif
