/* fuzz_authop.c - an authority op that is accepted is canonical, and packs to the same bytes unless
 * it has members that are kept as the highest (P8.4); a list of signatures too (P8.1). */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "proto/authop.h"
#include "proto/error.h"
#include "proto/limits.h"
#include "proto/mp.h"

static bool is_kept_whole(const struct sou_authop *op)
{
	for (uint32_t i = 0; i < op->effect_count; i++) {
		const struct sou_effect *e = &op->effects[i];
		if (e->type == 0 || e->type > SOU_EFFECT_HUB || e->reach == UINT8_MAX ||
		    e->rest == UINT8_MAX || e->threshold == UINT32_MAX || e->index == UINT32_MAX)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sou_span bytes = {data, size};
	struct sou_authop op = {0};
	struct sou_buf again = {0};
	if (sou_authop_read(&op, bytes) == SOU_OK) {
		SOU_ASSERT(sou_mp_check(bytes) == SOU_OK);
		for (uint32_t i = 0; i < op.effect_count; i++) {
			const struct sou_effect *e = &op.effects[i];
			for (uint32_t k = 0; k < e->pin_count; k++)
				SOU_ASSERT(e->pins[k].first + e->pins[k].count <= e->id_count);
		}
		if (is_kept_whole(&op)) {
			struct sou_authop copy = op;
			int rc = sou_authop_pack(&copy, &again);
			SOU_ASSERT(rc == SOU_OK);
			SOU_ASSERT(again.n == size && memcmp(again.p, data, size) == 0);
			SOU_ASSERT(sou_hash_eq(&copy.id, &op.id));
		}
	}
	sou_authop_fini(&op);
	struct sou_authsig sigs[SOU_AUTHSIGS_MAX];
	uint32_t count;
	if (sou_authsigs_read(bytes, sigs, &count) == SOU_OK) {
		sou_buf_clear(&again);
		int rc = sou_authsigs_pack(&again, sigs, count);
		SOU_ASSERT(rc == SOU_OK);
		SOU_ASSERT(again.n == size && memcmp(again.p, data, size) == 0);
	}
	sou_buf_fini(&again);
	return 0;
}
