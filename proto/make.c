/* make.c - an entry of our own: packed, read back as if it had been received, and only then signed.
 */
#include "entry.h"

#include <stdlib.h>

#include "limits.h"
#include "mp.h"
#include "schema.h"

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_id));
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sou_hash));
}

/* An array of names, ascending and distinct, whatever the caller's order. `sort` is used for it. */
static int put_names(struct sou_buf *out, struct sou_buf *sort, const void *names, uint32_t count,
		     size_t size)
{
	sou_buf_clear(sort);
	sou_buf_put(sort, names, count * size);
	if (sort->failed)
		return SOU_ENOMEM;
	if (count > 1)
		qsort(sort->p, count, size, size == 16 ? compare_ids : compare_hashes);
	uint32_t distinct = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (distinct > 0 &&
		    memcmp(sort->p + (distinct - 1) * size, sort->p + i * size, size) == 0)
			continue;
		memmove(sort->p + distinct * size, sort->p + i * size, size);
		distinct++;
	}
	sou_mp_put_array(out, distinct);
	for (uint32_t i = 0; i < distinct; i++)
		sou_mp_put_bin(out, sort->p + i * size, size);
	return SOU_OK;
}

static int put_op(struct sou_buf *out, struct sou_buf *sort, const struct sou_draft_op *op)
{
	sou_mp_put_array(out, 6);
	sou_mp_put_uint(out, op->type);
	sou_mp_put_uint(out, op->kind);
	sou_mp_put_id(out, &op->entity);
	sou_mp_put_uint(out, op->field);
	if (op->value.n == 0)
		sou_mp_put_nil(out);
	else
		sou_mp_put_raw(out, op->value);
	return put_names(out, sort, op->replaces, op->replace_count, sizeof *op->replaces);
}

static int put_payload(struct sou_buf *out, struct sou_buf *sort, const struct sou_draft *draft)
{
	sou_mp_put_array(out, 7);
	sou_mp_put_uint(out, SOU_FORM_FULL);
	sou_mp_put_bin(out, draft->salt, sizeof draft->salt);
	sou_mp_put_id(out, &draft->for_org);
	sou_mp_put_str(out, draft->by.p, draft->by.n);
	int rc = put_names(out, sort, draft->cites, draft->cite_count, sizeof *draft->cites);
	if (rc != SOU_OK)
		return rc;
	if (draft->part_count > 0)
		rc = put_names(out, sort, draft->parts, draft->part_count, sizeof *draft->parts);
	else
		sou_mp_put_uint(out, draft->is_part ? SOU_PART_IS : SOU_PART_NONE);
	sou_mp_put_array(out, draft->op_count);
	for (uint32_t i = 0; i < draft->op_count && rc == SOU_OK; i++)
		rc = put_op(out, sort, &draft->ops[i]);
	return rc != SOU_OK ? rc : out->failed ? SOU_ENOMEM : SOU_OK;
}

static bool is_header_sound(const struct sou_header *h)
{
	return h->kind <= SOU_ENTRY_OPENING && h->seq >= 1 && h->seq <= SOU_SEQ_MAX;
}

int sou_entry_make(struct sou_entry *entry, const struct sou_draft *draft,
		   const struct sou_signer *signer, struct sou_buf *header, struct sou_buf *payload,
		   uint8_t signature[SOU_SIGNATURE_BYTES])
{
	SOU_ASSERT(header->n == 0 && payload->n == 0);
	SOU_ASSERT(draft->part_count == 0 || !draft->is_part);
	if (!is_header_sound(&draft->header))
		return SOU_ELIMIT;
	int rc = put_payload(payload, &entry->scratch, draft);
	if (rc != SOU_OK)
		return rc;
	rc = sou_payload_read(&entry->payload, sou_buf_span(payload));
	if (rc != SOU_OK)
		return rc == SOU_EFORMAT ? SOU_EINPUT : rc;
	struct sou_header h = draft->header;
	h.key = signer->key_id;
	h.payload_bytes = (uint32_t)payload->n;
	rc = sou_payload_hash(&entry->payload, &entry->scratch, &h.payload_hash);
	if (rc != SOU_OK)
		return rc;
	sou_header_pack(header, &h);
	if (header->failed)
		return SOU_ENOMEM;
	struct sou_hash id = sou_entry_id(sou_buf_span(header));
	rc = sou_entry_take(entry, &h, &id, true);
	if (rc != SOU_OK)
		return rc;
	if (entry->facts.body != SOU_BODY_OK || entry->facts.lacking_count > 0)
		return SOU_EINPUT;
	const struct sou_span bytes = {id.b, sizeof id.b};
	rc = sou_sign(signer, SOU_CONTEXT_ENTRY, &h.net, bytes, signature);
	entry->facts.sig_checked = rc == SOU_OK;
	return rc;
}
