/* copy.h - a replica as one file, looked at or copied without opening it for work: nothing here
 * makes, migrates or changes the replica that it reads (R12, R20, R22). Works beside a running
 * daemon: what is read is one commit, and the writer does not wait. */
#ifndef SOUD_STORE_COPY_H
#define SOUD_STORE_COPY_H

#include "proto/error.h"
#include "proto/id.h"

struct soud_store_facts { /* of any schema that was ever released */
	int schema;       /* as it stands; soud_store_schema_now is what this software works on */
	uint64_t entries, ops, scopes, own;
	struct sou_id net, site;
	struct sou_hash genesis, site_key, own_last;
	bool hub;
};

int soud_store_schema_now(void);
/* SOU_EUNKNOWN: no file, or no replica in it. SOU_ESTORE, SOU_ECORRUPT, SOU_EBUSY, SOU_ENOMEM. */
int soud_store_facts(const char *path, struct soud_store_facts *out, struct sou_err *err);

/* All of it into the new file `to`, packed: no free page, so nothing that was erased (R20). Not
 * durable yet. `progress` (may be NULL) is told bytes of about how many. SOU_EEXIST, SOU_EFULL,
 * SOU_EIO; others as above. On an error `to` may be left half done. */
int soud_store_copy(const char *path, const char *to,
		    void (*progress)(void *ctx, uint64_t done, uint64_t all), void *ctx,
		    struct sou_err *err);

/* A copy of a restored replica is to work on as another instance (R12): the fence, whatever it
 * says, will not agree with it. Durable. */
int soud_store_restored(const char *path, const struct sou_id *instance, struct sou_err *err);

/* The write-ahead log moved into the file, so that it is one file. Nobody else may have it open. */
int soud_store_fold(const char *path);

/* PATH-before-N, which migrations left beside the replica, hold texts that were redacted since
 * (R20): overwritten and removed. `vfs` NULL: the system's. SOU_EIO: one could not be. */
int soud_store_forget_copies(const char *path, const char *vfs);

#endif
