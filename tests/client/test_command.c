/* The table of commands as a whole, and the reader of a command line. */
#include "client/cli/command.h"

#include <dirent.h>
#include <stdio.h>

#include "client/cli/api.h"
#include "tests/client/fake.h"
#include "tests/lib/check.h"

static const struct {
	int code;
	const char *help[2];
} exits[] = {
#define E(code, ja, en) {code, {ja, en}},
#include "client/cli/commands.def"
};

static int option_index(const char *name)
{
	for (int i = 0; i < SOUC_OPTION_COUNT; i++) {
		if (strcmp(souc_options[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* Japanese in the Japanese column, nothing but our few signs beside ASCII in the English one. */
static void check_help(const char *name, const char *const help[2])
{
	CHECK(name, help[0][0] != '\0' && help[1][0] != '\0');
	bool japanese = false;
	for (const char *s = help[0]; *s != '\0'; s++)
		japanese = japanese || (unsigned char)*s >= 0xE3;
	CHECK(name, japanese || strstr(help[0], "text") != NULL);
	for (const char *s = help[1]; *s != '\0'; s += strncmp(s, "…", 3) == 0 ? 3 : 1)
		CHECK(name, (unsigned char)*s < 0x80 || strncmp(s, "…", 3) == 0);
}

TEST(command, help_is_there)
{
	bool used[SOUC_OPTION_COUNT] = {[SOUC_O_DATA] = true,
					[SOUC_O_JSON] = true,
					[SOUC_O_HELP] = true,
					[SOUC_O_VERSION] = true};
	for (size_t i = 0; i < souc_command_count; i++) {
		const struct souc_command *c = &souc_commands[i];
		check_help(c->name, c->help);
		CHECK(c->name, c->run != NULL);
		size_t group = 0, arguments = 0;
		for (size_t k = 0; k < souc_group_count; k++)
			group += strncmp(souc_groups[k].name, c->name, strcspn(c->name, " ")) == 0;
		CHECK_INT(c->name, group, ==, 1);
		char word[32];
		bool required;
		for (const char *spec = c->arguments; souc_spec_next(&spec, word, &required);) {
			size_t known = 0;
			for (size_t k = 0; k < souc_argument_count; k++)
				known += strcmp(souc_arguments[k].name, word) == 0;
			CHECK_INT(test_printf("%s %s", c->name, word), known, ==, 1);
			arguments++;
		}
		CHECK_INT(c->name, arguments, <=, SOUC_ARGUMENTS_MAX);
		for (const char *spec = c->options; souc_spec_next(&spec, word, &required);) {
			int id = option_index(word);
			CHECK(test_printf("%s --%s", c->name, word), id >= 0);
			if (id >= 0)
				used[id] = true;
		}
		for (const char *s = c->exits; *s != '\0'; s += strspn(s, " ")) {
			size_t known = 0;
			for (size_t k = 0; k < ARRAY_LEN(exits); k++)
				known += exits[k].code == strtol(s, NULL, 10);
			CHECK_INT(test_printf("%s exit %.2s", c->name, s), known, ==, 1);
			s += strcspn(s, " ");
		}
	}
	for (int i = 0; i < SOUC_OPTION_COUNT; i++) {
		check_help(souc_options[i].name, souc_options[i].help);
		CHECK(souc_options[i].name, used[i]);
		CHECK_INT(souc_options[i].name, souc_options[i].value[0] == '\0', ==,
			  souc_options[i].kind == SOUC_OPTION_FLAG);
	}
	for (size_t i = 0; i < souc_argument_count; i++)
		check_help(souc_arguments[i].name, souc_arguments[i].help);
	for (size_t i = 0; i < souc_group_count; i++)
		check_help(souc_groups[i].name, souc_groups[i].help);
}

/* Every act of the API has a command, so that what the page can do the command line can. */
TEST(command, routes_are_used)
{
	static const char *const names[] = {
#define R(id, method, path, who, query, body, ja, en) "SOUC_R_" #id,
#include "daemon/http/routes.def"
#undef R
	};
	DIR *folder = opendir(SOU_SOURCE_DIR "/client/cli");
	REQUIRE("client/cli", folder != NULL);
	bool used[ARRAY_LEN(names)] = {false};
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		if (strstr(entry->d_name, ".c") == NULL)
			continue;
		struct test_bytes file =
			test_read(test_printf(SOU_SOURCE_DIR "/client/cli/%s", entry->d_name));
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			const char *at = strstr((const char *)file.b, names[i]);
			used[i] = used[i] ||
				  (at != NULL && strspn(at + strlen(names[i]), ",; })") > 0);
		}
	}
	closedir(folder);
	/* An item is shown out of the list that its id was looked up in. */
	used[SOUC_R_ITEM_SHOW] = true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK(names[i], used[i]);
}

static const struct {
	const char *name, *words;
	int status;
	const char *out, *err; /* stand in the output */
} read_cases[] = {
	{"version", "--version", 0, "soukatsu 0", ""},
	{"version beats a command", "item --version", 0, "soukatsu 0", ""},
	{"nothing", "", 64, "", "Usage: soukatsu"},
	{"help", "--help", 0, "item add PROJECT COLUMN", ""},
	{"help of a group", "conflict --help", 0, "conflict resolve CONFLICT", ""},
	{"help of a command", "item add -h", 0, "--by NAME", ""},
	{"help needs no arguments", "item move --help", 0, "ITEM ORDER", ""},
	{"help of none", "nosuch --help", 64, "", "no command nosuch"},
	{"unknown command", "nosuch", 64, "", "no command nosuch"},
	{"unknown second word", "item nosuch", 64, "", "no command item nosuch"},
	{"second word missing", "item", 64, "", "item needs COMMAND"},
	{"argument missing", "item show", 64, "", "item show needs ITEM"},
	{"argument empty", "item show ''", 64, "", "not a value for ITEM"},
	{"argument too many", "item show a b", 64, "", "does not take the word b"},
	{"far too many", "status a b c d e f", 64, "", "does not take the word"},
	{"unknown option", "status --nosuch", 64, "", "takes no option --nosuch"},
	{"unknown short option", "status -x", 64, "", "takes no option -x"},
	{"option of another command", "status --text a", 64, "", "takes no option --text"},
	{"U-6 unknown option, no command", "--nosuch", 64, "", "There is no option --nosuch."},
	{"U-6 unknown option beside --data", "--data /x item add --nosuch", 64, "",
	 "item add takes no option --nosuch"},
	{"option without value", "item list --round", 64, "", "its value, ROUND, is missing"},
	{"switch needed", "init --org a --name b --listen 1:1", 64, "", "init needs --hub.\n"},
	{"option with empty value", "item list --round ''", 64, "", "not a value for --round"},
	{"option twice", "item list --round a --round b", 64, "", "--round is given twice"},
	{"switch with value", "table --latest=yes", 64, "", "takes no option --latest=yes"},
	{"needed option missing", "item add p c --text a", 64, "", "item add needs --by NAME"},
	{"needed options missing", "invite --by x", 64, "", "invite needs --org ORG"},
	{"number zero", "item add p c --text a --by x --order 0", 64, "", "--order"},
	{"number with a sign", "item add p c --text a --by x --order -1", 64, "", "--order"},
	{"number too long", "item add p c --text a --by x --order 1234567890", 64, "", "--order"},
	{"time span without unit", "sync now --wait 10", 64, "", "--wait"},
	{"time span of zero", "sync now --wait 0s", 64, "", "--wait"},
	{"time span with rest", "sync now --wait 1dd", 64, "", "--wait"},
	{"order that is none", "item move abcd first --by x", 64, "", "ORDER"},
	{"not UTF-8", "item list --round \xFF", 65, "", "--round is not UTF-8 at character 1"},
	{"argument not UTF-8", "item show \xFF", 65, "", "ITEM is not UTF-8 at character 1"},
	{"T-1 which character", "item add p c --by x --text 例\xFFx", 65, "",
	 "--text is not UTF-8 at character 2"},
	{"text twice", "item add p c --text a --file b --by x", 64, "", "cannot be used together"},
	{"text missing", "item add p c --by x", 64, "", "item add needs --text or --file"},
	{"text and version missing", "conflict resolve 1f3a --by x", 64, "",
	 "conflict resolve needs --use, --text or --file"},
	{"no file", "item add p c --by x --file /nonexistent", 66, "", "no such file or directory"},
	{"file is a folder", "item add p c --by x --file /", 66, "", "is a directory"},
	{"plan is no JSON", "plan import /dev/null --by x", 65, "", "line 1: is not JSON"},
	{"format", "table --format xlsx", 64, "", "text or json"},
	{"format against --json", "table --json --format text", 64, "", "text or json"},
	{"no replica", "status", 66, "", "There is no replica in"},
	{"no folder", "status --data /nonexistent", 66, "", "There is no replica in"},
	{"not a folder", "status --data /dev/null", 66, "", "There is no replica in"},
	{"no site", "status --data", 64, "", "its value, DIR, is missing"},
	{"error as JSON", "--json nosuch", 64, "", "{\"error\":{\"id\":\"usage.command\""},
	{"JSON is seen first", "nosuch --json", 64, "", "{\"error\":{\"id\":\"usage.command\""},
	{"after -- nothing is an option", "item show -- --json --help", 64, "",
	 "soukatsu: item show"},
};
/* What stands in the directory decides what is wrong when nobody answers there. */
TEST(command, nobody_answers)
{
	struct fake_result r;
	(void)test_file("joining", "x", 1);
	r = fake_run(NULL, "en", 0, "", "status");
	CHECK_INT("R7 a join begun", r.status, ==, 66);
	CHECK("R7 a join begun", strstr(r.err, "is not finished") != NULL);
	(void)test_file("replica.db", "x", 1);
	r = fake_run(NULL, "en", 0, "", "status");
	CHECK_INT("no daemon", r.status, ==, 69);
	CHECK("no daemon", strstr(r.err, "soukatsud is not running") != NULL);
}

TEST(command, reader)
{
	for (size_t i = 0; i < ARRAY_LEN(read_cases); i++) {
		const char *name = read_cases[i].name;
		struct fake_result r = fake_run(NULL, "en", 0, "", read_cases[i].words);
		CHECK_INT(name, r.status, ==, read_cases[i].status);
		if (strstr(r.out, read_cases[i].out) == NULL)
			CHECK_STR(name, r.out, read_cases[i].out);
		if (strstr(r.err, read_cases[i].err) == NULL)
			CHECK_STR(name, r.err, read_cases[i].err);
		CHECK(name, r.status != 0 || r.err[0] == '\0');
	}
}

/* Every command has help in both languages that names all its options. */
TEST(command, help_of_each)
{
	for (size_t i = 0; i < souc_command_count; i++) {
		const struct souc_command *c = &souc_commands[i];
		const char *words = test_printf("%s --help", c->name);
		struct fake_result ja = fake_run(NULL, "ja", 0, "", words);
		struct fake_result en = fake_run(NULL, "en", 0, "", words);
		CHECK_INT(c->name, ja.status | en.status, ==, 0);
		CHECK(c->name, strstr(ja.out, "使い方: soukatsu ") != NULL);
		CHECK(c->name, strstr(en.out, c->help[1]) != NULL);
		char word[32];
		bool required;
		for (const char *spec = c->options; souc_spec_next(&spec, word, &required);) {
			const char *dashed = test_printf("--%s", word);
			CHECK(dashed,
			      strstr(ja.out, dashed) != NULL && strstr(en.out, dashed) != NULL);
		}
		CHECK(c->name, strcmp(ja.out, en.out) != 0);
	}
}
