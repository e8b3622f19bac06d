/* body.h - a record as one byte string, for stores that keep it in a row. Not a wire format: it
 * never leaves the replica and is rebuilt when it changes. */
#ifndef SOUD_STORE_BODY_H
#define SOUD_STORE_BODY_H

#include "proto/merge.h"

/* Longer values stay in the log alone. Copies of texts cost W4 some 7 % of its CPU time, and a view
 * reads a record with its text in 2.5 us in place of 9.7 (bench_w4). */
#define SOUD_BODY_VALUE_BYTES_MAX 1024u

/* Append. Errors are buf->failed. */
void soud_body_pack(struct sou_buf *buf, const struct sou_record *record);

/* Registers, gaps and names of a record that is cleared; values borrow from record->bytes, into
 * which `body` is copied. SOU_ECORRUPT, SOU_ENOMEM. */
int soud_body_read(struct sou_record *record, struct sou_span body);

#endif
