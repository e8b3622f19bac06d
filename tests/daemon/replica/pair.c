/* pair.c - makes the two replicas of pair.h. */
#include "tests/daemon/replica/pair.h"

#include "proto/name.h"
#include "proto/schema.h"

static int64_t wall(void *ctx)
{
	return ((struct pair_node *)ctx)->now_ms += 7;
}

static int draw(void *ctx, uint8_t *out, size_t n)
{
	struct pair_node *node = ctx;
	for (size_t i = 0; i < n; i++) {
		node->random = node->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (uint8_t)(node->random >> 56);
	}
	return SOU_OK;
}

static int fence_read(void *ctx, unsigned slot, uint8_t out[SOUD_FENCE_BYTES])
{
	const struct pair_fence *f = &((struct pair_node *)ctx)->fence;
	if (!f->there[slot])
		return SOU_EUNKNOWN;
	memcpy(out, f->bytes[slot], SOUD_FENCE_BYTES);
	return SOU_OK;
}

static int fence_write(void *ctx, unsigned slot, const uint8_t bytes[SOUD_FENCE_BYTES])
{
	struct pair_fence *f = &((struct pair_node *)ctx)->fence;
	memcpy(f->bytes[slot], bytes, SOUD_FENCE_BYTES);
	f->there[slot] = true;
	return SOU_OK;
}

static struct soud_replica_env env_of(struct pair_node *n)
{
	return (struct soud_replica_env){
		.ctx = n,
		.wall_ms = wall,
		.random = draw,
		.verifier = &keyed_verifier,
		.site = &n->key,
		.checkpoint = n->checkpoint.sign != NULL ? &n->checkpoint : NULL,
		.fence = {.ctx = n, .read = fence_read, .write = fence_write}};
}

int pair_open(struct pair_node *n)
{
	struct soud_replica_env env = env_of(n);
	struct soud_replica_options options = {.vfs = n->name, .cache_bytes = 1 << 20};
	struct sou_err err = {0};
	SOU_ASSERT(n->r == NULL);
	return soud_replica_open(&n->r, "replica.db", &env, &options, &err);
}

void pair_close(struct pair_node *n)
{
	soud_replica_close(n->r);
	n->r = NULL;
}

static void end(void *arg)
{
	struct pair *p = arg;
	struct pair_node *nodes[] = {&p->hub, &p->site};
	for (size_t i = 0; i < 2; i++) {
		pair_close(nodes[i]);
		memvfs_free(nodes[i]->vfs);
		sou_signer_fini(&nodes[i]->key);
		if (nodes[i]->checkpoint.sign != NULL)
			sou_signer_fini(&nodes[i]->checkpoint);
	}
	sou_signer_fini(&p->operational);
}

static void key(struct sou_signer *out, uint8_t tag)
{
	uint8_t seed[SOU_SEED_BYTES]; /* a hash that is the bytes of a point that may be used */
	memset(seed, tag, sizeof seed);
	do {
		if (seed[0] != tag)
			sou_signer_fini(out);
		keyed_signer(out, seed);
		seed[0]++;
	} while (sou_key_admit(&out->public_key) != SOU_OK);
}

static void node(struct pair_node *n, const char *name, uint8_t tag)
{
	n->name = name;
	n->random = tag;
	n->now_ms = INT64_C(1700000000000);
	n->site = (struct sou_id){{tag, 0x51}};
	key(&n->key, tag);
	REQUIRE(name, memvfs_new(&n->vfs, name) == SOU_OK);
}

static void make(struct pair_node *n, const struct sou_hash *genesis, bool hub)
{
	struct soud_replica_env env = env_of(n);
	struct soud_replica_options options = {.vfs = n->name};
	struct soud_replica_seed seed = {.net = {{0x4e}},
					 .site = n->site,
					 .genesis = *genesis,
					 .site_key = n->key.public_key,
					 .hub = hub};
	struct sou_err err = {0};
	int rc = soud_replica_make("replica.db", &env, &options, &seed, &err);
	CHECK_STR("made", err.text, "");
	REQUIRE("made", rc == SOU_OK && pair_open(n) == SOU_OK);
}

static void all_ops(struct pair *p)
{
	const struct sou_authority *a = soud_replica_authority(p->hub.r);
	struct soud_committed done;
	struct sou_err err = {0};
	REQUIRE("begin", soud_replica_begin(p->site.r) == SOU_OK);
	for (size_t i = 0; i < sou_authority_op_count(a); i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(a, i, &id, &prev, &op, &sigs);
		REQUIRE("op", soud_replica_add_op(p->site.r, op, sigs, &err) == SOU_OK);
	}
	REQUIRE("commit", soud_replica_commit(p->site.r, &done) == SOU_OK);
}

static void enrol(struct pair *p)
{
	struct sou_err err = {0};
	struct soud_committed done;
	struct sou_effect effects[] = {{.type = SOU_EFFECT_OPEN,
					.site = p->site.site,
					.key = p->site.key.public_key,
					.tls = {{0x71}},
					.has_org = true,
					.org = p->org,
					.name = {(const uint8_t *)"site", 4}},
				       {.type = SOU_EFFECT_GRANT,
					.site = p->site.site,
					.roles = SOU_ROLE_EDITOR,
					.reach = SOU_REACH_SCOPE,
					.id = p->scope}};
	REQUIRE("begin", soud_replica_begin(p->hub.r) == SOU_OK);
	REQUIRE("own", soud_hub_own_grants(p->hub.r, &p->operational, &err) == SOU_OK);
	int rc = soud_hub_sign_op(p->hub.r, &p->operational, effects, 2, NULL, &err);
	CHECK_STR("enrol", err.text, "");
	REQUIRE("enrol", rc == SOU_OK && soud_replica_commit(p->hub.r, &done) == SOU_OK);
}

struct pair *pair_new(void)
{
	struct pair *p = test_alloc(sizeof *p);
	memset(p, 0, sizeof *p);
	node(&p->hub, "pair-hub", 0x11);
	node(&p->site, "pair-site", 0x22);
	key(&p->hub.checkpoint, 0x33);
	key(&p->operational, 0x44);
	test_at_end(end, p);
	struct sou_signer root;
	key(&root, 0x55);
	struct soud_genesis g = {.net = {{0x4e}},
				 .site = p->hub.site,
				 .handle = {(const uint8_t *)"hq", 2},
				 .name = {(const uint8_t *)"hq", 2},
				 .short_name = {(const uint8_t *)"hq", 2},
				 .site_name = {(const uint8_t *)"hub", 3},
				 .tls = {{0x70}},
				 .root = {&root},
				 .root_count = 1,
				 .threshold = 1,
				 .operational = &p->operational,
				 .checkpoint = &p->hub.checkpoint,
				 .site_key = &p->hub.key};
	struct sou_buf op = {0}, sigs = {0};
	struct sou_hash genesis;
	struct soud_committed done;
	struct sou_err err = {0};
	REQUIRE("genesis", soud_hub_genesis(&g, &op, &sigs, &genesis) == SOU_OK);
	sou_signer_fini(&root);
	make(&p->hub, &genesis, true);
	REQUIRE("begin", soud_replica_begin(p->hub.r) == SOU_OK);
	int rc = soud_replica_add_op(p->hub.r, sou_buf_span(&op), sou_buf_span(&sigs), &err);
	CHECK_STR("genesis", err.text, "");
	REQUIRE("genesis", rc == SOU_OK && soud_replica_commit(p->hub.r, &done) == SOU_OK);
	sou_buf_fini(&op);
	sou_buf_fini(&sigs);
	p->org = sou_authority_hq(soud_replica_authority(p->hub.r));
	p->scope = sou_scope_id(SOU_SCOPE_ORG, &p->org);
	enrol(p);
	p->from = (struct soud_from){soud_replica_identity(p->hub.r)->site,
				     soud_replica_identity(p->hub.r)->log};
	make(&p->site, &genesis, false);
	all_ops(p);
	pair_close(&p->site);
	return p;
}

int pair_act(struct pair *p, struct pair_node *n, struct sou_hash *id)
{
	struct sou_id entity, live;
	struct sou_buf value = {0};
	struct sou_err err = {0};
	struct sou_record record = {0};
	struct soud_store *s = soud_replica_store(n->r);
	uint8_t random[8];
	uint32_t scope;
	(void)draw(n, random, sizeof random);
	struct sou_draft_op op = {.type = SOU_OP_SET, .kind = SOU_KIND_ITEM, .field = 1};
	int rc = soud_replica_entity(n->r, SOU_KIND_ITEM, &entity);
	if (rc != SOU_OK)
		return rc;
	op.entity = entity;
	memset(entity.b, random[0], sizeof entity.b);
	if (random[1] % 3 != 0 && soud_store_scope_find(s, &p->scope, &scope) == SOU_OK &&
	    soud_store_record_next(s, scope, SOU_KIND_ITEM, &entity, 0, &record) == SOU_OK &&
	    record.live_count > 0) {
		op.entity = record.entity;
		live = record.lives[0].version;
		op.replaces = &live;
		op.replace_count = random[2] % 4 != 0;
	}
	sou_record_fini(&record);
	sou_mp_put_str(&value, test_hex_text(random, sizeof random), 2 * sizeof random);
	op.value = sou_buf_span(&value);
	struct soud_act act = {.scope = p->scope,
			       .for_org = p->org,
			       .by = {(const uint8_t *)"x", 1},
			       .ops = &op,
			       .op_count = 1};
	rc = soud_replica_act(n->r, &act, 1, id, &err);
	sou_buf_fini(&value);
	return rc;
}

static uint32_t frames(struct pair *p, size_t bytes, struct pair_news *out)
{
	struct soud_reader *reader = NULL;
	struct soud_replica_options options = {.vfs = p->hub.name};
	struct sou_view view;
	struct sou_err err = {0};
	uint32_t n = 0;
	REQUIRE("reader", soud_reader_open(&reader, "replica.db", &options, &err) == SOU_OK);
	soud_reader_view(reader, &view);
	struct sou_news_query q = {.scope = p->scope,
				   .bytes_max = bytes,
				   .peer_site = p->site.site,
				   .every_signature = true};
	for (;;) {
		struct sou_buf data = {0};
		struct sou_news_answer answer = {0};
		REQUIRE("news", view.news(view.ctx, &q, &data, &answer) == SOU_OK);
		if (answer.entry_count == 0)
			break;
		struct test_bytes copy = test_copy(data.p, data.n);
		sou_buf_fini(&data);
		out[n++] = (struct pair_news){{.scope = p->scope,
					       .after = q.after,
					       .upto = answer.upto,
					       .flags = answer.flags,
					       .raw_bytes = answer.raw_bytes,
					       .data = {copy.b, copy.n}},
					      answer.entry_count};
		q.after = answer.upto;
	}
	soud_reader_close(reader);
	return n;
}

void pair_hub_writes(struct pair *p, uint32_t entries, size_t frame_bytes)
{
	struct soud_committed done;
	for (uint32_t i = 0; i < entries; i++) {
		struct sou_hash id;
		REQUIRE("begin", soud_replica_begin(p->hub.r) == SOU_OK);
		int rc = pair_act(p, &p->hub, &id);
		CHECK_INT(soud_replica_error(p->hub.r)->text, rc, ==, SOU_OK);
		REQUIRE("commit", soud_replica_commit(p->hub.r, &done) == SOU_OK);
	}
	p->frames = test_alloc((entries + 1) * sizeof *p->frames);
	p->frame_count = frames(p, frame_bytes, p->frames);
}
