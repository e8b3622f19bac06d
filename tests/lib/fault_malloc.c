/* fault_malloc.c - the allocator of test_*_oom.c, put in place by the linker's --wrap. */
#include <stddef.h>

#include "tests/lib/fault.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *block, size_t n);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *block, size_t n);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);

void *__wrap_malloc(size_t n)
{
	return fault_tick() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
	return fault_tick() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *block, size_t n)
{
	return fault_tick() ? NULL : __real_realloc(block, n);
}

char *__wrap_strdup(const char *text)
{
	return fault_tick() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return fault_tick() ? NULL : __real_strndup(text, n);
}
