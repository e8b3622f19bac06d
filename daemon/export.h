/* export.h - texts of own entries that are damaged here and were never sent, and of those after
 * them, put into a file for a person (R22). */
#ifndef SOUD_EXPORT_H
#define SOUD_EXPORT_H

#include "daemon/replica/reader.h"

/* One file for each scope that has such entries: DIR/damaged-<8 digits of the scope>.jsonl, 0600,
 * each time written anew; a line for each entry, as JSON. Nothing where there is none. SOU_EIO,
 * SOU_ENOMEM, SOU_ESTORE. */
int soud_export_damaged(struct soud_reader *v, const char *dir, struct sou_err *err);

#endif
