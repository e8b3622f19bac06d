/* act_round.c - headquarters opens and closes a round. */
#include <stdio.h>
#include <string.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/naming.h"
#include "daemon/plan/ops.h"

struct turning {
	struct soud_look look;
	struct soud_pool pool;
	struct soud_plan plan;
	struct soud_ops ops;
	struct sou_record record;
	const struct soud_round *round;
};

static int refuse_finalised(const struct soud_round *round, struct soud_refusal *why)
{
	int rc = soud_refuse(why, 409, SOU_MSG_ROUND_NOT_OPEN, round->head.handle, "");
	soud_refuse_word(why, 1, SOU_MSG_ROUND_FINALISED);
	return rc;
}

static void state_op(struct turning *t, uint64_t state)
{
	const struct sou_register *reg = sou_record_field(&t->record, SOU_FIELD_ROUND_STATE);
	bool settled = reg != NULL && reg->live_count == 1;
	if (t->round->state != (int64_t)state || !settled)
		soud_ops_uint(&t->ops, SOU_KIND_ROUND, &t->round->head.id, SOU_FIELD_ROUND_STATE,
			      reg, state);
}

static int turn(struct turning *t, struct soud_replica *r, const char *handle, uint64_t state,
		const char *due, const char *by, struct soud_refusal *why)
{
	struct sou_id scope = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct sou_id hq = sou_authority_hq(t->look.authority);
	int rc = soud_name_round(&t->plan, handle, &t->round, why);
	if (rc == SOU_OK)
		rc = soud_ops_right(&t->look, SOU_SCOPE_PLAN, &scope, SOU_KIND_ROUND, &hq, why);
	if (rc == SOU_OK && t->round->state == SOUD_ROUND_FINALISED)
		rc = refuse_finalised(t->round, why);
	if (rc != SOU_OK)
		return rc;
	rc = soud_store_record(t->look.store, t->plan.scope, SOU_KIND_ROUND, &t->round->head.id,
			       &t->record);
	if (rc != SOU_OK)
		return soud_refuse_rc(why, rc, NULL);
	state_op(t, state);
	if (due != NULL && (t->round->due == NULL || strcmp(t->round->due, due) != 0))
		soud_ops_text(&t->ops, SOU_KIND_ROUND, &t->round->head.id, SOU_FIELD_ROUND_DUE,
			      sou_record_field(&t->record, SOU_FIELD_ROUND_DUE), due);
	return soud_ops_act(&t->ops, r, &scope, &hq, by, why);
}

static int begin_and_turn(struct soud_replica *r, const char *handle, uint64_t state,
			  const char *due, const char *by, struct soud_refusal *why)
{
	struct turning t = {0};
	soud_look_replica(&t.look, r);
	int rc = soud_plan_read(&t.look, &t.pool, &t.plan);
	rc = rc == SOU_OK ? turn(&t, r, handle, state, due, by, why)
			  : soud_refuse_rc(why, rc, NULL);
	sou_record_fini(&t.record);
	soud_ops_fini(&t.ops);
	soud_pool_fini(&t.pool);
	return rc;
}

int soud_round_open(struct soud_replica *r, const char *round, const char *due, const char *by,
		    struct soud_refusal *why)
{
	return begin_and_turn(r, round, SOUD_ROUND_OPEN, due, by, why);
}

int soud_round_close(struct soud_replica *r, const char *round, const char *by,
		     struct soud_refusal *why)
{
	return begin_and_turn(r, round, SOUD_ROUND_CLOSED, NULL, by, why);
}
