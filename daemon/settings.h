/* settings.h - where the settings of a running daemon come from, and what is in force: defaults,
 * file, command line, each above the one before; read at the start, and again on SIGHUP.
 *
 * A reload is all or nothing: with any fault everything stays as it was, and that is told (state).
 * Without one, all settings that are LIVE in config/options.def take their new values together, and
 * those that differ and are not are named until they are the running ones again. */
#ifndef SOUD_SETTINGS_H
#define SOUD_SETTINGS_H

#include "daemon/diagnose.h"
#include "daemon/options.h"

#define SOUD_SETTINGS_NAMES_BYTES 512u

struct soud_settings {
	struct soud_options now;           /* in force */
	char data_dir[1024], config[1024]; /* "" where there is none */
	bool check;                        /* --check-config was given */
	int argc;
	char *const *argv; /* borrowed, as main has it */
	/* Of reloads: */
	bool refused;                            /* the last one was */
	size_t faults;                           /* for so many */
	int64_t reload_ms;                       /* wall clock of the last one; 0: none yet */
	char restart[SOUD_SETTINGS_NAMES_BYTES]; /* options that wait for a start, blanks between */
};

struct soud_settings_faults { /* large: on the heap, or static */
	size_t count;         /* all; as many as fit are kept */
	struct soud_diagnosis v[SOUD_OPTIONS_FAULTS_MAX];
};

/* One file over what `out` has; its faults are added. */
void soud_settings_read_file(struct soud_options *out, const char *path, enum sou_lang lang,
			     struct soud_settings_faults *faults);

/* Read all at the start. Returns faults->count; `now` is to be used when it is 0. */
size_t soud_settings_start(struct soud_settings *s, int argc, char *const *argv, enum sou_lang lang,
			   struct soud_settings_faults *faults);

/* Read the file and the command line again. True: `now` holds what is in force from here on.
 * False: nothing of it changed, or there was no memory; the state says so. */
bool soud_settings_reload(struct soud_settings *s, int64_t wall_ms);

/* A sentence for each fault, then what is safe and what to do. Returns the last one's exit status.
 */
int soud_settings_tell(const struct soud_settings_faults *faults, FILE *to, enum sou_lang lang);

#endif
