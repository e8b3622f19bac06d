/* replica.c - opening, closing and the transaction of the one way in (R6, R12). What the operations
 * do stands in ingest.c, act.c and authority.c; scopes in engine.c, their writes in work.c. */
#include "daemon/replica/replica.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keys/guard.h"
#include "daemon/replica/replica_int.h"
#include "proto/name.h"
#include "proto/schema.h"

bool replica_is_broken_by(int rc)
{
	return rc == SOU_ESTORE || rc == SOU_EFULL || rc == SOU_ECORRUPT || rc == SOU_EIO ||
	       rc == SOU_ENOMEM || rc == SOU_ECRYPTO;
}

int replica_fail(struct soud_replica *r, int rc, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char text[SOU_ERR_TEXT_BYTES_MAX];
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	r->broken = r->broken || replica_is_broken_by(rc);
	return sou_err_set(&r->err, rc, "%s", text);
}

int replica_note_store(struct soud_replica *r, int rc, const char *what)
{
	const struct sou_err *e = soud_store_error(r->store);
	r->broken = true;
	return sou_err_set(&r->err, replica_is_broken_by(rc) ? rc : SOU_ECORRUPT, "%s: %s", what,
			   e->rc == rc ? e->text : sou_err_text(rc));
}

int replica_ready(struct soud_replica *r)
{
	SOU_ASSERT(r->in_transaction);
	return r->broken ? SOU_ESTORE : SOU_OK;
}

/* --- Open and close --- */

static int get_bytes(struct soud_store *s, const char *name, void *out, size_t n)
{
	struct sou_span value;
	int rc = soud_store_meta_get(s, name, &value);
	if (rc != SOU_OK)
		return rc;
	if (value.n != n)
		return SOU_ECORRUPT;
	memcpy(out, value.p, n);
	return SOU_OK;
}

int identity_load(struct soud_store *s, struct soud_identity *out)
{
	uint64_t hub = 0;
	int rc = get_bytes(s, META_NET, out->net.b, sizeof out->net.b);
	if (rc == SOU_OK)
		rc = get_bytes(s, META_SITE, out->site.b, sizeof out->site.b);
	if (rc == SOU_OK)
		rc = get_bytes(s, META_GENESIS, out->genesis.b, sizeof out->genesis.b);
	if (rc == SOU_OK)
		rc = get_bytes(s, META_SITE_KEY, out->site_key.b, sizeof out->site_key.b);
	if (rc == SOU_OK)
		rc = get_bytes(s, META_LOG, out->log.b, sizeof out->log.b);
	if (rc == SOU_OK)
		rc = get_bytes(s, META_INSTANCE, out->instance.b, sizeof out->instance.b);
	if (rc == SOU_OK)
		rc = soud_store_number_get(s, NUMBER_HUB, &hub);
	out->hub = hub != 0;
	return rc;
}

static int counters_load(struct soud_replica *r)
{
	struct counters *c = &r->now;
	*c = (struct counters){.log = r->identity.log, .instance = r->identity.instance};
	int rc = soud_store_number_get(r->store, NUMBER_HLC, &c->hlc);
	if (rc == SOU_OK)
		rc = soud_store_number_get(r->store, NUMBER_COUNTER, &c->counter);
	if (rc == SOU_OK)
		rc = soud_store_number_get(r->store, NUMBER_OWN, &c->own);
	if (rc == SOU_OK)
		rc = get_bytes(r->store, META_OWN_LAST, c->own_last.b, sizeof c->own_last.b);
	if (rc == SOU_OK)
		rc = soud_store_op_last(r->store, &c->ops);
	r->kept = *c;
	return rc;
}

static int open_store(struct soud_replica *r, const char *path)
{
	const struct soud_store_options so = {.vfs = r->options.vfs,
					      .cache_bytes = r->options.cache_bytes};
	int rc = soud_store_open(&r->store, path, SOUD_STORE_WRITER, &so, &r->err);
	if (rc != SOU_OK)
		return rc;
	rc = soud_merge_new(&r->merge);
	if (rc == SOU_OK)
		rc = sou_batch_new(&r->batch);
	return rc == SOU_OK ? SOU_OK : sou_err_set(&r->err, rc, "no memory for the merge");
}

static int new_replica(struct soud_replica **out, const char *path,
		       const struct soud_replica_env *env,
		       const struct soud_replica_options *options, struct sou_err *err)
{
	struct soud_replica *r = calloc(1, sizeof *r);
	if (r == NULL) {
		(void)sou_err_set(err, SOU_ENOMEM, "no memory for a replica");
		return SOU_ENOMEM;
	}
	r->env = *env;
	if (r->env.verifier == NULL)
		r->env.verifier = &sou_verifier_ed25519;
	if (options != NULL)
		r->options = *options;
	if (r->options.engine_bytes_max == 0)
		r->options.engine_bytes_max = SOUD_ENGINE_BYTES_MAX;
	int rc = sou_crypto_ready();
	r->path = strdup(path);
	if (rc == SOU_OK && r->path == NULL)
		rc = sou_err_set(&r->err, SOU_ENOMEM, "no memory for a replica");
	if (rc == SOU_OK)
		rc = open_store(r, path);
	if (rc != SOU_OK) {
		if (err != NULL && r->err.rc == rc)
			*err = r->err;
		soud_replica_close(r);
		return rc;
	}
	*out = r;
	return SOU_OK;
}

static bool is_file(const struct soud_replica_options *options)
{
	return options == NULL || options->vfs == NULL;
}

/* A migration has emptied what is derived, or a crash has left it so: nothing may look at it. */
static int rebuild_stale(struct soud_replica *r)
{
	return soud_store_stale(r->store) ? soud_replica_rebuild(r) : SOU_OK;
}

int soud_replica_rebuild(struct soud_replica *r)
{
	SOU_ASSERT(r->engine_count == 0 && !r->in_transaction);
	int rc = soud_store_begin(r->store);
	if (rc == SOU_OK)
		rc = soud_store_rebuild(r->store, r->authority);
	if (rc == SOU_OK)
		rc = soud_store_commit(r->store);
	if (rc == SOU_OK)
		return SOU_OK;
	(void)replica_store_failed(r, rc, "deriving the records again");
	soud_store_rollback(r->store);
	return r->err.rc;
}

static int load_all(struct soud_replica *r)
{
	int rc = identity_load(r->store, &r->identity);
	if (rc == SOU_EUNKNOWN)
		return sou_err_set(&r->err, rc, "no replica here yet");
	if (rc == SOU_OK)
		rc = counters_load(r);
	if (rc != SOU_OK)
		return sou_err_set(&r->err, rc == SOU_EUNKNOWN ? SOU_ECORRUPT : rc,
				   "the replica's own description cannot be read");
	if (r->env.site != NULL && !sou_hash_eq(&r->env.site->public_key, &r->identity.site_key))
		return sou_err_set(&r->err, SOU_EKEY, "the site key is not this replica's");
	uint64_t strangers = 0;
	rc = soud_store_number_get(r->store, "strangers", &strangers);
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return replica_store_failed(r, rc, "reading a mark");
	r->now.strangers = r->kept.strangers = strangers != 0;
	rc = authority_load(r, &r->authority);
	if (rc == SOU_OK)
		rc = repair_reload(r);
	if (rc == SOU_OK)
		rc = rebuild_stale(r);
	return rc == SOU_OK ? fence_compare(r) : rc;
}

static int leave_log(struct soud_replica *r);

int soud_replica_open(struct soud_replica **out, const char *path,
		      const struct soud_replica_env *env,
		      const struct soud_replica_options *options, struct sou_err *err)
{
	struct soud_replica *r = NULL;
	if (is_file(options) && access(path, F_OK) != 0) /* the store would make an empty one */
		return sou_err_set(err, SOU_EUNKNOWN, "%s: no replica here yet", path);
	int rc = new_replica(&r, path, env, options, err);
	if (rc != SOU_OK)
		return rc;
	rc = load_all(r);
	/* R20: what was redacted before a crash may stand in the log. */
	if (rc == SOU_OK) {
		int whole = soud_store_checkpoint(r->store, true);
		r->erase = whole == SOU_EBUSY;
		if (whole != SOU_OK && whole != SOU_EBUSY)
			rc = replica_store_failed(r, whole, "truncating the log");
	}
	/* Own entries that were stored when a crash came before the fence. */
	if (rc == SOU_OK && r->env.site != NULL)
		rc = r->fence_state == SOUD_FENCE_AGREES ? fence_advance(r) : leave_log(r);
	if (rc != SOU_OK) {
		if (err != NULL)
			*err = r->err;
		soud_replica_close(r);
		return rc;
	}
	r->broken = false;
	*out = r;
	return SOU_OK;
}

void soud_replica_close(struct soud_replica *r)
{
	if (r == NULL)
		return;
	if (r->in_transaction)
		soud_store_rollback(r->store);
	engine_forget_all(r);
	soud_damage_fini(&r->damage);
	work_fini(&r->work);
	sou_entry_fini(&r->entry);
	sou_entry_fini(&r->other);
	sou_buf_fini(&r->scratch);
	intake_fini(&r->intake);
	sou_batch_free(r->batch);
	free(r->touched);
	sou_authority_free(r->authority);
	soud_merge_free(r->merge);
	soud_store_free(r->store);
	free(r->path);
	free(r);
}

static struct sou_span span_of(const void *p, size_t n)
{
	return (struct sou_span){p, n};
}

static int seed_meta(struct soud_replica *r, const struct soud_replica_seed *seed)
{
	static const struct sou_hash no_entry;
	const struct {
		const char *name;
		struct sou_span value;
	} rows[] = {
		{META_NET, span_of(seed->net.b, 16)},
		{META_SITE, span_of(seed->site.b, 16)},
		{META_GENESIS, span_of(seed->genesis.b, 32)},
		{META_SITE_KEY, span_of(seed->site_key.b, 32)},
		{META_LOG, span_of(r->now.log.b, 16)},
		{META_INSTANCE, span_of(r->now.instance.b, 16)},
		{META_OWN_LAST, span_of(no_entry.b, 32)},
	};
	int rc = SOU_OK;
	for (size_t i = 0; rc == SOU_OK && i < sizeof rows / sizeof *rows; i++)
		rc = soud_store_meta_put(r->store, rows[i].name, rows[i].value);
	if (rc == SOU_OK && seed->hub_address != NULL)
		rc = soud_store_meta_put(r->store, META_HUB_ADDRESS,
					 span_of(seed->hub_address, strlen(seed->hub_address)));
	if (rc == SOU_OK && seed->hub_address != NULL)
		rc = soud_store_meta_put(r->store, META_HUB_TLS, span_of(seed->hub_tls.b, 32));
	if (rc == SOU_OK)
		rc = soud_store_number_put(r->store, NUMBER_HUB, seed->hub);
	if (rc == SOU_OK)
		rc = soud_store_number_put(r->store, NUMBER_HLC, 0);
	if (rc == SOU_OK)
		rc = soud_store_number_put(r->store, NUMBER_COUNTER, 0);
	if (rc == SOU_OK)
		rc = soud_store_number_put(r->store, NUMBER_OWN, 0);
	return rc;
}

int soud_replica_make(const char *path, const struct soud_replica_env *env,
		      const struct soud_replica_options *options,
		      const struct soud_replica_seed *seed, struct sou_err *err)
{
	struct soud_replica *r = NULL;
	const struct sou_span empty = {NULL, 0};
	/* R20: SQLite would make it for all to read; what it makes beside it follows its mode. */
	int rc = is_file(options) ? soud_guard_write(path, empty, 0600, false, err) : SOU_OK;
	if (rc == SOU_OK || rc == SOU_EEXIST)
		rc = new_replica(&r, path, env, options, err);
	if (rc != SOU_OK)
		return rc;
	struct soud_identity had;
	rc = identity_load(r->store, &had);
	if (rc == SOU_OK) {
		soud_replica_close(r);
		return sou_err_set(err, SOU_EEXIST, "%s: there is a replica", path);
	}
	if (rc == SOU_EUNKNOWN)
		rc = env->random(env->ctx, r->now.log.b, sizeof r->now.log.b);
	if (rc == SOU_OK)
		rc = env->random(env->ctx, r->now.instance.b, sizeof r->now.instance.b);
	if (rc == SOU_OK)
		rc = soud_store_begin(r->store);
	if (rc == SOU_OK)
		rc = seed_meta(r, seed);
	if (rc == SOU_OK)
		rc = soud_store_commit(r->store);
	if (rc == SOU_OK)
		rc = fence_advance(r); /* generation 1: nothing was ever signed */
	if (rc != SOU_OK)
		(void)sou_err_set(err, rc, "%s: the replica cannot be made: %s", path,
				  soud_store_error(r->store)->text);
	soud_replica_close(r);
	return rc;
}

/* --- What it is --- */

const struct soud_identity *soud_replica_identity(const struct soud_replica *r)
{
	return &r->identity;
}

const struct sou_authority *soud_replica_authority(const struct soud_replica *r)
{
	return r->authority;
}

struct soud_store *soud_replica_store(struct soud_replica *r)
{
	return r->store;
}

bool soud_replica_broken(const struct soud_replica *r)
{
	return r->broken;
}

const struct sou_err *soud_replica_error(const struct soud_replica *r)
{
	return &r->err;
}

enum soud_fence_state soud_replica_unconfirmed(const struct soud_replica *r)
{
	return r->fence_state;
}

uint64_t soud_replica_signed_count(const struct soud_replica *r)
{
	return r->now.own;
}

static int draw_id(struct soud_replica *r, const char *name, struct sou_id *out)
{
	struct sou_id id;
	int rc = r->env.random(r->env.ctx, id.b, sizeof id.b);
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no random bytes");
	rc = soud_store_meta_put(r->store, name, span_of(id.b, sizeof id.b));
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "storing a new id");
	*out = id;
	return SOU_OK;
}

/* Names of records that were given between the backup and now are known to others, not to us; and
 * the same backup may be restored twice. So the counter goes on from a place that is drawn. */
#define COUNTER_STEP 1000000u

static int leave_names(struct soud_replica *r)
{
	uint8_t drawn[5];
	uint64_t far = 0;
	if (r->env.random(r->env.ctx, drawn, sizeof drawn) != SOU_OK)
		return replica_fail(r, SOU_ECRYPTO, "no random bytes");
	for (size_t i = 0; i < sizeof drawn; i++)
		far = far << 8 | drawn[i];
	r->now.counter += COUNTER_STEP + far;
	return SOU_OK;
}

static int confirm(struct soud_replica *r, bool alone)
{
	int rc = leave_names(r);
	if (rc != SOU_OK)
		return rc;
	r->confirming = true;
	rc = soud_store_number_put(r->store, NUMBER_UNCONFIRMED, 0);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "storing a mark");
	return r->env.site != NULL ? tail_put_back(r, alone) : SOU_OK;
}

int soud_replica_confirm(struct soud_replica *r)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK || r->fence_state == SOUD_FENCE_AGREES)
		return rc;
	return confirm(r, false);
}

/* The scope's organisation, or else the site's own. */
static struct sou_id for_of(const struct soud_replica *r, const struct sou_id *scope)
{
	struct sou_id org = {{0}};
	const struct sou_line *line = sou_authority_site(r->authority, &r->identity.site);
	if (sou_authority_scope_kind(r->authority, scope, &org) != SOU_SCOPE_ORG && line != NULL)
		org = line->org;
	return org;
}

int soud_replica_confirm_alone(struct soud_replica *r, struct sou_span reason, struct sou_span by,
			       uint32_t *epochs, struct sou_err *err)
{
	uint32_t scopes = 0, opened = 0;
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "the transaction is broken");
	if (r->fence_state == SOUD_FENCE_AGREES)
		return sou_err_set(err, SOU_EEXIST, "R12: this replica is confirmed");
	if (reason.n == 0 || by.n == 0)
		return sou_err_set(err, SOU_EINPUT, "R12: a reason and a name are wanted");
	r->confirming = true; /* the epochs are the first that it signs again */
	rc = soud_store_scope_count(r->store, &scopes);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "counting scopes");
	for (uint32_t n = 1; n <= scopes; n++) {
		struct soud_control open = {.type = SOU_OP_EPOCH_OPEN, .reason = reason, .by = by};
		rc = soud_store_scope_id(r->store, n, &open.scope);
		if (rc != SOU_OK)
			return replica_store_failed(r, rc, "looking a scope up");
		open.for_org = for_of(r, &open.scope);
		rc = soud_replica_control(r, &open, NULL, err);
		if (r->broken)
			return rc;
		opened += rc == SOU_OK; /* else it writes nothing there, or headquarters decides */
	}
	rc = confirm(r, true);
	if (rc == SOU_OK && epochs != NULL)
		*epochs = opened;
	return rc;
}

/* Peers hold entries of this log that the replica has lost, and would not send them again: it goes
 * on as another log (P13.6, P13.8), and as another instance, so that the one of which it may be a
 * copy is told from it. Once for each time that the fence does not agree. */
static int leave_log(struct soud_replica *r)
{
	uint64_t left = 0;
	int rc = soud_store_number_get(r->store, NUMBER_UNCONFIRMED, &left);
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return replica_store_failed(r, rc, "reading a mark");
	if (left != 0)
		return SOU_OK;
	rc = soud_replica_begin(r);
	if (rc == SOU_OK)
		rc = draw_id(r, META_LOG, &r->now.log);
	if (rc == SOU_OK)
		rc = draw_id(r, META_INSTANCE, &r->now.instance);
	if (rc == SOU_OK) {
		rc = soud_store_number_put(r->store, NUMBER_UNCONFIRMED, 1);
		if (rc != SOU_OK)
			(void)replica_store_failed(r, rc, "storing a mark");
	}
	if (rc == SOU_OK)
		rc = tail_take_out(r);
	if (rc == SOU_OK)
		rc = soud_replica_commit(r, NULL);
	soud_replica_rollback(r);
	return rc;
}

/* P13.8: a peer has more of this log than there is, so that the fence, had there been one apart
 * from the disk, would have told. The replica goes on as one that was restored. */
int soud_replica_new_log(struct soud_replica *r)
{
	int rc = replica_ready(r);
	if (rc == SOU_OK)
		rc = draw_id(r, META_LOG, &r->now.log);
	if (rc == SOU_OK)
		rc = draw_id(r, META_INSTANCE, &r->now.instance);
	if (rc != SOU_OK)
		return rc;
	rc = soud_store_number_put(r->store, NUMBER_UNCONFIRMED, 1);
	if (rc != SOU_OK)
		return replica_store_failed(r, rc, "storing a mark");
	r->doubting = true;
	return SOU_OK;
}

/* --- Transactions --- */

int soud_replica_begin(struct soud_replica *r)
{
	SOU_ASSERT(!r->in_transaction);
	if (r->broken)
		return SOU_ESTORE;
	int rc = soud_store_begin(r->store);
	if (rc != SOU_OK) {
		(void)replica_store_failed(r, rc, "beginning");
		r->broken = soud_store_broken(r->store);
		return rc;
	}
	r->in_transaction = true;
	r->kept = r->now;
	r->authority_touched = false;
	r->confirming = r->doubting = r->damage_touched = false;
	r->received_ms = r->env.wall_ms(r->env.ctx);
	return SOU_OK;
}

static int counters_store(struct soud_replica *r)
{
	int rc = SOU_OK;
	/* P10.9: what only follows the wall clock need not be remembered; a write for each commit.
	 */
	if (r->now.own != r->kept.own ||
	    (r->now.hlc != r->kept.hlc && (int64_t)sou_hlc_ms(r->now.hlc) > r->received_ms))
		rc = soud_store_number_put(r->store, NUMBER_HLC, r->now.hlc);
	if (rc == SOU_OK && r->now.counter != r->kept.counter)
		rc = soud_store_number_put(r->store, NUMBER_COUNTER, r->now.counter);
	if (rc == SOU_OK && r->now.own != r->kept.own) {
		rc = soud_store_number_put(r->store, NUMBER_OWN, r->now.own);
		if (rc == SOU_OK)
			rc = soud_store_meta_put(r->store, META_OWN_LAST,
						 span_of(r->now.own_last.b, 32));
	}
	return rc;
}

/* Readers look at who is responsible for what again. */
static int stamp_plan(struct soud_replica *r)
{
	uint64_t stamp = 0;
	int rc = soud_store_number_get(r->store, NUMBER_PLAN, &stamp);
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		rc = soud_store_number_put(r->store, NUMBER_PLAN, stamp + 1);
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "storing a mark");
}

/* The lists of what was touched, and digests that the readers want; before COMMIT. */
static int gather(struct soud_replica *r, struct soud_committed *out)
{
	*out = (struct soud_committed){.received_ms = r->received_ms,
				       .authority = r->authority_touched,
				       .own = r->now.own != r->kept.own};
	const struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	size_t n = 0;
	for (size_t i = 0; i < r->engine_count; i++) {
		struct engine *e = r->engines[i];
		if (!e->touched || e->number == 0)
			continue;
		int rc =
			replica_grow((void **)&r->touched, &r->touched_room, n, sizeof *r->touched);
		if (rc != SOU_OK)
			return rc;
		r->touched[n++] = (struct soud_touched_scope){e->id, e->number, e->last, e->entries,
							      e->state};
		rc = engine_get(r, &e->id, false, &e); /* a refusal may have unloaded it */
		if (rc == SOU_EDENIED)
			continue; /* R22: its tops stay as they were */
		if (rc == SOU_OK)
			rc = tops_store(r, e);
		if (rc == SOU_OK && sou_id_eq(&e->id, &plan) && (e->entries || e->state))
			rc = stamp_plan(r);
		if (rc != SOU_OK)
			return rc;
	}
	out->scopes = r->touched;
	out->scope_count = n;
	return SOU_OK;
}

static void settle_engines(struct soud_replica *r)
{
	for (size_t i = 0; i < r->engine_count; i++)
		r->engines[i]->touched = r->engines[i]->entries = r->engines[i]->state = false;
	r->identity.log = r->now.log;
	r->identity.instance = r->now.instance;
}

static bool signs(const struct soud_replica *r)
{
	return r->env.site != NULL && (r->now.own != r->kept.own || r->confirming);
}

bool soud_replica_signs(const struct soud_replica *r)
{
	return r->in_transaction && signs(r);
}

int soud_replica_commit(struct soud_replica *r, struct soud_committed *out)
{
	SOU_ASSERT(r->in_transaction);
	struct soud_committed done = {0};
	int rc = replica_ready(r);
	if (rc == SOU_OK)
		rc = counters_store(r);
	if (rc == SOU_OK)
		rc = gather(r, &done);
	if (rc == SOU_OK)
		rc = soud_store_commit(r->store);
	if (rc != SOU_OK) {
		if (!r->broken)
			(void)replica_store_failed(r, rc, "committing");
		soud_replica_rollback(r);
		return rc;
	}
	r->in_transaction = r->damage_touched = false;
	if (r->doubting && r->env.site != NULL)
		r->fence_state = SOUD_FENCE_INSTANCE;
	bool fence = signs(r);
	if (r->confirming)
		r->fence_state = SOUD_FENCE_AGREES;
	settle_engines(r);
	if (fence && r->fence_state == SOUD_FENCE_AGREES)
		rc = fence_advance(r);
	if (rc == SOU_OK && out != NULL) /* else the replica is broken: what is stored is stored */
		*out = done;
	return rc;
}

/* Loaded anew where the store knows better than memory; what cannot be loaded stays broken. */
void soud_replica_rollback(struct soud_replica *r)
{
	if (!r->in_transaction)
		return;
	soud_store_rollback(r->store);
	r->in_transaction = false;
	r->now = r->kept;
	for (size_t i = 0; i < r->engine_count; i++) {
		struct engine *e = r->engines[i];
		if (!e->touched && e->last > 0)
			continue;
		engine_drop(e); /* without entries its row may be of this transaction too */
		e->number = 0;  /* looked up when next used */
		e->last = 0;
		e->touched = e->entries = e->state = false;
	}
	r->broken = soud_store_broken(r->store);
	if (!r->broken && r->damage_touched)
		(void)repair_reload(r); /* where it fails broken is set */
	if (r->broken || sou_authority_op_count(r->authority) == r->now.ops)
		return;
	struct sou_authority *again = NULL;
	if (authority_load(r, &again) != SOU_OK)
		return; /* broken is set: closed and opened anew */
	sou_authority_free(r->authority);
	r->authority = again;
	for (size_t i = 0; i < r->engine_count; i++) /* judged by an authority that is gone */
		engine_drop(r->engines[i]);
}

int soud_replica_tidy(struct soud_replica *r, bool whole)
{
	SOU_ASSERT(!r->in_transaction);
	engine_trim(r);
	int rc = soud_store_checkpoint(r->store, whole || r->erase);
	if (rc == SOU_OK)
		r->erase = false;
	r->broken = r->broken || soud_store_broken(r->store);
	return rc;
}
