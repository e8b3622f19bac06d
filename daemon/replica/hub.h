/* hub.h - what headquarters' machine alone does, and how a site comes to be (R4, R7, PROTOCOL.md
 * 8, 12). init and join work on a data directory without a daemon; the others on an open replica,
 * in a transaction. Passphrases and secrets are the caller's to cleanse. */
#ifndef SOUD_HUB_H
#define SOUD_HUB_H

#include "daemon/keys/keys.h"
#include "daemon/replica/replica.h"

#define SOUD_REPLICA_FILE "replica.db" /* in the data directory */

/* --- The beginning --- */

struct soud_genesis {            /* all borrowed; the keys sign it */
	struct sou_id net, site; /* random */
	struct sou_span handle, name, short_name, site_name;
	struct sou_hash tls; /* TLS key hash of the hub */
	const struct sou_signer *root[SOU_ROOT_KEYS_MAX];
	uint32_t root_count, threshold;
	const struct sou_signer *operational, *checkpoint, *site_key;
};

/* Append the genesis op and its signatures (P8.3, P8.5). It makes headquarters' organisation and
 * the hub's site with reader, reviewer and submitter for headquarters, planner, anchor and admin.
 * The site's editor and approver need the organisation's id: soud_hub_own_grants. SOU_EINPUT:
 * texts; SOU_ENOMEM, SOU_ECRYPTO. */
int soud_hub_genesis(const struct soud_genesis *g, struct sou_buf *op, struct sou_buf *sigs,
		     struct sou_hash *id);
int soud_hub_own_grants(struct soud_replica *r, const struct sou_signer *operational,
			struct sou_err *err);

struct soud_init {
	const char *data_dir,
		*state_dir; /* data_dir: made here, or empty; state_dir NULL: beside */
	struct sou_span handle, name, short_name, site_name;
	struct sou_span passphrase; /* of the operational key and the root keys */
};
struct soud_inited {
	struct sou_id net, site, hq;
	struct sou_hash genesis, tls;
};
/* All of it: keys (site, TLS, checkpoint, operational; root keys 2 of 3 in DATA/root-keys, which
 * the person is to move away), genesis, replica, fence. `env`: clock, random bytes, machine.
 * SOU_EEXIST: the directory holds keys or a replica. `out` may be NULL. */
int soud_hub_init(const struct soud_init *init, const struct soud_replica_env *env,
		  struct soud_inited *out, struct sou_err *err);

/* --- Authority ops --- */

/* One operational op with these effects on the head that is held here (P8.5). The key is opened by
 * the passphrase for this call. SOU_EKEY: wrong passphrase, or the key is no longer in force.
 * SOU_EINPUT: not admissible. SOU_ELIMIT: too large. SOU_ESTATE: the authority is forked or too
 * new, or this is not the hub. Nothing of a refused op is kept. */
int soud_hub_operational(struct soud_replica *r, const char *data_dir, struct sou_span passphrase,
			 const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
			 struct sou_err *err);
/* The same with a signer at hand: several ops for one passphrase, and the simulator. */
int soud_hub_sign_op(struct soud_replica *r, const struct sou_signer *operational,
		     const struct sou_effect *effects, uint32_t count, struct sou_hash *id,
		     struct sou_err *err);

struct soud_inviting {
	struct sou_id org;
	struct sou_span site_name;
	uint16_t roles; /* enum sou_role */
	uint64_t expires_ms;
	const char *address; /* HOST:PORT of the hub, as sites dial it */
	struct sou_hash tls; /* of the hub */
};
/* Draw a secret, write the invite op, give the text (0-ended; it holds the secret and is stored
 * nowhere) and the id of its key. Errors as above; SOU_EINPUT also for the address. */
int soud_hub_invite(struct soud_replica *r, const struct sou_signer *operational,
		    const struct soud_inviting *inviting, char text[SOU_INVITE_TEXT_BYTES_MAX],
		    struct sou_id *id, struct sou_err *err);

/* P12.6: write the enrol op of a join by the checkpoint key. The same join again is SOU_OK with the
 * op that stands. exporter: the connection's 32 bytes; NULL: the caller checked the join signature.
 * SOU_EDENIED: out->bye is 13, 14, 15, 6, 7 or 10. On SOU_OK out->entry is the op's id. */
int soud_hub_enrol(struct soud_replica *r, const struct sou_join *join, const uint8_t exporter[32],
		   struct soud_taken *out);

/* --- join --- */

struct soud_joining {
	struct sou_id net, site;
	struct sou_hash genesis, hub_tls;
	char address[SOU_ADDRESS_BYTES_MAX + 1];
	struct sou_join join; /* join_signature is not set: it needs the exporter */
};
/* Directory, keys and a site id for this invite, durable before the first byte is sent; the same
 * directory and invite again give the same ones. SOU_EINPUT, SOU_ETOONEW: not an invite.
 * SOU_EEXIST: the directory belongs to another site or invite. */
int soud_join_prepare(struct soud_joining *out, const char *data_dir, const char *state_dir,
		      struct sou_span invite, const struct soud_replica_env *env,
		      struct sou_err *err);
/* Sign for this connection, into join_signature; exporter NULL: the statement alone, as for
 * enrol_signature. SOU_EINPUT, SOU_ECRYPTO, SOU_ENOMEM. */
int soud_join_sign(struct sou_join *join, struct sou_span invite, const uint8_t exporter[32]);
/* The hub said joined: make the replica, which the first session fills (it takes authority of the
 * pinned genesis alone). Idempotent. The hub's address and TLS key hash are kept: soud_hub_place.
 */
int soud_join_finish(const char *data_dir, const char *state_dir, struct sou_span invite,
		     const struct soud_replica_env *env, struct sou_err *err);

/* Where the hub is, as the invite said. SOU_EUNKNOWN: this is the hub. */
int soud_hub_place(struct soud_store *s, char address[SOU_ADDRESS_BYTES_MAX + 1],
		   struct sou_hash *tls);

#endif
