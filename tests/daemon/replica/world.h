/* world.h - a hub and its sites in one process, for tests of the replica: real keys and files, a
 * clock and random bytes that the test sets, a fence in memory. No links: news go from one
 * replica's reader into the other as frames' contents. */
#ifndef SOU_TESTS_REPLICA_WORLD_H
#define SOU_TESTS_REPLICA_WORLD_H

#include "daemon/replica/hub.h"
#include "daemon/replica/reader.h"
#include "daemon/replica/replica.h"
#include "proto/schema.h"
#include "tests/lib/check.h"

#define WORLD_START_MS INT64_C(1693526400000) /* 2023-09-01 */

struct fence_memory {
	uint8_t slots[2][SOUD_FENCE_BYTES];
	bool there;
	int fail; /* the next so many writes fail */
	int writes;
};

struct node {
	char name[16];
	const char *path;
	struct soud_replica *replica;
	struct soud_reader *reader;
	struct soud_replica_env env;
	struct soud_replica_options options;
	struct sou_signer key; /* of the site's feeds */
	struct sou_id site, org, org_scope;
	struct fence_memory fence;
	int64_t wall_ms;
	uint64_t rng;
	bool open;
};

struct world {
	struct sou_signer root[3], operational, checkpoint;
	struct sou_id net, plan, hq;
	struct sou_hash genesis;
	struct sou_buf genesis_op, genesis_sigs;
	struct node hub;
	uint32_t made; /* names and keys that differ */
	struct sou_id project, project_scope;
};

/* Everything ends with the test. */
struct world *world_new(void);
/* An organisation under headquarters, made by an operational op. */
struct sou_id world_org(struct world *w, const char *handle);
/* Operational op on the hub. */
void world_op(struct world *w, const struct sou_effect *effects, uint32_t count,
	      struct sou_hash *id);
int world_try_op(struct world *w, const struct sou_effect *effects, uint32_t count,
		 struct sou_hash *id, struct sou_err *err);
/* Invited, enrolled, its replica made and fed with authority. */
struct node *world_site(struct world *w, const char *handle, uint16_t roles);
/* The same, but it knows nothing yet. */
struct node *world_stranger(struct world *w, const char *handle, uint16_t roles);
/* A site of an organisation that is there; it knows nothing yet. `name` is used once. */
struct node *world_join(struct world *w, const char *name, const struct sou_id *org,
			uint16_t roles);

void node_open(struct node *n);
void node_close(struct node *n);
int node_open_rc(struct node *n);

struct sou_span text(const char *s);
/* One transaction around one operation. */
void node_begin(struct node *n);
void node_commit(struct node *n, struct soud_committed *out);

/* Acts, committed; the id of the entry. */
struct sou_hash node_item(struct node *n, struct sou_id *entity, const char *words);
struct sou_hash node_edit(struct node *n, const struct sou_id *scope, const struct sou_id *entity,
			  const struct sou_hash *replaced, size_t count, const char *words);
int node_try_edit(struct node *n, const struct sou_id *scope, const struct sou_id *for_org,
		  const struct sou_id *entity, const char *words, struct sou_err *err);
/* `count` new items in one act. */
void node_items(struct node *n, uint32_t count);

/* All that `from` has and `to` may read and has not. Returns how many entries were new. */
size_t feed(struct node *from, struct node *to);
void feed_authority(struct node *from, struct node *to);
int feed_authority_rc(struct node *from, struct node *to, struct soud_taken *taken);
/* A series of all ops that `from` knows. */
void pack_series(struct node *from, struct sou_buf *out);
/* Back and forth until nothing moves. */
void level(struct node *a, struct node *b);

/* Ask for news as a session does: data is in buf. */
struct sou_news ask(struct node *from, struct node *to, const struct sou_id *scope, uint64_t after,
		    struct sou_buf *buf);
int take(struct node *to, struct node *from, const struct sou_news *news, struct soud_taken *taken);
struct soud_from from_node(const struct node *n);

/* Equal digests of a scope on both, in all parts. */
void check_level(const char *name, struct node *a, struct node *b, const struct sou_id *scope);
struct sou_digest digest_of(struct node *n, const struct sou_id *scope);
/* The verdict of an entry. SOU_VERDICT_NONE: not stored. */
enum sou_verdict verdict_of(struct node *n, const struct sou_id *scope, const struct sou_hash *id);
/* Live versions of a field, and the text of the first. */
uint32_t live_of(struct node *n, const struct sou_id *scope, const struct sou_id *entity,
		 uint16_t field, const char **first, bool *conflict);
uint64_t last_of(struct node *n, const struct sou_id *scope);

#endif
