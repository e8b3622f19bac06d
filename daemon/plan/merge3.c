/* merge3.c - longest common subsequence of base and each side, then a walk over what both keep. */
#include "daemon/plan/merge3.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "proto/error.h"
#include "proto/limits.h"

#define CELLS_MAX (4u << 20) /* of one comparison: 8 MiB, some 10 ms */
_Static_assert(SOU_STR_BYTES_MAX < UINT16_MAX, "a length fits in a cell");

struct text { /* cluster i is bytes [at[i], at[i + 1]) */
	const char *bytes;
	uint32_t *at;
	size_t count;
};

static int text_divide(const char *bytes, struct soud_pool *pool, struct text *out)
{
	size_t n = strlen(bytes), count = 0;
	if (n > SOU_STR_BYTES_MAX)
		return SOU_ELIMIT;
	uint32_t *at = soud_pool_take(pool, (n + 1) * sizeof *at);
	if (at == NULL)
		return SOU_ENOMEM;
	utf8proc_int32_t before = 0, state = 0;
	for (size_t i = 0; i < n;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)bytes + i,
							 (utf8proc_ssize_t)(n - i), &c);
		if (step <= 0)
			return SOU_EINPUT;
		if (i == 0 || utf8proc_grapheme_break_stateful(before, c, &state))
			at[count++] = (uint32_t)i;
		before = c;
		i += (size_t)step;
	}
	at[count] = (uint32_t)n;
	*out = (struct text){bytes, at, count};
	return SOU_OK;
}

static bool same(const struct text *a, size_t i, const struct text *b, size_t k)
{
	size_t n = a->at[i + 1] - a->at[i];
	return n == b->at[k + 1] - b->at[k] &&
	       memcmp(a->bytes + a->at[i], b->bytes + b->at[k], n) == 0;
}

/* match[i]: the cluster of `side` that cluster i of `base` became, or -1. */
static int match_make(const struct text *base, const struct text *side, struct soud_pool *pool,
		      int32_t **out)
{
	size_t head = 0, n = base->count, m = side->count;
	int32_t *match = soud_pool_take(pool, (n + 1) * sizeof *match);
	if (match == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < n; i++)
		match[i] = -1;
	for (; head < n && head < m && same(base, head, side, head); head++)
		match[head] = (int32_t)head;
	for (; n > head && m > head && same(base, n - 1, side, m - 1); n--, m--)
		match[n - 1] = (int32_t)m - 1;
	size_t rows = n - head, columns = m - head;
	*out = match;
	if (rows == 0 || columns == 0)
		return SOU_OK;
	if ((rows + 1) * (columns + 1) > CELLS_MAX)
		return SOU_ELIMIT;
	/* cell[i][k]: the longest for what follows row i and column k. */
	uint16_t *cell = calloc((rows + 1) * (columns + 1), sizeof *cell);
	if (cell == NULL)
		return SOU_ENOMEM;
	size_t w = columns + 1;
	for (size_t i = rows; i-- > 0;) {
		for (size_t k = columns; k-- > 0;) {
			uint16_t down = cell[(i + 1) * w + k], right = cell[i * w + k + 1];
			uint16_t best = down > right ? down : right;
			if (same(base, head + i, side, head + k))
				best = (uint16_t)(cell[(i + 1) * w + k + 1] + 1);
			cell[i * w + k] = best;
		}
	}
	for (size_t i = 0, k = 0; i < rows && k < columns;) {
		if (same(base, head + i, side, head + k)) {
			match[head + i] = (int32_t)(head + k);
			i++;
			k++;
		} else if (cell[(i + 1) * w + k] >= cell[i * w + k + 1]) {
			i++;
		} else {
			k++;
		}
	}
	free(cell);
	return SOU_OK;
}

static bool run_same(const struct text *a, size_t a0, size_t a1, const struct text *b, size_t b0,
		     size_t b1)
{
	size_t n = a->at[a1] - a->at[a0];
	return n == b->at[b1] - b->at[b0] &&
	       memcmp(a->bytes + a->at[a0], b->bytes + b->at[b0], n) == 0;
}

static void run_add(char *to, size_t *used, const struct text *t, size_t from, size_t end)
{
	size_t n = t->at[end] - t->at[from];
	memcpy(to + *used, t->bytes + t->at[from], n);
	*used += n;
}

/* Between two clusters that all three keep, at most one side may differ from base. */
static int walk(const struct text *o, const struct text *a, const struct text *b,
		const int32_t *in_a, const int32_t *in_b, char *to, size_t *used)
{
	size_t io = 0, ia = 0, ib = 0;
	for (;;) {
		size_t eo = io;
		while (eo < o->count && (in_a[eo] < 0 || in_b[eo] < 0))
			eo++;
		size_t ea = eo < o->count ? (size_t)in_a[eo] : a->count;
		size_t eb = eo < o->count ? (size_t)in_b[eo] : b->count;
		if (run_same(o, io, eo, b, ib, eb))
			run_add(to, used, a, ia, ea);
		else if (run_same(o, io, eo, a, ia, ea) || run_same(a, ia, ea, b, ib, eb))
			run_add(to, used, b, ib, eb);
		else
			return SOU_ECONFLICT;
		if (eo == o->count)
			return SOU_OK;
		run_add(to, used, o, eo, eo + 1);
		io = eo + 1;
		ia = ea + 1;
		ib = eb + 1;
	}
}

int soud_merge3(const char *base, const char *a, const char *b, struct soud_pool *pool,
		const char **out)
{
	struct text o, x, y;
	int32_t *in_x = NULL, *in_y = NULL;
	size_t used = 0;
	int rc = text_divide(base, pool, &o);
	if (rc == SOU_OK)
		rc = text_divide(a, pool, &x);
	if (rc == SOU_OK)
		rc = text_divide(b, pool, &y);
	if (rc == SOU_OK)
		rc = match_make(&o, &x, pool, &in_x);
	if (rc == SOU_OK)
		rc = match_make(&o, &y, pool, &in_y);
	if (rc != SOU_OK)
		return rc;
	char *to = soud_pool_take(pool, strlen(base) + strlen(a) + strlen(b) + 1);
	if (to == NULL)
		return SOU_ENOMEM;
	rc = walk(&o, &x, &y, in_x, in_y, to, &used);
	if (rc != SOU_OK)
		return rc;
	if (used > SOU_STR_BYTES_MAX)
		return SOU_ELIMIT;
	to[used] = '\0';
	*out = to;
	return SOU_OK;
}
