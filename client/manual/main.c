/* main.c - soukatsu-manual: manual pages and completion out of the tables that --help and the
 * parsers use. Runs at build time alone.
 *
 *   soukatsu-manual ja|en TEMPLATE   the page; lines "@COMMANDS@" and the like become what is in
 * the tables soukatsu-manual bash             completion of both programs */
#include <stdio.h>
#include <string.h>

#include "client/manual/manual.h"

static int page(const char *language, const char *path)
{
	FILE *in = fopen(path, "r");
	if (in == NULL) {
		perror(path);
		return 1;
	}
	int rc = souc_manual_page(in, stdout,
				  strcmp(language, "ja") == 0 ? SOU_LANG_JA : SOU_LANG_EN);
	if (rc != 0)
		(void)fprintf(stderr, "%s: a word between @ that is not known\n", path);
	(void)fclose(in);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 64;
	if (argc == 3 && (strcmp(argv[1], "ja") == 0 || strcmp(argv[1], "en") == 0))
		rc = page(argv[1], argv[2]);
	else if (argc == 2 && strcmp(argv[1], "bash") == 0)
		rc = souc_manual_bash(stdout);
	else
		(void)fputs("soukatsu-manual ja|en TEMPLATE | bash\n", stderr);
	return fflush(stdout) == 0 && !ferror(stdout) ? rc : 74;
}
