/* cmd_verify.c - verify and rebuild: the whole replica computed anew and compared, or its views put
 * in place, without a daemon. */
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/say.h"
#include "daemon/core.h"
#include "daemon/diagnose.h"
#include "daemon/keys/guard.h"
#include "daemon/replica/replica.h"
#include "daemon/replica/verify.h"

#define PATH_CAP      4200u
#define SCRUB_WAIT_MS 3600000 /* a replica of years on a slow disk */

static const enum sou_msg finding_labels[SOUD_FINDING_KINDS] = {
	[SOUD_FINDING_FILE] = SOU_MSG_FINDING_FILE,
	[SOUD_FINDING_AUTHORITY] = SOU_MSG_FINDING_AUTHORITY,
	[SOUD_FINDING_HASH] = SOU_MSG_FINDING_HASH,
	[SOUD_FINDING_SIGNATURE] = SOU_MSG_FINDING_SIGNATURE,
	[SOUD_FINDING_VERDICT] = SOU_MSG_FINDING_VERDICT,
	[SOUD_FINDING_STATE] = SOU_MSG_FINDING_STATE,
	[SOUD_FINDING_OWN] = SOU_MSG_FINDING_OWN,
};

static uint64_t finding_total(const struct soud_verified *v)
{
	uint64_t total = 0;
	for (size_t i = 0; i < SOUD_FINDING_KINDS; i++)
		total += v->finding_count[i];
	return total;
}

static int verify_json(struct souc_context *cx, const struct soud_verified *v)
{
	json_t *findings = json_array();
	for (uint32_t i = 0; i < v->findings_told; i++) {
		const struct soud_finding *f = &v->findings[i];
		json_array_append_new(
			findings,
			json_pack("{s:s, s:I, s:s}", "kind",
				  sou_msg_id(finding_labels[f->kind]) + strlen("finding."),
				  "arrival", (json_int_t)f->arrival, "text", f->text));
	}
	json_t *reply = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "ops",
				  (json_int_t)v->ops, "scopes", (json_int_t)v->scopes, "entries",
				  (json_int_t)v->entries, "payloads", (json_int_t)v->payloads,
				  "signatures", (json_int_t)v->signatures, "accepted",
				  (json_int_t)v->accepted, "held", (json_int_t)v->held, "conflicts",
				  (json_int_t)v->conflicts, "bytes", (json_int_t)v->bytes, "faults",
				  (json_int_t)finding_total(v), "findings", findings);
	int rc = souc_print_json(cx, reply);
	json_decref(reply);
	return rc;
}

static void verify_print(struct souc_context *cx, const struct soud_verified *v)
{
	for (uint32_t i = 0; i < v->findings_told; i++)
		souc_line(cx, "%s: %s", souc_word(cx, finding_labels[v->findings[i].kind]),
			  v->findings[i].text);
	if (finding_total(v) == 0)
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_DONE_VERIFIED));
	const struct {
		enum sou_msg label;
		uint64_t count;
	} rows[] = {
		{SOU_MSG_HEAD_OPS, v->ops},
		{SOU_MSG_HEAD_SCOPES, v->scopes},
		{SOU_MSG_HEAD_ENTRIES, v->entries},
		{SOU_MSG_HEAD_SIGNATURES, v->signatures},
		{SOU_MSG_STATE_HELD, v->held},
		{SOU_MSG_MARK_CONFLICT, v->conflicts},
		{SOU_MSG_MARK_INCOMPLETE, v->incomplete},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		souc_line(cx, "  %s: %llu", souc_word(cx, rows[i].label),
			  (unsigned long long)rows[i].count);
}

/* A data directory with a replica that no daemon works on: locked in *fd. */
static int replica_lock(struct souc_context *cx, const char *command, char path[PATH_CAP], int *fd)
{
	struct sou_err err = {0};
	struct soud_diagnosis d;
	snprintf(path, PATH_CAP, "%s/replica.db", cx->data);
	if (access(path, F_OK) != 0)
		return souc_fail(cx, SOU_MSG_DATA_MISSING, cx->data);
	int rc = soud_guard_lock(cx->data, fd, &err);
	if (rc == SOU_OK)
		return 0;
	if (rc == SOU_EBUSY)
		return souc_fail(cx, SOU_MSG_DAEMON_MUST_STOP, command, cx->data);
	soud_diagnose(&d, cx->lang, cx->data, NULL, false, rc, &err);
	return souc_fail(cx, d.msg, d.argument[0], d.argument[1], d.argument[2], d.argument[3]);
}

int souc_rebuild(struct souc_context *cx)
{
	struct soud_replica *r = NULL;
	struct soud_replica_env env;
	struct sou_err err = {0};
	char path[PATH_CAP];
	int fd = -1, rc = replica_lock(cx, "rebuild", path, &fd);
	if (rc != 0)
		return rc;
	soud_core_env(&env);
	int done = soud_replica_open(&r, path, &env, NULL, &err);
	if (done == SOU_OK) {
		done = soud_replica_rebuild(r);
		err = *soud_replica_error(r);
	}
	soud_replica_close(r);
	soud_guard_unlock(fd);
	if (done != SOU_OK)
		return souc_fail_rc(cx, &err);
	if (!cx->json) {
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_DONE_REBUILT));
		return EX_OK;
	}
	json_t *reply = json_pack("{s:b}", "done", true);
	rc = souc_print_json(cx, reply);
	json_decref(reply);
	return rc;
}

int souc_verify(struct souc_context *cx)
{
	static struct soud_verified verified; /* some KiB */
	struct sou_err err = {0};
	char path[PATH_CAP];
	int fd = -1, rc = replica_lock(cx, "verify", path, &fd);
	if (rc != 0)
		return rc;
	rc = soud_verify(path, NULL, NULL, &verified, &err);
	soud_guard_unlock(fd);
	if (rc != SOU_OK && rc != SOU_ECORRUPT)
		return rc == SOU_EUNKNOWN ? souc_fail(cx, SOU_MSG_DATA_MISSING, cx->data)
					  : souc_fail_rc(cx, &err);
	int printed = EX_OK;
	if (cx->json)
		printed = verify_json(cx, &verified);
	else
		verify_print(cx, &verified);
	if (rc == SOU_OK)
		return printed;
	char count[24];
	snprintf(count, sizeof count, "%llu", (unsigned long long)finding_total(&verified));
	return souc_fail(cx, SOU_MSG_VERIFY_FAILED, count);
}

static void scrub_print(struct souc_context *cx, const json_t *reply)
{
	const struct {
		enum sou_msg label;
		const char *member;
		bool always;
	} rows[] = {
		{SOU_MSG_HEAD_OPS, "ops", true},
		{SOU_MSG_HEAD_SCOPES, "scopes", true},
		{SOU_MSG_HEAD_ENTRIES, "entries", true},
		{SOU_MSG_HEAD_SIGNATURES, "signatures", true},
		{SOU_MSG_HEAD_RECORDS, "records", true},
		{SOU_MSG_HEAD_REPAIRED, "repaired", false},
	};
	size_t i;
	const json_t *f;
	json_array_foreach (json_object_get(reply, "findings"), i, f)
		souc_line(cx, "%s: %s", souc_label(cx, "finding", souc_get(f, "kind")),
			  souc_get(f, "text"));
	if (souc_get_int(reply, "faults") == 0)
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_DONE_VERIFIED));
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		long long count = souc_get_int(reply, rows[i].member);
		if (count > 0 || rows[i].always)
			souc_line(cx, "  %s: %lld", souc_word(cx, rows[i].label), count);
	}
	json_array_foreach (json_object_get(reply, "damaged"), i, f)
		souc_line(cx, "%s: %s (%.8s)", souc_word(cx, SOU_MSG_STATUS_DAMAGED),
			  souc_get(f, "id"), souc_get(f, "scope"));
}

/* What the disk itself damaged: nobody could send it again. */
static bool has_finding(const json_t *reply, const char *kind)
{
	size_t i;
	const json_t *f;
	json_array_foreach (json_object_get(reply, "findings"), i, f)
		if (strcmp(souc_get(f, "kind"), kind) == 0)
			return true;
	return false;
}

int souc_scrub(struct souc_context *cx)
{
	struct souc_request request = {
		.route = SOUC_R_SCRUB, .body = json_object(), .wait_ms = SCRUB_WAIT_MS};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc != 0) {
		json_decref(reply);
		return rc;
	}
	char count[24];
	size_t left = json_array_size(json_object_get(reply, "damaged"));
	bool broken = has_finding(reply, "file") || has_finding(reply, "authority");
	if (cx->json)
		rc = souc_print_json(cx, reply);
	else
		scrub_print(cx, reply);
	json_decref(reply);
	snprintf(count, sizeof count, "%zu", left);
	if (broken)
		return souc_fail(cx, SOU_MSG_SCRUB_FILE);
	return left > 0 ? souc_fail(cx, SOU_MSG_SCRUB_DAMAGED, count) : rc;
}
