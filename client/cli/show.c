/* show.c - pieces of output that several commands share. */
#include "client/cli/show.h"

#include <stdint.h>
#include <string.h>

#include "client/cli/ref.h"
#include "client/cli/say.h"

void souc_place_add(const json_t *item, struct souc_buffer *out)
{
	souc_buffer_printf(out, "%s/%s/%s/%lld", souc_get(item, "project"),
			   souc_get(item, "column"), souc_get(item, "organisation"),
			   souc_get_int(item, "order"));
}

void souc_state_add(const struct souc_context *cx, const json_t *item, struct souc_buffer *out)
{
	static const struct {
		const char *member;
		enum sou_msg label;
	} marks[] = {
		{"conflict", SOU_MSG_MARK_CONFLICT},
		{"incomplete", SOU_MSG_MARK_INCOMPLETE},
		{"redacted", SOU_MSG_MARK_REDACTED},
	};
	souc_buffer_puts(out, souc_label(cx, "state", souc_get(item, "state")));
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		if (json_is_true(json_object_get(item, marks[i].member)))
			souc_buffer_printf(out, " [%s]", souc_word(cx, marks[i].label));
	}
}

const char *souc_shown_text(const struct souc_context *cx, const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "text"));
	if (text != NULL)
		return text;
	bool redacted = json_is_true(json_object_get(object, "redacted"));
	return souc_word(cx, redacted ? SOU_MSG_MARK_REDACTED : SOU_MSG_MARK_INCOMPLETE);
}

/* One version: who, where, when, how far; then its text, indented. */
static void version_add(const struct souc_context *cx, const json_t *v, struct souc_buffer *out)
{
	char id[9], at[24];
	const json_t *site = json_object_get(v, "site");
	souc_buffer_printf(out, "  [%s] %s (%s %s) %s %s", souc_short_id(souc_get(v, "id"), id),
			   souc_get(v, "by"), souc_get(site, "organisation"),
			   souc_get(site, "name"), souc_time(json_object_get(v, "at"), at),
			   souc_label(cx, "state", souc_get(v, "state")));
	if (souc_get(v, "reason_label")[0] != '\0')
		souc_buffer_printf(out, ": %s (%s)", souc_get(v, "reason_label"),
				   souc_get(v, "rule"));
	if (json_is_true(json_object_get(v, "proxy")))
		souc_buffer_printf(out, " [%s]", souc_word(cx, SOU_MSG_MARK_PROXY));
	souc_buffer_puts(out, "\n");
	const char *text = souc_shown_text(cx, v);
	size_t left = strlen(text), skip,
	       columns = cx->columns > 24 ? cx->columns - 4 : SIZE_MAX / 2;
	do {
		size_t bytes = souc_text_line(text, left, columns, &skip);
		souc_buffer_puts(out, "    ");
		souc_buffer_add(out, text, bytes);
		souc_buffer_puts(out, "\n");
		text += bytes + skip;
		left -= bytes + skip;
	} while (left > 0);
}

void souc_versions_print(struct souc_context *cx, const json_t *versions)
{
	struct souc_buffer raw = {0}, safe = {0};
	size_t i;
	const json_t *v;
	json_array_foreach (versions, i, v)
		version_add(cx, v, &raw);
	souc_text_add_safe(&safe, raw.text != NULL ? raw.text : "", raw.len);
	souc_print(cx, &safe);
	souc_buffer_fini(&raw);
	souc_buffer_fini(&safe);
}
