/* options.h - the daemon's few settings: config/options.def as a struct, and its one parser for the
 * file and the command line. Precedence is the order of the calls: default, read, argument, check.
 * Called at the start only, by one thread: libconfuse keeps state of its own. */
#ifndef SOUD_OPTIONS_H
#define SOUD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/messages.h"
#include "proto/error.h"

#define SOUD_OPTIONS_FILE_BYTES_MAX 65536u

struct soud_options { /* texts end with 0, "" = not set */
#define SOUD_FIELD_INT(name, max)                       int64_t name;
#define SOUD_FIELD_ADDRESS(name, max)                   char name[(max) + 1];
#define SOUD_FIELD_PATH(name, max)                      char name[(max) + 1];
#define SOUD_FIELD_CHOICE(name, max)                    int name;
#define X(name, type, unit, standard, min, max, ja, en) SOUD_FIELD_##type(name, max)
#include "config/options.def"
#undef X
#undef SOUD_FIELD_INT
#undef SOUD_FIELD_ADDRESS
#undef SOUD_FIELD_PATH
#undef SOUD_FIELD_CHOICE
};

/* Where a file is wrong: line 0 when it is not a line's fault (err says what). */
struct soud_options_fault {
	int line;
	struct sou_err err;  /* which value, in signs that need no language */
	enum sou_msg reason; /* a label of the catalogue; SOU_MSG_COUNT: err says all */
};

void soud_options_default(struct soud_options *out);

/* One value by name. SOU_EUNKNOWN: no such option. SOU_EINPUT: not such a value; err says what may
 * stand. `self` changes on SOU_OK only. */
int soud_options_set(struct soud_options *self, const char *name, const char *value,
		     struct sou_err *err);

/* The text of a file: `name = value` or `name = "value"`, # begins a comment, ${NAME} outside
 * single quotes stands for a variable of the environment. All or nothing: `self` changes on SOU_OK
 * only. SOU_EINPUT: bad form, unknown or repeated option, bad value. */
int soud_options_parse(struct soud_options *self, const char *text, size_t bytes,
		       struct soud_options_fault *fault);

/* The same from a file of at most SOUD_OPTIONS_FILE_BYTES_MAX. SOU_EIO: unreadable. SOU_ELIMIT. */
int soud_options_read(struct soud_options *self, const char *path,
		      struct soud_options_fault *fault);

/* One option of the command line at argv[*at]: "--backoff-ms-min=500" or with the value as the next
 * argument. On SOU_OK *at stands just past it. SOU_EUNKNOWN: not one of these options, ask another
 * parser. SOU_EINPUT: no value, or a bad one. */
int soud_options_argument(struct soud_options *self, int argc, char *const *argv, int *at,
			  struct sou_err *err);

/* What must hold between options. SOU_EINPUT with its words in err. */
int soud_options_check(const struct soud_options *self, struct sou_err *err);

/* The options' part of --help, and the sample file config/soukatsud.conf. */
void soud_options_help(FILE *out, enum sou_lang lang);
void soud_options_sample(FILE *out);

#endif
