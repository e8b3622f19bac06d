/* test_vectors_authority.c - authority ops and signature lists as the second implementation made
 * them (P8.1 - P8.4). */
#include "proto/authop.h"
#include "proto/error.h"
#include "proto/limits.h"
#include "tests/lib/vector.h"

#define EACH(row, list)                                                                            \
	json_t *row##_list = vector_array(vector_load("authops"), list), *row;                     \
	size_t row##_at;                                                                           \
	json_array_foreach (row##_list, row##_at, row)

static struct sou_span span_of(json_t *row, const char *key)
{
	struct test_bytes bytes = vector_hex(row, key);
	return (struct sou_span){bytes.b, bytes.n};
}

TEST(vectors, authops_accept)
{
	EACH(row, "accept")
	{
		const char *name = vector_str(row, "name");
		struct sou_span bytes = span_of(row, "op");
		struct sou_authop op;
		REQUIRE(name, sou_authop_read(&op, bytes) == SOU_OK);
		struct test_bytes id = vector_hex(row, "id"), prev = vector_hex(row, "prev");
		CHECK_MEM(name, op.id.b, 32, id.b, id.n);
		CHECK_MEM(name, op.prev.b, 32, prev.b, prev.n);
		CHECK_U64(name, op.seq, ==, vector_u64(row, "seq"));
		CHECK_U64(name, op.counter, ==, vector_u64(row, "counter"));
		CHECK_INT(name, op.tier, ==, vector_int(row, "tier"));
		CHECK_INT(name, op.effect_count, ==, vector_int(row, "effects"));
		bool too_new = false;
		for (uint32_t i = 0; i < op.effect_count; i++)
			too_new |= op.effects[i].type > SOU_EFFECT_HUB;
		CHECK_INT(name, too_new, ==, vector_bool(row, "too_new"));
		if (!too_new) { /* of what is too new only the number is kept */
			struct sou_buf again = {0};
			CHECK_INT(name, sou_authop_pack(&op, &again), ==, SOU_OK);
			CHECK_MEM(name, again.p, again.n, bytes.p, bytes.n);
			sou_buf_fini(&again);
		}
		sou_authop_fini(&op);
	}
}

TEST(vectors, authops_refuse)
{
	EACH(row, "refuse")
	{
		const char *name = vector_str(row, "name");
		struct sou_authop op;
		int rc = sou_authop_read(&op, span_of(row, "op"));
		if (strncmp(name, "P5.4", 4) == 0)
			CHECK_INT(name, rc, ==, SOU_ETOONEW);
		else
			CHECK(name, rc == SOU_EFORMAT || rc == SOU_ELIMIT);
	}
}

TEST(vectors, signature_lists)
{
	struct sou_authsig sigs[SOU_AUTHSIGS_MAX];
	uint32_t count;
	EACH(row, "signatures")
	{
		const char *name = vector_str(row, "name");
		struct sou_span list = span_of(row, "list");
		CHECK_INT(name, sou_authsigs_read(list, sigs, &count), ==, SOU_OK);
		struct sou_buf again = {0};
		CHECK_INT(name, sou_authsigs_pack(&again, sigs, count), ==, SOU_OK);
		CHECK_MEM(name, again.p, again.n, list.p, list.n);
		sou_buf_fini(&again);
	}
	EACH(bad, "bad_signatures")
	{
		int rc = sou_authsigs_read(span_of(bad, "list"), sigs, &count);
		CHECK(vector_str(bad, "name"), rc == SOU_EFORMAT || rc == SOU_ELIMIT);
	}
}
