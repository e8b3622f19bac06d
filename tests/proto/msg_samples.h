/* msg_samples.h - one good body of each frame, for tests and the fuzz corpus. */
#ifndef SOU_TESTS_MSG_SAMPLES_H
#define SOU_TESTS_MSG_SAMPLES_H

#include "proto/msg.h"

/* Unpack the body as this kind, walk all of its lists, pack it again into `again`. */
int msg_round(uint8_t kind, struct sou_span body, struct sou_buf *again);

/* Append the sample body of this kind; variant 0.. gives other shapes; false: no such variant. */
bool msg_sample(uint8_t kind, unsigned variant, struct sou_buf *out);

#endif
