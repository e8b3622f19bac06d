/* test_crypto.c - hashes against the published vectors, signatures only in their own context, unfit
 * keys. */
#include "proto/crypto.h"

#include <pthread.h>

#include "proto/limits.h"
#include "tests/lib/check.h"

static struct sou_hash hash_of(const char *hex)
{
	struct test_bytes b = test_hex(hex);
	struct sou_hash hash;
	REQUIRE(hex, b.n == sizeof hash.b);
	memcpy(hash.b, b.b, sizeof hash.b);
	return hash;
}

TEST(crypto, sha256)
{
	static const struct {
		const char *name, *text, *hex;
	} cases[] = {
		{"FIPS 180 empty", "",
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"FIPS 180 abc", "abc",
		 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"FIPS 180 two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct sou_hasher *hasher = NULL;
	REQUIRE("hasher", sou_hasher_new(&hasher) == SOU_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_hash want = hash_of(cases[i].hex);
		size_t n = strlen(cases[i].text);
		struct sou_hash got = sou_sha256(cases[i].text, n);
		CHECK_MEM(cases[i].name, got.b, 32, want.b, 32);
		sou_hasher_begin(hasher, SOU_DOMAIN_NONE);
		for (size_t k = 0; k < n; k++)
			sou_hasher_put(hasher, cases[i].text + k, 1);
		(void)sou_sha256("between", 7); /* another hash does not disturb it */
		got = sou_hasher_end(hasher);
		CHECK_MEM(cases[i].name, got.b, 32, want.b, 32);
	}
	sou_hasher_free(hasher);
	sou_hasher_free(NULL);
}

TEST(crypto, domains)
{
	static const char *const names[] = {
		"",
		"key-id",
		"scope-id",
		"entity-id",
		"entry-id",
		"commit",
		"payload",
		"authority-id",
		"state-bucket",
		"state",
		"entries",
		"authority-set",
		"scope-digest",
		"positions",
		"invite",
		"invite-check",
	};
	REQUIRE("P1.1 all domains", ARRAY_LEN(names) == SOU_DOMAIN_COUNT);
	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		const char *text = test_printf("soukatsu/v1/%s%cxyz", names[i], '\0');
		size_t n = strlen("soukatsu/v1/") + strlen(names[i]) + 1 + 3;
		struct sou_hash want = sou_sha256(text, n);
		const struct sou_span parts[2] = {{(const uint8_t *)"x", 1},
						  {(const uint8_t *)"yz", 2}};
		struct sou_hash got = sou_hash_parts((enum sou_domain)i, parts, 2);
		CHECK_MEM(names[i], got.b, 32, want.b, 32);
		got = sou_hash_bytes((enum sou_domain)i, "xyz", 3);
		CHECK_MEM(names[i], got.b, 32, want.b, 32);
	}
}

TEST(crypto, hmac)
{
	static const struct {
		const char *name, *key, *data, *hex;
	} cases[] = {
		{"RFC 4231 1", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"RFC 4231 2", "4a656665",
		 "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"RFC 4231 4", "0102030405060708090a0b0c0d0e0f10111213141516171819",
		 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_bytes key = test_hex(cases[i].key), data = test_hex(cases[i].data);
		struct sou_hash want = hash_of(cases[i].hex);
		struct sou_hash got = sou_hmac(key.b, key.n, data.b, data.n);
		CHECK_MEM(cases[i].name, got.b, 32, want.b, 32);
	}
	/* Longer than what is hashed in one piece: by the definition, H(opad || H(ipad || text)).
	 */
	for (size_t n = 60; n < 70; n++) {
		uint8_t text[64 + 80] = {0}, outer[64 + 32];
		memset(text, 0x36, 64);
		memset(outer, 0x5c, 64);
		text[0] ^= 9;
		outer[0] ^= 9;
		memset(text + 64, 0x77, 80);
		struct sou_hash inner = sou_sha256(text, 64 + n);
		memcpy(outer + 64, inner.b, 32);
		struct sou_hash want = sou_sha256(outer, sizeof outer);
		struct sou_hash got = sou_hmac("\x09", 1, text + 64, n);
		CHECK_MEM(test_printf("RFC 2104 of %zu bytes", n), got.b, 32, want.b, 32);
	}
	uint8_t entry_salt[16] = {1, 2, 3}, salt[16];
	const uint8_t index[4] = {0x00, 0x01, 0x02, 0x03};
	sou_salt(entry_salt, 0x00010203, salt);
	struct sou_hash mac = sou_hmac(entry_salt, 16, index, 4);
	CHECK_MEM("P6.4 salt", salt, 16, mac.b, 16);
}

/* RFC 8032's tests prove the derivation of the key; the signatures there have no context. */
TEST(crypto, public_key)
{
	static const struct {
		const char *name, *seed, *key;
	} cases[] = {
		{"RFC 8032 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
		{"RFC 8032 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_signer signer;
		struct sou_hash seed = hash_of(cases[i].seed), want = hash_of(cases[i].key);
		REQUIRE(cases[i].name, sou_signer_ed25519(&signer, seed.b) == SOU_OK);
		CHECK_MEM("R4 derived by the signer", signer.public_key.b, 32, want.b, 32);
		struct sou_id id = sou_key_id(&want);
		CHECK("P3.1 key id", sou_id_eq(&id, &signer.key_id));
		CHECK_INT("P4.2 fit", sou_key_admit(&signer.public_key), ==, SOU_OK);
		sou_signer_fini(&signer);
	}
	sou_signer_fini(NULL);
}

static void signer_of(struct sou_signer *signer, uint8_t tag)
{
	uint8_t seed[SOU_SEED_BYTES];
	memset(seed, tag, sizeof seed);
	REQUIRE("signer", sou_signer_ed25519(signer, seed) == SOU_OK);
}

TEST(crypto, diagonal)
{
	struct sou_signer signer;
	signer_of(&signer, 7);
	const struct sou_id net = {{1, 2, 3}}, other_net = {{1, 2, 4}};
	const struct sou_span bytes = {(const uint8_t *)"what is signed", 14};
	for (unsigned s = 0; s < SOU_CONTEXT_COUNT; s++) {
		uint8_t sig[SOU_SIGNATURE_BYTES];
		REQUIRE("R3 sign",
			sou_sign(&signer, (enum sou_context)s, &net, bytes, sig) == SOU_OK);
		for (unsigned v = 0; v < SOU_CONTEXT_COUNT; v++) {
			char *name = test_printf("R3 %s read as %s",
						 sou_context_name((enum sou_context)s),
						 sou_context_name((enum sou_context)v));
			int rc = sou_verify(&sou_verifier_ed25519, (enum sou_context)v, &net, bytes,
					    &signer.public_key, sig);
			CHECK_INT(name, rc, ==, s == v ? SOU_OK : SOU_ESIG);
		}
		int rc = sou_verify(&sou_verifier_ed25519, (enum sou_context)s, &other_net, bytes,
				    &signer.public_key, sig);
		CHECK_INT("P4.1 another net", rc, ==, SOU_ESIG);
	}
	sou_signer_fini(&signer);
}

/* S + L: the same point in another encoding. */
static void add_order(uint8_t s[32])
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
					  0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
					  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	unsigned carry = 0;
	for (size_t i = 0; i < 32; i++) {
		carry += s[i] + (unsigned)order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

TEST(crypto, tampered)
{
	struct sou_signer signer, other;
	signer_of(&signer, 7);
	signer_of(&other, 8);
	const struct sou_id net = {{1}};
	uint8_t text[32] = {5}, sig[SOU_SIGNATURE_BYTES];
	const struct sou_span bytes = {text, sizeof text};
	const struct sou_hash *key = &signer.public_key;
	const struct sou_verifier *v = &sou_verifier_ed25519;
	REQUIRE("sign", sou_sign(&signer, SOU_CONTEXT_ENTRY, &net, bytes, sig) == SOU_OK);
	for (size_t i = 0; i < 8 * sizeof sig; i++) {
		sig[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK_INT(test_printf("P4.3 bit %zu of the signature", i),
			  sou_verify(v, SOU_CONTEXT_ENTRY, &net, bytes, key, sig), ==, SOU_ESIG);
		sig[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < 8 * sizeof text; i += 5) {
		text[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK_INT("P4.1 another message",
			  sou_verify(v, SOU_CONTEXT_ENTRY, &net, bytes, key, sig), ==, SOU_ESIG);
		text[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	CHECK_INT("P4.1 another key",
		  sou_verify(v, SOU_CONTEXT_ENTRY, &net, bytes, &other.public_key, sig), ==,
		  SOU_ESIG);
	CHECK_INT("P4.1 as it was", sou_verify(v, SOU_CONTEXT_ENTRY, &net, bytes, key, sig), ==,
		  SOU_OK);
	add_order(sig + 32);
	CHECK_INT("P4.3 S above the order", sou_verify(v, SOU_CONTEXT_ENTRY, &net, bytes, key, sig),
		  ==, SOU_ESIG);
	sou_signer_fini(&signer);
	sou_signer_fini(&other);
}

TEST(crypto, message_bounds)
{
	static const struct {
		const char *name;
		size_t n;
		int rc;
	} cases[] = {
		{"empty", 0, SOU_OK},
		{"at the limit", SOU_SIGNED_BYTES_MAX, SOU_OK},
		{"one past", SOU_SIGNED_BYTES_MAX + 1, SOU_ELIMIT},
		{"type's maximum", SIZE_MAX, SOU_ELIMIT},
	};
	struct sou_signer signer;
	signer_of(&signer, 9);
	const struct sou_id net = {{1}};
	uint8_t sig[SOU_SIGNATURE_BYTES];
	uint8_t *bytes = test_alloc(SOU_SIGNED_BYTES_MAX + 1);
	memset(bytes, 3, SOU_SIGNED_BYTES_MAX + 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_span span = {bytes, cases[i].n};
		int rc = sou_sign(&signer, SOU_CONTEXT_SNAPSHOT, &net, span, sig);
		CHECK_INT(cases[i].name, rc, ==, cases[i].rc);
		rc = sou_verify(&sou_verifier_ed25519, SOU_CONTEXT_SNAPSHOT, &net, span,
				&signer.public_key, sig);
		CHECK_INT(cases[i].name, rc, ==, cases[i].rc);
	}
	sou_signer_fini(&signer);
}

#define F29 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define F30 "ff" F29
#define Z30 "000000000000000000000000000000000000000000000000000000000000"
#define E8A "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc"
#define E8B "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03"

TEST(crypto, admission)
{
	static const struct {
		const char *name, *hex;
		int rc;
	} cases[] = {
		{"P4.2 order 1", "01" Z30 "00", SOU_EKEY},
		{"P4.2 order 1, sign of x", "01" Z30 "80", SOU_EKEY},
		{"P4.2 order 1, y + p", "ee" F30 "7f", SOU_EKEY},
		{"P4.2 order 1, y + p, sign", "ee" F30 "ff", SOU_EKEY},
		{"P4.2 order 2", "ec" F30 "7f", SOU_EKEY},
		{"P4.2 order 2, sign of x", "ec" F30 "ff", SOU_EKEY},
		{"P4.2 order 4", "00" Z30 "00", SOU_EKEY},
		{"P4.2 order 4, sign of x", "00" Z30 "80", SOU_EKEY},
		{"P4.2 order 4, y + p", "ed" F30 "7f", SOU_EKEY},
		{"P4.2 order 4, y + p, sign", "ed" F30 "ff", SOU_EKEY},
		{"P4.2 order 8", E8A "05", SOU_EKEY},
		{"P4.2 order 8, sign of x", E8A "85", SOU_EKEY},
		{"P4.2 order 8, second", E8B "7a", SOU_EKEY},
		{"P4.2 order 8, second, sign", E8B "fa", SOU_EKEY},
		{"P4.2 y = p + 2", "ef" F30 "7f", SOU_EKEY},
		{"P4.2 y = 2^255 - 1", "ff" F30 "7f", SOU_EKEY},
		{"P4.2 y = 2^255 - 1, sign", "ff" F30 "ff", SOU_EKEY},
		{"P4.2 y = p - 2", "eb" F30 "7f", SOU_OK},
		{"P4.2 y = 2", "02" Z30 "00", SOU_OK},
		{"P4.2 second byte below p's", "fffe" F29 "7f", SOU_OK},
		{"P4.2 last but one below p's", "ff" F29 "fe7f", SOU_OK},
		{"P4.2 the base point",
		 "58666666666666666666666666666666666666666666666666666666666666"
		 "66",
		 SOU_OK},
	};
	/* R = identity, S = 0 is a signature of some or all messages under a key of small order. */
	uint8_t sig[SOU_SIGNATURE_BYTES] = {1};
	const struct sou_id net = {{1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_hash key = hash_of(cases[i].hex);
		CHECK_INT(cases[i].name, sou_key_admit(&key), ==, cases[i].rc);
		for (uint8_t m = 0; m < 16; m++) {
			struct sou_span bytes = {&m, 1};
			int rc = sou_verify(&sou_verifier_ed25519, SOU_CONTEXT_ENTRY, &net, bytes,
					    &key, sig);
			CHECK_INT(cases[i].name, rc, ==,
				  cases[i].rc == SOU_OK ? SOU_ESIG : SOU_EKEY);
		}
	}
}

static int keyed_sign(void *ctx, const uint8_t *message, size_t n, uint8_t out[SOU_SIGNATURE_BYTES])
{
	struct sou_hash mac = sou_hmac(ctx, 32, message, n);
	memcpy(out, mac.b, 32);
	memcpy(out + 32, mac.b, 32);
	return SOU_OK;
}

static int keyed_verify(void *ctx, const struct sou_hash *key, const uint8_t *message, size_t n,
			const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)key;
	uint8_t want[SOU_SIGNATURE_BYTES];
	keyed_sign(ctx, message, n, want);
	return sou_equal_secret(want, signature, sizeof want) ? SOU_OK : SOU_ESIG;
}

TEST(crypto, seam)
{
	uint8_t secret[32] = {4};
	struct sou_signer signer = {keyed_sign, NULL, secret, {{1}}, {{2}}};
	struct sou_verifier verifier = {keyed_verify, secret};
	const struct sou_id net = {{3}};
	const struct sou_span bytes = {(const uint8_t *)"x", 1};
	const struct sou_hash *key = &signer.public_key;
	uint8_t sig[SOU_SIGNATURE_BYTES];
	CHECK_INT("R24 sign", sou_sign(&signer, SOU_CONTEXT_ENTRY, &net, bytes, sig), ==, SOU_OK);
	CHECK_INT("R24 verify", sou_verify(&verifier, SOU_CONTEXT_ENTRY, &net, bytes, key, sig), ==,
		  SOU_OK);
	CHECK_INT("R24 context", sou_verify(&verifier, SOU_CONTEXT_JOIN, &net, bytes, key, sig), ==,
		  SOU_ESIG);
	signer.public_key.b[0] = 0;
	sou_signer_fini(&signer);
	CHECK("fini", signer.sign == NULL);
}

TEST(crypto, invite)
{
	uint8_t secret[SOU_SECRET_BYTES] = {1, 2, 3}, seed[SOU_SEED_BYTES];
	sou_invite_seed(secret, seed);
	uint8_t text[] = "soukatsu/v1/invite\0................";
	memcpy(text + 19, secret, sizeof secret);
	struct sou_hash want = sou_sha256(text, 19 + sizeof secret);
	CHECK_MEM("P12.4 seed", seed, sizeof seed, want.b, 32);
	sou_cleanse(seed, sizeof seed);
	struct sou_hash zero = {{0}};
	CHECK_MEM("R18 cleansed", seed, sizeof seed, zero.b, 32);
}

static void *hash_in_thread(void *out)
{
	struct sou_hash hash = sou_sha256("abc", 3);
	memcpy(out, &hash, sizeof hash);
	return NULL;
}

TEST(crypto, threads)
{
	struct sou_hash got[4];
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		REQUIRE("thread", pthread_create(&threads[i], NULL, hash_in_thread, &got[i]) == 0);
	struct sou_hash want = sou_sha256("abc", 3);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		REQUIRE("thread", pthread_join(threads[i], NULL) == 0);
		CHECK_MEM("own context", got[i].b, 32, want.b, 32);
	}
	CHECK_INT("ready", sou_crypto_ready(), ==, SOU_OK);
}
