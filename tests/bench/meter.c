/* meter.c - see meter.h. */
#include "tests/bench/meter.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/crowd.h"

void meter_figure(const char *name, double value)
{
	printf("figure\t%s\t%.6g\n", name, value);
	fflush(stdout);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void meter_spread(const char *name, double *values, size_t count)
{
	char line[80];
	SOU_ASSERT(count > 0);
	qsort(values, count, sizeof *values, ascending);
	snprintf(line, sizeof line, "%s_p50", name);
	meter_figure(line, values[count / 2]);
	snprintf(line, sizeof line, "%s_p99", name);
	meter_figure(line, values[(count * 99 + 99) / 100 - 1]);
}

struct meter_tcp meter_tcp_now(void)
{
	struct meter_tcp sum = {0, 0};
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	for (int fd = 0; fd < (int)files.rlim_cur; fd++) {
		struct tcp_info info = {0};
		socklen_t n = sizeof info;
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
		    info.tcpi_state != 1) /* established */
			continue;
		sum.in += info.tcpi_bytes_received;
		sum.out += info.tcpi_bytes_acked;
	}
	return sum;
}

double meter_rss_kib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		crowd_die("memory", "no /proc/self/statm");
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}
