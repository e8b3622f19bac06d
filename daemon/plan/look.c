/* look.c - one field, one version, one origin at a time. */
#include "daemon/plan/look.h"

#include <string.h>

#include "daemon/replica/read.h"
#include "proto/mp.h"

void soud_look_reader(struct soud_look *look, struct soud_reader *reader, bool stays)
{
	*look = (struct soud_look){.store = soud_reader_store(reader),
				   .authority = soud_reader_authority(reader),
				   .self = soud_reader_identity(reader),
				   .reader = reader,
				   .stays = stays};
}

void soud_look_replica(struct soud_look *look, struct soud_replica *replica)
{
	*look = (struct soud_look){.store = soud_replica_store(replica),
				   .authority = soud_replica_authority(replica),
				   .self = soud_replica_identity(replica)};
}

int soud_look_begin(const struct soud_look *look, struct soud_look_view *view)
{
	view->own = !soud_store_in_transaction(look->store);
	return view->own ? soud_store_begin(look->store) : SOU_OK;
}

void soud_look_end(const struct soud_look *look, const struct soud_look_view *view)
{
	if (view->own)
		soud_store_rollback(look->store);
}

const struct sou_org *soud_look_own_org(const struct soud_look *look)
{
	const struct sou_line *line = sou_authority_site(look->authority, &look->self->site);
	return line != NULL ? sou_authority_org(look->authority, &line->org) : NULL;
}

/* A site whose key was withdrawn is sent nothing more, but what its own people wrote stays theirs
 * to read: they have to carry it elsewhere. */
static bool is_own(const struct sou_line *line, const struct sou_id *scope,
		   const struct sou_id *responsible, size_t responsible_count)
{
	struct sou_id own = sou_scope_id(SOU_SCOPE_ORG, &line->org);
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	bool is = sou_id_eq(scope, &own) || sou_id_eq(scope, &plan);
	for (size_t i = 0; i < responsible_count && !is; i++)
		is = sou_id_eq(&responsible[i], &line->org);
	return is;
}

bool soud_look_may_read(const struct soud_look *look, const struct sou_id *scope,
			const struct sou_id *responsible, size_t responsible_count)
{
	const struct sou_authority *a = look->authority;
	const struct sou_line *line = sou_authority_site(a, &look->self->site);
	if (line == NULL)
		return false;
	if (sou_authority_key_withdrawn(a, &line->site, &line->key_id))
		return is_own(line, scope, responsible, responsible_count);
	return sou_authority_may_read(a, &line->site, &line->key_id, scope, responsible,
				      responsible_count);
}

int soud_look_scope(const struct soud_look *look, const struct sou_id *scope, uint32_t *number,
		    bool *there)
{
	uint32_t found = 0;
	int rc = soud_store_scope_find(look->store, scope, &found);
	if (rc != SOU_OK && rc != SOU_EUNKNOWN)
		return rc;
	*number = found;
	*there = rc == SOU_OK;
	return SOU_OK;
}

int soud_look_live(const struct soud_look *look, uint32_t scope, const struct sou_live *live,
		   struct sou_span *out)
{
	if (live->redacted)
		return SOU_EUNKNOWN;
	struct sou_span value = live->value;
	if (value.p == NULL) {
		int rc = soud_store_value(look->store, scope, live, &value);
		if (rc != SOU_OK)
			return rc;
	}
	if (value.n == 0)
		return SOU_EUNKNOWN;
	*out = value;
	return SOU_OK;
}

static int first_value(const struct soud_look *look, uint32_t scope,
		       const struct sou_record *record, uint16_t field, struct sou_span *out)
{
	const struct sou_register *reg = sou_record_field(record, field);
	return reg != NULL ? soud_look_live(look, scope, &reg->live[0], out) : SOU_EUNKNOWN;
}

int soud_look_text(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		   uint16_t field, struct soud_pool *pool, const char **out)
{
	struct sou_span value, text;
	int rc = first_value(look, scope, record, field, &value);
	if (rc != SOU_OK)
		return rc;
	if (!soud_value_str(value, &text)) /* nil where the field may be nil */
		return SOU_EUNKNOWN;
	*out = soud_pool_text(pool, text);
	return pool->failed ? SOU_ENOMEM : SOU_OK;
}

int soud_look_uint(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		   uint16_t field, uint64_t *out)
{
	struct sou_span value;
	int rc = first_value(look, scope, record, field, &value);
	if (rc != SOU_OK)
		return rc;
	return soud_value_uint(value, out) ? SOU_OK : SOU_EUNKNOWN;
}

int soud_look_id(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		 uint16_t field, struct sou_id *out)
{
	struct sou_span value;
	int rc = first_value(look, scope, record, field, &value);
	if (rc != SOU_OK)
		return rc;
	return soud_value_id(value, out) ? SOU_OK : SOU_EUNKNOWN;
}

int soud_look_place(const struct soud_look *look, uint32_t scope, const struct sou_record *record,
		    struct soud_pool *pool, uint16_t field, struct sou_span *out)
{
	struct sou_span value;
	int rc = first_value(look, scope, record, field, &value);
	if (rc != SOU_OK)
		return rc;
	struct sou_mp m = sou_mp_over(value);
	struct sou_span place = sou_mp_bin(&m, SOU_PLACE_BYTES_MIN, SOU_PLACE_BYTES_MAX);
	if (sou_mp_end(&m) != SOU_OK)
		return SOU_EUNKNOWN;
	*out = soud_pool_bytes(pool, place);
	return pool->failed ? SOU_ENOMEM : SOU_OK;
}

const char *soud_hex(const struct sou_id *id, char out[SOUD_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof id->b; i++) {
		out[2 * i] = digits[id->b[i] >> 4];
		out[2 * i + 1] = digits[id->b[i] & 15u];
	}
	out[2 * sizeof id->b] = '\0';
	return out;
}

bool soud_hex_begins(const struct sou_id *id, const char *digits)
{
	char hex[SOUD_HEX_BYTES];
	return digits == NULL || strncmp(soud_hex(id, hex), digits, strlen(digits)) == 0;
}

int soud_place_cmp(struct sou_span a, const struct sou_id *a_id, struct sou_span b,
		   const struct sou_id *b_id)
{
	if ((a.n == 0) != (b.n == 0))
		return a.n == 0 ? 1 : -1;
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
	if (order == 0 && a.n != b.n)
		order = a.n < b.n ? -1 : 1;
	return order != 0 ? order : sou_id_cmp(a_id, b_id);
}

/* An own entry is received once the hub acknowledged it; whatever came over a link came from there.
 * The time is the hub's only where it is known to be of this very entry: an acknowledgement speaks
 * of the last one it covers. */
static int deliver(const struct soud_look *look, uint32_t scope, uint64_t arrival,
		   const struct soud_read_entry *entry, struct soud_origin *out)
{
	out->received_ms = -1;
	if (entry->verdict != SOU_ACCEPTED) {
		out->state = SOUD_HELD_HERE;
		return SOU_OK;
	}
	if (look->self->hub) {
		out->state = SOUD_RECEIVED;
		out->received_ms = entry->received_ms;
		return SOU_OK;
	}
	if (entry->source != 0) {
		out->state = SOUD_RECEIVED;
		return SOU_OK;
	}
	out->state = look->stays ? SOUD_LOCAL : SOUD_QUEUED;
	if (look->reader == NULL)
		return SOU_OK;
	struct sou_id id;
	struct soud_delivery delivery;
	int rc = soud_store_scope_id(look->store, scope, &id);
	if (rc == SOU_OK)
		rc = soud_reader_delivery(look->reader, &id, &delivery);
	if (rc == SOU_OK && arrival <= delivery.acked) {
		out->state = SOUD_RECEIVED;
		out->received_ms = arrival == delivery.acked ? delivery.acked_ms : -1;
	}
	return rc;
}

int soud_look_origin(const struct soud_look *look, uint32_t scope, uint64_t arrival,
		     struct soud_pool *pool, struct soud_origin *out)
{
	struct soud_read_entry entry;
	int rc = soud_read_entry(look->store, scope, arrival, &entry);
	if (rc != SOU_OK)
		return rc;
	struct soud_origin o = {.version = sou_hash_half(&entry.id),
				.site = entry.site,
				.for_org = entry.for_org,
				.hlc = entry.hlc,
				.verdict = entry.verdict,
				.own = sou_id_eq(&entry.site, &look->self->site)};
	o.by = entry.by_redacted ? NULL : soud_pool_text(pool, entry.by);
	o.site_name = o.site_org = "";
	const struct sou_line *line = sou_authority_key(look->authority, &entry.site, &entry.key);
	if (line != NULL) {
		const struct sou_org *org = sou_authority_org(look->authority, &line->org);
		o.site_name = soud_pool_text(pool, line->name);
		if (org != NULL)
			o.site_org = soud_pool_text(pool, org->handle);
		o.proxy = !sou_id_eq(&line->org, &entry.for_org);
	}
	rc = deliver(look, scope, arrival, &entry, &o);
	if (rc != SOU_OK)
		return rc;
	if (pool->failed)
		return SOU_ENOMEM;
	*out = o;
	return SOU_OK;
}
