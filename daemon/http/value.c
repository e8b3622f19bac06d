/* value.c - types of routes.def and the strict JSON reader. */
#define _GNU_SOURCE /* memmem */
#include "daemon/http/value.h"

#include <string.h>
#include <utf8proc.h>

#include "proto/error.h"
#include "proto/limits.h"

#define HEX_DIGITS_MIN 4u
#define ID_DIGITS      32u
#define HEX_DIGITS_MAX 64u

static bool is_control(utf8proc_int32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

bool soud_value_is_line(const char *text, size_t bytes, size_t bytes_max)
{
	if (bytes == 0 || bytes > bytes_max)
		return false;
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)text;
	for (size_t at = 0; at < bytes;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate(s + at, (utf8proc_ssize_t)(bytes - at), &c);
		if (n <= 0 || is_control(c))
			return false;
		at += (size_t)n;
	}
	return true;
}

bool soud_value_is_handle(const char *text, size_t bytes)
{
	return soud_value_is_line(text, bytes, SOU_HTTP_LINE_BYTES_MAX) &&
	       memchr(text, '/', bytes) == NULL && memchr(text, ' ', bytes) == NULL &&
	       memmem(text, bytes, "\u3000", 3) == NULL;
}

static bool is_hex(const char *text, size_t digits_min, size_t digits_max)
{
	size_t digits = strspn(text, "0123456789abcdef");
	return text[digits] == '\0' && digits >= digits_min && digits <= digits_max;
}

/* Two digits at `s` within lo..hi. */
static bool pair_within(const char *s, int lo, int hi)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	int v = (s[0] - '0') * 10 + (s[1] - '0');
	return v >= lo && v <= hi;
}

bool soud_value_is_time(const char *text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	size_t at = 0;
	for (; shape[at] != '\0'; at++) {
		bool digit = text[at] >= '0' && text[at] <= '9';
		if (shape[at] == 'd' ? !digit : text[at] != shape[at])
			return false;
	}
	if (!pair_within(text + 5, 1, 12) || !pair_within(text + 8, 1, 31) ||
	    !pair_within(text + 11, 0, 23) || !pair_within(text + 14, 0, 59) ||
	    !pair_within(text + 17, 0, 60))
		return false;
	if (text[at] == '.') {
		size_t digits = strspn(text + at + 1, "0123456789");
		if (digits == 0 || digits > 3)
			return false;
		at += 1 + digits;
	}
	if (text[at] == 'Z')
		return text[at + 1] == '\0';
	if (text[at] != '+' && text[at] != '-')
		return false;
	at++;
	return strlen(text + at) == 5 && pair_within(text + at, 0, 23) && text[at + 2] == ':' &&
	       pair_within(text + at + 3, 0, 59);
}

static bool is_integer_text(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 16 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
		return false;
	long long v = 0;
	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (text[i] - '0');
	return v <= SOU_HTTP_INTEGER_MAX;
}

bool soud_value_query_fits(char type, const char *value)
{
	switch (type) {
	case 's':
		return soud_value_is_line(value, strlen(value), SOU_HTTP_LINE_BYTES_MAX);
	case 'h':
		return is_hex(value, HEX_DIGITS_MIN, HEX_DIGITS_MAX);
	case 'v':
		return is_hex(value, ID_DIGITS, ID_DIGITS);
	case 'i':
		return is_integer_text(value);
	case 'b':
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	case 'd':
		return soud_value_is_time(value);
	}
	return false;
}

static int string_fits(const json_t *value, size_t bytes_min, size_t bytes_max, size_t *limit)
{
	if (!json_is_string(value) || json_string_length(value) < bytes_min)
		return SOU_EINPUT;
	if (json_string_length(value) <= bytes_max)
		return SOU_OK;
	*limit = bytes_max;
	return SOU_ELIMIT;
}

static int line_fits(const json_t *value, size_t bytes_max, size_t *limit)
{
	int rc = string_fits(value, 1, bytes_max, limit);
	if (rc != SOU_OK)
		return rc;
	return soud_value_is_line(json_string_value(value), json_string_length(value), bytes_max)
		       ? SOU_OK
		       : SOU_EINPUT;
}

static int list_fits(char type, const json_t *list, size_t *limit)
{
	size_t count = json_array_size(list); /* 0 for what is no array */
	if (count == 0)
		return SOU_EINPUT;
	if (count > SOU_HTTP_LIST_MAX) {
		*limit = SOU_HTTP_LIST_MAX;
		return SOU_ELIMIT;
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(list, i);
		int rc = soud_value_body_fits(type, value, limit);
		if (rc != SOU_OK)
			return rc;
		for (size_t k = 0; k < i; k++) {
			if (json_equal(value, json_array_get(list, k)))
				return SOU_EINPUT;
		}
	}
	return SOU_OK;
}

int soud_value_body_fits(char type, const json_t *value, size_t *limit)
{
	switch (type) {
	case 's':
		return line_fits(value, SOU_HTTP_LINE_BYTES_MAX, limit);
	case 'n':
		return line_fits(value, SOU_BY_BYTES_MAX, limit);
	case 't':
		return string_fits(value, 0, SOU_STR_BYTES_MAX, limit);
	case 'f':
		return string_fits(value, 0, SIZE_MAX, limit); /* bounded by the body */
	case 'p':
		return string_fits(value, 1, SOU_PASSPHRASE_BYTES_MAX, limit);
	case 'h':
	case 'v':
	case 'd':
		if (!json_is_string(value) ||
		    !soud_value_query_fits(type, json_string_value(value)))
			return SOU_EINPUT;
		return SOU_OK;
	case 'i':
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		    json_integer_value(value) > SOU_HTTP_INTEGER_MAX)
			return SOU_EINPUT;
		return SOU_OK;
	case 'b':
		return json_is_boolean(value) ? SOU_OK : SOU_EINPUT;
	case 'o':
		return json_is_object(value) ? SOU_OK : SOU_EINPUT;
	case 'S':
		return list_fits('s', value, limit);
	case 'V':
		return list_fits('v', value, limit);
	}
	return SOU_EINPUT;
}

/* jansson recurses as deep as 2,048; our shapes need a handful, so count before it starts. */
static int depth_check(const char *text, size_t bytes, size_t *place)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t at = 0; at < bytes; at++) {
		char c = text[at];
		if (in_string) {
			if (c == '\\')
				at++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > SOU_JSON_DEPTH_MAX) {
				*place = at;
				return SOU_ELIMIT;
			}
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return SOU_OK;
}

/* No meaning of ours is a fraction, and 1.0 beside 1 would be two spellings of one value. The depth
 * is bounded by depth_check(). */
static bool has_fraction(const json_t *value)
{
	if (json_is_real(value))
		return true;
	size_t i;
	const char *name;
	json_t *member;
	json_array_foreach (value, i, member) {
		if (has_fraction(member))
			return true;
	}
	json_object_foreach ((json_t *)value, name, member) {
		if (has_fraction(member))
			return true;
	}
	return false;
}

int soud_json_read(const char *text, size_t bytes, json_t **out, size_t *place)
{
	*place = 0;
	int rc = depth_check(text, bytes, place);
	if (rc != SOU_OK)
		return rc;
	json_error_t error;
	json_t *read = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	if (read == NULL) {
		*place = error.position > 0 ? (size_t)error.position : 0;
		return json_error_code(&error) == json_error_out_of_memory ? SOU_ENOMEM
									   : SOU_EFORMAT;
	}
	if (!json_is_object(read) || has_fraction(read)) {
		json_decref(read);
		return SOU_EFORMAT;
	}
	*out = read;
	return SOU_OK;
}
