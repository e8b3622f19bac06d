/* test_vectors_state.c - registers, hidden entities and digests of the second implementation's
 * small worlds (P10.1 - P10.8). */
#include "tests/proto/world_state.h"

static const char *id_text(const struct sou_id *id)
{
	return test_hex_text(id->b, sizeof id->b);
}

/* The row of this register in the vector, NULL where it has none. */
static json_t *register_row(json_t *scope, const struct sou_record *record, uint16_t field)
{
	json_t *row;
	size_t i;
	json_array_foreach (vector_get(scope, "registers"), i, row) {
		if (vector_int(row, "kind") == record->kind && vector_int(row, "field") == field &&
		    strcmp(vector_str(row, "entity"), id_text(&record->entity)) == 0)
			return row;
	}
	return NULL;
}

static void check_field(const char *world, json_t *scope, const struct sou_record *record,
			const struct sou_register *r)
{
	const char *name = test_printf("%s: %u %s %u", world, record->kind,
				       id_text(&record->entity), r->field);
	json_t *row = register_row(scope, record, r->field);
	REQUIRE(name, row != NULL);
	json_t *live = vector_get(row, "live"), *missing = vector_get(row, "missing");
	CHECK_INT(name, r->conflict, ==, vector_bool(row, "conflict"));
	CHECK_INT(name, r->live_count, ==, json_array_size(live));
	for (size_t i = 0; i < r->live_count && i < json_array_size(live); i++)
		CHECK_STR(name, id_text(&r->live[i].version),
			  json_string_value(json_array_get(live, i)));
	CHECK_INT(name, r->gap_count, ==, json_array_size(missing));
	for (size_t i = 0; i < r->gap_count && i < json_array_size(missing); i++)
		CHECK_STR(name, id_text(&r->gaps[i].version),
			  json_string_value(json_array_get(missing, i)));
}

static bool hidden_row(json_t *scope, const struct sou_record *record)
{
	json_t *row;
	size_t i;
	json_array_foreach (vector_get(scope, "hidden"), i, row) {
		if (vector_int(row, "kind") == record->kind &&
		    strcmp(vector_str(row, "entity"), id_text(&record->entity)) == 0)
			return true;
	}
	return false;
}

static void check_hash(const char *name, struct sou_hash got, json_t *row, const char *key)
{
	struct test_bytes want = vector_hex(row, key);
	CHECK_MEM(name, got.b, sizeof got.b, want.b, want.n);
}

/* Returns how many registers there are. */
static size_t check_scope(struct world *w, size_t scope)
{
	json_t *row = json_array_get(vector_get(w->row, "scopes"), scope);
	struct world_state *s = world_state_new(w, scope);
	struct sou_buf rows[SOU_BUCKETS] = {0};
	struct sou_hash buckets[SOU_BUCKETS];
	struct sou_record record = {0};
	size_t registers = 0, hidden = 0;
	for (size_t at = 0; at < s->version_count;) {
		at = world_state_record(s, at, &record);
		for (uint32_t i = 0; i < record.register_count; i++)
			check_field(w->name, row, &record, &record.registers[i]);
		registers += record.register_count;
		hidden += record.hidden;
		CHECK_INT(w->name, record.hidden, ==, hidden_row(row, &record));
		sou_digest_rows(&rows[sou_bucket_of(&record.entity)], &record);
	}
	CHECK_INT(w->name, registers, ==, json_array_size(vector_get(row, "registers")));
	CHECK_INT(w->name, hidden, ==, json_array_size(vector_get(row, "hidden")));
	for (size_t i = 0; i < SOU_BUCKETS; i++) {
		buckets[i] = sou_digest_bucket(sou_buf_span(&rows[i]));
		sou_buf_fini(&rows[i]);
	}
	struct sou_hash state = sou_digest_state(buckets),
			entries = sou_scope_entries_digest(w->scopes[scope]),
			authority = sou_authority_hash(w->authority);
	check_hash(w->name, state, row, "state");
	struct sou_id digest = sou_digest_scope(&authority, &entries, &state);
	CHECK_STR(w->name, id_text(&digest), vector_str(row, "digest"));
	sou_record_fini(&record);
	return registers;
}

TEST(vectors, state)
{
	size_t registers = 0, i;
	json_t *row;
	json_array_foreach (vector_array(vector_load("worlds"), "rows"), i, row) {
		struct world *w = world_new(row);
		world_ops(w);
		for (size_t k = 0; k < w->entry_count; k++)
			world_put(w, i % 2 == 0 ? k : w->entry_count - 1 - k, false);
		world_settle(w);
		for (size_t s = 0; s < w->scope_count; s++)
			registers += check_scope(w, s);
	}
	CHECK_INT("P10.2 registers", registers, >, 80);
}
