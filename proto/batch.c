/* batch.c - zstd, with the announced size looked at before anything is decoded (P11.6). */
#include "batch.h"

#include <stdlib.h>
#include <zstd.h>

#include "batch_int.h"

#define LEVEL 3

int sou_batch_new(struct sou_batch **out)
{
	SOU_ASSERT(out != NULL);
	struct sou_batch *batch = calloc(1, sizeof *batch);
	if (batch == NULL)
		return SOU_ENOMEM;
	batch->compressor = ZSTD_createCCtx();
	batch->decompressor = ZSTD_createDCtx();
	if (batch->compressor == NULL || batch->decompressor == NULL) {
		sou_batch_free(batch);
		return SOU_ENOMEM;
	}
	*out = batch;
	return SOU_OK;
}

void sou_batch_free(struct sou_batch *batch)
{
	if (batch == NULL)
		return;
	ZSTD_freeCCtx(batch->compressor);
	ZSTD_freeDCtx(batch->decompressor);
	free(batch->pack.entries);
	free(batch->pack.runs);
	sou_buf_fini(&batch->pack.bytes);
	sou_buf_fini(&batch->pack.raw);
	sou_buf_fini(&batch->read.plain);
	sou_buf_fini(&batch->read.header);
	sou_entry_fini(&batch->read.entry);
	free(batch);
}

int batch_compress(struct sou_batch *batch, struct sou_span raw, struct sou_buf *data,
		   bool *is_zstd)
{
	*is_zstd = false;
	if (raw.n >= SOU_BATCH_PLAIN_BYTES) {
		size_t bound = ZSTD_compressBound(raw.n);
		if (!sou_buf_reserve(data, bound))
			return SOU_ENOMEM;
		size_t n = ZSTD_compressCCtx(batch->compressor, data->p + data->n, bound, raw.p,
					     raw.n, LEVEL);
		if (ZSTD_isError(n))
			return SOU_ENOMEM; /* the room is enough, so nothing else can fail */
		if (n < raw.n) {
			data->n += n;
			*is_zstd = true;
			return SOU_OK;
		}
	}
	sou_buf_put(data, raw.p, raw.n);
	return data->failed ? SOU_ENOMEM : SOU_OK;
}

int batch_decompress(struct sou_batch *batch, struct sou_span data, bool is_zstd,
		     uint64_t raw_bytes, struct sou_span *raw)
{
	if (raw_bytes > SOU_BATCH_BYTES_MAX)
		return SOU_ELIMIT;
	if (!is_zstd) {
		*raw = data;
		return data.n == raw_bytes ? SOU_OK : SOU_EFORMAT;
	}
	/* Both say "error" and "unknown" by numbers above any that raw_bytes or data.n can be. */
	if (ZSTD_getFrameContentSize(data.p, data.n) != raw_bytes)
		return SOU_EFORMAT;
	if (ZSTD_findFrameCompressedSize(data.p, data.n) != data.n)
		return SOU_EFORMAT;
	struct sou_buf *plain = &batch->read.plain;
	sou_buf_clear(plain);
	if (!sou_buf_reserve(plain, (size_t)raw_bytes))
		return SOU_ENOMEM;
	size_t n = ZSTD_decompressDCtx(batch->decompressor, plain->p, (size_t)raw_bytes, data.p,
				       data.n);
	if (n != raw_bytes)
		return SOU_EFORMAT;
	plain->n = n;
	*raw = sou_buf_span(plain);
	return SOU_OK;
}
