/* reader.c - what is there, for links and views: scopes, peers, positions, digests, and who may
 * read (P8.14). One read transaction stands from refresh to refresh, so that nothing is seen, and
 * sent, that the writer has not yet called durable and fenced (P13.15). */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/reader_int.h"
#include "daemon/replica/replica_int.h"
#include "proto/name.h"
#include "proto/schema.h"

static int report(struct soud_reader *v, int rc, struct sou_err *err)
{
	const struct sou_err *e = soud_store_error(v->store);
	return sou_err_set(err, rc, "reader: %s", e->rc == rc ? e->text : sou_err_text(rc));
}

/* --- Catching up --- */

static int see_ops(struct soud_reader *v)
{
	struct soud_op row = {.number = v->op_count};
	uint64_t last;
	int rc = soud_store_op_last(v->store, &last);
	if (rc != SOU_OK || last == v->op_count)
		return rc;
	while ((rc = soud_store_op_next(v->store, row.number, &row)) == SOU_OK) {
		struct sou_authop op;
		rc = sou_authop_read(&op, row.op);
		if (rc == SOU_OK) {
			rc = sou_authority_add_checked(v->authority, &op, row.op, row.sigs);
			sou_authop_fini(&op);
		}
		if (rc != SOU_OK && rc != SOU_EEXIST) /* of a settle that found no memory */
			return rc == SOU_ENOMEM ? rc : SOU_ECORRUPT;
	}
	if (rc != SOU_EUNKNOWN)
		return rc;
	rc = sou_authority_settle(v->authority);
	if (rc == SOU_OK)
		v->op_count = last;
	coded_clear(v); /* what was redacted must not be sent from memory */
	return rc;
}

static int see_scope(struct soud_reader *v, uint32_t number)
{
	struct sou_id id;
	int rc = soud_store_scope_id(v->store, number, &id);
	if (rc != SOU_OK)
		return rc;
	rc = replica_grow((void **)&v->scopes, &v->scope_room, v->scope_count, sizeof *v->scopes);
	if (rc != SOU_OK)
		return rc;
	uint32_t at = v->scope_count;
	for (; at > 0 && sou_id_cmp(&v->scopes[at - 1].id, &id) > 0; at--)
		v->scopes[at] = v->scopes[at - 1];
	v->scopes[at] = (struct seen_scope){.id = id, .number = number};
	v->scope_count++;
	v->numbered = number;
	return SOU_OK;
}

static int see_scopes(struct soud_reader *v)
{
	uint32_t count;
	int rc = soud_store_scope_count(v->store, &count);
	while (rc == SOU_OK && v->numbered < count)
		rc = see_scope(v, v->numbered + 1);
	return rc;
}

static int see_peers(struct soud_reader *v)
{
	for (;;) {
		int rc = replica_grow((void **)&v->peers, &v->peer_room, v->peer_count,
				      sizeof *v->peers);
		if (rc != SOU_OK)
			return rc;
		uint64_t after = v->peer_count > 0 ? v->peers[v->peer_count - 1].number : 0;
		rc = soud_store_peer_next(v->store, after, &v->peers[v->peer_count]);
		if (rc == SOU_EUNKNOWN)
			return SOU_OK;
		if (rc != SOU_OK)
			return rc;
		v->peer_count++;
	}
}

/* --- The plan: who is responsible for which project --- */

static void forget_projects(struct soud_reader *v)
{
	for (size_t i = 0; i < v->project_count; i++)
		free(v->projects[i].responsible);
	v->project_count = 0;
}

/* Does this live value, a flat list (organisation, role, ...), name the organisation? */
static bool names(struct sou_span value, const struct sou_id *org)
{
	struct sou_mp m = sou_mp_over(value);
	uint32_t count = sou_mp_array(&m, SOU_LIST_MAX);
	for (uint32_t i = 0; i + 1 < count && m.rc == SOU_OK; i += 2) {
		struct sou_id id = sou_mp_id(&m);
		(void)sou_mp_uint(&m, UINT64_MAX);
		if (m.rc == SOU_OK && sou_id_eq(&id, org))
			return true;
	}
	return false;
}

static int in_every_value(struct soud_reader *v, uint32_t scope, const struct sou_register *reg,
			  const struct sou_id *org, bool *out)
{
	*out = true;
	for (uint32_t i = 1; i < reg->live_count && *out; i++) {
		struct sou_span value;
		int rc = soud_store_value(v->store, scope, &reg->live[i], &value);
		if (rc != SOU_OK)
			return rc;
		*out = names(value, org);
	}
	return SOU_OK;
}

static int read_responsible(struct soud_reader *v, uint32_t scope, const struct sou_register *reg,
			    struct seen_project *p)
{
	struct sou_span value;
	int rc = soud_store_value(v->store, scope, &reg->live[0], &value);
	if (rc != SOU_OK || value.n == 0)
		return rc;
	struct sou_buf copy = {0}; /* the others' values come through the same borrowed place */
	sou_buf_put(&copy, value.p, value.n);
	struct sou_mp m = sou_mp_over(sou_buf_span(&copy));
	uint32_t count = sou_mp_array(&m, SOU_LIST_MAX);
	p->responsible = copy.failed ? NULL : calloc((size_t)count + 1, sizeof *p->responsible);
	rc = p->responsible == NULL ? SOU_ENOMEM : SOU_OK;
	for (uint32_t i = 0; rc == SOU_OK && i + 1 < count; i += 2) {
		bool all;
		struct sou_id org = sou_mp_id(&m);
		(void)sou_mp_uint(&m, UINT64_MAX);
		if (m.rc != SOU_OK)
			break; /* not such a list: what it names so far */
		rc = in_every_value(v, scope, reg, &org, &all);
		if (rc == SOU_OK && all)
			p->responsible[p->count++] = org;
	}
	sou_buf_fini(&copy);
	return rc;
}

static int project_order(const void *a, const void *b)
{
	const struct seen_project *x = a, *y = b;
	return sou_id_cmp(&x->scope, &y->scope);
}

static int see_project(struct soud_reader *v, uint32_t scope, const struct sou_record *record)
{
	int rc = replica_grow((void **)&v->projects, &v->project_room, v->project_count,
			      sizeof *v->projects);
	if (rc != SOU_OK)
		return rc;
	struct seen_project p = {.scope = sou_scope_id(SOU_SCOPE_PROJECT, &record->entity),
				 .entity = record->entity};
	const struct sou_register *reg = sou_record_field(record, SOU_FIELD_PROJECT_ORGANISATIONS);
	if (reg != NULL)
		rc = read_responsible(v, scope, reg, &p);
	if (rc != SOU_OK) {
		free(p.responsible);
		return rc;
	}
	v->projects[v->project_count++] = p;
	return SOU_OK;
}

static int see_plan(struct soud_reader *v)
{
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct sou_record record = {0};
	uint64_t stamp = 0, last;
	uint32_t number;
	int rc = soud_store_number_get(v->store, NUMBER_PLAN, &stamp);
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return rc;
	if (v->plan_seen && stamp == v->plan_stamp)
		return SOU_OK;
	forget_projects(v);
	v->plan_seen = false;
	rc = reader_scope(v, &plan, &number, &last) ? SOU_OK : SOU_EUNKNOWN;
	for (const struct sou_id *after = NULL; rc == SOU_OK;) {
		struct sou_id at;
		rc = soud_store_record_next(v->store, number, SOU_KIND_PROJECT, after,
					    SOU_KIND_PROJECT, &record);
		if (rc != SOU_OK)
			break;
		at = record.entity;
		if (!record.hidden)
			rc = see_project(v, number, &record);
		v->plan_at = at;
		after = &v->plan_at;
	}
	sou_record_fini(&record);
	if (rc != SOU_EUNKNOWN)
		return rc;
	if (v->project_count > 1)
		qsort(v->projects, v->project_count, sizeof *v->projects, project_order);
	v->plan_stamp = stamp;
	v->plan_seen = true;
	return SOU_OK;
}

static int see_damage(struct soud_reader *v)
{
	uint64_t stamp;
	int rc = soud_damage_stamp(v->store, &stamp);
	if (rc != SOU_OK || stamp == v->damage_stamp)
		return rc;
	rc = soud_damage_load(&v->damage, v->store);
	if (rc == SOU_OK)
		v->damage_stamp = stamp;
	coded_clear(v);
	return rc;
}

const struct soud_damage *soud_reader_damage(const struct soud_reader *v)
{
	return &v->damage;
}

bool soud_reader_met_damage(struct soud_reader *v)
{
	bool met = v->damage_met;
	v->damage_met = false;
	return met;
}

int soud_reader_refresh(struct soud_reader *v)
{
	soud_store_rollback(v->store);
	int rc = soud_store_begin(v->store);
	if (rc == SOU_OK)
		rc = identity_load(v->store, &v->identity);
	if (rc == SOU_OK)
		rc = see_ops(v);
	if (rc == SOU_OK)
		rc = see_scopes(v);
	if (rc == SOU_OK)
		rc = see_peers(v);
	if (rc == SOU_OK)
		rc = see_plan(v);
	if (rc == SOU_OK)
		rc = see_damage(v);
	return rc;
}

/* --- Open and close --- */

int soud_reader_open(struct soud_reader **out, const char *path,
		     const struct soud_replica_options *options, struct sou_err *err)
{
	struct soud_reader *v = calloc(1, sizeof *v);
	if (v == NULL)
		return sou_err_set(err, SOU_ENOMEM, "reader: no memory");
	const struct soud_store_options so = {.vfs = options != NULL ? options->vfs : NULL};
	int rc = soud_store_open(&v->store, path, SOUD_STORE_READER, &so, err);
	if (rc != SOU_OK)
		goto out;
	rc = soud_store_begin(v->store);
	if (rc == SOU_OK)
		rc = identity_load(v->store, &v->identity);
	if (rc == SOU_OK)
		rc = sou_authority_new(&v->authority, &v->identity.genesis);
	if (rc == SOU_OK)
		rc = sou_batch_new(&v->batch);
	if (rc == SOU_OK)
		rc = soud_reader_refresh(v);
	if (rc != SOU_OK) {
		(void)report(v, rc, err);
		goto out;
	}
	*out = v;
	v = NULL;
out:
	soud_reader_close(v);
	return rc;
}

void soud_reader_close(struct soud_reader *v)
{
	if (v == NULL)
		return;
	forget_projects(v);
	coded_clear(v);
	chains_fini(v);
	free(v->projects);
	free(v->scopes);
	free(v->peers);
	free(v->arrivals);
	sou_buf_fini(&v->scratch);
	sou_entry_fini(&v->entry);
	soud_damage_fini(&v->damage);
	sou_batch_free(v->batch);
	sou_authority_free(v->authority);
	soud_store_free(v->store);
	free(v);
}

const struct soud_identity *soud_reader_identity(const struct soud_reader *v)
{
	return &v->identity;
}

const struct sou_authority *soud_reader_authority(const struct soud_reader *v)
{
	return v->authority;
}

struct soud_store *soud_reader_store(struct soud_reader *v)
{
	return v->store;
}

/* --- Scopes and peers --- */

static struct seen_scope *find_scope(const struct soud_reader *v, const struct sou_id *scope)
{
	size_t low = 0, high = v->scope_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = sou_id_cmp(&v->scopes[mid].id, scope);
		if (cmp == 0)
			return &v->scopes[mid];
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* After a refresh that failed no view stands, and what the store would say is the newest, fenced or
 * not (P13.15): then nothing is there. */
static bool last_of(struct soud_reader *v, const struct seen_scope *s, uint64_t *last)
{
	return soud_store_in_transaction(v->store) &&
	       soud_store_scope_last(v->store, s->number, last) == SOU_OK;
}

bool reader_scope(struct soud_reader *v, const struct sou_id *scope, uint32_t *number,
		  uint64_t *last)
{
	const struct seen_scope *s = find_scope(v, scope);
	if (s == NULL || !last_of(v, s, last) || *last == 0)
		return false;
	*number = s->number;
	return true;
}

uint64_t reader_peer(const struct soud_reader *v, const struct sou_id *site,
		     const struct sou_id *log)
{
	for (size_t i = v->peer_count; i > 0; i--) {
		const struct soud_peer *p = &v->peers[i - 1];
		if (sou_id_eq(&p->site, site) && sou_id_eq(&p->log, log))
			return p->number;
	}
	return 0;
}

static const struct seen_project *find_project(const struct soud_reader *v,
					       const struct sou_id *scope)
{
	const struct seen_project key = {.scope = *scope};
	return v->project_count == 0 ? NULL
				     : bsearch(&key, v->projects, v->project_count,
					       sizeof *v->projects, project_order);
}

bool soud_reader_may_read(struct soud_reader *v, const struct sou_id *site,
			  const struct sou_id *key_id, const struct sou_id *scope)
{
	const struct seen_project *p = find_project(v, scope);
	return sou_authority_may_read(v->authority, site, key_id, scope,
				      p != NULL ? p->responsible : NULL, p != NULL ? p->count : 0);
}

int soud_reader_scope(struct soud_reader *v, const struct sou_id *scope, uint8_t *kind,
		      struct sou_id *entity)
{
	const struct seen_project *p = find_project(v, scope);
	struct sou_id authority = sou_scope_id(SOU_SCOPE_AUTHORITY, NULL);
	struct sou_id org;
	if (sou_id_eq(scope, &authority)) {
		*kind = SOU_SCOPE_AUTHORITY;
		*entity = (struct sou_id){{0}};
		return SOU_OK;
	}
	switch (sou_authority_scope_kind(v->authority, scope, &org)) {
	case SOU_SCOPE_PLAN:
		*kind = SOU_SCOPE_PLAN;
		*entity = (struct sou_id){{0}};
		return SOU_OK;
	case SOU_SCOPE_ORG:
		*kind = SOU_SCOPE_ORG;
		*entity = org;
		return SOU_OK;
	case SOU_SCOPE_AUTHORITY:
	case SOU_SCOPE_PROJECT:
		break;
	}
	if (p == NULL)
		return SOU_EUNKNOWN;
	*kind = SOU_SCOPE_PROJECT;
	*entity = p->entity;
	return SOU_OK;
}

int soud_reader_delivery(struct soud_reader *v, const struct sou_id *scope,
			 struct soud_delivery *out)
{
	uint32_t number;
	uint64_t last;
	struct soud_delivery d = {0};
	if (!reader_scope(v, scope, &number, &last)) {
		*out = d;
		return SOU_OK;
	}
	for (size_t i = 0; i < v->peer_count; i++) {
		struct soud_position p;
		if (sou_id_eq(&v->peers[i].site, &v->identity.site))
			continue;
		int rc = soud_store_position_get(v->store, v->peers[i].number, number, &p);
		if (rc != SOU_OK)
			return rc;
		if (p.acked > d.acked)
			d = (struct soud_delivery){p.acked, p.acked_ms};
	}
	*out = d;
	return SOU_OK;
}

/* --- The session's view --- */

static const struct sou_authority *view_authority(void *ctx)
{
	return soud_reader_authority(ctx);
}

static bool view_scope_at(void *ctx, size_t i, struct sou_view_scope *out)
{
	struct soud_reader *v = ctx;
	if (i >= v->scope_count)
		return false;
	out->scope = v->scopes[i].id;
	return last_of(v, &v->scopes[i], &out->last);
}

static bool view_peer_log(void *ctx, const struct sou_id *site, struct sou_id *log)
{
	const struct soud_reader *v = ctx;
	for (size_t i = v->peer_count; i > 0; i--) {
		if (sou_id_eq(&v->peers[i - 1].site, site)) {
			*log = v->peers[i - 1].log;
			return true;
		}
	}
	return false;
}

static struct soud_position position(struct soud_reader *v, const struct sou_id *site,
				     const struct sou_id *log, const struct sou_id *scope)
{
	struct soud_position p = {0};
	const struct seen_scope *s = find_scope(v, scope);
	uint64_t peer = reader_peer(v, site, log);
	if (s != NULL && peer != 0 &&
	    soud_store_position_get(v->store, peer, s->number, &p) != SOU_OK)
		p = (struct soud_position){0}; /* from the start: repeats are harmless */
	return p;
}

static uint64_t view_position(void *ctx, const struct sou_id *site, const struct sou_id *log,
			      const struct sou_id *scope)
{
	return position(ctx, site, log, scope).have;
}

static uint64_t view_acked(void *ctx, const struct sou_id *site, const struct sou_id *log,
			   const struct sou_id *scope)
{
	return position(ctx, site, log, scope).acked;
}

/* What tops.c of the writer left; n is the bytes behind the digest. */
static bool read_tops(struct soud_reader *v, const struct sou_id *scope, uint32_t *number,
		      uint64_t *last, struct sou_hash *digest, struct sou_span *tops)
{
	char name[TOPS_NAME_BYTES];
	struct sou_span value;
	if (!reader_scope(v, scope, number, last))
		return false;
	tops_name(name, *number);
	if (soud_store_meta_get(v->store, name, &value) != SOU_OK || value.n < 40)
		return false;
	uint64_t upto = 0;
	for (unsigned i = 0; i < 8; i++)
		upto = upto << 8 | value.p[i];
	memcpy(digest->b, value.p + 8, sizeof digest->b);
	*tops = (struct sou_span){value.p + 40, value.n - 40};
	return upto == *last;
}

/* Entries and authority say what the state is: as long as both stay, so does its digest. */
static int state_digest(struct soud_reader *v, struct sou_digest *d)
{
	struct seen_scope *s = find_scope(v, &d->scope);
	if (s->kept && sou_hash_eq(&s->entries, &d->entries) &&
	    sou_hash_eq(&s->authority, &d->authority)) {
		d->state = s->state;
		return SOU_OK;
	}
	int rc = soud_store_state_digest(v->store, s->number, &d->state);
	if (rc == SOU_OK) {
		s->entries = d->entries;
		s->authority = d->authority;
		s->state = d->state;
		s->kept = true;
	}
	return rc;
}

static bool view_digest(void *ctx, const struct sou_id *scope, struct sou_digest *out)
{
	struct soud_reader *v = ctx;
	struct sou_digest d = {.scope = *scope, .rule = SOU_RULE_VERSION};
	uint32_t number;
	struct sou_span tops;
	if (!read_tops(v, scope, &number, &d.upto, &d.entries, &tops))
		return false;
	d.authority = sou_authority_hash(v->authority);
	if (state_digest(v, &d) != SOU_OK)
		return false;
	*out = d;
	return true;
}

static size_t view_tops(void *ctx, const struct sou_id *scope, struct sou_hash *out, size_t max)
{
	struct soud_reader *v = ctx;
	uint32_t number;
	uint64_t last;
	struct sou_hash digest;
	struct sou_span tops;
	if (!read_tops(v, scope, &number, &last, &digest, &tops))
		return 0;
	size_t count = tops.n / sizeof *out;
	memcpy(out, tops.p, (count < max ? count : max) * sizeof *out);
	return count;
}

static bool view_may_read(void *ctx, const struct sou_id *site, const struct sou_id *key_id,
			  const struct sou_id *scope)
{
	return soud_reader_may_read(ctx, site, key_id, scope);
}

void soud_reader_view(struct soud_reader *v, struct sou_view *out)
{
	*out = (struct sou_view){
		.ctx = v,
		.authority = view_authority,
		.scope_at = view_scope_at,
		.peer_log = view_peer_log,
		.position = view_position,
		.acked = view_acked,
		.digest = view_digest,
		.tops = view_tops,
		.may_read = view_may_read,
		.news = reader_news,
		.headers = reader_headers,
		.entries = reader_entries,
		.signatures = reader_signatures,
	};
}
