/* restore.c - a backup becomes a replica that signs nothing until it was compared (R12). The one
 * that was there is moved into a folder of its own; the new one gets its name when it was verified.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/backup/backup.h"
#include "daemon/backup/file.h"
#include "daemon/core.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "daemon/replica/hub.h"
#include "daemon/store/copy.h"

#define KEY_BYTES_MAX 8192u
#define KEYS_MAX      4u

struct restoring {
	const struct soud_restore *args;
	struct soud_restored *out;
	char replica[BACKUP_PATH_BYTES], fresh[BACKUP_PATH_BYTES];
	char wrote[KEYS_MAX][BACKUP_PATH_BYTES]; /* key files that this run has made */
	unsigned wrote_count;
	bool there; /* a replica */
	bool made;  /* the folder */
	int lock;
};

static int path_in(const char *dir, const char *name, char out[BACKUP_PATH_BYTES],
		   struct sou_err *err)
{
	int n = snprintf(out, BACKUP_PATH_BYTES, "%s/%s", dir, name);
	return n < 0 || (size_t)n + 80 >= BACKUP_PATH_BYTES
		       ? sou_err_set(err, SOU_ELIMIT, "%s: path is too long", dir)
		       : SOU_OK;
}

/* --- keys --- */

static int key_copy(struct restoring *r, enum soud_key which, struct sou_err *err)
{
	static const char *const names[] = {[SOUD_KEY_SITE] = "site.pem",
					    [SOUD_KEY_TLS] = "tls.pem",
					    [SOUD_KEY_CHECKPOINT] = "checkpoint.pem",
					    [SOUD_KEY_OPERATIONAL] = "operational.pem"};
	char from[BACKUP_PATH_BYTES], to[BACKUP_PATH_BYTES];
	struct sou_buf bytes = {0};
	if (soud_key_path(r->args->data_dir, which, 0, to, sizeof to) != SOU_OK)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", r->args->data_dir);
	int rc = path_in(r->args->keys_dir, names[which], from, err);
	if (rc != SOU_OK || access(to, F_OK) == 0)
		return rc; /* one that is there stays, and is looked at like any other */
	rc = soud_guard_read(from, KEY_BYTES_MAX, &bytes, err);
	if (rc == SOU_OK)
		rc = soud_guard_write(to, sou_buf_span(&bytes), 0400, false, err);
	if (rc == SOU_OK)
		memcpy(r->wrote[r->wrote_count++], to, sizeof to);
	if (bytes.p != NULL)
		sou_cleanse(bytes.p, bytes.cap);
	sou_buf_fini(&bytes);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc; /* told as missing */
}

/* The first of those that it needs and that is not there; the site's own is opened and compared. */
static int keys_look(struct restoring *r, struct sou_err *err)
{
	const enum soud_key needed[] = {SOUD_KEY_SITE, SOUD_KEY_TLS, SOUD_KEY_CHECKPOINT,
					SOUD_KEY_OPERATIONAL};
	const struct soud_backup_facts *f = &r->out->facts;
	const struct sou_span none = {NULL, 0};
	struct sou_signer signer = {0};
	size_t count = f->hub ? KEYS_MAX : 2;
	r->out->keys = true;
	for (size_t i = 0; i < count && r->out->keys; i++) {
		struct sou_err why = {0};
		int rc = i < 3 ? soud_key_open(r->args->data_dir, needed[i], 0, none, &signer, &why)
			       : SOU_OK;
		bool own = rc != SOU_OK || i > 0 || sou_hash_eq(&signer.public_key, &f->site_key);
		sou_signer_fini(&signer);
		signer = (struct sou_signer){0};
		(void)soud_key_path(r->args->data_dir, needed[i], 0, r->out->missing,
				    sizeof r->out->missing);
		if (!own)
			return sou_err_set(err, SOU_EKEY, "%s", r->out->missing);
		if (rc != SOU_OK && rc != SOU_EUNKNOWN) {
			if (err != NULL)
				*err = why;
			return rc;
		}
		r->out->keys = rc == SOU_OK && (i < 3 || access(r->out->missing, F_OK) == 0);
	}
	if (r->out->keys)
		r->out->missing[0] = '\0';
	return SOU_OK;
}

static int keys_restore(struct restoring *r, struct sou_err *err)
{
	char folder[BACKUP_PATH_BYTES];
	int rc = SOU_OK;
	if (r->args->keys_dir != NULL) {
		rc = path_in(r->args->data_dir, "keys", folder, err);
		if (rc == SOU_OK)
			rc = soud_guard_dir(folder, err);
		for (unsigned i = 0; rc == SOU_OK && i < (r->out->facts.hub ? KEYS_MAX : 2); i++)
			rc = key_copy(r,
				      i == 0   ? SOUD_KEY_SITE
				      : i == 1 ? SOUD_KEY_TLS
				      : i == 2 ? SOUD_KEY_CHECKPOINT
					       : SOUD_KEY_OPERATIONAL,
				      err);
	}
	return rc == SOU_OK ? keys_look(r, err) : rc;
}

/* --- the replica --- */

static int begin(struct restoring *r, struct sou_err *err)
{
	const struct soud_restore *args = r->args;
	struct soud_store_facts had;
	int rc = path_in(args->data_dir, SOUD_REPLICA_FILE, r->replica, err);
	if (rc == SOU_OK)
		rc = path_in(args->data_dir, "restoring.db", r->fresh, err);
	if (rc == SOU_OK) /* before a folder is made for it */
		rc = soud_backup_look(args->file, &r->out->facts, err);
	if (rc == SOU_OK && r->out->facts.schema > soud_store_schema_now())
		rc = sou_err_set(err, SOU_ETOONEW, "%s has schema %d, newer than %d", args->file,
				 r->out->facts.schema, soud_store_schema_now());
	struct stat st;
	r->made = stat(args->data_dir, &st) != 0;
	if (rc == SOU_OK && !r->made && geteuid() == 0 && st.st_uid != 0)
		rc = sou_err_set(err, SOU_ERIGHT, "%s",
				 args->data_dir); /* its files would be ours */
	if (rc == SOU_OK)
		rc = soud_guard_dir(args->data_dir, err);
	if (rc == SOU_OK)
		rc = soud_guard_lock(args->data_dir, &r->lock, err);
	if (rc != SOU_OK)
		return rc;
	r->there = access(r->replica, F_OK) == 0;
	if (r->there && soud_store_facts(r->replica, &had, NULL) == SOU_OK) {
		r->out->had_entries = had.entries;
		r->out->had_ops = had.ops;
	}
	if (r->there && !args->replace)
		return sou_err_set(err, SOU_EEXIST, "%s: there is a replica", args->data_dir);
	backup_remove_replica(r->fresh); /* of a run that was cut */
	return backup_room(args->data_dir, 2 * r->out->facts.bytes, args->space, err);
}

static int fetch(struct restoring *r, struct sou_err *err)
{
	struct soud_backup_facts *f = &r->out->facts;
	struct soud_replica_env env;
	struct sou_id instance;
	soud_core_env(&env);
	int rc = backup_read(r->args->file, r->fresh, f, r->args->progress, err);
	if (rc == SOU_OK && env.random(env.ctx, instance.b, sizeof instance.b) != SOU_OK)
		rc = sou_err_set(err, SOU_ECRYPTO, "no random bytes");
	if (rc == SOU_OK)
		rc = soud_store_restored(r->fresh, &instance, err);
	if (rc == SOU_OK) {
		backup_tell(r->args->progress, SOUD_BACKUP_CHECK, 0, f->entries);
		rc = soud_verify(r->fresh, NULL, NULL, &r->out->verified, err);
	}
	if (rc == SOU_OK &&
	    (r->out->verified.entries != f->entries || r->out->verified.ops != f->ops))
		rc = sou_err_set(err, SOU_ECORRUPT, "%s: holds other records than it says",
				 r->args->file);
	if (rc == SOU_OK)
		backup_tell(r->args->progress, SOUD_BACKUP_CHECK, f->entries, f->entries);
	return rc;
}

/* DATA/before-restore-20231124T091500Z/ with all that belongs to the replica. */
static int move_aside(struct restoring *r, struct sou_err *err)
{
	static const char *const ends[] = {"-wal", "-shm", "-journal", ""};
	char folder[BACKUP_PATH_BYTES], stamp[64], to[BACKUP_PATH_BYTES + 32],
		from[BACKUP_PATH_BYTES + 32];
	time_t now = time(NULL);
	struct tm tm;
	if (gmtime_r(&now, &tm) == NULL)
		memset(&tm, 0, sizeof tm);
	(void)strftime(stamp, sizeof stamp, "before-restore-%Y%m%dT%H%M%SZ", &tm);
	int rc = path_in(r->args->data_dir, stamp, folder, err);
	(void)soud_store_fold(r->replica); /* a damaged one goes as it is */
	if (rc == SOU_OK)
		rc = soud_guard_dir(folder, err);
	for (size_t i = 0; rc == SOU_OK && i < sizeof ends / sizeof *ends; i++) {
		(void)snprintf(from, sizeof from, "%s%s", r->replica, ends[i]);
		(void)snprintf(to, sizeof to, "%s/" SOUD_REPLICA_FILE "%s", folder, ends[i]);
		if (rename(from, to) != 0 && errno != ENOENT)
			rc = sou_err_set(err, SOU_EIO, "%s: %s", from, strerror(errno));
	}
	if (rc == SOU_OK)
		rc = backup_sync_folder(to, err);
	if (rc == SOU_OK)
		memcpy(r->out->aside, folder, sizeof folder);
	return rc;
}

static int conf_restore(struct restoring *r, struct sou_err *err)
{
	const char *conf = r->out->facts.conf;
	char path[BACKUP_PATH_BYTES];
	int rc = path_in(r->args->data_dir, "soukatsud.conf", path, err);
	if (rc != SOU_OK || conf[0] == '\0')
		return rc;
	const struct sou_span text = {(const uint8_t *)conf, strlen(conf)};
	rc = soud_guard_write(path, text, 0600, false, err);
	r->out->conf = rc == SOU_OK;
	return rc == SOU_EEXIST ? SOU_OK : rc;
}

/* As it was before: what this run has made goes again. */
static void undo(struct restoring *r)
{
	static const char *const made[] = {"keys", "lock", ""};
	char path[BACKUP_PATH_BYTES];
	backup_remove_replica(r->fresh);
	for (unsigned i = 0; i < r->wrote_count; i++)
		(void)remove(r->wrote[i]);
	for (size_t i = 0; r->made && i < sizeof made / sizeof *made; i++) {
		if (path_in(r->args->data_dir, made[i], path, NULL) == SOU_OK)
			(void)remove(path); /* of a folder: only when it is empty */
	}
}

int soud_restore(const struct soud_restore *args, struct soud_restored *out, struct sou_err *err)
{
	struct restoring *r = calloc(1, sizeof *r);
	if (r == NULL)
		return sou_err_set(err, SOU_ENOMEM, "restore: no memory");
	*r = (struct restoring){.args = args, .out = out, .lock = -1};
	int rc = begin(r, err);
	bool locked = r->lock >= 0;
	if (rc == SOU_OK)
		rc = keys_restore(r, err);
	if (rc == SOU_OK)
		rc = fetch(r, err);
	if (rc == SOU_OK && r->there)
		rc = move_aside(r, err);
	if (rc == SOU_OK && rename(r->fresh, r->replica) != 0)
		rc = sou_err_set(err, SOU_EIO, "%s: %s", r->replica, strerror(errno));
	if (rc == SOU_OK)
		rc = conf_restore(r, err);
	if (rc == SOU_OK)
		rc = backup_sync_folder(r->replica, err);
	if (rc != SOU_OK && locked)
		undo(r);
	soud_guard_unlock(r->lock);
	free(r);
	return rc;
}
