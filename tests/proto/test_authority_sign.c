/* test_authority_sign.c - who must sign an authority op, to the byte (P8.1, P8.3). */
#include "proto/authority.h"
#include "tests/lib/bed.h"
#include "tests/lib/check.h"

enum who {
	ROOT_A,
	ROOT_B,
	ROOT_C,
	OPERATIONAL,
	CHECKPOINT,
	SITE,
	STRANGER,
	NEW_A,
	NEW_B,
	WHO_COUNT
};

static struct sou_signer signers[WHO_COUNT];

static void fini_signers(void *unused)
{
	(void)unused;
	for (int i = 0; i < WHO_COUNT; i++)
		sou_signer_fini(&signers[i]);
}

static void make_signers(void)
{
	for (int i = 0; i < WHO_COUNT; i++) {
		struct sou_hash seed = bed_hash("seed", (uint64_t)i);
		REQUIRE("signer", sou_signer_ed25519(&signers[i], seed.b) == SOU_OK);
	}
	test_at_end(fini_signers, NULL);
}

/* The list beside an op, of those whose bits are set. */
static struct test_bytes sign(const struct sou_authop *op, uint32_t whose)
{
	struct sou_authsig sigs[WHO_COUNT];
	struct sou_span id = {op->id.b, sizeof op->id.b};
	uint32_t n = 0;
	for (int i = 0; i < WHO_COUNT; i++) {
		if ((whose & 1u << i) == 0)
			continue;
		sigs[n].key_id = signers[i].key_id;
		REQUIRE("sign", sou_sign(&signers[i], SOU_CONTEXT_AUTHORITY, &op->net, id,
					 sigs[n++].signature) == SOU_OK);
	}
	struct sou_buf buf = {0};
	REQUIRE("list", sou_authsigs_pack(&buf, sigs, n) == SOU_OK);
	struct test_bytes out = test_copy(buf.p, buf.n);
	sou_buf_fini(&buf);
	return out;
}

static struct test_bytes pack(struct sou_authop *op)
{
	struct sou_buf buf = {0};
	REQUIRE("pack", sou_authop_pack(op, &buf) == SOU_OK);
	struct test_bytes out = test_copy(buf.p, buf.n);
	sou_buf_fini(&buf);
	return out;
}

static int add(struct sou_authority *a, struct test_bytes op, struct test_bytes sigs)
{
	return sou_authority_add(a, (struct sou_span){op.b, op.n},
				 (struct sou_span){sigs.b, sigs.n});
}

#define BIT(who) (1u << (who))
#define GENESIS_SIGNERS                                                                            \
	(BIT(ROOT_A) | BIT(ROOT_B) | BIT(ROOT_C) | BIT(OPERATIONAL) | BIT(CHECKPOINT) | BIT(SITE))

static struct sou_hash roots[3], fresh_roots[2];
static struct sou_effect genesis_effects[4];

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_hash));
}

static struct sou_authop genesis(void)
{
	for (int i = 0; i < 3; i++)
		roots[i] = signers[ROOT_A + i].public_key;
	for (int i = 0; i < 2; i++)
		fresh_roots[i] = signers[NEW_A + i].public_key;
	qsort(roots, 3, sizeof *roots, by_bytes);
	qsort(fresh_roots, 2, sizeof *fresh_roots, by_bytes);
	genesis_effects[0] = (struct sou_effect){.type = SOU_EFFECT_KEYS,
						 .threshold = 2,
						 .ids = roots,
						 .id_count = 3,
						 .key = signers[OPERATIONAL].public_key};
	genesis_effects[1] = (struct sou_effect){.type = SOU_EFFECT_ORG, .number = 1};
	genesis_effects[2] = (struct sou_effect){.type = SOU_EFFECT_OPEN,
						 .has_org = true,
						 .site = bed_id("hub", 0),
						 .key = signers[SITE].public_key,
						 .tls = bed_hash("tls", 0)};
	genesis_effects[3] = (struct sou_effect){.type = SOU_EFFECT_HUB,
						 .key = signers[CHECKPOINT].public_key,
						 .tls = bed_hash("tls", 0)};
	return (struct sou_authop){
		.net = bed_id("net", 0), .effects = genesis_effects, .effect_count = 4};
}

TEST(sign, genesis)
{
	make_signers();
	struct sou_authop op = genesis();
	struct test_bytes bytes = pack(&op);
	struct sou_authority *a;
	REQUIRE("new", sou_authority_new(&a, &op.id) == SOU_OK);
	for (int i = 0; i <= SITE; i++)
		CHECK_INT(test_printf("P8.3 without signer %d", i),
			  add(a, bytes, sign(&op, GENESIS_SIGNERS & ~BIT(i))), ==, SOU_ESIG);
	CHECK_INT("P8.3 and a stranger", add(a, bytes, sign(&op, GENESIS_SIGNERS | BIT(STRANGER))),
		  ==, SOU_ESIG);
	struct test_bytes good = sign(&op, GENESIS_SIGNERS), bad;
	for (size_t n = 0; n < good.n; n++) {
		bad = test_copy(good.b, n);
		CHECK_INT(test_printf("P8.1 cut to %zu", n), add(a, bytes, bad), ==, SOU_EFORMAT);
	}
	bad = test_copy(good.b, good.n);
	bad.b[good.n - 1] ^= 1;
	CHECK_INT("P4.3 a signature that does not verify", add(a, bytes, bad), ==, SOU_ESIG);
	bad = test_copy(good.b, good.n);
	memcpy(bad.b + 1, good.b + 1 + 85, 85);
	memcpy(bad.b + 1 + 85, good.b + 1, 85);
	CHECK_INT("P8.1 not ascending", add(a, bytes, bad), ==, SOU_EFORMAT);
	memcpy(bad.b + 1 + 85, bad.b + 1, 85);
	CHECK_INT("P8.1 twice", add(a, bytes, bad), ==, SOU_EFORMAT);
	struct test_bytes cut = test_copy(bytes.b, bytes.n - 1);
	CHECK_INT("P8.1 op cut short", add(a, cut, good), ==, SOU_EFORMAT);
	CHECK_INT("nothing was kept", sou_authority_op_count(a), ==, 0);
	CHECK_INT("P8.3", add(a, bytes, good), ==, SOU_OK);
	CHECK_INT("P8.3 again", add(a, bytes, good), ==, SOU_EEXIST);
	sou_authority_free(a);
}

/* An op on the genesis, and who signs it. */
static const struct {
	const char *name;
	enum sou_tier tier;
	bool keys; /* new root keys, both needed */
	uint32_t whose;
	int rc;
} rows[] = {
	{"P8.3 operational", SOU_TIER_OPERATIONAL, false, BIT(OPERATIONAL), SOU_OK},
	{"P8.3 nobody", SOU_TIER_OPERATIONAL, false, 0, SOU_ESIG},
	{"P8.3 root keys for it", SOU_TIER_OPERATIONAL, false, BIT(ROOT_A) | BIT(ROOT_B), SOU_ESIG},
	{"P8.3 and one more", SOU_TIER_OPERATIONAL, false, BIT(OPERATIONAL) | BIT(ROOT_A),
	 SOU_ESIG},
	{"P8.3 hub", SOU_TIER_HUB, false, BIT(CHECKPOINT), SOU_OK},
	{"P8.3 the hub's site key", SOU_TIER_HUB, false, BIT(SITE), SOU_ESIG},
	{"P8.3 the operational key for the hub", SOU_TIER_HUB, false, BIT(OPERATIONAL), SOU_ESIG},
	{"P8.3 root: the threshold", SOU_TIER_ROOT, false, BIT(ROOT_A) | BIT(ROOT_C), SOU_OK},
	{"P8.3 root: all", SOU_TIER_ROOT, false, BIT(ROOT_A) | BIT(ROOT_B) | BIT(ROOT_C), SOU_OK},
	{"P8.3 root: one less", SOU_TIER_ROOT, false, BIT(ROOT_B), SOU_ESIG},
	{"P8.3 root: one and a stranger", SOU_TIER_ROOT, false, BIT(ROOT_B) | BIT(STRANGER),
	 SOU_ESIG},
	{"P8.3 root: enough and a stranger", SOU_TIER_ROOT, false,
	 BIT(ROOT_A) | BIT(ROOT_B) | BIT(STRANGER), SOU_ESIG},
	{"P8.3 new root keys", SOU_TIER_ROOT, true,
	 BIT(ROOT_A) | BIT(ROOT_B) | BIT(NEW_A) | BIT(NEW_B), SOU_OK},
	{"P8.3 new root keys: one less", SOU_TIER_ROOT, true,
	 BIT(ROOT_A) | BIT(ROOT_B) | BIT(NEW_A), SOU_ESIG},
	{"P8.3 new root keys: not the old", SOU_TIER_ROOT, true,
	 BIT(ROOT_A) | BIT(NEW_A) | BIT(NEW_B), SOU_ESIG},
};

static struct sou_authop row_op(size_t i, const struct sou_authop *first, struct sou_effect *e)
{
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	*e = (struct sou_effect){.type = SOU_EFFECT_RECOVER};
	if (rows[i].keys)
		*e = (struct sou_effect){.type = SOU_EFFECT_KEYS,
					 .threshold = 2,
					 .ids = fresh_roots,
					 .id_count = 2,
					 .key = signers[STRANGER].public_key};
	if (rows[i].tier == SOU_TIER_OPERATIONAL)
		*e = (struct sou_effect){.type = SOU_EFFECT_ORG_CLOSE,
					 .org = sou_entity_org(&first->id, 1)};
	if (rows[i].tier == SOU_TIER_HUB)
		*e = (struct sou_effect){.type = SOU_EFFECT_ENROL,
					 .signature = {signature, sizeof signature}};
	return (struct sou_authop){.prev = first->id,
				   .net = first->net,
				   .seq = 1,
				   .counter = rows[i].tier == SOU_TIER_ROOT ? 1 : 0,
				   .tier = (uint8_t)rows[i].tier,
				   .effects = e,
				   .effect_count = 1};
}

TEST(sign, tiers)
{
	make_signers();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sou_authop first = genesis();
		struct test_bytes bytes = pack(&first);
		struct sou_authority *a;
		struct sou_effect e;
		REQUIRE("new", sou_authority_new(&a, NULL) == SOU_OK);
		REQUIRE("genesis", add(a, bytes, sign(&first, GENESIS_SIGNERS)) == SOU_OK);
		struct sou_authop op = row_op(i, &first, &e);
		bytes = pack(&op);
		CHECK_INT(rows[i].name, add(a, bytes, sign(&op, rows[i].whose)), ==, rows[i].rc);
		CHECK_INT(rows[i].name, sou_authority_knows(a, &op.id), ==, rows[i].rc == SOU_OK);
		sou_authority_free(a);
	}
}

/* P8.3: the keys in force are those at prev, not those of today. */
TEST(sign, keys_in_force)
{
	make_signers();
	struct sou_authop first = genesis();
	struct test_bytes bytes = pack(&first);
	struct sou_authority *a;
	REQUIRE("new", sou_authority_new(&a, NULL) == SOU_OK);
	REQUIRE("genesis", add(a, bytes, sign(&first, GENESIS_SIGNERS)) == SOU_OK);
	struct sou_effect keys = {.type = SOU_EFFECT_KEYS,
				  .threshold = 2,
				  .ids = roots,
				  .id_count = 3,
				  .key = signers[STRANGER].public_key};
	struct sou_authop replace = {.prev = first.id,
				     .net = first.net,
				     .seq = 1,
				     .counter = 1,
				     .tier = SOU_TIER_ROOT,
				     .effects = &keys,
				     .effect_count = 1};
	bytes = pack(&replace);
	REQUIRE("keys", add(a, bytes, sign(&replace, BIT(ROOT_A) | BIT(ROOT_B))) == SOU_OK);
	struct sou_effect close = {.type = SOU_EFFECT_ORG_CLOSE,
				   .org = sou_entity_org(&first.id, 1)};
	struct sou_authop op = {.prev = replace.id,
				.net = first.net,
				.seq = 2,
				.tier = SOU_TIER_OPERATIONAL,
				.effects = &close,
				.effect_count = 1};
	bytes = pack(&op);
	CHECK_INT("the key before", add(a, bytes, sign(&op, BIT(OPERATIONAL))), ==, SOU_ESIG);
	CHECK_INT("the key now", add(a, bytes, sign(&op, BIT(STRANGER))), ==, SOU_OK);
	op.prev = first.id;
	op.seq = 1;
	bytes = pack(&op);
	CHECK_INT("below: the key then", add(a, bytes, sign(&op, BIT(OPERATIONAL))), ==, SOU_OK);
	sou_authority_free(a);
}
