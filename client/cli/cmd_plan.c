/* cmd_plan.c - plan show, plan import, round list, open, close. */
#include <string.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/grid.h"
#include "client/cli/input.h"
#include "client/cli/say.h"
#include "proto/limits.h"

#define DOCUMENT_BYTES_MAX (SOU_HTTP_BODY_BYTES_MAX - 4096u) /* the body's limit less its rest */

static void rounds_draw(struct souc_context *cx, const json_t *rounds)
{
	static const enum sou_msg heads[] = {SOU_MSG_HEAD_ROUND, SOU_MSG_HEAD_AS_OF,
					     SOU_MSG_HEAD_STATE, SOU_MSG_HEAD_DUE_AT};
	struct souc_grid g = {.columns = 4};
	struct souc_buffer out = {0};
	size_t i;
	const json_t *r;
	for (i = 0; i < sizeof heads / sizeof *heads; i++)
		souc_grid_add(&g, souc_word(cx, heads[i]));
	json_array_foreach (rounds, i, r) {
		char due[24];
		souc_grid_add(&g, souc_get(r, "id"));
		souc_grid_add(&g, souc_get(r, "as_of_label"));
		souc_grid_add(&g, souc_label(cx, "round",
					     strcmp(souc_get(r, "state"), "closed") == 0
						     ? "ended"
						     : souc_get(r, "state")));
		souc_grid_add(&g, souc_time(json_object_get(r, "due_at"), due));
	}
	souc_grid_draw(&g, &out);
	souc_print(cx, &out);
	souc_buffer_fini(&out);
	souc_grid_fini(&g);
}

static void project_row(struct souc_grid *g, const json_t *p)
{
	struct souc_buffer who = {0};
	size_t i;
	const json_t *org;
	json_array_foreach (json_object_get(p, "organisations"), i, org)
		souc_buffer_printf(&who, "%s%s", i > 0 ? ", " : "", souc_get(org, "id"));
	souc_grid_add(g, souc_get(p, "id"));
	souc_grid_add(g, souc_get(p, "title"));
	if (json_is_integer(json_object_get(p, "plan_page")))
		souc_grid_addf(g, "p.%lld", souc_get_int(p, "plan_page"));
	else
		souc_grid_add(g, "-");
	souc_grid_add(g, who.text != NULL ? who.text : "-");
	souc_buffer_fini(&who);
}

static void plan_print(struct souc_context *cx, const json_t *reply)
{
	const json_t *plan = json_object_get(reply, "plan"), *pillar, *project, *column;
	size_t i, k;
	souc_line(cx, "%s (%s)", souc_get(plan, "short_name"), souc_get(plan, "period_label"));
	souc_line(cx, "%s", souc_get(plan, "official_name"));
	struct souc_grid columns = {.columns = 2};
	struct souc_buffer out = {0};
	souc_grid_add(&columns, souc_word(cx, SOU_MSG_HEAD_COLUMN));
	souc_grid_add(&columns, souc_word(cx, SOU_MSG_HEAD_TITLE));
	json_array_foreach (json_object_get(plan, "columns"), i, column) {
		souc_grid_add(&columns, souc_get(column, "id"));
		souc_grid_add(&columns, souc_get(column, "label"));
	}
	souc_buffer_puts(&out, "\n");
	souc_grid_draw(&columns, &out);
	souc_buffer_puts(&out, "\n");
	souc_print(cx, &out);
	souc_buffer_fini(&out);
	souc_grid_fini(&columns);
	rounds_draw(cx, json_object_get(reply, "rounds"));
	json_array_foreach (json_object_get(reply, "pillars"), i, pillar) {
		static const enum sou_msg heads[] = {SOU_MSG_HEAD_PROJECTS, SOU_MSG_HEAD_TITLE,
						     SOU_MSG_HEAD_PAGE, SOU_MSG_HEAD_WHO};
		struct souc_grid g = {.columns = 4};
		for (k = 0; k < sizeof heads / sizeof *heads; k++)
			souc_grid_add(&g, souc_word(cx, heads[k]));
		souc_line(cx, "\n%s %s", souc_get(pillar, "numeral"), souc_get(pillar, "title"));
		json_array_foreach (json_object_get(pillar, "projects"), k, project)
			project_row(&g, project);
		souc_grid_draw(&g, &out);
		souc_print(cx, &out);
		souc_buffer_fini(&out);
		souc_grid_fini(&g);
	}
	if (souc_get_int(reply, "conflicts") > 0)
		souc_line(cx, "%s: %lld", souc_word(cx, SOU_MSG_MARK_CONFLICT),
			  souc_get_int(reply, "conflicts"));
}

int souc_plan_show(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_PLAN_SHOW};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		plan_print(cx, reply);
	json_decref(reply);
	return rc;
}

int souc_plan_import(struct souc_context *cx)
{
	struct souc_buffer text = {0};
	json_t *reply = NULL;
	json_error_t fault;
	int rc = souc_input_file(cx, cx->arguments[0], DOCUMENT_BYTES_MAX, &text);
	if (rc != 0)
		goto out;
	json_t *document = json_loadb(text.text, text.len, JSON_REJECT_DUPLICATES, &fault);
	if (!json_is_object(document)) {
		char line[24];
		snprintf(line, sizeof line, "%d", document == NULL ? fault.line : 1);
		json_decref(document);
		rc = souc_fail(cx, SOU_MSG_FILE_LINE, cx->arguments[0], line,
			       souc_word(cx, SOU_MSG_REASON_JSON));
		goto out;
	}
	json_t *body = json_object();
	json_object_set_new(body, "document", document);
	souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
	struct souc_request request = {.route = SOUC_R_PLAN_IMPORT, .body = body};
	rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		souc_line(cx, "%s: %s (%s %lld, %s %lld, %s %lld, %s %lld)",
			  souc_word(cx, SOU_MSG_DONE_IMPORTED), souc_get(reply, "plan"),
			  souc_word(cx, SOU_MSG_HEAD_ROUNDS), souc_get_int(reply, "rounds"),
			  souc_word(cx, SOU_MSG_HEAD_PILLARS), souc_get_int(reply, "pillars"),
			  souc_word(cx, SOU_MSG_HEAD_PROJECTS), souc_get_int(reply, "projects"),
			  souc_word(cx, SOU_MSG_HEAD_CHANGED), souc_get_int(reply, "changed"));
	if (rc == 0 && !cx->json && souc_get_int(reply, "items_left_out") > 0)
		souc_line(cx, "  %s: %lld", souc_word(cx, SOU_MSG_IMPORT_LEFT_OUT),
			  souc_get_int(reply, "items_left_out"));
	json_decref(reply);
out:
	souc_buffer_fini(&text);
	return rc;
}

int souc_round_list(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_ROUND_LIST};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		rounds_draw(cx, json_object_get(reply, "rounds"));
	json_decref(reply);
	return rc;
}

/* Post to a route of the round and show how it stands then. */
static int act_on_round(struct souc_context *cx, enum souc_route route)
{
	json_t *body = json_object(), *reply = NULL;
	souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
	souc_body_text(body, "due_at", souc_value(cx, SOUC_O_DUE));
	struct souc_request request = {.route = route, .param = cx->arguments[0], .body = body};
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0) {
		json_t *one = json_pack("[O]", json_object_get(reply, "round"));
		rounds_draw(cx, one);
		json_decref(one);
	}
	json_decref(reply);
	return rc;
}

int souc_round_open(struct souc_context *cx)
{
	return act_on_round(cx, SOUC_R_ROUND_OPEN);
}

int souc_round_close(struct souc_context *cx)
{
	return act_on_round(cx, SOUC_R_ROUND_CLOSE);
}
