/* command.h - the table of commands (commands.def), the reader of a command line, and --help. One
 * source: what help lists is what the reader takes. Pure but for the context's streams. */
#ifndef SOUC_COMMAND_H
#define SOUC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/context.h"

enum souc_option_kind {
	SOUC_OPTION_FLAG,
	SOUC_OPTION_TEXT,
	SOUC_OPTION_LIST,
	SOUC_OPTION_NUMBER,
	SOUC_OPTION_TIME_SPAN,
};

struct souc_option {
	const char *name, *value; /* "text", "TEXT"; value "" for a switch */
	enum souc_option_kind kind;
	const char *help[2]; /* by enum sou_lang */
};

struct souc_argument {
	const char *name;
	const char *help[2];
};

struct souc_command {
	const char *name; /* "item add" */
	souc_command_fn *run;
	const char *arguments, *options, *exits;
	const char *help[2];
};

struct souc_group {
	const char *name;
	const char *help[2];
};

extern const struct souc_option souc_options[SOUC_OPTION_COUNT];
extern const struct souc_argument souc_arguments[];
extern const size_t souc_argument_count;
extern const struct souc_command souc_commands[];
extern const size_t souc_command_count;
extern const struct souc_group souc_groups[];
extern const size_t souc_group_count;

/* Take the word at *spec ("by! text") into `word` (32 bytes) and step past it; `required` tells of
 * a
 * `!`. False at the end. */
bool souc_spec_next(const char **spec, char *word, bool *required);

/* Does the command belong to the group ("item add" to "item", "table" to "table")? */
bool souc_command_in(const struct souc_command *c, const struct souc_group *group);

/* Read argv[1…] into the context: global options, the command, its options and arguments. 0, or the
 * exit status after the error was told. A context with `help` set names the group or command that
 * help is wanted for (both NULL: all). */
int souc_command_read(struct souc_context *cx, int argc, char *const *argv);

/* Print help for cx->command, cx->group or everything. */
void souc_help(struct souc_context *cx);

#endif
