/* merge_int.h - what merge.c, merge_build.c and merge_cover.c share. Nobody else includes it. */
#ifndef SOU_MERGE_INT_H
#define SOU_MERGE_INT_H

#include "merge.h"

struct merge_walk { /* names still to reach, and held entries met (by pos, ascending) */
	struct sou_id *names;
	uint64_t *met;
	uint32_t count, room, met_count, met_room;
};

int merge_walk_push(struct merge_walk *walk, const struct sou_mp_list *names);
int merge_walk_meet(struct merge_walk *walk, uint64_t pos, bool *before);
void merge_walk_fini(struct merge_walk *walk);

int merge_live_cmp(const struct sou_live *a, const struct sou_live *b);
int merge_gap_add(struct sou_record *record, uint16_t field, const struct sou_id *version);

/* Put a name of a shown delete among `named`, once. */
int merge_name(struct sou_record *record, const struct sou_id *version);
/* Keep of `named` what M3 says, and set `hidden` (P10.5). */
int merge_cover(struct sou_record *record, const struct sou_merge_view *view);
/* Set `disputed` of a field's lives (P10.4). */
int merge_dispute(struct sou_record *record, uint16_t field, const struct sou_merge_view *view);

#endif
