/* bash.c - completion for bash. It asks nothing of a replica: words of the tables, folders and
 * files. */
#include <stdbool.h>
#include <string.h>

#include "client/cli/command.h"
#include "client/manual/manual.h"

static const char head[] =
	"# bash completion of soukatsu and soukatsud, made from the tables of --help.\n\n"
	"_soukatsu()\n{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal word before='' words='' options='' next='' takes=''\n"
	"\tCOMPREPLY=()\n"
	"\tlocal i=1\n"
	"\twhile [ \"$i\" -lt \"$COMP_CWORD\" ]; do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n";

static const char middle[] = "\t\t-*) ;;\n"
			     "\t\t*) words=\"${words:+$words }$word\" ;;\n"
			     "\t\tesac\n"
			     "\t\ti=$((i + 1))\n"
			     "\tdone\n"
			     "\tcase $words in\n";

static bool takes_file(const struct souc_option *o)
{
	return strcmp(o->value, "FILE") == 0;
}

static bool takes_folder(const struct souc_option *o)
{
	return strcmp(o->value, "DIR") == 0;
}

/* "--a|--b" of the options that `chosen` picks; NULL: all that take a value. */
static void pattern(FILE *out, bool (*chosen)(const struct souc_option *))
{
	bool any = false;
	for (int id = 0; id < SOUC_OPTION_COUNT; id++) {
		const struct souc_option *o = &souc_options[id];
		if (chosen != NULL ? chosen(o) : o->value[0] != '\0') {
			(void)fprintf(out, "%s--%s", any ? "|" : "", o->name);
			any = true;
		}
	}
}

static void command_line(FILE *out, const struct souc_command *c)
{
	char word[32];
	bool required, file = false;
	for (const char *spec = c->arguments; souc_spec_next(&spec, word, &required);)
		file = file || strcmp(word, "FILE") == 0 || strcmp(word, "DIR") == 0;
	(void)fprintf(out, "\t\"%s\"|\"%s \"*) takes=%s options=\"", c->name, c->name,
		      file ? "file" : "");
	for (const char *spec = c->options; souc_spec_next(&spec, word, &required);)
		(void)fprintf(out, "--%s ", word);
	(void)fputs("--data --json --help\" ;;\n", out);
}

/* The second words of a group that is none by itself. */
static void group_line(FILE *out, const struct souc_group *g)
{
	size_t bytes = strlen(g->name);
	bool any = false;
	for (size_t k = 0; k < souc_command_count; k++) {
		const struct souc_command *c = &souc_commands[k];
		if (!souc_command_in(c, g) || c->name[bytes] == '\0')
			continue;
		if (!any)
			(void)fprintf(out, "\t\"%s\") next=\"", g->name);
		(void)fprintf(out, "%s%s", any ? " " : "", c->name + bytes + 1);
		any = true;
	}
	if (any)
		(void)fputs("\" ;;\n", out);
}

static void daemon_function(FILE *out)
{
	(void)fputs("_soukatsud()\n{\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		    "\tcase $prev in\n"
		    "\t--data|--state-dir) compopt -o filenames; COMPREPLY=($(compgen -d -- "
		    "\"$cur\")) ;;\n"
		    "\t--config) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n",
		    out);
#define LIVE
#define START
#define X(name, type, unit, standard, ...)                                                         \
	if (strcmp(#type, "CHOICE") == 0) {                                                        \
		(void)fputs("\t--", out);                                                          \
		for (const char *p = #name; *p != '\0'; p++)                                       \
			(void)fputc(*p == '_' ? '-' : *p, out);                                    \
		(void)fprintf(out, ") COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")) ;;\n", unit);   \
	}
#include "config/options.def"
#undef X
	(void)fputs(
		"\t*) COMPREPLY=($(compgen -W \"--data --config --check-config --help --version",
		out);
#define X(name, ...)                                                                               \
	(void)fputs(" --", out);                                                                   \
	for (const char *p = #name; *p != '\0'; p++)                                               \
		(void)fputc(*p == '_' ? '-' : *p, out);
#include "config/options.def"
#undef X
	(void)fputs("\" -- \"$cur\")) ;;\n\tesac\n}\ncomplete -F _soukatsud soukatsud\n", out);
}

int souc_manual_bash(FILE *out)
{
	(void)fputs(head, out);
	(void)fputs("\t\t", out);
	pattern(out, NULL);
	(void)fputs(") i=$((i + 1)) ;;\n", out);
	(void)fputs(middle, out);
	for (size_t k = 0; k < souc_command_count; k++)
		command_line(out, &souc_commands[k]);
	for (size_t i = 0; i < souc_group_count; i++)
		group_line(out, &souc_groups[i]);
	(void)fputs("\t\"\") next=\"", out);
	for (size_t i = 0; i < souc_group_count; i++)
		(void)fprintf(out, "%s%s", i > 0 ? " " : "", souc_groups[i].name);
	(void)fputs("\" options=\"--data --json --help --version\" ;;\n\tesac\n", out);
	(void)fputs("\tcase $prev in\n\t", out);
	pattern(out, takes_folder);
	(void)fputs(") compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n\t",
		    out);
	pattern(out, takes_file);
	(void)fputs(") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n",
		    out);
	(void)fputs(
		"\t--format) COMPREPLY=($(compgen -W \"text json\" -- \"$cur\")); return ;;\n\t",
		out);
	pattern(out, NULL);
	(void)fputs(") return ;;\n\tesac\n"
		    "\tcase $cur in\n"
		    "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")); return ;;\n"
		    "\tesac\n"
		    "\tif [ -n \"$next\" ]; then\n"
		    "\t\tCOMPREPLY=($(compgen -W \"$next\" -- \"$cur\"))\n"
		    "\telif [ -n \"$takes\" ]; then\n"
		    "\t\tcompopt -o filenames\n"
		    "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		    "\tfi\n}\ncomplete -F _soukatsu soukatsu\n\n",
		    out);
	daemon_function(out);
	return 0;
}
