/* doctor_files.c - what the files of a site tell, with soukatsud or without. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/cli/doctor.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "daemon/replica/reader.h"
#include "daemon/sync/sync.h"

#define PATH_CAP 4400u

static void path_of(const struct souc_doctor *d, const char *name, char out[PATH_CAP])
{
	(void)snprintf(out, PATH_CAP, "%s/%s", d->cx->data, name);
}

static bool is_there(const struct souc_doctor *d, const char *name)
{
	char path[PATH_CAP];
	path_of(d, name, path);
	return access(path, F_OK) == 0;
}

static void look_modes(struct souc_doctor *d, const char *path)
{
	struct soud_diagnosis found;
	if (soud_diagnose_modes(&found, path))
		souc_doctor_add(d, found.msg, found.argument[0], found.argument[1],
				found.argument[2]);
}

/* A key that is closed begins so; what is open begins otherwise. */
static bool is_plain(const char *path)
{
	char line[64] = "";
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return false;
	bool read = fgets(line, sizeof line, file) != NULL;
	(void)fclose(file);
	return read && strncmp(line, "-----BEGIN ENCRYPTED ", 21) != 0;
}

/* The credential store, to which an administrator may have moved a key (soukatsud.service): UNIT is
 * the directory's name. It is root's; where it may not be looked into, the key may be there. */
static bool in_store(const struct souc_doctor *d, const char *name)
{
	const char *unit = strrchr(d->cx->data, '/'), *file = strrchr(name, '/');
	char path[PATH_CAP];
	(void)snprintf(path, sizeof path, "/etc/credstore/%s.%s",
		       unit != NULL ? unit + 1 : d->cx->data, file != NULL ? file + 1 : name);
	return access(path, F_OK) == 0 || errno == EACCES;
}

/* The two keys that every site needs: there, whole, and of the right kind. */
static void look_key(struct souc_doctor *d, enum soud_key which, const char *name)
{
	const struct sou_span none = {NULL, 0};
	struct sou_err err = {0};
	struct sou_signer signer = {0};
	struct sou_hash pin;
	char path[PATH_CAP];
	int rc;
	if (which == SOUD_KEY_TLS) {
		rc = soud_key_tls_pin(d->cx->data, &pin, &err);
	} else {
		rc = soud_key_open(d->cx->data, which, 0, none, &signer, &err);
		if (rc == SOU_OK)
			sou_signer_fini(&signer);
	}
	path_of(d, name, path);
	if (rc == SOU_EUNKNOWN && in_store(d, name))
		return;
	if (rc == SOU_EUNKNOWN)
		souc_doctor_add(d, SOU_MSG_KEY_MISSING, path, NULL, NULL);
	else if (rc != SOU_OK && rc != SOU_EINPUT) /* open to others: told with the modes */
		souc_doctor_add(d, SOU_MSG_DOCTOR_KEY_BAD, path, NULL, NULL);
}

static void look_keys(struct souc_doctor *d)
{
	char name[40], path[PATH_CAP];
	bool roots = false;
	look_key(d, SOUD_KEY_SITE, "keys/site.pem");
	look_key(d, SOUD_KEY_TLS, "keys/tls.pem");
	path_of(d, "keys/operational.pem", path);
	if (is_plain(path))
		souc_doctor_add(d, SOU_MSG_DOCTOR_KEY_PLAIN, path, NULL, NULL);
	for (unsigned i = 1; i <= SOUD_ROOT_KEYS; i++) {
		(void)snprintf(name, sizeof name, "root-keys/root-%u.pem", i);
		path_of(d, name, path);
		roots |= access(path, F_OK) == 0;
		if (is_plain(path))
			souc_doctor_add(d, SOU_MSG_DOCTOR_KEY_PLAIN, path, NULL, NULL);
	}
	path_of(d, "root-keys", path);
	if (roots)
		souc_doctor_add(d, SOU_MSG_DOCTOR_ROOT_KEYS, path, NULL, NULL);
}

static void look_settings(struct souc_doctor *d)
{
	char path[PATH_CAP];
	struct soud_settings_faults *faults = malloc(sizeof *faults);
	soud_options_default(&d->options);
	path_of(d, "soukatsud.conf", path);
	if (faults == NULL || access(path, F_OK) != 0)
		goto out;
	faults->count = 0;
	soud_settings_read_file(&d->options, path, d->cx->lang, faults);
	for (size_t i = 0; i < faults->count && i < SOUD_OPTIONS_FAULTS_MAX; i++)
		souc_doctor_add(d, faults->v[i].msg, faults->v[i].argument[0],
				faults->v[i].argument[1], faults->v[i].argument[2]);
out:
	free(faults);
}

static void look_fence(struct souc_doctor *d)
{
	char dir[PATH_CAP], file[PATH_CAP + 8];
	if (d->options.state_dir[0] != '\0')
		(void)snprintf(dir, sizeof dir, "%s", d->options.state_dir);
	else
		(void)snprintf(dir, sizeof dir, "%s.state", d->cx->data);
	(void)snprintf(file, sizeof file, "%s/fence", dir);
	if (access(file, F_OK) != 0)
		souc_doctor_add(d, SOU_MSG_DOCTOR_FENCE, file, NULL, NULL);
	else
		look_modes(d, dir);
}

bool souc_doctor_files(struct souc_doctor *d)
{
	struct stat st;
	if (lstat(d->cx->data, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(d->cx->data, R_OK | X_OK) != 0) {
		souc_doctor_add(d, SOU_MSG_REQUEST_USER, NULL, NULL, NULL);
		return false;
	}
	if (!is_there(d, "replica.db")) {
		souc_doctor_add(
			d, is_there(d, "joining") ? SOU_MSG_DATA_JOINING : SOU_MSG_DATA_MISSING,
			d->cx->data, NULL, NULL);
		return false;
	}
	if (soud_guard_is_network(d->cx->data))
		souc_doctor_add(d, SOU_MSG_DATA_NETWORK, d->cx->data, NULL, NULL);
	look_modes(d, d->cx->data);
	look_keys(d);
	look_settings(d);
	look_fence(d);
	return true;
}

/* --- Without a daemon --- */

static void look_space(struct souc_doctor *d)
{
	struct statvfs fs;
	if (statvfs(d->cx->data, &fs) != 0)
		return;
	uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize,
		 all = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (left < SOU_SPACE_READ_ONLY_BYTES || left < SOU_SPACE_LOW_BYTES ||
	    left < all / SOU_SPACE_LOW_PART)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_SPACE, (long long)(left >> 20));
}

static void look_reader(struct souc_doctor *d, struct soud_reader *v)
{
	uint64_t count = 0, contact_ms = 0, now = soud_wall_ms();
	int64_t oldest_ms = 0;
	if (soud_reader_identity(v)->hub)
		return;
	if (soud_sync_queued(v, &count, &oldest_ms) == SOU_OK && count > 0)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_UNSENT, (long long)count);
	if (soud_sync_contact(v, &contact_ms) && now > contact_ms &&
	    (now - contact_ms) / 86400000 >= SOU_DOCTOR_SILENT_DAYS)
		souc_doctor_add_number(d, SOU_MSG_DOCTOR_SILENT,
				       (long long)((now - contact_ms) / 86400000));
}

void souc_doctor_stopped(struct souc_doctor *d)
{
	const struct soud_replica_options options = {0};
	struct soud_reader *v = NULL;
	struct sou_err err = {0};
	char path[PATH_CAP];
	look_space(d);
	path_of(d, "replica.db", path);
	int rc = soud_reader_open(&v, path, &options, &err);
	if (rc == SOU_OK)
		look_reader(d, v);
	else if (rc == SOU_ETOONEW)
		souc_doctor_add(d, SOU_MSG_DOCTOR_REPLICA_NEWER, path, NULL, NULL);
	else if (rc != SOU_EBUSY)
		souc_doctor_add(d, SOU_MSG_REPLICA_DAMAGED, err.text, NULL, NULL);
	soud_reader_close(v);
}
