/* talk_frames.c - the peer's part of a script: a frame from each statement (talk.h). */
#include "tests/lib/bed.h"
#include "tests/proto/talk_int.h"

static const uint8_t any_signature[SOU_SIGNATURE_BYTES];

/* So many scopes that nobody has seen. */
static void flood(struct talk *t, struct sou_buf *list)
{
	uint32_t count = (uint32_t)talk_number_word(t, 0);
	sou_positions_begin(list, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct sou_position p = {.scope = {{'z', (uint8_t)(i >> 8), (uint8_t)i}}};
		sou_positions_put(list, &p);
	}
}

/* "A:5 B:3=1.1", ascending. */
static void positions(struct talk *t, struct sou_buf *list)
{
	struct sou_buf members = {0};
	uint32_t count = 0;
	if (talk_is(t, "flood")) {
		flood(t, list);
		return;
	}
	for (bool more = t->word[0] != 0; more; more = talk_next_word(t)) {
		struct sou_position p = {.has_digest = strchr(t->word, '=') != NULL};
		char *end;
		REQUIRE(t->name, t->word[1] == ':');
		memset(p.scope.b, t->word[0], sizeof p.scope.b);
		p.upto = strtoull(t->word + 2, &end, 10);
		if (p.has_digest) {
			uint8_t entries, state;
			talk_digest_word(end + 1, &entries, &state);
			struct sou_digest d = talk_digest(t, &p.scope, entries, state);
			p.digest = sou_digest_half(&d);
		}
		sou_positions_put(&members, &p);
		count++;
	}
	sou_positions_begin(list, count);
	sou_buf_put(list, members.p, members.n);
	sou_buf_fini(&members);
}

/* What a peer in the state that we think it is in would list; other: one position is less. */
static void all_positions(struct talk *t, struct sou_buf *list, bool other)
{
	struct sou_buf members = {0};
	uint32_t count = 0;
	for (size_t i = 0; i < t->scope_count; i++) {
		const struct talk_scope *s = &t->scopes[i];
		struct sou_digest d = talk_digest(t, &s->id, s->entries, s->state);
		struct sou_position p = {.scope = s->id,
					 .upto = s->acked - (other && i == 0),
					 .has_digest = !s->shut};
		if (s->acked == 0 && (!s->readable || s->shut))
			continue;
		if (p.has_digest)
			p.digest = sou_digest_half(&d);
		sou_positions_put(&members, &p);
		count++;
	}
	sou_positions_begin(list, count);
	sou_buf_put(list, members.p, members.n);
	sou_buf_fini(&members);
}

static uint8_t hello(struct talk *t)
{
	struct sou_hello h = {.rule = SOU_RULE_VERSION,
			      .net = t->net,
			      .site = t->site,
			      .log = t->log,
			      .instance = bed_id("instance", 2),
			      .your_log = t->options.log};
	struct sou_hash leaf = t->head;
	struct sou_buf list = {0};
	bool all = false, other = false;
	while (talk_next_word(t) && t->word[1] != ':' && !talk_is(t, "flood")) {
		if (talk_is(t, "void"))
			h.your_log = bed_id("log", 9);
		else if (talk_is(t, "own"))
			h.flags |= SOU_HELLO_OWN_WANTED;
		else if (talk_is(t, "every"))
			h.flags |= SOU_HELLO_EVERY_SIGNATURE;
		else if (talk_is(t, "behind"))
			leaf = t->first;
		else if (talk_is(t, "ahead"))
			leaf = bed_hash("leaf", 1);
		else if (talk_is(t, "wire"))
			h.wire = talk_number_word(t, 0);
		else if (talk_is(t, "net"))
			h.net.b[0] ^= 1;
		else if (talk_is(t, "site"))
			h.site.b[0] ^= 1;
		else if (talk_is(t, "same"))
			h.site = t->options.site;
		else if (talk_is(t, "log"))
			h.log = t->log = bed_id("log", 3);
		else if (talk_is(t, "hash"))
			h.hashed = true;
		else if (talk_is(t, "all"))
			all = true;
		else if (talk_is(t, "other"))
			other = true;
		else
			REQUIRE(test_printf("%s: %s", t->name, t->word), false);
	}
	if (all)
		all_positions(t, &list, other);
	else
		positions(t, &list);
	h.positions = sou_buf_span(&list);
	sou_hello_pack(&t->body, &h, &leaf, 1);
	sou_buf_fini(&list);
	return SOU_FRAME_HELLO;
}

static uint8_t news(struct talk *t, bool answer)
{
	bool bomb = talk_is(t, "bomb");
	struct sou_news n = {.scope = talk_scope_word(t)};
	size_t bytes = 1;
	if (bomb) {
		n.flags = SOU_DATA_ZSTD;
		n.upto = 1;
	} else if (answer) {
		n.flags = SOU_DATA_ANSWER;
	} else {
		char *end;
		REQUIRE(t->name, talk_next_word(t));
		n.after = strtoull(t->word, &end, 10);
		n.upto = strtoull(end + (*end == '-'), NULL, 10);
		bytes = (size_t)talk_number_word(t, 1);
	}
	n.data = (struct sou_span){memset(test_alloc(bytes), 'x', bytes), bytes};
	n.raw_bytes = bomb ? SOU_BATCH_BYTES_MAX + 1 : bytes;
	sou_news_pack(&t->body, &n);
	return SOU_FRAME_NEWS;
}

/* The ops that `learn` brings. */
static uint8_t real_series(struct talk *t)
{
	struct talk other = {.name = t->name, .options = t->options};
	other.net = t->net;
	other.site = t->site;
	other.tls = t->tls;
	talk_new_authority(&other);
	talk_authority(&other);
	size_t count = sou_authority_op_count(other.authority);
	struct sou_buf *body = &t->body;
	sou_authority_pack_begin(body, false, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(other.authority, i, &id, &prev, &op, &sigs);
		sou_authority_pack_op(body, op, sigs);
	}
	sou_authority_free(other.authority);
	return SOU_FRAME_AUTHORITY;
}

static uint8_t series(struct talk *t)
{
	bool more = false;
	size_t bytes = 0;
	while (talk_next_word(t)) {
		if (talk_is(t, "real"))
			return real_series(t);
		more = more || talk_is(t, "more");
		bytes = talk_is(t, "long") ? 40000 : bytes;
	}
	uint32_t count = bytes > 0 ? 25 : 1;
	sou_authority_pack_begin(&t->body, more, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct sou_span bytes_of = {memset(test_alloc(bytes + 8), 1, bytes + 8),
						  bytes + 8};
		static const uint8_t none[] = {0x90};
		sou_authority_pack_op(&t->body, bytes_of, (struct sou_span){none, 1});
	}
	return SOU_FRAME_AUTHORITY;
}

static uint8_t digest(struct talk *t)
{
	struct sou_id id = talk_scope_word(t);
	uint64_t upto = talk_number_word(t, 0);
	uint8_t entries, state;
	REQUIRE(t->name, talk_next_word(t));
	talk_digest_word(t->word, &entries, &state);
	struct sou_digest d = talk_digest(t, &id, entries, state);
	d.upto = upto;
	if (talk_next_word(t)) {
		if (talk_is(t, "rule"))
			d.rule++;
		else
			d.authority.b[0] ^= 1;
	}
	sou_digest_pack(&t->body, &d);
	return SOU_FRAME_DIGEST;
}

static uint8_t join(struct talk *t)
{
	struct sou_join j = talk_join_of(t);
	while (talk_next_word(t)) {
		if (talk_is(t, "wire"))
			j.wire = talk_number_word(t, 0);
		else if (talk_is(t, "net"))
			j.net.b[0] ^= 1;
		else
			j.tls.b[0] ^= 1;
	}
	sou_join_pack(&t->body, &j);
	return SOU_FRAME_JOIN;
}

static uint8_t small_frame(struct talk *t)
{
	static const char zstd_less[] = "x";
	struct sou_hash h = bed_hash("op", 1);
	if (talk_is(t, "headers")) {
		struct sou_news n = {.scope = {{'A'}},
				     .flags = SOU_DATA_ANSWER,
				     .raw_bytes = 1,
				     .data = {(const uint8_t *)zstd_less, 1}};
		sou_headers_pack(&t->body, &n);
		return SOU_FRAME_HEADERS;
	}
	if (talk_is(t, "positions-want")) {
		sou_empty_pack(&t->body);
		return SOU_FRAME_POSITIONS_WANT;
	}
	if (talk_is(t, "positions")) {
		struct sou_buf list = {0};
		talk_next_word(t);
		positions(t, &list);
		sou_positions_pack(&t->body, sou_buf_span(&list));
		sou_buf_fini(&list);
		return SOU_FRAME_POSITIONS;
	}
	if (talk_is(t, "ping") || talk_is(t, "pong")) {
		bool pong = talk_is(t, "pong");
		sou_ping_pack(&t->body, talk_number_word(t, 1));
		return pong ? SOU_FRAME_PONG : SOU_FRAME_PING;
	}
	if (talk_is(t, "bye")) {
		sou_bye_pack(&t->body, talk_number_word(t, 0), "P13.1", "a reason");
		return SOU_FRAME_BYE;
	}
	if (talk_is(t, "joined")) {
		sou_joined_pack(&t->body, &h);
		return SOU_FRAME_JOINED;
	}
	if (talk_is(t, "unknown"))
		return (uint8_t)talk_number_word(t, 20);
	if (talk_is(t, "bad")) {
		sou_buf_put_u8(&t->body, 0xc0);
		return (uint8_t)talk_number_word(t, 0);
	}
	return 0;
}

static void heads(struct talk *t, const struct sou_id *scope, uint32_t count)
{
	struct sou_hash *names = test_alloc((count + 1) * sizeof *names);
	for (uint32_t i = 0; i < count; i++)
		names[i] = (struct sou_hash){{(uint8_t)(i >> 8), (uint8_t)i}};
	sou_heads_pack(&t->body, scope, names, count);
}

static uint8_t scope_frame(struct talk *t)
{
	static const char *const words[] = {"ack",  "refuse",          "heads",
					    "want", "signatures-want", "signatures"};
	size_t which = 0;
	while (which < ARRAY_LEN(words) && !talk_is(t, words[which]))
		which++;
	if (which == ARRAY_LEN(words))
		return small_frame(t);
	struct sou_id id = talk_scope_word(t);
	uint64_t n = talk_number_word(t, 1);
	struct sou_hash named[2] = {{{(uint8_t)n}}, {{(uint8_t)(n + 1)}}};
	struct sou_id version = {{(uint8_t)n}};
	switch (which) {
	case 0:
		sou_ack_pack(&t->body, &(struct sou_ack){id, n, 1000});
		return SOU_FRAME_ACK;
	case 1:
		sou_refusal_pack(&t->body, &(struct sou_refusal){.scope = id,
								 .upto = n,
								 .code = talk_number_word(t, 1)});
		return SOU_FRAME_REFUSE;
	case 2:
		heads(t, &id, (uint32_t)n);
		return SOU_FRAME_HEADS;
	case 3:
		sou_want_pack(&t->body, &id, &version, 1);
		return SOU_FRAME_WANT;
	case 4:
		sou_signatures_want_pack(&t->body,
					 &(struct sou_signatures_want){id, named[0], named[1]});
		return SOU_FRAME_SIGNATURES_WANT;
	default:
		sou_signatures_pack_begin(&t->body, &id, 1);
		sou_signatures_put(&t->body, &named[0], any_signature);
		return SOU_FRAME_SIGNATURES;
	}
}

uint8_t talk_frame(struct talk *t)
{
	sou_buf_clear(&t->body);
	if (talk_is(t, "hello"))
		return hello(t);
	if (talk_is(t, "authority"))
		return series(t);
	if (talk_is(t, "news") || talk_is(t, "answer") || talk_is(t, "bomb"))
		return news(t, talk_is(t, "answer"));
	if (talk_is(t, "digest"))
		return digest(t);
	if (talk_is(t, "join"))
		return join(t);
	return scope_frame(t);
}
