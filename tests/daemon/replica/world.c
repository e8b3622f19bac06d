/* world.c - see world.h. */
#include "world.h"

#include <stdio.h>

#include "proto/limits.h"
#include "proto/name.h"

static int64_t wall_ms(void *ctx)
{
	struct node *n = ctx;
	return n->wall_ms;
}

static int random_bytes(void *ctx, uint8_t *out, size_t count)
{
	struct node *n = ctx;
	for (size_t i = 0; i < count; i++) {
		n->rng = n->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		out[i] = (uint8_t)(n->rng >> 56);
	}
	return SOU_OK;
}

static int fence_read(void *ctx, unsigned slot, uint8_t out[SOUD_FENCE_BYTES])
{
	struct fence_memory *f = ctx;
	if (!f->there)
		return SOU_EUNKNOWN;
	memcpy(out, f->slots[slot], SOUD_FENCE_BYTES);
	return SOU_OK;
}

static int fence_write(void *ctx, unsigned slot, const uint8_t bytes[SOUD_FENCE_BYTES])
{
	struct fence_memory *f = ctx;
	if (f->fail > 0) {
		f->fail--;
		return SOU_EIO;
	}
	memcpy(f->slots[slot], bytes, SOUD_FENCE_BYTES);
	f->there = true;
	f->writes++;
	return SOU_OK;
}

struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static void key_of(struct world *w, struct sou_signer *out)
{
	uint8_t seed[SOU_SEED_BYTES] = {0};
	w->made++;
	memcpy(seed, &w->made, sizeof w->made);
	REQUIRE("a key", sou_signer_ed25519(out, seed) == SOU_OK);
}

static void node_init(struct world *w, struct node *n, const char *name)
{
	(void)snprintf(n->name, sizeof n->name, "%s", name);
	n->path = test_path(test_printf("%s.db", name));
	n->wall_ms = WORLD_START_MS;
	n->rng = w->made + 77;
	key_of(w, &n->key);
	(void)random_bytes(n, n->site.b, sizeof n->site.b);
	n->env = (struct soud_replica_env){
		.ctx = n,
		.wall_ms = wall_ms,
		.random = random_bytes,
		.site = &n->key,
		.fence = {&n->fence, fence_read, fence_write},
	};
}

static void end_node(void *arg)
{
	struct node *n = arg;
	node_close(n);
	sou_signer_fini(&n->key);
}

int node_open_rc(struct node *n)
{
	int rc = soud_replica_open(&n->replica, n->path, &n->env, &n->options, NULL);
	if (rc == SOU_OK) {
		rc = soud_reader_open(&n->reader, n->path, &n->options, NULL);
		if (rc != SOU_OK)
			soud_replica_close(n->replica);
	}
	n->open = rc == SOU_OK;
	return rc;
}

void node_open(struct node *n)
{
	REQUIRE(n->name, node_open_rc(n) == SOU_OK);
}

void node_close(struct node *n)
{
	if (!n->open)
		return;
	soud_reader_close(n->reader);
	soud_replica_close(n->replica);
	n->open = false;
}

static void node_make(struct world *w, struct node *n, bool hub)
{
	const struct soud_replica_seed seed = {.net = w->net,
					       .site = n->site,
					       .genesis = w->genesis,
					       .site_key = n->key.public_key,
					       .hub = hub};
	REQUIRE(n->name, soud_replica_make(n->path, &n->env, &n->options, &seed, NULL) == SOU_OK);
	node_open(n);
}

void node_begin(struct node *n)
{
	REQUIRE(n->name, soud_replica_begin(n->replica) == SOU_OK);
}

void node_commit(struct node *n, struct soud_committed *out)
{
	int rc = soud_replica_commit(n->replica, out);
	CHECK_STR(n->name, rc == SOU_OK ? NULL : soud_replica_error(n->replica)->text, NULL);
	REQUIRE(n->name, rc == SOU_OK);
	REQUIRE(n->name, soud_reader_refresh(n->reader) == SOU_OK);
	int rc_tidy = soud_replica_tidy(n->replica, false);
	REQUIRE(n->name, rc_tidy == SOU_OK || rc_tidy == SOU_EBUSY);
}

static void end_world(void *arg)
{
	struct world *w = arg;
	for (size_t i = 0; i < 3; i++)
		sou_signer_fini(&w->root[i]);
	sou_signer_fini(&w->operational);
	sou_signer_fini(&w->checkpoint);
	sou_buf_fini(&w->genesis_op);
	sou_buf_fini(&w->genesis_sigs);
}

struct world *world_new(void)
{
	struct world *w = test_alloc(sizeof *w);
	memset(w, 0, sizeof *w);
	test_at_end(end_world, w);
	for (size_t i = 0; i < 3; i++)
		key_of(w, &w->root[i]);
	key_of(w, &w->operational);
	key_of(w, &w->checkpoint);
	node_init(w, &w->hub, "hub");
	test_at_end(end_node, &w->hub);
	w->hub.env.checkpoint = &w->checkpoint;
	w->hub.options.every_signature = true;
	memset(w->net.b, 0xab, sizeof w->net.b);
	w->plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct soud_genesis g = {.net = w->net,
				 .site = w->hub.site,
				 .handle = text("hq"),
				 .name = text("東社協 例"),
				 .short_name = text("本部 例"),
				 .site_name = text("本部"),
				 .tls = {{1}},
				 .root = {&w->root[0], &w->root[1], &w->root[2]},
				 .root_count = 3,
				 .threshold = 2,
				 .operational = &w->operational,
				 .checkpoint = &w->checkpoint,
				 .site_key = &w->hub.key};
	REQUIRE("P8.5 genesis",
		soud_hub_genesis(&g, &w->genesis_op, &w->genesis_sigs, &w->genesis) == SOU_OK);
	node_make(w, &w->hub, true);
	node_begin(&w->hub);
	struct sou_err err = {0};
	CHECK_INT("P8.5 genesis",
		  soud_replica_add_op(w->hub.replica, sou_buf_span(&w->genesis_op),
				      sou_buf_span(&w->genesis_sigs), &err),
		  ==, SOU_OK);
	CHECK_INT("P8.5 own grants", soud_hub_own_grants(w->hub.replica, &w->operational, &err), ==,
		  SOU_OK);
	CHECK_STR("P8.5", err.text, "");
	node_commit(&w->hub, NULL);
	w->hq = sou_authority_hq(soud_replica_authority(w->hub.replica));
	w->hub.org = w->hq;
	w->hub.org_scope = sou_scope_id(SOU_SCOPE_ORG, &w->hq);
	memset(w->project.b, 0x50, sizeof w->project.b);
	w->project_scope = sou_scope_id(SOU_SCOPE_PROJECT, &w->project);
	return w;
}

int world_try_op(struct world *w, const struct sou_effect *effects, uint32_t count,
		 struct sou_hash *id, struct sou_err *err)
{
	node_begin(&w->hub);
	int rc = soud_hub_sign_op(w->hub.replica, &w->operational, effects, count, id, err);
	node_commit(&w->hub, NULL);
	return rc;
}

void world_op(struct world *w, const struct sou_effect *effects, uint32_t count,
	      struct sou_hash *id)
{
	struct sou_err err = {0};
	int rc = world_try_op(w, effects, count, id, &err);
	CHECK_STR("operational op", rc == SOU_OK ? "" : err.text, "");
	REQUIRE("operational op", rc == SOU_OK);
}

struct sou_id world_org(struct world *w, const char *handle)
{
	struct sou_effect e = {.type = SOU_EFFECT_ORG,
			       .org = w->hq,
			       .has_org = true,
			       .number = 4,
			       .handle = text(handle),
			       .name = text("社協 例"),
			       .short_name = text("社協")};
	struct sou_hash op;
	world_op(w, &e, 1, &op);
	return sou_entity_org(&op, 0);
}

struct node *world_stranger(struct world *w, const char *handle, uint16_t roles)
{
	struct sou_id org = world_org(w, handle);
	return world_join(w, handle, &org, roles);
}

struct node *world_join(struct world *w, const char *name, const struct sou_id *org, uint16_t roles)
{
	struct node *n = test_alloc(sizeof *n);
	memset(n, 0, sizeof *n);
	test_at_end(end_node, n);
	node_init(w, n, name);
	n->org = *org;
	n->org_scope = sou_scope_id(SOU_SCOPE_ORG, &n->org);

	char invite[SOU_INVITE_TEXT_BYTES_MAX];
	struct sou_id invite_id;
	struct soud_inviting i = {.org = n->org,
				  .site_name = text(name),
				  .roles = roles,
				  .expires_ms = (uint64_t)WORLD_START_MS + 86400000,
				  .address = "hub.example:7443",
				  .tls = {{1}}};
	struct sou_err err = {0};
	node_begin(&w->hub);
	REQUIRE("invite", soud_hub_invite(w->hub.replica, &w->operational, &i, invite, &invite_id,
					  &err) == SOU_OK);
	struct sou_join join = {
		.net = w->net, .site = n->site, .invite_key = invite_id, .key = n->key.public_key};
	const uint8_t exporter[32] = {9};
	struct soud_taken taken;
	memcpy(join.tls.b, n->site.b, sizeof n->site.b);
	REQUIRE("P8.9", soud_join_sign(&join, text(invite), NULL) == SOU_OK);
	memcpy(join.enrol_signature, join.join_signature, sizeof join.enrol_signature);
	REQUIRE("P12.6", soud_join_sign(&join, text(invite), exporter) == SOU_OK);
	int rc = soud_hub_enrol(w->hub.replica, &join, exporter, &taken);
	CHECK_STR("P12.6", rc == SOU_OK ? "" : soud_replica_error(w->hub.replica)->text, "");
	REQUIRE("P12.6", rc == SOU_OK);
	node_commit(&w->hub, NULL);
	node_make(w, n, false);
	return n;
}

struct node *world_site(struct world *w, const char *handle, uint16_t roles)
{
	struct node *n = world_stranger(w, handle, roles);
	feed_authority(&w->hub, n);
	return n;
}

/* --- Acts --- */

static struct sou_span str_value(struct sou_buf *buf, const char *words)
{
	sou_buf_clear(buf);
	sou_mp_put_str(buf, words, strlen(words));
	return sou_buf_span(buf);
}

struct sou_hash node_edit(struct node *n, const struct sou_id *scope, const struct sou_id *entity,
			  const struct sou_hash *replaced, size_t count, const char *words)
{
	struct sou_buf buf = {0};
	struct sou_id replaces[8];
	struct sou_err err = {0};
	struct sou_hash id = {{0}};
	for (size_t i = 0; i < count; i++)
		replaces[i] = sou_hash_half(&replaced[i]);
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_ITEM,
					.field = SOU_FIELD_ITEM_TEXT,
					.entity = *entity,
					.value = str_value(&buf, words),
					.replaces = replaces,
					.replace_count = (uint32_t)count};
	const struct soud_act act = {
		.scope = *scope, .for_org = n->org, .by = text("佐藤"), .ops = &op, .op_count = 1};
	node_begin(n);
	int rc = soud_replica_act(n->replica, &act, 1, &id, &err);
	CHECK_STR(n->name, rc == SOU_OK ? "" : err.text, "");
	REQUIRE(n->name, rc == SOU_OK);
	node_commit(n, NULL);
	sou_buf_fini(&buf);
	return id;
}

int node_try_edit(struct node *n, const struct sou_id *scope, const struct sou_id *for_org,
		  const struct sou_id *entity, const char *words, struct sou_err *err)
{
	struct sou_buf buf = {0};
	const struct sou_draft_op op = {.type = SOU_OP_SET,
					.kind = SOU_KIND_ITEM,
					.field = SOU_FIELD_ITEM_TEXT,
					.entity = *entity,
					.value = str_value(&buf, words)};
	const struct soud_act act = {.scope = *scope,
				     .for_org = *for_org,
				     .by = text("佐藤"),
				     .ops = &op,
				     .op_count = 1};
	node_begin(n);
	int rc = soud_replica_act(n->replica, &act, 1, NULL, err);
	node_commit(n, NULL);
	sou_buf_fini(&buf);
	return rc;
}

struct sou_hash node_item(struct node *n, struct sou_id *entity, const char *words)
{
	node_begin(n);
	REQUIRE(n->name, soud_replica_entity(n->replica, SOU_KIND_ITEM, entity) == SOU_OK);
	node_commit(n, NULL);
	return node_edit(n, &n->org_scope, entity, NULL, 0, words);
}

void node_items(struct node *n, uint32_t count)
{
	struct sou_buf buf = {0};
	struct sou_draft_op *ops = test_alloc(count * sizeof *ops);
	struct sou_err err = {0};
	struct sou_span value =
		str_value(&buf, "ボランティア養成講座を開き、多くの方が参加した。例");
	node_begin(n);
	for (uint32_t i = 0; i < count; i++) {
		ops[i] = (struct sou_draft_op){.type = SOU_OP_SET,
					       .kind = SOU_KIND_ITEM,
					       .field = SOU_FIELD_ITEM_TEXT,
					       .value = value};
		REQUIRE(n->name,
			soud_replica_entity(n->replica, SOU_KIND_ITEM, &ops[i].entity) == SOU_OK);
	}
	const struct soud_act act = {.scope = n->org_scope,
				     .for_org = n->org,
				     .by = text("佐藤"),
				     .ops = ops,
				     .op_count = count};
	int rc = soud_replica_act(n->replica, &act, 1, NULL, &err);
	CHECK_STR(n->name, rc == SOU_OK ? "" : err.text, "");
	REQUIRE(n->name, rc == SOU_OK);
	node_commit(n, NULL);
	sou_buf_fini(&buf);
}

/* --- Between replicas --- */

struct soud_from from_node(const struct node *n)
{
	const struct soud_identity *is = soud_replica_identity(n->replica);
	return (struct soud_from){is->site, is->log};
}

void pack_series(struct node *from, struct sou_buf *out)
{
	const struct sou_authority *a = soud_replica_authority(from->replica);
	size_t count = sou_authority_op_count(a);
	struct sou_buf body = {0};
	sou_authority_pack_begin(&body, false, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(a, i, &id, &prev, &op, &sigs);
		sou_authority_pack_op(&body, op, sigs);
	}
	sou_buf_put_u8(out, SOU_FRAME_AUTHORITY);
	sou_buf_put_u32be(out, (uint32_t)body.n);
	sou_buf_put(out, body.p, body.n);
	sou_buf_fini(&body);
}

int feed_authority_rc(struct node *from, struct node *to, struct soud_taken *taken)
{
	struct sou_buf series = {0};
	struct soud_from f = from_node(from);
	pack_series(from, &series);
	node_begin(to);
	int rc = soud_replica_series(to->replica, &f, sou_buf_span(&series), taken);
	if (soud_replica_broken(to->replica))
		soud_replica_rollback(to->replica);
	else
		node_commit(to, NULL);
	sou_buf_fini(&series);
	return rc;
}

void feed_authority(struct node *from, struct node *to)
{
	struct soud_taken taken;
	int rc = feed_authority_rc(from, to, &taken);
	CHECK_STR(to->name, rc == SOU_OK ? "" : soud_replica_error(to->replica)->text, "");
	REQUIRE(to->name, rc == SOU_OK);
}

struct sou_news ask(struct node *from, struct node *to, const struct sou_id *scope, uint64_t after,
		    struct sou_buf *buf)
{
	struct sou_view view;
	struct sou_news_answer a = {0};
	struct soud_from peer = from_node(to);
	struct sou_news_query q = {.scope = *scope,
				   .after = after,
				   .bytes_max = SOU_NEWS_RAW_BYTES,
				   .peer_site = peer.site,
				   .peer_log = peer.log,
				   .every_signature = to->options.every_signature};
	soud_reader_view(from->reader, &view);
	sou_buf_clear(buf);
	REQUIRE(from->name, view.news(view.ctx, &q, buf, &a) == SOU_OK);
	return (struct sou_news){.scope = *scope,
				 .after = after,
				 .upto = a.upto,
				 .flags = a.flags,
				 .raw_bytes = a.raw_bytes,
				 .data = sou_buf_span(buf)};
}

int take(struct node *to, struct node *from, const struct sou_news *news, struct soud_taken *taken)
{
	struct soud_from f = from_node(from);
	node_begin(to);
	int rc = soud_replica_news(to->replica, &f, news, taken);
	if (soud_replica_broken(to->replica))
		soud_replica_rollback(to->replica);
	else
		node_commit(to, NULL);
	return rc;
}

static size_t feed_scope(struct node *from, struct node *to, const struct sou_id *scope)
{
	struct sou_view view, mine;
	struct soud_from f = from_node(from);
	struct sou_buf buf = {0};
	size_t fresh = 0;
	soud_reader_view(from->reader, &view);
	soud_reader_view(to->reader, &mine);
	for (;;) {
		uint64_t after = mine.position(mine.ctx, &f.site, &f.log, scope);
		struct sou_news news = ask(from, to, scope, after, &buf);
		struct soud_taken taken = {0};
		if (news.upto == after)
			break;
		if (buf.n == 0) {
			node_begin(to);
			REQUIRE(to->name,
				soud_replica_passed(to->replica, &f, scope, news.upto) == SOU_OK);
			node_commit(to, NULL);
			continue;
		}
		int rc = take(to, from, &news, &taken);
		CHECK_STR(to->name, rc == SOU_OK ? "" : soud_replica_error(to->replica)->text, "");
		REQUIRE(to->name, rc == SOU_OK);
		fresh += taken.fresh + taken.upgraded;
	}
	sou_buf_fini(&buf);
	return fresh;
}

size_t feed(struct node *from, struct node *to)
{
	struct sou_view view;
	struct sou_view_scope s;
	size_t fresh = 0;
	feed_authority(from, to);
	soud_reader_view(from->reader, &view);
	for (size_t i = 0; view.scope_at(view.ctx, i, &s); i++) {
		if (view.may_read(view.ctx, &to->site, &to->key.key_id, &s.scope))
			fresh += feed_scope(from, to, &s.scope);
	}
	return fresh;
}

void level(struct node *a, struct node *b)
{
	for (unsigned round = 0; round < 8; round++) {
		if (feed(a, b) + feed(b, a) == 0)
			return;
	}
	CHECK("it comes to an end", false);
}

/* --- Looking --- */

struct sou_digest digest_of(struct node *n, const struct sou_id *scope)
{
	struct sou_digest d = {{{0}}, 0, 0, {{0}}, {{0}}, {{0}}};
	CHECK_INT(n->name, soud_replica_digest(n->replica, scope, &d), ==, SOU_OK);
	return d;
}

void check_level(const char *name, struct node *a, struct node *b, const struct sou_id *scope)
{
	struct sou_digest x = digest_of(a, scope), y = digest_of(b, scope);
	CHECK_MEM(name, x.authority.b, 32, y.authority.b, 32);
	CHECK_MEM(name, x.entries.b, 32, y.entries.b, 32);
	CHECK_MEM(name, x.state.b, 32, y.state.b, 32);
}

enum sou_verdict verdict_of(struct node *n, const struct sou_id *scope, const struct sou_hash *id)
{
	struct sou_scope_entry e;
	struct sou_id version = sou_hash_half(id);
	int rc = soud_replica_entry(n->replica, scope, &version, &e);
	return rc == SOU_OK ? (enum sou_verdict)e.verdict : SOU_VERDICT_NONE;
}

uint32_t live_of(struct node *n, const struct sou_id *scope, const struct sou_id *entity,
		 uint16_t field, const char **first, bool *conflict)
{
	struct soud_store *s = soud_replica_store(n->replica);
	struct sou_record record = {0};
	uint32_t number, count = 0;
	if (soud_store_scope_find(s, scope, &number) == SOU_OK &&
	    soud_store_record(s, number, SOU_KIND_ITEM, entity, &record) == SOU_OK) {
		const struct sou_register *reg = sou_record_field(&record, field);
		struct sou_span value, words;
		if (reg != NULL) {
			count = reg->live_count;
			*conflict = reg->conflict;
			*first = "";
			if (soud_store_value(s, number, &reg->live[0], &value) == SOU_OK) {
				struct sou_mp m = sou_mp_over(value);
				words = sou_mp_str(&m, SOU_STR_BYTES_MAX);
				if (sou_mp_end(&m) == SOU_OK)
					*first = test_printf("%.*s", (int)words.n,
							     (const char *)words.p);
			}
		}
	}
	sou_record_fini(&record);
	return count;
}

uint64_t last_of(struct node *n, const struct sou_id *scope)
{
	struct soud_store *s = soud_replica_store(n->replica);
	uint32_t number;
	uint64_t last = 0;
	if (soud_store_scope_find(s, scope, &number) == SOU_OK)
		(void)soud_store_scope_last(s, number, &last);
	return last;
}
