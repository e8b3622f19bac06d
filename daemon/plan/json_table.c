/* json_table.c - the answer of GET /v1/table. */
#include "daemon/plan/json.h"

#define LEFT_WIDTH 9 /* full-width characters of the left cell */

static const enum sou_msg standing_labels[] = {
#define X(name, text) [SOUD_STANDING_##name] = SOU_MSG_STANDING_##name,
	SOUD_STANDINGS(X)
#undef X
};

static json_t *org_json(struct soud_json *j, const struct soud_table_org *org)
{
	const struct soud_submission *s = &org->submission;
	bool made = !sou_id_is_zero(&s->version);
	int64_t at = made ? (int64_t)sou_hlc_ms(s->origin.hlc) : -1;
	struct sou_span none = {(const uint8_t *)"", 0};
	return json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:b, s:b, s:b}", "id",
			 soud_json_org(j, &org->id), "name",
			 soud_json_span(org->org != NULL ? org->org->name : none), "short_name",
			 soud_json_span(org->org != NULL ? org->org->short_name : none), "role",
			 org->role == 1 ? "lead" : "partner", "standing",
			 soud_standing_name(s->standing), "standing_label",
			 sou_msg_raw(standing_labels[s->standing], j->lang, SOU_MSG_TEXT), "at",
			 soud_json_time(at), "changed_since", org->changed_since, "late", s->late,
			 "conflict", s->conflict);
}

/* Where the words are: the least far of text and place. */
static const char *state_of(struct soud_json *j, const struct soud_paragraph *p)
{
	struct soud_origin text, place;
	int rc = soud_look_origin(j->look, p->scope, p->arrival, j->pool, &text);
	if (rc == SOU_OK && p->place_arrival != 0)
		rc = soud_look_origin(j->look, p->scope, p->place_arrival, j->pool, &place);
	if (rc != SOU_OK) {
		j->rc = rc;
		return "";
	}
	bool nearer = p->place_arrival != 0 && place.state < text.state;
	return soud_delivery_name(nearer ? place.state : text.state);
}

static json_t *paragraph_json(struct soud_json *j, const struct soud_paragraph *p)
{
	return json_pack("{s:o, s:o, s:I, s:o, s:s?, s:s?, s:s, s:b, s:b}", "item",
			 soud_json_id(&p->item), "version", soud_json_id(&p->version), "order",
			 (json_int_t)p->order, "organisation", soud_json_org(j, &p->org), "text",
			 p->text, "attribution", p->attribution, "state", state_of(j, p),
			 "conflict", p->conflict, "redacted", p->redacted);
}

static json_t *cell_json(struct soud_json *j, const struct soud_cell *cell)
{
	json_t *paragraphs = json_array(), *nil = json_array();
	for (size_t i = 0; i < cell->paragraph_count; i++)
		json_array_append_new(paragraphs, paragraph_json(j, &cell->paragraphs[i]));
	for (size_t i = 0; i < cell->nil_count; i++)
		json_array_append_new(nil, soud_json_org(j, &cell->nil[i]));
	return json_pack("{s:o, s:o, s:o}", "column", soud_json_column(j, &cell->column->head.id),
			 "nil", nil, "paragraphs", paragraphs);
}

static json_t *row_json(struct soud_json *j, const struct soud_table_project *row)
{
	json_t *orgs = json_array(), *cells = json_array();
	const struct soud_project *p = row->project;
	for (size_t i = 0; i < row->org_count; i++)
		json_array_append_new(orgs, org_json(j, &row->orgs[i]));
	for (size_t i = 0; i < row->cell_count; i++)
		json_array_append_new(cells, cell_json(j, &row->cells[i]));
	return json_pack("{s:o, s:s, s:o, s:s, s:s, s:b, s:o, s:o}", "id",
			 soud_json_project(j, &p->head.id), "title", p->title, "plan_page",
			 p->page != SOUD_PLAN_NONE ? json_integer((json_int_t)p->page)
						   : json_null(),
			 "page_label", row->page_label, "organisations_label", row->orgs_label,
			 "attributed", row->attributed, "organisations", orgs, "cells", cells);
}

static json_t *pillars_json(struct soud_json *j, const struct soud_table *t)
{
	json_t *list = json_array();
	for (size_t i = 0; i < t->pillar_count; i++) {
		const struct soud_table_pillar *p = &t->pillars[i];
		json_t *projects = json_array();
		for (size_t k = 0; k < p->project_count; k++)
			json_array_append_new(projects, row_json(j, &p->projects[k]));
		const struct soud_pillar *pillar = p->pillar;
		json_array_append_new(list,
				      json_pack("{s:s?, s:s, s:s, s:s, s:o}", "id",
						pillar != NULL ? pillar->head.handle : NULL,
						"numeral", pillar != NULL ? pillar->numeral : "",
						"title", pillar != NULL ? pillar->title : "",
						"heading", p->heading, "projects", projects));
	}
	return list;
}

json_t *soud_json_table(struct soud_json *j, const struct soud_table *t)
{
	json_t *columns = json_array();
	for (size_t i = 0; i < t->column_count; i++) {
		const struct soud_column *c = t->columns[i];
		json_array_append_new(
			columns,
			json_pack("{s:o, s:s, s:o}", "id", soud_json_column(j, &c->head.id),
				  "label", c->label, "width",
				  c->width != SOUD_PLAN_NONE ? json_integer((json_int_t)c->width)
							     : json_null()));
	}
	json_t *labels = json_array();
	for (size_t i = 0; i < 2 && t->plan != NULL; i++)
		json_array_append_new(labels, json_string(t->plan->level_label[i]));
	return json_pack("{s:s, s:o, s:s, s:o, s:i, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I}}",
			 "title", t->title, "round", soud_json_round(j, t->round), "basis",
			 t->latest ? "latest" : "submitted", "columns", columns, "left_width",
			 LEFT_WIDTH, "level_labels", labels, "pillars", pillars_json(j, t),
			 "unassigned", soud_json_items(j, t->unassigned, t->unassigned_count),
			 "counts", "expected", (json_int_t)t->expected, "submitted",
			 (json_int_t)t->submitted, "outstanding", (json_int_t)t->outstanding,
			 "out_of_scope", (json_int_t)t->out_of_scope, "conflicts",
			 (json_int_t)t->conflicts);
}
