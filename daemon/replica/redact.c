/* redact.c - commitments in place of values that an authority op redacts (R20), in what comes and
 * in what is stored. The hash of the payload stays (P6.6), so no verdict moves but of entries whose
 * missing values are now accounted for. */
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "daemon/store/copy.h"

int redact_payload(struct soud_replica *r, struct work *w, const struct sou_hash *id,
		   const struct sou_payload *payload, struct sou_span *out)
{
	uint16_t indices[SOU_OPS_MAX + 1];
	size_t count = 0;
	bool all_gone = true;
	if (sou_authority_redacted(r->authority, id, 0)) {
		indices[count++] = 0;
		all_gone = payload->by_went;
	}
	for (uint32_t i = 0; i < payload->op_count; i++) {
		if (!payload->ops[i].is_committed ||
		    !sou_authority_redacted(r->authority, id, (uint16_t)(i + 1)))
			continue;
		indices[count++] = (uint16_t)(i + 1);
		all_gone = all_gone && payload->ops[i].went;
	}
	if (count == 0 || all_gone)
		return SOU_OK;
	struct sou_buf buf = {0};
	int rc = sou_payload_redact(payload, indices, count, &buf);
	if (rc != SOU_OK) {
		sou_buf_fini(&buf);
		return replica_fail(r, rc, "no memory to redact an entry");
	}
	return work_keep(r, w, &buf, out);
}

/* One entry of a scope that is loaded. */
static int redact_entry(struct soud_replica *r, struct engine *e, uint64_t arrival)
{
	struct soud_row row;
	if (soud_damage_find(&r->damage, e->number, arrival) != NULL)
		return SOU_OK; /* its repair looks at what is redacted */
	int rc = soud_store_log_get(r->store, e->number, arrival, &row);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "reading an entry");
	if (row.payload.n == 0)
		return SOU_OK;
	rc = sou_entry_read(&r->entry, row.header, row.payload, &row.id);
	if (rc != SOU_OK)
		return replica_fail(r, rc == SOU_ENOMEM ? rc : SOU_ECORRUPT,
				    "a stored entry cannot be read");
	struct sou_span redacted = {NULL, 0};
	work_begin(r, &r->work, e, 0);
	rc = redact_payload(r, &r->work, &row.id, &r->entry.payload, &redacted);
	if (rc != SOU_OK || redacted.n == 0)
		return rc;
	rc = soud_store_log_payload(r->store, e->number, arrival, redacted, row.body);
	r->erase = true;
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "redacting an entry");
}

static int redact_in_scope(struct soud_replica *r, struct engine *e, const struct sou_hash *ids,
			   size_t count)
{
	uint64_t again[256];
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		struct sou_scope_entry entry;
		if (sou_scope_get(e->scope, &ids[i], &entry) != SOU_OK)
			continue;
		int rc = redact_entry(r, e, entry.pos);
		if (rc != SOU_OK)
			return rc;
		again[n++] = entry.pos;
		if (n == sizeof again / sizeof *again) {
			rc = work_rejudge(r, e, again, n);
			if (rc != SOU_OK)
				return rc;
			n = 0;
		}
	}
	return n > 0 ? work_rejudge(r, e, again, n) : SOU_OK;
}

/* A redact names entries by id alone, so each scope is asked. It is rare, and it is final. */
int redact_stored(struct soud_replica *r, const struct sou_hash *ids, size_t count)
{
	uint32_t scopes;
	int rc = soud_store_scope_count(r->store, &scopes);
	/* R20, before the COMMIT: a crash leaves no copy that is older than the redaction. */
	r->copies_gone =
		r->copies_gone || soud_store_forget_copies(r->path, r->options.vfs) == SOU_OK;
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "counting scopes");
	for (uint32_t number = 1; number <= scopes; number++) {
		struct sou_id scope;
		struct engine *e;
		rc = soud_store_scope_id(r->store, number, &scope);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "looking a scope up");
		rc = engine_get(r, &scope, false, &e);
		if (rc == SOU_EDENIED)
			continue; /* R22: served to nobody */
		if (rc == SOU_OK)
			rc = redact_in_scope(r, e, ids, count);
		if (rc != SOU_OK)
			return rc;
		engine_trim(r);
	}
	return SOU_OK;
}
