/* test_msg.c - bodies of frames: there and back, cut at each byte, one byte more, beyond each
 * bound. */
#include "tests/lib/check.h"
#include "tests/proto/msg_samples.h"

#include "proto/limits.h"

static int round_copy(uint8_t kind, const uint8_t *p, size_t n, struct sou_buf *again)
{
	struct test_bytes b = test_copy(p, n); /* a block of its own: a read past it is seen */
	sou_buf_clear(again);
	return msg_round(kind, (struct sou_span){b.b, b.n}, again);
}

TEST(msg, there_and_back)
{
	unsigned bodies = 0;
	for (int k = SOU_FRAME_HELLO; k <= SOU_FRAME_JOINED; k++) {
		uint8_t kind = (uint8_t)k;
		struct sou_buf body = {0}, again = {0};
		for (unsigned v = 0; sou_buf_clear(&body), msg_sample(kind, v, &body); v++) {
			const char *name = test_printf("P11.2 %s %u", sou_frame_name(kind), v);
			REQUIRE(name, !body.failed && body.n <= SOU_FRAME_BODY_BYTES_MAX);
			CHECK_INT(name, round_copy(kind, body.p, body.n, &again), ==, SOU_OK);
			CHECK_MEM(name, again.p, again.n, body.p, body.n);
			size_t taken = 0;
			for (size_t n = 0; n < body.n; n++)
				taken += round_copy(kind, body.p, n, &again) == SOU_OK;
			CHECK_INT(test_printf("%s, cut short", name), taken, ==, 0);
			sou_buf_put_u8(&body, 0);
			CHECK_INT(test_printf("P2.4 %s, a byte more", name),
				  round_copy(kind, body.p, body.n, &again), ==, SOU_EFORMAT);
			bodies++;
		}
		sou_buf_fini(&body);
		sou_buf_fini(&again);
	}
	CHECK_INT("two of each kind at least", bodies, >=, 2 * SOU_FRAME_JOINED);
}

/* Random bytes of the sample replaced: accepted only in the one form that packing gives. */
TEST(msg, changed_bytes)
{
	unsigned accepted = 0;
	for (int k = SOU_FRAME_HELLO; k <= SOU_FRAME_JOINED; k++) {
		uint8_t kind = (uint8_t)k;
		struct sou_buf body = {0}, again = {0};
		REQUIRE("sample", msg_sample(kind, 1, &body));
		for (size_t at = 0; at < body.n; at++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				body.p[at] ^= (uint8_t)(1u << bit);
				if (round_copy(kind, body.p, body.n, &again) == SOU_OK) {
					CHECK_MEM("P2.5", again.p, again.n, body.p, body.n);
					accepted++;
				}
				body.p[at] ^= (uint8_t)(1u << bit);
			}
		}
		sou_buf_fini(&body);
		sou_buf_fini(&again);
	}
	CHECK_INT("some changes are other good bodies", accepted, >, 100);
}

static void put_ids(struct sou_buf *buf, uint32_t count, uint8_t bytes)
{
	uint8_t name[32] = {0};
	sou_mp_put_array(buf, count);
	for (uint32_t i = 0; i < count; i++) {
		name[0] = (uint8_t)(i >> 8);
		name[1] = (uint8_t)i;
		sou_mp_put_bin(buf, name, bytes);
	}
}

static int names_rc(uint8_t kind, uint32_t count, uint8_t bytes)
{
	struct sou_buf body = {0}, again = {0};
	struct sou_id scope = {{1}};
	sou_mp_put_array(&body, 2);
	sou_mp_put_id(&body, &scope);
	put_ids(&body, count, bytes);
	int rc = msg_round(kind, sou_buf_span(&body), &again);
	sou_buf_fini(&body);
	sou_buf_fini(&again);
	return rc;
}

TEST(msg, bounds)
{
	CHECK_INT("P11.2 heads, the most", names_rc(SOU_FRAME_HEADS, SOU_HEADS_MAX, 32), ==,
		  SOU_OK);
	CHECK_INT("P11.2 heads, one past", names_rc(SOU_FRAME_HEADS, SOU_HEADS_MAX + 1, 32), ==,
		  SOU_ELIMIT);
	CHECK_INT("P11.2 want, the most", names_rc(SOU_FRAME_WANT, SOU_WANT_MAX, 16), ==, SOU_OK);
	CHECK_INT("P11.2 want, one past", names_rc(SOU_FRAME_WANT, SOU_WANT_MAX + 1, 16), ==,
		  SOU_ELIMIT);

	struct {
		const char *name, *hex; /* of a ping or an ack; see P2.1 */
		uint8_t kind;
		int rc;
	} rows[] = {
		{"P2.1 ping in a longer form", "91 cc 05", SOU_FRAME_PING, SOU_EFORMAT},
		{"P2.1 ping, signed form", "91 d0 05", SOU_FRAME_PING, SOU_EFORMAT},
		{"P2.6 ping, two members", "92 05 05", SOU_FRAME_PING, SOU_EFORMAT},
		{"P2.4 array of 2^32-1 in five bytes", "dd ff ff ff ff", SOU_FRAME_PING,
		 SOU_EFORMAT},
		{"P11.6 news, an answer that moves the cursor",
		 "96 c4 10 00000000000000000000000000000000 00 01 02 00 c4 00", SOU_FRAME_NEWS,
		 SOU_EFORMAT},
		{"P11.6 news that move nothing",
		 "96 c4 10 00000000000000000000000000000000 00 00 00 00 c4 00", SOU_FRAME_NEWS,
		 SOU_EFORMAT},
		{"P11.6 after above upto",
		 "96 c4 10 00000000000000000000000000000000 02 01 00 00 c4 00", SOU_FRAME_NEWS,
		 SOU_EFORMAT},
		{"P11.6 raw bytes that are not the data's",
		 "96 c4 10 00000000000000000000000000000000 00 01 00 01 c4 00", SOU_FRAME_NEWS,
		 SOU_EFORMAT},
		{"P11.6 raw bytes, the most",
		 "96 c4 10 00000000000000000000000000000000 00 01 01 ce 00400000 c4 00",
		 SOU_FRAME_NEWS, SOU_OK},
		{"P11.6 raw bytes, one past",
		 "96 c4 10 00000000000000000000000000000000 00 01 01 ce 00400001 c4 00",
		 SOU_FRAME_NEWS, SOU_ELIMIT},
		{"P11.6 raw bytes, the type's most",
		 "96 c4 10 00000000000000000000000000000000 00 01 01 cf ffffffffffffffff c4 00",
		 SOU_FRAME_NEWS, SOU_ELIMIT},
		{"P11.7 an arrival number, the most",
		 "93 c4 10 00000000000000000000000000000000 cf 000000ffffffffff 00", SOU_FRAME_ACK,
		 SOU_OK},
		{"P11.7 an arrival number, one past",
		 "93 c4 10 00000000000000000000000000000000 cf 0000010000000000 00", SOU_FRAME_ACK,
		 SOU_ELIMIT},
	};
	struct sou_buf again = {0};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct test_bytes b = test_hex(rows[i].hex);
		CHECK_INT(rows[i].name, round_copy(rows[i].kind, b.b, b.n, &again), ==, rows[i].rc);
	}
	sou_buf_fini(&again);
}

TEST(msg, positions_in_order)
{
	struct sou_buf list = {0}, body = {0};
	struct sou_position a = {.scope = {{2}}}, b = {.scope = {{1}}};
	sou_positions_begin(&list, 2);
	sou_positions_put(&list, &a);
	sou_positions_put(&list, &b);
	uint32_t count;
	CHECK_INT("P11.3 ascending", sou_positions_check(sou_buf_span(&list), &count), ==,
		  SOU_EFORMAT);
	sou_buf_clear(&list);
	sou_positions_begin(&list, 2);
	sou_positions_put(&list, &a);
	sou_positions_put(&list, &a);
	CHECK_INT("P11.3 each once", sou_positions_check(sou_buf_span(&list), &count), ==,
		  SOU_EFORMAT);
	sou_buf_fini(&list);
	sou_buf_fini(&body);
}

TEST(msg, names)
{
	CHECK_STR("a frame", sou_frame_name(SOU_FRAME_NEWS), "news");
	CHECK_STR("no frame", sou_frame_name(0), "unknown");
	CHECK_STR("no frame", sou_frame_name(255), "unknown");
	CHECK_STR("a bye", sou_bye_name(SOU_BYE_ROLLED_BACK), "rolled-back");
	CHECK_STR("no bye", sou_bye_name(UINT64_MAX), "unlisted");
	CHECK_STR("a refusal", sou_refuse_name(SOU_REFUSE_READ_ONLY), "read-only");
	CHECK_STR("no refusal", sou_refuse_name(0), "unlisted");
}
