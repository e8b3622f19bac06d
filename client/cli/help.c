/* help.c - --help out of the table, in the person's language. */
#include <string.h>

#include "client/cli/command.h"
#include "client/cli/grid.h"
#include "client/cli/say.h"

#define HELP_COLUMNS     100u /* a line longer than this is hard to read */
#define HELP_COLUMNS_MIN 60u

static const struct {
	int code;
	const char *help[2];
} exits[] = {
#define E(code, ja, en) {code, {ja, en}},
#include "client/cli/commands.def"
};

static const char *of(const struct souc_context *cx, const char *const help[2])
{
	return help[cx->lang == SOU_LANG_JA ? 0 : 1];
}

/* A list of name and meaning, indented, the meaning wrapped. */
static void list_draw(const struct souc_context *cx, struct souc_grid *g, struct souc_buffer *out)
{
	size_t columns = cx->columns > 0 && cx->columns < HELP_COLUMNS ? cx->columns : HELP_COLUMNS;
	columns = columns > HELP_COLUMNS_MIN ? columns : HELP_COLUMNS_MIN;
	size_t widest = 0;
	for (size_t i = 1; i < g->count; i += 3) {
		size_t name = souc_text_columns(g->cells[i], strlen(g->cells[i]));
		widest = name > widest ? name : widest;
	}
	g->width[2] = columns > widest + 26 ? columns - widest - 6 : 20;
	souc_grid_draw(g, out);
	souc_grid_fini(g);
}

static void heading(const struct souc_context *cx, enum sou_msg label, struct souc_buffer *out)
{
	souc_buffer_printf(out, "\n%s:\n", souc_word(cx, label));
}

static void row(struct souc_grid *g, const char *name, const char *help)
{
	g->columns = 3;
	souc_grid_add(g, "");
	souc_grid_add(g, name);
	souc_grid_add(g, help);
}

static void option_row(const struct souc_context *cx, struct souc_grid *g, int id, bool required)
{
	const struct souc_option *o = &souc_options[id];
	char name[64];
	snprintf(name, sizeof name, "--%s%s%s", o->name, o->value[0] != '\0' ? " " : "", o->value);
	struct souc_buffer help = {0};
	souc_buffer_puts(&help, of(cx, o->help));
	if (required)
		souc_buffer_printf(&help, " [%s]", souc_word(cx, SOU_MSG_CLI_NEEDED));
	row(g, name, help.text);
	souc_buffer_fini(&help);
}

static void common_options(const struct souc_context *cx, struct souc_buffer *out)
{
	struct souc_grid g = {0};
	heading(cx, SOU_MSG_CLI_COMMON, out);
	option_row(cx, &g, SOUC_O_DATA, false);
	option_row(cx, &g, SOUC_O_JSON, false);
	option_row(cx, &g, SOUC_O_HELP, false);
	option_row(cx, &g, SOUC_O_VERSION, false);
	list_draw(cx, &g, out);
}

bool souc_command_in(const struct souc_command *c, const struct souc_group *group)
{
	size_t bytes = strlen(group->name);
	return strncmp(c->name, group->name, bytes) == 0 &&
	       (c->name[bytes] == ' ' || c->name[bytes] == '\0');
}

static void help_commands(const struct souc_context *cx, struct souc_buffer *out)
{
	souc_buffer_printf(out, "%s: soukatsu [--data DIR] [--json] %s …\n",
			   souc_word(cx, SOU_MSG_CLI_USAGE),
			   souc_word(cx, SOU_MSG_CLI_COMMAND_WORD));
	heading(cx, SOU_MSG_CLI_COMMANDS, out);
	struct souc_grid g = {0};
	for (size_t i = 0; i < souc_group_count; i++) {
		if (cx->group != NULL && cx->group != &souc_groups[i])
			continue;
		for (size_t k = 0; k < souc_command_count; k++) {
			const struct souc_command *c = &souc_commands[k];
			if (!souc_command_in(c, &souc_groups[i]))
				continue;
			struct souc_buffer name = {0};
			souc_buffer_printf(&name, "%s %s", c->name, c->arguments);
			row(&g, name.text, of(cx, c->help));
			souc_buffer_fini(&name);
		}
	}
	list_draw(cx, &g, out);
	if (cx->group == NULL)
		common_options(cx, out);
	souc_buffer_printf(out, "\n%s\n", souc_word(cx, SOU_MSG_CLI_MORE));
}

static void usage_line(const struct souc_context *cx, struct souc_buffer *out)
{
	const struct souc_command *c = cx->command;
	souc_buffer_printf(out, "%s: soukatsu %s", souc_word(cx, SOU_MSG_CLI_USAGE), c->name);
	if (c->arguments[0] != '\0')
		souc_buffer_printf(out, " %s", c->arguments);
	char word[32];
	bool required;
	for (const char *spec = c->options; souc_spec_next(&spec, word, &required);) {
		const struct souc_option *o = NULL;
		for (int id = 0; id < SOUC_OPTION_COUNT; id++)
			o = strcmp(souc_options[id].name, word) == 0 ? &souc_options[id] : o;
		souc_buffer_printf(out, required ? " --%s%s%s" : " [--%s%s%s]", o->name,
				   o->value[0] != '\0' ? " " : "", o->value);
	}
	souc_buffer_puts(out, "\n");
}

static void help_command(const struct souc_context *cx, struct souc_buffer *out)
{
	const struct souc_command *c = cx->command;
	usage_line(cx, out);
	souc_buffer_printf(out, "\n%s\n", of(cx, c->help));
	char word[32];
	bool required;
	struct souc_grid g = {0};
	for (const char *spec = c->arguments; souc_spec_next(&spec, word, &required);) {
		for (size_t i = 0; i < souc_argument_count; i++) {
			if (strcmp(souc_arguments[i].name, word) == 0)
				row(&g, word, of(cx, souc_arguments[i].help));
		}
	}
	if (g.count > 0) {
		heading(cx, SOU_MSG_CLI_ARGUMENTS, out);
		list_draw(cx, &g, out);
	}
	for (const char *spec = c->options; souc_spec_next(&spec, word, &required);) {
		for (int id = 0; id < SOUC_OPTION_COUNT; id++) {
			if (strcmp(souc_options[id].name, word) == 0)
				option_row(cx, &g, id, required);
		}
	}
	if (g.count > 0) {
		heading(cx, SOU_MSG_CLI_OPTIONS, out);
		list_draw(cx, &g, out);
	}
	common_options(cx, out);
	heading(cx, SOU_MSG_CLI_EXITS, out);
	for (size_t i = 0; i < sizeof exits / sizeof *exits; i++) {
		char code[16];
		snprintf(code, sizeof code, "%d", exits[i].code);
		if (exits[i].code <= 64 || strstr(c->exits, code) != NULL)
			row(&g, code, of(cx, exits[i].help));
	}
	list_draw(cx, &g, out);
}

void souc_help(struct souc_context *cx)
{
	struct souc_buffer out = {0};
	if (cx->command != NULL)
		help_command(cx, &out);
	else
		help_commands(cx, &out);
	souc_print(cx, &out);
	souc_buffer_fini(&out);
}
