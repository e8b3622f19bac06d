/* cmd_item.c - item list, show, add, edit, move, remove. An item command commits at once; there is
 * no draft on the command line. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/grid.h"
#include "client/cli/input.h"
#include "client/cli/ref.h"
#include "client/cli/say.h"
#include "client/cli/show.h"

#define TEXT_COLUMNS_MIN 20u

/* "Added: PLACE [id] state", or the reply as JSON. Takes over `reply`. */
static int tell_item(struct souc_context *cx, enum sou_msg done, json_t *reply)
{
	const json_t *item = json_object_get(reply, "item");
	char room[9];
	int rc = 0;
	if (cx->json) {
		rc = souc_print_json(cx, reply);
	} else {
		struct souc_buffer place = {0}, state = {0};
		souc_place_add(item, &place);
		souc_state_add(cx, item, &state);
		souc_line(cx, "%s: %s [%s] %s", souc_word(cx, done), place.text,
			  souc_short_id(souc_get(item, "id"), room), state.text);
		souc_buffer_fini(&place);
		souc_buffer_fini(&state);
	}
	json_decref(reply);
	return rc;
}

static void list_draw(struct souc_context *cx, const json_t *items)
{
	struct souc_grid g = {.columns = 4};
	souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_ID));
	souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_PLACE));
	souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_STATE));
	souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_TEXT));
	size_t i, used = 0;
	const json_t *item;
	json_array_foreach (items, i, item) {
		char room[9];
		struct souc_buffer place = {0}, state = {0};
		souc_place_add(item, &place);
		souc_state_add(cx, item, &state);
		size_t columns = 8 + souc_text_columns(place.text, place.len) +
				 souc_text_columns(state.text, state.len) + 6;
		used = columns > used ? columns : used;
		souc_grid_add(&g, souc_short_id(souc_get(item, "id"), room));
		souc_grid_add(&g, place.text);
		souc_grid_add(&g, state.text);
		souc_grid_add(&g, souc_shown_text(cx, item));
		souc_buffer_fini(&place);
		souc_buffer_fini(&state);
	}
	if (cx->columns > 0)
		g.width[3] = cx->columns > used + TEXT_COLUMNS_MIN ? cx->columns - used
								   : TEXT_COLUMNS_MIN;
	struct souc_buffer out = {0};
	souc_grid_draw(&g, &out);
	souc_print(cx, &out);
	souc_buffer_fini(&out);
	souc_grid_fini(&g);
}

static void list_show(struct souc_context *cx, const json_t *items)
{
	if (json_array_size(items) == 0)
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_ITEM_LIST_EMPTY));
	else
		list_draw(cx, items);
}

int souc_item_list(struct souc_context *cx)
{
	struct souc_request request = {
		.route = SOUC_R_ITEM_LIST,
		.query = {{"round", souc_value(cx, SOUC_O_ROUND)},
			  {"project", souc_value(cx, SOUC_O_PROJECT)},
			  {"column", souc_value(cx, SOUC_O_COLUMN)},
			  {"organisation", souc_value(cx, SOUC_O_ORG)}},
	};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		list_show(cx, json_object_get(reply, "items"));
	json_decref(reply);
	return rc;
}

int souc_item_show(struct souc_context *cx)
{
	json_t *item = NULL;
	int rc = souc_ref_item(cx, cx->arguments[0], &item);
	if (rc == 0 && cx->json) {
		json_t *reply = json_pack("{s:O}", "item", item);
		rc = souc_print_json(cx, reply);
		json_decref(reply);
	} else if (rc == 0) {
		struct souc_buffer place = {0}, state = {0};
		souc_place_add(item, &place);
		souc_state_add(cx, item, &state);
		souc_line(cx, "%s [%s] %s", place.text, souc_get(item, "id"), state.text);
		souc_versions_print(cx, json_object_get(item, "versions"));
		if (json_array_size(json_object_get(item, "held")) > 0) {
			souc_line(cx, "%s:", souc_word(cx, SOU_MSG_STATE_HELD));
			souc_versions_print(cx, json_object_get(item, "held"));
		}
		souc_buffer_fini(&place);
		souc_buffer_fini(&state);
	}
	json_decref(item);
	return rc;
}

int souc_item_add(struct souc_context *cx)
{
	struct souc_buffer text = {0};
	bool given;
	int rc = souc_input_text(cx, false, &text, &given);
	if (rc != 0)
		goto out;
	json_t *body = json_object(), *reply = NULL;
	souc_body_text(body, "project", cx->arguments[0]);
	souc_body_text(body, "column", cx->arguments[1]);
	souc_body_text(body, "round", souc_value(cx, SOUC_O_ROUND));
	souc_body_text(body, "organisation", souc_value(cx, SOUC_O_ORG));
	souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
	souc_body_text(body, "text", text.text);
	if (souc_value(cx, SOUC_O_ORDER) != NULL)
		json_object_set_new(body, "order", json_integer(souc_number(cx, SOUC_O_ORDER, 0)));
	struct souc_request request = {.route = SOUC_R_ITEM_ADD, .body = body};
	rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0)
		rc = tell_item(cx, SOU_MSG_DONE_ADDED, reply);
out:
	rc = souc_input_keep(cx, &text, rc);
	souc_buffer_fini(&text);
	return rc;
}

/* Find the item, then post `body` (taken over) to a route of it. */
static int act_on_item(struct souc_context *cx, enum souc_route route, json_t *body,
		       enum sou_msg done)
{
	json_t *item = NULL, *base = NULL, *reply = NULL;
	int rc = souc_ref_item(cx, cx->arguments[0], &item);
	if (rc == 0)
		rc = souc_ref_base(cx, json_object_get(item, "versions"), cx->arguments[0], &base);
	if (rc == 0) {
		if (base != NULL)
			json_object_set(body, "base", base);
		souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
		struct souc_request request = {
			.route = route, .param = souc_get(item, "id"), .body = json_incref(body)};
		rc = souc_call(cx, &request, &reply, NULL);
	}
	json_decref(base);
	json_decref(item);
	json_decref(body);
	return rc == 0 ? tell_item(cx, done, reply) : rc;
}

int souc_item_edit(struct souc_context *cx)
{
	struct souc_buffer text = {0};
	bool given;
	int rc = souc_input_text(cx, false, &text, &given);
	if (rc == 0)
		rc = act_on_item(cx, SOUC_R_ITEM_EDIT, json_pack("{s:s}", "text", text.text),
				 SOU_MSG_DONE_EDITED);
	rc = souc_input_keep(cx, &text, rc);
	souc_buffer_fini(&text);
	return rc;
}

int souc_item_move(struct souc_context *cx)
{
	const char *order = cx->arguments[1];
	long long place = souc_number_read(order);
	if (place == 0)
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "ORDER", order,
				 souc_word(cx, SOU_MSG_WANT_NUMBER));
	return act_on_item(cx, SOUC_R_ITEM_MOVE, json_pack("{s:I}", "order", (json_int_t)place),
			   SOU_MSG_DONE_MOVED);
}

int souc_item_remove(struct souc_context *cx)
{
	return act_on_item(cx, SOUC_R_ITEM_REMOVE, json_object(), SOU_MSG_DONE_REMOVED);
}
