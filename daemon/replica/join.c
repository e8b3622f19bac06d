/* join.c - a new site's data directory: keys and a site id for an invite, then a replica that waits
 * for its first session (R7, P12.5, P12.6). Each step may be cut short and be done again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keys/fence.h"
#include "daemon/keys/guard.h"
#include "daemon/net/tls.h"
#include "daemon/replica/hub.h"
#include "daemon/replica/replica_int.h"
#include "proto/invite.h"

#define PATH_BYTES_MAX 4096u

static const struct sou_span no_passphrase;

static int path_in(const char *dir, const char *name, char out[PATH_BYTES_MAX], struct sou_err *err)
{
	int n = snprintf(out, PATH_BYTES_MAX, "%s/%s", dir, name);
	return n < 0 || (size_t)n >= PATH_BYTES_MAX
		       ? sou_err_set(err, SOU_ELIMIT, "%s: path is too long", dir)
		       : SOU_OK;
}

/* DATA/joining: site id 16 | SHA-256 of the invite 32. It stands until the replica does. */
#define JOINING_BYTES 48u

static int read_invite(struct sou_invite *out, struct sou_span text, struct sou_err *err)
{
	enum sou_invite_fault fault;
	int rc = sou_invite_read(out, text, &fault);
	if (rc == SOU_OK)
		return SOU_OK;
	return sou_err_set(err, rc,
			   rc == SOU_ETOONEW ? "P12.5: an invite of newer software"
					     : "P12.5: not an invite");
}

/* The site id of this invite, from an earlier try or drawn now. */
static int site_for(const char *data_dir, struct sou_span invite,
		    const struct soud_replica_env *env, struct sou_id *site, struct sou_err *err)
{
	char path[PATH_BYTES_MAX], replica[PATH_BYTES_MAX];
	struct sou_buf buf = {0};
	struct sou_hash hash = sou_sha256(invite.p, invite.n);
	int rc = path_in(data_dir, "joining", path, err);
	if (rc == SOU_OK)
		rc = path_in(data_dir, SOUD_REPLICA_FILE, replica, err);
	if (rc == SOU_OK)
		rc = soud_guard_read(path, JOINING_BYTES, &buf, err);
	if (rc == SOU_OK) {
		if (buf.n != JOINING_BYTES || memcmp(buf.p + 16, hash.b, sizeof hash.b) != 0)
			rc = sou_err_set(err, SOU_EEXIST, "%s: another invite is under way here",
					 data_dir);
		else
			memcpy(site->b, buf.p, sizeof site->b);
	} else if (rc == SOU_EUNKNOWN && access(replica, F_OK) == 0) {
		rc = sou_err_set(err, SOU_EEXIST, "%s: there is a replica", data_dir);
	} else if (rc == SOU_EUNKNOWN) {
		rc = env->random(env->ctx, site->b, sizeof site->b);
		sou_buf_put(&buf, site->b, sizeof site->b);
		sou_buf_put(&buf, hash.b, sizeof hash.b);
		if (rc == SOU_OK && buf.failed)
			rc = SOU_ENOMEM;
		if (rc != SOU_OK)
			(void)sou_err_set(err, rc, "a site id cannot be drawn");
		else
			rc = soud_guard_write(path, sou_buf_span(&buf), 0600, false, err);
	}
	sou_buf_fini(&buf);
	return rc;
}

/* Made now or by an earlier try. */
static int key_for(const char *data_dir, enum soud_key which, struct sou_hash *out,
		   struct sou_err *err)
{
	struct sou_signer signer = {0};
	int rc = soud_key_make(data_dir, which, 0, no_passphrase, out, NULL, err);
	if (rc != SOU_EEXIST)
		return rc;
	rc = soud_key_open(data_dir, which, 0, no_passphrase, &signer, err);
	if (rc == SOU_OK)
		*out = signer.public_key;
	sou_signer_fini(&signer);
	return rc;
}

static int invite_pair(const struct sou_invite *invite, struct sou_signer *out)
{
	uint8_t seed[SOU_SEED_BYTES];
	sou_invite_seed(invite->secret, seed);
	int rc = sou_signer_ed25519(out, seed);
	sou_cleanse(seed, sizeof seed);
	return rc;
}

/* One of the two signatures of a join (P12.6). */
static int sign_statement(const struct sou_invite *invite, const struct sou_join *join,
			  const uint8_t *exporter, uint8_t out[SOU_SIGNATURE_BYTES])
{
	struct sou_signer pair = {0};
	struct sou_buf statement = {0};
	int rc = invite_pair(invite, &pair);
	sou_enrol_statement(&statement, &join->invite_key, &join->site, &join->key, &join->tls);
	if (exporter != NULL)
		sou_buf_put(&statement, exporter, 32);
	if (rc == SOU_OK && statement.failed)
		rc = SOU_ENOMEM;
	if (rc == SOU_OK)
		rc = sou_sign(&pair, exporter == NULL ? SOU_CONTEXT_ENROL : SOU_CONTEXT_JOIN,
			      &join->net, sou_buf_span(&statement), out);
	sou_buf_fini(&statement);
	sou_signer_fini(&pair);
	return rc;
}

static int fill_joining(struct soud_joining *out, const char *data_dir,
			const struct sou_invite *invite, struct sou_err *err)
{
	struct sou_signer pair = {0};
	struct sou_hash tls_key;
	int rc = key_for(data_dir, SOUD_KEY_SITE, &out->join.key, err);
	if (rc == SOU_OK)
		rc = key_for(data_dir, SOUD_KEY_TLS, &tls_key, err);
	if (rc == SOU_OK)
		rc = invite_pair(invite, &pair);
	if (rc == SOU_OK) {
		out->join.wire = SOU_WIRE_VERSION;
		out->join.net = invite->net;
		out->join.site = out->site;
		out->join.invite_key = pair.key_id;
		out->join.tls = soud_tls_spki_of(&tls_key);
		rc = sign_statement(invite, &out->join, NULL, out->join.enrol_signature);
	}
	sou_signer_fini(&pair);
	out->net = invite->net;
	out->genesis = invite->genesis;
	out->hub_tls = invite->tls;
	memcpy(out->address, invite->address, sizeof out->address);
	return rc;
}

int soud_join_prepare(struct soud_joining *out, const char *data_dir, const char *state_dir,
		      struct sou_span invite, const struct soud_replica_env *env,
		      struct sou_err *err)
{
	struct sou_invite read;
	struct soud_joining made = {0};
	struct soud_fence_file *fence = NULL;
	int rc = read_invite(&read, invite, err);
	if (rc != SOU_OK)
		return rc;
	rc = soud_guard_dir(data_dir, err);
	if (rc == SOU_OK) /* say now what would stop the end */
		rc = soud_fence_file_open(&fence, data_dir, state_dir, err);
	soud_fence_file_close(fence);
	if (rc == SOU_OK)
		rc = site_for(data_dir, invite, env, &made.site, err);
	if (rc == SOU_OK)
		rc = fill_joining(&made, data_dir, &read, err);
	if (rc == SOU_OK)
		*out = made;
	sou_cleanse(&read, sizeof read);
	return rc;
}

int soud_join_sign(struct sou_join *join, struct sou_span invite, const uint8_t exporter[32])
{
	struct sou_invite read;
	int rc = read_invite(&read, invite, NULL);
	if (rc == SOU_OK)
		rc = sign_statement(&read, join, exporter, join->join_signature);
	sou_cleanse(&read, sizeof read);
	return rc;
}

/* Made by an earlier try that did not come to its end? */
static int check_made(const char *path, const struct soud_replica_env *env,
		      const struct soud_replica_seed *seed, struct sou_err *err)
{
	struct soud_replica *r = NULL;
	int rc = soud_replica_open(&r, path, env, NULL, err);
	if (rc == SOU_OK) {
		const struct soud_identity *is = soud_replica_identity(r);
		if (!sou_id_eq(&is->site, &seed->site) ||
		    !sou_hash_eq(&is->genesis, &seed->genesis))
			rc = sou_err_set(err, SOU_EEXIST, "%s: another site's replica", path);
	}
	soud_replica_close(r);
	return rc;
}

int soud_join_finish(const char *data_dir, const char *state_dir, struct sou_span invite,
		     const struct soud_replica_env *env, struct sou_err *err)
{
	char path[PATH_BYTES_MAX], joining[PATH_BYTES_MAX];
	struct sou_invite read;
	struct soud_replica_env with = *env;
	struct sou_signer site = {0};
	struct soud_fence_file *fence = NULL;
	struct soud_replica_seed seed = {0};
	int rc = read_invite(&read, invite, err);
	if (rc != SOU_OK)
		return rc;
	rc = path_in(data_dir, SOUD_REPLICA_FILE, path, err);
	if (rc == SOU_OK)
		rc = path_in(data_dir, "joining", joining, err);
	if (rc == SOU_OK)
		rc = soud_key_open(data_dir, SOUD_KEY_SITE, 0, no_passphrase, &site, err);
	if (rc == SOU_OK)
		rc = soud_fence_file_open(&fence, data_dir, state_dir, err);
	if (rc == SOU_OK)
		rc = site_for(data_dir, invite, env, &seed.site, err);
	if (rc == SOU_OK) {
		seed.net = read.net;
		seed.genesis = read.genesis;
		seed.site_key = site.public_key;
		seed.hub_address = read.address;
		seed.hub_tls = read.tls;
		with.site = &site;
		soud_fence_file_io(fence, &with.fence);
		rc = soud_replica_make(path, &with, NULL, &seed, err);
		if (rc == SOU_EEXIST)
			rc = check_made(path, &with, &seed, err);
	}
	if (rc == SOU_OK && unlink(joining) != 0)
		rc = sou_err_set(err, SOU_EIO, "%s: %s", joining, strerror(errno));
	soud_fence_file_close(fence);
	sou_signer_fini(&site);
	sou_cleanse(&read, sizeof read);
	return rc;
}

int soud_hub_place(struct soud_store *s, char address[SOU_ADDRESS_BYTES_MAX + 1],
		   struct sou_hash *tls)
{
	struct sou_span value;
	int rc = soud_store_meta_get(s, META_HUB_TLS, &value);
	if (rc == SOU_OK && value.n != sizeof tls->b)
		rc = SOU_ECORRUPT;
	if (rc != SOU_OK)
		return rc;
	memcpy(tls->b, value.p, sizeof tls->b);
	rc = soud_store_meta_get(s, META_HUB_ADDRESS, &value);
	if (rc == SOU_OK && value.n > SOU_ADDRESS_BYTES_MAX)
		rc = SOU_ECORRUPT;
	if (rc != SOU_OK)
		return rc;
	memcpy(address, value.p, value.n);
	address[value.n] = '\0';
	return SOU_OK;
}
