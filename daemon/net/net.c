/* net.c - the tick and the flush of a loop's links. Output leaves in the prepare phase, so all that
 * one turn queued for a link shares records and system calls. */
#include "daemon/net/net.h"

#include <signal.h>
#include <stdlib.h>

#include "daemon/net/link_inner.h"
#include "daemon/net/net_inner.h"
#include "proto/limits.h"

#define TICK_MS 1000u /* a tenth of the shortest time that is watched */

void soud_net_limits_default(struct soud_net_limits *limits)
{
	*limits = (struct soud_net_limits){
		.handshake_bytes_max = SOU_HANDSHAKE_BYTES_MAX,
		.handshake_ms_max = SOU_HANDSHAKE_MS_MAX,
		.handshake_pressed_ms = SOU_HANDSHAKE_PRESSED_MS,
		.handshakes_max = SOU_HANDSHAKES_MAX,
		.handshakes_address_max = SOU_HANDSHAKES_ADDRESS_MAX,
		.parked_max = SOU_PARKED_MAX,
		.parked_address_max = SOU_PARKED_ADDRESS_MAX,
		.accepts_turn_max = SOU_ACCEPTS_TURN_MAX,
		.fds_free_min = SOU_FDS_FREE_MIN,
		.link_bytes_max = SOU_LINK_BYTES_MAX,
		.links_bytes_max = SOU_LINKS_BYTES_MAX,
		.slow_bytes_min = SOU_SLOW_BYTES_MIN,
		.slow_ms = SOU_SLOW_MS,
		.stall_ms_max = SOU_STALL_MS_MAX,
		.linger_ms_max = SOU_LINGER_MS_MAX,
		.unacked_ms_max = SOU_UNACKED_MS_MAX,
		.post_handshake_max = SOU_POST_HANDSHAKE_MAX,
		.rekey_records_max = SOU_REKEY_RECORDS_MAX,
		.connect_ms_max = SOU_CONNECT_MS_MAX,
		.dial_proven_ms = SOU_DIAL_PROVEN_MS,
		.tick_ms = TICK_MS,
	};
}

static void on_tick(uv_timer_t *timer)
{
	struct soud_net *net = timer->data;
	uint64_t now_ms = uv_now(net->loop);
	struct soud_node left;
	soud_node_move_all(&net->watched, &left);
	while (!soud_node_alone(&left)) {
		struct soud_node *node = left.next;
		soud_node_remove(node);
		soud_node_append(&net->watched, node);
		soud_link_tick(SOUD_OF(node, struct soud_link, watched), now_ms);
	}
	if (soud_node_alone(&net->watched))
		uv_timer_stop(&net->tick);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct soud_net *net = prepare->data;
	struct soud_node left;
	soud_node_move_all(&net->dirty, &left);
	while (!soud_node_alone(&left)) {
		struct soud_node *node = left.next;
		soud_node_remove(node);
		soud_link_flush(SOUD_OF(node, struct soud_link, dirty));
	}
	if (soud_node_alone(&net->dirty)) {
		uv_prepare_stop(&net->prepare);
		uv_idle_stop(&net->idle);
	} else {
		uv_idle_start(&net->idle, on_idle); /* a drain_cb queued more */
	}
}

void soud_net_watch(struct soud_net *net, struct soud_node *watched)
{
	soud_node_append(&net->watched, watched);
	if (!uv_is_active((uv_handle_t *)&net->tick))
		uv_timer_start(&net->tick, on_tick, net->limits.tick_ms, net->limits.tick_ms);
}

void soud_net_dirty(struct soud_net *net, struct soud_node *dirty)
{
	soud_node_append(&net->dirty, dirty);
	uv_prepare_start(&net->prepare, on_prepare);
}

int soud_net_new(struct soud_net **out, struct uv_loop_s *loop,
		 const struct soud_net_limits *limits, struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(loop != NULL);
	struct soud_net *net = calloc(1, sizeof *net);
	if (net == NULL)
		return sou_err_set(err, SOU_ENOMEM, "net: no memory");
	net->loop = loop;
	if (limits != NULL)
		net->limits = *limits;
	else
		soud_net_limits_default(&net->limits);
	SOU_ASSERT(net->limits.link_bytes_max >= 2 * SOU_FRAME_BODY_BYTES_MAX + SOUD_READ_BYTES);
	SOU_ASSERT(net->limits.tick_ms > 0);
	soud_node_init(&net->links);
	soud_node_init(&net->watched);
	soud_node_init(&net->dirty);
	uv_timer_init(loop, &net->tick);
	uv_prepare_init(loop, &net->prepare);
	uv_idle_init(loop, &net->idle);
	net->tick.data = net->prepare.data = net->idle.data = net;
	net->handles = 3;
	signal(SIGPIPE, SIG_IGN);
	*out = net;
	return SOU_OK;
}

void soud_net_close_links(struct soud_net *net, bool orderly)
{
	struct soud_node left;
	soud_node_move_all(&net->links, &left);
	while (!soud_node_alone(&left)) {
		struct soud_node *node = left.next;
		soud_node_remove(node);
		soud_node_append(&net->links, node);
		struct soud_link *link = SOUD_OF(node, struct soud_link, all);
		if (orderly)
			soud_link_close(link);
		else
			soud_link_abort(link, SOUD_LINK_END_LOCAL);
	}
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct soud_net *net = handle->data;
	if (--net->handles == 0)
		free(net);
}

void soud_net_link_gone(struct soud_net *net)
{
	if (!net->closing || !soud_node_alone(&net->links))
		return;
	SOU_ASSERT(net->stats.held_bytes == 0); /* I1 */
	uv_close((uv_handle_t *)&net->tick, on_handle_closed);
	uv_close((uv_handle_t *)&net->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&net->idle, on_handle_closed);
}

void soud_net_close(struct soud_net *net)
{
	if (net == NULL)
		return;
	SOU_ASSERT(!net->closing);
	net->closing = true;
	soud_net_link_gone(net);
}

struct soud_net_stats soud_net_stats(const struct soud_net *net)
{
	return net->stats;
}
