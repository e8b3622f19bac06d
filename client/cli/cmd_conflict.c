/* cmd_conflict.c - conflict list, show, resolve. Nothing is merged without a person: show prints
 * the command lines that would keep each text, with the versions that were seen. */
#include <string.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/grid.h"
#include "client/cli/input.h"
#include "client/cli/ref.h"
#include "client/cli/say.h"
#include "client/cli/show.h"

/* The place of the item in conflict, or scope and kind of what else it is. */
static void subject_add(const json_t *conflict, struct souc_buffer *out)
{
	const json_t *item = json_object_get(conflict, "item");
	if (json_is_object(item))
		souc_place_add(item, out);
	else
		souc_buffer_printf(out, "%s %s", souc_get(conflict, "scope"),
				   souc_get(conflict, "kind"));
}

int souc_conflict_list(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_CONFLICT_LIST};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	const json_t *list = json_object_get(reply, "conflicts");
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0 && json_array_size(list) == 0) {
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_CONFLICT_LIST_EMPTY));
	} else if (rc == 0) {
		struct souc_grid g = {.columns = 4, .right = {[3] = true}};
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_ID));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_PLACE));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_FIELD));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_VERSIONS));
		size_t i;
		const json_t *c;
		json_array_foreach (list, i, c) {
			struct souc_buffer subject = {0};
			char room[9];
			subject_add(c, &subject);
			souc_grid_add(&g, souc_short_id(souc_get(c, "id"), room));
			souc_grid_add(&g, subject.text);
			souc_grid_add(&g, souc_get(c, "field"));
			souc_grid_addf(&g, "%zu", json_array_size(json_object_get(c, "versions")));
			souc_buffer_fini(&subject);
		}
		struct souc_buffer out = {0};
		souc_grid_draw(&g, &out);
		souc_print(cx, &out);
		souc_buffer_fini(&out);
		souc_grid_fini(&g);
	}
	json_decref(reply);
	return rc;
}

/* "soukatsu conflict resolve 1f3a2b4c --use 9c1e… --base 9c1e… --base 77ab… --by …" */
static void resolve_line(struct souc_context *cx, const json_t *conflict, const json_t *version)
{
	struct souc_buffer line = {0};
	char room[9];
	souc_buffer_printf(&line, "  soukatsu conflict resolve %s",
			   souc_short_id(souc_get(conflict, "id"), room));
	souc_buffer_printf(&line, " --use %s", souc_short_id(souc_get(version, "id"), room));
	size_t i;
	const json_t *v;
	json_array_foreach (json_object_get(conflict, "versions"), i, v)
		souc_buffer_printf(&line, " --base %s", souc_short_id(souc_get(v, "id"), room));
	souc_line(cx, "%s --by %s", line.text, souc_word(cx, SOU_MSG_CLI_YOUR_NAME));
	souc_buffer_fini(&line);
}

static void conflict_print(struct souc_context *cx, const json_t *conflict)
{
	const json_t *versions = json_object_get(conflict, "versions"), *v;
	const json_t *base = json_object_get(conflict, "base");
	const char *proposal = json_string_value(json_object_get(conflict, "proposal"));
	struct souc_buffer subject = {0};
	size_t i;
	subject_add(conflict, &subject);
	souc_line(cx, "%s [%s] %s: %s", subject.text, souc_get(conflict, "id"),
		  souc_word(cx, SOU_MSG_MARK_CONFLICT), souc_get(conflict, "field"));
	if (json_is_object(base)) {
		json_t *one = json_pack("[O]", base);
		souc_line(cx, "\n%s:", souc_word(cx, SOU_MSG_CONFLICT_BASE));
		souc_versions_print(cx, one);
		json_decref(one);
	}
	souc_line(cx, "\n%s:", souc_word(cx, SOU_MSG_CONFLICT_TEXTS));
	souc_versions_print(cx, versions);
	if (proposal != NULL)
		souc_line(cx, "\n%s:\n    %s", souc_word(cx, SOU_MSG_CONFLICT_PROPOSAL), proposal);
	if (json_is_true(json_object_get(conflict, "resolvable"))) {
		souc_line(cx, "\n%s:", souc_word(cx, SOU_MSG_CONFLICT_HOW));
		json_array_foreach (versions, i, v)
			resolve_line(cx, conflict, v);
	} else {
		souc_line(cx, "\n%s", souc_word(cx, SOU_MSG_CONFLICT_OTHERS));
	}
	souc_buffer_fini(&subject);
}

int souc_conflict_show(struct souc_context *cx)
{
	json_t *conflict = NULL;
	int rc = souc_ref_conflict(cx, cx->arguments[0], &conflict);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, conflict);
	else if (rc == 0)
		conflict_print(cx, conflict);
	json_decref(conflict);
	return rc;
}

/* Is every live version among those that --base names? One that came in since must not be settled
 * unseen. */
static int seen_all(struct souc_context *cx, const json_t *versions, const json_t *base)
{
	if (base == NULL || json_array_size(base) >= json_array_size(versions))
		return 0;
	return souc_fail(cx, SOU_MSG_ITEM_CHANGED, cx->arguments[0]);
}

static int resolve(struct souc_context *cx, const json_t *conflict, const struct souc_buffer *text,
		   json_t **reply)
{
	const json_t *versions = json_object_get(conflict, "versions"), *version = NULL;
	const char *use = souc_value(cx, SOUC_O_USE);
	json_t *base = NULL;
	int rc = use != NULL ? souc_ref_version(cx, versions, use, &version) : 0;
	if (rc == 0)
		rc = souc_ref_base(cx, versions, cx->arguments[0], &base);
	if (rc == 0)
		rc = seen_all(cx, versions, base);
	if (rc == 0) {
		json_t *body = json_object();
		souc_body_text(body, "field", souc_get(conflict, "field"));
		souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
		souc_body_text(body, "version", version != NULL ? souc_get(version, "id") : NULL);
		souc_body_text(body, "text", version == NULL ? text->text : NULL);
		if (base != NULL)
			json_object_set(body, "base", base);
		struct souc_request request = {.route = SOUC_R_CONFLICT_RESOLVE,
					       .param = souc_get(conflict, "id"),
					       .body = body};
		rc = souc_call(cx, &request, reply, NULL);
	}
	json_decref(base);
	return rc;
}

int souc_conflict_resolve(struct souc_context *cx)
{
	struct souc_buffer text = {0};
	json_t *conflict = NULL, *reply = NULL;
	bool given, use = souc_value(cx, SOUC_O_USE) != NULL;
	int rc = souc_input_text(cx, use, &text, &given);
	if (rc == 0 && use && given)
		rc = souc_fail(cx, SOU_MSG_USAGE_EXCLUSIVE, "--use", "--text, --file");
	if (rc == 0)
		rc = souc_ref_conflict(cx, cx->arguments[0], &conflict);
	if (rc == 0)
		rc = resolve(cx, conflict, &text, &reply);
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0) {
		struct souc_buffer subject = {0};
		subject_add(conflict, &subject);
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_DONE_RESOLVED), subject.text);
		souc_buffer_fini(&subject);
	}
	json_decref(reply);
	json_decref(conflict);
	rc = souc_input_keep(cx, &text, rc);
	souc_buffer_fini(&text);
	return rc;
}
