/* test_redact.c - what a `redact` does to registers: it takes committed values, and no others (R2,
 * R9, P6.3, P10.4); whenever it comes, and after a rebuild. */
#include "tests/daemon/store/pen.h"

static void redact(struct pen *p, const struct pen_entry *e, uint16_t index)
{
	struct sou_effect effect = {
		.type = SOU_EFFECT_REDACT, .ids = &e->id, .id_count = 1, .indexes = &index};
	bed_op(&p->bed, SOU_TIER_OPERATIONAL, 0, &effect, 1);
	REQUIRE("settles", sou_authority_settle(p->bed.authority) == SOU_OK);
}

static void check_record(const char *name, struct pen *p, uint16_t kind, bool conflict,
			 uint32_t redacted)
{
	struct sou_record r = {0};
	struct sou_id entity = pen_entity(1);
	uint32_t found = 0;
	PEN_OK(name, soud_store_record(p->s, p->scope, kind, &entity, &r));
	CHECK_INT(name, r.live_count, ==, 2);
	CHECK_INT(name, r.conflict, ==, conflict);
	for (uint32_t i = 0; i < r.live_count; i++)
		found += r.lives[i].redacted;
	CHECK_INT(name, found, ==, redacted);
	sou_record_fini(&r);
}

TEST(store, redacts)
{
	static const struct {
		const char *name;
		bool consent;
		uint16_t index; /* 1: the value; 0: `by` */
		bool conflict;
		uint32_t redacted;
	} rows[] = {
		{"P10.4 a committed value", false, 1, false, 1},
		{"P10.4 by alone", false, 0, true, 0},
		{"P10.4 an index beyond the ops", false, 9, true, 0},
		{"R2 a consent stays", true, 1, true, 0},
	};
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		size_t row = i / 2;
		bool before = i % 2 == 0; /* the redact came before the entries */
		const char *name =
			test_printf("%s, %s", rows[row].name, before ? "first" : "later");
		uint16_t kind = rows[row].consent ? SOU_KIND_CONSENT : SOU_KIND_ITEM;
		struct pen *p = pen_new();
		struct pen_op one = {.entity = 1,
				     .field = SOU_FIELD_ITEM_TEXT,
				     .text = "2024-04-01",
				     .consent = rows[row].consent};
		struct pen_op other = one;
		other.text = "2025-04-01";
		struct pen_entry *a = pen_write(p, 0, &one, 1), *b = pen_write(p, 0, &other, 1);
		REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
		if (before)
			redact(p, a, rows[row].index);
		uint64_t at = pen_take(p, a, false);
		(void)pen_take(p, b, false);
		if (!before) {
			redact(p, a, rows[row].index);
			pen_rejudge(p, &at, 1);
		}
		check_record(name, p, kind, rows[row].conflict, rows[row].redacted);
		PEN_OK("rebuild", soud_store_rebuild(p->s, p->bed.authority));
		check_record(test_printf("%s, rebuilt", name), p, kind, rows[row].conflict,
			     rows[row].redacted);
		PEN_OK("commit", soud_store_commit(p->s));
		pen_close(p);
		memvfs_free(p->vfs);
		p->vfs = NULL;
	}
}
