/* fuzz_netlink.c - any datagram as one of the kernel's: read within its bounds, the same answer
 * twice. */
#include "tests/fuzz/fuzz.h"

#include "daemon/net/netwatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool gain = soud_netwatch_is_gain(data, size);
	SOU_ASSERT(gain == soud_netwatch_is_gain(data, size));
	SOU_ASSERT(!gain || size >= 16);
	return 0;
}
