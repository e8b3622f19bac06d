/* mp.c - the strict reader, and msgpack-c's packer writing onto a buffer (P2).
 * No byte is read before it is known to be there; no count is believed beyond the bytes left. */
#include "mp.h"

#include <msgpack/pack.h>

#include "limits.h"

struct head {
	enum sou_mp_type type;
	uint64_t v; /* value of an integer, bytes of str and bin, members of an array */
};

/* What the first byte announces: kind, and how many bytes of number follow it. */
struct lead {
	uint8_t type, more;
};

static struct lead lead_of(uint8_t b)
{
	if (b < 0x80)
		return (struct lead){SOU_MP_UINT, 0};
	if (b >= 0xe0)
		return (struct lead){SOU_MP_NINT, 0};
	if (b >= 0xa0 && b < 0xc0)
		return (struct lead){SOU_MP_STR, 0};
	if (b >= 0x90 && b < 0xa0)
		return (struct lead){SOU_MP_ARRAY, 0};
	static const struct lead leads[0x20] = {
		[0x00] = {SOU_MP_NIL, 0},   [0x04] = {SOU_MP_BIN, 1},   [0x05] = {SOU_MP_BIN, 2},
		[0x06] = {SOU_MP_BIN, 4},   [0x0c] = {SOU_MP_UINT, 1},  [0x0d] = {SOU_MP_UINT, 2},
		[0x0e] = {SOU_MP_UINT, 4},  [0x0f] = {SOU_MP_UINT, 8},  [0x10] = {SOU_MP_NINT, 1},
		[0x11] = {SOU_MP_NINT, 2},  [0x12] = {SOU_MP_NINT, 4},  [0x13] = {SOU_MP_NINT, 8},
		[0x19] = {SOU_MP_STR, 1},   [0x1a] = {SOU_MP_STR, 2},   [0x1b] = {SOU_MP_STR, 4},
		[0x1c] = {SOU_MP_ARRAY, 2}, [0x1d] = {SOU_MP_ARRAY, 4},
	};
	return b >= 0xc0 ? leads[b - 0xc0] : (struct lead){SOU_MP_NONE, 0}; /* 80..8f: maps */
}

void sou_mp_fail(struct sou_mp *m, int rc)
{
	SOU_ASSERT(rc != SOU_OK);
	if (m->rc == SOU_OK)
		m->rc = rc;
	m->p = m->end;
}

enum sou_mp_type sou_mp_peek(const struct sou_mp *m)
{
	return m->p == m->end ? SOU_MP_NONE : (enum sou_mp_type)lead_of(*m->p).type;
}

/* P2.1: a number that has `more` bytes fits in no shorter form. */
static bool is_shortest(enum sou_mp_type type, uint8_t more, uint64_t v)
{
	uint64_t below = more == 8   ? UINT32_MAX
			 : more == 4 ? UINT16_MAX
				     : UINT8_MAX; /* if it fits there */
	switch (type) {
	case SOU_MP_UINT:
		return v > (more == 1 ? 0x7f : below);
	case SOU_MP_NINT: /* negative, and ~n (small where n is near 0) beyond the shorter form */
		return v >> 63 != 0 && ~v > (more == 1 ? 0x1f : below >> 1);
	case SOU_MP_STR:
		return v > (more == 1 ? 0x1f : below);
	case SOU_MP_BIN:
		return more == 1 || v > below;
	case SOU_MP_ARRAY:
		return v > (more == 2 ? 0x0f : UINT16_MAX);
	case SOU_MP_NIL:
	case SOU_MP_NONE:
		return false; /* no number follows these */
	}
	return false;
}

static uint64_t number_at(const uint8_t *p, uint8_t bytes)
{
	uint64_t v = 0;
	for (uint8_t i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static struct head read_head(struct sou_mp *m)
{
	if (m->p == m->end) {
		sou_mp_fail(m, SOU_EFORMAT);
		return (struct head){SOU_MP_NONE, 0};
	}
	uint8_t b = *m->p;
	struct lead lead = lead_of(b);
	enum sou_mp_type type = (enum sou_mp_type)lead.type;
	if (type == SOU_MP_NONE || (size_t)(m->end - m->p) <= lead.more) {
		sou_mp_fail(m, SOU_EFORMAT);
		return (struct head){SOU_MP_NONE, 0};
	}
	struct head head = {type, 0};
	if (lead.more > 0) {
		head.v = number_at(m->p + 1, lead.more);
		if (type == SOU_MP_NINT && lead.more < 8 && head.v >> (8 * lead.more - 1) != 0)
			head.v |= ~UINT64_C(0) << (8 * lead.more);
		if (!is_shortest(type, lead.more, head.v)) {
			sou_mp_fail(m, SOU_EFORMAT);
			return (struct head){SOU_MP_NONE, 0};
		}
	} else if (type == SOU_MP_UINT) {
		head.v = b;
	} else if (type == SOU_MP_NINT) {
		head.v = (uint64_t)(int64_t)(int8_t)b;
	} else if (type == SOU_MP_STR) {
		head.v = b & 0x1fu;
	} else if (type == SOU_MP_ARRAY) {
		head.v = b & 0x0fu;
	}
	m->p += 1 + lead.more;
	return head;
}

/* Head of one kind; false after any error. */
static bool head_of(struct sou_mp *m, enum sou_mp_type type, uint64_t *v)
{
	struct head head = read_head(m);
	if (head.type != type) {
		sou_mp_fail(m, SOU_EFORMAT);
		return false;
	}
	*v = head.v;
	return true;
}

void sou_mp_nil(struct sou_mp *m)
{
	uint64_t v;
	(void)head_of(m, SOU_MP_NIL, &v);
}

uint64_t sou_mp_uint(struct sou_mp *m, uint64_t max)
{
	uint64_t v;
	if (!head_of(m, SOU_MP_UINT, &v))
		return 0;
	if (v > max) {
		sou_mp_fail(m, SOU_ELIMIT);
		return 0;
	}
	return v;
}

uint64_t sou_mp_enum(struct sou_mp *m, uint64_t last)
{
	uint64_t v = sou_mp_uint(m, UINT64_MAX);
	if (v > last) {
		sou_mp_fail(m, SOU_EFORMAT);
		return 0;
	}
	return v;
}

uint64_t sou_mp_int(struct sou_mp *m, bool *negative)
{
	*negative = sou_mp_peek(m) == SOU_MP_NINT;
	uint64_t v;
	return head_of(m, *negative ? SOU_MP_NINT : SOU_MP_UINT, &v) ? v : 0;
}

/* The next n bytes; the length is compared with what is there before it is used. */
static struct sou_span take(struct sou_mp *m, uint64_t n)
{
	if (n > (uint64_t)(m->end - m->p)) {
		sou_mp_fail(m, SOU_EFORMAT);
		return (struct sou_span){NULL, 0};
	}
	struct sou_span s = {m->p, (size_t)n};
	m->p += n;
	return s;
}

struct sou_span sou_mp_str(struct sou_mp *m, size_t bytes_max)
{
	uint64_t n;
	if (!head_of(m, SOU_MP_STR, &n))
		return (struct sou_span){NULL, 0};
	if (n > SOU_STR_BYTES_MAX || n > bytes_max) {
		sou_mp_fail(m, SOU_ELIMIT);
		return (struct sou_span){NULL, 0};
	}
	struct sou_span s = take(m, n);
	if (!sou_mp_utf8(s)) {
		sou_mp_fail(m, SOU_EFORMAT);
		return (struct sou_span){NULL, 0};
	}
	return s;
}

struct sou_span sou_mp_bin(struct sou_mp *m, size_t bytes_min, size_t bytes_max)
{
	uint64_t n;
	if (!head_of(m, SOU_MP_BIN, &n))
		return (struct sou_span){NULL, 0};
	if (n < bytes_min || n > bytes_max) {
		sou_mp_fail(m, n < bytes_min ? SOU_EFORMAT : SOU_ELIMIT);
		return (struct sou_span){NULL, 0};
	}
	return take(m, n);
}

const uint8_t *sou_mp_fixed(struct sou_mp *m, size_t bytes)
{
	uint64_t n;
	if (!head_of(m, SOU_MP_BIN, &n))
		return NULL;
	if (n != bytes) {
		sou_mp_fail(m, SOU_EFORMAT);
		return NULL;
	}
	return take(m, n).p;
}

struct sou_id sou_mp_id(struct sou_mp *m)
{
	struct sou_id id = {{0}};
	const uint8_t *p = sou_mp_fixed(m, sizeof id.b);
	if (p != NULL)
		memcpy(id.b, p, sizeof id.b);
	return id;
}

struct sou_hash sou_mp_hash(struct sou_mp *m)
{
	struct sou_hash hash = {{0}};
	const uint8_t *p = sou_mp_fixed(m, sizeof hash.b);
	if (p != NULL)
		memcpy(hash.b, p, sizeof hash.b);
	return hash;
}

uint32_t sou_mp_array(struct sou_mp *m, uint32_t max)
{
	uint64_t n;
	if (!head_of(m, SOU_MP_ARRAY, &n))
		return 0;
	if (n > (uint64_t)(m->end - m->p)) {
		sou_mp_fail(m, SOU_EFORMAT);
		return 0;
	}
	if (n > max) {
		sou_mp_fail(m, SOU_ELIMIT);
		return 0;
	}
	return (uint32_t)n;
}

void sou_mp_array_of(struct sou_mp *m, uint32_t count)
{
	uint64_t n;
	if (head_of(m, SOU_MP_ARRAY, &n) && n != count)
		sou_mp_fail(m, SOU_EFORMAT);
}

struct sou_mp_list sou_mp_names(struct sou_mp *m, uint8_t size, uint32_t max)
{
	SOU_ASSERT(size == 16 || size == 32);
	struct sou_mp_list none = {NULL, 0, size};
	uint32_t count = sou_mp_array(m, max);
	size_t stride = size + 2u;
	struct sou_span s = take(m, (uint64_t)count * stride);
	if (m->rc != SOU_OK)
		return none;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *p = s.p + i * stride;
		bool fits = p[0] == 0xc4 && p[1] == size;
		if (!fits || (i > 0 && memcmp(p - size, p + 2, size) >= 0)) {
			sou_mp_fail(m, SOU_EFORMAT);
			return none;
		}
	}
	return (struct sou_mp_list){s.p, count, size};
}

struct sou_span sou_mp_any(struct sou_mp *m, unsigned depth, uint32_t count_max)
{
	SOU_ASSERT(depth <= SOU_DEPTH_MAX);
	const uint8_t *start = m->p;
	uint32_t left[SOU_DEPTH_MAX + 1] = {1};
	unsigned level = 0;
	for (;;) {
		while (level > 0 && left[level] == 0)
			level--;
		if (left[level] == 0 || m->rc != SOU_OK)
			break;
		left[level]--;
		enum sou_mp_type type = sou_mp_peek(m);
		if (type == SOU_MP_STR) {
			(void)sou_mp_str(m, SOU_STR_BYTES_MAX);
		} else if (type == SOU_MP_BIN) {
			(void)sou_mp_bin(m, 0, SIZE_MAX);
		} else if (type == SOU_MP_ARRAY && level == depth) {
			sou_mp_fail(m, SOU_EFORMAT);
		} else if (type == SOU_MP_ARRAY) {
			left[++level] = sou_mp_array(m, count_max);
		} else {
			(void)read_head(m);
		}
	}
	if (m->rc != SOU_OK)
		return (struct sou_span){NULL, 0};
	return (struct sou_span){start, (size_t)(m->p - start)};
}

int sou_mp_end(struct sou_mp *m)
{
	if (m->p != m->end)
		sou_mp_fail(m, SOU_EFORMAT);
	return m->rc;
}

int sou_mp_check(struct sou_span bytes)
{
	struct sou_mp m = sou_mp_over(bytes);
	(void)sou_mp_any(&m, SOU_DEPTH_MAX, UINT32_MAX);
	return sou_mp_end(&m);
}

static bool is_tail(uint8_t b)
{
	return (b & 0xc0) == 0x80;
}

/* Bytes of the character at p, 0 where there is none (n > 0 bytes left). */
static size_t character(const uint8_t *p, size_t n)
{
	uint8_t b = p[0];
	if (b < 0x80)
		return b != 0 ? 1 : 0;
	if (b >= 0xc2 && b <= 0xdf)
		return n >= 2 && is_tail(p[1]) ? 2 : 0;
	if ((b & 0xf0) == 0xe0) {
		if (n < 3 || !is_tail(p[1]) || !is_tail(p[2]))
			return 0;
		bool is_long = b == 0xe0 && p[1] < 0xa0, is_surrogate = b == 0xed && p[1] > 0x9f;
		return is_long || is_surrogate ? 0 : 3;
	}
	if (b >= 0xf0 && b <= 0xf4) {
		if (n < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3]))
			return 0;
		bool is_long = b == 0xf0 && p[1] < 0x90, is_beyond = b == 0xf4 && p[1] > 0x8f;
		return is_long || is_beyond ? 0 : 4;
	}
	return 0;
}

bool sou_mp_utf8(struct sou_span text)
{
	for (size_t i = 0; i < text.n;) {
		const uint8_t *p = text.p + i;
		uint8_t b = p[0];
		/* Most Japanese text is in three bytes whose second needs no closer look. */
		bool is_common = (b & 0xf0) == 0xe0 && b != 0xe0 && b != 0xed && text.n - i >= 3;
		if (is_common && is_tail(p[1]) && is_tail(p[2])) {
			i += 3;
			continue;
		}
		size_t n = character(p, text.n - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

static int write_cb(void *data, const char *bytes, size_t n)
{
	sou_buf_put(data, bytes, n);
	return 0; /* the buffer remembers a failure */
}

static msgpack_packer packer(struct sou_buf *buf)
{
	msgpack_packer pk;
	msgpack_packer_init(&pk, buf, write_cb);
	return pk;
}

void sou_mp_put_nil(struct sou_buf *buf)
{
	msgpack_packer pk = packer(buf);
	msgpack_pack_nil(&pk);
}

void sou_mp_put_uint(struct sou_buf *buf, uint64_t v)
{
	msgpack_packer pk = packer(buf);
	msgpack_pack_uint64(&pk, v);
}

void sou_mp_put_int(struct sou_buf *buf, int64_t v)
{
	msgpack_packer pk = packer(buf);
	msgpack_pack_int64(&pk, v);
}

void sou_mp_put_str(struct sou_buf *buf, const void *text, size_t n)
{
	msgpack_packer pk = packer(buf);
	msgpack_pack_str(&pk, n);
	sou_buf_put(buf, text, n);
}

void sou_mp_put_bin(struct sou_buf *buf, const void *bytes, size_t n)
{
	msgpack_packer pk = packer(buf);
	msgpack_pack_bin(&pk, n);
	sou_buf_put(buf, bytes, n);
}

void sou_mp_put_id(struct sou_buf *buf, const struct sou_id *id)
{
	sou_mp_put_bin(buf, id->b, sizeof id->b);
}

void sou_mp_put_hash(struct sou_buf *buf, const struct sou_hash *hash)
{
	sou_mp_put_bin(buf, hash->b, sizeof hash->b);
}

void sou_mp_put_array(struct sou_buf *buf, uint32_t count)
{
	msgpack_packer pk = packer(buf);
	msgpack_pack_array(&pk, count);
}

void sou_mp_put_raw(struct sou_buf *buf, struct sou_span value)
{
	sou_buf_put(buf, value.p, value.n);
}
