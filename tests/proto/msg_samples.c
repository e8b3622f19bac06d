/* msg_samples.c - good bodies, and the way through unpack and pack of each. */
#include "tests/proto/msg_samples.h"

#include "proto/limits.h"

static struct sou_id id_of(uint8_t b)
{
	struct sou_id id;
	memset(id.b, b, sizeof id.b);
	return id;
}

static struct sou_hash hash_of(uint8_t b)
{
	struct sou_hash h;
	memset(h.b, b, sizeof h.b);
	return h;
}

static void sample_positions(struct sou_buf *list, uint32_t count)
{
	sou_positions_begin(list, count);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_position p = {.scope = id_of((uint8_t)(i + 1)),
					 .upto = i * 300,
					 .has_digest = i % 2 == 1,
					 .digest = id_of(0x77)};
		sou_positions_put(list, &p);
	}
}

static void sample_hello(struct sou_buf *out, uint32_t scopes)
{
	struct sou_buf list = {0};
	sample_positions(&list, scopes);
	struct sou_hash leaves[2] = {hash_of(1), hash_of(2)};
	struct sou_hello h = {.wire = SOU_WIRE_VERSION,
			      .rule = 1,
			      .flags = 3,
			      .net = id_of(1),
			      .site = id_of(2),
			      .log = id_of(3),
			      .instance = id_of(4),
			      .your_log = id_of(5),
			      .software = {(const uint8_t *)"soukatsu 0.1", 12},
			      .positions = sou_buf_span(&list)};
	sou_hello_pack(out, &h, leaves, scopes % 3);
	sou_buf_fini(&list);
}

static void sample_authority(struct sou_buf *out, uint32_t ops)
{
	struct sou_buf sigs = {0};
	const uint8_t op[3] = {0x93, 0x00, 0x01};
	uint8_t sig[64] = {7};
	struct sou_id key = id_of(9);
	sou_mp_put_array(&sigs, 1);
	sou_mp_put_array(&sigs, 2);
	sou_mp_put_id(&sigs, &key);
	sou_mp_put_bin(&sigs, sig, sizeof sig);
	sou_authority_pack_begin(out, ops == 2, ops);
	for (uint32_t i = 0; i < ops; i++)
		sou_authority_pack_op(out, (struct sou_span){op, sizeof op}, sou_buf_span(&sigs));
	sou_buf_fini(&sigs);
}

static void sample_news(struct sou_buf *out, uint8_t kind, unsigned variant)
{
	struct sou_news n = {.scope = id_of(6),
			     .after = 3,
			     .upto = 90,
			     .raw_bytes = 5,
			     .data = {(const uint8_t *)"abcde", 5}};
	if (variant == 1) {
		n.flags = SOU_DATA_ZSTD | SOU_DATA_ANSWER;
		n.after = n.upto = 0;
		n.raw_bytes = SOU_BATCH_BYTES_MAX;
	}
	if (kind == SOU_FRAME_NEWS)
		sou_news_pack(out, &n);
	else
		sou_headers_pack(out, &n);
}

static void sample_refuse(struct sou_buf *out, unsigned variant)
{
	struct sou_refusal r = {.scope = id_of(6),
				.upto = 9,
				.code = SOU_REFUSE_FULL,
				.clause = {(const uint8_t *)"P9.7", 4},
				.has_entry = variant == 1,
				.entry = hash_of(8)};
	sou_refusal_pack(out, &r);
}

static void sample_rest(struct sou_buf *out, uint8_t kind, unsigned variant)
{
	struct sou_id scope = id_of(6), versions[2] = {id_of(1), id_of(2)};
	struct sou_hash heads[2] = {hash_of(1), hash_of(2)};
	uint8_t sig[64] = {1};
	if (kind == SOU_FRAME_ACK)
		sou_ack_pack(out, &(struct sou_ack){scope, 1000, 1700000000000});
	else if (kind == SOU_FRAME_HEADS)
		sou_heads_pack(out, &scope, heads, variant * 2);
	else if (kind == SOU_FRAME_WANT)
		sou_want_pack(out, &scope, versions, 1 + variant);
	else if (kind == SOU_FRAME_SIGNATURES_WANT)
		sou_signatures_want_pack(out,
					 &(struct sou_signatures_want){scope, heads[0], heads[1]});
	else if (kind == SOU_FRAME_DIGEST)
		sou_digest_pack(
			out, &(struct sou_digest){scope, 7, 1, hash_of(1), hash_of(2), hash_of(3)});
	else if (kind == SOU_FRAME_PING || kind == SOU_FRAME_PONG)
		sou_ping_pack(out, variant == 0 ? 5 : UINT64_MAX);
	else if (kind == SOU_FRAME_BYE)
		sou_bye_pack(out, SOU_BYE_STOPPING, "P11.13", "例");
	else if (kind == SOU_FRAME_JOIN)
		sou_join_pack(
			out,
			&(struct sou_join){
				0, id_of(1), id_of(2), id_of(3), hash_of(4), hash_of(5), {6}, {7}});
	else if (kind == SOU_FRAME_JOINED)
		sou_joined_pack(out, &heads[0]);
	else if (kind == SOU_FRAME_POSITIONS_WANT)
		sou_empty_pack(out);
	else if (kind == SOU_FRAME_SIGNATURES) {
		sou_signatures_pack_begin(out, &scope, variant);
		for (unsigned i = 0; i < variant; i++)
			sou_signatures_put(out, &heads[i], sig);
	}
}

bool msg_sample(uint8_t kind, unsigned variant, struct sou_buf *out)
{
	if (variant > 1 && !(kind == SOU_FRAME_HELLO && variant == 2))
		return false;
	if (kind == SOU_FRAME_HELLO)
		sample_hello(out, (const uint32_t[]){2, SOU_HELLO_SCOPES_MAX, 20}[variant]);
	else if (kind == SOU_FRAME_POSITIONS) {
		struct sou_buf list = {0};
		sample_positions(&list, variant * 40);
		sou_positions_pack(out, sou_buf_span(&list));
		sou_buf_fini(&list);
	} else if (kind == SOU_FRAME_AUTHORITY)
		sample_authority(out, 1 + variant);
	else if (kind == SOU_FRAME_NEWS || kind == SOU_FRAME_HEADERS)
		sample_news(out, kind, variant);
	else if (kind == SOU_FRAME_REFUSE)
		sample_refuse(out, variant);
	else
		sample_rest(out, kind, variant);
	return true;
}

/* --- through unpack and pack --- */

static int round_hello(struct sou_span body, struct sou_buf *again)
{
	struct sou_hello h;
	int rc = sou_hello_unpack(&h, body);
	if (rc != SOU_OK)
		return rc;
	struct sou_hash leaves[SOU_LEAVES_MAX];
	for (uint32_t i = 0; i < h.leaves.count; i++)
		leaves[i] = sou_mp_list_hash(&h.leaves, i);
	if (!h.hashed) {
		sou_hello_pack(again, &h, leaves, h.leaves.count);
		return rc;
	}
	sou_buf_put(again, body.p, body.n); /* the list behind a hash is not in it */
	return rc;
}

static int round_authority(struct sou_span body, struct sou_buf *again)
{
	bool more;
	struct sou_mp ops;
	uint32_t count;
	int rc = sou_authority_unpack(body, &more, &ops, &count);
	if (rc != SOU_OK)
		return rc;
	sou_authority_pack_begin(again, more, count);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_span op, sigs;
		rc = sou_authority_next(&ops, &op, &sigs);
		sou_authority_pack_op(again, op, sigs);
	}
	return rc;
}

static int round_signatures(struct sou_span body, struct sou_buf *again)
{
	struct sou_signatures s;
	int rc = sou_signatures_unpack(&s, body);
	if (rc != SOU_OK)
		return rc;
	sou_signatures_pack_begin(again, &s.scope, s.count);
	for (uint32_t i = 0; i < s.count; i++) {
		struct sou_hash entry;
		const uint8_t *signature;
		sou_signatures_next(&s.pairs, &entry, &signature);
		sou_signatures_put(again, &entry, signature);
	}
	return s.pairs.rc;
}

static int round_names(uint8_t kind, struct sou_span body, struct sou_buf *again)
{
	struct sou_heads h;
	struct sou_hash heads[SOU_HEADS_MAX];
	struct sou_id versions[SOU_WANT_MAX];
	int rc = kind == SOU_FRAME_HEADS ? sou_heads_unpack(&h, body) : sou_want_unpack(&h, body);
	if (rc != SOU_OK)
		return rc;
	for (uint32_t i = 0; i < h.names.count; i++) {
		if (kind == SOU_FRAME_HEADS)
			heads[i] = sou_mp_list_hash(&h.names, i);
		else
			versions[i] = sou_mp_list_id(&h.names, i);
	}
	if (kind == SOU_FRAME_HEADS)
		sou_heads_pack(again, &h.scope, heads, h.names.count);
	else
		sou_want_pack(again, &h.scope, versions, h.names.count);
	return rc;
}

#define ROUND(type, unpack, pack)                                                                  \
	do {                                                                                       \
		type value;                                                                        \
		int rc = unpack(&value, body);                                                     \
		if (rc == SOU_OK)                                                                  \
			pack(again, &value);                                                       \
		return rc;                                                                         \
	} while (0)

static int round_bye(struct sou_span body, struct sou_buf *again)
{
	struct sou_farewell f;
	int rc = sou_bye_unpack(&f, body);
	if (rc != SOU_OK)
		return rc;
	char clause[SOU_CLAUSE_BYTES_MAX + 1] = "", text[SOU_BYE_TEXT_BYTES_MAX + 1] = "";
	memcpy(clause, f.clause.p, f.clause.n);
	memcpy(text, f.text.p, f.text.n);
	sou_bye_pack(again, f.code, clause, text);
	return rc;
}

static int round_ping(struct sou_span body, struct sou_buf *again)
{
	uint64_t nonce;
	int rc = sou_ping_unpack(&nonce, body);
	if (rc == SOU_OK)
		sou_ping_pack(again, nonce);
	return rc;
}

static int round_positions(struct sou_span body, struct sou_buf *again)
{
	struct sou_span list;
	int rc = sou_positions_unpack(&list, body);
	if (rc == SOU_OK)
		sou_positions_pack(again, list);
	return rc;
}

int msg_round(uint8_t kind, struct sou_span body, struct sou_buf *again)
{
	switch ((enum sou_frame_kind)kind) {
	case SOU_FRAME_HELLO:
		return round_hello(body, again);
	case SOU_FRAME_AUTHORITY:
		return round_authority(body, again);
	case SOU_FRAME_HEADERS:
		ROUND(struct sou_news, sou_headers_unpack, sou_headers_pack);
	case SOU_FRAME_NEWS:
		ROUND(struct sou_news, sou_news_unpack, sou_news_pack);
	case SOU_FRAME_ACK:
		ROUND(struct sou_ack, sou_ack_unpack, sou_ack_pack);
	case SOU_FRAME_REFUSE:
		ROUND(struct sou_refusal, sou_refusal_unpack, sou_refusal_pack);
	case SOU_FRAME_POSITIONS_WANT:
		if (sou_empty_unpack(body) != SOU_OK)
			return SOU_EFORMAT;
		sou_empty_pack(again);
		return SOU_OK;
	case SOU_FRAME_POSITIONS:
		return round_positions(body, again);
	case SOU_FRAME_HEADS:
	case SOU_FRAME_WANT:
		return round_names(kind, body, again);
	case SOU_FRAME_SIGNATURES_WANT:
		ROUND(struct sou_signatures_want, sou_signatures_want_unpack,
		      sou_signatures_want_pack);
	case SOU_FRAME_SIGNATURES:
		return round_signatures(body, again);
	case SOU_FRAME_DIGEST:
		ROUND(struct sou_digest, sou_digest_unpack, sou_digest_pack);
	case SOU_FRAME_PING:
	case SOU_FRAME_PONG:
		return round_ping(body, again);
	case SOU_FRAME_BYE:
		return round_bye(body, again);
	case SOU_FRAME_JOIN:
		ROUND(struct sou_join, sou_join_unpack, sou_join_pack);
	case SOU_FRAME_JOINED:
		ROUND(struct sou_hash, sou_joined_unpack, sou_joined_pack);
	}
	return SOU_EFORMAT;
}
