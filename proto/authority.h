/* authority.h - the authority feed as a pure function of the set of known ops (R7, PROTOCOL.md 8).
 * Add ops in any order in which each one's prev is known; ask after settle. No clock, no I/O.
 * Each thread that needs it holds its own instance, fed with the same ops. */
#ifndef SOU_AUTHORITY_H
#define SOU_AUTHORITY_H

#include "authop.h"
#include "crypto.h"
#include "error.h"
#include "name.h"

struct sou_authority;

/* One op that opened a key (P8.7). */
struct sou_line {
	struct sou_hash opening; /* op id */
	struct sou_id site, key_id, org;
	struct sou_hash key;  /* public key */
	struct sou_hash tls;  /* SPKI SHA-256 of the site's TLS key */
	uint32_t place;       /* position of the opening in the trunk */
	struct sou_span name; /* site name; borrowed until the authority is freed */
};

struct sou_org {
	struct sou_id id, parent; /* parent zero for headquarters */
	uint32_t kind; /* P8.4: 1 headquarters, 2 division, 3 volunteer centre, 4 ward council */
	struct sou_span handle, name, short_name, code;
	bool closed;
};

/* `genesis`: the pinned id; NULL takes the first genesis op that is added. */
int sou_authority_new(struct sou_authority **out, const struct sou_hash *genesis);
void sou_authority_free(struct sou_authority *a);

/* What checks signatures from now on; Ed25519 where nobody says otherwise. Borrowed. */
void sou_authority_verifier(struct sou_authority *a, const struct sou_verifier *verifier);

/* Check signatures by the keys in force at prev (P8.3) and keep a copy.
 * SOU_EEXIST known already; SOU_EUNKNOWN prev not known, or another genesis; SOU_ESIG; SOU_EFORMAT
 * (also seq, net); SOU_ELIMIT; SOU_ENOMEM; SOU_ECRYPTO. An op without effect (P8.5) is kept:
 * SOU_OK. sigs: packed canonical list [[key id, signature]...] as it travels. */
int sou_authority_add(struct sou_authority *a, struct sou_span op, struct sou_span sigs);

/* As above for an op whose signatures beside it somebody checked: reload from the own replica, and
 * tests of the rules that are abstract of bytes. The signature within an enrol (P8.9) is still
 * checked. Copies what it needs. */
int sou_authority_add_checked(struct sou_authority *a, const struct sou_authop *op,
			      struct sou_span op_bytes, struct sou_span sigs);

/* Derive everything anew from the known ops. Cheap when nothing was added. SOU_ENOMEM. */
int sou_authority_settle(struct sou_authority *a);

/* Raised by each settle that followed an add. Answers to everything
 * but the set of ops (count, op, knows, leaves, hash, redacted) are as of the last settle. */
uint64_t sou_authority_generation(const struct sou_authority *a);

/* The set of ops of the last settle, as P10.8; zero before. Equal marks mean equal answers to all
 * that follows, of whatever instance. */
struct sou_hash sou_authority_mark(const struct sou_authority *a);

bool sou_authority_forked(const struct sou_authority *a);
bool sou_authority_too_new(const struct sou_authority *a);
struct sou_hash sou_authority_head(const struct sou_authority *a); /* end of the trunk */
struct sou_hash sou_authority_genesis(const struct sou_authority *a);
struct sou_id sou_authority_net(const struct sou_authority *a);
struct sou_id sou_authority_hq(const struct sou_authority *a);
struct sou_hash sou_authority_hash(const struct sou_authority *a); /* P10.8 */

/* Known ops, parents first; op and sigs borrowed until the authority is freed. */
size_t sou_authority_op_count(const struct sou_authority *a);
void sou_authority_op(const struct sou_authority *a, size_t i, struct sou_hash *id,
		      struct sou_hash *prev, struct sou_span *op, struct sou_span *sigs);
/* Has it an effect (P8.5)? What is known and has none is for the audit. */
bool sou_authority_admissible(const struct sou_authority *a, const struct sou_hash *op_id);
bool sou_authority_knows(const struct sou_authority *a, const struct sou_hash *op_id);
/* Known, admissible (P8.5) and on the trunk as of the last settle. */
bool sou_authority_effective(const struct sou_authority *a, const struct sou_hash *op_id);
/* Place of an op in the list above; SIZE_MAX when it is not known. */
size_t sou_authority_index(const struct sou_authority *a, const struct sou_hash *op_id);
size_t sou_authority_leaves(const struct sou_authority *a, struct sou_hash *out, size_t max);

/* Openings, keys and TLS pins; NULL when unknown. Pointers live until the next settle or free. */
const struct sou_line *sou_authority_line(const struct sou_authority *a,
					  const struct sou_hash *opening);
const struct sou_line *sou_authority_key(const struct sou_authority *a, const struct sou_id *site,
					 const struct sou_id *key_id);
const struct sou_line *sou_authority_by_tls(const struct sou_authority *a,
					    const struct sou_hash *tls);
const struct sou_line *sou_authority_site(const struct sou_authority *a,
					  const struct sou_id *site); /* newest */
size_t sou_authority_line_count(const struct sou_authority *a);
const struct sou_line *sou_authority_line_at(const struct sou_authority *a, size_t i);
bool sou_authority_key_withdrawn(
	const struct sou_authority *a, const struct sou_id *site,
	const struct sou_id *key_id); /* has a cut on the trunk or a branch */

const struct sou_org *sou_authority_org(const struct sou_authority *a, const struct sou_id *org);
const struct sou_org *sou_authority_org_handle(const struct sou_authority *a,
					       struct sou_span handle);
size_t sou_authority_org_count(const struct sou_authority *a);
const struct sou_org *sou_authority_org_at(const struct sou_authority *a,
					   size_t i); /* formal order: as made */

/* Is `org` now, or was it ever, in the subtree of `top` (itself included)? */
bool sou_authority_in_subtree(const struct sou_authority *a, const struct sou_id *top,
			      const struct sou_id *org, bool ever);

/* P7.5: what an unknown scope id is judged as, never SOU_SCOPE_AUTHORITY. For SOU_SCOPE_ORG *org is
 * set. */
enum sou_scope_kind sou_authority_scope_kind(const struct sou_authority *a,
					     const struct sou_id *scope, struct sou_id *org);

/* P8.14. `responsible`: the organisations of the project as the sender's plan knows them, each in
 * every live value; NULL, 0 for other scopes or an unknown project. */
bool sou_authority_may_read(const struct sou_authority *a, const struct sou_id *site,
			    const struct sou_id *key_id, const struct sou_id *scope,
			    const struct sou_id *responsible, size_t responsible_count);

/* Roles (bits) that the site now holds in the scope for records of `for_org`, as a person is told
 * before writing: grants that reach and are not narrowed. The verdict itself is scope.h. */
uint32_t sou_authority_roles(const struct sou_authority *a, const struct sou_id *site,
			     const struct sou_id *scope, const struct sou_id *for_org);

/* Roles that a grant of the trunk ever gave the site in this scope, for whomever's records and
 * whatever became of it; 0: it never had any (P11.12). */
uint32_t sou_authority_ever(const struct sou_authority *a, const struct sou_id *site,
			    const struct sou_id *scope);

bool sou_authority_redacted(const struct sou_authority *a, const struct sou_hash *entry,
			    uint16_t index);

/* The invite of this key id: SOU_OK and its effect, SOU_EUNKNOWN, SOU_ESTATE when used or ended. */
int sou_authority_invite(const struct sou_authority *a, const struct sou_id *invite_key,
			 const struct sou_effect **out);

#endif
