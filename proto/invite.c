/* invite.c - the invite string: prefix, base64url, canonical array, check (P12.5). */
#include "invite.h"

#include "mp.h"

#define PREFIX_STEM "soukatsu"
#define PREFIX      PREFIX_STEM "1-"
#define CHECK_BYTES 4u
#define BYTES_MAX   (SOU_INVITE_TEXT_BYTES_MAX / 4 * 3)

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(uint8_t letter)
{
	for (int i = 0; i < 64; i++) {
		if ((uint8_t)letters[i] == letter)
			return i;
	}
	return -1;
}

/* soukatsu and another number: newer software; else something else. */
static enum sou_invite_fault prefix_fault(struct sou_span text)
{
	size_t n = strlen(PREFIX_STEM), digits = n;
	if (text.n < n || memcmp(text.p, PREFIX_STEM, n) != 0)
		return SOU_INVITE_OTHER;
	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	bool is_numbered =
		digits > n && digits < text.n && text.p[digits] == '-' && text.p[n] != '0';
	if (!is_numbered)
		return SOU_INVITE_OTHER;
	return digits == n + 1 && text.p[n] == '1' ? SOU_INVITE_GOOD : SOU_INVITE_NEWER;
}

/* Bytes of the letters; bits that are left over must be 0, else two texts would be one invite. */
static enum sou_invite_fault decode(struct sou_span text, uint8_t *out, size_t *n)
{
	uint32_t bits = 0;
	unsigned have = 0;
	*n = 0;
	for (size_t i = 0; i < text.n; i++) {
		int v = value_of(text.p[i]);
		if (v < 0)
			return SOU_INVITE_OTHER;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*n)++] = (uint8_t)(bits >> have);
		}
	}
	bool is_whole = have < 6 && (bits & ((1u << have) - 1)) == 0;
	return is_whole ? SOU_INVITE_GOOD : SOU_INVITE_MISTYPED;
}

static int read_members(struct sou_invite *out, struct sou_span bytes, uint64_t *version)
{
	struct sou_mp m = sou_mp_over(bytes);
	uint32_t members = sou_mp_array(&m, UINT32_MAX);
	*version = sou_mp_uint(&m, UINT64_MAX);
	if (m.rc != SOU_OK || *version != 0)
		return m.rc;
	struct sou_span address = sou_mp_str(&m, SOU_ADDRESS_BYTES_MAX);
	out->tls = sou_mp_hash(&m);
	out->genesis = sou_mp_hash(&m);
	out->net = sou_mp_id(&m);
	const uint8_t *secret = sou_mp_fixed(&m, sizeof out->secret);
	if (members != 6)
		sou_mp_fail(&m, SOU_EFORMAT);
	int rc = sou_mp_end(&m);
	if (rc != SOU_OK)
		return rc;
	if (!sou_address_fits(address))
		return SOU_EINPUT;
	memcpy(out->address, address.p, address.n);
	out->address[address.n] = '\0';
	memcpy(out->secret, secret, sizeof out->secret);
	return SOU_OK;
}

/* Of a text whose check does not fit: does it end before all members are there? */
static bool is_short(struct sou_span bytes)
{
	struct sou_mp m = sou_mp_over(bytes);
	if (bytes.n < 2 || bytes.p[0] != 0x96)
		return bytes.n < 2;
	m.p++; /* the array's head: its count may be above the bytes that are left */
	for (int i = 0; i < 6; i++)
		(void)sou_mp_any(&m, 0, 0);
	return m.rc != SOU_OK || (size_t)(m.end - m.p) < CHECK_BYTES;
}

static enum sou_invite_fault read_text(struct sou_invite *out, struct sou_span text, uint8_t *bytes,
				       size_t *n)
{
	enum sou_invite_fault fault = prefix_fault(text);
	if (fault != SOU_INVITE_GOOD)
		return fault;
	size_t prefix = strlen(PREFIX);
	if (text.n > SOU_INVITE_TEXT_BYTES_MAX)
		return SOU_INVITE_OTHER;
	fault = decode((struct sou_span){text.p + prefix, text.n - prefix}, bytes, n);
	if (fault == SOU_INVITE_OTHER)
		return fault;
	if (*n >= CHECK_BYTES && fault == SOU_INVITE_GOOD) {
		struct sou_span members = {bytes, *n - CHECK_BYTES};
		struct sou_hash check =
			sou_hash_bytes(SOU_DOMAIN_INVITE_CHECK, members.p, members.n);
		if (memcmp(check.b, bytes + members.n, CHECK_BYTES) == 0) {
			uint64_t version;
			int rc = read_members(out, members, &version);
			if (rc == SOU_OK && version != 0)
				return SOU_INVITE_NEWER;
			return rc == SOU_OK ? SOU_INVITE_GOOD : SOU_INVITE_UNSOUND;
		}
	}
	return is_short((struct sou_span){bytes, *n}) ? SOU_INVITE_SHORT : SOU_INVITE_MISTYPED;
}

int sou_invite_read(struct sou_invite *out, struct sou_span text, enum sou_invite_fault *fault)
{
	struct sou_invite invite;
	uint8_t bytes[BYTES_MAX];
	size_t n = 0;
	memset(&invite, 0, sizeof invite);
	enum sou_invite_fault found = read_text(&invite, text, bytes, &n);
	if (found == SOU_INVITE_GOOD)
		*out = invite;
	if (fault != NULL)
		*fault = found;
	sou_cleanse(&invite, sizeof invite);
	sou_cleanse(bytes, sizeof bytes);
	return found == SOU_INVITE_GOOD    ? SOU_OK
	       : found == SOU_INVITE_NEWER ? SOU_ETOONEW
					   : SOU_EINPUT;
}

static size_t encode(const uint8_t *bytes, size_t n, char *out)
{
	size_t made = 0;
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 6; have -= 6)
			out[made++] = letters[bits >> (have - 6) & 63];
	}
	if (have > 0)
		out[made++] = letters[bits << (6 - have) & 63];
	return made;
}

int sou_invite_write(const struct sou_invite *invite, char out[SOU_INVITE_TEXT_BYTES_MAX],
		     size_t *n)
{
	const struct sou_span address = {(const uint8_t *)invite->address, strlen(invite->address)};
	if (!sou_address_fits(address))
		return SOU_EINPUT;
	struct sou_buf buf = {0};
	if (!sou_buf_reserve(&buf,
			     BYTES_MAX)) /* once, so that no copy of the secret stays behind */
		return SOU_ENOMEM;
	sou_mp_put_array(&buf, 6);
	sou_mp_put_uint(&buf, 0);
	sou_mp_put_str(&buf, address.p, address.n);
	sou_mp_put_hash(&buf, &invite->tls);
	sou_mp_put_hash(&buf, &invite->genesis);
	sou_mp_put_id(&buf, &invite->net);
	sou_mp_put_bin(&buf, invite->secret, sizeof invite->secret);
	struct sou_hash check = sou_hash_bytes(SOU_DOMAIN_INVITE_CHECK, buf.p, buf.n);
	sou_buf_put(&buf, check.b, CHECK_BYTES);
	SOU_ASSERT(!buf.failed && strlen(PREFIX) + (buf.n * 8 + 5) / 6 < SOU_INVITE_TEXT_BYTES_MAX);
	size_t prefix = strlen(PREFIX);
	memcpy(out, PREFIX, prefix);
	*n = prefix + encode(buf.p, buf.n, out + prefix);
	out[*n] = '\0';
	sou_cleanse(buf.p, buf.n);
	sou_buf_fini(&buf);
	return SOU_OK;
}

bool sou_address_fits(struct sou_span address)
{
	size_t colon = address.n;
	unsigned long port = 0;
	while (colon > 0 && address.p[colon - 1] >= '0' && address.p[colon - 1] <= '9')
		colon--;
	size_t digits = address.n - colon;
	if (address.n > SOU_ADDRESS_BYTES_MAX || digits < 1 || digits > 5 ||
	    address.p[colon] == '0')
		return false;
	for (size_t i = colon; i < address.n; i++)
		port = 10 * port + (address.p[i] - '0');
	if (port > 65535 || colon < 2 || address.p[colon - 1] != ':')
		return false;
	for (size_t i = 0; i < colon - 1; i++) {
		if (address.p[i] <= ' ' || address.p[i] == 0x7f)
			return false;
	}
	return true;
}
