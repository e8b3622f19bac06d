/* backup.c - a backup made and tried. What is done here is done aside; the file gets its name at
 * the very end, when it was read again and all of it verified. */
#define _GNU_SOURCE
#include "daemon/backup/backup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/backup/file.h"
#include "daemon/keys/guard.h"
#include "daemon/replica/hub.h"
#include "daemon/replica/reader.h"
#include "daemon/store/copy.h"
#include "daemon/sync/sync.h"

/* The folder of a file, as it is on the disk; "" where it is none. */
static void folder_of(const char *file, char out[PATH_MAX])
{
	char folder[BACKUP_PATH_BYTES];
	const char *slash = strrchr(file, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - file) + 1;
	out[0] = '\0';
	if (n + 2 > sizeof folder)
		return;
	memcpy(folder, file, n);
	memcpy(folder + n, ".", 2);
	if (realpath(folder, out) == NULL)
		out[0] = '\0';
}

static int check_place(const struct soud_backup *args, struct sou_err *err)
{
	char folder[PATH_MAX], data[PATH_MAX];
	struct stat st;
	folder_of(args->file, folder);
	if (folder[0] == '\0')
		return sou_err_set(err, SOU_EIO, "%s: %s", args->file, strerror(errno));
	if (realpath(args->data_dir, data) == NULL)
		return sou_err_set(err, SOU_EUNKNOWN, "%s: is not there", args->data_dir);
	size_t n = strlen(data);
	if (strncmp(folder, data, n) == 0 && (folder[n] == '/' || folder[n] == '\0'))
		return sou_err_set(err, SOU_EINPUT, "%s: lies in the data folder", args->file);
	if (lstat(args->file, &st) != 0)
		return SOU_OK;
	return args->replace && S_ISREG(st.st_mode)
		       ? SOU_OK
		       : sou_err_set(err, SOU_EEXIST, "%s: is there already", args->file);
}

static int replica_path(const char *data_dir, char out[BACKUP_PATH_BYTES], struct sou_err *err)
{
	int n = snprintf(out, BACKUP_PATH_BYTES, "%s/%s", data_dir, SOUD_REPLICA_FILE);
	return n < 0 || (size_t)n + 64 >= BACKUP_PATH_BYTES
		       ? sou_err_set(err, SOU_ELIMIT, "%s: path is too long", data_dir)
		       : SOU_OK;
}

static uint64_t size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void text_set(char *out, size_t bytes, struct sou_span text)
{
	size_t n = text.n < bytes ? text.n : 0; /* too long for a label: left out */
	if (n > 0)
		memcpy(out, text.p, n);
	out[n] = '\0';
}

/* Who it is, for people; of a replica that this software can open. */
static void name_site(const char *replica, struct soud_backup_facts *f)
{
	struct soud_reader *v = NULL;
	if (soud_reader_open(&v, replica, NULL, NULL) != SOU_OK)
		return;
	const struct sou_authority *a = soud_reader_authority(v);
	const struct sou_line *line = sou_authority_site(a, &f->site);
	const struct sou_org *org = line != NULL ? sou_authority_org(a, &line->org) : NULL;
	if (line != NULL)
		text_set(f->name, sizeof f->name, line->name);
	if (org != NULL)
		text_set(f->organisation, sizeof f->organisation, org->handle);
	soud_reader_close(v);
}

static int read_conf(const char *data_dir, struct soud_backup_facts *f, struct sou_err *err)
{
	char path[BACKUP_PATH_BYTES];
	struct sou_buf conf = {0};
	(void)snprintf(path, sizeof path, "%s/soukatsud.conf", data_dir);
	int rc = soud_guard_read(path, sizeof f->conf - 1, &conf, err);
	if (rc == SOU_OK && conf.n > 0 && memchr(conf.p, 0, conf.n) == NULL)
		text_set(f->conf, sizeof f->conf, sou_buf_span(&conf));
	sou_buf_fini(&conf);
	if (rc == SOU_EUNKNOWN && err != NULL)
		*err = (struct sou_err){0};
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

static int describe(const char *data_dir, const char *replica, struct soud_backup_facts *f,
		    struct sou_err *err)
{
	struct soud_store_facts s;
	int rc = soud_store_facts(replica, &s, err);
	if (rc != SOU_OK)
		return rc;
	f->net = s.net;
	f->site = s.site;
	f->genesis = s.genesis;
	f->site_key = s.site_key;
	f->own_last = s.own_last;
	f->hub = s.hub;
	f->schema = s.schema;
	f->entries = s.entries;
	f->ops = s.ops;
	f->scopes = s.scopes;
	f->own = s.own;
	f->made_ms = (int64_t)soud_wall_ms();
	(void)snprintf(f->software, sizeof f->software, "%s", "soukatsu " SOU_VERSION);
	name_site(replica, f);
	rc = read_conf(data_dir, f, err);
	return rc == SOU_OK ? backup_hash(replica, &f->sha256, &f->bytes, err) : rc;
}

/* The test restore: out of the file as it stands, and every record checked. */
static int try_file(const char *file, struct backup_aside *aside,
		    const struct soud_backup_progress *progress, struct soud_backup_facts *f,
		    struct soud_verified *verified, struct sou_err *err)
{
	int rc = backup_read(file, aside->replica, f, progress, err);
	if (rc != SOU_OK)
		return rc;
	backup_tell(progress, SOUD_BACKUP_CHECK, 0, f->entries);
	rc = soud_verify(aside->replica, NULL, NULL, verified, err);
	if (rc == SOU_OK && (verified->entries != f->entries || verified->ops != f->ops))
		rc = sou_err_set(err, SOU_ECORRUPT, "%s: holds %llu entries and %llu ops", file,
				 (unsigned long long)verified->entries,
				 (unsigned long long)verified->ops);
	if (rc == SOU_OK)
		backup_tell(progress, SOUD_BACKUP_CHECK, f->entries, f->entries);
	return rc;
}

struct copying {
	const struct soud_backup_progress *progress;
};

static void on_copy(void *ctx, uint64_t done, uint64_t all)
{
	const struct copying *c = ctx;
	backup_tell(c->progress, SOUD_BACKUP_COPY, done, all);
}

static int make(const struct soud_backup *args, const char *replica, struct backup_aside *aside,
		struct soud_backup_facts *f, struct soud_verified *verified, struct sou_err *err)
{
	struct copying copying = {args->progress};
	int rc = soud_store_copy(replica, aside->replica, on_copy, &copying, err);
	if (rc == SOU_OK)
		rc = describe(args->data_dir, aside->replica, f, err);
	if (rc == SOU_OK)
		rc = backup_write(aside->part, aside->replica, f, args->progress, err);
	backup_aside_clear(aside);
	if (rc == SOU_OK)
		rc = try_file(aside->part, aside, args->progress, f, verified, err);
	backup_aside_clear(aside);
	if (rc == SOU_OK &&
	    (args->replace ? rename(aside->part, args->file) : link(aside->part, args->file)) != 0)
		rc = sou_err_set(err, errno == EEXIST ? SOU_EEXIST : SOU_EIO, "%s: %s", args->file,
				 strerror(errno));
	return rc == SOU_OK ? backup_sync_folder(args->file, err) : rc;
}

int soud_backup_make(const struct soud_backup *args, struct soud_backup_facts *out,
		     struct soud_verified *verified, struct sou_err *err)
{
	char replica[BACKUP_PATH_BYTES], wal[BACKUP_PATH_BYTES + 8];
	struct backup_aside aside = {.lock = -1};
	struct soud_store_facts facts;
	struct soud_backup_facts *f = calloc(1, sizeof *f);
	if (f == NULL)
		return sou_err_set(err, SOU_ENOMEM, "backup: no memory");
	int rc = check_place(args, err);
	if (rc == SOU_OK)
		rc = replica_path(args->data_dir, replica, err);
	if (rc == SOU_OK)
		rc = soud_store_facts(replica, &facts, err);
	if (rc == SOU_OK)
		rc = backup_aside_begin(&aside, args->file, err);
	if (rc ==
	    SOU_OK) { /* the file, the replica taken out of it, and what verify derives anew */
		(void)snprintf(wal, sizeof wal, "%s-wal", replica);
		rc = backup_room(aside.folder, 3 * (size_of(replica) + size_of(wal)), args->space,
				 err);
	}
	if (rc == SOU_OK)
		rc = make(args, replica, &aside, f, verified, err);
	backup_aside_end(&aside);
	if (rc == SOU_OK)
		*out = *f;
	free(f);
	return rc;
}

int soud_backup_look(const char *file, struct soud_backup_facts *out, struct sou_err *err)
{
	return backup_read(file, NULL, out, NULL, err);
}

int soud_backup_check(const struct soud_backup *args, struct soud_backup_facts *out,
		      struct soud_verified *verified, struct sou_err *err)
{
	struct backup_aside aside = {.lock = -1};
	int rc = soud_backup_look(args->file, out, err);
	if (rc == SOU_OK)
		rc = backup_aside_begin(&aside, args->file, err);
	if (rc == SOU_OK)
		rc = backup_room(aside.folder, 2 * out->bytes, args->space, err);
	if (rc == SOU_OK)
		rc = try_file(args->file, &aside, args->progress, out, verified, err);
	backup_aside_end(&aside);
	return rc;
}
