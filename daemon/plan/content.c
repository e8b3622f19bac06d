/* content.c - packs and reads P7.6. */
#include "daemon/plan/content.h"

#include <string.h>

#include "proto/limits.h"
#include "proto/mp.h"

int soud_content_pack(const struct soud_content *content, struct sou_buf *buf)
{
	if (content->item_count > SOU_LIST_MAX || content->nil_count > SOU_LIST_MAX ||
	    content->measure_count > SOU_LIST_MAX)
		return SOU_ELIMIT;
	size_t members =
		3 + 3 * content->item_count + content->nil_count + 4 * content->measure_count;
	if (members > SOU_LIST_MAX)
		return SOU_ELIMIT;
	sou_mp_put_array(buf, (uint32_t)members);
	sou_mp_put_uint(buf, content->item_count);
	for (size_t i = 0; i < content->item_count; i++) {
		sou_mp_put_id(buf, &content->items[i].column);
		sou_mp_put_id(buf, &content->items[i].item);
		sou_mp_put_id(buf, &content->items[i].version);
	}
	sou_mp_put_uint(buf, content->nil_count);
	for (size_t i = 0; i < content->nil_count; i++)
		sou_mp_put_id(buf, &content->nil_columns[i]);
	sou_mp_put_uint(buf, content->measure_count);
	for (size_t i = 0; i < content->measure_count; i++) {
		sou_mp_put_id(buf, &content->measures[i].indicator);
		sou_mp_put_id(buf, &content->measures[i].version);
		sou_mp_put_int(buf, content->measures[i].mantissa);
		sou_mp_put_uint(buf, content->measures[i].decimals);
	}
	return buf->failed ? SOU_ENOMEM : SOU_OK;
}

int soud_content_read(struct sou_span value, struct soud_pool *pool, struct soud_content *out)
{
	struct sou_mp m = sou_mp_over(value);
	struct soud_content c = {0};
	uint64_t members = sou_mp_array(&m, SOU_LIST_MAX);
	c.item_count = sou_mp_uint(&m, members / 3);
	struct soud_content_item *items = soud_pool_take(pool, c.item_count * sizeof *items);
	for (size_t i = 0; items != NULL && i < c.item_count; i++) {
		items[i].column = sou_mp_id(&m);
		items[i].item = sou_mp_id(&m);
		items[i].version = sou_mp_id(&m);
	}
	c.nil_count = sou_mp_uint(&m, members);
	struct sou_id *nil = soud_pool_take(pool, c.nil_count * sizeof *nil);
	for (size_t i = 0; nil != NULL && i < c.nil_count; i++)
		nil[i] = sou_mp_id(&m);
	c.measure_count = sou_mp_uint(&m, members / 4);
	struct soud_content_measure *measures =
		soud_pool_take(pool, c.measure_count * sizeof *measures);
	for (size_t i = 0; measures != NULL && i < c.measure_count; i++) {
		bool negative;
		measures[i].indicator = sou_mp_id(&m);
		measures[i].version = sou_mp_id(&m);
		uint64_t mantissa = sou_mp_int(&m, &negative);
		measures[i].decimals = sou_mp_uint(&m, UINT64_MAX);
		if (!negative && mantissa > INT64_MAX)
			sou_mp_fail(&m, SOU_EFORMAT);
		memcpy(&measures[i].mantissa, &mantissa, sizeof mantissa);
	}
	if (pool->failed)
		return SOU_ENOMEM;
	if (3 + 3 * c.item_count + c.nil_count + 4 * c.measure_count != members)
		sou_mp_fail(&m, SOU_EFORMAT);
	if (sou_mp_end(&m) != SOU_OK)
		return SOU_EFORMAT;
	c.items = items;
	c.nil_columns = nil;
	c.measures = measures;
	*out = c;
	return SOU_OK;
}

bool soud_content_eq(const struct soud_content *a, const struct soud_content *b)
{
	if (a->item_count != b->item_count || a->nil_count != b->nil_count ||
	    a->measure_count != b->measure_count)
		return false;
	for (size_t i = 0; i < a->item_count; i++) {
		if (!sou_id_eq(&a->items[i].column, &b->items[i].column) ||
		    !sou_id_eq(&a->items[i].item, &b->items[i].item) ||
		    !sou_id_eq(&a->items[i].version, &b->items[i].version))
			return false;
	}
	for (size_t i = 0; i < a->nil_count; i++) {
		if (!sou_id_eq(&a->nil_columns[i], &b->nil_columns[i]))
			return false;
	}
	for (size_t i = 0; i < a->measure_count; i++) {
		const struct soud_content_measure *x = &a->measures[i], *y = &b->measures[i];
		if (!sou_id_eq(&x->indicator, &y->indicator) ||
		    !sou_id_eq(&x->version, &y->version) || x->mantissa != y->mantissa ||
		    x->decimals != y->decimals)
			return false;
	}
	return true;
}
