/* test_replica_oom.c - want of memory at each allocation of a replica that takes in, acts, redacts
 * and tidies: an error that says so, the transaction gone, memory as the store has it; and the same
 * with each allocation of SQLite and each call of the disk (R6, R17, R21). SOU_FAULT_STEP: each
 * so-manieth (2 without, for SQLite 97, for the disk 5). */
#include <sqlite3.h>

#include "proto/schema.h"
#include "tests/daemon/replica/pair.h"
#include "tests/lib/fault.h"

/* --- SQLite's allocator --- */

static sqlite3_mem_methods real;
static bool of_sqlite; /* its calls count too */

static bool sqlite_tick(void)
{
	return of_sqlite && fault_tick();
}

static void *sqlite_malloc(int n)
{
	return sqlite_tick() ? NULL : real.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
	return sqlite_tick() ? NULL : real.xRealloc(p, n);
}

__attribute__((constructor)) static void take_over(void)
{
	sqlite3_mem_methods ours;
	(void)sqlite3_shutdown();
	(void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
	ours = real;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}

/* --- One life of the site's replica --- */

enum { FRAMES = 3 };
enum step { OPEN, NEWS, ACT, REDACT, NEWS_AFTER, EDIT, DIGEST, TIDY, READ, STEPS };

struct life {
	struct pair *p;
	struct memvfs_image *image;
	struct pair_fence fence;
	struct sou_buf op, sigs; /* of the redaction */
	struct sou_hash acts[2];
	uint64_t acted;
};

static int act(struct life *l, const char *text, const struct sou_hash *replaced)
{
	struct soud_replica *r = l->p->site.r;
	struct sou_id live = {{0}}, entity = {{7, 7, 7}};
	struct sou_buf value = {0};
	struct sou_err err = {0};
	if (replaced != NULL)
		live = sou_hash_half(replaced);
	sou_mp_put_str(&value, text, strlen(text));
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .entity = entity,
				  .replaces = &live,
				  .replace_count = replaced != NULL,
				  .value = sou_buf_span(&value)};
	struct soud_act one = {.scope = l->p->scope,
			       .for_org = l->p->org,
			       .by = {(const uint8_t *)"x", 1},
			       .ops = &op,
			       .op_count = 1};
	int rc = value.failed ? SOU_ENOMEM
			      : soud_replica_act(r, &one, 1, &l->acts[replaced != NULL], &err);
	sou_buf_fini(&value);
	return rc;
}

static int news(struct life *l, uint32_t frame)
{
	struct soud_taken taken;
	return soud_replica_news(l->p->site.r, &l->p->from, &l->p->frames[frame].news, &taken);
}

static int read_all(struct life *l)
{
	struct soud_reader *v = NULL;
	struct soud_replica_options options = {.vfs = l->p->site.name};
	struct sou_err err = {0};
	struct sou_view view;
	struct sou_buf buf = {0};
	struct sou_news_answer answer;
	struct sou_digest d;
	int rc = soud_reader_open(&v, "replica.db", &options, &err);
	if (rc != SOU_OK)
		return rc;
	soud_reader_view(v, &view);
	const struct sou_news_query q = {
		.scope = l->p->scope, .bytes_max = 4000, .peer_site = {{9}}};
	rc = view.news(view.ctx, &q, &buf, &answer);
	if (rc == SOU_OK && !view.digest(view.ctx, &l->p->scope, &d))
		rc = SOU_ESTORE; /* it says no more */
	if (rc == SOU_OK)
		rc = soud_reader_refresh(v);
	sou_buf_fini(&buf);
	soud_reader_close(v);
	return rc;
}

static int in_transaction(struct life *l, enum step step)
{
	struct soud_replica *r = l->p->site.r;
	struct sou_err err = {0};
	struct sou_digest d;
	int rc = SOU_OK;
	if (step == NEWS)
		rc = news(l, 0);
	else if (step == NEWS_AFTER)
		for (uint32_t i = 1; i < FRAMES && rc == SOU_OK; i++)
			rc = news(l, i);
	else if (step == ACT)
		rc = act(l, "first", NULL);
	else if (step == EDIT)
		rc = act(l, "second", &l->acts[0]);
	else if (step == REDACT)
		rc = soud_replica_add_op(r, sou_buf_span(&l->op), sou_buf_span(&l->sigs), &err);
	else
		rc = soud_replica_digest(r, &l->p->scope, &d);
	return rc;
}

static int one_step(struct life *l, enum step step)
{
	struct soud_committed done;
	if (step == OPEN)
		return pair_open(&l->p->site);
	struct soud_replica *r = l->p->site.r;
	if (step == READ)
		return read_all(l);
	if (step == TIDY)
		return soud_replica_tidy(r, true);
	int rc = soud_replica_begin(r);
	if (rc != SOU_OK)
		return rc;
	rc = in_transaction(l, step);
	if (rc == SOU_OK)
		rc = soud_replica_commit(r, &done);
	else
		soud_replica_rollback(r);
	if (rc == SOU_OK && (step == ACT || step == EDIT))
		l->acted++;
	return rc;
}

/* Memory, log and what is derived say the same; all that was acknowledged is there. */
static void check_whole(const char *name, struct life *l, bool maybe)
{
	struct sou_digest before, after;
	struct sou_hash dump, rebuilt;
	uint64_t foreign = 0;
	for (uint32_t i = 0; i < FRAMES; i++)
		foreign += l->p->frames[i].entries;
	CHECK_INT(name, soud_replica_digest(l->p->site.r, &l->p->scope, &before), ==, SOU_OK);
	pair_close(&l->p->site);
	REQUIRE(name, pair_open(&l->p->site) == SOU_OK);
	struct soud_replica *r = l->p->site.r;
	struct soud_store *s = soud_replica_store(r);
	CHECK_INT(name, soud_replica_digest(r, &l->p->scope, &after), ==, SOU_OK);
	uint64_t own = soud_replica_signed_count(r);
	CHECK("R6 own entries", own == 2 || (maybe && own == 3));
	CHECK_U64("R6 all is there", after.upto, ==, foreign + own);
	CHECK_U64(name, before.upto, ==, after.upto);
	CHECK_MEM(name, before.entries.b, 32, after.entries.b, 32);
	CHECK_MEM(name, before.state.b, 32, after.state.b, 32);
	CHECK_MEM(name, before.authority.b, 32, after.authority.b, 32);
	CHECK_INT("R12 the fence agrees", soud_replica_unconfirmed(r), ==, SOUD_FENCE_AGREES);
	CHECK_INT(name, soud_store_dump_hash(s, &dump), ==, SOU_OK);
	REQUIRE(name, soud_store_begin(s) == SOU_OK);
	CHECK_INT(name, soud_store_rebuild(s, soud_replica_authority(r)), ==, SOU_OK);
	CHECK_INT(name, soud_store_dump_hash(s, &rebuilt), ==, SOU_OK);
	soud_store_rollback(s);
	CHECK_MEM("R9 derived is what the log says", rebuilt.b, 32, dump.b, 32);
}

static void restore(struct life *l)
{
	pair_close(&l->p->site);
	memvfs_crash(l->p->site.vfs, 1, 0);
	memvfs_restore(l->p->site.vfs, l->image);
	memvfs_power_on(l->p->site.vfs);
	l->p->site.fence = l->fence;
	l->acted = 0;
}

enum { OUR, SQLITES, DISKS };

struct fault {
	int of;         /* OUR, ... */
	unsigned calls; /* of the disk */
	long nth;
	bool for_ever;
};

static void arm(struct life *l, const struct fault *f)
{
	of_sqlite = f->of == SQLITES;
	if (f->of == DISKS)
		memvfs_fail(l->p->site.vfs, f->calls, (uint64_t)f->nth, f->for_ever);
	else
		fault_arm(f->nth, f->for_ever);
}

static bool disarm(struct life *l, const struct fault *f)
{
	of_sqlite = false;
	if (f->of != DISKS)
		return fault_disarm() > 0;
	bool failed = memvfs_failed(l->p->site.vfs);
	memvfs_fail(l->p->site.vfs, 0, 0, false);
	return failed;
}

static bool may_say(const struct fault *f, int rc)
{
	if (rc == SOU_EFULL) /* also: the memory disk could not grow */
		return f->of != DISKS || f->calls == MEMVFS_FULL;
	return rc == SOU_ESTORE || (f->of == DISKS ? rc == SOU_EUNKNOWN : rc == SOU_ENOMEM);
}

/* Did a call fail? The step that it hit is done again, by the same replica unless it is broken. */
static bool one_fault(struct life *l, const struct fault *f)
{
	static const char *const whose[] = {"our allocation", "SQLite's allocation", "call"};
	const char *name = test_printf("R17 %s %u/%ld%s", whose[f->of], f->calls, f->nth,
				       f->for_ever ? " and all after it" : "");
	bool failed = false;
	restore(l);
	arm(l, f);
	for (enum step step = OPEN; step < STEPS; step++) {
		int rc = one_step(l, step);
		if (rc == SOU_OK)
			continue;
		failed = disarm(l, f);
		CHECK(name, failed);
		CHECK(test_printf("%s: step %d says %d", name, step, rc), may_say(f, rc));
		struct soud_replica *r = l->p->site.r;
		if (r != NULL && soud_replica_broken(r))
			pair_close(&l->p->site);
		if (l->p->site.r == NULL && step != OPEN)
			REQUIRE(name, pair_open(&l->p->site) == SOU_OK);
		rc = one_step(l, step);
		CHECK_INT(test_printf("%s: step %d again", name, step), rc, ==, SOU_OK);
		if (rc != SOU_OK)
			return failed;
	}
	failed = disarm(l, f) || failed; /* one of which nobody needs to hear */
	/* A sync that failed after all was written: the step may have been done. */
	check_whole(name, l, f->of == DISKS);
	return failed;
}

static void end_life(void *arg)
{
	struct life *l = arg;
	memvfs_image_free(l->image);
	sou_buf_fini(&l->op);
	sou_buf_fini(&l->sigs);
}

/* The hub redacts a text of its first entry, after the frames were made. */
static void redact(struct life *l)
{
	struct soud_replica *hub = l->p->hub.r;
	struct soud_row row;
	struct sou_err err = {0};
	struct soud_committed done;
	uint32_t number;
	struct soud_store *s = soud_replica_store(hub);
	REQUIRE("scope", soud_store_scope_find(s, &l->p->scope, &number) == SOU_OK);
	REQUIRE("entry", soud_store_log_get(s, number, 1, &row) == SOU_OK);
	const uint16_t index = 1;
	const struct sou_hash id = row.id;
	const struct sou_effect e = {.type = SOU_EFFECT_REDACT,
				     .number = 1,
				     .ids = &id,
				     .id_count = 1,
				     .indexes = &index};
	REQUIRE("begin", soud_replica_begin(hub) == SOU_OK);
	REQUIRE("redact", soud_hub_sign_op(hub, &l->p->operational, &e, 1, NULL, &err) == SOU_OK);
	REQUIRE("commit", soud_replica_commit(hub, &done) == SOU_OK);
	const struct sou_authority *a = soud_replica_authority(hub);
	struct sou_hash op_id, prev;
	struct sou_span op, sigs;
	sou_authority_op(a, sou_authority_op_count(a) - 1, &op_id, &prev, &op, &sigs);
	sou_buf_put(&l->op, op.p, op.n);
	sou_buf_put(&l->sigs, sigs.p, sigs.n);
}

static struct life *life_new(void)
{
	struct life *l = test_alloc(sizeof *l);
	memset(l, 0, sizeof *l);
	l->p = pair_new();
	pair_hub_writes(l->p, 12, 700);
	REQUIRE("frames", l->p->frame_count >= FRAMES);
	redact(l);
	l->image = memvfs_image(l->p->site.vfs);
	l->fence = l->p->site.fence;
	test_at_end(end_life, l);
	return l;
}

/* How many places there are, as far as each step-th tells. */
static long all_faults(struct life *l, struct fault f, long step)
{
	const char *given = getenv("SOU_FAULT_STEP");
	long failed = 0;
	if (given != NULL)
		step = strtol(given, NULL, 10);
	REQUIRE("SOU_FAULT_STEP is a number from 1", step >= 1);
	for (int for_ever = 0; for_ever < 2; for_ever++) {
		f.for_ever = for_ever == 1;
		for (f.nth = 1; one_fault(l, &f); f.nth += step)
			failed++;
	}
	return failed * step;
}

TEST(oom, replica)
{
	CHECK_INT("places that ask for memory",
		  all_faults(life_new(), (struct fault){.of = OUR}, 2), >, 300);
}

TEST(oom, replica_sqlite)
{
	CHECK_INT("places that ask for memory",
		  all_faults(life_new(), (struct fault){.of = SQLITES}, 97), >, 5000);
}

TEST(oom, replica_disk)
{
	static const unsigned kinds[] = {MEMVFS_READ, MEMVFS_WRITE, MEMVFS_SHORT_WRITE,
					 MEMVFS_SYNC, MEMVFS_OPEN,  MEMVFS_TRUNCATE,
					 MEMVFS_FULL};
	struct life *l = life_new();
	long failed = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		failed += all_faults(l, (struct fault){.of = DISKS, .calls = kinds[i]}, 5);
	CHECK_INT("calls of the disk", failed, >, 500);
}

/* P13.15: a reader that could not begin anew sees nothing of what the writer may not have fenced.
 */
TEST(oom, reader_that_cannot_refresh)
{
	struct life *l = life_new();
	struct soud_reader *v = NULL;
	struct soud_replica_options options = {.vfs = l->p->site.name};
	struct sou_err err = {0};
	struct sou_view view;
	struct sou_buf buf = {0};
	struct sou_news_answer answer;
	struct sou_view_scope at;
	long failed = 0;
	restore(l);
	REQUIRE("opens", one_step(l, OPEN) == SOU_OK && one_step(l, ACT) == SOU_OK);
	REQUIRE("reader", soud_reader_open(&v, "replica.db", &options, &err) == SOU_OK);
	soud_reader_view(v, &view);
	REQUIRE("edits", one_step(l, EDIT) == SOU_OK);
	const struct sou_news_query q = {
		.scope = l->p->scope, .bytes_max = 4000, .peer_site = {{9}}, .after = 1};
	for (long nth = 1; nth < 2000; nth++) {
		of_sqlite = true;
		fault_arm(nth, false);
		int rc = soud_reader_refresh(v);
		long fails = fault_disarm();
		of_sqlite = false;
		if (rc == SOU_OK && fails == 0)
			break;
		failed += rc != SOU_OK;
		if (rc == SOU_OK || soud_store_in_transaction(soud_reader_store(v)))
			continue;
		CHECK_INT("news", view.news(view.ctx, &q, &buf, &answer), ==, SOU_OK);
		CHECK_U64("P13.15 none", answer.upto, ==, 1);
		CHECK("P13.15 no scope", !view.scope_at(view.ctx, 0, &at) || at.last == 0);
	}
	CHECK_INT("some fail", failed, >, 0);
	CHECK_INT("news", view.news(view.ctx, &q, &buf, &answer), ==, SOU_OK);
	CHECK_U64("and goes on", answer.upto, ==, 2);
	sou_buf_fini(&buf);
	soud_reader_close(v);
}
