/* talk_view.c - the made-up replica of talk.h: its scopes hold numbers instead of entries. A frame
 * of news has at most five arrivals; one whose number ends in 7 came from the peer and is left out.
 */
#include "tests/proto/talk_int.h"

#define FRAME_ARRIVALS 5u

/* What a reader says that found no room; the link may go on then. */
static int outcome(struct talk *t, const struct sou_buf *buf)
{
	t->no_room = t->no_room || buf->failed;
	return buf->failed ? SOU_ENOMEM : SOU_OK;
}

static const struct sou_authority *authority(void *ctx)
{
	return ((struct talk *)ctx)->authority;
}

struct talk_scope *talk_scope(struct talk *t, const struct sou_id *id)
{
	for (size_t i = 0; i < t->scope_count; i++)
		if (sou_id_eq(&t->scopes[i].id, id))
			return &t->scopes[i];
	return NULL;
}

static bool scope_at(void *ctx, size_t i, struct sou_view_scope *out)
{
	struct talk *t = ctx;
	for (size_t k = 0; k < t->scope_count; k++) {
		if (!t->scopes[k].listed || i-- > 0)
			continue;
		*out = (struct sou_view_scope){t->scopes[k].id, t->scopes[k].last};
		return true;
	}
	return false;
}

static bool peer_log(void *ctx, const struct sou_id *site, struct sou_id *log)
{
	struct talk *t = ctx;
	if (!t->met || !sou_id_eq(site, &t->site))
		return false;
	*log = t->log;
	return true;
}

static uint64_t position(void *ctx, const struct sou_id *site, const struct sou_id *log,
			 const struct sou_id *scope)
{
	struct talk *t = ctx;
	const struct talk_scope *s = talk_scope(t, scope);
	return s != NULL && sou_id_eq(site, &t->site) && sou_id_eq(log, &t->log) ? s->at : 0;
}

static uint64_t acked(void *ctx, const struct sou_id *site, const struct sou_id *log,
		      const struct sou_id *scope)
{
	struct talk *t = ctx;
	const struct talk_scope *s = talk_scope(t, scope);
	return s != NULL && sou_id_eq(site, &t->site) && sou_id_eq(log, &t->log) ? s->acked : 0;
}

struct sou_digest talk_digest(const struct talk *t, const struct sou_id *scope, uint8_t entries,
			      uint8_t state)
{
	struct sou_digest d = {.scope = *scope, .rule = SOU_RULE_VERSION};
	d.authority = sou_authority_hash(t->authority);
	memset(d.entries.b, entries, sizeof d.entries.b);
	memset(d.state.b, state, sizeof d.state.b);
	return d;
}

static bool digest(void *ctx, const struct sou_id *scope, struct sou_digest *out)
{
	struct talk *t = ctx;
	const struct talk_scope *s = talk_scope(t, scope);
	if (s == NULL || s->entries == 0)
		return false;
	*out = talk_digest(t, scope, s->entries, s->state);
	out->upto = s->last;
	return true;
}

static size_t tops(void *ctx, const struct sou_id *scope, struct sou_hash *out, size_t max)
{
	const struct talk_scope *s = talk_scope(ctx, scope);
	if (s == NULL || max == 0)
		return 0;
	memset(out, s->entries, sizeof *out);
	return 1;
}

static bool may_read(void *ctx, const struct sou_id *site, const struct sou_id *key,
		     const struct sou_id *scope)
{
	struct talk *t = ctx;
	const struct talk_scope *s = talk_scope(t, scope);
	if (sou_id_eq(site, &t->options.site))
		return s != NULL && !s->shut;
	return s != NULL && s->readable && sou_id_eq(site, &t->site) && sou_id_eq(key, &t->key) &&
	       !sou_authority_key_withdrawn(t->authority, site, key);
}

static int news(void *ctx, const struct sou_news_query *q, struct sou_buf *buf,
		struct sou_news_answer *out)
{
	struct talk *t = ctx;
	const struct talk_scope *s = talk_scope(t, &q->scope);
	if (t->broken)
		return SOU_ESTORE;
	REQUIRE(t->name, s != NULL && q->after < s->last);
	REQUIRE(t->name, sou_id_eq(&q->peer_site, &t->site) && sou_id_eq(&q->peer_log, &t->log));
	uint64_t upto = q->after + FRAME_ARRIVALS < s->last ? q->after + FRAME_ARRIVALS : s->last;
	*out = (struct sou_news_answer){.upto = upto};
	sou_buf_put_u8(buf, q->only_site ? 'o' : 'a');
	sou_buf_put_u8(buf, '-');
	sou_buf_put_u8(buf, q->every_signature ? 'e' : '-');
	sou_buf_put_u8(buf, q->head_count > 0 ? '1' : '0');
	for (size_t i = 4; i < t->frame_bytes; i++)
		sou_buf_put_u8(buf, 'x');
	for (uint64_t i = q->after + 1; i <= upto; i++)
		out->entry_count += i % 10 != 7;
	out->raw_bytes = buf->n;
	return outcome(t, buf);
}

static int headers(void *ctx, const struct sou_id *scope, uint64_t after,
		   const struct sou_hash *entry, struct sou_buf *buf, struct sou_news_answer *out)
{
	struct talk *t = ctx;
	const struct talk_scope *s = talk_scope(t, scope);
	REQUIRE(t->name, s != NULL);
	if (after >= entry->b[0]) /* entry n stands at arrival n */
		return SOU_OK;
	sou_buf_put_u8(buf, (uint8_t)(entry->b[0] - after));
	out->entry_count = entry->b[0] - after;
	out->raw_bytes = 1;
	return outcome(t, buf);
}

static int entries(void *ctx, const struct sou_id *scope, const struct sou_mp_list *versions,
		   struct sou_buf *buf, struct sou_news_answer *out)
{
	struct talk *t = ctx;
	REQUIRE(t->name, talk_scope(t, scope) != NULL && versions->count > 0);
	struct sou_id first = sou_mp_list_id(versions, 0);
	if (first.b[0] == 0)
		return SOU_OK; /* not stored */
	sou_buf_put_u8(buf, 'e');
	out->entry_count = out->raw_bytes = 1;
	return outcome(t, buf);
}

static int signatures(void *ctx, const struct sou_signatures_want *want, struct sou_buf *body)
{
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	if (want->first.b[0] == 0)
		return SOU_EUNKNOWN;
	sou_signatures_pack_begin(body, &want->scope, 1);
	sou_signatures_put(body, &want->first, signature);
	return outcome(ctx, body);
}

const struct sou_view talk_view = {
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
