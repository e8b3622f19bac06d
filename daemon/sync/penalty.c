/* penalty.c - a small table; what is forgotten costs an attacker a minute less. */
#include "daemon/sync/penalty.h"

uint64_t soud_penalty_put(struct soud_penalty *p, const struct sou_hash *tls, uint64_t now_ms)
{
	size_t at = 0;
	bool again = false;
	for (size_t i = 0; i < SOU_PENALTIES_MAX && !again; i++) {
		again = p->of[i].ms > 0 && sou_hash_eq(&p->of[i].tls, tls);
		if (again || p->of[i].until_ms < p->of[at].until_ms)
			at = i;
	}
	uint64_t ms = SOU_PENALTY_MS_MIN;
	if (again && now_ms < p->of[at].until_ms + p->of[at].ms)
		ms = p->of[at].ms * 2 < SOU_PENALTY_MS_MAX ? p->of[at].ms * 2 : SOU_PENALTY_MS_MAX;
	p->of[at].tls = *tls;
	p->of[at].ms = ms;
	p->of[at].until_ms = now_ms + ms;
	return ms;
}

bool soud_penalty_holds(const struct soud_penalty *p, const struct sou_hash *tls, uint64_t now_ms)
{
	for (size_t i = 0; i < SOU_PENALTIES_MAX; i++)
		if (p->of[i].ms > 0 && sou_hash_eq(&p->of[i].tls, tls))
			return now_ms < p->of[i].until_ms;
	return false;
}
