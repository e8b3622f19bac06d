/* json_item.c - versions, items and submissions as docs/api.md section 3 has them. */
#include "daemon/plan/history.h"
#include "daemon/plan/json.h"
#include "daemon/replica/read.h"

/* Why an entry is held: label and rule of each verdict. */
static const struct {
	enum sou_msg label;
	const char *rule;
} held_reasons[] = {
	[SOU_HELD_NOT_WHOLE] = {SOU_MSG_HELD_NOT_WHOLE, "R1"},
	[SOU_HELD_TOO_NEW] = {SOU_MSG_HELD_TOO_NEW, "R2"},
	[SOU_HELD_NOT_AUTHENTIC] = {SOU_MSG_HELD_NOT_AUTHENTIC, "R1"},
	[SOU_HELD_CUT_BRANCH] = {SOU_MSG_HELD_CUT_BRANCH, "R7"},
	[SOU_HELD_CUT] = {SOU_MSG_HELD_CUT, "R8"},
	[SOU_HELD_DECIDE] = {SOU_MSG_HELD_DECIDE, "R11"},
	[SOU_HELD_FORK] = {SOU_MSG_HELD_FORK, "R11"},
	[SOU_HELD_NO_RIGHT] = {SOU_MSG_HELD_NO_RIGHT, "R7"},
	[SOU_HELD_GROUND] = {SOU_MSG_HELD_GROUND, "R1"},
};

static json_t *site_json(const struct soud_origin *o)
{
	return json_pack("{s:o, s:s, s:s}", "id", soud_json_id(&o->site), "name", o->site_name,
			 "organisation", o->site_org);
}

static json_t *version_json(const struct soud_json *j, const struct soud_origin *o,
			    const char *text)
{
	json_t *v = json_pack("{s:o, s:s?, s:s?, s:o, s:o, s:o, s:s, s:b}", "id",
			      soud_json_id(&o->version), "text", text, "by", o->by, "site",
			      site_json(o), "at", soud_json_time((int64_t)sou_hlc_ms(o->hlc)),
			      "received_at", soud_json_time(o->received_ms), "state",
			      soud_delivery_name(o->state), "proxy", o->proxy);
	if (o->verdict > SOU_ACCEPTED && o->verdict < SOU_VERDICT_NONE) {
		enum sou_msg label = held_reasons[o->verdict].label;
		json_object_set_new(v, "reason",
				    json_string(sou_verdict_name((enum sou_verdict)o->verdict)));
		json_object_set_new(v, "reason_label",
				    json_string(sou_msg_raw(label, j->lang, SOU_MSG_TEXT)));
		json_object_set_new(v, "rule", json_string(held_reasons[o->verdict].rule));
	}
	return v;
}

json_t *soud_json_version(struct soud_json *j, uint32_t scope, uint64_t arrival, const char *text)
{
	struct soud_origin origin;
	int rc = soud_look_origin(j->look, scope, arrival, j->pool, &origin);
	if (rc != SOU_OK) {
		j->rc = rc;
		return NULL;
	}
	return version_json(j, &origin, text);
}

static void less_far(enum soud_delivery_state *state, enum soud_delivery_state other)
{
	if (other < *state)
		*state = other;
}

/* The live versions of the text; `state` becomes the least far of them. */
static json_t *versions_json(struct soud_json *j, uint32_t scope, const struct sou_register *reg,
			     enum soud_delivery_state *state)
{
	json_t *list = json_array();
	for (uint32_t i = 0; reg != NULL && i < reg->live_count; i++) {
		struct sou_span value, text;
		struct soud_origin origin;
		const char *shown = NULL;
		int rc = soud_look_live(j->look, scope, &reg->live[i], &value);
		if (rc == SOU_OK && soud_value_str(value, &text))
			shown = soud_pool_text(j->pool, text);
		if (rc == SOU_OK || rc == SOU_EUNKNOWN)
			rc = soud_look_origin(j->look, scope, reg->live[i].pos, j->pool, &origin);
		if (rc != SOU_OK) {
			j->rc = rc;
			break;
		}
		less_far(state, origin.state);
		json_array_append_new(list, version_json(j, &origin, shown));
	}
	return list;
}

/* Versions that are kept and not accepted, newest first. */
static json_t *held_json(struct soud_json *j, uint32_t scope, const struct sou_record *record)
{
	json_t *list = json_array();
	struct soud_history history;
	int rc = soud_history_read(j->look, scope, record, SOU_FIELD_ITEM_TEXT, j->pool, &history);
	if (rc != SOU_OK) {
		j->rc = rc;
		return list;
	}
	for (size_t i = 0; i < history.count; i++) {
		const struct soud_version *v = &history.versions[i];
		struct sou_span text;
		if (v->verdict == SOU_ACCEPTED)
			continue;
		const char *shown = !v->redacted && soud_value_str(v->value, &text)
					    ? soud_pool_text(j->pool, text)
					    : NULL;
		json_array_append_new(list, soud_json_version(j, scope, v->arrival, shown));
	}
	return list;
}

json_t *soud_json_item(struct soud_json *j, const struct soud_item *item)
{
	struct sou_record record = {0};
	enum soud_delivery_state state = SOUD_RECEIVED;
	struct soud_origin place;
	json_t *versions = NULL, *held = NULL;
	int rc = soud_item_record(j->look, item, &record);
	if (rc == SOU_OK) {
		const struct sou_register *reg = sou_record_field(&record, SOU_FIELD_ITEM_TEXT);
		versions = versions_json(j, item->scope, reg, &state);
		held = held_json(j, item->scope, &record);
		if (item->place_arrival != 0)
			rc = soud_look_origin(j->look, item->scope, item->place_arrival, j->pool,
					      &place);
		if (rc == SOU_OK && item->place_arrival != 0)
			less_far(&state, place.state);
	}
	sou_record_fini(&record);
	if (rc != SOU_OK)
		j->rc = rc;
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:I, s:s?, s:s, s:b, s:b, s:b, s:o*, s:o*}", "id",
		soud_json_id(&item->id), "round", soud_json_round_name(j, &item->round), "project",
		soud_json_project(j, &item->project), "column", soud_json_column(j, &item->column),
		"organisation", soud_json_org(j, &item->org), "order", (json_int_t)item->order,
		"text", item->text, "state", soud_delivery_name(state), "conflict", item->conflict,
		"incomplete", item->incomplete, "redacted", item->redacted, "versions", versions,
		"held", held);
}

json_t *soud_json_items(struct soud_json *j, const struct soud_item *items, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count && j->rc == SOU_OK; i++)
		json_array_append_new(list, soud_json_item(j, &items[i]));
	return list;
}

json_t *soud_json_submission(struct soud_json *j, const struct soud_project *project,
			     const struct sou_id *org, const struct soud_round *round,
			     const struct soud_submission *s, bool changed_since)
{
	json_t *items = json_array(), *nil = json_array();
	for (size_t i = 0; i < s->content.item_count; i++) {
		const struct soud_content_item *c = &s->content.items[i];
		json_array_append_new(items, json_pack("{s:o, s:o, s:o}", "column",
						       soud_json_column(j, &c->column), "item",
						       soud_json_id(&c->item), "version",
						       soud_json_id(&c->version)));
	}
	for (size_t i = 0; i < s->content.nil_count; i++)
		json_array_append_new(nil, soud_json_column(j, &s->content.nil_columns[i]));
	const struct soud_origin *o = &s->origin;
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:s, s:s?, s:o, s:o, s:o, s:s, s:b, s:b, s:o, s:o}", "id",
		soud_json_id(&s->version), "round", soud_json_round_name(j, &round->head.id),
		"project", soud_json_project(j, &project->head.id), "organisation",
		soud_json_org(j, org), "standing", soud_standing_name(s->standing), "by", o->by,
		"site", site_json(o), "at", soud_json_time((int64_t)sou_hlc_ms(o->hlc)),
		"received_at", soud_json_time(o->received_ms), "state",
		soud_delivery_name(o->state), "late", s->late, "changed_since", changed_since,
		"nil_columns", nil, "items", items);
}
