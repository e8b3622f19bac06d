/* options.h - the daemon's few settings: config/options.def as a struct, and its one parser for the
 * file and the command line. Precedence is the order of the calls: default, read, argument, check.
 * One thread at a time: libconfuse keeps state of its own. */
#ifndef SOUD_OPTIONS_H
#define SOUD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/messages.h"
#include "proto/error.h"

#define SOUD_OPTIONS_FILE_BYTES_MAX 65536u
#define SOUD_OPTIONS_FAULTS_MAX     32u /* that are kept; all are counted */

struct soud_options { /* texts end with 0, "" = not set; times are milliseconds */
#define SOUD_FIELD_TIME(name, max)                            int64_t name##_ms;
#define SOUD_FIELD_ADDRESS(name, max)                         char name[(max) + 1];
#define SOUD_FIELD_PATH(name, max)                            char name[(max) + 1];
#define SOUD_FIELD_CHOICE(name, max)                          int name;
#define X(name, type, unit, standard, min, max, when, ja, en) SOUD_FIELD_##type(name, max)
#include "config/options.def"
#undef X
#undef SOUD_FIELD_TIME
#undef SOUD_FIELD_ADDRESS
#undef SOUD_FIELD_PATH
#undef SOUD_FIELD_CHOICE
};

enum soud_option_type {
	SOUD_OPTION_TIME,
	SOUD_OPTION_ADDRESS,
	SOUD_OPTION_PATH,
	SOUD_OPTION_CHOICE,
};

struct soud_option { /* one line of the table */
	const char *name;
	enum soud_option_type type;
	const char *unit, *standard;
	int64_t min, max;
	bool live; /* a reload puts it in force at once */
	const char *ja, *en;
	size_t offset, bytes; /* in struct soud_options */
};
extern const struct soud_option soud_option_table[];
extern const size_t soud_option_count;

/* Where a file is wrong: line 0 when it is not a line's fault (err says what). */
struct soud_options_fault {
	int line;
	struct sou_err err;  /* which value, in signs that need no language */
	enum sou_msg reason; /* a label of the catalogue; SOU_MSG_COUNT: err says all */
};
struct soud_options_faults {
	size_t count; /* all; the first SOUD_OPTIONS_FAULTS_MAX are kept */
	struct soud_options_fault v[SOUD_OPTIONS_FAULTS_MAX];
};

void soud_options_default(struct soud_options *out);

/* One value by name. SOU_EUNKNOWN: no such option. SOU_EINPUT: not such a value; err says what may
 * stand. `self` changes on SOU_OK only. */
int soud_options_set(struct soud_options *self, const char *name, const char *value,
		     struct sou_err *err);

/* The text of a file, line by line: `name = value` or `name = "value"`, # begins a comment, ${NAME}
 * outside single quotes stands for a variable of the environment. All or nothing: `self` changes on
 * SOU_OK only; else the code of the first of the faults, at most one a line, of which all are
 * told. SOU_EINPUT: bad form, unknown or repeated option, bad value. SOU_ELIMIT. */
int soud_options_parse(struct soud_options *self, const char *text, size_t bytes,
		       struct soud_options_faults *faults);

/* The same from a file of at most SOUD_OPTIONS_FILE_BYTES_MAX. SOU_EIO: unreadable. SOU_ELIMIT. */
int soud_options_read(struct soud_options *self, const char *path,
		      struct soud_options_faults *faults);

/* One option of the command line at argv[*at]: "--backoff-min=500ms" or with the value as the next
 * argument. On SOU_OK *at stands just past it. SOU_EUNKNOWN: not one of these options, ask another
 * parser. SOU_EINPUT: no value, or a bad one. */
int soud_options_argument(struct soud_options *self, int argc, char *const *argv, int *at,
			  struct sou_err *err);

/* What must hold between options. SOU_EINPUT with its words in err. */
int soud_options_check(const struct soud_options *self, struct sou_err *err);

/* Is the value of an option another one there? */
bool soud_options_differ(const struct soud_options *a, const struct soud_options *b,
			 const struct soud_option *option);

/* The options' part of --help, the sample file config/soukatsud.conf, and docs/settings.md. */
void soud_options_help(FILE *out, enum sou_lang lang);
void soud_options_sample(FILE *out);
void soud_options_manual(FILE *out);

#endif
