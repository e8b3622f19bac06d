/* init and join at a data directory of their own: what they make, with which modes, and how they
 * say no. A hub that answers is in tests/daemon/test_join.c, the whole way in the end-to-end tests.
 */
#define _GNU_SOURCE /* memmem */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keys/guard.h"
#include "daemon/options.h"
#include "proto/invite.h"
#include "tests/client/fake.h"
#include "tests/lib/check.h"

/* The read end of a pipe that holds a passphrase. */
static int passphrase_pipe(const char *text)
{
	int fds[2];
	REQUIRE("pipe", pipe(fds) == 0);
	REQUIRE("pipe", write(fds[1], text, strlen(text)) == (ssize_t)strlen(text));
	close(fds[1]);
	return fds[0];
}

static struct fake_result init_run(const char *data, const char *words, const char *passphrase)
{
	int fd = passphrase_pipe(passphrase);
	struct fake_result r = fake_run(
		NULL, "en", 0, "",
		test_printf("--data %s init --hub --org hq --name 例社協 --passphrase-fd %d %s",
			    data, fd, words));
	close(fd);
	return r;
}

/* R20: nothing in the folder is open to others; keys are not even ours to write. */
static size_t check_modes(const char *path)
{
	size_t count = 0;
	DIR *folder = opendir(path);
	REQUIRE(path, folder != NULL);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		const char *name = test_printf("%s/%s", path, entry->d_name);
		struct stat st;
		REQUIRE(name, lstat(name, &st) == 0);
		CHECK_INT(name, st.st_mode & 077, ==, 0);
		if (strstr(name, ".pem") != NULL)
			CHECK_INT(name, st.st_mode & 0777, ==, 0400);
		count++;
		if (S_ISDIR(st.st_mode))
			count += check_modes(name);
	}
	closedir(folder);
	return count;
}

TEST(site, init)
{
	const char *data = test_path("deep/er/hub");
	struct fake_result r = init_run(data, "--listen 127.0.0.1:7443", "ひみつの合言葉\n");
	CHECK_STR("init", r.err, "");
	CHECK_INT("init", r.status, ==, 0);
	CHECK("root keys are named", strstr(r.out, "/root-keys/root-3.pem") != NULL);
	CHECK_INT("R20 files", check_modes(data), >=, 10);
	struct stat st;
	REQUIRE("R20 folder", lstat(data, &st) == 0);
	CHECK_INT("R20 folder", st.st_mode & 07777, ==, 0700);
	CHECK_INT("R12 fence beside", access(test_printf("%s.state/fence", data), F_OK), ==, 0);
	struct rlimit core;
	CHECK("R20 no core file", getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0);

	struct soud_options options;
	struct soud_options_faults fault;
	soud_options_default(&options);
	const char *conf = test_printf("%s/soukatsud.conf", data);
	CHECK_INT("the daemon reads it", soud_options_read(&options, conf, &fault), ==, SOU_OK);
	CHECK_STR("the daemon reads it", options.listen, "127.0.0.1:7443");

	r = init_run(data, "--listen 127.0.0.1:7443", "ひみつの合言葉\n");
	CHECK_INT("a second time", r.status, ==, 73);
	CHECK("a second time", strstr(r.err, "already is a replica") != NULL);
}

/* R12: the daemon must find the fence where init has put it, or it would take the replica for a
 * restored one and headquarters would wait for itself. */
TEST(site, init_elsewhere)
{
	const char *data = test_path("hub"), *state = test_path("state");
	struct fake_result r =
		init_run(data, test_printf("--listen 127.0.0.1:7443 --state-dir %s", state),
			 "合言葉合言葉\n");
	CHECK_INT("R12 elsewhere", r.status, ==, 0);
	CHECK_INT("R12 fence", access(test_path("state/fence"), F_OK), ==, 0);
	struct soud_options options;
	struct soud_options_faults fault;
	soud_options_default(&options);
	CHECK_INT("R12 the daemon knows",
		  soud_options_read(&options, test_path("hub/soukatsud.conf"), &fault), ==, SOU_OK);
	CHECK_STR("R12 the daemon knows", options.state_dir, state);
	CHECK_STR("R12 the daemon knows", options.listen, "127.0.0.1:7443");
}

/* What stands at the place of the data directory. */
TEST(site, init_at_a_place)
{
	static const struct {
		const char *name, *file;
		unsigned file_mode, folder_mode;
		int status;
		const char *id;
	} cases[] = {
		{"open to others", NULL, 0, 0755, 77, "data.mode"},
		{"somebody's files", "letters.txt", 0600, 0700, 73, "data.foreign"},
		{"an own file open to others", "soukatsud.conf", 0644, 0700, 0, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name, *data = test_path(test_printf("hub-%zu", i));
		REQUIRE(name, mkdir(data, 0700) == 0 && chmod(data, cases[i].folder_mode) == 0);
		if (cases[i].file != NULL) {
			const char *file = test_file(test_printf("hub-%zu/%s", i, cases[i].file),
						     "log_level = info\n", 17);
			REQUIRE(name, chmod(file, cases[i].file_mode) == 0);
		}
		struct fake_result r =
			init_run(data, "--json --listen 127.0.0.1:7443", "12345678\n");
		CHECK_INT(name, r.status, ==, cases[i].status);
		if (cases[i].id == NULL)
			continue;
		if (strstr(r.err, test_printf("\"id\":\"%s\"", cases[i].id)) == NULL)
			CHECK_STR(name, r.err, cases[i].id);
		CHECK_INT(name, access(test_printf("%s/keys", data), F_OK), ==, -1);
	}
	struct sou_err err;
	int lock = -1;
	const char *busy = test_path("busy");
	REQUIRE("busy", mkdir(busy, 0700) == 0 && soud_guard_lock(busy, &lock, &err) == SOU_OK);
	struct fake_result r = init_run(busy, "--json --listen 127.0.0.1:7443", "12345678\n");
	soud_guard_unlock(lock);
	CHECK_INT("R6 in use", r.status, ==, 75);
	CHECK("R6 in use", strstr(r.err, "daemon.running") != NULL);
	CHECK_INT("R6 in use, nothing is taken away", access(test_path("busy/lock"), F_OK), ==, 0);
	r = init_run("/proc/nonexistent", "--json --listen 127.0.0.1:7443", "12345678\n");
	CHECK_INT("cannot be made", r.status, ==, 73);
	CHECK("cannot be made", strstr(r.err, "file.write") != NULL);
}

static const struct {
	const char *name, *words, *passphrase;
	int status;
	const char *id;
} init_cases[] = {
	{"R20 short passphrase", "--listen 127.0.0.1:7443", "1234567\n", 65, "passphrase.short"},
	{"R20 empty passphrase", "--listen 127.0.0.1:7443", "\n", 77, "passphrase.missing"},
	{"address without port", "--listen 127.0.0.1", "12345678\n", 64, "usage.value"},
	{"address is a port", "--listen 7443", "12345678\n", 64, "usage.value"},
	{"address missing", "", "12345678\n", 64, "usage.missing"},
	{"R12 fence at no whole path", "--listen 127.0.0.1:1 --state-dir state", "12345678\n", 64,
	 "usage.value"},
};
TEST(site, init_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(init_cases); i++) {
		const char *name = init_cases[i].name;
		const char *data = test_path(test_printf("hub-%zu", i));
		struct fake_result r = init_run(data, test_printf("--json %s", init_cases[i].words),
						init_cases[i].passphrase);
		CHECK_INT(name, r.status, ==, init_cases[i].status);
		CHECK(name, strstr(r.err, test_printf("\"id\":\"%s\"", init_cases[i].id)) != NULL);
		CHECK_INT(name, access(data, F_OK), ==, -1);
	}
}

/* The names of headquarters are held to what an import of organisations would take. */
TEST(site, init_names)
{
	static const struct {
		const char *name, *words;
	} cases[] = {
		{"handle with a blank", "--org 'h q' --name 例"},
		{"handle with a wide blank", "--org h　q --name 例"},
		{"handle with a slash", "--org h/q --name 例"},
		{"name with a line end", "--org hq --name '例\n社協'"},
		{"name with an escape", "--org hq --name \x1b[31m"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *data = test_path("hub");
		struct fake_result r =
			fake_run(NULL, "en", 0, "",
				 test_printf("--json --data %s init --hub --listen 127.0.0.1:1 %s",
					     data, cases[i].words));
		CHECK_INT(cases[i].name, r.status, ==, 64);
		CHECK(cases[i].name, strstr(r.err, "usage.value") != NULL);
		CHECK_INT(cases[i].name, access(data, F_OK), ==, -1);
	}
}

TEST(site, join_refused)
{
	struct sou_invite invite = {.address = "127.0.0.1:1",
				    .tls = {{1}},
				    .genesis = {{2}},
				    .net = {{3}},
				    .secret = {4}};
	char good[SOU_INVITE_TEXT_BYTES_MAX];
	size_t n;
	REQUIRE("invite", sou_invite_write(&invite, good, &n) == SOU_OK);
	const char *mistyped = test_printf("%.*sx%s", 20, good, good + 21);
	const struct {
		const char *name, *text, *input;
		int status;
		const char *id;
	} cases[] = {
		{"P12.5 no invite", "https://例", "", 65, "invite.malformed"},
		{"P12.5 cut short", test_printf("%.*s", (int)n / 2, good), "", 65, "invite.short"},
		{"P12.5 mistyped", mistyped, "", 65, "invite.mistyped"},
		{"P12.5 from input", "-", mistyped, 65, "invite.mistyped"},
		{"R18 nobody there", good, "", 69, "invite.unreachable"},
		{"R18 nobody there, from input", "-", test_printf("%s\n", good), 69,
		 "invite.unreachable"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake_result r = fake_run(NULL, "en", 0, cases[i].input,
						test_printf("--json --data %s join %s --wait 20s",
							    test_path("site"), cases[i].text));
		CHECK_INT(cases[i].name, r.status, ==, cases[i].status);
		if (strstr(r.err, test_printf("\"id\":\"%s\"", cases[i].id)) == NULL)
			CHECK_STR(cases[i].name, r.err, cases[i].id);
		CHECK_STR(cases[i].name, r.out, "");
	}
	/* The keys of a join that did not come through are there for the next try (P12.6). */
	CHECK("P12.6 keys are kept", check_modes(test_path("site")) >= 3);
	CHECK_INT("no replica yet", access(test_path("site/replica.db"), F_OK), ==, -1);
}

/* Write over one byte of a file, `at` bytes behind the first place where `mark` stands. */
static void damage(const char *path, const void *mark, size_t mark_bytes, size_t at)
{
	struct test_bytes file = test_read(path);
	uint8_t *found = memmem(file.b, file.n, mark, mark_bytes);
	REQUIRE("mark is in the file", found != NULL);
	size_t offset = (size_t)(found - file.b) + at;
	uint8_t byte = file.b[offset] ^ 1;
	int fd = open(path, O_WRONLY);
	REQUIRE("damage", fd >= 0 && pwrite(fd, &byte, 1, (off_t)offset) == 1);
	close(fd);
}

TEST(site, verify)
{
	const char *data = test_path("hub");
	struct fake_result r = fake_run(NULL, "en", 0, "", test_printf("--data %s verify", data));
	CHECK_INT("R22 no replica", r.status, ==, 66);
	r = init_run(data, "--listen 127.0.0.1:7443", "ひみつの合言葉\n");
	REQUIRE("init", r.status == 0);
	r = fake_run(NULL, "en", 0, "", test_printf("--data %s verify", data));
	CHECK_INT("R22 whole", r.status, ==, 0);
	CHECK("R22 whole", strstr(r.out, "no fault was found") != NULL);
	r = fake_run(NULL, "en", 0, "", test_printf("--json --data %s verify", data));
	json_t *got = json_loads(r.out, 0, NULL);
	CHECK_INT("R22 as JSON", json_integer_value(json_object_get(got, "faults")), ==, 0);
	CHECK("R22 as JSON", json_integer_value(json_object_get(got, "ops")) >= 1);
	json_decref(got);

	r = fake_run(NULL, "en", 0, "", test_printf("--data %s rebuild", data));
	CHECK_INT("I rebuild", r.status, ==, 0);
	CHECK("I rebuild", strstr(r.out, "derived anew") != NULL);
	r = fake_run(NULL, "en", 0, "", test_printf("--json --data %s rebuild", data));
	CHECK_STR("I rebuild as JSON", r.out, "{\"done\":true}\n");
	r = fake_run(NULL, "en", 0, "", "rebuild");
	CHECK_INT("I rebuild, no replica", r.status, ==, 66);

	struct sou_err err;
	int lock = -1;
	REQUIRE("lock", soud_guard_lock(data, &lock, &err) == SOU_OK);
	r = fake_run(NULL, "en", 0, "", test_printf("--data %s verify", data));
	CHECK_INT("R6 a daemon has it", r.status, ==, 75);
	r = fake_run(NULL, "en", 0, "", test_printf("--data %s rebuild", data));
	soud_guard_unlock(lock);
	CHECK_INT("R6 a daemon has it", r.status, ==, 75);

	static const char name[] = "例社協"; /* stands in the genesis op */
	damage(test_printf("%s/replica.db", data), name, sizeof name - 1, 2);
	r = fake_run(NULL, "en", 0, "", test_printf("--data %s verify", data));
	CHECK_INT("R22 one bit", r.status, ==, 65);
	CHECK("R22 one bit", strstr(r.err, "things did not pass") != NULL);
	CHECK("R22 says where", strstr(r.out, "authority: ") != NULL);
	r = fake_run(NULL, "en", 0, "", test_printf("--json --data %s verify", data));
	got = json_loads(r.out, 0, NULL);
	CHECK_INT("R22 as JSON", json_array_size(json_object_get(got, "findings")), >=, 1);
	json_decref(got);
}
