/* main_bench_edit.c - W3 and the 62 of W6: all sites linked to a real hub; one edits its paragraph
 * of a project that all are responsible for and submits it, again and again.
 *
 * usage: bench_edit ROOT HOST:PORT SITES EDITS PROJECTS
 * Projects are project-0, where the edits are, and so on; in each other the first site submits
 * once. Figures, in ms from the moment at which the act is handed to the writer's site: stored
 * (signed and durable there), hub (durable at the hub, as told to the writer), each (visible at a
 * site, stored there), last (visible at the last). Then all links are cut and return at once:
 * return_s, return_in, return_out (bytes of the TCP streams, per site). */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/plan/acts.h"
#include "daemon/plan/plan.h"
#include "tests/bench/crowd.h"
#include "tests/bench/meter.h"
#include "tests/bench/sites.h"

#define WRITERS  8u
#define EDITS    2000u
#define GAP_MS   20u /* between edits: people do not wait for each other */
#define BY       "山田例"
#define PROJECT  "project-0"
#define TEXT_MAX 270u

struct edit {
	uint32_t projects;
	struct sou_id scope, item[WRITERS];
	uint32_t writer;
	char text[TEXT_MAX + 1];
	uint64_t random;
};

static int refused(const char *what, struct soud_refusal *why)
{
	crowd_die(what, why->err.text[0] != '\0' ? why->err.text : sou_msg_id(why->msg));
}

static int submit(struct soud_replica *r, const char *project, bool nothing)
{
	struct soud_refusal why = {0};
	static const char *const nil[] = {"challenge", "next", "achievement"};
	const struct soud_submit in = {
		.project = project, .nil_columns = nil, .nil_count = nothing ? 3 : 2, .by = BY};
	int rc = soud_submit(r, &in, &why);
	return rc == SOU_OK ? rc : refused("submit", &why);
}

static int run_first(struct soud_replica *r, void *ctx)
{
	struct edit *e = ctx;
	struct soud_refusal why = {0};
	const struct soud_item_place at = {.project = PROJECT, .column = "achievement"};
	int rc = soud_item_add(r, &at, 0, e->text, BY, &e->item[e->writer], &why);
	return rc == SOU_OK ? submit(r, PROJECT, false) : refused("item", &why);
}

static int run_edit(struct soud_replica *r, void *ctx)
{
	struct edit *e = ctx;
	struct soud_refusal why = {0};
	const struct soud_base none = {NULL, 0};
	int rc = soud_item_edit(r, &e->item[e->writer], e->text, &none, BY, &why);
	return rc == SOU_OK ? submit(r, PROJECT, false) : refused("edit", &why);
}

static int run_others(struct soud_replica *r, void *ctx)
{
	const struct edit *e = ctx;
	for (uint32_t i = 1; i < e->projects; i++) {
		char handle[24];
		snprintf(handle, sizeof handle, "project-%u", i);
		int rc = submit(r, handle, true);
		if (rc != SOU_OK)
			return rc;
	}
	return SOU_OK;
}

static int run_find(struct soud_replica *r, void *ctx)
{
	struct edit *e = ctx;
	struct soud_look look;
	struct soud_pool pool = {0};
	struct soud_plan plan;
	soud_look_replica(&look, r);
	int rc = soud_plan_read(&look, &pool, &plan);
	const struct soud_project *p =
		rc == SOU_OK ? soud_plan_project(&plan, NULL, PROJECT) : NULL;
	if (p == NULL)
		crowd_die("project", "unknown");
	e->scope = p->scope;
	soud_pool_fini(&pool);
	return SOU_OK;
}

static void draw_text(struct edit *e)
{
	e->text[crowd_text(&e->random, TEXT_MAX, e->text)] = '\0';
}

static bool is_seen(struct sites *s)
{
	return s->seen == s->count;
}

static struct {
	double *stored, *hub, *each, *last;
	size_t edits, eaches;
} times;

static uint64_t acks(const struct site *site)
{
	struct soud_sync_status status;
	soud_sync_status(site->sync, &status);
	return status.acks_in;
}

static void edit_once(struct sites *s, struct edit *e)
{
	struct site *writer = &s->v[e->writer];
	int done;
	double stored_s = 0, hub_s = 0, last_s = 0;
	for (uint32_t i = 0; i < s->count; i++)
		s->v[i].seen_s = 0;
	s->seen = 0;
	draw_text(e);
	uint64_t acks_before = acks(writer);
	double start = crowd_now_s();
	sites_post(writer, run_edit, e, &done);
	while (!is_seen(s) || stored_s == 0 || hub_s == 0) {
		uv_run(&s->loop, UV_RUN_ONCE);
		if (stored_s == 0 && done != 0)
			stored_s = crowd_now_s();
		if (hub_s == 0 && acks(writer) >= acks_before + 2) /* item and submission */
			hub_s = crowd_now_s();
	}
	if (done != 1)
		crowd_die("edit", "not stored");
	for (uint32_t i = 0; i < s->count; i++) {
		double seen_s = s->v[i].seen_s;
		last_s = seen_s > last_s ? seen_s : last_s;
		if (i != e->writer)
			times.each[times.eaches++] = (seen_s - start) * 1e3;
	}
	times.stored[times.edits] = (stored_s - start) * 1e3;
	times.hub[times.edits] = (hub_s - start) * 1e3;
	times.last[times.edits++] = (last_s - start) * 1e3;
}

static void edits(struct sites *s, struct edit *e, uint32_t count)
{
	uint32_t writers = s->count <= WRITERS ? s->count - 1 : WRITERS; /* the last never writes */
	times.stored = calloc(count, sizeof(double));
	times.hub = calloc(count, sizeof(double));
	times.last = calloc(count, sizeof(double));
	times.each = calloc((size_t)count * s->count, sizeof(double));
	if (times.stored == NULL || times.hub == NULL || times.last == NULL || times.each == NULL)
		crowd_die("times", "no memory");
	for (e->writer = 0; e->writer < writers; e->writer++) {
		draw_text(e);
		if (sites_do(&s->v[e->writer], run_first, e) != SOU_OK)
			crowd_die("item", "not stored");
	}
	sites_wait(s, 1500);
	sites_until(s, sites_quiet, "quiet");
	SOU_ASSERT(count == 0 || writers > 0);
	for (uint32_t i = 0; i < count; i++) {
		e->writer = i % writers;
		edit_once(s, e);
		sites_wait(s, GAP_MS);
	}
	meter_spread("stored_ms", times.stored, times.edits);
	meter_spread("hub_ms", times.hub, times.edits);
	meter_spread("each_ms", times.each, times.eaches);
	meter_spread("last_ms", times.last, times.edits);
	free(times.stored);
	free(times.hub);
	free(times.last);
	free(times.each);
}

static void come_back(struct sites *s)
{
	sites_wait(s, 1500); /* what is told lazily is told */
	sites_until(s, sites_quiet, "quiet");
	for (uint32_t i = 0; i < s->count; i++)
		soud_sync_pause(s->v[i].sync);
	sites_until(s, sites_gone, "the end of all links");
	double start = crowd_now_s();
	for (uint32_t i = 0; i < s->count; i++)
		soud_sync_resume(s->v[i].sync);
	sites_until(s, sites_quiet, "return");
	meter_figure("return_s", crowd_now_s() - start);
	sites_wait(s, 300);
	struct meter_tcp tcp = meter_tcp_now();
	meter_figure("return_in", (double)tcp.in / s->count);
	meter_figure("return_out", (double)tcp.out / s->count);
}

int main(int argc, char **argv)
{
	static struct sites s;
	static struct edit e = {.random = 11};
	if (argc != 6)
		crowd_die("usage", "bench_edit ROOT HOST:PORT SITES EDITS PROJECTS");
	uint32_t count = (uint32_t)strtoul(argv[3], NULL, 10);
	uint32_t edit_count = (uint32_t)strtoul(argv[4], NULL, 10);
	if (count < 2 || count > CROWD_AUTHORS || edit_count == 0 || edit_count > EDITS)
		crowd_die("usage", "2 to 62 sites, 1 to 2000 edits");
	e.projects = (uint32_t)strtoul(argv[5], NULL, 10);
	sites_open(&s, argv[1], NULL, count, argv[2]);
	for (uint32_t i = 0; i < count; i++)
		soud_sync_resume(s.v[i].sync);
	sites_until(&s, sites_quiet, "the first sync");
	if (sites_do(&s.v[0], run_find, &e) != SOU_OK ||
	    sites_do(&s.v[0], run_others, &e) != SOU_OK)
		crowd_die("projects", "not as they should be");
	s.watched = e.scope;
	edits(&s, &e, edit_count);
	come_back(&s);
	sites_close(&s);
	return 0;
}
