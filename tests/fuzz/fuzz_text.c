/* fuzz_text - a partner's text on its way to a terminal. The first byte is the width. Properties:
 * lines fit, lose nothing but blanks and line ends, and come to an end; what is made harmless is
 * valid UTF-8, has no control character but the line end, and is as wide as it was said to be. */
#include <string.h>

#include "client/cli/text.h"
#include "proto/error.h"
#include "tests/fuzz/fuzz.h"

static void try_lines(const char *text, size_t size, size_t columns)
{
	for (size_t at = 0; at < size;) {
		size_t skip, bytes = souc_text_line(text + at, size - at, columns, &skip);
		SOU_ASSERT(bytes + skip > 0);
		SOU_ASSERT(at + bytes + skip <= size);
		SOU_ASSERT(souc_text_columns(text + at, bytes) <= columns);
		for (size_t i = bytes; i < bytes + skip; i++)
			SOU_ASSERT(text[at + i] == ' ' || text[at + i] == '\n');
		at += bytes + skip;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const char *text = (const char *)data + 1;
	try_lines(text, size - 1, 2 + data[0] % 64);
	struct souc_buffer safe = {0};
	souc_text_add_safe(&safe, text, size - 1);
	size_t line_ends = 0;
	int32_t code;
	for (size_t at = 0; at < safe.len;) {
		size_t n = souc_text_next(safe.text + at, safe.len - at, &code);
		SOU_ASSERT(code != 0xFFFD || n == 3);
		SOU_ASSERT(code == '\n' || (code >= 0x20 && (code < 0x7F || code > 0x9F)));
		line_ends += code == '\n' ? 1 : 0;
		at += n;
	}
	SOU_ASSERT(souc_text_columns(safe.text, safe.len) == souc_text_columns(text, size - 1));
	SOU_ASSERT(line_ends <= size);
	souc_buffer_fini(&safe);
	return 0;
}
