/* fuzz_addr.c - any text as HOST:PORT: refused, or written again as the very same text. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "daemon/net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[SOUD_ADDR_TEXT_BYTES_MAX + 8];
	if (size >= sizeof text || memchr(data, 0, size) != NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	struct soud_hostport hp = {.host = "untouched"};
	struct sou_err err = {0};
	if (soud_hostport_parse(&hp, text, &err) != SOU_OK) {
		SOU_ASSERT(strcmp(hp.host, "untouched") == 0 && err.text[0] != '\0');
		return 0;
	}
	char again[SOUD_ADDR_TEXT_BYTES_MAX];
	soud_hostport_text(&hp, again);
	SOU_ASSERT(strcmp(again, text) == 0);
	return 0;
}
