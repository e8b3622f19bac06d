/* test_model_merge.c - registers, conflicts, gaps and the hidden mark of the abstract model's
 * histories (P10.1 - P10.5): entries taken in random orders, and each record built anew. Which
 * entries are shown is what the model says: the verdict is test_model_verdict's. */
#include <stdio.h>

#include "proto/limits.h"
#include "proto/merge.h"
#include "proto/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/vector.h"
#include "tests/proto/history.h"
#include "tests/proto/merger.h"

static void fini_cb(void *arg)
{
	merger_fini(arg);
}

static uint32_t number(const json_t *array, size_t i)
{
	return (uint32_t)json_integer_value(json_array_get(array, i));
}

static struct sou_id version_id(uint32_t entry)
{
	struct sou_hash id = history_entry_id(entry);
	return sou_hash_half(&id);
}

static const char *number_of(const struct sou_id *id)
{
	return test_printf("%u,", (uint32_t)id->b[0] << 24 | (uint32_t)id->b[1] << 16 |
					  (uint32_t)id->b[2] << 8 | id->b[3]);
}

/* An entity that sorts as its number does. */
static struct sou_id entity_id(uint32_t entity)
{
	struct sou_id id = {{(uint8_t)entity}};
	return id;
}

static void read_history_op(struct merger_entry *e, const json_t *row, const struct sou_hash *id,
			    const struct sou_authority *a)
{
	struct merger_op *op = &e->ops[e->op_count];
	*op = (struct merger_op){.type = (uint16_t)number(row, 0),
				 .kind = (uint16_t)number(row, 1),
				 .entity = entity_id(number(row, 2)),
				 .field = (uint16_t)number(row, 3),
				 .value = (uint8_t)number(row, 4)};
	op->redacted = sou_authority_redacted(a, id, (uint16_t)(e->op_count + 1));
	const json_t *names = json_array_get(row, 5);
	for (size_t i = 0; i < json_array_size(names); i++) {
		struct sou_id name = version_id(number(names, i));
		merger_name(op, &name);
	}
	e->op_count++;
}

static struct sou_authority *authority_of(const struct history *h, const json_t *delivery)
{
	struct sou_authority *a = history_authority(h);
	const struct sou_span none = {NULL, 0};
	const char *got = vector_str(delivery, "ops");
	for (uint32_t i = 0; i < h->op_count; i++)
		if (got[i] == '1')
			(void)sou_authority_add_checked(a, &h->ops[HISTORY_PRELUDE + i], none,
							none);
	REQUIRE(h->name, sou_authority_settle(a) == SOU_OK);
	return a;
}

static void read_delivery(struct merger *m, const struct history *h, const json_t *delivery,
			  uint32_t scope)
{
	struct sou_authority *a = authority_of(h, delivery);
	const json_t *entries = vector_get(h->json, "entries");
	const char *have = vector_str(delivery, "have"), *shown = vector_str(delivery, "shown");
	m->entry_count = 0;
	for (uint32_t i = 0; i < h->entry_count; i++) {
		const json_t *row = json_array_get(entries, i);
		if (have[i] == '.' || number(row, 0) != scope)
			continue;
		REQUIRE(h->name, m->entry_count < MERGER_ENTRIES_MAX);
		struct merger_entry *e = &m->entries[m->entry_count++];
		*e = (struct merger_entry){.version = version_id(i),
					   .hlc = number(row, 6),
					   .clock = (uint8_t)number(row, 7),
					   .has_payload = have[i] == 'b' || have[i] == 'B',
					   .counts = number(row, 8) == 0 && number(row, 9) == 0,
					   .shown = shown[i] == '1'};
		const json_t *ops = json_array_get(row, 10);
		struct sou_hash id = history_entry_id(i);
		REQUIRE(h->name, json_array_size(ops) <= MERGER_OPS_MAX);
		for (size_t k = 0; k < json_array_size(ops); k++)
			read_history_op(e, json_array_get(ops, k), &id, a);
	}
	sou_authority_free(a);
}

/* What the model says, as merger_text writes it: registers come by entity, kind, field. */
static const char *wanted(const json_t *scope)
{
	const json_t *registers = json_object_get(scope, "registers"),
		     *hidden = json_object_get(scope, "hidden");
	const char *out = "";
	for (uint32_t entity = 0; entity < 256; entity++)
		for (uint32_t kind = 0; kind < 64; kind++) {
			bool any = false;
			for (size_t i = 0; i < json_array_size(registers); i++) {
				const json_t *r = json_array_get(registers, i);
				if (number(r, 0) != kind || number(r, 1) != entity)
					continue;
				if (!any)
					out = test_printf("%s%s%u %02x:", out,
							  out[0] != '\0' ? " | " : "", kind,
							  entity);
				any = true;
				out = test_printf("%s %u(", out, number(r, 2));
				const json_t *live = json_array_get(r, 3),
					     *gaps = json_array_get(r, 5);
				for (size_t k = 0; k < json_array_size(live); k++)
					out = test_printf("%s%u,", out, number(live, k));
				out = test_printf("%s%s)", out, number(r, 4) ? "!" : "");
				for (size_t k = 0; k < json_array_size(gaps); k++)
					out = test_printf("%s~%u,", out, number(gaps, k));
			}
			for (size_t i = 0; any && i < json_array_size(hidden); i++)
				if (number(json_array_get(hidden, i), 0) == kind &&
				    number(json_array_get(hidden, i), 1) == entity)
					out = test_printf("%s hidden", out);
		}
	return out;
}

static void check_scope(struct merger *m, const struct history *h, const json_t *delivery,
			uint32_t scope, uint32_t rounds, struct history_random *rng)
{
	const char *want = wanted(json_array_get(vector_get(delivery, "scopes"), scope));
	uint32_t order[MERGER_ENTRIES_MAX];
	read_delivery(m, h, delivery, scope);
	for (uint32_t round = 0; round < rounds; round++) {
		merger_forget(m);
		for (uint32_t i = 0; i < m->entry_count; i++) {
			uint32_t at = history_below(rng, i + 1);
			order[i] = order[at];
			order[at] = i;
		}
		for (uint32_t i = 0; i < m->entry_count; i++)
			merger_take(m, order[i]);
		CHECK_STR(h->name, merger_text(m, number_of), want);
		merger_build(m);
		CHECK_STR(h->name, merger_text(m, number_of), want);
	}
}

/* Each is taken and built anew in so many orders: SOU_HISTORY_ORDERS, or 2. */
static uint32_t check_all(void)
{
	const char *text = getenv("SOU_HISTORY_ORDERS");
	uint32_t rounds = text == NULL ? 2 : (uint32_t)strtoul(text, NULL, 10);
	struct history_file *file =
		history_open(SOU_SOURCE_DIR "/tests/vectors/histories.jsonl.zst");
	struct history_random rng = {1};
	struct history h;
	struct merger *m = test_alloc(sizeof *m);
	uint32_t checked = 0;
	merger_init(m);
	test_at_end(fini_cb, m);
	while (history_next(file, &h)) {
		for (size_t d = 0; d < json_array_size(h.deliveries); d++)
			for (uint32_t s = 0; s < h.scope_count; s++, checked++)
				check_scope(m, &h, json_array_get(h.deliveries, d), s, rounds,
					    &rng);
		history_fini(&h);
	}
	printf("merge: %u scopes of histories in %u orders each\n", checked, rounds);
	return checked;
}

TEST(model_merge, histories)
{
	CHECK_INT("all of them", check_all(), >, 8000);
}

TEST(model_merge, as_many_names_as_an_op_has)
{
	struct sou_record r = {0};
	struct sou_id entity = {{1}};
	struct sou_span value = {(const uint8_t *)"\x05", 1};
	struct merger *m = test_alloc(sizeof *m);
	uint8_t names[SOU_REPLACES_MAX * 18];
	bool changed;
	merger_init(m);
	test_at_end(fini_cb, m);
	sou_record_clear(&r, SOU_KIND_ITEM, &entity);
	for (uint32_t i = 0; i < SOU_REPLACES_MAX; i++) {
		uint8_t *p = names + i * 18;
		memset(p, 0, 18);
		p[0] = 0xc4;
		p[1] = 16;
		p[2] = (uint8_t)i;
		p[3] = 1;
		struct sou_version v = {.pos = i + 1,
					.hlc = i,
					.type = SOU_OP_SET,
					.field = 1,
					.shown = true,
					.value = value};
		memcpy(v.id.b, p + 2, 16);
		REQUIRE("adds", sou_record_add(&r, &v, &m->view, &changed) == SOU_OK && changed);
	}
	CHECK_INT("P6.2 all live beside each other", r.registers[0].live_count, ==,
		  SOU_REPLACES_MAX);
	CHECK("P10.4 equal values", !r.conflict);
	struct sou_version all = {.id = {{0xff, 0xff}},
				  .pos = 1000,
				  .hlc = 1,
				  .type = SOU_OP_SET,
				  .field = 1,
				  .shown = true,
				  .value = value,
				  .replaces = {names, SOU_REPLACES_MAX, 16}};
	REQUIRE("adds", sou_record_add(&r, &all, &m->view, &changed) == SOU_OK);
	CHECK_INT("P6.2 one name each", r.registers[0].live_count, ==, 1);
	CHECK_U64("the last", r.registers[0].live[0].pos, ==, 1000);
	sou_record_fini(&r);
}
