/* init.c - headquarters' data directory from nothing: keys, genesis, replica, fence (R4, R7). */
#include <stdio.h>
#include <string.h>

#include "daemon/keys/fence.h"
#include "daemon/keys/guard.h"
#include "daemon/net/tls.h"
#include "daemon/replica/hub.h"
#include "daemon/replica/replica_int.h"

#define PATH_BYTES_MAX 4096u

static const struct sou_span no_passphrase;

static int path_in(const char *dir, const char *name, char out[PATH_BYTES_MAX], struct sou_err *err)
{
	int n = snprintf(out, PATH_BYTES_MAX, "%s/%s", dir, name);
	return n < 0 || (size_t)n >= PATH_BYTES_MAX
		       ? sou_err_set(err, SOU_ELIMIT, "%s: path is too long", dir)
		       : SOU_OK;
}

/* --- init --hub --- */

enum { HUB_SITE, HUB_TLS, HUB_CHECKPOINT, HUB_OPERATIONAL, HUB_ROOTS, HUB_KEYS = HUB_ROOTS + 3 };
_Static_assert(HUB_KEYS - HUB_ROOTS == SOUD_ROOT_KEYS, "a signer for each root key");

static const enum soud_key hub_keys[HUB_KEYS] = {
	SOUD_KEY_SITE, SOUD_KEY_TLS,  SOUD_KEY_CHECKPOINT, SOUD_KEY_OPERATIONAL,
	SOUD_KEY_ROOT, SOUD_KEY_ROOT, SOUD_KEY_ROOT,
};

static int make_keys(const struct soud_init *init, struct sou_signer signers[HUB_KEYS],
		     struct sou_err *err)
{
	for (unsigned i = 0; i < HUB_KEYS; i++) {
		unsigned index = i < HUB_ROOTS ? 0 : i - HUB_ROOTS + 1;
		struct sou_span pass = i < HUB_OPERATIONAL ? no_passphrase : init->passphrase;
		int rc = soud_key_make(init->data_dir, hub_keys[i], index, pass, NULL, &signers[i],
				       err);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

/* The first transaction: genesis and what could not stand in it. */
static int found(struct soud_replica *r, const struct sou_buf *op, const struct sou_buf *sigs,
		 const struct sou_signer *operational, struct sou_err *err)
{
	int rc = soud_replica_begin(r);
	if (rc == SOU_OK)
		rc = soud_replica_add_op(r, sou_buf_span(op), sou_buf_span(sigs), err);
	if (rc == SOU_OK)
		rc = soud_hub_own_grants(r, operational, err);
	if (rc == SOU_OK) {
		rc = soud_replica_commit(r, NULL);
		if (rc != SOU_OK && err != NULL)
			*err = *soud_replica_error(r);
	}
	soud_replica_rollback(r);
	return rc;
}

static int make_hub(const struct soud_init *init, const struct soud_replica_env *env,
		    const struct soud_genesis *g, struct soud_inited *out, struct sou_err *err)
{
	char path[PATH_BYTES_MAX];
	struct sou_buf op = {0}, sigs = {0};
	struct soud_replica *r = NULL;
	struct soud_replica_seed seed = {
		.net = g->net, .site = g->site, .site_key = g->site_key->public_key, .hub = true};
	int rc = soud_hub_genesis(g, &op, &sigs, &seed.genesis);
	if (rc != SOU_OK) {
		(void)sou_err_set(err, rc, "the genesis op cannot be made: %s", sou_err_text(rc));
		goto out;
	}
	rc = path_in(init->data_dir, SOUD_REPLICA_FILE, path, err);
	if (rc == SOU_OK)
		rc = soud_replica_make(path, env, NULL, &seed, err);
	if (rc == SOU_OK)
		rc = soud_replica_open(&r, path, env, NULL, err);
	if (rc == SOU_OK)
		rc = found(r, &op, &sigs, g->operational, err);
	if (rc == SOU_OK && out != NULL)
		*out = (struct soud_inited){g->net, g->site, sou_authority_hq(r->authority),
					    seed.genesis, g->tls};
	soud_replica_close(r);
out:
	sou_buf_fini(&op);
	sou_buf_fini(&sigs);
	return rc;
}

int soud_hub_init(const struct soud_init *init, const struct soud_replica_env *env,
		  struct soud_inited *out, struct sou_err *err)
{
	struct sou_signer signers[HUB_KEYS] = {0};
	struct soud_fence_file *fence = NULL;
	struct soud_replica_env with = *env;
	struct soud_genesis g = {.handle = init->handle,
				 .name = init->name,
				 .short_name = init->short_name,
				 .site_name = init->site_name,
				 .root_count = SOUD_ROOT_KEYS,
				 .threshold = SOUD_ROOT_THRESHOLD};
	int lock = -1;
	int rc = soud_guard_dir(init->data_dir, err);
	if (rc == SOU_OK)
		rc = soud_guard_lock(init->data_dir, &lock, err);
	if (rc == SOU_OK)
		rc = soud_fence_file_open(&fence, init->data_dir, init->state_dir, err);
	if (rc == SOU_OK)
		rc = make_keys(init, signers, err);
	if (rc == SOU_OK && (env->random(env->ctx, g.net.b, sizeof g.net.b) != SOU_OK ||
			     env->random(env->ctx, g.site.b, sizeof g.site.b) != SOU_OK))
		rc = sou_err_set(err, SOU_ECRYPTO, "no random bytes");
	if (rc == SOU_OK) {
		for (unsigned i = 0; i < SOUD_ROOT_KEYS; i++)
			g.root[i] = &signers[HUB_ROOTS + i];
		g.operational = &signers[HUB_OPERATIONAL];
		g.checkpoint = &signers[HUB_CHECKPOINT];
		g.site_key = &signers[HUB_SITE];
		g.tls = soud_tls_spki_of(&signers[HUB_TLS].public_key);
		with.site = g.site_key;
		with.checkpoint = g.checkpoint;
		soud_fence_file_io(fence, &with.fence);
		rc = make_hub(init, &with, &g, out, err);
	}
	for (unsigned i = 0; i < HUB_KEYS; i++)
		sou_signer_fini(&signers[i]);
	soud_fence_file_close(fence);
	soud_guard_unlock(lock);
	return rc;
}
