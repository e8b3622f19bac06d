/* sim.h - a network of replicas in one process, from one seed (R24; bars.md 3).
 *
 * The real core, the real store on a memory VFS, the real sessions; time, network, randomness, keys
 * and power are made here. Two phases: faults, then healed, when all must converge. One line per
 * event with
 * --trace; the hash of those lines is the seed's trace, equal in every run.
 *
 * What must hold (check.c): S1 digests of each scope equal at all honest replicas that read it. S2
 * no entry that its site saved is missing there or, once acknowledged, at the hub. S3 no version
 * that its writer had no right to is shown. S4 no message names a scope that its receiver may not
 * read, nor brings a byte of one. S5 no software fault is told (R10). S6 no place of a chain is
 * used twice by a site that was not cloned. S7 what is derived, filled again from the log, is what
 * stood there. */
#ifndef SOU_TESTS_SIM_H
#define SOU_TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/replica/reader.h"
#include "proto/authop.h"
#include "proto/batch.h"
#include "tests/lib/memvfs.h"

#define SIM_NODES_MAX    12u
#define SIM_ORGS         4u /* headquarters and three that write */
#define SIM_PROJECTS     3u
#define SIM_ITEMS        12u /* of an organisation: few, so that people meet */
#define SIM_TRACKED_MAX  8192u
#define SIM_STEPS_MAX    400000u /* events of the healed phase before it counts as not converging */
#define SIM_FRAME_MS_MAX 400u
#define SIM_GRAVES_MAX   4096u

struct sim_rng {
	uint64_t s;
};
uint64_t sim_rng_next(struct sim_rng *r);
uint32_t sim_below(struct sim_rng *r, uint32_t n); /* 0..n-1 */
bool sim_chance(struct sim_rng *r, uint32_t per_thousand);

struct sim_mix { /* per thousand of the events, or a number; 0: this fault is off in this seed */
	uint32_t cut, repeat, swap, partition, crash, damage, clock_years, revoke, hostile, restore,
		redact, ed25519;
};

enum sim_event_kind {
	SIM_DELIVER, /* a frame reaches a node */
	SIM_JOB,     /* a store job of a session runs */
	SIM_TICK,    /* of all sessions of a node */
	SIM_DIAL,    /* a site connects */
	SIM_ACT,     /* somebody does something */
	SIM_FAULT,   /* something breaks */
	SIM_RESTART, /* a crashed node comes back */
};

struct sim_event {
	uint64_t at_ms, order; /* order: ties by age */
	enum sim_event_kind kind;
	uint32_t node, link, incarnation;
	uint8_t frame_kind;
	uint8_t *bytes; /* owned */
	size_t n;
	struct sim_job *job; /* owned */
};

struct sim_end { /* one side of a link */
	struct sou_session *session;
	uint32_t node;
	uint64_t busy_until_ms; /* the writer's jobs keep their order */
	bool live;
	struct soud_from from;
};

struct sim_link { /* between the hub (end 0) and a site (end 1) */
	bool up;
	uint32_t incarnation;   /* raised at each end: what is under way of an older one is lost */
	uint64_t arrives_ms[2]; /* of the last frame to that end: a stream keeps its order */
	struct sim_end ends[2];
};

struct sim_slot { /* fence */
	bool there;
	uint8_t bytes[SOUD_FENCE_BYTES];
};

struct sim_node {
	char name[16];
	struct memvfs *vfs;
	struct soud_replica *replica; /* NULL while down */
	struct soud_reader *reader;
	struct sou_view view;
	struct sou_signer signer, checkpoint;
	struct sou_id site;
	struct sou_hash key, tls;
	struct sim_slot fence[2];
	uint32_t org; /* 0: headquarters */
	uint16_t roles;
	bool hub, honest, withdrawn, down, paused, restored;
	int64_t clock_ms; /* added to the world's */
	uint64_t restart_ms;
	struct sou_hash opening;
	struct memvfs_image *backup; /* taken at some time; NULL: none */
	struct sim_slot backup_fence[2];
};

struct sim_tracked { /* an entry that a node saved */
	struct sou_hash id;
	struct sou_id scope;
	uint32_t node;
	bool acked;   /* the hub said that it has it */
	bool never;   /* must not be shown anywhere honest (S3) */
	bool excused; /* its site was restored from before it, or its key withdrawn */
	uint64_t arrival;
};

struct sim {
	uint64_t seed;
	struct sim_rng rng;
	struct sim_mix mix;
	uint64_t now_ms;
	uint64_t order;
	bool trace, healed;
	struct sim_node nodes[SIM_NODES_MAX];
	uint32_t node_count;
	struct sim_link links[SIM_NODES_MAX];       /* index: the site's node */
	struct sou_session *graves[SIM_GRAVES_MAX]; /* of cut links; freed when nothing steps */
	size_t grave_n;
	struct sim_event *heap;
	size_t heap_n, heap_cap;
	struct sou_signer operational;
	struct sou_id net;
	struct sou_hash genesis;
	struct sou_id orgs[SIM_ORGS];
	struct sou_id projects[SIM_PROJECTS], round, columns[2];
	uint32_t project_orgs[SIM_PROJECTS][2]; /* responsible */
	struct sim_tracked *tracked;
	size_t tracked_n;
	struct sou_hasher *hasher;                    /* of the trace */
	struct sou_hash hostile_head, hostile_before; /* of the hostile site's chain */
	uint64_t hostile_seq, hostile_hlc, tricks[16];
	uint64_t events, frames, acts, refused_acts, crashes, cuts, conflicts, restores,
		revocations, hostile_entries, bytes, adoptions, anchors, redactions;
	char failure[256]; /* "": none */
};

/* Run one seed. 0: all held. */
int sim_run(uint64_t seed, uint32_t events, bool trace, struct sim *out);

/* --- the rooms --- */

void sim_fail(struct sim *w, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void sim_trace(struct sim *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* sim.c */
void sim_push(struct sim *w, struct sim_event e); /* at_ms is from now */
/* world.c */
bool sim_world_make(struct sim *w);
void sim_world_free(struct sim *w);
bool sim_node_open(struct sim *w, uint32_t node);
void sim_node_close(struct sim *w, uint32_t node);
const struct sou_verifier *sim_verifier(void);
/* One operational op; false: the hub refused it. */
bool sim_operational(struct sim *w, const struct sou_effect *effects, uint32_t count);
/* net.c */
void sim_net_dial(struct sim *w, uint32_t node);
void sim_net_cut(struct sim *w, uint32_t node);
void sim_net_deliver(struct sim *w, struct sim_event *e);
void sim_net_job(struct sim *w, struct sim_event *e);
void sim_net_job_free(struct sim_job *job);
void sim_net_bury(struct sim *w);
void sim_net_tick(struct sim *w, uint32_t node);
/* A transaction of the node ended: its sessions hear of it. */
void sim_net_committed(struct sim *w, uint32_t node, const struct soud_committed *done);
bool sim_net_quiet(struct sim *w);
/* acts.c */
void sim_act(struct sim *w);
bool sim_act_plan(struct sim *w); /* the hub's plan, before anything else */
void sim_track(struct sim *w, uint32_t node, const struct sou_id *scope, const struct sou_hash *id,
	       bool never);
/* hostile.c */
void sim_hostile(struct sim *w);
/* faults.c */
void sim_fault(struct sim *w);
void sim_restart(struct sim *w, uint32_t node);
void sim_heal(struct sim *w);
/* check.c */
void sim_check_frame(struct sim *w, uint32_t to, uint8_t kind, const uint8_t *body, size_t n);
void sim_check_all(struct sim *w);
/* May this node read the scope, by what this world was made of? */
bool sim_reads(const struct sim *w, uint32_t node, const struct sou_id *scope);

#endif
