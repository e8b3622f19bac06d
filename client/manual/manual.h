/* manual.h - manual pages and completion, generated from commands.def and options.def, the tables
 * of
 * --help and of the parsers. What a table does not say stands in the templates
 * NAME.SECTION.LANG.in. */
#ifndef SOUC_MANUAL_H
#define SOUC_MANUAL_H

#include <stdio.h>

#include "config/messages.h"

/* Copy a template. A line that is one word between @ is replaced: COMMANDS, ARGUMENTS, OPTIONS,
 * EXITS (of soukatsu), SETTINGS (of soukatsud.conf), SETTING_OPTIONS (the same as options);
 * @VERSION@ within a line too. 0, or 1 for an unknown word. */
int souc_manual_page(FILE *in, FILE *out, enum sou_lang lang);

/* Completion for bash of soukatsu and soukatsud. */
int souc_manual_bash(FILE *out);

#endif
