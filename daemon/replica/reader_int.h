/* reader_int.h - the inside of a reader, shared by reader.c (what is there), news.c (entries
 * encoded for a link) and chain.c (entries by id, along their chains). */
#ifndef SOUD_READER_INT_H
#define SOUD_READER_INT_H

#include "daemon/replica/damage.h"
#include "daemon/replica/reader.h"
#include "proto/batch.h"
#include "proto/entry.h"
#include "proto/limits.h"

struct seen_scope {
	struct sou_id id;
	uint32_t number;
	/* State digest computed last, and what it follows from (R10): many links ask for it. */
	bool kept;
	struct sou_hash entries, authority, state;
};

struct seen_project { /* of the plan as known here */
	struct sou_id scope, entity;
	struct sou_id *responsible; /* owned; in each live value of project.organisations */
	uint32_t count;
};

struct chain { /* ids and links of a scope's log, by arrival from 1 */
	uint32_t number;
	uint64_t last;        /* so many are in */
	struct sou_id *ids;   /* owned: first halves */
	uint32_t *prev;       /* owned: arrival of the entry before; 0: none stored */
	struct sou_id *prevs; /* owned: its first half, for those that come before it */
	size_t room;
	uint32_t *slots; /* owned: arrival by id; open addressing, 0: free */
	size_t slot_count;
	uint64_t used; /* tick */
};

#define CHAINS_MAX        64u
#define CHAIN_BYTES_MAX   ((size_t)32 << 20)
#define CODED_MAX         64u /* encoded stretches that are kept */
#define CODED_BYTES_MAX   ((size_t)8 << 20)
#define CODED_ORIGINS_MAX 16u   /* of more origins than this none is kept */
#define SCAN_ROWS_MAX     8192u /* looked at in one call, so that a loop is not held up */

struct origin {
	uint64_t source;
	struct sou_id site;
};

struct coded { /* an encoded stretch of a scope from which nothing was left out */
	uint32_t number;
	bool every_signature, to_end; /* to_end: reaches the last arrival that there was */
	uint64_t after, last;
	size_t bytes_max;
	struct origin origins[CODED_ORIGINS_MAX];
	uint32_t origin_count;
	struct sou_news_answer answer;
	uint8_t *data; /* owned; NULL: free */
	size_t data_bytes;
	uint64_t used;
};

struct soud_reader {
	struct soud_store *store; /* owned; a transaction is always open: one state (reader.h) */
	struct soud_identity identity;
	struct sou_authority *authority; /* owned */
	uint64_t op_count;
	struct seen_scope *scopes; /* owned; ascending by id */
	uint32_t scope_count, numbered;
	size_t scope_room;
	struct soud_peer *peers; /* owned; in order of number */
	size_t peer_count, peer_room;
	struct seen_project *projects; /* owned; ascending by scope */
	size_t project_count, project_room;
	uint64_t plan_stamp;
	bool plan_seen;
	struct sou_id plan_at; /* place of the walk through the plan */
	uint64_t tick;
	struct chain chains[CHAINS_MAX];
	struct coded coded[CODED_MAX];
	size_t coded_bytes;
	struct sou_batch *batch; /* owned */
	struct sou_buf scratch;
	struct sou_entry entry;    /* of the row that is checked before it goes */
	struct soud_damage damage; /* as of the last refresh (R22) */
	uint64_t damage_stamp;
	bool damage_met;    /* a row was damaged that is not listed */
	uint64_t *arrivals; /* owned; of the items of the batch under way */
	size_t arrival_room;
};

/* reader.c */
/* Number and last arrival; false: nothing of this scope here. */
bool reader_scope(struct soud_reader *v, const struct sou_id *scope, uint32_t *number,
		  uint64_t *last);
uint64_t reader_peer(const struct soud_reader *v, const struct sou_id *site,
		     const struct sou_id *log); /* number; 0: never met */

/* news.c */
int reader_news(void *ctx, const struct sou_news_query *q, struct sou_buf *buf,
		struct sou_news_answer *out);
void coded_clear(struct soud_reader *v);
/* Add a stored row to the batch under way. SOU_EAGAIN: it is full. SOU_ECORRUPT: it is damaged, and
 * goes to nobody (R22). */
int batch_row(struct soud_reader *v, uint32_t number, const struct soud_row *row, bool keep,
	      bool header_only);
int batch_close(struct soud_reader *v, struct sou_buf *buf, struct sou_batch_sent *sent,
		struct sou_news_answer *out);

/* chain.c */
int chain_get(struct soud_reader *v, uint32_t number, uint64_t last, struct chain **out);
uint32_t chain_find(const struct chain *c, const struct sou_id *version); /* arrival; 0: none */
void chains_fini(struct soud_reader *v);
int reader_headers(void *ctx, const struct sou_id *scope, uint64_t after,
		   const struct sou_hash *entry, struct sou_buf *buf, struct sou_news_answer *out);
int reader_entries(void *ctx, const struct sou_id *scope, const struct sou_mp_list *versions,
		   struct sou_buf *buf, struct sou_news_answer *out);
int reader_signatures(void *ctx, const struct sou_signatures_want *want, struct sou_buf *body);
/* One mark a row (by arrival): at or before one of the heads (P13.7). Owned by the caller. */
int chain_marks(struct soud_reader *v, struct chain *c, const struct sou_hash *heads, size_t count,
		uint8_t **out);

#endif
