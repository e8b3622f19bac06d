/* text.c - columns, line breaking, and harmless output. */
#include "client/cli/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <utf8proc.h>

#define REPLACEMENT 0xFFFD

static void reserve(struct souc_buffer *b, size_t more)
{
	if (b->len + more + 1 <= b->cap)
		return;
	size_t cap = b->cap > 0 ? b->cap : 256;
	while (cap < b->len + more + 1)
		cap *= 2;
	char *grown = realloc(b->text, cap);
	if (grown == NULL) {
		fputs("soukatsu: no memory\n", stderr);
		exit(EX_OSERR);
	}
	b->text = grown;
	b->cap = cap;
}

void souc_buffer_add(struct souc_buffer *b, const char *bytes, size_t len)
{
	reserve(b, len);
	memcpy(b->text + b->len, bytes, len);
	b->len += len;
	b->text[b->len] = '\0';
}

void souc_buffer_puts(struct souc_buffer *b, const char *text)
{
	souc_buffer_add(b, text, strlen(text));
}

void souc_buffer_printf(struct souc_buffer *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n > 0) {
		reserve(b, (size_t)n);
		vsnprintf(b->text + b->len, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void souc_buffer_pad(struct souc_buffer *b, size_t blanks)
{
	reserve(b, blanks);
	memset(b->text + b->len, ' ', blanks);
	b->len += blanks;
	b->text[b->len] = '\0';
}

void souc_buffer_fini(struct souc_buffer *b)
{
	if (b == NULL || b->text == NULL)
		return;
	explicit_bzero(b->text, b->cap);
	free(b->text);
	*b = (struct souc_buffer){0};
}

size_t souc_text_next(const char *text, size_t left, int32_t *code)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)left, &c);
	if (n <= 0) {
		*code = REPLACEMENT;
		return 1;
	}
	*code = c;
	return (size_t)n;
}

static bool is_control(int32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

static bool turns_direction(int32_t c)
{
	return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static size_t columns_of(int32_t c)
{
	if (is_control(c) || turns_direction(c) || c == REPLACEMENT)
		return 1; /* as souc_text_add_safe shows it */
	int n = utf8proc_charwidth(c);
	return n > 0 ? (size_t)n : 0;
}

size_t souc_text_columns(const char *text, size_t bytes)
{
	size_t columns = 0;
	int32_t c;
	for (size_t at = 0; at < bytes;) {
		at += souc_text_next(text + at, bytes - at, &c);
		columns += columns_of(c);
	}
	return columns;
}

static void add_character(struct souc_buffer *b, int32_t c)
{
	utf8proc_uint8_t bytes[4];
	utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);
	souc_buffer_add(b, (const char *)bytes, (size_t)n);
}

void souc_text_add_safe(struct souc_buffer *b, const char *text, size_t bytes)
{
	int32_t c;
	for (size_t at = 0, n; at < bytes; at += n) {
		n = souc_text_next(text + at, bytes - at, &c);
		if (c == '\n')
			souc_buffer_add(b, "\n", 1);
		else if (c < 0x20)
			add_character(b, 0x2400 + c); /* ␛ and its like */
		else if (c == 0x7F)
			add_character(b, 0x2421); /* ␡ */
		else if (is_control(c) || turns_direction(c) || c == REPLACEMENT)
			add_character(b, REPLACEMENT);
		else
			souc_buffer_add(b, text + at, n);
	}
}

static bool is_in(int32_t c, const char *set)
{
	int32_t member;
	for (size_t left = strlen(set), n; left > 0; set += n, left -= n) {
		n = souc_text_next(set, left, &member);
		if (member == c)
			return true;
	}
	return false;
}

/* T-9: what may not begin a line. */
static bool may_begin(int32_t c)
{
	return !is_in(
		c,
		"、。，．・：；？！ー々〻ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ」』）］｝〉》"
		"】〕゛゜ヽヾゝゞ,.:;?!)]}%℃％㌻");
}

static bool may_end(int32_t c)
{
	return !is_in(c, "「『（［｛〈《【〔([{");
}

/* Letters and digits of Latin script hold together. */
static bool is_word(int32_t c)
{
	return c < 0x80 && (c == '_' || c == '-' || (c >= '0' && c <= '9') ||
			    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
}

/* Bytes from `text` that fit `columns`, ignoring where a line may be broken; whole text: `bytes`.
 */
static size_t fitting(const char *text, size_t bytes, size_t columns)
{
	size_t used = 0, at = 0;
	int32_t c;
	while (at < bytes) {
		size_t n = souc_text_next(text + at, bytes - at, &c);
		if (c == '\n')
			return at;
		used += columns_of(c);
		if (used > columns)
			return at > 0 ? at : n;
		at += n;
	}
	return at;
}

static size_t back(const char *text, size_t at)
{
	do
		at--;
	while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80);
	return at;
}

static bool may_break(const char *text, size_t bytes, size_t at)
{
	int32_t before, after;
	size_t start = back(text, at);
	souc_text_next(text + start, bytes - start, &before);
	souc_text_next(text + at, bytes - at, &after);
	if (after == ' ' || before == ' ')
		return true;
	if (columns_of(after) == 0 && after != '\n')
		return false; /* a mark belongs to its character */
	return !(is_word(before) && is_word(after)) && may_begin(after) && may_end(before);
}

size_t souc_text_line(const char *text, size_t bytes, size_t columns, size_t *skip)
{
	*skip = 0;
	size_t end = fitting(text, bytes, columns);
	if (end == bytes)
		return end;
	if (text[end] == '\n') {
		*skip = 1;
		return end;
	}
	size_t at = end;
	while (at > 0 && !may_break(text, bytes, at))
		at = back(text, at);
	if (at == 0)
		at = end; /* one long word: break it anyway */
	while (at + *skip < bytes && text[at + *skip] == ' ')
		(*skip)++;
	while (at > 1 && text[at - 1] == ' ') {
		at--;
		(*skip)++;
	}
	return at;
}
