/* batch_read.c - reads runs strictly and rebuilds the headers (P11.8 - P11.10). */
#include "batch.h"

#include "batch_int.h"

int sou_batch_open(struct sou_batch *batch, struct sou_span data, bool is_zstd, uint64_t raw_bytes,
		   const struct sou_id *net, const struct sou_id *scope)
{
	struct batch_reader *r = &batch->read;
	struct sou_span raw;
	r->runs_left = 0;
	r->entries_left = 0;
	r->m = sou_mp_over((struct sou_span){NULL, 0});
	int rc = batch_decompress(batch, data, is_zstd, raw_bytes, &raw);
	if (rc != SOU_OK) {
		sou_mp_fail(&r->m, rc);
		return rc;
	}
	r->m = sou_mp_over(raw);
	r->net = *net;
	r->scope = *scope;
	r->run = UINT32_MAX; /* the first becomes 0 */
	r->runs_left = sou_mp_array(&r->m, UINT32_MAX);
	return r->m.rc;
}

static void begin_run(struct batch_reader *r)
{
	struct sou_mp *m = &r->m;
	sou_mp_array_of(m, 6);
	r->site = sou_mp_id(m);
	r->key = sou_mp_id(m);
	r->epoch = sou_mp_id(m);
	r->seq = sou_mp_uint(m, SOU_SEQ_MAX);
	r->prev = sou_mp_hash(m);
	r->entries_left = sou_mp_array(m, SOU_RUN_ENTRIES_MAX);
	if (r->seq == 0 || r->entries_left == 0)
		sou_mp_fail(m, SOU_EFORMAT);
	r->hlc = 0;
	r->payload_bytes = 0;
	r->is_first = true;
	r->is_closed = false;
	r->run++;
	r->runs_left--;
}

/* Members of an entry array after p, in their order. */
static void read_members(struct batch_reader *r, uint64_t bits, struct sou_header *h)
{
	struct sou_mp *m = &r->m;
	h->kind = bits & MEMBER_KIND ? (uint8_t)sou_mp_enum(m, SOU_ENTRY_OPENING) : SOU_ENTRY_DATA;
	h->clock = bits & MEMBER_CLOCK ? (uint8_t)sou_mp_uint(m, SOU_CLOCK_FLAGS_MAX) : 0;
	if (bits & MEMBER_HEAD)
		r->head = sou_mp_id(m);
	else if (r->is_first)
		sou_mp_fail(m, SOU_EFORMAT);
	h->authority = r->head;
	r->out.signature = bits & MEMBER_SIGNATURE ? sou_mp_fixed(m, SOU_SIGNATURE_BYTES) : NULL;
	if (bits & (MEMBER_HEADER_ONLY | MEMBER_REDACTED)) {
		h->payload_bytes = (uint32_t)sou_mp_uint(m, SOU_PAYLOAD_BYTES_MAX);
		if (h->payload_bytes == 0)
			sou_mp_fail(m, SOU_EFORMAT);
	}
	if (bits & MEMBER_HEADER_ONLY)
		h->payload_hash = sou_mp_hash(m);
}

/* What the payload itself tells: its hash, and in full form its length. */
static int weigh_payload(struct batch_reader *r, uint64_t bits, struct sou_header *h)
{
	struct sou_entry *entry = &r->entry;
	int rc = sou_payload_read(&entry->payload, r->out.payload);
	if (rc != SOU_OK)
		return rc;
	bool is_redacted = entry->payload.form == SOU_FORM_REDACTED;
	if (is_redacted != ((bits & MEMBER_REDACTED) != 0))
		return SOU_EFORMAT;
	if (!is_redacted)
		h->payload_bytes = (uint32_t)r->out.payload.n;
	r->payload_bytes += r->out.payload.n;
	if (r->payload_bytes > SOU_RUN_PAYLOAD_BYTES_MAX)
		return SOU_ELIMIT;
	return sou_payload_hash(&entry->payload, &entry->scratch, &h->payload_hash);
}

static int read_entry(struct batch_reader *r)
{
	struct sou_mp *m = &r->m;
	struct sou_header h = {.net = r->net,
			       .site = r->site,
			       .scope = r->scope,
			       .epoch = r->epoch,
			       .seq = r->seq,
			       .prev = r->prev,
			       .key = r->key};
	uint32_t members = sou_mp_array(m, UINT32_MAX);
	uint64_t bits = sou_mp_enum(m, MEMBERS_ALL), d = sou_mp_uint(m, UINT64_MAX);
	bool is_header_only = (bits & MEMBER_HEADER_ONLY) != 0;
	uint32_t wanted = 3 + (uint32_t)__builtin_popcountll(bits) + is_header_only;
	bool is_later = r->is_first || d > 0;
	if (members != wanted || !is_later || d > UINT64_MAX - r->hlc || r->is_closed ||
	    h.seq > SOU_SEQ_MAX || (is_header_only && (bits & MEMBER_REDACTED)))
		sou_mp_fail(m, SOU_EFORMAT);
	h.hlc = r->hlc + d;
	r->out.payload = (struct sou_span){NULL, 0};
	if (is_header_only)
		sou_mp_nil(m);
	else
		r->out.payload = sou_mp_bin(m, 1, SOU_REDACTED_BYTES_MAX);
	read_members(r, bits, &h);
	if (m->rc != SOU_OK)
		return m->rc;
	int rc = is_header_only ? SOU_OK : weigh_payload(r, bits, &h);
	if (rc != SOU_OK)
		return rc;
	sou_buf_clear(&r->header);
	sou_header_pack(&r->header, &h);
	if (r->header.failed)
		return SOU_ENOMEM;
	r->out.header = sou_buf_span(&r->header);
	struct sou_hash id = sou_entry_id(r->out.header);
	rc = sou_entry_take(&r->entry, &h, &id, !is_header_only);
	if (rc != SOU_OK)
		return rc;
	r->prev = id;
	r->hlc = h.hlc;
	r->seq++;
	r->is_first = false;
	r->is_closed = h.kind == SOU_ENTRY_OPENING;
	return SOU_OK;
}

int sou_batch_next(struct sou_batch *batch, const struct sou_batch_entry **out)
{
	struct batch_reader *r = &batch->read;
	if (r->m.rc == SOU_OK && r->entries_left == 0 && r->runs_left > 0)
		begin_run(r);
	if (r->m.rc == SOU_OK && r->entries_left == 0) {
		int rc = sou_mp_end(&r->m);
		if (rc == SOU_OK)
			*out = NULL;
		return rc;
	}
	int rc = r->m.rc != SOU_OK ? r->m.rc : read_entry(r);
	if (rc != SOU_OK) {
		sou_mp_fail(&r->m, rc); /* stays: the batch is refused */
		return rc;
	}
	r->entries_left--;
	r->out.entry = &r->entry;
	r->out.run = r->run;
	r->out.ends_run = r->entries_left == 0;
	*out = &r->out;
	return SOU_OK;
}
