/* authop.h - one op of the authority feed, read from its bytes or to be packed (PROTOCOL.md section
 * 8). Pure. Lists are borrowed from the op's bytes (read) or from the caller (pack). */
#ifndef SOU_AUTHOP_H
#define SOU_AUTHOP_H

#include "bytes.h"
#include "id.h"

enum sou_tier {
	SOU_TIER_GENESIS = 0,
	SOU_TIER_OPERATIONAL = 1,
	SOU_TIER_ROOT = 2,
	SOU_TIER_HUB = 3
};

enum sou_role { /* bits, P7.3 */
		SOU_ROLE_EDITOR = 1,
		SOU_ROLE_SUBMITTER = 2,
		SOU_ROLE_APPROVER = 4,
		SOU_ROLE_READER = 8,
		SOU_ROLE_REVIEWER = 16,
		SOU_ROLE_PLANNER = 32,
		SOU_ROLE_ANCHOR = 64,
		SOU_ROLE_ADMIN = 128,
};

enum sou_reach { /* P8.8 */
		 SOU_REACH_SCOPE = 0,
		 SOU_REACH_SUBTREE = 1,
		 SOU_REACH_PROJECTS = 2,
		 SOU_REACH_ALL = 3,
};

enum sou_effect_type { /* P8.4 */
		       SOU_EFFECT_KEYS = 1,
		       SOU_EFFECT_ORG,
		       SOU_EFFECT_ORG_NAME,
		       SOU_EFFECT_ORG_MOVE,
		       SOU_EFFECT_ORG_CLOSE,
		       SOU_EFFECT_INVITE,
		       SOU_EFFECT_INVITE_END,
		       SOU_EFFECT_ENROL,
		       SOU_EFFECT_OPEN,
		       SOU_EFFECT_GRANT,
		       SOU_EFFECT_NARROW,
		       SOU_EFFECT_CUT,
		       SOU_EFFECT_RECUT,
		       SOU_EFFECT_DECIDE,
		       SOU_EFFECT_REDACT,
		       SOU_EFFECT_RECOVER,
		       SOU_EFFECT_HUB,
};

/* Pairs (scope, ids) of `after`, narrow and cut, unrolled: ids of pin i are ids[first ..
 * first+count). */
struct sou_pins {
	struct sou_id scope;
	uint32_t first, count;
};

struct sou_effect {            /* which members count depends on type; the rest is zero */
	uint16_t type;         /* a number beyond enum sou_effect_type: too new (P8.6) */
	uint16_t roles;        /* invite, grant, narrow */
	uint8_t reach;         /* grant */
	uint8_t rest;          /* narrow: 0 end, 1 stay */
	bool has_org, has_for; /* open: org given; narrow: `org` is its for; org: parent is org */
	bool parent_is_index;  /* org: the parent is effect number `index` of this op */
	uint32_t index;
	uint32_t threshold; /* keys */
	uint64_t number;    /* org: kind; invite: expiry ms; redact: reason */
	struct sou_id site, key_id, org, scope, id; /* id: grant's reach id; org-move: new parent */
	struct sou_hash key, tls, op; /* public key; TLS key hash; narrow: grant's op id */
	struct sou_span handle, name, short_name, code,
		text;                /* UTF-8; invite/open: name = site name */
	struct sou_span signature;   /* enrol: 64 bytes */
	const struct sou_pins *pins; /* grant after, narrow, cut; recut and decide have one */
	uint32_t pin_count;
	const struct sou_hash *ids; /* of the pins; keys: root keys; redact: entry ids */
	uint32_t id_count;
	const uint16_t *indexes; /* redact: value index of ids[i] */
};

struct sou_authop {
	struct sou_hash id, prev;
	struct sou_id net;
	uint64_t seq, counter;
	uint8_t tier; /* enum sou_tier */
	struct sou_effect *effects;
	uint32_t effect_count;
	void *arena; /* owned by the op when it was read; sou_authop_fini frees it */
};

/* Read canonical op bytes (P8.1, P8.2, P8.4). SOU_ETOONEW for another version; SOU_EFORMAT,
 * SOU_ELIMIT, SOU_ENOMEM. Unknown effect types are kept with their number alone (above 65,535 as
 * 65,535). reach, rest, threshold and index that do not fit in their members are kept as the
 * highest: no op with them is admissible. Spans borrow from `bytes`, which must outlive `out`. */
int sou_authop_read(struct sou_authop *out, struct sou_span bytes);

/* Append the op's canonical bytes to buf (empty at the start) and set op->id. Lists in the order
 * that P8.4 asks for. What was packed is read again before it is believed: SOU_EINPUT when it
 * cannot be. SOU_ELIMIT past 49,152 bytes, SOU_ENOMEM. */
int sou_authop_pack(struct sou_authop *op, struct sou_buf *buf);

void sou_authop_fini(struct sou_authop *op); /* NULL, zeroed and packed ones are fine */

struct sou_authsig { /* one signature beside an op (P8.1) */
	struct sou_id key_id;
	uint8_t signature[64];
};

/* The list as it travels. Read up to SOU_AUTHSIGS_MAX, ascending by key id. SOU_EFORMAT,
 * SOU_ELIMIT. */
int sou_authsigs_read(struct sou_span list, struct sou_authsig *out, uint32_t *count);
/* Append the list, put in order. SOU_EINPUT: one key twice; SOU_ELIMIT: too many; SOU_ENOMEM. */
int sou_authsigs_pack(struct sou_buf *buf, const struct sou_authsig *sigs, uint32_t count);

/* P8.9: the canonical bytes that an invite key signs. */
void sou_enrol_statement(struct sou_buf *buf, const struct sou_id *invite_key,
			 const struct sou_id *site, const struct sou_hash *key,
			 const struct sou_hash *tls);

/* P8.1 */
struct sou_hash sou_authop_id(struct sou_span bytes);

#endif
