/* msg_authority.c - a series of authority ops with their signatures (P11.2, P13.4). */
#include "msg.h"

#include "limits.h"

int sou_authority_unpack(struct sou_span body, bool *more, struct sou_mp *ops, uint32_t *count)
{
	struct sou_mp m = sou_mp_over(body);
	sou_mp_array_of(&m, 2);
	bool has_more = sou_mp_uint(&m, 1) == 1;
	uint32_t n = sou_mp_array(&m, SOU_AUTHORITY_FRAME_OPS_MAX);
	struct sou_mp first = m;
	for (uint32_t i = 0; i < n && m.rc == SOU_OK; i++) {
		struct sou_span op, sigs;
		(void)sou_authority_next(&m, &op, &sigs);
	}
	int rc = sou_mp_end(&m);
	if (rc != SOU_OK)
		return rc;
	*more = has_more;
	*ops = first;
	*count = n;
	return SOU_OK;
}

int sou_authority_next(struct sou_mp *ops, struct sou_span *op, struct sou_span *sigs)
{
	sou_mp_array_of(ops, 2);
	*op = sou_mp_bin(ops, 1, SOU_AUTHOP_BYTES_MAX);
	*sigs = sou_mp_any(ops, 2, SOU_AUTHSIGS_MAX);
	return ops->rc;
}

void sou_authority_pack_begin(struct sou_buf *buf, bool more, uint32_t count)
{
	sou_mp_put_array(buf, 2);
	sou_mp_put_uint(buf, more ? 1 : 0);
	sou_mp_put_array(buf, count);
}

void sou_authority_pack_op(struct sou_buf *buf, struct sou_span op, struct sou_span sigs)
{
	sou_mp_put_array(buf, 2);
	sou_mp_put_bin(buf, op.p, op.n);
	sou_mp_put_raw(buf, sigs);
}
