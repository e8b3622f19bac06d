/* guard.c - modes, locks, whole files. Nothing here follows a link in its last step, and what is
 * written is durable (file, then folder) before it has its name. */
#define _GNU_SOURCE
#include "daemon/keys/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proto/crypto.h"

#define PATH_BYTES_MAX 4096u
#define TREE_DEPTH_MAX 4u
#define OTHERS         (S_IRWXG | S_IRWXO)

int soud_guard_process(struct sou_err *err)
{
	const struct rlimit none = {0, 0};
	(void)umask(077);
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return sou_err_set(err, SOU_EIO, "core files cannot be forbidden: %s",
				   strerror(errno));
	(void)umask(OTHERS); /* SQLite and all else that makes files here asks for 0644 */
#ifndef __SANITIZE_ADDRESS__ /* its leak check attaches to the process, as a thief would */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return sou_err_set(err, SOU_EIO, "the process cannot be closed: %s",
				   strerror(errno));
#endif
	return SOU_OK;
}

/* Ours and closed to others? A root that looks at a service user's folder is no other. */
static enum soud_guard_fault stat_fault(const struct stat *st, bool dir)
{
	if (dir ? !S_ISDIR(st->st_mode) : S_ISLNK(st->st_mode))
		return SOUD_GUARD_KIND;
	if (st->st_uid != geteuid() && geteuid() != 0)
		return SOUD_GUARD_OWNER;
	return (st->st_mode & OTHERS) != 0 ? SOUD_GUARD_MODE : SOUD_GUARD_NOTHING;
}

static int check_stat(const char *path, const struct stat *st, bool dir,
		      struct soud_guard_finding *found, struct sou_err *err)
{
	enum soud_guard_fault fault = stat_fault(st, dir);
	if (fault == SOUD_GUARD_NOTHING)
		return SOU_OK;
	if (found != NULL) {
		found->fault = fault;
		found->mode = (unsigned)(st->st_mode & 07777);
		(void)snprintf(found->path, sizeof found->path, "%s", path);
	}
	if (fault == SOUD_GUARD_KIND)
		return sou_err_set(err, SOU_EINPUT, "%s: %s", path,
				   dir ? "is no folder" : "is a link");
	if (fault == SOUD_GUARD_OWNER)
		return sou_err_set(err, SOU_EINPUT, "%s: belongs to another user", path);
	return sou_err_set(err, SOU_EINPUT, "%s: mode %04o is open to others (chmod go= %s)", path,
			   (unsigned)(st->st_mode & 07777), path);
}

int soud_guard_dir(const char *path, struct sou_err *err)
{
	struct stat st;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return sou_err_set(err, SOU_EIO, "%s: cannot be made: %s", path, strerror(errno));
	if (lstat(path, &st) != 0)
		return sou_err_set(err, SOU_EIO, "%s: %s", path, strerror(errno));
	return check_stat(path, &st, true, NULL, err);
}

static int check_tree(const char *path, unsigned depth, struct soud_guard_finding *found,
		      struct sou_err *err)
{
	struct stat st;
	if (lstat(path, &st) != 0) /* -wal and -shm come and go */
		return errno == ENOENT ? SOU_OK
				       : sou_err_set(err, SOU_EIO, "%s: %s", path, strerror(errno));
	int rc = check_stat(path, &st, depth == 0, found, err);
	if (rc != SOU_OK || !S_ISDIR(st.st_mode) || depth == TREE_DEPTH_MAX)
		return rc;
	DIR *dir = opendir(path);
	if (dir == NULL)
		return sou_err_set(err, SOU_EIO, "%s: %s", path, strerror(errno));
	struct dirent *e;
	while (rc == SOU_OK && (e = readdir(dir)) != NULL) {
		char sub[PATH_BYTES_MAX];
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int n = snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
		rc = n < 0 || (size_t)n >= sizeof sub
			     ? sou_err_set(err, SOU_ELIMIT, "%s: path is too long", path)
			     : check_tree(sub, depth + 1, found, err);
	}
	(void)closedir(dir);
	return rc;
}

int soud_guard_tree(const char *path, struct sou_err *err)
{
	return check_tree(path, 0, NULL, err);
}

void soud_guard_look(const char *path, struct soud_guard_finding *out)
{
	*out = (struct soud_guard_finding){.fault = SOUD_GUARD_NOTHING};
	(void)check_tree(path, 0, out, NULL);
}

/* R6: their locks and syncs promise less than SQLite needs. */
static bool is_network(long type)
{
	static const unsigned long types[] = {
		0x6969,     /* NFS */
		0x517b,     /* SMB */
		0xff534d42, /* CIFS */
		0xfe534d42, /* SMB 2 */
		0x5346414f, /* AFS */
		0x73757245, /* Coda */
		0x01021997, /* 9P */
		0x00c36400, /* Ceph */
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (((unsigned long)type & 0xffffffff) == types[i])
			return true;
	}
	return false;
}

bool soud_guard_is_network(const char *path)
{
	struct statfs fs;
	return statfs(path, &fs) == 0 && is_network((long)fs.f_type);
}

int soud_guard_lock(const char *data_dir, int *fd, struct sou_err *err)
{
	char path[PATH_BYTES_MAX];
	int n = snprintf(path, sizeof path, "%s/lock", data_dir);
	if (n < 0 || (size_t)n >= sizeof path)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", data_dir);
	struct statfs fs;
	if (statfs(data_dir, &fs) != 0)
		return sou_err_set(err, SOU_EIO, "%s: %s", data_dir, strerror(errno));
	if (is_network((long)fs.f_type))
		return sou_err_set(err, SOU_EINPUT, "%s: lies on a network file system", data_dir);
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return sou_err_set(err, SOU_EIO, "%s: %s", path, strerror(errno));
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		int held = errno == EWOULDBLOCK;
		int rc = held ? sou_err_set(err, SOU_EBUSY, "%s: another process works here",
					    data_dir)
			      : sou_err_set(err, SOU_EIO, "%s: %s", path, strerror(errno));
		(void)close(lock);
		return rc;
	}
	*fd = lock;
	return SOU_OK;
}

void soud_guard_unlock(int fd)
{
	if (fd >= 0)
		(void)close(fd); /* the file stays: removing it would race with the next */
}

static int sync_parent(const char *path, struct sou_err *err)
{
	char dir[PATH_BYTES_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 1 : (size_t)(slash - path);
	if (n >= sizeof dir)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", path);
	memcpy(dir, slash == NULL ? "." : slash == path ? "/" : path, n == 0 ? 1 : n);
	dir[n == 0 ? 1 : n] = '\0';
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0
			 ? SOU_OK
			 : sou_err_set(err, SOU_EIO, "%s: sync: %s", dir, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int write_whole(int fd, struct sou_span bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return fsync(fd);
}

int soud_guard_write(const char *path, struct sou_span bytes, unsigned mode, bool replace,
		     struct sou_err *err)
{
	char aside[PATH_BYTES_MAX];
	int n = snprintf(aside, sizeof aside, "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof aside)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", path);
	(void)unlink(aside); /* of a start that was cut short */
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return sou_err_set(err, SOU_EIO, "%s: cannot be made: %s", aside, strerror(errno));
	int rc = SOU_OK;
	if (fchmod(fd, mode) != 0 || write_whole(fd, bytes) != 0)
		rc = sou_err_set(err, SOU_EIO, "%s: cannot be written: %s", aside, strerror(errno));
	(void)close(fd);
	if (rc == SOU_OK && (replace ? rename(aside, path) : link(aside, path)) != 0)
		rc = sou_err_set(err, errno == EEXIST ? SOU_EEXIST : SOU_EIO, "%s: %s", path,
				 strerror(errno));
	if (rc != SOU_OK || !replace)
		(void)unlink(aside);
	return rc == SOU_OK ? sync_parent(path, err) : rc;
}

int soud_guard_read(const char *path, size_t bytes_max, struct sou_buf *buf, struct sou_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return sou_err_set(err, errno == ENOENT ? SOU_EUNKNOWN : SOU_EIO, "%s: %s", path,
				   strerror(errno));
	int rc = SOU_OK;
	uint8_t part[4096];
	for (;;) {
		ssize_t n = read(fd, part, sizeof part);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = sou_err_set(err, SOU_EIO, "%s: %s", path, strerror(errno));
		if (n <= 0)
			break;
		if (buf->n + (size_t)n > bytes_max) {
			rc = sou_err_set(err, SOU_ELIMIT, "%s: more than %zu bytes", path,
					 bytes_max);
			break;
		}
		sou_buf_put(buf, part, (size_t)n);
	}
	(void)close(fd);
	sou_cleanse(part, sizeof part); /* it may have been a key */
	if (rc == SOU_OK && buf->failed)
		rc = sou_err_set(err, SOU_ENOMEM, "%s: no memory", path);
	return rc;
}
