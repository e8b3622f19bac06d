/* pen.h - real entries of one scope, written into a store as a replica does it: settled, appended,
 * merged. Any failure but those that a function returns ends the test. */
#ifndef SOU_TESTS_DAEMON_STORE_PEN_H
#define SOU_TESTS_DAEMON_STORE_PEN_H

#include "daemon/store/merge_apply.h"
#include "proto/entry.h"
#include "proto/schema.h"
#include "tests/lib/bed.h"
#include "tests/lib/check.h"
#include "tests/lib/memvfs.h"

struct pen {
	struct bed bed;
	struct bed_key keys[2]; /* 0: editor; 1: no right, all that it writes is held */
	struct memvfs *vfs;
	struct soud_store *s;
	struct soud_merge *m;
	uint32_t scope;
	uint64_t last;
};

struct pen_entry { /* lives until the end of the test */
	struct sou_span header, payload;
	uint8_t sig[SOU_SIGNATURE_BYTES];
	struct sou_hash id;
	struct sou_id version;
	struct sou_facts facts; /* lists live as long */
	struct sou_facts alone; /* of the header alone */
};

struct pen_op {
	uint8_t entity; /* first byte of its id: the bucket */
	uint16_t field; /* of an item; 0: delete */
	const char *text;
	const struct pen_entry *replaces[4];
	struct sou_id missing; /* not zero: replaced too */
	bool consent;          /* a consent for the item, until `text`; field is not looked at */
};

/* A fresh store "replica.db" on the memory disk "pen"; closed when the test ends. */
struct pen *pen_new(void);
struct soud_store *pen_open(struct pen *p, enum soud_store_mode mode); /* must work */
void pen_close(struct pen *p);  /* the writer; memory of the disk stays */
void pen_reopen(struct pen *p); /* with a new engine from the log */

struct sou_id pen_entity(uint8_t first);
struct pen_entry *pen_write(struct pen *p, unsigned key, const struct pen_op *ops, uint32_t count);
struct pen_entry *pen_text(struct pen *p, unsigned key, uint8_t entity, const char *text,
			   const struct pen_entry *replaces);

/* In a transaction. Returns the arrival. */
uint64_t pen_take(struct pen *p, const struct pen_entry *e, bool header_only);
void pen_payload(struct pen *p, const struct pen_entry *e, uint64_t arrival); /* comes later */
void pen_rejudge(struct pen *p, const uint64_t *again, size_t count); /* authority changed */
void pen_merge_nothing(struct pen *p, const struct pen_entry *e);     /* append alone */

#define PEN_OK(what, call) CHECK_INT(what, (call), ==, SOU_OK)

#endif
