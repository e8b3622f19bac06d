/* batch_int.h - what batch.c (zstd), batch_pack.c and batch_read.c share. Nobody else includes it.
 */
#ifndef SOU_BATCH_INT_H
#define SOU_BATCH_INT_H

#include "batch.h"
#include "limits.h"
#include "mp.h"

#define BATCH_NONE   UINT32_MAX
#define BATCH_PLACES (2 * SOU_BATCH_PACK_ENTRIES)

enum batch_member { /* bits of m (P11.8) */
		    MEMBER_KIND = 1,
		    MEMBER_CLOCK = 2,
		    MEMBER_HEAD = 4,
		    MEMBER_SIGNATURE = 8,
		    MEMBER_HEADER_ONLY = 16,
		    MEMBER_REDACTED = 32,
		    MEMBERS_ALL = 63,
};

struct pack_entry {
	uint8_t kind, clock;
	bool is_redacted, is_signed, keep;
	struct sou_id authority;
	struct sou_hash payload_hash;
	uint64_t seq, hlc;
	uint32_t payload_bytes;
	uint32_t next; /* of the run; BATCH_NONE */
	size_t at, n;  /* payload in `bytes`; n = 0: header only */
	uint8_t signature[SOU_SIGNATURE_BYTES];
};

struct pack_run {
	struct sou_id site, key, epoch;
	struct sou_hash prev, last_id;
	uint64_t seq, last_hlc;
	uint32_t first, last, count; /* entries */
	size_t payload_bytes;
	bool is_closed; /* ends in an epoch-open */
};

struct batch_packer {
	struct pack_entry *entries; /* owned */
	struct pack_run *runs;      /* owned */
	uint32_t entry_count, entry_room, run_count, run_room;
	uint32_t places[BATCH_PLACES]; /* run + 1 by the last id it had; outdated ones stay and do
					  not match */
	struct sou_buf bytes, raw;
	size_t estimate, raw_bytes_max;
	struct sou_id net, scope; /* of the first item */
};

struct batch_reader {
	struct sou_mp m;
	uint32_t runs_left, entries_left, run;
	struct sou_id net, scope, site, key, epoch, head;
	struct sou_hash prev;
	uint64_t seq, hlc;
	size_t payload_bytes; /* of this run so far */
	bool is_first, is_closed;
	struct sou_buf plain, header;
	struct sou_entry entry;
	struct sou_batch_entry out;
};

struct sou_batch {
	void *compressor, *decompressor; /* zstd's */
	struct batch_packer pack;
	struct batch_reader read;
};

/* batch.c: append raw bytes as data of a frame; take the raw bytes out of the data of a frame. */
int batch_compress(struct sou_batch *batch, struct sou_span raw, struct sou_buf *data,
		   bool *is_zstd);
int batch_decompress(struct sou_batch *batch, struct sou_span data, bool is_zstd,
		     uint64_t raw_bytes, struct sou_span *raw);

#endif
