/* merger.c - the smallest store that the merge can run on. */
#include "tests/proto/merger.h"

#include <stdlib.h>

#include "proto/schema.h"
#include "tests/lib/check.h"

static struct sou_version version_of(const struct merger *m, uint32_t entry, uint32_t i)
{
	const struct merger_entry *e = &m->entries[entry];
	const struct merger_op *op = &e->ops[i];
	return (struct sou_version){.id = e->version,
				    .pos = entry + 1,
				    .hlc = e->hlc,
				    .type = op->type,
				    .field = op->field,
				    .op = (uint16_t)i,
				    .clock = e->clock,
				    .shown = e->shown,
				    .redacted = op->redacted,
				    .value = {m->values_apart ? NULL : &op->value, 1},
				    .replaces = {op->names, op->name_count, 16}};
}

static int find_cb(void *ctx, const struct sou_id *version, uint64_t *pos, bool *shown)
{
	const struct merger *m = ctx;
	for (uint32_t i = 0; i < m->entry_count; i++) {
		const struct merger_entry *e = &m->entries[i];
		if (!e->taken || !e->has_payload || !sou_id_eq(&e->version, version))
			continue;
		*pos = i + 1;
		*shown = e->shown;
		return SOU_OK;
	}
	return SOU_EUNKNOWN;
}

static int op_cb(void *ctx, uint64_t pos, uint16_t kind, const struct sou_id *entity,
		 uint16_t field, struct sou_version *out)
{
	const struct merger *m = ctx;
	const struct merger_entry *e = &m->entries[pos - 1];
	for (uint32_t i = 0; e->counts && i < e->op_count; i++) {
		const struct merger_op *op = &e->ops[i];
		if (op->type == SOU_OP_DELETE || op->kind != kind || op->field != field ||
		    !sou_id_eq(&op->entity, entity))
			continue;
		*out = version_of(m, (uint32_t)pos - 1, i);
		return SOU_OK;
	}
	return SOU_EUNKNOWN;
}

static int value_cb(void *ctx, const struct sou_live *live, struct sou_span *out)
{
	/* Lent only until the next call: a merge that keeps it compares a byte with itself. */
	static uint8_t lent;
	const struct merger *m = ctx;
	lent = m->entries[live->pos - 1].ops[live->op].value;
	*out = (struct sou_span){&lent, 1};
	return SOU_OK;
}

void merger_init(struct merger *m)
{
	memset(m, 0, sizeof *m);
	m->view = (struct sou_merge_view){m, find_cb, op_cb, value_cb};
}

void merger_fini(struct merger *m)
{
	for (uint32_t i = 0; i < MERGER_ENTRIES_MAX; i++)
		sou_record_fini(&m->records[i]);
}

void merger_name(struct merger_op *op, const struct sou_id *version)
{
	uint8_t *p = op->names + (size_t)op->name_count++ * 18;
	REQUIRE("room", op->name_count <= MERGER_ENTRIES_MAX);
	p[0] = 0xc4;
	p[1] = 16;
	memcpy(p + 2, version->b, 16);
}

static struct sou_record *record_of(struct merger *m, uint16_t kind, const struct sou_id *entity)
{
	for (uint32_t i = 0; i < m->record_count; i++)
		if (m->records[i].kind == kind && sou_id_eq(&m->records[i].entity, entity))
			return &m->records[i];
	REQUIRE("room", m->record_count < MERGER_ENTRIES_MAX);
	struct sou_record *r = &m->records[m->record_count++];
	sou_record_clear(r, kind, entity);
	return r;
}

void merger_take(struct merger *m, uint32_t entry)
{
	struct merger_entry *e = &m->entries[entry];
	REQUIRE("once", !e->taken);
	e->taken = true;
	for (uint32_t i = 0; e->counts && e->has_payload && i < e->op_count; i++) {
		struct sou_record *r = record_of(m, e->ops[i].kind, &e->ops[i].entity);
		struct sou_version v = version_of(m, entry, i);
		bool changed;
		REQUIRE("adds", sou_record_add(r, &v, &m->view, &changed) == SOU_OK);
	}
	for (uint32_t i = 0; e->counts && e->has_payload && i < e->op_count; i++) {
		struct sou_record *r = record_of(m, e->ops[i].kind, &e->ops[i].entity);
		bool changed;
		REQUIRE("covers", sou_record_cover(r, &m->view, &changed) == SOU_OK);
	}
	for (uint32_t i = 0; e->has_payload && i < m->record_count; i++)
		for (uint32_t k = m->records[i].gap_count; k > 0; k--)
			if (sou_id_eq(&m->records[i].gaps[k - 1].version, &e->version))
				sou_record_fill(&m->records[i], m->records[i].gaps[k - 1].field,
						&e->version);
}

void merger_forget(struct merger *m)
{
	for (uint32_t i = 0; i < m->entry_count; i++)
		m->entries[i].taken = false;
	m->record_count = 0;
}

void merger_build(struct merger *m)
{
	struct sou_version *versions =
		test_alloc((MERGER_ENTRIES_MAX * MERGER_OPS_MAX) * sizeof *versions);
	for (uint32_t i = 0; i < m->record_count; i++) {
		struct sou_record *r = &m->records[i];
		size_t count = 0;
		for (uint32_t e = m->entry_count; e-- > 0;)
			for (uint32_t k = 0; k < m->entries[e].op_count; k++)
				if (m->entries[e].taken && m->entries[e].has_payload &&
				    m->entries[e].counts && m->entries[e].ops[k].kind == r->kind &&
				    sou_id_eq(&m->entries[e].ops[k].entity, &r->entity))
					versions[count++] = version_of(m, e, k);
		REQUIRE("builds", sou_record_build(r, versions, count, &m->view) == SOU_OK);
	}
}

static int record_cmp(const void *x, const void *y)
{
	const struct sou_record *const *a = x, *const *b = y;
	int cmp = sou_id_cmp(&(*a)->entity, &(*b)->entity);
	return cmp != 0 ? cmp : (int)(*a)->kind - (int)(*b)->kind;
}

const char *merger_text(struct merger *m, const char *(*letter)(const struct sou_id *id))
{
	const struct sou_record *sorted[MERGER_ENTRIES_MAX];
	const char *out = "";
	for (uint32_t i = 0; i < m->record_count; i++)
		sorted[i] = &m->records[i];
	qsort(sorted, m->record_count, sizeof *sorted, record_cmp);
	for (uint32_t i = 0; i < m->record_count; i++) {
		const struct sou_record *r = sorted[i];
		if (r->register_count == 0)
			continue;
		out = test_printf("%s%s%u %02x:", out, out[0] != '\0' ? " | " : "", r->kind,
				  r->entity.b[0]);
		for (uint32_t k = 0; k < r->register_count; k++) {
			const struct sou_register *reg = &r->registers[k];
			out = test_printf("%s %u(", out, reg->field);
			for (uint32_t n = 0; n < reg->live_count; n++)
				out = test_printf("%s%s", out, letter(&reg->live[n].version));
			out = test_printf("%s%s)", out, reg->conflict ? "!" : "");
			for (uint32_t n = 0; n < reg->gap_count; n++)
				out = test_printf("%s~%s", out, letter(&reg->gaps[n].version));
		}
		if (r->hidden)
			out = test_printf("%s hidden", out);
	}
	return out;
}
