/* pen.c - what a replica does with entries, without its replica. */
#include "tests/daemon/store/pen.h"

static int sign_nothing(void *ctx, const uint8_t *message, size_t n,
			uint8_t out[SOU_SIGNATURE_BYTES])
{
	(void)ctx;
	struct sou_hash h = sou_sha256(message, n);
	memcpy(out, h.b, 32);
	memcpy(out + 32, h.b, 32);
	return SOU_OK;
}

static void end(void *arg)
{
	struct pen *p = arg;
	pen_close(p);
	soud_merge_free(p->m);
	bed_fini(&p->bed);
	memvfs_free(p->vfs);
}

struct soud_store *pen_open(struct pen *p, enum soud_store_mode mode)
{
	(void)p;
	struct soud_store_options options = {.vfs = "pen"};
	struct soud_store *s = NULL;
	struct sou_err err = {0};
	int rc = soud_store_open(&s, "replica.db", mode, &options, &err);
	CHECK_STR("opens", err.text, "");
	REQUIRE("opens", rc == SOU_OK);
	return s;
}

struct pen *pen_new(void)
{
	struct pen *p = test_alloc(sizeof *p);
	*p = (struct pen){0};
	bed_init(&p->bed, false);
	p->keys[0] = bed_open(&p->bed, "site a");
	p->keys[1] = bed_open(&p->bed, "site b");
	bed_grant(&p->bed, "site a", SOU_ROLE_EDITOR);
	REQUIRE("settles", sou_authority_settle(p->bed.authority) == SOU_OK);
	REQUIRE("vfs", memvfs_new(&p->vfs, "pen") == SOU_OK);
	REQUIRE("merge", soud_merge_new(&p->m) == SOU_OK);
	test_at_end(end, p);
	p->s = pen_open(p, SOUD_STORE_WRITER);
	REQUIRE("begin", soud_store_begin(p->s) == SOU_OK);
	REQUIRE("scope", soud_store_scope_add(p->s, &p->bed.id, &p->scope) == SOU_OK);
	REQUIRE("commit", soud_store_commit(p->s) == SOU_OK);
	return p;
}

void pen_close(struct pen *p)
{
	soud_store_free(p->s);
	p->s = NULL;
}

void pen_reopen(struct pen *p)
{
	struct soud_row row;
	struct sou_entry entry = {0};
	const struct sou_change *changes;
	size_t count;
	pen_close(p);
	p->s = pen_open(p, SOUD_STORE_WRITER);
	sou_scope_free(p->bed.scope);
	REQUIRE("engine", sou_scope_new(&p->bed.scope, &p->bed.id) == SOU_OK);
	p->last = 0;
	while (soud_store_log_next(p->s, p->scope, p->last, &row) == SOU_OK) {
		p->last = row.arrival;
		REQUIRE("reads",
			sou_entry_read(&entry, row.header, row.payload, &row.id) == SOU_OK);
		entry.facts.sig_checked = row.sig_checked;
		REQUIRE("puts", sou_scope_put(p->bed.scope, &entry.facts, row.arrival) == SOU_OK);
	}
	REQUIRE("settles",
		sou_scope_settle(p->bed.scope, p->bed.authority, &changes, &count) == SOU_OK);
	sou_entry_fini(&entry);
}

struct sou_id pen_entity(uint8_t first)
{
	return (struct sou_id){{first, 0xee, first}};
}

static void fini_entry(void *entry)
{
	sou_entry_fini(entry);
}

static struct sou_span copy(struct sou_buf *buf)
{
	struct test_bytes b = test_copy(buf->p, buf->n);
	sou_buf_fini(buf);
	return (struct sou_span){b.b, b.n};
}

static void draft_op(struct sou_draft_op *d, const struct pen_op *op, struct sou_buf *value,
		     struct sou_id *replaces)
{
	*d = (struct sou_draft_op){.type = op->consent      ? SOU_OP_CONSENT
					   : op->field == 0 ? SOU_OP_DELETE
							    : SOU_OP_SET,
				   .kind = op->consent ? SOU_KIND_CONSENT : SOU_KIND_ITEM,
				   .field = op->consent ? SOU_FIELD_CONSENT_UNTIL : op->field,
				   .entity = pen_entity(op->entity),
				   .replaces = replaces};
	for (size_t i = 0; i < ARRAY_LEN(op->replaces); i++)
		if (op->replaces[i] != NULL)
			replaces[d->replace_count++] = op->replaces[i]->version;
	if (!sou_id_is_zero(&op->missing))
		replaces[d->replace_count++] = op->missing;
	if (op->field != 0 || op->consent)
		sou_mp_put_str(value, op->text, strlen(op->text));
	d->value = sou_buf_span(value);
}

struct pen_entry *pen_write(struct pen *p, unsigned key, const struct pen_op *ops, uint32_t count)
{
	struct bed_key *k = &p->keys[key];
	struct sou_signer signer = {.sign = sign_nothing, .key_id = k->key};
	struct sou_draft_op *drafts = test_alloc(count * sizeof *drafts);
	struct sou_buf *values = test_alloc(count * sizeof *values), header = {0}, payload = {0};
	memset(values, 0, count * sizeof *values);
	for (uint32_t i = 0; i < count; i++)
		draft_op(&drafts[i], &ops[i], &values[i], test_alloc(5 * sizeof(struct sou_id)));
	struct sou_draft draft = {.header = {.kind = SOU_ENTRY_DATA,
					     .net = p->bed.net,
					     .site = k->site,
					     .scope = p->bed.id,
					     .epoch = k->epoch,
					     .prev = k->prev,
					     .seq = ++k->seq,
					     .hlc = k->hlc += 65536},
				  .for_org = p->bed.org,
				  .by = {(const uint8_t *)"x", 1},
				  .ops = drafts,
				  .op_count = count};
	struct pen_entry *e = test_alloc(sizeof *e);
	struct sou_entry *made = test_alloc(sizeof *made), *alone = test_alloc(sizeof *alone);
	*made = *alone = (struct sou_entry){0};
	test_at_end(fini_entry, made);
	test_at_end(fini_entry, alone);
	REQUIRE("makes",
		sou_entry_make(made, &draft, &signer, &header, &payload, e->sig) == SOU_OK);
	e->header = copy(&header);
	e->payload = copy(&payload);
	REQUIRE("reads", sou_entry_read(made, e->header, e->payload, NULL) == SOU_OK);
	REQUIRE("reads",
		sou_entry_read(alone, e->header, (struct sou_span){NULL, 0}, NULL) == SOU_OK);
	made->facts.sig_checked = alone->facts.sig_checked = true;
	e->facts = made->facts;
	e->alone = alone->facts;
	e->id = k->prev = made->facts.id;
	e->version = sou_hash_half(&e->id);
	for (uint32_t i = 0; i < count; i++)
		sou_buf_fini(&values[i]);
	return e;
}

struct pen_entry *pen_text(struct pen *p, unsigned key, uint8_t entity, const char *text,
			   const struct pen_entry *replaces)
{
	struct pen_op op = {.entity = entity,
			    .field = SOU_FIELD_ITEM_TEXT,
			    .text = text,
			    .replaces = {replaces}};
	return pen_write(p, key, &op, 1);
}

static void settle(struct pen *p, const struct sou_change **changes, size_t *count)
{
	REQUIRE("settles", sou_authority_settle(p->bed.authority) == SOU_OK);
	REQUIRE("settles",
		sou_scope_settle(p->bed.scope, p->bed.authority, changes, count) == SOU_OK);
}

static void append(struct pen *p, const struct pen_entry *e, bool header_only)
{
	struct sou_scope_entry now;
	REQUIRE("known", sou_scope_get(p->bed.scope, &e->id, &now) == SOU_OK);
	struct soud_row row = {.arrival = p->last,
			       .id = e->id,
			       .header = e->header,
			       .sig = {e->sig, sizeof e->sig},
			       .kind = SOU_ENTRY_DATA,
			       .body = now.body,
			       .verdict = now.verdict,
			       .shown = now.shown,
			       .sig_checked = true,
			       .received_ms = 1000 + (int64_t)p->last,
			       .source = 0};
	if (!header_only)
		row.payload = e->payload;
	PEN_OK("append", soud_store_log_append(p->s, p->scope, &row));
	PEN_OK("feed", soud_store_feed_add(p->s, p->scope, &e->facts.site, &e->facts.key));
}

static void apply(struct pen *p, const struct sou_change *changes, size_t count,
		  const uint64_t *again, size_t again_count)
{
	int rc = soud_merge_apply(p->m, p->s, p->scope, p->bed.scope, p->bed.authority, changes,
				  count, again, again_count);
	CHECK_INT(soud_store_error(p->s)->text, rc, ==, SOU_OK);
}

uint64_t pen_take(struct pen *p, const struct pen_entry *e, bool header_only)
{
	const struct sou_change *changes;
	size_t count;
	REQUIRE("puts", sou_scope_put(p->bed.scope, header_only ? &e->alone : &e->facts,
				      ++p->last) == SOU_OK);
	settle(p, &changes, &count);
	append(p, e, header_only);
	apply(p, changes, count, NULL, 0);
	return p->last;
}

void pen_merge_nothing(struct pen *p, const struct pen_entry *e)
{
	const struct sou_change *changes;
	size_t count;
	REQUIRE("puts", sou_scope_put(p->bed.scope, &e->facts, ++p->last) == SOU_OK);
	settle(p, &changes, &count);
	append(p, e, false);
}

void pen_payload(struct pen *p, const struct pen_entry *e, uint64_t arrival)
{
	const struct sou_change *changes;
	size_t count;
	REQUIRE("puts", sou_scope_put(p->bed.scope, &e->facts, arrival) == SOU_OK);
	settle(p, &changes, &count);
	PEN_OK("payload", soud_store_log_payload(p->s, p->scope, arrival, e->payload, SOU_BODY_OK));
	apply(p, changes, count, &arrival, 1);
}

void pen_rejudge(struct pen *p, const uint64_t *again, size_t again_count)
{
	const struct sou_change *changes;
	size_t count;
	settle(p, &changes, &count);
	apply(p, changes, count, again, again_count);
}
