/* manifest.c - the three lines at the head of a backup. A person may read them with `head -2`; this
 * reader believes nothing before the sum of both lines is right. */
#include "daemon/backup/manifest.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/options.h"
#include "proto/crypto.h"

#define MAGIC     "soukatsu-backup "
#define MAGIC_NOW "soukatsu-backup 1\n"
#define SUM_BYTES 65u /* 64 digits and the line end */

_Static_assert(sizeof((struct soud_backup_facts *)0)->conf == SOUD_OPTIONS_FILE_BYTES_MAX + 1,
	       "all settings that the daemon reads");

static void hex_of(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(const char *text, uint8_t *out, size_t n)
{
	if (text == NULL || strlen(text) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static json_t *hex_json(const uint8_t *p, size_t n)
{
	char text[2 * 32 + 1];
	hex_of(p, n, text);
	return json_string(text);
}

int manifest_pack(struct sou_buf *buf, const struct soud_backup_facts *f)
{
	char sum[SUM_BYTES + 1];
	json_t *m = json_pack(
		"{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:i, s:I, s:I, s:I, s:I, s:o, s:I, s:o, "
		"s:I, "
		"s:s}",
		"software", f->software, "organisation", f->organisation, "name", f->name, "net",
		hex_json(f->net.b, 16), "site", hex_json(f->site.b, 16), "genesis",
		hex_json(f->genesis.b, 32), "site_key", hex_json(f->site_key.b, 32), "hub", f->hub,
		"schema", f->schema, "entries", (json_int_t)f->entries, "ops", (json_int_t)f->ops,
		"scopes", (json_int_t)f->scopes, "own", (json_int_t)f->own, "own_last",
		hex_json(f->own_last.b, 32), "bytes", (json_int_t)f->bytes, "sha256",
		hex_json(f->sha256.b, 32), "made_ms", (json_int_t)f->made_ms, "conf", f->conf);
	char *text = m != NULL ? json_dumps(m, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(m);
	if (text == NULL)
		return SOU_ENOMEM;
	size_t from = buf->n;
	sou_buf_put(buf, (const uint8_t *)MAGIC_NOW, sizeof MAGIC_NOW - 1);
	sou_buf_put(buf, (const uint8_t *)text, strlen(text));
	sou_buf_put(buf, (const uint8_t *)"\n", 1);
	free(text);
	if (buf->failed)
		return SOU_ENOMEM;
	struct sou_hash hash = sou_sha256(buf->p + from, buf->n - from);
	hex_of(hash.b, sizeof hash.b, sum);
	sum[SUM_BYTES - 1] = '\n';
	sou_buf_put(buf, (const uint8_t *)sum, SUM_BYTES);
	return buf->failed ? SOU_ENOMEM : SOU_OK;
}

static bool text_read(const json_t *m, const char *name, char *out, size_t bytes)
{
	const json_t *value = json_object_get(m, name);
	size_t n = json_string_length(value);
	if (!json_is_string(value) || n >= bytes || strlen(json_string_value(value)) != n)
		return false;
	memcpy(out, json_string_value(value), n + 1);
	return true;
}

static bool number_read(const json_t *m, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(m, name);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool members_read(const json_t *m, struct soud_backup_facts *f)
{
	uint64_t made, schema;
	const struct {
		const char *name;
		uint64_t *number;
		uint8_t *bytes;
		size_t n;
	} rows[] = {
		{"entries", &f->entries, NULL, 0},     {"ops", &f->ops, NULL, 0},
		{"scopes", &f->scopes, NULL, 0},       {"own", &f->own, NULL, 0},
		{"bytes", &f->bytes, NULL, 0},         {"made_ms", &made, NULL, 0},
		{"schema", &schema, NULL, 0},          {"net", NULL, f->net.b, 16},
		{"site", NULL, f->site.b, 16},         {"genesis", NULL, f->genesis.b, 32},
		{"site_key", NULL, f->site_key.b, 32}, {"own_last", NULL, f->own_last.b, 32},
		{"sha256", NULL, f->sha256.b, 32},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = json_string_value(json_object_get(m, rows[i].name));
		if (rows[i].number != NULL ? !number_read(m, rows[i].name, rows[i].number)
					   : !hex_read(text, rows[i].bytes, rows[i].n))
			return false;
	}
	f->made_ms = (int64_t)made;
	f->schema = schema <= 1000000 ? (int)schema : 1000000;
	f->hub = json_is_true(json_object_get(m, "hub"));
	return text_read(m, "software", f->software, sizeof f->software) &&
	       text_read(m, "organisation", f->organisation, sizeof f->organisation) &&
	       text_read(m, "name", f->name, sizeof f->name) &&
	       text_read(m, "conf", f->conf, sizeof f->conf);
}

/* The end of the first or second line, one past it; 0: it is not there yet. */
static size_t line_end(struct sou_span bytes, size_t from)
{
	const uint8_t *end = from < bytes.n ? memchr(bytes.p + from, '\n', bytes.n - from) : NULL;
	return end != NULL ? (size_t)(end - bytes.p) + 1 : 0;
}

int manifest_read(struct sou_span bytes, struct soud_backup_facts *out, size_t *head_bytes)
{
	size_t begins = bytes.n < sizeof MAGIC - 1 ? bytes.n : sizeof MAGIC - 1;
	if (begins > 0 && memcmp(bytes.p, MAGIC, begins) != 0)
		return SOU_EFORMAT;
	size_t first = line_end(bytes, 0), second = first > 0 ? line_end(bytes, first) : 0;
	if (second == 0 || bytes.n < second + SUM_BYTES)
		return bytes.n > SOUD_BACKUP_MANIFEST_BYTES_MAX ? SOU_EFORMAT : SOU_EAGAIN;
	struct sou_hash hash = sou_sha256(bytes.p, second);
	char sum[SUM_BYTES + 1];
	hex_of(hash.b, sizeof hash.b, sum);
	sum[SUM_BYTES - 1] = '\n';
	if (memcmp(bytes.p + second, sum, SUM_BYTES) != 0)
		return SOU_EFORMAT;
	if (first != sizeof MAGIC_NOW - 1 || memcmp(bytes.p, MAGIC_NOW, first) != 0)
		return SOU_ETOONEW;
	struct soud_backup_facts *f = calloc(1, sizeof *f);
	if (f == NULL)
		return SOU_ENOMEM;
	json_t *m = json_loadb((const char *)bytes.p + first, second - first,
			       JSON_REJECT_DUPLICATES, NULL);
	int rc = json_is_object(m) && members_read(m, f) ? SOU_OK : SOU_EFORMAT;
	json_decref(m);
	if (rc == SOU_OK) {
		*out = *f;
		*head_bytes = second + SUM_BYTES;
	}
	free(f);
	return rc;
}
