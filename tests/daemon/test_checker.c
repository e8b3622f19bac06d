/* What is done for the writer on other threads: order, what comes of a frame, and that the writer
 * does the rest (P11.8 - P11.11, P9.4, P13.6). */
#include "daemon/checker.h"

#include "tests/daemon/replica/world.h"

#define JOBS 6u

static unsigned verified; /* by the replica itself */

static int counting(void *ctx, const struct sou_hash *public_key, const uint8_t *message, size_t n,
		    const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)ctx;
	verified++;
	return sou_verifier_ed25519.verify(sou_verifier_ed25519.ctx, public_key, message, n,
					   signature);
}
static const struct sou_verifier counted = {counting, NULL};

struct bed {
	struct world *w;
	struct node *site;
	uv_loop_t loop;
	struct soud_checker *checker;
	const struct sou_authority *authority;
	bool idle;
	struct soud_job *came[JOBS];
	size_t count;
};

struct item {
	struct soud_job job;
	struct soud_check check;
};

static void post(void *data, struct soud_job *job)
{
	struct bed *b = data;
	REQUIRE("room", b->count < JOBS);
	b->came[b->count++] = job;
}

static bool is_idle(void *data)
{
	return ((struct bed *)data)->idle;
}

static const struct sou_authority *authority(void *data)
{
	return ((struct bed *)data)->authority;
}

static struct bed *bed_new(void)
{
	struct bed *b = test_alloc(sizeof *b);
	*b = (struct bed){0};
	b->w = world_new();
	b->site = world_site(b->w, "tvac", SOU_ROLE_EDITOR);
	node_close(&b->w->hub);
	b->w->hub.env.verifier = &counted;
	node_open(&b->w->hub);
	b->authority = soud_replica_authority(b->w->hub.replica);
	const struct soud_checker_use use = {.data = b,
					     .post = post,
					     .idle = is_idle,
					     .authority = authority,
					     .verifier = &sou_verifier_ed25519,
					     .every_signature = true};
	REQUIRE("loop", uv_loop_init(&b->loop) == 0);
	REQUIRE("memory", soud_checker_new(&b->checker, &b->loop, &use) == SOU_OK);
	verified = 0;
	return b;
}

static void bed_end(struct bed *b)
{
	soud_checker_free(b->checker);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_INT("nothing is left", uv_loop_close(&b->loop), ==, 0);
}

static struct item *item(void)
{
	struct item *i = test_alloc(sizeof *i);
	*i = (struct item){0};
	i->check.job = &i->job;
	return i;
}

static struct item *check_news(struct bed *b, const struct sou_news *news)
{
	struct item *i = item();
	soud_checker_news(b->checker, &i->check, &b->w->net, news);
	return i;
}

static int ingest(struct bed *b, struct item *i, struct soud_taken *taken)
{
	struct soud_from from = from_node(b->site);
	const struct sou_news *news = &i->check.news;
	REQUIRE("read", i->check.intake != NULL);
	node_begin(&b->w->hub);
	int rc = soud_replica_ingest(b->w->hub.replica, &from, i->check.intake, news->after,
				     news->upto, false, taken);
	node_commit(&b->w->hub, NULL);
	soud_intake_free(i->check.intake);
	return rc;
}

/* Long frames take two turns of other threads, short ones one, malformed and plain jobs none. */
TEST(checker, order)
{
	struct bed *b = bed_new();
	struct sou_buf large = {0}, small = {0};
	struct sou_id entity;
	struct soud_taken taken;
	node_items(b->site, 300);
	struct sou_news first = ask(b->site, &b->w->hub, &b->site->org_scope, 0, &large);
	(void)node_item(b->site, &entity, "例");
	struct sou_news second = ask(b->site, &b->w->hub, &b->site->org_scope, first.upto, &small);
	struct sou_news bad = second;
	bad.data.n--;
	CHECK_U64("large", first.data.n, >, 4096);
	CHECK_U64("small", second.data.n, <=, 4096);
	struct item *i[JOBS];
	i[0] = check_news(b, &first);
	i[1] = item();
	soud_checker_post(b->checker, &i[1]->check);
	i[2] = check_news(b, &second);
	i[3] = check_news(b, &bad);
	i[4] = item();
	soud_checker_post(b->checker, &i[4]->check);
	CHECK_U64("the first holds all back", b->count, ==, 0);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_U64("all came", b->count, ==, 5);
	for (size_t k = 0; k < b->count; k++)
		CHECK("in order", b->came[k] == &i[k]->job);
	CHECK("P11.8 malformed: for the writer", i[3]->check.intake == NULL);
	CHECK("nothing to read", i[4]->check.intake == NULL);
	CHECK_INT("P13.6", ingest(b, i[0], &taken), ==, SOU_OK);
	CHECK_U64("P13.6", taken.fresh, ==, first.upto);
	CHECK_INT("P13.6", ingest(b, i[2], &taken), ==, SOU_OK);
	CHECK_U64("P13.6", taken.fresh, ==, 1);
	CHECK_U64("P11.11 the writer checks no signature again", verified, ==, 0);
	check_level("P13.12", &b->w->hub, b->site, &b->site->org_scope);
	sou_buf_fini(&large);
	sou_buf_fini(&small);
	bed_end(b);
}

TEST(checker, a_small_frame_while_the_writer_waits)
{
	struct bed *b = bed_new();
	struct sou_buf buf = {0};
	struct sou_id entity;
	b->idle = true;
	(void)node_item(b->site, &entity, "例");
	struct sou_news news = ask(b->site, &b->w->hub, &b->site->org_scope, 0, &buf);
	struct item *i = check_news(b, &news);
	CHECK_U64("goes at once", b->count, ==, 1);
	CHECK("and unread", i->check.intake == NULL);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_U64("once", b->count, ==, 1);
	sou_buf_fini(&buf);
	bed_end(b);
}

/* A key that the loop has not yet heard of is no reason to leave an entry unchecked. */
TEST(checker, authority_that_is_behind)
{
	struct bed *b = bed_new();
	struct sou_authority *none;
	struct sou_buf buf = {0};
	struct sou_id entity;
	struct soud_taken taken;
	REQUIRE("memory", sou_authority_new(&none, NULL) == SOU_OK);
	REQUIRE("memory", sou_authority_settle(none) == SOU_OK);
	b->authority = none;
	struct sou_hash id = node_item(b->site, &entity, "例");
	struct sou_news news = ask(b->site, &b->w->hub, &b->site->org_scope, 0, &buf);
	struct item *i = check_news(b, &news);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_INT("P9.4", ingest(b, i, &taken), ==, SOU_OK);
	CHECK_U64("P9.4 the writer checks it", verified, ==, 1);
	CHECK_INT("P9.4", verdict_of(&b->w->hub, &b->site->org_scope, &id), ==, SOU_ACCEPTED);
	sou_authority_free(none);
	sou_buf_fini(&buf);
	bed_end(b);
}

TEST(checker, a_bad_signature_is_refused)
{
	struct bed *b = bed_new();
	struct sou_buf buf = {0};
	struct soud_taken taken;
	node_items(b->site, 2);
	struct sou_news news = ask(b->site, &b->w->hub, &b->site->org_scope, 0, &buf);
	REQUIRE("P11.8 as it is", (news.flags & SOU_DATA_ZSTD) == 0);
	buf.p[news.data.n - 1] ^= 1; /* a batch ends with its last signature */
	struct item *i = check_news(b, &news);
	(void)uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_U64("one job", b->count, ==, 1);
	CHECK_INT("P11.11", ingest(b, i, &taken), ==, SOU_ESIG);
	CHECK_U64("P11.11", taken.bad_signatures, ==, 1);
	CHECK_U64("P11.11 nothing is stored", last_of(&b->w->hub, &b->site->org_scope), ==, 0);
	sou_buf_fini(&buf);
	bed_end(b);
}
