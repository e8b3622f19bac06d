/* diagnose.h - why a data directory cannot be opened or made, in the words of the catalogue: what
 * soukatsud, init, join, verify and rebuild tell the person. Looks at the directory again after the
 * fault; changes nothing. */
#ifndef SOUD_DIAGNOSE_H
#define SOUD_DIAGNOSE_H

#include <stdio.h>

#include "config/messages.h"
#include "daemon/net/link.h"
#include "proto/error.h"

#define SOUD_DIAGNOSIS_BYTES 1300u /* of one argument; longer is cut */

struct soud_diagnosis {
	enum sou_msg msg;
	char argument[SOU_MSG_ARGUMENTS_MAX][SOUD_DIAGNOSIS_BYTES];
};

/* `rc` and `err` came of opening (made false) or making (made true) `data_dir`; state_dir as in the
 * settings, NULL or "": beside it. */
void soud_diagnose(struct soud_diagnosis *out, enum sou_lang lang, const char *data_dir,
		   const char *state_dir, bool making, int rc, const struct sou_err *err);

/* A message with its arguments, in order; NULL ends them early. */
void soud_diagnosis_set(struct soud_diagnosis *out, enum sou_msg msg, const char *first,
			const char *second, const char *third);

/* Something in a directory that another user could read or has put there; false: nothing. */
bool soud_diagnose_modes(struct soud_diagnosis *out, const char *path);

/* Why a link ended, as a label; detail: the words that came with it. SOU_MSG_COUNT: nothing is
 * known against the other side. */
enum sou_msg soud_diagnose_end(enum soud_link_end end, const char *detail);

/* "PROGRAM: what happened" alone. */
void soud_diagnosis_say(const struct soud_diagnosis *d, FILE *to, const char *program,
			enum sou_lang lang);

/* "PROGRAM: what happened", what is safe, what to do next. Returns the message's exit status. */
int soud_diagnosis_print(const struct soud_diagnosis *d, FILE *to, const char *program,
			 enum sou_lang lang);

#endif
