/* test_mp_msgpack.c - whatever the strict reader takes, msgpack-c reads as the same value and packs
 * to the same bytes (P2.5; bars: 10^4, long 10^7). Bytes are drawn so that many are taken: values
 * packed by msgpack-c in forms of every length, and those with a few bits turned.
 * SOU_DIFFERENTIAL: how many. */
#include <msgpack.h>
#include <stdio.h>

#include "proto/limits.h"
#include "tests/lib/check.h"
#include "tests/proto/packed.h"

#define COUNT_QUICK 20000u
#define BYTES_MAX   4096u

struct maker {
	uint64_t random;
	msgpack_sbuffer out;
	msgpack_packer packer;
};

static uint64_t draw(struct maker *m)
{
	m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return m->random >> 16;
}

static uint32_t below(struct maker *m, uint32_t n)
{
	return (uint32_t)(draw(m) % n);
}

/* Near the powers of two at which a form ends. */
static uint64_t edge(struct maker *m)
{
	uint32_t bits = below(m, 65);
	uint64_t v = bits == 64 ? UINT64_MAX : UINT64_C(1) << bits;
	return v + below(m, 3) - 1;
}

static void text(struct maker *m)
{
	static const char *const letters[] = {"a", "é", "漢", "𠮷", "㌻", "\x01", "~"};
	char bytes[400];
	size_t n = 0, wanted = below(m, 10) == 0 ? 250 + below(m, 12) : below(m, 40);
	while (n < wanted) {
		const char *letter = letters[below(m, ARRAY_LEN(letters))];
		for (; *letter != 0; letter++)
			bytes[n++] = *letter;
	}
	msgpack_pack_str(&m->packer, n);
	msgpack_pack_str_body(&m->packer, bytes, n);
}

static void value(struct maker *m, unsigned depth)
{
	static const uint8_t bytes[300];
	size_t n;
	switch (below(m, depth < 5 ? 9 : 6)) {
	case 0:
		msgpack_pack_nil(&m->packer);
		break;
	case 1:
	case 2:
		msgpack_pack_uint64(&m->packer, edge(m));
		break;
	case 3:
		msgpack_pack_int64(&m->packer, -(int64_t)(edge(m) >> 1));
		break;
	case 4:
		text(m);
		break;
	case 5:
		n = below(m, 8) == 0 ? 250 + below(m, 12) : below(m, 36);
		msgpack_pack_bin(&m->packer, n);
		msgpack_pack_bin_body(&m->packer, bytes, n);
		break;
	default:
		n = below(m, 8) == 0 ? 14 + below(m, 5) : below(m, 5);
		msgpack_pack_array(&m->packer, n);
		while (n-- > 0)
			value(m, depth + 1);
		break;
	}
}

static void bend(struct maker *m, uint8_t *p, size_t n)
{
	for (uint32_t k = below(m, 4); k > 0; k--)
		p[below(m, (uint32_t)n)] ^= (uint8_t)(1u << below(m, 8));
}

TEST(mp, within_msgpack)
{
	const char *asked = getenv("SOU_DIFFERENTIAL");
	unsigned long count = asked != NULL ? strtoul(asked, NULL, 10) : COUNT_QUICK, taken = 0;
	struct maker m = {.random = 1};
	msgpack_sbuffer_init(&m.out);
	msgpack_packer_init(&m.packer, &m.out, msgpack_sbuffer_write);
	for (unsigned long i = 0; i < count; i++) {
		msgpack_sbuffer_clear(&m.out);
		value(&m, 0);
		if (m.out.size > BYTES_MAX)
			continue;
		bend(&m, (uint8_t *)m.out.data, m.out.size);
		struct sou_span bytes = {(const uint8_t *)m.out.data,
					 m.out.size - (below(&m, 16) == 0)};
		if (sou_mp_check(bytes) != SOU_OK)
			continue;
		taken++;
		const char *what = packed_differs(bytes);
		if (what != NULL)
			check_failed(__FILE__, __LINE__, "P2.5", "%s: %s", what,
				     test_hex_text(bytes.p, bytes.n));
	}
	msgpack_sbuffer_destroy(&m.out);
	printf("%lu byte strings, %lu of them taken\n", count, taken);
	CHECK("P2.5 enough to compare", taken > count / 4);
}

TEST(mp, a_difference_is_noticed)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"P2.1 a longer form packs shorter", "cc 01"},
		{"P2.4 a rest", "01 02"},
		{"P2.4 cut short", "92 01"},
		{"P2.1 a map is no value here", "80"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_bytes b = test_hex(cases[i].hex);
		CHECK(cases[i].name, packed_differs((struct sou_span){b.b, b.n}) != NULL);
	}
}
