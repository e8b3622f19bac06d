/* fuzz_invite.c - an invite that is accepted is written again to the same text (P12.5). */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sou_invite invite;
	enum sou_invite_fault fault;
	int rc = sou_invite_read(&invite, (struct sou_span){data, size}, &fault);
	SOU_ASSERT((rc == SOU_OK) == (fault == SOU_INVITE_GOOD));
	if (rc != SOU_OK)
		return 0;
	char text[SOU_INVITE_TEXT_BYTES_MAX];
	size_t n = 0;
	rc = sou_invite_write(&invite, text, &n);
	SOU_ASSERT(rc == SOU_OK);
	SOU_ASSERT(n == size && memcmp(text, data, n) == 0);
	return 0;
}
