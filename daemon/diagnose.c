/* diagnose.c - from a code and a look at the directory to one message. */
#include "daemon/diagnose.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"

#define SPACE_BYTES_LOW (1024u * 1024u) /* less than this on the disk explains a failed write */

static void argument_set(struct soud_diagnosis *out, size_t i, const char *text)
{
	size_t n = strlen(text);
	if (n >= SOUD_DIAGNOSIS_BYTES) {
		n = SOUD_DIAGNOSIS_BYTES - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
	}
	memcpy(out->argument[i], text, n);
	out->argument[i][n] = '\0';
}

void soud_diagnosis_set(struct soud_diagnosis *out, enum sou_msg msg, const char *first,
			const char *second, const char *third)
{
	const char *const texts[] = {first, second, third};
	*out = (struct soud_diagnosis){.msg = msg};
	for (size_t i = 0; i < 3 && texts[i] != NULL; i++)
		argument_set(out, i, texts[i]);
}

bool soud_diagnose_modes(struct soud_diagnosis *out, const char *path)
{
	struct soud_guard_finding found;
	char mode[16];
	soud_guard_look(path, &found);
	(void)snprintf(mode, sizeof mode, "%04o", found.mode);
	switch (found.fault) {
	case SOUD_GUARD_KIND:
		soud_diagnosis_set(out, SOU_MSG_DATA_KIND, found.path, NULL, NULL);
		return true;
	case SOUD_GUARD_OWNER:
		soud_diagnosis_set(out, SOU_MSG_DATA_OWNER, found.path, NULL, NULL);
		return true;
	case SOUD_GUARD_MODE:
		soud_diagnosis_set(out, SOU_MSG_DATA_MODE, found.path, mode, "go=");
		return true;
	case SOUD_GUARD_NOTHING:
		break;
	}
	return false;
}

static bool is_there(const char *dir, const char *name)
{
	char path[SOUD_DIAGNOSIS_BYTES];
	int n = snprintf(path, sizeof path, "%s/%s", dir, name);
	return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static bool no_space(const char *dir)
{
	struct statvfs fs;
	return statvfs(dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < SPACE_BYTES_LOW;
}

/* Why the directory itself cannot be used or made; false where nothing is wrong with it. */
static bool directory_fault(struct soud_diagnosis *out, enum sou_lang lang, const char *data_dir,
			    bool making)
{
	struct stat st;
	if (lstat(data_dir, &st) != 0) {
		int why = errno;
		if (making && mkdir(data_dir, 0700) != 0)
			why = errno; /* the same that stopped the maker */
		else if (making)
			(void)rmdir(data_dir);
		enum sou_msg reason = sou_msg_of_errno(why);
		soud_diagnosis_set(out, making ? SOU_MSG_FILE_WRITE : SOU_MSG_DATA_MISSING,
				   data_dir, sou_msg_raw(reason, lang, SOU_MSG_TEXT), NULL);
		return true;
	}
	if (S_ISDIR(st.st_mode) && soud_guard_is_network(data_dir)) {
		soud_diagnosis_set(out, SOU_MSG_DATA_NETWORK, data_dir, NULL, NULL);
		return true;
	}
	return soud_diagnose_modes(out, data_dir);
}

static bool content_fault(struct soud_diagnosis *out, const char *data_dir, int rc)
{
	static const enum soud_key needed[] = {SOUD_KEY_SITE, SOUD_KEY_TLS};
	char key[SOUD_DIAGNOSIS_BYTES];
	if (!is_there(data_dir, "replica.db")) {
		bool begun = is_there(data_dir, "joining");
		soud_diagnosis_set(out, begun ? SOU_MSG_DATA_JOINING : SOU_MSG_DATA_MISSING,
				   data_dir, NULL, NULL);
		return true;
	}
	for (size_t i = 0; rc == SOU_EUNKNOWN && i < sizeof needed / sizeof *needed; i++) {
		if (soud_key_place(data_dir, needed[i], 0, key, sizeof key) != SOU_OK ||
		    access(key, F_OK) == 0)
			continue;
		soud_diagnosis_set(out, SOU_MSG_KEY_MISSING, key, NULL, NULL);
		return true;
	}
	return false;
}

void soud_diagnose(struct soud_diagnosis *out, enum sou_lang lang, const char *data_dir,
		   const char *state_dir, bool making, int rc, const struct sou_err *err)
{
	if (rc == SOU_EBUSY || rc == SOU_EEXIST) {
		soud_diagnosis_set(out,
				   rc == SOU_EBUSY ? SOU_MSG_DAEMON_RUNNING : SOU_MSG_DATA_EXISTS,
				   data_dir, NULL, NULL);
		return;
	}
	if (directory_fault(out, lang, data_dir, making) ||
	    (!making && content_fault(out, data_dir, rc)))
		return;
	if ((rc == SOU_EIO || rc == SOU_ESTORE || rc == SOU_EFULL) && no_space(data_dir)) {
		soud_diagnosis_set(out, SOU_MSG_DATA_SPACE, data_dir, NULL, NULL);
		return;
	}
	if (rc == SOU_EINPUT || rc == SOU_EIO) { /* what is left of them: the fence's directory */
		char beside[SOUD_DIAGNOSIS_BYTES];
		(void)snprintf(beside, sizeof beside, "%s.state", data_dir);
		const char *dir = state_dir != NULL && state_dir[0] != '\0' ? state_dir : beside;
		if (directory_fault(out, lang, dir, true))
			return;
		const char *inside = sou_msg_raw(SOU_MSG_REASON_INSIDE, lang, SOU_MSG_TEXT);
		soud_diagnosis_set(out, SOU_MSG_CONFIG_UNUSABLE, "state_dir",
				   rc == SOU_EINPUT ? inside : err->text, NULL);
		return;
	}
	enum sou_msg msg = sou_msg_of_rc(rc);
	soud_diagnosis_set(out, msg, sou_msg_argument_count(msg) > 0 ? err->text : NULL, NULL,
			   NULL);
}

/* What the system said about a connection that did not come about. */
static enum sou_msg connect_label(const char *detail)
{
	static const struct {
		int code;
		enum sou_msg label;
	} known[] = {
		{UV_ECONNREFUSED, SOU_MSG_LINK_REFUSED},
		{UV_EAI_NONAME, SOU_MSG_LINK_NO_ADDRESS},
		{UV_EAI_AGAIN, SOU_MSG_LINK_NO_ADDRESS},
		{UV_EAI_NODATA, SOU_MSG_LINK_NO_ADDRESS},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		char words[96];
		if (strstr(detail, uv_strerror_r(known[i].code, words, sizeof words)) != NULL)
			return known[i].label;
	}
	return SOU_MSG_LINK_UNREACHABLE;
}

/* The words are those of daemon/net/proxy.c, which begin with the status where there is one. */
static enum sou_msg proxy_label(const char *detail)
{
	if (strncmp(detail, "407", 3) == 0 || strncmp(detail, "401", 3) == 0)
		return SOU_MSG_LINK_PROXY_AUTH;
	if (detail[0] >= '4' && detail[0] <= '5')
		return SOU_MSG_LINK_PROXY_REFUSED;
	return SOU_MSG_LINK_PROXY;
}

enum sou_msg soud_diagnose_end(enum soud_link_end end, const char *detail)
{
	switch (end) {
	case SOUD_LINK_END_CONNECT:
		return connect_label(detail);
	case SOUD_LINK_END_PROXY:
		return proxy_label(detail);
	case SOUD_LINK_END_TLS:
		return SOU_MSG_LINK_TLS;
	case SOUD_LINK_END_PIN:
		return SOU_MSG_LINK_HUB_KEY;
	case SOUD_LINK_END_TIMEOUT:
	case SOUD_LINK_END_SLOW:
	case SOUD_LINK_END_STALLED:
		return SOU_MSG_LINK_TIMEOUT;
	case SOUD_LINK_END_PEER:
	case SOUD_LINK_END_CUT:
		return SOU_MSG_LINK_CLOSED;
	case SOUD_LINK_END_FRAME:
		return SOU_MSG_LINK_PROTOCOL;
	case SOUD_LINK_END_LOCAL:
	case SOUD_LINK_END_LIMIT:
	case SOUD_LINK_END_NOMEM:
		break;
	}
	return SOU_MSG_COUNT;
}

static void part_text(const struct soud_diagnosis *d, enum sou_lang lang, enum sou_msg_part part,
		      char out[SOU_MSG_BYTES_MAX])
{
	const char *arguments[SOU_MSG_ARGUMENTS_MAX];
	for (size_t i = 0; i < SOU_MSG_ARGUMENTS_MAX; i++)
		arguments[i] = d->argument[i];
	sou_msg_format(d->msg, lang, part, arguments, out, SOU_MSG_BYTES_MAX);
	for (char *s = out; *s != '\0'; s++) /* a path may hold anything */
		*s = (unsigned char)*s < 0x20 || *s == 0x7F ? '?' : *s;
}

void soud_diagnosis_say(const struct soud_diagnosis *d, FILE *to, const char *program,
			enum sou_lang lang)
{
	char text[SOU_MSG_BYTES_MAX];
	part_text(d, lang, SOU_MSG_TEXT, text);
	(void)fprintf(to, "%s: %s\n", program, text);
}

int soud_diagnosis_print(const struct soud_diagnosis *d, FILE *to, const char *program,
			 enum sou_lang lang)
{
	char safe[SOU_MSG_BYTES_MAX], next[SOU_MSG_BYTES_MAX];
	soud_diagnosis_say(d, to, program, lang);
	part_text(d, lang, SOU_MSG_SAFE, safe);
	part_text(d, lang, SOU_MSG_NEXT, next);
	(void)fprintf(to, "  %s: %s\n  %s: %s\n", sou_msg_raw(SOU_MSG_CLI_SAFE, lang, SOU_MSG_TEXT),
		      safe, sou_msg_raw(SOU_MSG_CLI_NEXT, lang, SOU_MSG_TEXT), next);
	return sou_msg_exit(d->msg);
}
