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
	static struct soud_options_faults faults;
	int rc = soud_options_parse(&after, (const char *)data, size, &faults);
	SOU_ASSERT((rc == SOU_OK) == (faults.count == 0));
	if (rc == SOU_OK)
		return 0;
	const void *b = &before, *a = &after; /* copied whole, so the gaps are equal too */
	SOU_ASSERT(memcmp(b, a, sizeof before) == 0);
	SOU_ASSERT(rc == faults.v[0].err.rc);
	for (size_t i = 0; i < faults.count && i < SOUD_OPTIONS_FAULTS_MAX; i++) {
		SOU_ASSERT(faults.v[i].err.text[0] != '\0');
		SOU_ASSERT(faults.v[i].line >= 0);
		SOU_ASSERT(i == 0 || faults.v[i].line > faults.v[i - 1].line);
	}
	return 0;
}
