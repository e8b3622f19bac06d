/* world.c - the network of a seed: keys, authority, replicas on memory disks.
 *
 * Nodes: 0 hub (headquarters); 1 and 2 two sites of organisation 1; 3 of 2; 4 of 3; 5 a reader and
 * reviewer over all; 6 of 2, hostile where the seed says so; more of organisation 3. Projects: 0 by
 * 1 and 2, 1 by 2 and 3, 2 by 1 alone. In most seeds a keyed hash with the same failure modes
 * stands in for Ed25519 at the sites (R24); headquarters and authority always sign for real. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/sim/sim.h"

/* --- signatures --- */

struct hash_key {
	struct sou_hash public_key;
};

static void hash_sign(const struct sou_hash *public_key, const uint8_t *message, size_t n,
		      uint8_t out[SOU_SIGNATURE_BYTES])
{
	uint8_t secret[48] = "simulated secret";
	memcpy(secret + 16, public_key->b, 32);
	struct sou_hash mac = sou_hmac(secret, sizeof secret, message, n);
	memcpy(out, mac.b, 32);
	memset(out + 32, 0x5a, 32);
}

static int hash_sign_cb(void *ctx, const uint8_t *message, size_t n,
			uint8_t out[SOU_SIGNATURE_BYTES])
{
	const struct hash_key *key = ctx;
	hash_sign(&key->public_key, message, n, out);
	return SOU_OK;
}

static void hash_end_cb(void *ctx)
{
	free(ctx);
}

static int verify_cb(void *ctx, const struct sou_hash *public_key, const uint8_t *message, size_t n,
		     const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)ctx;
	static const uint8_t tail[32] = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
					 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
					 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
					 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
	if (memcmp(signature + 32, tail, sizeof tail) != 0)
		return sou_verifier_ed25519.verify(sou_verifier_ed25519.ctx, public_key, message, n,
						   signature);
	uint8_t want[SOU_SIGNATURE_BYTES];
	hash_sign(public_key, message, n, want);
	return memcmp(want, signature, sizeof want) == 0 ? SOU_OK : SOU_ESIG;
}

const struct sou_verifier *sim_verifier(void)
{
	static const struct sou_verifier verifier = {.verify = verify_cb};
	return &verifier;
}

static void draw(struct sim *w, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)sim_rng_next(&w->rng);
}

void sim_key_make(struct sim *w, struct sou_signer *out, bool real)
{
	uint8_t seed[SOU_SEED_BYTES];
	draw(w, seed, sizeof seed);
	if (real) {
		SOU_ASSERT(sou_signer_ed25519(out, seed) == SOU_OK);
		return;
	}
	struct hash_key *key = calloc(1, sizeof *key);
	SOU_ASSERT(key != NULL);
	/* A real public key, because keys are looked at when they are enrolled (P4.2). */
	struct sou_signer real_key;
	SOU_ASSERT(sou_signer_ed25519(&real_key, seed) == SOU_OK);
	key->public_key = real_key.public_key;
	*out = (struct sou_signer){.sign = hash_sign_cb,
				   .end = hash_end_cb,
				   .ctx = key,
				   .public_key = real_key.public_key,
				   .key_id = real_key.key_id};
	sou_signer_fini(&real_key);
}

/* --- a node's environment --- */

struct env {
	struct sim *w;
	uint32_t node;
};

static struct env envs[SIM_NODES_MAX]; /* borrowed by the replicas of the one world that runs */

static int64_t env_wall(void *ctx)
{
	const struct env *e = ctx;
	int64_t wall =
		INT64_C(1693537200000) + (int64_t)e->w->now_ms + e->w->nodes[e->node].clock_ms;
	return wall > 0 ? wall : 0;
}

static int env_random(void *ctx, uint8_t *out, size_t n)
{
	const struct env *e = ctx;
	draw(e->w, out, n);
	return SOU_OK;
}

static int fence_read(void *ctx, unsigned slot, uint8_t out[SOUD_FENCE_BYTES])
{
	const struct env *e = ctx;
	const struct sim_slot *s = &e->w->nodes[e->node].fence[slot];
	if (!s->there)
		return SOU_EUNKNOWN;
	memcpy(out, s->bytes, SOUD_FENCE_BYTES);
	return SOU_OK;
}

static int fence_write(void *ctx, unsigned slot, const uint8_t bytes[SOUD_FENCE_BYTES])
{
	const struct env *e = ctx;
	struct sim_slot *s = &e->w->nodes[e->node].fence[slot];
	memcpy(s->bytes, bytes, SOUD_FENCE_BYTES);
	s->there = true;
	return SOU_OK;
}

static void env_of(struct sim *w, uint32_t node, struct soud_replica_env *env)
{
	envs[node] = (struct env){w, node};
	*env = (struct soud_replica_env){
		.ctx = &envs[node],
		.wall_ms = env_wall,
		.random = env_random,
		.verifier = sim_verifier(),
		.site = &w->nodes[node].signer,
		.checkpoint = w->nodes[node].hub ? &w->nodes[node].checkpoint : NULL,
		.fence = {.ctx = &envs[node], .read = fence_read, .write = fence_write},
		.machine = {{0x4d, (uint8_t)(node + 1)}}};
}

bool sim_node_open(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	struct soud_replica_env env;
	struct sou_err err = {0};
	env_of(w, node, &env);
	struct soud_replica_options options = {
		.vfs = n->name, .every_signature = n->hub, .cache_bytes = 1u << 20};
	int rc = soud_replica_open(&n->replica, "replica.db", &env, &options, &err);
	if (rc == SOU_OK)
		rc = soud_reader_open(&n->reader, "replica.db", &options, &err);
	if (rc != SOU_OK) {
		sim_fail(w, "S0", "%s does not open: %s", n->name, err.text);
		return false;
	}
	soud_reader_view(n->reader, &n->view);
	n->down = false;
	return true;
}

void sim_node_close(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	soud_reader_close(n->reader);
	soud_replica_close(n->replica);
	n->reader = NULL;
	n->replica = NULL;
	n->down = true;
}

/* --- authority --- */

static void sign_op(const struct sou_authop *op, const struct sou_signer *const *signers,
		    uint32_t count, struct sou_buf *sigs)
{
	struct sou_authsig list[8];
	for (uint32_t i = 0; i < count; i++) {
		list[i].key_id = signers[i]->key_id;
		SOU_ASSERT(sou_sign(signers[i], SOU_CONTEXT_AUTHORITY, &op->net,
				    (struct sou_span){op->id.b, 32}, list[i].signature) == SOU_OK);
	}
	SOU_ASSERT(sou_authsigs_pack(sigs, list, count) == SOU_OK);
}

static bool add_op(struct sim *w, uint32_t node, struct sou_span op, struct sou_span sigs)
{
	struct sim_node *n = &w->nodes[node];
	struct sou_err err = {0};
	struct soud_committed done;
	int rc = soud_replica_begin(n->replica);
	if (rc == SOU_OK)
		rc = soud_replica_add_op(n->replica, op, sigs, &err);
	if (rc == SOU_OK)
		rc = soud_replica_commit(n->replica, &done);
	else
		soud_replica_rollback(n->replica);
	if (rc != SOU_OK) {
		sim_trace(w, "authority op refused: %s", err.text);
		return false;
	}
	sim_net_committed(w, node, &done);
	return true;
}

bool sim_operational(struct sim *w, const struct sou_effect *effects, uint32_t count)
{
	const struct sou_authority *a = soud_replica_authority(w->nodes[0].replica);
	struct sou_hash head = sou_authority_head(a);
	struct sou_buf bytes = {0}, sigs = {0};
	uint64_t seq = 0;
	for (size_t i = 0; i < sou_authority_op_count(a); i++) {
		struct sou_hash id, prev;
		struct sou_span op, s;
		sou_authority_op(a, i, &id, &prev, &op, &s);
		struct sou_authop read;
		if (sou_hash_eq(&id, &head) && sou_authop_read(&read, op) == SOU_OK) {
			seq = read.seq;
			sou_authop_fini(&read);
		}
	}
	struct sou_effect copy[32];
	SOU_ASSERT(count <= 32);
	memcpy(copy, effects, count * sizeof *copy);
	struct sou_authop op = {.net = w->net,
				.prev = head,
				.seq = seq + 1,
				.tier = SOU_TIER_OPERATIONAL,
				.effects = copy,
				.effect_count = count};
	int rc = sou_authop_pack(&op, &bytes);
	bool ok = rc == SOU_OK;
	if (ok) {
		const struct sou_signer *signers[] = {&w->operational};
		sign_op(&op, signers, 1, &sigs);
		ok = add_op(w, 0, sou_buf_span(&bytes), sou_buf_span(&sigs));
	} else {
		sim_trace(w, "authority op cannot be packed: %s", sou_err_name(rc));
	}
	sou_buf_fini(&bytes);
	sou_buf_fini(&sigs);
	return ok;
}

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

/* Genesis: one root key, the operational key, headquarters, the hub's site and its roles. */
static void make_genesis(struct sim *w, struct sou_buf *bytes, struct sou_buf *sigs)
{
	struct sim_node *hub = &w->nodes[0];
	struct sou_signer root;
	sim_key_make(w, &root, true);
	sim_key_make(w, &w->operational, true);
	sim_key_make(w, &hub->checkpoint, true);
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct sou_effect effects[] = {
		{.type = SOU_EFFECT_KEYS,
		 .threshold = 1,
		 .ids = &root.public_key,
		 .id_count = 1,
		 .key = w->operational.public_key},
		{.type = SOU_EFFECT_ORG,
		 .number = 1,
		 .handle = text("hq"),
		 .name = text("本部 例"),
		 .short_name = text("本部 例"),
		 .code = text("")},
		{.type = SOU_EFFECT_OPEN,
		 .site = hub->site,
		 .key = hub->key,
		 .tls = hub->tls,
		 .has_org = true,
		 .name = text("hub")},
		{.type = SOU_EFFECT_HUB, .key = hub->checkpoint.public_key, .tls = hub->tls},
		{.type = SOU_EFFECT_GRANT,
		 .site = hub->site,
		 .roles = SOU_ROLE_READER | SOU_ROLE_REVIEWER,
		 .reach = SOU_REACH_SUBTREE},
		{.type = SOU_EFFECT_GRANT,
		 .site = hub->site,
		 .roles = SOU_ROLE_PLANNER | SOU_ROLE_REVIEWER,
		 .reach = SOU_REACH_SCOPE,
		 .id = plan},
		{.type = SOU_EFFECT_GRANT,
		 .site = hub->site,
		 .roles = SOU_ROLE_ANCHOR,
		 .reach = SOU_REACH_ALL},
	};
	struct sou_authop op = {.net = w->net,
				.tier = SOU_TIER_GENESIS,
				.effects = effects,
				.effect_count = sizeof effects / sizeof *effects};
	int rc = sou_authop_pack(&op, bytes);
	SOU_ASSERT(rc == SOU_OK);
	const struct sou_signer *signers[] = {&root, &w->operational, &hub->checkpoint,
					      &hub->signer};
	sign_op(&op, signers, 4, sigs);
	w->genesis = op.id;
	w->orgs[0] = sou_entity_org(&op.id, 1);
	sou_signer_fini(&root);
}

static bool make_orgs(struct sim *w)
{
	static const char *const names[] = {"", "甲 例", "乙 例", "丙 例"};
	static const char *const handles[] = {"", "ko", "otsu", "hei"};
	struct sou_effect effects[SIM_ORGS - 1];
	for (uint32_t i = 1; i < SIM_ORGS; i++)
		effects[i - 1] = (struct sou_effect){.type = SOU_EFFECT_ORG,
						     .has_org = true,
						     .org = w->orgs[0],
						     .number = 4,
						     .handle = text(handles[i]),
						     .name = text(names[i]),
						     .short_name = text(names[i]),
						     .code = text("")};
	if (!sim_operational(w, effects, SIM_ORGS - 1))
		return false;
	struct sou_hash op = sou_authority_head(soud_replica_authority(w->nodes[0].replica));
	for (uint32_t i = 1; i < SIM_ORGS; i++)
		w->orgs[i] = sou_entity_org(&op, i - 1);
	return true;
}

static bool enrol(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	struct sou_effect effects[4];
	uint32_t count = 0;
	effects[count++] = (struct sou_effect){.type = SOU_EFFECT_OPEN,
					       .site = n->site,
					       .key = n->key,
					       .tls = n->tls,
					       .has_org = true,
					       .org = w->orgs[n->org],
					       .name = text(n->name)};
	struct sou_id org_scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[n->org]);
	if (n->roles & (SOU_ROLE_EDITOR | SOU_ROLE_APPROVER))
		effects[count++] = (struct sou_effect){
			.type = SOU_EFFECT_GRANT,
			.site = n->site,
			.roles = n->roles & (SOU_ROLE_EDITOR | SOU_ROLE_APPROVER),
			.reach = SOU_REACH_SCOPE,
			.id = org_scope};
	if (n->roles & SOU_ROLE_SUBMITTER)
		effects[count++] = (struct sou_effect){.type = SOU_EFFECT_GRANT,
						       .site = n->site,
						       .roles = SOU_ROLE_SUBMITTER,
						       .reach = SOU_REACH_PROJECTS,
						       .id = w->orgs[n->org]};
	if (n->roles & (SOU_ROLE_READER | SOU_ROLE_REVIEWER))
		effects[count++] = (struct sou_effect){
			.type = SOU_EFFECT_GRANT,
			.site = n->site,
			.roles = n->roles & (SOU_ROLE_READER | SOU_ROLE_REVIEWER),
			.reach = SOU_REACH_SUBTREE,
			.id = w->orgs[n->org]};
	if (!sim_operational(w, effects, count))
		return false;
	n->opening = n->grant = sou_authority_head(soud_replica_authority(w->nodes[0].replica));
	return true;
}

void sim_node_new_key(struct sim *w, uint32_t node, const struct sou_signer *key)
{
	struct sim_node *n = &w->nodes[node];
	struct soud_store *store = soud_replica_store(n->replica);
	const struct sou_span value = {key->public_key.b, sizeof key->public_key.b};
	int rc = soud_store_begin(store);
	if (rc == SOU_OK)
		rc = soud_store_meta_put(store, "site_key", value);
	if (rc == SOU_OK)
		rc = soud_store_commit(store);
	if (rc != SOU_OK)
		sim_fail(w, "S0", "%s cannot take a key", n->name);
	sim_node_close(w, node);
	SOU_ASSERT(w->spent_n < SIM_NODES_MAX);
	w->spent[w->spent_n++] = n->signer; /* a copy may sign with it still */
	n->signer = *key;
	n->key = key->public_key;
	(void)sim_node_open(w, node);
}

void sim_node_copy(struct sim *w, uint32_t copy, uint32_t of)
{
	struct sim_node *n = &w->nodes[copy];
	*n = w->nodes[of];
	(void)snprintf(n->name, sizeof n->name, "n%u", copy);
	n->copy = n->down = true;
	n->of = of;
	n->paused = false;
	n->replica = NULL;
	n->reader = NULL;
	n->backup = NULL;
	n->vfs = NULL;
	SOU_ASSERT(memvfs_new(&n->vfs, n->name) == SOU_OK);
	struct memvfs_image *image = memvfs_image(w->nodes[of].vfs);
	memvfs_restore(n->vfs, image);
	memvfs_image_free(image);
	w->links[copy] = (struct sim_link){0};
	w->node_count++;
	if (!sim_node_open(w, copy))
		return;
	sim_push(w, (struct sim_event){.at_ms = 1000, .kind = SIM_TICK, .node = copy});
	sim_push(w, (struct sim_event){.at_ms = 50, .kind = SIM_DIAL, .node = copy});
}

void sim_node_gone(struct sim *w, uint32_t node)
{
	sim_trace(w, "%s is switched off", w->nodes[node].name);
	sim_net_cut(w, node);
	if (!w->nodes[node].down)
		sim_node_close(w, node);
	w->nodes[node].gone = true;
	for (size_t i = 0; i < w->tracked_n; i++)
		if (w->tracked[i].node == node && !w->tracked[i].acked)
			w->tracked[i].excused = true;
}

static void make_node(struct sim *w, uint32_t node, uint32_t org, uint16_t roles)
{
	struct sim_node *n = &w->nodes[node];
	(void)snprintf(n->name, sizeof n->name, "n%u", node);
	n->org = org;
	n->roles = roles;
	n->ever = 1u << org;
	n->hub = node == 0;
	n->honest = true;
	draw(w, n->site.b, sizeof n->site.b);
	draw(w, n->tls.b, sizeof n->tls.b);
	sim_key_make(w, &n->signer, node == 0 || w->mix.ed25519 > 0);
	n->key = n->signer.public_key;
	if (w->mix.clock_years > 0 && sim_chance(&w->rng, 500))
		n->clock_ms = (int64_t)(sim_rng_next(&w->rng) % 61 - 30) * INT64_C(31557600000);
	w->marks[SIM_MARK_CLOCK] += n->clock_ms != 0;
	SOU_ASSERT(memvfs_new(&n->vfs, n->name) == SOU_OK);
}

static bool make_replica(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	struct soud_replica_env env;
	struct sou_err err = {0};
	env_of(w, node, &env);
	struct soud_replica_options options = {.vfs = n->name, .every_signature = n->hub};
	struct soud_replica_seed seed = {.net = w->net,
					 .site = n->site,
					 .genesis = w->genesis,
					 .site_key = n->key,
					 .hub = n->hub};
	if (soud_replica_make("replica.db", &env, &options, &seed, &err) != SOU_OK) {
		sim_fail(w, "S0", "%s is not made: %s", n->name, err.text);
		return false;
	}
	return sim_node_open(w, node);
}

bool sim_world_make(struct sim *w)
{
	const uint16_t writer = SOU_ROLE_EDITOR | SOU_ROLE_SUBMITTER;
	static const uint32_t orgs[SIM_NODES_MAX] = {0, 1, 1, 2, 3, 0, 2, 3, 3, 1, 2, 3};
	w->node_count = 7 + sim_below(&w->rng, 3);
	draw(w, w->net.b, sizeof w->net.b);
	for (uint32_t i = 0; i < w->node_count; i++)
		make_node(w, i, orgs[i], i == 5 ? SOU_ROLE_READER | SOU_ROLE_REVIEWER : writer);
	w->nodes[6].honest = w->mix.hostile == 0;
	struct sou_buf genesis = {0}, sigs = {0};
	make_genesis(w, &genesis, &sigs);
	bool ok = make_replica(w, 0) && add_op(w, 0, sou_buf_span(&genesis), sou_buf_span(&sigs));
	w->nodes[0].opening = w->genesis;
	ok = ok && make_orgs(w);
	for (uint32_t i = 1; i < w->node_count && ok; i++)
		ok = enrol(w, i) && make_replica(w, i) &&
		     add_op(w, i, sou_buf_span(&genesis), sou_buf_span(&sigs));
	sou_buf_fini(&genesis);
	sou_buf_fini(&sigs);
	return ok && sim_act_plan(w);
}

void sim_world_free(struct sim *w)
{
	for (uint32_t i = 1; i < w->node_count; i++)
		sim_net_cut(w, i);
	sim_net_bury(w);
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sim_node *n = &w->nodes[i];
		sim_node_close(w, i);
		memvfs_image_free(n->backup);
		memvfs_free(n->vfs);
		if (!n->copy)
			sou_signer_fini(&n->signer);
		sou_signer_fini(&n->checkpoint);
	}
	while (w->spent_n > 0)
		sou_signer_fini(&w->spent[--w->spent_n]);
	sou_signer_fini(&w->operational);
}
