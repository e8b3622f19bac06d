/* test_options.c - each type of option at its bounds, the file line by line, the command line, and
 * the sample file, which must be what the table says. */
#include "daemon/options.h"

#include "tests/lib/check.h"

static const struct {
	const char *name, *option, *value;
	int rc;
} set_cases[] = {
	{"time, smallest", "backoff_min", "10ms", SOU_OK},
	{"time, below", "backoff_min", "9ms", SOU_EINPUT},
	{"time, largest", "backoff_min", "1h", SOU_OK},
	{"time, largest in another unit", "backoff_min", "3600s", SOU_OK},
	{"time, above", "backoff_min", "3600001ms", SOU_EINPUT},
	{"time, 2^63", "backoff_min", "9223372036854775808ms", SOU_EINPUT},
	{"time, no unit", "backoff_min", "20", SOU_EINPUT},
	{"time, leading zero", "backoff_min", "010s", SOU_EINPUT},
	{"time, sign", "backoff_min", "+20s", SOU_EINPUT},
	{"time, blank", "backoff_min", "20 s", SOU_EINPUT},
	{"time, empty", "backoff_min", "", SOU_EINPUT},
	{"address", "listen", "127.0.0.1:7443", SOU_OK},
	{"address, name", "listen", "hub.example_1.jp:1", SOU_OK},
	{"address, v6", "listen", "[::1]:65535", SOU_OK},
	{"address, none", "listen", "", SOU_OK},
	{"address, kernel's port", "listen", "127.0.0.1:0", SOU_OK},
	{"address, port above", "listen", "127.0.0.1:65536", SOU_EINPUT},
	{"address, no port", "listen", "127.0.0.1", SOU_EINPUT},
	{"address, empty port", "listen", "127.0.0.1:", SOU_EINPUT},
	{"address, no host", "listen", ":7443", SOU_EINPUT},
	{"address, bare v6", "listen", "::1:7443", SOU_EINPUT},
	{"address, open bracket", "listen", "[::1:7443", SOU_EINPUT},
	{"address, empty bracket", "listen", "[]:7443", SOU_EINPUT},
	{"address, blank", "listen", "a b:7443", SOU_EINPUT},
	{"path", "state_dir", "/var/lib/x", SOU_OK},
	{"path, none", "state_dir", "", SOU_OK},
	{"path, relative", "state_dir", "var", SOU_EINPUT},
	{"choice, first", "log_level", "error", SOU_OK},
	{"choice, last", "log_level", "debug", SOU_OK},
	{"choice, beginning", "log_level", "err", SOU_EINPUT},
	{"choice, two", "log_level", "error warning", SOU_EINPUT},
	{"choice, empty", "log_level", "", SOU_EINPUT},
	{"unknown", "listenn", "x", SOU_EUNKNOWN},
	{"unknown, empty", "", "x", SOU_EUNKNOWN},
	{"unknown, of an older version", "backoff_ms_min", "500", SOU_EUNKNOWN},
};

TEST(options, set)
{
	for (size_t i = 0; i < ARRAY_LEN(set_cases); i++) {
		const char *name = set_cases[i].name;
		struct soud_options o, before;
		soud_options_default(&o);
		before = o;
		struct sou_err err = {0};
		int rc = soud_options_set(&o, set_cases[i].option, set_cases[i].value, &err);
		CHECK_INT(name, rc, ==, set_cases[i].rc);
		CHECK_INT(name, err.rc, ==, set_cases[i].rc);
		if (rc != SOU_OK) {
			CHECK_MEM(name, &o, sizeof o, &before, sizeof before);
			CHECK(name, err.text[0] != '\0');
		}
	}
}

TEST(options, text_at_its_bound)
{
	for (int over = 0; over <= 1; over++) {
		struct soud_options o;
		soud_options_default(&o);
		char path[1026];
		memset(path, '/', sizeof path);
		path[1023 + over] = '\0';
		int rc = soud_options_set(&o, "state_dir", path, NULL);
		CHECK_INT("bytes", rc, ==, over == 0 ? SOU_OK : SOU_EINPUT);
		CHECK_INT("bytes", strlen(o.state_dir), ==, over == 0 ? 1023 : 0);
	}
}

TEST(options, defaults)
{
	struct soud_options o;
	soud_options_default(&o);
	CHECK_STR("listen", o.listen, "");
	CHECK_INT("backoff", o.backoff_min_ms, ==, 500);
	CHECK_INT("log level", o.log_level, ==, 2);
	CHECK_INT("check", soud_options_check(&o, NULL), ==, SOU_OK);
	o.backoff_min_ms = o.backoff_max_ms;
	CHECK_INT("equal", soud_options_check(&o, NULL), ==, SOU_OK);
	o.backoff_min_ms++;
	struct sou_err err = {0};
	CHECK_INT("crossed", soud_options_check(&o, &err), ==, SOU_EINPUT);
	CHECK("crossed", strstr(err.text, "backoff_max") != NULL);
}

static const struct {
	const char *name, *text;
	int rc, line;
	const char *listen;
	int64_t backoff_min_ms;
} parse_cases[] = {
	{"nothing", "", SOU_OK, 0, "", 500},
	{"comment", "# listen = x\n", SOU_OK, 0, "", 500},
	{"bare", "listen = a:1\nbackoff_min = 20ms\n", SOU_OK, 0, "a:1", 20},
	{"quoted", "listen=\"a:1\"", SOU_OK, 0, "a:1", 500},
	{"single quotes", "listen='a:1'", SOU_OK, 0, "a:1", 500},
	{"v6", "listen = \"[::1]:1\"", SOU_OK, 0, "[::1]:1", 500},
	{"byte order of lines", "backoff_min = 20ms listen = a:1", SOU_OK, 0, "a:1", 20},
	{"bad value", "listen = a:1\n\nbackoff_min = 5ms\n", SOU_EINPUT, 3, "", 500},
	{"octal is not", "backoff_min = 0144ms", SOU_EINPUT, 1, "", 500},
	{"no unit", "backoff_min = 144", SOU_EINPUT, 1, "", 500},
	{"unknown", "listen = a:1\nnothing = 1\n", SOU_EINPUT, 2, "", 500},
	{"twice", "listen = a:1\nlisten = b:2\n", SOU_EINPUT, 2, "", 500},
	{"twice the same", "listen = a:1\nlisten = a:1\n", SOU_EINPUT, 2, "", 500},
	{"no value", "listen\n", SOU_EINPUT, 1, "", 500},
	{"no equal sign", "listen a:1\n", SOU_EINPUT, 1, "", 500},
	{"list", "listen = {a:1, b:2}\n", SOU_EINPUT, 1, "", 500},
	{"append", "listen += a:1\n", SOU_EINPUT, 1, "", 500},
	{"section", "listen { x = 1 }\n", SOU_EINPUT, 1, "", 500},
	{"include", "include(\"/etc/passwd\")\n", SOU_EINPUT, 1, "", 500},
	{"open string", "listen = \"a:1\n", SOU_EINPUT, 1, "", 500},
	{"string over two lines", "listen = \"a:\n1\"\n", SOU_EINPUT, 1, "", 500},
	{"after a return", "listen = a:1\r\nnothing = 1\r\n", SOU_EINPUT, 2, "", 500},
};

TEST(options, parse)
{
	for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
		const char *name = parse_cases[i].name;
		struct soud_options o;
		soud_options_default(&o);
		struct soud_options_faults faults;
		struct test_bytes text =
			test_copy(parse_cases[i].text, strlen(parse_cases[i].text));
		int rc = soud_options_parse(&o, (const char *)text.b, text.n, &faults);
		CHECK_INT(name, rc, ==, parse_cases[i].rc);
		CHECK_INT(name, faults.count > 0, ==, rc != SOU_OK);
		if (faults.count > 0) {
			CHECK_INT(name, faults.v[0].err.rc, ==, parse_cases[i].rc);
			CHECK_INT(name, faults.v[0].line, ==, parse_cases[i].line);
		}
		CHECK_STR(name, o.listen, parse_cases[i].listen);
		CHECK_INT(name, o.backoff_min_ms, ==, parse_cases[i].backoff_min_ms);
	}
}

/* All faults of a file are told at once, each with its line, and nothing of the file is taken. */
TEST(options, parse_all_faults)
{
	static const char text[] = "listen = a:1\n"
				   "nothing = 1\n"
				   "backoff_min = 9ms\n"
				   "# a remark\n"
				   "log_level = loud\n"
				   "listen = b:2\n"
				   "connect\n"
				   "state_dir = \"var\"\n"
				   "backoff_max = 2s\n";
	static const struct {
		int line;
		enum sou_msg reason;
	} want[] = {
		{2, SOU_MSG_REASON_EXTRA}, {3, SOU_MSG_COUNT},       {5, SOU_MSG_COUNT},
		{6, SOU_MSG_REASON_TWICE}, {7, SOU_MSG_REASON_FORM}, {8, SOU_MSG_COUNT},
	};
	struct soud_options o, before;
	soud_options_default(&o);
	before = o;
	struct soud_options_faults faults;
	CHECK_INT("rc", soud_options_parse(&o, text, sizeof text - 1, &faults), ==, SOU_EINPUT);
	CHECK_MEM("nothing is taken", &o, sizeof o, &before, sizeof before);
	REQUIRE("all", faults.count == ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CHECK_INT("line", faults.v[i].line, ==, want[i].line);
		CHECK_INT("reason", faults.v[i].reason, ==, want[i].reason);
	}
	char *many = test_alloc(2 * (SOUD_OPTIONS_FAULTS_MAX + 1) + 1);
	for (size_t i = 0; i <= SOUD_OPTIONS_FAULTS_MAX; i++)
		memcpy(many + 2 * i, "x\n", 3);
	CHECK_INT("R17 more than are kept", soud_options_parse(&o, many, strlen(many), &faults), ==,
		  SOU_EINPUT);
	CHECK_INT("R17 more than are kept", faults.count, ==, SOUD_OPTIONS_FAULTS_MAX + 1);
}

TEST(options, differ)
{
	for (size_t i = 0; i < soud_option_count; i++) {
		const struct soud_option *o = &soud_option_table[i];
		static const char *const other[] = {[SOUD_OPTION_TIME] = "1234ms",
						    [SOUD_OPTION_ADDRESS] = "z:9",
						    [SOUD_OPTION_PATH] = "/z",
						    [SOUD_OPTION_CHOICE] = "text"};
		const char *value = strcmp(o->name, "log_level") == 0 ? "debug" : other[o->type];
		struct soud_options a, b;
		soud_options_default(&a);
		soud_options_default(&b);
		CHECK(o->name, !soud_options_differ(&a, &b, o));
		REQUIRE(o->name, soud_options_set(&b, o->name, value, NULL) == SOU_OK);
		for (size_t k = 0; k < soud_option_count; k++)
			CHECK_INT(o->name, soud_options_differ(&a, &b, &soud_option_table[k]), ==,
				  k == i);
	}
}

TEST(options, parse_bytes)
{
	struct soud_options o;
	soud_options_default(&o);
	struct soud_options_faults faults;
	CHECK_INT("zero byte", soud_options_parse(&o, "#\0#", 3, &faults), ==, SOU_EINPUT);
	char *big = test_alloc(SOUD_OPTIONS_FILE_BYTES_MAX + 1);
	memset(big, '\n', SOUD_OPTIONS_FILE_BYTES_MAX + 1);
	CHECK_INT("R17 largest", soud_options_parse(&o, big, SOUD_OPTIONS_FILE_BYTES_MAX, &faults),
		  ==, SOU_OK);
	CHECK_INT("R17 one more",
		  soud_options_parse(&o, big, SOUD_OPTIONS_FILE_BYTES_MAX + 1, &faults), ==,
		  SOU_ELIMIT);
}

TEST(options, environment)
{
	setenv("SOU_TEST_STATE", "/var/lib/state", 1);
	struct soud_options o;
	soud_options_default(&o);
	struct soud_options_faults faults;
	static const char text[] = "state_dir = \"${SOU_TEST_STATE}/x\"";
	CHECK_INT("variable", soud_options_parse(&o, text, sizeof text - 1, &faults), ==, SOU_OK);
	CHECK_STR("variable", o.state_dir, "/var/lib/state/x");
}

TEST(options, read)
{
	static const char text[] = "listen = a:1\n";
	struct soud_options o;
	soud_options_default(&o);
	struct soud_options_faults faults;
	const char *path = test_file("a.conf", text, sizeof text - 1);
	CHECK_INT("there", soud_options_read(&o, path, &faults), ==, SOU_OK);
	CHECK_STR("there", o.listen, "a:1");
	CHECK_INT("absent", soud_options_read(&o, test_path("b.conf"), &faults), ==, SOU_EIO);
	CHECK_INT("a folder", soud_options_read(&o, test_dir(), &faults), ==, SOU_EIO);
	CHECK_INT("a folder", faults.v[0].line, ==, 0);
}

static const struct {
	const char *name, *first, *second; /* second may be NULL */
	int rc, at;
	const char *listen;
	int64_t backoff_min_ms;
} argument_cases[] = {
	{"joined", "--listen=a:1", NULL, SOU_OK, 1, "a:1", 500},
	{"apart", "--listen", "a:1", SOU_OK, 2, "a:1", 500},
	{"hyphens", "--backoff-min=20ms", NULL, SOU_OK, 1, "", 20},
	{"empty value", "--listen=", NULL, SOU_OK, 1, "", 500},
	{"no value", "--listen", NULL, SOU_EINPUT, 0, "", 500},
	{"bad value", "--listen", "a", SOU_EINPUT, 0, "", 500},
	{"another's", "--data", "/x", SOU_EUNKNOWN, 0, "", 500},
	{"no option", "listen", "a:1", SOU_EUNKNOWN, 0, "", 500},
	{"end of options", "--", "a:1", SOU_EUNKNOWN, 0, "", 500},
	{"very long",
	 "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
	 NULL, SOU_EUNKNOWN, 0, "", 500},
};

TEST(options, argument)
{
	for (size_t i = 0; i < ARRAY_LEN(argument_cases); i++) {
		const char *name = argument_cases[i].name;
		char *argv[] = {test_printf("%s", argument_cases[i].first), NULL, NULL};
		int argc = 1, at = 0;
		if (argument_cases[i].second != NULL)
			argv[argc++] = test_printf("%s", argument_cases[i].second);
		struct soud_options o;
		soud_options_default(&o);
		struct sou_err err;
		int rc = soud_options_argument(&o, argc, argv, &at, &err);
		CHECK_INT(name, rc, ==, argument_cases[i].rc);
		CHECK_INT(name, at, ==, argument_cases[i].at);
		CHECK_STR(name, o.listen, argument_cases[i].listen);
		CHECK_INT(name, o.backoff_min_ms, ==, argument_cases[i].backoff_min_ms);
	}
}

/* config/soukatsud.conf is generated: build/PRESET/tests/sample_config > config/soukatsud.conf */
TEST(options, sample)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	REQUIRE("memory", out != NULL);
	soud_options_sample(out);
	fclose(out);
	struct test_bytes file = test_read(SOU_SOURCE_DIR "/config/soukatsud.conf");
	CHECK_MEM("as generated", file.b, file.n, text, bytes);

	/* With every # before a name removed it is a valid file that changes nothing. */
	for (char *p = text; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (p[0] == '#' && p[1] != ' ')
			p[0] = ' ';
	}
	struct soud_options o, before;
	soud_options_default(&o);
	before = o;
	struct soud_options_faults faults;
	CHECK_INT("valid", soud_options_parse(&o, text, bytes, &faults), ==, SOU_OK);
	CHECK_INT("valid", faults.count, ==, 0);
	CHECK_MEM("the defaults", &o, sizeof o, &before, sizeof before);
	free(text);
}

/* docs/settings.md is generated: build/PRESET/tests/sample_config manual > docs/settings.md */
TEST(options, manual)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	REQUIRE("memory", out != NULL);
	soud_options_manual(out);
	fclose(out);
	struct test_bytes file = test_read(SOU_SOURCE_DIR "/docs/settings.md");
	CHECK_MEM("as generated", file.b, file.n, text, bytes);
	free(text);
}

TEST(options, help)
{
	for (int lang = SOU_LANG_JA; lang <= SOU_LANG_EN; lang++) {
		char *text = NULL;
		size_t bytes = 0;
		FILE *out = open_memstream(&text, &bytes);
		REQUIRE("memory", out != NULL);
		soud_options_help(out, (enum sou_lang)lang);
		fclose(out);
		CHECK("name", strstr(text, "  --backoff-min (10ms..1h)\n") != NULL);
		CHECK("default", strstr(text, " [500ms]\n") != NULL);
		CHECK_INT("language", strstr(text, "つなぎ直す") != NULL, ==, lang == SOU_LANG_JA);
		free(text);
	}
}
