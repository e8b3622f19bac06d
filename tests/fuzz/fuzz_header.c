/* fuzz_header.c - a header that is accepted is canonical and packs to the same bytes (P2.5, P5). */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/header.h"
#include "proto/limits.h"
#include "proto/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sou_header header;
	struct sou_span bytes = {data, size};
	if (sou_header_read(&header, bytes) != SOU_OK)
		return 0;
	SOU_ASSERT(size <= SOU_HEADER_BYTES_MAX);
	SOU_ASSERT(sou_mp_check(bytes) == SOU_OK);
	struct sou_buf again = {0};
	sou_header_pack(&again, &header);
	SOU_ASSERT(again.n == size);
	SOU_ASSERT(memcmp(again.p, data, size) == 0);
	sou_buf_fini(&again);
	return 0;
}
