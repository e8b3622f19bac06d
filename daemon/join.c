/* join.c - the exchange of soud_join on a loop of its own.
 *
 *   dialling --open--> asked --joined--> done
 *       \--refused, closed, bye, time out--> done (with why) */
#include "daemon/join.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "daemon/core.h"
#include "daemon/diagnose.h"
#include "daemon/keys/keys.h"
#include "daemon/keys/guard.h"
#include "daemon/keys/proxy_auth.h"
#include "daemon/net/dial.h"
#include "daemon/replica/hub.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define RETRY_MS 60000u /* the first end of an attempt ends the whole */

struct exchange {
	uv_loop_t loop;
	uv_timer_t timer, watch;
	struct soud_net *net;
	struct soud_tls *tls;
	struct soud_dial *dial;
	const struct soud_join_args *args;
	struct soud_joining joining;
	struct soud_join_result *result;
	struct sou_err *err;
	int rc;
	bool done;
};

static uint64_t no_jitter(void *ctx)
{
	(void)ctx;
	return 0;
}

/* Outside of every callback of the network room: let everything of the loop go. */
static void teardown_cb(uv_timer_t *timer)
{
	struct exchange *x = timer->data;
	uv_close((uv_handle_t *)timer, NULL);
	uv_close((uv_handle_t *)&x->watch, NULL);
	soud_dial_close(x->dial);
	soud_net_close_links(x->net, false);
	soud_net_close(x->net);
}

/* The first outcome counts. */
static void finish(struct exchange *x, int rc, enum sou_msg label, const char *reason)
{
	if (x->done)
		return;
	x->done = true;
	x->rc = rc;
	if (rc != SOU_OK) {
		x->result->label = label;
		(void)snprintf(x->result->reason, sizeof x->result->reason, "%s", reason);
		(void)sou_err_set(x->err, rc, "join: %s", reason);
	}
	uv_timer_start(&x->timer, teardown_cb, 0, 0);
}

static void open_cb(struct soud_link *link, void *data)
{
	struct exchange *x = data;
	uint8_t exporter[SOUD_TLS_EXPORTER_BYTES];
	struct sou_buf body = {0};
	int rc = soud_link_exporter(link, exporter);
	if (rc == SOU_OK)
		rc = soud_join_sign(&x->joining.join, x->args->invite, exporter);
	if (rc == SOU_OK)
		sou_join_pack(&body, &x->joining.join);
	if (rc == SOU_OK && body.failed)
		rc = SOU_ENOMEM;
	if (rc == SOU_OK)
		rc = soud_link_send_frame(link, SOU_FRAME_JOIN, body.p, (uint32_t)body.n);
	sou_buf_fini(&body);
	if (rc != SOU_OK)
		finish(x, rc, SOU_MSG_LINK_TLS, sou_err_text(rc));
}

static void farewell(struct exchange *x, struct sou_span body)
{
	struct sou_farewell bye;
	if (sou_bye_unpack(&bye, body) != SOU_OK) {
		finish(x, SOU_EPROTO, SOU_MSG_LINK_PROTOCOL, "bye");
		return;
	}
	x->result->bye = (unsigned)(bye.code <= SOU_BYE_ROLLED_BACK ? bye.code : SOU_BYE_FORMAT);
	finish(x, SOU_EDENIED,
	       bye.code == SOU_BYE_VERSION ? SOU_MSG_LINK_VERSION : SOU_MSG_LINK_DENIED,
	       sou_bye_name(bye.code));
}

static void frame_cb(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	(void)link;
	struct exchange *x = data;
	const struct sou_span body = {frame->body, frame->body_bytes};
	struct sou_hash op;
	if (frame->kind == SOU_FRAME_JOINED) {
		int rc = sou_joined_unpack(&op, body);
		finish(x, rc == SOU_OK ? SOU_OK : SOU_EPROTO, SOU_MSG_LINK_PROTOCOL, "joined");
	} else if (frame->kind == SOU_FRAME_BYE) {
		farewell(x, body);
	} else if (frame->kind <= SOU_FRAME_JOINED) {
		finish(x, SOU_EPROTO, SOU_MSG_LINK_PROTOCOL,
		       sou_frame_name(frame->kind)); /* others are passed over: P11.2 */
	}
}

/* An end before the answer, of an attempt or of an open link. */
static void end_cb(struct soud_link *link, void *data, enum soud_link_end end, const char *detail)
{
	(void)link;
	struct exchange *x = data;
	char reason[128];
	(void)snprintf(reason, sizeof reason, "%s%s%s", soud_link_end_text(end),
		       detail[0] != '\0' ? ": " : "", detail);
	enum sou_msg label = soud_diagnose_end(end, detail);
	finish(x, end == SOUD_LINK_END_PIN ? SOU_EKEY : SOU_EAGAIN,
	       label != SOU_MSG_COUNT ? label : SOU_MSG_LINK_CLOSED, reason);
}

/* It did not open: with another key nothing else is tried; else the next address is (watch_cb). */
static void refused_cb(struct soud_link *link, void *data, enum soud_link_end end,
		       const char *detail)
{
	if (end == SOUD_LINK_END_PIN)
		end_cb(link, data, end, detail);
}

#define WATCH_MS 50u

/* Every address was tried, or there is none: the dial would wait, a person would not. */
static void watch_cb(uv_timer_t *timer)
{
	struct exchange *x = timer->data;
	struct soud_dial_status status = soud_dial_status(x->dial);
	if (status.state != SOUD_DIAL_WAITING || x->done)
		return;
	char reason[256];
	(void)snprintf(reason, sizeof reason, "%s%s%s", soud_link_end_text(status.end),
		       status.detail[0] != '\0' ? ": " : "", status.detail);
	enum sou_msg label = soud_diagnose_end(status.end, status.detail);
	finish(x, SOU_EAGAIN, label != SOU_MSG_COUNT ? label : SOU_MSG_LINK_CLOSED, reason);
}

static void timeout_cb(uv_timer_t *timer)
{
	struct exchange *x = timer->data;
	struct soud_dial_status status = soud_dial_status(x->dial);
	finish(x, SOU_EAGAIN, SOU_MSG_LINK_TIMEOUT,
	       status.detail[0] != '\0' ? status.detail : "time out");
}

static int tls_open(struct exchange *x)
{
	char path[1200];
	struct sou_buf pem = {0};
	int rc = soud_key_path(x->args->data_dir, SOUD_KEY_TLS, 0, path, sizeof path);
	if (rc != SOU_OK)
		return sou_err_set(x->err, rc, "join: the directory's name is too long");
	rc = soud_guard_read(path, 4096, &pem, x->err);
	if (rc == SOU_OK)
		rc = soud_tls_new_pem(&x->tls, pem.p, pem.n, x->err);
	if (pem.p != NULL)
		explicit_bzero(pem.p, pem.cap);
	sou_buf_fini(&pem);
	return rc;
}

/* Dial, ask, wait for the answer. */
static int exchange_run(struct exchange *x)
{
	static const struct soud_link_cbs cbs = {.open_cb = open_cb,
						 .frame_cb = frame_cb,
						 .closed_cb = end_cb,
						 .refused_cb = refused_cb};
	if (uv_loop_init(&x->loop) != 0)
		return sou_err_set(x->err, SOU_EIO, "join: no event loop");
	int rc = soud_net_new(&x->net, &x->loop, NULL, x->err);
	if (rc != SOU_OK)
		goto out;
	struct soud_dial_args dial = {
		.net = x->net,
		.tls = x->tls,
		.hostport = x->joining.address,
		.proxy = x->args->proxy,
		.pin = x->joining.hub_tls,
		.retry_ms_min = RETRY_MS,
		.retry_ms_max = RETRY_MS,
		.random_cb = no_jitter,
		.cbs = &cbs,
		.data = x,
	};
	struct sou_buf auth = {0};
	if (dial.proxy != NULL && dial.proxy[0] != '\0')
		rc = soud_proxy_auth_read(x->args->proxy_auth, &auth, x->err);
	dial.proxy_auth = sou_buf_span(&auth);
	if (rc == SOU_OK)
		rc = soud_dial_new(&x->dial, &dial, x->err);
	if (auth.p != NULL)
		sou_cleanse(auth.p, auth.cap);
	sou_buf_fini(&auth);
	if (rc != SOU_OK) {
		soud_net_close(x->net);
		goto out;
	}
	(void)uv_timer_init(&x->loop, &x->timer); /* cannot fail: it joins a list */
	(void)uv_timer_init(&x->loop, &x->watch);
	x->timer.data = x->watch.data = x;
	uv_timer_start(&x->watch, watch_cb, WATCH_MS, WATCH_MS);
	uv_timer_start(&x->timer, timeout_cb, x->args->timeout_ms, 0);
	soud_dial_resume(x->dial);
	(void)uv_run(&x->loop, UV_RUN_DEFAULT);
	rc = x->rc;
out:
	(void)uv_run(&x->loop, UV_RUN_DEFAULT); /* what still closes */
	int left = uv_loop_close(&x->loop);
	SOU_ASSERT(left == 0);
	return rc;
}

int soud_join(const struct soud_join_args *args, struct soud_join_result *out, struct sou_err *err)
{
	struct exchange x = {.args = args, .result = out, .err = err, .rc = SOU_EIO};
	struct soud_replica_env env;
	soud_core_env(&env);
	*out = (struct soud_join_result){.label = SOU_MSG_LINK_UNREACHABLE};
	int rc = soud_join_prepare(&x.joining, args->data_dir, args->state_dir, args->invite, &env,
				   err);
	if (rc != SOU_OK)
		return rc;
	(void)snprintf(out->address, sizeof out->address, "%s", x.joining.address);
	rc = tls_open(&x);
	if (rc == SOU_OK)
		rc = exchange_run(&x);
	soud_tls_free(x.tls);
	if (rc == SOU_OK)
		rc = soud_join_finish(args->data_dir, args->state_dir, args->invite, &env, err);
	return rc;
}
