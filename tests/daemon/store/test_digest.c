/* test_digest.c - state digests and rebuilds over random work: writer, reader and a rebuilt store
 * agree, whatever came in which order (R9, R10, P10.6). */
#include "proto/digest.h"
#include "tests/daemon/store/pen.h"

static uint32_t next(uint32_t *random, uint32_t n)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random % n;
}

static struct sou_hash digest(struct soud_store *s, uint32_t scope)
{
	struct sou_hash out = {{0}};
	PEN_OK("digest", soud_store_state_digest(s, scope, &out));
	return out;
}

/* P10.6 from its text, over the records that the store gives. */
static struct sou_hash by_the_book(struct soud_store *s, uint32_t scope)
{
	struct sou_hash buckets[SOU_BUCKETS];
	struct sou_record r = {0};
	struct sou_id at;
	struct sou_buf rows[SOU_BUCKETS];
	memset(rows, 0, sizeof rows);
	for (bool first = true;
	     soud_store_record_next(s, scope, 0, first ? NULL : &at, r.kind, &r) == SOU_OK;
	     first = false) {
		at = r.entity;
		sou_digest_rows(&rows[at.b[0]], &r);
	}
	for (unsigned b = 0; b < SOU_BUCKETS; b++) {
		buckets[b] = sou_digest_bucket(sou_buf_span(&rows[b]));
		sou_buf_fini(&rows[b]);
	}
	sou_record_fini(&r);
	return sou_digest_state(buckets);
}

enum { STEPS = 60, KNOWN = 128 };

struct random_work {
	struct pen *p;
	uint32_t random;
	struct pen_entry *known[KNOWN]; /* accepted or held */
	uint32_t count;
	struct pen_entry *headers[KNOWN];
	uint64_t arrivals[KNOWN];
	uint32_t header_count;
};

static const struct pen_entry *some(struct random_work *w)
{
	return w->count > 0 && next(&w->random, 3) != 0 ? w->known[next(&w->random, w->count)]
							: NULL;
}

static void write_one(struct random_work *w, uint32_t entities)
{
	struct pen_op ops[3];
	uint32_t n = 1 + next(&w->random, 3);
	static const char *const texts[] = {"one", "two", "three"};
	for (uint32_t i = 0; i < n; i++) {
		ops[i] =
			(struct pen_op){.entity = (uint8_t)next(&w->random, entities),
					.field = next(&w->random, 5) == 0 ? 0 : SOU_FIELD_ITEM_TEXT,
					.text = texts[next(&w->random, 3)],
					.replaces = {some(w), NULL}};
		if (next(&w->random, 12) == 0)
			ops[i].missing = (struct sou_id){{0xab, (uint8_t)next(&w->random, 4)}};
		for (uint32_t k = 0; k < i; k++) /* an (entity, field) once */
			if (ops[k].entity == ops[i].entity)
				ops[i].entity = (uint8_t)(200 + i);
	}
	struct pen_entry *e = pen_write(w->p, next(&w->random, 4) == 0, ops, n);
	bool alone = next(&w->random, 10) == 0;
	uint64_t at = pen_take(w->p, e, alone);
	w->known[w->count++] = e;
	if (alone) {
		w->headers[w->header_count] = e;
		w->arrivals[w->header_count++] = at;
	}
}

static void grant_or_redact(struct random_work *w)
{
	struct pen *p = w->p;
	if (next(&w->random, 2) == 0) {
		bed_grant(&p->bed, "site b", SOU_ROLE_EDITOR); /* what was held is accepted now */
		pen_rejudge(p, NULL, 0);
		return;
	}
	uint32_t k = next(&w->random, w->count);
	uint16_t index = 1;
	struct sou_effect e = {.type = SOU_EFFECT_REDACT,
			       .ids = &w->known[k]->id,
			       .id_count = 1,
			       .indexes = &index};
	uint64_t at = k + 1;
	bed_op(&p->bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
	pen_rejudge(p, &at, 1);
}

static void check_all(const char *name, struct pen *p)
{
	struct soud_store *reader = pen_open(p, SOUD_STORE_READER);
	struct sou_hash book = by_the_book(reader, p->scope), kept, dump, rebuilt;
	struct sou_hash read = digest(reader, p->scope);
	CHECK_MEM(name, read.b, 32, book.b, 32);
	REQUIRE(name, soud_store_begin(p->s) == SOU_OK);
	kept = digest(p->s, p->scope);
	CHECK_MEM(name, kept.b, 32, book.b, 32);
	PEN_OK(name, soud_store_commit(p->s));
	read = digest(reader, p->scope); /* now from the kept buckets */
	CHECK_MEM(name, read.b, 32, book.b, 32);

	PEN_OK(name, soud_store_dump_hash(p->s, &dump));
	REQUIRE(name, soud_store_begin(p->s) == SOU_OK);
	PEN_OK(name, soud_store_rebuild(p->s, p->bed.authority));
	CHECK(name, !soud_store_stale(p->s));
	PEN_OK(name, soud_store_commit(p->s));
	PEN_OK(name, soud_store_dump_hash(p->s, &rebuilt));
	CHECK_MEM(test_printf("R9 %s: rebuilt", name), rebuilt.b, 32, dump.b, 32);
	read = digest(reader, p->scope);
	CHECK_MEM(name, read.b, 32, book.b, 32);
	PEN_OK(name, soud_store_check(p->s, true));
	soud_store_free(reader);
}

TEST(store, random_work_rebuilt)
{
	for (uint32_t seed = 1; seed <= 40; seed++) {
		struct random_work w = {.p = pen_new(), .random = seed * 2654435761u + 1};
		const char *name = test_printf("R10 seed %u", seed);
		uint32_t entities = seed % 2 == 0 ? 6 : 200; /* few dirty buckets, or many */
		for (int step = 0; step < STEPS; step++) {
			REQUIRE(name, soud_store_begin(w.p->s) == SOU_OK);
			uint32_t what = next(&w.random, 20);
			if (what == 0 && w.count > 0) {
				grant_or_redact(&w);
			} else if (what == 1 && w.header_count > 0) {
				w.header_count--;
				pen_payload(w.p, w.headers[w.header_count],
					    w.arrivals[w.header_count]);
			} else {
				write_one(&w, entities);
			}
			if (next(&w.random, 3) == 0) /* so that later touches find clean buckets */
				(void)digest(w.p->s, w.p->scope);
			PEN_OK(name, soud_store_commit(w.p->s));
		}
		check_all(name, w.p);
		pen_reopen(w.p);
		check_all(name, w.p);
		pen_close(w.p);
		memvfs_free(w.p->vfs);
		w.p->vfs = NULL;
	}
}

/* What a transaction said of the derived tables goes with it. */
TEST(store, stale_follows_the_transaction)
{
	struct pen *p = pen_new();
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	(void)pen_take(p, pen_text(p, 0, 1, "a", NULL), false);
	REQUIRE("commit", soud_store_commit(p->s) == SOU_OK);
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	PEN_OK("clear", soud_store_derived_clear(p->s));
	CHECK("R9 stale", soud_store_stale(p->s));
	soud_store_rollback(p->s);
	CHECK("R9 as before", !soud_store_stale(p->s));
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	PEN_OK("clear", soud_store_derived_clear(p->s));
	soud_store_log_merged(p->s, p->scope);
	PEN_OK("commit", soud_store_commit(p->s));
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	PEN_OK("rebuild", soud_store_rebuild(p->s, p->bed.authority));
	CHECK("R9 not stale", !soud_store_stale(p->s));
	soud_store_rollback(p->s);
	CHECK("R9 still stale", soud_store_stale(p->s));
}
