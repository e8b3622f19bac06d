/* crowd.c - makes the authority, the authors and their entries. */
#include "tests/bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/net/tls.h"
#include "proto/name.h"
#include "proto/schema.h"

double crowd_now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double crowd_cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void crowd_die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static void must(int rc, const char *what, const char *why)
{
	if (rc != SOU_OK)
		crowd_die(what, why != NULL && why[0] != '\0' ? why : sou_err_name(rc));
}

static uint64_t draw(struct crowd *c)
{
	return crowd_draw(&c->random);
}

static void draw_bytes(struct crowd *c, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)draw(c);
}

static void draw_key(struct crowd *c, struct sou_signer *out, uint8_t seed[SOU_SEED_BYTES])
{
	draw_bytes(c, seed, SOU_SEED_BYTES);
	must(sou_signer_ed25519(out, seed), "key", NULL);
}

static struct sou_hash tls_of(const uint8_t seed[SOU_SEED_BYTES])
{
	struct sou_signer tls;
	must(sou_signer_ed25519(&tls, seed), "key", NULL);
	struct sou_hash hash = soud_tls_spki_of(&tls.public_key);
	sou_signer_fini(&tls);
	return hash;
}

void crowd_link(uint32_t i, struct sou_id *site, struct crowd_keys *keys)
{
	uint64_t random = (UINT64_C(1) << 40) + i;
	for (size_t k = 0; k < sizeof site->b; k++)
		site->b[k] = (uint8_t)crowd_draw(&random);
	for (size_t k = 0; k < SOU_SEED_BYTES; k++)
		keys->site[k] = (uint8_t)crowd_draw(&random);
	for (size_t k = 0; k < SOU_SEED_BYTES; k++)
		keys->tls[k] = (uint8_t)crowd_draw(&random);
}

static int64_t wall_cb(void *ctx)
{
	const struct crowd *c = ctx;
	return c->wall_ms;
}

static int random_cb(void *ctx, uint8_t *out, size_t n)
{
	draw_bytes(ctx, out, n);
	return SOU_OK;
}

/* --- entries --- */

struct author { /* where the author's chain and cells stand */
	struct sou_header next;
	struct sou_id *cells, *versions;
	uint32_t cell_count;
};

static void write_one(struct crowd *c, struct author *a, uint32_t author, uint32_t cell,
		      uint32_t text_bytes, struct sou_entry *reader)
{
	char text[SOU_STR_BYTES_MAX];
	struct sou_buf value = {0}, header = {0}, payload = {0};
	size_t n = crowd_text(&c->random, text_bytes, text);
	sou_buf_put(&c->texts, text, n);
	sou_mp_put_str(&value, text, n);
	bool first = sou_id_is_zero(&a->versions[cell]);
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .entity = a->cells[cell],
				  .value = sou_buf_span(&value),
				  .replaces = &a->versions[cell],
				  .replace_count = first ? 0 : 1};
	struct sou_draft d = {.header = a->next,
			      .for_org = c->orgs[author],
			      .by = {(const uint8_t *)"山田", strlen("山田")},
			      .ops = &op,
			      .op_count = 1};
	struct crowd_entry *e = &c->entries[c->count++];
	draw_bytes(c, d.salt, sizeof d.salt);
	must(sou_entry_make(reader, &d, &c->signers[author], &header, &payload, e->signature),
	     "entry", NULL);
	e->id = reader->facts.id;
	e->entity = op.entity;
	e->author = author;
	e->header.n = header.n;
	e->payload.n = payload.n;
	sou_buf_put(&c->bytes, header.p, header.n);
	sou_buf_put(&c->bytes, payload.p, payload.n);
	a->versions[cell] = sou_hash_half(&e->id);
	a->next.seq++;
	a->next.prev = e->id;
	a->next.hlc += 65536;
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
}

static void make_entries(struct crowd *c, uint32_t count, uint32_t cells, uint32_t text_bytes)
{
	struct author authors[CROWD_AUTHORS];
	struct sou_entry reader = {0};
	c->entries = calloc(count, sizeof *c->entries);
	for (uint32_t i = 0; i < CROWD_AUTHORS; i++) {
		struct author *a = &authors[i];
		a->cell_count = cells / CROWD_AUTHORS + 1;
		a->cells = calloc(a->cell_count, sizeof *a->cells);
		a->versions = calloc(a->cell_count, sizeof *a->versions);
		for (uint32_t k = 0; k < a->cell_count; k++)
			a->cells[k] = sou_entity_made(SOU_KIND_ITEM, &c->sites[i], &c->openings[i],
						      k + 1);
		a->next = (struct sou_header){.net = c->net,
					      .site = c->sites[i],
					      .scope = c->scopes[i],
					      .epoch = sou_hash_half(&c->openings[i]),
					      .prev = c->openings[i],
					      .seq = 1,
					      .hlc = (uint64_t)c->wall_ms << 16};
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t author = (uint32_t)(draw(c) % CROWD_AUTHORS);
		struct author *a = &authors[author];
		write_one(c, a, author, (uint32_t)(draw(c) % a->cell_count), text_bytes, &reader);
	}
	const uint8_t *p = c->bytes.p;
	if (c->bytes.failed || c->texts.failed)
		crowd_die("entries", "no memory");
	for (uint32_t i = 0; i < count; i++) {
		c->entries[i].header.p = p;
		p += c->entries[i].header.n;
		c->entries[i].payload.p = p;
		p += c->entries[i].payload.n;
	}
	for (uint32_t i = 0; i < CROWD_AUTHORS; i++) {
		free(authors[i].cells);
		free(authors[i].versions);
	}
	sou_entry_fini(&reader);
}

/* --- authority --- */

static struct sou_span text(const char *s)
{
	return (struct sou_span){(const uint8_t *)s, strlen(s)};
}

static struct soud_replica *open_new(struct crowd *c, const char *path, bool every_signature)
{
	struct sou_err err = {0};
	struct soud_replica *r = NULL;
	const struct soud_replica_options options = {.every_signature = every_signature};
	const struct soud_replica_seed seed = {.net = c->net,
					       .site = c->site,
					       .genesis = c->genesis,
					       .site_key = c->hub.public_key,
					       .hub = true};
	crowd_remove(path);
	must(soud_replica_make(path, &c->env, &options, &seed, &err), "replica", err.text);
	must(soud_replica_open(&r, path, &c->env, &options, &err), "replica", err.text);
	return r;
}

static void begin(struct soud_replica *r)
{
	must(soud_replica_begin(r), "begin", soud_replica_error(r)->text);
}

static void commit(struct soud_replica *r)
{
	struct soud_committed done;
	must(soud_replica_commit(r, &done), "commit", soud_replica_error(r)->text);
}

static void sign_op(struct crowd *c, struct soud_replica *r, const struct sou_effect *effects,
		    uint32_t count, struct sou_hash *id)
{
	struct sou_err err = {0};
	must(soud_hub_sign_op(r, &c->operational, effects, count, id, &err), "op", err.text);
}

static void add_op(struct soud_replica *r, struct sou_span op, struct sou_span sigs)
{
	struct sou_err err = {0};
	must(soud_replica_add_op(r, op, sigs, &err), "op", err.text);
}

/* Who writes and submits for an organisation. */
static void grant_author(struct sou_effect out[2], const struct sou_id *site,
			 const struct sou_id *org, const struct sou_id *scope)
{
	out[0] = (struct sou_effect){.type = SOU_EFFECT_GRANT,
				     .site = *site,
				     .roles = SOU_ROLE_EDITOR,
				     .reach = SOU_REACH_SCOPE,
				     .id = *scope};
	out[1] = (struct sou_effect){.type = SOU_EFFECT_GRANT,
				     .site = *site,
				     .roles = SOU_ROLE_SUBMITTER,
				     .reach = SOU_REACH_PROJECTS,
				     .id = *org};
}

/* An author writes and submits for its organisation; the two of headquarters write there and read
 * all. */
static void open_site(struct crowd *c, struct soud_replica *r, uint32_t i)
{
	bool of_hq = i >= CROWD_AUTHORS;
	const struct sou_id *org = of_hq ? &c->hq : &c->orgs[i];
	struct sou_id scope = of_hq ? sou_scope_id(SOU_SCOPE_ORG, org) : c->scopes[i];
	struct sou_effect effects[4] = {{.type = SOU_EFFECT_OPEN,
					 .site = c->sites[i],
					 .key = c->signers[i].public_key,
					 .tls = tls_of(c->keys[i].tls),
					 .has_org = true,
					 .org = *org,
					 .name = text("拠点 例")},
					[3] = {.type = SOU_EFFECT_GRANT,
					       .site = c->sites[i],
					       .roles = SOU_ROLE_READER,
					       .reach = SOU_REACH_SUBTREE,
					       .id = c->hq}};
	grant_author(&effects[1], &c->sites[i], org, &scope);
	sign_op(c, r, effects, of_hq ? 4 : 3, &c->openings[i]);
}

/* It may read what its view holds: else it would list what the hub must not speak of. */
static void open_link(struct crowd *c, struct soud_replica *r, uint32_t i)
{
	struct crowd_keys keys;
	struct sou_signer signer;
	struct sou_hash op;
	const struct sou_id *org = &c->orgs[c->link_author];
	struct sou_effect effects[3] = {
		{.type = SOU_EFFECT_OPEN, .has_org = true, .org = *org, .name = text("拠点 例")}};
	crowd_link(i, &effects[0].site, &keys);
	must(sou_signer_ed25519(&signer, keys.site), "key", NULL);
	effects[0].key = signer.public_key;
	effects[0].tls = tls_of(keys.tls);
	sou_signer_fini(&signer);
	grant_author(&effects[1], &effects[0].site, org, &c->scopes[c->link_author]);
	sign_op(c, r, effects, 3, &op);
}

/* Organisations, sites and their rights, as ops of `r`, which knows nothing yet. */
static void make_authority(struct crowd *c, struct soud_replica *r, struct sou_span genesis,
			   struct sou_span sigs)
{
	struct sou_effect orgs[CROWD_AUTHORS];
	struct sou_hash op;
	char handles[CROWD_AUTHORS][16];
	begin(r);
	add_op(r, genesis, sigs);
	for (uint32_t i = 0; i < CROWD_AUTHORS; i++) {
		snprintf(handles[i], sizeof handles[i], "org%u", i);
		orgs[i] = (struct sou_effect){.type = SOU_EFFECT_ORG,
					      .has_org = true,
					      .org = c->hq,
					      .number = 4,
					      .handle = text(handles[i]),
					      .name = text("例の社協"),
					      .short_name = text("例"),
					      .code = text("")};
	}
	sign_op(c, r, orgs, CROWD_AUTHORS, &op);
	for (uint32_t i = 0; i < CROWD_AUTHORS; i++) {
		c->orgs[i] = sou_entity_org(&op, i);
		c->scopes[i] = sou_scope_id(SOU_SCOPE_ORG, &c->orgs[i]);
	}
	for (uint32_t i = 0; i < CROWD_SITES; i++)
		open_site(c, r, i);
	for (uint32_t i = 0; i < c->links; i++)
		open_link(c, r, i);
	commit(r);
}

static struct sou_buf series; /* genesis and all later ops, for the replicas to come */
struct op_place {
	size_t op, op_n, sigs, sigs_n;
};
static struct op_place *places;
static size_t place_count;

static void keep_ops(struct soud_replica *r)
{
	const struct sou_authority *a = soud_replica_authority(r);
	place_count = sou_authority_op_count(a);
	places = calloc(place_count, sizeof *places);
	if (places == NULL)
		crowd_die("authority", "no memory");
	for (size_t i = 0; i < place_count; i++) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		sou_authority_op(a, i, &id, &prev, &op, &sigs);
		places[i] = (struct op_place){series.n, op.n, series.n + op.n, sigs.n};
		sou_buf_put(&series, op.p, op.n);
		sou_buf_put(&series, sigs.p, sigs.n);
	}
}

void crowd_make(struct crowd *c, uint32_t count, uint32_t cells, uint32_t text_bytes,
		uint32_t links, uint32_t link_author)
{
	uint8_t seed[SOU_SEED_BYTES];
	*c = (struct crowd){.random = 7,
			    .wall_ms = INT64_C(1693537200000),
			    .links = links,
			    .link_author = link_author};
	draw_bytes(c, c->net.b, sizeof c->net.b);
	draw_bytes(c, c->site.b, sizeof c->site.b);
	draw_key(c, &c->operational, seed);
	draw_key(c, &c->checkpoint, c->checkpoint_seed);
	draw_key(c, &c->root, seed);
	draw_key(c, &c->hub, c->hub_keys.site);
	draw_bytes(c, c->hub_keys.tls, sizeof c->hub_keys.tls);
	c->hub_tls = tls_of(c->hub_keys.tls);
	for (uint32_t i = 0; i < CROWD_SITES; i++) {
		draw_bytes(c, c->sites[i].b, sizeof c->sites[i].b);
		draw_key(c, &c->signers[i], c->keys[i].site);
		draw_bytes(c, c->keys[i].tls, sizeof c->keys[i].tls);
	}
	c->env = (struct soud_replica_env){.ctx = c,
					   .wall_ms = wall_cb,
					   .random = random_cb,
					   .site = &c->hub,
					   .checkpoint = &c->checkpoint};
	struct soud_genesis g = {.net = c->net,
				 .site = c->site,
				 .handle = text("hq"),
				 .name = text("本部 例"),
				 .short_name = text("本部"),
				 .site_name = text("hub"),
				 .root = {&c->root},
				 .root_count = 1,
				 .threshold = 1,
				 .operational = &c->operational,
				 .checkpoint = &c->checkpoint,
				 .site_key = &c->hub,
				 .tls = c->hub_tls};
	struct sou_buf op = {0}, sigs = {0};
	must(soud_hub_genesis(&g, &op, &sigs, &c->genesis), "genesis", NULL);
	c->hq = sou_entity_org(&c->genesis, 1);
	char path[] = "/tmp/soukatsu-bench-XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0)
		crowd_die("temporary file", path);
	close(fd);
	struct soud_replica *r = open_new(c, path, false);
	make_authority(c, r, sou_buf_span(&op), sou_buf_span(&sigs));
	keep_ops(r);
	soud_replica_close(r);
	crowd_remove(path);
	sou_buf_fini(&op);
	sou_buf_fini(&sigs);
	make_entries(c, count, cells, text_bytes);
}

void crowd_free(struct crowd *c)
{
	sou_signer_fini(&c->operational);
	sou_signer_fini(&c->checkpoint);
	sou_signer_fini(&c->root);
	sou_signer_fini(&c->hub);
	for (uint32_t i = 0; i < CROWD_SITES; i++)
		sou_signer_fini(&c->signers[i]);
	free(c->entries);
	free(places);
	sou_buf_fini(&c->bytes);
	sou_buf_fini(&c->texts);
	sou_buf_fini(&series);
}

void crowd_know(struct soud_replica *r)
{
	begin(r);
	for (size_t i = 0; i < place_count; i++)
		add_op(r, (struct sou_span){series.p + places[i].op, places[i].op_n},
		       (struct sou_span){series.p + places[i].sigs, places[i].sigs_n});
	commit(r);
}

struct soud_replica *crowd_replica(struct crowd *c, const char *path, bool every_signature)
{
	struct soud_replica *r = open_new(c, path, every_signature);
	crowd_know(r);
	return r;
}

void crowd_remove(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[512];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(name, sizeof name, "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}
