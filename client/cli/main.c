/* main.c - `soukatsu`, the command line of a site. */
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/cli/context.h"

static const char *env(const char *name)
{
	return getenv(name);
}

static size_t terminal_columns(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

int main(int argc, char **argv)
{
	/* R20: a passphrase may pass through here; no core file may keep it. */
	const struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, NULL);
	static struct souc_context cx;
	cx.out = stdout;
	cx.err = stderr;
	cx.in_fd = STDIN_FILENO;
	cx.env = env;
	cx.columns = terminal_columns();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int status = souc_run(&cx, argc, argv);
	curl_global_cleanup();
	return status;
}
