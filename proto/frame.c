/* frame.c - the length that stands before each frame is checked before anything is kept for it. */
#include "frame.h"

#include "error.h"

#define LEN_BYTES 4u

int sou_frame_size(struct sou_span in, uint32_t *frame_bytes)
{
	if (in.n < LEN_BYTES)
		return SOU_EAGAIN;
	uint32_t len = (uint32_t)in.p[0] << 24 | (uint32_t)in.p[1] << 16 | (uint32_t)in.p[2] << 8 |
		       (uint32_t)in.p[3];
	if (len < 1 || len > 1 + SOU_FRAME_BODY_BYTES_MAX)
		return SOU_EPROTO;
	*frame_bytes = LEN_BYTES + len;
	return SOU_OK;
}

int sou_frame_next(struct sou_span *in, struct sou_frame *out)
{
	uint32_t frame_bytes;
	int rc = sou_frame_size(*in, &frame_bytes);
	if (rc != SOU_OK)
		return rc;
	if (in->n < frame_bytes)
		return SOU_EAGAIN;
	out->kind = in->p[LEN_BYTES];
	out->body = in->p + SOU_FRAME_HEAD_BYTES;
	out->body_bytes = frame_bytes - SOU_FRAME_HEAD_BYTES;
	in->p += frame_bytes;
	in->n -= frame_bytes;
	return SOU_OK;
}

void sou_frame_head(uint8_t head[SOU_FRAME_HEAD_BYTES], uint8_t kind, uint32_t body_bytes)
{
	SOU_ASSERT(body_bytes <= SOU_FRAME_BODY_BYTES_MAX);
	uint32_t len = 1 + body_bytes;
	head[0] = (uint8_t)(len >> 24);
	head[1] = (uint8_t)(len >> 16);
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
	head[4] = kind;
}
