/* error.c - texts of the error list, and the assertion that stops the program. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cut at a character: a half UTF-8 sequence would make the message itself invalid. */
static void cut_at_character(char *text, size_t bytes)
{
	while (bytes > 0 && ((unsigned char)text[bytes - 1] & 0xC0) == 0x80)
		bytes--;
	if (bytes > 0 && ((unsigned char)text[bytes - 1] & 0x80) != 0)
		bytes--;
	text[bytes] = '\0';
}

int sou_err_set(struct sou_err *err, int rc, const char *format, ...)
{
	if (err == NULL)
		return rc;
	err->rc = rc;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (n >= (int)sizeof err->text)
		cut_at_character(err->text, sizeof err->text - 1);
	return rc;
}

int sou_err_prefix(struct sou_err *err, const char *prefix)
{
	if (err == NULL)
		return SOU_ESTATE;
	char text[SOU_ERR_TEXT_BYTES_MAX];
	memcpy(text, err->text, sizeof text);
	return sou_err_set(err, err->rc, "%s: %s", prefix, text);
}

const char *sou_err_name(int rc)
{
	switch (rc) {
	case SOU_OK:
		return "OK";
#define X(name, number, text, act)                                                                 \
	case SOU_##name:                                                                           \
		return #name;
		SOU_ERRORS(X)
#undef X
	default:
		return "UNLISTED";
	}
}

const char *sou_err_text(int rc)
{
	switch (rc) {
	case SOU_OK:
		return "no error";
#define X(name, number, text, act)                                                                 \
	case SOU_##name:                                                                           \
		return text;
		SOU_ERRORS(X)
#undef X
	default:
		return "an error that is not in the list";
	}
}

const char *sou_err_advice(int rc)
{
	switch (rc) {
	case SOU_OK:
		return "go on";
#define X(name, number, text, act)                                                                 \
	case SOU_##name:                                                                           \
		return act;
		SOU_ERRORS(X)
#undef X
	default:
		return "report it";
	}
}

_Noreturn void sou_assert_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "soukatsu: %s:%d: does not hold: %s\n", file, line, condition);
	abort();
}
