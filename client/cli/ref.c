/* ref.c - from what a person writes to one whole id. */
#include "client/cli/ref.h"

#include <string.h>

#include "client/cli/api.h"
#include "client/cli/say.h"

#define PLACE_PARTS 4u

bool souc_ref_is_prefix(const char *text)
{
	size_t digits = strspn(text, "0123456789abcdef");
	return text[digits] == '\0' && digits >= 4 && digits <= SOUC_ID_DIGITS;
}

const char *souc_short_id(const char *id, char *room)
{
	snprintf(room, 9, "%.8s", id);
	return room;
}

/* Cut "a/b/c/1" in four, in place; false where it is not so. */
static bool place_split(char *text, const char *part[PLACE_PARTS])
{
	for (size_t i = 0; i < PLACE_PARTS; i++) {
		part[i] = text;
		size_t bytes = strcspn(text, "/");
		if (bytes == 0 || (text[bytes] == '\0') != (i + 1 == PLACE_PARTS))
			return false;
		text[bytes] = '\0';
		text += bytes + 1;
	}
	size_t digits = strspn(part[3], "0123456789");
	return part[3][digits] == '\0' && digits <= 9 && part[3][0] != '0';
}

/* The one member of `list`, or the error that there is none or several. */
static int only_one(struct souc_context *cx, const json_t *list, const char *text,
		    enum sou_msg none, json_t **out)
{
	if (json_array_size(list) == 0)
		return souc_fail(cx, none, text);
	if (json_array_size(list) > 1)
		return souc_fail(cx, SOU_MSG_ID_AMBIGUOUS, text);
	*out = json_incref(json_array_get(list, 0));
	return 0;
}

int souc_ref_item(struct souc_context *cx, const char *text, json_t **item)
{
	struct souc_request request = {.route = SOUC_R_ITEM_LIST};
	char place[512];
	const char *part[PLACE_PARTS];
	if (souc_ref_is_prefix(text)) {
		request.query[0].name = "id_prefix";
		request.query[0].value = text;
	} else {
		static const char *const names[PLACE_PARTS] = {"project", "column", "organisation",
							       "order"};
		if (strlen(text) >= sizeof place)
			return souc_fail(cx, SOU_MSG_ITEM_UNKNOWN, text);
		memcpy(place, text, strlen(text) + 1);
		if (!place_split(place, part))
			return souc_fail(cx, SOU_MSG_ITEM_UNKNOWN, text);
		for (size_t i = 0; i < PLACE_PARTS; i++) {
			request.query[i].name = names[i];
			request.query[i].value = part[i];
		}
		request.query[PLACE_PARTS].name = "round";
		request.query[PLACE_PARTS].value = souc_value(cx, SOUC_O_ROUND);
	}
	json_t *reply = NULL;
	int rc = souc_call(cx, &request, &reply, NULL);
	if (rc == 0)
		rc = only_one(cx, json_object_get(reply, "items"), text, SOU_MSG_ITEM_UNKNOWN,
			      item);
	json_decref(reply);
	return rc;
}

int souc_ref_conflict(struct souc_context *cx, const char *text, json_t **conflict)
{
	json_t *item = NULL, *reply = NULL;
	char prefix[SOUC_ID_DIGITS + 1];
	int rc = 0;
	if (souc_ref_is_prefix(text)) {
		snprintf(prefix, sizeof prefix, "%s", text);
	} else {
		rc = souc_ref_item(cx, text, &item);
		snprintf(prefix, sizeof prefix, "%s", souc_get(item, "id"));
	}
	json_decref(item);
	if (rc != 0)
		return rc;
	struct souc_request request = {
		.route = SOUC_R_CONFLICT_LIST,
		.query = {{"id_prefix", prefix}},
	};
	rc = souc_call(cx, &request, &reply, NULL);
	const json_t *list = json_object_get(reply, "conflicts");
	const char *field = souc_value(cx, SOUC_O_FIELD);
	json_t *fitting = json_array();
	size_t i;
	json_t *c;
	json_array_foreach (list, i, c) {
		if (field == NULL || strcmp(souc_get(c, "field"), field) == 0)
			json_array_append(fitting, c);
	}
	if (rc == 0)
		rc = only_one(cx, fitting, text, SOU_MSG_CONFLICT_NONE, conflict);
	json_decref(fitting);
	json_decref(reply);
	return rc;
}

int souc_ref_version(struct souc_context *cx, const json_t *versions, const char *text,
		     const json_t **version)
{
	const json_t *found = NULL, *v;
	size_t i;
	if (souc_ref_is_prefix(text)) {
		json_array_foreach (versions, i, v) {
			if (strncmp(souc_get(v, "id"), text, strlen(text)) != 0)
				continue;
			if (found != NULL)
				return souc_fail(cx, SOU_MSG_ID_AMBIGUOUS, text);
			found = v;
		}
	}
	if (found == NULL)
		return souc_fail(cx, SOU_MSG_CONFLICT_VERSION, text);
	*version = found;
	return 0;
}

int souc_ref_base(struct souc_context *cx, const json_t *versions, const char *item, json_t **base)
{
	size_t count = cx->value_count[SOUC_O_BASE];
	*base = NULL;
	if (count == 0)
		return 0;
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		const json_t *version = NULL;
		const char *text = cx->values[SOUC_O_BASE][i];
		for (size_t k = 0; k < json_array_size(versions) && souc_ref_is_prefix(text); k++) {
			const json_t *v = json_array_get(versions, k);
			if (strncmp(souc_get(v, "id"), text, strlen(text)) == 0)
				version = v;
		}
		if (version == NULL) { /* seen, but not live any more; or never there */
			json_decref(list);
			return souc_fail(cx, SOU_MSG_ITEM_CHANGED, item);
		}
		json_array_append_new(list, json_string(souc_get(version, "id")));
	}
	*base = list;
	return 0;
}
