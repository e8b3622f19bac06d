/* hub.c - authority ops made here: operational ones, invites, enrolments (R7, P8, P12.6). The hub
 * appends one at a time and only on the head that it holds; what would have no effect is refused
 * before it is stored. */
#include "daemon/replica/hub.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"
#include "proto/invite.h"
#include "proto/name.h"

static int tell(struct soud_replica *r, struct sou_err *err, int rc, const char *text)
{
	(void)replica_fail(r, rc, "%s", text);
	return sou_err_set(err, rc, "%s", text);
}

/* The op that ends the trunk. */
static int head_seq(const struct sou_authority *a, uint64_t *seq)
{
	struct sou_hash head = sou_authority_head(a);
	for (size_t i = sou_authority_op_count(a); i > 0; i--) {
		struct sou_hash id, prev;
		struct sou_span op, sigs;
		struct sou_authop read;
		sou_authority_op(a, i - 1, &id, &prev, &op, &sigs);
		if (!sou_hash_eq(&id, &head))
			continue;
		int rc = sou_authop_read(&read, op);
		if (rc != SOU_OK)
			return rc;
		*seq = read.seq;
		sou_authop_fini(&read);
		return SOU_OK;
	}
	return SOU_EUNKNOWN;
}

static int sign_beside(const struct sou_authop *op, const struct sou_signer *const *signers,
		       uint32_t count, struct sou_buf *sigs)
{
	struct sou_authsig list[SOU_AUTHSIGS_MAX];
	SOU_ASSERT(count <= SOU_AUTHSIGS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		list[i].key_id = signers[i]->key_id;
		int rc = sou_sign(signers[i], SOU_CONTEXT_AUTHORITY, &op->net,
				  (struct sou_span){op->id.b, sizeof op->id.b}, list[i].signature);
		if (rc != SOU_OK)
			return rc;
	}
	return sou_authsigs_pack(sigs, list, count);
}

/* Into memory, and out of it again where it has no effect; then stored. */
static int append(struct soud_replica *r, struct sou_span op, struct sou_span sigs,
		  const struct sou_hash *id, struct sou_err *err)
{
	struct added before = authority_now(r);
	int rc = authority_add(r, op, sigs);
	if (rc == SOU_OK) {
		rc = sou_authority_settle(r->authority);
		if (rc != SOU_OK)
			(void)replica_fail(r, rc, "no memory for the authority");
	}
	if (rc == SOU_ESIG)
		rc = SOU_EKEY; /* ours is not the key in force */
	if (rc == SOU_OK && !sou_authority_effective(r->authority, id))
		rc = SOU_EINPUT;
	if (rc == SOU_OK)
		rc = authority_apply(r, &before);
	else if (!r->broken && sou_authority_op_count(r->authority) != before.op_count)
		authority_undo(r);
	if (rc == SOU_OK || r->broken)
		return rc;
	return tell(r, err, rc,
		    rc == SOU_EKEY ? "P8.3: this key is not the one in force"
				   : "P8.5: the op is not admissible");
}

static int sign_op(struct soud_replica *r, enum sou_tier tier, const struct sou_signer *signer,
		   const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
		   struct sou_err *err)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "the transaction is broken");
	if (!r->identity.hub)
		return tell(r, err, SOU_ESTATE, "P8.5: only the hub appends");
	if (sou_authority_forked(r->authority) || sou_authority_too_new(r->authority))
		return tell(r, err, SOU_ESTATE, "P8.10: the authority is forked or too new");
	struct sou_authop op = {.net = r->identity.net,
				.prev = sou_authority_head(r->authority),
				.tier = (uint8_t)tier,
				.effects = malloc((count + 1) * sizeof *effects),
				.effect_count = count};
	struct sou_buf bytes = {0}, sigs = {0};
	if (op.effects == NULL) {
		rc = replica_fail(r, SOU_ENOMEM, "no memory for an authority op");
		goto out;
	}
	memcpy(op.effects, effects, count * sizeof *effects);
	rc = head_seq(r->authority, &op.seq);
	op.seq++;
	if (rc == SOU_OK)
		rc = sou_authop_pack(&op, &bytes);
	if (rc == SOU_OK)
		rc = sign_beside(&op, &signer, 1, &sigs);
	if (rc == SOU_OK)
		rc = append(r, sou_buf_span(&bytes), sou_buf_span(&sigs), &op.id, err);
	else
		(void)tell(r, err, rc,
			   rc == SOU_ELIMIT ? "P8.1: too much for one op"
					    : "P8.4: an effect that cannot be written");
	if (rc == SOU_OK && id != NULL)
		*id = op.id;
out:
	free(op.effects);
	sou_buf_fini(&bytes);
	sou_buf_fini(&sigs);
	return rc;
}

int soud_hub_sign_op(struct soud_replica *r, const struct sou_signer *operational,
		     const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
		     struct sou_err *err)
{
	return sign_op(r, SOU_TIER_OPERATIONAL, operational, effects, count, id, err);
}

int soud_hub_operational(struct soud_replica *r, const char *data_dir, struct sou_span passphrase,
			 const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
			 struct sou_err *err)
{
	struct sou_signer signer = {0};
	int rc = soud_key_open(data_dir, SOUD_KEY_OPERATIONAL, 0, passphrase, &signer, err);
	if (rc == SOU_OK)
		rc = soud_hub_sign_op(r, &signer, effects, count, id, err);
	sou_signer_fini(&signer);
	return rc;
}

/* --- Invites --- */

int soud_hub_invite(struct soud_replica *r, const struct sou_signer *operational,
		    const struct soud_inviting *inviting, char text[SOU_INVITE_TEXT_BYTES_MAX],
		    struct sou_id *id, struct sou_err *err)
{
	struct sou_invite invite = {
		.tls = inviting->tls, .genesis = r->identity.genesis, .net = r->identity.net};
	struct sou_signer pair = {0};
	uint8_t seed[SOU_SEED_BYTES];
	size_t bytes;
	if (!sou_address_fits((struct sou_span){(const uint8_t *)inviting->address,
						strlen(inviting->address)}))
		return tell(r, err, SOU_EINPUT, "P12.5: the address is no HOST:PORT");
	memcpy(invite.address, inviting->address, strlen(inviting->address) + 1);
	int rc = r->env.random(r->env.ctx, invite.secret, sizeof invite.secret);
	if (rc == SOU_OK) {
		sou_invite_seed(invite.secret, seed);
		rc = sou_signer_ed25519(&pair, seed);
	}
	if (rc == SOU_OK)
		rc = sou_invite_write(&invite, text, &bytes);
	if (rc != SOU_OK)
		(void)tell(r, err, rc, "no invite can be made");
	struct sou_effect e = {.type = SOU_EFFECT_INVITE,
			       .key = pair.public_key,
			       .org = inviting->org,
			       .name = inviting->site_name,
			       .roles = inviting->roles,
			       .number = inviting->expires_ms};
	if (rc == SOU_OK)
		rc = soud_hub_sign_op(r, operational, &e, 1, NULL, err);
	if (rc == SOU_OK)
		*id = pair.key_id;
	else
		sou_cleanse(text, SOU_INVITE_TEXT_BYTES_MAX);
	sou_signer_fini(&pair);
	sou_cleanse(seed, sizeof seed);
	sou_cleanse(&invite, sizeof invite);
	return rc;
}

/* --- Enrolment --- */

static int deny(struct soud_replica *r, struct soud_taken *out, uint64_t bye, const char *clause)
{
	out->bye = bye;
	out->clause = clause;
	return replica_fail(r, SOU_EDENIED, "%s: %s", clause, sou_bye_name(bye));
}

/* The effect of the enrol op with this id, if it is one. `op` is to be ended by the caller. */
static const struct sou_effect *enrol_of(const struct sou_authority *a, const struct sou_hash *id,
					 struct sou_authop *op)
{
	for (size_t i = 0; i < sou_authority_op_count(a); i++) {
		struct sou_hash at, prev;
		struct sou_span bytes, sigs;
		sou_authority_op(a, i, &at, &prev, &bytes, &sigs);
		if (!sou_hash_eq(&at, id))
			continue;
		if (sou_authop_read(op, bytes) != SOU_OK)
			return NULL;
		return op->effect_count == 1 && op->effects[0].type == SOU_EFFECT_ENROL
			       ? &op->effects[0]
			       : NULL;
	}
	return NULL;
}

/* Did this very join take effect before? */
static bool stands(const struct sou_authority *a, const struct sou_join *join, struct sou_hash *op)
{
	struct sou_id key_id = sou_key_id(&join->key);
	const struct sou_line *line = sou_authority_key(a, &join->site, &key_id);
	if (line == NULL || !sou_hash_eq(&line->key, &join->key) ||
	    !sou_hash_eq(&line->tls, &join->tls))
		return false;
	struct sou_authop read = {0};
	const struct sou_effect *e = enrol_of(a, &line->opening, &read);
	bool same = e != NULL && sou_id_eq(&e->key_id, &join->invite_key);
	if (same)
		*op = line->opening;
	sou_authop_fini(&read);
	return same;
}

static void put_statement(struct sou_buf *buf, const struct sou_join *join)
{
	sou_enrol_statement(buf, &join->invite_key, &join->site, &join->key, &join->tls);
}

/* P12.6: both by the invite's key. SOU_ESIG, SOU_EKEY, SOU_ENOMEM, SOU_ECRYPTO. */
static int check_join(struct soud_replica *r, const struct sou_join *join,
		      const struct sou_hash *invite_key, const uint8_t *exporter)
{
	struct sou_buf statement = {0};
	put_statement(&statement, join);
	int rc = statement.failed
			 ? SOU_ENOMEM
			 : sou_verify(r->env.verifier, SOU_CONTEXT_ENROL, &r->identity.net,
				      sou_buf_span(&statement), invite_key, join->enrol_signature);
	if (rc == SOU_OK && exporter != NULL) {
		sou_buf_put(&statement, exporter, 32);
		rc = statement.failed ? SOU_ENOMEM
				      : sou_verify(r->env.verifier, SOU_CONTEXT_JOIN,
						   &r->identity.net, sou_buf_span(&statement),
						   invite_key, join->join_signature);
	}
	sou_buf_fini(&statement);
	return rc;
}

static int write_enrol(struct soud_replica *r, const struct sou_join *join, struct soud_taken *out)
{
	struct sou_effect e = {.type = SOU_EFFECT_ENROL,
			       .key_id = join->invite_key,
			       .site = join->site,
			       .key = join->key,
			       .tls = join->tls,
			       .signature = {join->enrol_signature, sizeof join->enrol_signature}};
	struct sou_hash op;
	int rc = sign_op(r, SOU_TIER_HUB, r->env.checkpoint, &e, 1, &op, NULL);
	if (rc == SOU_OK) {
		out->has_entry = true;
		out->entry = op;
		return SOU_OK;
	}
	if (r->broken)
		return rc;
	return rc == SOU_EINPUT ? deny(r, out, SOU_BYE_INVITE_USED, "P8.9")
				: deny(r, out, SOU_BYE_BUSY, "P8.10");
}

int soud_hub_enrol(struct soud_replica *r, const struct sou_join *join, const uint8_t exporter[32],
		   struct soud_taken *out)
{
	int rc = replica_ready(r);
	if (rc != SOU_OK)
		return rc;
	*out = (struct soud_taken){.received_ms = r->received_ms};
	if (r->env.checkpoint == NULL)
		return deny(r, out, SOU_BYE_NOT_ENROLLED, "P12.2");
	bool again = stands(r->authority, join, &out->entry);
	const struct sou_effect *invite;
	rc = sou_authority_invite(r->authority, &join->invite_key, &invite);
	if (rc == SOU_EUNKNOWN)
		return deny(r, out, SOU_BYE_INVITE_UNKNOWN, "P12.6");
	if (again) {
		out->has_entry = true;
		return SOU_OK;
	}
	if (rc == SOU_ESTATE)
		return deny(r, out, SOU_BYE_INVITE_USED, "P8.9");
	if (rc != SOU_OK)
		return replica_fail(r, rc, "no memory for an enrolment");
	if (r->received_ms > 0 && (uint64_t)r->received_ms >= invite->number)
		return deny(r, out, SOU_BYE_INVITE_EXPIRED, "P8.9");
	rc = check_join(r, join, &invite->key, exporter);
	if (rc == SOU_ESIG || rc == SOU_EKEY)
		return deny(r, out, SOU_BYE_SIGNATURE, "P12.6");
	if (rc != SOU_OK)
		return replica_fail(r, rc, "a join cannot be checked");
	if (sou_key_admit(&join->key) != SOU_OK)
		return deny(r, out, SOU_BYE_FORMAT, "P4.2");
	return write_enrol(r, join, out);
}

/* --- Genesis --- */

int soud_hub_genesis(const struct soud_genesis *g, struct sou_buf *op_bytes, struct sou_buf *sigs,
		     struct sou_hash *id)
{
	struct sou_hash roots[SOU_ROOT_KEYS_MAX];
	const struct sou_signer *signers[SOU_ROOT_KEYS_MAX + 3];
	SOU_ASSERT(g->root_count <= SOU_ROOT_KEYS_MAX);
	for (uint32_t i = 0; i < g->root_count; i++) {
		signers[i] = g->root[i];
		uint32_t at = i; /* ascending (P8.4) */
		for (; at > 0 && sou_hash_cmp(&roots[at - 1], &g->root[i]->public_key) > 0; at--)
			roots[at] = roots[at - 1];
		roots[at] = g->root[i]->public_key;
	}
	signers[g->root_count] = g->operational;
	signers[g->root_count + 1] = g->checkpoint;
	signers[g->root_count + 2] = g->site_key;

	const struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	struct sou_effect effects[] = {
		{.type = SOU_EFFECT_KEYS,
		 .threshold = g->threshold,
		 .ids = roots,
		 .id_count = g->root_count,
		 .key = g->operational->public_key},
		{.type = SOU_EFFECT_ORG,
		 .number = 1,
		 .handle = g->handle,
		 .name = g->name,
		 .short_name = g->short_name},
		{.type = SOU_EFFECT_OPEN,
		 .site = g->site,
		 .key = g->site_key->public_key,
		 .tls = g->tls,
		 .has_org = true,
		 .name = g->site_name},
		{.type = SOU_EFFECT_HUB, .key = g->checkpoint->public_key, .tls = g->tls},
		{.type = SOU_EFFECT_GRANT,
		 .site = g->site,
		 .roles = SOU_ROLE_READER | SOU_ROLE_REVIEWER,
		 .reach = SOU_REACH_SUBTREE},
		{.type = SOU_EFFECT_GRANT,
		 .site = g->site,
		 .roles = SOU_ROLE_SUBMITTER,
		 .reach = SOU_REACH_PROJECTS},
		{.type = SOU_EFFECT_GRANT,
		 .site = g->site,
		 .roles = SOU_ROLE_PLANNER | SOU_ROLE_REVIEWER,
		 .reach = SOU_REACH_SCOPE,
		 .id = plan},
		{.type = SOU_EFFECT_GRANT,
		 .site = g->site,
		 .roles = SOU_ROLE_ANCHOR | SOU_ROLE_ADMIN,
		 .reach = SOU_REACH_ALL},
	};
	struct sou_authop op = {.net = g->net,
				.tier = SOU_TIER_GENESIS,
				.effects = effects,
				.effect_count = sizeof effects / sizeof *effects};
	int rc = sou_authop_pack(&op, op_bytes);
	if (rc == SOU_OK)
		rc = sign_beside(&op, signers, g->root_count + 3, sigs);
	if (rc == SOU_OK)
		*id = op.id;
	return rc;
}

int soud_hub_own_grants(struct soud_replica *r, const struct sou_signer *operational,
			struct sou_err *err)
{
	struct sou_id hq = sou_authority_hq(r->authority);
	struct sou_effect grant = {.type = SOU_EFFECT_GRANT,
				   .site = r->identity.site,
				   .roles = SOU_ROLE_EDITOR | SOU_ROLE_APPROVER,
				   .reach = SOU_REACH_SCOPE,
				   .id = sou_scope_id(SOU_SCOPE_ORG, &hq)};
	return soud_hub_sign_op(r, operational, &grant, 1, NULL, err);
}
