/* test_settings.c - what is in force after a start and after a reload: all of a good file, nothing
 * of a bad one, and the names of what waits for the next start. */
#include "daemon/settings.h"

#include "tests/lib/check.h"

static struct soud_settings_faults faults;

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");
	REQUIRE(path, file != NULL);
	REQUIRE(path, fputs(text, file) >= 0);
	REQUIRE(path, fclose(file) == 0);
}

static void start(struct soud_settings *s, const char *first)
{
	char *dir = test_printf("%s", test_dir());
	static char *argv[] = {"soukatsud", "--data", NULL, "--backoff-max", "5s"};
	argv[2] = dir;
	put(test_path("soukatsud.conf"), first);
	REQUIRE("start", soud_settings_start(s, 5, argv, SOU_LANG_EN, &faults) == 0);
}

static const struct {
	const char *name, *text;
	bool taken;
	size_t faults;
	const char *address, *restart;
	int64_t backoff_min_ms;
	int log_level;
} reload_cases[] = {
	{"the same", "address = a:1\nlisten = l:1\n", true, 0, "a:1", "", 500, 2},
	{"LIVE alone", "address = b:2\nbackoff_min = 1s\nlog_level = debug\nlisten = l:1\n", true,
	 0, "b:2", "", 1000, 3},
	{"START is named and waits", "address = b:2\nlisten = l:2\nconnect = c:1\n", true, 0, "b:2",
	 "listen connect", 500, 2},
	{"back to the default", "listen = l:1\n", true, 0, "", "", 500, 2},
	{"one fault, nothing is taken", "address = b:2\nlog_level = debug\nbackoff_min = 5\n",
	 false, 1, "a:1", "", 500, 2},
	{"fault in the last line", "backoff_min = 1s\nlisten = l:2\nnothing = 1\n", false, 1, "a:1",
	 "", 500, 2},
	{"two faults", "nothing = 1\nlog_level = loud\n", false, 2, "a:1", "", 500, 2},
	{"twice", "address = b:2\naddress = b:2\n", false, 1, "a:1", "", 500, 2},
	{"crossed with the command line", "address = b:2\nlog_level = debug\nbackoff_min = 6s\n",
	 false, 1, "a:1", "", 500, 2},
	{"no file", NULL, false, 1, "a:1", "", 500, 2},
};

TEST(settings, reload)
{
	for (size_t i = 0; i < ARRAY_LEN(reload_cases); i++) {
		const char *name = reload_cases[i].name;
		struct soud_settings s;
		start(&s, "address = a:1\nlisten = l:1\n");
		struct soud_options before = s.now;
		if (reload_cases[i].text != NULL)
			put(test_path("soukatsud.conf"), reload_cases[i].text);
		else
			REQUIRE(name, remove(test_path("soukatsud.conf")) == 0);
		CHECK_INT(name, soud_settings_reload(&s, 7), ==, reload_cases[i].taken);
		CHECK_INT(name, s.refused, ==, !reload_cases[i].taken);
		CHECK_INT(name, s.faults, ==, reload_cases[i].faults);
		CHECK_INT(name, s.reload_ms, ==, 7);
		CHECK_STR(name, s.now.address, reload_cases[i].address);
		CHECK_STR(name, s.restart, reload_cases[i].restart);
		CHECK_STR(name, s.now.listen, "l:1");
		CHECK_INT(name, s.now.backoff_min_ms, ==, reload_cases[i].backoff_min_ms);
		CHECK_INT(name, s.now.backoff_max_ms, ==, 5000);
		CHECK_INT(name, s.now.log_level, ==, reload_cases[i].log_level);
		if (!reload_cases[i].taken)
			CHECK_MEM(name, &s.now, sizeof before, &before, sizeof before);
	}
}

/* A refused reload keeps the names of what waits, and a good one after it is taken. */
TEST(settings, reload_again)
{
	struct soud_settings s;
	start(&s, "listen = l:1\nlog_level = error\n");
	put(test_path("soukatsud.conf"), "listen = l:2\nlog_level = error\n");
	CHECK("START", soud_settings_reload(&s, 1));
	put(test_path("soukatsud.conf"), "address = b:2\nnothing\n");
	CHECK("bad", !soud_settings_reload(&s, 2));
	CHECK_STR("bad", s.restart, "listen");
	CHECK_STR("bad", s.now.address, "");
	CHECK_INT("bad, and no default comes back", s.now.log_level, ==, 0);
	put(test_path("soukatsud.conf"), "address = b:2\nlisten = l:1\n");
	CHECK("mended", soud_settings_reload(&s, 3));
	CHECK("mended", !s.refused);
	CHECK_STR("mended", s.restart, "");
	CHECK_STR("mended", s.now.address, "b:2");
}

/* A file that an administrator makes later is found. */
TEST(settings, file_comes_later)
{
	char *argv[] = {"soukatsud", "--data", test_printf("%s", test_dir())};
	struct soud_settings s;
	REQUIRE("start", soud_settings_start(&s, 3, argv, SOU_LANG_EN, &faults) == 0);
	CHECK_STR("none", s.config, "");
	put(test_path("soukatsud.conf"), "log_level = error\n");
	CHECK("found", soud_settings_reload(&s, 1));
	CHECK_INT("found", s.now.log_level, ==, 0);
}

static const struct {
	const char *name, *words[4]; /* ended by NULL */
	size_t count;
	enum sou_msg first;
} argument_cases[] = {
	{"nothing", {NULL}, 1, SOU_MSG_DAEMON_NO_DATA},
	{"data", {"--data", "/nonexistent", NULL}, 0, SOU_MSG_COUNT},
	{"data without a value", {"--data", NULL}, 1, SOU_MSG_DAEMON_OPTION},
	{"unknown", {"--nosuch", NULL}, 1, SOU_MSG_DAEMON_OPTION},
	{"bad value", {"--log-level", "loud", NULL}, 1, SOU_MSG_DAEMON_VALUE},
	{"no such file", {"--config", "/nonexistent", NULL}, 1, SOU_MSG_FILE_READ},
	{"a check needs a file or a directory",
	 {"--check-config", NULL},
	 1,
	 SOU_MSG_DAEMON_NO_DATA},
};

TEST(settings, arguments)
{
	for (size_t i = 0; i < ARRAY_LEN(argument_cases); i++) {
		char *argv[5] = {"soukatsud"};
		int argc = 1;
		for (; argument_cases[i].words[argc - 1] != NULL; argc++)
			argv[argc] = test_printf("%s", argument_cases[i].words[argc - 1]);
		struct soud_settings s;
		const char *name = argument_cases[i].name;
		CHECK_INT(name, soud_settings_start(&s, argc, argv, SOU_LANG_EN, &faults), ==,
			  argument_cases[i].count);
		if (faults.count > 0)
			CHECK_INT(name, faults.v[0].msg, ==, argument_cases[i].first);
	}
}

TEST(settings, tell)
{
	put(test_path("a.conf"), "nothing = 1\nlog_level = loud\nlisten\n");
	char *argv[] = {"soukatsud", "--config", test_printf("%s", test_path("a.conf")),
			"--check-config"};
	struct soud_settings s;
	CHECK_INT("all at once", soud_settings_start(&s, 4, argv, SOU_LANG_EN, &faults), ==, 3);
	CHECK("the check is asked for", s.check);
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	REQUIRE("memory", out != NULL);
	CHECK_INT("status", soud_settings_tell(&faults, out, SOU_LANG_EN), ==, 78);
	fclose(out);
	const char *at = text;
	static const char *const said[] = {
		", line 1: nothing: is not known.\n",
		", line 2: log_level = 'loud' (error warning info debug).\n",
		", line 3: is not of the form name = \"value\".\n", "\n  State: ", "\n  Next: "};
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		at = strstr(at, said[i]);
		REQUIRE(said[i], at != NULL);
		at += strlen(said[i]) - 1;
	}
	free(text);
}
