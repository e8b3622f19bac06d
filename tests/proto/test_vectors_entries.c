/* test_vectors_entries.c - headers, payloads in both forms and whole entries as the second
 * implementation made them (P5, P6). */
#include "proto/entry.h"
#include "proto/limits.h"
#include "tests/lib/vector.h"

#define EACH(row, file, list)                                                                      \
	json_t *row##_list = vector_array(vector_load(file), list), *row;                          \
	size_t row##_at;                                                                           \
	json_array_foreach (row##_list, row##_at, row)

static struct sou_span span_of(json_t *row, const char *key)
{
	struct test_bytes bytes = vector_hex(row, key);
	return (struct sou_span){bytes.b, bytes.n};
}

static void check_bytes(const char *name, const void *got, size_t n, json_t *row, const char *key)
{
	struct test_bytes want = vector_hex(row, key);
	CHECK_MEM(name, got, n, want.b, want.n);
}

TEST(vectors, headers_accept)
{
	EACH(row, "headers", "accept")
	{
		const char *name = vector_str(row, "name");
		struct sou_span bytes = span_of(row, "bytes");
		struct sou_header h;
		REQUIRE(name, sou_header_read(&h, bytes) == SOU_OK);
		json_t *f = vector_get(row, "fields");
		CHECK_INT(name, h.kind, ==, vector_int(f, "kind"));
		CHECK_U64(name, h.seq, ==, vector_u64(f, "seq"));
		CHECK_U64(name, h.hlc, ==, vector_u64(f, "hlc"));
		CHECK_INT(name, h.clock, ==, vector_int(f, "clock_flags"));
		CHECK_INT(name, h.payload_bytes, ==, vector_int(f, "payload_length"));
		check_bytes(name, h.net.b, 16, f, "net");
		check_bytes(name, h.site.b, 16, f, "site");
		check_bytes(name, h.scope.b, 16, f, "scope");
		check_bytes(name, h.epoch.b, 16, f, "epoch");
		check_bytes(name, h.prev.b, 32, f, "prev");
		check_bytes(name, h.authority.b, 16, f, "authority_head");
		check_bytes(name, h.key.b, 16, f, "key_id");
		check_bytes(name, h.payload_hash.b, 32, f, "payload_hash");
		struct sou_hash id = sou_entry_id(bytes);
		check_bytes(name, id.b, 32, row, "id");
		struct sou_buf again = {0};
		sou_header_pack(&again, &h);
		CHECK_MEM(name, again.p, again.n, bytes.p, bytes.n);
		sou_buf_fini(&again);
	}
}

TEST(vectors, headers_refuse)
{
	EACH(row, "headers", "refuse")
	{
		const char *name = vector_str(row, "name");
		struct sou_header h;
		int rc = sou_header_read(&h, span_of(row, "bytes"));
		if (strncmp(name, "P5.4 version", 12) == 0)
			CHECK_INT(name, rc, ==, SOU_ETOONEW);
		else
			CHECK(name, rc == SOU_EFORMAT || rc == SOU_ELIMIT);
	}
}

static const char *const states[] = {
	[SOU_BODY_OK] = "ok",
	[SOU_BODY_MALFORMED] = "malformed",
	[SOU_BODY_TOONEW] = "too-new",
};

/* The entry that a payload of either form would belong to: header around the row's hash. */
static void check_form(json_t *row, struct sou_span payload, json_t *lacking)
{
	const char *name = vector_str(row, "name");
	struct sou_payload p = {0};
	struct sou_buf scratch = {0};
	struct sou_hash hash;
	REQUIRE(name, sou_payload_read(&p, payload) == SOU_OK);
	REQUIRE(name, sou_payload_hash(&p, &scratch, &hash) == SOU_OK);
	check_bytes(name, hash.b, sizeof hash.b, row, "hash");
	enum sou_entry_kind kind = (enum sou_entry_kind)vector_int(row, "kind");
	CHECK_STR(name, states[sou_payload_judge(&p, kind)], vector_str(row, "state"));

	struct sou_header h = {.kind = (uint8_t)kind, .seq = 1, .payload_hash = hash};
	h.payload_bytes = (uint32_t)vector_hex(row, "full").n;
	struct sou_buf header = {0};
	sou_header_pack(&header, &h);
	struct sou_entry entry = {0};
	REQUIRE(name, sou_entry_read(&entry, sou_buf_span(&header), payload, NULL) == SOU_OK);
	CHECK_STR(name, states[entry.facts.body], vector_str(row, "state"));
	/* Nothing asks what a malformed entry lacks. */
	size_t lacks = entry.facts.body == SOU_BODY_MALFORMED ? 0 : json_array_size(lacking);
	CHECK_INT(name, entry.facts.lacking_count, ==, lacks);
	for (size_t i = 0; i < lacks && i < entry.facts.lacking_count; i++)
		CHECK_INT(name, entry.facts.lacking[i], ==,
			  json_integer_value(json_array_get(lacking, i)));
	sou_entry_fini(&entry);
	sou_buf_fini(&header);
	sou_buf_fini(&scratch);
	sou_payload_fini(&p);
}

/* P6.7: the redacted form made here is the one made there. */
static void check_redact(json_t *row, json_t *form)
{
	const char *name = vector_str(row, "name");
	struct sou_payload p = {0};
	struct sou_buf out = {0};
	uint16_t gone[SOU_OPS_MAX + 1];
	size_t count = json_array_size(vector_get(form, "gone"));
	for (size_t i = 0; i < count; i++)
		gone[i] = (uint16_t)json_integer_value(
			json_array_get(json_object_get(form, "gone"), i));
	REQUIRE(name, sou_payload_read(&p, span_of(row, "full")) == SOU_OK);
	REQUIRE(name, sou_payload_redact(&p, gone, count, &out) == SOU_OK);
	check_bytes(name, out.p, out.n, form, "bytes");
	sou_buf_fini(&out);
	sou_payload_fini(&p);
}

TEST(vectors, payloads)
{
	size_t seen[ARRAY_LEN(states)] = {0};
	EACH(row, "payloads", "rows")
	{
		check_form(row, span_of(row, "full"), vector_get(row, "lacking"));
		json_t *form;
		size_t i;
		json_array_foreach (vector_array(row, "forms"), i, form) {
			check_form(row, span_of(form, "bytes"), vector_get(form, "lacking"));
			check_redact(row, form);
		}
		for (size_t k = SOU_BODY_OK; k < ARRAY_LEN(states); k++)
			seen[k] += strcmp(states[k], vector_str(row, "state")) == 0;
	}
	for (size_t k = SOU_BODY_OK; k < ARRAY_LEN(states); k++)
		CHECK_INT(states[k], seen[k], >, 3);
}

TEST(vectors, salts)
{
	EACH(row, "payloads", "rows")
	{
		const char *name = vector_str(row, "name");
		struct sou_payload p = {0};
		REQUIRE(name, sou_payload_read(&p, span_of(row, "full")) == SOU_OK);
		json_t *c;
		size_t i;
		json_array_foreach (vector_array(row, "commitments"), i, c) {
			uint32_t index = (uint32_t)vector_int(c, "index");
			uint8_t salt[SOU_SALT_BYTES];
			sou_salt(p.salt, index, salt);
			check_bytes(name, salt, sizeof salt, c, "salt");
			struct sou_span value = index == 0 ? p.by_value : p.ops[index - 1].value;
			struct sou_span parts[] = {{salt, sizeof salt}, value};
			struct sou_hash got = sou_hash_parts(SOU_DOMAIN_COMMIT, parts, 2);
			check_bytes(name, got.b, sizeof got.b, c, "commitment");
		}
		sou_payload_fini(&p);
	}
}

TEST(vectors, payloads_refuse)
{
	struct sou_payload p = {0};
	EACH(row, "payloads", "refuse")
	{
		int rc = sou_payload_read(&p, span_of(row, "bytes"));
		CHECK(vector_str(row, "name"), rc == SOU_EFORMAT || rc == SOU_ELIMIT);
	}
	sou_payload_fini(&p);
}

TEST(vectors, entries)
{
	struct sou_entry entry = {0};
	struct sou_id net;
	vector_hex_into(vector_load("entries"), "net", net.b, sizeof net.b);
	EACH(row, "entries", "rows")
	{
		const char *name = vector_str(row, "name");
		REQUIRE(name, sou_entry_read(&entry, span_of(row, "header"),
					     span_of(row, "payload"), NULL) == SOU_OK);
		check_bytes(name, entry.facts.id.b, 32, row, "id");
		CHECK_INT(name, entry.facts.body, ==, SOU_BODY_OK);
		struct sou_hash public_key;
		uint8_t signature[SOU_SIGNATURE_BYTES];
		vector_hex_into(row, "public", public_key.b, sizeof public_key.b);
		vector_hex_into(row, "signature", signature, sizeof signature);
		CHECK_INT(name,
			  sou_entry_verify(&sou_verifier_ed25519, &net, &entry.facts.id,
					   &public_key, signature),
			  ==, SOU_OK);
		signature[20] ^= 1;
		CHECK_INT(name,
			  sou_entry_verify(&sou_verifier_ed25519, &net, &entry.facts.id,
					   &public_key, signature),
			  ==, SOU_ESIG);
	}
	sou_entry_fini(&entry);
}
