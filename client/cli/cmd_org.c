/* cmd_org.c - org list, org import, site list, invite: what headquarters decides about who is
 * there. */
#include <string.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/grid.h"
#include "client/cli/input.h"
#include "client/cli/ref.h"
#include "client/cli/say.h"
#include "proto/limits.h"

int souc_org_list(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_ORG_LIST};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0) {
		static const enum sou_msg heads[] = {SOU_MSG_HEAD_ID, SOU_MSG_HEAD_NAME,
						     SOU_MSG_HEAD_SHORT, SOU_MSG_HEAD_PARENT,
						     SOU_MSG_HEAD_CODE};
		struct souc_grid g = {.columns = 5};
		struct souc_buffer out = {0};
		size_t i;
		for (i = 0; i < sizeof heads / sizeof *heads; i++)
			souc_grid_add(&g, souc_word(cx, heads[i]));
		const json_t *o;
		json_array_foreach (json_object_get(reply, "organisations"), i, o) {
			souc_grid_add(&g, souc_get(o, "id"));
			souc_grid_add(&g, souc_get(o, "name"));
			souc_grid_add(&g, souc_get(o, "short_name"));
			souc_grid_add(&g, souc_get(o, "parent"));
			souc_grid_add(&g, souc_get(o, "code"));
		}
		souc_grid_draw(&g, &out);
		souc_print(cx, &out);
		souc_buffer_fini(&out);
		souc_grid_fini(&g);
	}
	json_decref(reply);
	return rc;
}

/* Call a route that may need the operational key's passphrase. It is asked for only when the daemon
 * says that it needs one, so that a key without passphrase asks nobody; a descriptor is read at
 * once. Takes over `body`. */
static int call_as_admin(struct souc_context *cx, enum souc_route route, json_t *body,
			 json_t **reply)
{
	struct souc_buffer passphrase = {0};
	json_t *error = NULL;
	struct souc_request request = {.route = route};
	int rc = 0;
	if (souc_value(cx, SOUC_O_PASSPHRASE_FD) == NULL) {
		request.body = json_incref(body);
		rc = souc_call(cx, &request, reply, &error);
		bool missing = strcmp(souc_get(error, "id"), "passphrase.missing") == 0;
		if (error != NULL && !missing)
			rc = souc_fail_answer(cx, error);
		if (!missing)
			goto out;
	}
	rc = souc_input_passphrase(cx, SOU_MSG_CLI_PASSPHRASE, &passphrase);
	if (rc != 0)
		goto out;
	souc_body_text(body, "passphrase", passphrase.text);
	request.body = json_incref(body);
	rc = souc_call(cx, &request, reply, NULL);
	json_t *kept = json_object_get(body, "passphrase");
	explicit_bzero((char *)json_string_value(kept), json_string_length(kept));
out:
	souc_buffer_fini(&passphrase);
	json_decref(error);
	json_decref(body);
	return rc;
}

int souc_org_import(struct souc_context *cx)
{
	struct souc_buffer csv = {0};
	json_t *reply = NULL;
	int rc = souc_input_file(cx, cx->arguments[0], SOU_CSV_BYTES_MAX, &csv);
	if (rc == 0) {
		json_t *body = json_object();
		souc_body_text(body, "csv", csv.text);
		souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
		rc = call_as_admin(cx, SOUC_R_ORG_IMPORT, body, &reply);
	}
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		souc_line(cx, "%s: %s %lld, %s %lld, %s %lld", souc_word(cx, SOU_MSG_DONE_IMPORTED),
			  souc_word(cx, SOU_MSG_HEAD_ADDED), souc_get_int(reply, "added"),
			  souc_word(cx, SOU_MSG_HEAD_CHANGED), souc_get_int(reply, "changed"),
			  souc_word(cx, SOU_MSG_HEAD_UNCHANGED), souc_get_int(reply, "unchanged"));
	json_decref(reply);
	souc_buffer_fini(&csv);
	return rc;
}

/* "editor, submitter" of a list of strings. */
static void roles_add(const json_t *roles, struct souc_buffer *out)
{
	size_t i;
	const json_t *role;
	souc_buffer_puts(out, "");
	json_array_foreach (roles, i, role)
		souc_buffer_printf(out, "%s%s", i > 0 ? "," : "", json_string_value(role));
}

static void site_row(struct souc_context *cx, struct souc_grid *g, const json_t *s)
{
	struct souc_buffer roles = {0}, marks = {0};
	char id[9], at[24];
	const json_t *connected = json_object_get(s, "connected");
	roles_add(json_object_get(s, "roles"), &roles);
	souc_buffer_puts(&marks, souc_label(cx, "site", souc_get(s, "state")));
	if (json_is_true(json_object_get(s, "hub")))
		souc_buffer_printf(&marks, " [%s]", souc_word(cx, SOU_MSG_SITE_HUB));
	if (json_is_true(json_object_get(s, "self")))
		souc_buffer_printf(&marks, " [%s]", souc_word(cx, SOU_MSG_SITE_SELF));
	if (json_is_boolean(connected))
		souc_buffer_printf(&marks, " %s",
				   souc_word(cx, json_is_true(connected) ? SOU_MSG_SITE_CONNECTED
									 : SOU_MSG_SITE_AWAY));
	souc_grid_add(g, souc_short_id(souc_get(s, "id"), id));
	souc_grid_add(g, souc_get(s, "organisation"));
	souc_grid_add(g, souc_get(s, "name"));
	souc_grid_add(g, roles.text);
	souc_grid_add(g, marks.text);
	souc_grid_add(g, souc_time(json_object_get(s, "last_contact"), at));
	souc_buffer_fini(&roles);
	souc_buffer_fini(&marks);
}

int souc_site_list(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_SITE_LIST};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0) {
		static const enum sou_msg heads[] = {SOU_MSG_HEAD_ID,    SOU_MSG_HEAD_ORG,
						     SOU_MSG_HEAD_NAME,  SOU_MSG_HEAD_ROLES,
						     SOU_MSG_HEAD_STATE, SOU_MSG_HEAD_CONTACT};
		struct souc_grid g = {.columns = 6};
		struct souc_buffer out = {0};
		size_t i;
		const json_t *s;
		for (i = 0; i < sizeof heads / sizeof *heads; i++)
			souc_grid_add(&g, souc_word(cx, heads[i]));
		json_array_foreach (json_object_get(reply, "sites"), i, s)
			site_row(cx, &g, s);
		souc_grid_draw(&g, &out);
		souc_print(cx, &out);
		souc_buffer_fini(&out);
		souc_grid_fini(&g);
	}
	json_decref(reply);
	return rc;
}

/* "editor,submitter" as a list; whether there are such roles is the daemon's to say. */
static json_t *roles_split(const char *text)
{
	json_t *list = json_array();
	while (*text != '\0') {
		size_t bytes = strcspn(text, ",");
		json_array_append_new(list, json_stringn(text, bytes));
		text += bytes + (text[bytes] == ',' ? 1 : 0);
	}
	return list;
}

int souc_invite(struct souc_context *cx)
{
	json_t *body = json_object(), *reply = NULL;
	souc_body_text(body, "organisation", souc_value(cx, SOUC_O_ORG));
	souc_body_text(body, "name", souc_value(cx, SOUC_O_NAME));
	souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
	json_object_set_new(body, "roles", roles_split(souc_value(cx, SOUC_O_ROLE)));
	if (souc_value(cx, SOUC_O_EXPIRES) != NULL)
		json_object_set_new(body, "expires_s",
				    json_integer(souc_number(cx, SOUC_O_EXPIRES, 0) / 1000));
	int rc = call_as_admin(cx, SOUC_R_INVITE, body, &reply);
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0) {
		char at[24];
		/* The string alone on the first line, so that a script and a clipboard can take it.
		 */
		souc_line(cx, "%s", souc_get(reply, "invite"));
		fprintf(cx->err, "%s (%s)\n%s: soukatsu join …\n",
			souc_word(cx, SOU_MSG_CLI_INVITE_ONCE),
			souc_time(json_object_get(reply, "expires_at"), at),
			souc_word(cx, SOU_MSG_INVITE_NEXT));
	}
	json_decref(reply);
	return rc;
}
