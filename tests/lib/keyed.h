/* keyed.h - a hash in place of Ed25519 (R24): a thousand times faster, with the same ways to fail.
 * Anybody who knows a public key can forge it, so it is for simulations and tables alone. */
#ifndef SOU_TESTS_KEYED_H
#define SOU_TESTS_KEYED_H

#include "proto/crypto.h"

/* Derives the public key from the seed, as Ed25519 does. sou_signer_fini frees it. */
void keyed_signer(struct sou_signer *out, const uint8_t seed[SOU_SEED_BYTES]);

/* SOU_EKEY for keys that sou_key_admit refuses, SOU_ESIG for everything that keyed_signer did not
 * make. */
extern const struct sou_verifier keyed_verifier;

#endif
