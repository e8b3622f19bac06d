/* tops.c - what the engines know and readers need, put into the store at commit: entries' digest
 * and tops of each touched scope (P10.7), so that a reader needs no engine of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"

void tops_name(char name[TOPS_NAME_BYTES], uint32_t number)
{
	(void)snprintf(name, TOPS_NAME_BYTES, "tops/%u", (unsigned)number);
}

int tops_store(struct soud_replica *r, struct engine *e)
{
	char name[TOPS_NAME_BYTES];
	struct sou_hash digest = sou_scope_entries_digest(e->scope);
	size_t count = sou_scope_tops(e->scope, r->tops, SOU_HEADS_MAX);
	if (count > SOU_HEADS_MAX)
		count = SOU_HEADS_MAX;
	sou_buf_clear(&r->scratch);
	sou_buf_put_u64be(&r->scratch, e->last);
	sou_buf_put(&r->scratch, digest.b, sizeof digest.b);
	sou_buf_put(&r->scratch, r->tops, count * sizeof *r->tops);
	if (r->scratch.failed)
		return replica_fail(r, SOU_ENOMEM, "no memory for the tops of a scope");
	tops_name(name, e->number);
	int rc = soud_store_meta_put(r->store, name, sou_buf_span(&r->scratch));
	return rc == SOU_OK ? SOU_OK : replica_store_failed(r, rc, "storing the tops of a scope");
}
