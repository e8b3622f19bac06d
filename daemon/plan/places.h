/* places.h - place keys for a list that shall have a given order (P7.7): as few new ones as that
 * takes. Pure. */
#ifndef SOUD_PLAN_PLACES_H
#define SOUD_PLAN_PLACES_H

#include "daemon/plan/pool.h"
#include "proto/name.h"

struct soud_placed {
	struct sou_id entity;
	struct sou_span
		place; /* in: as it stands, empty where there is none; out: as it shall be */
	bool changed;  /* out: `place` is new, in the pool */
};

/* Entities in the order that they shall have. What stands in that order keeps its place; where
 * there is no room between two, or what stands is out of order, all are spread anew. SOU_ENOMEM. */
int soud_places_assign(struct soud_placed *list, size_t count, struct soud_pool *pool);

#endif
