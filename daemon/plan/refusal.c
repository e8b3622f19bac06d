/* refusal.c - keeps the arguments until they are put into words. */
#include "daemon/plan/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void soud_refusal_fini(struct soud_refusal *why)
{
	json_decref(why->detail);
	*why = (struct soud_refusal){0};
}

static void argument_set(struct soud_refusal *why, size_t i, const char *text)
{
	size_t n = strlen(text);
	if (n >= SOUD_REFUSAL_ARGUMENT_BYTES) {
		n = SOUD_REFUSAL_ARGUMENT_BYTES - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
	}
	memcpy(why->argument[i], text, n);
	why->argument[i][n] = '\0';
}

static int rc_of(int status)
{
	switch (status) {
	case 403:
		return SOU_ERIGHT;
	case 404:
		return SOU_EUNKNOWN;
	case 409:
		return SOU_ESTATE;
	case 413:
		return SOU_ELIMIT;
	case 503:
		return SOU_EBUSY;
	default:
		return SOU_EINPUT;
	}
}

int soud_refuse(struct soud_refusal *why, int status, enum sou_msg msg, ...)
{
	soud_refusal_fini(why);
	why->status = status;
	why->msg = msg;
	va_list args;
	va_start(args, msg);
	for (size_t i = 0; i < sou_msg_argument_count(msg); i++) {
		const char *text = va_arg(args, const char *);
		argument_set(why, i, text != NULL ? text : "-");
	}
	va_end(args);
	why->err.rc = rc_of(status);
	return why->err.rc;
}

void soud_refuse_word(struct soud_refusal *why, size_t i, enum sou_msg label)
{
	SOU_ASSERT(i < SOU_MSG_ARGUMENTS_MAX);
	why->label[i] = label;
	why->has_label[i] = true;
}

void soud_refuse_number(struct soud_refusal *why, size_t i, uint64_t number)
{
	SOU_ASSERT(i < SOU_MSG_ARGUMENTS_MAX);
	snprintf(why->argument[i], sizeof why->argument[i], "%llu", (unsigned long long)number);
}

void soud_refuse_detail(struct soud_refusal *why, const char *member, json_t *value)
{
	if (why->detail == NULL)
		why->detail = json_object();
	json_object_set_new(why->detail, member, value);
}

int soud_refuse_rc(struct soud_refusal *why, int rc, const struct sou_err *err)
{
	soud_refusal_fini(why);
	if (err != NULL && err->rc != SOU_OK)
		why->err = *err;
	else
		sou_err_set(&why->err, rc, "%s", sou_err_text(rc));
	why->err.rc = rc;
	return rc;
}
