/* test_authop.c - authority ops: the vectors of the second implementation read, packed again to the
 * same bytes, and cut at every place; the members that the engine looks at; signature lists. */
#include "proto/authop.h"

#include "proto/crypto.h"
#include "proto/limits.h"
#include "tests/lib/vector.h"
#include "tests/proto/notation.h"

static struct sou_span span_of(struct test_bytes b)
{
	return (struct sou_span){b.b, b.n};
}

TEST(authop, accept)
{
	json_t *rows = vector_array(vector_load("authops"), "accept");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *name = vector_str(row, "name");
		struct sou_span bytes = span_of(vector_hex(row, "op"));
		struct sou_authop op = {0};
		CHECK_INT(name, sou_authop_read(&op, bytes), ==, SOU_OK);
		struct test_bytes id = vector_hex(row, "id"), prev = vector_hex(row, "prev");
		CHECK_MEM(name, op.id.b, 32, id.b, id.n);
		CHECK_MEM(name, op.prev.b, 32, prev.b, prev.n);
		CHECK_U64(name, op.seq, ==, vector_u64(row, "seq"));
		CHECK_U64(name, op.counter, ==, vector_u64(row, "counter"));
		CHECK_INT(name, op.tier, ==, vector_int(row, "tier"));
		CHECK_INT(name, op.effect_count, ==, vector_int(row, "effects"));
		bool too_new = false;
		for (uint32_t k = 0; k < op.effect_count; k++)
			too_new |= op.effects[k].type == 0 || op.effects[k].type > SOU_EFFECT_HUB;
		CHECK_INT(name, too_new, ==, vector_bool(row, "too_new"));

		struct sou_buf again = {0};
		struct sou_authop copy = op;
		if (!too_new) {
			CHECK_INT(name, sou_authop_pack(&copy, &again), ==, SOU_OK);
			CHECK_MEM(name, again.p, again.n, bytes.p, bytes.n);
			CHECK_MEM(name, copy.id.b, 32, id.b, 32);
		}
		sou_buf_fini(&again);
		sou_authop_fini(&op);
		for (size_t n = 0; n < bytes.n && bytes.n < 2000; n++) {
			struct test_bytes cut = test_copy(bytes.p, n);
			CHECK_INT(test_printf("%s, cut at %zu", name, n),
				  sou_authop_read(&op, span_of(cut)), ==, SOU_EFORMAT);
		}
	}
	sou_authop_fini(NULL);
}

TEST(authop, refuse)
{
	json_t *rows = vector_array(vector_load("authops"), "refuse");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *name = vector_str(row, "name");
		struct sou_authop op = {0};
		int rc = sou_authop_read(&op, span_of(vector_hex(row, "op")));
		CHECK(name, rc == SOU_EFORMAT || rc == SOU_ELIMIT || rc == SOU_ETOONEW);
		CHECK(name, op.arena == NULL);
	}
}

static const struct sou_effect *effect_of(struct sou_authop *op, const char *effects)
{
	char *text = test_printf("[0 b16:01 7 b32:02 1 0 [%s]]", effects);
	REQUIRE(effects, sou_authop_read(op, notation_span(text)) == SOU_OK);
	return &op->effects[op->effect_count - 1];
}

TEST(authop, members)
{
	struct sou_authop op = {0};
	const struct sou_effect *e = effect_of(&op, "[1 2 [b32:11 b32:12] b32:13]");
	CHECK("P8.4 keys", e->threshold == 2 && e->id_count == 2 && e->ids[1].b[0] == 0x12 &&
				   e->key.b[0] == 0x13);
	sou_authop_fini(&op);
	e = effect_of(&op, "[2 b16:21 3 s:handle s:name s:short s:code]");
	CHECK("P8.4 org",
	      e->has_org && !e->parent_is_index && e->org.b[0] == 0x21 && e->number == 3);
	CHECK_MEM("P8.4 org", e->short_name.p, e->short_name.n, "short", 5);
	CHECK_MEM("P8.4 org", e->code.p, e->code.n, "code", 4);
	sou_authop_fini(&op);
	e = effect_of(&op, "[2 4294967296 2 s:h s:n s:s s:c]");
	CHECK("P8.4 org by index, kept as the highest",
	      !e->has_org && e->parent_is_index && e->index == UINT32_MAX);
	sou_authop_fini(&op);
	e = effect_of(&op, "[6 b32:61 b16:62 s:name 3 99]");
	CHECK("P8.4 invite",
	      e->key.b[0] == 0x61 && e->org.b[0] == 0x62 && e->roles == 3 && e->number == 99);
	sou_authop_fini(&op);
	e = effect_of(&op, "[8 b16:81 b16:82 b32:83 b32:84 b64:85]");
	CHECK("P8.4 enrol", e->key_id.b[0] == 0x81 && e->site.b[0] == 0x82 && e->key.b[0] == 0x83);
	CHECK("P8.4 enrol",
	      e->tls.b[0] == 0x84 && e->signature.n == 64 && e->signature.p[63] == 0x85);
	sou_authop_fini(&op);
	e = effect_of(&op, "[10 b16:a1 3 256 b16:a2 [b16:a3 b32:01 b16:a3 b32:02 b16:a4 b32:00]]");
	CHECK("P8.4 grant",
	      e->site.b[0] == 0xa1 && e->roles == 3 && e->reach == 255 && e->id.b[0] == 0xa2);
	CHECK("P8.4 after", e->pin_count == 2 && e->id_count == 3 && e->pins[0].count == 2);
	CHECK("P8.4 after",
	      e->pins[1].first == 2 && e->pins[1].count == 1 && e->pins[1].scope.b[0] == 0xa4);
	sou_authop_fini(&op);
	e = effect_of(&op, "[16] [11 b32:b0 b16:b1 1 b16:b2 0 [b16:b3 0 b16:b4 2 b32:05 b32:06]]");
	CHECK("P8.4 narrow",
	      e->op.b[0] == 0xb0 && e->has_for && e->org.b[0] == 0xb2 && e->rest == 0);
	CHECK("P8.4 pairs", e->pin_count == 2 && e->pins[0].count == 0 && e->pins[1].count == 2);
	CHECK("P8.4 pairs", e->ids[e->pins[1].first + 1].b[0] == 6);
	sou_authop_fini(&op);
	e = effect_of(
		&op,
		"[13 b16:d1 b16:d2 b16:d3 [b32:07]] [14 b16:d1 b16:d2 b16:d4 [b32:08 b32:09]]");
	CHECK("P8.4 decide", e->scope.b[0] == 0xd4 && e->pin_count == 1 && e->pins[0].count == 2);
	CHECK("P8.4 decide",
	      e->ids[0].b[0] == 8 && e[-1].ids[0].b[0] == 7 && e[-1].pins[0].first == 0);
	sou_authop_fini(&op);
	e = effect_of(&op, "[15 4 [b32:01 0 b32:01 3 b32:02 1]]");
	CHECK("P8.4 redact",
	      e->number == 4 && e->id_count == 3 && e->indexes[1] == 3 && e->ids[2].b[0] == 2);
	sou_authop_fini(&op);
	e = effect_of(&op, "[65536 [1 s:x] ~]");
	CHECK_INT("P8.6 kept as the highest", e->type, ==, 65535);
	sou_authop_fini(&op);
}

TEST(authop, pack)
{
	struct sou_buf buf = {0};
	struct sou_effect effect = {.type = SOU_EFFECT_ORG_CLOSE, .org = {{1}}};
	struct sou_authop op = {
		.seq = 1, .prev = {{1}}, .tier = 1, .effects = &effect, .effect_count = 1};
	CHECK_INT("P8.1", sou_authop_pack(&op, &buf), ==, SOU_OK);
	struct sou_hash want = sou_authop_id(sou_buf_span(&buf));
	CHECK_MEM("P8.1 id", op.id.b, 32, want.b, 32);
	sou_authop_fini(&op); /* nothing of it is ours to free */

	struct sou_hash ids[2] = {{{2}}, {{1}}};
	struct sou_pins pin = {{{1}}, 0, 2};
	effect = (struct sou_effect){
		.type = SOU_EFFECT_CUT, .pins = &pin, .pin_count = 1, .ids = ids, .id_count = 2};
	op = (struct sou_authop){
		.seq = 1, .prev = {{1}}, .tier = 1, .effects = &effect, .effect_count = 1};
	sou_buf_clear(&buf);
	CHECK_INT("P8.4 ids descend", sou_authop_pack(&op, &buf), ==, SOU_EINPUT);
	ids[0].b[0] = 0;
	sou_buf_clear(&buf);
	CHECK_INT("P8.4 ids ascend", sou_authop_pack(&op, &buf), ==, SOU_OK);
	op.seq = 0;
	sou_buf_clear(&buf);
	CHECK_INT("P8.2 seq 0", sou_authop_pack(&op, &buf), ==, SOU_EINPUT);
	sou_buf_fini(&buf);
}

TEST(authop, bytes_limit)
{
	for (size_t more = 0; more < 2; more++) {
		struct sou_span bytes = notation_sized(
			"[0 b16:01 7 b32:02 1 0 [5*([3 b16:31 s8192:n s:s s:d]) [3 b16:31 s", 7900,
			":n s:s s:d]]]", SOU_AUTHOP_BYTES_MAX + more);
		struct sou_authop op = {0};
		CHECK_INT("P8.1 bytes", sou_authop_read(&op, bytes), ==,
			  more ? SOU_ELIMIT : SOU_OK);
		sou_authop_fini(&op);
	}
}

TEST(authop, signatures)
{
	json_t *file = vector_load("authops");
	json_t *rows = vector_array(file, "signatures");
	struct sou_authsig sigs[SOU_AUTHSIGS_MAX];
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *name = vector_str(row, "name");
		struct sou_span list = span_of(vector_hex(row, "list"));
		uint32_t count = 0;
		CHECK_INT(name, sou_authsigs_read(list, sigs, &count), ==, SOU_OK);
		for (uint32_t k = 0; k < count / 2; k++) { /* packing brings them in order again */
			struct sou_authsig swap = sigs[k];
			sigs[k] = sigs[count - 1 - k];
			sigs[count - 1 - k] = swap;
		}
		struct sou_buf buf = {0};
		CHECK_INT(name, sou_authsigs_pack(&buf, sigs, count), ==, SOU_OK);
		CHECK_MEM(name, buf.p, buf.n, list.p, list.n);
		sou_buf_fini(&buf);
		for (size_t n = 0; n < list.n; n++) {
			struct test_bytes cut = test_copy(list.p, n);
			CHECK_INT(name, sou_authsigs_read(span_of(cut), sigs, &count), ==,
				  SOU_EFORMAT);
		}
	}
	rows = vector_array(file, "bad_signatures");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		uint32_t count = 77;
		int rc = sou_authsigs_read(span_of(vector_hex(row, "list")), sigs, &count);
		CHECK(vector_str(row, "name"),
		      (rc == SOU_EFORMAT || rc == SOU_ELIMIT) && count == 77);
	}
	struct sou_buf buf = {0};
	struct sou_authsig twice[2] = {{{{1}}, {0}}, {{{1}}, {1}}};
	CHECK_INT("P8.1 one key twice", sou_authsigs_pack(&buf, twice, 2), ==, SOU_EINPUT);
	CHECK_INT("P8.1 33", sou_authsigs_pack(&buf, sigs, SOU_AUTHSIGS_MAX + 1), ==, SOU_ELIMIT);
	sou_buf_fini(&buf);
}

TEST(authop, enrol_statement)
{
	struct sou_buf buf = {0};
	struct sou_id a, b;
	struct sou_hash c, d;
	memset(&a, 0xa1, sizeof a);
	memset(&b, 0xa2, sizeof b);
	memset(&c, 0xa3, sizeof c);
	memset(&d, 0xa4, sizeof d);
	sou_enrol_statement(&buf, &a, &b, &c, &d);
	struct sou_span want = notation_span("[b16:a1 b16:a2 b32:a3 b32:a4]");
	CHECK_MEM("P8.9", buf.p, buf.n, want.p, want.n);
	sou_buf_fini(&buf);
}
