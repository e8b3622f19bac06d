/* page.c - the parts of the manual pages that the tables say, in roff. */
#include <stdbool.h>
#include <string.h>

#include "client/cli/command.h"
#include "client/manual/manual.h"

#define LINE_BYTES_MAX 4096

static const struct {
	int code;
	const char *help[2];
} exits[] = {
#define E(code, ja, en) {code, {ja, en}},
#include "client/cli/commands.def"
};

/* Of options.def what a page tells; the texts are the last two of each line. */
#define LIVE  ""
#define START ""
static const struct {
	const char *name, *type, *unit, *standard;
	const char *text[3];
} settings[] = {
#define X(name, type, unit, standard, min, max, ...) {#name, #type, unit, standard, {__VA_ARGS__}},
#include "config/options.def"
#undef X
};

static const char *setting_help(size_t i, enum sou_lang lang)
{
	size_t first = settings[i].text[2] != NULL ? 1 : 0;
	return settings[i].text[first + (lang == SOU_LANG_JA ? 0 : 1)];
}

static bool is_one_of(const char *at, const char *signs)
{
	for (; *signs != '\0'; signs += 3) {
		if (memcmp(at, signs, 3) == 0)
			return true;
	}
	return false;
}

/* troff breaks lines at blanks, which Japanese has none of: may a line end after this sign? */
static bool breaks_after(const char *at)
{
	if ((unsigned char)*at < 0xe3 || (unsigned char)*at >= 0xf0 || strlen(at) < 4)
		return false;
	if (is_one_of(at, "（「『"))
		return false;
	return strlen(at) < 6 || !is_one_of(at + 3, "、。）」』ー：");
}

/* The bytes of a text; `\:` where a line may be broken. `typed`: it is no roff yet, and - is the
 * sign that is typed. */
static void put_text(FILE *out, const char *text, bool typed)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (typed && *p == '\\') {
			(void)fputs("\\e", out);
		} else if (typed && *p == '-') {
			(void)fputs("\\-", out);
		} else if (typed && *p == ',' && p[1] != ' ') {
			(void)fputs(",\\:", out);
		} else if (breaks_after(p)) {
			(void)fprintf(out, "%.3s\\:", p);
			p += 2;
		} else {
			(void)fputc(*p, out);
		}
	}
}

/* A text of the tables: no line of it is a request. */
static void put(FILE *out, const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		(void)fputs("\\&", out);
	put_text(out, text, true);
}

static void put_option(FILE *out, const struct souc_option *o, bool required)
{
	(void)fputs(required ? " \\fB\\-\\-" : " [\\fB\\-\\-", out);
	put(out, o->name);
	(void)fputs("\\fR", out);
	if (o->value[0] != '\0')
		(void)fprintf(out, " \\fI%s\\fR", o->value);
	if (!required)
		(void)fputs("]", out);
}

static void put_command(FILE *out, const struct souc_command *c, int lang)
{
	char word[32];
	bool required;
	(void)fprintf(out, ".TP\n\\fBsoukatsu %s\\fR", c->name);
	for (const char *spec = c->arguments; souc_spec_next(&spec, word, &required);)
		(void)fprintf(out, " \\fI%s\\fR", word);
	for (const char *spec = c->options; souc_spec_next(&spec, word, &required);) {
		for (int id = 0; id < SOUC_OPTION_COUNT; id++) {
			if (strcmp(souc_options[id].name, word) == 0)
				put_option(out, &souc_options[id], required);
		}
	}
	(void)fputs("\n", out);
	put(out, c->help[lang]);
	(void)fputs("\n", out);
}

static void commands(FILE *out, int lang)
{
	for (size_t i = 0; i < souc_group_count; i++) {
		const struct souc_group *group = &souc_groups[i];
		(void)fputs(".SS ", out);
		put(out, group->help[lang]);
		(void)fputs("\n", out);
		for (size_t k = 0; k < souc_command_count; k++) {
			if (souc_command_in(&souc_commands[k], group))
				put_command(out, &souc_commands[k], lang);
		}
	}
}

static void entry(FILE *out, const char *help)
{
	put(out, help);
	(void)fputs("\n", out);
}

static void arguments(FILE *out, int lang)
{
	for (size_t i = 0; i < souc_argument_count; i++) {
		(void)fprintf(out, ".TP\n\\fI%s\\fR\n", souc_arguments[i].name);
		entry(out, souc_arguments[i].help[lang]);
	}
}

static void options(FILE *out, int lang)
{
	for (int id = 0; id < SOUC_OPTION_COUNT; id++) {
		const struct souc_option *o = &souc_options[id];
		(void)fputs(".TP\n\\fB\\-\\-", out);
		put(out, o->name);
		(void)fputs("\\fR", out);
		if (o->value[0] != '\0')
			(void)fprintf(out, " \\fI%s\\fR", o->value);
		(void)fputs("\n", out);
		entry(out, o->help[lang]);
	}
}

static void exit_statuses(FILE *out, int lang)
{
	for (size_t i = 0; i < sizeof exits / sizeof *exits; i++) {
		(void)fprintf(out, ".TP\n\\fB%d\\fR\n", exits[i].code);
		entry(out, exits[i].help[lang]);
	}
}

/* What may stand as a value: the words of a choice, else the kind of the table. */
static void put_form(FILE *out, size_t i)
{
	bool choice = strcmp(settings[i].type, "CHOICE") == 0;
	(void)fputs("\\fI", out);
	for (const char *p = choice ? settings[i].unit : settings[i].type; *p != '\0'; p++)
		(void)fputc(*p == ' ' ? '|' : *p, out);
	(void)fputs("\\fR", out);
}

static void setting_list(FILE *out, enum sou_lang lang, bool as_options)
{
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		(void)fputs(as_options ? ".TP\n\\fB\\-\\-" : ".TP\n\\fB", out);
		for (const char *p = settings[i].name; *p != '\0'; p++)
			(void)fputs(!as_options || *p != '_' ? (char[]){*p, '\0'} : "\\-", out);
		(void)fputs(as_options ? "\\fR " : "\\fR = ", out);
		put_form(out, i);
		(void)fputs("\n", out);
		put(out, setting_help(i, lang));
		if (settings[i].standard[0] != '\0') {
			(void)fputs(" [", out);
			put(out, settings[i].standard);
			(void)fputs("]", out);
		}
		(void)fputs("\n", out);
	}
}

static int part(FILE *out, const char *word, enum sou_lang lang)
{
	int column = lang == SOU_LANG_JA ? 0 : 1;
	if (strcmp(word, "@COMMANDS@") == 0)
		commands(out, column);
	else if (strcmp(word, "@ARGUMENTS@") == 0)
		arguments(out, column);
	else if (strcmp(word, "@OPTIONS@") == 0)
		options(out, column);
	else if (strcmp(word, "@EXITS@") == 0)
		exit_statuses(out, column);
	else if (strcmp(word, "@SETTINGS@") == 0)
		setting_list(out, lang, false);
	else if (strcmp(word, "@SETTING_OPTIONS@") == 0)
		setting_list(out, lang, true);
	else
		return 1;
	return 0;
}

int souc_manual_page(FILE *in, FILE *out, enum sou_lang lang)
{
	static const char version[] = "@VERSION@";
	char line[LINE_BYTES_MAX];
	while (fgets(line, sizeof line, in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		char *at = strstr(line, version);
		if (at != NULL) {
			(void)fprintf(out, "%.*s%s%s\n", (int)(at - line), line, SOU_VERSION,
				      at + sizeof version - 1);
		} else if (line[0] == '@') {
			if (part(out, line, lang) != 0)
				return 1;
		} else {
			/* Indexers of pages want the line of NAME plain. */
			if (line[0] == '.' || strstr(line, " \\- ") != NULL)
				(void)fputs(line, out);
			else
				put_text(out, line, false);
			(void)fputs("\n", out);
		}
	}
	return 0;
}
