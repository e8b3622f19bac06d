/* crowd.h - the one seeded generator of the benches: headquarters, 62 organisations with a site
 * each, sites that only link, and entries of many authors. One seed gives the same keys, ids and
 * texts each time. Any failure ends the program with a sentence. */
#ifndef SOU_TESTS_CROWD_H
#define SOU_TESTS_CROWD_H

#include "daemon/replica/hub.h"
#include "proto/batch.h"

#define CROWD_AUTHORS 62u
/* Two more sites, of headquarters, that read everything: one is new, one comes back. */
#define CROWD_FRESH (CROWD_AUTHORS)
#define CROWD_BACK  (CROWD_AUTHORS + 1)
#define CROWD_SITES (CROWD_AUTHORS + 2)

struct crowd_entry {
	struct sou_hash id;
	struct sou_span header, payload;
	uint8_t signature[SOU_SIGNATURE_BYTES];
	struct sou_id entity; /* of its one op */
	uint32_t author;
};

struct crowd_keys {
	uint8_t site[SOU_SEED_BYTES], tls[SOU_SEED_BYTES];
};

struct crowd {
	struct sou_id net, site, hq, orgs[CROWD_AUTHORS], scopes[CROWD_AUTHORS], sites[CROWD_SITES];
	struct crowd_keys hub_keys, keys[CROWD_SITES];
	uint8_t checkpoint_seed[SOU_SEED_BYTES];
	struct sou_signer operational, checkpoint, root, hub, signers[CROWD_SITES];
	struct sou_hash genesis, hub_tls, openings[CROWD_SITES];
	uint32_t links; /* sites beside these that only link: crowd_link */
	uint32_t link_author;
	struct soud_replica_env env;
	uint64_t random;
	int64_t wall_ms;
	struct crowd_entry *entries; /* in the order in which they were written */
	uint32_t count;
	struct sou_buf bytes; /* of all entries */
	struct sou_buf texts; /* and of their texts alone, one after the other */
};

/* `count` edits of `cells` texts of about `text_bytes`, each naming the version before it; and so
 * many sites that only link, all of the organisation of author `link_author`, whose replica is the
 * view of all. */
void crowd_make(struct crowd *c, uint32_t count, uint32_t cells, uint32_t text_bytes,
		uint32_t links, uint32_t link_author);
void crowd_free(struct crowd *c);

/* Identity and keys of linking site i, from 0; needs no crowd. */
void crowd_link(uint32_t i, struct sou_id *site, struct crowd_keys *keys);

/* Plausible sentences, marked as invented; returns their bytes, at most `bytes`. */
size_t crowd_text(uint64_t *random, size_t bytes, char *out);
uint64_t crowd_draw(uint64_t *random);

/* A fresh replica in `path` (removed first) that knows all authors. every_signature: as the hub. */
struct soud_replica *crowd_replica(struct crowd *c, const char *path, bool every_signature);
void crowd_remove(const char *path); /* with its -wal and -shm */

/* Every op of authority into a replica that knows none. */
void crowd_know(struct soud_replica *r);

double crowd_now_s(void);
double crowd_cpu_s(void); /* of this process: what another's load does not touch */
_Noreturn void crowd_die(const char *what, const char *why);

struct crowd_cost {
	double wall_s, cpu_s;
};

/* The first `limit` entries into a replica, as frames of one scope each, in transactions of about
 * a_commit entries. Packing is a sender's work; its time is left out. `every`: each entry comes
 * with its signature. */
struct crowd_cost crowd_feed(struct crowd *c, struct soud_replica *r, bool every, uint32_t a_commit,
			     uint32_t limit);

/* The floor of W4 (bars.md): the same rows into a log and a register by prepared statements, so
 * many a commit. */
struct crowd_cost crowd_floor(const struct crowd *c, const char *path, uint32_t a_commit,
			      uint32_t limit);

#endif
