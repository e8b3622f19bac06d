/* test_merge.c - records against P10.1 - P10.6 (R9, R10): a table of small cases in every order of
 * arrival, then random sets of entries in random orders. What is right is said by a closure that is
 * written here from the text of P10, without a look at how merge.c does it. */
#include "proto/merge.h"

#include "proto/digest.h"
#include "proto/schema.h"
#include "tests/lib/check.h"

#define ENTRIES 12
#define OPS     4
#define NAMES   4
#define IDS     16 /* of entries, and of what is never stored */
#define FIELDS  4  /* 1..3 of an item; 0 of a delete */
_Static_assert(IDS == ENTRIES + NAMES, "an id for each");

struct op {
	uint8_t type, field, value, other; /* other: writes another record */
	uint8_t names[NAMES], name_count;  /* numbers of entries; ENTRIES and above: never stored */
	bool redacted;
};

struct entry {
	struct op ops[OPS];
	uint8_t op_count, clock;
	uint64_t hlc;
	bool shown, here;
	struct sou_id id;
	uint64_t pos;
	uint8_t bytes[OPS][NAMES * 18]; /* of `replaces` */
};

struct world {
	struct entry e[ENTRIES];
	uint8_t count;
	uint32_t random;
};

static const struct sou_id entity = {{0xe1, 1}}, another = {{0xe2, 2}};
static const uint8_t values[] = {0, 1, 2, 3};

static uint32_t below(struct world *w, uint32_t n)
{
	SOU_ASSERT(n > 0);
	w->random ^= w->random << 13;
	w->random ^= w->random >> 17;
	w->random ^= w->random << 5;
	return w->random % n;
}

static struct sou_id id_of(uint8_t n)
{
	struct sou_id id = {{(uint8_t)(n * 67 + 13), n, 0x77}}; /* not in order of age */
	return id;
}

static void finish(struct world *w) /* ids, and names as they stand in bytes: ascending */
{
	for (uint8_t i = 0; i < w->count; i++) {
		struct entry *e = &w->e[i];
		e->id = id_of(i);
		e->here = false;
		for (uint8_t k = 0; k < e->op_count; k++) {
			struct op *op = &e->ops[k];
			for (uint8_t a = 1; a < op->name_count; a++)
				for (uint8_t b = a; b > 0; b--) {
					struct sou_id x = id_of(op->names[b - 1]),
						      y = id_of(op->names[b]);
					if (sou_id_cmp(&x, &y) <= 0)
						break;
					uint8_t swap = op->names[b];
					op->names[b] = op->names[b - 1];
					op->names[b - 1] = swap;
				}
			for (uint8_t a = 0; a < op->name_count; a++) {
				struct sou_id id = id_of(op->names[a]);
				e->bytes[k][a * 18] = 0xc4;
				e->bytes[k][a * 18 + 1] = 16;
				memcpy(e->bytes[k] + a * 18 + 2, id.b, 16);
			}
		}
	}
}

static struct sou_version version_of(const struct entry *e, uint8_t k)
{
	const struct op *op = &e->ops[k];
	return (struct sou_version){.id = e->id,
				    .pos = e->pos,
				    .hlc = e->hlc,
				    .type = op->type,
				    .field = op->field,
				    .op = k,
				    .clock = e->clock,
				    .shown = e->shown,
				    .redacted = op->redacted,
				    .value = {&values[op->value], 1},
				    .replaces = {e->bytes[k], op->name_count, 16}};
}

/* --- the view --- */

static int find(void *ctx, const struct sou_id *version, uint64_t *pos, bool *shown)
{
	const struct world *w = ctx;
	for (uint8_t i = 0; i < w->count; i++)
		if (w->e[i].here && sou_id_eq(&w->e[i].id, version)) {
			*pos = w->e[i].pos;
			*shown = w->e[i].shown;
			return SOU_OK;
		}
	return SOU_EUNKNOWN;
}

static int op_of(void *ctx, uint64_t pos, uint16_t kind, const struct sou_id *of, uint16_t field,
		 struct sou_version *out)
{
	const struct world *w = ctx;
	for (uint8_t i = 0; i < w->count; i++)
		for (uint8_t k = 0; w->e[i].here && w->e[i].pos == pos && k < w->e[i].op_count; k++)
			if (kind == SOU_KIND_ITEM && w->e[i].ops[k].type != SOU_OP_DELETE &&
			    w->e[i].ops[k].field == field &&
			    sou_id_eq(of, w->e[i].ops[k].other ? &another : &entity)) {
				*out = version_of(&w->e[i], k);
				return SOU_OK;
			}
	return SOU_EUNKNOWN;
}

static int value_of(void *ctx, const struct sou_live *live, struct sou_span *out)
{
	const struct world *w = ctx;
	for (uint8_t i = 0; i < w->count; i++)
		if (w->e[i].pos == live->pos && w->e[i].here) {
			*out = version_of(&w->e[i], (uint8_t)live->op).value;
			return SOU_OK;
		}
	return SOU_EUNKNOWN;
}

/* --- P10 as its text has it --- */

struct expected {
	bool live[FIELDS][ENTRIES], missing[FIELDS][IDS], has[FIELDS], conflict[FIELDS];
	bool hidden;
};

static const struct op *writes(const struct world *w, uint8_t i, uint8_t field)
{
	for (uint8_t k = 0; w->e[i].here && k < w->e[i].op_count; k++)
		if (!w->e[i].ops[k].other && w->e[i].ops[k].type != SOU_OP_DELETE &&
		    w->e[i].ops[k].field == field)
			return &w->e[i].ops[k];
	return NULL;
}

static void reach(const struct world *w, uint8_t field, uint8_t name, bool *named, bool *missing)
{
	if (name >= w->count || !w->e[name].here) {
		missing[name] = true;
		return;
	}
	const struct op *op = writes(w, name, field);
	if (op == NULL || named[name])
		return;
	named[name] = true;
	for (uint8_t i = 0; i < op->name_count; i++)
		reach(w, field, op->names[i], named, missing);
}

static bool covered(const struct world *w, uint8_t field, uint8_t live)
{
	bool named[ENTRIES] = {false}, unused[IDS];
	for (uint8_t i = 0; i < w->count; i++)
		for (uint8_t k = 0; w->e[i].here && w->e[i].shown && k < w->e[i].op_count; k++) {
			const struct op *op = &w->e[i].ops[k];
			for (uint8_t n = 0;
			     op->type == SOU_OP_DELETE && !op->other && n < op->name_count; n++)
				reach(w, field, op->names[n], named, unused);
		}
	return named[live];
}

static void expect(const struct world *w, struct expected *x)
{
	*x = (struct expected){.hidden = true};
	bool any = false;
	for (uint8_t f = 1; f < FIELDS; f++) {
		bool named[ENTRIES] = {false};
		int value = -1;
		for (uint8_t i = 0; i < w->count; i++) {
			const struct op *op = writes(w, i, f);
			if (op == NULL || !w->e[i].shown)
				continue;
			x->has[f] = any = true;
			for (uint8_t n = 0; n < op->name_count; n++)
				reach(w, f, op->names[n], named, x->missing[f]);
		}
		for (uint8_t i = 0; i < w->count; i++) {
			const struct op *op = writes(w, i, f);
			x->live[f][i] = op != NULL && w->e[i].shown && !named[i];
			if (!x->live[f][i])
				continue;
			x->hidden = x->hidden && covered(w, f, i);
			if (op->redacted || f == SOU_FIELD_ITEM_PLACE)
				continue;
			x->conflict[f] = x->conflict[f] || (value >= 0 && value != op->value);
			value = op->value;
		}
	}
	x->hidden = x->hidden && any;
}

static bool in_order(const struct sou_live *a, const struct sou_live *b) /* P10.3 */
{
	if ((a->clock == 0) != (b->clock == 0))
		return a->clock == 0;
	return a->hlc != b->hlc ? a->hlc > b->hlc : sou_id_cmp(&a->version, &b->version) < 0;
}

static void compare(const char *name, const struct world *w, const struct sou_record *r)
{
	struct expected x;
	expect(w, &x);
	CHECK_INT(name, r->hidden, ==, x.hidden);
	bool conflict = false, incomplete = false;
	for (uint8_t f = 1; f < FIELDS; f++) {
		const struct sou_register *reg = sou_record_field(r, f);
		CHECK_INT(name, reg != NULL, ==, x.has[f]);
		if (reg == NULL || !x.has[f])
			continue;
		uint32_t lives = 0, gaps = 0;
		for (uint8_t i = 0; i < w->count; i++)
			for (uint32_t k = 0; x.live[f][i] && k < reg->live_count; k++)
				lives += sou_id_eq(&reg->live[k].version, &w->e[i].id);
		for (uint8_t i = 0; i < IDS; i++) {
			struct sou_id id = id_of(i);
			for (uint32_t k = 0; x.missing[f][i] && k < reg->gap_count; k++)
				gaps += sou_id_eq(&reg->gaps[k].version, &id);
		}
		uint32_t want_lives = 0, want_gaps = 0;
		for (uint8_t i = 0; i < w->count; i++)
			want_lives += x.live[f][i];
		for (uint8_t i = 0; i < IDS; i++)
			want_gaps += x.missing[f][i];
		CHECK_INT(name, lives, ==, want_lives);
		CHECK_INT(name, reg->live_count, ==, want_lives);
		CHECK_INT(name, gaps, ==, want_gaps);
		CHECK_INT(name, reg->gap_count, ==, want_gaps);
		CHECK_INT(name, reg->conflict, ==, x.conflict[f]);
		for (uint32_t k = 1; k < reg->live_count; k++)
			CHECK(name, in_order(&reg->live[k - 1], &reg->live[k]));
		conflict = conflict || x.conflict[f];
		incomplete = incomplete || want_gaps > 0;
	}
	CHECK_INT(name, r->conflict, ==, conflict);
	CHECK_INT(name, r->incomplete, ==, incomplete);
}

/* --- the two ways --- */

static struct sou_merge_view view_of(struct world *w)
{
	return (struct sou_merge_view){w, find, op_of, value_of};
}

static void build(const char *name, struct world *w, struct sou_record *r)
{
	struct sou_version all[ENTRIES * OPS];
	size_t n = 0;
	struct sou_merge_view view = view_of(w);
	for (uint8_t i = 0; i < w->count; i++)
		for (uint8_t k = 0; w->e[i].here && k < w->e[i].op_count; k++)
			if (!w->e[i].ops[k].other)
				all[n++] = version_of(&w->e[i], k);
	for (size_t i = n; i > 1; i--) { /* any order will do */
		size_t k = below(w, (uint32_t)i);
		struct sou_version swap = all[i - 1];
		all[i - 1] = all[k];
		all[k] = swap;
	}
	sou_record_clear(r, SOU_KIND_ITEM, &entity);
	REQUIRE(name, sou_record_build(r, all, n, &view) == SOU_OK);
}

static void rows_equal(const char *name, const struct sou_record *a, const struct sou_record *b)
{
	struct sou_buf x = {0}, y = {0};
	sou_digest_rows(&x, a);
	sou_digest_rows(&y, b);
	CHECK_MEM(name, x.p, x.n, y.p, y.n);
	sou_buf_fini(&x);
	sou_buf_fini(&y);
}

/* As merge_apply.c does: its ops of the record, then `hidden`, then the gaps that it fills. */
static void arrive(const char *name, struct world *w, uint8_t i, uint64_t pos, struct sou_record *r)
{
	struct entry *e = &w->e[i];
	struct sou_merge_view view = view_of(w);
	struct sou_buf before = {0}, after = {0};
	bool wrote = false, differs = false;
	e->here = true;
	e->pos = pos;
	sou_digest_rows(&before, r);
	for (uint8_t k = 0; k < e->op_count; k++) {
		struct sou_version v = version_of(e, k);
		bool changed = false;
		if (e->ops[k].other)
			continue;
		wrote = true;
		REQUIRE(name, sou_record_add(r, &v, &view, &changed) == SOU_OK);
		differs = differs || changed;
	}
	bool changed = false;
	if (wrote)
		REQUIRE(name, sou_record_cover(r, &view, &changed) == SOU_OK);
	differs = differs || changed;
	for (uint16_t f = 1; f < FIELDS; f++)
		if (writes(w, i, (uint8_t)f) == NULL)
			sou_record_fill(r, f, &e->id);
	sou_digest_rows(&after, r);
	if (before.n != after.n || (after.n > 0 && memcmp(before.p, after.p, after.n) != 0))
		CHECK(test_printf("R10 %s: a digest that differs is told", name), differs);
	sou_buf_fini(&before);
	sou_buf_fini(&after);
}

static void one_order(const char *name, struct world *w, const uint8_t *order, uint8_t n)
{
	struct sou_record added = {0}, built = {0};
	sou_record_clear(&added, SOU_KIND_ITEM, &entity);
	for (uint8_t i = 0; i < w->count; i++)
		w->e[i].here = false;
	for (uint8_t i = 0; i < n; i++) {
		arrive(name, w, order[i], i + 1u, &added);
		compare(name, w, &added);
		build(name, w, &built);
		compare(name, w, &built);
		rows_equal(name, &added, &built);
	}
	sou_record_fini(&added);
	sou_record_fini(&built);
}

static void shuffle(struct world *w, uint8_t *order)
{
	for (uint8_t i = 0; i < w->count; i++)
		order[i] = i;
	for (uint8_t i = w->count; i > 1; i--) {
		uint8_t k = (uint8_t)below(w, i), swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
}

/* --- the table --- */

/* Ops: s FIELD VALUE [names…] set, S in another record, r set whose value a redact names, d
 * [names…] delete; entries part at ';'. A leading h: held, c: with a clock flag. Names are letters:
 * a is the first entry, z never comes. */
static void parse(struct world *w, const char *text)
{
	*w = (struct world){.random = 77, .count = 1};
	struct entry *e = &w->e[0];
	*e = (struct entry){.shown = true, .hlc = 100};
	struct op *op = NULL;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ';') {
			e = &w->e[w->count++];
			*e = (struct entry){.shown = true, .hlc = 100u + w->count};
			op = NULL;
		} else if (*p == 'H') {
			e->shown = false;
		} else if (*p == 'C') {
			e->clock = 1;
		} else if (*p == 's' || *p == 'S' || *p == 'R') {
			op = &e->ops[e->op_count++];
			*op = (struct op){.type = SOU_OP_SET,
					  .field = (uint8_t)(p[1] - '0'),
					  .value = (uint8_t)(p[2] - '0'),
					  .other = *p == 'S',
					  .redacted = *p == 'R'};
			p += 2;
		} else if (*p == 'D') {
			op = &e->ops[e->op_count++];
			*op = (struct op){.type = SOU_OP_DELETE};
		} else if (*p >= 'a' && *p <= 'z') {
			REQUIRE(text, op != NULL);
			op->names[op->name_count++] = *p == 'z' ? ENTRIES : (uint8_t)(*p - 'a');
		}
	}
	finish(w);
}

static const struct row {
	const char *name, *entries;
	const char *live1; /* of field 1, shown first first; "" no register */
	bool conflict, incomplete, hidden;
} rows[] = {
	{"P10.2 one version", "s11", "a", false, false, false},
	{"P10.2 a held one makes no register", "H s11", "", false, false, false},
	{"P10.2 replaced", "s11; s12 a", "b", false, false, false},
	{"P10.2 replaced through a held one", "s11; H s12 a; s13 b", "c", false, false, false},
	{"P10.2 through two held ones", "s11; H s12 a; H s12 b; s13 c", "d", false, false, false},
	{"P10.2 a held one replaces nothing by itself", "s11; H s12 a", "a", false, false, false},
	{"P10.2 missing", "s11 z", "a", false, true, false},
	{"P10.2 missing behind a held one", "H s11 z; s12 a", "b", false, true, false},
	{"P10.2 missing behind a held one that nobody names", "H s11 z; s12", "b", false, false,
	 false},
	{"P10.2 a name of another field has no effect", "s21; s11 a; s12 b", "c", false, false,
	 false},
	{"P10.2 a name of another record has no effect", "S11; s12 a", "b", false, false, false},
	{"P10.2 ancestry never crosses fields", "s11; H s21 a; s12 b", "ca", true, false, false},
	{"P10.3 later hlc first", "s11; s11", "ba", false, false, false},
	{"P10.3 clock flags last", "s11; C s11", "ab", false, false, false},
	{"P10.4 two values", "s11; s12", "ba", true, false, false},
	{"P10.4 equal values", "s11; s11", "ba", false, false, false},
	{"P10.4 resolved", "s11; s12; s13 ab", "c", false, false, false},
	{"P10.4 a redacted value is in no conflict", "s11; R12", "ba", false, false, false},
	{"P10.4 two others beside a redacted one", "s11; R12; s13", "cba", true, false, false},
	{"P10.4 a place is in no conflict", "s21; s22; s11", "c", false, false, false},
	{"P10.4 a conflict and a gap", "s11 z; s12", "ba", true, true, false},
	{"P10.5 deleted", "s11; D a", "a", false, false, true},
	{"P10.5 a held delete hides nothing", "s11; H D a", "a", false, false, false},
	{"P10.5 only one of two fields", "s11; s21; D a", "a", false, false, false},
	{"P10.5 both fields by two deletes", "s11; s21; D a; D b", "a", false, false, true},
	{"P10.5 revived", "s11; D a; s12 a", "c", false, false, false},
	{"P10.5 revived beside", "s11; D a; s11", "ca", false, false, false},
	{"P10.5 deleted again", "s11; D a; s12 a; D c", "c", false, false, true},
	{"P10.5 below a held one that is named", "s11; H s12 a; D b", "a", false, false, true},
	{"P10.5 a held one of another field covers not", "s11; H s21 a; D b", "a", false, false,
	 false},
	{"P10.5 names what is not there yet", "s11; D z", "a", false, false, false},
	{"P10.5 without a register", "H s11; D a", "", false, false, false},
	{"P10.5 delete and write in one entry", "s11; s12 a, D a", "b", false, false, false},
};

static void permutations(const char *name, struct world *w, uint8_t *order, uint8_t k)
{
	if (k == w->count) {
		one_order(name, w, order, w->count);
		return;
	}
	for (uint8_t i = k; i < w->count; i++) {
		uint8_t swap = order[k];
		order[k] = order[i];
		order[i] = swap;
		permutations(name, w, order, k + 1);
		order[i] = order[k];
		order[k] = swap;
	}
}

TEST(merge, table)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		uint8_t order[ENTRIES] = {0};
		parse(&w, rows[i].entries);
		for (uint8_t k = 0; k < w.count; k++)
			order[k] = k;
		permutations(rows[i].name, &w, order, 0);

		struct sou_record r = {0};
		build(rows[i].name, &w, &r);
		const struct sou_register *reg = sou_record_field(&r, 1);
		char live[ENTRIES + 1] = "";
		for (uint32_t k = 0; reg != NULL && k < reg->live_count; k++)
			live[k] = (char)('a' + reg->live[k].version.b[1]);
		CHECK_STR(rows[i].name, live, rows[i].live1);
		CHECK_INT(rows[i].name, r.conflict, ==, rows[i].conflict);
		CHECK_INT(rows[i].name, r.incomplete, ==, rows[i].incomplete);
		CHECK_INT(rows[i].name, r.hidden, ==, rows[i].hidden);
		sou_record_fini(&r);
	}
}

/* --- random --- */

static void draw_op(struct world *w, uint8_t i, struct op *op, uint8_t field)
{
	*op = (struct op){.type = field == 0 ? SOU_OP_DELETE : SOU_OP_SET,
			  .field = field,
			  .value = (uint8_t)below(w, 3),
			  .other = below(w, 8) == 0,
			  .redacted = below(w, 10) == 0};
	uint8_t count = (uint8_t)below(w, NAMES + 1);
	for (uint8_t k = 0; k < count; k++) {
		uint8_t name = below(w, 8) == 0 ? (uint8_t)(ENTRIES + below(w, NAMES))
			       : i > 0          ? (uint8_t)below(w, i)
						: ENTRIES;
		bool twice = false;
		for (uint8_t n = 0; n < op->name_count; n++)
			twice = twice || op->names[n] == name;
		if (!twice)
			op->names[op->name_count++] = name;
	}
}

static void draw(struct world *w, uint32_t seed)
{
	*w = (struct world){.random = seed * 2654435761u + 1};
	w->count = (uint8_t)(2 + below(w, ENTRIES - 1));
	for (uint8_t i = 0; i < w->count; i++) {
		struct entry *e = &w->e[i];
		*e = (struct entry){
			.shown = below(w, 3) != 0, .hlc = below(w, 20), .clock = below(w, 6) == 0};
		for (uint8_t f = 0; f < FIELDS; f++) /* each (entity, field) at most once: R2 */
			if (below(w, f == 0 ? 5 : 2) == 0)
				draw_op(w, i, &e->ops[e->op_count++], f);
	}
	finish(w);
}

TEST(merge, random_orders)
{
	for (uint32_t seed = 1; seed <= 3000; seed++) {
		struct world w;
		draw(&w, seed);
		for (int round = 0; round < 3; round++) {
			uint8_t order[ENTRIES];
			shuffle(&w, order);
			one_order(test_printf("R9 seed %u", seed), &w, order, w.count);
		}
	}
}

/* Verdicts flip after all is there: built anew, it is what P10 says. */
TEST(merge, flips)
{
	for (uint32_t seed = 1; seed <= 1000; seed++) {
		struct world w;
		struct sou_record r = {0};
		const char *name = test_printf("R1 seed %u", seed);
		draw(&w, seed);
		for (uint8_t i = 0; i < w.count; i++) {
			w.e[i].here = true;
			w.e[i].pos = i + 1u;
		}
		for (int flip = 0; flip < 4; flip++) {
			uint8_t i = (uint8_t)below(&w, w.count);
			w.e[i].shown = !w.e[i].shown;
			build(name, &w, &r);
			compare(name, &w, &r);
		}
		sou_record_fini(&r);
	}
}
