/* fence.c - the fence as a file of two slots, each its own 512-byte sector, written and synced by
 * itself (R12). What the slots say is the replica's. */
#define _GNU_SOURCE
#include "daemon/keys/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keys/guard.h"

#define SECTOR_BYTES 512u /* a torn write touches one slot */
_Static_assert(SOUD_FENCE_BYTES <= SECTOR_BYTES, "a slot fits in a sector");

struct soud_fence_file {
	char path[PATH_MAX];
	int fd; /* -1: no file yet */
};

static int fence_read(void *ctx, unsigned slot, uint8_t out[SOUD_FENCE_BYTES])
{
	struct soud_fence_file *f = ctx;
	if (f->fd < 0)
		return SOU_EUNKNOWN;
	ssize_t n = pread(f->fd, out, SOUD_FENCE_BYTES, (off_t)slot * SECTOR_BYTES);
	if (n < 0)
		return SOU_EIO;
	if ((size_t)n < SOUD_FENCE_BYTES) /* never written: no slot's checksum agrees with it */
		memset(out + n, 0, SOUD_FENCE_BYTES - (size_t)n);
	return SOU_OK;
}

static int sync_folder(const char *path)
{
	char dir[PATH_MAX];
	size_t n = strlen(path) - strlen(strrchr(path, '/'));
	memcpy(dir, path, n);
	dir[n] = '\0';
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return SOU_EIO;
	int rc = fsync(fd) == 0 ? SOU_OK : SOU_EIO;
	(void)close(fd);
	return rc;
}

static int fence_write(void *ctx, unsigned slot, const uint8_t bytes[SOUD_FENCE_BYTES])
{
	struct soud_fence_file *f = ctx;
	bool made = f->fd < 0;
	if (made)
		f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return SOU_EIO;
	uint8_t sector[SECTOR_BYTES] = {0};
	memcpy(sector, bytes, SOUD_FENCE_BYTES);
	if (pwrite(f->fd, sector, sizeof sector, (off_t)slot * SECTOR_BYTES) != SECTOR_BYTES ||
	    fdatasync(f->fd) != 0)
		return SOU_EIO;
	return made ? sync_folder(f->path) : SOU_OK;
}

/* Is `inner` the folder `outer` or in it, by their real names? */
static bool is_inside(const char *outer, const char *inner)
{
	char a[PATH_MAX], b[PATH_MAX];
	if (realpath(outer, a) == NULL || realpath(inner, b) == NULL)
		return false;
	size_t n = strlen(a);
	return strncmp(a, b, n) == 0 && (b[n] == '/' || b[n] == '\0');
}

int soud_fence_file_open(struct soud_fence_file **out, const char *data_dir, const char *state_dir,
			 struct sou_err *err)
{
	struct soud_fence_file *f = calloc(1, sizeof *f);
	if (f == NULL)
		return sou_err_set(err, SOU_ENOMEM, "fence: no memory");
	char dir[PATH_MAX];
	size_t end = strlen(data_dir);
	while (end > 1 && data_dir[end - 1] == '/')
		end--;
	int n = state_dir != NULL && state_dir[0] != '\0'
			? snprintf(dir, sizeof dir, "%s", state_dir)
			: snprintf(dir, sizeof dir, "%.*s.state", (int)end, data_dir);
	int rc = SOU_OK;
	if (n < 0 || (size_t)n >= sizeof dir - sizeof "/fence")
		rc = sou_err_set(err, SOU_ELIMIT, "%s: path is too long", data_dir);
	if (rc == SOU_OK)
		rc = soud_guard_dir(dir, err);
	if (rc == SOU_OK && is_inside(data_dir, dir))
		rc = sou_err_set(err, SOU_EINPUT,
				 "%s: lies in the data folder, and would be restored with it", dir);
	if (rc == SOU_OK) {
		memcpy(f->path, dir, (size_t)n);
		memcpy(f->path + n, "/fence", sizeof "/fence");
		f->fd = open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (f->fd < 0 && errno != ENOENT)
			rc = sou_err_set(err, SOU_EIO, "%s: %s", f->path, strerror(errno));
	}
	if (rc != SOU_OK) {
		free(f);
		return rc;
	}
	*out = f;
	return SOU_OK;
}

void soud_fence_file_close(struct soud_fence_file *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f);
}

void soud_fence_file_io(struct soud_fence_file *f, struct soud_fence_io *out)
{
	*out = (struct soud_fence_io){f, fence_read, fence_write};
}

struct sou_id soud_fence_machine(void)
{
	struct sou_id id = {{0}};
	struct sou_buf buf = {0};
	if (soud_guard_read("/etc/machine-id", 4096, &buf, NULL) == SOU_OK && buf.n >= 32) {
		struct sou_hash hash = sou_sha256(buf.p, buf.n); /* the id itself is not told */
		id = sou_hash_half(&hash);
	}
	sou_buf_fini(&buf);
	return id;
}
