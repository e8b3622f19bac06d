/* hub.h - what headquarters' machine alone does, and how a site comes to be (R4, R7, PROTOCOL.md 8,
 * 12). init and join work on a data directory without a daemon; the others on an open replica, in a
 * transaction. Passphrases are the caller's to cleanse. */
#ifndef SOUD_HUB_H
#define SOUD_HUB_H

#include "daemon/keys/keys.h"
#include "daemon/replica/replica.h"

/* --- init --hub --- */

struct soud_init {
	const char *data_dir, *state_dir;         /* data_dir: made here, or empty */
	struct sou_span handle, name, short_name; /* headquarters: "hq", 東京都… 例 */
	struct sou_span site_name;
	struct sou_span passphrase; /* of the operational key and the root keys */
};
/* Keys (site, TLS, checkpoint, operational; root 2 of 3), genesis signed by each, headquarters'
 * organisation, the hub's site with reader, reviewer, editor, submitter, approver for headquarters,
 * planner, anchor and admin; replica and fence. SOU_EEXIST: the directory holds a replica. */
int soud_hub_init(const struct soud_init *init, const struct soud_replica_env *env,
		  struct sou_err *err);

/* --- authority ops --- */

/* One operational op with these effects on the head that is held here (P8.5). The key is opened by
 * the passphrase for this call. SOU_EKEY: wrong passphrase, or the key is no longer in force.
 * SOU_EINPUT: an effect that is not admissible. SOU_ESTATE: the authority is forked, or this is not
 * the hub. */
int soud_hub_operational(struct soud_replica *r, const char *data_dir, struct sou_span passphrase,
			 const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
			 struct sou_err *err);
/* The same with a signer at hand (simulator). */
int soud_hub_sign_op(struct soud_replica *r, const struct sou_signer *operational,
		     const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
		     struct sou_err *err);

/* P12.6: write the enrol op of a join by the checkpoint key. The same join again is SOU_OK with the
 * op that stands. exporter: the connection's 32 bytes; NULL: the caller checked the join signature.
 * *out: bye 13, 14, 15, 6, 7 with SOU_EDENIED; entry = op id. */
int soud_hub_enrol(struct soud_replica *r, const struct sou_join *join, const uint8_t exporter[32],
		   struct soud_taken *out);

/* --- join --- */

/* Directory, keys and a site id for this invite, durable before the first byte is sent; the same
 * directory and invite again give the same ones. SOU_EINPUT: not an invite. SOU_EEXIST: the
 * directory belongs to another site. `address` 0-ended. */
struct soud_joining {
	struct sou_id net, site;
	struct sou_hash genesis, hub_tls;
	char address[261];
	struct sou_join join; /* join_signature is not set: it needs the exporter */
};
int soud_join_prepare(struct soud_joining *out, const char *data_dir, const char *state_dir,
		      struct sou_span invite, const struct soud_replica_env *env,
		      struct sou_err *err);
/* Sign for this connection. */
int soud_join_sign(struct sou_join *join, struct sou_span invite, const uint8_t exporter[32]);
/* The hub said joined: make the replica (it is filled by the first session, which takes authority
 * of the pinned genesis alone). Idempotent. */
int soud_join_finish(const char *data_dir, const char *state_dir, struct sou_span invite,
		     const struct soud_replica_env *env, struct sou_err *err);

#endif
