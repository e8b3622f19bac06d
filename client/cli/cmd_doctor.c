/* cmd_doctor.c - doctor: looks, says what is wrong and what to do next, and ends with the status of
 * the first finding, or 0 where there is none. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/doctor.h"
#include "client/cli/say.h"

void souc_doctor_add(struct souc_doctor *d, enum sou_msg msg, const char *first, const char *second,
		     const char *third)
{
	if (d->count < SOUC_FINDINGS_MAX)
		soud_diagnosis_set(&d->v[d->count], msg, first, second, third);
	d->count++;
}

void souc_doctor_add_number(struct souc_doctor *d, enum sou_msg msg, long long number)
{
	char text[24];
	(void)snprintf(text, sizeof text, "%lld", number);
	souc_doctor_add(d, msg, text, NULL, NULL);
}

/* What the daemon answers, or as a finding why it does not. */
static bool ask(struct souc_doctor *d)
{
	struct souc_request status = {.route = SOUC_R_STATUS}, digest = {.route = SOUC_R_DIGEST};
	struct souc_request metrics = {.route = SOUC_R_METRICS, .text = &d->metrics};
	json_t *error = NULL;
	FILE *err = d->cx->err, *quiet = fopen("/dev/null", "w");
	if (quiet != NULL)
		d->cx->err = quiet; /* it becomes a finding among others */
	int rc = souc_call(d->cx, &status, &d->status, &error);
	if (rc == 0)
		(void)souc_call(d->cx, &digest, &d->digests, &error);
	if (rc == 0)
		(void)souc_call(d->cx, &metrics, NULL, &error);
	d->cx->err = err;
	if (quiet != NULL)
		(void)fclose(quiet);
	json_decref(error);
	if (rc == EX_UNAVAILABLE)
		souc_doctor_add(d, SOU_MSG_DAEMON_STOPPED, d->cx->data, NULL, NULL);
	else if (rc != 0)
		souc_doctor_add(d, SOU_MSG_DOCTOR_DAEMON, NULL, NULL, NULL);
	return rc == 0;
}

static void parts(const struct souc_doctor *d, size_t i, char text[3][SOU_MSG_BYTES_MAX])
{
	const char *arguments[SOU_MSG_ARGUMENTS_MAX];
	for (size_t k = 0; k < SOU_MSG_ARGUMENTS_MAX; k++)
		arguments[k] = d->v[i].argument[k];
	for (size_t part = 0; part < 3; part++)
		sou_msg_format(d->v[i].msg, d->cx->lang, (enum sou_msg_part)part, arguments,
			       text[part], SOU_MSG_BYTES_MAX);
}

static int print_json(struct souc_doctor *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->count && i < SOUC_FINDINGS_MAX; i++) {
		char text[3][SOU_MSG_BYTES_MAX];
		parts(d, i, text);
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "id", sou_msg_id(d->v[i].msg),
				  "message", text[SOU_MSG_TEXT], "safe", text[SOU_MSG_SAFE], "next",
				  text[SOU_MSG_NEXT], "rule", sou_msg_rule(d->v[i].msg), "exit",
				  sou_msg_exit(d->v[i].msg)));
	}
	json_t *reply = json_pack("{s:o, s:b}", "findings", list, "running", d->status != NULL);
	int rc = souc_print_json(d->cx, reply);
	json_decref(reply);
	return rc;
}

static void print(struct souc_doctor *d)
{
	for (size_t i = 0; i < d->count && i < SOUC_FINDINGS_MAX; i++) {
		char text[3][SOU_MSG_BYTES_MAX];
		parts(d, i, text);
		souc_line(d->cx, "%zu. %s\n   %s: %s\n   %s: %s", i + 1, text[SOU_MSG_TEXT],
			  souc_word(d->cx, SOU_MSG_CLI_SAFE), text[SOU_MSG_SAFE],
			  souc_word(d->cx, SOU_MSG_CLI_NEXT), text[SOU_MSG_NEXT]);
	}
	if (d->count == 0)
		souc_line(d->cx, "%s", souc_word(d->cx, SOU_MSG_DOCTOR_WELL));
}

/* Root looks with the eyes of the user whose site it is, as soukatsud does: else each file would
 * seem another user's. True: eyes_back is due. */
static bool eyes_of_owner(const char *data)
{
	struct stat st;
	if (geteuid() != 0 || stat(data, &st) != 0 || st.st_uid == 0)
		return false;
	return setegid(st.st_gid) == 0 && seteuid(st.st_uid) == 0;
}

static void eyes_back(void)
{
	int rc = seteuid(0);
	SOU_ASSERT(rc == 0); /* it was ours */
	rc = setegid(getgid());
	SOU_ASSERT(rc == 0);
}

int souc_doctor(struct souc_context *cx)
{
	struct souc_doctor d = {.cx = cx};
	const char *export = souc_value(cx, SOUC_O_EXPORT);
	d.v = calloc(SOUC_FINDINGS_MAX, sizeof *d.v);
	if (d.v == NULL)
		return souc_fail(cx, SOU_MSG_NO_MEMORY);
	soud_options_default(&d.options);
	bool eyes = eyes_of_owner(cx->data);
	if (souc_doctor_files(&d)) {
		if (ask(&d))
			souc_doctor_status(&d);
		else
			souc_doctor_stopped(&d);
	}
	if (eyes)
		eyes_back();
	int rc = 0;
	if (cx->json)
		rc = print_json(&d);
	else
		print(&d);
	if (rc == 0 && export != NULL)
		rc = souc_doctor_export(&d, export);
	if (rc == 0 && export != NULL && !cx->json)
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_DOCTOR_EXPORTED), export);
	if (rc == 0 && d.count > 0)
		rc = sou_msg_exit(d.v[0].msg);
	json_decref(d.status);
	json_decref(d.digests);
	free(d.metrics);
	free(d.v);
	return rc;
}
