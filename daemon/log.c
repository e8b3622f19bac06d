/* log.c - lines "<level> rule peer scope: what", with the journal's priority in front where
 * standard error is no terminal. */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/limits.h"

struct bucket { /* one peer; the least used one is taken over */
	char peer[64];
	int64_t minute;
	uint32_t lines, dropped;
};

static struct bucket buckets[SOU_LOG_PEERS_MAX];
static enum soud_log_level level_max = SOUD_LOG_INFO;
static int terminal = -1;

void soud_log_open(enum soud_log_level level)
{
	level_max = level;
	terminal = isatty(STDERR_FILENO);
	(void)setvbuf(stderr, NULL, _IOLBF, 0);
}

static struct bucket *bucket_of(const char *peer, int64_t minute)
{
	struct bucket *oldest = &buckets[0];
	for (size_t i = 0; i < SOU_LOG_PEERS_MAX; i++) {
		if (strcmp(buckets[i].peer, peer) == 0)
			return &buckets[i];
		if (buckets[i].minute < oldest->minute)
			oldest = &buckets[i];
	}
	*oldest = (struct bucket){.minute = minute};
	(void)snprintf(oldest->peer, sizeof oldest->peer, "%s", peer);
	return oldest;
}

/* Ports change with each connection; a peer is its address. */
static void without_port(const char *addr, char out[64])
{
	(void)snprintf(out, 64, "%s", addr);
	char *colon = strrchr(out, ':');
	if (colon != NULL)
		*colon = '\0';
}

static bool may_say(const char *addr, uint32_t *dropped)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	char peer[64];
	without_port(addr, peer);
	int64_t minute = (int64_t)now.tv_sec / 60;
	struct bucket *b = bucket_of(peer, minute);
	*dropped = 0;
	if (b->minute != minute) {
		*dropped = b->dropped;
		b->minute = minute;
		b->lines = b->dropped = 0;
	}
	if (b->lines >= SOU_LOG_LINES_PER_MIN) {
		b->dropped++;
		return false;
	}
	b->lines++;
	return true;
}

void soud_log(enum soud_log_level level, const char *rule, const char *peer,
	      const struct sou_id *scope, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	static const char *const priority[] = {"<3>", "<4>", "<6>", "<7>"};
	uint32_t dropped = 0;
	if (level > level_max || (peer[0] != '\0' && !may_say(peer, &dropped)))
		return;
	char what[512], where[40] = "";
	va_list args;
	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args);
	va_end(args);
	for (size_t i = 0; scope != NULL && i < 8; i++)
		(void)snprintf(where + 2 * i, sizeof where - 2 * i, "%02x", scope->b[i]);
	(void)fprintf(stderr, "%s%s%s%s%s%s%s%s: %s", terminal == 1 ? "" : priority[level],
		      names[level], rule[0] != '\0' ? " " : "", rule, peer[0] != '\0' ? " " : "",
		      peer, where[0] != '\0' ? " scope " : "", where, what);
	if (dropped > 0)
		(void)fprintf(stderr, " (%u lines of this peer were left out)", dropped);
	(void)fputc('\n', stderr);
}
