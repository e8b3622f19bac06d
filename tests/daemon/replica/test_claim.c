/* test_claim.c - entries that are said to be the receiver's own: made up ones leave its clock and
 * its fence alone (R12, R15); real ones that it does not hold prove that it was put back (P13.8).
 */
#include "proto/batch.h"
#include "proto/limits.h"
#include "world.h"

/* An entry of `site` in scope plan, signed by `key`, as news that `by` brings to the hub. */
static int bring(struct world *w, struct node *by, const struct sou_id *site,
		 const struct sou_signer *key, const struct sou_hash *opening, uint64_t hlc,
		 struct soud_taken *taken)
{
	struct sou_buf value = {0}, header = {0}, payload = {0}, buf = {0};
	struct sou_entry entry = {0};
	struct sou_batch *batch = NULL;
	struct sou_batch_sent sent;
	uint8_t signature[SOU_SIGNATURE_BYTES];
	sou_mp_put_str(&value, "x", 1);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_PLAN,
					.field = SOU_FIELD_PLAN_SHORT_NAME,
					.entity = {{9}},
					.value = sou_buf_span(&value)};
	struct sou_draft draft = {.header = {.net = w->net,
					     .site = *site,
					     .scope = w->plan,
					     .key = key->key_id,
					     .epoch = sou_hash_half(opening),
					     .seq = 1,
					     .prev = *opening,
					     .hlc = hlc},
				  .salt = {1},
				  .for_org = w->hq,
				  .by = text("例"),
				  .ops = &op,
				  .op_count = 1};
	REQUIRE("made",
		sou_entry_make(&entry, &draft, key, &header, &payload, signature) == SOU_OK);
	const struct sou_batch_item item = {.header = sou_buf_span(&header),
					    .payload = sou_buf_span(&payload),
					    .signature = signature,
					    .keep_signature = true,
					    .id = entry.facts.id};
	REQUIRE("batch", sou_batch_new(&batch) == SOU_OK);
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	REQUIRE("added", sou_batch_add(batch, &item) == SOU_OK);
	REQUIRE("packed", sou_batch_end(batch, &buf, &sent) == SOU_OK);
	const struct sou_news news = {.scope = w->plan,
				      .flags = SOU_DATA_ANSWER | (sent.is_zstd ? SOU_DATA_ZSTD : 0),
				      .raw_bytes = sent.raw_bytes,
				      .data = sou_buf_span(&buf)};
	int rc = take(&w->hub, by, &news, taken);
	sou_batch_free(batch);
	sou_entry_fini(&entry);
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
	sou_buf_fini(&buf);
	return rc;
}

static uint64_t hlc_of_next(struct world *w)
{
	struct sou_id entity;
	struct soud_row row;
	uint32_t number;
	struct sou_header h;
	struct soud_store *store = soud_replica_store(w->hub.replica);
	(void)node_item(&w->hub, &entity, "x");
	REQUIRE("scope", soud_store_scope_find(store, &w->hub.org_scope, &number) == SOU_OK);
	REQUIRE("row", soud_store_log_get(store, number, last_of(&w->hub, &w->hub.org_scope),
					  &row) == SOU_OK);
	REQUIRE("header", sou_header_read(&h, row.header) == SOU_OK);
	return h.hlc;
}

TEST(claim, what_is_said_to_be_our_own)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct soud_taken taken = {0};
	uint64_t had = soud_replica_signed_count(hub->replica);
	struct sou_hash nowhere = {{3}};
	CHECK_INT("P11.11 under a key that nobody enrolled: stored",
		  bring(w, b, &hub->site, &b->key, &nowhere, UINT64_MAX, &taken), ==, SOU_OK);
	CHECK_INT("stored", taken.fresh, ==, 1);
	CHECK("P13.8 it proves nothing", !taken.rolled_back);
	CHECK_INT("R12 signs on", soud_replica_unconfirmed(hub->replica), ==, SOUD_FENCE_AGREES);
	CHECK_U64("R12 not counted", soud_replica_signed_count(hub->replica), ==, had);
	CHECK_U64("R15 the own clock is not dragged", hlc_of_next(w) >> 16, <,
		  (uint64_t)WORLD_START_MS + SOU_HLC_AHEAD_MS);
}

TEST(claim, an_entry_of_ours_that_is_not_here)
{
	struct world *w = world_new();
	struct node *hub = &w->hub;
	struct node *b = world_site(w, "itabashi", SOU_ROLE_EDITOR);
	struct soud_taken taken = {0};
	struct sou_id log = soud_replica_identity(hub->replica)->log;
	const struct sou_line *line = sou_authority_key(soud_replica_authority(hub->replica),
							&hub->site, &hub->key.key_id);
	REQUIRE("line", line != NULL);
	uint64_t hlc = ((uint64_t)WORLD_START_MS << 16) + (UINT64_C(3) << 32);
	uint8_t seed[SOU_SEED_BYTES] = {7};
	struct sou_signer thief;
	REQUIRE("key", sou_signer_ed25519(&thief, seed) == SOU_OK);
	thief.key_id = hub->key.key_id;
	CHECK_INT("R1 badly signed", bring(w, b, &hub->site, &thief, &line->opening, hlc, &taken),
		  ==, SOU_ESIG);
	CHECK("P13.8 it proves nothing", !taken.rolled_back);
	CHECK_INT("R12 signs on", soud_replica_unconfirmed(hub->replica), ==, SOUD_FENCE_AGREES);
	CHECK_INT("P13.8 a real one",
		  bring(w, b, &hub->site, &hub->key, &line->opening, hlc, &taken), ==, SOU_OK);
	CHECK("P13.8 proof", taken.rolled_back);
	CHECK_INT("R12 unconfirmed", soud_replica_unconfirmed(hub->replica), !=, SOUD_FENCE_AGREES);
	struct sou_id now = soud_replica_identity(hub->replica)->log;
	CHECK("P13.8 another log", !sou_id_eq(&log, &now));
	CHECK_INT("P13.8 again: known",
		  bring(w, b, &hub->site, &hub->key, &line->opening, hlc, &taken), ==, SOU_OK);
	CHECK("P13.8 once", !taken.rolled_back);
	node_begin(hub);
	CHECK_INT("P13.16", soud_replica_confirm(hub->replica), ==, SOU_OK);
	node_commit(hub, NULL);
	CHECK_U64("P10.9 and its clock goes on from there", hlc_of_next(w), >, hlc);
	sou_signer_fini(&thief);
}
