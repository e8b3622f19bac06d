/* damage.h - rows of the log that a scrub found damaged: listed in the replica until each is put
 * right, never served (R22). Their entries are known by id, and fetched again by it. */
#ifndef SOUD_DAMAGE_H
#define SOUD_DAMAGE_H

#include "daemon/store/store.h"

struct soud_damaged {
	uint32_t scope; /* number of this replica */
	uint64_t arrival;
	struct sou_hash id; /* as stored; may be what is damaged, then nobody has such an entry */
	bool own;           /* made by this site */
	uint8_t kind;       /* enum soud_finding_kind: HASH or SIGNATURE */
};

struct soud_damage { /* zeroed: none. Ascending by scope, arrival; at most SOU_DAMAGED_MAX listed */
	struct soud_damaged *rows; /* owned */
	uint32_t count, room;
	uint64_t more; /* found beyond the list */
};
void soud_damage_fini(struct soud_damage *d);
/* Known already: fine. SOU_ENOMEM. */
int soud_damage_add(struct soud_damage *d, const struct soud_damaged *row);
void soud_damage_end(struct soud_damage *d, uint32_t scope, uint64_t arrival); /* it is right */
const struct soud_damaged *soud_damage_find(const struct soud_damage *d, uint32_t scope,
					    uint64_t arrival);    /* NULL: none */
bool soud_damage_in(const struct soud_damage *d, uint32_t scope); /* any row of this scope */

/* The list as the store has it; `out` is replaced. SOU_ECORRUPT: the list itself is damaged. */
int soud_damage_load(struct soud_damage *out, struct soud_store *s);
int soud_damage_store(const struct soud_damage *d, struct soud_store *s); /* in a transaction */
/* Raised by each soud_damage_store: a reader looks whether it must load the list again. */
int soud_damage_stamp(struct soud_store *s, uint64_t *out);

#endif
