/* main_tls_idle.c - W5: what an idle TLS link costs the hub, and how fast links come up. Two
 * processes over loopback: this one is the hub, its child holds all sites. Each link says one ping
 * and gets one pong, then is idle. The figure is the growth of the hub's memory between the first
 * hundred links, which pay for what is loaded once, and the last. Kernel memory is not in it.
 *
 * usage: tls_idle [LINKS=2000 [AT_ONCE=32]]
 * Figures: link_kib (memory a link), links_per_s (handshake, ping and pong; two processes). */
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/net/link.h"
#include "daemon/net/listen.h"
#include "tests/bench/meter.h"

#define FIRST_LINKS 100
#define LATE_MS     120000

static const uint8_t hub_seed[SOU_SEED_BYTES] = {1};
static const uint8_t site_seed[SOU_SEED_BYTES] = {2};

struct bench {
	uv_loop_t loop;
	uv_timer_t late;
	struct soud_net *net;
	struct soud_tls *tls;
	struct soud_listen *listen;
	struct sockaddr_in hub_at;
	struct sou_hash pin;
	uint32_t wanted, at_once;
	uint32_t begun, answered, retries;
};

static void fail(const char *what)
{
	fprintf(stderr, "tls_idle: %s\n", what);
	exit(1);
}

static void on_late(uv_timer_t *timer)
{
	(void)timer;
	fail("took too long");
}

static void prepare(struct bench *bench, const uint8_t seed[SOU_SEED_BYTES])
{
	if (uv_loop_init(&bench->loop) != 0 ||
	    soud_net_new(&bench->net, &bench->loop, NULL, NULL) != SOU_OK ||
	    soud_tls_new(&bench->tls, seed, NULL) != SOU_OK)
		fail("no loop");
	uv_timer_init(&bench->loop, &bench->late);
	uv_timer_start(&bench->late, on_late, LATE_MS, 0);
	uv_unref((uv_handle_t *)&bench->late);
}

/* ---- The sites ---- */

static void connect_more(struct bench *bench);

static void site_open(struct soud_link *link, void *data)
{
	(void)data;
	soud_link_send_frame(link, 14, "ping", 4);
}

static void site_frame(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	(void)link;
	(void)frame;
	struct bench *bench = data;
	bench->answered++;
	connect_more(bench);
}

static void site_refused(struct soud_link *link, void *data, enum soud_link_end end,
			 const char *detail)
{
	(void)link;
	(void)end;
	(void)detail;
	struct bench *bench = data;
	bench->retries++;
	bench->begun--;
	connect_more(bench);
}

static void site_closed(struct soud_link *link, void *data, enum soud_link_end end,
			const char *detail)
{
	if (((struct bench *)data)->answered < ((struct bench *)data)->wanted)
		site_refused(link, data, end, detail);
}

static const struct soud_link_cbs site_cbs = {
	.open_cb = site_open,
	.frame_cb = site_frame,
	.refused_cb = site_refused,
	.closed_cb = site_closed,
};

static void connect_more(struct bench *bench)
{
	const struct soud_link_new args = {
		.net = bench->net,
		.tls = bench->tls,
		.cbs = &site_cbs,
		.data = bench,
		.pin = &bench->pin,
	};
	while (bench->begun < bench->wanted && bench->begun - bench->answered < bench->at_once) {
		struct soud_link *link;
		if (soud_link_connect(&link, &args, (struct sockaddr *)&bench->hub_at) != SOU_OK)
			fail("no connection");
		bench->begun++;
	}
}

/* Ends when the hub has measured and closes its end of the pipe. */
static void run_sites(uint16_t port, uint32_t links, uint32_t at_once, int wait_fd)
{
	struct bench bench = {.wanted = links, .at_once = at_once};
	prepare(&bench, site_seed);
	struct soud_tls *hub_tls = NULL;
	soud_tls_new(&hub_tls, hub_seed, NULL);
	bench.pin = soud_tls_spki(hub_tls);
	soud_tls_free(hub_tls);
	uv_ip4_addr("127.0.0.1", port, &bench.hub_at);
	connect_more(&bench);
	while (bench.answered < links)
		uv_run(&bench.loop, UV_RUN_ONCE);
	printf("sites: %u links up, %u tried again\n", links, bench.retries);
	fflush(stdout);
	char byte;
	while (read(wait_fd, &byte, 1) > 0)
		;
	exit(0); /* the hub sees all of it at once, which it must bear as well */
}

/* ---- The hub ---- */

static void hub_open(struct soud_link *link, void *data)
{
	struct bench *bench = data;
	soud_listen_known(bench->listen, link);
}

static void hub_frame(struct soud_link *link, void *data, const struct sou_frame *frame)
{
	struct bench *bench = data;
	soud_link_send_frame(link, 15, frame->body, frame->body_bytes);
	bench->answered++;
}

static const struct soud_link_cbs hub_cbs = {.open_cb = hub_open, .frame_cb = hub_frame};

struct memory {
	double rss, heap; /* KiB */
};

static struct memory memory_now(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		fail("no /proc/self/statm");
	fclose(file);
	return (struct memory){
		.rss = (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024,
		.heap = (double)mallinfo2().uordblks / 1024,
	};
}

static double cpu_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void settle(struct bench *bench, uint32_t links)
{
	while (bench->answered < links || soud_net_stats(bench->net).held_bytes > 0)
		uv_run(&bench->loop, UV_RUN_ONCE);
}

static void run_hub(struct bench *bench, uint32_t links)
{
	settle(bench, FIRST_LINKS);
	struct memory before = memory_now();
	uint32_t links_before = bench->answered;
	double cpu_before = cpu_s();
	uint64_t begin_ns = uv_hrtime();
	settle(bench, links);
	double seconds = (double)(uv_hrtime() - begin_ns) / 1e9;
	double cpu = cpu_s() - cpu_before;
	struct memory after = memory_now();
	if (links_before >= links)
		fail("all came in one turn: there is no beginning to measure from; fewer AT_ONCE");
	double n = links - links_before;
	struct soud_net_stats stats = soud_net_stats(bench->net);
	printf("W5 idle TLS links: %u; RSS %.1f KiB a link, heap %.1f KiB a link; whole hub %.1f "
	       "MiB RSS\n",
	       links, (after.rss - before.rss) / n, (after.heap - before.heap) / n,
	       after.rss / 1024);
	printf("W6 handshakes with one ping each: %.0f/s, %.2f ms CPU of the hub each\n",
	       n / seconds, cpu * 1000 / n);
	meter_figure("link_kib", (after.rss - before.rss) / n);
	meter_figure("links_per_s", n / seconds);
	if (stats.links_open != links || stats.held_bytes != 0)
		fail("links are missing, or hold bytes while idle");
}

int main(int argc, char **argv)
{
	uint32_t links = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 2000;
	uint32_t at_once = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 32;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc > 3 || links <= FIRST_LINKS || at_once == 0 || links + 64 > files.rlim_cur)
		fail("usage: tls_idle [LINKS [AT_ONCE]], LINKS above 100 and below the limit of "
		     "files");
	int ports[2], ends[2];
	if (pipe(ports) != 0 || pipe(ends) != 0)
		fail("no pipe");
	pid_t child = fork();
	if (child < 0)
		fail("no fork");
	if (child == 0) {
		uint16_t port;
		close(ends[1]);
		if (read(ports[0], &port, sizeof port) != sizeof port)
			fail("no port");
		run_sites(port, links, at_once, ends[0]);
	}
	struct bench bench = {.wanted = links};
	prepare(&bench, hub_seed);
	if (soud_listen_new(&bench.listen, bench.net, bench.tls, "127.0.0.1:0", &hub_cbs, &bench,
			    NULL) != SOU_OK)
		fail("no port");
	uint16_t port = soud_listen_port(bench.listen);
	if (write(ports[1], &port, sizeof port) != sizeof port)
		fail("no pipe");
	run_hub(&bench, links);
	close(ends[1]);
	int status;
	waitpid(child, &status, 0);
	soud_listen_close(bench.listen);
	soud_net_close_links(bench.net, false);
	soud_net_close(bench.net);
	soud_tls_free(bench.tls);
	uv_close((uv_handle_t *)&bench.late, NULL);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&bench.loop) != 0)
		fail("something is left in the loop");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
