/* fuzz_mp.c - what the strict reader accepts, msgpack-c decodes as one object without rest and
 * encodes again to the same bytes (P2.5); and every typed read either takes exactly one value or
 * fails. */
#include "tests/fuzz/fuzz.h"

#include "proto/mp.h"
#include "tests/proto/packed.h"

/* Read on with whatever fits the next byte; the cursor never passes the end and never goes back. */
static void walk(struct sou_span bytes, uint8_t taste)
{
	struct sou_mp m = sou_mp_over(bytes);
	while (m.rc == SOU_OK && m.p < m.end) {
		const uint8_t *before = m.p;
		bool negative;
		switch (sou_mp_peek(&m)) {
		case SOU_MP_NIL:
			sou_mp_nil(&m);
			break;
		case SOU_MP_UINT:
			if (taste % 5 == 4)
				(void)sou_mp_enum(&m, 100);
			else
				(void)sou_mp_uint(&m, taste % 2 ? UINT64_MAX : 1000);
			break;
		case SOU_MP_NINT:
			(void)sou_mp_int(&m, &negative);
			break;
		case SOU_MP_STR:
			(void)sou_mp_str(&m, taste % 3 ? SIZE_MAX : 10);
			break;
		case SOU_MP_BIN:
			if (taste % 2)
				(void)sou_mp_bin(&m, taste % 5, SIZE_MAX);
			else
				(void)sou_mp_hash(&m);
			break;
		case SOU_MP_ARRAY:
			if (taste % 7 == 6)
				sou_mp_array_of(&m, 2);
			else if (taste % 3 == 0)
				(void)sou_mp_array(&m, UINT32_MAX);
			else if (taste % 3 == 1)
				(void)sou_mp_names(&m, taste % 2 ? 16 : 32, 100);
			else
				(void)sou_mp_any(&m, 1 + taste % 4, 50);
			break;
		case SOU_MP_NONE:
			(void)sou_mp_any(&m, 0, 0);
			SOU_ASSERT(m.rc != SOU_OK);
			break;
		}
		SOU_ASSERT(m.p > before || m.rc != SOU_OK);
		SOU_ASSERT(m.p <= m.end);
		taste = (uint8_t)(taste * 5 + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sou_span bytes = {data, size};
	if (sou_mp_check(bytes) == SOU_OK)
		SOU_ASSERT(packed_differs(bytes) == NULL);
	walk(bytes, size > 0 ? data[size - 1] : 0);
	return 0;
}
