/* commands.h - the functions that commands.def names, one file per group. Each prints its result
 * and returns the exit status. */
#ifndef SOUC_COMMANDS_H
#define SOUC_COMMANDS_H

#include "client/cli/context.h"

#define C(ID, name, function, arguments, options, exits, ja, en) souc_command_fn function;
#include "client/cli/commands.def"

#endif
