/* dial.c - one state machine for one peer. At most one attempt or link is owned at a time; what is
 * left behind (a name being resolved, a link that still says goodbye) is disowned, never waited
 * for. */
#include "daemon/net/dial.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/net_inner.h"
#include "daemon/net/proxy.h"
#include "proto/crypto.h"
#include "proto/limits.h"

struct resolve { /* outlives a dial that lost interest */
	uv_getaddrinfo_t request;
	struct soud_dial *dial; /* NULL: nobody waits for it */
};

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct soud_dial {
	uv_timer_t timer; /* the waiting */
	struct soud_net *net;
	struct soud_tls *tls;
	const struct soud_link_cbs *cbs;
	void *data;
	uint64_t (*random_cb)(void *random);
	void *random;
	struct soud_hostport peer, proxy; /* proxy.port 0: none */
	struct sou_buf request;           /* owned; of the proxy, a secret */
	struct sou_hash pin;

	enum soud_dial_state state;
	struct resolve *resolve; /* RESOLVING */
	struct soud_link *link;  /* CONNECTING and UP */
	union address addresses[SOU_DIAL_ADDRESSES_MAX];
	size_t address_count, address_next;
	union address good; /* the last that led to the peer; all zero: none yet */
	uint32_t retry_ms, retry_ms_min, retry_ms_max;
	uint64_t hold_until_ms; /* loop time */
	uint64_t next_ms;       /* loop time; WAITING */
	bool again;             /* the network changed during an attempt: no waiting after it */
	uint32_t attempts;
	bool ended;
	enum soud_link_end end;
	char detail[96];
};

static void resolve(struct soud_dial *dial);
static void connect_next(struct soud_dial *dial);

#define BIT(state) (1u << (state))

static const uint8_t moves[] = {
	[SOUD_DIAL_PAUSED] = BIT(SOUD_DIAL_RESOLVING),
	[SOUD_DIAL_RESOLVING] =
		BIT(SOUD_DIAL_CONNECTING) | BIT(SOUD_DIAL_WAITING) | BIT(SOUD_DIAL_PAUSED),
	[SOUD_DIAL_CONNECTING] = BIT(SOUD_DIAL_UP) | BIT(SOUD_DIAL_WAITING) | BIT(SOUD_DIAL_PAUSED),
	[SOUD_DIAL_UP] = BIT(SOUD_DIAL_WAITING) | BIT(SOUD_DIAL_PAUSED),
	[SOUD_DIAL_WAITING] = BIT(SOUD_DIAL_RESOLVING) | BIT(SOUD_DIAL_PAUSED),
};

static void move(struct soud_dial *dial, enum soud_dial_state to)
{
	SOU_ASSERT((moves[dial->state] & BIT(to)) != 0);
	dial->state = to;
	SOU_ASSERT((dial->link != NULL) == (to == SOUD_DIAL_UP) || to == SOUD_DIAL_CONNECTING);
}

static void on_timer(uv_timer_t *timer)
{
	resolve(timer->data);
}

static void wait_ms(struct soud_dial *dial, uint64_t ms)
{
	uint64_t now_ms = uv_now(dial->net->loop);
	if (now_ms + ms < dial->hold_until_ms)
		ms = dial->hold_until_ms - now_ms;
	if (ms == 0)
		ms = 1; /* libuv runs a timer of 0 again in the same turn: it would never end */
	dial->next_ms = now_ms + ms;
	uv_timer_start(&dial->timer, on_timer, ms, 0);
}

/* Half of the time is certain and half is drawn, so that the sites of a hub that came back do not
 * arrive as one. */
static void back_off(struct soud_dial *dial)
{
	move(dial, SOUD_DIAL_WAITING);
	if (dial->again) {
		dial->again = false;
		wait_ms(dial, 0);
		return;
	}
	uint32_t half = dial->retry_ms / 2;
	uint32_t rest = dial->retry_ms - half;
	wait_ms(dial, half + dial->random_cb(dial->random) % (rest + 1));
	dial->retry_ms =
		dial->retry_ms > dial->retry_ms_max / 2 ? dial->retry_ms_max : dial->retry_ms * 2;
}

/* Whose name is looked up and whose addresses are tried. */
static const struct soud_hostport *first_hop(const struct soud_dial *dial)
{
	return dial->proxy.port != 0 ? &dial->proxy : &dial->peer;
}

static enum soud_link_end unreached(const struct soud_dial *dial)
{
	return dial->proxy.port != 0 ? SOUD_LINK_END_PROXY : SOUD_LINK_END_CONNECT;
}

static void note_end(struct soud_dial *dial, enum soud_link_end end, const char *detail)
{
	dial->ended = true;
	dial->end = end;
	snprintf(dial->detail, sizeof dial->detail, "%s", detail);
}

static bool same_address(const union address *a, const union address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->sa.sa_family == AF_INET6 && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       memcmp(a->in6.sin6_addr.s6_addr, b->in6.sin6_addr.s6_addr,
		      sizeof a->in6.sin6_addr.s6_addr) == 0;
}

/* What led to the peer before is tried before what may not answer for seconds (IPv6 that a network
 * throws away); the rest as the resolver has it (RFC 6724). */
static void good_first(struct soud_dial *dial)
{
	for (size_t i = 1; i < dial->address_count; i++) {
		union address a = dial->addresses[i];
		if (!same_address(&a, &dial->good))
			continue;
		memmove(&dial->addresses[1], &dial->addresses[0], i * sizeof a);
		dial->addresses[0] = a;
		return;
	}
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolve *res = request->data;
	struct soud_dial *dial = res->dial;
	free(res);
	if (dial == NULL) {
		uv_freeaddrinfo(list);
		return;
	}
	dial->resolve = NULL;
	dial->address_count = dial->address_next = 0;
	for (struct addrinfo *a = list; a != NULL && dial->address_count < SOU_DIAL_ADDRESSES_MAX;
	     a = a->ai_next) {
		if (a->ai_addrlen > sizeof(union address))
			continue;
		memset(&dial->addresses[dial->address_count], 0, sizeof(union address));
		memcpy(&dial->addresses[dial->address_count++], a->ai_addr, a->ai_addrlen);
	}
	uv_freeaddrinfo(list);
	good_first(dial);
	if (dial->address_count == 0) {
		note_end(dial, unreached(dial), status != 0 ? uv_strerror(status) : "no address");
		back_off(dial);
		return;
	}
	move(dial, SOUD_DIAL_CONNECTING);
	connect_next(dial);
}

static void resolve(struct soud_dial *dial)
{
	move(dial, SOUD_DIAL_RESOLVING);
	dial->attempts++;
	char port[8];
	snprintf(port, sizeof port, "%u", first_hop(dial)->port);
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct resolve *res = calloc(1, sizeof *res);
	if (res == NULL) {
		note_end(dial, SOUD_LINK_END_NOMEM, "");
		back_off(dial);
		return;
	}
	res->request.data = res;
	res->dial = dial;
	int rc = uv_getaddrinfo(dial->net->loop, &res->request, on_resolved, first_hop(dial)->host,
				port, &hints);
	if (rc != 0) {
		free(res);
		note_end(dial, unreached(dial), uv_strerror(rc));
		back_off(dial);
		return;
	}
	dial->resolve = res;
}

static void on_opened(void *owner, struct soud_link *link)
{
	struct soud_dial *dial = owner;
	SOU_ASSERT(link == dial->link);
	move(dial, SOUD_DIAL_UP);
	SOU_ASSERT(dial->address_next > 0);
	dial->good = dial->addresses[dial->address_next - 1];
	dial->attempts = 0;
	dial->again = false;
}

/* A link proves the peer when it lived a while and said something; one that is dropped at once, by
 * a peer that has no use for us, does not make us hurry. */
static bool is_proven(const struct soud_dial *dial, const struct soud_link *link)
{
	return soud_link_frames_in(link) > 0 &&
	       uv_now(dial->net->loop) - soud_link_opened_ms(link) >=
		       dial->net->limits.dial_proven_ms;
}

static void on_gone(void *owner, struct soud_link *link, enum soud_link_end end, bool was_open,
		    const char *detail)
{
	struct soud_dial *dial = owner;
	SOU_ASSERT(link == dial->link);
	dial->link = NULL;
	note_end(dial, end, detail);
	if (!was_open) {
		connect_next(dial);
		return;
	}
	if (is_proven(dial, link))
		dial->retry_ms = dial->retry_ms_min;
	back_off(dial);
}

static const struct soud_link_owner owner_cbs = {.opened_cb = on_opened, .gone_cb = on_gone};

static void connect_next(struct soud_dial *dial)
{
	const struct soud_link_new args = {
		.net = dial->net,
		.tls = dial->tls,
		.cbs = dial->cbs,
		.data = dial->data,
		.owner_cbs = &owner_cbs,
		.owner = dial,
		.pin = &dial->pin,
		.proxy_request = sou_buf_span(&dial->request),
	};
	while (dial->address_next < dial->address_count) {
		const struct sockaddr *to = &dial->addresses[dial->address_next++].sa;
		int rc = soud_link_connect(&dial->link, &args, to);
		if (rc == SOU_OK)
			return;
		note_end(dial, rc == SOU_ENOMEM ? SOUD_LINK_END_NOMEM : unreached(dial),
			 "no way to the address");
	}
	back_off(dial);
}

static void forget_request(struct soud_dial *dial)
{
	if (dial->request.p != NULL)
		sou_cleanse(dial->request.p, dial->request.cap);
	sou_buf_fini(&dial->request);
}

static int set_proxy(struct soud_dial *dial, const struct soud_dial_args *args, struct sou_err *err)
{
	if (args->proxy == NULL || args->proxy[0] == '\0')
		return SOU_OK;
	int rc = soud_hostport_parse(&dial->proxy, args->proxy, err);
	if (rc != SOU_OK)
		return rc;
	if (dial->proxy.port == 0)
		return sou_err_set(err, SOU_EINPUT, "%s: port 0 is no proxy's port", args->proxy);
	rc = soud_proxy_request(&dial->request, &dial->peer, args->proxy_auth);
	return rc == SOU_OK ? SOU_OK
			    : sou_err_set(err, rc, "proxy: credentials are no USER:PASSWORD");
}

int soud_dial_new(struct soud_dial **out, const struct soud_dial_args *args, struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(args->cbs != NULL && args->random_cb != NULL);
	SOU_ASSERT(!sou_hash_is_zero(&args->pin));
	SOU_ASSERT(args->retry_ms_min >= 1);
	SOU_ASSERT(args->retry_ms_min <= args->retry_ms_max);
	struct soud_hostport peer;
	int rc = soud_hostport_parse(&peer, args->hostport, err);
	if (rc != SOU_OK)
		return rc;
	if (peer.port == 0)
		return sou_err_set(err, SOU_EINPUT, "%s: port 0 is no peer's port", args->hostport);
	struct soud_dial *dial = calloc(1, sizeof *dial);
	if (dial == NULL)
		return sou_err_set(err, SOU_ENOMEM, "dial: no memory");
	dial->net = args->net;
	dial->tls = args->tls;
	dial->cbs = args->cbs;
	dial->data = args->data;
	dial->random_cb = args->random_cb;
	dial->random = args->random;
	dial->peer = peer;
	rc = set_proxy(dial, args, err);
	if (rc != SOU_OK) {
		forget_request(dial);
		free(dial);
		return rc;
	}
	dial->pin = args->pin;
	dial->retry_ms = dial->retry_ms_min = args->retry_ms_min;
	dial->retry_ms_max = args->retry_ms_max;
	uv_timer_init(dial->net->loop, &dial->timer);
	dial->timer.data = dial;
	*out = dial;
	return SOU_OK;
}

void soud_dial_resume(struct soud_dial *dial)
{
	if (dial->state == SOUD_DIAL_PAUSED)
		resolve(dial);
}

/* Nothing that is under way answers to this dial any more. */
static void let_go(struct soud_dial *dial, bool orderly)
{
	uv_timer_stop(&dial->timer);
	if (dial->resolve != NULL) {
		dial->resolve->dial = NULL;
		uv_cancel((uv_req_t *)&dial->resolve->request);
		dial->resolve = NULL;
	}
	struct soud_link *link = dial->link;
	dial->link = NULL;
	if (link == NULL)
		return;
	soud_link_disown(link);
	if (orderly)
		soud_link_close(link);
	else
		soud_link_abort(link, SOUD_LINK_END_LOCAL);
}

void soud_dial_pause(struct soud_dial *dial)
{
	if (dial->state == SOUD_DIAL_PAUSED)
		return;
	let_go(dial, true);
	dial->again = false;
	dial->attempts = 0;
	dial->retry_ms = dial->retry_ms_min;
	move(dial, SOUD_DIAL_PAUSED);
}

void soud_dial_now(struct soud_dial *dial)
{
	dial->hold_until_ms = 0;
	dial->retry_ms = dial->retry_ms_min;
	if (dial->state == SOUD_DIAL_WAITING)
		wait_ms(dial, 0);
}

void soud_dial_net_changed(struct soud_dial *dial)
{
	switch (dial->state) {
	case SOUD_DIAL_PAUSED:
		break;
	case SOUD_DIAL_RESOLVING:
	case SOUD_DIAL_CONNECTING:
		dial->again = true;
		break;
	case SOUD_DIAL_UP:
		if (!soud_link_address_lost(dial->link))
			break;
		dial->again = true;
		soud_link_abort(dial->link, SOUD_LINK_END_CUT);
		break;
	case SOUD_DIAL_WAITING:
		dial->retry_ms = dial->retry_ms_min;
		wait_ms(dial, 0);
		break;
	}
}

void soud_dial_backoff(struct soud_dial *dial, uint32_t retry_ms_min, uint32_t retry_ms_max)
{
	SOU_ASSERT(retry_ms_min >= 1);
	SOU_ASSERT(retry_ms_min <= retry_ms_max);
	dial->retry_ms = dial->retry_ms_min = retry_ms_min;
	dial->retry_ms_max = retry_ms_max;
}

void soud_dial_hold(struct soud_dial *dial, uint64_t ms)
{
	dial->hold_until_ms = uv_now(dial->net->loop) + ms;
	if (dial->state == SOUD_DIAL_WAITING && dial->next_ms < dial->hold_until_ms)
		wait_ms(dial, ms);
}

struct soud_link *soud_dial_link(const struct soud_dial *dial)
{
	return dial->state == SOUD_DIAL_UP ? dial->link : NULL;
}

struct soud_dial_status soud_dial_status(const struct soud_dial *dial)
{
	struct soud_dial_status status = {
		.state = dial->state,
		.attempts = dial->attempts,
		.end = dial->end,
		.ended = dial->ended,
	};
	uint64_t now_ms = uv_now(dial->net->loop);
	if (dial->state == SOUD_DIAL_WAITING && dial->next_ms > now_ms)
		status.next_ms = dial->next_ms - now_ms;
	memcpy(status.detail, dial->detail, sizeof status.detail);
	if (dial->link != NULL)
		memcpy(status.addr, soud_link_addr(dial->link)->text, sizeof status.addr);
	return status;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct soud_dial *dial = handle->data;
	forget_request(dial);
	free(dial);
}

void soud_dial_close(struct soud_dial *dial)
{
	if (dial == NULL)
		return;
	let_go(dial, false);
	uv_close((uv_handle_t *)&dial->timer, on_handle_closed);
}
