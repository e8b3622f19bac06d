/* meter.h - what the benches measure with and how they say it: a line "figure TAB name TAB value"
 * for tests/bench/run, which gives units, bars and floors. */
#ifndef SOU_TESTS_METER_H
#define SOU_TESTS_METER_H

#include <stddef.h>
#include <stdint.h>

void meter_figure(const char *name, double value);
/* The same with NAME_p50 and NAME_p99; sorts. */
void meter_spread(const char *name, double *values, size_t count);

struct meter_tcp {
	uint64_t in, out; /* bytes of the streams: TLS and all, without TCP's own headers */
};
/* All of this process' TCP connections that are open now. */
struct meter_tcp meter_tcp_now(void);

double meter_rss_kib(void); /* of this process */

#endif
