/* refusal.h - why a person's act was not done: a message of the catalogue with its arguments, made
 * where the fact is known (design 8: what happened, what is safe, what to do next). Made on the
 * writer thread, put into words on the loop thread, in the language of who asked. */
#ifndef SOUD_PLAN_REFUSAL_H
#define SOUD_PLAN_REFUSAL_H

#include <jansson.h>

#include "config/messages.h"
#include "proto/error.h"
#include "proto/id.h"

#define SOUD_REFUSAL_ARGUMENT_BYTES 256u

struct soud_refusal { /* zeroed: nothing is refused */
	int status;   /* HTTP; 0: `err` is all that is known */
	enum sou_msg msg;
	char argument[SOU_MSG_ARGUMENTS_MAX][SOUD_REFUSAL_ARGUMENT_BYTES];
	enum sou_msg label[SOU_MSG_ARGUMENTS_MAX]; /* in place of argument i where has_label[i] */
	bool has_label[SOU_MSG_ARGUMENTS_MAX];
	json_t *detail; /* owned; NULL: none */
	struct sou_err err;
};
void soud_refusal_fini(struct soud_refusal *why); /* zeroed is fine */

/* Set it and return the code that goes with the status: 403 ERIGHT, 404 EUNKNOWN, 409 ESTATE, 413
 * ELIMIT, 503 EBUSY, else EINPUT. The variable arguments are const char *, as many as the message
 * takes; each is cut at a character where it is too long. */
int soud_refuse(struct soud_refusal *why, int status, enum sou_msg msg, ...);
/* Argument i is a word of the catalogue. */
void soud_refuse_word(struct soud_refusal *why, size_t i, enum sou_msg label);
/* Argument i is a number. */
void soud_refuse_number(struct soud_refusal *why, size_t i, uint64_t number);
/* A member of `detail`; the value is taken over. */
void soud_refuse_detail(struct soud_refusal *why, const char *member, json_t *value);

/* What a lower layer said: a code and, where there is one, its sentence. Returns rc. */
int soud_refuse_rc(struct soud_refusal *why, int rc, const struct sou_err *err);

#endif
