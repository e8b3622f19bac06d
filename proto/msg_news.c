/* msg_news.c - news and headers, and what answers them: ack and refuse (P11.6, P11.7, P11.12). */
#include "msg.h"

#include "limits.h"

static void data_unpack(struct sou_mp *m, struct sou_news *n)
{
	n->flags = sou_mp_uint(m, UINT32_MAX);
	n->raw_bytes = sou_mp_uint(m, UINT64_MAX);
	n->data = sou_mp_bin(m, 0, SOU_FRAME_BODY_BYTES_MAX);
	if (n->raw_bytes > SOU_BATCH_BYTES_MAX)
		sou_mp_fail(m, SOU_ELIMIT);
	if ((n->flags & SOU_DATA_ZSTD) == 0 && n->raw_bytes != n->data.n)
		sou_mp_fail(m, SOU_EFORMAT);
}

static void data_pack(struct sou_buf *buf, const struct sou_news *n)
{
	sou_mp_put_uint(buf, n->flags);
	sou_mp_put_uint(buf, n->raw_bytes);
	sou_mp_put_bin(buf, n->data.p, n->data.n);
}

int sou_news_unpack(struct sou_news *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_news n = {0};
	sou_mp_array_of(&m, 6);
	n.scope = sou_mp_id(&m);
	n.after = sou_mp_uint(&m, SOU_ARRIVAL_MAX);
	n.upto = sou_mp_uint(&m, SOU_ARRIVAL_MAX);
	data_unpack(&m, &n);
	if (n.after > n.upto)
		sou_mp_fail(&m, SOU_EFORMAT);
	if ((n.flags & SOU_DATA_ANSWER) != 0 && n.upto != 0)
		sou_mp_fail(&m, SOU_EFORMAT);
	if ((n.flags & SOU_DATA_ANSWER) == 0 && n.upto == 0)
		sou_mp_fail(&m, SOU_EFORMAT);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = n;
	return rc;
}

void sou_news_pack(struct sou_buf *buf, const struct sou_news *n)
{
	sou_mp_put_array(buf, 6);
	sou_mp_put_id(buf, &n->scope);
	sou_mp_put_uint(buf, n->after);
	sou_mp_put_uint(buf, n->upto);
	data_pack(buf, n);
}

int sou_headers_unpack(struct sou_news *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_news n = {0};
	sou_mp_array_of(&m, 4);
	n.scope = sou_mp_id(&m);
	data_unpack(&m, &n);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = n;
	return rc;
}

void sou_headers_pack(struct sou_buf *buf, const struct sou_news *n)
{
	sou_mp_put_array(buf, 4);
	sou_mp_put_id(buf, &n->scope);
	data_pack(buf, n);
}

int sou_ack_unpack(struct sou_ack *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_ack a = {0};
	sou_mp_array_of(&m, 3);
	a.scope = sou_mp_id(&m);
	a.upto = sou_mp_uint(&m, SOU_ARRIVAL_MAX);
	a.received_ms = sou_mp_uint(&m, SOU_WALL_MS_MAX);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = a;
	return rc;
}

void sou_ack_pack(struct sou_buf *buf, const struct sou_ack *a)
{
	sou_mp_put_array(buf, 3);
	sou_mp_put_id(buf, &a->scope);
	sou_mp_put_uint(buf, a->upto);
	sou_mp_put_uint(buf, a->received_ms);
}

int sou_refusal_unpack(struct sou_refusal *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_refusal r = {0};
	sou_mp_array_of(&m, 5);
	r.scope = sou_mp_id(&m);
	r.upto = sou_mp_uint(&m, SOU_ARRIVAL_MAX);
	r.code = sou_mp_uint(&m, UINT32_MAX);
	r.clause = sou_mp_str(&m, SOU_CLAUSE_BYTES_MAX);
	if (sou_mp_peek(&m) == SOU_MP_NIL) {
		sou_mp_nil(&m);
	} else {
		r.entry = sou_mp_hash(&m);
		r.has_entry = true;
	}
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = r;
	return rc;
}

void sou_refusal_pack(struct sou_buf *buf, const struct sou_refusal *r)
{
	sou_mp_put_array(buf, 5);
	sou_mp_put_id(buf, &r->scope);
	sou_mp_put_uint(buf, r->upto);
	sou_mp_put_uint(buf, r->code);
	sou_mp_put_str(buf, r->clause.p, r->clause.n);
	if (r->has_entry)
		sou_mp_put_hash(buf, &r->entry);
	else
		sou_mp_put_nil(buf);
}

const char *sou_refuse_name(uint64_t code)
{
	static const char *const names[] = {
		[SOU_REFUSE_NEVER_RIGHT] = "never-right",
		[SOU_REFUSE_FULL] = "full",
		[SOU_REFUSE_VERSION] = "version",
		[SOU_REFUSE_NOT_READABLE] = "not-readable",
		[SOU_REFUSE_UNKNOWN] = "unknown",
		[SOU_REFUSE_SIGNATURE] = "signature",
		[SOU_REFUSE_READ_ONLY] = "read-only",
		[SOU_REFUSE_INSTANCE] = "instance",
	};
	if (code >= sizeof names / sizeof names[0] || names[code] == NULL)
		return "unlisted";
	return names[code];
}
