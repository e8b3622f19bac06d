/* cmd_backup.c - backup and restore: a copy of the replica in one file, tried before it is called
 * done, and back. Both work on the files themselves; a backup beside a running soukatsud too. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/say.h"
#include "daemon/backup/backup.h"
#include "daemon/daemon.h"
#include "daemon/diagnose.h"
#include "daemon/http/value.h"
#include "daemon/keys/guard.h"
#include "daemon/plan/look.h"

#define MIB 1048576u

struct work { /* what is told of it, on standard error */
	struct souc_context *cx;
	struct soud_backup_progress progress;
	struct soud_backup_space space;
	int stage;
	unsigned percent;
	bool terminal;
};

static void tell(void *ctx, enum soud_backup_stage stage, uint64_t done, uint64_t all)
{
	static const enum sou_msg words[] = {
		[SOUD_BACKUP_COPY] = SOU_MSG_STAGE_COPY,
		[SOUD_BACKUP_WRITE] = SOU_MSG_STAGE_WRITE,
		[SOUD_BACKUP_CHECK] = SOU_MSG_STAGE_CHECK,
	};
	struct work *w = ctx;
	unsigned percent = all == 0 || done >= all ? 100 : (unsigned)(done * 100 / all);
	bool fresh = w->stage != (int)stage;
	if (!fresh && (!w->terminal || percent == w->percent))
		return;
	if (fresh && w->stage >= 0 && w->terminal)
		(void)fputc('\n', w->cx->err);
	w->stage = (int)stage;
	w->percent = percent;
	if (w->terminal)
		(void)fprintf(w->cx->err, "\r%s … %u%%", souc_word(w->cx, words[stage]), percent);
	else
		(void)fprintf(w->cx->err, "%s …\n", souc_word(w->cx, words[stage]));
	(void)fflush(w->cx->err);
}

static void work_begin(struct work *w, struct souc_context *cx)
{
	*w = (struct work){.cx = cx, .stage = -1};
	w->progress.ctx = w;
	w->progress.tell = cx->json ? NULL : tell;
	w->terminal = isatty(fileno(cx->err)) != 0;
}

static void work_end(struct work *w)
{
	if (w->stage >= 0 && w->terminal)
		(void)fputc('\n', w->cx->err);
}

static int fail_space(struct souc_context *cx, const char *path, const struct work *w)
{
	char needed[24], left[24];
	if (w->space.needed == 0)
		return souc_fail(cx, SOU_MSG_DATA_SPACE, path);
	unsigned long long wanted = w->space.needed / MIB, there = w->space.free / MIB;
	snprintf(needed, sizeof needed, "%llu", wanted + 1);
	snprintf(left, sizeof left, "%llu", there);
	return souc_fail(cx, SOU_MSG_BACKUP_SPACE, path, needed, left);
}

static int fail_faulty(struct souc_context *cx, const struct soud_verified *v,
		       const struct sou_err *err)
{
	return souc_fail(cx, SOU_MSG_BACKUP_FAULTY,
			 v->findings_told > 0 ? v->findings[0].text : err->text);
}

/* What a file that is no good backup, or cannot be read, is told as. */
static int fail_file(struct souc_context *cx, int rc, const char *file, const struct sou_err *err)
{
	switch (rc) {
	case SOU_EFORMAT:
		return souc_fail(cx, SOU_MSG_BACKUP_FORMAT, file);
	case SOU_ETOONEW:
		return souc_fail(cx, SOU_MSG_BACKUP_NEWER, file);
	case SOU_EUNKNOWN:
		return souc_fail(cx, SOU_MSG_FILE_READ, file, souc_word(cx, SOU_MSG_REASON_ABSENT));
	default:
		break;
	}
	return souc_fail_rc(cx, err);
}

static int fail_making(struct souc_context *cx, int rc, const char *file, const struct work *w,
		       const struct soud_verified *v, const struct sou_err *err)
{
	struct soud_diagnosis d;
	switch (rc) {
	case SOU_EEXIST:
		return souc_fail(cx, SOU_MSG_BACKUP_EXISTS, file);
	case SOU_EINPUT:
		return strstr(err->text, "lies in") != NULL
			       ? souc_fail(cx, SOU_MSG_BACKUP_INSIDE, file)
			       : souc_fail(cx, SOU_MSG_FILE_WRITE, file, err->text);
	case SOU_EBUSY:
		return souc_fail(cx, SOU_MSG_BACKUP_BUSY, file);
	case SOU_EFULL:
		return fail_space(cx, file, w);
	case SOU_ECORRUPT:
		return fail_faulty(cx, v, err);
	case SOU_EUNKNOWN:
		return souc_fail(cx, SOU_MSG_DATA_MISSING, cx->data);
	case SOU_EIO:
		return souc_fail(cx, SOU_MSG_FILE_WRITE, file, err->text);
	default:
		break;
	}
	soud_diagnose(&d, cx->lang, cx->data, NULL, false, rc, err);
	return souc_fail(cx, d.msg, d.argument[0], d.argument[1], d.argument[2], d.argument[3]);
}

static json_t *facts_json(const char *file, const struct soud_backup_facts *f)
{
	char site[SOUD_HEX_BYTES], net[SOUD_HEX_BYTES], made[SOUD_TIME_TEXT_BYTES];
	soud_time_text(f->made_ms, made);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:I, s:I, s:I, s:I}",
			 "file", file, "made_at", made, "software", f->software, "organisation",
			 f->organisation, "name", f->name, "site", soud_hex(&f->site, site), "net",
			 soud_hex(&f->net, net), "hub", f->hub, "schema", f->schema, "entries",
			 (json_int_t)f->entries, "ops", (json_int_t)f->ops, "scopes",
			 (json_int_t)f->scopes, "bytes", (json_int_t)f->bytes);
}

static void facts_print(struct souc_context *cx, const struct soud_backup_facts *f)
{
	char made[SOUD_TIME_TEXT_BYTES], room[24];
	soud_time_text(f->made_ms, made);
	json_t *time = json_string(made);
	souc_line(cx, "  %s: %s %s", souc_word(cx, SOU_MSG_HEAD_OF_SITE), f->organisation, f->name);
	souc_line(cx, "  %s: %s", souc_word(cx, SOU_MSG_HEAD_MADE), souc_time(time, room));
	souc_line(cx, "  %s: %llu", souc_word(cx, SOU_MSG_HEAD_OPS), (unsigned long long)f->ops);
	souc_line(cx, "  %s: %llu", souc_word(cx, SOU_MSG_HEAD_SCOPES),
		  (unsigned long long)f->scopes);
	souc_line(cx, "  %s: %llu", souc_word(cx, SOU_MSG_HEAD_ENTRIES),
		  (unsigned long long)f->entries);
	json_decref(time);
}

int souc_backup(struct souc_context *cx)
{
	const char *file = cx->arguments[0];
	bool check = souc_value(cx, SOUC_O_CHECK) != NULL;
	struct soud_backup_facts *f = calloc(1, sizeof *f);
	struct soud_verified *v = calloc(1, sizeof *v);
	struct sou_err err = {0};
	struct work w;
	int rc = EX_OK, done = SOU_ENOMEM;
	work_begin(&w, cx);
	const struct soud_backup args = {.data_dir = cx->data,
					 .file = file,
					 .replace = souc_value(cx, SOUC_O_REPLACE) != NULL,
					 .progress = &w.progress,
					 .space = &w.space};
	if (f != NULL && v != NULL && soud_guard_process(&err) == SOU_OK)
		done = check ? soud_backup_check(&args, f, v, &err)
			     : soud_backup_make(&args, f, v, &err);
	work_end(&w);
	if (done != SOU_OK && check && done != SOU_EFULL && done != SOU_ECORRUPT &&
	    done != SOU_EBUSY && done != SOU_EIO)
		rc = fail_file(cx, done, file, &err);
	else if (done != SOU_OK)
		rc = fail_making(cx, done, file, &w, v, &err);
	if (done == SOU_OK && cx->json) {
		json_t *reply = facts_json(file, f);
		rc = souc_print_json(cx, reply);
		json_decref(reply);
	} else if (done == SOU_OK) {
		souc_line(cx, "%s: %s",
			  souc_word(cx, check ? SOU_MSG_DONE_BACKUP_CHECKED : SOU_MSG_DONE_BACKUP),
			  file);
		facts_print(cx, f);
	}
	free(f);
	free(v);
	return rc;
}

/* --- restore --- */

static int fail_restoring(struct souc_context *cx, int rc, const char *file, const struct work *w,
			  const struct soud_restored *r, const struct sou_err *err)
{
	char had[24], has[24];
	unsigned long long stood, comes;
	struct soud_diagnosis d;
	switch (rc) {
	case SOU_EEXIST:
		stood = r->had_entries + r->had_ops;
		comes = r->facts.entries + r->facts.ops;
		snprintf(had, sizeof had, "%llu", stood);
		snprintf(has, sizeof has, "%llu", comes);
		return souc_fail(cx, stood > comes ? SOU_MSG_RESTORE_OLDER : SOU_MSG_RESTORE_EXISTS,
				 cx->data, had, has);
	case SOU_EBUSY:
		return souc_fail(cx, SOU_MSG_DAEMON_MUST_STOP, "restore", cx->data);
	case SOU_ERIGHT:
		return souc_fail(cx, SOU_MSG_DATA_OWNER, err->text);
	case SOU_EKEY:
		return souc_fail(cx, SOU_MSG_RESTORE_KEY, err->text);
	case SOU_EFULL:
		return fail_space(cx, cx->data, w);
	case SOU_ECORRUPT:
		return fail_faulty(cx, &r->verified, err);
	case SOU_EFORMAT:
	case SOU_ETOONEW:
	case SOU_EUNKNOWN:
		return fail_file(cx, rc, file, err);
	default:
		break;
	}
	soud_diagnose(&d, cx->lang, cx->data, NULL, true, rc, err);
	return souc_fail(cx, d.msg, d.argument[0], d.argument[1], d.argument[2], d.argument[3]);
}

static void restored_print(struct souc_context *cx, const char *file, const struct soud_restored *r)
{
	souc_line(cx, "%s: %s → %s", souc_word(cx, SOU_MSG_DONE_RESTORED), file, cx->data);
	facts_print(cx, &r->facts);
	if (r->aside[0] != '\0')
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_RESTORE_ASIDE), r->aside);
	if (!r->keys)
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_RESTORE_KEYS_MISSING), r->missing);
	souc_line(cx, "%s",
		  souc_word(cx, r->facts.hub ? SOU_MSG_RESTORE_NEXT_HUB : SOU_MSG_RESTORE_NEXT));
	souc_line(cx, "%s:\n  soukatsud --data %s", souc_word(cx, SOU_MSG_DONE_INIT_START),
		  cx->data);
}

static int restored_json(struct souc_context *cx, const char *file, const struct soud_restored *r)
{
	json_t *reply = facts_json(file, &r->facts);
	(void)json_object_set_new(reply, "data", json_string(cx->data));
	(void)json_object_set_new(reply, "keys", json_boolean(r->keys));
	(void)json_object_set_new(reply, "settings", json_boolean(r->conf));
	(void)json_object_set_new(reply, "aside",
				  r->aside[0] != '\0' ? json_string(r->aside) : json_null());
	int rc = souc_print_json(cx, reply);
	json_decref(reply);
	return rc;
}

int souc_restore(struct souc_context *cx)
{
	const char *file = cx->arguments[0];
	struct soud_restored *r = calloc(1, sizeof *r);
	struct sou_err err = {0};
	struct work w;
	int rc, done = SOU_ENOMEM;
	work_begin(&w, cx);
	const struct soud_restore args = {.file = file,
					  .data_dir = cx->data,
					  .keys_dir = souc_value(cx, SOUC_O_KEYS),
					  .replace = souc_value(cx, SOUC_O_REPLACE) != NULL,
					  .progress = &w.progress,
					  .space = &w.space};
	if (r != NULL && soud_guard_process(&err) == SOU_OK)
		done = soud_restore(&args, r, &err);
	work_end(&w);
	if (done != SOU_OK) {
		rc = r != NULL ? fail_restoring(cx, done, file, &w, r, &err)
			       : souc_fail(cx, SOU_MSG_NO_MEMORY);
	} else if (cx->json) {
		rc = restored_json(cx, file, r);
	} else {
		restored_print(cx, file, r);
		rc = EX_OK;
	}
	free(r);
	return rc;
}
