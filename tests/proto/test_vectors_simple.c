/* test_vectors_simple.c - names, canonical bytes, keys, places and clocks as the second
 * implementation made them (P2, P3, P4, P7.7, P10.9). */
#include "proto/crypto.h"
#include "proto/mp.h"
#include "proto/name.h"
#include "tests/lib/vector.h"

#define EACH(row, file, list)                                                                      \
	json_t *row##_list = vector_array(vector_load(file), list), *row;                          \
	size_t row##_at;                                                                           \
	json_array_foreach (row##_list, row##_at, row)

static struct sou_id id_of(json_t *row, const char *key)
{
	struct sou_id id;
	vector_hex_into(row, key, id.b, sizeof id.b);
	return id;
}

static struct sou_hash hash_of(json_t *row, const char *key)
{
	struct sou_hash hash;
	vector_hex_into(row, key, hash.b, sizeof hash.b);
	return hash;
}

static void check_id(json_t *row, struct sou_id got)
{
	struct sou_id want = id_of(row, "id");
	CHECK_MEM(vector_str(row, "name"), got.b, sizeof got.b, want.b, sizeof want.b);
}

TEST(vectors, key_ids)
{
	EACH(row, "names", "key_ids")
	{
		struct sou_hash public_key = hash_of(row, "public");
		check_id(row, sou_key_id(&public_key));
	}
}

TEST(vectors, scopes)
{
	EACH(row, "names", "scopes")
	{
		struct sou_id entity = id_of(row, "entity");
		check_id(row, sou_scope_id((enum sou_scope_kind)vector_int(row, "kind"), &entity));
	}
}

/* Which of the four forms of key a row has shows by its length. */
TEST(vectors, entities)
{
	size_t forms[4] = {0};
	EACH(row, "names", "entities")
	{
		struct test_bytes key = vector_hex(row, "key");
		uint8_t kind = (uint8_t)vector_int(row, "kind");
		struct sou_id id[3];
		memcpy(id, key.b, key.n < sizeof id ? key.n : sizeof id);
		uint64_t number = 0;
		for (size_t i = key.n - 8; i < key.n; i++)
			number = number << 8 | key.b[i];
		struct sou_hash hash;
		switch (key.n) {
		case 24:
			check_id(row, sou_entity_edition(&id[0], number));
			forms[0]++;
			break;
		case 36:
			memcpy(hash.b, key.b, sizeof hash.b);
			check_id(row, sou_entity_org(&hash, (uint32_t)number));
			forms[1]++;
			break;
		case 48:
			check_id(row, sou_entity_of_three(kind, &id[0], &id[1], &id[2]));
			forms[2]++;
			break;
		case 56:
			memcpy(hash.b, key.b + 16, sizeof hash.b);
			check_id(row, sou_entity_made(kind, &id[0], &hash, number));
			forms[3]++;
			break;
		default:
			CHECK(vector_str(row, "name"), false);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		CHECK_INT("P3.3 each form", forms[i], >, 0);
}

TEST(vectors, entry_ids)
{
	EACH(row, "names", "entry_ids")
	{
		struct test_bytes header = vector_hex(row, "header");
		struct sou_hash id = hash_of(row, "id");
		struct sou_hash got = sou_hash_bytes(SOU_DOMAIN_ENTRY_ID, header.b, header.n);
		CHECK_MEM(vector_str(row, "name"), got.b, sizeof got.b, id.b, sizeof id.b);
		struct sou_id version = sou_hash_half(&got), want = id_of(row, "version");
		CHECK_MEM(vector_str(row, "name"), version.b, sizeof version.b, want.b,
			  sizeof want.b);
	}
}

/* "bytes", then "times" times the byte "fill", if the row has them. */
static struct sou_span canonical_bytes(json_t *row)
{
	struct test_bytes start = vector_hex(row, "bytes");
	size_t times = vector_has(row, "fill") ? (size_t)vector_int(row, "times") : 0;
	uint8_t *all = test_alloc(start.n + times);
	memcpy(all, start.b, start.n);
	if (times > 0)
		memset(all + start.n, vector_hex(row, "fill").b[0], times);
	return (struct sou_span){all, start.n + times};
}

TEST(vectors, canonical_accept)
{
	EACH(row, "canonical", "accept")
	CHECK_INT(vector_str(row, "name"), sou_mp_check(canonical_bytes(row)), ==, SOU_OK);
}

TEST(vectors, canonical_refuse)
{
	EACH(row, "canonical", "refuse")
	CHECK_INT(vector_str(row, "name"), sou_mp_check(canonical_bytes(row)), !=, SOU_OK);
}

TEST(vectors, keys_unfit)
{
	EACH(row, "keys", "unfit")
	{
		struct sou_hash public_key = hash_of(row, "public");
		CHECK_INT(vector_str(row, "name"), sou_key_admit(&public_key), ==, SOU_EKEY);
	}
}

TEST(vectors, keys_of_seeds)
{
	EACH(row, "keys", "seeds")
	{
		const char *name = vector_str(row, "name");
		uint8_t seed[SOU_SEED_BYTES];
		vector_hex_into(row, "seed", seed, sizeof seed);
		struct sou_signer signer = {0};
		REQUIRE(name, sou_signer_ed25519(&signer, seed) == SOU_OK);
		struct sou_hash want = hash_of(row, "public");
		CHECK_MEM(name, signer.public_key.b, 32, want.b, 32);
		CHECK_INT(name, sou_key_admit(&want), ==, SOU_OK);
		check_id(row, signer.key_id);
		sou_signer_fini(&signer);
	}
}

static int verify_as(json_t *row, enum sou_context context)
{
	struct sou_hash public_key = hash_of(row, "public");
	struct sou_id net = id_of(row, "net");
	struct test_bytes bytes = vector_hex(row, "bytes");
	uint8_t signature[SOU_SIGNATURE_BYTES];
	vector_hex_into(row, "signature", signature, sizeof signature);
	struct sou_span span = {bytes.b, bytes.n};
	return sou_verify(&sou_verifier_ed25519, context, &net, span, &public_key, signature);
}

/* P4.1: each signature is good in its own context and in no other. */
TEST(vectors, signatures_good)
{
	size_t good = 0;
	EACH(row, "keys", "good")
	{
		const char *name = vector_str(row, "name");
		for (int c = 0; c < SOU_CONTEXT_COUNT; c++) {
			bool own = strcmp(sou_context_name((enum sou_context)c),
					  vector_str(row, "context")) == 0;
			CHECK_INT(name, verify_as(row, (enum sou_context)c), ==,
				  own ? SOU_OK : SOU_ESIG);
			good += own;
		}
	}
	CHECK_INT("P4.1 each row has a context of ours", good, ==, json_array_size(row_list));
}

TEST(vectors, signatures_bad)
{
	EACH(row, "keys", "bad")
	for (int c = 0; c < SOU_CONTEXT_COUNT; c++)
		CHECK_INT(vector_str(row, "name"), verify_as(row, (enum sou_context)c), ==,
			  SOU_ESIG);
}

static struct sou_span place_of(json_t *row, const char *key)
{
	if (json_is_null(vector_get(row, key)))
		return (struct sou_span){NULL, 0};
	struct test_bytes place = vector_hex(row, key);
	return (struct sou_span){place.b, place.n};
}

TEST(vectors, places)
{
	size_t full = 0;
	EACH(row, "places", "rows")
	{
		const char *name = vector_str(row, "name");
		struct sou_id entity = id_of(row, "entity");
		uint8_t got[SOU_PLACE_BYTES_MAX];
		size_t n = 0;
		int rc = sou_place_between(place_of(row, "low"), place_of(row, "high"), &entity,
					   got, &n);
		struct sou_span want = place_of(row, "place");
		if (want.p == NULL) {
			CHECK_INT(name, rc, ==, SOU_ELIMIT);
			full++;
			continue;
		}
		CHECK_INT(name, rc, ==, SOU_OK);
		CHECK_MEM(name, got, n, want.p, want.n);
	}
	CHECK_INT("P7.7 no room", full, >, 0);
}

TEST(vectors, clocks)
{
	json_t *clocks = vector_load("clocks");
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(clocks, "own"), i, row) {
		int64_t wall = (int64_t)vector_u64(row, "wall_ms");
		CHECK_U64(vector_str(row, "name"), sou_hlc_next(vector_u64(row, "last"), wall), ==,
			  vector_u64(row, "own"));
	}
	json_array_foreach (vector_array(clocks, "received"), i, row) {
		int64_t wall = (int64_t)vector_u64(row, "wall_ms");
		CHECK_U64(vector_str(row, "name"),
			  sou_hlc_seen(vector_u64(row, "last"), vector_u64(row, "hlc"), wall), ==,
			  vector_u64(row, "after"));
	}
}
