/* listen.c - who may begin a handshake, and when. A connection is taken from the kernel only when
 * there is room for it; libuv stops polling while one that it has accepted is not taken. */
#include "daemon/net/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/net/net_inner.h"
#include "proto/limits.h"

#define BACKLOG                                                                                    \
	1024 /* the kernel's queue: all sites of a prefecture after a restart of the hub           \
	      */

struct key {
	uint8_t b[16]; /* soud_addr.key */
};

struct slot { /* one incoming link until it is open or gone */
	struct soud_node node;
	struct soud_listen *listen;
	struct soud_link *link;
	struct key key;
	uint64_t started_ms;
	bool started, known;
	bool leaving; /* turned away; its end is on the way */
};

struct soud_listen {
	uv_tcp_t server;
	uv_timer_t timer;   /* to look again: the next turn, or a moment later */
	uv_timer_t pressed; /* runs while somebody is parked */
	int handles;
	struct soud_net *net; /* borrowed */
	struct soud_tls *tls; /* borrowed */
	const struct soud_link_cbs *cbs;
	void *data;
	struct soud_node slots;
	bool waiting;     /* libuv holds one accepted connection for us */
	bool deferred;    /* and it was counted as such */
	uint32_t unknown; /* handshakes under way of addresses without a known key */
	uint32_t taken;   /* in this turn, at most */
	uint16_t port;
	struct {
		struct key *keys; /* owned; a ring once it is full */
		size_t n, cap, next;
	} known;
};

static void take(struct soud_listen *listen);

static bool key_eq(const struct key *a, const struct key *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static bool is_known(const struct soud_listen *listen, const struct key *key)
{
	for (size_t i = 0; i < listen->known.n; i++) {
		if (key_eq(&listen->known.keys[i], key))
			return true;
	}
	return false;
}

/* Without memory the address stays unknown, which only makes it wait its turn. */
static void remember(struct soud_listen *listen, const struct key *key)
{
	if (listen->known.n == listen->known.cap && listen->known.cap < SOU_ADDRESSES_KNOWN_MAX) {
		size_t cap = listen->known.cap > 0 ? listen->known.cap * 2 : 64;
		cap = cap < SOU_ADDRESSES_KNOWN_MAX ? cap : SOU_ADDRESSES_KNOWN_MAX;
		struct key *keys = realloc(listen->known.keys, cap * sizeof *keys);
		if (keys == NULL)
			return;
		listen->known.keys = keys;
		listen->known.cap = cap;
	}
	if (listen->known.n < listen->known.cap) {
		listen->known.keys[listen->known.n++] = *key;
		return;
	}
	listen->known.keys[listen->known.next] = *key; /* the oldest */
	listen->known.next = (listen->known.next + 1) % SOU_ADDRESSES_KNOWN_MAX;
}

static uint32_t count(const struct soud_listen *listen, const struct key *key, bool started)
{
	uint32_t n = 0;
	for (struct soud_node *i = listen->slots.next; i != &listen->slots; i = i->next) {
		const struct slot *slot = SOUD_OF(i, struct slot, node);
		if (slot->started == started && key_eq(&slot->key, key))
			n++;
	}
	return n;
}

static void start(struct slot *slot)
{
	struct soud_listen *listen = slot->listen;
	slot->started = true;
	slot->started_ms = uv_now(listen->net->loop);
	listen->net->stats.handshakes++;
	listen->unknown += !slot->known;
	soud_link_start(slot->link);
}

/* A quarter of all is kept for addresses with a known key: who has many addresses cannot take it.
 */
static bool unknown_fit(const struct soud_listen *listen)
{
	uint32_t max = listen->net->limits.handshakes_max;
	return listen->unknown < max - max / 4;
}

static bool may_start(const struct slot *slot)
{
	const struct soud_listen *listen = slot->listen;
	const struct soud_net *net = listen->net;
	if (net->stats.handshakes >= net->limits.handshakes_max)
		return false;
	return slot->known || (unknown_fit(listen) && count(listen, &slot->key, true) <
							      net->limits.handshakes_address_max);
}

/* The newest first: those that wait for long may be there for nothing else. */
static void start_parked(struct soud_listen *listen, bool known)
{
	struct soud_net *net = listen->net;
	const struct key *full = NULL;
	for (struct soud_node *i = listen->slots.prev, *before; i != &listen->slots; i = before) {
		before = i->prev;
		struct slot *slot = SOUD_OF(i, struct slot, node);
		if (net->stats.handshakes >= net->limits.handshakes_max ||
		    (!known && !unknown_fit(listen)))
			return;
		if (slot->started || slot->known != known ||
		    (full != NULL && key_eq(full, &slot->key)))
			continue;
		if (!may_start(slot)) {
			full = &slot->key;
			continue;
		}
		net->stats.parked--;
		start(slot);
	}
}

static void start_all_parked(struct soud_listen *listen)
{
	start_parked(listen, true);
	start_parked(listen, false);
}

static void slot_free(struct slot *slot)
{
	struct soud_listen *listen = slot->listen;
	if (slot->started) {
		listen->net->stats.handshakes--;
		listen->unknown -= !slot->known;
	} else {
		listen->net->stats.parked--;
	}
	soud_node_remove(&slot->node);
	free(slot);
}

static void on_slot_end(struct slot *slot)
{
	struct soud_listen *listen = slot->listen;
	slot_free(slot);
	start_all_parked(listen);
	take(listen);
}

static void on_opened(void *owner, struct soud_link *link)
{
	soud_link_disown(link);
	on_slot_end(owner);
}

static void on_gone(void *owner, struct soud_link *link, enum soud_link_end end, bool was_open,
		    const char *detail)
{
	(void)link;
	(void)end;
	(void)was_open;
	(void)detail;
	on_slot_end(owner);
}

static const struct soud_link_owner owner_cbs = {.opened_cb = on_opened, .gone_cb = on_gone};

/* Descriptors are given out lowest first, so the next one's number tells how many are free. */
static bool fds_are_short(const struct soud_listen *listen)
{
	uv_os_fd_t fd;
	struct rlimit limit;
	if (uv_fileno((const uv_handle_t *)&listen->server, &fd) != 0 ||
	    getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	int probe = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (probe < 0)
		return true;
	close(probe);
	return (rlim_t)probe + listen->net->limits.fds_free_min > limit.rlim_cur;
}

static void on_timer(uv_timer_t *timer)
{
	struct soud_listen *listen = timer->data;
	listen->taken = 0;
	take(listen);
}

/* The one that has waited longest goes; key NULL: of whatever address. */
static void turn_away(struct soud_listen *listen, const struct key *key)
{
	for (struct soud_node *i = listen->slots.next; i != &listen->slots; i = i->next) {
		struct slot *slot = SOUD_OF(i, struct slot, node);
		if (slot->started || slot->leaving || (key != NULL && !key_eq(&slot->key, key)))
			continue;
		slot->leaving = true;
		listen->net->stats.accepts_refused++;
		soud_link_abort(slot->link, SOUD_LINK_END_LIMIT);
		return;
	}
}

/* Somebody waits: a handshake that takes long makes room, if that is what is lacking. */
static void press(struct soud_listen *listen)
{
	const struct soud_net *net = listen->net;
	uint64_t now_ms = uv_now(net->loop);
	uint64_t waiting = net->stats.parked;
	for (struct soud_node *i = listen->slots.next; i != &listen->slots && waiting > 0;
	     i = i->next) {
		struct slot *slot = SOUD_OF(i, struct slot, node);
		bool full = net->stats.handshakes >= net->limits.handshakes_max ||
			    (!slot->known && !unknown_fit(listen));
		if (!slot->started || slot->leaving ||
		    now_ms - slot->started_ms < net->limits.handshake_pressed_ms ||
		    (!full && count(listen, &slot->key, false) == 0))
			continue;
		slot->leaving = true;
		waiting--;
		soud_link_abort(slot->link, SOUD_LINK_END_TIMEOUT);
	}
}

static void on_pressed(uv_timer_t *timer)
{
	struct soud_listen *listen = timer->data;
	press(listen);
	if (listen->net->stats.parked == 0)
		uv_timer_stop(timer);
}

/* Start it, or park it. Where an address or all have parked too many, the oldest goes. */
static void admit(struct slot *slot)
{
	struct soud_listen *listen = slot->listen;
	struct soud_net *net = listen->net;
	slot->known = is_known(listen, &slot->key);
	if (may_start(slot)) {
		start(slot);
		return;
	}
	net->stats.parked++;
	if (count(listen, &slot->key, false) > net->limits.parked_address_max)
		turn_away(listen, &slot->key);
	else if (net->stats.parked > net->limits.parked_max)
		turn_away(listen, NULL);
	if (!uv_is_active((uv_handle_t *)&listen->pressed))
		uv_timer_start(&listen->pressed, on_pressed, net->limits.tick_ms,
			       net->limits.tick_ms);
}

/* The one that waits, if it may come in now; libuv then goes on polling. */
static void take(struct soud_listen *listen)
{
	struct soud_net *net = listen->net;
	if (!listen->waiting)
		return;
	if (listen->taken >= net->limits.accepts_turn_max) {
		uv_timer_start(&listen->timer, on_timer, 0, 0);
		return;
	}
	struct slot *slot = NULL;
	bool short_ = fds_are_short(listen);
	if (short_ && net->stats.parked > 0)
		turn_away(listen, NULL);
	else if (net->stats.held_bytes < net->limits.links_bytes_max && !short_)
		slot = calloc(1, sizeof *slot);
	const struct soud_link_new args = {
		.net = net,
		.tls = listen->tls,
		.cbs = listen->cbs,
		.data = listen->data,
		.owner_cbs = &owner_cbs,
		.owner = slot,
	};
	int rc = slot == NULL
			 ? SOU_ENOMEM
			 : soud_link_accept(&slot->link, &args, (uv_stream_t *)&listen->server);
	if (rc != SOU_OK)
		free(slot);
	if (rc == SOU_ENOMEM) {
		net->stats.accepts_deferred += !listen->deferred;
		listen->deferred = true;
		uv_timer_start(&listen->timer, on_timer, net->limits.tick_ms, 0);
		return;
	}
	listen->waiting = listen->deferred = false;
	if (rc != SOU_OK)
		return;
	listen->taken++;
	slot->listen = listen;
	memcpy(slot->key.b, soud_link_addr(slot->link)->key, sizeof slot->key.b);
	soud_node_init(&slot->node);
	soud_node_append(&listen->slots, &slot->node);
	admit(slot);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct soud_listen *listen = server->data;
	if (status != 0)
		return; /* the kernel's trouble with one connection; the next call brings the next
			 */
	listen->waiting = true;
	take(listen);
}

static int bind_to(struct soud_listen *listen, const char *text, struct sou_err *err)
{
	struct soud_hostport hp;
	int rc = soud_hostport_parse(&hp, text, err);
	if (rc != SOU_OK)
		return rc;
	char port[8];
	snprintf(port, sizeof port, "%u", hp.port);
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	uv_getaddrinfo_t request;
	int uv = uv_getaddrinfo(listen->net->loop, &request, NULL, hp.host, port, &hints);
	if (uv != 0)
		return sou_err_set(err, SOU_EINPUT, "listen %s: %s", text, uv_strerror(uv));
	uv = uv_tcp_bind(&listen->server, request.addrinfo->ai_addr, 0);
	uv_freeaddrinfo(request.addrinfo);
	if (uv == 0)
		uv = uv_listen((uv_stream_t *)&listen->server, BACKLOG, on_connection);
	struct sockaddr_storage own;
	int n = sizeof own;
	if (uv == 0)
		uv = uv_tcp_getsockname(&listen->server, (struct sockaddr *)&own, &n);
	if (uv != 0)
		return sou_err_set(err, uv == UV_EADDRINUSE ? SOU_EBUSY : SOU_EIO, "listen %s: %s",
				   text, uv_strerror(uv));
	listen->port =
		ntohs(own.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&own)->sin6_port
						: ((struct sockaddr_in *)(void *)&own)->sin_port);
	return SOU_OK;
}

int soud_listen_new(struct soud_listen **out, struct soud_net *net, struct soud_tls *tls,
		    const char *hostport, const struct soud_link_cbs *cbs, void *data,
		    struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(cbs != NULL);
	struct soud_listen *listen = calloc(1, sizeof *listen);
	if (listen == NULL)
		return sou_err_set(err, SOU_ENOMEM, "listen: no memory");
	listen->net = net;
	listen->tls = tls;
	listen->cbs = cbs;
	listen->data = data;
	soud_node_init(&listen->slots);
	uv_tcp_init(net->loop, &listen->server);
	uv_timer_init(net->loop, &listen->timer);
	uv_timer_init(net->loop, &listen->pressed);
	listen->server.data = listen->timer.data = listen->pressed.data = listen;
	listen->handles = 3;
	int rc = bind_to(listen, hostport, err);
	if (rc != SOU_OK) {
		soud_listen_close(listen);
		return rc;
	}
	*out = listen;
	return SOU_OK;
}

uint16_t soud_listen_port(const struct soud_listen *listen)
{
	return listen->port;
}

void soud_listen_known(struct soud_listen *listen, const struct soud_link *link)
{
	struct key key;
	memcpy(key.b, soud_link_addr(link)->key, sizeof key.b);
	if (!is_known(listen, &key))
		remember(listen, &key);
	for (struct soud_node *i = listen->slots.next; i != &listen->slots; i = i->next) {
		struct slot *slot = SOUD_OF(i, struct slot, node);
		if (slot->known || !key_eq(&slot->key, &key))
			continue;
		slot->known = true;
		listen->unknown -= slot->started;
	}
	start_all_parked(listen);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct soud_listen *listen = handle->data;
	if (--listen->handles > 0)
		return;
	free(listen->known.keys);
	free(listen);
}

void soud_listen_close(struct soud_listen *listen)
{
	if (listen == NULL)
		return;
	listen->waiting = false;
	for (struct soud_node *i = listen->slots.next; i != &listen->slots;) {
		struct slot *slot = SOUD_OF(i, struct slot, node);
		i = i->next;
		soud_link_disown(slot->link);
		soud_link_abort(slot->link, SOUD_LINK_END_LOCAL);
		slot_free(slot);
	}
	uv_close((uv_handle_t *)&listen->server, on_handle_closed);
	uv_close((uv_handle_t *)&listen->timer, on_handle_closed);
	uv_close((uv_handle_t *)&listen->pressed, on_handle_closed);
}
