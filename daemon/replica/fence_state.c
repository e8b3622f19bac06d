/* fence_state.c - what the two slots of the fence say, and whether the replica agrees (R12).
 *
 *   slot: magic 8 | generation u64be | own entries u64be | last own entry id 32 | instance 16 |
 *         machine 16 | SHA-256 of all before, 32
 *
 * Own entries are those of this site that are stored here. The replica may be ahead of its fence (a
 * crash between COMMIT and the fence: nothing of it was sent), never behind. Each write goes to the
 * slot that is not the newest, so that a torn write leaves the other. */
#include <string.h>

#include "daemon/replica/replica_int.h"

static const uint8_t magic[8] = {'s', 'o', 'u', 'f', 'e', 'n', 'c', 'e'};
struct slot {
	uint64_t generation, own;
	struct sou_hash last;
	struct sou_id instance, machine;
};
#define SLOT_BYTES (8u + 8u + 8u + 32u + 16u + 16u + 32u)
_Static_assert(SLOT_BYTES <= SOUD_FENCE_BYTES, "a slot holds it all");

static void put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void slot_pack(const struct slot *s, uint8_t out[SOUD_FENCE_BYTES])
{
	memset(out, 0, SOUD_FENCE_BYTES);
	memcpy(out, magic, sizeof magic);
	put_u64(out + 8, s->generation);
	put_u64(out + 16, s->own);
	memcpy(out + 24, s->last.b, 32);
	memcpy(out + 56, s->instance.b, 16);
	memcpy(out + 72, s->machine.b, 16);
	struct sou_hash sum = sou_sha256(out, SLOT_BYTES - 32);
	memcpy(out + 88, sum.b, 32);
}

static bool slot_read(const uint8_t in[SOUD_FENCE_BYTES], struct slot *s)
{
	struct sou_hash sum = sou_sha256(in, SLOT_BYTES - 32);
	if (memcmp(in, magic, sizeof magic) != 0 || memcmp(in + 88, sum.b, 32) != 0)
		return false;
	s->generation = get_u64(in + 8);
	s->own = get_u64(in + 16);
	memcpy(s->last.b, in + 24, 32);
	memcpy(s->instance.b, in + 56, 16);
	memcpy(s->machine.b, in + 72, 16);
	return true;
}

/* The newest whole slot; SOU_EUNKNOWN: none. */
static int newest(const struct soud_fence_io *io, struct slot *out)
{
	bool found = false;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t bytes[SOUD_FENCE_BYTES];
		struct slot s;
		int rc = io->read(io->ctx, i, bytes);
		if (rc == SOU_EUNKNOWN)
			continue;
		if (rc != SOU_OK)
			return rc;
		if (slot_read(bytes, &s) && (!found || s.generation > out->generation)) {
			*out = s;
			found = true;
		}
	}
	return found ? SOU_OK : SOU_EUNKNOWN;
}

int fence_compare(struct soud_replica *r)
{
	struct slot s = {0};
	r->fence_state = SOUD_FENCE_AGREES;
	if (r->env.fence.read == NULL)
		return SOU_OK;
	int rc = newest(&r->env.fence, &s);
	if (rc == SOU_EUNKNOWN) {
		r->fence_state = SOUD_FENCE_NONE;
		return SOU_OK;
	}
	if (rc != SOU_OK)
		return replica_fail(r, rc, "the fence cannot be read");
	r->fence_generation = s.generation;
	if (!sou_id_eq(&s.instance, &r->now.instance) ||
	    (!sou_id_is_zero(&r->env.machine) && !sou_id_is_zero(&s.machine) &&
	     !sou_id_eq(&s.machine, &r->env.machine)))
		r->fence_state = SOUD_FENCE_INSTANCE;
	else if (s.own > r->now.own ||
		 (s.own == r->now.own && !sou_hash_eq(&s.last, &r->now.own_last)))
		r->fence_state = SOUD_FENCE_OLDER;
	return SOU_OK;
}

int fence_advance(struct soud_replica *r)
{
	if (r->env.fence.write == NULL)
		return SOU_OK;
	struct slot s = {r->fence_generation + 1, r->now.own, r->now.own_last, r->now.instance,
			 r->env.machine};
	uint8_t bytes[SOUD_FENCE_BYTES];
	slot_pack(&s, bytes);
	int rc = r->env.fence.write(r->env.fence.ctx, (unsigned)(s.generation & 1), bytes);
	if (rc != SOU_OK)
		return replica_fail(r, SOU_EIO, "the fence cannot be written");
	r->fence_generation = s.generation;
	return SOU_OK;
}
