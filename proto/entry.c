/* entry.c - read an entry into facts. Nothing of a payload is believed before it gives the hash
 * that the header names. */
#include "entry.h"

#include "limits.h"
#include "schema.h"

void sou_entry_fini(struct sou_entry *entry)
{
	if (entry == NULL)
		return;
	sou_payload_fini(&entry->payload);
	sou_buf_fini(&entry->lists);
	sou_buf_fini(&entry->scratch);
	*entry = (struct sou_entry){0};
}

/* Where the lists of the facts go: one block, numbers first for their alignment. */
struct lists {
	struct sou_need *needs;
	uint16_t *lacking;
	struct sou_hash *cites, *parts, *names;
	struct sou_id *proxies, *consents;
};

static struct sou_mp_list names_of(const struct sou_payload *payload)
{
	struct sou_mp_list none = {NULL, 0, 32};
	if (payload->op_count != 1)
		return none;
	const struct sou_op *op = &payload->ops[0];
	if (op->type != SOU_OP_ADOPT && op->type != SOU_OP_ANCHOR)
		return none;
	struct sou_mp m = sou_mp_over(op->value);
	return sou_mp_names(&m, 32, SOU_NAMES_MAX);
}

static bool lay_out(struct sou_buf *block, const struct sou_payload *payload, uint32_t names,
		    struct lists *out)
{
	size_t ops = payload->op_count;
	size_t numbers = ops * sizeof *out->needs + (ops + 2) / 2 * 2 * sizeof *out->lacking;
	size_t hashes =
		(payload->cites.count + payload->parts.count + (size_t)names) * sizeof *out->cites;
	sou_buf_clear(block);
	if (!sou_buf_reserve(block, numbers + hashes + 2 * ops * sizeof *out->proxies))
		return false;
	out->needs = (struct sou_need *)(void *)block->p;
	out->lacking = (uint16_t *)(void *)(out->needs + ops);
	out->cites = (struct sou_hash *)(void *)(block->p + numbers);
	out->parts = out->cites + payload->cites.count;
	out->names = out->parts + payload->parts.count;
	out->proxies = (struct sou_id *)(void *)(out->names + names);
	out->consents = out->proxies + ops;
	return true;
}

static const struct sou_hash *copy_hashes(struct sou_hash *out, const struct sou_mp_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		out[i] = sou_mp_list_hash(list, i);
	return out;
}

/* Keep needs distinct and ascending; most entries have one or two. */
static void add_need(struct sou_need *needs, uint16_t *count, const struct sou_op *op)
{
	uint16_t at = *count;
	while (at > 0) {
		const struct sou_need *n = &needs[at - 1];
		if (n->type == op->type && n->kind == op->kind)
			return;
		if (n->type < op->type || (n->type == op->type && n->kind < op->kind))
			break;
		at--;
	}
	memmove(needs + at + 1, needs + at, (size_t)(*count - at) * sizeof *needs);
	needs[at] = (struct sou_need){op->type, op->kind};
	(*count)++;
}

static int fill_lists(struct sou_entry *entry)
{
	struct sou_facts *f = &entry->facts;
	const struct sou_payload *payload = &entry->payload;
	struct sou_mp_list names = {NULL, 0, 32};
	if (f->kind != SOU_ENTRY_DATA)
		names = names_of(payload);
	struct lists lists;
	if (!lay_out(&entry->lists, payload, names.count, &lists))
		return SOU_ENOMEM;
	f->cites = copy_hashes(lists.cites, &payload->cites);
	f->parts = copy_hashes(lists.parts, &payload->parts);
	f->names = copy_hashes(lists.names, &names);
	f->cite_count = (uint16_t)payload->cites.count;
	f->part_count = (uint16_t)payload->parts.count;
	f->name_count = (uint16_t)names.count;
	f->needs = lists.needs;
	f->proxies = lists.proxies;
	f->consents = lists.consents;
	f->lacking = lists.lacking;
	if (payload->by_went)
		lists.lacking[f->lacking_count++] = 0;
	for (uint32_t i = 0; i < payload->op_count; i++) {
		const struct sou_op *op = &payload->ops[i];
		if (sou_op_lacks(op))
			lists.lacking[f->lacking_count++] = (uint16_t)(i + 1);
		if (f->kind != SOU_ENTRY_DATA)
			continue;
		add_need(lists.needs, &f->need_count, op);
		if (op->type == SOU_OP_PROXY)
			lists.proxies[f->proxy_count++] = op->entity;
		else if (op->type == SOU_OP_CONSENT)
			lists.consents[f->consent_count++] = op->entity;
	}
	return SOU_OK;
}

int sou_entry_take(struct sou_entry *entry, const struct sou_header *header,
		   const struct sou_hash *id, bool has_payload)
{
	const struct sou_payload *payload = &entry->payload;
	entry->header = *header;
	entry->facts = (struct sou_facts){
		.id = *id,
		.prev = header->prev,
		.site = header->site,
		.scope = header->scope,
		.epoch = header->epoch,
		.key = header->key,
		.seq = header->seq,
		.hlc = header->hlc,
		.kind = header->kind,
		.clock = header->clock,
		.body = SOU_BODY_NONE,
	};
	if (!has_payload)
		return SOU_OK;
	if (payload->form == SOU_FORM_FULL && payload->bytes.n != header->payload_bytes)
		return SOU_ECORRUPT;
	struct sou_facts *f = &entry->facts;
	enum sou_body body = sou_payload_judge(payload, (enum sou_entry_kind)header->kind);
	if (body != SOU_BODY_MALFORMED) {
		int rc = fill_lists(entry);
		if (rc != SOU_OK)
			return rc;
		f->part = payload->part;
	}
	if (body == SOU_BODY_OK && header->kind != SOU_ENTRY_DATA)
		f->control = payload->ops[0].type;
	f->for_org = payload->for_org;
	f->body = (uint8_t)body;
	return SOU_OK;
}

int sou_entry_read(struct sou_entry *entry, struct sou_span header_bytes,
		   struct sou_span payload_bytes, const struct sou_hash *stored_id)
{
	SOU_ASSERT(entry != NULL);
	struct sou_header header;
	int rc = sou_header_read(&header, header_bytes);
	if (rc != SOU_OK)
		return rc;
	struct sou_hash id = stored_id != NULL ? *stored_id : sou_entry_id(header_bytes);
	bool has_payload = payload_bytes.n > 0;
	if (has_payload) {
		rc = sou_payload_read(&entry->payload, payload_bytes);
		if (rc != SOU_OK)
			return rc == SOU_ENOMEM ? rc : SOU_ECORRUPT;
	}
	if (has_payload && stored_id == NULL) {
		struct sou_hash hash;
		rc = sou_payload_hash(&entry->payload, &entry->scratch, &hash);
		if (rc != SOU_OK)
			return rc;
		if (!sou_hash_eq(&hash, &header.payload_hash))
			return SOU_ECORRUPT;
	}
	return sou_entry_take(entry, &header, &id, has_payload);
}

int sou_entry_verify(const struct sou_verifier *verifier, const struct sou_id *net,
		     const struct sou_hash *id, const struct sou_hash *public_key,
		     const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	const struct sou_span bytes = {id->b, sizeof id->b};
	return sou_verify(verifier, SOU_CONTEXT_ENTRY, net, bytes, public_key, signature);
}
