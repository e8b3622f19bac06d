/* export.c - what can still be read of entries that nobody else has (R22). */
#include "daemon/export.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "daemon/keys/guard.h"
#include "daemon/replica/damage.h"
#include "daemon/replica/read.h"
#include "proto/limits.h"
#include "proto/payload.h"

#define PIECE_BYTES_MIN 6u /* shorter runs of letters are chance */

/* Runs of text in bytes that are no payload any more. */
static json_t *pieces(struct sou_span bytes)
{
	json_t *list = json_array();
	for (size_t at = 0; at < bytes.n;) {
		size_t end = at;
		while (end < bytes.n) {
			utf8proc_int32_t c;
			utf8proc_ssize_t n = utf8proc_iterate(
				bytes.p + end, (utf8proc_ssize_t)(bytes.n - end), &c);
			if (n <= 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
				break;
			end += (size_t)n;
		}
		if (end - at >= PIECE_BYTES_MIN)
			json_array_append_new(list,
					      json_stringn((const char *)bytes.p + at, end - at));
		at = end + 1;
	}
	return list;
}

static json_t *values(const struct sou_payload *payload)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < payload->op_count; i++) {
		struct sou_span text;
		const struct sou_op *op = &payload->ops[i];
		if (!op->went && soud_value_str(op->value, &text) && text.n > 0)
			json_array_append_new(list, json_stringn((const char *)text.p, text.n));
	}
	return list;
}

static json_t *line_json(const struct soud_row *row, bool damaged)
{
	struct sou_payload payload = {0};
	char id[65];
	for (size_t k = 0; k < 32; k++)
		(void)snprintf(id + 2 * k, 3, "%02x", row->id.b[k]);
	bool read = sou_payload_read(&payload, row->payload) == SOU_OK;
	json_t *line = json_pack("{s:s, s:I, s:b, s:o}", "entry", id, "received_ms",
				 (json_int_t)row->received_ms, "damaged", damaged, "texts",
				 read ? values(&payload) : pieces(row->payload));
	sou_payload_fini(&payload);
	return line;
}

static int put_line(struct sou_buf *out, json_t *line)
{
	char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (text == NULL)
		return SOU_ENOMEM;
	sou_buf_put(out, text, strlen(text));
	sou_buf_put(out, "\n", 1);
	json_free_t release;
	json_get_alloc_funcs(NULL, &release);
	release(text);
	return out->failed ? SOU_ENOMEM : SOU_OK;
}

static int export_scope(struct soud_reader *v, uint32_t scope, uint64_t from, const char *dir,
			struct sou_err *err)
{
	struct soud_store *s = soud_reader_store(v);
	struct sou_buf out = {0};
	struct soud_row row = {.arrival = from - 1};
	struct sou_id id = {{0}};
	char path[1300];
	int rc;
	while ((rc = soud_store_log_next(s, scope, row.arrival, &row)) == SOU_OK) {
		bool damaged = soud_damage_find(soud_reader_damage(v), scope, row.arrival) != NULL;
		if (row.source != 0 || row.payload.n == 0)
			continue;
		rc = put_line(&out, line_json(&row, damaged));
		if (rc != SOU_OK)
			break;
	}
	if (rc == SOU_EUNKNOWN)
		rc = soud_store_scope_id(s, scope, &id);
	(void)snprintf(path, sizeof path, "%s/damaged-%02x%02x%02x%02x.jsonl", dir, id.b[0],
		       id.b[1], id.b[2], id.b[3]);
	rc = rc == SOU_OK ? soud_guard_write(path, sou_buf_span(&out), 0600, true, err)
			  : sou_err_set(err, rc, "%s", sou_err_text(rc));
	sou_buf_fini(&out);
	return rc;
}

int soud_export_damaged(struct soud_reader *v, const char *dir, struct sou_err *err)
{
	const struct soud_damage *d = soud_reader_damage(v);
	uint32_t last = 0;
	for (uint32_t i = 0; i < d->count; i++) {
		const struct soud_damaged *row = &d->rows[i];
		struct sou_id scope;
		struct soud_delivery delivery;
		if (!row->own || row->scope == last)
			continue;
		int rc = soud_store_scope_id(soud_reader_store(v), row->scope, &scope);
		if (rc == SOU_OK)
			rc = soud_reader_delivery(v, &scope, &delivery);
		if (rc != SOU_OK)
			return sou_err_set(err, rc, "%s", sou_err_text(rc));
		if (row->arrival <= delivery.acked)
			continue; /* it comes back from the hub */
		last = row->scope;
		rc = export_scope(v, row->scope, row->arrival, dir, err);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}
