/* facts.h - all that a verdict looks at in one stored entry (R1, P9.1), taken out of its bytes
 * once. Pure. Made by sou_entry_read (entry.h); taken in by the scope engine (scope.h), which
 * copies it. */
#ifndef SOU_FACTS_H
#define SOU_FACTS_H

#include "bytes.h"
#include "id.h"

enum sou_entry_kind {
	SOU_ENTRY_DATA = 0,
	SOU_ENTRY_CONTROL = 1,
	SOU_ENTRY_OPENING = 2, /* `epoch-open`: known from the header alone */
};

enum sou_body {
	SOU_BODY_NONE = 0,  /* header alone is stored */
	SOU_BODY_OK,        /* payload stored, full or redacted form */
	SOU_BODY_MALFORMED, /* payload stored, breaks P6.8 */
	SOU_BODY_TOONEW,    /* payload stored, has an op of newer software (P6.9) */
};

enum sou_part {
	SOU_PART_NONE = 0,
	SOU_PART_IS = 1,     /* one of several entries of an act */
	SOU_PART_CLOSES = 2, /* lists the parts that it closes */
};

struct sou_need { /* one distinct (op type, record kind) that the entry writes */
	uint16_t type, kind;
};

struct sou_facts {
	struct sou_hash id, prev;
	struct sou_id site, scope, epoch, key;
	struct sou_id for_org; /* zero without a payload */
	uint64_t seq, hlc;
	uint8_t kind;     /* enum sou_entry_kind */
	uint8_t clock;    /* clock flags */
	uint8_t body;     /* enum sou_body */
	uint8_t part;     /* enum sou_part */
	uint16_t control; /* op type 16..20 of a control entry; 0 for data or without payload */
	bool sig_checked; /* its own signature was verified here */
	/* Borrowed from the caller until the call returns. Counts are bounded by P6.1, P6.2. */
	const struct sou_need
		*needs; /* data: distinct, ascending; empty for an entry without ops */
	const struct sou_hash *cites;
	const struct sou_hash *parts;  /* that it closes */
	const struct sou_hash *names;  /* adopt: the adopted; anchor: the heads */
	const struct sou_id *proxies;  /* entities of proxy ops */
	const struct sou_id *consents; /* entities of consent ops */
	const uint16_t *lacking;       /* value indices that went (redacted form), ascending */
	uint16_t need_count, cite_count, part_count, name_count, proxy_count, consent_count;
	uint16_t lacking_count;
};

#endif
