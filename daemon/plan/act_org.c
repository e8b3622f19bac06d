/* act_org.c - headquarters' own acts: organisations from CSV, and invites. Both are operational
 * ops; the key is opened by the passphrase for this one act (R7). */
#include <stdlib.h>
#include <string.h>

#include "daemon/keys/keys.h"
#include "daemon/plan/acts.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"
#include "daemon/replica/hub.h"

#define OP_EFFECTS   100u /* organisations in one op: far below 48 KiB (P8.1) */
#define CSV_COLUMNS  6u
#define CSV_ROWS_MAX 4096u

enum { COLUMN_ID, COLUMN_KIND, COLUMN_PARENT, COLUMN_CODE, COLUMN_NAME, COLUMN_SHORT };
static const char *const columns[CSV_COLUMNS] = {"id",   "kind", "parent",
						 "code", "name", "short_name"};
static const char *const kinds[] = {"", "headquarters", "division", "volunteer_centre",
				    "ward_council"};

struct csv {
	const char *p;
	size_t line;
	struct soud_pool *pool;
	struct soud_refusal *why;
};

static int refuse_line(const struct csv *c, const char *column, const char *reason)
{
	int rc = soud_refuse(c->why, 400, SOU_MSG_IMPORT_CSV, "", column, reason);
	soud_refuse_number(c->why, 0, c->line);
	soud_refuse_detail(c->why, "line", json_integer((json_int_t)c->line));
	return rc;
}

/* One field, quoted or not (RFC 4180); *last at the end of the line. */
static int csv_field(struct csv *c, const char **out, bool *last)
{
	char *text = soud_pool_take(c->pool, strcspn(c->p, "") + 1);
	size_t n = 0;
	bool quoted = *c->p == '"';
	if (text == NULL)
		return soud_refuse_rc(c->why, SOU_ENOMEM, NULL);
	if (quoted)
		c->p++;
	while (*c->p != '\0') {
		if (quoted && c->p[0] == '"' && c->p[1] == '"') {
			text[n++] = '"';
			c->p += 2;
		} else if (quoted && c->p[0] == '"') {
			quoted = false;
			c->p++;
			break;
		} else if (!quoted && (*c->p == ',' || *c->p == '\n' || *c->p == '\r')) {
			break;
		} else {
			text[n++] = *c->p++;
		}
	}
	if (quoted)
		return refuse_line(c, "-", "a quote is not closed");
	text[n] = '\0';
	*last = *c->p != ',';
	if (*c->p == '\r')
		c->p++;
	if (*c->p == ',' || *c->p == '\n')
		c->p++;
	else if (*c->p != '\0')
		return refuse_line(c, "-", "text after a closing quote");
	*out = text;
	return SOU_OK;
}

static int csv_row(struct csv *c, const char *fields[CSV_COLUMNS])
{
	bool last = false;
	for (size_t i = 0; i < CSV_COLUMNS; i++) {
		int rc = last ? refuse_line(c, columns[i], "not there")
			      : csv_field(c, &fields[i], &last);
		if (rc != SOU_OK)
			return rc;
	}
	return last ? SOU_OK : refuse_line(c, "-", "too many columns");
}

struct row {
	const char *fields[CSV_COLUMNS];
	size_t line;
};

static int check_row(const struct csv *c, const struct row *rows, size_t count, const char **f)
{
	uint32_t code, kind = 0;
	for (size_t i = 0; i < CSV_COLUMNS; i++)
		if (soud_control_at(f[i], &code) != 0 || strlen(f[i]) > 255)
			return refuse_line(c, columns[i],
					   "a control character, or longer than 255 bytes");
	for (uint32_t k = 1; k < sizeof kinds / sizeof *kinds; k++)
		if (strcmp(f[COLUMN_KIND], kinds[k]) == 0)
			kind = k;
	if (kind == 0)
		return refuse_line(c, columns[COLUMN_KIND],
				   "one of headquarters, division, volunteer_centre, ward_council");
	if (f[COLUMN_ID][0] == '\0' || f[COLUMN_NAME][0] == '\0')
		return refuse_line(c, columns[f[COLUMN_ID][0] == '\0' ? COLUMN_ID : COLUMN_NAME],
				   "empty");
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].fields[COLUMN_ID], f[COLUMN_ID]) == 0)
			return refuse_line(c, columns[COLUMN_ID], "used twice");
	return SOU_OK;
}

static int read_csv(struct csv *c, struct row **out, size_t *count)
{
	struct row *rows = soud_pool_take(c->pool, CSV_ROWS_MAX * sizeof *rows);
	const char *head[CSV_COLUMNS];
	size_t n = 0;
	if (rows == NULL)
		return soud_refuse_rc(c->why, SOU_ENOMEM, NULL);
	if (strncmp(c->p, "\xEF\xBB\xBF", 3) == 0)
		c->p += 3;
	int rc = csv_row(c, head);
	for (size_t i = 0; i < CSV_COLUMNS && rc == SOU_OK; i++)
		if (strcmp(head[i], columns[i]) != 0)
			rc = refuse_line(c, columns[i],
					 "the first line names the columns in this order");
	while (rc == SOU_OK && *c->p != '\0') {
		c->line++;
		if (*c->p == '\n' || *c->p == '\r') {
			c->p++;
			continue;
		}
		if (n == CSV_ROWS_MAX)
			return refuse_line(c, "-", "too many lines");
		rc = csv_row(c, rows[n].fields);
		if (rc == SOU_OK)
			rc = check_row(c, rows, n, rows[n].fields);
		rows[n].line = c->line;
		n += rc == SOU_OK;
	}
	*out = rows;
	*count = n;
	return rc;
}

static struct sou_span span_of(const char *text)
{
	return (struct sou_span){(const uint8_t *)text, strlen(text)};
}

static bool span_is(struct sou_span span, const char *text)
{
	return span.n == strlen(text) && memcmp(span.p, text, span.n) == 0;
}

struct batch { /* effects of the op under way */
	struct sou_effect effects[OP_EFFECTS];
	const char *handles[OP_EFFECTS]; /* of those that make an organisation */
	uint32_t count;
};

/* The parent is known to authority, or made by an earlier effect of this op. */
static int effect_parent(const struct sou_authority *a, const struct batch *b, const char *parent,
			 struct sou_effect *e)
{
	const struct sou_org *org = sou_authority_org_handle(a, span_of(parent));
	if (org != NULL) {
		e->has_org = true;
		e->org = org->id;
		return SOU_OK;
	}
	for (uint32_t i = 0; i < b->count; i++) {
		if (b->handles[i] != NULL && strcmp(b->handles[i], parent) == 0) {
			e->parent_is_index = true;
			e->index = i;
			return SOU_OK;
		}
	}
	return SOU_EUNKNOWN;
}

static int row_effect(const struct csv *c, const struct sou_authority *a, struct batch *b,
		      const struct row *row, const char *today, struct soud_orgs_imported *out)
{
	const char *const *f = row->fields;
	struct csv at = {.line = row->line, .why = c->why};
	const struct sou_org *org = sou_authority_org_handle(a, span_of(f[COLUMN_ID]));
	const char *short_name = f[COLUMN_SHORT][0] != '\0' ? f[COLUMN_SHORT] : f[COLUMN_NAME];
	struct sou_effect e = {.name = span_of(f[COLUMN_NAME]), .short_name = span_of(short_name)};
	if (org != NULL) {
		if (span_is(org->name, f[COLUMN_NAME]) && span_is(org->short_name, short_name)) {
			out->unchanged++;
			return SOU_OK;
		}
		e.type = SOU_EFFECT_ORG_NAME;
		e.org = org->id;
		e.has_org = true;
		e.text = span_of(today);
		out->changed++;
	} else {
		e.type = SOU_EFFECT_ORG;
		e.handle = span_of(f[COLUMN_ID]);
		e.code = span_of(f[COLUMN_CODE]);
		for (uint32_t k = 1; k < sizeof kinds / sizeof *kinds; k++)
			if (strcmp(f[COLUMN_KIND], kinds[k]) == 0)
				e.number = k;
		if (e.number == 1)
			return refuse_line(&at, columns[COLUMN_KIND],
					   "headquarters was made by init");
		if (effect_parent(a, b, f[COLUMN_PARENT], &e) != SOU_OK)
			return refuse_line(&at, columns[COLUMN_PARENT],
					   "no organisation of that id above");
		out->added++;
	}
	b->handles[b->count] = org == NULL ? f[COLUMN_ID] : NULL;
	b->effects[b->count++] = e;
	return SOU_OK;
}

static int open_operational(const char *data_dir, const char *passphrase, struct sou_signer *signer,
			    struct soud_refusal *why)
{
	struct sou_err err = {0};
	struct sou_span pass =
		passphrase != NULL ? span_of(passphrase) : (struct sou_span){NULL, 0};
	if (passphrase == NULL)
		return soud_refuse(why, 403, SOU_MSG_PASSPHRASE_MISSING);
	int rc = soud_key_open(data_dir, SOUD_KEY_OPERATIONAL, 0, pass, signer, &err);
	if (rc == SOU_EUNKNOWN)
		return soud_refuse(why, 403, SOU_MSG_RIGHT_ADMIN);
	if (rc == SOU_EKEY || rc == SOU_EINPUT)
		return soud_refuse(why, 403, SOU_MSG_PASSPHRASE_WRONG);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, &err);
}

static int sign_batch(struct soud_replica *r, const struct sou_signer *signer, struct batch *b,
		      struct soud_orgs_imported *out, struct soud_refusal *why)
{
	struct sou_err err = {0};
	struct sou_hash id;
	if (b->count == 0)
		return SOU_OK;
	int rc = soud_hub_sign_op(r, signer, b->effects, b->count, &id, &err);
	out->ops += rc == SOU_OK;
	b->count = 0;
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, &err);
}

static int import_rows(struct soud_replica *r, const struct sou_signer *signer, const struct csv *c,
		       const struct row *rows, size_t count, const char *today,
		       struct soud_orgs_imported *out, struct soud_refusal *why)
{
	struct batch *b = soud_pool_take(c->pool, sizeof *b);
	int rc = b != NULL ? SOU_OK : soud_refuse_rc(why, SOU_ENOMEM, NULL);
	for (size_t i = 0; i < count && rc == SOU_OK; i++) {
		rc = row_effect(c, soud_replica_authority(r), b, &rows[i], today, out);
		if (rc == SOU_OK && b->count == OP_EFFECTS)
			rc = sign_batch(r, signer, b, out, why);
	}
	return rc == SOU_OK ? sign_batch(r, signer, b, out, why) : rc;
}

int soud_org_import(struct soud_replica *r, const char *data_dir, const char *csv,
		    const char *passphrase, const char *today, struct soud_orgs_imported *out,
		    struct soud_refusal *why)
{
	struct soud_pool pool = {0};
	struct csv c = {.p = csv, .line = 1, .pool = &pool, .why = why};
	struct row *rows = NULL;
	size_t count = 0;
	*out = (struct soud_orgs_imported){0};
	int rc = read_csv(&c, &rows, &count);
	if (rc == SOU_OK) {
		struct sou_signer signer = {0};
		rc = open_operational(data_dir, passphrase, &signer, why);
		if (rc == SOU_OK)
			rc = import_rows(r, &signer, &c, rows, count, today, out, why);
		sou_signer_fini(&signer);
	}
	soud_pool_fini(&pool);
	return rc;
}

#define EXPIRES_S_MIN 60
#define EXPIRES_S_MAX 7776000

int soud_invite(struct soud_replica *r, const char *data_dir, const struct soud_invite_ask *in,
		const char *passphrase, struct soud_invite_made *out, struct soud_refusal *why)
{
	const struct sou_authority *a = soud_replica_authority(r);
	const struct sou_org *org = sou_authority_org_handle(a, span_of(in->org));
	struct sou_signer signer = {0};
	struct sou_err err = {0};
	if (org == NULL)
		return soud_refuse(why, 404, SOU_MSG_ORG_UNKNOWN, in->org);
	if (in->expires_s < EXPIRES_S_MIN || in->expires_s > EXPIRES_S_MAX) {
		int rc = soud_refuse(why, 400, SOU_MSG_INVITE_EXPIRES, "", "");
		soud_refuse_number(why, 0, EXPIRES_S_MIN);
		soud_refuse_number(why, 1, EXPIRES_S_MAX);
		return rc;
	}
	if (in->address == NULL || in->address[0] == '\0')
		return soud_refuse(why, 409, SOU_MSG_INVITE_ADDRESS);
	struct soud_inviting inviting = {.org = org->id,
					 .site_name = span_of(in->name),
					 .roles = (uint16_t)in->roles,
					 .expires_ms =
						 (uint64_t)(in->now_ms + in->expires_s * 1000),
					 .address = in->address};
	int rc = soud_key_tls_pin(data_dir, &inviting.tls, &err);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, &err);
	rc = open_operational(data_dir, passphrase, &signer, why);
	if (rc != SOU_OK)
		return rc;
	rc = soud_hub_invite(r, &signer, &inviting, out->text, &out->id, &err);
	out->expires_ms = (int64_t)inviting.expires_ms;
	sou_signer_fini(&signer);
	return rc == SOU_OK ? SOU_OK : soud_refuse_rc(why, rc, &err);
}
