/* msg_hello.c - hello and the list of positions in it (P11.3 - P11.5). */
#include "msg.h"

#include "crypto.h"
#include "limits.h"

void sou_positions_begin(struct sou_buf *buf, uint32_t count)
{
	sou_mp_put_array(buf, count * 3);
}

void sou_positions_put(struct sou_buf *buf, const struct sou_position *p)
{
	sou_mp_put_id(buf, &p->scope);
	sou_mp_put_uint(buf, p->upto);
	if (p->has_digest)
		sou_mp_put_id(buf, &p->digest);
	else
		sou_mp_put_nil(buf);
}

void sou_positions_next(struct sou_mp *m, struct sou_position *out)
{
	*out = (struct sou_position){0};
	out->scope = sou_mp_id(m);
	out->upto = sou_mp_uint(m, SOU_ARRIVAL_MAX);
	if (sou_mp_peek(m) == SOU_MP_NIL) {
		sou_mp_nil(m);
	} else {
		out->digest = sou_mp_id(m);
		out->has_digest = true;
	}
}

struct sou_mp sou_positions_read(struct sou_span list, uint32_t *count)
{
	struct sou_mp m = sou_mp_over(list);
	*count = sou_mp_array(&m, SOU_SESSION_SCOPES_MAX * 3) / 3;
	return m;
}

int sou_positions_check(struct sou_span list, uint32_t *count)
{
	struct sou_mp m = sou_mp_over(list);
	uint32_t members = sou_mp_array(&m, SOU_SESSION_SCOPES_MAX * 3);
	if (members % 3 != 0)
		sou_mp_fail(&m, SOU_EFORMAT);
	struct sou_id before = {{0}};
	for (uint32_t i = 0; i < members / 3 && m.rc == SOU_OK; i++) {
		struct sou_position p;
		sou_positions_next(&m, &p);
		if (i > 0 && sou_id_cmp(&before, &p.scope) >= 0)
			sou_mp_fail(&m, SOU_EFORMAT);
		before = p.scope;
	}
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*count = members / 3;
	return rc;
}

struct sou_hash sou_positions_hash(struct sou_span list)
{
	return sou_hash_bytes(SOU_DOMAIN_POSITIONS, list.p, list.n);
}

int sou_hello_unpack(struct sou_hello *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_hello h = {0};
	sou_mp_array_of(&m, 11);
	h.wire = sou_mp_uint(&m, UINT64_MAX);
	h.rule = sou_mp_uint(&m, UINT64_MAX);
	h.net = sou_mp_id(&m);
	h.site = sou_mp_id(&m);
	h.log = sou_mp_id(&m);
	h.instance = sou_mp_id(&m);
	h.your_log = sou_mp_id(&m);
	h.flags = sou_mp_uint(&m, UINT32_MAX);
	h.software = sou_mp_str(&m, SOU_SOFTWARE_BYTES_MAX);
	h.leaves = sou_mp_names(&m, 32, SOU_LEAVES_MAX);
	if (sou_mp_peek(&m) == SOU_MP_BIN) {
		h.hashed = true;
		h.positions_hash = sou_mp_hash(&m);
	} else {
		h.positions = sou_mp_any(&m, 1, SOU_HELLO_SCOPES_MAX * 3);
	}
	int rc = sou_mp_end(&m);
	uint32_t count;
	if (rc == SOU_OK && !h.hashed)
		rc = sou_positions_check(h.positions, &count);
	if (rc == SOU_OK)
		*out = h;
	return rc;
}

void sou_hello_pack(struct sou_buf *buf, const struct sou_hello *h, const struct sou_hash *leaves,
		    uint32_t leaf_count)
{
	SOU_ASSERT(leaf_count <= SOU_LEAVES_MAX);
	uint32_t count = 0;
	(void)sou_positions_read(h->positions, &count);
	sou_mp_put_array(buf, 11);
	sou_mp_put_uint(buf, h->wire);
	sou_mp_put_uint(buf, h->rule);
	sou_mp_put_id(buf, &h->net);
	sou_mp_put_id(buf, &h->site);
	sou_mp_put_id(buf, &h->log);
	sou_mp_put_id(buf, &h->instance);
	sou_mp_put_id(buf, &h->your_log);
	sou_mp_put_uint(buf, h->flags);
	sou_mp_put_str(buf, h->software.p, h->software.n);
	sou_mp_put_array(buf, leaf_count);
	for (uint32_t i = 0; i < leaf_count; i++)
		sou_mp_put_hash(buf, &leaves[i]);
	if (count > SOU_HELLO_SCOPES_MAX ||
	    (h->hashed && h->positions.n > SOU_POSITIONS_HASH_BYTES)) {
		struct sou_hash hash = sou_positions_hash(h->positions);
		sou_mp_put_hash(buf, &hash);
	} else {
		sou_mp_put_raw(buf, h->positions);
	}
}

int sou_positions_unpack(struct sou_span *list, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	sou_mp_array_of(&m, 1);
	struct sou_span s = sou_mp_any(&m, 1, SOU_SESSION_SCOPES_MAX * 3);
	int rc = sou_mp_end(&m);
	uint32_t count;
	if (rc == SOU_OK)
		rc = sou_positions_check(s, &count);
	if (rc == SOU_OK)
		*list = s;
	return rc;
}

void sou_positions_pack(struct sou_buf *buf, struct sou_span list)
{
	sou_mp_put_array(buf, 1);
	sou_mp_put_raw(buf, list);
}
