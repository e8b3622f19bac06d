/* authority_tree.c - takes ops in, keeps them as a tree and answers what stands on a path (P8.2,
 * P8.3). Nothing here looks at the trunk. */
#include "authority_tree.h"

static size_t padded(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static size_t text_bytes(const struct sou_effect *e)
{
	return e->handle.n + e->name.n + e->short_name.n + e->code.n + e->text.n + e->signature.n;
}

static size_t effect_bytes(const struct sou_effect *e)
{
	size_t n = padded(e->pin_count * sizeof *e->pins) + padded(e->id_count * sizeof *e->ids);
	if (e->indexes != NULL)
		n += padded(e->id_count * sizeof *e->indexes);
	return n + padded(text_bytes(e));
}

static void *take(uint8_t **at, const void *from, size_t n)
{
	void *to = *at;
	if (n > 0)
		memcpy(to, from, n);
	*at += n;
	return to;
}

static void take_text(uint8_t **at, struct sou_span *span)
{
	span->p = take(at, span->p, span->n);
}

static void copy_effect(struct sou_effect *to, uint8_t **at)
{
	uint8_t *start = *at;
	to->pins = take(at, to->pins, to->pin_count * sizeof *to->pins);
	*at = start + padded((size_t)(*at - start));
	start = *at;
	to->ids = take(at, to->ids, to->id_count * sizeof *to->ids);
	*at = start + padded((size_t)(*at - start));
	if (to->indexes != NULL) {
		start = *at;
		to->indexes = take(at, to->indexes, to->id_count * sizeof *to->indexes);
		*at = start + padded((size_t)(*at - start));
	}
	start = *at;
	take_text(at, &to->handle);
	take_text(at, &to->name);
	take_text(at, &to->short_name);
	take_text(at, &to->code);
	take_text(at, &to->text);
	take_text(at, &to->signature);
	*at = start + padded((size_t)(*at - start));
}

/* One block holds the effects, all they point to, the bytes and the signatures. */
static int copy_op(struct authop *to, const struct sou_authop *op, struct sou_span bytes,
		   struct sou_span sigs)
{
	size_t n = padded(op->effect_count * sizeof *op->effects) + padded(bytes.n) +
		   padded(sigs.n) + 16;
	for (uint32_t i = 0; i < op->effect_count; i++)
		n += effect_bytes(&op->effects[i]);
	uint8_t *memory = malloc(n);
	if (memory == NULL)
		return SOU_ENOMEM;
	uint8_t *at = memory;
	*to = (struct authop){.op = *op, .memory = memory};
	to->op.arena = NULL;
	to->op.effects = take(&at, op->effects, op->effect_count * sizeof *op->effects);
	at = memory + padded((size_t)(at - memory));
	for (uint32_t i = 0; i < op->effect_count; i++)
		copy_effect(&to->op.effects[i], &at);
	to->bytes = (struct sou_span){take(&at, bytes.p, bytes.n), bytes.n};
	to->sigs = (struct sou_span){take(&at, sigs.p, sigs.n), sigs.n};
	SOU_ASSERT((size_t)(at - memory) <= n);
	return SOU_OK;
}

uint32_t authority_find_op(const struct sou_authority *a, const struct sou_hash *id)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&a->op_table, sou_table_hash(id), &cursor)) != SOU_TABLE_END)
		if (sou_hash_eq(&a->ops[i].op.id, id))
			return i;
	return SOU_NONE;
}

bool authority_on_path(const struct sou_authority *a, uint32_t above, uint32_t below)
{
	uint32_t depth = a->ops[above].depth;
	while (a->ops[below].depth > depth) {
		const struct authop *o = &a->ops[below];
		below = a->ops[o->jump].depth >= depth ? o->jump : o->parent;
	}
	return below == above;
}

const struct use *authority_use(const struct sou_authority *a, enum use_kind kind,
				const struct sou_hash *name, uint32_t op)
{
	const struct use *best = NULL;
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&a->use_table, sou_table_hash(name) + kind, &cursor)) !=
	       SOU_TABLE_END) {
		const struct use *u = &a->uses[i];
		if (u->kind != kind || !sou_hash_eq(&u->name, name) ||
		    !authority_on_path(a, u->op, op))
			continue;
		if (best == NULL || a->ops[u->op].depth > a->ops[best->op].depth ||
		    (u->op == best->op && u->effect > best->effect))
			best = u;
	}
	return best;
}

const struct use *authority_use_id(const struct sou_authority *a, enum use_kind kind,
				   const struct sou_id *name, uint32_t op)
{
	struct sou_hash wide = {{0}};
	memcpy(wide.b, name->b, sizeof name->b);
	return authority_use(a, kind, &wide, op);
}

void authority_record(struct sou_authority *a, enum use_kind kind, const struct sou_hash *name,
		      uint32_t op, uint32_t effect)
{
	SOU_ASSERT(a->use_count < a->use_cap);
	a->uses[a->use_count] =
		(struct use){.name = *name, .op = op, .effect = effect, .kind = (uint8_t)kind};
	sou_table_add(&a->use_table, sou_table_hash(name) + kind, a->use_count++);
}

const struct sou_effect *authority_last(const struct sou_authop *op, enum sou_effect_type type)
{
	for (uint32_t i = op->effect_count; i > 0; i--)
		if (op->effects[i - 1].type == type)
			return &op->effects[i - 1];
	return NULL;
}

struct sou_id authority_org_named(const struct authop *op, const struct sou_id *id)
{
	if (op->op.tier != SOU_TIER_GENESIS || !sou_id_is_zero(id))
		return *id;
	for (uint32_t i = 0; i < op->op.effect_count; i++)
		if (op->op.effects[i].type == SOU_EFFECT_ORG)
			return sou_entity_org(&op->op.id, i);
	return *id;
}

/* What an op needs at most of the arrays that grow with its effects; so that linking cannot fail.
 */
static int make_room(struct sou_authority *a, const struct sou_authop *op)
{
	uint32_t uses = 0, ids = 0;
	for (uint32_t i = 0; i < op->effect_count; i++) {
		const struct sou_effect *e = &op->effects[i];
		uses += 4 + (e->type == SOU_EFFECT_KEYS ? e->id_count : 0);
		ids += e->type == SOU_EFFECT_REDACT ? e->id_count : 0;
	}
	void *p = sou_grow(a->ops, &a->op_cap, a->op_count, 1, sizeof *a->ops);
	if (p == NULL)
		return SOU_ENOMEM;
	a->ops = p;
	p = sou_grow(a->uses, &a->use_cap, a->use_count, uses, sizeof *a->uses);
	if (p == NULL)
		return SOU_ENOMEM;
	a->uses = p;
	p = sou_grow(a->redactions, &a->redaction_cap, a->redaction_count, ids,
		     sizeof *a->redactions);
	if (p == NULL)
		return SOU_ENOMEM;
	a->redactions = p;
	p = sou_grow(a->anchors, &a->anchor_cap, a->anchor_count, op->effect_count,
		     sizeof *a->anchors);
	if (p == NULL)
		return SOU_ENOMEM;
	a->anchors = p;
	p = realloc(a->sorted, a->op_cap * sizeof *a->sorted);
	if (p == NULL)
		return SOU_ENOMEM;
	a->sorted = p;
	if (!sou_table_reserve(&a->op_table, 1) || !sou_table_reserve(&a->use_table, uses) ||
	    !sou_table_reserve(&a->redaction_table, ids))
		return SOU_ENOMEM;
	return SOU_OK;
}

static void link_op(struct sou_authority *a, uint32_t n)
{
	struct authop *o = &a->ops[n];
	o->first_child = o->last_child = o->next_sibling = SOU_NONE;
	if (o->parent == SOU_NONE) {
		o->jump = n;
		o->keys_op = o->hub_op = SOU_NONE;
	} else {
		struct authop *p = &a->ops[o->parent];
		const struct authop *far = &a->ops[p->jump];
		o->depth = p->depth + 1;
		o->jump = p->depth - far->depth == far->depth - a->ops[far->jump].depth ? far->jump
											: o->parent;
		o->keys_op = p->keys_op;
		o->hub_op = p->hub_op;
		o->counter_max = p->counter_max;
		if (p->last_child == SOU_NONE)
			p->first_child = n;
		else
			a->ops[p->last_child].next_sibling = n;
		p->last_child = n;
	}
	if (o->op.tier != SOU_TIER_HUB)
		for (uint32_t i = n; i != SOU_NONE && !a->ops[i].weighty; i = a->ops[i].parent)
			a->ops[i].weighty = true;
}

static void sort_in(struct sou_authority *a, const struct sou_hash *id)
{
	uint32_t low = 0, high = a->op_count - 1;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (sou_hash_cmp(&a->sorted[mid], id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	memmove(&a->sorted[low + 1], &a->sorted[low], (a->op_count - 1 - low) * sizeof *a->sorted);
	a->sorted[low] = *id;
}

int authority_takes(const struct sou_authority *a, const struct sou_authop *op, uint32_t *parent)
{
	*parent = SOU_NONE;
	if (authority_find_op(a, &op->id) != SOU_NONE)
		return SOU_EEXIST;
	if (op->tier > SOU_TIER_HUB)
		return SOU_EFORMAT;
	if (op->tier == SOU_TIER_GENESIS) {
		if (a->op_count > 0 || (a->pinned && !sou_hash_eq(&a->genesis, &op->id)))
			return SOU_EUNKNOWN;
		return op->seq == 0 && op->counter == 0 && sou_hash_is_zero(&op->prev)
			       ? SOU_OK
			       : SOU_EFORMAT;
	}
	uint32_t at = authority_find_op(a, &op->prev);
	if (at == SOU_NONE)
		return SOU_EUNKNOWN;
	if (op->seq != a->ops[at].op.seq + 1 || !sou_id_eq(&op->net, &a->ops[0].op.net))
		return SOU_EFORMAT;
	*parent = at;
	return SOU_OK;
}

int sou_authority_add_checked(struct sou_authority *a, const struct sou_authop *op,
			      struct sou_span op_bytes, struct sou_span sigs)
{
	SOU_ASSERT(a != NULL);
	SOU_ASSERT(op != NULL);
	uint32_t parent;
	int rc = authority_takes(a, op, &parent);
	if (rc != SOU_OK)
		return rc;
	bool joined = false;
	rc = authority_joined(a, op, parent, &joined);
	if (rc == SOU_OK)
		rc = make_room(a, op);
	if (rc != SOU_OK)
		return rc;
	uint32_t n = a->op_count;
	rc = copy_op(&a->ops[n], op, op_bytes, sigs);
	if (rc != SOU_OK)
		return rc;
	a->op_count++;
	a->ops[n].parent = parent;
	sou_table_add(&a->op_table, sou_table_hash(&op->id), n);
	link_op(a, n);
	if (parent == SOU_NONE) {
		a->genesis = op->id;
		a->pinned = true;
	}
	authority_admit(a, n, joined);
	sort_in(a, &op->id);
	a->dirty = true;
	return SOU_OK;
}
