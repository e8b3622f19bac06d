/* fuzz.h - the one function that each fuzz_NAME.c defines. It returns 0, aborts where a property is
 * broken, and keeps nothing between calls. */
#ifndef SOU_TESTS_FUZZ_H
#define SOU_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
