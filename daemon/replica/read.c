/* read.c - one stored entry or op, read in place (P5.1, P6.1, P6.2). What is stored was read whole
 * before it was stored, so this walks to what is asked and copies nothing. */
#include "daemon/replica/read.h"

#include "proto/header.h"
#include "proto/limits.h"
#include "proto/mp.h"
#include "proto/payload.h"
#include "proto/schema.h"

struct walk { /* a payload up to its ops */
	uint64_t form;
	struct sou_mp salts; /* redacted form: stands at the first secret */
	struct sou_id for_org;
	struct sou_span by_value;
	uint32_t op_count;
	struct sou_mp m; /* stands at the first op */
};

static int walk_begin(struct walk *w, struct sou_span payload)
{
	struct sou_mp m = sou_mp_over(payload);
	sou_mp_array_of(&m, 7);
	w->form = sou_mp_uint(&m, SOU_FORM_REDACTED);
	struct sou_span salts = sou_mp_any(&m, 1, SOU_OPS_MAX + 1);
	w->for_org = sou_mp_id(&m);
	w->by_value = sou_mp_any(&m, 0, 0);
	(void)sou_mp_any(&m, 1, SOU_CITES_MAX);
	(void)sou_mp_any(&m, 1, SOU_PARTS_MAX);
	w->op_count = sou_mp_array(&m, SOU_OPS_MAX);
	w->m = m;
	w->salts = sou_mp_over(salts);
	if (w->form == SOU_FORM_REDACTED)
		(void)sou_mp_array(&w->salts, SOU_OPS_MAX + 1);
	return m.rc == SOU_OK ? SOU_OK : SOU_ECORRUPT;
}

/* The next committed value's secret: did the value go? */
static bool next_went(struct walk *w)
{
	return w->form == SOU_FORM_REDACTED && sou_mp_bin(&w->salts, 16, 32).n == 32;
}

int soud_read_entry(struct soud_store *s, uint32_t scope, uint64_t arrival,
		    struct soud_read_entry *out)
{
	struct soud_row row;
	struct sou_header header;
	int rc = soud_store_log_get(s, scope, arrival, &row);
	if (rc != SOU_OK)
		return rc;
	if (sou_header_read(&header, row.header) != SOU_OK)
		return SOU_ECORRUPT;
	struct soud_read_entry e = {.arrival = arrival,
				    .id = row.id,
				    .site = header.site,
				    .key = header.key,
				    .hlc = header.hlc,
				    .seq = header.seq,
				    .source = row.source,
				    .received_ms = row.received_ms,
				    .kind = row.kind,
				    .body = row.body,
				    .verdict = row.verdict,
				    .clock = header.clock,
				    .shown = row.shown};
	if (row.payload.n > 0) {
		struct walk w;
		rc = walk_begin(&w, row.payload);
		if (rc != SOU_OK)
			return rc;
		e.for_org = w.for_org;
		e.op_count = w.op_count;
		e.by_redacted = next_went(&w);
		if (!e.by_redacted && !soud_value_str(w.by_value, &e.by))
			return SOU_ECORRUPT;
	}
	*out = e;
	return SOU_OK;
}

static int read_op(struct walk *w, struct soud_read_op *out)
{
	struct sou_mp *m = &w->m;
	sou_mp_array_of(m, 6);
	out->type = (uint16_t)sou_mp_uint(m, SOU_NUMBER_MAX);
	out->kind = (uint16_t)sou_mp_uint(m, SOU_NUMBER_MAX);
	out->entity = sou_mp_id(m);
	out->field = (uint16_t)sou_mp_uint(m, SOU_NUMBER_MAX);
	out->value = sou_mp_any(m, 1, SOU_LIST_MAX);
	out->replaces = sou_mp_any(m, 1, SOU_REPLACES_MAX);
	out->redacted = sou_op_is_committed(out->type) && next_went(w);
	return m->rc == SOU_OK ? SOU_OK : SOU_ECORRUPT;
}

int soud_read_op(struct soud_store *s, uint32_t scope, uint64_t arrival, uint32_t i,
		 struct soud_read_op *out)
{
	struct soud_row row;
	struct walk w;
	struct soud_read_op op = {0};
	int rc = soud_store_log_get(s, scope, arrival, &row);
	if (rc != SOU_OK)
		return rc;
	if (row.payload.n == 0)
		return SOU_EUNKNOWN;
	rc = walk_begin(&w, row.payload);
	(void)next_went(&w); /* of `by` */
	if (rc == SOU_OK && i >= w.op_count)
		return SOU_EUNKNOWN;
	for (uint32_t k = 0; rc == SOU_OK && k <= i; k++)
		rc = read_op(&w, &op);
	if (rc == SOU_OK)
		*out = op;
	return rc;
}

bool soud_value_str(struct sou_span value, struct sou_span *out)
{
	struct sou_mp m = sou_mp_over(value);
	struct sou_span text = sou_mp_str(&m, SOU_STR_BYTES_MAX);
	if (sou_mp_end(&m) != SOU_OK)
		return false;
	*out = text;
	return true;
}

bool soud_value_uint(struct sou_span value, uint64_t *out)
{
	struct sou_mp m = sou_mp_over(value);
	uint64_t v = sou_mp_uint(&m, UINT64_MAX);
	if (sou_mp_end(&m) != SOU_OK)
		return false;
	*out = v;
	return true;
}

bool soud_value_id(struct sou_span value, struct sou_id *out)
{
	struct sou_mp m = sou_mp_over(value);
	struct sou_id id = sou_mp_id(&m);
	if (sou_mp_end(&m) != SOU_OK)
		return false;
	*out = id;
	return true;
}
