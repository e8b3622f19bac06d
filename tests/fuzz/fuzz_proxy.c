/* A proxy's answer: what is taken is a head of its own, no byte of which the reader passed over. */
#include <string.h>

#include "daemon/net/proxy.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct sou_span all = {bytes, n};
	struct soud_proxy_answer a, b;
	int rc = soud_proxy_answer(all, &a);
	if (rc != SOU_OK) {
		SOU_ASSERT(rc == SOU_EAGAIN || rc == SOU_EPROTO || rc == SOU_ELIMIT);
		return 0;
	}
	SOU_ASSERT(a.status >= 200 && a.status <= 599);
	SOU_ASSERT(a.bytes <= n && a.bytes <= SOUD_PROXY_ANSWER_BYTES_MAX);
	SOU_ASSERT(memcmp(bytes + a.bytes - 4, "\r\n\r\n", 4) == 0);
	/* The head alone says the same, and one byte less says nothing. */
	SOU_ASSERT(soud_proxy_answer((struct sou_span){bytes, a.bytes}, &b) == SOU_OK);
	SOU_ASSERT(b.status == a.status && b.bytes == a.bytes);
	SOU_ASSERT(soud_proxy_answer((struct sou_span){bytes, a.bytes - 1}, &b) == SOU_EAGAIN);
	/* As it came, piece by piece. */
	for (size_t k = 0; k < a.bytes; k++)
		SOU_ASSERT(soud_proxy_answer((struct sou_span){bytes, k}, &b) == SOU_EAGAIN);
	return 0;
}
