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
 * used twice by a key that was not cloned. S7 what is derived, filled again from the log, is what
 * stood there. S8 where the network keeps its order no honest end closes for a fault of the other.
 * S9 no byte of a redacted value is left in the files of an honest site that knows of it.
 *
 * How often what happens is drawn in deeds.c; marks count what did, over all seeds, each with the
 * least share of the seeds that must have it. */
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
#define SIM_TRACKED_MAX  12288u
#define SIM_STEPS_MAX    400000u /* events of the healed phase before it counts as not converging */
#define SIM_FRAME_MS_MAX 400u
#define SIM_GRAVES_MAX   4096u
#define SIM_DEEDS_MAX    32u
#define SIM_SECRETS_MAX  16u

/* X(name, what, seeds of 1,000 that must have it). The shares of bars.md less three deviations of
 * 300 seeds, and less for what takes two chances. */
#define SIM_MARKS(X)                                                                               \
	X(CUT, "links cut", 200)                                                                   \
	X(REPEATED, "frames repeated", 200)                                                        \
	X(SWAPPED, "frames that overtook another", 200)                                            \
	X(OFFLINE, "sites offline for a while", 200)                                               \
	X(CRASHED, "crashes", 200)                                                                 \
	X(TORN, "crashes that damaged what was not synced", 100)                                   \
	X(CLOCK, "clocks off by years", 40)                                                        \
	X(HOSTILE, "entries of a hostile site", 120)                                               \
	X(REVOKED, "keys cut at heads", 80)                                                        \
	X(REVOKED_START, "keys cut at the start", 5)                                               \
	X(SHORT, "cuts short of a head", 20)                                                       \
	X(NARROWED, "rights narrowed", 50)                                                         \
	X(CLOSED, "scopes closed to a reader", 20)                                                 \
	X(REGRANTED, "rights given again, after a head", 50)                                       \
	X(READS_LATER, "readers that came later", 50)                                              \
	X(EDITS_LATER, "writers that came later", 50)                                              \
	X(READS_NO_MORE, "and lost it again", 20)                                                  \
	X(REDACTED, "texts redacted", 120)                                                         \
	X(REDACTED_READ, "readers of a scope after a redaction in it", 50)                         \
	X(RESTORED, "disks put back, the fence tells", 100)                                        \
	X(REVERTED, "machines put back, the fence does not", 10)                                   \
	X(CLONED, "machines copied", 10)                                                           \
	X(REFUSED_COPY, "second instances sent away", 4)                                           \
	X(CONFIRMED, "unconfirmed replicas confirmed", 100)                                        \
	X(ROLLED_BACK, "logs found rolled back by a peer", 5)                                      \
	X(NEW_KEY, "new keys", 25)                                                                 \
	X(NEW_KEY_WRITES, "entries under a new key", 10)                                           \
	X(DECIDED_ALL, "forks decided, all kept", 10)                                              \
	X(DECIDED_ONE, "forks decided, one kept", 5)                                               \
	X(ADOPTED, "adoptions", 100)                                                               \
	X(ANCHORED, "anchors", 500)                                                                \
	X(CONFLICT, "writes that left a conflict", 100)                                            \
	X(RESOLVED, "conflicts resolved", 100)                                                     \
	X(HEADS, "scopes asked for again by heads", 20)                                            \
	X(HELD_NOT_WHOLE, "at the end held: not whole", 10)                                        \
	X(HELD_CUT, "at the end held: cut", 20)                                                    \
	X(HELD_DECIDE, "at the end held: decided", 3)                                              \
	X(HELD_FORK, "at the end held: fork", 20)                                                  \
	X(HELD_NO_RIGHT, "at the end held: no right", 40)                                          \
	X(HELD_GROUND, "at the end held: ground", 10)

enum sim_mark {
#define X(name, what, share) SIM_MARK_##name,
	SIM_MARKS(X)
#undef X
		SIM_MARK_COUNT
};

enum sim_deed {
	SIM_DEED_REVOKE,
	SIM_DEED_NARROW,
	SIM_DEED_REGRANT,
	SIM_DEED_GRANT,
	SIM_DEED_GRANT_ENDS,
	SIM_DEED_REDACT,
	SIM_DEED_BACKUP,
	SIM_DEED_RESTORE,
	SIM_DEED_REVERT,
	SIM_DEED_COPY,
	SIM_DEED_COPY_ENDS,
	SIM_DEED_NEW_KEY,
};

struct sim_due {
	uint32_t at, tries; /* events */
	enum sim_deed deed;
};

struct sim_rng {
	uint64_t s;
};
uint64_t sim_rng_next(struct sim_rng *r);
uint32_t sim_below(struct sim_rng *r, uint32_t n); /* 0..n-1 */
bool sim_chance(struct sim_rng *r, uint32_t per_thousand);

struct sim_mix { /* per thousand of the events, or a number; 0: this fault is off in this seed */
	uint32_t cut, repeat, swap, partition, crash, damage, clock_years, hostile, ed25519;
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
	struct sou_id instance; /* the peer's */
};

struct sim_link {               /* between the hub (end 0) and a site (end 1) */
	bool up, away;          /* away: another instance is linked; told so after this step */
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
	uint32_t reads, edits, ever; /* bits of organisations: rights that came later; once had */
	bool hub, honest, withdrawn, down, paused;
	bool restored, reverted; /* its disk was put back; all of the machine was */
	bool copied, copy, gone; /* there is a copy of it; it is one; and is no more */
	bool narrowed, blind;    /* does not edit now; nor read its own organisation's scope */
	bool rekeyed;
	uint32_t of; /* a copy: of which node */
	struct sou_hash grant,
		extra[SIM_ORGS]; /* ops that gave it what it may edit, and later rights */
	struct sou_id decided;   /* the scope last decided on */
	int64_t clock_ms;        /* added to the world's */
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
	uint64_t words; /* the number in its text; 0: none */
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
	struct sou_signer spent[SIM_NODES_MAX]; /* keys that were replaced */
	uint32_t spent_n;
	struct sou_id net;
	struct sou_hash genesis;
	struct sou_id orgs[SIM_ORGS];
	struct sou_id projects[SIM_PROJECTS], round, columns[2];
	uint32_t project_orgs[SIM_PROJECTS][2]; /* responsible */
	struct sim_tracked *tracked;
	size_t tracked_n;
	struct sou_hasher *hasher;                    /* of the trace */
	struct sou_hash hostile_head, hostile_before; /* of the hostile site's chain */
	uint64_t hostile_seq, hostile_hlc;
	uint32_t events_max;
	struct sim_due deeds[SIM_DEEDS_MAX];
	uint32_t deed_n;
	uint64_t secrets[SIM_SECRETS_MAX]; /* numbers in texts that were redacted */
	uint32_t secret_n, redacted_org;
	uint64_t words; /* texts written */
	uint64_t events, frames, acts, refused_acts, bytes, marks[SIM_MARK_COUNT];
	char failure[256]; /* "": none */
};

/* Run one seed. 0: all held. */
int sim_run(uint64_t seed, uint32_t events, bool trace, struct sim *out);

/* The same by hand (test_away.c): a world without faults, events for so long, a time in which
 * machines sleep, the end. The hasher stays the caller's. */
void sim_begin(struct sim *w, uint64_t seed, bool trace);
void sim_begin_clocks(struct sim *w);
void sim_pass(struct sim *w, uint64_t ms);
void sim_sleep(struct sim *w, uint64_t ms);
void sim_end(struct sim *w);

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
void sim_key_make(struct sim *w, struct sou_signer *out, bool real);
/* The site takes this key: closed, told, opened anew. The signer is the node's then. */
void sim_node_new_key(struct sim *w, uint32_t node, const struct sou_signer *key);
/* A new node: the disk, the fence and the keys of another, on another machine. */
void sim_node_copy(struct sim *w, uint32_t copy, uint32_t of);
void sim_node_gone(struct sim *w, uint32_t node); /* for good */
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
void sim_act_site(struct sim *w, uint32_t node); /* somebody at a site that writes */
bool sim_act_plan(struct sim *w);                /* the hub's plan, before anything else */
void sim_track(struct sim *w, uint32_t node, const struct sou_id *scope, const struct sou_hash *id,
	       bool never);
/* hostile.c */
void sim_hostile(struct sim *w);
/* faults.c */
void sim_fault(struct sim *w);
void sim_crash(struct sim *w, uint32_t node);
void sim_restart(struct sim *w, uint32_t node);
void sim_heal(struct sim *w);
/* deeds.c */
void sim_deeds_draw(struct sim *w);
void sim_deeds(struct sim *w); /* those that are due */
/* Headquarters decides on a fork that it holds. False: there is none. */
bool sim_decide(struct sim *w);
/* check.c */
void sim_check_frame(struct sim *w, uint32_t to, uint8_t kind, const uint8_t *body, size_t n);
void sim_check_all(struct sim *w);
/* May this node read the scope, by what this world was made of? */
bool sim_reads(const struct sim *w, uint32_t node, const struct sou_id *scope);

#endif
