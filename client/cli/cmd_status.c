/* cmd_status.c - status, digest, sync now, pause, resume. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/api.h"
#include "client/cli/commands.h"
#include "client/cli/grid.h"
#include "client/cli/say.h"

#define WAIT_MS_DEFAULT 10000

static void link_print(struct souc_context *cx, const json_t *link)
{
	char at[24];
	const char *state = souc_get(link, "state"), *reason = souc_get(link, "reason_label");
	souc_line(cx, "%s: %s%s%s%s%s", souc_word(cx, SOU_MSG_HEAD_LINK),
		  souc_label(cx, "link", state), souc_get(link, "address")[0] != '\0' ? " " : "",
		  souc_get(link, "address"), reason[0] != '\0' ? " - " : "", reason);
	if (strcmp(state, "hub") == 0)
		souc_line(cx, "  %s: %lld", souc_word(cx, SOU_MSG_HEAD_LINKS),
			  souc_get_int(link, "links"));
	else
		souc_line(cx, "  %s: %s", souc_word(cx, SOU_MSG_HEAD_CONTACT),
			  souc_time(json_object_get(link, "last_contact"), at));
}

static void counts_print(struct souc_context *cx, const json_t *counts)
{
	static const struct {
		const char *member;
		enum sou_msg label;
		bool always;
	} rows[] =
		{
			{"local", SOU_MSG_STATE_LOCAL, false},
			{"queued", SOU_MSG_STATE_QUEUED, true},
			{"received", SOU_MSG_STATE_RECEIVED, false},
			{"held", SOU_MSG_STATE_HELD, false},
			{"drafts", SOU_MSG_STATE_DRAFT, false},
		},
	  marks[] = {
		  {"items", SOU_MSG_HEAD_ITEMS, true},
		  {"conflicts", SOU_MSG_MARK_CONFLICT, false},
		  {"incomplete", SOU_MSG_MARK_INCOMPLETE, false},
	  };
	struct souc_buffer line = {0};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		long long count = souc_get_int(counts, rows[i].member);
		if (count > 0 || rows[i].always)
			souc_buffer_printf(&line, "%s%s %lld", line.len > 0 ? ", " : "",
					   souc_word(cx, rows[i].label), count);
	}
	souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_STATUS_CHANGES), line.text);
	souc_buffer_fini(&line);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		long long count = souc_get_int(counts, marks[i].member);
		if (count > 0 || marks[i].always)
			souc_line(cx, "%s: %lld", souc_word(cx, marks[i].label), count);
	}
}

/* U-5: what is to be done, until when. */
static void todo_print(struct souc_context *cx, const json_t *todo, bool conflicts)
{
	size_t i;
	const json_t *t;
	if (conflicts)
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_STATUS_CONFLICTS));
	if (json_array_size(todo) == 0 && conflicts)
		return;
	if (json_array_size(todo) == 0) {
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_STATUS_NOTHING));
		return;
	}
	souc_line(cx, "%s:", souc_word(cx, SOU_MSG_STATUS_TODO));
	json_array_foreach (todo, i, t) {
		char due[24];
		souc_line(cx, "  %s %s (%s) %s, %s %s", souc_get(t, "round"),
			  souc_get(t, "project"), souc_get(t, "title"),
			  json_is_true(json_object_get(t, "changed_since"))
				  ? souc_word(cx, SOU_MSG_MARK_CHANGED_SINCE)
				  : souc_label(cx, "standing", souc_get(t, "standing")),
			  souc_word(cx, SOU_MSG_HEAD_DUE),
			  souc_time(json_object_get(t, "due_at"), due));
	}
}

/* Whether the file and what is in force are one. */
static void config_print(struct souc_context *cx, const json_t *config)
{
	const json_t *name;
	struct souc_buffer names = {0};
	size_t i;
	json_array_foreach (json_object_get(config, "restart"), i, name)
		souc_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", json_string_value(name));
	if (strcmp(souc_get(config, "state"), "refused") == 0)
		souc_line(cx, "%s", souc_word(cx, SOU_MSG_CONFIG_REFUSED));
	else if (names.len > 0)
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_CONFIG_RESTART), names.text);
	souc_buffer_fini(&names);
}

static void status_print(struct souc_context *cx, const json_t *reply)
{
	const json_t *site = json_object_get(reply, "site"), *plan = json_object_get(reply, "plan");
	const json_t *disk = json_object_get(reply, "disk"), *role;
	const char *mode = souc_get(reply, "mode"), *space = souc_get(disk, "state");
	struct souc_buffer roles = {0};
	size_t i;
	json_array_foreach (json_object_get(site, "roles"), i, role)
		souc_buffer_printf(&roles, "%s%s", i > 0 ? ", " : "",
				   souc_label(cx, "role", json_string_value(role)));
	souc_line(cx, "%s %s (%s)", souc_get(site, "organisation_name"), souc_get(site, "name"),
		  souc_get(site, "organisation"));
	souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_HEAD_ROLES),
		  roles.text != NULL ? roles.text : "-");
	souc_buffer_fini(&roles);
	link_print(cx, json_object_get(reply, "link"));
	counts_print(cx, json_object_get(reply, "counts"));
	if (json_is_object(plan))
		souc_line(cx, "%s: %s", souc_word(cx, SOU_MSG_HEAD_PLAN),
			  souc_get(plan, "short_name"));
	long long damaged = souc_get_int(json_object_get(reply, "scrub"), "damaged");
	if (damaged > 0)
		souc_line(cx, "%s: %lld", souc_word(cx, SOU_MSG_STATUS_DAMAGED), damaged);
	if (strcmp(mode, "normal") != 0)
		souc_line(cx, "%s", souc_label(cx, "mode", mode));
	if (strcmp(space, "ok") != 0)
		souc_line(cx, "%s (%lld MiB)", souc_label(cx, "disk", space),
			  souc_get_int(disk, "free_bytes") / (1024 * 1024));
	config_print(cx, json_object_get(reply, "config"));
	/* Who reads the conflicts of others waits for them. */
	bool own = strcmp(souc_get(json_object_get(reply, "link"), "state"), "hub") != 0;
	todo_print(cx, json_object_get(reply, "todo"),
		   own && souc_get_int(json_object_get(reply, "counts"), "conflicts") > 0);
}

int souc_status(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_STATUS};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		status_print(cx, reply);
	json_decref(reply);
	return rc;
}

int souc_digest(struct souc_context *cx)
{
	struct souc_request request = {.route = SOUC_R_DIGEST};
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json) {
		rc = souc_print_json(cx, reply);
	} else if (rc == 0) {
		/* The first 16 digits are enough to compare by eye or by telephone. */
		struct souc_grid g = {.columns = 5, .right = {[3] = true, [4] = true}};
		struct souc_buffer out = {0};
		const json_t *authority = json_object_get(reply, "authority"), *s;
		size_t i;
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_SCOPE));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_STATE_DIGEST));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_ENTRIES_DIGEST));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_HEAD_ENTRIES));
		souc_grid_add(&g, souc_word(cx, SOU_MSG_STATE_HELD));
		souc_grid_add(&g, "authority");
		souc_grid_add(&g, "-");
		souc_grid_addf(&g, "%.16s", souc_get(authority, "digest"));
		souc_grid_addf(&g, "%lld", souc_get_int(authority, "ops"));
		souc_grid_add(&g, "-");
		json_array_foreach (json_object_get(reply, "scopes"), i, s) {
			souc_grid_add(&g, souc_get(s, "scope"));
			souc_grid_addf(&g, "%.16s", souc_get(s, "state"));
			souc_grid_addf(&g, "%.16s", souc_get(s, "entries"));
			souc_grid_addf(&g, "%lld", souc_get_int(s, "entry_count"));
			souc_grid_addf(&g, "%lld", souc_get_int(s, "held_count"));
		}
		souc_grid_draw(&g, &out);
		souc_print(cx, &out);
		souc_buffer_fini(&out);
		souc_grid_fini(&g);
	}
	json_decref(reply);
	return rc;
}

int souc_metrics(struct souc_context *cx)
{
	char *text = NULL;
	struct souc_request request = {.route = SOUC_R_METRICS, .text = &text};
	int rc = souc_call(cx, &request, NULL, NULL);
	if (rc == 0 && cx->json) {
		json_t *reply = json_pack("{s:s}", "text", text);
		rc = souc_print_json(cx, reply);
		json_decref(reply);
	} else if (rc == 0) {
		fputs(text, cx->out); /* ours to the last letter */
	}
	free(text);
	return rc;
}

int souc_sync_now(struct souc_context *cx)
{
	long long wait_ms = souc_number(cx, SOUC_O_WAIT, WAIT_MS_DEFAULT);
	json_t *reply = NULL;
	struct souc_request request = {.route = SOUC_R_SYNC_NOW,
				       .body = json_pack("{s:I}", "wait_ms", (json_int_t)wait_ms),
				       .wait_ms = (long)wait_ms};
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		souc_line(cx, "%s: %s %lld, %s %lld, %s %lld", souc_word(cx, SOU_MSG_DONE_SYNCED),
			  souc_word(cx, SOU_MSG_HEAD_SENT), souc_get_int(reply, "sent"),
			  souc_word(cx, SOU_MSG_HEAD_RECEIVED), souc_get_int(reply, "received"),
			  souc_word(cx, SOU_MSG_STATE_QUEUED), souc_get_int(reply, "queued"));
	json_decref(reply);
	return rc;
}

static int sync_set(struct souc_context *cx, enum souc_route route)
{
	json_t *reply = NULL;
	struct souc_request request = {.route = route, .body = json_object()};
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		link_print(cx, json_object_get(reply, "link"));
	json_decref(reply);
	return rc;
}

int souc_sync_pause(struct souc_context *cx)
{
	return sync_set(cx, SOUC_R_SYNC_PAUSE);
}

int souc_sync_resume(struct souc_context *cx)
{
	return sync_set(cx, SOUC_R_SYNC_RESUME);
}

int souc_confirm(struct souc_context *cx)
{
	json_t *reply = NULL, *body = json_object();
	souc_body_text(body, "reason", souc_value(cx, SOUC_O_REASON));
	souc_body_text(body, "by", souc_value(cx, SOUC_O_BY));
	struct souc_request request = {.route = SOUC_R_CONFIRM, .body = body};
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0 && cx->json)
		rc = souc_print_json(cx, reply);
	else if (rc == 0)
		souc_line(cx, "%s: %lld", souc_word(cx, SOU_MSG_DONE_CONFIRMED),
			  souc_get_int(reply, "epochs"));
	json_decref(reply);
	return rc;
}
