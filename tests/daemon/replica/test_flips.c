/* test_flips.c - bits turned in each kind of file of a site (bars.md 3; R6, R12, R20, R22, B14). Of
 * the replica and its log: told when it is opened, or found by the scrub and put right by the hub,
 * or found by verify, or it meant nothing; never another answer that nobody tells of. Of the fence
 * and the keys: never another fence, never another key. SOU_FLIPS: so many of each (100 without).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keys/fence.h"
#include "daemon/keys/keys.h"
#include "daemon/replica/scrub.h"
#include "world.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static long flips_wanted(void)
{
	const char *text = getenv("SOU_FLIPS");
	long n = text != NULL ? strtol(text, NULL, 10) : 100;
	return n > 0 ? n : 100;
}

static void put_file(const char *path, const struct test_bytes *b)
{
	FILE *f = fopen(path, "wb");
	REQUIRE(path, f != NULL && fwrite(b->b, 1, b->n, f) == b->n && fclose(f) == 0);
}

/* A bit somewhere; mostly where something stands. */
static void turn(struct test_bytes *b)
{
	size_t at = below(b->n);
	for (unsigned i = 0; i < 30 && b->b[at] == 0; i++)
		at = below(b->n);
	b->b[at] ^= (uint8_t)(1u << below(8));
}

/* --- Replica and log --- */

struct answer { /* what a person and a peer are told */
	int rc;
	uint8_t hash[32];
};

static void hash_records(struct soud_store *s, uint32_t scope, struct sou_hasher *h, int *rc)
{
	struct sou_record record = {0};
	struct sou_id at;
	const struct sou_id *after = NULL;
	uint16_t kind = 0;
	while ((*rc = soud_store_record_next(s, scope, 0, after, kind, &record)) == SOU_OK) {
		at = record.entity;
		after = &at;
		kind = record.kind;
		sou_hasher_put(h, record.entity.b, sizeof record.entity.b);
		for (uint32_t i = 0; i < record.live_count && *rc == SOU_OK; i++) {
			struct sou_span value;
			*rc = soud_store_value(s, scope, &record.lives[i], &value);
			if (*rc == SOU_OK)
				sou_hasher_put(h, value.p, value.n);
		}
		if (*rc != SOU_OK)
			break;
	}
	if (*rc == SOU_EUNKNOWN)
		*rc = SOU_OK;
	sou_record_fini(&record);
}

static struct answer answer_of(struct node *n)
{
	struct soud_store *s = soud_reader_store(n->reader);
	struct sou_hasher *h = NULL;
	struct sou_view view;
	struct answer a = {SOU_OK, {0}};
	uint32_t scope = 0;
	REQUIRE("hasher", sou_hasher_new(&h) == SOU_OK);
	sou_hasher_begin(h, SOU_DOMAIN_NONE);
	soud_reader_view(n->reader, &view);
	struct sou_digest d = {.scope = n->org_scope};
	a.rc = soud_store_scope_find(s, &n->org_scope, &scope);
	if (a.rc == SOU_OK)
		hash_records(s, scope, h, &a.rc);
	if (a.rc == SOU_OK && !view.digest(view.ctx, &n->org_scope, &d))
		a.rc = SOU_ECORRUPT;
	sou_hasher_put(h, d.state.b, 32);
	sou_hasher_put(h, d.entries.b, 32);
	sou_hasher_put(h, d.authority.b, 32);
	struct sou_hash hash = sou_hasher_end(h);
	memcpy(a.hash, hash.b, 32);
	sou_hasher_free(h);
	return a;
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->rc == b->rc && memcmp(a->hash, b->hash, 32) == 0;
}

struct tally {
	unsigned refused, scrubbed, repaired, verified, fenced, refilled, harmless, silent;
	unsigned differed; /* answered otherwise before anybody looked */
};

/* File, authority, every scope; what it finds is noted. */
static uint64_t scrub_and_note(struct node *n)
{
	struct soud_scrub *s = NULL;
	bool done = false;
	int rc = soud_scrub_new(&s, n->path, NULL, NULL, 7, NULL);
	uint64_t faults = rc != SOU_OK;
	while (rc == SOU_OK && !done)
		rc = soud_scrub_step(s, &done);
	faults += rc != SOU_OK;
	for (unsigned i = 0; s != NULL && i < SOUD_FINDING_KINDS; i++)
		faults += soud_scrub_result(s)->seen.finding_count[i];
	if (faults > 0 && rc == SOU_OK && soud_replica_begin(n->replica) == SOU_OK) {
		rc = soud_replica_scrubbed(n->replica, soud_scrub_result(s));
		if (rc == SOU_OK && !soud_replica_broken(n->replica))
			(void)soud_replica_commit(n->replica, NULL);
		soud_replica_rollback(n->replica);
	}
	soud_scrub_free(s);
	(void)soud_reader_refresh(n->reader);
	return faults;
}

/* What the hub answers to `want`. */
static void fetch(struct node *from, struct node *to)
{
	const struct soud_damage *d = soud_replica_damage(to->replica);
	struct sou_view view;
	struct sou_buf names = {0}, data = {0};
	struct sou_news_answer answer = {0};
	struct sou_heads asked;
	struct sou_id wanted[4];
	struct soud_taken taken = {0};
	struct soud_from f = from_node(from);
	if (d->count == 0 || d->count > 4)
		return;
	for (uint32_t i = 0; i < d->count; i++)
		wanted[i] = sou_hash_half(&d->rows[i].id);
	sou_want_pack(&names, &to->org_scope, wanted, d->count);
	REQUIRE("want", sou_want_unpack(&asked, sou_buf_span(&names)) == SOU_OK);
	soud_reader_view(from->reader, &view);
	int rc = view.entries(view.ctx, &to->org_scope, &asked.names, &data, &answer);
	const struct sou_news news = {.scope = to->org_scope,
				      .flags = answer.flags | SOU_DATA_ANSWER,
				      .raw_bytes = answer.raw_bytes,
				      .data = sou_buf_span(&data)};
	if (rc == SOU_OK && answer.entry_count > 0 && soud_replica_begin(to->replica) == SOU_OK) {
		(void)soud_replica_news(to->replica, &f, &news,
					&taken); /* what it made of it is looked at later */
		if (!soud_replica_broken(to->replica))
			(void)soud_replica_commit(to->replica, NULL);
		soud_replica_rollback(to->replica);
	}
	sou_buf_fini(&names);
	sou_buf_fini(&data);
	(void)soud_reader_refresh(to->reader);
}

static bool verify_tells(struct node *n)
{
	static struct soud_verified v;
	struct sou_err err = {0};
	node_close(n);
	return soud_verify(n->path, NULL, NULL, &v, &err) != SOU_OK;
}

/* One turned bit: from the start of a daemon to what its administrator can know. */
static void one_flip(struct world *w, struct node *site, const struct answer *expected, bool wal,
		     struct tally *t)
{
	if (node_open_rc(site) != SOU_OK) {
		t->refused++;
		return;
	}
	bool fenced = soud_replica_unconfirmed(site->replica) != SOUD_FENCE_AGREES;
	struct answer now = answer_of(site);
	bool differed = now.rc == SOU_OK && !same(&now, expected);
	uint64_t faults = scrub_and_note(site);
	bool listed = soud_replica_damage(site->replica)->count > 0;
	if (listed)
		fetch(&w->hub, site);
	now = answer_of(site);
	bool whole = same(&now, expected) && soud_replica_damage(site->replica)->count == 0;
	bool lost = !whole && faults == 0 && wal &&
		    last_of(site, &site->org_scope) < last_of(&w->hub, &site->org_scope);
	t->differed += differed;
	if (lost && !fenced) { /* a torn log: as it was before, and the hub sends it again */
		level(&w->hub, site);
		now = answer_of(site);
		t->refilled += same(&now, expected);
		CHECK("R6 what a torn log lost comes again", same(&now, expected));
	} else if (fenced && faults == 0) {
		t->fenced++;
	} else if (faults > 0) {
		t->scrubbed++;
		t->repaired += whole;
	} else if (verify_tells(site)) {
		t->verified++;
	} else if (whole && !differed) {
		t->harmless++;
	} else {
		t->silent++;
	}
	node_close(site);
}

static void remove_all(struct node *n)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		(void)remove(test_printf("%s%s", n->path, ends[i]));
}

static struct world *filled(struct node **site)
{
	struct world *w = world_new();
	struct sou_id entity, other;
	*site = world_site(w, "tvac", SOU_ROLE_EDITOR);
	struct sou_hash one = node_item(*site, &entity, "一 例");
	(void)node_edit(*site, &(*site)->org_scope, &entity, &one, 1, "二 例");
	for (unsigned i = 0; i < 8; i++)
		(void)node_item(*site, &other, "段落の文章 例");
	level(&w->hub, *site);
	struct soud_from hub = from_node(&w->hub);
	const struct sou_ack ack = {(*site)->org_scope, last_of(*site, &(*site)->org_scope), 1};
	node_begin(*site);
	REQUIRE("acked", soud_replica_acked((*site)->replica, &hub, &ack) == SOU_OK);
	node_commit(*site, NULL);
	return w;
}

static void all_flips(bool wal)
{
	struct node *site;
	struct world *w = filled(&site);
	struct tally t = {0};
	long wanted = flips_wanted();
	const char *log_path = test_printf("%s-wal", site->path);
	if (!wal) /* all of it in the one file */
		REQUIRE("tidy", soud_replica_tidy(site->replica, false) == SOU_OK);
	struct answer expected = answer_of(site);
	REQUIRE("an answer", expected.rc == SOU_OK);
	struct test_bytes log = {NULL, 0};
	if (wal)
		log = test_read(log_path); /* as a crash would leave it */
	else
		node_close(site);
	struct test_bytes db = test_read(site->path);
	struct fence_memory fence = site->fence;
	node_close(site);
	REQUIRE("bytes", db.n > 4096 && (!wal || log.n > 4096));
	for (long i = 0; i < wanted; i++) {
		struct test_bytes turned = test_copy(wal ? log.b : db.b, wal ? log.n : db.n);
		remove_all(site);
		turn(&turned);
		put_file(site->path, wal ? &db : &turned);
		if (wal)
			put_file(log_path, &turned);
		site->fence = fence;
		one_flip(w, site, &expected, wal, &t);
	}
	printf("%s: %ld bits: %u refused, %u by scrub (%u repaired), %u by verify, %u by the "
	       "fence, "
	       "%u refilled, %u harmless, %u silent; %u answered otherwise before a scrub\n",
	       wal ? "replica.db-wal" : "replica.db", wanted, t.refused, t.scrubbed, t.repaired,
	       t.verified, t.fenced, t.refilled, t.harmless, t.silent, t.differed);
	CHECK_INT("B14 never another answer that nobody tells of", t.silent, ==, 0);
	CHECK_INT("all were tried",
		  t.refused + t.scrubbed + t.verified + t.fenced + t.refilled + t.harmless, ==,
		  wanted);
	CHECK("R22 some are repaired by the hub", wal || wanted < 50 || t.repaired > 0);
}

TEST(flips, replica)
{
	all_flips(false);
}

TEST(flips, write_ahead_log)
{
	all_flips(true);
}

/* Cut at any length: refused, found, or as it was. */
TEST(flips, truncated)
{
	struct node *site;
	struct world *w = filled(&site);
	struct answer expected = answer_of(site);
	struct tally t = {0};
	long wanted = flips_wanted() / 2;
	node_close(site);
	struct test_bytes db = test_read(site->path);
	struct fence_memory fence = site->fence;
	for (long i = 0; i < wanted; i++) {
		struct test_bytes cut = {db.b,
					 i % 2 == 0 ? below(db.n) : below(db.n / 4096) * 4096};
		remove_all(site);
		put_file(site->path, &cut);
		site->fence = fence;
		one_flip(w, site, &expected, false, &t);
	}
	printf("replica.db cut: %ld: %u refused, %u by scrub, %u by verify, %u by the fence, %u "
	       "silent\n",
	       wanted, t.refused, t.scrubbed, t.verified, t.fenced, t.silent);
	CHECK_INT("B14 never another answer that nobody tells of", t.silent, ==, 0);
	CHECK_INT("most are refused", t.refused * 2, >, wanted);
}

/* --- Fence and keys --- */

TEST(flips, fence)
{
	struct soud_fence_file *f = NULL;
	struct soud_fence_io io;
	uint8_t slot[2][SOUD_FENCE_BYTES], got[SOUD_FENCE_BYTES];
	const char *data = test_path("data"), *path = test_printf("%s/fence", test_path("state"));
	unsigned differs = 0;
	REQUIRE("data", mkdir(data, 0700) == 0);
	struct node *site;
	(void)filled(&site);
	node_close(site);
	REQUIRE("fence", soud_fence_file_open(&f, data, test_path("state"), NULL) == SOU_OK);
	soud_fence_file_io(f, &io);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(slot[i], site->fence.slots[i], SOUD_FENCE_BYTES);
		REQUIRE("written", io.write(io.ctx, i, slot[i]) == SOU_OK);
	}
	struct test_bytes whole = test_read(path), db = test_read(site->path);
	unsigned agrees = 0, none = 0, older = 0;
	for (long i = 0; i < flips_wanted(); i++) {
		struct test_bytes turned = test_copy(whole.b, whole.n);
		turn(&turned);
		if (i % 10 == 9)
			turned.n = below(whole.n);
		put_file(path, &turned);
		for (unsigned k = 0; k < 2; k++) {
			REQUIRE("read", io.read(io.ctx, k, got) == SOU_OK);
			differs += memcmp(got, slot[k], sizeof got) != 0;
			memcpy(site->fence.slots[k], got, sizeof got);
		}
		remove_all(site);
		put_file(site->path, &db); /* unconfirmed, it would draw new ids */
		REQUIRE("R12 it opens", node_open_rc(site) == SOU_OK);
		enum soud_fence_state state = soud_replica_unconfirmed(site->replica);
		agrees += state == SOUD_FENCE_AGREES;
		none += state == SOUD_FENCE_NONE;
		older += state == SOUD_FENCE_OLDER || state == SOUD_FENCE_INSTANCE;
		node_close(site);
		memcpy(site->fence.slots, slot, sizeof slot);
	}
	soud_fence_file_close(f);
	printf("fence: %ld: %u slots differ, %u agree by the other slot or all the same, %u none, "
	       "%u older\n",
	       flips_wanted(), differs, agrees, none, older);
	CHECK("R12 a turned bit is no newer fence", older == 0);
	CHECK_INT("all were tried", agrees + none, ==, flips_wanted());
	CHECK("some mattered", differs > 0);
}

TEST(flips, keys)
{
	const char *dir = test_path("keyed");
	struct sou_signer key = {0};
	const struct sou_span pass = {(const uint8_t *)"a passphrase of tests", 21},
			      none = {NULL, 0};
	static const enum soud_key kinds[] = {SOUD_KEY_SITE, SOUD_KEY_TLS, SOUD_KEY_OPERATIONAL};
	unsigned refused = 0, harmless = 0, other = 0;
	REQUIRE("folder", mkdir(dir, 0700) == 0);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct sou_span with = kinds[k] == SOUD_KEY_OPERATIONAL ? pass : none;
		char path[1200];
		REQUIRE("made", soud_key_make(dir, kinds[k], 0, with, NULL, &key, NULL) == SOU_OK);
		const struct sou_hash expected = key.public_key;
		sou_signer_fini(&key);
		REQUIRE("path", soud_key_path(dir, kinds[k], 0, path, sizeof path) == SOU_OK);
		struct test_bytes whole = test_read(path);
		long wanted = kinds[k] == SOUD_KEY_OPERATIONAL ? 4 : flips_wanted() / 2;
		for (long i = 0; i < wanted; i++) {
			struct test_bytes turned = test_copy(whole.b, whole.n);
			turn(&turned);
			if (i % 5 == 4)
				turned.n = below(whole.n);
			REQUIRE("open", chmod(path, 0600) == 0);
			put_file(path, &turned);
			key = (struct sou_signer){0};
			int rc = soud_key_open(dir, kinds[k], 0, with, &key, NULL);
			bool is = rc == SOU_OK && sou_hash_eq(&key.public_key, &expected);
			refused += rc != SOU_OK;
			harmless += is;
			other += rc == SOU_OK && !is;
			if (rc == SOU_OK)
				sou_signer_fini(&key);
		}
	}
	printf("keys: %u refused, %u the same key, %u another key (refused by the replica: EKEY)\n",
	       refused, harmless, other);
	CHECK("R20 damaged keys are refused", refused > 0);
	/* A bit of the secret itself gives another key pair: the replica knows its own. */
	struct node *site;
	(void)filled(&site);
	node_close(site);
	struct sou_signer wrong = site->key;
	wrong.public_key.b[3] ^= 4;
	site->env.site = &wrong;
	CHECK_INT("R20 another key does not open it", node_open_rc(site), ==, SOU_EKEY);
	site->env.site = &site->key;
}
