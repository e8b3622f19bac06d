/* main_bench_verdict.c - what verdicts cost: bench_verdict [entries]. Prints; decides nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/schema.h"
#include "tests/lib/bed.h"

#define SITES 62u

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const struct sou_need item = {SOU_OP_SET, SOU_KIND_ITEM};

struct run {
	struct bed bed;
	struct bed_key keys[SITES];
	struct sou_facts *facts;
	uint32_t count;
};

static void make(struct run *r, uint32_t count)
{
	bed_init(&r->bed, false);
	for (uint32_t i = 0; i < SITES; i++) {
		char site[16];
		snprintf(site, sizeof site, "site %u", i);
		r->keys[i] = bed_open(&r->bed, site);
		bed_grant(&r->bed, site,
			  i == 0 ? SOU_ROLE_REVIEWER | SOU_ROLE_ANCHOR : SOU_ROLE_EDITOR);
	}
	r->count = count;
	r->facts = malloc(count * sizeof *r->facts);
	for (uint32_t i = 0; i < count; i++) {
		r->facts[i] = bed_next(&r->bed, &r->keys[1 + i % (SITES - 1)]);
		r->facts[i].needs = &item;
		r->facts[i].need_count = 1;
	}
	bed_settle(&r->bed);
}

static void report(const char *what, double us, double per, const char *unit)
{
	printf("%-52s %12.3f ms  %10.1f ns per %s\n", what, us / 1e3, us * 1e3 / per, unit);
}

static void appends(struct run *r)
{
	double t = now_us();
	for (uint32_t i = 0; i < r->count; i++) {
		bed_put(&r->bed, &r->facts[i]);
		bed_settle(&r->bed);
	}
	report("append, settled one by one", now_us() - t, r->count, "entry");
	printf("%-52s %12.1f bytes\n", "memory per entry",
	       (double)sou_scope_bytes(r->bed.scope) / r->count);
}

static void load(struct run *r, bool backwards)
{
	struct sou_scope *scope;
	if (sou_scope_new(&scope, &r->bed.id) != SOU_OK)
		abort();
	const struct sou_change *changes;
	size_t count;
	double t = now_us();
	for (uint32_t i = 0; i < r->count; i++)
		if (sou_scope_put(scope, &r->facts[backwards ? r->count - 1 - i : i], i + 1) !=
		    SOU_OK)
			abort();
	if (sou_scope_settle(scope, r->bed.authority, &changes, &count) != SOU_OK ||
	    count != r->count)
		abort();
	report(backwards ? "load backwards, settled once" : "load, settled once", now_us() - t,
	       r->count, "entry");
	sou_scope_free(scope);
}

static void authority(struct run *r)
{
	double t = now_us();
	struct bed_key other = bed_open(&r->bed, "somebody else");
	double opened = now_us() - t;
	t = now_us();
	size_t changes = bed_settle(&r->bed);
	printf("%-52s %12.3f ms  %10zu changes (+ %.3f ms op)\n",
	       "authority op that concerns no entry", (now_us() - t) / 1e3, changes, opened / 1e3);

	struct sou_pins pin = {r->bed.id, 0, 1};
	struct sou_hash last = r->facts[r->count / 2].id;
	const struct sou_facts *f = &r->facts[r->count / 2];
	const struct sou_effect cut = {.type = SOU_EFFECT_CUT,
				       .site = f->site,
				       .key_id = f->key,
				       .pins = &pin,
				       .pin_count = 1,
				       .ids = &last,
				       .id_count = 1};
	bed_op(&r->bed, SOU_TIER_OPERATIONAL, 0, &cut, 1);
	t = now_us();
	changes = bed_settle(&r->bed);
	printf("%-52s %12.3f ms  %10zu changes\n", "cut in the middle of one of 61 chains",
	       (now_us() - t) / 1e3, changes);
	(void)other;
}

static void fork_below(struct run *r)
{
	struct bed_key key = r->keys[2];
	const struct sou_facts *first = &r->facts[1];
	key.prev = first->prev;
	key.seq = 0;
	key.hlc = 0;
	double t = now_us();
	bed_edit(&r->bed, &key);
	size_t changes = bed_settle(&r->bed);
	printf("%-52s %12.3f ms  %10zu changes\n", "second entry at seq 1 of one of 61 chains",
	       (now_us() - t) / 1e3, changes);
}

static void digest(struct run *r)
{
	double t = now_us();
	sou_scope_entries_digest(r->bed.scope);
	printf("%-52s %12.3f ms\n", "entries' digest after all that", (now_us() - t) / 1e3);
	bed_edit(&r->bed, &r->keys[3]);
	bed_settle(&r->bed);
	t = now_us();
	sou_scope_entries_digest(r->bed.scope);
	printf("%-52s %12.3f ms\n", "entries' digest after one more entry", (now_us() - t) / 1e3);
}

static void ops(uint32_t count)
{
	struct bed bed;
	bed_init(&bed, false);
	bed_open(&bed, "w");
	double t = now_us();
	for (uint32_t i = 0; i < count; i++)
		bed_grant(&bed, "w", SOU_ROLE_EDITOR);
	report("authority ops added", now_us() - t, count, "op");
	t = now_us();
	if (sou_authority_settle(bed.authority) != SOU_OK)
		abort();
	report("authority settled", now_us() - t, count, "op");
	bed_fini(&bed);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	struct run r;
	make(&r, count);
	printf("%u entries of %u sites\n", count, SITES - 1);
	appends(&r);
	load(&r, false);
	load(&r, true);
	authority(&r);
	fork_below(&r);
	digest(&r);
	ops(5000);
	bed_fini(&r.bed);
	free(r.facts);
	return 0;
}
