/* sample.c - makes the entries of sample.h with sou_entry_make. */
#include "tests/proto/sample.h"

#include "proto/schema.h"
#include "tests/lib/keyed.h"
#include "tests/proto/notation.h"

static void fini_signer(void *signer)
{
	sou_signer_fini(signer);
}

void sample_chain_init(struct sample_chain *chain, uint8_t tag)
{
	*chain = (struct sample_chain){0};
	uint8_t seed[SOU_SEED_BYTES];
	memset(seed, tag, sizeof seed);
	keyed_signer(&chain->signer, seed);
	struct sou_signer *copy = test_alloc(sizeof *copy);
	*copy = chain->signer;
	test_at_end(fini_signer, copy);
	memset(&chain->next.net, 0xa1, 16);
	memset(&chain->next.scope, 0xa3, 16);
	memset(&chain->next.site, tag, 16);
	memset(&chain->next.authority, 0xa6, 16);
	memset(&chain->org, 0x11, 16);
	chain->next.prev = sou_sha256(&tag, 1);
	chain->next.epoch = sou_hash_half(&chain->next.prev);
	chain->next.seq = 1;
	chain->next.hlc = UINT64_C(1700000000000) << 16;
}

static struct sample make(struct sample_chain *chain, uint8_t kind, const struct sou_draft_op *ops,
			  uint32_t count)
{
	struct sou_entry entry = {0};
	struct sou_buf header = {0}, payload = {0};
	struct sample out;
	struct sou_draft draft = {
		.header = chain->next,
		.for_org = chain->org,
		.by = {(const uint8_t *)"\xe4\xbe\x8b\xe5\xa4\xaa\xe9\x83\x8e", 9},
		.ops = ops,
		.op_count = count};
	draft.header.kind = kind;
	struct sou_hash salt = sou_sha256(chain, sizeof *chain);
	memcpy(draft.salt, salt.b, sizeof draft.salt);
	REQUIRE("sample", sou_entry_make(&entry, &draft, &chain->signer, &header, &payload,
					 out.signature) == SOU_OK);
	out.id = entry.facts.id;
	struct test_bytes h = test_copy(header.p, header.n), p = test_copy(payload.p, payload.n);
	out.header = (struct sou_span){h.b, h.n};
	out.payload = (struct sou_span){p.b, p.n};
	chain->made++;
	chain->next.prev = out.id;
	chain->next.hlc += 65536 + chain->made % 3;
	chain->next.seq++;
	if (kind == SOU_ENTRY_OPENING) {
		chain->next.epoch = sou_hash_half(&out.id);
		chain->next.seq = 1;
	}
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
	sou_entry_fini(&entry);
	return out;
}

struct sample sample_text(struct sample_chain *chain, size_t bytes)
{
	uint8_t *text = test_alloc(bytes + 1);
	for (size_t i = 0; i < bytes; i++)
		text[i] = (uint8_t)('a' + (i * i + i / 7 + chain->made * 5) % 26);
	struct sou_buf value = {0};
	sou_mp_put_str(&value, text, bytes);
	struct sou_id replaces = sou_hash_half(&chain->next.prev);
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .value = sou_buf_span(&value),
				  .replaces = &replaces,
				  .replace_count = 1};
	memset(&op.entity, 0xe1, 16);
	struct sample out = make(chain, SOU_ENTRY_DATA, &op, 1);
	sou_buf_fini(&value);
	return out;
}

struct sample sample_ops(struct sample_chain *chain, uint8_t kind, const char *ops)
{
	/* The ops are read through a payload of their own. */
	struct sou_payload payload = {0};
	struct sou_span bytes = notation_span(test_printf("[0 b16:00 b16:00 s:x [] 0 %s]", ops));
	REQUIRE(ops, sou_payload_read(&payload, bytes) == SOU_OK);
	struct sou_draft_op *drafts = test_alloc((payload.op_count + 1) * sizeof *drafts);
	for (uint32_t i = 0; i < payload.op_count; i++) {
		const struct sou_op *op = &payload.ops[i];
		struct sou_id *replaces = test_alloc((op->replaces.count + 1) * sizeof *replaces);
		for (uint32_t k = 0; k < op->replaces.count; k++)
			replaces[k] = sou_mp_list_id(&op->replaces, k);
		drafts[i] = (struct sou_draft_op){.type = op->type,
						  .kind = op->kind,
						  .field = op->field,
						  .entity = op->entity,
						  .value = op->value,
						  .replaces = replaces,
						  .replace_count = op->replaces.count};
	}
	uint32_t count = payload.op_count;
	sou_payload_fini(&payload);
	return make(chain, kind, drafts, count);
}

struct sou_span sample_redacted(const struct sample *sample, const uint16_t *indices, size_t count)
{
	struct sou_payload payload = {0};
	struct sou_buf form = {0};
	REQUIRE("redact", sou_payload_read(&payload, sample->payload) == SOU_OK);
	REQUIRE("redact", sou_payload_redact(&payload, indices, count, &form) == SOU_OK);
	struct test_bytes b = test_copy(form.p, form.n);
	sou_buf_fini(&form);
	sou_payload_fini(&payload);
	return (struct sou_span){b.b, b.n};
}
