/* metrics.c - the page is written in the order of the table: one function a line of it, so that a
 * metric's samples always stand together under its head. */
#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/backlog.h"
#include "daemon/log.h"
#include "proto/msg.h"

struct page {
	FILE *to;
	struct soud_daemon *daemon;
	struct soud_sync_status sync;
	struct soud_net_stats net;
	struct soud_reader *reader;
	struct soud_store *store;
	bool hub;
	int rc; /* of the store: the page is not sent then */
};

struct metric {
	const char *name, *type, *label, *ja, *en;
	void (*write)(struct page *p, const struct metric *m);
};

static void sample(struct page *p, const struct metric *m, const char *label, uint64_t value)
{
	if (m->label[0] == '\0')
		(void)fprintf(p->to, "%s %" PRIu64 "\n", m->name, value);
	else
		(void)fprintf(p->to, "%s{%s=\"%s\"} %" PRIu64 "\n", m->name, m->label, label,
			      value);
}

/* Milliseconds as seconds. */
static void sample_ms(struct page *p, const struct metric *m, uint64_t ms)
{
	(void)fprintf(p->to, "%s %" PRIu64 ".%03" PRIu64 "\n", m->name, ms / 1000, ms % 1000);
}

/* One of `count` words is that of now. */
static void states(struct page *p, const struct metric *m, const char *const *words, size_t count,
		   const char *now)
{
	for (size_t i = 0; i < count; i++)
		sample(p, m, words[i], strcmp(words[i], now) == 0);
}

static void write_BUILD(struct page *p, const struct metric *m)
{
	sample(p, m, SOU_VERSION, 1);
}

static void write_LINKS(struct page *p, const struct metric *m)
{
	sample(p, m, "open", p->sync.links);
	sample(p, m, "live", p->sync.live);
}

static void write_HUB_CONNECTED(struct page *p, const struct metric *m)
{
	if (!p->hub)
		sample(p, m, "", p->sync.hub_live);
}

static void write_HUB_CONTACT(struct page *p, const struct metric *m)
{
	if (!p->hub && p->sync.hub_contact_ms > 0)
		sample_ms(p, m, p->sync.hub_contact_ms);
}

static void write_BACKLOG(struct page *p, const struct metric *m)
{
	struct soud_backlog *list = NULL;
	size_t count = 0;
	int rc = soud_backlog_read(p->reader, &list, &count);
	if (rc != SOU_OK)
		p->rc = rc;
	for (size_t i = 0; i < count; i++) {
		char hex[17];
		for (size_t k = 0; k < 8; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", list[i].site.b[k]);
		sample(p, m, hex, list[i].entries);
	}
	free(list);
}

static void write_OLDEST(struct page *p, const struct metric *m)
{
	uint64_t count = 0, now = soud_wall_ms();
	int64_t oldest_ms = 0;
	if (soud_sync_queued(p->reader, &count, &oldest_ms) != SOU_OK)
		p->rc = SOU_ESTORE;
	uint64_t since = oldest_ms > 0 ? (uint64_t)oldest_ms : now;
	sample_ms(p, m, now > since ? now - since : 0);
}

static void write_ENTRIES(struct page *p, const struct metric *m)
{
	uint64_t counts[SOUD_VERDICT_KINDS] = {0}, all = 0, held = 0, last;
	uint32_t scopes = 0;
	p->rc = p->rc == SOU_OK ? soud_store_verdict_counts(p->store, counts) : p->rc;
	if (p->rc == SOU_OK)
		p->rc = soud_store_scope_count(p->store, &scopes);
	for (uint32_t n = 1; p->rc == SOU_OK && n <= scopes; n++) {
		p->rc = soud_store_scope_last(p->store, n, &last);
		all += p->rc == SOU_OK ? last : 0;
	}
	for (int v = SOU_ACCEPTED + 1; v < SOU_VERDICT_NONE; v++)
		held += counts[v];
	sample(p, m, sou_verdict_name(SOU_ACCEPTED), all - held);
	for (int v = SOU_ACCEPTED + 1; v < SOU_VERDICT_NONE; v++)
		sample(p, m, sou_verdict_name((enum sou_verdict)v), counts[v]);
}

static void write_ENTRIES_IN(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->sync.entries_in);
}

static void write_BYTES_OUT(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->sync.entries_out_bytes);
}

static void refusals(struct page *p, const struct metric *m, const uint64_t by[SOUD_REFUSALS])
{
	sample(p, m, "other", by[0]);
	for (uint64_t code = SOU_REFUSE_NEVER_RIGHT; code <= SOU_REFUSE_INSTANCE; code++)
		sample(p, m, sou_refuse_name(code), by[code]);
}

static void write_REFUSALS_GIVEN(struct page *p, const struct metric *m)
{
	refusals(p, m, p->sync.refusals_given);
}

static void write_REFUSALS_GOT(struct page *p, const struct metric *m)
{
	refusals(p, m, p->sync.refusals_got);
}

static void write_BAD_SIGNATURES(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->sync.bad_signatures);
}

static void write_ALARMS(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->sync.alarms);
}

static void write_HANDSHAKES(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->net.links_refused);
}

static void write_ACCEPTS(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->net.accepts_refused);
}

static void write_TURNED_AWAY(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->sync.turned_away);
}

static void write_DEFERRED(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->net.accepts_deferred);
}

static void write_COMMITS(struct page *p, const struct metric *m)
{
	struct soud_commit_times t;
	uint64_t sum = 0;
	soud_core_commit_times(p->daemon->core, &t);
	for (size_t i = 0; i < SOUD_COMMIT_BUCKETS; i++) {
		sum += t.bucket[i];
		(void)fprintf(p->to, "%s_bucket{le=\"%u.%03u\"} %" PRIu64 "\n", m->name,
			      soud_commit_bounds_ms[i] / 1000, soud_commit_bounds_ms[i] % 1000,
			      sum);
	}
	sum += t.bucket[SOUD_COMMIT_BUCKETS];
	(void)fprintf(p->to,
		      "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 ".%06" PRIu64
		      "\n%s_count %" PRIu64 "\n",
		      m->name, sum, m->name, t.sum_us / 1000000, t.sum_us % 1000000, m->name, sum);
}

static void write_COMMIT_FAILURES(struct page *p, const struct metric *m)
{
	struct soud_commit_times t;
	soud_core_commit_times(p->daemon->core, &t);
	sample(p, m, "", t.failed);
}

static void write_WAITING(struct page *p, const struct metric *m)
{
	sample(p, m, "", soud_core_waiting(p->daemon->core));
}

static void write_FILES(struct page *p, const struct metric *m)
{
	static const char *const names[] = {"replica.db", "replica.db-wal"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[1100];
		struct stat st;
		(void)snprintf(path, sizeof path, "%s/%s", soud_core_data_dir(p->daemon->core),
			       names[i]);
		sample(p, m, names[i], stat(path, &st) == 0 ? (uint64_t)st.st_size : 0);
	}
}

static void write_DISK_FREE(struct page *p, const struct metric *m)
{
	sample(p, m, "", soud_core_space(p->daemon->core).free_bytes);
}

static void write_DISK_STATE(struct page *p, const struct metric *m)
{
	const char *const words[] = {soud_space_name(SOUD_SPACE_OK),
				     soud_space_name(SOUD_SPACE_LOW),
				     soud_space_name(SOUD_SPACE_READ_ONLY)};
	states(p, m, words, 3, soud_space_name(soud_core_space(p->daemon->core).state));
}

const char *soud_daemon_mode(const struct soud_daemon *daemon)
{
	switch (soud_core_health(daemon->core)) {
	case SOUD_HEALTH_DEGRADED:
		return "degraded";
	case SOUD_HEALTH_RECOVERING:
		return "recovering";
	case SOUD_HEALTH_GOOD:
		break;
	}
	return soud_core_unconfirmed(daemon->core) != SOUD_FENCE_AGREES ? "unconfirmed" : "normal";
}

static void write_MODE(struct page *p, const struct metric *m)
{
	static const char *const words[] = {"normal", "unconfirmed", "recovering", "degraded"};
	states(p, m, words, sizeof words / sizeof *words, soud_daemon_mode(p->daemon));
}

static void write_SETTINGS(struct page *p, const struct metric *m)
{
	sample(p, m, "", p->daemon->settings->refused);
}

static void write_EVENTS(struct page *p, const struct metric *m)
{
	uint64_t counts[SOUD_EVENT_COUNT];
	soud_log_counts(counts);
	for (size_t i = 0; i < SOUD_EVENT_COUNT; i++)
		sample(p, m, soud_event_id((enum soud_event)i), counts[i]);
}

#define COUNTER   "counter"
#define GAUGE     "gauge"
#define HISTOGRAM "histogram"
static const struct metric metrics[] = {
#define X(symbol, name, type, label, ja, en) {name, type, label, ja, en, write_##symbol},
#include "daemon/metrics.def"
#undef X
};

#define METRIC_COUNT (sizeof metrics / sizeof *metrics)

static void on_metrics(struct soud_request *req, void *context)
{
	struct soud_daemon *daemon = context;
	struct page p = {.daemon = daemon, .reader = soud_core_reader(daemon->core)};
	char *text = NULL;
	size_t bytes = 0;
	p.to = open_memstream(&text, &bytes);
	if (p.to == NULL) {
		soud_reply_json(req, NULL);
		return;
	}
	p.store = soud_reader_store(p.reader);
	p.hub = soud_reader_identity(p.reader)->hub;
	soud_sync_status(daemon->sync, &p.sync);
	p.net = soud_sync_net(daemon->sync);
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		(void)fprintf(p.to, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].en,
			      metrics[i].name, metrics[i].type);
		metrics[i].write(&p, &metrics[i]);
	}
	bool whole = ferror(p.to) == 0 && p.rc == SOU_OK;
	whole = fclose(p.to) == 0 && whole;
	if (whole) {
		soud_reply_text(req, "text/plain; version=0.0.4; charset=utf-8", text);
		return;
	}
	free(text);
	struct sou_err err;
	(void)sou_err_set(&err, p.rc != SOU_OK ? p.rc : SOU_ENOMEM, "metrics");
	soud_reply_rc(req, &err);
}

void soud_metrics_routes(struct soud_handler handlers[SOUD_ROUTE_COUNT], struct soud_daemon *daemon)
{
	handlers[SOUD_R_METRICS] = (struct soud_handler){on_metrics, daemon};
}

void soud_metrics_manual(FILE *out)
{
	(void)fputs("# 数値 Metrics\n\n"
		    "`soukatsu metrics`（命令の窓口では `GET /v1/metrics`）が出す、Prometheus "
		    "の形の数値です。"
		    "`daemon/metrics.def` から作られます（手で直しません）。\n"
		    "(The figures of `soukatsu metrics`, generated from `daemon/metrics.def`.)\n\n"
		    "拠点は番号の初め16けたで示します。文章、名前、鍵は出ません。`counter` "
		    "は起動からの数です。\n\n"
		    "| 名前 | 種類 | ラベル | 意味 | Meaning |\n|---|---|---|---|---|\n",
		    out);
	for (size_t i = 0; i < METRIC_COUNT; i++)
		(void)fprintf(out, "| `%s` | %s | %s | %s | %s |\n", metrics[i].name,
			      metrics[i].type, metrics[i].label[0] != '\0' ? metrics[i].label : "-",
			      metrics[i].ja, metrics[i].en);
}
