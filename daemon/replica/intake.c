/* intake.c - a batch out of its bytes: entries, ids, and which signatures are good (P11.8 -
 * P11.11). The reader lends each entry for one call only, so all bytes are copied into one block.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/replica/replica_int.h"

/* The lists of facts whose members are bytes, in the order in which they lie in the block. */
#define BYTE_LISTS 5u

static void byte_lists(struct sou_facts *f, const void **lists[BYTE_LISTS],
		       size_t bytes[BYTE_LISTS])
{
	const struct {
		const void **list;
		size_t bytes;
	} all[BYTE_LISTS] = {
		{(const void **)&f->cites, f->cite_count * sizeof *f->cites},
		{(const void **)&f->parts, f->part_count * sizeof *f->parts},
		{(const void **)&f->names, f->name_count * sizeof *f->names},
		{(const void **)&f->proxies, f->proxy_count * sizeof *f->proxies},
		{(const void **)&f->consents, f->consent_count * sizeof *f->consents},
	};
	for (size_t i = 0; i < BYTE_LISTS; i++) {
		lists[i] = all[i].list;
		bytes[i] = all[i].bytes;
	}
}

static int add_entry(struct soud_intake *in, const struct sou_batch_entry *from)
{
	int rc = replica_grow((void **)&in->entries, &in->room, in->count, sizeof *in->entries);
	if (rc != SOU_OK)
		return rc;
	struct intake_entry *e = &in->entries[in->count++];
	*e = (struct intake_entry){
		.facts = from->entry->facts,
		.header = {NULL, from->header.n},
		.payload = {NULL, from->payload.n},
		.sig = {NULL, from->signature != NULL ? SOU_SIGNATURE_BYTES : 0},
		.state = from->signature != NULL ? SIG_THERE : SIG_NONE,
		.run_end = from->ends_run,
	};
	if (e->facts.body != SOU_BODY_NONE)
		e->op_count = (uint16_t)from->entry->payload.op_count;
	sou_buf_put(&in->bytes, from->header.p, from->header.n);
	sou_buf_put(&in->bytes, from->payload.p, from->payload.n);
	sou_buf_put(&in->bytes, from->signature, e->sig.n);
	const void **lists[BYTE_LISTS];
	size_t bytes[BYTE_LISTS];
	byte_lists(&e->facts, lists, bytes);
	for (size_t i = 0; i < BYTE_LISTS; i++)
		sou_buf_put(&in->bytes, *lists[i], bytes[i]);
	sou_buf_put(&in->numbers, e->facts.needs, e->facts.need_count * sizeof *e->facts.needs);
	sou_buf_put(&in->numbers, e->facts.lacking,
		    e->facts.lacking_count * sizeof *e->facts.lacking);
	return SOU_OK;
}

static const void *next(const uint8_t **p, size_t bytes)
{
	if (bytes == 0) /* the block itself may be NULL */
		return NULL;
	const uint8_t *at = *p;
	*p += bytes;
	return at;
}

/* The blocks move no more: say where everything lies in them. */
static void point(struct soud_intake *in)
{
	const uint8_t *p = in->bytes.p, *n = in->numbers.p;
	for (size_t i = 0; i < in->count; i++) {
		struct intake_entry *e = &in->entries[i];
		const void **lists[BYTE_LISTS];
		size_t bytes[BYTE_LISTS];
		e->header.p = next(&p, e->header.n);
		e->payload.p = next(&p, e->payload.n);
		e->sig.p = next(&p, e->sig.n);
		byte_lists(&e->facts, lists, bytes);
		for (size_t k = 0; k < BYTE_LISTS; k++)
			*lists[k] = next(&p, bytes[k]);
		/* Numbers of two bytes in a block that begins aligned. */
		e->facts.needs = next(&n, e->facts.need_count * sizeof *e->facts.needs);
		e->facts.lacking = next(&n, e->facts.lacking_count * sizeof *e->facts.lacking);
	}
}

int intake_read(struct soud_intake *in, struct sou_batch *batch, const struct sou_news *news,
		const struct sou_id *net)
{
	in->net = *net;
	in->scope = news->scope;
	in->count = 0;
	sou_buf_clear(&in->bytes);
	sou_buf_clear(&in->numbers);
	int rc = sou_batch_open(batch, news->data, (news->flags & SOU_DATA_ZSTD) != 0,
				news->raw_bytes, net, &news->scope);
	while (rc == SOU_OK) {
		const struct sou_batch_entry *e;
		rc = sou_batch_next(batch, &e);
		if (rc != SOU_OK || e == NULL)
			break;
		/* P11.10: else nobody could be told from whoever brings it. */
		rc = e->ends_run && e->signature == NULL ? SOU_EFORMAT : add_entry(in, e);
	}
	if (rc == SOU_OK && (in->bytes.failed || in->numbers.failed))
		rc = SOU_ENOMEM;
	if (rc == SOU_OK)
		point(in);
	return rc;
}

int soud_intake_new(struct soud_intake **out, struct sou_batch *batch, const struct sou_id *net,
		    const struct sou_news *news)
{
	struct soud_intake *in = calloc(1, sizeof *in);
	int rc = in == NULL ? SOU_ENOMEM : intake_read(in, batch, news, net);
	if (rc != SOU_OK) {
		soud_intake_free(in);
		return rc;
	}
	*out = in;
	return SOU_OK;
}

void intake_fini(struct soud_intake *in)
{
	free(in->entries);
	sou_buf_fini(&in->bytes);
	sou_buf_fini(&in->numbers);
	*in = (struct soud_intake){0};
}

void soud_intake_free(struct soud_intake *in)
{
	if (in == NULL)
		return;
	intake_fini(in);
	free(in);
}

size_t soud_intake_count(const struct soud_intake *in)
{
	return in->count;
}

size_t soud_intake_keys(struct soud_intake *in, const struct sou_authority *authority, bool every)
{
	const struct sou_line *line = NULL;
	size_t chosen = 0;
	for (size_t i = 0; i < in->count; i++) {
		struct intake_entry *e = &in->entries[i];
		chosen += e->state == SIG_CHOSEN;
		if (e->state != SIG_THERE || (!every && !e->run_end))
			continue;
		const struct sou_facts *f = &e->facts;
		if (line == NULL || !sou_id_eq(&line->key_id, &f->key) ||
		    !sou_id_eq(&line->site, &f->site))
			line = sou_authority_key(authority, &f->site, &f->key);
		if (line == NULL)
			continue; /* pending until its key is enrolled here (P9.4) */
		e->public_key = line->key;
		e->state = SIG_CHOSEN;
		chosen++;
	}
	return chosen;
}

int soud_intake_check(struct soud_intake *in, const struct sou_verifier *verifier, size_t first,
		      size_t count)
{
	for (size_t i = first; i < in->count && i - first < count; i++) {
		struct intake_entry *e = &in->entries[i];
		if (e->state != SIG_CHOSEN)
			continue;
		int rc = sou_entry_verify(verifier, &in->net, &e->facts.id, &e->public_key,
					  e->sig.p);
		if (rc != SOU_OK && rc != SOU_ESIG && rc != SOU_EKEY)
			return rc;
		e->state = rc == SOU_OK ? SIG_GOOD : SIG_BAD;
	}
	return SOU_OK;
}
