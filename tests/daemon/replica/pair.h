/* pair.h - a hub and a site of its organisation as real replicas on memory disks, signed with the
 * keyed hash; what each writes comes to the other as news. Failures end the test. */
#ifndef SOU_TESTS_DAEMON_REPLICA_PAIR_H
#define SOU_TESTS_DAEMON_REPLICA_PAIR_H

#include "daemon/replica/hub.h"
#include "daemon/replica/reader.h"
#include "tests/lib/check.h"
#include "tests/lib/keyed.h"
#include "tests/lib/memvfs.h"

struct pair_fence {
	bool there[2];
	uint8_t bytes[2][SOUD_FENCE_BYTES];
};

struct pair_node {
	const char *name; /* of the VFS: "pair-hub", "pair-site" */
	struct memvfs *vfs;
	struct soud_replica *r;
	struct sou_signer key, checkpoint;
	struct sou_id site;
	struct pair_fence fence;
	uint64_t random;
	int64_t now_ms;
};

struct pair_news { /* one frame of the hub's log; data lives until the end of the test */
	struct sou_news news;
	uint64_t entries;
};

struct pair {
	struct pair_node hub, site;
	struct sou_signer operational;
	struct sou_id org, scope; /* headquarters' own */
	struct soud_from from;    /* the hub, as the site sees it */
	struct pair_news *frames;
	uint32_t frame_count;
};

/* Both made, the site enrolled as an editor, both closed but for the hub. */
struct pair *pair_new(void);
int pair_open(struct pair_node *n); /* n->r; errors of soud_replica_open */
void pair_close(struct pair_node *n);

/* In a transaction: an item with two fields, or a new text of an item that there is. */
int pair_act(struct pair *p, struct pair_node *n, struct sou_hash *id);
/* The hub writes so many entries; frames of so many raw bytes each are kept in p->frames. */
void pair_hub_writes(struct pair *p, uint32_t entries, size_t frame_bytes);

#endif
