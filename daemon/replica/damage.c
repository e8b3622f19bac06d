/* damage.c - the list in memory, and as one named value of the store:
 *   more u64be | rows of scope u32be, arrival u64be, own u8, kind u8, id 32 */
#include "daemon/replica/damage.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/grow.h"

#define META_DAMAGED   "damaged"
#define NUMBER_DAMAGED "damaged_stamp"
#define ROW_BYTES      46u

void soud_damage_fini(struct soud_damage *d)
{
	free(d->rows);
	*d = (struct soud_damage){0};
}

static int row_cmp(const struct soud_damaged *a, uint32_t scope, uint64_t arrival)
{
	if (a->scope != scope)
		return a->scope < scope ? -1 : 1;
	return a->arrival < arrival ? -1 : a->arrival > arrival;
}

static uint32_t place_of(const struct soud_damage *d, uint32_t scope, uint64_t arrival)
{
	uint32_t low = 0, high = d->count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (row_cmp(&d->rows[mid], scope, arrival) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct soud_damaged *soud_damage_find(const struct soud_damage *d, uint32_t scope,
					    uint64_t arrival)
{
	uint32_t at = place_of(d, scope, arrival);
	return at < d->count && row_cmp(&d->rows[at], scope, arrival) == 0 ? &d->rows[at] : NULL;
}

bool soud_damage_in(const struct soud_damage *d, uint32_t scope)
{
	uint32_t at = place_of(d, scope, 0);
	return at < d->count && d->rows[at].scope == scope;
}

int soud_damage_add(struct soud_damage *d, const struct soud_damaged *row)
{
	uint32_t at = place_of(d, row->scope, row->arrival);
	if (at < d->count && row_cmp(&d->rows[at], row->scope, row->arrival) == 0)
		return SOU_OK;
	if (d->count == SOU_DAMAGED_MAX) {
		d->more++;
		return SOU_OK;
	}
	struct soud_damaged *v = sou_grow(d->rows, &d->room, d->count, 1, sizeof *v);
	if (v == NULL)
		return SOU_ENOMEM;
	d->rows = v;
	memmove(v + at + 1, v + at, (d->count - at) * sizeof *v);
	v[at] = *row;
	d->count++;
	return SOU_OK;
}

void soud_damage_end(struct soud_damage *d, uint32_t scope, uint64_t arrival)
{
	uint32_t at = place_of(d, scope, arrival);
	if (at == d->count || row_cmp(&d->rows[at], scope, arrival) != 0)
		return;
	d->count--;
	memmove(d->rows + at, d->rows + at + 1, (d->count - at) * sizeof *d->rows);
}

static uint64_t get_be(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;
	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

int soud_damage_load(struct soud_damage *out, struct soud_store *s)
{
	struct soud_damage d = {0};
	struct sou_span value;
	int rc = soud_store_meta_get(s, META_DAMAGED, &value);
	if (rc == SOU_EUNKNOWN)
		value = (struct sou_span){NULL, 0};
	else if (rc != SOU_OK)
		return rc;
	else if (value.n < 8 || (value.n - 8) % ROW_BYTES != 0)
		return SOU_ECORRUPT;
	if (value.n > 0)
		d.more = get_be(value.p, 8);
	rc = SOU_OK;
	for (size_t at = 8; rc == SOU_OK && at < value.n; at += ROW_BYTES) {
		const uint8_t *p = value.p + at;
		struct soud_damaged row = {.scope = (uint32_t)get_be(p, 4),
					   .arrival = get_be(p + 4, 8),
					   .own = p[12] != 0,
					   .kind = p[13]};
		memcpy(row.id.b, p + 14, sizeof row.id.b);
		rc = soud_damage_add(&d, &row);
	}
	if (rc != SOU_OK) {
		soud_damage_fini(&d);
		return rc;
	}
	soud_damage_fini(out);
	*out = d;
	return SOU_OK;
}

int soud_damage_store(const struct soud_damage *d, struct soud_store *s)
{
	struct sou_buf buf = {0};
	uint64_t stamp = 0;
	sou_buf_put_u64be(&buf, d->more);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct soud_damaged *row = &d->rows[i];
		uint8_t head[14] = {0};
		for (unsigned k = 0; k < 4; k++)
			head[k] = (uint8_t)(row->scope >> (24 - 8 * k));
		for (unsigned k = 0; k < 8; k++)
			head[4 + k] = (uint8_t)(row->arrival >> (56 - 8 * k));
		head[12] = row->own;
		head[13] = row->kind;
		sou_buf_put(&buf, head, sizeof head);
		sou_buf_put(&buf, row->id.b, sizeof row->id.b);
	}
	int rc = buf.failed ? SOU_ENOMEM : soud_store_meta_put(s, META_DAMAGED, sou_buf_span(&buf));
	sou_buf_fini(&buf);
	if (rc == SOU_OK)
		rc = soud_damage_stamp(s, &stamp);
	return rc == SOU_OK ? soud_store_number_put(s, NUMBER_DAMAGED, stamp + 1) : rc;
}

int soud_damage_stamp(struct soud_store *s, uint64_t *out)
{
	uint64_t stamp = 0;
	int rc = soud_store_number_get(s, NUMBER_DAMAGED, &stamp);
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		*out = stamp;
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}
