/* test_vectors_worlds.c - whole authorities and scopes to the byte, as the second implementation
 * judges them: which ops are known (P8.3), the trunk (P8.10), verdicts (P9), digests (P10.7,
 * P10.8), reading (P8.14). */
#include "proto/authority.h"
#include "proto/entry.h"
#include "proto/limits.h"
#include "proto/mp.h"
#include "proto/scope.h"
#include "tests/lib/vector.h"
#include "tests/proto/history.h"

#define SCOPES_MAX 16

struct world {
	json_t *row;
	const char *name;
	struct sou_authority *authority;
	struct sou_scope *scopes[SCOPES_MAX];
	struct sou_id ids[SCOPES_MAX];
	uint32_t scope_count;
};

static struct sou_span span_of(const json_t *row, const char *key)
{
	struct test_bytes bytes = vector_hex(row, key);
	return (struct sou_span){bytes.b, bytes.n};
}

static struct sou_hash hash_of(const json_t *row, const char *key)
{
	struct sou_hash hash;
	vector_hex_into(row, key, hash.b, sizeof hash.b);
	return hash;
}

/* The list beside an op (P8.1). */
static struct sou_span signatures(const json_t *op)
{
	static struct sou_buf buf;
	const json_t *list = vector_get(op, "signatures");
	sou_buf_clear(&buf);
	sou_mp_put_array(&buf, (uint32_t)json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		sou_mp_put_array(&buf, 2);
		for (size_t k = 0; k < 2; k++) {
			struct test_bytes b = test_hex(
				json_string_value(json_array_get(json_array_get(list, i), k)));
			sou_mp_put_bin(&buf, b.b, b.n);
		}
	}
	REQUIRE("memory", !buf.failed);
	return sou_buf_span(&buf);
}

/* Offered in this order again and again until no more is taken. */
static void add_ops(struct world *w, struct history_random *rng)
{
	const json_t *ops = vector_get(w->row, "ops");
	size_t n = json_array_size(ops);
	for (size_t round = 0; round <= n; round++)
		for (size_t i = 0; i < n; i++) {
			const json_t *op =
				json_array_get(ops, history_below(rng, 2) ? i : n - 1 - i);
			int rc = sou_authority_add(w->authority, span_of(op, "op"), signatures(op));
			bool known = vector_bool(op, "known");
			if (rc == SOU_OK || rc == SOU_EEXIST)
				CHECK(w->name, known);
		}
	for (size_t i = 0; i < n; i++) {
		const json_t *op = json_array_get(ops, i);
		struct sou_hash id = hash_of(op, "id");
		bool known = vector_bool(op, "known");
		int rc = sou_authority_add(w->authority, span_of(op, "op"), signatures(op));
		CHECK(test_printf("%s op %zu gives %d", w->name, i, rc),
		      known ? rc == SOU_EEXIST || rc == SOU_OK
			    : rc == SOU_ESIG || rc == SOU_EUNKNOWN || rc == SOU_EFORMAT ||
				      rc == SOU_ELIMIT);
		CHECK_INT(test_printf("%s op %zu", w->name, i),
			  sou_authority_knows(w->authority, &id), ==, known);
	}
}

static struct sou_scope *scope_of(struct world *w, const struct sou_id *id)
{
	for (uint32_t i = 0; i < w->scope_count; i++)
		if (sou_id_eq(&w->ids[i], id))
			return w->scopes[i];
	REQUIRE(w->name, w->scope_count < SCOPES_MAX);
	w->ids[w->scope_count] = *id;
	REQUIRE(w->name, sou_scope_new(&w->scopes[w->scope_count], id) == SOU_OK);
	return w->scopes[w->scope_count++];
}

static void put_entry(struct world *w, struct sou_entry *entry, const json_t *row, uint64_t pos)
{
	struct sou_span header = span_of(row, "header"), payload = {NULL, 0};
	if (!json_is_null(vector_get(row, "payload")))
		payload = span_of(row, "payload");
	int rc = sou_entry_read(entry, header, payload, NULL);
	REQUIRE(w->name, rc == SOU_OK || rc == SOU_ECORRUPT);
	const json_t *signature = vector_get(row, "signature");
	const struct sou_line *line =
		sou_authority_key(w->authority, &entry->facts.site, &entry->facts.key);
	if (!json_is_null(signature) && line != NULL) {
		struct sou_id net = sou_authority_net(w->authority);
		struct test_bytes b = test_hex(json_string_value(signature));
		REQUIRE(w->name, b.n == SOU_SIGNATURE_BYTES);
		entry->facts.sig_checked =
			sou_entry_verify(&sou_verifier_ed25519, &net, &entry->facts.id, &line->key,
					 b.b) == SOU_OK;
	}
	rc = sou_scope_put(scope_of(w, &entry->facts.scope), &entry->facts, pos);
	CHECK(w->name, rc == SOU_OK || rc == SOU_EEXIST);
}

static void put_entries(struct world *w, struct history_random *rng)
{
	const json_t *entries = vector_get(w->row, "entries");
	struct sou_entry entry = {0};
	size_t n = json_array_size(entries);
	for (size_t i = 0; i < n; i++)
		put_entry(w, &entry, json_array_get(entries, history_below(rng, (uint32_t)n)),
			  i + 1);
	for (size_t i = n; i > 0; i--)
		put_entry(w, &entry, json_array_get(entries, i - 1), 2 * n + 1 - i);
	sou_entry_fini(&entry);
}

static void check_entries(struct world *w)
{
	const json_t *entries = vector_get(w->row, "entries");
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *row = json_array_get(entries, i);
		struct sou_hash id = hash_of(row, "id");
		const char *name = test_printf("%s entry %zu", w->name, i);
		struct sou_scope_entry e = {0};
		int rc = SOU_EUNKNOWN;
		for (uint32_t s = 0; s < w->scope_count && rc != SOU_OK; s++)
			rc = sou_scope_get(w->scopes[s], &id, &e);
		REQUIRE(name, rc == SOU_OK);
		CHECK_STR(name, sou_verdict_name(e.verdict), vector_str(row, "verdict"));
		CHECK_INT(name, e.shown, ==, vector_bool(row, "shown"));
	}
}

static void check_scopes(struct world *w)
{
	const json_t *scopes = vector_get(w->row, "scopes");
	CHECK_INT(w->name, w->scope_count, ==, json_array_size(scopes));
	for (size_t i = 0; i < json_array_size(scopes); i++) {
		const json_t *row = json_array_get(scopes, i);
		struct sou_id id;
		vector_hex_into(row, "id", id.b, sizeof id.b);
		struct sou_hash got = sou_scope_entries_digest(scope_of(w, &id)),
				want = hash_of(row, "entries");
		CHECK_MEM(w->name, got.b, sizeof got.b, want.b, sizeof want.b);
	}
}

static bool listed(const json_t *list, const struct sou_id *id)
{
	const char *text = test_hex_text(id->b, sizeof id->b);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	return false;
}

/* Scopes that the row names anywhere; of project scopes only those that need no plan can be told
 * here. */
static void check_reads(struct world *w)
{
	const json_t *reads = vector_get(w->row, "reads");
	struct sou_id all[SCOPES_MAX + 2] = {sou_scope_id(SOU_SCOPE_AUTHORITY, NULL),
					     sou_scope_id(SOU_SCOPE_PLAN, NULL)};
	uint32_t count = 2;
	for (uint32_t i = 0; i < w->scope_count; i++)
		all[count++] = w->ids[i];
	for (size_t i = 0; i < json_array_size(reads); i++) {
		const json_t *row = json_array_get(reads, i), *list = vector_get(row, "scopes");
		struct sou_id site, org;
		vector_hex_into(row, "site", site.b, sizeof site.b);
		const struct sou_line *line = sou_authority_site(w->authority, &site);
		REQUIRE(w->name, line != NULL);
		if (sou_authority_key_withdrawn(w->authority, &site, &line->key_id))
			continue;
		for (uint32_t k = 0; k < count; k++) {
			bool may = sou_authority_may_read(w->authority, &site, &line->key_id,
							  &all[k], NULL, 0);
			bool project = sou_authority_scope_kind(w->authority, &all[k], &org) ==
				       SOU_SCOPE_PROJECT;
			const char *name =
				test_printf("%s: %s reads %s", w->name, vector_str(row, "site"),
					    test_hex_text(all[k].b, sizeof all[k].b));
			if (may || k == 0 || !project)
				CHECK_INT(name, may, ==, listed(list, &all[k]));
		}
	}
}

static void check_world(json_t *row, uint64_t seed)
{
	struct history_random rng = {seed};
	struct world w = {.row = row, .name = vector_str(row, "name")};
	struct sou_hash genesis = hash_of(row, "genesis");
	REQUIRE(w.name, sou_authority_new(&w.authority, &genesis) == SOU_OK);
	add_ops(&w, &rng);
	REQUIRE(w.name, sou_authority_settle(w.authority) == SOU_OK);
	struct sou_hash head = sou_authority_head(w.authority),
			hash = sou_authority_hash(w.authority);
	struct sou_hash want_head = hash_of(row, "head"),
			want_hash = hash_of(row, "authority_hash");
	CHECK_MEM(w.name, head.b, sizeof head.b, want_head.b, sizeof want_head.b);
	CHECK_MEM(w.name, hash.b, sizeof hash.b, want_hash.b, sizeof want_hash.b);
	CHECK_INT(w.name, sou_authority_forked(w.authority), ==, vector_bool(row, "forked"));
	CHECK_INT(w.name, sou_authority_too_new(w.authority), ==, vector_bool(row, "too_new"));

	put_entries(&w, &rng);
	for (uint32_t i = 0; i < w.scope_count; i++) {
		const struct sou_change *changes;
		size_t count;
		REQUIRE(w.name,
			sou_scope_settle(w.scopes[i], w.authority, &changes, &count) == SOU_OK);
	}
	check_entries(&w);
	check_scopes(&w);
	check_reads(&w);
	for (uint32_t i = 0; i < w.scope_count; i++)
		sou_scope_free(w.scopes[i]);
	sou_authority_free(w.authority);
}

TEST(vectors, worlds)
{
	json_t *rows = vector_array(vector_load("worlds"), "rows");
	for (size_t i = 0; i < json_array_size(rows); i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			check_world(json_array_get(rows, i), seed * 1000 + i);
}
