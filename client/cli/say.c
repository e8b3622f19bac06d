/* say.c - errors, labels and output of the command line. */
#include "client/cli/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* An error's parts, made harmless: a file name or a partner's word may stand in them. */
static void tell(struct souc_context *cx, const char *text, const char *safe, const char *next)
{
	struct souc_buffer out = {0};
	souc_buffer_puts(&out, "soukatsu: ");
	souc_text_add_safe(&out, text, strlen(text));
	souc_buffer_printf(&out, "\n  %s: ", souc_word(cx, SOU_MSG_CLI_SAFE));
	souc_text_add_safe(&out, safe, strlen(safe));
	souc_buffer_printf(&out, "\n  %s: ", souc_word(cx, SOU_MSG_CLI_NEXT));
	souc_text_add_safe(&out, next, strlen(next));
	souc_buffer_puts(&out, "\n");
	fwrite(out.text, 1, out.len, cx->err);
	souc_buffer_fini(&out);
}

int souc_fail_reply(struct souc_context *cx, const json_t *error)
{
	if (cx->json) {
		json_t *whole = json_pack("{s:O}", "error", error);
		FILE *out = cx->out;
		cx->out = cx->err;
		souc_print_json(cx, whole);
		cx->out = out;
		json_decref(whole);
	} else {
		tell(cx, souc_get(error, "message"), souc_get(error, "safe"),
		     souc_get(error, "next"));
	}
	long long exit_status = souc_get_int(error, "exit");
	return exit_status >= EX__BASE && exit_status <= EX__MAX ? (int)exit_status : EX_SOFTWARE;
}

int souc_fail(struct souc_context *cx, enum sou_msg msg, ...)
{
	const char *arguments[SOU_MSG_ARGUMENTS_MAX];
	va_list args;
	va_start(args, msg);
	for (size_t i = 0; i < sou_msg_argument_count(msg); i++)
		arguments[i] = va_arg(args, const char *);
	va_end(args);
	char text[3][SOU_MSG_BYTES_MAX];
	for (size_t part = 0; part < 3; part++)
		sou_msg_format(msg, cx->lang, (enum sou_msg_part)part, arguments, text[part],
			       sizeof text[part]);
	json_t *error = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:{}}", "id", sou_msg_id(msg),
				  "message", text[SOU_MSG_TEXT], "safe", text[SOU_MSG_SAFE], "next",
				  text[SOU_MSG_NEXT], "rule", sou_msg_rule(msg), "exit",
				  sou_msg_exit(msg), "detail");
	if (cx->json && error != NULL)
		souc_fail_reply(cx, error);
	else /* also where an argument is not UTF-8, which JSON cannot carry */
		tell(cx, text[SOU_MSG_TEXT], text[SOU_MSG_SAFE], text[SOU_MSG_NEXT]);
	json_decref(error);
	return sou_msg_exit(msg);
}

int souc_fail_rc(struct souc_context *cx, const struct sou_err *err)
{
	enum sou_msg msg = sou_msg_of_rc(err->rc);
	return sou_msg_argument_count(msg) == 0 ? souc_fail(cx, msg)
						: souc_fail(cx, msg, err->text);
}

const char *souc_word(const struct souc_context *cx, enum sou_msg label)
{
	return sou_msg_raw(label, cx->lang, SOU_MSG_TEXT);
}

const char *souc_label(const struct souc_context *cx, const char *prefix, const char *value)
{
	char id[96];
	enum sou_msg label;
	snprintf(id, sizeof id, "%s.%s", prefix, value);
	return sou_msg_find(id, &label) ? souc_word(cx, label) : value;
}

void souc_line(struct souc_context *cx, const char *format, ...)
{
	struct souc_buffer raw = {0}, safe = {0};
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n > 0) {
		souc_buffer_pad(&raw, (size_t)n);
		vsnprintf(raw.text, (size_t)n + 1, format, again);
		souc_text_add_safe(&safe, raw.text, raw.len);
	}
	va_end(again);
	souc_buffer_puts(&safe, "\n");
	souc_print(cx, &safe);
	souc_buffer_fini(&raw);
	souc_buffer_fini(&safe);
}

void souc_print(struct souc_context *cx, const struct souc_buffer *b)
{
	if (b->len > 0)
		fwrite(b->text, 1, b->len, cx->out);
}

int souc_print_json(struct souc_context *cx, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	if (text == NULL)
		return EX_OSERR;
	/* JSON leaves DEL and C1 as they are; a terminal may act on them. */
	struct souc_buffer out = {0};
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++) {
		if (*s == 0x7F)
			souc_buffer_puts(&out, "\\u007f");
		else if (*s == 0xC2 && s[1] >= 0x80 && s[1] <= 0x9F)
			souc_buffer_printf(&out, "\\u00%02x", *++s);
		else
			souc_buffer_add(&out, (const char *)s, 1);
	}
	souc_buffer_puts(&out, "\n");
	souc_print(cx, &out);
	souc_buffer_fini(&out);
	free(text);
	return EX_OK;
}

const char *souc_time(const json_t *time, char *room)
{
	const char *text = json_string_value(time);
	if (text == NULL || strlen(text) < 16)
		return "-";
	memcpy(room, text, 16);
	room[10] = ' ';
	room[16] = '\0';
	return room;
}

const char *souc_get(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));
	return text != NULL ? text : "";
}

long long souc_get_int(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}
