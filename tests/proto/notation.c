/* notation.c - the reader of notation.h. */
#include "tests/proto/notation.h"

#include <ctype.h>
#include <stdio.h>

#include "proto/mp.h"

struct reader {
	const char *p;
	unsigned long turn; /* of the innermost repeat */
};

static uint32_t members(struct reader *r, struct sou_buf *out, char end);

static void bad(const struct reader *r)
{
	REQUIRE(test_printf("notation at \"%.30s\"", r->p), false);
}

static uint8_t hex_pair(struct reader *r)
{
	unsigned v = 0;
	if (sscanf(r->p, "%2x", &v) != 1 || !isxdigit((unsigned char)r->p[1]))
		bad(r);
	r->p += 2;
	return (uint8_t)v;
}

static void bin(struct reader *r, struct sou_buf *out, size_t n)
{
	uint8_t *bytes = test_alloc(n + 1);
	if (n > 0)
		memset(bytes, hex_pair(r), n);
	if (*r->p == '+') {
		char *end = (char *)r->p + 1; /* strtoul would pass over blanks */
		unsigned long last =
			isdigit((unsigned char)*end) ? strtoul(end, &end, 10) : r->turn;
		r->p = end;
		bytes[n - 1] = (uint8_t)last;
		bytes[n - 2] = (uint8_t)(last >> 8);
	}
	sou_mp_put_bin(out, bytes, n);
}

static void raw(struct reader *r, struct sou_buf *out, bool is_bin)
{
	struct sou_buf bytes = {0};
	while (isxdigit((unsigned char)*r->p))
		sou_buf_put_u8(&bytes, hex_pair(r));
	if (is_bin)
		sou_mp_put_bin(out, bytes.p, bytes.n);
	else
		sou_buf_put(out, bytes.p, bytes.n);
	sou_buf_fini(&bytes);
}

static void str(struct reader *r, struct sou_buf *out, size_t n)
{
	if (n > 0) {
		char *text = test_alloc(n);
		memset(text, *r->p++, n);
		sou_mp_put_str(out, text, n);
		return;
	}
	n = strcspn(r->p, " ])");
	sou_mp_put_str(out, r->p, n);
	r->p += n;
}

static void number(struct reader *r, struct sou_buf *out)
{
	char *end;
	if (*r->p == '-')
		sou_mp_put_int(out, strtoll(r->p, &end, 10));
	else
		sou_mp_put_uint(out, strtoull(r->p, &end, 10));
	r->p = end;
}

static void array(struct reader *r, struct sou_buf *out)
{
	struct sou_buf inside = {0};
	r->p++;
	uint32_t count = members(r, &inside, ']');
	sou_mp_put_array(out, count);
	sou_mp_put_raw(out, sou_buf_span(&inside));
	sou_buf_fini(&inside);
}

/* One member, or a repeat of some; how many were put. */
static uint32_t member(struct reader *r, struct sou_buf *out)
{
	size_t n = 0;
	int used = 0;
	unsigned long times = 0;
	if (sscanf(r->p, "%lu*(%n", &times, &used) == 1 && used > 0) {
		struct reader inner = *r;
		uint32_t count = 0;
		const char *start = r->p + used;
		for (unsigned long i = 0; i < times; i++) {
			inner.p = start;
			inner.turn = i;
			count += members(&inner, out, ')');
		}
		if (times == 0)
			bad(r);
		r->p = inner.p;
		return count;
	}
	if (*r->p == '[') {
		array(r, out);
	} else if (*r->p == '~') {
		sou_mp_put_nil(out);
		r->p++;
	} else if (isdigit((unsigned char)*r->p) || *r->p == '-') {
		number(r, out);
	} else if (sscanf(r->p, "b%zu:%n", &n, &used) == 1 && used > 0) {
		r->p += used;
		bin(r, out, n);
	} else if (sscanf(r->p, "s%zu:%n", &n, &used) == 1 && used > 0) {
		r->p += used;
		str(r, out, n);
	} else if (strncmp(r->p, "s:", 2) == 0) {
		r->p += 2;
		str(r, out, 0);
	} else if (strncmp(r->p, "h:", 2) == 0 || strncmp(r->p, "x:", 2) == 0) {
		bool is_bin = *r->p == 'h';
		r->p += 2;
		raw(r, out, is_bin);
	} else {
		bad(r);
	}
	return 1;
}

static uint32_t members(struct reader *r, struct sou_buf *out, char end)
{
	uint32_t count = 0;
	for (;;) {
		r->p += strspn(r->p, " ");
		if (*r->p == end) {
			r->p += end != '\0';
			return count;
		}
		if (*r->p == '\0')
			bad(r);
		count += member(r, out);
	}
}

struct test_bytes notation(const char *text)
{
	struct sou_buf out = {0};
	struct reader r = {text, 0};
	members(&r, &out, '\0');
	REQUIRE(text, !out.failed);
	struct test_bytes b = test_copy(out.p, out.n);
	sou_buf_fini(&out);
	return b;
}

struct sou_span notation_span(const char *text)
{
	struct test_bytes b = notation(text);
	return (struct sou_span){b.b, b.n};
}

struct sou_span notation_sized(const char *before, size_t n, const char *after, size_t total)
{
	size_t got = notation(test_printf("%s%zu%s", before, n, after)).n;
	struct sou_span bytes =
		notation_span(test_printf("%s%zu%s", before, n + total - got, after));
	REQUIRE("as counted", bytes.n == total);
	return bytes;
}
