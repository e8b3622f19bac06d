/* crypto.c - SHA-256, HMAC and Ed25519 through libcrypto, and which keys are fit (P4.2).
 * Every result of an EVP call is compared with 1. The only state is one digest context for each
 * thread, because making one costs more than hashing what we hash. */
#include "crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "limits.h"

#define PREFIX           "soukatsu/v1/"
#define HMAC_BLOCK_BYTES 64u

static const struct sou_span domains[SOU_DOMAIN_COUNT] = {{NULL, 0},
#define X(name, text) {(const uint8_t *)PREFIX text, sizeof PREFIX text},
							  SOU_DOMAINS(X)
#undef X
};

static const struct sou_span contexts[SOU_CONTEXT_COUNT] = {
#define X(name, text) {(const uint8_t *)PREFIX text, sizeof PREFIX text},
	SOU_CONTEXTS(X)
#undef X
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ender; /* frees a thread's context when the thread ends */
static EVP_MD *sha256;
static _Thread_local EVP_MD_CTX *own;

static void free_context(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void set_up(void)
{
	if (pthread_key_create(&ender, free_context) == 0)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

const char *sou_context_name(enum sou_context context)
{
	SOU_ASSERT(context < SOU_CONTEXT_COUNT);
	return (const char *)contexts[context].p + sizeof PREFIX - 1;
}

static int new_context(EVP_MD_CTX **out)
{
	(void)pthread_once(&once, set_up);
	if (sha256 == NULL)
		return SOU_ECRYPTO;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return SOU_ENOMEM;
	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		return SOU_ECRYPTO;
	}
	*out = ctx;
	return SOU_OK;
}

int sou_crypto_ready(void)
{
	if (own != NULL)
		return SOU_OK;
	EVP_MD_CTX *ctx = NULL;
	int rc = new_context(&ctx);
	if (rc != SOU_OK)
		return rc;
	if (pthread_setspecific(ender, ctx) != 0) {
		EVP_MD_CTX_free(ctx);
		return SOU_ENOMEM;
	}
	own = ctx;
	return SOU_OK;
}

static EVP_MD_CTX *begin_on(EVP_MD_CTX *ctx, enum sou_domain domain)
{
	SOU_ASSERT(domain < SOU_DOMAIN_COUNT);
	bool is_begun = EVP_DigestInit_ex2(ctx, NULL, NULL) == 1;
	SOU_ASSERT(is_begun);
	if (domain != SOU_DOMAIN_NONE) {
		bool is_put = EVP_DigestUpdate(ctx, domains[domain].p, domains[domain].n) == 1;
		SOU_ASSERT(is_put);
	}
	return ctx;
}

static EVP_MD_CTX *begin(enum sou_domain domain)
{
	bool is_ready = own != NULL || sou_crypto_ready() == SOU_OK;
	SOU_ASSERT(is_ready);
	return begin_on(own, domain);
}

static void put_on(EVP_MD_CTX *ctx, const void *bytes, size_t n)
{
	bool is_put = n == 0 || EVP_DigestUpdate(ctx, bytes, n) == 1;
	SOU_ASSERT(is_put);
}

static struct sou_hash end_on(EVP_MD_CTX *ctx)
{
	struct sou_hash hash;
	bool is_done = EVP_DigestFinal_ex(ctx, hash.b, NULL) == 1;
	SOU_ASSERT(is_done);
	return hash;
}

struct sou_hash sou_sha256(const void *bytes, size_t n)
{
	EVP_MD_CTX *ctx = begin(SOU_DOMAIN_NONE);
	put_on(ctx, bytes, n);
	return end_on(ctx);
}

struct sou_hash sou_hash_parts(enum sou_domain domain, const struct sou_span *parts, size_t count)
{
	EVP_MD_CTX *ctx = begin(domain);
	for (size_t i = 0; i < count; i++)
		put_on(ctx, parts[i].p, parts[i].n);
	return end_on(ctx);
}

struct sou_hasher {
	EVP_MD_CTX *ctx; /* owned */
};

int sou_hasher_new(struct sou_hasher **out)
{
	SOU_ASSERT(out != NULL);
	struct sou_hasher *hasher = calloc(1, sizeof *hasher);
	if (hasher == NULL)
		return SOU_ENOMEM;
	int rc = new_context(&hasher->ctx);
	if (rc != SOU_OK) {
		free(hasher);
		return rc;
	}
	*out = hasher;
	return SOU_OK;
}

void sou_hasher_free(struct sou_hasher *hasher)
{
	if (hasher == NULL)
		return;
	EVP_MD_CTX_free(hasher->ctx);
	free(hasher);
}

void sou_hasher_begin(struct sou_hasher *hasher, enum sou_domain domain)
{
	(void)begin_on(hasher->ctx, domain);
}

void sou_hasher_put(struct sou_hasher *hasher, const void *bytes, size_t n)
{
	put_on(hasher->ctx, bytes, n);
}

struct sou_hash sou_hasher_end(struct sou_hasher *hasher)
{
	return end_on(hasher->ctx);
}

/* Key block and what follows it in one piece where it is small: each call of the library costs. */
static struct sou_hash keyed(const uint8_t block[HMAC_BLOCK_BYTES], const void *bytes, size_t n)
{
	uint8_t both[2 * HMAC_BLOCK_BYTES];
	EVP_MD_CTX *ctx = begin(SOU_DOMAIN_NONE);
	memcpy(both, block, HMAC_BLOCK_BYTES);
	if (n <= HMAC_BLOCK_BYTES) {
		if (n > 0)
			memcpy(both + HMAC_BLOCK_BYTES, bytes, n);
		put_on(ctx, both, HMAC_BLOCK_BYTES + n);
	} else {
		put_on(ctx, both, HMAC_BLOCK_BYTES);
		put_on(ctx, bytes, n);
	}
	return end_on(ctx);
}

struct sou_hash sou_hmac(const void *key, size_t key_bytes, const void *bytes, size_t n)
{
	SOU_ASSERT(key_bytes <= HMAC_BLOCK_BYTES);
	uint8_t block[HMAC_BLOCK_BYTES] = {0};
	memcpy(block, key, key_bytes);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36;
	struct sou_hash inner = keyed(block, bytes, n);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36 ^ 0x5c;
	return keyed(block, inner.b, sizeof inner.b);
}

void sou_salt(const uint8_t entry_salt[SOU_SALT_BYTES], uint32_t index, uint8_t out[SOU_SALT_BYTES])
{
	const uint8_t number[4] = {(uint8_t)(index >> 24), (uint8_t)(index >> 16),
				   (uint8_t)(index >> 8), (uint8_t)index};
	struct sou_hash mac = sou_hmac(entry_salt, SOU_SALT_BYTES, number, sizeof number);
	memcpy(out, mac.b, SOU_SALT_BYTES);
}

/* y < p = 2^255 - 19, little-endian, without the sign of x. */
static bool is_reduced(const uint8_t y[32])
{
	for (int i = 30; i >= 1; i--) {
		if (y[i] != 0xff)
			return true;
	}
	return (y[31] & 0x7f) != 0x7f || y[0] < 0xed;
}

int sou_key_admit(const struct sou_hash *public_key)
{
	/* The y of the eight points of small order below p; each with either sign of x. */
	static const uint8_t small[5][32] = {
		{0}, /* order 4 */
		{1}, /* order 1 */
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
		 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
		 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
		{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
		 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
		 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	};
	uint8_t y[32];
	memcpy(y, public_key->b, sizeof y);
	y[31] &= 0x7f;
	if (!is_reduced(y))
		return SOU_EKEY;
	for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
		if (memcmp(y, small[i], sizeof y) == 0)
			return SOU_EKEY;
	}
	return SOU_OK;
}

struct sou_id sou_key_id(const struct sou_hash *public_key)
{
	struct sou_hash hash =
		sou_hash_bytes(SOU_DOMAIN_KEY_ID, public_key->b, sizeof public_key->b);
	return sou_hash_half(&hash);
}

static int ed25519_sign(void *pkey, const uint8_t *message, size_t n,
			uint8_t out[SOU_SIGNATURE_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return SOU_ENOMEM;
	uint8_t signature[SOU_SIGNATURE_BYTES];
	size_t made = sizeof signature;
	bool good = EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestSign(ctx, signature, &made, message, n) == 1 &&
		    made == sizeof signature;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return SOU_ECRYPTO;
	memcpy(out, signature, sizeof signature);
	return SOU_OK;
}

static int ed25519_verify(void *ctx_unused, const struct sou_hash *public_key,
			  const uint8_t *message, size_t n,
			  const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)ctx_unused;
	int rc = sou_key_admit(public_key);
	if (rc != SOU_OK)
		return rc;
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key->b,
						     sizeof public_key->b);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL || pkey == NULL)
		rc = SOU_ENOMEM;
	else if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1)
		rc = SOU_ECRYPTO;
	else if (EVP_DigestVerify(ctx, signature, SOU_SIGNATURE_BYTES, message, n) != 1)
		rc = SOU_ESIG;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return rc;
}

const struct sou_verifier sou_verifier_ed25519 = {ed25519_verify, NULL};

static void end_pkey(void *pkey)
{
	EVP_PKEY_free(pkey);
}

int sou_signer_ed25519(struct sou_signer *out, const uint8_t seed[SOU_SEED_BYTES])
{
	struct sou_signer s = {ed25519_sign, end_pkey, NULL, {{0}}, {{0}}};
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SOU_SEED_BYTES);
	if (pkey == NULL)
		return SOU_ECRYPTO;
	size_t n = sizeof s.public_key.b;
	if (EVP_PKEY_get_raw_public_key(pkey, s.public_key.b, &n) != 1 ||
	    n != sizeof s.public_key.b) {
		EVP_PKEY_free(pkey);
		return SOU_ECRYPTO;
	}
	s.ctx = pkey;
	s.key_id = sou_key_id(&s.public_key);
	*out = s;
	return SOU_OK;
}

void sou_signer_fini(struct sou_signer *signer)
{
	if (signer == NULL)
		return;
	if (signer->end != NULL)
		signer->end(signer->ctx);
	*signer = (struct sou_signer){0};
}

/* C(context) || net || bytes, in the caller's block. */
struct message {
	uint8_t b[64 + sizeof(struct sou_id) + SOU_SIGNED_BYTES_MAX];
	size_t n;
};

static int make_message(struct message *m, enum sou_context context, const struct sou_id *net,
			struct sou_span bytes)
{
	SOU_ASSERT(context < SOU_CONTEXT_COUNT);
	SOU_ASSERT(contexts[context].n <= 64);
	if (bytes.n > SOU_SIGNED_BYTES_MAX)
		return SOU_ELIMIT;
	memcpy(m->b, contexts[context].p, contexts[context].n);
	m->n = contexts[context].n;
	memcpy(m->b + m->n, net->b, sizeof net->b);
	m->n += sizeof net->b;
	if (bytes.n > 0)
		memcpy(m->b + m->n, bytes.p, bytes.n);
	m->n += bytes.n;
	return SOU_OK;
}

int sou_sign(const struct sou_signer *signer, enum sou_context context, const struct sou_id *net,
	     struct sou_span bytes, uint8_t out[SOU_SIGNATURE_BYTES])
{
	SOU_ASSERT(signer != NULL && signer->sign != NULL);
	struct message m;
	int rc = make_message(&m, context, net, bytes);
	return rc != SOU_OK ? rc : signer->sign(signer->ctx, m.b, m.n, out);
}

int sou_verify(const struct sou_verifier *verifier, enum sou_context context,
	       const struct sou_id *net, struct sou_span bytes, const struct sou_hash *public_key,
	       const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	SOU_ASSERT(verifier != NULL && verifier->verify != NULL);
	struct message m;
	int rc = make_message(&m, context, net, bytes);
	return rc != SOU_OK ? rc : verifier->verify(verifier->ctx, public_key, m.b, m.n, signature);
}

void sou_invite_seed(const uint8_t secret[SOU_SECRET_BYTES], uint8_t seed[SOU_SEED_BYTES])
{
	struct sou_hash hash = sou_hash_bytes(SOU_DOMAIN_INVITE, secret, SOU_SECRET_BYTES);
	memcpy(seed, hash.b, SOU_SEED_BYTES);
	sou_cleanse(&hash, sizeof hash);
}

void sou_cleanse(void *bytes, size_t n)
{
	OPENSSL_cleanse(bytes, n);
}

bool sou_equal_secret(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
