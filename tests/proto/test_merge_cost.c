/* test_merge_cost.c - held versions that branch and join again: each is looked at once, however
 * many ways lead to it (P10.2, P10.5). */
#include "proto/schema.h"
#include "tests/lib/check.h"
#include "tests/proto/merger.h"

#define LAYERS 30u

static const struct sou_id entity = {{0xe1}};

static struct sou_id version(uint32_t layer, uint32_t side)
{
	return (struct sou_id){{(uint8_t)(layer + 1), (uint8_t)side}};
}

static struct merger_entry *add(struct merger *m, struct sou_id id, uint16_t type, bool shown)
{
	REQUIRE("room", m->entry_count < MERGER_ENTRIES_MAX);
	struct merger_entry *e = &m->entries[m->entry_count++];
	*e = (struct merger_entry){.version = id,
				   .hlc = m->entry_count,
				   .has_payload = true,
				   .counts = true,
				   .shown = shown,
				   .op_count = 1};
	e->ops[0] = (struct merger_op){.type = type,
				       .kind = SOU_KIND_ITEM,
				       .entity = entity,
				       .field = type == SOU_OP_DELETE ? 0 : 1};
	return e;
}

/* A shown version, then layers of two held ones, each of which names both of the layer below. */
static void ladder(struct merger *m)
{
	merger_init(m);
	add(m, (struct sou_id){{0}}, SOU_OP_SET, true);
	for (uint32_t layer = 0; layer < LAYERS; layer++)
		for (uint32_t side = 0; side < 2; side++) {
			struct merger_op *op = add(m, version(layer, side), SOU_OP_SET, false)->ops;
			for (uint32_t k = 0; k < (layer == 0 ? 1u : 2u); k++) {
				struct sou_id below = {{0}};
				if (layer > 0)
					below = version(layer - 1, k);
				merger_name(op, &below);
			}
		}
}

static void top(struct merger *m, uint16_t type)
{
	struct merger_op *op = add(m, (struct sou_id){{0xff}}, type, true)->ops;
	for (uint32_t k = 0; k < 2; k++) {
		struct sou_id below = version(LAYERS - 1, k);
		merger_name(op, &below);
	}
}

static const char *letter(const struct sou_id *id)
{
	return id->b[0] == 0 ? "base" : id->b[0] == 0xff ? "top" : "held";
}

static void both_ways(const char *name, struct merger *m, const char *expect)
{
	for (uint32_t i = 0; i < m->entry_count; i++)
		merger_take(m, i);
	CHECK_STR(name, merger_text(m, letter), expect);
	merger_build(m);
	CHECK_STR(name, merger_text(m, letter), expect);
	merger_fini(m);
}

TEST(merge_cost, a_write_over_a_ladder)
{
	struct merger *m = test_alloc(sizeof *m);
	ladder(m);
	top(m, SOU_OP_SET);
	both_ways("P10.2", m, "16 e1: 1(top)");
}

TEST(merge_cost, a_delete_over_a_ladder)
{
	struct merger *m = test_alloc(sizeof *m);
	ladder(m);
	top(m, SOU_OP_DELETE);
	both_ways("P10.5", m, "16 e1: 1(base) hidden");
}
