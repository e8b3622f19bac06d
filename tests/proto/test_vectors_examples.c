/* test_vectors_examples.c - the worked example of PROTOCOL.md section 17: everything in it is made
 * here from its parts and comes out byte for byte, and is read back. */
#include "proto/authority.h"
#include "proto/batch.h"
#include "proto/digest.h"
#include "proto/frame.h"
#include "proto/invite.h"
#include "proto/msg.h"
#include "proto/name.h"
#include "proto/schema.h"
#include "tests/lib/vector.h"

static json_t *examples, *names; /* the file, and its one row of names */

static json_t *row_of(const char *list, size_t i)
{
	if (examples == NULL) {
		examples = vector_load("examples");
		names = json_array_get(vector_array(examples, "names"), 0);
	}
	json_t *row = json_array_get(vector_array(examples, list), i);
	REQUIRE(list, row != NULL);
	return row;
}

static void forget(void)
{
	examples = NULL; /* the file lives until the end of a test */
}

static struct sou_span span_of(json_t *row, const char *key)
{
	struct test_bytes bytes = vector_hex(row, key);
	return (struct sou_span){bytes.b, bytes.n};
}

static struct sou_id id_of(json_t *row, const char *key)
{
	struct sou_id id;
	vector_hex_into(row, key, id.b, sizeof id.b);
	return id;
}

static struct sou_hash hash_of(json_t *row, const char *key)
{
	struct sou_hash hash;
	vector_hex_into(row, key, hash.b, sizeof hash.b);
	return hash;
}

static void check(const char *name, const void *got, size_t n, json_t *row, const char *key)
{
	struct test_bytes want = vector_hex(row, key);
	CHECK_MEM(test_printf("%s: %s", name, key), got, n, want.b, want.n);
}

/* The key of that seed: of the list `keys`, by its number there. */
static void signer_of(struct sou_signer *out, size_t i)
{
	json_t *row = row_of("keys", i);
	REQUIRE("seed", sou_signer_ed25519(out, span_of(row, "seed").p) == SOU_OK);
}

TEST(examples, keys_and_names)
{
	forget();
	json_t *row;
	size_t i;
	row_of("keys", 0);
	json_array_foreach (vector_array(examples, "keys"), i, row) {
		const char *name = vector_str(row, "name");
		struct sou_signer signer = {0};
		signer_of(&signer, i);
		check(name, signer.public_key.b, 32, row, "public");
		struct sou_id id = sou_key_id(&signer.public_key);
		check(name, id.b, 16, row, "id");
		sou_signer_fini(&signer);
	}
	struct sou_hash genesis = hash_of(row_of("ops", 0), "id");
	struct sou_hash org_op = hash_of(names, "organisation_op"),
			opening = hash_of(names, "opening");
	struct sou_id hq = sou_entity_org(&genesis, 1), org = sou_entity_org(&org_op, 0);
	struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &org), site = id_of(names, "site");
	struct sou_id item = sou_entity_made(SOU_KIND_ITEM, &site, &opening, 1);
	check("P3.3", hq.b, 16, names, "hq");
	check("P3.3", org.b, 16, names, "organisation");
	check("P3.2", scope.b, 16, names, "scope");
	check("P3.3", item.b, 16, names, "item");
}

/* Each op is known and admissible where the one before is, and packs to the same bytes again. */
TEST(examples, authority)
{
	forget();
	struct sou_hash genesis = hash_of(row_of("ops", 0), "id");
	struct sou_authority *a = NULL;
	REQUIRE("authority", sou_authority_new(&a, &genesis) == SOU_OK);
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(examples, "ops"), i, row) {
		const char *name = vector_str(row, "name");
		struct sou_authop op = {0};
		struct sou_span bytes = span_of(row, "op");
		REQUIRE(name, sou_authop_read(&op, bytes) == SOU_OK);
		struct sou_hash id = sou_authop_id(bytes);
		check(name, id.b, 32, row, "id");
		struct sou_buf again = {0};
		CHECK_INT(name, sou_authop_pack(&op, &again), ==, SOU_OK);
		CHECK_MEM(name, again.p, again.n, bytes.p, bytes.n);

		json_t *list = vector_array(row, "signatures");
		struct sou_authsig sigs[8];
		uint32_t count = (uint32_t)json_array_size(list);
		REQUIRE(name, count <= ARRAY_LEN(sigs));
		for (uint32_t k = 0; k < count; k++) {
			json_t *pair = json_array_get(list, k);
			struct test_bytes key =
				test_hex(json_string_value(json_array_get(pair, 0)));
			struct test_bytes sig =
				test_hex(json_string_value(json_array_get(pair, 1)));
			memcpy(sigs[k].key_id.b, key.b, sizeof sigs[k].key_id.b);
			memcpy(sigs[k].signature, sig.b, sizeof sigs[k].signature);
		}
		struct sou_buf packed = {0};
		CHECK_INT(name, sou_authsigs_pack(&packed, sigs, count), ==, SOU_OK);
		CHECK_INT(name, sou_authority_add(a, bytes, sou_buf_span(&packed)), ==, SOU_OK);
		CHECK_INT(name, sou_authority_settle(a), ==, SOU_OK);
		CHECK(name, sou_authority_effective(a, &id));
		sou_buf_fini(&again);
		sou_buf_fini(&packed);
		sou_authop_fini(&op);
	}
	struct sou_hash hash = sou_authority_hash(a);
	check("P10.8", hash.b, 32, row_of("digests", 0), "authority");
	sou_authority_free(a);
}

/* The frame of the list, taken from its stream. */
static struct sou_frame frame_of(const char *name)
{
	json_t *row;
	size_t i;
	row_of("frames", 0);
	json_array_foreach (vector_array(examples, "frames"), i, row) {
		if (strcmp(vector_str(row, "name"), name) != 0)
			continue;
		struct sou_span in = span_of(row, "frame");
		struct sou_frame frame;
		REQUIRE(name, sou_frame_next(&in, &frame) == SOU_OK);
		CHECK_INT(name, in.n, ==, 0);
		CHECK_INT(name, frame.kind, ==, vector_int(row, "kind"));
		return frame;
	}
	REQUIRE(name, false);
	return (struct sou_frame){0};
}

static void check_body(const char *name, struct sou_buf *body)
{
	struct sou_frame frame = frame_of(name);
	CHECK_MEM(name, body->p, body->n, frame.body, frame.body_bytes);
	sou_buf_fini(body);
}

TEST(examples, joining)
{
	forget();
	json_t *row = row_of("invites", 0);
	struct sou_invite invite = {.tls = hash_of(row, "tls"),
				    .genesis = hash_of(row, "genesis"),
				    .net = id_of(names, "net")};
	snprintf(invite.address, sizeof invite.address, "%s", vector_str(row, "address"));
	vector_hex_into(row, "secret", invite.secret, sizeof invite.secret);
	char text[SOU_INVITE_TEXT_BYTES_MAX];
	size_t n;
	REQUIRE("P12.5", sou_invite_write(&invite, text, &n) == SOU_OK);
	CHECK_STR("P12.5", text, vector_str(row, "text"));

	uint8_t seed[SOU_SEED_BYTES];
	struct sou_signer key = {0}, site = {0};
	sou_invite_seed(invite.secret, seed);
	REQUIRE("P12.4", sou_signer_ed25519(&key, seed) == SOU_OK);
	check("P12.4", key.public_key.b, 32, row, "public");
	signer_of(&site, 4);
	struct sou_join join = {.invite_key = sou_key_id(&key.public_key),
				.net = invite.net,
				.site = id_of(names, "site"),
				.key = site.public_key};
	memset(join.tls.b, 0xc1, sizeof join.tls.b);
	struct sou_buf statement = {0}, body = {0};
	sou_enrol_statement(&statement, &join.invite_key, &join.site, &join.key, &join.tls);
	CHECK_INT("P8.9",
		  sou_sign(&key, SOU_CONTEXT_ENROL, &join.net, sou_buf_span(&statement),
			   join.enrol_signature),
		  ==, SOU_OK);
	struct sou_span exporter = span_of(row, "exporter");
	sou_buf_put(&statement, exporter.p, exporter.n);
	CHECK_INT("P12.6",
		  sou_sign(&key, SOU_CONTEXT_JOIN, &join.net, sou_buf_span(&statement),
			   join.join_signature),
		  ==, SOU_OK);
	sou_join_pack(&body, &join);
	check_body("P12.6 join", &body);
	struct sou_hash opening = hash_of(names, "opening");
	struct sou_buf joined = {0};
	sou_joined_pack(&joined, &opening);
	check_body("P12.6 joined", &joined);
	sou_buf_fini(&statement);
	sou_signer_fini(&key);
	sou_signer_fini(&site);
}

/* Makes entry i anew from what its person and site said, and compares all of it. */
static void check_made(size_t i)
{
	json_t *row = row_of("entries", i);
	const char *name = vector_str(row, "name"), *by = vector_str(row, "by"),
		   *text = vector_str(row, "text");
	struct sou_signer signer = {0};
	signer_of(&signer, 4);
	struct sou_buf value = {0}, header = {0}, payload = {0};
	sou_mp_put_str(&value, text, strlen(text));
	json_t *list = vector_get(row, "replaces");
	struct sou_id replaces[1];
	REQUIRE(name, json_array_size(list) == i);
	if (i > 0)
		replaces[0] = id_of(row_of("entries", 0), "version");
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = 1,
				  .entity = id_of(names, "item"),
				  .value = sou_buf_span(&value),
				  .replaces = replaces,
				  .replace_count = (uint32_t)i};
	struct sou_draft draft = {.for_org = id_of(names, "organisation"),
				  .by = {(const uint8_t *)by, strlen(by)},
				  .ops = &op,
				  .op_count = 1};
	vector_hex_into(row, "entry_salt", draft.salt, sizeof draft.salt);
	draft.header = (struct sou_header){.net = id_of(names, "net"),
					   .site = id_of(names, "site"),
					   .scope = id_of(names, "scope"),
					   .epoch = id_of(row, "epoch"),
					   .authority = id_of(row, "authority_head"),
					   .prev = hash_of(row, "prev"),
					   .seq = vector_u64(row, "seq"),
					   .hlc = vector_u64(row, "hlc")};
	struct sou_entry entry = {0};
	uint8_t signature[SOU_SIGNATURE_BYTES];
	REQUIRE(name,
		sou_entry_make(&entry, &draft, &signer, &header, &payload, signature) == SOU_OK);
	check(name, header.p, header.n, row, "header");
	check(name, payload.p, payload.n, row, "payload");
	check(name, signature, sizeof signature, row, "signature");
	check(name, entry.facts.id.b, 32, row, "id");
	check(name, entry.header.payload_hash.b, 32, row, "hash");
	json_t *salt;
	size_t k;
	json_array_foreach (vector_array(row, "salts"), k, salt) {
		uint8_t made[SOU_SALT_BYTES];
		sou_salt(draft.salt, (uint32_t)vector_int(salt, "index"), made);
		check(name, made, sizeof made, salt, "salt");
	}
	sou_entry_fini(&entry);
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
	sou_signer_fini(&signer);
}

TEST(examples, entries)
{
	forget();
	check_made(0);
	check_made(1);
	json_t *row = row_of("redacted", 0);
	struct sou_payload p = {0};
	struct sou_buf out = {0}, scratch = {0};
	struct sou_hash hash;
	REQUIRE("P6.1", sou_payload_read(&p, span_of(row_of("entries", 0), "payload")) == SOU_OK);
	REQUIRE("P6.1", sou_payload_redact(&p, (const uint16_t[]){1}, 1, &out) == SOU_OK);
	check("P6.1", out.p, out.n, row, "payload");
	REQUIRE("P6.6", sou_payload_read(&p, sou_buf_span(&out)) == SOU_OK);
	REQUIRE("P6.6", sou_payload_hash(&p, &scratch, &hash) == SOU_OK);
	check("P6.6", hash.b, 32, row, "hash");
	check("P6.6", hash.b, 32, row_of("entries", 0), "hash");
	sou_payload_fini(&p);
	sou_buf_fini(&out);
	sou_buf_fini(&scratch);
}

/* The raw data of news: packed from the entries, and read back to them. */
TEST(examples, news)
{
	forget();
	struct sou_id net = (row_of("names", 0), id_of(names, "net")),
		      scope = id_of(names, "scope");
	struct sou_batch *batch = NULL;
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	for (size_t i = 0; i < 2; i++) {
		json_t *row = row_of("entries", i);
		struct sou_batch_item item = {.header = span_of(row, "header"),
					      .payload = span_of(row, "payload"),
					      .signature = span_of(row, "signature").p,
					      .keep_signature = true,
					      .id = hash_of(row, "id")};
		CHECK_INT("P11.8", sou_batch_add(batch, &item), ==, SOU_OK);
	}
	struct sou_buf data = {0}, body = {0};
	struct sou_batch_sent sent;
	REQUIRE("P11.8", sou_batch_end(batch, &data, &sent) == SOU_OK);
	CHECK_INT("P11.8", sent.entries, ==, 2);

	struct sou_frame frame = frame_of("P11.6 news");
	struct sou_news m;
	REQUIRE("P11.6",
		sou_news_unpack(&m, (struct sou_span){frame.body, frame.body_bytes}) == SOU_OK);
	if (!sent.is_zstd)
		CHECK_MEM("P11.8", data.p, data.n, m.data.p, m.data.n);
	CHECK_U64("P11.8", sent.raw_bytes, ==, m.raw_bytes);
	sou_news_pack(&body, &m);
	check_body("P11.6 news", &body);
	REQUIRE("P11.8", sou_batch_open(batch, m.data, false, m.raw_bytes, &net, &scope) == SOU_OK);
	for (size_t i = 0; i < 2; i++) {
		const struct sou_batch_entry *e = NULL;
		json_t *row = row_of("entries", i);
		REQUIRE("P11.9", sou_batch_next(batch, &e) == SOU_OK && e != NULL);
		check("P11.9", e->header.p, e->header.n, row, "header");
		check("P11.9", e->payload.p, e->payload.n, row, "payload");
		check("P11.9", e->signature, 64, row, "signature");
		check("P11.9", e->entry->facts.id.b, 32, row, "id");
	}
	sou_buf_fini(&data);
	sou_batch_free(batch);
}

TEST(examples, frames)
{
	forget();
	row_of("names", 0);
	struct sou_hash opening = hash_of(names, "opening");
	struct sou_hello hello = {
		.rule = 1, .net = id_of(names, "net"), .site = id_of(names, "site")};
	memset(hello.log.b, 0xe0, sizeof hello.log.b);
	memset(hello.instance.b, 0xe1, sizeof hello.instance.b);
	hello.software = (struct sou_span){(const uint8_t *)"example", 7};
	struct sou_buf positions = {0}, body = {0};
	sou_positions_begin(&positions, 0);
	hello.positions = sou_buf_span(&positions);
	sou_hello_pack(&body, &hello, &opening, 1);
	check_body("P11.2 hello", &body);

	struct sou_ack ack = {id_of(names, "scope"), 2, 1700000061000};
	struct sou_buf acked = {0};
	sou_ack_pack(&acked, &ack);
	check_body("P11.7 ack", &acked);

	struct sou_id scope = id_of(names, "scope");
	struct sou_hash second = hash_of(row_of("entries", 1), "id");
	struct sou_buf heads = {0}, refused = {0}, farewell = {0}, again = {0};
	sou_heads_pack(&heads, &scope, &second, 1);
	check_body("P13.7 heads", &heads);
	const struct sou_refusal refusal = {.scope = scope,
					    .upto = 3,
					    .code = SOU_REFUSE_NEVER_RIGHT,
					    .clause = {(const uint8_t *)"P11.12", 6},
					    .has_entry = true,
					    .entry = second};
	sou_refusal_pack(&refused, &refusal);
	check_body("P11.12 refuse", &refused);
	sou_bye_pack(&farewell, SOU_BYE_STOPPING, "P11.13", "stopping");
	check_body("P11.13 bye", &farewell);

	struct sou_hash redact = hash_of(row_of("ops", 4), "id");
	struct sou_position position = {.scope = scope, .upto = 2, .has_digest = true};
	position.digest = id_of(row_of("digests", 0), "scope_digest");
	memset(hello.your_log.b, 0xe2, sizeof hello.your_log.b);
	sou_buf_clear(&positions);
	sou_positions_begin(&positions, 1);
	sou_positions_put(&positions, &position);
	hello.positions = sou_buf_span(&positions);
	sou_hello_pack(&again, &hello, &redact, 1);
	check_body("P11.3 hello with positions", &again);
	sou_buf_fini(&positions);

	struct sou_frame frame = frame_of("P13.4 authority");
	struct sou_mp ops;
	bool more;
	uint32_t count;
	struct sou_span op, sigs;
	REQUIRE("P13.4", sou_authority_unpack((struct sou_span){frame.body, frame.body_bytes},
					      &more, &ops, &count) == SOU_OK);
	CHECK("P13.4", !more && count == 1);
	REQUIRE("P13.4", sou_authority_next(&ops, &op, &sigs) == SOU_OK);
	check("P13.4", op.p, op.n, row_of("ops", 4), "op");
}

TEST(examples, digests)
{
	forget();
	json_t *row = row_of("digests", 0);
	struct sou_id item = id_of(names, "item");
	struct sou_hash buckets[SOU_BUCKETS] = {0};
	buckets[sou_bucket_of(&item)] = sou_digest_bucket(span_of(row, "rows"));
	check("P10.6", buckets[sou_bucket_of(&item)].b, 32, row, "bucket");
	struct sou_hash state = sou_digest_state(buckets), authority = hash_of(row, "authority"),
			entries = hash_of(row, "entries");
	check("P10.6", state.b, 32, row, "state");
	struct sou_id scope = sou_digest_scope(&authority, &entries, &state);
	check("P10.8", scope.b, 16, row, "scope_digest");
	struct sou_digest digest = {id_of(names, "scope"), 2, 1, authority, entries, state};
	struct sou_buf body = {0};
	sou_digest_pack(&body, &digest);
	check_body("P13.12 digest", &body);
}
