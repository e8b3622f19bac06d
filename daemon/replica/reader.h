/* reader.h - the reading side of a replica for links and views: an own connection and an own
 * authority (R18, R24, PROTOCOL.md 11.6 - 11.10, 13.4 - 13.12). Fills in proto/session.h's
 * sou_view.
 *
 * One thread, another than the writer's where there are threads. It never waits for the writer and
 * changes nothing. soud_reader_refresh after each commit: what it says between two refreshes is one
 * state, but for data that a later redaction erased. */
#ifndef SOUD_READER_H
#define SOUD_READER_H

#include "daemon/replica/replica.h"

struct soud_reader;

/* SOU_EUNKNOWN: no replica. Others as soud_store_open. */
int soud_reader_open(struct soud_reader **out, const char *path,
		     const struct soud_replica_options *options, struct sou_err *err);
void soud_reader_close(struct soud_reader *v);

/* Take in what was committed since: new authority ops, plan, scopes. Cheap when nothing changed. */
int soud_reader_refresh(struct soud_reader *v);

const struct soud_identity *soud_reader_identity(const struct soud_reader *v);
const struct sou_authority *soud_reader_authority(const struct soud_reader *v);
struct soud_store *soud_reader_store(struct soud_reader *v);

/* Rows that are listed as damaged, and go to nobody (R22); as of the last refresh. */
struct soud_damage;
const struct soud_damage *soud_reader_damage(const struct soud_reader *v);
/* Was one met since the last call that is not listed? Then it is time for a scrub. */
bool soud_reader_met_damage(struct soud_reader *v);

/* The session's view; `out->ctx` is v. Encoded news are kept for a while, so that many links that
 * ask for the same stretch cost one encoding (design 6). */
void soud_reader_view(struct soud_reader *v, struct sou_view *out);

/* P8.14 with the plan as known here. */
bool soud_reader_may_read(struct soud_reader *v, const struct sou_id *site,
			  const struct sou_id *key_id, const struct sou_id *scope);

/* What a scope id stands for, as far as authority and plan tell: kind (enum sou_scope_kind) and
 * entity. SOU_EUNKNOWN. */
int soud_reader_scope(struct soud_reader *v, const struct sou_id *scope, uint8_t *kind,
		      struct sou_id *entity);

/* Where an entry made here stands (design 8): the farthest peer that is the hub, or any peer. */
struct soud_delivery {
	uint64_t acked;   /* of our log in this scope, by the hub */
	int64_t acked_ms; /* when the hub had received up to there, by its clock */
};
int soud_reader_delivery(struct soud_reader *v, const struct sou_id *scope,
			 struct soud_delivery *out);

#endif
