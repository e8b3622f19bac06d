/* test_vectors_frames.c - bodies of frames as the second implementation made them: each is read and
 * packed again to the same bytes, or refused (P11.2, P11.3). */
#include "proto/frame.h"
#include "proto/msg.h"
#include "tests/lib/vector.h"

/* Reads body and, where it is good, packs it again into out. */
typedef int again_fn(struct sou_span body, struct sou_buf *out);

static struct sou_hash *hashes(const struct sou_mp_list *list)
{
	struct sou_hash *all = test_alloc((list->count + 1) * sizeof *all);
	for (uint32_t i = 0; i < list->count; i++)
		all[i] = sou_mp_list_hash(list, i);
	return all;
}

static int hello(struct sou_span body, struct sou_buf *out)
{
	struct sou_hello m;
	int rc = sou_hello_unpack(&m, body);
	if (rc == SOU_OK)
		sou_hello_pack(out, &m, hashes(&m.leaves), m.leaves.count);
	return rc;
}

static int authority(struct sou_span body, struct sou_buf *out)
{
	bool more;
	struct sou_mp ops;
	uint32_t count;
	int rc = sou_authority_unpack(body, &more, &ops, &count);
	if (rc != SOU_OK)
		return rc;
	sou_authority_pack_begin(out, more, count);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_span op, sigs;
		REQUIRE("P11.2 an op of a good series",
			sou_authority_next(&ops, &op, &sigs) == SOU_OK);
		sou_authority_pack_op(out, op, sigs);
	}
	return rc;
}

static int headers(struct sou_span body, struct sou_buf *out)
{
	struct sou_news m;
	int rc = sou_headers_unpack(&m, body);
	if (rc == SOU_OK)
		sou_headers_pack(out, &m);
	return rc;
}

static int news(struct sou_span body, struct sou_buf *out)
{
	struct sou_news m;
	int rc = sou_news_unpack(&m, body);
	if (rc == SOU_OK)
		sou_news_pack(out, &m);
	return rc;
}

static int ack(struct sou_span body, struct sou_buf *out)
{
	struct sou_ack m;
	int rc = sou_ack_unpack(&m, body);
	if (rc == SOU_OK)
		sou_ack_pack(out, &m);
	return rc;
}

static int refuse(struct sou_span body, struct sou_buf *out)
{
	struct sou_refusal m;
	int rc = sou_refusal_unpack(&m, body);
	if (rc == SOU_OK)
		sou_refusal_pack(out, &m);
	return rc;
}

static int empty(struct sou_span body, struct sou_buf *out)
{
	int rc = sou_empty_unpack(body);
	if (rc == SOU_OK)
		sou_empty_pack(out);
	return rc;
}

static int positions(struct sou_span body, struct sou_buf *out)
{
	struct sou_span list;
	int rc = sou_positions_unpack(&list, body);
	if (rc == SOU_OK)
		sou_positions_pack(out, list);
	return rc;
}

static int heads(struct sou_span body, struct sou_buf *out)
{
	struct sou_heads m;
	int rc = sou_heads_unpack(&m, body);
	if (rc == SOU_OK)
		sou_heads_pack(out, &m.scope, hashes(&m.names), m.names.count);
	return rc;
}

static int want(struct sou_span body, struct sou_buf *out)
{
	struct sou_heads m;
	int rc = sou_want_unpack(&m, body);
	if (rc != SOU_OK)
		return rc;
	struct sou_id *ids = test_alloc((m.names.count + 1) * sizeof *ids);
	for (uint32_t i = 0; i < m.names.count; i++)
		ids[i] = sou_mp_list_id(&m.names, i);
	sou_want_pack(out, &m.scope, ids, m.names.count);
	return rc;
}

static int signatures_want(struct sou_span body, struct sou_buf *out)
{
	struct sou_signatures_want m;
	int rc = sou_signatures_want_unpack(&m, body);
	if (rc == SOU_OK)
		sou_signatures_want_pack(out, &m);
	return rc;
}

static int signatures(struct sou_span body, struct sou_buf *out)
{
	struct sou_signatures m;
	int rc = sou_signatures_unpack(&m, body);
	if (rc != SOU_OK)
		return rc;
	sou_signatures_pack_begin(out, &m.scope, m.count);
	for (uint32_t i = 0; i < m.count; i++) {
		struct sou_hash entry;
		const uint8_t *signature;
		sou_signatures_next(&m.pairs, &entry, &signature);
		sou_signatures_put(out, &entry, signature);
	}
	return rc;
}

static int digest(struct sou_span body, struct sou_buf *out)
{
	struct sou_digest m;
	int rc = sou_digest_unpack(&m, body);
	if (rc == SOU_OK)
		sou_digest_pack(out, &m);
	return rc;
}

static int ping(struct sou_span body, struct sou_buf *out)
{
	uint64_t nonce;
	int rc = sou_ping_unpack(&nonce, body);
	if (rc == SOU_OK)
		sou_ping_pack(out, nonce);
	return rc;
}

static int bye(struct sou_span body, struct sou_buf *out)
{
	struct sou_farewell m;
	int rc = sou_bye_unpack(&m, body);
	if (rc == SOU_OK)
		sou_bye_pack(out, m.code, test_printf("%.*s", (int)m.clause.n, m.clause.p),
			     test_printf("%.*s", (int)m.text.n, m.text.p));
	return rc;
}

static int join(struct sou_span body, struct sou_buf *out)
{
	struct sou_join m;
	int rc = sou_join_unpack(&m, body);
	if (rc == SOU_OK)
		sou_join_pack(out, &m);
	return rc;
}

static int joined(struct sou_span body, struct sou_buf *out)
{
	struct sou_hash op;
	int rc = sou_joined_unpack(&op, body);
	if (rc == SOU_OK)
		sou_joined_pack(out, &op);
	return rc;
}

static again_fn *const by_kind[] = {
	[SOU_FRAME_HELLO] = hello,
	[SOU_FRAME_AUTHORITY] = authority,
	[SOU_FRAME_HEADERS] = headers,
	[SOU_FRAME_NEWS] = news,
	[SOU_FRAME_ACK] = ack,
	[SOU_FRAME_REFUSE] = refuse,
	[SOU_FRAME_POSITIONS_WANT] = empty,
	[SOU_FRAME_POSITIONS] = positions,
	[SOU_FRAME_HEADS] = heads,
	[SOU_FRAME_WANT] = want,
	[SOU_FRAME_SIGNATURES_WANT] = signatures_want,
	[SOU_FRAME_SIGNATURES] = signatures,
	[SOU_FRAME_DIGEST] = digest,
	[SOU_FRAME_PING] = ping,
	[SOU_FRAME_PONG] = ping,
	[SOU_FRAME_BYE] = bye,
	[SOU_FRAME_JOIN] = join,
	[SOU_FRAME_JOINED] = joined,
};

static int read_row(json_t *row, struct sou_buf *out)
{
	struct test_bytes body = vector_hex(row, "body");
	size_t kind = (size_t)vector_int(row, "kind");
	REQUIRE(vector_str(row, "name"), kind < ARRAY_LEN(by_kind) && by_kind[kind] != NULL);
	return by_kind[kind]((struct sou_span){body.b, body.n}, out);
}

TEST(vectors, frames_accept)
{
	bool seen[ARRAY_LEN(by_kind)] = {false};
	struct sou_buf out = {0};
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(vector_load("frames"), "accept"), i, row) {
		const char *name = vector_str(row, "name");
		struct test_bytes body = vector_hex(row, "body");
		sou_buf_clear(&out);
		CHECK_INT(name, read_row(row, &out), ==, SOU_OK);
		if (strstr(name, "hashed") == NULL) /* from a hash no list is packed */
			CHECK_MEM(name, out.p, out.n, body.b, body.n);
		seen[vector_int(row, "kind")] = true;
	}
	sou_buf_fini(&out);
	for (size_t kind = 1; kind < ARRAY_LEN(by_kind); kind++)
		CHECK(test_printf("P11.2 a body of kind %zu", kind), seen[kind]);
}

TEST(vectors, frames_refuse)
{
	struct sou_buf out = {0};
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(vector_load("frames"), "refuse"), i, row) {
		int rc = read_row(row, &out);
		CHECK(vector_str(row, "name"), rc == SOU_EFORMAT || rc == SOU_ELIMIT);
	}
	sou_buf_fini(&out);
}

/* --- each member in its place --- */

static json_t *fields; /* of the row */
static const char *row_name;

static void check_number(const char *key, uint64_t got)
{
	CHECK_U64(test_printf("%s: %s", row_name, key), got, ==, vector_u64(fields, key));
}

static void check_bytes(const char *key, const void *got, size_t n)
{
	struct test_bytes want = vector_hex(fields, key);
	CHECK_MEM(test_printf("%s: %s", row_name, key), got, n, want.b, want.n);
}

static void check_text(const char *key, struct sou_span got)
{
	const char *want = vector_str(fields, key);
	CHECK_MEM(test_printf("%s: %s", row_name, key), got.p, got.n, want, strlen(want));
}

static void named_hello(struct sou_span body)
{
	struct sou_hello m = {0};
	CHECK_INT(row_name, sou_hello_unpack(&m, body), ==, SOU_OK);
	check_number("wire", m.wire);
	check_number("rule", m.rule);
	check_number("flags", m.flags);
	check_bytes("net", m.net.b, 16);
	check_bytes("site", m.site.b, 16);
	check_bytes("log", m.log.b, 16);
	check_bytes("instance", m.instance.b, 16);
	check_bytes("your_log", m.your_log.b, 16);
	check_text("software", m.software);
}

static void named_data(struct sou_span body, bool is_news)
{
	struct sou_news m = {0};
	CHECK_INT(row_name, is_news ? sou_news_unpack(&m, body) : sou_headers_unpack(&m, body), ==,
		  SOU_OK);
	check_bytes("scope", m.scope.b, 16);
	if (is_news) {
		check_number("after", m.after);
		check_number("upto", m.upto);
	}
	check_number("flags", m.flags);
	check_number("raw_bytes", m.raw_bytes);
	check_bytes("data", m.data.p, m.data.n);
}

static void named_answer(struct sou_span body, enum sou_frame_kind kind)
{
	struct sou_ack ack = {0};
	struct sou_refusal refusal = {0};
	struct sou_farewell farewell = {0};
	if (kind == SOU_FRAME_ACK) {
		CHECK_INT(row_name, sou_ack_unpack(&ack, body), ==, SOU_OK);
		check_bytes("scope", ack.scope.b, 16);
		check_number("upto", ack.upto);
		check_number("received_ms", ack.received_ms);
	} else if (kind == SOU_FRAME_REFUSE) {
		CHECK_INT(row_name, sou_refusal_unpack(&refusal, body), ==, SOU_OK);
		check_bytes("scope", refusal.scope.b, 16);
		check_number("upto", refusal.upto);
		check_number("code", refusal.code);
		check_text("clause", refusal.clause);
		CHECK(row_name, refusal.has_entry);
		check_bytes("entry", refusal.entry.b, 32);
	} else {
		CHECK_INT(row_name, sou_bye_unpack(&farewell, body), ==, SOU_OK);
		check_number("code", farewell.code);
		check_text("clause", farewell.clause);
		check_text("text", farewell.text);
	}
}

static void named_digest(struct sou_span body)
{
	struct sou_digest m = {0};
	CHECK_INT(row_name, sou_digest_unpack(&m, body), ==, SOU_OK);
	check_bytes("scope", m.scope.b, 16);
	check_number("upto", m.upto);
	check_number("rule", m.rule);
	check_bytes("authority", m.authority.b, 32);
	check_bytes("entries", m.entries.b, 32);
	check_bytes("state", m.state.b, 32);
}

static void named_signatures_want(struct sou_span body)
{
	struct sou_signatures_want m = {0};
	CHECK_INT(row_name, sou_signatures_want_unpack(&m, body), ==, SOU_OK);
	check_bytes("scope", m.scope.b, 16);
	check_bytes("first", m.first.b, 32);
	check_bytes("last", m.last.b, 32);
}

static void named_join(struct sou_span body)
{
	struct sou_join m = {0};
	CHECK_INT(row_name, sou_join_unpack(&m, body), ==, SOU_OK);
	check_number("wire", m.wire);
	check_bytes("invite_key", m.invite_key.b, 16);
	check_bytes("net", m.net.b, 16);
	check_bytes("site", m.site.b, 16);
	check_bytes("key", m.key.b, 32);
	check_bytes("tls", m.tls.b, 32);
	check_bytes("enrol_signature", m.enrol_signature, 64);
	check_bytes("join_signature", m.join_signature, 64);
}

static void check_named(enum sou_frame_kind kind, struct sou_span body)
{
	if (kind == SOU_FRAME_HELLO)
		named_hello(body);
	else if (kind == SOU_FRAME_NEWS || kind == SOU_FRAME_HEADERS)
		named_data(body, kind == SOU_FRAME_NEWS);
	else if (kind == SOU_FRAME_ACK || kind == SOU_FRAME_REFUSE || kind == SOU_FRAME_BYE)
		named_answer(body, kind);
	else if (kind == SOU_FRAME_DIGEST)
		named_digest(body);
	else if (kind == SOU_FRAME_SIGNATURES_WANT)
		named_signatures_want(body);
	else if (kind == SOU_FRAME_JOIN)
		named_join(body);
	else
		CHECK(row_name, false);
}

TEST(vectors, frames_named)
{
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(vector_load("frames"), "named"), i, row) {
		struct test_bytes body = vector_hex(row, "body");
		fields = vector_get(row, "fields");
		row_name = vector_str(row, "name");
		check_named((enum sou_frame_kind)vector_int(row, "kind"),
			    (struct sou_span){body.b, body.n});
	}
	CHECK_INT("P11.2 kinds with named members", i, ==, 9);
}
