/* batch.h - entries on the wire: runs of one chain, from which headers are rebuilt, compressed once
 * (P11.6, P11.8 - P11.10). Pure. One struct for each thread: it holds zstd's state and the buffers.
 */
#ifndef SOU_BATCH_H
#define SOU_BATCH_H

#include "entry.h"

struct sou_batch;

int sou_batch_new(struct sou_batch **out); /* SOU_ENOMEM */
void sou_batch_free(struct sou_batch *batch);

/* --- Packing: begin, add in order of arrival, end. --- */

struct sou_batch_item { /* borrowed for the call */
	struct sou_span header;
	struct sou_span payload;  /* either form; n = 0: header only */
	const uint8_t *signature; /* 64 bytes; NULL: its own is not held */
	bool keep_signature; /* never left out: the sender's own entry, or asked for (P11.10) */
	struct sou_hash id;  /* of the header, as stored */
};

struct sou_batch_sent {
	size_t covered; /* so many of the first items added are in the batch, or cannot be sent */
	size_t entries; /* in the batch */
	uint64_t raw_bytes;
	bool is_zstd;
};

/* raw_bytes_max: where to stop; at most SOU_BATCH_PACK_BYTES is used. The first item always fits.
 */
void sou_batch_begin(struct sou_batch *batch, size_t raw_bytes_max);

/* SOU_OK: taken. SOU_EAGAIN: full; end this batch, the item begins the next. SOU_ECORRUPT: not
 * bytes of an entry of this scope; nothing was taken. SOU_ENOMEM. Entries of one chain join their
 * run wherever they come in the batch; runs stand in the order of their first entries. */
int sou_batch_add(struct sou_batch *batch, const struct sou_batch_item *item);

/* Append the data to `data`. A run ends at an entry whose own signature is held: `covered` is less
 * than what was added where later entries are needed for that. Where even the first item has no
 * signature above it, what cannot be sent is passed over (the receiver fetches it by id).
 * SOU_ENOMEM. */
int sou_batch_end(struct sou_batch *batch, struct sou_buf *data, struct sou_batch_sent *out);

/* --- Reading. --- */

struct sou_batch_entry {          /* all borrowed until the next call on the batch */
	struct sou_span header;   /* rebuilt, canonical */
	struct sou_span payload;  /* n = 0: header only */
	const uint8_t *signature; /* NULL: left out */
	struct sou_entry *entry;  /* facts, header, ops; facts.sig_checked false */
	uint32_t run;             /* number of the run */
	bool ends_run;            /* the last of it */
};

/* Borrows `data` until the last next. SOU_EFORMAT, SOU_ELIMIT; SOU_ENOMEM. */
int sou_batch_open(struct sou_batch *batch, struct sou_span data, bool is_zstd, uint64_t raw_bytes,
		   const struct sou_id *net, const struct sou_id *scope);

/* The next entry; *out is NULL after the last. On any error (as above) the whole batch is to be
 * refused, with the entries that it gave before. */
int sou_batch_next(struct sou_batch *batch, const struct sou_batch_entry **out);

#endif
