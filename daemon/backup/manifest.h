/* manifest.h - the head of a backup file. Pure but for reading and writing the descriptor. */
#ifndef SOUD_BACKUP_MANIFEST_H
#define SOUD_BACKUP_MANIFEST_H

#include "daemon/backup/backup.h"
#include "proto/bytes.h"

/* Append all three lines. SOU_ENOMEM. */
int manifest_pack(struct sou_buf *buf, const struct soud_backup_facts *f);
/* From the beginning of a file; *head_bytes is where the replica begins. SOU_EAGAIN: not all of it
 * is there yet. SOU_EFORMAT, SOU_ETOONEW, SOU_ENOMEM. */
int manifest_read(struct sou_span bytes, struct soud_backup_facts *out, size_t *head_bytes);

#endif
