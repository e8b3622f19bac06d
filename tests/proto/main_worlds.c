/* main_worlds.c - random worlds made by the C implementation, for the one in Python to judge:
 *
 *   worlds SEED COUNT
 *
 * prints a line of JSON for each seed: authority ops, entries in the form in which a replica holds
 * them, what the engine here makes of them (trunk, verdicts, digests), and each scope's news data.
 * The members are those of tests/vectors/worlds.json. tests/model/test_from_c.py runs it. */
#include "proto/batch.h"
#include "proto/limits.h"
#include "tests/proto/worldgen.h"

static struct sou_span payload_of(const struct worldgen_entry *e)
{
	if (e->header_only)
		return (struct sou_span){NULL, 0};
	return sou_buf_span(e->redacted.n > 0 ? &e->redacted : &e->payload);
}

static void put(struct worldgen *w, struct sou_scope *scope, const struct worldgen_entry *e,
		uint64_t pos)
{
	struct sou_entry entry = {0};
	DO(sou_entry_read(&entry, sou_buf_span(&e->header_bytes), payload_of(e), NULL));
	const struct sou_line *line =
		sou_authority_key(w->authority, &e->header.site, &e->header.key);
	entry.facts.sig_checked = !e->is_unsigned && line != NULL &&
				  sou_entry_verify(&sou_verifier_ed25519, &w->net, &e->id,
						   &line->key, e->signature) == SOU_OK;
	DO(sou_scope_put(scope, &entry.facts, pos));
	sou_entry_fini(&entry);
}

static json_t *entry_json(const struct sou_scope *scope, const struct worldgen_entry *e)
{
	struct sou_scope_entry got;
	DO(sou_scope_get(scope, &e->id, &got));
	struct sou_span payload = payload_of(e);
	json_t *row = json_pack(
		"{s:o,s:o,s:o,s:o,s:s,s:b}", "id", worldgen_hex(e->id.b, 32), "header",
		worldgen_hex(e->header_bytes.p, e->header_bytes.n), "payload",
		payload.n > 0 ? worldgen_hex(payload.p, payload.n) : json_null(), "signature",
		e->is_unsigned ? json_null() : worldgen_hex(e->signature, sizeof e->signature),
		"verdict", sou_verdict_name((enum sou_verdict)got.verdict), "shown", got.shown);
	return row;
}

/* All entries of the scope as data of news. */
static json_t *news_json(struct worldgen *w, struct sou_batch *batch, uint32_t scope)
{
	struct sou_buf data = {0};
	struct sou_batch_sent sent;
	sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
	for (uint32_t i = 0; i < w->entry_count; i++) {
		const struct worldgen_entry *e = &w->entries[i];
		struct sou_batch_item item = {sou_buf_span(&e->header_bytes), payload_of(e),
					      e->is_unsigned ? NULL : e->signature, i % 2 == 0,
					      e->id};
		if (e->scope == scope)
			DO(sou_batch_add(batch, &item));
	}
	DO(sou_batch_end(batch, &data, &sent));
	json_t *news = json_pack("{s:o,s:b,s:I,s:I}", "data", worldgen_hex(data.p, data.n), "zstd",
				 sent.is_zstd, "raw_bytes", (json_int_t)sent.raw_bytes, "entries",
				 (json_int_t)sent.entries);
	sou_buf_fini(&data);
	return news;
}

static json_t *world_json(struct worldgen *w, uint64_t seed)
{
	json_t *entries = json_array(), *scopes = json_array();
	struct sou_scope *engines[WORLDGEN_SCOPES];
	struct sou_batch *batch;
	const struct sou_change *changes;
	size_t count;
	DO(sou_batch_new(&batch));
	DO(sou_authority_settle(w->authority));
	for (uint32_t s = 0; s < WORLDGEN_SCOPES; s++)
		DO(sou_scope_new(&engines[s], &w->scopes[s]));
	for (uint32_t i = 0; i < w->entry_count; i++)
		put(w, engines[w->entries[i].scope], &w->entries[i], i + 1);
	for (uint32_t s = 0; s < WORLDGEN_SCOPES; s++) {
		DO(sou_scope_settle(engines[s], w->authority, &changes, &count));
		struct sou_hash digest = sou_scope_entries_digest(engines[s]);
		json_array_append_new(scopes, json_pack("{s:o,s:o,s:o}", "id",
							worldgen_hex(w->scopes[s].b, 16), "entries",
							worldgen_hex(digest.b, 32), "news",
							news_json(w, batch, s)));
	}
	for (uint32_t i = 0; i < w->entry_count; i++)
		json_array_append_new(entries,
				      entry_json(engines[w->entries[i].scope], &w->entries[i]));
	for (uint32_t s = 0; s < WORLDGEN_SCOPES; s++)
		sou_scope_free(engines[s]);
	sou_batch_free(batch);
	struct sou_hash head = sou_authority_head(w->authority),
			hash = sou_authority_hash(w->authority),
			genesis = sou_authority_genesis(w->authority);
	char name[64];
	(void)snprintf(name, sizeof name, "P9 made by C, seed %llu", (unsigned long long)seed);
	return json_pack("{s:s,s:o,s:o,s:O,s:o,s:o,s:o,s:o,s:b,s:b}", "name", name, "net",
			 worldgen_hex(w->net.b, 16), "genesis", worldgen_hex(genesis.b, 32), "ops",
			 w->json_ops, "entries", entries, "scopes", scopes, "head",
			 worldgen_hex(head.b, 32), "authority_hash", worldgen_hex(hash.b, 32),
			 "forked", sou_authority_forked(w->authority), "too_new",
			 sou_authority_too_new(w->authority));
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	uint64_t seed = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10);
	for (uint64_t end = seed + count; seed < end; seed++) {
		struct worldgen *w = worldgen_new(seed);
		json_t *json = world_json(w, seed);
		if (json == NULL || json_dumpf(json, stdout, JSON_COMPACT) != 0)
			return 70;
		(void)putchar('\n');
		json_decref(json);
		worldgen_free(w);
	}
	return fflush(stdout) == 0 ? 0 : 74;
}
