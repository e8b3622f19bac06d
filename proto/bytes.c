/* bytes.c - the growing buffer. A failed append keeps what stands and is remembered. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limits.h"

void sou_buf_fini(struct sou_buf *buf)
{
	if (buf == NULL)
		return;
	free(buf->p);
	*buf = (struct sou_buf){0};
}

void sou_buf_clear(struct sou_buf *buf)
{
	SOU_ASSERT(buf != NULL);
	buf->n = 0;
	buf->failed = false;
}

bool sou_buf_reserve(struct sou_buf *buf, size_t n)
{
	SOU_ASSERT(buf != NULL);
	SOU_ASSERT(buf->n <= buf->cap);
	if (buf->failed)
		return false;
	if (n <= buf->cap - buf->n)
		return true;
	if (n > SOU_BUF_BYTES_MAX - buf->n) {
		buf->failed = true;
		return false;
	}
	size_t cap = buf->cap < 64 ? 64 : buf->cap;
	while (cap - buf->n < n)
		cap *= 2;
	uint8_t *p = realloc(buf->p, cap);
	if (p == NULL) {
		buf->failed = true;
		return false;
	}
	buf->p = p;
	buf->cap = cap;
	return true;
}

void sou_buf_put(struct sou_buf *buf, const void *bytes, size_t n)
{
	if (n == 0 || !sou_buf_reserve(buf, n))
		return;
	memcpy(buf->p + buf->n, bytes, n);
	buf->n += n;
}

void sou_buf_put_u8(struct sou_buf *buf, uint8_t v)
{
	sou_buf_put(buf, &v, 1);
}

void sou_buf_put_u16be(struct sou_buf *buf, uint16_t v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	sou_buf_put(buf, b, sizeof b);
}

void sou_buf_put_u32be(struct sou_buf *buf, uint32_t v)
{
	uint8_t b[4];
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(v >> (24 - 8 * i));
	sou_buf_put(buf, b, sizeof b);
}

void sou_buf_put_u64be(struct sou_buf *buf, uint64_t v)
{
	uint8_t b[8];
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(v >> (56 - 8 * i));
	sou_buf_put(buf, b, sizeof b);
}
