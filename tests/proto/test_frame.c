/* test_frame.c - P11.1: each truncation, each bound, and what stays untouched on an error. */
#include "proto/frame.h"

#include "proto/error.h"
#include "tests/lib/check.h"

static const struct {
	const char *name, *hex; /* hex: what the peer sent */
	int rc, kind, body, left;
} next_cases[] = {
	{"P11.1 nothing", "", SOU_EAGAIN, 0, 0, 0},
	{"P11.1 length cut short", "00 00", SOU_EAGAIN, 0, 0, 2},
	{"P11.1 length without a kind", "00 00 00 01", SOU_EAGAIN, 0, 0, 4},
	{"P11.1 body cut short", "00 00 00 03 07 aa", SOU_EAGAIN, 0, 0, 6},
	{"P11.1 smallest", "00 00 00 01 07", SOU_OK, 7, 0, 0},
	{"P11.1 smallest, one spare", "00 00 00 01 07 ff", SOU_OK, 7, 0, 1},
	{"P11.1 unknown kind, body", "00 00 00 03 ff aa bb 00", SOU_OK, 255, 2, 1},
	{"P11.1 zero length", "00 00 00 00", SOU_EPROTO, 0, 0, 4},
	{"P11.1 longest, still due", "00 10 00 01", SOU_EAGAIN, 0, 0, 4},
	{"P11.1 longest plus one", "00 10 00 02", SOU_EPROTO, 0, 0, 4},
	{"P11.1 4 GiB", "ff ff ff ff 07 aa", SOU_EPROTO, 0, 0, 6},
};

TEST(frame, next)
{
	for (size_t i = 0; i < ARRAY_LEN(next_cases); i++) {
		const char *name = next_cases[i].name;
		struct test_bytes sent = test_hex(next_cases[i].hex);
		struct sou_span in = {sent.b, sent.n};
		struct sou_frame got = {0};
		CHECK_INT(name, sou_frame_next(&in, &got), ==, next_cases[i].rc);
		CHECK_INT(name, got.kind, ==, next_cases[i].kind);
		CHECK_INT(name, got.body_bytes, ==, next_cases[i].body);
		CHECK_INT(name, in.n, ==, next_cases[i].left);
		if (next_cases[i].rc == SOU_OK)
			CHECK(name, got.body == sent.b + SOU_FRAME_HEAD_BYTES);
	}
}

TEST(frame, every_truncation)
{
	struct test_bytes whole = test_hex("00 00 00 06 03 01 02 03 04 05");
	for (size_t n = 0; n < whole.n; n++) {
		const char *name = test_printf("P11.1 %zu of %zu bytes", n, whole.n);
		struct test_bytes cut = test_copy(whole.b, n);
		struct sou_span in = {cut.b, cut.n};
		struct sou_frame got = {.kind = 77};
		CHECK_INT(name, sou_frame_next(&in, &got), ==, SOU_EAGAIN);
		CHECK_INT(name, got.kind, ==, 77);
		CHECK_INT(name, in.n, ==, n);
		uint32_t size = 0;
		CHECK_INT(name, sou_frame_size((struct sou_span){cut.b, cut.n}, &size), ==,
			  n < 4 ? SOU_EAGAIN : SOU_OK);
		CHECK_INT(name, size, ==, n < 4 ? 0 : whole.n);
	}
}

TEST(frame, head_and_bounds)
{
	static const uint32_t sizes[] = {0, 1, SOU_FRAME_BODY_BYTES_MAX - 1,
					 SOU_FRAME_BODY_BYTES_MAX};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const char *name = test_printf("P11.1 body of %u bytes", sizes[i]);
		uint8_t *bytes = test_alloc(SOU_FRAME_HEAD_BYTES + sizes[i]);
		sou_frame_head(bytes, 9, sizes[i]);
		struct sou_span in = {bytes, SOU_FRAME_HEAD_BYTES + sizes[i]};
		struct sou_frame got = {0};
		CHECK_INT(name, sou_frame_next(&in, &got), ==, SOU_OK);
		CHECK_INT(name, got.kind, ==, 9);
		CHECK_INT(name, got.body_bytes, ==, sizes[i]);
		CHECK_INT(name, in.n, ==, 0);
	}
}
