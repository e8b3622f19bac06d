/* fuzz_frame.c - P11.1: a stream cut into frames says the same however it arrives: whole, or with
 * the end of what is there at any place. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/error.h"
#include "proto/frame.h"

/* The first frame of `in` when only n bytes of it are there. */
static void check_prefix(struct sou_span in, size_t n, int rc, const struct sou_frame *frame)
{
	struct sou_span part = {in.p, n};
	struct sou_frame got = {0};
	uint32_t size = 0;
	int got_rc = sou_frame_next(&part, &got);
	int size_rc = sou_frame_size((struct sou_span){in.p, n}, &size);
	if (got_rc == SOU_OK) {
		SOU_ASSERT(rc == SOU_OK && size_rc == SOU_OK);
		SOU_ASSERT(got.kind == frame->kind && got.body == frame->body);
		SOU_ASSERT(got.body_bytes == frame->body_bytes);
		SOU_ASSERT(n - part.n == size);
		return;
	}
	SOU_ASSERT(part.p == in.p && part.n == n && got.body == NULL);
	SOU_ASSERT(got_rc == SOU_EAGAIN || rc == got_rc);
	SOU_ASSERT((size_rc == SOU_EPROTO) == (got_rc == SOU_EPROTO));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sou_span in = {data, size};
	int rc = SOU_OK;
	while (rc == SOU_OK) {
		struct sou_span before = in;
		struct sou_frame frame = {0};
		rc = sou_frame_next(&in, &frame);
		size_t step = before.n / 64 +
			      1; /* each place in what is short, 64 places in what is long */
		for (size_t n = 0; n <= before.n; n += step)
			check_prefix(before, n, rc, &frame);
		if (rc != SOU_OK)
			continue;
		SOU_ASSERT(in.p == before.p + SOU_FRAME_HEAD_BYTES + frame.body_bytes);
		uint8_t head[SOU_FRAME_HEAD_BYTES];
		sou_frame_head(head, frame.kind, frame.body_bytes);
		SOU_ASSERT(memcmp(head, before.p, sizeof head) == 0);
	}
	return 0;
}
