/* scrub.c - verify in steps (R22): what is derived is not built anew as a whole, but the records of
 * a sample are. */
#include "daemon/replica/scrub.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/replica/check_int.h"

enum stage { STAGE_FILE, STAGE_AUTHORITY, STAGE_SCOPES, STAGE_DONE };

struct soud_scrub {
	struct check c;
	struct soud_scrubbed result;
	struct soud_merge *merge; /* owned */
	enum stage stage;
	uint32_t scope; /* the last one looked at */
	uint64_t ops;   /* in c.authority */
	uint64_t random;
	atomic_bool stop;
};

void soud_scrubbed_fini(struct soud_scrubbed *out)
{
	soud_damage_fini(&out->damage);
}

int soud_scrub_new(struct soud_scrub **out, const char *path, const char *vfs,
		   const struct sou_verifier *verifier, uint64_t sample_seed, struct sou_err *err)
{
	const struct soud_store_options options = {.vfs = vfs, .cache_bytes = 4u << 20};
	struct soud_scrub *s = calloc(1, sizeof *s);
	if (s == NULL)
		return sou_err_set(err, SOU_ENOMEM, "scrub: no memory");
	s->c = (struct check){.verifier = verifier != NULL ? verifier : &sou_verifier_ed25519,
			      .out = &s->result.seen,
			      .damage = &s->result.damage,
			      .stop = &s->stop};
	s->random = sample_seed | 1;
	int rc = soud_store_open(&s->c.store, path, SOUD_STORE_READER, &options, err);
	if (rc == SOU_OK) {
		rc = soud_merge_new(&s->merge);
		if (rc != SOU_OK)
			(void)sou_err_set(err, rc, "scrub: no memory");
	}
	if (rc != SOU_OK) {
		soud_scrub_free(s);
		return rc;
	}
	*out = s;
	return SOU_OK;
}

void soud_scrub_free(struct soud_scrub *s)
{
	if (s == NULL)
		return;
	sou_entry_fini(&s->c.entry);
	sou_authority_free(s->c.authority);
	soud_merge_free(s->merge);
	soud_store_free(s->c.store);
	soud_scrubbed_fini(&s->result);
	free(s);
}

void soud_scrub_stop(struct soud_scrub *s)
{
	atomic_store(&s->stop, true);
}

struct soud_scrubbed *soud_scrub_result(struct soud_scrub *s)
{
	return &s->result;
}

static uint64_t draw(struct soud_scrub *s, uint64_t below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random % below;
}

/* What stands in one record against what its own entries give. */
static int check_record(struct soud_scrub *s, const struct sou_scope *engine,
			const struct sou_record *record)
{
	bool same = true;
	s->result.records++;
	int rc = check_values(&s->c, record);
	if (rc == SOU_OK)
		rc = soud_merge_same(s->merge, s->c.store, s->c.number, engine, s->c.authority,
				     record, &same);
	if (rc == SOU_OK && !same)
		check_find(&s->c, SOUD_FINDING_STATE, 0, "a record is not what its entries give");
	return rc;
}

/* From a place that is drawn, to the end and round. */
static int check_sample(struct soud_scrub *s, const struct sou_scope *engine)
{
	struct sou_record record = {0};
	struct sou_id at;
	uint16_t kind = UINT16_MAX;
	uint32_t taken = 0;
	bool round = false;
	for (size_t i = 0; i < sizeof at.b; i++)
		at.b[i] = (uint8_t)draw(s, 256);
	const struct sou_id first = at;
	int rc = SOU_OK;
	while (rc == SOU_OK && taken < SOU_SCRUB_SAMPLE) {
		rc = soud_store_record_each(s->c.store, s->c.number, &at, kind, &record);
		if (rc == SOU_EUNKNOWN && !round) {
			round = true;
			at = (struct sou_id){{0}};
			kind = 0;
			rc = SOU_OK;
			continue;
		}
		if (rc != SOU_OK || (round && sou_id_cmp(&record.entity, &first) > 0))
			break;
		at = record.entity;
		kind = record.kind;
		taken++;
		rc = check_record(s, engine, &record);
	}
	sou_record_fini(&record);
	if (rc != SOU_ECORRUPT)
		return rc == SOU_EUNKNOWN ? SOU_OK : rc;
	check_find(&s->c, SOUD_FINDING_STATE, 0, "a record cannot be read");
	return SOU_OK; /* it is derived: it can be built anew */
}

static uint64_t found(const struct soud_scrub *s, enum soud_finding_kind kind)
{
	return s->result.seen.finding_count[kind];
}

/* Verdicts and records follow from whole rows: where one is damaged, it is put right first. */
static int check_scope(struct soud_scrub *s)
{
	struct sou_scope *engine;
	uint64_t before = found(s, SOUD_FINDING_VERDICT) + found(s, SOUD_FINDING_STATE);
	int rc = check_rows(&s->c, s->scope, &engine);
	if (rc != SOU_OK)
		return rc;
	if (!soud_damage_in(&s->result.damage, s->scope) && s->result.damage.more == 0 &&
	    found(s, SOUD_FINDING_AUTHORITY) == 0) {
		rc = check_verdicts(&s->c, engine);
		if (rc == SOU_OK)
			rc = check_sample(s, engine);
		s->result.stale |=
			found(s, SOUD_FINDING_VERDICT) + found(s, SOUD_FINDING_STATE) > before;
	}
	sou_scope_free(engine);
	return rc;
}

static int see_authority(struct soud_scrub *s)
{
	uint64_t last;
	int rc = soud_store_op_last(s->c.store, &last);
	if (rc != SOU_OK || (s->c.authority != NULL && last == s->ops))
		return rc;
	sou_authority_free(s->c.authority);
	s->c.authority = NULL;
	s->result.seen.ops = 0;
	rc = check_authority(&s->c);
	s->ops = last;
	return rc;
}

static int step(struct soud_scrub *s)
{
	uint32_t scopes;
	if (s->stage == STAGE_FILE) {
		s->stage = STAGE_AUTHORITY;
		int rc = soud_store_check(s->c.store, false);
		if (rc == SOU_OK)
			rc = identity_load(s->c.store, &s->c.identity);
		return rc;
	}
	int rc = see_authority(s);
	if (rc == SOU_OK)
		rc = soud_store_scope_count(s->c.store, &scopes);
	if (rc != SOU_OK)
		return rc;
	s->stage = s->scope == scopes ? STAGE_DONE : STAGE_SCOPES;
	if (s->stage == STAGE_DONE)
		return SOU_OK;
	s->scope++;
	return check_scope(s);
}

int soud_scrub_step(struct soud_scrub *s, bool *done)
{
	enum stage stage = s->stage;
	uint32_t scope = s->scope;
	s->c.own_hlc = UINT64_MAX; /* own counters are verify's: here they move on */
	int rc = soud_store_begin(s->c.store);
	if (rc == SOU_OK)
		rc = step(s);
	struct sou_err why = *soud_store_error(s->c.store);
	soud_store_rollback(s->c.store);
	if (rc == SOU_ECORRUPT || rc == SOU_EUNKNOWN) { /* a part that cannot even be fetched */
		check_find(&s->c, SOUD_FINDING_FILE, 0, "%s",
			   why.rc == rc ? why.text : sou_err_text(SOU_ECORRUPT));
		if (stage != STAGE_FILE && s->scope == scope)
			s->stage = STAGE_DONE; /* without authority nothing can be judged */
		rc = SOU_OK;
	}
	*done = s->stage == STAGE_DONE;
	return rc;
}
