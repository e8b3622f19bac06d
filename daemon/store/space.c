/* space.c - the three states of a disk, and the file that is given up when it is full (R21). */
#define _GNU_SOURCE
#include "daemon/store/space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "proto/limits.h"

#define PATH_BYTES 1200u

struct soud_space {
	uv_mutex_t lock; /* guards what follows */
	struct soud_space_now now;
	soud_space_probe *probe;
	void *probe_ctx;
	char dir[PATH_BYTES], reserve[PATH_BYTES], aside[PATH_BYTES];
};

static int ask_system(void *ctx, const char *dir, uint64_t *free_bytes, uint64_t *all_bytes)
{
	(void)ctx;
	struct statvfs fs;
	if (statvfs(dir, &fs) != 0)
		return SOU_EIO;
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	*all_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	return SOU_OK;
}

/* All of it there, and allotted: a sparse file keeps no room. */
static bool reserve_is_whole(const struct soud_space *s)
{
	struct stat st;
	return lstat(s->reserve, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == SOU_SPACE_RESERVE_BYTES &&
	       (uint64_t)st.st_blocks * 512 >= SOU_SPACE_RESERVE_BYTES;
}

/* Of use only when it is durable: what is given up must have been taken from the disk. */
static bool reserve_make(const struct soud_space *s)
{
	(void)unlink(s->aside);
	(void)unlink(s->reserve); /* cut short, or another file */
	int fd = open(s->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	bool made = posix_fallocate(fd, 0, SOU_SPACE_RESERVE_BYTES) == 0 && fsync(fd) == 0;
	made = close(fd) == 0 && made && rename(s->aside, s->reserve) == 0;
	if (!made)
		(void)unlink(s->aside);
	return made && reserve_is_whole(s);
}

static void reserve_give(struct soud_space *s)
{
	(void)unlink(s->reserve);
	(void)unlink(s->aside);
	s->now.reserve = false;
}

static enum soud_space_state judge(const struct soud_space *s, uint64_t free_bytes, uint64_t all)
{
	uint64_t enough = SOU_SPACE_READ_ONLY_BYTES;
	if (s->now.state == SOUD_SPACE_READ_ONLY && !s->now.reserve)
		enough += SOU_SPACE_RESERVE_BYTES; /* it is made first */
	if (free_bytes < enough)
		return SOUD_SPACE_READ_ONLY;
	return free_bytes < SOU_SPACE_LOW_BYTES || free_bytes < all / SOU_SPACE_LOW_PART
		       ? SOUD_SPACE_LOW
		       : SOUD_SPACE_OK;
}

/* Locked. */
static void look(struct soud_space *s)
{
	uint64_t free_bytes, all;
	if (s->probe(s->probe_ctx, s->dir, &free_bytes, &all) != SOU_OK)
		return;
	if (!s->now.reserve &&
	    free_bytes >= SOU_SPACE_READ_ONLY_BYTES + (uint64_t)SOU_SPACE_RESERVE_BYTES) {
		s->now.reserve = reserve_make(s);
		if (s->now.reserve)
			free_bytes -= SOU_SPACE_RESERVE_BYTES;
	}
	s->now.state = judge(s, free_bytes, all);
	s->now.free_bytes = free_bytes;
	s->now.all_bytes = all;
}

int soud_space_new(struct soud_space **out, const char *dir, soud_space_probe *probe, void *ctx,
		   struct sou_err *err)
{
	struct soud_space *s = calloc(1, sizeof *s);
	if (s == NULL)
		return sou_err_set(err, SOU_ENOMEM, "space: no memory");
	s->probe = probe != NULL ? probe : ask_system;
	s->probe_ctx = ctx;
	int n = snprintf(s->aside, sizeof s->aside, "%s/reserve.new", dir);
	if (n < 0 || (size_t)n >= sizeof s->aside) {
		free(s);
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", dir);
	}
	(void)snprintf(s->dir, sizeof s->dir, "%s", dir);
	(void)snprintf(s->reserve, sizeof s->reserve, "%s/reserve", dir);
	if (uv_mutex_init(&s->lock) != 0) {
		free(s);
		return sou_err_set(err, SOU_EIO, "space: no lock");
	}
	s->now.reserve = reserve_is_whole(s);
	look(s);
	*out = s;
	return SOU_OK;
}

void soud_space_free(struct soud_space *s)
{
	if (s == NULL)
		return;
	uv_mutex_destroy(&s->lock);
	free(s);
}

struct soud_space_now soud_space_look(struct soud_space *s)
{
	uv_mutex_lock(&s->lock);
	look(s);
	struct soud_space_now now = s->now;
	uv_mutex_unlock(&s->lock);
	return now;
}

bool soud_space_takes(struct soud_space *s, enum soud_space_need need)
{
	bool takes = true;
	uv_mutex_lock(&s->lock);
	look(s);
	bool full = s->now.state == SOUD_SPACE_READ_ONLY,
	     scarce = full && s->now.free_bytes < SOU_SPACE_RESERVE_BYTES;
	switch (need) {
	case SOUD_NEED_ENTRIES:
		takes = !full;
		break;
	case SOUD_NEED_MARKS:
		takes = !scarce;
		break;
	case SOUD_NEED_AUTHORITY:
		if (scarce && s->now.reserve) {
			reserve_give(s);
			look(s);
		}
		break;
	}
	uv_mutex_unlock(&s->lock);
	return takes;
}

const char *soud_space_name(enum soud_space_state state)
{
	static const char *const names[] = {
		[SOUD_SPACE_OK] = "ok",
		[SOUD_SPACE_LOW] = "low",
		[SOUD_SPACE_READ_ONLY] = "read_only",
	};
	return names[state];
}
