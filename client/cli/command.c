/* command.c - the tables of commands.def and the reader of a command line. */
#include "client/cli/command.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/input.h"
#include "client/cli/say.h"
#include "config/duration.h"
#include "proto/error.h"

#define FLAG      SOUC_OPTION_FLAG
#define TEXT      SOUC_OPTION_TEXT
#define LIST      SOUC_OPTION_LIST
#define NUMBER    SOUC_OPTION_NUMBER
#define TIME_SPAN SOUC_OPTION_TIME_SPAN

const struct souc_option souc_options[SOUC_OPTION_COUNT] = {
#define O(ID, name, value, kind, ja, en) {name, value, kind, {ja, en}},
#include "client/cli/commands.def"
};

const struct souc_argument souc_arguments[] = {
#define A(NAME, ja, en) {#NAME, {ja, en}},
#include "client/cli/commands.def"
};
const size_t souc_argument_count = sizeof souc_arguments / sizeof *souc_arguments;

const struct souc_command souc_commands[] = {
#define C(ID, name, function, arguments, options, exits, ja, en)                                   \
	{name, function, arguments, options, exits, {ja, en}},
#include "client/cli/commands.def"
};
const size_t souc_command_count = sizeof souc_commands / sizeof *souc_commands;

const struct souc_group souc_groups[] = {
#define G(name, ja, en) {name, {ja, en}},
#include "client/cli/commands.def"
};
const size_t souc_group_count = sizeof souc_groups / sizeof *souc_groups;

bool souc_spec_next(const char **spec, char *word, bool *required)
{
	const char *s = *spec + strspn(*spec, " ");
	size_t bytes = strcspn(s, " !");
	SOU_ASSERT(bytes < 32);
	if (bytes == 0)
		return false;
	memcpy(word, s, bytes);
	word[bytes] = '\0';
	*required = s[bytes] == '!';
	*spec = s + bytes + (*required ? 1 : 0);
	return true;
}

/* Words that are no option, before it is known which command they make. */
struct words {
	const char *word[2 + SOUC_ARGUMENTS_MAX + 1];
	size_t count;
};

/* An option that nobody knows, before it is known which command it was meant for: the first words
 * that are one, else none. */
static int fail_unknown_option(struct souc_context *cx, int argc, char *const *argv,
			       const char *option)
{
	for (int i = 1; i < argc; i++) {
		char two[64];
		snprintf(two, sizeof two, "%.24s %.24s", argv[i], i + 1 < argc ? argv[i + 1] : "");
		for (size_t k = 0; k < souc_command_count; k++) {
			const char *name = souc_commands[k].name;
			if (strcmp(name, argv[i]) == 0 || strcmp(name, two) == 0)
				return souc_fail(cx, SOU_MSG_USAGE_OPTION, option, name);
		}
	}
	return souc_fail(cx, SOU_MSG_USAGE_UNKNOWN_OPTION, option);
}

/* "--name VALUE" as it is written. */
static void option_text(int id, char *out, size_t bytes)
{
	const struct souc_option *o = &souc_options[id];
	snprintf(out, bytes, "--%s%s%s", o->name, o->value[0] != '\0' ? " " : "", o->value);
}

static int option_find(const char *name, size_t bytes)
{
	for (int i = 0; i < SOUC_OPTION_COUNT; i++) {
		if (strncmp(souc_options[i].name, name, bytes) == 0 &&
		    souc_options[i].name[bytes] == '\0')
			return i;
	}
	return -1;
}

static int option_keep(struct souc_context *cx, int id, const char *value)
{
	size_t *count = &cx->value_count[id];
	char dashed[40];
	snprintf(dashed, sizeof dashed, "--%s", souc_options[id].name);
	if (*count > 0 && souc_options[id].kind != SOUC_OPTION_LIST)
		return souc_fail(cx, SOU_MSG_USAGE_TWICE, dashed);
	if (*count == SOUC_VALUES_MAX) {
		char limit[16];
		snprintf(limit, sizeof limit, "%u", SOUC_VALUES_MAX);
		return souc_fail(cx, SOU_MSG_REQUEST_LIMIT, dashed, limit, "×");
	}
	cx->values[id][(*count)++] = value;
	return 0;
}

/* One word that begins with a dash; *i is moved over the value that it takes. */
static int option_read(struct souc_context *cx, int argc, char *const *argv, int *i)
{
	const char *word = argv[*i], *name = word + 2, *value = NULL;
	size_t bytes = strcspn(name, "=");
	int id = -1;
	if (strcmp(word, "-h") == 0)
		id = SOUC_O_HELP;
	else if (strcmp(word, "-o") == 0)
		id = SOUC_O_OUTPUT;
	else if (word[1] == '-')
		id = option_find(name, bytes);
	if (id < 0)
		return fail_unknown_option(cx, argc, argv, word);
	if (word[1] == '-' && name[bytes] == '=')
		value = name + bytes + 1;
	if (souc_options[id].kind == SOUC_OPTION_FLAG) {
		if (value != NULL)
			return fail_unknown_option(cx, argc, argv, word);
		return option_keep(cx, id, "");
	}
	if (value == NULL && *i + 1 < argc)
		value = argv[++*i];
	if (value == NULL)
		return souc_fail(cx, SOU_MSG_USAGE_NO_VALUE, word, souc_options[id].value);
	return option_keep(cx, id, value);
}

static int words_read(struct souc_context *cx, int argc, char *const *argv, struct words *words)
{
	bool options = true;
	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			int rc = option_read(cx, argc, argv, &i);
			if (rc != 0)
				return rc;
		} else if (words->count == sizeof words->word / sizeof *words->word) {
			return souc_fail(cx, SOU_MSG_USAGE_EXTRA, argv[i], words->word[0]);
		} else {
			words->word[words->count++] = argv[i];
		}
	}
	return 0;
}

/* Find the command that the first one or two words make; the rest are its arguments. */
static int command_find(struct souc_context *cx, const struct words *words)
{
	char name[64] = "";
	for (size_t used = 1; used <= 2 && used <= words->count; used++) {
		const char *word = words->word[used - 1];
		if (strlen(word) > 24)
			break;
		size_t len = strlen(name);
		snprintf(name + len, sizeof name - len, "%s%s", used == 2 ? " " : "", word);
		for (size_t i = 0; i < souc_command_count; i++) {
			if (strcmp(souc_commands[i].name, name) != 0)
				continue;
			cx->command = &souc_commands[i];
			if (words->count - used > SOUC_ARGUMENTS_MAX)
				return souc_fail(cx, SOU_MSG_USAGE_EXTRA,
						 words->word[used + SOUC_ARGUMENTS_MAX], name);
			cx->argument_count = words->count - used;
			for (size_t k = 0; k < cx->argument_count; k++)
				cx->arguments[k] = words->word[used + k];
			return 0;
		}
		for (size_t i = 0; used == 1 && i < souc_group_count; i++) {
			if (strcmp(souc_groups[i].name, name) == 0)
				cx->group = &souc_groups[i];
		}
	}
	if (cx->help && (words->count == 0 || (cx->group != NULL && words->count == 1)))
		return 0;
	if (cx->group != NULL && words->count == 1)
		return souc_fail(cx, SOU_MSG_USAGE_MISSING, souc_word(cx, SOU_MSG_CLI_COMMAND_WORD),
				 words->word[0]);
	return souc_fail(cx, SOU_MSG_USAGE_COMMAND, name[0] != '\0' ? name : words->word[0]);
}

static int arguments_check(struct souc_context *cx)
{
	const char *spec = cx->command->arguments;
	char word[32];
	bool required;
	size_t count = 0;
	for (; souc_spec_next(&spec, word, &required); count++) {
		if (count >= cx->argument_count)
			return souc_fail(cx, SOU_MSG_USAGE_MISSING, word, cx->command->name);
		if (strcmp(word, "FILE") != 0 &&
		    souc_input_utf8(cx, word, cx->arguments[count]) != 0)
			return EX_DATAERR;
		if (cx->arguments[count][0] == '\0')
			return souc_fail(cx, SOU_MSG_USAGE_VALUE, word, "",
					 souc_word(cx, SOU_MSG_WANT_NOT_EMPTY));
	}
	if (cx->argument_count > count)
		return souc_fail(cx, SOU_MSG_USAGE_EXTRA, cx->arguments[count], cx->command->name);
	return 0;
}

long long souc_number_read(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9 || text[0] == '0' || text[digits] != '\0')
		return 0;
	long long v = 0;
	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (text[i] - '0');
	return v;
}

/* "7d" in milliseconds; 0 where it is none. */
static long long time_span_read(const char *text)
{
	int64_t ms;
	return sou_duration_read(text, &ms) ? (long long)ms : 0;
}

static long long value_number(int id, const char *text)
{
	if (souc_options[id].kind == SOUC_OPTION_TIME_SPAN)
		return time_span_read(text);
	return souc_number_read(text);
}

static int value_check(struct souc_context *cx, int id)
{
	char dashed[40];
	snprintf(dashed, sizeof dashed, "--%s", souc_options[id].name);
	for (size_t i = 0; i < cx->value_count[id]; i++) {
		const char *value = cx->values[id][i];
		enum sou_msg want = SOU_MSG_WANT_NOT_EMPTY;
		bool good = value[0] != '\0' || id == SOUC_O_TEXT;
		switch (souc_options[id].kind) {
		case SOUC_OPTION_FLAG:
			good = true;
			break;
		case SOUC_OPTION_TEXT:
		case SOUC_OPTION_LIST:
			break;
		case SOUC_OPTION_NUMBER:
			want = SOU_MSG_WANT_NUMBER;
			good = value_number(id, value) > 0;
			break;
		case SOUC_OPTION_TIME_SPAN:
			want = SOU_MSG_WANT_TIME_SPAN;
			good = value_number(id, value) > 0;
			break;
		}
		bool path = id == SOUC_O_FILE || id == SOUC_O_OUTPUT || id == SOUC_O_DATA;
		if (!path && souc_input_utf8(cx, dashed, value) != 0)
			return EX_DATAERR;
		if (!good)
			return souc_fail(cx, SOU_MSG_USAGE_VALUE, dashed, value,
					 souc_word(cx, want));
	}
	return 0;
}

static bool is_common(int id)
{
	return id == SOUC_O_DATA || id == SOUC_O_JSON || id == SOUC_O_HELP || id == SOUC_O_VERSION;
}

static int options_check(struct souc_context *cx)
{
	bool taken[SOUC_OPTION_COUNT] = {false};
	const char *spec = cx->command->options, *by = cx->env("SOUKATSU_BY");
	char word[32];
	bool required;
	while (souc_spec_next(&spec, word, &required)) {
		int id = option_find(word, strlen(word));
		SOU_ASSERT(id >= 0);
		taken[id] = true;
		if (id == SOUC_O_BY && cx->value_count[id] == 0 && by != NULL && by[0] != '\0')
			cx->values[id][cx->value_count[id]++] = by;
		if (required && cx->value_count[id] == 0) {
			char what[80];
			option_text(id, what, sizeof what);
			return souc_fail(cx, SOU_MSG_USAGE_MISSING, what, cx->command->name);
		}
	}
	for (int id = 0; id < SOUC_OPTION_COUNT; id++) {
		if (cx->value_count[id] > 0 && !taken[id] && !is_common(id)) {
			char dashed[40];
			snprintf(dashed, sizeof dashed, "--%s", souc_options[id].name);
			return souc_fail(cx, SOU_MSG_USAGE_OPTION, dashed, cx->command->name);
		}
		int rc = value_check(cx, id);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int souc_command_read(struct souc_context *cx, int argc, char *const *argv)
{
	/* --json decides how errors look, so it is seen before any of them. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		cx->json = cx->json || strcmp(argv[i], "--json") == 0;
	struct words words = {.count = 0};
	int rc = words_read(cx, argc, argv, &words);
	if (rc != 0)
		return rc;
	cx->help = cx->value_count[SOUC_O_HELP] > 0;
	cx->version = cx->value_count[SOUC_O_VERSION] > 0;
	if (cx->version)
		return 0;
	if (words.count == 0 && !cx->help) {
		FILE *out = cx->out;
		cx->out = cx->err;
		souc_help(cx);
		cx->out = out;
		return EX_USAGE;
	}
	rc = command_find(cx, &words);
	if (rc != 0 || cx->help)
		return rc;
	rc = arguments_check(cx);
	return rc != 0 ? rc : options_check(cx);
}

const char *souc_value(const struct souc_context *cx, enum souc_option_id id)
{
	return cx->value_count[id] > 0 ? cx->values[id][cx->value_count[id] - 1] : NULL;
}

long long souc_number(const struct souc_context *cx, enum souc_option_id id, long long otherwise)
{
	const char *value = souc_value(cx, id);
	return value != NULL ? value_number(id, value) : otherwise;
}
