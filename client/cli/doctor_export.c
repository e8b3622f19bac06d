/* doctor_export.c - the diagnostic export: one JSON file. Every member is taken by its name from
 * what the daemon says, so that a member that is added there does not come in by itself; texts,
 * names, addresses, handles, paths and keys are not among them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "client/cli/doctor.h"
#include "client/cli/say.h"
#include "config/duration.h"
#include "daemon/daemon.h"
#include "daemon/keys/guard.h"
#include "daemon/sync/sync.h"

static json_t *findings_json(const struct souc_doctor *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->count && i < SOUC_FINDINGS_MAX; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:i}", "id", sou_msg_id(d->v[i].msg),
						"rule", sou_msg_rule(d->v[i].msg), "exit",
						sou_msg_exit(d->v[i].msg)));
	return list;
}

/* Copies of members that hold numbers, truth, times, and words that are ours. */
static void take(json_t *to, const json_t *from, const char *const *names)
{
	for (; *names != NULL; names++) {
		json_t *value = json_object_get(from, *names);
		if (value != NULL)
			json_object_set(to, *names, value);
	}
}

static json_t *part(const json_t *status, const char *object, const char *const *names)
{
	json_t *out = json_object();
	take(out, json_object_get(status, object), names);
	return out;
}

static json_t *status_json(const struct souc_doctor *d)
{
	static const char *const top[] = {"software", "mode", "disk", "config", NULL};
	static const char *const site[] = {"hub", "roles", NULL};
	static const char *const link[] = {"state",   "last_contact", "next_try", "reason", "links",
					   "refusal", "alarms",       "clock_ms", NULL};
	static const char *const counts[] = {"items", "local",     "queued",     "received",
					     "held",  "conflicts", "incomplete", NULL};
	static const char *const authority[] = {"head", "ops", "heartbeat_at", NULL};
	if (d->status == NULL)
		return json_null();
	json_t *out = json_object();
	take(out, d->status, top);
	json_object_set_new(out, "site", part(d->status, "site", site));
	json_object_set_new(out, "link", part(d->status, "link", link));
	json_object_set_new(out, "counts", part(d->status, "counts", counts));
	json_object_set_new(out, "authority", part(d->status, "authority", authority));
	return out;
}

/* Scopes by id: their names are handles of organisations and projects. */
static json_t *digests_json(const struct souc_doctor *d)
{
	static const char *const names[] = {"id",          "state",      "entries",
					    "entry_count", "held_count", NULL};
	json_t *list = json_array();
	const json_t *scope;
	size_t i;
	json_array_foreach (json_object_get(d->digests, "scopes"), i, scope) {
		json_t *row = json_object();
		take(row, scope, names);
		json_array_append_new(list, row);
	}
	return list;
}

/* Settings that differ from the defaults; of addresses and paths only that they are set. */
static json_t *settings_json(const struct souc_doctor *d)
{
	struct soud_options standard;
	json_t *out = json_object();
	soud_options_default(&standard);
	for (size_t i = 0; i < soud_option_count; i++) {
		const struct soud_option *o = &soud_option_table[i];
		char text[SOU_DURATION_TEXT_BYTES];
		int64_t ms;
		int choice;
		if (!soud_options_differ(&d->options, &standard, o))
			continue;
		switch (o->type) {
		case SOUD_OPTION_TIME:
			memcpy(&ms, (const char *)&d->options + o->offset, sizeof ms);
			sou_duration_text(ms, text);
			json_object_set_new(out, o->name, json_string(text));
			break;
		case SOUD_OPTION_CHOICE:
			memcpy(&choice, (const char *)&d->options + o->offset, sizeof choice);
			json_object_set_new(out, o->name, json_integer(choice));
			break;
		case SOUD_OPTION_ADDRESS:
		case SOUD_OPTION_PATH:
			json_object_set_new(out, o->name, json_true());
			break;
		}
	}
	return out;
}

static json_t *files_json(const struct souc_doctor *d)
{
	static const char *const names[] = {"",
					    "replica.db",
					    "replica.db-wal",
					    "keys",
					    "keys/site.pem",
					    "keys/tls.pem",
					    "soukatsud.conf",
					    "control.sock",
					    "lock",
					    "reserve"};
	json_t *out = json_object();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[4400], mode[8];
		struct stat st;
		(void)snprintf(path, sizeof path, "%s/%s", d->cx->data, names[i]);
		if (lstat(path, &st) != 0)
			continue;
		(void)snprintf(mode, sizeof mode, "%04o", (unsigned)(st.st_mode & 07777));
		json_object_set_new(out, names[i][0] != '\0' ? names[i] : ".",
				    json_pack("{s:I, s:s, s:b}", "bytes", (json_int_t)st.st_size,
					      "mode", mode, "ours", st.st_uid == geteuid()));
	}
	return out;
}

static json_t *system_json(void)
{
	struct utsname u;
	if (uname(&u) != 0)
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "name", u.sysname, "release", u.release, "machine",
			 u.machine);
}

int souc_doctor_export(struct souc_doctor *d, const char *path)
{
	char at[SOUD_TIME_TEXT_BYTES];
	soud_time_text((int64_t)soud_wall_ms(), at);
	json_t *all = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}", "format", 1,
				"at", at, "version", SOU_VERSION, "system", system_json(),
				"findings", findings_json(d), "status", status_json(d), "digests",
				digests_json(d), "settings", settings_json(d), "files",
				files_json(d), "metrics", d->metrics);
	char *text = all != NULL ? json_dumps(all, JSON_INDENT(1)) : NULL;
	json_decref(all);
	if (text == NULL)
		return souc_fail(d->cx, SOU_MSG_NO_MEMORY);
	struct sou_err err = {0};
	int rc = soud_guard_write(path, (struct sou_span){(const uint8_t *)text, strlen(text)},
				  0600, false, &err);
	free(text);
	if (rc == SOU_OK)
		return 0;
	return souc_fail(
		d->cx, SOU_MSG_FILE_WRITE, path,
		souc_word(d->cx, rc == SOU_EEXIST ? SOU_MSG_REASON_STANDS : SOU_MSG_REASON_SYSTEM));
}
