/* test_codec_oom.c - want of memory at each allocation of the byte level: an error that says so,
 * nothing lost, nothing leaked, and the same object works once there is memory again. */
#include "tests/lib/fault.h"

#include "proto/authop.h"
#include "proto/batch.h"
#include "proto/invite.h"
#include "tests/lib/keyed.h"
#include "tests/proto/notation.h"
#include "tests/proto/sample.h"

TEST(oom, buffer)
{
	FOR_EACH_FAULT (n) {
		struct sou_buf buf = {0};
		for (int i = 0; i < 1000; i++)
			sou_buf_put_u8(&buf, (uint8_t)i);
		CHECK("R17 all or failed", buf.failed || buf.n == 1000);
		CHECK("R17 what stands is kept",
		      buf.n == 0 || buf.p[buf.n - 1] == (uint8_t)(buf.n - 1));
		sou_buf_fini(&buf);
	}
}

TEST(oom, hasher)
{
	FOR_EACH_FAULT (n) {
		struct sou_hasher *hasher = NULL;
		int rc = sou_hasher_new(&hasher);
		CHECK("R17", rc == SOU_OK || (rc == SOU_ENOMEM && hasher == NULL));
		sou_hasher_free(hasher);
	}
}

TEST(oom, entry)
{
	uint8_t seed[SOU_SEED_BYTES] = {1}, sig[SOU_SIGNATURE_BYTES];
	struct sou_signer signer;
	keyed_signer(&signer, seed);
	struct sou_draft_op ops[20];
	struct sou_id replaces[30];
	for (uint8_t i = 0; i < 30; i++)
		replaces[i] = (struct sou_id){{i}};
	for (uint8_t i = 0; i < 20; i++)
		ops[i] = (struct sou_draft_op){.type = 1,
					       .kind = 16,
					       .field = 1,
					       .entity = {{i}},
					       .value = notation_span("s100:x"),
					       .replaces = replaces,
					       .replace_count = 30};
	struct sou_draft draft = {.header = {.seq = 1}, .ops = ops, .op_count = 20};
	FOR_EACH_FAULT (n) {
		struct sou_entry entry = {0};
		struct sou_buf header = {0}, payload = {0}, form = {0};
		const uint16_t gone[] = {0, 3};
		int rc = sou_entry_make(&entry, &draft, &signer, &header, &payload, sig);
		CHECK("R17 make", rc == SOU_OK || rc == SOU_ENOMEM);
		if (rc == SOU_OK) {
			rc = sou_payload_redact(&entry.payload, gone, 2, &form);
			CHECK("R17 redact", rc == SOU_OK || rc == SOU_ENOMEM);
		}
		struct sou_entry again = {0};
		if (rc == SOU_OK) {
			rc = sou_entry_read(&again, sou_buf_span(&header), sou_buf_span(&form),
					    NULL);
			CHECK("R17 read", rc == SOU_OK || rc == SOU_ENOMEM);
		}
		fault_disarm();
		if (rc == SOU_ENOMEM && form.n > 0 && !form.failed) {
			rc = sou_entry_read(&again, sou_buf_span(&header), sou_buf_span(&form),
					    NULL);
			CHECK_INT("with memory again", rc, ==, SOU_OK);
			CHECK_INT("with memory again", again.facts.lacking_count, ==, 2);
		}
		sou_entry_fini(&again);
		sou_entry_fini(&entry);
		sou_buf_fini(&header);
		sou_buf_fini(&payload);
		sou_buf_fini(&form);
	}
	sou_signer_fini(&signer);
}

TEST(oom, authop)
{
	struct sou_span bytes = notation_span(
		"[0 b16:01 7 b32:02 1 0 [[12 b16:c1 b16:c2 [b16:c3 1 b32:01]] [16]]]");
	FOR_EACH_FAULT (n) {
		struct sou_authop op = {0};
		struct sou_buf buf = {0};
		int rc = sou_authop_read(&op, bytes);
		CHECK("R17 read", rc == SOU_OK || (rc == SOU_ENOMEM && op.arena == NULL));
		if (rc == SOU_OK) {
			struct sou_authop copy = op;
			rc = sou_authop_pack(&copy, &buf);
			CHECK("R17 pack", rc == SOU_OK || rc == SOU_ENOMEM);
		}
		sou_buf_fini(&buf);
		sou_authop_fini(&op);
	}
}

TEST(oom, batch)
{
	struct sample_chain chain;
	sample_chain_init(&chain, 1);
	struct sample s[80];
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = sample_text(&chain, 300);
	struct sou_id net = chain.next.net, scope = chain.next.scope;
	FOR_EACH_FAULT (n) {
		struct sou_batch *batch = NULL;
		struct sou_buf data = {0};
		struct sou_batch_sent sent = {0};
		size_t added = 0, read = 0;
		int rc = sou_batch_new(&batch);
		CHECK("R17 new", rc == SOU_OK || (rc == SOU_ENOMEM && batch == NULL));
		if (rc != SOU_OK)
			continue;
		sou_batch_begin(batch, SIZE_MAX);
		for (size_t i = 0; i < ARRAY_LEN(s) && rc == SOU_OK; i++) {
			struct sou_batch_item item = {s[i].header, s[i].payload, s[i].signature,
						      false, s[i].id};
			rc = sou_batch_add(batch, &item);
			added += rc == SOU_OK;
		}
		CHECK("R17 add", rc == SOU_OK || rc == SOU_ENOMEM);
		/* What was taken before can still be sent. */
		rc = sou_batch_end(batch, &data, &sent);
		CHECK("R17 end", rc == SOU_OK || rc == SOU_ENOMEM);
		if (rc == SOU_OK) {
			CHECK_INT("R17 end", sent.entries, ==, added);
			rc = sou_batch_open(batch, sou_buf_span(&data), sent.is_zstd,
					    sent.raw_bytes, &net, &scope);
		}
		const struct sou_batch_entry *e = NULL;
		while (rc == SOU_OK) {
			rc = sou_batch_next(batch, &e);
			if (rc != SOU_OK || e == NULL)
				break;
			CHECK_MEM("R17 next", e->entry->facts.id.b, 32, s[read].id.b, 32);
			read++;
		}
		CHECK("R17 next", rc == SOU_ENOMEM || read == added);
		sou_buf_fini(&data);
		sou_batch_free(batch);
	}
}

TEST(oom, invite)
{
	struct sou_invite invite = {.address = "hub.example:4980"};
	FOR_EACH_FAULT (n) {
		char text[SOU_INVITE_TEXT_BYTES_MAX];
		size_t length = 0;
		int rc = sou_invite_write(&invite, text, &length);
		CHECK("R17", rc == SOU_OK ? length > 0 : rc == SOU_ENOMEM);
	}
}
