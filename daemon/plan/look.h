/* look.h - what a view of the plan reads: a store, an authority and whose replica it is. The same
 * functions serve the loop thread (a reader) and the writer thread (a replica, when a person's act
 * is made of what stands now). Nothing here changes anything; there are no globals. */
#ifndef SOUD_PLAN_LOOK_H
#define SOUD_PLAN_LOOK_H

#include "daemon/plan/pool.h"
#include "daemon/replica/reader.h"
#include "proto/schema.h"

struct soud_look { /* all borrowed */
	struct soud_store *store;
	const struct sou_authority *authority;
	const struct soud_identity *self;
	struct soud_reader *reader; /* NULL on the writer thread: nothing is told of delivery */
	bool stays; /* nothing is sent now: no hub is known, or a person paused the link */
};

void soud_look_reader(struct soud_look *look, struct soud_reader *reader, bool stays);
void soud_look_replica(struct soud_look *look, struct soud_replica *replica);

/* One read transaction for all that a view asks; begin inside one that is open joins it. */
struct soud_look_view {
	bool own;
};
int soud_look_begin(const struct soud_look *look, struct soud_look_view *view);
void soud_look_end(const struct soud_look *look, const struct soud_look_view *view);

/* The organisation of this site; NULL while it is not known yet. */
const struct sou_org *soud_look_own_org(const struct soud_look *look);

/* P8.14 for this site; after its key was withdrawn, what is its own organisation's. `responsible`
 * of a project scope; NULL, 0 elsewhere. */
bool soud_look_may_read(const struct soud_look *look, const struct sou_id *scope,
			const struct sou_id *responsible, size_t responsible_count);

/* The store's number of a scope; false while nothing of it is stored here. SOU_EUNKNOWN never. */
int soud_look_scope(const struct soud_look *look, const struct sou_id *scope, uint32_t *number,
		    bool *there);

/* --- Values. SOU_EUNKNOWN: the field has no register, or its value went (redacted). --- */

/* Of one version: canonical bytes, borrowed until the next call that reads records. */
int soud_look_live(const struct soud_look *look, uint32_t scope, const struct sou_live *live,
		   struct sou_span *out);
/* Of the version shown first. Copied to the pool where it is bytes. */
int soud_look_text(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		   uint16_t field, struct soud_pool *pool, const char **out);
int soud_look_uint(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		   uint16_t field, uint64_t *out); /* nil: SOU_EUNKNOWN */
int soud_look_id(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		 uint16_t field, struct sou_id *out); /* nil: SOU_EUNKNOWN */
int soud_look_place(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		    struct soud_pool *pool, uint16_t field, struct sou_span *out);

#define SOUD_HEX_BYTES 33u
const char *soud_hex(const struct sou_id *id, char out[SOUD_HEX_BYTES]);
/* Does the id begin with these lower-case hex digits? NULL: yes. */
bool soud_hex_begins(const struct sou_id *id, const char *digits);

/* Order of two places (P7.7); those without one come last; then by entity id. */
int soud_place_cmp(struct sou_span a, const struct sou_id *a_id, struct sou_span b,
		   const struct sou_id *b_id);

/* --- Who wrote a version, and where it stands (U-1) --- */

enum soud_delivery_state { /* in the order of "less far" */
			   SOUD_HELD_HERE,
			   SOUD_LOCAL,
			   SOUD_QUEUED,
			   SOUD_RECEIVED,
};

struct soud_origin { /* texts are in the pool */
	struct sou_id version;
	struct sou_id site;
	const char *site_name, *site_org; /* handle; "" where unknown */
	const char *by;                   /* NULL: redacted */
	struct sou_id for_org;
	uint64_t hlc;
	int64_t received_ms; /* the hub's; -1: not known here */
	enum soud_delivery_state state;
	uint8_t verdict;
	bool proxy; /* of a site of another organisation than the record's */
	bool own;   /* of this site */
};

/* `arrival` in the scope. SOU_EUNKNOWN: no such entry. */
int soud_look_origin(const struct soud_look *look, uint32_t scope, uint64_t arrival,
		     struct soud_pool *pool, struct soud_origin *out);

#endif
