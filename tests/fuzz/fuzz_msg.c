/* fuzz_msg.c - any bytes as the body of any frame (first byte: its kind): accepted means that
 * packing gives the same bytes back (P2.5). */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/error.h"
#include "tests/proto/msg_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct sou_buf again = {0};
	struct sou_span body = {data + 1, size - 1};
	if (msg_round(data[0], body, &again) == SOU_OK) {
		SOU_ASSERT(!again.failed);
		SOU_ASSERT(again.n == body.n);
		SOU_ASSERT(memcmp(again.p, body.p, body.n) == 0);
	}
	sou_buf_fini(&again);
	return 0;
}
