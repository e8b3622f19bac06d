/* context.h - what one run of `soukatsu` knows: where it speaks, in which language, and what was
 * asked of it. Filled by souc_command_read, read by the commands. */
#ifndef SOUC_CONTEXT_H
#define SOUC_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/messages.h"

enum souc_option_id {
#define O(ID, name, value, kind, ja, en) SOUC_O_##ID,
#include "client/cli/commands.def"
	SOUC_OPTION_COUNT
};

#define SOUC_ARGUMENTS_MAX 2u
#define SOUC_VALUES_MAX    64u /* values of one option that may be repeated */

struct souc_command;
struct souc_group;

struct souc_context {
	FILE *out, *err;
	int in_fd;                            /* standard input */
	const char *(*env)(const char *name); /* getenv, or a test's */
	enum sou_lang lang;
	bool json;
	bool help, version;
	size_t columns;   /* of the terminal; 0 where out is none */
	const char *data; /* the site's directory, no trailing slash */
	const struct souc_command *command;
	const struct souc_group *group;
	const char *arguments[SOUC_ARGUMENTS_MAX];
	size_t argument_count;
	const char *values[SOUC_OPTION_COUNT][SOUC_VALUES_MAX]; /* borrowed from argv */
	size_t value_count[SOUC_OPTION_COUNT];
	char data_default[4096];
};

/* Runs a command: the exit status. */
typedef int souc_command_fn(struct souc_context *cx);

/* Value of an option (the last of several), or NULL where it was not given. */
const char *souc_value(const struct souc_context *cx, enum souc_option_id id);
/* 1…999999999 in plain digits; 0 where `text` is none. */
long long souc_number_read(const char *text);
/* NUMBER and TIME_SPAN (milliseconds), checked by the reader; `otherwise` where not given. */
long long souc_number(const struct souc_context *cx, enum souc_option_id id, long long otherwise);

/* The whole program: `argv` as of main, streams set, nothing else. The exit status. */
int souc_run(struct souc_context *cx, int argc, char *const *argv);

#endif
