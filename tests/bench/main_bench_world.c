/* main_bench_world.c - data directories for the benches, from the one seeded crowd: ROOT/hub with
 * entries of 62 authors in its log, ROOT/site00 ... of the authors, ROOT/fresh of a new site of
 * headquarters, ROOT/back of one that knows everybody, wrote for itself and was away. Keys, ids and
 * texts are those of the seed; what a daemon finds is what init and join leave.
 *
 * usage: bench_world ROOT ENTRIES CELLS SITES LINKS OWN */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "daemon/core.h"
#include "daemon/keys/fence.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "proto/name.h"
#include "proto/schema.h"
#include "tests/bench/crowd.h"

#define TEXT_BYTES  270u
#define PATH_BYTES  1024u
#define RECORDS_ZST 1000u /* bars.md, W1: texts of so many records in one zstd frame */

static void check(int rc, const char *what, const struct sou_err *err)
{
	if (rc != SOU_OK)
		crowd_die(what, err->text);
}

/* A key of the seed as `soud_key_make` would have written one that it drew. */
static void write_key(const char *dir, enum soud_key which, const uint8_t seed[SOU_SEED_BYTES])
{
	char path[PATH_BYTES];
	struct sou_err err = {0};
	char *bytes = NULL;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SOU_SEED_BYTES);
	BIO *bio = BIO_new(BIO_s_mem());
	if (key == NULL || bio == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		crowd_die("key", "not made");
	long n = BIO_get_mem_data(bio, &bytes);
	check(soud_key_path(dir, which, 0, path, sizeof path), "key path", &err);
	check(soud_guard_write(path, (struct sou_span){(uint8_t *)bytes, (size_t)n}, 0400, false,
			       &err),
	      "key file", &err);
	BIO_free(bio);
	EVP_PKEY_free(key);
}

struct place { /* an open replica in its data directory */
	struct soud_fence_file *fence;
	struct soud_replica_env env;
	struct soud_replica *replica;
};

static void make_place(struct crowd *c, struct place *p, const char *root, const char *name,
		       const struct sou_id *site, const struct crowd_keys *keys,
		       const struct sou_signer *signer, bool hub)
{
	char dir[PATH_BYTES], path[PATH_BYTES + 16];
	struct sou_err err = {0};
	snprintf(dir, sizeof dir, "%s/%s", root, name);
	snprintf(path, sizeof path, "%s/keys", dir);
	check(soud_guard_dir(dir, &err), dir, &err);
	check(soud_guard_dir(path, &err), path, &err);
	write_key(dir, SOUD_KEY_SITE, keys->site);
	write_key(dir, SOUD_KEY_TLS, keys->tls);
	if (hub)
		write_key(dir, SOUD_KEY_CHECKPOINT, c->checkpoint_seed);
	check(soud_fence_file_open(&p->fence, dir, NULL, &err), "fence", &err);
	soud_core_env(&p->env);
	p->env.site = signer;
	p->env.checkpoint = hub ? &c->checkpoint : NULL;
	soud_fence_file_io(p->fence, &p->env.fence);
	const struct soud_replica_options options = {.every_signature = hub};
	const struct soud_replica_seed seed = {.net = c->net,
					       .site = *site,
					       .genesis = c->genesis,
					       .site_key = signer->public_key,
					       .hub = hub,
					       .hub_address = hub ? NULL : "127.0.0.1:1",
					       .hub_tls = c->hub_tls};
	snprintf(path, sizeof path, "%s/replica.db", dir);
	check(soud_replica_make(path, &p->env, &options, &seed, &err), path, &err);
	check(soud_replica_open(&p->replica, path, &p->env, &options, &err), path, &err);
}

static void end_place(struct place *p)
{
	if (soud_replica_tidy(p->replica, true) != SOU_OK)
		crowd_die("tidy", soud_replica_error(p->replica)->text);
	soud_replica_close(p->replica);
	soud_fence_file_close(p->fence);
}

/* So many items of headquarters, written while away. */
static void write_own(struct crowd *c, struct soud_replica *r, uint32_t count)
{
	struct soud_committed done;
	struct sou_err err = {0};
	const struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &c->hq);
	check(soud_replica_begin(r), "begin", soud_replica_error(r));
	for (uint32_t i = 0; i < count; i++) {
		char text[SOU_STR_BYTES_MAX];
		struct sou_buf value = {0};
		struct sou_draft_op op = {
			.type = SOU_OP_SET, .kind = SOU_KIND_ITEM, .field = SOU_FIELD_ITEM_TEXT};
		const struct soud_act act = {.scope = scope,
					     .for_org = c->hq,
					     .by = {(const uint8_t *)"山田", strlen("山田")},
					     .ops = &op,
					     .op_count = 1};
		sou_mp_put_str(&value, text, crowd_text(&c->random, TEXT_BYTES, text));
		op.value = sou_buf_span(&value);
		check(soud_replica_entity(r, SOU_KIND_ITEM, &op.entity), "item",
		      soud_replica_error(r));
		check(soud_replica_act(r, &act, 1, NULL, &err), "act", &err);
		sou_buf_fini(&value);
	}
	check(soud_replica_commit(r, &done), "commit", soud_replica_error(r));
}

/* The floor of W1's bytes. */
static void report_texts(const struct crowd *c)
{
	size_t step = (size_t)RECORDS_ZST * TEXT_BYTES, room = ZSTD_compressBound(step), sum = 0;
	void *out = malloc(room);
	for (size_t at = 0; at < c->texts.n; at += step) {
		size_t n = c->texts.n - at < step ? c->texts.n - at : step;
		sum += ZSTD_compress(out, room, c->texts.p + at, n, 3);
	}
	free(out);
	printf("figure\ttexts_bytes\t%zu\nfigure\ttexts_zstd_bytes\t%zu\n", c->texts.n, sum);
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	if (argc != 7)
		crowd_die("usage", "bench_world ROOT ENTRIES CELLS SITES LINKS OWN");
	const char *root = argv[1];
	uint32_t count = number(argv[2]), sites = number(argv[4]), own = number(argv[6]);
	static struct crowd c;
	struct place p = {0};
	char name[16];
	uint32_t last = sites < CROWD_AUTHORS ? sites : CROWD_AUTHORS; /* the view of the links */
	crowd_make(&c, count, number(argv[3]), TEXT_BYTES, number(argv[5]),
		   last > 0 ? last - 1 : 0);
	make_place(&c, &p, root, "hub", &c.site, &c.hub_keys, &c.hub, true);
	crowd_know(p.replica);
	(void)crowd_feed(&c, p.replica, true, 1000, count);
	end_place(&p);
	for (uint32_t i = 0; i < last; i++) {
		snprintf(name, sizeof name, "site%02u", i);
		make_place(&c, &p, root, name, &c.sites[i], &c.keys[i], &c.signers[i], false);
		end_place(&p);
	}
	for (uint32_t i = CROWD_FRESH; i <= CROWD_BACK; i++) {
		make_place(&c, &p, root, i == CROWD_FRESH ? "fresh" : "back", &c.sites[i],
			   &c.keys[i], &c.signers[i], false);
		if (i == CROWD_BACK && own > 0) {
			crowd_know(p.replica);
			write_own(&c, p.replica, own);
		}
		end_place(&p);
	}
	report_texts(&c);
	crowd_free(&c);
	return 0;
}
