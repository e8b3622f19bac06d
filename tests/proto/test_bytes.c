/* test_bytes.c - the growing buffer. */
#include "proto/bytes.h"

#include "proto/limits.h"
#include "tests/lib/check.h"

TEST(bytes, integers)
{
	struct sou_buf buf = {0};
	sou_buf_put_u8(&buf, 0x01);
	sou_buf_put_u16be(&buf, 0x0203);
	sou_buf_put_u32be(&buf, 0x04050607);
	sou_buf_put_u64be(&buf, UINT64_C(0x08090a0b0c0d0e0f));
	sou_buf_put(&buf, "\x10\x11", 2);
	struct test_bytes want = test_hex("01 0203 04050607 08090a0b0c0d0e0f 1011");
	CHECK_MEM("P1.1 big-endian", buf.p, buf.n, want.b, want.n);
	CHECK("P1.1 big-endian", !buf.failed);
	sou_buf_fini(&buf);
	sou_buf_fini(NULL);
	CHECK("after fini", buf.p == NULL && buf.n == 0 && buf.cap == 0);
}

TEST(bytes, growth)
{
	struct sou_buf buf = {0};
	for (unsigned i = 0; i < 100000; i++)
		sou_buf_put_u8(&buf, (uint8_t)(i * 7));
	REQUIRE("all there", !buf.failed && buf.n == 100000);
	unsigned same = 0;
	for (unsigned i = 0; i < 100000; i++)
		same += buf.p[i] == (uint8_t)(i * 7);
	CHECK_INT("each byte kept", same, ==, 100000);
	const uint8_t *before = buf.p;
	sou_buf_clear(&buf);
	sou_buf_put_u8(&buf, 9);
	CHECK("clear keeps the memory", buf.p == before && buf.n == 1);
	sou_buf_fini(&buf);
}

TEST(bytes, limit)
{
	struct sou_buf buf = {0};
	sou_buf_put_u8(&buf, 1);
	CHECK("within", sou_buf_reserve(&buf, 4096));
	CHECK("one past", !sou_buf_reserve(&buf, SOU_BUF_BYTES_MAX));
	CHECK("failed", buf.failed);
	sou_buf_put_u8(&buf, 2);
	CHECK_INT("sticky: nothing more is appended", buf.n, ==, 1);
	sou_buf_clear(&buf);
	CHECK("clear forgives", !buf.failed);
	CHECK("type's maximum", !sou_buf_reserve(&buf, SIZE_MAX) && buf.failed);
	sou_buf_fini(&buf);
}
