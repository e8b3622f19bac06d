/* settings.c - file and command line into one struct soud_options, with every fault of both. */
#include "daemon/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void fault_add(struct soud_settings_faults *faults, enum sou_msg msg, const char *first,
		      const char *second, const char *third)
{
	if (faults->count < SOUD_OPTIONS_FAULTS_MAX)
		soud_diagnosis_set(&faults->v[faults->count], msg, first, second, third);
	faults->count++;
}

static void fault_of_file(struct soud_settings_faults *faults, const char *path,
			  const struct soud_options_fault *f, enum sou_lang lang)
{
	char line[16], reason[SOU_ERR_TEXT_BYTES_MAX + 200];
	const char *label =
		f->reason != SOU_MSG_COUNT ? sou_msg_raw(f->reason, lang, SOU_MSG_TEXT) : "";
	(void)snprintf(line, sizeof line, "%d", f->line);
	(void)snprintf(reason, sizeof reason, "%s%s%s", f->err.text, label[0] != '\0' ? ": " : "",
		       label);
	if (f->line == 0)
		fault_add(faults, SOU_MSG_FILE_READ, path, label[0] != '\0' ? label : reason, NULL);
	else if (f->reason == SOU_MSG_REASON_FORM) /* its text is the line once more */
		fault_add(faults, SOU_MSG_CONFIG_LINE, path, line, label);
	else
		fault_add(faults, SOU_MSG_CONFIG_LINE, path, line, reason);
}

void soud_settings_read_file(struct soud_options *out, const char *path, enum sou_lang lang,
			     struct soud_settings_faults *faults)
{
	struct soud_options_faults *file = malloc(sizeof *file);
	if (file == NULL) {
		fault_add(faults, SOU_MSG_NO_MEMORY, NULL, NULL, NULL);
		return;
	}
	(void)soud_options_read(out, path, file);
	for (size_t i = 0; i < file->count && i < SOUD_OPTIONS_FAULTS_MAX; i++)
		fault_of_file(faults, path, &file->v[i], lang);
	if (file->count > SOUD_OPTIONS_FAULTS_MAX)
		faults->count += file->count - SOUD_OPTIONS_FAULTS_MAX;
	free(file);
}

/* What `init` or an administrator wrote beside the replica; there need not be one. */
static void own_config(struct soud_settings *s)
{
	char path[sizeof s->data_dir + 32];
	int n = snprintf(path, sizeof path, "%s/soukatsud.conf", s->data_dir);
	if (n < (int)sizeof s->config && access(path, F_OK) == 0)
		memcpy(s->config, path, (size_t)n + 1);
}

/* Options of the daemon that are no settings. */
static bool is_place(const char *word)
{
	return strcmp(word, "--data") == 0 || strcmp(word, "--config") == 0;
}

static void read_arguments(const struct soud_settings *s, struct soud_options *out,
			   struct soud_settings_faults *faults)
{
	struct sou_err err;
	for (int at = 1; at < s->argc;) {
		if (is_place(s->argv[at]) && at + 1 < s->argc) {
			at += 2;
			continue;
		}
		if (strcmp(s->argv[at], "--check-config") == 0) {
			at++;
			continue;
		}
		int rc = soud_options_argument(out, s->argc, s->argv, &at, &err);
		if (rc == SOU_OK)
			continue;
		if (rc == SOU_EUNKNOWN)
			fault_add(faults, SOU_MSG_DAEMON_OPTION, s->argv[at], NULL, NULL);
		else
			fault_add(faults, SOU_MSG_DAEMON_VALUE, err.text, NULL, NULL);
		return; /* where the next one begins is not known */
	}
}

/* The settings as file and command line have them now; whole when there is no fault. */
static void read_all(struct soud_settings *s, struct soud_options *out, enum sou_lang lang,
		     struct soud_settings_faults *faults)
{
	struct sou_err err;
	faults->count = 0;
	soud_options_default(out);
	if (s->config[0] == '\0' && s->data_dir[0] != '\0')
		own_config(s);
	if (s->config[0] != '\0')
		soud_settings_read_file(out, s->config, lang, faults);
	read_arguments(s, out, faults);
	if (faults->count == 0 && soud_options_check(out, &err) != SOU_OK)
		fault_add(faults, SOU_MSG_DAEMON_VALUE, err.text, NULL, NULL);
}

size_t soud_settings_start(struct soud_settings *s, int argc, char *const *argv, enum sou_lang lang,
			   struct soud_settings_faults *faults)
{
	*s = (struct soud_settings){.argc = argc, .argv = argv};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--check-config") == 0)
			s->check = true;
		if (i + 1 < argc && strcmp(argv[i], "--data") == 0)
			(void)snprintf(s->data_dir, sizeof s->data_dir, "%s", argv[i + 1]);
		if (i + 1 < argc && strcmp(argv[i], "--config") == 0)
			(void)snprintf(s->config, sizeof s->config, "%s", argv[i + 1]);
	}
	read_all(s, &s->now, lang, faults);
	if (faults->count == 0 && s->data_dir[0] == '\0' && !(s->check && s->config[0] != '\0'))
		fault_add(faults, SOU_MSG_DAEMON_NO_DATA, NULL, NULL, NULL);
	return faults->count;
}

static void name_add(struct soud_settings *s, const char *name)
{
	size_t used = strlen(s->restart);
	(void)snprintf(s->restart + used, sizeof s->restart - used, "%s%s", used > 0 ? " " : "",
		       name);
}

bool soud_settings_reload(struct soud_settings *s, int64_t wall_ms)
{
	struct soud_settings_faults *faults = malloc(sizeof *faults);
	struct soud_options fresh;
	s->reload_ms = wall_ms;
	s->refused = true;
	s->faults = 1;
	if (faults == NULL)
		return false;
	read_all(s, &fresh, SOU_LANG_EN, faults);
	s->faults = faults->count;
	free(faults);
	if (s->faults > 0)
		return false;
	s->refused = false;
	s->restart[0] = '\0';
	for (size_t i = 0; i < soud_option_count; i++) {
		const struct soud_option *o = &soud_option_table[i];
		if (!soud_options_differ(&s->now, &fresh, o))
			continue;
		if (o->live)
			memcpy((char *)&s->now + o->offset, (const char *)&fresh + o->offset,
			       o->bytes);
		else
			name_add(s, o->name);
	}
	return true;
}

int soud_settings_tell(const struct soud_settings_faults *faults, FILE *to, enum sou_lang lang)
{
	size_t told =
		faults->count < SOUD_OPTIONS_FAULTS_MAX ? faults->count : SOUD_OPTIONS_FAULTS_MAX;
	if (told == 0)
		return EX_OK;
	for (size_t i = 0; i + 1 < told; i++)
		soud_diagnosis_say(&faults->v[i], to, "soukatsud", lang);
	return soud_diagnosis_print(&faults->v[told - 1], to, "soukatsud", lang);
}
