/* Key files, modes, locks and the fence's file (R4, R6, R12, R20). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keys/fence.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "daemon/net/tls.h"
#include "tests/lib/check.h"

static const struct sou_span none = {NULL, 0};

static struct sou_span span(const char *text)
{
	return (struct sou_span){(const uint8_t *)text, strlen(text)};
}

static const struct {
	const char *name;
	enum soud_key which;
	unsigned index;
	const char *passphrase, *path, *head;
} key_rows[] = {
	{"R4 site", SOUD_KEY_SITE, 0, "", "keys/site.pem", "-----BEGIN PRIVATE KEY-----"},
	{"R4 TLS", SOUD_KEY_TLS, 0, "", "keys/tls.pem", "-----BEGIN PRIVATE KEY-----"},
	{"R4 checkpoint", SOUD_KEY_CHECKPOINT, 0, "", "keys/checkpoint.pem",
	 "-----BEGIN PRIVATE KEY-----"},
	{"R4 operational", SOUD_KEY_OPERATIONAL, 0, "正しい馬の電池", "keys/operational.pem",
	 "-----BEGIN ENCRYPTED PRIVATE KEY-----"},
	{"R4 root", SOUD_KEY_ROOT, 2, "eight888", "root-keys/root-2.pem",
	 "-----BEGIN ENCRYPTED PRIVATE KEY-----"},
};

TEST(keys, are_made_once_and_open_again)
{
	struct sou_hash seen[ARRAY_LEN(key_rows)];
	for (size_t i = 0; i < ARRAY_LEN(key_rows); i++) {
		const char *name = key_rows[i].name;
		struct sou_span passphrase = span(key_rows[i].passphrase);
		struct sou_hash public_key = {{0}};
		struct sou_signer made = {0};
		CHECK_INT(name,
			  soud_key_make(test_dir(), key_rows[i].which, key_rows[i].index,
					passphrase, &public_key, &made, NULL),
			  ==, SOU_OK);
		CHECK_MEM(name, made.public_key.b, sizeof made.public_key.b, public_key.b,
			  sizeof public_key.b);
		sou_signer_fini(&made);
		CHECK_INT(name,
			  soud_key_make(test_dir(), key_rows[i].which, key_rows[i].index,
					passphrase, &public_key, NULL, NULL),
			  ==, SOU_EEXIST);
		struct stat st;
		REQUIRE(name, stat(test_path(key_rows[i].path), &st) == 0);
		CHECK_INT(name, st.st_mode & 07777, ==, 0400);
		CHECK(name, strncmp((const char *)test_read(test_path(key_rows[i].path)).b,
				    key_rows[i].head, strlen(key_rows[i].head)) == 0);
		struct sou_signer signer = {0};
		REQUIRE(name, soud_key_open(test_dir(), key_rows[i].which, key_rows[i].index,
					    passphrase, &signer, NULL) == SOU_OK);
		CHECK_MEM(name, signer.public_key.b, 32, public_key.b, 32);
		uint8_t sig[SOU_SIGNATURE_BYTES];
		struct sou_id net = {{1}};
		CHECK_INT(name, sou_sign(&signer, SOU_CONTEXT_ENTRY, &net, span("x"), sig), ==,
			  SOU_OK);
		CHECK_INT(name,
			  sou_verify(&sou_verifier_ed25519, SOU_CONTEXT_ENTRY, &net, span("x"),
				     &public_key, sig),
			  ==, SOU_OK);
		sou_signer_fini(&signer);
		for (size_t k = 0; k < i; k++)
			CHECK("R4 keys differ", !sou_hash_eq(&seen[k], &public_key));
		seen[i] = public_key;
	}
}

TEST(keys, refuse_what_is_not_theirs)
{
	struct sou_signer signer = {0};
	struct sou_err err = {0};
	CHECK_INT("R4 no file", soud_key_open(test_dir(), SOUD_KEY_SITE, 0, none, &signer, &err),
		  ==, SOU_EUNKNOWN);
	CHECK_INT("R20 no passphrase",
		  soud_key_make(test_dir(), SOUD_KEY_OPERATIONAL, 0, none, NULL, NULL, &err), ==,
		  SOU_EINPUT);
	CHECK_INT("R20 passphrase of 7 bytes",
		  soud_key_make(test_dir(), SOUD_KEY_OPERATIONAL, 0, span("seven77"), NULL, NULL,
				&err),
		  ==, SOU_EINPUT);
	char *longest = test_alloc(SOUD_PASSPHRASE_BYTES_MAX + 2);
	memset(longest, 'x', SOUD_PASSPHRASE_BYTES_MAX + 1);
	longest[SOUD_PASSPHRASE_BYTES_MAX + 1] = '\0';
	CHECK_INT(
		"R20 passphrase one too long",
		soud_key_make(test_dir(), SOUD_KEY_OPERATIONAL, 0, span(longest), NULL, NULL, &err),
		==, SOU_EINPUT);
	longest[SOUD_PASSPHRASE_BYTES_MAX] = '\0';
	CHECK_INT(
		"R20 longest passphrase",
		soud_key_make(test_dir(), SOUD_KEY_OPERATIONAL, 0, span(longest), NULL, NULL, &err),
		==, SOU_OK);
	CHECK_INT("R20 longest opens",
		  soud_key_open(test_dir(), SOUD_KEY_OPERATIONAL, 0, span(longest), &signer, &err),
		  ==, SOU_OK);
	sou_signer_fini(&signer);
	longest[SOUD_PASSPHRASE_BYTES_MAX - 1] = 'y';
	CHECK_INT("R20 wrong passphrase",
		  soud_key_open(test_dir(), SOUD_KEY_OPERATIONAL, 0, span(longest), &signer, &err),
		  ==, SOU_EKEY);
	CHECK_INT("R20 a passphrase where none is",
		  soud_key_make(test_dir(), SOUD_KEY_SITE, 0, span("eight888"), NULL, NULL, &err),
		  ==, SOU_EINPUT);

	(void)test_file("keys/site.pem", "-----BEGIN NOTHING-----\n", 24);
	CHECK_INT("R20 not a key",
		  chmod(test_path("keys/site.pem"), 0400) == 0
			  ? soud_key_open(test_dir(), SOUD_KEY_SITE, 0, none, &signer, &err)
			  : -99,
		  ==, SOU_ECORRUPT);
	CHECK_INT("R20 open to the group",
		  chmod(test_path("keys/site.pem"), 0440) == 0
			  ? soud_key_open(test_dir(), SOUD_KEY_SITE, 0, none, &signer, &err)
			  : -99,
		  ==, SOU_EINPUT);
}

TEST(keys, tls_pin_is_the_spki_hash)
{
	struct sou_hash public_key, pin = {{0}};
	REQUIRE("P12.1", soud_key_make(test_dir(), SOUD_KEY_TLS, 0, none, &public_key, NULL,
				       NULL) == SOU_OK);
	REQUIRE("P12.1", soud_key_tls_pin(test_dir(), &pin, NULL) == SOU_OK);
	struct test_bytes pem = test_read(test_path("keys/tls.pem"));
	struct soud_tls *tls = NULL;
	REQUIRE("P12.1", soud_tls_new_pem(&tls, pem.b, pem.n, NULL) == SOU_OK);
	struct sou_hash spki = soud_tls_spki(tls);
	CHECK_MEM("P12.1 the link shows the same", spki.b, 32, pin.b, 32);
	soud_tls_free(tls);
}

/* R20: what the service manager hands over goes before the file, and is enough by itself. */
TEST(keys, credential_goes_first)
{
	const char *dir = test_path("");
	char path[1200], moved[1200];
	struct sou_hash public_key;
	struct sou_signer signer = {0};
	struct sou_err err = {0};
	REQUIRE("R20 made",
		soud_key_make(dir, SOUD_KEY_SITE, 0, none, &public_key, NULL, &err) == SOU_OK);
	REQUIRE("R20", soud_key_path(dir, SOUD_KEY_SITE, 0, path, sizeof path) == SOU_OK);
	REQUIRE("R20", mkdir(test_path("credentials"), 0700) == 0);
	(void)snprintf(moved, sizeof moved, "%s", test_path("credentials/site.pem"));
	REQUIRE("R20 moved apart", rename(path, moved) == 0);
	CHECK_INT("R20 without it", soud_key_open(dir, SOUD_KEY_SITE, 0, none, &signer, &err), ==,
		  SOU_EUNKNOWN);
	REQUIRE("R20", setenv("CREDENTIALS_DIRECTORY", test_path("credentials"), 1) == 0);
	REQUIRE("R20 with it", soud_key_open(dir, SOUD_KEY_SITE, 0, none, &signer, &err) == SOU_OK);
	CHECK_MEM("R20 the same", signer.public_key.b, 32, public_key.b, 32);
	sou_signer_fini(&signer);
	CHECK_INT("R20 its place", soud_key_place(dir, SOUD_KEY_SITE, 0, path, sizeof path), ==,
		  SOU_OK);
	CHECK_STR("R20 its place", path, moved);
	CHECK_INT("R20 no credential: the file",
		  soud_key_place(dir, SOUD_KEY_TLS, 0, path, sizeof path), ==, SOU_OK);
	CHECK("R20 no credential: the file", strstr(path, "/keys/tls.pem") != NULL);
	CHECK_INT("R20 no room", soud_key_place(dir, SOUD_KEY_SITE, 0, path, 4), ==, SOU_ELIMIT);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
}

TEST(guard, folders_are_closed_to_others)
{
	static const struct {
		const char *name;
		unsigned mode;
		int rc;
	} rows[] = {
		{"R20 0700", 0700, SOU_OK},     {"R20 0500", 0500, SOU_OK},
		{"R20 0710", 0710, SOU_EINPUT}, {"R20 0740", 0740, SOU_EINPUT},
		{"R20 0701", 0701, SOU_EINPUT}, {"R20 0777", 0777, SOU_EINPUT},
	};
	const char *path = test_path("d");
	struct sou_err err = {0};
	CHECK_INT("R20 made", soud_guard_dir(path, &err), ==, SOU_OK);
	struct stat st;
	REQUIRE("R20 made", stat(path, &st) == 0);
	CHECK_INT("R20 made 0700", st.st_mode & 07777, ==, 0700);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		REQUIRE(rows[i].name, chmod(path, rows[i].mode) == 0);
		CHECK_INT(rows[i].name, soud_guard_dir(path, &err), ==, rows[i].rc);
		CHECK_INT(rows[i].name, soud_guard_tree(path, &err), ==, rows[i].rc);
	}
	REQUIRE("R20 back", chmod(path, 0700) == 0);
	CHECK_INT("R20 parent is missing", soud_guard_dir(test_path("no/d"), &err), ==, SOU_EIO);
	REQUIRE("R20 link", symlink(path, test_path("l")) == 0);
	CHECK_INT("R20 a link is no folder", soud_guard_dir(test_path("l"), &err), ==, SOU_EINPUT);
	(void)test_file("f", "x", 1);
	CHECK_INT("R20 a file is no folder", soud_guard_dir(test_path("f"), &err), ==, SOU_EINPUT);
}

TEST(guard, files_in_the_tree_are_closed_to_others)
{
	struct sou_err err = {0};
	const char *path = test_path("d/e/f");
	REQUIRE("R20", soud_guard_dir(test_path("d"), &err) == SOU_OK);
	REQUIRE("R20", soud_guard_dir(test_path("d/e"), &err) == SOU_OK);
	CHECK_INT("R20 whole", soud_guard_write(path, span("a"), 0600, false, &err), ==, SOU_OK);
	CHECK_INT("R20 0600", soud_guard_tree(test_path("d"), &err), ==, SOU_OK);
	REQUIRE("R20", chmod(path, 0604) == 0);
	CHECK_INT("R20 0604", soud_guard_tree(test_path("d"), &err), ==, SOU_EINPUT);
	CHECK("R20 says which", strstr(err.text, "d/e/f") != NULL);
	REQUIRE("R20", chmod(path, 0600) == 0 && symlink("f", test_path("d/e/g")) == 0);
	CHECK_INT("R20 a link", soud_guard_tree(test_path("d"), &err), ==, SOU_EINPUT);
}

TEST(guard, files_are_whole_or_not_there)
{
	struct sou_err err = {0};
	struct sou_buf buf = {0};
	const char *path = test_path("f");
	CHECK_INT("R20 not there", soud_guard_read(path, 10, &buf, &err), ==, SOU_EUNKNOWN);
	CHECK_INT("R20 new", soud_guard_write(path, span("one"), 0400, false, &err), ==, SOU_OK);
	CHECK_INT("R20 not twice", soud_guard_write(path, span("two"), 0400, false, &err), ==,
		  SOU_EEXIST);
	CHECK_INT("R20 read", soud_guard_read(path, 3, &buf, &err), ==, SOU_OK);
	CHECK_MEM("R20 read", buf.p, buf.n, "one", 3);
	sou_buf_clear(&buf);
	CHECK_INT("R20 one byte too long", soud_guard_read(path, 2, &buf, &err), ==, SOU_ELIMIT);
	sou_buf_clear(&buf);
	CHECK_INT("R20 replaced", soud_guard_write(path, span("three"), 0600, true, &err), ==,
		  SOU_OK);
	CHECK_INT("R20 read again", soud_guard_read(path, 10, &buf, &err), ==, SOU_OK);
	CHECK_MEM("R20 read again", buf.p, buf.n, "three", 5);
	CHECK("R20 nothing is left aside", access(test_path("f.new"), F_OK) != 0);
	sou_buf_fini(&buf);
}

TEST(guard, one_daemon_for_a_folder)
{
	struct sou_err err = {0};
	int a = -1, b = -1;
	CHECK_INT("R6 first", soud_guard_lock(test_dir(), &a, &err), ==, SOU_OK);
	CHECK_INT("R6 second", soud_guard_lock(test_dir(), &b, &err), ==, SOU_EBUSY);
	soud_guard_unlock(a);
	CHECK_INT("R6 after the first", soud_guard_lock(test_dir(), &b, &err), ==, SOU_OK);
	soud_guard_unlock(b);
	CHECK_INT("R6 no folder", soud_guard_lock(test_path("no"), &a, &err), ==, SOU_EIO);
}

TEST(guard, no_core_file)
{
	pid_t pid = fork();
	REQUIRE("R20", pid >= 0);
	if (pid == 0) {
		struct rlimit limit = {1, 1};
		_exit(soud_guard_process(NULL) == SOU_OK && getrlimit(RLIMIT_CORE, &limit) == 0 &&
				      limit.rlim_cur == 0 && limit.rlim_max == 0
			      ? 0
			      : 1);
	}
	int status = -1;
	REQUIRE("R20", waitpid(pid, &status, 0) == pid);
	CHECK_INT("R20 no core file", status, ==, 0);
}

TEST(fence, slots_of_a_file_beside_the_data)
{
	struct sou_err err = {0};
	const char *data = test_path("data");
	REQUIRE("R12", soud_guard_dir(data, &err) == SOU_OK);
	struct soud_fence_file *f = NULL;
	struct soud_fence_io io;
	uint8_t slot[SOUD_FENCE_BYTES], back[SOUD_FENCE_BYTES];
	REQUIRE("R12", soud_fence_file_open(&f, data, NULL, &err) == SOU_OK);
	soud_fence_file_io(f, &io);
	CHECK_INT("R12 none yet", io.read(io.ctx, 0, back), ==, SOU_EUNKNOWN);
	memset(slot, 7, sizeof slot);
	CHECK_INT("R12 written", io.write(io.ctx, 1, slot), ==, SOU_OK);
	memset(back, 1, sizeof back);
	CHECK_INT("R12 the other is empty", io.read(io.ctx, 0, back), ==, SOU_OK);
	CHECK_INT("R12 the other is empty", back[0], ==, 0);
	soud_fence_file_close(f);
	CHECK("R12 outside the data", access(test_path("data.state/fence"), F_OK) == 0);

	REQUIRE("R12", soud_fence_file_open(&f, test_path("data/"), "", &err) == SOU_OK);
	soud_fence_file_io(f, &io);
	CHECK_INT("R12 read again", io.read(io.ctx, 1, back), ==, SOU_OK);
	CHECK_MEM("R12 read again", back, sizeof back, slot, sizeof slot);
	soud_fence_file_close(f);

	CHECK_INT("R12 inside the data",
		  soud_fence_file_open(&f, data, test_path("data/state"), &err), ==, SOU_EINPUT);
	CHECK_INT("R12 the data itself", soud_fence_file_open(&f, data, data, &err), ==,
		  SOU_EINPUT);
	CHECK_INT("R12 elsewhere", soud_fence_file_open(&f, data, test_path("data2"), &err), ==,
		  SOU_OK);
	soud_fence_file_close(f);
	REQUIRE("R12", chmod(test_path("data2"), 0755) == 0);
	CHECK_INT("R12 open to others", soud_fence_file_open(&f, data, test_path("data2"), &err),
		  ==, SOU_EINPUT);
}
