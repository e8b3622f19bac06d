/* mp.h - canonical bytes (P2): a strict reader that allocates nothing, and a writer of shortest
 * forms. Whatever the reader accepts, re-encoding gives the same bytes (P2.5). Pure; the one user
 * of msgpack.
 *
 * The reader is a cursor with a sticky error: read straight down and look once, at sou_mp_end.
 * After an error every read gives zero, nil, empty, and the cursor moves no more. SOU_EFORMAT: not
 * canonical, cut short, or not what was asked for. SOU_ELIMIT: canonical, but above the bound that
 * was given. */
#ifndef SOU_MP_H
#define SOU_MP_H

#include "bytes.h"
#include "error.h"
#include "id.h"

enum sou_mp_type {
	SOU_MP_NONE = 0, /* at the end, after an error, or a byte that is never canonical */
	SOU_MP_NIL,
	SOU_MP_UINT, /* 0 .. 2^64-1 */
	SOU_MP_NINT, /* -2^63 .. -1 */
	SOU_MP_STR,
	SOU_MP_BIN,
	SOU_MP_ARRAY,
};

struct sou_mp { /* borrows the bytes */
	const uint8_t *p, *end;
	int rc; /* SOU_OK until the first error */
};

struct sou_mp_list {      /* ascending, distinct names of one size, borrowed from the bytes read */
	const uint8_t *p; /* `count` members of c4, size, name */
	uint32_t count;
	uint8_t size; /* 16 or 32 */
};

static inline struct sou_mp sou_mp_over(struct sou_span bytes)
{
	static const uint8_t none[1] = {0};
	const uint8_t *p = bytes.p != NULL ? bytes.p : none; /* NULL has no end to stand at */
	struct sou_mp m = {p, p + bytes.n, SOU_OK};
	return m;
}

/* Set the error from outside, when what was read does not hold. The first error stays. */
void sou_mp_fail(struct sou_mp *m, int rc);

/* Kind of the next value, by its first byte alone. */
enum sou_mp_type sou_mp_peek(const struct sou_mp *m);

void sou_mp_nil(struct sou_mp *m);
uint64_t sou_mp_uint(struct sou_mp *m, uint64_t max);
uint64_t sou_mp_enum(struct sou_mp *m, uint64_t last); /* the same; beyond `last` is SOU_EFORMAT */
/* An integer of either sign; *negative tells how to read the result (two's complement). */
uint64_t sou_mp_int(struct sou_mp *m, bool *negative);
struct sou_span sou_mp_str(struct sou_mp *m, size_t bytes_max); /* P2.2 on top of bytes_max */
struct sou_span sou_mp_bin(struct sou_mp *m, size_t bytes_min, size_t bytes_max);
const uint8_t *sou_mp_fixed(struct sou_mp *m,
			    size_t bytes); /* bin of exactly so many; NULL after an error */
struct sou_id sou_mp_id(struct sou_mp *m);
struct sou_hash sou_mp_hash(struct sou_mp *m);
uint32_t sou_mp_array(struct sou_mp *m, uint32_t max);  /* P2.4: and never above the bytes left */
void sou_mp_array_of(struct sou_mp *m, uint32_t count); /* P2.6: exactly so many members */
/* Array of ascending, distinct bin of `size` (16 or 32). */
struct sou_mp_list sou_mp_names(struct sou_mp *m, uint8_t size, uint32_t max);
/* Any value whose arrays nest at most `depth` deep and have at most count_max members each: its
 * bytes. depth 0: no array; depth 1: a flat list may be one (P6.2). */
struct sou_span sou_mp_any(struct sou_mp *m, unsigned depth, uint32_t count_max);

/* P2.4: nothing may follow. Returns the sticky error, or SOU_EFORMAT for bytes that are left. */
int sou_mp_end(struct sou_mp *m);

static inline struct sou_id sou_mp_list_id(const struct sou_mp_list *list, uint32_t i)
{
	struct sou_id id;
	memcpy(id.b, list->p + (size_t)i * 18 + 2, sizeof id.b);
	return id;
}

static inline struct sou_hash sou_mp_list_hash(const struct sou_mp_list *list, uint32_t i)
{
	struct sou_hash hash;
	memcpy(hash.b, list->p + (size_t)i * 34 + 2, sizeof hash.b);
	return hash;
}

/* The bytes are one canonical value and nothing else (P2.1 - P2.5). */
int sou_mp_check(struct sou_span bytes);

/* P2.2: valid UTF-8 without U+0000, of any length. */
bool sou_mp_utf8(struct sou_span text);

/* Writer: each appends one head or value in its shortest form; errors are buf->failed. A writer of
 * text that people typed asks sou_mp_utf8 first. */
void sou_mp_put_nil(struct sou_buf *buf);
void sou_mp_put_uint(struct sou_buf *buf, uint64_t v);
void sou_mp_put_int(struct sou_buf *buf, int64_t v);
void sou_mp_put_str(struct sou_buf *buf, const void *text, size_t n);
void sou_mp_put_bin(struct sou_buf *buf, const void *bytes, size_t n);
void sou_mp_put_id(struct sou_buf *buf, const struct sou_id *id);
void sou_mp_put_hash(struct sou_buf *buf, const struct sou_hash *hash);
void sou_mp_put_array(struct sou_buf *buf, uint32_t count);      /* then its members */
void sou_mp_put_raw(struct sou_buf *buf, struct sou_span value); /* canonical bytes as they are */

#endif
