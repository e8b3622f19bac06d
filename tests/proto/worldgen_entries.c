/* worldgen_entries.c - a random world and its entries: edits that replace, deletes, consents and
 * proxies, parts, control entries, forks and new epochs, by sites that may and that may not. */
#include <string.h>

#include "proto/mp.h"
#include "tests/proto/worldgen.h"

uint32_t worldgen_below(struct worldgen *w, uint32_t n)
{
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((w->random >> 33) % n);
}

struct sou_hash worldgen_drawn(struct worldgen *w, const char *what, uint64_t number)
{
	uint8_t seed[16];
	memcpy(seed, &w->net, 8);
	memcpy(seed + 8, &number, 8);
	struct sou_span parts[] = {{seed, sizeof seed}, {(const uint8_t *)what, strlen(what)}};
	return sou_hash_parts(SOU_DOMAIN_NONE, parts, 2);
}

struct sou_id worldgen_id(struct worldgen *w, const char *what, uint64_t number)
{
	struct sou_hash hash = worldgen_drawn(w, what, number);
	return sou_hash_half(&hash);
}

json_t *worldgen_hex(const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * n + 1);
	if (text == NULL)
		exit(70);
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[((const uint8_t *)bytes)[i] >> 4];
		text[2 * i + 1] = digits[((const uint8_t *)bytes)[i] & 15];
	}
	json_t *json = json_stringn(text, 2 * n);
	free(text);
	return json;
}

struct draft { /* memory of what sou_draft borrows */
	struct sou_draft draft;
	struct sou_draft_op ops[2];
	struct sou_buf values[2];
	struct sou_id replaces[2][2];
	struct sou_hash cites[1], names[3];
};

static void put_value(struct worldgen *w, struct sou_buf *out, const struct sou_field *field,
		      const struct sou_id *entity)
{
	static const char *const texts[] = {"一", "二 ", "𠮷㌻", "四\n"};
	uint32_t n = worldgen_below(w, 4);
	struct sou_id id = worldgen_id(w, "value", n);
	uint8_t place[5] = {(uint8_t)(n + 1)};
	switch ((enum sou_type)field->type) {
	case SOU_TYPE_STR:
		sou_mp_put_str(out, texts[n], strlen(texts[n]));
		break;
	case SOU_TYPE_UINT:
		sou_mp_put_uint(out, n);
		break;
	case SOU_TYPE_ID:
		sou_mp_put_id(out, &id);
		break;
	case SOU_TYPE_LIST:
		sou_mp_put_array(out, 2);
		sou_mp_put_id(out, &w->orgs[n % 2]);
		sou_mp_put_uint(out, n);
		break;
	case SOU_TYPE_PLACE:
		memcpy(place + 1, entity, 4);
		sou_mp_put_bin(out, place, sizeof place);
		break;
	}
}

/* An earlier entry of the scope that matches, newest first for the most part; NULL: none found. */
static const struct worldgen_entry *earlier(struct worldgen *w, uint32_t scope, int site)
{
	for (uint32_t tries = 0; w->entry_count > 0 && tries < 20; tries++) {
		uint32_t back = worldgen_below(w, worldgen_below(w, 3) ? 12 : WORLDGEN_ENTRIES);
		if (back >= w->entry_count)
			continue;
		const struct worldgen_entry *e = &w->entries[w->entry_count - 1 - back];
		if (e->scope == scope && (site < 0 || e->site == (uint32_t)site))
			return e;
	}
	return NULL;
}

static void data_op(struct worldgen *w, struct draft *d, uint32_t i, uint32_t scope)
{
	static const uint16_t kinds[WORLDGEN_SCOPES][4] = {
		{SOU_KIND_ITEM, SOU_KIND_ITEM, SOU_KIND_APPROVAL, SOU_KIND_MARK},
		{SOU_KIND_ITEM, SOU_KIND_ITEM, SOU_KIND_REMARK, SOU_KIND_SETTING},
		{SOU_KIND_SUBMISSION, SOU_KIND_SUBMISSION, SOU_KIND_REVIEW, SOU_KIND_COPY},
		{SOU_KIND_PROJECT, SOU_KIND_ROUND, SOU_KIND_PLAN, SOU_KIND_EDITION}};
	struct sou_draft_op *op = &d->ops[i];
	op->type = SOU_OP_SET;
	op->kind = kinds[scope][worldgen_below(w, 4)];
	uint32_t what = worldgen_below(w, 10);
	if (what == 0)
		op->type = SOU_OP_DELETE;
	else if (what == 1)
		op->type = SOU_OP_PROXY;
	else if (what == 2)
		op->type = SOU_OP_CONSENT, op->kind = SOU_KIND_CONSENT;
	op->entity = w->entities[(i + worldgen_below(w, 2) * 2) % 4];
	if (op->type != SOU_OP_DELETE) {
		const struct sou_field *field;
		do
			op->field = (uint16_t)(1 + worldgen_below(w, 6));
		while ((field = sou_schema_field(op->kind, op->field)) == NULL);
		put_value(w, &d->values[i], field, &op->entity);
		op->value = sou_buf_span(&d->values[i]);
	}
	for (; op->replace_count < worldgen_below(w, 3); op->replace_count++) {
		const struct worldgen_entry *e = earlier(w, scope, -1);
		d->replaces[i][op->replace_count] =
			e ? sou_hash_half(&e->id) : worldgen_id(w, "no version", i);
	}
	op->replaces = d->replaces[i];
}

static void control_op(struct worldgen *w, struct draft *d, uint32_t scope)
{
	static const uint16_t types[] = {SOU_OP_ADOPT,    SOU_OP_ADOPT,      SOU_OP_ANCHOR,
					 SOU_OP_ANCHOR,   SOU_OP_EPOCH_OPEN, SOU_OP_CLOSE,
					 SOU_OP_HEARTBEAT};
	struct sou_draft_op *op = &d->ops[0];
	op->type = types[worldgen_below(w, 7)];
	d->draft.header.kind =
		op->type == SOU_OP_EPOCH_OPEN ? SOU_ENTRY_OPENING : SOU_ENTRY_CONTROL;
	if (op->type == SOU_OP_EPOCH_OPEN)
		sou_mp_put_str(&d->values[0], "例", strlen("例"));
	if (op->type == SOU_OP_ADOPT || op->type == SOU_OP_ANCHOR) {
		const struct worldgen_entry *e = earlier(w, scope, -1);
		sou_mp_put_array(&d->values[0], 1);
		d->names[0] = e ? e->id : worldgen_drawn(w, "nothing", 0);
		sou_mp_put_hash(&d->values[0], &d->names[0]);
	}
	op->value = sou_buf_span(&d->values[0]);
	d->draft.op_count = 1;
}

static void data_ops(struct worldgen *w, struct draft *d, uint32_t scope, uint32_t site)
{
	d->draft.op_count = 1 + worldgen_below(w, 2);
	for (uint32_t i = 0; i < d->draft.op_count; i++)
		data_op(w, d, i, scope);
	if (memcmp(&d->ops[0].entity, &d->ops[1].entity, 16) == 0)
		d->draft.op_count = 1;
	const struct worldgen_entry *cited =
		worldgen_below(w, 3) == 0 ? earlier(w, scope, -1) : NULL;
	if (cited != NULL) {
		d->cites[0] = cited->id;
		d->draft.cites = d->cites;
		d->draft.cite_count = 1;
	}
	const struct worldgen_entry *closed =
		worldgen_below(w, 8) == 0 ? earlier(w, scope, (int)site) : NULL;
	d->draft.is_part = worldgen_below(w, 8) == 0;
	if (closed != NULL && !d->draft.is_part) {
		d->names[0] = closed->id;
		d->draft.parts = d->names;
		d->draft.part_count = 1;
	}
}

/* Where the entry stands: mostly on the site's newest, now and then elsewhere, so that it forks. */
static void place(struct worldgen *w, struct sou_header *h, uint32_t site, uint32_t scope)
{
	const struct worldgen_entry *on = NULL;
	for (uint32_t i = w->entry_count; i > 0 && on == NULL; i--)
		if (w->entries[i - 1].site == site && w->entries[i - 1].scope == scope)
			on = &w->entries[i - 1];
	if (on != NULL && worldgen_below(w, 8) == 0)
		on = earlier(w, scope, (int)site);
	h->hlc = (uint64_t)(1000 + w->entry_count + worldgen_below(w, 2) * 50) << 16;
	if (on == NULL) {
		h->prev = w->openings[site];
		h->epoch = sou_hash_half(&h->prev);
		h->seq = 1;
		return;
	}
	h->prev = on->id;
	h->epoch = on->header.kind == SOU_ENTRY_OPENING ? sou_hash_half(&on->id) : on->header.epoch;
	h->seq = on->header.kind == SOU_ENTRY_OPENING ? 1 : on->header.seq + 1;
	if (h->hlc <= on->header.hlc && worldgen_below(w, 30) != 0)
		h->hlc = on->header.hlc + 1;
}

static void keep(struct worldgen *w, const struct sou_draft *draft, uint32_t site, uint32_t scope)
{
	struct worldgen_entry *made = &w->entries[w->entry_count];
	struct sou_entry entry = {0};
	int rc = sou_entry_make(&entry, draft, &w->keys[KEY_SITE + site], &made->header_bytes,
				&made->payload, made->signature);
	if (rc == SOU_EINPUT) { /* what the writer here does not sign */
		sou_buf_clear(&made->header_bytes);
		sou_buf_clear(&made->payload);
	} else {
		DO(rc);
		made->header = entry.header;
		made->id = entry.facts.id;
		made->scope = scope;
		made->site = site;
		made->header_only = worldgen_below(w, 25) == 0;
		made->is_unsigned = worldgen_below(w, 4) == 0;
		w->entry_count++;
	}
	sou_entry_fini(&entry);
}

void worldgen_entry(struct worldgen *w)
{
	uint32_t site = worldgen_below(w, WORLDGEN_SITES),
		 scope = worldgen_below(w, WORLDGEN_SCOPES);
	struct draft d = {0};
	struct sou_header *h = &d.draft.header;
	h->net = w->net;
	h->site = w->sites[site];
	h->scope = w->scopes[scope];
	h->clock = worldgen_below(w, 9) == 0;
	h->authority = sou_hash_half(&w->ops[w->head]);
	place(w, h, site, scope);
	struct sou_id salt = worldgen_id(w, "salt", w->entry_count);
	memcpy(d.draft.salt, &salt, sizeof d.draft.salt);
	d.draft.for_org =
		w->orgs[scope < 2 && worldgen_below(w, 20) ? scope : worldgen_below(w, 2)];
	d.draft.ops = d.ops;
	if (worldgen_below(w, site == 0 ? 2 : 6) == 0) {
		control_op(w, &d, scope);
	} else {
		static const char by[] = "例 花子";
		d.draft.by = (struct sou_span){(const uint8_t *)by, sizeof by - 1};
		data_ops(w, &d, scope, site);
	}
	keep(w, &d.draft, site, scope);
	sou_buf_fini(&d.values[0]);
	sou_buf_fini(&d.values[1]);
}

struct worldgen *worldgen_new(uint64_t seed)
{
	struct worldgen *w = calloc(1, sizeof *w);
	if (w == NULL)
		exit(70);
	w->random = seed;
	memcpy(&w->net, &seed, sizeof seed);
	w->net = worldgen_id(w, "net", seed);
	w->json_ops = json_array();
	DO(sou_authority_new(&w->authority, NULL));
	for (uint32_t k = 0; k < WORLDGEN_KEYS; k++)
		DO(sou_signer_ed25519(&w->keys[k], worldgen_drawn(w, "key", k).b));
	for (uint32_t s = 0; s < WORLDGEN_SITES; s++)
		w->sites[s] = worldgen_id(w, "site", s);
	for (uint32_t e = 0; e < 4; e++)
		w->entities[e] = worldgen_id(w, "entity", e);
	worldgen_founding(w);
	uint32_t acts = worldgen_below(w, 20),
		 entries = 10 + worldgen_below(w, WORLDGEN_ENTRIES - 10);
	for (uint32_t i = 0; i < entries; i++) {
		worldgen_entry(w);
		if (w->entry_count > 0 && acts > 0 && worldgen_below(w, 3) == 0) {
			worldgen_act(w);
			acts--;
		}
	}
	return w;
}

void worldgen_free(struct worldgen *w)
{
	for (uint32_t i = 0; i < WORLDGEN_ENTRIES; i++) {
		sou_buf_fini(&w->entries[i].header_bytes);
		sou_buf_fini(&w->entries[i].payload);
		sou_buf_fini(&w->entries[i].redacted);
	}
	for (uint32_t k = 0; k < WORLDGEN_KEYS; k++)
		sou_signer_fini(&w->keys[k]);
	sou_authority_free(w->authority);
	json_decref(w->json_ops);
	free(w);
}
