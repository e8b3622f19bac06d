/* main_bench_sync.c - W1 and W2: one site of headquarters at a real hub, from the first byte of the
 * first connection until all is there.
 *
 * usage: bench_sync ROOT NAME HOST:PORT IN OUT    IN entries come, OUT are its own
 * Figures: first_s (the first entries are visible), all_s (the last one is: stored durably, every
 * entry's hash, the signatures of run ends, verdicts, merged), settled_s (and all sent ones are
 * acknowledged), wire_in, wire_out (bytes of the TCP stream). */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/crowd.h"
#include "tests/bench/meter.h"
#include "tests/bench/sites.h"

static uint64_t wanted;
static double first_s;

static bool is_all_in(struct sites *s)
{
	struct soud_sync_status status;
	soud_sync_status(s->v[0].sync, &status);
	if (first_s == 0 && status.entries_in > 0)
		first_s = crowd_now_s();
	return status.entries_in >= wanted;
}

int main(int argc, char **argv)
{
	static struct sites s;
	if (argc != 6)
		crowd_die("usage", "bench_sync ROOT NAME HOST:PORT IN OUT");
	wanted = strtoull(argv[4], NULL, 10);
	sites_open(&s, argv[1], argv[2], 1, argv[3]);
	double start = crowd_now_s();
	soud_sync_resume(s.v[0].sync);
	sites_until(&s, is_all_in, "entries");
	double all_s = crowd_now_s();
	sites_until(&s, sites_quiet, "quiet");
	double settled_s = crowd_now_s();
	sites_wait(&s, 300); /* the last acknowledgements of TCP itself */
	struct meter_tcp tcp = meter_tcp_now();
	struct soud_sync_status status;
	soud_sync_status(s.v[0].sync, &status);
	if (status.alarms > 0 || status.refused > 0 || status.entries_in != wanted)
		crowd_die("entries", "an alarm, a refusal, or more than there are");
	meter_figure("first_s", first_s - start);
	meter_figure("all_s", all_s - start);
	meter_figure("settled_s", settled_s - start);
	meter_figure("wire_in", (double)tcp.in);
	meter_figure("wire_out", (double)tcp.out);
	sites_close(&s);
	return 0;
}
