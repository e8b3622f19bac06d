/* rig.c - the hub, the site and the callbacks that write down what happened. */
#include "tests/daemon/net/rig.h"

#include <stdio.h>

#define LATE_MS 30000 /* a hung test, even under a sanitizer on a busy machine */

static const uint8_t hub_seed[SOU_SEED_BYTES] = {1};
static const uint8_t site_seed[SOU_SEED_BYTES] = {2};

static void open_cb(struct soud_link *link, void *data)
{
	struct seen *seen = data;
	seen->opened++;
	seen->link = link;
	seen->addr = *soud_link_addr(link);
	if (seen->on_open != NULL)
		seen->on_open(link, seen);
}

static void frame_cb(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	struct seen *seen = data;
	seen->frames++;
	seen->body_bytes += frame->body_bytes;
	seen->last_kind = frame->kind;
	seen->last_bytes = frame->body_bytes;
	free(seen->last);
	seen->last = malloc(frame->body_bytes + 1);
	REQUIRE("rig", seen->last != NULL);
	memcpy(seen->last, frame->body, frame->body_bytes);
	if (seen->on_frame != NULL)
		seen->on_frame(link, seen, frame);
}

static void drain_cb(struct soud_link *link, void *data)
{
	struct seen *seen = data;
	seen->drained++;
	if (seen->on_drain != NULL)
		seen->on_drain(link, seen);
}

static void timer_cb(struct soud_link *link, void *data)
{
	(void)link;
	((struct seen *)data)->timed++;
}

static void note_end(struct seen *seen, enum soud_link_end end, const char *detail)
{
	seen->end = end;
	snprintf(seen->detail, sizeof seen->detail, "%s", detail);
}

static void closed_cb(struct soud_link *link, void *data, enum soud_link_end end,
		      const char *detail)
{
	struct seen *seen = data;
	note_end(seen, end, detail);
	seen->closed++;
	if (seen->link == link)
		seen->link = NULL;
	if (seen->on_closed != NULL)
		seen->on_closed(link, seen);
}

static void refused_cb(struct soud_link *link, void *data, enum soud_link_end end,
		       const char *detail)
{
	(void)link;
	note_end(data, end, detail);
	((struct seen *)data)->refused++;
}

const struct soud_link_cbs rig_cbs = {
	.open_cb = open_cb,
	.frame_cb = frame_cb,
	.drain_cb = drain_cb,
	.timer_cb = timer_cb,
	.closed_cb = closed_cb,
	.refused_cb = refused_cb,
};

struct soud_net_limits rig_limits(void)
{
	struct soud_net_limits limits;
	soud_net_limits_default(&limits);
	limits.tick_ms = 10;
	return limits;
}

static void on_guard(uv_timer_t *timer)
{
	((struct rig *)timer->data)->late = true;
}

static void on_pulse(uv_timer_t *timer)
{
	(void)timer;
}

void rig_begin(struct rig *rig, const struct soud_net_limits *limits)
{
	*rig = (struct rig){0};
	rig->limits = limits != NULL ? *limits : rig_limits();
	struct sou_err err = {0};
	REQUIRE("rig", uv_loop_init(&rig->loop) == 0);
	uv_timer_init(&rig->loop, &rig->guard);
	rig->guard.data = rig;
	uv_timer_start(&rig->guard, on_guard, LATE_MS, 0);
	uv_timer_init(&rig->loop, &rig->pulse);
	uv_timer_start(&rig->pulse, on_pulse, 5, 5);
	REQUIRE("rig", soud_net_new(&rig->net, &rig->loop, &rig->limits, &err) == SOU_OK);
	REQUIRE("rig", soud_tls_new(&rig->hub_tls, hub_seed, &err) == SOU_OK);
	REQUIRE("rig", soud_tls_new(&rig->site_tls, site_seed, &err) == SOU_OK);
	int rc = soud_listen_new(&rig->listen, rig->net, rig->hub_tls, "127.0.0.1:0", &rig_cbs,
				 &rig->hub, &err);
	CHECK_STR("rig", err.text, "");
	REQUIRE("rig", rc == SOU_OK);
	uv_ip4_addr("127.0.0.1", soud_listen_port(rig->listen), &rig->hub_at);
}

static void close_rest(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void rig_end(struct rig *rig, const char *name)
{
	soud_listen_close(rig->listen);
	soud_net_close_links(rig->net, false);
	while (soud_net_stats(rig->net).links_open > 0)
		REQUIRE(name, rig_turn(rig));
	struct soud_net_stats stats = soud_net_stats(rig->net);
	CHECK_U64(name, stats.held_bytes, ==, 0);
	CHECK_U64(name, stats.handshakes, ==, 0);
	CHECK_U64(name, stats.parked, ==, 0);
	soud_net_close(rig->net);
	soud_tls_free(rig->hub_tls);
	soud_tls_free(rig->site_tls);
	uv_close((uv_handle_t *)&rig->guard, NULL);
	uv_close((uv_handle_t *)&rig->pulse, NULL);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	int rc = uv_loop_close(&rig->loop);
	CHECK_INT(name, rc, ==, 0);
	if (rc != 0) { /* what is left would spoil the next test */
		uv_walk(&rig->loop, close_rest, NULL);
		uv_run(&rig->loop, UV_RUN_DEFAULT);
		uv_loop_close(&rig->loop);
	}
	free(rig->hub.last);
	free(rig->site.last);
}

struct soud_link *rig_link_to(struct rig *rig, const struct sockaddr_in *to,
			      const struct sou_hash *pin)
{
	const struct soud_link_new args = {
		.net = rig->net,
		.tls = rig->site_tls,
		.cbs = &rig_cbs,
		.data = &rig->site,
		.pin = pin,
	};
	struct soud_link *link = NULL;
	REQUIRE("rig", soud_link_connect(&link, &args, (const struct sockaddr *)to) == SOU_OK);
	return link;
}

struct soud_link *rig_link(struct rig *rig)
{
	struct sou_hash pin = soud_tls_spki(rig->hub_tls);
	return rig_link_to(rig, &rig->hub_at, &pin);
}

void rig_open(struct rig *rig, const char *name)
{
	int hub = rig->hub.opened, site = rig->site.opened;
	rig_link(rig);
	RIG_UNTIL(rig, name, rig->hub.opened > hub && rig->site.opened > site);
}

bool rig_turn(struct rig *rig)
{
	uv_run(&rig->loop, UV_RUN_ONCE);
	return !rig->late;
}

void rig_go_on(struct rig *rig, const char *name, uint64_t ms)
{
	uint64_t end_ms = uv_now(&rig->loop) + ms;
	RIG_UNTIL(rig, name, uv_now(&rig->loop) >= end_ms);
}
