/* test_calls.c - each so-manieth call of the system fails, once and for ever, under everything that
 * writes: init, make (of a join), act, sync, a hub's op, redact, migrate (bars.md 3; R6, R12, R21).
 * No crash; what was said to be done is there; after the fault it opens, is whole, and the same can
 * be done. SOU_FAULT_STEP: each so-manieth call (7 without). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/core.h"
#include "daemon/keys/fence.h"
#include "daemon/replica/verify.h"
#include "world.h"

/* --- In place of libc's, for all of this program and for SQLite --- */

enum call { READS, WRITES, SHORTS, FULLS, SYNCS, TRUNCATES, OPENS, NAMES, LOCKS, CALLS };
static const char *const call_names[CALLS] = {"read",   "write",        "short write",
					      "ENOSPC", "fsync",        "truncate",
					      "open",   "rename, link", "busy lock"};
static struct {
	enum call kind;
	long left; /* 0: nothing is armed */
	bool for_ever;
	long failed;
	const char *under; /* only files of this folder */
} fault;

static bool ours(const char *path)
{
	return fault.under != NULL && strncmp(path, fault.under, strlen(fault.under)) == 0;
}

static bool fd_ours(int fd)
{
	char path[64], name[PATH_MAX];
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, name, sizeof name - 1);
	if (n <= 0)
		return false;
	name[n] = '\0';
	return ours(name);
}

static bool fails(enum call kind, bool mine)
{
	if (fault.left == 0 || fault.kind != kind || !mine || (fault.failed > 0 && !fault.for_ever))
		return false;
	if (fault.failed == 0 && --fault.left > 0)
		return false;
	fault.left = 1;
	fault.failed++;
	return true;
}

static ssize_t fail_with(int error)
{
	errno = error;
	return -1;
}

static bool armed(enum call kind)
{
	return fault.left > 0 && fault.kind == kind;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (armed(OPENS) && fails(OPENS, ours(path)))
		return (int)fail_with(EIO);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open(path, flags, mode);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	if (armed(READS) && fails(READS, fd_ours(fd)))
		return fail_with(EIO);
	return syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

ssize_t read(int fd, void *p, size_t n)
{
	if (armed(READS) && fails(READS, fd_ours(fd)))
		return fail_with(EIO);
	return syscall(SYS_read, fd, p, n);
}

/* *n: how much of it is written after all. */
static bool write_fails(int fd, size_t *n, int *error)
{
	static const enum call kinds[] = {WRITES, SHORTS, FULLS};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!armed(kinds[i]) || !fails(kinds[i], fd_ours(fd)))
			continue;
		*error = kinds[i] == FULLS ? ENOSPC : EIO;
		*n = kinds[i] == SHORTS ? *n / 2 : 0;
		return true;
	}
	return false;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	size_t part = n;
	int error;
	if (write_fails(fd, &part, &error)) {
		if (part > 0)
			(void)syscall(SYS_pwrite64, fd, p, part, at);
		return fail_with(error);
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
	size_t part = n;
	int error;
	if (write_fails(fd, &part, &error)) {
		if (part > 0)
			(void)syscall(SYS_write, fd, p, part);
		return fail_with(error);
	}
	return syscall(SYS_write, fd, p, n);
}

int fsync(int fd)
{
	if (armed(SYNCS) && fails(SYNCS, fd_ours(fd)))
		return (int)fail_with(EIO);
	return 0; /* nothing crashes here: the disk is not waited for */
}

int fdatasync(int fd)
{
	if (armed(SYNCS) && fails(SYNCS, fd_ours(fd)))
		return (int)fail_with(EIO);
	return 0;
}

int ftruncate(int fd, off_t n)
{
	if (armed(TRUNCATES) && fails(TRUNCATES, fd_ours(fd)))
		return (int)fail_with(EIO);
	return (int)syscall(SYS_ftruncate, fd, n);
}

int ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

int rename(const char *from, const char *to)
{
	if (armed(NAMES) && fails(NAMES, ours(to)))
		return (int)fail_with(EIO);
	return (int)syscall(SYS_rename, from, to);
}

int link(const char *from, const char *to)
{
	if (armed(NAMES) && fails(NAMES, ours(to)))
		return (int)fail_with(EIO);
	return (int)syscall(SYS_link, from, to);
}

static int control(int fd, int command, void *arg)
{
	bool lock = command == F_SETLK || command == F_OFD_SETLK;
	if (lock && armed(LOCKS) && ((struct flock *)arg)->l_type != F_UNLCK &&
	    fails(LOCKS, fd_ours(fd)))
		return (int)fail_with(EAGAIN);
	return (int)syscall(SYS_fcntl, fd, command, arg);
}

int fcntl(int fd, int command, ...)
{
	va_list args;
	va_start(args, command);
	void *arg = va_arg(args, void *);
	va_end(args);
	return control(fd, command, arg);
}

int fcntl64(int fd, int command, ...)
{
	va_list args;
	va_start(args, command);
	void *arg = va_arg(args, void *);
	va_end(args);
	return control(fd, command, arg);
}

/* --- What is done --- */

struct bed {
	struct world *w;
	struct node *site;
	const char *dir; /* of site and hub: test_dir() */
	struct test_bytes site_db, hub_db, old_db;
	struct fence_memory site_fence, hub_fence;
	struct sou_buf news_data, op, sigs;
	struct sou_news news;
	struct soud_from hub;
	unsigned inits;
	const char *init_dir;
};

static int in_transaction(struct node *n, int rc)
{
	if (rc == SOU_OK)
		rc = soud_replica_commit(n->replica, NULL);
	else
		soud_replica_rollback(n->replica);
	return rc;
}

static int do_act(struct bed *b)
{
	struct node *n = b->site;
	struct sou_id entity;
	struct sou_buf value = {0};
	int rc = node_open_rc(n);
	if (rc == SOU_OK)
		rc = soud_replica_begin(n->replica);
	if (rc != SOU_OK)
		return rc;
	rc = soud_replica_entity(n->replica, SOU_KIND_ITEM, &entity);
	sou_mp_put_str(&value, "x", 1);
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .entity = entity,
				  .value = sou_buf_span(&value)};
	struct soud_act act = {.scope = n->org_scope,
			       .for_org = n->org,
			       .by = {(const uint8_t *)"x", 1},
			       .ops = &op,
			       .op_count = 1};
	if (rc == SOU_OK)
		rc = soud_replica_act(n->replica, &act, 1, NULL, NULL);
	sou_buf_fini(&value);
	return in_transaction(n, rc);
}

static int do_sync(struct bed *b)
{
	struct soud_taken taken;
	int rc = node_open_rc(b->site);
	if (rc == SOU_OK)
		rc = soud_replica_begin(b->site->replica);
	if (rc != SOU_OK)
		return rc;
	rc = soud_replica_news(b->site->replica, &b->hub, &b->news, &taken);
	return in_transaction(b->site, rc);
}

static int do_redact(struct bed *b)
{
	int rc = node_open_rc(b->site);
	if (rc == SOU_OK)
		rc = soud_replica_begin(b->site->replica);
	if (rc != SOU_OK)
		return rc;
	rc = soud_replica_add_op(b->site->replica, sou_buf_span(&b->op), sou_buf_span(&b->sigs),
				 NULL);
	rc = in_transaction(b->site, rc);
	if (rc == SOU_OK)
		rc = soud_reader_refresh(b->site->reader);
	if (rc == SOU_OK)
		rc = soud_replica_tidy(b->site->replica, true);
	return rc == SOU_EBUSY ? SOU_OK : rc; /* the log is truncated when the next one opens it */
}

static int do_op(struct bed *b)
{
	struct node *hub = &b->w->hub;
	const struct sou_effect e = {.type = SOU_EFFECT_ORG,
				     .org = b->w->hq,
				     .has_org = true,
				     .number = 4,
				     .handle = text("new"),
				     .name = text("社協 例"),
				     .short_name = text("社協")};
	int rc = node_open_rc(hub);
	if (rc == SOU_OK)
		rc = soud_replica_begin(hub->replica);
	if (rc != SOU_OK)
		return rc;
	struct sou_err err = {0};
	rc = soud_hub_sign_op(hub->replica, &b->w->operational, &e, 1, NULL, &err);
	return in_transaction(hub, rc);
}

static int do_open(struct bed *b)
{
	return node_open_rc(b->site);
}

static int do_make(struct bed *b)
{
	const struct soud_replica_seed seed = {.net = b->w->net,
					       .site = b->site->site,
					       .genesis = b->w->genesis,
					       .site_key = b->site->key.public_key};
	int rc = soud_replica_make(b->site->path, &b->site->env, &b->site->options, &seed, NULL);
	return rc == SOU_OK || rc == SOU_EEXIST ? node_open_rc(b->site) : rc;
}

static int do_init(struct bed *b)
{
	struct soud_replica_env env;
	const struct sou_span name = {(const uint8_t *)"hub", 3};
	soud_core_env(&env);
	b->init_dir = test_printf("%s/init-%u", b->dir, ++b->inits);
	const struct soud_init init = {.data_dir = b->init_dir,
				       .handle = name,
				       .name = name,
				       .short_name = name,
				       .site_name = name,
				       .passphrase = {(const uint8_t *)"passphrase", 10}};
	return soud_hub_init(&init, &env, NULL, NULL);
}

/* --- Before and after --- */

static void put_file(const char *path, const struct test_bytes *b)
{
	FILE *f = fopen(path, "wb");
	REQUIRE(path, f != NULL && fwrite(b->b, 1, b->n, f) == b->n && fclose(f) == 0);
}

static void remove_all(struct node *n)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".new", "-before-2", "-before-3"};
	node_close(n);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		(void)remove(test_printf("%s%s", n->path, ends[i]));
}

enum start { FILLED, OLD, NOTHING };

static void restore(struct bed *b, enum start start)
{
	remove_all(b->site);
	remove_all(&b->w->hub);
	put_file(b->w->hub.path, &b->hub_db);
	if (start != NOTHING)
		put_file(b->site->path, start == OLD ? &b->old_db : &b->site_db);
	b->site->fence = b->site_fence;
	b->w->hub.fence = b->hub_fence;
	if (start == NOTHING)
		b->site->fence = (struct fence_memory){.there = false};
}

struct state { /* what there is */
	uint64_t own, last, ops;
};

static struct state state_of(struct node *n)
{
	struct state s = {soud_replica_signed_count(n->replica), 0, 0};
	uint32_t number;
	struct soud_store *store = soud_replica_store(n->replica);
	if (soud_store_scope_find(store, &n->org_scope, &number) == SOU_OK)
		(void)soud_store_scope_last(store, number, &s.last);
	(void)soud_store_op_last(store, &s.ops);
	return s;
}

static bool is_within(const struct state *s, const struct state *low, const struct state *high)
{
	return s->own >= low->own && s->own <= high->own && s->last >= low->last &&
	       s->last <= high->last && s->ops >= low->ops && s->ops <= high->ops;
}

struct deed {
	const char *name;
	int (*run)(struct bed *b);
	enum start start;
	bool at_hub;
	struct state before, after;
	int again; /* what doing it twice says */
};

static bool may_say(int rc)
{
	return rc == SOU_ESTORE || rc == SOU_EFULL || rc == SOU_ECORRUPT || rc == SOU_EIO ||
	       rc == SOU_ENOMEM || rc == SOU_EBUSY || rc == SOU_EUNKNOWN || rc == SOU_EEXIST ||
	       rc == SOU_EKEY || rc == SOU_ESTATE || rc == SOU_ECRYPTO;
}

static void arm(enum call kind, long nth, bool for_ever)
{
	fault.failed = 0;
	fault.kind = kind;
	fault.for_ever = for_ever;
	fault.left = nth;
}

static bool disarm(void)
{
	fault.left = 0;
	return fault.failed > 0;
}

static bool one_call(struct bed *b, const struct deed *d, enum call kind, long nth, bool for_ever)
{
	const char *name = test_printf("R21 %s: %s %ld%s", d->name, call_names[kind], nth,
				       for_ever ? " and all after it" : "");
	struct node *n = d->at_hub ? &b->w->hub : b->site;
	restore(b, d->start);
	arm(kind, nth, for_ever);
	int rc = d->run(b);
	node_close(n);
	bool failed = disarm();
	CHECK(name, rc == SOU_OK || (failed && may_say(rc)));
	if (d->start == NOTHING && rc != SOU_OK) /* a person runs join again */
		CHECK_INT(test_printf("%s, again", name), d->run(b), ==, SOU_OK);
	else
		CHECK_INT(test_printf("%s, reopened", name), node_open_rc(n), ==, SOU_OK);
	if (!n->open)
		return failed;
	struct state now = state_of(n);
	CHECK(test_printf("%s: nothing acknowledged is missing", name),
	      is_within(&now, rc == SOU_OK ? &d->after : &d->before, &d->after));
	CHECK_INT(test_printf("R12 %s", name), soud_replica_unconfirmed(n->replica), ==,
		  SOUD_FENCE_AGREES);
	CHECK_INT(name, soud_store_check(soud_replica_store(n->replica), true), ==, SOU_OK);
	node_close(n);
	if (now.own + now.last + now.ops < d->after.own + d->after.last + d->after.ops) {
		CHECK_INT(test_printf("%s, done again", name), d->run(b), ==, SOU_OK);
		node_close(n);
	}
	return failed;
}

static long step_wanted(void)
{
	const char *given = getenv("SOU_FAULT_STEP");
	long step = given != NULL ? strtol(given, NULL, 10) : 7;
	REQUIRE("SOU_FAULT_STEP is a number from 1", step >= 1);
	return step;
}

static void end_bed(void *arg)
{
	struct bed *b = arg;
	sou_buf_fini(&b->news_data);
	sou_buf_fini(&b->op);
	sou_buf_fini(&b->sigs);
	fault.under = NULL;
}

static void prepare(struct bed *b)
{
	struct sou_id entity;
	*b = (struct bed){.w = world_new(), .dir = test_dir()};
	test_at_end(end_bed, b);
	b->site = world_site(b->w, "tvac", SOU_ROLE_EDITOR);
	struct node *two = world_join(b->w, "two", &b->site->org, SOU_ROLE_EDITOR);
	feed_authority(&b->w->hub, two);
	feed_authority(&b->w->hub, b->site);
	struct sou_hash first = node_item(b->site, &entity, "一 例");
	(void)node_item(b->site, &entity, "二 例");
	level(&b->w->hub, b->site);
	level(&b->w->hub, two);
	(void)node_item(two, &entity, "三 例");
	level(&b->w->hub, two);
	b->news = ask(&b->w->hub, b->site, &b->site->org_scope,
		      last_of(&b->w->hub, &b->site->org_scope) - 1, &b->news_data);
	b->hub = from_node(&b->w->hub);
	node_close(two);
	node_close(b->site);
	node_close(&b->w->hub);
	b->site_db = test_read(b->site->path);
	b->hub_db = test_read(b->w->hub.path);
	b->site_fence = b->site->fence;
	b->hub_fence = b->w->hub.fence;
	node_open(&b->w->hub); /* an op that redacts, for the site alone */
	const uint16_t index = 1;
	const struct sou_effect e = {.type = SOU_EFFECT_REDACT,
				     .number = 1,
				     .ids = &first,
				     .id_count = 1,
				     .indexes = &index};
	world_op(b->w, &e, 1, NULL);
	const struct sou_authority *a = soud_replica_authority(b->w->hub.replica);
	struct sou_hash id, prev;
	struct sou_span op, sigs;
	sou_authority_op(a, sou_authority_op_count(a) - 1, &id, &prev, &op, &sigs);
	sou_buf_put(&b->op, op.p, op.n);
	sou_buf_put(&b->sigs, sigs.p, sigs.n);
	restore(b, FILLED);
	sqlite3 *db = NULL; /* of schema 1 */
	REQUIRE("raw", sqlite3_open(b->site->path, &db) == SQLITE_OK);
	CHECK_INT("older",
		  sqlite3_exec(db,
			       "DROP INDEX record_marked; CREATE INDEX record_marked ON record "
			       "(state) WHERE state > 3; DROP INDEX log_held; DROP INDEX log_own;"
			       "PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)",
			       NULL, NULL, NULL),
		  ==, SQLITE_OK);
	REQUIRE("raw", sqlite3_close(db) == SQLITE_OK);
	b->old_db = test_read(b->site->path);
	fault.under = b->dir;
}

/* Without a fault: what it changes. */
static void measure(struct bed *b, struct deed *d)
{
	struct node *n = d->at_hub ? &b->w->hub : b->site;
	restore(b, d->start);
	if (d->start == FILLED) {
		node_open(n);
		d->before = state_of(n);
		node_close(n);
	}
	CHECK_INT(d->name, d->run(b), ==, SOU_OK);
	REQUIRE(d->name, n->open);
	d->after = state_of(n);
	if (d->start == OLD)
		d->before = d->after;
	node_close(n);
}

TEST(calls, every_deed_that_writes)
{
	struct deed deeds[] = {
		{.name = "act", .run = do_act},
		{.name = "sync", .run = do_sync},
		{.name = "hub op", .run = do_op, .at_hub = true},
		{.name = "redact", .run = do_redact},
		{.name = "migrate", .run = do_open, .start = OLD},
		{.name = "make", .run = do_make, .start = NOTHING},
	};
	static struct bed b;
	long step = step_wanted(), total = 0;
	prepare(&b);
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
		long failed = 0;
		measure(&b, &deeds[i]);
		for (int kind = 0; kind < CALLS; kind++)
			/* A lock that is never free is waited for, two seconds each time. */
			for (int ever = 0; ever < (kind == LOCKS ? 1 : 2); ever++)
				for (long nth = 1;
				     nth < 100000 &&
				     one_call(&b, &deeds[i], (enum call)kind, nth, ever == 1);
				     nth += step)
					failed++;
		printf("%s: %ld calls failed (each %ld. of them)\n", deeds[i].name, failed, step);
		CHECK(deeds[i].name, failed >= 18 / step);
		total += failed;
	}
	CHECK_INT("calls that failed", total * step, >, 400);
}

/* Keys and passphrases take time: fewer of them. What it made is whole, or it says so. */
TEST(calls, init)
{
	static struct bed b;
	long step = step_wanted() * 3, failed = 0, done = 0;
	long tries = step_wanted() == 1 ? 1000 : 2; /* of each kind; the quick tier is quick */
	b = (struct bed){.dir = test_dir()};
	fault.under = b.dir;
	for (int kind = 0; kind < CALLS; kind++) {
		for (long nth = 1 + kind % 3, n = 0; n < tries; nth += step, n++) {
			arm((enum call)kind, nth, nth % 2 == 0);
			int rc = do_init(&b);
			bool hit = disarm();
			const char *name = test_printf("R21 init: %s %ld", call_names[kind], nth);
			CHECK(name, rc == SOU_OK || (hit && may_say(rc)));
			failed += hit;
			done += rc == SOU_OK;
			struct soud_verified v;
			if (rc == SOU_OK)
				CHECK_INT(test_printf("%s: said to be made", name),
					  soud_verify(test_printf("%s/replica.db", b.init_dir),
						      NULL, NULL, &v, NULL),
					  ==, SOU_OK);
			if (!hit)
				break;
		}
	}
	fault.under = NULL;
	printf("init: %ld calls failed, %ld done all the same\n", failed, done);
	CHECK_INT("calls that failed", failed, >=, 8);
}
