/* cmd_submit.c - submit: what an organisation says of a project, as it stands now. */
#include <string.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/ref.h"
#include "client/cli/say.h"

static void submission_print(struct souc_context *cx, const json_t *s, bool unchanged)
{
	char room[9];
	const json_t *items = json_object_get(s, "items");
	souc_line(cx, "%s: %s %s %s [%s] %s",
		  souc_word(cx, unchanged ? SOU_MSG_DONE_SUBMITTED_BEFORE : SOU_MSG_DONE_SUBMITTED),
		  souc_get(s, "round"), souc_get(s, "project"), souc_get(s, "organisation"),
		  souc_short_id(souc_get(s, "id"), room),
		  souc_label(cx, "state", souc_get(s, "state")));
	souc_line(cx, "  %s: %zu", souc_word(cx, SOU_MSG_HEAD_ITEMS), json_array_size(items));
	size_t i;
	const json_t *column;
	json_array_foreach (json_object_get(s, "nil_columns"), i, column)
		souc_line(cx, "  %s: %s", json_string_value(column),
			  souc_word(cx, SOU_MSG_STANDING_NIL));
	if (json_is_true(json_object_get(s, "late")))
		souc_line(cx, "  %s", souc_word(cx, SOU_MSG_MARK_LATE));
	const char *state = souc_get(s, "state");
	if (strcmp(state, "local") == 0 || strcmp(state, "queued") == 0)
		souc_line(cx, "  %s", souc_word(cx, SOU_MSG_SUBMIT_SENT_LATER));
}

int souc_submit(struct souc_context *cx)
{
	json_t *body = json_object(), *reply = NULL;
	souc_body_text(body, "project", cx->arguments[0]);
	souc_body_text(body, "organisation", souc_value(cx, SOUC_O_ORG));
	souc_body_text(body, "round", souc_value(cx, SOUC_O_ROUND));
	souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
	if (cx->value_count[SOUC_O_NIL] > 0) {
		json_t *nil = json_array();
		for (size_t i = 0; i < cx->value_count[SOUC_O_NIL]; i++)
			json_array_append_new(nil, json_string(cx->values[SOUC_O_NIL][i]));
		json_object_set_new(body, "nil_columns", nil);
	}
	struct souc_request request = {.route = SOUC_R_SUBMIT, .body = body};
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		submission_print(cx, json_object_get(reply, "submission"),
				 json_is_true(json_object_get(reply, "unchanged")));
	json_decref(reply);
	return rc;
}
