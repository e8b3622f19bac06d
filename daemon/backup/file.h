/* file.h - the bytes of a backup: in, out, and what lies aside meanwhile. */
#ifndef SOUD_BACKUP_FILE_H
#define SOUD_BACKUP_FILE_H

#include "daemon/backup/backup.h"

#define BACKUP_PATH_BYTES 4300u

struct backup_aside { /* FILE.part and the folder FILE.check; nobody else's while `lock` is held */
	char part[BACKUP_PATH_BYTES], folder[BACKUP_PATH_BYTES];
	char replica[BACKUP_PATH_BYTES]; /* FILE.check/replica.db */
	int lock;                        /* FILE.check/lock; -1: not held */
};
/* Made anew, what a run that was cut has left removed. SOU_EBUSY: another run has it. */
int backup_aside_begin(struct backup_aside *a, const char *file, struct sou_err *err);
void backup_aside_clear(struct backup_aside *a); /* the folder stays, empty but for its lock */
void backup_aside_end(struct backup_aside *a);   /* all of it is gone */

/* Is there room for `bytes` more on the disk of `path`, and the spare? SOU_EFULL: space says. */
int backup_room(const char *path, uint64_t bytes, struct soud_backup_space *space,
		struct sou_err *err);

/* SHA-256 and size of a file. */
int backup_hash(const char *path, struct sou_hash *hash, uint64_t *bytes, struct sou_err *err);
/* A new file `part` of the manifest and the replica's bytes, durable, 0600. */
int backup_write(const char *part, const char *replica, const struct soud_backup_facts *f,
		 const struct soud_backup_progress *progress, struct sou_err *err);
/* Manifest, and where `to` is not NULL the replica into that new file, durable, 0600: SOU_EFORMAT
 * where one bit is another than was written. */
int backup_read(const char *file, const char *to, struct soud_backup_facts *out,
		const struct soud_backup_progress *progress, struct sou_err *err);

int backup_sync_folder(const char *path, struct sou_err *err); /* of the file `path` */
/* A replica's file and what SQLite keeps beside it. */
void backup_remove_replica(const char *path);

static inline void backup_tell(const struct soud_backup_progress *p, enum soud_backup_stage stage,
			       uint64_t done, uint64_t all)
{
	if (p != NULL && p->tell != NULL)
		p->tell(p->ctx, stage, done, all);
}

#endif
