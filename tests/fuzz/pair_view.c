/* pair_view.c - what the sessions of pair.h see of their replicas. */
#include "tests/fuzz/pair_int.h"

static const struct sou_authority *authority(void *ctx)
{
	const struct pair_ctx *c = ctx;
	return c->node->authority;
}

uint32_t pair_scope_of(const struct pair *p, const struct sou_id *scope)
{
	uint32_t i = 0;
	while (i < PAIR_SCOPES && !sou_id_eq(&p->scopes[i], scope))
		i++;
	return i;
}

static bool scope_at(void *ctx, size_t i, struct sou_view_scope *out)
{
	const struct pair_ctx *c = ctx;
	for (uint32_t s = 0; s < PAIR_SCOPES; s++) {
		if (c->node->r.last[s] == 0 || i-- > 0)
			continue;
		*out = (struct sou_view_scope){c->pair->scopes[s], c->node->r.last[s]};
		return true;
	}
	return false;
}

static bool peer_log(void *ctx, const struct sou_id *site, struct sou_id *log)
{
	const struct pair_ctx *c = ctx;
	if (!sou_id_eq(site, &c->other->site) || sou_id_is_zero(&c->node->r.peer_log))
		return false;
	*log = c->node->r.peer_log;
	return true;
}

static uint64_t known(const struct pair_ctx *c, const struct sou_id *site, const struct sou_id *log,
		      const struct sou_id *scope, const uint64_t *of)
{
	uint32_t s = pair_scope_of(c->pair, scope);
	if (s == PAIR_SCOPES || !sou_id_eq(site, &c->other->site) ||
	    !sou_id_eq(log, &c->node->r.peer_log))
		return 0;
	return of[s];
}

static uint64_t position(void *ctx, const struct sou_id *site, const struct sou_id *log,
			 const struct sou_id *scope)
{
	const struct pair_ctx *c = ctx;
	return known(c, site, log, scope, c->node->r.at);
}

static uint64_t acked(void *ctx, const struct sou_id *site, const struct sou_id *log,
		      const struct sou_id *scope)
{
	const struct pair_ctx *c = ctx;
	return known(c, site, log, scope, c->node->r.acked);
}

static bool digest(void *ctx, const struct sou_id *scope, struct sou_digest *out)
{
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, scope);
	if (s == PAIR_SCOPES || c->node->r.last[s] == 0)
		return false;
	*out = (struct sou_digest){
		.scope = *scope, .rule = SOU_RULE_VERSION, .upto = c->node->r.last[s]};
	out->authority = sou_authority_hash(c->node->authority);
	out->entries = sou_sha256(&c->node->r.set[s], sizeof c->node->r.set[s]);
	out->state = sou_sha256(&out->entries, sizeof out->entries);
	return true;
}

struct sou_hash pair_entry_id(uint32_t scope, uint32_t entry)
{
	struct sou_hash id = {{(uint8_t)(entry + 1), (uint8_t)scope, 0xee}};
	return id;
}

/* PAIR_ENTRIES: none of ours. */
static uint32_t entry_of(const struct pair *p, uint32_t s, const uint8_t *id)
{
	if (id[2] != 0xee || id[1] != s || id[0] == 0 || id[0] > p->made[s])
		return PAIR_ENTRIES;
	return id[0] - 1u;
}

/* Those whose ancestors are all there (P10.7). */
static uint64_t whole(const struct pair_ctx *c, uint32_t s)
{
	uint64_t set = c->node->r.set[s], out = 0;
	for (uint32_t i = 0; i < PAIR_ENTRIES; i++)
		if ((set >> i & 1) != 0 && (c->pair->ancestors[s][i] & ~set) == 0)
			out |= UINT64_C(1) << i;
	return out;
}

static size_t tops(void *ctx, const struct sou_id *scope, struct sou_hash *out, size_t max)
{
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, scope);
	uint64_t below = 0, set = s < PAIR_SCOPES ? whole(c, s) : 0;
	size_t n = 0;
	for (uint32_t i = 0; i < PAIR_ENTRIES; i++)
		if (set >> i & 1)
			below |= c->pair->ancestors[s][i] & ~(UINT64_C(1) << i);
	for (uint32_t i = 0; i < PAIR_ENTRIES && n < max; i++)
		if (set >> i & ~(below >> i) & 1)
			out[n++] = pair_entry_id(s, i);
	return n;
}

static bool may_read(void *ctx, const struct sou_id *site, const struct sou_id *key_id,
		     const struct sou_id *scope)
{
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, scope);
	for (uint32_t i = 0; i < 2 && s < PAIR_SCOPES; i++)
		if (sou_id_eq(site, &c->pair->nodes[i].site))
			return c->pair->nodes[i].may_read[s] &&
			       !sou_authority_key_withdrawn(c->node->authority, site, key_id);
	return false;
}

static uint64_t left_out(const struct pair_ctx *c, const struct sou_news_query *q, uint32_t s)
{
	uint64_t out = 0;
	for (size_t i = 0; i < q->head_count; i++) {
		uint32_t e = entry_of(c->pair, s, q->heads[i].b);
		if (e < PAIR_ENTRIES)
			out |= c->pair->ancestors[s][e];
	}
	return out;
}

static int news(void *ctx, const struct sou_news_query *q, struct sou_buf *buf,
		struct sou_news_answer *out)
{
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, &q->scope);
	SOU_ASSERT(s < PAIR_SCOPES && q->after < c->node->r.last[s]);
	SOU_ASSERT(sou_id_eq(&q->peer_site, &c->other->site));
	uint64_t skip = left_out(c, q, s);
	*out = (struct sou_news_answer){.upto = q->after};
	sou_buf_put_u8(buf, q->only_site ? 'o' : 'a');
	while (out->upto < c->node->r.last[s] && out->entry_count < 3) {
		const struct pair_arrival *a = &c->node->r.log[s][out->upto++];
		bool own = c->pair->author[s][a->entry] == (c->other == &c->pair->nodes[1]);
		if ((skip >> a->entry & 1) != 0 || (q->only_site && !own) ||
		    (!q->by_heads && sou_id_eq(&a->from, &q->peer_log)))
			continue;
		sou_buf_put_u8(buf, a->entry);
		out->entry_count++;
	}
	out->raw_bytes = buf->n;
	return SOU_OK;
}

static int headers(void *ctx, const struct sou_id *scope, uint64_t after,
		   const struct sou_hash *entry, struct sou_buf *buf, struct sou_news_answer *out)
{
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, scope);
	SOU_ASSERT(s < PAIR_SCOPES);
	for (uint64_t i = after; i < c->node->r.last[s]; i++)
		if (c->node->r.log[s][i].entry == entry_of(c->pair, s, entry->b)) {
			sou_buf_put_u8(buf, c->node->r.log[s][i].entry);
			out->entry_count = out->raw_bytes = 1;
		}
	return SOU_OK;
}

static int entries(void *ctx, const struct sou_id *scope, const struct sou_mp_list *versions,
		   struct sou_buf *buf, struct sou_news_answer *out)
{
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, scope);
	SOU_ASSERT(s < PAIR_SCOPES);
	sou_buf_put_u8(buf, 'a');
	for (uint32_t i = 0; i < versions->count; i++) {
		struct sou_id version = sou_mp_list_id(versions, i);
		uint32_t e = entry_of(c->pair, s, version.b);
		if (e == PAIR_ENTRIES || (c->node->r.set[s] >> e & 1) == 0)
			continue;
		sou_buf_put_u8(buf, (uint8_t)e);
		out->entry_count++;
	}
	out->raw_bytes = buf->n;
	return SOU_OK;
}

static int signatures(void *ctx, const struct sou_signatures_want *want, struct sou_buf *body)
{
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	const struct pair_ctx *c = ctx;
	uint32_t s = pair_scope_of(c->pair, &want->scope);
	SOU_ASSERT(s < PAIR_SCOPES);
	if (entry_of(c->pair, s, want->first.b) == PAIR_ENTRIES)
		return SOU_EUNKNOWN;
	sou_signatures_pack_begin(body, &want->scope, 1);
	sou_signatures_put(body, &want->first, signature);
	return SOU_OK;
}

const struct sou_view pair_view = {
	.authority = authority,
	.scope_at = scope_at,
	.peer_log = peer_log,
	.position = position,
	.acked = acked,
	.digest = digest,
	.tops = tops,
	.may_read = may_read,
	.news = news,
	.headers = headers,
	.entries = entries,
	.signatures = signatures,
};
