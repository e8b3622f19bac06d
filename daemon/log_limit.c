/* log_limit.c - a bucket for each of the latest peers and one for all. */
#include "daemon/log_limit.h"

#include <stdio.h>
#include <string.h>

#include "proto/limits.h"

struct bucket {
	char peer[64];
	int64_t minute;
	uint32_t lines, dropped;
};

static struct bucket buckets[SOU_LOG_PEERS_MAX];
static struct bucket all; /* its `dropped`: of peers whose bucket went to another, and its own */

static void bucket_tell(struct bucket *b, int64_t minute, soud_log_dropped_cb *tell)
{
	if (b->minute == minute)
		return;
	uint32_t dropped = b->dropped;
	b->minute = minute;
	b->lines = b->dropped = 0;
	if (dropped > 0)
		tell(b->peer, dropped);
}

void soud_log_limit_tell(int64_t now_s, soud_log_dropped_cb *tell)
{
	int64_t minute = now_s / 60;
	if (all.minute == minute)
		return;
	for (size_t i = 0; i < SOU_LOG_PEERS_MAX; i++) {
		if (buckets[i].dropped > 0)
			bucket_tell(&buckets[i], minute, tell);
	}
	bucket_tell(&all, minute, tell);
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
	all.dropped += oldest->dropped;
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

bool soud_log_limit(const char *addr, int64_t now_s, soud_log_dropped_cb *tell)
{
	char peer[64];
	without_port(addr, peer);
	int64_t minute = now_s / 60;
	soud_log_limit_tell(now_s, tell);
	struct bucket *b = bucket_of(peer, minute);
	bucket_tell(b, minute, tell);
	if (b->lines >= SOU_LOG_LINES_PER_MIN) {
		b->dropped++;
		return false;
	}
	if (all.lines >= SOU_LOG_LINES_ALL_PER_MIN) {
		all.dropped++;
		return false;
	}
	b->lines++;
	all.lines++;
	return true;
}
