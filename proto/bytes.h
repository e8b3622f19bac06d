/* bytes.h - borrowed byte ranges and one growing buffer, used by everything that reads or packs.
 * Pure. A span never owns; a buf owns its memory until sou_buf_fini. */
#ifndef SOU_BYTES_H
#define SOU_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sou_span { /* borrowed until its maker's bytes go */
	const uint8_t *p;
	size_t n;
};

struct sou_buf { /* owned; zeroed is a valid empty one */
	uint8_t *p;
	size_t n, cap;
	bool failed; /* sticky: an append found no memory or went past the limit */
};

void sou_buf_fini(struct sou_buf *buf);  /* NULL and zeroed are fine */
void sou_buf_clear(struct sou_buf *buf); /* keeps the memory for the next use */

/* Room for n more bytes, without appending: false (and `failed`) on no memory or past the limit. */
bool sou_buf_reserve(struct sou_buf *buf, size_t n);

/* Append; on no memory sets `failed` and keeps what stands. Check `failed` once, at the end. */
void sou_buf_put(struct sou_buf *buf, const void *bytes, size_t n);
void sou_buf_put_u8(struct sou_buf *buf, uint8_t v);
void sou_buf_put_u16be(struct sou_buf *buf, uint16_t v);
void sou_buf_put_u32be(struct sou_buf *buf, uint32_t v);
void sou_buf_put_u64be(struct sou_buf *buf, uint64_t v);

static inline struct sou_span sou_buf_span(const struct sou_buf *buf)
{
	struct sou_span s = {buf->p, buf->n};
	return s;
}

#endif
