/* packed.c - one value read by both, member by member. */
#include "tests/proto/packed.h"

#include <msgpack.h>
#include <string.h>

static bool same_bytes(struct sou_span ours, const char *p, uint32_t n)
{
	return ours.n == n && (n == 0 || memcmp(ours.p, p, n) == 0);
}

static bool same(struct sou_mp *m, const msgpack_object *o)
{
	bool negative = false;
	uint64_t v;
	uint32_t count;
	switch (sou_mp_peek(m)) {
	case SOU_MP_NIL:
		sou_mp_nil(m);
		return o->type == MSGPACK_OBJECT_NIL;
	case SOU_MP_UINT:
		v = sou_mp_uint(m, UINT64_MAX);
		return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 == v;
	case SOU_MP_NINT:
		v = sou_mp_int(m, &negative);
		return negative && o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER &&
		       (uint64_t)o->via.i64 == v;
	case SOU_MP_STR:
		return o->type == MSGPACK_OBJECT_STR &&
		       same_bytes(sou_mp_str(m, SIZE_MAX), o->via.str.ptr, o->via.str.size);
	case SOU_MP_BIN:
		return o->type == MSGPACK_OBJECT_BIN &&
		       same_bytes(sou_mp_bin(m, 0, SIZE_MAX), o->via.bin.ptr, o->via.bin.size);
	case SOU_MP_ARRAY:
		count = sou_mp_array(m, UINT32_MAX);
		if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size != count)
			return false;
		for (uint32_t i = 0; i < count; i++)
			if (!same(m, &o->via.array.ptr[i]))
				return false;
		return true;
	case SOU_MP_NONE:
		break;
	}
	return false;
}

const char *packed_differs(struct sou_span bytes)
{
	msgpack_unpacked object;
	msgpack_sbuffer again;
	msgpack_packer packer;
	size_t at = 0;
	const char *what = NULL;
	msgpack_unpacked_init(&object);
	msgpack_sbuffer_init(&again);
	msgpack_packer_init(&packer, &again, msgpack_sbuffer_write);
	struct sou_mp m = sou_mp_over(bytes);
	if (msgpack_unpack_next(&object, (const char *)bytes.p, bytes.n, &at) !=
	    MSGPACK_UNPACK_SUCCESS)
		what = "it does not read them";
	else if (at != bytes.n)
		what = "it reads less";
	else if (!same(&m, &object.data) || sou_mp_end(&m) != SOU_OK)
		what = "it reads another value";
	else if (msgpack_pack_object(&packer, object.data) != 0 || again.size != bytes.n ||
		 memcmp(again.data, bytes.p, bytes.n) != 0)
		what = "it packs to other bytes";
	msgpack_sbuffer_destroy(&again);
	msgpack_unpacked_destroy(&object);
	return what;
}
