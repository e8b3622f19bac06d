/* test_vectors_orders.c - the small worlds again, step by step: entries before authority, headers
 * ahead of payloads, settled now and then (P9); and all of reading with the plan known (P8.14). */
#include "tests/proto/world.h"

#define ORDERS 6 /* random ones, for each world */

static uint32_t below(uint64_t *seed, size_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((*seed >> 33) % n);
}

static void shuffle(size_t *order, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t k = below(seed, i), t = order[i - 1];
		order[i - 1] = order[k];
		order[k] = t;
	}
}

static void authority_first(struct world *w)
{
	world_reset(w);
	world_ops(w);
	for (size_t i = 0; i < w->entry_count; i++) {
		world_put(w, i, false);
		world_settle(w);
	}
	world_settle(w);
	world_check(w, "authority first");
}

static void entries_first(struct world *w)
{
	world_reset(w);
	for (size_t i = w->entry_count; i > 0; i--)
		world_put(w, i - 1, false);
	world_settle(w);
	for (size_t i = 0; i < w->op_count; i++) {
		(void)world_op(w, i);
		world_settle(w);
	}
	world_ops(w);
	world_settle(w);
	world_check(w, "entries first");
}

/* Ops and entries mixed, headers ahead of payloads, with a settle now and then. */
static void mixed(struct world *w, uint64_t seed)
{
	size_t n = w->op_count + 2 * w->entry_count;
	size_t *order = test_alloc((n + 1) * sizeof *order);
	shuffle(order, n, &seed);
	world_reset(w);
	for (size_t i = 0; i < n; i++) {
		if (order[i] < w->op_count)
			(void)world_op(w, order[i]);
		else
			world_put(w, (order[i] - w->op_count) / 2, order[i] % 2 == 0);
		if (below(&seed, 4) == 0)
			world_settle(w);
	}
	world_ops(w);
	world_settle(w);
	world_check(w, test_printf("seed %llu", (unsigned long long)seed));
}

TEST(vectors, worlds)
{
	json_t *row;
	size_t i;
	json_array_foreach (vector_array(vector_load("worlds"), "rows"), i, row) {
		struct world *w = world_new(row);
		authority_first(w);
		entries_first(w);
		for (uint64_t seed = 0; seed < ORDERS; seed++)
			mixed(w, 100 * i + seed);
	}
}

static size_t responsible(json_t *row, const struct sou_id *scope, struct sou_id *out, size_t max)
{
	json_t *project, *org;
	size_t i, k, n = 0;
	json_array_foreach (vector_get(row, "projects"), i, project) {
		struct test_bytes id = vector_hex(project, "scope");
		if (memcmp(id.b, scope->b, sizeof scope->b) != 0)
			continue;
		json_array_foreach (vector_get(project, "organisations"), k, org) {
			REQUIRE("P8.14 few organisations", n < max);
			memcpy(out[n++].b, test_hex(json_string_value(org)).b, 16);
		}
	}
	return n;
}

/* P8.14: each site against each scope that any site of this world reads. */
static size_t check_reads(struct world *w)
{
	json_t *reads = vector_array(w->row, "reads"), *a, *b, *scope, *mine;
	size_t i, k, s, m, asked = 0;
	json_array_foreach (reads, i, a)
		json_array_foreach (reads, k, b)
			json_array_foreach (vector_get(b, "scopes"), s, scope) {
				struct sou_id site, id, orgs[16];
				vector_hex_into(a, "site", site.b, sizeof site.b);
				memcpy(id.b, test_hex(json_string_value(scope)).b, sizeof id.b);
				bool want = false;
				json_array_foreach (vector_get(a, "scopes"), m, mine)
					want |= strcmp(json_string_value(mine),
						       json_string_value(scope)) == 0;
				size_t n = responsible(w->row, &id, orgs, ARRAY_LEN(orgs));
				const struct sou_line *line =
					sou_authority_site(w->authority, &site);
				REQUIRE(w->name, line != NULL);
				const char *name = test_printf("%s: site %zu, scope %s", w->name, i,
							       json_string_value(scope));
				CHECK_INT(name,
					  sou_authority_may_read(w->authority, &site, &line->key_id,
								 &id, orgs, n),
					  ==, want);
				asked++;
			}
	return asked;
}

TEST(vectors, reads)
{
	json_t *row;
	size_t i, asked = 0;
	json_array_foreach (vector_array(vector_load("worlds"), "rows"), i, row) {
		struct world *w = world_new(row);
		world_ops(w);
		REQUIRE(w->name, sou_authority_settle(w->authority) == SOU_OK);
		asked += check_reads(w);
	}
	CHECK_INT("P8.14 questions", asked, >, 500);
}
