/* read.h - looking at entries and records of a replica, for commands and views (R9, design 8).
 * Each takes the store of a writer (soud_replica_store) or a reader (soud_reader_store). Records
 * and their values are store.h's own functions; here is what needs an entry's bytes. */
#ifndef SOUD_READ_H
#define SOUD_READ_H

#include "daemon/store/store.h"

struct soud_read_entry { /* spans borrowed until the next read of this store's log */
	uint64_t arrival;
	struct sou_hash id;
	struct sou_id site, key, for_org;
	uint64_t hlc, seq;
	uint64_t source;     /* peer number; 0: made here */
	int64_t received_ms; /* when it was stored here; at the hub: the receive time */
	uint8_t kind, body, verdict, clock;
	bool shown;
	bool by_redacted;
	struct sou_span by; /* empty without a payload */
	uint32_t op_count;
};
/* SOU_EUNKNOWN: no such arrival. */
int soud_read_entry(struct soud_store *s, uint32_t scope, uint64_t arrival,
		    struct soud_read_entry *out);

struct soud_read_op { /* spans borrowed as above */
	uint16_t type, kind, field;
	struct sou_id entity;
	bool redacted;            /* the value is not stored any more */
	struct sou_span value;    /* canonical bytes */
	struct sou_span replaces; /* canonical list of ids; sou_mp_names reads it */
};
/* Op number i of a stored entry. SOU_EUNKNOWN: no payload, or not so many ops. */
int soud_read_op(struct soud_store *s, uint32_t scope, uint64_t arrival, uint32_t i,
		 struct soud_read_op *out);

/* The value of a canonical str, uint or id; false when it is of another type. */
bool soud_value_str(struct sou_span value, struct sou_span *out);
bool soud_value_uint(struct sou_span value, uint64_t *out);
bool soud_value_id(struct sou_span value, struct sou_id *out);

#endif
