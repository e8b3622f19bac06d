/* test_model_verdict.c - the engine against the abstract model's histories: in seeded orders, with
 * repeats, headers first, values that come later, settled after random batches. After each settle
 * the changes that it told must lead to the verdicts that it has, and a fresh engine must have the
 * same. SOU_HISTORY_ORDERS=20 tries so many orders of each delivery (2 without); SOU_HISTORY_FILE
 * takes another file of histories. */
#include <stdio.h>

#include "proto/crypto.h"
#include "tests/lib/check.h"
#include "tests/lib/vector.h"
#include "tests/proto/history.h"

struct replica { /* one store under test */
	const struct history *h;
	struct sou_authority *authority;
	struct sou_scope *scopes[4];
	struct sou_facts *stored; /* union of what was put, by entry: for the fresh engine */
	bool *known;
	uint8_t *verdict, *shown; /* as told by changes */
	uint64_t next_pos;
};

static void replica_new(struct replica *r, const struct history *h)
{
	*r = (struct replica){.h = h, .authority = history_authority(h)};
	for (uint32_t i = 0; i < h->scope_count; i++)
		REQUIRE(h->name, sou_scope_new(&r->scopes[i], &h->scopes[i]) == SOU_OK);
	r->stored = calloc(h->entry_count + 1, sizeof *r->stored);
	r->known = calloc(h->entry_count + 1, sizeof *r->known);
	r->verdict = malloc(h->entry_count + 1);
	r->shown = calloc(h->entry_count + 1, 1);
	memset(r->verdict, SOU_VERDICT_NONE, h->entry_count + 1);
}

static void replica_fini(struct replica *r)
{
	for (uint32_t i = 0; i < r->h->scope_count; i++)
		sou_scope_free(r->scopes[i]);
	sou_authority_free(r->authority);
	free(r->stored);
	free(r->known);
	free(r->verdict);
	free(r->shown);
}

static uint32_t entry_number(const struct sou_hash *id)
{
	return (uint32_t)id->b[0] << 24 | (uint32_t)id->b[1] << 16 | (uint32_t)id->b[2] << 8 |
	       id->b[3];
}

static uint32_t scope_number(const struct history *h, const struct sou_id *scope)
{
	for (uint32_t i = 0; i < h->scope_count; i++)
		if (sou_id_eq(&h->scopes[i], scope))
			return i;
	REQUIRE(h->name, false);
	return 0;
}

static void note_changes(struct replica *r, const struct sou_change *changes, size_t count)
{
	uint64_t last = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t n = entry_number(&changes[i].id);
		CHECK_INT(r->h->name, changes[i].before, ==, r->verdict[n]);
		CHECK_INT(r->h->name, changes[i].shown_before, ==, r->shown[n]);
		CHECK(r->h->name, changes[i].before != changes[i].after ||
					  changes[i].shown_before != changes[i].shown_after);
		CHECK(r->h->name, i == 0 || changes[i].pos > last);
		last = changes[i].pos;
		r->verdict[n] = changes[i].after;
		r->shown[n] = changes[i].shown_after;
	}
}

static void settle(struct replica *r)
{
	REQUIRE(r->h->name, sou_authority_settle(r->authority) == SOU_OK);
	for (uint32_t i = 0; i < r->h->scope_count; i++) {
		const struct sou_change *changes;
		size_t count;
		REQUIRE(r->h->name,
			sou_scope_settle(r->scopes[i], r->authority, &changes, &count) == SOU_OK);
		note_changes(r, changes, count);
	}
}

/* The union of two forms of one entry, as README of the vectors says. */
static void unite(struct sou_facts *have, bool *known, const struct sou_facts *f)
{
	bool sig = f->sig_checked || (*known && have->sig_checked);
	if (!*known || have->body == SOU_BODY_NONE) {
		if (!*known || f->body != SOU_BODY_NONE)
			*have = *f;
	} else if (f->body != SOU_BODY_NONE && f->lacking_count < have->lacking_count) {
		have->lacking = f->lacking;
		have->lacking_count = f->lacking_count;
	}
	have->sig_checked = sig;
	*known = true;
}

static void put(struct replica *r, uint32_t n, const struct sou_facts *f)
{
	int rc = sou_scope_put(r->scopes[scope_number(r->h, &f->scope)], f, ++r->next_pos);
	CHECK(r->h->name, rc == SOU_OK || (rc == SOU_EEXIST && r->known[n]));
	unite(&r->stored[n], &r->known[n], f);
}

static void same_state(const struct replica *a, const struct replica *b)
{
	for (uint32_t n = 0; n < a->h->entry_count; n++) {
		struct sou_scope_entry x = {0}, y = {0};
		uint32_t s = scope_number(a->h, &a->h->entries[n].scope);
		int rc = sou_scope_get(a->scopes[s], &a->h->entries[n].id, &x);
		CHECK_INT(a->h->name, rc, ==,
			  sou_scope_get(b->scopes[s], &a->h->entries[n].id, &y));
		CHECK_INT(a->h->name, rc, ==, a->known[n] ? SOU_OK : SOU_EUNKNOWN);
		if (rc != SOU_OK)
			continue;
		CHECK_INT(test_printf("%s entry %u", a->h->name, n), x.verdict, ==, y.verdict);
		CHECK_INT(a->h->name, x.verdict, ==, a->verdict[n]);
		CHECK_INT(a->h->name, x.shown, ==, y.shown);
		CHECK_INT(a->h->name, x.shown, ==, a->shown[n]);
		CHECK_INT(a->h->name, x.whole, ==, y.whole);
		CHECK_INT(a->h->name, x.body, ==, y.body);
		CHECK_INT(a->h->name, x.sig_checked, ==, y.sig_checked);
	}
	for (uint32_t s = 0; s < a->h->scope_count; s++) {
		struct sou_hash x = sou_scope_entries_digest(a->scopes[s]),
				y = sou_scope_entries_digest(b->scopes[s]);
		CHECK_MEM(a->h->name, x.b, sizeof x.b, y.b, sizeof y.b);
	}
}

/* A fresh engine that gets the union of what was put, last first, must agree. */
static void against_fresh(struct replica *r)
{
	struct replica fresh;
	replica_new(&fresh, r->h);
	sou_authority_free(fresh.authority);
	fresh.authority = r->authority;
	for (uint32_t n = r->h->entry_count; n-- > 0;)
		if (r->known[n])
			put(&fresh, n, &r->stored[n]);
	settle(&fresh);
	same_state(r, &fresh);
	fresh.authority = NULL;
	replica_fini(&fresh);
}

struct message {
	int32_t op; /* below 0: an entry */
	uint32_t entry;
	struct sou_facts facts;
};

static struct sou_facts header_of(const struct sou_facts *f, bool sig)
{
	return (struct sou_facts){.id = f->id,
				  .prev = f->prev,
				  .site = f->site,
				  .scope = f->scope,
				  .epoch = f->epoch,
				  .key = f->key,
				  .seq = f->seq,
				  .hlc = f->hlc,
				  .kind = f->kind,
				  .clock = f->clock,
				  .sig_checked = sig};
}

/* What may bring an entry: its last form, and before or after it parts of that. */
static uint32_t spread_entry(struct history_random *rng, struct message *out, uint32_t entry,
			     const struct sou_facts *f)
{
	static const uint16_t all[] = {0, 1, 2, 3, 4};
	uint32_t n = 0;
	if (history_below(rng, 3) == 0)
		out[n++] = (struct message){-1, entry, header_of(f, false)};
	if (f->sig_checked && f->body != SOU_BODY_NONE && history_below(rng, 4) == 0) {
		struct sou_facts unsigned_form = *f;
		unsigned_form.sig_checked = false;
		out[n++] = (struct message){-1, entry, unsigned_form};
		out[n++] = (struct message){-1, entry, header_of(f, true)};
	} else {
		out[n++] = (struct message){-1, entry, *f};
	}
	if (f->body != SOU_BODY_NONE && history_below(rng, 8) == 0) {
		struct sou_facts less = *f;
		less.lacking = all;
		less.lacking_count = ARRAY_LEN(all);
		out[n++] = (struct message){-1, entry, less};
	}
	if (history_below(rng, 8) == 0)
		out[n++] = (struct message){-1, entry, *f};
	return n;
}

static uint32_t messages(const struct history *h, const json_t *delivery,
			 struct history_random *rng, struct message *out)
{
	const char *ops = json_string_value(json_object_get(delivery, "ops"));
	uint32_t n = 0;
	for (uint32_t i = 0; i < h->op_count; i++)
		if (ops[i] == '1')
			out[n++] = (struct message){.op = (int32_t)i};
	for (uint32_t i = 0; i < h->entry_count; i++) {
		struct sou_facts f;
		if (history_have(h, delivery, i, &f))
			n += spread_entry(rng, out + n, i, &f);
	}
	if (history_below(rng, 4) != 0) /* else: in order of making */
		for (uint32_t i = n; i > 1; i--) {
			uint32_t k = history_below(rng, i);
			struct message swap = out[i - 1];
			out[i - 1] = out[k];
			out[k] = swap;
		}
	return n;
}

/* Ops wait until the one before is known, as a session sees to. */
static void add_ops(struct replica *r, bool *waiting)
{
	const struct sou_span none = {NULL, 0};
	bool again = true;
	while (again) {
		again = false;
		for (uint32_t i = 0; i < r->h->op_count; i++) {
			if (!waiting[i])
				continue;
			int rc = sou_authority_add_checked(
				r->authority, &r->h->ops[HISTORY_PRELUDE + i], none, none);
			CHECK(r->h->name, rc == SOU_OK || rc == SOU_EUNKNOWN);
			if (rc == SOU_OK) {
				waiting[i] = false;
				again = true;
			}
		}
	}
}

/* P10.7 over the numbers that the model gives. */
static struct sou_hash expected_digest(const json_t *scope)
{
	struct sou_buf buf = {0};
	static const char *const lists[] = {"tops", "rest", "held"};
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		const json_t *list = json_object_get(scope, lists[k]);
		sou_buf_put_u32be(&buf, (uint32_t)json_array_size(list));
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *row = json_array_get(list, i), *body = NULL;
			if (json_is_array(row)) {
				body = json_array_get(row, 1);
				row = json_array_get(row, 0);
			}
			struct sou_hash id = history_entry_id((uint32_t)json_integer_value(row));
			sou_buf_put(&buf, id.b, sizeof id.b);
			if (body != NULL)
				sou_buf_put_u8(&buf, (uint8_t)json_integer_value(body));
		}
	}
	struct sou_hash digest = sou_hash_bytes(SOU_DOMAIN_ENTRIES, buf.p, buf.n);
	sou_buf_fini(&buf);
	return digest;
}

static void against_model(struct replica *r, const json_t *delivery)
{
	const char *verdicts = json_string_value(json_object_get(delivery, "verdicts"));
	const char *shown = json_string_value(json_object_get(delivery, "shown"));
	int64_t head = json_integer_value(json_object_get(delivery, "head"));
	struct sou_hash end = sou_authority_head(r->authority),
			want = r->h->ops[HISTORY_PRELUDE + head].id;
	CHECK_MEM(r->h->name, end.b, sizeof end.b, want.b, sizeof want.b);
	CHECK_INT(r->h->name, sou_authority_forked(r->authority), ==,
		  json_integer_value(json_object_get(delivery, "forked")));
	for (uint32_t n = 0; n < r->h->entry_count; n++) {
		struct sou_scope_entry e;
		uint32_t s = scope_number(r->h, &r->h->entries[n].scope);
		const char *name = test_printf("%s entry %u", r->h->name, n);
		int rc = sou_scope_get(r->scopes[s], &r->h->entries[n].id, &e);
		CHECK_INT(name, rc, ==, verdicts[n] == '-' ? SOU_EUNKNOWN : SOU_OK);
		if (rc != SOU_OK)
			continue;
		CHECK_INT(name, e.verdict, ==, verdicts[n] - '0');
		CHECK_INT(name, e.shown, ==, shown[n] - '0');
	}
	const json_t *scopes = json_object_get(delivery, "scopes");
	for (uint32_t s = 0; s < r->h->scope_count; s++) {
		struct sou_hash got = sou_scope_entries_digest(r->scopes[s]);
		struct sou_hash expected = expected_digest(json_array_get(scopes, s));
		CHECK_MEM(r->h->name, got.b, sizeof got.b, expected.b, sizeof expected.b);
	}
}

static void one_order(const struct history *h, const json_t *delivery, struct history_random *rng)
{
	struct message *list = malloc((h->op_count + h->entry_count * 6 + 1) * sizeof *list);
	bool *waiting = calloc(h->op_count + 1, sizeof *waiting);
	REQUIRE(h->name, list != NULL && waiting != NULL);
	uint32_t count = messages(h, delivery, rng, list),
		 batch = 1 + history_below(rng, count + 1);
	struct replica r;
	replica_new(&r, h);
	for (uint32_t i = 0; i < count; i++) {
		if (list[i].op >= 0)
			waiting[list[i].op] = true;
		else
			put(&r, list[i].entry, &list[i].facts);
		if (history_below(rng, batch) == 0) {
			add_ops(&r, waiting);
			settle(&r);
			if (history_below(rng, 4) == 0)
				against_fresh(&r);
		}
	}
	add_ops(&r, waiting);
	settle(&r);
	against_model(&r, delivery);
	against_fresh(&r);
	replica_fini(&r);
	free(waiting);
	free(list);
}

TEST(verdict, histories)
{
	const char *text = getenv("SOU_HISTORY_ORDERS");
	long orders = text == NULL ? 2 : strtol(text, NULL, 10);
	const char *path = getenv("SOU_HISTORY_FILE");
	struct history_file *file = history_open(
		path != NULL ? path : SOU_SOURCE_DIR "/tests/vectors/histories.jsonl.zst");
	struct history h;
	uint64_t seed = 1;
	size_t histories = 0, judged = 0;
	while (history_next(file, &h)) {
		for (size_t d = 0; d < json_array_size(h.deliveries); d++)
			for (long k = 0; k < orders; k++) {
				struct history_random rng = {seed++};
				one_order(&h, json_array_get(h.deliveries, d), &rng);
				judged++;
			}
		history_fini(&h);
		histories++;
	}
	printf("verdict: %zu histories, %zu deliveries in random orders\n", histories, judged);
	CHECK_INT("all histories", histories, >=, 3030);
}
