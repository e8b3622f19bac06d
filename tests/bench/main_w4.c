/* main_w4.c - W4: entries taken in, read, checked, merged and durable, in runs and one at a time,
 * by a site (signatures of run ends) and by the hub (every signature). Reports rates; decides
 * nothing.
 *
 *   w4 [ENTRIES] [FOLDER]     10,000 in a new folder under /tmp unless given */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/replica/hub.h"
#include "daemon/replica/reader.h"
#include "proto/batch.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "proto/schema.h"

#define AUTHORS_MAX 62u
#define SCOPES      8u
#define RECORDS     1000u /* written to again and again */

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	struct timespec t;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static double seconds(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int draw(void *ctx, uint8_t *out, size_t n)
{
	uint64_t *rng = ctx;
	for (size_t i = 0; i < n; i++) {
		*rng = *rng * UINT64_C(6364136223846793005) + 1442695040888963407;
		out[i] = (uint8_t)(*rng >> 56);
	}
	return SOU_OK;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "w4: %s\n", what);
	exit(1);
}

struct author {
	struct sou_signer key;
	struct sou_id site, org, scope;
	struct sou_hash opening, prev;
	uint64_t seq, hlc;
};

struct bench {
	uint64_t rng;
	const char *folder;
	struct sou_signer root, operational, checkpoint, hub_key;
	struct sou_id net, hub_site;
	struct sou_hash genesis;
	struct sou_buf series;
	struct author authors[AUTHORS_MAX];
	uint32_t author_count;
	struct sou_hash last[RECORDS]; /* entry that wrote the record last */
	struct sou_buf *news;          /* data of each batch */
	struct sou_news *frames;
	size_t frame_count;
};

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static void key(struct bench *b, struct sou_signer *out)
{
	uint8_t seed[SOU_SEED_BYTES];
	(void)draw(&b->rng, seed, sizeof seed);
	must(sou_signer_ed25519(out, seed) == SOU_OK, "a key");
}

static struct soud_replica *make(struct bench *b, const char *name, const struct sou_id *site,
				 const struct sou_signer *signer, bool hub)
{
	char path[512];
	struct sou_err err = {0};
	struct soud_replica *r = NULL;
	(void)snprintf(path, sizeof path, "%s/%s.db", b->folder, name);
	const struct soud_replica_env env = {.ctx = &b->rng,
					     .wall_ms = wall_ms,
					     .random = draw,
					     .site = signer,
					     .checkpoint = hub ? &b->checkpoint : NULL};
	const struct soud_replica_options options = {.every_signature = hub};
	const struct soud_replica_seed seed = {.net = b->net,
					       .site = *site,
					       .genesis = b->genesis,
					       .site_key = signer->public_key,
					       .hub = hub};
	must(soud_replica_make(path, &env, &options, &seed, &err) == SOU_OK, err.text);
	must(soud_replica_open(&r, path, &env, &options, &err) == SOU_OK, err.text);
	return r;
}

static void found(struct bench *b, struct soud_replica *hub, const struct sou_buf *op,
		  const struct sou_buf *sigs)
{
	must(soud_replica_begin(hub) == SOU_OK, "begin");
	must(soud_replica_add_op(hub, sou_buf_span(op), sou_buf_span(sigs), NULL) == SOU_OK,
	     "genesis");
	struct sou_id hq = sou_authority_hq(soud_replica_authority(hub));
	for (uint32_t i = 0; i < b->author_count; i++) {
		struct author *a = &b->authors[i];
		char handle[16];
		(void)snprintf(handle, sizeof handle, "org-%u", i);
		struct sou_effect org = {.type = SOU_EFFECT_ORG,
					 .org = hq,
					 .has_org = true,
					 .number = 4,
					 .handle = text(handle),
					 .name = text("社協 例"),
					 .short_name = text("社協")};
		struct sou_hash id;
		must(soud_hub_sign_op(hub, &b->operational, &org, 1, &id, NULL) == SOU_OK, "org");
		a->org = sou_entity_org(&id, 0);
		struct sou_id first = b->authors[i % SCOPES].org;
		a->scope = sou_scope_id(SOU_SCOPE_ORG, &first);
		key(b, &a->key);
		(void)draw(&b->rng, a->site.b, sizeof a->site.b);
		struct sou_effect open[] = {
			{.type = SOU_EFFECT_OPEN,
			 .site = a->site,
			 .key = a->key.public_key,
			 .tls = a->key.public_key,
			 .has_org = true,
			 .org = a->org,
			 .name = text(handle)},
			{.type = SOU_EFFECT_GRANT,
			 .site = a->site,
			 .roles = SOU_ROLE_EDITOR,
			 .reach = SOU_REACH_SCOPE,
			 .id = a->scope},
		};
		must(soud_hub_sign_op(hub, &b->operational, open, 2, &a->opening, NULL) == SOU_OK,
		     "open");
		a->org = first;
	}
	must(soud_replica_commit(hub, NULL) == SOU_OK, "commit");
}

static void pack_series(struct bench *b, struct soud_replica *hub)
{
	const struct sou_authority *a = soud_replica_authority(hub);
	struct sou_buf body = {0};
	size_t count = sou_authority_op_count(a);
	sou_authority_pack_begin(&body, false, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(a, i, &id, &prev, &op, &sigs);
		sou_authority_pack_op(&body, op, sigs);
	}
	sou_buf_put_u8(&b->series, SOU_FRAME_AUTHORITY);
	sou_buf_put_u32be(&b->series, (uint32_t)body.n);
	sou_buf_put(&b->series, body.p, body.n);
	sou_buf_fini(&body);
}

/* Some 270 bytes of text that does not compress to nothing. */
static size_t sentence(struct bench *b, char *out, size_t room)
{
	static const char *const words[] = {
		"地域の",         "ボランティア",   "養成講座を",       "開催し、",
		"区市町村社協と", "連携して",       "相談窓口の",       "周知を図った。",
		"参加者からは",   "継続を求める",   "声があり、",       "次年度も",
		"実施する。",     "企業との協働は", "昨年度より増え、", "件数は伸びた。"};
	size_t n = 0;
	while (n < 270) {
		uint8_t r;
		(void)draw(&b->rng, &r, 1);
		const char *w = words[r % (sizeof words / sizeof *words)];
		size_t bytes = strlen(w);
		must(n + bytes < room, "room");
		memcpy(out + n, w, bytes);
		n += bytes;
	}
	return n;
}

static void add_entry(struct bench *b, struct sou_batch *batch, struct author *a, uint32_t record)
{
	char words[512];
	struct sou_buf value = {0}, header = {0}, payload = {0};
	static struct sou_entry entry;
	uint8_t signature[64];
	struct sou_id replaces = sou_hash_half(&b->last[record]);
	size_t n = sentence(b, words, sizeof words);
	sou_mp_put_str(&value, words, n);
	const struct sou_draft_op op = {
		.type = SOU_OP_SET,
		.kind = SOU_KIND_ITEM,
		.field = SOU_FIELD_ITEM_TEXT,
		.entity = {{(uint8_t)(record * 37), (uint8_t)record, (uint8_t)(record >> 8)}},
		.value = sou_buf_span(&value),
		.replaces = &replaces,
		.replace_count = sou_hash_is_zero(&b->last[record]) ? 0 : 1};
	struct sou_draft draft = {.header = {.net = b->net,
					     .site = a->site,
					     .scope = a->scope,
					     .epoch = sou_hash_half(&a->opening),
					     .seq = ++a->seq,
					     .prev = a->seq == 1 ? a->opening : a->prev,
					     .hlc = ++a->hlc},
				  .for_org = a->org,
				  .by = text("佐藤 例"),
				  .ops = &op,
				  .op_count = 1};
	(void)draw(&b->rng, draft.salt, sizeof draft.salt);
	must(sou_entry_make(&entry, &draft, &a->key, &header, &payload, signature) == SOU_OK,
	     "an entry");
	a->prev = b->last[record] = entry.facts.id;
	const struct sou_batch_item item = {.header = sou_buf_span(&header),
					    .payload = sou_buf_span(&payload),
					    .signature = signature,
					    .keep_signature = true,
					    .id = entry.facts.id};
	must(sou_batch_add(batch, &item) == SOU_OK, "a batch");
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
}

/* Batches of `each` entries; a batch holds one scope. */
static void write_entries(struct bench *b, uint32_t entries, uint32_t each)
{
	struct sou_batch *batch = NULL;
	uint64_t upto[SCOPES] = {0};
	must(sou_batch_new(&batch) == SOU_OK, "memory");
	b->frames = calloc(entries, sizeof *b->frames);
	b->news = calloc(entries, sizeof *b->news);
	must(b->frames != NULL && b->news != NULL, "memory");
	memset(b->last, 0, sizeof b->last);
	for (uint32_t i = 0; i < b->author_count; i++) {
		b->authors[i].seq = 0;
		b->authors[i].hlc = (uint64_t)1693526400000 << 16;
	}
	uint32_t authors_of = b->author_count / SCOPES;
	for (uint32_t done = 0; done < entries;) {
		uint32_t s = (uint32_t)b->frame_count % SCOPES, in_batch = 0;
		uint32_t who = (uint32_t)b->frame_count / SCOPES % authors_of;
		struct author *a = &b->authors[s + who * SCOPES];
		sou_batch_begin(batch, SOU_BATCH_PACK_BYTES);
		for (; in_batch < each && done < entries; in_batch++, done++) {
			uint32_t record = (uint32_t)(done % (RECORDS / SCOPES)) * SCOPES + s;
			add_entry(b, batch, a, record);
			if (in_batch % 64 == 63)
				a = &b->authors[s + ++who % authors_of * SCOPES];
		}
		struct sou_batch_sent sent;
		struct sou_buf *buf = &b->news[b->frame_count];
		must(sou_batch_end(batch, buf, &sent) == SOU_OK && sent.entries == in_batch,
		     "a batch");
		b->frames[b->frame_count++] =
			(struct sou_news){.scope = a->scope,
					  .after = upto[s],
					  .upto = upto[s] + in_batch,
					  .flags = sent.is_zstd ? SOU_DATA_ZSTD : 0,
					  .raw_bytes = sent.raw_bytes,
					  .data = sou_buf_span(buf)};
		upto[s] += in_batch;
	}
	sou_batch_free(batch);
}

static void drop_entries(struct bench *b)
{
	for (size_t i = 0; i < b->frame_count; i++)
		sou_buf_fini(&b->news[i]);
	free(b->news);
	free(b->frames);
	b->frame_count = 0;
}

static void take(struct bench *b, struct soud_replica *r, const char *what, uint32_t entries)
{
	const struct soud_from from = {{{1}}, {{2}}};
	struct soud_taken taken;
	size_t bytes = 0;
	double cpu = cpu_seconds(), wall = seconds();
	uint32_t fresh = 0;
	for (size_t i = 0; i < b->frame_count; i++) {
		must(soud_replica_begin(r) == SOU_OK, "begin");
		int rc = soud_replica_news(r, &from, &b->frames[i], &taken);
		must(rc == SOU_OK, soud_replica_error(r)->text);
		must(soud_replica_commit(r, NULL) == SOU_OK, "commit");
		if (i % 64 == 63)
			must(soud_replica_tidy(r, false) == SOU_OK, "tidy");
		fresh += taken.fresh;
		bytes += b->frames[i].data.n;
	}
	wall = seconds() - wall;
	cpu = cpu_seconds() - cpu;
	must(fresh == entries, "not all were new");
	printf("w4 %-22s %7u entries %7zu commits %8.3f s %8.0f/s  cpu %6.2f us each  wire %.0f B "
	       "each\n",
	       what, entries, b->frame_count, wall, entries / wall, cpu * 1e6 / entries,
	       (double)bytes / entries);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct bench b = {.rng = 42, .author_count = 56};
	uint32_t entries = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
	char made[] = "/tmp/soukatsu-w4-XXXXXX";
	b.folder = argc > 2 ? argv[2] : mkdtemp(made);
	must(b.folder != NULL && entries > 0, "usage: w4 [ENTRIES] [FOLDER]");
	key(&b, &b.root);
	key(&b, &b.operational);
	key(&b, &b.checkpoint);
	key(&b, &b.hub_key);
	(void)draw(&b.rng, b.net.b, sizeof b.net.b);
	(void)draw(&b.rng, b.hub_site.b, sizeof b.hub_site.b);
	struct soud_genesis g = {.net = b.net,
				 .site = b.hub_site,
				 .handle = text("hq"),
				 .name = text("例"),
				 .short_name = text("例"),
				 .site_name = text("例"),
				 .tls = {{1}},
				 .root = {&b.root},
				 .root_count = 1,
				 .threshold = 1,
				 .operational = &b.operational,
				 .checkpoint = &b.checkpoint,
				 .site_key = &b.hub_key};
	struct sou_buf op = {0}, sigs = {0};
	must(soud_hub_genesis(&g, &op, &sigs, &b.genesis) == SOU_OK, "genesis");
	struct soud_replica *hub = make(&b, "hub", &b.hub_site, &b.hub_key, true);
	found(&b, hub, &op, &sigs);
	pack_series(&b, hub);

	static const struct {
		const char *what, *name;
		uint32_t each;
		bool hub;
	} runs[] = {
		{"site, runs of 1,000", "site", 1000, false},
		{"hub, runs of 1,000", NULL, 1000, true},
		{"site, one at a time", "site-one", 1, false},
	};
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		struct soud_replica *r = hub;
		if (!runs[i].hub) {
			struct author *a = &b.authors[b.author_count - 1];
			const struct soud_from from = {b.hub_site, {{2}}};
			struct soud_taken taken;
			r = make(&b, runs[i].name, &a->site, &a->key, false);
			must(soud_replica_begin(r) == SOU_OK, "begin");
			must(soud_replica_series(r, &from, sou_buf_span(&b.series), &taken) ==
				     SOU_OK,
			     "authority");
			must(soud_replica_commit(r, NULL) == SOU_OK, "commit");
		}
		write_entries(&b, entries, runs[i].each);
		take(&b, r, runs[i].what, entries);
		drop_entries(&b);
		if (!runs[i].hub)
			soud_replica_close(r);
	}
	soud_replica_close(hub);
	if (argc <= 2) {
		char command[600];
		(void)snprintf(command, sizeof command, "%s", b.folder);
		printf("w4 left in %s\n", command);
	}
	return 0;
}
