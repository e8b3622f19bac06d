/* cmd_site.c - init and join: how a data directory comes to be, without a daemon. The work is
 * the daemon's library's; here are the questions to the person and the words for what came of it.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/input.h"
#include "client/cli/say.h"
#include "daemon/core.h"
#include "daemon/diagnose.h"
#include "daemon/join.h"
#include "daemon/keys/guard.h"
#include "daemon/http/value.h"
#include "daemon/options.h"
#include "daemon/replica/hub.h"
#include "proto/invite.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define JOIN_WAIT_MS  30000
#define PATH_CAP      4200u
#define SITE_NAME_HUB "本部"

static struct sou_span span_of(const char *text)
{
	return (struct sou_span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

/* The folders above the data directory, closed to others like it. Errors show when it is made. */
static void parents_make(const char *path)
{
	char part[PATH_CAP];
	for (size_t i = 1; path[i] != '\0' && i < sizeof part; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		(void)mkdir(part, 0700);
	}
}

/* The directory is to be ours alone: none yet, empty, or begun by us. What else stands there would
 * stop soukatsud later, or be mistaken for a part of the replica. */
static int data_check(struct souc_context *cx)
{
	static const char *const ours[] = {
		".",       "..",         "lock",           "keys",         "root-keys",
		"joining", "replica.db", "soukatsud.conf", "control.sock", "port"};
	DIR *dir = opendir(cx->data);
	struct dirent *e;
	int rc = 0;
	while (dir != NULL && rc == 0 && (e = readdir(dir)) != NULL) {
		bool known = strncmp(e->d_name, "replica.db-", 11) == 0;
		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			known = known || strcmp(e->d_name, ours[i]) == 0;
		if (!known)
			rc = souc_fail(cx, SOU_MSG_DATA_FOREIGN, cx->data, e->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return rc;
}

/* Take away what an init that failed has left of a directory that was empty before: half a hub is
 * none, and its keys have signed nothing that anybody saw. */
static void remove_half(const struct souc_context *cx)
{
	static const char *const made[] = {
		"keys/site.pem",
		"keys/tls.pem",
		"keys/checkpoint.pem",
		"keys/operational.pem",
		"root-keys/root-1.pem",
		"root-keys/root-2.pem",
		"root-keys/root-3.pem",
		"replica.db",
		"replica.db-wal",
		"replica.db-shm",
		"lock",
		"keys",
		"root-keys",
		"",
	};
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		char path[PATH_CAP];
		snprintf(path, sizeof path, "%s/%s", cx->data, made[i]);
		(void)remove(path); /* of a folder: only when it is empty */
	}
}

static bool is_begun(const struct souc_context *cx)
{
	char path[PATH_CAP];
	snprintf(path, sizeof path, "%s/keys", cx->data);
	return access(path, F_OK) == 0;
}

/* Settings name files by their whole path: the daemon may be started from elsewhere. */
static int path_check(struct souc_context *cx, enum souc_option_id id, const char *option)
{
	const char *path = souc_value(cx, id);
	if (path == NULL || (path[0] == '/' && strpbrk(path, "\"\\$\n") == NULL))
		return 0;
	return souc_fail(cx, SOU_MSG_USAGE_VALUE, option, path, souc_word(cx, SOU_MSG_WANT_PATH));
}

static int state_dir_check(struct souc_context *cx)
{
	return path_check(cx, SOUC_O_STATE_DIR, "--state-dir");
}

static int proxy_check(struct souc_context *cx)
{
	const char *proxy = souc_value(cx, SOUC_O_PROXY);
	struct soud_options options;
	struct sou_err err = {0};
	soud_options_default(&options);
	if (proxy != NULL && soud_options_set(&options, "proxy", proxy, &err) != SOU_OK)
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "--proxy", proxy, "HOST:PORT");
	return path_check(cx, SOUC_O_PROXY_AUTH, "--proxy-auth");
}

/* DATA/soukatsud.conf: where a hub listens, and where the fence is. Without the latter the daemon
 * would look beside the directory, find no fence and take the replica for a restored one (R12). */
static int conf_write(struct souc_context *cx, const char *listen)
{
	struct souc_buffer text = {0};
	char path[PATH_CAP];
	struct sou_err err = {0};
	const char *state_dir = souc_value(cx, SOUC_O_STATE_DIR);
	const char *proxy = souc_value(cx, SOUC_O_PROXY),
		   *proxy_auth = souc_value(cx, SOUC_O_PROXY_AUTH);
	if (listen == NULL && state_dir == NULL && proxy == NULL && proxy_auth == NULL)
		return 0;
	snprintf(path, sizeof path, "%s/soukatsud.conf", cx->data);
	if (listen != NULL)
		souc_buffer_printf(&text, "listen = \"%s\"\n", listen);
	if (state_dir != NULL)
		souc_buffer_printf(&text, "state_dir = \"%s\"\n", state_dir);
	if (proxy != NULL)
		souc_buffer_printf(&text, "proxy = \"%s\"\n", proxy);
	if (proxy_auth != NULL)
		souc_buffer_printf(&text, "proxy_auth = \"%s\"\n", proxy_auth);
	int rc = soud_guard_write(path, (struct sou_span){(const uint8_t *)text.text, text.len},
				  0600, true, &err);
	souc_buffer_fini(&text);
	return rc == SOU_OK ? 0
			    : souc_fail(cx, SOU_MSG_FILE_WRITE, path,
					souc_word(cx, SOU_MSG_REASON_SYSTEM));
}

/* Why the directory could not be made, in the words that soukatsud uses too. */
static int fail_making(struct souc_context *cx, int rc, const struct sou_err *err)
{
	struct soud_diagnosis d;
	soud_diagnose(&d, cx->lang, cx->data, souc_value(cx, SOUC_O_STATE_DIR), true, rc, err);
	return souc_fail(cx, d.msg, d.argument[0], d.argument[1], d.argument[2], d.argument[3]);
}

/* A new passphrase: from the descriptor, or twice from the terminal. */
static int passphrase_new(struct souc_context *cx, struct souc_buffer *out)
{
	struct souc_buffer again = {0};
	int rc = souc_input_passphrase(cx, SOU_MSG_CLI_PASSPHRASE_NEW, out);
	if (rc == 0 && out->len < SOUD_PASSPHRASE_BYTES_MIN) {
		char bytes[16];
		snprintf(bytes, sizeof bytes, "%u", SOUD_PASSPHRASE_BYTES_MIN);
		rc = souc_fail(cx, SOU_MSG_PASSPHRASE_SHORT, bytes);
	}
	if (rc == 0 && souc_value(cx, SOUC_O_PASSPHRASE_FD) == NULL) {
		rc = souc_input_passphrase(cx, SOU_MSG_CLI_PASSPHRASE_AGAIN, &again);
		if (rc == 0 && strcmp(out->text, again.text) != 0)
			rc = souc_fail(cx, SOU_MSG_PASSPHRASE_DIFFERS);
	}
	souc_buffer_fini(&again);
	return rc;
}

static int init_tell(struct souc_context *cx, const char *org, const char *listen)
{
	if (cx->json) {
		json_t *reply = json_pack("{s:s, s:s, s:s}", "data", cx->data, "organisation", org,
					  "listen", listen);
		int rc = souc_print_json(cx, reply);
		json_decref(reply);
		return rc;
	}
	souc_line(cx, "%s: %s (%s)", souc_word(cx, SOU_MSG_DONE_INIT), org, cx->data);
	souc_line(cx, "%s:", souc_word(cx, SOU_MSG_DONE_INIT_ROOT));
	for (unsigned i = 1; i <= SOUD_ROOT_KEYS; i++)
		souc_line(cx, "  %s/root-keys/root-%u.pem", cx->data, i);
	souc_line(cx, "%s:\n  soukatsud --data %s", souc_word(cx, SOU_MSG_DONE_INIT_START),
		  cx->data);
	return EX_OK;
}

int souc_init(struct souc_context *cx)
{
	const char *listen = souc_value(cx, SOUC_O_LISTEN), *org = souc_value(cx, SOUC_O_ORG);
	const char *name = souc_value(cx, SOUC_O_NAME);
	struct souc_buffer passphrase = {0};
	struct soud_options options;
	struct sou_err err = {0};
	soud_options_default(&options);
	if (soud_options_set(&options, "listen", listen, &err) != SOU_OK)
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "--listen", listen, "HOST:PORT");
	if (!soud_value_is_line(name, strlen(name), SOU_HTTP_LINE_BYTES_MAX))
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "--name", name,
				 souc_word(cx, SOU_MSG_WANT_LINE));
	if (!soud_value_is_handle(org, strlen(org)))
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "--org", org,
				 souc_word(cx, SOU_MSG_WANT_HANDLE));
	if (soud_guard_process(&err) != SOU_OK)
		return souc_fail_rc(cx, &err);
	int rc = state_dir_check(cx);
	if (rc == 0)
		rc = data_check(cx);
	if (rc == 0)
		rc = passphrase_new(cx, &passphrase);
	if (rc != 0)
		goto out;
	parents_make(cx->data);
	bool begun = is_begun(cx);
	struct soud_replica_env env;
	soud_core_env(&env);
	const struct soud_init init = {
		.data_dir = cx->data,
		.state_dir = souc_value(cx, SOUC_O_STATE_DIR),
		.handle = span_of(org),
		.name = span_of(name),
		.short_name = span_of(name),
		.site_name = span_of(SITE_NAME_HUB),
		.passphrase = {(const uint8_t *)passphrase.text, passphrase.len},
	};
	int made = soud_hub_init(&init, &env, NULL, &err);
	if (made != SOU_OK)
		rc = fail_making(cx, made, &err);
	if (made != SOU_OK && made != SOU_EEXIST && made != SOU_EBUSY && !begun)
		remove_half(cx);
	if (rc == 0)
		rc = conf_write(cx, listen);
	if (rc == 0)
		rc = init_tell(cx, org, listen);
out:
	souc_buffer_fini(&passphrase);
	return rc;
}

/* The invite as one string: of the argument, or the first line of standard input. */
static int invite_read(struct souc_context *cx, struct souc_buffer *out)
{
	if (strcmp(cx->arguments[0], "-") != 0) {
		souc_buffer_puts(out, cx->arguments[0]);
		return 0;
	}
	int rc = souc_input_file(cx, "-", SOU_INVITE_TEXT_BYTES_MAX, out);
	if (rc == 0) {
		out->len = strcspn(out->text, " \r\n");
		out->text[out->len] = '\0';
	}
	return rc;
}

/* What is wrong with the string itself. */
static int invite_check(struct souc_context *cx, const struct souc_buffer *text)
{
	struct sou_invite invite;
	enum sou_invite_fault fault;
	(void)sou_invite_read(&invite, (struct sou_span){(const uint8_t *)text->text, text->len},
			      &fault);
	sou_cleanse(&invite, sizeof invite);
	switch (fault) {
	case SOU_INVITE_GOOD:
		return 0;
	case SOU_INVITE_SHORT:
		return souc_fail(cx, SOU_MSG_INVITE_SHORT);
	case SOU_INVITE_MISTYPED:
		return souc_fail(cx, SOU_MSG_INVITE_MISTYPED);
	case SOU_INVITE_NEWER:
		return souc_fail(cx, SOU_MSG_INVITE_NEWER);
	case SOU_INVITE_OTHER:
	case SOU_INVITE_UNSOUND:
		break;
	}
	return souc_fail(cx, SOU_MSG_INVITE_MALFORMED);
}

/* What the hub said, in words of the catalogue. */
static int join_denied(struct souc_context *cx, const struct soud_join_result *result)
{
	if (result->bye == SOU_BYE_INVITE_USED)
		return souc_fail(cx, SOU_MSG_INVITE_USED);
	if (result->bye == SOU_BYE_INVITE_EXPIRED)
		return souc_fail(cx, SOU_MSG_INVITE_EXPIRED, NULL);
	if (result->bye == SOU_BYE_INVITE_UNKNOWN)
		return souc_fail(cx, SOU_MSG_INVITE_WITHDRAWN);
	return souc_fail(cx, SOU_MSG_INVITE_UNREACHABLE, result->address,
			 souc_word(cx, result->label));
}

static int join_failed(struct souc_context *cx, int rc, const struct soud_join_result *result,
		       const struct sou_err *err)
{
	switch (rc) {
	case SOU_EKEY:
		return souc_fail(cx, SOU_MSG_INVITE_HUB_KEY, result->address);
	case SOU_EDENIED:
		return join_denied(cx, result);
	case SOU_EAGAIN:
	case SOU_EPROTO:
		return souc_fail(cx, SOU_MSG_INVITE_UNREACHABLE, result->address,
				 souc_word(cx, result->label));
	default:
		break;
	}
	return fail_making(cx, rc, err);
}

int souc_join(struct souc_context *cx)
{
	struct souc_buffer invite = {0};
	struct soud_join_result result;
	struct sou_err err = {0};
	if (soud_guard_process(&err) != SOU_OK)
		return souc_fail_rc(cx, &err);
	int rc = state_dir_check(cx);
	if (rc == 0)
		rc = proxy_check(cx);
	if (rc == 0)
		rc = data_check(cx);
	if (rc == 0)
		rc = invite_read(cx, &invite);
	if (rc == 0)
		rc = invite_check(cx, &invite);
	if (rc != 0)
		goto out;
	parents_make(cx->data);
	const struct soud_join_args args = {
		.data_dir = cx->data,
		.state_dir = souc_value(cx, SOUC_O_STATE_DIR),
		.invite = {(const uint8_t *)invite.text, invite.len},
		.proxy = souc_value(cx, SOUC_O_PROXY),
		.proxy_auth = souc_value(cx, SOUC_O_PROXY_AUTH),
		.timeout_ms = (unsigned)souc_number(cx, SOUC_O_WAIT, JOIN_WAIT_MS),
	};
	int joined = soud_join(&args, &result, &err);
	if (joined != SOU_OK)
		rc = join_failed(cx, joined, &result, &err);
	if (rc == 0)
		rc = conf_write(cx, NULL);
	if (rc == 0 && cx->json) {
		json_t *reply = json_pack("{s:s, s:s}", "data", cx->data, "hub", result.address);
		rc = souc_print_json(cx, reply);
		json_decref(reply);
	} else if (rc == 0) {
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_DONE_JOINED), result.address);
		souc_line(cx, "%s:\n  soukatsud --data %s", souc_word(cx, SOU_MSG_DONE_INIT_START),
			  cx->data);
	}
out:
	souc_buffer_fini(&invite);
	return rc;
}
