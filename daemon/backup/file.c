/* file.c - what a backup reads and writes. Every file is made new, closed to others, and durable
 * before it has its name; what is read is believed when its sum is right. */
#define _GNU_SOURCE
#include "daemon/backup/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/backup/manifest.h"
#include "daemon/keys/guard.h"
#include "daemon/store/copy.h"
#include "proto/crypto.h"

#define PART_BYTES (256u << 10)

static int path_of(char out[BACKUP_PATH_BYTES], const char *file, const char *end,
		   struct sou_err *err)
{
	int n = snprintf(out, BACKUP_PATH_BYTES, "%s%s", file, end);
	return n < 0 || (size_t)n + 64 >= BACKUP_PATH_BYTES
		       ? sou_err_set(err, SOU_ELIMIT, "%s: path is too long", file)
		       : SOU_OK;
}

static int failed(struct sou_err *err, const char *path, const char *what)
{
	int rc = errno == ENOSPC || errno == EDQUOT ? SOU_EFULL : SOU_EIO;
	return sou_err_set(err, rc, "%s: %s: %s", path, what, strerror(errno));
}

void backup_remove_replica(const char *path)
{
	static const char *const ends[] = {
		"",        "-wal",        "-shm",        "-journal",
		"-verify", "-verify-wal", "-verify-shm", "-verify-journal"};
	char name[BACKUP_PATH_BYTES];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
		(void)remove(name);
	}
	(void)soud_store_forget_copies(path, NULL);
}

int backup_aside_begin(struct backup_aside *a, const char *file, struct sou_err *err)
{
	char lock[BACKUP_PATH_BYTES];
	*a = (struct backup_aside){.lock = -1};
	int rc = path_of(a->part, file, ".part", err);
	if (rc == SOU_OK)
		rc = path_of(a->folder, file, ".check", err);
	if (rc == SOU_OK)
		rc = path_of(a->replica, a->folder, "/replica.db", err);
	if (rc == SOU_OK)
		rc = path_of(lock, a->folder, "/lock", err);
	if (rc == SOU_OK)
		rc = soud_guard_dir(a->folder, err);
	if (rc == SOU_OK)
		rc = soud_guard_lock(a->folder, &a->lock, err);
	if (rc != SOU_OK)
		return rc;
	backup_aside_clear(a);
	(void)remove(a->part);
	return SOU_OK;
}

void backup_aside_clear(struct backup_aside *a)
{
	backup_remove_replica(a->replica);
}

void backup_aside_end(struct backup_aside *a)
{
	char lock[BACKUP_PATH_BYTES + 8];
	if (a->lock < 0)
		return;
	backup_aside_clear(a);
	(void)remove(a->part);
	(void)snprintf(lock, sizeof lock, "%s/lock", a->folder);
	(void)remove(lock);
	(void)remove(a->folder);
	soud_guard_unlock(a->lock);
	a->lock = -1;
}

int backup_room(const char *path, uint64_t bytes, struct soud_backup_space *space,
		struct sou_err *err)
{
	struct statvfs fs;
	struct soud_backup_space s = {.needed = bytes + SOUD_BACKUP_SPARE_BYTES};
	if (statvfs(path, &fs) != 0)
		return failed(err, path, "how much room there is");
	s.free = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (s.free >= s.needed)
		return SOU_OK;
	if (space != NULL)
		*space = s;
	return sou_err_set(err, SOU_EFULL, "%s: %llu bytes are needed, %llu are free", path,
			   (unsigned long long)s.needed, (unsigned long long)s.free);
}

static int open_new(const char *path, int *fd, struct sou_err *err)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *fd >= 0 ? SOU_OK : failed(err, path, "cannot be made");
}

static int put_all(int fd, const char *path, const uint8_t *p, size_t n, struct sou_err *err)
{
	while (n > 0) {
		ssize_t wrote = write(fd, p, n);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return failed(err, path, "cannot be written");
		p += wrote;
		n -= (size_t)wrote;
	}
	return SOU_OK;
}

static ssize_t get_some(int fd, uint8_t *p, size_t n)
{
	ssize_t got;
	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* What is left of `from`, into `to` (-1: nowhere), and through the hasher. */
static int pour(int from, const char *from_path, int to, const char *to_path,
		struct sou_hasher *hasher, uint64_t all,
		const struct soud_backup_progress *progress, uint64_t *bytes, struct sou_err *err)
{
	uint8_t *part = malloc(PART_BYTES);
	int rc = part != NULL ? SOU_OK : sou_err_set(err, SOU_ENOMEM, "backup: no memory");
	uint64_t done = 0;
	while (rc == SOU_OK) {
		ssize_t n = get_some(from, part, PART_BYTES);
		if (n < 0)
			rc = failed(err, from_path, "cannot be read");
		if (n <= 0)
			break;
		sou_hasher_put(hasher, part, (size_t)n);
		if (to >= 0)
			rc = put_all(to, to_path, part, (size_t)n, err);
		done += (uint64_t)n;
		backup_tell(progress, SOUD_BACKUP_WRITE, done, all);
	}
	free(part);
	*bytes = done;
	return rc;
}

int backup_hash(const char *path, struct sou_hash *hash, uint64_t *bytes, struct sou_err *err)
{
	struct sou_hasher *hasher = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return failed(err, path, "cannot be read");
	int rc = sou_hasher_new(&hasher);
	if (rc == SOU_OK) {
		sou_hasher_begin(hasher, SOU_DOMAIN_NONE);
		rc = pour(fd, path, -1, "", hasher, 0, NULL, bytes, err);
	} else {
		(void)sou_err_set(err, rc, "backup: no memory");
	}
	if (rc == SOU_OK)
		*hash = sou_hasher_end(hasher);
	sou_hasher_free(hasher);
	(void)close(fd);
	return rc;
}

static int write_parts(int from, const char *replica, int to, const char *part,
		       const struct soud_backup_facts *f,
		       const struct soud_backup_progress *progress, struct sou_err *err)
{
	struct sou_hasher *hasher = NULL;
	struct sou_buf head = {0};
	struct sou_hash hash;
	uint64_t bytes = 0;
	int rc = manifest_pack(&head, f);
	if (rc == SOU_OK)
		rc = sou_hasher_new(&hasher);
	if (rc != SOU_OK)
		(void)sou_err_set(err, rc, "backup: no memory");
	if (rc == SOU_OK)
		rc = put_all(to, part, head.p, head.n, err);
	if (rc == SOU_OK) {
		sou_hasher_begin(hasher, SOU_DOMAIN_NONE);
		rc = pour(from, replica, to, part, hasher, f->bytes, progress, &bytes, err);
	}
	if (rc == SOU_OK) {
		hash = sou_hasher_end(hasher);
		if (bytes != f->bytes || !sou_hash_eq(&hash, &f->sha256))
			rc = sou_err_set(err, SOU_EIO, "%s: gives other bytes than before",
					 replica);
	}
	if (rc == SOU_OK && fsync(to) != 0)
		rc = failed(err, part, "cannot be synced");
	sou_hasher_free(hasher);
	sou_buf_fini(&head);
	return rc;
}

int backup_write(const char *part, const char *replica, const struct soud_backup_facts *f,
		 const struct soud_backup_progress *progress, struct sou_err *err)
{
	int to, from = open(replica, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0)
		return failed(err, replica, "cannot be read");
	int rc = open_new(part, &to, err);
	if (rc == SOU_OK) {
		rc = write_parts(from, replica, to, part, f, progress, err);
		(void)close(to);
	}
	(void)close(from);
	return rc;
}

/* The head, as much as there is of it; the descriptor then stands where the replica begins. */
static int read_head(int fd, const char *file, struct soud_backup_facts *out, struct sou_err *err)
{
	struct sou_buf head = {0};
	size_t bytes = 0;
	int rc = SOU_EAGAIN;
	while (rc == SOU_EAGAIN) {
		uint8_t part[4096];
		ssize_t n = get_some(fd, part, sizeof part);
		if (n < 0) {
			rc = failed(err, file, "cannot be read");
			goto out;
		}
		sou_buf_put(&head, part, (size_t)n);
		rc = head.failed   ? SOU_ENOMEM
		     : head.n == 0 ? SOU_EFORMAT
				   : manifest_read(sou_buf_span(&head), out, &bytes);
		if (rc == SOU_EAGAIN && n == 0)
			rc = SOU_EFORMAT;
	}
	if (rc == SOU_OK && lseek(fd, (off_t)bytes, SEEK_SET) < 0)
		rc = failed(err, file, "cannot be read");
	else if (rc != SOU_OK)
		(void)sou_err_set(err, rc, "%s: %s", file, sou_err_text(rc));
out:
	sou_buf_fini(&head);
	return rc;
}

static int read_replica(int from, const char *file, const char *to_path,
			const struct soud_backup_facts *f,
			const struct soud_backup_progress *progress, struct sou_err *err)
{
	struct sou_hasher *hasher = NULL;
	struct sou_hash hash;
	uint64_t bytes = 0;
	int to, rc = sou_hasher_new(&hasher);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "backup: no memory");
	rc = open_new(to_path, &to, err);
	if (rc != SOU_OK) {
		sou_hasher_free(hasher);
		return rc;
	}
	sou_hasher_begin(hasher, SOU_DOMAIN_NONE);
	rc = pour(from, file, to, to_path, hasher, f->bytes, progress, &bytes, err);
	hash = sou_hasher_end(hasher);
	if (rc == SOU_OK && (bytes != f->bytes || !sou_hash_eq(&hash, &f->sha256)))
		rc = sou_err_set(err, SOU_EFORMAT, "%s: its bytes are not those that were written",
				 file);
	if (rc == SOU_OK && fsync(to) != 0)
		rc = failed(err, to_path, "cannot be synced");
	(void)close(to);
	sou_hasher_free(hasher);
	return rc;
}

int backup_read(const char *file, const char *to, struct soud_backup_facts *out,
		const struct soud_backup_progress *progress, struct sou_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return sou_err_set(err, SOU_EUNKNOWN, "%s: %s", file, strerror(errno));
	if (fd < 0)
		return failed(err, file, "cannot be read");
	int rc = read_head(fd, file, out, err);
	if (rc == SOU_OK && to != NULL)
		rc = read_replica(fd, file, to, out, progress, err);
	(void)close(fd);
	return rc;
}

int backup_sync_folder(const char *path, struct sou_err *err)
{
	char folder[BACKUP_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	if (n >= sizeof folder)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", path);
	memcpy(folder, path, n);
	memcpy(folder + n, ".", 2);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? SOU_OK : failed(err, folder, "cannot be synced");
	if (fd >= 0)
		(void)close(fd);
	return rc;
}
