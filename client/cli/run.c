/* run.c - one run of `soukatsu`: language, data directory, command, status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/command.h"
#include "client/cli/input.h"
#include "client/cli/say.h"

/* --data, SOUKATSU_DATA, ~/.local/share/soukatsu; without a slash at the end. */
static int data_find(struct souc_context *cx)
{
	const char *data = souc_value(cx, SOUC_O_DATA), *home = cx->env("HOME");
	if (data == NULL || data[0] == '\0')
		data = cx->env("SOUKATSU_DATA");
	int n;
	if (data != NULL && data[0] != '\0')
		n = snprintf(cx->data_default, sizeof cx->data_default, "%s", data);
	else
		n = snprintf(cx->data_default, sizeof cx->data_default, "%s/.local/share/soukatsu",
			     home != NULL ? home : "");
	if (n < 0 || (size_t)n >= sizeof cx->data_default)
		return souc_fail(cx, SOU_MSG_REQUEST_LIMIT, "--data", "4095",
				 souc_word(cx, SOU_MSG_UNIT_BYTES));
	for (size_t len = (size_t)n; len > 1 && cx->data_default[len - 1] == '/'; len--)
		cx->data_default[len - 1] = '\0';
	cx->data = cx->data_default;
	return 0;
}

int souc_run(struct souc_context *cx, int argc, char *const *argv)
{
	cx->lang = sou_lang_of(cx->env("LC_ALL"), cx->env("LC_MESSAGES"), cx->env("LANG"));
	int rc = souc_command_read(cx, argc, argv);
	if (rc != 0)
		return rc;
	if (cx->version) {
		souc_line(cx, "%s %s", souc_word(cx, SOU_MSG_VERSION_LINE), SOU_VERSION);
	} else if (cx->help) {
		souc_help(cx);
	} else {
		rc = data_find(cx);
		if (rc == 0)
			rc = cx->command->run(cx);
	}
	/* What could not be printed must not look like success. A reader that has seen enough and
	 * left, as `head` does, needs no word. */
	errno = 0;
	if (fflush(cx->out) == 0 && !ferror(cx->out))
		return rc;
	if (errno == EPIPE)
		return rc != 0 ? rc : EX_IOERR;
	int told = souc_fail(cx, SOU_MSG_OUTPUT_LOST, souc_reason(cx, errno));
	return rc != 0 ? rc : told;
}
