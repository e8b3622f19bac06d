/* main_sample_config.c - prints what is generated from the tables: config/soukatsud.conf, or with
 * the word "manual" docs/settings.md, "logs" docs/logs.md, "metrics" docs/metrics.md. */
#include <string.h>

#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/options.h"

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "manual") == 0)
		soud_options_manual(stdout);
	else if (argc == 2 && strcmp(argv[1], "logs") == 0)
		soud_log_manual(stdout);
	else if (argc == 2 && strcmp(argv[1], "metrics") == 0)
		soud_metrics_manual(stdout);
	else
		soud_options_sample(stdout);
	return 0;
}
