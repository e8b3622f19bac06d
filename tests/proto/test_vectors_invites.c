/* test_vectors_invites.c - invite strings as the second implementation writes them (P12.4, P12.5).
 */
#include "proto/invite.h"
#include "tests/lib/vector.h"

static struct sou_span text_of(json_t *row)
{
	const char *text = vector_str(row, "text");
	return (struct sou_span){(const uint8_t *)text, strlen(text)};
}

static void check_bytes(const char *name, const void *got, size_t n, json_t *row, const char *key)
{
	struct test_bytes want = vector_hex(row, key);
	CHECK_MEM(name, got, n, want.b, want.n);
}

TEST(vectors, invites_accept)
{
	json_t *row;
	size_t i, n;
	json_array_foreach (vector_array(vector_load("invites"), "accept"), i, row) {
		const char *name = vector_str(row, "name");
		struct sou_invite invite;
		REQUIRE(name, sou_invite_read(&invite, text_of(row), NULL) == SOU_OK);
		CHECK_STR(name, invite.address, vector_str(row, "address"));
		check_bytes(name, invite.tls.b, 32, row, "tls_hash");
		check_bytes(name, invite.genesis.b, 32, row, "genesis");
		check_bytes(name, invite.net.b, 16, row, "net");
		check_bytes(name, invite.secret, 16, row, "secret");

		uint8_t seed[SOU_SEED_BYTES];
		struct sou_signer signer = {0};
		sou_invite_seed(invite.secret, seed);
		check_bytes(name, seed, sizeof seed, row, "seed");
		REQUIRE(name, sou_signer_ed25519(&signer, seed) == SOU_OK);
		check_bytes(name, signer.public_key.b, 32, row, "public");
		sou_signer_fini(&signer);

		char text[SOU_INVITE_TEXT_BYTES_MAX];
		CHECK_INT(name, sou_invite_write(&invite, text, &n), ==, SOU_OK);
		CHECK_STR(name, text, vector_str(row, "text"));
	}
}

TEST(vectors, invites_refuse)
{
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(vector_load("invites"), "refuse"), i, row) {
		struct sou_invite invite;
		enum sou_invite_fault fault = SOU_INVITE_GOOD;
		int rc = sou_invite_read(&invite, text_of(row), &fault);
		CHECK(vector_str(row, "name"), rc == SOU_EINPUT || rc == SOU_ETOONEW);
		CHECK_INT(vector_str(row, "name"), fault, !=, SOU_INVITE_GOOD);
	}
}
