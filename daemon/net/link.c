/* link.c - the life of a link: made, opened, closed once, told once. Every way to the end goes
 * through soud_link_end, and memory goes in the close callback of its last handle. */
#include "daemon/net/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/net/link_inner.h"
#include "proto/limits.h"

static const struct {
	const char *name, *text;
} ends[] = {
#define X(name, text) {#name, text},
	SOUD_LINK_ENDS(X)
#undef X
};

const char *soud_link_end_name(enum soud_link_end end)
{
	return ends[end].name;
}

const char *soud_link_end_text(enum soud_link_end end)
{
	return ends[end].text;
}

/* ---- States ---- */

#define BIT(state) (1u << (state))

static const uint8_t moves[] = {
	[SOUD_LINK_PARKED] = BIT(SOUD_LINK_HANDSHAKE) | BIT(SOUD_LINK_DEAD),
	[SOUD_LINK_CONNECTING] =
		BIT(SOUD_LINK_PROXY) | BIT(SOUD_LINK_HANDSHAKE) | BIT(SOUD_LINK_DEAD),
	[SOUD_LINK_PROXY] = BIT(SOUD_LINK_HANDSHAKE) | BIT(SOUD_LINK_DEAD),
	[SOUD_LINK_HANDSHAKE] = BIT(SOUD_LINK_OPEN) | BIT(SOUD_LINK_DEAD),
	[SOUD_LINK_OPEN] = BIT(SOUD_LINK_CLOSING) | BIT(SOUD_LINK_DEAD),
	[SOUD_LINK_CLOSING] = BIT(SOUD_LINK_DEAD),
	[SOUD_LINK_DEAD] = 0,
};

void soud_link_move(struct soud_link *link, enum soud_link_state to)
{
	SOU_ASSERT((moves[link->state] & BIT(to)) != 0);
	link->state = to;
	if (to != SOUD_LINK_DEAD && to != SOUD_LINK_OPEN)
		link->since_ms = uv_now(link->net->loop);
}

void soud_link_opened(struct soud_link *link)
{
	struct soud_net *net = link->net;
	soud_link_move(link, SOUD_LINK_OPEN);
	link->was_open = true;
	link->opened_ms = uv_now(net->loop);
	net->stats.links_open++;
	net->stats.links_opened++;
	if (link->owner_cbs != NULL)
		link->owner_cbs->opened_cb(link->owner, link);
	if (link->cbs->open_cb != NULL)
		link->cbs->open_cb(link, link->data);
}

static void tell_end(struct soud_link *link)
{
	struct soud_net *net = link->net;
	if (link->was_open)
		net->stats.links_open--;
	else
		net->stats.links_refused++;
	if (link->was_open && link->cbs->closed_cb != NULL)
		link->cbs->closed_cb(link, link->data, link->end, link->detail);
	if (!link->was_open && link->cbs->refused_cb != NULL)
		link->cbs->refused_cb(link, link->data, link->end, link->detail);
	if (link->owner_cbs != NULL)
		link->owner_cbs->gone_cb(link->owner, link, link->end, link->was_open,
					 link->detail);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct soud_link *link = handle->data;
	struct soud_net *net = link->net;
	if (--link->handles > 0)
		return;
	if (!link->silent)
		tell_end(link);
	soud_link_free_bytes(link);
	soud_link_proxy_forget(link);
	soud_tls_conn_free(&link->conn);
	soud_node_remove(&link->all);
	free(link);
	soud_net_link_gone(net);
}

void soud_link_end(struct soud_link *link, enum soud_link_end end, const char *detail)
{
	if (link->state == SOUD_LINK_DEAD)
		return;
	if (link->state != SOUD_LINK_CLOSING) {
		link->end = end;
		link->detail = detail;
	}
	soud_link_move(link, SOUD_LINK_DEAD);
	soud_node_remove(&link->watched);
	soud_node_remove(&link->dirty);
	uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&link->timer, on_handle_closed);
}

void soud_link_abort(struct soud_link *link, enum soud_link_end end)
{
	soud_link_end(link, end, "");
}

void soud_link_close(struct soud_link *link)
{
	if (link->state != SOUD_LINK_OPEN) {
		if (link->state != SOUD_LINK_CLOSING)
			soud_link_end(link, SOUD_LINK_END_LOCAL, "");
		return;
	}
	soud_link_move(link, SOUD_LINK_CLOSING);
	link->end = SOUD_LINK_END_LOCAL;
	uv_timer_stop(&link->timer);
	soud_link_resume(link);
	if (link->state != SOUD_LINK_DEAD && soud_node_alone(&link->dirty))
		soud_net_dirty(link->net, &link->dirty);
	soud_link_watch(link);
}

/* ---- Time ---- */

/* I2. `mid` begins a window of its own, so that a peer is judged by whole windows only. */
void soud_link_watch(struct soud_link *link)
{
	if (link->state == SOUD_LINK_DEAD)
		return;
	bool mid = link->state == SOUD_LINK_OPEN && !link->paused &&
		   (link->part.p != NULL || soud_tls_conn_in_record(&link->conn));
	if (mid && !link->mid) {
		link->window_ms = uv_now(link->net->loop);
		link->window_bytes = 0;
	}
	link->mid = mid;
	bool wanted = mid || link->out > 0 || link->wants_drain || link->state != SOUD_LINK_OPEN;
	if (wanted && soud_node_alone(&link->watched))
		soud_net_watch(link->net, &link->watched);
	if (!wanted)
		soud_node_remove(&link->watched);
}

static void tick_open(struct soud_link *link, uint64_t now_ms)
{
	const struct soud_net_limits *limits = &link->net->limits;
	if (link->mid && now_ms - link->window_ms >= limits->slow_ms) {
		if (link->window_bytes < limits->slow_bytes_min) {
			soud_link_end(link, SOUD_LINK_END_SLOW, "");
			return;
		}
		link->window_ms = now_ms;
		link->window_bytes = 0;
	}
	size_t queue = uv_stream_get_write_queue_size((uv_stream_t *)&link->tcp);
	if (link->out == 0 || queue != link->taken_queue) {
		link->taken_queue = queue;
		link->taken_ms = now_ms;
	} else if (now_ms - link->taken_ms >= limits->stall_ms_max) {
		soud_link_end(link, SOUD_LINK_END_STALLED, "");
		return;
	}
	if (link->wants_drain)
		soud_link_flush(link);
	soud_link_watch(link);
}

/* It is the proxy that is not reached where one is asked. */
static enum soud_link_end unreached(const struct soud_link *link)
{
	return link->proxy.n > 0 ? SOUD_LINK_END_PROXY : SOUD_LINK_END_CONNECT;
}

void soud_link_tick(struct soud_link *link, uint64_t now_ms)
{
	const struct soud_net_limits *limits = &link->net->limits;
	uint64_t age_ms = now_ms - link->since_ms;
	switch (link->state) {
	case SOUD_LINK_CONNECTING:
		if (age_ms >= limits->connect_ms_max)
			soud_link_end(link, unreached(link), "no answer");
		break;
	case SOUD_LINK_PROXY:
		if (age_ms >= limits->handshake_ms_max)
			soud_link_end(link, SOUD_LINK_END_PROXY, "no answer");
		break;
	case SOUD_LINK_PARKED:
	case SOUD_LINK_HANDSHAKE:
		if (age_ms >= limits->handshake_ms_max)
			soud_link_end(link, SOUD_LINK_END_TIMEOUT, "");
		break;
	case SOUD_LINK_OPEN:
		tick_open(link, now_ms);
		break;
	case SOUD_LINK_CLOSING:
		if (age_ms >= limits->linger_ms_max)
			soud_link_end(link, SOUD_LINK_END_LOCAL, "");
		break;
	case SOUD_LINK_DEAD:
		break;
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct soud_link *link = timer->data;
	if (link->cbs->timer_cb != NULL)
		link->cbs->timer_cb(link, link->data);
}

void soud_link_timer(struct soud_link *link, uint64_t ms)
{
	if (link->state != SOUD_LINK_OPEN)
		return;
	if (ms == 0)
		uv_timer_stop(&link->timer);
	else
		uv_timer_start(&link->timer, on_timer, ms, 0);
}

/* ---- Made ---- */

static struct soud_link *link_new(const struct soud_link_new *args)
{
	SOU_ASSERT(args->cbs != NULL);
	struct soud_link *link = calloc(1, sizeof *link);
	if (link == NULL)
		return NULL;
	link->net = args->net;
	link->tls = args->tls;
	link->cbs = args->cbs;
	link->data = args->data;
	link->owner_cbs = args->owner_cbs;
	link->owner = args->owner;
	link->detail = "";
	if (args->pin != NULL)
		link->pin = *args->pin;
	soud_node_init(&link->all);
	soud_node_init(&link->watched);
	soud_node_init(&link->dirty);
	soud_node_append(&link->net->links, &link->all);
	uv_tcp_init(link->net->loop, &link->tcp);
	uv_timer_init(link->net->loop, &link->timer);
	link->tcp.data = link->timer.data = link;
	link->handles = 2;
	link->since_ms = uv_now(link->net->loop);
	soud_link_frames(link, SOU_FRAME_BODY_BYTES_MAX);
	return link;
}

/* No delay: what belongs together is joined here. The user timeout ends a path that went dead with
 * bytes under way, long before the kernel's quarter of an hour. */
static void set_socket(struct soud_link *link)
{
	uv_os_fd_t fd;
	unsigned int ms = link->net->limits.unacked_ms_max;
	uv_tcp_nodelay(&link->tcp, 1);
	if (uv_fileno((uv_handle_t *)&link->tcp, &fd) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

/* It never was one: closed without a word to anybody. */
static void drop(struct soud_link *link)
{
	link->silent = true;
	soud_link_end(link, SOUD_LINK_END_LOCAL, "");
}

int soud_link_accept(struct soud_link **out, const struct soud_link_new *args,
		     struct uv_stream_s *server)
{
	struct soud_link *link = link_new(args);
	if (link == NULL)
		return SOU_ENOMEM;
	struct sockaddr_storage peer;
	int n = sizeof peer;
	if (uv_accept(server, (uv_stream_t *)&link->tcp) != 0 ||
	    uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&peer, &n) != 0) {
		drop(link);
		return SOU_EIO;
	}
	link->state = SOUD_LINK_PARKED;
	soud_addr_from(&link->addr, (struct sockaddr *)&peer);
	set_socket(link);
	soud_link_watch(link);
	*out = link;
	return SOU_OK;
}

void soud_link_start(struct soud_link *link)
{
	if (link->state == SOUD_LINK_DEAD)
		return;
	uint64_t since_ms = link->since_ms;
	bool parked = link->state == SOUD_LINK_PARKED;
	soud_link_move(link, SOUD_LINK_HANDSHAKE);
	if (parked)
		link->since_ms = since_ms; /* R17 counts from the accept */
	if (soud_tls_conn_new(&link->conn, link->tls, link->outgoing, &link->pin,
			      &link->net->limits, &link->net->stage) != SOU_OK) {
		soud_link_end(link, SOUD_LINK_END_NOMEM, "");
		return;
	}
	link->tls = NULL;
	if (soud_link_read_start(link) != SOU_OK)
		return;
	if (link->outgoing)
		soud_link_handshake(link);
	soud_link_watch(link);
}

static void on_connect(uv_connect_t *request, int status)
{
	struct soud_link *link = request->data;
	free(request);
	if (link->state == SOUD_LINK_DEAD)
		return;
	if (status != 0) {
		soud_link_end(link, unreached(link), uv_strerror(status));
		return;
	}
	set_socket(link);
	if (link->proxy.n > 0)
		soud_link_proxy_ask(link);
	else
		soud_link_start(link);
}

int soud_link_connect(struct soud_link **out, const struct soud_link_new *args,
		      const struct sockaddr *to)
{
	uv_connect_t *request = calloc(1, sizeof *request);
	struct soud_link *link = request != NULL ? link_new(args) : NULL;
	if (link == NULL) {
		free(request);
		return SOU_ENOMEM;
	}
	request->data = link;
	link->outgoing = true;
	link->state = SOUD_LINK_CONNECTING;
	sou_buf_put(&link->proxy, args->proxy_request.p, args->proxy_request.n);
	if (link->proxy.failed) {
		free(request);
		drop(link);
		return SOU_ENOMEM;
	}
	soud_addr_from(&link->addr, to);
	if (uv_tcp_connect(request, &link->tcp, to, on_connect) != 0) {
		free(request);
		drop(link);
		return SOU_EIO;
	}
	soud_link_watch(link);
	*out = link;
	return SOU_OK;
}

void soud_link_disown(struct soud_link *link)
{
	link->owner_cbs = NULL;
	link->owner = NULL;
}

/* ---- Asked ---- */

void soud_link_set_data(struct soud_link *link, void *data)
{
	link->data = data;
}

void *soud_link_data(const struct soud_link *link)
{
	return link->data;
}

void soud_link_frames(struct soud_link *link, uint32_t body_bytes_max)
{
	SOU_ASSERT(body_bytes_max <= SOU_FRAME_BODY_BYTES_MAX);
	link->frame_bytes_max = SOU_FRAME_HEAD_BYTES + body_bytes_max;
}

bool soud_link_is_outgoing(const struct soud_link *link)
{
	return link->outgoing;
}

bool soud_link_is_open(const struct soud_link *link)
{
	return link->state == SOUD_LINK_OPEN;
}

const struct soud_addr *soud_link_addr(const struct soud_link *link)
{
	return &link->addr;
}

const struct sou_hash *soud_link_spki(const struct soud_link *link)
{
	return &link->conn.spki;
}

int soud_link_exporter(const struct soud_link *link, uint8_t out[SOUD_TLS_EXPORTER_BYTES])
{
	if (link->state != SOUD_LINK_OPEN)
		return SOU_ESTATE;
	return soud_tls_conn_exporter(&link->conn, out);
}

void soud_link_facts(const struct soud_link *link, struct soud_tls_facts *out)
{
	SOU_ASSERT(link->was_open);
	soud_tls_conn_facts(&link->conn, out);
}

uint64_t soud_link_frames_in(const struct soud_link *link)
{
	return link->frames_in;
}

uint64_t soud_link_opened_ms(const struct soud_link *link)
{
	return link->opened_ms;
}

/* A socket bound to the same address fails exactly when no interface bears it any more. */
bool soud_link_address_lost(const struct soud_link *link)
{
	struct sockaddr_storage own;
	int n = sizeof own;
	if (uv_tcp_getsockname(&link->tcp, (struct sockaddr *)&own, &n) != 0)
		return false;
	if (own.ss_family == AF_INET)
		((struct sockaddr_in *)(void *)&own)->sin_port = 0;
	else
		((struct sockaddr_in6 *)(void *)&own)->sin6_port = 0;
	int fd = socket(own.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool lost = bind(fd, (struct sockaddr *)&own, (socklen_t)n) != 0 && errno == EADDRNOTAVAIL;
	close(fd);
	return lost;
}
