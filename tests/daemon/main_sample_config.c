/* main_sample_config.c - prints config/soukatsud.conf out of config/options.def. */
#include "daemon/options.h"

int main(void)
{
	soud_options_sample(stdout);
	return 0;
}
