/* test_limits.c - what a feed may hold, by bytes, in whatever order they come (R17, P11.12). */
#include "proto/batch.h"
#include "proto/limits.h"
#include "world.h"

enum { TEXTS = 5, TEXT_BYTES = 8000, ENTRIES = 1750 };

struct big {
	struct sou_buf header, payload;
	uint8_t signature[SOU_SIGNATURE_BYTES];
	struct sou_hash id;
};

/* An entry of 40 KB that its own replica would never sign: it stands on nothing that is here. */
static void forge(struct node *n, const struct sou_hash *opening, uint64_t seq,
		  const struct sou_hash *prev, struct big *out)
{
	static char words[TEXT_BYTES];
	struct sou_entry entry = {0};
	struct sou_buf value = {0};
	struct sou_draft_op ops[TEXTS];
	memset(words, 'x', sizeof words);
	sou_mp_put_str(&value, words, sizeof words);
	for (uint32_t i = 0; i < TEXTS; i++)
		ops[i] = (struct sou_draft_op){
			.type = SOU_OP_SET,
			.kind = SOU_KIND_ITEM,
			.field = SOU_FIELD_ITEM_TEXT,
			.entity = {{(uint8_t)i, (uint8_t)seq, (uint8_t)(seq >> 8)}},
			.value = sou_buf_span(&value)};
	struct sou_draft draft = {.header = {.net = soud_replica_identity(n->replica)->net,
					     .site = n->site,
					     .scope = n->org_scope,
					     .epoch = sou_hash_half(opening),
					     .seq = seq,
					     .prev = *prev,
					     .hlc = ((uint64_t)WORLD_START_MS << 16) + seq},
				  .salt = {1},
				  .for_org = n->org,
				  .by = text("例"),
				  .ops = ops,
				  .op_count = TEXTS};
	REQUIRE("forged", sou_entry_make(&entry, &draft, &n->key, &out->header, &out->payload,
					 out->signature) == SOU_OK);
	out->id = entry.facts.id;
	sou_entry_fini(&entry);
	sou_buf_fini(&value);
}

static int send_one(struct node *to, struct node *from, struct sou_batch *batch, struct big *b,
		    bool header_only, uint64_t after, struct soud_taken *taken)
{
	struct sou_buf buf = {0};
	struct sou_batch_sent sent;
	const struct sou_batch_item item = {.header = sou_buf_span(&b->header),
					    .payload = header_only ? (struct sou_span){NULL, 0}
								   : sou_buf_span(&b->payload),
					    .signature = b->signature,
					    .keep_signature = true,
					    .id = b->id};
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	REQUIRE("added", sou_batch_add(batch, &item) == SOU_OK);
	REQUIRE("packed", sou_batch_end(batch, &buf, &sent) == SOU_OK);
	const struct sou_news news = {.scope = from->org_scope,
				      .after = header_only ? after : 0,
				      .upto = header_only ? after + 1 : 0,
				      .flags = (sent.is_zstd ? SOU_DATA_ZSTD : 0) |
					       (header_only ? 0 : (uint64_t)SOU_DATA_ANSWER),
				      .raw_bytes = sent.raw_bytes,
				      .data = sou_buf_span(&buf)};
	struct soud_from f = from_node(from);
	int rc = soud_replica_news(to->replica, &f, &news, taken);
	sou_buf_fini(&buf);
	return rc;
}

/* All headers, or the payloads of all until one is refused. Returns the bytes that were taken. */
static uint64_t send_all(struct node *hub, struct node *b, bool header_only, int *rc,
			 struct soud_taken *taken)
{
	const struct sou_line *line =
		sou_authority_key(soud_replica_authority(hub->replica), &b->site, &b->key.key_id);
	struct sou_hash prev = {{3}};
	struct sou_batch *batch = NULL;
	uint64_t bytes = 0;
	REQUIRE("batch", line != NULL && sou_batch_new(&batch) == SOU_OK);
	*rc = SOU_OK;
	for (uint64_t at = 0; *rc == SOU_OK && at < ENTRIES; at++) {
		struct big one = {0};
		forge(b, &line->opening, at + 2, &prev, &one);
		prev = one.id;
		*rc = send_one(hub, b, batch, &one, header_only, at, taken);
		bytes += *rc == SOU_OK ? one.header.n + one.payload.n : 0;
		sou_buf_fini(&one.header);
		sou_buf_fini(&one.payload);
	}
	sou_batch_free(batch);
	return bytes;
}

/* Headers weigh little; their payloads come later, and count all the same. */
TEST(limits, payloads_behind_held_headers)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct soud_taken taken = {0};
	int rc;
	node_begin(hub);
	(void)send_all(hub, b, true, &rc, &taken);
	CHECK_INT("R17 headers", rc, ==, SOU_OK);
	uint64_t bytes = send_all(hub, b, false, &rc, &taken);
	CHECK_INT("R17 one past", rc, ==, SOU_ELIMIT);
	CHECK_INT("P11.12 full", taken.refuse, ==, SOU_REFUSE_FULL);
	CHECK_U64("R17 up to it", bytes, <=, SOU_FEED_HELD_BYTES_MAX);
	CHECK_U64("R17 up to it", bytes, >, SOU_FEED_HELD_BYTES_MAX - (2u << 20));
	soud_replica_rollback(hub->replica);
}
