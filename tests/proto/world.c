/* world.c - a world of the vectors: ops and entries put into authority and scope engines. */
#include "tests/proto/world.h"

static struct sou_span span_of(json_t *row, const char *key)
{
	if (json_is_null(vector_get(row, key)))
		return (struct sou_span){NULL, 0};
	struct test_bytes bytes = vector_hex(row, key);
	return (struct sou_span){bytes.b, bytes.n};
}

static void drop(void *ctx)
{
	struct world *w = ctx;
	for (size_t i = 0; i < w->entry_count; i++) {
		sou_entry_fini(&w->entries[i].read);
		sou_entry_fini(&w->entries[i].alone);
	}
	for (size_t i = 0; i < w->scope_count; i++)
		sou_scope_free(w->scopes[i]);
	sou_authority_free(w->authority);
}

static struct sou_hash genesis_of(struct world *w)
{
	struct sou_hash genesis;
	vector_hex_into(w->row, "genesis", genesis.b, sizeof genesis.b);
	return genesis;
}

struct world *world_new(json_t *row)
{
	struct world *w = test_alloc(sizeof *w);
	memset(w, 0, sizeof *w);
	w->row = row;
	w->name = vector_str(row, "name");
	w->op_count = json_array_size(vector_array(row, "ops"));
	json_t *entries = vector_get(row, "entries");
	w->entry_count = json_array_size(entries);
	w->entries = test_alloc((w->entry_count + 1) * sizeof *w->entries);
	memset(w->entries, 0, (w->entry_count + 1) * sizeof *w->entries);
	test_at_end(drop, w);
	for (size_t i = 0; i < w->entry_count; i++) {
		struct world_entry *e = &w->entries[i];
		e->row = json_array_get(entries, i);
		e->signature = span_of(e->row, "signature");
		struct sou_span header = span_of(e->row, "header"), none = {NULL, 0};
		REQUIRE(w->name, sou_entry_read(&e->alone, header, none, NULL) == SOU_OK);
		REQUIRE(w->name, sou_entry_read(&e->read, header, span_of(e->row, "payload"),
						NULL) == SOU_OK);
	}
	json_t *scopes = vector_get(row, "scopes");
	w->scope_count = json_array_size(scopes);
	REQUIRE(w->name, w->scope_count <= ARRAY_LEN(w->scopes));
	for (size_t i = 0; i < w->scope_count; i++)
		vector_hex_into(json_array_get(scopes, i), "id", w->scope_ids[i].b, 16);
	world_reset(w);
	return w;
}

void world_reset(struct world *w)
{
	sou_authority_free(w->authority);
	w->authority = NULL;
	struct sou_hash genesis = genesis_of(w);
	REQUIRE(w->name, sou_authority_new(&w->authority, &genesis) == SOU_OK);
	for (size_t i = 0; i < w->scope_count; i++) {
		sou_scope_free(w->scopes[i]);
		w->scopes[i] = NULL;
		REQUIRE(w->name, sou_scope_new(&w->scopes[i], &w->scope_ids[i]) == SOU_OK);
	}
}

struct sou_scope *world_scope(struct world *w, const struct sou_id *id)
{
	for (size_t i = 0; i < w->scope_count; i++)
		if (sou_id_eq(&w->scope_ids[i], id))
			return w->scopes[i];
	REQUIRE(w->name, false);
	return NULL;
}

static void put_hex(struct sou_buf *buf, json_t *text)
{
	struct test_bytes bytes = test_hex(json_string_value(text));
	sou_mp_put_bin(buf, bytes.b, bytes.n);
}

bool world_op(struct world *w, size_t i)
{
	json_t *row = json_array_get(vector_get(w->row, "ops"), i), *list, *pair;
	list = vector_get(row, "signatures");
	struct sou_buf sigs = {0};
	sou_mp_put_array(&sigs, (uint32_t)json_array_size(list));
	size_t k;
	json_array_foreach (list, k, pair) {
		sou_mp_put_array(&sigs, 2);
		put_hex(&sigs, json_array_get(pair, 0));
		put_hex(&sigs, json_array_get(pair, 1));
	}
	int rc = sou_authority_add(w->authority, span_of(row, "op"), sou_buf_span(&sigs));
	sou_buf_fini(&sigs);
	CHECK(w->name, rc == SOU_OK || rc == SOU_EEXIST || rc == SOU_EUNKNOWN || rc == SOU_ESIG);
	if (rc == SOU_ESIG)
		CHECK(test_printf("%s: op %zu is well signed", w->name, i),
		      !vector_bool(row, "known"));
	return rc == SOU_OK || rc == SOU_EEXIST;
}

void world_ops(struct world *w)
{
	size_t known = 0, before;
	do {
		before = known;
		known = 0;
		for (size_t i = 0; i < w->op_count; i++)
			known += world_op(w, w->op_count - 1 - i);
	} while (known != before);
}

/* What the header's key says of the signature, as far as the key is known by now. */
static bool signature_checked(struct world *w, const struct world_entry *e)
{
	const struct sou_header *h = &e->read.header;
	if (e->signature.n == 0)
		return false;
	const struct sou_line *line = sou_authority_key(w->authority, &h->site, &h->key);
	if (line == NULL)
		return false;
	struct sou_id net;
	vector_hex_into(w->row, "net", net.b, sizeof net.b);
	return sou_entry_verify(&sou_verifier_ed25519, &net, &e->read.facts.id, &line->key,
				e->signature.p) == SOU_OK;
}

void world_put(struct world *w, size_t i, bool header_only)
{
	struct world_entry *e = &w->entries[i];
	struct sou_facts facts = header_only ? e->alone.facts : e->read.facts;
	facts.sig_checked = !header_only && signature_checked(w, e);
	int rc = sou_scope_put(world_scope(w, &facts.scope), &facts, i + 1);
	CHECK(w->name, rc == SOU_OK || rc == SOU_EEXIST);
}

void world_settle(struct world *w)
{
	REQUIRE(w->name, sou_authority_settle(w->authority) == SOU_OK);
	const struct sou_change *changes;
	size_t count;
	for (size_t i = 0; i < w->entry_count; i++) {
		struct sou_scope_entry stored;
		const struct sou_facts *f = &w->entries[i].read.facts;
		if (sou_scope_get(world_scope(w, &f->scope), &f->id, &stored) == SOU_OK &&
		    stored.body == f->body && !stored.sig_checked)
			world_put(w, i, false);
	}
	for (size_t i = 0; i < w->scope_count; i++)
		REQUIRE(w->name,
			sou_scope_settle(w->scopes[i], w->authority, &changes, &count) == SOU_OK);
}

static void check_hash(const char *name, struct sou_hash got, json_t *row, const char *key)
{
	struct test_bytes want = vector_hex(row, key);
	CHECK_MEM(name, got.b, sizeof got.b, want.b, want.n);
}

void world_check(struct world *w, const char *order)
{
	const char *name = test_printf("%s (%s)", w->name, order);
	check_hash(name, sou_authority_head(w->authority), w->row, "head");
	check_hash(name, sou_authority_hash(w->authority), w->row, "authority_hash");
	CHECK_INT(name, sou_authority_forked(w->authority), ==, vector_bool(w->row, "forked"));
	CHECK_INT(name, sou_authority_too_new(w->authority), ==, vector_bool(w->row, "too_new"));
	for (size_t i = 0; i < w->op_count; i++) {
		json_t *op = json_array_get(vector_get(w->row, "ops"), i);
		struct sou_hash id;
		vector_hex_into(op, "id", id.b, sizeof id.b);
		CHECK_INT(test_printf("%s: op %zu known", name, i),
			  sou_authority_knows(w->authority, &id), ==, vector_bool(op, "known"));
		if (vector_bool(op, "known"))
			CHECK_INT(test_printf("%s op %zu has an effect", w->name, i),
				  sou_authority_admissible(w->authority, &id), ==,
				  vector_bool(op, "admissible"));
	}
	for (size_t i = 0; i < w->entry_count; i++) {
		const struct sou_facts *f = &w->entries[i].read.facts;
		const char *entry = test_printf("%s: entry %zu", name, i);
		struct sou_scope_entry got;
		REQUIRE(entry, sou_scope_get(world_scope(w, &f->scope), &f->id, &got) == SOU_OK);
		CHECK_STR(entry, sou_verdict_name((enum sou_verdict)got.verdict),
			  vector_str(w->entries[i].row, "verdict"));
		CHECK_INT(entry, got.shown, ==, vector_bool(w->entries[i].row, "shown"));
	}
	for (size_t i = 0; i < w->scope_count; i++)
		check_hash(name, sou_scope_entries_digest(w->scopes[i]),
			   json_array_get(vector_get(w->row, "scopes"), i), "entries");
}
