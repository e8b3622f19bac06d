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
