/* act_org.c - headquarters' own acts, each opening the operational key for itself (R7): invites,
 * and organisations from CSV into the authority feed (P8.4). Of these, what is not there yet is
 * added below its parent, a name that differs is changed from today on. Everything is checked
 * before the first op is signed. Where an organisation stands in the tree, its kind and its code
 * are not changed by an import: a move carries narrowings and grants with it and is an act of its
 * own. */
#include <stdlib.h>
#include <string.h>

#include "daemon/http/value.h"
#include "daemon/keys/keys.h"
#include "daemon/plan/acts.h"
#include "daemon/plan/csv.h"
#include "daemon/plan/look.h"
#include "daemon/replica/hub.h"

#define OP_BYTES_FILL 40960u /* an op of ours ends past this; the limit is 48 KiB (P8.1) */
#define EFFECT_BYTES  64u    /* of an effect beside its texts */

enum column { COL_ID, COL_KIND, COL_PARENT, COL_CODE, COL_NAME, COL_SHORT, COL_COUNT };
static const char *const column_names[COL_COUNT] = {"id",   "kind", "parent",
						    "code", "name", "short_name"};
static const char *const kind_names[] = {"headquarters", "division", "volunteer_centre",
					 "ward_council"}; /* P8.4: from 1 */

struct line { /* one organisation of the file */
	size_t number;
	const char *text[COL_COUNT];
	uint32_t kind;
	const struct sou_org *stands; /* NULL: it is new */
	const struct sou_org *parent_stands;
	size_t parent_line; /* of a parent that is new: its index here */
	bool renamed;
	uint32_t op, effect; /* of a new one: where it was put */
};

struct importing {
	const struct sou_authority *authority;
	struct soud_pool pool;
	struct soud_refusal *why;
	struct line *lines;
	size_t count;
	size_t column_at[COL_COUNT]; /* where each column stands in the file */
	size_t column_count;
};

static int refuse(struct importing *im, size_t line, const char *column, enum sou_msg reason)
{
	int rc = soud_refuse(im->why, 422, SOU_MSG_IMPORT_CSV, "", column, "");
	soud_refuse_number(im->why, 0, line);
	soud_refuse_word(im->why, 2, reason);
	soud_refuse_detail(im->why, "line", json_integer((json_int_t)line));
	soud_refuse_detail(im->why, "member", json_string(column));
	return rc;
}

/* What the reader found wrong in a row. */
static int refuse_row(struct importing *im, const struct soud_csv_row *row, int rc)
{
	char name[32] = "-";
	for (size_t c = 0; c < COL_COUNT && im->column_count > 0; c++) {
		if (im->column_at[c] == row->count)
			memcpy(name, column_names[c], strlen(column_names[c]) + 1);
	}
	if (rc == SOU_EFORMAT)
		return refuse(im, row->line, name, SOU_MSG_REASON_QUOTE);
	if (rc == SOU_ELIMIT)
		return refuse(im, row->line, "-", SOU_MSG_REASON_FIELDS);
	return soud_refuse_rc(im->why, rc, NULL);
}

static int header_read(struct importing *im, struct soud_csv *csv)
{
	struct soud_csv_row row;
	int rc = soud_csv_next(csv, &im->pool, &row);
	if (rc == SOU_EUNKNOWN)
		return refuse(im, 1, column_names[COL_ID], SOU_MSG_REASON_MISSING);
	if (rc != SOU_OK)
		return refuse_row(im, &row, rc);
	bool found[COL_COUNT] = {false};
	for (size_t i = 0; i < row.count; i++) {
		size_t c = 0;
		while (c < COL_COUNT && strcmp(column_names[c], row.field[i]) != 0)
			c++;
		if (c == COL_COUNT)
			return refuse(im, row.line, row.field[i], SOU_MSG_REASON_EXTRA);
		if (found[c])
			return refuse(im, row.line, row.field[i], SOU_MSG_REASON_TWICE);
		found[c] = true;
		im->column_at[c] = i;
	}
	for (size_t c = 0; c < COL_COUNT; c++) {
		if (!found[c])
			return refuse(im, row.line, column_names[c], SOU_MSG_REASON_MISSING);
	}
	im->column_count = row.count;
	return SOU_OK;
}

static int fields_check(struct importing *im, const struct line *l)
{
	for (size_t c = 0; c < COL_COUNT; c++) {
		const char *text = l->text[c];
		bool may_be_empty = c == COL_PARENT || c == COL_CODE || c == COL_SHORT;
		if (text[0] == '\0' && !may_be_empty)
			return refuse(im, l->number, column_names[c], SOU_MSG_REASON_EMPTY);
		if (strlen(text) > SOU_HTTP_LINE_BYTES_MAX)
			return refuse(im, l->number, column_names[c], SOU_MSG_REASON_LONG);
		if (text[0] != '\0' &&
		    !soud_value_is_line(text, strlen(text), SOU_HTTP_LINE_BYTES_MAX))
			return refuse(im, l->number, column_names[c], SOU_MSG_REASON_CONTROL);
		if (c == COL_ID && !soud_value_is_handle(text, strlen(text)))
			return refuse(im, l->number, column_names[c], SOU_MSG_REASON_HANDLE);
	}
	return SOU_OK;
}

static struct sou_span span(const char *text)
{
	return (struct sou_span){(const uint8_t *)text, strlen(text)};
}

static bool same(struct sou_span a, const char *text)
{
	return a.n == strlen(text) && (a.n == 0 || memcmp(a.p, text, a.n) == 0);
}

/* The organisation stands already: only its name may differ. */
static int standing_check(struct importing *im, struct line *l)
{
	const struct sou_org *org = l->stands;
	const struct sou_org *parent = sou_authority_org(im->authority, &org->parent);
	if (l->kind != org->kind)
		return refuse(im, l->number, column_names[COL_KIND], SOU_MSG_REASON_FIXED);
	if (!same(org->code, l->text[COL_CODE]))
		return refuse(im, l->number, column_names[COL_CODE], SOU_MSG_REASON_FIXED);
	if (parent == NULL ? l->text[COL_PARENT][0] != '\0'
			   : !same(parent->handle, l->text[COL_PARENT]))
		return refuse(im, l->number, column_names[COL_PARENT], SOU_MSG_REASON_FIXED);
	l->renamed =
		!same(org->name, l->text[COL_NAME]) || !same(org->short_name, l->text[COL_SHORT]);
	return SOU_OK;
}

/* A new one stands below one that is there, or below a line above. */
static int new_check(struct importing *im, struct line *l)
{
	if (l->kind == 1)
		return refuse(im, l->number, column_names[COL_KIND], SOU_MSG_REASON_TOP);
	if (l->text[COL_PARENT][0] == '\0')
		return refuse(im, l->number, column_names[COL_PARENT], SOU_MSG_REASON_EMPTY);
	l->parent_stands = sou_authority_org_handle(im->authority, span(l->text[COL_PARENT]));
	if (l->parent_stands != NULL)
		return SOU_OK;
	for (size_t i = 0; &im->lines[i] < l; i++) {
		if (strcmp(im->lines[i].text[COL_ID], l->text[COL_PARENT]) == 0) {
			l->parent_line = i;
			return SOU_OK;
		}
	}
	return refuse(im, l->number, column_names[COL_PARENT], SOU_MSG_REASON_UNKNOWN);
}

static int line_check(struct importing *im, struct line *l)
{
	int rc = fields_check(im, l);
	if (rc != SOU_OK)
		return rc;
	for (size_t k = 0; k < sizeof kind_names / sizeof *kind_names; k++) {
		if (strcmp(kind_names[k], l->text[COL_KIND]) == 0)
			l->kind = (uint32_t)k + 1;
	}
	if (l->kind == 0)
		return refuse(im, l->number, column_names[COL_KIND], SOU_MSG_REASON_UNKNOWN);
	for (size_t i = 0; &im->lines[i] < l; i++) {
		if (strcmp(im->lines[i].text[COL_ID], l->text[COL_ID]) == 0)
			return refuse(im, l->number, column_names[COL_ID], SOU_MSG_REASON_TWICE);
	}
	l->stands = sou_authority_org_handle(im->authority, span(l->text[COL_ID]));
	return l->stands != NULL ? standing_check(im, l) : new_check(im, l);
}

static int lines_read(struct importing *im, const char *text)
{
	struct soud_csv csv = {.at = text};
	struct soud_csv_row row;
	struct soud_list list = {0};
	int rc = header_read(im, &csv);
	if (rc != SOU_OK)
		return rc;
	while ((rc = soud_csv_next(&csv, &im->pool, &row)) == SOU_OK) {
		if (row.count != im->column_count)
			return refuse(im, row.line, "-", SOU_MSG_REASON_FIELDS);
		struct line *l = soud_list_add(&im->pool, &list, sizeof *l);
		if (l == NULL)
			return soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
		l->number = row.line;
		for (size_t c = 0; c < COL_COUNT; c++)
			l->text[c] = row.field[im->column_at[c]];
	}
	if (rc != SOU_EUNKNOWN)
		return refuse_row(im, &row, rc);
	im->lines = list.members;
	im->count = list.count;
	rc = SOU_OK;
	for (size_t i = 0; i < im->count && rc == SOU_OK; i++)
		rc = line_check(im, &im->lines[i]);
	return rc;
}

/* --- Effects, gathered into ops --- */

struct writing {
	struct importing *im;
	struct soud_replica *replica;
	const struct sou_signer *signer;
	const char *today;
	struct sou_effect *effects; /* owned */
	uint32_t effect_count;
	size_t bytes;         /* of the op being gathered, about */
	struct sou_hash *ops; /* in the pool: ids of those written */
	uint32_t op_count;
};

static int flush(struct writing *w)
{
	struct sou_err err = {0};
	if (w->effect_count == 0)
		return SOU_OK;
	int rc = soud_hub_sign_op(w->replica, w->signer, w->effects, w->effect_count,
				  &w->ops[w->op_count], &err);
	w->op_count++;
	w->effect_count = 0;
	w->bytes = 0;
	if (rc == SOU_EKEY)
		return soud_refuse(w->im->why, 403, SOU_MSG_PASSPHRASE_WRONG);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(w->im->why, rc, &err);
}

/* A parent in the op that is being gathered is named by its place there, one in an earlier op by
 * its id. */
static void parent_name(const struct writing *w, const struct line *l, struct sou_effect *e)
{
	if (l->parent_stands != NULL) {
		e->has_org = true;
		e->org = l->parent_stands->id;
		return;
	}
	const struct line *parent = &w->im->lines[l->parent_line];
	if (parent->op == w->op_count) {
		e->parent_is_index = true;
		e->index = parent->effect;
	} else {
		e->has_org = true;
		e->org = sou_entity_org(&w->ops[parent->op], parent->effect);
	}
}

static int line_write(struct writing *w, struct line *l)
{
	size_t bytes = EFFECT_BYTES;
	for (size_t c = 0; c < COL_COUNT; c++)
		bytes += strlen(l->text[c]);
	if (w->bytes + bytes > OP_BYTES_FILL || w->effect_count == SOU_EFFECTS_MAX) {
		int rc = flush(w);
		if (rc != SOU_OK)
			return rc;
	}
	struct sou_effect *e = &w->effects[w->effect_count];
	*e = (struct sou_effect){.name = span(l->text[COL_NAME]),
				 .short_name = span(l->text[COL_SHORT])};
	if (l->stands == NULL) {
		e->type = SOU_EFFECT_ORG;
		e->number = l->kind;
		e->handle = span(l->text[COL_ID]);
		e->code = span(l->text[COL_CODE]);
		parent_name(w, l, e);
		l->op = w->op_count;
		l->effect = w->effect_count;
	} else {
		e->type = SOU_EFFECT_ORG_NAME;
		e->org = l->stands->id;
		e->text = span(w->today);
	}
	w->effect_count++;
	w->bytes += bytes;
	return SOU_OK;
}

static int lines_write(struct writing *w, struct soud_orgs_imported *out)
{
	struct importing *im = w->im;
	struct soud_orgs_imported done = {0};
	w->effects = calloc(SOU_EFFECTS_MAX, sizeof *w->effects);
	w->ops = soud_pool_take(&im->pool, (im->count + 1) * sizeof *w->ops);
	int rc = w->effects != NULL && w->ops != NULL ? SOU_OK
						      : soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
	/* Signing settles the authority anew, and what it lends dies: keep the ids alone. */
	struct sou_org *kept = soud_pool_take(&im->pool, 2 * im->count * sizeof *kept);
	for (size_t i = 0; i < im->count && rc == SOU_OK && kept != NULL; i++) {
		struct line *l = &im->lines[i];
		if (l->stands != NULL) {
			kept[2 * i].id = l->stands->id;
			l->stands = &kept[2 * i];
		}
		if (l->parent_stands != NULL) {
			kept[2 * i + 1].id = l->parent_stands->id;
			l->parent_stands = &kept[2 * i + 1];
		}
	}
	if (kept == NULL)
		rc = soud_refuse_rc(im->why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < im->count && rc == SOU_OK; i++) {
		struct line *l = &im->lines[i];
		done.added += l->stands == NULL;
		done.changed += l->stands != NULL && l->renamed;
		done.unchanged += l->stands != NULL && !l->renamed;
		if (l->stands == NULL || l->renamed)
			rc = line_write(w, l);
	}
	if (rc == SOU_OK)
		rc = flush(w);
	done.ops = w->op_count;
	free(w->effects);
	if (rc == SOU_OK)
		*out = done;
	return rc;
}

/* Headquarters' operational key, for this one act. */
static int key_open(struct soud_replica *r, const char *data_dir, const char *passphrase,
		    struct sou_signer *signer, struct soud_refusal *why)
{
	struct sou_err err = {0};
	if (!soud_replica_identity(r)->hub)
		return soud_refuse(why, 403, SOU_MSG_RIGHT_ADMIN);
	if (passphrase == NULL)
		return soud_refuse(why, 403, SOU_MSG_PASSPHRASE_MISSING);
	int rc = soud_key_open(data_dir, SOUD_KEY_OPERATIONAL, 0, span(passphrase), signer, &err);
	if (rc == SOU_EUNKNOWN) /* the key is kept elsewhere */
		return soud_refuse(why, 403, SOU_MSG_RIGHT_ADMIN);
	if (rc == SOU_EKEY)
		return soud_refuse(why, 403, SOU_MSG_PASSPHRASE_WRONG);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, &err);
}

int soud_org_import(struct soud_replica *r, const char *data_dir, const char *csv,
		    const char *passphrase, const char *today, struct soud_orgs_imported *out,
		    struct soud_refusal *why)
{
	struct importing im = {.authority = soud_replica_authority(r), .why = why};
	struct sou_signer signer = {0};
	int rc = SOU_OK;
	if (strlen(csv) > SOU_CSV_BYTES_MAX) {
		rc = soud_refuse(why, 413, SOU_MSG_REQUEST_LIMIT, "csv", "", "");
		soud_refuse_word(why, 2, SOU_MSG_UNIT_BYTES);
		soud_refuse_number(why, 1, SOU_CSV_BYTES_MAX);
	}
	if (rc == SOU_OK && !soud_replica_identity(r)->hub)
		rc = soud_refuse(why, 403, SOU_MSG_RIGHT_ADMIN);
	if (rc == SOU_OK)
		rc = lines_read(&im, csv);
	if (rc == SOU_OK)
		rc = key_open(r, data_dir, passphrase, &signer, why);
	if (rc == SOU_OK) {
		struct writing w = {.im = &im, .replica = r, .signer = &signer, .today = today};
		rc = lines_write(&w, out);
	}
	sou_signer_fini(&signer);
	soud_pool_fini(&im.pool);
	return rc;
}

/* --- Invites --- */

#define EXPIRES_S_MIN 60
#define EXPIRES_S_MAX 7776000 /* 90 days */

int soud_invite(struct soud_replica *r, const char *data_dir, const struct soud_invite_ask *in,
		const char *passphrase, struct soud_invite_made *out, struct soud_refusal *why)
{
	const struct sou_authority *authority = soud_replica_authority(r);
	const struct sou_line *self =
		sou_authority_site(authority, &soud_replica_identity(r)->site);
	const struct sou_org *org = sou_authority_org_handle(authority, span(in->org));
	struct sou_signer signer = {0};
	struct sou_err err = {0};
	if (org == NULL)
		return soud_refuse(why, 404, SOU_MSG_ORG_UNKNOWN, in->org);
	if (in->expires_s < EXPIRES_S_MIN || in->expires_s > EXPIRES_S_MAX) {
		soud_refuse(why, 400, SOU_MSG_INVITE_EXPIRES, "", "");
		soud_refuse_number(why, 0, EXPIRES_S_MIN / 60);
		soud_refuse_number(why, 1, EXPIRES_S_MAX / 86400);
		return SOU_EINPUT;
	}
	if (self == NULL)
		return soud_refuse(why, 403, SOU_MSG_RIGHT_ADMIN);
	int rc = key_open(r, data_dir, passphrase, &signer, why);
	if (rc == SOU_OK) {
		struct soud_invite_made made = {.expires_ms = in->now_ms + in->expires_s * 1000};
		struct soud_inviting inviting = {.org = org->id,
						 .site_name = span(in->name),
						 .roles = (uint16_t)in->roles,
						 .expires_ms = (uint64_t)made.expires_ms,
						 .address = in->address,
						 .tls = self->tls};
		rc = soud_hub_invite(r, &signer, &inviting, made.text, &made.id, &err);
		if (rc == SOU_OK)
			*out = made;
		else if (rc == SOU_EINPUT)
			rc = soud_refuse(why, 409, SOU_MSG_INVITE_ADDRESS);
		else
			rc = soud_refuse_rc(why, rc, &err);
		sou_cleanse(&made, sizeof made);
	}
	sou_signer_fini(&signer);
	return rc;
}
