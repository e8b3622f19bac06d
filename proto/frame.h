/* frame.h - cut a peer's byte stream into frames (P11.1, R17). Pure: no clock, no allocation, no
 * I/O.
 */
#ifndef SOU_FRAME_H
#define SOU_FRAME_H

#include <stdint.h>

#include "bytes.h"
#include "limits.h"

#define SOU_FRAME_HEAD_BYTES 5u /* len u32be | kind u8 */

struct sou_frame {           /* wire: len u32be | kind u8 | body[len - 1] */
	uint8_t kind;        /* an unknown kind is data here, not an error */
	uint32_t body_bytes; /* 0..SOU_FRAME_BODY_BYTES_MAX */
	const uint8_t *body; /* borrowed from the input; dies with it */
};

/* Take the next whole frame. On SOU_OK `in` stands just past it and `out` is set; on any error
 * neither is touched, so the caller may add bytes and ask again.
 * SOU_EAGAIN: not enough bytes yet. SOU_EPROTO: len is 0 or too large; drop the peer. */
int sou_frame_next(struct sou_span *in, struct sou_frame *out);

/* How many bytes the frame at the start of `in` has in all, head included: known from 4 bytes on.
 * Returns like sou_frame_next, but SOU_OK also while the body is still on its way. */
int sou_frame_size(struct sou_span in, uint32_t *frame_bytes);

/* Write the head of a frame whose body (body_bytes <= SOU_FRAME_BODY_BYTES_MAX) follows it. */
void sou_frame_head(uint8_t head[SOU_FRAME_HEAD_BYTES], uint8_t kind, uint32_t body_bytes);

#endif
