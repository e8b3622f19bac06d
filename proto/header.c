/* header.c - read and pack beside each other: the order of the members is the wire (P5.1). */
#include "header.h"

#include "crypto.h"
#include "facts.h"
#include "limits.h"
#include "mp.h"

#define MEMBERS 14u
#define VERSION 0u

int sou_header_read(struct sou_header *out, struct sou_span bytes)
{
	if (bytes.n > SOU_HEADER_BYTES_MAX)
		return SOU_ELIMIT;
	struct sou_mp m = sou_mp_over(bytes);
	uint32_t members = sou_mp_array(&m, UINT32_MAX);
	uint64_t version = sou_mp_uint(&m, UINT64_MAX);
	if (m.rc == SOU_OK && version != VERSION)
		return SOU_ETOONEW;
	if (members != MEMBERS)
		return SOU_EFORMAT;
	struct sou_header h;
	h.kind = (uint8_t)sou_mp_enum(&m, SOU_ENTRY_OPENING);
	h.net = sou_mp_id(&m);
	h.site = sou_mp_id(&m);
	h.scope = sou_mp_id(&m);
	h.epoch = sou_mp_id(&m);
	h.seq = sou_mp_uint(&m, SOU_SEQ_MAX);
	h.prev = sou_mp_hash(&m);
	h.hlc = sou_mp_uint(&m, UINT64_MAX);
	h.clock = (uint8_t)sou_mp_uint(&m, SOU_CLOCK_FLAGS_MAX);
	h.authority = sou_mp_id(&m);
	h.key = sou_mp_id(&m);
	h.payload_bytes = (uint32_t)sou_mp_uint(&m, SOU_PAYLOAD_BYTES_MAX);
	h.payload_hash = sou_mp_hash(&m);
	if (h.seq == 0 || h.payload_bytes == 0)
		sou_mp_fail(&m, SOU_EFORMAT);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = h;
	return rc;
}

void sou_header_pack(struct sou_buf *buf, const struct sou_header *h)
{
	SOU_ASSERT(h->kind <= SOU_ENTRY_OPENING);
	SOU_ASSERT(h->seq >= 1 && h->seq <= SOU_SEQ_MAX);
	SOU_ASSERT(h->payload_bytes >= 1 && h->payload_bytes <= SOU_PAYLOAD_BYTES_MAX);
	sou_mp_put_array(buf, MEMBERS);
	sou_mp_put_uint(buf, VERSION);
	sou_mp_put_uint(buf, h->kind);
	sou_mp_put_id(buf, &h->net);
	sou_mp_put_id(buf, &h->site);
	sou_mp_put_id(buf, &h->scope);
	sou_mp_put_id(buf, &h->epoch);
	sou_mp_put_uint(buf, h->seq);
	sou_mp_put_hash(buf, &h->prev);
	sou_mp_put_uint(buf, h->hlc);
	sou_mp_put_uint(buf, h->clock);
	sou_mp_put_id(buf, &h->authority);
	sou_mp_put_id(buf, &h->key);
	sou_mp_put_uint(buf, h->payload_bytes);
	sou_mp_put_hash(buf, &h->payload_hash);
}

struct sou_hash sou_entry_id(struct sou_span header_bytes)
{
	return sou_hash_bytes(SOU_DOMAIN_ENTRY_ID, header_bytes.p, header_bytes.n);
}
