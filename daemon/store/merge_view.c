/* merge_view.c - what the merge asks about the names that it meets, answered from the engine (or,
 * while rebuilding, from a list) and the log. Entries that are yet to be taken in are not there. */
#include "daemon/store/merge_int.h"
#include "proto/schema.h"

bool merge_is_late(const struct soud_merge *m, uint64_t arrival)
{
	uint32_t low = 0, high = m->late_count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (m->late[mid] == arrival)
			return true;
		if (m->late[mid] < arrival)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool is_there(const struct soud_merge *m, uint64_t pos)
{
	return pos <= m->at || ((m->fresh == 0 || pos < m->fresh) && !merge_is_late(m, pos));
}

static int find_known(const struct soud_merge *m, const struct sou_id *version, uint64_t *pos,
		      bool *shown)
{
	size_t low = 0, high = m->known_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (sou_id_cmp(&m->known[mid].version, version) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == m->known_count || !sou_id_eq(&m->known[low].version, version) ||
	    !is_there(m, m->known[low].arrival))
		return SOU_EUNKNOWN;
	*pos = m->known[low].arrival;
	*shown = m->known[low].shown;
	return SOU_OK;
}

static int view_find(void *ctx, const struct sou_id *version, uint64_t *pos, bool *shown)
{
	const struct soud_merge *m = ctx;
	struct sou_scope_entry entry;
	if (m->engine == NULL)
		return find_known(m, version, pos, shown);
	int rc = sou_scope_get_version(m->engine, version, &entry);
	if (rc != SOU_OK)
		return rc;
	if (entry.body == SOU_BODY_NONE || !is_there(m, entry.pos))
		return SOU_EUNKNOWN;
	*pos = entry.pos;
	*shown = entry.shown;
	return SOU_OK;
}

struct sou_version merge_version(const struct soud_merge *m, const struct sou_hash *id,
				 const struct sou_header *header, uint64_t pos, bool shown,
				 const struct sou_op *op, uint16_t index)
{
	/* A redact of a consent has no effect: its value is no commitment (R2, P6.3). */
	bool redacted =
		op->went || (op->is_committed &&
			     sou_authority_redacted(m->authority, id, (uint16_t)(index + 1)));
	struct sou_version v = {
		.id = sou_hash_half(id),
		.pos = pos,
		.hlc = header->hlc,
		.type = op->type,
		.field = op->field,
		.op = index,
		.clock = header->clock,
		.shown = shown,
		.redacted = redacted,
		.replaces = op->replaces,
	};
	if (!op->went)
		v.value = op->value;
	return v;
}

static int view_op(void *ctx, uint64_t pos, uint16_t kind, const struct sou_id *entity,
		   uint16_t field, struct sou_version *out)
{
	struct soud_merge *m = ctx;
	struct soud_row row;
	struct sou_header header;
	int rc = soud_store_log_get(m->store, m->scope, pos, &row);
	if (rc != SOU_OK)
		return rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc;
	if (row.kind != SOU_ENTRY_DATA || row.body != SOU_BODY_OK)
		return SOU_EUNKNOWN;
	rc = sou_payload_read(&m->other, row.payload);
	if (rc == SOU_OK)
		rc = sou_header_read(&header, row.header);
	if (rc != SOU_OK)
		return rc == SOU_ENOMEM ? rc : SOU_ECORRUPT;
	for (uint32_t i = 0; i < m->other.op_count; i++) {
		const struct sou_op *op = &m->other.ops[i];
		if (op->kind != kind || op->field != field || op->type == SOU_OP_DELETE ||
		    !sou_id_eq(&op->entity, entity))
			continue;
		*out = merge_version(m, &row.id, &header, pos, row.shown, op, (uint16_t)i);
		return SOU_OK;
	}
	return SOU_EUNKNOWN;
}

static int view_value(void *ctx, const struct sou_live *live, struct sou_span *out)
{
	struct soud_merge *m = ctx;
	return soud_store_value(m->store, m->scope, live, out);
}

void merge_view_init(struct soud_merge *m)
{
	m->view = (struct sou_merge_view){m, view_find, view_op, view_value};
}
