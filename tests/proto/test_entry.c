/* test_entry.c - the facts that a verdict looks at, and own entries made through the same reader.
 */
#include "proto/entry.h"

#include "proto/limits.h"
#include "proto/schema.h"
#include "tests/lib/keyed.h"
#include "tests/proto/notation.h"
#include "tests/proto/sample.h"

static void fini_entry(void *entry)
{
	sou_entry_fini(entry);
}

static struct sou_entry *new_entry(void)
{
	struct sou_entry *entry = test_alloc(sizeof *entry);
	*entry = (struct sou_entry){0};
	test_at_end(fini_entry, entry);
	return entry;
}

/* Header and payload bytes that belong together, for any payload that can be read. */
struct pair {
	struct sou_span header, payload;
	struct sou_header h;
};

static struct pair pair_of(uint8_t kind, const char *payload_text)
{
	struct pair pair = {.payload = notation_span(payload_text)};
	struct sou_payload payload = {0};
	struct sou_buf scratch = {0}, header = {0};
	pair.h = (struct sou_header){
		.kind = kind, .clock = 1, .seq = 7, .hlc = 65536, .payload_bytes = 1};
	memset(&pair.h.net, 0xa1, 16);
	memset(&pair.h.site, 0xa2, 16);
	memset(&pair.h.scope, 0xa3, 16);
	memset(&pair.h.epoch, 0xa4, 16);
	memset(&pair.h.prev, 0xa5, 32);
	memset(&pair.h.key, 0xa7, 16);
	REQUIRE(payload_text, sou_payload_read(&payload, pair.payload) == SOU_OK);
	REQUIRE(payload_text, sou_payload_hash(&payload, &scratch, &pair.h.payload_hash) == SOU_OK);
	pair.h.payload_bytes = payload.form == SOU_FORM_FULL ? (uint32_t)pair.payload.n : 500;
	sou_header_pack(&header, &pair.h);
	struct test_bytes b = test_copy(header.p, header.n);
	pair.header = (struct sou_span){b.b, b.n};
	sou_buf_fini(&header);
	sou_buf_fini(&scratch);
	sou_payload_fini(&payload);
	return pair;
}

#define F "0 b16:5a b16:11 s:name "

TEST(entry, facts_of_data)
{
	struct sou_entry *e = new_entry();
	struct pair pair =
		pair_of(SOU_ENTRY_DATA,
			"[" F "[b32:01 b32:02] [b32:07 b32:08] ["
			"[5 16 b16:e1 1 s:x [b16:21]] [1 18 b16:e2 1 1 []] [4 20 b16:e3 1 ~ []] "
			"[1 16 b16:e4 1 7 []] [2 16 b16:e5 0 ~ []] [1 16 b16:e6 2 b5:01 []] "
			"[5 16 b16:e7 1 s:y []] [4 20 b16:e8 2 1 []]]]");
	REQUIRE("read", sou_entry_read(e, pair.header, pair.payload, NULL) == SOU_OK);
	const struct sou_facts *f = &e->facts;
	struct sou_hash id = sou_entry_id(pair.header);
	CHECK_MEM("P5.2 id", f->id.b, 32, id.b, 32);
	CHECK("P9.1 header", f->prev.b[0] == 0xa5 && f->site.b[0] == 0xa2 && f->scope.b[0] == 0xa3);
	CHECK("P9.1 header",
	      f->epoch.b[0] == 0xa4 && f->key.b[0] == 0xa7 && f->seq == 7 && f->hlc == 65536);
	CHECK("P9.1 header", f->kind == SOU_ENTRY_DATA && f->clock == 1 && f->control == 0);
	CHECK("P9.4 not checked here", !f->sig_checked);
	CHECK_INT("P6.8", f->body, ==, SOU_BODY_OK);
	CHECK_INT("P6.1 for", f->for_org.b[0], ==, 0x11);
	CHECK("P6.1 cites", f->cite_count == 2 && f->cites[1].b[5] == 2);
	CHECK("P6.1 parts",
	      f->part == SOU_PART_CLOSES && f->part_count == 2 && f->parts[0].b[5] == 7);
	static const struct sou_need needs[] = {{1, 16}, {1, 18}, {2, 16}, {4, 20}, {5, 16}};
	REQUIRE("P7.5 needs", f->need_count == ARRAY_LEN(needs));
	CHECK_MEM("P7.5 needs, distinct and ascending", f->needs, sizeof needs, needs,
		  sizeof needs);
	CHECK("P9.8 proxies",
	      f->proxy_count == 2 && f->proxies[0].b[0] == 0xe1 && f->proxies[1].b[0] == 0xe7);
	CHECK("P9.8 consents", f->consent_count == 2 && f->consents[1].b[0] == 0xe8);
	CHECK("P6.8 mistyped", f->lacking_count == 1 && f->lacking[0] == 4);
	CHECK_INT("no names", f->name_count, ==, 0);
}

TEST(entry, facts_of_control)
{
	static const struct {
		const char *name, *ops;
		uint8_t kind;
		enum sou_body body;
		uint16_t control, names;
	} cases[] = {
		{"P7.2 adopt", "[[16 0 b16:00 0 [b32:01 b32:02] []]]", 1, SOU_BODY_OK, 16, 2},
		{"P7.2 anchor", "[[17 0 b16:00 0 [b32:01] []]]", 1, SOU_BODY_OK, 17, 1},
		{"P7.2 heartbeat", "[[20 0 b16:00 0 ~ []]]", 1, SOU_BODY_OK, 20, 0},
		{"P7.2 epoch-open", "[[18 0 b16:00 0 s:why []]]", 2, SOU_BODY_OK, 18, 0},
		{"P6.8 malformed", "[[17 0 b16:00 0 [] []]]", 1, SOU_BODY_MALFORMED, 0, 0},
		{"P6.9 too new", "[[21 0 b16:00 0 [b32:01] []]]", 1, SOU_BODY_TOONEW, 0, 0},
	};
	struct sou_entry *e = new_entry();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		struct pair pair =
			pair_of(cases[i].kind, test_printf("[" F "[] 0 %s]", cases[i].ops));
		CHECK_INT(name, sou_entry_read(e, pair.header, pair.payload, NULL), ==, SOU_OK);
		CHECK_INT(name, e->facts.body, ==, cases[i].body);
		CHECK_INT(name, e->facts.control, ==, cases[i].control);
		CHECK_INT(name, e->facts.name_count, ==, cases[i].names);
		CHECK_INT(name, e->facts.need_count, ==, 0);
		CHECK_INT(name, e->facts.lacking_count, ==, 0);
		for (uint16_t k = 0; k < e->facts.name_count; k++)
			CHECK_INT(name, e->facts.names[k].b[31], ==, k + 1);
	}
}

TEST(entry, forms)
{
	struct sou_entry *e = new_entry();
	struct pair pair = pair_of(
		SOU_ENTRY_DATA, "[" F "[] 1 [[1 16 b16:e1 1 s:x []] [1 16 b16:e1 3 b16:01 []]]]");
	const uint16_t gone[] = {0, 2};
	struct sample sample = {.payload = pair.payload};
	struct sou_span redacted = sample_redacted(&sample, gone, 2);
	REQUIRE("P6.6", sou_entry_read(e, pair.header, redacted, NULL) == SOU_OK);
	CHECK("P9.1 what went",
	      e->facts.lacking_count == 2 && e->facts.lacking[0] == 0 && e->facts.lacking[1] == 2);
	CHECK_INT("P6.1 part", e->facts.part, ==, SOU_PART_IS);
	REQUIRE("P9.1 header alone",
		sou_entry_read(e, pair.header, (struct sou_span){NULL, 0}, NULL) == SOU_OK);
	CHECK_INT("P9.1 header alone", e->facts.body, ==, SOU_BODY_NONE);
	CHECK("P9.1 header alone", sou_id_is_zero(&e->facts.for_org) && e->facts.need_count == 0);

	/* Another payload, a full form of another length, none at all: the header stands. */
	struct pair other = pair_of(
		SOU_ENTRY_DATA, "[" F "[] 1 [[1 16 b16:e1 1 s:y []] [1 16 b16:e1 3 b16:01 []]]]");
	CHECK_INT("P6.7 of another entry", sou_entry_read(e, pair.header, other.payload, NULL), ==,
		  SOU_ECORRUPT);
	CHECK_INT("P6.7 no payload", sou_entry_read(e, pair.header, pair.header, NULL), ==,
		  SOU_ECORRUPT);
	struct sou_header h = pair.h;
	h.payload_bytes++;
	struct sou_buf longer = {0};
	sou_header_pack(&longer, &h);
	CHECK_INT("P6.7 full form of another length",
		  sou_entry_read(e, sou_buf_span(&longer), pair.payload, NULL), ==, SOU_ECORRUPT);
	CHECK_INT("P6.7 the redacted form tells no length",
		  sou_entry_read(e, sou_buf_span(&longer), redacted, NULL), ==, SOU_OK);
	sou_buf_fini(&longer);
	CHECK_INT("P5 no header", sou_entry_read(e, pair.payload, pair.payload, NULL), ==,
		  SOU_EFORMAT);
	CHECK_INT("P5.4 newer", sou_entry_read(e, notation_span("[1 0]"), pair.payload, NULL), ==,
		  SOU_ETOONEW);

	struct sou_hash stored = {{9}};
	REQUIRE("stored id", sou_entry_read(e, pair.header, other.payload, &stored) == SOU_OK);
	CHECK_MEM("stored id: nothing is hashed", e->facts.id.b, 32, stored.b, 32);
	CHECK_INT("stored id", e->facts.need_count, ==, 1);
}

TEST(entry, largest)
{
	/* 64 cites, 512 ops each of another type and kind: lists in order, at their counts. */
	struct sou_entry *e = new_entry();
	struct pair pair =
		pair_of(SOU_ENTRY_DATA, "[" F "[64*(b32:00+)] 0 [512*([5 16 b16:e1+ 1 s:x []])]]");
	REQUIRE("P6.1", sou_entry_read(e, pair.header, pair.payload, NULL) == SOU_OK);
	CHECK("P6.1",
	      e->facts.cite_count == 64 && e->facts.proxy_count == 512 && e->facts.need_count == 1);
	CHECK_INT("P6.1", e->facts.proxies[511].b[14], ==, 1);
	struct sou_buf text = {0};
	for (uint16_t i = 0; i < 512; i++) {
		char *op = test_printf("[%u %u b16:e1 1 s:x []] ", 300 - i % 7, 65535 - i);
		sou_buf_put(&text, op, strlen(op));
	}
	sou_buf_put_u8(&text, 0);
	pair = pair_of(SOU_ENTRY_DATA, test_printf("[" F "[] 0 [%s]]", (const char *)text.p));
	sou_buf_fini(&text);
	REQUIRE("P6.9", sou_entry_read(e, pair.header, pair.payload, NULL) == SOU_OK);
	CHECK("P6.9", e->facts.body == SOU_BODY_TOONEW && e->facts.need_count == 512);
	for (size_t i = 1; i < 512; i++) {
		const struct sou_need *a = &e->facts.needs[i - 1], *b = &e->facts.needs[i];
		CHECK("ascending", a->type < b->type || (a->type == b->type && a->kind < b->kind));
	}
	pair = pair_of(SOU_ENTRY_CONTROL, "[" F "[] 0 [[17 0 b16:00 0 [1024*(b32:00+)] []]]]");
	REQUIRE("P7.2", sou_entry_read(e, pair.header, pair.payload, NULL) == SOU_OK);
	CHECK_INT("P7.2", e->facts.name_count, ==, 1024);
}

static struct sou_draft draft_of(const struct sou_draft_op *ops, uint32_t count)
{
	return (struct sou_draft){
		.header = {.seq = 1, .hlc = 65536},
		.salt = {7},
		.for_org = {{1}},
		.by = {(const uint8_t *)"name", 4},
		.ops = ops,
		.op_count = count,
	};
}

TEST(entry, make)
{
	uint8_t seed[SOU_SEED_BYTES] = {1};
	struct sou_signer signer;
	REQUIRE("signer", sou_signer_ed25519(&signer, seed) == SOU_OK);
	struct sou_id replaces[] = {{{9}}, {{3}}, {{9}}, {{1}}};
	struct sou_hash cites[] = {{{8}}, {{2}}, {{8}}}, parts[] = {{{6}}, {{5}}};
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .entity = {{4}},
				  .value = notation_span("s:text"),
				  .replaces = replaces,
				  .replace_count = 4};
	struct sou_draft draft = draft_of(&op, 1);
	draft.cites = cites;
	draft.cite_count = 3;
	draft.parts = parts;
	draft.part_count = 2;
	struct sou_entry *e = new_entry(), *again = new_entry();
	struct sou_buf header = {0}, payload = {0};
	uint8_t sig[SOU_SIGNATURE_BYTES];
	REQUIRE("make", sou_entry_make(e, &draft, &signer, &header, &payload, sig) == SOU_OK);
	CHECK("R6 its own signature counts as checked", e->facts.sig_checked);
	CHECK("R4 key of the signer", sou_id_eq(&e->facts.key, &signer.key_id));
	CHECK_INT("P5.1 length", e->header.payload_bytes, ==, payload.n);
	CHECK_INT("P6.2 replaces, distinct", e->payload.ops[0].replaces.count, ==, 3);
	CHECK_INT("P6.2 replaces, ascending", sou_mp_list_id(&e->payload.ops[0].replaces, 0).b[0],
		  ==, 1);
	CHECK("P6.1 cites", e->facts.cite_count == 2 && e->facts.cites[0].b[0] == 2);
	CHECK("P6.1 parts", e->facts.part_count == 2 && e->facts.parts[0].b[0] == 5);
	REQUIRE("R1 same reader", sou_entry_read(again, sou_buf_span(&header),
						 sou_buf_span(&payload), NULL) == SOU_OK);
	CHECK_MEM("P5.2", again->facts.id.b, 32, e->facts.id.b, 32);
	CHECK_INT("P4.1",
		  sou_entry_verify(&sou_verifier_ed25519, &e->header.net, &e->facts.id,
				   &signer.public_key, sig),
		  ==, SOU_OK);
	sig[0] ^= 1;
	CHECK_INT("P4.1",
		  sou_entry_verify(&sou_verifier_ed25519, &e->header.net, &e->facts.id,
				   &signer.public_key, sig),
		  ==, SOU_ESIG);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
	sou_signer_fini(&signer);
}

TEST(entry, make_refused)
{
	static const struct {
		const char *name, *value;
		uint16_t type, kind, field;
		uint64_t seq;
		int rc;
	} cases[] = {
		{"good", "s:x", 1, 16, 1, 1, SOU_OK},
		{"P5.1 seq 0", "s:x", 1, 16, 1, 0, SOU_ELIMIT},
		{"P5.1 seq 2^48", "s:x", 1, 16, 1, UINT64_C(1) << 48, SOU_ELIMIT},
		{"P6.8 mistyped", "5", 1, 16, 1, 1, SOU_EINPUT},
		{"P6.8 field 0", "s:x", 1, 16, 0, 1, SOU_EINPUT},
		{"P6.8 control op in data", "~", 20, 0, 0, 1, SOU_EINPUT},
		{"P6.9 too new for ourselves", "s:x", 1, 40, 1, 1, SOU_EINPUT},
		{"P2.2 not UTF-8", "x:a1ff", 1, 16, 1, 1, SOU_EINPUT},
		{"P2.1 not canonical", "x:cc01", 1, 18, 1, 1, SOU_EINPUT},
		{"P2.4 two values", "x:0101", 1, 18, 1, 1, SOU_EINPUT},
		{"P2.2 text too long", "s8193:x", 1, 16, 1, 1, SOU_ELIMIT},
	};
	uint8_t seed[SOU_SEED_BYTES] = {1}, sig[SOU_SIGNATURE_BYTES];
	struct sou_signer signer;
	keyed_signer(&signer, seed);
	struct sou_entry *e = new_entry();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_draft_op op = {.type = cases[i].type,
					  .kind = cases[i].kind,
					  .field = cases[i].field,
					  .value = notation_span(cases[i].value)};
		struct sou_draft draft = draft_of(&op, 1);
		draft.header.seq = cases[i].seq;
		struct sou_buf header = {0}, payload = {0};
		CHECK_INT(cases[i].name, sou_entry_make(e, &draft, &signer, &header, &payload, sig),
			  ==, cases[i].rc);
		sou_buf_fini(&header);
		sou_buf_fini(&payload);
	}
	sou_signer_fini(&signer);
}
