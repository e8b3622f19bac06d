/* guard.h - what keeps a process' secrets and files to itself (R6, R20): modes of directories and
 * files, no core files, one daemon for a directory, and files that are whole or not there. */
#ifndef SOUD_GUARD_H
#define SOUD_GUARD_H

#include "proto/bytes.h"
#include "proto/error.h"

/* No core file, not dumpable, not traceable by others; what it makes is closed to others. Call
 * first in main. SOU_EIO. */
int soud_guard_process(struct sou_err *err);

/* Make a directory 0700 (parents must be there), or check one: ours, a directory and no link,
 * closed to others. SOU_EINPUT: open to others, or another user's; SOU_EIO. */
int soud_guard_dir(const char *path, struct sou_err *err);
/* Check that nothing in the directory is open to others (files 0600 or less, directories 0700). */
int soud_guard_tree(const char *path, struct sou_err *err);

/* What is wrong, for who must say it in words: the first path that does not pass. */
enum soud_guard_fault {
	SOUD_GUARD_NOTHING,
	SOUD_GUARD_KIND,  /* no directory, or a link */
	SOUD_GUARD_OWNER, /* another user's */
	SOUD_GUARD_MODE,  /* open to others */
};
struct soud_guard_finding {
	enum soud_guard_fault fault;
	unsigned mode;
	char path[1200]; /* cut where it is longer */
};
void soud_guard_look(const char *path, struct soud_guard_finding *out);
bool soud_guard_is_network(const char *path);

/* A file lock on DATA/lock (a separate file), held until soud_guard_unlock or the end of the
 * process. SOU_EBUSY: another daemon holds it. SOU_EINPUT: a network file system (R6). */
int soud_guard_lock(const char *data_dir, int *fd, struct sou_err *err);
void soud_guard_unlock(int fd);

/* A new file: written aside, synced, renamed, directory synced. mode 0400 or 0600. SOU_EEXIST where
 * `replace` is false. SOU_EIO. */
int soud_guard_write(const char *path, struct sou_span bytes, unsigned mode, bool replace,
		     struct sou_err *err);
/* Whole file into buf, at most bytes_max. SOU_EUNKNOWN: not there; SOU_ELIMIT; SOU_EIO; SOU_ENOMEM.
 */
int soud_guard_read(const char *path, size_t bytes_max, struct sou_buf *buf, struct sou_err *err);

#endif
