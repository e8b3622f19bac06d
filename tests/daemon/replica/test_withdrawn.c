/* test_withdrawn.c - what a withdrawn site may still upload: its own feeds, so much in all scopes
 * together (R8, P13.13). */
#include "proto/batch.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "world.h"

/* `count` entries of `author` that nobody can accept, brought by `by`: their predecessor never
 * comes. */
static int bring(struct world *w, struct node *by, struct node *author, const struct sou_id *scope,
		 uint32_t count, struct soud_taken *taken)
{
	const struct sou_line *line = sou_authority_key(soud_replica_authority(w->hub.replica),
							&author->site, &author->key.key_id);
	struct sou_batch *batch = NULL;
	struct sou_buf buf = {0};
	struct sou_batch_sent sent;
	struct sou_hash prev = {{3}};
	REQUIRE("batch", line != NULL && sou_batch_new(&batch) == SOU_OK);
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_buf header = {0}, payload = {0};
		struct sou_entry entry = {0};
		uint8_t signature[SOU_SIGNATURE_BYTES];
		struct sou_draft draft = {.header = {.net = w->net,
						     .site = author->site,
						     .scope = *scope,
						     .key = author->key.key_id,
						     .epoch = sou_hash_half(&line->opening),
						     .seq = i + 2,
						     .prev = prev,
						     .hlc = ((uint64_t)WORLD_START_MS << 16) + i},
					  .salt = {1},
					  .for_org = author->org,
					  .by = text("例")};
		REQUIRE("made", sou_entry_make(&entry, &draft, &author->key, &header, &payload,
					       signature) == SOU_OK);
		prev = entry.facts.id;
		const struct sou_batch_item item = {.header = sou_buf_span(&header),
						    .payload = sou_buf_span(&payload),
						    .signature = signature,
						    .id = entry.facts.id};
		REQUIRE("added", sou_batch_add(batch, &item) == SOU_OK);
		sou_entry_fini(&entry);
		sou_buf_fini(&header);
		sou_buf_fini(&payload);
	}
	REQUIRE("packed", sou_batch_end(batch, &buf, &sent) == SOU_OK && sent.entries == count);
	const struct sou_news news = {.scope = *scope,
				      .flags = SOU_DATA_ANSWER | (sent.is_zstd ? SOU_DATA_ZSTD : 0),
				      .raw_bytes = sent.raw_bytes,
				      .data = sou_buf_span(&buf)};
	int rc = take(&w->hub, by, &news, taken);
	sou_batch_free(batch);
	sou_buf_fini(&buf);
	return rc;
}

/* Scopes that nobody made are judged as projects': a submitter had a right in all of them. */
static struct sou_id made_up(uint8_t n)
{
	const struct sou_id project = {{n, 0x77}};
	return sou_scope_id(SOU_SCOPE_PROJECT, &project);
}

TEST(withdrawn, uploads_are_bounded_over_all_scopes)
{
	enum { BATCH = 2500, BATCHES = 4 };
	_Static_assert(BATCH * BATCHES == SOU_FEED_HELD_MAX, "up to the limit");
	struct world *w = world_new();
	struct node *a = world_site(w, "tvac", SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER);
	struct node *b = world_site(w, "koto", SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER);
	const struct sou_effect cut = {
		.type = SOU_EFFECT_CUT, .site = a->site, .key_id = a->key.key_id};
	struct soud_taken taken = {0};
	struct sou_id scope = made_up(9);
	CHECK_INT("P13.13 before it is withdrawn others' feeds too",
		  bring(w, a, b, &scope, 2, &taken), ==, SOU_OK);
	CHECK_INT("taken", taken.fresh, ==, 2);
	world_op(w, &cut, 1, NULL);
	scope = made_up(8);
	CHECK_INT("P13.13 not after it", bring(w, a, b, &scope, 2, &taken), ==, SOU_OK);
	CHECK_INT("passed over", taken.fresh, ==, 0);
	for (unsigned i = 0; i < BATCHES; i++) {
		scope = made_up((uint8_t)i);
		CHECK_INT("P13.13 up to it", bring(w, a, a, &scope, BATCH, &taken), ==, SOU_OK);
		CHECK_INT("taken", taken.fresh, ==, BATCH);
	}
	CHECK_INT("P13.13 a repeat", bring(w, a, a, &scope, BATCH, &taken), ==, SOU_OK);
	scope = made_up(20);
	CHECK_INT("P13.13 one past it", bring(w, a, a, &scope, 1, &taken), ==, SOU_ELIMIT);
	CHECK_INT("P11.12", taken.refuse, ==, SOU_REFUSE_FULL);
	CHECK_STR("P13.13", taken.clause, "P13.13");
	CHECK_INT("R8 another site goes on", bring(w, b, b, &scope, 1, &taken), ==, SOU_OK);
}
