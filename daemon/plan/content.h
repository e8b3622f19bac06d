/* content.h - the value of a submission (P7.6): which versions of which items stand in which
 * column, which columns are nil, which measurements go with it. Pure. */
#ifndef SOUD_PLAN_CONTENT_H
#define SOUD_PLAN_CONTENT_H

#include "daemon/plan/pool.h"
#include "proto/error.h"
#include "proto/id.h"

struct soud_content_item {
	struct sou_id column, item, version;
};

struct soud_content_measure {
	struct sou_id indicator, version;
	int64_t mantissa;
	uint64_t decimals;
};

struct soud_content {
	const struct soud_content_item *items; /* in print order */
	const struct sou_id *nil_columns;
	const struct soud_content_measure *measures;
	size_t item_count, nil_count, measure_count;
};

/* Canonical bytes, appended. SOU_ELIMIT: more members than a list may have (P6.2), nothing was
 * appended. SOU_ENOMEM. */
int soud_content_pack(const struct soud_content *content, struct sou_buf *buf);

/* SOU_EFORMAT: not of P7.6's shape (any flat list may stand there, P6.8). SOU_ENOMEM. */
int soud_content_read(struct sou_span value, struct soud_pool *pool, struct soud_content *out);

bool soud_content_eq(const struct soud_content *a, const struct soud_content *b);

#endif
