/* net_inner.h - the inside of net.h for the files of this room, and the list they share. */
#ifndef SOUD_NET_INNER_H
#define SOUD_NET_INNER_H

#include <stddef.h>
#include <uv.h>

#include "daemon/net/net.h"
#include "daemon/net/tls.h"

#define SOUD_READ_BYTES 65536u /* one read of a socket: four full records */

/* A place in a circular list; linked to itself when in none. */
struct soud_node {
	struct soud_node *prev, *next;
};

#define SOUD_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void soud_node_init(struct soud_node *n)
{
	n->prev = n->next = n;
}

static inline bool soud_node_alone(const struct soud_node *n)
{
	return n->next == n;
}

static inline void soud_node_remove(struct soud_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	soud_node_init(n);
}

static inline void soud_node_append(struct soud_node *head, struct soud_node *n)
{
	SOU_ASSERT(soud_node_alone(n));
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

/* All of `from` into the empty `to`, so that a walk may meet removals and additions. */
static inline void soud_node_move_all(struct soud_node *from, struct soud_node *to)
{
	soud_node_init(to);
	if (soud_node_alone(from))
		return;
	*to = *from;
	to->prev->next = to;
	to->next->prev = to;
	soud_node_init(from);
}

/* Invariants: I1 held_bytes is the sum of what the links hold. I2 a link is in `watched` exactly
 * while a time limit runs for it, so an idle one costs nothing. I3 the stage is empty between
 * callbacks. */
struct soud_net {
	uv_loop_t *loop; /* borrowed */
	struct soud_net_limits limits;
	struct soud_net_stats stats;
	uv_timer_t tick;      /* runs while `watched` is not empty */
	uv_prepare_t prepare; /* runs while `dirty` is not empty: flush before the loop sleeps */
	uv_idle_t idle;       /* the same, when a flush left work: the loop must not sleep */
	struct soud_node links, watched, dirty;
	bool closing;
	int handles; /* not yet closed */
	struct soud_tls_stage stage;
	uint8_t read[SOUD_READ_BYTES];
	uint8_t plain[SOUD_READ_BYTES];
};

void soud_net_watch(struct soud_net *net, struct soud_node *watched);
void soud_net_dirty(struct soud_net *net, struct soud_node *dirty);
/* A link is gone: the net may be waiting for that. */
void soud_net_link_gone(struct soud_net *net);

#endif
