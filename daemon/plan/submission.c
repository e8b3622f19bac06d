/* submission.c - the live submission version, the review that names it, and what follows. */
#include "daemon/plan/submission.h"

#include "daemon/plan/when.h"
#include "proto/mp.h"

const char *soud_standing_name(enum soud_standing standing)
{
	static const char *const names[] = {
#define X(name, text) [SOUD_STANDING_##name] = text,
		SOUD_STANDINGS(X)
#undef X
	};
	return names[standing];
}

bool soud_standing_is_done(enum soud_standing standing)
{
	return standing == SOUD_STANDING_SUBMITTED || standing == SOUD_STANDING_NIL ||
	       standing == SOUD_STANDING_ACCEPTED;
}

/* P7.4: the mark 作成中 without text, in the organisation's own scope. */
static int drafting(const struct soud_look *look, const struct sou_id *org,
		    const struct sou_id *project, const struct sou_id *round, bool *out)
{
	struct sou_id scope_id = sou_scope_id(SOU_SCOPE_ORG, org);
	struct sou_id mark = sou_entity_of_three(SOU_KIND_MARK, org, project, round);
	struct sou_record record = {0};
	uint64_t state = 0;
	uint32_t scope;
	bool there = false;
	*out = false;
	if (!soud_look_may_read(look, &scope_id, NULL, 0))
		return SOU_OK;
	int rc = soud_look_scope(look, &scope_id, &scope, &there);
	if (rc != SOU_OK || !there)
		return rc;
	rc = soud_store_record(look->store, scope, SOU_KIND_MARK, &mark, &record);
	if (rc == SOU_OK && !record.hidden)
		rc = soud_look_uint(look, scope, &record, SOU_FIELD_MARK_STATE, &state);
	sou_record_fini(&record);
	*out = state == 1;
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

/* The decision that speaks of this very version; 0: none does. Of concurrent ones the first by R15
 * that does. */
static int review_read(const struct soud_look *look, uint32_t scope, const struct sou_id *entity,
		       const struct sou_id *version, uint64_t *decision)
{
	struct sou_record record = {0};
	*decision = 0;
	int rc = soud_store_record(look->store, scope, SOU_KIND_REVIEW, entity, &record);
	const struct sou_register *reg =
		rc == SOU_OK && !record.hidden
			? sou_record_field(&record, SOU_FIELD_REVIEW_DECISION)
			: NULL;
	for (uint32_t i = 0; reg != NULL && i < reg->live_count && *decision == 0; i++) {
		struct sou_span value;
		rc = soud_look_live(look, scope, &reg->live[i], &value);
		if (rc == SOU_EUNKNOWN)
			continue;
		if (rc != SOU_OK)
			break;
		struct sou_mp m = sou_mp_over(value);
		sou_mp_array_of(&m, 2);
		uint64_t d = sou_mp_uint(&m, UINT64_MAX);
		struct sou_id about = sou_mp_id(&m);
		if (sou_mp_end(&m) == SOU_OK && sou_id_eq(&about, version))
			*decision = d;
	}
	sou_record_fini(&record);
	return rc == SOU_EUNKNOWN ? SOU_OK : rc;
}

#define DECISION_ACCEPT 1u
#define DECISION_RETURN 2u

/* What a partner may not see of a returned submission, those with a part in the organisation may.
 */
static bool is_insider(const struct soud_look *look, const struct soud_project *project,
		       const struct sou_id *org)
{
	uint32_t roles =
		sou_authority_roles(look->authority, &look->self->site, &project->scope, org);
	return (roles & (SOU_ROLES_WORK | SOU_ROLE_READER)) != 0;
}

static int texts_read(const struct soud_look *look, struct soud_pool *pool,
		      struct soud_submission *s)
{
	struct soud_submitted *texts = soud_pool_take(pool, s->content.item_count * sizeof *texts);
	if (texts == NULL)
		return SOU_ENOMEM;
	for (size_t i = 0; i < s->content.item_count; i++) {
		texts[i].column = s->content.items[i].column;
		texts[i].item = s->content.items[i].item;
		texts[i].version = s->content.items[i].version;
	}
	s->texts = texts;
	return soud_copies_read(look, s->scope, s->arrival, pool, texts, s->content.item_count);
}

/* The register has a live version: read it. */
static int live_read(const struct soud_look *look, const struct soud_project *project,
		     const struct sou_id *org, const struct soud_round *round,
		     const struct sou_register *reg, struct soud_pool *pool,
		     struct soud_submission *s)
{
	const struct sou_live *live = &reg->live[0];
	struct sou_span value;
	uint64_t decision = 0;
	int64_t due_ms;
	s->version = live->version;
	s->arrival = live->pos;
	int rc = soud_look_live(look, s->scope, live, &value);
	bool is_nil = rc == SOU_OK && value.n == 1 && value.p[0] == 0xC0;
	if (rc == SOU_OK && !is_nil) {
		/* The span dies with the next read, so this comes first. A list of another shape is
		 * shown as a submission without paragraphs. */
		rc = soud_content_read(value, pool, &s->content);
		rc = rc == SOU_EFORMAT ? SOU_OK : rc;
	}
	if (rc == SOU_OK || rc == SOU_EUNKNOWN)
		rc = texts_read(look, pool, s);
	if (rc == SOU_OK)
		rc = soud_look_origin(look, s->scope, s->arrival, pool, &s->origin);
	struct sou_id review =
		sou_entity_of_three(SOU_KIND_REVIEW, org, &project->head.id, &round->head.id);
	if (rc == SOU_OK)
		rc = review_read(look, s->scope, &review, &s->version, &decision);
	if (rc != SOU_OK)
		return rc;
	if (is_nil)
		s->standing = SOUD_STANDING_WITHDRAWN;
	else if (decision == DECISION_RETURN)
		s->standing = SOUD_STANDING_RETURNED;
	else if (decision == DECISION_ACCEPT)
		s->standing = SOUD_STANDING_ACCEPTED;
	else if (s->content.item_count == 0 && s->content.nil_count > 0)
		s->standing = SOUD_STANDING_NIL;
	else
		s->standing = SOUD_STANDING_SUBMITTED;
	s->late = round->due != NULL && soud_when(round->due, &due_ms) &&
		  (int64_t)sou_hlc_ms(s->origin.hlc) > due_ms;
	s->shown = s->standing != SOUD_STANDING_RETURNED || is_insider(look, project, org);
	return SOU_OK;
}

int soud_submission_read(const struct soud_look *look, const struct soud_project *project,
			 const struct sou_id *org, const struct soud_round *round,
			 struct soud_pool *pool, struct soud_submission *out)
{
	struct soud_submission s = {.standing = SOUD_STANDING_OUT_OF_SCOPE};
	struct sou_record record = {0};
	bool there = false, marked = false;
	s.entity =
		sou_entity_of_three(SOU_KIND_SUBMISSION, org, &project->head.id, &round->head.id);
	if (!soud_look_may_read(look, &project->scope, project->readers, project->reader_count)) {
		*out = s;
		return SOU_OK;
	}
	s.standing = SOUD_STANDING_OUTSTANDING;
	s.shown = true;
	int rc = soud_look_scope(look, &project->scope, &s.scope, &there);
	if (rc == SOU_OK && there)
		rc = soud_store_record(look->store, s.scope, SOU_KIND_SUBMISSION, &s.entity,
				       &record);
	const struct sou_register *reg =
		rc == SOU_OK && there && !record.hidden
			? sou_record_field(&record, SOU_FIELD_SUBMISSION_CONTENT)
			: NULL;
	if (reg != NULL) {
		s.conflict = reg->conflict;
		s.incomplete = reg->gap_count > 0;
		rc = live_read(look, project, org, round, reg, pool, &s);
	} else if (rc == SOU_OK || rc == SOU_EUNKNOWN) {
		rc = drafting(look, org, &project->head.id, &round->head.id, &marked);
		if (marked)
			s.standing = SOUD_STANDING_DRAFTING;
	}
	sou_record_fini(&record);
	if (rc != SOU_OK)
		return rc;
	*out = s;
	return pool->failed ? SOU_ENOMEM : SOU_OK;
}

bool soud_submission_changed(const struct soud_submission *s, const struct soud_item *items,
			     size_t count)
{
	if (count != s->content.item_count)
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct soud_content_item *was = &s->content.items[i];
		if (!sou_id_eq(&was->item, &items[i].id) ||
		    !sou_id_eq(&was->column, &items[i].column) ||
		    !sou_id_eq(&was->version, &items[i].version))
			return true;
	}
	return false;
}
