/* backup.h - a replica as one file to be kept elsewhere, and back (R6, R12, R20, R22).
 *
 *   file: "soukatsu-backup 1\n" | manifest, one line of JSON, "\n" | SHA-256 of both lines in hex,
 *         "\n" | the replica, a packed SQLite file of `bytes` bytes
 *
 * In it: all records, drafts, and the settings (soukatsud.conf). Not in it: any key, the fence, the
 * control socket. What is restored is unconfirmed (R12): it signs nothing before its own feeds were
 * compared, whatever the fence says.
 *
 * A backup is made beside a running daemon or without one: it is what one commit left. It has its
 * name only when it was taken back into a place aside and verified there. Nothing here changes the
 * replica that it copies. Blocking; made for a process of its own. */
#ifndef SOUD_BACKUP_H
#define SOUD_BACKUP_H

#include "daemon/replica/verify.h"
#include "proto/id.h"

#define SOUD_BACKUP_MANIFEST_BYTES_MAX 524288u     /* settings of 64 KiB, escaped, and the rest */
#define SOUD_BACKUP_SPARE_BYTES        (64u << 20) /* R21: what a backup leaves free on its disk */

enum soud_backup_stage {
	SOUD_BACKUP_COPY,  /* out of the replica */
	SOUD_BACKUP_WRITE, /* into or out of the file */
	SOUD_BACKUP_CHECK, /* every record and signature; done is 0 until it is `all` */
};
struct soud_backup_progress {
	void (*tell)(void *ctx, enum soud_backup_stage stage, uint64_t done, uint64_t all);
	void *ctx;
};

struct soud_backup_facts { /* the manifest */
	struct sou_id net, site;
	struct sou_hash genesis, site_key, own_last;
	struct sou_hash sha256; /* of the replica's bytes */
	uint64_t bytes, entries, ops, scopes, own;
	int64_t made_ms;
	int schema;
	bool hub;
	char software[64], name[256], organisation[64]; /* of the site; for people */
	char conf[65537];                               /* soukatsud.conf, "" where there is none */
};

struct soud_backup_space { /* set with SOU_EFULL where room was counted first */
	uint64_t needed, free;
};

struct soud_backup {
	const char *data_dir, *file; /* file: beside its scratch, FILE.part and FILE.check */
	bool replace;                /* of a file that has this name */
	const struct soud_backup_progress *progress; /* NULL: silent */
	struct soud_backup_space *space;             /* NULL: not told */
};
/* SOU_EEXIST: the file is there. SOU_EINPUT: it would lie in the data directory. SOU_EUNKNOWN: no
 * replica. SOU_EBUSY: another backup writes this file. SOU_EFULL: too little room (nothing was
 * written where space->needed > 0). SOU_ECORRUPT: the replica, or what was written, did not pass
 * the check: `verified` says what. SOU_EIO, SOU_ESTORE, SOU_ENOMEM. On any error the file is as it
 * was, and what lay aside is gone. */
int soud_backup_make(const struct soud_backup *args, struct soud_backup_facts *out,
		     struct soud_verified *verified, struct sou_err *err);

/* The manifest alone. SOU_EFORMAT: no backup, or a damaged one; SOU_ETOONEW; SOU_EUNKNOWN: no file.
 */
int soud_backup_look(const char *file, struct soud_backup_facts *out, struct sou_err *err);
/* All of it, as a test restore: taken out aside and verified. Errors as above. */
int soud_backup_check(const struct soud_backup *args, struct soud_backup_facts *out,
		      struct soud_verified *verified, struct sou_err *err);

struct soud_restore {
	const char *file, *data_dir; /* data_dir: made where it is not there */
	const char *keys_dir;        /* key files are copied from there; NULL: none are */
	bool replace; /* of a replica that is there: it is moved aside, never removed */
	const struct soud_backup_progress *progress;
	struct soud_backup_space *space;
};
struct soud_restored {
	struct soud_backup_facts facts;
	struct soud_verified verified;
	bool keys;        /* the keys that it needs are in DATA/keys and are its own */
	bool conf;        /* the settings were put back */
	char aside[4300]; /* where the replica that was there is now; "": there was none */
	uint64_t had_entries, had_ops; /* of the replica that was there */
	char missing[4300]; /* the first key file that is not there, where keys is false */
};
/* SOU_ERIGHT: root, in another user's directory, whose daemon could not use what root makes.
 * SOU_EBUSY: a daemon works there. SOU_EEXIST: there is a replica and `replace` is not set;
 * out->had_* and out->facts are set then, to say which has more. SOU_EKEY: the keys are another
 * site's. Others as above. On any error the directory holds the replica that it held. */
int soud_restore(const struct soud_restore *args, struct soud_restored *out, struct sou_err *err);

#endif
