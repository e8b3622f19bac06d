/* fuzz_options.c - any text as soukatsud.conf: accepted or refused with a reason, nothing in
 * between. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "daemon/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct soud_options before, after;
	soud_options_default(&before);
	after = before;
	struct soud_options_fault fault;
	int rc = soud_options_parse(&after, (const char *)data, size, &fault);
	SOU_ASSERT(rc == fault.err.rc);
	if (rc == SOU_OK)
		return 0;
	const void *b = &before, *a = &after; /* copied whole, so the gaps are equal too */
	SOU_ASSERT(memcmp(b, a, sizeof before) == 0);
	SOU_ASSERT(fault.err.text[0] != '\0');
	SOU_ASSERT(fault.line >= 0);
	return 0;
}
