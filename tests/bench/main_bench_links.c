/* main_bench_links.c - W5 and W6: many sites of one process, linked to a real hub over real TLS,
 * each with its own key and the real session core. They hold the same records, so one replica that
 * is read only (ROOT/NAME, of the same organisation) is the view of all.
 *
 * usage: bench_links ROOT NAME HOST:PORT LINKS
 * Comes in, so that the hub has met all, goes, returns with nothing new, and stays until its
 * standard input ends. Says "up" when all are back and idle. Figures of the return: return_s (all
 * at once, until all are settled), return_in, return_out (bytes of the TCP streams per site,
 * handshake included), frames_in, frames_out (bytes of frames per site, both hellos among them),
 * round_trips (after the handshake, until settled), scopes (that a hello names). */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/net/link.h"
#include "daemon/replica/hub.h"
#include "daemon/replica/reader.h"
#include "tests/bench/crowd.h"
#include "tests/bench/meter.h"

#define LATE_MS  200000u
#define RETRY_MS 50u

struct remote;

struct bench {
	uv_loop_t loop;
	uv_timer_t late, tick;
	struct soud_net *net;
	struct soud_reader *reader;
	struct sou_view view;
	struct sockaddr_in hub_at;
	struct sou_hash pin;
	uint32_t count, open, settled;
	uint64_t bytes_in, bytes_out;
	uint32_t turns_max;
	struct remote *v;
};

struct remote { /* one site */
	struct bench *bench;
	uint32_t index;
	struct soud_tls *tls;
	struct soud_link *link;
	struct sou_session *session;
	struct sou_actions actions;
	uint64_t retry_ms; /* loop time; 0: none is due */
	uint32_t turns;    /* times that something was said after something was heard */
	bool heard, settled;
};

static void on_late(uv_timer_t *timer)
{
	(void)timer;
	crowd_die("links", "took too long");
}

static void end_link(struct remote *w)
{
	w->bench->open -= w->link != NULL;
	w->bench->settled -= w->settled;
	w->settled = false;
	w->link = NULL;
	sou_session_free(w->session);
	w->session = NULL;
}

static void act(struct remote *w, const struct sou_action *a)
{
	switch (a->kind) {
	case SOU_ACTION_SEND:
		w->turns += w->heard;
		w->heard = false;
		w->bench->bytes_out += a->send.n + 5;
		(void)soud_link_send_frame(w->link, a->send.kind, w->actions.bytes.p + a->send.at,
					   (uint32_t)a->send.n);
		break;
	case SOU_ACTION_STORE_NEWS:
	case SOU_ACTION_STORE_AUTHORITY:
	case SOU_ACTION_STORE_SIGNATURES:
	case SOU_ACTION_ENROL:
	case SOU_ACTION_NEW_LOG:
	case SOU_ACTION_CLAIM:
	case SOU_ACTION_ALARM:
	case SOU_ACTION_REFUSED:
		crowd_die("links", "the hub sent news to who has all, or refused");
	case SOU_ACTION_CLOSE:
		crowd_die("links", sou_bye_name((uint64_t)a->close.code));
	case SOU_ACTION_LIVE:
	case SOU_ACTION_ACKED:
	case SOU_ACTION_PASSED:
	case SOU_ACTION_JOINED:
	case SOU_ACTION_OWN_ALL:
	case SOU_ACTION_SETTLED:
	case SOU_ACTION_LOG:
		break;
	}
}

static void step(struct remote *w, struct sou_event *event)
{
	struct bench *b = w->bench;
	event->now_ms = uv_now(&b->loop);
	if (sou_session_step(w->session, &b->view, event, &w->actions) != SOU_OK)
		crowd_die("session", "no memory");
	for (size_t i = 0; i < w->actions.n && w->link != NULL; i++)
		act(w, &w->actions.v[i]);
	if (!w->settled && sou_session_state(w->session) == SOU_SESSION_LIVE &&
	    sou_session_quiet(w->session)) {
		w->settled = true;
		b->settled++;
		b->turns_max = w->turns > b->turns_max ? w->turns : b->turns_max;
		sou_actions_fini(&w->actions); /* idle links of one process */
	}
}

static void on_open(struct soud_link *link, void *data)
{
	struct remote *w = data;
	const struct soud_identity *me = soud_reader_identity(w->bench->reader);
	struct crowd_keys keys;
	struct sou_session_options o = {.net = me->net, .software = "bench"};
	w->link = link;
	w->bench->open++;
	crowd_link(w->index, &o.site, &keys);
	o.log = o.instance = o.site; /* any that are always the same */
	o.log.b[0] ^= 1;
	if (sou_session_new(&w->session, &o) != SOU_OK)
		crowd_die("session", "no memory");
	struct sou_event e = {.kind = SOU_EVENT_OPENED,
			      .opened = {.connecting = true, .tls = *soud_link_spki(link)}};
	step(w, &e);
}

static void on_frame(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	struct remote *w = data;
	(void)link;
	w->heard = true;
	w->bench->bytes_in += frame->body_bytes + 5;
	struct sou_event e = {
		.kind = SOU_EVENT_FRAME,
		.frame = {.kind = frame->kind, .body = {frame->body, frame->body_bytes}}};
	step(w, &e);
}

static void on_refused(struct soud_link *link, void *data, enum soud_link_end end,
		       const char *detail)
{
	struct remote *w = data;
	(void)link;
	(void)end;
	(void)detail;
	w->retry_ms = uv_now(&w->bench->loop) + RETRY_MS;
}

static void on_closed(struct soud_link *link, void *data, enum soud_link_end end,
		      const char *detail)
{
	struct remote *w = data;
	bool cut = end != SOUD_LINK_END_LOCAL;
	end_link(w);
	if (cut)
		on_refused(link, data, end, detail);
}

static const struct soud_link_cbs cbs = {
	.open_cb = on_open, .frame_cb = on_frame, .closed_cb = on_closed, .refused_cb = on_refused};

static void dial(struct remote *w)
{
	struct bench *b = w->bench;
	const struct soud_link_new args = {
		.net = b->net, .tls = w->tls, .cbs = &cbs, .data = w, .pin = &b->pin};
	struct soud_link *link;
	w->retry_ms = 0;
	if (soud_link_connect(&link, &args, (struct sockaddr *)&b->hub_at) != SOU_OK)
		crowd_die("links", "no connection");
}

/* Whoever was turned away tries again, as a daemon's dial does. */
static void on_tick(uv_timer_t *timer)
{
	struct bench *b = timer->data;
	uint64_t now = uv_now(&b->loop);
	for (uint32_t i = 0; i < b->count; i++)
		if (b->v[i].retry_ms != 0 && b->v[i].retry_ms <= now)
			dial(&b->v[i]);
}

static void open_all(struct bench *b)
{
	b->bytes_in = b->bytes_out = 0;
	b->turns_max = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		b->v[i].turns = 0;
		b->v[i].heard = false;
		dial(&b->v[i]);
	}
	while (b->settled < b->count)
		uv_run(&b->loop, UV_RUN_ONCE);
}

static void close_all(struct bench *b)
{
	soud_net_close_links(b->net, true);
	while (b->open > 0)
		uv_run(&b->loop, UV_RUN_ONCE);
}

static void wait_ms(struct bench *b, uint64_t ms)
{
	uint64_t until = uv_hrtime() / 1000000 + ms;
	while (uv_hrtime() / 1000000 < until)
		uv_run(&b->loop, UV_RUN_ONCE); /* the tick wakes it */
}

/* These sites wrote nothing; the author whose replica they look at did. */
static uint64_t nothing_acked(void *ctx, const struct sou_id *site, const struct sou_id *log,
			      const struct sou_id *scope)
{
	(void)ctx, (void)site, (void)log, (void)scope;
	return 0;
}

static void begin(struct bench *b, const char *path, const char *hub)
{
	struct sou_err err = {0};
	struct crowd_keys keys;
	struct sou_id site;
	char address[SOU_ADDRESS_BYTES_MAX + 1];
	if (uv_loop_init(&b->loop) != 0 || soud_net_new(&b->net, &b->loop, NULL, &err) != SOU_OK ||
	    soud_reader_open(&b->reader, path, NULL, &err) != SOU_OK ||
	    soud_hub_place(soud_reader_store(b->reader), address, &b->pin) != SOU_OK)
		crowd_die(path, err.text);
	soud_reader_view(b->reader, &b->view);
	b->view.acked = nothing_acked;
	const char *colon = strrchr(hub, ':');
	if (colon == NULL ||
	    uv_ip4_addr("127.0.0.1", (int)strtol(colon + 1, NULL, 10), &b->hub_at) != 0)
		crowd_die("address", hub);
	b->v = calloc(b->count, sizeof *b->v);
	for (uint32_t i = 0; b->v != NULL && i < b->count; i++) {
		b->v[i].bench = b;
		b->v[i].index = i;
		crowd_link(i, &site, &keys);
		if (soud_tls_new(&b->v[i].tls, keys.tls, &err) != SOU_OK)
			crowd_die("tls", err.text);
	}
	uv_timer_init(&b->loop, &b->late);
	uv_timer_start(&b->late, on_late, LATE_MS, 0);
	uv_unref((uv_handle_t *)&b->late);
	uv_timer_init(&b->loop, &b->tick);
	b->tick.data = b;
	uv_timer_start(&b->tick, on_tick, RETRY_MS / 2, RETRY_MS / 2);
}

static void end(struct bench *b)
{
	close_all(b);
	soud_net_close(b->net);
	uv_close((uv_handle_t *)&b->late, NULL);
	uv_close((uv_handle_t *)&b->tick, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&b->loop) != 0)
		crowd_die("links", "something is left in the loop");
	for (uint32_t i = 0; i < b->count; i++) {
		soud_tls_free(b->v[i].tls);
		sou_actions_fini(&b->v[i].actions);
	}
	free(b->v);
	soud_reader_close(b->reader);
}

static void come_back(struct bench *b)
{
	uint32_t scopes = 0;
	struct sou_view_scope scope;
	close_all(b);
	wait_ms(b, 500);
	double start = crowd_now_s();
	open_all(b);
	meter_figure("return_s", crowd_now_s() - start);
	wait_ms(b, 300);
	struct meter_tcp tcp = meter_tcp_now();
	meter_figure("return_in", (double)tcp.in / b->count);
	meter_figure("return_out", (double)tcp.out / b->count);
	meter_figure("frames_in", (double)b->bytes_in / b->count);
	meter_figure("frames_out", (double)b->bytes_out / b->count);
	meter_figure("round_trips", 1 + b->turns_max);
	while (b->view.scope_at(b->view.ctx, scopes, &scope))
		scopes++;
	meter_figure("scopes", scopes);
}

int main(int argc, char **argv)
{
	static struct bench b;
	char path[1024], byte;
	struct rlimit files;
	if (argc != 5)
		crowd_die("usage", "bench_links ROOT NAME HOST:PORT LINKS");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	b.count = (uint32_t)strtoul(argv[4], NULL, 10);
	snprintf(path, sizeof path, "%s/%s/replica.db", argv[1], argv[2]);
	begin(&b, path, argv[3]);
	open_all(&b);
	wait_ms(&b, 1500); /* what the hub notes lazily is noted */
	come_back(&b);
	puts("up");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	end(&b);
	return 0;
}
