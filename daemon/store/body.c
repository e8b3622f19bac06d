/* body.c - packs and reads a record's row. Live versions of one entry share what the entry tells.
 *
 *   body  = groups lives gaps names
 *   group = version 16 | pos | hlc u64be | clock u8
 *   live  = field | group | op | flags u8 | [bytes | value]
 *   gap   = field | version 16        name = version 16
 * Each list begins with its count; counts and small numbers are LEB128. */
#include "daemon/store/body.h"

#include <string.h>

#include "proto/limits.h"

enum { LIVE_REDACTED = 1, LIVE_DISPUTED = 2, LIVE_VALUE = 4, LIVE_FLAGS = 7 };
#define GROUPS_BACK 8u /* how far back a group is looked for */

static void put_number(struct sou_buf *buf, uint64_t v)
{
	while (v >= 0x80) {
		sou_buf_put_u8(buf, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	sou_buf_put_u8(buf, (uint8_t)v);
}

/* Index of the live version that the group of lives[i] was made from; i itself makes a new one. */
static uint32_t first_of_group(const struct sou_record *record, const uint32_t *firsts,
			       uint32_t count, uint32_t i, uint32_t *group)
{
	for (uint32_t k = count; k > 0 && count - k < GROUPS_BACK; k--) {
		uint32_t first = firsts[(k - 1) % GROUPS_BACK];
		if (record->lives[first].pos == record->lives[i].pos) {
			*group = k - 1;
			return first;
		}
	}
	*group = count;
	return i;
}

static void put_groups(struct sou_buf *buf, const struct sou_record *record)
{
	uint32_t firsts[GROUPS_BACK], count = 0, group;
	for (uint32_t i = 0; i < record->live_count; i++)
		if (first_of_group(record, firsts, count, i, &group) == i)
			firsts[count++ % GROUPS_BACK] = i;
	put_number(buf, count);
	count = 0;
	for (uint32_t i = 0; i < record->live_count; i++) {
		const struct sou_live *l = &record->lives[i];
		if (first_of_group(record, firsts, count, i, &group) != i)
			continue;
		firsts[count++ % GROUPS_BACK] = i;
		sou_buf_put(buf, l->version.b, sizeof l->version.b);
		put_number(buf, l->pos);
		sou_buf_put_u64be(buf, l->hlc);
		sou_buf_put_u8(buf, l->clock);
	}
}

static void put_lives(struct sou_buf *buf, const struct sou_record *record)
{
	uint32_t firsts[GROUPS_BACK], count = 0, group;
	put_number(buf, record->live_count);
	for (uint32_t i = 0; i < record->live_count; i++) {
		const struct sou_live *l = &record->lives[i];
		if (first_of_group(record, firsts, count, i, &group) == i)
			firsts[count++ % GROUPS_BACK] = i;
		bool value = l->value.p != NULL && !l->redacted && !l->redacted &&
			     l->value.n <= SOUD_BODY_VALUE_BYTES_MAX;
		put_number(buf, l->field);
		put_number(buf, group);
		put_number(buf, l->op);
		sou_buf_put_u8(buf, (uint8_t)((l->redacted ? LIVE_REDACTED : 0) |
					      (l->disputed ? LIVE_DISPUTED : 0) |
					      (value ? LIVE_VALUE : 0)));
		if (value) {
			put_number(buf, l->value.n);
			sou_buf_put(buf, l->value.p, l->value.n);
		}
	}
}

void soud_body_pack(struct sou_buf *buf, const struct sou_record *record)
{
	put_groups(buf, record);
	put_lives(buf, record);
	put_number(buf, record->gap_count);
	for (uint32_t i = 0; i < record->gap_count; i++) {
		put_number(buf, record->gaps[i].field);
		sou_buf_put(buf, record->gaps[i].version.b, sizeof record->gaps[i].version.b);
	}
	put_number(buf, record->named_count);
	for (uint32_t i = 0; i < record->named_count; i++)
		sou_buf_put(buf, record->named[i].b, sizeof record->named[i].b);
}

struct cursor { /* sticky: after a failure everything reads as 0 */
	const uint8_t *p, *end;
	bool failed;
};

static const uint8_t *take(struct cursor *c, size_t n)
{
	static const uint8_t zeros[SOU_STR_BYTES_MAX];
	if (c->failed || (size_t)(c->end - c->p) < n) {
		c->failed = true;
		SOU_ASSERT(n <= sizeof zeros);
		return zeros;
	}
	const uint8_t *p = c->p;
	c->p += n;
	return p;
}

static uint64_t take_number(struct cursor *c, uint64_t max)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = *take(c, 1);
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			if (v > max)
				c->failed = true;
			return c->failed ? 0 : v;
		}
	}
	c->failed = true;
	return 0;
}

/* A count of members of at least `bytes` each: never more than what is left can hold. */
static uint32_t take_count(struct cursor *c, size_t bytes)
{
	return (uint32_t)take_number(c, (uint64_t)(c->end - c->p) / bytes);
}

#define GROUP_BYTES_MIN 26u

/* Groups have no fixed length: read again from their start for each new one that is asked for. */
struct groups {
	const uint8_t *start;
	struct cursor at;
	uint32_t index, count;
	struct sou_live of; /* what the group at `index` tells */
};

static void group_read(struct groups *g)
{
	memcpy(g->of.version.b, take(&g->at, sizeof g->of.version.b), sizeof g->of.version.b);
	g->of.pos = take_number(&g->at, SOU_ARRIVAL_MAX);
	const uint8_t *hlc = take(&g->at, 8);
	g->of.hlc = 0;
	for (unsigned i = 0; i < 8; i++)
		g->of.hlc = g->of.hlc << 8 | hlc[i];
	g->of.clock = *take(&g->at, 1);
}

static void group_seek(struct groups *g, uint32_t index)
{
	if (g->index == index)
		return;
	if (g->index == UINT32_MAX || g->index > index) {
		g->at.p = g->start;
		g->index = 0;
		group_read(g);
	}
	for (; g->index < index; g->index++)
		group_read(g);
}

static int read_lives(struct sou_record *record, struct cursor *c)
{
	struct groups g = {.count = take_count(c, GROUP_BYTES_MIN), .index = UINT32_MAX};
	g.start = c->p;
	g.at = *c;
	for (uint32_t i = 0; i < g.count; i++)
		group_read(&g);
	c->p = g.at.p;
	c->failed = c->failed || g.at.failed;
	uint32_t count = take_count(c, 4);
	int rc = sou_record_reserve(record, count, 0, 0);
	if (rc != SOU_OK)
		return rc;
	for (uint32_t i = 0; i < count && !c->failed; i++) {
		uint16_t field = (uint16_t)take_number(c, UINT16_MAX);
		uint32_t group = (uint32_t)take_number(c, g.count - 1);
		if (c->failed || g.count == 0)
			return SOU_ECORRUPT;
		group_seek(&g, group);
		struct sou_live *l = &record->lives[record->live_count++];
		*l = g.of;
		l->field = field;
		l->op = (uint16_t)take_number(c, UINT16_MAX);
		uint8_t flags = *take(c, 1);
		l->redacted = flags & LIVE_REDACTED;
		l->disputed = flags & LIVE_DISPUTED;
		l->value = (struct sou_span){NULL, 0};
		if (flags & LIVE_VALUE) {
			l->value.n = take_number(c, SOUD_BODY_VALUE_BYTES_MAX);
			l->value.p = take(c, l->value.n);
		}
		c->failed = c->failed || flags > LIVE_FLAGS || l->field < l[-(i > 0)].field;
	}
	return c->failed ? SOU_ECORRUPT : SOU_OK;
}

int soud_body_read(struct sou_record *record, struct sou_span body)
{
	if (body.n == 0) /* three counts stand in the shortest one */
		return SOU_ECORRUPT;
	sou_buf_put(&record->bytes, body.p, body.n);
	if (record->bytes.failed)
		return SOU_ENOMEM;
	struct cursor c = {record->bytes.p, record->bytes.p + record->bytes.n, false};
	int rc = read_lives(record, &c);
	uint32_t gaps = rc == SOU_OK ? take_count(&c, 17) : 0;
	if (rc == SOU_OK)
		rc = sou_record_reserve(record, 0, gaps, 0);
	for (uint32_t i = 0; rc == SOU_OK && i < gaps; i++) {
		struct sou_gap *gap = &record->gaps[record->gap_count++];
		gap->field = (uint16_t)take_number(&c, UINT16_MAX);
		memcpy(gap->version.b, take(&c, 16), sizeof gap->version.b);
	}
	uint32_t names = rc == SOU_OK ? take_count(&c, 16) : 0;
	if (rc == SOU_OK)
		rc = sou_record_reserve(record, 0, 0, names);
	for (uint32_t i = 0; rc == SOU_OK && i < names; i++)
		memcpy(record->named[record->named_count++].b, take(&c, 16), 16);
	if (rc == SOU_OK && (c.failed || c.p != c.end))
		rc = SOU_ECORRUPT;
	return rc == SOU_OK ? sou_record_index(record) : rc;
}
