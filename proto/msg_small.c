/* msg_small.c - the frames of a few members: heads, want, signatures, digest, ping, bye, join. */
#include "msg.h"

#include "crypto.h"
#include "limits.h"

static int names_unpack(struct sou_heads *out, struct sou_span body, uint8_t size, uint32_t max)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_heads h = {0};
	sou_mp_array_of(&m, 2);
	h.scope = sou_mp_id(&m);
	h.names = sou_mp_names(&m, size, max);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = h;
	return rc;
}

int sou_heads_unpack(struct sou_heads *out, struct sou_span body)
{
	return names_unpack(out, body, 32, SOU_HEADS_MAX);
}

void sou_heads_pack(struct sou_buf *buf, const struct sou_id *scope, const struct sou_hash *heads,
		    uint32_t count)
{
	SOU_ASSERT(count <= SOU_HEADS_MAX);
	sou_mp_put_array(buf, 2);
	sou_mp_put_id(buf, scope);
	sou_mp_put_array(buf, count);
	for (uint32_t i = 0; i < count; i++)
		sou_mp_put_hash(buf, &heads[i]);
}

int sou_want_unpack(struct sou_heads *out, struct sou_span body)
{
	return names_unpack(out, body, 16, SOU_WANT_MAX);
}

void sou_want_pack(struct sou_buf *buf, const struct sou_id *scope, const struct sou_id *versions,
		   uint32_t count)
{
	SOU_ASSERT(count <= SOU_WANT_MAX);
	sou_mp_put_array(buf, 2);
	sou_mp_put_id(buf, scope);
	sou_mp_put_array(buf, count);
	for (uint32_t i = 0; i < count; i++)
		sou_mp_put_id(buf, &versions[i]);
}

int sou_digest_unpack(struct sou_digest *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_digest d = {0};
	sou_mp_array_of(&m, 6);
	d.scope = sou_mp_id(&m);
	d.upto = sou_mp_uint(&m, SOU_ARRIVAL_MAX);
	d.rule = sou_mp_uint(&m, UINT64_MAX);
	d.authority = sou_mp_hash(&m);
	d.entries = sou_mp_hash(&m);
	d.state = sou_mp_hash(&m);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = d;
	return rc;
}

void sou_digest_pack(struct sou_buf *buf, const struct sou_digest *d)
{
	sou_mp_put_array(buf, 6);
	sou_mp_put_id(buf, &d->scope);
	sou_mp_put_uint(buf, d->upto);
	sou_mp_put_uint(buf, d->rule);
	sou_mp_put_hash(buf, &d->authority);
	sou_mp_put_hash(buf, &d->entries);
	sou_mp_put_hash(buf, &d->state);
}

struct sou_id sou_digest_half(const struct sou_digest *d)
{
	uint8_t all[96];
	memcpy(all, d->authority.b, 32);
	memcpy(all + 32, d->entries.b, 32);
	memcpy(all + 64, d->state.b, 32);
	struct sou_hash hash = sou_hash_bytes(SOU_DOMAIN_SCOPE_DIGEST, all, sizeof all);
	return sou_hash_half(&hash);
}

int sou_bye_unpack(struct sou_farewell *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_farewell f = {0};
	sou_mp_array_of(&m, 3);
	f.code = sou_mp_uint(&m, UINT32_MAX);
	f.clause = sou_mp_str(&m, SOU_CLAUSE_BYTES_MAX);
	f.text = sou_mp_str(&m, SOU_BYE_TEXT_BYTES_MAX);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = f;
	return rc;
}

void sou_bye_pack(struct sou_buf *buf, uint64_t code, const char *clause, const char *text)
{
	sou_mp_put_array(buf, 3);
	sou_mp_put_uint(buf, code);
	sou_mp_put_str(buf, clause, strlen(clause));
	sou_mp_put_str(buf, text, strlen(text));
}

int sou_join_unpack(struct sou_join *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_join j = {0};
	sou_mp_array_of(&m, 8);
	j.wire = sou_mp_uint(&m, UINT64_MAX);
	j.invite_key = sou_mp_id(&m);
	j.net = sou_mp_id(&m);
	j.site = sou_mp_id(&m);
	j.key = sou_mp_hash(&m);
	j.tls = sou_mp_hash(&m);
	struct sou_span enrol = sou_mp_bin(&m, 64, 64);
	struct sou_span join = sou_mp_bin(&m, 64, 64);
	int rc = sou_mp_end(&m);
	if (rc != SOU_OK)
		return rc;
	memcpy(j.enrol_signature, enrol.p, 64);
	memcpy(j.join_signature, join.p, 64);
	*out = j;
	return SOU_OK;
}

void sou_join_pack(struct sou_buf *buf, const struct sou_join *j)
{
	sou_mp_put_array(buf, 8);
	sou_mp_put_uint(buf, j->wire);
	sou_mp_put_id(buf, &j->invite_key);
	sou_mp_put_id(buf, &j->net);
	sou_mp_put_id(buf, &j->site);
	sou_mp_put_hash(buf, &j->key);
	sou_mp_put_hash(buf, &j->tls);
	sou_mp_put_bin(buf, j->enrol_signature, 64);
	sou_mp_put_bin(buf, j->join_signature, 64);
}

int sou_joined_unpack(struct sou_hash *op, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	sou_mp_array_of(&m, 1);
	struct sou_hash id = sou_mp_hash(&m);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*op = id;
	return rc;
}

void sou_joined_pack(struct sou_buf *buf, const struct sou_hash *op)
{
	sou_mp_put_array(buf, 1);
	sou_mp_put_hash(buf, op);
}

int sou_ping_unpack(uint64_t *nonce, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	sou_mp_array_of(&m, 1);
	uint64_t v = sou_mp_uint(&m, UINT64_MAX);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*nonce = v;
	return rc;
}

void sou_ping_pack(struct sou_buf *buf, uint64_t nonce)
{
	sou_mp_put_array(buf, 1);
	sou_mp_put_uint(buf, nonce);
}

int sou_empty_unpack(struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	sou_mp_array_of(&m, 0);
	return sou_mp_end(&m);
}

void sou_empty_pack(struct sou_buf *buf)
{
	sou_mp_put_array(buf, 0);
}
