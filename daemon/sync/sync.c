/* sync.c - the set of links: made, woken, told to stop. */
#include "daemon/sync/sync_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/keys/guard.h"
#include "daemon/keys/keys.h"
#include "daemon/log.h"
#include "daemon/net/netwatch.h"
#include "daemon/replica/damage.h"
#include "daemon/replica/hub.h"

uint64_t soud_wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A commit: sessions of these scopes send what is new; on authority every link is walked (R18). */
static void on_committed(void *data, const struct soud_notice *notice)
{
	struct soud_sync *s = data;
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		if (notice->authority) {
			struct sou_event e = {.kind = SOU_EVENT_AUTHORITY};
			soud_peer_event(p, &e);
		}
		for (size_t i = 0; i < notice->scope_count; i++) {
			struct sou_event e = {
				.kind = SOU_EVENT_NEWS,
				.news = {notice->scopes[i].scope, notice->scopes[i].last}};
			soud_peer_event(p, &e);
		}
	}
}

/* R21, R22, P11.12: what was refused for want of room, or because a scope was damaged, is sent
 * again in a new session. */
static bool begins_anew(const struct soud_sync *s, const struct peer *p)
{
	if (p->closing || p->jobs > 0 || (!p->no_room && !p->damaged))
		return false;
	if (p->damaged && soud_reader_damage(soud_core_reader(s->core))->count > 0)
		return false;
	return !soud_core_broken(s->core) && soud_core_space(s->core).state != SOUD_SPACE_READ_ONLY;
}

/* R22: what was left out while it was damaged goes to everybody once it is repaired. */
static void watch_damage(struct soud_sync *s)
{
	bool damaged = soud_reader_damage(soud_core_reader(s->core))->count > 0;
	for (struct peer *p = s->peers; p != NULL; p = p->next)
		p->damaged |= s->damaged;
	s->damaged = damaged;
}

static void on_tick(uv_timer_t *timer)
{
	struct soud_sync *s = timer->data;
	watch_damage(s);
	soud_log_tick();
	soud_sync_contact_put(s);
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		if (begins_anew(s, p)) {
			struct sou_event stop = {.kind = SOU_EVENT_STOP};
			soud_peer_log(SOUD_EVENT_SESSION_NOTE, "R21",
				      "it can be stored again: a new session", p, NULL);
			soud_peer_event(p, &stop);
			continue;
		}
		struct sou_event e = {.kind = SOU_EVENT_TICK};
		soud_peer_event(p, &e);
	}
}

static void on_flush(uv_timer_t *timer)
{
	struct soud_sync *s = timer->data;
	s->flush_armed = false;
	for (struct peer *p = s->peers; p != NULL; p = p->next)
		soud_peer_flush(p);
}

void soud_sync_arm_flush(struct soud_sync *s)
{
	if (s->flush_armed || s->closing)
		return;
	s->flush_armed = true;
	uint64_t ms = s->listen != NULL ? SOUD_SYNC_FLUSH_HUB_MS : SOUD_SYNC_FLUSH_SITE_MS;
	(void)uv_timer_start(&s->flush, on_flush, ms, 0);
}

static void on_network(void *data)
{
	struct soud_sync *s = data;
	if (s->dial != NULL)
		soud_dial_net_changed(s->dial);
}

static uint64_t dial_random(void *data)
{
	(void)data;
	uint64_t v = 0;
	if (uv_random(NULL, NULL, &v, sizeof v, 0, NULL) != 0)
		v = uv_hrtime();
	return v;
}

/* The hub's pin: the TLS key that authority lists for the site of the genesis op; before authority
 * has come, the one that the invite named. */
static bool hub_pin(struct soud_sync *s, struct sou_hash *pin)
{
	struct soud_reader *v = soud_core_reader(s->core);
	const struct sou_authority *a = soud_reader_authority(v);
	struct sou_hash genesis = sou_authority_genesis(a);
	const struct sou_line *first = sou_authority_line(a, &genesis);
	const struct sou_line *now = first != NULL ? sou_authority_site(a, &first->site) : NULL;
	char address[SOU_ADDRESS_BYTES_MAX + 1];
	if (now == NULL)
		return soud_hub_place(soud_reader_store(v), address, pin) == SOU_OK;
	*pin = now->tls;
	return true;
}

static int start_dial(struct soud_sync *s, struct sou_err *err)
{
	struct soud_dial_args args = {.net = s->net,
				      .tls = s->tls,
				      .hostport = s->o.connect,
				      .proxy = s->o.proxy,
				      .proxy_auth = s->o.proxy_auth,
				      .retry_ms_min = s->o.backoff_ms_min,
				      .retry_ms_max = s->o.backoff_ms_max,
				      .random_cb = dial_random,
				      .cbs = &soud_peer_cbs,
				      .data = s};
	if (!hub_pin(s, &args.pin))
		return sou_err_set(err, SOU_EUNKNOWN, "authority names no hub: join again");
	int rc = soud_dial_new(&s->dial, &args, err);
	if (rc != SOU_OK)
		return rc;
	/* Without the monitor the back-off alone brings it back. */
	if (soud_netwatch_new(&s->watch, s->loop, on_network, s, NULL) != SOU_OK)
		s->watch = NULL;
	if (!s->paused)
		soud_dial_resume(s->dial);
	return SOU_OK;
}

static int open_tls(struct soud_sync *s, struct sou_err *err)
{
	char path[1100];
	int rc = soud_key_place(soud_core_data_dir(s->core), SOUD_KEY_TLS, 0, path, sizeof path);
	if (rc != SOU_OK)
		return sou_err_set(err, rc, "the name of the data directory is too long");
	struct sou_buf pem = {0};
	rc = soud_guard_read(path, 16384, &pem, err);
	if (rc == SOU_OK)
		rc = soud_tls_new_pem(&s->tls, pem.p, pem.n, err);
	if (pem.p != NULL)
		sou_cleanse(pem.p, pem.cap);
	sou_buf_fini(&pem);
	return rc;
}

static void start_timers(struct soud_sync *s)
{
	(void)uv_timer_init(s->loop, &s->tick);
	(void)uv_timer_init(s->loop, &s->flush);
	s->tick.data = s->flush.data = s;
	s->handles = 2;
	(void)uv_timer_start(&s->tick, on_tick, SOUD_SYNC_TICK_MS, SOUD_SYNC_TICK_MS);
}

static void checked(void *data, struct soud_job *job)
{
	struct soud_sync *s = data;
	soud_core_post(s->core, job);
}

static bool is_idle(void *data)
{
	struct soud_sync *s = data;
	return soud_core_waiting(s->core) == 0;
}

static const struct sou_authority *authority(void *data)
{
	struct soud_sync *s = data;
	return soud_reader_authority(soud_core_reader(s->core));
}

static int new_checker(struct soud_sync *s)
{
	const struct soud_checker_use use = {
		.data = s,
		.post = checked,
		.idle = is_idle,
		.authority = authority,
		.verifier = &sou_verifier_ed25519,
		.every_signature = soud_reader_identity(soud_core_reader(s->core))->hub};
	return soud_checker_new(&s->checker, s->loop, &use);
}

int soud_sync_new(struct soud_sync **out, uv_loop_t *loop, struct soud_core *core,
		  const struct soud_sync_options *options, struct sou_err *err)
{
	struct soud_sync *s = calloc(1, sizeof *s);
	if (s == NULL)
		return sou_err_set(err, SOU_ENOMEM, "sync: no memory");
	s->loop = loop;
	s->core = core;
	s->o = *options;
	s->paused = options->paused;
	soud_reader_view(soud_core_reader(core), &s->view);
	int rc = new_checker(s);
	if (rc == SOU_OK)
		rc = soud_net_new(&s->net, loop, NULL, err);
	if (rc != SOU_OK) {
		soud_checker_free(s->checker);
		free(s);
		return rc;
	}
	start_timers(s);
	soud_sync_contact_read(s);
	s->listener = (struct soud_listener){.committed = on_committed, .data = s};
	soud_core_listen(core, &s->listener);
	rc = open_tls(s, err);
	if (rc == SOU_OK && options->listen != NULL && options->listen[0] != '\0')
		rc = soud_listen_new(&s->listen, s->net, s->tls, options->listen, &soud_peer_cbs, s,
				     err);
	if (rc == SOU_OK && options->connect != NULL && options->connect[0] != '\0')
		rc = start_dial(s, err);
	s->o.proxy_auth = (struct sou_span){NULL, 0}; /* the caller's, who wipes it */
	if (rc != SOU_OK) {
		soud_sync_close(s, NULL, NULL);
		return rc;
	}
	*out = s;
	return SOU_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct soud_sync *s = handle->data;
	s->handles--;
	soud_sync_maybe_closed(s);
}

void soud_sync_maybe_closed(struct soud_sync *s)
{
	if (!s->closing || s->peers != NULL || s->handles > 0)
		return;
	void (*closed_cb)(void *data) = s->closed_cb;
	void *data = s->closed_data;
	soud_net_close(s->net);
	soud_tls_free(s->tls);
	soud_checker_free(s->checker);
	sou_actions_fini(&s->actions);
	free(s);
	if (closed_cb != NULL)
		closed_cb(data);
}

void soud_sync_close(struct soud_sync *s, void (*closed_cb)(void *data), void *data)
{
	s->closing = true;
	s->closed_cb = closed_cb;
	s->closed_data = data;
	soud_core_unlisten(s->core, &s->listener);
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		struct sou_event e = {.kind = SOU_EVENT_STOP};
		soud_peer_event(p, &e);
	}
	soud_listen_close(s->listen);
	soud_dial_close(s->dial);
	soud_netwatch_close(s->watch);
	s->listen = NULL;
	s->dial = NULL;
	soud_net_close_links(s->net, true);
	uv_close((uv_handle_t *)&s->tick, on_timer_closed);
	uv_close((uv_handle_t *)&s->flush, on_timer_closed);
}

uint16_t soud_sync_port(const struct soud_sync *s)
{
	return s->listen != NULL ? soud_listen_port(s->listen) : 0;
}

void soud_sync_backoff(struct soud_sync *s, uint32_t ms_min, uint32_t ms_max)
{
	s->o.backoff_ms_min = ms_min;
	s->o.backoff_ms_max = ms_max;
	if (s->dial != NULL)
		soud_dial_backoff(s->dial, ms_min, ms_max);
}

void soud_sync_now(struct soud_sync *s)
{
	if (s->dial != NULL && !s->paused)
		soud_dial_now(s->dial);
}

void soud_sync_forget_why(struct soud_sync *s)
{
	s->bye = NULL;
	s->other_instance = false;
}

void soud_sync_pause(struct soud_sync *s)
{
	s->paused = true;
	soud_sync_forget_why(s);
	if (s->dial != NULL)
		soud_dial_pause(s->dial);
}

void soud_sync_resume(struct soud_sync *s)
{
	s->paused = false;
	if (s->dial != NULL)
		soud_dial_resume(s->dial);
}

struct soud_net_stats soud_sync_net(const struct soud_sync *s)
{
	return soud_net_stats(s->net);
}

int soud_sync_queued(struct soud_reader *v, uint64_t *count, int64_t *oldest_ms)
{
	struct soud_store *store = soud_reader_store(v);
	uint32_t scopes = 0;
	uint64_t total = 0;
	int64_t oldest = 0;
	int rc = soud_reader_identity(v)->hub ? SOU_OK : soud_store_scope_count(store, &scopes);
	for (uint32_t n = 1; rc == SOU_OK && n <= scopes; n++) {
		struct sou_id scope;
		struct soud_delivery d;
		struct soud_log_counts counts = {0};
		int64_t ms = 0;
		rc = soud_store_scope_id(store, n, &scope);
		if (rc == SOU_OK)
			rc = soud_reader_delivery(v, &scope, &d);
		if (rc == SOU_OK)
			rc = soud_store_log_counts(store, n, d.acked, &counts);
		if (rc != SOU_OK || counts.own == 0)
			continue;
		total += counts.own;
		rc = soud_store_own_first(store, n, d.acked, &ms);
		if (rc == SOU_OK && (oldest == 0 || ms < oldest))
			oldest = ms;
	}
	if (rc != SOU_OK)
		return rc;
	*count = total;
	*oldest_ms = oldest;
	return SOU_OK;
}

void soud_sync_status(const struct soud_sync *s, struct soud_sync_status *out)
{
	*out = (struct soud_sync_status){
		.listens = s->listen != NULL,
		.dials = s->dial != NULL,
		.paused = s->paused,
		.hub_contact_ms = s->hub_contact_ms,
		.entries_in = s->entries_in,
		.entries_out_bytes = s->entries_out_bytes,
		.acks_in = s->acks_in,
		.alarms = s->alarms,
		.refused = s->refused,
		.turned_away = s->turned_away,
		.bye = s->bye,
		.other_instance = s->other_instance,
		.bad_signatures = s->bad_signatures,
		.hub_clock_known = s->hub_clock_known,
		.hub_clock_ms = s->hub_clock_ms,
		.refusal = s->refusal[0] != '\0' ? s->refusal : NULL,
	};
	memcpy(out->refusals_given, s->refusals_given, sizeof out->refusals_given);
	memcpy(out->refusals_got, s->refusals_got, sizeof out->refusals_got);
	if (s->dial != NULL)
		out->dial = soud_dial_status(s->dial);
	for (const struct peer *p = s->peers; p != NULL; p = p->next) {
		if (p->link == NULL || p->closing)
			continue;
		out->links++;
		out->live += p->live;
		if (p->live && soud_link_is_outgoing(p->link)) {
			out->hub_live = true;
			out->settled = p->settled;
			out->quiet = sou_session_quiet(p->session) && p->jobs == 0 &&
				     p->late_count == 0 &&
				     soud_core_unconfirmed(s->core) == SOUD_FENCE_AGREES;
		}
	}
}

void soud_sync_settle(struct soud_sync *s, bool anew)
{
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		if (p->link == NULL || p->closing || !p->live || !soud_link_is_outgoing(p->link) ||
		    (p->settling && !(anew && p->settled)))
			continue;
		p->settling = true;
		p->settled = false;
		struct sou_event e = {.kind = SOU_EVENT_SETTLE};
		soud_peer_event(p, &e);
	}
}

size_t soud_sync_links(const struct soud_sync *s, struct soud_sync_link *out, size_t max)
{
	size_t n = 0;
	for (const struct peer *p = s->peers; p != NULL; p = p->next) {
		if (p->link == NULL || p->closing)
			continue;
		if (n < max) {
			out[n] = (struct soud_sync_link){.site = p->from.site,
							 .outgoing = soud_link_is_outgoing(p->link),
							 .live = p->live,
							 .withdrawn = p->withdrawn,
							 .quiet = sou_session_quiet(p->session),
							 .contact_ms = p->contact_ms};
			(void)snprintf(out[n].addr, sizeof out[n].addr, "%s",
				       soud_link_addr(p->link)->text);
		}
		n++;
	}
	return n;
}

void soud_sync_want(struct soud_sync *s, const struct sou_id *scope, const struct sou_id *versions,
		    uint32_t count)
{
	for (struct peer *p = s->peers, *next; p != NULL; p = next) {
		next = p->next;
		struct sou_event e = {.kind = SOU_EVENT_WANT, .want = {*scope, versions, count}};
		soud_peer_event(p, &e);
	}
}
