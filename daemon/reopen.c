/* reopen.c - at first after SOU_STORE_REOPEN_MS, then each time after twice as long, and at most
 * SOU_STORE_REOPENS_MAX in a window. */
#include "daemon/reopen.h"

static uint32_t recent(const struct soud_reopens *r, uint64_t now_ms)
{
	uint32_t n = 0, kept = r->count < SOU_STORE_REOPENS_MAX ? r->count : SOU_STORE_REOPENS_MAX;
	for (uint32_t i = 0; i < kept; i++)
		n += now_ms - r->at_ms[i] < SOU_STORE_REOPEN_WINDOW_MS;
	return n;
}

bool soud_reopen(struct soud_reopens *r, uint64_t now_ms, bool counts)
{
	if (r->given_up || now_ms < r->next_ms)
		return false;
	uint32_t before = recent(r, now_ms);
	if (counts && before == SOU_STORE_REOPENS_MAX) {
		r->given_up = true;
		return false;
	}
	uint64_t wait = counts ? (uint64_t)SOU_STORE_REOPEN_MS << before : SOU_STORE_REOPEN_MS;
	r->next_ms = now_ms + (wait < SOU_STORE_REOPEN_LONG_MS ? wait : SOU_STORE_REOPEN_LONG_MS);
	if (counts)
		r->at_ms[r->count++ % SOU_STORE_REOPENS_MAX] = now_ms;
	return true;
}
