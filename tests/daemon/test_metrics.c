/* test_metrics.c - docs/metrics.md is as the table says; the page itself is read by
 * tests/e2e/test_metrics.py. */
#include "daemon/metrics.h"

#include "tests/lib/check.h"

/* build/PRESET/tests/sample_config metrics > docs/metrics.md */
TEST(metrics, manual)
{
	char *made = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&made, &n);
	REQUIRE("memory", out != NULL);
	soud_metrics_manual(out);
	fclose(out);
	struct test_bytes file = test_read(SOU_SOURCE_DIR "/docs/metrics.md");
	CHECK_MEM("as generated", file.b, file.n, made, n);
	free(made);
}
