/* keyed.c - signature = H(key || message) || H(message || key). */
#include "tests/lib/keyed.h"

#include <stdlib.h>
#include <string.h>

static void make(const uint8_t key[32], const uint8_t *message, size_t n,
		 uint8_t out[SOU_SIGNATURE_BYTES])
{
	const struct sou_span front[2] = {{key, 32}, {message, n}},
			      back[2] = {{message, n}, {key, 32}};
	struct sou_hash a = sou_hash_parts(SOU_DOMAIN_NONE, front, 2),
			b = sou_hash_parts(SOU_DOMAIN_NONE, back, 2);
	memcpy(out, a.b, 32);
	memcpy(out + 32, b.b, 32);
}

static int keyed_sign(void *key, const uint8_t *message, size_t n, uint8_t out[SOU_SIGNATURE_BYTES])
{
	make(key, message, n, out);
	return SOU_OK;
}

static int keyed_verify(void *unused, const struct sou_hash *key, const uint8_t *message, size_t n,
			const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)unused;
	if (sou_key_admit(key) != SOU_OK)
		return SOU_EKEY;
	uint8_t want[SOU_SIGNATURE_BYTES];
	make(key->b, message, n, want);
	return memcmp(want, signature, sizeof want) == 0 ? SOU_OK : SOU_ESIG;
}

const struct sou_verifier keyed_verifier = {keyed_verify, NULL};

void keyed_signer(struct sou_signer *out, const uint8_t seed[SOU_SEED_BYTES])
{
	struct sou_hash key = sou_sha256(seed, SOU_SEED_BYTES);
	uint8_t *copy = malloc(sizeof key.b);
	if (copy == NULL)
		abort();
	memcpy(copy, key.b, sizeof key.b);
	*out = (struct sou_signer){keyed_sign, free, copy, key, sou_key_id(&key)};
}
