/* crowd.h - a headquarters' replica on disk and entries of many authors for it, seeded: what the
 * benches of W1 and W4 take in. Any failure ends the program with a sentence. */
#ifndef SOU_TESTS_CROWD_H
#define SOU_TESTS_CROWD_H

#include "daemon/replica/hub.h"
#include "proto/batch.h"

#define CROWD_AUTHORS 62u

struct crowd_entry {
	struct sou_hash id;
	struct sou_span header, payload;
	uint8_t signature[SOU_SIGNATURE_BYTES];
	struct sou_id entity; /* of its one op */
	uint32_t author;
};

struct crowd {
	struct sou_id net, site, hq, orgs[CROWD_AUTHORS], scopes[CROWD_AUTHORS],
		sites[CROWD_AUTHORS];
	struct sou_signer operational, checkpoint, root, hub, signers[CROWD_AUTHORS];
	struct sou_hash genesis, openings[CROWD_AUTHORS];
	struct soud_replica_env env;
	uint64_t random;
	int64_t wall_ms;
	struct crowd_entry *entries; /* in the order in which they were written */
	uint32_t count;
	struct sou_buf bytes; /* of all entries */
};

/* `count` edits of `cells` texts of about `text_bytes`, each naming the version before it. */
void crowd_make(struct crowd *c, uint32_t count, uint32_t cells, uint32_t text_bytes);
void crowd_free(struct crowd *c);

/* A fresh replica in `path` (removed first) that knows all authors. every_signature: as the hub. */
struct soud_replica *crowd_replica(struct crowd *c, const char *path, bool every_signature);
void crowd_remove(const char *path); /* with its -wal and -shm */

double crowd_now_s(void);
double crowd_cpu_s(void); /* of this process: what another's load does not touch */
_Noreturn void crowd_die(const char *what, const char *why);

/* The floor of W4 (bars.md): the same rows into a log and a register by prepared statements, so
 * many a commit. */
struct crowd_cost {
	double wall_s, cpu_s;
};
struct crowd_cost crowd_floor(const struct crowd *c, const char *path, uint32_t a_commit,
			      uint32_t limit);

#endif
