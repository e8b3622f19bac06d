/* test_power.c - a replica that ingests and acts while the power goes, and while calls of the disk
 * fail (R6, R12, R21): nothing acknowledged is missing, no place of a chain is used twice, what is
 * there is whole. SOU_POWER_CUTS: so many cuts (500 without); SOU_FAULT_STEP: each so-manieth
 * failing call (7 without). */
#include <stdio.h>

#include "tests/daemon/replica/pair.h"

enum { ACTS_MAX = 400, HUB_ENTRIES = 60 };

struct life { /* what a replica acknowledged */
	struct pair *p;
	struct sou_hash saved[ACTS_MAX];
	uint32_t saved_count;
	uint32_t frame; /* of the next frame */
	uint64_t have;  /* position acknowledged */
	uint32_t random;
};

struct bed_of_power { /* both disks as they were prepared */
	struct pair *p;
	struct memvfs_image *image;
	struct pair_fence fence;
};

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);
	long n = text == NULL ? otherwise : strtol(text, NULL, 10);
	return n > 0 ? n : otherwise;
}

static uint32_t below(struct life *l, uint32_t n)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 17;
	l->random ^= l->random << 5;
	return l->random % n;
}

static void free_image(void *image)
{
	memvfs_image_free(image);
}

static void prepare(struct bed_of_power *b)
{
	b->p = pair_new();
	pair_hub_writes(b->p, HUB_ENTRIES, 600);
	REQUIRE("several frames", b->p->frame_count >= 10);
	b->image = memvfs_image(b->p->site.vfs);
	b->fence = b->p->site.fence;
	test_at_end(free_image, b->image);
}

static void restore(struct bed_of_power *b)
{
	memvfs_fail(b->p->site.vfs, 0, 0, false);
	memvfs_crash(b->p->site.vfs, 1, 0);
	memvfs_restore(b->p->site.vfs, b->image);
	memvfs_power_on(b->p->site.vfs);
	b->p->site.fence = b->fence;
}

/* One transaction of up to four operations. Any error: nothing of it is acknowledged. */
static int one_transaction(struct life *l)
{
	struct soud_replica *r = l->p->site.r;
	struct soud_committed done;
	struct soud_taken taken;
	uint32_t count = l->saved_count, frame = l->frame, n = 1 + below(l, 4);
	uint64_t have = l->have;
	int rc = soud_replica_begin(r);
	if (rc != SOU_OK)
		return rc;
	for (uint32_t i = 0; i < n && rc == SOU_OK; i++) {
		if (below(l, 2) == 0 && frame < l->p->frame_count) {
			const struct sou_news *news = &l->p->frames[frame].news;
			rc = soud_replica_news(r, &l->p->from, news, &taken);
			frame++;
			have = news->upto;
		} else if (count < ACTS_MAX) {
			rc = pair_act(l->p, &l->p->site, &l->saved[count]);
			count += rc == SOU_OK;
		}
	}
	if (rc == SOU_OK)
		rc = soud_replica_commit(r, &done);
	else
		soud_replica_rollback(r);
	if (rc != SOU_OK)
		return rc;
	l->saved_count = count;
	l->frame = frame;
	l->have = have;
	rc = below(l, 6) == 0 ? soud_replica_tidy(r, below(l, 2) == 0) : SOU_OK;
	return rc == SOU_EBUSY ? SOU_OK : rc;
}

static void check_chain(const char *name, struct life *l, uint32_t scope)
{
	struct soud_store *s = soud_replica_store(l->p->site.r);
	struct soud_row row = {0};
	struct sou_entry entry = {0};
	uint64_t own = 0, foreign = 0;
	bool used[ACTS_MAX + 64] = {false};
	for (uint64_t at = 0; soud_store_log_next(s, scope, at, &row) == SOU_OK; at = row.arrival) {
		CHECK_U64("I2 no arrival is missing", row.arrival, ==, at + 1);
		REQUIRE(name, sou_entry_read(&entry, row.header, row.payload, NULL) == SOU_OK);
		CHECK(name, sou_hash_eq(&entry.facts.id, &row.id) && row.verdict == SOU_ACCEPTED);
		if (!sou_id_eq(&entry.header.site, &l->p->site.site)) {
			foreign++;
			continue;
		}
		own++;
		REQUIRE(name, entry.header.seq < ARRAY_LEN(used));
		CHECK("R12 no place is used twice", !used[entry.header.seq]);
		used[entry.header.seq] = true;
		CHECK_U64("R2 the chain goes up by one", entry.header.seq, ==, own);
	}
	sou_entry_fini(&entry);
	CHECK_U64("R12 own entries counted", soud_replica_signed_count(l->p->site.r), ==, own);
	uint64_t peer, of_frames = 0;
	struct soud_position position = {0};
	if (soud_store_peer_find(s, &l->p->from.site, &l->p->from.log, &peer) == SOU_OK)
		CHECK_INT(name, soud_store_position_get(s, peer, scope, &position), ==, SOU_OK);
	CHECK("R6 the position acknowledged", position.have >= l->have);
	for (l->frame = 0;
	     l->frame < l->p->frame_count && l->p->frames[l->frame].news.upto <= position.have;
	     l->frame++)
		of_frames += l->p->frames[l->frame].entries;
	CHECK_U64("I3 position and entries are one transaction", foreign, ==, of_frames);
	l->have = position.have;
}

/* The replica is open again: all that it acknowledged is there, and it is whole. */
static void check_life(const char *name, struct life *l)
{
	struct soud_replica *r = l->p->site.r;
	struct soud_store *s = soud_replica_store(r);
	uint32_t scope = 0, missing = 0;
	struct sou_hash dump, rebuilt;
	CHECK_INT("R12 the fence agrees", soud_replica_unconfirmed(r), ==, SOUD_FENCE_AGREES);
	CHECK_INT(name, soud_store_check(s, true), ==, SOU_OK);
	int rc = soud_store_scope_find(s, &l->p->scope, &scope);
	if (rc == SOU_EUNKNOWN) {
		CHECK_INT("R6 nothing acknowledged is missing", l->saved_count + l->have, ==, 0);
		l->frame = 0;
		return;
	}
	for (uint32_t i = 0; i < l->saved_count; i++) {
		struct sou_scope_entry e;
		struct sou_id version = sou_hash_half(&l->saved[i]);
		missing += soud_replica_entry(r, &l->p->scope, &version, &e) != SOU_OK;
	}
	CHECK_INT("R6 nothing acknowledged is missing", missing, ==, 0);
	check_chain(name, l, scope);
	CHECK_INT(name, soud_store_dump_hash(s, &dump), ==, SOU_OK);
	REQUIRE(name, soud_store_begin(s) == SOU_OK);
	CHECK_INT(name, soud_store_rebuild(s, soud_replica_authority(r)), ==, SOU_OK);
	CHECK_INT(name, soud_store_dump_hash(s, &rebuilt), ==, SOU_OK);
	soud_store_rollback(s);
	CHECK_MEM("R9 derived is what the log says", rebuilt.b, 32, dump.b, 32);
}

TEST(store, power_cuts)
{
	long wanted = number("SOU_POWER_CUTS", 500), cuts = 0, cut_while_working = 0, saved = 0;
	struct bed_of_power b;
	prepare(&b);
	for (long seed = 1; cuts < wanted; seed++) {
		struct life l = {.p = b.p, .random = (uint32_t)seed * 2654435761u + 1};
		const char *name = test_printf("R6 cut %ld", seed);
		restore(&b);
		for (int cut = 0; cut < 3; cut++) { /* three lives of one disk */
			bool at_open = below(&l, 8) == 0;
			uint32_t nth = 1 + below(&l, 220);
			if (at_open)
				memvfs_fail(b.p->site.vfs,
					    MEMVFS_WRITE | MEMVFS_SYNC | MEMVFS_TRUNCATE,
					    1 + nth % 8, true);
			int rc = pair_open(&b.p->site);
			if (rc == SOU_OK && !at_open)
				memvfs_fail(b.p->site.vfs,
					    MEMVFS_WRITE | MEMVFS_SYNC | MEMVFS_TRUNCATE, nth,
					    true);
			for (int i = 0; i < 30 && rc == SOU_OK; i++)
				rc = one_transaction(&l);
			cut_while_working += rc != SOU_OK;
			cuts++;
			memvfs_crash(b.p->site.vfs, (uint64_t)seed * 10 + (uint64_t)cut,
				     below(&l, 1001));
			pair_close(&b.p->site);
			memvfs_fail(b.p->site.vfs, 0, 0, false);
			memvfs_power_on(b.p->site.vfs);
			rc = pair_open(&b.p->site);
			CHECK_INT(name, rc, ==, SOU_OK);
			if (rc != SOU_OK)
				break;
			check_life(name, &l);
			CHECK_INT("works on", one_transaction(&l), ==, SOU_OK);
			pair_close(&b.p->site);
		}
		saved += l.saved_count;
	}
	printf("%ld power cuts, %ld in the midst of work, %ld acts acknowledged, 0 missing\n", cuts,
	       cut_while_working, saved);
	CHECK_INT("so many cuts", cuts, >=, wanted);
	CHECK_INT("most cuts come in the midst of work", cut_while_working * 3, >, cuts * 2);
}

static bool one_fault(struct bed_of_power *b, unsigned calls, uint64_t nth, bool forever)
{
	struct life l = {.p = b->p, .random = 77};
	const char *name = test_printf("R21 calls %u, number %llu", calls, (unsigned long long)nth);
	restore(b);
	memvfs_fail(b->p->site.vfs, calls, nth, forever);
	int rc = pair_open(&b->p->site);
	for (int i = 0; i < 6 && rc == SOU_OK; i++)
		rc = one_transaction(&l);
	bool failed = memvfs_failed(b->p->site.vfs);
	CHECK(name, rc == SOU_OK || failed);
	pair_close(&b->p->site);
	memvfs_fail(b->p->site.vfs, 0, 0, false);
	rc = pair_open(&b->p->site);
	CHECK_INT(name, rc, ==, SOU_OK);
	if (rc == SOU_OK)
		check_life(name, &l);
	pair_close(&b->p->site);
	return failed;
}

TEST(store, failing_calls)
{
	static const unsigned kinds[] = {MEMVFS_READ, MEMVFS_WRITE, MEMVFS_SHORT_WRITE,
					 MEMVFS_SYNC, MEMVFS_OPEN,  MEMVFS_TRUNCATE,
					 MEMVFS_FULL};
	uint64_t step = (uint64_t)number("SOU_FAULT_STEP", 7);
	struct bed_of_power b;
	unsigned fails = 0;
	prepare(&b);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (int forever = 0; forever < 2; forever++)
			for (uint64_t nth = 1; one_fault(&b, kinds[k], nth, forever == 1);
			     nth += step)
				fails++;
	CHECK_INT("calls that failed", fails, >=, 20);
}

/* R20: the process dies before the log of a redaction was truncated; the next one does it. */
TEST(power, log_is_truncated_when_opened)
{
	struct pair *p = pair_new();
	size_t bytes = 0;
	struct sou_hash id;
	REQUIRE("begin", soud_replica_begin(p->hub.r) == SOU_OK);
	REQUIRE("act", pair_act(p, &p->hub, &id) == SOU_OK);
	REQUIRE("commit", soud_replica_commit(p->hub.r, NULL) == SOU_OK);
	memvfs_crash(p->hub.vfs, 1, 0);
	pair_close(&p->hub);
	memvfs_power_on(p->hub.vfs);
	REQUIRE("a log", memvfs_bytes(p->hub.vfs, "replica.db-wal", &bytes) != NULL && bytes > 0);
	REQUIRE("opens", pair_open(&p->hub) == SOU_OK);
	(void)memvfs_bytes(p->hub.vfs, "replica.db-wal", &bytes);
	CHECK_INT("R20 nothing stays in the log", bytes, ==, 0);
	pair_close(&p->hub);
}
